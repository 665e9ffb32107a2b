// Package assets holds the console's committed bundles (script, style, fonts)
// and serves them: named by content, so a browser keeps them for ever and still
// never shows an old one. The console alone imports it. The bundles are made
// from web/ by tools/webbuild.
package assets

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed dist
var dist embed.FS

// Prefix is the path under which the bundles are served, to everybody: the
// login page needs them too.
const Prefix = "/assets/"

// Set is the embedded bundles by logical name.
type Set struct {
	names map[string]string // "console.js" → "console-AB12CD34.js"
	files map[string]*file  // by hashed name
}

type file struct {
	body  []byte
	kind  string
	zip   func() []byte // compressed once, when first asked for; nil where it does not help
	cache string
}

// Load reads the embedded bundles. An error means that the program was built
// from a tree without them.
func Load() (*Set, error) {
	raw, err := dist.ReadFile("dist/manifest.json")
	if err != nil {
		return nil, fmt.Errorf("console assets: no manifest (run `go run ./tools/webbuild`): %w", err)
	}
	s := &Set{names: map[string]string{}, files: map[string]*file{}}
	if err := json.Unmarshal(raw, &s.names); err != nil {
		return nil, fmt.Errorf("console assets: manifest: %w", err)
	}
	err = fs.WalkDir(dist, "dist", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := dist.ReadFile(p)
		if err != nil {
			return err
		}
		s.files[path.Base(p)] = newFile(path.Base(p), body)
		return nil
	})
	return s, err
}

func newFile(name string, body []byte) *file {
	f := &file{body: body, kind: mime.TypeByExtension(path.Ext(name)), cache: "public, max-age=31536000, immutable"}
	switch path.Ext(name) {
	case ".woff2":
		f.kind = "font/woff2"
	case ".js":
		f.kind = "text/javascript; charset=utf-8"
	}
	if path.Ext(name) != ".woff2" { // fonts are compressed already
		f.zip = sync.OnceValue(func() []byte {
			var out bytes.Buffer
			w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is valid
			_, _ = w.Write(body)                                    // a bytes.Buffer does not fail
			_ = w.Close()
			return out.Bytes()
		})
	}
	if !strings.Contains(name, "-") {
		f.cache = "no-cache" // manifest and licences are not named by content
	}
	return f
}

// URL is the address of a bundle by its logical name, "" where there is none.
func (s *Set) URL(name string) string {
	if hashed, ok := s.names[name]; ok {
		return Prefix + hashed
	}
	return ""
}

// Size is the length of a bundle in bytes, as it is and compressed.
func (s *Set) Size(name string) (plain, zipped int) {
	f := s.files[s.names[name]]
	if f == nil {
		return 0, 0
	}
	if f.zip == nil {
		return len(f.body), len(f.body)
	}
	return len(f.body), len(f.zip())
}

// ServeHTTP answers GET Prefix + hashed name.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := s.files[strings.TrimPrefix(r.URL.Path, Prefix)]
	if f == nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", f.cache)
	h.Set("X-Content-Type-Options", "nosniff")
	body := f.body
	if f.zip != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = f.zip()
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client went away: nobody to tell
	}
}

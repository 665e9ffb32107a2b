package provider

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// notice writes a valid document.
func notice(id, day string) string {
	return `{"document":{"category":"csaf_vex","csaf_version":"2.0","title":"t","publisher":{"category":"vendor","name":"Acme","namespace":"https://acme.example"},
"tracking":{"id":"` + id + `","version":"1","status":"final","initial_release_date":"` + day + `T00:00:00Z","current_release_date":"` + day + `T00:00:00Z",
"revision_history":[{"date":"` + day + `T00:00:00Z","number":"1","summary":"s"}]}},
"product_tree":{"full_product_names":[{"name":"Acme Lens","product_id":"1"}]},
"vulnerabilities":[{"cve":"CVE-2026-0001","notes":[{"category":"summary","text":"x"}],"product_status":{"under_investigation":["1"]}}]}`
}

func sum512(text string) string { s := sha512.Sum512([]byte(text)); return hex.EncodeToString(s[:]) }
func sum256(text string) string { s := sha256.Sum256([]byte(text)); return hex.EncodeToString(s[:]) }

// site is a provider made of files.
type site struct {
	*httptest.Server
	files map[string]string
	asked []string
}

func newSite(t *testing.T, files map[string]string) *site {
	s := &site{files: files}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked = append(s.asked, r.URL.Path)
		text, known := s.files[r.URL.Path]
		switch {
		case !known:
			http.NotFound(w, r)
		case strings.HasPrefix(text, "redirect "):
			http.Redirect(w, r, strings.TrimPrefix(text, "redirect "), http.StatusFound)
		default:
			_, _ = w.Write([]byte(strings.ReplaceAll(text, "HOST", s.URL)))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// listed is an entry of a feed; endings are of the files beside the document.
func listed(path string, endings ...string) string {
	links := `{"rel":"self","href":"HOST` + path + `"}`
	for _, e := range endings {
		rel := "hash"
		if e == ".asc" {
			rel = "signature"
		}
		links += `,{"rel":"` + rel + `","href":"HOST` + path + e + `"}`
	}
	return `{"id":"` + path + `","link":[` + links + `],"content":{"src":"HOST` + path + `"}}`
}

func feed(entries ...string) string { return `{"feed":{"entry":[` + strings.Join(entries, ",") + `]}}` }

const meta = `{"canonical_url":"x","distributions":[{"rolie":{"feeds":[{"url":"HOST/feed.json"}]}}]}`

// run fetches and gives the kept files and what was refused.
func run(t *testing.T, s *site, dir string, change func(*Options)) (*Report, []string, []string, error) {
	t.Helper()
	var refused []string
	o := Options{Metadata: s.URL + "/provider-metadata.json", Dir: dir, Client: s.Client(), OnReject: func(d string, err error) {
		refused = append(refused, strings.TrimPrefix(d, s.URL)+": "+err.Error())
	}}
	if change != nil {
		change(&o)
	}
	r, err := Fetch(t.Context(), o)
	var kept []string
	_ = filepath.Walk(dir, func(name string, info os.FileInfo, _ error) error {
		if info != nil && !info.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			kept = append(kept, filepath.ToSlash(rel))
		}
		return nil
	})
	return r, kept, refused, err
}

func TestFetch(t *testing.T) {
	a, b, c := notice("ACME-1", "2026-01-02"), notice("ACME-2", "2026-01-03"), notice("ACME-3", "2026-01-04")
	s := newSite(t, map[string]string{
		"/provider-metadata.json": meta,
		"/feed.json": feed(listed("/2026/acme-1.json", ".sha256", ".sha512"), listed("/2026/acme-2.json", ".sha256"), listed("/x/acme-3.json"),
			listed("/2026/acme-4.json", ".sha512"), listed("/2026/acme-5.json"), listed("/2026/acme-6.json"), listed("/2026/ACME-7.json"),
			`{"id":"nothing"}`, `{"id":"away","content":{"src":"https://elsewhere.example/2026/a.json"}}`, listed("/2026/acme-8.json"), listed("/2026/acme-9.json", ".sha512")),
		"/2026/acme-1.json": a, "/2026/acme-1.json.sha512": sum512(a) + "  acme-1.json", "/2026/acme-1.json.sha256": "wrong, and not asked for",
		"/2026/acme-2.json": b, "/2026/acme-2.json.sha256": sum256(b),
		"/x/acme-3.json":    c,
		"/2026/acme-4.json": a, "/2026/acme-4.json.sha512": sum512(b),
		"/2026/acme-5.json": "{",
		"/2026/acme-6.json": a, // another id
		"/2026/acme-8.json": "redirect https://elsewhere.example/x.json",
		"/2026/acme-9.json": a, "/2026/acme-9.json.sha512": "zz",
	})
	dir := t.TempDir()
	r, kept, refused, err := run(t, s, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"2026/acme-1.json", "2026/acme-2.json", "other/acme-3.json"}; !slices.Equal(kept, want) {
		t.Errorf("kept %q, want %q", kept, want)
	}
	if *r != (Report{Feeds: 1, Listed: 11, Fetched: 3, Unproven: 1, Rejected: 8}) {
		t.Errorf("%+v", *r)
	}
	for i, want := range []string{"/2026/acme-4.json: its SHA-512 hash is another", "/2026/acme-5.json: /: is not JSON", "/2026/acme-6.json: its id is ACME-1",
		`/2026/ACME-7.json: "ACME-7.json" is no name of a document`, "nothing: the feed gives no address", "a.json: https://elsewhere.example/2026/a.json is on a host that was not named",
		"is on a host that was not named", "holds no SHA-512 hash"} {
		if i >= len(refused) || !strings.Contains(refused[i], want) {
			t.Fatalf("refused %q, want %q", refused, want)
		}
	}
	// Again: nothing changed, and with the hash the document is not even asked for.
	s.asked = nil
	r, _, _, err = run(t, s, dir, nil)
	if err != nil || r.Fetched != 0 || r.Unchanged != 3 || slices.Contains(s.asked, "/2026/acme-1.json") {
		t.Errorf("again: %+v, %v, asked %q", *r, err, s.asked)
	}
	// An older release does not replace a newer one, a newer one does.
	s.files["/x/acme-3.json"] = notice("ACME-3", "2026-01-01")
	if _, _, refused, _ = run(t, s, dir, nil); !slices.ContainsFunc(refused, func(t string) bool { return strings.Contains(t, "older than the one that is kept") }) {
		t.Errorf("an older release was taken: %q", refused)
	}
	s.files["/x/acme-3.json"] = notice("ACME-3", "2026-02-01")
	if r, _, _, _ = run(t, s, dir, nil); r.Fetched != 1 {
		t.Errorf("a newer release was not taken: %+v", *r)
	}
}

func TestSignatures(t *testing.T) {
	key, other := entity(t), entity(t)
	a := notice("ACME-1", "2026-01-02")
	sign := func(by *openpgp.Entity, text string) string {
		var b bytes.Buffer
		if err := openpgp.ArmoredDetachSign(&b, by, strings.NewReader(text), nil); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	s := newSite(t, map[string]string{
		"/provider-metadata.json": meta,
		"/feed.json":              feed(listed("/2026/acme-1.json", ".asc"), listed("/2026/acme-2.json", ".asc"), listed("/2026/acme-3.json"), listed("/2026/acme-4.json", ".asc")),
		"/2026/acme-1.json":       a, "/2026/acme-1.json.asc": sign(key, a),
		"/2026/acme-2.json": notice("ACME-2", "2026-01-02"), "/2026/acme-2.json.asc": sign(other, notice("ACME-2", "2026-01-02")),
		"/2026/acme-3.json": notice("ACME-3", "2026-01-02"),
		"/2026/acme-4.json": notice("ACME-4", "2026-01-02"), "/2026/acme-4.json.asc": sign(key, a),
	})
	r, kept, refused, err := run(t, s, t.TempDir(), func(o *Options) { o.Keys = public(t, key) })
	if err != nil || !slices.Equal(kept, []string{"2026/acme-1.json"}) || r.Unproven != 0 || len(refused) != 3 {
		t.Errorf("kept %q, refused %q, %v", kept, refused, err)
	}
	for i, want := range []string{"by none of the keys", "is not signed", "by none of the keys"} {
		if !strings.Contains(refused[i], want) {
			t.Errorf("%q, want %q", refused[i], want)
		}
	}
	if _, _, _, err := run(t, s, t.TempDir(), func(o *Options) { o.Keys = []byte("no key") }); err == nil {
		t.Error("what is no key was taken for one")
	}
}

func entity(t *testing.T) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("Acme", "", "psirt@acme.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func public(t *testing.T, e *openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Serialize(w); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	return b.Bytes()
}

func TestAggregator(t *testing.T) {
	a := notice("ACME-1", "2026-01-02")
	s := newSite(t, map[string]string{
		"/provider-metadata.json": `{"aggregator":{},"csaf_providers":[
 {"metadata":{"url":"https://elsewhere.example/p.json"},"mirrors":["HOST/mirror/p.json"]},
 {"metadata":{"url":"https://elsewhere.example/q.json"}},{"metadata":{"url":"HOST/provider-metadata.json"}}]}`,
		"/mirror/p.json": meta, "/feed.json": feed(listed("/2026/acme-1.json")), "/2026/acme-1.json": a,
	})
	_, kept, _, err := run(t, s, t.TempDir(), nil)
	if !slices.Equal(kept, []string{"2026/acme-1.json"}) {
		t.Errorf("kept %q", kept)
	}
	for _, want := range []string{"elsewhere.example/q.json is on a host that was not named", "an aggregator within an aggregator"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestWhatIsNoProvider(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"nothing there":  {},
		"no JSON":        {"/provider-metadata.json": "<html>"},
		"no feeds":       {"/provider-metadata.json": `{"canonical_url":"x","distributions":[{"directory_url":"HOST/"}]}`},
		"feed not there": {"/provider-metadata.json": meta},
		"feed is a list": {"/provider-metadata.json": meta, "/feed.json": "[]"},
		"redirects on":   {"/provider-metadata.json": "redirect /provider-metadata.json"},
	} {
		s := newSite(t, files)
		if _, kept, _, err := run(t, s, t.TempDir(), nil); err == nil || len(kept) > 0 {
			t.Errorf("%s: kept %q, %v", name, kept, err)
		}
	}
	for _, address := range []string{"http://acme.example/p.json", "acme", "", "https:///x"} {
		if _, err := Fetch(t.Context(), Options{Metadata: address, Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "is no https address") {
			t.Errorf("%q: %v", address, fmt.Sprint(err))
		}
	}
}

// Command webbuild bundles the console's TypeScript and CSS into
// internal/console/assets, where the program embeds them. It exists so that the
// console needs no Node.js at run time and a build needs none either: the output
// is committed, named by its content, and compared in CI.
//
// Run from the root of the repository:
//
//	go run ./tools/webbuild          bundle (runs `npm ci` first where web/node_modules is missing)
//	go run ./tools/webbuild -check   bundle in memory, check the types, and fail where the committed output differs
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

const (
	webDir = "web"
	outDir = "internal/console/assets/dist"
	axeOut = "internal/console/testdata/axe.min.js" // the accessibility checker of the browser tests
)

// licensed are the packages whose work ends up in the bundles; their licence
// texts are shipped beside them.
var licensed = []string{
	"@fontsource-variable/inter", "@fontsource-variable/jetbrains-mono",
	"htmx.org", "htmx-ext-sse", "idiomorph", "maplibre-gl", "pmtiles", "fflate", "cytoscape",
}

func main() {
	check := flag.Bool("check", false, "write nothing; fail where the committed output is not what the sources give")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "webbuild:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	if _, err := os.Stat(filepath.Join(webDir, "node_modules")); errors.Is(err, os.ErrNotExist) {
		if err := command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"); err != nil {
			return err
		}
	}
	if err := command("node_modules/.bin/tsc", "--noEmit", "-p", "."); err != nil {
		return fmt.Errorf("types do not hold: %w", err)
	}
	files, err := build()
	if err != nil {
		return err
	}
	if check {
		return compare(files)
	}
	return write(files)
}

// command runs a tool inside web/.
func command(name string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), name, args...) //nolint:gosec // G204: the callers name the tools
	cmd.Dir, cmd.Stdout, cmd.Stderr = webDir, os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// build returns the files to commit by path relative to the repository root.
func build() (map[string][]byte, error) {
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: mustAbs(webDir),
		EntryPointsAdvanced: []api.EntryPoint{
			{InputPath: "src/console.ts", OutputPath: "console"},
			{InputPath: "src/map.ts", OutputPath: "map"},
			{InputPath: "src/network.ts", OutputPath: "network"},
			{InputPath: "css/console.css", OutputPath: "style"},
			{InputPath: "css/map.css", OutputPath: "map-style"},
		},
		Bundle: true, MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		Format: api.FormatIIFE, Target: api.ES2022, Charset: api.CharsetUTF8,
		EntryNames: "[name]-[hash]", AssetNames: "[name]-[hash]",
		Loader:        map[string]api.Loader{".woff2": api.LoaderFile},
		LegalComments: api.LegalCommentsNone, // the texts are in licences.txt
		Outdir:        mustAbs(outDir), Metafile: true, Write: false,
		LogLevel: api.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return nil, fmt.Errorf("%d errors in the sources of web/", len(result.Errors))
	}
	files, manifest := map[string][]byte{}, map[string]string{}
	for _, f := range result.OutputFiles {
		name := filepath.Base(f.Path)
		files[filepath.Join(outDir, name)] = f.Contents
		manifest[logical(name)] = name
	}
	worker, err := os.ReadFile(filepath.Join(webDir, "node_modules/maplibre-gl/dist/maplibre-gl-csp-worker.js"))
	if err != nil {
		return nil, err
	}
	worker = worker[:max(bytes.LastIndex(worker, []byte("//# sourceMappingURL")), 0)]
	if len(worker) == 0 {
		return nil, errors.New("maplibre-gl-csp-worker.js no longer ends in a source map reference: look at how it is packaged now")
	}
	sum := sha256.Sum256(worker)
	name := "map-worker-" + strings.ToUpper(hex.EncodeToString(sum[:]))[:8] + ".js"
	files[filepath.Join(outDir, name)], manifest["map-worker.js"] = worker, name
	return files, finish(files, manifest)
}

// finish adds the manifest, the licences and the test asset.
func finish(files map[string][]byte, manifest map[string]string) error {
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return err
	}
	files[filepath.Join(outDir, "manifest.json")] = append(text, '\n')
	if files[filepath.Join(outDir, "licences.txt")], err = licences(); err != nil {
		return err
	}
	files[axeOut], err = os.ReadFile(filepath.Join(webDir, "node_modules/axe-core/axe.min.js"))
	return err
}

// logical takes the hash out of a bundle's name: "console-AB12CD34.js" is "console.js".
func logical(name string) string {
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	if i := strings.LastIndexByte(stem, '-'); i > 0 {
		stem = stem[:i]
	}
	return stem + ext
}

func licences() ([]byte, error) {
	var out bytes.Buffer
	for _, pkg := range licensed {
		dir := filepath.Join(webDir, "node_modules", pkg)
		var text []byte
		for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md"} {
			if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				text = b
				break
			}
		}
		if text == nil { // a package that names its licence and ships no text of it
			text, _ = os.ReadFile(filepath.Join(webDir, "licences", pkg+".txt"))
		}
		if text == nil {
			return nil, fmt.Errorf("package %s has no licence file", pkg)
		}
		fmt.Fprintf(&out, "%s\n%s\n\n%s\n\n", pkg, strings.Repeat("=", len(pkg)), bytes.TrimSpace(text))
	}
	return out.Bytes(), nil
}

// compare tells which committed files differ from what the sources give.
func compare(files map[string][]byte) error {
	var bad []string
	for path, want := range files {
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, want) {
			bad = append(bad, path)
		}
	}
	extra, err := stale(files)
	if err != nil {
		return err
	}
	if bad = append(bad, extra...); len(bad) > 0 {
		slices.Sort(bad)
		return fmt.Errorf("the committed bundles are not those of web/ (run `go run ./tools/webbuild`): %s", strings.Join(bad, ", "))
	}
	return nil
}

// stale lists files of the output folder that the build no longer makes.
func stale(files map[string][]byte) ([]string, error) {
	entries, err := os.ReadDir(outDir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if path := filepath.Join(outDir, e.Name()); files[path] == nil {
			out = append(out, path)
		}
	}
	return out, nil
}

func write(files map[string][]byte) error {
	old, err := stale(files)
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for path, body := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func mustAbs(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		panic(err) // the working directory is gone: nothing can be built
	}
	return abs
}

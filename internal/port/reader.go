package port

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// Bounds of a port file.
const (
	MaxBytes      = strictyaml.MaxBytes // of one file
	maxFiles      = 500                 // files of one port
	maxTotalBytes = 96 << 20            // of all files together
	maxPerKind    = 200_000             // assets, zones, … of one kind
)

// firstFile is the file that a directory is read from first.
const firstFile = "port.yaml"

// notPort are YAML files that may lie in the directory and are no part of the port.
var notPort = []string{"quaywatch.yaml", "quaywatch.yml", "risk.yaml"}

// fileList is a list of files, or one file without the list.
type fileList []string

// document is one file of a port.
type document struct {
	Include   fileList `yaml:"include"`
	AssetsCSV fileList `yaml:"assets_csv"`
	Port      `yaml:",inline"`
}

// reader gathers one port from its files.
type reader struct {
	fsys     fs.FS  // nil: nothing can be included
	shown    string // how the directory is written in problems
	port     Port
	sources  *sources
	problems Problems
	order    []string        // files as shown, in the order of reading
	seen     map[string]bool // files read, by slash path below fsys
	bytes    int
	partial  bool // something could not be read at all
}

func newReader(fsys fs.FS, shown string) *reader {
	return &reader{fsys: fsys, shown: shown, sources: newSources(), seen: map[string]bool{}}
}

// show is a file as the user would write it.
func (r *reader) show(name string) string {
	if r.shown == "" {
		return name
	}
	return filepath.Join(r.shown, filepath.FromSlash(name))
}

// mention is the place where one file names another.
type mention struct {
	positions *strictyaml.Positions
	path      string
}

// incomplete reports whether a whole file, list or item could not be read, so
// that names which lead nowhere are no news.
func (r *reader) incomplete() bool {
	return r.partial || slices.ContainsFunc(r.problems, func(p Problem) bool {
		return !p.Warning && wholePart.MatchString(p.Path)
	})
}

// wholePart matches the paths of a file, a section, an item and its id.
var wholePart = regexp.MustCompile(`^([a-z_]+(\[\d+\](\.access_points\[\d+\])?(\.id)?)?)?$`)

// fault tells that a file can't be read, at the place that names it.
func (r *reader) fault(at *mention, name, text, hint string) {
	r.partial = true
	if at != nil {
		r.problems = append(r.problems, at.positions.Problem(at.path, text, hint))
		return
	}
	r.problems = append(r.problems, Problem{File: r.show(name), Line: 1, Column: 1, Text: text, Hint: hint})
}

// contents reads a file within the bounds.
func (r *reader) contents(name string, at *mention) ([]byte, bool) {
	if len(r.seen) >= maxFiles {
		r.fault(at, name, fmt.Sprintf("more than %d files", maxFiles), "join small files")
		return nil, false
	}
	r.seen[name] = true
	f, err := r.fsys.Open(name)
	if err != nil {
		hint := "the path is taken from the directory of the file that names it"
		if near := r.nearFile(name); near != "" {
			hint = "did you mean \"" + near + "\"?"
		}
		r.fault(at, name, fmt.Sprintf("can't open %q: %v", name, cause(err)), hint)
		return nil, false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(maxTotalBytes-r.bytes)+1))
	if err != nil {
		r.fault(at, name, fmt.Sprintf("can't read %q: %v", name, cause(err)), "name a file, not a directory")
		return nil, false
	}
	if r.bytes += len(data); r.bytes > maxTotalBytes {
		r.fault(at, name, fmt.Sprintf("the files together have more than %d MiB", maxTotalBytes>>20), "keep large inventories in CSV")
		return nil, false
	}
	return data, true
}

// nearFile finds the file of the same directory with the nearest name.
func (r *reader) nearFile(name string) string {
	entries, err := fs.ReadDir(r.fsys, path.Dir(name))
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strictyaml.Nearest(path.Base(name), names)
}

// cause strips the path of a file error, which the message has already.
func cause(err error) error {
	var perr *fs.PathError
	if errors.As(err, &perr) {
		return perr.Err
	}
	return err
}

// directory reads every YAML file of the root, port.yaml first.
func (r *reader) directory() {
	entries, err := fs.ReadDir(r.fsys, ".")
	if err != nil {
		r.fault(nil, ".", "can't list the directory: "+cause(err).Error(), "")
		return
	}
	var names []string
	for _, e := range entries {
		if ext := path.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml") &&
			!strings.HasPrefix(e.Name(), ".") && !slices.Contains(notPort, e.Name()) {
			names = append(names, e.Name())
		}
	}
	if at := slices.Index(names, firstFile); at > 0 {
		names = slices.Insert(slices.Delete(names, at, at+1), 0, firstFile)
	}
	if len(names) == 0 {
		r.fault(nil, firstFile, "no .yaml file in the directory", "write one with: quaywatch port init "+r.show(firstFile))
		return
	}
	for _, name := range names {
		if !r.seen[name] {
			r.file(name, nil)
		}
	}
}

// file reads one YAML file and what it includes.
func (r *reader) file(name string, at *mention) {
	if data, ok := r.contents(name, at); ok {
		r.document(name, r.show(name), data)
	}
}

func (r *reader) document(name, shown string, data []byte) {
	r.order = append(r.order, shown)
	var doc document
	positions, problems := strictyaml.Decode(shown, data, &doc, decodeOptions...)
	r.problems = append(r.problems, problems...)
	r.take(&doc.Port, positions)
	for i, include := range doc.Include {
		if target, at, ok := r.resolve(name, include, positions, listPath(positions, "include", i)); ok {
			r.file(target, at)
		}
	}
	for i, file := range doc.AssetsCSV {
		target, at, ok := r.resolve(name, file, positions, listPath(positions, "assets_csv", i))
		if !ok {
			continue
		}
		if table, ok := r.contents(target, at); ok {
			r.assets(r.show(target), table)
		}
	}
}

// listPath is the path of item i of a list that may be written as one value.
func listPath(p *strictyaml.Positions, key string, i int) string {
	if item := strictyaml.Item(key, i); p.Has(item) {
		return item
	}
	return key
}

// resolve turns what a file names into a path below the root, once.
func (r *reader) resolve(from, name string, p *strictyaml.Positions, where string) (string, *mention, bool) {
	at := &mention{p, where}
	target := path.Join(path.Dir(filepath.ToSlash(from)), name)
	switch {
	case r.fsys == nil:
		r.fault(at, name, "other files can't be read from here", "save the port file to disk to include files")
	case name == "" || path.IsAbs(name) || !fs.ValidPath(target):
		r.fault(at, name, fmt.Sprintf("%q lies outside the directory of the port file", name), "write a path below it, such as zones.yaml")
	case r.seen[target]:
		r.fault(at, name, fmt.Sprintf("%q is read already", name), "name each file once")
	default:
		return target, at, true
	}
	return "", nil, false
}

// finish checks the whole and builds the index.
func (r *reader) finish(now time.Time) (*Port, Problems) {
	p := &r.port
	c := newChecker(r, now)
	c.check()
	problems := append(r.problems, c.problems...)
	problems.Sort(r.order)
	problems = slices.Compact(problems)
	if len(problems.Faults()) > 0 {
		return nil, problems
	}
	p.index = newIndex(p)
	return p, problems
}

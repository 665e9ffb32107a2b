package strictyaml

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Positions finds the line and column of a path in a document that [Decode]
// read. A path is written as problems show it: "zones[3].networks[0]"; a key
// that holds a dot or a bracket is written ["like.this"].
//
// It is read-only and may be used from several goroutines.
type Positions struct {
	file string
	root *yaml.Node // nil: an empty document
}

// File is the name that the document was read under.
func (p *Positions) File() string { return p.file }

// At returns the line and column, both from 1, of the value at path. Where the
// path does not exist in the document (a missing key), it is the place of the
// nearest part of the path that does.
func (p *Positions) At(path string) (line, column int) {
	n, _ := p.find(path)
	if n == nil {
		return 1, 1
	}
	return max(n.Line, 1), max(n.Column, 1)
}

// Has reports whether the document gives a value at path.
func (p *Positions) Has(path string) bool {
	_, ok := p.find(path)
	return ok
}

// Text returns the scalar at path as it is written in the document, without
// quotes; false where there is none.
func (p *Positions) Text(path string) (string, bool) {
	n, ok := p.find(path)
	if !ok || n == nil || n.Kind != yaml.ScalarNode {
		return "", false
	}
	return n.Value, true
}

// Problem makes a problem that points at path.
func (p *Positions) Problem(path, text, hint string) Problem {
	line, column := p.At(path)
	return Problem{File: p.file, Line: line, Column: column, Path: path, Text: text, Hint: hint}
}

// Warning is Problem for what does not stop the document from being used.
func (p *Positions) Warning(path, text, hint string) Problem {
	w := p.Problem(path, text, hint)
	w.Warning = true
	return w
}

// find walks the document along path. It returns the node reached last and
// whether that is the end of the path.
func (p *Positions) find(path string) (*yaml.Node, bool) {
	n := p.root
	for depth := 0; path != ""; depth++ {
		n = followAlias(n)
		key, index, rest, ok := nextStep(path)
		if n == nil || !ok || depth > maxDepth {
			return n, false
		}
		next := child(n, key, index)
		if next == nil {
			return n, false
		}
		n, path = next, rest
	}
	return n, n != nil
}

// child returns the value of a mapping's key, or an item of a sequence where
// index is not negative; nil where there is none.
func child(n *yaml.Node, key string, index int) *yaml.Node {
	if index >= 0 {
		if n.Kind != yaml.SequenceNode || index >= len(n.Content) {
			return nil
		}
		return n.Content[index]
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// nextStep takes the first step off a path; index is -1 where the step is a key.
func nextStep(path string) (key string, index int, rest string, ok bool) {
	path = strings.TrimPrefix(path, ".")
	if !strings.HasPrefix(path, "[") {
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		return path[:end], -1, path[end:], end > 0
	}
	if quoted, err := strconv.QuotedPrefix(path[1:]); err == nil {
		key, _ = strconv.Unquote(quoted)
		rest, ok = strings.CutPrefix(path[1+len(quoted):], "]")
		return key, -1, rest, ok
	}
	digits, rest, found := strings.Cut(path[1:], "]")
	index, err := strconv.Atoi(digits)
	return "", index, rest, found && err == nil && index >= 0
}

// Key returns path extended by a key, quoted where the key needs it.
func Key(path, key string) string {
	if key == "" || strings.ContainsAny(key, ".[]\"") {
		return path + "[" + strconv.Quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// Item returns path extended by the index of an item.
func Item(path string, index int) string { return path + "[" + strconv.Itoa(index) + "]" }

func followAlias(n *yaml.Node) *yaml.Node {
	for hops := 0; n != nil && n.Kind == yaml.AliasNode; hops++ {
		if hops > maxDepth {
			return nil
		}
		n = n.Alias
	}
	return n
}

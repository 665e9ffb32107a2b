package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a document. They are far above any file that a person keeps and far
// below what would exhaust a machine.
const (
	MaxBytes    = 64 << 20 // of one document
	MaxProblems = 1000     // collected for one document; the last one says that there were more

	maxDepth   = 64      // of nesting
	maxAliased = 100_000 // values reached through aliases, so that aliases of aliases can't explode
)

// Option changes how [Decode] reads.
type Option func(*decoder)

// Scalar makes Decode read a plain value into T by parse, where T would
// otherwise be a struct, a list or a text of its own. The error of parse is
// shown to the user after the value: it says what is expected. A T may still be
// written in its usual long form.
func Scalar[T any](parse func(text string) (T, error)) Option {
	return func(d *decoder) {
		d.scalars[reflect.TypeFor[T]()] = func(text string, v reflect.Value) error {
			t, err := parse(text)
			if err == nil {
				v.Set(reflect.ValueOf(t))
			}
			return err
		}
	}
}

// Decode reads one YAML document into out, a pointer to a struct. What the
// document does not mention keeps the value that it had, so defaults are set
// before. file only names the document in problems.
//
// Fields are matched by their yaml tag (name, ",inline" for an embedded struct,
// "-" for none; without a tag the lower-case field name). The tag
// strict:"digits" reads an integer from decimal digits that may begin with
// zeros, which YAML would read as octal. Understood are structs, maps with text
// keys, slices, arrays of exact length, pointers, text, booleans, integers,
// floats, [time.Time] (a date, or RFC 3339), [time.Duration] (with "d" for
// days), the types of net/netip, every encoding.TextUnmarshaler, and what
// [Scalar] adds. Numbers are taken verbatim where text is expected: firmware:
// 2.10 is "2.10".
//
// All problems are collected. What has a problem keeps the value that it had;
// the rest is read. An empty document is no problem.
func Decode(file string, data []byte, out any, options ...Option) (*Positions, Problems) {
	d := &decoder{file: file, scalars: map[reflect.Type]scalarFunc{}}
	for _, o := range options {
		o(d)
	}
	root := d.parse(data)
	if root != nil {
		d.value(root, reflect.ValueOf(out).Elem())
	}
	d.problems.Sort([]string{file})
	return &Positions{file: file, root: root}, d.problems
}

type scalarFunc func(text string, v reflect.Value) error

// decoder walks the nodes of one document.
type decoder struct {
	file     string
	scalars  map[reflect.Type]scalarFunc
	problems Problems
	path     []step // from the root to the value at hand
	aliases  int    // how many aliases the value at hand was reached through
	aliased  int    // values reached through aliases so far
	full     bool   // a bound was hit and told
}

// step is a key, or an index where it is not negative.
type step struct {
	key   string
	index int
}

func (d *decoder) push(key string, index int) { d.path = append(d.path, step{key, index}) }
func (d *decoder) pop()                       { d.path = d.path[:len(d.path)-1] }

func (d *decoder) pathText() string {
	path := ""
	for _, s := range d.path {
		if s.index >= 0 {
			path = Item(path, s.index)
		} else {
			path = Key(path, s.key)
		}
	}
	return path
}

func (d *decoder) problem(n *yaml.Node, text, hint string) {
	if len(d.problems) >= MaxProblems {
		if !d.full {
			d.full = true
			d.problems = append(d.problems, Problem{File: d.file, Line: max(n.Line, 1), Column: max(n.Column, 1),
				Text: fmt.Sprintf("more than %d problems; the rest is not shown", MaxProblems)})
		}
		return
	}
	d.problems = append(d.problems, Problem{File: d.file, Line: max(n.Line, 1), Column: max(n.Column, 1),
		Path: d.pathText(), Text: text, Hint: hint})
}

// parse turns bytes into nodes. nil means that there is nothing to read.
func (d *decoder) parse(data []byte) (root *yaml.Node) {
	if p, bad := d.checkBytes(data); bad {
		d.problems = append(d.problems, p)
		return nil
	}
	// The parser is large and old; a panic of it must not take the product down
	// because of what somebody wrote into a file.
	defer func() {
		if r := recover(); r != nil {
			root = nil
			d.problem(&yaml.Node{}, "the YAML can't be read", "the reader failed inside; simplify the document")
		}
	}()
	reader := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	if err := reader.Decode(&document); err != nil {
		if !errors.Is(err, io.EOF) {
			d.problems = append(d.problems, d.syntaxProblem(data, err))
		}
		return nil
	}
	err := reader.Decode(&second)
	switch {
	case err == nil:
		d.problem(&second, "a second document begins here", "only one document is read; remove the line ---")
	case !errors.Is(err, io.EOF):
		d.problems = append(d.problems, d.syntaxProblem(data, err))
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) == 0 {
		return nil
	}
	root = document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" && root.Value == "" {
		return nil
	}
	return root
}

// value reads n into v.
func (d *decoder) value(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		d.alias(n, v)
		return
	}
	if d.aliases > 0 && !d.countAliased(n) {
		return
	}
	if len(d.path) > maxDepth {
		d.problem(n, fmt.Sprintf("nested deeper than %d levels", maxDepth), "")
		return
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		d.problem(n, "has no value", "give it a value, or remove the key")
		return
	}
	if v.Kind() == reflect.Pointer {
		d.pointer(n, v)
		return
	}
	if n.Kind == yaml.ScalarNode && d.scalar(n, v) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Map:
		d.mapping(n, v)
	case reflect.Slice:
		d.slice(n, v)
	case reflect.Array:
		d.array(n, v)
	default:
		d.problem(n, "is "+kindOf(n)+", "+wanted(v.Type())+" is expected", "")
	}
}

func (d *decoder) alias(n *yaml.Node, v reflect.Value) {
	if n.Alias == nil || d.aliases > maxDepth {
		d.problem(n, "the alias *"+n.Value+" leads nowhere", "an alias can't hold itself")
		return
	}
	d.aliases++
	d.value(n.Alias, v)
	d.aliases--
}

// countAliased bounds what aliases multiply. It reports whether to go on.
func (d *decoder) countAliased(n *yaml.Node) bool {
	d.aliased++
	if d.aliased == maxAliased {
		d.problem(n, fmt.Sprintf("aliases unfold to more than %d values", maxAliased), "write fewer aliases of aliases")
	}
	return d.aliased < maxAliased
}

func (d *decoder) pointer(n *yaml.Node, v reflect.Value) {
	if !v.IsNil() {
		d.value(n, v.Elem())
		return
	}
	fresh := reflect.New(v.Type().Elem())
	d.value(n, fresh.Elem())
	v.Set(fresh)
}

// pairs calls visit for each key of a mapping, once.
func (d *decoder) pairs(n *yaml.Node, visit func(key, value *yaml.Node)) {
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch first, twice := lines[key.Value]; {
		case key.Tag == "!!merge":
			d.problem(key, "merge keys (<<) are not read", "write the keys out")
		case key.Kind != yaml.ScalarNode || key.Tag == "!!null":
			d.problem(key, "a key must be plain text", "")
		case twice:
			d.push(key.Value, -1)
			d.problem(key, fmt.Sprintf("key %s is given twice, first on line %d", quote(key.Value), first), "keep one of them")
			d.pop()
		default:
			lines[key.Value] = key.Line
			d.push(key.Value, -1)
			visit(key, n.Content[i+1])
			d.pop()
		}
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.problem(n, "is "+kindOf(n)+", keys and values are expected", "known here: "+join(fieldsOf(v.Type()).names))
		return
	}
	fields := fieldsOf(v.Type())
	d.pairs(n, func(key, value *yaml.Node) {
		f, ok := fields.byName[key.Value]
		if !ok {
			d.problem(key, "unknown key "+quote(key.Value), didYouMean(key.Value, fields.names))
			return
		}
		target := v.FieldByIndex(f.index)
		if f.digits && value.Kind == yaml.ScalarNode && value.Tag != "!!null" {
			d.digits(value, target)
			return
		}
		d.value(value, target)
	})
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.problem(n, "is "+kindOf(n)+", keys and values are expected", "")
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
	}
	d.pairs(n, func(key, value *yaml.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(value, item)
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), item)
	})
}

func (d *decoder) slice(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.problem(n, "is "+kindOf(n)+", a list is expected", "begin each item with '- ', or write [a, b]")
		return
	}
	items := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.push("", i)
		d.value(c, items.Index(i))
		d.pop()
	}
	v.Set(items)
}

func (d *decoder) array(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.problem(n, fmt.Sprintf("is %s, a list of %d values is expected", kindOf(n), v.Len()), "write [a, b]")
		return
	}
	if len(n.Content) != v.Len() {
		d.problem(n, fmt.Sprintf("has %d values, %d are expected", len(n.Content), v.Len()), "")
		return
	}
	for i, c := range n.Content {
		d.push("", i)
		d.value(c, v.Index(i))
		d.pop()
	}
}

// quote shows a text of the document in a message, cut where it is long.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return `"` + strings.ToValidUTF8(strings.ReplaceAll(s, "\n", "⏎"), "�") + `"`
}

func join(words []string) string { return strings.Join(slices.Clone(words), ", ") }

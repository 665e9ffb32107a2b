package csaf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of one document. The largest of 2,379 public OT advisories has 690 kB,
// 30,000 values and 17 levels.
const (
	MaxDocument = 32 << 20 // bytes
	maxLevels   = 200
	maxNodes    = 4_000_000
)

type kind byte

const (
	isNull kind = iota
	isBool
	isNumber
	isString
	isArray
	isObject
)

var kindNames = [...]string{"null", "true or false", "a number", "text", "a list", "an object"}

// node is one value of a JSON document that knows its place. The nil node
// stands for what is not there, so that paths can be followed without asking.
type node struct {
	parent *node
	key    string // in an object
	index  int    // in a list
	kind   kind
	text   string // of text, a number, true or false
	items  []*node
}

// get returns the member of that name, nil where there is none.
func (n *node) get(key string) *node {
	if n == nil || n.kind != isObject {
		return nil
	}
	for _, m := range n.items {
		if m.key == key {
			return m
		}
	}
	return nil
}

// each returns the items of a list; none of anything else.
func (n *node) each() []*node {
	if n == nil || n.kind != isArray {
		return nil
	}
	return n.items
}

// str is the text of a text; "" of anything else.
func (n *node) str() string {
	if n == nil || n.kind != isString {
		return ""
	}
	return n.text
}

// texts are the texts of a list.
func (n *node) texts() []string {
	var out []string
	for _, i := range n.each() {
		if i.kind == isString {
			out = append(out, i.text)
		}
	}
	return out
}

func (n *node) number() (float64, bool) {
	if n == nil || n.kind != isNumber {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.text, 64)
	return f, err == nil
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

// path is the JSON Pointer (RFC 6901).
func (n *node) path() string {
	if n == nil || n.parent == nil {
		return ""
	}
	if n.parent.kind == isArray {
		return n.parent.path() + "/" + strconv.Itoa(n.index)
	}
	return n.parent.path() + "/" + escapePointer.Replace(n.key)
}

// canon is a text that equal values share (order of members does not matter).
func (n *node) canon() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	switch n.kind {
	case isArray:
		b.WriteByte('[')
		for _, i := range n.items {
			i.write(b)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case isObject:
		b.WriteByte('{')
		for _, m := range sortedMembers(n) {
			b.WriteString(strconv.Quote(m.key) + ":")
			m.write(b)
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case isString:
		b.WriteString(strconv.Quote(n.text))
	default:
		b.WriteString(n.text)
	}
}

// parse reads one JSON text. Names that are there twice are an error, for
// readers differ in which one they take.
func parse(text []byte) (*node, error) {
	if len(text) > MaxDocument {
		return nil, errors.New("document is larger than 32 MiB")
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) {
		return nil, errors.New("is not UTF-8")
	}
	p := &parser{in: json.NewDecoder(bytes.NewReader(text))}
	p.in.UseNumber()
	root := &node{}
	if err := p.value(root, 0); err != nil {
		return nil, err
	}
	if _, err := p.in.Token(); err != io.EOF {
		return nil, errors.New("is not JSON: there is more behind the document")
	}
	return root, nil
}

type parser struct {
	in    *json.Decoder
	nodes int
}

func (p *parser) token() (json.Token, error) {
	t, err := p.in.Token()
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("is not JSON: it ends too early")
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("is not JSON at byte %d: %w", p.in.InputOffset(), syntax)
	case err != nil:
		return nil, fmt.Errorf("is not JSON at byte %d: %w", p.in.InputOffset(), err)
	}
	return t, nil
}

func (p *parser) value(n *node, depth int) error {
	if depth > maxLevels {
		return fmt.Errorf("at byte %d: deeper than %d levels", p.in.InputOffset(), maxLevels)
	}
	if p.nodes++; p.nodes > maxNodes {
		return fmt.Errorf("more than %d values", maxNodes)
	}
	t, err := p.token()
	if err != nil {
		return err
	}
	switch v := t.(type) {
	case json.Delim:
		if v == '[' {
			return p.list(n, depth)
		}
		return p.object(n, depth)
	case string:
		n.kind, n.text = isString, v
	case json.Number:
		n.kind, n.text = isNumber, v.String()
	case bool:
		n.kind, n.text = isBool, strconv.FormatBool(v)
	case nil:
		n.text = "null"
	}
	return nil
}

func (p *parser) list(n *node, depth int) error {
	n.kind = isArray
	for p.in.More() {
		i := &node{parent: n, index: len(n.items)}
		if err := p.value(i, depth+1); err != nil {
			return err
		}
		n.items = append(n.items, i)
	}
	_, err := p.token()
	return err
}

func (p *parser) object(n *node, depth int) error {
	n.kind = isObject
	var seen map[string]bool // only for objects with many members
	for p.in.More() {
		t, err := p.token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return fmt.Errorf("is not JSON at byte %d: a name must be text", p.in.InputOffset())
		}
		m := &node{parent: n, key: key}
		if len(n.items) < 32 && n.get(key) != nil || seen[key] {
			return fmt.Errorf("%s is there twice, at byte %d", m.path(), p.in.InputOffset())
		}
		if err := p.value(m, depth+1); err != nil {
			return err
		}
		n.items = append(n.items, m)
		if len(n.items) == 32 {
			seen = map[string]bool{}
			for _, i := range n.items {
				seen[i.key] = true
			}
		} else if seen != nil {
			seen[key] = true
		}
	}
	_, err := p.token()
	return err
}

package firewall

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// panNode is a place in the tree that both forms of a PAN-OS configuration
// write: each value is a child of its key.
type panNode struct {
	name string
	line int
	text string // the first line that names it
	kids []*panNode
	by   map[string]*panNode
}

func (n *panNode) kid(name string) *panNode {
	if n == nil {
		return nil
	}
	return n.by[name]
}

// at walks down a path; nil where it ends before.
func (n *panNode) at(path ...string) *panNode {
	for _, name := range path {
		n = n.kid(name)
	}
	return n
}

func (n *panNode) add(name string, line int, text string) *panNode {
	if k := n.by[name]; k != nil {
		return k
	}
	if n.by == nil {
		n.by = map[string]*panNode{}
	}
	k := &panNode{name: name, line: line, text: text}
	n.by[name] = k
	n.kids = append(n.kids, k)
	return k
}

// values are the names of the children of a key.
func (n *panNode) values(key string) []string {
	var out []string
	if k := n.kid(key); k != nil {
		for _, v := range k.kids {
			out = append(out, v.name)
		}
	}
	return out
}

// is reports whether a key has one value.
func (n *panNode) is(key, value string) bool {
	v := n.values(key)
	return len(v) == 1 && v[0] == value
}

// maxPanNodes bounds the tree.
const maxPanNodes = 4_000_000

// panSet reads the form of "set" commands.
func (x *panos) panSet(data []byte) error {
	described := false // the last line was cut at a text, which may go on
	return lines(x.File, data, func(at int, text string) {
		t := strings.TrimSpace(text)
		if t == "" || t[0] == '#' {
			return
		}
		if !strings.HasPrefix(t, "set ") {
			if !described {
				x.baffled(at, t, "a command that is not read")
			}
			return
		}
		described = false
		for _, key := range []string{" description ", " comment "} {
			// Texts are written with quotes in quotes and over lines.
			if head, _, cut := strings.Cut(t+" ", key); cut && strings.Count(head, `"`)%2 == 0 {
				t, described = head, true
			}
		}
		words, open := panWords(strings.TrimPrefix(t, "set "))
		if open {
			x.baffled(at, text, "a quote or bracket that is not closed")
			return
		}
		x.put(words, at, text)
	})
}

// panWords splits a set command; a list in brackets is one word of many values.
func panWords(s string) (out [][]string, open bool) {
	var list []string
	inside := false
	var word strings.Builder
	started := false
	var quote rune
	end := func() {
		if started && inside {
			list = append(list, word.String())
		} else if started {
			out = append(out, []string{word.String()})
		}
		word.Reset()
		started = false
	}
	for _, c := range s {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, started = c, true
		case c == '[':
			end()
			inside, list = true, nil
		case c == ']':
			end()
			if inside {
				out = append(out, list)
			}
			inside = false
		case c == ' ' || c == '\t':
			end()
		default:
			word.WriteRune(c)
			started = true
		}
	}
	end()
	return out, quote != 0 || inside
}

// panPairs are keys that another key may follow on the same line.
var panPairs = map[string]bool{"port": true, "source-port": true}

// put enters the words of one command.
func (x *panos) put(words [][]string, line int, text string) {
	at := x.root
	var back *panNode
	for i, w := range words {
		if x.nodes += len(w); x.nodes > maxPanNodes || i > 64 {
			x.err = fmt.Errorf("%s:%d: too large a configuration", x.File, line)
			return
		}
		if len(w) != 1 {
			for _, v := range w {
				at.add(v, line, text)
			}
			return
		}
		here := at
		at = at.add(w[0], line, text)
		if back != nil { // that was the value of a pair
			at, back = back, nil
		} else if panPairs[w[0]] && (here.name == "tcp" || here.name == "udp" || here.name == "sctp") {
			back = here
		}
	}
}

// panXML reads the form of XML.
func (x *panos) panXML(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	stack := []*panNode{x.root}
	var text strings.Builder
	for {
		token, err := d.Token()
		line, _ := d.InputPos()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", x.File, line, err)
		}
		at := stack[len(stack)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if x.nodes++; x.nodes > maxPanNodes || len(stack) > 64 {
				return fmt.Errorf("%s:%d: too large a configuration", x.File, line)
			}
			name := t.Name.Local
			for _, a := range t.Attr {
				if a.Name.Local == "name" && name == "entry" {
					name = a.Value
				}
			}
			text.Reset()
			if t.Name.Local == "member" {
				stack = append(stack, at) // its text is the value of what it stands in
				continue
			}
			stack = append(stack, at.add(name, line, "<"+t.Name.Local+"> "+name))
		case xml.EndElement:
			if v := strings.TrimSpace(text.String()); v != "" {
				at.add(v, line, v)
			}
			text.Reset()
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
			}
		case xml.CharData:
			if text.Len()+len(t) < maxLine {
				text.Write(t)
			}
		}
	}
	return nil
}

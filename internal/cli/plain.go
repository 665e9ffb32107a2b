package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// plain is a writer for people at a terminal that takes the control characters
// out of what it is given: titles and names come from documents and devices of
// others, and an escape sequence in one could rewrite what stands on the
// screen. The same goes for characters that turn the direction of text around.
// Line breaks and tabs stay.
type plain struct{ w io.Writer }

// Write implements io.Writer. Each call is given whole characters.
func (p plain) Write(b []byte) (int, error) {
	if _, err := p.w.Write(bytes.Map(harmless, b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// cell is a value of others in one cell of a table: a line break or tab in it
// would draw rows and columns that are not there.
func cell(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return '·'
		}
		return harmless(r)
	}, s)
}

// jsonOut is a writer of JSON in which the characters that plain takes out are
// written as escapes: the values stay what they are, and a terminal obeys none
// of them. encoding/json escapes only those below the space.
type jsonOut struct{ w io.Writer }

// Write implements io.Writer. Each call is given whole characters, as an
// encoder does.
func (j jsonOut) Write(b []byte) (int, error) {
	out := b
	if bytes.ContainsFunc(b, steering) {
		out = make([]byte, 0, len(b)+64)
		for _, r := range string(b) {
			if steering(r) {
				out = fmt.Appendf(out, "\\u%04x", r)
			} else {
				out = fmt.Appendf(out, "%c", r)
			}
		}
	}
	if _, err := j.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// steering characters can stand in JSON as encoding/json writes it.
func steering(r rune) bool { return r >= 0x7f && harmless(r) != r }

func harmless(r rune) rune {
	switch {
	case r == '\n' || r == '\t':
		return r
	case r < ' ', r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return '·'
	}
	return r
}

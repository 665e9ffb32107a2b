package cli

import (
	"bytes"
	"io"
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

func harmless(r rune) rune {
	switch {
	case r == '\n' || r == '\t':
		return r
	case r < ' ', r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return '·'
	}
	return r
}

package ais

import "strings"

// textCap is the longest text with a place of its own: name (20) with the
// extension (14) of type 21.
const textCap = 34

// Text is a short text kept in place, so that a Message needs no memory
// outside itself. It is trimmed as M.1371-5 §3.3.7 says: '@' ends it, and
// blanks at the end don't count.
type Text struct {
	n uint8
	b [textCap]byte
}

// TextOf makes a Text; what is longer than 34 bytes is cut.
func TextOf(s string) Text {
	var t Text
	t.n = uint8(copy(t.b[:], s))
	return t
}

// String returns the text.
func (t Text) String() string { return string(t.b[:t.n]) }

// Bytes returns the text without copying; it is good as long as t is not changed.
func (t *Text) Bytes() []byte { return t.b[:t.n] }

// Empty reports whether there is no text.
func (t *Text) Empty() bool { return t.n == 0 }

// MarshalText implements encoding.TextMarshaler.
func (t Text) MarshalText() ([]byte, error) { return t.b[:t.n:t.n], nil }

func (t *Text) set(b []byte) { t.n = uint8(copy(t.b[:], b)) }

// sixBit is the six-bit ASCII of M.1371-5 table 47.
const sixBit = "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_ !\"#$%&'()*+,-./0123456789:;<=>?"

// text reads chars six-bit characters from bit at. The caller has checked the length.
func (b *Bits) text(t *Text, at, chars int) {
	n := 0
	for i := range chars {
		v := b.uint(at+i*6, 6)
		if v == 0 {
			break
		}
		t.b[i] = sixBit[v]
		if v != ' ' {
			n = i + 1
		}
	}
	t.n = uint8(n)
}

// longText reads chars six-bit characters from bit at.
func (b *Bits) longText(at, chars int) string {
	var s strings.Builder
	for i := range chars {
		v := b.uint(at+i*6, 6)
		if v == 0 {
			break
		}
		s.WriteByte(sixBit[v])
	}
	return strings.TrimRight(s.String(), " ")
}

// putText writes s in chars six-bit characters, '@' after its end. It returns
// false where s is longer or has a character that six-bit ASCII lacks; letters
// are written in upper case.
func (b *Bits) putText(at, chars int, s string) bool {
	if len(s) > chars {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z':
			c -= 0x60
		case c > '@' && c < 0x60:
			c -= 0x40
		case c < ' ' || c >= '@': // '@' would end the text
			return false
		}
		b.put(at+i*6, 6, uint64(c))
	}
	return true
}

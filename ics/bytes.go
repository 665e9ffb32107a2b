package ics

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// maxText bounds a name or banner, in bytes.
const maxText = 256

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// text takes a name out of protocol bytes: cut at the first NUL and at 256
// bytes, blanks trimmed, anything that is not printable replaced. "" where
// nothing is left.
func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	if len(b) > maxText {
		b = b[:maxText]
	}
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError || (r >= 0x7f && r < 0xa0) {
			return '?'
		}
		return r
	}, string(b))
	return strings.TrimSpace(s)
}

// meant is s, or "" where it is one character over and over ("AAAAAAAA",
// "@@@@@@@@"): memory that nobody filled in is no name of a device.
func meant(s string) string {
	if len(s) >= 4 && strings.Count(s, s[:1]) == len(s) {
		return ""
	}
	return s
}

// line returns the text up to the first end of line, at most limit bytes; ok is
// false where none ends within it.
func line(b []byte, limit int) (string, bool) {
	for i := 0; i < len(b) && i < limit; i++ {
		if b[i] == '\n' {
			return strings.TrimSuffix(string(b[:i]), "\r"), true
		}
	}
	return "", false
}

// headerField returns the value of a field of an RFC 9110 style header block,
// looked for in the first 4 KiB and 64 lines.
func headerField(b []byte, name string) string {
	b = b[:min(len(b), 4096)]
	for n := 0; n < 64; n++ {
		l, ok := line(b, len(b))
		if !ok || l == "" {
			return ""
		}
		b = b[strings.IndexByte(string(b), '\n')+1:]
		if k, v, found := strings.Cut(l, ":"); found && strings.EqualFold(strings.TrimSpace(k), name) {
			return text([]byte(v))
		}
	}
	return ""
}

func hasPrefix(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }

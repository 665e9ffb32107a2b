package access

import "unicode/utf8"

// high1252 holds the characters of bytes 0x80 to 0x9F in Windows-1252; the five
// bytes that it leaves open are the replacement character. Other bytes are the
// code point of their value (ISO 8859-1).
var high1252 = [32]rune{
	'€', utf8.RuneError, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', utf8.RuneError, 'Ž', utf8.RuneError,
	utf8.RuneError, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', utf8.RuneError, 'ž', 'Ÿ',
}

func fromWindows1252(text []byte) []byte {
	out := make([]byte, 0, len(text)+16)
	for _, b := range text {
		switch {
		case b < 0x80:
			out = append(out, b)
		case b < 0xA0:
			out = utf8.AppendRune(out, high1252[b-0x80])
		default:
			out = utf8.AppendRune(out, rune(b))
		}
	}
	return out
}

package access

import (
	"bytes"
	"errors"
)

// Bounds of one row.
const (
	maxLine    = 64 << 10 // bytes, line end included
	maxColumns = 256
	maxField   = 1024 // bytes of one value that is kept
)

// Reasons why a line is no row.
var (
	errQuoteOpen   = errors.New("a quote is not closed on its line")
	errQuoteInside = errors.New("a quote stands inside an unquoted value")
	errAfterQuote  = errors.New("there is text between a closing quote and the delimiter")
	errTooMany     = errors.New("there are more than 256 columns")
)

// split parts one line into values after RFC 4180, except that a value never
// goes on to the next line. dst is used again between calls; the values share
// the bytes of text, or of a fresh slice where quotes were doubled.
func split(text []byte, delimiter byte, dst [][]byte) ([][]byte, error) {
	dst = dst[:0]
	for {
		if len(dst) == maxColumns {
			return dst, errTooMany
		}
		var value []byte
		var more bool
		var err error
		if len(text) > 0 && text[0] == '"' {
			value, text, more, err = quotedValue(text[1:], delimiter)
		} else {
			value, text, more, err = plainValue(text, delimiter)
		}
		if err != nil {
			return dst, err
		}
		dst = append(dst, value)
		if !more {
			return dst, nil
		}
	}
}

func plainValue(text []byte, delimiter byte) (value, rest []byte, more bool, err error) {
	value, rest, more = bytes.Cut(text, []byte{delimiter})
	if bytes.IndexByte(value, '"') >= 0 {
		return nil, nil, false, errQuoteInside
	}
	return value, rest, more, nil
}

// quotedValue reads a value behind its opening quote.
func quotedValue(text []byte, delimiter byte) (value, rest []byte, more bool, err error) {
	for {
		at := bytes.IndexByte(text, '"')
		if at < 0 {
			return nil, nil, false, errQuoteOpen
		}
		piece := text[:at]
		text = text[at+1:]
		if len(text) > 0 && text[0] == '"' { // a doubled quote is one quote of the value
			value = append(append(value[:len(value):len(value)], piece...), '"')
			text = text[1:]
			continue
		}
		if value == nil {
			value = piece
		} else {
			value = append(value, piece...)
		}
		switch {
		case len(text) == 0:
			return value, nil, false, nil
		case text[0] == delimiter:
			return value, text[1:], true, nil
		}
		return nil, nil, false, errAfterQuote
	}
}

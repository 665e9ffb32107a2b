package server

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// sentence makes a sentence for people of an error of identity: without the
// name of its kind, with a capital and a full stop.
func sentence(err error) string {
	text := strings.TrimPrefix(err.Error(), identity.ErrInvalid.Error()+": ")
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}

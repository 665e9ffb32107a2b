package access

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Encodings of the file.
const (
	UTF8        = "utf-8"        // a byte order mark at the start is dropped
	Windows1252 = "windows-1252" // Western European exports of older systems
)

// Ignore as the meaning of a result says that rows with that value are
// understood and of no concern, such as "door closed".
const Ignore event.AccessResult = "ignore"

// Columns names the column of each field: the text of the header, or "#n" for
// the n-th column from 1. Time, Reader and Result are required; an empty name
// means that the file has no such column.
type Columns struct {
	Time      string // date and time; the date alone where Clock is set
	Clock     string // time of day, where date and time stand in two columns (joined by one space)
	Reader    string
	Badge     string
	Person    string
	Result    string
	Direction string
	Reason    string
}

// Mapping declares how to read a file.
type Mapping struct {
	Columns   Columns
	Delimiter rune   // 0 is a comma; ';', tab and '|' are usual
	NoHeader  bool   // the first line is an event; every column is then named "#n"
	Encoding  string // UTF8 (also "") or Windows1252

	// TimeLayout is a layout of Go's package time ("02.01.2006 15:04:05"), or
	// "rfc3339" (also ""), "unix" (seconds) or "unix-ms".
	TimeLayout string
	// TimeZone is the IANA name of the zone that times are told in where they
	// carry no offset; "" is UTC.
	TimeZone string

	// Results gives the meaning of each value of the result column; values are
	// compared without case and surrounding space. A value that is not here is
	// an error of the row. Empty: the file uses granted, refused, forced and held.
	Results map[string]event.AccessResult
	// Directions gives "in", "out" or "" for each value of the direction
	// column. Empty: the file uses in and out. An empty cell is always "".
	Directions map[string]string
}

var ownResults = map[string]event.AccessResult{
	"granted": event.AccessGranted, "refused": event.AccessRefused,
	"forced": event.AccessForced, "held": event.AccessHeld,
}

var ownDirections = map[string]string{"in": "in", "out": "out"}

// Check reports what is wrong with the mapping, naming the key to change.
func (m Mapping) Check() error {
	_, err := newReader(m)
	return err
}

func (m Mapping) delimiter() (byte, error) {
	switch {
	case m.Delimiter == 0:
		return ',', nil
	case m.Delimiter == '"' || m.Delimiter == '\n' || m.Delimiter == '\r' || m.Delimiter == 0xFEFF || m.Delimiter >= utf8.RuneSelf:
		return 0, fmt.Errorf("delimiter %q can't part columns: use one ASCII character such as , ; | or a tab", m.Delimiter)
	}
	return byte(m.Delimiter), nil
}

// words checks the meanings of a column's values and folds their case.
func words[V ~string](key string, declared, own map[string]V, allowed []V) (map[string]V, error) {
	if len(declared) == 0 {
		return own, nil
	}
	folded := make(map[string]V, len(declared))
	for _, word := range slices.Sorted(maps.Keys(declared)) {
		meaning := declared[word]
		if !slices.Contains(allowed, meaning) {
			return nil, fmt.Errorf("%s: %q can't mean %q: use one of %s", key, word, meaning, quoted(allowed))
		}
		at := fold(word)
		if was, twice := folded[at]; twice && was != meaning {
			return nil, fmt.Errorf("%s: %q is declared twice with different meanings (%q, %q)", key, word, was, meaning)
		}
		folded[at] = meaning
	}
	return folded, nil
}

func quoted[V ~string](list []V) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = strconv.Quote(string(v))
	}
	return strings.Join(out, ", ")
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// field is one field of an event and where it stands in a row.
type field struct {
	key  string // as configuration calls it: "time", "reader"…
	name string // of the column, as declared
	at   int    // index into the row; -1: the file has no such column
}

const (
	fTime = iota
	fClock
	fReader
	fBadge
	fPerson
	fResult
	fDirection
	fReason
	numFields
)

func (m Mapping) fields() [numFields]field {
	c := m.Columns
	return [numFields]field{
		fTime: {"time", c.Time, -1}, fClock: {"clock", c.Clock, -1},
		fReader: {"reader", c.Reader, -1}, fBadge: {"badge", c.Badge, -1},
		fPerson: {"person", c.Person, -1}, fResult: {"result", c.Result, -1},
		fDirection: {"direction", c.Direction, -1}, fReason: {"reason", c.Reason, -1},
	}
}

// checkNames checks what can be checked before a header is seen.
func (m Mapping) checkNames() error {
	for i, f := range m.fields() {
		required := i == fTime || i == fReader || i == fResult
		if f.name == "" {
			if required {
				return fmt.Errorf("columns.%s is required: name the column by its header or as #n", f.key)
			}
			continue
		}
		n, numbered, err := columnNumber(f.name)
		if err != nil {
			return fmt.Errorf("columns.%s: %w", f.key, err)
		}
		if m.NoHeader && !numbered {
			return fmt.Errorf("columns.%s is %q, but a file without a header has no names: write #n, the number of the column from 1", f.key, f.name)
		}
		if numbered && n > maxColumns {
			return fmt.Errorf("columns.%s: column %d is beyond the limit of %d", f.key, n, maxColumns)
		}
	}
	return nil
}

// columnNumber reads "#n".
func columnNumber(name string) (n int, numbered bool, err error) {
	digits, numbered := strings.CutPrefix(name, "#")
	if !numbered {
		return 0, false, nil
	}
	n, err = strconv.Atoi(digits)
	if err != nil || n < 1 {
		return 0, true, fmt.Errorf("%q is not a column: write # and its number from 1", name)
	}
	return n, true, nil
}

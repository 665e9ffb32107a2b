package access

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quaywatch/quaywatch/internal/event"
)

// RowError is why a line was rejected. Its text holds no value of the row, so
// that equal faults count together; the row itself is in the raw bytes.
type RowError struct {
	Column string // name of the column, "" where the line as a whole is at fault
	Reason string
}

func (e RowError) Error() string {
	if e.Column == "" {
		return e.Reason
	}
	return fmt.Sprintf("column %q %s", e.Column, e.Reason)
}

// outcome tells what a readable line was.
type outcome int

const (
	taken   outcome = iota
	skipped         // understood and of no concern
)

// reader turns lines into events under one mapping.
type reader struct {
	m          Mapping
	delimiter  byte
	latin      bool // Windows-1252
	clock      *clock
	results    map[string]event.AccessResult
	directions map[string]string

	bound  bool
	width  int // columns of the header; 0 where there is none
	fields [numFields]field
	values [][]byte // used again for each row
}

func newReader(m Mapping) (*reader, error) {
	r := &reader{m: m, fields: m.fields()}
	var err error
	if r.delimiter, err = m.delimiter(); err != nil {
		return nil, err
	}
	switch strings.ToLower(m.Encoding) {
	case "", UTF8:
	case Windows1252:
		r.latin = true
	default:
		return nil, fmt.Errorf("encoding %q is not known: use %s or %s", m.Encoding, UTF8, Windows1252)
	}
	if r.clock, err = newClock(m.TimeLayout, m.TimeZone); err != nil {
		return nil, err
	}
	r.results, err = words("results", m.Results, ownResults,
		[]event.AccessResult{event.AccessGranted, event.AccessRefused, event.AccessForced, event.AccessHeld, Ignore})
	if err != nil {
		return nil, err
	}
	if r.directions, err = words("directions", m.Directions, ownDirections, []string{"in", "out", ""}); err != nil {
		return nil, err
	}
	if err := m.checkNames(); err != nil {
		return nil, err
	}
	if m.NoHeader {
		return r, r.bind(nil)
	}
	return r, nil
}

// wantsHeader reports whether the next line is the header.
func (r *reader) wantsHeader() bool { return !r.bound }

// restart forgets the header and the time, for a file that begins anew.
func (r *reader) restart() {
	r.bound = r.m.NoHeader
	r.clock.last = time.Time{}
}

// header binds the declared columns to the header line. It is an error of the
// whole input: without the columns no row can be read.
func (r *reader) header(l line) error {
	text, err := r.decode(l)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	values, err := split(bytes.TrimPrefix(text, []byte("\ufeff")), r.delimiter, nil)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = fold(string(v))
	}
	return r.bind(names)
}

// bind finds the place of each declared column; names is nil where the file has no header.
func (r *reader) bind(names []string) error {
	fields := r.m.fields()
	for i := range fields {
		f := &fields[i]
		if f.name == "" {
			continue
		}
		if n, numbered, _ := columnNumber(f.name); numbered {
			if names != nil && n > len(names) {
				return fmt.Errorf("header has %d columns, but columns.%s is %s", len(names), f.key, f.name)
			}
			f.at = n - 1
			continue
		}
		f.at = slices.Index(names, fold(f.name))
		if f.at < 0 {
			return fmt.Errorf("header has no column %q (columns.%s); it has %s: name one of these, or set the delimiter", f.name, f.key, listed(names))
		}
		if slices.Contains(names[f.at+1:], fold(f.name)) {
			return fmt.Errorf("header has column %q twice (columns.%s): name it by its number, such as #%d", f.name, f.key, f.at+1)
		}
	}
	r.fields, r.width, r.bound = fields, len(names), true
	return nil
}

// listed shows the first columns of a header.
func listed(names []string) string {
	const most = 20
	out := quoted(names[:min(len(names), most)])
	if len(names) > most {
		out += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return out
}

// decode checks the bytes of a line and returns them as UTF-8.
func (r *reader) decode(l line) ([]byte, error) {
	switch {
	case l.long:
		return nil, RowError{Reason: "line is longer than 64 KiB"}
	case bytes.IndexByte(l.text, 0) >= 0:
		return nil, RowError{Reason: "line holds NUL bytes (a UTF-16 file must be saved as UTF-8)"}
	case r.latin:
		return fromWindows1252(l.text), nil
	case !utf8.Valid(l.text):
		return nil, RowError{Reason: "line is not UTF-8 (older systems write windows-1252: set encoding)"}
	}
	return l.text, nil
}

// event reads one row. The head of the event holds only its time.
func (r *reader) event(l line) (event.AccessEvent, outcome, error) {
	text, err := r.decode(l)
	if err != nil {
		return event.AccessEvent{}, taken, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return event.AccessEvent{}, skipped, nil
	}
	if l.raw.Offset == 0 {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}
	if r.values, err = split(text, r.delimiter, r.values); err != nil {
		return event.AccessEvent{}, taken, RowError{Reason: err.Error()}
	}
	if err := r.checkWidth(); err != nil {
		return event.AccessEvent{}, taken, err
	}
	return r.read()
}

// checkWidth rejects a row that is shifted against the header. One empty value
// too many is a delimiter at the end of the line, which many systems write.
func (r *reader) checkWidth() error {
	n := len(r.values)
	if r.width == 0 || n == r.width || n == r.width+1 && len(r.values[n-1]) == 0 {
		return nil
	}
	return RowError{Reason: fmt.Sprintf("row has not the %d columns of the header", r.width)}
}

func (r *reader) read() (e event.AccessEvent, _ outcome, err error) {
	result, err := meaning(r, fResult, r.results)
	if err != nil {
		return e, taken, err
	}
	if result == Ignore {
		return e, skipped, nil
	}
	e.Result = result
	if e.Direction, err = meaning(r, fDirection, r.directions); err != nil {
		return e, taken, err
	}
	if e.Reader, err = r.value(fReader); err != nil {
		return e, taken, err
	}
	if e.Reader == "" {
		return e, taken, r.fault(fReader, errEmpty)
	}
	if e.Badge, err = r.value(fBadge); err != nil {
		return e, taken, err
	}
	if e.Person, err = r.value(fPerson); err != nil {
		return e, taken, err
	}
	if e.Reason, err = r.value(fReason); err != nil {
		return e, taken, err
	}
	// The time comes last, because reading it moves the clock on.
	e.Time, err = r.time()
	return e, taken, err
}

// time reads the time column, joined with the clock column where there is one.
func (r *reader) time() (time.Time, error) {
	text, err := r.value(fTime)
	if err != nil {
		return time.Time{}, err
	}
	if text == "" {
		return time.Time{}, r.fault(fTime, errEmpty)
	}
	if r.fields[fClock].at >= 0 {
		of, err := r.value(fClock)
		if err != nil {
			return time.Time{}, err
		}
		if of == "" {
			return time.Time{}, r.fault(fClock, errEmpty)
		}
		text += " " + of
	}
	t, err := r.clock.read(text)
	if err != nil {
		return time.Time{}, r.fault(fTime, err)
	}
	return t, nil
}

// value returns a cell without surrounding space; "" where the file has no such
// column or the row ends before it.
func (r *reader) value(i int) (string, error) {
	at := r.fields[i].at
	if at < 0 || at >= len(r.values) {
		return "", nil
	}
	v := bytes.TrimSpace(r.values[at])
	if len(v) > maxField {
		return "", r.fault(i, errLong)
	}
	return string(v), nil
}

var errLong = errors.New("is longer than 1,024 bytes")

func (r *reader) fault(i int, err error) error {
	return RowError{Column: r.fields[i].name, Reason: err.Error()}
}

// meaning looks the value of a column up in the declared words.
func meaning[V ~string](r *reader, i int, words map[string]V) (V, error) {
	text, err := r.value(i)
	if err != nil {
		return "", err
	}
	v, known := words[strings.ToLower(text)]
	switch {
	case known:
		return v, nil
	case text == "" && i == fDirection:
		return "", nil
	case text == "":
		return "", r.fault(i, errEmpty)
	}
	return "", r.fault(i, errNoMeaning)
}

var errNoMeaning = errors.New("holds a value that no meaning is declared for")

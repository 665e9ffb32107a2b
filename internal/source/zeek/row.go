package zeek

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/quaywatch/quaywatch/internal/source/tail"
)

// Bounds of a row.
const (
	maxColumns = 512
	maxCell    = 4096 // bytes; longer values are cut there
)

// header is what the head of a log says of its rows.
type header struct {
	kind      string // of the log: "conn", "modbus"…
	separator []byte
	unset     string
	empty     string
	columns   map[string]int
	width     int
	r         row
	object    map[string]jsontext.Value // of r, to be used again
}

// lenient: a row that a sensor wrote is read as far as it can be.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

func newHeader(path string) *header {
	return &header{kind: kindOf(filepath.Base(path)), separator: []byte{'\t'}, unset: "-", empty: "(empty)"}
}

// row is one line of a log.
type row struct {
	h      *header
	cells  [][]byte
	object map[string]jsontext.Value // of a JSON line; nil for TSV
}

// row reads a line: nil for a line of the header; reason where it can't be read.
func (h *header) row(l *tail.Line) (*row, string) {
	switch {
	case l.Long:
		return nil, "line is longer than 1 MiB"
	case len(bytes.TrimSpace(l.Text)) == 0:
		return nil, ""
	case l.Text[0] == '#':
		return nil, h.take(l.Text)
	case l.Text[0] == '{':
		clear(h.object)
		if err := json.Unmarshal(l.Text, &h.object, lenient); err != nil {
			return nil, "line is not JSON"
		}
		h.r = row{h: h, object: h.object}
		if path, ok := h.r.text("_path"); ok {
			h.kind = path
		}
		return &h.r, ""
	case h.columns == nil:
		return nil, "row before the #fields of its log"
	}
	cells := h.r.cells[:0]
	rest := l.Text
	for {
		cell, more, found := bytes.Cut(rest, h.separator)
		cells = append(cells, cell)
		if !found {
			break
		}
		if len(cells) > maxColumns {
			return nil, "row has too many columns"
		}
		rest = more
	}
	h.r = row{h: h, cells: cells}
	if len(cells) != h.width {
		return nil, "row has not the columns of #fields"
	}
	return &h.r, ""
}

// take reads a line of the header.
func (h *header) take(text []byte) string {
	name, value, _ := strings.Cut(string(text), " ")
	if name == "#separator" {
		b := unescape([]byte(strings.TrimSpace(value)))
		if len(b) == 0 || len(b) > 8 {
			return "#separator can't be read"
		}
		h.separator = b
		return ""
	}
	parts := strings.Split(string(text), string(h.separator))
	switch parts[0] {
	case "#path":
		if len(parts) > 1 {
			h.kind = parts[1]
		}
	case "#unset_field":
		if len(parts) > 1 {
			h.unset = parts[1]
		}
	case "#empty_field":
		if len(parts) > 1 {
			h.empty = parts[1]
		}
	case "#fields":
		if len(parts) > maxColumns {
			return "#fields has too many columns"
		}
		h.columns = map[string]int{}
		for i, p := range parts[1:] {
			h.columns[p] = i
		}
		h.width = len(parts) - 1
	}
	return ""
}

// text is a column; false where the log has none or it is not set.
func (r *row) text(name string) (string, bool) {
	if r.object != nil {
		return jsonText(r.object[name])
	}
	i, ok := r.h.columns[name]
	if !ok || i >= len(r.cells) {
		return "", false
	}
	b := r.cells[i]
	if string(b) == r.h.unset || string(b) == r.h.empty || len(b) == 0 {
		return "", false
	}
	b = b[:min(len(b), maxCell)]
	if bytes.IndexByte(b, '\\') >= 0 {
		b = unescape(b)
	}
	return string(b), true
}

// get is text without the second answer.
func (r *row) get(name string) string {
	s, _ := r.text(name)
	return s
}

// first is the first of the columns that is set: names changed between versions.
func (r *row) first(names ...string) string {
	for _, n := range names {
		if s, ok := r.text(n); ok {
			return s
		}
	}
	return ""
}

func jsonText(raw jsontext.Value) (string, bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", false
	}
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s, lenient) != nil || s == "" || s == "-" || s == "(empty)" {
			return "", false
		}
		return s[:min(len(s), maxCell)], true
	case '[', '{':
		return "", false // no column that is read holds several
	}
	return string(raw), true // number or truth
}

// unescape reads \xHH, as Zeek writes bytes that are not text, and \\.
func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+3 < len(b) && b[i+1] == 'x' {
			if n, err := strconv.ParseUint(string(b[i+2:i+4]), 16, 8); err == nil {
				out = append(out, byte(n))
				i += 3
				continue
			}
		}
		if b[i] == '\\' && i+1 < len(b) && b[i+1] == '\\' {
			i++
		}
		out = append(out, b[i])
	}
	return out
}

var errNoTime = errors.New("no time")

// time is the column ts: seconds since 1970 with a fraction, or ISO 8601.
func (r *row) time() (time.Time, error) {
	text, ok := r.text("ts")
	if !ok {
		return time.Time{}, errNoTime
	}
	if strings.IndexByte(text, 'T') > 0 {
		t, err := time.Parse(time.RFC3339Nano, text)
		return t.UTC(), err
	}
	ns, err := nanoseconds(text)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(0, ns).UTC(), nil
}

// nanoseconds reads decimal seconds without the rounding of floating point.
func nanoseconds(text string) (int64, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if strings.ContainsAny(text, "eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(f) > 9e9 {
			return 0, errNoTime
		}
		return int64(f * 1e9), nil
	}
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || s < 0 || s > 9_000_000_000 {
		return 0, fmt.Errorf("%w: seconds", errNoTime)
	}
	if len(fraction) > 9 {
		fraction = fraction[:9]
	}
	var n int64
	for i := range 9 {
		n *= 10
		if i < len(fraction) {
			if fraction[i] < '0' || fraction[i] > '9' {
				return 0, errNoTime
			}
			n += int64(fraction[i] - '0')
		}
	}
	return s*1_000_000_000 + n, nil
}

// count is a column of a whole number, 0 where it is not set or none.
func (r *row) count(name string) uint64 {
	n, err := strconv.ParseUint(r.get(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

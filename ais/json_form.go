package ais

import (
	"math"
	"strconv"
	"sync"
)

// Form chooses between the forms of JSON that gpsd has. The zero value is the
// form of AppendJSON.
type Form struct {
	Unscaled bool // numbers as sent, marks of "not available" with them (gpsdecode -u)
	Marks    bool // scaled, but the marks are shown as gpsd shows them (181, 511, 102.3…)
}

// AppendJSONForm appends m as one JSON object of the form. With the zero Form
// it is AppendJSON. The other forms read the content from m.Bits: a message
// that was made and not decoded is told as encoding it would send it.
func AppendJSONForm(dst []byte, m *Message, f Form) []byte {
	if f == (Form{}) {
		return AppendJSON(dst, m)
	}
	o := &jsonOut{b: append(dst, '{'), form: f}
	b := &m.Bits
	if b.n == 0 {
		b = new(Bits)
		if m.encodeBits(b) != nil {
			b = new(Bits)
		}
	}
	o.text("class", "AIS")
	o.frame(&m.Frame)
	o.int("type", int64(m.Type))
	o.int("repeat", int64(m.Repeat))
	o.int("mmsi", int64(m.MMSI))
	o.bool("scaled", !f.Unscaled)
	w := &walk{b: b, at: 38, end: b.n, out: o}
	if !w.content(m.Type) {
		w.report(m)
	}
	return append(o.b, '}')
}

// printer is what printing a content needs; layouts are called through an
// interface, so that it can't be on the stack.
type printer struct {
	out  jsonOut
	walk walk
}

var printers = sync.Pool{New: func() any { return new(printer) }}

// appendContent appends the fields of a message whose values are not parts of
// Message, each with a comma before it; false where it is another type.
func appendContent(dst []byte, m *Message, f Form) ([]byte, bool) {
	p := printers.Get().(*printer)
	p.out = jsonOut{b: dst, form: f, more: true}
	p.walk = walk{b: &m.Bits, at: 38, end: m.Bits.n, out: &p.out}
	ok := p.walk.content(m.Type)
	dst = p.out.b
	*p = printer{} // keeps nobody's memory
	printers.Put(p)
	return dst, ok
}

func (o *jsonOut) frame(f *Frame) {
	if f.Time != 0 {
		o.text("time", f.At().Format("2006-01-02T15:04:05.999Z07:00"))
	}
	if !f.Station.Empty() {
		o.text("station", f.Station.String())
	}
	if f.Talker != "" {
		o.text("talker", f.Talker)
	}
	if f.Channel != 0 {
		o.text("channel", string(rune(f.Channel)))
	}
}

// jsonOut writes JSON. A nil one shows nothing.
type jsonOut struct {
	b    []byte
	form Form
	more bool
}

// shows tells whether a field is printed: not without a name, and not where it
// is absent unless the form shows the marks.
func (o *jsonOut) shows(key string, absent bool) bool {
	return o != nil && key != "" && (!absent || o.form.Unscaled || o.form.Marks)
}

func (o *jsonOut) key(k string) {
	if o.more {
		o.b = append(o.b, ',')
	}
	o.more = true
	if k != "" {
		o.b = append(append(append(o.b, '"'), k...), '"', ':')
	}
}

func (o *jsonOut) begin(k string, c byte) {
	o.key(k)
	o.b = append(o.b, c)
	o.more = false
}

func (o *jsonOut) end(c byte) {
	o.b = append(o.b, c)
	o.more = true
}

func (o *jsonOut) int(k string, v int64) {
	o.key(k)
	o.b = strconv.AppendInt(o.b, v, 10)
}

func (o *jsonOut) bool(k string, v bool) {
	o.key(k)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *jsonOut) float(k string, v float64, digits int) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		o.key(k)
		o.b = strconv.AppendFloat(o.b, v, 'f', digits, 64)
	}
}

// text writes a string; what is not printable ASCII becomes the code point of that number.
func (o *jsonOut) text(k, v string) {
	o.key(k)
	o.b = append(o.b, '"')
	for i := range len(v) {
		switch c := v[i]; {
		case c == '"' || c == '\\':
			o.b = append(o.b, '\\', c)
		case c < ' ' || c > '~':
			const hex = "0123456789abcdef"
			o.b = append(o.b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			o.b = append(o.b, c)
		}
	}
	o.b = append(o.b, '"')
}

// data writes bits as gpsd does: their number, a colon, and the bytes, the last
// one filled up with zero bits.
func (o *jsonOut) data(k string, b *Bits, at, n int) {
	o.key(k)
	o.b = strconv.AppendInt(append(o.b, '"'), int64(n), 10)
	o.b = append(o.b, ':')
	const hex = "0123456789abcdef"
	for n > 0 {
		width := min(n, 8)
		c := b.Uint(at, width) << (8 - width)
		o.b = append(o.b, hex[c>>4], hex[c&15])
		at, n = at+width, n-width
	}
	o.b = append(o.b, '"')
}

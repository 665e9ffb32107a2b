package ais

import (
	"fmt"
	"math"
)

// maxBits is the most bits of one message (M.1371-5 annex 8, message 26: five slots).
const maxBits = 1064

// walk goes once over the fields of a content. A layout is written down once,
// as a method that visits its fields in the order of the table; the walk reads
// them from bits, writes them to bits, or reads and prints them as JSON. So the
// three can't come to disagree.
type walk struct {
	b     *Bits
	at    int
	end   int      // reading: where the content ends
	write bool     // put the values instead of getting them
	out   *jsonOut // reading: print what is read, nil: don't
	err   error    // writing: the first value that does not fit
}

func (w *walk) fail(key string, v any, why string) {
	if w.err == nil {
		w.err = fmt.Errorf("%s %v %s: %w", key, v, why, ErrRange)
	}
}

func (w *walk) get(width int) uint64 {
	v := w.b.Uint(w.at, width)
	if over := w.at + width - w.end; over > 0 && w.end < w.b.n { // the content ends before the message
		if over >= width {
			v = 0
		} else {
			v = v >> over << over
		}
	}
	w.at += width
	return v
}

func (w *walk) put(width int, v uint64) {
	if w.at+width > maxBits {
		w.fail("content", w.at+width, "bits are more than five slots")
		return
	}
	w.b.put(w.at, width, v&(1<<width-1))
	w.at += width
}

// left is how many bits are still to read.
func (w *walk) left() int { return max(w.end-w.at, 0) }

// spare passes over bits that the table leaves unused; they are written as zero.
func (w *walk) spare(width int) {
	if w.write && w.at+width > maxBits {
		w.put(width, 0)
		return
	}
	w.at += width
}

type unsigned interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64
}

// whole is a count, an identifier or a code of which every value means something.
func whole[T unsigned](w *walk, key string, width int, p *T) { code(w, key, width, p, -1) }

// code is a number as sent, with the mark that says "not available".
func code[T unsigned](w *walk, key string, width int, p *T, absent int64) {
	if w.write {
		v := uint64(*p)
		if v>>width != 0 {
			w.fail(key, v, "does not fit its field")
		}
		w.put(width, v)
		return
	}
	v := w.get(width)
	*p = T(v)
	if w.out.shows(key, int64(v) == absent) {
		w.out.int(key, int64(v))
	}
}

// signed is a two's complement number as sent, with its mark.
func (w *walk) signed(key string, width int, p *int16, absent int64) {
	if w.write {
		if v := int64(*p); v < -1<<(width-1) || v >= 1<<(width-1) {
			w.fail(key, v, "does not fit its field")
		}
		w.put(width, uint64(*p))
		return
	}
	v := extend(w.get(width), width)
	*p = int16(v)
	if w.out.shows(key, v == absent) {
		w.out.int(key, v)
	}
}

func extend(v uint64, width int) int64 { return int64(v<<(64-width)) >> (64 - width) }

func (w *walk) flag(key string, p *bool) {
	if w.write {
		v := uint64(0)
		if *p {
			v = 1
		}
		w.put(1, v)
		return
	}
	*p = w.get(1) == 1
	if w.out.shows(key, false) {
		w.out.bool(key, *p)
	}
}

// unit says how a number of the table becomes a value: (raw+off)·mul/div, with
// low and high the first and last raw number that are measurements. What lies
// outside of them, the mark for "not available" among it, is absent (NaN).
type unit struct {
	off       int64
	mul, div  float64 // 0 stands for 1
	low, high int64
	absent    int64
	digits    int // after the point in JSON
	signed    bool
}

func (u *unit) value(raw int64) float64 {
	v := float64(raw + u.off)
	if u.mul != 0 {
		v *= u.mul
	}
	if u.div != 0 {
		v /= u.div
	}
	return v
}

func (u *unit) raw(v float64) int64 {
	if u.div != 0 {
		v *= u.div
	}
	if u.mul != 0 {
		v /= u.mul
	}
	return int64(math.Round(math.Max(math.Min(v, 1e15), -1e15))) - u.off
}

// measure is a measurement in the unit of its docstring; NaN is absent.
func (w *walk) measure(key string, width int, u *unit, p *float64) {
	if w.write {
		raw := u.absent
		if !math.IsNaN(*p) {
			if raw = u.raw(*p); raw < u.low || raw > u.high {
				w.fail(key, *p, "is out of the range of its field")
				raw = u.absent
			}
		}
		w.put(width, uint64(raw))
		return
	}
	raw := int64(w.get(width))
	if u.signed {
		raw = extend(uint64(raw), width)
	}
	absent := raw < u.low || raw > u.high
	if *p = math.NaN(); !absent {
		*p = u.value(raw)
	}
	switch {
	case !w.out.shows(key, absent):
	case w.out.form.Unscaled:
		w.out.int(key, raw)
	default:
		w.out.float(key, u.value(raw), u.digits)
	}
}

// text is so many six-bit characters; '@' ends it, blanks at the end don't count.
func (w *walk) text(key string, chars int, p *string) {
	if w.write {
		if w.at+chars*6 > maxBits {
			w.put(chars*6, 0)
			return
		}
		if !w.b.putText(w.at, chars, *p) {
			w.fail(key, fmt.Sprintf("%q", *p), "is too long or not six-bit ASCII")
		}
		w.at += chars * 6
		return
	}
	chars6 := min(chars, w.left()/6)
	*p = w.b.longText(w.at, chars6)
	w.at += chars * 6
	if w.out.shows(key, *p == "") {
		w.out.text(key, *p)
	}
}

// rest is text up to the end of the content, at most so many characters.
func (w *walk) rest(key string, most int, p *string) {
	if w.write {
		if len(*p) > most {
			w.fail(key, len(*p), "characters are too many")
			return
		}
		w.text(key, len(*p), p)
		return
	}
	w.text(key, min(most, w.left()/6), p)
}

// word is a code that the scaled JSON of gpsd spells out; the last word is the
// one for "not available".
func (w *walk) word(key string, width int, p *uint8, words []string) {
	if w.out == nil || w.out.form.Unscaled || key == "" {
		code(w, key, width, p, int64(len(words)-1))
		return
	}
	*p = uint8(w.get(width))
	if w.out.shows(key, int(*p) == len(words)-1) {
		w.out.text(key, words[min(int(*p), len(words)-1)])
	}
}

var (
	trends  = []string{"steady", "decreasing", "increasing", "N/A"}
	iceSeen = []string{"no", "yes", "reserved", "N/A"}
	rains   = []string{"reserved", "rain", "thunderstorm", "freezing rain", "mixed/ice", "snow", "reserved", "N/A"}
)

// When is a time of the year in UTC, as sent.
type When struct {
	Month  uint8 // 1..12, 0 absent
	Day    uint8 // 1..31, 0 absent
	Hour   uint8 // 0..23, 24 absent
	Minute uint8 // 0..59, 60 absent
}

// NoTimeOfYear is a When of which nothing is available.
var NoTimeOfYear = When{Hour: 24, Minute: 60}

// when reads month, day, hour and minute, the order of nearly all tables.
func (w *walk) when(key string, t *When) {
	whole(w, "", 4, &t.Month)
	w.dayTime("", t)
	if w.out.shows(key, t.Month == 0 && t.Day == 0 && t.Hour > 23) {
		w.out.text(key, fmt.Sprintf("%02d-%02dT%02d:%02dZ", t.Month, t.Day, t.Hour, t.Minute))
	}
}

// dayTime reads day, hour and minute.
func (w *walk) dayTime(key string, t *When) {
	whole(w, "", 5, &t.Day)
	whole(w, "", 5, &t.Hour)
	whole(w, "", 6, &t.Minute)
	if w.out.shows(key, t.Day == 0 && t.Hour > 23) {
		w.out.text(key, fmt.Sprintf("%02dT%02d:%02dZ", t.Day, t.Hour, t.Minute))
	}
}

// Coordinates: in 1/1,000 minute (25 and 24 bits), 1/10,000 minute (28 and 27)
// and 1/10 minute (18 and 17). 181 and 91 degrees are "not available".
func coordinate(perDegree, limit int64, digits int) *unit {
	return &unit{div: float64(perDegree), low: -limit * perDegree, high: limit * perDegree,
		absent: (limit + 1) * perDegree, digits: digits, signed: true}
}

var (
	lon3, lat3 = coordinate(60000, 180, 6), coordinate(60000, 90, 6)
	lon4, lat4 = coordinate(600000, 180, 7), coordinate(600000, 90, 7)
	lon1, lat1 = coordinate(600, 180, 4), coordinate(600, 90, 4)
)

// items walks over a list whose elements have a fixed size and that goes on to
// the end of the content.
func items[T any](w *walk, key string, list *[]T, size, most int, each func(*T, *walk)) {
	n := len(*list)
	if !w.write {
		n = min(most, w.left()/size)
		*list = (*list)[:0]
		for range n {
			*list = append(*list, *new(T))
		}
	} else if n > most {
		w.fail(key, n, "elements are too many")
		n = most
	}
	json := w.out.shows(key, n == 0)
	if json {
		w.out.begin(key, '[')
	}
	for i := range n {
		if json {
			w.out.begin("", '{')
		}
		each(&(*list)[i], w)
		if json {
			w.out.end('}')
		}
	}
	if json {
		w.out.end(']')
	}
}

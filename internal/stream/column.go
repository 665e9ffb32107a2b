package stream

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// A column holds one field of all rows. Its first byte says whether the rows
// are the same, and then one value follows, or differ, and then one for each.
type column struct {
	append func(out []byte, rows []report) []byte
	read   func(r *reader, rows []report) // sets r.failed where the column can't be read
}

// How the rows of a column are.
const (
	same = 0
	each = 1
)

// alike reports whether what key makes of a field is the same in all rows.
func alike[T any, K comparable](field func(*report) *T, key func(T) K, rows []report) bool {
	first := key(*field(&rows[0]))
	for i := range rows {
		if key(*field(&rows[i])) != first {
			return false
		}
	}
	return true
}

func itself[T any](v T) T { return v }

// values is a column of values that are written and read one by one. like says
// whether all rows are the same.
func values[T any](field func(*report) *T, like func([]report) bool, put func([]byte, T) []byte, take func(*reader) T) column {
	return column{
		append: func(out []byte, rows []report) []byte {
			if like(rows) {
				return put(append(out, same), *field(&rows[0]))
			}
			out = append(out, each)
			for i := range rows {
				out = put(out, *field(&rows[i]))
			}
			return out
		},
		read: func(r *reader, rows []report) {
			if r.alike() {
				v := take(r)
				for i := range rows {
					*field(&rows[i]) = v
				}
				return
			}
			for i := range rows {
				*field(&rows[i]) = take(r)
			}
		},
	}
}

// small is a column of single bytes.
func small[T int8 | uint8](field func(*report) *T) column {
	return values(field, func(rows []report) bool { return alike(field, itself, rows) },
		func(out []byte, v T) []byte { return append(out, byte(v)) },
		func(r *reader) T { return T(r.byte()) })
}

// bits is a column of truths, the first in the lowest bit.
func bits(fields ...func(*report) *bool) column {
	of := func(r *report) (b byte) {
		for i, f := range fields {
			if *f(r) {
				b |= 1 << i
			}
		}
		return b
	}
	set := func(r *report, b byte) {
		for i, f := range fields {
			*f(r) = b&(1<<i) != 0
		}
	}
	return column{
		append: func(out []byte, rows []report) []byte {
			start := len(out)
			out = append(out, each)
			differ := false
			for i := range rows {
				out = append(out, of(&rows[i]))
				differ = differ || out[len(out)-1] != out[start+1]
			}
			if !differ {
				out[start] = same
				out = out[:start+2]
			}
			return out
		},
		read: func(r *reader, rows []report) {
			all, b := r.alike(), byte(0)
			for i := range rows {
				if !all || i == 0 {
					b = r.byte()
				}
				if b>>len(fields) != 0 {
					r.failed = true
				}
				set(&rows[i], b)
			}
		},
	}
}

// floats64 and floats32 keep each bit, so that a NaN stays the NaN that it was.
func floats64(field func(*report) *float64) column {
	return values(field, func(rows []report) bool { return alike(field, math.Float64bits, rows) },
		func(out []byte, v float64) []byte { return binary.LittleEndian.AppendUint64(out, math.Float64bits(v)) },
		func(r *reader) float64 { return math.Float64frombits(r.uint64()) })
}

func floats32(field func(*report) *float32) column {
	return values(field, func(rows []report) bool { return alike(field, math.Float32bits, rows) },
		func(out []byte, v float32) []byte { return binary.LittleEndian.AppendUint32(out, math.Float32bits(v)) },
		func(r *reader) float32 { return math.Float32frombits(r.uint32()) })
}

// sums is a column of hashes.
func sums(field func(*report) *event.Sum) column {
	return values(field, func(rows []report) bool { return alike(field, itself, rows) },
		func(out []byte, v event.Sum) []byte { return append(out, v[:]...) },
		func(r *reader) (s event.Sum) {
			copy(s[:], r.take(len(s)))
			return s
		})
}

// steps is a column of whole numbers: each as its difference from the one
// before, the first from zero.
func steps[T int | int64 | uint16 | uint32](field func(*report) *T) column {
	return column{
		append: func(out []byte, rows []report) []byte {
			if alike(field, itself, rows) {
				return binary.AppendVarint(append(out, same), int64(*field(&rows[0])))
			}
			out = append(out, each)
			before := int64(0)
			for i := range rows {
				v := int64(*field(&rows[i]))
				out = binary.AppendVarint(out, v-before) // wraps and wraps back
				before = v
			}
			return out
		},
		read: func(r *reader, rows []report) {
			all, v := r.alike(), int64(0)
			for i := range rows {
				if !all || i == 0 {
					v += r.varint()
				}
				*field(&rows[i]) = T(v)
				if int64(T(v)) != v {
					r.failed = true
				}
			}
		},
	}
}

// moments is a column of times: seconds since 1970 as steps, and nanoseconds.
func moments(field func(*report) *time.Time) column {
	return column{
		append: func(out []byte, rows []report) []byte {
			sec, ns := field(&rows[0]).Unix(), field(&rows[0]).Nanosecond()
			like := true
			for i := range rows {
				if t := field(&rows[i]); t.Unix() != sec || t.Nanosecond() != ns {
					like = false
					break
				}
			}
			if like {
				return binary.AppendUvarint(binary.AppendVarint(append(out, same), sec), uint64(ns))
			}
			out, sec = append(out, each), 0
			for i := range rows {
				t := field(&rows[i])
				out = binary.AppendUvarint(binary.AppendVarint(out, t.Unix()-sec), uint64(t.Nanosecond()))
				sec = t.Unix()
			}
			return out
		},
		read: func(r *reader, rows []report) {
			all, sec, t := r.alike(), int64(0), time.Time{}
			for i := range rows {
				if !all || i == 0 {
					sec += r.varint()
					ns := r.uvarint()
					if ns >= uint64(time.Second) {
						r.failed = true
						return
					}
					t = time.Unix(sec, int64(ns)).UTC()
				}
				*field(&rows[i]) = t
			}
		},
	}
}

// texts is a column of words that come again: the different ones in the order
// of their first use, then the number of the word of each row.
func texts(field func(*report) *string) column {
	return column{
		append: func(out []byte, rows []report) []byte {
			if alike(field, itself, rows) {
				return appendText(append(out, same), *field(&rows[0]))
			}
			numbers := make(map[string]uint64, 16)
			var words []string
			for i := range rows {
				w := *field(&rows[i])
				if _, known := numbers[w]; !known {
					numbers[w] = uint64(len(words))
					words = append(words, w)
				}
			}
			out = binary.AppendUvarint(append(out, each), uint64(len(words)))
			for _, w := range words {
				out = appendText(out, w)
			}
			for i := range rows {
				out = binary.AppendUvarint(out, numbers[*field(&rows[i])])
			}
			return out
		},
		read: func(r *reader, rows []report) {
			n := uint64(1)
			all := r.alike()
			if !all {
				n = r.uvarint()
			}
			if n > uint64(len(rows)) || n > uint64(len(r.data)) {
				r.failed = true
				return
			}
			words := make([]string, n)
			for i := range words {
				words[i] = string(r.text())
			}
			for i, k := 0, uint64(0); i < len(rows) && !r.failed; i++ {
				if !all {
					k = r.uvarint()
				}
				if k >= n {
					r.failed = true
					return
				}
				*field(&rows[i]) = words[k]
			}
		},
	}
}

func appendText(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

// raws is a column of raw bytes. Each gets memory of its own: a vessel that
// keeps the evidence of its newest report must not keep that of the whole batch.
func raws(field func(*report) *[]byte) column {
	return values(field, func(rows []report) bool {
		first := *field(&rows[0])
		for i := range rows {
			if !bytes.Equal(*field(&rows[i]), first) {
				return false
			}
		}
		return true
	},
		func(out []byte, b []byte) []byte { return append(binary.AppendUvarint(out, uint64(len(b))), b...) },
		func(r *reader) []byte {
			b := r.text()
			if len(b) == 0 {
				return nil
			}
			return bytes.Clone(b)
		})
}

// reader takes values from the front of data. After a failure it gives zeros.
type reader struct {
	data   []byte
	failed bool
}

// take gives the next n bytes, fewer after a failure.
func (r *reader) take(n int) []byte {
	if n > len(r.data) {
		r.failed, r.data = true, nil
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

// alike reads the first byte of a column.
func (r *reader) alike() bool {
	b := r.byte()
	if b > each {
		r.failed = true
	}
	return b == same
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.failed = true
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.failed, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.failed, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return v
}

// text gives bytes behind their length, in the memory of data.
func (r *reader) text() []byte {
	n := r.uvarint()
	if n > uint64(len(r.data)) {
		r.failed, r.data = true, nil
		return nil
	}
	return r.take(int(n))
}

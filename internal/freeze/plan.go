package freeze

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unsafe" // fields that are not exported are out of reach without it; every access goes by the type's own layout
)

// pointer is a shared value: two pointers of different types may hold one address.
type pointer struct {
	at unsafe.Pointer
	t  reflect.Type
}

// plan is how a type is written and read.
type plan struct {
	t      reflect.Type
	encode func(*encoder, unsafe.Pointer)
	decode func(*decoder, unsafe.Pointer)
}

type encoder struct {
	b    bytes.Buffer
	buf  [binary.MaxVarintLen64]byte
	seen map[pointer]uint64
}

func (e *encoder) uint(x uint64) { e.b.Write(e.buf[:binary.PutUvarint(e.buf[:], x)]) }

type decoder struct {
	b     []byte
	seen  []reflect.Value
	depth int
	err   error
}

// maxDepth bounds how deep pointers lead.
const maxDepth = 1000

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
	}
	d.b = nil
}

func (d *decoder) uint() uint64 {
	x, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("it ends within a number")
		return 0
	}
	d.b = d.b[n:]
	return x
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.fail("it ends within a text")
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

// count reads a length; each element takes a byte at least, so that what is
// made is bounded by what is there.
func (d *decoder) count() (n int, isNil bool) {
	x := d.uint()
	switch {
	case x == 0:
		return 0, true
	case x-1 > uint64(len(d.b)):
		d.fail("a length of %d in %d bytes", x-1, len(d.b))
		return 0, true
	}
	return int(x - 1), false
}

// builder makes plans and, on the way, the text that stands for the types.
type builder struct {
	known map[reflect.Type]*plan
	text  strings.Builder
	err   error
}

var timeType = reflect.TypeFor[time.Time]()

func (b *builder) plan(t reflect.Type, at string) *plan {
	if p, ok := b.known[t]; ok {
		fmt.Fprintf(&b.text, "@%s;", t)
		return p
	}
	p := &plan{t: t}
	b.known[t] = p
	fmt.Fprintf(&b.text, "%s %s;", t, t.Kind())
	if t == timeType {
		b.time(p)
		return p
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64, reflect.String:
		b.basic(p)
	case reflect.Struct:
		b.structure(p, at)
	case reflect.Array:
		b.array(p, at)
	case reflect.Slice:
		b.slice(p, at)
	case reflect.Map:
		b.table(p, at)
	case reflect.Pointer:
		b.shared(p, at)
	default:
		if b.err == nil {
			b.err = fmt.Errorf("%s is a %s, which %w", at, t.Kind(), errKind)
		}
	}
	return p
}

func (b *builder) time(p *plan) {
	p.encode = func(e *encoder, at unsafe.Pointer) {
		t := *(*time.Time)(at)
		raw, err := t.UTC().MarshalBinary()
		if err != nil { // no moment that a clock tells
			raw = nil
		}
		e.uint(uint64(len(raw)))
		e.b.Write(raw)
	}
	p.decode = func(d *decoder, at unsafe.Pointer) {
		raw := d.take(int(min(d.uint(), 64)))
		var t time.Time
		if len(raw) > 0 {
			if err := t.UnmarshalBinary(raw); err != nil {
				d.fail("a time: %v", err)
				return
			}
		}
		*(*time.Time)(at) = t.UTC()
	}
}

// basic plans what is one number or text.
func (b *builder) basic(p *plan) {
	t := p.t
	p.encode = func(e *encoder, at unsafe.Pointer) {
		v := reflect.NewAt(t, at).Elem()
		switch {
		case v.Kind() == reflect.Bool:
			x := uint64(0)
			if v.Bool() {
				x = 1
			}
			e.uint(x)
		case v.CanInt():
			x := v.Int()
			e.uint(uint64(x)<<1 ^ uint64(x>>63))
		case v.CanUint():
			e.uint(v.Uint())
		case v.Kind() == reflect.Float32:
			e.b.Write(binary.LittleEndian.AppendUint32(e.buf[:0], math.Float32bits(*(*float32)(at))))
		case v.Kind() == reflect.Float64:
			e.b.Write(binary.LittleEndian.AppendUint64(e.buf[:0], math.Float64bits(*(*float64)(at))))
		default:
			e.uint(uint64(v.Len()))
			e.b.WriteString(v.String())
		}
	}
	p.decode = func(d *decoder, at unsafe.Pointer) {
		v := reflect.NewAt(t, at).Elem()
		switch {
		case v.Kind() == reflect.Bool:
			v.SetBool(d.uint() == 1)
		case v.CanInt():
			x := d.uint()
			i := int64(x>>1) ^ -int64(x&1)
			if v.OverflowInt(i) {
				d.fail("%d does not fit into %s", i, t)
				return
			}
			v.SetInt(i)
		case v.CanUint():
			x := d.uint()
			if v.OverflowUint(x) {
				d.fail("%d does not fit into %s", x, t)
				return
			}
			v.SetUint(x)
		case v.Kind() == reflect.Float32:
			if raw := d.take(4); raw != nil {
				*(*float32)(at) = math.Float32frombits(binary.LittleEndian.Uint32(raw))
			}
		case v.Kind() == reflect.Float64:
			if raw := d.take(8); raw != nil {
				*(*float64)(at) = math.Float64frombits(binary.LittleEndian.Uint64(raw))
			}
		default:
			v.SetString(string(d.take(int(min(d.uint(), math.MaxInt32)))))
		}
	}
}

func (b *builder) structure(p *plan, at string) {
	type part struct {
		*plan
		offset uintptr
	}
	var parts []part
	for i := range p.t.NumField() {
		f := p.t.Field(i)
		fmt.Fprintf(&b.text, ".%s ", f.Name)
		if f.Tag.Get("freeze") == "-" {
			continue
		}
		parts = append(parts, part{b.plan(f.Type, at+"."+f.Name), f.Offset})
	}
	p.encode = func(e *encoder, at unsafe.Pointer) {
		for _, f := range parts {
			f.encode(e, unsafe.Add(at, f.offset))
		}
	}
	p.decode = func(d *decoder, at unsafe.Pointer) {
		for _, f := range parts {
			f.decode(d, unsafe.Add(at, f.offset))
		}
	}
}

func (b *builder) array(p *plan, at string) {
	elem, n, size := b.plan(p.t.Elem(), at+"[]"), p.t.Len(), p.t.Elem().Size()
	p.encode = func(e *encoder, at unsafe.Pointer) {
		for i := range n {
			elem.encode(e, unsafe.Add(at, uintptr(i)*size))
		}
	}
	p.decode = func(d *decoder, at unsafe.Pointer) {
		for i := range n {
			elem.decode(d, unsafe.Add(at, uintptr(i)*size))
		}
	}
}

func (b *builder) slice(p *plan, at string) {
	elem, size, t := b.plan(p.t.Elem(), at+"[]"), p.t.Elem().Size(), p.t
	if t.Elem().Kind() == reflect.Uint8 {
		b.octets(p)
		return
	}
	p.encode = func(e *encoder, at unsafe.Pointer) {
		v := reflect.NewAt(t, at).Elem()
		if v.IsNil() {
			e.uint(0)
			return
		}
		e.uint(uint64(v.Len()) + 1)
		first := v.UnsafePointer()
		for i := range v.Len() {
			elem.encode(e, unsafe.Add(first, uintptr(i)*size))
		}
	}
	p.decode = func(d *decoder, at unsafe.Pointer) {
		n, isNil := d.count()
		if isNil {
			return
		}
		v := reflect.MakeSlice(t, n, n)
		first := v.UnsafePointer()
		for i := 0; i < n && d.err == nil; i++ {
			elem.decode(d, unsafe.Add(first, uintptr(i)*size))
		}
		reflect.NewAt(t, at).Elem().Set(v)
	}
}

// octets are written as they are.
func (b *builder) octets(p *plan) {
	t := p.t
	p.encode = func(e *encoder, at unsafe.Pointer) {
		v := reflect.NewAt(t, at).Elem()
		if v.IsNil() {
			e.uint(0)
			return
		}
		e.uint(uint64(v.Len()) + 1)
		e.b.Write(v.Bytes())
	}
	p.decode = func(d *decoder, at unsafe.Pointer) {
		if n, isNil := d.count(); !isNil {
			reflect.NewAt(t, at).Elem().SetBytes(slices.Clone(d.take(n)))
		}
	}
}

// table plans maps, in the order of their encoded keys.
func (b *builder) table(p *plan, at string) {
	t := p.t
	key, value := b.plan(t.Key(), at+"{key}"), b.plan(t.Elem(), at+"{}")
	p.encode = func(e *encoder, at unsafe.Pointer) {
		m := reflect.NewAt(t, at).Elem()
		if m.IsNil() {
			e.uint(0)
			return
		}
		type entry struct {
			key   []byte
			value reflect.Value
		}
		entries := make([]entry, 0, m.Len())
		for it := m.MapRange(); it.Next(); {
			k, v := reflect.New(t.Key()), reflect.New(t.Elem())
			k.Elem().Set(it.Key())
			v.Elem().Set(it.Value())
			own := &encoder{seen: map[pointer]uint64{}}
			key.encode(own, k.UnsafePointer())
			entries = append(entries, entry{own.b.Bytes(), v})
		}
		slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
		e.uint(uint64(len(entries)) + 1)
		for _, x := range entries {
			e.b.Write(x.key)
			value.encode(e, x.value.UnsafePointer())
		}
	}
	p.decode = func(d *decoder, at unsafe.Pointer) {
		n, isNil := d.count()
		if isNil {
			return
		}
		m := reflect.MakeMapWithSize(t, n)
		for i := 0; i < n && d.err == nil; i++ {
			k, v := reflect.New(t.Key()), reflect.New(t.Elem())
			key.decode(d, k.UnsafePointer())
			value.decode(d, v.UnsafePointer())
			m.SetMapIndex(k.Elem(), v.Elem())
		}
		reflect.NewAt(t, at).Elem().Set(m)
	}
}

// shared plans pointers: what several point to is written once, and is one again.
func (b *builder) shared(p *plan, at string) {
	t := p.t
	elem := b.plan(t.Elem(), at+"→")
	p.encode = func(e *encoder, at unsafe.Pointer) {
		to := *(*unsafe.Pointer)(at)
		if to == nil {
			e.uint(0)
			return
		}
		k := pointer{to, t}
		if id, known := e.seen[k]; known {
			e.uint(id)
			return
		}
		e.seen[k] = uint64(len(e.seen)) + 1
		e.uint(e.seen[k])
		elem.encode(e, to)
	}
	p.decode = func(d *decoder, at unsafe.Pointer) {
		id := d.uint()
		switch {
		case id == 0 || d.err != nil:
			return
		case id <= uint64(len(d.seen)):
			known := d.seen[id-1]
			if known.Type() != t {
				d.fail("a pointer to %s where one to %s is due", known.Type(), t)
				return
			}
			reflect.NewAt(t, at).Elem().Set(known)
			return
		case id != uint64(len(d.seen))+1 || d.depth > maxDepth:
			d.fail("pointer %d after %d", id, len(d.seen))
			return
		}
		v := reflect.New(t.Elem())
		d.seen = append(d.seen, v)
		reflect.NewAt(t, at).Elem().Set(v)
		d.depth++
		elem.decode(d, v.UnsafePointer())
		d.depth--
	}
}

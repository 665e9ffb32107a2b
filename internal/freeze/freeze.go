// Package freeze writes Go values with all that they hold, unexported fields
// and shared pointers too, and reads them back. It exists so that a watch can go
// on after a restart with what it has learned, without a second description of
// its state that could fall behind the first. Stages with a state worth keeping
// import it; it imports nothing of this repository.
//
// What was written can be read by a program with the same types only: the
// fingerprint of the types stands in front, and a file of other types is refused
// with [ErrTypes]. A frozen state is a help and never a record: whoever reads it
// must be able to do without.
//
// Understood are booleans, integers, floats, text, arrays, slices, maps with
// keys of those, pointers, structs and time.Time. A field with the tag
// freeze:"-" is left out. Maps are written in the order of their keys, so that
// the same state gives the same bytes.
package freeze

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// Errors of Read, for those who decide on them.
var (
	ErrTypes   = errors.New("it was written by a program with other types")
	ErrDamaged = errors.New("it is damaged")
	errKind    = errors.New("can't be frozen")
)

// MaxBytes bounds what is read.
const MaxBytes = 4 << 30

const magic = "quayfreeze1\n"

// Write writes what the pointers point to. Nothing else may change it meanwhile.
func Write(w io.Writer, pointers ...any) error {
	plans, print, err := plansOf(pointers)
	if err != nil {
		return err
	}
	e := &encoder{seen: map[pointer]uint64{}}
	for i, p := range pointers {
		plans[i].encode(e, reflect.ValueOf(p).UnsafePointer())
	}
	head := append([]byte(magic), print[:]...)
	head = binary.LittleEndian.AppendUint64(head, uint64(e.b.Len()))
	sum := sha256.New()
	sum.Write(head)
	sum.Write(e.b.Bytes())
	for _, part := range [][]byte{head, e.b.Bytes(), sum.Sum(nil)} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("writing a frozen state: %w", err)
		}
	}
	return nil
}

// Read reads what Write wrote into what the pointers point to, which must be of
// the same types. Where it returns an error nothing was changed.
func Read(r io.Reader, pointers ...any) error {
	plans, print, err := plansOf(pointers)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return fmt.Errorf("reading a frozen state: %w", err)
	}
	const headLen = len(magic) + sha256.Size + 8
	switch {
	case len(data) < headLen+sha256.Size || !bytes.HasPrefix(data, []byte(magic)):
		return fmt.Errorf("%w: it does not begin as one, or ends too early", ErrDamaged)
	case len(data) > MaxBytes:
		return fmt.Errorf("%w: it is larger than %d bytes", ErrDamaged, int64(MaxBytes))
	}
	body, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if own := sha256.Sum256(body); !bytes.Equal(own[:], sum) {
		return fmt.Errorf("%w: its checksum is wrong", ErrDamaged)
	}
	if !bytes.Equal(body[len(magic):len(magic)+sha256.Size], print[:]) {
		return ErrTypes
	}
	return decode(body[headLen:], plans, pointers)
}

// decode reads into values of its own first, so that what is damaged changes nothing.
func decode(body []byte, plans []*plan, pointers []any) (err error) {
	d := &decoder{b: body}
	fresh := make([]reflect.Value, len(pointers))
	for i, p := range pointers {
		fresh[i] = reflect.New(reflect.TypeOf(p).Elem())
		plans[i].decode(d, fresh[i].UnsafePointer())
	}
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes are left over", len(d.b))
	}
	if d.err != nil {
		return d.err
	}
	for i, p := range pointers {
		reflect.ValueOf(p).Elem().Set(fresh[i].Elem())
	}
	return nil
}

func plansOf(pointers []any) ([]*plan, [sha256.Size]byte, error) {
	var plans []*plan
	h := sha256.New()
	for i, p := range pointers {
		t := reflect.TypeOf(p)
		if t == nil || t.Kind() != reflect.Pointer || reflect.ValueOf(p).IsNil() {
			return nil, [sha256.Size]byte{}, fmt.Errorf("value %d is no pointer to anything: %w", i, errKind)
		}
		b := &builder{known: map[reflect.Type]*plan{}}
		pl := b.plan(t.Elem(), "value")
		if b.err != nil {
			return nil, [sha256.Size]byte{}, b.err
		}
		_, _ = io.WriteString(h, b.text.String()) // a hash does not fail
		plans = append(plans, pl)
	}
	return plans, [sha256.Size]byte(h.Sum(nil)), nil
}

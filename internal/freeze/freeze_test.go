package freeze

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type leaf struct {
	name string
	n    int32
	when time.Time
	f    float32
	list []uint16
	note []byte
}

type tree struct {
	left, right *tree
	own         leaf
	parts       []leaf
	table       map[[2]int16]*leaf
	names       map[string]bool
	fixed       [3]float64
	skipped     func() `freeze:"-"`
}

func draw(t *rapid.T, depth int, all *[]*leaf) *tree {
	one := func() leaf {
		return leaf{name: rapid.String().Draw(t, "name"), n: rapid.Int32().Draw(t, "n"), f: rapid.Float32().Draw(t, "f"),
			when: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "when"), 5).UTC(),
			list: rapid.SliceOfN(rapid.Uint16(), 0, 4).Draw(t, "list"), note: rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "note")}
	}
	x := &tree{own: one(), fixed: [3]float64{1, math.Inf(1), rapid.Float64().Draw(t, "fixed")}, names: map[string]bool{rapid.String().Draw(t, "k"): true}, table: map[[2]int16]*leaf{}}
	for range rapid.IntRange(0, 3).Draw(t, "parts") {
		x.parts = append(x.parts, one())
		l := one()
		*all = append(*all, &l)
		x.table[[2]int16{rapid.Int16().Draw(t, "x"), rapid.Int16().Draw(t, "y")}] = rapid.SampledFrom(*all).Draw(t, "shared")
	}
	if depth > 0 && rapid.Bool().Draw(t, "left") {
		x.left = draw(t, depth-1, all)
		x.right = x.left // one value under two names
	}
	return x
}

func TestComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []*leaf
		x := draw(t, 3, &all)
		x.skipped = func() {}
		loop := x
		count := rapid.Int().Draw(t, "count")
		var b, again bytes.Buffer
		if err := errors.Join(Write(&b, &x, &count, &loop), Write(&again, &x, &count, &loop)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Fatal("the same state gives other bytes")
		}
		var y, twin *tree
		var n int
		if err := Read(bytes.NewReader(b.Bytes()), &y, &n, &twin); err != nil {
			t.Fatal(err)
		}
		x.skipped = nil
		if !reflect.DeepEqual(x, y) || n != count || twin != y {
			t.Fatalf("%+v became %+v", x, y)
		}
		if y.left != y.right {
			t.Fatal("one value became two")
		}
	})
}

func TestRefused(t *testing.T) {
	var b bytes.Buffer
	x := leaf{name: "a", list: []uint16{1, 2}}
	if err := Write(&b, &x); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x40
		y := leaf{name: "kept"}
		if err := Read(bytes.NewReader(bad), &y); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrTypes) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if err := Read(bytes.NewReader(good[:i]), &y); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut off at %d: %v", i, err)
		}
		if y.name != "kept" {
			t.Fatal("what is refused changed the value")
		}
	}
	var other struct{ name string }
	if err := Read(bytes.NewReader(good), &other); !errors.Is(err, ErrTypes) {
		t.Errorf("another type: %v", err)
	}
	var f func()
	if err := Write(&b, &f); err == nil {
		t.Error("a function is frozen")
	}
	if err := Write(&b, 3); err == nil {
		t.Error("a value that is no pointer is frozen")
	}
}

// FuzzDecode goes past the checksum: whatever the bytes, decoding ends with an
// error or a value that can be written again.
func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	x := &tree{own: leaf{name: "x"}, left: &tree{}, table: map[[2]int16]*leaf{{1, 2}: {n: 3}}}
	if err := Write(&b, &x); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes()[len(magic)+40 : b.Len()-32])
	f.Fuzz(func(t *testing.T, data []byte) {
		var y *tree
		plans, _, err := plansOf([]any{&y})
		if err != nil {
			t.Fatal(err)
		}
		if decode(data, plans, []any{&y}) == nil {
			if err := Write(&bytes.Buffer{}, &y); err != nil {
				t.Fatal(err)
			}
		}
	})
}

package ais

import (
	"bytes"
	"math"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Every message of every capture is written as the standard library would.
func TestJSONAsStandardLibrary(t *testing.T) {
	for name, data := range everyFeed(t) {
		var m Message
		var got, want []byte
		d := NewDecoder(Options{})
		for at := 0; ; {
			n, r, _ := d.DecodeNext(data[at:], int64(at), &m)
			if n == 0 {
				break
			}
			line := data[at : at+n]
			if at += n; r != Complete {
				continue
			}
			if got, want = AppendJSON(got[:0], &m), plainJSON(want[:0], &m); !bytes.Equal(got, want) {
				t.Fatalf("%s: %q\n got %s\nwant %s", name, line, got, want)
			}
		}
	}
}

// Every value that a message can carry, and any other float, is written as
// strconv writes it.
func TestNumbersAsStrconv(t *testing.T) {
	one := func(name string, got []byte, v float64, digits int) {
		if want := strconv.AppendFloat(nil, v, 'f', digits, 64); !bytes.Equal(got, want) {
			t.Fatalf("%s of %v: %s, want %s", name, v, got, want)
		}
	}
	for _, v := range speeds[:1023] {
		one("tenths", tenths(nil, v), float64(v), 1)
	}
	for _, v := range courses[:3600] {
		one("tenths", tenths(nil, v), float64(v), 1)
	}
	for i := range uint32(4096) {
		one("ones", ones(nil, float32(i)), float64(i), 0)
	}
	for _, v := range turns {
		if v == v {
			one("hundredths", hundredths(nil, v), float64(v), 2)
		}
	}
	step := 997 // a prime: all remainders by 3, all digits; 1 takes half a minute
	for n := -180 * 600000; n <= 180*600000; n += step {
		one("seventh", seventh(nil, float64(n)/600000), float64(n)/600000, 7)
	}
	rapid.Check(t, func(r *rapid.T) {
		v := rapid.Float64().Draw(r, "v")
		if rapid.Bool().Draw(r, "near a half") {
			v = math.Trunc(math.Mod(v, 1e9))/1e7 + 0.5e-7
		}
		one("seventh", seventh(nil, v), v, 7)
		f := rapid.Float32().Draw(r, "f")
		if rapid.Bool().Draw(r, "quarters") {
			f = float32(math.Trunc(math.Mod(float64(f), 1e6)) / 8)
		}
		one("tenths", tenths(nil, f), float64(f), 1)
		one("hundredths", hundredths(nil, f), float64(f), 2)
		one("ones", ones(nil, f), float64(f), 0)
		n := rapid.Uint32().Draw(r, "n")
		if got := string(digits(nil, n)); got != strconv.FormatUint(uint64(n), 10) {
			r.Fatalf("%d: %s", n, got)
		}
		i := rapid.Int8().Draw(r, "i")
		if got := string(small(nil, i)); got != strconv.Itoa(int(i)) {
			r.Fatalf("%d: %s", i, got)
		}
	})
}

func TestTimesAsFormat(t *testing.T) {
	one := func(ns int64) {
		want := time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.999Z07:00")
		if got := string(instant(nil, ns)); got != want {
			t.Fatalf("%d: %s, want %s", ns, got, want)
		}
	}
	for day := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2200; day = day.AddDate(0, 0, 1) {
		one(day.UnixNano())
		one(day.UnixNano() - 1)
	}
	rapid.Check(t, func(r *rapid.T) {
		ns := rapid.Int64().Draw(r, "ns")
		one(ns)
		one(ns / 1e6 * 1e6)
		one(ns / 1e7 * 1e7)
		one(ns / 1e8 * 1e8)
	})
}

func TestJSONAllocatesNothing(t *testing.T) {
	var out []byte
	for _, lines := range [][]string{{"2016-03-31 00:00:01, " + plain}, {first, last}, {"!AIVDM,1,1,,B,402=481uaUcf;OQ55JS9ITi025Jp,0*2B"}} {
		m, err := Parse(lines...)
		if err != nil {
			t.Fatal(err)
		}
		out = AppendJSON(out, &m)
		if n := testing.AllocsPerRun(100, func() { out = AppendJSON(out[:0], &m) }); n != 0 {
			t.Errorf("type %d: %g allocations", m.Type, n)
		}
	}
}

package console

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{now, "0 s"}, {now.Add(-59 * time.Second), "59 s"}, {now.Add(-60 * time.Second), "1 min"}, {now.Add(-47 * time.Hour), "47 h"},
		{now.Add(-72 * time.Hour), "3 days"}, {time.Time{}, "never"}, {now.Add(time.Second), "0 s"}, {now.Add(5 * time.Minute), "5 min ahead"},
	} {
		if got := ago(now, c.t); got != c.want {
			t.Errorf("ago(%s) is %q, want %q", c.t, got, c.want)
		}
	}
}

func TestPosition(t *testing.T) {
	for _, c := range []struct {
		lat, lon float64
		want     string
	}{
		{45.2992, -12.064, "45°17.952′N 012°03.840′W"},
		{-0.5, 179.99999999, "00°30.000′S 180°00.000′E"}, // rounding carries into the degree
		{math.NaN(), 1, "no position told"},
	} {
		if got := position(c.lat, c.lon); got != c.want {
			t.Errorf("position(%v, %v) is %q, want %q", c.lat, c.lon, got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1\u202f000", -1234567: "-1\u202f234\u202f567", -100: "-100"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) is %q, want %q", n, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0 B", 999: "999 B", 1500: "1.5 kB", 9_340_000: "9.3 MB"} {
		if got := bytesOf(n); got != want {
			t.Errorf("bytesOf(%d) is %q, want %q", n, got, want)
		}
	}
}

// Printable text holds no control and no character that reorders or hides others.
func TestPrintable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		out := printable(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		for _, r := range out {
			if r < ' ' && r != '\n' && r != '\t' || r >= 0x202a && r <= 0x202e || r == 0x7f {
				t.Fatalf("%U is left", r)
			}
		}
	})
}

// A way back is always a path of this server.
func FuzzBackTo(f *testing.F) {
	for _, s := range []string{"/zones", "//x", "https://x/", `/\x`, "javascript:alert(1)", "/a?b=//c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := backTo(s, "/")
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.Contains(got, `\`) {
			t.Fatalf("%q leads to %q", s, got)
		}
	})
}

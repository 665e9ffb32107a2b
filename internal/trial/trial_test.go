package trial

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/simulate"
)

// fleet is honest traffic of the example port; made once, since it is not changed.
var fleet = sync.OnceValue(func() *Capture {
	p, err := port.Load("../../examples/saltmere/port.yaml")
	if err != nil {
		panic(err)
	}
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	s, err := simulate.New(p, simulate.Options{Seed: 7, Start: start})
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	if err := s.Step(start.Add(90*time.Minute), func(i simulate.Item) error {
		if i.Kind == simulate.AIS {
			b.Write(i.Data)
		}
		return nil
	}); err != nil {
		panic(err)
	}
	c, err := Read(&b, "fleet", Generated, time.UTC)
	if err != nil {
		panic(err)
	}
	c.Port = p
	return c
})

// oracle reads a position report by itself: six bits a character, fields where
// M.1371-5 tables 48 (class A) and 67 (type 18) have them. It shares nothing with the library.
func oracle(t *testing.T, line []byte) (mmsi uint32, lat, lon float64) {
	t.Helper()
	s := string(line[bytes.IndexByte(line, '!'):])
	body, sum, ok := strings.Cut(s[1:], "*")
	if !ok {
		t.Fatalf("no checksum in %q", line)
	}
	x := byte(0)
	for i := range len(body) {
		x ^= body[i]
	}
	if want := "0123456789ABCDEF"[x>>4:x>>4+1] + "0123456789ABCDEF"[x&15:x&15+1]; sum[:2] != want {
		t.Fatalf("checksum %s of %q, want %s", sum[:2], line, want)
	}
	var bits []byte
	for _, c := range []byte(strings.Split(body, ",")[5]) {
		v := c - 48
		if v > 40 {
			v -= 8
		}
		for k := 5; k >= 0; k-- {
			bits = append(bits, v>>k&1)
		}
	}
	field := func(at, n int, signed bool) int64 {
		var v int64
		for _, b := range bits[at : at+n] {
			v = v<<1 | int64(b)
		}
		if signed && bits[at] == 1 {
			v -= 1 << n
		}
		return v
	}
	lonAt := 61
	if field(0, 6, false) == 18 {
		lonAt = 57
	}
	return uint32(field(8, 30, false)), float64(field(lonAt+28, 27, true)) / 600000, float64(field(lonAt, 28, true)) / 600000
}

// cosines is the great-circle distance by another formula than the package has.
func cosines(lat1, lon1, lat2, lon2 float64) float64 {
	const r = math.Pi / 180
	return 6371008.8 * math.Acos(min(1, math.Sin(lat1*r)*math.Sin(lat2*r)+math.Cos(lat1*r)*math.Cos(lat2*r)*math.Cos((lon2-lon1)*r)))
}

// attackOn plays the variant once on the capture.
func attackOn(t *testing.T, c *Capture, v *Variant, size float64) (*scene, setup, []byte, *Truth) {
	t.Helper()
	list := v.pick(c, v.Span)
	if len(list) == 0 {
		t.Fatalf("no set-up for %s, %s", v.Class, v.Name)
	}
	w := poolOf(list, v)[0][0]
	s := newScene(c, rand.New(rand.NewPCG(1, 2)), w)
	v.perform(s, w, size)
	data, truth, err := s.input()
	if err != nil {
		t.Fatalf("%s, %s: %v", v.Class, v.Name, err)
	}
	return s, w, data, truth
}

// Whatever the attack, the lines that it did not write are those of the
// capture, byte for byte and in their order, and what it wrote has the right
// checksum and is told in the truth.
func TestOnlyTheAttackChangesLines(t *testing.T) {
	for _, v := range Variants() {
		s, _, data, truth := attackOn(t, fleet(), &v, v.Low)
		var rest []byte
		at := 0
		for _, f := range truth.Lines {
			rest = append(rest, data[at:f.Offset]...)
			at = f.Offset + f.Length
			for _, line := range bytes.SplitAfter(data[f.Offset:at], []byte("\r\n")) {
				if len(line) > 0 && sumOf(sentenceText(line)) != hexByte(line) {
					t.Errorf("%s, %s: wrong checksum in %q", v.Class, v.Name, line)
				}
			}
		}
		rest = append(rest, data[at:]...)
		var want []byte
		for i := s.lo; i < s.hi; i++ {
			if _, edited := s.edits[i]; !edited {
				want = append(want, s.c.lines[i]...)
			}
		}
		if !bytes.Equal(rest, want) {
			t.Errorf("%s, %s: lines that were not attacked differ", v.Class, v.Name)
		}
		if len(truth.Attacked) == 0 || truth.Start.IsZero() || truth.Grown.Before(truth.Start) || !truth.End.After(truth.Start) {
			t.Errorf("%s, %s: truth %+v", v.Class, v.Name, truth)
		}
		if v.Class != Silence && len(truth.Lines) == 0 {
			t.Errorf("%s, %s: no line was written", v.Class, v.Name)
		}
		if got, err := read(t.Context(), data, "UTC"); err != nil || len(got) == 0 {
			t.Errorf("%s, %s: the source reads %d reports: %v", v.Class, v.Name, len(got), err)
		}
	}
}

func sentenceText(line []byte) string {
	from, to := sentenceIn(line)
	return string(line[from:to])
}

func hexByte(line []byte) byte {
	_, to := sentenceIn(line)
	return byte(strings.IndexByte("0123456789ABCDEF", line[to-2])<<4 | strings.IndexByte("0123456789ABCDEF", line[to-1]))
}

// A teleport moves each report of the vessel by just the distance asked for.
func TestTeleportIsWhatWasMeant(t *testing.T) {
	v := Variants()[0]
	const metres = 12_345.0
	s, w, data, truth := attackOn(t, fleet(), &v, metres)
	var true1 [][2]float64
	for _, r := range s.within(s.c.sender(w.mmsi).positions) {
		true1 = append(true1, [2]float64{r.lat, r.lon})
	}
	if len(true1) != len(truth.Lines) || len(true1) != len(truth.False) {
		t.Fatalf("%d true reports, %d lines, %d told", len(true1), len(truth.Lines), len(truth.False))
	}
	for i, f := range truth.Lines {
		mmsi, lat, lon := oracle(t, data[f.Offset:f.Offset+f.Length])
		if d := cosines(true1[i][0], true1[i][1], lat, lon); mmsi != w.mmsi || math.Abs(d-metres) > 1 {
			t.Errorf("report %d of %d lies %.1f m away, want %.0f", i, mmsi, d, metres)
		}
	}
}

// Silence takes all of the vessel away and nothing else.
func TestSilenceIsWhatWasMeant(t *testing.T) {
	i := slices.IndexFunc(Variants(), func(v Variant) bool { return v.Class == Silence })
	v := Variants()[i]
	_, w, data, truth := attackOn(t, fleet(), &v, 0)
	got, err := read(t.Context(), data, "UTC")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got {
		if r.MMSI == w.mmsi && !r.Time.Before(truth.Start) {
			t.Fatalf("still heard at %s", r.Time)
		}
	}
}

// The time of an injected line is in the capture's own form.
func TestTimeForms(t *testing.T) {
	at := time.Date(2016, 4, 1, 10, 20, 30, 0, time.UTC)
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	c := &Capture{zone: paris}
	for _, x := range []struct{ in, want string }{
		{"2016-03-31 00:00:01, ", "2016-04-01 12:20:30, "},
		{"2016-03-31T00:00:01Z ", "2016-04-01T10:20:30Z "},
		{"1459375201,", "1459506030,"},
		{"1459375201123 ", "1459506030000 "},
		{`\s:rEV02,c:1334337317*58\`, `\s:rEV02,c:1459506030*56\`},
		{`\g:1-2-3985,s:rEV02,c:1334337317*2D\`, `\s:rEV02,c:1459506030*56\`},
		{"$PGHP,1,2010,6,11,11,46,11,390,231,45,992190934,1,2B*5B\r\n", "$PGHP,1,2016,4,1,10,20,30,0,231,45,992190934,1,2B*5B\r\n"},
		{"", ""},
	} {
		got, err := c.retime([]byte(x.in), at)
		if err != nil || string(got) != x.want {
			t.Errorf("%q becomes %q (%v), want %q", x.in, got, err, x.want)
		}
	}
	if _, err := c.retime([]byte("noon "), at); err == nil {
		t.Error("a time in no known form was written anew")
	}
	if got := string(retail([]byte(",r003669987,1152921693\r\n"), at)); got != ",r003669987,1459506030\r\n" {
		t.Errorf("suffix %q", got)
	}
	if got := string(bindNote([]byte("$PGHP,1,2016,4,1,10,20,30,0,231,45,992190934,1,2B*5B\r\n"), 0x0A)); got != "$PGHP,1,2016,4,1,10,20,30,0,231,45,992190934,1,0A*"+
		string("0123456789ABCDEF"[checksum([]byte("PGHP,1,2016,4,1,10,20,30,0,231,45,992190934,1,0A"))>>4])+
		string("0123456789ABCDEF"[checksum([]byte("PGHP,1,2016,4,1,10,20,30,0,231,45,992190934,1,0A"))&15])+"\r\n" {
		t.Errorf("note %q", got)
	}
}

// The result does not depend on how many work at it, and the whole chain finds
// what cannot be missed.
func TestSameSeedSameBytes(t *testing.T) {
	classes := []Class{Teleport, Shared, FalseSART}
	var first []byte
	for _, workers := range []int{1, 3} {
		r, err := Run(t.Context(), []*Capture{fleet()}, Options{Seed: 5, Trials: 3, Classes: classes, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		} else if !bytes.Equal(first, b) {
			t.Errorf("with %d workers the result differs:\n%s\n%s", workers, first, b)
		}
		for _, x := range r.Rows {
			if x.Trials != 3 || x.Found != 3 {
				t.Errorf("%s, %s: %d of %d found", x.Class, x.Variant, x.Found, x.Trials)
			}
		}
		if len(r.Untold) > 0 || r.Files[0].Rate.Events > 0 {
			t.Errorf("untold %v, false alarms %v", r.Untold, r.Files[0].Alarms)
		}
		var text strings.Builder
		if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "shared-identity") {
			t.Errorf("text (%v):\n%s", err, text.String())
		}
	}
}

// A sweep goes down from the largest and stops at the first that is missed.
func TestSweep(t *testing.T) {
	r, err := Run(t.Context(), []*Capture{fleet()}, Options{Seed: 5, Trials: 2, Classes: []Class{Teleport}, Sweep: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Sweeps) != 1 || r.Sweeps[0].Setups != 2 || r.Sweeps[0].Half < 100 || r.Sweeps[0].Half > 51_200 || r.Sweeps[0].Nine < r.Sweeps[0].Half {
		t.Errorf("sweeps %+v", r.Sweeps)
	}
}

func TestWhatCannotBeTried(t *testing.T) {
	if _, err := Read(strings.NewReader("hello\n"), "x", HeldOut, time.UTC); err == nil {
		t.Error("a file without a message was taken")
	}
	if _, err := Read(strings.NewReader("!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A\n"), "x", HeldOut, time.UTC); err == nil {
		t.Error("a capture without a time was taken")
	}
	if _, err := Run(t.Context(), nil, Options{Trials: 1}); err == nil {
		t.Error("nothing to try was tried")
	}
	if _, err := Run(t.Context(), []*Capture{fleet()}, Options{}); err == nil {
		t.Error("no trial was asked for, and done")
	}
}

// On the public captures: nothing is told of them as they are, and every
// teleport and every second hull is found.
func TestPublicCaptures(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	root := os.Getenv("QUAYWATCH_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	in, err := os.Open(filepath.Join(root, "ais", "captures", "ais_vernon_20160401.log"))
	if err != nil {
		t.Skipf("test data is not there: %v (set QUAYWATCH_TESTDATA)", err)
	}
	defer func() { _ = in.Close() }()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(in, "vernon", Tuned, zone)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), []*Capture{c}, Options{Seed: 11, Trials: 10, Classes: []Class{Teleport, Shared}})
	if err != nil {
		t.Fatal(err)
	}
	if f := r.Files[0]; f.Rate.Events > 0 || f.Rate.Days < 1 {
		t.Errorf("false alarms %v in %.2f vessel-days", f.Alarms, f.Rate.Days)
	}
	for _, x := range r.Rows {
		if x.Found < 10 || x.Other.Events > 0 {
			t.Errorf("%s: %d of %d found, told of others %v", x.Class, x.Found, x.Trials, x.Wrong)
		}
	}
}

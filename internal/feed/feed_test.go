package feed

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	source "github.com/quaywatch/quaywatch/internal/source/ais"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

const (
	plain  = "!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A"
	static = "!AIVDM,2,1,9,B,58KvN<42ACikUKW77F1H4hF0<PTp622222222216`0`cF5BF0RT13H0T,0*70\r\n" +
		"!AIVDM,2,2,9,B,PFRC88888888880,2*29"
	mmsiOfPlain = 371798000
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// reportOf is a report as the source makes it of raw lines.
func reportOf(t testing.TB, raw string, at time.Time) event.VesselReport {
	t.Helper()
	ms, err := ais.Parse(strings.Split(strings.ReplaceAll(raw, "\r\n", "\n"), "\n")...)
	if err != nil {
		t.Fatal(err)
	}
	return event.VesselReport{MMSI: ms.MMSI, Type: ms.Type, Head: event.Head{Time: at, Seen: at, Source: "ais-tower", Raw: event.Raw{Length: len(raw), Text: []byte(raw)}}}
}

// fed is a feed whose bytes are kept instead of sent.
type fed struct {
	*Feed
	t    testing.TB
	now  time.Time
	sink *client
}

func newFed(t testing.TB, o Options) *fed {
	f := &fed{t: t, now: noon, sink: &client{wake: make(chan struct{}, 1)}}
	o.Now = func() time.Time { return f.now }
	f.Feed = New(o, NewDoubts())
	f.server.clients = []*client{f.sink}
	return f
}

// take gives the lines that were told since the last time.
func (f *fed) take() []string {
	b, _ := f.sink.take()
	var all strings.Builder
	for _, p := range b {
		all.Write(p)
	}
	f.sink.bytes = 0
	if all.Len() == 0 {
		return nil
	}
	text, ok := strings.CutSuffix(all.String(), "\r\n")
	if !ok {
		f.t.Fatalf("the last line is not ended: %q", all.String())
	}
	return strings.Split(text, "\r\n")
}

func (f *fed) tell(rs ...event.VesselReport) []string {
	f.Observe(&event.Batch{Vessels: rs})
	return f.take()
}

// split takes a line of the feed apart without the library: the values of its tag block,
// and its sentence. Both checksums are worked out here.
func split(t testing.TB, line string) (tags map[string]string, sentence string) {
	t.Helper()
	parts := strings.Split(line, `\`)
	if len(parts) != 3 || parts[0] != "" {
		t.Fatalf("no tag block: %q", line)
	}
	sum := func(s string) string {
		body, want, ok := strings.Cut(s, "*")
		x := byte(0)
		for i := range len(body) {
			x ^= body[i]
		}
		if got := strings.ToUpper(hex.EncodeToString([]byte{x})); !ok || got != want {
			t.Fatalf("checksum of %q is %s", s, got)
		}
		return body
	}
	tags = map[string]string{}
	for _, f := range strings.Split(sum(parts[1]), ",") {
		k, v, ok := strings.Cut(f, ":")
		if !ok || tags[k] != "" {
			t.Fatalf("tag block %q", parts[1])
		}
		tags[k] = v
	}
	if len(parts[1]) > 78 {
		t.Fatalf("tag block of %d characters: NMEA 0183 4.10 allows 80 with its backslashes", len(parts[1])+2)
	}
	if len(parts[2]) > 80 || parts[2][0] != '!' {
		t.Fatalf("sentence %q", parts[2])
	}
	sum(parts[2][1:])
	return tags, parts[2]
}

func TestSentencesGoOutAsTheyCame(t *testing.T) {
	f := newFed(t, Options{ID: "vts"})
	lines := f.tell(reportOf(t, plain, noon))
	if len(lines) != 1 {
		t.Fatal(lines)
	}
	tags, sentence := split(t, lines[0])
	if sentence != plain || tags["s"] != "ais-tower" || tags["c"] != fmt.Sprint(noon.Unix()) || tags["t"] != "" {
		t.Errorf("%v %s", tags, sentence)
	}
	two := f.tell(reportOf(t, static, noon))
	if len(two) != 2 {
		t.Fatal(two)
	}
	first, one := split(t, two[0])
	second, _ := split(t, two[1])
	if !strings.HasPrefix(first["g"], "1-2-") || "2"+first["g"][1:] != second["g"] || !strings.HasPrefix(one, "!AIVDM,2,1,") {
		t.Errorf("%v %v %s", first, second, one)
	}
	var payload string
	for _, l := range two {
		payload += strings.Split(l, ",")[len(strings.Split(l, ","))-2]
	}
	if want := "58KvN<42ACikUKW77F1H4hF0<PTp622222222216`0`cF5BF0RT13H0TPFRC88888888880"; payload != want {
		t.Errorf("payload %s", payload)
	}
}

func doubt(rule string, g finding.Grade, subject finding.Subject, links ...finding.Subject) finding.Occurrence {
	return finding.Occurrence{Rule: rule, Grade: g, Subject: subject, Links: links, Time: noon}
}

var ship = finding.Subject{Kind: "vessel", ID: fmt.Sprintf("mmsi:%d", mmsiOfPlain)}

func TestDoubtedPositions(t *testing.T) {
	area := finding.Subject{Kind: "area", ID: "area:1"}
	beacon := ais.NewMessage(1, 970123456)
	sart, err := ais.Encode(beacon, ais.Envelope{Channel: 'A'})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		mode Mode
		raw  string
		told []finding.Occurrence
		sent bool
		mark string // the letter, "" none
	}{
		{"nothing is told", Drop, plain, nil, true, ""},
		{"suspected is marked", Drop, plain, []finding.Occurrence{doubt("vessel.on-land", finding.Suspected, ship)}, true, "S"},
		{"likely is left out", Drop, plain, []finding.Occurrence{doubt("vessel.impossible-movement", finding.Likely, ship)}, false, ""},
		{"likely is marked", Flag, plain, []finding.Occurrence{doubt("vessel.impossible-movement", finding.Likely, ship)}, true, "L"},
		{"confirmed is marked", Flag, plain, []finding.Occurrence{doubt("vessel.two-hulls", finding.Suspected, ship), doubt("vessel.circling", finding.Confirmed, ship)}, true, "C"},
		{"a regrade replaces", Flag, plain, []finding.Occurrence{doubt("vessel.circling", finding.Confirmed, ship), doubt("vessel.circling", finding.Likely, ship)}, true, "L"},
		{"vessels of an area", Drop, plain, []finding.Occurrence{doubt("vessel.gnss-interference", finding.Likely, area, ship)}, false, ""},
		{"it has ended", Drop, plain, []finding.Occurrence{doubt("vessel.gnss-interference", finding.Likely, area, ship),
			{Rule: "vessel.gnss-interference", Subject: area, Cleared: true}}, true, ""},
		{"what a vessel does is no doubt", Drop, plain, []finding.Occurrence{doubt("vessel.drifting", finding.Confirmed, ship), doubt("vessel.distress-beacon", finding.Confirmed, ship)}, true, ""},
		{"another vessel", Drop, plain, []finding.Occurrence{doubt("vessel.circling", finding.Confirmed, finding.Subject{Kind: "vessel", ID: "mmsi:1"})}, true, ""},
		{"an exercise", Drop, plain, []finding.Occurrence{{Rule: "vessel.circling", Subject: ship, Grade: finding.Confirmed, Exercise: "drill"}}, true, ""},
		{"no vessel", Drop, plain, []finding.Occurrence{doubt("vessel.circling", finding.Confirmed, finding.Subject{Kind: "vessel", ID: "mmsi:x"})}, true, ""},
		{"identity is carried, marked", Drop, static, []finding.Occurrence{doubt("vessel.circling", finding.Confirmed, finding.Subject{Kind: "vessel", ID: "mmsi:566970160"})}, true, "C"},
		{"a distress beacon is never left out", Drop, sart[0], []finding.Occurrence{doubt("vessel.circling", finding.Confirmed, finding.Subject{Kind: "vessel", ID: "mmsi:970123456"})}, true, "C"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFed(t, Options{ID: "vts", Mode: tc.mode})
			r := reportOf(t, tc.raw, noon)
			for i := range tc.told { // of the vessel that the line names
				if tc.told[i].Subject.ID == "mmsi:566970160" {
					tc.told[i].Subject.ID = fmt.Sprintf("mmsi:%d", r.MMSI)
				}
			}
			f.doubts.Observe(tc.told)
			lines := f.tell(r)
			if (len(lines) > 0) != tc.sent || f.counts.LeftOut != map[bool]uint64{true: 0, false: 1}[tc.sent] {
				t.Fatalf("told %q, %+v", lines, f.counts)
			}
			for _, l := range lines {
				tags, _ := split(t, l)
				letter, id, _ := strings.Cut(tags["t"], "/")
				if letter != tc.mark || tc.mark != "" && id != tc.told[len(tc.told)-1].FindingID() {
					t.Errorf("mark %q", tags["t"])
				}
			}
		})
	}
	// Whatever the watch can tell has been thought about.
	for rule := range doubting {
		if !slices.Contains(vessel.Rules(), rule) {
			t.Errorf("%s is no rule of the watch", rule)
		}
	}
	harmless := []string{"vessel.dark-target", "vessel.dimensions-changed", "vessel.distress-beacon", "vessel.drifting", "vessel.safety-messages", "vessel.silent", "vessel.sudden-stop"}
	for _, rule := range vessel.Rules() {
		if doubting[rule] == slices.Contains(harmless, rule) {
			t.Errorf("say whether %s is a doubt about positions", rule)
		}
	}
}

func TestWhatIsNotCarried(t *testing.T) {
	f := newFed(t, Options{ID: "vts", Types: []int{1, 5}})
	r := reportOf(t, plain, noon)
	drill, old, other, cut, wrong := r, r, r, r, r
	drill.Exercise = "drill"
	old.Seen = noon.Add(-2 * time.Minute)
	other.Type = 18
	cut.Raw.Length = 4000
	wrong.Raw.Text = []byte(strings.Replace(plain, "*4A", "*4B", 1))
	if lines := f.tell(drill, old, other, cut, wrong); lines != nil {
		t.Errorf("told %q", lines)
	}
	if want := (Counts{Exercise: 1, Old: 1, Unselected: 1, Unreadable: 2}); f.counts != want {
		t.Errorf("%+v", f.counts)
	}
}

func TestCopies(t *testing.T) {
	f := newFed(t, Options{ID: "vts"})
	at := func(raw string, after time.Duration) event.VesselReport {
		r := reportOf(t, raw, noon.Add(after))
		r.Seen = noon
		return r
	}
	repeated := "!AIVDM,1,1,,B,15RTgt0PAso;90TKcjM8h6g208CQ,0*49" // by the other receiver
	for i, tc := range []struct {
		r    event.VesselReport
		sent bool
	}{
		{at(plain, 0), true}, {at(repeated, time.Second), false}, {at(plain, -time.Second), false}, {at(plain, 9*time.Minute), false}, {at(plain, 11*time.Minute), true},
		{at(static, 0), true}, {at(static, 20*time.Second), false}, {at(static, 40*time.Second), true}, // identities repeat by rights
	} {
		if lines := f.tell(tc.r); (lines != nil) != tc.sent {
			t.Errorf("%d: told %q", i, lines)
		}
	}
	if f.counts.Copies != 4 {
		t.Errorf("%+v", f.counts)
	}
}

// TestAnyMessageSurvives: whatever bits come in, the same bits go out, in
// sentences that are valid and in one group.
func TestAnyMessageSurvives(t *testing.T) {
	f := newFed(t, Options{ID: "vts"})
	f.doubts.Observe([]finding.Occurrence{doubt("vessel.circling", finding.Likely, ship)})
	rapid.Check(t, func(t *rapid.T) {
		m := ais.NewMessage(8, rapid.SampledFrom([]uint32{mmsiOfPlain, 219000123}).Draw(t, "mmsi"))
		raw := rapid.SliceOfN(rapid.Byte(), 4, 80).Draw(t, "data")
		if err := m.SetContent(&ais.Binary{App: ais.AppID{DAC: 999, FI: 1}, Structured: true, Raw: raw, RawBits: len(raw) * 8}); err != nil {
			t.Fatal(err)
		}
		in, err := ais.Encode(m, ais.Envelope{Channel: rapid.SampledFrom([]byte("AB")).Draw(t, "channel"), Seq: 3})
		if err != nil {
			t.Fatal(err)
		}
		r := reportOf(f.t, strings.Join(in, "\n"), noon)
		r.Station = rapid.String().Draw(t, "station")
		f.copies = newCopies()
		out := f.tell(r)
		if len(out) != len(in) {
			t.Fatalf("%q became %q", in, out)
		}
		for i, l := range out {
			tags, s := split(f.t, l)
			if want := strings.Split(in[i], ","); strings.Split(s, ",")[5] != want[5] {
				t.Fatalf("%q became %q", in[i], s)
			}
			if (tags["t"] != "") != (m.MMSI == mmsiOfPlain) || len(tags["s"]) > 15 {
				t.Fatalf("%v", tags)
			}
		}
	})
}

// put hands what a source read to the feed.
type put struct{ f *fed }

func (p put) Put(_ context.Context, b *event.Batch) error {
	p.f.now = p.f.now.Add(time.Second)
	for i := range b.Vessels {
		b.Vessels[i].Seen = p.f.now
	}
	p.f.Observe(b)
	return nil
}

// TestNoDamagedSentenceGoesOut reads a capture with 180 damaged lines through the
// source: every sentence that goes out stands in the capture as it was.
func TestNoDamagedSentenceGoesOut(t *testing.T) {
	root := cmp.Or(os.Getenv("QUAYWATCH_TESTDATA"), filepath.Join("..", "..", "..", "shared", "data"))
	path := filepath.Join(root, "ais", "captures", "ais_vernon_20160331.log")
	capture, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("test data is not there: %v (set QUAYWATCH_TESTDATA)", err)
	}
	payloads := map[string]bool{} // of lines that have a right checksum, by the test's own reading
	damaged := 0
	for _, line := range strings.Split(string(capture), "\n") {
		at := strings.Index(line, "!")
		star := strings.LastIndex(line, "*")
		if at < 0 || star < at || star+3 > len(line) {
			continue
		}
		x := byte(0)
		for _, c := range []byte(line[at+1 : star]) {
			x ^= c
		}
		if !strings.EqualFold(fmt.Sprintf("%02X", x), line[star+1:star+3]) {
			damaged++
			continue
		}
		if field := strings.Split(line[at:star], ","); len(field) == 7 && field[1] == "1" {
			payloads[field[5]] = true
		}
	}
	f := newFed(t, Options{ID: "vts"})
	s, err := source.New(source.Config{ID: "vernon", Address: path})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	f.sink.bytes = -1 << 40 // takes all
	if err := s.Run(t.Context(), put{f}); err != nil {
		t.Fatal(err)
	}
	for _, l := range f.take() {
		_, sentence := split(t, l)
		if field := strings.Split(sentence, ","); field[1] == "1" {
			if count++; !payloads[field[5]] {
				t.Errorf("%s is not in the capture", sentence)
			}
		}
	}
	if damaged < 170 || count < 10000 {
		t.Errorf("%d damaged lines, %d sentences: the capture or the oracle is wrong", damaged, count)
	}
	t.Logf("%d damaged lines, %d sentences went out: %+v", damaged, count, f.counts)
}

func BenchmarkObserve(b *testing.B) {
	f := newFed(b, Options{ID: "vts"})
	r := reportOf(b, plain, noon)
	batch := &event.Batch{Vessels: slices.Repeat([]event.VesselReport{r}, 500)}
	at := noon
	b.ReportAllocs()
	for b.Loop() {
		for i := range batch.Vessels {
			at = at.Add(copyLong + 1) // no copies
			batch.Vessels[i].Time = at
		}
		f.Observe(batch)
		f.sink.waiting, f.sink.bytes = nil, 0
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(500*b.N), "ns/report")
}

// TestManualShowsLinesOfTheFeed keeps the examples of the manual true.
func TestManualShowsLinesOfTheFeed(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "manual", "feed-nmea.md"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, line := range strings.Split(string(manual), "\n") {
		if strings.HasPrefix(line, `\s:`) {
			n++
			if tags, s := split(t, line); s != plain || tags["s"] == "" {
				t.Errorf("%s", line)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d examples", n)
	}
}

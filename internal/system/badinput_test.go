package system

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/simulate"
	"github.com/quaywatch/quaywatch/internal/watch/health"
)

// badPlay is a short while of the simulated port whose files the tests below damage.
func badPlay(t testing.TB, long time.Duration) played {
	return play(t, simulate.Options{Seed: 4, Start: scenarioStart, Campaign: true, CampaignAt: scenarioStart.Add(time.Minute)}, long)
}

func write(t testing.TB, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sourceOf(t testing.TB, out *Outcome, id string) health.Source {
	t.Helper()
	for _, s := range out.Sources {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("source %s is not in the outcome", id)
	return health.Source{}
}

// resultsThere: whatever the input was, all five results are written and hold
// nothing of the year 1.
func resultsThere(t testing.TB, dir string) {
	t.Helper()
	for _, name := range []string{"findings.ndjson", "flows.parquet", "inventory.json", "situation.html", "vessels.geojson"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Size() == 0 && name != "findings.ndjson" {
			t.Errorf("%s is empty", name)
		}
	}
}

// TestCutCaptures cuts a capture at every sixteenth: what is before the cut is
// read in full, the damage is named with the file and the place, and the longer
// file never tells less.
func TestCutCaptures(t *testing.T) {
	p := badPlay(t, 5*time.Minute)
	whole := read(t, p.dir, "network.pcap")
	const head = 24 // of the file; the capture is in nanoseconds, little endian
	dir := t.TempDir()
	var before uint64
	for i := range 17 {
		size := len(whole) * i / 16
		path := write(t, dir, fmt.Sprintf("cut%02d.pcap", i), whole[:size])
		out, _ := analyseInto(t, filepath.Join(dir, "out"), recording(t, config.KindPcap, path))
		s := sourceOf(t, out, "pcap:"+filepath.Base(path))
		resultsThere(t, filepath.Join(dir, "out"))
		if s.Health.Accepted < before {
			t.Errorf("cut at %d: %d accepted, a shorter file gave %d", size, s.Health.Accepted, before)
		}
		before = s.Health.Accepted
		at := head // end of the last whole packet
		for at+16 <= size {
			next := at + 16 + int(binary.LittleEndian.Uint32(whole[at+8:]))
			if next > size {
				break
			}
			at = next
		}
		damaged := size < head || at != size
		if got := s.Health.Rejected > 0; got != damaged {
			t.Errorf("cut at %d (last whole packet ends at %d): rejected %d", size, at, s.Health.Rejected)
		}
		if damaged {
			last := s.Health.Reasons[0].Last
			if last.Input != path || size >= head && (last.Offset < int64(at) || last.Offset > int64(at)+16 || last.Line == 0) {
				t.Errorf("cut at %d: the damage is named at %s, want the record at %d or its data", size, last.Where(), at)
			}
		}
	}
}

// TestWrongLengthField: a packet that claims to be a gigabyte ends the capture
// there with its place; what was before it stands, other inputs are untouched.
func TestWrongLengthField(t *testing.T) {
	p := badPlay(t, 5*time.Minute)
	b := bytes.Clone(read(t, p.dir, "network.pcap"))
	at := 24
	for range 1000 {
		at += 16 + int(binary.LittleEndian.Uint32(b[at+8:]))
	}
	binary.LittleEndian.PutUint32(b[at+8:], 1<<30)
	path := write(t, t.TempDir(), "length.pcap", b)
	dir := t.TempDir()
	out, _ := analyseInto(t, dir, recording(t, config.KindPcap, path), recording(t, config.KindAccess, filepath.Join(p.dir, "access.csv")))
	s := sourceOf(t, out, "pcap:length.pcap")
	if s.Health.Rejected != 1 || s.Health.Reasons[0].Last.Offset < int64(at) || s.Health.Reasons[0].Last.Offset > int64(at)+16 || s.Health.Reasons[0].Last.Line == 0 {
		t.Errorf("rejected %d, %+v; want one at offset %d with its packet number", s.Health.Rejected, s.Health.Reasons, at)
	}
	if s.Health.Accepted == 0 || sourceOf(t, out, "access:access.csv").Health.Accepted == 0 {
		t.Error("what was whole is lost")
	}
}

// dirty mixes junk between the lines of a file: NUL bytes, random bytes, a line
// of 10 MB, mixed line ends. It returns how many lines of junk there are.
func dirty(content []byte, skip int) ([]byte, int) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 300)
	var out bytes.Buffer
	junk := 0
	ends := []string{"\n", "\r\n"}
	for i, line := range bytes.Split(bytes.TrimRight(content, "\r\n"), []byte("\n")) {
		out.Write(bytes.TrimRight(line, "\r"))
		out.WriteString(ends[i%2])
		if i < skip {
			continue
		}
		switch i {
		case 5:
			out.WriteString("\x00\x00\x00\x00,\x00\n")
			junk++
		case 10:
			out.WriteString(strings.Repeat("A", 10<<20) + "\n")
			junk++
		case 15:
			for k := range random {
				if random[k] = byte(rng.IntN(256)); random[k] == '\n' || random[k] == '\r' {
					random[k] = 'x'
				}
			}
			random[0] = 'z' // no comment and no blank line
			out.Write(random)
			out.WriteString("\n")
			junk++
		}
	}
	return out.Bytes(), junk
}

// TestDirtyText: junk between good lines costs exactly the junk, each with its
// reason and line; the findings are those of the clean files.
func TestDirtyText(t *testing.T) {
	p := badPlay(t, 20*time.Minute)
	dir := t.TempDir()
	ais, aisJunk := dirty(read(t, p.dir, "ais.nmea"), 0)
	csv, csvJunk := dirty(read(t, p.dir, "access.csv"), 1)
	if aisJunk != 3 || csvJunk != 3 {
		t.Fatalf("%d and %d lines of junk, want three each: the files are too short", aisJunk, csvJunk)
	}
	bom := append([]byte("\xef\xbb\xbf"), csv...)
	clean, _ := analyseInto(t, filepath.Join(dir, "clean"), recording(t, config.KindAIS, filepath.Join(p.dir, "ais.nmea")),
		recording(t, config.KindAccess, filepath.Join(p.dir, "access.csv")))
	cleanFound := readFindings(t, filepath.Join(dir, "clean"))
	heap := growth(func() {
		out, found := analyseInto(t, filepath.Join(dir, "dirty"), recording(t, config.KindAIS, write(t, dir, "ais.nmea", ais)),
			recording(t, config.KindAccess, write(t, dir, "access.csv", bom)))
		resultsThere(t, filepath.Join(dir, "dirty"))
		for id, junk := range map[string]int{"ais:ais.nmea": aisJunk, "access:access.csv": csvJunk} {
			got, want := sourceOf(t, out, id).Health, sourceOf(t, clean, id).Health
			if got.Accepted != want.Accepted {
				t.Errorf("%s: %d accepted, %d of the clean file", id, got.Accepted, want.Accepted)
			}
			if got.Rejected != want.Rejected+uint64(junk) {
				t.Errorf("%s: %d rejected, want %d: %+v", id, got.Rejected, junk, got.Reasons)
			}
			for _, r := range got.Reasons {
				if r.Text == "" || r.Last.Line == 0 || r.Last.Input == "" {
					t.Errorf("%s: a rejection without reason or place: %+v", id, r)
				}
			}
		}
		if a, b := told(found), told(cleanFound); a != b {
			t.Errorf("the junk changed what is told:\n%s\nwant\n%s", a, b)
		}
		if n := followEvidence(t, found); n == 0 {
			t.Error("no fact leads back to its bytes")
		}
	})
	if heap > 256<<20 {
		t.Errorf("the heap grew by %d MiB over two lines of 10 MB", heap>>20)
	}
}

// told is rule and subject of the findings, without those on the sources themselves.
func told(list []finding.Finding) string {
	var b strings.Builder
	for _, f := range list {
		if !strings.HasPrefix(f.Rule, "source.") {
			fmt.Fprintln(&b, f.Rule, f.Subject.ID, f.Grade, f.Count)
		}
	}
	return b.String()
}

// growth is by how many bytes the memory that is in use rose over do.
func growth(do func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	do()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// TestWrongKindsOfInput: a missing file, a directory in the place of a file, an
// empty file and random bytes are each told by name; the others are read.
func TestWrongKindsOfInput(t *testing.T) {
	p := badPlay(t, 20*time.Minute)
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(rng.IntN(256))
	}
	random, empty := write(t, dir, "random.bin", noise), write(t, dir, "empty", nil)
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	good := []Feed{recording(t, config.KindAIS, filepath.Join(p.dir, "ais.nmea")), recording(t, config.KindAccess, filepath.Join(p.dir, "access.csv"))}
	_, want := analyseInto(t, filepath.Join(dir, "good"), good...)
	for _, kind := range []string{config.KindAIS, config.KindPcap, config.KindAccess, config.KindAdvisories, config.KindKEV} {
		for what, path := range map[string]string{"missing": filepath.Join(dir, "gone"), "random": random, "empty": empty, "folder": folder} {
			t.Run(kind+" "+what, func(t *testing.T) {
				out := t.TempDir()
				feeds := append([]Feed{recording(t, kind, path)}, recording(t, config.KindAIS, filepath.Join(p.dir, "ais.nmea")),
					recording(t, config.KindAccess, filepath.Join(p.dir, "access.csv")))
				o, found := analyseInto(t, out, feeds...)
				resultsThere(t, out)
				if a, b := told(found), told(want); a != b {
					t.Errorf("the findings of the other inputs changed:\n%s\nwant\n%s", a, b)
				}
				id := kind + ":" + filepath.Base(path)
				why, failed := o.Failed[id]
				h := sourceOf(t, o, id).Health
				if what == "missing" && (!failed || !strings.Contains(why, path)) {
					t.Errorf("a missing file is not named: %q", why)
				}
				if h.Accepted > 0 {
					t.Errorf("%d observations from %s", h.Accepted, what)
				}
				if what == "random" && !failed && h.Rejected == 0 && h.Skipped == 0 {
					t.Error("random bytes left no trace in the account of the source")
				}
				followEvidence(t, found)
			})
		}
	}
}

// TestWrongClocks: rows of 1995 and 2099 beside each other are each kept under
// the time that they tell, in whichever order they are read; rows of 1970, which
// is what a clock says that was never set, are set aside with the reason.
func TestWrongClocks(t *testing.T) {
	for _, years := range [][]int{{1970, 1995, 2099}, {2099, 1995, 1970}} {
		dir := t.TempDir()
		var feeds []Feed
		for _, year := range years {
			rows := "time,reader,badge,person,result,direction,reason\n"
			for i := range 3 {
				rows += time.Date(year, 1, 2, 3, i, 0, 0, time.UTC).Format(time.RFC3339) + ",rdr-q3-07,,,forced,,door contact without card\n"
			}
			feeds = append(feeds, recording(t, config.KindAccess, write(t, dir, fmt.Sprint(year, ".csv"), []byte(rows))))
		}
		out, found := analyseInto(t, filepath.Join(dir, "out"), feeds...)
		if len(out.Failed) > 0 {
			t.Fatal(out.Failed)
		}
		if h := sourceOf(t, out, "access:1970.csv").Health; h.Rejected != 3 || !strings.Contains(h.Reasons[0].Text, "years") || h.Reasons[0].Last.Line != 4 {
			t.Errorf("1970: %d rejected, %+v", h.Rejected, h.Reasons)
		}
		if len(found) != 1 || found[0].Rule != "physical.forced-door" || found[0].Count != 6 {
			t.Fatalf("%v: told %s, want one forced door, six times", years, told(found))
		}
		if f := found[0]; f.First.Year() != 1995 || f.Last.Year() != 2099 {
			t.Errorf("%v: forced door from %s to %s", years, f.First, f.Last)
		}
		followEvidence(t, found)
	}
}

// TestAnalysisCanBeStopped: an interrupted analysis ends at once with the reason.
func TestAnalysisCanBeStopped(t *testing.T) {
	p := badPlay(t, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Analyse(ctx, AnalyseOptions{Port: loadSaltmere(t), Feeds: p.feeds(t), Out: t.TempDir()})
	if err == nil {
		t.Error("an analysis that was interrupted says that it is done")
	}
}

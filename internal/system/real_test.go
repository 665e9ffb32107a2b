package system

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// realFeeds are the recordings that the analysis is promised to read.
func realFeeds(t testing.TB) []Feed {
	return []Feed{
		recording(t, config.KindAdvisories, shared(t, "vuln", "cisa-csaf-ot-white-6960219f.tar.zst")),
		recording(t, config.KindKEV, shared(t, "vuln", "known_exploited_vulnerabilities.json")),
		recording(t, config.KindAIS, shared(t, "ais", "captures", "ais_vernon_20160331.log")),
		recording(t, config.KindPcap, shared(t, "ot", "pcap", "icsnpp", "modbus")),
		recording(t, config.KindPcap, shared(t, "ot", "pcap", "gopacket")),
	}
}

// TestRealRecordingsTwice: the same recordings give the same bytes, every
// advisory is loaded, the clock that is two hours wrong is told, and each fact
// leads back to its bytes.
func TestRealRecordingsTwice(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	out, findings := analyseInto(t, first, realFeeds(t)...)
	analyseInto(t, second, realFeeds(t)...)
	if len(out.Files) != 5 {
		t.Errorf("files %v, want five", out.Files)
	}
	sameFiles(t, first, second)
	if out.Advisories != 2379 || len(out.Failed) > 0 {
		t.Errorf("%d advisories, failed %v; want 2379 and none", out.Advisories, out.Failed)
	}
	i := slices.IndexFunc(findings, func(f finding.Finding) bool {
		return f.Rule == "source.clock-drift" && strings.Contains(f.Title, "2 h ahead") && f.Grade == finding.Confirmed
	})
	if i < 0 {
		t.Error("the two hours by which the clock of the AIS receiver is wrong are not told")
	}
	if n := followEvidence(t, findings); n == 0 {
		t.Error("no fact leads back to its bytes")
	}
	for _, name := range []string{"findings.ndjson", "inventory.json", "vessels.geojson", "situation.html"} {
		if b, err := os.ReadFile(filepath.Join(first, name)); err != nil || bytes.Contains(b, []byte("0001-01-01")) {
			t.Errorf("%s holds a time of the year 1 (%v)", name, err)
		}
	}
}

// sameFiles compares two directories byte by byte.
func sameFiles(t testing.TB, a, b string) {
	t.Helper()
	list := func(dir string) []string {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	if !slices.Equal(list(a), list(b)) {
		t.Fatalf("other files: %v and %v", list(a), list(b))
	}
	for _, name := range list(a) {
		x, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(filepath.Join(b, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x, y) {
			t.Errorf("%s differs: %d and %d bytes", name, len(x), len(y))
		}
	}
}

// TestEvidenceOfEveryCapture: whatever is told of the other AIS recordings can
// be followed back too.
func TestEvidenceOfEveryCapture(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "ais", "captures"), "*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d captures, %v", len(files), err)
	}
	var feeds []Feed
	for _, path := range files {
		feeds = append(feeds, recording(t, config.KindAIS, path))
	}
	_, findings := analyseInto(t, t.TempDir(), feeds...)
	if n := followEvidence(t, findings); n == 0 {
		t.Error("no fact leads back to its bytes")
	} else {
		t.Logf("%d findings, %d facts followed", len(findings), n)
	}
}

// keep is a sink that keeps what it is given.
type keep struct {
	vessels []event.VesselReport
	health  event.SourceHealth
}

func (k *keep) Put(_ context.Context, b *event.Batch) error {
	k.vessels = append(k.vessels, b.Vessels...)
	if n := len(b.Health); n > 0 {
		k.health = b.Health[n-1]
	}
	return nil
}

// sentence finds a sentence in a line: this and the sum below are written apart
// from the decoder, to judge it.
var sentence = regexp.MustCompile(`!(AI|BS|AB)VD[MO],[^*]*\*([0-9A-Fa-f]{2})`)

// sumHolds reports whether the XOR of all characters between ! and * is what
// the sentence says (IEC 61162-1), and whether there is a sentence.
func sumHolds(text []byte) (holds, is bool) {
	m := sentence.FindSubmatch(text)
	if m == nil {
		return false, false
	}
	var sum byte
	body := m[0][1 : len(m[0])-3]
	for _, c := range body {
		sum ^= c
	}
	want, err := hex.DecodeString(string(m[2]))
	return err == nil && want[0] == sum, true
}

// TestCorruptLinesBecomeNothing: an independent sum over every line of a real
// recording decides which may become a report. Each whole single sentence with
// a right sum is a report or is named as rejected; none with a wrong sum is.
func TestCorruptLinesBecomeNothing(t *testing.T) {
	path := shared(t, "ais", "captures", "ais_vernon_20160331.log")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	k := &keep{}
	if err := recording(t, config.KindAIS, path).Source.Run(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	reported := map[int64]bool{}
	for _, r := range k.vessels {
		reported[r.Raw.Offset] = true
	}
	right, wrong, unread := 0, 0, 0
	var offset int64
	for _, line := range bytes.SplitAfter(content, []byte("\n")) {
		at := offset
		offset += int64(len(line))
		holds, is := sumHolds(line)
		switch {
		case !is:
		case !holds:
			wrong++
			if reported[at] {
				t.Errorf("the corrupt line at %d became a report: %s", at, line)
			}
		case bytes.Contains(line, []byte("VDM,1,1,")):
			right++
			if !reported[at] {
				unread++
			}
		}
	}
	if wrong == 0 || right < 50_000 {
		t.Fatalf("%d corrupt and %d whole lines: the oracle does not see the recording", wrong, right)
	}
	named, badSums := uint64(0), uint64(0)
	for _, r := range k.health.Reasons {
		if r.Text == "checksum does not match" {
			badSums = r.Count
		} else {
			named += r.Count
		}
	}
	if badSums != uint64(wrong) {
		t.Errorf("%d lines rejected for their checksum, the oracle counts %d", badSums, wrong)
	}
	if uint64(unread) > named+k.health.Skipped {
		t.Errorf("%d whole lines are no report, but only %d are named as rejected or skipped", unread, named+k.health.Skipped)
	}
	for i := range k.vessels {
		for _, line := range bytes.Split(k.vessels[i].Raw.Text, []byte("\n")) {
			if holds, is := sumHolds(line); is && !holds && bytes.Count(k.vessels[i].Raw.Text, []byte("\n")) == 0 {
				t.Errorf("report %d rests on a corrupt sentence: %s", i, line)
			}
		}
	}
	t.Logf("%d whole single sentences, %d corrupt ones, %d reports", right, wrong, len(k.vessels))
}

package ais

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

const (
	plain = "!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A"
	first = "!AIVDM,2,1,9,B,58KvN<42ACikUKW77F1H4hF0<PTp622222222216`0`cF5BF0RT13H0T,0*70"
	last  = "!AIVDM,2,2,9,B,PFRC88888888880,2*29"
)

// sink keeps what it is given and signals each batch.
type sink struct {
	mu       sync.Mutex
	vessels  []event.VesselReport
	contacts []event.Contact
	health   event.SourceHealth
	got      chan struct{}
}

func newSink() *sink { return &sink{got: make(chan struct{}, 1000)} }

func (s *sink) Put(_ context.Context, b *event.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vessels = append(s.vessels, b.Vessels...)
	s.contacts = append(s.contacts, b.Contacts...)
	if n := len(b.Health); n > 0 {
		s.health = b.Health[n-1]
	}
	s.got <- struct{}{}
	return nil
}

// wait waits until the sink has n reports.
func (s *sink) wait(t *testing.T, n int) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		have := len(s.vessels)
		s.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-s.got:
		case <-limit:
			t.Fatalf("%d reports of %d", have, n)
		}
	}
}

type marks map[string]string

func (m marks) Bookmark(_ context.Context, id string) (string, error) { return m[id], nil }
func (m marks) SetBookmark(_ context.Context, id, mark string) error  { m[id] = mark; return nil }

func run(t *testing.T, c Config) *sink {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	k := newSink()
	if err := s.Run(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	return k
}

func reasons(h event.SourceHealth) map[string]event.Reason {
	out := map[string]event.Reason{}
	for _, r := range h.Reasons {
		out[r.Text] = r
	}
	return out
}

// Junk is rejected with reason and line, and what follows is read.
func TestJunk(t *testing.T) {
	content := plain + "\r\n" + "\x00\x00\xff\xfe\n" + strings.Repeat("A", 10<<20) + "\n" + plain[:len(plain)-1] + "B\n" +
		first + "\n" + plain + "\n" + last + "\n" + first
	k := run(t, Config{ID: "x", Address: "-", Stdin: strings.NewReader(content)})
	if len(k.vessels) != 3 {
		t.Fatalf("%d reports", len(k.vessels))
	}
	got := reasons(k.health)
	for text, line := range map[string]int64{"no NMEA sentence in the line": 2, "line is longer than 4096 bytes": 3,
		"checksum does not match": 4, "fragments of a message are missing": 8} {
		if r := got[text]; r.Count != 1 || r.Last.Line != line {
			t.Errorf("%s: %d, line %d, want line %d", text, r.Count, r.Last.Line, line)
		}
	}
	long := got["line is longer than 4096 bytes"].Last
	if long.Length != 10<<20+1 || long.Sum != sha256.Sum256(bytes.Repeat([]byte("A"), 10<<20)) {
		t.Errorf("long line: length %d", long.Length)
	}
	if k.health.State != source.StateEnded || k.health.Rejected != 4 {
		t.Errorf("health %+v", k.health)
	}
}

// Every report leads back to its very bytes.
func TestEvidence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.nmea")
	content := []byte("# remark\r\n" + first + "\r\n" + last + "\r\n" + plain + "\r\n")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	k := run(t, Config{ID: "x", Address: path})
	if len(k.vessels) != 2 {
		t.Fatalf("%d reports", len(k.vessels))
	}
	for i, line := range []int64{2, 4} {
		raw := k.vessels[i].Raw
		span := content[raw.Offset : raw.Offset+int64(raw.Length)]
		if raw.Line != line || raw.Input != path || !bytes.Equal(span, raw.Text) || raw.Sum != sha256.Sum256(span) {
			t.Errorf("raw %+v of %q", raw, span)
		}
	}
	if r := k.vessels[0]; r.Name != "VALE CHINA" || r.IMO != 9522972 || !r.Static || r.Told {
		t.Errorf("static report %+v", r)
	}
}

// A recording without times takes them from the base station that it holds; what
// comes before is set aside, because a made-up time would look like a measurement.
func TestRecordingWithoutTimes(t *testing.T) {
	const base = "!AIVDM,1,1,,A,402:LD1v0wF0206b3<L5GdQ020S:,0*5D" // UTC 2016-03-30 22:00:02
	content := plain + "\n" + base + "\n" + plain + "\n" + first + "\n" + last + "\n"
	k := run(t, Config{ID: "x", Address: "-", Stdin: strings.NewReader(content), Clock: func() time.Time { return time.Time{} }})
	if r := reasons(k.health)[reasonTimeless]; r.Count != 1 || r.Last.Line != 1 {
		t.Errorf("set aside: %+v", k.health.Reasons)
	}
	if len(k.vessels) != 3 {
		t.Fatalf("%d reports, want base station, position and static report", len(k.vessels))
	}
	for _, r := range k.vessels {
		if r.Time != k.vessels[0].Clock || r.Seen != r.Time || r.Told {
			t.Errorf("type %d: time %s, seen %s, told %v; the base station says %s", r.Type, r.Time, r.Seen, r.Told, k.vessels[0].Clock)
		}
	}
}

// A file goes on at its bookmark; another file under the same name does not.
func TestBookmark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.nmea")
	write := func(s string) {
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := marks{}
	c := Config{ID: "x", Address: path, Bookmarks: m}
	write(plain + "\n")
	if n := len(run(t, c).vessels); n != 1 {
		t.Fatalf("first run: %d", n)
	}
	write(plain + "\n" + first + "\n" + last + "\n")
	k := run(t, c)
	if len(k.vessels) != 1 || k.vessels[0].Type != 5 || k.vessels[0].Raw.Line != 2 {
		t.Fatalf("second run: %d reports", len(k.vessels))
	}
	write("# another file of the same name\n" + plain + "\n" + first + "\n" + last + "\n")
	if n := len(run(t, c).vessels); n != 2 {
		t.Fatalf("another file: %d", n)
	}
}

// The client connects again after the server went away, and says so.
func TestTCPReconnects(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(plain + "\r\n")) // the client counts what came
			_ = conn.Close()
		}
	}()
	s, err := New(Config{ID: "x", Address: "tcp://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	k, done := newSink(), make(chan error, 1)
	go func() { done <- s.Run(ctx, k) }()
	k.wait(t, 2)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if !strings.Contains(k.health.Error, "next try in 1s") {
		t.Errorf("health %q %q", k.health.State, k.health.Error)
	}
}

func TestUDP(t *testing.T) {
	s, err := New(Config{ID: "x", Address: "udp://127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	addr := make(chan net.Addr, 1)
	s.bound = func(a net.Addr) { addr <- a }
	ctx, cancel := context.WithCancel(t.Context())
	k, done := newSink(), make(chan error, 1)
	go func() { done <- s.Run(ctx, k) }()
	conn, err := net.Dial("udp", (<-addr).String())
	if err != nil {
		t.Fatal(err)
	}
	for _, datagram := range []string{plain, first + "\r\n" + last + "\r\n"} {
		if _, err := conn.Write([]byte(datagram)); err != nil {
			t.Fatal(err)
		}
	}
	k.wait(t, 2)
	cancel()
	<-done
	_ = conn.Close()
}

// Local time read as UTC shows as drift against the base station's clock.
func TestDriftOfTheWrongZone(t *testing.T) {
	root := os.Getenv("QUAYWATCH_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, "ais", "captures", "ais_vernon_20160331.log")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("test data is not there: %v (set QUAYWATCH_TESTDATA)", err)
	}
	for zone, want := range map[string]time.Duration{"": 2 * time.Hour, "Europe/Paris": 0} {
		h := run(t, Config{ID: "x", Address: path, Zone: zone}).health
		if !h.HasDrift || (h.Drift-want).Abs() > 5*time.Second || h.DriftFrom != "AIS base station 2268240" {
			t.Errorf("zone %q: drift %v (%v) from %q", zone, h.Drift, h.HasDrift, h.DriftFrom)
		}
		if got := reasons(h)["checksum does not match"].Count; got != 180 {
			t.Errorf("%d lines with a wrong checksum", got)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	for _, c := range []Config{{Address: "-"}, {ID: "x"}, {ID: "x", Address: "-", Zone: "Mars"}, {ID: "x", Address: "http://h:1"}, {ID: "x", Address: "tcp://h"}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func FuzzIntake(f *testing.F) {
	f.Add([]byte(plain + "\n" + first + "\n" + last))
	f.Add([]byte("\x00\n\n\n!"))
	f.Fuzz(func(t *testing.T, b []byte) {
		k := run(t, Config{ID: "x", Address: "-", Stdin: bytes.NewReader(b)})
		for _, r := range k.vessels {
			span := b[r.Raw.Offset : r.Raw.Offset+int64(r.Raw.Length)]
			if !bytes.Equal(span, r.Raw.Text) {
				t.Fatalf("evidence %q, input %q", r.Raw.Text, span)
			}
		}
	})
}

func BenchmarkRun(b *testing.B) {
	content := []byte(strings.Repeat("2016-03-31 00:00:01, "+plain+"\n", 100000))
	for b.Loop() {
		s, err := New(Config{ID: "x", Address: "-", Stdin: bytes.NewReader(content)})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Run(b.Context(), discard{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*100000/b.Elapsed().Seconds()/1e6, "M_sentences/s")
}

type discard struct{}

func (discard) Put(context.Context, *event.Batch) error { return nil }

package pcap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

type swallow struct{}

func (swallow) Put(context.Context, *event.Batch) error { return nil }

// Flows are told while a followed capture waits for more. When they can't be
// kept the run has failed: it must not look like a capture that was read to its
// end, which nobody would start again.
func TestSinkThatFailsWhileNothingArrivesFailsTheRun(t *testing.T) {
	tp := newTape(t)
	tp.tcp(0, hmi, plc, "S", 1, "")
	s := New("grows", nil, Options{Follow: true})
	s.feed, s.table = source.NewFeed("grows", swallow{}, source.FeedOptions{}), newTable(s.o)
	full := errors.New("disk full")
	s.table.tell = func(*flow) error { return full }
	s.o.OtherIdle, s.o.TCPIdle, s.o.Early = 1, 1, 1
	s.table.o = s.o
	r := &growing{ctx: t.Context(), r: bytes.NewReader(tp.buf.Bytes()), idle: s.idle(), every: time.Microsecond}
	if err := s.readCapture(t.Context(), r, "grows.pcap"); !errors.Is(err, full) {
		t.Errorf("reading returned %v, want the failure of the sink", err)
	}
}

// slowly gives a stream in two pieces with a pause between, as standard input may.
type slowly struct {
	parts [][]byte
	pause time.Duration
}

func (s *slowly) Read(b []byte) (int, error) {
	if len(s.parts) == 0 {
		return 0, io.EOF
	}
	time.Sleep(s.pause)
	n := copy(b, s.parts[0])
	if s.parts[0] = s.parts[0][n:]; len(s.parts[0]) == 0 {
		s.parts = s.parts[1:]
	}
	return n, nil
}

// TestNewestIsAClock: the newest packet time serves as the clock of a stream, which is
// looked at in the background while packets come (with the race detector).
func TestNewestIsAClock(t *testing.T) {
	tp := newTape(t)
	for i := range 50 {
		tp.udp(float64(i), hmi, plc, "x")
	}
	stream := tp.buf.Bytes()
	half := len(stream) / 2
	var src *Source
	src = NewReader("slow", &slowly{[][]byte{stream[:half], stream[half:]}, 300 * time.Millisecond}, Options{Clock: func() time.Time { return src.Newest() }})
	k := &sink{}
	if err := src.Run(context.Background(), k); err != nil {
		t.Fatal(err)
	}
	if got, want := src.Newest(), epoch.Add(49*time.Second); !got.Equal(want) || got.UnixNano() != src.Stats().Last {
		t.Errorf("the newest packet is of %v, want %v", got, want)
	}
}

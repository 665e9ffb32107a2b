package pcap

import (
	"bytes"
	"context"
	"errors"
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

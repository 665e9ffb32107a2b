package system

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Whoever came in before the warm-up of the stream is still inside after a
// restart, and the rows that the stream tells again are not counted twice.
func TestPeopleAreStillInsideAfterARestart(t *testing.T) {
	ctx, cfg := context.Background(), killConfig(t.TempDir())
	s, err := Open(ctx, cfg, Options{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	reader := firstReader(t, s.port.Load())
	now := time.Now().UTC().Truncate(time.Second)
	row := func(badge string, ago time.Duration) event.AccessEvent {
		at := now.Add(-ago)
		return event.AccessEvent{Head: event.Head{Time: at, Seen: at, Told: true, Source: "gates", Raw: event.Raw{Input: "gates.csv", Offset: int64(ago), Length: 1}},
			Reader: reader, Badge: badge, Person: badge, Result: event.AccessGranted, Direction: "in"}
	}
	came := &event.Batch{ID: "gates/1", Source: "gates", Access: []event.AccessEvent{row("night-shift", 9*time.Hour), row("day-shift", time.Hour)}}
	if err := s.telemetry.Append(ctx, []event.Stored{{Seq: 1, Batch: came}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(ctx, cfg, Options{Command: "test"}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.recallPeople(ctx, now); err != nil {
		t.Fatal(err)
	}
	s.feed([]event.Stored{{Seq: 1, Batch: &event.Batch{ID: "gates/1", Source: "gates", Access: came.Access[1:]}}})
	pic := s.watches.Physical.Picture()
	if len(pic.Presence) != 2 {
		t.Errorf("%d people inside, want 2: %+v", len(pic.Presence), pic.Presence)
	}
	for _, r := range pic.Readers {
		if r.Reader == reader && r.Granted != 2 {
			t.Errorf("%d uses of the reader, want 2", r.Granted)
		}
	}
	for _, o := range s.watches.Take() {
		if strings.HasPrefix(o.Rule, "physical.") {
			t.Errorf("what was told before the restart is told again: %+v", o)
		}
	}
}

func firstReader(t *testing.T, p *port.Port) string {
	t.Helper()
	for i := range p.Areas {
		for _, a := range p.Areas[i].AccessPoints {
			if len(a.Readers) > 0 {
				return a.Readers[0]
			}
		}
	}
	t.Fatal("the example port has no reader")
	return ""
}

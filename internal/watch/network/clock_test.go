package network

import (
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// A sensor whose clock is three hours behind tells traffic that goes on now.
// The finding must stay while it goes on, go when it stops, and come back with it.
func TestSensorWithAClockThatIsBehind(t *testing.T) {
	const behind = 3 * time.Hour
	w, _ := run(t, load(t), event.Batch{})
	var f *finding.Finding
	w.emit = func(o finding.Occurrence) {
		switch {
		case o.Rule != RuleUndeclared:
		case f == nil:
			first := finding.New(o)
			f = &first
		default:
			f.Merge(o)
		}
	}
	tell := func(now time.Time) {
		w.Observe(&event.Batch{Flows: []event.Flow{with(flow("10.10.1.1", "10.20.2.9", 102, "s7comm"), func(f *event.Flow) {
			f.Time, f.Last, f.Seen = now.Add(-behind), now.Add(-behind+time.Second), now
			f.Raw.Offset = now.Unix()
		})}})
	}
	now := epoch
	for range 3 * 60 { // three hours of traffic, a flow a minute
		tell(now)
		now = now.Add(time.Minute)
		w.Advance(now)
		if !f.Present {
			t.Fatalf("the finding went away at %s while the traffic goes on", now)
		}
	}
	for range 90 { // then none, while others go on
		others(w, now)
		now = now.Add(time.Minute)
		w.Advance(now)
	}
	if f.Present {
		t.Fatal("the finding stays an hour and a half after the traffic stopped")
	}
	tell(now)
	if !f.Present {
		t.Error("the traffic came back and the finding did not")
	}
}

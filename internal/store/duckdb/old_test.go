package duckdb

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// One position with a wrong clock, or a recording of years ago, must not hold
// the writer up: only hours that hold something are sorted.
func TestHoursOfManyYearsAgoAreNotWalkedOneByOne(t *testing.T) {
	ctx := context.Background()
	tel := openIn(t, t.TempDir())
	defer tel.Close()
	must(t, tel.Append(ctx, []event.Stored{{Seq: 1, Batch: &event.Batch{Vessels: []event.VesselReport{
		position(1, time.Date(1971, 1, 1, 0, 30, 0, 0, time.UTC), 45, 1),
		position(2, noon.Add(-3*time.Hour), 45, 1),
		position(2, noon.Add(-2*time.Hour), 45, 1),
	}}}}))
	within, cancel := context.WithTimeout(ctx, 20*time.Second) // half a million hours took far more
	defer cancel()
	must(t, tel.Maintain(within, noon))
	if want := noon.Add(-time.Hour); tel.sorted.Before(want) {
		t.Errorf("sorted up to %v, want %v at least", tel.sorted, want)
	}
	cells, err := tel.Heat(ctx, [4]float64{}, 0.01, noon.Add(-5*time.Hour), noon)
	must(t, err)
	if len(cells) != 1 || cells[0].Reports != 2 {
		t.Errorf("heat map %+v, want one cell with 2 reports", cells)
	}
}

// Rows move from the live file to that of their day while questions are asked:
// every answer must hold each row once.
func TestNoAnswerMissesADayThatIsBeingClosed(t *testing.T) {
	ctx := context.Background()
	tel := openIn(t, t.TempDir())
	defer tel.Close()
	const days, each = 12, 20
	var b event.Batch
	for d := range days {
		for i := range each {
			b.Vessels = append(b.Vessels, position(7, noon.AddDate(0, 0, -days+d).Add(time.Duration(i)*time.Minute), 45, 1))
		}
	}
	must(t, tel.Append(ctx, []event.Stored{{Seq: 1, Batch: &b}}))
	must(t, tel.Flush(ctx))
	done := make(chan struct{})
	var g sync.WaitGroup
	for range 3 {
		g.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got, err := tel.Track(ctx, 7, noon.AddDate(0, 0, -days-1), noon.AddDate(0, 0, 1), 0)
				if err != nil || len(got) != days*each {
					t.Errorf("%d positions (%v), want %d", len(got), err, days*each)
					return
				}
			}
		})
	}
	for d := range days {
		must(t, tel.Maintain(ctx, noon.AddDate(0, 0, -days+d+2)))
	}
	close(done)
	g.Wait()
}

package duckdb

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// maxNewest bounds the vessels whose newest position is held in memory
// (about 300 bytes each).
const maxNewest = 250_000

// newest holds the newest position of each vessel, so that the question asked
// most needs no scan. It is exact for questions at or after from; older ones go
// to the tables.
type newest struct {
	mu       sync.RWMutex
	byMMSI   map[uint32]*event.VesselReport // written over in place
	from     time.Time                      // everything at or after it is known here
	capacity int
}

// add takes the positions among reports.
func (n *newest) add(reports []event.VesselReport) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range reports {
		r := &reports[i]
		if math.IsNaN(r.Lat) || math.IsNaN(r.Lon) {
			continue
		}
		old, known := n.byMMSI[r.MMSI]
		switch {
		case !known:
			n.byMMSI[r.MMSI] = new(*r)
			if len(n.byMMSI) > n.capacity {
				n.shrink()
			}
		case !old.Time.After(r.Time):
			*old = *r
		}
	}
}

// shrink forgets the quarter that was silent longest.
func (n *newest) shrink() {
	times := make([]time.Time, 0, len(n.byMMSI))
	for _, r := range n.byMMSI {
		times = append(times, r.Time)
	}
	slices.SortFunc(times, time.Time.Compare)
	cut := times[len(times)/4]
	for m, r := range n.byMMSI {
		if r.Time.Before(cut) {
			delete(n.byMMSI, m)
		}
	}
	if cut.After(n.from) {
		n.from = cut
	}
}

// since answers from memory; ok is false where the question goes further back.
func (n *newest) since(box [4]float64, since time.Time, limit int) (out []event.VesselReport, ok bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if since.Before(n.from) {
		return nil, false
	}
	for _, r := range n.byMMSI {
		if !r.Time.Before(since) && inBox(box, r.Lat, r.Lon) {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(a, b event.VesselReport) int { return int(int64(a.MMSI) - int64(b.MMSI)) })
	return out[:min(limit, len(out))], true
}

func inBox(box [4]float64, lat, lon float64) bool {
	south, west, north, east := box[0], box[1], box[2], box[3]
	if box == [4]float64{} {
		return true
	}
	if lat < south || lat > north {
		return false
	}
	if west > east {
		return lon >= west || lon <= east
	}
	return west <= lon && lon <= east
}

// recall fills the newest positions from the live table at the start.
func (t *Telemetry) recall(ctx context.Context) error {
	var first *time.Time
	if err := t.db.QueryRowContext(ctx, "SELECT min(time) FROM positions").Scan(&first); err != nil {
		return fmt.Errorf("reading the newest positions: %w", err)
	}
	closed := 0
	if err := t.db.QueryRowContext(ctx, "SELECT count(*) FROM closed WHERE tab = 'positions'").Scan(&closed); err != nil {
		return fmt.Errorf("reading the newest positions: %w", err)
	}
	if closed > 0 { // older rows are in files: what is live can't answer for them
		t.newest.from = farFuture
		if first != nil {
			t.newest.from = first.UTC()
		}
	}
	if first == nil {
		return nil
	}
	rows, err := t.lastFromTables(ctx, [4]float64{}, *first, maxNewest)
	if err != nil {
		return err
	}
	t.newest.add(rows)
	return nil
}

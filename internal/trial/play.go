package trial

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	source "github.com/quaywatch/quaywatch/internal/source/ais"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// advanceEvery is how often time passes for the watch where nothing is heard.
const advanceEvery = 10 * time.Second

// told is an occurrence and the moment at which the product told it: the newest
// time that had come in, which nothing in the watch can move.
type told struct {
	finding.Occurrence
	At time.Time
}

// gather keeps the reports of a source in their order.
type gather struct{ reports []event.VesselReport }

func (g *gather) Put(_ context.Context, b *event.Batch) error {
	g.reports = append(g.reports, b.Vessels...)
	return nil
}

// read takes lines through the product's own source, as a recording.
func read(ctx context.Context, data []byte, zone string) ([]event.VesselReport, error) {
	src, err := source.New(source.Config{ID: "trial", Address: "-", Zone: zone, Stdin: bytes.NewReader(data),
		Clock: func() time.Time { return time.Time{} }})
	if err != nil {
		return nil, fmt.Errorf("making the source: %w", err)
	}
	var g gather
	if err := src.Run(ctx, &g); err != nil {
		return nil, fmt.Errorf("reading the lines through the source: %w", err)
	}
	return g.reports, nil
}

// watch plays reports to a new watch as the running system does: what came in
// one second goes in as a batch, then time passes to that second. Where nothing
// comes, time passes every ten seconds, up to end.
func watch(p *port.Port, reports []event.VesselReport, end time.Time) []told {
	var out []told
	var now time.Time
	w := vessel.New(p, vessel.Options{}, func(o finding.Occurrence) { out = append(out, told{o, now}) })
	for len(reports) > 0 {
		at := reports[0].Time.Truncate(time.Second)
		if !now.IsZero() {
			for at.Sub(now) > advanceEvery {
				now = now.Add(advanceEvery)
				w.Advance(now)
			}
		}
		if at.After(now) {
			now = at
		}
		n := 1
		for n < len(reports) && n < 500 && !reports[n].Time.Truncate(time.Second).After(now) {
			n++
		}
		w.Observe(&event.Batch{Source: "trial", Vessels: reports[:n]})
		w.Advance(now)
		reports = reports[n:]
	}
	for !now.IsZero() && end.After(now) {
		now = now.Add(min(advanceEvery, end.Sub(now)))
		w.Advance(now)
	}
	return out
}

// vesselDays is for how long vessels were heard, in days: the gaps between two
// reports of one vessel, of which those over half an hour don't count. Vessels
// in except are left out.
func vesselDays(reports []event.VesselReport, except []uint32) float64 {
	last := map[uint32]time.Time{}
	left := map[uint32]bool{}
	for _, mmsi := range except {
		left[mmsi] = true
	}
	var sum time.Duration
	for i := range reports {
		r := &reports[i]
		if ais.StationOf(r.MMSI) != ais.Ship || left[r.MMSI] {
			continue
		}
		before, known := last[r.MMSI]
		if d := r.Time.Sub(before); known && d < 0 {
			continue
		} else if known && d <= 30*time.Minute {
			sum += d
		}
		last[r.MMSI] = r.Time
	}
	return sum.Hours() / 24
}

// register is a port that knows the aids and base stations of a capture, as any
// port knows its own. It is used where no port file is given.
func register(c *Capture) *port.Port {
	p := &port.Port{Identity: port.Identity{Name: "register of " + c.Name, TimeZone: "UTC"}}
	for _, h := range c.vessels {
		for _, i := range h.all {
			r := &c.recs[i]
			if (r.kind != 4 && r.kind != 21) || math.IsNaN(r.lat) {
				continue
			}
			kind := "base-station"
			if r.kind == 21 {
				kind = "aid"
			}
			id := fmt.Sprintf("%s-%09d", kind, h.mmsi)
			p.Aids = append(p.Aids, port.Aid{ID: id, Name: id, MMSI: int(h.mmsi), Kind: kind, Position: port.Point{r.lon, r.lat}})
			break
		}
	}
	return p
}

package vessel_test

import (
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// inland is a vessel that comes up at Paris, 150 km from the sea, and goes east.
func inland(mmsi uint32, from time.Time, reports int) []event.VesselReport {
	var out []event.VesselReport
	for i := range reports {
		r := blank(mmsi, from.Add(time.Duration(i)*5*time.Minute))
		r.Lat, r.Lon, r.Second = 48.8566, 2.3522+0.02*float64(i), int8(r.Time.Second())
		r.Raw.Offset = int64(i)
		out = append(out, r)
	}
	return out
}

func TestInlandBeyondThePortsPolygons(t *testing.T) {
	// A port on the Dover Strait that heard one ferry at sea before.
	p := &port.Port{Identity: port.Identity{Centre: port.Point{1.35, 51.12}}}
	ferry := blank(201000001, start)
	ferry.Lat, ferry.Lon = 51.0, 1.45
	var barges []event.VesselReport
	for i := range uint32(7) {
		barges = append(barges, inland(201000010+i, start.Add(time.Duration(i)*time.Hour), 6)...)
	}
	for name, c := range map[string]struct {
		before []event.VesselReport
		at     time.Duration
		want   int
	}{
		"where nobody goes":                 {nil, 25 * time.Hour, 1},
		"before it is known where one goes": {nil, 23 * time.Hour, 0},
		"on a river that barges use":        {barges, 25 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var told []finding.Occurrence
			w := vessel.New(p, vessel.Options{}, func(o finding.Occurrence) {
				if o.Rule == "vessel.on-land" && !o.Cleared {
					told = append(told, o)
				}
			})
			reports := append([]event.VesselReport{ferry}, c.before...)
			reports = append(reports, inland(201000099, start.Add(c.at), 6)...)
			for i := range reports {
				w.Observe(&event.Batch{Vessels: reports[i : i+1]})
				w.Advance(reports[i].Time)
			}
			ids := map[string]bool{}
			for _, o := range told {
				ids[o.FindingID()] = true
				if o.Grade != finding.Suspected {
					t.Errorf("%s: a coarse coast makes no more than a suspicion", o.Grade)
				}
			}
			if len(ids) != c.want {
				t.Errorf("%d findings, want %d: %v", len(ids), c.want, told)
			}
		})
	}
}

// The port's own polygon is exact enough for more than a suspicion, and what
// lies by its edge is told of nobody.
func TestOnThePortsOwnLand(t *testing.T) {
	p := &port.Port{Identity: port.Identity{Centre: port.Point{1.35, 51.12}},
		Land: []port.Land{{Name: "East Quay", Shape: port.Ring{{1.30, 51.10}, {1.34, 51.10}, {1.34, 51.14}, {1.30, 51.14}}}}}
	for name, c := range map[string]struct {
		lon  float64
		want finding.Grade
	}{"in its middle": {1.32, finding.Likely}, "100 m from its edge": {1.3386, 0}, "off it": {1.35, 0}} {
		t.Run(name, func(t *testing.T) {
			best := finding.Grade(0)
			w := vessel.New(p, vessel.Options{}, func(o finding.Occurrence) {
				if o.Rule == "vessel.on-land" && !o.Cleared {
					best = max(best, o.Grade)
				}
			})
			for i := range 4 {
				r := blank(201000001, start.Add(time.Duration(i)*10*time.Second))
				r.Lat, r.Lon, r.Raw.Offset, r.Second = 51.12+float64(i)*0.0005, c.lon, int64(i), int8(r.Time.Second())
				w.Observe(&event.Batch{Vessels: []event.VesselReport{r}})
			}
			if best != c.want {
				t.Errorf("grade %v, want %v", best, c.want)
			}
		})
	}
}

package server

import (
	"fmt"
	"math"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Bounds of what one hull can do between two positions; those of the watch's
// rule of movement (docs/manual/vessels.md).
const (
	fastest   = 80.0  // knots
	slack     = 0.5   // nautical miles: two receivers, a second of time
	mostHulls = 6     // parts that may grow at once; the least recent one ends first
	mile      = 60.04 // nautical miles in a degree of a great circle
)

// trackPart is what is told of one part of a track.
type trackPart struct {
	MMSI  uint32      `json:"mmsi"`
	Part  int         `json:"part" doc:"from 0, in the order of their beginnings"`
	From  time.Time   `json:"from"`
	To    time.Time   `json:"to"`
	Times []time.Time `json:"times" nullable:"false" doc:"of each position"`
	SOG   []*float64  `json:"sog" nullable:"false" doc:"knots over ground at each position, null where not told"`
}

// part is a run of positions that one hull can have sailed without a gap.
type part struct {
	rows []*event.VesselReport
}

func (p *part) last() *event.VesselReport { return p.rows[len(p.rows)-1] }

// partsOf divides the positions of one MMSI, oldest first. Each goes to the part
// whose last position it can have come from, the nearest of several, and begins
// a new one where there is none.
func partsOf(rows []event.VesselReport, gap time.Duration) []*part {
	var all, open []*part
	for i := range rows {
		r := &rows[i]
		if math.IsNaN(r.Lat) || math.IsNaN(r.Lon) {
			continue
		}
		best, nearest := -1, math.Inf(1)
		for k, p := range open {
			dt := r.Time.Sub(p.last().Time)
			d := apart(p.last(), r)
			if dt <= gap && d <= fastest*max(dt.Hours(), 0)+slack && d < nearest {
				best, nearest = k, d
			}
		}
		if best < 0 {
			if len(open) == mostHulls {
				open = open[:copy(open, open[1:])]
			}
			p := &part{rows: []*event.VesselReport{r}}
			all, open = append(all, p), append(open, p)
			continue
		}
		p := open[best]
		p.rows = append(p.rows, r)
		copy(open[best:], open[best+1:]) // the newest stands last
		open[len(open)-1] = p
	}
	return all
}

// apart is the great-circle distance in nautical miles.
func apart(a, b *event.VesselReport) float64 {
	const rad = math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*rad, (b.Lon-a.Lon)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * math.Asin(math.Sqrt(min(h, 1))) / rad * mile
}

// feature draws the part: a point, a line, or several lines where it crosses
// the antimeridian (RFC 7946 section 3.1.9).
func (p *part) feature(mmsi uint32, n int) feature[trackPart] {
	f := feature[trackPart]{Type: "Feature", ID: fmt.Sprintf("%09d/%d", mmsi, n), Properties: trackPart{MMSI: mmsi, Part: n,
		From: p.rows[0].Time, To: p.last().Time, Times: make([]time.Time, len(p.rows)), SOG: make([]*float64, len(p.rows))}}
	lines := [][][2]float64{{}}
	for i, r := range p.rows {
		f.Properties.Times[i], f.Properties.SOG[i] = r.Time, number(r.SOG)
		if i > 0 {
			if q := p.rows[i-1]; math.Abs(r.Lon-q.Lon) > 180 {
				lat, side := crossing(q, r)
				k := len(lines) - 1
				lines[k] = append(lines[k], [2]float64{side, lat})
				lines = append(lines, [][2]float64{{-side, lat}})
			}
		}
		k := len(lines) - 1
		lines[k] = append(lines[k], [2]float64{r.Lon, r.Lat})
	}
	switch {
	case len(p.rows) == 1:
		f.Geometry = &geometry{"Point", lines[0][0]}
	case len(lines) == 1:
		f.Geometry = &geometry{"LineString", lines[0]}
	default:
		f.Geometry = &geometry{"MultiLineString", lines}
	}
	return f
}

// crossing is the latitude at which the way from a to b meets the antimeridian,
// and the side (180 or -180) from which it comes.
func crossing(a, b *event.VesselReport) (lat, side float64) {
	side = math.Copysign(180, a.Lon)
	toEdge, beyond := math.Abs(side-a.Lon), math.Abs(-side-b.Lon)
	if toEdge+beyond == 0 {
		return a.Lat, side
	}
	return a.Lat + (b.Lat-a.Lat)*toEdge/(toEdge+beyond), side
}

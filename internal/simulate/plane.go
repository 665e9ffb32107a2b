package simulate

import (
	"math"

	"github.com/quaywatch/quaywatch/internal/port"
)

// xy is a place in metres east and north of the centre of the port.
type xy struct{ x, y float64 }

func (a xy) to(b xy) (dist, course float64) {
	dx, dy := b.x-a.x, b.y-a.y
	return math.Hypot(dx, dy), math.Mod(math.Atan2(dx, dy)*180/math.Pi+360, 360)
}

// moved is the place at d metres on a course in degrees.
func (a xy) moved(course, d float64) xy {
	s, c := math.Sincos(course * math.Pi / 180)
	return xy{a.x + s*d, a.y + c*d}
}

// plane maps between degrees and metres about a point: an equirectangular
// projection, within 0.1 % over the forty kilometres that are used.
type plane struct{ lon, lat, mx, my float64 }

func planeAt(p port.Point) plane {
	return plane{p.Lon(), p.Lat(), 111_320 * math.Cos(p.Lat()*math.Pi/180), 111_150}
}

func (p plane) xy(q port.Point) xy { return xy{(q.Lon() - p.lon) * p.mx, (q.Lat() - p.lat) * p.my} }

func (p plane) degrees(a xy) (lat, lon float64) { return p.lat + a.y/p.my, p.lon + a.x/p.mx }

// centre is the mean of the corners of a ring.
func (p plane) centre(r port.Ring) xy {
	var c xy
	for _, q := range r {
		a := p.xy(q)
		c.x += a.x / float64(len(r))
		c.y += a.y / float64(len(r))
	}
	return c
}

// lane is the centre line of a fairway whose ring runs up one side and down the
// other, shifted to starboard of who sails it from sea by side metres.
func (p plane) lane(r port.Ring, side float64) []xy {
	n := len(r) / 2
	var mid []xy
	for i := range n {
		a, b := p.xy(r[i]), p.xy(r[2*n-1-i])
		mid = append(mid, xy{(a.x + b.x) / 2, (a.y + b.y) / 2})
	}
	out := make([]xy, len(mid))
	for i := range mid {
		_, course := mid[max(0, i-1)].to(mid[min(len(mid)-1, i+1)])
		out[i] = mid[i].moved(course+90, side)
	}
	return out
}

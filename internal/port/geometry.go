package port

import (
	"fmt"
	"math"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// maxRing bounds the corners of a polygon: crossings are looked for between all pairs of edges.
const maxRing = 2000

// farDegrees is how far from the centre of the port a position is doubted.
const farDegrees = 3

// point judges one position.
func (c *checker) point(at place, p Point) {
	if math.Abs(p.Lon()) > 180 || math.Abs(p.Lat()) > 90 {
		hint := "longitude from -180 to 180, then latitude from -90 to 90"
		if near(Point{p[1], p[0]}, c.port.Identity.Centre) {
			hint = "longitude comes first; are the two swapped?"
		}
		c.fault(at, fmt.Sprintf("[%s, %s] is no position", number(p.Lon()), number(p.Lat())), hint)
		return
	}
	centre := c.port.Identity.Centre
	if centre == (Point{}) || at.section == "port" || near(p, centre) {
		return
	}
	if near(Point{p[1], p[0]}, centre) {
		c.fault(at, fmt.Sprintf("[%s, %s] is far from the port", number(p.Lon()), number(p.Lat())), "longitude comes first; the two look swapped")
		return
	}
	c.warn(at, fmt.Sprintf("[%s, %s] is far from the centre of the port", number(p.Lon()), number(p.Lat())), "more than 3 degrees away; is it right?")
}

// near reports whether two positions are within farDegrees, also across the date line.
func near(a, b Point) bool {
	lon := math.Abs(a.Lon() - b.Lon())
	return min(lon, 360-lon) <= farDegrees && math.Abs(a.Lat()-b.Lat()) <= farDegrees
}

// ring judges a polygon. A last point that repeats the first is taken off.
func (c *checker) ring(at place, r Ring) {
	before := len(c.problems)
	for i, p := range r {
		c.point(place{at.section, at.index, strictyaml.Item(at.path, i)}, p)
	}
	if len(c.problems) > before {
		return // what follows would repeat it
	}
	r = open(r)
	switch {
	case len(r) < 3:
		c.fault(at, fmt.Sprintf("the polygon has %d corners", len(r)), "give three or more")
		return
	case len(r) > maxRing:
		c.fault(at, fmt.Sprintf("the polygon has %d corners", len(r)), fmt.Sprintf("at most %d; simplify it", maxRing))
		return
	}
	for i := range r {
		if j := (i + 1) % len(r); r[i] == r[j] {
			c.fault(place{at.section, at.index, strictyaml.Item(at.path, j)}, "the corner is given twice", "remove one")
			return
		}
	}
	if i, j, crossed := crossing(r); crossed {
		c.fault(place{at.section, at.index, strictyaml.Item(at.path, i)},
			fmt.Sprintf("the polygon crosses itself: the edge from corner %d meets the edge from corner %d", i+1, j+1), "give the corners in the order of a walk round the outline")
	}
}

// open returns the ring without a last point that repeats the first.
func open(r Ring) Ring {
	if n := len(r); n > 1 && r[0] == r[n-1] {
		return r[:n-1]
	}
	return r
}

// crossing finds two edges that meet elsewhere than at a shared corner; the
// first by order. Edges are numbered by the corner that they begin at.
func crossing(r Ring) (i, j int, found bool) {
	n := len(r)
	for i := range n {
		a, b := r[i], r[(i+1)%n]
		for j := i + 1; j < n; j++ {
			p, q := r[j], r[(j+1)%n]
			switch {
			case j == i+1: // shares b
				if turn(a, b, q) == 0 && !within(b, a, q) {
					return i, j, true
				}
			case i == 0 && j == n-1: // shares a
				if turn(p, a, b) == 0 && !within(a, p, b) {
					return i, j, true
				}
			case meet(a, b, p, q):
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// turn is positive where a, b, c turn left, negative right, 0 straight.
func turn(a, b, c Point) int {
	d := (b[0]-a[0])*(c[1]-a[1]) - (b[1]-a[1])*(c[0]-a[0])
	switch {
	case d > 0:
		return 1
	case d < 0:
		return -1
	}
	return 0
}

// within reports whether p, on the line through a and b, lies between them.
func within(p, a, b Point) bool {
	return min(a[0], b[0]) <= p[0] && p[0] <= max(a[0], b[0]) && min(a[1], b[1]) <= p[1] && p[1] <= max(a[1], b[1])
}

// meet reports whether two segments have a point in common.
func meet(a, b, p, q Point) bool {
	if max(a[0], b[0]) < min(p[0], q[0]) || max(p[0], q[0]) < min(a[0], b[0]) ||
		max(a[1], b[1]) < min(p[1], q[1]) || max(p[1], q[1]) < min(a[1], b[1]) {
		return false
	}
	abp, abq, pqa, pqb := turn(a, b, p), turn(a, b, q), turn(p, q, a), turn(p, q, b)
	return abp*abq <= 0 && pqa*pqb <= 0
}

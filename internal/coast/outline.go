package coast

import "math"

// Outline gives the land inside a box of degrees as rings of longitude and
// latitude for drawing, the last point joining the first: land that reaches
// beyond is cut off at the box. Points that lie nearer than tolerance degrees to
// the one before are left out. West is less than east; a box across the
// antimeridian is asked for in two.
func Outline(west, south, east, north, tolerance float64) [][][2]float64 {
	if !(west < east && south < north) {
		return nil
	}
	var out [][][2]float64
	eachRing(packed, func(ring [][2]float64) {
		// A ring that crosses the antimeridian goes on beyond it, so land is looked
		// for a turn to each side too.
		for _, turn := range []float64{-360, 0, 360} {
			if r := within(ring, turn, [4]float64{west, south, east, north}, tolerance); len(r) >= 3 {
				out = append(out, r)
			}
		}
	})
	return out
}

// within is the part of a ring, turned around the Earth, that lies in a box.
func within(ring [][2]float64, turn float64, box [4]float64, tolerance float64) [][2]float64 {
	if apart(ring, box[0]-turn, box[1], box[2]-turn, box[3]) {
		return nil
	}
	r := thin(ring, tolerance)
	for i := range r {
		r[i][0] += turn
	}
	for _, side := range []struct {
		axis  int
		at    float64
		above bool
	}{{0, box[0], true}, {0, box[2], false}, {1, box[1], true}, {1, box[3], false}} {
		r = cut(r, side.axis, side.at, side.above)
	}
	return r
}

// apart reports whether no part of a ring can lie in the box.
func apart(ring [][2]float64, west, south, east, north float64) bool {
	low, high := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, p := range ring {
		for i := range p {
			low[i], high[i] = min(low[i], p[i]), max(high[i], p[i])
		}
	}
	return high[0] < west || low[0] > east || high[1] < south || low[1] > north
}

func thin(ring [][2]float64, tolerance float64) [][2]float64 {
	out := make([][2]float64, 0, len(ring))
	for _, p := range ring {
		if n := len(out); n == 0 || math.Abs(p[0]-out[n-1][0])+math.Abs(p[1]-out[n-1][1]) >= tolerance {
			out = append(out, p)
		}
	}
	return out
}

// cut keeps the part of a ring on one side of a meridian (axis 0) or a parallel
// (axis 1), after Sutherland and Hodgman 1974.
func cut(ring [][2]float64, axis int, at float64, above bool) [][2]float64 {
	inside := func(p [2]float64) bool { return p[axis] >= at == above || p[axis] == at }
	var out [][2]float64
	for i, p := range ring {
		q := ring[(i+len(ring)-1)%len(ring)]
		if inside(p) != inside(q) {
			t := (at - q[axis]) / (p[axis] - q[axis])
			x := [2]float64{q[0] + t*(p[0]-q[0]), q[1] + t*(p[1]-q[1])}
			x[axis] = at
			out = append(out, x)
		}
		if inside(p) {
			out = append(out, p)
		}
	}
	return out
}

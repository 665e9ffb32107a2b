package vessel

import (
	"cmp"
	"math"
	"slices"
)

// outlineOf is the convex ring that keeps metres of distance around all points
// (longitude, latitude), anticlockwise. It is for maps of a region: across the
// date line it is not drawn.
func outlineOf(points [][2]float64, metres float64) [][2]float64 {
	var all [][2]float64
	for _, p := range points {
		k := max(math.Cos(p[1]*degree), 0.01)
		for i := range 8 {
			sin, cos := math.Sincos(float64(i) * 45 * degree)
			all = append(all, [2]float64{round6(p[0] + metres*cos/earthRadius/degree/k), round6(p[1] + metres*sin/earthRadius/degree)})
		}
	}
	return hull2(all)
}

func round6(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// hull2 is the convex hull (Andrew's monotone chain).
func hull2(p [][2]float64) [][2]float64 {
	slices.SortFunc(p, func(a, b [2]float64) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	p = slices.Compact(p)
	if len(p) < 3 {
		return p
	}
	chain := func(out [][2]float64, q [2]float64, least int) [][2]float64 {
		for len(out) > least {
			a, b := out[len(out)-2], out[len(out)-1]
			if (b[0]-a[0])*(q[1]-a[1])-(b[1]-a[1])*(q[0]-a[0]) > 0 {
				break
			}
			out = out[:len(out)-1]
		}
		return append(out, q)
	}
	var out [][2]float64
	for _, q := range p {
		out = chain(out, q, 1)
	}
	lower := len(out)
	for i := len(p) - 2; i >= 0; i-- {
		out = chain(out, p[i], lower)
	}
	return out[:len(out)-1]
}

package coast

import (
	"math"
	"testing"
)

// TestOutlineIsTheLand: what is drawn holds the places that are land and none of
// those that are not, by counting crossings of the outline, away from the shore
// by more than it was thinned.
func TestOutlineIsTheLand(t *testing.T) {
	for _, b := range [][4]float64{{-12, 48, 4, 54}, {100, -5, 112, 8}, {-80, 20, -70, 30}, {-30, 30, -29, 31}} {
		outline := Outline(b[0], b[1], b[2], b[3], 0.005)
		for _, ring := range outline {
			for _, p := range ring {
				if p[0] < b[0]-1e-9 || p[0] > b[2]+1e-9 || p[1] < b[1]-1e-9 || p[1] > b[3]+1e-9 {
					t.Fatalf("%v lies outside of %v", p, b)
				}
			}
		}
		for i := range 40 {
			for j := range 40 {
				lon, lat := b[0]+(b[2]-b[0])*(float64(i)+0.37)/40, b[1]+(b[3]-b[1])*(float64(j)+0.61)/40
				if Shore(lat, lon) < 3000 {
					continue
				}
				odd := false
				for _, ring := range outline {
					for k, p := range ring {
						q := ring[(k+len(ring)-1)%len(ring)]
						if (p[1] > lat) != (q[1] > lat) && lon < (q[0]-p[0])*(lat-p[1])/(q[1]-p[1])+p[0] {
							odd = !odd
						}
					}
				}
				if odd != Land(lat, lon) {
					t.Fatalf("%.3f, %.3f: drawn as land %v, is %v", lat, lon, odd, Land(lat, lon))
				}
			}
		}
	}
	for _, b := range [][4]float64{{5, 5, 5, 6}, {6, 5, 5, 6}, {math.NaN(), 1, 2, 3}} {
		if Outline(b[0], b[1], b[2], b[3], 0.005) != nil {
			t.Errorf("a box %v has an outline", b)
		}
	}
}

package vessel

import "math"

const (
	earthRadius = 6371008.8 // metres, mean radius of WGS 84
	knot        = 1852.0 / 3600
	degree      = math.Pi / 180
)

// distance is the great-circle distance in metres (haversine).
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	s1 := math.Sin((lat2 - lat1) * degree / 2)
	s2 := math.Sin((lon2 - lon1) * degree / 2)
	h := s1*s1 + math.Cos(lat1*degree)*math.Cos(lat2*degree)*s2*s2
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}

// near is a cheap answer to "surely within 500 m": 0.003° are 334 m at most on
// each axis.
func near(lat1, lon1, lat2, lon2 float64) bool {
	return math.Abs(lat1-lat2) < 0.003 && math.Abs(lon1-lon2) < 0.003
}

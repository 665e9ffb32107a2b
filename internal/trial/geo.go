package trial

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/quaywatch/quaywatch/ais"
)

const (
	earthRadius = 6371008.8     // metres, mean radius of WGS 84
	knot        = 1852.0 / 3600 // metres a second
	degree      = math.Pi / 180
)

// along is the place that lies at a bearing (degrees) and distance (metres) on
// the great circle.
func along(lat, lon, bearing, metres float64) (float64, float64) {
	p, b, d := lat*degree, bearing*degree, metres/earthRadius
	s := math.Sin(p)*math.Cos(d) + math.Cos(p)*math.Sin(d)*math.Cos(b)
	l := lon*degree + math.Atan2(math.Sin(b)*math.Sin(d)*math.Cos(p), math.Cos(d)-math.Sin(p)*s)
	return math.Asin(s) / degree, math.Remainder(l/degree, 360)
}

// apart is the great-circle distance in metres.
func apart(lat1, lon1, lat2, lon2 float64) float64 {
	a, b := (lat2-lat1)*degree/2, (lon2-lon1)*degree/2
	h := math.Sin(a)*math.Sin(a) + math.Cos(lat1*degree)*math.Cos(lat2*degree)*math.Sin(b)*math.Sin(b)
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}

// addVelocity adds a velocity to a speed and course over ground. Where the
// vessel told none, it stays absent.
func addVelocity(sog, cog float32, knots, bearing float64) (float32, float32) {
	if sog != sog {
		return sog, cog
	}
	c := float64(cog)
	if cog != cog {
		c = 0
	}
	x := float64(sog)*math.Sin(c*degree) + knots*math.Sin(bearing*degree)
	y := float64(sog)*math.Cos(c*degree) + knots*math.Cos(bearing*degree)
	course := math.Mod(math.Atan2(x, y)/degree+360, 360)
	return float32(min(math.Hypot(x, y), 102.2)), float32(math.Round(course*10) / 10)
}

// secondLag is how many seconds the line came after the fix in it, 0 to 59; -1
// where the report names no second.
func secondLag(r *record, m *ais.Message) int {
	if s := m.Position.Second; s >= 0 && s <= 59 {
		return (time.Unix(0, r.at).UTC().Second() - int(s) + 60) % 60
	}
	return -1
}

// secondAt is the UTC second of a fix whose line comes at t with that lag; 60
// (not available) where the lag is not known.
func secondAt(t time.Time, lag int) int8 {
	if lag < 0 {
		return 60
	}
	return int8((t.Second() - lag + 60) % 60)
}

// onSecond is the moment next to t whose second is s.
func onSecond(t time.Time, s int8) time.Time {
	if s < 0 || s > 59 {
		return t.UTC().Truncate(time.Second)
	}
	own := t.UTC().Truncate(time.Minute).Add(time.Duration(s) * time.Second)
	switch d := own.Sub(t); {
	case d > 30*time.Second:
		return own.Add(-time.Minute)
	case d < -30*time.Second:
		return own.Add(time.Minute)
	}
	return own
}

// letters draws n capital letters.
func letters(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('A' + r.IntN(26))
	}
	return string(b)
}

// withCheckDigit makes an IMO number of its first six digits.
func withCheckDigit(six uint32) uint32 {
	sum, rest := uint32(0), six
	for weight := uint32(2); weight <= 7; weight++ {
		sum += rest % 10 * weight
		rest /= 10
	}
	return six*10 + sum%10
}

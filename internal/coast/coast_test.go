package coast

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Places whose side is known from any atlas.
func TestLand(t *testing.T) {
	for _, c := range []struct {
		name     string
		lat, lon float64
		land     bool
	}{
		{"Paris", 48.8566, 2.3522, true},
		{"Vernon, on the Seine: rivers are land here", 49.0939, 1.4858, true},
		{"Madrid", 40.4168, -3.7038, true},
		{"Denver", 39.7392, -104.9903, true},
		{"Moscow", 55.7558, 37.6173, true},
		{"Alice Springs", -23.698, 133.8807, true},
		{"Novosibirsk", 55.0084, 82.9357, true},
		{"Chukotka, beyond the antimeridian", 66.5, -173.5, true},
		{"Viti Levu, Fiji", -17.8, 178.0, true},
		{"the South Pole", -90, 0, true},
		{"Antarctica by the antimeridian", -84.5, 180, true},
		{"Ross Sea", -72, -179.99, false},
		{"Wrangel Island, cut by the antimeridian", 71.2, 180, true},
		{"Antarctica", -80, 90, true},
		{"Dover Strait", 51.0, 1.45, false},
		{"mid North Atlantic", 45, -30, false},
		{"mid Pacific on the antimeridian", 5, 180, false},
		{"mid Pacific on its other side", 5, -180, false},
		{"North Pole", 90, 0, false},
		{"Null Island", 0, 0, false},
		{"Gulf of Mexico", 25, -90, false},
		{"Bering Sea", 58, -178, false},
		{"no number", math.NaN(), 0, false},
		{"beyond the poles", 91, 0, false},
		{"not available (181°)", 51, 181, false},
	} {
		if got := Land(c.lat, c.lon); got != c.land {
			t.Errorf("%s (%g, %g): land %v, want %v", c.name, c.lat, c.lon, got, c.land)
		}
	}
}

func TestShore(t *testing.T) {
	for _, c := range []struct {
		name        string
		lat, lon    float64
		least, most float64 // metres
	}{
		{"Paris", 48.8566, 2.3522, MaxShore, MaxShore},
		{"mid Atlantic", 45, -30, MaxShore, MaxShore},
		{"Dover Strait, between 15 and 20 km from each side", 51.0, 1.45, 10000, 22000},
		{"Dover harbour", 51.12, 1.33, 0, 3000},
		{"North Pole", 90, 0, MaxShore, MaxShore},
		{"sea on the antimeridian", 69.7, -180, 40000, MaxShore},
		{"Chukotka inland: the cut at the antimeridian is no shore", 67.5, 180, 5000, MaxShore},
	} {
		if got := Shore(c.lat, c.lon); got < c.least || got > c.most {
			t.Errorf("%s (%g, %g): %.0f m from the shore, want %.0f to %.0f", c.name, c.lat, c.lon, got, c.least, c.most)
		}
	}
	if got := Shore(math.NaN(), 0); !math.IsNaN(got) {
		t.Errorf("no place: %g", got)
	}
}

// Crossing a shore changes the side: that ties the two answers to each other.
func TestSidesDifferAtTheShore(t *testing.T) {
	a := load()
	rapid.Check(t, func(t *rapid.T) {
		e := a.edges[rapid.IntRange(0, len(a.edges)-1).Draw(t, "edge")]
		lat, lon := float64(e.y1+e.y2)/2, float64(e.x1+e.x2)/2
		if e.drawn || e.y1 == e.y2 || lat < -60 { // ice shelves are polygons beside others
			t.Skip("not a shore to cross from west to east")
		}
		lon = math.Remainder(lon, 360)
		const step = 0.0001          // degrees: too narrow for another shore, wide for a float32
		const fine = 1.0 / (1 << 17) // degrees: between two float32 up to 128
		if math.Abs(float64(e.x2-e.x1)/float64(e.y2-e.y1))*fine > step/4 {
			t.Skip("so flat that the rounding of its latitude moves the crossing")
		}
		if math.Abs(lon) > 179.9 {
			t.Skip("on the antimeridian")
		}
		if Land(lat, lon-step) == Land(lat, lon+step) && !beside(a, e, lat, step) {
			t.Errorf("(%g, %g): the same side on both sides of a shore", lat, lon)
		}
		if d := Shore(lat, lon+step); d > 2*step*metresPer {
			t.Errorf("(%g, %g): on the shore, yet %.0f m from it", lat, lon, d)
		}
	})
}

// beside reports whether another edge crosses the same short way.
func beside(a *atlas, e edge, lat, step float64) bool {
	x, n := (e.x1+e.x2)/2, 0
	for i := range a.edges {
		o := &a.edges[i]
		if o.y1 <= float32(lat) && float32(lat) < o.y2 {
			at := o.x1 + (float32(lat)-o.y1)/(o.y2-o.y1)*(o.x2-o.x1)
			if math.Abs(float64(at-x)) < 2*step {
				n++
			}
		}
	}
	return n != 1
}

// rings reads the packed coast on its own: pairs of longitude and latitude.
func rings() (out [][][2]float64) {
	scale := make([]float64, 4)
	if _, err := binary.Decode(packed, binary.LittleEndian, scale); err != nil {
		panic(err)
	}
	r := bytes.NewReader(packed[32:])
	next := func() int64 {
		v, err := binary.ReadVarint(r)
		if err != nil {
			panic(err)
		}
		return v
	}
	for n := next(); n > 0; n-- {
		ring := make([][2]float64, next())
		var at [2]int64
		for i := range ring {
			for k := range at {
				at[k] += next()
				ring[i][k] = float64(at[k])*scale[k] + scale[2+k]
			}
		}
		out = append(out, ring)
	}
	return out
}

// The sum of angles shares nothing with counting crossings.
func TestLandAgainstTheSumOfAngles(t *testing.T) {
	all := rings()
	rapid.Check(t, func(t *rapid.T) {
		lat := rapid.Float64Range(-89, 84).Draw(t, "lat")
		lon := rapid.Float64Range(-180, 180).Draw(t, "lon")
		sum, near := 0.0, math.Inf(1)
		for _, turn := range []float64{-360, 0, 360} {
			for _, r := range all {
				for i := 1; i < len(r); i++ {
					x1, y1 := r[i-1][0]-lon-turn, r[i-1][1]-lat
					x2, y2 := r[i][0]-lon-turn, r[i][1]-lat
					sum += math.Atan2(x1*y2-x2*y1, x1*x2+y1*y2)
					near = min(near, math.Hypot(x1, y1))
				}
			}
		}
		if near < 0.001 {
			t.Skip("on the line: either side will do")
		}
		if got, want := Land(lat, lon), math.Abs(sum) > math.Pi; got != want {
			t.Errorf("(%g, %g): land %v, want %v", lat, lon, got, want)
		}
	})
}

func BenchmarkLand(b *testing.B) {
	load()
	i := 0
	for b.Loop() {
		i++
		Land(float64(i%1200)/10-50, float64(i%3571)/10-178)
	}
}

func BenchmarkShore(b *testing.B) {
	load()
	i := 0
	for b.Loop() {
		i++
		Shore(float64(i%1200)/10-50, float64(i%3571)/10-178)
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		unpack(packed)
	}
}

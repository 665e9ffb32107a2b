// Package coast knows where the land is, anywhere on Earth: Natural Earth's
// 1:10 million land polygons, embedded. It exists so that a position on dry
// land is seen as one where the port file has no polygon of its own. Anyone may
// import it; it imports nothing of this repository.
//
// The coast is a coarse one. Natural Earth generalises it to about a kilometre,
// the packed form has steps of 0.0036° of longitude (400 m at the equator) and
// 0.0017° of latitude (190 m), and rivers, canals and lakes are land. So the
// answer for a place within a few kilometres of the shore, or where ships go
// inland, decides nothing; [Shore] tells how far it is.
package coast

import (
	"cmp"
	_ "embed"
	"encoding/binary"
	"math"
	"slices"
	"sync"
)

//go:generate go run ../../tools/coastbuild

// packed is the coast as tools/coastbuild writes it.
//
//go:embed land.bin
var packed []byte

// MaxShore is the greatest distance that Shore looks for, metres.
const MaxShore = 50000

const (
	bands       = 1800 // of a tenth of a degree of latitude, from -90
	perBand     = 180.0 / bands
	metresPerNM = 1852.0
	metresPer   = 60 * metresPerNM // of a degree of a great circle
)

// edge is a piece of shore between two places, the southern one first.
type edge struct {
	x1, y1, x2, y2 float32 // degrees
	drawn          bool    // by the map makers, along the antimeridian or through the pole: no shore
}

// west is the westernmost longitude of the edge.
func (e *edge) west() float32 { return min(e.x1, e.x2) }

// atlas is the unpacked coast: the edges of each band of latitude, ordered by
// their westernmost longitude. A ring that crosses the antimeridian goes on
// beyond 180°, so a place is looked for there a second time.
type atlas struct {
	edges []edge
	bands [bands]band
}

type band struct {
	edges      []int32
	west, east float32 // of all its edges, degrees
	widest     float32 // edge, degrees of longitude
}

var load = sync.OnceValue(func() *atlas { return unpack(packed) })

// Land reports whether the place is on land. A place that is no place on Earth
// (NaN, beyond ±180 or ±90 degrees) is not.
func Land(lat, lon float64) bool {
	if !place(lat, lon) {
		return false
	}
	a := load()
	inside := false
	for _, x := range [3]float32{float32(lon), float32(lon) - 360, float32(lon) + 360} {
		inside = inside != a.odd(&a.bands[bandOf(lat)], x, float32(lat))
	}
	return inside
}

// odd reports whether an odd number of edges of the band lies west of the place.
func (a *atlas) odd(b *band, x, y float32) bool {
	if x < b.west || x > b.east { // none or, as rings are closed, an even number
		return false
	}
	odd := false
	for _, i := range b.edges {
		e := &a.edges[i]
		if e.west() > x {
			break
		}
		// The half-open span takes each vertex once.
		if e.y1 <= y && y < e.y2 && e.x1+(y-e.y1)/(e.y2-e.y1)*(e.x2-e.x1) < x {
			odd = !odd
		}
	}
	return odd
}

// Shore is the distance from a place to the nearest shore in metres, at most
// MaxShore; NaN for what is no place on Earth. On land and at sea it is the
// same measure: Land tells the side.
func Shore(lat, lon float64) float64 {
	if !place(lat, lon) {
		return math.NaN()
	}
	a := load()
	best := float64(MaxShore)
	const reach = MaxShore / metresPer // degrees of latitude
	for b := bandOf(max(lat-reach, -90)); b <= bandOf(min(lat+reach, 90)); b++ {
		// A narrow band far away can't hold anything nearer.
		if south := float64(b)*perBand - 90; max(south-lat, lat-south-perBand)*metresPer > best {
			continue
		}
		best = a.nearest(&a.bands[b], lat, lon, best)
	}
	return best
}

// nearest looks in one band for an edge nearer than best, the places beyond the
// antimeridian with it.
func (a *atlas) nearest(b *band, lat, lon, best float64) float64 {
	shrink := max(math.Cos(min(math.Abs(lat)+0.5, 89.9)*math.Pi/180), 0.001)
	reach := best / metresPer / shrink
	for _, x := range [3]float64{lon, lon - 360, lon + 360} {
		if float32(x+reach) < b.west || float32(x-reach) > b.east {
			continue
		}
		from, _ := slices.BinarySearchFunc(b.edges, float32(x-reach)-b.widest, func(i int32, v float32) int {
			if a.edges[i].west() < v {
				return -1
			}
			return 1
		})
		for _, i := range b.edges[from:] {
			e := &a.edges[i]
			if float64(e.west()) > x+reach {
				break
			}
			if !e.drawn {
				best = min(best, e.distance(lat, x))
			}
		}
	}
	return best
}

// distance from a place to the edge in metres, on a plane that touches the
// Earth at the place: within 50 km the error is below a hundredth, except at
// the poles.
func (e *edge) distance(lat, lon float64) float64 {
	c := math.Cos(lat * math.Pi / 180)
	x1, y1 := (float64(e.x1)-lon)*c, float64(e.y1)-lat
	dx, dy := (float64(e.x2)-lon)*c-x1, float64(e.y2)-lat-y1
	t := 0.0
	if l := dx*dx + dy*dy; l > 0 {
		t = min(max(-(x1*dx+y1*dy)/l, 0), 1)
	}
	return math.Hypot(x1+t*dx, y1+t*dy) * metresPer
}

func place(lat, lon float64) bool {
	return lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 // false for NaN
}

func bandOf(lat float64) int { return min(max(int((lat+90)/perBand), 0), bands-1) }

// eachRing calls do with each ring of the packed land, longitudes and latitudes.
// The packed coast is the output of our own generator, compared in the gate, so
// a fault in it is a fault of the program.
func eachRing(b []byte, do func(ring [][2]float64)) {
	var scale [4]float64
	for i := range scale {
		scale[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	b = b[32:]
	count := func() int64 {
		v, n := binary.Varint(b)
		if n <= 0 {
			panic("coast: the embedded land.bin is cut short: make generate writes it anew")
		}
		b = b[n:]
		return v
	}
	var ring [][2]float64
	for range count() {
		var x, y int64
		ring = ring[:0]
		for range count() {
			x, y = x+count(), y+count()
			ring = append(ring, [2]float64{float64(x)*scale[0] + scale[2], float64(y)*scale[1] + scale[3]})
		}
		do(ring)
	}
}

// unpack sorts the edges of the coast for questions about places.
func unpack(b []byte) *atlas {
	a := new(atlas)
	for i := range a.bands {
		a.bands[i].west, a.bands[i].east = 360, -360
	}
	eachRing(b, func(ring [][2]float64) {
		for i := 1; i < len(ring); i++ {
			a.add(ring[i-1], ring[i])
		}
	})
	for i := range a.bands {
		slices.SortFunc(a.bands[i].edges, func(i, j int32) int {
			return cmp.Or(cmp.Compare(a.edges[i].west(), a.edges[j].west()), cmp.Compare(i, j))
		})
	}
	return a
}

// add puts an edge, of longitudes and latitudes, into the bands that it touches.
func (a *atlas) add(p, q [2]float64) {
	if p[1] > q[1] {
		p, q = q, p
	}
	e := edge{float32(p[0]), float32(p[1]), float32(q[0]), float32(q[1]), false}
	e.drawn = e.y1 < -90 || e.x1 == e.x2 && math.Abs(float64(e.x1)) > 179.99 && math.Abs(float64(e.x1)) < 180.01
	i := int32(len(a.edges))
	a.edges = append(a.edges, e)
	for n := bandOf(p[1]); n <= bandOf(q[1]); n++ {
		b := &a.bands[n]
		b.edges = append(b.edges, i)
		east := max(e.x1, e.x2)
		b.west, b.east, b.widest = min(b.west, e.west()), max(b.east, east), max(b.widest, east-e.west())
	}
}

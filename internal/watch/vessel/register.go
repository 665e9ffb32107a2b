package vessel

import (
	"math"

	"github.com/quaywatch/quaywatch/internal/port"
)

// register is what the port file declares of the sea.
type register struct {
	aids   map[uint32]*port.Aid // aids to navigation and base stations by MMSI
	centre port.Point
	placed bool // the centre is given
	land   []polygon
	lanes  []polygon // fairways
	bounds box
	reach  [36]float32 // metres: the farthest heard by bearing from the centre, ten degrees each
	heard  int         // reports that reach was learned from
}

// box is south, west, north, east in degrees.
type box struct{ south, west, north, east float64 }

func (b *box) holds(lat, lon float64) bool {
	return lat >= b.south && lat <= b.north && lon >= b.west && lon <= b.east
}

// polygon is a piece of land or a quay.
type polygon struct {
	name   string
	bounds box
	ring   port.Ring
}

// declareSensors joins the sensors of the port file to what is known of them.
func (w *Watch) declareSensors() {
	old := w.sensors
	w.sensors = map[string]*sensor{}
	if w.port == nil {
		return
	}
	for i := range w.port.Sensors {
		p := &w.port.Sensors[i]
		s := old[p.ID]
		if s == nil {
			s = &sensor{targets: map[string]*target{}, watched: map[uint32]*watched{}}
		}
		s.declared, s.shadows = p, nil
		for _, ring := range p.Shadows {
			s.shadows = append(s.shadows, polygonOf("", ring))
		}
		w.sensors[p.ID] = s
	}
}

// declare reads the register from the port file.
func (w *Watch) declare(p *port.Port) {
	w.declareSensors()
	if p == nil {
		return
	}
	k := &w.known
	k.centre, k.placed = p.Identity.Centre, p.Identity.Centre != (port.Point{})
	k.aids = make(map[uint32]*port.Aid, len(p.Aids))
	for i := range p.Aids {
		a := &p.Aids[i]
		k.aids[uint32(a.MMSI)] = a
	}
	for i := range p.Waters {
		if v := &p.Waters[i]; v.Kind == "fairway" {
			k.lanes = append(k.lanes, polygonOf(v.Name, v.Shape))
		}
	}
	k.bounds = box{90, 180, -90, -180}
	for i := range p.Land {
		l := &p.Land[i]
		q := polygonOf(l.Name, l.Shape)
		k.bounds = k.bounds.with(q.bounds.south, q.bounds.west).with(q.bounds.north, q.bounds.east)
		k.land = append(k.land, q)
	}
}

func polygonOf(name string, ring port.Ring) polygon {
	q := polygon{name: name, ring: ring, bounds: box{90, 180, -90, -180}}
	for _, at := range ring {
		q.bounds = q.bounds.with(at.Lat(), at.Lon())
	}
	return q
}

// channel reports whether a place lies in a fairway of the port.
func (k *register) channel(lat, lon float64) bool {
	for i := range k.lanes {
		if k.lanes[i].inside(lat, lon) > 0 {
			return true
		}
	}
	return false
}

func (b box) with(lat, lon float64) box {
	return box{min(b.south, lat), min(b.west, lon), max(b.north, lat), max(b.east, lon)}
}

// inside is how far a place lies within the polygon, metres from its nearest
// edge; 0 where it lies outside.
func (q *polygon) inside(lat, lon float64) float64 {
	if !q.bounds.holds(lat, lon) {
		return 0
	}
	k := math.Cos(lat * degree)
	in, least := false, math.Inf(1)
	for i := range q.ring {
		a, b := q.ring[i], q.ring[(i+1)%len(q.ring)]
		if (a.Lat() > lat) != (b.Lat() > lat) && lon < (b.Lon()-a.Lon())*(lat-a.Lat())/(b.Lat()-a.Lat())+a.Lon() {
			in = !in
		}
		least = min(least, toEdge((a.Lon()-lon)*k, a.Lat()-lat, (b.Lon()-lon)*k, b.Lat()-lat))
	}
	if !in {
		return 0
	}
	return least * degree * earthRadius
}

// toEdge is the distance of the origin from the edge between two points.
func toEdge(ax, ay, bx, by float64) float64 {
	dx, dy := bx-ax, by-ay
	t := 0.0
	if l := dx*dx + dy*dy; l > 0 {
		t = min(max(-(ax*dx+ay*dy)/l, 0), 1)
	}
	return math.Hypot(ax+t*dx, ay+t*dy)
}

// learned is how far vessels were heard, by bearing; nil before so many reports.
func (k *register) learned(least int) []Reach {
	if !k.placed || k.heard < least {
		return nil
	}
	var out []Reach
	for i, m := range k.reach {
		out = append(out, Reach{Bearing: float64(i)*10 + 5, Metres: float64(m)})
	}
	return out
}

package simulate

import (
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

var firstNames = []string{"GREY", "NORTH", "AMBER", "SILVER", "OCEAN", "BRIGHT", "COPPER", "WINTER", "STEADY", "MORNING", "CEDAR", "GRANITE", "EASTERN", "PELICAN"}
var lastNames = []string{"TRADER", "HARRIER", "MERIDIAN", "VENTURE", "COURIER", "PIONEER", "CROWN", "SPIRIT", "HORIZON", "LANTERN", "PASSAGE", "SENTINEL", "COMPASS"}

// flags are country codes of MMSI under which many ships sail (ITU table of maritime identification digits).
var flags = []int{255, 209, 215, 229, 248, 304, 311, 351, 538, 563, 636, 477, 219, 244}

// visitor makes a ship that suits the berth (nil: any).
func (w *sea) visitor(b *berth) *ship {
	n := w.named
	w.named++
	v := &ship{
		mmsi: uint32(flags[w.r.IntN(len(flags))]*1_000_000 + 900_000 + n*131 + w.r.IntN(100)),
		imo:  imoNumber(330_000 + n*37 + w.r.IntN(30)),
		name: firstNames[n%len(firstNames)] + " " + lastNames[(n/len(firstNames)+n*5)%len(lastNames)],
		call: callSign(n), dest: "XZ SLM", maxSpeed: 15, status: underWay, heading: 75,
	}
	switch kind := w.r.IntN(3); {
	case b != nil && strings.HasPrefix(b.id, "berth-lb"), b == nil && kind == 0:
		v.kind, v.bow, v.stern, v.port, v.starboard, v.draught = 80, 150, 33, 16, 16, 9.4
	case b != nil && strings.HasPrefix(b.id, "berth-ro"), b == nil && kind == 1:
		v.kind, v.bow, v.stern, v.port, v.starboard, v.draught = 79, 30, 155, 13, 13, 6.6
	default:
		v.kind, v.bow, v.stern, v.port, v.starboard, v.draught = 71, 205, 64, 18, 19, 11.8
	}
	w.join(v)
	return v
}

// fits reports whether a ship of that type lies at that berth.
func (v *ship) fits(b *berth) bool {
	switch v.kind {
	case 80:
		return strings.HasPrefix(b.id, "berth-lb")
	case 79:
		return strings.HasPrefix(b.id, "berth-ro")
	}
	return strings.HasPrefix(b.id, "berth-ct")
}

// moor puts a ship alongside and plans when it sails.
func (w *sea) moor(v *ship, b *berth, stay time.Duration) {
	b.ship = v
	v.pos, v.heading, v.sog, v.status, v.path = b.at, b.along, 0, moored, nil
	w.s.after(stay, func() { w.outbound(v, b) })
}

// inbound sails to a free berth that suits, or to anchor.
func (w *sea) inbound(v *ship) {
	v.status = underWay
	_, v.heading = v.pos.to(w.in[0])
	v.sog = 11
	i := slices.IndexFunc(w.berths, func(b *berth) bool { return b.ship == nil && v.fits(b) })
	if i < 0 {
		if len(w.roads) > 0 {
			road := w.roads[w.r.IntN(len(w.roads))].moved(w.r.Float64()*360, 300+w.r.Float64()*1300)
			v.path = []waypoint{{at: road, speed: 10, done: func() { v.status = atAnchor }}}
		}
		return
	}
	b := w.berths[i]
	b.ship = v
	near := nearest(w.in, b.at)
	for k, p := range w.in[:near+1] {
		speed := 12.0
		switch {
		case k < 2:
			speed = 8 // the pilot boards
		case k > len(w.in)/3:
			speed = 7
		}
		v.path = append(v.path, waypoint{at: p, speed: speed})
	}
	v.path = append(v.path, waypoint{at: b.at, speed: 4, done: func() { w.moor(v, b, time.Duration(150+w.r.IntN(240))*time.Minute) }})
}

func (w *sea) outbound(v *ship, b *berth) {
	if v.gone {
		return
	}
	b.ship, v.status, v.at = nil, underWay, w.s.now
	near := nearest(w.out, b.at)
	for _, p := range w.out[near:] {
		v.path = append(v.path, waypoint{at: p, speed: 8})
	}
	last := w.out[len(w.out)-1]
	v.path = append(v.path, waypoint{at: last.moved(285, 14_000), speed: 14, done: v.leave})
	v.dest = "FOR ORDERS"
	v.reports()()
}

func nearest(line []xy, p xy) int {
	best := 0
	for i, q := range line {
		a, _ := q.to(p)
		if b, _ := line[best].to(p); a < b {
			best = i
		}
	}
	return best
}

// passing is a ship that goes by at sea, from south to north.
func (w *sea) passing(along float64) {
	v := w.visitor(nil)
	off := w.in[0].moved(270, 7000+w.r.Float64()*4000)
	v.pos, v.heading, v.sog, v.dest = xy{off.x, off.y - 24_000 + along}, 0, 13, "NORTHBOUND"
	v.path = []waypoint{{at: xy{off.x, off.y + 20_000}, speed: 13.5}, {at: xy{off.x, off.y + 26_000}, speed: 13.5, done: v.leave}}
}

// smallCraft is a boat of class B that fishes outside.
func (w *sea) smallCraft() {
	n := w.named
	w.named++
	v := &ship{mmsi: uint32(204_300_000 + n*17), name: "LITTLE " + lastNames[n%len(lastNames)], call: callSign(n), kind: 30, bow: 8, stern: 5, port: 2, starboard: 2, classB: true, maxSpeed: 9, status: -1}
	ground := w.in[0].moved(20+w.r.Float64()*40, 3000+w.r.Float64()*5000)
	v.pos = ground
	var wander func()
	wander = func() {
		next := ground.moved(w.r.Float64()*360, w.r.Float64()*2500)
		v.path = []waypoint{{at: next.moved(90, 200), speed: 5}, {at: next, speed: 4, done: wander}}
	}
	w.join(v)
	wander()
}

// startCraft gives the port's own vessels their rounds between the pontoon of
// their kind and the fairway.
func (w *sea) startCraft() {
	types := map[string]uint8{"tug": 52, "pilot": 50, "patrol": 55, "bunker": 80, "other": 33}
	for i := range w.s.port.Vessels {
		own := &w.s.port.Vessels[i]
		v := &ship{mmsi: uint32(own.MMSI), imo: uint32(own.IMO), name: strings.ToUpper(own.Name), call: own.CallSign, kind: types[own.Kind], bow: 12, stern: 14, port: 4, starboard: 4, draught: 4, maxSpeed: 11, status: moored, dest: "HARBOUR"}
		if own.Kind == "pilot" {
			v.bow, v.stern, v.port, v.starboard, v.draught, v.maxSpeed = 9, 7, 2, 3, 1.6, 22
		}
		home := w.home(own, i)
		v.pos, v.heading = home, 90
		w.join(v)
		if w.in != nil && i%3 != 2 {
			w.s.at(w.s.o.Start.Add(time.Duration(1+w.r.IntN(25))*time.Minute), func() { w.round(v, own.Kind, home) })
		}
	}
}

func (w *sea) home(own *port.Vessel, i int) xy {
	want := "berth-tugs"
	if own.Kind == "pilot" || own.Kind == "patrol" {
		want = "berth-pilots"
	}
	for _, b := range w.berths {
		if b.id == want {
			return b.at.moved(90, float64(i%5)*28-50)
		}
	}
	if len(w.berths) > 0 {
		return w.berths[0].at
	}
	return xy{}
}

// round is one trip of a harbour craft: out along the fairway and home again.
func (w *sea) round(v *ship, kind string, home xy) {
	v.sail(w.s.now)
	from := nearest(w.out, home)
	reach := len(w.out) - 1
	if kind == "tug" || kind == "bunker" {
		reach = min(from+3, reach)
	}
	v.status, v.path = underWay, nil
	for _, p := range w.out[from : reach+1] {
		v.path = append(v.path, waypoint{at: p, speed: v.maxSpeed - 2})
	}
	for k := len(w.out) - 1 - reach; k <= nearest(w.in, home); k++ {
		v.path = append(v.path, waypoint{at: w.in[k], speed: v.maxSpeed - 2})
	}
	v.path = append(v.path, waypoint{at: home, speed: 5, done: func() {
		v.status = moored
		w.s.after(time.Duration(8+w.r.IntN(30))*time.Minute, func() { w.round(v, kind, home) })
	}})
	v.reports()()
}

package simulate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/port"
)

// maxShips is the most visiting ships at a time.
const maxShips = 40

// sea is everything that speaks AIS.
type sea struct {
	s       *Simulation
	r       *rand.Rand
	plane   plane
	in, out []xy // main fairway from sea, and back
	berths  []*berth
	roads   []xy // centres of anchorages
	ships   []*ship
	buf     []byte
	seq     uint8
	named   int
	ghost   map[uint32]bool // MMSI whose true reports are suppressed while it is played
}

// berth is a place alongside.
type berth struct {
	id    string
	at    xy
	along float64 // degrees
	ship  *ship
}

func newSea(s *Simulation) *sea {
	w := &sea{s: s, r: s.random("sea"), plane: planeAt(s.port.Identity.Centre), ghost: map[uint32]bool{}}
	for i := range s.port.Waters {
		water := &s.port.Waters[i]
		c := w.plane.centre(water.Shape)
		switch {
		case water.Kind == "fairway" && w.in == nil && len(water.Shape) >= 4:
			w.in, w.out = w.plane.lane(water.Shape, 45), w.plane.lane(water.Shape, -45)
			slices.Reverse(w.out)
		case water.Kind == "berth":
			w.berths = append(w.berths, w.berthOf(water, c))
		case water.Kind == "anchorage":
			w.roads = append(w.roads, c)
		}
	}
	for i := range s.port.Aids {
		w.startAid(&s.port.Aids[i])
	}
	w.startCraft()
	if w.in != nil {
		w.startTraffic()
	}
	return w
}

func (w *sea) berthOf(water *port.Water, c xy) *berth {
	var long, along float64
	for i, q := range water.Shape {
		d, course := w.plane.xy(q).to(w.plane.xy(water.Shape[(i+1)%len(water.Shape)]))
		if d > long {
			long, along = d, course
		}
	}
	return &berth{id: water.ID, at: c, along: along}
}

// startAid makes an aid report every three minutes and a base station every ten
// seconds (M.1371-5, annex 2, 4.2.1 and annex 8, 3.19).
func (w *sea) startAid(a *port.Aid) {
	lat, lon := a.Position.Lat(), a.Position.Lon()
	every, kind := 3*time.Minute, uint8(21)
	if a.Kind == "base-station" {
		every, kind = 10*time.Second, 4
	}
	m := ais.NewMessage(kind, uint32(a.MMSI))
	m.Position.Lat, m.Position.Lon = lat, lon
	m.Position.Accurate = true
	if kind == 21 {
		m.Static.Name = ais.TextOf(a.Name)
		m.Static.EPFD = 7
		m.Aid.Kind = 1
		m.Aid.Virtual = a.Kind == "virtual-aid"
		if m.Aid.Virtual {
			m.Static.EPFD = 0
		}
	}
	var report func()
	report = func() {
		t := w.s.now
		m.Position.Second = int8(t.Second())
		if kind == 4 {
			m.Clock = ais.Clock{Year: uint16(t.Year()), Month: uint8(t.Month()), Day: uint8(t.Day()), Hour: uint8(t.Hour()), Minute: uint8(t.Minute()), Second: uint8(t.Second()), EPFD: 7}
		}
		w.say(&m)
		w.s.after(every, report)
	}
	w.s.at(w.s.o.Start.Add(time.Duration(w.r.Int64N(int64(every)))), report)
}

// say writes a message as its sentences, with a tag block of the time.
func (w *sea) say(m *ais.Message) {
	w.seq = (w.seq + 1) % 10
	channel := byte('A')
	if w.seq%2 == 1 {
		channel = 'B'
	}
	var err error
	w.buf, err = ais.AppendSentences(w.buf[:0], m, ais.Envelope{Channel: channel, Seq: w.seq, Time: w.s.now, Station: w.station()})
	if err != nil {
		w.s.fail(fmt.Errorf("write AIS message %d of %d: %w", m.Type, m.MMSI, err))
		return
	}
	w.s.emit(AIS, w.buf)
}

// station is the shore station that names itself in the tag block: the first base station.
func (w *sea) station() string {
	for i := range w.s.port.Aids {
		if a := &w.s.port.Aids[i]; a.Kind == "base-station" {
			return a.ID[:min(len(a.ID), 15)]
		}
	}
	return ""
}

// startTraffic puts ships at berths, at anchor and on the way, and lets new ones come.
func (w *sea) startTraffic() {
	for i, b := range w.berths {
		if b.id != "berth-tugs" && b.id != "berth-pilots" && i%3 != 2 {
			w.moor(w.visitor(b), b, time.Duration(10+w.r.IntN(300))*time.Minute)
		}
	}
	for i, road := range w.roads {
		for range 3 - i%2 {
			v := w.visitor(nil)
			v.pos = road.moved(w.r.Float64()*360, 300+w.r.Float64()*1300)
			v.status, v.heading = atAnchor, 240+w.r.Float64()*20
		}
	}
	for i := range 4 {
		v := w.visitor(nil)
		v.pos = w.in[0].moved(255, float64(1500+i*5200))
		w.inbound(v)
	}
	for range 5 {
		w.smallCraft()
	}
	for i := range 3 {
		w.passing(float64(i) * 9000)
	}
	var more func()
	more = func() {
		if len(w.ships) < maxShips {
			if w.r.IntN(3) == 0 {
				w.passing(0)
			} else {
				v := w.visitor(nil)
				v.pos = w.in[0].moved(250+w.r.Float64()*10, 12_000)
				w.inbound(v)
			}
		}
		w.s.after(spread(w.r, 18*time.Minute), more)
	}
	w.s.at(w.s.o.Start.Add(6*time.Minute), more)
}

package simulate

import (
	"fmt"
	"math"
	"time"

	"github.com/quaywatch/quaywatch/ais"
)

// Navigational status (M.1371-5 table 48).
const (
	underWay = 0
	atAnchor = 1
	moored   = 5
)

// waypoint is where to go and how fast; done is called when it is reached.
type waypoint struct {
	at    xy
	speed float64 // knots
	done  func()
}

// ship is one hull: where it is, where it goes, who it says it is.
type ship struct {
	w                *sea
	mmsi, imo        uint32
	name, call, dest string
	kind             uint8 // ship type, M.1371-5 table 53
	bow, stern       uint16
	port, starboard  uint8
	draught          float32
	classB           bool
	status           int8
	pos              xy
	sog, heading     float64
	maxSpeed         float64
	path             []waypoint
	at               time.Time // of pos
	gone             bool
	course           int // counts changes of what it does: an older plan to report is void
}

// join begins to report.
func (w *sea) join(v *ship) {
	v.w, v.at = w, w.s.now
	w.ships = append(w.ships, v)
	w.s.at(w.s.now.Add(time.Duration(w.r.Int64N(int64(12*time.Second)))), v.reports())
	w.s.at(w.s.now.Add(time.Duration(w.r.Int64N(int64(90*time.Second)))), v.identify)
}

// leave ends a ship: out of range.
func (v *ship) leave() {
	v.gone = true
	for i, o := range v.w.ships {
		if o == v {
			v.w.ships = append(v.w.ships[:i], v.w.ships[i+1:]...)
			return
		}
	}
}

// sail moves the ship to now in steps of a second at most: it turns at no more
// than 1.2 degrees and gains or loses no more than 0.04 knots a second.
func (v *ship) sail(now time.Time) {
	for v.at.Before(now) {
		dt := min(now.Sub(v.at), time.Second).Seconds()
		v.at = v.at.Add(min(now.Sub(v.at), time.Second))
		v.second(dt)
	}
}

func (v *ship) second(dt float64) {
	agile := 1.0
	if v.bow+v.stern < 60 {
		agile = 5
	}
	if len(v.path) == 0 {
		v.sog = math.Max(0, v.sog-0.2*agile*dt)
		v.pos = v.pos.moved(v.heading, v.sog*1852/3600*dt)
		return
	}
	leg := v.path[0]
	dist, course := v.pos.to(leg.at)
	turn := math.Mod(course-v.heading+540, 360) - 180
	v.heading = math.Mod(v.heading+math.Max(-1.2*agile*dt, math.Min(1.2*agile*dt, turn))+360, 360)
	want := math.Min(leg.speed, v.maxSpeed)
	if len(v.path) == 1 {
		want = math.Min(want, 1+dist/60) // come alongside slowly
	}
	if math.Abs(turn) > 50 {
		want = math.Min(want, 3) // go round rather than in circles
	}
	v.sog += math.Max(-0.15*agile*dt, math.Min(0.04*agile*dt, want-v.sog))
	v.pos = v.pos.moved(v.heading, v.sog*1852/3600*dt)
	reach := 150.0
	if len(v.path) == 1 {
		reach = 25
	}
	if dist < reach {
		v.path = v.path[1:]
		if leg.done != nil {
			leg.done()
		}
	}
}

// interval is how often a position is due (M.1371-5, tables 1 and 2).
func (v *ship) interval() time.Duration {
	switch {
	case v.classB && v.sog > 2:
		return 30 * time.Second
	case v.classB, (v.status == moored || v.status == atAnchor) && v.sog <= 3:
		return 3 * time.Minute
	case v.sog > 23:
		return 2 * time.Second
	case v.sog > 14:
		return 6 * time.Second
	}
	return 10 * time.Second
}

// reports is the duty to report from now on; an earlier one ends.
func (v *ship) reports() func() {
	v.course++
	mine := v.course
	return func() { v.report(mine) }
}

func (v *ship) report(course int) {
	if v.gone || course != v.course {
		return
	}
	v.sail(v.w.s.now)
	if v.gone {
		return
	}
	if !v.w.ghost[v.mmsi] {
		m := v.position(v.pos)
		v.w.say(&m)
	}
	v.w.s.after(v.interval(), func() { v.report(course) })
}

// position is the report of being at p.
func (v *ship) position(p xy) ais.Message {
	kind := uint8(1)
	if v.classB {
		kind = 18
	}
	m := ais.NewMessage(kind, v.mmsi)
	q := &m.Position
	q.Lat, q.Lon = v.w.plane.degrees(p.moved(v.w.r.Float64()*360, v.w.r.Float64()*3)) // what a receiver scatters
	q.SOG = float32(math.Round(math.Max(0, v.sog)*10) / 10)
	q.COG = float32(math.Mod(math.Round(v.heading*10)/10, 360))
	q.Heading = float32(math.Mod(math.Round(v.heading), 360))
	q.Second = int8(v.w.s.now.Second())
	q.Accurate = true
	if v.classB {
		q.ClassB, q.CSUnit, q.Display, q.DSC, q.Band, q.Msg22 = true, true, false, true, true, true
	} else {
		q.Status, q.TurnRaw, q.Turn = v.status, 0, 0
	}
	return m
}

// identify sends the static report: type 5, or both parts of type 24, every six minutes.
func (v *ship) identify() {
	if v.gone {
		return
	}
	if v.classB {
		a := ais.NewMessage(24, v.mmsi)
		a.Has, a.Static.Name = ais.HasName, ais.TextOf(v.name)
		v.w.say(&a)
		b := ais.NewMessage(24, v.mmsi)
		b.Has, b.Static.Part = ais.HasStatic|ais.HasCall|ais.HasVendor, 1
		v.dimensions(&b.Static)
		v.w.say(&b)
	} else {
		m := ais.NewMessage(5, v.mmsi)
		v.dimensions(&m.Static)
		m.Static.Name, m.Static.Destination = ais.TextOf(v.name), ais.TextOf(v.dest)
		m.Static.IMO, m.Static.Draught, m.Static.EPFD = v.imo, v.draught, 1
		v.w.say(&m)
	}
	v.w.s.after(6*time.Minute, v.identify)
}

func (v *ship) dimensions(s *ais.Static) {
	s.CallSign, s.ShipType = ais.TextOf(v.call), v.kind
	s.Bow, s.Stern, s.Port, s.Starboard = v.bow, v.stern, v.port, v.starboard
}

// imoNumber makes a number with its check digit from six digits (IMO A.1117(30)).
func imoNumber(six int) uint32 {
	sum := 0
	for i, weight := 100_000, 7; i > 0; i, weight = i/10, weight-1 {
		sum += six / i % 10 * weight
	}
	return uint32(six*10 + sum%10)
}

// callSign is letters and a number that no two ships of a run share.
func callSign(n int) string { return fmt.Sprintf("Q%c%c%d", 'A'+n%26, 'A'+n/26%26, 10+n%90) }

package trial

import (
	"math"
	"time"

	"github.com/quaywatch/quaywatch/ais"
)

// Class is a kind of attack.
type Class string

// Classes of attack, in the order of reports.
const (
	Teleport     Class = "teleport"
	DragOff      Class = "drag-off"
	Circle       Class = "circle"
	Shared       Class = "shared-identity"
	Flip         Class = "identity-flip"
	Silence      Class = "silence"
	Displacement Class = "mass-displacement"
	Jamming      Class = "jamming"
	FalseAid     Class = "false-aid"
	FalseBase    Class = "false-base"
	FalseSART    Class = "false-sart"
)

// Variant is a class with its particulars: what is done to whom.
type Variant struct {
	Class   Class
	Name    string        // within the class
	Span    time.Duration // how long the attack lasts and is watched
	Warm    time.Duration // how much of the capture the watch has seen before
	Unit    string        // of Size: "m" or "kn"; "" where it has none
	Low     float64       // sizes are drawn between Low and High, evenly over the logarithm
	High    float64
	Blind   bool // nothing in AIS can tell it; recall is expected to be 0
	pick    func(*Capture, time.Duration) []setup
	perform func(*scene, setup, float64)
}

// Variants are all attacks of a trial.
func Variants() []Variant {
	const m = time.Minute
	return []Variant{
		{Class: Teleport, Name: "5 to 500 km", Span: 15 * m, Warm: 30 * m, Unit: "m", Low: 5e3, High: 5e5, pick: anyMover(3), perform: teleport},
		{Class: DragOff, Name: "2 kn", Span: 30 * m, Warm: 30 * m, Unit: "kn", Low: 2, High: 2, pick: anyMover(6), perform: dragOff},
		{Class: DragOff, Name: "5 kn", Span: 30 * m, Warm: 30 * m, Unit: "kn", Low: 5, High: 5, pick: anyMover(6), perform: dragOff},
		{Class: DragOff, Name: "10 kn", Span: 30 * m, Warm: 30 * m, Unit: "kn", Low: 10, High: 10, pick: anyMover(6), perform: dragOff},
		{Class: DragOff, Name: "20 kn", Span: 30 * m, Warm: 30 * m, Unit: "kn", Low: 20, High: 20, pick: anyMover(6), perform: dragOff},
		{Class: DragOff, Name: "5 kn, speed and course agree", Span: 30 * m, Warm: 30 * m, Unit: "kn", Low: 5, High: 5, Blind: true, pick: anyMover(6), perform: dragConsistent},
		{Class: Circle, Name: "rings of 100 to 300 m", Span: 20 * m, Warm: 30 * m, pick: anyMover(40), perform: circle},
		{Class: Shared, Name: "second hull 20 to 300 km off", Span: 30 * m, Warm: 30 * m, Unit: "m", Low: 2e4, High: 3e5, pick: anyMover(6), perform: sharedIdentity},
		{Class: Flip, Name: "name, call sign and IMO", Span: 60 * m, Warm: 60 * m, pick: named, perform: flip},
		{Class: Silence, Name: "all reports withheld", Span: 60 * m, Warm: 120 * m, pick: steady, perform: silence},
		{Class: Displacement, Name: "all alike", Span: 15 * m, Warm: 60 * m, Unit: "m", Low: 2e3, High: 5e4, pick: crowd, perform: displaceAlike},
		{Class: Displacement, Name: "all to one point", Span: 15 * m, Warm: 60 * m, Unit: "m", Low: 2e3, High: 5e4, pick: crowd, perform: displaceToPoint},
		{Class: Jamming, Name: "positions lost together", Span: 20 * m, Warm: 60 * m, pick: crowd, perform: jam},
		{Class: FalseAid, Name: "unknown, virtual", Span: 20 * m, Warm: 60 * m, pick: anyMover(1), perform: unknownAid(true)},
		{Class: FalseAid, Name: "unknown, as if real", Span: 20 * m, Warm: 60 * m, pick: anyMover(1), perform: unknownAid(false)},
		{Class: FalseAid, Name: "known one moved", Span: 20 * m, Warm: 60 * m, Unit: "m", Low: 1e3, High: 1e4, pick: heardStation(21, 2), perform: moveAid},
		{Class: FalseBase, Name: "unknown number", Span: 10 * m, Warm: 60 * m, pick: anyMover(1), perform: unknownBase},
		{Class: FalseBase, Name: "known number elsewhere", Span: 10 * m, Warm: 60 * m, Unit: "m", Low: 2e4, High: 2e5, pick: heardStation(4, 3), perform: copiedBase},
		{Class: FalseBase, Name: "known number, clock wrong by 5 min to 1 h", Span: 10 * m, Warm: 60 * m, pick: heardStation(4, 3), perform: wrongClock},
		{Class: FalseSART, Name: "distress position without a track", Span: 10 * m, Warm: 60 * m, pick: anyMover(1), perform: sart},
	}
}

// leastMoved is from how many metres on a moved report counts as false: less is
// the error of GNSS.
const leastMoved = 10.0

// moveTo puts a message at a distance and bearing from where it was.
func moveTo(m *ais.Message, metres, bearing float64) bool {
	if metres < leastMoved || math.IsNaN(m.Position.Lat) || math.IsNaN(m.Position.Lon) {
		return false
	}
	m.Position.Lat, m.Position.Lon = along(m.Position.Lat, m.Position.Lon, bearing, metres)
	return true
}

// teleport moves every report of the vessel by the same way.
func teleport(s *scene, w setup, metres float64) {
	bearing := s.r.Float64() * 360
	for _, r := range s.within(s.c.sender(w.mmsi).positions) {
		s.change(r, func(m *ais.Message) bool { return moveTo(m, metres, bearing) })
	}
}

// dragOff moves the vessel away slowly; its speed and course stay as sent.
func dragOff(s *scene, w setup, knots float64) {
	bearing := s.r.Float64() * 360
	for _, r := range s.within(s.c.sender(w.mmsi).positions) {
		away := knots * knot * float64(r.at-s.start) / 1e9
		s.change(r, func(m *ais.Message) bool { return moveTo(m, away, bearing) })
	}
}

// dragConsistent is dragOff by an attacker who also sends the speed and course
// that belong to the false track.
func dragConsistent(s *scene, w setup, knots float64) {
	bearing := s.r.Float64() * 360
	for _, r := range s.within(s.c.sender(w.mmsi).positions) {
		away := knots * knot * float64(r.at-s.start) / 1e9
		s.change(r, func(m *ais.Message) bool {
			sog, cog := addVelocity(m.Position.SOG, m.Position.COG, knots, bearing)
			m.Position.SOG, m.Position.COG = sog, cog
			return moveTo(m, away, bearing)
		})
	}
}

// circle puts the vessel on a ring around where it was, with a speed that fits
// and a course that does not, as told of Shanghai in 2019.
func circle(s *scene, w setup, _ float64) {
	radius, speed := 100+200*s.r.Float64(), 20+11*s.r.Float64()
	phase := s.r.Float64() * 360
	list := s.within(s.c.sender(w.mmsi).positions)
	for _, r := range list {
		turned := phase + speed*knot*float64(r.at-s.start)/1e9/radius*180/math.Pi
		cog := float32(math.Floor(s.r.Float64() * 360))
		lat, lon := along(list[0].lat, list[0].lon, math.Mod(turned, 360), radius)
		s.change(r, func(m *ais.Message) bool {
			m.Position.Lat, m.Position.Lon = lat, lon
			m.Position.SOG, m.Position.COG = float32(math.Round(speed*10)/10), cog
			return true
		})
	}
}

// sharedIdentity adds a second hull under the number, under way far off. The
// true reports stay.
func sharedIdentity(s *scene, w setup, metres float64) {
	like, m := s.template(w.mmsi)
	if like == nil {
		return
	}
	lag := secondLag(like, &m)
	lat, lon := along(like.lat, like.lon, s.r.Float64()*360, metres)
	course, speed := math.Floor(s.r.Float64()*360), 6+math.Floor(80*s.r.Float64())/10
	every := 10 * time.Second // class A under way (M.1371-5 table 1)
	if m.Type >= 18 {
		every = 30 * time.Second // class B CS (table 2)
	}
	p := &m.Position
	p.SOG, p.COG, p.Turn = float32(speed), float32(course), 0
	if p.Heading == p.Heading {
		p.Heading = float32(course)
	}
	if p.Status >= 0 {
		p.Status = 0
	}
	s.every(every, func(at time.Time, since float64) {
		p.Lat, p.Lon = along(lat, lon, course, speed*knot*since)
		p.Second = secondAt(at, lag)
		s.add(like, &m, at)
	})
}

// flip sends static reports with another identity between the true ones.
func flip(s *scene, w setup, _ float64) {
	statics := s.c.sender(w.mmsi).statics
	like := s.before(statics)
	if like == nil {
		return
	}
	m, err := s.c.message(like)
	if err != nil {
		s.fail(err)
		return
	}
	first := uint32(100000 + s.r.IntN(899999))
	m.Static.Name = ais.TextOf("NORTHERN " + letters(s.r, 5))
	m.Static.CallSign = ais.TextOf("V7" + letters(s.r, 2) + "8")
	m.Static.IMO = withCheckDigit(first)
	for _, r := range s.within(statics) {
		s.add(like, &m, time.Unix(0, r.at).UTC().Add(-2*time.Minute))
	}
}

// silence withholds all that the vessel sends.
func silence(s *scene, w setup, _ float64) {
	for _, r := range s.within(s.c.sender(w.mmsi).all) {
		s.withhold(r)
	}
}

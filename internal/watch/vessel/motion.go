package vessel

import (
	"fmt"
	"math"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// motion is the filter of a hull: the sum of what dead reckoning from the
// vessel's own speed and course did not explain. The mean of the velocities told
// at both ends is the reckoning forward and backward in one. The sum shrinks by
// what an honest ship may err (a vector CUSUM), so that noise never adds up and
// a steady drag does. Twenty bytes.
type motion struct {
	east, north float32 // metres not explained
	agreed      uint16  // steps that agreed, in all
	off         uint8   // steps in a row with the sum over the suspicion
	told        bool    // an upset was told of the present excess
}

const (
	reckonMost   = 400.0 // seconds; longer gaps say nothing of the way between
	reckonSure   = 60.0  // seconds; beyond, a turn may hide between two reports
	reckonSmall  = 5.0   // seconds; the same for small craft, which turn on the spot
	reckonHidden = 1.5   // m/s that a craft under way may have gone faster in between, unheard
	reckonNoise  = 30.0  // metres: GNSS, antenna, the second that the fix was cut to
)

// follow puts the step from the hull's newest fix to r through the filter.
func (w *Watch) follow(s *ship, h *hull, r *event.VesselReport, at int64, lag int) {
	dt := float64(at-h.at) / 1e9
	m := &h.motion
	if dt <= 0 {
		return
	}
	if dt > reckonMost || !usable(h.sog, h.cog) || !usable(r.SOG, r.COG) || !s.movable() || w.slack(s, h.lag, lag) > 0 {
		m.east, m.north, m.off = 0, 0, 0
		return
	}
	e0, n0 := velocity(h.sog, h.cog)
	e1, n1 := velocity(r.SOG, r.COG)
	dn := (r.Lat - h.lat) * degree * earthRadius
	de := (r.Lon - h.lon) * degree * earthRadius * math.Cos(r.Lat*degree)
	xe, xn := de-(e0+e1)/2*dt, dn-(n0+n1)/2*dt
	speed := max(float64(h.sog), float64(r.SOG)) * knot
	allow := (w.lim.ContradictRate + w.lim.ContradictShare*speed + math.Hypot(e1-e0, n1-n0)/2) * dt
	if dt > reckonSure || dt > reckonSmall && (s.classB || s.length > 0 && !w.large(s)) {
		allow += 0.5 * speed * dt
	}
	if dt > reckonSure && speed > 0.5*knot {
		allow += reckonHidden * dt
	}
	step := math.Hypot(xe, xn)
	if step <= allow+reckonNoise && m.off == 0 && m.agreed < math.MaxUint16 {
		m.agreed++
	}
	e, n := float64(m.east)+xe, float64(m.north)+xn
	sum := math.Hypot(e, n)
	if left := sum - allow; left > 0 {
		m.east, m.north = float32(e*left/sum), float32(n*left/sum)
		sum = left
	} else {
		m.east, m.north, sum = 0, 0, 0
	}
	w.judgeMotion(s, h, r, at, sum, step)
}

// usable reports whether speed and course are told; a vessel that lies still has
// no course.
func usable(sog, cog float32) bool { return sog == sog && sog < 102.2 && (cog == cog || sog < 0.5) }

// velocity is east and north in m/s.
func velocity(sog, cog float32) (east, north float64) {
	if sog == 0 || cog != cog {
		return 0, 0
	}
	sin, cos := math.Sincos(float64(cog) * degree)
	return float64(sog) * knot * sin, float64(sog) * knot * cos
}

// judgeMotion looks at the sum of what is not explained.
func (w *Watch) judgeMotion(s *ship, h *hull, r *event.VesselReport, at int64, sum, step float64) {
	m := &h.motion
	if sum < w.lim.ContradictSuspect {
		m.off, m.told = 0, false
		return
	}
	if m.off < math.MaxUint8 {
		m.off++
	}
	if m.agreed == 0 || s.shared.present || s.jump.present {
		return
	}
	if !m.told && step > w.lim.ContradictSuspect {
		m.told = true
		w.disturb(s, displaced, h, r, at)
	}
	if int(m.agreed) < w.lim.ContradictAgreed {
		return
	}
	if s.area != nil {
		return
	}
	g := finding.Suspected
	if sum >= w.lim.ContradictLikely && m.off >= 3 && int(m.agreed) >= 2*w.lim.ContradictAgreed {
		g = finding.Likely
	}
	o, tell := w.hold(s, contradictory, g, at)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("%s is reported %.0f m from where its own speed and course lead", s.title(), sum)
	o.Summary = "The positions move in another way than the speed and course in the same reports. Either the position is led away, or the sensors of the vessel contradict each other."
	o.Facts = []finding.Fact{
		fact(h.head, fmt.Sprintf("MMSI %s at %s, told %.1f kn, course %s.", digits(s.mmsi), place(h.lat, h.lon), h.sog, course(h.cog))),
		fact(r.Head, fmt.Sprintf("%.0f s later at %s, told %.1f kn, course %s; %.0f m are not explained, in %d reports together.",
			seconds(at-h.at), place(r.Lat, r.Lon), r.SOG, course(r.COG), sum, m.off)),
	}
	o.RuledOut = []string{"a damaged sentence: the checksums are right",
		fmt.Sprintf("a speed sensor that never agreed: %d reports before agreed", m.agreed),
		"a turn, rounding or GNSS noise: what they can do is taken off"}
	o.Unknown = []string{"which is wrong, the position or the speed", "a position that is led away together with its speed and course can't be seen from AIS"}
	o.Next = []string{"Compare with radar.", "Ask the vessel for the position of its second receiver."}
	o.Place = &finding.Place{Lat: r.Lat, Lon: r.Lon}
	w.emit(o)
}

func course(cog float32) string {
	if cog != cog {
		return "not told"
	}
	return fmt.Sprintf("%.0f°", cog)
}

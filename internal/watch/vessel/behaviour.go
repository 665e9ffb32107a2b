package vessel

import (
	"fmt"
	"math"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// driftState is where a drift began.
type driftState struct {
	since    int64 // 0: it does not drift
	lat, lon float64
	n, off   uint16 // reports since, and those of them that do not look like it
}

// stopState is a sudden stop that is being watched.
type stopState struct {
	fast    int64 // last time that it was fast, 0 never
	sog     float32
	since   int64 // first slow report after it, 0: not stopped
	stopped bool  // the way from fast to slow was sudden
	lat     float64
	lon     float64
}

// large reports whether the rules of behaviour are about the vessel: small
// craft, and those of unknown size, drift and stop for their pleasure.
func (w *Watch) large(s *ship) bool { return s.length >= w.lim.LengthLeast }

// judgeDrift looks for a ship that goes sideways: 0.4 to 5 kn, course at least
// 45° from its heading, over 500 m and 10 min. The slow end matters: a ship
// without engine in light wind makes half a knot for hours; the way that it must
// have gone excludes a swing at anchor. One report in ten may look otherwise.
func (w *Watch) judgeDrift(s *ship, h *hull, r *event.VesselReport, at int64) {
	d := &h.drift
	if !w.large(s) || r.SOG != r.SOG || r.COG != r.COG || r.Heading != r.Heading {
		if d.since != 0 && at-d.since > int64(w.lim.DriftTime) {
			*d = driftState{}
		}
		return
	}
	sog := float64(r.SOG)
	angle := math.Abs(math.Mod(float64(r.COG)-float64(r.Heading)+540, 360) - 180)
	if sog < w.lim.DriftSlow || sog > w.lim.DriftFast || angle < w.lim.DriftAngle {
		if d.off++; d.since == 0 || int(d.off)*10 > int(d.n)+10 {
			*d = driftState{}
		}
		return
	}
	if d.since == 0 {
		*d = driftState{since: at, lat: r.Lat, lon: r.Lon}
	}
	d.n = min(d.n+1, 60000)
	way := distance(d.lat, d.lon, r.Lat, r.Lon)
	if at-d.since < int64(w.lim.DriftTime) || way < w.lim.DriftWay || d.n < 10 || w.clock.bulk() {
		return // of a feed in bulk it is not known how long anything took
	}
	o, tell := w.hold(s, drifting, finding.Likely, at)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("%s is drifting: %.1f kn, %.0f° across its heading", s.title(), sog, angle)
	o.Summary = fmt.Sprintf("For %.0f minutes and %.0f m it has moved at %.1f to %.0f kn across its own heading. It may be without engine or steering, or drag its anchor.",
		seconds(at-d.since)/60, way, w.lim.DriftSlow, w.lim.DriftFast)
	o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("MMSI %s at %s, %.1f kn over ground, course %.0f°, heading %.0f°; %d reports like this since %s.",
		digits(s.mmsi), place(r.Lat, r.Lon), sog, r.COG, r.Heading, d.n, place(d.lat, d.lon)))}
	o.RuledOut = []string{"a swing at anchor or a manoeuvre at the berth: it went further than that", "a small craft: it is 50 m long or more",
		"noise of the course at low speed: its positions show the way"}
	o.Unknown = []string{"whether it is meant: a ship that waits may drift by choice", "whether the compass is right"}
	o.Next = []string{"Call the vessel.", "Look what lies in its way.", "Warn tugs."}
	o.Place = &finding.Place{Lat: r.Lat, Lon: r.Lon}
	w.emit(o)
}

// judgeStop looks for a large ship that stops within half a minute: none can but
// by touching something. A false position that stands still looks so, too.
func (w *Watch) judgeStop(s *ship, h *hull, r *event.VesselReport, at int64) {
	t := &h.stop
	if r.SOG != r.SOG || !w.large(s) {
		return
	}
	sog := float64(r.SOG)
	switch {
	case sog >= w.lim.StopFrom:
		*t = stopState{fast: at, sog: r.SOG}
		return
	case sog >= w.lim.StopTo:
		t.since, t.stopped = 0, false
		return
	case t.since == 0:
		t.since, t.lat, t.lon = at, r.Lat, r.Lon
		t.stopped = t.fast != 0 && at-t.fast <= int64(w.lim.StopWithin) && int(h.motion.agreed) >= w.lim.ContradictAgreed
		return
	}
	if !t.stopped || at-t.since < int64(w.lim.StopHeld) || s.area != nil {
		return
	}
	way := distance(t.lat, t.lon, r.Lat, r.Lon)
	if way > w.lim.StopTo*knot*seconds(at-t.since)+reckonNoise {
		t.stopped = false // it goes on: the speed is wrong, which is another rule's matter
		return
	}
	t.stopped = false
	o, tell := w.hold(s, suddenStop, finding.Likely, at)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("%s stopped from %.1f kn within half a minute", s.title(), t.sog)
	o.Summary = "A ship of 50 m or more cannot stop so quickly by itself. It may have touched ground or another ship; or its position is held by somebody."
	o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("MMSI %s at %s: %.1f kn until %s, below %.0f kn for %.0f s since.",
		digits(s.mmsi), place(r.Lat, r.Lon), t.sog, clockOf(t.fast), w.lim.StopTo, seconds(at-t.since)))}
	o.RuledOut = []string{"a speed sensor that failed: the positions stand still as well", "a single wrong report: it has been so for a minute", "a small craft: it is 50 m long or more"}
	o.Unknown = []string{"whether it is aground, in collision or falsely reported"}
	o.Next = []string{"Call the vessel.", "Look at the place by radar and camera."}
	o.Place = &finding.Place{Lat: r.Lat, Lon: r.Lon}
	w.emit(o)
}

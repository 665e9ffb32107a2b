package vessel

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Rules that this watch tells.
const (
	ruleMovement = "vessel.impossible-movement"
	ruleIdentity = "vessel.invalid-identity"
	ruleHulls    = "vessel.two-hulls"
	ruleDark     = "vessel.dark-target"
)

func digits(mmsi uint32) string { return fmt.Sprintf("%09d", mmsi) }

func (s *ship) subject() finding.Subject {
	return finding.Subject{Kind: "vessel", ID: "mmsi:" + strconv.FormatUint(uint64(s.mmsi), 10), Name: s.name}
}

// occurrence begins one about the ship.
func (s *ship) occurrence(rule string, g finding.Grade, at int64) finding.Occurrence {
	return finding.Occurrence{Rule: rule, Subject: s.subject(), Domains: []finding.Domain{finding.Sea}, Grade: g,
		Severity: severity(g), Time: time.Unix(0, at).UTC(), Exercise: s.exercise}
}

// severity rises with the certainty: a suspicion is advice, not an alarm.
func severity(g finding.Grade) finding.Severity {
	return [...]finding.Severity{finding.Suspected: finding.Advice, finding.Likely: finding.Warning, finding.Confirmed: finding.Alarm}[g]
}

func fact(h event.Head, text string) finding.Fact {
	h.Raw.Text = slices.Clone(h.Raw.Text) // the vessel's own copy changes with its next report
	return finding.Fact{Time: h.Time, Text: text, Domain: finding.Sea, Evidence: finding.EvidenceOf(h)}
}

func clockOf(at int64) string { return time.Unix(0, at).UTC().Format("15:04:05 UTC") }

func place(lat, lon float64) string {
	ns, ew := 'N', 'E'
	if lat < 0 {
		ns, lat = 'S', -lat
	}
	if lon < 0 {
		ew, lon = 'W', -lon
	}
	return fmt.Sprintf("%.4f° %c %.4f° %c", lat, ns, lon, ew)
}

func (w *Watch) tellJump(s *ship, from *hull, r *event.VesselReport, at int64, g finding.Grade) {
	d := distance(from.lat, from.lon, r.Lat, r.Lon)
	dt := seconds(at - from.at)
	o := s.occurrence(ruleMovement, g, at)
	speed := d / max(dt, 1) / knot
	o.Title = fmt.Sprintf("%s was reported %.1f nm away after %.0f s, which no vessel can do", s.title(), d/1852, dt)
	o.Summary = fmt.Sprintf("The way between two reports needs %.0f kn; %.0f kn is the most for this type of ship (type %d). Its position cannot be relied on.",
		speed, ceiling(s.shipType), s.shipType)
	o.Facts = []finding.Fact{
		fact(from.head, fmt.Sprintf("MMSI %s at %s.", digits(s.mmsi), place(from.lat, from.lon))),
		fact(r.Head, fmt.Sprintf("MMSI %s at %s, %.0f m away, %.0f s later by the reports' own UTC second.", digits(s.mmsi), place(r.Lat, r.Lon), d, dt)),
	}
	o.RuledOut = []string{"a damaged sentence: the checksums of both are right", "a copy that came late: no report of the last ten minutes says the same, and the place is not in the vessel's wake",
		"two receivers with different clocks: the limit holds for 20 s at least"}
	o.Unknown = w.doubts(s, at, g)
	o.Next = []string{"Compare with radar and camera at both places.", "Call the vessel on VHF and ask for its position.", "Look for other vessels in the area that jump."}
	o.Place = &finding.Place{Lat: r.Lat, Lon: r.Lon}
	w.present(s, &s.jump, g, at)
	s.jump.at = at
	w.emit(o)
}

func (w *Watch) doubts(s *ship, at int64, g finding.Grade) []string {
	var out []string
	if g == finding.Suspected {
		out = append(out, "whether it is seen at the new place again: one report may be a single wrong fix")
	}
	if n := w.together(s.mmsi, at); n > 0 {
		out = append(out, fmt.Sprintf("%d other vessels jumped within five minutes: GNSS trouble in the area, or a step of the receiver's clock", n))
	}
	return append(out, "who sent it: AIS is not signed")
}

// regradeJump tells that the vessel was seen at the new place again.
func (w *Watch) regradeJump(s *ship, at int64, g finding.Grade) {
	h := &s.hulls[s.cur]
	o := s.occurrence(ruleMovement, g, at)
	o.Title = fmt.Sprintf("%s is being reported where it cannot have come to", s.title())
	o.Summary = fmt.Sprintf("It jumped at %s and %d reports at the new place agree with each other. Its position cannot be relied on.",
		h.start.Time.Format("15:04:05 UTC"), h.sightings+1)
	o.Facts = []finding.Fact{fact(h.head, fmt.Sprintf("MMSI %s again at the new place, %s.", digits(s.mmsi), place(h.lat, h.lon)))}
	o.RuledOut = []string{"a damaged sentence: the checksums are right", "a single wrong fix: it was seen there again", "a late copy: no report of the last ten minutes says the same"}
	o.Unknown = w.doubts(s, at, g)
	o.Next = []string{"Compare with radar and camera at both places.", "Call the vessel on VHF and ask for its position.", "Warn traffic near the place that is in doubt."}
	o.Place = &finding.Place{Lat: h.lat, Lon: h.lon}
	was := s.jump.at
	w.present(s, &s.jump, g, at)
	s.jump.at = was
	w.emit(o)
}

func (w *Watch) tellHulls(s *ship, a, b *hull, r *event.VesselReport, d float64, at int64, g finding.Grade) {
	o := s.occurrence(ruleHulls, g, at)
	o.Title = fmt.Sprintf("Two vessels send as %s (MMSI %s), %.0f km apart", s.title(), digits(s.mmsi), d/1000)
	o.Summary = fmt.Sprintf("Reports went %d times between two tracks that each move as a ship does. One of them uses a number that is not its own, by mistake or on purpose.", s.switches)
	o.Facts = []finding.Fact{
		fact(a.head, fmt.Sprintf("MMSI %s at %s, %d reports on this track.", digits(s.mmsi), place(a.lat, a.lon), a.sightings)),
		fact(b.head, fmt.Sprintf("MMSI %s at %s, %d reports on this track.", digits(s.mmsi), place(b.lat, b.lon), b.sightings)),
	}
	o.RuledOut = []string{"a damaged sentence: the checksums are right", "one wrong fix: both tracks were seen again and again", "one ship that moved: the way between needs more than it can do"}
	o.Unknown = []string{"which of the two has the right to the number", "whether a transmitter was set up wrongly or somebody pretends"}
	o.Next = []string{"Compare name, call sign and dimensions of both with the register.", "Identify both by radar, camera or VHF.", "Tell the flag state's authority when the number is misused."}
	o.Place = &finding.Place{Lat: r.Lat, Lon: r.Lon}
	o.Links = []finding.Subject{{Kind: "vessel", ID: s.subject().ID + "/other-hull", Name: "at " + place(b.lat, b.lon)}}
	w.present(s, &s.shared, g, at)
	w.emit(o)
}

func (w *Watch) present(s *ship, c *condition, g finding.Grade, at int64) {
	if !c.present {
		*c = condition{present: true}
	}
	c.grade, c.at, c.told = max(c.grade, g), at, at
	w.mark(s)
}

// clear tells that a condition has ended; it does nothing where none is present.
func (w *Watch) clear(s *ship, c *condition, rule, why string) {
	if !c.present {
		return
	}
	grade := c.grade
	*c = condition{}
	w.mark(s)
	o := s.occurrence(rule, grade, max(w.asOf, s.last))
	o.Title, o.Summary, o.Cleared = s.title()+": the condition has ended", why, true
	w.emit(o)
}

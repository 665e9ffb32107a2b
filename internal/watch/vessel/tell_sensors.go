package vessel

import (
	"fmt"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// missed counts a sweep in which the sensor should have seen a vessel where AIS
// tells it, and did not. elsewhere: it saw another hull of the same number.
func (w *Watch) missed(s *sensor, c *candidate, elsewhere bool, seeing float64, at int64) {
	v := c.s
	k := s.watched[v.mmsi]
	if k == nil {
		k = &watched{}
		s.watched[v.mmsi] = k
	}
	if k.missed++; k.missed == 1 {
		k.since = at
	}
	if t := s.targets[k.track]; t != nil && t.mmsi == v.mmsi && at-t.at <= int64(10*time.Second) {
		return // its target goes on elsewhere: see strayed
	}
	if elsewhere || k.missed < w.lim.UnseenSweeps || at-k.since < int64(w.lim.UnseenTime) || seeing < w.lim.UnseenSeeing {
		return
	}
	w.tellUnseen(s, c, k, seeing, at)
}

// strayed looks whether the vessel that a target was is told elsewhere now; n is
// for how many sweeps it may have been.
func (w *Watch) strayed(s *sensor, t *target, n int, at int64) {
	v := w.ships[t.mmsi]
	if v == nil || t.paired < 3 || n < w.lim.SensorApart {
		return
	}
	h := &v.hulls[v.cur]
	c, ok := v.atMoment(v.cur, at)
	if age := seconds(at - h.at); !ok || age > 12 || t.alone > 0 && h.at <= int64(t.aloneFrom.sec)*1e9 {
		return // nothing was told since they came apart, or it is too old to compare: a small craft turns on the spot
	} else if h.sog == h.sog {
		c.loose += 2 * float64(h.sog) * knot * age
	}
	if d := distance(t.lat, t.lon, c.lat, c.lon); d > max(w.lim.SensorFar, 2*s.gate(t, &c)) {
		w.tellApart(s, t, &c, n, d, at)
	}
}

// tellApart: the target that was this vessel goes on, and AIS tells the vessel
// elsewhere, where the sensor sees nothing or can't look.
func (w *Watch) tellApart(s *sensor, t *target, c *candidate, n int, d float64, at int64) {
	v, g := c.s, finding.Likely
	switch {
	case t.pairSOG > 2 && t.sog < 1:
		g = finding.Suspected // a tracker may have let go of the vessel and hold on to a buoy
	case n >= w.lim.SensorSure:
		g = finding.Confirmed
	}
	there := "where " + s.declared.Name + " sees nothing"
	if !s.sees(c.lat, c.lon) {
		there = "which " + s.declared.Name + " can't see"
	}
	o, tell := w.hold(v, sensorDisagrees, g, at)
	if !tell {
		return
	}
	name := s.declared.Name
	o.Title = fmt.Sprintf("%s sees %s %s away from where AIS tells it", name, v.title(), metres(d))
	o.Summary = fmt.Sprintf("Target %s of %s was this vessel in %s. It goes on without a break at %s, while AIS tells the vessel at %s, %s. Believe the sensor.",
		t.track, name, sweeps(t.paired), place(t.lat, t.lon), place(c.lat, c.lon), there)
	o.Facts = []finding.Fact{
		fact(v.hulls[c.hull].head, fmt.Sprintf("AIS tells MMSI %s at %s.", digits(v.mmsi), place(v.hulls[c.hull].lat, v.hulls[c.hull].lon))),
		fact(t.head, fmt.Sprintf("%s sees target %s at %s.", name, t.track, place(t.lat, t.lon))),
	}
	o.RuledOut = []string{fmt.Sprintf("a single bad sweep: %d in a row", n), "two targets that were exchanged: no vessel with AIS is near the target, and no target near the vessel",
		"an error of place: the distance is more than twice what both may be off"}
	o.Unknown = []string{"who or what falsifies: the vessel's own receiver may be deceived, or somebody sends in its name"}
	o.Next = []string{"Tell the vessel on VHF that its AIS position is wrong.", "Warn traffic near both places.", "Look whether other vessels are told displaced the same way."}
	o.Place = &finding.Place{Lat: t.lat, Lon: t.lon}
	w.emit(o)
}

// tellUnseen: AIS tells a vessel where the sensor sees nothing, and never did.
func (w *Watch) tellUnseen(s *sensor, c *candidate, k *watched, seeing float64, at int64) {
	v, g := c.s, finding.Suspected
	if k.agreed == 0 && v.length >= 50 && at-k.since >= 3*int64(w.lim.UnseenTime) {
		g = finding.Likely
	}
	o, tell := w.hold(v, unseen, g, at)
	if !tell {
		return
	}
	name := s.declared.Name
	o.Title = fmt.Sprintf("%s sees nothing where AIS tells %s", name, v.title())
	o.Summary = fmt.Sprintf("AIS tells a vessel of %d m at %s, within the range of %s, which has seen nothing there in %d sweeps since %s. There may be no such vessel.",
		v.length, place(c.lat, c.lon), name, k.missed, clockOf(k.since))
	o.Facts = []finding.Fact{fact(v.hulls[c.hull].head, fmt.Sprintf("AIS tells MMSI %s at %s.", digits(v.mmsi), place(v.hulls[c.hull].lat, v.hulls[c.hull].lon)))}
	if k.agreed > 0 {
		o.Facts = append(o.Facts, fact(k.seen, fmt.Sprintf("%s saw it as target %s before.", name, k.track)))
	}
	o.RuledOut = []string{fmt.Sprintf("a sensor that is out of order: it sees %.0f %% of the vessels that it saw before", seeing*100), "a place that it can't see: within its range and in none of the declared shadows"}
	o.Unknown = []string{"whether something else hides it: another ship, heavy rain, a shadow that nobody declared", "whether the tracker was told to leave it out"}
	o.Next = []string{"Look at the raw radar picture and a camera at that place.", "Call the vessel on VHF.", "Declare a shadow in the port file where the sensor never sees."}
	o.Place = &finding.Place{Lat: c.lat, Lon: c.lon}
	w.emit(o)
}

// lonely counts a sweep in which no vessel with AIS is where a target is.
func (w *Watch) lonely(s *sensor, t *target, at int64) {
	if t.alone++; t.alone == 1 {
		t.start, t.aloneFrom = t.head, spot{sec: uint32(at / 1e9), lat: int32(t.lat * 1e7), lon: int32(t.lon * 1e7)}
	}
	lasted := time.Duration(at - int64(t.aloneFrom.sec)*1e9)
	if t.alone < w.lim.DarkSweeps || lasted < w.lim.DarkTime {
		return
	}
	fromLat, fromLon := float64(t.aloneFrom.lat)/1e7, float64(t.aloneFrom.lon)/1e7
	way := distance(fromLat, fromLon, t.lat, t.lon)
	if made := way / lasted.Seconds() / knot; way < w.lim.DarkWay || made < w.lim.DarkSpeed {
		return
	}
	g, was := finding.Suspected, w.ships[t.mmsi]
	silent := was != nil && t.paired >= 10 && float64(at-was.last)/1e9 > 2.5*was.interval(t.pairSOG)
	if lasted >= w.lim.DarkLikely || silent {
		g = finding.Likely
	}
	if was != nil && t.paired >= 10 && !silent {
		return // its AIS goes on elsewhere: vessel.sensor-disagrees tells that
	}
	if t.told.present && g <= t.told.grade && at-t.told.told < againHeld {
		return
	}
	t.told = condition{present: true, grade: max(g, t.told.grade), at: at, told: at}
	w.tellDark(s, t, was, silent, lasted, way, at)
}

func (w *Watch) tellDark(s *sensor, t *target, was *ship, silent bool, lasted time.Duration, way float64, at int64) {
	o := w.darkOf(s, t, at)
	name := s.declared.Name
	what := "Something"
	if t.class != "" {
		what = fmt.Sprintf("Something that it takes for %q", t.class)
	}
	o.Title = fmt.Sprintf("%s tracks a target without AIS, at %.0f kn", name, t.sog)
	o.Summary = fmt.Sprintf("%s has moved %s in %s at %s, and no vessel with AIS is there.", what, metres(way), lasted.Round(time.Second), place(t.lat, t.lon))
	if silent {
		o.Title = fmt.Sprintf("%s goes on without AIS", was.title())
		o.Summary = fmt.Sprintf("%s still tracks the vessel that was MMSI %s, at %s. Its AIS was heard last at %s. %s",
			name, digits(was.mmsi), place(t.lat, t.lon), clockOf(was.last), "A vessel that has to carry AIS may switch it off only for its safety (SOLAS V/19.2.4.7, IMO A.1106(29)).")
		o.Links = []finding.Subject{was.subject()}
	}
	o.Facts = []finding.Fact{
		fact(t.start, fmt.Sprintf("%s sees target %s, alone since here.", name, t.track)),
		fact(t.head, fmt.Sprintf("It is at %s now, after %d sweeps.", place(t.lat, t.lon), t.alone)),
	}
	o.RuledOut = []string{"a buoy, fishing gear or something at anchor: it moves", "an AIS feed that is silent: other vessels are heard", fmt.Sprintf("clutter of single sweeps: %d in a row", t.alone)}
	o.Unknown = []string{"whether it must carry AIS: craft under 300 GT and pleasure craft need not", "what it is: a tracker can hold on to rain, birds or a wake"}
	o.Next = []string{"Look at it by camera.", "Ask patrol or pilot craft near it.", "Watch where it goes: berths, anchorages, other vessels."}
	o.Place = &finding.Place{Lat: t.lat, Lon: t.lon}
	w.emit(o)
}

// darkOf begins an occurrence about a target.
func (w *Watch) darkOf(s *sensor, t *target, at int64) finding.Occurrence {
	return finding.Occurrence{Rule: ruleDark, Subject: finding.Subject{Kind: "contact", ID: s.declared.ID + ":" + t.track, Name: fmt.Sprintf("target %s of %s", t.track, s.declared.Name)},
		Domains: []finding.Domain{finding.Sea}, Grade: t.told.grade, Severity: severity(t.told.grade), Time: time.Unix(0, at).UTC(), Exercise: t.exercise}
}

// lighten ends what was told of a target.
func (w *Watch) lighten(s *sensor, t *target, at int64, why string) {
	if !t.told.present {
		return
	}
	o := w.darkOf(s, t, max(at, t.told.told))
	o.Title, o.Summary, o.Cleared = o.Subject.Name+": the condition has ended", why, true
	t.told = condition{}
	w.emit(o)
}

// metres is a distance for people.
func metres(d float64) string {
	if d < 1852 {
		return fmt.Sprintf("%.0f m", d)
	}
	return fmt.Sprintf("%.1f nm", d/1852)
}

func sweeps(n int) string {
	if n >= 1000 {
		return "a thousand sweeps and more"
	}
	return fmt.Sprintf("%d sweeps", n)
}

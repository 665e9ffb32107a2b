package vessel

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// judgeKind applies the rules of stations that are no ships, and of messages
// that are no positions.
func (w *Watch) judgeKind(s *ship, r *event.VesselReport, at int64) {
	switch r.Type {
	case 4:
		w.judgeBase(s, r, at)
	case 12, 14:
		w.judgeSafety(s, r, at)
	case 21:
		w.judgeAid(s, r, at)
	}
	switch s.station {
	case ais.SART, ais.ManOverboard, ais.EPIRB:
		w.judgeBeacon(s, r, at)
	}
}

// judgeSafety looks at who sends safety related texts (types 12 and 14), and
// how many.
func (w *Watch) judgeSafety(s *ship, r *event.VesselReport, at int64) {
	if s.station == ais.SART || s.station == ais.ManOverboard || s.station == ais.EPIRB {
		return // the rule of beacons
	}
	s.safety[s.nsafety%len(s.safety)] = at
	s.nsafety++
	n := 0
	for _, t := range s.safety[:min(s.nsafety, len(s.safety))] {
		if seconds(at-t) <= w.lim.SafetyTime.Seconds() {
			n++
		}
	}
	stranger := s.station == ais.Invalid || s.station == ais.AidToNavigate
	if n < min(w.lim.SafetyRate, len(s.safety)) && (!stranger || n < 2) {
		return
	}
	o, tell := w.hold(s, safetyMessages, finding.Suspected, at)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("%s has sent %d safety messages in ten minutes", s.title(), n)
	o.Summary = "Safety related texts are shown on every bridge in range. So many, or from a sender whose part it is not, may be meant to mislead or to distract."
	text := ""
	if r.Text != "" {
		text = fmt.Sprintf(" Text: %q.", r.Text)
	}
	o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("Message type %d of MMSI %s, by its number a station of kind %q.%s", r.Type, digits(s.mmsi), s.kind(), text))}
	o.RuledOut = []string{"copies through several receivers: they count once", "a damaged sentence: the checksum is right"}
	o.Unknown = []string{"whether the coast station or the vessel means it"}
	o.Next = []string{"Read the text and compare it with the notices in force.", "Ask the sender by VHF."}
	w.emit(o)
}

// Navigational status of transmitters for search and rescue (M.1371-5 table 48).
const (
	beaconActive = 14
	beaconTest   = 15 // "not defined", as they send it under test
)

// judgeBeacon tells of a distress beacon at once: somebody may be in the water.
// That it may be false is said in the finding, and delays nothing.
func (w *Watch) judgeBeacon(s *ship, r *event.VesselReport, at int64) {
	test := strings.Contains(strings.ToUpper(r.Text), "TEST") || r.Type == 1 && r.Status == beaconTest || r.Type == 14 && s.status == beaconTest
	active := r.Type == 1 && r.Status == beaconActive || r.Type == 14 && strings.Contains(strings.ToUpper(r.Text), "ACTIVE")
	if r.Type != 1 && r.Type != 14 {
		return
	}
	g := finding.Suspected
	if active && s.reports >= 2 {
		g = finding.Likely
	}
	o, tell := w.hold(s, beacon, g, at)
	if !tell {
		return
	}
	kind := map[ais.Station]string{ais.SART: "search and rescue transmitter", ais.ManOverboard: "man overboard beacon", ais.EPIRB: "emergency beacon"}[s.station]
	o.Severity = finding.Alarm
	o.Title = fmt.Sprintf("A %s transmits (MMSI %s): treat it as real", kind, digits(s.mmsi))
	if test && !active {
		o.Grade, o.Severity = finding.Suspected, finding.Advice
		o.Title = fmt.Sprintf("A %s is under test (MMSI %s)", kind, digits(s.mmsi))
	}
	o.Summary = "The number is one of distress beacons. Rescue comes first; whether it is false is for later."
	o.Facts = []finding.Fact{fact(r.Head, beaconWords(s, r))}
	w.beaconNear(s, r, at, &o)
	o.RuledOut = append(o.RuledOut, "a damaged sentence: the checksum is right")
	if active {
		o.RuledOut = append(o.RuledOut, "a test: it tells to be active")
	}
	o.Next = []string{"Tell the rescue coordination centre.", "Call all vessels near the place.", "Compare with radar, camera and the distress frequencies."}
	w.emit(o)
}

func beaconWords(s *ship, r *event.VesselReport) string {
	out := fmt.Sprintf("Message type %d of MMSI %s", r.Type, digits(s.mmsi))
	if !math.IsNaN(r.Lat) {
		out += " at " + place(r.Lat, r.Lon)
	}
	if r.Status >= 0 {
		out += fmt.Sprintf(", navigational status %d", r.Status)
	}
	if r.Text != "" {
		out += fmt.Sprintf(", text %q", r.Text)
	}
	return out + "."
}

// beaconNear says whether a vessel was near: a beacon comes from one.
func (w *Watch) beaconNear(s *ship, r *event.VesselReport, at int64, o *finding.Occurrence) {
	if math.IsNaN(r.Lat) || math.IsNaN(r.Lon) {
		o.Unknown = append(o.Unknown, "where it is: it tells no position")
		return
	}
	o.Place = &finding.Place{Lat: r.Lat, Lon: r.Lon}
	var near []uint32
	for mmsi, v := range w.ships {
		if v == s || len(v.hulls) == 0 || !v.movable() {
			continue
		}
		if h := &v.hulls[v.cur]; seconds(at-h.at) < 7200 && distance(h.lat, h.lon, r.Lat, r.Lon) < w.lim.BeaconNear {
			near = append(near, mmsi)
		}
	}
	if len(near) == 0 {
		o.Unknown = append(o.Unknown, "which vessel it comes from: none was heard within 5 nautical miles in two hours, so it may also be false")
		return
	}
	slices.Sort(near)
	o.Facts[0].Text += fmt.Sprintf(" %d vessels were heard within 5 nautical miles in two hours.", len(near))
	for _, mmsi := range near[:min(len(near), 10)] {
		o.Links = append(o.Links, w.ships[mmsi].subject())
	}
}

package vessel

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// Picture is what is heard now, ordered by MMSI and hull. Pictures share what
// did not change between them, so whoever gets one must not write into it.
func (w *Watch) Picture() Picture {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.drawn == nil {
		w.drawn = w.draw()
	}
	p := Picture{Tracks: w.drawn, Reach: w.known.learned(w.lim.RangeReports)}
	if w.asOf != 0 {
		p.AsOf = time.Unix(0, w.asOf).UTC()
	}
	return p
}

// draw lists the tracks. Ships are sorted by reference, because tracks are
// large; the hulls of a ship come in their order.
func (w *Watch) draw() []Track {
	ships := make([]*ship, 0, len(w.ships))
	for _, s := range w.ships {
		ships = append(ships, s)
	}
	slices.SortFunc(ships, func(a, b *ship) int { return cmp.Compare(a.mmsi, b.mmsi) })
	out := make([]Track, 0, len(ships))
	for _, s := range ships {
		out = s.tracks(out)
	}
	return out
}

// tracks appends one track for each hull: the newest first, and others only
// where two hulls are told; a single wrong fix is not a vessel.
func (s *ship) tracks(out []Track) []Track {
	t := Track{MMSI: s.mmsi, Name: s.name, CallSign: s.callSign, IMO: s.imo, ShipType: s.shipType, Destination: s.dest,
		Length: s.length, Beam: s.beam, Draught: s.draught, Heading: s.heading, Status: s.status, Kind: s.kind(), ClassB: s.classB,
		Fix:   Fix{Lat: math.NaN(), Lon: math.NaN(), SOG: float32(math.NaN()), COG: float32(math.NaN())},
		First: time.Unix(0, s.first).UTC(), LastHeard: time.Unix(0, s.last).UTC(), Reports: s.reports, Source: s.source, Exercise: s.exercise}
	if s.jump.present {
		t.Findings = append(t.Findings, finding.Occurrence{Rule: ruleMovement, Subject: s.subject(), Exercise: s.exercise}.FindingID())
	}
	if s.shared.present {
		t.Findings = append(t.Findings, finding.Occurrence{Rule: ruleHulls, Subject: s.subject(), Exercise: s.exercise}.FindingID())
	}
	for i := range s.held {
		t.Findings = append(t.Findings, finding.Occurrence{Rule: rules[s.held[i].rule].id, Subject: s.subject(), Exercise: s.exercise}.FindingID())
	}
	if s.area != nil {
		t.Findings = append(t.Findings, s.area.occurrence().FindingID())
	}
	t.Said = s.who.said()
	if len(s.hulls) == 0 {
		return append(out, t)
	}
	for i := range s.hulls {
		h := &s.hulls[i]
		if i != s.cur && (!s.shared.present || h.sightings < 2) {
			continue
		}
		t.Hull = i
		if !s.shared.present {
			t.Hull = 0
		}
		t.Fix = Fix{Time: time.Unix(0, h.at).UTC(), Lat: h.lat, Lon: h.lon, SOG: h.sog, COG: h.cog}
		t.Past = h.fixes()
		t.Newest = Sentence{Text: string(h.head.Raw.Text), Where: h.head.Raw.Where()}
		out = append(out, t)
	}
	return out
}

// kind names the station in the words of the picture.
func (s *ship) kind() string { return s.station.String() }

// fixes is the thinned track, made anew only where it has grown: most reports
// move a ship less than what is kept.
func (h *hull) fixes() []Fix {
	if h.shown != nil {
		return h.shown
	}
	out := make([]Fix, len(h.past))
	for i, p := range h.past {
		out[i] = Fix{Time: time.Unix(int64(p.sec), 0).UTC(), Lat: float64(p.lat) / 1e7, Lon: float64(p.lon) / 1e7, SOG: p.sog, COG: p.cog}
	}
	h.shown = out
	return out
}

package vessel

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// Picture is what is heard now, ordered by MMSI and hull.
func (w *Watch) Picture() Picture {
	w.mu.RLock()
	defer w.mu.RUnlock()
	p := Picture{Tracks: make([]Track, 0, len(w.ships))}
	if w.asOf != 0 {
		p.AsOf = time.Unix(0, w.asOf).UTC()
	}
	for _, s := range w.ships {
		p.Tracks = s.tracks(p.Tracks)
	}
	slices.SortFunc(p.Tracks, func(a, b Track) int {
		return cmp.Or(cmp.Compare(a.MMSI, b.MMSI), cmp.Compare(a.Hull, b.Hull))
	})
	return p
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
		out = append(out, t)
	}
	return out
}

// kind names the station in the words of the picture.
func (s *ship) kind() string { return s.station.String() }

func (h *hull) fixes() []Fix {
	out := make([]Fix, len(h.past))
	for i, p := range h.past {
		out[i] = Fix{Time: time.Unix(int64(p.sec), 0).UTC(), Lat: float64(p.lat) / 1e7, Lon: float64(p.lon) / 1e7, SOG: p.sog, COG: p.cog}
	}
	return out
}

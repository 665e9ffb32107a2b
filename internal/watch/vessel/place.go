package vessel

import (
	"fmt"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// ashore is what was last found of a vessel's place, so that a vessel that lies
// still is judged once.
type ashore struct {
	lat, lon float64 // of the newest judgement
	land     int     // judgements in a row that found it on land
	far      int     // and out of range
}

// judgePlace looks whether a position is on land, and whether it could be heard
// from there at all.
func (w *Watch) judgePlace(s *ship, r *event.VesselReport, at int64) {
	k := &w.known
	if !k.placed {
		return
	}
	if k.bounds.holds(r.Lat, r.Lon) {
		w.judgeLand(s, r, at)
	} else {
		s.ashore.land = 0
	}
	w.judgeRange(s, r, at)
}

func (w *Watch) judgeLand(s *ship, r *event.VesselReport, at int64) {
	a := &s.ashore
	if a.land == 0 && a.lat != 0 && near(a.lat, a.lon, r.Lat, r.Lon) && distance(a.lat, a.lon, r.Lat, r.Lon) < 50 {
		return
	}
	a.lat, a.lon = r.Lat, r.Lon
	deep, name := 0.0, ""
	for i := range w.known.land {
		if d := w.known.land[i].inside(r.Lat, r.Lon); d > deep {
			deep, name = d, w.known.land[i].name
		}
	}
	if deep < w.lim.LandInside {
		a.land = 0
		return
	}
	a.land++
	g := finding.Suspected
	if a.land >= 2 {
		g = finding.Likely
	}
	if s.area != nil {
		return
	}
	o, tell := w.hold(s, onLand, g, at)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("%s is reported on land, %.0f m from the shore", s.title(), deep)
	o.Summary = fmt.Sprintf("Its position lies within %s of the port file. Its AIS position cannot be relied on.", name)
	o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("MMSI %s at %s, %.0f m inside %s.", digits(s.mmsi), place(r.Lat, r.Lon), deep, name))}
	o.RuledOut = []string{fmt.Sprintf("the error of GNSS and of the chart: it is more than %.0f m from the shore", w.lim.LandInside), "a damaged sentence: the checksum is right"}
	o.Unknown = []string{"whether a transmitter ashore sends under this number, as on a trailer or in a workshop"}
	o.Next = []string{"Look for the vessel by radar and camera.", "Ask the vessel for its position."}
	o.Place = &finding.Place{Lat: r.Lat, Lon: r.Lon}
	w.emit(o)
}

// judgeRange learns how far the port hears in each direction, and doubts what is
// twice as far. It stays a suspicion: VHF is ducted over hundreds of miles on
// some days, and one station can't tell.
func (w *Watch) judgeRange(s *ship, r *event.VesselReport, at int64) {
	k := &w.known
	d := distance(k.centre.Lat(), k.centre.Lon(), r.Lat, r.Lon)
	reach := &k.reach[int(bearing(k.centre.Lat(), k.centre.Lon(), r.Lat, r.Lon)/10)%len(k.reach)]
	limit := max(w.lim.RangeFactor*float64(*reach), w.lim.RangeLeast)
	if k.heard < w.lim.RangeReports || d <= limit {
		k.heard++
		*reach = max(*reach, float32(min(d, 4*w.lim.RangeLeast)))
		s.ashore.far = 0
		return
	}
	if s.ashore.far++; s.ashore.far < 2 || s.area != nil {
		return
	}
	o, tell := w.hold(s, outOfRange, finding.Suspected, at)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("%s is reported %.0f nm away, farther than the port hears", s.title(), d/1852)
	o.Summary = fmt.Sprintf("In that direction nothing was heard beyond %.0f nm so far. The position may be false, or VHF carries far today.", float64(*reach)/1852)
	o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("MMSI %s at %s.", digits(s.mmsi), place(r.Lat, r.Lon)))}
	o.RuledOut = []string{fmt.Sprintf("a range not yet learned: %d reports before", k.heard), "a single wrong fix: it was reported there twice"}
	o.Unknown = []string{"whether VHF is ducted today: then others are heard from far, too"}
	o.Next = []string{"Look whether others are heard from that direction.", "Ask a station nearer to the place."}
	o.Place = &finding.Place{Lat: r.Lat, Lon: r.Lon}
	w.emit(o)
}

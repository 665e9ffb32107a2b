package vessel

import (
	"fmt"

	"github.com/quaywatch/quaywatch/internal/coast"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// ashore is what was last found of a vessel's place, so that a vessel that lies
// still is judged once.
type ashore struct {
	lat, lon float64 // of the newest judgement
	land     int     // judgements in a row that found it on land
	far      int     // and out of range
	cell     cellKey // last looked up in the coast
	inland   int     // cells in a row that are far inland where no vessel goes
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
		w.judgeCoast(s, r, at)
	}
	w.judgeRange(s, r, at)
}

// judgeCoast looks beyond the port's own polygons, with a coarse coast for
// which rivers are land. So it asks for a place far inland, and only when the
// watch has listened long enough to know where vessels go; it stays a suspicion.
func (w *Watch) judgeCoast(s *ship, r *event.VesselReport, at int64) {
	a, key := &s.ashore, cellOf(r.Lat, r.Lon)
	if at-w.since < int64(w.lim.CoastLearned) || key == a.cell {
		return
	}
	a.cell = key
	if w.visited(key) > w.lim.CoastVisits || !coast.Land(r.Lat, r.Lon) {
		a.inland = 0
		return
	}
	deep := coast.Shore(r.Lat, r.Lon)
	if deep < w.lim.CoastInside {
		a.inland = 0
		return
	}
	if a.inland++; a.inland < 2 || s.area != nil {
		return
	}
	o, tell := w.hold(s, onLand, finding.Suspected, at)
	if !tell {
		return
	}
	far := fmt.Sprintf("%.0f km", deep/1000)
	if deep >= coast.MaxShore {
		far = fmt.Sprintf("more than %d km", coast.MaxShore/1000)
	}
	o.Title = fmt.Sprintf("%s is reported inland, %s from the shore", s.title(), far)
	o.Summary = "No vessel was heard near there before. Its AIS position may be false, or it is on a river or on a trailer."
	o.Facts = []finding.Fact{fact(r.Head, fmt.Sprintf("MMSI %s at %s, %s from the coast of Natural Earth (1:10 million).", digits(s.mmsi), place(r.Lat, r.Lon), far))}
	o.RuledOut = []string{fmt.Sprintf("the error of the coarse coast: it is more than %.0f km from the shore", w.lim.CoastInside/1000),
		"a water way that vessels of this port use: none was heard near there", "a damaged sentence: the checksum is right"}
	o.Unknown = []string{"whether a river or canal goes there: the embedded coast has none"}
	o.Next = []string{"Look at a chart whether there is water.", "Draw the port's own land and waters in the port file where vessels go."}
	o.Place = &finding.Place{Lat: r.Lat, Lon: r.Lon}
	w.emit(o)
}

// visited is how often vessels came into a cell or those beside it.
func (w *Watch) visited(k cellKey) (n int) {
	for y := k.lat - 1; y <= k.lat+1; y++ {
		for x := k.lon - 1; x <= k.lon+1; x++ {
			if c := w.cells[cellKey{y, x}]; c != nil {
				n += int(c.visits)
			}
		}
	}
	return n
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

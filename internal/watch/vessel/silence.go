package vessel

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// cellDegrees is the size of a cell of learned reception, about 2 km of latitude.
const cellDegrees = 0.02

// maxCells bounds the learned reception: 64 bytes and a key each. What is over
// is not learned, and silence is not judged there.
const maxCells = 1 << 17

// sweepEvery is how often silence is looked for, ns of event time.
const sweepEvery = int64(30 * time.Second)

// cellKey is a cell in steps of cellDegrees.
type cellKey struct{ lat, lon int32 }

func cellOf(lat, lon float64) cellKey {
	return cellKey{int32(math.Floor(lat / cellDegrees)), int32(math.Floor(lon / cellDegrees))}
}

// cell is how well vessels are heard in a place.
type cell struct {
	expected float32 // reports that should have come
	heard    float32 // that came
	visits   uint16  // vessels that came in
	ended    uint16  // vessels that were not heard any more from here on
}

func (c *cell) good(share float64) bool {
	return c != nil && c.expected >= 20 && float64(c.heard) >= share*float64(c.expected)
}

// pace is how steadily a vessel is heard.
type pace struct {
	last    int64 // of the newest position, by the line
	rx      *stationClock
	cell    cellKey
	longest float32 // of the recent gaps, seconds; forgets slowly
	share   float32 // of the expected reports that came, recently
	n       uint16
	ended   bool // the present silence was counted in its cell
}

// interval is how often the station should report its position, seconds
// (M.1371-5 annex 1, tables 1 and 2). The faster rates in turns are left out:
// they would only make the vessel look better heard.
func (s *ship) interval(sog float32) float64 {
	switch {
	case s.station == ais.Coast:
		return 10
	case s.station == ais.AidToNavigate:
		return 180
	case s.classB && sog <= 2, !s.classB && sog <= 3 && s.resting():
		return 180
	case s.classB:
		return 30
	case sog > 23:
		return 2
	case sog > 14:
		return 6
	}
	return 10
}

// resting: at anchor, moored or aground (M.1371-5 table 48).
func (s *ship) resting() bool { return s.status == 1 || s.status == 5 || s.status == 6 }

// paced takes a position into the account of how well the vessel, and its place,
// are heard.
func (w *Watch) paced(s *ship, r *event.VesselReport) {
	now := r.Time.UnixNano()
	w.newest = max(w.newest, now)
	p := &s.pace
	w.clock.last = max(w.clock.last, now)
	if w.clock.since == 0 && r.Told {
		w.clock.since = now
	}
	if s.holding(silent) != nil {
		w.drop(s, silent, "It is heard again.")
	}
	sog := r.SOG
	if sog != sog {
		sog = 0
	}
	key := cellOf(r.Lat, r.Lon)
	c := w.cell(key)
	if c != nil && (p.n == 0 || key != p.cell) && c.visits < math.MaxUint16 {
		c.visits++
	}
	if gap := seconds(now - p.last); p.n > 0 && now > p.last {
		due := max(gap/s.interval(sog), 1)
		p.share += (float32(1/due) - p.share) / 10
		p.longest = max(p.longest*0.99, float32(gap))
		if c != nil && gap < 1800 {
			if c.expected > 5000 {
				c.expected, c.heard = c.expected/2, c.heard/2
			}
			c.expected += float32(min(due, 30))
			c.heard++
		}
	}
	p.last, p.cell, p.rx, p.ended = max(p.last, now), key, w.clock, false
	p.n = min(p.n+1, math.MaxUint16-1)
}

func (w *Watch) cell(k cellKey) *cell {
	c := w.cells[k]
	if c == nil && len(w.cells) < maxCells {
		c = &cell{}
		w.cells[k] = c
	}
	return c
}

// patience is for how long the vessel may be silent, seconds.
func (w *Watch) patience(s *ship) float64 {
	least := w.lim.SilentLeast
	if h := &s.hulls[s.cur]; s.resting() || h.sog != h.sog || h.sog <= 3 {
		least = w.lim.SilentMoored
	}
	return max(least.Seconds(), w.lim.SilentFactor*float64(s.pace.longest))
}

// judgeSilence looks for vessels that should have been heard. The time is that
// of the input: where nothing comes at all, nobody is silent.
func (w *Watch) judgeSilence(now int64) {
	now = min(now, w.newest)
	if now-w.hushed < sweepEvery {
		return
	}
	w.hushed = now
	var quiet []*ship
	for _, s := range w.ships {
		p := &s.pace
		if p.n == 0 || p.ended || len(s.hulls) == 0 || !s.movable() {
			continue
		}
		if seconds(now-s.last) > w.patience(s) && now > s.last {
			quiet = append(quiet, s)
		}
	}
	if len(quiet) == 0 {
		return
	}
	slices.SortFunc(quiet, func(a, b *ship) int { return int(int64(a.mmsi) - int64(b.mmsi)) })
	var near neighbours
	for _, s := range quiet {
		if w.covered(s, now) {
			if near == nil {
				near = w.neighbours(now)
			}
			w.tellSilence(s, near, now)
		}
	}
	for _, s := range quiet { // after all were judged: they are no gates for each other
		s.pace.ended = true
		if c := w.cells[s.pace.cell]; c != nil && c.ended < math.MaxUint16 {
			c.ended++
		}
	}
}

// covered reports whether the vessel was heard well, and is where vessels are
// heard well, and comes to no place where they are not.
func (w *Watch) covered(s *ship, now int64) bool {
	p := &s.pace
	if int(p.n) < w.lim.SilentReports || float64(p.share) < w.lim.SilentHeard || p.rx.bulk() || now-p.rx.last > 2*sweepEvery {
		return false
	}
	h := &s.hulls[s.cur]
	e, n := velocity(h.sog, h.cog)
	if !usable(h.sog, h.cog) {
		e, n = 0, 0
	}
	const step = 60.0
	for t := 0.0; t <= seconds(now-s.last)+step && t <= 3600; t += step {
		lat := h.lat + n*t/earthRadius/degree
		lon := h.lon + e*t/earthRadius/degree/math.Cos(h.lat*degree)
		c := w.cells[cellOf(lat, lon)]
		if !c.good(w.lim.SilentHeard) || c.visits >= 3 && float64(c.ended) > w.lim.ExitShare*float64(c.visits) {
			return false
		}
	}
	return true
}

// neighbours are the vessels by cell of 0.1°, a coarser grid than that of reception.
type neighbours map[cellKey][]*ship

const coarse = 5 // cells

func coarseOf(k cellKey) cellKey {
	return cellKey{int32(math.Floor(float64(k.lat) / coarse)), int32(math.Floor(float64(k.lon) / coarse))}
}

// neighbours sorts the vessels that were heard in the last hour by where they were.
func (w *Watch) neighbours(now int64) neighbours {
	out := neighbours{}
	for _, s := range w.ships {
		if s.pace.n > 0 && now-s.last < int64(time.Hour) {
			k := coarseOf(s.pace.cell)
			out[k] = append(out[k], s)
		}
	}
	return out
}

// tellSilence tells of a vessel that fell silent while its neighbours are heard
// on. Where many fall silent together it is the reception. It is a suspicion but
// for a large ship under way in a fairway, which must be heard: in three days on
// a river, seven vessels under way were switched off in the best of reception,
// and nobody meant harm.
func (w *Watch) tellSilence(s *ship, near neighbours, now int64) {
	others, hushed := 0, 0
	k := coarseOf(s.pace.cell)
	half := s.last + (now-s.last)/2
	for dy := int32(-1); dy <= 1; dy++ {
		for dx := int32(-1); dx <= 1; dx++ {
			for _, o := range near[cellKey{k.lat + dy, k.lon + dx}] {
				switch {
				case o == s:
				case o.last > half:
					others++
				case seconds(s.last-o.last) < 600 && int(o.pace.n) >= w.lim.SilentReports && seconds(now-o.last) > w.patience(o):
					hushed++
				}
			}
		}
	}
	if others < w.lim.SilentOthers || 3*hushed > others {
		return
	}
	h := &s.hulls[s.cur]
	g := finding.Suspected
	if h.sog > 3 && !s.resting() && s.length >= w.lim.LengthLeast && w.known.channel(h.lat, h.lon) {
		g = finding.Likely
	}
	o, tell := w.hold(s, silent, g, now)
	if !tell {
		return
	}
	o.Title = fmt.Sprintf("%s has fallen silent where vessels are heard", s.title())
	o.Summary = fmt.Sprintf("A report is due every %.0f s; none has come for %.0f minutes. %d others near it were heard meanwhile. Its transmitter has failed, was switched off, or is kept from being heard.",
		s.interval(h.sog), seconds(now-s.last)/60, others)
	o.Facts = []finding.Fact{fact(h.head, fmt.Sprintf("MMSI %s was last at %s, %.1f kn; %.0f %% of its reports were heard, with no gap over %.0f s.",
		digits(s.mmsi), place(h.lat, h.lon), h.sog, 100*s.pace.share, s.pace.longest))}
	o.RuledOut = []string{fmt.Sprintf("loss of the receiver: it hears %d others there", others), "a place with poor reception: over half of the reports are heard there and on its way",
		"a way out of range: vessels do not use to vanish there"}
	o.Unknown = []string{"whether it was switched off by right, as at the berth or for the safety of the crew"}
	o.Next = []string{"Look for it by radar.", "Call it by VHF."}
	o.Place = &finding.Place{Lat: h.lat, Lon: h.lon}
	w.emit(o)
}

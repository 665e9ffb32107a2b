// Package vessel watches the vessels: it keeps their tracks from AIS reports and
// tells where a track can't be true. It exists because AIS says whatever its
// sender likes. The composition root feeds it; it imports port, event, finding
// and the library ais. Rules, formulas and blind spots: docs/manual/vessels.md.
package vessel

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Options sets up a Watch. The zero value works.
type Options struct {
	MaxVessels int           // most vessels kept, 0: 100,000; those unheard the longest give way
	Forget     time.Duration // a vessel unheard for so long is forgotten, 0: 24 h
	Limits     *Limits       // thresholds of the rules, nil: DefaultLimits
}

// Watch keeps the tracks and applies the rules. Observe and Advance belong to
// one goroutine; Picture may be called from any.
type Watch struct {
	o    Options
	lim  Limits
	port *port.Port
	emit func(finding.Occurrence)

	mu    sync.Mutex
	ships map[uint32]*ship
	asOf  int64
	open  []uint32 // MMSI of ships with a present finding, sorted
	jumps [16]jumped
	njump int
	dead  []*ship // forgotten ones, to be used again
	swept int64
	drawn []Track // of the newest picture, nil where something has changed since

	clocks  map[stationKey]*stationClock
	clock   *stationClock // of the newest report
	clockOf stationKey

	upsets []upset // the newest, a ring
	nupset int
	areas  []*area // open ones
	cells  map[cellKey]*cell
	newest int64 // time of the newest position, by its line
	since  int64 // time of the first position; 0 none yet
	hushed int64 // when silence was last looked for
	known  register

	receivers  map[stationKey]*receiver
	receiver   *receiver // of the newest report
	receiverOf stationKey

	sensors map[string]*sensor
	waiting []event.Contact // in the order of their time: those that AIS has not come to
}

// jumped notes a vessel that jumped, to tell one ship's trouble from an area's.
type jumped struct {
	mmsi uint32
	at   int64
}

// New makes a watch; p may be nil. Findings go to emit, in the order of the
// observations.
func New(p *port.Port, o Options, emit func(finding.Occurrence)) *Watch {
	if o.MaxVessels <= 0 {
		o.MaxVessels = 100000
	}
	if o.Forget <= 0 {
		o.Forget = 24 * time.Hour
	}
	w := &Watch{o: o, lim: DefaultLimits(), port: p, emit: emit, ships: make(map[uint32]*ship), clocks: map[stationKey]*stationClock{}, receivers: map[stationKey]*receiver{},
		cells: map[cellKey]*cell{}}
	if o.Limits != nil {
		w.lim = *o.Limits
	}
	w.declare(p)
	return w
}

// Observe takes the vessel reports of a batch.
func (w *Watch) Observe(b *event.Batch) {
	if len(b.Vessels)+len(b.Contacts) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drawn = nil
	for i := range b.Vessels {
		w.report(&b.Vessels[i])
		w.looked(math.MinInt64 / 2)
	}
	for i := range b.Contacts {
		w.sense(&b.Contacts[i])
	}
}

// report takes one report.
func (w *Watch) report(r *event.VesselReport) {
	at := reportTime(r)
	w.asOf = max(w.asOf, r.Time.UnixNano())
	s := w.ship(r)
	copied := s.seenBefore(r, at)
	if w.receive(r, copied); copied {
		return
	}
	s.heard(r)
	if r.Static {
		w.judgeNames(s, r, at)
		w.judgeDimensions(s, r, at)
		s.identity(r)
	}
	w.judgeIdentity(s, r)
	w.judgeFix(s, r, at)
	if !math.IsNaN(r.Lat) && !math.IsNaN(r.Lon) {
		if w.since == 0 {
			w.since = at
		}
		lag := lagOf(r)
		w.learn(r, lag)
		w.position(s, r, at, lag)
		w.paced(s, r)
	}
	w.judgeKind(s, r, at)
}

// reportTime is when the position was taken: the time of the line, put to the
// nearest UTC second that the report itself names (M.1371-5 table 48). Nothing
// else tells how old a report is when it comes late.
func reportTime(r *event.VesselReport) int64 {
	t := r.Time.UnixNano()
	if r.Second < 0 || r.Second > 59 {
		return t
	}
	const minute = int64(time.Minute)
	sec := int64(r.Second) * int64(time.Second)
	own := t - t%minute + sec
	if own-t > minute/2 {
		own -= minute
	} else if t-own > minute/2 {
		own += minute
	}
	return own
}

// ship finds the state of an MMSI, or makes it.
func (w *Watch) ship(r *event.VesselReport) *ship {
	if s, ok := w.ships[r.MMSI]; ok {
		return s
	}
	if len(w.ships) >= w.o.MaxVessels {
		w.evict()
	}
	s := &ship{}
	if n := len(w.dead); n > 0 {
		s, w.dead = w.dead[n-1], w.dead[:n-1]
	}
	s.reset(r)
	w.ships[r.MMSI] = s
	return s
}

// evict forgets the tenth of the vessels that is unheard the longest.
func (w *Watch) evict() {
	ages := make([]int64, 0, len(w.ships))
	for _, s := range w.ships {
		ages = append(ages, s.last)
	}
	slices.Sort(ages)
	w.forget(ages[len(ages)/10])
}

// forget drops what was last heard at or before t. A finding of a forgotten
// vessel ends: nothing shows that it still holds.
func (w *Watch) forget(t int64) {
	w.drawn = nil
	for _, mmsi := range slices.Clone(w.open) {
		if s := w.ships[mmsi]; s.last <= t {
			w.clear(s, &s.jump, ruleMovement, "The vessel has not been heard any more.")
			w.clear(s, &s.shared, ruleHulls, "The vessel has not been heard any more.")
			for len(s.held) > 0 {
				w.drop(s, s.held[0].rule, "The vessel has not been heard any more.")
			}
		}
	}
	for mmsi, s := range w.ships {
		if s.last <= t {
			delete(w.ships, mmsi)
			w.dead = append(w.dead, s)
		}
	}
	w.dead = w.dead[:min(len(w.dead), 1024)]
}

// Advance tells that event time has come to now: conditions that ended are
// cleared and vessels long unheard are forgotten.
func (w *Watch) Advance(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := now.UnixNano()
	w.asOf = max(w.asOf, at)
	w.looked(at)
	if len(w.open)+len(w.areas) > 0 {
		w.drawn = nil
	}
	for _, mmsi := range slices.Clone(w.open) {
		w.settle(w.ships[mmsi], at)
		w.lapse(w.ships[mmsi], at)
	}
	w.endAreas(at)
	w.judgeSilence(at)
	if at-w.swept > int64(time.Minute) {
		w.swept = at
		w.forget(at - int64(w.o.Forget))
	}
}

// mark keeps the list of ships with present findings.
func (w *Watch) mark(s *ship) {
	i, have := slices.BinarySearch(w.open, s.mmsi)
	want := s.jump.present || s.shared.present || len(s.held) > 0
	switch {
	case want && !have:
		w.open = slices.Insert(w.open, i, s.mmsi)
	case !want && have:
		w.open = slices.Delete(w.open, i, i+1)
	}
}

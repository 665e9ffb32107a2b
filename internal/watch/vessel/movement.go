package vessel

import (
	"time"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Thresholds of the movement rules; docs/manual/vessels.md explains them.
const (
	slackMetres   = 500.0                 // antenna offsets, rounding, GNSS error
	leastSeconds  = 20.0                  // shorter times are stretched to this: clocks of receivers differ
	lateMetres    = 500.0                 // a report so near to the vessel's own wake is a late one
	hullForgotten = int64(24 * time.Hour) // a hull unheard for so long is gone
	farApart      = 50000.0               // metres
	atOnce        = int64(120 * time.Second)
	calmReports   = 10                      // consistent reports that end an impossible movement
	calmTime      = int64(30 * time.Minute) // or this long without another
	againAfter    = int64(time.Minute)      // a lasting condition is told again
	jumpsTogether = int64(5 * time.Minute)
	strayMost     = 900.0 // seconds; what a vessel did in longer gaps is not known
)

// ceiling is what a ship of that type can do over ground, in knots. The limits
// are generous on purpose: they tell the impossible from the possible, not the
// unusual from the usual.
func ceiling(shipType uint8) float64 {
	switch shipType / 10 {
	case 7, 8: // cargo, tankers
		return 45
	case 6: // passenger
		return 60
	}
	return 80 // high-speed craft, pilots, police, pleasure, unknown
}

// movable says which stations the rules are about. A number without a valid form
// is used by many ships at once (factory defaults): the identity rule tells
// that, and its jumps mean nothing.
func (s *ship) movable() bool {
	return s.station == ais.Ship || s.station == ais.Auxiliary || s.station == ais.Handheld
}

// position puts a fix on a track and judges the movement.
func (w *Watch) position(s *ship, r *event.VesselReport, at int64, lag int) {
	defer s.keepLag(lag)
	if len(s.hulls) == 0 {
		s.addHull(r, at, lag)
		return
	}
	h := &s.hulls[s.cur]
	if near(h.lat, h.lon, r.Lat, r.Lon) || !s.movable() || w.reaches(h, s, r, at, lag) && !w.nearer(s, r, at, lag) {
		w.calm(s, at)
		if at >= h.at { // a report out of order moves nothing
			w.stray(s, h, r, at, lag)
			w.follow(s, h, r, at, lag)
			h.take(r, at, lag)
			w.judgePath(s, h, r, at)
		}
		return
	}
	best := w.nearest(s, r, at, lag)
	switch {
	case best >= 0:
		from := s.hulls[s.cur].head
		s.cur = best
		s.switches++
		if h := &s.hulls[best]; at >= h.at {
			h.motion, h.drift, h.stop = motion{}, driftState{}, stopState{}
			h.take(r, at, lag)
		}
		w.judgeHulls(s, r, from, at)
	case s.inWake(r):
	default:
		w.leap(s, r, at, lag)
	}
}

// reaches reports whether the hull can have come to the fix:
// d ≤ limit·(max(|Δt|, 20 s) + slack) + 500 m, slack being the doubt in the times.
func (w *Watch) reaches(h *hull, s *ship, r *event.VesselReport, at int64, lag int) bool {
	d := distance(h.lat, h.lon, r.Lat, r.Lon)
	limit := ceiling(s.shipType) * knot
	dt := max(seconds(at-h.at), leastSeconds)
	return d <= limit*dt+slackMetres || d <= limit*(dt+w.slack(s, h.lag, lag))+slackMetres
}

// stray notes a fix that the vessel can have come to, but not by what it tells of
// its speed: d > 1.5·max(SOG)·(Δt + slack) + 500 m. Alone it means nothing and is
// not told; three vessels that stray alike are an area's trouble, also where
// each of them lies still and is heard each three minutes only.
func (w *Watch) stray(s *ship, h *hull, r *event.VesselReport, at int64, lag int) {
	dt := seconds(at - h.at)
	if dt > strayMost || s.shared.present || s.area != nil || !usable(h.sog, h.cog) || !usable(r.SOG, r.COG) || !s.movable() {
		return
	}
	speed := float64(max(h.sog, r.SOG)) * knot
	if distance(h.lat, h.lon, r.Lat, r.Lon) > 1.5*speed*(dt+w.slack(s, h.lag, lag))+slackMetres {
		w.disturb(s, displaced, h, r, at)
	}
}

func seconds(ns int64) float64 { return max(float64(ns), -float64(ns)) / 1e9 }

// nearest is the other hull, of those that can have come here, that was nearest; -1 none.
func (w *Watch) nearest(s *ship, r *event.VesselReport, at int64, lag int) int {
	best, least := -1, 0.0
	for i := range s.hulls {
		if h := &s.hulls[i]; i != s.cur && w.reaches(h, s, r, at, lag) {
			if d := distance(h.lat, h.lon, r.Lat, r.Lon); best < 0 || d < least {
				best, least = i, d
			}
		}
	}
	return best
}

// nearer reports whether, of several hulls under one number, another was far
// nearer to the fix than the present one: after a gap of hours each of them can
// have come anywhere, and the nearest is the likeliest.
func (w *Watch) nearer(s *ship, r *event.VesselReport, at int64, lag int) bool {
	if !s.shared.present || len(s.hulls) < 2 {
		return false
	}
	h := &s.hulls[s.cur]
	d := distance(h.lat, h.lon, r.Lat, r.Lon)
	if d < farApart/2 {
		return false
	}
	i := w.nearest(s, r, at, lag)
	return i >= 0 && distance(s.hulls[i].lat, s.hulls[i].lon, r.Lat, r.Lon) < d/2
}

// inWake reports whether the fix lies where the vessel was in the last minutes:
// then it is a report that came late without telling so, and no leap.
func (s *ship) inWake(r *event.VesselReport) bool {
	past := s.hulls[s.cur].past
	for i := len(past) - 1; i >= max(len(past)-20, 0); i-- {
		if distance(float64(past[i].lat)/1e7, float64(past[i].lon)/1e7, r.Lat, r.Lon) < lateMetres {
			return true
		}
	}
	return false
}

// addHull begins a track.
func (s *ship) addHull(r *event.VesselReport, at int64, lag int) {
	i := len(s.hulls)
	if i == maxHulls { // the hull that is unheard the longest gives way, never the newest
		i = (s.cur + 1) % maxHulls
		for j := range s.hulls {
			if j != s.cur && s.hulls[j].at < s.hulls[i].at {
				i = j
			}
		}
		s.hulls[i] = s.hulls[i].empty()
	} else if cap(s.hulls) > i {
		s.hulls = s.hulls[:i+1]
		s.hulls[i] = s.hulls[i].empty()
	} else {
		s.hulls = append(s.hulls, hull{})
	}
	s.cur = i
	h := &s.hulls[i]
	h.since = at
	h.start, _ = own(&r.Head, nil)
	h.take(r, at, lag)
}

// empty is a hull that keeps the memory of h and nothing else.
func (h *hull) empty() hull { return hull{past: h.past[:0], recent: h.recent[:0], text: h.text[:0]} }

// leap is a fix that no hull can have come to: a new one begins, and one
// sighting is a suspicion and no more.
func (w *Watch) leap(s *ship, r *event.VesselReport, at int64, lag int) {
	from := s.hulls[s.cur]
	s.addHull(r, at, lag)
	s.switches++
	w.jumps[w.njump%len(w.jumps)] = jumped{s.mmsi, at}
	w.njump++
	if s.shared.present {
		return
	}
	s.jump.good = 0
	w.disturb(s, displaced, &from, r, at)
	if s.area != nil {
		s.area.at = max(s.area.at, at)
		return
	}
	w.tellJump(s, &from, r, at, finding.Suspected)
}

// calm takes a report that agrees with the track. The second sighting at the
// new place makes a leap likely, the fourth confirms it.
func (w *Watch) calm(s *ship, at int64) {
	if !s.jump.present && !s.shared.present {
		return
	}
	w.settle(s, at)
	if !s.jump.present {
		return
	}
	s.jump.good++
	h := &s.hulls[s.cur]
	seen := h.sightings + 1
	fresh := s.jump.at == h.since // the leap is the one that began this hull
	switch {
	case fresh && seen == 2 && s.jump.grade < finding.Likely && at != h.at:
		w.regradeJump(s, at, finding.Likely)
	case fresh && seen == 4 && s.jump.grade < finding.Confirmed:
		w.regradeJump(s, at, finding.Confirmed)
	case s.jump.good >= calmReports:
		w.clear(s, &s.jump, ruleMovement, "Ten reports in a row agree with one track.")
		s.switches = 0
	}
}

// judgeHulls takes a report that went from one hull to another and back: two
// transmitters under one number do that again and again, a single wrong fix does
// it once.
func (w *Watch) judgeHulls(s *ship, r *event.VesselReport, from event.Head, at int64) {
	a, b := s.pair()
	if a == nil || a.sightings < 2 || b.sightings < 2 {
		return
	}
	d := distance(a.lat, a.lon, b.lat, b.lon)
	grade := finding.Suspected
	switch {
	case s.switches >= 5 && min(a.sightings, b.sightings) >= 3:
		grade = finding.Confirmed
	case s.switches >= 3, d >= farApart && seconds(a.at-b.at)*1e9 <= float64(atOnce):
		grade = finding.Likely
	}
	s.shared.at = at
	if s.shared.present && grade <= s.shared.grade && at-s.shared.told < againAfter {
		return
	}
	w.tellHulls(s, a, b, r, d, at, grade)
	w.clear(s, &s.jump, ruleMovement, "Two vessels that share the MMSI explain it.")
}

// pair is the hull of the newest report and the other one heard last.
func (s *ship) pair() (a, b *hull) {
	for i := range s.hulls {
		if h := &s.hulls[i]; i != s.cur && (b == nil || h.at > b.at) {
			b = h
		}
	}
	if b == nil {
		return nil, nil
	}
	return &s.hulls[s.cur], b
}

// settle clears what has ended by time.
func (w *Watch) settle(s *ship, at int64) {
	if s.jump.present && at-s.jump.at > calmTime {
		w.clear(s, &s.jump, ruleMovement, "No impossible movement for half an hour.")
		s.switches = 0
	}
	if s.shared.present && at-s.shared.at > hullForgotten {
		w.clear(s, &s.shared, ruleHulls, "Only one of the tracks was heard in the last 24 hours.")
		s.hulls[0], s.hulls[s.cur] = s.hulls[s.cur], s.hulls[0]
		s.hulls, s.cur, s.switches = s.hulls[:1], 0, 0
	}
}

// together counts the other vessels that jumped within five minutes.
func (w *Watch) together(mmsi uint32, at int64) int {
	seen := map[uint32]bool{mmsi: true}
	for _, j := range w.jumps[:min(w.njump, len(w.jumps))] {
		if seconds(at-j.at)*1e9 <= float64(jumpsTogether) {
			seen[j.mmsi] = true
		}
	}
	return len(seen) - 1
}

package vessel

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Radar and camera contacts are held against what AIS says, sweep by sweep: each
// target of a sensor is paired with at most one vessel, the nearest pairs first,
// none farther than the gate. Rules look at pairs that come apart, at vessels
// that nothing is seen of, and at targets without a vessel; never at one sweep.

// Bounds of what is kept of contacts.
const (
	maxContacts = 1 << 20 // waiting for AIS to come as far
	maxTargets  = 5000    // of one sensor
	targetGone  = int64(time.Minute)
	settle      = int64(3 * time.Second)  // AIS of the same moment may come so much later
	hurry       = int64(15 * time.Second) // a contact waits no longer for AIS where time passes without it
)

// sensor is what is known of one radar or camera.
type sensor struct {
	declared *port.Sensor `freeze:"-"`
	shadows  []polygon    `freeze:"-"`
	targets  map[string]*target
	watched  map[uint32]*watched // vessels that it should see, by MMSI
	swept    int64               // time of the newest sweep
}

// target is one number of the sensor's tracker.
type target struct {
	track     string
	class     string
	exercise  string
	at        int64
	lat, lon  float64
	sog       float32 // knots as told, else from its own way
	north     float64 // metres a second, of its own way
	east      float64
	smoothLat float64
	smoothLon float64
	accuracy  float64
	head      event.Head // of the newest contact
	start     event.Head // of the first since it has been alone
	mmsi      uint32     // of the vessel that it was paired with last, 0 none
	paired    int        // sweeps with that vessel
	pairSOG   float32    // knots that the vessel told then
	elsewhere int        // sweeps in a row in which its vessel was last told elsewhere
	calm      int        // sweeps in a row in which its vessel was told where it is
	alone     int        // sweeps in a row without a vessel
	aloneFrom spot
	told      condition // that it is dark
}

// watched is a vessel as one sensor sees it.
type watched struct {
	agreed int // sweeps in which it was paired, at most 1000
	missed int // sweeps in a row in which it should have been and was not
	since  int64
	track  string // of the target that it was paired with last
	seen   event.Head
}

// sense takes a contact; it is judged once AIS of its moment has come.
func (w *Watch) sense(c *event.Contact) {
	if w.sensors[c.Sensor] == nil {
		return // the port file does not know the sensor any more
	}
	if n := len(w.waiting); n > 0 && c.Time.Before(w.waiting[n-1].Time) {
		i, _ := slices.BinarySearchFunc(w.waiting, c.Time, func(have event.Contact, t time.Time) int { return cmp.Or(have.Time.Compare(t), -1) })
		w.waiting = slices.Insert(w.waiting, i, *c)
	} else {
		w.waiting = append(w.waiting, *c)
	}
	if len(w.waiting) > maxContacts {
		w.look(&w.waiting[0])
		w.waiting = w.waiting[1:]
	}
}

// looked judges the contacts whose moment has come: AIS has told of later ones, or
// they have waited for it since they arrived.
func (w *Watch) looked(arrived int64) {
	n := 0
	for n < len(w.waiting) && (w.waiting[n].Time.UnixNano() <= w.newest-settle || w.waiting[n].Seen.UnixNano() <= arrived-hurry) {
		w.look(&w.waiting[n])
		n++
	}
	if w.waiting = w.waiting[n:]; len(w.waiting) == 0 {
		w.waiting = nil
	}
}

// look takes one contact into its sensor, and sweeps when a turn is over.
func (w *Watch) look(c *event.Contact) {
	s, at := w.sensors[c.Sensor], c.Time.UnixNano()
	if s == nil {
		return
	}
	if s.swept == 0 {
		s.swept = at
	}
	if turn := int64(cmp.Or(s.declared.Every, 3) * 1e9); at-s.swept >= turn {
		w.sweep(s, at)
		s.swept = at
	}
	t := s.targets[c.Track]
	if c.Lost {
		if t != nil {
			w.lighten(s, t, at, "The sensor has lost the target.")
			delete(s.targets, c.Track)
		}
		return
	}
	if t != nil && at-t.at > targetGone {
		w.lighten(s, t, at, "The sensor has not seen the target for a minute.")
		t = nil
	}
	if t == nil {
		if len(s.targets) >= maxTargets && s.targets[c.Track] == nil {
			return
		}
		t = &target{track: c.Track}
		s.targets[c.Track] = t
	}
	if at <= t.at {
		return // late: a newer look is known
	}
	t.moved(c, at)
}

// moved takes the newest look.
func (t *target) moved(c *event.Contact, at int64) {
	t.filter(c, float64(at-t.at)/1e9)
	if t.sog = c.SOG; c.SOG != c.SOG {
		t.sog = float32(math.Hypot(t.north, t.east) / knot)
	}
	t.at, t.lat, t.lon, t.head, t.exercise = at, c.Lat, c.Lon, c.Head, c.Exercise
	t.class, t.accuracy = cmp.Or(c.Class, t.class), float64(c.Accuracy)
}

// filter keeps a speed of the target's own, for sensors that tell none: an
// alpha-beta filter, since single looks scatter by more than a turn's way.
func (t *target) filter(c *event.Contact, dt float64) {
	if t.at == 0 {
		t.smoothLat, t.smoothLon = c.Lat, c.Lon
		return
	}
	const alpha, beta = 0.2, 0.02
	metre := 1 / earthRadius / degree
	wide := metre / max(math.Cos(c.Lat*degree), 0.01)
	t.smoothLat += t.north * dt * metre
	t.smoothLon += t.east * dt * wide
	dn, de := (c.Lat-t.smoothLat)/metre, (c.Lon-t.smoothLon)/wide
	t.smoothLat += alpha * dn * metre
	t.smoothLon += alpha * de * wide
	t.north += beta * dn / dt
	t.east += beta * de / dt
}

// candidate is a vessel at the moment of a sweep.
type candidate struct {
	s        *ship
	hull     int
	lat, lon float64
	loose    float64 // metres that its own place may be off
	due      bool    // the sensor should see it there
}

// pair is a target with a vessel near it.
type pair struct {
	t, c int
	d    float64
}

// sweep pairs targets and vessels of one turn and lets the rules count.
func (w *Watch) sweep(s *sensor, at int64) {
	for mmsi := range s.watched {
		if w.ships[mmsi] == nil {
			delete(s.watched, mmsi) // forgotten: nothing can be missed of it any more
		}
	}
	targets := w.fresh(s, at)
	vessels := w.around(s, at)
	of, with := s.pairs(targets, vessels)
	// AIS is alive, and not past the moment: where one of the two feeds is read again
	// behind the other, where the vessels were is not known any more.
	heard := seconds(at-w.newest) < 30
	for i, t := range targets {
		if v := of[i]; v >= 0 {
			w.match(s, t, &vessels[v], at)
		} else if heard {
			w.lonely(s, t, at)
			if !slices.ContainsFunc(of, func(v int) bool { return v >= 0 && vessels[v].s.mmsi == t.mmsi }) { // no other target is that vessel by now
				w.strayed(s, t, t.alone, at)
			}
		}
	}
	if !heard {
		return
	}
	seeing := s.seeing(vessels, with)
	seen := map[uint32]bool{}
	for i := range vessels {
		if c := &vessels[i]; with[i] >= 0 {
			seen[c.s.mmsi] = true
		}
	}
	for i := range vessels {
		if c := &vessels[i]; with[i] < 0 && c.hull == c.s.cur && c.due {
			w.missed(s, c, seen[c.s.mmsi], seeing, at)
		}
	}
}

// fresh are the targets that were seen within three turns, by number; others that
// were long unseen are dropped.
func (w *Watch) fresh(s *sensor, at int64) []*target {
	turn := int64(cmp.Or(s.declared.Every, 3) * 1e9)
	var out []*target
	for _, track := range slices.Sorted(maps.Keys(s.targets)) {
		switch t := s.targets[track]; {
		case at-t.at <= 3*turn:
			out = append(out, t)
		case at-t.at > targetGone:
			w.lighten(s, t, at, "The sensor has not seen the target for a minute.")
			delete(s.targets, track)
		}
	}
	return out
}

// around are the vessels that AIS tells near the sensor, moved on to the moment
// by their own speed and course, by MMSI and hull.
func (w *Watch) around(s *sensor, at int64) []candidate {
	p := s.declared
	far := p.Range * 1.1
	dlat := far / earthRadius / degree
	dlon := dlat / max(math.Cos(p.Position.Lat()*degree), 0.01)
	var out []candidate
	for _, v := range w.ships {
		if v.station == ais.Coast || v.fixed != nil {
			continue
		}
		for i := range v.hulls {
			h := &v.hulls[i]
			if math.Abs(h.lat-p.Position.Lat()) > dlat || math.Abs(h.lon-p.Position.Lon()) > dlon {
				continue
			}
			c, ok := v.atMoment(i, at)
			if !ok || distance(p.Position.Lat(), p.Position.Lon(), c.lat, c.lon) > far {
				continue
			}
			c.due = v.length >= 15 && s.sees(c.lat, c.lon) && !w.known.byLand(c.lat, c.lon)
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.s.mmsi, b.s.mmsi), cmp.Compare(a.hull, b.hull))
	})
	return out
}

// atMoment is where a hull is at a moment, moved on from its newest report by its
// own speed and course; false where that report is too old to say.
func (s *ship) atMoment(hull int, at int64) (candidate, bool) {
	h := &s.hulls[hull]
	age := float64(at-h.at) / 1e9
	if math.Abs(age) > 2.5*s.interval(h.sog) {
		return candidate{}, false
	}
	c := candidate{s: s, hull: hull, lat: h.lat, lon: h.lon, loose: float64(max(s.length, 20))/2 + 20}
	if h.sog != h.sog || h.cog != h.cog || h.sog >= 102 {
		c.loose += 2 * math.Abs(age)
		return c, true
	}
	way := float64(h.sog) * knot * age
	sin, cos := math.Sincos(float64(h.cog) * degree)
	c.lat += way * cos / earthRadius / degree
	c.lon += way * sin / earthRadius / degree / math.Cos(h.lat*degree)
	c.loose += math.Abs(way) / 4 // it may have turned or slowed since
	return c, true
}

// sees reports whether a place lies well within what the sensor sees.
func (s *sensor) sees(lat, lon float64) bool {
	p := s.declared
	d := distance(p.Position.Lat(), p.Position.Lon(), lat, lon)
	return d < 0.9*p.Range && d > 1.2*p.Blind && !s.shadowed(lat, lon)
}

// shadowed reports whether the sensor can't see a place.
func (s *sensor) shadowed(lat, lon float64) bool {
	for i := range s.shadows {
		if s.shadows[i].inside(lat, lon) > 0 {
			return true
		}
	}
	return false
}

// byLand reports whether land of the port is within 100 m, where a radar sees the
// quay and not the ship.
func (k *register) byLand(lat, lon float64) bool {
	const step = 100 / earthRadius / degree
	wide := step / max(math.Cos(lat*degree), 0.01)
	for i := range k.land {
		q := &k.land[i]
		if q.inside(lat, lon) > 0 || q.inside(lat+step, lon) > 0 || q.inside(lat-step, lon) > 0 || q.inside(lat, lon+wide) > 0 || q.inside(lat, lon-wide) > 0 {
			return true
		}
	}
	return false
}

// gate is the largest distance of a target and a vessel that are taken for one.
func (s *sensor) gate(t *target, c *candidate) float64 {
	accuracy := cmp.Or(t.accuracy, s.declared.Accuracy, 25)
	return 3*math.Hypot(accuracy, 10) + c.loose
}

// pairs gives each target its vessel and each vessel its target, or -1: nearest
// first, and those that belonged together before are held for nearer.
func (s *sensor) pairs(targets []*target, vessels []candidate) (of, with []int) {
	of, with = make([]int, len(targets)), make([]int, len(vessels))
	var all []pair
	for i, t := range targets {
		of[i] = -1
		for j := range vessels {
			c := &vessels[j]
			if math.Abs(t.lat-c.lat) > 0.02 { // 2 km: no gate is as wide
				continue
			}
			gate := s.gate(t, c)
			d := distance(t.lat, t.lon, c.lat, c.lon)
			if t.mmsi == c.s.mmsi && t.paired >= 3 {
				gate *= 1.3
				d /= 2
			}
			if d <= gate {
				all = append(all, pair{i, j, d})
			}
		}
	}
	slices.SortFunc(all, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.d, b.d), cmp.Compare(a.t, b.t), cmp.Compare(a.c, b.c))
	})
	for j := range with {
		with[j] = -1
	}
	for _, p := range all {
		if of[p.t] < 0 && with[p.c] < 0 {
			of[p.t], with[p.c] = p.c, p.t
		}
	}
	return of, with
}

// seeing is how many vessels the sensor sees of those that it saw before: what
// tells its own trouble from a vessel's.
func (s *sensor) seeing(vessels []candidate, with []int) (share float64) {
	known, now := 0, 0
	for i := range vessels {
		k := s.watched[vessels[i].s.mmsi]
		if k == nil || k.agreed < 3 || vessels[i].hull != vessels[i].s.cur || !vessels[i].due {
			continue
		}
		known++
		if with[i] >= 0 {
			now++
		}
	}
	if known == 0 {
		return 0
	}
	return float64(now) / float64(known)
}

// match notes that a target and a vessel are one.
func (w *Watch) match(s *sensor, t *target, c *candidate, at int64) {
	v := c.s
	if t.mmsi != v.mmsi {
		t.mmsi, t.paired, t.calm, t.elsewhere = v.mmsi, 0, 0, 0
	}
	t.paired, t.alone, t.pairSOG = min(t.paired+1, 1000), 0, v.hulls[c.hull].sog
	w.lighten(s, t, at, "A vessel with AIS is where the target is.")
	k := s.watched[v.mmsi]
	if k == nil {
		k = &watched{}
		s.watched[v.mmsi] = k
	}
	if t.calm++; c.hull != v.cur {
		t.calm = 0
		t.elsewhere++
		w.strayed(s, t, t.elsewhere, at) // the newest report of the number is another hull's
		return
	}
	t.elsewhere = 0
	k.agreed, k.missed, k.track, k.seen = min(k.agreed+1, 1000), 0, t.track, t.head
	if t.calm >= 20 {
		w.drop(v, sensorDisagrees, "The sensor sees it where AIS tells it.")
		w.drop(v, unseen, "The sensor sees it where AIS tells it.")
	}
}

package trial

import (
	"slices"
	"time"
)

// setup is a place and moment at which an attack can be tried.
type setup struct {
	at         int64 // start, nanoseconds since 1970
	mmsi       uint32
	crowd      []uint32 // of attacks on many
	warm, span time.Duration
}

// Rules of choice. They ask for what any watch needs to judge at all: the
// vessel was heard before, and is heard again.
const (
	momentsEach = 200              // moments considered of one vessel
	heardBefore = 3                // position reports in the quarter of an hour before
	recently    = 15 * time.Minute //
	nearBy      = 30_000.0         // metres between the vessels of one crowd
	steadyGap   = 5 * time.Minute  // longest gap of a vessel that is heard steadily
	steadyLeast = 10               // reports before and after, of such a vessel
)

// thinned calls do with at most momentsEach indices of a list of n, evenly.
func thinned(n int, do func(int)) {
	step := max(n/momentsEach, 1)
	for i := 0; i < n; i += step {
		do(i)
	}
}

// count is how many of the records lie between two times.
func (c *Capture) count(list []int, from, to int64) int {
	lo, _ := slices.BinarySearchFunc(list, from, func(i int, t int64) int { return cmp64(c.clock[c.recs[i].last()], t) })
	hi, _ := slices.BinarySearchFunc(list, to, func(i int, t int64) int { return cmp64(c.clock[c.recs[i].last()], t) })
	return hi - lo
}

func cmp64(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// fits reports whether an attack at t has a quarter of an hour before it and its
// whole length after it in the capture.
func (c *Capture) fits(t int64, span time.Duration) bool {
	return t-int64(recently) >= c.clock[c.recs[0].last()] && t+int64(span) <= c.clock[len(c.clock)-1]
}

// anyMover picks ships that were heard before and tell need positions or more
// during the attack.
func anyMover(need int) func(*Capture, time.Duration) []setup {
	return func(c *Capture, span time.Duration) []setup {
		return c.choose(c.movers(), func(h *history) []int { return h.positions }, func(h *history, t int64) bool {
			return c.count(h.positions, t-int64(recently), t) >= heardBefore && c.count(h.positions, t, t+int64(span)) >= need
		}, span)
	}
}

// named picks ships whose static report was heard in the hour before and is
// heard twice during the attack.
func named(c *Capture, span time.Duration) []setup {
	return c.choose(c.movers(), func(h *history) []int { return h.statics }, func(h *history, t int64) bool {
		return c.count(h.statics, t-int64(time.Hour), t) >= 2 && c.count(h.statics, t+int64(3*time.Minute), t+int64(span)) >= 3
	}, span)
}

// steady picks ships that are heard without a gap over five minutes before and
// during the attack, so that a silence is not what happens there anyway.
func steady(c *Capture, span time.Duration) []setup {
	return c.choose(c.movers(), func(h *history) []int { return h.positions }, func(h *history, t int64) bool {
		from, to := t-int64(30*time.Minute), t+int64(span)
		if c.count(h.positions, from, t) < steadyLeast || c.count(h.positions, t, to) < steadyLeast {
			return false
		}
		last := from
		for _, i := range h.positions {
			at := c.clock[c.recs[i].last()]
			if at < from {
				continue
			}
			if at > to {
				break
			}
			if at-last > int64(steadyGap) {
				return false
			}
			last = at
		}
		return to-last <= int64(steadyGap)
	}, span)
}

// heardStation picks stations that tell messages of a type.
func heardStation(kind uint8, need int) func(*Capture, time.Duration) []setup {
	return func(c *Capture, span time.Duration) []setup {
		var list []*history
		for _, h := range c.vessels {
			if c.recs[h.all[0]].kind == kind {
				list = append(list, h)
			}
		}
		return c.choose(list, func(h *history) []int { return h.all }, func(h *history, t int64) bool {
			return c.count(h.all, t-int64(recently), t) >= heardBefore && c.count(h.all, t, t+int64(span)) >= need
		}, span)
	}
}

// choose gives the moments of senders at which fit holds.
func (c *Capture) choose(from []*history, moments func(*history) []int, fit func(*history, int64) bool, span time.Duration) []setup {
	var out []setup
	for _, h := range from {
		list := moments(h)
		thinned(len(list), func(i int) {
			t := c.clock[c.recs[list[i]].last()]
			if c.fits(t, span) && fit(h, t) {
				out = append(out, setup{at: t, mmsi: h.mmsi})
			}
		})
	}
	return out
}

// crowd picks moments at which three ships or more within 30 km of one another
// are heard, each before and three times during the attack.
func crowd(c *Capture, span time.Duration) []setup {
	var out []setup
	movers := c.movers()
	first, last := c.clock[c.recs[0].last()], c.clock[len(c.clock)-1]
	step := max(int64(5*time.Minute), (last-first)/(4*momentsEach))
	for t := first + int64(recently); c.fits(t, span); t += step {
		var in []uint32
		var lat, lon float64
		for _, h := range movers {
			if c.count(h.positions, t-int64(recently), t) == 0 || c.count(h.positions, t, t+int64(span)) < 3 ||
				c.count(h.positions, t, t+int64(5*time.Minute)) == 0 {
				continue
			}
			k := c.count(h.positions, -1<<62, t) // the first at or after t
			r := &c.recs[h.positions[k]]
			if len(in) == 0 {
				lat, lon = r.lat, r.lon
			} else if apart(lat, lon, r.lat, r.lon) > nearBy {
				continue
			}
			in = append(in, h.mmsi)
		}
		if len(in) >= areaLeast {
			out = append(out, setup{at: t, crowd: in})
		}
	}
	return out
}

// pool holds set-ups by vessel, so that each vessel comes as often as another.
type pool [][]setup

func poolOf(list []setup, v *Variant) pool {
	var out pool
	for i := range list {
		list[i].warm, list[i].span = v.Warm, v.Span
		if n := len(out); n > 0 && out[n-1][0].mmsi == list[i].mmsi && list[i].mmsi != 0 {
			out[n-1] = append(out[n-1], list[i])
		} else {
			out = append(out, []setup{list[i]})
		}
	}
	return out
}

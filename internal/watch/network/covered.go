package network

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Listening over time is kept by slots: nothing is claimed within one.
const (
	coverSlot = 10 * time.Minute
	maxSlots  = 20_000 // about 138 days with rows
)

// covered are the slots of event time from which some row came. It says when
// nobody listened: a set that late, repeated and re-read rows can't spoil.
type covered struct {
	slots map[int64]bool
	last  int64 // added last
}

func (c *covered) add(at time.Time) {
	if n := slotOf(at); n != c.last || c.slots == nil {
		c.last = n
		c.set(n)
	}
}

func (c *covered) set(n int64) {
	if c.slots == nil {
		c.slots = map[int64]bool{}
	}
	c.slots[n] = true
	if len(c.slots) > maxSlots {
		for _, old := range c.sorted()[:maxSlots/10] {
			delete(c.slots, old)
		}
	}
}

func (c *covered) sorted() []int64 { return slices.Sorted(maps.Keys(c.slots)) }

func slotOf(at time.Time) int64 { return at.Unix() / int64(coverSlot/time.Second) }

func slotTime(n int64) time.Time { return time.Unix(n*int64(coverSlot/time.Second), 0).UTC() }

// Span is a time from From to To.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// gaps are the times within [from, to] from which there is no row, to whole
// slots. What lies before the first row of all is no gap.
func (c *covered) gaps(from, to time.Time) (out []Span) {
	slots := c.sorted()
	if len(slots) == 0 {
		return nil
	}
	end := laterOf(from, slotTime(slots[0])) // of what is accounted for
	for _, n := range slots {
		at := slotTime(n)
		if at.After(to) {
			break
		}
		if at.After(end) {
			out = append(out, Span{end, at})
		}
		end = laterOf(end, at.Add(coverSlot))
	}
	if to.Sub(end) >= coverSlot {
		out = append(out, Span{end, to})
	}
	return out
}

// maxGaps bounds the gaps of an answer.
const maxGaps = 100

// longest are the longest gaps from a moment on, those left out counted, and all gaps
// together.
func (c *covered) longest(from, to time.Time) (gaps []Span, left int, deaf time.Duration) {
	gaps = c.gaps(from, to)
	for _, g := range gaps {
		deaf += g.To.Sub(g.From)
	}
	slices.SortStableFunc(gaps, func(a, b Span) int { return cmp.Compare(b.To.Sub(b.From), a.To.Sub(a.From)) })
	left = max(0, len(gaps)-maxGaps)
	return append([]Span{}, gaps[:len(gaps)-left]...), left, deaf
}

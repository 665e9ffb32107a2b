package advisory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
)

// finding is what a leaf says of a device.
type finding struct {
	hit    hit
	leaf   *leaf
	within answer
	why    string // where within is unknown
}

// decides is whether the finding makes the device affected.
func (f finding) decides() bool {
	return f.hit.certain && f.within == yes && len(f.leaf.advised.Affected) > 0
}

// judge reaches the verdict on one advisory.
func (x *index) judge(d *device, e *Entry, hits []hit) Match {
	m := Match{ID: e.ID, Title: e.Title, Released: e.Released, Current: e.Time, Exploited: []event.Exploited{}, CVEs: []string{}, Likeness: 1}
	best := slices.MinFunc(hits, func(a, b hit) int {
		return cmp.Or(-compareBool(a.certain, b.certain), cmp.Compare(a.by.rank(), b.by.rank()), cmp.Compare(b.likeness, a.likeness), cmp.Compare(a.offer, b.offer))
	})
	m.By, m.Certain, m.Likeness = best.by, best.certain, best.likeness
	m.Vendor = x.offers[best.offer].vendor
	// A notice that lists the device's article number lists articles: products that
	// are not certain, and of those with other numbers all, are other devices.
	exact := slices.ContainsFunc(hits, func(h hit) bool { return h.exact && h.certain })
	if best.by == ByArticle && best.certain || exact {
		hits = slices.DeleteFunc(slices.Clone(hits), func(h hit) bool {
			return h.by != ByArticle && (len(x.offers[h.offer].models) > 0 || exact && !h.certain)
		})
	}
	var all []finding
	for _, h := range hits {
		for i := range x.offers[h.offer].leaves {
			l := &x.offers[h.offer].leaves[i]
			f := finding{hit: h, leaf: l}
			f.within, f.why = d.within(&l.span)
			if f.why == "" && l.advised.Joined && f.within == yes {
				f.within, f.why = unknown, "the notice means it only together with another product"
			}
			if f.within == no && l.span.singles() && !e.offersFix(l.advised) {
				f.within, f.why = unknown, fmt.Sprintf("firmware %s is newer than %s; the notice names single versions, offers no fix, and says nothing of others", d.firmware, l.advised.Version)
			}
			all = append(all, f)
		}
	}
	x.conclude(d, e, &m, all)
	return m
}

// offersFix is whether the vendor has a fix for a product.
func (e *Entry) offersFix(p *event.AdvisedProduct) bool {
	return slices.ContainsFunc(p.Fixes, func(n int) bool { return e.Fixes[n].Kind == "vendor_fix" })
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// within is whether the device's version is in a span.
func (d *device) within(s *span) (answer, string) {
	switch {
	case s.all:
		return yes, ""
	case strings.TrimSpace(d.firmware) == "":
		return unknown, "the register names no firmware"
	case !d.versioned:
		return unknown, fmt.Sprintf("the firmware %q of the register is not understood", d.firmware)
	}
	a, why := s.holds(&d.version)
	if why != "" && a == unknown && strings.HasPrefix(why, "the notice") {
		return a, why
	}
	if why != "" {
		return a, fmt.Sprintf("firmware %s %s", d.firmware, why)
	}
	return a, ""
}

// state is what is known of one weakness.
type state struct {
	sure, cleared, fixed, maybe bool
	why                         string
}

// conclude fills the match in from all findings.
func (x *index) conclude(d *device, e *Entry, m *Match, all []finding) {
	states := make([]state, len(e.Weaknesses))
	stated, fresh := false, ""
	for _, f := range all {
		p := f.leaf.advised
		certain := f.hit.certain && f.within == yes
		why := f.why
		if why == "" && f.within == yes {
			why = x.doubt(d, f.hit)
		}
		for _, i := range p.Affected {
			stated = true
			switch s := &states[i]; {
			case certain:
				s.sure = true
			case f.within != no:
				s.maybe, s.why = true, cmp.Or(s.why, why)
			}
		}
		for _, i := range p.Open {
			if stated = true; f.within != no {
				states[i].maybe, states[i].why = true, cmp.Or(states[i].why, "the vendor is still looking into it")
			}
		}
		for _, i := range p.Cleared {
			stated = true
			states[i].cleared = states[i].cleared || certain
		}
		for _, i := range p.Fixed {
			stated = true
			states[i].fixed = states[i].fixed || certain
		}
		if f.within == no && (fresh == "" || f.hit.certain) {
			fresh = fmt.Sprintf("firmware %s is outside of what the notice names: %s %s", d.firmware, p.Name, p.Version)
		}
	}
	x.decide(m, e, states, all, stated, fresh)
	m.Products = decisive(all)
	m.remedies(e, all)
}

// decide reaches the verdict from the states of the weaknesses.
func (x *index) decide(m *Match, e *Entry, states []state, all []finding, stated bool, fresh string) {
	var affected, open []int
	why := ""
	for i, s := range states {
		switch done := s.cleared || s.fixed; {
		case s.sure && !done:
			affected = append(affected, i)
		case s.sure:
			open, why = append(open, i), cmp.Or(why, "the notice says both affected and not affected of it")
		case s.maybe && !done:
			open, why = append(open, i), cmp.Or(why, s.why)
		}
	}
	switch {
	case len(affected) > 0:
		m.Verdict, m.Reason = Affected, x.affirmed(e, all, len(affected))
		m.weaknesses(e, affected)
	case len(open) > 0:
		m.Verdict, m.Reason = Undecided, why
		m.weaknesses(e, open)
	case !stated:
		m.Verdict, m.Reason = Undecided, "the notice does not say whether this product is affected"
		m.weaknesses(e, nil)
	default:
		m.Verdict, m.Reason = NotAffected, cmp.Or(cleared(states), fresh, "its version is outside of what the notice names")
		m.weaknesses(e, nil)
	}
}

func cleared(states []state) string {
	fixed, not := 0, 0
	for _, s := range states {
		if s.fixed {
			fixed++
		} else if s.cleared {
			not++
		}
	}
	switch {
	case fixed > 0 && not == 0:
		return "the notice says that this version is fixed"
	case not > 0:
		return "the notice says that it is not affected"
	}
	return ""
}

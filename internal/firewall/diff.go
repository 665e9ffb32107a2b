package firewall

import (
	"cmp"
	"slices"
	"strings"
)

// Change is a set of packets that had one fate by one configuration and has
// another by the other.
type Change struct {
	Was, Is Verdict
	Packets []Match // disjoint; interfaces by the names of the Difference
	Before  []*Rule // that decided
	After   []*Rule
}

// Difference is exactly the packets whose fate differs.
type Difference struct {
	Interfaces []string // names of both configurations
	Changes    []Change
}

// Diff compares two configurations. Interfaces are the same where they have the
// same name. A packet that is undecided in both does not differ.
func Diff(before, after *Policy) Difference {
	names := joinNames(before.Interfaces, after.Interfaces)
	a, b := before.renamed(names), after.renamed(names)
	s := newSpace(a.matches(), b.matches())
	whole := s.boxes([]Match{All()})
	ea := &evaluation{s: s, boxed: map[*Rule]boxedRule{}, ids: map[*Rule]int32{}}
	eb := &evaluation{s: s, boxed: map[*Rule]boxedRule{}, ids: map[*Rule]int32{}}
	pa, pb := byVerdict(ea.policy(a, whole)), byVerdict(eb.policy(b, whole))
	d := Difference{Interfaces: names}
	for was := range pa {
		for is := range pb {
			if was == is {
				continue
			}
			if c, ok := changed(s, ea, eb, pa[was], pb[is]); ok {
				c.Was, c.Is = Verdict(was), Verdict(is)
				d.Changes = append(d.Changes, c)
			}
		}
	}
	slices.SortStableFunc(d.Changes, func(x, y Change) int { return cmp.Compare(weight(x), weight(y)) })
	return d
}

// weight puts first what was opened, then what may have been, then the rest.
func weight(c Change) int {
	switch c.Is {
	case Permit:
		return 0
	case Undecided:
		return 1
	}
	return 2
}

func byVerdict(list []piece) [3][]piece {
	var out [3][]piece
	for i := range list {
		v := list[i].verdict()
		out[v] = append(out[v], list[i])
	}
	return out
}

func changed(s *space, ea, eb *evaluation, was, is []piece) (Change, bool) {
	var c Change
	var boxes []box
	for i := range was {
		for k := range is {
			if !was[i].b.meets(&is[k].b) {
				continue
			}
			boxes = append(boxes, was[i].b.and(is[k].b))
			c.Before = addRules(c.Before, ea.deciders(&was[i]))
			c.After = addRules(c.After, eb.deciders(&is[k]))
		}
	}
	for _, b := range merge(boxes) {
		c.Packets = append(c.Packets, s.match(b))
	}
	sortMatches(c.Packets)
	sortRules(c.Before)
	sortRules(c.After)
	return c, len(boxes) > 0
}

func addRules(list, more []*Rule) []*Rule {
	for _, r := range more {
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

func sortRules(list []*Rule) {
	slices.SortStableFunc(list, func(a, b *Rule) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
}

// joinNames are the interface names of both lists, the device itself first.
func joinNames(a, b []string) []string {
	out := slices.Clone(a)
	for _, name := range b[1:] {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// renamed is the policy with its interfaces by their index in names.
func (p *Policy) renamed(names []string) *Policy {
	sets := make([]Set, len(p.Interfaces)+1) // by own index; the last: without a name
	for i, name := range names {
		own := p.standsFor(i, name)
		sets[own] = append(sets[own], Values(i)...)
	}
	last := len(p.Interfaces)
	sets[last] = append(sets[last], Between(len(names), maxInterface)...)
	turn := func(s Set) Set {
		var out Set
		for own := range sets {
			if s.has(n(uint64(own))) {
				out = append(out, sets[own]...)
			}
		}
		return out.tidy()
	}
	move := func(m Match) Match {
		m[In], m[Out] = turn(m[In]), turn(m[Out])
		return m
	}
	moveAll := func(list []Match) []Match {
		out := make([]Match, len(list))
		for i := range list {
			out[i] = move(list[i])
		}
		return out
	}
	out := *p
	out.Interfaces = names
	chains := map[*Chain]*Chain{}
	var chain func(c *Chain) *Chain
	rule := func(r *Rule) *Rule {
		q := *r
		q.Must, q.May = moveAll(r.Must), moveAll(r.May)
		if r.Chain != nil {
			q.Chain = chain(r.Chain)
		}
		return &q
	}
	chain = func(c *Chain) *Chain {
		if done := chains[c]; done != nil {
			return done
		}
		q := &Chain{Name: c.Name}
		chains[c] = q
		for _, r := range c.Rules {
			q.Rules = append(q.Rules, rule(r))
		}
		return q
	}
	out.Doubts, out.Paths = nil, nil
	for _, d := range p.Doubts {
		out.Doubts = append(out.Doubts, rule(d))
	}
	for _, path := range p.Paths {
		q := Path{When: move(path.When)}
		for _, c := range path.Stages {
			q.Stages = append(q.Stages, chain(c))
		}
		out.Paths = append(out.Paths, q)
	}
	out.Routes = slices.Clone(p.Routes)
	for i := range out.Routes {
		out.Routes[i].Interface = slices.Index(names, p.Interfaces[p.Routes[i].Interface])
	}
	return &out
}

// standsFor is which of its own interfaces a name of a longer list is: the one of
// that name, or the pattern that covers it, or one without a name.
func (p *Policy) standsFor(i int, name string) int {
	if i == Self {
		return Self
	}
	best := len(p.Interfaces)
	for own, have := range p.Interfaces {
		if have == name && own != Self {
			return own
		}
		prefix, open := strings.CutSuffix(have, "+")
		if open && own != Self && strings.HasPrefix(name, prefix) && (best == len(p.Interfaces) || len(have) > len(p.Interfaces[best])) {
			best = own
		}
	}
	return best
}

// ChangeReport is a change in words.
type ChangeReport struct {
	Was     Verdict   `json:"was"`
	Is      Verdict   `json:"is"`
	Traffic []Traffic `json:"traffic"`
	Before  []string  `json:"before"` // rules, by file and line
	After   []string  `json:"after"`
}

// Report writes the difference in words.
func (d *Difference) Report() []ChangeReport {
	out := []ChangeReport{}
	for _, c := range d.Changes {
		r := ChangeReport{Was: c.Was, Is: c.Is, Before: ruleWhere(c.Before), After: ruleWhere(c.After)}
		for _, m := range c.Packets {
			r.Traffic = append(r.Traffic, m.Words(d.Interfaces))
		}
		out = append(out, r)
	}
	return out
}

// Opened reports whether something is permitted, or may be, that was not.
func (d *Difference) Opened() bool {
	return slices.ContainsFunc(d.Changes, func(c Change) bool { return c.Is != Deny && c.Was != Permit })
}

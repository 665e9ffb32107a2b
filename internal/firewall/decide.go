package firewall

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Bounds of an evaluation.
const (
	maxPieces = 100_000   // parts of the header space held at once; beyond, the rest is undecided
	maxDepth  = 64        // chains within chains
	maxSteps  = 5_000_000 // parts times rules
)

// tooComplex stands for the rules where an evaluation gave up.
var tooComplex = &Rule{Name: "too many parts", Why: "the rules cut the header space into too many parts"}

// notRead stands for traffic that a configuration says nothing about.
var notRead = &Rule{Name: "not read", Why: "this reader does not judge such traffic of the device"}

// Fate is a set of packets that have one fate by the same rules.
type Fate struct {
	Verdict Verdict
	Packets []Match // disjoint
	By      []*Rule // the rule that decides; of several, those that could, the certain one last
}

// Decide tells the fate of every packet of a region. The fates are disjoint and
// cover the region.
func (p *Policy) Decide(region ...Match) []Fate {
	s := newSpace(p.matches(), region)
	e := &evaluation{s: s, boxed: map[*Rule]boxedRule{}, ids: map[*Rule]int32{}}
	pieces := e.policy(p, disjoint(s.boxes(region)))
	return e.fates(pieces)
}

// matches are all sets that the policy tells apart.
func (p *Policy) matches() []Match {
	var out []Match
	p.each(func(r *Rule) { out = append(append(out, r.Must...), r.May...) })
	for i := range p.Paths {
		out = append(out, p.Paths[i].When)
	}
	for i := range p.Routes {
		out = append(out, All().With(Src, p.Routes[i].To).With(Dst, p.Routes[i].To))
	}
	for i := range p.Interfaces {
		out = append(out, All().With(In, Values(i)).With(Out, Values(i)))
	}
	return out
}

// each calls visit with every rule once.
func (p *Policy) each(visit func(*Rule)) {
	seen := map[*Chain]bool{}
	var walk func(*Chain)
	walk = func(c *Chain) {
		if c == nil || seen[c] {
			return
		}
		seen[c] = true
		for _, r := range c.Rules {
			visit(r)
			walk(r.Chain)
		}
	}
	for _, d := range p.Doubts {
		visit(d)
	}
	for _, path := range p.Paths {
		for _, c := range path.Stages {
			walk(c)
		}
	}
}

// What could become of a piece.
const (
	couldPermit = 1 << iota
	couldDeny
	couldBoth = couldPermit | couldDeny
)

// piece is a part of the header space on its way through the rules.
type piece struct {
	b       box
	could   uint8   // what rules that may match would do with it
	earlier bool    // a stage before could have denied it
	base    int     // how many of by are of stages before
	by      []int32 // rules that could decide; never changed in place
}

type boxedRule struct{ must, doubt []box }

type evaluation struct {
	s      *space
	boxed  map[*Rule]boxedRule
	ids    map[*Rule]int32
	rules  []*Rule
	steps  int
	inside map[*Chain]bool // chains that are being gone through; a device refuses one that leads to itself
}

func (e *evaluation) id(r *Rule) int32 {
	id, ok := e.ids[r]
	if !ok {
		id = int32(len(e.rules))
		e.ids[r] = id
		e.rules = append(e.rules, r)
	}
	return id
}

// boxes are the certain matches of a rule and, apart, the possible ones.
func (e *evaluation) boxes(r *Rule) boxedRule {
	b, ok := e.boxed[r]
	if !ok {
		b.must = merge(disjoint(merge(e.s.boxes(r.Must))))
		b.doubt = merge(disjoint(minus(merge(e.s.boxes(r.May)), b.must)))
		e.boxed[r] = b
	}
	return b
}

// policy takes disjoint boxes through the device.
func (e *evaluation) policy(p *Policy, in []box) []piece {
	var done []piece
	for _, d := range p.Doubts {
		b := e.boxes(d)
		for _, part := range [][]box{b.must, b.doubt} {
			for _, x := range intersect(in, part) {
				done = append(done, piece{b: x, could: couldBoth, by: []int32{e.id(d)}})
			}
			in = minus(in, part)
		}
	}
	for i := range p.Paths {
		when := e.s.boxes([]Match{p.Paths[i].When})
		var live []piece
		for _, x := range intersect(in, when) {
			live = append(live, piece{b: x})
		}
		in = minus(in, when)
		done = append(done, e.stages(p.Paths[i].Stages, live)...)
	}
	for _, x := range in {
		done = append(done, piece{b: x, could: couldBoth, by: []int32{e.id(notRead)}})
	}
	return e.merged(done)
}

// stages takes pieces through all chains of a path.
func (e *evaluation) stages(stages []*Chain, live []piece) []piece {
	var done []piece
	for i, c := range stages {
		out, fell := e.chain(c, live, 0)
		for _, x := range fell { // no chain of a path ends without a decision
			x.could = couldBoth
			out = append(out, x)
		}
		live = live[:0:0]
		last := i == len(stages)-1
		for _, x := range out {
			switch {
			case x.could == couldDeny:
				if !x.earlier {
					x.by = x.by[x.base:] // what let it come this far does not matter
				}
				x.earlier, x.base = false, 0 // it is lost here at the latest
				done = append(done, x)
			case last && x.earlier:
				x.could, x.earlier, x.base = couldBoth, false, 0
				done = append(done, x)
			case last:
				x.base = 0
				done = append(done, x)
			default:
				x.earlier = x.earlier || x.could == couldBoth
				x.could, x.base = 0, len(x.by)
				live = append(live, x)
			}
		}
	}
	return append(done, e.leftover(stages, live)...)
}

// leftover are the pieces of a path without stages, which nothing hinders.
func (e *evaluation) leftover(stages []*Chain, live []piece) []piece {
	if len(stages) > 0 {
		return nil
	}
	for i := range live {
		live[i].could = couldPermit
	}
	return live
}

// chain takes pieces through the rules of a chain. Those that no rule decides
// fall out of it.
func (e *evaluation) chain(c *Chain, live []piece, depth int) (done, fell []piece) {
	if e.inside == nil {
		e.inside = map[*Chain]bool{}
	}
	e.inside[c] = true
	defer delete(e.inside, c)
	calm := 64
	for _, r := range c.Rules {
		if len(live) == 0 {
			break
		}
		e.steps += len(live)
		sure, doubtful, next := e.split(r, live)
		id := e.id(r)
		switch {
		case depth > maxDepth || e.steps > maxSteps || r.Chain != nil && e.inside[r.Chain]:
			done = append(done, unsure(append(sure, doubtful...), e.id(tooComplex))...)
		case r.Action == DoPermit || r.Action == DoDeny:
			could := uint8(couldPermit)
			if r.Action == DoDeny {
				could = couldDeny
			}
			done = append(done, marked(sure, could, id)...)
			for _, x := range marked(doubtful, could, id) {
				if x.could == couldBoth {
					done = append(done, x)
				} else {
					next = append(next, x)
				}
			}
		case r.Action == DoJump:
			out, back := e.chain(r.Chain, sure, depth+1)
			done, next = append(done, out...), append(next, back...)
			out, back = e.chain(r.Chain, marked(doubtful, 0, id), depth+1)
			next = append(next, back...)
			for _, x := range out { // it may not have gone there at all
				if x.could == couldBoth {
					done = append(done, x)
				} else {
					next = append(next, x)
				}
			}
		case r.Action == DoGoto:
			out, back := e.chain(r.Chain, sure, depth+1)
			done, fell = append(done, out...), append(fell, back...)
			done = append(done, unsure(doubtful, id)...)
		case r.Action == DoReturn:
			fell = append(fell, sure...)
			done = append(done, unsure(doubtful, id)...)
		default:
			done = append(done, unsure(append(sure, doubtful...), id)...)
		}
		live = next
		if len(live) > calm {
			live = e.merged(live)
			calm = max(64, 2*len(live))
		}
		if len(live)+len(done)+len(fell) > maxPieces {
			done = append(done, unsure(live, e.id(tooComplex))...)
			live = nil
		}
	}
	return done, append(fell, live...)
}

// split parts pieces by a rule: those that it matches, those that it could
// match, and the rest.
func (e *evaluation) split(r *Rule, live []piece) (sure, doubtful, rest []piece) {
	b := e.boxes(r)
	part := func(list []piece, by []box, into *[]piece) []piece {
		for i := range by {
			var left []piece
			for _, x := range list {
				if !x.b.meets(&by[i]) {
					left = append(left, x)
					continue
				}
				hit := x
				hit.b = x.b.and(by[i])
				*into = append(*into, hit)
				for _, o := range x.b.without(&by[i]) {
					x.b = o
					left = append(left, x)
				}
			}
			list = left
		}
		return list
	}
	rest = part(live, b.must, &sure)
	rest = part(rest, b.doubt, &doubtful)
	return sure, doubtful, rest
}

// marked adds what a rule would do.
func marked(list []piece, could uint8, id int32) []piece {
	for i := range list {
		list[i].could |= could
		list[i].by = append(slices.Clone(list[i].by), id)
	}
	return list
}

func unsure(list []piece, id int32) []piece { return marked(list, couldBoth, id) }

// merged joins pieces that have the same history.
func (e *evaluation) merged(list []piece) []piece {
	labels := make([]labelled, len(list))
	kinds := map[string]piece{}
	for i, x := range list {
		k := []byte{x.could, 0, byte(x.base), byte(x.base >> 8)}
		if x.earlier {
			k[1] = 1
		}
		for _, r := range x.by {
			k = binary.LittleEndian.AppendUint32(k, uint32(r))
		}
		labels[i] = labelled{x.b, string(k)}
		kinds[string(k)] = x
	}
	labels = mergeLabelled(labels)
	out := make([]piece, len(labels))
	for i, l := range labels {
		out[i] = kinds[l.label]
		out[i].b = l.b
	}
	return out
}

func (x *piece) verdict() Verdict {
	switch x.could {
	case couldPermit:
		return Permit
	case couldDeny:
		return Deny
	}
	return Undecided
}

// deciders are the rules of a piece, each once.
func (e *evaluation) deciders(x *piece) []*Rule {
	var out []*Rule
	for _, id := range x.by {
		if r := e.rules[id]; !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	if told := slices.DeleteFunc(slices.Clone(out), func(r *Rule) bool { return r.Line == 0 && r.Action == DoPermit }); len(told) > 0 {
		return told // what passes by itself beside a rule says nothing
	}
	return out[:min(1, len(out))]
}

// fates turns pieces into sets of packets, in the order of the rules.
func (e *evaluation) fates(pieces []piece) []Fate {
	type group struct {
		Fate
		order []int32
	}
	at := map[string]int{}
	var groups []group
	for i := range pieces {
		x := &pieces[i]
		k := []byte{byte(x.verdict())}
		for _, r := range x.by {
			k = binary.LittleEndian.AppendUint32(k, uint32(r))
		}
		g, ok := at[string(k)]
		if !ok {
			g = len(groups)
			at[string(k)] = g
			groups = append(groups, group{Fate{Verdict: x.verdict(), By: e.deciders(x)}, x.by})
		}
		groups[g].Packets = append(groups[g].Packets, e.s.match(x.b))
	}
	slices.SortStableFunc(groups, func(a, b group) int {
		return cmp.Or(slices.Compare(a.order, b.order), cmp.Compare(a.Verdict, b.Verdict))
	})
	out := make([]Fate, len(groups))
	for i := range groups {
		out[i] = groups[i].Fate
		sortMatches(out[i].Packets)
	}
	return out
}

// sortMatches puts sets of packets in order.
func sortMatches(list []Match) {
	slices.SortFunc(list, func(a, b Match) int {
		for d := range dims {
			if c := slices.CompareFunc(a[d], b[d], func(x, y span) int { return cmp.Or(x.lo.cmp(y.lo), x.hi.cmp(y.hi)) }); c != 0 {
				return c
			}
		}
		return 0
	})
}

package attackgraph

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Reach is whether something can be had, in three values.
type Reach string

// The values. Yes rests on what was declared or seen alone; undecided needs
// something that nobody has seen.
const (
	Yes       Reach = "yes"
	Undecided Reach = "undecided"
	No        Reach = "no"
)

// Measure is what makes one way better than another.
type Measure string

// The measures.
const (
	Likeliest Measure = "likeliest"
	Cheapest  Measure = "cheapest" // in days of effort
)

// Answer is the ways from where the attacker starts to a target.
type Answer struct {
	From    []string `json:"from"`
	Target  string   `json:"target"`
	Reach   Reach    `json:"reach"`
	Unsure  []string `json:"unsure,omitempty"` // what an undecided answer rests on that nobody has seen
	Measure Measure  `json:"measure"`
	Paths   []Path   `json:"paths"`
	More    bool     `json:"more"` // there are further paths, which were not asked for
}

// Path is one way, from the start to the target.
type Path struct {
	Chance Range     `json:"chance"` // that all of it succeeds in one serious try; each condition counted once
	Effort float64   `json:"effort"` // days, middle of the ranges
	Unsure bool      `json:"unsure"` // rests on something that nobody has seen
	Oldest time.Time `json:"oldest,omitzero"`
	Moves  []Move    `json:"moves"`
	Breaks []string  `json:"breaks"` // changes of which any one takes this path away
	Alike  int       `json:"alike"`  // further paths by the same rules, broken by as many changes of the same kinds, as far as was looked
	cost   float64
}

// Move is one step of a path.
type Move struct {
	Rule      string    `json:"rule,omitempty"`
	Technique string    `json:"technique,omitempty"`
	Text      string    `json:"text"`
	Gains     Atom      `json:"-"`
	Gain      string    `json:"gain"`   // the atom gained
	Things    []string  `json:"things"` // ids of assets, zones, areas, conduits in it
	Chance    Range     `json:"chance"`
	Basis     string    `json:"basis,omitempty"` // of the rule's own chance
	Evidence  []Support `json:"evidence"`        // what it rests on
	Breaks    []string  `json:"breaks,omitempty"`
}

// Support is a statement that a move rests on.
type Support struct {
	Statement string    `json:"statement"`
	Origin    string    `json:"origin"`
	Text      string    `json:"text,omitempty"`
	Where     string    `json:"where,omitempty"`
	Seen      time.Time `json:"seen,omitzero"`
	Unsure    bool      `json:"unsure,omitempty"`
	Chance    Range     `json:"chance"`
	Change    string    `json:"change,omitempty"`
}

// Target is the atom of what is asked about: "down(x)" for a service, and
// "commands(x)" for an asset.
func (m *Model) Target(id string) (Atom, error) {
	for _, a := range []Atom{A("service", id), A("asset", id), A("zone", id)} {
		if _, ok := m.find(a); ok {
			switch a.Predicate {
			case "service":
				return A("down", id), nil
			case "asset":
				return A("commands", id), nil
			}
			return A("at-zone", id), nil
		}
	}
	return Atom{}, fmt.Errorf("%q is no asset, service or zone of the port file", id)
}

func (m *Model) find(a Atom) (FactID, bool) {
	r := m.relations[a.Predicate]
	if r == nil || r.arity != len(a.Args) {
		return 0, false
	}
	row := make([]int32, len(a.Args))
	for i, s := range a.Args {
		id, ok := m.symbols[s]
		if !ok {
			return 0, false
		}
		row[i] = id
	}
	f, ok := r.known[rowKey(row)]
	return f, ok
}

// Single ways that are looked at for k kinds of ways, and changes that are tried
// for more kinds where they are all alike.
const (
	asked = 200
	tried = 60
)

// Ask returns the k best kinds of ways to a target from the entries of From: of
// ways that differ only in which of many like devices they lead over, the best
// one is told, and how many were seen to be Alike. Where the best ways are all
// alike, further kinds are those that are best when a change breaks a way told
// before. The model must be up to date; it is so again after.
func (m *Model) Ask(ctx context.Context, target Atom, by Measure, k int) (*Answer, error) {
	a := &Answer{From: m.from, Target: target.String(), Reach: m.Reach(target), Measure: by, Paths: []Path{}}
	f, ok := m.find(target)
	if !ok {
		return a, nil
	}
	q := &asking{m: m, g: m.likely, target: f, k: k, kinds: map[string]int{}, a: a}
	if by == Cheapest {
		q.g = m.effort
	}
	if err := q.ways(ctx, asked+k); err != nil {
		return nil, err
	}
	for next, left := 0, tried; next < len(a.Paths) && len(a.Paths) < k && q.many; next++ {
		for _, c := range a.Paths[next].Breaks {
			if left--; left < 0 || len(a.Paths) >= k {
				break
			}
			if err := m.Try([]string{c}, func() error { return q.ways(ctx, 1) }); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(a.Paths, func(x, y Path) int {
		if by == Cheapest {
			return cmp.Compare(x.cost, y.cost)
		}
		return cmp.Compare(y.Chance[1], x.Chance[1])
	})
	if a.Reach == Undecided && len(a.Paths) > 0 {
		for _, move := range a.Paths[0].Moves {
			for _, s := range move.Evidence {
				if text := s.Statement + ": " + s.Text; s.Unsure && !slices.Contains(a.Unsure, text) {
					a.Unsure = append(a.Unsure, text)
				}
			}
		}
	}
	return a, nil
}

// Reach tells whether the target can be had from the entries at all.
func (m *Model) Reach(target Atom) Reach {
	f, ok := m.find(target)
	switch {
	case !ok || m.likely.Cost(f) == Unreached:
		return No
	case m.sure.Cost(f) == Unreached:
		return Undecided
	}
	return Yes
}

// asking gathers kinds of ways.
type asking struct {
	m      *Model
	g      *Graph
	target FactID
	k      int
	kinds  map[string]int // to its place among the paths, -1 where there was no place for it
	many   bool           // there were more ways than were looked at
	a      *Answer
}

// ways looks at the n best ways as the model stands.
func (q *asking) ways(ctx context.Context, n int) error {
	ways, err := q.g.Ways(ctx, q.target, n)
	if err != nil {
		return err
	}
	if len(ways) == n {
		q.many, q.a.More = true, true
	}
	for _, w := range ways {
		kind := q.m.kindOf(q.g, w)
		at, known := q.kinds[kind]
		switch {
		case known && at >= 0:
			q.a.Paths[at].Alike++
		case known:
		case len(q.a.Paths) == q.k:
			q.kinds[kind], q.a.More = -1, true
		default:
			q.kinds[kind] = len(q.a.Paths)
			q.a.Paths = append(q.a.Paths, q.m.path(q.g, w))
		}
	}
	return nil
}

// kindOf names what a way has in common with those that differ in single
// devices only: its rules, and the zones, conduits and doors that it passes.
func (m *Model) kindOf(g *Graph, w Way) string {
	var b strings.Builder
	for _, s := range w.Steps {
		if r := m.steps[s].rule; r != nil {
			b.WriteString(r.ID)
		}
		switch a := m.facts[g.Post(s)].atom; a.Predicate {
		case "at-zone", "stands", "down":
			b.WriteString(a.String())
		}
		for _, pre := range g.Pre(s)[1:] {
			switch a := m.facts[pre].atom; a.Predicate {
			case "open", "rule", "door":
				b.WriteString(a.String())
			}
		}
		b.WriteByte('/')
	}
	return b.String()
}

// path puts a way in words. Chances are multiplied over what is different in
// the whole derivation, so that what two steps share counts once.
func (m *Model) path(g *Graph, w Way) Path {
	p := Path{Chance: Range{1, 1}, Breaks: []string{}, cost: w.Cost}
	seen := map[StepID]bool{}
	given := map[FactID]bool{}
	for _, s := range w.Steps {
		p.Moves = append(p.Moves, m.move(g, s, &p, seen, given))
	}
	slices.Sort(p.Breaks)
	p.Breaks = slices.Compact(p.Breaks)
	return p
}

func (m *Model) move(g *Graph, s StepID, p *Path, seen map[StepID]bool, given map[FactID]bool) Move {
	t := &m.steps[s]
	mv := Move{Text: t.title, Chance: Range{1, 1}, Evidence: []Support{}}
	mv.Gains = m.facts[g.Post(s)].atom
	mv.Gain = mv.Gains.String()
	mv.Things = append(mv.Things, mv.Gains.Args...)
	if t.rule != nil {
		mv.Rule, mv.Technique, mv.Basis = t.rule.ID, t.rule.Technique, t.rule.Basis
		mv.Text = m.words(t)
		for i := range t.rule.vars {
			mv.Things = append(mv.Things, m.names[t.binding[i]])
		}
	}
	slices.Sort(mv.Things)
	mv.Things = slices.Compact(mv.Things)
	m.count(g, s, p, &mv, seen)
	for _, pre := range g.Pre(s)[1:] {
		m.side(g, pre, p, &mv, seen, given)
	}
	slices.Sort(mv.Breaks)
	mv.Breaks = slices.Compact(mv.Breaks)
	p.Breaks = append(p.Breaks, mv.Breaks...)
	return mv
}

// count multiplies the chance of a step into the path and the move, once.
func (m *Model) count(g *Graph, s StepID, p *Path, mv *Move, seen map[StepID]bool) {
	if seen[s] {
		return
	}
	seen[s] = true
	if r := m.steps[s].rule; r != nil {
		mv.Chance, p.Chance = times(mv.Chance, r.Chance), times(p.Chance, r.Chance)
		p.Effort += (r.Effort[0] + r.Effort[1]) / 2
	}
}

func times(a, b Range) Range { return Range{a[0] * b[0], a[1] * b[1]} }

// side adds what a condition of a move rests on.
func (m *Model) side(g *Graph, f FactID, p *Path, mv *Move, seen map[StepID]bool, given map[FactID]bool) {
	steps, base := g.Derivation(f)
	for _, s := range steps {
		m.count(g, s, p, mv, seen)
	}
	for _, b := range base {
		x := m.facts[b].given
		if x == nil {
			continue // an entry
		}
		statement := x.Atom.String()
		mv.Evidence = append(mv.Evidence, Support{Statement: statement, Origin: x.Origin, Text: x.Text, Where: x.Where, Seen: x.Seen, Unsure: x.Unsure, Chance: x.Chance, Change: x.Change})
		if x.Change != "" {
			mv.Breaks = append(mv.Breaks, x.Change)
		}
		if given[b] {
			continue
		}
		given[b] = true
		mv.Chance, p.Chance = times(mv.Chance, x.Chance), times(p.Chance, x.Chance)
		p.Effort += x.Effort
		p.Unsure = p.Unsure || x.Unsure
		if !x.Seen.IsZero() && (p.Oldest.IsZero() || x.Seen.Before(p.Oldest)) {
			p.Oldest = x.Seen
		}
	}
}

// words fills a rule's title.
func (m *Model) words(t *taken) string {
	text := t.rule.Title
	for i, v := range t.rule.vars {
		text = strings.ReplaceAll(text, "{"+v+"}", m.names[t.binding[i]])
	}
	return text
}

// Remedy is the cheapest set of changes that leaves no way to a target.
type Remedy struct {
	Changes []string `json:"changes"`
	Price   float64  `json:"price"`
	Bound   float64  `json:"bound"` // no set costs less
	Proven  bool     `json:"proven"`
}

// Separate returns the cheapest set of changes that takes every way to the
// targets away, at a price for each change (nil: each costs 1; a price of
// Unreached: not to be had). ErrNoCut where nothing does.
func (m *Model) Separate(ctx context.Context, targets []Atom, price func(change string) float64) (*Remedy, error) {
	by := map[string][]FactID{}
	for g := range m.given {
		f := m.given[g]
		if c := m.facts[f].given.Change; c != "" && m.likely.facts[f].base != Unreached {
			by[c] = append(by[c], f)
		}
	}
	names := make([]string, 0, len(by))
	for c := range by {
		names = append(names, c)
	}
	slices.Sort(names)
	var changes []Change
	kept := names[:0]
	for _, c := range names {
		cost := 1.0
		if price != nil {
			cost = price(c)
		}
		if math.IsInf(cost, 1) {
			continue
		}
		slices.Sort(by[c])
		changes, kept = append(changes, Change{Price: cost, Facts: by[c]}), append(kept, c)
	}
	var ids []FactID
	for _, t := range targets {
		if f, ok := m.find(t); ok {
			ids = append(ids, f)
		}
	}
	set, err := m.likely.Changes(ctx, ids, changes)
	if err != nil {
		return nil, err
	}
	out := &Remedy{Changes: []string{}, Price: set.Price, Bound: set.Bound, Proven: set.Proven}
	for _, c := range set.Changes {
		out.Changes = append(out.Changes, kept[c])
	}
	return out, nil
}

// Try makes changes, calls ask, and takes them back: what if.
func (m *Model) Try(changes []string, ask func() error) error {
	var off []FactID
	for _, f := range m.given {
		if slices.Contains(changes, m.facts[f].given.Change) && m.likely.facts[f].base != Unreached {
			off = append(off, f)
		}
	}
	slices.Sort(off)
	for _, f := range off {
		if err := m.base(f, nil); err != nil {
			return err
		}
	}
	if err := m.Update(); err != nil {
		return err
	}
	asked := ask()
	for _, f := range off {
		if err := m.base(f, m.facts[f].given); err != nil {
			return err
		}
	}
	return joined(asked, m.Update())
}

// ChokePoints are the positions that most of the likeliest walks pass.
func (m *Model) ChokePoints(samples, most int, seed uint64) []ChokePoint {
	out := []ChokePoint{}
	for _, c := range m.likely.Betweenness(samples, most, seed) {
		if a := m.facts[c.Fact].atom; a.Predicate != "" {
			out = append(out, ChokePoint{Position: a.String(), Things: a.Args, Share: c.Share, Error: c.Error})
		}
	}
	return out
}

// ChokePoint is a position with the share of walks that pass it.
type ChokePoint struct {
	Position string   `json:"position"`
	Things   []string `json:"things"`
	Share    float64  `json:"share"`
	Error    float64  `json:"error"`
}

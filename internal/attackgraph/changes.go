package attackgraph

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// Change is something that can be done: it takes facts and steps away together
// (closing a conduit, patching a device, taking back a badge).
type Change struct {
	Price float64 // above 0
	Facts []FactID
	Steps []StepID
}

// ChangeSet is the cheapest set of changes that leaves no way to the targets.
type ChangeSet struct {
	Changes []int // indices into the changes asked about
	Price   float64
	// Bound is proven: no set of changes that separates is cheaper. It is Price
	// where Proven.
	Bound  float64
	Proven bool
	// Ways are derivations that each need one of the changes: with them alone the
	// price can be checked to be the least (each row the changes that break one).
	Ways [][]int
}

// Changes returns the cheapest set of changes that takes away every way to the
// targets, conditions of steps included. It asks for the cheapest set that
// breaks every derivation found so far, looks whether another one is left, and
// so on: the last answer is exact (implicit hitting set, Karp 2013). When the
// context ends first, the set is one that separates but perhaps not the
// cheapest, with the bound reached. ErrNoCut where all changes together do not
// separate.
func (g *Graph) Changes(ctx context.Context, targets []FactID, changes []Change) (*ChangeSet, error) {
	for i, c := range changes {
		if !(c.Price > 0) || math.IsInf(c.Price, 0) {
			return nil, fmt.Errorf("%w: change %d has price %v", ErrGraph, i, c.Price)
		}
	}
	by := index(g, changes)
	all := make([]bool, len(changes))
	for i := range all {
		all[i] = true
	}
	if by.derive(g, targets, changes, all) != nil {
		return nil, ErrNoCut
	}
	out := new(ChangeSet)
	for {
		chosen, price, proven := hit(ctx, changes, out.Ways)
		if proven {
			out.Bound = price
		}
		on := make([]bool, len(changes))
		for _, c := range chosen {
			on[c] = true
		}
		found := by.apart(g, targets, changes, slices.Clone(on))
		if len(found) == 0 {
			out.Changes, out.Price, out.Proven = chosen, price, proven
			return out, nil
		}
		out.Ways = append(out.Ways, found...)
		select {
		case <-ctx.Done(): // an answer that is not proven says so, which is no failure
			out.Changes, out.Price = by.complete(g, targets, changes, on)
			return out, nil
		default:
		}
	}
}

// apart finds derivations that are left when the chosen changes are made, each
// broken by none of the changes that break the ones before it: the more rows at
// once, the fewer rounds.
func (b *breakers) apart(g *Graph, targets []FactID, changes []Change, on []bool) (rows [][]int) {
	for {
		row := b.derive(g, targets, changes, on)
		if row == nil {
			return rows
		}
		rows = append(rows, row)
		for _, c := range row {
			on[c] = true
		}
	}
}

// complete takes more changes until nothing is left, and gives up those that
// turn out not to be needed: a set that separates, perhaps not the cheapest.
func (b *breakers) complete(g *Graph, targets []FactID, changes []Change, on []bool) (chosen []int, price float64) {
	for {
		way := b.derive(g, targets, changes, on)
		if way == nil {
			break
		}
		on[slices.MinFunc(way, func(a, b int) int { return cmp.Compare(changes[a].Price, changes[b].Price) })] = true
	}
	for c := range on {
		if on[c] {
			on[c] = false
			if b.derive(g, targets, changes, on) != nil {
				on[c] = true
				chosen, price = append(chosen, c), price+changes[c].Price
			}
		}
	}
	return chosen, price
}

// breakers tells which changes take a fact or step away.
type breakers struct {
	fact map[FactID][]int
	step map[StepID][]int
}

func index(g *Graph, changes []Change) *breakers {
	b := &breakers{fact: map[FactID][]int{}, step: map[StepID][]int{}}
	for i, c := range changes {
		for _, f := range c.Facts {
			b.fact[f] = append(b.fact[f], i)
		}
		for _, s := range c.Steps {
			b.step[s] = append(b.step[s], i)
		}
	}
	return b
}

// derive finds a derivation of a target that is left when the chosen changes
// are made, and returns the changes that would break it; nil where none is
// left. It prefers facts and steps that no change breaks, so that rows are
// short.
func (b *breakers) derive(g *Graph, targets []FactID, changes []Change, on []bool) []int {
	goneFact, goneStep := make([]bool, len(g.facts)), make([]bool, len(g.steps))
	for i := range changes {
		if on[i] {
			for _, f := range changes[i].Facts {
				goneFact[f] = true
			}
			for _, s := range changes[i].Steps {
				goneStep[s] = true
			}
		}
	}
	cost, via := g.sweep(goneFact, goneStep, func(f FactID) float64 { return float64(len(b.fact[f])) }, func(s StepID) float64 { return float64(len(b.step[s])) })
	best := -1
	for i, t := range targets {
		if cost[t] < Unreached && (best < 0 || cost[t] < cost[targets[best]]) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	row := map[int]bool{}
	seen := map[FactID]bool{targets[best]: true}
	for stack := []FactID{targets[best]}; len(stack) > 0; {
		f := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, c := range b.fact[f] {
			row[c] = true
		}
		if via[f] == none {
			continue
		}
		for _, c := range b.step[via[f]] {
			row[c] = true
		}
		for _, p := range g.Pre(via[f]) {
			if !seen[p] {
				seen[p] = true
				stack = append(stack, p)
			}
		}
	}
	out := make([]int, 0, len(row))
	for c := range row {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}

// sweep finds cheapest derivations at other costs, without facts and steps.
func (g *Graph) sweep(goneFact, goneStep []bool, factCost func(FactID) float64, stepCost func(StepID) float64) (cost []float64, via []StepID) {
	cost, via = make([]float64, len(g.facts)), make([]StepID, len(g.facts))
	left, sum := make([]int32, len(g.steps)), make([]float64, len(g.steps))
	for i := range g.steps {
		left[i] = g.steps[i].count
	}
	done := make([]bool, len(g.facts))
	var h heap
	for f := range g.facts {
		cost[f], via[f] = Unreached, none
		if g.facts[f].base != Unreached && !goneFact[f] {
			cost[f] = factCost(FactID(f))
			h.push(cost[f], int32(f))
		}
	}
	for h.len() > 0 {
		c, id := h.pop()
		f := FactID(id)
		if done[f] || c != cost[f] {
			continue
		}
		done[f] = true
		for _, s := range g.facts[f].uses {
			sum[s] += c
			if left[s]--; left[s] > 0 || goneStep[s] || g.steps[s].cost == Unreached {
				continue
			}
			post := g.steps[s].post
			if x := sum[s] + stepCost(s) + factCost(post); x < cost[post] && !goneFact[post] && !done[post] {
				cost[post], via[post] = x, s
				h.push(x, int32(post))
			}
		}
	}
	return cost, via
}

// hit returns the cheapest set of changes that has one of every row, by branch
// and bound; proven unless the context ended.
func hit(ctx context.Context, changes []Change, rows [][]int) (best []int, price float64, proven bool) {
	h := &hitter{changes: changes, ctx: ctx, price: math.Inf(1)}
	h.reduce(rows)
	h.greedy()
	h.search(make([]int8, len(changes)), nil, 0)
	slices.Sort(h.best)
	return h.best, h.price, !h.cut
}

type hitter struct {
	changes []Change
	rows    [][]int
	ctx     context.Context
	best    []int
	price   float64
	nodes   int
	cut     bool
}

// reduce drops what can't matter: rows that hold another row, and changes that
// are in no row in which a change that costs no more is not.
func (h *hitter) reduce(rows [][]int) {
	for changed := true; changed; {
		changed = false
		rows = minimal(rows)
		in := map[int][]int{}
		for i, r := range rows {
			for _, c := range r {
				in[c] = append(in[c], i)
			}
		}
		drop := map[int]bool{}
		for _, r := range rows {
			for _, c := range r {
				for _, d := range r {
					if c == d || drop[c] || drop[d] || h.changes[d].Price > h.changes[c].Price || !subset(in[c], in[d]) {
						continue
					}
					if len(in[c]) == len(in[d]) && h.changes[d].Price == h.changes[c].Price && d > c {
						continue // alike: the first stays
					}
					drop[c], changed = true, true
				}
			}
		}
		for i, r := range rows {
			rows[i] = slices.DeleteFunc(slices.Clone(r), func(c int) bool { return drop[c] })
		}
	}
	h.rows = rows
}

// minimal returns the rows that hold no other row, the short ones first.
func minimal(rows [][]int) (out [][]int) {
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b []int) int { return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(a, b)) })
	for _, r := range sorted {
		if !slices.ContainsFunc(out, func(o []int) bool { return subset(o, r) }) {
			out = append(out, r)
		}
	}
	return out
}

// subset reports whether every one of a is in b; both ascend.
func subset(a, b []int) bool {
	for _, x := range a {
		i, ok := slices.BinarySearch(b, x)
		if !ok {
			return false
		}
		b = b[i+1:]
	}
	return true
}

// greedy takes the change that breaks the most rows for its price, and so on.
func (h *hitter) greedy() {
	state := make([]int8, len(h.changes))
	var chosen []int
	total := 0.0
	for {
		count := make([]int, len(h.changes))
		for _, r := range h.rows {
			if !slices.ContainsFunc(r, func(c int) bool { return state[c] > 0 }) {
				for _, c := range r {
					count[c]++
				}
			}
		}
		at, most := -1, 0.0
		for c := range h.changes {
			if v := float64(count[c]) / h.changes[c].Price; v > most {
				at, most = c, v
			}
		}
		if at < 0 {
			h.best, h.price = chosen, total
			return
		}
		state[at] = 1
		chosen, total = append(chosen, at), total+h.changes[at].Price
	}
}

// search decides the open row with the fewest choices, change by change. State
// is 1 chosen, -1 ruled out.
func (h *hitter) search(state []int8, chosen []int, price float64) {
	if h.nodes++; h.nodes%256 == 0 && h.ctx.Err() != nil {
		h.cut = true
	}
	if h.cut {
		return
	}
	row, bound := h.open(state)
	if row == nil {
		if price < h.price {
			h.best, h.price = slices.Clone(chosen), price
		}
		return
	}
	if price+bound >= h.price*(1-1e-12) {
		return
	}
	count := map[int]int{}
	for _, r := range h.rows {
		if !slices.ContainsFunc(r, func(c int) bool { return state[c] == 1 }) {
			for _, c := range r {
				count[c]++
			}
		}
	}
	free := slices.DeleteFunc(slices.Clone(row), func(c int) bool { return state[c] != 0 })
	slices.SortStableFunc(free, func(a, b int) int {
		return cmp.Compare(float64(count[b])/h.changes[b].Price, float64(count[a])/h.changes[a].Price)
	})
	for _, c := range free {
		state[c] = 1
		h.search(state, append(chosen, c), price+h.changes[c].Price)
		state[c] = -1
	}
	for _, c := range free {
		state[c] = 0
	}
}

// open returns the open row with the fewest choices, and what at least must be
// paid for all open rows: rows, the ones with fewest choices first, take turns
// to raise a price that each change bounds (dual ascent).
func (h *hitter) open(state []int8) (row []int, bound float64) {
	slack := make([]float64, len(h.changes))
	for c := range slack {
		slack[c] = h.changes[c].Price
	}
	type candidate struct{ at, choices int }
	var open []candidate
	for i, r := range h.rows {
		n, hit := 0, false
		for _, c := range r {
			switch state[c] {
			case 1:
				hit = true
			case 0:
				n++
			}
		}
		if hit {
			continue
		}
		if n == 0 {
			return r, math.Inf(1)
		}
		open = append(open, candidate{i, n})
	}
	slices.SortStableFunc(open, func(a, b candidate) int { return cmp.Compare(a.choices, b.choices) })
	for i, o := range open {
		r := h.rows[o.at]
		if i == 0 {
			row = r
		}
		least := math.Inf(1)
		for _, c := range r {
			if state[c] == 0 {
				least = min(least, slack[c])
			}
		}
		bound += least
		for _, c := range r {
			if state[c] == 0 {
				slack[c] -= least
			}
		}
	}
	return row, bound
}

package attackgraph

import (
	pqueue "container/heap"
	"context"
	"fmt"
	"slices"
)

// Way is a walk to a target: where it starts, and its steps in order. The
// conditions of its steps other than the positions walked through are met by
// their own cheapest ways, whose cost is in it.
type Way struct {
	Start FactID
	Steps []StepID
	Cost  float64
}

// MaxWays bounds how many ways are asked for at once.
const MaxWays = 10_000

// Ways returns the k cheapest walks to a target that pass no position twice, in
// order of cost; fewer where there are no more. The split into parts is of
// Murty 1968 and Lawler 1972, each searched towards the entries with the known
// cheapest costs as exact estimate. The graph must be up to date. When the
// context ends first, what was found is returned with its error.
func (g *Graph) Ways(ctx context.Context, target FactID, k int) ([]Way, error) {
	if target < 0 || int(target) >= len(g.facts) {
		return nil, fmt.Errorf("%w: target %d of %d facts", ErrGraph, target, len(g.facts))
	}
	if k < 1 || k > MaxWays {
		return nil, fmt.Errorf("%w: %d ways: from 1 to %d", ErrGraph, k, MaxWays)
	}
	s := &waySearch{g: g, seen: make([]uint32, len(g.facts)), cost: make([]float64, len(g.facts)), by: make([]StepID, len(g.facts)), next: make([]FactID, len(g.facts))}
	var open parts
	if w, ok := s.best(part{target: target}); ok {
		open = append(open, w)
	}
	var out []Way
	for len(open) > 0 && len(out) < k {
		if err := ctx.Err(); err != nil {
			return out, fmt.Errorf("%d of %d ways found: %w", len(out), k, err)
		}
		p := pqueue.Pop(&open).(part)
		out = append(out, p.way(g))
		for i := len(p.prefix); i < len(p.moves); i++ {
			q := part{target: target, prefix: p.moves[:i], banned: []StepID{p.moves[i]}}
			if i == len(p.prefix) {
				q.banned = append(q.banned, p.banned...)
			}
			if w, ok := s.best(q); ok {
				pqueue.Push(&open, w)
			}
		}
	}
	return out, nil
}

// stop is the move that ends a walk, seen from the target: the position is a
// base fact.
const stop = none

// part is the walks that end with the moves of prefix (from the target
// backwards) and go on with none of banned; moves is the cheapest of them.
type part struct {
	target         FactID
	prefix, banned []StepID
	moves          []StepID
	cost           float64
}

func (p part) way(g *Graph) Way {
	w := Way{Start: p.target, Cost: p.cost}
	for _, m := range p.moves {
		if m != stop {
			w.Steps = append(w.Steps, m)
			w.Start = g.steps[m].from
		}
	}
	slices.Reverse(w.Steps)
	return w
}

type parts []part

func (p parts) Len() int { return len(p) }
func (p parts) Less(i, j int) bool {
	if p[i].cost != p[j].cost {
		return p[i].cost < p[j].cost
	}
	if len(p[i].moves) != len(p[j].moves) {
		return len(p[i].moves) < len(p[j].moves)
	}
	return slices.Compare(p[i].moves, p[j].moves) < 0
}
func (p parts) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *parts) Push(x any)   { *p = append(*p, x.(part)) }
func (p *parts) Pop() any {
	old := *p
	x := old[len(old)-1]
	*p = old[:len(old)-1]
	return x
}

// waySearch holds what one search needs, used again by the next.
type waySearch struct {
	g     *Graph
	round uint32
	seen  []uint32 // round*2 where open, round*2+1 where closed
	cost  []float64
	by    []StepID // the move that led there, seen from the target
	next  []FactID // the position it was made from
	heap  heap

	stopAt   FactID // where the cheapest walk of this round starts, and its cost
	stopCost float64
}

// walkCost is what a step adds to a walk: its own cost and that of its conditions.
func (g *Graph) walkCost(s StepID) float64 {
	pre := g.Pre(s)
	sum := g.steps[s].cost
	for _, f := range pre[1:] {
		sum += g.cost[f]
	}
	return sum
}

// best finds the cheapest walk of a part.
func (s *waySearch) best(p part) (part, bool) {
	s.round++
	opened, closed := 2*s.round, 2*s.round+1
	from, spent := p.target, 0.0
	for _, m := range p.prefix {
		s.seen[from] = closed
		spent += s.g.walkCost(m)
		from = s.g.steps[m].from
	}
	s.heap.cost, s.heap.id = s.heap.cost[:0], s.heap.id[:0]
	s.stopCost = Unreached
	s.cost[from], s.seen[from] = spent, opened
	s.heap.push(spent+s.g.cost[from], int32(from))
	for s.heap.len() > 0 {
		_, id := s.heap.pop()
		if id == goal {
			return s.found(p, from), true
		}
		f := FactID(id)
		if s.seen[f] == closed {
			continue
		}
		s.seen[f] = closed
		var banned []StepID
		if f == from {
			banned = p.banned
		}
		s.expand(f, banned, opened, closed)
	}
	return p, false
}

// goal stands in the queue for the end of a walk.
const goal = -1

// expand makes every move from a position towards the entries.
func (s *waySearch) expand(f FactID, banned []StepID, opened, closed uint32) {
	spent := s.cost[f]
	if base := s.g.facts[f].base; spent+base < s.stopCost && !slices.Contains(banned, stop) {
		s.stopAt, s.stopCost = f, spent+base
		s.heap.push(spent+base, goal)
	}
	for _, m := range s.g.facts[f].from {
		to := s.g.steps[m].from
		if s.seen[to] == closed || s.g.cost[to] == Unreached || slices.Contains(banned, m) {
			continue
		}
		c := spent + s.g.walkCost(m)
		if c == Unreached {
			continue
		}
		if s.seen[to] != opened || c < s.cost[to] || c == s.cost[to] && m < s.by[to] {
			s.seen[to], s.cost[to], s.by[to], s.next[to] = opened, c, m, f
			s.heap.push(c+s.g.cost[to], int32(to))
		}
	}
}

// found reads the walk back from where it starts.
func (s *waySearch) found(p part, from FactID) part {
	p.cost = s.stopCost
	moves := []StepID{stop}
	for f := s.stopAt; f != from; f = s.next[f] {
		moves = append(moves, s.by[f])
	}
	slices.Reverse(moves)
	p.moves = append(slices.Clone(p.prefix), moves...)
	return p
}

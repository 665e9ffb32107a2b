// Package attackgraph holds how an attacker moves through IT, OT and physical
// security: what is known to be so (base facts, each with its evidence), the
// rules by which one gain leads to the next, and the answers: likeliest and
// cheapest ways, what separates an entry from a target, choke points, and
// whether something can be reached at all, as yes, no or undecided. It imports
// port and finding; risk, report and the faces import it.
//
// The graph is monotone: what is gained is kept, so steps never undo each other
// (Ammann, Wijesekera and Kaushik 2002; MulVAL, Ou, Govindavajhala and Appel
// 2005). A fact holds if it is a base fact or any step leads to it; a step can
// be taken when all its conditions hold. Costs add up over conditions, so the
// cheapest derivation is found in the order of cost (Knuth 1977), and a change
// touches only what depends on it (Ramalingam and Reps 1996). A condition that
// two branches of a derivation share is counted in both, which makes such a way
// dearer than it is, never cheaper.
package attackgraph

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// FactID names a fact in a Graph.
type FactID int32

// StepID names a step in a Graph.
type StepID int32

// Unreached is the cost of what can't be had.
var Unreached = math.Inf(1)

// ErrGraph is wrapped by every error about something that the graph can't hold.
var ErrGraph = errors.New("not a possible part of the attack graph")

// Graph is facts and steps with a cost each, under one measure, and the cheapest
// way to each fact. It is used from one goroutine. Costs are changed with Base,
// Price and Remove; Update then brings the ways up to date.
//
// A cost is at least 0: −ln p for the likeliest way, days of effort for the
// cheapest.
type Graph struct {
	facts []fact
	cost  []float64 // by fact: of the cheapest way
	via   []StepID  // by fact: the step of that way, none where it is the base fact or unreached
	steps []step
	pres  []FactID // of all steps, one after the other

	heap    heap
	changed []FactID // whose own cost or steps changed since Update
	touched []FactID // scratch of Update
	mark    []bool   // by fact: in touched
}

type fact struct {
	base float64  // its cost as a base fact, Unreached where it is none
	uses []StepID // steps that have it as a condition, once for each time
	from []StepID // steps that lead to it
}

type step struct {
	cost         float64 // Unreached where removed
	from, post   FactID  // from is the first condition: where the attacker comes from
	first, count int32   // conditions in pres, from among them
}

const none StepID = -1

// Fact adds a fact that does not hold by itself.
func (g *Graph) Fact() FactID {
	g.facts = append(g.facts, fact{base: Unreached})
	g.cost, g.via = append(g.cost, Unreached), append(g.via, none)
	g.mark = append(g.mark, false)
	return FactID(len(g.facts) - 1)
}

// Facts and Steps are how many there are; removed steps count.
func (g *Graph) Facts() int { return len(g.facts) }

// Steps is how many steps there are; removed ones count.
func (g *Graph) Steps() int { return len(g.steps) }

// Step adds a step: when all of pre hold, post can be gained at a cost. The
// first of pre is the position that the attacker moves on from; the others are
// conditions of the move.
func (g *Graph) Step(cost float64, post FactID, pre ...FactID) (StepID, error) {
	if !(cost >= 0) || len(pre) == 0 {
		return none, fmt.Errorf("%w: a step of cost %v with %d conditions", ErrGraph, cost, len(pre))
	}
	for _, f := range append([]FactID{post}, pre...) {
		if f < 0 || int(f) >= len(g.facts) {
			return none, fmt.Errorf("%w: a step with fact %d of %d", ErrGraph, f, len(g.facts))
		}
	}
	id := StepID(len(g.steps))
	g.steps = append(g.steps, step{cost: cost, from: pre[0], post: post, first: int32(len(g.pres)), count: int32(len(pre))})
	g.pres = append(g.pres, pre...)
	for _, f := range pre {
		g.facts[f].uses = append(g.facts[f].uses, id)
	}
	g.facts[post].from = append(g.facts[post].from, id)
	g.change(post)
	return id, nil
}

// Pre is the conditions of a step. The slice belongs to the graph.
func (g *Graph) Pre(s StepID) []FactID {
	st := &g.steps[s]
	return g.pres[st.first : st.first+st.count]
}

// Post is what a step leads to.
func (g *Graph) Post(s StepID) FactID { return g.steps[s].post }

// StepCost is the cost of a step itself.
func (g *Graph) StepCost(s StepID) float64 { return g.steps[s].cost }

// Base makes a fact hold by itself at a cost; Unreached makes it not hold by
// itself.
func (g *Graph) Base(f FactID, cost float64) error {
	if !(cost >= 0) {
		return fmt.Errorf("%w: a base fact of cost %v", ErrGraph, cost)
	}
	if g.facts[f].base != cost {
		g.facts[f].base = cost
		g.change(f)
	}
	return nil
}

// Price changes the cost of a step; Unreached removes it.
func (g *Graph) Price(s StepID, cost float64) error {
	if !(cost >= 0) {
		return fmt.Errorf("%w: a step of cost %v", ErrGraph, cost)
	}
	if g.steps[s].cost != cost {
		g.steps[s].cost = cost
		g.change(g.steps[s].post)
	}
	return nil
}

func (g *Graph) change(f FactID) { g.changed = append(g.changed, f) }

// Cost is the cost of the cheapest way to a fact as of the last Update,
// Unreached where there is none.
func (g *Graph) Cost(f FactID) float64 { return g.cost[f] }

// Via is the last step of the cheapest way; false where the fact is a base fact
// by that way, or unreached.
func (g *Graph) Via(f FactID) (StepID, bool) { return g.via[f], g.via[f] != none }

// through is what a fact costs by a step, at the present costs of its conditions.
func (g *Graph) through(s StepID) float64 {
	st := &g.steps[s]
	sum := st.cost + g.cost[st.from]
	if st.count > 1 {
		for _, f := range g.pres[st.first+1 : st.first+st.count] {
			sum += g.cost[f]
		}
	}
	return sum
}

// Update brings the cheapest ways up to date with what changed, and returns the
// facts whose cost is another now, in order of their numbers.
func (g *Graph) Update() []FactID {
	if len(g.changed) == 0 {
		return nil
	}
	before := g.reset()
	g.settle()
	var out []FactID
	for i, f := range g.touched {
		g.mark[f] = false
		if i >= len(before) || g.cost[f] != before[i] {
			out = append(out, f)
		}
	}
	g.touched, g.changed = g.touched[:0], g.changed[:0]
	slices.Sort(out)
	return out
}

// reset forgets the cost of each fact whose way led over something that
// changed, and queues the best that is left for each. It returns the forgotten
// costs in the order of touched.
func (g *Graph) reset() (before []float64) {
	forget := func(f FactID) {
		if !g.mark[f] {
			g.mark[f] = true
			g.touched = append(g.touched, f)
		}
	}
	for _, f := range g.changed {
		if !g.holds(f) {
			forget(f)
		}
	}
	for i := 0; i < len(g.touched); i++ {
		for _, s := range g.facts[g.touched[i]].uses {
			if post := g.steps[s].post; g.via[post] == s {
				forget(post)
			}
		}
	}
	for _, f := range g.touched {
		before = append(before, g.cost[f])
		g.cost[f], g.via[f] = Unreached, none
	}
	for _, f := range g.touched {
		g.offer(f)
	}
	for _, f := range g.changed {
		if !g.mark[f] {
			g.offer(f)
		}
	}
	return before
}

// holds reports whether the way to a fact still costs what it did.
func (g *Graph) holds(f FactID) bool {
	switch {
	case g.cost[f] == Unreached:
		return true
	case g.via[f] == none:
		return g.facts[f].base == g.cost[f]
	}
	return g.through(g.via[f]) == g.cost[f]
}

// offer queues the best way to a fact over facts that have a cost.
func (g *Graph) offer(f FactID) {
	x := &g.facts[f]
	best, via := g.cost[f], g.via[f]
	if x.base < best {
		best, via = x.base, none
	}
	for _, s := range x.from {
		if c := g.through(s); c < best {
			best, via = c, s
		}
	}
	if best < g.cost[f] {
		g.lower(f, best, via)
	}
}

// lower sets a new cost and queues the fact.
func (g *Graph) lower(f FactID, cost float64, via StepID) {
	g.cost[f], g.via[f] = cost, via
	g.heap.push(cost, int32(f))
}

// settle spreads costs in their order until nothing gets cheaper.
func (g *Graph) settle() {
	for g.heap.len() > 0 {
		cost, i := g.heap.pop()
		f := FactID(i)
		if cost != g.cost[f] {
			continue // it became cheaper since
		}
		if !g.mark[f] {
			g.mark[f] = true
			g.touched = append(g.touched, f)
		}
		for _, s := range g.facts[f].uses {
			if c, post := g.through(s), g.steps[s].post; c < g.cost[post] {
				g.lower(post, c, s)
			}
		}
	}
}

// heap is a heap of costs with four children a place: half the depth of two,
// in the same cache line. Equal costs come in the order of their numbers, so
// that the same graph gives the same ways.
type heap struct {
	cost []float64
	id   []int32
}

func (h *heap) len() int { return len(h.id) }

func (h *heap) before(i, j int) bool {
	return h.cost[i] < h.cost[j] || h.cost[i] == h.cost[j] && h.id[i] < h.id[j]
}

func (h *heap) swap(i, j int) {
	h.cost[i], h.cost[j] = h.cost[j], h.cost[i]
	h.id[i], h.id[j] = h.id[j], h.id[i]
}

func (h *heap) push(cost float64, id int32) {
	h.cost, h.id = append(h.cost, cost), append(h.id, id)
	for i := len(h.id) - 1; i > 0; {
		up := (i - 1) / 4
		if !h.before(i, up) {
			break
		}
		h.swap(i, up)
		i = up
	}
}

func (h *heap) pop() (cost float64, id int32) {
	cost, id = h.cost[0], h.id[0]
	last := len(h.id) - 1
	h.swap(0, last)
	h.cost, h.id = h.cost[:last], h.id[:last]
	for i := 0; ; {
		least := i
		for c := 4*i + 1; c < min(4*i+5, last); c++ {
			if h.before(c, least) {
				least = c
			}
		}
		if least == i {
			return cost, id
		}
		h.swap(i, least)
		i = least
	}
}

// Derivation is the steps of the cheapest way to a fact, each after the steps
// that its conditions need, and the base facts that it rests on.
func (g *Graph) Derivation(f FactID) (steps []StepID, base []FactID) {
	if g.cost[f] == Unreached {
		return nil, nil
	}
	seen := map[FactID]bool{}
	type frame struct {
		f    FactID
		next int
	}
	for stack := []frame{{f, 0}}; len(stack) > 0; {
		top := &stack[len(stack)-1]
		if top.next == 0 {
			if seen[top.f] {
				stack = stack[:len(stack)-1]
				continue
			}
			seen[top.f] = true
		}
		via := g.via[top.f]
		if via == none {
			base = append(base, top.f)
			stack = stack[:len(stack)-1]
			continue
		}
		if pre := g.Pre(via); top.next < len(pre) {
			top.next++
			if c := pre[top.next-1]; !seen[c] {
				stack = append(stack, frame{c, 0})
			}
			continue
		}
		steps = append(steps, via)
		stack = stack[:len(stack)-1]
	}
	return steps, base
}

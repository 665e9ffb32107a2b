package attackgraph

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Fixed is the price of what can't be taken away.
const Fixed = math.MaxInt64 / 4

// Cut is a smallest set of facts and steps whose removal leaves no way from any
// base fact to the targets.
type Cut struct {
	Facts []FactID
	Steps []StepID
	Price int64
}

// ErrNoCut is returned where nothing that may be taken away separates the
// entries from the targets.
var ErrNoCut = errors.New("what may be taken away does not separate the entries from the targets")

// Cut returns the cheapest set of facts and steps that separates every start of
// a walk from the targets, at the prices given (at least 0, Fixed for what must
// stay; nil: all Fixed). It is a minimum cut by Dinitz 1970 over the positions
// walked through; a cut that makes use of conditions (see Changes) can be
// cheaper still. That it separates is proven by removal before it is returned.
func (g *Graph) Cut(targets []FactID, fact func(FactID) int64, step func(StepID) int64) (*Cut, error) {
	live := g.live(targets)
	n := newNetwork(2*len(live.facts), 2*len(live.facts)+len(live.steps)+len(targets))
	for i, f := range live.facts {
		n.join(2*i, 2*i+1, priceOf(fact, f), tag{int32(f), isFact})
	}
	for _, s := range live.steps {
		n.join(2*int(live.place[g.steps[s].from])+1, 2*int(live.place[g.steps[s].post]), priceOf(step, s), tag{int32(s), isStep})
	}
	source, sink := n.add(), n.add()
	for i, f := range live.facts {
		if g.facts[f].base != Unreached {
			n.join(source, 2*i, Fixed, tag{kind: isJoint})
		}
	}
	for _, f := range targets {
		if i := live.place[f]; i >= 0 {
			n.join(2*int(i)+1, sink, Fixed, tag{kind: isJoint})
		}
	}
	price := n.flow(source, sink)
	if price >= Fixed {
		return nil, ErrNoCut
	}
	out := &Cut{Price: price}
	n.cut(sink, func(t tag) {
		if t.kind == isFact {
			out.Facts = append(out.Facts, FactID(t.label))
		} else {
			out.Steps = append(out.Steps, StepID(t.label))
		}
	})
	slices.Sort(out.Facts)
	slices.Sort(out.Steps)
	if t, reached := g.Reaches(targets, out.Facts, out.Steps); reached {
		return nil, fmt.Errorf("internal: the cut leaves a way to fact %d", t)
	}
	return out, nil
}

func priceOf[T FactID | StepID](price func(T) int64, x T) int64 {
	if price == nil {
		return Fixed
	}
	return min(Fixed, max(0, price(x)))
}

// Reaches reports whether any target can still be had without the facts and
// steps taken away, by going through the whole graph anew.
func (g *Graph) Reaches(targets, facts []FactID, steps []StepID) (FactID, bool) {
	goneFact, goneStep := make([]bool, len(g.facts)), make([]bool, len(g.steps))
	for _, f := range facts {
		goneFact[f] = true
	}
	for _, s := range steps {
		goneStep[s] = true
	}
	left := make([]int32, len(g.steps))
	for i := range g.steps {
		left[i] = g.steps[i].count
	}
	had := make([]bool, len(g.facts))
	var queue []FactID
	gain := func(f FactID) {
		if !had[f] && !goneFact[f] {
			had[f] = true
			queue = append(queue, f)
		}
	}
	for f := range g.facts {
		if g.facts[f].base != Unreached {
			gain(FactID(f))
		}
	}
	for len(queue) > 0 {
		f := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, s := range g.facts[f].uses {
			if left[s]--; left[s] == 0 && !goneStep[s] && g.steps[s].cost != Unreached {
				gain(g.steps[s].post)
			}
		}
	}
	for _, t := range targets {
		if had[t] {
			return t, true
		}
	}
	return 0, false
}

// livePart is the positions that lie on a walk to a target, and the steps
// between them.
type livePart struct {
	facts []FactID
	steps []StepID
	place []int32 // by fact: its place in facts, -1 where it is not there
}

func (g *Graph) live(targets []FactID) *livePart {
	l := &livePart{place: make([]int32, len(g.facts))}
	for i := range l.place {
		l.place[i] = -1
	}
	take := func(f FactID) {
		if l.place[f] < 0 && g.cost[f] != Unreached {
			l.place[f] = int32(len(l.facts))
			l.facts = append(l.facts, f)
		}
	}
	for _, t := range targets {
		take(t)
	}
	for i := 0; i < len(l.facts); i++ {
		for _, s := range g.facts[l.facts[i]].from {
			if g.through(s) != Unreached {
				take(g.steps[s].from)
				l.steps = append(l.steps, s)
			}
		}
	}
	return l
}

// network is a flow network; each edge has its reverse beside it.
type network struct {
	head  []int32 // by node: its newest edge, -1 none
	edges []edge
	tags  []tag // by pair of edges

	level []int32
	at    []int32
	queue []int32
}

type edge struct {
	room     int64
	to, next int32
}

// tag is what an edge stands for.
type tag struct {
	label int32
	kind  uint8
}

const (
	isJoint uint8 = iota
	isFact
	isStep
)

func newNetwork(nodes, joins int) *network {
	n := &network{head: make([]int32, nodes, nodes+2), edges: make([]edge, 0, 2*joins), tags: make([]tag, 0, joins)}
	for i := range n.head {
		n.head[i] = -1
	}
	return n
}

func (n *network) add() int {
	n.head = append(n.head, -1)
	return len(n.head) - 1
}

func (n *network) join(a, b int, room int64, t tag) {
	e := int32(len(n.edges))
	n.edges = append(n.edges, edge{room, int32(b), n.head[a]}, edge{0, int32(a), n.head[b]})
	n.tags = append(n.tags, t)
	n.head[a], n.head[b] = e, e+1
}

// flow is the largest flow, cut off at Fixed.
func (n *network) flow(source, sink int) int64 {
	total := int64(0)
	for total < Fixed && n.levels(source, sink) {
		copy(n.at, n.head)
		for {
			pushed := n.push(source, sink)
			if pushed == 0 {
				break
			}
			if total += pushed; total >= Fixed {
				return Fixed
			}
		}
	}
	return total
}

// levels numbers the nodes by their distance to the sink over edges with room.
func (n *network) levels(source, sink int) bool {
	if n.level == nil {
		n.level, n.at = make([]int32, len(n.head)), make([]int32, len(n.head))
	}
	for i := range n.level {
		n.level[i] = -1
	}
	n.level[sink] = 0
	n.queue = append(n.queue[:0], int32(sink))
	for i := 0; i < len(n.queue); i++ {
		v := n.queue[i]
		for e := n.head[v]; e >= 0; e = n.edges[e].next {
			if u := n.edges[e].to; n.edges[e^1].room > 0 && n.level[u] < 0 {
				n.level[u] = n.level[v] + 1
				if int(u) == source {
					return true // farther ones are on no shortest path
				}
				n.queue = append(n.queue, u)
			}
		}
	}
	return false
}

// push sends what fits along one shortest path.
func (n *network) push(source, sink int) int64 {
	var path []int32
	v := int32(source)
	for int(v) != sink {
		e := n.at[v]
		for e >= 0 && (n.edges[e].room == 0 || n.level[n.edges[e].to] != n.level[v]-1) {
			e = n.edges[e].next
		}
		n.at[v] = e
		if e >= 0 {
			path = append(path, e)
			v = n.edges[e].to
			continue
		}
		if len(path) == 0 {
			return 0
		}
		n.level[v] = -1 // a dead end for this round
		v = n.edges[path[len(path)-1]^1].to
		path = path[:len(path)-1]
	}
	least := int64(Fixed)
	for _, e := range path {
		least = min(least, n.edges[e].room)
	}
	for _, e := range path {
		n.edges[e].room -= least
		n.edges[e^1].room += least
	}
	return least
}

// cut tells the full edges into what still reaches the sink: of all cheapest
// cuts the one nearest to the targets.
func (n *network) cut(sink int, tell func(tag)) {
	in := make([]bool, len(n.head))
	in[sink] = true
	queue := []int32{int32(sink)}
	for i := 0; i < len(queue); i++ {
		for e := n.head[queue[i]]; e >= 0; e = n.edges[e].next {
			if u := n.edges[e].to; n.edges[e^1].room > 0 && !in[u] {
				in[u] = true
				queue = append(queue, u)
			}
		}
	}
	for _, v := range queue {
		for e := n.head[v]; e >= 0; e = n.edges[e].next {
			if e%2 == 1 && !in[n.edges[e].to] && n.tags[e/2].kind != isJoint {
				tell(n.tags[e/2])
			}
		}
	}
}

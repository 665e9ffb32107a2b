package portfolio

import (
	"container/heap"
	"context"
	"math"
	"math/bits"
	"slices"
)

// search is a best-first branch and bound.
type search struct {
	p     *Problem
	terms [][]int       // treatment: the terms that any of its options touches
	log   [][][]float64 // treatment, option, place in terms
	cost  [][][]float64 // treatment, option, budget
	best  Choice
	loss  float64
	nodes int
	tree  *Certificate
}

// set is the choices of one treatment that are still open: bit 0 is None, bit
// o+1 is option o.
type set uint32

func (s set) has(o int) bool { return s>>(o+1)&1 != 0 }

// only is the one choice left, where there is one.
func (s set) only() (o int, one bool) {
	return bits.TrailingZeros32(uint32(s)) - 1, s != 0 && s&(s-1) == 0
}

// node is a part of all choices.
type node struct {
	open   []set
	bound  float64
	point  [][]float64 // where the bound was taken: treatment, option
	prices []float64   // of the budgets
	seq    int         // ties go to the older, so that the search is the same each time
	leaf   int         // its place in the certificate
}

type queue []*node

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].bound != q[j].bound {
		return q[i].bound < q[j].bound
	}
	return q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*node)) }
func (q *queue) Pop() any {
	old := *q
	n := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return n
}

func newSearch(p *Problem) *search {
	s := &search{p: p, tree: &Certificate{}}
	for t := range p.Treatments {
		options := p.Treatments[t].Options
		var terms []int
		for k := range p.Terms {
			if p.Terms[k].Loss > 0 && slices.ContainsFunc(options, func(o Option) bool { return o.Factor[k] != 1 }) {
				terms = append(terms, k)
			}
		}
		var logs, costs [][]float64
		for o := range options {
			l := make([]float64, len(terms))
			for i, k := range terms {
				l[i] = math.Log(options[o].Factor[k])
			}
			c := make([]float64, len(p.Budgets))
			for b := range c {
				c[b] = p.cost(b, t, o)
			}
			logs, costs = append(logs, l), append(costs, c)
		}
		s.terms, s.log, s.cost = append(s.terms, terms), append(s.log, logs), append(s.cost, costs)
	}
	s.best = slices.Repeat(Choice{None}, len(p.Treatments))
	s.loss = p.Loss(s.best)
	return s
}

func (s *search) run(ctx context.Context) *Solution {
	root := &node{prices: make([]float64, len(s.p.Budgets))}
	for _, t := range s.p.Treatments {
		root.open = append(root.open, set(1)<<(len(t.Options)+1)-1)
		root.point = append(root.point, make([]float64, len(t.Options)))
	}
	s.improve(s.best)
	s.tree.Leaves = append(s.tree.Leaves, Leaf{})
	s.bound(root, 400)
	s.round(root)
	open := queue{root}
	for len(open) > 0 && s.nodes < MaxNodes && ctx.Err() == nil {
		n := heap.Pop(&open).(*node)
		if s.worse(n.bound) {
			heap.Push(&open, n) // and so is every other
			break
		}
		for _, child := range s.branch(n) {
			heap.Push(&open, child)
		}
	}
	bound := s.loss
	for _, n := range open {
		bound = min(bound, n.bound)
		s.tree.Leaves[n.leaf].close(n)
	}
	s.tree.Loss = s.loss
	return &Solution{Choice: s.best, Loss: s.loss, Spent: s.p.Spent(s.best), Nodes: s.nodes,
		Bound: bound, Proven: s.worse(bound), Certificate: s.tree}
}

// worse reports whether nothing with this bound can better the best by more
// than Gap.
func (s *search) worse(bound float64) bool { return bound >= s.loss*(1-Gap) }

// branch splits a node by the treatment that is least decided, and returns the
// children that could hold something better.
func (s *search) branch(n *node) []*node {
	leaf := &s.tree.Leaves[n.leaf]
	leaf.close(n)
	leaf.Removed = s.remove(n)
	t := s.undecided(n)
	if t < 0 { // all decided
		c := make(Choice, len(n.open))
		for i := range c {
			c[i], _ = n.open[i].only()
		}
		s.offer(c)
		leaf.Split = []int{}
		return nil
	}
	leaf.Treatment = t
	split := make([]int, 0, len(s.p.Treatments[t].Options)+1)
	var out []*node
	for o := None; o < len(s.p.Treatments[t].Options); o++ {
		if !n.open[t].has(o) {
			split = append(split, gone)
			continue
		}
		s.nodes++
		c := &node{open: slices.Clone(n.open), point: clonePoint(n.point), prices: slices.Clone(n.prices), seq: s.nodes, leaf: len(s.tree.Leaves)}
		c.open[t] = set(1) << (o + 1)
		split = append(split, c.leaf)
		s.tree.Leaves = append(s.tree.Leaves, Leaf{})
		if !s.within(c) {
			s.tree.Leaves[c.leaf].Dear = true
			continue
		}
		s.bound(c, 12)
		if s.worse(c.bound) {
			s.tree.Leaves[c.leaf].close(c)
			continue
		}
		s.round(c)
		out = append(out, c)
	}
	s.tree.Leaves[n.leaf].Split = split
	return out
}

// remove closes the choices of single treatments that the node's own bound
// shows to be worse than the best.
func (s *search) remove(n *node) (out []Removal) {
	r := s.relax(n)
	least, low := r.lower()
	for t := range n.open {
		if _, one := n.open[t].only(); one {
			continue
		}
		for o := None; o < len(s.p.Treatments[t].Options); o++ {
			if n.open[t].has(o) && s.worse(low-least[t]+r.slope(t, o)) {
				n.open[t] &^= set(1) << (o + 1)
				out = append(out, Removal{t, o})
			}
		}
	}
	return out
}

// undecided is the open treatment whose point is furthest from whole, weighted
// by what it could still save; the first open one where all are whole.
func (s *search) undecided(n *node) int {
	at, most := -1, -1.0
	for t := range n.open {
		if _, one := n.open[t].only(); one {
			continue
		}
		part, reach := 0.0, 0.0
		for o, x := range n.point[t] {
			part += min(x, 1-x)
			for i, k := range s.terms[t] {
				reach += -s.log[t][o][i] * s.p.Terms[k].Loss
			}
		}
		if v := (part + 1e-6) * math.Abs(reach); v > most {
			at, most = t, v
		}
	}
	return at
}

// within reports whether what is decided in the node keeps to the budgets.
func (s *search) within(n *node) bool {
	c := slices.Repeat(Choice{None}, len(n.open))
	for t := range c {
		if o, one := n.open[t].only(); one {
			c[t] = o
		}
	}
	return s.affordable(c)
}

func (s *search) affordable(c Choice) bool {
	for b := range s.p.Budgets {
		sum := 0.0
		for t, o := range c {
			if o >= 0 {
				sum += s.cost[t][o][b]
			}
		}
		if sum > s.p.Budgets[b].Limit*(1+1e-9)+1e-9 {
			return false
		}
	}
	return true
}

// offer takes a choice if it is the best so far.
func (s *search) offer(c Choice) bool {
	if !s.affordable(c) {
		return false
	}
	if l := s.p.Loss(c); l < s.loss {
		s.best, s.loss = slices.Clone(c), l
		return true
	}
	return false
}

// round makes a whole choice out of a node's point and offers it.
func (s *search) round(n *node) {
	c := make(Choice, len(n.open))
	for t := range c {
		o, one := n.open[t].only()
		if !one {
			o = None
			for i, x := range n.point[t] {
				if x > 0.5 {
					o = i
				}
			}
		}
		c[t] = o
	}
	for !s.affordable(c) { // give up what saves the least for its price
		drop, least := -1, math.Inf(1)
		base := s.p.Loss(c)
		for t, o := range c {
			if _, one := n.open[t].only(); o < 0 || one {
				continue
			}
			c[t] = None
			price := 1e-9
			for b := range s.p.Budgets {
				price += s.cost[t][o][b] / (s.p.Budgets[b].Limit + 1)
			}
			if v := (s.p.Loss(c) - base) / price; v < least {
				drop, least = t, v
			}
			c[t] = o
		}
		if drop < 0 {
			return
		}
		c[drop] = None
	}
	if n.seq < 200 || s.p.Loss(c) < s.loss*1.002 {
		s.improve(c)
	}
}

// improve climbs from an affordable choice: the best single change, or exchange
// of two, until there is none.
func (s *search) improve(from Choice) {
	c := slices.Clone(from)
	loss := s.p.Loss(c)
	s.offer(c)
	for range 4 * len(c) {
		var next Choice
		try := func(d Choice) {
			if s.affordable(d) {
				if l := s.p.Loss(d); l < loss*(1-1e-12) {
					next, loss = slices.Clone(d), l
				}
			}
		}
		for t := range c {
			was := c[t]
			for o := None; o < len(s.p.Treatments[t].Options); o++ {
				c[t] = o
				try(c)
			}
			c[t] = was
		}
		if next == nil {
			s.exchange(c, try)
		}
		if next == nil {
			return
		}
		c = next
		s.offer(c)
	}
}

func (s *search) exchange(c Choice, try func(Choice)) {
	for t := range c {
		if c[t] == None {
			continue
		}
		was := c[t]
		c[t] = None
		for u := range c {
			if u == t || c[u] != None {
				continue
			}
			for o := range s.p.Treatments[u].Options {
				c[u] = o
				try(c)
			}
			c[u] = None
		}
		c[t] = was
	}
}

package portfolio

import (
	"math"
	"slices"
)

// relaxed is the relaxation of a node: treatments may be done in part, and a
// budget may be overdrawn at a price.
type relaxed struct {
	s      *search
	n      *node
	weight []float64 // of the terms, at the point

	scratch []float64
}

func (s *search) relax(n *node) *relaxed {
	r := &relaxed{s: s, n: n, weight: make([]float64, len(s.p.Terms)), scratch: make([]float64, len(s.p.Terms))}
	for k := range r.weight {
		r.weight[k] = s.p.Terms[k].Loss
	}
	for t, open := range n.open {
		x := n.point[t]
		if o, one := open.only(); one { // a point agrees with what is decided
			clear(x)
			if o != None {
				x[o] = 1
			}
		}
		for o := range x {
			if !open.has(o) {
				x[o] = 0
			}
			if x[o] != 0 {
				for i, k := range s.terms[t] {
					r.weight[k] *= math.Exp(x[o] * s.log[t][o][i])
				}
			}
		}
	}
	return r
}

// bound raises the bound of the node by moving its point (blocks of one
// treatment at a time, Frank and Wolfe) and its prices (subgradient steps after
// Polyak), at most so many rounds, until the node is worse than the best.
func (s *search) bound(n *node, rounds int) {
	r := s.relax(n)
	best := math.Inf(-1)
	point, prices := clonePoint(n.point), slices.Clone(n.prices)
	pace := 1.0
	for range rounds {
		for t, open := range n.open {
			if _, one := open.only(); !one {
				r.block(t)
			}
		}
		_, low := r.lower()
		if low > best {
			best = low
			copyPoint(point, n.point)
			copy(prices, n.prices)
		} else {
			pace *= 0.8
		}
		if s.worse(best) || pace < 1e-3 {
			break
		}
		over, norm := r.over(), 0.0
		for b, o := range over {
			if o > 0 || n.prices[b] > 0 {
				norm += o * o
			}
		}
		if norm == 0 {
			break
		}
		step := pace * (s.loss - low) / norm
		for b, o := range over {
			n.prices[b] = max(0, n.prices[b]+step*o)
		}
	}
	n.bound, n.point, n.prices = best, point, prices
}

// slope is how fast the priced sum changes with the share of an option.
func (r *relaxed) slope(t, o int) float64 {
	if o == None {
		return 0
	}
	g := r.price(t, o)
	for i, k := range r.s.terms[t] {
		g += r.weight[k] * r.s.log[t][o][i]
	}
	return g
}

func (r *relaxed) price(t, o int) float64 {
	sum := 0.0
	for b, p := range r.n.prices {
		sum += p * r.s.cost[t][o][b]
	}
	return sum
}

// least is the open choice of a treatment with the smallest slope.
func (r *relaxed) least(t int) (o int, slope float64) {
	o, slope = None, math.Inf(1)
	if r.n.open[t].has(None) {
		slope = 0
	}
	for i := range r.s.log[t] {
		if r.n.open[t].has(i) {
			if g := r.slope(t, i); g < slope {
				o, slope = i, g
			}
		}
	}
	return o, slope
}

// block moves one treatment towards the choice that is best at the present
// slopes, as far as the priced sum falls.
func (r *relaxed) block(t int) {
	logs, x, terms := r.s.log[t], r.n.point[t], r.s.terms[t]
	to, _ := r.least(t)
	slope, paid, moves := r.scratch[:len(terms)], 0.0, false
	clear(slope)
	for o := range logs {
		d := -x[o]
		if o == to {
			d = 1 - x[o]
		}
		if d == 0 {
			continue
		}
		moves = true
		paid += d * r.price(t, o)
		for i := range terms {
			slope[i] += d * logs[o][i]
		}
	}
	if !moves {
		return
	}
	step := r.line(terms, slope, paid)
	if step == 0 {
		return
	}
	for o := range x {
		d := -x[o]
		if o == to {
			d = 1 - x[o]
		}
		x[o] = min(1, max(0, x[o]+step*d))
	}
	for i, k := range terms {
		r.weight[k] *= math.Exp(step * slope[i])
	}
}

// line minimises Σ wₖ·e^(γ·slopeₖ) + γ·paid over γ in 0..1, roughly: a bound
// holds from any point.
func (r *relaxed) line(terms []int, slope []float64, paid float64) float64 {
	derivative := func(g float64) (d1, d2 float64) {
		d1 = paid
		for i, k := range terms {
			if slope[i] != 0 {
				e := r.weight[k] * math.Exp(g*slope[i]) * slope[i]
				d1 += e
				d2 += e * slope[i]
			}
		}
		return d1, d2
	}
	if d, _ := derivative(0); d >= 0 {
		return 0
	}
	if d, _ := derivative(1); d <= 0 {
		return 1
	}
	low, high, g := 0.0, 1.0, 0.5
	for range 6 {
		d1, d2 := derivative(g)
		if d1 > 0 {
			high = g
		} else {
			low = g
		}
		next := g - d1/d2
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if math.Abs(next-g) < 1e-6 {
			return next
		}
		g = next
	}
	return g
}

// lower is what no choice within the node can go below (see Leaf), and the
// smallest slope of each treatment, which are part of it.
func (r *relaxed) lower() (least []float64, low float64) {
	least = make([]float64, len(r.n.open))
	for b, price := range r.n.prices {
		low -= price * r.s.p.Budgets[b].Limit
	}
	for _, w := range r.weight {
		low += w
	}
	for t := range r.n.open {
		_, least[t] = r.least(t)
		low += least[t]
		for o, x := range r.n.point[t] {
			if x != 0 {
				low -= x * (r.slope(t, o) - r.price(t, o))
			}
		}
	}
	return least, low
}

// over is by how much the choice with the smallest slopes overdraws each budget.
func (r *relaxed) over() []float64 {
	over := make([]float64, len(r.s.p.Budgets))
	for b := range over {
		over[b] = -r.s.p.Budgets[b].Limit
	}
	for t := range r.n.open {
		if o, _ := r.least(t); o != None {
			for b := range over {
				over[b] += r.s.cost[t][o][b]
			}
		}
	}
	return over
}

func clonePoint(p [][]float64) [][]float64 {
	out := make([][]float64, len(p))
	for i := range p {
		out[i] = slices.Clone(p[i])
	}
	return out
}

func copyPoint(to, from [][]float64) {
	for i := range to {
		copy(to[i], from[i])
	}
}

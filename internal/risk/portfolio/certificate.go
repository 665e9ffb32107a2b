package portfolio

import (
	"fmt"
	"math"
)

// Certificate proves that no affordable choice has a smaller loss than Loss,
// less twice Gap of it. Its leaves form a tree; the first is the root.
type Certificate struct {
	Loss   float64
	Leaves []Leaf
}

// Leaf is a part of all choices: those that agree with the options on the way
// from the root. A point x and prices λ of the budgets bound its loss:
//
//	Σₖ wₖ(x) − ∇·x − λ·limits + Σₜ minₒ(∇ₜₒ + λ·costₜₒ)
//
// which is a linear lower bound of a convex sum, minimised over all open
// choices with every budget paid for at its price. With one choice of a
// treatment in place of its minimum, it shows that the choice can be Removed.
// What is left is split by a treatment into a leaf for each open choice (place
// 0 is not to do it; gone where it was removed), or bounded as a whole, or too
// dear for a budget.
type Leaf struct {
	Point     [][]float64
	Prices    []float64
	Removed   []Removal
	Treatment int
	Split     []int
	Dear      bool
}

// Removal is a choice of a treatment that can't be part of anything better.
type Removal struct{ Treatment, Option int }

const gone = -1

func (l *Leaf) close(n *node) { l.Point, l.Prices = n.point, n.prices }

// Verify checks the whole proof against the problem, from the definition of the
// bound and with nothing of the search. An error says which leaf fails and why.
func (c *Certificate) Verify(p *Problem) error {
	if err := p.Check(); err != nil {
		return err
	}
	if len(c.Leaves) == 0 {
		return fmt.Errorf("the certificate is empty")
	}
	v := &verifier{c: c, p: p, seen: make([]bool, len(c.Leaves))}
	all := make([]map[int]bool, len(p.Treatments))
	for t := range all {
		all[t] = map[int]bool{}
		for o := None; o < len(p.Treatments[t].Options); o++ {
			all[t][o] = true
		}
	}
	return v.leaf(0, all)
}

type verifier struct {
	c    *Certificate
	p    *Problem
	seen []bool
}

// leaf checks that nothing better lies within the open choices.
func (v *verifier) leaf(at int, open []map[int]bool) error {
	if at < 0 || at >= len(v.c.Leaves) || v.seen[at] {
		return fmt.Errorf("leaf %d is missing, or reached twice", at)
	}
	v.seen[at] = true
	l := &v.c.Leaves[at]
	if l.Dear {
		return v.dear(at, open)
	}
	b, err := v.bounds(l, open)
	if err != nil {
		return fmt.Errorf("leaf %d: %w", at, err)
	}
	want := v.c.Loss * (1 - 2*Gap)
	for _, r := range l.Removed {
		if r.Treatment < 0 || r.Treatment >= len(open) || !open[r.Treatment][r.Option] {
			return fmt.Errorf("leaf %d removes what is not open: %v", at, r)
		}
		if low := b.all - b.least[r.Treatment] + b.slope[r.Treatment][r.Option+1]; !(low >= want) {
			return fmt.Errorf("leaf %d removes %v, whose bound %v is below %v", at, r, low, want)
		}
	}
	if l.Split == nil {
		if !(b.all >= want) {
			return fmt.Errorf("leaf %d: its bound %v is below %v", at, b.all, want)
		}
		return nil
	}
	return v.split(at, l, without(open, l.Removed))
}

func without(open []map[int]bool, removed []Removal) []map[int]bool {
	out := make([]map[int]bool, len(open))
	for t := range open {
		out[t] = map[int]bool{}
		for o := range open[t] {
			out[t][o] = true
		}
	}
	for _, r := range removed {
		delete(out[r.Treatment], r.Option)
	}
	return out
}

func (v *verifier) split(at int, l *Leaf, open []map[int]bool) error {
	if len(l.Split) == 0 { // one choice is left, or none
		c := make(Choice, len(open))
		for t := range open {
			if len(open[t]) == 0 {
				return nil
			}
			if len(open[t]) > 1 {
				return fmt.Errorf("leaf %d is not split, and treatment %d is not decided", at, t)
			}
			for o := range open[t] {
				c[t] = o
			}
		}
		if loss := v.p.Loss(c); v.p.Affordable(c) && loss < v.c.Loss*(1-2*Gap) {
			return fmt.Errorf("leaf %d is a choice that costs %v, less than %v", at, loss, v.c.Loss)
		}
		return nil
	}
	if l.Treatment < 0 || l.Treatment >= len(open) || len(l.Split) != len(v.p.Treatments[l.Treatment].Options)+1 {
		return fmt.Errorf("leaf %d does not split treatment %d into all its options", at, l.Treatment)
	}
	for i, child := range l.Split {
		if !open[l.Treatment][i-1] {
			continue
		}
		part := without(open, nil)
		part[l.Treatment] = map[int]bool{i - 1: true}
		if err := v.leaf(child, part); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) dear(at int, open []map[int]bool) error {
	for b, budget := range v.p.Budgets {
		sum := 0.0
		for t := range open {
			least := math.Inf(1)
			for o := None; o < len(v.p.Treatments[t].Options); o++ {
				switch {
				case !open[t][o]:
				case o == None:
					least = 0
				default:
					least = min(least, v.p.cost(b, t, o))
				}
			}
			sum += least
		}
		if sum > budget.Limit {
			return nil
		}
	}
	return fmt.Errorf("leaf %d is said to be too dear, but it is within every budget", at)
}

// bounds are the parts of the linear bound of a leaf.
type bounds struct {
	all   float64
	least []float64   // by treatment
	slope [][]float64 // by treatment and choice, None first
}

func (v *verifier) bounds(l *Leaf, open []map[int]bool) (*bounds, error) {
	p := v.p
	if len(l.Point) != len(p.Treatments) || len(l.Prices) != len(p.Budgets) {
		return nil, fmt.Errorf("its point or prices have the wrong shape")
	}
	value := make([]float64, len(p.Terms))
	for k := range value {
		value[k] = p.Terms[k].Loss
	}
	for t := range p.Treatments {
		if len(l.Point[t]) != len(p.Treatments[t].Options) {
			return nil, fmt.Errorf("its point for treatment %d has the wrong shape", t)
		}
		for o, x := range l.Point[t] {
			if !(x >= 0 && x <= 1) {
				return nil, fmt.Errorf("its point for treatment %d is no share", t)
			}
			for k := range value {
				if x != 0 {
					value[k] *= math.Pow(p.Treatments[t].Options[o].Factor[k], x)
				}
			}
		}
	}
	out := new(bounds)
	for _, x := range value {
		out.all += x
	}
	for b, price := range l.Prices {
		if !(price >= 0) {
			return nil, fmt.Errorf("price %d is %v", b, price)
		}
		out.all -= price * p.Budgets[b].Limit
	}
	for t := range p.Treatments {
		slopes, least := []float64{0}, math.Inf(1)
		if open[t][None] {
			least = 0
		}
		for o, option := range p.Treatments[t].Options {
			slope := 0.0
			for k, x := range value {
				slope += x * math.Log(option.Factor[k])
			}
			out.all -= slope * l.Point[t][o]
			for b, price := range l.Prices {
				slope += price * p.cost(b, t, o)
			}
			if slopes = append(slopes, slope); open[t][o] {
				least = min(least, slope)
			}
		}
		out.slope, out.least = append(out.slope, slopes), append(out.least, least)
		out.all += least
	}
	return out, nil
}

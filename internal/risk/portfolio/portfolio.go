// Package portfolio chooses the treatments that lower the expected loss most
// under budgets, and proves that there is no better choice. It exists because
// treatments are not additive: two that break the same path are not worth the
// sum of both, and some exclude each other, so a list sorted by return is
// wrong. Package risk imports it; it imports nothing of this repository.
//
// The expected loss of a choice is a sum of terms (a scenario, or a path of
// one), each of which is multiplied by a factor for every treatment chosen:
//
//	loss(x) = Σₖ wₖ · Πₜ fₖ(choice of t)
//
// In the logarithms of the factors this is convex, so a linear bound from any
// point holds everywhere; branch and bound on it is exact. [Solve] returns the
// choice with a [Certificate]: the leaves of the search with the multipliers
// that bound each. [Certificate.Verify] checks it without the search.
package portfolio

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Problem is what to choose from.
type Problem struct {
	Terms      []Term
	Budgets    []Budget
	Treatments []Treatment
}

// Term is a part of the expected loss, in money a year with no treatment.
type Term struct {
	Name string
	Loss float64 // ≥ 0
}

// Budget limits the money of some kinds.
type Budget struct {
	Name  string
	Kinds []int   // indices into the Cost of options that count against it
	Limit float64 // ≥ 0
}

// Treatment is something that can be done, in one of its options or not at all.
type Treatment struct {
	Name    string
	Options []Option
}

// Option is one way to do a treatment.
type Option struct {
	Name   string
	Cost   []float64 // by kind of money, ≥ 0
	Factor []float64 // by term: what it leaves, MinFactor..MaxFactor; 1 no effect
}

// Bounds of a problem. A factor of zero would claim certainty.
const (
	MinFactor     = 1e-6
	MaxFactor     = 10
	MaxTreatments = 200
	MaxOptions    = 16
	MaxTerms      = 10_000
)

// None is the choice not to do a treatment.
const None = -1

// Choice is an option, or None, for each treatment.
type Choice []int

// ErrProblem is wrapped by every error about a problem that makes no sense.
var ErrProblem = errors.New("the portfolio can't be computed")

// Check reports the first thing that makes no sense, by name.
func (p *Problem) Check() error {
	if len(p.Treatments) > MaxTreatments || len(p.Terms) > MaxTerms {
		return fmt.Errorf("%w: %d treatments and %d terms: at most %d and %d", ErrProblem, len(p.Treatments), len(p.Terms), MaxTreatments, MaxTerms)
	}
	for _, t := range p.Terms {
		if !(t.Loss >= 0) || math.IsInf(t.Loss, 0) {
			return fmt.Errorf("%w: term %q: loss %v", ErrProblem, t.Name, t.Loss)
		}
	}
	kinds := 0
	for _, b := range p.Budgets {
		if !(b.Limit >= 0) {
			return fmt.Errorf("%w: budget %q: limit %v", ErrProblem, b.Name, b.Limit)
		}
		for _, k := range b.Kinds {
			if k < 0 {
				return fmt.Errorf("%w: budget %q: kind %d", ErrProblem, b.Name, k)
			}
			kinds = max(kinds, k+1)
		}
	}
	for _, t := range p.Treatments {
		if len(t.Options) == 0 || len(t.Options) > MaxOptions {
			return fmt.Errorf("%w: treatment %q: %d options: from 1 to %d", ErrProblem, t.Name, len(t.Options), MaxOptions)
		}
		for _, o := range t.Options {
			if err := o.check(len(p.Terms), kinds); err != nil {
				return fmt.Errorf("%w: treatment %q, option %q: %w", ErrProblem, t.Name, o.Name, err)
			}
		}
	}
	return nil
}

func (o *Option) check(terms, kinds int) error {
	if len(o.Factor) != terms {
		return fmt.Errorf("%d factors for %d terms", len(o.Factor), terms)
	}
	if len(o.Cost) < kinds {
		return fmt.Errorf("%d kinds of cost, the budgets speak of %d", len(o.Cost), kinds)
	}
	for i, f := range o.Factor {
		if !(f >= MinFactor && f <= MaxFactor) {
			return fmt.Errorf("factor %d is %v: from %v to %v", i+1, f, MinFactor, float64(MaxFactor))
		}
	}
	for i, c := range o.Cost {
		if !(c >= 0) || math.IsInf(c, 0) {
			return fmt.Errorf("cost %d is %v", i+1, c)
		}
	}
	return nil
}

// Loss is the expected loss of a choice, a year.
func (p *Problem) Loss(c Choice) float64 {
	sum := 0.0
	for k, t := range p.Terms {
		w := t.Loss
		for i, o := range c {
			if o != None {
				w *= p.Treatments[i].Options[o].Factor[k]
			}
		}
		sum += w
	}
	return sum
}

// Spent is what a choice takes from each budget.
func (p *Problem) Spent(c Choice) []float64 {
	out := make([]float64, len(p.Budgets))
	for b := range out {
		for i, o := range c {
			if o != None {
				out[b] += p.cost(b, i, o)
			}
		}
	}
	return out
}

// cost is what an option takes from a budget.
func (p *Problem) cost(budget, treatment, option int) float64 {
	sum := 0.0
	for _, k := range p.Budgets[budget].Kinds {
		sum += p.Treatments[treatment].Options[option].Cost[k]
	}
	return sum
}

// Affordable reports whether the choice keeps to every budget; a millionth of
// rounding is forgiven.
func (p *Problem) Affordable(c Choice) bool {
	for b, s := range p.Spent(c) {
		if s > p.Budgets[b].Limit*(1+1e-9)+1e-9 {
			return false
		}
	}
	return true
}

// Solution is the best choice.
type Solution struct {
	Choice Choice
	Loss   float64 // a year
	Spent  []float64
	// Bound is what was proven that no choice can go below. Where Proven, it is
	// Loss less Gap of it.
	Bound       float64
	Proven      bool // false where the context ended or Limit was reached first
	Nodes       int
	Certificate *Certificate
}

// Gap is the relative difference below which two choices count as equal.
const Gap = 1e-9

// MaxNodes bounds the search.
const MaxNodes = 5_000_000

// Solve returns the choice with the smallest expected loss that keeps to the
// budgets. When the context ends it returns the best choice so far, not proven.
func Solve(ctx context.Context, p *Problem) (*Solution, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	return newSearch(p).run(ctx), nil
}

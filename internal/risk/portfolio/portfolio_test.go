package portfolio

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// random is a problem of the size that a port has, or smaller.
func random(r *rand.Rand, treatments, options, terms int, tight float64) *Problem {
	p := new(Problem)
	for k := range terms {
		p.Terms = append(p.Terms, Term{fmt.Sprintf("term %d", k), math.Exp(10 + 3*r.NormFloat64()*0.5)})
	}
	total := make([]float64, 3)
	for t := range treatments {
		tr := Treatment{Name: fmt.Sprintf("treatment %d", t)}
		kind := r.IntN(3)
		for o := range 1 + r.IntN(options) {
			opt := Option{Name: fmt.Sprintf("option %d", o), Cost: make([]float64, 3), Factor: make([]float64, terms)}
			strength := 0.1 + 0.8*r.Float64()
			opt.Cost[kind] = 5_000 * (1 + strength*20*r.Float64())
			if r.IntN(4) == 0 {
				opt.Cost[(kind+1)%3] = 4_000 * r.Float64()
			}
			for k := range opt.Factor {
				opt.Factor[k] = 1
				if r.IntN(5) == 0 {
					opt.Factor[k] = 1 - strength*r.Float64()
				}
			}
			tr.Options = append(tr.Options, opt)
			total[kind] += opt.Cost[kind] / float64(options)
		}
		p.Treatments = append(p.Treatments, tr)
	}
	for k := range 3 {
		p.Budgets = append(p.Budgets, Budget{[]string{"it", "ot", "physical"}[k], []int{k}, total[k] * tight})
	}
	p.Budgets = append(p.Budgets, Budget{"total", []int{0, 1, 2}, (total[0] + total[1] + total[2]) * tight * 0.8})
	return p
}

// brute tries every choice.
func brute(p *Problem) float64 {
	best := math.Inf(1)
	c := make(Choice, len(p.Treatments))
	var try func(t int)
	try = func(t int) {
		if t == len(c) {
			if p.Affordable(c) {
				best = min(best, p.Loss(c))
			}
			return
		}
		for o := None; o < len(p.Treatments[t].Options); o++ {
			c[t] = o
			try(t + 1)
		}
	}
	try(0)
	return best
}

func TestBestOfAllChoices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		p := random(r, rapid.IntRange(0, 7).Draw(t, "treatments"), 3, rapid.IntRange(1, 8).Draw(t, "terms"), rapid.Float64Range(0, 1.5).Draw(t, "tight"))
		s, err := Solve(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if want := brute(p); math.Abs(s.Loss-want) > 2*Gap*want {
			t.Fatalf("found %v, the best of all is %v", s.Loss, want)
		}
		if !s.Proven || !p.Affordable(s.Choice) || math.Abs(p.Loss(s.Choice)-s.Loss) > 1e-12*s.Loss {
			t.Fatalf("the solution is not what it says: %+v", s)
		}
		if err := s.Certificate.Verify(p); err != nil {
			t.Fatalf("the proof does not hold: %v", err)
		}
	})
}

// TestFortyTreatments is the size of the goal; its time is measured by the
// benchmark.
func TestFortyTreatments(t *testing.T) {
	p := random(rand.New(rand.NewPCG(3, 9)), 40, 3, 30, 0.35)
	s, err := Solve(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Proven || s.Nodes > 5_000 { // a weak bound still proves, but not in time
		t.Fatalf("proven: %v, in %d nodes", s.Proven, s.Nodes)
	}
	if err := s.Certificate.Verify(p); err != nil {
		t.Fatal(err)
	}
	again, err := Solve(t.Context(), p)
	if err != nil || !slices.Equal(again.Choice, s.Choice) || again.Nodes != s.Nodes {
		t.Errorf("a second search is another one: %v, %d and %d nodes", err, again.Nodes, s.Nodes)
	}
	t.Logf("%d nodes, loss %.0f of %.0f", s.Nodes, s.Loss, p.Loss(Choice(slices.Repeat([]int{None}, 40))))
}

// TestProofCanFail: a certificate that claims too much, or leaves something
// out, is refused.
func TestProofCanFail(t *testing.T) {
	p := random(rand.New(rand.NewPCG(5, 5)), 12, 3, 10, 0.4)
	s, err := Solve(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(c *Certificate){
		"a loss that is too high":   func(c *Certificate) { c.Loss *= 1.001 },
		"a negative price":          func(c *Certificate) { leafOf(c).Prices[0] = -1 },
		"a point beyond all":        func(c *Certificate) { leafOf(c).Point[0][0] = 1.5 },
		"dear where it is not":      func(c *Certificate) { *leafOf(c) = Leaf{Dear: true} },
		"an option left out":        func(c *Certificate) { c.Leaves[0].Split = c.Leaves[0].Split[1:] },
		"an option told twice":      func(c *Certificate) { c.Leaves[0].Split[0] = c.Leaves[0].Split[1] },
		"nothing":                   func(c *Certificate) { c.Leaves = nil },
		"a point of the wrong size": func(c *Certificate) { leafOf(c).Point = nil },
	} {
		c := &Certificate{Loss: s.Certificate.Loss}
		for _, l := range s.Certificate.Leaves {
			c.Leaves = append(c.Leaves, Leaf{clonePoint(l.Point), slices.Clone(l.Prices), slices.Clone(l.Removed), l.Treatment, slices.Clone(l.Split), l.Dear})
		}
		if err := c.Verify(p); err != nil {
			t.Fatalf("the copy does not hold: %v", err)
		}
		spoil(c)
		if c.Verify(p) == nil {
			t.Errorf("%s: the proof still holds", name)
		}
	}
}

// leafOf is the first leaf with a bound in which every treatment has not been
// decided, such that moving its first treatment matters.
func leafOf(c *Certificate) *Leaf {
	for i := range c.Leaves {
		if l := &c.Leaves[i]; l.Split == nil && !l.Dear {
			return l
		}
	}
	return nil
}

func TestEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := random(rand.New(rand.NewPCG(3, 9)), 40, 3, 30, 0.35)
	s, err := Solve(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	if s.Proven || !p.Affordable(s.Choice) || s.Bound > s.Loss {
		t.Errorf("cut off: proven %v, bound %v, loss %v", s.Proven, s.Bound, s.Loss)
	}
}

func TestWrongProblems(t *testing.T) {
	for _, c := range []struct {
		p    Problem
		want string
	}{
		{Problem{Terms: []Term{{"a", -1}}}, `term "a": loss -1`},
		{Problem{Budgets: []Budget{{"b", nil, math.NaN()}}}, "limit NaN"},
		{Problem{Treatments: []Treatment{{Name: "t"}}}, "0 options"},
		{Problem{Terms: []Term{{"a", 1}}, Treatments: []Treatment{{"t", []Option{{"o", nil, []float64{0}}}}}}, "factor 1 is 0"},
		{Problem{Terms: []Term{{"a", 1}}, Treatments: []Treatment{{"t", []Option{{"o", nil, nil}}}}}, "0 factors for 1 terms"},
		{Problem{Budgets: []Budget{{"b", []int{1}, 1}}, Treatments: []Treatment{{"t", []Option{{"o", []float64{1}, nil}}}}}, "1 kinds of cost"},
	} {
		if _, err := Solve(t.Context(), &c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want one about %q", err, c.want)
		}
	}
}

func BenchmarkFortyTreatments(b *testing.B) {
	for _, tight := range []float64{0.15, 0.35, 0.6} {
		b.Run(fmt.Sprintf("budget=%v", tight), func(b *testing.B) {
			worst, nodes := time.Duration(0), 0
			for b.Loop() {
				for seed := range uint64(5) {
					begun := time.Now()
					s, err := Solve(b.Context(), random(rand.New(rand.NewPCG(seed, 2)), 40, 3, 30, tight))
					if err != nil || !s.Proven {
						b.Fatal("not proven", err)
					}
					worst, nodes = max(worst, time.Since(begun)), nodes+s.Nodes
				}
			}
			b.ReportMetric(worst.Seconds(), "worst-s")
			b.ReportMetric(float64(nodes)/float64(5*b.N), "nodes")
		})
	}
}

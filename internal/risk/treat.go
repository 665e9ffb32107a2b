package risk

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk/portfolio"
	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// Plan is the best choice of treatments under the budgets.
type Plan struct {
	Now      float64  `json:"now"`      // operator's expected loss of a year, middle figures
	Left     float64  `json:"left"`     // with the choice, as the parts are multiplied
	Bound    float64  `json:"bound"`    // proven: no choice within the budgets leaves less
	Proven   bool     `json:"proven"`   // and its certificate was verified without the search
	Assessed Range    `json:"assessed"` // the choice scored as a whole, attack graph and all
	Chosen   []Chosen `json:"chosen"`
	Passed   []Chosen `json:"not_chosen"` // passed over
	Budgets  []Spent  `json:"budgets"`
	Frontier []Point  `json:"frontier"`
	// GordonLoeb is the most that Gordon and Loeb (2002) would spend a year to lower
	// this loss: 1/e of it. A cross-check, no limit.
	GordonLoeb float64 `json:"gordon_loeb"`
}

// Range is the operator's expected loss of a year at the low, middle and high
// frequency.
type Range = Span

// Chosen is an option with what it does by itself.
type Chosen struct {
	Treatment string  `json:"treatment"`
	Option    string  `json:"option"`
	Budget    string  `json:"budget"`
	Cost      float64 `json:"cost"`   // a year
	Alone     float64 `json:"alone"`  // what it takes away from the expected year by itself
	Return    float64 `json:"return"` // on security investment: (alone − cost) / cost
}

// Spent is a budget with what is used of it.
type Spent struct {
	Kind  string  `json:"kind"`
	Limit float64 `json:"limit"`
	Used  float64 `json:"used"`
	Next  float64 `json:"next_100k"` // what the next 100,000 of this kind would take away
}

// Point is one point of the frontier of money against loss.
type Point struct {
	Part  float64 `json:"part"` // of every budget
	Spent float64 `json:"spent"`
	Left  float64 `json:"left"`
	// Assessed is the choice scored as a whole, and Chosen what it is.
	Assessed Range    `json:"assessed"`
	Chosen   []Chosen `json:"chosen"`
}

// yearly is what an option costs in a year.
func (o *Option) yearly() float64 {
	years := o.Years
	if years == 0 {
		years = 5
	}
	return o.Once/years + o.Yearly
}

// parts of the budgets that the frontier is worked out at.
var parts = []float64{0, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 4}

// Choose finds the best treatments. a is the assessment of in.
func Choose(ctx context.Context, in Inputs, a *Assessment) (*Plan, error) {
	if len(in.File.Treatments) == 0 {
		return nil, fmt.Errorf("the risk file has no treatments to choose from")
	}
	p, err := in.problem(ctx, a)
	if err != nil {
		return nil, err
	}
	s, err := portfolio.Solve(ctx, p)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Left: s.Loss, Bound: s.Bound, Proven: s.Proven && s.Certificate.Verify(p) == nil, Chosen: []Chosen{}, Passed: []Chosen{}, Budgets: []Spent{}, Frontier: []Point{}}
	for _, t := range p.Terms {
		plan.Now += t.Loss
	}
	plan.GordonLoeb = plan.Now / math.E
	plan.Chosen, plan.Passed = in.choice(p, s.Choice)
	if err := plan.vary(ctx, in, p, s); err != nil {
		return nil, err
	}
	plan.Assessed, err = in.whole(ctx, s.Choice)
	return plan, err
}

// choice are the options that are taken, and those that are not.
func (in *Inputs) choice(p *portfolio.Problem, choice portfolio.Choice) (taken, passed []Chosen) {
	taken, passed = []Chosen{}, []Chosen{}
	for i := range in.File.Treatments {
		t := &in.File.Treatments[i]
		for k := range t.Options {
			c := chosenOf(t, k, p, i)
			if choice[i] == k {
				taken = append(taken, c)
			} else {
				passed = append(passed, c)
			}
		}
	}
	return taken, passed
}

func chosenOf(t *Treatment, k int, p *portfolio.Problem, i int) Chosen {
	o := &t.Options[k]
	c := Chosen{Treatment: t.Name, Option: o.Name, Budget: o.Kind, Cost: o.yearly()}
	for j, term := range p.Terms {
		c.Alone += term.Loss * (1 - p.Treatments[i].Options[k].Factor[j])
	}
	if c.Cost > 0 {
		c.Return = (c.Alone - c.Cost) / c.Cost
	}
	return c
}

// problem states the choice for the solver: two terms a scenario, its own events
// and those of common causes.
func (in *Inputs) problem(ctx context.Context, a *Assessment) (*portfolio.Problem, error) {
	p := &portfolio.Problem{}
	scored := byID(a)
	for i := range in.File.Scenarios {
		v := scored[in.File.Scenarios[i].ID]
		p.Terms = append(p.Terms, portfolio.Term{Name: v.ID, Loss: v.own.Mid * v.PerEvent.Operator},
			portfolio.Term{Name: v.ID + ", common causes", Loss: v.shocks.Mid * v.PerEvent.Operator})
	}
	for k, kind := range Kinds {
		limit := 0.0
		for _, b := range in.File.Budgets {
			if b.Kind == kind {
				limit += b.Limit
			}
		}
		p.Budgets = append(p.Budgets, portfolio.Budget{Name: kind, Kinds: []int{k}, Limit: limit})
	}
	known := in.changes()
	for i := range in.File.Treatments {
		t := &in.File.Treatments[i]
		q := portfolio.Treatment{Name: t.ID}
		for k := range t.Options {
			o := &t.Options[k]
			for _, c := range o.Closes {
				if !slices.Contains(known, c) {
					return nil, fmt.Errorf("treatment %s, option %s: the attack graph has no change %q (nearest: %q); 'quaywatch attack cut' and 'attack paths' name them", t.ID, o.Name, c, strictyaml.Nearest(c, known))
				}
			}
			cost := make([]float64, len(Kinds))
			cost[slices.Index(Kinds, o.Kind)] = o.yearly()
			factors, err := in.factors(ctx, o, scored)
			if err != nil {
				return nil, err
			}
			q.Options = append(q.Options, portfolio.Option{Name: o.Name, Cost: cost, Factor: factors})
		}
		p.Treatments = append(p.Treatments, q)
	}
	return p, nil
}

// changes are those that the attack graph knows.
func (in *Inputs) changes() (out []string) {
	if in.Graph == nil {
		return nil
	}
	for g := range in.Graph.Givens {
		if g.Change != "" {
			out = append(out, g.Change)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// factors are what an option leaves of each term.
func (in *Inputs) factors(ctx context.Context, o *Option, scored map[string]*Scored) ([]float64, error) {
	var out []float64
	for i := range in.File.Scenarios {
		s := &in.File.Scenarios[i]
		own, event := 1.0, 1.0
		if on := len(o.On) == 0 || slices.Contains(o.On, s.ID); on {
			if o.Tries > 0 {
				own = o.Tries
			}
			if o.Loss > 0 {
				event = o.Loss
			}
		}
		if v := scored[s.ID]; len(o.Closes) > 0 && len(s.From) > 0 && v.Chance.Mid > 0 && in.Graph != nil {
			left, err := in.without(ctx, s, o.Closes)
			if err != nil {
				return nil, err
			}
			own *= min(1, left/v.Chance.Mid) // a way taken away makes no other likelier
		}
		out = append(out, bounded(own*event), bounded(event))
	}
	return out, nil
}

func bounded(f float64) float64 {
	return min(max(f, portfolio.MinFactor), portfolio.MaxFactor)
}

// without is the middle chance of a scenario's likeliest way after changes.
func (in *Inputs) without(ctx context.Context, s *Scenario, changes []string) (float64, error) {
	if err := in.Graph.From(s.From...); err != nil {
		return 0, err
	}
	if err := in.Graph.Update(); err != nil {
		return 0, err
	}
	v := Scored{}
	err := in.Graph.Try(changes, func() error { return in.way(ctx, s, &v) })
	return v.Chance.Mid, err
}

// vary solves again for other budgets.
func (plan *Plan) vary(ctx context.Context, in Inputs, p *portfolio.Problem, s *portfolio.Solution) error {
	solve := func(limit func(k int) float64) (*portfolio.Solution, error) {
		q := *p
		q.Budgets = slices.Clone(p.Budgets)
		for k := range q.Budgets {
			q.Budgets[k].Limit = limit(k)
		}
		return portfolio.Solve(ctx, &q)
	}
	for k, b := range p.Budgets {
		more, err := solve(func(i int) float64 {
			if i == k {
				return p.Budgets[i].Limit + 100_000
			}
			return p.Budgets[i].Limit
		})
		if err != nil {
			return err
		}
		plan.Budgets = append(plan.Budgets, Spent{Kind: b.Name, Limit: b.Limit, Used: s.Spent[k], Next: max(0, s.Loss-more.Loss)})
	}
	for _, part := range parts {
		at, err := solve(func(i int) float64 { return p.Budgets[i].Limit * part })
		if err != nil {
			return err
		}
		x := Point{Part: part, Left: at.Loss}
		for _, v := range at.Spent {
			x.Spent += v
		}
		x.Chosen, _ = in.choice(p, at.Choice)
		if x.Assessed, err = in.whole(ctx, at.Choice); err != nil {
			return err
		}
		plan.Frontier = append(plan.Frontier, x)
	}
	return nil
}

// whole scores the chosen set together: changes out of the attack graph at once,
// declared parts as controls.
func (in *Inputs) whole(ctx context.Context, choice portfolio.Choice) (Range, error) {
	next := *in
	next.Years = 1 // the expected year is worked out, not simulated
	file := *in.File
	file.Scenarios = slices.Clone(in.File.Scenarios)
	var closes []string
	for i, k := range choice {
		if k == portfolio.None {
			continue
		}
		o := &in.File.Treatments[i].Options[k]
		closes = append(closes, o.Closes...)
		for j := range file.Scenarios {
			s := &file.Scenarios[j]
			if len(o.On) > 0 && !slices.Contains(o.On, s.ID) {
				continue
			}
			s.Controls = slices.Clone(s.Controls)
			if o.Tries > 0 {
				s.Controls = append(s.Controls, controlOf(o.Name, "prevent", o.Tries))
			}
			if o.Loss > 0 {
				s.Controls = append(s.Controls, controlOf(o.Name, "respond", o.Loss))
			}
		}
	}
	next.File = &file
	var a *Assessment
	score := func() (err error) { a, err = Score(ctx, next); return err }
	var err error
	if in.Graph != nil && len(closes) > 0 {
		err = in.Graph.Try(closes, score)
	} else {
		err = score()
	}
	if err != nil {
		return Range{}, err
	}
	return Range{a.Yearly.Low.Operator, a.Yearly.Mid.Operator, a.Yearly.High.Operator}, nil
}

func controlOf(name, kind string, leaves float64) Control {
	return Control{Name: name, Kind: kind, Efficacy: port.Figure{Low: 1 - leaves, High: 1 - leaves}, Evidence: "chosen"}
}

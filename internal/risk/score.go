package risk

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk/loss"
)

// Inputs are all that a score follows from: the same inputs give the same bytes.
type Inputs struct {
	Port  *port.Port
	File  *File
	Graph *attackgraph.Model // all that is known, without an entry; nil: no graph, and ways are undecided
	Years int                // simulated, 0: 100,000
	Runs  int                // of the port's services for each length of a standstill, 0: 60
	Seed  uint64             // 0: 1
	Cache *Cache             // of standstills already simulated; nil: none
	AsOf  time.Time          // the day on which acceptances are judged; zero: whether they have ended is not looked at
}

// Span is a figure with what is not known of it: from least to most. Mid is what
// is expected when every order of magnitude between the two is as likely as any
// other, (most − least) / ln(most / least), and half of the most where the least is
// nothing; of a figure that is made of others, it is made of theirs.
type Span struct {
	Low  float64 `json:"low"`
	Mid  float64 `json:"mid"`
	High float64 `json:"high"`
}

func (s Span) times(o Span) Span { return Span{s.Low * o.Low, s.Mid * o.Mid, s.High * o.High} }

// Money is an amount on each account.
type Money struct {
	Operator   float64 `json:"operator"`   // the operator's own loss, in the port's currency
	Economy    float64 `json:"economy"`    // what others lose, in the same
	Hours      float64 `json:"hours"`      // of standstill at full capacity
	Containers float64 `json:"containers"` // late or lost
}

func moneyOf(a loss.Amounts) Money {
	return Money{a[loss.Operator], a[loss.Economy], a[loss.Hours], a[loss.Containers]}
}

func (m Money) times(f float64) Money {
	return Money{m.Operator * f, m.Economy * f, m.Hours * f, m.Containers * f}
}

func (m Money) plus(o Money) Money {
	return Money{m.Operator + o.Operator, m.Economy + o.Economy, m.Hours + o.Hours, m.Containers + o.Containers}
}

// Yearly is what is expected of a year at the low, middle and high frequency.
type Yearly struct {
	Low  Money `json:"low"`
	Mid  Money `json:"mid"`
	High Money `json:"high"`
}

// Assessment is the answer to "what is our risk".
type Assessment struct {
	Port        string      `json:"port"`
	Currency    string      `json:"currency"`
	Years       int         `json:"simulated_years"`
	Seed        uint64      `json:"seed"`
	Yearly      Yearly      `json:"yearly"` // mean of a year
	Curve       []Exceeding `json:"curve"`  // of the operator's loss
	Quantiles   []Quantile  `json:"quantiles"`
	Appetite    []Judgement `json:"appetite"`
	Scenarios   []Scored    `json:"scenarios"` // the dearest first
	Assumptions []string    `json:"assumptions"`

	Acceptances []Acceptance `json:"acceptances"` // of scenarios, held against who may accept how much

	authorities bool                         // the file says who may accept how much
	said        map[string]attackgraph.Given // what the graph knew, by origin and statement
}

// Exceeding is one point of the loss exceedance curve.
type Exceeding struct {
	Loss   float64 `json:"loss"`
	Chance Span    `json:"chance"` // of a year above it
}

// Quantile is the loss that only one year in so many exceeds.
type Quantile struct {
	OneIn int  `json:"one_in_years"`
	Loss  Span `json:"loss"` // operator
}

// Judgement is a line of the appetite against the curve.
type Judgement struct {
	Line
	Found  Span   `json:"found"`  // chance of a year above the line
	Breach string `json:"breach"` // "yes", "no", "undecided": the range lies on both sides
}

// Scored is a scenario with its figures.
type Scored struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Owner    string            `json:"owner,omitempty"`
	Actor    string            `json:"actor,omitempty"`
	Target   string            `json:"target"`
	Decision string            `json:"decision,omitempty"`
	Reach    attackgraph.Reach `json:"reach"` // of the target from where the actor starts
	Why      string            `json:"why,omitempty"`
	Tries    Span              `json:"tries"`        // a year
	Chance   Span              `json:"chance"`       // of the likeliest way
	Leaves   Span              `json:"leaves"`       // part of the events that controls leave
	Events   Span              `json:"events"`       // a year, with those of common causes
	PerEvent Money             `json:"per_event"`    // mean
	Bad      Money             `json:"per_event_95"` // one event in twenty is worse, by operator's loss
	Yearly   Yearly            `json:"yearly"`
	Path     *attackgraph.Path `json:"path,omitempty"`
	Source   string            `json:"source"`
	LeavesOf float64           `json:"leaves_of_event"` // part of an event's cost that controls leave

	shocks Span // events a year of common causes
	own    Span
}

// Bounds of a score.
const (
	MaxYears = 10_000_000
	MaxRuns  = 10_000
)

// Score works out all figures.
func Score(ctx context.Context, in Inputs) (*Assessment, error) {
	if in.Years == 0 {
		in.Years = 100_000
	}
	if in.Runs == 0 {
		in.Runs = 60
	}
	if in.Seed == 0 {
		in.Seed = 1
	}
	if in.Years < 1 || in.Years > MaxYears || in.Runs < 1 || in.Runs > MaxRuns {
		return nil, fmt.Errorf("%d years and %d runs: from 1 to %d and %d", in.Years, in.Runs, MaxYears, MaxRuns)
	}
	if len(in.File.Scenarios) == 0 {
		return nil, fmt.Errorf("the risk file has no scenarios: there is nothing to judge, which does not mean that there is no risk")
	}
	a := &Assessment{Port: in.Port.Identity.Name, Currency: in.Port.Identity.Currency, Years: in.Years, Seed: in.Seed,
		Curve: []Exceeding{}, Quantiles: []Quantile{}, Appetite: []Judgement{}, Assumptions: []string{}, said: map[string]attackgraph.Given{}}
	if in.Graph != nil {
		for g := range in.Graph.Givens {
			a.said[g.Origin+"\x00"+g.String()] = g
		}
	}
	costs := make([]*magnitude, len(in.File.Scenarios))
	for i := range in.File.Scenarios {
		s := &in.File.Scenarios[i]
		v, err := in.frequency(ctx, s)
		if err != nil {
			return nil, err
		}
		if costs[i], err = in.magnitude(s); err != nil {
			return nil, fmt.Errorf("scenario %s: %w", s.ID, err)
		}
		v.PerEvent, v.Bad, v.LeavesOf = costs[i].mean(), costs[i].bad(), costs[i].leaves
		a.Scenarios = append(a.Scenarios, *v)
		for _, x := range costs[i].assumptions {
			if !slices.Contains(a.Assumptions, x) {
				a.Assumptions = append(a.Assumptions, x)
			}
		}
	}
	slices.Sort(a.Assumptions)
	in.causes(a)
	for i := range a.Scenarios {
		v := &a.Scenarios[i]
		v.Events = Span{v.own.Low + v.shocks.Low, v.own.Mid + v.shocks.Mid, v.own.High + v.shocks.High}
		v.Yearly = Yearly{v.PerEvent.times(v.Events.Low), v.PerEvent.times(v.Events.Mid), v.PerEvent.times(v.Events.High)}
		a.Yearly.Low, a.Yearly.Mid, a.Yearly.High = a.Yearly.Low.plus(v.Yearly.Low), a.Yearly.Mid.plus(v.Yearly.Mid), a.Yearly.High.plus(v.Yearly.High)
	}
	if err := in.simulate(ctx, a, costs); err != nil {
		return nil, err
	}
	slices.SortStableFunc(a.Scenarios, func(x, y Scored) int {
		switch {
		case x.Yearly.Mid.Operator != y.Yearly.Mid.Operator:
			if x.Yearly.Mid.Operator > y.Yearly.Mid.Operator {
				return -1
			}
			return 1
		case x.ID < y.ID:
			return -1
		}
		return 1
	})
	a.authorities = len(in.File.Authorities) > 0
	a.Acceptances = acceptances(in.File, a, in.Port, in.AsOf)
	return a, nil
}

// spanOf is a declared range; absent is what a figure that was left out stands for.
func spanOf(f port.Figure, absent float64) Span {
	if f == (port.Figure{}) {
		return Span{absent, absent, absent}
	}
	return between(f.Low, f.High)
}

// between is a range with what is expected of it.
func between(low, high float64) Span {
	switch {
	case low <= 0:
		return Span{0, high / 2, high}
	case high <= low:
		return Span{low, low, low}
	}
	return Span{low, (high - low) / math.Log(high/low), high}
}

// frequency asks the attack graph for the likeliest way and multiplies.
func (in *Inputs) frequency(ctx context.Context, s *Scenario) (*Scored, error) {
	v := &Scored{ID: s.ID, Name: s.Name, Owner: s.Owner, Actor: s.Actor, Target: s.Target, Decision: s.Decision, Source: s.Source, Tries: spanOf(s.Tries, 1), Chance: Span{1, 1, 1}, Reach: attackgraph.Yes}
	v.Leaves = leavesOf(s.Controls, "prevent", "detect")
	switch {
	case len(s.From) == 0:
		v.Why = "no attack graph is asked: each try is an event"
	case in.Graph == nil:
		v.Reach, v.Chance, v.Why = attackgraph.Undecided, Span{0, 0.5, 1}, "no attack graph was given"
	default:
		v.Chance = Span{}
		if err := in.way(ctx, s, v); err != nil {
			return nil, fmt.Errorf("scenario %s: %w", s.ID, err)
		}
	}
	v.own = v.Tries.times(v.Chance).times(v.Leaves)
	return v, nil
}

// waysLooked is how many kinds of ways are looked at for the chance of a scenario.
const waysLooked = 8

// way fills in what the graph says of the scenario.
func (in *Inputs) way(ctx context.Context, s *Scenario, v *Scored) error {
	if err := in.Graph.From(s.From...); err != nil {
		return err
	}
	if err := in.Graph.Update(); err != nil {
		return err
	}
	target, err := in.Graph.Target(s.Target)
	if err != nil {
		return err
	}
	answer, err := in.Graph.Ask(ctx, target, attackgraph.Likeliest, waysLooked)
	if err != nil {
		return err
	}
	v.Reach = answer.Reach
	// Many alike ways through what should be closed can push others out of those that
	// are looked at. Ways that need nothing of the kind are looked at by themselves, so
	// that an opened rule never makes a port look safer than it is without.
	if undue := in.undue(); len(undue) > 0 && len(answer.Paths) > 0 {
		if err := in.Graph.Try(undue, func() error {
			other, err := in.Graph.Ask(ctx, target, attackgraph.Likeliest, waysLooked)
			if err == nil {
				answer.Paths = append(answer.Paths, other.Paths...)
			}
			return err
		}); err != nil {
			return err
		}
	}
	if len(answer.Paths) == 0 {
		v.Chance, v.Why = Span{}, "no rule leads there, as far as the port file is true"
		return nil
	}
	// Whoever tries takes any way, so each figure is at least that of the best one
	// for it: the way with the highest least chance need not have the highest most.
	for i := range answer.Paths {
		p := &answer.Paths[i]
		at := between(p.Chance[0], p.Chance[1])
		if v.Path == nil || at.Mid > v.Chance.Mid {
			v.Path = p
		}
		v.Chance = Span{max(v.Chance.Low, at.Low), max(v.Chance.Mid, at.Mid), max(v.Chance.High, at.High)}
	}
	if v.Reach == attackgraph.Undecided {
		v.Chance.Low = 0 // the way may not be there at all
		v.Why = "the way rests on something that nobody has seen"
	}
	return nil
}

// undue are the changes that would end what no conduit allows: rules of firewalls
// and traffic that was seen.
func (in *Inputs) undue() (out []string) {
	for g := range in.Graph.Givens {
		if g.Change != "" && (g.Origin == attackgraph.FromFirewalls || g.Origin == attackgraph.FromFlows) {
			out = append(out, g.Change)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// leavesOf is what the controls of some kinds leave: Π (1 − efficacy · coverage · reliability).
func leavesOf(controls []Control, kinds ...string) Span {
	out := Span{1, 1, 1}
	for i := range controls {
		c := &controls[i]
		if !slices.Contains(kinds, c.Kind) {
			continue
		}
		e := spanOf(c.Efficacy, 0).times(spanOf(c.Coverage, 1)).times(spanOf(c.Reliability, 1))
		out = out.times(Span{1 - e.High, 1 - e.Mid, 1 - e.Low})
	}
	return out
}

// causes adds the events of common causes.
func (in *Inputs) causes(a *Assessment) {
	for _, c := range in.File.Causes {
		e := spanOf(c.Rate, 0).times(spanOf(c.Chance, 1))
		for i := range a.Scenarios {
			if v := &a.Scenarios[i]; slices.Contains(c.Hits, v.ID) {
				v.shocks = Span{v.shocks.Low + e.Low, v.shocks.Mid + e.Mid, v.shocks.High + e.High}
			}
		}
	}
}

// returns are the years of the quantiles.
var returns = []int{10, 20, 50, 100, 250}

// simulate plays the years at the low, middle and high frequency with the same
// random numbers, and reads curve, quantiles and appetite off them.
func (in *Inputs) simulate(ctx context.Context, a *Assessment, costs []*magnitude) error {
	var years [3]*loss.Years
	for k := range years {
		m := &loss.Model{}
		pick := func(s Span) float64 { return [3]float64{s.Low, s.Mid, s.High}[k] }
		for i := range a.Scenarios {
			v := &a.Scenarios[i]
			m.Scenarios = append(m.Scenarios, loss.Scenario{Name: v.ID, Frequency: loss.Frequency{Mean: pick(v.own)}, Forms: costs[i].forms})
		}
		for _, c := range in.File.Causes {
			shock := loss.Shock{Name: c.Name, Frequency: loss.Frequency{Mean: pick(spanOf(c.Rate, 0))}}
			for _, id := range c.Hits {
				shock.Members = append(shock.Members, loss.Member{Scenario: id, Probability: pick(spanOf(c.Chance, 1))})
			}
			m.Shocks = append(m.Shocks, shock)
		}
		var err error
		if years[k], err = loss.Run(ctx, m, in.Years, in.Seed); err != nil {
			return err
		}
	}
	above := func(x float64) Span {
		return Span{years[0].Exceedance(loss.Operator, x).Value, years[1].Exceedance(loss.Operator, x).Value, years[2].Exceedance(loss.Operator, x).Value}
	}
	for x := range series {
		s := above(x)
		if s.High == 0 {
			break
		}
		a.Curve = append(a.Curve, Exceeding{x, s})
	}
	for _, n := range returns {
		at := func(y *loss.Years) float64 { v, _, _ := y.Quantile(loss.Operator, 1-1/float64(n)); return v }
		a.Quantiles = append(a.Quantiles, Quantile{n, Span{at(years[0]), at(years[1]), at(years[2])}})
	}
	for _, l := range in.File.Appetite {
		j := Judgement{Line: l, Found: above(l.Loss), Breach: "undecided"}
		switch {
		case j.Found.Low > l.Chance:
			j.Breach = "yes"
		case j.Found.High <= l.Chance:
			j.Breach = "no"
		}
		a.Appetite = append(a.Appetite, j)
	}
	return nil
}

// series is 10,000, 20,000, 50,000 and so on to a thousand milliards.
func series(yield func(float64) bool) {
	for p := 4; p < 12; p++ {
		for _, m := range []float64{1, 2, 5} {
			if !yield(m * math.Pow10(p)) {
				return
			}
		}
	}
}

// Package loss computes what a set of loss scenarios costs in a year: how often
// events come, how much each takes, and what years look like in sum. It exists
// because a mean says nothing to a board: what matters is the chance of a year
// worse than the port can bear. Package risk imports it; it imports nothing of
// this repository.
//
// There are two ways to the same figures. [Run] simulates years and knows
// everything about each of them; [Exact] works out the distribution of one
// account by Fourier transform and is used to check the first. Both see a
// [Scenario] as a compound distribution: a number of events a year, and an
// independent severity for each event, which is a sum of forms of loss
// (FAIR: response, replacement, fines and judgements, …), each of which comes
// with a probability. A [Shock] is a cause that several scenarios share.
//
// Random numbers belong to a (seed, scenario name, year), never to a position
// in a sequence. A scenario that changes leaves the others' years untouched,
// and one that changes back returns the exact earlier figures. Events are drawn
// by inversion, so a rarer scenario has a subset of the events that it had.
package loss

import (
	"errors"
	"fmt"
	"math"
)

// Account is a kind of loss that is added up by itself. They are never mixed:
// what the operator loses and what the economy loses are different money.
type Account int

// The accounts.
const (
	Operator   Account = iota // the operator's own loss, in the port's currency
	Economy                   // loss of cargo owners, carriers and the region, in the port's currency
	Hours                     // hours of standstill of a terminal at full capacity
	Containers                // containers (boxes, not TEU) handled late or not at all
	accounts
)

var accountNames = [accounts]string{"operator", "economy", "hours", "containers"}

func (a Account) String() string {
	if a < 0 || a >= accounts {
		return fmt.Sprintf("account(%d)", int(a))
	}
	return accountNames[a]
}

// Amounts holds an amount for each account, indexed by Account.
type Amounts [accounts]float64

// Add adds b to a.
func (a *Amounts) Add(b Amounts) {
	for i := range a {
		a[i] += b[i]
	}
}

// Times returns a multiplied by f.
func (a Amounts) Times(f float64) Amounts {
	for i := range a {
		a[i] *= f
	}
	return a
}

// Form is one form of loss of an event.
type Form struct {
	Name        string
	Probability float64 // that an event brings it, 0..1
	Severity    Severity
	Scale       float64 // what controls leave of the severity, above 0; 0 is read as 1
}

func (f *Form) scale() float64 {
	if f.Scale == 0 {
		return 1
	}
	return f.Scale
}

// Mean is the expected loss of one event of the scenario.
func (s *Scenario) Mean() (a Amounts) {
	for i := range s.Forms {
		f := &s.Forms[i]
		a.Add(f.Severity.Mean().Times(f.Probability * f.scale()))
	}
	return a
}

// Scenario is a way to lose.
type Scenario struct {
	Name      string // names its random numbers: unique in a model, and stable over time
	Frequency Frequency
	Forms     []Form
}

// Shock is a cause that several scenarios share: when it comes, each member has
// an event with its own probability. The events of a shock are in addition to
// those of the scenarios' own frequencies (Marshall and Olkin 1967).
type Shock struct {
	Name      string
	Frequency Frequency
	Members   []Member
}

// Member is a scenario that a shock can set off.
type Member struct {
	Scenario    string
	Probability float64 // given the shock, 0..1
}

// Model is a set of scenarios with the causes that they share.
type Model struct {
	Scenarios []Scenario
	Shocks    []Shock
}

// ErrModel is wrapped by every error about a model that can't be computed.
var ErrModel = errors.New("the loss model can't be computed")

// Check reports the first thing that makes the model unusable, naming the
// scenario or shock and the field. Run and Exact call it.
func (m *Model) Check() error {
	seen := map[string]bool{}
	for i := range m.Scenarios {
		s := &m.Scenarios[i]
		if s.Name == "" || seen[s.Name] {
			return fmt.Errorf("%w: scenario %d: the name %q is empty or used twice", ErrModel, i+1, s.Name)
		}
		seen[s.Name] = true
		if err := s.check(); err != nil {
			return fmt.Errorf("%w: scenario %q: %w", ErrModel, s.Name, err)
		}
	}
	shocks := map[string]bool{}
	for i := range m.Shocks {
		s := &m.Shocks[i]
		if s.Name == "" || shocks[s.Name] {
			return fmt.Errorf("%w: shock %d: the name %q is empty or used twice", ErrModel, i+1, s.Name)
		}
		shocks[s.Name] = true
		if err := s.check(seen); err != nil {
			return fmt.Errorf("%w: shock %q: %w", ErrModel, s.Name, err)
		}
	}
	return nil
}

func (s *Scenario) check() error {
	if err := s.Frequency.check(); err != nil {
		return err
	}
	for i, f := range s.Forms {
		if !probability(f.Probability) {
			return fmt.Errorf("form %d (%s): probability %v is not from 0 to 1", i+1, f.Name, f.Probability)
		}
		if !finite(f.Scale) || f.Scale < 0 {
			return fmt.Errorf("form %d (%s): scale %v is negative or no number", i+1, f.Name, f.Scale)
		}
		if f.Severity == nil {
			return fmt.Errorf("form %d (%s): no severity", i+1, f.Name)
		}
	}
	return nil
}

func (s *Shock) check(scenarios map[string]bool) error {
	if err := s.Frequency.check(); err != nil {
		return err
	}
	for _, m := range s.Members {
		if !scenarios[m.Scenario] {
			return fmt.Errorf("member %q is no scenario of the model", m.Scenario)
		}
		if !probability(m.Probability) {
			return fmt.Errorf("member %q: probability %v is not from 0 to 1", m.Scenario, m.Probability)
		}
	}
	return nil
}

func probability(p float64) bool { return p >= 0 && p <= 1 } // NaN fails both

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

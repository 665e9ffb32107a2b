package risk

import (
	"fmt"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Authority is how much risk a party may accept, as the board has laid down.
type Authority struct {
	Party  string  `yaml:"party"`
	Yearly float64 `yaml:"yearly"` // operator's money expected of a year, of one scenario; 0: none may be accepted
	Event  float64 `yaml:"event"`  // operator's money of an event that one in twenty is worse than; 0: not limited
}

// Acceptance is an acceptance of a scenario, held against who may accept that much.
type Acceptance struct {
	Scenario string  `json:"scenario"`
	By       string  `json:"by"` // party
	Until    string  `json:"until"`
	Yearly   Span    `json:"yearly"` // what was accepted, operator's money
	Event    float64 `json:"event"`  // one event in twenty is worse
	// Valid is "yes", "no", or "undecided": the range lies on both sides of the limit, or
	// no limit of the party is declared.
	Valid string   `json:"valid"`
	Why   string   `json:"why"`
	Could []string `json:"could,omitempty"` // parties whose authority is enough for sure, where this one's is not
}

// acceptances judges every acceptance of the file on a day; the zero time: days are not
// looked at.
func acceptances(f *File, a *Assessment, p *port.Port, today time.Time) []Acceptance {
	out := []Acceptance{}
	for i := range f.Scenarios {
		s := &f.Scenarios[i]
		v := a.scenario(s.ID)
		if s.Decision != "accept" || v == nil {
			continue
		}
		c := Acceptance{Scenario: s.ID, By: s.Accepted, Until: s.Until, Event: v.Bad.Operator,
			Yearly: Span{v.Yearly.Low.Operator, v.Yearly.Mid.Operator, v.Yearly.High.Operator}}
		c.Valid, c.Why = f.mayAccept(s.Accepted, &c, a.Currency, p)
		if !today.IsZero() && s.Until < today.UTC().Format(time.DateOnly) {
			c.Valid, c.Why = "no", "it ended on "+s.Until
		}
		if c.Valid != "yes" {
			for _, other := range f.Authorities {
				if valid, _ := f.mayAccept(other.Party, &c, a.Currency, p); valid == "yes" && other.Party != s.Accepted {
					c.Could = append(c.Could, other.Party)
				}
			}
		}
		out = append(out, c)
	}
	return out
}

func (a *Assessment) scenario(id string) *Scored {
	for i := range a.Scenarios {
		if a.Scenarios[i].ID == id {
			return &a.Scenarios[i]
		}
	}
	return nil
}

// mayAccept holds what was accepted against the limits of a party.
func (f *File) mayAccept(party string, c *Acceptance, currency string, p *port.Port) (valid, why string) {
	name := party
	if q := p.Party(party); q != nil && q.Name != "" {
		name = q.Name
	}
	var limit *Authority
	for i := range f.Authorities {
		if f.Authorities[i].Party == party {
			limit = &f.Authorities[i]
		}
	}
	switch {
	case len(f.Authorities) == 0:
		return "undecided", "the risk file does not say who may accept how much (may_accept)"
	case limit == nil:
		return "no", name + " has no authority to accept a risk: may_accept does not name this party"
	case limit.Event > 0 && c.Event > limit.Event:
		return "no", fmt.Sprintf("%s may accept events up to %s %s, and one event in twenty costs more than %s", name, Short(limit.Event), currency, Short(c.Event))
	case c.Yearly.Low > limit.Yearly:
		return "no", fmt.Sprintf("%s may accept %s %s a year, and %s are expected", name, Short(limit.Yearly), currency, Between(c.Yearly.Low, c.Yearly.Mid, c.Yearly.High))
	case c.Yearly.High > limit.Yearly:
		return "undecided", fmt.Sprintf("%s may accept %s %s a year, and %s are expected: the range lies on both sides", name, Short(limit.Yearly), currency, Between(c.Yearly.Low, c.Yearly.Mid, c.Yearly.High))
	}
	within := fmt.Sprintf("%s may accept %s %s a year", name, Short(limit.Yearly), currency)
	if limit.Event > 0 {
		within += fmt.Sprintf(" and events up to %s", Short(limit.Event))
	}
	return "yes", within
}

// Needs says who could accept it instead, in words.
func (c *Acceptance) Needs(p *port.Port) string {
	if len(c.Could) == 0 {
		return "nobody that the risk file names may accept it"
	}
	var names []string
	for _, id := range c.Could {
		name := id
		if q := p.Party(id); q != nil && q.Name != "" {
			name = q.Name
		}
		names = append(names, name)
	}
	return strings.Join(names, " or ") + " may accept it"
}

// AuthoritiesKnown reports whether the risk file says who may accept how much.
func (a *Assessment) AuthoritiesKnown() bool { return a.authorities }

// AcceptanceOf is the acceptance of a scenario, nil where there is none.
func (a *Assessment) AcceptanceOf(scenario string) *Acceptance {
	for i := range a.Acceptances {
		if a.Acceptances[i].Scenario == scenario {
			return &a.Acceptances[i]
		}
	}
	return nil
}

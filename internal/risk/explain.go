package risk

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
)

// Step is one cause of a change, with what it moves. The steps of a waterfall add
// up to the whole change of the expected year.
type Step struct {
	Scenario string `json:"scenario"`
	Name     string `json:"name"`
	Part     string `json:"part"` // "scenario", "tries", "controls", "way", "common causes", "cost of an event"
	Cause    string `json:"cause"`
	Origin   string `json:"origin,omitempty"` // of the statement that changed
	Moves    Money  `json:"moves"`            // of the expected year, middle figures
}

// Waterfall says what changed from one assessment to another, the largest first.
type Waterfall struct {
	Before Money  `json:"before"` // expected year, middle figures
	After  Money  `json:"after"`
	Steps  []Step `json:"steps"`
}

// Explain compares two assessments. Frequencies are replaced part by part in the
// order tries, controls, way, common causes, and the cost of an event last; each
// step is what the replacement moves.
func Explain(before, after *Assessment) *Waterfall {
	w := &Waterfall{Before: before.Yearly.Mid, After: after.Yearly.Mid, Steps: []Step{}}
	was, is := byID(before), byID(after)
	var ids []string
	for id := range was {
		ids = append(ids, id)
	}
	for id := range is {
		if was[id] == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		a, b := was[id], is[id]
		switch {
		case a == nil:
			w.step(b, "scenario", "the scenario is new", "", b.Yearly.Mid)
		case b == nil:
			w.step(a, "scenario", "the scenario was taken away", "", a.Yearly.Mid.times(-1))
		default:
			w.scenario(before, after, a, b)
		}
	}
	slices.SortStableFunc(w.Steps, func(x, y Step) int {
		return cmp.Or(cmp.Compare(math.Abs(y.Moves.Operator), math.Abs(x.Moves.Operator)), cmp.Compare(x.Scenario, y.Scenario), cmp.Compare(x.Part, y.Part))
	})
	return w
}

func byID(a *Assessment) map[string]*Scored {
	out := map[string]*Scored{}
	for i := range a.Scenarios {
		out[a.Scenarios[i].ID] = &a.Scenarios[i]
	}
	return out
}

func (w *Waterfall) step(s *Scored, part, cause, origin string, moves Money) {
	w.Steps = append(w.Steps, Step{s.ID, s.Name, part, cause, origin, moves})
}

func (w *Waterfall) scenario(before, after *Assessment, a, b *Scored) {
	events := a.own.Mid
	if a.Tries != b.Tries {
		next := b.Tries.Mid * a.Chance.Mid * a.Leaves.Mid
		w.step(b, "tries", fmt.Sprintf("tries a year from %.3g to %.3g", a.Tries.Mid, b.Tries.Mid), "risk file", a.PerEvent.times(next-events))
		events = next
	}
	if a.Leaves != b.Leaves {
		next := b.Tries.Mid * a.Chance.Mid * b.Leaves.Mid
		w.step(b, "controls", fmt.Sprintf("controls leave %.2f of the events, before %.2f", b.Leaves.Mid, a.Leaves.Mid), "risk file", a.PerEvent.times(next-events))
		events = next
	}
	if a.Chance != b.Chance {
		text, origin := way(before, after, a, b)
		w.step(b, "way", text, origin, a.PerEvent.times(b.own.Mid-events))
	}
	if a.shocks != b.shocks {
		w.step(b, "common causes", fmt.Sprintf("events a year of common causes from %.3g to %.3g", a.shocks.Mid, b.shocks.Mid), "risk file", a.PerEvent.times(b.shocks.Mid-a.shocks.Mid))
	}
	if a.PerEvent != b.PerEvent {
		w.step(b, "cost of an event", "services, terminals, lengths, costs or responding controls changed", "port or risk file", b.PerEvent.plus(a.PerEvent.times(-1)).times(b.Events.Mid))
	}
}

// way names what the change of a way rests on: statements of the new likeliest
// way that were not there before, or of the old one that are not there any more.
func way(before, after *Assessment, a, b *Scored) (text, origin string) {
	var texts, origins []string
	collect := func(verb string, p *attackgraph.Path, other map[string]attackgraph.Given) {
		if p == nil {
			return
		}
		for _, m := range p.Moves {
			for _, e := range m.Evidence {
				if _, there := other[e.Origin+"\x00"+e.Statement]; there {
					continue
				}
				t := fmt.Sprintf("%s %s", verb, e.Statement)
				if e.Text != "" {
					t += " (" + e.Text + ")"
				}
				if !slices.Contains(texts, t) {
					texts = append(texts, t)
				}
				if !slices.Contains(origins, e.Origin) {
					origins = append(origins, e.Origin)
				}
			}
		}
	}
	collect("now", b.Path, before.said)
	collect("no more", a.Path, after.said)
	lead := fmt.Sprintf("chance of the likeliest way from %.2g to %.2g (%s, before %s)", a.Chance.Mid, b.Chance.Mid, b.Reach, a.Reach)
	if n := len(texts); n > 3 {
		texts = append(texts[:3], fmt.Sprintf("and %d more statements", n-3))
	}
	if len(texts) == 0 {
		return lead + ": what it rests on is as before, but more or less likely", "attack graph"
	}
	return lead + ": " + strings.Join(texts, "; "), strings.Join(origins, ", ")
}

package consoletest

import (
	"context"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk"
)

// riskYAML are scenarios of the small Saltmere: one with a way, one without, one
// whose line of the appetite is crossed.
const riskYAML = `
scenarios:
  - {id: vendor-cranes, name: "A vendor's session is taken over and the yard stops", actor: "intruder at a supplier", owner: terminal-co, from: [vendor, office-lan], target: yard-service, down_hours: 12-72, tries: 0.5-2, source: judgement,
     controls: [{name: "work orders", kind: prevent, efficacy: 0.4-0.7, evidence: "audit of June"}], costs: [{name: response, money: 200000-900000}]}
  - {id: power, name: "The terminal operating system fails by itself", target: tos-service, down_hours: 4-20, tries: 0.3-1, source: "twelve years of records", decision: accept, accepted_by: p-duarte, until: "2027-06-30"}
appetite:
  - {name: "one year in ten", loss: 100000, chance: 0.02}
  - {name: "one year in a hundred", loss: 90000000, chance: 0.01}
may_accept: [{party: authority, yearly: 90000000}, {party: p-duarte, yearly: 100}]
budgets: [{kind: it, limit: 60000}, {kind: ot, limit: 60000}]
treatments:
  - {id: sessions, name: "Vendor sessions", options: [{name: "recorded, by work order", budget: ot, yearly: 30000, tries: 0.4, on: [vendor-cranes], source: judgement}]}
  - {id: standby, name: "Standby", options: [{name: warm, budget: it, yearly: 50000, loss: 0.5, source: judgement}, {name: cold, budget: it, yearly: 15000, loss: 0.9, source: judgement}]}
`

// newStanding scores the port twice: as it is, and with more tries, so that there
// is a move to show.
func newStanding(p *port.Port) (risk.Standing, error) {
	score := func(change func(*risk.File)) (risk.Inputs, *risk.Assessment, error) {
		f, err := risk.Parse("risk.yaml", []byte(riskYAML), p)
		if err != nil {
			return risk.Inputs{}, nil, err
		}
		change(f)
		m, err := attackgraph.New(attackgraph.DefaultRules())
		if err != nil {
			return risk.Inputs{}, nil, err
		}
		if err := attackgraph.Declare(m, p, Now); err != nil {
			return risk.Inputs{}, nil, err
		}
		in := risk.Inputs{Port: p, File: f, Graph: m, Years: 5000, Runs: 6}
		a, err := risk.Score(context.Background(), in)
		return in, a, err
	}
	_, before, err := score(func(f *risk.File) { f.Scenarios[0].Tries = port.Figure{Low: 0.2, High: 0.5} })
	if err != nil {
		return risk.Standing{}, err
	}
	in, after, err := score(func(*risk.File) {})
	if err != nil {
		return risk.Standing{}, err
	}
	plan, err := risk.Choose(context.Background(), in, after)
	if err != nil {
		return risk.Standing{}, err
	}
	at := Now.Add(-40 * time.Minute)
	return risk.Standing{Assessment: after, Plan: plan, Scored: at, Checked: Now.Add(-6 * time.Second), File: "risk.yaml", Declared: in.File,
		History: []risk.Move{risk.MoveTo(nil, before, at.Add(-20*time.Hour)), risk.MoveTo(before, after, at)}}, nil
}

var standing = sync.OnceValues(func() (risk.Standing, error) {
	p, err := Port(0)
	if err != nil {
		return risk.Standing{}, err
	}
	return newStanding(p)
})

var graph = struct {
	sync.Mutex
	m *attackgraph.Model
}{}

// Graph lets use ask the attack graph of the small Saltmere.
func (w *World) Graph(_ context.Context, use func(*attackgraph.Model) error) error {
	graph.Lock()
	defer graph.Unlock()
	if graph.m == nil {
		m, err := attackgraph.New(attackgraph.DefaultRules())
		if err != nil {
			return err
		}
		p, err := Port(0)
		if err != nil {
			return err
		}
		if err := attackgraph.Declare(m, p, Now); err != nil {
			return err
		}
		graph.m = m
	}
	return use(graph.m)
}

// Risk is the newest assessment of the small Saltmere.
func (w *World) Risk() risk.Standing {
	s, err := standing()
	if err != nil {
		s.Problem = err.Error()
	}
	return s
}

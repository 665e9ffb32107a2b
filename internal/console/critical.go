package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/continuity"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk"
)

// criticalRuns are the runs of each length on the page.
const criticalRuns = 40

// criticalView answers "what hangs on this, what if it fails, who gets at it, is it
// weak, was its recovery shown, and what does it cost".
type criticalView struct {
	frame
	P       *port.Port
	ID      string
	Name    string
	Asset   *port.Asset // nil for a service
	Service *port.Service
	Needs   []string     // services that stop without it
	On      *serviceTree // what it stands on; of a service
	Fails   []failure
	Problem string // why there are none
	Entries []entryReach
	Pairs   []*WeakPair // affected or undecided, the most urgent first
	More    int
	Notices bool // notices are loaded
	Tried   []risk.Exercise
	Scored  []*risk.Scored
	A       *risk.Assessment
	Network bool // the reader may see ways and weaknesses
	Port    bool // the reader may see what it stands on
}

// failure is what happens when it is down for a time.
type failure struct {
	Words string
	Hours int
	R     *continuity.Report
}

// entryReach is whether it can be reached from an entry, and how likely.
type entryReach struct {
	attackgraph.Entry
	Reach  attackgraph.Reach
	Chance string
}

// criticalPairs is how many weaknesses the page lists.
const criticalPairs = 8

func (c *Console) critical(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	p, id := c.d.Port(), r.PathValue("id")
	v := criticalView{P: p, ID: id, Asset: p.Asset(id), Service: p.Service(id), Network: c.d.Allowed(r.Context(), identity.ViewNetwork, identity.ThePort), Port: c.d.Allowed(r.Context(), identity.ViewPort, identity.ThePort)}
	switch {
	case v.Service != nil:
		v.Name = cmp.Or(v.Service.Name, id)
		about, err := c.openAbout(r)
		if err != nil {
			return nil, err
		}
		v.On = treeOf(p, v.Service, about)
	case v.Asset != nil:
		v.Name = cmp.Or(v.Asset.Name, id)
	default:
		return nil, problem{http.StatusNotFound, "No such thing", "The port file has no asset or service of this name."}
	}
	v.frame = c.frame(r, v.Name, "continuity")
	v.Needs = slices.DeleteFunc(p.ServicesOf(id), func(s string) bool { return s == id }) // nothing hangs on itself
	v.fail()
	if v.Network {
		if err := c.reaches(r.Context(), &v); err != nil {
			return nil, err
		}
		if err := c.weakOf(r.Context(), &v); err != nil {
			return nil, err
		}
	}
	c.riskOf(&v)
	return criticalPage(v), nil
}

func (v *criticalView) fail() {
	if len(v.P.Terminals) == 0 {
		v.Problem = "The port file declares no terminals, so what a failure costs can't be simulated."
		return
	}
	for _, f := range []failure{{Words: "an hour", Hours: 1}, {Words: "a day", Hours: 24}, {Words: "a week", Hours: 168}} {
		var err error
		if f.R, err = continuity.Outage(v.P, []continuity.Down{{ID: v.ID, Until: float64(f.Hours)}}, continuity.Options{Runs: criticalRuns}); err != nil {
			v.Problem = err.Error()
			return
		}
		v.Fails = append(v.Fails, f)
	}
}

// worst is a figure over the terminals: the largest of each bound.
func (f *failure) worst(of func(*continuity.Outcome) continuity.Band) continuity.Band {
	var out continuity.Band
	for i := range f.R.Terminals {
		b := of(&f.R.Terminals[i])
		out.Low, out.Mid, out.High = max(out.Low, b.Low), max(out.Mid, b.Mid), max(out.High, b.High)
	}
	return out
}

func (c *Console) reaches(ctx context.Context, v *criticalView) error {
	if c.d.Graph == nil {
		return nil
	}
	return c.d.Graph(ctx, func(m *attackgraph.Model) error {
		for _, e := range attackgraph.Entries {
			if err := m.From(e.ID); err != nil {
				return err
			}
			if err := m.Update(); err != nil {
				return err
			}
			target, err := m.Target(v.ID)
			if err != nil {
				return err
			}
			x := entryReach{Entry: e, Reach: m.Reach(target)}
			if x.Reach != attackgraph.No {
				a, err := m.Ask(ctx, target, attackgraph.Likeliest, 1)
				if err != nil {
					return err
				}
				if len(a.Paths) > 0 {
					x.Chance = chanceWords(a.Paths[0].Chance)
				}
			}
			v.Entries = append(v.Entries, x)
		}
		return nil
	})
}

// weakOf lists the weaknesses of the asset, or of those that the service stands on.
func (c *Console) weakOf(ctx context.Context, v *criticalView) error {
	if c.d.Weak == nil {
		return nil
	}
	l, err := c.d.Weak.List(ctx)
	if err != nil {
		return err
	}
	v.Notices = l.Read.Advisories > 0
	for i := range l.Pairs {
		p := &l.Pairs[i]
		if p.Match.Verdict == advisory.NotAffected || p.Asset.ID != v.ID && !v.On.has(p.Asset.ID) {
			continue
		}
		if len(v.Pairs) == criticalPairs {
			v.More++
			continue
		}
		v.Pairs = append(v.Pairs, p)
	}
	return nil
}

// riskOf takes the scenarios that it is the target of or that take it down, and what
// was tried.
func (c *Console) riskOf(v *criticalView) {
	if c.d.Risk == nil {
		return
	}
	s := c.d.Risk()
	v.A = s.Assessment
	if s.Declared == nil || s.Assessment == nil {
		return
	}
	for i := range s.Declared.Scenarios {
		x := &s.Declared.Scenarios[i]
		if x.Target != v.ID && !slices.Contains(x.Down, v.ID) && !slices.Contains(v.Needs, x.Target) {
			continue
		}
		for k := range s.Assessment.Scenarios {
			if s.Assessment.Scenarios[k].ID == x.ID {
				v.Scored = append(v.Scored, &s.Assessment.Scenarios[k])
			}
		}
	}
	for _, e := range s.Declared.Exercises {
		if slices.Contains(e.Of, v.ID) {
			v.Tried = append(v.Tried, e)
		}
	}
	slices.SortStableFunc(v.Tried, func(a, b risk.Exercise) int { return strings.Compare(b.Date, a.Date) })
}

// objective is the declared recovery time of the service, 0 where there is none.
func (v *criticalView) objective() float64 {
	if v.Service == nil || v.Service.Recovery == nil {
		return 0
	}
	return v.Service.Recovery.RTOHours
}

func serviceName(p *port.Port, id string) string {
	if s := p.Service(id); s != nil {
		return cmp.Or(s.Name, id)
	}
	return id
}

func (e *entryReach) words() string {
	if e.Chance == "" {
		return string(e.Reach)
	}
	return string(e.Reach) + ", " + e.Chance + " a try"
}

// triedWords is what was tried, how it went, and how long it took.
func triedWords(e *risk.Exercise) string {
	text := e.Name + ", " + e.Result
	if e.Hours > 0 {
		text += ", took " + risk.Digits(e.Hours) + " h"
	}
	return text
}

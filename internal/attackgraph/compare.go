package attackgraph

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Difference is what changed of an answer between two models, and why.
type Difference struct {
	Target string      `json:"target"`
	Before Standing    `json:"before"`
	After  Standing    `json:"after"`
	Causes []Statement `json:"causes"` // what differs in what the best ways rest on
	Others []Statement `json:"others"` // what differs besides
}

// Standing is where a target stands.
type Standing struct {
	Reach  Reach   `json:"reach"`
	Chance Range   `json:"chance"` // of the likeliest way; zero where there is none
	Effort float64 `json:"effort"` // days, of the cheapest way; 0 where there is none
	Paths  int     `json:"paths"`  // ways looked at
}

// Statement is something that one model has and the other has not, or has
// otherwise.
type Statement struct {
	Change    string `json:"change"` // "added", "removed", "changed"
	Statement string `json:"statement"`
	Origin    string `json:"origin"`
	Text      string `json:"text,omitempty"`
}

// looked is how many ways Compare looks at for causes.
const looked = 20

// Compare asks both models, which are up to date and have the same entries, and
// tells what changed.
func Compare(ctx context.Context, before, after *Model, target Atom) (*Difference, error) {
	d := &Difference{Target: target.String(), Causes: []Statement{}, Others: []Statement{}}
	rests := map[string]bool{}
	for _, side := range []struct {
		m  *Model
		to *Standing
	}{{before, &d.Before}, {after, &d.After}} {
		likely, err := side.m.Ask(ctx, target, Likeliest, looked)
		if err != nil {
			return nil, err
		}
		cheap, err := side.m.Ask(ctx, target, Cheapest, 1)
		if err != nil {
			return nil, err
		}
		*side.to = Standing{Reach: likely.Reach, Paths: len(likely.Paths)}
		if len(likely.Paths) > 0 {
			side.to.Chance, side.to.Effort = likely.Paths[0].Chance, cheap.Paths[0].Effort
		}
		for _, p := range likely.Paths {
			for _, mv := range p.Moves {
				for _, e := range mv.Evidence {
					rests[e.Origin+e.Statement] = true
				}
			}
		}
	}
	for _, s := range differences(before, after) {
		if rests[s.Origin+s.Statement] {
			d.Causes = append(d.Causes, s)
		} else {
			d.Others = append(d.Others, s)
		}
	}
	return d, nil
}

// differences lists what holds in one model and not in the other, in order of
// statement and origin.
func differences(before, after *Model) (out []Statement) {
	said := func(m *Model) map[string]Given {
		all := map[string]Given{}
		for g := range m.Givens {
			all[g.Origin+"\x00"+g.String()] = g
		}
		return all
	}
	a, b := said(before), said(after)
	for k, g := range a {
		h, still := b[k]
		switch {
		case !still:
			out = append(out, Statement{"removed", g.String(), g.Origin, g.Text})
		case g.Chance != h.Chance || g.Unsure != h.Unsure || g.Effort != h.Effort:
			out = append(out, Statement{"changed", g.String(), g.Origin, fmt.Sprintf("chance %v to %v: %s", g.Chance, h.Chance, h.Text)})
		}
	}
	for k, h := range b {
		if _, was := a[k]; !was {
			out = append(out, Statement{"added", h.String(), h.Origin, h.Text})
		}
	}
	slices.SortFunc(out, func(x, y Statement) int {
		return cmp.Or(cmp.Compare(x.Statement, y.Statement), cmp.Compare(x.Origin, y.Origin))
	})
	return out
}

// Worse reports whether the target can be had now where it could not, with more
// certainty, or more likely.
func (d *Difference) Worse() bool {
	rank := map[Reach]int{No: 0, Undecided: 1, Yes: 2}
	return rank[d.After.Reach] > rank[d.Before.Reach] || d.After.Chance[1] > d.Before.Chance[1]*(1+1e-9)
}

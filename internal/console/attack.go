package console

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/risk"
)

// attackView answers "can they reach it, how, and what would stop them".
type attackView struct {
	frame
	P       *port.Port
	Here    bool // an attack graph is joined
	From    string
	To      string
	By      attackgraph.Measure
	Without []string // changes of the what-if
	Problem string
	A       *attackgraph.Answer // with the changes; nil until asked
	Before  attackgraph.Reach   // without them, where there are any
	Cut     *attackgraph.Remedy // nil: not asked, or there is none
	NoCut   bool                // asked, and nothing that a port can do separates them
}

const (
	attackWays = 3
	maxWithout = 20
)

func (c *Console) attack(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v := c.attackAsked(r)
	return attackPage(v), nil
}

// attackJSON is the same answer for programs.
func (c *Console) attackJSON(w http.ResponseWriter, r *http.Request) {
	v := c.attackAsked(r)
	if v.A == nil {
		text := v.Problem
		if text == "" {
			text = "give from and to, as the page does"
		}
		http.Error(w, text, http.StatusBadRequest)
		return
	}
	b, err := json.MarshalIndent(struct {
		*attackgraph.Answer
		Without []string            `json:"without,omitempty"`
		Cut     *attackgraph.Remedy `json:"cut,omitempty"`
	}{v.A, v.Without, v.Cut}, "", "  ")
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="paths.json"`)
	c.send(w, r, "application/json", append(b, '\n'))
}

// attackSVG is the drawing of one way as a file.
func (c *Console) attackSVG(w http.ResponseWriter, r *http.Request) {
	v := c.attackAsked(r)
	n, err := strconv.Atoi(r.URL.Query().Get("way"))
	if v.A == nil || err != nil || n < 0 || n >= len(v.A.Paths) {
		http.Error(w, cmp.Or(v.Problem, "there is no such way"), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="way.svg"`)
	c.send(w, r, "image/svg+xml", []byte(v.drawing(n, false)))
}

// attackSTIX is the answer as a STIX bundle with the Attack Flow extension.
func (c *Console) attackSTIX(w http.ResponseWriter, r *http.Request) {
	v := c.attackAsked(r)
	if v.A == nil {
		http.Error(w, cmp.Or(v.Problem, "give from and to, as the page does"), http.StatusBadRequest)
		return
	}
	b, err := report.AttackFlow(v.P, v.A, c.d.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="attack-flow.json"`)
	c.send(w, r, "application/json", b)
}

// drawing is one way over the Purdue levels. Its texts are escaped where it is made.
func (v *attackView) drawing(n int, bare bool) string {
	var b strings.Builder
	walk := report.WalkOf(v.P, fmt.Sprintf("Way %d, from %s to %s", n+1, v.fromWords(), thingName(v.P, v.To)), &v.A.Paths[n])
	walk.Bare = bare
	_ = walk.WriteSVG(&b) // into memory
	// Several drawings stand on one page: the arrow of each has a name of its own.
	return strings.ReplaceAll(b.String(), "walk-arrow", fmt.Sprintf("walk-arrow-%d", n))
}

// attackAsked reads the question and asks it.
func (c *Console) attackAsked(r *http.Request) attackView {
	q := r.URL.Query()
	v := attackView{frame: c.frame(r, "Attack paths", "attack"), P: c.d.Port(), Here: c.d.Graph != nil, From: q.Get("from"), To: strings.TrimSpace(q.Get("to")), By: attackgraph.Likeliest}
	if q.Get("by") == string(attackgraph.Cheapest) {
		v.By = attackgraph.Cheapest
	}
	for _, w := range q["without"] {
		if w != "" && !slices.Contains(v.Without, w) && len(v.Without) < maxWithout {
			v.Without = append(v.Without, w)
		}
	}
	switch {
	case !v.Here, v.From == "" && v.To == "":
	case !attackgraph.IsEntry(v.P, v.From):
		v.Problem = "Choose where the attacker starts: an entry, or the id of a zone or an asset."
	case v.P.Service(v.To) == nil && v.P.Asset(v.To) == nil && v.P.Zone(v.To) == nil:
		v.Problem = "Choose what they want: the id of a service, an asset or a zone."
	default:
		if err := c.d.Graph(r.Context(), func(m *attackgraph.Model) error { return v.ask(r.Context(), m, q.Get("cut") != "") }); err != nil {
			v.A, v.Problem = nil, "The question could not be answered: "+err.Error()
			c.d.Log.Error("attack paths: not answered", "from", v.From, "to", v.To, "error", err)
		}
	}
	return v
}

func (v *attackView) ask(ctx context.Context, m *attackgraph.Model, cut bool) error {
	if err := m.From(v.From); err != nil {
		return err
	}
	if err := m.Update(); err != nil {
		return err
	}
	target, err := m.Target(v.To)
	if err != nil {
		return err
	}
	ask := func() (err error) {
		v.A, err = m.Ask(ctx, target, v.By, attackWays)
		if err != nil || !cut || v.A.Reach == attackgraph.No {
			return err
		}
		v.Cut, err = m.Separate(ctx, []attackgraph.Atom{target}, nil)
		if err != nil {
			v.Cut, v.NoCut = nil, true
		}
		return ctx.Err()
	}
	if len(v.Without) == 0 {
		return ask()
	}
	v.Before = m.Reach(target)
	return m.Try(v.Without, ask)
}

// href is this question with other changes.
func (v *attackView) href(without []string, cut bool) templ.SafeURL {
	return templ.SafeURL("/attack?" + v.query(without, cut))
}

func (v *attackView) query(without []string, cut bool) string {
	q := map[string][]string{"from": {v.From}, "to": {v.To}, "by": {string(v.By)}, "without": without}
	if cut {
		q["cut"] = []string{"1"}
	}
	return encodeQuery(q)
}

// reachWords is the answer as a sentence.
func (v *attackView) reachWords() (shape, severity, words string) {
	switch v.A.Reach {
	case attackgraph.Yes:
		return "confirmed", "alarm", "Yes"
	case attackgraph.Undecided:
		return "likely", "warning", "Undecided"
	}
	return "suspected", "ok", "No"
}

// fromWords names an entry for people.
func (v *attackView) fromWords() string {
	for _, e := range attackgraph.Entries {
		if e.ID == v.From {
			return e.Name
		}
	}
	return thingName(v.P, v.From)
}

// thingName is the name of an asset, service or zone.
func thingName(p *port.Port, id string) string {
	if s := p.Service(id); s != nil {
		return s.Name
	}
	if a := p.Asset(id); a != nil && a.Name != "" {
		return a.Name
	}
	if z := p.Zone(id); z != nil {
		return z.Name
	}
	return id
}

// chanceWords is a range of chances.
func chanceWords(r attackgraph.Range) string {
	if r[0] == r[1] {
		return risk.Percent(r[0])
	}
	return risk.Percent(r[0]) + " to " + risk.Percent(r[1])
}

// encodeQuery writes the parameters of an address, in their order of name.
func encodeQuery(q map[string][]string) string { return url.Values(q).Encode() }

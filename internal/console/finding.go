package console

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
)

const (
	maxHops   = 24 // of a walk that are drawn
	stopFacts = 4  // shown under one stop; all are in the list
)

// ends are the first two and the last facts of a stop, at most stopFacts.
func ends(facts []numbered) []numbered {
	if len(facts) <= stopFacts {
		return facts
	}
	return append(slices.Clone(facts[:2]), facts[len(facts)-(stopFacts-2):]...)
}

// findingView is the explanation of one finding, and its drawer.
type findingView struct {
	frame
	F        finding.Finding
	Places   []place
	Stop     []serviceLine
	Evidence []evidence
	History  []finding.Entry
	NoLog    string // why the history is not shown
	Sources  []sourceLine
	Names    *port.Port // whose short names are shown
	Subject  string     // page about the subject, "" for none
	Do       string     // form that is open
	Error    string     // of the step that was tried
	CanAct   bool
	CanShelf bool
}

// place is one stop of the walk: a zone or area, with what was touched there.
type place struct {
	Name, Note string // "Crane control", "Purdue 2"
	Domain     finding.Domain
	Nodes      []node
}

// node is one subject of the walk with the facts that name it.
type node struct {
	Name, Note, Href string
	Target           bool
	Facts            []numbered
}

// sourceLine is a source that told of it, and how it stands now.
type sourceLine struct {
	ID, Words string
	Good      bool
}

func (c *Console) finding(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v, err := c.explain(r, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v.frame = c.frame(r, v.F.Title, "findings")
	return findingPage(v), nil
}

func (c *Console) drawer(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v, err := c.explain(r, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v.Now = c.d.Now()
	return findingDrawer(v), nil
}

// explain gathers all that is known of a finding.
func (c *Console) explain(r *http.Request, id string) (findingView, error) {
	f, err := c.d.Desk.Get(r.Context(), id)
	if err != nil {
		return findingView{}, err
	}
	if !c.mayOn(r.Context(), identity.ViewFindings, f) {
		return findingView{}, finding.ErrNotFound // what one may not see does not exist for one
	}
	p := c.d.Port()
	v := findingView{F: f, Names: p, Do: r.URL.Query().Get("do"), Subject: subjectPath(p, f.Subject)}
	v.Places = walkOf(p, f)
	v.Stop = serviceLines(p, f.Services)
	v.CanAct = c.mayOn(r.Context(), identity.ActOnFindings, f)
	v.CanShelf = c.mayOn(r.Context(), identity.ShelveFindings, f)
	v.Evidence = c.evidenceOf(r.Context(), f)
	v.Sources = c.sourcesOf(f)
	if v.History, err = c.d.Desk.History(r.Context(), id); err != nil {
		c.d.Log.Error("history of a finding not read", "finding", id, "error", err)
		v.NoLog = "The history could not be read from the audit log."
	}
	slices.Reverse(v.History) // newest first
	return v, nil
}

// walkOf draws the hops as places in order; hops in one place stand together.
func walkOf(p *port.Port, f finding.Finding) []place {
	all := hops(f)
	if len(all) > maxHops {
		all = all[:maxHops]
	}
	var out []place
	for i, s := range all {
		at := placeName(p, s, f)
		n := node{Name: subjectName(p, s), Note: subjectNote(p, s), Href: subjectPath(p, s), Target: i == len(all)-1 && len(all) > 1}
		n.Facts = factsNaming(f, callings(p, s, n.Name))
		if len(out) > 0 && out[len(out)-1].Name == at.Name {
			last := &out[len(out)-1]
			last.Nodes = append(last.Nodes, n)
			continue
		}
		at.Nodes = []node{n}
		out = append(out, at)
	}
	return out
}

// placeName is the zone of a subject, else its area, else its world.
func placeName(p *port.Port, s finding.Subject, f finding.Finding) place {
	if a := subjectAsset(p, s); a != nil {
		if z := p.Zone(a.Zone); z != nil {
			return place{Name: z.Name, Note: purdue(z), Domain: finding.Domain(a.Domain)}
		}
		if ar := p.Area(a.Area); ar != nil {
			return place{Name: ar.Name, Note: "area", Domain: finding.Domain(a.Domain)}
		}
		return place{Name: "No zone declared", Domain: finding.Domain(a.Domain)}
	}
	if z := p.Zone(s.ID); z != nil {
		return place{Name: z.Name, Note: purdue(z), Domain: finding.Domain(z.Domain)}
	}
	if ip, err := netip.ParseAddr(strings.TrimPrefix(s.ID, "ip:")); err == nil {
		if z := p.ZoneOf(ip); z != nil {
			return place{Name: z.Name, Note: purdue(z), Domain: finding.Domain(z.Domain)}
		}
	}
	if ap, ar := p.Reader(s.ID); ar != nil {
		return place{Name: ar.Name, Note: ap.Kind, Domain: finding.Physical}
	}
	if ar := p.Area(s.ID); ar != nil {
		return place{Name: ar.Name, Note: "area", Domain: finding.Physical}
	}
	out := place{Name: "Not in the port file"}
	if s.Kind == "vessel" {
		out.Name = "At sea"
	}
	if len(f.Domains) > 0 {
		out.Domain = f.Domains[0]
	}
	return out
}

// subjectNote is the second line of a node.
func subjectNote(p *port.Port, s finding.Subject) string {
	if a := subjectAsset(p, s); a != nil {
		parts := []string{a.Kind}
		if a.Vendor != "" {
			parts = append(parts, strings.TrimSpace(a.Vendor+" "+a.Model))
		}
		if a.Criticality != "" {
			parts = append(parts, a.Criticality+" criticality")
		}
		return strings.Join(parts, " · ")
	}
	return s.Kind + " " + s.ID
}

// callings are the words that a sentence may call a subject by: id, name, addresses.
func callings(p *port.Port, s finding.Subject, name string) []string {
	out := []string{strings.TrimPrefix(s.ID, "ip:"), name}
	if a := subjectAsset(p, s); a != nil {
		for _, ad := range a.Addresses {
			if ad.IP.IsValid() {
				out = append(out, ad.IP.String())
			}
		}
	}
	return out
}

// factsNaming are the facts whose sentence calls the subject by one of the words.
func factsNaming(f finding.Finding, words []string) []numbered {
	var out []numbered
	for i, fact := range f.Facts {
		if slices.ContainsFunc(words, func(w string) bool { return names(fact.Text, w) }) {
			out = append(out, numbered{fact, i + 1})
		}
	}
	return out
}

// names reports whether word stands in text as a whole: 10.0.0.1 does not stand in 10.0.0.17.
func names(text, word string) bool {
	for rest := text; word != ""; {
		i := strings.Index(rest, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		if (i == 0 || !wordByte(rest[i-1])) && (end == len(rest) || !wordByte(rest[end])) {
			return true
		}
		rest = rest[i+1:]
	}
	return false
}

func wordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '-'
}

// sourcesOf tells how the sources of a finding stand now: evidence of a source
// that is silent since grows old.
func (c *Console) sourcesOf(f finding.Finding) []sourceLine {
	pic, now := c.d.Health(), c.d.Now()
	var out []sourceLine
	seen := map[string]bool{}
	for _, fact := range f.Facts {
		id := fact.Evidence.Source
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		line := sourceLine{ID: id, Words: "is not among the sources now"}
		for _, s := range pic.Sources {
			if s.ID == id {
				line.Good = s.Status == "live"
				line.Words = string(s.Status) + " since " + clockTime(now, s.Since) + " UTC"
				if s.Why != "" {
					line.Words += ": " + s.Why
				}
			}
		}
		out = append(out, line)
	}
	return out
}

// headline is the answer in one line: how sure, how many facts, in what time.
func headline(f finding.Finding) string {
	n := len(f.Facts)
	if n == 0 {
		return "no single fact is kept; see the history"
	}
	if n == 1 {
		return "one fact"
	}
	return plural(n, "fact", "facts") + " within " + span(f.Facts[n-1].Time.Sub(f.Facts[0].Time))
}

// oldest is the age of the oldest fact.
func oldest(f finding.Finding, now time.Time) string {
	if len(f.Facts) == 0 {
		return ago(now, f.First)
	}
	return ago(now, f.Facts[0].Time)
}

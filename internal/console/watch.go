package console

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Bounds of the Watch page: it answers "what is wrong now", not "what is there".
const (
	watchRows  = 40             // alarms listed; the rest is a link away
	touchRows  = 300            // most serious open findings that services and lanes are judged by
	staleAfter = 24 * time.Hour // an alarm that stands longer is stale (ISA-18.2: 24 h)
	floodLimit = 10             // alarms in ten minutes; more is a flood (ISA-18.2, EEMUA 191)
	loadLimit  = 6              // alarms an hour that one person can carry
)

// open are the states of findings that still concern somebody.
var open = []finding.State{finding.Active, finding.Returned, finding.Acknowledged}

// watchView is the Watch page.
type watchView struct {
	frame
	Alarms alarmView
	Line   timeline
	Strip  stripView
	Chart  chart
	Note   string
	Canvas mapSettings
}

// mapSettings tell the map where its data is.
type mapSettings struct{ Port, Live, Worker, Centre, Bounds string }

// alarmView is the alarm list after ISA-18.2.
type alarmView struct {
	Now      time.Time
	Port     *port.Port // whose names are shown
	Rows     []alarmRow
	Selected *finding.Finding
	Stop     []serviceLine // what the selected one touches, what its last stop serves first
	CanAct   bool
	CanShelf bool
	Total    int // of open findings
	Summary  finding.Summary
	Stale    int // listed rows that stand longer than staleAfter
	Folded   int // listed findings that stand under a chain
}

// Active, Acked and Shelved are the counts of the head line.
func (v alarmView) Active() int  { return v.Summary.ByState[finding.Active] }
func (v alarmView) Acked() int   { return v.Summary.ByState[finding.Acknowledged] }
func (v alarmView) Shelved() int { return v.Summary.ByState[finding.Shelved] }

// Returned counts conditions that went before anybody acknowledged them.
func (v alarmView) Returned() int { return v.Summary.ByState[finding.Returned] }

// Flood reports whether more alarms came in ten minutes than a person can take in.
func (v alarmView) Flood() bool { return v.Summary.Last10Min > floodLimit }

// Heavy reports whether the last hour brought more than a person can carry.
func (v alarmView) Heavy() bool { return v.Summary.LastHour > loadLimit }

// IsSelected reports whether the row explains itself.
func (v alarmView) IsSelected(f finding.Finding) bool {
	return v.Selected != nil && v.Selected.ID == f.ID
}

// serviceLine is a service in words: what the port file declares of it.
type serviceLine struct {
	ID, Name string
	Capacity string // "180 trucks/h", "" where none is declared
	Manual   string // how it goes on by hand
	Recovery string // declared objectives
}

func serviceLines(p *port.Port, ids []string) []serviceLine {
	var out []serviceLine
	for _, id := range ids {
		if s := p.Service(id); s != nil {
			out = append(out, describeService(s))
		}
	}
	return out
}

func describeService(s *port.Service) serviceLine {
	l := serviceLine{ID: s.ID, Name: s.Name, Manual: "no manual working declared"}
	if s.Capacity > 0 {
		l.Capacity = amount(s.Capacity) + " " + s.Unit
	}
	if m := s.Manual; m != nil {
		l.Manual = amount(m.Fraction*100) + " % by hand after " + amount(m.RampHours) + " h"
		if m.Fraction == 0 {
			l.Manual = "nothing goes by hand"
		} else if m.LimitHours > 0 {
			l.Manual += ", for at most " + amount(m.LimitHours) + " h"
		}
	}
	if r := s.Recovery; r != nil && r.RTOHours > 0 {
		l.Recovery = "to be back within " + amount(r.RTOHours) + " h"
	}
	return l
}

// openFindings are the most serious findings that still concern somebody. The
// parts of one page share one list.
func (c *Console) openFindings(r *http.Request) (finding.Page, error) {
	return c.d.Desk.List(r.Context(), c.allowedQuery(r, finding.Query{States: open, Limit: touchRows}))
}

func (c *Console) watch(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v := watchView{frame: c.frame(r, "Watch", "watch")}
	c.withMap(&v.frame)
	page, err := c.openFindings(r)
	if err != nil {
		return nil, err
	}
	if v.Alarms, err = c.alarms(r, page); err != nil {
		return nil, err
	}
	if v.Line, err = c.timeline(r, v.Alarms); err != nil {
		return nil, err
	}
	v.Strip = c.strip(page)
	v.Canvas = c.mapSettings("/map/live.json")
	v.Chart, v.Note = c.chart(page, v.Alarms.Selected)
	return watchPage(v), nil
}

// withMap makes a page load what the map needs.
func (c *Console) withMap(f *frame) {
	f.Map, f.MapStyle, f.MapJS = true, c.assets.URL("map-style.css"), c.assets.URL("map.js")
}

// mapSettings are what the map of a page is told: live is where it asks for what
// moves.
func (c *Console) mapSettings(live string) mapSettings {
	g := c.ports.of(c.d.Port())
	return mapSettings{
		Port: "/map/port.json?v=" + g.tag, Live: live, Worker: c.assets.URL("map-worker.js"),
		Centre: pair(g.port.Identity.Centre), Bounds: g.box.String(),
	}
}

func (c *Console) watchAlarms(w http.ResponseWriter, r *http.Request) (templ.Component, error) {
	page, err := c.openFindings(r)
	if err != nil {
		return nil, err
	}
	v, err := c.alarms(r, page)
	if err != nil {
		return nil, err
	}
	if r.URL.Query().Get("sel") != "" {
		w.Header().Set("HX-Trigger-After-Settle", "chosen") // map and timeline follow the reader
	}
	return alarmList(v), nil
}

func (c *Console) watchLine(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	page, err := c.openFindings(r)
	if err != nil {
		return nil, err
	}
	v, err := c.alarms(r, page)
	if err != nil {
		return nil, err
	}
	line, err := c.timeline(r, v)
	if err != nil {
		return nil, err
	}
	return timelinePart(line), nil
}

func (c *Console) watchStrip(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	page, err := c.openFindings(r)
	if err != nil {
		return nil, err
	}
	return stripPart(c.strip(page)), nil
}

func (c *Console) watchChart(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	page, err := c.openFindings(r)
	if err != nil {
		return nil, err
	}
	v, err := c.alarms(r, page)
	if err != nil {
		return nil, err
	}
	drawn, _ := c.chart(page, v.Selected)
	return chartPart(drawn), nil
}

// alarms lists what is open, unacknowledged first, and explains the selected one
// (parameter sel; the first where none is named).
func (c *Console) alarms(r *http.Request, page finding.Page) (alarmView, error) {
	now := c.d.Now()
	v := alarmView{Now: now, Port: c.d.Port()}
	var err error
	if v.Summary, err = c.d.Desk.Summary(r.Context(), now); err != nil {
		return v, err
	}
	v.Rows, v.Total = fold(page.Findings), page.Total
	v.Rows = v.Rows[:min(len(v.Rows), watchRows)]
	for i := range v.Rows {
		if v.Rows[i].Present && now.Sub(v.Rows[i].First) > staleAfter {
			v.Stale++
		}
		v.Folded += len(v.Rows[i].Parts)
	}
	if err := c.choose(r, &v); err != nil {
		return v, err
	}
	if f := v.Selected; f != nil {
		v.Stop = serviceLines(v.Port, servedLast(v.Port, *f))
		v.CanAct = c.mayOn(r.Context(), identity.ActOnFindings, *f)
		v.CanShelf = c.mayOn(r.Context(), identity.ShelveFindings, *f)
	}
	return v, nil
}

// choose picks the alarm that explains itself; one that is named but not in
// the list is fetched and put on top.
func (c *Console) choose(r *http.Request, v *alarmView) error {
	want := selected(r)
	if i := slices.IndexFunc(v.Rows, func(row alarmRow) bool { return row.ID == want }); i >= 0 {
		v.Selected = &v.Rows[i].Finding
		return nil
	}
	if want != "" {
		f, err := c.d.Desk.Get(r.Context(), want)
		if err == nil && c.mayOn(r.Context(), identity.ViewFindings, f) {
			v.Rows = slices.Insert(v.Rows, 0, alarmRow{Finding: f})
			v.Selected = &v.Rows[0].Finding
			return nil
		}
	}
	if len(v.Rows) > 0 {
		v.Selected = &v.Rows[0].Finding
	}
	return nil
}

// selected is the finding that the reader looks at: the parameter sel of the
// request, or, for a live update, of the page that asks.
func selected(r *http.Request) string {
	if s := r.URL.Query().Get("sel"); s != "" {
		return s
	}
	if _, query, ok := strings.Cut(r.Header.Get("HX-Current-URL"), "?sel="); ok {
		id, _, _ := strings.Cut(query, "&")
		return id
	}
	return ""
}

// servedLast are the services of a finding with those first that need the last
// stop of its walk: that is where it leads to.
func servedLast(p *port.Port, f finding.Finding) []string {
	out := slices.Clone(f.Services)
	if len(f.Links) == 0 {
		return out
	}
	last := p.ServicesOf(f.Links[len(f.Links)-1].ID)
	direct := func(id string) int {
		if !slices.Contains(last, id) {
			return 2
		}
		if s := p.Service(id); s == nil || s.Capacity <= 0 || s.Unit == "%" {
			return 1 // what moves trade is said before what merely runs
		}
		return 0
	}
	at := func(id string) int {
		return slices.IndexFunc(p.Services, func(s port.Service) bool { return s.ID == id })
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Or(direct(a)-direct(b), at(a)-at(b)) })
	return out
}

// stripCells is how many services stand in the strip; the rest is counted.
const stripCells = 5

// stripView is the services of the port with what touches them now.
type stripView struct {
	Services []touched // those that matter most now, at most stripCells
	More     int       // services that are not shown
	MoreHit  int       // of them touched by a finding
	Judged   int       // findings that were looked at
	All      bool      // that was all of them
}

// touched is one service and the open findings on what it depends on.
type touched struct {
	serviceLine
	Count int
	Worst *finding.Finding
}

func (c *Console) strip(page finding.Page) stripView {
	v := stripView{Judged: len(page.Findings), All: page.Next == ""}
	p := c.d.Port()
	for i := range p.Services {
		t := touched{serviceLine: describeService(&p.Services[i])}
		for j := range page.Findings { // ordered by consequence: the first hit is the worst
			if f := &page.Findings[j]; f.Present && slices.Contains(f.Services, t.ID) {
				t.Count++
				if t.Worst == nil {
					t.Worst = f
				}
			}
		}
		v.Services = append(v.Services, t)
	}
	slices.SortStableFunc(v.Services, func(a, b touched) int { return rank(b) - rank(a) })
	for _, t := range v.Services[min(len(v.Services), stripCells):] {
		v.More++
		v.MoreHit += order(t.Worst != nil)
	}
	v.Services = v.Services[:min(len(v.Services), stripCells)]
	return v
}

// rank puts services with the worst findings first, among them those with a
// trade of their own, then those with more findings; the rest keep the order of
// the port file.
func rank(t touched) int {
	if t.Worst == nil {
		return 0
	}
	return ((int(t.Worst.Severity)*10+int(t.Worst.Grade))*2+order(trade(t.serviceLine)))*(touchRows+1) + t.Count
}

package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
)

const (
	findingRows = 50  // of the triage table, a page
	maxText     = 200 // characters of a search that count
)

// findingsView is the triage table.
type findingsView struct {
	frame
	Page   finding.Page
	Filter findingFilter
	Here   string // address of this page with its filters
	Next   string // of the next page, "" on the last
	CanAct bool
	Names  *port.Port // whose short names are shown
}

// findingFilter is what the address selects; it can be passed on as a link.
type findingFilter struct {
	State, Domain, Severity, Grade, Assignee, Text, Subject, Cursor string
}

func filterOf(q url.Values) findingFilter {
	f := findingFilter{
		State: q.Get("state"), Domain: q.Get("domain"), Severity: q.Get("severity"), Grade: q.Get("grade"),
		Assignee: q.Get("assignee"), Text: strings.TrimSpace(q.Get("q")), Subject: q.Get("subject"), Cursor: q.Get("cursor"),
	}
	if r := []rune(f.Text); len(r) > maxText {
		f.Text = string(r[:maxText])
	}
	return f
}

// address is the page with this filter, at cursor.
func (f findingFilter) address(cursor string) string {
	q := url.Values{}
	for key, v := range map[string]string{
		"state": f.State, "domain": f.Domain, "severity": f.Severity, "grade": f.Grade,
		"assignee": f.Assignee, "q": f.Text, "subject": f.Subject, "cursor": cursor,
	} {
		if v != "" {
			q.Set(key, v)
		}
	}
	if len(q) == 0 {
		return "/findings"
	}
	return "/findings?" + q.Encode()
}

// query turns the filter into a query, or says what in it is not understood.
func (f findingFilter) query() (finding.Query, error) {
	q := finding.Query{Text: f.Text, Subject: f.Subject, Assignee: f.Assignee, Cursor: f.Cursor, Limit: findingRows}
	switch f.State {
	case "", "open":
		q.States = open
	case "all":
	case "active":
		q.States = []finding.State{finding.Active}
	case string(finding.Acknowledged), string(finding.Shelved), string(finding.Resolved), string(finding.Returned):
		q.States = []finding.State{finding.State(f.State)}
	default:
		return q, badFilter("state", f.State)
	}
	if f.Domain != "" {
		if !slices.Contains(lanes, finding.Domain(f.Domain)) {
			return q, badFilter("domain", f.Domain)
		}
		q.Domains = []finding.Domain{finding.Domain(f.Domain)}
	}
	if f.Severity != "" && q.Severity.UnmarshalText([]byte(f.Severity)) != nil {
		return q, badFilter("severity", f.Severity)
	}
	if f.Grade != "" && q.Grade.UnmarshalText([]byte(f.Grade)) != nil {
		return q, badFilter("grade", f.Grade)
	}
	return q, nil
}

// countedNoun names what is counted below the table, and says where counting stopped.
func countedNoun(p finding.Page) string {
	if p.AtLeast {
		return "findings or more"
	}
	return "findings"
}

func badFilter(name, value string) error {
	return problem{http.StatusBadRequest, "That filter is not known", "The address asks for " + name + " " + strconv.Quote(value) + ", which does not exist."}
}

func (c *Console) findings(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v := findingsView{Filter: filterOf(r.URL.Query()), Names: c.d.Port()}
	q, err := v.Filter.query()
	if err != nil {
		return nil, err
	}
	if v.Page, err = c.d.Desk.List(r.Context(), c.allowedQuery(r, q)); err != nil {
		return nil, err
	}
	v.Here = v.Filter.address(v.Filter.Cursor)
	if v.Page.Next != "" {
		v.Next = v.Filter.address(v.Page.Next)
	}
	v.CanAct = len(c.domains(r.Context(), identity.ActOnFindings)) > 0
	if fragment(r) {
		v.Now = c.d.Now()
		return findingsTable(v), nil
	}
	v.frame = c.frame(r, "Findings", "findings")
	return findingsPage(v), nil
}

// choice is one entry of a filter.
type choice struct{ Value, Name string }

var (
	stateChoices    = []choice{{"", "open"}, {"active", "active"}, {"returned", "returned"}, {"acknowledged", "acknowledged"}, {"shelved", "shelved"}, {"resolved", "resolved"}, {"all", "all"}}
	severityChoices = []choice{{"", "any"}, {"alarm", "alarm"}, {"warning", "warning or worse"}, {"advice", "advice or worse"}}
	gradeChoices    = []choice{{"", "any"}, {"confirmed", "confirmed"}, {"likely", "likely or surer"}, {"suspected", "suspected or surer"}}
)

func domainChoices() []choice {
	out := []choice{{"", "all"}}
	for _, d := range lanes {
		out = append(out, choice{string(d), domainNames[d]})
	}
	return out
}

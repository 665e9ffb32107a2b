package server

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

type findingsQuery struct {
	State    []string  `query:"state" enum:"active,acknowledged,shelved,returned,resolved" doc:"any of these, separated by commas"`
	Domain   []string  `query:"domain" enum:"it,ot,physical,sea,cargo" doc:"any of these"`
	Rule     []string  `query:"rule" maxItems:"50" doc:"any of these, such as vessel.impossible-movement"`
	Subject  string    `query:"subject" maxLength:"200" doc:"id of the subject, exact"`
	Severity string    `query:"severity" enum:"advice,warning,alarm" doc:"at least"`
	Grade    string    `query:"grade" enum:"suspected,likely,confirmed" doc:"at least"`
	Since    time.Time `query:"since" doc:"last occurrence at or after"`
	Assignee string    `query:"assignee" maxLength:"64" doc:"account"`
	Text     string    `query:"text" maxLength:"200" doc:"words in title, summary or subject"`
	Present  string    `query:"present" enum:"true,false" doc:"whether the condition holds now"`
	Paging
}

// query is the question to the register. The schema has checked the words.
func (in *findingsQuery) query() (finding.Query, error) {
	q := finding.Query{
		Rules: in.Rule, Subject: in.Subject, Since: in.Since.UTC(), Assignee: in.Assignee, Text: in.Text,
		Cursor: in.Cursor, Limit: in.Limit,
	}
	if in.Since.IsZero() {
		q.Since = time.Time{}
	}
	for _, s := range in.State {
		q.States = append(q.States, finding.State(s))
	}
	for _, d := range in.Domain {
		q.Domains = append(q.Domains, finding.Domain(d))
	}
	if in.Severity != "" {
		if err := q.Severity.UnmarshalText([]byte(in.Severity)); err != nil {
			return q, badQuery("severity", err.Error())
		}
	}
	if in.Grade != "" {
		if err := q.Grade.UnmarshalText([]byte(in.Grade)); err != nil {
			return q, badQuery("grade", err.Error())
		}
	}
	if in.Present != "" {
		present := in.Present == "true"
		q.Present = &present
	}
	return q, nil
}

type FindingID struct {
	ID string `path:"id" maxLength:"64" doc:"such as F-2QZ7K4MW3BPA"`
}

type findingRead struct {
	FindingID
	IfNoneMatch string `header:"If-None-Match" maxLength:"200" doc:"ETag of the copy at hand; 304 where it is still right"`
}

type findingAnswer struct {
	ETag string `header:"ETag" doc:"revision of the finding"`
	Body finding.Finding
}

type findingAction struct {
	FindingID
	IfMatch string `header:"If-Match" maxLength:"200" doc:"ETag of the finding that was decided on; 412 where it has changed since. Absent or *: whichever"`
	Body    struct {
		Action   string    `json:"action" enum:"acknowledge,shelve,unshelve,resolve,reopen,assign,comment" doc:"what to do. There is no way to write a state, grade or severity"`
		Until    time.Time `json:"until,omitempty" doc:"shelve: when the finding comes back"`
		Assignee string    `json:"assignee,omitempty" maxLength:"64" doc:"assign: account; empty takes it away"`
		Text     string    `json:"text,omitempty" maxLength:"4000" doc:"comment; or the reason, needed to shelve and to resolve"`
	}
}

type entries struct {
	Items []finding.Entry `json:"items" nullable:"false"`
}

func (s *Server) addFindings(a *api) {
	get(a, "findings", "", "/findings", "listFindings", "Findings, the most severe, surest and newest first",
		func(ctx context.Context, in *findingsQuery) (list[finding.Finding], error) {
			q, err := in.query()
			if err != nil {
				return list[finding.Finding]{}, err
			}
			p, err := s.findings.List(ctx, q)
			if err != nil {
				return list[finding.Finding]{}, err
			}
			out := list[finding.Finding]{Items: p.Findings, Next: p.Next, Total: p.Total, AtLeast: p.AtLeast}
			if out.Items == nil {
				out.Items = []finding.Finding{}
			}
			return out, nil
		})
	add(a, operation{method: http.MethodGet, path: "/api/v1/findings/{id}", id: "getFinding", tag: "findings",
		summary: "One finding with its evidence", faults: []int{http.StatusNotModified, http.StatusNotFound}},
		func(ctx context.Context, in *findingRead) (*findingAnswer, error) {
			f, err := s.findings.Get(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			if tag := etag(f.Revision); listsTag(in.IfNoneMatch, tag, true) {
				return nil, problem(http.StatusNotModified, "").with("ETag", tag)
			}
			return &findingAnswer{ETag: etag(f.Revision), Body: f}, nil
		})
	get(a, "findings", "", "/findings/{id}/history", "getFindingHistory", "Who did what with a finding, from the audit log",
		func(ctx context.Context, in *FindingID) (entries, error) {
			h, err := s.findings.History(ctx, in.ID)
			if h == nil {
				h = []finding.Entry{}
			}
			return entries{Items: h}, err
		})
	add(a, operation{method: http.MethodPost, path: "/api/v1/findings/{id}/actions", id: "actOnFinding", tag: "findings",
		summary:     "Acknowledge, shelve, unshelve, resolve, reopen, assign or comment on a finding",
		description: "The actor is who asks. The answer is the finding after the action.",
		faults:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}},
		s.actOnFinding)
}

func (s *Server) actOnFinding(ctx context.Context, in *findingAction) (*findingAnswer, error) {
	revision, err := s.matchRevision(ctx, in.ID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	action := finding.Action{
		Kind: finding.ActionKind(in.Body.Action), Revision: revision,
		Assignee: in.Body.Assignee, Text: strings.TrimSpace(in.Body.Text),
	}
	if !in.Body.Until.IsZero() {
		action.Until = in.Body.Until.UTC()
	}
	f, err := s.findings.Act(ctx, in.ID, action)
	if err != nil {
		return nil, err
	}
	return &findingAnswer{ETag: etag(f.Revision), Body: f}, nil
}

// matchRevision is the revision that If-Match asks for, 0 for whichever. With
// several tags the finding must have one of them now.
func (s *Server) matchRevision(ctx context.Context, id, header string) (int64, error) {
	header = strings.TrimSpace(header)
	if header == "" || header == "*" {
		return 0, nil
	}
	if !strings.Contains(header, ",") {
		if n, ok := parseETag(header); ok {
			return n, nil
		}
	}
	f, err := s.findings.Get(ctx, id)
	if err != nil {
		return 0, err
	}
	if listsTag(header, etag(f.Revision), false) {
		return f.Revision, nil
	}
	return 0, finding.ErrConflict
}

// etag is the strong entity tag of a revision.
func etag(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

func parseETag(s string) (int64, bool) {
	if len(s) < 3 || s[0] != '"' || s[len(s)-1] != '"' {
		return 0, false
	}
	n, err := strconv.ParseInt(s[1:len(s)-1], 10, 64)
	return n, err == nil && n > 0
}

// listsTag reports whether a list of entity tags holds tag (RFC 9110 section
// 13.1); a weak tag counts only where weak is set.
func listsTag(header, tag string, weak bool) bool {
	return slices.ContainsFunc(strings.Split(header, ","), func(t string) bool {
		t = strings.TrimSpace(t)
		if weak {
			t = strings.TrimPrefix(t, "W/")
		}
		return t == tag || weak && t == "*"
	})
}

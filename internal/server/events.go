package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
)

const (
	heartbeat         = 15 * time.Second // a comment, so that proxies and clients know that the line is alive
	writeWait         = 10 * time.Second // a client that takes nothing for so long is let go
	maxStreams        = 256              // at once
	maxAccountStreams = 16               // of one account
)

// findingEvent is what the stream tells of a change: enough to draw a line of
// the list. The finding itself is read at its address. A step of more than one
// in revision means that changes were missed.
type findingEvent struct {
	Change   finding.Change   `json:"change" doc:"repeated, raised, regraded, returned or acted upon"`
	ID       string           `json:"id"`
	Revision int64            `json:"revision"`
	Rule     string           `json:"rule"`
	Subject  finding.Subject  `json:"subject"`
	Domains  []finding.Domain `json:"domains" nullable:"false"`
	State    finding.State    `json:"state"`
	Severity finding.Severity `json:"severity"`
	Grade    finding.Grade    `json:"grade"`
	Present  bool             `json:"present"`
	Title    string           `json:"title"`
	Last     time.Time        `json:"last"`
	Count    int              `json:"count"`
	Assignee string           `json:"assignee,omitempty"`
	Exercise string           `json:"exercise,omitempty"`
	Actor    string           `json:"actor,omitempty" doc:"account; absent for a watch"`
	Time     time.Time        `json:"time"`
}

// eventsHub counts the open streams.
type eventsHub struct {
	mu        sync.Mutex
	open      int
	byAccount map[string]int
}

func (h *eventsHub) enter(account string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open >= maxStreams || h.byAccount[account] >= maxAccountStreams {
		return false
	}
	h.open++
	h.byAccount[account]++
	return true
}

func (h *eventsHub) leave(account string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	if h.byAccount[account]--; h.byAccount[account] == 0 {
		delete(h.byAccount, account)
	}
}

type eventsInput struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"200" doc:"sent by a client that comes back; the answer then begins with the event resync, which means: read the lists anew"`
}

// addEvents registers the stream by hand, because its answer never ends.
func (s *Server) addEvents(a *api) {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[findingEvent](), true, "findingEvent")
	op := huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/events", OperationID: "streamEvents", Tags: []string{"findings"},
		Summary: "Changes of findings as they happen (server-sent events)",
		Description: "Events: `hello` at the start; `finding` with the JSON below as data; `resync` where changes may have been missed: read the lists anew; " +
			"`bye` before the server goes down or the session ends. A comment comes every 15 seconds. A client that is slower than the changes misses some and sees a gap in revision.",
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable},
		Responses: map[string]*huma.Response{"200": {
			Description: "text/event-stream; the schema is that of the data of one finding event",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: schema}},
		}},
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
		p, _ := identity.PrincipalFrom(ctx)
		if len(identity.AllowedDomains(ctx, identity.ViewFindings)) == 0 {
			return nil, toProblem(ctx, s.log, errForbidden)
		}
		if !s.events.enter(p.Account.Name) {
			s.meter.dropped.Inc()
			return nil, toProblem(ctx, s.log, problem(http.StatusServiceUnavailable, errStreams).with("Retry-After", "30"))
		}
		return &huma.StreamResponse{Body: func(hctx huma.Context) {
			defer s.events.leave(p.Account.Name)
			r, w := humago.Unwrap(hctx)
			s.stream(w, r, p, in.LastEventID != "")
		}}, nil
	})
}

// stream tells changes until the client, the session or the server ends.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, p identity.Principal, returning bool) {
	s.meter.streams.Inc()
	defer s.meter.streams.Dec()
	changes, cancel := s.findings.Subscribe()
	defer cancel()
	out := newEventWriter(w, s.now)
	if out.comment("quaywatch") != nil || out.event("hello", map[string]any{"time": s.now().UTC(), "account": p.Account.Name}) != nil {
		return
	}
	if returning && out.event("resync", map[string]any{"reason": "changes before this moment are not told again"}) != nil {
		return
	}
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case e, open := <-changes:
			if !open {
				_ = out.event("bye", map[string]any{"reason": "the register ended"})
				return
			}
			if MayFinding(r.Context(), identity.ViewFindings, e.Finding) && out.event("finding", eventOf(e)) != nil {
				return
			}
		case <-tick.C:
			if !s.stillMay(r.Context(), p) {
				_ = out.event("bye", map[string]any{"reason": "the session ended"})
				return
			}
			if out.comment("still here") != nil {
				return
			}
		case <-s.ending:
			_ = out.event("bye", map[string]any{"reason": "the server goes down"})
			return
		case <-r.Context().Done():
			return
		}
	}
}

// stillMay looks the rights up anew: a disabled account, a revoked token or a
// session that was logged out must not look on. The stream counts as activity
// of the session, within its absolute limit.
func (s *Server) stillMay(ctx context.Context, p identity.Principal) bool {
	if _, err := s.deps.Identity.Again(ctx, p); err != nil {
		return false
	}
	if p.Token != "" {
		return true
	}
	alive, err := s.sessions.Touch(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "could not look a session up", "error", err)
	}
	return alive
}

func eventOf(e finding.Event) findingEvent {
	f := &e.Finding
	return findingEvent{
		Change: e.Change, ID: f.ID, Revision: f.Revision, Rule: f.Rule, Subject: f.Subject,
		Domains: append([]finding.Domain{}, f.Domains...), State: f.State, Severity: f.Severity, Grade: f.Grade,
		Present: f.Present, Title: f.Title, Last: f.Last, Count: f.Count, Assignee: f.Assignee, Exercise: f.Exercise,
		Actor: e.Actor, Time: e.Time,
	}
}

// eventWriter writes one event at a time and never waits long for a client.
type eventWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	now func() time.Time
	n   int64
}

func newEventWriter(w http.ResponseWriter, now func() time.Time) *eventWriter {
	e := &eventWriter{w: w, rc: http.NewResponseController(w), now: now}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy must not collect events
	_ = e.rc.SetReadDeadline(time.Time{})
	return e
}

func (e *eventWriter) comment(text string) error { return e.write(": " + text + "\n\n") }

func (e *eventWriter) event(name string, data any) error {
	e.n++
	return e.named(fmt.Sprintf("%d-%d", e.now().UnixMilli(), e.n), name, data)
}

// named writes an event under an id; without one the client keeps the id before.
func (e *eventWriter) named(id, name string, data any) error {
	text, err := json.Marshal(data) // one line: JSON escapes line breaks
	if err != nil {
		return fmt.Errorf("write event %s: %w", name, err)
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return e.write(fmt.Sprintf("%sevent: %s\ndata: %s\n\n", id, name, text))
}

func (e *eventWriter) write(text string) error {
	_ = e.rc.SetWriteDeadline(time.Now().Add(writeWait)) // not every writer can, and then the server's own limit holds
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.rc.Flush()
}

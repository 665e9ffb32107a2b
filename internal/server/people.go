package server

import (
	"context"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/watch/physical"
)

type presenceQuery struct {
	Area    string `query:"area" maxLength:"100"`
	Allowed string `query:"allowed" enum:"true,false" doc:"whether the person may enter that area"`
	Text    string `query:"text" maxLength:"200" doc:"part of name, party or badge"`
	Paging
}

type areaCounts struct {
	Items []physical.AreaCount `json:"items" nullable:"false"`
	AsOf  time.Time            `json:"as_of,omitzero"`
}

type readersAnswer struct {
	Items []physical.ReaderState `json:"items" nullable:"false"`
	AsOf  time.Time              `json:"as_of,omitzero"`
}

type accessQuery struct {
	Reader string `query:"reader" maxLength:"100"`
	Badge  string `query:"badge" maxLength:"100"`
	Span
	Limit int `query:"limit" minimum:"1" maximum:"10000" default:"1000" doc:"most rows, newest first"`
}

// accessView is one use of a reader with the way back to its bytes.
type accessView struct {
	Time      time.Time          `json:"time"`
	Told      bool               `json:"told"`
	Reader    string             `json:"reader"`
	Badge     string             `json:"badge,omitempty"`
	Person    string             `json:"person,omitempty"`
	Result    event.AccessResult `json:"result" doc:"granted, refused, forced or held"`
	Direction string             `json:"direction,omitempty"`
	Reason    string             `json:"reason,omitempty"`
	Source    string             `json:"source"`
	Raw       string             `json:"raw,omitempty"`
	Exercise  string             `json:"exercise,omitempty"`
}

func (s *Server) addPeople(a *api) {
	get(a, "people", identity.ViewPeople, "/people", "listPeople", "Who is inside which area, as far as the readers tell",
		func(_ context.Context, in *presenceQuery) (list[physical.Presence], error) {
			p := s.deps.People()
			kept := sorted(p.Presence, func(v *physical.Presence) bool {
				return is(in.Area, v.Area) && (in.Allowed == "" || v.Allowed == (in.Allowed == "true")) && matches(in.Text, v.Name, v.Party, v.Badge)
			}, func(v *physical.Presence) physical.Presence { return *v }, presenceKey)
			out, err := page(kept, presenceKey, in.Paging)
			out.AsOf = p.AsOf
			return out, err
		})
	get(a, "people", identity.ViewPeople, "/people/areas", "listAreaCounts", "How many are inside each area; known false means the number says nothing",
		func(context.Context, *nothing) (areaCounts, error) {
			p := s.deps.People()
			return areaCounts{Items: append([]physical.AreaCount{}, p.Areas...), AsOf: p.AsOf}, nil
		})
	get(a, "people", identity.ViewPeople, "/people/readers", "listReaders", "What was last heard of each reader",
		func(context.Context, *nothing) (readersAnswer, error) {
			p := s.deps.People()
			return readersAnswer{Items: append([]physical.ReaderState{}, p.Readers...), AsOf: p.AsOf}, nil
		})
	get(a, "people", identity.ViewPeople, "/access-events", "listAccessEvents", "Past uses of readers and doors", s.accessEvents)
}

func presenceKey(v physical.Presence) string {
	return v.Area + "\x00" + v.Name + "\x00" + v.Badge + "\x00" + v.Party
}

func (s *Server) accessEvents(ctx context.Context, in *accessQuery) (found[accessView], error) {
	out := found[accessView]{Items: []accessView{}}
	if s.deps.Access == nil {
		return out, missing("history of access events")
	}
	from, to, err := in.bounds(s.now())
	if err != nil {
		return out, err
	}
	rows, err := s.deps.Access.AccessEvents(ctx, event.AccessQuery{From: from, To: to, Reader: in.Reader, Badge: in.Badge, Limit: in.Limit})
	if err != nil {
		return out, err
	}
	for i := range rows {
		r := &rows[i]
		out.Items = append(out.Items, accessView{
			Time: r.Time, Told: r.Told, Reader: r.Reader, Badge: r.Badge, Person: r.Person, Result: r.Result,
			Direction: r.Direction, Reason: r.Reason, Source: r.Source, Raw: where(r.Raw), Exercise: r.Exercise,
		})
	}
	out.Cut = len(rows) >= in.Limit
	return out, nil
}

package server

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/watch/health"
)

// situation is the first screen in numbers. What rests on a silent source is
// not told as healthy: Silent names what is not heard.
type situation struct {
	Time          time.Time       `json:"time"`
	Port          string          `json:"port"`
	SecurityLevel int             `json:"security_level" doc:"ISPS 1, 2 or 3, as declared"`
	Findings      finding.Summary `json:"findings"`
	Services      []serviceLoad   `json:"services" nullable:"false" doc:"services that present alarms and warnings touch"`
	Vessels       int             `json:"vessels" doc:"tracks with a position"`
	Hosts         int             `json:"hosts"`
	People        *int            `json:"people" doc:"inside any area; null where no reader was ever heard or you may not see people"`
	Sources       map[string]int  `json:"sources" doc:"sources by status"`
	Silent        []sourceView    `json:"silent" nullable:"false" doc:"sources that are not live: what may be missing above"`
	Pictures      pictureTimes    `json:"pictures" doc:"newest event time that each picture knows"`
}

type serviceLoad struct {
	Service  string   `json:"service"`
	Findings []string `json:"findings" doc:"ids, the most severe first, at most ten"`
}

type pictureTimes struct {
	Vessels time.Time `json:"vessels,omitzero"`
	Network time.Time `json:"network,omitzero"`
	People  time.Time `json:"people,omitzero"`
	Sources time.Time `json:"sources,omitzero"`
}

type sourceView struct {
	ID       string        `json:"id"`
	Kind     string        `json:"kind"`
	Domain   string        `json:"domain"`
	Status   health.Status `json:"status" doc:"live, silent, failed, ended or waiting"`
	Since    time.Time     `json:"since,omitzero"`
	Why      string        `json:"why,omitempty"`
	LastSeen time.Time     `json:"last_seen,omitzero"`
	LastTold time.Time     `json:"last_told,omitzero"`
	Accepted uint64        `json:"accepted"`
	Rejected uint64        `json:"rejected"`
	Skipped  uint64        `json:"skipped"`
	Reasons  []reasonView  `json:"reasons,omitempty"`
	Rate     *float64      `json:"rate" doc:"inputs a second over the last minute"`
	Drift    *float64      `json:"drift_seconds" doc:"clock of the source minus a better one; null where not measured"`
	Error    string        `json:"error,omitempty"`
}

type reasonView struct {
	Text  string `json:"text"`
	Count uint64 `json:"count"`
	Last  string `json:"last,omitempty" doc:"where the latest example is"`
}

type sourcesAnswer struct {
	Items []sourceView `json:"items" nullable:"false"`
	AsOf  time.Time    `json:"as_of,omitzero"`
}

func (s *Server) addSituation(a *api) {
	get(a, "situation", identity.ViewReports, "/situation", "getSituation", "How the port stands now", s.situation)
	get(a, "situation", identity.ViewSources, "/sources", "listSources", "Health of the sources",
		func(context.Context, *nothing) (sourcesAnswer, error) {
			p := s.deps.Sources()
			out := sourcesAnswer{Items: make([]sourceView, len(p.Sources)), AsOf: p.AsOf}
			for i := range p.Sources {
				out.Items[i] = viewSource(&p.Sources[i])
			}
			return out, nil
		})
}

func (s *Server) situation(ctx context.Context, _ *nothing) (situation, error) {
	now := s.now().UTC()
	summary, err := s.findings.Summary(ctx, now)
	if err != nil {
		return situation{}, err
	}
	fillSummary(&summary)
	vessels, network, people, sources := s.deps.Vessels(), s.deps.Network(), s.deps.People(), s.deps.Sources()
	out := situation{
		Time: now, Port: s.portName(), SecurityLevel: s.deps.Port().Identity.SecurityLevel, Findings: summary,
		Hosts: len(network.Hosts), Sources: map[string]int{}, Silent: []sourceView{},
		Pictures: pictureTimes{vessels.AsOf, network.AsOf, people.AsOf, sources.AsOf},
	}
	for i := range vessels.Tracks {
		if number(vessels.Tracks[i].Lat) != nil {
			out.Vessels++
		}
	}
	for i := range sources.Sources {
		src := &sources.Sources[i]
		out.Sources[string(src.Status)]++
		if src.Status != health.Live && src.Status != health.Ended {
			out.Silent = append(out.Silent, viewSource(src))
		}
	}
	if identity.Allowed(ctx, identity.ViewPeople, identity.ThePort) {
		for _, area := range people.Areas {
			if area.Known {
				n := len(people.Presence)
				out.People = &n
				break
			}
		}
	}
	out.Services, err = s.servicesTouched(ctx)
	return out, err
}

// fillSummary makes an empty object of a map that the register left out.
func fillSummary(v *finding.Summary) {
	if v.ByState == nil {
		v.ByState = map[finding.State]int{}
	}
	if v.ByDomain == nil {
		v.ByDomain = map[finding.Domain]int{}
	}
	if v.BySeverity == nil {
		v.BySeverity = map[string]int{}
	}
}

// servicesTouched are the services that present findings of at least warning
// name. Who may see no findings sees none.
func (s *Server) servicesTouched(ctx context.Context) ([]serviceLoad, error) {
	out := []serviceLoad{}
	if len(identity.AllowedDomains(ctx, identity.ViewFindings)) == 0 {
		return out, nil
	}
	present := true
	p, err := s.findings.List(ctx, finding.Query{Severity: finding.Warning, Present: &present, Limit: 1000})
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i := range p.Findings {
		for _, id := range p.Findings[i].Services {
			if _, ok := at[id]; !ok {
				at[id] = len(out)
				out = append(out, serviceLoad{Service: id})
			}
			if load := &out[at[id]]; len(load.Findings) < 10 {
				load.Findings = append(load.Findings, p.Findings[i].ID)
			}
		}
	}
	slices.SortFunc(out, func(a, b serviceLoad) int { return cmp.Compare(a.Service, b.Service) })
	return out, nil
}

func viewSource(src *health.Source) sourceView {
	h := &src.Health
	v := sourceView{
		ID: src.ID, Kind: src.Kind, Domain: src.Domain, Status: src.Status, Since: src.Since, Why: src.Why,
		LastSeen: h.LastSeen, LastTold: h.LastTold, Accepted: h.Accepted, Rejected: h.Rejected, Skipped: h.Skipped,
		Rate: number(h.Rate), Error: h.Error,
	}
	if h.HasDrift {
		drift := h.Drift.Seconds()
		v.Drift = &drift
	}
	for _, r := range h.Reasons {
		v.Reasons = append(v.Reasons, reasonView{r.Text, r.Count, where(r.Last)})
	}
	return v
}

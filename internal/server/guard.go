package server

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
)

// Guard puts the rights of who asks (identity.With) in front of a desk, for the
// API and the pages alike: lists hold what may be seen, a finding that may not
// be seen is not found, and an action is done in the name of who asks, whatever
// the action says. Summary counts all domains: how loaded the port is, is no
// secret from those who may see any finding.
func Guard(d finding.Desk) finding.Desk { return guarded{d} }

type guarded struct{ desk finding.Desk }

func (g guarded) List(ctx context.Context, q finding.Query) (finding.Page, error) {
	may := identity.AllowedDomains(ctx, identity.ViewFindings)
	if len(may) == 0 {
		return finding.Page{}, errForbidden
	}
	if len(may) == len(identity.Domains) {
		return g.desk.List(ctx, q)
	}
	if len(q.Domains) == 0 {
		for _, d := range may {
			q.Domains = append(q.Domains, finding.Domain(d))
		}
		return g.desk.List(ctx, q)
	}
	q.Domains = slices.DeleteFunc(slices.Clone(q.Domains), func(d finding.Domain) bool {
		return !slices.Contains(may, string(d))
	})
	if len(q.Domains) == 0 { // an empty filter would mean all
		return finding.Page{Findings: []finding.Finding{}}, nil
	}
	return g.desk.List(ctx, q)
}

func (g guarded) Get(ctx context.Context, id string) (finding.Finding, error) {
	f, err := g.desk.Get(ctx, id)
	if err != nil {
		return finding.Finding{}, err
	}
	if !MayFinding(ctx, identity.ViewFindings, f) {
		return finding.Finding{}, fmt.Errorf("finding %s: %w", id, finding.ErrNotFound)
	}
	return f, nil
}

func (g guarded) History(ctx context.Context, id string) ([]finding.Entry, error) {
	if _, err := g.Get(ctx, id); err != nil {
		return nil, err
	}
	return g.desk.History(ctx, id)
}

func (g guarded) Summary(ctx context.Context, now time.Time) (finding.Summary, error) {
	if len(identity.AllowedDomains(ctx, identity.ViewFindings)) == 0 && !identity.Allowed(ctx, identity.ViewReports, identity.ThePort) {
		return finding.Summary{}, errForbidden
	}
	return g.desk.Summary(ctx, now)
}

func (g guarded) Act(ctx context.Context, id string, a finding.Action) (finding.Finding, error) {
	f, err := g.Get(ctx, id)
	if err != nil {
		return finding.Finding{}, err
	}
	right := identity.ActOnFindings
	if a.Kind == finding.Shelve || a.Kind == finding.Unshelve {
		right = identity.ShelveFindings
	}
	who, ok := identity.From(ctx)
	if !ok || !MayFinding(ctx, right, f) {
		return finding.Finding{}, errForbidden
	}
	a.Actor = who.Name
	return g.desk.Act(ctx, id, a)
}

// Subscribe passes all changes; who forwards them filters by MayFinding.
func (g guarded) Subscribe() (<-chan finding.Event, func()) { return g.desk.Subscribe() }

// MayFinding reports whether who asks may do action to the finding.
func MayFinding(ctx context.Context, action identity.Action, f finding.Finding) bool {
	domains := make([]string, len(f.Domains))
	for i, d := range f.Domains {
		domains[i] = string(d)
	}
	return identity.Allowed(ctx, action, identity.Findings(domains...))
}

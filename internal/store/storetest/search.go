package storetest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/store"
)

// testQueriesOfDatabase asks records that hold no words in memory: those that
// have more findings than they may.
func testQueriesOfDatabase(t *testing.T, d Database) {
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same cases every time
	r := open(t, d, store.SearchInDatabase())
	ask(t, random, r, populate(t, random, r))
}

// testQueriesAgain asks records that were opened again, before and after all
// words have been read.
func testQueriesAgain(t *testing.T, d Database) {
	random := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // the same cases every time
	r := open(t, d)
	all := populate(t, random, r)
	check(t, r.Close())
	r = open(t, d)
	ask(t, random, r, all)
	<-r.Searchable()
	ask(t, random, r, all)
}

// testSearch: what was acknowledged is found at once, by its newest words and no
// longer by those that it lost.
func testSearch(t *testing.T, d Database) {
	ctx := context.Background()
	for name, options := range map[string][]store.Option{"memory": nil, "database": {store.SearchInDatabase()}} {
		r := open(t, d, options...)
		<-r.Searchable()
		register := finding.NewRegister(r.Findings(), finding.Options{Now: func() time.Time { return start.Add(time.Hour) }})
		o := occurrence(1, 0)
		o.Subject.ID += name
		o.Title = "Hatch open near quay"
		must[[]finding.Event](t)(register.Report(ctx, "", 0, []finding.Occurrence{o}))
		found := func(text string, want int, states ...finding.State) {
			t.Helper()
			q := finding.Query{Text: text, Subject: o.Subject.ID, States: states}
			if p := must[finding.Page](t)(register.List(ctx, q)); p.Total != want || len(p.Findings) != want {
				t.Errorf("%s: %q in %v finds %d, %d listed; want %d", name, text, states, p.Total, len(p.Findings), want)
			}
		}
		found("hatch", 1)
		found("hat", 1)      // the last word may be being typed
		found("hat quay", 0) // the first one is not
		found("quay hat", 1)
		found("atch", 0)
		o.Title, o.Time = "Gate open near Malmö", o.Time.Add(time.Minute)
		must[[]finding.Event](t)(register.Report(ctx, "", 0, []finding.Occurrence{o}))
		found("hatch", 0)
		found("malmö", 1, finding.Active)
		must[finding.Finding](t)(register.Act(ctx, o.FindingID(), finding.Action{Kind: finding.Acknowledge, Actor: "jane"}))
		found("malmö", 0, finding.Active)
		found("malmö", 1, finding.Acknowledged)
		check(t, r.Close())
	}
}

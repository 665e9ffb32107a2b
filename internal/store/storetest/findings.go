package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/store"
)

func testRegister(t *testing.T, d Database) {
	ctx := context.Background()
	var c clock
	r := open(t, d, store.WithClock(c.now))
	register := finding.NewRegister(r.Findings(), finding.Options{Now: c.now})
	events := must[[]finding.Event](t)(register.Report(ctx, "watches", 1, []finding.Occurrence{occurrence(1, 0), occurrence(2, time.Second)}))
	if len(events) != 2 || events[0].Change != finding.Raised {
		t.Fatalf("events = %+v", events)
	}
	id := events[0].Finding.ID
	c.advance(time.Minute)
	f := must[finding.Finding](t)(register.Act(ctx, id, finding.Action{Kind: finding.Acknowledge, Actor: "jane", Revision: 1}))
	if f.State != finding.Acknowledged || f.Revision != 2 {
		t.Fatalf("after acknowledging: %s revision %d", f.State, f.Revision)
	}
	_, err := register.Act(ctx, id, finding.Action{Kind: finding.Assign, Actor: "joe", Assignee: "joe", Revision: 1})
	if !errors.Is(err, finding.ErrConflict) {
		t.Fatalf("acting on an old revision: %v", err)
	}
	must[finding.Finding](t)(register.Act(ctx, id, finding.Action{Kind: finding.Shelve, Actor: "jane", Text: "being repaired", Until: c.now().Add(time.Hour)}))
	if events := must[[]finding.Event](t)(register.Expire(ctx, c.now().Add(59*time.Minute))); len(events) != 0 {
		t.Fatalf("a shelf ended early: %+v", events)
	}
	events = must[[]finding.Event](t)(register.Expire(ctx, c.now().Add(time.Hour)))
	if len(events) != 1 || events[0].Finding.State != finding.Active {
		t.Fatalf("the shelf did not end: %+v", events)
	}
	f = must[finding.Finding](t)(register.Act(ctx, id, finding.Action{Kind: finding.Note, Actor: "jane", Text: "ordered a hinge"}))
	check(t, r.Close())

	r = open(t, d, store.WithClock(c.now))
	register = finding.NewRegister(r.Findings(), finding.Options{Now: c.now})
	if diff := cmp.Diff(f, must[finding.Finding](t)(register.Get(ctx, id))); diff != "" {
		t.Errorf("after opening again (-before +after):\n%s", diff)
	}
	var actions []string
	for _, e := range must[[]finding.Entry](t)(register.History(ctx, id)) {
		actions = append(actions, e.Actor+" "+e.Action)
	}
	want := []string{"watch raised", "jane acknowledge", "jane shelve", "watch unshelve", "jane comment"}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if _, err := register.Get(ctx, "F-NONE"); !errors.Is(err, finding.ErrNotFound) {
		t.Errorf("an unknown finding: %v", err)
	}
	if _, err := register.History(ctx, "F-NONE"); !errors.Is(err, finding.ErrNotFound) {
		t.Errorf("the history of an unknown finding: %v", err)
	}
}

func testExactlyOnce(t *testing.T, d Database) {
	ctx := context.Background()
	var c clock
	r := open(t, d, store.WithClock(c.now))
	register := finding.NewRegister(r.Findings(), finding.Options{Now: c.now})
	for i, seq := range []uint64{1, 2, 2, 1, 3, 3} {
		o := occurrence(1, time.Duration(seq)*time.Second)
		o.Facts = []finding.Fact{{Time: o.Time, Text: fmt.Sprint("seen ", seq, ", told ", i)}} // a repeat that the fold can't know
		must[[]finding.Event](t)(register.Report(ctx, "watches", seq, []finding.Occurrence{o}))
	}
	f := must[finding.Finding](t)(register.Get(ctx, finding.ID("physical.door-held", finding.Subject{Kind: "reader", ID: "rd-001"})))
	if f.Count != 3 {
		t.Errorf("count %d after batches 1, 2 and 3, some told twice", f.Count)
	}
	must[[]finding.Event](t)(register.Report(ctx, "watches", 9, nil))
	if got := must[uint64](t)(register.Position(ctx, "watches")); got != 9 {
		t.Errorf("position %d, want 9", got)
	}
	if got := must[uint64](t)(register.Position(ctx, "others")); got != 0 {
		t.Errorf("position of a reader that never was: %d", got)
	}
	c.advance(2 * time.Second)
	must[[]finding.Event](t)(register.Report(ctx, "watches", 10, nil))
	if got := must[uint64](t)(r.Position(ctx, "watches")); got != 10 {
		t.Errorf("stored position %d two seconds later, want 10", got)
	}
	if events := must[[]finding.Event](t)(register.Report(ctx, "", 0, []finding.Occurrence{occurrence(7, 0)})); len(events) != 1 {
		t.Errorf("without a position: %+v", events)
	}
}

func testAllOrNothing(t *testing.T, d Database) {
	ctx := context.Background()
	r := open(t, d)
	register := finding.NewRegister(r.Findings(), finding.Options{})
	must[[]finding.Event](t)(register.Report(ctx, "watches", 1, []finding.Occurrence{occurrence(1, 0)}))
	before := must[finding.Page](t)(register.List(ctx, finding.Query{}))
	entries := len(must[[]auditEntry](t)(r.Audit(ctx, store.AuditQuery{})))
	failure := errors.New("the watch broke")
	err := r.Findings().Change(ctx, func(tx finding.Tx) error {
		if moved, err := tx.Advance(ctx, "watches", 2); err != nil || !moved {
			t.Fatalf("advancing: %t, %v", moved, err)
		}
		f := finding.New(occurrence(2, 0))
		must[map[string]finding.Finding](t)(tx.Load(ctx, []string{f.ID}))
		check(t, tx.Save(ctx, []finding.Save{{Finding: f, Steps: []finding.Step{{Change: finding.Raised, Entry: finding.Entry{Time: start, Actor: "watch", Action: "raised"}}}}}))
		return failure
	})
	if !errors.Is(err, failure) {
		t.Fatalf("err = %v", err)
	}
	if diff := cmp.Diff(before, must[finding.Page](t)(register.List(ctx, finding.Query{}))); diff != "" {
		t.Errorf("a failed change changed findings:\n%s", diff)
	}
	if got := must[uint64](t)(r.Position(ctx, "watches")); got != 1 {
		t.Errorf("a failed change moved the position to %d", got)
	}
	if got := len(must[[]auditEntry](t)(r.Audit(ctx, store.AuditQuery{}))); got != entries {
		t.Errorf("a failed change left %d audit entries", got-entries)
	}
	err = r.Findings().Change(ctx, func(tx finding.Tx) error {
		return tx.Save(ctx, []finding.Save{{Finding: finding.New(occurrence(3, 0))}})
	})
	if err == nil {
		t.Error("a finding that was not loaded was saved")
	}
}

// population is a set of findings of all kinds, in the order of Compare.
func population(random *rand.Rand) []finding.Occurrence {
	rules := []string{"vessel.silent", "network.outside-conduit", "physical.revoked-badge"}
	words := []string{"crane", "Crane4", "gate", "Ärger", "10.20.4.7", "pilot", "pilots"}
	domains := []finding.Domain{finding.IT, finding.OT, finding.Physical, finding.Sea, finding.Cargo}
	var out []finding.Occurrence
	for i := range 240 {
		pick := func() string { return words[random.IntN(len(words))] }
		at := start.Add(time.Duration(random.IntN(50)) * time.Second)
		o := finding.Occurrence{
			Rule: rules[random.IntN(len(rules))], Subject: finding.Subject{Kind: "asset", ID: fmt.Sprint("a-", i), Name: pick()},
			Grade: finding.Grade(1 + random.IntN(3)), Severity: finding.Severity(1 + random.IntN(3)),
			Title: pick() + " " + pick(), Summary: pick(), Time: at,
			Facts: []finding.Fact{{Time: at, Text: pick(), Evidence: finding.Evidence{Source: "ais", Time: at, Seen: at, Raw: event.Raw{Input: "a", Offset: int64(i), Text: []byte{0, 255}}}}},
			Place: &finding.Place{Lat: 51.25, Lon: -4.5},
		}
		for _, d := range domains {
			if random.IntN(3) == 0 {
				o.Domains = append(o.Domains, d)
			}
		}
		if random.IntN(8) == 0 {
			o.Exercise = "EX-1"
		}
		out = append(out, o)
		if random.IntN(4) == 0 {
			o.Cleared, o.Time = true, o.Time.Add(time.Second)
			out = append(out, o)
		}
	}
	return out
}

func testQueries(t *testing.T, d Database) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same cases every time
	r := open(t, d)
	<-r.Searchable()
	ask(t, random, r, populate(t, random, r))
}

// populate makes a register that watches and people worked on, and says what is in it.
func populate(t *testing.T, random *rand.Rand, r *store.Records) []finding.Finding {
	t.Helper()
	ctx := context.Background()
	register := finding.NewRegister(r.Findings(), finding.Options{Now: func() time.Time { return start }})
	occs := population(random)
	must[[]finding.Event](t)(register.Report(ctx, "watches", 1, occs))
	all := finding.Fold(occs)
	for i := range all {
		if random.IntN(3) > 0 {
			continue
		}
		a := finding.Action{Kind: finding.Assign, Actor: "jane", Assignee: "joe"}
		if all[i].State == finding.Active && random.IntN(2) == 0 {
			a = finding.Action{Kind: finding.Acknowledge, Actor: "jane"}
		}
		all[i] = must[finding.Finding](t)(register.Act(ctx, all[i].ID, a))
	}
	return all
}

// ask asks for findings in many ways, and for what can't be asked.
func ask(t *testing.T, random *rand.Rand, r *store.Records, all []finding.Finding) {
	t.Helper()
	ctx := context.Background()
	register := finding.NewRegister(r.Findings(), finding.Options{Now: func() time.Time { return start }})
	for range 300 {
		q := someQuery(random, all)
		want := selected(all, q)
		if got := pages(t, register, q); !cmp.Equal(want, got) {
			t.Fatalf("%+v selected %d findings, want %d:\n%s", q, len(got), len(want), cmp.Diff(want, got))
		}
	}
	if _, err := register.List(ctx, finding.Query{Cursor: "no cursor"}); !errors.Is(err, finding.ErrInvalid) {
		t.Errorf("a bad cursor: %v", err)
	}
	if _, err := register.List(ctx, finding.Query{Limit: 1001}); !errors.Is(err, finding.ErrInvalid) {
		t.Errorf("a limit of 1001: %v", err)
	}
	if diff := cmp.Diff(counted(all), must[finding.Summary](t)(register.Summary(ctx, start.Add(-time.Hour)))); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// pages reads all pages of a query and checks the totals.
func pages(t *testing.T, register *finding.Register, q finding.Query) []finding.Finding {
	t.Helper()
	var got []finding.Finding
	for {
		page := must[finding.Page](t)(register.List(context.Background(), q))
		got = append(got, page.Findings...)
		if page.Next == "" {
			if page.Total != len(got) {
				t.Fatalf("%+v: total %d, but %d findings came", q, page.Total, len(got))
			}
			return got
		}
		if len(page.Findings) != q.Limit {
			t.Fatalf("%+v: a page of %d", q, len(page.Findings))
		}
		q.Cursor = page.Next
	}
}

func someQuery(random *rand.Rand, all []finding.Finding) finding.Query {
	q := finding.Query{Limit: 1 + random.IntN(60)}
	of := all[random.IntN(len(all))]
	sometimes := func(set func()) {
		if random.IntN(5) == 0 {
			set()
		}
	}
	sometimes(func() { q.States = []finding.State{of.State, finding.Shelved} })
	sometimes(func() { q.Domains = append(q.Domains, of.Domains...) })
	sometimes(func() { q.Rules = []string{of.Rule} })
	sometimes(func() { q.Subject = of.Subject.ID })
	sometimes(func() { q.Severity = of.Severity })
	sometimes(func() { q.Grade = of.Grade })
	sometimes(func() { q.Since = of.Last })
	sometimes(func() { q.Assignee = "joe" })
	sometimes(func() { q.Present = &of.Present })
	sometimes(func() { q.Text = strings.ToUpper(of.Title) })
	sometimes(func() {
		q.Text = []string{"pilo", "crane gat", "'\" OR *:&|!", "10.20", "bärlauch", of.ID}[random.IntN(6)]
	})
	return q
}

// selected is what a query means, written without a database.
func selected(all []finding.Finding, q finding.Query) []finding.Finding {
	var out []finding.Finding
	for _, f := range all {
		in := func(b bool, given bool) bool { return !given || b }
		if in(slices.Contains(q.States, f.State), len(q.States) > 0) &&
			in(slices.ContainsFunc(f.Domains, func(d finding.Domain) bool { return slices.Contains(q.Domains, d) }), len(q.Domains) > 0) &&
			in(slices.Contains(q.Rules, f.Rule), len(q.Rules) > 0) && in(f.Subject.ID == q.Subject, q.Subject != "") &&
			f.Severity >= q.Severity && f.Grade >= q.Grade && !f.Last.Before(q.Since) &&
			in(f.Assignee == q.Assignee, q.Assignee != "") && (q.Present == nil || *q.Present == f.Present) && hasWords(f, q.Text) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, finding.Compare)
	return out
}

func hasWords(f finding.Finding, text string) bool {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	}
	have := words(f.ID + " " + f.Rule + " " + f.Subject.ID + " " + f.Subject.Name + " " + f.Title + " " + f.Summary)
	asked := words(text)
	for i, w := range asked {
		if !slices.ContainsFunc(have, func(h string) bool { return h == w || i == len(asked)-1 && strings.HasPrefix(h, w) }) {
			return false
		}
	}
	return true
}

func counted(all []finding.Finding) finding.Summary {
	s := finding.Summary{ByState: map[finding.State]int{}, ByDomain: map[finding.Domain]int{}, BySeverity: map[string]int{}}
	for _, f := range all {
		s.ByState[f.State]++
		if !f.Present || f.State == finding.Resolved {
			continue
		}
		s.BySeverity[f.Severity.String()]++
		for _, d := range f.Domains {
			s.ByDomain[d]++
		}
		if f.Exercise != "" {
			s.Exercise++
		}
	}
	return s
}

func testHostileText(t *testing.T, d Database) {
	ctx := context.Background()
	register := finding.NewRegister(open(t, d).Findings(), finding.Options{})
	for i, text := range []string{"\x00", "a\xff\xfe", "'; DROP TABLE findings; --", strings.Repeat("word ", 5000), "?", "$1", "\u202e", strings.Repeat("x", 100_000)} {
		o := occurrence(i, 0)
		o.Title, o.Summary, o.Subject.ID, o.Subject.Name, o.Rule, o.Exercise = text, text, text, text, text, text
		o.Facts = []finding.Fact{{Text: text, Time: start.AddDate(20_000, 0, 0), Evidence: finding.Evidence{Source: text}}}
		events, err := register.Report(ctx, "watches", uint64(i+1), []finding.Occurrence{o})
		if err != nil || len(events) != 1 {
			t.Fatalf("reporting %.20q: %d events, %v", text, len(events), err)
		}
		got := must[finding.Finding](t)(register.Get(ctx, events[0].Finding.ID))
		if diff := cmp.Diff(events[0].Finding, got); diff != "" {
			t.Errorf("%.20q came back changed:\n%s", text, diff)
		}
		must[finding.Page](t)(register.List(ctx, finding.Query{Text: text, Subject: got.Subject.ID, Assignee: got.Subject.Name}))
	}
	if page := must[finding.Page](t)(register.List(ctx, finding.Query{})); page.Total != 8 {
		t.Errorf("%d findings", page.Total)
	}
}

func testLoad(t *testing.T, d Database) {
	ctx := context.Background()
	var c clock
	r := open(t, d, store.WithClock(c.now))
	register := finding.NewRegister(r.Findings(), finding.Options{Now: c.now})
	report := func(n int) {
		// Old news that reaches the desk now loads the people at the desk now.
		must[[]finding.Event](t)(register.Report(ctx, "", 0, []finding.Occurrence{occurrence(n, -24*time.Hour)}))
	}
	report(1)
	c.advance(30 * time.Minute)
	report(2)
	report(2) // a repeat is no new alarm
	c.advance(25 * time.Minute)
	report(3)
	c.advance(4 * time.Minute)
	s := must[finding.Summary](t)(register.Summary(ctx, c.now()))
	if s.LastHour != 3 || s.Last10Min != 1 {
		t.Errorf("load %d in the hour and %d in ten minutes, want 3 and 1", s.LastHour, s.Last10Min)
	}
	c.advance(2 * time.Minute)
	if s := must[finding.Summary](t)(register.Summary(ctx, c.now())); s.LastHour != 2 {
		t.Errorf("load %d in the hour, want 2", s.LastHour)
	}
}

func testOutbox(t *testing.T, d Database) {
	ctx := context.Background()
	var c clock
	r := open(t, d, store.WithClock(c.now))
	register := finding.NewRegister(r.Findings(), finding.Options{Now: c.now})
	events := must[[]finding.Event](t)(register.Report(ctx, "", 0, []finding.Occurrence{occurrence(1, 0), occurrence(2, 0), occurrence(1, time.Second)}))
	must[finding.Finding](t)(register.Act(ctx, events[0].Finding.ID, finding.Action{Kind: finding.Acknowledge, Actor: "jane"}))
	notices := must[[]store.Notice](t)(r.Outbox(ctx, -1, 10))
	if len(notices) != 3 || notices[2].Actor != "jane" || notices[2].Revision != 2 || notices[2].State != "acknowledged" || !notices[2].Time.Equal(start) {
		t.Fatalf("notices = %+v", notices)
	}
	if rest := must[[]store.Notice](t)(r.Outbox(ctx, notices[1].Seq, 10)); len(rest) != 1 || rest[0] != notices[2] {
		t.Errorf("after the second: %+v", rest)
	}
	check(t, r.TrimOutbox(ctx, notices[2].Seq))
	if rest := must[[]store.Notice](t)(r.Outbox(ctx, -1, 10)); len(rest) != 3 {
		t.Errorf("notices of the last hour were trimmed: %+v", rest)
	}
	c.advance(3 * time.Hour)
	check(t, r.TrimOutbox(ctx, notices[1].Seq))
	must[finding.Finding](t)(register.Act(ctx, events[0].Finding.ID, finding.Action{Kind: finding.Note, Actor: "jane", Text: "seen"}))
	if rest := must[[]store.Notice](t)(r.Outbox(ctx, -1, 10)); len(rest) != 2 || rest[1].Seq <= notices[2].Seq {
		t.Errorf("after trimming: %+v", rest)
	}
}

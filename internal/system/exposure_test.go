package system

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/csaf"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
	source "github.com/quaywatch/quaywatch/internal/source/advisory"
	"github.com/quaywatch/quaywatch/internal/store"
)

// exposed is a system on the example port with its own notices.
func exposed(t *testing.T, more string) (*System, *config.Config) {
	t.Helper()
	dir := t.TempDir()
	if err := writeExample(filepath.Join(dir, "port")); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(filepath.Join(dir, "quaywatch.yaml"), []byte("port: port/port.yaml\n"+more))
	if err != nil {
		t.Fatal(err)
	}
	return reopened(t, cfg), cfg
}

func reopened(t *testing.T, cfg *config.Config) *System {
	t.Helper()
	s, err := Open(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.warmed.Store(true)
	observe(t, s, "../../examples/saltmere/advisories")
	return s
}

// observe lets the system know the notices of a folder.
func observe(t *testing.T, s *System, dir string) {
	t.Helper()
	a, err := source.New(source.Options{ID: "advisories", Path: dir, OnReject: func(r source.Rejection) { t.Error(r) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context(), into{s.advisories}); err != nil {
		t.Fatal(err)
	}
}

// into puts what a source reads into a set.
type into struct{ set *advisory.Set }

func (i into) Put(_ context.Context, b *event.Batch) error {
	i.set.Observe(b)
	return nil
}

func (d *exposureDesk) mustList(t *testing.T) *console.WeakList {
	t.Helper()
	l, err := d.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func open(l *console.WeakList) *console.WeakPair {
	for i := range l.Pairs {
		if l.Pairs[i].Match.Verdict == advisory.Affected {
			return &l.Pairs[i]
		}
	}
	return nil
}

func find(l *console.WeakList, like *console.WeakPair) *console.WeakPair {
	for i := range l.Pairs {
		if p := &l.Pairs[i]; p.Asset.ID == like.Asset.ID && p.Match.ID == like.Match.ID {
			return p
		}
	}
	return nil
}

// TestDecisionsHold: a decision of the console changes the verdict at once, the risk
// looks again, two people don't decide on different facts, it survives a restart, and
// withdrawing it gives back what matching says.
func TestDecisionsHold(t *testing.T) {
	s, cfg := exposed(t, "")
	first := s.exposure.mustList(t)
	p := open(first)
	if p == nil || first.Read.Advisories == 0 || len(p.Priority.Factors) == 0 {
		t.Fatalf("no affected pair among %d", len(first.Pairs))
	}
	if again := s.exposure.mustList(t); again != first {
		t.Error("nothing changed and it was worked out again")
	}
	now := time.Now().UTC()
	d := advisory.Decision{Asset: p.Asset.ID, Advisory: p.Match.ID, Verdict: advisory.NotAffected, Justification: csaf.Justifications[0], Reason: "the part is not built in",
		Author: "ot0", Made: now.Format(time.DateOnly), Expires: now.AddDate(0, 1, 0).Format(time.DateOnly)}
	if err := s.exposure.Decide(t.Context(), advisory.Decision{Asset: d.Asset}, 0); err == nil {
		t.Error("a decision without reason was taken")
	}
	if err := s.exposure.Decide(t.Context(), d, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.exposure.Decide(t.Context(), d, 7); !errors.Is(err, console.ErrDecided) {
		t.Errorf("acting on another revision: %v", err)
	}
	check := func(s *System) {
		t.Helper()
		l := s.exposure.mustList(t)
		q := find(l, p)
		if q == nil || q.Match.Verdict != advisory.NotAffected || q.Match.Was != advisory.Affected || q.Priority.Score != 0 || l.Decided[[2]string{d.Asset, d.Advisory}].Revision != 1 {
			t.Fatalf("after the decision: %+v", q)
		}
	}
	check(s)
	text, err := s.exposure.VEX(t.Context())
	if err != nil || !csaf.Check(text).Valid() || !strings.Contains(string(text), csaf.Justifications[0]) {
		t.Errorf("the VEX document: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopened(t, cfg)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	check(s)
	if err := s.exposure.Withdraw(t.Context(), d.Asset, d.Advisory, "cyso", 1); err != nil {
		t.Fatal(err)
	}
	l := s.exposure.mustList(t)
	if q := find(l, p); q.Match.Verdict != advisory.Affected || len(l.Decided) != 0 {
		t.Errorf("after it was withdrawn: %+v", q.Match)
	}
	if err := s.exposure.Decide(t.Context(), d, 0); err != nil {
		t.Errorf("deciding again after it was withdrawn: %v", err)
	}
	entries, err := s.records.Audit(t.Context(), store.AuditQuery{Subject: verdictKind + "/" + d.Asset + "/" + d.Advisory})
	if err != nil || len(entries) != 3 || entries[1].Actor != "cyso" || entries[1].Action != "withdraw" {
		t.Errorf("the audit log: %+v, %v", entries, err)
	}
}

// TestPredictionsAndFile: EPSS and the decisions file are read as the command reads
// them, again when they change; one with a fault is told and not used.
func TestPredictionsAndFile(t *testing.T) {
	s, cfg := exposed(t, "weaknesses: {epss: epss.csv, decisions: decisions.yaml, reach_from: [mail]}\n")
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	look := func() *console.WeakList {
		t.Helper()
		if err := s.exposure.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.exposure.mustList(t)
	}
	l := look()
	if len(l.From) != 1 || !strings.Contains(strings.Join(l.Notes, "\n"), "predictions (EPSS) are not used") {
		t.Errorf("files that are not there: %q", l.Notes)
	}
	p := find(l, &console.WeakPair{Asset: &port.Asset{ID: "crane-scada-1"}, Match: advisory.Match{ID: "SALTMERE-2026-001"}})
	if p == nil {
		p = open(l)
	}
	const cve = "CVE-2026-11111"
	notice, err := os.ReadFile("../../examples/saltmere/advisories/saltmere-2026-001.json")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(notice), `"vulnerabilities": [`)
	begin, _, _ := strings.Cut(rest, `{`)
	dir := t.TempDir()
	changed := strings.Replace(string(notice), `"vulnerabilities": [`+begin+`{`, `"vulnerabilities": [`+begin+`{"cve": "`+cve+`",`, 1)
	if err := os.WriteFile(filepath.Join(dir, "saltmere-2026-001.json"), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	observe(t, s, dir)
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Now(), time.Now().Add(time.Duration(len(text))*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	write(cfg.Weak.EPSS, "#model_version:v1,score_date:2026-11-26T00:00:00+0000\ncve,epss,percentile\n"+cve+",0.77,0.99\n")
	write(cfg.Weak.Decisions, "decisions:\n  - {asset: "+p.Asset.ID+", advisory: "+p.Match.ID+", controls: [\"read-only\"], reason: r, author: a, made: 2026-11-01, expires: 2027-10-30}\n")
	q := find(look(), p)
	if q.Match.EPSS != 0.77 || q.Match.Override == nil || q.Match.Override.Controls[0] != "read-only" {
		t.Errorf("read from the files: %+v", q.Match)
	}
	if d := s.exposure.mustList(t).Decided[[2]string{p.Asset.ID, p.Match.ID}]; !d.File {
		t.Error("a decision of the file is taken for one of the console")
	}
	write(cfg.Weak.Decisions, "decisions: [{asset: x}]\n")
	l = look()
	if q := find(l, p); q.Match.Override != nil || !strings.Contains(strings.Join(l.Notes, "\n"), "decisions file is not used") {
		t.Errorf("a file with a fault: %q", l.Notes)
	}
}

// TestComponentsAreRead: a list that the register names is read beside the port file,
// and one that can't be read is told.
func TestComponentsAreRead(t *testing.T) {
	s, cfg := exposed(t, "")
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	p := s.port.Load()
	p.Assets[0].Components = "lists/first.json"
	told := func() string {
		_, notes := s.exposure.Matches(p, time.Now())
		return strings.Join(notes, "\n")
	}
	if !strings.Contains(told(), "The components of "+p.Assets[0].ID+" are not known: lists/first.json") {
		t.Errorf("a list that is not there: %q", told())
	}
	dir := filepath.Join(filepath.Dir(cfg.Port), "lists")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "first.json"), []byte(`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"x","version":"1"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(told(), "components") {
		t.Errorf("a list that is there: %q", told())
	}
}

// TestOwnNoticeIsMatched: what the port publishes is matched at once, a further
// revision keeps the history, an id that is taken is refused, and all of it is there
// after a restart.
func TestOwnNoticeIsMatched(t *testing.T) {
	s, cfg := exposed(t, "")
	o := advisory.Own{ID: "XZSLM-2026-009", Title: "Crane takes commands", Summary: "From anybody.", Assets: []string{"qc-4"}, Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
		Category: "mitigation", Remedy: "Close the port.", TLP: "AMBER", Change: "First release."}
	like := &console.WeakPair{Asset: s.port.Load().Asset("qc-4"), Match: advisory.Match{ID: o.ID}}
	if find(s.exposure.mustList(t), like) != nil {
		t.Fatal("it is there before it was published")
	}
	if err := s.exposure.Publish(t.Context(), advisory.Own{ID: o.ID}, "ot0", 0); err == nil {
		t.Error("an empty notice was published")
	}
	if err := s.exposure.Publish(t.Context(), o, "ot0", 0); err != nil {
		t.Fatal(err)
	}
	if p := find(s.exposure.mustList(t), like); p == nil || p.Match.Verdict != advisory.Affected || p.Match.CVSS != 9.8 {
		t.Fatalf("after publishing: %+v", p)
	}
	if err := s.exposure.Publish(t.Context(), o, "ot0", 0); !errors.Is(err, console.ErrDecided) {
		t.Errorf("publishing it as new again: %v", err)
	}
	taken := o
	taken.ID = "SALTMERE-2026-001"
	if err := s.exposure.Publish(t.Context(), taken, "ot0", 0); !errors.Is(err, console.ErrNoticeID) {
		t.Errorf("an id of another notice: %v", err)
	}
	o.Title, o.Change = "Crane takes commands, still", "The maker answered."
	if err := s.exposure.Publish(t.Context(), o, "ot0", 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopened(t, cfg)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if p := find(s.exposure.mustList(t), like); p == nil || p.Match.Title != "Crane takes commands, still" {
		t.Fatalf("after a restart: %+v", p)
	}
	own, err := s.exposure.Own(t.Context())
	if err != nil || len(own) != 1 || own[0].Revision != 2 || !strings.Contains(string(own[0].Document), "First release.") || !csaf.Check(own[0].Document).Valid() {
		t.Errorf("own notices: %+v, %v", own, err)
	}
}

// TestWithdrawnOverTheFile: a decision of the console over one of the file can be made
// again after it was withdrawn; and predictions that can't be read are told at once.
func TestWithdrawnOverTheFile(t *testing.T) {
	s, cfg := exposed(t, "")
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	p := open(s.exposure.mustList(t))
	now := time.Now().UTC()
	expires := now.AddDate(0, 1, 0).Format(time.DateOnly)
	path := filepath.Join(filepath.Dir(cfg.Port), "decisions.yaml")
	file := "decisions:\n  - {asset: " + p.Asset.ID + ", advisory: " + p.Match.ID + ", verdict: affected, reason: r, author: a, made: " + now.Format(time.DateOnly) + ", expires: " + expires + "}\n"
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Weak.Decisions, cfg.Weak.EPSS = path, filepath.Join(filepath.Dir(path), "none.csv")
	d := advisory.Decision{Asset: p.Asset.ID, Advisory: p.Match.ID, Verdict: advisory.NotAffected, Justification: csaf.Justifications[0], Reason: "not built in", Author: "ot0", Made: now.Format(time.DateOnly), Expires: expires}
	if err := s.exposure.Decide(t.Context(), d, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.exposure.Withdraw(t.Context(), d.Asset, d.Advisory, "ot0", 1); err != nil {
		t.Fatal(err)
	}
	if of := s.exposure.mustList(t).Decided[[2]string{d.Asset, d.Advisory}]; !of.File || of.Revision != 2 {
		t.Errorf("the file's decision does not hold again: %+v", of)
	}
	if err := s.exposure.Decide(t.Context(), d, 0); err != nil {
		t.Errorf("deciding again: %v", err)
	}
	if err := s.exposure.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(s.exposure.mustList(t).Notes, " "); !strings.Contains(notes, "EPSS") {
		t.Errorf("notes %q", notes)
	}
}

package system

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/risk"
	"github.com/quaywatch/quaywatch/internal/simulate"
	"github.com/quaywatch/quaywatch/internal/watch"
)

// TestRiskMovesWithTheRule is the proof on the running system: a rule is opened in
// the port file on disk, the figures move and the cause is named; it is closed, and
// the exact earlier figures are back. The moves survive a restart.
func TestRiskMovesWithTheRule(t *testing.T) {
	dir := t.TempDir()
	if err := writeExample(filepath.Join(dir, "port")); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(filepath.Join(dir, "quaywatch.yaml"), []byte("port: port/port.yaml\n"))
	if err != nil {
		t.Fatal(err)
	}
	open := func() *System {
		s, err := Open(t.Context(), cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.warmed.Store(true)
		return s
	}
	s := open()
	look := func() risk.Standing {
		t.Helper()
		if err := s.risk.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.risk.Standing()
	}
	first := look()
	if first.Problem != "" || first.Assessment == nil || first.Plan == nil || len(first.History) != 1 || !first.History[0].First {
		t.Fatalf("%q, %d moves", first.Problem, len(first.History))
	}
	if again := look(); again.Assessment != first.Assessment || len(again.History) != 1 {
		t.Error("nothing changed and it was scored again")
	}

	network := filepath.Join(dir, "port", "network.yaml")
	before, err := os.ReadFile(network)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(network, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.TrimRight(string(before), "\n") + "\n  - id: left-open\n    from: office-net\n    to: quay-crane-net\n    allow: [{transport: tcp, ports: [102]}]\n    reason: commissioning\n    owner: network-team\n")
	opened := look()
	if len(opened.History) != 2 {
		t.Fatalf("%d moves after the rule was opened: %s", len(opened.History), opened.Problem)
	}
	m := opened.History[1]
	if m.First || len(m.Steps) == 0 || !strings.Contains(m.Steps[0].Cause, "open(left-open) (commissioning)") || m.After.Operator <= m.Before.Operator || m.After.Hours <= m.Before.Hours {
		t.Errorf("the move is %+v", m)
	}

	write("zones: [")
	if broken := look(); broken.Problem == "" || broken.Assessment != opened.Assessment {
		t.Errorf("a broken port file: %q", broken.Problem)
	}
	write(string(before))
	closed := look()
	if d := cmp.Diff(first.Assessment, closed.Assessment, cmpopts.IgnoreUnexported(risk.Assessment{}, risk.Scored{}), cmpopts.IgnoreUnexported(attackgraph.Path{})); d != "" {
		t.Errorf("the rule is closed and the figures are others:\n%s", d)
	}
	if closed.Problem != "" || len(closed.History) != 3 || closed.History[2].After != first.History[0].After {
		t.Errorf("%q, %d moves", closed.Problem, len(closed.History))
	}

	// The same by a rule of a firewall that nobody declared.
	rules := filepath.Join(dir, "port", "firewall", "fw-core-1.conf")
	agreed, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	drifted, err := os.ReadFile(filepath.Join(dir, "port", "firewall", "fw-core-1-drifted.conf"))
	if err != nil {
		t.Fatal(err)
	}
	// As it ships the rule lets remote desktops through; here it lets everything.
	head, tail, found := strings.Cut(string(drifted), `"temp crane support"`)
	tail = strings.Replace(tail, `"TCP_3389"`, `"ALL"`, 1)
	if drifted = []byte(head + tail); !found {
		t.Fatal("the example has no rule too many")
	}
	if err := os.WriteFile(rules, drifted, 0o600); err != nil {
		t.Fatal(err)
	}
	loose := look()
	if len(loose.History) != 4 || len(loose.History[3].Steps) == 0 || !strings.Contains(loose.History[3].Steps[0].Cause, "901") {
		t.Errorf("a rule was opened on the firewall; moves: %+v", loose.History[3:])
	}
	if err := os.WriteFile(rules, agreed, 0o600); err != nil {
		t.Fatal(err)
	}
	if closed = look(); len(closed.History) != 5 || closed.History[4].After != first.History[0].After {
		t.Errorf("the rule is gone from the firewall; moves: %+v", closed.History[4:])
	}
	if err := os.Remove(rules); err != nil {
		t.Fatal(err)
	}
	if without := look(); len(without.Notes) != 1 || !strings.Contains(without.Notes[0], "fw-core-1") {
		t.Errorf("a configuration is gone: notes %v, problem %q", without.Notes, without.Problem)
	}
	if err := os.WriteFile(rules, agreed, 0o600); err != nil {
		t.Fatal(err)
	}
	closed = look()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	defer s.Close()
	if d := cmp.Diff(closed.History, s.risk.Standing().History); d != "" {
		t.Errorf("after a restart the moves are others:\n%s", d)
	}
}

// TestNoRiskFileIsSaid: without a risk file nothing is scored and nothing fails.
func TestNoRiskFileIsSaid(t *testing.T) {
	dir := t.TempDir()
	if err := writeExample(filepath.Join(dir, "port")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "port", "risk.yaml")); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(filepath.Join(dir, "quaywatch.yaml"), []byte("port: port/port.yaml\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.warmed.Store(true)
	if err := s.risk.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := s.risk.Standing(); r.Assessment != nil || r.Problem != "" {
		t.Errorf("%+v", r)
	}
}

// TestANoticeMovesTheRisk: an advisory about a server on a way makes the way likelier.
func TestANoticeMovesTheRisk(t *testing.T) {
	dir := t.TempDir()
	if err := writeExample(filepath.Join(dir, "port")); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(filepath.Join(dir, "quaywatch.yaml"), []byte("port: port/port.yaml\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.warmed.Store(true)
	look := func() risk.Standing {
		t.Helper()
		if err := s.risk.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.risk.Standing()
	}
	first := look()
	var notices []event.Advisory
	for _, path := range []string{"../../examples/saltmere/advisories"} {
		f, err := Recording(config.Source{ID: "own", Kind: config.KindAdvisories, Address: path}, s.port.Load())
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Source.Run(t.Context(), put(func(b *event.Batch) { notices = append(notices, b.Advisories...) })); err != nil {
			t.Fatal(err)
		}
	}
	if len(notices) == 0 {
		t.Fatal("the example has no notices")
	}
	s.advisories.Observe(&event.Batch{Advisories: notices})
	second := look()
	if second.Problem != "" || second.Assessment == first.Assessment {
		t.Fatalf("notices came in and nothing was scored again: %q", second.Problem)
	}
	given := 0
	if err := s.risk.Graph(t.Context(), func(m *attackgraph.Model) error {
		for g := range m.Givens {
			if g.Origin == attackgraph.FromAdvisories {
				given++
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if given == 0 {
		t.Error("the attack graph knows nothing of the notices")
	}
}

// put is a sink that keeps what it is given.
type put func(*event.Batch)

func (f put) Put(_ context.Context, b *event.Batch) error { f(b); return nil }

// TestOwnFilesMoveNothing: the data directory may lie beside the port file, as it
// does when nothing is said; what the program writes there is no reason to score.
func TestOwnFilesMoveNothing(t *testing.T) {
	dir := t.TempDir()
	if err := writeExample(dir); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(filepath.Join(dir, "quaywatch.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.warmed.Store(true)
	look := func() risk.Standing {
		t.Helper()
		if err := s.risk.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.risk.Standing()
	}
	first := look()
	for _, name := range []string{"data/mark", "data/table.csv", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if again := look(); again.Assessment != first.Assessment {
			t.Errorf("%s was written and everything was scored again", name)
		}
	}
	file := filepath.Join(dir, "risk.yaml")
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	if gone := look(); gone.Assessment == nil || !strings.Contains(gone.Problem, "is gone") {
		t.Errorf("the risk file is gone: %q", gone.Problem)
	}
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	if back := look(); back.Problem != "" {
		t.Errorf("the risk file is back: %q", back.Problem)
	}
}

// TestSeenTalks: what talks without a conduit reaches the attack graph, by the
// analysis of a simulated attack; what is allowed, or of nobody, does not.
func TestSeenTalks(t *testing.T) {
	p := played{dir: play(t, simulate.Options{Seed: 1, Start: scenarioStart, Campaign: true}, time.Hour).dir}
	set := watch.New(loadSaltmere(t))
	feed := recording(t, config.KindPcap, filepath.Join(p.dir, "network.pcap"))
	if err := feed.Source.Run(t.Context(), put(set.Observe)); err != nil {
		t.Fatal(err)
	}
	flows := seen(loadSaltmere(t), set.Network.Picture())
	var got []string
	for _, f := range flows {
		if !f.Undue || f.Last.IsZero() || strings.HasPrefix(f.Service, "tcp/0") {
			t.Errorf("%+v", f)
		}
		got = append(got, f.From+" "+f.To+" "+f.Service)
	}
	for _, want := range []string{"camera-17 nvr-2 tcp/443 tls", "nvr-2 tos-db-2 tcp/1433 tds"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
}

package system

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/simulate"
)

// scenarioStart is when the simulated day of the scenarios begins.
var scenarioStart = time.Date(2026, 11, 23, 12, 30, 0, 0, time.UTC)

// played is a simulated port as files.
type played struct {
	dir   string
	truth []simulate.Truth
}

func (p played) feeds(t testing.TB) []Feed {
	return []Feed{recording(t, config.KindContacts, filepath.Join(p.dir, "radar.nmea")), recording(t, config.KindAIS, filepath.Join(p.dir, "ais.nmea")),
		recording(t, config.KindPcap, filepath.Join(p.dir, "network.pcap")), recording(t, config.KindAccess, filepath.Join(p.dir, "access.csv"))}
}

// play writes hours of the simulated port.
func play(t testing.TB, o simulate.Options, long time.Duration) played {
	t.Helper()
	dir := t.TempDir()
	s, err := simulate.New(loadSaltmere(t), o)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*bytes.Buffer{"ais.nmea": {}, "network.pcap": {}, "access.csv": {}, "truth.ndjson": {}, "radar.nmea": {}}
	err = simulate.Run(context.Background(), s, simulate.Pace{Until: o.Start.Add(long)}, simulate.Sinks{
		AIS: files["ais.nmea"], Pcap: files["network.pcap"], Access: files["access.csv"], Truth: files["truth.ndjson"], Radar: files["radar.nmea"]})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return played{dir, readLines[simulate.Truth](t, filepath.Join(dir, "truth.ndjson"))}
}

// TestScenarioCampaign plays "camera to terminal operating system" and two AIS
// deceptions with three seeds, once for two hours and twice up to the first
// returns to the database, and compares what the analysis of the files says with
// what was done.
func TestScenarioCampaign(t *testing.T) {
	for seed, long := range []time.Duration{2 * time.Hour, 80 * time.Minute, 80 * time.Minute} {
		seed := uint64(seed) + 1
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			p := play(t, simulate.Options{Seed: seed, Start: scenarioStart, Campaign: true}, long)
			out, findings := analyseInto(t, t.TempDir(), p.feeds(t)...)
			if len(out.Failed) > 0 {
				t.Fatalf("not read: %v", out.Failed)
			}
			port := loadSaltmere(t)
			recall(t, port, p.truth, findings)
			chainNamed(t, p.truth, findings)
			falseAlarms(t, port, p.truth, findings)
			if n := followEvidence(t, findings); n < 50 {
				t.Errorf("only %d facts lead back to bytes", n)
			}
			golden(t, fmt.Sprintf("campaign-seed%d.golden", seed), findings)
		})
	}
}

// TestScenarioOrdinaryDay: a day without an attack raises nothing that a person
// would be woken for.
func TestScenarioOrdinaryDay(t *testing.T) {
	for _, seed := range []uint64{1, 7} {
		p := play(t, simulate.Options{Seed: seed, Start: scenarioStart}, time.Hour)
		out, findings := analyseInto(t, t.TempDir(), p.feeds(t)...)
		if out.Violations != 0 || len(p.truth) != 0 {
			t.Errorf("seed %d: %d violations and %d lines of truth on an ordinary day", seed, out.Violations, len(p.truth))
		}
		for _, f := range findings {
			if f.Grade >= finding.Likely {
				t.Errorf("seed %d: %s %s: %s", seed, f.Grade, f.Rule, f.Title)
			}
		}
	}
}

// recall: every attack in the truth that a rule can tell was told by that rule,
// about that subject, not before it happened.
func recall(t *testing.T, p *port.Port, truth []simulate.Truth, findings []finding.Finding) {
	t.Helper()
	told, of := 0, 0
	seen := map[string]bool{} // flows that the truth has named
	for _, tr := range truth {
		if tr.Kind != "attack" || len(tr.Rules) == 0 {
			continue
		}
		of++
		again := tr.Client != "" && seen[tr.Client+tr.Server]
		seen[tr.Client+tr.Server] = true
		i := slices.IndexFunc(findings, func(f finding.Finding) bool {
			return slices.Contains(tr.Rules, f.Rule) && f.Grade >= finding.Likely && concerns(p, &f, tr, again)
		})
		if i < 0 {
			t.Errorf("missed: %s of %v at %s, by any of %v", tr.Step, tr.Subjects, tr.Time, tr.Rules)
			continue
		}
		if f := findings[i]; f.Last.Before(tr.Time) {
			t.Errorf("%s was told at %s, before it happened at %s", f.Title, f.Last, tr.Time)
		}
		told++
	}
	if of < 10 {
		t.Errorf("the truth holds %d attacks: the scenario does not play", of)
	}
	t.Logf("recall: %d of %d attacks told", told, of)
}

// concerns reports whether a finding is about what the truth tells: for a flow
// the very client and server, else the first subject. A flow that happens again
// while its finding stands is not told each time: the network watch repeats a
// standing condition every five minutes.
func concerns(p *port.Port, f *finding.Finding, tr simulate.Truth, again bool) bool {
	if tr.Client != "" {
		host, number, _ := strings.Cut(tr.Server, ":")
		return slices.ContainsFunc(f.Facts, func(fact finding.Fact) bool {
			return strings.HasPrefix(fact.Text, tr.Client+" reached "+host+" ") && strings.Contains(fact.Text, "port "+number) &&
				(fact.Time.Sub(tr.Time).Abs() < 2*time.Second || again && f.Since.Before(tr.Time) && tr.Time.Sub(f.Last) < 5*time.Minute)
		})
	}
	return strings.HasPrefix(f.Subject.ID, tr.Subjects[0]+":") || // a target of a sensor
		slices.ContainsFunc(names(p, tr.Subjects[0]), func(id string) bool { return about(f, id) })
}

// names are the ways in which a finding may name a subject of the truth.
func names(p *port.Port, subject string) []string {
	out := []string{subject}
	if a := p.Asset(subject); a != nil {
		for _, ad := range a.Addresses {
			if ad.IP.IsValid() {
				out = append(out, ad.IP.String())
			}
		}
	}
	return out
}

// chainNamed: one chain, which names the way from the camera over the recorder
// to a server of the terminal operating system, with facts of both worlds and
// nothing of the innocent.
func chainNamed(t *testing.T, truth []simulate.Truth, findings []finding.Finding) {
	t.Helper()
	var chains []finding.Finding
	for _, f := range findings {
		if f.Rule == "cross.chain" {
			chains = append(chains, f)
		}
	}
	if len(chains) != 1 {
		t.Fatalf("%d chains, want 1", len(chains))
	}
	c := chains[0]
	var way []string
	for _, l := range c.Links {
		way = append(way, l.ID)
	}
	if len(way) != 3 || way[0] != "camera-17" || !strings.HasPrefix(way[1], "nvr-") || !strings.HasPrefix(way[2], "tos-") {
		t.Errorf("the chain goes %v, want camera, recorder, TOS", way)
	}
	if !strings.HasPrefix(c.Title, "Camera 17 is reaching TOS ") || c.Grade != finding.Confirmed || c.Severity != finding.Alarm || !c.Present {
		t.Errorf("%s %s %q", c.Grade, c.Severity, c.Title)
	}
	for _, d := range []finding.Domain{finding.Physical, finding.OT} {
		if !slices.Contains(c.Domains, d) {
			t.Errorf("the chain is of %v and not of %s", c.Domains, d)
		}
	}
	if len(c.Services) == 0 || len(c.Next) == 0 || len(c.RuledOut) == 0 || len(c.Unknown) == 0 {
		t.Errorf("the chain does not say what stops, what to do, what was ruled out and what is not known: %+v", c.Occurrence)
	}
	var began time.Time
	for _, tr := range truth {
		if tr.Chain && (began.IsZero() || tr.Time.Before(began)) {
			began = tr.Time
		}
	}
	for _, fact := range c.Facts {
		if fact.Time.Before(began.Add(-time.Second)) {
			t.Errorf("the chain holds a fact from before the attack: %s %s", fact.Time, fact.Text)
		}
	}
	if late := c.First.Sub(began); late < 0 || late > 12*time.Minute {
		t.Errorf("the chain was first told %s after the attack began, want within 12 min", late)
	}
}

// falseAlarms: every finding that is at least likely is about something that was
// done; what only looks like it is told at most by the rules that the truth allows.
func falseAlarms(t *testing.T, p *port.Port, truth []simulate.Truth, findings []finding.Finding) {
	t.Helper()
	wrong := 0
	for i := range findings {
		f := &findings[i]
		if f.Grade < finding.Likely {
			continue
		}
		explained := slices.ContainsFunc(truth, func(tr simulate.Truth) bool {
			if tr.Kind == "negative" && !slices.Contains(tr.Rules, f.Rule) {
				return false
			}
			return slices.ContainsFunc(tr.Subjects, func(s string) bool {
				return slices.ContainsFunc(names(p, s), func(id string) bool {
					return f.Subject.ID == id || strings.HasPrefix(f.Subject.ID, id+">") || strings.HasPrefix(f.Subject.ID, id+":")
				})
			})
		})
		if !explained {
			wrong++
			t.Errorf("false alarm: %s %s %s: %s", f.Grade, f.Rule, f.Subject.ID, f.Title)
		}
	}
	if wrong > 0 {
		t.Errorf("%d false alarms, want none", wrong)
	}
}

// golden compares the findings, one a line, with the file of that name.
func golden(t *testing.T, name string, findings []finding.Finding) {
	t.Helper()
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\n", f.Rule, f.Subject.ID, f.Grade, f.Severity, f.Title)
	}
	path := filepath.Join("..", "..", "testdata", "scenarios", name)
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (make it with go test ./internal/system -run Scenario -update)", err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the findings are others than in %s (-want +got):\n%s", name, diff)
	}
}

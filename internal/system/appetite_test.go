package system

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk"
)

// TestAcceptanceBeginsWithAName: the summary is whole where the name of a party begins with
// another letter than a to z.
func TestAcceptanceBeginsWithAName(t *testing.T) {
	a := &risk.Assessment{Acceptances: []risk.Acceptance{{Scenario: "s", By: "p", Valid: "no", Why: "ægir may accept 1 EUR a year"}}}
	got := acceptanceFindings(&port.Port{}, a, "risk.yaml", time.Unix(0, 0))
	if len(got) != 1 || got[0].Summary != "Ægir may accept 1 EUR a year." {
		t.Errorf("%+v", got)
	}
}

// TestAppetiteIsAFinding: a line that is crossed is a finding with its owner, one
// that may be is a suspected one, and each goes when the line is kept or taken away.
func TestAppetiteIsAFinding(t *testing.T) {
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
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	s.warmed.Store(true)
	path := filepath.Join(dir, "port", "risk.yaml")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a, rest, _ := strings.Cut(string(before), "appetite:\n")
	_, rest, _ = strings.Cut(rest, "\nbudgets:")
	with := func(lines ...string) map[string]finding.Finding {
		t.Helper()
		text := a + "appetite: [" + strings.Join(lines, ", ") + "]\n\nbudgets:" + rest
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.risk.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := s.risk.Standing().Problem; p != "" {
			t.Fatal(p)
		}
		list, err := s.register.List(t.Context(), finding.Query{Rules: []string{appetiteRule}, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]finding.Finding{}
		for _, f := range list.Findings {
			out[f.Subject.ID] = f
		}
		return out
	}
	acceptance := func(who string) finding.Finding {
		t.Helper()
		if err := os.WriteFile(path, []byte(strings.Replace(string(before), "decision: transfer", "decision: accept\n    accepted_by: "+who+"\n    until: \"2099-01-01\"", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.risk.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, err := s.register.List(t.Context(), finding.Query{Rules: []string{acceptanceRule}, Limit: 10})
		if err != nil || len(list.Findings) > 1 {
			t.Fatalf("%d findings, %v", len(list.Findings), err)
		}
		if len(list.Findings) == 0 {
			return finding.Finding{}
		}
		return list.Findings[0]
	}
	if f := acceptance("chief-executive"); f.ID != "" {
		t.Errorf("an acceptance within the authority is a finding: %+v", f.Occurrence)
	}
	if f := acceptance("ot-head"); !f.Present || f.Grade != finding.Confirmed || f.Subject.ID != "power-loss" || !strings.Contains(f.Next[0], "Chief executive may accept it") || len(f.Facts) != 1 {
		t.Errorf("an acceptance beyond the authority: %+v", f.Occurrence)
	}
	if f := acceptance("chief-executive"); f.Present {
		t.Error("an acceptance by somebody who may is still a finding")
	}
	crossed := `{name: "Any loss", loss: 1000, chance: 0.0001, owner: chief-executive}`
	found := with(crossed, `{name: "One year in ten", loss: 2000000, chance: 0.1}`, `{name: "never", loss: 900000000000, chance: 0.5}`)
	f, maybe := found["any-loss"], found["one-year-in-ten"]
	if len(found) != 2 || !f.Present || f.Grade != finding.Confirmed || f.Severity != finding.Warning || !strings.Contains(f.Summary, "its owner is Chief executive") || len(f.Facts) != 3 {
		t.Errorf("%d findings; the crossed line: %+v", len(found), f.Occurrence)
	}
	if !maybe.Present || maybe.Grade != finding.Suspected || !strings.Contains(maybe.Summary, "nobody is named as its owner") || len(maybe.Unknown) == 0 {
		t.Errorf("the undecided line: %+v", maybe.Occurrence)
	}
	found = with(`{name: "Any loss", loss: 900000000000, chance: 0.5, owner: chief-executive}`)
	if found["any-loss"].Present || found["one-year-in-ten"].Present {
		t.Error("a line that is kept, or taken away, is still a finding")
	}
	if found = with(crossed); !found["any-loss"].Present {
		t.Error("a line that is crossed again is no finding")
	}
}

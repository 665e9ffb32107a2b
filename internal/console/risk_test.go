package console_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/risk"
)

// TestRiskPage says what the figures are, how old, what moved them, and by which way.
func TestRiskPage(t *testing.T) {
	w := newWorld(t, 0, 0)
	body := get(signedIn(newConsole(t, depsOf(w))), "/risk").Body.String()
	for _, want := range []string{"What is our risk", "takes over", "tries a year from", "one year in a hundred", "undecided: the range lies on both sides", "kept",
		"the way, in", "Any one of these takes it away", "No other choice within the budgets leaves less: proven", "figures are assumed", "none taken", "not valid: Duty engineer may accept 100 EUR a year"} {
		if want == "takes over" {
			want = "A vendor&#39;s session is taken over"
		}
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// TestRiskPageWithoutFigures: no scenarios, a broken file, and old figures beside a
// broken file are told apart.
func TestRiskPageWithoutFigures(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	page := func(s func() risk.Standing) string {
		d.Risk = s
		return get(signedIn(newConsole(t, d)), "/risk").Body.String()
	}
	for name, s := range map[string]func() risk.Standing{"not joined": nil, "no file": func() risk.Standing { return risk.Standing{} }} {
		if body := page(s); !strings.Contains(body, "No scenarios to judge") || !strings.Contains(body, "not the same as none") {
			t.Errorf("%s: the page does not say that nothing is known", name)
		}
	}
	body := page(func() risk.Standing { return risk.Standing{Problem: `risk.yaml:3: "x" is <b>wrong</b>`} })
	if !strings.Contains(body, "is &lt;b&gt;wrong") || strings.Contains(body, "No scenarios to judge") {
		t.Error("a broken file is not told, or not escaped")
	}
	body = page(func() risk.Standing { s := w.Risk(); s.Problem = "the port file on disk has faults"; return s })
	if !strings.Contains(body, "No newer figures") || !strings.Contains(body, "one year in ten") {
		t.Error("beside a broken file the earlier figures are gone, or not called old")
	}
}

// TestContinuityPage: an outage, a cut, and questions that make no sense.
func TestContinuityPage(t *testing.T) {
	w := newWorld(t, 0, 0)
	h := signedIn(newConsole(t, depsOf(w)))
	for path, want := range map[string][]string{
		"/continuity":                            {"Truck gate", "a week", "30 % after 2 h, 12 people, for 24 h", "not declared"},
		"/continuity?down=tos-service&hours=48":  {"The operator loses", "late at the quay at the worst", "assumed"},
		"/continuity?more=asc-04&hours=1":        {"Automated yard"},
		"/continuity?zone=cctv&hours=12":         {"Cut off for 12 h", "1 of Shift leader, quay, Duty engineer may decide to isolate the cameras"},
		"/continuity?down=nothing&hours=5":       {"is no asset or service"},
		"/continuity?down=tos-service&hours=-1":  {"is no length"},
		"/continuity?down=tos-service&hours=NaN": {"is no length"},
		"/continuity?down=tos-service&hours=1e9": {"is no length"},
		"/continuity?zone=%3Cscript%3E&hours=5":  {"is no zone"},
		"/continuity?hours=5&more=" + "a,b":      {"is no asset or service"},
	} {
		r := get(h, path)
		if r.Code != http.StatusOK {
			t.Errorf("%s: %d", path, r.Code)
		}
		for _, text := range want {
			if !strings.Contains(r.Body.String(), text) {
				t.Errorf("%s does not say %q", path, text)
			}
		}
		if strings.Contains(r.Body.String(), "<script>") {
			t.Errorf("%s: what was asked came back as markup", path)
		}
	}
	w.Port.Terminals = nil
	if body := get(h, "/continuity?down=tos-service").Body.String(); !strings.Contains(body, "No terminals declared") {
		t.Error("a port without terminals is simulated")
	}
}

// TestPaperCard: what is printed, how old it is, and for whom.
func TestPaperCard(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, report.PaperPDF), []byte("%PDF-test"), 0o600); err != nil {
		t.Fatal(err)
	}
	state := report.PaperState{}
	d.Paper = func() report.PaperState { return state }
	d.Now = func() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) }
	h := signedIn(newConsole(t, d))
	says := func(what string, texts ...string) {
		t.Helper()
		body := get(h, "/continuity").Body.String()
		for _, text := range texts {
			if !strings.Contains(body, text) {
				t.Errorf("%s: the page does not say %q", what, text)
			}
		}
	}
	says("nothing configured", "None is printed: no snapshots")
	if r := get(h, "/continuity/paper.pdf"); r.Code != http.StatusNotFound {
		t.Errorf("no pack: %d", r.Code)
	}
	state = report.PaperState{Configured: true, Every: 6 * time.Hour, Problem: "disk <full>"}
	says("nothing printed", "None has been printed yet", "is late", "disk &lt;full&gt;")
	state = report.PaperState{Configured: true, Every: 6 * time.Hour, Printed: d.Now().Add(-time.Hour), Dir: dir, Warnings: []string{"No cargo in this pack"}}
	says("printed", "every 6 h", "Take the PDF", "No cargo in this pack")
	r := get(h, "/continuity/paper.pdf")
	if r.Code != http.StatusOK || r.Body.String() != "%PDF-test" || !strings.Contains(r.Header().Get("Content-Disposition"), "attachment") || r.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("the pack: %d %v", r.Code, r.Header())
	}
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool { return a != identity.TakePaper }
	h = signedIn(newConsole(t, d))
	if r := get(h, "/continuity/paper.pdf"); r.Code != http.StatusForbidden || strings.Contains(get(h, "/continuity").Body.String(), "Take the PDF") {
		t.Errorf("without the right: %d", r.Code)
	}
}

// TestBudgetSlider: the choice at each place of the slider is that of the plan, a
// place that is none is today's budgets, and it works without script.
func TestBudgetSlider(t *testing.T) {
	w := newWorld(t, 0, 0)
	h := signedIn(newConsole(t, depsOf(w)))
	points := w.Risk().Plan.Frontier
	for i, p := range points {
		body := get(h, "/risk?budget="+strconv.Itoa(i)).Body.String()
		for _, want := range []string{"With " + risk.Percent(p.Part) + " of the budgets", risk.Short(p.Spent) + " EUR spent a year leave " + p.Assessed.Words()} {
			if !strings.Contains(body, want) {
				t.Errorf("place %d does not say %q", i, want)
			}
		}
		if len(p.Chosen) == 0 != strings.Contains(body, "Nothing can be done with that") {
			t.Errorf("place %d: %d chosen", i, len(p.Chosen))
		}
	}
	for _, asked := range []string{"", "-1", "99", "x"} {
		if body := get(h, "/risk?budget="+asked).Body.String(); !strings.Contains(body, "With 100 % of the budgets") {
			t.Errorf("%q is not today's budgets", asked)
		}
	}
}

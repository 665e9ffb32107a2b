package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk"
)

var boardDay = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// assessed is the example port, assessed; change may edit the risk file first.
func assessed(t *testing.T, change func(*risk.File)) *BoardInput {
	t.Helper()
	p, err := port.Load("../../examples/saltmere/port.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := risk.Load("../../examples/saltmere/risk.yaml", p)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(f)
	}
	m, err := attackgraph.New(attackgraph.DefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	if err := attackgraph.Declare(m, p, boardDay); err != nil {
		t.Fatal(err)
	}
	in := risk.Inputs{Port: p, File: f, Graph: m, Years: 5000, Runs: 6, Cache: &boardCache}
	a, err := risk.Score(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	s := risk.Standing{Assessment: a, Declared: f, File: "risk.yaml"}
	if len(f.Treatments) > 0 {
		if s.Plan, err = risk.Choose(context.Background(), in, a); err != nil {
			t.Fatal(err)
		}
	}
	return &BoardInput{Port: p, AsOf: boardDay, Standing: s}
}

var boardCache risk.Cache

func jsonOf(t *testing.T, b *Board) string {
	t.Helper()
	data, err := b.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func htmlOf(t *testing.T, b *Board, s *Signature) string {
	t.Helper()
	var out bytes.Buffer
	if err := b.WriteHTML(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestEveryFigureHasItsEvidence: each evidence number anywhere in the report is one
// of the list, and no range of money stands without one.
func TestEveryFigureHasItsEvidence(t *testing.T) {
	b := NewBoard(assessed(t, nil))
	var walk func(path string, v any)
	figures := 0
	walk = func(path string, v any) {
		switch x := v.(type) {
		case map[string]any:
			if no, ok := x["evidence"].(float64); ok {
				figures++
				if no < 1 || int(no) > len(b.Evidence) {
					t.Errorf("%s has the evidence %v of %d", path, no, len(b.Evidence))
				}
			} else if _, isFigure := x["value"]; isFigure {
				t.Errorf("%s is a figure without evidence", path)
			}
			for k, inner := range x {
				walk(path+"/"+k, inner)
			}
		case []any:
			for i, inner := range x {
				walk(path+"/"+strconv.Itoa(i), inner)
			}
		}
	}
	var tree map[string]any
	if err := json.Unmarshal([]byte(jsonOf(t, b)), &tree); err != nil {
		t.Fatal(err)
	}
	delete(tree, "evidence")
	supply := tree["suppliers"].(map[string]any)
	delete(supply, "evidence") // none where no notices were given
	for i := range b.Readiness.Done {
		if b.Readiness.Done[i].Evidence < 1 {
			t.Errorf("%s has no evidence", b.Readiness.Done[i].ID)
		}
	}
	delete(tree, "readiness") // its own field of that name is the record
	walk("", tree)
	if figures < 15 {
		t.Errorf("only %d figures", figures)
	}
	for i, e := range b.Evidence {
		if e.No != i+1 || e.What == "" || e.From == "" {
			t.Errorf("evidence %+v", e)
		}
	}
}

// TestTheSameReport: the same input gives the same bytes, and what was kept is read
// back and gives them again.
func TestTheSameReport(t *testing.T) {
	a, b := NewBoard(assessed(t, nil)), NewBoard(assessed(t, nil))
	if jsonOf(t, a) != jsonOf(t, b) || htmlOf(t, a, nil) != htmlOf(t, b, nil) {
		t.Error("another report")
	}
	back, err := ParseBoard([]byte(jsonOf(t, a)))
	if err != nil {
		t.Fatal(err)
	}
	if jsonOf(t, back) != jsonOf(t, a) || htmlOf(t, back, nil) != htmlOf(t, a, nil) {
		t.Error("what is kept is another report")
	}
	if _, err := ParseBoard([]byte(`{"version":9}`)); err == nil {
		t.Error("a form that nobody knows is read")
	}
}

// TestDraftUntilSigned: the mark is on the draft and not on what is signed.
func TestDraftUntilSigned(t *testing.T) {
	b := NewBoard(assessed(t, nil))
	draft := htmlOf(t, b, nil)
	signed := htmlOf(t, b, &Signature{Name: "A <b>", Account: "cso", Time: boardDay, Sum: Sum([]byte(jsonOf(t, b)))})
	if !strings.Contains(draft, `class="draft-mark"`) || !strings.Contains(draft, "draft: not signed") {
		t.Error("the draft is not marked")
	}
	if strings.Contains(signed, `class="draft-mark"`) || strings.Contains(signed, "draft: not signed") || !strings.Contains(signed, "Signed by A &lt;b&gt; (cso)") || !strings.Contains(signed, Sum([]byte(jsonOf(t, b)))) {
		t.Error("what is signed is marked as a draft, or does not say who signed what")
	}
}

// TestComparedWithTheLast: trends and causes of what changed, and a line that was
// crossed is said to have been.
func TestComparedWithTheLast(t *testing.T) {
	last := NewBoard(assessed(t, func(f *risk.File) {
		for i := range f.Scenarios {
			if f.Scenarios[i].ID == "ransom-office-to-tos" {
				f.Scenarios[i].Tries = port.Figure{Low: 1, High: 6}
			}
		}
	}))
	last.AsOf = boardDay.AddDate(0, -1, 0)
	in := assessed(t, nil)
	in.Last = last
	b := NewBoard(in)
	if b.Last == nil || !b.Last.Equal(last.AsOf) || b.Exposure[0].Before == nil || *b.Exposure[0].Before != last.Exposure[0].Value.Mid || !strings.HasPrefix(b.Exposure[0].Trend(), "+") {
		t.Errorf("exposure: %+v", b.Exposure[0])
	}
	find := func(id string) *Threat {
		for i := range b.Scenarios {
			if b.Scenarios[i].ID == id {
				return &b.Scenarios[i]
			}
		}
		t.Fatalf("%s is not among the five", id)
		return nil
	}
	if s := find("ransom-office-to-tos"); len(s.Causes) != 1 || !strings.HasPrefix(s.Causes[0], "tries a year from ") {
		t.Errorf("causes by comparing: %q", s.Causes)
	}
	if s := find("power-loss"); len(s.Causes) != 0 || s.Trend() != "unchanged" {
		t.Errorf("nothing changed: %q, %s", s.Causes, s.Trend())
	}
	in.Standing.History = []risk.Move{
		{Time: last.AsOf.Add(-time.Hour), Steps: []risk.Step{{Scenario: "power-loss", Cause: "before", Moves: risk.Money{Operator: 9e6}}}},
		{Time: last.AsOf.Add(time.Hour), Steps: []risk.Step{{Scenario: "power-loss", Cause: "opened", Moves: risk.Money{Operator: 5000}}}},
		{Time: last.AsOf.Add(2 * time.Hour), Steps: []risk.Step{{Scenario: "power-loss", Cause: "opened", Moves: risk.Money{Operator: -5000}}, {Scenario: "power-loss", Cause: "aged", Moves: risk.Money{Operator: 700}}}},
	}
	b = NewBoard(in)
	if s := find("power-loss"); !slices.Equal(s.Causes, []string{"+700: aged"}) {
		t.Errorf("causes that a running system saw, with one that was undone: %q", s.Causes)
	}
	if b.Appetite[0].Before == "" {
		t.Error("how a line stood before is not said")
	}
}

// TestUnknownIsSaid: without figures, notices, treatments or exercises the report
// says so and asks for no trust.
func TestUnknownIsSaid(t *testing.T) {
	in := assessed(t, nil)
	in.Standing = risk.Standing{File: "/srv/risk.yaml", Problem: "risk.yaml:3: broken"}
	text := htmlOf(t, NewBoard(in), nil)
	for _, want := range []string{"Our risk is not known: risk.yaml:3: broken", "Nothing in this report is a reason to think that it is small", "No drill, exercise or restore is on record", "No notices of weaknesses", "No treatments are declared", "Obligations are not on record", "▨ not assessed: restores in time, drills and exercises held, risks decided, "} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	if strings.Contains(text, "0 EUR") {
		t.Error("what is not known is printed as nothing")
	}
	in = assessed(t, func(f *risk.File) { f.Exercises, f.Appetite, f.Treatments = nil, nil, nil })
	text = htmlOf(t, NewBoard(in), nil)
	for _, want := range []string{"The board has set no line", "the board has set no line to hold it against", "No treatment is proposed"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

// TestReadiness: a restore within a year against its objective; a failed one, one of
// last year, one that took too long and one that nobody measured prove nothing; one that is only planned is not listed.
func TestReadiness(t *testing.T) {
	in := assessed(t, nil)
	tos := "Terminal operating system"
	try := func(e risk.Exercise) *Board {
		in.Standing.Declared.Exercises = []risk.Exercise{e}
		return NewBoard(in)
	}
	good := risk.Exercise{ID: "r", Date: "2026-09-14", Kind: "restore", Name: "Restore", Of: []string{"terminal-operating-system"}, Hours: 6, Result: "passed", Evidence: "log"}
	b := try(good)
	if len(b.Readiness.Done) != 1 || b.Readiness.Done[0].Objective != 8 || b.Readiness.Done[0].Stale || slices.Contains(b.Readiness.Untested, tos) {
		t.Errorf("a restore: %+v", b.Readiness)
	}
	for name, change := range map[string]func(*risk.Exercise){"too slow": func(e *risk.Exercise) { e.Hours = 31 }, "not measured": func(e *risk.Exercise) { e.Hours = 0 }, "failed": func(e *risk.Exercise) { e.Result = "failed" }, "of last year": func(e *risk.Exercise) { e.Date = "2025-09-14" }, "a drill": func(e *risk.Exercise) { e.Kind, e.Hours = "drill", 0 }} {
		e := good
		change(&e)
		if b := try(e); !slices.Contains(b.Readiness.Untested, tos) {
			t.Errorf("%s counts as a restore", name)
		}
	}
	in.Standing.Declared.Exercises = nil
	for i := range 9 { // two of this year, seven before
		x := good
		x.ID, x.Name, x.Date = fmt.Sprint(i), fmt.Sprint("Restore ", i), fmt.Sprintf("%d-09-14", 2026-i)
		if i == 1 {
			x.Date = "2026-08-14"
		}
		in.Standing.Declared.Exercises = append(in.Standing.Declared.Exercises, x)
	}
	if b := NewBoard(in); b.Readiness.Older != 3 || len(b.Proofs) == 0 || b.Proofs[0].State == Shown {
		t.Errorf("nine restores, two within a year: %d older, %+v", b.Readiness.Older, b.Proofs)
	}
	e := good
	e.Date = "2027-01-14"
	if b := try(e); len(b.Readiness.Done) != 0 {
		t.Error("what is planned is listed as done")
	}
}

func TestSuppliers(t *testing.T) {
	in := assessed(t, nil)
	var a *port.Asset
	for i := range in.Port.Assets {
		if x := &in.Port.Assets[i]; x.Vendor != "" && len(in.Port.ServicesOf(x.ID)) > 0 {
			a = x
			break
		}
	}
	in.Products = Suppliers(in.Port, map[string][]advisory.Match{a.ID: {
		{ID: "1", Verdict: advisory.Affected, Exploited: []event.Exploited{{}}}, {ID: "2", Verdict: advisory.Undecided}, {ID: "3", Verdict: advisory.NotAffected}}})
	devices := 0
	for i := range in.Port.Assets {
		if in.Port.Assets[i].Vendor == a.Vendor {
			devices++
		}
	}
	b := NewBoard(in)
	if m := b.Suppliers.Makers; len(m) != 1 || m[0].Name != a.Vendor || m[0].Devices != devices || m[0].Affected != 1 || m[0].Open != 1 || m[0].Used != 1 || len(m[0].Services) == 0 {
		t.Errorf("makers %+v", m)
	}
	if b.Suppliers.Entry == nil || b.Suppliers.Entry.Value.Mid <= 0 {
		t.Errorf("scenarios that begin at a supplier: %+v", b.Suppliers.Entry)
	}
	in.Products = Suppliers(in.Port, nil)
	if b := NewBoard(in); b.Suppliers.Unknown != "No notice is about a device of the register." {
		t.Errorf("%q", b.Suppliers.Unknown)
	}
}

// TestAsks: a decision for each crossed or undecided line, the plan, what nobody has
// decided and what was accepted for a time that is over.
func TestAsks(t *testing.T) {
	in := assessed(t, func(f *risk.File) {
		f.Appetite = []risk.Line{{Name: "tight", Loss: 1000, Chance: 0}, {Name: "wide", Loss: 1e12, Chance: 0.5}}
		f.Scenarios[0].Decision = ""
		for i := range f.Scenarios {
			if f.Scenarios[i].Decision == "accept" {
				f.Scenarios[i].Until = "2026-11-25"
			}
		}
	})
	var text []string
	for _, d := range NewBoard(in).Decisions {
		text = append(text, d.What)
	}
	all := strings.Join(text, "\n")
	for _, want := range []string{`The line "tight" is crossed`, "Approve ", "Decide what to do about: Ransomware", "Renew or end the acceptance"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not asked in\n%s", want, all)
		}
	}
	if strings.Contains(all, "wide") {
		t.Error("a line that is kept is asked about")
	}

	for name, c := range map[string]struct {
		may  []risk.Authority
		want string
	}{
		"beyond":   {[]risk.Authority{{Party: "chief-executive"}, {Party: "cso", Yearly: 1e9}}, "Decide anew on the acceptance of: "},
		"unknown":  {nil, "Confirm the acceptance of: "},
		"standing": {[]risk.Authority{{Party: "chief-executive", Yearly: 1e9}}, ""},
	} {
		in := assessed(t, func(f *risk.File) { f.Authorities = c.may })
		got := ""
		for _, d := range NewBoard(in).Decisions {
			if strings.Contains(d.What, "the acceptance of: ") {
				got += d.What + " (" + d.Why + ")"
			}
		}
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") || name == "beyond" && !strings.Contains(got, "Chief Security Officer may accept it") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestBoardPDF: printed with a browser it is tagged, in English, two pages and a
// memo, with the draft's mark on each; drawn without one it holds the same figures.
func TestBoardPDF(t *testing.T) {
	b := NewBoard(assessed(t, nil))
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is not installed")
	}
	words := func(pdf []byte) string {
		path := filepath.Join(t.TempDir(), "b.pdf")
		if err := os.WriteFile(path, pdf, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tool, path, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	space := regexp.MustCompile(`\s+`)
	check := func(how string, pdf []byte) {
		text := space.ReplaceAllString(words(pdf), " ")
		for _, want := range []string{b.Exposure[0].Value.Words(), risk.Short(b.Scenarios[4].Yearly.Mid), risk.Short(b.Treatments.Cost), b.Evidence[0].What} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing", how, want)
			}
		}
	}
	var drawn bytes.Buffer
	if err := b.drawPDF(&drawn, nil); err != nil {
		t.Fatal(err)
	}
	check("drawn", drawn.Bytes())
	if n := strings.Count(words(drawn.Bytes()), "DRAFT: not signed"); n < 3 {
		t.Errorf("drawn: %d pages are marked", n)
	}
	if _, err := findBrowser(); err != nil {
		t.Skip(err)
	}
	var printed bytes.Buffer
	if err := b.WritePDF(t.Context(), &printed, nil); err != nil {
		t.Fatal(err)
	}
	check("printed", printed.Bytes())
	pages := strings.Split(words(printed.Bytes()), "\f")
	if memo := slices.IndexFunc(pages, func(p string) bool { return strings.Contains(p, "Figures are ranges: from the least to the most") }); memo != 2 {
		t.Errorf("printed: the memo begins after %d pages, want two", memo)
	}
	if n := len(pages) - 1; n > 4 {
		t.Errorf("printed: %d pages, of which the memo is more than two", n)
	}
	for _, want := range []string{"/StructTreeRoot", "/Lang", "/Marked true"} {
		if !bytes.Contains(printed.Bytes(), []byte(want)) {
			t.Errorf("printed: no %s", want)
		}
	}
}

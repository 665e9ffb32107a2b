package report

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/cargo"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/simulate"
)

var printedAt = time.Date(2026, 11, 26, 22, 0, 0, 0, time.UTC)

func paperInput(t *testing.T) *PaperInput {
	t.Helper()
	p, err := port.Load("../../examples/saltmere/port.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return &PaperInput{Port: p, AsOf: printedAt, Snapshot: simulate.Yard(3, printedAt.Add(-2*time.Hour))}
}

func paper(t *testing.T, in *PaperInput) *Pack {
	t.Helper()
	p, err := Paper(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Pack) sheet(t *testing.T, title string) *Sheet {
	t.Helper()
	for i := range p.Sheets {
		if strings.HasPrefix(p.Sheets[i].Title, title) {
			return &p.Sheets[i]
		}
	}
	t.Fatalf("no sheet %q", title)
	return nil
}

// column is the cells of one column, sorted.
func (s *Sheet) column(name string) (out []string) {
	at := slices.Index(s.Columns, name)
	for _, r := range s.Rows {
		out = append(out, r[at])
	}
	slices.Sort(out)
	return out
}

// TestNoBoxIsLost: each unit is on exactly one inventory sheet, each that is held,
// released, cold or dangerous on its list, and none that is held among the released.
func TestNoBoxIsLost(t *testing.T) {
	in := paperInput(t)
	p := paper(t, in)
	var all, held, freed, cold, danger, listed []string
	for _, u := range in.Snapshot.Units {
		all = append(all, u.ID)
		if u.Hold != "" {
			held = append(held, u.ID)
		}
		if u.Hold == "" && !u.Released.IsZero() {
			freed = append(freed, u.ID)
		}
		if u.SetPoint != nil {
			cold = append(cold, u.ID)
		}
		if u.Class != "" {
			danger = append(danger, u.ID)
		}
	}
	for i := range p.Sheets {
		if strings.HasPrefix(p.Sheets[i].Title, "Inventory of block") {
			listed = append(listed, p.Sheets[i].column("Unit")...)
		}
	}
	slices.Sort(listed)
	for _, c := range []struct {
		what      string
		want, got []string
	}{{"inventory", all, listed}, {"holds", held, p.sheet(t, "Holds").column("Unit")}, {"releases", freed, p.sheet(t, "Releases").column("Unit")},
		{"reefers", cold, p.sheet(t, "Reefers").column("Unit")}, {"dangerous goods", danger, p.sheet(t, "Dangerous").column("Unit")}} {
		slices.Sort(c.want)
		if len(c.want) == 0 || !slices.Equal(c.want, c.got) {
			t.Errorf("%s: %d units, %d printed", c.what, len(c.want), len(c.got))
		}
	}
	recon := p.sheet(t, "Shift reconciliation")
	if got := recon.Rows[len(recon.Rows)-1][1]; got != fmt.Sprint(len(all)) {
		t.Errorf("to reconcile: %s of %d", got, len(all))
	}
}

// TestPackWithoutCargo: there is one all the same, and it says what is missing.
func TestPackWithoutCargo(t *testing.T) {
	in := paperInput(t)
	in.Snapshot, in.NoCargo = nil, "the export is silent"
	in.Passed = []cargo.Passed{{Dir: "x", Why: "it was changed"}}
	p := paper(t, in)
	if w := strings.Join(p.Warnings, "\n"); !strings.Contains(w, "No cargo in this pack: the export is silent") || !strings.Contains(w, "it was changed") {
		t.Errorf("warnings %q", w)
	}
	if len(p.sheet(t, "Contact cards").Rows) == 0 || len(p.sheet(t, "Form F1").Rows) != formRows {
		t.Error("contacts and forms are there without cargo")
	}
	in.Terminal = "nowhere"
	if _, err := Paper(in); err == nil || !strings.Contains(err.Error(), "container-terminal") {
		t.Errorf("an unknown terminal: %v", err)
	}
}

func TestOldAndBrokenSnapshotsWarn(t *testing.T) {
	in := paperInput(t)
	in.Snapshot.Taken = printedAt.Add(-30 * time.Hour)
	in.Snapshot.Faults = []string{"units.csv line 9: no box"}
	p := paper(t, in)
	if w := strings.Join(p.Warnings, "\n"); !strings.Contains(w, "old") || !strings.Contains(w, "1 rows") {
		t.Errorf("warnings %q", w)
	}
	if rows := p.sheet(t, "Rows of the snapshot").Rows; len(rows) != 1 || rows[0][0] != "units.csv line 9: no box" {
		t.Errorf("faults %v", rows)
	}
}

func TestFormNumbersAreUnique(t *testing.T) {
	seen := map[string]bool{}
	p := paper(t, paperInput(t))
	for _, s := range p.Sheets {
		if strings.HasPrefix(s.Title, "Form") {
			number := strings.Fields(s.Text[0])[1]
			if seen[number] || !strings.HasPrefix(number, "XZSLM-20261126-2200-F") {
				t.Errorf("form number %q", number)
			}
			seen[number] = true
		}
	}
	if len(seen) != 4*formCopies {
		t.Errorf("%d forms", len(seen))
	}
}

// TestDrawnPack: without a browser the words are the same, on pages that break.
func TestDrawnPack(t *testing.T) {
	in := paperInput(t)
	var html, again bytes.Buffer
	if err := paper(t, in).WriteHTML(&html); err != nil {
		t.Fatal(err)
	}
	if err := paper(t, in).WriteHTML(&again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(html.Bytes(), again.Bytes()) {
		t.Error("the same input gives another pack")
	}
	path := filepath.Join(t.TempDir(), "pack.pdf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := paper(t, in).drawPDF(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is not installed")
	}
	text, err := exec.Command(tool, "-layout", path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range in.Snapshot.Units {
		if !bytes.Contains(text, []byte(u.ID)) {
			t.Fatalf("%s is not in the drawn pack", u.ID)
		}
	}
}

// TestPrintedPack: with a browser, a tagged PDF in which every unit stands.
func TestPrintedPack(t *testing.T) {
	if _, err := findBrowser(); err != nil {
		t.Skip(err)
	}
	in := paperInput(t)
	dir := t.TempDir()
	if err := paper(t, in).WriteInto(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	pdf, err := os.ReadFile(filepath.Join(dir, PaperPDF))
	if err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) || !bytes.Contains(pdf, []byte("/StructTreeRoot")) {
		t.Errorf("no tagged PDF of %d bytes: %v", len(pdf), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v left beside the pack: %v", entries, err)
	}
}

// TestNoReleaseInDoubt: a unit with two rows, and one whose release lies after the
// snapshot, are on no list of releases; a weight that nobody told is left blank.
func TestNoReleaseInDoubt(t *testing.T) {
	in := paperInput(t)
	taken := in.Snapshot.Taken
	in.Snapshot.Units = []cargo.Unit{
		{ID: "CSQU3054383", Place: cargo.Place{Block: "A", Bay: 1, Row: 1, Tier: 1}, Released: taken.Add(-time.Hour), WeightKg: 5000},
		{ID: "CSQU3054383", Place: cargo.Place{Block: "A", Bay: 1, Row: 1, Tier: 2}, Hold: "customs"},
		{ID: "MSKU6011672", Place: cargo.Place{Block: "A", Bay: 1, Row: 2, Tier: 1}, Released: taken.Add(time.Hour)},
		{ID: "TGHU7599330", Place: cargo.Place{Block: "A", Bay: 1, Row: 3, Tier: 1}, Released: taken.Add(-time.Hour), Class: "3", UN: "1263"},
	}
	p := paper(t, in)
	if got := p.sheet(t, "Releases").column("Unit"); !slices.Equal(got, []string{"TGHU7599330"}) {
		t.Errorf("released %v", got)
	}
	if got := p.sheet(t, "Holds").column("Unit"); !slices.Equal(got, []string{"CSQU3054383"}) {
		t.Errorf("held %v", got)
	}
	if got := p.sheet(t, "Dangerous").column("Weight kg"); !slices.Equal(got, []string{""}) {
		t.Errorf("weights %q", got)
	}
}

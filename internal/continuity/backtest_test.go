package continuity

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func backTest(t *testing.T) []Check {
	t.Helper()
	checks, err := backTested()
	if err != nil {
		t.Fatal(err)
	}
	return checks
}

var backTested = sync.OnceValues(func() ([]Check, error) { return BackTest(Options{}) })

// TestClosedGate: while nothing passes the gate, what is late is what usually
// passes in that time. Worked out by hand from the published volumes.
func TestClosedGate(t *testing.T) {
	want := map[string]float64{
		"nagoya-2023":             2.68e6 / 1.6 / 8760 * 60,
		"dp-world-australia-2023": 3.2e6 / 1.6 / 8760 * 71,
	}
	seen := 0
	for _, c := range backTest(t) {
		if w, ok := want[c.Case]; ok && c.Figure == landLate {
			seen++
			if math.Abs(c.Said.Mid/w-1) > 0.05 || c.Said.Low > w || c.Said.High < w {
				t.Errorf("%s: %.0f (%.0f to %.0f) late, by hand %.0f", c.Case, c.Said.Mid, c.Said.Low, c.Said.High, w)
			}
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d cases", seen, len(want))
	}
}

// TestBackTestReadsNoOutcome: other reported values change no simulated one.
func TestBackTestReadsNoOutcome(t *testing.T) {
	before := backTest(t)
	kept := published
	defer func() { published = kept }()
	published = nil
	for _, c := range kept {
		c.reported = append([]Reported{}, c.reported...)
		for i := range c.reported {
			c.reported[i].Low, c.reported[i].High = 1, 2
		}
		published = append(published, c)
	}
	after, err := BackTest(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range before {
		if !reflect.DeepEqual(before[i].Said, after[i].Said) {
			t.Errorf("%s, %s: %v became %v", before[i].Case, before[i].Figure, before[i].Said, after[i].Said)
		}
	}
}

// TestBackTestError: the error and whether the ranges meet, worked out again
// from the printed figures.
func TestBackTestError(t *testing.T) {
	for _, c := range backTest(t) {
		low, high := c.Reported.Low, c.Reported.High
		if high == 0 {
			high = 1e300
		}
		meets := !(c.Said.High < low || c.Said.Low > high)
		nearest := math.Min(math.Max(c.Said.Mid, low), high)
		if c.Inside != meets || math.Abs(c.Error-(c.Said.Mid-nearest)/nearest) > 1e-9 {
			t.Errorf("%s, %s: inside %v, error %v", c.Case, c.Figure, c.Inside, c.Error)
		}
		if c.Said.Low > c.Said.Mid || c.Said.Mid > c.Said.High || len(c.Sources) == 0 || c.Reported.Source == "" {
			t.Errorf("%+v", c)
		}
	}
}

// TestPublishedFigures holds what goes in against the collected loss cases.
func TestPublishedFigures(t *testing.T) {
	raw, err := os.ReadFile("../../../shared/data/risk/loss-cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Case    string  `json:"case"`
		Start   string  `json:"start"`
		Last    string  `json:"last"`
		Resume  string  `json:"resume"`
		TEU     float64 `json:"teu_2022"`
		Backlog float64 `json:"backlog_containers"`
		Durban  float64 `json:"durban_capacity_frac"`
		Turn    float64 `json:"truck_turn_h"`
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	of := map[string]outageCase{}
	for _, c := range published {
		of[c.id] = c
	}
	for _, c := range cases {
		switch {
		case strings.HasPrefix(c.Case, "Nagoya"):
			from, err1 := time.Parse("2006-01-02T15:04-07", c.Start)
			to, err2 := time.Parse("2006-01-02T15:04-07", c.Last)
			mine := of["nagoya-2023"]
			if err1 != nil || err2 != nil || to.Sub(from).Hours() != mine.down[0].Until || c.TEU != mine.teuPerYear {
				t.Errorf("Nagoya: %v to %v, %v TEU; here %v", from, to, c.TEU, mine)
			}
		case strings.HasPrefix(c.Case, "DP World"):
			to, err := time.Parse("2006-01-02T15:04-07", c.Resume)
			from := to.Add(-time.Duration(of["dp-world-australia-2023"].down[0].Until) * time.Hour)
			if err != nil || from.Format(time.DateOnly) != c.Start || of["dp-world-australia-2023"].reported[0].Low != c.Backlog {
				t.Errorf("DP World: began %v, published %v; backlog %v", from, c.Start, c.Backlog)
			}
		case c.Case == "Transnet":
			mine := of["durban-2021"]
			if mine.byHand[quay] != c.Durban || mine.byHand[gate] != c.Durban || mine.reported[0].Low != c.Turn {
				t.Errorf("Durban: by hand %v, published %v; turn %v", mine.byHand, c.Durban, c.Turn)
			}
		}
	}
}

// TestManualTellsTheErrors: the table of the manual is what the back-test says.
func TestManualTellsTheErrors(t *testing.T) {
	manual, err := os.ReadFile("../../docs/manual/continuity.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range backTest(t) {
		if row := manualRow(&c); !strings.Contains(string(manual), row) {
			t.Errorf("docs/manual/continuity.md lacks this row:\n%s", row)
		}
	}
}

func manualRow(c *Check) string {
	reported := fmt.Sprintf("%g", c.Reported.Low)
	switch {
	case c.Reported.High == 0:
		reported += " or more"
	case c.Reported.High > c.Reported.Low:
		reported += fmt.Sprintf(" to %g", c.Reported.High)
	}
	text := "no"
	if c.Inside {
		text = "yes"
	}
	if c.Reported.InView {
		text += " (in view)"
	}
	return fmt.Sprintf("| %s | %s | %s | %.0f (%.0f to %.0f) | %s | %+.0f %% |", c.Case, c.Figure, reported, c.Said.Mid, c.Said.Low, c.Said.High, text, c.Error*100)
}

// TestBackTestTellsItsErrors: runs that can't be simulated are an error and no panic.
func TestBackTestTellsItsErrors(t *testing.T) {
	if _, err := BackTest(Options{Runs: -1}); err == nil {
		t.Error("less than no runs were simulated")
	}
}

package trial

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/finding"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// says is an occurrence told so many seconds after the first false report.
func says(seconds int, rule, subject string, g finding.Grade, links ...string) told {
	o := finding.Occurrence{Rule: rule, Subject: finding.Subject{Kind: "vessel", ID: subject}, Grade: g}
	for _, l := range links {
		o.Links = append(o.Links, finding.Subject{Kind: "vessel", ID: l})
	}
	return told{o, noon.Add(time.Duration(seconds) * time.Second)}
}

func TestScore(t *testing.T) {
	truth := &Truth{Attacked: []uint32{227000001, 227000002}, Start: noon, Grown: noon.Add(20 * time.Second),
		False: []Heard{{Time: noon, MMSI: 227000001}, {Time: noon.Add(5 * time.Second), MMSI: 227000001, Copy: true}, {Time: noon.Add(20 * time.Second), MMSI: 227000001}}}
	const ours, other, jump = "mmsi:227000001", "mmsi:227000009", "vessel.impossible-movement"
	cleared := says(-5, jump, ours, finding.Likely)
	cleared.Cleared = true
	for _, x := range []struct {
		name string
		told []told
		want Outcome
	}{
		{"nothing told", nil, Outcome{}},
		{"told at the second report", []told{says(30, jump, ours, finding.Likely)}, Outcome{Found: true, Rule: jump, Reports: 2, Delay: 10 * time.Second, First: 30 * time.Second}},
		{"told before it had grown", []told{says(6, jump, ours, finding.Likely)}, Outcome{Found: true, Rule: jump, Reports: 1, First: 6 * time.Second}},
		{"not sure enough", []told{says(30, jump, ours, finding.Suspected)}, Outcome{}},
		{"another rule", []told{says(30, "vessel.invalid-identity", ours, finding.Likely)}, Outcome{Other: []string{"vessel.invalid-identity"}}},
		{"another vessel", []told{says(30, jump, other, finding.Likely)}, Outcome{False: []string{jump + " " + other}}},
		{"before the attack", []told{says(-10, jump, ours, finding.Likely), says(30, jump, ours, finding.Likely)}, Outcome{}},
		{"before the attack, and ended", []told{says(-10, jump, ours, finding.Likely), cleared, says(30, jump, ours, finding.Likely)},
			Outcome{Found: true, Rule: jump, Reports: 2, Delay: 10 * time.Second, First: 30 * time.Second}},
		{"an area that names it", []told{says(30, jump, "area:48.1,1.5", finding.Likely, other, ours)}, Outcome{Found: true, Rule: jump, Reports: 2, Delay: 10 * time.Second, First: 30 * time.Second}},
		{"an area without it", []told{says(30, jump, "area:48.1,1.5", finding.Likely, other)}, Outcome{False: []string{jump + " area:48.1,1.5"}}},
		{"the end alone", []told{cleared}, Outcome{}},
	} {
		if diff := cmp.Diff(x.want, score(x.told, truth, Teleport, finding.Likely)); diff != "" {
			t.Errorf("%s:\n%s", x.name, diff)
		}
	}
}

// A rule of another class does not make a hit.
func TestEachClassHasItsRules(t *testing.T) {
	truth := &Truth{Attacked: []uint32{227000001}, Start: noon, Grown: noon, False: []Heard{{Time: noon, MMSI: 227000001}}}
	for _, v := range Variants() {
		if len(rules[v.Class]) == 0 {
			t.Errorf("no rule is named for %s", v.Class)
		}
		if o := score([]told{says(1, "vessel.sudden-stop", "mmsi:227000001", finding.Confirmed)}, truth, v.Class, finding.Likely); o.Found {
			t.Errorf("a sudden stop counts for %s", v.Class)
		}
	}
}

func TestFalseAlarmsCountBeginnings(t *testing.T) {
	end := says(20, "r", "a", finding.Likely)
	end.Cleared = true
	got := falseAlarms([]told{says(0, "r", "a", finding.Suspected), says(1, "r", "a", finding.Likely), says(2, "r", "a", finding.Confirmed), end, says(30, "r", "a", finding.Likely)}, finding.Likely)
	if diff := cmp.Diff([]string{"r a", "r a"}, got); diff != "" {
		t.Error(diff)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-4 || math.IsInf(a, 1) && math.IsInf(b, 1) }

// Values of published tables: Wilson by Newcombe 1998, Poisson by Garwood 1936.
func TestIntervals(t *testing.T) {
	for _, x := range []struct {
		name      string
		got, want Interval
	}{
		{"81 of 263", wilson(81, 263), Interval{0.2553, 0.3662}},
		{"15 of 148", wilson(15, 148), Interval{0.0624, 0.1605}},
		{"0 of 20", wilson(0, 20), Interval{0, 0.1611}},
		{"1 of 29", wilson(1, 29), Interval{0.0061, 0.1718}},
		{"no trial", wilson(0, 0), Interval{0, 1}},
		{"none", poisson(0, 1), Interval{0, 3.6889}},
		{"one", poisson(1, 1), Interval{0.0253, 5.5716}},
		{"ten in two", poisson(10, 2), Interval{4.7954 / 2, 18.3904 / 2}},
		{"no exposure", poisson(0, 0), Interval{0, math.Inf(1)}},
		{"median of ten", quantileInterval([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.5), Interval{2, 9}},
		{"nine of ten of ten", quantileInterval([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.9), Interval{7, math.Inf(1)}},
	} {
		if !near(x.got.Low, x.want.Low) || !near(x.got.High, x.want.High) {
			t.Errorf("%s: %v, want %v", x.name, x.got, x.want)
		}
	}
}

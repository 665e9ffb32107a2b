package advisory

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/csaf"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

const scores = `#model_version:v2026.03.14,score_date:2026-11-26T12:00:00Z
cve,epss,percentile
CVE-2026-0001,0.42,0.99
CVE-2026-0002,1.5,0.1
what,0.1,0.1
CVE-2026-0003
cve-2026-0004,0.00012,0.03
`

func TestEPSS(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(scores))
	_ = z.Close()
	for name, text := range map[string]string{"plain": scores, "gzip": packed.String(), "mark": "\ufeff" + scores} {
		e, err := ReadEPSS("epss.csv", strings.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(map[string]float64{"CVE-2026-0001": 0.42, "CVE-2026-0004": 0.00012}, e.Chance); diff != "" {
			t.Error(diff)
		}
		want := []string{`epss.csv:4: "1.5" is not a probability`, `epss.csv:5: "what" is not a CVE id`, "epss.csv:6: has no score"}
		if diff := cmp.Diff(want, e.Rejected); diff != "" {
			t.Error(diff)
		}
		if e.Model != "v2026.03.14" || e.Date.Format(time.DateOnly) != "2026-11-26" {
			t.Errorf("%s: model %q of %v", name, e.Model, e.Date)
		}
	}
	for name, text := range map[string]string{"empty": "", "another file": "a,b\n1,2\n", "cut gzip": packed.String()[:40], "long line": "cve,epss,percentile\n" + strings.Repeat("x", 2000)} {
		if _, err := ReadEPSS("epss.csv", strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken for the scores", name)
		}
	}
}

func FuzzEPSS(f *testing.F) {
	f.Add([]byte(scores))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ReadEPSS("x", bytes.NewReader(b))
		if err != nil {
			return
		}
		for c, p := range e.Chance {
			if !epssCVE.MatchString(c) || !(p >= 0 && p <= 1) {
				t.Errorf("%q has the score %v", c, p)
			}
		}
	})
}

// lens is a set of one notice: Acme Lens 9 below 2.1 is affected, with a fix.
func lens(t testing.TB) (*Set, *port.Asset) {
	s := New()
	a := event.Advisory{ID: "SALT-1", Title: "Lens", CVEs: []string{"CVE-2026-0001"}, Vendors: []string{"Acme"}, Products: []string{"Acme Lens 9"},
		Weaknesses: []event.Weakness{{ID: "CVE-2026-0001", CVSS: 9.8, System: "3.1"}}, Fixes: []event.Fix{{Kind: "vendor_fix", Details: "Install 2.1."}},
		Advised: []event.AdvisedProduct{{Vendor: "Acme", Name: "Acme Lens 9", Kind: "product_version_range", Version: "< 2.1", Affected: []int{0}, Fixes: []int{0}}}}
	s.Observe(&event.Batch{Advisories: []event.Advisory{a}})
	return s, &port.Asset{ID: "camera-17", Vendor: "Acme", Product: "Lens 9", Firmware: "2.0", Criticality: "high"}
}

const decisions = `decisions:
  - asset: camera-17
    advisory: SALT-1
    verdict: not affected
    justification: vulnerable_code_not_in_execute_path
    reason: the web page is switched off
    author: OT engineer
    made: 2026-11-01
    expires: 2026-12-01
  - {asset: camera-18, advisory: SALT-1, controls: [port closed by fw-2], reason: shown by the rule list, author: OT engineer, made: 2026-11-01, expires: 2026-12-01}
`

func TestDecisions(t *testing.T) {
	d, err := ReadDecisions("decisions.yaml", []byte(decisions))
	if err != nil {
		t.Fatal(err)
	}
	s, a := lens(t)
	day := func(n int) time.Time { return time.Date(2026, 11, n, 23, 59, 0, 0, time.UTC) }
	for _, tt := range []struct {
		at   time.Time
		want Verdict
		idle int
	}{{day(-10), Affected, 2}, {day(1), NotAffected, 1}, {day(31), NotAffected, 1}, {day(32), Affected, 2}} {
		got := d.Apply("camera-17", s.Matches(a), tt.at)
		if len(got) != 1 || got[0].Verdict != tt.want || (tt.want == NotAffected) != (got[0].Override != nil && got[0].Was == Affected) {
			t.Errorf("at %v: %+v, want %s", tt.at, got, tt.want)
		}
		if idle := d.Idle(tt.at, func(asset, _ string) bool { return asset == "camera-17" }); len(idle) != tt.idle {
			t.Errorf("at %v: idle %q, want %d", tt.at, idle, tt.idle)
		}
	}
	if m := s.Matches(a)[0]; m.Verdict != Affected || m.Override != nil {
		t.Errorf("a decision changed the set: %+v", m)
	}
}

func TestUnsoundDecisions(t *testing.T) {
	for change, want := range map[[2]string]string{
		{"verdict: not affected", "verdict: safe"}:                     `"safe" is none of affected, undecided, not affected`,
		{"justification: vulnerable_code_not_in_execute_path\n", "\n"}: "justification: must be one of component_not_present",
		{"verdict: not affected\n", "verdict: affected\n"}:             "belongs to the verdict not affected",
		{"expires: 2026-12-01\n  -", "expires: 2028-12-01\n  -"}:       "within a year",
		{"expires: 2026-12-01\n  -", "expires: never\n  -"}:            "must be a day such as",
		{"author: OT engineer\n", "author: \"\"\n"}:                    "author: must be given",
		{"asset: camera-18", "asset: camera-17"}:                       "there is a decision on camera-17 and SALT-1 already",
		{"controls: [port closed by fw-2], ", ""}:                      "it decides nothing",
		{"reason: the web", "because: the web"}:                        "because",
	} {
		text := strings.Replace(decisions, change[0], change[1], 1)
		if text == decisions {
			t.Fatalf("%q is not in the text", change[0])
		}
		if d, err := ReadDecisions("decisions.yaml", []byte(text)); err == nil || d != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", change[1], err, want)
		}
	}
}

func TestPriority(t *testing.T) {
	s, a := lens(t)
	base := s.Matches(a)[0]
	score := func(change func(*Match, *Setting)) float64 {
		m, in := base, Setting{Asset: a, Reach: Reached, From: []string{"internet"}}
		change(&m, &in)
		p := Prioritise(&m, in)
		product := 100.0
		for _, f := range p.Factors {
			if f.Why == "" || f.Value < 0 || f.Value > 1 {
				t.Errorf("a factor without reason or out of bounds: %+v", f)
			}
			product *= f.Value
		}
		if math.Abs(product-p.Score) > 1e-9 {
			t.Errorf("score %v, factors give %v", p.Score, product)
		}
		return p.Score
	}
	known := []event.Exploited{{CVE: "CVE-2026-0001"}}
	for name, tt := range map[string]struct {
		change func(*Match, *Setting)
		want   float64
	}{
		"severity alone":   {func(*Match, *Setting) {}, 100 * 0.15 * 0.7},
		"predicted":        {func(m *Match, _ *Setting) { m.EPSS = 0.5 }, 100 * 0.5 * 0.7},
		"hardly predicted": {func(m *Match, _ *Setting) { m.EPSS = 0.001 }, 100 * 0.15 * 0.7},
		"exploited":        {func(m *Match, _ *Setting) { m.Exploited = known }, 100 * 0.7},
		"not reached":      {func(m *Match, in *Setting) { m.Exploited = known; in.Reach = NotReached }, 100 * 0.7 * 0.1},
		"not asked":        {func(m *Match, in *Setting) { m.Exploited = known; in.Reach = NotAsked }, 100 * 0.7 * 0.6},
		"stops the quay":   {func(m *Match, in *Setting) { m.Exploited = known; in.Stops = []string{"quay"} }, 100 * 0.85},
		"stops everything": {func(m *Match, in *Setting) { m.Exploited = known; in.Stops = []string{"a", "b", "c"} }, 100},
		"one control":      {func(m *Match, in *Setting) { m.Exploited = known; in.Controls = []string{"x"} }, 100 * 0.7 * 0.5},
		"many controls":    {func(m *Match, in *Setting) { m.Exploited = known; in.Controls = []string{"x", "y", "z"} }, 100 * 0.7 * 0.25},
		"undecided":        {func(m *Match, _ *Setting) { m.Exploited, m.Verdict = known, Undecided }, 100 * 0.7 * 0.5},
		"undecided, unsure": {func(m *Match, _ *Setting) {
			m.Exploited, m.Verdict, m.Certain, m.Likeness = known, Undecided, false, 0.8
		}, 100 * 0.7 * 0.25 * 0.8},
		"not affected":       {func(m *Match, _ *Setting) { m.Exploited, m.Verdict = known, NotAffected }, 0},
		"nothing registered": {func(m *Match, in *Setting) { m.Exploited = known; in.Asset = &port.Asset{} }, 100 * 0.4},
	} {
		if got := score(tt.change); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestStops(t *testing.T) {
	p := &port.Port{
		Assets: []port.Asset{{ID: "plc"}, {ID: "crane-1", ControlledBy: []string{"plc"}}, {ID: "crane-2"}, {ID: "db"}, {ID: "spare"}},
		Services: []port.Service{
			{ID: "quay", Needs: port.Need{KOfN: &port.KOfN{K: 2, Of: []port.Need{{ID: "crane-1"}, {ID: "crane-2"}}}}},
			{ID: "gate", Needs: port.Need{Any: []port.Need{{ID: "db"}, {ID: "spare"}}}},
			{ID: "terminal", Needs: port.Need{All: []port.Need{{ID: "quay"}, {ID: "gate"}}}},
		},
	}
	for id, want := range map[string][]string{"plc": {"quay", "terminal"}, "db": {}, "crane-2": {"quay", "terminal"}} {
		if diff := cmp.Diff(want, Stops(p, id)); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
}

// TestVEXIsValid: whatever the matches, the document keeps the standard and is
// the same each time.
func TestVEXIsValid(t *testing.T) {
	s, asset := lens(t)
	rapid.Check(t, func(t *rapid.T) {
		p := &port.Port{Identity: port.Identity{Name: "Port of Saltmere", LOCODE: "ZZSMR"}}
		matches := map[string][]Match{}
		for i := range rapid.IntRange(1, 6).Draw(t, "assets") {
			a := *asset
			a.ID, a.Name, a.Serial = fmt.Sprint("a", i), "Camera", rapid.SampledFrom([]string{"", "S1"}).Draw(t, "serial")
			p.Assets = append(p.Assets, a)
			for range rapid.IntRange(1, 3).Draw(t, "matches") {
				m := s.Matches(asset)[0]
				m.ID = rapid.SampledFrom([]string{"SALT-1", "SALT-2"}).Draw(t, "id")
				m.Verdict = rapid.SampledFrom([]Verdict{Affected, Undecided, NotAffected}).Draw(t, "verdict")
				m.CVEs = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"CVE-2026-0001", "CVE-2026-0002", "VDE-7"}), 0, 3, rapid.ID).Draw(t, "cves")
				m.Remedy = rapid.SampledFrom([]Remedy{FixOffered, FixNone, FixNever, FixUnknown}).Draw(t, "remedy")
				if m.Verdict == NotAffected && rapid.Bool().Draw(t, "decided") {
					m.Override = &Decision{Justification: csaf.Justifications[0]}
				}
				matches[a.ID] = append(matches[a.ID], m)
			}
		}
		in := Statement{Port: p, Namespace: "urn:locode:zzsmr", TLP: "AMBER", At: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
		text, err := VEX(in, matches, s.ByID)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := VEX(in, matches, s.ByID); !bytes.Equal(text, again) {
			t.Fatal("the same matches give another document")
		}
		for _, w := range csaf.Check(text).Problems {
			if w.Clause == "6.2.13" || w.Clause == "6.2.1" || w.Clause == "6.2.20" {
				t.Fatalf("%v", w)
			}
		}
	})
	if _, err := VEX(Statement{Port: &port.Port{}}, nil, s.ByID); err == nil {
		t.Error("an empty document was written")
	}
}

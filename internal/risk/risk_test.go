package risk

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk/loss"
	"github.com/quaywatch/quaywatch/internal/risk/portfolio"
)

var asOf = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// cache is shared: the tests simulate the same standstills.
var cache Cache

// saltmere is the example port; change may edit its network file first.
func saltmere(t testing.TB, change func(network string) string) *port.Port {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "port")
	if err := os.CopyFS(dir, os.DirFS("../../examples/saltmere")); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		path := filepath.Join(dir, "network.yaml")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(change(string(data))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := port.Load(filepath.Join(dir, "port.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func inputs(t testing.TB, p *port.Port) Inputs {
	t.Helper()
	f, err := Load("../../examples/saltmere/risk.yaml", p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := attackgraph.New(attackgraph.DefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	if err := attackgraph.Declare(m, p, asOf); err != nil {
		t.Fatal(err)
	}
	return Inputs{Port: p, File: f, Graph: m, Years: 20_000, Runs: 12, Cache: &cache}
}

func score(t testing.TB, in Inputs) *Assessment {
	t.Helper()
	a, err := Score(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func bytesOf(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// opened is a conduit from the office to the cranes that somebody left open.
func opened(network string) string {
	return strings.TrimRight(network, "\n") + `
  - id: office-to-cranes
    from: office-net
    to: quay-crane-net
    allow: [{transport: tcp, ports: [102]}]
    reason: "commissioning of crane 4"
    owner: network-team
`
}

// TestSaltmereProof: one rule is opened from the office to the cranes; way,
// chance, hours, containers and money move and the rule is named; it is closed,
// and the exact earlier figures are back.
func TestSaltmereProof(t *testing.T) {
	before := score(t, inputs(t, saltmere(t, nil)))
	drifted := score(t, inputs(t, saltmere(t, opened)))
	after := score(t, inputs(t, saltmere(t, nil)))

	a, b := byID(before)["office-to-cranes"], byID(drifted)["office-to-cranes"]
	if a.Reach == attackgraph.Yes || b.Reach != attackgraph.Yes {
		t.Errorf("reach %s, with the rule %s: want yes only with it", a.Reach, b.Reach)
	}
	if b.Chance.Mid < 5*a.Chance.Mid || b.Yearly.Mid.Operator < 5*a.Yearly.Mid.Operator || b.Yearly.Mid.Hours < 5*a.Yearly.Mid.Hours || b.Yearly.Mid.Containers < 5*a.Yearly.Mid.Containers {
		t.Errorf("chance %v to %v, a year %+v to %+v: hardly moved", a.Chance, b.Chance, a.Yearly.Mid, b.Yearly.Mid)
	}
	w := Explain(before, drifted)
	if len(w.Steps) != 1 || w.Steps[0].Scenario != "office-to-cranes" || w.Steps[0].Part != "way" || !strings.Contains(w.Steps[0].Cause, "open(office-to-cranes) (commissioning of crane 4)") || w.Steps[0].Origin != attackgraph.FromPort {
		t.Errorf("the causes are %+v", w.Steps)
	}
	if bytesOf(t, before) != bytesOf(t, after) {
		t.Error("the rule is closed and the figures are others than before it was opened")
	}
	if w := Explain(before, after); len(w.Steps) != 0 {
		t.Errorf("nothing changed and it explains %+v", w.Steps)
	}
	for i, s := range drifted.Scenarios { // nobody else's figures moved
		if s.ID == "office-to-cranes" {
			continue
		}
		if d := cmp.Diff(byID(before)[s.ID].Yearly, s.Yearly); d != "" {
			t.Errorf("scenario %d, %s, moved too: %s", i, s.ID, d)
		}
	}
}

// TestWaterfallAddsUp: whatever changed, the steps sum to the change of the year.
func TestWaterfallAddsUp(t *testing.T) {
	p := saltmere(t, nil)
	in := inputs(t, p)
	in.Years, in.Graph = 1, nil // ways are the same for all of it; TestSaltmereProof moves one
	before := score(t, in)
	rapid.Check(t, func(r *rapid.T) {
		next := in
		f := *in.File
		next.File = &f
		f.Scenarios = append([]Scenario(nil), in.File.Scenarios...)
		for i := range f.Scenarios {
			s := &f.Scenarios[i]
			switch rapid.IntRange(0, 4).Draw(r, s.ID) {
			case 1:
				s.Tries = port.Figure{Low: s.Tries.Low * 2, High: s.Tries.High * 3}
			case 2:
				s.Controls = append([]Control{{Name: "more", Kind: "prevent", Efficacy: port.Figure{Low: 0.5, High: 0.9}, Evidence: "test"}}, s.Controls...)
			case 3:
				s.Costs = append([]Cost{{Name: "more", Money: port.Figure{Low: 1e5, High: 1e6}}}, s.Costs...)
			case 4:
				s.Tries, s.Costs = port.Figure{Low: 1, High: 1}, nil
			}
		}
		if rapid.Bool().Draw(r, "one less") {
			f.Scenarios = f.Scenarios[1:]
			f.Causes = nil
		}
		after, err := Score(context.Background(), next)
		if err != nil {
			r.Fatal(err)
		}
		w := Explain(before, after)
		var sum Money
		for _, s := range w.Steps {
			sum = sum.plus(s.Moves)
		}
		got, want := before.Yearly.Mid.plus(sum), after.Yearly.Mid
		for _, x := range [][2]float64{{got.Operator, want.Operator}, {got.Economy, want.Economy}, {got.Hours, want.Hours}, {got.Containers, want.Containers}} {
			if math.Abs(x[0]-x[1]) > 1e-6*max(1, x[1]) {
				r.Fatalf("the steps lead to %+v, and the year is %+v", got, want)
			}
		}
	})
}

// TestFiguresByHand works one scenario out on paper: no attack graph, one control
// of each kind, a fixed cost, a common cause.
func TestFiguresByHand(t *testing.T) {
	p := saltmere(t, nil)
	f, err := Parse("risk.yaml", []byte(`
scenarios:
  - {id: a, target: power-supply, down: [backup-and-restore], down_hours: 2, tries: 0.5, source: test,
     controls: [{name: p, kind: prevent, efficacy: 0.5, coverage: 0.8, evidence: test}, {name: d, kind: detect, efficacy: 0.5, reliability: 0.5, evidence: test}, {name: r, kind: respond, efficacy: 0.25, evidence: test}],
     costs: [{name: fine, chance: 0.5, money: 1000000}, {name: theirs, money: 400000, bears: economy}]}
  - {id: b, target: backup-and-restore, down_hours: 2, tries: 2, source: test, costs: [{name: fine, money: 100000}]}
common_causes:
  - {name: storm, rate: 0.2, chance: 0.5, hits: [a, b]}
appetite:
  - {name: never, loss: 1, chance: 0}
  - {name: often, loss: 1, chance: 1}
`), p)
	if err != nil {
		t.Fatal(err)
	}
	a := score(t, Inputs{Port: p, File: f, Years: 200_000, Runs: 5})
	s := byID(a)["a"]
	// Own events 0.5 · (1 − 0.5·0.8) · (1 − 0.5·0.5) = 0.225, common 0.2 · 0.5; an event
	// costs 0.75 · 0.5 · 1,000,000, for backups alone stop no terminal.
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9*want {
			t.Errorf("%s is %v, by hand %v", what, got, want)
		}
	}
	near("events", s.Events.Mid, 0.325)
	near("operator, an event", s.PerEvent.Operator, 375_000)
	near("economy, an event", s.PerEvent.Economy, 300_000)
	near("operator, a year", s.Yearly.Mid.Operator, 0.325*375_000)
	near("operator, a year of all", a.Yearly.Mid.Operator, 0.325*375_000+2.1*100_000)
	if a.Appetite[0].Breach != "yes" || a.Appetite[1].Breach != "no" {
		t.Errorf("appetite %+v", a.Appetite)
	}
	// The chance of a year without any loss: no event of b, none of a that brings the fine.
	// b: e^(−2) and no storm that hits it; exceedance of 1 = 1 − P(no b) − …, so the
	// chance of a loss is at least that of b.
	atLeast := 1 - math.Exp(-2-0.1)
	if got := a.Curve[0].Chance.Mid; got < atLeast-0.005 || got > atLeast+0.1 {
		t.Errorf("a year that costs anything has chance %v, and b alone %v", got, atLeast)
	}
}

// TestSimulatedMeanIsTheExpectedOne: the curve and the expected year come by two ways.
func TestSimulatedMeanIsTheExpectedOne(t *testing.T) {
	in := inputs(t, saltmere(t, nil))
	in.Years = 400_000
	a := score(t, in)
	m := &loss.Model{}
	for i := range in.File.Scenarios {
		s := &in.File.Scenarios[i]
		cost, err := in.magnitude(s)
		if err != nil {
			t.Fatal(err)
		}
		m.Scenarios = append(m.Scenarios, loss.Scenario{Name: s.ID, Frequency: loss.Frequency{Mean: byID(a)[s.ID].Events.Mid}, Forms: cost.forms})
	}
	years, err := loss.Run(context.Background(), m, in.Years, 9)
	if err != nil {
		t.Fatal(err)
	}
	if e := years.Mean(loss.Operator); math.Abs(e.Value-a.Yearly.Mid.Operator) > 4*e.Error {
		t.Errorf("simulated %v ± %v, expected %v", e.Value, e.Error, a.Yearly.Mid.Operator)
	}
}

// TestBestOfAllChoices tries every choice of the example's treatments.
func TestBestOfAllChoices(t *testing.T) {
	in := inputs(t, saltmere(t, nil))
	in.Years = 1
	a := score(t, in)
	plan, err := Choose(context.Background(), in, a)
	if err != nil {
		t.Fatal(err)
	}
	p, err := in.problem(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	best := math.Inf(1)
	choice := make(portfolio.Choice, len(p.Treatments))
	var try func(i int)
	try = func(i int) {
		if i < len(choice) {
			for k := portfolio.None; k < len(p.Treatments[i].Options); k++ {
				choice[i] = k
				try(i + 1)
			}
			return
		}
		spent := make([]float64, len(Kinds))
		left := 0.0
		for j, term := range p.Terms {
			l := term.Loss
			for i, k := range choice {
				if k != portfolio.None {
					l *= p.Treatments[i].Options[k].Factor[j]
					if j == 0 {
						for b, c := range p.Treatments[i].Options[k].Cost {
							spent[b] += c
						}
					}
				}
			}
			left += l
		}
		for b := range spent {
			if spent[b] > p.Budgets[b].Limit {
				return
			}
		}
		best = min(best, left)
	}
	try(0)
	if !plan.Proven || math.Abs(plan.Left-best) > 1e-6*best {
		t.Errorf("the choice leaves %v (proven %t), the best of all %v", plan.Left, plan.Proven, best)
	}
	if plan.Assessed.Mid > plan.Now || len(plan.Chosen) == 0 {
		t.Errorf("%d chosen, which leave %v of %v as a whole", len(plan.Chosen), plan.Assessed, plan.Now)
	}
	for i := 1; i < len(plan.Frontier); i++ {
		if plan.Frontier[i].Left > plan.Frontier[i-1].Left*(1+1e-9) {
			t.Errorf("more money leaves more loss: %+v", plan.Frontier)
		}
	}
}

func TestFaultsNameTheirPlace(t *testing.T) {
	p := saltmere(t, nil)
	for text, want := range map[string]string{
		"scenarios: [{id: a, target: nobody, down_hours: 1, tries: 1, source: x}]":                                                                            `"nobody" is no service or asset`,
		"scenarios: [{id: a, target: pilotage, down_hours: 1, tries: 1}]":                                                                                     "where tries and hours come from",
		"scenarios: [{id: a, target: pilotage, tries: 1, source: x}]":                                                                                         "how long it is down",
		"scenarios: [{id: a, target: pilotage, down_hours: 1, source: x}]":                                                                                    "how often somebody tries",
		"scenarios: [{id: a, from: [moon], target: pilotage, down_hours: 1, tries: 1, source: x}]":                                                            `"moon" is no entry`,
		"scenarios: [{id: a, target: pilotage, down_hours: 1, tries: 1, source: x, decision: accept}]":                                                        "who accepted",
		"scenarios: [{id: a, target: pilotage, down_hours: 1, tries: 1, source: x, controls: [{name: c, kind: prevent, efficacy: 2, evidence: e}]}]":          "more than 1",
		"scenarios: [{id: a, target: pilotage, down_hours: 1, tries: 1, source: x, controls: [{name: c, kind: prevent, efficacy: 0.5}]}]":                     "its evidence",
		"scenarios: [{id: a, target: pilotage, down_hours: 1, tries: 1, source: x}]\ntreatments: [{id: t, options: [{budget: gold, tries: 0.5, source: x}]}]": `"gold" is no budget`,
		"scenarios: [{id: a, target: pilotage, down_hours: 1, tries: 1, source: x}]\ntreatments: [{id: t, options: [{budget: it, once: 5}]}]":                 "does nothing",
		"appetite: [{name: x, loss: 5, chance: 2}]":                                                                                                           "chance from 0 to 1",
		"scenario: []": "unknown key",
	} {
		_, err := Parse("risk.yaml", []byte(text), p)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "risk.yaml:") {
			t.Errorf("%s\n%v\nwant %q with its place", text, err, want)
		}
	}
	in := inputs(t, p)
	in.File.Treatments[0].Options[0].Closes = []string{"close conduit nowhere"}
	if _, err := Choose(context.Background(), in, score(t, in)); err == nil || !strings.Contains(err.Error(), `no change "close conduit nowhere"`) {
		t.Errorf("a change that nobody knows: %v", err)
	}
	if _, err := Score(context.Background(), Inputs{Port: p, File: &File{}}); err == nil {
		t.Error("no scenarios and no error")
	}
}

// TestAnOpeningNeverLowers: whatever undue rules are opened, no scenario's figures
// fall below those of the port without them.
func TestAnOpeningNeverLowers(t *testing.T) {
	p := saltmere(t, nil)
	plain := inputs(t, p)
	plain.Years = 1
	before := byID(score(t, plain))
	zones := []string{"office-net", "camera-net", "video-net", "server-net"}
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		in := inputs(t, p)
		in.Years = 1
		var list []attackgraph.Opening
		for range 1 + r.IntN(4) {
			a := &p.Assets[r.IntN(len(p.Assets))]
			for _, o := range attackgraph.Offers(a) {
				list = append(list, attackgraph.Opening{Rule: "rule " + a.ID, Zone: zones[r.IntN(len(zones))], Host: a.ID, Service: o.Name, Part: r.IntN(2) == 0, Unsure: r.IntN(2) == 0, Where: "test"})
			}
		}
		if err := attackgraph.Let(in.Graph, list); err != nil {
			t.Fatal(err)
		}
		a, err := Score(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		for id, s := range byID(a) {
			was := before[id]
			if s.Chance.Mid < was.Chance.Mid*(1-1e-9) || s.Chance.High < was.Chance.High*(1-1e-9) || s.Chance.Low < was.Chance.Low*(1-1e-9) {
				t.Errorf("seed %d, %s: chance %v, without the rules %v", seed, id, s.Chance, was.Chance)
			}
		}
	}
}

// TestARestoreSetsTheLeast: a scenario lasts no shorter than the newest restore of
// what it takes down took; a quicker one, and one of something else, change nothing.
func TestARestoreSetsTheLeast(t *testing.T) {
	in := inputs(t, saltmere(t, nil))
	find := func(a *Assessment) *Scored { return byID(a)["camera-to-tos"] }
	in.File.Exercises = nil
	without := score(t, in)
	of := func(list ...Exercise) *Assessment { in.File.Exercises = list; return score(t, in) }
	slow := Exercise{ID: "slow", Date: "2026-09-14", Kind: "restore", Of: []string{"terminal-operating-system"}, Hours: 50}
	if a := of(slow); find(a).PerEvent.Hours <= find(without).PerEvent.Hours {
		t.Errorf("hours of an event %v, before the restore %v", find(a).PerEvent.Hours, find(without).PerEvent.Hours)
	} else if w := Explain(without, a); !strings.Contains(bytesOf(t, w), "cost of an event") || !strings.Contains(bytesOf(t, a.Assumptions), "restore slow of 2026-09-14") {
		t.Errorf("the cause is not named: %s", bytesOf(t, w))
	}
	newer := slow
	newer.ID, newer.Date, newer.Hours = "quick", "2026-10-14", 3
	other := slow
	other.Of = []string{"truck-gate"}
	for name, list := range map[string][]Exercise{"quicker and newer": {slow, newer}, "of something else": {other}, "not measured": {{ID: "x", Date: "2026-11-01", Kind: "drill", Of: slow.Of}}} {
		if a := of(list...); bytesOf(t, a.Scenarios) != bytesOf(t, without.Scenarios) {
			t.Errorf("%s: the figures moved", name)
		}
	}
}

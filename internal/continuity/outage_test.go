package continuity

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/port"
)

func saltmere(t testing.TB) *port.Port {
	t.Helper()
	p, err := port.Load("../../examples/saltmere/port.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func outage(t testing.TB, p *port.Port, o Options, downs ...Down) *Report {
	t.Helper()
	r, err := Outage(p, downs, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNothingDownCostsNothing(t *testing.T) {
	r := outage(t, saltmere(t), Options{Runs: 20})
	if len(r.Services) != 0 || r.Operator != (Band{}) || r.Economy != (Band{}) {
		t.Errorf("without a disruption: services %v, operator %v, economy %v", r.Services, r.Operator, r.Economy)
	}
	for _, o := range r.Terminals {
		if o.Late.High != 0 || o.Normal.High != 0 || o.ShipHours.High != 0 {
			t.Errorf("%s: %+v", o.Terminal, o)
		}
	}
}

// TestLongerIsNeverCheaper: with the same draws, in every single run.
func TestLongerIsNeverCheaper(t *testing.T) {
	p := saltmere(t)
	var before []Sample
	for _, h := range []float64{6, 24, 72, 168} {
		r := outage(t, p, Options{Runs: 40}, Down{"terminal-operating-system", 0, h})
		for k, s := range r.Samples() {
			if before != nil && (s.Economy < before[k].Economy*0.999 || s.Hours < before[k].Hours*0.98) {
				t.Errorf("%v hours, run %d: %+v after %+v", h, k, s, before[k])
			}
		}
		before = r.Samples()
	}
}

func TestSameSeedSameAnswer(t *testing.T) {
	p := saltmere(t)
	d := Down{"stack-handling", 0, 30}
	a, b := outage(t, p, Options{Runs: 30}, d), outage(t, p, Options{Runs: 30}, d)
	if !reflect.DeepEqual(a, b) {
		t.Error("the same seed gives another answer")
	}
	if c := outage(t, p, Options{Runs: 30, Seed: 2}, d); reflect.DeepEqual(a.Samples(), c.Samples()) {
		t.Error("another seed gives the same runs")
	}
}

// TestCargoIsKept: what came by sea and land is what left, is held, waits or
// went elsewhere, to the last unit, in each hour of random terminals under
// random service levels.
func TestCargoIsKept(t *testing.T) {
	p := saltmere(t)
	rapid.Check(t, func(t *rapid.T) {
		s := newServices(p, nil)
		pl, _ := newPlant(&p.Terminals[rapid.IntRange(0, len(p.Terminals)-1).Draw(t, "terminal")], s)
		const hours = 400
		levels := make([][]level, len(s.order))
		for i := range levels {
			levels[i] = make([]level, hours)
			l := 1.0
			for h := range levels[i] {
				if h%37 == 0 {
					l = rapid.SampledFrom([]float64{0, 0.2, 0.7, 1}).Draw(t, "level")
				}
				levels[i][h] = l
			}
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		f, ships := pl.draw(r, hours)
		var called float64
		for _, v := range ships {
			called += v.discharge + v.load
		}
		out := pl.run(f, slices.Clone(ships), levels, hours)
		moved := 0.0
		for h, o := range out {
			moved += o.Moved
			if o.Stored > f.Storage*1.0001+pl.low.UnitsPerCall && h > 24 && out[h-1].Stored < o.Stored {
				t.Fatalf("hour %d: %v units stored and rising, where %v find room", h, o.Stored, f.Storage)
			}
			for name, x := range map[string]float64{"moved": o.Moved, "land": o.Land, "stored": o.Stored, "trucks": o.Trucks, "unfreed": o.Unfreed, "due": o.Due, "diverted": o.Diverted} {
				if x < -1e-6 || math.IsNaN(x) {
					t.Fatalf("hour %d: %s is %v", h, name, x)
				}
			}
		}
		last := out[hours-1]
		// Every ship that called by the end was worked, waits, or went elsewhere.
		if diff := called - (moved + last.Due + last.Diverted); math.Abs(diff) > float64(len(ships))+1 {
			t.Fatalf("%v units called: %v moved, %v due, %v diverted: %v are lost", called, moved, last.Due, last.Diverted, diff)
		}
	})
}

// TestLevels: needs are the worst, the best and the k-th best; by hand after
// the ramp and until the limit.
func TestLevels(t *testing.T) {
	p, problems := port.Parse("t", []byte(`
port: {name: T, locode: ZZTST, time_zone: UTC, currency: EUR, security_level: 1, centre: [0, 50]}
zones: [{id: z, domain: ot, level: 1}]
assets:
  - {id: a, domain: ot, kind: plc, zone: z}
  - {id: b, domain: ot, kind: plc, zone: z}
  - {id: c, domain: ot, kind: crane, zone: z, controlled_by: [a]}
services:
  - {id: base, needs: {any: [a, b]}}
  - {id: work, needs: {all: [base, {k_of_n: {k: 2, of: [a, b, c]}}]}, manual: {fraction: 0.4, ramp_hours: 2, limit_hours: 5}}
`), time.Time{})
	if p == nil {
		t.Fatal(problems)
	}
	s := newServices(p, []Down{{"a", 1, 9}})
	got := s.run(10, []float64{0, 0.4})
	if want := []level{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}; !slices.Equal(got[s.at["base"]], want) {
		t.Errorf("base: %v", got[s.at["base"]])
	}
	// a is down from hour 1, and c with it, so one of three is left.
	if want := []level{1, 0, 0.2, 0.4, 0.4, 0.4, 0, 0, 0, 1}; !slices.Equal(got[s.at["work"]], want) {
		t.Errorf("work: %v, want %v", got[s.at["work"]], want)
	}
}

func TestAssumptionsAreTold(t *testing.T) {
	p := saltmere(t)
	r := outage(t, p, Options{Runs: 5}, Down{"tos-db-1", 0, 1}, Down{"tos-db-2", 0, 1})
	var said []string
	for _, a := range r.Assumptions {
		said = append(said, a.Of+"."+a.Field)
	}
	if !slices.Contains(said, "container-terminal.reefer_claim") || slices.Contains(said, "container-terminal.berths") || slices.Contains(said, "liquid-bulk-terminal.reefer_share") {
		t.Errorf("assumed: %v", said)
	}
	for i := range p.Services {
		if p.Services[i].ID == "terminal-operating-system" {
			p.Services[i].Manual = nil
		}
	}
	r = outage(t, p, Options{Runs: 5}, Down{"terminal-operating-system", 0, 5})
	if !slices.ContainsFunc(r.Assumptions, func(a Assumption) bool {
		return a.Of == "terminal-operating-system" && strings.HasPrefix(a.Field, "manual")
	}) {
		t.Error("that manual working is not declared is not told")
	}
}

func TestWrongQuestions(t *testing.T) {
	p := saltmere(t)
	for _, d := range []Down{{"nothing", 0, 1}, {"tos-db-1", 2, 1}, {"tos-db-1", -1, 1}, {"tos-db-1", 0, math.NaN()}, {"tos-db-1", 0, 1e9}} {
		if _, err := Outage(p, []Down{d}, Options{}); err == nil {
			t.Errorf("%+v is taken", d)
		}
	}
	if _, err := Outage(p, nil, Options{Runs: -1}); err == nil {
		t.Error("−1 runs are taken")
	}
}

// BenchmarkYear is the goal: a year of a port in seconds.
func BenchmarkYear(b *testing.B) {
	p := saltmere(b)
	for b.Loop() {
		outage(b, p, Options{Runs: 10, Follow: 8760}, Down{"terminal-operating-system", 0, 48})
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/20, "s/year")
}

package loss

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// port is a model with every kind of part.
func port(t testing.TB, scenarios int) *Model {
	t.Helper()
	m := new(Model)
	for i := range scenarios {
		response, err := LognormalBetween(Operator, 20_000, 400_000)
		if err != nil {
			t.Fatal(err)
		}
		fine, err := NewPERT(Operator, 0, 50_000, 1_000_000, 4)
		if err != nil {
			t.Fatal(err)
		}
		var rows []Amounts
		for k := range 200 {
			h := float64(k%72) + 1
			rows = append(rows, Amounts{Operator: 9_000 * h * float64(1+i%5), Economy: 40_000 * h, Hours: h, Containers: 90 * h})
		}
		outage, err := NewSample(rows)
		if err != nil {
			t.Fatal(err)
		}
		f := Frequency{Mean: 0.02 + 0.05*float64(i%7)}
		if i%3 == 0 {
			f.Dispersion = 0.8
		}
		m.Scenarios = append(m.Scenarios, Scenario{Name: fmt.Sprintf("scenario %d", i), Frequency: f,
			Forms: []Form{{"outage", 0.7, outage, 0}, {"response", 1, response, 0}, {"fine", 0.1, fine, 0}}})
	}
	m.Shocks = []Shock{{Name: "shared supplier", Frequency: Frequency{Mean: 0.05}, Members: []Member{{m.Scenarios[0].Name, 0.6}, {m.Scenarios[1].Name, 0.3}}}}
	return m
}

func run(t testing.TB, m *Model, years int, seed uint64) *Years {
	t.Helper()
	y, err := Run(t.Context(), m, years, seed)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

func TestSimulationAgreesWithTheExactWay(t *testing.T) {
	m := port(t, 6)
	const years = 1_000_000
	y := run(t, m, years, 3)
	for on, step := range map[Account]float64{Operator: 500, Hours: 0.05} {
		d, err := Exact(m, on, step, 1<<17)
		if err != nil {
			t.Fatal(err)
		}
		mean := y.Mean(on)
		near(t, "mean "+on.String(), mean.Value, d.Mean(), 4*mean.Error+1e-4*d.Mean())
		near(t, "deviation "+on.String(), y.Deviation(on), d.Deviation(), 0.01*d.Deviation())
		for _, p := range []float64{0.5, 0.8, 0.9, 0.95, 0.99, 0.999} {
			x := d.Quantile(p) + 1.7*step // off the lattice of the sample
			e := y.Exceedance(on, x)
			near(t, fmt.Sprintf("P(%v > %.0f)", on, x), e.Value, d.Exceedance(x), 4*e.Error+1e-3)
		}
	}
}

func TestSameSeedSameBytesOnAnyProcessors(t *testing.T) {
	m := port(t, 5)
	a := run(t, m, 40_000, 9)
	old := runtime.GOMAXPROCS(1)
	b := run(t, m, 40_000, 9)
	runtime.GOMAXPROCS(old)
	if !reflect.DeepEqual(a.Total, b.Total) || !reflect.DeepEqual(a.Parts(Operator, 0.99), b.Parts(Operator, 0.99)) {
		t.Error("the number of processors changes the figures")
	}
	if c := run(t, m, 40_000, 10); reflect.DeepEqual(a.Total, c.Total) {
		t.Error("another seed gives the same years")
	}
}

// TestChangeAndBack: what is changed back returns the exact earlier figure, and
// a change of one scenario moves no other, wherever it stands in the list.
func TestChangeAndBack(t *testing.T) {
	m := port(t, 5)
	before := run(t, m, 50_000, 1)
	m.Scenarios[2].Frequency.Mean *= 3
	worse := run(t, m, 50_000, 1)
	for y := range worse.N {
		if worse.Total[Operator][y] < before.Total[Operator][y]-1e-6 {
			t.Fatalf("year %d costs less with a scenario that is more frequent", y)
		}
	}
	for i, p := range worse.Parts(Operator, 0.99) {
		if q := before.Parts(Operator, 0.99)[i]; i != 2 && p.Mean != q.Mean {
			t.Errorf("%s moved from %v to %v, though another changed", p.Scenario, q.Mean, p.Mean)
		}
	}
	m.Scenarios[2].Frequency.Mean /= 3
	slices.Reverse(m.Scenarios)
	back := run(t, m, 50_000, 1)
	slices.Reverse(m.Scenarios)
	if again := run(t, m, 50_000, 1); !reflect.DeepEqual(again.Total, before.Total) {
		t.Error("changed back, the figures are others")
	}
	near(t, "mean in another order", back.Mean(Operator).Value, before.Mean(Operator).Value, 20*before.Mean(Operator).Error)
}

func TestPartsAddUp(t *testing.T) {
	y := run(t, port(t, 6), 30_000, 4)
	for _, p := range []float64{0.9, 0.99, 0.999} {
		var mean Amounts
		tail := 0.0
		for _, part := range y.Parts(Operator, p) {
			mean.Add(part.Mean)
			tail += part.Tail
		}
		near(t, "means", mean[Operator], y.Mean(Operator).Value, 1e-6*mean[Operator])
		near(t, "hours", mean[Hours], y.Mean(Hours).Value, 1e-9*mean[Hours])
		near(t, "tails", tail, y.Shortfall(Operator, p), 1e-3*tail)
	}
}

func TestFrequencyTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Frequency{Mean: rapid.Float64Range(0, 50).Draw(t, "mean"), Dispersion: rapid.SampledFrom([]float64{0, 0.1, 1, 3}).Draw(t, "dispersion")}
		tab := f.table()
		if !(math.Abs(tab.mean-f.Mean) < 1e-6*(1+f.Mean)) {
			t.Fatalf("%+v: the table has mean %v", f, tab.mean)
		}
		if !slices.IsSorted(tab.cdf) {
			t.Fatalf("%+v: the table does not ascend", f)
		}
		u := rapid.Float64Range(0, 0.999999).Draw(t, "u")
		n := tab.draw(u)
		if tab.cdf[n] <= u || n > 0 && tab.cdf[n-1] > u {
			t.Fatalf("%+v: %v gives %d", f, u, n)
		}
		// The generating function is the sum over the table, an independent way.
		z := complex(rapid.Float64Range(-1, 1).Draw(t, "re")*0.7, rapid.Float64Range(-1, 1).Draw(t, "im")*0.7)
		var want complex128
		power, last := complex(1, 0), 0.0
		for _, c := range tab.cdf {
			want += complex(c-last, 0) * power
			power *= z
			last = c
		}
		if got := f.generating(z); math.Abs(real(got-want))+math.Abs(imag(got-want)) > 1e-9 {
			t.Fatalf("%+v: generating(%v) = %v, the table says %v", f, z, got, want)
		}
	})
}

func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{0, 1, 100, 1 << 14, 20_000}).Draw(t, "n")
		seed := numbers(rapid.Uint64().Draw(t, "seed"))
		v := make([]float64, n)
		for i := range v {
			if u := seed.next(); u > 0.4 {
				v[i] = math.Exp(40*u - 20)
			}
		}
		want := slices.Clone(v)
		slices.Sort(want)
		if got := ascending(v); !slices.Equal(got, want) {
			t.Fatalf("%d numbers are not in order", n)
		}
	})
}

func TestWrongModels(t *testing.T) {
	ok := Fixed{Operator: 1}
	for _, c := range []struct {
		m    Model
		want string
	}{
		{Model{Scenarios: []Scenario{{Name: ""}}}, "name"},
		{Model{Scenarios: []Scenario{{Name: "a"}, {Name: "a"}}}, "used twice"},
		{Model{Scenarios: []Scenario{{Name: "a", Frequency: Frequency{Mean: -1}}}}, "frequency -1"},
		{Model{Scenarios: []Scenario{{Name: "a", Frequency: Frequency{Mean: math.NaN()}}}}, "frequency NaN"},
		{Model{Scenarios: []Scenario{{Name: "a", Frequency: Frequency{Mean: 2, Once: true}}}}, "no probability"},
		{Model{Scenarios: []Scenario{{Name: "a", Frequency: Frequency{Dispersion: math.Inf(1)}}}}, "dispersion"},
		{Model{Scenarios: []Scenario{{Name: "a", Forms: []Form{{"f", 1.5, ok, 0}}}}}, "probability 1.5"},
		{Model{Scenarios: []Scenario{{Name: "a", Forms: []Form{{"f", 0.5, nil, 0}}}}}, "no severity"},
		{Model{Scenarios: []Scenario{{Name: "a", Forms: []Form{{"f", 0.5, ok, -1}}}}}, "scale -1"},
		{Model{Shocks: []Shock{{Name: "s", Members: []Member{{"b", 0.1}}}}}, "no scenario"},
	} {
		err := c.m.Check()
		if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want one about %q", err, c.want)
		}
	}
	if _, err := NewSample([]Amounts{{Operator: math.NaN()}}); err == nil {
		t.Error("a sample with no number is taken")
	}
	if _, err := LognormalBetween(Operator, 5, 5); err == nil {
		t.Error("a lognormal without width is taken")
	}
	if _, err := NewPERT(Operator, 3, 2, 5, 4); err == nil {
		t.Error("a PERT with its mode below low is taken")
	}
	if _, err := Exact(&Model{}, Operator, 1, 1000); err == nil {
		t.Error("a grid that is no power of two is taken")
	}
	if _, err := Run(t.Context(), &Model{}, 0, 1); err == nil {
		t.Error("no years are simulated")
	}
}

// BenchmarkMillionYears is the goal: a million years of thirty scenarios in
// under a second on two cores, ready to be asked (sorted).
func BenchmarkMillionYears(b *testing.B) {
	m := port(b, 30)
	for b.Loop() {
		y := run(b, m, 1_000_000, 1)
		y.Quantile(Operator, 0.99)
		y.Parts(Operator, 0.99)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/Myears")
}

// BenchmarkPeer is the model that tools/bench.sh gives to pyfair too: thirty
// scenarios, each with a PERT frequency of mean 0.2333 a year and one PERT
// magnitude. Pyfair draws one rate and one magnitude a year; here every event
// is drawn.
func BenchmarkPeer(b *testing.B) {
	m := new(Model)
	for i := range 30 {
		magnitude, err := NewPERT(Operator, 20_000, 100_000, 1_000_000, 4)
		if err != nil {
			b.Fatal(err)
		}
		m.Scenarios = append(m.Scenarios, Scenario{Name: fmt.Sprintf("scenario %d", i), Frequency: Frequency{Mean: 1.4 / 6}, Forms: []Form{{"loss", 1, magnitude, 0}}})
	}
	for b.Loop() {
		run(b, m, 1_000_000, 1).Mean(Operator)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/30*1000, "ms/Myears/scenario")
}

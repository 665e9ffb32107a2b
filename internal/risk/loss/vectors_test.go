package loss

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// vectors are published figures of other tools and of independent FFT and
// analytic computations; data/SOURCES.md of the test data names them.
type vectors struct {
	Lognormal90 []struct{ Lo, Hi, Mu, Sigma, Mean float64 } `json:"lognormal90"`
	SimpleLoss  []struct{ Lambda, Lo, Hi, Ale float64 }     `json:"simpleloss"`
	Compound    map[string]struct {
		Mean, SD, P0 float64
		LEC, VaR     map[string]float64
	} `json:"compound_poisson_LN_1_10"`
	Bernoulli struct {
		ALE, VaR95, VaR99, VaR999, ES99 float64
		LEC                             map[string]float64
	} `json:"bernoulli_p0.1_LN_1e5_1e6"`
	Pert []struct {
		Low, Mode, High, Gamma, Mean, SD float64
		Alpha                            float64 `json:"std_alpha"`
		Beta                             float64 `json:"std_beta"`
	} `json:"pert"`
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	dir := os.Getenv("QUAYWATCH_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	b, err := os.ReadFile(filepath.Join(dir, "risk", "test-vectors.json"))
	if err != nil {
		t.Skipf("the risk vectors are not beside the project: %v", err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s: got %v, want %v within %v", what, got, want, within)
	}
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func one(t testing.TB, f Frequency, low, high float64) *Model {
	t.Helper()
	d, err := LognormalBetween(Operator, low, high)
	if err != nil {
		t.Fatal(err)
	}
	return &Model{Scenarios: []Scenario{{Name: "s", Frequency: f, Forms: []Form{{Probability: 1, Severity: d}}}}}
}

func TestVectorsOfDistributions(t *testing.T) {
	v := readVectors(t)
	for _, c := range v.Lognormal90 {
		d, err := LognormalBetween(Operator, c.Lo, c.Hi)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "mean", d.Mean()[Operator], c.Mean, 1e-8*c.Mean)
		if c.Mu != 0 {
			near(t, "mu", d.Mu, c.Mu, 1e-9)
			near(t, "sigma", d.Sigma, c.Sigma, 1e-9)
		}
	}
	for _, c := range v.SimpleLoss {
		m := one(t, Frequency{Mean: c.Lambda}, c.Lo, c.Hi)
		// One vector was computed in 32 bits by its publisher.
		near(t, "expected loss", c.Lambda*m.Scenarios[0].Mean()[Operator], c.Ale, 2e-6*c.Ale)
	}
	for _, c := range v.Pert {
		d, err := NewPERT(Operator, c.Low, c.Mode, c.High, c.Gamma)
		if err != nil {
			t.Fatal(err)
		}
		alpha, beta := d.Shape()
		near(t, "alpha", alpha, c.Alpha, 1e-6)
		near(t, "beta", beta, c.Beta, 1e-6)
		near(t, "PERT mean", d.Mean()[Operator], c.Mean, 1e-9)
		near(t, "PERT deviation", d.Deviation(), c.SD, 1e-5)
		var drawn Amounts
		const n = 1 << 16
		for i := range n {
			d.Draw((float64(i)+0.5)/n, 1, &drawn)
		}
		near(t, "mean of the drawn", drawn[Operator]/n, c.Mean, 1e-4*c.Mean)
	}
	if len(v.Lognormal90) == 0 || len(v.SimpleLoss) == 0 || len(v.Pert) == 0 {
		t.Error("a group of vectors is empty")
	}
}

// vectorGrid is how far the published exceedances of the compound vectors are
// off: they were computed on a grid. TestExactByHand shows on which side the
// error is.
const vectorGrid = 6e-5

// TestExactByHand compares the exact way with the sum over numbers of events,
// where it can be done by hand: P(L ≤ 1) at half an event a year is
// e^(−λ)·(1 + λ·F(1) + λ²/2·F₂(1) + …), F₂ by quadrature, and three or more
// events that sum to less than 1 have a chance below 1e-7.
func TestExactByHand(t *testing.T) {
	const mu, sigma, lambda = 1.151292546497023, 0.6999361691719636, 0.5
	cdf := func(x float64) float64 { return 0.5 * math.Erfc(-(math.Log(x)-mu)/sigma/math.Sqrt2) }
	pdf := func(x float64) float64 {
		z := (math.Log(x) - mu) / sigma
		return math.Exp(-z*z/2) / (x * sigma * math.Sqrt(2*math.Pi))
	}
	two := 0.0
	const n = 20_000
	for i := range n {
		x := (float64(i) + 0.5) / n
		two += pdf(x) * cdf(1-x) / n
	}
	want := 1 - math.Exp(-lambda)*(1+lambda*cdf(1)+lambda*lambda/2*two)
	d, err := Exact(one(t, Frequency{Mean: lambda}, 1, 10), Operator, 0.002, 1<<17)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "P(L > 1)", d.Exceedance(1), want, 5e-7)
}

// TestVectorsOfYears holds the simulation to the vectors within four of its own
// standard errors and half a unit of the last published digit, and the exact way
// within that half unit and its grid.
func TestVectorsOfYears(t *testing.T) {
	v := readVectors(t)
	if len(v.Compound) != 3 {
		t.Errorf("%d compound vectors, want 3", len(v.Compound))
	}
	for lambda, c := range v.Compound {
		t.Run("poisson "+lambda, func(t *testing.T) {
			m := one(t, Frequency{Mean: number(t, lambda)}, 1, 10)
			years, err := Run(t.Context(), m, 1_000_000, 1)
			if err != nil {
				t.Fatal(err)
			}
			exact, err := Exact(m, Operator, 0.005, 1<<16)
			if err != nil {
				t.Fatal(err)
			}
			mean := years.Mean(Operator)
			near(t, "mean", mean.Value, c.Mean, 4*mean.Error)
			near(t, "exact mean", exact.Mean(), c.Mean, 1e-4*c.Mean)
			near(t, "deviation", years.Deviation(Operator), c.SD, 0.01*c.SD)
			near(t, "exact deviation", exact.Deviation(), c.SD, 1e-3*c.SD)
			none := years.Exceedance(Operator, 0)
			near(t, "a year without loss", 1-none.Value, c.P0, 4*none.Error)
			for at, want := range c.LEC {
				e := years.Exceedance(Operator, number(t, at))
				near(t, "P(L > "+at+")", e.Value, want, 4*math.Sqrt(want*(1-want)/1e6)+vectorGrid)
				near(t, "exact P(L > "+at+")", exact.Exceedance(number(t, at)), want, vectorGrid)
			}
			for at, want := range c.VaR {
				value, low, high := years.Quantile(Operator, number(t, at))
				near(t, "VaR "+at, value, want, 2.1*(high-low)/2+0.006)
				near(t, "exact VaR "+at, exact.Quantile(number(t, at)), want, 0.011)
			}
		})
	}
	t.Run("bernoulli", func(t *testing.T) {
		c := v.Bernoulli
		m := one(t, Frequency{Mean: 0.1, Once: true}, 1e5, 1e6)
		years, err := Run(t.Context(), m, 4_000_000, 7)
		if err != nil {
			t.Fatal(err)
		}
		mean := years.Mean(Operator)
		near(t, "ALE", mean.Value, c.ALE, 4*mean.Error)
		for p, want := range map[float64]float64{0.95: c.VaR95, 0.99: c.VaR99, 0.999: c.VaR999} {
			value, low, high := years.Quantile(Operator, p)
			near(t, "VaR", value, want, 2.1*(high-low)/2)
		}
		near(t, "ES99", years.Shortfall(Operator, 0.99), c.ES99, 0.01*c.ES99)
		for at, want := range c.LEC {
			near(t, "P(L > "+at+")", years.Exceedance(Operator, number(t, at)).Value, want, 4*math.Sqrt(want/4e6))
		}
		exact, err := Exact(m, Operator, 500, 1<<14)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "exact ALE", exact.Mean(), c.ALE, 1e-3*c.ALE)
		near(t, "exact VaR999", exact.Quantile(0.999), c.VaR999, 2500)
	})
}

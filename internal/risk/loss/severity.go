package loss

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// Severity is how much one event of a form takes. Draw is monotone in u for
// the account that it is mainly about, so that the same random number means
// the same badness before and after a change.
type Severity interface {
	// Draw adds the loss at the uniform number u in [0,1), times scale, to a.
	Draw(u, scale float64, a *Amounts)
	// Mean is the expected loss.
	Mean() Amounts
	// Points discretises the loss on one account for Exact: ascending values with
	// their probabilities, which sum to 1. Where the distribution is continuous,
	// n points carry 1/n each.
	Points(on Account, n int) []Point
}

// Point is a value with its probability.
type Point struct{ Value, Probability float64 }

// Lognormal is a loss on one account whose logarithm is normal.
type Lognormal struct {
	On        Account
	Mu, Sigma float64
}

// z95 is the 95 % quantile of the normal distribution.
const z95 = 1.6448536269514722

// LognormalBetween is the lognormal whose 5 % and 95 % quantiles are low and
// high, the way experts are asked (Hubbard). Low must be above zero and high
// above low.
func LognormalBetween(on Account, low, high float64) (Lognormal, error) {
	if !(low > 0) || !(high > low) || !finite(high) {
		return Lognormal{}, fmt.Errorf("lognormal: 5 %% at %v and 95 %% at %v: need 0 < low < high", low, high)
	}
	l, h := math.Log(low), math.Log(high)
	return Lognormal{On: on, Mu: (l + h) / 2, Sigma: (h - l) / (2 * z95)}, nil
}

func (d Lognormal) at(u float64) float64 {
	return math.Exp(d.Mu + d.Sigma*math.Sqrt2*math.Erfinv(2*u-1))
}

// Draw implements Severity. The number 0, which a uniform draw of 53 bits can
// give, stands for the middle of its cell.
func (d Lognormal) Draw(u, scale float64, a *Amounts) {
	if u == 0 {
		u = 0x1p-54
	}
	a[d.On] += scale * d.at(u)
}

// Mean implements Severity.
func (d Lognormal) Mean() (a Amounts) {
	a[d.On] = math.Exp(d.Mu + d.Sigma*d.Sigma/2)
	return a
}

// Points implements Severity: each point is the mean of its slice, so that the
// mean of the whole is exact.
func (d Lognormal) Points(on Account, n int) []Point {
	if on != d.On {
		return []Point{{0, 1}}
	}
	// The mean of a lognormal between quantiles a and b is
	// E·(Φ(z_b − σ) − Φ(z_a − σ)) / (b − a).
	mean := d.Mean()[d.On]
	below := func(i int) float64 {
		switch i {
		case 0:
			return 0
		case n:
			return 1
		}
		z := math.Sqrt2 * math.Erfinv(2*float64(i)/float64(n)-1)
		return 0.5 * math.Erfc(-(z-d.Sigma)/math.Sqrt2)
	}
	out := make([]Point, n)
	last := 0.0
	for i := range out {
		next := below(i + 1)
		out[i] = Point{mean * (next - last) * float64(n), 1 / float64(n)}
		last = next
	}
	return out
}

// PERT is a beta distribution between Low and High with the given Mode. Gamma
// is the weight of the mode: 4 is the classic, less is flatter (Vose 2008).
type PERT struct {
	On              Account
	Low, Mode, High float64
	Gamma           float64
	alpha, beta     float64
	quantiles       []float64 // at i/(len-1)
}

const pertCells = 4096

// NewPERT makes a PERT; gamma 0 is read as 4. Low ≤ mode ≤ high, low < high.
func NewPERT(on Account, low, mode, high, gamma float64) (*PERT, error) {
	if gamma == 0 {
		gamma = 4
	}
	if !finite(low) || !finite(high) || !(low <= mode && mode <= high && low < high) || !(gamma > 0 && gamma <= 1000) {
		return nil, fmt.Errorf("PERT: low %v, mode %v, high %v, gamma %v: need low ≤ mode ≤ high, low < high, 0 < gamma ≤ 1000", low, mode, high, gamma)
	}
	d := &PERT{On: on, Low: low, Mode: mode, High: high, Gamma: gamma}
	d.alpha = 1 + gamma*(mode-low)/(high-low)
	d.beta = 1 + gamma*(high-mode)/(high-low)
	d.quantiles = make([]float64, pertCells+1)
	for i := range d.quantiles {
		d.quantiles[i] = low + (high-low)*mathext.InvRegIncBeta(d.alpha, d.beta, float64(i)/pertCells)
	}
	return d, nil
}

// Shape returns the two parameters of the beta distribution.
func (d *PERT) Shape() (alpha, beta float64) { return d.alpha, d.beta }

// Draw implements Severity, by a table of 4096 cells that are linear inside.
func (d *PERT) Draw(u, scale float64, a *Amounts) {
	x := u * pertCells
	i := int(x)
	q := d.quantiles[i]
	a[d.On] += scale * (q + (d.quantiles[i+1]-q)*(x-float64(i)))
}

// Mean implements Severity: (low + γ·mode + high)/(γ + 2).
func (d *PERT) Mean() (a Amounts) {
	a[d.On] = (d.Low + d.Gamma*d.Mode + d.High) / (d.Gamma + 2)
	return a
}

// Deviation is the standard deviation.
func (d *PERT) Deviation() float64 {
	s := d.alpha + d.beta
	return (d.High - d.Low) * math.Sqrt(d.alpha*d.beta/(s*s*(s+1)))
}

// Points implements Severity.
func (d *PERT) Points(on Account, n int) []Point {
	if on != d.On {
		return []Point{{0, 1}}
	}
	out := make([]Point, n)
	for i := range out {
		u := (float64(i) + 0.5) / float64(n)
		out[i] = Point{d.Low + (d.High-d.Low)*mathext.InvRegIncBeta(d.alpha, d.beta, u), 1 / float64(n)}
	}
	return out
}

// Sample is a severity that a simulation gave: each row is one outcome on all
// accounts together, so hours, containers and money of one event belong
// together. All rows are equally likely.
type Sample struct {
	rows []Amounts // by operator loss, then hours, containers, economy
	mean Amounts
}

// NewSample sorts and keeps the rows. There must be at least one, and no
// amount may be negative or not finite.
func NewSample(rows []Amounts) (*Sample, error) {
	if len(rows) == 0 {
		return nil, fmt.Errorf("sample: no rows")
	}
	s := &Sample{rows: slices.Clone(rows)}
	for i, r := range s.rows {
		for a, x := range r {
			if !finite(x) || x < 0 {
				return nil, fmt.Errorf("sample: row %d: %v is %v", i+1, Account(a), x)
			}
		}
		s.mean.Add(r)
	}
	s.mean = s.mean.Times(1 / float64(len(rows)))
	sort.SliceStable(s.rows, func(i, j int) bool {
		for _, a := range []Account{Operator, Hours, Containers, Economy} {
			if x, y := s.rows[i][a], s.rows[j][a]; x != y {
				return x < y
			}
		}
		return false
	})
	return s, nil
}

// Draw implements Severity.
func (s *Sample) Draw(u, scale float64, a *Amounts) {
	a.Add(s.rows[int(u*float64(len(s.rows)))].Times(scale))
}

// Mean implements Severity.
func (s *Sample) Mean() Amounts { return s.mean }

// Points implements Severity: the rows themselves, whatever n.
func (s *Sample) Points(on Account, _ int) []Point {
	out := make([]Point, len(s.rows))
	for i, r := range s.rows {
		out[i] = Point{r[on], 1 / float64(len(s.rows))}
	}
	slices.SortFunc(out, func(a, b Point) int { return compare(a.Value, b.Value) })
	return out
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Fixed is a loss that is known.
type Fixed Amounts

// Draw implements Severity.
func (f Fixed) Draw(_, scale float64, a *Amounts) { a.Add(Amounts(f).Times(scale)) }

// Mean implements Severity.
func (f Fixed) Mean() Amounts { return Amounts(f) }

// Points implements Severity.
func (f Fixed) Points(on Account, _ int) []Point { return []Point{{f[on], 1}} }

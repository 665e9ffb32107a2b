package loss

import (
	"math"
	"slices"
	"sync"
)

// Years is what a simulation gave.
type Years struct {
	N         int
	Total     [accounts][]float64 // the loss of each year by account; nil where no scenario touches the account
	scenarios []tally
	play      *player

	mu     sync.Mutex
	sorted [accounts][]float64
}

// Estimate is a figure with its sampling error: the true one lies within two
// Errors nineteen times in twenty.
type Estimate struct {
	Value float64
	Error float64 // standard error
}

// Mean is the expected loss of a year (annualised loss expectancy).
func (y *Years) Mean(on Account) Estimate {
	v := y.Total[on]
	if v == nil {
		return Estimate{}
	}
	mean := sum(v) / float64(y.N)
	s := 0.0
	for _, x := range v {
		s += (x - mean) * (x - mean)
	}
	if y.N < 2 {
		return Estimate{mean, math.Inf(1)}
	}
	return Estimate{mean, math.Sqrt(s / float64(y.N-1) / float64(y.N))}
}

// Deviation is the standard deviation of the loss of a year.
func (y *Years) Deviation(on Account) float64 { return y.Mean(on).Error * math.Sqrt(float64(y.N)) }

func sum(v []float64) float64 {
	// In blocks, so that a million small numbers keep their last digits.
	s := 0.0
	for b := range slices.Chunk(v, 1024) {
		part := 0.0
		for _, x := range b {
			part += x
		}
		s += part
	}
	return s
}

// order returns the losses of the years in ascending order.
func (y *Years) order(on Account) []float64 {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.sorted[on] == nil && y.Total[on] != nil {
		y.sorted[on] = ascending(y.Total[on])
	}
	return y.sorted[on]
}

// Exceedance is the probability that a year's loss is above x: one point of the
// loss exceedance curve.
func (y *Years) Exceedance(on Account, x float64) Estimate {
	v := y.order(on)
	if v == nil {
		return Estimate{}
	}
	i, _ := slices.BinarySearchFunc(v, x, func(a, b float64) int {
		if a <= b {
			return -1
		}
		return 1
	})
	p := float64(len(v)-i) / float64(len(v))
	return Estimate{p, math.Sqrt(p * (1 - p) / float64(len(v)))}
}

// Quantile is the loss that a year stays at or below with probability p
// (value at risk), with its distribution-free 95 % interval from the order of
// the years.
func (y *Years) Quantile(on Account, p float64) (value, low, high float64) {
	v := y.order(on)
	if v == nil {
		return 0, 0, 0
	}
	n := float64(len(v))
	at := func(x float64) float64 { return v[min(len(v)-1, max(0, int(math.Ceil(x))-1))] }
	half := 1.959963984540054 * math.Sqrt(n*p*(1-p))
	return at(n * p), at(n*p - half), at(n*p + half)
}

// Shortfall is the mean loss of the worst 1−p of years (expected shortfall).
func (y *Years) Shortfall(on Account, p float64) float64 {
	v := y.order(on)
	if v == nil {
		return 0
	}
	worst := v[min(len(v)-1, int(math.Ceil(p*float64(len(v))))):]
	return sum(worst) / float64(len(worst))
}

// Part is what one scenario contributes.
type Part struct {
	Scenario string
	Events   float64 // a year
	Chance   float64 // of at least one event in a year
	Mean     Amounts // a year
	Tail     float64 // mean loss on the account asked for, in the worst years
}

// Parts tells what each scenario contributes to the mean, and to the worst 1−p
// of years on an account. The tails of all scenarios sum to Shortfall as far as
// no years at its edge cost the same.
func (y *Years) Parts(on Account, p float64) []Part {
	out := make([]Part, len(y.scenarios))
	n := float64(y.N)
	for i, t := range y.scenarios {
		out[i] = Part{Scenario: y.play.scenarios[i].name, Events: float64(t.events) / n, Chance: float64(t.years) / n, Mean: t.sum.Times(1 / n)}
	}
	if y.Total[on] == nil {
		return out
	}
	v := y.order(on)
	left := len(v) - min(len(v)-1, int(math.Ceil(p*float64(len(v)))))
	worst := float64(left)
	edge := v[len(v)-left]
	// The worst years are played again: each is known by its number alone.
	for i, x := range y.Total[on] {
		if x < edge || left == 0 {
			continue
		}
		left--
		y.play.year(i, func(scenario int, t *tally) { out[scenario].Tail += t.sum[on] / worst })
	}
	return out
}

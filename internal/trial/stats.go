package trial

import (
	"math"
	"slices"
)

// z95 is the 97.5 % point of the normal distribution: two-sided 95 %.
const z95 = 1.959963984540054

// Interval is a 95 % interval. High is +Inf, and null in JSON, where the trials
// set no bound.
type Interval struct{ Low, High float64 }

// wilson is the 95 % score interval of hits in n trials (Wilson 1927).
func wilson(hits, n int) Interval {
	if n == 0 {
		return Interval{0, 1}
	}
	p, m := float64(hits)/float64(n), float64(n)
	mid := (p + z95*z95/(2*m)) / (1 + z95*z95/m)
	half := z95 / (1 + z95*z95/m) * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m))
	return Interval{max(mid-half, 0), min(mid+half, 1)}
}

// poisson is the exact 95 % interval of the rate of events in an exposure
// (Garwood 1936); unbounded above without exposure.
func poisson(events int, exposure float64) Interval {
	if exposure <= 0 {
		return Interval{0, math.Inf(1)}
	}
	low := 0.0
	if events > 0 {
		// The mean at which events or more have a chance of 2.5 %.
		low = solve(func(mean float64) bool { return 1-poissonUpTo(events-1, mean) < 0.025 })
	}
	// The mean at which events or fewer have a chance of 2.5 %.
	high := solve(func(mean float64) bool { return poissonUpTo(events, mean) > 0.025 })
	return Interval{low / exposure, high / exposure}
}

// poissonUpTo is the chance of k events or fewer.
func poissonUpTo(k int, mean float64) float64 {
	if mean <= 0 {
		return 1
	}
	sum := 0.0
	for i := 0; i <= k; i++ {
		g, _ := math.Lgamma(float64(i) + 1)
		sum += math.Exp(float64(i)*math.Log(mean) - mean - g)
	}
	return min(sum, 1)
}

// solve finds the end of the means for which below holds; it holds up to there.
func solve(below func(float64) bool) float64 {
	low, high := 0.0, 1.0
	for below(high) && high < 1e9 {
		low, high = high, high*2
	}
	for range 200 {
		mid := (low + high) / 2
		if below(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// quantile is the smallest value that at least the share p of the sorted values
// does not exceed; NaN of none.
func quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	i := int(math.Ceil(p*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// quantileInterval is the 95 % interval of a quantile from the order of the
// values alone (sign test; Conover 1999, 3.2): whatever their distribution. A
// bound that so few values can't give is 0 or +Inf.
func quantileInterval(sorted []float64, p float64) Interval {
	n := len(sorted)
	out := Interval{0, math.Inf(1)}
	for i := range n { // the largest rank whose chance to lie above the quantile is 2.5 % or less
		if binomialUpTo(i, n, p) <= 0.025 {
			out.Low = sorted[i]
		}
	}
	for i := n - 1; i >= 0; i-- { // the smallest rank whose chance to lie below it is
		if 1-binomialUpTo(i, n, p) <= 0.025 {
			out.High = sorted[i]
		}
	}
	return out
}

// binomialUpTo is the chance of k hits or fewer in n.
func binomialUpTo(k, n int, p float64) float64 {
	sum := 0.0
	ln, _ := math.Lgamma(float64(n) + 1)
	for i := 0; i <= k; i++ {
		a, _ := math.Lgamma(float64(i) + 1)
		b, _ := math.Lgamma(float64(n-i) + 1)
		sum += math.Exp(ln - a - b + float64(i)*math.Log(p) + float64(n-i)*math.Log(1-p))
	}
	return min(sum, 1)
}

// spread sums values up as a report shows them.
func spread(values []float64) Spread {
	slices.Sort(values)
	if len(values) == 0 {
		return Spread{}
	}
	return Spread{Median: quantile(values, 0.5), P95: quantile(values, 0.95), Max: values[len(values)-1]}
}

// Spread is the middle and the upper end of a set of values.
type Spread struct {
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	Max    float64 `json:"max"`
}

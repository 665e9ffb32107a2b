package loss

import (
	"fmt"
	"math"
	"sort"
)

// Frequency is how many events come in a year.
//
// With Dispersion 0 the number is Poisson distributed. Above 0 it is negative
// binomial with variance Mean + Dispersion·Mean² (a Poisson whose rate varies
// from year to year by a gamma factor of variance Dispersion: events cluster).
// Once limits it to at most one event a year, with probability Mean: the form
// of simpler tools, kept to compare with them.
type Frequency struct {
	Mean       float64 // events a year, 0..MaxMean
	Dispersion float64 // 0..MaxDispersion
	Once       bool
}

// Bounds of a frequency.
const (
	MaxMean       = 1000.0
	MaxDispersion = 100.0
)

func (f Frequency) check() error {
	switch {
	case !finite(f.Mean) || f.Mean < 0 || f.Mean > MaxMean:
		return fmt.Errorf("frequency %v is not from 0 to %v events a year", f.Mean, MaxMean)
	case !finite(f.Dispersion) || f.Dispersion < 0 || f.Dispersion > MaxDispersion:
		return fmt.Errorf("dispersion %v is not from 0 to %v", f.Dispersion, MaxDispersion)
	case f.Once && f.Mean > 1:
		return fmt.Errorf("frequency %v is no probability, which once needs", f.Mean)
	case f.Once && f.Dispersion != 0:
		return fmt.Errorf("dispersion %v has no meaning with once", f.Dispersion)
	}
	return nil
}

// tail is the probability of more events than the table holds: below one in a
// million runs of a million years.
const tail = 1e-13

// maxCount bounds the table where the tail is heavy.
const maxCount = 1 << 17

// table holds P(N ≤ n) for each n until the tail. Drawing by inversion makes a
// lower frequency a subset of a higher one at the same random numbers.
type table struct {
	cdf  []float64
	mean float64 // of the table, which is cut off at the tail
}

func (f Frequency) table() table {
	if f.Once {
		return table{cdf: []float64{1 - f.Mean, 1}, mean: f.Mean}
	}
	var t table
	sum := 0.0
	for n := range maxCount {
		p := f.mass(n)
		sum += p
		t.mean += float64(n) * p
		t.cdf = append(t.cdf, sum)
		if float64(n) > f.Mean && 1-sum < tail {
			break
		}
	}
	t.cdf[len(t.cdf)-1] = 1
	return t
}

// mass is the probability of n events.
func (f Frequency) mass(n int) float64 {
	k := float64(n)
	if f.Mean == 0 {
		if n == 0 {
			return 1
		}
		return 0
	}
	lgn, _ := math.Lgamma(k + 1)
	if f.Dispersion < 1e-9 { // no longer told from Poisson by a float64
		return math.Exp(k*math.Log(f.Mean) - f.Mean - lgn)
	}
	r := 1 / f.Dispersion
	lgkr, _ := math.Lgamma(k + r)
	lgr, _ := math.Lgamma(r)
	return math.Exp(lgkr - lgr - lgn + r*math.Log(r/(r+f.Mean)) + k*math.Log(f.Mean/(r+f.Mean)))
}

// generating is the probability generating function E z^N.
func (f Frequency) generating(z complex128) complex128 {
	switch {
	case f.Once:
		return 1 + complex(f.Mean, 0)*(z-1)
	case f.Dispersion < 1e-9:
		return cexp(complex(f.Mean, 0) * (z - 1))
	}
	r := 1 / f.Dispersion
	return cexp(complex(-r, 0) * clog(1-complex(f.Mean/r, 0)*(z-1)))
}

// draw returns the number of events for a uniform u in [0,1).
func (t *table) draw(u float64) int {
	if u < t.cdf[0] {
		return 0
	}
	if len(t.cdf) <= 32 {
		for n := 1; n < len(t.cdf); n++ {
			if u < t.cdf[n] {
				return n
			}
		}
		return len(t.cdf) - 1
	}
	return sort.Search(len(t.cdf)-1, func(n int) bool { return u < t.cdf[n] })
}

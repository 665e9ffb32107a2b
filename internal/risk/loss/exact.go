package loss

import (
	"fmt"
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/dsp/fourier"
)

func cexp(z complex128) complex128 { return cmplx.Exp(z) }
func clog(z complex128) complex128 { return cmplx.Log(z) }

// Distribution is the loss of a year on one account on a grid, worked out
// rather than simulated.
type Distribution struct {
	Step        float64
	Mass        []float64 // probability of each multiple of Step
	Beyond      float64   // probability of losses past the grid, an upper bound
	above, mean float64
}

// Bounds of Exact.
const (
	minGrid = 1 << 8
	maxGrid = 1 << 22
	points  = 1 << 16
)

// noise is what the transform leaves where there is nothing, in probability.
const noise = 1e-15

// Exact works out the distribution of a year's loss on one account by Fourier
// transform (Heckman and Meyers 1983; the exponential tilt that keeps the tail
// from wrapping around is of Grübel and Hermesmeier 1999). Each severity is put
// on a grid of n cells (a power of two) of width step, splitting each value
// between its two neighbours so that means stay exact. n·step must hold all
// years that matter: what lies past it is told in Beyond.
func Exact(m *Model, on Account, step float64, n int) (*Distribution, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if n < minGrid || n > maxGrid || n&(n-1) != 0 {
		return nil, fmt.Errorf("%w: a grid of %d cells: need a power of two from %d to %d", ErrModel, n, minGrid, maxGrid)
	}
	if !finite(step) || step <= 0 {
		return nil, fmt.Errorf("%w: a grid step of %v", ErrModel, step)
	}
	// The tilt: cell i is weighted by e^(−θi), which damps what wraps around by e^(−θn).
	theta := 10 / float64(n)
	fft := fourier.NewFFT(n)
	year := make([]complex128, n/2+1)
	for i := range year {
		year[i] = 1
	}
	event := map[string][]complex128{}
	buf := make([]float64, n)
	for i := range m.Scenarios {
		s := &m.Scenarios[i]
		e := s.transform(on, step, theta, fft, buf)
		event[s.Name] = e
		for k, z := range e {
			year[k] *= s.Frequency.generating(z)
		}
	}
	for _, s := range m.Shocks {
		for k := range year {
			all := complex(1, 0)
			for _, member := range s.Members {
				p := complex(member.Probability, 0)
				all *= 1 - p + p*event[member.Scenario][k]
			}
			year[k] *= s.Frequency.generating(all)
		}
	}
	d := &Distribution{Step: step, Mass: fft.Sequence(nil, year)}
	total := 0.0
	for i := range d.Mass {
		p := d.Mass[i] / float64(n)
		if p < noise {
			p = 0
		}
		d.Mass[i] = p * math.Exp(theta*float64(i))
		total += d.Mass[i]
		d.mean += d.Mass[i] * float64(i) * step
	}
	d.above = max(0, 1-total)
	d.Beyond = d.above
	return d, nil
}

// transform is the tilted characteristic function of one event.
func (s *Scenario) transform(on Account, step, theta float64, fft *fourier.FFT, buf []float64) []complex128 {
	n := len(buf)
	out := make([]complex128, n/2+1)
	for i := range out {
		out[i] = 1
	}
	for i := range s.Forms {
		f := &s.Forms[i]
		clear(buf)
		for _, p := range f.Severity.Points(on, points) {
			x := p.Value * f.scale() / step
			k := int(min(x, float64(n)))
			if k >= n-1 {
				continue // past the grid: told in Beyond
			}
			part := x - float64(k)
			buf[k] += p.Probability * (1 - part) * math.Exp(-theta*float64(k))
			buf[k+1] += p.Probability * part * math.Exp(-theta*float64(k+1))
		}
		c := fft.Coefficients(nil, buf)
		q := complex(f.Probability, 0)
		for k := range out {
			out[k] *= 1 - q + q*c[k]
		}
	}
	return out
}

// Mean is the expected loss of a year, as far as it lies on the grid.
func (d *Distribution) Mean() float64 { return d.mean }

// Deviation is the standard deviation, as far as it lies on the grid.
func (d *Distribution) Deviation() float64 {
	s := 0.0
	for i, p := range d.Mass {
		x := float64(i)*d.Step - d.mean
		s += p * x * x
	}
	return math.Sqrt(s)
}

// Exceedance is the probability of a loss above x; cells are taken to be spread
// evenly over their width.
func (d *Distribution) Exceedance(x float64) float64 {
	if x < 0 {
		return 1
	}
	s := d.above
	at := x/d.Step + 0.5
	for i := len(d.Mass) - 1; i >= 0; i-- {
		switch {
		case float64(i) >= at:
			s += d.Mass[i]
		case i > 0 && float64(i+1) > at:
			s += d.Mass[i] * (float64(i+1) - at)
		default:
			return min(1, s)
		}
	}
	return min(1, s)
}

// Quantile is the smallest loss that a year stays at or below with probability
// p, within one step.
func (d *Distribution) Quantile(p float64) float64 {
	s := 0.0
	for i, m := range d.Mass {
		s += m
		if s >= p {
			if i == 0 {
				return 0
			}
			return (float64(i) + 0.5 - (s-p)/m) * d.Step
		}
	}
	return math.Inf(1)
}

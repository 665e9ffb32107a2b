package risk

import (
	"fmt"
	"math"
	"strings"
)

// Short writes an amount in three digits, for people: 1.25 M, 34 k, 0.4.
func Short(v float64) string {
	for _, u := range []struct {
		from float64
		name string
	}{{1e9, " bn"}, {1e6, " M"}, {1e3, " k"}} {
		if math.Abs(v) >= u.from {
			return Digits(v/u.from) + u.name
		}
	}
	return Digits(v)
}

// Digits writes a number with three digits and without an exponent.
func Digits(v float64) string {
	if s := fmt.Sprintf("%.3g", v); !strings.Contains(s, "e") {
		return s
	}
	return fmt.Sprintf("%.0f", v)
}

// Between writes a figure with its range, and alone where it has none.
func Between(low, mid, high float64) string {
	if low == high {
		return Short(mid)
	}
	return fmt.Sprintf("%s (%s to %s)", Short(mid), Short(low), Short(high))
}

// Percent writes a chance, for people.
func Percent(p float64) string {
	switch {
	case p == 0:
		return "0 %"
	case p < 0.0001:
		return "under 0.01 %"
	}
	return Digits(p*100) + " %"
}

// Percent writes chances with their range.
func (s Span) Percent() string {
	return fmt.Sprintf("%s (%s to %s)", Percent(s.Mid), Percent(s.Low), Percent(s.High))
}

// Every writes how often something comes in a year, with its range.
func (s Span) Every() string {
	once := func(v float64) string {
		switch {
		case v <= 0:
			return "never"
		case v >= 0.95:
			return Digits(v) + " a year"
		case v < 1e-4:
			return "less than once in 10,000 years"
		}
		return "once in " + Digits(1/v) + " years"
	}
	return fmt.Sprintf("%s (%s to %s)", once(s.Mid), once(s.Low), once(s.High))
}

// Words writes an amount with its range.
func (s Span) Words() string { return Between(s.Low, s.Mid, s.High) }

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

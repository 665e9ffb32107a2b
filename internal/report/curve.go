package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/quaywatch/quaywatch/internal/risk"
)

// Size of the drawing of the curve, in its own units.
const (
	curveWide, curveHigh = 640.0, 260.0
	curveLeft, curveFoot = 46.0, 30.0
	leastChance          = 1e-3
)

// Curve is the loss exceedance curve, drawn in 640 by 260; both axes are
// logarithmic.
type Curve struct {
	Band, Mid string // paths; empty where no year costs anything
	X, Y      []Tick
	Lines     []Mark
}

// Tick is a mark on an axis.
type Tick struct {
	At   float64
	Text string
}

// Mark is a line of the appetite at its loss and chance.
type Mark struct {
	X, Y   float64
	Breach string // "yes", "no", "undecided"
	Words  string
}

// CurveOf draws the curve of an assessment.
func CurveOf(a *risk.Assessment) (v Curve) {
	if len(a.Curve) < 2 {
		return v
	}
	low, high := math.Log10(a.Curve[0].Loss), math.Log10(a.Curve[len(a.Curve)-1].Loss)
	for _, l := range a.Appetite {
		low, high = min(low, math.Log10(l.Line.Loss)), max(high, math.Log10(l.Line.Loss))
	}
	x := func(loss float64) float64 {
		return curveLeft + (curveWide-curveLeft-10)*(math.Log10(loss)-low)/(high-low)
	}
	y := func(chance float64) float64 {
		return 10 + (curveHigh-curveFoot-10)*math.Log10(max(chance, leastChance))/math.Log10(leastChance)
	}
	path := func(b *strings.Builder, at func(risk.Span) float64, back bool) {
		for i := range a.Curve {
			e := &a.Curve[i]
			if back {
				e = &a.Curve[len(a.Curve)-1-i]
			}
			op := "L"
			if b.Len() == 0 {
				op = "M"
			}
			fmt.Fprintf(b, "%s%.1f %.1f", op, x(e.Loss), y(at(e.Chance)))
		}
	}
	var band, mid strings.Builder
	path(&band, func(s risk.Span) float64 { return s.High }, false)
	path(&band, func(s risk.Span) float64 { return s.Low }, true)
	path(&mid, func(s risk.Span) float64 { return s.Mid }, false)
	v.Band, v.Mid = band.String()+"Z", mid.String()
	for p := math.Ceil(low); p <= high; p++ {
		v.X = append(v.X, Tick{x(math.Pow(10, p)), risk.Short(math.Pow(10, p))})
	}
	for _, ch := range []float64{1, 0.1, 0.01, 0.001} {
		v.Y = append(v.Y, Tick{y(ch), risk.Percent(ch)})
	}
	for _, l := range a.Appetite {
		v.Lines = append(v.Lines, Mark{x(l.Line.Loss), y(l.Line.Chance), l.Breach,
			fmt.Sprintf("%s: a year above %s %s in at most %s; found %s", l.Name, risk.Short(l.Line.Loss), a.Currency, risk.Percent(l.Line.Chance), l.Found.Percent())})
	}
	return v
}

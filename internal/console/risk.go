package console

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk"
)

// riskView answers "what is our risk, and what moved it".
type riskView struct {
	frame
	P     *port.Port
	Has   bool // a risk file is there, or something is wrong with it
	S     risk.Standing
	A     *risk.Assessment // nil until one was made
	Curve curveView
	Moves []risk.Move // newest first
	Trend string      // path of the expected year over the moves, "" for fewer than two
	From  time.Time   // of the trend
}

// shownMoves is how many moves the page lists.
const shownMoves = 12

func (c *Console) risk(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v := riskView{frame: c.frame(r, "Risk", "risk"), P: c.d.Port()}
	if c.d.Risk == nil {
		return riskPage(v), nil
	}
	v.S = c.d.Risk()
	v.A, v.Has = v.S.Assessment, v.S.Assessment != nil || v.S.Problem != ""
	if v.A != nil {
		v.Curve = curveOf(v.A)
	}
	for i := len(v.S.History) - 1; i >= 0 && len(v.Moves) < shownMoves; i-- {
		v.Moves = append(v.Moves, v.S.History[i])
	}
	v.Trend, v.From = trendOf(v.S.History)
	return riskPage(v), nil
}

// Size of the drawing of the curve, in its own units.
const (
	curveWide, curveHigh = 640.0, 260.0
	curveLeft, curveFoot = 46.0, 30.0
	leastChance          = 1e-3
)

// curveView is the loss exceedance curve, drawn: both axes are logarithmic.
type curveView struct {
	Band, Mid string // paths
	X, Y      []curveTick
	Lines     []curveLine
}

type curveTick struct {
	At   float64
	Text string
}

// curveLine is a line of the appetite: a mark at its loss and chance.
type curveLine struct {
	X, Y   float64
	Breach string
	Words  string
}

func curveOf(a *risk.Assessment) (v curveView) {
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
		v.X = append(v.X, curveTick{x(math.Pow(10, p)), risk.Short(math.Pow(10, p))})
	}
	for _, ch := range []float64{1, 0.1, 0.01, 0.001} {
		v.Y = append(v.Y, curveTick{y(ch), percentWords(ch)})
	}
	for _, l := range a.Appetite {
		v.Lines = append(v.Lines, curveLine{x(l.Line.Loss), y(l.Line.Chance), l.Breach,
			fmt.Sprintf("%s: a year above %s %s in at most %s; found %s", l.Name, risk.Short(l.Line.Loss), a.Currency, percentWords(l.Line.Chance), spanPercent(l.Found))})
	}
	return v
}

// trendOf draws the operator's expected year over time, 200 by 40.
func trendOf(moves []risk.Move) (path string, from time.Time) {
	if len(moves) < 2 {
		return "", time.Time{}
	}
	first, last, most := moves[0].Time, moves[len(moves)-1].Time, 0.0
	for _, m := range moves {
		most = max(most, m.After.Operator)
	}
	long := max(last.Sub(first).Seconds(), 1)
	y := func(v float64) float64 { return 38 - 36*v/max(most, 1) }
	var b strings.Builder
	for i, m := range moves {
		x := 200 * m.Time.Sub(first).Seconds() / long
		if i == 0 {
			fmt.Fprintf(&b, "M%.1f %.1f", x, y(m.After.Operator))
			continue
		}
		fmt.Fprintf(&b, "H%.1fV%.1f", x, y(m.After.Operator))
	}
	return b.String(), first
}

func percentWords(p float64) string {
	switch {
	case p == 0:
		return "0 %"
	case p < 0.0001:
		return "under 0.01 %"
	}
	return risk.Digits(p*100) + " %"
}

func spanPercent(s risk.Span) string {
	return fmt.Sprintf("%s (%s to %s)", percentWords(s.Mid), percentWords(s.Low), percentWords(s.High))
}

// everyWords is how often something comes, for people.
func everyWords(s risk.Span) string {
	once := func(v float64) string {
		switch {
		case v <= 0:
			return "never"
		case v >= 0.95:
			return risk.Digits(v) + " a year"
		case v < 1e-4:
			return "less than once in 10,000 years"
		}
		return "once in " + risk.Digits(1/v) + " years"
	}
	return fmt.Sprintf("%s (%s to %s)", once(s.Mid), once(s.Low), once(s.High))
}

func breachWords(b string) string {
	return map[string]string{"yes": "crossed", "no": "kept", "undecided": "undecided: the range lies on both sides"}[b]
}

func breachShape(b string) (shape, severity string) {
	switch b {
	case "yes":
		return "confirmed", "alarm"
	case "undecided":
		return "likely", "warning"
	}
	return "suspected", "ok"
}

// signed is a change of money with its sign.
func signed(v float64) string {
	if v >= 0 {
		return "+" + risk.Short(v)
	}
	return "−" + risk.Short(-v)
}

func join(words []string) string {
	if len(words) == 0 {
		return "nothing that a port can do"
	}
	return strings.Join(words, "; ")
}

// partyName is the name of a party of the port file.
func partyName(v riskView, id string) string { return partyList(v.P, strings.Fields(id)) }

package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/risk"
)

// riskView answers "what is our risk, and what moved it".
type riskView struct {
	frame
	P        *port.Port
	Has      bool // a risk file is there, or something is wrong with it
	S        risk.Standing
	A        *risk.Assessment // nil until one was made
	Curve    report.Curve
	Moves    []risk.Move // newest first
	Frontier frontierView
	Trend    string    // path of the expected year over the moves, "" for fewer than two
	From     time.Time // of the trend
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
		v.Curve = report.CurveOf(v.A)
	}
	for i := len(v.S.History) - 1; i >= 0 && len(v.Moves) < shownMoves; i-- {
		v.Moves = append(v.Moves, v.S.History[i])
	}
	v.Trend, v.From = trendOf(v.S.History)
	if v.A != nil && v.S.Plan != nil {
		v.Frontier = frontierOf(v.S.Plan, r.URL.Query().Get("budget"))
	}
	return riskPage(v), nil
}

// frontierView is money against risk, drawn in 640 by 260, with the place at which
// the reader looks.
type frontierView struct {
	Points       []risk.Point
	At           int // of Points
	Here         risk.Point
	HereX, HereY float64
	Path         string
	X, Y         []report.Tick
}

// frontierOf draws the frontier of a plan. asked is the number of a point; what is
// none is the budgets of today.
func frontierOf(p *risk.Plan, asked string) (v frontierView) {
	v.Points = p.Frontier
	if len(v.Points) < 2 {
		return v
	}
	for i := range v.Points {
		if v.Points[i].Part == 1 {
			v.At = i
		}
	}
	if n, err := strconv.Atoi(asked); err == nil && n >= 0 && n < len(v.Points) {
		v.At = n
	}
	v.Here = v.Points[v.At]
	wide, high := 1.0, 1.0
	for i := range v.Points {
		wide, high = max(wide, v.Points[i].Spent), max(high, v.Points[i].Left)
	}
	x := func(spent float64) float64 { return 60 + 560*spent/wide }
	y := func(left float64) float64 { return 230 - 215*left/high }
	var b strings.Builder
	for i := range v.Points {
		op := "L"
		if i == 0 {
			op = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", op, x(v.Points[i].Spent), y(v.Points[i].Left))
	}
	v.Path, v.HereX, v.HereY = b.String(), x(v.Here.Spent), y(v.Here.Left)
	for _, part := range []float64{0, 0.5, 1} {
		v.X = append(v.X, report.Tick{At: x(wide * part), Text: risk.Short(wide * part)})
		v.Y = append(v.Y, report.Tick{At: y(high * part), Text: risk.Short(high * part)})
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

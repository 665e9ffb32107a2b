package console

import (
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/continuity"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/risk"
)

// Bounds of a question.
const (
	outageRuns     = 60
	maxOutageHours = 672.0
	maxDowns       = 20
)

// continuityView answers "what if this stops", or "what if this is cut off".
type continuityView struct {
	frame
	P        *port.Port
	Terminal bool     // the port file declares terminals
	Down     []string // asked
	Zone     string
	Hours    float64
	Problem  string
	R        *continuity.Report    // of an outage
	I        *continuity.Isolation // of a cut
	Lines    []terminalLines
	Paper    *report.PaperState
	Trees    []*serviceTree // of each service; nil: the reader may not see what they stand on
	MayPaper bool           // the reader may take the pack: it has telephones and places
}

// terminalLines are the curves of one terminal, drawn in 600 by 120.
type terminalLines struct {
	O             *continuity.Outcome
	Moved, Usual  string // units an hour over the quay
	Late, Waiting string // units late; ships outside
	Days          []report.Tick
}

func (c *Console) continuity(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	p, q := c.d.Port(), r.URL.Query()
	v := continuityView{frame: c.frame(r, "Continuity", "continuity"), P: p, Terminal: len(p.Terminals) > 0, Hours: 24, Zone: q.Get("zone")}
	if c.d.Paper != nil {
		state := c.d.Paper()
		v.Paper, v.MayPaper = &state, c.d.Allowed(r.Context(), identity.TakePaper, identity.ThePort)
	}
	for _, id := range append(q["down"], strings.FieldsFunc(q.Get("more"), func(r rune) bool { return r == ',' || r == ' ' })...) {
		if id = strings.TrimSpace(id); id != "" && !slices.Contains(v.Down, id) {
			v.Down = append(v.Down, id)
		}
	}
	if text := q.Get("hours"); text != "" {
		h, err := strconv.ParseFloat(text, 64)
		if v.Hours = h; err != nil || !(h > 0 && h <= maxOutageHours) {
			v.Hours, v.Problem = 24, fmt.Sprintf("%q is no length from more than 0 to %g hours.", text, maxOutageHours)
		}
	}
	switch {
	case v.Problem != "", !v.Terminal, len(v.Down) == 0 && v.Zone == "":
	case len(v.Down) > maxDowns:
		v.Problem = fmt.Sprintf("More than %d things at once: ask the command 'quaywatch continuity outage'.", maxDowns)
	case v.Zone != "":
		i, err := continuity.Isolate(p, continuity.Cut{Zones: []string{v.Zone}}, v.Hours, continuity.Options{Runs: outageRuns})
		if err != nil {
			v.Problem = err.Error()
			break
		}
		v.I, v.R = i, i.Least
	default:
		var downs []continuity.Down
		for _, id := range v.Down {
			downs = append(downs, continuity.Down{ID: id, Until: v.Hours})
		}
		rep, err := continuity.Outage(p, downs, continuity.Options{Runs: outageRuns})
		if err != nil {
			v.Problem = err.Error()
			break
		}
		v.R = rep
	}
	if v.R == nil && v.Problem == "" && c.mayTree(r.Context()) {
		about, err := c.openAbout(r)
		if err != nil {
			return nil, err
		}
		for i := range p.Services {
			v.Trees = append(v.Trees, treeOf(p, &p.Services[i], about))
		}
	}
	if v.R != nil {
		for i := range v.R.Terminals {
			if o := &v.R.Terminals[i]; o.Normal.High > 0 || o.Lost.High > 0 {
				v.Lines = append(v.Lines, linesOf(o))
			}
		}
	}
	return continuityPage(v), nil
}

// paperPDF gives the newest paper pack.
func (c *Console) paperPDF(w http.ResponseWriter, r *http.Request) {
	if c.d.Paper == nil || c.d.Paper().Dir == "" {
		http.Error(w, "No paper pack has been printed. See the page Continuity.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/pdf")
	w.Header().Set("Content-Disposition", `attachment; filename="`+report.PaperPDF+`"`)
	w.Header().Set("Cache-Control", "no-store")
	http.ServeFile(w, r, filepath.Join(c.d.Paper().Dir, report.PaperPDF))
}

// linesOf draws the medians of one terminal from the start until it is as usual,
// a week at least.
func linesOf(o *continuity.Outcome) terminalLines {
	hours := min(len(o.Curves.Moved), max(168, int(o.Normal.High)+24))
	draw := func(values []float64, most float64) string {
		var b strings.Builder
		for h := 0; h < hours && h < len(values); h++ {
			op := "L"
			if h == 0 {
				op = "M"
			}
			fmt.Fprintf(&b, "%s%.1f %.1f", op, 600*float64(h)/float64(hours), 118-116*values[h]/max(most, 1e-9))
		}
		return b.String()
	}
	quay := max(slices.Max(append([]float64{0}, o.Curves.Usual...)), slices.Max(append([]float64{0}, o.Curves.Moved...)))
	l := terminalLines{O: o, Moved: draw(o.Curves.Moved, quay), Usual: draw(o.Curves.Usual, quay),
		Late:    draw(o.Curves.Due, slices.Max(append([]float64{1}, o.Curves.Due...))),
		Waiting: draw(o.Curves.Waiting, slices.Max(append([]float64{1}, o.Curves.Waiting...)))}
	for d := 0; d*24 <= hours; d += max(1, int(math.Ceil(float64(hours)/24/8))) {
		l.Days = append(l.Days, report.Tick{At: 600 * float64(d) * 24 / float64(hours), Text: fmt.Sprintf("day %d", d)})
	}
	return l
}

// band writes the three figures of a simulation.
func bandWords(b continuity.Band) string { return risk.Between(b.Low, b.Mid, b.High) }

// outcomeRows are the figures of a terminal that are not zero.
func outcomeRows(p *port.Port, o *continuity.Outcome) (rows [][2]string) {
	for _, x := range o.Figures(p.Identity.Currency) {
		rows = append(rows, [2]string{x.Name, bandWords(x.Band) + " " + x.Unit})
	}
	return rows
}

// bearableWords is how long a service may be away.
func bearableWords(hours float64) string {
	if hours == 0 {
		return "not declared"
	}
	return risk.Digits(hours) + " h"
}

// moreDown are the asked ids that the list of services does not hold.
func moreDown(v continuityView) string {
	var rest []string
	for i, id := range v.Down {
		if i > 0 || v.P.Service(id) == nil {
			rest = append(rest, id)
		}
	}
	return strings.Join(rest, ", ")
}

func byHandWords(s *port.Service) string {
	switch {
	case s.Manual == nil:
		return "not declared"
	case s.Manual.Fraction == 0:
		return "none"
	}
	text := fmt.Sprintf("%s after %s h, %d people", risk.Percent(s.Manual.Fraction), risk.Digits(s.Manual.RampHours), s.Manual.Staff)
	if s.Manual.LimitHours > 0 {
		text += fmt.Sprintf(", for %s h", risk.Digits(s.Manual.LimitHours))
	}
	return text
}

func objectiveWords(s *port.Service) string {
	if s.Recovery == nil || s.Recovery.RTOHours == 0 {
		return "none declared"
	}
	return risk.Digits(s.Recovery.RTOHours) + " h"
}

// partyList names parties for people.
func partyList(p *port.Port, ids []string) string {
	var names []string
	for _, id := range ids {
		if q := p.Party(id); q != nil && q.Name != "" {
			id = q.Name
		}
		names = append(names, id)
	}
	return strings.Join(names, ", ")
}

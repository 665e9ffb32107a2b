package report

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Walk is one way of an attacker, drawn over the Purdue levels: a lane a level, one
// for places on site, one for everything outside, and the steps from left to right.
type Walk struct {
	Title string
	Steps []WalkStep
	Bare  bool // without the steps in words below: they stand beside the drawing
}

// WalkStep is where a step ends.
type WalkStep struct {
	Lane   int // of lanes
	Place  string
	Zone   string
	Text   string
	Unsure bool // rests on something that nobody has seen
}

// The lanes, from outside to the machines; the last two are no levels.
var (
	laneNames  = []string{"Outside", "Level 5", "Level 4", "Level 3.5", "Level 3", "Level 2", "Level 1", "Level 0", "On site", "Services"}
	laneLevels = []float64{5, 4, 3.5, 3, 2, 1, 0}
)

const (
	siteLane    = 8
	serviceLane = 9
)

// WalkOf places the steps of a way.
func WalkOf(p *port.Port, title string, way *attackgraph.Path) *Walk {
	w := &Walk{Title: title}
	for i := range way.Moves {
		m := &way.Moves[i]
		s := place(p, m)
		s.Text = m.Text
		s.Unsure = slices.ContainsFunc(m.Evidence, func(e attackgraph.Support) bool { return e.Unsure })
		w.Steps = append(w.Steps, s)
	}
	return w
}

// place is where a move ends: at an asset, in a zone, in an area, or, for a service,
// with what it stands on; what is none of these is outside.
func place(p *port.Port, m *attackgraph.Move) WalkStep {
	for _, ids := range [][]string{m.Gains.Args, m.Things} {
		for _, id := range ids {
			if a := p.Asset(id); a != nil {
				s := zoneStep(p, a.Zone)
				if s.Lane == 0 && a.Area != "" {
					s.Lane = siteLane
				}
				s.Place = cmp.Or(a.Name, id)
				return s
			}
		}
		for _, id := range ids {
			if z := p.Zone(id); z != nil {
				s := zoneStep(p, id)
				s.Place, s.Zone = s.Zone, ""
				return s
			}
		}
		for _, id := range ids {
			if a := p.Area(id); a != nil {
				return WalkStep{Lane: siteLane, Place: cmp.Or(a.Name, id)}
			}
		}
		for _, id := range ids {
			if v := p.Service(id); v != nil {
				return WalkStep{Lane: serviceLane, Place: cmp.Or(v.Name, id)}
			}
			// A part of what a service needs: its id with the place in the tree.
			if v := p.Service(strings.SplitN(id, "/", 2)[0]); v != nil {
				return WalkStep{Lane: serviceLane, Place: cmp.Or(v.Name, v.ID)}
			}
		}
	}
	return WalkStep{Place: strings.Join(m.Gains.Args, ", ")}
}

func zoneStep(p *port.Port, id string) WalkStep {
	z := p.Zone(id)
	if z == nil || z.External {
		return WalkStep{Zone: id}
	}
	return WalkStep{Lane: 1 + slices.Index(laneLevels, z.Level), Zone: cmp.Or(z.Name, id)}
}

// Size of the drawing, in its own units.
const (
	walkLeft, walkStep, walkLane = 84, 172, 62
	walkBox, walkTall            = 146, 40
)

// WriteSVG draws the way. The drawing takes its colour from whatever is around it
// (currentColor), has no script and no style, and, unless Bare, ends with its steps in words. The
// same way gives the same bytes.
func (w *Walk) WriteSVG(out io.Writer) error {
	var b strings.Builder
	boxes := w.boxes()
	wide := walkLeft + walkStep*max(1, len(boxes)) + 10
	rows, names := w.rows()
	high := walkLane * len(names)
	steps := w.Steps
	if w.Bare {
		steps = nil
	}
	all := high + 30*min(1, len(steps)) + 16*len(steps)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s" font-family="system-ui, sans-serif" font-size="12" fill="currentColor" class="walk">`, wide, all, wide, all, html.EscapeString(w.Title+"; the steps are written below"))
	fmt.Fprintf(&b, "<title>%s</title>", html.EscapeString(w.Title))
	b.WriteString(`<defs><marker id="walk-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="currentColor"/></marker></defs>`)
	for i, name := range names {
		y := i * walkLane
		if i%2 == 0 {
			fmt.Fprintf(&b, `<rect x="0" y="%d" width="%d" height="%d" fill-opacity="0.05"/>`, y, wide, walkLane)
		}
		fmt.Fprintf(&b, `<text x="10" y="%d" fill-opacity="0.7">%s</text>`, y+walkLane/2+4, name)
	}
	at := func(i int) (x, y int) {
		return walkLeft + i*walkStep, rows[boxes[i].Lane]*walkLane + (walkLane-walkTall)/2
	}
	for i := 1; i < len(boxes); i++ {
		x1, y1 := at(i - 1)
		x2, y2 := at(i)
		dash := ""
		if boxes[i].Unsure {
			dash = ` stroke-dasharray="5 4"`
		}
		fmt.Fprintf(&b, `<path d="M%d %dC%d %d %d %d %d %d" fill="none" stroke="currentColor" stroke-width="1.6"%s marker-end="url(#walk-arrow)"/>`,
			x1+walkBox, y1+walkTall/2, x1+walkBox+18, y1+walkTall/2, x2-18, y2+walkTall/2, x2-2, y2+walkTall/2, dash)
	}
	for i, s := range boxes {
		x, y := at(i)
		dash := ""
		if s.Unsure {
			dash = ` stroke-dasharray="5 4"`
		}
		fmt.Fprintf(&b, `<g><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="5" fill="none" stroke="currentColor" stroke-width="1.4"%s/>`, html.EscapeString(s.Text), x, y, walkBox, walkTall, dash)
		fmt.Fprintf(&b, `<text x="%d" y="%d" font-weight="600">%s</text><text x="%d" y="%d" fill-opacity="0.7" font-size="11">%s</text></g>`,
			x+7, y+16, html.EscapeString(short(s.Place, 17)), x+7, y+31, html.EscapeString(short(s.steps()+s.Zone, 22)))
	}
	for i, s := range steps {
		unseen := ""
		if s.Unsure {
			unseen = " (rests on something that nobody has seen)"
		}
		fmt.Fprintf(&b, `<text x="10" y="%d">%d. %s</text>`, high+24+16*i, i+1, html.EscapeString(s.Text+unseen))
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(out, b.String())
	if err != nil {
		return fmt.Errorf("drawing the way: %w", err)
	}
	return nil
}

// walkBoxes are steps that end at one place, one after the other.
type walkBoxes struct {
	WalkStep
	first, last int // numbers of the steps
}

func (b *walkBoxes) steps() string {
	text := fmt.Sprintf("step %d", b.first)
	if b.last > b.first {
		text = fmt.Sprintf("steps %d to %d", b.first, b.last)
	}
	if b.Zone != "" {
		text += ", "
	}
	return text
}

// rows are the lanes that are drawn: those in use, and the levels between them.
func (w *Walk) rows() (row map[int]int, names []string) {
	used := map[int]bool{}
	first, last := len(laneLevels)+1, 0
	for _, s := range w.Steps {
		used[s.Lane] = true
		if s.Lane >= 1 && s.Lane <= len(laneLevels) {
			first, last = min(first, s.Lane), max(last, s.Lane)
		}
	}
	row = map[int]int{}
	for lane, name := range laneNames {
		if used[lane] || lane >= first && lane <= last {
			row[lane] = len(names)
			names = append(names, name)
		}
	}
	return row, names
}

// boxes joins the steps that end at one place.
func (w *Walk) boxes() (out []walkBoxes) {
	for i, s := range w.Steps {
		if n := len(out); n > 0 && out[n-1].Lane == s.Lane && out[n-1].Place == s.Place {
			b := &out[n-1]
			b.last, b.Unsure, b.Text = i+1, b.Unsure || s.Unsure, b.Text+"; "+s.Text
			continue
		}
		out = append(out, walkBoxes{s, i + 1, i + 1})
	}
	return out
}

// short cuts a text to so many characters, and shows that.
func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

package console

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// The drawing of the map on the server: what is seen while the map loads, where
// the browser has no WebGL, and on paper.
const (
	chartW, chartH = 840.0, 520.0 // user units
	chartVessels   = 250
	chartStep      = 2.0 // user units: shorter pieces of a wake can't be seen
)

// chart is the map as shapes in a box of chartW by chartH.
type chart struct {
	Label  string
	Land   []shape
	Waters []shape
	Areas  []shape
	Alarms []shape // areas that findings are about
	Wakes  []string
	Ships  []shipShape
	Marks  []markShape
	Walk   string
	Hops   []label
	Names  []label
}

type shape struct{ Path, Class, Name string }

type shipShape struct{ Shape, Transform, Class, Name, Href string }

type markShape struct {
	X, Y                       string
	Kind, Severity, Name, Href string
}

type label struct {
	X, Y, Text string
	End        bool // set to the left of the point
}

// projection maps degrees to user units: equirectangular about the middle of
// the box, which is true enough over a port (error below 0.1 % at 20 km).
type projection struct{ lon, lat, k, scale float64 }

func newProjection(b box) projection {
	p := projection{lon: (b[0] + b[2]) / 2, lat: (b[1] + b[3]) / 2}
	p.k = math.Cos(p.lat * math.Pi / 180)
	w, h := max((b[2]-b[0])*p.k, 1e-6), max(b[3]-b[1], 1e-6)
	p.scale = min(chartW*0.92/w, chartH*0.92/h)
	return p
}

func (p projection) xy(pt port.Point) (x, y float64) {
	return chartW/2 + (pt[0]-p.lon)*p.k*p.scale, chartH/2 - (pt[1]-p.lat)*p.scale
}

func (p projection) at(pt port.Point) (x, y string) {
	fx, fy := p.xy(pt)
	return string(appendDecimal(nil, fx, 1)), string(appendDecimal(nil, fy, 1))
}

func (p projection) path(points []port.Point, closed bool) string {
	b := make([]byte, 0, 12*len(points)+1)
	for i, pt := range points {
		x, y := p.xy(pt)
		b = append(b, "ML"[min(i, 1)])
		b = append(appendDecimal(b, x, 1), ' ')
		b = appendDecimal(b, y, 1)
	}
	if closed && len(points) > 0 {
		b = append(b, 'Z')
	}
	return string(b)
}

// chart draws the port, its vessels, the marks, and the walk of the selected finding.
func (c *Console) chart(page finding.Page, sel *finding.Finding) (chart, string) {
	g := c.ports.of(c.d.Port())
	pr, out := g.projection, g.drawn
	out.Label = "Map of " + g.port.Identity.Name
	out.Names = slices.Clone(out.Names) // some are taken out, as the walk asks
	pic := c.d.Vessels()
	near, all := nearest(pic, g.port.Identity.Centre, chartVessels)
	for _, t := range near {
		out.ship(pr, t, pic.AsOf)
	}
	id := ""
	if sel != nil {
		id = sel.ID
	}
	marks, walk := marksAndWalk(g.port, page, id)
	for _, m := range marks {
		x, y := pr.at(m.at)
		if len(m.outline) > 2 {
			out.Alarms = append(out.Alarms, shape{pr.path(m.outline, true), "alarm-area " + m.severity, m.name})
		}
		out.Marks = append(out.Marks, markShape{x, y, m.kind, m.severity, m.name, "/findings/" + m.id})
	}
	var line []port.Point
	for i, h := range walk {
		x, y := pr.at(h.at)
		out.Hops = append(out.Hops, label{x, y, h.name, i%2 == 1})
		line = append(line, h.at)
	}
	if len(line) > 1 {
		out.Walk = pr.path(line, false)
	}
	out.unclutter()
	return out, c.mapNote(pic, min(all, mapVessels), all)
}

// unclutter drops names that would lie on a stop of the walk or on a name that
// came before: waters come first, since ships are looked for there. Sizes are
// those of the type in user units, near enough to tell what overlaps.
func (ch *chart) unclutter() {
	const wide, high = 5.6, 13.0
	type span struct{ x, y, half float64 }
	var taken []span
	at := func(l label) (x, y float64) {
		x, _ = strconv.ParseFloat(l.X, 64) // written by projection.at
		y, _ = strconv.ParseFloat(l.Y, 64)
		return x, y
	}
	for _, h := range ch.Hops {
		x, y := at(h)
		half := (float64(len(h.Text))*wide + 20) / 2
		if h.End {
			x -= half
		} else {
			x += half
		}
		taken = append(taken, span{x, y, half + 6}, span{x, y + high, half + 6})
	}
	ch.Names = slices.DeleteFunc(ch.Names, func(l label) bool {
		x, y := at(l)
		half := float64(len(l.Text)) * wide / 2
		if slices.ContainsFunc(taken, func(s span) bool { return math.Abs(s.x-x) < s.half+half && math.Abs(s.y-y) < high }) {
			return true
		}
		taken = append(taken, span{x, y, half})
		return false
	})
}

func (ch *chart) declared(p *port.Port, pr projection) {
	for _, l := range p.Land {
		class := "land"
		if l.Kind != "land" {
			class = "land quay"
		}
		ch.Land = append(ch.Land, shape{pr.path(l.Shape, true), class, l.Name})
	}
	for _, w := range p.Waters {
		ch.Waters = append(ch.Waters, shape{pr.path(w.Shape, true), "water", w.Name})
		if w.Kind != "berth" {
			ch.name(pr, w.Name, w.Shape)
		}
	}
	for _, a := range p.Areas {
		class := "area"
		if a.Restricted {
			class = "area restricted"
		}
		ch.Areas = append(ch.Areas, shape{pr.path(a.Perimeter, true), class, a.Name})
		if a.Inside == "" && len(a.Perimeter) > 0 {
			ch.name(pr, a.Name, a.Perimeter)
		}
	}
}

func (ch *chart) name(pr projection, text string, r port.Ring) {
	x, y := pr.at(centroid(r))
	ch.Names = append(ch.Names, label{X: x, Y: y, Text: text})
}

func (ch *chart) ship(pr projection, t *vessel.Track, asOf time.Time) {
	x, y := pr.xy(port.Point{t.Lon, t.Lat})
	if x < -20 || y < -20 || x > chartW+20 || y > chartH+20 {
		return
	}
	turn := float64(bearing(*t))
	class, mark := "vessel", "#s-ship"
	switch {
	case len(t.Findings) > 0:
		class += " doubt"
	case vesselIcon(*t, asOf) == "ship-silent":
		class += " silent"
	case t.Kind == "aid" || t.Kind == "base-station":
		class, mark = class+" aid", "#s-aid"
	}
	if math.IsNaN(turn) {
		turn = 0
	}
	ch.Ships = append(ch.Ships, shipShape{mark, turned(x, y, turn), class, trackName(*t), "/vessels/" + trackID(*t)})
	wake := wakeOf(t, chartStep/pr.scale)
	if len(wake) > 0 {
		ch.Wakes = append(ch.Wakes, pr.path(append(wake, port.Point{t.Lon, t.Lat}), false))
	}
}

// turned is where a ship lies in the drawing and how it is turned, in degrees.
func turned(x, y, turn float64) string {
	b := appendDecimal([]byte("translate("), x, 1)
	b = appendDecimal(append(b, ' '), y, 1)
	b = strconv.AppendInt(append(b, ") rotate("...), int64(math.Round(turn)), 10)
	return string(append(b, ')'))
}

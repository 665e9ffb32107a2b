package console

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

const vesselRows = 100

// vesselsView is the table of vessels.
type vesselsView struct {
	frame
	Rows       []vessel.Track
	All, Total int
	Text, Kind string
	Sort       string // column, "" as usual: findings first
	From       int
	Next       string
	Pic        vessel.Picture
}

var vesselKinds = []choice{{"", "all"}, {"ship", "ships"}, {"findings", "with findings"}, {"base-station", "base stations"}, {"aid", "aids to navigation"}, {"unknown", "of unknown kind"}}

func (c *Console) vessels(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	q := r.URL.Query()
	v := vesselsView{Pic: c.d.Vessels(), Text: strings.ToLower(strings.TrimSpace(q.Get("q"))), Kind: q.Get("kind"), Sort: known(q.Get("sort"), vesselOrders)}
	if n, err := strconv.Atoi(q.Get("from")); err == nil && n > 0 {
		v.From = n
	}
	v.All = len(v.Pic.Tracks)
	var hit []int
	for i := range v.Pic.Tracks {
		if v.takes(&v.Pic.Tracks[i]) {
			hit = append(hit, i)
		}
	}
	t := v.Pic.Tracks
	slices.SortStableFunc(hit, func(a, b int) int { return min(len(t[b].Findings), 1) - min(len(t[a].Findings), 1) })
	if by := vesselOrders[v.Sort]; by != nil {
		slices.SortStableFunc(hit, func(a, b int) int { return by(&t[a], &t[b]) })
	}
	v.Total = len(hit)
	for i := v.From; i < min(v.From+vesselRows, len(hit)); i++ {
		v.Rows = append(v.Rows, t[hit[i]])
	}
	if v.From+len(v.Rows) < v.Total {
		v.Next = v.address(v.From + len(v.Rows))
	}
	v.frame = c.frame(r, "Vessels", "vessels")
	if fragment(r) {
		return vesselsTable(v), nil
	}
	return vesselsPage(v), nil
}

func (v vesselsView) takes(t *vessel.Track) bool {
	switch v.Kind {
	case "":
	case "findings":
		if len(t.Findings) == 0 {
			return false
		}
	default:
		if t.Kind != v.Kind {
			return false
		}
	}
	return v.Text == "" || strings.Contains(strings.ToLower(t.Name), v.Text) || strings.Contains(trackID(*t), v.Text) ||
		strings.Contains(strings.ToLower(t.CallSign), v.Text) || strings.Contains(strings.ToLower(t.Destination), v.Text)
}

func (v vesselsView) address(from int) string {
	q := url.Values{}
	if v.Text != "" {
		q.Set("q", v.Text)
	}
	if v.Kind != "" {
		q.Set("kind", v.Kind)
	}
	if v.Sort != "" {
		q.Set("sort", v.Sort)
	}
	if from > 0 {
		q.Set("from", strconv.Itoa(from))
	}
	if len(q) == 0 {
		return "/vessels"
	}
	return "/vessels?" + q.Encode()
}

// vesselView is one vessel with its path.
type vesselView struct {
	frame
	T        vessel.Track
	Others   []vessel.Track // other hulls under the same MMSI
	Chart    chart
	Findings []finding.Finding
	Speeds   speeds
	Gaps     []gap
}

// gap is a time in which a vessel was not heard.
type gap struct {
	From, To time.Time
	Miles    float64 // nautical, from the last place before to the first after
}

// longGap is what the page shows: the kept path has a place each ten minutes
// where a vessel lies still, so anything longer was silence.
const longGap = 10*time.Minute + 30*time.Second

func gapsOf(t *vessel.Track) []gap {
	var out []gap
	fixes := append(slices.Clone(t.Past), t.Fix)
	for i := 1; i < len(fixes); i++ {
		a, b := &fixes[i-1], &fixes[i]
		if b.Time.Sub(a.Time) <= longGap {
			continue
		}
		dx, dy := (b.Lon-a.Lon)*math.Cos(a.Lat*math.Pi/180), b.Lat-a.Lat
		out = append(out, gap{a.Time, b.Time, 60 * math.Hypot(dx, dy)})
	}
	slices.Reverse(out)
	return out[:min(len(out), 20)]
}

// speeds is the speed over ground along the kept path.
type speeds struct {
	Points   [][2]float64 // seconds from the first, knots
	From, To time.Time
	Words    string
}

func speedsOf(t *vessel.Track) speeds {
	var s speeds
	most := 0.0
	for _, f := range append(slices.Clone(t.Past), t.Fix) {
		if f.SOG != f.SOG || f.Time.IsZero() {
			continue
		}
		if s.From.IsZero() {
			s.From = f.Time
		}
		s.To = f.Time
		s.Points = append(s.Points, [2]float64{f.Time.Sub(s.From).Seconds(), float64(f.SOG)})
		most = max(most, float64(f.SOG))
	}
	s.Words = "up to " + strconv.FormatFloat(most, 'f', 1, 64) + " kn"
	return s
}

// Line is the points of the drawing, 400 by 90.
func (s speeds) Line() string {
	long, most := max(s.To.Sub(s.From).Seconds(), 1), 1.0
	for _, p := range s.Points {
		most = max(most, p[1])
	}
	var b strings.Builder
	for _, p := range s.Points {
		b.WriteString(strconv.FormatFloat(400*p[0]/long, 'f', 1, 64) + "," + strconv.FormatFloat(86-82*p[1]/most, 'f', 1, 64) + " ")
	}
	return strings.TrimSpace(b.String())
}

func (c *Console) vessel(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	id := r.PathValue("id")
	v := vesselView{}
	found := false
	for _, t := range c.d.Vessels().Tracks {
		switch {
		case trackID(t) == id || strconv.Itoa(int(t.MMSI)) == id && t.Hull == 0:
			v.T, found = t, true
		case strings.HasPrefix(trackID(t), strings.SplitN(id, "-", 2)[0]):
			v.Others = append(v.Others, t)
		}
	}
	if !found {
		return nil, problem{http.StatusNotFound, "No such vessel", "Nothing is heard under that MMSI now."}
	}
	if len(c.domains(r.Context(), identity.ViewFindings)) > 0 {
		for _, f := range v.T.Findings {
			if got, err := c.d.Desk.Get(r.Context(), f); err == nil && c.mayOn(r.Context(), identity.ViewFindings, got) {
				v.Findings = append(v.Findings, got)
			}
		}
	}
	v.Speeds, v.Gaps = speedsOf(&v.T), gapsOf(&v.T)
	v.Chart = trackChart(c.ports.of(c.d.Port()), v.T, c.d.Vessels().AsOf)
	v.frame = c.frame(r, trackName(v.T), "vessels")
	return vesselPage(v), nil
}

// trackChart draws the path of one vessel over the port, scaled to the path.
func trackChart(g *geoPort, t vessel.Track, asOf time.Time) chart {
	var b box
	for _, f := range append(slices.Clone(t.Past), t.Fix) {
		if !math.IsNaN(f.Lat) && !math.IsNaN(f.Lon) {
			b.add(port.Point{f.Lon, f.Lat})
		}
	}
	if b == (box{}) {
		b = g.box
	}
	const least = 0.01 // degrees: a moored ship is shown with its berth
	for i := range 2 {
		if grow := (least - (b[i+2] - b[i])) / 2; grow > 0 {
			b[i], b[i+2] = b[i]-grow, b[i+2]+grow
		}
	}
	out := chart{Label: "Path of " + trackName(t)}
	pr := newProjection(b)
	out.declared(g.port, pr)
	if !math.IsNaN(t.Lat) && !math.IsNaN(t.Lon) {
		out.ship(pr, &t, asOf)
		x, y := pr.at(port.Point{t.Lon, t.Lat})
		out.Names = append(out.Names, label{X: x, Y: y})
	}
	return out
}

// navStatus is the navigational status in words (ITU-R M.1371-5 table 45).
func navStatus(n int8) string {
	names := []string{"under way using engine", "at anchor", "not under command", "restricted manoeuvrability", "constrained by draught", "moored", "aground", "fishing", "under way sailing"}
	switch {
	case n >= 0 && int(n) < len(names):
		return names[n]
	case n == 11:
		return "towing astern"
	case n == 12:
		return "pushing ahead or towing alongside"
	case n == 14:
		return "AIS-SART or other distress device active"
	}
	return "–"
}

package console

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// spans are the windows of the timeline that can be chosen.
var spans = []struct {
	Name string
	Long time.Duration
	Step time.Duration // between the times on the axis
}{
	{"30 min", 30 * time.Minute, 5 * time.Minute},
	{"2 h", 2 * time.Hour, 30 * time.Minute},
	{"12 h", 12 * time.Hour, 2 * time.Hour},
	{"48 h", 48 * time.Hour, 6 * time.Hour},
}

const (
	defaultSpan = 1
	lineBuckets = 120 // of activity, at the most
	pinGap      = 3.2 // percent of the window: marks nearer than this stand as one with a number
	linePins    = 160 // facts drawn at most, of the most serious findings first
)

// timeline is the converged timeline: one lane a world, activity below, the
// facts of findings above, and a line through the facts of one finding.
type timeline struct {
	From, To time.Time
	Lanes    []lane
	Links    []lineLink
	Pins     []pin
	Ticks    []tick
	Spans    []spanChoice
	Asked    bool // the reader chose the window
	Counted  bool // activity is known
	More     int  // facts left out
}

// lane is one world. Y runs from 0 at the top of the lanes to 100.
type lane struct {
	Domain finding.Domain
	Y      string // centre
	Base   string // bottom rule
	Known  bool   // some source counts activity here
	Bars   []bar
}

// bar is the activity of one bucket.
type bar struct{ X, Y, W, H string }

// pin is one fact. X is in percent of the window.
type pin struct {
	X, Y     string
	Kind     string // shape
	Severity string
	Selected bool
	ID       string
	Words    string
	Label    string // short, for the fact under the pointer or the focus
	LabelEnd bool   // the label stands left of the mark
	Count    int    // facts that this mark stands for
	x        float64
}

// lineLink is the stroke through the facts of one finding, as the data of an
// SVG path in a box of 1000 by 100.
type lineLink struct {
	Path     string
	Severity string
	Selected bool
}

type tick struct{ X, Text string }

type spanChoice struct {
	Index   int
	Name    string
	Current bool
}

func percent(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) + "%" }

// timeline draws the last hours. Facts come from the open findings (and those
// shelved or resolved within the window), most serious first.
func (c *Console) timeline(r *http.Request, v alarmView) (timeline, error) {
	choice := spanOf(v)
	asked := false
	if n, err := strconv.Atoi(r.URL.Query().Get("span")); err == nil && n >= 0 && n < len(spans) {
		choice, asked = n, true
	}
	to := v.Now
	t := timeline{From: to.Add(-spans[choice].Long), To: to, Asked: asked}
	for i, s := range spans {
		t.Spans = append(t.Spans, spanChoice{i, s.Name, i == choice})
	}
	t.Ticks = ticks(t.From, t.To, spans[choice].Step)
	if err := c.fillLanes(r, &t); err != nil {
		return t, err
	}
	page, err := c.d.Desk.List(r.Context(), c.allowedQuery(r, finding.Query{Since: t.From, Limit: 100}))
	if err != nil {
		return t, err
	}
	for _, row := range fold(page.Findings) { // the facts of a link are the facts of its chain
		t.add(v.Port, row.Finding, v.Selected != nil && row.ID == v.Selected.ID)
	}
	t.cluster()
	slices.SortStableFunc(t.Pins, func(a, b pin) int { return order(a.Selected) - order(b.Selected) }) // the selected on top
	return t, nil
}

func order(selected bool) int {
	if selected {
		return 1
	}
	return 0
}

// spanOf is the shortest window that holds the selected finding whole, so that
// an attack is seen as one stroke; the usual one where that says nothing.
func spanOf(v alarmView) int {
	if v.Selected == nil || len(v.Selected.Facts) == 0 {
		return defaultSpan
	}
	age := v.Now.Sub(v.Selected.Facts[0].Time)
	for i, s := range spans {
		if age < s.Long*9/10 {
			return i
		}
	}
	return defaultSpan
}

// cluster joins marks of one lane and shape that would lie on each other into
// one with a number. The marks of the selected finding stay apart.
func (t *timeline) cluster() {
	slices.SortStableFunc(t.Pins, func(a, b pin) int { return cmp.Compare(a.x, b.x) })
	type place struct{ lane, kind, severity string }
	last := map[place]int{}
	var out []pin
	for _, p := range t.Pins {
		k := place{p.Y, p.Kind, p.Severity}
		if i, ok := last[k]; ok && !p.Selected && p.x-out[i].x < pinGap {
			out[i].Count++
			if out[i].Count <= 6 {
				out[i].Words += "\n" + p.Words
			}
			continue
		}
		if !p.Selected {
			last[k] = len(out)
		}
		out = append(out, p)
	}
	t.Pins = out
}

// laneY is the centre of a world's lane in percent, -1 for an unknown one.
func laneY(d finding.Domain) float64 {
	i := slices.Index(lanes, d)
	if i < 0 {
		return -1
	}
	return (float64(i) + 0.5) * 100 / float64(len(lanes))
}

func (t *timeline) x(at time.Time) float64 {
	return float64(at.Sub(t.From)) / float64(t.To.Sub(t.From)) * 100
}

// fillLanes draws activity as bars whose height grows with the logarithm of the count.
func (c *Console) fillLanes(r *http.Request, t *timeline) error {
	var counts map[finding.Domain][]int
	// Activity is kept by the minute: finer buckets would be empty three times out of four.
	buckets := max(1, min(lineBuckets, int(t.To.Sub(t.From)/time.Minute)))
	if c.d.Activity != nil {
		var err error
		if counts, err = c.d.Activity.Activity(r.Context(), t.From, t.To, buckets); err != nil {
			return fmt.Errorf("activity of the timeline: %w", err)
		}
		t.Counted = true
	}
	height := 100 / float64(len(lanes))
	for i, d := range lanes {
		row, known := counts[d]
		l := lane{Domain: d, Y: percent(laneY(d)), Base: percent(float64(i+1) * height), Known: known || c.d.Activity == nil}
		most := 1.0
		for _, n := range row {
			most = max(most, math.Log1p(float64(n)))
		}
		for j, n := range row {
			if n > 0 {
				h := math.Log1p(float64(n)) / most * height * 0.42
				l.Bars = append(l.Bars, bar{percent(float64(j) * 100 / float64(buckets)), percent(float64(i+1)*height - h), percent(82.0 / float64(buckets)), percent(h)})
			}
		}
		t.Lanes = append(t.Lanes, l)
	}
	return nil
}

// add puts the facts of a finding on the lanes and a stroke through them.
func (t *timeline) add(names *port.Port, f finding.Finding, selected bool) {
	var stroke string
	px, py := -1.0, -1.0
	joined := 0
	for i, fact := range f.Facts {
		y, x := laneY(fact.Domain), t.x(fact.Time)
		if y < 0 || x < 0 || x > 100 {
			continue
		}
		if len(t.Pins) >= linePins && !selected {
			t.More++
			continue
		}
		t.Pins = append(t.Pins, pin{
			x: x, Count: 1, Label: fact.Time.UTC().Format("15:04:05 ") + shorten(plain(names, f, fact.Text), 56), LabelEnd: x > 55,
			X: percent(x), Y: percent(y), Kind: markKind(f), Severity: severityClass(f), Selected: selected, ID: f.ID,
			Words: fmt.Sprintf("%s UTC, %s: %s (fact %d of “%s”)", fact.Time.UTC().Format("15:04:05"), domainNames[fact.Domain], fact.Text, i+1, f.Title),
		})
		if px < 0 {
			stroke = fmt.Sprintf("M%.1f %.1f", x*10, y)
		} else {
			bend := (x*10 - px*10) / 2
			stroke += fmt.Sprintf("C%.1f %.1f %.1f %.1f %.1f %.1f", px*10+bend, py, x*10-bend, y, x*10, y)
			joined++
		}
		px, py = x, y
	}
	if joined > 0 {
		t.Links = append(t.Links, lineLink{stroke, severityClass(f), selected})
	}
}

// shorten cuts a text to at most n characters at a word.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	cut := string(r[:n])
	if i := strings.LastIndexByte(cut, ' '); i > 0 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,:;") + "…"
}

// ticks are the times on the axis, on round minutes.
func ticks(from, to time.Time, step time.Duration) []tick {
	var out []tick
	whole := float64(to.Sub(from))
	for at := from.UTC().Truncate(step).Add(step); at.Before(to); at = at.Add(step) {
		x := float64(at.Sub(from)) / whole * 100
		if x > 95 {
			break // "now" stands there
		}
		text := at.Format("15:04")
		if step >= 2*time.Hour && at.Hour() == 0 {
			text = at.Format("2 Jan")
		}
		out = append(out, tick{percent(x), text})
	}
	return out
}

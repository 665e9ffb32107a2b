package console

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/server"
	"github.com/quaywatch/quaywatch/internal/watch/health"
)

// sourcesView is how every source stands.
type sourcesView struct {
	frame
	Pic   health.Picture
	Live  int
	Feeds []server.FeedStatus
}

func (c *Console) sources(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v := sourcesView{Pic: c.d.Health()}
	v.Pic.Sources = slices.Clone(v.Pic.Sources)
	slices.SortStableFunc(v.Pic.Sources, func(a, b health.Source) int {
		return slices.Index(urgency, a.Status) - slices.Index(urgency, b.Status)
	})
	for _, s := range v.Pic.Sources {
		if s.Status == health.Live {
			v.Live++
		}
	}
	if c.d.Feeds != nil {
		v.Feeds = c.d.Feeds()
	}
	v.frame = c.frame(r, "Sources", "sources")
	if fragment(r) {
		return sourcesBody(v), nil
	}
	return sourcesPage(v), nil
}

// feedMode says what becomes of a doubted position.
func feedMode(mode string) string {
	if mode == "drop" {
		return "left out"
	}
	return "marked"
}

// feedDelay is how late a report goes out, "–" before the first.
func feedDelay(f server.FeedStatus) string {
	if f.Sent == 0 {
		return dash("")
	}
	return driftSpan(time.Duration(f.DelayP99 * float64(time.Second)))
}

// statusClass colours a status; the word stands beside it.
func statusClass(s health.Status) string {
	switch s {
	case health.Live:
		return "ok"
	case health.Ended:
		return "quiet"
	case health.Waiting:
		return "doubt"
	}
	return "bad"
}

func statusShape(s health.Status) string {
	switch s {
	case health.Live:
		return "●"
	case health.Ended:
		return "■"
	case health.Waiting:
		return "◌"
	}
	return "▲"
}

// driftWords says how a source's clock stands; a drift of seconds shifts evidence.
func driftWords(s health.Source) string {
	if !s.Health.HasDrift {
		return "not measured"
	}
	d := s.Health.Drift
	sign := "+"
	if d < 0 {
		sign, d = "−", -d
	}
	text := sign + driftSpan(d)
	if s.Health.DriftFrom != "" {
		text += " against " + s.Health.DriftFrom
	}
	return text
}

// driftSpan writes how far a clock is off: milliseconds below a second.
func driftSpan(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	if d < time.Minute {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return span(d)
}

// exampleOf shows the last input that was rejected for a reason.
func exampleOf(r event.Reason) string {
	b := r.Last.Text
	if len(b) == 0 {
		return r.Last.Where()
	}
	return printable(b[:min(len(b), 160)]) + " · " + r.Last.Where()
}

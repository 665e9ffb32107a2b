package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/watch/health"
)

// paletteCookie keeps the palette of the browser.
const paletteCookie = "quaywatch_palette"

var palettes = []string{"day", "dusk", "dark"}

// frame is what every page has around its content.
type frame struct {
	Title    string
	Nav      string // which entry of the rail is current
	Port     string
	Level    int    // ISPS security level, 0 where none is declared
	Zone     string // IANA time zone of the port
	Local    string // its time, "16:32 local · 23 Nov"
	Now      time.Time
	User     string
	Role     string
	Palette  string
	Next     string // palette after this one
	Exercise string // name of the exercise or demo, "" for real data
	Path     string // of this page, to come back to
	Style    string
	Script   string
	Map      bool // the page shows the map: load its bundle
	MapStyle string
	MapJS    string
	Since    string // the ages of the live pictures when the page was drawn
	Health   healthChip
	Rail     []railEntry
}

// railEntry is one page of the rail.
type railEntry struct {
	Key, Path, Name, Icon string // Icon is the data of SVG paths
}

var rail = []struct {
	railEntry
	need identity.Action
}{
	{railEntry{"watch", "/", "Watch", "M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14M10 3v14M3 10h14"}, identity.ViewFindings},
	{railEntry{"findings", "/findings", "Findings", "M10 3l7 13H3zM10 8v4M10 14v.5"}, identity.ViewFindings},
	{railEntry{"vessels", "/vessels", "Vessels", "M3 13l2 4h10l2-4zM10 3v9M6 8h8"}, identity.ViewVessels},
	{railEntry{"inventory", "/inventory", "Assets", "M3 4h14v5H3zM3 11h14v5H3zM6 6.5h1M6 13.5h1"}, identity.ViewPort},
	{railEntry{"zones", "/zones", "Zones", "M3 3h6v6H3zM11 11h6v6h-6zM9 6h5v5M6 9v5h5"}, identity.ViewNetwork},
	{railEntry{"attack", "/attack", "Paths", "M4 16a2 2 0 1 0 0-.1M16 4a2 2 0 1 0 0-.1M6 15c6 0 2-9 8-10"}, identity.ViewNetwork},
	{railEntry{"weak", "/weaknesses", "Weak", "M10 3l6 2v5c0 4-3 6-6 7c-3-1-6-3-6-7V5zM10 7v4M10 13v.5"}, identity.ViewNetwork},
	{railEntry{"people", "/people", "People", "M10 4a3 3 0 1 0 0 6a3 3 0 1 0 0-6M4 17c1-5 11-5 12 0"}, identity.ViewPeople},
	{railEntry{"port", "/port", "Port file", "M5 3h7l3 3v11H5zM8 9h4M8 12h4"}, identity.ViewPort},
	{railEntry{"sources", "/sources", "Sources", "M5 15a8 8 0 0 1 0-10M15 5a8 8 0 0 1 0 10M8 12.500a3.500 3.500 0 0 1 0-5M12 7.500a3.500 3.500 0 0 1 0 5"}, identity.ViewSources},
	{railEntry{"risk", "/risk", "Risk", "M3 16c4-1 6-12 14-12M3 16h14M3 4v12"}, identity.ViewReports},
	{railEntry{"continuity", "/continuity", "Stops", "M4 10h4l2-5 2 10 2-5h2"}, identity.ViewReports},
	{railEntry{"board", "/board", "Board", "M5 3h10v14H5zM8 7h4M8 10h4M8 13h2"}, identity.ViewReports},
	{railEntry{"situation", "/situation", "Situation", "M4 16V9M8 16V5M12 16v-5M16 16V7M3 16.500h14"}, identity.ViewReports},
}

// healthChip is the state of the sources in one line.
type healthChip struct {
	Live, Total int
	Worst       string // "live", "warn", "bad", "none"
	Text        string // the most urgent source, in words
}

func (c *Console) frame(r *http.Request, title, nav string) frame {
	p, now := c.d.Port(), c.d.Now()
	f := frame{
		Title: title, Nav: nav, Port: p.Identity.Name, Level: p.Identity.SecurityLevel, Now: now,
		Palette: paletteOf(r), Exercise: c.d.Exercise(), Path: r.URL.RequestURI(), Zone: p.Identity.TimeZone,
		Style: c.assets.URL("style.css"), Script: c.assets.URL("console.js"),
	}
	f.Next = palettes[(slices.Index(palettes, f.Palette)+1)%len(palettes)]
	f.Local = localTime(f.Zone, now)
	if a, ok := identity.From(r.Context()); ok {
		f.User = a.Label()
		if len(a.Roles) > 0 {
			f.Role = a.Roles[0].Label()
		}
	}
	var drawn marks
	drawn.changed(c.d)
	f.Since = drawn.token()
	f.Health = c.healthChip()
	for _, e := range rail {
		if c.may(r, e.need) == nil {
			f.Rail = append(f.Rail, e.railEntry)
		}
	}
	return f
}

func localTime(zone string, now time.Time) string {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		return now.UTC().Format("2 Jan")
	}
	return now.In(loc).Format("15:04 local · 2 Jan")
}

func paletteOf(r *http.Request) string {
	if k, err := r.Cookie(paletteCookie); err == nil && slices.Contains(palettes, k.Value) {
		return k.Value
	}
	return "dark"
}

// setPalette keeps the chosen palette in a cookie and goes back; browsers with
// script set the cookie themselves.
func (c *Console) setPalette(w http.ResponseWriter, r *http.Request) {
	want := r.PostFormValue("palette")
	if !slices.Contains(palettes, want) {
		http.Error(w, "unknown palette: use "+strings.Join(palettes, ", "), http.StatusBadRequest)
		return
	}
	//nolint:gosec // G124: holds a palette, no secret, and the page's script sets it too; Secure wherever the page is
	http.SetCookie(w, &http.Cookie{Name: paletteCookie, Value: want, Path: "/", MaxAge: 31536000, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	http.Redirect(w, r, backTo(r.PostFormValue("back"), "/"), http.StatusSeeOther) //nolint:gosec // G710: backTo lets only paths of this server through (fuzzed)
}

// backTo returns the address if it is a path of this server, else the other one.
func backTo(address, otherwise string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(address, "//") || strings.Contains(address, `\`) {
		return otherwise
	}
	return address
}

// topChips draws the chips of the top bar anew, for the live update.
func (c *Console) topChips(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	return chips(c.frame(r, "", "")), nil
}

// urgency orders the statuses of sources from the worst.
var urgency = []health.Status{health.Failed, health.Silent, health.Waiting, health.Ended, health.Live}

func (c *Console) healthChip() healthChip {
	pic, now := c.d.Health(), c.d.Now()
	chip := healthChip{Total: len(pic.Sources), Worst: "none", Text: "no source is configured: nothing is watched"}
	var worst *health.Source
	for i := range pic.Sources {
		s := &pic.Sources[i]
		if s.Status == health.Live {
			chip.Live++
		}
		if worst == nil || slices.Index(urgency, s.Status) < slices.Index(urgency, worst.Status) {
			worst = s
		}
	}
	if worst == nil {
		return chip
	}
	switch worst.Status {
	case health.Live:
		chip.Worst, chip.Text = "live", ""
	case health.Ended:
		chip.Worst, chip.Text = "warn", fmt.Sprintf("%s read to its end %s ago", worst.ID, ago(now, worst.Since))
	case health.Waiting:
		chip.Worst, chip.Text = "warn", worst.ID+" has told nothing yet"
	default:
		chip.Worst, chip.Text = "bad", fmt.Sprintf("%s %s %s", worst.ID, worst.Status, ago(now, worst.Since))
	}
	return chip
}

// allowedQuery narrows a query to the domains that the reader may see.
func (c *Console) allowedQuery(r *http.Request, q finding.Query) finding.Query {
	may := c.domains(r.Context(), identity.ViewFindings)
	if len(q.Domains) == 0 {
		if len(may) < len(lanes) {
			q.Domains = may
		}
		return q
	}
	q.Domains = slices.DeleteFunc(slices.Clone(q.Domains), func(d finding.Domain) bool { return !slices.Contains(may, d) })
	if len(q.Domains) == 0 {
		q.Domains = []finding.Domain{"none"} // asked only for what is not theirs: nothing
	}
	return q
}

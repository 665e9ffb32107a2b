package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/console/assets"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/health"
	"github.com/quaywatch/quaywatch/internal/watch/network"
	"github.com/quaywatch/quaywatch/internal/watch/physical"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

func get(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestPages: every page answers, says what it is for, and carries the policy.
func TestPages(t *testing.T) {
	c := signedIn(newConsole(t, depsOf(newWorld(t, 250, 200))))
	for path, want := range map[string]string{
		"/":                       "Camera 17 is reaching the terminal operating system",
		"/findings":               "50 of",
		"/findings?state=all":     "206 findings",
		"/findings?q=vendor":      "1 of 1 findings",
		attack:                    "maintenance: no work order",
		attack + "/drawer":        "whole explanation",
		"/inventory":              "265 in the register",
		"/inventory?from=200":     "First page",
		"/inventory?seen=differs": "firmware 3.3.0, register 3.2.1",
		"/inventory?seen=strange": "not in the register",
		"/inventory/cam-17":       "Norrsyn",
		"/hosts/ip:10.50.0.99":    "only asked, never answered",
		"/zones":                  "outside declared conduits",
		"/network":                "by Purdue level",
		"/network?open=cctv":      "10.50.0.99",
		"/zones/cctv/tos":         "It did, and nothing allows all of it",
		"/zones/tos/cctv":         "It may, and firewalls stop it",
		"/zones/internet/tos":     "Nothing allows it, and nothing was seen",
		"/people":                 "No reader of this area was ever heard",
		"/vessels":                "NORDIC HERON",
		"/vessels/212123000":      "45°17.952′N 012°03.840′W",
		"/port":                   "XZSLM",
		"/sources":                "checksum does not match",
		"/sources?":               "tcp://10.30.1.2:10110",
		"/situation":              "does not make situation reports",
	} {
		t.Run(path, func(t *testing.T) {
			w := get(c, path)
			if w.Code != http.StatusOK {
				t.Fatalf("status %d", w.Code)
			}
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("the page does not say %q", want)
			}
			if w.Header().Get("Content-Security-Policy") != console.Policy {
				t.Error("no policy")
			}
			for _, inline := range []string{" style=", "<style", "onclick=", "javascript:", "hx-on"} {
				if strings.Contains(w.Body.String(), inline) {
					t.Errorf("the page holds %q, which its policy forbids", inline)
				}
			}
		})
	}
}

// TestRefusals: what does not exist or is not allowed says so, with the status.
func TestRefusals(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	d.Allowed = func(_ context.Context, a identity.Action, on identity.Resource) bool {
		return a == identity.ViewFindings && slices.Contains(on.Domains, "sea")
	}
	all, sea := signedIn(newConsole(t, depsOf(w))), signedIn(newConsole(t, d))
	for _, c := range []struct {
		name string
		h    http.Handler
		path string
		want int
	}{
		{"unknown page", all, "/nowhere", 404},
		{"unknown finding", all, "/findings/F-NONE", 404},
		{"unknown asset", all, "/inventory/none", 404},
		{"unknown zone", all, "/zones/none/tos", 404},
		{"unknown vessel", all, "/vessels/1", 404},
		{"unknown filter", all, "/findings?state=perhaps", 400},
		{"unknown grade", all, "/findings?grade=sure", 400},
		{"register not for the role", sea, "/inventory", 403},
		{"people not for the role", sea, "/people", 403},
		{"finding of another world", sea, attack, 404},
		{"its own world", sea, "/findings", 200},
	} {
		if got := get(c.h, c.path).Code; got != c.want {
			t.Errorf("%s: %s answers %d, want %d", c.name, c.path, got, c.want)
		}
	}
	if body := get(sea, "/findings").Body.String(); strings.Contains(body, "Camera 17") || !strings.Contains(body, "Anchorage B") {
		t.Error("a reader of the sea sees other worlds, or not the own")
	}
	if body := get(sea, "/findings?domain=ot").Body.String(); !strings.Contains(body, "No finding matches") {
		t.Error("asking for a world that is not theirs shows something")
	}
}

// TestActions: each step with what it needs, and what is refused.
func TestActions(t *testing.T) {
	for _, c := range []struct {
		name string
		form url.Values
		want int
		end  finding.State
	}{
		{"acknowledge", url.Values{"kind": {"acknowledge"}, "revision": {"1"}}, 303, finding.Acknowledged},
		{"changed meanwhile", url.Values{"kind": {"acknowledge"}, "revision": {"7"}}, 409, finding.Active},
		{"shelve", url.Values{"kind": {"shelve"}, "hours": {"2"}, "text": {"drill"}}, 303, finding.Shelved},
		{"shelve without reason", url.Values{"kind": {"shelve"}, "hours": {"2"}}, 422, finding.Active},
		{"shelve for a year", url.Values{"kind": {"shelve"}, "hours": {"8760"}, "text": {"x"}}, 422, finding.Active},
		{"shelve for no number", url.Values{"kind": {"shelve"}, "hours": {"NaN"}, "text": {"x"}}, 422, finding.Active},
		{"resolve", url.Values{"kind": {"resolve"}, "text": {"firmware restored"}}, 303, finding.Resolved},
		{"resolve in silence", url.Values{"kind": {"resolve"}, "text": {"  "}}, 422, finding.Active},
		{"empty comment", url.Values{"kind": {"comment"}}, 422, finding.Active},
		{"unknown step", url.Values{"kind": {"forget"}}, 422, finding.Active},
		{"endless comment", url.Values{"kind": {"comment"}, "text": {strings.Repeat("x", 5000)}}, 422, finding.Active},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 0, 0)
			h := signedIn(newConsole(t, depsOf(w)))
			if got := post(h, attack+"/act", c.form).Code; got != c.want {
				t.Errorf("status %d, want %d", got, c.want)
			}
			mustState(t, w.Desk, c.end)
		})
	}
	w := newWorld(t, 0, 0)
	r := httptest.NewRequest(http.MethodPost, attack+"/act", strings.NewReader("kind=acknowledge"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	rec := httptest.NewRecorder()
	signedIn(newConsole(t, depsOf(w))).ServeHTTP(rec, r)
	if rec.Code != http.StatusForbidden {
		t.Errorf("a step from another site answers %d, want 403", rec.Code)
	}
	mustState(t, w.Desk, finding.Active)
}

func post(h http.Handler, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestActInDrawer: a step that is refused says why where it was tried.
func TestActInDrawer(t *testing.T) {
	h := signedIn(newConsole(t, depsOf(newWorld(t, 0, 0))))
	w := post(h, attack+"/act", url.Values{"kind": {"resolve"}}, "HX-Request", "true", "HX-Target", "drawer")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "Say what was done.") {
		t.Errorf("status %d without the reason", w.Code)
	}
	w = post(h, attack+"/act", url.Values{"kind": {"acknowledge"}}, "HX-Request", "true", "HX-Target", "toast")
	if !strings.HasPrefix(strings.TrimSpace(w.Body.String()), "Acknowledged: Camera 17") || w.Header().Get("HX-Trigger") != "acted" {
		t.Errorf("toast %q, trigger %q", w.Body, w.Header().Get("HX-Trigger"))
	}
}

// TestNothingKnown: with no source, nothing looks healthy.
func TestNothingKnown(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	d.Vessels = func() vessel.Picture { return vessel.Picture{} }
	d.Network = func() network.Picture { return network.Picture{} }
	d.Physical = func() physical.Picture { return physical.Picture{} }
	d.Health = func() health.Picture { return health.Picture{} }
	d.Activity = nil
	empty, err := port.Parse("p.yaml", []byte("port: {name: Bare, locode: XZSLM, time_zone: UTC, currency: EUR, security_level: 1, centre: [1, 2]}\n"), w.Now())
	if empty == nil {
		t.Fatal(err)
	}
	d.Port = func() *port.Port { return empty }
	c := signedIn(newConsole(t, d))
	for path, want := range map[string]string{
		"/":          "no source is configured: nothing is watched",
		"/inventory": "No network source has told anything yet",
		"/people":    "No areas to count",
		"/vessels":   "no AIS source has told anything yet",
		"/sources":   "Nothing is watched",
		"/zones":     "no network source has told anything",
		"/network":   "The port file declares none",
		"/port":      "Bare",
		attack:       "is not among the sources now",
	} {
		if w := get(c, path); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: status %d, want the words %q", path, w.Code, want)
		}
	}
}

// TestReaderUnknown: people in an area without a heard reader are never a number.
func TestReaderUnknown(t *testing.T) {
	body := get(signedIn(newConsole(t, depsOf(newWorld(t, 0, 0)))), "/people?area=vts-room").Body.String()
	if !strings.Contains(body, `<span class="count unknown">unknown</span>`) || strings.Contains(body, `<span class="count">0</span>`) {
		t.Error("an area that no reader watches shows a count")
	}
}

// TestFailingRegister: the reader learns that it failed, and nothing of how.
func TestFailingRegister(t *testing.T) {
	w := newWorld(t, 0, 0)
	w.Desk.Fail = errors.New("disk /var/lib/secret is full")
	c := signedIn(newConsole(t, depsOf(w)))
	for _, path := range []string{"/", "/findings", attack} {
		r := get(c, path)
		if r.Code != http.StatusInternalServerError || strings.Contains(r.Body.String(), "secret") || !strings.Contains(r.Body.String(), "Something failed here") {
			t.Errorf("%s: status %d: %.80s", path, r.Code, r.Body)
		}
	}
}

// TestHostileText: what sources tell is text, never markup.
func TestHostileText(t *testing.T) {
	w := newWorld(t, 0, 0)
	evil := `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
	w.Desk.Raise(finding.New(finding.Occurrence{Rule: "test.evil", Subject: finding.Subject{Kind: "host", ID: evil, Name: evil}, Domains: []finding.Domain{finding.IT},
		Grade: finding.Confirmed, Severity: finding.Alarm, Title: evil, Summary: evil, Next: []string{evil}, Time: w.Now(),
		Facts: []finding.Fact{{Time: w.Now(), Text: evil, Domain: finding.IT}}}))
	c := signedIn(newConsole(t, depsOf(w)))
	id := finding.ID("test.evil", finding.Subject{Kind: "host", ID: evil})
	for _, path := range []string{"/", "/findings", "/findings/" + id, "/findings?q=" + url.QueryEscape(evil)} {
		body := get(c, path).Body.String()
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") {
			t.Errorf("%s lets markup through", path)
		}
	}
}

// TestMapData is GeoJSON with the walk of the chosen finding over its places.
func TestMapData(t *testing.T) {
	c := signedIn(newConsole(t, depsOf(newWorld(t, 0, 0))))
	var live struct {
		Type     string
		Note     string
		Features []struct{ Properties map[string]any }
	}
	if err := json.Unmarshal(get(c, "/map/live.json?sel="+attackID).Body.Bytes(), &live); err != nil {
		t.Fatal(err)
	}
	layers := map[string]int{}
	for _, f := range live.Features {
		layers[fmt.Sprint(f.Properties["layer"])]++
	}
	if layers["vessel"] != 9 || layers["hop"] != 3 || layers["walk"] != 1 || layers["mark"] < 2 {
		t.Errorf("layers %v", layers)
	}
	if !strings.HasPrefix(live.Note, "9 vessels") {
		t.Errorf("note %q", live.Note)
	}
	first := get(c, "/map/port.json")
	if again := get(c, "/map/port.json", "If-None-Match", first.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("the same map again answers %d", again.Code)
	}
}

// TestAreaOnTheMap: a finding about an area is drawn as its outline, by MapLibre
// and by the server alike.
func TestAreaOnTheMap(t *testing.T) {
	w := newWorld(t, 0, 0)
	w.Desk.Raise(finding.New(finding.Occurrence{Rule: "vessel.gnss-interference", Subject: finding.Subject{Kind: "area", ID: "area-1", Name: "Outer anchorage"},
		Domains: []finding.Domain{finding.OT}, Grade: finding.Likely, Severity: finding.Alarm, Title: "Positions are false", Time: w.Now(),
		Facts: []finding.Fact{{Time: w.Now(), Text: "Three vessels moved alike.", Domain: finding.OT}},
		Place: &finding.Place{Lat: 44.55, Lon: -13.2, Outline: [][2]float64{{-13.3, 44.5}, {-13.1, 44.5}, {-13.2, 44.6}}}}))
	c := signedIn(newConsole(t, depsOf(w)))
	var live struct {
		Features []struct {
			Geometry struct {
				Type        string
				Coordinates json.RawMessage
			}
			Properties map[string]any
		}
	}
	if err := json.Unmarshal(get(c, "/map/live.json").Body.Bytes(), &live); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range live.Features {
		if f.Properties["layer"] != "alarm-area" {
			continue
		}
		found = true
		if want := "[[[-13.3,44.5],[-13.1,44.5],[-13.2,44.6],[-13.3,44.5]]]"; f.Geometry.Type != "Polygon" || string(f.Geometry.Coordinates) != want || f.Properties["severity"] != "alarm" {
			t.Errorf("drawn as %s %s (%v), want a closed ring %s", f.Geometry.Type, f.Geometry.Coordinates, f.Properties, want)
		}
	}
	if !found {
		t.Error("the area is not on the map")
	}
	if body := get(c, "/watch/chart").Body.String(); !strings.Contains(body, `class="alarm-area alarm"`) {
		t.Error("the server's drawing has no area")
	}
}

// TestBundles holds the weight of a page: under 300 kB of script without the map.
func TestBundles(t *testing.T) {
	set, err := assets.Load()
	if err != nil {
		t.Fatal(err)
	}
	plain, zipped := set.Size("console.js")
	t.Logf("console.js %d bytes, %d compressed", plain, zipped)
	if plain == 0 || plain > 300_000 {
		t.Errorf("console.js is %d bytes; a page without the map may load 300 kB of script", plain)
	}
	c := newConsole(t, depsOf(newWorld(t, 0, 0)))
	h := signedIn(c)
	if body := get(h, "/findings").Body.String(); strings.Contains(body, set.URL("map.js")) {
		t.Error("a page without a map loads the map")
	}
	w := get(c, set.URL("console.js"), "Accept-Encoding", "gzip")
	if w.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Body.Len() != zipped {
		t.Errorf("headers %v", w.Header())
	}
	if get(c, "/assets/none.js").Code != 404 {
		t.Error("a bundle that does not exist is served")
	}
}

// TestExercise: made-up data says so on every page, before the login too.
func TestExercise(t *testing.T) {
	d := depsOf(newWorld(t, 0, 0))
	d.Exercise = func() string { return "Exercise NIGHT TIDE" }
	h := withDoors(newConsole(t, d))
	for _, path := range append(slices.Clone(pagePaths), "/doors/login") {
		if !strings.Contains(get(signedIn(h), path).Body.String(), "Exercise NIGHT TIDE") {
			t.Errorf("%s does not say that it is an exercise", path)
		}
	}
}

// TestPalette: the cookie, and no leading away to other sites.
func TestPalette(t *testing.T) {
	h := signedIn(newConsole(t, depsOf(newWorld(t, 0, 0))))
	for back, want := range map[string]string{"/zones": "/zones", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "": "/"} {
		w := post(h, "/palette", url.Values{"palette": {"day"}, "back": {back}})
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("back %q leads to %q, want %q", back, got, want)
		}
	}
	if body := get(h, "/", "Cookie", "quaywatch_palette=dusk").Body.String(); !strings.Contains(body, `data-palette="dusk"`) {
		t.Error("the palette of the cookie is not drawn")
	}
	if body := get(h, "/", "Cookie", `quaywatch_palette="><script>`).Body.String(); !strings.Contains(body, `data-palette="dark"`) {
		t.Error("an unknown palette is not the dark one")
	}
}

// TestNoPanicOnZeroFinding: a finding with nothing in it is drawn.
func TestNoPanicOnZeroFinding(t *testing.T) {
	w := newWorld(t, 0, 0)
	f := finding.New(finding.Occurrence{Rule: "x", Time: time.Unix(0, 0)})
	w.Desk.Raise(f)
	h := signedIn(newConsole(t, depsOf(w)))
	for _, path := range []string{"/", "/findings", "/findings/" + f.ID} {
		if got := get(h, path).Code; got != 200 {
			t.Errorf("%s answers %d", path, got)
		}
	}
}

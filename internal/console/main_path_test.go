package console_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// quiet fails where the browser complained: script errors, policy violations,
// failed requests.
func quiet(t *testing.T, b *browser, where string) {
	t.Helper()
	if bad := b.complaints(); len(bad) > 0 {
		t.Errorf("%s: the browser complained:\n%s", where, strings.Join(bad, "\n"))
	}
}

// TestMapRenders looks into the drawn map: ships of the right colour are there.
func TestMapRenders(t *testing.T) {
	url := serve(t, newConsole(t, depsOf(newWorld(t, 0, 0))))
	b := open(t, 1280, 800, true)
	var state string
	b.run(t, "map", chromedp.Navigate(url+"/"), until("document.getElementById('map').dataset.state === 'live'"),
		chromedp.Evaluate("document.querySelector('.maplibregl-canvas') ? 'canvas' : 'none'", &state))
	if state != "canvas" {
		t.Error("the map says that it is live and has no canvas")
	}
	var shot []byte
	b.run(t, "picture of the map", chromedp.Screenshot("#map", &shot, chromedp.NodeVisible))
	if n := coloured(t, shot, [3]int{0x63, 0xd5, 0xcf}); n < 40 {
		t.Errorf("%d pixels of the map are in the colour of vessels: nothing is drawn", n)
	}
	quiet(t, b, "map")
}

// TestMapWithoutWebGL: the server's drawing stays and is fetched anew as ships move.
func TestMapWithoutWebGL(t *testing.T) {
	w := newWorld(t, 0, 0)
	url := serve(t, newConsole(t, depsOf(w)))
	b := open(t, 1280, 800, false)
	var before, after string
	ship := "document.querySelector('#chart .vessel').getAttribute('transform')"
	b.run(t, "drawing", chromedp.Navigate(url+"/"), until("document.getElementById('map').dataset.state === 'drawn'"),
		chromedp.Evaluate(ship, &before), until("document.body.classList.contains('is-stale') === false"))
	w.Advance(10 * time.Minute)
	b.run(t, "redraw", until(ship+" !== "+jsString(before)), chromedp.Evaluate(ship, &after))
	if before == after {
		t.Error("the ship did not move")
	}
	quiet(t, b, "map without WebGL")
}

// TestThreeClicks: from the first screen to the explanation of the attack,
// though another alarm is selected and the reader knows nothing.
func TestThreeClicks(t *testing.T) {
	url := serve(t, newConsole(t, depsOf(newWorld(t, 0, 50))))
	b := open(t, 1280, 800, false)
	other := finding.ID("vessel.displaced-together", finding.Subject{Kind: "area", ID: "anchorage-b"})
	var title string
	b.run(t, "two clicks", chromedp.Navigate(url+"/?sel="+other),
		chromedp.WaitVisible("#alarm-"+other+" .why"),
		chromedp.Click("#open-"+attackID), chromedp.WaitVisible("#alarm-"+attackID+" .why"), // first click
		chromedp.Click("#alarm-"+attackID+" .btn.pri"), chromedp.WaitVisible("#why"), // second click
		chromedp.Text("h1", &title))
	if !strings.Contains(title, "Camera 17 is reaching the terminal operating system") {
		t.Errorf("the page explains %q", title)
	}
	var nodes int
	b.run(t, "walk", chromedp.Evaluate("document.querySelectorAll('.walk-steps .node').length", &nodes))
	if nodes != 3 {
		t.Errorf("the walk has %d nodes, want camera, recorder, TOS", nodes)
	}
	quiet(t, b, "three clicks")
}

// TestTriageByKeyboard does a watch's work without a mouse.
func TestTriageByKeyboard(t *testing.T) {
	w := newWorld(t, 0, 20)
	url := serve(t, newConsole(t, depsOf(w)))
	b := open(t, 1280, 800, false)
	row := "document.activeElement?.closest('[data-row]')?.id"
	b.run(t, "rows", chromedp.Navigate(url+"/findings"), chromedp.WaitVisible("#findings"),
		chromedp.KeyEvent("j"), until(row+" === 'row-"+attackID+"'"),
		chromedp.KeyEvent("j"), until(row+" !== 'row-"+attackID+"'"),
		chromedp.KeyEvent("k"), until(row+" === 'row-"+attackID+"'"))
	b.run(t, "evidence", chromedp.KeyEvent("e"), chromedp.WaitVisible("#drawer pre.hex"),
		chromedp.KeyEvent(kb.Escape), until("!document.querySelector('#drawer > *')"), until(row+" === 'row-"+attackID+"'"))
	b.run(t, "acknowledge", chromedp.KeyEvent("a"), until("document.querySelector('#row-"+attackID+" .state').textContent.includes('acknowledged')"))
	mustState(t, w.Desk, finding.Acknowledged)
	b.run(t, "shelve", chromedp.KeyEvent("s"), chromedp.WaitVisible("#drawer textarea#shelve-text"),
		until("document.activeElement.id === 'shelve-text'"), chromedp.SendKeys("#shelve-text", "crew is on its way"),
		chromedp.Click("#drawer details[open] form .btn.pri"), until("document.querySelector('#drawer .history')?.textContent.includes('crew is on its way')"))
	mustState(t, w.Desk, finding.Shelved)
	b.run(t, "help and search", chromedp.KeyEvent(kb.Escape), until("!document.querySelector('#drawer > *')"),
		chromedp.KeyEvent("?"), until("document.getElementById('help').open"), chromedp.KeyEvent(kb.Escape), until("!document.getElementById('help').open"),
		pressKey("/"), until("document.activeElement.id === 'search'"), chromedp.SendKeys("#search", "vendor\r"),
		until("location.search.includes('q=vendor')"), until("document.querySelectorAll('[data-row]').length === 1"))
	quiet(t, b, "triage")
}

// pressKey presses a key as a keyboard does: what the page does with the press
// decides whether a character follows. (chromedp.KeyEvent sends it regardless.)
func pressKey(key string) chromedp.Action {
	return chromedp.Tasks{input.DispatchKeyEvent(input.KeyRawDown).WithKey(key), input.DispatchKeyEvent(input.KeyUp).WithKey(key)}
}

func mustState(t *testing.T, d finding.Desk, want finding.State) {
	t.Helper()
	f, err := d.Get(context.Background(), attackID)
	if err != nil || f.State != want {
		t.Fatalf("the attack is %s (%v), want %s", f.State, err, want)
	}
}

// TestLive: a new finding comes onto the open page by itself, and a server that
// went away is said to be away.
func TestLive(t *testing.T) {
	w := newWorld(t, 0, 0)
	var down atomic.Bool
	c := newConsole(t, depsOf(w))
	gone, cut := context.WithCancel(context.Background())
	url := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer context.AfterFunc(gone, cancel)()
		defer cancel()
		c.ServeHTTP(rw, r.WithContext(ctx))
	}))
	b := open(t, 1280, 800, false)
	b.run(t, "open", chromedp.Navigate(url+"/"), chromedp.WaitVisible("#alarms"))
	raised := finding.New(finding.Occurrence{Rule: "test.raised", Subject: finding.Subject{Kind: "asset", ID: "vts-srv-1"}, Domains: []finding.Domain{finding.OT},
		Grade: finding.Confirmed, Severity: finding.Alarm, Title: "VTS server asked for its own restart", Time: w.Now()})
	for w.Desk.Listeners() == 0 { // bounded by the time of the browser's context
		b.run(t, "wait for the link", chromedp.Evaluate("1", nil))
	}
	w.Desk.Raise(raised)
	b.run(t, "raised", until("document.getElementById('alarms').textContent.includes('VTS server asked for its own restart')"))
	quiet(t, b, "live")

	down.Store(true)
	cut() // the open link ends, and no other comes about
	b.run(t, "stale", until("!document.getElementById('stale').hidden"))
	var banner string
	b.run(t, "banner", chromedp.Text("#stale", &banner))
	if !strings.Contains(banner, "The server is not answering") {
		t.Errorf("the banner says %q", banner)
	}
}

//go:embed testdata/axe.min.js
var axe string

// TestAccessible: axe finds nothing serious on any page, by day and in the dark.
func TestAccessible(t *testing.T) {
	c := newConsole(t, depsOf(newWorld(t, 120, 60)))
	url := serve(t, withDoors(c))
	b := open(t, 1280, 800, false)
	for _, palette := range []string{"day", "dusk", "dark"} {
		for _, path := range append([]string{"/doors/login", "/doors/setup", "/doors/password", "/doors/problem", "/no-such-page"}, pagePaths...) {
			t.Run(palette+path, func(t *testing.T) {
				b.run(t, path, usePalette(url, palette), chromedp.Navigate(url+path), chromedp.WaitReady("main"))
				if path != "/no-such-page" {
					quiet(t, b, path)
				}
				for _, v := range audit(t, b) {
					t.Error(v)
				}
				b.complaints()
			})
		}
	}
}

// audit runs axe over the page and returns what is serious or critical.
func audit(t *testing.T, b *browser) []string {
	t.Helper()
	var raw string
	b.run(t, "axe", chromedp.Evaluate(axe, nil), chromedp.EvaluateAsDevTools(
		`axe.run(document, {runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]}).then(r => JSON.stringify(r.violations.filter(v => ["serious","critical"].includes(v.impact)).map(v => ({id: v.id, impact: v.impact, nodes: v.nodes.slice(0, 6).map(n => n.target.join(" ") + ": " + n.failureSummary)}))))`,
		&raw, chromedp.EvalAsValue, awaitPromise))
	var all []struct {
		ID, Impact string
		Nodes      []string
	}
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range all {
		out = append(out, fmt.Sprintf("%s (%s):\n  %s", v.ID, v.Impact, strings.Join(v.Nodes, "\n  ")))
	}
	return out
}

func jsString(s string) string { b, _ := json.Marshal(s); return string(b) }

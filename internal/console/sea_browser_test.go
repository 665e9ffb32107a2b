package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const seaLive = "document.getElementById('map').dataset.state === 'live' && document.getElementById('map-note').textContent.includes('with a position')"

// setField gives a field a value and tells the page.
func setField(id, value, event string) chromedp.Action {
	return chromedp.Evaluate("{const f = document.getElementById("+jsString(id)+"); f.value = "+jsString(value)+"; f.dispatchEvent(new Event("+jsString(event)+", {bubbles: true}))}", nil)
}

// TestSeaChart does what a VTS operator does: finds a vessel by a part of its
// name, follows it, measures with the keyboard, and looks at a moment of the past.
func TestSeaChart(t *testing.T) {
	w := newWorld(t, 0, 0)
	url := serve(t, newConsole(t, depsOf(w)))
	b := open(t, 1280, 800, true)
	card := "document.getElementById('sea-card').textContent"
	b.run(t, "chart", chromedp.Navigate(url+"/vessels/chart"), until(seaLive))
	var shot []byte
	b.run(t, "picture", chromedp.Screenshot("#map", &shot, chromedp.NodeVisible))
	if n := coloured(t, shot, [3]int{0x63, 0xd5, 0xcf}); n < 40 {
		t.Errorf("%d pixels are in the colour of vessels: nothing is drawn", n)
	}

	b.run(t, "find", pressKey("/"), until("document.activeElement.id === 'sea-q'"), chromedp.SendKeys("#sea-q", "solent"),
		until("document.querySelectorAll('#sea-hits [role=option]').length === 1"), chromedp.SendKeys("#sea-q", kb.Enter),
		until(card+".includes('GRAND SOLENT') && "+card+".includes('538006789')"))
	b.run(t, "find nobody", setField("sea-q", "zzz", "input"),
		until("document.getElementById('sea-hits').textContent.includes('Nobody of that name')"), chromedp.SendKeys("#sea-q", kb.Escape),
		chromedp.Evaluate("document.getElementById('sea-q').blur()", nil))

	b.run(t, "follow", chromedp.KeyEvent("f"), until("document.getElementById('sea-follow').getAttribute('aria-pressed') === 'true'"))
	var before, after string
	b.run(t, "where", chromedp.Evaluate(card, &before))
	w.Advance(60e9)
	b.run(t, "moved", until(card+" !== "+jsString(before)), chromedp.Evaluate(card, &after))
	if !strings.Contains(after, "Following") {
		t.Errorf("it is not followed any more: %s", after)
	}

	length := "document.getElementById('sea-length').textContent"
	b.run(t, "measure", chromedp.Evaluate("document.getElementById('sea-follow').click()", nil), chromedp.KeyEvent("m"),
		until(length+".includes('first point')"), chromedp.KeyEvent(kb.Enter),
		chromedp.KeyEvent(kb.ArrowRight), chromedp.Sleep(600e6), // the chart glides to its new middle
		chromedp.KeyEvent(kb.Enter), until(length+".includes(' nm')"))
	var measured string
	b.run(t, "length", chromedp.Evaluate(length, &measured), chromedp.KeyEvent(kb.Escape), until(length+" === ''"))
	if !strings.HasSuffix(measured, ", 090°") {
		t.Errorf("from the middle to the right was measured as %q", measured)
	}

	replay := "document.getElementById('sea-past')"
	b.run(t, "replay", setField("sea-day", "2026-11-23", "change"), setField("sea-time", "600", "input"),
		until("!"+replay+".hidden && "+replay+".textContent.includes('2026-11-23 10:00 UTC')"), until(card+".includes('GRAND SOLENT')"))
	b.run(t, "before anybody", setField("sea-time", "1", "input"),
		until("document.getElementById('map-note').textContent.includes('Nothing was heard')"))
	b.run(t, "live again", chromedp.Click("#sea-live"), until(replay+".hidden"), until(seaLive))
	quiet(t, b, "sea chart")
}

// TestSeaChartWithoutWebGL says so and leads to the table.
func TestSeaChartWithoutWebGL(t *testing.T) {
	url := serve(t, newConsole(t, depsOf(newWorld(t, 0, 0))))
	b := open(t, 1280, 800, false)
	b.run(t, "chart", chromedp.Navigate(url+"/vessels/chart"), until("document.getElementById('map').dataset.state === 'drawn'"), chromedp.WaitVisible(".no-gl a[href='/vessels']"))
	quiet(t, b, "sea chart without WebGL")
}

// TestPastNamesItsFaults: a moment that is no time, and a program that keeps nothing.
func TestPastNamesItsFaults(t *testing.T) {
	d := depsOf(newWorld(t, 0, 0))
	if w := get(signedIn(newConsole(t, d)), "/map/past.json?at=yesterday"); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "2026-11-23T14:00:00Z") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get(signedIn(newConsole(t, d)), "/map/past.json?at="+url.QueryEscape("2026-11-23T12:00:00Z")); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "NORDIC HERON") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	d.History = nil
	h := signedIn(newConsole(t, d))
	if w := get(h, "/map/past.json?at=2026-11-23T12:00:00Z"); w.Code != http.StatusNotFound {
		t.Errorf("nothing is kept and it answers %d", w.Code)
	}
	if strings.Contains(get(h, "/vessels/chart").Body.String(), "sea-day") {
		t.Error("a replay is offered where nothing is kept")
	}
}

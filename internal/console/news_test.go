package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/quaywatch/quaywatch/internal/console/consoletest"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// TestNewsPage: what is new is listed with its kind, place and device, the span and the
// filters are taken, and what can't be known is said.
func TestNewsPage(t *testing.T) {
	w := newWorld(t, 0, 0)
	h := signedIn(newConsole(t, depsOf(w)))
	for path, want := range map[string][]string{
		"/inventory/new":                  {"changed identity", "says firmware 3.3.0 over s7comm, and said 3.2.0 before", "10.50.0.99", "undeclared", "answers Camera 17 (10.50.0.17) on tcp/1433 tds", "span-core.pcap line"},
		"/inventory/new?since=2026-11-21": {"and said 3.2.1 before"},
		"/inventory/new?kind=changed": {
			"1 of 1 rows"},
		"/inventory/new?zone=cctv":                  {"is seen for the first time"},
		"/inventory/new?date=2099-01-01":            {"Nothing new", "What no source watches is not known"},
		"/inventory/new?since=2001-01-01T00:00:00Z": {"knows of nothing before"},
		"/inventory/new?since=soon":                 {"“soon” is no moment", "of the last 24 hours"},
		"/inventory/plc-asc-04":                     {"What it said of itself", "3.2.1", "3.2.0", "firmware download block", "▲ no:", "Who speaks with it", "TOS server 2"},
		"/hosts/ip:10.50.0.99":                      {"10.50.0.99"},
	} {
		rec := get(h, path)
		for _, s := range want {
			if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), s) {
				t.Errorf("%s (%d) does not say %q", path, rec.Code, s)
			}
		}
	}
	if body := get(h, "/inventory/new").Body.String(); strings.Contains(body, "and said 3.2.1 before") {
		t.Error("a change of three days ago is among the new of a day")
	}
	d := depsOf(w)
	d.Past = nil
	if rec := get(signedIn(newConsole(t, d)), "/inventory/new"); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "No history is kept") {
		t.Errorf("without a history: %d", rec.Code)
	}
	d = depsOf(w)
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool { return a != identity.ViewNetwork }
	h = signedIn(newConsole(t, d))
	if rec := get(h, "/inventory/new"); rec.Code != http.StatusForbidden {
		t.Errorf("without the right: %d", rec.Code)
	}
	if body := get(h, "/inventory/plc-asc-04").Body.String(); strings.Contains(body, "What it said of itself") || strings.Contains(body, "3.2.0") {
		t.Error("the history of a device is shown without the right to the network")
	}
}

// TestNewsByKeyboard: from the assets to what is new, and on to the device.
func TestNewsByKeyboard(t *testing.T) {
	url := serve(t, newConsole(t, depsOf(newWorld(t, 0, 0))))
	b := open(t, 1280, 800, false)
	var title string
	b.run(t, "new since", chromedp.Navigate(url+"/inventory"), chromedp.WaitVisible("a[href='/inventory/new']"), chromedp.Click("a[href='/inventory/new']"),
		chromedp.WaitVisible("select[name=kind]"), chromedp.SetValue("select[name=kind]", "changed"), chromedp.Click(".filters .btn"),
		until("location.search.includes('kind=changed')"), until("document.querySelectorAll('[data-row]').length === 1"),
		until("document.readyState === 'complete'"), // the keys are there once the script of the page ran
		chromedp.KeyEvent("j"), chromedp.KeyEvent("\r"), chromedp.WaitVisible("#said"), chromedp.Text("h1", &title))
	if title != "PLC of crane 4" {
		t.Errorf("the row leads to %q", title)
	}
	quiet(t, b, "new since")
}

// BenchmarkNewsPage measures what is new, the assets and one device with 100,000 devices.
func BenchmarkNewsPage(b *testing.B) {
	const hosts = 100_000
	d := depsOf(newWorld(b, 0, 0))
	p, pic := wideNetwork(b, 5000, hosts)
	w := network.New(p, network.Options{}, nil)
	var batch event.Batch
	for i := range pic.Hosts {
		at := consoletest.Now.Add(-time.Duration(hosts-i) * 10 * time.Second)
		f := event.Flow{Head: event.Head{Time: at, Seen: at, Told: true, Source: "bench", Raw: event.Raw{Input: "bench.pcap", Line: int64(i)}}, Last: at.Add(time.Second),
			Client: event.Endpoint{IP: pic.Hosts[(i+1)%hosts].ID[3:], Port: 40000}, Server: event.Endpoint{IP: pic.Hosts[i].ID[3:], Port: 502},
			Direction: event.DirectionSeen, Transport: "tcp", Application: "modbus", Operations: []string{"read"}, PacketsOut: 2, PacketsIn: 2, Answered: true}
		if batch.Flows = append(batch.Flows, f); len(batch.Flows) == 500 {
			w.Observe(&batch)
			batch.Flows = batch.Flows[:0]
		}
	}
	w.Observe(&batch)
	d.Port, d.Network, d.Past = func() *port.Port { return p }, w.Picture, w
	h := signedIn(newConsole(b, d))
	for _, path := range []string{"/inventory/new", "/inventory/new?since=30d", "/inventory", "/hosts/" + pic.Hosts[7].ID} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				if w := get(h, path); w.Code != http.StatusOK {
					b.Fatal(w.Code, path)
				}
			}
		})
	}
}

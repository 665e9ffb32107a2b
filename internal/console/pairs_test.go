package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/firewall"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

var cellPattern = regexp.MustCompile(`<a id="pair-([a-z-]+)-to-([a-z-]+)" class="([^"]*)"[^>]*>.*?<span aria-hidden="true">([^<]*)</span><span class="vh">([^<]*)</span>`)

// cellsOf are the cells of the matrix by pair: class, label and letters.
func cellsOf(body string) map[string][3]string {
	out := map[string][3]string{}
	for _, m := range cellPattern.FindAllStringSubmatch(strings.ReplaceAll(body, "\n", ""), -1) {
		out[m[1]+">"+m[2]] = [3]string{m[3], m[5], m[4]}
	}
	return out
}

// TestMatrixTellsThreeThingsApart: what may, what did and what could stand in every
// cell, in letters and in words, and the dangerous ones are marked.
func TestMatrixTellsThreeThingsApart(t *testing.T) {
	cells := cellsOf(get(signedIn(newConsole(t, depsOf(newWorld(t, 0, 0)))), "/zones").Body.String())
	want := map[string]struct{ class, letters, words string }{
		"cctv>tos":                 {"mdc is-did", "·DC", "did, and may not. May: no. Did: yes, 1 kind of conversation, newest 1 min ago. Could: yes."},
		"office-lan>crane-control": {"mdc is-could", "··C", "could, and may not. May: no. Did: not seen. Could: yes."},
		"office-lan>cctv":          {"mdc is-doubt", "··?", "undecided. May: no. Did: not seen. Could: undecided."},
		"tos>cctv":                 {"mdc is-doubt", "M··", "may, and rules stop it. May: yes. Did: not seen. Could: no."},
		"tos>crane-control":        {"mdc is-doubt", "MDC", "undecided. May: yes. Did: yes, 1 kind of conversation, newest 1 min ago. Could: yes."},
		"dmz>tos":                  {"mdc", "MDC", "may and did. May: yes. Did: yes, 1 kind of conversation, newest 1 min ago. Could: yes."},
		"office-lan>dmz":           {"mdc", "MDC", "may and did. May: yes."},
		"internet>dmz":             {"mdc", "M·–", "may, not seen. May: yes. Did: not seen. Could: no firewall between."},
	}
	for pair, w := range want {
		got := cells[pair]
		if strings.TrimSpace(got[0]) != w.class || got[2] != w.letters || !strings.Contains(got[1], w.words) {
			t.Errorf("%s:\ngot  %q\nwant %q", pair, got, w)
		}
	}
	if len(cells) != len(want) {
		t.Errorf("%d cells, want %d", len(cells), len(want))
	}
}

// TestMatrixWithoutConfiguration: where no rules were read, nobody says that nothing
// could; what is declared and seen stays as it is.
func TestMatrixWithoutConfiguration(t *testing.T) {
	d := depsOf(newWorld(t, 0, 0))
	for name, walls := range map[string]func(context.Context) *console.Walls{
		"none": nil, "not declared": func(context.Context) *console.Walls { return nil },
		"not read": func(context.Context) *console.Walls {
			return console.NewWalls(nil, []string{"the configuration of firewall fw-core-2 is not part of this: it is gone"}, time.Time{})
		},
	} {
		d.Walls = walls
		h := signedIn(newConsole(t, d))
		body := get(h, "/zones").Body.String()
		cells := cellsOf(body)
		if len(cells) != 6 || cells["cctv>tos"][2] != "·D–" || !strings.Contains(cells["dmz>tos"][1], "Could: no configuration.") {
			t.Errorf("%s: %v", name, cells)
		}
		if name == "not read" && !strings.Contains(body, "it is gone") {
			t.Error("the page does not say what was not read")
		}
		if got := get(h, "/firewalls"); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "that is not the same as nothing") {
			t.Errorf("%s: the page of firewalls answers %d", name, got.Code)
		}
		if got := get(h, "/zones/cctv/tos/drawer").Body.String(); !strings.Contains(got, "Who could is not known") {
			t.Errorf("%s: the drawer says nothing of what is not known", name)
		}
	}
}

// TestContradiction: traffic where the rules let nothing through is not called fine.
func TestContradiction(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	d.Network = func() network.Picture {
		pic := w.Network()
		pic.Uses = append(slices.Clone(pic.Uses), network.ConduitUse{From: "tos", To: "cctv", Conduit: "tos-cctv", Transport: "tcp", Port: 554, Application: "rtsp", Verdict: network.AllowedSeen, Flows: 3, Answered: 3,
			Last: w.Now(), Client: "10.30.1.12", Server: "10.50.0.21"})
		return pic
	}
	h := signedIn(newConsole(t, d))
	if got := cellsOf(get(h, "/zones").Body.String())["tos>cctv"]; !strings.Contains(got[1], "did, though rules stop it") || got[2] != "MD·" {
		t.Errorf("%q", got)
	}
	if body := get(h, "/zones/tos/cctv/drawer").Body.String(); !strings.Contains(body, "rules stop it, and it was answered") || !strings.Contains(body, "fw-core-2.conf:35") {
		t.Error("the drawer does not name the rule that stops what was seen")
	}
}

// TestTriedIsNotDone: what nobody answered was tried, and that rules stop it is no
// contradiction.
func TestTriedIsNotDone(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	d.Network = func() network.Picture {
		pic := w.Network()
		pic.Uses = append(slices.Clone(pic.Uses), network.ConduitUse{From: "tos", To: "cctv", Conduit: "tos-cctv", Transport: "tcp", Port: 554, Verdict: network.AllowedSeen, Flows: 3,
			Last: w.Now(), Client: "10.30.1.12", Server: "10.50.0.21"})
		return pic
	}
	h := signedIn(newConsole(t, d))
	if got := cellsOf(get(h, "/zones").Body.String())["tos>cctv"]; !strings.Contains(got[1], "may, and rules stop it") || !strings.Contains(got[1], "Did: tried, not answered") {
		t.Errorf("%q", got)
	}
	if body := get(h, "/zones/tos/cctv/drawer").Body.String(); !strings.Contains(body, "rules stop it, and nobody answered") {
		t.Error("the drawer does not say that it was only tried")
	}
}

// TestExpiredConduitAllowsNothing: a conduit that has ended is shown, and not as M.
func TestExpiredConduitAllowsNothing(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	d.Now = func() time.Time { return time.Date(2032, 1, 1, 0, 0, 0, 0, time.UTC) }
	h := signedIn(newConsole(t, d))
	if got := cellsOf(get(h, "/zones").Body.String())["tos>crane-control"]; !strings.Contains(got[1], "May: no longer") || !strings.HasPrefix(got[2], "·") {
		t.Errorf("%q", got)
	}
	if !strings.Contains(get(h, "/zones/tos/crane-control").Body.String(), "expired 2031-06-30: it allows nothing") {
		t.Error("the page does not say that the conduit has ended")
	}
}

// TestPairDrawer: conduits, conversations with finding and evidence, rules by file
// and line, and the narrower conduit.
func TestPairDrawer(t *testing.T) {
	w := newWorld(t, 0, 0)
	raised := finding.New(finding.Occurrence{Rule: network.RuleUndeclared, Subject: finding.Subject{Kind: "conduit", ID: "10.50.1.2>tos"}, Domains: []finding.Domain{finding.OT, finding.Physical},
		Grade: finding.Confirmed, Severity: finding.Alarm, Title: "Video recorder 2 reached TOS server 2", Time: w.Now()})
	w.Desk.Raise(raised)
	d := depsOf(w)
	h := signedIn(newConsole(t, d))
	for path, texts := range map[string][]string{
		"/zones/cctv/tos/drawer": {"It did, and nothing allows all of it", `href="/inventory/nvr-2">10.50.1.2<`, "tcp/1433", "321 conversations, 300 answered", "and 2 more pairs of addresses",
			`href="/findings/` + raised.ID + `#evidence"`, "permitted, and no conduit allows it", "10.50.0.0/22 to 10.30.1.0/24, tcp 1433", "firewall/fw-core-2.conf:32", "data-close-drawer"},
		"/zones/dmz/tos/drawer":           {"Portal to TOS", "tcp 8443", "firewalls: implemented", "can be narrower", "application: tls}", "30.9 days of listening", "30 days are needed"},
		"/zones/tos/crane-control/drawer": {"asked: read, write", "joined in the middle", "some of its traffic is undecided", "rules would stop it if 10.30.1.12 opened it"},
		"/zones/tos/cctv":                 {"It may, and firewalls stop it", "Denied by", "fw-core-2.conf:35", "unused:"},
		"/zones/internet/tos":             {"Nothing allows it, and nothing was seen", "No firewall whose configuration was read"},
	} {
		body := get(h, path).Body.String()
		for _, text := range texts {
			if !strings.Contains(body, text) {
				t.Errorf("%s does not say %q", path, text)
			}
		}
	}
	d.Allowed = func(_ context.Context, a identity.Action, on identity.Resource) bool {
		return a == identity.ViewNetwork
	}
	if body := get(signedIn(newConsole(t, d)), "/zones/cctv/tos/drawer").Body.String(); strings.Contains(body, raised.ID) || !strings.Contains(body, "that your role may see") {
		t.Error("a finding is shown to who may not see it")
	}
	d.Allowed = func(_ context.Context, a identity.Action, on identity.Resource) bool {
		return a != identity.ViewNetwork
	}
	for _, path := range []string{"/zones/cctv/tos/drawer", "/firewalls"} {
		if got := get(signedIn(newConsole(t, d)), path).Code; got != http.StatusForbidden {
			t.Errorf("%s answers %d to who may not see the network", path, got)
		}
	}
	if got := get(h, "/zones/none/tos/drawer").Code; got != http.StatusNotFound {
		t.Errorf("an unknown zone answers %d", got)
	}
}

// TestFirewallsPage: what differs, pairs, conduits and the lines not understood.
func TestFirewallsPage(t *testing.T) {
	body := get(signedIn(newConsole(t, depsOf(newWorld(t, 0, 0)))), "/firewalls").Body.String()
	for _, text := range []string{"1 configuration read", "3 rules differ from what is declared, 3 do not", "▲ undue", "firewall/fw-core-2.conf:33", "it holds at some times only",
		"10.20.4.0/24 to 10.40.0.0/22, tcp 3389", "more than conduits allow", "◇ not implemented", "tcp 554: not implemented", "object-group security guards", "placed by routes"} {
		if !strings.Contains(body, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}

// wideWalls is a firewall between the lower and the upper zones of a wide network.
func wideWalls(t testing.TB, p *port.Port, rules int) *firewall.Survey {
	t.Helper()
	zones := len(p.Zones)
	half := zones / 2 / 256
	var b strings.Builder
	fmt.Fprintf(&b, "ASA Version 9.16(4)\ninterface G0/0\n nameif low\n security-level 50\n ip address 10.0.0.1 255.255.255.0\ninterface G0/1\n nameif high\n security-level 60\n ip address 10.%d.0.1 255.255.255.0\n", half)
	for i := range zones {
		side, hop := "low", 0
		if i>>8 >= half {
			side, hop = "high", half
		}
		fmt.Fprintf(&b, "route %s 10.%d.%d.0 255.255.255.0 10.%d.0.2\n", side, i>>8, i&255, hop)
	}
	for i := range rules {
		from, to := i*3%zones, (i*11+zones/2)%zones
		fmt.Fprintf(&b, "access-list A extended permit tcp 10.%d.%d.0 255.255.255.0 10.%d.%d.0 255.255.255.0 eq %d\n", from>>8, from&255, to>>8, to&255, 500+i%7)
	}
	b.WriteString("access-group A global\n")
	pol, err := firewall.Read("wide.conf", []byte(b.String()), firewall.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return firewall.NewSurvey(p, time.Now(), []*firewall.Device{firewall.Place(p, pol, "")})
}

func zoneNumber(id string) int {
	var n int
	_, _ = fmt.Sscanf(id, "z%d", &n) // as wideNetwork names them
	return n
}

// wideDeps is a console over so many zones, with rules between them.
func wideDeps(t testing.TB, zones, hosts, rules int) console.Deps {
	t.Helper()
	d := depsOf(newWorld(t, 0, 0))
	p, pic := wideNetwork(t, zones, hosts)
	for i := range pic.Uses {
		u := &pic.Uses[i]
		to := zoneNumber(u.To)
		u.Client, u.Server, u.Flows, u.Answered = fmt.Sprintf("10.%d.%d.9", i>>8, i&255), fmt.Sprintf("10.%d.%d.7", to>>8, to&255), 4, uint64(i%4)
		u.First, u.Last = d.Now().Add(-time.Hour), d.Now().Add(-time.Duration(zones-i)*time.Second)
	}
	walls := console.NewWalls(wideWalls(t, p, rules), nil, time.Now())
	d.Port, d.Network = func() *port.Port { return p }, func() network.Picture { return pic }
	d.Walls = func(context.Context) *console.Walls { return walls }
	return d
}

// TestManyZonesAreListed: beyond forty zones there is no matrix but a list of the
// pairs that have something, with filters, pages and the table of levels.
func TestManyZonesAreListed(t *testing.T) {
	d := wideDeps(t, 600, 0, 300)
	h := signedIn(newConsole(t, d))
	body := get(h, "/zones").Body.String()
	if len(body) > 400_000 || strings.Contains(body, "Matrix of zones") || !strings.Contains(body, "Matrix of Purdue levels") {
		t.Errorf("%d bytes; a matrix of zones: %v, of levels: %v", len(body), strings.Contains(body, "Matrix of zones"), strings.Contains(body, "Matrix of Purdue levels"))
	}
	if n := strings.Count(body, "<tr data-row>"); n != 100 || !strings.Contains(body, "skip=100") {
		t.Errorf("%d rows", n)
	}
	if strings.Contains(body, "<td>may and did</td>") || !strings.Contains(body, "<td>did, and may not</td>") {
		t.Error("without a filter the list is not of what needs a look")
	}
	total := 0
	for _, l := range []string{"did", "could", "odd", "undecided", "stopped", "seen", "unseen"} {
		n := totalOf(t, get(h, "/zones?view=pairs&look="+l).Body.String())
		total += n
		if (l == "did" || l == "could" || l == "unseen") && n == 0 {
			t.Errorf("no pair of the kind %q: the test does not test what it says", l)
		}
	}
	if all := totalOf(t, get(h, "/zones?view=pairs").Body.String()); all != total {
		t.Errorf("%d pairs, by kind %d", all, total)
	}
	seen := map[string]bool{}
	for skip := 0; skip < total; skip += 100 {
		for _, m := range regexp.MustCompile(`<a id="(pair-[^"]*)"`).FindAllStringSubmatch(get(h, fmt.Sprint("/zones?view=pairs&skip=", skip)).Body.String(), -1) {
			if seen[m[1]] {
				t.Errorf("%s is on two pages", m[1])
			}
			seen[m[1]] = true
		}
	}
	if len(seen) != total {
		t.Errorf("%d pairs on all pages, %d are told", len(seen), total)
	}
	for path, want := range map[string]int{"/zones?view=pairs&look=any": 400, "/zones?from=ot/9": 400, "/zones?view=cube": 400, "/zones?view=pairs&from=ot/5&to=ot/4&q=z1": 200, "/zones?view=pairs&skip=99999": 200} {
		if got := get(h, path).Code; got != want {
			t.Errorf("%s answers %d, want %d", path, got, want)
		}
	}
	if body := get(h, "/zones?view=pairs&from=ot/5").Body.String(); strings.Contains(body, `class="sub">Purdue 4 OT</span></td><td>Zone 0 `) || !strings.Contains(body, "Purdue 5 OT") {
		t.Error("the filter by level does not hold")
	}
}

func totalOf(t *testing.T, body string) int {
	t.Helper()
	m := regexp.MustCompile(`of ([\d\x{202f}]+) pairs of zones`).FindStringSubmatch(body)
	if m == nil {
		t.Fatal("the page tells no total")
	}
	var n int
	if err := json.Unmarshal([]byte(strings.ReplaceAll(m[1], "\u202f", "")), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// BenchmarkZonesPage is the page of zones, of a pair and of firewalls at 100,000
// hosts, 5,000 zones and 5,000 conduits, with a firewall of 2,000 rules; the goal is
// 100 ms. "changed" has a new picture of the network at every request, as while
// traffic comes in.
func BenchmarkZonesPage(b *testing.B) {
	d := wideDeps(b, 5000, 100_000, 2000)
	still := d.Network()
	for _, state := range []string{"still", "changed"} {
		if state == "changed" {
			d.Network = func() network.Picture {
				pic := still
				pic.Uses = slices.Clone(still.Uses)
				return pic
			}
		}
		h := signedIn(newConsole(b, d))
		for _, path := range []string{"/zones", "/zones?view=pairs", "/zones?view=pairs&q=z4999", "/zones/z3/z22/drawer", "/firewalls"} {
			b.Run(state+strings.ReplaceAll(path, "/", "|"), func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					began := time.Now()
					if w := get(h, path); w.Code != http.StatusOK {
						b.Fatal(w.Code)
					}
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
			})
		}
	}
}

// TestMatrixByKeyboard walks the cells with the arrows, opens the drawer with Enter
// and comes back to the cell with Escape.
func TestMatrixByKeyboard(t *testing.T) {
	url := serve(t, newConsole(t, depsOf(newWorld(t, 0, 0))))
	b := open(t, 1280, 800, false)
	at := func(id string) chromedp.Action { return until("document.activeElement?.id === 'pair-" + id + "'") }
	b.run(t, "walk", chromedp.Navigate(url+"/zones"), chromedp.WaitVisible(".matrix"),
		chromedp.Focus("#pair-office-lan-to-dmz"), chromedp.KeyEvent(kb.ArrowRight), at("office-lan-to-crane-control"),
		chromedp.KeyEvent(kb.ArrowDown), at("tos-to-crane-control"), chromedp.KeyEvent(kb.ArrowRight), at("tos-to-cctv"),
		chromedp.KeyEvent(kb.ArrowRight), at("tos-to-cctv"), // the edge
		chromedp.KeyEvent(kb.ArrowLeft), at("tos-to-crane-control"))
	var heading, text string
	b.run(t, "open", chromedp.Focus("#pair-cctv-to-tos"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#drawer .drawer"),
		until("document.activeElement?.id === 'drawer-h'"), chromedp.Text("#drawer-h", &heading), chromedp.Text("#drawer", &text))
	if heading != "Cameras → Terminal operating system" || !strings.Contains(text, "firewall/fw-core-2.conf:32") {
		t.Errorf("the drawer is about %q", heading)
	}
	b.run(t, "close", chromedp.KeyEvent(kb.Escape), until("!document.querySelector('#drawer > *')"), at("cctv-to-tos"))
	b.run(t, "by click", chromedp.Click("#pair-dmz-to-tos"), until("document.querySelector('#drawer-h')?.textContent.startsWith('Terminal DMZ')"))
	b.run(t, "list", chromedp.Navigate(url+"/zones?view=pairs"), chromedp.WaitVisible("#pairs"),
		chromedp.KeyEvent("j"), at("cctv-to-tos"), chromedp.KeyEvent("j"), at("office-lan-to-crane-control"),
		chromedp.KeyEvent(kb.Enter), until("document.querySelector('#drawer-h')?.textContent.startsWith('Office')"),
		chromedp.KeyEvent(kb.Escape), at("office-lan-to-crane-control"))
	quiet(t, b, "matrix")
}

// TestManyZonesInABrowser: the table of levels leads to its pairs, and axe finds
// nothing serious on the list or in an open drawer.
func TestManyZonesInABrowser(t *testing.T) {
	url := serve(t, newConsole(t, wideDeps(t, 600, 0, 300)))
	b := open(t, 1280, 800, false)
	for _, palette := range []string{"day", "dark"} {
		b.run(t, "list", usePalette(url, palette), chromedp.Navigate(url+"/zones"), chromedp.WaitVisible(".groups"))
		for _, v := range audit(t, b) {
			t.Error(v)
		}
		b.run(t, "levels", chromedp.Click(".groups .is-did"), until("location.search.includes('from=') && document.readyState === 'complete' && document.querySelector('#pairs')"),
			chromedp.KeyEvent("j"), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#drawer .drawer"))
		for _, v := range audit(t, b) {
			t.Error(v)
		}
		quiet(t, b, "many zones")
	}
}

// TestNoZoneIsSaid: traffic of an address that no zone holds is in no cell, and the
// page says so.
func TestNoZoneIsSaid(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := depsOf(w)
	d.Network = func() network.Picture {
		pic := w.Network()
		pic.Uses = append(slices.Clone(pic.Uses), network.ConduitUse{From: "tos", To: "", Transport: "tcp", Port: 22, Verdict: network.Undecided, Flows: 1, Last: w.Now()})
		return pic
	}
	body := get(signedIn(newConsole(t, d)), "/zones").Body.String()
	if !strings.Contains(body, "1 kind of conversation has an end that no zone holds") || len(cellsOf(body)) != 8 {
		t.Errorf("%d cells, and the page does not say what stands in none", len(cellsOf(body)))
	}
}

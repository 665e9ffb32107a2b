package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// drawnThing is what of the picture the tests look at, read from its JSON.
type drawnThing struct {
	X, Y, W, H              float64
	ID, Zone, Label, State  string
	Level                   float64
	Open                    bool
	From, To, Verdict, Href string
}

type drawnNetwork struct{ Lanes, Zones, Links, Devices []drawnThing }

func drawingOf(t testing.TB, h http.Handler, path string) drawnNetwork {
	t.Helper()
	w := get(h, path)
	if w.Code != http.StatusOK {
		t.Fatalf("%s answers %d", path, w.Code)
	}
	var d drawnNetwork
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func overlap(a, b drawnThing) bool {
	return a.X-a.W/2 < b.X+b.W/2 && b.X-b.W/2 < a.X+a.W/2 && a.Y-a.H/2 < b.Y+b.H/2 && b.Y-b.H/2 < a.Y+a.H/2
}

func within(a, b drawnThing) bool {
	return a.X-a.W/2 >= b.X-b.W/2 && a.X+a.W/2 <= b.X+b.W/2 && a.Y-a.H/2 >= b.Y-b.H/2 && a.Y+a.H/2 <= b.Y+b.H/2
}

// TestNetworkPicture: lanes go down by level, each zone lies in its own, nothing
// lies on anything else, and only open zones send their devices.
func TestNetworkPicture(t *testing.T) {
	w := newWorld(t, 500, 50)
	h := signedIn(newConsole(t, depsOf(w)))
	for path, open := range map[string][]string{"/network.json": nil, "/network.json?open=cctv&open=office-lan&open=none&open=cctv": {"cctv", "office-lan"}} {
		d := drawingOf(t, h, path)
		if len(d.Zones) != len(w.Port.Zones) {
			t.Fatalf("%s draws %d zones of %d", path, len(d.Zones), len(w.Port.Zones))
		}
		lane := map[float64]drawnThing{}
		for i, l := range d.Lanes {
			lane[l.Level] = l
			if i > 0 && (l.Level >= d.Lanes[i-1].Level || l.Y <= d.Lanes[i-1].Y || overlap(l, d.Lanes[i-1])) {
				t.Errorf("%s: level %g lies not below level %g", path, l.Level, d.Lanes[i-1].Level)
			}
		}
		place := map[string]drawnThing{}
		for i, z := range d.Zones {
			place[z.ID] = z
			if !within(z, lane[w.Port.Zone(z.ID).Level]) {
				t.Errorf("%s: %s lies outside the lane of its level", path, z.ID)
			}
			if z.Open != slices.Contains(open, z.ID) {
				t.Errorf("%s: %s is open: %v", path, z.ID, z.Open)
			}
			for _, other := range d.Zones[:i] {
				if overlap(z, other) {
					t.Errorf("%s: %s lies on %s", path, z.ID, other.ID)
				}
			}
		}
		count := map[string]int{}
		for i, a := range d.Devices {
			count[a.Zone]++
			if !slices.Contains(open, a.Zone) || !within(a, place[a.Zone]) {
				t.Errorf("%s: device %s lies outside its open zone %s", path, a.ID, a.Zone)
			}
			for _, b := range d.Devices[:i] {
				if overlap(a, b) {
					t.Fatalf("%s: device %s lies on %s", path, a.ID, b.ID)
				}
			}
		}
		for _, id := range open {
			if count[id] == 0 || count[id] > 200 {
				t.Errorf("%s: %d devices of %s", path, count[id], id)
			}
		}
	}
	if a, b := get(h, "/network.json?open=tos").Body.String(), get(h, "/network.json?open=tos").Body.String(); a != b {
		t.Error("the same network is drawn in two ways")
	}
}

// TestNetworkLinks: each line of the picture says what the port file and the
// traffic say, counted here from both.
func TestNetworkLinks(t *testing.T) {
	w := newWorld(t, 0, 0)
	d := drawingOf(t, signedIn(newConsole(t, depsOf(w))), "/network.json")
	declared, seen, bad := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range w.Port.Conduits {
		declared[c.From+">"+c.To] = true
	}
	for _, u := range w.Network().Uses {
		if u.From != u.To {
			seen[u.From+">"+u.To] = true
			bad[u.From+">"+u.To] = bad[u.From+">"+u.To] || u.Verdict == network.Undeclared
		}
	}
	kinds := map[string]int{}
	for _, l := range d.Links {
		k := l.From + ">" + l.To
		kinds[l.Verdict]++
		if !declared[k] && !seen[k] {
			t.Errorf("%s is neither declared nor seen", k)
		}
		if (l.Verdict == "v-undeclared") != bad[k] || (l.Verdict == "v-unseen") != !seen[k] {
			t.Errorf("%s is drawn as %s: outside conduits %v, seen %v", k, l.Verdict, bad[k], seen[k])
		}
		delete(declared, k)
		delete(seen, k)
	}
	if len(declared)+len(seen) > 0 {
		t.Errorf("not drawn: declared %v, seen %v", declared, seen)
	}
	if kinds["v-undeclared"] == 0 || kinds["v-unseen"] == 0 || kinds["v-seen"] == 0 {
		t.Errorf("the made-up port has not all kinds (%v): the test does not test what it says", kinds)
	}
}

// TestNetworkRight: picture and page need the right to the network, and findings
// are not counted for who may not see them.
func TestNetworkRight(t *testing.T) {
	d := depsOf(newWorld(t, 0, 50))
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool { return a != identity.ViewNetwork }
	for _, path := range []string{"/network", "/network.json"} {
		if w := get(signedIn(newConsole(t, d)), path); w.Code != http.StatusForbidden {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
	d.Allowed = func(_ context.Context, a identity.Action, _ identity.Resource) bool { return a == identity.ViewNetwork }
	h := signedIn(newConsole(t, d))
	if body := get(h, "/network").Body.String(); !strings.Contains(body, "your role does not see them") {
		t.Error("the page does not say that findings are hidden")
	}
	for _, z := range drawingOf(t, h, "/network.json").Zones {
		if strings.Contains(z.Label, "▲") {
			t.Errorf("%s tells findings to who may not see them", z.ID)
		}
	}
}

// wideNetwork is a port of many zones, conduits and hosts. The last zone is
// everything outside.
func wideNetwork(t testing.TB, zones, hosts int) (*port.Port, network.Picture) {
	t.Helper()
	levels := []string{"5", "4", "3.5", "3", "2", "1", "0"}
	var file, conduits strings.Builder
	file.WriteString("port: {name: Wide, locode: XZSLM, time_zone: UTC, currency: EUR, security_level: 1, centre: [1, 2]}\nzones:\n")
	conduits.WriteString("conduits:\n")
	pic := network.Picture{}
	for i := range zones {
		fmt.Fprintf(&file, "  - {id: z%d, name: Zone %d, domain: ot, level: %s, networks: [10.%d.%d.0/24]}\n", i, i, levels[i%len(levels)], i>>8, i&255)
		fmt.Fprintf(&conduits, "  - {id: c%d, from: z%d, to: z%d, allow: [{transport: tcp, ports: [502]}], reason: work}\n", i, i, (i*7+1)%zones)
		pic.Uses = append(pic.Uses, network.ConduitUse{From: fmt.Sprint("z", i), To: fmt.Sprint("z", (i*7+1+i%2)%zones), Transport: "tcp", Port: 502, Verdict: gravities[i%3]})
	}
	for i := range hosts {
		pic.Hosts = append(pic.Hosts, network.Host{ID: fmt.Sprintf("ip:10.%d.%d.%d", i>>16, i>>8&255, i&255), Zone: fmt.Sprint("z", i%zones), Role: "unknown"})
	}
	p, err := port.Parse("wide.yaml", []byte(file.String()+conduits.String()), time.Now())
	if p == nil || p.Zone("z1") == nil {
		t.Fatalf("the wide port does not load: %.400v", err)
	}
	return p, pic
}

var gravities = []network.Verdict{network.Undeclared, network.Undecided, network.AllowedSeen}

// TestNetworkIsBounded: a page of 5,000 zones stays short and leads on to the rest.
func TestNetworkIsBounded(t *testing.T) {
	d := depsOf(newWorld(t, 0, 0))
	p, pic := wideNetwork(t, 5000, 20_000)
	d.Port, d.Network = func() *port.Port { return p }, func() network.Picture { return pic }
	h := signedIn(newConsole(t, d))
	var open strings.Builder
	for i := range 20 {
		fmt.Fprintf(&open, "&open=z%d", i)
	}
	body := get(h, "/network?x=1"+open.String()).Body.String()
	if len(body) > 400_000 || !strings.Contains(body, "8 more stay closed") || !strings.Contains(body, "from=200") {
		t.Errorf("%d bytes; the bound on open zones and the next page are said: %v, %v", len(body), strings.Contains(body, "8 more stay closed"), strings.Contains(body, "from=200"))
	}
	if n := strings.Count(get(h, "/network?from=4900").Body.String(), "data-row>"); n != 100 {
		t.Errorf("the last page has %d zones, want 100", n)
	}
	if d := drawingOf(t, h, "/network.json?open=z1"); len(d.Zones) != 5000 || len(d.Devices) != 4 {
		t.Errorf("%d zones, %d devices", len(d.Zones), len(d.Devices))
	}
}

// BenchmarkNetworkPage is the page and its picture at 100,000 hosts and 5,000
// zones and conduits; the goal is 100 ms.
func BenchmarkNetworkPage(b *testing.B) {
	d := depsOf(newWorld(b, 0, manyFindings))
	p, pic := wideNetwork(b, 5000, 100_000)
	d.Port, d.Network = func() *port.Port { return p }, func() network.Picture { return pic }
	h := signedIn(newConsole(b, d))
	for _, path := range []string{"/network", "/network?open=z1&open=z2", "/network.json", "/network.json?open=z1&open=z2"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				if w := get(h, path); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// TestNetworkByKeyboard walks to a zone, opens and closes it; the tables and the
// address follow, and the policy of the page is kept.
func TestNetworkByKeyboard(t *testing.T) {
	url := serve(t, newConsole(t, depsOf(newWorld(t, 0, 20))))
	b := open(t, 1280, 800, false)
	var said, address string
	b.run(t, "open", chromedp.Navigate(url+"/network"), until("document.getElementById('net').dataset.state === 'live'"),
		chromedp.Focus("#net-picture"), chromedp.KeyEvent(kb.ArrowDown), until("document.getElementById('net-say').textContent.startsWith('Internet')"),
		chromedp.KeyEvent(kb.ArrowDown), until("document.getElementById('net-say').textContent.startsWith('Office')"),
		chromedp.KeyEvent(kb.Enter), until("document.getElementById('net').dataset.open === '1' && document.querySelector('.net-devices')"),
		chromedp.Text("#net-say", &said), chromedp.Location(&address))
	if !strings.Contains(said, "open") || !strings.HasSuffix(address, "/network?open=office-lan") {
		t.Errorf("after Enter the page says %q at %s", said, address)
	}
	b.run(t, "close", chromedp.KeyEvent(kb.Enter), until("document.getElementById('net').dataset.open === '0' && !document.querySelector('.net-devices')"), chromedp.Location(&address))
	if !strings.HasSuffix(address, "/network") {
		t.Errorf("after closing the address is %s", address)
	}
	quiet(t, b, "network")
}

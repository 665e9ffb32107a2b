// Package consoletest makes a port with something going on in it, for the tests
// and benchmarks of the console: the register, pictures of every world and the
// findings of an attack that crosses from a camera to the terminal operating
// system. The tests of the console alone import it.
package consoletest

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/firewall"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/health"
	"github.com/quaywatch/quaywatch/internal/watch/network"
	"github.com/quaywatch/quaywatch/internal/watch/physical"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

//go:embed port.yaml
var portYAML string

//go:embed fw-core-2.conf
var wallText string

// Now is the moment at which every made-up world stands.
var Now = time.Date(2026, 11, 23, 14, 32, 8, 0, time.UTC)

// World is what a console is shown. Moving ships and raising findings go
// through its methods, so that live pages can be tested.
type World struct {
	Port *port.Port
	Desk *Desk

	mu       sync.Mutex
	now      time.Time
	vessels  vessel.Picture
	network  network.Picture
	physical physical.Picture
	health   health.Picture
	walls    *firewall.Survey
}

// New makes a world with more assets and more old findings than it needs.
func New(assets, findings int) (*World, error) {
	p, err := Port(assets)
	if err != nil {
		return nil, err
	}
	w := &World{Port: p, now: Now, Desk: NewDesk(append(Findings(), Crowd(findings)...))}
	w.vessels, w.network, w.physical, w.health = ships(), traffic(p), persons(), feeds()
	return w, nil
}

// Port is the small Saltmere with n more assets in the office.
func Port(n int) (*port.Port, error) {
	var more strings.Builder
	for i := range n {
		fmt.Fprintf(&more, "  - {id: desk-%05d, name: \"Desk computer %d\", domain: it, kind: workstation, vendor: Bureau, model: B%d, addresses: [{ip: 10.20.%d.%d}], zone: office-lan, owner: authority, criticality: low}\n",
			i, i, i%7, 10+i/250, 1+i%250)
	}
	text := strings.Replace(portYAML, "services:\n", more.String()+"services:\n", 1)
	p, problems := port.Parse("saltmere.yaml", []byte(text), Now)
	for _, pr := range problems {
		if !pr.Warning {
			return nil, problems
		}
	}
	return p, nil
}

// Now is the time of the world; Advance moves it on.
func (w *World) Now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

// Advance moves the clock and every ship by d.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
	w.vessels.AsOf = w.now
	tracks := make([]vessel.Track, len(w.vessels.Tracks))
	copy(tracks, w.vessels.Tracks)
	for i := range tracks {
		if t := &tracks[i]; t.SOG > 0.5 {
			nm := float64(t.SOG) * d.Hours()
			t.Lat += nm / 60 * math.Cos(float64(t.COG)*math.Pi/180)
			t.Lon += nm / 60 * math.Sin(float64(t.COG)*math.Pi/180) / math.Cos(t.Lat*math.Pi/180)
		}
	}
	w.vessels.Tracks = tracks
}

// PositionsAt implements console.History: every vessel went on as it goes now,
// and nobody was heard before the oldest was first.
func (w *World) PositionsAt(_ context.Context, _ [4]float64, at time.Time, _ time.Duration, limit int) ([]event.VesselReport, error) {
	var out []event.VesselReport
	for _, t := range w.Vessels().Tracks {
		if math.IsNaN(t.Lat) || at.Before(t.First) || len(out) == limit {
			continue
		}
		if t.SOG > 0.5 {
			nm := float64(t.SOG) * at.Sub(t.Time).Hours()
			t.Lat += nm / 60 * math.Cos(float64(t.COG)*math.Pi/180)
			t.Lon += nm / 60 * math.Sin(float64(t.COG)*math.Pi/180) / math.Cos(t.Lat*math.Pi/180)
		}
		out = append(out, event.VesselReport{Head: event.Head{Time: at}, MMSI: t.MMSI, Lat: t.Lat, Lon: t.Lon, SOG: t.SOG, COG: t.COG, Heading: t.Heading})
	}
	return out, nil
}

// Fleet puts n more vessels under way around the port.
func (w *World) Fleet(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	tracks := w.vessels.Tracks[:len(w.vessels.Tracks):len(w.vessels.Tracks)]
	for i := range n {
		t := vessel.Track{MMSI: uint32(200_000_000 + i), Name: fmt.Sprintf("FLEET %04d", i), Kind: "ship", ShipType: uint8(30 + i%60), First: Now.Add(-time.Hour), LastHeard: Now, Length: 90}
		t.Fix = vessel.Fix{Time: Now, Lat: 45.05 + 0.5*float64(i*7919%1000)/1000, Lon: -12.35 + 0.6*float64(i*104729%1009)/1009, SOG: 4 + float32(i%16), COG: float32(i * 37 % 360)}
		t.Heading = t.COG
		tracks = append(tracks, t)
	}
	w.vessels.Tracks = tracks
}

// Vessels is the picture of the sea.
func (w *World) Vessels() vessel.Picture { w.mu.Lock(); defer w.mu.Unlock(); return w.vessels }

// Network is the picture of the network.
func (w *World) Network() network.Picture { w.mu.Lock(); defer w.mu.Unlock(); return w.network }

// Physical is the picture of the people on site.
func (w *World) Physical() physical.Picture { w.mu.Lock(); defer w.mu.Unlock(); return w.physical }

// Health is the picture of the sources.
func (w *World) Health() health.Picture { w.mu.Lock(); defer w.mu.Unlock(); return w.health }

// Activity implements console.Activity: every world but cargo has a source.
func (w *World) Activity(_ context.Context, _, _ time.Time, buckets int) (map[finding.Domain][]int, error) {
	out := map[finding.Domain][]int{}
	for i, d := range []finding.Domain{finding.IT, finding.OT, finding.Physical, finding.Sea} {
		row := make([]int, buckets)
		for j := range row {
			row[j] = int(40 + 35*math.Sin(float64(j*(i+2))/9) + float64((j*7919+i*104729)%23))
		}
		out[d] = row
	}
	return out, nil
}

func ships() vessel.Picture {
	nan := float32(math.NaN())
	ship := func(mmsi uint32, name string, lon, lat float64, sog, cog float32, status int8) vessel.Track {
		t := vessel.Track{MMSI: mmsi, Name: name, CallSign: "SM" + fmt.Sprint(mmsi%1000), Kind: "ship", Heading: cog, Status: status, Length: 180, Beam: 28,
			Destination: "XZSLM", First: Now.Add(-5 * time.Hour), LastHeard: Now.Add(-2 * time.Second), Reports: 2210, Source: "ais-north-head"}
		t.Fix = vessel.Fix{Time: Now.Add(-2 * time.Second), Lat: lat, Lon: lon, SOG: sog, COG: cog}
		if sog < 0.5 {
			t.Heading, t.COG = 98, nan
		}
		for i := 6; i > 0 && sog > 0.5; i-- {
			nm := float64(sog) * float64(i) * 1.5 / 60
			t.Past = append(t.Past, vessel.Fix{Time: Now.Add(-time.Duration(i) * 90 * time.Second), SOG: sog, COG: cog,
				Lat: lat - nm/60*math.Cos(float64(cog)*math.Pi/180), Lon: lon - nm/60*math.Sin(float64(cog)*math.Pi/180)/math.Cos(lat*math.Pi/180)})
		}
		return t
	}
	out := []vessel.Track{
		ship(212123000, "NORDIC HERON", -12.0640, 45.2992, 9.6, 82, 0),
		ship(227006760, "AMBER TRADER", -12.0450, 45.3028, 6.1, 84, 0),
		ship(228001234, "SALTMERE PILOT 1", -12.0380, 45.3045, 14.2, 260, 0),
		ship(235098765, "CAPE LINDEN", -12.0150, 45.3067, 0, 0, 5),
		ship(244660920, "MERE STAR", -12.0060, 45.3067, 0, 0, 5),
		ship(255805561, "OSTRA", -12.0540, 45.3062, 0.1, 0, 1),
		ship(311000123, "BLUE PETREL", -12.0520, 45.3076, 0.1, 0, 1),
		ship(538006789, "GRAND SOLENT", -12.0280, 45.3010, 4.4, 95, 0),
		ship(636019876, "HELIX GAS", -12.0240, 45.2990, 0.1, 0, 5),
	}
	out[5].Findings = []string{finding.ID("vessel.displaced-together", finding.Subject{Kind: "area", ID: "anchorage-b"})}
	out[6].Findings = out[5].Findings
	lost := ship(992281234, "", 0, 0, 0, 0, -1)
	lost.Kind, lost.Lat, lost.Lon, lost.SOG = "aid", math.NaN(), math.NaN(), nan
	return vessel.Picture{AsOf: Now.Add(-2 * time.Second), Tracks: append(out, lost)}
}

func traffic(p *port.Port) network.Picture {
	pic := network.Picture{AsOf: Now.Add(-3 * time.Second)}
	for i := range p.Assets {
		a := &p.Assets[i]
		if len(a.Addresses) == 0 || a.ID == "tos-db-1" {
			continue
		}
		h := network.Host{ID: fmt.Sprintf("mac:02:51:00:%02x:%02x:%02x", i>>16, i>>8&255, i&255), IPs: []string{a.Addresses[0].IP.String()}, Zone: a.Zone, Asset: a.ID,
			Vendor: a.Vendor, Model: a.Model, Firmware: a.Firmware, Role: "server", RoleWhy: "answers more than it asks", First: Now.Add(-72 * time.Hour),
			Last: Now.Add(-time.Duration(i%50) * time.Second), Flows: uint64(100 + i), BytesOut: 120_400, BytesIn: 9_340_000, Sources: []string{"span-core"}}
		if a.ID == "plc-asc-04" {
			h.Firmware, h.Role = "3.3.0", "controller"
			asked := func(client, operation, function string, ago time.Duration, n uint64) network.Touch {
				return network.Touch{Client: client, Protocol: "s7comm", Operation: operation, Function: function, First: Now.Add(-ago), Last: Now.Add(time.Minute - ago), Asked: n, Accepted: n}
			}
			h.Operations = []network.Touch{asked("10.20.0.77", "start", "plc control", 5*time.Hour, 1), asked("10.20.0.77", "firmware", "download block", 6*time.Hour, 312), asked("10.30.1.12", "write", "write variable", 70*time.Hour, 41)}
		}
		if a.ID == "nvr-2" {
			h.Services = []network.Service{{Transport: "tcp", Port: 554, Application: "rtsp", First: h.First, Last: h.Last, Clients: 6}}
		}
		pic.Hosts = append(pic.Hosts, h)
	}
	pic.Hosts = append(pic.Hosts, network.Host{ID: "ip:10.50.0.99", IPs: []string{"10.50.0.99"}, Zone: "cctv", Role: "unknown", RoleWhy: "only asked, never answered", First: Now.Add(-11 * time.Minute), Last: Now.Add(-time.Minute), Flows: 14, Sources: []string{"span-core"}})
	use := func(from, to, conduit string, portNo uint16, app string, v network.Verdict, why, example string, asked ...string) {
		client, server, _ := strings.Cut(example, " → ")
		server, _, _ = strings.Cut(server, ":")
		pic.Uses = append(pic.Uses, network.ConduitUse{From: from, To: to, Conduit: conduit, Transport: "tcp", Port: portNo, Application: app, Verdict: v, Why: why,
			Flows: 321, Answered: 300, Bytes: 5_220_000, First: Now.Add(-70 * time.Hour), Last: Now.Add(-time.Minute), Example: example, Pairs: 3, Client: client, Server: server, Operations: asked})
	}
	use("cctv", "tos", "", 1433, "", network.Undeclared, "no conduit from Cameras to Terminal operating system", "10.50.1.2 → 10.30.1.12:1433")
	use("office-lan", "dmz", "office-dmz", 443, "tls", network.AllowedSeen, "conduit office-dmz", "10.20.4.7 → 10.30.0.9:443")
	use("dmz", "tos", "dmz-tos", 8443, "tls", network.AllowedSeen, "conduit dmz-tos", "10.30.0.9 → 10.30.1.12:8443")
	use("tos", "crane-control", "tos-cranes", 102, "s7comm", network.Undecided, "joined in the middle: who opened it is not known", "10.30.1.12 → 10.40.0.104:102", "read", "write")
	return pic
}

// Walls judges the configuration of the core firewall: it stands between all zones
// but vessel traffic, and lets more through than the conduits allow.
func (w *World) Walls() *firewall.Survey {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.walls == nil {
		pol, err := firewall.Read("firewall/fw-core-2.conf", []byte(wallText), firewall.Options{})
		if err != nil {
			panic(err) // it is part of the program
		}
		w.walls = firewall.NewSurvey(w.Port, Now, []*firewall.Device{firewall.Place(w.Port, pol, "fw-core-2")})
	}
	return w.walls
}

// Narrow proposes what a month of listening would.
func (w *World) Narrow(days int, conduits ...string) []network.Narrowing {
	var out []network.Narrowing
	for _, id := range conduits {
		n := network.Narrowing{Conduit: id, Verdict: "tight", Why: "every line was used as wide as it is declared"}
		switch id {
		case "tos-cranes":
			n.Verdict, n.Why = "undecided", "some of its traffic is undecided: joined in the middle: who opened it is not known"
		case "dmz-tos":
			n.Verdict, n.Why = "narrower", "1 client and 1 server used it; the proposal lets all of that traffic through"
			n.Unused = []string{"{transport: tcp, ports: [8443]}: only {transport: tcp, ports: [8443], application: tls} was used"}
			n.YAML = "- id: dmz-tos\n  from: dmz\n  to: tos\n  allow:\n    - {transport: tcp, ports: [8443], application: tls}\n"
		case "tos-cctv":
			n.Verdict, n.Why = "unused", "no traffic used it; if nothing rare needs it, remove it"
		}
		out = append(out, n)
	}
	return out
}

// Listening is a little over a month.
func (w *World) Listening() network.Listening {
	return network.Listening{Since: Now.Add(-31 * 24 * time.Hour), Until: Now, Heard: 31*24*time.Hour - time.Hour}
}

func persons() physical.Picture {
	at := func(min int) time.Time { return Now.Add(-time.Duration(min) * time.Minute) }
	return physical.Picture{
		AsOf: at(1),
		Presence: []physical.Presence{
			{Party: "p-ahlgren", Name: "Shift leader, quay", Badge: "100231", Area: "ct-quay", Since: at(94), Last: at(94), Reader: "rdr-cabinet", Allowed: true},
			{Party: "p-duarte", Name: "Duty engineer", Badge: "100244", Area: "ct-terminal", Since: at(19 * 60), Last: at(19 * 60), Reader: "rdr-gate", Allowed: true, Doubt: "entered 19 h ago and no exit was seen"},
			{Name: "badge 990017", Badge: "990017", Area: "ct-terminal", Since: at(12), Last: at(12), Reader: "rdr-gate"},
		},
		Readers: []physical.ReaderState{
			{Reader: "rdr-cabinet", Area: "ct-quay", Last: at(10), Granted: 31, Refused: 2, Declared: true},
			{Reader: "rdr-gate", Area: "ct-terminal", Last: at(1), Granted: 1204, Refused: 17, Declared: true},
			{Reader: "rdr-hall", Area: "server-hall", Last: at(240), Granted: 12, Declared: true},
			{Reader: "rdr-vts", Area: "vts-room", Declared: true},
		},
		Areas: []physical.AreaCount{
			{Area: "ct-quay", Inside: 1, Known: true}, {Area: "ct-terminal", Inside: 2, Doubtful: 1, NotAllowed: 1, Known: true},
			{Area: "server-hall", Known: true}, {Area: "vts-room"},
		},
	}
}

func feeds() health.Picture {
	source := func(id, kind, domain string, s health.Status, why string, ago time.Duration, rate float64) health.Source {
		h := event.SourceHealth{State: "live", LastSeen: Now.Add(-ago), LastTold: Now.Add(-ago), Accepted: 184_220, Skipped: 1_204, Rate: rate}
		return health.Source{ID: id, Kind: kind, Domain: domain, Status: s, Since: Now.Add(-ago), Why: why, Health: h}
	}
	ais := source("ais-north-head", "ais", "sea", health.Live, "expected every 10 s", 2*time.Second, 41.5)
	bad := []byte("!AIVDM,1,1,,A,15MwkT1P37G?fl0EJbR0OwT0@MS,0*4F")
	ais.Health.Rejected = 37
	ais.Health.Reasons = []event.Reason{{Text: "checksum does not match", Count: 37, Last: event.Raw{Input: "tcp://127.0.0.1:4001", Offset: 90211, Line: 1880, Length: len(bad), Text: bad}}}
	ais.Health.HasDrift, ais.Health.Drift, ais.Health.DriftFrom = true, -420*time.Millisecond, "AIS base station 2288001"
	return health.Picture{AsOf: Now.Add(-time.Second), Sources: []health.Source{
		ais,
		source("badge-log", "access", "physical", health.Live, "expected every 10 min", time.Minute, 0.3),
		source("camera-vms", "access", "physical", health.Silent, "nothing for 4 min, expected every 30 s", 4*time.Minute, 0),
		source("span-core", "pcap", "it", health.Live, "expected every 5 s", 3*time.Second, 2210),
	}}
}

package network

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket/macs"
	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

var epoch = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

const testPort = `
port: {name: Test quay, locode: FRTST, time_zone: UTC, currency: EUR, security_level: 1, centre: [0.1, 49.5]}
sites:
  - {id: site, name: Site, kind: container-terminal, position: [0.1, 49.5]}
zones:
  - {id: office, name: Office, domain: it, level: 4, networks: [10.10.0.0/16]}
  - {id: cctv, name: Cameras, domain: physical, level: 3, networks: [10.40.0.0/16]}
  - {id: scada, name: Crane control, domain: ot, level: 2, networks: [10.20.1.0/24]}
  - {id: cranes, name: Cranes, domain: ot, level: 1, networks: [10.20.2.0/24]}
  - {id: outside, name: Outside, domain: it, level: 5, external: true}
conduits:
  - {id: poll, name: Poll, from: scada, to: cranes, reason: polling, allow: [{transport: tcp, ports: [502], application: modbus, access: read}]}
  - {id: video, name: Video, from: office, to: cctv, reason: guards, allow: [{transport: tcp, ports: [554], application: rtsp}, {transport: tcp, ports: [8000-8100]}]}
  - {id: old, name: Old, from: office, to: scada, reason: project, expires: 2026-02-01, allow: [{transport: tcp, ports: [443]}]}
assets:
  - {id: plc-1, name: Crane 1 PLC, domain: ot, kind: plc, vendor: Siemens, serial: S C-123, zone: cranes, criticality: critical, addresses: [{ip: 10.20.2.9}]}
  - {id: hmi-1, name: HMI 1, domain: ot, kind: hmi, zone: scada, criticality: high, addresses: [{ip: 10.20.1.5, mac: "00:0c:29:00:00:01"}]}
services:
  - {id: quay, name: Quay cranes, unit: moves/h, capacity: 30, needs: {id: plc-1}}
`

func load(t testing.TB) *port.Port {
	t.Helper()
	return loadText(t, testPort)
}

func loadText(t testing.TB, text string) *port.Port {
	t.Helper()
	path := filepath.Join(t.TempDir(), "port.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := port.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run feeds rows and returns the watch with what it told.
func run(t testing.TB, p *port.Port, b event.Batch) (*Watch, []finding.Occurrence) {
	t.Helper()
	var told []finding.Occurrence
	w := New(p, Options{}, func(o finding.Occurrence) { told = append(told, o) })
	w.Observe(&b)
	return w, told
}

// flow makes an answered TCP flow with a seen opening.
func flow(client, server string, n uint16, app string, ops ...string) event.Flow {
	return event.Flow{Head: event.Head{Time: epoch, Seen: epoch, Source: "test", Raw: event.Raw{Input: "x.pcap", Line: 1}}, Last: epoch.Add(time.Second),
		Client: event.Endpoint{IP: client, Port: 50000}, Server: event.Endpoint{IP: server, Port: n},
		Direction: event.DirectionSeen, Transport: "tcp", Application: app, Operations: ops,
		PacketsOut: 3, PacketsIn: 2, BytesOut: 300, BytesIn: 200, Answered: true}
}

func with(f event.Flow, change func(*event.Flow)) event.Flow { change(&f); return f }

func unseen(f *event.Flow) { f.Direction = event.DirectionUnknown }

func nobody(f *event.Flow) { f.Answered, f.PacketsIn, f.BytesIn = false, 0, 0 }

func TestVerdicts(t *testing.T) {
	p := load(t)
	for _, c := range []struct {
		name string
		flow event.Flow
		want Verdict
		why  string
	}{
		{"allowed", flow("10.20.1.5", "10.20.2.9", 502, "modbus", "read"), AllowedSeen, "reading only"},
		{"identify is reading", flow("10.20.1.5", "10.20.2.9", 502, "modbus", "identify", "read"), AllowedSeen, ""},
		{"write where only reading is allowed", flow("10.20.1.5", "10.20.2.9", 502, "modbus", "read", "write"), Undeclared, "write was asked"},
		{"operations not known", flow("10.20.1.5", "10.20.2.9", 502, "modbus"), Undecided, "not known"},
		{"a function that is neither", flow("10.20.1.5", "10.20.2.9", 502, "modbus", "other", "read"), Undecided, `"other"`},
		{"content not recognised", flow("10.20.1.5", "10.20.2.9", 502, ""), Undecided, "not recognised"},
		{"other content on the port", flow("10.20.1.5", "10.20.2.9", 502, "http", "other"), Undeclared, "the content is http"},
		{"other port", flow("10.20.1.5", "10.20.2.9", 102, "s7comm", "read"), Undeclared, "does not allow tcp port 102"},
		{"other way round", flow("10.20.2.9", "10.20.1.5", 502, "modbus", "read"), Undeclared, "no conduit from cranes to scada"},
		{"inside one zone", flow("10.20.1.5", "10.20.1.6", 80, "http"), SameZone, ""},
		{"range of ports", flow("10.10.1.1", "10.40.1.1", 8050, ""), AllowedSeen, "video"},
		{"expired", flow("10.10.1.1", "10.20.1.5", 443, "tls"), Undeclared, "ended on 2026-02-01"},
		{"outside in", flow("198.51.100.7", "10.20.2.9", 502, "modbus", "read"), Undeclared, "no conduit from outside"},
		{"not seen, both ways undeclared", with(flow("10.10.1.1", "10.20.2.9", 502, "modbus"), unseen), Undeclared, "same both ways"},
		{"not seen, ways differ", with(flow("10.10.1.1", "10.40.1.1", 554, "rtsp"), unseen), Undecided, "was not seen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, _ := run(t, p, event.Batch{Flows: []event.Flow{c.flow}})
			var got []ConduitUse
			for _, u := range w.Picture().Uses {
				if u.Verdict != AllowedUnseen {
					got = append(got, u)
				}
			}
			if len(got) != 1 || got[0].Verdict != c.want || !strings.Contains(got[0].Why, c.why) {
				t.Errorf("got %+v, want %q because %q", got, c.want, c.why)
			}
		})
	}
}

func TestNotJudged(t *testing.T) {
	for name, f := range map[string]event.Flow{
		"multicast":       flow("10.20.1.5", "239.1.2.3", 2222, ""),
		"broadcast":       flow("10.20.1.5", "255.255.255.255", 67, ""),
		"zone broadcast":  flow("10.10.1.5", "10.20.2.255", 137, ""),
		"link-local":      flow("169.254.1.1", "10.20.2.9", 80, ""),
		"loopback":        flow("127.0.0.1", "127.0.0.1", 502, "modbus"),
		"outside outside": flow("198.51.100.1", "203.0.113.1", 443, "tls"),
		"below IP": with(flow("", "", 0, ""), func(f *event.Flow) {
			f.Transport, f.Client.MAC, f.Server.MAC = "ether/0x88a4", "00:0c:29:00:00:01", "01:00:5e:00:00:01"
		}),
	} {
		t.Run(name, func(t *testing.T) {
			w, told := run(t, load(t), event.Batch{Flows: []event.Flow{f}})
			for _, u := range w.Picture().Uses {
				if u.Verdict != AllowedUnseen {
					t.Errorf("judged: %+v", u)
				}
			}
			for _, o := range told {
				if o.Rule == RuleUndeclared {
					t.Errorf("told: %s", o.Title)
				}
			}
		})
	}
}

func TestUnusedLinesAreListed(t *testing.T) {
	w, _ := run(t, load(t), event.Batch{Flows: []event.Flow{flow("10.10.1.1", "10.40.1.1", 554, "rtsp", "read")}})
	var unused []string
	for _, u := range w.Picture().Uses {
		if u.Verdict == AllowedUnseen {
			unused = append(unused, fmt.Sprintf("%s %d", u.Conduit, u.Port))
		}
	}
	slices.Sort(unused)
	if diff := cmp.Diff([]string{"old 443", "poll 502", "video 8000"}, unused); diff != "" {
		t.Error(diff)
	}
}

func TestUndeclaredFinding(t *testing.T) {
	_, told := run(t, load(t), event.Batch{Flows: []event.Flow{
		flow("10.40.1.7", "10.20.2.9", 102, "s7comm", "read", "stop"),
		flow("10.40.1.7", "10.20.2.9", 102, "s7comm", "read", "stop"), // the same again: not told
		with(flow("10.40.1.7", "10.20.2.10", 102, ""), nobody),
	}})
	var got []finding.Occurrence
	for _, o := range told {
		if o.Rule == RuleUndeclared {
			got = append(got, o)
		}
	}
	if len(got) != 2 {
		t.Fatalf("%d occurrences", len(got))
	}
	o := got[0]
	if o.Grade != finding.Confirmed || o.Severity != finding.Alarm || o.Technique != "T0858" {
		t.Errorf("%s %s %s", o.Grade, o.Severity, o.Technique)
	}
	if diff := cmp.Diff([]string{"quay"}, o.Services); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]finding.Domain{finding.Physical, finding.OT}, o.Domains); diff != "" {
		t.Error(diff)
	}
	if o.Facts[0].Evidence.Raw.Input != "x.pcap" || !strings.Contains(o.Title, "Crane 1 PLC") {
		t.Errorf("%+v", o)
	}
	if finding.ID(o.Rule, o.Subject) != finding.ID(got[1].Rule, got[1].Subject) {
		t.Error("one client into one zone is one finding")
	}
}

func TestExerciseStaysApart(t *testing.T) {
	mark := func(f *event.Flow) { f.Exercise = "ex-1" }
	w, told := run(t, load(t), event.Batch{Flows: []event.Flow{with(flow("10.40.1.7", "10.20.2.9", 102, "s7comm", "stop"), mark)}})
	if len(told) == 0 {
		t.Error("an exercise must be seen by the same rules")
	}
	for _, o := range told {
		if o.Exercise != "ex-1" {
			t.Errorf("not marked as exercise: %s", o.Title)
		}
	}
	p := w.Picture()
	if len(p.Hosts) != 0 || slices.ContainsFunc(p.Uses, func(u ConduitUse) bool { return u.Verdict != AllowedUnseen }) {
		t.Errorf("the exercise is in the picture of the real port: %+v", p.Hosts)
	}
}

func TestFindingGoesAway(t *testing.T) {
	w, _ := run(t, load(t), event.Batch{})
	var told []finding.Occurrence
	w.emit = func(o finding.Occurrence) { told = append(told, o) }
	w.Observe(&event.Batch{Flows: []event.Flow{flow("10.10.1.1", "10.20.2.9", 102, "s7comm")}})
	listen(w, epoch, 30*time.Minute)
	if slices.ContainsFunc(told, func(o finding.Occurrence) bool { return o.Cleared }) {
		t.Error("cleared after half an hour")
	}
	listen(w, epoch.Add(30*time.Minute), 90*time.Minute)
	if !slices.ContainsFunc(told, func(o finding.Occurrence) bool { return o.Cleared && o.Rule == RuleUndeclared }) {
		t.Error("not cleared after two hours without such traffic")
	}
}

func TestUnregisteredIsGradedByEvidence(t *testing.T) {
	sight := event.DeviceSighting{Head: event.Head{Time: epoch, Source: "test"}, MAC: "ac:cc:8e:00:00:03", IP: "10.40.1.7", Protocol: "arp"}
	for _, c := range []struct {
		name  string
		batch event.Batch
		want  []string
	}{
		{"only spoken to", event.Batch{Flows: []event.Flow{with(flow("10.20.1.5", "10.20.2.77", 502, ""), nobody)}}, nil},
		{"sends, MAC not its own", event.Batch{Flows: []event.Flow{flow("10.40.1.7", "10.20.2.9", 502, "")}}, []string{"10.40.1.7 likely"}},
		{"announced by ARP", event.Batch{Devices: []event.DeviceSighting{sight}}, []string{"10.40.1.7 confirmed"}},
		{"in the register", event.Batch{Flows: []event.Flow{flow("10.20.1.5", "10.20.2.9", 502, "modbus", "read")}}, nil},
		{"outside", event.Batch{Flows: []event.Flow{flow("198.51.100.7", "10.20.2.9", 502, "")}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, told := run(t, load(t), c.batch)
			var got []string
			for _, o := range told {
				if o.Rule == RuleUnregistered {
					got = append(got, o.Subject.ID+" "+o.Grade.String())
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIdentityMismatch(t *testing.T) {
	say := func(vendor, serial string) event.DeviceSighting {
		return event.DeviceSighting{Head: event.Head{Time: epoch, Source: "test"}, IP: "10.20.2.9", Protocol: "s7comm", Vendor: vendor, Serial: serial}
	}
	for _, c := range []struct {
		name string
		d    event.DeviceSighting
		want int
	}{
		{"the same", say("Siemens", "S C-123"), 0},
		{"written otherwise", say("SIEMENS AG", "sc123"), 0},
		{"another serial number", say("Siemens", "S C-999"), 1},
		{"another maker too", say("Acme", "S C-999"), 2},
		{"a banner is not believed", event.DeviceSighting{Head: event.Head{Time: epoch}, IP: "10.20.2.9", Protocol: "http", Vendor: "Acme"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, told := run(t, load(t), event.Batch{Devices: []event.DeviceSighting{c.d, c.d}})
			n := 0
			for _, o := range told {
				if o.Rule == RuleMismatch {
					n++
				}
			}
			if n != c.want {
				t.Errorf("%d told, want %d", n, c.want)
			}
		})
	}
}

func TestScanFoldsIntoOneFinding(t *testing.T) {
	var b event.Batch
	for i := range 200 {
		f := with(flow("10.10.1.66", fmt.Sprintf("10.20.2.%d", 1+i%250), 502, ""), nobody)
		f.Time = epoch.Add(time.Duration(i) * 100 * time.Millisecond)
		b.Flows = append(b.Flows, f)
	}
	for i := range 100 { // a busy poller: everybody answers
		b.Flows = append(b.Flows, flow("10.20.1.5", fmt.Sprintf("10.20.2.%d", 1+i), 502, "modbus", "read"))
	}
	_, told := run(t, load(t), b)
	ids := map[string]bool{}
	other := 0
	for _, o := range told {
		switch o.Rule {
		case RuleScan:
			ids[finding.ID(o.Rule, o.Subject)] = true
			if o.Severity != finding.Alarm || o.Subject.ID != "10.10.1.66" {
				t.Errorf("%+v", o)
			}
		case RuleUndeclared:
			other++
		}
	}
	if len(ids) != 1 || other > 20 {
		t.Errorf("%d scans, %d occurrences of undeclared traffic", len(ids), other)
	}
}

func TestGatewayIsNotTheDevicesBehindIt(t *testing.T) {
	const router = "00:00:bc:00:00:01"
	var b event.Batch
	for i := range 5 {
		b.Flows = append(b.Flows, with(flow(fmt.Sprintf("10.10.1.%d", 10+i), "10.20.2.9", 502, "modbus", "read"), func(f *event.Flow) {
			f.Client.MAC, f.Server.MAC = router, "00:80:f4:00:00:02"
		}))
	}
	b.Flows = append(b.Flows, with(flow("10.20.2.8", "10.20.2.9", 502, "modbus", "read"), func(f *event.Flow) {
		f.Client.MAC, f.Server.MAC = "00:0c:29:00:00:08", "00:80:f4:00:00:02"
	}))
	w, _ := run(t, load(t), b)
	roles := map[string]string{}
	for _, h := range w.Picture().Hosts {
		roles[h.ID] = h.Role
		if strings.HasPrefix(h.ID, "ip:10.10.") && (h.Vendor != "" || len(h.MACs) > 0) {
			t.Errorf("%s took the router's card for its own: %+v", h.ID, h)
		}
	}
	if roles["mac:"+router] != "gateway" || roles["mac:00:80:f4:00:00:02"] != "controller" {
		t.Errorf("%v", roles)
	}
}

func TestAddressMoves(t *testing.T) {
	arp := func(mac string, after time.Duration) event.DeviceSighting {
		return event.DeviceSighting{Head: event.Head{Time: epoch.Add(after), Source: "test"}, MAC: mac, IP: "10.10.1.5", Protocol: "arp"}
	}
	w, _ := run(t, load(t), event.Batch{Devices: []event.DeviceSighting{arp("00:0c:29:00:00:0a", 0), arp("00:0c:29:00:00:0b", time.Hour)}})
	for _, h := range w.Picture().Hosts {
		if want := h.ID == "mac:00:0c:29:00:00:0b"; slices.Contains(h.IPs, "10.10.1.5") != want {
			t.Errorf("%s has %v", h.ID, h.IPs)
		}
	}
}

func TestRoles(t *testing.T) {
	w, _ := run(t, load(t), event.Batch{Flows: []event.Flow{
		flow("10.20.1.5", "10.20.2.9", 502, "modbus", "read", "write"),
		flow("10.20.1.7", "10.20.2.9", 102, "s7comm", "program"),
		flow("10.10.1.1", "10.40.1.7", 554, "rtsp", "read"),
		flow("10.10.1.2", "10.10.1.9", 445, "smb"), flow("10.10.1.3", "10.10.1.9", 445, "smb"), flow("10.10.1.4", "10.10.1.9", 445, "smb"),
		flow("10.10.1.2", "198.51.100.1", 443, "tls"),
		flow("10.20.1.5", "10.20.2.20", 2404, "iec104", "read"),
		flow("10.20.1.5", "10.20.2.21", 47808, "bacnet", "read"),
		flow("10.20.1.5", "10.20.2.22", 4840, "opcua", "read"),
		flow("10.20.1.5", "10.20.2.23", 4712, "c37.118", "read"),
		flow("10.20.1.5", "10.20.1.8", 4840, "opcua", "read"), // a server that reads controllers and passes it on
		flow("10.20.1.8", "10.20.2.9", 502, "modbus", "read"), flow("10.20.1.8", "10.20.2.20", 2404, "iec104", "read"),
		flow("10.20.1.9", "10.20.2.9", 502, "modbus", "firmware"),
		flow("10.10.1.1", "10.10.1.10", 137, "netbios"), flow("10.10.1.3", "10.10.1.10", 137, "netbios"), flow("10.10.1.4", "10.10.1.10", 137, "netbios"),
	}})
	got := map[string]string{}
	for _, h := range w.Picture().Hosts {
		got[h.IPs[0]] = h.Role
		if h.RoleWhy == "" {
			t.Errorf("%s: a role without a reason", h.ID)
		}
	}
	for ip, want := range map[string]string{"10.20.1.5": "operator station", "10.20.2.9": "controller", "10.20.1.7": "engineering station",
		"10.40.1.7": "camera", "10.10.1.9": "server", "10.10.1.2": "workstation", "10.10.1.1": "unknown",
		"10.20.2.20": "controller", "10.20.2.21": "controller", "10.20.2.22": "controller", "10.20.2.23": "controller",
		"10.20.1.8": "operator station", "10.20.1.9": "engineering station", "10.10.1.10": "unknown"} {
		if got[ip] != want {
			t.Errorf("%s: %q, want %q", ip, got[ip], want)
		}
	}
}

// TestOrderDoesNotMatter: the same rows in any order give the same verdicts.
func TestOrderDoesNotMatter(t *testing.T) {
	p := load(t)
	rows := []event.Flow{
		flow("10.20.1.5", "10.20.2.9", 502, "modbus", "read"), flow("10.20.1.5", "10.20.2.9", 502, "modbus", "write"),
		flow("10.10.1.1", "10.20.2.9", 102, "s7comm", "read"), with(flow("10.10.1.1", "10.40.1.1", 554, ""), unseen),
		flow("10.10.1.1", "10.20.1.5", 443, "tls"),
	}
	want, _ := run(t, p, event.Batch{Flows: rows})
	rapid.Check(t, func(r *rapid.T) {
		mixed := rapid.Permutation(rows).Draw(r, "order")
		got, _ := run(t, p, event.Batch{Flows: mixed})
		if diff := cmp.Diff(want.Picture().Uses, got.Picture().Uses); diff != "" {
			r.Fatal(diff)
		}
	})
}

func TestHostsAreBounded(t *testing.T) {
	w := New(load(t), Options{MaxHosts: 50}, nil)
	for i := range 2000 {
		f := flow(fmt.Sprintf("10.10.%d.%d", i/200, i%200+1), "10.20.2.9", 502, "modbus", "read")
		f.Time, f.Last = epoch.Add(time.Duration(i)*time.Second), epoch.Add(time.Duration(i)*time.Second)
		w.Observe(&event.Batch{Flows: []event.Flow{f}})
	}
	p := w.Picture()
	if len(p.Hosts) > 100 {
		t.Errorf("%d hosts are remembered", len(p.Hosts))
	}
	if !slices.ContainsFunc(p.Hosts, func(h Host) bool { return h.Asset == "plc-1" }) {
		t.Error("an asset of the register was forgotten")
	}
}

// TestMakers compares the table of makers with the register that gopacket carries.
func TestMakers(t *testing.T) {
	if len(makers()) < 400 {
		t.Fatalf("%d makers", len(makers()))
	}
	for prefix, name := range makers() {
		var k [3]byte
		if _, err := fmt.Sscanf(prefix, "%02x%02x%02x", &k[0], &k[1], &k[2]); err != nil {
			t.Fatal(err)
		}
		if macs.ValidMACPrefixMap[k] != name {
			t.Errorf("%s is %q, the register has %q", prefix, name, macs.ValidMACPrefixMap[k])
		}
	}
	if maker("02:00:bc:00:00:01") != "" || maker("00:00:bc:00:00:01") != "Rockwell Automation" {
		t.Error("a made-up address has a maker, or a real one has none")
	}
}

func BenchmarkObserve(b *testing.B) {
	w := New(load(b), Options{}, nil)
	batch := event.Batch{}
	for i := range 500 {
		batch.Flows = append(batch.Flows, flow(fmt.Sprintf("10.20.1.%d", i%200+1), fmt.Sprintf("10.20.2.%d", i%250+1), 502, "modbus", "read"))
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Observe(&batch)
	}
	b.ReportMetric(500*float64(b.N)/b.Elapsed().Seconds(), "flows/s")
}

// TestNobodyWatchedBetweenRecordings: captures of different years were not
// watched in the years between, and a row without traffic has no time.
func TestNobodyWatchedBetweenRecordings(t *testing.T) {
	w := New(load(t), Options{}, nil)
	for _, at := range []time.Time{epoch, epoch.Add(5 * time.Minute), epoch.AddDate(12, 0, 0), epoch.AddDate(12, 0, 0).Add(time.Minute)} {
		w.Observe(&event.Batch{Devices: []event.DeviceSighting{{Head: event.Head{Time: at, Seen: at, Told: true, Source: "x"}, MAC: "00:0c:29:00:00:02", Protocol: "arp"}}})
	}
	for _, u := range w.Picture().Uses {
		if !strings.HasPrefix(u.Why, "declared until") && !strings.Contains(u.Why, "seen in 6m0s of watching") {
			t.Errorf("%s: %q, want six minutes of watching", u.Conduit, u.Why)
		}
		if !u.First.IsZero() || !u.Last.IsZero() {
			t.Errorf("%s has times and no traffic", u.Conduit)
		}
	}
}

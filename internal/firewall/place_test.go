package firewall

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

const smallPort = `
port: {name: Test Port, locode: XZTST, time_zone: Etc/UTC, currency: EUR, security_level: 1, centre: [1.0, 52.0]}
zones:
  - {id: office, domain: it, level: 4, networks: [10.1.1.0/24]}
  - {id: plant, domain: ot, level: 2, sl_target: 2, networks: [10.2.0.0/16]}
  - {id: lab, domain: ot, level: 3, sl_target: 2, networks: [192.0.2.0/24]}
  - {id: outside, domain: it, level: 5, external: true}
conduits:
  - {id: office-to-plant, from: office, to: plant, reason: "reports", allow: [{transport: tcp, ports: [443, 80-90]}]}
  - {id: plant-to-lab, from: plant, to: lab, reason: "samples", allow: [{transport: any}]}
  - {id: old, from: lab, to: plant, reason: "over", expires: 2026-01-01, allow: [{transport: any}]}
`

func testPort(t testing.TB, text string) *port.Port {
	t.Helper()
	p, problems := port.Parse("port.yaml", []byte(text), time.Time{})
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// TestUnplacedAgainstOracle judges firewalls of which nobody knows what lies
// behind the interfaces: a packet between zones has a fate only if it has the
// same one by all interfaces.
func TestUnplacedAgainstOracle(t *testing.T) {
	p := testPort(t, smallPort)
	seen := map[Verdict]int{}
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 3))
		text := makeIptables(r)
		pol, err := Read("t", []byte(text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		j := newJudgement(p, noon, []*Device{Place(p, pol, "")}, nil)
		o := newOracle("iptables", text)
		v := newVocabulary(text, nil)
		for range 300 {
			h := v.packet(r)
			from, to := p.ZoneOf(h.src), p.ZoneOf(h.dst)
			if from == to || !h.src.Is4() || !h.dst.Is4() {
				continue
			}
			outcome := 0
			for _, in := range append(o.names(), "nowhere") {
				for _, out := range append(o.names(), "nowhere") {
					h.in, h.out = in, out
					outcome |= o.fate(h)
				}
			}
			got, n := Undecided, 0
			packet := h.packet(pol)
			packet[In], packet[Out] = num{}, num{}
			for _, pair := range j.fates[0].cover.pairs() {
				for _, x := range j.meeting(0, pair) {
					if j.s.match(x.b).Has(packet) {
						got, n = x.verdict, n+1
						if j.zones[pair[0]].ID != from.ID || j.zones[pair[1]].ID != to.ID {
							t.Fatalf("%s is told between %s and %s", h, j.zones[pair[0]].ID, j.zones[pair[1]].ID)
						}
						if want := verdictOf(outcome); got != want {
							t.Fatalf("%s: %v, by all interfaces %v\n%s", h, got, want, text)
						}
					}
				}
			}
			if n == 0 {
				t.Fatalf("%s has no fate between zones", h)
			}
			seen[got]++
		}
	}
	if len(seen) != 3 {
		t.Errorf("not all fates were seen: %v", seen)
	}
}

// TestRoutes places a firewall by the longest prefix, and not at all where
// routes are learned.
func TestRoutes(t *testing.T) {
	const text = `ASA Version 9.16(4)
interface GigabitEthernet0/0
 nameif inside
 ip address 10.1.1.1 255.255.255.0
interface GigabitEthernet0/1
 nameif plant
 security-level 50
 ip address 10.2.0.1 255.255.255.0
route plant 10.2.0.0 255.255.0.0 10.2.0.2
route inside 0.0.0.0 0.0.0.0 10.1.1.2
%s`
	p := testPort(t, smallPort)
	read := func(more string) *Device {
		pol, err := Read("t", fmt.Appendf(nil, text, more), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return Place(p, pol, "")
	}
	d := read("")
	for addr, want := range map[string]string{"10.1.1.9": "inside", "10.2.9.9": "plant", "10.2.0.7": "plant", "8.8.8.8": "inside"} {
		for i, s := range d.behind {
			if got := s.has(addrNum(netip.MustParseAddr(addr))); got != (d.Interfaces[i] == want) {
				t.Errorf("%s behind %s: %v", addr, d.Interfaces[i], got)
			}
		}
	}
	if d := read("router ospf 1\n network 10.0.0.0 255.0.0.0 area 0\n"); d.Known != "" {
		t.Errorf("learned routes are ignored: %q", d.Known)
	}
}

// TestJudge tells undue, wider, due and expired apart.
func TestJudge(t *testing.T) {
	p := testPort(t, smallPort)
	const text = `ASA Version 9.16(4)
hostname edge
interface GigabitEthernet0/0
 nameif office
 security-level 100
 ip address 10.1.1.1 255.255.255.0
interface GigabitEthernet0/1
 nameif plant
 security-level 50
 ip address 10.2.0.1 255.255.0.0
interface GigabitEthernet0/2
 nameif lab
 security-level 40
 ip address 192.0.2.1 255.255.255.0
access-list O extended permit tcp any any eq 443
access-list O extended permit tcp 10.1.1.0 255.255.255.0 10.2.0.0 255.255.0.0 range 80 95
access-list O extended permit udp host 10.1.1.9 host 192.0.2.9 eq ntp
access-list O extended permit tcp any any eq 8443 time-range night
access-list L extended permit ip any 10.2.0.0 255.255.0.0
access-group O in interface office
access-group L in interface lab
`
	pol, err := Read("edge", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := Judge(p, noon, []*Device{Place(p, pol, "")})
	var got []string
	for _, x := range r.Rules {
		got = append(got, fmt.Sprintf("%s %v undue %v enough %v", x.State, x.Where, x.Undue, x.Narrower))
	}
	want := []string{
		"undue [edge:17] undue [{office lab [10.1.1.9 to 192.0.2.9, udp 123]}] enough []",
		"undue [edge:19] undue [{lab plant [192.0.2.0/24 to 10.2.0.0/16, any service]}] enough []",
		"wider [edge:15] undue [{office lab [10.1.1.0/24 to 192.0.2.0/24, tcp 443]}] enough [{office plant [10.1.1.0/24 to 10.2.0.0/16, tcp 443]}]",
		"wider [edge:16] undue [{office plant [10.1.1.0/24 to 10.2.0.0/16, tcp 91-95]}] enough [{office plant [10.1.1.0/24 to 10.2.0.0/16, tcp 80-90]}]",
		"undecided [edge:18 edge:20] undue [{office plant [10.1.1.0/24 to 10.2.0.0/16, tcp 8443]} {office lab [10.1.1.0/24 to 192.0.2.0/24, tcp 8443]}] enough []",
		"due [edge (implicit)] undue [] enough []",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%s\nwant\n%s", lined(got), lined(want))
	}
	if !r.Violations() {
		t.Error("no violation")
	}
	var states []string
	for _, c := range r.Conduits {
		states = append(states, c.Conduit+" "+string(c.State))
	}
	if fmt.Sprint(states) != "[office-to-plant implemented plant-to-lab implemented]" {
		t.Errorf("conduits: %v", states)
	}
	if len(r.Reach) == 0 || !r.Reach[0].Undue && r.Reach[0].From != "office" {
		t.Errorf("from IT to OT: %+v", r.Reach)
	}
}

func lined(list []string) string {
	out := ""
	for _, s := range list {
		out += s + "\n"
	}
	return out
}

// TestDeclaredInterfaces places a Linux firewall by the port file: a pattern
// covers interfaces that only the port file names, and each stays itself.
func TestDeclaredInterfaces(t *testing.T) {
	p := testPort(t, smallPort+`
assets:
  - {id: gw, domain: it, kind: firewall, zone: office, addresses: [{ip: 10.1.1.254}]}
firewalls:
  - asset: gw
    interfaces:
      - {name: eth5, zones: [office]}
      - {name: eth6, zones: [plant]}
      - {name: wan0, zones: [lab]}
`)
	const text = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i eth+ -o eth+ -p tcp --dport 22 -j ACCEPT\n-A FORWARD -i wan0 -o eth6 -p tcp --dport 23 -j ACCEPT\nCOMMIT\n"
	pol, err := Read("gw", []byte(text), Options{Interfaces: []string{"eth5", "eth6", "wan0"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range Judge(p, noon, []*Device{Place(p, pol, "gw")}).Rules {
		got = append(got, fmt.Sprintf("%s %v %v", x.State, x.Where, x.Undue))
	}
	want := "[undue [gw:3] [{office plant [10.1.1.0/24 except 10.1.1.254 to 10.2.0.0/16, tcp 22]} {plant office [10.2.0.0/16 to 10.1.1.0/24 except 10.1.1.254, tcp 22]}] undue [gw:4] [{lab plant [192.0.2.0/24 to 10.2.0.0/16, tcp 23]}]]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}

// TestTwoWays leaves undecided what depends on which of two equal routes is taken.
func TestTwoWays(t *testing.T) {
	const text = `ASA Version 9.16(4)
interface G0/0
 nameif in
 security-level 100
 ip address 10.1.1.1 255.255.255.0
interface G0/1
 nameif a
 security-level 50
 ip address 10.9.0.1 255.255.255.0
interface G0/2
 nameif b
 security-level 100
 ip address 10.9.1.1 255.255.255.0
route a 10.2.0.0 255.255.0.0 10.9.0.2
route b 10.2.0.0 255.255.0.0 10.9.1.2
`
	pol, err := Read("two", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := testPort(t, smallPort)
	r := Judge(p, noon, []*Device{Place(p, pol, "")})
	for _, c := range r.Conduits {
		if c.Conduit == "office-to-plant" && c.State != Uncertain {
			t.Errorf("%+v", c)
		}
	}
	for _, x := range r.Rules {
		for _, c := range x.Undue {
			if c.From == "office" && c.To == "plant" && x.State != Uncertain {
				t.Errorf("certain by one of two ways: %+v", x)
			}
		}
	}
}

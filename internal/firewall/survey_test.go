package firewall

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// edgeASA lets something through from the office to the plant and the lab, and may
// let more.
const edgeASA = `ASA Version 9.16(4)
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
access-list O extended permit tcp any 10.2.0.0 255.255.0.0 eq 443
access-list O extended permit tcp any 192.0.2.0 255.255.255.0 eq 8443 time-range night
access-list P extended permit udp any host 192.0.2.9 eq ntp
access-list L extended deny ip any any
access-group O in interface office
access-group P in interface plant
access-group L in interface lab
`

func surveyOf(t *testing.T, text string) *Survey {
	t.Helper()
	p := testPort(t, smallPort)
	pol, err := Read("edge", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return NewSurvey(p, noon, []*Device{Place(p, pol, "")})
}

// TestSurvey: yes, no, undecided with the reason, and nothing known.
func TestSurvey(t *testing.T) {
	s := surveyOf(t, edgeASA)
	for pair, want := range map[[2]string]Passage{
		{"office", "plant"}:   {Could: CouldPass, Beyond: CouldNot}, // as the conduit allows
		{"plant", "lab"}:      {Could: CouldPass, Beyond: CouldNot}, // narrower than the conduit
		{"office", "lab"}:     {Could: CouldUnsure, Beyond: CouldUnsure, Why: "it holds at some times only"},
		{"lab", "plant"}:      {Could: CouldNot, Beyond: CouldNot},
		{"office", "outside"}: {Could: NotRead, Beyond: CouldNot}, // no route leads there
		{"office", "office"}:  {Could: NotRead, Beyond: CouldNot},
		{"office", "moon"}:    {Could: NotRead, Beyond: CouldNot},
	} {
		want.From, want.To = pair[0], pair[1]
		if got := s.Passage(pair[0], pair[1]); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	if len(s.Open) != 3 || s.Open[0].Beyond != CouldUnsure || s.Left != 0 {
		t.Errorf("open: %+v, left %d", s.Open, s.Left)
	}
	ways := s.Ways("office", "plant")
	if len(ways) != 1 || fmt.Sprint(ways[0].Traffic) != "[10.1.1.0/24 except 10.1.1.1 to 10.2.0.0/16 except 10.2.0.1, tcp 443]" && fmt.Sprint(ways[0].Traffic) != "[10.1.1.0/24 to 10.2.0.0/16, tcp 443]" || fmt.Sprint(ways[0].Via) != "[edge edge:15]" || ways[0].Undue {
		t.Errorf("ways: %+v", ways)
	}
	if got := s.Stops("lab", "plant"); fmt.Sprint(got) != "[edge edge:18]" {
		t.Errorf("stopped by %v", got)
	}
	for _, c := range []struct {
		from, to, transport string
		port                uint16
		want                Opened
	}{
		{"10.1.1.9", "10.2.7.7", "tcp", 443, Opened{CouldPass, []string{"edge edge:15"}, ""}},
		{"10.1.1.9", "10.2.7.7", "tcp", 444, Opened{CouldNot, []string{"edge edge:19"}, ""}},
		{"10.1.1.9", "192.0.2.7", "tcp", 8443, Opened{CouldUnsure, []string{"edge edge:16", "edge edge:19"}, "it holds at some times only"}},
		{"10.2.1.9", "192.0.2.9", "udp", 123, Opened{CouldPass, []string{"edge edge:17"}, ""}},
		{"10.1.1.9", "8.8.8.8", "udp", 53, Opened{NotRead, nil, ""}},
		{"10.1.1.9", "10.2.7.7", "gre", 0, Opened{NotRead, nil, ""}},
	} {
		got := s.Fate(netip.MustParseAddr(c.from), netip.MustParseAddr(c.to), c.transport, c.port)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s to %s %s %d:\ngot  %+v\nwant %+v", c.from, c.to, c.transport, c.port, got, c.want)
		}
	}
}

// TestSurveyMovesWithOneRule: one rule more opens exactly one pair.
func TestSurveyMovesWithOneRule(t *testing.T) {
	before := surveyOf(t, edgeASA)
	after := surveyOf(t, strings.Replace(edgeASA, "access-list L extended deny", "access-list L extended permit tcp any any eq 102\naccess-list L extended deny", 1))
	for _, a := range []string{"office", "plant", "lab", "outside"} {
		for _, b := range []string{"office", "plant", "lab", "outside"} {
			x, y := before.Passage(a, b), after.Passage(a, b)
			opened := a == "lab" && (b == "plant" || b == "office")
			if (x != y) != opened || opened && (y.Could != CouldPass || y.Beyond != CouldPass) {
				t.Errorf("%s to %s: %+v before, %+v after", a, b, x, y)
			}
		}
	}
}

// TestSurveyAgainstOracle holds pairs and conversations against two firewalls in a
// row, each walked rule by rule by the oracle: what it lets through could pass, and
// what it stops could not.
func TestSurveyAgainstOracle(t *testing.T) {
	const assets = `
assets:
  - {id: one, domain: it, kind: firewall, zone: office}
  - {id: two, domain: it, kind: firewall, zone: office}
firewalls:
  - asset: one
    interfaces: [{name: eth0, zones: [office]}, {name: eth1, zones: [plant, lab]}]
  - asset: two
    interfaces: [{name: eth0, zones: [office, plant]}, {name: eth2, zones: [lab]}]
`
	p := testPort(t, smallPort+assets)
	behind := []map[string]string{{"office": "eth0", "plant": "eth1", "lab": "eth1"}, {"office": "eth0", "plant": "eth0", "lab": "eth2"}}
	seen, pairsSeen := map[Could]int{}, map[Could]int{}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 9))
		texts := []string{makeIptables(r), makeIptables(r)}
		var devices []*Device
		var oracles []oracle
		for i, text := range texts {
			asset := []string{"one", "two"}[i]
			pol, err := Read(asset, []byte(text), Options{Interfaces: []string{"eth0", "eth1", "eth2"}})
			if err != nil {
				t.Fatal(err)
			}
			devices = append(devices, Place(p, pol, asset))
			oracles = append(oracles, newOracle("iptables", text))
		}
		s := NewSurvey(p, noon, devices)
		v := newVocabulary(texts[0]+texts[1], nil)
		passed, certain := map[[2]string]bool{}, map[[2]string]bool{}
		for range 400 {
			h := v.packet(r)
			from, to := p.ZoneOf(h.src), p.ZoneOf(h.dst)
			if !h.src.Is4() || !h.dst.Is4() || from == to || from.External || to.External {
				continue
			}
			could, some := CouldPass, false
			for i, o := range oracles {
				in, out := behind[i][from.ID], behind[i][to.ID]
				if in == out {
					continue
				}
				some = true
				h.in, h.out = in, out
				switch verdictOf(o.fate(h)) {
				case Deny:
					could = CouldNot
				case Undecided:
					if could == CouldPass {
						could = CouldUnsure
					}
				}
			}
			if !some {
				t.Fatalf("no firewall between %s and %s", from.ID, to.ID)
			}
			pair := [2]string{from.ID, to.ID}
			passed[pair] = passed[pair] || could != CouldNot
			certain[pair] = certain[pair] || could == CouldPass
			transport := map[int]string{6: "tcp", 17: "udp"}[h.proto]
			if transport == "" {
				continue
			}
			got := s.Fate(h.src, h.dst, transport, uint16(h.dport))
			seen[got.Could]++
			if denied := s.Denies(h.src, h.dst, transport, uint16(h.dport)); denied != (got.Could == CouldNot) {
				t.Fatalf("%s: denied %v, and its fate is %+v", h, denied, got)
			}
			// Undecided may mean that it depends on the port it is opened from.
			if got.Could != could && got.Could != CouldUnsure || got.Could == CouldUnsure && got.Why == "" {
				t.Fatalf("%s: %+v, by the oracle %s\n%s\n%s", h, got, could, texts[0], texts[1])
			}
		}
		for pair := range passed {
			got := s.Passage(pair[0], pair[1])
			pairsSeen[got.Could]++
			if certain[pair] && got.Could != CouldPass || passed[pair] && got.Could == CouldNot {
				t.Errorf("%v: %+v, and the oracle lets something through\n%s\n%s", pair, got, texts[0], texts[1])
			}
			if ways := s.Ways(pair[0], pair[1]); (len(ways) > 0) != (got.Could == CouldPass || got.Could == CouldUnsure) {
				t.Errorf("%v: %+v with %d ways", pair, got, len(ways))
			}
		}
	}
	if len(seen) != 3 || len(pairsSeen) != 3 {
		t.Errorf("not all answers were seen: %v, of pairs %v", seen, pairsSeen)
	}
}

// TestPartlyBetween: a firewall has a say only over addresses that it stands between.
// The second one knows a part of the plant; what the first lets into the rest is let
// through, and where no firewall stands is not called closed.
func TestPartlyBetween(t *testing.T) {
	const first = `ASA Version 9.16(4)
hostname first
interface G0/0
 nameif office
 security-level 100
 ip address 10.1.1.1 255.255.255.0
interface G0/1
 nameif plant
 security-level 50
 ip address 10.9.9.1 255.255.255.0
route plant 10.2.0.0 255.255.0.0 10.9.9.2
access-list O extended permit tcp any 10.2.0.0 255.255.0.0 eq 443
access-group O in interface office
`
	const second = `ASA Version 9.16(4)
hostname second
interface G0/0
 nameif up
 security-level 100
 ip address 10.9.9.2 255.255.255.0
interface G0/1
 nameif cell
 security-level 50
 ip address 10.2.7.1 255.255.255.0
route up 10.1.1.0 255.255.255.0 10.9.9.1
route up 192.0.2.0 255.255.255.0 10.9.9.1
access-list U extended deny ip any any
access-group U in interface up
`
	p := testPort(t, smallPort)
	var devices []*Device
	for i, text := range []string{first, second} {
		pol, err := Read([]string{"first", "second"}[i], []byte(text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		devices = append(devices, Place(p, pol, ""))
	}
	for _, order := range [][]*Device{devices, {devices[1], devices[0]}} {
		s := NewSurvey(p, noon, order)
		var got []string
		for _, w := range s.Ways("office", "plant") {
			got = append(got, fmt.Sprint(w.Traffic, w.Via))
		}
		if want := "[[10.1.1.0/24 to 10.2.0.0/16 except 10.2.7.0/24, tcp 443] [first first:12]]"; fmt.Sprint(got) != want {
			t.Errorf("%s first: got %v, want %s", order[0].Hostname, got, want)
		}
		for to, want := range map[string]Could{"10.2.1.9": CouldPass, "10.2.7.9": CouldNot} {
			if got := s.Fate(netip.MustParseAddr("10.1.1.9"), netip.MustParseAddr(to), "tcp", 443); got.Could != want {
				t.Errorf("%s first: to %s %+v, want %s", order[0].Hostname, to, got, want)
			}
		}
		if got := s.Passage("lab", "plant"); got.Could != CouldUnsure || got.Why == "" || got.Beyond != CouldNot {
			t.Errorf("%s first: of most of the plant nothing is known, and the answer is %+v", order[0].Hostname, got)
		}
	}
}

package firewall

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The oracles of this package read the text of a configuration by themselves, in
// the simplest way, and walk its rules for one packet at a time. They share no
// code with the readers or the algebra. A rule that may match is taken both ways.

var oraclePackets = flag.Int("packets", 3000, "random packets for each rule set (a million: -packets 1000000 -timeout 2h)")

// header is a packet as the oracles see it.
type header struct {
	in, out             string
	src, dst            netip.Addr
	proto, sport, dport int
}

func (h header) String() string {
	return fmt.Sprintf("in %s out %s, %s to %s, protocol %d, ports %d to %d", h.in, h.out, h.src, h.dst, h.proto, h.sport, h.dport)
}

// What may become of a packet.
const (
	mayPermit = 1 << iota
	mayDeny
	mayFall // out of the chain
	mayBoth = mayPermit | mayDeny
)

// answer is whether something matches.
type answer int

const (
	no answer = iota
	maybe
	yes
)

func yesIf(b bool) answer {
	if b {
		return yes
	}
	return no
}

func (a answer) not() answer { return yes - a }

// oracle tells what may become of a packet.
type oracle interface {
	fate(h header) int
	names() []string // of interfaces
}

const self = "(self)"

// vocabulary are the values at which rules of a text turn, and their neighbours.
type vocabulary struct {
	addrs  []netip.Addr
	ports  []int
	protos []int
	ifaces []string
}

var (
	wordAddr   = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+(/\d+)?`)
	wordNumber = regexp.MustCompile(`\b\d{1,5}\b`)
)

func newVocabulary(text string, names []string) *vocabulary {
	v := &vocabulary{protos: []int{1, 6, 6, 6, 17, 17, 47, 58, 132, 2, 89}, ifaces: append(slices.Clone(names), "nowhere")}
	add := func(a netip.Addr) {
		for _, x := range []netip.Addr{a.Prev(), a, a.Next()} {
			if x.IsValid() && !slices.Contains(v.addrs, x) && len(v.addrs) < 400 {
				v.addrs = append(v.addrs, x)
			}
		}
	}
	for _, m := range wordAddr.FindAllString(text, -1) {
		host, _, _ := strings.Cut(m, "/")
		a, err := netip.ParseAddr(host)
		if err != nil {
			continue
		}
		add(a)
		for _, bits := range []int{24, 16} {
			p := netip.PrefixFrom(a, bits).Masked()
			add(p.Addr())
			b := p.Addr().As4()
			for i := bits / 8; i < 4; i++ {
				b[i] = 255
			}
			add(netip.AddrFrom4(b))
		}
	}
	add(netip.MustParseAddr("192.0.2.77"))
	v.addrs = append(v.addrs, netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("255.255.255.255"))
	for _, m := range wordNumber.FindAllString(text, -1) {
		n, err := strconv.Atoi(m)
		if err != nil || n > 65535 || len(v.ports) > 200 {
			continue
		}
		for _, x := range []int{n - 1, n, n + 1} {
			if x >= 0 && x <= 65535 && !slices.Contains(v.ports, x) {
				v.ports = append(v.ports, x)
			}
		}
	}
	v.ports = append(v.ports, 0, 53, 80, 443, 123, 3020, 65535, 8<<8, 8<<8|3, 0<<8, 3<<8, 17<<8, 18<<8)
	return v
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func (v *vocabulary) packet(r *rand.Rand) header {
	h := header{in: pick(r, v.ifaces), out: pick(r, v.ifaces), src: pick(r, v.addrs), dst: pick(r, v.addrs), proto: pick(r, v.protos), sport: pick(r, v.ports), dport: pick(r, v.ports)}
	switch r.IntN(12) {
	case 0:
		h.in = self
	case 1:
		h.out = self
	case 2:
		h.proto = r.IntN(256)
	case 3:
		h.src = netip.AddrFrom4([4]byte{byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
	case 4:
		h.dport = r.IntN(65536)
	}
	return h
}

// packet turns a header into the packet of this package.
func (h header) packet(p *Policy) Packet {
	index := func(name string) num {
		if name == self {
			return num{0, Self}
		}
		if i := slices.Index(p.Interfaces, name); i > 0 {
			return num{0, uint64(i)}
		}
		for i := len(p.Interfaces) - 1; i > 0; i-- { // patterns of interfaces that no rule names
			if prefix, wild := strings.CutSuffix(p.Interfaces[i], "+"); wild && strings.HasPrefix(name, prefix) {
				return num{0, uint64(i)}
			}
		}
		return num{0, uint64(len(p.Interfaces))}
	}
	addr := func(a netip.Addr) num {
		b := a.As16()
		var v num
		for i := range 8 {
			v.hi, v.lo = v.hi<<8|uint64(b[i]), v.lo<<8|uint64(b[8+i])
		}
		return v
	}
	return Packet{index(h.in), index(h.out), addr(h.src), addr(h.dst), {0, uint64(h.proto)}, {0, uint64(h.sport)}, {0, uint64(h.dport)}}
}

// aimed is a packet at an edge of a random part of what was decided: uniform
// packets would rarely meet a narrow rule.
func aimed(r *rand.Rand, p *Policy, fates []Fate) header {
	m := pick(r, pick(r, fates).Packets)
	value := func(d Dim) num {
		x := pick(r, m[d])
		if r.IntN(2) == 0 {
			return x.lo
		}
		return x.hi
	}
	name := func(v num) string {
		if v.lo == Self {
			return self
		}
		if v.lo >= uint64(len(p.Interfaces)) {
			return "nowhere"
		}
		return strings.ReplaceAll(p.Interfaces[v.lo], "+", "99")
	}
	addr := func(v num) netip.Addr {
		var b [16]byte
		for i := range 8 {
			b[i], b[8+i] = byte(v.hi>>(56-8*i)), byte(v.lo>>(56-8*i))
		}
		return netip.AddrFrom16(b).Unmap()
	}
	return header{name(value(In)), name(value(Out)), addr(value(Src)), addr(value(Dst)), int(value(Proto).lo), int(value(SrcPort).lo), int(value(DstPort).lo)}
}

// newOracle makes the oracle of a text.
func newOracle(vendor, text string) oracle {
	switch vendor {
	case "iptables":
		return readIptablesOracle(text)
	case "asa":
		return readASAOracle(text)
	case "fortios":
		return readFortiOracle(text)
	case "panos":
		return readPanOracle(text)
	}
	return readNftOracle(text)
}

// tally is what a comparison found.
type tally struct{ packets, permit, deny, undecided, wrong int }

// compare asks both about random packets. Every packet must have exactly one fate.
func compare(t *testing.T, name, text string, packets int, seed uint64) (tally, *Policy) {
	t.Helper()
	p, err := Read(name, []byte(text), Options{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	o := newOracle(p.Vendor, text)
	fates := p.Decide(All())
	v := newVocabulary(text, o.names())
	r := rand.New(rand.NewPCG(seed, 7))
	var c tally
	for i := range packets {
		h := v.packet(r)
		if i%2 == 0 {
			h = aimed(r, p, fates)
		}
		packet := h.packet(p)
		var got *Fate
		for i := range fates {
			for k := range fates[i].Packets {
				if fates[i].Packets[k].Has(packet) {
					if got != nil {
						t.Fatalf("%s: %s has two fates: %v by %v and %v by %v", name, h, got.Verdict, ruleWhere(got.By), fates[i].Verdict, ruleWhere(fates[i].By))
					}
					got = &fates[i]
				}
			}
		}
		if got == nil {
			t.Fatalf("%s: %s has no fate", name, h)
		}
		want := Undecided
		switch o.fate(h) {
		case mayPermit:
			want = Permit
		case mayDeny:
			want = Deny
		}
		c.packets++
		switch got.Verdict {
		case Permit:
			c.permit++
		case Deny:
			c.deny++
		default:
			c.undecided++
		}
		if got.Verdict != want {
			if c.wrong++; c.wrong <= 3 {
				t.Errorf("%s: %s: %v by %v, the oracle says %v\n", name, h, got.Verdict, ruleWhere(got.By), want)
			}
		}
	}
	return c, p
}

// dataFiles are the shared configurations; they are used in place.
func dataFiles(t testing.TB) []string {
	dir := os.Getenv("QUAYWATCH_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(dir, "ot", "firewall", "*", "*"))
	if err != nil || len(files) == 0 {
		t.Skip("needs the shared firewall configurations ($QUAYWATCH_TESTDATA)")
	}
	return files
}

// TestDataAgainstOracle holds every shared configuration against the oracle.
func TestDataAgainstOracle(t *testing.T) {
	unread := map[string]int{}
	var all tally
	for _, file := range dataFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now()
		c, p := compare(t, file, string(text), *oraclePackets, 1)
		unread[p.Vendor] += len(p.Unread)
		all.packets, all.permit, all.deny, all.undecided, all.wrong = all.packets+c.packets, all.permit+c.permit, all.deny+c.deny, all.undecided+c.undecided, all.wrong+c.wrong
		t.Logf("%-34s %-8s %7d packets: %7d permitted, %7d denied, %7d undecided, %d wrong; %2d lines not understood; %s", filepath.Base(file), p.Vendor, c.packets, c.permit, c.deny, c.undecided, c.wrong, len(p.Unread), time.Since(at).Round(time.Millisecond))
	}
	t.Logf("all: %+v; lines not understood: %v", all, unread)
}

// TestSaltmereAgainstOracle does the same with the example port.
func TestSaltmereAgainstOracle(t *testing.T) {
	files, err := filepath.Glob("../../examples/saltmere/firewall/*")
	if err != nil || len(files) < 4 {
		t.Fatal("the example configurations are gone", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := compare(t, file, string(text), *oraclePackets, 2)
		t.Logf("%s: %+v", filepath.Base(file), c)
	}
}

// TestMadeUpAgainstOracle makes configurations up, of every vendor, with lines
// that are not understood among them.
func TestMadeUpAgainstOracle(t *testing.T) {
	for _, vendor := range []string{"iptables", "nftables", "asa", "fortios", "panos"} {
		t.Run(vendor, func(t *testing.T) {
			var all tally
			for seed := range uint64(30) {
				r := rand.New(rand.NewPCG(seed, 99))
				text := makeUp(vendor, r)
				c, _ := compare(t, fmt.Sprintf("%s-%d", vendor, seed), text, *oraclePackets/3, seed)
				if c.wrong > 0 {
					t.Logf("the configuration was:\n%s", text)
				}
				all.packets, all.permit, all.deny, all.undecided, all.wrong = all.packets+c.packets, all.permit+c.permit, all.deny+c.deny, all.undecided+c.undecided, all.wrong+c.wrong
			}
			t.Logf("%+v", all)
			if all.permit == 0 || all.deny == 0 || all.undecided == 0 {
				t.Errorf("the made-up configurations do not have all fates: %+v", all)
			}
		})
	}
}

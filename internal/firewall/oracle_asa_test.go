package firewall

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// asaOracle keeps the lines of objects and lists.
type asaOracle struct {
	blocks  map[string][][]string // "object network X", "object-group service Y": lines
	heads   map[string][]string   // by "object X", "object-group Y": words of the head
	lists   map[string][][]string
	ifs     []asaOracleIf
	in, out map[string]string
	global  string
	inter   bool
	nats    [][3]string // real object, mapped interface, mapped address
	baffled bool
}

type asaOracleIf struct {
	name  string
	level int
}

func readASAOracle(text string) *asaOracle {
	o := &asaOracle{blocks: map[string][][]string{}, heads: map[string][]string{}, lists: map[string][][]string{}, in: map[string]string{}, out: map[string]string{}}
	block := ""
	for line := range strings.Lines(text) {
		head, _, _ := strings.Cut(line, "  !")
		w := strings.Fields(head)
		if len(w) == 0 || w[0] == "!" {
			continue
		}
		if line[0] == ' ' {
			o.inside(block, w)
			continue
		}
		block = ""
		switch w[0] {
		case "interface":
			o.ifs = append(o.ifs, asaOracleIf{})
			block = "interface"
		case "object", "object-group":
			if w[1] == "group" {
				block = "nothing" // a kind of block that nobody knows
				break
			}
			block = w[0] + " " + w[2]
			o.heads[block] = w
		case "access-list":
			o.lists[w[1]] = append(o.lists[w[1]], w[2:])
		case "access-group":
			switch w[2] {
			case "in":
				o.in[w[4]] = w[1]
			case "out":
				o.out[w[4]] = w[1]
			case "global":
				o.global = w[1]
			}
		case "same-security-traffic":
			o.inter = true
		case "strange":
			o.baffled = true
		}
	}
	return o
}

func (o *asaOracle) inside(block string, w []string) {
	if block != "interface" {
		if w[0] == "nat" {
			o.nats = append(o.nats, [3]string{block, w[1], w[3]})
			return
		}
		o.blocks[block] = append(o.blocks[block], w)
		return
	}
	at := &o.ifs[len(o.ifs)-1]
	switch w[0] {
	case "nameif":
		at.name = w[1]
		if w[1] == "inside" && at.level == 0 {
			at.level = 100
		}
	case "security-level":
		at.level = atoi(w[1])
	}
}

func (o *asaOracle) names() []string {
	var out []string
	for _, i := range o.ifs {
		if i.name != "" {
			out = append(out, i.name)
		}
	}
	return out
}

func (o *asaOracle) fate(h header) int {
	names := o.names()
	if len(names) == 0 || o.baffled {
		return mayBoth
	}
	for _, t := range o.nats {
		_, mapped, _ := strings.Cut(strings.Trim(t[1], "()"), ",")
		if h.in != self && mapped == "any" || h.in == mapped {
			hit := o.inGroup(t[0], h.dst, 0)
			if m, err := netip.ParseAddr(t[2]); err == nil {
				hit = max(hit, yesIf(m == h.dst))
			} else {
				hit = max(hit, o.inGroup("object "+t[2], h.dst, 0))
			}
			if hit != no {
				return mayBoth
			}
		}
	}
	if h.in == self || h.out == self {
		return mayBoth
	}
	var from, to *asaOracleIf
	for i := range o.ifs {
		if o.ifs[i].name == h.in {
			from = &o.ifs[i]
		}
		if o.ifs[i].name == h.out {
			to = &o.ifs[i]
		}
	}
	if from == nil || to == nil || from == to {
		return mayDeny
	}
	var got int
	acl, has := o.in[h.in]
	switch {
	case has:
		got = o.list(acl, h)
		if got&mayFall != 0 && o.global != "" {
			got = got&^mayFall | o.list(o.global, h)
		}
	case o.global != "":
		got = o.list(o.global, h)
	case from.level >= to.level:
		got = mayPermit
	default:
		got = mayDeny
	}
	if got&mayFall != 0 {
		got = got&^mayFall | mayDeny
	}
	if from.level == to.level && !o.inter {
		if !has && o.global == "" {
			return mayDeny
		}
		got |= mayDeny // the sources disagree
	}
	if got == mayDeny {
		return mayDeny
	}
	if acl, has := o.out[h.out]; has {
		out := o.list(acl, h)
		if out&mayFall != 0 {
			out = out&^mayFall | mayDeny
		}
		if out == mayDeny {
			return mayDeny
		}
		got |= out
	}
	return got
}

func (o *asaOracle) list(name string, h header) int {
	lines, there := o.lists[name]
	if !there {
		return mayBoth
	}
	out := 0
	for _, w := range lines {
		if w[0] == "remark" || w[len(w)-1] == "inactive" {
			continue
		}
		m := o.rule(w[2:], h)
		if m == no {
			continue
		}
		if w[1] == "permit" {
			out |= mayPermit
		} else {
			out |= mayDeny
		}
		if m == yes {
			return out
		}
	}
	return out | mayFall
}

// rule matches "PROTO SRC [PORT] DST [PORT]".
func (o *asaOracle) rule(w []string, h header) answer {
	var m answer
	icmp := false
	switch w[0] {
	case "object", "object-group":
		m = o.service(w[0]+" "+w[1], h, 0)
		w = w[2:]
	default:
		m = yesIf(w[0] == "ip" || w[0] != "teleport" && protoIs(w[0], h.proto))
		if w[0] == "teleport" {
			m = maybe
		}
		icmp = w[0] == "icmp"
		w = w[1:]
	}
	a, w := o.address(w, h.src)
	m = min(m, a)
	a, w = o.portsHere(w, h.sport)
	m = min(m, a)
	a, w = o.address(w, h.dst)
	m = min(m, a)
	if icmp && len(w) > 0 && w[0] != "log" && w[0] != "time-range" {
		m = min(m, yesIf(map[string]int{"echo": 8, "echo-reply": 0, "unreachable": 3}[w[0]] == h.dport>>8))
		w = w[1:]
	}
	a, w = o.portsHere(w, h.dport)
	m = min(m, a)
	if len(w) > 0 && w[0] == "time-range" {
		m = min(m, maybe)
	}
	return m
}

func (o *asaOracle) address(w []string, a netip.Addr) (answer, []string) {
	switch w[0] {
	case "any":
		return yes, w[1:]
	case "any4":
		return yesIf(a.Is4()), w[1:]
	case "host":
		return yesIf(netip.MustParseAddr(w[1]) == a), w[2:]
	case "object", "object-group":
		return o.inGroup(w[0]+" "+w[1], a, 0), w[2:]
	}
	return yesIf(sameBits(netip.MustParseAddr(w[0]), netip.MustParseAddr(w[1]), a)), w[2:]
}

func (o *asaOracle) inGroup(block string, a netip.Addr, depth int) answer {
	head := o.heads[block]
	if head == nil || head[1] != "network" || depth > 20 {
		return maybe
	}
	got := no
	for _, w := range o.blocks[block] {
		one := no
		switch w[0] {
		case "description":
		case "host":
			one = yesIf(netip.MustParseAddr(w[1]) == a)
		case "subnet":
			one = yesIf(sameBits(netip.MustParseAddr(w[1]), netip.MustParseAddr(w[2]), a))
		case "range":
			one = yesIf(inRange(w[1]+"-"+w[2], a))
		case "fqdn":
			one = maybe
		case "network-object":
			one, _ = o.address(w[1:], a)
		case "group-object":
			one = o.inGroup("object-group "+w[1], a, depth+1)
		default:
			one = maybe
		}
		got = max(got, one)
	}
	return got
}

// portsHere reads "eq 80", where it stands next.
func (o *asaOracle) portsHere(w []string, port int) (answer, []string) {
	if len(w) == 0 {
		return yes, w
	}
	number := func(s string) int {
		if n, ok := map[string]int{"www": 80, "https": 443, "domain": 53, "ntp": 123, "ssh": 22, "cifs": 3020}[s]; ok {
			return n
		}
		return atoi(s)
	}
	switch w[0] {
	case "eq":
		return yesIf(port == number(w[1])), w[2:]
	case "neq":
		return yesIf(port != number(w[1])), w[2:]
	case "gt":
		return yesIf(port > number(w[1])), w[2:]
	case "lt":
		return yesIf(port < number(w[1])), w[2:]
	case "range":
		return yesIf(number(w[1]) <= port && port <= number(w[2])), w[3:]
	case "object-group":
		block := "object-group " + w[1]
		if len(o.heads[block]) != 4 {
			return yes, w
		}
		got := no
		for _, l := range o.blocks[block] {
			switch l[0] {
			case "port-object":
				one, _ := o.portsHere(l[1:], port)
				got = max(got, one)
			case "group-object":
				one, _ := o.portsHere([]string{"object-group", l[1]}, port)
				got = max(got, one)
			}
		}
		return got, w[2:]
	}
	return yes, w
}

func (o *asaOracle) service(block string, h header, depth int) answer {
	head := o.heads[block]
	if head == nil || head[1] != "service" && head[1] != "protocol" {
		return maybe
	}
	got := no
	for _, w := range o.blocks[block] {
		one := no
		switch w[0] {
		case "description":
		case "service", "service-object":
			if w[1] == "object" {
				one = o.service("object "+w[2], h, depth+1)
				break
			}
			one = o.serviceLine(w[1:], h)
		case "protocol-object":
			one = yesIf(protoIs(w[1], h.proto))
		case "group-object":
			one = o.service("object-group "+w[1], h, depth+1)
		default:
			one = maybe
		}
		got = max(got, one)
	}
	return got
}

func (o *asaOracle) serviceLine(w []string, h header) answer {
	m := yesIf(w[0] == "tcp-udp" && (h.proto == 6 || h.proto == 17) || w[0] != "tcp-udp" && protoIs(w[0], h.proto))
	if w[0] == "icmp" && len(w) > 1 {
		return min(m, yesIf(h.dport>>8 == 8))
	}
	port := h.dport
	for w = w[1:]; len(w) > 0; {
		switch w[0] {
		case "source":
			port, w = h.sport, w[1:]
			continue
		case "destination":
			port, w = h.dport, w[1:]
			continue
		}
		var a answer
		a, w = o.portsHere(w, port)
		m, port = min(m, a), h.dport
	}
	return m
}

func makeASA(r *rand.Rand) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("ASA Version 9.16(4)\nhostname made-up")
	names := []string{"inside", "outside", "plant", "dmz"}
	for i, name := range names {
		line("interface GigabitEthernet0/%d\n nameif %s", i, name)
		if name != "inside" {
			line(" security-level %d", pick(r, []int{0, 50, 50, 100}))
		}
		line(" ip address 10.%d.0.1 255.255.0.0", i)
	}
	if chance(r, 50) {
		line("same-security-traffic permit inter-interface")
	}
	masks := []string{"10.0.0.0 255.0.0.0", "10.1.0.0 255.255.0.0", "10.1.1.0 255.255.255.0", "10.1.1.128 255.255.255.128", "10.2.0.0 255.255.0.0", "192.0.2.0 255.255.255.0", "10.1.0.7 255.255.0.255"}
	line("object network srv\n host 10.1.1.7\nobject network span\n range 10.1.1.20 10.1.2.9\nobject network named\n fqdn v4 a.example")
	line("object service web\n service tcp destination eq 443\nobject service dns\n service udp source range 1024 65535 destination eq domain")
	line("object-group network inner\n network-object %s\n network-object object srv", pick(r, masks))
	line("object-group network outer\n network-object host 10.2.0.9\n group-object inner\n network-object object %s", pick(r, []string{"span", "span", "missing"}))
	line("object-group service mixed\n service-object object web\n service-object tcp eq 22\n service-object udp source eq 53\n service-object icmp echo")
	line("object-group service more\n group-object mixed\n service-object object dns")
	line("object-group service tports tcp\n port-object eq 80\n port-object range 1000 2000")
	line("object-group protocol protos\n protocol-object udp\n protocol-object gre")
	if chance(r, 30) {
		line("object network srv\n nat (inside,outside) static 192.0.2.77")
	}
	address := func() string {
		return pick(r, []string{"any", "any4", "host 10.1.1.7", "object srv", "object span", "object-group inner", "object-group outer", pick(r, masks), pick(r, masks), pick(r, masks), pick(r, []string{"object named", "any"})})
	}
	for _, acl := range []string{"A", "B", "C", "G"} {
		for range 2 + r.IntN(6) {
			proto := pick(r, []string{"ip", "tcp", "udp", "icmp", "object-group mixed", "object-group more", "object web", "object-group protos", pick(r, []string{"teleport", "tcp", "ip"})})
			var rest string
			switch proto {
			case "tcp":
				rest = pick(r, []string{"", " eq 443", " range 20 90", " object-group tports", " neq www", " gt 1023", " lt 100"})
			case "udp":
				rest = pick(r, []string{"", " eq domain", " eq ntp"})
			case "icmp":
				rest = pick(r, []string{"", " echo", " unreachable"})
			}
			src := ""
			if proto == "tcp" && chance(r, 20) {
				src = " gt 1023"
			}
			end := pick(r, []string{"", "", "", " log", " log informational interval 60", " time-range office", " inactive"})
			line("access-list %s extended %s %s %s%s %s%s%s", acl, pick(r, []string{"permit", "permit", "deny"}), proto, address(), src, address(), rest, end)
		}
	}
	line("access-list A remark permit ip any any")
	r.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	line("access-group A in interface %s", names[0])
	if chance(r, 60) {
		line("access-group B in interface %s", names[1])
	}
	if chance(r, 50) {
		line("access-group C out interface %s", names[2])
	}
	if chance(r, 30) {
		line("access-group G global")
	}
	if chance(r, 5) {
		line("strange command of a later version")
	}
	return b.String()
}

package firewall

import (
	"fmt"
	"slices"
)

// asaGroup is an object or a group. kind is "network", "service", "protocol",
// "icmp-type", or "ports": a group of services of one protocol.
type asaGroup struct {
	name, kind string
	proto      Set // of ports
	textLine
	body    []textLine
	strange string // why the group as a whole is not understood
	done    *asaValue
	busy    bool
}

// asaValue is what a group holds, by its kind.
type asaValue struct {
	addresses fuzzy
	services  services
	ports     fuzzy
	why       string
}

// group opens a block of an object or group.
func (x *asa) group(l textLine) {
	w := l.words
	table := x.groups
	if w[0] == "object" {
		table = x.objects
	}
	if len(w) < 3 || !slices.Contains([]string{"network", "service", "protocol", "icmp-type"}, w[1]) || w[0] == "object" && len(w) > 3 || w[0] == "object-group" && (len(w) > 4 || len(w) == 4 && w[1] != "service") {
		// It can matter only to who refers to it, and nobody will find it.
		x.note(l.line, l.text, "a group that is not read")
		x.block = func(l textLine) { x.note(l.line, l.text, "in a group that is not read") }
		return
	}
	g := table[w[2]]
	if g == nil {
		g = &asaGroup{name: w[2], kind: w[1], textLine: l}
		table[w[2]] = g
	}
	if len(w) == 4 {
		g.kind = "ports"
		switch w[3] {
		case "tcp":
			g.proto = Values(tcp)
		case "udp":
			g.proto = Values(udp)
		case "tcp-udp":
			g.proto = Values(tcp, udp)
		default:
			g.strange = "a group of a protocol that is not read"
		}
	}
	x.block = func(l textLine) {
		if l.words[0] == "nat" {
			x.nats = append(x.nats, asaNAT{l, g})
			return
		}
		g.body = append(g.body, l)
	}
}

// evaluate tells what a group holds, and lists what is not understood in it.
func (x *asa) evaluate(g *asaGroup, depth int) *asaValue {
	if g.done != nil {
		return g.done
	}
	v := &asaValue{addresses: certain(Set{}), ports: certain(Set{})}
	if g.busy || depth > maxNesting {
		v.unknown(fmt.Sprintf("group %s holds itself", g.name))
		return v
	}
	g.busy = true
	if g.strange != "" {
		x.note(g.line, g.text, g.strange)
		v.unknown(g.strange)
	}
	for _, l := range g.body {
		if why := x.member(g, v, l, depth); why != "" {
			x.note(l.line, l.text, why)
			v.unknown(fmt.Sprintf("%s %s: %s", g.words[0], g.name, why))
		}
	}
	g.busy, g.done = false, v
	return v
}

// unknown says that anything could be in the group besides.
func (v *asaValue) unknown(why string) {
	if v.why == "" {
		v.why = why
	}
	v.addresses = v.addresses.or(anything(Src))
	v.services = v.services.or(someService())
	v.ports = v.ports.or(anything(DstPort))
}

// member reads one line of a group; why says what was not understood.
func (x *asa) member(g *asaGroup, v *asaValue, l textLine, depth int) (why string) {
	if l.words[0] == "description" {
		return ""
	}
	p := &asaWords{asa: x, words: slices.Clone(l.words), d: newDraft()}
	word := p.next()
	if word == "group-object" {
		name := p.next()
		sub := x.groups[name]
		if sub == nil || sub.kind != g.kind || g.words[0] == "object" {
			return "group " + excerpt(name) + " is not known"
		}
		in := x.evaluate(sub, depth+1)
		v.addresses, v.services, v.ports = v.addresses.or(in.addresses), v.services.or(in.services), v.ports.or(in.ports)
		if in.why != "" && v.why == "" {
			v.why = in.why
		}
		return ""
	}
	switch {
	case g.kind == "network" && g.words[0] == "object":
		why = p.networkObject(word, v)
	case g.kind == "network" && word == "network-object":
		f, w := p.oneAddress()
		why = w
		v.addresses = v.addresses.or(f)
	case g.kind == "service" && g.words[0] == "object" && word == "service":
		why = p.serviceObject(v)
	case g.kind == "service" && word == "service-object":
		why = p.serviceMember(v, depth)
	case g.kind == "protocol" && word == "protocol-object":
		w := p.next()
		s, ok := asaProtocol(w)
		if w == "ip" {
			s, ok = full(Proto), true
		}
		if !ok {
			return "a protocol that is not read"
		}
		v.services = v.services.or(service(s, full(SrcPort), full(DstPort)))
	case g.kind == "ports" && word == "port-object":
		var s Set
		if s, why = p.operator(); why == "" {
			v.ports = v.ports.or(certain(s))
		}
	case g.kind == "icmp-type" && word == "icmp-object":
		s, ok := p.icmpTypes("icmp", p.next())
		if !ok {
			return "an ICMP type that is not read"
		}
		v.ports = v.ports.or(certain(s))
	default:
		return "a member that is not read"
	}
	if why == "" && (len(p.words) > 0 || p.d.unsure != "") {
		return "words that are not read"
	}
	return why
}

func (p *asaWords) networkObject(word string, v *asaValue) string {
	switch word {
	case "host", "subnet":
		host, mask := p.next(), ""
		if word == "subnet" && len(p.words) > 0 {
			mask = p.next()
		}
		f, why := p.literal(host, mask)
		v.addresses = v.addresses.or(f)
		return why
	case "range":
		low := p.next()
		s, ok := addressRange(low + "-" + p.next())
		if !ok {
			return "a range that is not read"
		}
		v.addresses = v.addresses.or(certain(s))
		return ""
	case "fqdn":
		p.words = nil
		return "a name that only the device resolves"
	}
	return "a member that is not read"
}

// serviceObject reads "PROTOCOL [source OP] [destination OP]" or "icmp [TYPE [CODE]]".
func (p *asaWords) serviceObject(v *asaValue) string {
	w := p.next()
	s, ok := asaProtocol(w)
	switch {
	case w == "ip":
		s = full(Proto)
	case w == "tcp-udp":
		s = Values(tcp, udp)
	case !ok:
		return "a protocol that is not read"
	}
	src, dst := full(SrcPort), full(DstPort)
	if w == "icmp" || w == "icmp6" {
		if len(p.words) > 0 {
			if dst, ok = p.icmpTypes(w, p.next()); !ok {
				return "an ICMP type that is not read"
			}
		}
		v.services = v.services.or(service(s, src, dst))
		return ""
	}
	for len(p.words) > 0 {
		into := &dst
		switch p.peek() {
		case "source":
			into = &src
			p.next()
		case "destination":
			p.next()
		}
		if !slices.Contains([]string{"eq", "neq", "gt", "lt", "range"}, p.peek()) || len(s.and(ported)) != len(s) {
			return "words that are not read"
		}
		set, why := p.operator()
		if why != "" {
			return why
		}
		*into = into.and(set)
	}
	v.services = v.services.or(service(s, src, dst))
	return ""
}

func (p *asaWords) serviceMember(v *asaValue, depth int) string {
	if p.peek() != "object" {
		return p.serviceObject(v)
	}
	p.next()
	name := p.next()
	o := p.objects[name]
	if o == nil || o.kind != "service" {
		return "object " + excerpt(name) + " is not known"
	}
	in := p.evaluate(o, depth+1)
	v.services = v.services.or(in.services)
	return in.why
}

// nat finds the packets whose destination is translated: what becomes of them
// depends on more than the rules.
func (x *asa) nat(t asaNAT) {
	w := t.words
	if len(w) < 2 {
		x.baffled(t.line, t.text, "a translation that is not read")
		return
	}
	real, mapped := x.pair(w[1])
	why := "the destination is translated"
	if t.real != nil {
		if len(w) < 4 || w[2] != "static" {
			if len(w) < 3 || w[2] != "dynamic" {
				x.baffled(t.line, t.text, "a translation that is not read")
			}
			return
		}
		f := x.evaluate(t.real, 0).addresses.or(x.natAddress(w[3]))
		x.doubt(t.line, t.text, why, All().With(In, mapped).With(Dst, f.may))
		return
	}
	known := false
	if k := slices.Index(w, "source"); k >= 0 && k+2 < len(w) {
		known = true
		if w[k+1] == "static" && k+3 < len(w) && w[k+2] != w[k+3] {
			f := x.natAddress(w[k+2]).or(x.natAddress(w[k+3]))
			x.doubt(t.line, t.text, why, All().With(In, mapped).With(Dst, f.may))
		}
	}
	if k := slices.Index(w, "destination"); k >= 0 && k+3 < len(w) {
		known = true
		if w[k+2] != w[k+3] {
			f := x.natAddress(w[k+2]).or(x.natAddress(w[k+3]))
			x.doubt(t.line, t.text, why, All().With(In, real).With(Dst, f.may))
		}
	}
	if !known {
		x.baffled(t.line, t.text, "a translation that is not read")
	}
}

// pair reads "(real,mapped)" interfaces.
func (x *asa) pair(w string) (real, mapped Set) {
	real, mapped = others(), others()
	var a, b string
	if n := len(w); n > 2 && w[0] == '(' && w[n-1] == ')' {
		for i, c := range w {
			if c == ',' {
				a, b = w[1:i], w[i+1:n-1]
			}
		}
	}
	if p := x.named(a); p != nil {
		real = Values(p.index)
	}
	if p := x.named(b); p != nil {
		mapped = Values(p.index)
	}
	return real, mapped
}

// natAddress reads an address of a translation: an object, a group or an address.
func (x *asa) natAddress(w string) fuzzy {
	for _, g := range []*asaGroup{x.objects[w], x.groups[w]} {
		if g != nil && g.kind == "network" {
			return x.evaluate(g, 0).addresses
		}
	}
	if s, ok := address(w); ok {
		return certain(s)
	}
	return anything(Dst)
}

var asaProtocols = map[string]int{"ipinip": 4, "ipsec": 50, "nos": 94, "pptp": 47, "snp": 109}

func asaProtocol(w string) (Set, bool) {
	if v, ok := asaProtocols[w]; ok {
		return Values(v), true
	}
	return protocol(w)
}

// asaPorts are names of ports that the ASA has besides the usual ones (Cisco
// ASA configuration guide, TCP and UDP ports). "cmd" and "rsh", "www" and "http"
// are the same.
var asaPorts = map[string]int{
	"aol": 5190, "biff": 512, "cifs": 3020, "citrix-ica": 1494, "cmd": 514, "ctiqbe": 2748, "dnsix": 195, "exec": 512, "hostname": 101, "imap4": 143, "klogin": 543, "kshell": 544,
	"login": 513, "lotusnotes": 1352, "lpd": 515, "mobile-ip": 434, "pcanywhere-data": 5631, "pcanywhere-status": 5632, "pim-auto-rp": 496, "radius": 1645, "radius-acct": 1646,
	"rip": 520, "rpc": 111, "rsh": 514, "secureid-udp": 5510, "sqlnet": 1521, "talk": 517, "uucp": 540, "vxlan": 4789, "who": 513,
}

func asaPortNumber(w string) (int, bool) {
	if v, ok := asaPorts[w]; ok {
		return v, true
	}
	return portNumber(w)
}

func asaICMP(proto, w string) (int, bool) {
	if v, ok := number(w, 255); ok {
		return v, true
	}
	names := icmpTypes
	if proto == "icmp6" {
		names = icmp6Types
	}
	v, ok := names[w]
	return v, ok
}

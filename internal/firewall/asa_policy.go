package firewall

import (
	"fmt"
	"slices"
	"strconv"
)

func itoa(v int) string { return strconv.Itoa(v) }

// implicit makes a rule that the device has by itself.
func (r *reading) implicit(name string, a Action, m ...Match) *Rule {
	return &Rule{File: r.File, Name: name, Text: name, Action: a, Must: m, May: m}
}

// compile puts the access lists and security levels in their order.
func (x *asa) compile() {
	x.finish()
	for _, name := range sortedKeys(x.objects) { // also those that nobody uses: what is not understood is listed
		x.evaluate(x.objects[name], 0)
	}
	for _, name := range sortedKeys(x.groups) {
		x.evaluate(x.groups[name], 0)
	}
	for _, t := range x.nats {
		x.nat(t)
	}
	chains := map[string]*Chain{}
	for _, name := range x.order {
		chains[name] = x.chain(name)
	}
	var live []*asaPort
	names := Set{}
	for _, p := range x.ports {
		if p.name == "" {
			continue
		}
		live = append(live, p)
		names = names.or(Values(p.index))
		if len(p.addr) > 0 {
			x.Routes = append(x.Routes, Route{p.addr, p.bits, p.index})
		}
	}
	if len(live) == 0 {
		x.doubt(0, "", "no interface has a name, so no rule can be placed", All())
		return
	}
	inbound := &Chain{Name: "inbound"}
	inbound.Rules = append(inbound.Rules, x.implicit("no such interface", DoDeny, All().With(In, names.not(In)), All().With(Out, names.not(Out))))
	for _, p := range live {
		if p.only {
			inbound.Rules = append(inbound.Rules, x.implicit("implicit: an interface for management only", DoDeny, All().With(In, Values(p.index)), All().With(Out, Values(p.index))))
		}
	}
	if !x.intra {
		var same []Match
		for _, p := range live {
			same = append(same, All().With(In, Values(p.index)).With(Out, Values(p.index)))
		}
		inbound.Rules = append(inbound.Rules, x.implicit("implicit: out of the interface it came in on", DoDeny, same...))
	}
	inbound.Rules = append(inbound.Rules, x.sameLevel(live)...)
	for _, p := range live {
		inbound.Rules = append(inbound.Rules, x.apply(x.in[p.index], chains, "in "+p.name, All().With(In, Values(p.index)), x.global == nil)...)
	}
	if x.global != nil {
		inbound.Rules = append(inbound.Rules, x.apply(*x.global, chains, "global", All(), true)...)
	}
	inbound.Rules = append(inbound.Rules, x.levels(live)...)
	outbound := &Chain{Name: "outbound"}
	for _, p := range live {
		outbound.Rules = append(outbound.Rules, x.apply(x.out[p.index], chains, "out "+p.name, All().With(Out, Values(p.index)), true)...)
	}
	outbound.Rules = append(outbound.Rules, x.implicit("implicit: no access list on the way out", DoPermit, All()))
	x.Paths = []Path{{When: forwarded(), Stages: []*Chain{inbound, outbound}}}
}

// apply makes the rules of an access group: the list, and what its end denies.
func (x *asa) apply(l textLine, chains map[string]*Chain, where string, m Match, last bool) []*Rule {
	if l.line == 0 {
		return nil
	}
	name := l.words[1]
	c := chains[name]
	if c == nil {
		x.note(l.line, l.text, "an access list that is not there")
		return []*Rule{{File: x.File, Line: l.line, Name: "access-group " + name, Text: l.text, Action: DoUnsure, Must: []Match{m}, May: []Match{m}, Why: "an access list that is not there"}}
	}
	out := []*Rule{{File: x.File, Line: l.line, Name: "access-group " + name + " " + where, Text: l.text, Action: DoJump, Chain: c, Must: []Match{m}, May: []Match{m}}}
	if last {
		out = append(out, &Rule{File: x.File, Line: l.line, Name: "end of access-list " + name + " " + where, Text: l.text, Action: DoDeny, Must: []Match{m}, May: []Match{m}})
	}
	return out
}

// sameLevel denies between interfaces of one security level, unless
// same-security-traffic permits it. Whether an access list that permits is enough
// without that command is told both ways, so there it may deny.
func (x *asa) sameLevel(live []*asaPort) []*Rule {
	if x.inter {
		return nil
	}
	r := x.implicit("implicit: same security level", DoDeny)
	for _, p := range live {
		for _, q := range live {
			if p == q || p.level != q.level {
				continue
			}
			m := All().With(In, Values(p.index)).With(Out, Values(q.index))
			r.May = append(r.May, m)
			if x.in[p.index].line == 0 && x.global == nil {
				r.Must = append(r.Must, m)
			} else {
				r.Why = "whether an access list is enough between interfaces of one security level"
			}
		}
	}
	if r.May == nil {
		return nil
	}
	return []*Rule{r}
}

// levels are the implicit rules of interfaces without an access list: from a
// higher security level to a lower one is permitted.
func (x *asa) levels(live []*asaPort) []*Rule {
	var down []Match
	for _, p := range live {
		for _, q := range live {
			if p.level > q.level || p.level == q.level { // equal ones were denied above where they are
				down = append(down, All().With(In, Values(p.index)).With(Out, Values(q.index)))
			}
		}
	}
	var out []*Rule
	if down != nil {
		out = append(out, x.implicit("implicit: to a lower or equal security level", DoPermit, down...))
	}
	return append(out, x.implicit("implicit: to a higher security level", DoDeny, All()))
}

// chain reads an access list.
func (x *asa) chain(name string) *Chain {
	c := &Chain{Name: "access-list " + name}
	for _, l := range x.lists[name] {
		w := l.words[2:]
		if len(w) >= 2 && w[0] == "line" {
			w = w[2:]
		}
		if len(w) == 0 || w[0] == "remark" || w[0] == "webtype" || w[0] == "ethertype" || w[0] == "standard" {
			continue
		}
		if w[0] == "extended" {
			w = w[1:]
		}
		if x.Policy.Rules++; x.Policy.Rules > maxRules {
			x.err = tooMany(x.File, l.line)
			return c
		}
		p := &asaWords{asa: x, words: w, d: newDraft()}
		rule := &Rule{File: x.File, Line: l.line, Name: c.Name, Text: excerpt(l.text)}
		active := p.rule(rule)
		p.d.into(rule)
		if rule.Why != "" {
			x.note(l.line, l.text, rule.Why)
		}
		if active {
			c.Rules = append(c.Rules, rule)
		}
	}
	return c
}

// asaWords reads one rule from left to right.
type asaWords struct {
	*asa
	words []string
	d     *draft
}

func (p *asaWords) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

func (p *asaWords) next() string {
	w := p.peek()
	if w != "" {
		p.words = p.words[1:]
	} else {
		p.d.doubt("a word is missing")
	}
	return w
}

// rule reads the line after the name of the list. It reports whether the rule
// is in force.
func (p *asaWords) rule(r *Rule) bool {
	switch p.next() {
	case "permit":
		r.Action = DoPermit
	case "deny":
		r.Action = DoDeny
	default:
		r.Action = DoUnsure
		p.d.doubt("neither permit nor deny")
	}
	proto := p.protocol()
	p.address(Src)
	if src, ok := p.portSet(proto); ok {
		p.portsOf(SrcPort, src)
	}
	p.address(Dst)
	if proto == "icmp" || proto == "icmp6" {
		p.icmp(proto)
	} else if dst, ok := p.portSet(proto); ok {
		p.portsOf(DstPort, dst)
	}
	return p.options()
}

// options reads what stands behind the addresses.
func (p *asaWords) options() bool {
	for len(p.words) > 0 {
		switch w := p.next(); w {
		case "log":
			for len(p.words) > 0 && p.peek() != "inactive" && p.peek() != "time-range" {
				p.next()
			}
		case "inactive":
			return false
		default:
			if w == "time-range" {
				p.d.doubt("it holds at some times only")
				p.next()
				continue
			}
			p.d.forget("an option that is not read: " + excerpt(w))
			if slices.Contains(p.words, "inactive") {
				return false
			}
			return true
		}
	}
	return true
}

// protocol reads the protocol, or the object or group of services. It returns
// the name where ports may follow.
func (p *asaWords) protocol() string {
	w := p.next()
	switch w {
	case "ip":
		return w
	case "object", "object-group":
		name := p.next()
		table := p.objects
		if w == "object-group" {
			table = p.groups
		}
		g := table[name]
		if g == nil || !slices.Contains([]string{"service", "protocol"}, g.kind) {
			p.d.part(fmt.Sprintf("%s %s is not known", w, excerpt(name)))
			p.d.serve(someService())
			return "ip"
		}
		v := p.evaluate(g, 0)
		if v.why != "" {
			p.d.part(v.why)
		}
		p.d.serve(v.services)
		if g.kind == "protocol" {
			return "group"
		}
		return ""
	}
	s, ok := asaProtocol(w)
	if !ok {
		p.d.doubt("a protocol that is not read: " + excerpt(w))
		return "group"
	}
	p.d.narrow(Proto, certain(s))
	return w
}

// address reads one address of a rule.
func (p *asaWords) address(k Dim) {
	f, why := p.oneAddress()
	if why != "" {
		p.d.part(why)
	}
	p.d.narrow(k, f)
}

func (p *asaWords) oneAddress() (fuzzy, string) {
	w := p.next()
	switch w {
	case "any":
		return certain(full(Src)), ""
	case "any4":
		return certain(IPv4()), ""
	case "any6":
		return certain(IPv6()), ""
	case "host":
		return p.literal(p.next(), "")
	case "object", "object-group":
		name := p.next()
		g := p.groups[name]
		if w == "object" {
			g = p.objects[name]
		}
		if g == nil || g.kind != "network" {
			return anything(Src), fmt.Sprintf("%s %s is not known", w, excerpt(name))
		}
		v := p.evaluate(g, 0)
		return v.addresses, v.why
	case "interface":
		p.next()
		return anything(Src), "an address of the device itself"
	}
	if s, ok := address(w); ok && (len(s.and(IPv6())) > 0) {
		return certain(s), ""
	}
	return p.literal(w, p.next())
}

// literal reads an IPv4 address with its mask, or a host.
func (x *asa) literal(host, mask string) (fuzzy, string) {
	if a, ok := x.aliases[host]; ok {
		host = a
	}
	s, ok := address(host)
	if mask != "" {
		s, ok = addressMask(host, mask)
	}
	if !ok {
		return anything(Src), "an address that is not read: " + excerpt(host+" "+mask)
	}
	return certain(s), ""
}

// portSet reads ports, where they stand next.
func (p *asaWords) portSet(proto string) (fuzzy, bool) {
	switch p.peek() {
	case "eq", "neq", "gt", "lt", "range":
		s, why := p.operator()
		if why != "" {
			p.d.part(why)
			return anything(SrcPort), true
		}
		return certain(s), true
	case "object-group":
		if len(p.words) < 2 {
			return fuzzy{}, false
		}
		g := p.groups[p.words[1]]
		if g == nil || g.kind != "ports" {
			return fuzzy{}, false
		}
		p.words = p.words[2:]
		v := p.evaluate(g, 0)
		if v.why != "" {
			p.d.part(v.why)
		}
		return v.ports, true
	}
	return fuzzy{}, false
}

func (p *asaWords) portsOf(k Dim, f fuzzy) {
	p.d.narrow(Proto, certain(ported))
	p.d.narrow(k, f)
}

// operator reads "eq P", "range A B"…
func (p *asaWords) operator() (Set, string) {
	op := p.next()
	w := p.next()
	v, ok := asaPortNumber(w)
	if !ok {
		if op == "range" {
			p.next()
		}
		return nil, "a port that is not read: " + excerpt(w)
	}
	switch op {
	case "eq":
		return Values(v), ""
	case "neq":
		return Values(v).not(SrcPort), ""
	case "gt":
		return Between(v+1, 65535), ""
	case "lt":
		return Between(0, v-1), ""
	}
	w = p.next()
	high, ok := asaPortNumber(w)
	if !ok || high < v {
		return nil, "a range of ports that is not read"
	}
	return Between(v, high), ""
}

// icmp reads a type and code, or a group of types.
func (p *asaWords) icmp(proto string) {
	w := p.peek()
	switch w {
	case "", "log", "inactive", "time-range":
		return
	case "object-group":
		p.next()
		name := p.next()
		g := p.groups[name]
		if g == nil || g.kind != "icmp-type" {
			p.d.part("object-group " + excerpt(name) + " is not known")
			p.d.narrow(DstPort, anything(DstPort))
			return
		}
		v := p.evaluate(g, 0)
		if v.why != "" {
			p.d.part(v.why)
		}
		p.d.narrow(DstPort, v.ports)
		return
	}
	p.next()
	s, ok := p.icmpTypes(proto, w)
	if !ok {
		p.d.part("an ICMP type that is not read: " + excerpt(w))
		p.d.narrow(DstPort, anything(DstPort))
		return
	}
	p.d.narrow(DstPort, certain(s))
}

// icmpTypes reads a type, and the code where one follows.
func (p *asaWords) icmpTypes(proto, w string) (Set, bool) {
	k, ok := asaICMP(proto, w)
	if !ok {
		return nil, false
	}
	if code, isCode := number(p.peek(), 255); isCode {
		p.next()
		return icmpType(k, code), true
	}
	return icmpType(k, -1), true
}

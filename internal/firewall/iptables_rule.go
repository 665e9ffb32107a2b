package firewall

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

func tooMany(file string, line int) error {
	return fmt.Errorf("%s:%d: more than %d rules", file, line, maxRules)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// names learns the interfaces that a rule names.
func (x *iptables) names(words []string) {
	for i, w := range words {
		switch w {
		case "-i", "--in-interface", "-o", "--out-interface":
			rest := words[i+1:]
			if len(rest) > 0 && rest[0] == "!" {
				rest = rest[1:]
			}
			if len(rest) > 0 && rest[0] != "+" {
				x.iface(rest[0])
			}
		}
	}
}

// hasSix reports whether a rule names an IPv6 address.
func hasSix(words []string) bool {
	for i, w := range words {
		switch w {
		case "-s", "--source", "--src", "-d", "--destination", "--dst", "--src-range", "--dst-range":
			rest := strings.Join(words[i+1:min(i+3, len(words))], " ")
			if strings.Contains(rest, "::") || strings.Count(rest, ":") > 2 {
				return true
			}
		}
	}
	return false
}

// ifaces is the set of the interfaces that a pattern matches.
func (r *reading) ifaces(pattern, wild string) Set {
	prefix, open := strings.CutSuffix(pattern, wild)
	if !open {
		return Values(r.iface(pattern))
	}
	if prefix == "" {
		return full(In)
	}
	var s Set
	for i, name := range r.Interfaces {
		if i != Self && strings.HasPrefix(name, prefix) {
			s = append(s, Values(i)...)
		}
	}
	return s.tidy()
}

// ipSeen are the matches whose options are read.
var ipSeen = []string{"tcp", "udp", "udplite", "sctp", "dccp", "icmp", "icmp6", "icmpv6", "comment", "multiport", "iprange", "state", "conntrack"}

// ipTimes are matches that depend on what came before or on the clock.
var ipTimes = []string{"limit", "hashlimit", "connlimit", "recent", "time", "statistic", "quota", "connbytes", "rateest"}

// Targets, by what becomes of a packet.
var (
	ipPass = []string{"LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "TRACE", "TCPMSS", "TOS", "DSCP", "TTL", "HL", "CLASSIFY", "SET", "AUDIT", "SECMARK", "CONNSECMARK", "CHECKSUM", "TEE", "ACCOUNT", "LED", "RATEEST", "IDLETIMER"}
	ipNAT  = []string{"DNAT", "REDIRECT", "NETMAP", "TPROXY", "DNPT", "SAME", "BALANCE"}
	ipSrc  = []string{"SNAT", "MASQUERADE", "SNPT"}
)

// rule reads the words of one rule.
func (x *iptables) rule(table string, c *ipChain, text *ipRule) {
	p := &ipWords{iptables: x, words: text.words, d: newDraft(), text: text}
	p.read()
	rule := &Rule{File: x.File, Line: text.line, Name: c.chain.Name, Text: excerpt(text.text)}
	if !p.never {
		p.d.into(rule)
	}
	switch t := p.target; {
	case t == "", slices.Contains(ipPass, t), table == "nat" && slices.Contains(ipSrc, t):
		return // counts or marks only
	}
	if why := cmp.Or(p.d.unsure, p.d.partly); why != "" {
		x.note(text.line, text.text, why)
	}
	switch t := p.target; {
	case t == "ACCEPT":
		rule.Action = DoPermit
	case t == "DROP" || t == "REJECT":
		rule.Action = DoDeny
	case t == "RETURN":
		rule.Action = DoReturn
	case slices.Contains(ipNAT, t):
		x.doubt(text.line, text.text, "the destination is translated", rule.May...)
		return
	case t == "CT" || t == "NOTRACK":
		x.doubt(text.line, text.text, "connections are not tracked", rule.May...)
		return
	case x.tables[table][t] != nil:
		rule.Action, rule.Chain = DoJump, x.tables[table][t].chain
		if p.jumps {
			rule.Action = DoGoto
		}
	default:
		rule.Action, rule.Why = DoUnsure, "a target that is not read: "+excerpt(t)
		x.note(text.line, text.text, rule.Why)
	}
	c.chain.Rules = append(c.chain.Rules, rule)
}

// ipWords reads one rule from left to right.
type ipWords struct {
	*iptables
	words  []string
	at     int
	d      *draft
	text   *ipRule
	target string
	jumps  bool     // by -g
	never  bool     // no opening packet matches
	ports  []func() // conditions on ports, which wait for the protocol
}

// value takes the next word; a "!" before it turns the condition around.
func (p *ipWords) value(neg *bool) string {
	if p.at < len(p.words) && p.words[p.at] == "!" {
		*neg = !*neg
		p.at++
	}
	if p.at >= len(p.words) {
		p.d.doubt("a value is missing")
		return ""
	}
	p.at++
	return p.words[p.at-1]
}

func (p *ipWords) read() {
	neg := false
	for p.at < len(p.words) {
		w := p.words[p.at]
		p.at++
		if w == "!" {
			neg = true
			continue
		}
		p.option(w, neg)
		neg = false
	}
	for _, f := range p.ports {
		f()
	}
}

func (p *ipWords) option(w string, neg bool) {
	switch w {
	case "-s", "--source", "--src":
		p.addresses(Src, neg)
	case "-d", "--destination", "--dst":
		p.addresses(Dst, neg)
	case "--src-range":
		p.addressSpan(Src, neg)
	case "--dst-range":
		p.addressSpan(Dst, neg)
	case "-i", "--in-interface":
		p.interfaces(In, neg)
	case "-o", "--out-interface":
		p.interfaces(Out, neg)
	case "-p", "--protocol", "--proto":
		p.protocol(neg)
	case "--sport", "--source-port", "--sports", "--source-ports":
		p.portsOf(neg, true, false)
	case "--dport", "--destination-port", "--dports", "--destination-ports":
		p.portsOf(neg, false, true)
	case "--ports":
		p.portsOf(neg, true, true)
	case "--icmp-type":
		p.icmp(neg, icmp4, icmpTypes)
	case "--icmpv6-type":
		p.icmp(neg, icmp6, icmp6Types)
	case "--state", "--ctstate":
		p.state(neg)
	case "--ctdir":
		if original := p.value(&neg) == "ORIGINAL"; original == neg {
			p.never = true
		}
	case "--syn":
		p.flags([]string{"FIN", "SYN", "RST", "ACK"}, []string{"SYN"}, neg)
	case "--tcp-flags":
		mask := p.value(&neg)
		p.flags(strings.Split(mask, ","), strings.Split(p.value(&neg), ","), neg)
	case "-f", "--fragment": // of an opening packet the head is looked at
		p.never = p.never || !neg
	case "-m", "--match":
		if m := p.value(&neg); slices.Contains(ipTimes, m) {
			p.d.doubt("it matches at some times only: " + m)
		} else if !slices.Contains(ipSeen, m) {
			p.d.doubt("a match that is not read: " + excerpt(m))
		}
	case "--comment":
		p.at++
	case "-c", "--set-counters":
		p.at += 2
	case "-j", "--jump":
		p.target = p.value(&neg)
	case "-g", "--goto":
		p.target, p.jumps = p.value(&neg), true
	case "--log-prefix", "--nflog-prefix", "--ulog-prefix":
		p.at++
	default:
		if p.target == "" && p.d.unsure == "" {
			p.d.doubt("an option that is not read: " + excerpt(w))
		}
	}
}

func (p *ipWords) narrow(k Dim, f fuzzy, neg bool) {
	if neg {
		f = f.not(k)
	}
	p.d.narrow(k, f)
}

func (p *ipWords) addresses(k Dim, neg bool) {
	f := certain(Set{})
	for _, a := range strings.Split(p.value(&neg), ",") {
		s, ok := address(a)
		if !ok {
			p.d.part("an address that is not read: " + excerpt(a))
			f = f.or(anything(k))
			continue
		}
		f = f.or(certain(s))
	}
	p.narrow(k, f, neg)
}

func (p *ipWords) addressSpan(k Dim, neg bool) {
	v := p.value(&neg)
	s, ok := addressRange(v)
	if !ok {
		p.d.doubt("a range that is not read: " + excerpt(v))
		return
	}
	p.narrow(k, certain(s), neg)
}

func (p *ipWords) interfaces(k Dim, neg bool) {
	if v := p.value(&neg); v != "" {
		p.narrow(k, certain(p.ifaces(v, "+")), neg)
	}
}

func (p *ipWords) protocol(neg bool) {
	v := p.value(&neg)
	if v == "all" || v == "0" {
		p.never = p.never || neg
		return
	}
	s, ok := protocol(v)
	if !ok {
		p.d.doubt("a protocol that is not read: " + excerpt(v))
		return
	}
	p.narrow(Proto, certain(s), neg)
}

// portsOf reads a list of ports of the source, the destination, or either.
func (p *ipWords) portsOf(neg, src, dst bool) {
	var s Set
	for _, word := range strings.Split(p.value(&neg), ",") {
		one, ok := portSpan(word, ":")
		if !ok {
			p.d.doubt("a port that is not read: " + excerpt(word))
			return
		}
		s = s.or(one)
	}
	p.ports = append(p.ports, func() {
		var list []Match
		if src {
			list = append(list, All().With(SrcPort, s))
		}
		if dst {
			list = append(list, All().With(DstPort, s))
		}
		if neg {
			list = complement(list)
		}
		p.d.narrow(Proto, certain(ported))
		p.d.serve(services{list, list})
	})
}

func (p *ipWords) icmp(neg bool, proto int, names map[string]int) {
	v := p.value(&neg)
	p.d.narrow(Proto, certain(Values(proto)))
	if v == "any" || v == "255" {
		p.never = p.never || neg
		return
	}
	kind, code, coded := strings.Cut(v, "/")
	k, ok := number(kind, 255)
	if !ok {
		k, ok = names[kind]
	}
	c := -1
	if coded && ok {
		c, ok = number(code, 255)
	}
	if !ok {
		p.d.doubt("an ICMP type that is not read: " + excerpt(v))
		return
	}
	p.narrow(DstPort, certain(icmpType(k, c)), neg)
}

// state keeps the rule where it matches new conversations.
func (p *ipWords) state(neg bool) {
	list := strings.Split(strings.ToUpper(p.value(&neg)), ",")
	for _, s := range list {
		if !slices.Contains([]string{"NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"}, s) {
			p.d.doubt("a state that is not read: " + excerpt(s))
			return
		}
	}
	if slices.Contains(list, "NEW") == neg {
		p.never = true
	}
}

// flags keeps the rule where it matches a packet of TCP with SYN alone.
func (p *ipWords) flags(mask, want []string, neg bool) {
	p.d.narrow(Proto, certain(Values(tcp)))
	known := []string{"SYN", "ACK", "FIN", "RST", "URG", "PSH", "ALL", "NONE"}
	for _, f := range append(slices.Clone(mask), want...) {
		if !slices.Contains(known, f) {
			p.d.doubt("a TCP flag that is not read: " + excerpt(f))
			return
		}
	}
	seen := slices.Contains(mask, "SYN") || slices.Contains(mask, "ALL")
	asked := slices.Contains(want, "SYN") && len(want) == 1
	none := slices.Equal(want, []string{"NONE"})
	if hit := seen && asked || !seen && none; hit == neg {
		p.never = true
	}
}

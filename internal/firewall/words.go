package firewall

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Traffic is a set of packets in words: prefixes, ports, names of interfaces.
type Traffic struct {
	In    []string `json:"in,omitempty"`  // interfaces; empty: any
	Out   []string `json:"out,omitempty"` // interfaces; empty: any
	From  []string `json:"from"`          // prefixes; "any"
	To    []string `json:"to"`
	Proto []string `json:"protocol"`               // names or numbers; "any"
	Src   []string `json:"source_ports,omitempty"` // empty: any
	Ports []string `json:"ports,omitempty"`        // of the destination, or ICMP type/code; empty: any
}

// Words writes a set of packets for people; names are those of interfaces.
func (m Match) Words(names []string) Traffic {
	t := Traffic{From: addressWords(m[Src]), To: addressWords(m[Dst]), Proto: protocolWords(m[Proto])}
	t.In, t.Out = interfaceWords(m[In], names), interfaceWords(m[Out], names)
	if !m[SrcPort].equal(full(SrcPort)) {
		t.Src = portWords(m[SrcPort], false)
	}
	if !m[DstPort].equal(full(DstPort)) {
		icmp := len(m[Proto].and(Values(icmp4, icmp6))) > 0 && len(m[Proto].and(ported)) == 0
		t.Ports = portWords(m[DstPort], icmp)
	}
	return t
}

// String writes it on one line.
func (t Traffic) String() string {
	var b strings.Builder
	b.WriteString(strings.Join(t.From, ", "))
	if len(t.In) > 0 {
		b.WriteString(" in " + strings.Join(t.In, ", "))
	}
	b.WriteString(" to " + strings.Join(t.To, ", "))
	if len(t.Out) > 0 {
		b.WriteString(" out " + strings.Join(t.Out, ", "))
	}
	b.WriteString(", " + t.Service())
	return b.String()
}

// Service writes protocol and ports.
func (t Traffic) Service() string {
	s := strings.Join(t.Proto, ",")
	if len(t.Ports) > 0 {
		s += " " + strings.Join(t.Ports, ",")
	} else if s == "any" {
		s = "any service"
	}
	if len(t.Src) > 0 {
		s += " from ports " + strings.Join(t.Src, ",")
	}
	return s
}

// most bounds how many values of one dimension are written out.
const most = 64

// limited counts what is beyond the bound.
func limited(list []string) []string {
	if len(list) > most {
		return append(list[:most:most], fmt.Sprintf("and %d more", len(list)-most))
	}
	return list
}

func interfaceWords(s Set, names []string) []string {
	if s.equal(full(In)) || s.equal(others()) {
		return nil
	}
	out := []string{}
	for _, x := range s {
		for i := x.lo.lo; i <= x.hi.lo; i++ {
			if i >= uint64(len(names)) {
				out = append(out, "any other")
				break
			}
			out = append(out, names[i])
		}
	}
	return limited(out)
}

// addressWords writes a set of addresses as the fewest prefixes.
func addressWords(s Set) []string {
	switch {
	case s.equal(full(Src)):
		return []string{"any"}
	case s.equal(IPv4()):
		return []string{"0.0.0.0/0"}
	case s.equal(IPv6()):
		return []string{"::/0"}
	}
	out := prefixWords(s)
	if len(out) <= 4 {
		return out
	}
	whole, name := full(Src), "any"
	for _, family := range []Set{IPv4(), IPv6()} {
		if len(s.and(family.not(Src))) == 0 {
			cover := around(s[0].lo, s[len(s)-1].hi)
			whole, name = Prefix(cover).and(family), cover.String()
		}
	}
	if rest := prefixWords(s.not(Src).and(whole)); len(rest)*4 < len(out) {
		return []string{name + " except " + strings.Join(limited(rest), ", ")}
	}
	return limited(out)
}

// around is the smallest prefix that holds both addresses.
func around(low, high num) netip.Prefix {
	a := numAddr(low)
	p := netip.PrefixFrom(a, a.BitLen())
	for p.Bits() > 0 && Prefix(p)[0].hi.cmp(high) < 0 {
		p = netip.PrefixFrom(a, p.Bits()-1).Masked()
	}
	return p
}

func prefixWords(s Set) []string {
	out := []string{}
	for _, p := range Prefixes(s, 4*most) {
		if p.IsSingleIP() {
			out = append(out, p.Addr().String())
		} else {
			out = append(out, p.String())
		}
	}
	return out
}

// Prefixes cuts a set of addresses into the fewest prefixes, at most limit.
func Prefixes(s Set, limit int) []netip.Prefix {
	var out []netip.Prefix
	for _, part := range []Set{s.and(IPv4()), s.and(IPv6())} {
		for _, x := range part {
			for low := x.lo; len(out) < limit; {
				p, last := largest(low, x.hi)
				out = append(out, p)
				if last == x.hi {
					break
				}
				low = last.next()
			}
		}
	}
	return out
}

// largest is the widest prefix that begins at low and does not pass high, with
// its last address.
func largest(low, high num) (netip.Prefix, num) {
	a := numAddr(low)
	length := a.BitLen()
	last := low
	for length > 0 {
		p := netip.PrefixFrom(a, length-1)
		if p.Masked().Addr() != a {
			break
		}
		end := Prefix(p)[0].hi
		if end.cmp(high) > 0 {
			break
		}
		length, last = length-1, end
	}
	return netip.PrefixFrom(a, length), last
}

var protocolNames = map[int]string{icmp4: "icmp", 2: "igmp", 4: "ipip", tcp: "tcp", udp: "udp", dccp: "dccp", 47: "gre", 50: "esp", 51: "ah", icmp6: "icmpv6", 88: "eigrp", 89: "ospf", 103: "pim", 112: "vrrp", sctp: "sctp", udplite: "udplite"}

func protocolWords(s Set) []string {
	if s.equal(full(Proto)) {
		return []string{"any"}
	}
	if rest := s.not(Proto); len(rest) < len(s) {
		return []string{"any except " + strings.Join(protocolWords(rest), ",")}
	}
	out := []string{}
	for _, x := range s {
		if x.hi.lo-x.lo.lo > 2 {
			out = append(out, fmt.Sprintf("%d-%d", x.lo.lo, x.hi.lo))
			continue
		}
		for v := x.lo.lo; v <= x.hi.lo; v++ {
			name, ok := protocolNames[int(v)]
			if !ok {
				name = strconv.Itoa(int(v))
			}
			out = append(out, name)
		}
	}
	return limited(out)
}

func portWords(s Set, icmp bool) []string {
	out := []string{}
	for _, x := range s {
		low, high := x.lo.lo, x.hi.lo
		switch {
		case icmp && low == high:
			out = append(out, fmt.Sprintf("type %d code %d", low>>8, low&255))
		case icmp && low&255 == 0 && high == low|255:
			out = append(out, fmt.Sprintf("type %d", low>>8))
		case icmp && low&255 == 0 && high&255 == 255:
			out = append(out, fmt.Sprintf("types %d-%d", low>>8, high>>8))
		case icmp:
			out = append(out, fmt.Sprintf("types and codes %d/%d-%d/%d", low>>8, low&255, high>>8, high&255))
		case low == high:
			out = append(out, strconv.Itoa(int(low)))
		default:
			out = append(out, fmt.Sprintf("%d-%d", low, high))
		}
	}
	return limited(out)
}

// ruleWhere lists rules by file and line, each once.
func ruleWhere(rules []*Rule) []string {
	var out []string
	for _, r := range rules {
		if w := r.Where(); !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

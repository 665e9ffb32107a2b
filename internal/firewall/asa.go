package firewall

import (
	"net/netip"
	"slices"
	"strings"
)

// readASA reads the running configuration of a Cisco ASA (8.3 and later, where
// access lists see the addresses that hosts really have).
func readASA(r *reading, data []byte) error {
	x := &asa{reading: r, groups: map[string]*asaGroup{}, objects: map[string]*asaGroup{}, lists: map[string][]textLine{}, aliases: map[string]string{}, in: map[int]textLine{}, out: map[int]textLine{}}
	if err := lines(r.File, data, x.line); err != nil {
		return err
	}
	x.compile()
	return nil
}

// textLine is a line in words.
type textLine struct {
	line  int
	text  string
	words []string
}

type asa struct {
	*reading
	block   func(textLine) // takes the lines of the open block; nil: none is open
	groups  map[string]*asaGroup
	objects map[string]*asaGroup
	lists   map[string][]textLine
	order   []string
	aliases map[string]string
	ports   []*asaPort
	in, out map[int]textLine // access-group by interface
	global  *textLine
	inter   bool // same-security-traffic permit inter-interface
	intra   bool
	nats    []asaNAT
	late    []textLine // routes and access-groups, which wait for the interfaces
}

// asaPort is an interface with a name.
type asaPort struct {
	name  string
	index int
	level int
	set   bool // the level is given
	only  bool // management-only: nothing passes through
	addr  Set
	bits  int
	text  textLine
	odd   []textLine // settings that were not understood
}

type asaNAT struct {
	textLine
	real *asaGroup // the object it stands in; nil: at top level
}

// asaHarmless begin commands that decide nothing about traffic through the
// device, with what is in them.
var asaHarmless = strings.Fields(`ASA : ! hostname domain-name enable passwd password banner boot ftp clock dns pager logging mtu failover icmp monitor-interface
 arp timeout user-identity aaa aaa-server http snmp-server service ssh telnet console ssl webvpn group-policy username tunnel-group class-map policy-map
 service-policy prompt call-home Cryptochecksum: ntp tftp-server dhcpd dhcprelay license asdm history terminal xlate regex certificate quit exit end privilege
 snmp flow-export tcp-map threat-detection-statistics priority-queue names time-range checkheaps cts management-access no-monitor zonelabs-integrity
 crashinfo coredump lacp port-channel jumbo-frame firewall-statistics smart license vpn-sessiondb vpdn sysopt fragment mac-address-table ip-local dynamic-access-policy-record
 app-agent hw-module object-group-search key route-map prefix-list community-list as-path event cluster-statistics password-policy tls-proxy scp ctl-file terminal-width serial Serial Hardware
 service-module aaa-identity cryptochecksum: Cryptochecksum sla track dns-group http-map tls ssl-server mac-list flow-offload nve pki group-delimiter media-termination phone-proxy default-information
 asp cluster-member-limit user-alert user-message l2tp url-cache snort capture tcp udp compression csd imap4s pop3s smtps anyconnect-custom-attr anyconnect-custom-data saml kerberos ldap
 cpu process memory-size reload alias-mode gdb debug banner-text show`)

func (x *asa) line(at int, text string) {
	t := strings.TrimSpace(text)
	l := textLine{at, t, strings.Fields(t)}
	if len(l.words) == 0 {
		return
	}
	if k := slices.Index(l.words, "!"); k > 0 && l.words[0] != "description" && !slices.Contains(l.words[:min(3, len(l.words))], "remark") && l.words[0] != "banner" {
		l.words = l.words[:k]
	}
	if text[0] == ' ' || text[0] == '\t' {
		if x.block != nil {
			x.block(l)
		} else {
			x.baffled(at, t, "a line of no block that is read")
		}
		return
	}
	if l.words[0] == "!" {
		return
	}
	x.block = nil
	x.top(l)
}

func ignore(textLine) {}

func (x *asa) top(l textLine) {
	w := l.words
	switch w[0] {
	case "interface":
		p := &asaPort{text: l, index: -1}
		x.ports = append(x.ports, p)
		x.block = func(l textLine) { x.port(p, l) }
	case "object", "object-group":
		x.group(l)
	case "name":
		if len(w) >= 3 {
			x.aliases[w[2]] = w[1]
		}
	case "hostname":
		if len(w) > 1 {
			x.Hostname = w[1]
		}
	case "access-list":
		x.list(l)
	case "access-group", "route":
		x.late = append(x.late, l)
	case "same-security-traffic":
		x.inter = x.inter || slices.Contains(w, "inter-interface")
		x.intra = x.intra || slices.Contains(w, "intra-interface")
	case "nat":
		x.nats = append(x.nats, asaNAT{l, nil})
	case "router":
		x.NoRoutes = "routes are learned (line " + itoa(l.line) + ")"
		x.block = ignore
	case "crypto":
		x.crypto(l)
	case "threat-detection":
		if slices.Contains(w, "shun") {
			x.baffled(l.line, l.text, "hosts are shut out as they are found")
		}
	case "ip", "ipv6":
		x.ip(l)
	case "no":
		if len(w) > 1 && slices.Contains([]string{"access-list", "access-group", "nat", "object", "object-group", "interface", "route", "same-security-traffic"}, w[1]) {
			x.baffled(l.line, l.text, "a command that takes something back")
		}
		x.block = ignore
	default:
		if slices.Contains(asaHarmless, w[0]) || strings.HasPrefix(w[0], "Cryptochecksum:") {
			x.block = ignore
			return
		}
		x.baffled(l.line, l.text, "a command that is not read")
		x.block = ignore // its lines belong to what is doubted already
	}
}

func (x *asa) ip(l textLine) {
	w := l.words
	x.block = ignore
	switch {
	case len(w) > 1 && slices.Contains([]string{"local", "verify", "audit", "unnumbered", "nd", "icmp", "local-host"}, w[1]):
	case w[0] == "ipv6" && len(w) > 1 && w[1] == "route":
		x.Six = true
	default:
		x.baffled(l.line, l.text, "a command that is not read")
	}
}

// crypto is harmless but where a tunnel ends: what comes out of it passes no
// access list (sysopt connection permit-vpn is on unless it is taken back).
func (x *asa) crypto(l textLine) {
	w := l.words
	x.block = ignore
	if len(w) >= 5 && w[1] == "map" && w[3] == "interface" || len(w) >= 4 && (w[1] == "ikev1" || w[1] == "ikev2") && w[2] == "enable" {
		x.late = append(x.late, l)
	}
}

// port reads a line of an interface.
func (x *asa) port(p *asaPort, l textLine) {
	w := l.words
	switch w[0] {
	case "nameif":
		if len(w) > 1 {
			p.name, p.index = w[1], x.iface(w[1])
			if !p.set && strings.EqualFold(w[1], "inside") {
				p.level = 100
			}
		}
	case "security-level":
		v, ok := 0, false
		if len(w) > 1 {
			v, ok = number(w[1], 100)
		}
		if !ok {
			x.baffled(l.line, l.text, "a security level that is not read")
			return
		}
		p.level, p.set = v, true
	case "ip":
		if len(w) >= 4 && w[1] == "address" {
			if s, ok := addressMask(w[2], w[3]); ok {
				p.addr, p.bits = s, maskBits(w[3])
				return
			}
		}
		if len(w) >= 3 && w[1] == "address" {
			x.NoRoutes = "an address is given by DHCP or PPPoE (line " + itoa(l.line) + ")"
			return
		}
		x.oddPort(p, l)
	case "ipv6":
		x.Six = true
	case "management-only":
		p.only = true
	case "policy-route":
		x.NoRoutes = "a policy chooses ways (line " + itoa(l.line) + ")"
	case "zone-member", "bridge-group", "tunnel":
		x.baffled(l.line, l.text, "a kind of interface that is not read")
	case "description", "shutdown", "no", "mtu", "speed", "duplex", "vlan", "channel-group", "mac-address", "standby", "lacp", "port-channel", "delay", "hello-interval",
		"authentication", "ospf", "dhcprelay", "igmp", "pim", "flowcontrol", "nve-only", "switchport", "power", "cts", "member-interface", "rip", "eigrp", "dhcp", "pppoe":
	default:
		x.oddPort(p, l)
	}
}

// oddPort lists a setting that was not understood: what goes through the
// interface is undecided.
func (x *asa) oddPort(p *asaPort, l textLine) {
	x.note(l.line, l.text, "a setting of an interface that is not read")
	p.odd = append(p.odd, l)
}

func maskBits(mask string) int {
	m, err := netip.ParseAddr(mask)
	if err != nil || !m.Is4() {
		return 0
	}
	b := bits32(m)
	c := 0
	for ; b != 0; b <<= 1 {
		c++
	}
	return c
}

// list gathers the lines of access lists, which are read when all objects are known.
func (x *asa) list(l textLine) {
	if len(l.words) < 3 || l.words[1] == "cached" || l.words[1] == "alert-interval" || l.words[1] == "deny-flow-max" {
		return
	}
	name := l.words[1]
	if x.lists[name] == nil {
		x.order = append(x.order, name)
	}
	x.lists[name] = append(x.lists[name], l)
}

// finish handles what waits for the interfaces.
func (x *asa) finish() {
	for _, p := range x.ports { // its name may stand below
		for _, l := range p.odd {
			if p.index >= 0 {
				x.doubt(l.line, l.text, "a setting of an interface that is not read", All().With(In, Values(p.index)), All().With(Out, Values(p.index)))
			}
		}
	}
	for _, l := range x.late {
		w := l.words
		switch w[0] {
		case "route":
			x.route(l)
		case "crypto":
			if p := x.named(w[len(w)-1]); p != nil {
				x.doubt(l.line, l.text, "what comes out of a tunnel passes no access list", All().With(In, Values(p.index)))
			} else if p := x.named(w[min(3, len(w)-1)]); p != nil {
				x.doubt(l.line, l.text, "what comes out of a tunnel passes no access list", All().With(In, Values(p.index)))
			} else {
				x.baffled(l.line, l.text, "a tunnel on an interface that is not known")
			}
		case "access-group":
			x.accessGroup(l)
		}
	}
}

func (x *asa) accessGroup(l textLine) {
	w := l.words
	if slices.Contains(w, "control-plane") {
		return // traffic to the device itself
	}
	switch {
	case len(w) == 3 && w[2] == "global":
		x.global = &l
	case len(w) >= 5 && w[3] == "interface" && (w[2] == "in" || w[2] == "out"):
		p := x.named(w[4])
		if p == nil {
			x.baffled(l.line, l.text, "an interface that is not known")
			return
		}
		if len(w) > 5 {
			x.note(l.line, l.text, "an option that is not read")
			x.doubt(l.line, l.text, "an option that is not read", All().With(In, Values(p.index)))
		}
		if w[2] == "in" {
			x.in[p.index] = l
		} else {
			x.out[p.index] = l
		}
	default:
		x.baffled(l.line, l.text, "an access group that is not read")
	}
}

func (x *asa) named(name string) *asaPort {
	for _, p := range x.ports {
		if p.name == name && name != "" {
			return p
		}
	}
	return nil
}

func (x *asa) route(l textLine) {
	w := l.words
	if len(w) >= 5 {
		if p := x.named(w[1]); p != nil {
			if s, ok := addressMask(w[2], w[3]); ok {
				x.Routes = append(x.Routes, Route{s, maskBits(w[3]), p.index})
				return
			}
		}
	}
	x.note(l.line, l.text, "a route that is not read")
	x.NoRoutes = "a route is not read (line " + itoa(l.line) + ")"
}

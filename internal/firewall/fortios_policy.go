package firewall

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// entries are the entries of a section, none where there is no such section.
func (x *forti) entries(path string) []*fortiEntry {
	if s := x.sections[path]; s != nil {
		return s.entries
	}
	return nil
}

func (x *forti) entry(path, name string) *fortiEntry {
	if s := x.sections[path]; s != nil {
		_, e := s.find(name)
		return e
	}
	return nil
}

// setting is what a section sets without an entry.
func (x *forti) setting(path string) *fortiEntry {
	if s := x.sections[path]; s != nil {
		return s.top
	}
	return nil
}

// compile turns the sections into rules.
func (x *forti) compile() {
	if v := x.setting("system global").get("hostname"); len(v) > 0 {
		x.Hostname = v[0]
	}
	x.interfaces()
	x.routes()
	x.special()
	x.objects()
	chain := &Chain{Name: "policies"}
	var permitted []Match // between the interfaces of a zone
	for _, z := range x.entries("system zone") {
		if f := x.zones[z.name]; z.is("intrazone", "allow") {
			permitted = append(permitted, All().With(In, f.may).With(Out, f.may))
			// It is not told whether a policy that denies comes before this.
			chain.Rules = append(chain.Rules, &Rule{File: x.File, Line: z.line, Name: "zone " + z.name, Text: "intrazone allow", Action: DoPermit, May: permitted[len(permitted)-1:], Why: "whether policies come before intrazone allow"})
		}
	}
	for _, e := range x.entries("firewall policy") {
		if r := x.policy(e); r != nil {
			chain.Rules = append(chain.Rules, r)
		}
	}
	if permitted != nil {
		chain.Rules = append(chain.Rules, x.implicit("intrazone allow", DoPermit, permitted...))
	}
	chain.Rules = append(chain.Rules, x.implicit("implicit deny (policy 0)", DoDeny, All()))
	x.hairpins()
	x.Paths = []Path{{When: forwarded(), Stages: []*Chain{chain}}}
}

// hairpins are the packets that leave by the interface they came in on: they
// pass without a policy unless that is switched off. Two interfaces without a
// name are taken to be two.
func (x *forti) hairpins() {
	if x.setting("system global").is("allow-traffic-redirect", "disable") {
		return
	}
	var same []Match
	for i := 1; i < len(x.Interfaces); i++ {
		same = append(same, All().With(In, Values(i)).With(Out, Values(i)))
	}
	if same == nil {
		return
	}
	x.doubt(0, "", "out of the interface that it came in on (allow-traffic-redirect)", same...)
}

// fortiInterface are the attributes of an interface that decide nothing.
var fortiInterface = strings.Fields(`vdom type alias description snmp-index secondary-IP mtu mtu-override vlanid interface speed status vrf role allowaccess device-identification lldp-reception lldp-transmission
 lldp-network-policy estimated-upstream-bandwidth estimated-downstream-bandwidth monitor-bandwidth fortilink dedicated-to trunk vlan-protocol color tagging ip ip6 mode distance priority
 member lacp-mode min-links auth-type detectserver detectprotocol gwdetect remote-ip cli-conn-status fail-detect explicit-web-proxy explicit-ftp-proxy netbios-forward wins-ip arpforward
 broadcast-forward bfd l2forward icmp-send-redirect icmp-accept-redirect vlanforward stpforward src-check sample-rate sflow-sampler netflow-sampler preserve-session-route defaultgw dns-server-override
 dhcp-relay-service dhcp-relay-ip dhcp-relay-type inbandwidth outbandwidth macaddr management-ip measured-upstream-bandwidth measured-downstream-bandwidth ap-discover switch-controller-access-vlan
 switch-controller-feature switch-controller-igmp-snooping ip-managed-by-fortiipam swc-first-create external aggregate redundant-interface devindex idle-timeout auto-auth-extension-device
 switch-controller-dhcp-snooping switch-controller-mgmt-vlan ipv6 vrrp secondaryip dhcp-snooping-server-list algorithm lacp-ha-slave lacp-ha-secondary weight`)

// fortiInterfaceKinds begin further attributes that decide nothing: addressing,
// neighbours, radio, monitoring, shaping. Those of security-mode and the sniffer
// are not among them.
var fortiInterfaceKinds = strings.Fields(`dhcp- dhcp6- lldp- wifi- lacp- ppp pptp- vrrp estimated- measured- sflow- netflow- dns- spillover- ingress-spillover- switch-controller- trust-ip- trust-ip6-
 ap- auto-auth- swc- stp stpforward fortiheartbeat forti-heartbeat fail- gwdetect broadcast- egress- ingress-shaping ac-name username password pptp disc-retry- auth-cert padt- service-name idle- lcp-
 ping-serv l2tp-client tcp-mss mediatype forward-error-correction fec icmp- ip-managed- managed-subnetwork polling-interval priority-override aggregate-type sw-algorithm substitute mac ha-priority
 monitor-bandwidth bandwidth-measure- cli- default-purdue-level reachable-time remote-ip role-custom transceiver vindex vlan- interconnect-profile np-qos-profile port-mirroring color defaultgw`)

func (x *forti) interfaces() {
	x.zones, x.ifaces = map[string]fuzzy{}, map[string]bool{}
	for _, e := range x.entries("system interface") {
		i := x.iface(e.name)
		x.ifaces[e.name] = true
		x.address(e, i)
		x.Six = x.Six || len(e.get("ip6")) > 0 || e.subs["ipv6"] != nil && len(e.subs["ipv6"].top.get("ip6-address")) > 0
		if s := e.subs["secondaryip"]; s != nil {
			for _, second := range s.entries {
				x.address(second, i)
			}
		}
		if l := e.sets["dedicated-to"]; l != nil && !e.is("dedicated-to", "none") {
			x.doubt(l.line, l.text, "an interface for management", All().With(In, Values(i)), All().With(Out, Values(i)))
		}
		if m := e.get("mode"); len(m) > 0 && m[0] != "static" {
			x.NoRoutes = fmt.Sprintf("the address of %s is given by %s (line %d)", e.name, m[0], e.sets["mode"].line)
		}
		for _, attr := range sortedKeys(e.sets) {
			if l := e.sets[attr]; !slices.Contains(fortiInterface, attr) && !slices.ContainsFunc(fortiInterfaceKinds, func(k string) bool { return strings.HasPrefix(attr, k) }) {
				why := "a setting of an interface that is not read"
				x.note(l.line, l.text, why)
				x.doubt(l.line, l.text, why, All().With(In, Values(i)), All().With(Out, Values(i)))
			}
		}
	}
	for _, z := range x.entries("system zone") {
		f := certain(Set{})
		for _, name := range z.get("interface") {
			f = f.or(x.link(name, z.sets["interface"]))
		}
		x.zones[z.name] = f
		for _, attr := range sortedKeys(z.sets) {
			if l := z.sets[attr]; attr != "interface" && attr != "intrazone" && attr != "description" && attr != "tagging" {
				x.baffled(l.line, l.text, "a setting of a zone that is not read")
			}
		}
	}
}

func (x *forti) address(e *fortiEntry, i int) {
	v := e.get("ip")
	if s, bits, ok := fortiNetwork(v); ok && bits > 0 {
		x.Routes = append(x.Routes, Route{s, bits, i})
	}
}

// fortiNetwork reads "A M" or "A/len".
func fortiNetwork(v []string) (Set, int, bool) {
	switch {
	case len(v) == 2:
		s, ok := addressMask(v[0], v[1])
		return s, maskBits(v[1]), ok
	case len(v) == 1:
		p, err := netip.ParsePrefix(v[0])
		if err != nil {
			s, ok := address(v[0])
			return s, 32, ok
		}
		return Prefix(p), p.Bits(), true
	}
	return nil, 0, false
}

// link is the interfaces of a name in a policy: an interface or a zone.
func (x *forti) link(name string, l *textLine) fuzzy {
	if z, ok := x.zones[name]; ok {
		return z
	}
	if x.ifaces[name] || len(x.ifaces) == 0 {
		return certain(Values(x.iface(name)))
	}
	x.note(l.line, l.text, "interface or zone "+excerpt(name)+" is not known")
	return fuzzy{Set{}, others()}
}

func (x *forti) routes() {
	for _, path := range []string{"router policy", "system sdwan", "system virtual-wan-link"} {
		if s := x.sections[path]; s != nil && (len(s.entries) > 0 || s.top.is("status", "enable")) {
			x.NoRoutes = path + " chooses ways"
		}
	}
	if len(x.setting("router bgp").get("as")) > 0 {
		x.NoRoutes = "routes are learned by BGP"
	}
	for _, path := range []string{"router ospf", "router rip", "router isis"} {
		if s := x.setting(path); s != nil && s.subs["network"] != nil && len(s.subs["network"].entries) > 0 {
			x.NoRoutes = "routes are learned (" + path + ")"
		}
	}
	for _, e := range x.entries("router static") {
		if e.is("status", "disable") {
			continue
		}
		device, dst := e.get("device"), e.get("dst")
		to, bits, ok := IPv4(), 0, true
		if len(dst) > 0 {
			to, bits, ok = fortiNetwork(dst)
		}
		if len(device) != 1 || !ok || len(e.get("dstaddr")) > 0 || e.is("sdwan", "enable") || len(e.get("internet-service")) > 0 {
			if e.is("blackhole", "enable") {
				continue
			}
			x.NoRoutes = fmt.Sprintf("a route is not read (line %d)", e.line)
			x.note(e.line, e.text, "a route that is not read")
			continue
		}
		x.Routes = append(x.Routes, Route{to, bits, x.iface(device[0])})
	}
}

// special looks for what stands beside the policies and decides too.
func (x *forti) special() {
	if s := x.setting("system settings"); s != nil {
		if l := s.sets["ngfw-mode"]; l != nil && !s.is("ngfw-mode", "profile-based") {
			x.baffled(l.line, l.text, "policies by application are not read")
		}
		if s.is("opmode", "transparent") {
			x.NoRoutes = "the device is a bridge"
		}
	}
	for _, s := range []struct {
		path   string
		region Match
	}{
		{"firewall acl", All()}, {"firewall security-policy", All()}, {"firewall consolidated policy", All()},
		{"firewall policy6", All().With(Src, IPv6())},
		{"firewall multicast-policy", All().With(Dst, Prefix(netip.MustParsePrefix("224.0.0.0/4")))},
		{"firewall multicast-policy6", All().With(Dst, Prefix(netip.MustParsePrefix("ff00::/8")))},
	} {
		for _, e := range x.entries(s.path) {
			x.note(e.line, e.text, "an entry of "+s.path+", which is not read")
			x.doubt(e.line, e.text, "an entry of "+s.path+", which is not read", s.region)
		}
	}
	for _, e := range x.entries("firewall vip") {
		ext, _ := fortiVIP(e, "extip")
		mapped, _ := fortiVIP(e, "mappedip")
		x.doubt(e.line, e.text, "the destination is translated", All().With(Dst, ext.or(mapped).may))
	}
}

// fortiVIP reads an address of a virtual address.
func fortiVIP(e *fortiEntry, attr string) (fuzzy, bool) {
	f := certain(Set{})
	for _, v := range e.get(attr) {
		s, ok := addressRange(v)
		if !ok {
			s, ok = address(v)
		}
		if !ok {
			return anything(Dst), false
		}
		f = f.or(certain(s))
	}
	if len(f.may) == 0 {
		return anything(Dst), false
	}
	return f, true
}

// policy reads one policy; nil: it is not in force.
func (x *forti) policy(e *fortiEntry) *Rule {
	if e.is("status", "disable") {
		return nil
	}
	r := &Rule{File: x.File, Line: e.line, Name: "policy " + excerpt(e.name), Text: "policy " + excerpt(e.name), Action: DoDeny}
	if v := e.get("name"); len(v) > 0 {
		r.Text += " “" + excerpt(v[0]) + "”"
	}
	switch v := e.get("action"); {
	case len(v) == 0 || e.is("action", "deny"):
	case e.is("action", "accept"):
		r.Action = DoPermit
	default:
		r.Action, r.Why = DoUnsure, "an action that is not read: "+excerpt(strings.Join(v, " "))
		x.note(e.sets["action"].line, e.sets["action"].text, r.Why)
	}
	why := r.Why
	var must, may []Match
	for _, six := range []bool{false, true} {
		d := newDraft()
		if !x.conditions(d, e, six) {
			continue
		}
		part := *r
		d.into(&part)
		must, may = append(must, part.Must...), append(may, part.May...)
		if why == "" {
			why = part.Why
		}
	}
	r.Must, r.May, r.Why = must, may, why
	return r
}

// fortiConditions are the attributes that are read as conditions.
var fortiConditions = []string{"action", "status", "srcintf", "dstintf", "srcaddr", "dstaddr", "srcaddr6", "dstaddr6", "service", "schedule", "srcaddr-negate", "dstaddr-negate", "srcaddr6-negate", "dstaddr6-negate", "service-negate", "internet-service", "internet-service-src", "internet-service6", "internet-service6-src"}

// conditions reads the conditions of a policy for one family of addresses; it
// reports whether there are any for it.
func (x *forti) conditions(d *draft, e *fortiEntry, six bool) bool {
	suffix, family := "", IPv4()
	if six {
		if suffix, family = "6", IPv6(); e.get("srcaddr6") == nil && e.get("dstaddr6") == nil {
			return false
		}
	} else if e.get("srcaddr") == nil && e.get("dstaddr") == nil && e.get("srcaddr6") != nil {
		return false
	}
	needed := []string{"srcintf", "dstintf", "srcaddr" + suffix, "dstaddr" + suffix, "service"}
	for _, attr := range []string{"internet-service", "internet-service-src", "internet-service6", "internet-service6-src"} {
		if e.is(attr, "enable") {
			d.doubt("a service of the internet that the maker lists")
			needed = needed[:2]
		}
	}
	for _, attr := range needed {
		if e.get(attr) == nil {
			x.note(e.line, e.text, "a policy without "+attr)
			d.doubt("a policy without " + attr)
		}
	}
	for i, attr := range []string{"srcintf", "dstintf"} {
		if l := e.sets[attr]; l != nil {
			x.take(d, In+Dim(i), l, false, func(name string) (fuzzy, string) {
				if name == "any" {
					return certain(others()), ""
				}
				return x.link(name, l), ""
			}, "any")
		}
	}
	for i, attr := range []string{"srcaddr" + suffix, "dstaddr" + suffix} {
		k := Src + Dim(i)
		d.narrow(k, certain(family))
		if l := e.sets[attr]; l != nil {
			x.take(d, k, l, e.is(attr+"-negate", "enable"), func(name string) (fuzzy, string) { return x.addresses(name, six, 0) }, "all")
		}
	}
	if l := e.sets["service"]; l != nil {
		x.services(d, l, e.is("service-negate", "enable"))
	}
	if v := e.get("schedule"); len(v) > 0 && v[0] != "always" {
		d.doubt("it holds at some times only: schedule " + excerpt(v[0]))
	}
	known := strings.Fields(fortiRead["firewall policy"])
	for _, attr := range sortedKeys(e.sets) {
		if l := e.sets[attr]; !slices.Contains(known, attr) && !slices.Contains(fortiConditions, attr) {
			x.note(l.line, l.text, "a setting of a policy that is not read")
			d.doubt("a setting that is not read: " + excerpt(attr))
		}
	}
	return true
}

// take narrows a dimension to a list of names. A device drops the name for
// everything where others stand beside it, or refuses the line: then only the
// others are certain.
func (x *forti) take(d *draft, k Dim, l *textLine, negate bool, resolve func(string) (fuzzy, string), everything string) {
	f := certain(Set{})
	for _, name := range l.words {
		one, why := resolve(name)
		if why != "" {
			x.note(l.line, l.text, why)
			d.part(why)
		}
		if name == everything && len(l.words) > 1 {
			why := everything + " beside others"
			x.note(l.line, l.text, why)
			d.part(why)
			one.must = Set{}
		}
		f = f.or(one)
	}
	if !f.must.equal(f.may) {
		d.part("a name that is not known")
	}
	if negate {
		f = f.not(k)
	}
	d.narrow(k, f)
}

func (x *forti) services(d *draft, l *textLine, negate bool) {
	var s services
	for _, name := range l.words {
		one, why := x.service(name, 0)
		if why != "" {
			x.note(l.line, l.text, why)
			d.part(why)
		}
		if name == "ALL" && len(l.words) > 1 {
			x.note(l.line, l.text, "ALL beside others")
			d.part("ALL beside others")
			one.must = nil
		}
		s = s.or(one)
	}
	if negate {
		s = s.not()
	}
	d.serve(s)
}

package firewall

import (
	"slices"
	"strings"
)

// panQuiet are the keys of a rule that decide nothing about opening packets.
var panQuiet = strings.Fields(`tag description log-start log-end log-setting profile-setting option uuid group-tag disable-server-response-inspection icmp-unreachable audit-comment
 from to source destination service application action disabled negate-source negate-destination rule-type`)

// panAny are the keys of a rule that ask for nothing where they say any.
var panAny = strings.Fields("source-user category hip-profiles source-hip destination-hip source-device destination-device schedule destination-hip saas-user-list saas-tenant-list")

// rule reads one rule; nil: it is not in force.
func (x *panos) rule(n *panNode) *Rule {
	if n.is("disabled", "yes") {
		return nil
	}
	r := &Rule{File: x.File, Line: n.line, Name: "rule " + excerpt(n.name), Text: "rule “" + excerpt(n.name) + "”"}
	d := newDraft()
	for _, key := range []string{"from", "to", "source", "destination", "service", "application", "action"} {
		if n.kid(key) == nil {
			x.note(n.line, n.text, "a rule without "+key)
			d.doubt("a rule without " + key)
		}
	}
	for _, key := range []string{"disabled", "negate-source", "negate-destination", "rule-type", "action"} {
		if k := n.kid(key); k != nil && len(k.kids) != 1 {
			x.unread(d, k, "not one value")
		}
	}
	if v := n.values("action"); len(v) == 1 {
		r.Action = panAction(v[0])
	} else {
		r.Action = DoUnsure
	}
	if r.Action == DoUnsure && n.kid("action") != nil {
		x.unread(d, n.kid("action"), "an action that is not read")
	}
	x.zonesOf(d, n)
	for i, key := range []string{"source", "destination"} {
		if v := n.values(key); len(v) > 0 {
			f, why := x.addressList(v)
			if why != "" {
				x.note(n.kid(key).line, n.kid(key).text, why)
				d.part(why)
			}
			if n.is("negate-"+key, "yes") {
				f = f.not(Src)
			}
			d.narrow(Src+Dim(i), f)
		}
	}
	x.servicesOf(d, n)
	if v := n.values("application"); len(v) > 0 && !slices.Equal(v, []string{"any"}) {
		d.doubt("it depends on the application: " + excerpt(strings.Join(v, " ")))
	}
	for _, k := range n.kids {
		switch {
		case slices.Contains(panQuiet, k.name):
		case slices.Contains(panAny, k.name):
			if v := n.values(k.name); len(v) > 0 && !slices.Equal(v, []string{"any"}) {
				d.doubt("it depends on " + k.name)
			}
		default:
			x.unread(d, k, "a setting of a rule that is not read")
		}
	}
	d.into(r)
	return r
}

func (x *panos) unread(d *draft, k *panNode, why string) {
	x.note(k.line, k.text, why)
	d.doubt(why + ": " + excerpt(k.name))
}

// zonesOf reads from and to.
func (x *panos) zonesOf(d *draft, n *panNode) {
	from, known := x.zoneList(d, n, "from")
	to, known2 := x.zoneList(d, n, "to")
	kind := "universal"
	if v := n.values("rule-type"); len(v) == 1 {
		kind = v[0]
	}
	if !known || !known2 {
		d.part("a zone that is not known")
	}
	var must, may []Match
	pair := func(a, b panZone) {
		m := All().With(In, a.set).With(Out, b.set)
		may = append(may, m)
		if a.certain && b.certain {
			must = append(must, m)
		}
	}
	for _, a := range from {
		for _, b := range to {
			switch kind {
			case "universal":
				pair(a, b)
			case "interzone":
				if a.name != b.name {
					pair(a, b)
				}
			case "intrazone": // to is not asked for
			default:
				a.certain = false
				pair(a, b)
			}
		}
		if kind == "intrazone" {
			pair(a, a)
		}
	}
	if kind != "universal" && kind != "interzone" && kind != "intrazone" {
		x.unread(d, n.kid("rule-type"), "a type of rule that is not read")
	}
	d.serve(services{must, may})
}

// panZone is a zone that a rule names, or may.
type panZone struct {
	name    string
	set     Set
	certain bool
}

// zoneList reads zones; known is false where one is not configured.
func (x *panos) zoneList(d *draft, n *panNode, key string) (out []panZone, known bool) {
	v := n.values(key)
	all := func(certain bool) {
		for _, name := range sortedKeys(x.zones) {
			out = append(out, panZone{name, x.zones[name], certain})
		}
	}
	if slices.Equal(v, []string{"any"}) {
		all(true)
		return out, true
	}
	known = true
	for _, name := range v {
		s, ok := x.zones[name]
		if !ok {
			x.note(n.kid(key).line, n.kid(key).text, "zone "+excerpt(name)+" is not known")
			known = false
			all(false)
			continue
		}
		out = append(out, panZone{name, s, true})
	}
	if len(v) == 0 {
		all(false)
		return out, false
	}
	return out, known
}

// servicesOf reads the services of a rule.
func (x *panos) servicesOf(d *draft, n *panNode) {
	v := n.values("service")
	if len(v) == 0 || slices.Equal(v, []string{"any"}) {
		return
	}
	var s services
	for _, name := range v {
		one, why := x.service(name, 0)
		if why != "" {
			if name != "application-default" {
				x.note(n.kid("service").line, n.kid("service").text, why)
			}
			d.part(why)
		}
		s = s.or(one)
	}
	d.serve(s)
}

// service is what a name stands for.
func (x *panos) service(name string, depth int) (services, string) {
	return x.servicesSeen.of(name, depth, someService(), func() (services, string) { return x.readService(name, depth) })
}

func (x *panos) readService(name string, depth int) (services, string) {
	if o := x.object("service", name); o != nil {
		s, ok := panService(o)
		if !ok {
			return someService(), "service " + excerpt(name) + " is not read"
		}
		return s, ""
	}
	if g := x.object("service-group", name); g != nil {
		var s services
		why := ""
		for _, m := range g.values("members") {
			one, w := x.service(m, depth+1)
			if w != "" {
				x.note(g.kid("members").line, g.kid("members").text, w)
				why = w
			}
			s = s.or(one)
		}
		return s, why
	}
	switch name {
	case "service-http":
		return service(Values(tcp), full(SrcPort), Values(80, 8080)), ""
	case "service-https":
		return service(Values(tcp), full(SrcPort), Values(443)), ""
	case "any":
		return services{nil, []Match{All()}}, "any beside others"
	case "application-default":
		return someService(), "the ports depend on the application"
	}
	return someService(), "service " + excerpt(name) + " is not known"
}

func panService(o *panNode) (services, bool) {
	var s services
	for _, p := range o.kid("protocol").children() {
		k, ok := map[string]int{"tcp": tcp, "udp": udp, "sctp": sctp}[p.name]
		dst, ok1 := panPorts(p.values("port"))
		src, ok2 := full(SrcPort), true
		if v := p.values("source-port"); len(v) > 0 {
			src, ok2 = panPorts(v)
		}
		if !ok || !ok1 || !ok2 {
			return s, false
		}
		s = s.or(service(Values(k), src, dst))
	}
	return s, len(s.may) > 0
}

func panPorts(v []string) (Set, bool) {
	var s Set
	for _, one := range v {
		for _, part := range strings.Split(one, ",") {
			p, ok := portSpan(strings.TrimSpace(part), "-")
			if !ok {
				return nil, false
			}
			s = s.or(p)
		}
	}
	return s, len(s) > 0
}

// addressList is a list of addresses in a rule.
func (x *panos) addressList(v []string) (fuzzy, string) {
	if slices.Equal(v, []string{"any"}) {
		return certain(full(Src)), ""
	}
	f := certain(Set{})
	why := ""
	for _, name := range v {
		one, w := x.addresses(name, 0)
		if w != "" {
			why = w
		}
		f = f.or(one)
	}
	return f, why
}

func (x *panos) addresses(name string, depth int) (fuzzy, string) {
	return x.addressesSeen.of(name, depth, anything(Src), func() (fuzzy, string) { return x.readAddresses(name, depth) })
}

func (x *panos) readAddresses(name string, depth int) (fuzzy, string) {
	if o := x.object("address", name); o != nil {
		if s, ok := panAddress(o); ok {
			return certain(s), ""
		}
		return anything(Src), "address " + excerpt(name) + " is not read"
	}
	if g := x.object("address-group", name); g != nil {
		members := g.values("static")
		if len(members) == 0 {
			return anything(Src), "group " + excerpt(name) + " is filled by tags"
		}
		f := certain(Set{})
		why := ""
		for _, m := range members {
			one, w := x.addresses(m, depth+1)
			if w != "" {
				x.note(g.kid("static").line, g.kid("static").text, w)
				why = w
			}
			f = f.or(one)
		}
		return f, why
	}
	if s, ok := address(name); ok {
		return certain(s), ""
	}
	if s, ok := addressRange(name); ok {
		return certain(s), ""
	}
	return anything(Src), "address " + excerpt(name) + " is not known"
}

func panAddress(o *panNode) (Set, bool) {
	if v := o.values("ip-netmask"); len(v) == 1 {
		return address(v[0])
	}
	if v := o.values("ip-range"); len(v) == 1 {
		return addressRange(v[0])
	}
	if v := o.values("ip-wildcard"); len(v) == 1 {
		// The mask has ones where the address may be anything.
		host, mask, _ := strings.Cut(v[0], "/")
		a, ok1 := address(host)
		m, ok2 := address(mask)
		if ok1 && ok2 && len(a.and(IPv4())) == 1 && len(m.and(IPv4())) == 1 {
			return masked(uint32(a[0].lo.lo), ^uint32(m[0].lo.lo))
		}
	}
	return nil, false
}

// lists tells what is not understood in objects that no rule uses.
func (x *panos) lists() {
	tell := func(n *panNode, why string) {
		if why != "" {
			x.note(n.line, n.text, why)
		}
	}
	x.each([]string{"address"}, func(n *panNode) { _, why := x.addresses(n.name, 0); tell(n, why) })
	x.each([]string{"address-group"}, func(n *panNode) { _, why := x.addresses(n.name, 0); tell(n, why) })
	x.each([]string{"service"}, func(n *panNode) { _, why := x.service(n.name, 0); tell(n, why) })
	x.each([]string{"service-group"}, func(n *panNode) { _, why := x.service(n.name, 0); tell(n, why) })
}

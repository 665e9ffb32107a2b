package firewall

import (
	"net/netip"
	"slices"
	"strings"
)

// objects lists what is not understood in objects that no policy uses.
func (x *forti) objects() {
	for _, path := range []string{"firewall address", "firewall addrgrp"} {
		for _, e := range x.entries(path) {
			x.addresses(e.name, false, 0)
		}
	}
	for _, path := range []string{"firewall service custom", "firewall service group"} {
		for _, e := range x.entries(path) {
			x.service(e.name, 0)
		}
	}
}

// odd lists attributes of an object that are not read, and says so.
func (x *forti) odd(e *fortiEntry, path string, read ...string) (why string) {
	known := strings.Fields(fortiRead[path])
	for _, attr := range sortedKeys(e.sets) {
		if l := e.sets[attr]; !slices.Contains(known, attr) && !slices.Contains(read, attr) {
			why = "a setting of an object that is not read"
			x.note(l.line, l.text, why)
		}
	}
	return why
}

// addresses are those of a name in a policy: an address, a group or a virtual
// address. why says what was not understood.
func (x *forti) addresses(name string, six bool, depth int) (fuzzy, string) {
	family := IPv4()
	if six {
		family = IPv6()
	}
	return x.addressesSeen[six].of(name, depth, fuzzy{Set{}, family}, func() (fuzzy, string) { return x.readAddresses(name, six, depth) })
}

func (x *forti) readAddresses(name string, six bool, depth int) (fuzzy, string) {
	single, group := "firewall address", "firewall addrgrp"
	family := IPv4()
	if six {
		single, group, family = "firewall address6", "firewall addrgrp6", IPv6()
	}
	unknown := fuzzy{Set{}, family}
	if e := x.entry(single, name); e != nil {
		f, why := x.oneAddress(e, six)
		if odd := x.odd(e, single, "type", "subnet", "start-ip", "end-ip", "wildcard", "interface", "ip6", "sdn", "fqdn", "country", "macaddr", "filter"); odd != "" {
			f.must, why = Set{}, odd
			f.may = family
		}
		return f, why
	}
	if e := x.entry(group, name); e != nil {
		return x.addressGroup(e, group, six, depth)
	}
	if e := x.entry("firewall vip", name); e != nil && !six {
		f, ok := fortiVIP(e, "extip")
		if !ok {
			return f, "a virtual address that is not read"
		}
		return f, ""
	}
	if e := x.entry("firewall vipgrp", name); e != nil && !six {
		return x.addressGroup(e, "firewall vipgrp", six, depth)
	}
	switch name {
	case "all":
		return certain(family), ""
	case "none":
		return certain(Set{}), ""
	}
	return unknown, "address " + excerpt(name) + " is not known"
}

func (x *forti) addressGroup(e *fortiEntry, path string, six bool, depth int) (fuzzy, string) {
	f := certain(Set{})
	why := x.odd(e, path, "member", "exclude", "exclude-member", "interface")
	if why != "" {
		f = anything(Src)
	}
	gather := func(attr string, into *fuzzy) {
		for _, m := range e.get(attr) {
			one, w := x.addresses(m, six, depth+1)
			if w != "" {
				x.note(e.sets[attr].line, e.sets[attr].text, w)
				why = w
			}
			*into = into.or(one)
		}
	}
	gather("member", &f)
	if e.is("exclude", "enable") {
		out := certain(Set{})
		gather("exclude-member", &out)
		f = f.and(out.not(Src))
	}
	return f, why
}

func (x *forti) oneAddress(e *fortiEntry, six bool) (fuzzy, string) {
	family := IPv4()
	if six {
		family = IPv6()
	}
	unknown := fuzzy{Set{}, family}
	kind := "ipmask"
	if six {
		kind = "ipprefix"
	}
	if v := e.get("type"); len(v) == 1 {
		kind = v[0]
	}
	read := func(s Set, ok bool) (fuzzy, string) {
		if !ok {
			return unknown, "an address that is not read"
		}
		return certain(s), ""
	}
	switch kind {
	case "ipmask":
		v := e.get("subnet")
		if v == nil {
			return certain(family), ""
		}
		s, _, ok := fortiNetwork(v)
		return read(s, ok)
	case "ipprefix":
		v := e.get("ip6")
		if v == nil {
			return certain(family), ""
		}
		p, err := netip.ParsePrefix(v[0])
		if err != nil {
			return read(nil, false)
		}
		return read(Prefix(p).and(family), true)
	case "iprange":
		low, high := "0.0.0.0", "0.0.0.0"
		if v := e.get("start-ip"); len(v) == 1 {
			low = v[0]
		}
		if v := e.get("end-ip"); len(v) == 1 {
			high = v[0]
		}
		return read(addressRange(low + "-" + high))
	case "wildcard":
		v := e.get("wildcard")
		if v == nil {
			return certain(family), ""
		}
		if len(v) != 2 {
			return read(nil, false)
		}
		return read(addressMask(v[0], v[1]))
	case "interface-subnet":
		if v := e.get("interface"); len(v) == 1 {
			if of := x.entry("system interface", v[0]); of != nil {
				s, _, ok := fortiNetwork(of.get("ip"))
				return read(s, ok)
			}
		}
	}
	return unknown, "an address of type " + excerpt(kind) + ", which only the device knows"
}

// service is what a name stands for: a service or a group.
func (x *forti) service(name string, depth int) (services, string) {
	return x.servicesSeen.of(name, depth, someService(), func() (services, string) { return x.readService(name, depth) })
}

func (x *forti) readService(name string, depth int) (services, string) {
	if e := x.entry("firewall service custom", name); e != nil {
		s, why := x.customService(e)
		if odd := x.odd(e, "firewall service custom", "protocol", "protocol-number", "tcp-portrange", "udp-portrange", "sctp-portrange", "icmptype", "icmpcode"); odd != "" {
			return someService(), odd
		}
		return s, why
	}
	if e := x.entry("firewall service group", name); e != nil {
		var s services
		why := x.odd(e, "firewall service group", "member")
		if why != "" {
			s = someService()
		}
		for _, m := range e.get("member") {
			one, w := x.service(m, depth+1)
			if w != "" {
				x.note(e.sets["member"].line, e.sets["member"].text, w)
				why = w
			}
			s = s.or(one)
		}
		return s, why
	}
	if name == "ALL" {
		return anyService(), ""
	}
	return someService(), "service " + excerpt(name) + " is not known"
}

func (x *forti) customService(e *fortiEntry) (services, string) {
	kind := "TCP/UDP/SCTP"
	if v := e.get("protocol"); len(v) == 1 {
		kind = v[0]
	}
	unread := func(attr string) (services, string) {
		if l := e.sets[attr]; l != nil {
			x.note(l.line, l.text, "a service that is not read")
		}
		return someService(), "a service that is not read: " + excerpt(e.name)
	}
	switch strings.ToUpper(kind) {
	case "IP":
		v := e.get("protocol-number")
		if len(v) == 0 || v[0] == "0" {
			return anyService(), ""
		}
		k, ok := number(v[0], 255)
		if !ok {
			return unread("protocol-number")
		}
		return service(Values(k), full(SrcPort), full(DstPort)), ""
	case "ICMP", "ICMP6":
		proto := icmp4
		if strings.EqualFold(kind, "ICMP6") {
			proto = icmp6
		}
		set := full(DstPort)
		if v := e.get("icmptype"); len(v) > 0 {
			k, ok := number(v[0], 255)
			code := -1
			if c := e.get("icmpcode"); ok && len(c) > 0 {
				code, ok = number(c[0], 255)
			}
			if !ok {
				return unread("icmptype")
			}
			set = icmpType(k, code)
		}
		return service(Values(proto), full(SrcPort), set), ""
	case "TCP/UDP/SCTP", "TCP/UDP/UDP-LITE/SCTP":
		var s services
		for _, p := range []struct {
			attr  string
			proto int
		}{{"tcp-portrange", tcp}, {"udp-portrange", udp}, {"sctp-portrange", sctp}} {
			for _, v := range e.get(p.attr) {
				dst, src, sourced := strings.Cut(v, ":")
				d, ok := portSpan(dst, "-")
				from, ok2 := full(SrcPort), true
				if sourced {
					from, ok2 = portSpan(src, "-")
				}
				if !ok || !ok2 {
					return unread(p.attr)
				}
				s = s.or(service(Values(p.proto), from, d))
			}
		}
		if s.may == nil {
			return unread("")
		}
		return s, ""
	}
	return unread("protocol")
}

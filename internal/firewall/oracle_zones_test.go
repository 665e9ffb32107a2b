package firewall

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
)

// fortiOracle keeps entries as lists of attribute and values.
type fortiOracle struct {
	sections map[string][]*fortiOracleEntry
	doubted  map[string]bool // interfaces with settings that nobody knows
	broken   bool
}

type fortiOracleEntry struct {
	name string
	set  map[string][]string
}

func (e *fortiOracleEntry) has(attr, value string) bool {
	return len(e.set[attr]) == 1 && e.set[attr][0] == value
}

func quotedWords(line string) []string {
	var out []string
	glued := false
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
			glued = true
			continue
		}
		w := strings.Fields(part)
		if glued && len(w) > 0 && part != "" && part[0] != ' ' { // "new"_group1
			out[len(out)-1] += w[0]
			w = w[1:]
		}
		out = append(out, w...)
		glued = false
	}
	return out
}

func readFortiOracle(text string) *fortiOracle {
	o := &fortiOracle{sections: map[string][]*fortiOracleEntry{}, doubted: map[string]bool{}}
	var open []string
	var entry *fortiOracleEntry
	find := func(section, name string) int {
		return slices.IndexFunc(o.sections[section], func(e *fortiOracleEntry) bool { return e.name == name })
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		w := quotedWords(line)
		if w[0] == "config" {
			open = append(open, strings.Join(w[1:], " "))
			continue
		}
		section := open[0]
		if len(open) > 1 { // of nested sections only the end counts
			if w[0] == "end" {
				open = open[:len(open)-1]
			}
			continue
		}
		list := o.sections[section]
		switch w[0] {
		case "end":
			open, entry = nil, nil
		case "next":
			entry = nil
		case "edit":
			if i := find(section, w[1]); i >= 0 {
				entry = list[i]
			} else {
				entry = &fortiOracleEntry{w[1], map[string][]string{}}
				o.sections[section] = append(list, entry)
			}
		case "set", "select":
			if entry != nil {
				entry.set[w[1]] = w[2:]
			}
		case "append":
			entry.set[w[1]] = append(slices.Clone(entry.set[w[1]]), w[2:]...)
		case "delete":
			o.sections[section] = slices.DeleteFunc(list, func(e *fortiOracleEntry) bool { return e.name == w[1] })
		case "move":
			from, to := find(section, w[1]), find(section, w[3])
			if from < 0 || to < 0 {
				continue
			}
			e := list[from]
			list = slices.Delete(list, from, from+1)
			o.sections[section] = list
			to = find(section, w[3])
			if w[2] == "after" {
				to++
			}
			o.sections[section] = slices.Insert(list, to, e)
		case "rename":
			o.rename(section, w[1], w[3])
		case "clone": // those of the data are refused
		default:
			o.broken = true
		}
	}
	return o
}

func (o *fortiOracle) rename(section, from, to string) {
	pair := []string{"firewall service custom", "firewall service group"}
	var it *fortiOracleEntry
	for _, s := range pair {
		for _, e := range o.sections[s] {
			if e.name == to {
				return
			}
			if s == section && e.name == from {
				it = e
			}
		}
	}
	if it == nil {
		return
	}
	it.name = to
	for _, e := range append(slices.Clone(o.sections["firewall policy"]), o.sections["firewall service group"]...) {
		for _, attr := range []string{"service", "member"} {
			for i, v := range e.set[attr] {
				if v == from {
					e.set[attr][i] = to
				}
			}
		}
	}
}

func (o *fortiOracle) get(section, name string) *fortiOracleEntry {
	for _, e := range o.sections[section] {
		if e.name == name {
			return e
		}
	}
	return nil
}

func (o *fortiOracle) names() []string {
	out := []string{}
	for _, e := range o.sections["system interface"] {
		out = append(out, e.name)
	}
	return out
}

// garbage reports an attribute that the data makes up to be unknown.
func garbage(e *fortiOracleEntry) bool {
	for k := range e.set {
		if strings.HasPrefix(k, "UNDEFINED") {
			return true
		}
	}
	return false
}

func (o *fortiOracle) fate(h header) int {
	if o.broken {
		return mayBoth
	}
	for _, e := range o.sections["system interface"] {
		if garbage(e) && (h.in == e.name || h.out == e.name) {
			return mayBoth
		}
	}
	for _, e := range o.sections["firewall vip"] {
		if h.dst.String() == e.set["extip"][0] || h.dst.String() == e.set["mappedip"][0] {
			return mayBoth
		}
	}
	if h.in == self || h.out == self {
		return mayBoth
	}
	if h.in == h.out && h.in != "nowhere" {
		return mayBoth // allow-traffic-redirect
	}
	zone := func(name string) *fortiOracleEntry {
		for _, z := range o.sections["system zone"] {
			if slices.Contains(z.set["interface"], name) && z.has("intrazone", "allow") {
				return z
			}
		}
		return nil
	}
	out := 0
	within := zone(h.in) != nil && zone(h.in) == zone(h.out)
	if within {
		out = mayPermit
	}
	for _, e := range o.sections["firewall policy"] {
		if e.has("status", "disable") {
			continue
		}
		m := o.policy(e, h)
		if m == no {
			continue
		}
		switch {
		case e.has("action", "accept"):
			out |= mayPermit
		case e.has("action", "ipsec"):
			out |= mayBoth
			if m == yes {
				return out
			}
		default:
			out |= mayDeny
		}
		if m == yes {
			return out
		}
	}
	if within {
		return out | mayPermit
	}
	return out | mayDeny
}

func (o *fortiOracle) policy(e *fortiOracleEntry, h header) answer {
	if !h.src.Is4() || !h.dst.Is4() {
		return no
	}
	m := yes
	if garbage(e) || len(e.set["schedule"]) > 0 && !e.has("schedule", "always") || len(e.set["groups"]) > 0 {
		m = maybe
	}
	list := func(attr, everything string, one func(string) answer) answer {
		names := e.set[attr]
		if len(names) == 0 {
			return maybe
		}
		got := no
		for _, n := range names {
			a := one(n)
			if n == everything && len(names) > 1 {
				a = min(a, maybe)
			}
			got = max(got, a)
		}
		if e.has(attr+"-negate", "enable") {
			got = got.not()
		}
		return got
	}
	link := func(want string) func(string) answer {
		return func(n string) answer {
			switch {
			case n == "any":
				return yes
			case o.get("system zone", n) != nil:
				return yesIf(slices.Contains(o.get("system zone", n).set["interface"], want))
			case o.get("system interface", n) != nil || len(o.sections["system interface"]) == 0:
				return yesIf(n == want)
			}
			return maybe
		}
	}
	m = min(m, list("srcintf", "any", link(h.in)), list("dstintf", "any", link(h.out)))
	m = min(m, list("srcaddr", "all", func(n string) answer { return o.address(n, h.src) }))
	m = min(m, list("dstaddr", "all", func(n string) answer { return o.address(n, h.dst) }))
	return min(m, list("service", "ALL", func(n string) answer { return o.service(n, h) }))
}

func (o *fortiOracle) address(name string, a netip.Addr) answer {
	if e := o.get("firewall address", name); e != nil {
		switch {
		case garbage(e):
			return maybe
		case e.has("type", "iprange"):
			return yesIf(inRange(e.set["start-ip"][0]+"-"+e.set["end-ip"][0], a))
		case e.has("type", "fqdn"):
			return maybe
		case e.has("type", "wildcard"):
			return yesIf(sameBits(netip.MustParseAddr(e.set["wildcard"][0]), netip.MustParseAddr(e.set["wildcard"][1]), a))
		case len(e.set["subnet"]) == 2:
			return yesIf(sameBits(netip.MustParseAddr(e.set["subnet"][0]), netip.MustParseAddr(e.set["subnet"][1]), a))
		case len(e.set["subnet"]) == 1:
			return yesIf(netip.MustParsePrefix(e.set["subnet"][0]).Contains(a))
		}
		return yes
	}
	if e := o.get("firewall addrgrp", name); e != nil {
		got := no
		for _, m := range e.set["member"] {
			got = max(got, o.address(m, a))
		}
		if e.has("exclude", "enable") {
			for _, m := range e.set["exclude-member"] {
				got = min(got, o.address(m, a).not())
			}
		}
		return got
	}
	if e := o.get("firewall vip", name); e != nil {
		return yesIf(e.set["extip"][0] == a.String())
	}
	if name == "all" {
		return yes
	}
	return maybe
}

func (o *fortiOracle) service(name string, h header) answer {
	if e := o.get("firewall service custom", name); e != nil {
		if garbage(e) {
			return maybe
		}
		if e.has("protocol", "IP") {
			if n := e.set["protocol-number"]; len(n) > 0 {
				return yesIf(atoi(n[0]) == h.proto)
			}
			return yes
		}
		if e.has("protocol", "ICMP") {
			t := e.set["icmptype"]
			return yesIf(h.proto == 1 && (len(t) == 0 || atoi(t[0]) == h.dport>>8))
		}
		for attr, proto := range map[string]int{"tcp-portrange": 6, "udp-portrange": 17} {
			for _, v := range e.set[attr] {
				dst, src, sourced := strings.Cut(v, ":")
				if h.proto == proto && portIn(dst, "-", h.dport) && (!sourced || portIn(src, "-", h.sport)) {
					return yes
				}
			}
		}
		return no
	}
	if e := o.get("firewall service group", name); e != nil {
		got := no
		for _, m := range e.set["member"] {
			got = max(got, o.service(m, h))
		}
		return got
	}
	if name == "ALL" {
		return yes
	}
	return maybe
}

func makeForti(r *rand.Rand) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("config system global\n    set hostname \"made-up\"\nend\nconfig system interface")
	for i := range 5 {
		line("    edit \"port%d\"\n        set ip 10.%d.0.1 255.255.0.0\n        set type physical\n    next", i+1, i+1)
	}
	line("end\nconfig system zone\n    edit \"plant\"\n        set intrazone %s\n        set interface \"port4\" \"port5\"\n    next\nend", pick(r, []string{"allow", "deny"}))
	line("config firewall address\n    edit \"all\"\n    next\n    edit \"n1\"\n        set subnet 10.1.0.0 255.255.0.0\n    next\n    edit \"n2\"\n        set subnet 10.1.1.0/24\n    next\n    edit \"r1\"\n        set type iprange\n        set start-ip 10.2.0.9\n        set end-ip 10.2.3.3\n    next")
	line("    edit \"w1\"\n        set type wildcard\n        set wildcard 10.1.0.7 255.255.0.255\n    next\n    edit \"named\"\n        set type fqdn\n        set fqdn \"a.example\"\n    next\nend")
	line("config firewall addrgrp\n    edit \"g1\"\n        set member \"n1\" \"r1\"\n        set exclude enable\n        set exclude-member \"n2\"\n    next\n    edit \"g2\"\n        set member \"g1\" \"%s\"\n    next\nend", pick(r, []string{"w1", "named", "gone"}))
	line("config firewall service custom\n    edit \"web\"\n        set tcp-portrange 80 443\n    next\n    edit \"odd\"\n        set tcp-portrange 1000-2000:22\n        set udp-portrange 53\n    next\n    edit \"ping\"\n        set protocol ICMP\n        set icmptype 8\n    next\n    edit \"gre\"\n        set protocol IP\n        set protocol-number 47\n    next\n    edit \"ALL\"\n        set protocol IP\n    next\nend")
	line("config firewall service group\n    edit \"sg\"\n        set member \"web\" \"odd\"\n    next\nend")
	if chance(r, 30) {
		line("config firewall vip\n    edit \"v1\"\n        set extip 192.0.2.77\n        set mappedip \"10.1.1.7\"\n        set extintf \"any\"\n    next\nend")
	}
	line("config firewall policy")
	count := 3 + r.IntN(7)
	for i := range count {
		quote := func(list ...string) string { return `"` + strings.Join(list, `" "`) + `"` }
		names := []string{"all", "n1", "n2", "r1", "w1", "g1", "g2"}
		line("    edit %d", i+1)
		line("        set srcintf %s", pick(r, []string{quote("any"), quote("port1", "port2"), quote("plant"), quote("port3"), quote("any", "port1")}))
		line("        set dstintf %s", pick(r, []string{quote("any"), quote("port1", "port2"), quote("plant"), quote("port3")}))
		line("        set srcaddr %s", pick(r, []string{quote("all"), quote(pick(r, names)), quote(pick(r, names[1:]), pick(r, names[1:]))}))
		line("        set dstaddr %s", pick(r, []string{quote("all"), quote(pick(r, names)), quote("all", "n1")}))
		line("        set service %s", pick(r, []string{quote("ALL"), quote("web"), quote("sg", "ping"), quote("odd"), quote("gre"), quote("lost")}))
		line("        set schedule %s", pick(r, []string{quote("always"), quote("always"), quote("always"), quote("night")}))
		if a := pick(r, []string{"accept", "accept", "deny", ""}); a != "" {
			line("        set action %s", a)
		}
		for _, extra := range []string{"set status disable", "set srcaddr-negate enable", "set service-negate enable", "set groups \"staff\"", "set UNDEFINED_THING enable", "set logtraffic all"} {
			if chance(r, 8) {
				line("        %s", extra)
			}
		}
		line("    next")
	}
	if chance(r, 40) {
		line("    move %d before 1\n    delete 2", count)
	}
	line("end")
	return b.String()
}

// panOracle keeps each command as words; a list is one word with spaces between.
type panOracle struct {
	lines [][]string
	cache map[string][]string
}

func readPanOracle(text string) *panOracle {
	o := &panOracle{cache: map[string][]string{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "set ") || strings.Contains(line, " description") || strings.Contains(line, " comment ") || strings.Contains(line, "content-preview") {
			continue
		}
		w := quotedWords(strings.NewReplacer("[", " [ ", "]", " ] ").Replace(line))[1:]
		for len(w) > 2 && (w[0] == "vsys" || w[0] == "shared" || w[0] == "config" || w[0] == "devices") {
			if w[0] == "shared" || w[0] == "config" {
				w = w[1:]
			} else {
				w = w[2:]
			}
		}
		o.lines = append(o.lines, w)
	}
	return o
}

// under lists what follows a path, in its order, each once.
func (o *panOracle) under(path ...string) []string {
	key := strings.Join(path, "\x00")
	if got, ok := o.cache[key]; ok {
		return got
	}
	out := []string{}
	add := func(s string) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, w := range o.lines {
		if len(w) <= len(path) || !slices.Equal(w[:len(path)], path) {
			continue
		}
		if w[len(path)] != "[" {
			add(w[len(path)])
			continue
		}
		for _, v := range w[len(path)+1:] {
			if v != "]" {
				add(v)
			}
		}
	}
	o.cache[key] = out
	return out
}

func (o *panOracle) zoneOf(name string) string {
	for _, z := range o.under("zone") {
		if slices.Contains(o.under("zone", z, "network", "layer3"), name) {
			return z
		}
	}
	return ""
}

func (o *panOracle) names() []string {
	var out []string
	for _, z := range o.under("zone") {
		out = append(out, o.under("zone", z, "network", "layer3")...)
	}
	return append(out, "ethernet1/77")
}

func (o *panOracle) fate(h header) int {
	for _, r := range o.under("rulebase", "nat", "rules") {
		if len(o.under("rulebase", "nat", "rules", r, "destination-translation")) > 0 && o.list(o.under("rulebase", "nat", "rules", r, "destination"), h.dst) != no {
			return mayBoth
		}
	}
	if len(o.under("zone")) == 0 || h.in == self || h.out == self {
		return mayBoth
	}
	from, to := o.zoneOf(h.in), o.zoneOf(h.out)
	if from == "" || to == "" {
		return mayDeny
	}
	out := 0
	for _, r := range o.under("rulebase", "security", "rules") {
		m := o.rule(r, h, from, to)
		if m == no {
			continue
		}
		switch a := o.under("rulebase", "security", "rules", r, "action"); {
		case slices.Equal(a, []string{"allow"}):
			out |= mayPermit
		case len(a) == 0:
			out |= mayBoth
		default:
			out |= mayDeny
		}
		if m == yes {
			return out
		}
	}
	if from == to && !slices.Contains(o.under("rulebase", "default-security-rules", "rules", "intrazone-default", "action"), "deny") {
		return out | mayPermit
	}
	return out | mayDeny
}

func (o *panOracle) rule(r string, h header, from, to string) answer {
	get := func(key string) []string { return o.under("rulebase", "security", "rules", r, key) }
	if slices.Contains(get("disabled"), "yes") {
		return no
	}
	m := yes
	for _, key := range []string{"from", "to", "source", "destination", "service", "application", "action"} {
		if len(get(key)) == 0 {
			m = maybe
		}
	}
	zones := func(list []string, have string) answer {
		if len(list) == 0 {
			return maybe
		}
		got := no
		for _, z := range list {
			switch {
			case z == "any" && len(list) == 1 || z == have:
				got = yes
			case !slices.Contains(o.under("zone"), z):
				got = max(got, maybe)
			}
		}
		return got
	}
	a, b := zones(get("from"), from), zones(get("to"), to)
	switch {
	case slices.Contains(get("rule-type"), "intrazone"):
		b = yesIf(from == to)
	case slices.Contains(get("rule-type"), "interzone"):
		b = min(b, yesIf(from != to))
	}
	m = min(m, a, b)
	for key, addr := range map[string]netip.Addr{"source": h.src, "destination": h.dst} {
		one := o.list(get(key), addr)
		if slices.Contains(get("negate-"+key), "yes") {
			one = one.not()
		}
		m = min(m, one)
	}
	if v := get("service"); len(v) > 0 && !slices.Equal(v, []string{"any"}) {
		got := no
		for _, s := range v {
			got = max(got, o.service(s, h))
		}
		m = min(m, got)
	}
	if v := get("application"); len(v) > 0 && !slices.Equal(v, []string{"any"}) {
		m = min(m, maybe)
	}
	if v := get("source-user"); len(v) > 0 && !slices.Equal(v, []string{"any"}) {
		m = min(m, maybe)
	}
	return m
}

func (o *panOracle) list(names []string, a netip.Addr) answer {
	if len(names) == 0 {
		return maybe
	}
	if slices.Equal(names, []string{"any"}) {
		return yes
	}
	got := no
	for _, n := range names {
		got = max(got, o.address(n, a))
	}
	return got
}

func (o *panOracle) address(name string, a netip.Addr) answer {
	if slices.Contains(o.under("address"), name) {
		if v := o.under("address", name, "ip-netmask"); len(v) == 1 {
			return yesIf(inAny(v[0], a))
		}
		if v := o.under("address", name, "ip-range"); len(v) == 1 && len(rangeOK(v[0])) > 0 {
			return yesIf(inRange(v[0], a))
		}
		if v := o.under("address", name, "ip-wildcard"); len(v) == 1 {
			host, free, _ := strings.Cut(v[0], "/")
			m := netip.MustParseAddr(free).As4()
			for i := range m {
				m[i] = ^m[i]
			}
			return yesIf(sameBits(netip.MustParseAddr(host), netip.AddrFrom4(m), a))
		}
		return maybe
	}
	if slices.Contains(o.under("address-group"), name) {
		members := o.under("address-group", name, "static")
		if len(members) == 0 {
			return maybe
		}
		got := no
		for _, m := range members {
			got = max(got, o.address(m, a))
		}
		return got
	}
	if strings.Contains(name, "-") && len(rangeOK(name)) > 0 {
		return yesIf(inRange(name, a))
	}
	if _, err := netip.ParseAddr(strings.Split(name, "/")[0]); err == nil {
		return yesIf(inAny(name, a))
	}
	return maybe
}

// rangeOK is the range itself where its ends are addresses in order.
func rangeOK(s string) string {
	low, high, _ := strings.Cut(s, "-")
	l, err1 := netip.ParseAddr(low)
	h, err2 := netip.ParseAddr(high)
	if err1 != nil || err2 != nil || h.Less(l) {
		return ""
	}
	return s
}

func (o *panOracle) service(name string, h header) answer {
	if slices.Contains(o.under("service"), name) {
		for proto, number := range map[string]int{"tcp": 6, "udp": 17} {
			if v := o.under("service", name, "protocol", proto, "port"); len(v) == 1 {
				src := o.under("service", name, "protocol", proto, "source-port")
				if more := o.under("service", name, "protocol", proto, "port", v[0], "source-port"); len(more) > 0 {
					src = more
				}
				return yesIf(number == h.proto && portIn(v[0], "-", h.dport) && (len(src) == 0 || portIn(src[0], "-", h.sport)))
			}
		}
		return maybe
	}
	if slices.Contains(o.under("service-group"), name) {
		got := no
		for _, m := range o.under("service-group", name, "members") {
			got = max(got, o.service(m, h))
		}
		return got
	}
	switch name {
	case "service-http":
		return yesIf(h.proto == 6 && (h.dport == 80 || h.dport == 8080))
	case "service-https":
		return yesIf(h.proto == 6 && h.dport == 443)
	}
	return maybe
}

func makePan(r *rand.Rand) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("set deviceconfig system hostname made-up")
	for i := range 5 {
		line("set network interface ethernet ethernet1/%d layer3 ip 10.%d.0.1/16", i+1, i+1)
	}
	line("set zone office network layer3 [ ethernet1/1 ethernet1/2 ]\nset zone plant network layer3 ethernet1/3\nset zone \"far away\" network layer3 [ethernet1/4]")
	line("set address n1 ip-netmask 10.1.0.0/16\nset address n2 ip-netmask 10.1.1.9/24\nset address r1 ip-range 10.2.0.9-10.2.3.3\nset address w1 ip-wildcard 10.1.0.7/0.0.255.0\nset address named fqdn a.example\nset address 10.1.1.7 ip-netmask 10.9.9.9")
	line("set address-group g1 static [ n2 r1 ]\nset address-group g2 static [ g1 %s ]\nset address-group tagged dynamic filter 'a or b'", pick(r, []string{"w1", "named", "gone"}))
	line("set service s1 protocol tcp port 22,1000-2000\nset service s2 protocol udp port 53 source-port 1024-65535\nset service broken protocol sctp\nset service-group sg members [ s1 service-http ]\nset service-group sg2 members [ sg s2 ]")
	if chance(r, 30) {
		line("set rulebase nat rules nat1 destination n2\nset rulebase nat rules nat1 destination-translation translated-address 10.2.0.9")
	}
	if chance(r, 20) {
		line("set rulebase default-security-rules rules intrazone-default action deny")
	}
	for i := range 3 + r.IntN(7) {
		rule := func(format string, args ...any) {
			line("set rulebase security rules \"rule %d\" "+format, append([]any{i}, args...)...)
		}
		zones := []string{"any", "office", "plant", "[ office plant ]", `"far away"`, pick(r, []string{"gone", "any"})}
		addrs := []string{"any", "any", "n1", "[ n2 r1 ]", "g1", "g2", "w1", "10.1.1.7", "10.1.1.128/25", "192.0.2.1-192.0.2.50", pick(r, []string{"tagged", "named", "n1"})}
		rule("from %s", pick(r, zones))
		rule("to %s", pick(r, zones))
		rule("source %s", pick(r, addrs))
		rule("destination %s", pick(r, addrs))
		rule("service %s", pick(r, []string{"any", "any", "s1", "[ s2 service-https ]", "sg2", "application-default", "broken"}))
		rule("application %s", pick(r, []string{"any", "any", "any", "any", "modbus"}))
		rule("action %s", pick(r, []string{"allow", "allow", "deny", "drop"}))
		for _, extra := range []string{"disabled yes", "negate-source yes", "negate-destination yes", "rule-type " + pick(r, []string{"intrazone", "interzone"}), "source-user staff", "log-end yes"} {
			if chance(r, 8) {
				rule("%s", extra)
			}
		}
	}
	return b.String()
}

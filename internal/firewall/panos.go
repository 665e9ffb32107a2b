package firewall

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// readPANOS reads the configuration of a PAN-OS firewall, as "set" commands or
// as XML.
func readPANOS(r *reading, data []byte) error {
	x := &panos{reading: r, root: &panNode{}, zones: map[string]Set{}}
	read := x.panSet
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) {
		read = x.panXML
	}
	if err := read(data); err != nil {
		return err
	}
	x.places()
	x.compile()
	return nil
}

type panos struct {
	*reading
	root   *panNode
	nodes  int
	scopes []*panNode // where objects are looked up, the nearest first
	zones  map[string]Set
	named  Set // interfaces in a zone

	servicesSeen  memo[services]
	addressesSeen memo[fuzzy]
}

// panRead are the places that are read; the rest of panHarmless decides nothing
// about opening packets.
var panHarmless = strings.Fields(`address address-group service service-group zone network rulebase pre-rulebase post-rulebase deviceconfig mgt-config tag profiles profile-group log-settings
 application application-group application-filter application-status application-tag external-list region schedule import display-name setting authentication-profile authentication-sequence
 authentication-object server-profile certificate certificate-profile ssl-tls-service-profile ssl-decrypt user-id-agent user-id-collector user-id-ssl-auth ts-agent captive-portal global-protect
 redistribution-agent redistribution-collector group-mapping reports report-group pdf-summary-report email-scheduler botnet local-user-database content-preview threats dynamic-user-group
 device-object sdwan-interface-profile readonly plugins admin-roles override iot scep ocsp-responder response-page url-admin-override url-content-types alg-override-application alg-override
 description comment url-filtering client-certificate`)

// places finds what is the one device: the words before it may be left out.
func (x *panos) places() {
	top := []*panNode{x.root}
	var shared []*panNode
	var vsys []string
	for i := 0; i < len(top); i++ {
		n := top[i]
		if c := n.kid("config"); c != nil {
			top = append(top, c)
		}
		top = append(top, n.at("devices").children()...)
		for _, v := range n.at("vsys").children() {
			top = append(top, v)
			if v.kid("rulebase") != nil && !slices.Contains(vsys, v.name) {
				vsys = append(vsys, v.name)
			}
		}
		if s := n.kid("shared"); s != nil {
			shared = append(shared, s)
		}
		if g := n.kid("device-group"); g != nil {
			x.baffled(g.line, g.text, "device groups of a manager are not read")
		}
		if len(top) > 10_000 {
			break
		}
	}
	if len(vsys) > 1 {
		x.baffled(0, "", "rules of several virtual systems in one file: "+strings.Join(vsys, ", "))
	}
	slices.Reverse(top) // the innermost first
	x.scopes = append(top, shared...)
	skip := []string{"config", "devices", "vsys", "shared", "device-group", "template"}
	for _, n := range x.scopes {
		for _, k := range n.kids {
			if !slices.Contains(panHarmless, k.name) && !slices.Contains(skip, k.name) {
				x.baffled(k.line, k.text, "a section that is not read")
			}
		}
		if v := n.at("deviceconfig", "system").values("hostname"); len(v) == 1 {
			x.Hostname = v[0]
		}
	}
}

func (n *panNode) children() []*panNode {
	if n == nil {
		return nil
	}
	return n.kids
}

// each calls visit for every child of a path in all scopes, the outermost last.
func (x *panos) each(path []string, visit func(*panNode)) {
	for _, s := range x.scopes {
		for _, k := range s.at(path...).children() {
			visit(k)
		}
	}
}

// object finds an object by its name, the nearest first.
func (x *panos) object(kind, name string) *panNode {
	for _, s := range x.scopes {
		if o := s.at(kind, name); o != nil {
			return o
		}
	}
	return nil
}

// interfaces learns the interfaces, with their addresses and zones.
func (x *panos) interfaces() {
	x.each([]string{"network", "interface"}, func(kind *panNode) {
		x.port(kind, kind.name)
		for _, k := range kind.kids {
			if !slices.Contains([]string{"ip", "units", "ipv6", "mtu", "comment"}, k.name) {
				x.port(k, k.name)
			}
		}
	})
	x.each([]string{"zone"}, func(z *panNode) {
		s := x.zones[z.name]
		for _, kind := range z.kid("network").children() {
			if !slices.Contains([]string{"layer3", "layer2", "virtual-wire", "tap", "external", "tunnel"}, kind.name) {
				continue // protection and logs
			}
			if kind.name == "external" {
				x.baffled(kind.line, kind.text, "a zone between virtual systems is not read")
			}
			for _, i := range kind.kids {
				s = s.or(Values(x.iface(i.name)))
			}
		}
		x.zones[z.name] = s
		x.named = x.named.or(s)
	})
}

// port learns one interface and its units.
func (x *panos) port(n *panNode, name string) {
	for _, at := range []*panNode{n, n.kid("layer3")} {
		if at == nil {
			continue
		}
		for _, a := range at.kid("ip").children() {
			x.connected(a, name)
		}
		x.Six = x.Six || at.kid("ipv6") != nil
		if at.kid("dhcp-client") != nil || at.kid("pppoe") != nil {
			x.NoRoutes = "an address is given by DHCP or PPPoE"
		}
		for _, u := range at.kid("units").children() {
			x.port(u, u.name)
		}
	}
}

func (x *panos) connected(a *panNode, name string) {
	text := a.name
	if o := x.object("address", text); o != nil {
		v := o.values("ip-netmask")
		if len(v) != 1 {
			x.note(a.line, a.text, "an address of an interface that is not read")
			return
		}
		text = v[0]
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			x.note(a.line, a.text, "an address of an interface that is not read")
			return
		}
		p = netip.PrefixFrom(ip, ip.BitLen())
	}
	x.Routes = append(x.Routes, Route{Prefix(p), p.Bits(), x.iface(name)})
}

func (x *panos) routes() {
	routers := 0
	for _, kind := range []string{"virtual-router", "logical-router"} {
		x.each([]string{"network", kind}, func(r *panNode) {
			if routers++; kind == "logical-router" {
				x.NoRoutes = "logical routers are not read"
			}
			for _, p := range r.kid("protocol").children() {
				if p.is("enable", "yes") {
					x.NoRoutes = "routes are learned (" + p.name + ")"
				}
			}
			for _, s := range r.at("routing-table", "ip", "static-route").children() {
				dst, via := s.values("destination"), s.values("interface")
				if slices.Contains(s.values("nexthop"), "discard") {
					continue
				}
				p, err := netip.ParsePrefix(strings.Join(dst, " "))
				if err != nil || len(via) != 1 {
					x.NoRoutes = fmt.Sprintf("a route is not read (line %d)", s.line)
					x.note(s.line, s.text, "a route that is not read")
					continue
				}
				x.Routes = append(x.Routes, Route{Prefix(p), p.Bits(), x.iface(via[0])})
			}
		})
	}
	if routers > 1 {
		x.NoRoutes = "several virtual routers"
	}
	x.each([]string{"rulebase", "pbf", "rules"}, func(r *panNode) {
		if !r.is("disabled", "yes") {
			x.NoRoutes = fmt.Sprintf("a policy chooses ways (line %d)", r.line)
		}
	})
}

// compile turns the tree into rules.
func (x *panos) compile() {
	x.interfaces()
	x.routes()
	x.lists()
	x.other()
	chain := &Chain{Name: "security"}
	chain.Rules = append(chain.Rules, x.implicit("an interface in no zone", DoDeny, All().With(In, x.named.not(In)), All().With(Out, x.named.not(Out))))
	for _, base := range []string{"pre-rulebase", "rulebase", "post-rulebase"} {
		x.each([]string{base, "security", "rules"}, func(n *panNode) {
			x.Policy.Rules++
			if r := x.rule(n); r != nil {
				chain.Rules = append(chain.Rules, r)
			}
		})
	}
	if x.Policy.Rules > maxRules {
		x.err = tooMany(x.File, 0)
	}
	var within []Match
	for _, name := range sortedKeys(x.zones) {
		within = append(within, All().With(In, x.zones[name]).With(Out, x.zones[name]))
	}
	chain.Rules = append(chain.Rules, x.standard("intrazone-default", DoPermit, within...), x.standard("interzone-default", DoDeny, All()))
	x.Paths = []Path{{When: forwarded(), Stages: []*Chain{chain}}}
	if len(x.zones) == 0 {
		x.doubt(0, "", "no zone is configured, so no rule can be placed", All())
	}
}

// standard is a rule that the device has by itself, which a configuration may change.
func (x *panos) standard(name string, a Action, m ...Match) *Rule {
	r := x.implicit(name, a, m...)
	for _, base := range []string{"rulebase", "post-rulebase"} {
		x.each([]string{base, "default-security-rules", "rules"}, func(n *panNode) {
			if v := n.values("action"); n.name == name && len(v) == 1 {
				r.Line, r.Text = n.line, n.text
				r.Action = panAction(v[0])
			}
		})
	}
	return r
}

func panAction(s string) Action {
	switch s {
	case "allow":
		return DoPermit
	case "deny", "drop", "reset-client", "reset-server", "reset-both":
		return DoDeny
	}
	return DoUnsure
}

// other looks at the rule bases beside security.
func (x *panos) other() {
	known := []string{"security", "default-security-rules", "nat", "pbf", "decryption", "qos", "tunnel-inspect", "application-override", "captive-portal", "authentication", "sdwan", "network-packet-broker"}
	for _, base := range []string{"pre-rulebase", "rulebase", "post-rulebase"} {
		x.each([]string{base}, func(k *panNode) {
			for _, r := range k.kid("rules").children() {
				if !slices.Contains(known, k.name) && !r.is("disabled", "yes") {
					x.baffled(r.line, r.text, "a rule of "+excerpt(k.name)+", which is not read")
				}
			}
		})
		x.each([]string{base, "nat", "rules"}, x.nat)
	}
}

// nat finds the packets whose destination is translated.
func (x *panos) nat(n *panNode) {
	if n.is("disabled", "yes") {
		return
	}
	why := "the destination is translated"
	region := All()
	if n.kid("destination-translation") != nil || n.kid("dynamic-destination-translation") != nil || !n.is("nat-type", "ipv4") && n.kid("nat-type") != nil {
		if v := n.values("destination"); len(v) > 0 {
			f, _ := x.addressList(v)
			region[Dst] = f.may
		}
		x.doubt(n.line, n.text, why, region)
	}
	if s := n.at("source-translation", "static-ip"); s != nil && s.is("bi-directional", "yes") {
		f := anything(Dst)
		if v := s.values("translated-address"); len(v) > 0 {
			f, _ = x.addressList(v)
		}
		x.doubt(n.line, n.text, why, All().With(Dst, f.may))
	}
}

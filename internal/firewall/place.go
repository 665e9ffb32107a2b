package firewall

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Device is a policy in its place: what lies behind each interface.
type Device struct {
	*Policy
	Asset string // of the port file; empty: not known
	Known string // how it is known what lies behind the interfaces; empty: it is not
	Host  bool   // it does not stand between zones: only traffic to and from itself is judged

	own    Set         // its addresses
	behind map[int]Set // by interface
}

const byRoutes = "routes"

// standBetween are the kinds of asset that pass on what is not for them.
var standBetween = []string{"firewall", "router", "vpn-gateway", "gateway"}

// Place finds out where a policy stands: by what the port file declares, or else
// by the addresses and routes of the configuration. asset names the asset where
// it is known; else the host name of the configuration is looked up.
func Place(p *port.Port, pol *Policy, asset string) *Device {
	d := &Device{Policy: pol, behind: map[int]Set{}}
	declared := p.Firewall(asset)
	a := p.Asset(asset)
	if a == nil {
		if a = p.Asset(strings.ToLower(pol.Hostname)); a != nil && declared == nil {
			declared = p.Firewall(a.ID)
		}
	}
	if a != nil {
		d.Asset = a.ID
		for _, at := range a.Addresses {
			if at.IP.IsValid() {
				d.own = d.own.or(AddressRange(at.IP, at.IP))
			}
		}
		d.Host = !slices.Contains(standBetween, a.Kind)
	}
	switch {
	case declared != nil && len(declared.Interfaces) > 0:
		d.Known, d.Host = "port file", false
		for _, link := range declared.Interfaces {
			i := pol.Interface(link.Name)
			for _, zone := range link.Zones {
				if z := p.Zone(zone); z != nil {
					d.behind[i] = d.behind[i].or(zoneSet(p, z))
				}
			}
		}
	case d.Host:
	case pol.NoRoutes == "" && len(pol.Routes) > 0:
		d.Known = byRoutes
		d.route()
	}
	return d
}

// route finds what lies behind each interface by the longest prefix.
func (d *Device) route() {
	routes := slices.Clone(d.Routes)
	slices.SortStableFunc(routes, func(a, b Route) int { return b.Bits - a.Bits })
	var taken Set
	for i := 0; i < len(routes); {
		var level Set // routes of one length: equal ones go both ways
		for ; i < len(routes) && (len(level) == 0 || routes[i].Bits == routes[i-1].Bits); i++ {
			r := routes[i]
			d.behind[r.Interface] = d.behind[r.Interface].or(r.To.and(taken.not(Src)))
			level = level.or(r.To)
		}
		taken = taken.or(level)
	}
}

// name is how the device is called in answers.
func (d *Device) name() string {
	switch {
	case d.Asset != "":
		return d.Asset
	case d.Hostname != "":
		return d.Hostname
	}
	return d.File
}

// routed reports whether routes tell what lies behind the interfaces.
func (d *Device) routed() bool { return d.Known == byRoutes }

// oneWay reports whether every address lies behind one interface, so that a
// packet between two addresses can take one way only.
func (d *Device) oneWay() bool {
	if d.Host || d.Known == "" || d.Six {
		return false
	}
	var seen Set
	for _, i := range sortedInts(d.behind) {
		if len(seen.and(d.behind[i])) > 0 {
			return false
		}
		seen = seen.or(d.behind[i])
	}
	return true
}

// region is what is judged of the device; no packet has addresses of two families.
func (d *Device) region() []Match {
	var out []Match
	for _, m := range d.ways() {
		for _, family := range []Set{IPv4(), IPv6()} {
			if f := m.And(All().With(Src, family).With(Dst, family)); !f.Empty() {
				out = append(out, f)
			}
		}
	}
	return out
}

// ways are the packets that the device decides about: of a host what comes to it
// and goes out from it, of others what they pass on.
func (d *Device) ways() []Match {
	wire := d.wire()
	if d.Host {
		if len(d.own) == 0 || !d.readsOwn() {
			return nil
		}
		return []Match{
			All().With(In, wire).With(Out, Values(Self)).With(Dst, d.own),
			All().With(In, Values(Self)).With(Src, d.own).With(Out, wire),
		}
	}
	foreign := d.own.not(Src)
	pass := All().With(In, wire).With(Src, foreign).With(Out, wire).With(Dst, foreign)
	if d.Known == "" {
		return []Match{pass}
	}
	var out []Match
	if d.routed() && d.Six {
		out = append(out, pass.And(All().With(Src, IPv6()).With(Dst, IPv6())))
	}
	for _, i := range sortedInts(d.behind) {
		for _, k := range sortedInts(d.behind) {
			if i != k {
				out = append(out, pass.And(All().With(In, Values(i)).With(Src, d.behind[i]).With(Out, Values(k)).With(Dst, d.behind[k])))
			}
		}
	}
	return out
}

// wire is the interfaces that lead to other hosts: all but the loopback.
func (d *Device) wire() Set {
	if i := slices.Index(d.Interfaces, "lo"); i > 0 {
		return others().and(Values(i).not(In))
	}
	return others()
}

// readsOwn reports whether the configuration was read for traffic to and from
// the device itself.
func (d *Device) readsOwn() bool {
	return slices.ContainsFunc(d.Paths, func(p Path) bool { return p.When[Out].has(n(Self)) })
}

func sortedInts(m map[int]Set) []int {
	var out []int
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// zoneSet is the addresses of a zone; the external zone has all that no other has.
func zoneSet(p *port.Port, z *port.Zone) Set {
	var s Set
	if !z.External {
		for _, n := range z.Networks {
			s = append(s, Prefix(netip.PrefixFrom(n.Addr().Unmap(), n.Bits()))...)
		}
		return s.tidy()
	}
	for i := range p.Zones {
		for _, n := range p.Zones[i].Networks {
			s = append(s, Prefix(n)...)
		}
	}
	return s.tidy().not(Src)
}

package port

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// claim is one network of a zone.
type claim struct {
	network netip.Prefix
	zone    *Zone
	at      place
}

// zones checks networks and the external zone.
func (c *checker) zones() {
	var claims []claim
	external := -1
	for i := range c.port.Zones {
		z := &c.port.Zones[i]
		if z.External {
			if external >= 0 {
				c.fault(place{"zones", i, "external"}, "a second external zone", "first in "+c.sources.where(place{"zones", external, "external"}))
			}
			external = i
			if len(z.Networks) > 0 {
				c.fault(place{"zones", i, "networks"}, "the external zone has networks", "it holds what no other zone holds; remove them")
			}
		}
		if z.Domain == OT && !c.sources.has(place{"zones", i, "sl_target"}) {
			c.warn(place{"zones", i, ""}, fmt.Sprintf("the zone %q has no sl_target", z.ID), "set the IEC 62443 target security level, 0 to 4")
		}
		for j, n := range z.Networks {
			at := place{"zones", i, strictyaml.Item("networks", j)}
			if c.network(at, n) {
				claims = append(claims, claim{n, z, at})
			}
		}
	}
	c.overlaps(claims)
}

// network reports whether a network is well formed by itself.
func (c *checker) network(at place, n netip.Prefix) bool {
	switch {
	case !n.IsValid():
		return false // told by the reader
	case n != n.Masked():
		c.fault(at, n.String()+" has bits set after its length", "write "+n.Masked().String())
	case n.Bits() == 0:
		c.fault(at, n.String()+" is every address there is", "use a zone with external: true for the rest of the world")
	case n.Addr().Is4In6():
		c.fault(at, n.String()+" is an IPv4 network in IPv6 clothes", "write the IPv4 network")
	case n.Addr().IsMulticast():
		c.fault(at, n.String()+" is a multicast network", "zones hold the addresses of devices")
	default:
		return true
	}
	return false
}

// overlaps finds networks that share addresses. Sorted by address and then by
// length, a network lies in the last one before it that is still open, or in none.
func (c *checker) overlaps(claims []claim) {
	slices.SortStableFunc(claims, func(a, b claim) int {
		return cmp.Or(a.network.Addr().Compare(b.network.Addr()), cmp.Compare(a.network.Bits(), b.network.Bits()))
	})
	var around []claim
	for _, n := range claims {
		for len(around) > 0 && !around[len(around)-1].network.Overlaps(n.network) {
			around = around[:len(around)-1]
		}
		if len(around) > 0 {
			outer := around[len(around)-1]
			how := "lies in " + outer.network.String()
			if outer.network == n.network {
				how = "is already a network"
			}
			c.fault(n.at, fmt.Sprintf("%s %s of zone %q", n.network, how, outer.zone.ID),
				"networks of zones must not overlap; the other is in "+c.sources.where(outer.at))
		}
		around = append(around, n)
	}
}

// firewalls checks that each is told once, and each interface once.
func (c *checker) firewalls() {
	seen := map[string]place{}
	for i := range c.port.Firewalls {
		f := &c.port.Firewalls[i]
		at := place{"firewalls", i, "asset"}
		if first, twice := seen[f.Asset]; twice && f.Asset != "" {
			c.fault(at, fmt.Sprintf("the rules of %q are given twice, first in %s", f.Asset, c.sources.where(first)), "write one entry for each asset")
		} else {
			seen[f.Asset] = at
		}
		names := map[string]bool{}
		for k := range f.Interfaces {
			if name := f.Interfaces[k].Name; names[name] && name != "" {
				c.fault(place{"firewalls", i, strictyaml.Item("interfaces", k) + ".name"}, fmt.Sprintf("the interface %q is given twice", name), "list all its zones in one place")
			} else {
				names[name] = true
			}
		}
	}
}

// joining are the kinds of asset that stand in several zones by nature. They
// may have addresses in the networks of other zones than their own.
var joining = []string{"firewall", "router", "switch", "gateway", "vpn-gateway", "jump-host", "modem"}

// assets checks kinds, addresses and numbers.
func (c *checker) assets() {
	var networks bart.Table[*Zone]
	for i := range c.port.Zones {
		for _, n := range c.port.Zones[i].Networks {
			if n.IsValid() {
				networks.Insert(n.Masked(), &c.port.Zones[i])
			}
		}
	}
	ips := make(map[netip.Addr]place, len(c.port.Assets))
	macs := make(map[string]place, len(c.port.Assets))
	for i := range c.port.Assets {
		a := &c.port.Assets[i]
		if a.Kind != "" && slices.Contains(domains, string(a.Domain)) && !slices.Contains(AssetKinds[a.Domain], a.Kind) && slices.Contains(rules["Asset.Kind"].oneOf, a.Kind) {
			c.fault(place{"assets", i, "kind"}, fmt.Sprintf("%s is no kind of asset of domain %s", a.Kind, a.Domain), kindHint(a))
		}
		if a.Container != "" {
			if text, hint := containerFault(a.Container); text != "" {
				c.fault(place{"assets", i, "container"}, text, hint)
			}
		}
		if a.Components != "" && !filepath.IsLocal(filepath.FromSlash(a.Components)) {
			c.fault(place{"assets", i, "components"}, fmt.Sprintf("%q leads out of the directory of the port file", a.Components), "a path such as components/crane-4.cdx.json")
		}
		for j := range a.Addresses {
			c.address(place{"assets", i, strictyaml.Item("addresses", j)}, a, &a.Addresses[j], &networks, ips, macs)
		}
	}
}

// kindHint names the domains that have the kind, or the kinds of the domain.
func kindHint(a *Asset) string {
	var has []string
	for _, d := range []Domain{IT, OT, Physical} {
		if slices.Contains(AssetKinds[d], a.Kind) {
			has = append(has, string(d))
		}
	}
	return fmt.Sprintf("%s belongs to %s; or is it other-%s?", a.Kind, strings.Join(has, " and "), a.Domain)
}

func (c *checker) address(at place, a *Asset, d *Address, networks *bart.Table[*Zone], ips map[netip.Addr]place, macs map[string]place) {
	if !d.IP.IsValid() && d.MAC == "" {
		if c.sources.has(place{at.section, at.index, at.path + ".ip"}) {
			return // told by the reader
		}
		c.fault(at, "an address without ip and mac", "give one of them")
		return
	}
	if d.MAC != "" {
		c.mac(place{at.section, at.index, at.path + ".mac"}, d, macs)
	}
	if !d.IP.IsValid() {
		return
	}
	here := place{at.section, at.index, at.path + ".ip"}
	if ip := d.IP; ip.IsUnspecified() || ip.IsMulticast() || ip.IsLoopback() || ip.Zone() != "" || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		c.fault(here, ip.String()+" is no address of a device", "it is multicast, broadcast, loopback, unspecified or has a scope")
		return
	}
	once(c, ips, d.IP, here, "the IP address "+d.IP.String())
	c.inZone(here, a, d.IP, networks)
}

// inZone checks that an address lies in the networks of the asset's zone.
func (c *checker) inZone(at place, a *Asset, ip netip.Addr, networks *bart.Table[*Zone]) {
	zone := c.zone(a.Zone)
	actual, _ := networks.Lookup(ip)
	switch {
	case a.Zone == "":
		hint := "name its zone"
		if actual != nil {
			hint = fmt.Sprintf("the address lies in zone %q", actual.ID)
		}
		c.fault(at, fmt.Sprintf("the asset %q has an IP address and no zone", a.ID), hint)
	case zone == nil, actual == zone:
	case actual != nil && slices.Contains(joining, a.Kind):
	case actual != nil:
		c.fault(at, fmt.Sprintf("%s is not in the networks of zone %q", ip, zone.ID), fmt.Sprintf("it lies in zone %q", actual.ID))
	case len(zone.Networks) == 0 && c.sources.has(place{"zones", c.ids[a.Zone].at.index, "networks"}):
		// its networks could not be read, which is told
	case !zone.External:
		c.fault(at, fmt.Sprintf("%s is not in the networks of zone %q", ip, zone.ID), "it lies in no zone; correct the address, or add its network to the zone")
	}
}

// mac brings a MAC address into the one form and checks it.
func (c *checker) mac(at place, d *Address, macs map[string]place) {
	hw, err := net.ParseMAC(d.MAC)
	if err != nil || len(hw) != 6 {
		c.fault(at, fmt.Sprintf("%q is no MAC address", d.MAC), `six bytes in hexadecimal, such as "00:1b:1b:aa:bb:0e"`)
		return
	}
	if hw[0]&1 != 0 || hw.String() == "00:00:00:00:00:00" {
		c.fault(at, fmt.Sprintf("%s is no MAC address of a device", hw), "it is a group address, or all zeros")
		return
	}
	d.MAC = hw.String()
	once(c, macs, d.MAC, at, "the MAC address "+d.MAC)
}

// conduits checks ends, lines and expiry.
func (c *checker) conduits() {
	for i := range c.port.Conduits {
		d := &c.port.Conduits[i]
		if d.From != "" && d.From == d.To {
			c.fault(place{"conduits", i, "to"}, fmt.Sprintf("the conduit leads from %q to itself", d.From), "traffic inside a zone needs no conduit")
		}
		for j := range d.Allow {
			c.allow(place{"conduits", i, strictyaml.Item("allow", j)}, &d.Allow[j])
		}
		if d.Reason == "" {
			c.warn(place{"conduits", i, ""}, fmt.Sprintf("the conduit %q has no reason", d.ID), "say what it is for, so that it can be taken away one day")
		}
		at := place{"conduits", i, "expires"}
		c.endOfDay(at, &d.Expires)
		if !c.now.IsZero() && d.Expired(c.now) {
			c.warn(at, fmt.Sprintf("the conduit %q has expired", d.ID), "renew or remove it; its traffic is a finding now")
		}
	}
}

func (c *checker) allow(at place, a *Allow) {
	ports := place{at.section, at.index, at.path + ".ports"}
	if len(a.Ports) > 0 && (a.Transport == "icmp" || a.Transport == "any") {
		c.fault(ports, "ports with transport "+a.Transport, "ports belong to tcp and udp; write a line for each")
	}
	if a.Transport == "any" && a.Application == "" {
		c.warn(at, "everything is allowed", "name what is needed: a transport with ports, or an application")
	}
}

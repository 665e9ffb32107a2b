package network

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// hosts reconciles addresses to devices.
//
// A MAC in a packet is the device's own only where device and sensor share the
// segment; behind a router every packet carries the router's. A pair of MAC and
// IP is therefore believed only where ARP or DHCP told it, or where both ends of
// a conversation are of the same network, so that no router was between.
type hosts struct {
	port   *port.Port
	limit  int
	byIP   map[string]*host
	byMAC  map[string]*host
	order  []*host // once each, by id; nil since an id came, went or changed
	lost   uint64  // forgotten at the bound
	marked int     // marks of all
}

func newHosts(p *port.Port, limit int) *hosts {
	return &hosts{port: p, limit: limit, byIP: map[string]*host{}, byMAC: map[string]*host{}}
}

// ip gives the host of an address to be changed, a new one where there is none.
func (x *hosts) ip(ip string, at time.Time) *host {
	if h := x.byIP[ip]; h != nil {
		h.drawn = nil
		return h
	}
	x.makeRoom()
	x.order = nil
	h := newHost(at)
	h.ips = []string{ip}
	x.byIP[ip] = h
	x.match(h)
	return h
}

// mac is ip for a hardware address.
func (x *hosts) mac(mac string, at time.Time) *host {
	if h := x.byMAC[mac]; h != nil {
		h.drawn = nil
		return h
	}
	x.makeRoom()
	x.order = nil
	h := newHost(at)
	h.macs = []string{mac}
	x.byMAC[mac] = h
	x.match(h)
	return h
}

// bind notes that mac and ip are one device now. An address that was another
// device's has moved.
func (x *hosts) bind(mac, ip string, at time.Time) *host {
	if group := virtual(mac); group != "" {
		h := x.ip(ip, at)
		h.shared = group
		return h
	}
	h := x.mac(mac, at)
	was := x.byIP[ip]
	if x.claim(h, ip, at) && x.byIP[ip] != h {
		return x.ip(ip, at)
	}
	if was == h {
		return x.byIP[ip]
	}
	x.order = nil
	if was != nil {
		was.drawn = nil
		if len(was.macs) == 0 {
			x.marked -= len(h.marks.rows) + len(was.marks.rows)
			h.absorb(was)
			x.marked += len(h.marks.rows)
		} else {
			was.ips = slices.DeleteFunc(was.ips, func(s string) bool { return s == ip })
		}
	}
	if len(h.ips) >= maxAddresses {
		delete(x.byIP, h.ips[0])
	}
	h.ips = remember(h.ips, ip, maxAddresses)
	x.byIP[ip] = h
	x.match(h)
	return h
}

// carry notes that a MAC brought packets of an address of another network.
func (x *hosts) carry(mac, ip string, at time.Time) {
	if mac == "" || mac == "00:00:00:00:00:00" || groupMAC(mac) || virtual(mac) != "" {
		return
	}
	h := x.mac(mac, at)
	h.last = laterOf(h.last, at)
	if slices.Contains(h.ips, ip) || len(h.carried) >= maxPeers {
		return
	}
	if h.carried == nil {
		h.carried = map[string]bool{}
	}
	h.carried[ip] = true
}

// match finds the asset: by MAC, then by IP.
func (x *hosts) match(h *host) {
	if x.port == nil {
		return
	}
	h.asset = nil
	for _, m := range h.macs {
		if a := x.port.AssetByMAC(m); a != nil {
			h.asset = a
			return
		}
	}
	for _, s := range slices.Backward(h.ips) {
		if ip, err := netip.ParseAddr(s); err == nil {
			if a := x.port.AssetByIP(ip); a != nil {
				h.asset = a
				return
			}
		}
	}
}

// ends finds the hosts of both ends of a flow, and what the flow tells of
// their MACs. A nil host is an address that is no single device.
func (x *hosts) ends(f *event.Flow) (client, server *host) {
	c, cerr := netip.ParseAddr(f.Client.IP)
	s, serr := netip.ParseAddr(f.Server.IP)
	if cerr != nil && serr != nil { // below IP: the MACs are of this segment
		return x.below(f.Client.MAC, f.Time), x.below(f.Server.MAC, f.Time)
	}
	onLink := cerr == nil && serr == nil && x.sameNetwork(c, s)
	return x.end(c, f.Client, onLink, x.broadcast(c), f.Time), x.end(s, f.Server, onLink, x.broadcast(s), f.Time)
}

func (x *hosts) below(mac string, at time.Time) *host {
	if mac == "" || groupMAC(mac) || mac == "00:00:00:00:00:00" || virtual(mac) != "" {
		return nil
	}
	return x.mac(mac, at)
}

func (x *hosts) end(ip netip.Addr, e event.Endpoint, onLink, broadcast bool, at time.Time) *host {
	if !unicast(ip) || broadcast || groupMAC(e.MAC) {
		return nil
	}
	usable := e.MAC != "" && e.MAC != "00:00:00:00:00:00"
	switch known := x.byIP[e.IP]; {
	case usable && onLink && !ip.IsLoopback():
		if h := x.byMAC[e.MAC]; h == nil || !h.gateway() || slices.Contains(h.ips, e.IP) {
			return x.bind(e.MAC, e.IP, at)
		}
	case usable && (known == nil || !slices.Contains(known.macs, e.MAC)):
		x.carry(e.MAC, e.IP, at)
	}
	return x.ip(e.IP, at)
}

// sameNetwork: both in one declared network, or where none is declared, in one
// /24 (IPv4) or /64 (IPv6), or both link-local.
func (x *hosts) sameNetwork(a, b netip.Addr) bool {
	if a.IsLinkLocalUnicast() && b.IsLinkLocalUnicast() {
		return true
	}
	pa, pb := x.network(a), x.network(b)
	return pa == pb && pa.IsValid()
}

// network is the longest declared network that holds ip.
func (x *hosts) network(ip netip.Addr) netip.Prefix {
	var best netip.Prefix
	if x.port != nil {
		if z := x.port.ZoneOf(ip); z != nil {
			for _, n := range z.Networks {
				if n.Contains(ip) && (!best.IsValid() || n.Bits() > best.Bits()) {
					best = n
				}
			}
		}
	}
	if best.IsValid() {
		return best
	}
	bits := 24
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // the length fits the family
	return p
}

// broadcast reports whether ip is the last address of a declared IPv4 network.
func (x *hosts) broadcast(ip netip.Addr) bool {
	if !ip.Is4() || x.port == nil {
		return false
	}
	n := x.network(ip)
	if !n.IsValid() || n.Bits() > 30 {
		return false
	}
	b := ip.As4()
	for i := n.Bits(); i < 32; i++ {
		if b[i/8]&(1<<(7-i%8)) == 0 {
			return false
		}
	}
	return true
}

func groupMAC(mac string) bool {
	return len(mac) >= 2 && strings.ContainsRune("13579bdf", rune(mac[1]))
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// all lists the hosts once each, by id.
func (x *hosts) all() []*host {
	if x.order != nil {
		return x.order
	}
	seen := make(map[*host]bool, len(x.byIP)+len(x.byMAC))
	type named struct {
		id string
		*host
	}
	sorted := make([]named, 0, len(x.byIP)+len(x.byMAC))
	for _, m := range []map[string]*host{x.byIP, x.byMAC} {
		for _, h := range m {
			if seen[h] {
				continue
			}
			seen[h] = true
			if id := h.id(); id != "" {
				sorted = append(sorted, named{id, h})
			}
		}
	}
	slices.SortFunc(sorted, func(a, b named) int { return strings.Compare(a.id, b.id) })
	x.order = make([]*host, len(sorted))
	for i, n := range sorted {
		x.order[i] = n.host
	}
	return x.order
}

// makeRoom forgets the tenth that was silent longest when the bound is
// reached; assets of the register stay.
func (x *hosts) makeRoom() {
	if len(x.byIP)+len(x.byMAC) < 2*x.limit {
		return
	}
	all := slices.Clone(x.all())
	x.order = nil
	slices.SortStableFunc(all, func(a, b *host) int { return a.last.Compare(b.last) })
	drop := max(len(all)/10, 1)
	for _, h := range all {
		if drop == 0 {
			return
		}
		if h.asset != nil {
			continue
		}
		drop--
		x.lost++
		x.marked -= len(h.marks.rows)
		for _, ip := range h.ips {
			delete(x.byIP, ip)
		}
		for _, m := range h.macs {
			delete(x.byMAC, m)
		}
	}
}

// assetOf is the asset of a host, nil where it has none or is none.
func assetOf(h *host) *port.Asset {
	if h == nil {
		return nil
	}
	return h.asset
}

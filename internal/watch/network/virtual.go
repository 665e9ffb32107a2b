package network

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// virtualMACs are prefixes of addresses that redundant routers share: who has one
// changes with each failover, so it is no device.
var virtualMACs = []struct{ prefix, protocol string }{
	{"00:00:5e:00:01:", "VRRP"}, {"00:00:5e:00:02:", "VRRP"}, // RFC 9568 section 7.3; CARP too
	{"00:00:0c:07:ac:", "HSRP"}, // RFC 2281 section 5.3
	{"00:00:0c:9f:f", "HSRP"},   // version 2
	{"00:05:73:a0:0", "HSRP"},   // IPv6
	{"00:07:b4:", "GLBP"},       // Cisco
	{"02:bf:", "NLB"},           // Microsoft load balancing: one address of several servers
}

// virtual names the protocol and group of a shared MAC, "" for a device's own.
func virtual(mac string) string {
	for _, v := range virtualMACs {
		if !strings.HasPrefix(mac, v.prefix) {
			continue
		}
		if n, err := strconv.ParseUint(mac[len(mac)-2:], 16, 8); err == nil && (v.protocol == "VRRP" || v.protocol == "HSRP") {
			return fmt.Sprintf("%s group %d", v.protocol, n)
		}
		return v.protocol
	}
	return ""
}

// A MAC that answers for many addresses of one network at once is a router with
// proxy ARP, or a load balancer: none of those addresses is known to be its own.
const (
	proxyFrom   = 8
	proxyWithin = 30 * time.Minute
	maxClaims   = 64
)

// claim notes that the MAC of h speaks for ip, and reports whether it speaks for
// so many that none is believed.
func (x *hosts) claim(h *host, ip string, at time.Time) bool {
	if h.proxy {
		return true
	}
	if h.claims == nil {
		h.claims = map[string]time.Time{}
	}
	if _, known := h.claims[ip]; !known && len(h.claims) >= maxClaims {
		clear(h.claims)
	}
	h.claims[ip] = laterOf(h.claims[ip], at)
	now := 0
	for _, last := range h.claims {
		if at.Sub(last).Abs() <= proxyWithin {
			now++
		}
	}
	h.proxy = now >= proxyFrom && (h.asset == nil || len(h.asset.Addresses) < proxyFrom)
	if h.proxy {
		x.release(h, at)
	}
	return h.proxy
}

// release gives the addresses that a proxy spoke for to hosts of their own, but
// for the one that the register has for it.
func (x *hosts) release(h *host, at time.Time) {
	x.order, h.drawn, h.claims = nil, nil, nil
	own := func(ip string) bool {
		if x.port == nil {
			return false
		}
		for _, m := range h.macs {
			a := x.port.AssetByMAC(m)
			if a == nil {
				continue
			}
			for _, d := range a.Addresses {
				if d.IP.IsValid() && d.IP.String() == ip {
					return true
				}
			}
		}
		return false
	}
	given := slices.DeleteFunc(slices.Clone(h.ips), own)
	h.ips = slices.DeleteFunc(h.ips, func(ip string) bool { return !own(ip) })
	for _, ip := range given {
		delete(x.byIP, ip)
		x.ip(ip, at).talked = true
	}
	x.match(h)
}

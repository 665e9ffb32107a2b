package network

import (
	"net/netip"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Bounds of what is kept of one host.
const (
	maxNames     = 8
	maxAddresses = 32
	maxServices  = 512
	maxPeers     = 1024
	gatewayFrom  = 3 // addresses of other networks behind one MAC make it a gateway
)

// host is what is known of one device.
type host struct {
	macs, ips []string // own ones, in the order in which they were learned
	names     []string
	fields    [5]told // vendor, product, model, firmware, serial
	services  map[serviceKey]*service
	asks      map[string]*asked // application → what it asked for, and whom
	carried   map[string]bool   // addresses that its MAC carried for others
	asset     *port.Asset
	first     time.Time
	last      time.Time
	watched   time.Duration // Watch.watched when it was seen last
	flows     uint64
	out, in   uint64
	sources   []string
	talked    bool              // it sent something itself
	spoke     bool              // or did in an earlier run, or carried the packets of others then
	stranger  *stranger         // as which it was told, nil: it was not
	compared  uint8             // fields whose difference from the register was told
	facts     map[string]string // further things it said of itself
	habits    *habits
	touches   map[touchKey]*Touch
	claims    map[string]time.Time // addresses that its MAC spoke for, and when last
	proxy     bool                 // it speaks for so many that none is believed to be its own
	shared    string               // its MAC is one that redundant routers share
	carded    string               // with which other card it was told
	behind    map[string]*Behind   // devices that it speaks for, by protocol and address
	marks     marks
	named     [2]string // its id, behind the address that it is made of
	drawn     *Host     // for pictures; nil since hosts last gave it out to be changed
}

// told is a value with the weight of who told it.
type told struct {
	value    string
	weight   int
	protocol string
	head     event.Head
}

// Fields of a host's identity.
const (
	vendor = iota
	product
	model
	firmware
	serial
)

type serviceKey struct {
	transport string
	port      uint16
}

type service struct {
	application string
	operations  map[string]bool
	first, last time.Time
	clients     map[string]bool
	feeders     map[string]bool // clients that read controllers themselves
	fed         uint64          // bytes of feeders, and what went back
	fedBack     uint64
}

type asked struct {
	operations map[string]bool
	servers    map[string]bool
}

func newHost(at time.Time) *host {
	return &host{services: map[serviceKey]*service{}, asks: map[string]*asked{}, first: at, last: at}
}

// id names the host: by its MAC where it has one of its own.
func (h *host) id() string {
	kind, address := "", ""
	switch {
	case len(h.macs) > 0:
		kind, address = "mac:", h.macs[0]
	case len(h.ips) > 0:
		kind, address = "ip:", h.ips[len(h.ips)-1]
	}
	if h.named[0] != address {
		h.named = [2]string{address, kind + address}
	}
	return h.named[1]
}

// address is what people know it by: the newest IP, else the MAC.
func (h *host) address() string {
	if len(h.ips) > 0 {
		return h.ips[len(h.ips)-1]
	}
	if len(h.macs) > 0 {
		return h.macs[0]
	}
	return ""
}

func (h *host) gateway() bool { return len(h.carried) >= gatewayFrom }

// seen notes that the host was there.
func (h *host) seen(at time.Time, source string) {
	if at.Before(h.first) {
		h.first = at
	}
	if at.After(h.last) {
		h.last = at
	}
	if len(h.sources) < maxNames && !slices.Contains(h.sources, source) {
		h.sources = append(h.sources, source)
		slices.Sort(h.sources)
	}
}

// remember adds v to a list of distinct values, the newest last; the oldest
// goes at the bound.
func remember(list []string, v string, limit int) []string {
	if v == "" || slices.Contains(list, v) {
		return list
	}
	if len(list) >= limit {
		list = list[1:]
	}
	return append(list, v)
}

// weights order who is believed about an identity: what the device's own
// industrial protocol says, then announcements, then banners.
var weights = map[string]int{
	"bacnet": 5, "c37.118": 5, "dnp3": 5, "enip": 5, "ethercat": 5, "fins": 5, "hart-ip": 5, "modbus": 5, "opcua": 5,
	"profinet-dcp": 5, "s7comm": 5, "s7comm-plus": 5,
	"cdp": 4, "lldp": 4,
	"dhcp": 2, "mdns": 2, "netbios": 2, "smb": 2, "snmp": 2,
	"rtsp": 1, "http": 1, "ssh": 1, "ssdp": 1, "ws-discovery": 1,
}

// tell takes over what a sighting says.
func (h *host) tell(d *event.DeviceSighting) {
	w := weights[d.Protocol]
	for i, v := range [...]string{d.Vendor, d.Product, d.Model, d.Firmware, d.Serial} {
		if v != "" && w >= h.fields[i].weight {
			h.fields[i] = told{v, w, d.Protocol, d.Head}
		}
	}
	h.names = remember(h.names, d.Name, maxNames)
	h.facts = addFacts(h.facts, d.Facts)
}

// serve notes an answered service.
func (h *host) serve(f *event.Flow, client string, feeds bool) {
	k := serviceKey{f.Transport, f.Server.Port}
	s := h.services[k]
	if s == nil {
		if len(h.services) >= maxServices {
			return
		}
		s = &service{operations: map[string]bool{}, clients: map[string]bool{}, first: f.Time, last: f.Last}
		h.services[k] = s
	}
	if f.Application != "" {
		s.application = f.Application
	}
	for _, o := range f.Operations {
		s.operations[o] = true
	}
	if len(s.clients) < maxPeers {
		s.clients[client] = true
	}
	if feeds && (len(s.feeders) < maxPeers || s.feeders[client]) {
		if s.feeders == nil {
			s.feeders = map[string]bool{}
		}
		s.feeders[client] = true
		s.fed, s.fedBack = s.fed+f.BytesOut, s.fedBack+f.BytesIn
	}
	if f.Time.Before(s.first) {
		s.first = f.Time
	}
	if f.Last.After(s.last) {
		s.last = f.Last
	}
}

// ask notes what the host asked of a server.
func (h *host) ask(f *event.Flow, server string) {
	if f.Application == "" {
		return
	}
	a := h.asks[f.Application]
	if a == nil {
		a = &asked{operations: map[string]bool{}, servers: map[string]bool{}}
		h.asks[f.Application] = a // applications are few: the names come from ics
	}
	for _, o := range f.Operations {
		a.operations[o] = true
	}
	if len(a.servers) < maxPeers {
		a.servers[server] = true
	}
}

// absorb takes over what another record knew that turned out to be the same device.
func (h *host) absorb(o *host) {
	h.first = earlier(h.first, o.first)
	if o.last.After(h.last) {
		h.last = o.last
	}
	h.flows, h.out, h.in = h.flows+o.flows, h.out+o.out, h.in+o.in
	h.talked, h.spoke = h.talked || o.talked, h.spoke || o.spoke
	if h.stranger == nil {
		h.stranger = o.stranger
	}
	h.compared |= o.compared
	h.absorbFacts(o)
	h.absorbTouches(o)
	h.marks.absorb(&o.marks)
	if h.habits == nil {
		h.habits = o.habits
	}
	for _, n := range o.names {
		h.names = remember(h.names, n, maxNames)
	}
	for _, s := range o.sources {
		h.seen(o.last, s)
	}
	for i, f := range o.fields {
		if f.value != "" && (h.fields[i].value == "" || f.weight > h.fields[i].weight) {
			h.fields[i] = f
		}
	}
	for k, s := range o.services {
		if mine := h.services[k]; mine == nil {
			h.services[k] = s
		} else {
			join(mine.clients, s.clients)
			join(mine.operations, s.operations)
			mine.absorbFeeders(s)
			mine.first = earlier(mine.first, s.first)
			if s.last.After(mine.last) {
				mine.last = s.last
			}
		}
	}
	for app, a := range o.asks {
		if mine := h.asks[app]; mine == nil {
			h.asks[app] = a
		} else {
			join(mine.operations, a.operations)
			join(mine.servers, a.servers)
		}
	}
}

func (s *service) absorbFeeders(o *service) {
	if s.feeders == nil {
		s.feeders = o.feeders
	} else {
		join(s.feeders, o.feeders)
	}
	s.fed, s.fedBack = s.fed+o.fed, s.fedBack+o.fedBack
}

func join(to, from map[string]bool) {
	for k := range from {
		if len(to) < maxPeers {
			to[k] = true
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// unicast reports whether the text is an address that one device can have.
func unicast(ip netip.Addr) bool {
	return ip.IsValid() && !ip.IsMulticast() && !ip.IsUnspecified() && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

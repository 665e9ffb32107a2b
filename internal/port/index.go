package port

import (
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// index answers look-ups over a loaded port. It points into the slices of the
// port and is not changed after it is built.
type index struct {
	sites    map[string]*Site
	areas    map[string]*Area
	zones    map[string]*Zone
	conduits map[string]*Conduit
	assets   map[string]*Asset
	services map[string]*Service
	parties  map[string]*Party

	firewalls map[string]*Firewall // by asset

	networks bart.Table[*Zone]
	external *Zone
	byIP     map[netip.Addr]*Asset
	byMAC    map[string]*Asset
	readers  map[string]doorway
	badges   map[string]holder
	between  map[[2]string][]*Conduit
	rights   map[string]map[string]bool // party, with what its teams give it, to areas

	controls map[string][]string // asset to the assets that it controls
	needed   map[string][]string // asset or service to the services that need it
}

type doorway struct {
	point *AccessPoint
	area  *Area
}

type holder struct {
	party *Party
	badge *Badge
}

func newIndex(p *Port) *index {
	x := &index{
		sites: byID(p.Sites, func(s *Site) string { return s.ID }), areas: byID(p.Areas, func(a *Area) string { return a.ID }),
		zones: byID(p.Zones, func(z *Zone) string { return z.ID }), conduits: byID(p.Conduits, func(c *Conduit) string { return c.ID }),
		assets: byID(p.Assets, func(a *Asset) string { return a.ID }), services: byID(p.Services, func(s *Service) string { return s.ID }),
		parties: byID(p.Parties, func(q *Party) string { return q.ID }), firewalls: byID(p.Firewalls, func(f *Firewall) string { return f.Asset }),
		byIP: make(map[netip.Addr]*Asset, len(p.Assets)), byMAC: make(map[string]*Asset, len(p.Assets)),
		readers: map[string]doorway{}, badges: map[string]holder{}, between: map[[2]string][]*Conduit{},
		rights: make(map[string]map[string]bool, len(p.Parties)), controls: map[string][]string{}, needed: map[string][]string{},
	}
	x.addNetworks(p)
	x.addAssets(p)
	x.addPeople(p)
	x.addServices(p)
	return x
}

func byID[T any](all []T, id func(*T) string) map[string]*T {
	m := make(map[string]*T, len(all))
	for i := range all {
		m[id(&all[i])] = &all[i]
	}
	return m
}

func (x *index) addNetworks(p *Port) {
	for i := range p.Zones {
		z := &p.Zones[i]
		if z.External {
			x.external = z
		}
		for _, n := range z.Networks {
			x.networks.Insert(n, z)
		}
	}
	for i := range p.Conduits {
		c := &p.Conduits[i]
		key := [2]string{c.From, c.To}
		x.between[key] = append(x.between[key], c)
	}
}

func (x *index) addAssets(p *Port) {
	for i := range p.Assets {
		a := &p.Assets[i]
		for _, address := range a.Addresses {
			if address.IP.IsValid() {
				x.byIP[address.IP] = a
			}
			if address.MAC != "" {
				x.byMAC[address.MAC] = a
			}
		}
		for _, by := range a.ControlledBy {
			x.controls[by] = append(x.controls[by], a.ID)
		}
	}
	for i := range p.Areas {
		area := &p.Areas[i]
		for j := range area.AccessPoints {
			point := &area.AccessPoints[j]
			for _, reader := range point.Readers {
				x.readers[reader] = doorway{point, area}
			}
		}
	}
}

func (x *index) addPeople(p *Port) {
	for i := range p.Parties {
		q := &p.Parties[i]
		for j := range q.Badges {
			x.badges[q.Badges[j].Number] = holder{q, &q.Badges[j]}
		}
		rights := map[string]bool{}
		walk(q.ID, func(id string) []string {
			group := x.parties[id]
			if group == nil {
				return nil
			}
			for _, area := range group.Areas {
				rights[area] = true
			}
			return group.MemberOf
		})
		x.rights[q.ID] = rights
	}
}

func (x *index) addServices(p *Port) {
	for i := range p.Services {
		s := &p.Services[i]
		seen := map[string]bool{}
		s.Needs.Leaves(func(id string) {
			if !seen[id] {
				seen[id] = true
				x.needed[id] = append(x.needed[id], s.ID)
			}
		})
	}
}

// walk visits every id that can be reached from one, each once, that one first.
func walk(from string, next func(id string) []string) {
	seen, queue := map[string]bool{from: true}, []string{from}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		for _, n := range next(id) {
			if !seen[n] {
				seen[n] = true
				queue = append(queue, n)
			}
		}
	}
}

// Leaves calls visit with every asset and service that the need names, in the
// order of the file, repeated ones again.
func (n *Need) Leaves(visit func(id string)) {
	if n.ID != "" {
		visit(n.ID)
	}
	for i := range n.All {
		n.All[i].Leaves(visit)
	}
	for i := range n.Any {
		n.Any[i].Leaves(visit)
	}
	if n.KOfN != nil {
		for i := range n.KOfN.Of {
			n.KOfN.Of[i].Leaves(visit)
		}
	}
}

// Empty reports whether nothing is needed.
func (n *Need) Empty() bool {
	return n.ID == "" && len(n.All) == 0 && len(n.Any) == 0 && n.KOfN == nil
}

var noIndex = newIndex(&Port{})

// look is the index; a port that was not loaded finds nothing.
func (p *Port) look() *index {
	if p == nil || p.index == nil {
		return noIndex
	}
	return p.index
}

// ZoneOf returns the zone whose networks hold ip by longest prefix, the
// external zone where none does, and nil where there is no external zone either.
func (p *Port) ZoneOf(ip netip.Addr) *Zone {
	x := p.look()
	if z, ok := x.networks.Lookup(ip.Unmap().WithZone("")); ok {
		return z
	}
	return x.external
}

// External returns the external zone, or nil.
func (p *Port) External() *Zone { return p.look().external }

// Zone returns the zone of that id, or nil.
func (p *Port) Zone(id string) *Zone { return p.look().zones[id] }

// Conduit returns the conduit of that id, or nil.
func (p *Port) Conduit(id string) *Conduit { return p.look().conduits[id] }

// Asset returns the asset of that id, or nil.
func (p *Port) Asset(id string) *Asset { return p.look().assets[id] }

// AssetByIP returns the asset that declares ip, or nil.
func (p *Port) AssetByIP(ip netip.Addr) *Asset { return p.look().byIP[ip.Unmap().WithZone("")] }

// AssetByMAC returns the asset that declares mac (lower-case, colon separated), or nil.
func (p *Port) AssetByMAC(mac string) *Asset { return p.look().byMAC[mac] }

// Area returns the area of that id, or nil.
func (p *Port) Area(id string) *Area { return p.look().areas[id] }

// Site returns the site of that id, or nil.
func (p *Port) Site(id string) *Site { return p.look().sites[id] }

// Service returns the service of that id, or nil.
func (p *Port) Service(id string) *Service { return p.look().services[id] }

// Party returns the party of that id, or nil.
func (p *Port) Party(id string) *Party { return p.look().parties[id] }

// Reader returns the access point and area that the reader (an asset id) serves, or nil, nil.
func (p *Port) Reader(id string) (*AccessPoint, *Area) {
	d := p.look().readers[id]
	return d.point, d.area
}

// Badge returns the holder and the card of that number, or nil, nil.
func (p *Port) Badge(number string) (*Party, *Badge) {
	h := p.look().badges[number]
	return h.party, h.badge
}

// MayEnter reports whether the party, by itself or by a team or company that it
// is a member of (at any remove), may enter the area. Everybody may enter an
// area that is not restricted; nobody an area that is not declared.
func (p *Port) MayEnter(party, area string) bool {
	a := p.Area(area)
	if a == nil {
		return false
	}
	return !a.Restricted || p.look().rights[party][area]
}

// Firewall returns where the rules of the asset of that id are written down, or nil.
func (p *Port) Firewall(asset string) *Firewall { return p.look().firewalls[asset] }

// ConduitsBetween returns the conduits from one zone to another, in the order
// of the file. The slice must not be changed.
func (p *Port) ConduitsBetween(from, to string) []*Conduit {
	return p.look().between[[2]string{from, to}]
}

// ServicesOf returns the ids of the services that need the asset, directly or
// through other assets (ControlledBy) and services, sorted. Being needed is
// not being indispensable: an alternative of an "any" is listed too.
func (p *Port) ServicesOf(asset string) []string {
	x := p.look()
	var out []string
	walk(asset, func(id string) []string {
		if x.services[id] != nil {
			out = append(out, id)
		}
		return append(slices.Clone(x.controls[id]), x.needed[id]...)
	})
	slices.Sort(out)
	return out
}

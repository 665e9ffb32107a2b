package port

import "net/netip"

// index answers look-ups over a loaded port.
type index struct{}

// placeholder until the loader lands: see Load.

// ZoneOf returns the zone whose networks hold ip by longest prefix, the
// external zone where none does, and nil where there is no external zone either.
func (p *Port) ZoneOf(ip netip.Addr) *Zone { return nil }

// Zone returns the zone of that id, or nil.
func (p *Port) Zone(id string) *Zone { return nil }

// Asset returns the asset of that id, or nil.
func (p *Port) Asset(id string) *Asset { return nil }

// AssetByIP returns the asset that declares ip, or nil.
func (p *Port) AssetByIP(ip netip.Addr) *Asset { return nil }

// AssetByMAC returns the asset that declares mac (lower-case, colon separated), or nil.
func (p *Port) AssetByMAC(mac string) *Asset { return nil }

// Area returns the area of that id, or nil.
func (p *Port) Area(id string) *Area { return nil }

// Site returns the site of that id, or nil.
func (p *Port) Site(id string) *Site { return nil }

// Service returns the service of that id, or nil.
func (p *Port) Service(id string) *Service { return nil }

// Party returns the party of that id, or nil.
func (p *Port) Party(id string) *Party { return nil }

// Reader returns the access point and area that the reader (an asset id) serves, or nil, nil.
func (p *Port) Reader(id string) (*AccessPoint, *Area) { return nil, nil }

// Badge returns the holder and the card of that number, or nil, nil.
func (p *Port) Badge(number string) (*Party, *Badge) { return nil, nil }

// MayEnter reports whether the party, by itself or by a team or company that it
// is a member of, may enter the area. Everybody may enter an area that is not restricted.
func (p *Port) MayEnter(party, area string) bool { return false }

// ConduitsBetween returns the conduits from one zone to another, in the order of the file.
func (p *Port) ConduitsBetween(from, to string) []*Conduit { return nil }

// ServicesOf returns the ids of the services that need the asset, directly or
// through other assets (ControlledBy) and services, sorted.
func (p *Port) ServicesOf(asset string) []string { return nil }

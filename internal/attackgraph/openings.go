package attackgraph

import "github.com/quaywatch/quaywatch/internal/port"

// FromFirewalls is the origin of what the rules of firewalls let through.
const FromFirewalls = "firewall rules"

// Opening is a way that rules of firewalls leave open though no conduit allows it.
type Opening struct {
	Rule    string // what would be closed, such as "fw-core-1 policy 901"
	Zone    string // who gets through
	Host    string // asset
	Service string // as by Service
	Part    bool   // only some addresses of the zone get through
	Unsure  bool   // it depends on what was not understood of the rules
	Where   string // file and line
}

// Let gives what rules let through. What a conduit allows is given with the port
// file, whatever the rules say.
func Let(m *Model, list []Opening) error {
	for _, o := range list {
		chance := Range{1, 1}
		text := "no conduit allows it"
		if o.Part {
			chance = Range{0.3, 0.9} // as for traffic that was seen from one address of the zone
			text += " (for some addresses of " + o.Zone + ")"
		}
		if o.Unsure {
			text += " (whether it does is not decided)"
		}
		for _, g := range []Given{
			{Atom: A("rule", o.Rule), Text: o.Rule + " at " + o.Where, Change: "close " + o.Rule},
			{Atom: A("lets", o.Rule, o.Zone, o.Host, o.Service), Text: text, Chance: chance, Unsure: o.Unsure},
		} {
			g.Origin, g.Where = FromFirewalls, o.Where
			if err := m.Give(g); err != nil {
				return err
			}
		}
	}
	return nil
}

// Offer is a service that an asset is taken to offer.
type Offer struct {
	Name      string // as by Service
	Transport string // "tcp" or "udp"
	Port      uint16
}

// Offers are the services that an asset is taken to offer by its kind.
func Offers(a *port.Asset) []Offer {
	var out []Offer
	for _, s := range offered(a) {
		out = append(out, Offer{s.String(), s.transport, s.port})
	}
	return out
}

package port

import (
	"cmp"
	"slices"
)

// Summary is a port at a glance.
type Summary struct {
	Name     string         `json:"name"`
	LOCODE   string         `json:"locode"`
	TimeZone string         `json:"time_zone"`
	Currency string         `json:"currency"`
	Level    int            `json:"security_level"`
	Counts   []Count        `json:"counts"`
	Zones    []ZoneSummary  `json:"zones"` // highest Purdue level first
	Matrix   []Link         `json:"matrix"`
	Services []ServiceLine  `json:"services"`
	Domains  map[Domain]int `json:"assets_by_domain"`
}

// Count is how many items a section has.
type Count struct {
	Section string `json:"section"`
	Count   int    `json:"count"`
}

// ZoneSummary is one zone in a table.
type ZoneSummary struct {
	ID       string   `json:"id"`
	Domain   Domain   `json:"domain"`
	Level    float64  `json:"level"`
	Target   int      `json:"sl_target"`
	Networks []string `json:"networks"`
	Assets   int      `json:"assets"`
	External bool     `json:"external"`
}

// Link is what all conduits from one zone to another allow together.
type Link struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	Conduits []string `json:"conduits"`
	Access   string   `json:"access"` // "read" where every line is limited to reading, else "read-write"
}

// ServiceLine is one node of a service's tree of needs.
type ServiceLine struct {
	Depth int    `json:"depth"` // 0: the service itself
	ID    string `json:"id,omitempty"`
	Text  string `json:"text"` // the name, or "all of", "any of", "2 of 4"
}

// Summarise draws up the summary of a loaded port.
func (p *Port) Summarise() Summary {
	s := Summary{Name: p.Identity.Name, LOCODE: p.Identity.LOCODE, TimeZone: p.Identity.TimeZone,
		Currency: p.Identity.Currency, Level: p.Identity.SecurityLevel, Domains: map[Domain]int{},
		Counts: []Count{{"sites", len(p.Sites)}, {"areas", len(p.Areas)}, {"zones", len(p.Zones)}, {"conduits", len(p.Conduits)},
			{"assets", len(p.Assets)}, {"services", len(p.Services)}, {"terminals", len(p.Terminals)}, {"parties", len(p.Parties)}, {"authorities", len(p.Authorities)},
			{"waters", len(p.Waters)}, {"land", len(p.Land)}, {"vessels", len(p.Vessels)}, {"aids", len(p.Aids)}, {"sensors", len(p.Sensors)}}}
	inZone := map[string]int{}
	for i := range p.Assets {
		s.Domains[p.Assets[i].Domain]++
		inZone[p.Assets[i].Zone]++
	}
	for i := range p.Zones {
		z := &p.Zones[i]
		line := ZoneSummary{ID: z.ID, Domain: z.Domain, Level: z.Level, Target: z.Target, Assets: inZone[z.ID], External: z.External, Networks: []string{}}
		for _, n := range z.Networks {
			line.Networks = append(line.Networks, n.String())
		}
		s.Zones = append(s.Zones, line)
	}
	slices.SortStableFunc(s.Zones, func(a, b ZoneSummary) int { return cmp.Compare(b.Level, a.Level) })
	s.Matrix = p.links()
	for i := range p.Services {
		v := &p.Services[i]
		s.Services = append(s.Services, ServiceLine{0, v.ID, v.Name})
		s.Services = p.needLines(s.Services, &v.Needs, 1)
	}
	return s
}

// links joins the conduits of each pair of zones, in the order of the file.
func (p *Port) links() []Link {
	var links []Link
	at := map[[2]string]int{}
	for i := range p.Conduits {
		c := &p.Conduits[i]
		key := [2]string{c.From, c.To}
		n, ok := at[key]
		if !ok {
			n = len(links)
			at[key] = n
			links = append(links, Link{From: c.From, To: c.To, Access: "read"})
		}
		links[n].Conduits = append(links[n].Conduits, c.ID)
		for _, a := range c.Allow {
			if a.Access != "read" {
				links[n].Access = "read-write"
			}
		}
	}
	return links
}

func (p *Port) needLines(lines []ServiceLine, n *Need, depth int) []ServiceLine {
	group := func(text string, needs []Need) {
		lines = append(lines, ServiceLine{depth, "", text})
		for i := range needs {
			lines = p.needLines(lines, &needs[i], depth+1)
		}
	}
	switch {
	case n.ID != "":
		lines = append(lines, ServiceLine{depth, n.ID, p.nameOf(n.ID)})
	case n.All != nil:
		group("all of", n.All)
	case n.Any != nil:
		group("any of", n.Any)
	case n.KOfN != nil:
		group(number(float64(n.KOfN.K))+" of "+number(float64(len(n.KOfN.Of))), n.KOfN.Of)
	}
	return lines
}

func (p *Port) nameOf(id string) string {
	if a := p.Asset(id); a != nil {
		return a.Name
	}
	if s := p.Service(id); s != nil {
		return s.Name
	}
	return id
}

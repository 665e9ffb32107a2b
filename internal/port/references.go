package port

import (
	"fmt"
	"slices"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// maxGuesses bounds how many suggestions are looked up: each compares a name
// with all others, and a file with thousands of dangling names has one cause.
const maxGuesses = 100

// declare learns all ids and finds those that are given twice.
func (c *checker) declare() {
	p := c.port
	for i := range p.Sites {
		c.declareID(p.Sites[i].ID, kindSite, place{"sites", i, "id"})
	}
	for i := range p.Areas {
		c.declareID(p.Areas[i].ID, kindArea, place{"areas", i, "id"})
		for j := range p.Areas[i].AccessPoints {
			c.declareID(p.Areas[i].AccessPoints[j].ID, kindAccessPoint, place{"areas", i, strictyaml.Item("access_points", j) + ".id"})
		}
	}
	for i := range p.Zones {
		c.declareID(p.Zones[i].ID, kindZone, place{"zones", i, "id"})
	}
	for i := range p.Conduits {
		c.declareID(p.Conduits[i].ID, kindConduit, place{"conduits", i, "id"})
	}
	for i := range p.Assets {
		c.declareID(p.Assets[i].ID, kindAsset, place{"assets", i, "id"})
	}
	for i := range p.Services {
		c.declareID(p.Services[i].ID, kindService, place{"services", i, "id"})
	}
	for i := range p.Parties {
		c.declareID(p.Parties[i].ID, kindParty, place{"parties", i, "id"})
	}
	for i := range p.Authorities {
		c.declareID(p.Authorities[i].ID, kindAuthority, place{"authorities", i, "id"})
	}
	for i := range p.Approvals {
		c.declareID(p.Approvals[i].ID, kindApproval, place{"approvals", i, "id"})
	}
	for i := range p.WorkOrders {
		c.declareID(p.WorkOrders[i].ID, kindWorkOrder, place{"work_orders", i, "id"})
	}
	for i := range p.Waters {
		c.declareID(p.Waters[i].ID, kindWater, place{"waters", i, "id"})
	}
	for i := range p.Land {
		c.declareID(p.Land[i].ID, kindLand, place{"land", i, "id"})
	}
	for i := range p.Vessels {
		c.declareID(p.Vessels[i].ID, kindVessel, place{"vessels", i, "id"})
	}
	for i := range p.Terminals {
		c.declareID(p.Terminals[i].ID, kindTerminal, place{"terminals", i, "id"})
	}
	for i := range p.Aids {
		c.declareID(p.Aids[i].ID, kindAid, place{"aids", i, "id"})
	}
	for i := range p.Sensors {
		c.declareID(p.Sensors[i].ID, kindSensor, place{"sensors", i, "id"})
	}
}

func (c *checker) declareID(id string, k kind, at place) {
	if id == "" {
		return // told as missing
	}
	if first, twice := c.ids[id]; twice {
		c.fault(at, fmt.Sprintf("the id %q is given twice, first to %s in %s", id, withArticle(first.kind), c.sources.where(first.at)),
			"an id names one thing in the whole port")
		return
	}
	c.ids[id] = declared{k, at}
	c.names[k] = append(c.names[k], id)
}

// reference finds names that lead nowhere or to something else.
func (c *checker) reference(at place, name string, kinds []kind) {
	d, ok := c.ids[name]
	switch {
	case ok && slices.Contains(kinds, d.kind):
	case ok:
		c.fault(at, fmt.Sprintf("%q is %s (%s); %s is expected here", name, withArticle(d.kind), c.sources.where(d.at), anyOf(kinds)), c.suggest(name, kinds))
	case c.incomplete:
	default:
		hint := c.suggest(name, kinds)
		if hint == "" {
			hint = "declare it, or correct the name"
		}
		c.fault(at, fmt.Sprintf("%q is not declared; the id of %s is expected here", name, anyOf(kinds)), hint)
	}
}

// suggest names the nearest id of the kinds, "" where none is near.
func (c *checker) suggest(name string, kinds []kind) string {
	if c.guesses++; c.guesses > maxGuesses {
		return ""
	}
	var candidates []string
	for _, k := range kinds {
		candidates = append(candidates, c.names[k]...)
	}
	if near := strictyaml.Nearest(name, candidates); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// asset returns the declared asset of that id with its place, or nil.
func (c *checker) asset(id string) *Asset {
	if d, ok := c.ids[id]; ok && d.kind == kindAsset {
		return &c.port.Assets[d.at.index]
	}
	return nil
}

// zone returns the declared zone of that id, or nil.
func (c *checker) zone(id string) *Zone {
	if d, ok := c.ids[id]; ok && d.kind == kindZone {
		return &c.port.Zones[d.at.index]
	}
	return nil
}

// party returns the declared party of that id, or nil.
func (c *checker) party(id string) *Party {
	if d, ok := c.ids[id]; ok && d.kind == kindParty {
		return &c.port.Parties[d.at.index]
	}
	return nil
}

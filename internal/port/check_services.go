package port

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// services checks what they need.
func (c *checker) services() {
	for i := range c.port.Services {
		s := &c.port.Services[i]
		if s.Needs.Empty() && !c.sources.has(place{"services", i, "needs"}) {
			c.warn(place{"services", i, ""}, fmt.Sprintf("the service %q needs nothing", s.ID), "name what it stops without, or its outages can't be computed")
			continue
		}
		c.need(place{"services", i, "needs"}, &s.Needs)
		if s.Capacity > 0 && s.Unit == "" {
			c.fault(place{"services", i, "capacity"}, "a capacity without a unit", "say what it counts, such as unit: moves/h")
		}
		if r := s.Recovery; r != nil && r.MTPDHours > 0 && r.RTOHours > r.MTPDHours {
			c.fault(place{"services", i, "recovery.rto_hours"}, fmt.Sprintf("the objective of %s hours is longer than the %s that can be tolerated", number(r.RTOHours), number(r.MTPDHours)), "rto_hours must not exceed mtpd_hours")
		}
	}
}

// neverZero are the figures that a simulation divides by.
var neverZero = []string{"berths", "units_per_call", "import_dwell_days", "export_dwell_days", "units_per_truck", "units_per_train"}

// terminals checks the figures that have bounds of their own.
func (c *checker) terminals() {
	for i := range c.port.Terminals {
		figures := reflect.ValueOf(c.port.Terminals[i].Figures)
		for k := range figures.NumField() {
			f, _ := figures.Field(k).Interface().(*Figure)
			if f == nil {
				continue
			}
			name := figures.Type().Field(k).Tag.Get("yaml")
			at := place{"terminals", i, "figures." + name}
			if strings.Contains(name, "share") && f.High > 1 {
				c.fault(at, fmt.Sprintf("a share of %s", f), "a share is from 0 to 1: write 0.15 for 15 %")
			}
			if f.Low <= 0 && slices.Contains(neverZero, name) {
				c.fault(at, fmt.Sprintf("%s of %s", name, f), "must be more than zero; leave it out to have it assumed within a range")
			}
		}
	}
}

// need checks that a node is exactly one thing.
func (c *checker) need(at place, n *Need) {
	var forms []string
	if n.ID != "" {
		forms = append(forms, "id")
	}
	for _, list := range []struct {
		name  string
		needs []Need
	}{{"all", n.All}, {"any", n.Any}} {
		if list.needs == nil {
			continue
		}
		forms = append(forms, list.name)
		path := under(at.path, list.name)
		if len(list.needs) == 0 {
			c.fault(place{at.section, at.index, path}, list.name+" of nothing", "name what is needed, or remove it")
		}
		c.needs(at, path, list.needs)
	}
	if n.KOfN != nil {
		forms = append(forms, "k_of_n")
		path := at.path + ".k_of_n"
		if k, of := n.KOfN.K, len(n.KOfN.Of); k > of && of > 0 {
			c.fault(place{at.section, at.index, path + ".k"}, fmt.Sprintf("%d of %d can't be met", k, of), fmt.Sprintf("k is from 1 to %d", of))
		}
		c.needs(at, path+".of", n.KOfN.Of)
	}
	switch len(forms) {
	case 0:
		c.fault(at, "a need of nothing", "one of: an id, all, any, k_of_n")
	case 1:
	default:
		c.fault(at, strings.Join(forms, " and ")+" in one node", "a node is one of them; put each into a node of its own under all or any")
	}
}

func (c *checker) needs(at place, path string, needs []Need) {
	for i := range needs {
		c.need(place{at.section, at.index, strictyaml.Item(path, i)}, &needs[i])
	}
}

// parties checks badges, accounts and rights.
func (c *checker) parties() {
	badges, accounts := map[string]place{}, map[string]place{}
	entered := map[string]bool{}
	for i := range c.port.Parties {
		p := &c.port.Parties[i]
		for j := range p.Badges {
			b := &p.Badges[j]
			at := place{"parties", i, strictyaml.Item("badges", j)}
			if b.Number != "" {
				once(c, badges, b.Number, place{at.section, at.index, at.path + ".number"}, fmt.Sprintf("the badge %q", b.Number))
			}
			c.endOfDay(place{at.section, at.index, at.path + ".expires"}, &b.Expires)
		}
		if len(p.Badges) > 0 && p.Kind != "person" && p.Kind != "" {
			c.warn(place{"parties", i, "badges"}, fmt.Sprintf("a badge of the %s %q", p.Kind, p.ID), "who used it can't be told; give cards to persons")
		}
		for j, account := range p.Accounts {
			if account != "" {
				once(c, accounts, account, place{"parties", i, strictyaml.Item("accounts", j)}, fmt.Sprintf("the account %q", account))
			}
		}
		for j, group := range p.MemberOf {
			if g := c.party(group); g != nil && g.Kind == "person" {
				c.fault(place{"parties", i, strictyaml.Item("member_of", j)}, fmt.Sprintf("%q is a person", group), "members belong to teams, companies and agencies")
			}
		}
		for _, area := range p.Areas {
			entered[area] = true
		}
	}
	for i := range c.port.Areas {
		if a := &c.port.Areas[i]; a.Restricted && a.ID != "" && !entered[a.ID] {
			c.warn(place{"areas", i, "restricted"}, fmt.Sprintf("nobody may enter the restricted area %q", a.ID), "name it under areas of the parties that may")
		}
	}
}

// authorities checks that enough holders exist.
func (c *checker) authorities() {
	for i := range c.port.Authorities {
		a := &c.port.Authorities[i]
		if n := len(a.Holders); n > 0 && a.Agree > n {
			c.fault(place{"authorities", i, "agree"}, fmt.Sprintf("%d must agree and %d hold the authority", a.Agree, n), fmt.Sprintf("agree is from 1 to %d", n))
		}
	}
}

// endOfDay makes a date without a time the last second of that day in the port's time zone.
func (c *checker) endOfDay(at place, t *time.Time) {
	if t.IsZero() || len(c.sources.text(at)) != len(time.DateOnly) {
		return
	}
	zone, err := location(c.port.Identity.TimeZone)
	if err != nil {
		return // told
	}
	*t = time.Date(t.Year(), t.Month(), t.Day(), 23, 59, 59, 0, zone)
}

// complete fills in what may be left out.
func (c *checker) complete() {
	p := c.port
	fill := func(name *string, id string) {
		if *name == "" {
			*name = id
		}
	}
	for i := range p.Sites {
		fill(&p.Sites[i].Name, p.Sites[i].ID)
	}
	for i := range p.Areas {
		fill(&p.Areas[i].Name, p.Areas[i].ID)
		p.Areas[i].Perimeter = open(p.Areas[i].Perimeter)
		for j := range p.Areas[i].AccessPoints {
			fill(&p.Areas[i].AccessPoints[j].Name, p.Areas[i].AccessPoints[j].ID)
		}
	}
	for i := range p.Zones {
		fill(&p.Zones[i].Name, p.Zones[i].ID)
	}
	for i := range p.Conduits {
		fill(&p.Conduits[i].Name, p.Conduits[i].ID)
	}
	for i := range p.Assets {
		fill(&p.Assets[i].Name, p.Assets[i].ID)
	}
	for i := range p.Services {
		fill(&p.Services[i].Name, p.Services[i].ID)
	}
	for i := range p.Parties {
		fill(&p.Parties[i].Name, p.Parties[i].ID)
	}
	for i := range p.Authorities {
		p.Authorities[i].Agree = max(p.Authorities[i].Agree, 1)
	}
	for i := range p.Waters {
		fill(&p.Waters[i].Name, p.Waters[i].ID)
		p.Waters[i].Shape = open(p.Waters[i].Shape)
	}
	for i := range p.Land {
		fill(&p.Land[i].Name, p.Land[i].ID)
		p.Land[i].Shape = open(p.Land[i].Shape)
	}
	for i := range p.Vessels {
		fill(&p.Vessels[i].Name, p.Vessels[i].ID)
	}
	for i := range p.Terminals {
		fill(&p.Terminals[i].Name, p.Terminals[i].ID)
	}
	for i := range p.Aids {
		fill(&p.Aids[i].Name, p.Aids[i].ID)
	}
	for i := range p.Sensors {
		s := &p.Sensors[i]
		fill(&s.Name, s.ID)
		if a := c.asset(s.Asset); a != nil && s.Position == (Point{}) {
			s.Position = a.Position
		}
		for j := range s.Shadows {
			s.Shadows[j] = open(s.Shadows[j])
		}
	}
}

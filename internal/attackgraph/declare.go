package attackgraph

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Origins of what this package gives by itself.
const (
	FromPort       = "port file"
	FromAssumption = "assumption" // nobody declared or saw it; the range says how little is known
)

// Outside is the place where everybody may stand.
const Outside = "outside"

// Declare gives everything that the port file says, as it stands at a time
// (expired conduits are closed), and what has to be assumed where it is silent.
func Declare(m *Model, p *port.Port, at time.Time) error {
	d := &declaring{m: m, p: p, at: at}
	d.things()
	d.conduits()
	d.places()
	d.people()
	d.assumptions()
	d.services()
	return d.err
}

type declaring struct {
	m   *Model
	p   *port.Port
	at  time.Time
	err error
}

func (d *declaring) give(g Given) {
	if d.err == nil {
		d.err = d.m.Give(g)
	}
}

// say gives what the port file declares.
func (d *declaring) say(a Atom, text string) { d.give(Given{Atom: a, Origin: FromPort, Text: text}) }

// assume gives what nobody declared or saw.
func (d *declaring) assume(a Atom, low, high float64, text, change string) {
	d.give(Given{Atom: a, Origin: FromAssumption, Chance: Range{low, high}, Unsure: true, Text: text, Change: change})
}

func (d *declaring) link(title string, post Atom, pre ...Atom) {
	if d.err == nil {
		d.err = d.m.Link(title, post, pre...)
	}
}

func (d *declaring) things() {
	for i := range d.p.Zones {
		z := &d.p.Zones[i]
		d.say(A("zone", z.ID), "declared")
		if z.External {
			d.say(A("external", z.ID), "declared as everything else")
		}
	}
	for i := range d.p.Assets {
		a := &d.p.Assets[i]
		d.say(A("asset", a.ID), "declared")
		if a.Zone != "" {
			d.say(A("member", a.ID, a.Zone), "declared")
		}
		if a.Area != "" {
			d.say(A("inside", a.ID, a.Area), "declared")
		}
		for _, c := range a.ControlledBy {
			d.say(A("controls", c, a.ID), a.ID+" is declared to be controlled by "+c)
		}
		for _, r := range a.Remote {
			change := "end remote access of " + r.Party + " to " + a.ID
			text := "declared: " + r.Reason
			if r.WorkOrder {
				text += " (by work order)"
			}
			d.give(Given{Atom: A("remote", r.Party, r.Via, a.ID), Origin: FromPort, Text: text, Change: change})
		}
		for _, r := range roles[a.Kind] {
			d.say(A(r, a.ID), "by its kind, "+a.Kind)
		}
	}
}

// roles are what a kind of asset means for an attacker.
var roles = map[string][]string{
	"workstation":         {"screen", "takes-media", "plug"},
	"laptop":              {"screen", "takes-media", "plug"},
	"hmi":                 {"screen", "takes-media", "plug"},
	"engineering-station": {"screen", "takes-media", "plug"},
	"scada-server":        {"screen"},
	"jump-host":           {"jump-host"},
	"camera":              {"camera", "plug"},
	"badge-reader":        {"plug"},
	"door-controller":     {"plug"},
	"intercom":            {"plug"},
	"switch":              {"plug"},
	"printer":             {"plug"},
	"phone":               {"plug"},
	"plc":                 {"plug"},
	"rtu":                 {"plug"},
	"ocr-portal":          {"plug"},
	"ais-base-station":    {"hears-radio"},
	"gnss-receiver":       {"hears-radio"},
	"vhf-radio":           {"hears-radio"},
}

// conduits gives which services of which hosts each conduit lets through.
func (d *declaring) conduits() {
	members := map[string][]*port.Asset{}
	for i := range d.p.Assets {
		if a := &d.p.Assets[i]; len(a.Addresses) > 0 && a.Zone != "" {
			members[a.Zone] = append(members[a.Zone], a)
		}
	}
	for i := range d.p.Conduits {
		c := &d.p.Conduits[i]
		if c.Expired(d.at) {
			continue
		}
		d.give(Given{Atom: A("open", c.ID), Origin: FromPort, Text: c.Reason, Change: "close conduit " + c.ID})
		for _, a := range members[c.To] {
			for _, s := range offered(a) {
				line := allows(c, s)
				if line == nil {
					continue
				}
				name := s.String()
				if line.Access == "read" {
					name += " read"
				}
				d.say(A("passes", c.ID, c.From, a.ID, name), "allowed by conduit "+c.ID)
				d.give(Given{Atom: A("serves", a.ID, name), Origin: FromPort, Chance: Range{0.5, 1},
					Text: "conduit " + c.ID + " exists to reach such a service in " + c.To})
				if line.Access != "read" && open[s.app] && obeys[a.Kind] {
					d.say(A("obeys", a.ID, name), s.app+" asks for no login")
				}
				if logins[s.app] {
					d.say(A("can-log-in", c.From, a.ID, name), "conduit "+c.ID+" is for "+s.app)
				}
			}
		}
	}
}

// allows returns the line of the conduit that lets a service through.
func allows(c *port.Conduit, s service) *port.Allow {
	for i := range c.Allow {
		l := &c.Allow[i]
		if l.Transport != "any" && l.Transport != s.transport || l.Application != "" && s.app != "" && l.Application != s.app {
			continue
		}
		if len(l.Ports) == 0 || slices.ContainsFunc(l.Ports, func(r port.PortRange) bool { return r.Contains(s.port) }) {
			return l
		}
	}
	return nil
}

// places gives who can come to stand where.
func (d *declaring) places() {
	d.say(A("public", Outside), "the street and the water")
	for i := range d.p.Areas {
		a := &d.p.Areas[i]
		if !a.Restricted && a.Inside == "" {
			d.say(A("public", a.ID), "declared as not restricted")
		}
		for k := range a.AccessPoints {
			x := &a.AccessPoints[k]
			from := x.From
			if from == "" {
				from = Outside
			}
			r, ok := doors[x.Kind]
			if !ok {
				r = Range{0.02, 0.5}
			}
			if !a.Restricted {
				r = Range{0.5, 1}
			}
			d.give(Given{Atom: A("door", x.ID, from, a.ID), Origin: FromAssumption, Chance: r,
				Text: "a " + x.Kind + " without a right to pass: followed through, forced or left open", Change: "guard " + x.ID})
		}
	}
}

// doors are the chances to pass a kind of access point without a right, by
// judgement: penetration tests succeed more often than guards believe.
var doors = map[string]Range{
	"gate": {0.02, 0.3}, "door": {0.02, 0.3}, "turnstile": {0.01, 0.2}, "barrier": {0.2, 0.9}, "cabinet": {0.05, 0.5}, "water-gate": {0.02, 0.4},
}

// people gives which rights to enter restricted areas somebody holds. A right
// that a team or company gives is one, whoever its members are: it is taken back
// as one.
func (d *declaring) people() {
	holders := map[string]bool{} // parties with a valid badge, by themselves or among their members
	for i := range d.p.Parties {
		q := &d.p.Parties[i]
		if slices.ContainsFunc(q.Badges, func(b port.Badge) bool { return !b.Revoked && !b.Expired(d.at) }) {
			d.hold(q.ID, holders)
		}
	}
	for i := range d.p.Parties {
		q := &d.p.Parties[i]
		for _, area := range q.Areas {
			if holders[q.ID] {
				d.give(Given{Atom: A("may-enter", q.ID, area), Origin: FromPort, Text: "declared right with a valid badge", Change: "take the right of " + q.ID + " to enter " + area})
			}
		}
	}
}

// hold marks a party and all that it is a member of.
func (d *declaring) hold(party string, holders map[string]bool) {
	if q := d.p.Party(party); q != nil && !holders[party] {
		holders[party] = true
		for _, up := range q.MemberOf {
			d.hold(up, holders)
		}
	}
}

// assumptions gives what has to be reckoned with where nothing is known.
func (d *declaring) assumptions() {
	for i := range d.p.Assets {
		a := &d.p.Assets[i]
		if len(a.Addresses) == 0 || a.Zone == "" {
			continue
		}
		z := d.p.Zone(a.Zone)
		office := a.Domain == port.IT && z != nil && z.Level >= 4
		if office && (a.Kind == "workstation" || a.Kind == "laptop") {
			d.say(A("reads-mail", a.ID), "an office "+a.Kind)
		}
		d.assume(A("may-be-weak", a.ID), 0.002, 0.1, "no scan or advisory tells how sound it is", "harden "+a.ID)
		for _, s := range offered(a) {
			d.assume(A("serves", a.ID, s.String()), 0.2, 0.9, "usual for a "+a.Kind, "")
			if open[s.app] && obeys[a.Kind] {
				d.say(A("obeys", a.ID, s.String()), s.app+" asks for no login")
			}
			if kept[a.Kind] && (s.app == "tls" || s.app == "rtsp" || s.app == "http") {
				d.assume(A("default-login", a.ID, s.String()), 0.02, 0.4, "whether the password was changed is not known", "change the password of "+a.ID)
			}
			if logins[s.app] && windows[a.Kind] {
				d.assume(A("logs-in", string(a.Domain)+" logins", a.ID, s.String()), 0.3, 1, "accounts of one domain usually work on all its hosts", "separate the logins of "+a.ID)
			}
		}
		if windows[a.Kind] {
			d.assume(A("keeps-logins", a.ID, string(a.Domain)+" logins"), 0.1, 0.7, "an administrator may have logged in there", "keep administrators off "+a.ID)
		}
	}
}

// services gives what stops with what.
func (d *declaring) services() {
	for i := range d.p.Services {
		s := &d.p.Services[i]
		d.say(A("service", s.ID), "declared")
		if d.need(&s.Needs, s.ID, s.ID) {
			d.link(s.ID+" stops", A("down", s.ID), A("failed", s.ID))
		}
	}
}

// need links failed(name) to what the node of a need depends on, and reports
// whether it depends on anything.
func (d *declaring) need(n *port.Need, name, service string) bool {
	failed := A("failed", name)
	child := func(k int) string { return name + "/" + strconv.Itoa(k) }
	switch {
	case n.ID != "":
		d.link(service+" needs "+n.ID, failed, A("down", n.ID))
	case len(n.All) > 0:
		for k := range n.All {
			if d.need(&n.All[k], child(k), service) {
				d.link(service+" needs all of these", failed, A("failed", child(k)))
			}
		}
	case len(n.Any) > 0:
		d.atLeast(n.Any, len(n.Any), name, service)
	case n.KOfN != nil && len(n.KOfN.Of) >= n.KOfN.K:
		d.atLeast(n.KOfN.Of, len(n.KOfN.Of)-n.KOfN.K+1, name, service)
	default:
		return false
	}
	return true
}

// atLeast links failed(name) to the failure of at least want of the nodes.
// count(i, j) says that j of the first i have failed, which keeps the number of
// steps to the product of both.
func (d *declaring) atLeast(nodes []port.Need, want int, name, service string) {
	count := func(i, j int) Atom { return A("count", name, strconv.Itoa(i), strconv.Itoa(j)) }
	for i := range nodes {
		child := name + "/" + strconv.Itoa(i)
		d.need(&nodes[i], child, service)
		for j := max(1, want-(len(nodes)-1-i)); j <= min(i+1, want); j++ {
			title := fmt.Sprintf("%d of the alternatives of %s have failed", j, service)
			if j == 1 {
				d.link(title, count(i+1, 1), A("failed", child))
			} else {
				d.link(title, count(i+1, j), A("failed", child), count(i, j-1))
			}
			if i > 0 && j <= i {
				d.link(title, count(i+1, j), count(i, j))
			}
		}
	}
	d.link(fmt.Sprintf("%d of %d alternatives of %s have failed", want, len(nodes), service), A("failed", name), count(len(nodes), want))
}

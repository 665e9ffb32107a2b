package cross

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// lanes is the order of domains on screens.
var lanes = []finding.Domain{finding.IT, finding.OT, finding.Physical, finding.Sea, finding.Cargo}

// describe puts a chain into words.
func (w *Watch) describe(c chain, exercise string) (finding.Occurrence, string) {
	first := c.first()
	o := finding.Occurrence{
		Rule: RuleChain, Subject: finding.Subject{Kind: "chain", ID: first.ID, Name: assetName(first)},
		Grade: c.grade(), Facts: c.facts(), Links: w.links(c), Exercise: exercise,
	}
	o.Title = w.title(c)
	o.Services = w.services(o.Links)
	o.Severity = finding.Warning
	if w.grave(o.Links) {
		o.Severity = finding.Alarm
	}
	o.Summary = w.summary(c, o)
	o.Domains = domains(o.Facts)
	for _, f := range o.Facts {
		if f.Time.After(o.Time) {
			o.Time = f.Time
		}
	}
	o.Place = w.place(first)
	o.RuledOut, o.Unknown = w.limits(c)
	o.Next = w.next(c, o.Links)
	if len(c.hops) > 0 {
		o.Technique = "T0886" // remote services: from one device on to the next
	}
	return o, signature(o)
}

// links are the hops as subjects, each once, in order.
func (w *Watch) links(c chain) []finding.Subject {
	var out []finding.Subject
	if c.before != nil {
		out = append(out, assetSubject(c.before))
	}
	out = append(out, assetSubject(c.entry))
	for _, h := range c.hops {
		if a := w.port.Asset(h.to.asset()); a != nil {
			out = append(out, assetSubject(a))
		} else {
			ip := strings.TrimPrefix(string(h.to), "host:")
			out = append(out, finding.Subject{Kind: "host", ID: ip, Name: ip})
		}
	}
	return out
}

func assetSubject(a *port.Asset) finding.Subject {
	return finding.Subject{Kind: "asset", ID: a.ID, Name: assetName(a)}
}

func assetName(a *port.Asset) string { return cmp.Or(a.Name, a.ID) }

func (w *Watch) title(c chain) string {
	from := short(assetName(c.first()))
	if len(c.hops) == 0 {
		return from + " is searching the network, and something was wrong at its door before"
	}
	links := w.links(c)
	verb := "is reaching"
	if !c.sure() {
		verb = "is trying to reach"
	}
	return fmt.Sprintf("%s %s %s", from, verb, short(links[len(links)-1].Name))
}

// short is a name without what registers add behind a comma, such as the place.
func short(name string) string {
	name, _, _ = strings.Cut(name, ", ")
	return name
}

// summary says why the parts belong together and what would stop.
func (w *Watch) summary(c chain, o finding.Occurrence) string {
	var parts []string
	span := o.Facts[len(o.Facts)-1].Time.Sub(o.Facts[0].Time)
	parts = append(parts, fmt.Sprintf("%s in %s, from %s.", count(len(o.Facts), "fact", "facts"), spell(span), worlds(c)))
	if len(c.doors) > 0 {
		where := "At the same place, before the traffic: "
		if !c.close {
			where = "One door away, before the traffic: "
		}
		parts = append(parts, where+c.doors[len(c.doors)-1].title+".")
	}
	if len(c.hops) > 0 {
		names := make([]string, len(o.Links))
		for i, l := range o.Links {
			names[i] = l.Name
		}
		parts = append(parts, "No conduit allows the way "+strings.Join(names, " → ")+".")
	}
	if c.others > 0 {
		parts = append(parts, fmt.Sprintf("It reached %s more.", count(c.others, "device", "devices")))
	}
	last := o.Links[len(o.Links)-1]
	if ids := w.port.ServicesOf(last.ID); last.Kind == "asset" && len(ids) > 0 {
		parts = append(parts, fmt.Sprintf("Services that need %s and could stop: %s.", last.Name, w.serviceNames(ids)))
	} else if len(o.Services) > 0 {
		parts = append(parts, "Services that need a device on the way and could stop: "+w.serviceNames(o.Services)+".")
	}
	return strings.Join(parts, " ")
}

func worlds(c chain) string {
	list := []string{}
	if len(c.doors) > 0 {
		list = append(list, "doors and badges")
	}
	if len(c.hops) > 0 || len(c.device) > 0 {
		list = append(list, "the network")
	}
	if len(c.silent) > 0 {
		list = append(list, "a source that fell silent")
	}
	return strings.Join(list, " and ")
}

func (w *Watch) serviceNames(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id
		if s := w.port.Service(id); s != nil && s.Name != "" {
			names[i] = s.Name
		}
	}
	const most = 6
	if over := len(names) - most; over > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", over)
	}
	return strings.Join(names, ", ")
}

func (w *Watch) services(links []finding.Subject) []string {
	var out []string
	for _, l := range links {
		if l.Kind == "asset" {
			out = append(out, w.port.ServicesOf(l.ID)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// grave reports whether an OT asset, or one of high or critical importance, is
// reached.
func (w *Watch) grave(links []finding.Subject) bool {
	for _, l := range links[min(1, len(links)):] {
		a := w.port.Asset(l.ID)
		if a != nil && (a.Domain == port.OT || a.Criticality == "high" || a.Criticality == "critical") {
			return true
		}
	}
	return false
}

func domains(facts []finding.Fact) []finding.Domain {
	var out []finding.Domain
	for _, d := range lanes {
		if slices.ContainsFunc(facts, func(f finding.Fact) bool { return f.Domain == d }) {
			out = append(out, d)
		}
	}
	return out
}

// place is where the entry stands: its own position, else its area alone.
func (w *Watch) place(a *port.Asset) *finding.Place {
	at := a.Position
	if at == (port.Point{}) {
		area := w.port.Area(a.Area)
		if area == nil || len(area.Perimeter) == 0 {
			return nil
		}
		for _, c := range area.Perimeter {
			at[0] += c[0] / float64(len(area.Perimeter))
			at[1] += c[1] / float64(len(area.Perimeter))
		}
	}
	return &finding.Place{Lat: at.Lat(), Lon: at.Lon(), Area: a.Area}
}

// limits are what was excluded and what is not known.
func (w *Watch) limits(c chain) (ruledOut, unknown []string) {
	if len(c.hops) > 0 {
		ruledOut = append(ruledOut, "Traffic that a conduit allows", "Traffic that was there before the door was touched")
	}
	if len(c.doors) > 0 {
		ruledOut = append(ruledOut, "Doors elsewhere in the port")
	}
	if c.before != nil {
		unknown = append(unknown, fmt.Sprintf("Whether %s led to %s: both are in one zone, where no conduit is needed and none is judged", assetName(c.before), assetName(c.entry)))
	}
	if !c.sure() {
		unknown = append(unknown, "Whether every hop was answered: one was only tried, or its opening was not seen")
	}
	unknown = append(unknown, "Whether planned work explains both the door and the traffic: no work order is known here",
		"Whether the same person or programme is behind all of it: the facts are joined by place and time")
	return ruledOut, unknown
}

// next are safe steps: look, ask, prepare. Cutting a link is for whoever has
// the authority, and the step names them.
func (w *Watch) next(c chain, links []finding.Subject) []string {
	var out []string
	first := c.first()
	if a := w.port.Area(first.Area); a != nil {
		out = append(out, fmt.Sprintf("Send a guard to %s, and look who is there", a.Name))
	}
	out = append(out, fmt.Sprintf("Ask the owner of %s whether work is planned", assetName(first)),
		"Keep the evidence: do not switch the devices off before it is saved")
	last := links[len(links)-1]
	if last.ID != first.ID {
		out = append(out, "Before a link is cut, see what stops with "+last.Name)
	}
	return append(out, w.authorities(links)...)
}

// authorities name who may decide over the zones, assets and services of the chain.
func (w *Watch) authorities(links []finding.Subject) []string {
	about := map[string]bool{}
	var zones []string
	for _, l := range links {
		about[l.ID] = true
		if a := w.port.Asset(l.ID); a != nil {
			about[a.Zone], about[a.Area] = true, true
			zones = append(zones, a.Zone)
		}
	}
	for i := 1; i < len(zones); i++ {
		for _, k := range w.port.ConduitsBetween(zones[i-1], zones[i]) {
			about[k.ID] = true
		}
	}
	delete(about, "")
	var out []string
	for i := range w.port.Authorities {
		a := &w.port.Authorities[i]
		if !slices.ContainsFunc(a.Over, func(id string) bool { return about[id] }) {
			continue
		}
		names := make([]string, len(a.Holders))
		for j, id := range a.Holders {
			names[j] = id
			if p := w.port.Party(id); p != nil && p.Name != "" {
				names[j] = p.Name
			}
		}
		text := fmt.Sprintf("Who may decide %q: %s", a.Decision, strings.Join(names, ", "))
		if a.Agree > 1 {
			text += fmt.Sprintf(" (%d must agree)", a.Agree)
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return []string{"Nobody is declared in the port file as having the authority to isolate these devices: ask the duty officer"}
	}
	return out
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func spell(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}

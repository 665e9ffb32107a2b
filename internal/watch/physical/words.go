package physical

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// start begins the occurrence of a rule at the place of a use. The links carry
// reader, area and holder, so that other rules can join it by place.
func (w *Watch) start(rule string, u use) finding.Occurrence {
	o := finding.Occurrence{
		Rule: rule, Domains: []finding.Domain{finding.Physical}, Time: u.at, Exercise: u.Exercise,
		Facts: []finding.Fact{w.fact(u)},
	}
	o.Links = append(o.Links, w.readerSubject(u.Reader))
	if u.area != nil {
		o.Links = append(o.Links, finding.Subject{Kind: "area", ID: u.area.ID, Name: u.area.Name})
		o.Services = w.servicesOf(u.area.ID)
		if at := placeOf(u.point, u.area); at != nil {
			o.Place = &finding.Place{Lat: at.Lat(), Lon: at.Lon(), Area: u.area.ID}
		}
	}
	if u.party != nil {
		o.Links = append(o.Links, finding.Subject{Kind: "party", ID: u.party.ID, Name: u.party.Name})
	}
	return o
}

func (w *Watch) fact(u use) finding.Fact {
	return finding.Fact{Time: u.at, Text: w.told(u), Domain: finding.Physical, Evidence: finding.EvidenceOf(u.Head)}
}

// told says one use in one sentence.
func (w *Watch) told(u use) string {
	var text string
	switch u.Result {
	case event.AccessForced:
		text = sentence(w.doorName(u)) + " opened, no badge"
	case event.AccessHeld:
		text = sentence(w.doorName(u)) + " held open"
	default:
		text = fmt.Sprintf("%s %s at %s", sentence(w.holder(u)), u.Result, w.doorName(u))
		if u.Direction != "" {
			text += ", " + u.Direction
		}
	}
	if u.Reason != "" {
		text += ": " + u.Reason
	}
	if u.ahead > 0 {
		text += fmt.Sprintf(" (told %s ahead of its arrival; counted from arrival)", spell(u.ahead))
	}
	return text
}

// holder names who the badge was given to; the name that the access system
// tells is used where the register has none.
func (w *Watch) holder(u use) string {
	switch {
	case u.party != nil:
		return u.party.Name
	case u.Person != "":
		return u.Person
	case u.Badge != "":
		return "badge " + u.Badge
	}
	return "somebody without a badge"
}

func (w *Watch) doorName(u use) string {
	if u.point == nil {
		return "reader " + u.Reader
	}
	if u.point.Name != "" {
		return u.point.Name
	}
	return u.point.ID
}

func (w *Watch) badgeSubject(u use) finding.Subject {
	return finding.Subject{Kind: "badge", ID: u.Badge, Name: w.holder(u)}
}

func (w *Watch) readerSubject(id string) finding.Subject {
	s := finding.Subject{Kind: "reader", ID: id, Name: id}
	if point, _ := w.port.Reader(id); point != nil && point.Name != "" {
		s.Name = point.Name
	} else if a := w.port.Asset(id); a != nil && a.Name != "" {
		s.Name = a.Name
	}
	return s
}

// look is the first safe step: the cameras that see the door.
func (w *Watch) look(u use) []string {
	if u.point == nil || len(u.point.Cameras) == 0 {
		return nil
	}
	name := u.point.Cameras[0]
	if a := w.port.Asset(name); a != nil && a.Name != "" {
		name = a.Name
	}
	return []string{"Look at " + name + ", which sees the door"}
}

// placeOf is where the access point is, else the middle of the area's corners,
// nil where neither is declared.
func placeOf(point *port.AccessPoint, area *port.Area) *port.Point {
	if point != nil && point.Position != (port.Point{}) {
		return &point.Position
	}
	if area == nil || len(area.Perimeter) == 0 {
		return nil
	}
	var sum port.Point
	for _, c := range area.Perimeter {
		sum[0] += c[0]
		sum[1] += c[1]
	}
	n := float64(len(area.Perimeter))
	return &port.Point{sum[0] / n, sum[1] / n}
}

// servicesOf are the services that need an asset standing in the area, sorted.
func (w *Watch) servicesOf(area string) []string {
	if known, ok := w.services[area]; ok {
		return known
	}
	var out []string
	for i := range w.port.Assets {
		if w.port.Assets[i].Area == area {
			out = append(out, w.port.ServicesOf(w.port.Assets[i].ID)...)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	w.services[area] = out
	return out
}

// vital reports whether an asset of high or critical importance stands in the area.
func (w *Watch) vital(area string) bool {
	known, ok := w.vitals[area]
	if !ok {
		known = slices.ContainsFunc(w.port.Assets, func(a port.Asset) bool {
			return a.Area == area && (a.Criticality == "critical" || a.Criticality == "high")
		})
		w.vitals[area] = known
	}
	return known
}

// sentence gives text a capital first letter.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

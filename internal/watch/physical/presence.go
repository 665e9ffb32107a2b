package physical

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// person is where a badge was last let through. A person is in one area: the
// innermost that was entered. Going into an inner area leaves the one around
// it, and going out of an inner area leads back to AccessPoint.From.
type person struct {
	Presence
	vague bool // the last reader told no direction
	from  use  // the last use, for the rule of impossible presence
}

// who is the key of the person: the party of a known badge (so that two cards
// of one person are one presence), else the badge, else the name.
func who(u use) string {
	switch {
	case u.party != nil:
		return "party:" + u.party.ID
	case u.Badge != "":
		return "badge:" + u.Badge
	case u.Person != "":
		return "name:" + u.Person
	}
	return ""
}

// move takes a granted use into the presence. A row that is older than the last
// one of the same person is late and moves nobody.
func (w *Watch) move(u use) {
	id := who(u)
	if id == "" || u.area == nil {
		return
	}
	k := key{u.Exercise, id}
	p := w.people[k]
	if p == nil {
		p = &person{}
		w.people[k] = p
	} else if u.at.Before(p.Last) {
		return
	} else {
		w.farApart(u, p)
	}
	area := u.area.ID
	if u.Direction == "out" {
		area = u.point.From
	}
	stays := area == p.Area && u.Direction != "out" && !p.Since.IsZero()
	since := u.at
	if stays {
		since = p.Since
	}
	p.Presence = Presence{Name: w.holder(u), Badge: u.Badge, Area: area, Since: since, Last: u.at, Reader: u.Reader, Exercise: u.Exercise}
	if u.party != nil {
		p.Party = u.party.ID
		p.Allowed = w.port.MayEnter(u.party.ID, area)
	} else if a := w.port.Area(area); a != nil {
		p.Allowed = !a.Restricted
	}
	p.vague, p.from = u.Direction == "", u
}

// farApart tells when one card was let through two doors faster than anybody
// can get from one to the other. Doors without a position can't be judged.
func (w *Watch) farApart(u use, p *person) {
	if u.Badge == "" || u.Badge != p.Badge || p.from.point == nil || p.Reader == u.Reader {
		return
	}
	a, b := placeOf(p.from.point, p.from.area), placeOf(u.point, u.area)
	if a == nil || b == nil {
		return
	}
	metres, took := distance(*a, *b), u.at.Sub(p.Last)
	if metres <= w.o.TopSpeed*(took+w.o.ClockSlack).Seconds() {
		return
	}
	o := w.start(RuleImpossible, u)
	o.Subject = w.badgeSubject(u)
	o.Grade, o.Severity = finding.Likely, finding.Warning
	o.Title = fmt.Sprintf("Badge of %s used at two doors %.1f km apart within %s", w.holder(u), metres/1000, spell(took))
	o.Summary = "Nobody gets from one door to the other in that time: the card was copied or lent, or the clock of a reader is wrong."
	o.Facts = append([]finding.Fact{w.fact(p.from)}, o.Facts...)
	o.Links = append(o.Links, w.readerSubject(p.Reader))
	o.RuledOut = []string{fmt.Sprintf("Readers whose clocks differ by up to %s", spell(w.o.ClockSlack))}
	o.Unknown = []string{"Whether the clocks of both readers are right", "Which of the two is the holder"}
	o.Next = []string{"Call " + w.holder(u), "Look at the cameras of both doors", "Block the card until it is clear"}
	w.emit(o)
}

// distance is in metres on a sphere; within a port the error is below 0.5 %.
func distance(a, b port.Point) float64 {
	const radius, rad = 6_371_000, math.Pi / 180
	dLat, dLon := (b.Lat()-a.Lat())*rad, (b.Lon()-a.Lon())*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Lat()*rad)*math.Cos(b.Lat()*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * radius * math.Asin(math.Min(1, math.Sqrt(h)))
}

// forget drops people who were not heard of for long, and the longest unused
// where there are more than can be.
func (w *Watch) forget() {
	maps.DeleteFunc(w.people, func(_ key, p *person) bool { return w.asOf.Sub(p.Last) > w.o.Forget })
	over := len(w.people) - maxPeople
	if over <= 0 {
		return
	}
	keys := sortedKeys(w.people)
	slices.SortStableFunc(keys, func(a, b key) int { return w.people[a].Last.Compare(w.people[b].Last) })
	for _, k := range keys[:over] {
		delete(w.people, k)
	}
}

// doubt says why a presence may be wrong, "" where nothing speaks against it.
func (w *Watch) doubt(p *person) string {
	var why []string
	if stay := w.asOf.Sub(p.Since); stay > w.o.LongStay {
		why = append(why, fmt.Sprintf("entered %d h ago", int(stay.Hours())))
	}
	if a := w.port.Area(p.Area); a != nil && !w.hasExit(a) {
		why = append(why, "no exit reader")
	}
	if p.vague {
		why = append(why, "the reader tells no direction")
	}
	return strings.Join(why, "; ")
}

// hasExit reports whether leaving the area can be seen: an exit was read there,
// or each of its access points has a reader for each way.
func (w *Watch) hasExit(a *port.Area) bool {
	if s := w.areas[a.ID]; s != nil && s.outs > 0 {
		return true
	}
	for i := range a.AccessPoints {
		if len(a.AccessPoints[i].Readers) < 2 {
			return false
		}
	}
	return len(a.AccessPoints) > 0
}

// Picture is the people on site as of the newest time applied.
func (w *Watch) Picture() Picture {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := Picture{AsOf: w.asOf, Presence: []Presence{}, Readers: []ReaderState{}, Areas: []AreaCount{}}
	counts := map[string]*AreaCount{}
	for i := range w.port.Areas {
		id := w.port.Areas[i].ID
		s := w.areas[id]
		counts[id] = &AreaCount{Area: id, Known: s != nil && s.heard}
	}
	for _, p := range w.people {
		if p.Area == "" {
			continue // outside
		}
		shown := p.Presence
		shown.Doubt = w.doubt(p)
		out.Presence = append(out.Presence, shown)
		if c := counts[p.Area]; c != nil && p.Exercise == "" {
			count(c, shown)
		}
	}
	for k, d := range w.readers {
		if k.exercise == "" {
			out.Readers = append(out.Readers, d.state)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		out.Areas = append(out.Areas, *counts[id])
	}
	slices.SortFunc(out.Presence, func(a, b Presence) int {
		return cmp.Or(cmp.Compare(a.Area, b.Area), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Badge, b.Badge),
			cmp.Compare(a.Party, b.Party), cmp.Compare(a.Exercise, b.Exercise))
	})
	slices.SortFunc(out.Readers, func(a, b ReaderState) int { return cmp.Compare(a.Reader, b.Reader) })
	return out
}

func count(c *AreaCount, p Presence) {
	c.Inside++
	if p.Doubt != "" {
		c.Doubtful++
	}
	if !p.Allowed {
		c.NotAllowed++
	}
}

func sortedKeys[V any](m map[key]V) []key {
	keys := slices.Collect(maps.Keys(m))
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.exercise, b.exercise), cmp.Compare(a.id, b.id))
	})
	return keys
}

// span is the time from the first to the last of refusals in words.
func span(all []refusal) string { return spell(all[len(all)-1].at.Sub(all[0].at)) }

// spell writes a duration in whole seconds, minutes or hours.
func spell(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}

package vessel

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// upsetKind is what happened to a vessel that may happen to its neighbours too.
type upsetKind uint8

const (
	displaced upsetKind = iota // its position jumped
	deprived                   // its receiver has no fix any more
	rechosen                   // it changed its kind of position fixing device
)

// How many were displaced.
const (
	movedAlike = "alike"
	toOnePoint = "to one point"
)

// maxUpsets is how many of the newest are kept: as many vessels can be upset in
// one area event and be told in it. 96 bytes each.
const maxUpsets = 512

// upset is one vessel's trouble.
type upset struct {
	mmsi       uint32
	kind       upsetKind
	shift      float64 // seconds of wrong time that would explain the displacement, which lies along its own course; NaN where none would
	at         int64
	lat, lon   float64 // where it was
	tlat, tlon float64 // where it was put; NaN where it was put nowhere
	thin       bool    // fewer fixes were heard of it before than make a habit
	head       event.Head
}

// area is an open finding about many vessels.
type area struct {
	exercise string
	kind     upsetKind
	id, name string
	at, told int64
	first    int64
	grade    finding.Grade
	members  []upset // one a vessel, by MMSI
	where    string  // "alike" or "to one point", of displaced ones
}

// disturb notes that a vessel was upset and looks for others.
func (w *Watch) disturb(s *ship, kind upsetKind, from *hull, r *event.VesselReport, at int64) {
	if w.clock != nil && w.clock.bulk() && s.steady < steadyRow || !s.movable() {
		return // its times mean nothing, so neither does "together"
	}
	u := upset{mmsi: s.mmsi, kind: kind, at: at, lat: from.lat, lon: from.lon, tlat: r.Lat, tlon: r.Lon, shift: math.NaN(),
		thin: kind == deprived && int(s.fix.sound) < w.lim.FixSound}
	u.head, _ = own(&r.Head, nil)
	if dt := seconds(at - from.at); kind == displaced && dt < reckonMost && usable(from.sog, from.cog) {
		// Where it should be by now: what it sailed since is not displacement.
		e, n := velocity(from.sog, from.cog)
		u.lat += n * dt / earthRadius / degree
		u.lon += e * dt / earthRadius / degree / math.Cos(from.lat*degree)
	}
	if kind == displaced && from.sog > 3 && from.cog == from.cog {
		off := math.Mod(bearing(u.lat, u.lon, u.tlat, u.tlon)-float64(from.cog)+720, 360)
		way := distance(u.lat, u.lon, u.tlat, u.tlon) / (float64(from.sog) * knot)
		switch {
		case min(off, 360-off) < 15:
			u.shift = way
		case math.Abs(off-180) < 15:
			u.shift = -way
		}
	}
	if len(w.upsets) < maxUpsets {
		w.upsets = append(w.upsets, u)
	} else {
		w.upsets[w.nupset%maxUpsets] = u
	}
	w.nupset++
	w.gather(s, &u)
}

// bearing is the direction from one place to a near one, degrees.
func bearing(lat1, lon1, lat2, lon2 float64) float64 {
	return math.Mod(math.Atan2((lon2-lon1)*math.Cos(lat1*degree), lat2-lat1)/degree+360, 360)
}

// gather looks whether enough vessels were upset alike, near u and within
// minutes of it, and opens or extends the finding about the area.
func (w *Watch) gather(s *ship, u *upset) {
	for _, a := range w.areas {
		if a.kind == u.kind && a.exercise == s.exercise && a.takes(u, &w.lim) {
			w.join(a, u)
			return
		}
	}
	alike, onePoint := w.alike(s, u, false), w.alike(s, u, true)
	group, where := alike, movedAlike
	if len(onePoint) > len(alike) || len(onePoint) == len(alike) && apart(onePoint) {
		group, where = onePoint, toOnePoint
	}
	if len(group) < w.lim.AreaVessels || !w.areaWide(u, group, where) {
		return
	}
	a := &area{exercise: s.exercise, kind: u.kind, where: where, first: u.at}
	var lat, lon float64
	for i := range group {
		lat, lon = lat+group[i].lat/float64(len(group)), lon+group[i].lon/float64(len(group))
		a.first = min(a.first, group[i].at)
	}
	// The name of the area is its place on a grid of half a degree, so that
	// trouble that comes back folds into one finding.
	a.id = fmt.Sprintf("sea:%.1f,%.1f:%s", math.Round(lat*2)/2, math.Round(lon*2)/2, [...]string{"displaced", "fixes", "device"}[u.kind])
	a.name = "around " + place(lat, lon)
	w.areas = append(w.areas, a)
	for i := range group {
		w.enter(a, &group[i])
	}
	w.tellArea(a, u.at)
}

// apart reports whether vessels that are at one point now were not near each other.
func apart(group []upset) bool {
	return slices.ContainsFunc(group, func(v upset) bool { return distance(group[0].lat, group[0].lon, v.lat, v.lon) > 1000 })
}

// alike gives the newest upset of each vessel that is like u, by MMSI.
func (w *Watch) alike(s *ship, u *upset, onePoint bool) []upset {
	var out []upset
	for i := range w.upsets {
		v := &w.upsets[i]
		o := w.ships[v.mmsi]
		if v.kind != u.kind || o == nil || o.exercise != s.exercise || seconds(u.at-v.at) > w.lim.AreaTime.Seconds() || !similar(u, v, onePoint, &w.lim) {
			continue
		}
		if j := slices.IndexFunc(out, func(x upset) bool { return x.mmsi == v.mmsi }); j < 0 {
			out = append(out, *v)
		} else if v.at >= out[j].at {
			out[j] = *v
		}
	}
	slices.SortFunc(out, func(a, b upset) int { return cmp.Compare(a.mmsi, b.mmsi) })
	return out
}

// similar reports whether two vessels were upset in the same way.
func similar(u, v *upset, onePoint bool, lim *Limits) bool {
	if u.mmsi == v.mmsi {
		return true
	}
	if distance(u.lat, u.lon, v.lat, v.lon) > lim.AreaRadius {
		return false
	}
	if u.kind != displaced {
		return true
	}
	way := distance(u.lat, u.lon, u.tlat, u.tlon)
	if onePoint {
		return distance(u.tlat, u.tlon, v.tlat, v.tlon) < 500
	}
	k := math.Cos(u.lat * degree)
	de := ((u.tlon - u.lon) - (v.tlon - v.lon)) * k
	dn := (u.tlat - u.lat) - (v.tlat - v.lat)
	return math.Hypot(de, dn)*degree*earthRadius < max(0.2*way, 300)
}

// takes reports whether an upset belongs to an open area.
func (a *area) takes(u *upset, lim *Limits) bool {
	return slices.ContainsFunc(a.members, func(v upset) bool {
		return similar(u, &v, false, lim) || u.kind == displaced && similar(u, &v, true, lim)
	})
}

// areaWide excludes the innocent: a wrong clock of the receiver moves every
// vessel along its own course, and single failures among many vessels are no
// area's trouble.
func (w *Watch) areaWide(u *upset, group []upset, where string) bool {
	if u.kind == displaced {
		return where == toOnePoint || !oneShift(group)
	}
	sound, thin := 0, 0
	for _, v := range group {
		if v.thin {
			thin++
		}
	}
	if len(group)-thin < w.lim.AreaVessels-1 {
		return false // a vessel of which a fix or two were heard can bear out others, and no more
	}
	for _, s := range w.ships {
		if len(s.hulls) == 0 || !s.movable() {
			continue
		}
		h := &s.hulls[s.cur]
		if u.at-h.at < int64(w.lim.AreaTime) && distance(u.lat, u.lon, h.lat, h.lon) < w.lim.AreaRadius &&
			!slices.ContainsFunc(group, func(v upset) bool { return v.mmsi == s.mmsi }) {
			sound++
		}
	}
	return float64(len(group)) >= w.lim.AreaShare*float64(len(group)+sound)
}

// oneShift reports whether one wrong time would explain what happened to all: it
// moves each vessel along its own course, as far as it sails in that time.
func oneShift(group []upset) bool {
	least, most := math.Inf(1), math.Inf(-1)
	for _, u := range group {
		if math.IsNaN(u.shift) {
			return false
		}
		least, most = min(least, u.shift), max(most, u.shift)
	}
	return least > 0 == (most > 0) && most-least <= max(0.3*max(most, -least), 60)
}

// enter makes a vessel a member. What is told of the vessel alone ends: the
// area's finding explains it, and one cause is one alarm.
func (w *Watch) enter(a *area, u *upset) {
	a.at = max(a.at, u.at)
	i, have := slices.BinarySearchFunc(a.members, u.mmsi, func(v upset, m uint32) int { return cmp.Compare(v.mmsi, m) })
	if have {
		return
	}
	a.members = slices.Insert(a.members, i, *u)
	s := w.ships[u.mmsi]
	if s == nil {
		return
	}
	s.area = a
	const why = "It is one of many vessels in one area: see the finding about the area."
	if a.kind == displaced {
		w.clear(s, &s.jump, ruleMovement, why)
		w.drop(s, contradictory, why)
	} else {
		w.drop(s, fixLost, why)
	}
}

func (w *Watch) join(a *area, u *upset) {
	n := len(a.members)
	if w.enter(a, u); len(a.members) > n || u.at-a.told >= againAfter {
		w.tellArea(a, u.at)
	}
}

// occurrence begins one about the area.
func (a *area) occurrence() finding.Occurrence {
	return finding.Occurrence{Rule: rules[interference].id, Subject: finding.Subject{Kind: "area", ID: a.id, Name: a.name},
		Domains: []finding.Domain{finding.Sea}, Exercise: a.exercise}
}

// areaFacts and areaLinks bound what one finding carries.
const (
	areaFacts = 8
	areaLinks = 100
)

func (w *Watch) tellArea(a *area, at int64) {
	a.told = max(a.told, at)
	a.grade = max(a.grade, finding.Likely)
	if len(a.members) >= 2*w.lim.AreaVessels-1 {
		a.grade = finding.Confirmed
	}
	o := a.occurrence()
	o.Grade, o.Severity, o.Time = a.grade, severity(a.grade), time.Unix(0, at).UTC()
	n := len(a.members)
	switch a.kind {
	case displaced:
		o.Title = fmt.Sprintf("%d vessels %s were displaced %s within minutes", n, a.name, a.where)
		o.Summary = "Satellite navigation in the area seems to be falsified, or their reports are. No AIS position there can be relied on."
		o.RuledOut = []string{"a wrong clock of a receiver: it would move vessels along their own courses only", "damaged sentences: the checksums are right",
			"trouble of one vessel: several were moved in the same way"}
	case deprived:
		o.Title = fmt.Sprintf("%d vessels %s lost their position fixes within minutes", n, a.name)
		o.Summary = "Satellite navigation in the area seems to be jammed: the vessels are heard and tell no position, or one of dead reckoning."
		o.RuledOut = []string{"loss of a receiver: the vessels are still heard", "a fault on one vessel: several lost their fixes together, each sound before"}
	default:
		o.Title = fmt.Sprintf("%d vessels %s changed their position fixing device within minutes", n, a.name)
		o.Summary = "Their receivers went over to another system together, as they do when one is disturbed."
		o.RuledOut = []string{"a change by one crew: several changed together"}
	}
	var origins [][2]float64
	var lat, lon float64
	for i := range a.members {
		u := &a.members[i]
		origins = append(origins, [2]float64{u.lon, u.lat})
		lat, lon = lat+u.lat/float64(n), lon+u.lon/float64(n)
		if i < areaLinks {
			link := finding.Subject{Kind: "vessel", ID: "mmsi:" + fmt.Sprint(u.mmsi)}
			if s := w.ships[u.mmsi]; s != nil {
				link.Name = s.name
			}
			o.Links = append(o.Links, link)
		}
		if i < areaFacts {
			o.Facts = append(o.Facts, fact(u.head, u.words()))
		}
	}
	o.Unknown = []string{"where the transmitter is; the outline is where the affected vessels were last known to be"}
	o.Next = []string{"Warn traffic in the area to navigate by radar and sight.", "Compare with radar which vessels are where.", "Tell the coast guard and the authority for radio spectrum."}
	o.Place = &finding.Place{Lat: lat, Lon: lon, Outline: outlineOf(origins, 1852)}
	w.emit(o)
}

func (u *upset) words() string {
	switch u.kind {
	case displaced:
		return fmt.Sprintf("MMSI %s was at %s and was reported %.1f nm away at %s.", digits(u.mmsi), place(u.lat, u.lon),
			distance(u.lat, u.lon, u.tlat, u.tlon)/1852, place(u.tlat, u.tlon))
	case deprived:
		return fmt.Sprintf("MMSI %s tells no fix; it was last at %s.", digits(u.mmsi), place(u.lat, u.lon))
	}
	return fmt.Sprintf("MMSI %s tells another kind of position fixing device, at %s.", digits(u.mmsi), place(u.lat, u.lon))
}

// endAreas closes the findings of areas where nothing happens any more.
func (w *Watch) endAreas(at int64) {
	w.areas = slices.DeleteFunc(w.areas, func(a *area) bool {
		if at-a.at <= int64(w.lim.AreaEnds) {
			return false
		}
		for _, u := range a.members {
			if s := w.ships[u.mmsi]; s != nil && s.area == a {
				s.area = nil
			}
		}
		o := a.occurrence()
		o.Grade, o.Severity, o.Time, o.Cleared = a.grade, severity(a.grade), time.Unix(0, max(a.told, min(w.asOf, at))).UTC(), true
		o.Title, o.Summary = "Positions "+a.name+": the condition has ended", rules[interference].ends
		w.emit(o)
		return true
	})
}

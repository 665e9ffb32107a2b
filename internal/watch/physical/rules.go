package physical

import (
	"fmt"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Rules of this watch.
const (
	RuleRefused       = "physical.refused"
	RuleRevoked       = "physical.revoked-badge"
	RuleOffArea       = "physical.off-area"
	RuleForced        = "physical.forced-door"
	RuleHeld          = "physical.held-door"
	RuleUnknownBadge  = "physical.unknown-badge"
	RuleUnknownReader = "physical.unknown-reader"
	RuleImpossible    = "physical.impossible-presence"
)

// judge asks each rule about a use.
func (w *Watch) judge(u use, d *door) {
	if u.point == nil && !d.unknown {
		d.unknown = true
		w.tellUnknownReader(u)
	}
	switch u.Result {
	case event.AccessForced:
		w.tellForced(u)
		return
	case event.AccessHeld:
		if u.at.After(d.held) {
			d.held = u.at
		}
		w.tellHeld(u)
		return
	case event.AccessGranted:
		if !d.held.IsZero() && u.at.After(d.held) { // a badge is only asked for at a closed door
			d.held = time.Time{}
			w.clear(RuleHeld, w.readerSubject(u.Reader), u.Exercise, u.at)
		}
	}
	revoked, expired := cardDead(u)
	switch {
	case revoked || expired:
		w.tellDeadCard(u, revoked)
	case u.Badge != "" && u.party == nil && w.badges:
		w.tellUnknownBadge(u)
	case u.Result == event.AccessGranted && u.party != nil && u.area != nil && !w.port.MayEnter(u.party.ID, u.area.ID):
		w.tellOffArea(u)
	}
	if u.Result == event.AccessRefused {
		w.refusedAt(u, d, revoked || expired)
	}
}

// cardDead reports whether the card was revoked or has expired at the time of
// use. A card whose end is a date is good to the end of that day, UTC.
func cardDead(u use) (revoked, expired bool) {
	if u.card == nil {
		return false, false
	}
	end := u.card.Expires
	if !end.IsZero() && end.Equal(end.Truncate(24*time.Hour)) {
		end = end.Add(24 * time.Hour)
	}
	return u.card.Revoked, !end.IsZero() && !u.at.Before(end)
}

func (w *Watch) tellDeadCard(u use, revoked bool) {
	o := w.start(RuleRevoked, u)
	o.Subject = w.badgeSubject(u)
	state, fix := "expired", "renew the card, or ask for it back"
	if revoked {
		state, fix = "revoked", "ask for the card back"
	}
	if u.Result == event.AccessGranted {
		o.Grade, o.Severity = finding.Confirmed, finding.Alarm
		o.Title = fmt.Sprintf("%s badge of %s opened %s", sentence(state), w.holder(u), w.doorName(u))
		o.Summary = fmt.Sprintf("The port file has this badge as %s, and the access system let it in. The two registers differ, or the access system has not taken over the change.", state)
		o.Next = append(w.look(u), "Find the bearer and check identity", "Block the card in the access system", sentence(fix))
	} else {
		o.Grade, o.Severity = finding.Likely, finding.Warning
		if !revoked {
			o.Severity = finding.Advice
		}
		o.Title = fmt.Sprintf("%s badge of %s tried at %s and refused", sentence(state), w.holder(u), w.doorName(u))
		o.Summary = "The door did its work. Somebody still carries the card."
		o.Next = []string{"Call " + w.holder(u) + " or the employer", sentence(fix)}
	}
	o.Unknown = []string{"Whether the bearer is the person the card was given to"}
	w.emit(o)
}

func (w *Watch) tellUnknownBadge(u use) {
	o := w.start(RuleUnknownBadge, u)
	o.Subject = w.badgeSubject(u)
	if u.Result == event.AccessGranted {
		o.Grade, o.Severity = finding.Likely, finding.Warning
		o.Title = fmt.Sprintf("Badge %s, which nobody here issued, opened %s", u.Badge, w.doorName(u))
		o.Next = append(w.look(u), "Ask the badge office who holds it", "Add the badge to the port file, or block it")
	} else {
		o.Grade, o.Severity = finding.Suspected, finding.Advice
		o.Title = fmt.Sprintf("Unknown badge %s refused at %s", u.Badge, w.doorName(u))
		o.Next = []string{"Ask the badge office who holds it"}
	}
	o.Summary = "The badge is not in the port file."
	o.Unknown = []string{"Whether the port file is behind the badge office"}
	w.emit(o)
}

func (w *Watch) tellOffArea(u use) {
	o := w.start(RuleOffArea, u)
	o.Subject = w.badgeSubject(u)
	o.Grade, o.Severity = finding.Likely, finding.Warning
	if w.vital(u.area.ID) {
		o.Severity = finding.Alarm
	}
	verb := "let into"
	if u.Direction == "out" {
		verb = "seen leaving"
	}
	o.Title = fmt.Sprintf("%s %s %s without a right to enter it", w.holder(u), verb, u.area.Name)
	o.Summary = fmt.Sprintf("%s is restricted, and the port file gives the holder no right to it. The access system opened all the same: it is set up more widely than the port file declares, or a right is missing there.", u.area.Name)
	o.RuledOut = []string{"The badge is known, valid and not expired"}
	o.Unknown = []string{"Whether the person is escorted", "Whether the right was given and not written into the port file"}
	o.Next = append(w.look(u), "Ask the duty officer of the area whether the visit is expected", "Take the right away in the access system, or declare it in the port file")
	w.emit(o)
}

func (w *Watch) tellForced(u use) {
	o := w.start(RuleForced, u)
	o.Subject = w.readerSubject(u.Reader)
	o.Grade, o.Severity = finding.Likely, finding.Warning
	if u.area != nil && u.area.Restricted {
		o.Severity = finding.Alarm
	}
	o.Title = sentence(w.doorName(u)) + " opened without a badge"
	o.Summary = "The door contact opened and no badge was read. A faulty contact or exit button looks the same."
	o.Unknown = []string{"Whether the door contact or the exit button is faulty", "Who went through: no badge was read, so the count of people inside is not changed"}
	o.Next = append(w.look(u), "Send a guard to the door", "Count the people in the area")
	w.emit(o)
}

func (w *Watch) tellHeld(u use) {
	o := w.start(RuleHeld, u)
	o.Subject = w.readerSubject(u.Reader)
	o.Grade, o.Severity = finding.Confirmed, finding.Advice
	if u.area != nil && u.area.Restricted {
		o.Severity = finding.Warning
	}
	o.Title = sentence(w.doorName(u)) + " stands open too long"
	o.Summary = "While it is open, people can go in without a badge and are not counted."
	o.Unknown = []string{"Who went through while it stood open"}
	o.Next = append(w.look(u), "Have the door closed", "Count the people in the area")
	w.emit(o)
}

func (w *Watch) tellUnknownReader(u use) {
	o := w.start(RuleUnknownReader, u)
	o.Subject = finding.Subject{Kind: "reader", ID: u.Reader, Name: u.Reader}
	o.Grade, o.Severity = finding.Confirmed, finding.Advice
	o.Title = fmt.Sprintf("Reader %s is not at any access point of the port file", u.Reader)
	o.Summary = "Its events are counted and shown, but they can't be placed: rights and presence are not judged for it."
	o.Next = []string{"Add the reader to its access point in the port file"}
	w.emit(o)
}

// refusedAt counts refusals at one reader. One is everyday; many in a short
// time, or many cards at one door, is somebody trying.
func (w *Watch) refusedAt(u use, d *door, told bool) {
	fact := w.fact(u)
	d.refusals = append(d.refusals, refusal{u.at, u.Badge, fact})
	slices.SortStableFunc(d.refusals, func(a, b refusal) int { return a.at.Compare(b.at) })
	newest := d.refusals[len(d.refusals)-1].at
	d.refusals = slices.DeleteFunc(d.refusals, func(r refusal) bool { return newest.Sub(r.at) > w.o.RefusedWindow })
	if over := len(d.refusals) - maxRefusals; over > 0 {
		d.refusals = slices.Delete(d.refusals, 0, over)
	}
	count, cards := len(d.refusals), d.cards()
	if told && count < w.o.RefusedMany {
		return // its own rule has said so
	}
	o := w.start(RuleRefused, u)
	o.Subject = w.readerSubject(u.Reader)
	o.Grade, o.Severity = finding.Suspected, finding.Advice
	o.Title = fmt.Sprintf("Badge refused at %s", w.doorName(u))
	o.Summary = "One refusal is usually a mistake: a wrong door, a card of yesterday."
	if count >= w.o.RefusedMany {
		o.Grade, o.Severity = finding.Likely, finding.Warning
		o.Title = fmt.Sprintf("%d refusals in %s at %s", count, span(d.refusals), w.doorName(u))
		o.Summary = "The same door was tried again and again."
		if cards >= w.o.RefusedMany {
			o.Grade = finding.Confirmed
			o.Summary = fmt.Sprintf("%d different cards were tried at the same door.", cards)
		}
		o.Next = append(w.look(u), "Send a guard to the door")
	}
	o.Facts = o.Facts[:0]
	for _, r := range d.refusals {
		o.Facts = append(o.Facts, r.fact)
	}
	o.Unknown = []string{"Whether the bearer is the person the card was given to"}
	if u.at.After(d.refused) {
		d.refused = u.at
	}
	w.emit(o)
}

func (d *door) cards() int {
	seen := map[string]bool{}
	for _, r := range d.refusals {
		if r.badge != "" {
			seen[r.badge] = true
		}
	}
	return len(seen)
}

// Advance moves the time of the picture to now, without input, and ends what
// has been quiet for long enough.
func (w *Watch) Advance(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.After(w.asOf) {
		w.asOf = now
	}
	for _, k := range sortedKeys(w.readers) {
		d := w.readers[k]
		if !d.refused.IsZero() && w.asOf.Sub(d.refused) > w.o.RefusedQuiet {
			at := d.refused.Add(w.o.RefusedQuiet)
			d.refused, d.refusals = time.Time{}, nil
			w.clear(RuleRefused, w.readerSubject(k.id), k.exercise, at)
		}
	}
	w.forget()
}

func (w *Watch) clear(rule string, s finding.Subject, exercise string, at time.Time) {
	w.emit(finding.Occurrence{Rule: rule, Subject: s, Domains: []finding.Domain{finding.Physical}, Time: at, Exercise: exercise, Cleared: true})
}

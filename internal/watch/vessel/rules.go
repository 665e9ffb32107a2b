package vessel

import (
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// ruleNo numbers the rules in rules.
type ruleNo uint8

const (
	contradictory ruleNo = iota
	circling
	fixLost
	identityFlip
	dimensions
	falseBase
	falseAid
	safetyMessages
	beacon
	drifting
	suddenStop
	silent
	outOfRange
	onLand
	sensorDisagrees
	unseen
	interference // of an area, not of a vessel
	ruleCount
)

// rule is what the bookkeeping needs to know of one.
type rule struct {
	id    string
	lasts time.Duration // it ends when it has not held for so long
	ends  string        // why, for people
}

var rules = [ruleCount]rule{
	contradictory:   {"vessel.contradictory-movement", 30 * time.Minute, "The position has agreed with the vessel's own speed and course for half an hour."},
	circling:        {"vessel.circling", 30 * time.Minute, "No ring has been seen for half an hour."},
	fixLost:         {"vessel.fix-lost", time.Hour, "It has not told of a lost fix for an hour."},
	identityFlip:    {"vessel.identity-flip", 24 * time.Hour, "The identity has not changed for 24 hours."},
	dimensions:      {"vessel.dimensions-changed", 24 * time.Hour, "The dimensions have not changed for 24 hours."},
	falseBase:       {"vessel.false-base-station", time.Hour, "It has not been heard so for an hour."},
	falseAid:        {"vessel.false-aid", time.Hour, "It has not been heard so for an hour."},
	safetyMessages:  {"vessel.safety-messages", time.Hour, "No more such messages for an hour."},
	beacon:          {"vessel.distress-beacon", time.Hour, "The beacon has not been heard for an hour. That is no proof that nobody is in distress."},
	drifting:        {"vessel.drifting", 30 * time.Minute, "It has not drifted for half an hour."},
	suddenStop:      {"vessel.sudden-stop", time.Hour, "An hour has gone since."},
	silent:          {"vessel.silent", 12 * time.Hour, "Twelve hours have gone since; it is not expected any more."},
	outOfRange:      {"vessel.out-of-range", time.Hour, "It has not been heard from there for an hour."},
	onLand:          {"vessel.on-land", time.Hour, "It has not been reported on land for an hour."},
	sensorDisagrees: {"vessel.sensor-disagrees", 30 * time.Minute, "Nothing has disagreed for half an hour."},
	unseen:          {"vessel.not-seen", 30 * time.Minute, "It has not been missed for half an hour."},
	interference:    {"vessel.gnss-interference", 15 * time.Minute, "No further vessel was upset for a quarter of an hour."},
}

// Rules lists the ids of all rules that a Watch can tell, sorted. The manual has
// a row for each.
func Rules() []string {
	out := []string{ruleMovement, ruleIdentity, ruleHulls, ruleDark}
	for _, r := range rules {
		out = append(out, r.id)
	}
	slices.Sort(out)
	return out
}

// againHeld is after how long a rule that goes on holding is told again.
const againHeld = int64(10 * time.Minute)

// held is a rule that holds for a vessel.
type held struct {
	condition
	rule ruleNo
}

func (s *ship) holding(n ruleNo) *held {
	for i := range s.held {
		if s.held[i].rule == n {
			return &s.held[i]
		}
	}
	return nil
}

// hold notes that the rule holds for the vessel at a time. It gives the
// beginning of what is to be told, and whether it is to be told: when it is new,
// surer, or as certain as before after againHeld.
func (w *Watch) hold(s *ship, n ruleNo, g finding.Grade, at int64) (finding.Occurrence, bool) {
	h := s.holding(n)
	if h == nil {
		s.held = append(s.held, held{rule: n, condition: condition{present: true}})
		h = &s.held[len(s.held)-1]
		w.mark(s)
	}
	h.at = max(h.at, at)
	if g <= h.grade && at-h.told < againHeld {
		return finding.Occurrence{}, false
	}
	h.grade, h.told = max(h.grade, g), max(h.told, at)
	return s.occurrence(rules[n].id, h.grade, at), true
}

// drop tells that a rule holds no longer; it does nothing where it did not.
func (w *Watch) drop(s *ship, n ruleNo, why string) {
	for i := range s.held {
		if s.held[i].rule != n {
			continue
		}
		o := s.occurrence(rules[n].id, s.held[i].grade, max(s.held[i].told, min(w.asOf, max(s.last, s.held[i].at+int64(rules[n].lasts)))))
		o.Title, o.Summary, o.Cleared = s.title()+": the condition has ended", why, true
		s.held = slices.Delete(s.held, i, i+1)
		w.mark(s)
		w.emit(o)
		return
	}
}

// lapse drops what has not held for as long as its rule says.
func (w *Watch) lapse(s *ship, at int64) {
	for i := len(s.held) - 1; i >= 0; i-- {
		if n := s.held[i].rule; at-s.held[i].at > int64(rules[n].lasts) {
			w.drop(s, n, rules[n].ends)
		}
	}
}

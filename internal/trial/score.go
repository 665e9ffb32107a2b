package trial

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// rules are those that may tell of a class: what an operator would take as the
// word for that attack. A finding of another rule about an attacked vessel is
// neither a hit nor a false alarm; it is listed.
var rules = map[Class][]string{
	Teleport:     {"vessel.impossible-movement", "vessel.two-hulls", "vessel.contradictory-movement"},
	DragOff:      {"vessel.contradictory-movement", "vessel.impossible-movement"},
	Circle:       {"vessel.circling", "vessel.contradictory-movement", "vessel.impossible-movement"},
	Shared:       {"vessel.two-hulls", "vessel.impossible-movement"},
	Flip:         {"vessel.identity-flip"},
	Silence:      {"vessel.silent"},
	Displacement: {"vessel.gnss-interference"},
	Jamming:      {"vessel.gnss-interference"},
	FalseAid:     {"vessel.false-aid"},
	FalseBase:    {"vessel.false-base-station"},
	FalseSART:    {"vessel.distress-beacon"},
}

// Outcome is what became of one attack.
type Outcome struct {
	Found   bool          // a rule of the class told it, at the grade asked for
	Rule    string        // that told it first
	Reports int           // false reports received up to then, 1 or more; of a silence: reports missed
	Delay   time.Duration // from Truth.Grown
	First   time.Duration // from Truth.Start
	Other   []string      // further rules that told something of the attacked, ascending
	False   []string      // what was told of others: "rule subject", ascending
}

// score holds what was told against the truth. It knows nothing of the watch but
// the names of rules and the form of subjects.
//
// A finding counts where its rule belongs to the class, its subject is attacked
// or it names an attacked vessel, its grade is at least least, and it was told
// when the first false report had come in or later. What was told of the same
// rule and subject before that, and had not ended, does not count: it would have
// been there without the attack.
func score(told []told, t *Truth, class Class, least finding.Grade) Outcome {
	var o Outcome
	present := map[string]bool{} // told before the attack and not ended
	for i := range told {
		x := &told[i]
		key := x.Rule + " " + x.Subject.ID
		ours := t.concerns(&x.Occurrence)
		switch {
		case x.Cleared:
			delete(present, key)
		case x.Grade < least:
		case !ours:
			o.False = append(o.False, key)
		case x.At.Before(t.Start):
			present[key] = true
		case present[key]:
		case slices.Contains(rules[class], x.Rule):
			if !o.Found {
				o.Found, o.Rule = true, x.Rule
				o.Reports = t.reportsUpTo(x.At)
				o.Delay, o.First = max(x.At.Sub(t.Grown), 0), x.At.Sub(t.Start)
			}
		default:
			o.Other = append(o.Other, x.Rule)
		}
	}
	o.False, o.Other = distinct(o.False), distinct(o.Other)
	return o
}

func distinct(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// concerns reports whether a finding is about something attacked: its subject,
// or one of the vessels that an area finding names.
func (t *Truth) concerns(o *finding.Occurrence) bool {
	if t.attacked(o.Subject) {
		return true
	}
	for _, l := range o.Links {
		if t.attacked(l) {
			return true
		}
	}
	return false
}

// attacked reads the MMSI of a subject such as "mmsi:227123456" or
// "mmsi:227123456/other-hull".
func (t *Truth) attacked(s finding.Subject) bool {
	_, number, ok := strings.Cut(s.ID, "mmsi:")
	if !ok {
		return false
	}
	number, _, _ = strings.Cut(number, "/")
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return false
	}
	_, found := slices.BinarySearch(t.Attacked, uint32(n))
	return found
}

// reportsUpTo counts the false reports received up to a moment, copies of one
// report once.
func (t *Truth) reportsUpTo(at time.Time) int {
	n := 0
	for _, r := range t.False {
		if !r.Copy && !r.Time.Truncate(time.Second).After(at) {
			n++
		}
	}
	return n
}

// falseAlarms are the findings of a recording that nobody attacked, each time
// that one begins: "rule subject" in the order of telling.
func falseAlarms(told []told, least finding.Grade) []string {
	present := map[string]bool{}
	var out []string
	for i := range told {
		x := &told[i]
		key := x.Rule + " " + x.Subject.ID
		switch {
		case x.Cleared:
			delete(present, key)
		case x.Grade >= least && !present[key]:
			present[key] = true
			out = append(out, key)
		}
	}
	return out
}

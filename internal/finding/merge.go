package finding

import (
	"cmp"
	"slices"
	"time"
)

// Change is what a merge did to a finding, for the log and the live screen.
type Change string

// Kinds of change.
const (
	Unchanged Change = ""           // nothing that a person would want to know
	Repeated  Change = "repeated"   // told again
	Raised    Change = "raised"     // new, or back after it was resolved or returned
	Regraded  Change = "regraded"   // grade or severity rose
	WentAway  Change = "returned"   // the condition is gone
	ActedUpon Change = "acted upon" // a person changed it, or a shelf ran out
)

// New starts a finding from its first occurrence.
func New(o Occurrence) Finding {
	f := Finding{ID: o.FindingID(), First: o.Time, State: Active}
	f.take(o)
	f.Facts = trimFacts(newFacts(nil, o.Facts))
	f.Since, f.Last, f.Count, f.Present = o.Time, o.Time, 1, true
	f.changed(o.Time)
	return f
}

// Merge folds an occurrence of the same rule, subject and exercise into f and
// tells what changed.
//
// Late occurrences extend First and are counted; they do not overwrite what a
// newer one said and do not bring back a condition that has gone since. The
// same observations told again change nothing but Last. (An occurrence without
// facts inside the known time can't be told from a repeat and is taken for
// one.) Grade and severity only rise while the condition is present (a watch
// that becomes less sure clears the condition), and a rise takes back an
// acknowledgement or a shelf that was given to something milder.
func (f *Finding) Merge(o Occurrence) Change {
	if o.Cleared {
		return f.clear(o)
	}
	if o.Time.Before(f.First) {
		if f.Since.Equal(f.First) {
			f.Since = o.Time // the first run is still the only one
		}
	} else if o.Time.Before(f.Since) {
		o.Grade, o.Severity = 0, 0 // of an earlier run: says nothing about this one
	}
	fresh := newFacts(f.Facts, o.Facts)
	newer := o.Time.After(f.told())
	worse := o.Grade > f.Grade || o.Severity > f.Severity
	if len(fresh) == 0 && !newer && !worse && (len(o.Facts) > 0 || !o.Time.Before(f.First)) {
		return Unchanged
	}
	if len(fresh) > 0 || len(o.Facts) == 0 {
		f.Count++
	}
	f.Facts = trimFacts(append(slices.Clone(f.Facts), fresh...))
	if o.Time.Before(f.First) {
		f.First = o.Time
	}
	// A source that counts in whole seconds may tell the end and the next
	// beginning in one: then something new to see decides for the alarm.
	if !f.Present && (newer || len(fresh) > 0 && o.Time.Equal(f.told())) {
		return f.comeBack(o)
	}
	return f.repeat(o, worse)
}

// told is the newest time that anything was said of the condition: that it
// holds, or that it has gone.
func (f *Finding) told() time.Time {
	if f.Gone.After(f.Last) {
		return f.Gone
	}
	return f.Last
}

// clear takes the word that the condition is gone. One that is older than the
// newest occurrence is late news and is not believed.
func (f *Finding) clear(o Occurrence) Change {
	if !f.Present || o.Time.Before(f.Last) {
		return Unchanged
	}
	f.Present, f.Gone = false, o.Time
	f.changed(o.Time)
	f.Facts = trimFacts(append(slices.Clone(f.Facts), newFacts(f.Facts, o.Facts)...))
	switch f.State {
	case Active:
		f.State = Returned
	case Acknowledged:
		f.State = Resolved
	}
	return WentAway
}

// comeBack takes the first occurrence after the condition had gone. It starts
// with its own grade and severity, not with the worst of an earlier time. A
// shelf holds unless it is worse than what was shelved.
func (f *Finding) comeBack(o Occurrence) Change {
	worse := o.Grade > f.Grade || o.Severity > f.Severity
	f.take(o)
	f.Present, f.Since, f.Last, f.Gone = true, o.Time, o.Time, time.Time{}
	f.changed(o.Time)
	if f.State != Shelved || worse {
		f.activate()
	}
	return Raised
}

// repeat takes an occurrence of a condition that is already known to hold, or a
// late one of a condition that has gone.
func (f *Finding) repeat(o Occurrence, worse bool) Change {
	grade, severity := max(f.Grade, o.Grade), max(f.Severity, o.Severity)
	if f.Present && !o.Time.Before(f.Last) {
		f.take(o)
		f.Last = o.Time
	}
	f.Grade, f.Severity = grade, severity
	if !worse {
		return Repeated
	}
	f.changed(o.Time)
	if f.Present && (f.State == Acknowledged || f.State == Shelved) {
		f.activate()
	}
	return Regraded
}

// activate asks for people's attention again.
func (f *Finding) activate() { f.State, f.ShelvedUntil = Active, time.Time{} }

// changed counts a change. ChangedAt moves forward, never back: late news is
// news of now.
func (f *Finding) changed(t time.Time) {
	f.Revision++
	if t.After(f.ChangedAt) {
		f.ChangedAt = t
	}
}

// take copies the description of the newest occurrence.
func (f *Finding) take(o Occurrence) {
	facts := f.Facts
	f.Occurrence = o
	f.Facts = facts
}

// same reports whether two facts are the same sentence about the same
// observation.
func same(a, b *Fact) bool {
	return a.Evidence.Raw.Offset == b.Evidence.Raw.Offset && a.Text == b.Text && a.Time.Equal(b.Time) &&
		a.Evidence.Source == b.Evidence.Source && a.Evidence.Raw.Input == b.Evidence.Raw.Input
}

// newFacts returns the facts of add that have does not hold, each once. It
// looks at the newest MaxFacts of an overlong add and its first two, which is
// all that could be kept.
func newFacts(have, add []Fact) []Fact {
	if len(add) > 4*MaxFacts {
		add = trimFacts(slices.Clone(add))
	}
	var out []Fact
	for i := range add {
		a := &add[i]
		known := func(b Fact) bool { return same(a, &b) }
		if !slices.ContainsFunc(have, known) && !slices.ContainsFunc(out, known) {
			out = append(out, *a)
		}
	}
	return out
}

// trimFacts orders facts by time, those of one moment by their text and place
// so that the order of arrival does not show, and keeps the first two and the
// newest. It works in place.
func trimFacts(all []Fact) []Fact {
	slices.SortStableFunc(all, func(a, b Fact) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Text, b.Text),
			cmp.Compare(a.Evidence.Source, b.Evidence.Source),
			cmp.Compare(a.Evidence.Raw.Input, b.Evidence.Raw.Input),
			cmp.Compare(a.Evidence.Raw.Offset, b.Evidence.Raw.Offset))
	})
	if over := len(all) - MaxFacts; over > 0 {
		all = slices.Delete(all, 2, 2+over)
	}
	return all
}

package finding_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

var start = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// at is an occurrence of one door, a number of seconds after start, with one fact.
func at(seconds int, g finding.Grade, s finding.Severity) finding.Occurrence {
	when := start.Add(time.Duration(seconds) * time.Second)
	return finding.Occurrence{
		Rule: "physical.door-held", Subject: finding.Subject{Kind: "reader", ID: "rd-1"}, Grade: g, Severity: s,
		Title: fmt.Sprint("open at ", seconds), Time: when,
		Facts: []finding.Fact{{Time: when, Text: fmt.Sprint("fact ", seconds), Evidence: finding.Evidence{Source: "door", Raw: event.Raw{Offset: int64(seconds)}}}},
	}
}

func cleared(seconds int) finding.Occurrence {
	o := at(seconds, 0, 0)
	o.Cleared, o.Facts = true, nil
	return o
}

const (
	likely, confirmed = finding.Likely, finding.Confirmed
	warning, alarm    = finding.Warning, finding.Alarm
)

// TestMerge walks one finding through what a watch may tell.
func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name    string
		state   finding.State // before; Active where empty
		told    []finding.Occurrence
		change  finding.Change // of the last
		want    finding.State
		present bool
		grade   finding.Grade
		count   int
	}{
		{"repeat", "", []finding.Occurrence{at(1, likely, warning)}, finding.Repeated, finding.Active, true, likely, 2},
		{"same observation", "", []finding.Occurrence{at(0, likely, warning)}, finding.Unchanged, finding.Active, true, likely, 1},
		{"same observation, now surer", "", []finding.Occurrence{at(0, confirmed, warning)}, finding.Regraded, finding.Active, true, confirmed, 1},
		{"milder while it lasts", "", []finding.Occurrence{at(1, finding.Suspected, warning)}, finding.Repeated, finding.Active, true, likely, 2},
		{"late", "", []finding.Occurrence{at(-5, likely, warning)}, finding.Repeated, finding.Active, true, likely, 2},
		{"late and worse", "", []finding.Occurrence{at(-5, confirmed, warning)}, finding.Regraded, finding.Active, true, confirmed, 2},
		{"gone", "", []finding.Occurrence{cleared(1)}, finding.WentAway, finding.Returned, false, likely, 1},
		{"gone twice", "", []finding.Occurrence{cleared(1), cleared(2)}, finding.Unchanged, finding.Returned, false, likely, 1},
		{"late word that it is gone", "", []finding.Occurrence{at(9, likely, warning), cleared(5)}, finding.Unchanged, finding.Active, true, likely, 2},
		{"gone after it was acknowledged", finding.Acknowledged, []finding.Occurrence{cleared(1)}, finding.WentAway, finding.Resolved, false, likely, 1},
		{"gone while shelved", finding.Shelved, []finding.Occurrence{cleared(1)}, finding.WentAway, finding.Shelved, false, likely, 1},
		{"back", "", []finding.Occurrence{cleared(1), at(2, finding.Suspected, warning)}, finding.Raised, finding.Active, true, finding.Suspected, 2},
		{"back in the second in which it went", "", []finding.Occurrence{cleared(1), at(1, likely, warning)}, finding.Raised, finding.Active, true, likely, 2},
		{"back while shelved", finding.Shelved, []finding.Occurrence{cleared(1), at(2, likely, warning)}, finding.Raised, finding.Shelved, true, likely, 2},
		{"back and worse while shelved", finding.Shelved, []finding.Occurrence{cleared(1), at(2, likely, alarm)}, finding.Raised, finding.Active, true, likely, 2},
		{"late after it went", "", []finding.Occurrence{cleared(5), at(2, likely, warning)}, finding.Repeated, finding.Returned, false, likely, 2},
		{"late from an earlier run, worse than this one", "", []finding.Occurrence{cleared(5), at(9, finding.Suspected, warning), at(3, confirmed, alarm)}, finding.Repeated, finding.Active, true, finding.Suspected, 3},
		{"worse after it was acknowledged", finding.Acknowledged, []finding.Occurrence{at(1, likely, alarm)}, finding.Regraded, finding.Active, true, likely, 2},
		{"worse than what was shelved", finding.Shelved, []finding.Occurrence{at(1, confirmed, warning)}, finding.Regraded, finding.Active, true, confirmed, 2},
		{"repeat of what was acknowledged", finding.Acknowledged, []finding.Occurrence{at(1, likely, warning)}, finding.Repeated, finding.Acknowledged, true, likely, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := finding.New(at(0, likely, warning))
			if c.state != "" {
				f.State = c.state
			}
			var change finding.Change
			for _, o := range c.told {
				change = f.Merge(o)
			}
			if change != c.change || f.State != c.want || f.Present != c.present || f.Grade != c.grade || f.Count != c.count {
				t.Errorf("%q: %s, present %t, %s, count %d; want %q: %s, present %t, %s, count %d",
					change, f.State, f.Present, f.Grade, f.Count, c.change, c.want, c.present, c.grade, c.count)
			}
			if f.Present != f.Gone.IsZero() {
				t.Errorf("present %t, and gone at %v", f.Present, f.Gone)
			}
		})
	}
}

// history draws occurrences and clearings of one subject at distinct seconds.
func history(t *rapid.T) []finding.Occurrence {
	seconds := rapid.SliceOfNDistinct(rapid.IntRange(0, 500), 1, 20, rapid.ID[int]).Draw(t, "seconds")
	var out []finding.Occurrence
	for _, s := range seconds {
		if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
			out = append(out, cleared(s))
			continue
		}
		out = append(out, at(s, finding.Grade(rapid.IntRange(1, 3).Draw(t, "grade")), finding.Severity(rapid.IntRange(1, 3).Draw(t, "severity"))))
	}
	return out
}

// TestMergeInvariants holds for every history, in order or not, with repeats.
func TestMergeInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		told := history(t)
		f := finding.New(at(250, finding.Suspected, finding.Advice))
		for _, o := range told {
			before := f
			change := f.Merge(o)
			bumped := change == finding.Raised || change == finding.Regraded || change == finding.WentAway
			if (f.Revision != before.Revision) != bumped || f.Revision < before.Revision {
				t.Fatalf("%q took revision %d to %d", change, before.Revision, f.Revision)
			}
			if f.First.After(f.Last) || f.Since.Before(f.First) || f.ChangedAt.Before(before.ChangedAt) || f.Present != f.Gone.IsZero() {
				t.Fatalf("first %v, since %v, last %v, gone %v, present %t", f.First, f.Since, f.Last, f.Gone, f.Present)
			}
			if f.Present == (f.State == finding.Returned || f.State == finding.Resolved) {
				t.Fatalf("present %t in state %s", f.Present, f.State)
			}
			if !o.Cleared {
				again := f
				if change := again.Merge(o); change != finding.Unchanged || !cmp.Equal(again, f) {
					t.Fatalf("the same told twice: %q\n%s", change, cmp.Diff(f, again))
				}
			}
			if len(f.Facts) > finding.MaxFacts || !slices.IsSortedFunc(f.Facts, func(a, b finding.Fact) int { return a.Time.Compare(b.Time) }) {
				t.Fatalf("%d facts, or not in order", len(f.Facts))
			}
		}
	})
}

// TestOrderOfArrival: when nothing clears, the order in which occurrences
// arrive does not show in the end.
func TestOrderOfArrival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var told []finding.Occurrence
		for _, o := range history(t) {
			if !o.Cleared {
				told = append(told, o)
			}
		}
		if len(told) == 0 {
			return
		}
		one := finding.Fold(told)
		other := finding.Fold(rapid.Permutation(told).Draw(t, "order"))
		for _, f := range [][]finding.Finding{one, other} { // how often it was regraded on the way may differ
			f[0].Revision, f[0].ChangedAt = 0, time.Time{}
		}
		if diff := cmp.Diff(one, other); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestFoldKeepsExercisesApart(t *testing.T) {
	drill := at(0, likely, alarm)
	drill.Exercise = "EX-7"
	end := cleared(5)
	end.Exercise = "EX-7"
	all := finding.Fold([]finding.Occurrence{at(0, likely, warning), drill, end, cleared(-9)})
	if len(all) != 2 || all[0].Exercise != "EX-7" || all[0].Present || !all[1].Present {
		t.Errorf("%+v", all)
	}
	if all := finding.Fold([]finding.Occurrence{cleared(1)}); len(all) != 0 {
		t.Errorf("the end of something that never began is a finding: %+v", all)
	}
}

// TestFoldBadInput: what can't be kept is repaired and said, never dropped.
func TestFoldBadInput(t *testing.T) {
	o := at(0, 0, 9)
	o.Title, o.Place = "a\x00b\xff", &finding.Place{Lat: math.NaN()}
	o.Facts[0].Evidence.Seen = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := finding.Fold([]finding.Occurrence{o})[0]
	if f.Title != "a\uFFFDb\uFFFD" || f.Place != nil || !f.Facts[0].Evidence.Seen.IsZero() || f.Grade != finding.Suspected || f.Severity != finding.Advice || len(f.Unknown) != 2 {
		t.Errorf("%+v", f)
	}
	if o.Facts[0].Evidence.Seen.IsZero() {
		t.Error("the caller's fact was changed")
	}
}

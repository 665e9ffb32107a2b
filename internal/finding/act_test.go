package finding_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

var states = []finding.State{finding.Active, finding.Acknowledged, finding.Shelved, finding.Returned, finding.Resolved}

// action is a complete action of the kind.
func action(kind finding.ActionKind) finding.Action {
	a := finding.Action{Kind: kind, Actor: "jane", Text: "because"}
	switch kind {
	case finding.Shelve:
		a.Until = start.Add(time.Hour)
	case finding.Assign:
		a.Assignee = "joe"
	}
	return a
}

// TestActions is the state machine: for each action the state that it leads to
// from each of states; "" where it is refused.
func TestActions(t *testing.T) {
	const no = finding.State("")
	for _, c := range []struct {
		kind    finding.ActionKind
		present bool
		want    [5]finding.State // active, acknowledged, shelved, returned, resolved
	}{
		{finding.Acknowledge, true, [5]finding.State{finding.Acknowledged, no, no, finding.Acknowledged, no}},
		{finding.Acknowledge, false, [5]finding.State{finding.Resolved, no, no, finding.Resolved, no}},
		{finding.Shelve, true, [5]finding.State{finding.Shelved, finding.Shelved, finding.Shelved, finding.Shelved, no}},
		{finding.Unshelve, true, [5]finding.State{no, no, finding.Active, no, no}},
		{finding.Unshelve, false, [5]finding.State{no, no, finding.Returned, no, no}},
		{finding.Resolve, true, [5]finding.State{finding.Resolved, finding.Resolved, finding.Resolved, finding.Resolved, no}},
		{finding.Reopen, true, [5]finding.State{no, no, no, no, finding.Active}},
		{finding.Assign, true, [5]finding.State{finding.Active, finding.Acknowledged, finding.Shelved, finding.Returned, finding.Resolved}},
		{finding.Note, false, [5]finding.State{finding.Active, finding.Acknowledged, finding.Shelved, finding.Returned, finding.Resolved}},
	} {
		for i, state := range states {
			f := finding.New(at(0, likely, warning))
			f.State, f.Present = state, c.present
			before := f.Revision
			_, err := f.Apply(action(c.kind), start)
			switch {
			case c.want[i] == no && (!errors.Is(err, finding.ErrState) || f.State != state || f.Revision != before):
				t.Errorf("%s when %s: %v, state %s", c.kind, state, err, f.State)
			case c.want[i] != no && (err != nil || f.State != c.want[i] || f.Revision != before+1):
				t.Errorf("%s when %s, present %t: %v, state %s, want %s", c.kind, state, c.present, err, f.State, c.want[i])
			case (f.State == finding.Shelved) == f.ShelvedUntil.IsZero() && state != finding.Shelved:
				t.Errorf("%s when %s: %s until %v", c.kind, state, f.State, f.ShelvedUntil)
			}
		}
	}
}

func TestActionsThatLackSomething(t *testing.T) {
	for name, a := range map[string]finding.Action{
		"no actor":                 {Kind: finding.Acknowledge},
		"unknown kind":             {Kind: "delete", Actor: "jane"},
		"shelf without an end":     {Kind: finding.Shelve, Actor: "jane", Text: "because"},
		"shelf that ends now":      {Kind: finding.Shelve, Actor: "jane", Text: "because", Until: start},
		"shelf of over 30 days":    {Kind: finding.Shelve, Actor: "jane", Text: "because", Until: start.Add(finding.MaxShelf + 1)},
		"shelf without a reason":   {Kind: finding.Shelve, Actor: "jane", Text: " \n", Until: start.Add(time.Hour)},
		"resolved without a word":  {Kind: finding.Resolve, Actor: "jane"},
		"empty comment":            {Kind: finding.Note, Actor: "jane", Text: "\t"},
		"comment without a limit":  {Kind: finding.Note, Actor: "jane", Text: strings.Repeat("é", finding.MaxText+1)},
		"comments without a limit": {Kind: finding.Note, Actor: "jane", Text: "one more"},
	} {
		f := finding.New(at(0, likely, warning))
		f.Comments = make([]finding.Comment, finding.MaxComments)
		if _, err := f.Apply(a, start); !errors.Is(err, finding.ErrInvalid) || f.Revision != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := finding.New(at(0, likely, warning))
	longest := finding.Action{Kind: finding.Shelve, Actor: "jane", Text: "dry dock", Until: start.Add(finding.MaxShelf)}
	if detail, err := f.Apply(longest, start); err != nil || detail != "active → shelved; until 2026-03-31T03:00:00Z; dry dock" {
		t.Errorf("the longest shelf: %q, %v", detail, err)
	}
	if _, err := f.Apply(finding.Action{Kind: finding.Unshelve, Actor: "jane", Revision: 1}, start); !errors.Is(err, finding.ErrConflict) {
		t.Errorf("an old revision: %v", err)
	}
}

// TestResolvedIsNotHidden: a person resolves what still holds; the next
// occurrence brings it back, a repeat of the last one does not.
func TestResolvedIsNotHidden(t *testing.T) {
	f := finding.New(at(5, likely, warning))
	if _, err := f.Apply(action(finding.Resolve), start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if change := f.Merge(at(5, likely, warning)); change != finding.Unchanged || f.State != finding.Resolved {
		t.Errorf("the known occurrence again: %q, %s", change, f.State)
	}
	if change := f.Merge(at(3, likely, warning)); change != finding.Repeated || f.State != finding.Resolved {
		t.Errorf("a late one: %q, %s", change, f.State)
	}
	if change := f.Merge(at(6, likely, warning)); change != finding.Raised || f.State != finding.Active || !f.Present {
		t.Errorf("a new one: %q, %s, present %t", change, f.State, f.Present)
	}
}

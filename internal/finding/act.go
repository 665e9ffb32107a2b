package finding

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxShelf is the longest that a finding may be shelved at once. ISA-18.2 asks
// for a limit so that nothing is forgotten on the shelf.
const MaxShelf = 30 * 24 * time.Hour

// from tells in which states an action is possible. Assign and Note are
// possible in all.
var from = map[ActionKind][]State{
	Acknowledge: {Active, Returned},
	Shelve:      {Active, Acknowledged, Returned, Shelved},
	Unshelve:    {Shelved},
	Resolve:     {Active, Acknowledged, Shelved, Returned},
	Reopen:      {Resolved},
}

// Apply does what a person decided to f, at the time now, and tells it in
// words for the log. On error f is as it was: ErrInvalid says what the action
// lacks, ErrConflict that the person saw an older revision, ErrState that the
// action does not fit the state.
func (f *Finding) Apply(a Action, now time.Time) (detail string, err error) {
	if err := a.check(now); err != nil {
		return "", err
	}
	if a.Revision != 0 && a.Revision != f.Revision {
		return "", fmt.Errorf("%w: %s is at revision %d, not %d; read it again", ErrConflict, f.ID, f.Revision, a.Revision)
	}
	if states, limited := from[a.Kind]; limited && !slices.Contains(states, f.State) {
		return "", fmt.Errorf("%w: %s is %s; %s is possible when it is %s", ErrState, f.ID, f.State, a.Kind, listOf(states))
	}
	if a.Kind == Note && len(f.Comments) >= MaxComments {
		return "", fmt.Errorf("%w: %s already holds %d comments", ErrInvalid, f.ID, MaxComments)
	}
	was := f.State
	f.move(a, now)
	f.changed(now)
	return f.describe(a, was), nil
}

// move changes f by an action that is known to be possible.
func (f *Finding) move(a Action, now time.Time) {
	switch a.Kind {
	case Acknowledge:
		if f.State = Acknowledged; !f.Present {
			f.State = Resolved // gone and seen: nothing is left to do
		}
	case Shelve:
		f.State, f.ShelvedUntil = Shelved, a.Until.UTC()
	case Unshelve:
		f.unshelve()
	case Resolve:
		// A person says that it is over. The next occurrence after the newest
		// known one brings it back, so a mistake can't hide a live alarm.
		f.State, f.ShelvedUntil = Resolved, time.Time{}
		if f.Present {
			f.Present, f.Gone = false, f.Last
		}
	case Reopen:
		f.activate()
		f.Present, f.Gone = true, time.Time{}
	case Assign:
		f.Assignee = a.Assignee
	case Note:
		f.Comments = append(slices.Clone(f.Comments), Comment{Time: now, Author: a.Actor, Text: a.Text})
	}
}

// unshelve ends a shelf: what is still there asks for attention, what went away
// meanwhile waits to be acknowledged.
func (f *Finding) unshelve() {
	f.activate()
	if !f.Present {
		f.State = Returned
	}
}

// check tells what an action lacks.
func (a *Action) check(now time.Time) error {
	a.Text = strings.TrimSpace(readable(a.Text))
	switch {
	case a.Actor == "":
		return fmt.Errorf("%w: an action needs the account of who does it", ErrInvalid)
	case utf8.RuneCountInString(a.Text) > MaxText:
		return fmt.Errorf("%w: the text is longer than %d characters", ErrInvalid, MaxText)
	}
	switch a.Kind {
	case Acknowledge, Unshelve, Reopen, Assign:
	case Shelve:
		switch {
		case !a.Until.After(now):
			return fmt.Errorf("%w: shelving needs a time in the future at which it ends", ErrInvalid)
		case a.Until.Sub(now) > MaxShelf:
			return fmt.Errorf("%w: a finding may be shelved for %d days at most", ErrInvalid, MaxShelf/(24*time.Hour))
		case a.Text == "":
			return fmt.Errorf("%w: shelving needs a reason", ErrInvalid)
		}
	case Resolve:
		if a.Text == "" {
			return fmt.Errorf("%w: resolving needs what was done", ErrInvalid)
		}
	case Note:
		if a.Text == "" {
			return fmt.Errorf("%w: the comment is empty", ErrInvalid)
		}
	default:
		return fmt.Errorf("%w: unknown action %q", ErrInvalid, a.Kind)
	}
	return nil
}

// describe puts an action in words: the states, then what was decided.
func (f *Finding) describe(a Action, was State) string {
	var parts []string
	if f.State != was {
		parts = append(parts, string(was)+" → "+string(f.State))
	}
	switch a.Kind {
	case Shelve:
		parts = append(parts, "until "+f.ShelvedUntil.Format(time.RFC3339))
	case Assign:
		to := a.Assignee
		if to == "" {
			to = "nobody"
		}
		parts = append(parts, "to "+to)
	}
	if a.Text != "" {
		parts = append(parts, a.Text)
	}
	return strings.Join(parts, "; ")
}

func listOf(states []State) string {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

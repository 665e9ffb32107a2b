package finding

import (
	"context"
	"errors"
	"time"
)

// Errors that callers decide on.
var (
	ErrNotFound = errors.New("finding not found")
	ErrConflict = errors.New("finding was changed by somebody else") // revision differs
	ErrState    = errors.New("not possible in this state")
	ErrInvalid  = errors.New("not valid") // an action or query that lacks something or holds something it must not; the text says what
)

// Query selects findings. Zero fields select all. Results are ordered by
// severity, grade, last occurrence (newest first) and id.
type Query struct {
	States   []State
	Domains  []Domain
	Rules    []string
	Subject  string    // subject id, exact
	Severity Severity  // at least
	Grade    Grade     // at least
	Since    time.Time // last occurrence at or after
	Assignee string
	Text     string // words in title, summary, subject
	Present  *bool
	Cursor   string // of the previous page
	Limit    int    // 1..1000; 0 is 100
}

// Page is one page of findings; Next is the cursor of the following page, ""
// on the last. Total counts all that the query selects. A search for words that
// very many findings have stops counting: then AtLeast is set, and there are
// Total or more.
//
// The findings of a page may share their slices with those of other pages: who
// wants to change one replaces its slices and does not write into them.
type Page struct {
	Findings []Finding `json:"findings"`
	Next     string    `json:"next,omitempty"`
	Total    int       `json:"total"`
	AtLeast  bool      `json:"at_least,omitempty"`
}

// Summary counts findings for the first screen.
type Summary struct {
	ByState    map[State]int  `json:"by_state"`
	ByDomain   map[Domain]int `json:"by_domain"`   // present and not resolved
	BySeverity map[string]int `json:"by_severity"` // present and not resolved
	Exercise   int            `json:"exercise"`    // how many of those belong to an exercise
	LastHour   int            `json:"last_hour"`   // annunciated in the last hour, by the time they reached the desk (ISA-18.2 load); what was shelved is not
	Last10Min  int            `json:"last_10_min"` // more than ten is a flood
}

// ActionKind is what a person does with a finding.
type ActionKind string

// Actions.
const (
	Acknowledge ActionKind = "acknowledge"
	Shelve      ActionKind = "shelve" // Until and Text (the reason) required
	Unshelve    ActionKind = "unshelve"
	Resolve     ActionKind = "resolve" // Text (what was done) required
	Reopen      ActionKind = "reopen"
	Assign      ActionKind = "assign"  // Assignee; "" takes it away
	Note        ActionKind = "comment" // Text required
)

// Action is one step by a person.
type Action struct {
	Kind     ActionKind `json:"kind"`
	Actor    string     `json:"actor"`              // account
	Revision int64      `json:"revision,omitempty"` // of the finding that the person saw; 0: whichever
	Until    time.Time  `json:"until,omitzero"`
	Assignee string     `json:"assignee,omitempty"`
	Text     string     `json:"text,omitempty"`
}

// Event tells listeners that a finding changed.
type Event struct {
	Change  Change    `json:"change"`
	Finding Finding   `json:"finding"`
	Actor   string    `json:"actor,omitempty"` // account, or "" for a watch
	Time    time.Time `json:"time"`
}

// Entry is one line of the history of a finding, from the audit log.
type Entry struct {
	Time   time.Time `json:"time"`
	Actor  string    `json:"actor"` // account, or "watch"
	Action string    `json:"action"`
	Detail string    `json:"detail,omitempty"`
}

// Desk is the register as the faces see it.
type Desk interface {
	List(ctx context.Context, q Query) (Page, error)
	Get(ctx context.Context, id string) (Finding, error)
	History(ctx context.Context, id string) ([]Entry, error)
	Summary(ctx context.Context, now time.Time) (Summary, error)
	Act(ctx context.Context, id string, a Action) (Finding, error)
	// Subscribe returns a channel of changes (bound 256; a listener that is
	// slower loses events and finds a gap in Finding.Revision) and a function that ends it.
	Subscribe() (<-chan Event, func())
}

package finding

import (
	"context"
	"time"
)

// Store is what the register needs of the records. Change gives one exclusive
// transaction: what fn did through Tx is durable when Change returns nil, and
// has not happened when it returns an error. The others read.
type Store interface {
	Change(ctx context.Context, fn func(Tx) error) error
	List(ctx context.Context, q Query) (Page, error)
	Get(ctx context.Context, id string) (Finding, error)         // ErrNotFound
	History(ctx context.Context, id string) ([]Entry, error)     // oldest first; ErrNotFound
	Summary(ctx context.Context, now time.Time) (Summary, error) // load by the times of the entries
	Position(ctx context.Context, name string) (uint64, error)   // 0: nothing applied
}

// Tx is a transaction of the register.
type Tx interface {
	// Load returns those of the findings that exist, by id.
	Load(ctx context.Context, ids []string) (map[string]Finding, error)
	// Due returns the ids of findings that are shelved until now or earlier, sorted.
	Due(ctx context.Context, now time.Time) ([]string, error)
	// Save writes findings that Load was asked for in this transaction, adds
	// their steps to the audit log and puts a notice of each into the outbox.
	Save(ctx context.Context, saves []Save) error
	// Advance moves a position forward. It reports false, and moves nothing,
	// where seq is at or before the position that is stored.
	Advance(ctx context.Context, name string, seq uint64) (bool, error)
}

// Save is a finding to be written with what happened to it, oldest step first.
// Without steps it was only told again.
type Save struct {
	Finding Finding
	Steps   []Step
}

// Step is one change of a finding and its line in the audit log.
type Step struct {
	Change   Change
	Revision int64 // of the finding after it
	State    State // of the finding after it
	Entry    Entry
}

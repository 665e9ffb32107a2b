package finding

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Options of a register. The zero value works.
type Options struct {
	// Now is the clock of what people do and of when an alarm reached the desk.
	// nil is time.Now.
	Now func() time.Time
}

// Register keeps the findings in a store and tells listeners of changes. Its
// methods may be called from any goroutine; changes happen one after another.
type Register struct {
	store Store
	now   func() time.Time

	mu      sync.Mutex // held over a change and the telling of it, so that events come in order
	skipped map[string]skip

	listeners listeners
}

// skip is how far a position has got by batches without occurrences.
type skip struct {
	seq uint64
	at  time.Time // when the position was last written
}

// positionEvery is how long a position may lag behind batches that held
// nothing. Writing each would cost a flush of the disk for no effect; telling
// such a batch again has none either.
const positionEvery = time.Second

// NewRegister makes the register of the findings in store.
func NewRegister(store Store, o Options) *Register {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Register{store: store, now: func() time.Time { return writable(o.Now()) }, skipped: map[string]skip{}}
}

var _ Desk = (*Register)(nil)

// Report folds the occurrences that a batch of the stream gave into the
// findings, in one transaction with their audit entries and the position: the
// name of the reader and the sequence number of the batch. A batch at or before
// the stored position has no effect. The events are the changes that a person
// would want to know, in order; they have been told to listeners.
//
// With an empty position the occurrences are always applied: for those that no
// batch gave, such as a silence that the passing of time showed.
func (r *Register) Report(ctx context.Context, position string, seq uint64, occs []Occurrence) ([]Event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if len(occs) == 0 && r.skip(position, seq, now) {
		return nil, nil
	}
	var events []Event
	err := r.store.Change(ctx, func(tx Tx) error {
		events = nil // a store may run this again
		if position != "" {
			if moved, err := tx.Advance(ctx, position, seq); err != nil || !moved {
				return err
			}
		}
		var err error
		events, err = fold(ctx, tx, occs, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("recording %d occurrences of batch %d for %q: %w", len(occs), seq, position, err)
	}
	if position != "" {
		r.skipped[position] = skip{seq: seq, at: now}
	}
	r.listeners.tell(events)
	return events, nil
}

// skip remembers the position of a batch without occurrences and reports
// whether writing it can wait.
func (r *Register) skip(position string, seq uint64, now time.Time) bool {
	if position == "" {
		return true
	}
	s, known := r.skipped[position]
	if !known || now.Sub(s.at) >= positionEvery || now.Before(s.at) {
		return false
	}
	s.seq = max(s.seq, seq)
	r.skipped[position] = s
	return true
}

// Position is the sequence number of the newest batch that has been applied
// under the name, 0 where none has. It counts batches that held nothing.
func (r *Register) Position(ctx context.Context, name string) (uint64, error) {
	stored, err := r.store.Position(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("reading position %q: %w", name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(stored, r.skipped[name].seq), nil
}

// fold merges occurrences into the stored findings and saves what changed.
func fold(ctx context.Context, tx Tx, occs []Occurrence, now time.Time) ([]Event, error) {
	occs = slices.Clone(occs)
	ids := make([]string, len(occs))
	for i := range occs {
		occs[i] = normalise(occs[i])
		ids[i] = occs[i].FindingID()
	}
	found, err := tx.Load(ctx, distinct(ids))
	if err != nil {
		return nil, err
	}
	var (
		saves  []Save
		place  = map[string]int{} // of a finding in saves
		events []Event
	)
	for i, o := range occs {
		f, change := merge(found, ids[i], o)
		if change == Unchanged {
			continue
		}
		at, known := place[f.ID]
		if !known {
			at = len(saves)
			place[f.ID] = at
			saves = append(saves, Save{})
		}
		saves[at].Finding = f
		if change == Repeated {
			continue
		}
		saves[at].Steps = append(saves[at].Steps, Step{
			Change: change, Revision: f.Revision, State: f.State,
			Entry: Entry{Time: now, Actor: Watch, Action: string(change), Detail: tale(f, o)},
		})
		events = append(events, Event{Change: change, Finding: f, Time: now})
	}
	return events, tx.Save(ctx, saves)
}

// merge folds one occurrence into found and returns the finding as it is now.
func merge(found map[string]Finding, id string, o Occurrence) (Finding, Change) {
	f, known := found[id]
	change := Raised
	switch {
	case known:
		change = f.Merge(o)
	case o.Cleared: // the end of something that never began
		return f, Unchanged
	default:
		f = New(o)
	}
	found[id] = f
	return f, change
}

// tale is the detail of an audit entry for what a watch told.
func tale(f Finding, o Occurrence) string {
	s := f.Grade.String() + " " + f.Severity.String() + " at " + o.Time.Format(time.RFC3339) + ": " + f.Title
	if f.Exercise != "" {
		s = "EXERCISE " + f.Exercise + ": " + s
	}
	return s
}

func distinct(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

package finding

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Watch is the actor of entries that no person made.
const Watch = "watch"

// listenerBound is how many events wait for a listener before it loses some.
const listenerBound = 256

// List returns a page of findings.
func (r *Register) List(ctx context.Context, q Query) (Page, error) {
	if q.Limit < 0 || q.Limit > 1000 {
		return Page{}, fmt.Errorf("%w: limit %d is not in 1..1000", ErrInvalid, q.Limit)
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	page, err := r.store.List(ctx, q)
	if err != nil {
		return Page{}, fmt.Errorf("listing findings: %w", err)
	}
	return page, nil
}

// Get returns one finding.
func (r *Register) Get(ctx context.Context, id string) (Finding, error) {
	f, err := r.store.Get(ctx, id)
	if err != nil {
		return Finding{}, fmt.Errorf("reading finding %q: %w", id, err)
	}
	return f, nil
}

// History returns what happened to a finding, oldest first.
func (r *Register) History(ctx context.Context, id string) ([]Entry, error) {
	entries, err := r.store.History(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading the history of finding %q: %w", id, err)
	}
	return entries, nil
}

// Summary counts the findings as they are and the load of the time before now.
func (r *Register) Summary(ctx context.Context, now time.Time) (Summary, error) {
	s, err := r.store.Summary(ctx, now)
	if err != nil {
		return Summary{}, fmt.Errorf("counting findings: %w", err)
	}
	return s, nil
}

// Act does what a person decided and returns the finding as it is then. The
// decision is durable and in the audit log when Act returns.
func (r *Register) Act(ctx context.Context, id string, a Action) (Finding, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	var f Finding
	err := r.store.Change(ctx, func(tx Tx) error {
		found, err := tx.Load(ctx, []string{id})
		if err != nil {
			return err
		}
		var known bool
		if f, known = found[id]; !known {
			return ErrNotFound
		}
		detail, err := f.Apply(a, now)
		if err != nil {
			return err
		}
		return tx.Save(ctx, []Save{{Finding: f, Steps: []Step{{
			Change: ActedUpon, Revision: f.Revision, State: f.State,
			Entry: Entry{Time: now, Actor: a.Actor, Action: string(a.Kind), Detail: detail},
		}}}})
	})
	if err != nil {
		return Finding{}, fmt.Errorf("%s on finding %q: %w", a.Kind, id, err)
	}
	r.listeners.tell([]Event{{Change: ActedUpon, Finding: f, Actor: a.Actor, Time: now}})
	return f, nil
}

// Expire returns the findings whose shelf has run out by now to attention:
// active where the condition still holds, returned where it has gone.
func (r *Register) Expire(ctx context.Context, now time.Time) ([]Event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now = writable(now)
	var events []Event
	err := r.store.Change(ctx, func(tx Tx) error {
		events = nil
		due, err := tx.Due(ctx, now)
		if err != nil || len(due) == 0 {
			return err
		}
		found, err := tx.Load(ctx, due)
		if err != nil {
			return err
		}
		var saves []Save
		for _, id := range due {
			f := found[id]
			f.unshelve()
			f.changed(now)
			saves = append(saves, Save{Finding: f, Steps: []Step{{
				Change: ActedUpon, Revision: f.Revision, State: f.State,
				Entry: Entry{Time: now, Actor: Watch, Action: string(Unshelve), Detail: "the shelf ran out; shelved → " + string(f.State)},
			}}})
			events = append(events, Event{Change: ActedUpon, Finding: f, Time: now})
		}
		return tx.Save(ctx, saves)
	})
	if err != nil {
		return nil, fmt.Errorf("ending shelves that ran out: %w", err)
	}
	r.listeners.tell(events)
	return events, nil
}

// Subscribe returns a channel of changes and a function that ends it, which
// closes the channel.
func (r *Register) Subscribe() (<-chan Event, func()) { return r.listeners.add() }

// listeners are those who want to know of changes.
type listeners struct {
	mu  sync.Mutex
	all []chan Event
}

func (l *listeners) add() (<-chan Event, func()) {
	ch := make(chan Event, listenerBound)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, ch)
	return ch, sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = slices.DeleteFunc(l.all, func(c chan Event) bool { return c == ch })
		close(ch)
	})
}

// tell sends events without waiting: a listener that is slower than its bound
// loses some, for the register must not wait for a screen.
func (l *listeners) tell(events []Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		for _, ch := range l.all {
			select {
			case ch <- e:
			default:
			}
		}
	}
}

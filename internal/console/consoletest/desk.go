package consoletest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// Desk is a register in memory. It keeps findings in the order of List, so a
// page costs what a database index would cost.
type Desk struct {
	mu        sync.Mutex
	all       []finding.Finding
	keys      []key // of all, in the same order
	subjects  map[string][]int
	at        map[string]int
	history   map[string][]finding.Entry
	listeners map[chan finding.Event]bool
	// Fail is returned by every read while it is set.
	Fail error
}

// key is what a database would have in its index: small, so that a look at
// 100,000 findings does not read 100,000 documents.
type key struct {
	state    finding.State
	present  bool
	severity finding.Severity
	grade    finding.Grade
	first    int64 // Unix seconds
	last     int64
}

func keyOf(f *finding.Finding) key {
	return key{f.State, f.Present, f.Severity, f.Grade, f.First.Unix(), f.Last.Unix()}
}

// NewDesk keeps the findings.
func NewDesk(all []finding.Finding) *Desk {
	d := &Desk{all: all, history: map[string][]finding.Entry{}, listeners: map[chan finding.Event]bool{}}
	d.order()
	return d
}

func (d *Desk) order() {
	slices.SortStableFunc(d.all, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Grade, a.Grade), b.Last.Compare(a.Last), strings.Compare(a.ID, b.ID))
	})
	d.at, d.subjects, d.keys = make(map[string]int, len(d.all)), map[string][]int{}, make([]key, len(d.all))
	for i := range d.all {
		d.at[d.all[i].ID] = i
		d.subjects[d.all[i].Subject.ID] = append(d.subjects[d.all[i].Subject.ID], i)
		d.keys[i] = keyOf(&d.all[i])
	}
}

// List implements finding.Desk.
func (d *Desk) List(_ context.Context, q finding.Query) (finding.Page, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Fail != nil {
		return finding.Page{}, d.Fail
	}
	skip, _ := strconv.Atoi(q.Cursor)
	limit := cmp.Or(q.Limit, 100)
	var page finding.Page
	take := func(i int) {
		if !d.keys[i].takes(q) || !detailed(q, d.all, i) {
			return
		}
		page.Total++
		switch {
		case page.Total <= skip:
		case len(page.Findings) < limit:
			page.Findings = append(page.Findings, d.all[i])
		default:
			page.Next = strconv.Itoa(skip + limit)
		}
	}
	if q.Subject != "" {
		for _, i := range d.subjects[q.Subject] {
			take(i)
		}
		return page, nil
	}
	for i := range d.keys {
		take(i)
	}
	return page, nil
}

func (k *key) takes(q finding.Query) bool {
	return (len(q.States) == 0 || slices.Contains(q.States, k.state)) && k.severity >= q.Severity && k.grade >= q.Grade &&
		(q.Since.IsZero() || k.last >= q.Since.Unix()) && (q.Present == nil || k.present == *q.Present)
}

// detailed looks at the finding itself, where the query needs that.
func detailed(q finding.Query, all []finding.Finding, i int) bool {
	if len(q.Domains) == 0 && q.Assignee == "" && q.Text == "" {
		return true
	}
	f := &all[i]
	return (len(q.Domains) == 0 || slices.ContainsFunc(f.Domains, func(x finding.Domain) bool { return slices.Contains(q.Domains, x) })) &&
		(q.Assignee == "" || f.Assignee == q.Assignee) &&
		(q.Text == "" || strings.Contains(strings.ToLower(f.Title+" "+f.Summary+" "+f.Subject.Name), strings.ToLower(q.Text)))
}

// Get implements finding.Desk.
func (d *Desk) Get(_ context.Context, id string) (finding.Finding, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i, ok := d.at[id]
	if !ok {
		return finding.Finding{}, finding.ErrNotFound
	}
	return d.all[i], d.Fail
}

// History implements finding.Desk.
func (d *Desk) History(_ context.Context, id string) ([]finding.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.history[id]), nil
}

// Summary implements finding.Desk.
func (d *Desk) Summary(_ context.Context, now time.Time) (finding.Summary, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := finding.Summary{ByState: map[finding.State]int{}, ByDomain: map[finding.Domain]int{}, BySeverity: map[string]int{}}
	for i := range d.keys {
		k := &d.keys[i]
		s.ByState[k.state]++
		if now.Unix()-k.first <= 3600 {
			s.LastHour++
		}
		if now.Unix()-k.first <= 600 {
			s.Last10Min++
		}
	}
	return s, d.Fail
}

// Act implements finding.Desk.
func (d *Desk) Act(_ context.Context, id string, a finding.Action) (finding.Finding, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i, ok := d.at[id]
	if !ok {
		return finding.Finding{}, finding.ErrNotFound
	}
	f := &d.all[i]
	if a.Revision != 0 && a.Revision != f.Revision {
		return *f, finding.ErrConflict
	}
	switch a.Kind {
	case finding.Acknowledge:
		if f.State != finding.Active && f.State != finding.Returned {
			return *f, finding.ErrState
		}
		f.State = finding.Acknowledged
	case finding.Shelve:
		f.State, f.ShelvedUntil = finding.Shelved, a.Until
	case finding.Resolve:
		f.State = finding.Resolved
	case finding.Unshelve, finding.Reopen:
		f.State = finding.Active
	case finding.Assign:
		f.Assignee = a.Assignee
	case finding.Note:
		f.Comments = append(slices.Clone(f.Comments), finding.Comment{Time: Now, Author: a.Actor, Text: a.Text})
	}
	f.Revision++
	d.keys[i] = keyOf(f)
	d.history[id] = append(d.history[id], finding.Entry{Time: Now, Actor: a.Actor, Action: string(a.Kind), Detail: a.Text})
	d.tell(finding.Event{Change: finding.ActedUpon, Finding: *f, Actor: a.Actor, Time: Now})
	return *f, nil
}

// Raise adds a finding and tells it.
func (d *Desk) Raise(f finding.Finding) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, f)
	d.order()
	d.tell(finding.Event{Change: finding.Raised, Finding: f, Time: f.Last})
}

func (d *Desk) tell(e finding.Event) {
	for ch := range d.listeners {
		select {
		case ch <- e:
		default:
		}
	}
}

// Subscribe implements finding.Desk.
func (d *Desk) Subscribe() (<-chan finding.Event, func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ch := make(chan finding.Event, 256)
	d.listeners[ch] = true
	return ch, func() { d.mu.Lock(); delete(d.listeners, ch); d.mu.Unlock() }
}

// Listeners is how many subscriptions stand.
func (d *Desk) Listeners() int { d.mu.Lock(); defer d.mu.Unlock(); return len(d.listeners) }

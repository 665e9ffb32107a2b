package finding_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// shelf is a finding.Store in memory that does just enough to see what the
// register tells; the suite in store/storetest tries it on real databases.
type shelf struct {
	finding.Store
	all      map[string]finding.Finding
	position map[string]uint64
	changes  int
	fail     error
}

type shelfTx struct {
	finding.Tx
	*shelf
}

func (s *shelf) Change(_ context.Context, fn func(finding.Tx) error) error {
	s.changes++
	if s.fail != nil {
		return s.fail
	}
	return fn(shelfTx{shelf: s})
}

func (t shelfTx) Load(_ context.Context, ids []string) (map[string]finding.Finding, error) {
	out := map[string]finding.Finding{}
	for _, id := range ids {
		if f, ok := t.all[id]; ok {
			out[id] = f
		}
	}
	return out, nil
}

func (t shelfTx) Save(_ context.Context, saves []finding.Save) error {
	for _, s := range saves {
		t.all[s.Finding.ID] = s.Finding
	}
	return nil
}

func (t shelfTx) Advance(_ context.Context, name string, seq uint64) (bool, error) {
	if seq <= t.position[name] {
		return false, nil
	}
	t.position[name] = seq
	return true, nil
}

func newRegister(now *time.Time) (*finding.Register, *shelf) {
	s := &shelf{all: map[string]finding.Finding{}, position: map[string]uint64{}}
	return finding.NewRegister(s, finding.Options{Now: func() time.Time { return *now }}), s
}

// TestSlowListener: a listener that does not read loses events, keeps its first
// 256 in order, and holds up nobody.
func TestSlowListener(t *testing.T) {
	now := start
	r, _ := newRegister(&now)
	slow, end := r.Subscribe()
	for i := range 300 {
		o := at(i, likely, warning)
		o.Subject.ID = fmt.Sprint(i)
		if _, err := r.Report(t.Context(), "w", uint64(i+1), []finding.Occurrence{o}); err != nil {
			t.Fatal(err)
		}
	}
	end()
	end() // twice does no harm
	var got []finding.Event
	for e := range slow { // ends, because the channel is closed
		got = append(got, e)
	}
	if len(got) != 256 || got[0].Finding.Subject.ID != "0" || got[255].Finding.Subject.ID != "255" {
		t.Errorf("%d events", len(got))
	}
}

// TestFailureTellsNobody: what was not stored is not told.
func TestFailureTellsNobody(t *testing.T) {
	now := start
	r, s := newRegister(&now)
	events, end := r.Subscribe()
	defer end()
	s.fail = errors.New("disk full")
	if _, err := r.Report(t.Context(), "w", 1, []finding.Occurrence{at(0, likely, warning)}); !errors.Is(err, s.fail) {
		t.Errorf("err = %v", err)
	}
	if _, err := r.Act(t.Context(), "F-1", action(finding.Acknowledge)); !errors.Is(err, s.fail) {
		t.Errorf("err = %v", err)
	}
	if len(events) != 0 {
		t.Error("a change that failed was told")
	}
}

// TestEmptyBatches: batches that held nothing cost one write a second.
func TestEmptyBatches(t *testing.T) {
	now := start
	r, s := newRegister(&now)
	for seq := range uint64(500) {
		now = now.Add(10 * time.Millisecond)
		if events, err := r.Report(t.Context(), "w", seq+1, nil); err != nil || len(events) != 0 {
			t.Fatalf("%v, %v", events, err)
		}
	}
	if s.changes != 5 || s.position["w"] < 400 {
		t.Errorf("%d writes, position %d", s.changes, s.position["w"])
	}
}

// TestSeveralStepsInABatch: each change is an event with the finding as it was then.
func TestSeveralStepsInABatch(t *testing.T) {
	now := start
	r, _ := newRegister(&now)
	events, err := r.Report(t.Context(), "w", 1, []finding.Occurrence{at(0, likely, warning), at(1, likely, warning), at(2, likely, alarm), cleared(3), at(4, likely, warning)})
	if err != nil {
		t.Fatal(err)
	}
	var got string
	for i, e := range events {
		if e.Finding.Revision != int64(i+1) {
			t.Errorf("event %d has revision %d", i, e.Finding.Revision)
		}
		got += fmt.Sprintf("%s %s; ", e.Change, e.Finding.State)
	}
	if want := "raised active; regraded active; returned returned; raised active; "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

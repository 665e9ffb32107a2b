package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/quaywatch/quaywatch/internal/event"
)

// all is a sink that keeps copies of the batches; with lose it keeps a batch and
// tells that it failed, as a stream does whose answer comes too late.
type all struct {
	batches map[string]int // name to rows; told twice is kept once
	last    event.Batch
	lose    bool
}

func (a *all) Put(_ context.Context, b *event.Batch) error {
	if a.batches == nil {
		a.batches = map[string]int{}
	}
	if _, known := a.batches[b.ID]; !known {
		a.batches[b.ID] = b.Len() - len(b.Health)
	}
	a.last = *b
	if a.lose {
		a.lose = false
		return errors.New("no answer in time")
	}
	return nil
}

func TestWhatCannotBeWrittenIsMadeFit(t *testing.T) {
	ctx, sink := context.Background(), &all{}
	f := NewFeed("radio\xff", sink, FeedOptions{Clock: func() time.Time { return t0 }})
	raw := event.Raw{Input: "caf\xe9.log", Text: []byte("caf\xe9")}
	r := event.VesselReport{Head: f.Head(time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC), raw), Station: "\xfe",
		Clock: time.Date(16383, 1, 1, 0, 0, 0, 0, time.UTC)}
	d := event.DeviceSighting{Head: f.Head(t0, raw), Name: "caf\xe9"}
	f.Rejected("no text: \xff", raw)
	f.Connecting(errors.New("open caf\xe9: no such file"))
	if err := errors.Join(f.Vessel(ctx, r), f.Device(ctx, d), f.End(ctx, nil)); err != nil {
		t.Fatal(err)
	}
	v := sink.last.Vessels[0]
	if !v.Clock.IsZero() || v.Told || !v.Time.Equal(t0) {
		t.Errorf("time %v told %v, clock %v: a year of five digits must be absent", v.Time, v.Told, v.Clock)
	}
	h := sink.last.Health[0]
	for _, s := range []string{v.Station, v.Raw.Input, sink.last.Devices[0].Name, h.Error, h.Reasons[0].Text, h.Reasons[0].Last.Input, h.Source} {
		if !utf8.ValidString(s) || !strings.Contains(s, "\uFFFD") {
			t.Errorf("%q is not fit to be kept", s)
		}
	}
	if string(v.Raw.Text) != "caf\xe9" {
		t.Errorf("the raw bytes were changed to %q", v.Raw.Text)
	}
}

func TestBatchWhoseAnswerWasLostIsKeptOnce(t *testing.T) {
	for _, repeatable := range []bool{false, true} {
		ctx, sink := context.Background(), &all{}
		f := NewFeed("ais", sink, FeedOptions{Repeatable: repeatable})
		for i := range int64(3) {
			if err := f.Vessel(ctx, report(f, i)); err != nil {
				t.Fatal(err)
			}
		}
		sink.lose = true
		if err := f.Flush(ctx); err == nil {
			t.Fatal("the failure was swallowed")
		}
		if err := f.Vessel(ctx, report(f, 3)); err != nil {
			t.Fatal(err)
		}
		if err := f.End(ctx, nil); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, n := range sink.batches {
			sum += n
		}
		if sum != 4 {
			t.Errorf("repeatable %v: %d rows were kept of 4: %v", repeatable, sum, sink.batches)
		}
	}
}

func TestBatchesThatDifferInOneRowHaveDifferentNames(t *testing.T) {
	ctx, sink := context.Background(), &all{}
	for _, middle := range []string{"old", "new"} {
		f := NewFeed("csaf", sink, FeedOptions{Repeatable: true})
		for i, text := range []string{"first", middle, "last"} {
			raw := event.Raw{Input: fmt.Sprint(i), Sum: event.SumOf([]byte(text))}
			if err := f.Advisory(ctx, event.Advisory{Head: f.Head(t0, raw)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.End(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(sink.batches) != 2 {
		t.Errorf("a changed document in the middle would be dropped as a repeat: %v", sink.batches)
	}
}

func TestFailureThatHealedIsNotToldToTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, sink := t.Context(), &all{}
		f := NewFeed("lan", sink, FeedOptions{FlushEvery: 250 * time.Millisecond})
		if err := errors.Join(f.Start(ctx), f.Vessel(ctx, report(f, 1))); err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		sink.lose = true
		f.mu.Unlock()
		time.Sleep(time.Second) // of the bubble's clock: one flush fails, the next one does not
		if err := errors.Join(f.Vessel(ctx, report(f, 2)), f.End(ctx, nil)); err != nil {
			t.Errorf("the source would be started again for nothing: %v", err)
		}
	})
}

package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// kept is a sink that remembers, and fails while it is told to.
type kept struct {
	rows   int
	ids    map[string]int
	health []event.SourceHealth
	fail   error
}

func (k *kept) Put(_ context.Context, b *event.Batch) error {
	if k.fail != nil {
		return k.fail
	}
	if k.ids == nil {
		k.ids = map[string]int{}
	}
	k.rows += b.Len() - len(b.Health)
	k.ids[b.ID]++
	k.health = append(k.health, b.Health...)
	return nil
}

type marks map[string]string

func (m marks) Bookmark(_ context.Context, id string) (string, error) { return m[id], nil }
func (m marks) SetBookmark(_ context.Context, id, mark string) error  { m[id] = mark; return nil }

var t0 = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func report(f *Feed, offset int64) event.VesselReport {
	raw := event.Raw{Input: "ais.log", Offset: offset, Sum: event.SumOf([]byte(fmt.Sprint(offset)))}
	return event.VesselReport{Head: f.Head(t0.Add(time.Duration(offset)*time.Second), raw)}
}

func TestBookmarkNeverPassesWhatIsDurable(t *testing.T) {
	ctx := context.Background()
	sink, saved := &kept{}, marks{}
	f := NewFeed("ais", sink, FeedOptions{Bookmarks: saved, Repeatable: true})
	if err := f.Start(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range int64(BatchRows - 1) {
		if err := f.Vessel(ctx, report(f, i)); err != nil {
			t.Fatal(err)
		}
		f.Mark(fmt.Sprint(i))
	}
	if saved["ais"] != "" {
		t.Fatalf("bookmark %q before anything was durable", saved["ais"])
	}
	sink.fail = errors.New("disk full")
	if err := f.Vessel(ctx, report(f, BatchRows)); !errors.Is(err, sink.fail) {
		t.Fatalf("a failed Put gave %v", err)
	}
	if saved["ais"] != "" {
		t.Fatalf("bookmark %q after a failed Put", saved["ais"])
	}
	sink.fail = nil
	f.Mark("end")
	if err := f.End(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if sink.rows != BatchRows || saved["ais"] != "end" {
		t.Errorf("%d rows and bookmark %q, want %d and end", sink.rows, saved["ais"], BatchRows)
	}
}

func TestSameInputGivesTheSameBatchNames(t *testing.T) {
	ctx := context.Background()
	sink := &kept{}
	for range 2 {
		f := NewFeed("ais", sink, FeedOptions{Repeatable: true, Clock: func() time.Time { return time.Time{} }})
		for i := range int64(3 * BatchRows) {
			if err := f.Vessel(ctx, report(f, i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if len(sink.ids) != 3 {
		t.Fatalf("%d names for 3 batches read twice: %v", len(sink.ids), sink.ids)
	}
}

func TestRecordingHasNoArrivalTimeOfItsOwn(t *testing.T) {
	f := NewFeed("ais", &kept{}, FeedOptions{Clock: func() time.Time { return time.Time{} }})
	if h := f.Head(t0, event.Raw{}); !h.Seen.Equal(t0) || !h.Told {
		t.Errorf("got %+v", h)
	}
}

func TestReasonsAreBoundedAndNothingIsUncounted(t *testing.T) {
	f := NewFeed("ais", &kept{}, FeedOptions{})
	for i := range 1000 {
		f.Rejected(fmt.Sprintf("reason %d", i%100), event.Raw{Line: int64(i)})
	}
	h := f.Health()
	var sum uint64
	for _, r := range h.Reasons {
		sum += r.Count
	}
	if len(h.Reasons) > maxReasons || sum != 1000 || h.Rejected != 1000 {
		t.Errorf("%d reasons, %d counted, %d rejected", len(h.Reasons), sum, h.Rejected)
	}
}

func TestLiveFeedFlushesByTimeAndTellsOfItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		sink := &kept{}
		f := NewFeed("ais", sink, FeedOptions{FlushEvery: 250 * time.Millisecond})
		if err := f.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if err := f.Vessel(ctx, report(f, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // of the test's own clock
		synctest.Wait()
		f.mu.Lock()
		rows := sink.rows
		f.mu.Unlock()
		if rows != 1 {
			t.Errorf("%d rows were put after a second, want 1", rows)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := f.End(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if n := len(sink.health); n < 7 || n > 9 {
			t.Errorf("%d accounts in a minute, want one at the start, six, and one at the end", n)
		}
		if last := sink.health[len(sink.health)-1]; last.State != StateEnded || last.Accepted != 1 {
			t.Errorf("the last account is %+v", last)
		}
	})
}

func TestRateIsOfTheLastMinute(t *testing.T) {
	now := t0
	f := NewFeed("ais", &kept{}, FeedOptions{Clock: func() time.Time { return now }})
	for range 120 {
		now = now.Add(time.Second)
		for range 10 {
			f.Skipped()
		}
	}
	if r := f.Health().Rate; r < 9.5 || r > 10.5 {
		t.Errorf("rate %v, want 10 a second", r)
	}
	now = now.Add(5 * time.Minute)
	if r := f.Health().Rate; r != 0 {
		t.Errorf("rate %v after five silent minutes", r)
	}
}

// A file tells of itself every ten seconds while it is read, whether its lines
// are good or not, and its batches keep their names over that.
func TestFilesTellOfThemselvesToo(t *testing.T) {
	read := func(slow bool) *kept {
		now := t0
		sink := &kept{}
		f := NewFeed("ais", sink, FeedOptions{Repeatable: true, Clock: func() time.Time { return now }})
		ctx := context.Background()
		if err := f.Start(ctx); err != nil {
			t.Fatal(err)
		}
		for i := range int64(1000) {
			if slow {
				now = now.Add(100 * time.Millisecond)
			}
			if i%2 == 0 || i > 800 {
				f.Rejected("bad", event.Raw{Offset: i})
			} else if err := f.Vessel(ctx, report(f, i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.End(ctx, nil); err != nil {
			t.Fatal(err)
		}
		return sink
	}
	slow, fast := read(true), read(false)
	if n := len(slow.health); n < 11 || n > 12 { // a hundred seconds, the start and the end
		t.Errorf("%d accounts in a hundred seconds, want one every ten", n)
	}
	for i, h := range slow.health[1:] {
		if gap := h.Time.Sub(slow.health[i].Time); gap > healthEvery+time.Second {
			t.Errorf("%s between two accounts", gap)
		}
	}
	for id, n := range fast.ids {
		if n > 0 && !strings.HasPrefix(id, "ais/"+fmt.Sprint(t0.UnixNano())) && slow.ids[id] != n {
			t.Errorf("the batch %s has another name when it is read slowly: %v", id, slow.ids)
		}
	}
}

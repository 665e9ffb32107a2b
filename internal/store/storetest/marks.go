package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/quaywatch/quaywatch/internal/finding"
)

func testMarks(t *testing.T, d Database) {
	ctx := context.Background()
	r := open(t, d)
	if mark := must[string](t)(r.Bookmark(ctx, "ais")); mark != "" {
		t.Errorf("bookmark of a source that never ran: %q", mark)
	}
	for _, mark := range []string{"offset 10", "offset 20", ""} {
		check(t, r.SetBookmark(ctx, "ais", mark))
		check(t, r.SetBookmark(ctx, "pcap", "another"))
		if got := must[string](t)(r.Bookmark(ctx, "ais")); got != mark {
			t.Errorf("bookmark %q, want %q", got, mark)
		}
	}
	if _, ok, err := r.Setting(ctx, "palette"); ok || err != nil {
		t.Errorf("a setting that was never set: %t, %v", ok, err)
	}
	for _, value := range []string{"dusk", "night"} {
		check(t, r.SetSetting(ctx, "palette", value))
		if got, ok, err := r.Setting(ctx, "palette"); got != value || !ok || err != nil {
			t.Errorf("setting %q, %t, %v; want %q", got, ok, err, value)
		}
	}
}

// testConcurrent lets several people act on one finding at once: each step has
// effect once, and of those who saw the same revision one wins.
func testConcurrent(t *testing.T, d Database) {
	ctx := context.Background()
	r := open(t, d)
	register := finding.NewRegister(r.Findings(), finding.Options{})
	events := must[[]finding.Event](t)(register.Report(ctx, "", 0, []finding.Occurrence{occurrence(1, 0)}))
	id := events[0].Finding.ID
	const people, rounds = 6, 5
	var wins, conflicts int
	for range rounds {
		seen := must[finding.Finding](t)(register.Get(ctx, id))
		var mu sync.Mutex
		var group sync.WaitGroup
		for p := range people {
			group.Go(func() {
				// A register each, as two servers on one database would have.
				own := finding.NewRegister(r.Findings(), finding.Options{})
				_, err := own.Act(ctx, id, finding.Action{Kind: finding.Note, Actor: fmt.Sprint("person-", p), Text: "I saw it", Revision: seen.Revision})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					wins++
				case errors.Is(err, finding.ErrConflict):
					conflicts++
				default:
					t.Errorf("acting: %v", err)
				}
			})
		}
		group.Wait()
	}
	f := must[finding.Finding](t)(register.Get(ctx, id))
	if wins != rounds || conflicts != rounds*(people-1) || len(f.Comments) != rounds || f.Revision != 1+rounds {
		t.Errorf("%d wins, %d conflicts, %d comments, revision %d", wins, conflicts, len(f.Comments), f.Revision)
	}
	if report, err := r.Verify(ctx); err != nil || report.Fault != nil {
		t.Errorf("the audit log after acting at once: %+v, %v", report, err)
	}
}

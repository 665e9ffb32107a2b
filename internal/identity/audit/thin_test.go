package audit

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func head(at time.Time) []byte {
	return fmt.Appendf(nil, "%s\n1\nroot\n%s\n\n\u2014 signature\n", origin, at.UTC().Format(timeLayout))
}

// TestThinningLaterComesToTheSame: however often and when the checkpoints were
// thinned, what is left is what one thinning at the end leaves. Verify rests on it.
func TestThinningLaterComesToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := start
		var all [][]byte
		for range rapid.IntRange(0, 200).Draw(t, "n") {
			at = at.Add(time.Duration(rapid.IntRange(-3600, 90_000).Draw(t, "gap")) * time.Second) // clocks are set back too
			all = append(all, head(at))
		}
		_, last := Thinning(at.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "days")) * 24 * time.Hour))
		want := thinned(all, last)
		some := all
		for _, days := range rapid.SliceOfN(rapid.IntRange(0, 300), 0, 4).Draw(t, "before") {
			some = thinned(some, last.Add(-time.Duration(days)*24*time.Hour))
		}
		if got := thinned(some, last); !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("%d left, want %d", len(got), len(want))
		}
		if len(all) > 0 && !slices.Equal(want[len(want)-1], all[len(all)-1]) {
			t.Fatal("the newest is gone")
		}
	})
}

func TestThinningIsBounded(t *testing.T) {
	now := start.Add(3 * 365 * 24 * time.Hour)
	var all [][]byte
	for at := start; at.Before(now); at = at.Add(20 * time.Minute) {
		all = append(all, head(at))
	}
	all = append(all, []byte("no checkpoint"))
	entry, cutoff := Thinning(now)
	if got := ThinnedUntil(entry.Detail); !got.Equal(cutoff) || !ThinnedUntil("soon").IsZero() {
		t.Errorf("the entry tells %s, want %s", got, cutoff)
	}
	left := thinned(all, cutoff)
	if most := 8*24*3 + 91*24 + 3*366 + 1; len(left) > most || string(left[len(left)-1]) != "no checkpoint" {
		t.Errorf("%d of %d are left, want at most %d with what is no checkpoint", len(left), len(all), most)
	}
}

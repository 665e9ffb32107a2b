package advisory

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// accounts keeps when a source told of itself.
type accounts struct{ at []time.Time }

func (a *accounts) Put(_ context.Context, b *event.Batch) error {
	for i := range b.Health {
		a.at = append(a.at, b.Health[i].Seen)
	}
	return nil
}

// Between two looks at the folder, which may be a day apart, the source tells
// that it lives: a source that says nothing for a minute is taken for silent.
func TestSourceTellsOfItselfBetweenLooks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.json"), []byte(notice("SALT-1")), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{ID: "csaf", Path: dir, Every: 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // of the bubble's clock
		defer cancel()
		var told accounts
		if err := s.Run(ctx, &told); ctx.Err() == nil {
			t.Fatal(err)
		}
		if len(told.at) < 60 {
			t.Errorf("%d accounts in ten minutes", len(told.at))
		}
		for i := 1; i < len(told.at); i++ {
			if gap := told.at[i].Sub(told.at[i-1]); gap > 12*time.Second {
				t.Errorf("nothing for %s", gap)
			}
		}
	})
}

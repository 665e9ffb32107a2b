package system

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Who is inside outlives the warm-up: a shift is longer than two hours, and a
// count that forgot who came before a restart would send nobody to look for them.
const (
	peopleBack = 7 * 24 * time.Hour // as long as a presence without any use is kept (physical.Options.Forget)
	peopleMost = 100_000            // newest events that are read back
)

// recallPeople gives the watches the access events of the past days, before the
// stream tells the newest ones again. The watch knows a repeat, and what it tells
// of them was told when they came in.
func (s *System) recallPeople(ctx context.Context, now time.Time) error {
	events, err := s.telemetry.AccessEvents(ctx, event.AccessQuery{From: now.Add(-peopleBack), Limit: peopleMost})
	if err != nil {
		return fmt.Errorf("reading back who is on site: %w", err)
	}
	slices.Reverse(events) // oldest first
	s.watchMu.Lock()
	defer s.watchMu.Unlock()
	s.watches.Observe(&event.Batch{Access: events})
	s.watches.Take()
	return nil
}

package system

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quaywatch/quaywatch/internal/event"
)

// watchPosition names the place in the stream that the register has applied.
const watchPosition = "watches"

// warmUp is how far back the stream is read again at a start, so that the
// watches know the tracks and hosts of before.
const warmUp = 2 * time.Hour

// pipeline reads the stream once and hands each batch to telemetry and to the
// watches, which work beside each other. Each keeps its own place in its own
// transaction, so that after a crash neither misses a batch nor applies it twice.
func (s *System) pipeline(ctx context.Context) error {
	warm, err := s.stream.SeqSince(ctx, time.Now().Add(-warmUp))
	if err != nil {
		return err
	}
	st, err := s.stream.State(ctx)
	if err != nil {
		return err
	}
	s.restoreVessels(st.First, st.Last)
	s.restoreNetwork()
	from := min(warm, s.telemetry.Position()+1, s.position.Load()+1)
	if st.Last == 0 || s.position.Load() >= st.Last {
		s.warmed.Store(from > st.Last)
	}
	if err := s.recallPeople(ctx, time.Now().UTC()); err != nil {
		return err
	}
	if err := s.recallFindings(ctx); err != nil {
		return err
	}
	return s.stream.Consume(ctx, from, func(ctx context.Context, got []event.Stored) error {
		var g errgroup.Group
		g.Go(func() error { return s.telemetry.Append(ctx, got) })
		g.Go(func() error { return s.observe(ctx, got) })
		if err := g.Wait(); err != nil {
			return err
		}
		if got[len(got)-1].Seq >= st.Last {
			s.warmed.Store(true)
		}
		return nil
	})
}

// observe hands batches to the watches and what they tell to the register.
// Batches that the register has applied already only warm the watches.
func (s *System) observe(ctx context.Context, got []event.Stored) error {
	s.watchMu.Lock()
	defer s.watchMu.Unlock()
	applied := s.position.Load()
	known := slices.IndexFunc(got, func(m event.Stored) bool { return m.Seq > applied })
	if known < 0 {
		known = len(got)
	}
	s.feed(got[:known])
	if known > 0 {
		s.doubts.Observe(s.watches.Take()) // told before the restart
		s.watches.Health.Restarted()
	}
	fresh := got[known:]
	if len(fresh) == 0 {
		return nil
	}
	s.feed(fresh)
	occs := s.watches.Take()
	s.feedOut(fresh, occs)
	last := fresh[len(fresh)-1].Seq
	defer s.seen.Store(last)
	if len(occs) == 0 && last-applied < positionEvery {
		return nil // the place is written with the next occurrence, or before long
	}
	if _, err := s.register.Report(ctx, watchPosition, last, occs); err != nil {
		return fmt.Errorf("reporting %d occurrences: %w", len(occs), err)
	}
	s.position.Store(last)
	return nil
}

// positionEvery is how many quiet batches may pass before the place is written.
const positionEvery = 200

func (s *System) feed(got []event.Stored) {
	p := s.port.Load()
	for _, m := range got {
		if m.Seq > s.restored {
			s.watches.Observe(m.Batch)
		} else {
			s.watches.ObserveButVessels(m.Batch)
		}
		s.fed = max(s.fed, m.Seq)
		s.advisories.Observe(m.Batch)
		s.activity.add(p, m.Batch)
	}
}

// advance lets time pass for the watches, so that silence is noticed.
func (s *System) advance(ctx context.Context, now time.Time) error {
	if !s.warmed.Load() {
		return nil // the stream tells the past first
	}
	s.watchMu.Lock()
	defer s.watchMu.Unlock()
	s.watches.Advance(now)
	occs := s.watches.Take()
	s.doubts.Observe(occs)
	if len(occs) == 0 {
		return nil
	}
	// Without a position: a clock that was set back must not make this look like
	// what was applied before.
	if _, err := s.register.Report(ctx, "", 0, occs); err != nil {
		return fmt.Errorf("reporting %d occurrences of passing time: %w", len(occs), err)
	}
	return nil
}

// every runs do at each interval until the context ends.
func every(ctx context.Context, interval time.Duration, do func(context.Context) error) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := do(ctx); err != nil {
			return err
		}
	}
}

// keepHouse starts the regular work.
func (s *System) keepHouse(ctx context.Context, g *errgroup.Group) {
	g.Go(func() error { return every(ctx, time.Second, s.telemetry.Flush) })
	g.Go(func() error {
		return every(ctx, time.Second, func(ctx context.Context) error { return s.advance(ctx, time.Now().UTC()) })
	})
	g.Go(func() error {
		return every(ctx, 10*time.Second, func(ctx context.Context) error {
			_, err := s.register.Expire(ctx, time.Now().UTC())
			return err
		})
	})
	g.Go(func() error {
		return every(ctx, time.Minute, func(ctx context.Context) error {
			return s.records.Identity().DeleteExpiredSessions(ctx, time.Now().UTC())
		})
	})
	g.Go(func() error { return every(ctx, time.Minute, s.trim) })
	g.Go(func() error { return every(ctx, time.Second, s.announce) })
	g.Go(func() error {
		return every(ctx, 5*time.Minute, func(ctx context.Context) error { return s.telemetry.Maintain(ctx, time.Now().UTC()) })
	})
	g.Go(func() error { return every(ctx, 30*time.Second, s.records.Checkpoint) })
	g.Go(func() error { return every(ctx, snapshotEvery, s.saveVessels) })
	g.Go(func() error { return every(ctx, snapshotEvery, s.saveNetwork) })
	g.Go(func() error { return every(ctx, riskEvery, s.risk.look) })
	g.Go(func() error { return every(ctx, riskEvery, s.exposure.look) })
	g.Go(func() error { return every(ctx, riskEvery, s.walls.look) })
	g.Go(func() error { return every(ctx, 10*time.Second, s.paper.look) })
	g.Go(func() error { return every(ctx, boardLook, s.boards.look) })
}

// trim forgets what every reader has applied and the warm-up no longer needs.
func (s *System) trim(ctx context.Context) error {
	warm, err := s.stream.SeqSince(ctx, time.Now().Add(-warmUp))
	if err != nil {
		return err
	}
	return s.stream.Trim(ctx, min(warm, s.telemetry.Position()+1, s.position.Load()+1))
}

package system

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/quaywatch/quaywatch/internal/datadir"
	"github.com/quaywatch/quaywatch/internal/event"
)

// A stream that was made anew counts from one again. What comes in then must not
// be taken for what the records and the telemetry of before have applied.
func TestBatchesOfANewStreamAreNotTakenForRepeats(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	cfg := killConfig(dir)
	put := func(s *System, from, batches int) {
		t.Helper()
		for i := range batches {
			b := &event.Batch{ID: t.Name() + string(rune('a'+from+i)), Source: "test", Vessels: []event.VesselReport{killRow(from + i)}}
			if err := s.stream.Put(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
	}
	// apply hands the stream from place first on to telemetry and watches.
	apply := func(s *System, first, last uint64) {
		t.Helper()
		consume, stop := context.WithCancel(ctx)
		defer stop()
		err := s.stream.Consume(consume, first, func(ctx context.Context, got []event.Stored) error {
			if err := s.telemetry.Append(ctx, got); err != nil {
				return err
			}
			if err := s.observe(ctx, got); err != nil {
				return err
			}
			if got[len(got)-1].Seq >= last {
				stop()
			}
			return nil
		})
		if consume.Err() == nil {
			t.Fatal(err)
		}
		if _, err := s.register.Report(ctx, watchPosition, last, nil); err != nil {
			t.Fatal(err)
		}
	}
	open := func() *System {
		t.Helper()
		s, err := Open(ctx, cfg, Options{Command: "test"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	put(s, 0, 5)
	apply(s, 1, 5)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(cfg.Data, datadir.Stream)); err != nil {
		t.Fatal(err)
	}
	s = open()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	put(s, 5, 2)
	apply(s, 1, 2)
	if err := s.telemetry.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	counts, err := s.telemetry.Counts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if counts["positions"] != 7 {
		t.Errorf("%d positions are kept of 7: the new stream was taken for the old one", counts["positions"])
	}
	if at := s.telemetry.Position(); at != 2 {
		t.Errorf("telemetry stands at %d of the new stream, want 2", at)
	}
}

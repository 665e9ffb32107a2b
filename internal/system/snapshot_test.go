package system

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/quaywatch/quaywatch/internal/datadir"
	"github.com/quaywatch/quaywatch/internal/event"
)

// What the watch of vessels has learned outlives a restart, and what the stream
// tells again is not counted twice. A snapshot that is damaged, or that does not
// fit to the stream, is left aside and stops nothing.
func TestVesselsGoOnFromTheirSnapshot(t *testing.T) {
	ctx, cfg := context.Background(), killConfig(t.TempDir())
	open := func() *System {
		t.Helper()
		s, err := Open(ctx, cfg, Options{Command: "test"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	var stored []event.Stored
	for i := range 6 {
		r := killRow(1)
		r.Time, r.Lat, r.Raw.Offset = r.Time.Add(1e9*30*1), r.Lat+float64(i)*0.001, int64(i)
		stored = append(stored, event.Stored{Seq: uint64(i + 1), Batch: &event.Batch{ID: string(rune('a' + i)), Source: "test", Vessels: []event.VesselReport{r}}})
	}
	reports := func(s *System) uint64 {
		p := s.watches.Vessel.Picture()
		if len(p.Tracks) != 1 {
			t.Fatalf("%d vessels, want 1", len(p.Tracks))
		}
		return p.Tracks[0].Reports
	}
	s := open()
	s.warmed.Store(true)
	s.feed(stored[:4])
	want := reports(s)
	if err := s.saveVessels(ctx); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cfg.Data, datadir.Vessels)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		file        []byte
		first, last uint64
		restored    bool
	}{
		{"whole", whole, 1, 6, true},
		{"cut off", whole[:len(whole)-9], 1, 6, false},
		{"rubbish", bytes.Repeat([]byte{0}, 300), 1, 6, false},
		{"of a longer stream", whole, 1, 3, false},
		{"of before the stream begins", whole, 6, 9, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(path, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open()
			defer s.Close()
			s.restoreVessels(c.first, c.last)
			if got := s.restored > 0; got != c.restored {
				t.Fatalf("restored: %v, want %v", got, c.restored)
			}
			s.feed(stored[:4]) // the warm-up
			if got := reports(s); got != want {
				t.Errorf("%d reports after the warm-up, want %d", got, want)
			}
			s.feed(stored[4:])
			if got := reports(s); got <= want {
				t.Error("what came after the snapshot is not counted")
			}
		})
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

package system

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

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

// What the watch of the network has learned is written down and taken over; a
// snapshot that is damaged is left aside and stops nothing.
func TestNetworkLearningIsTakenOver(t *testing.T) {
	ctx, cfg := context.Background(), killConfig(t.TempDir())
	path := filepath.Join(cfg.Data, datadir.Network)
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	life := func(rows bool) []byte {
		t.Helper()
		s, err := Open(ctx, cfg, Options{Command: "test"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.restoreNetwork()
		s.warmed.Store(true)
		if rows {
			f := event.Flow{Head: event.Head{Source: "test", Time: at, Seen: at, Told: true}, Last: at, Transport: "tcp", Application: "modbus", Answered: true,
				Direction: event.DirectionSeen, Client: event.Endpoint{IP: "10.44.2.11", Port: 50000}, Server: event.Endpoint{IP: "10.44.10.101", Port: 502}, PacketsOut: 3, PacketsIn: 3}
			s.feed([]event.Stored{{Seq: 1, Batch: &event.Batch{ID: "a", Source: "test", Flows: []event.Flow{f}}}})
		}
		if err := s.saveNetwork(ctx); err != nil {
			t.Fatal(err)
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return whole
	}
	whole := life(true)
	if again := life(false); !bytes.Equal(whole, again) || !bytes.Contains(again, []byte("talker ip:10.44.2.11 tcp/502 modbus")) {
		t.Error("what was learned did not outlive the restart")
	}
	if err := os.WriteFile(path, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if again := life(false); bytes.Contains(again, []byte("talker ip:10.44.2.11")) {
		t.Error("a snapshot that was cut off was used")
	}
}

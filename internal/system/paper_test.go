package system

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/cargo"
	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/simulate"
)

// TestPaperIsPrintedByTheClock: a pack at the start, none before it is time, the
// newest found again after a restart, old ones removed and nothing else, and the
// last pack left in place when the next can't be made.
func TestPaperIsPrintedByTheClock(t *testing.T) {
	t.Setenv("QUAYWATCH_CHROMIUM", filepath.Join(t.TempDir(), "none")) // below: a try that fails
	dir := t.TempDir()
	if err := writeExample(filepath.Join(dir, "port")); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(filepath.Join(dir, "quaywatch.yaml"), []byte("port: port/port.yaml\npaper: {snapshots: snapshots, every: 6h, keep: 2}\n"))
	if err != nil {
		t.Fatal(err)
	}
	snap, err := cargo.Write(filepath.Join(dir, "snapshots"), simulate.Yard(1, time.Now().Add(-time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()

	if err := s.paper.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state := s.paper.State(); state.Problem == "" || !state.Printed.IsZero() || !state.Late(time.Now()) {
		t.Errorf("with a browser that can't be started: %+v", state)
	}
	if s.paper.again.Before(time.Now().Add(paperRetry / 2)) {
		t.Error("a failure is tried again at once")
	}
	t.Setenv("QUAYWATCH_CHROMIUM", "")
	t.Setenv("PATH", "") // no browser: the program draws

	old := time.Now().UTC().Add(-30 * time.Hour)
	for i, at := range []time.Time{old, old.Add(6 * time.Hour), old.Add(12 * time.Hour)} {
		pack := s.paper.dir(at.Truncate(time.Second))
		if err := os.MkdirAll(pack, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(pack, report.PaperPDF), []byte{byte(i)}, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mine := filepath.Join(cfg.Paper.Output, "keep me")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.paper.again = time.Time{}
	if err := s.paper.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := s.paper.State()
	if state.Problem != "" || state.Printed.IsZero() || state.Late(time.Now()) || state.Taken.Format(cargo.Stamp) != filepath.Base(snap) {
		t.Fatalf("after printing: %+v", state)
	}
	packs, err := s.paper.packs()
	if err != nil || len(packs) != 2 || !packs[1].Equal(state.Printed) {
		t.Errorf("kept %v, %v", packs, err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error("a file that is not ours was removed")
	}
	if err := s.paper.look(t.Context()); err != nil || !s.paper.State().Printed.Equal(state.Printed) {
		t.Error("printed again before it was time")
	}
	again := newPaperDesk(s)
	if err := again.look(t.Context()); err != nil || !again.State().Printed.Equal(state.Printed) || again.State().Dir != state.Dir {
		t.Errorf("after a restart: %+v", again.State())
	}
	pdf, err := os.ReadFile(filepath.Join(state.Dir, report.PaperPDF))
	if err != nil || !strings.HasPrefix(string(pdf), "%PDF-") {
		t.Errorf("no PDF: %v", err)
	}
}

// TestPacksWithCargoStay: while no snapshot can be used, one from the future among
// them, the packs that have cargo are not removed.
func TestPacksWithCargoStay(t *testing.T) {
	t.Setenv("QUAYWATCH_CHROMIUM", "")
	t.Setenv("PATH", "") // no browser: the program draws
	dir := t.TempDir()
	if err := writeExample(filepath.Join(dir, "port")); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(filepath.Join(dir, "quaywatch.yaml"), []byte("port: port/port.yaml\npaper: {snapshots: snapshots, every: 6h, keep: 2}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cargo.Write(filepath.Join(dir, "snapshots"), simulate.Yard(1, time.Now().AddDate(3, 0, 0))); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	old := time.Now().UTC().Truncate(time.Second).Add(-30 * time.Hour)
	for _, at := range []time.Time{old, old.Add(6 * time.Hour), old.Add(12 * time.Hour)} {
		if err := os.MkdirAll(s.paper.dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.paper.dir(at), report.PaperPDF), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.paper.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := s.paper.State()
	if state.Printed.IsZero() || !state.Taken.IsZero() || !strings.Contains(strings.Join(state.Warnings, " "), "No cargo in this pack") {
		t.Errorf("with a snapshot from the future alone: %+v", state)
	}
	if packs, err := s.paper.packs(); err != nil || len(packs) != 4 {
		t.Errorf("%d packs, %v", len(packs), err)
	}
}

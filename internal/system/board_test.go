package system

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/store"
)

// TestBoardReports: one of the month by itself and no second, a draft that is signed
// once and by its sum, the signed one is what the next is compared with, all of it
// after a restart and in the audit log.
func TestBoardReports(t *testing.T) {
	dir := t.TempDir()
	if err := writeExample(filepath.Join(dir, "port")); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(filepath.Join(dir, "quaywatch.yaml"), []byte("port: port/port.yaml\n"))
	if err != nil {
		t.Fatal(err)
	}
	open := func() *System {
		s, err := Open(t.Context(), cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.warmed.Store(true)
		return s
	}
	kept := func(s *System) []report.KeptBoard {
		t.Helper()
		all, err := s.boards.Kept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	look := func(s *System) {
		t.Helper()
		if err := s.boards.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s := open()
	look(s)
	if len(kept(s)) != 0 {
		t.Fatal("a report without figures, and without a reason for it, was kept")
	}
	if err := s.risk.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	look(s)
	look(s)
	all := kept(s)
	if month := time.Now().UTC().Format("2006-01"); len(all) != 1 || all[0].ID != month || all[0].By != "system" || all[0].Board.Last != nil || len(all[0].Board.Scenarios) != 5 {
		t.Fatalf("the report of the month: %d kept", len(all))
	}

	id, err := s.boards.Keep(t.Context(), "cso")
	if err != nil {
		t.Fatal(err)
	}
	draft, err := s.boards.Get(t.Context(), id)
	if err != nil || draft.Signed != nil || draft.By != "cso" || draft.Board.Last == nil {
		t.Fatalf("the draft: %+v, %v", draft, err)
	}
	if err := s.boards.Sign(t.Context(), id, all[0].Sum, "cso", "Security"); !errors.Is(err, console.ErrBoardChanged) {
		t.Errorf("signing by the sum of another: %v", err)
	}
	if err := s.boards.Sign(t.Context(), id, draft.Sum, "cso", "Security"); err != nil {
		t.Fatal(err)
	}
	if err := s.boards.Sign(t.Context(), id, draft.Sum, "cso", "Security"); !errors.Is(err, console.ErrBoardChanged) {
		t.Errorf("signing twice: %v", err)
	}
	if err := s.boards.Sign(t.Context(), "none", "", "cso", "Security"); !errors.Is(err, console.ErrNoBoard) {
		t.Errorf("signing nothing: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	signed, err := s.boards.Get(t.Context(), id)
	if err != nil || signed.Signed == nil || signed.Signed.Name != "Security" || signed.Signed.Sum != draft.Sum || string(signed.Data) != string(draft.Data) {
		t.Fatalf("after a restart: %+v, %v", signed.Signed, err)
	}
	if err := s.risk.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	look(s)
	if len(kept(s)) != 2 {
		t.Errorf("%d kept after a restart in the same month", len(kept(s)))
	}
	next, err := s.boards.Draft(t.Context())
	if err != nil || next.Last == nil || !next.Last.Equal(signed.Board.AsOf) {
		t.Errorf("the next is compared with %v: %v", next.Last, err)
	}
	// One that is damaged is in the list as such; the others are read, and the next is
	// compared with none that nobody can vouch for.
	if _, err := s.records.Declare(t.Context(), store.Declared{Kind: boardKind, ID: "29990101T000000Z", Time: time.Now().Add(time.Hour), Actor: "x", Body: []byte(`{"report":{"version":7}}`)}, 0); err != nil {
		t.Fatal(err)
	}
	damaged := kept(s)
	if len(damaged) != 3 || damaged[0].ID != "29990101T000000Z" || damaged[0].Damaged == "" || damaged[1].Damaged != "" {
		t.Errorf("%d in the list beside a damaged one: %+v", len(damaged), damaged[0])
	}
	if again, err := s.boards.Draft(t.Context()); err != nil || again.Last == nil || !again.Last.Equal(signed.Board.AsOf) {
		t.Errorf("beside a damaged one the next is compared with %v: %v", again.Last, err)
	}
	entries, err := s.records.Audit(t.Context(), store.AuditQuery{Subject: boardKind + "/" + id})
	if err != nil || len(entries) != 2 || !strings.Contains(entries[0].Detail, "signed, report sha256 "+draft.Sum) || entries[0].Actor != "cso" {
		t.Errorf("the audit log: %+v, %v", entries, err)
	}
}

// TestSignedReportWasChanged: a signature holds for the bytes that were signed.
func TestSignedReportWasChanged(t *testing.T) {
	const sum = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" // of {}
	body := `{"report":{"version":1},"signature":{"name":"Security","account":"cso","sha256":"` + sum + `"}}`
	if _, err := readBoard(&store.Declared{ID: "x", Body: []byte(body)}); err == nil || !strings.Contains(err.Error(), "not what cso signed") {
		t.Errorf("got %v", err)
	}
}

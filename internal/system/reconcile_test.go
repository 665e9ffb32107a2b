package system

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/port"
)

// TestReconciledPortFile: decisions become a patch of the port file; once it is
// applied, the patch is empty; undoing a decision takes it out; nothing was written.
func TestReconciledPortFile(t *testing.T) {
	s, cfg := exposed(t, "")
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	d := reconcileDesk{s}
	before, err := os.ReadFile(filepath.Join(filepath.Dir(cfg.Port), "assets.csv"))
	if err != nil {
		t.Fatal(err)
	}
	patch := func() string {
		t.Helper()
		diff, byHand, err := d.Patch(t.Context())
		if err != nil || len(byHand) > 0 {
			t.Fatal(err, byHand)
		}
		return string(diff)
	}
	if patch() != "" {
		t.Error("a patch without decisions")
	}
	adopt := console.Reconciled{ID: "ip:10.60.3.77", Do: console.Adopt, Device: port.Addition{ID: "cam-new", Domain: "physical", Kind: "camera", IP: "10.60.3.77", Zone: "camera-net"}}
	if err := d.Reconcile(t.Context(), adopt, "ot0", 0); err != nil {
		t.Fatal(err)
	}
	take := console.Reconciled{ID: "crane-scada-1", Do: console.Take, Correct: []port.Correction{{Asset: "crane-scada-1", Field: "firmware", Value: "7.7"}}}
	if err := d.Reconcile(t.Context(), take, "ot0", 0); err != nil {
		t.Fatal(err)
	}
	if err := d.Reconcile(t.Context(), adopt, "cyso", 0); !errors.Is(err, console.ErrDecided) {
		t.Errorf("deciding on what is decided: %v", err)
	}
	if err := d.Undo(t.Context(), "ip:192.0.2.1", "ot0", 0); !errors.Is(err, console.ErrDecided) {
		t.Errorf("undoing what nobody decided: %v", err)
	}
	text := patch()
	if !strings.Contains(text, "cam-new") || !strings.Contains(text, "7.7") {
		t.Fatalf("the patch:\n%s", text)
	}
	if err := d.Undo(t.Context(), "ip:10.60.3.77", "ot0", 1); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(patch(), "cam-new") {
		t.Error("what was undone is in the patch")
	}
	if err := d.Reconcile(t.Context(), adopt, "ot0", 0); err != nil {
		t.Errorf("deciding again: %v", err)
	}
	if now, err := os.ReadFile(filepath.Join(filepath.Dir(cfg.Port), "assets.csv")); err != nil || string(now) != string(before) {
		t.Error("the port file was written")
	}
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	c := exec.Command(git, "apply", "-p1", "-")
	c.Dir, c.Stdin = filepath.Dir(cfg.Port), strings.NewReader(patch())
	c.Env = append(os.Environ(), "GIT_DIR=/nonexistent")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("applying: %v %s", err, out)
	}
	p, err := port.Load(cfg.Port)
	if err != nil || p.Asset("cam-new") == nil || p.Asset("crane-scada-1").Firmware != "7.7" {
		t.Errorf("the patched port file: %v", err)
	}
	if patch() != "" {
		t.Error("what the port file has is still in the patch")
	}
}

package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/store/sqlite"
)

// TestCrashInARestore cuts a restore off after each of its steps: at the next
// opening there are all of the records or none, and never some of their files
// beside new ones.
func TestCrashInARestore(t *testing.T) {
	ctx := t.Context()
	from := t.TempDir()
	r, err := sqlite.Open(ctx, filepath.Join(from, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	o := finding.Occurrence{Rule: "test.restore", Subject: finding.Subject{Kind: "asset", ID: "a"}, Title: "It went dark"}
	events, err := finding.NewRegister(r.Findings(), finding.Options{}).Report(ctx, "w", 1, []finding.Occurrence{o})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	m, err := sqlite.Backup(ctx, from, &backup, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 3 {
		t.Fatalf("the backup holds %v, want the database, the checkpoints and the keys", m.Files)
	}
	for moved := range len(m.Files) + 1 {
		dir := t.TempDir()
		if _, err := sqlite.Stage(bytes.NewReader(backup.Bytes()), dir); err != nil {
			t.Fatal(err)
		}
		for _, c := range m.Files[:moved] { // the machine dies after so many
			if err := os.Rename(filepath.Join(dir, "restore.ready", c.Name), filepath.Join(dir, c.Name)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := sqlite.ReadOnly(filepath.Join(dir, sqlite.File)); err == nil {
			t.Error("half a restore was opened to look at it")
		}
		if _, err := sqlite.Restore(bytes.NewReader(backup.Bytes()), dir); err == nil {
			t.Error("another backup was put over half a restore")
		}
		if got := restored(t, dir, events[0].Finding.ID); !bytes.Equal(got, restored(t, from, events[0].Finding.ID)) {
			t.Errorf("after %d files: %q", moved, got)
		}
		again, err := sqlite.Open(ctx, filepath.Join(dir, sqlite.File))
		if err != nil {
			t.Fatal(err)
		}
		if report, err := again.Verify(ctx); err != nil || report.Fault != nil {
			t.Errorf("after %d files the audit log does not hold: %+v, %v", moved, report.Fault, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "restore.ready")); err == nil {
			t.Errorf("after %d files the restore is still not finished", moved)
		}
	}
}

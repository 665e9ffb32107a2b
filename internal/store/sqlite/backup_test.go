package sqlite_test

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/store/sqlite"
)

// TestDamagedBackup cuts a backup and flips its bytes: it is restored whole or
// not at all.
func TestDamagedBackup(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	r, err := sqlite.Open(ctx, filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	register := finding.NewRegister(r.Findings(), finding.Options{})
	o := finding.Occurrence{Rule: "test.backup", Subject: finding.Subject{Kind: "asset", ID: "a"}, Title: "It went dark"}
	events, err := register.Report(ctx, "w", 1, []finding.Occurrence{o})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	if _, err := sqlite.Backup(ctx, dir, &backup, time.Now()); err != nil {
		t.Fatal(err)
	}
	whole := backup.Bytes()
	damaged := 0
	for i := 0; i < len(whole); i += 1 + len(whole)/150 {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 0x10
		for _, b := range [][]byte{whole[:i], flipped} {
			to := t.TempDir()
			if _, err := sqlite.Restore(bytes.NewReader(b), to); err == nil {
				if bytes.Equal(restored(t, to, events[0].Finding.ID), restored(t, dir, events[0].Finding.ID)) {
					continue // bytes that carry nothing, such as a checksum of the archive that is not needed
				}
				t.Errorf("a backup damaged at byte %d of %d was restored as if whole", i, len(whole))
			} else if left, err := filepath.Glob(filepath.Join(to, "*")); err != nil || len(left) > 0 {
				t.Errorf("a failed restore left %v (%v)", left, err)
			}
			damaged++
		}
	}
	t.Logf("%d damaged backups refused", damaged)
}

func restored(t *testing.T, dir, id string) []byte {
	t.Helper()
	r, err := sqlite.Open(t.Context(), filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f, err := r.Findings().Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(f.Title + f.ID)
}

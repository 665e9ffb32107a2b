package storetest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity/audit"
	"github.com/quaywatch/quaywatch/internal/store"
)

// testThinning lets two weeks of decisions pass. What is left of the checkpoints
// is small and proves every entry; a crash in the middle is no fault, and what
// somebody takes away besides is.
func testThinning(t *testing.T, d Database) {
	ctx := t.Context()
	path := filepath.Join(d.Dir, audit.CheckpointsFile)
	now := start
	r := open(t, d, store.WithClock(func() time.Time { return now }))
	for range 14 * 24 {
		for range 2 {
			now = now.Add(30 * time.Minute)
			check(t, r.Record(ctx, audit.Entry{Time: now, Actor: "jane", Action: "rounds"}))
		}
	}
	before := must[[]byte](t)(os.ReadFile(path))
	check(t, r.ThinCheckpoints(ctx))
	check(t, r.Close())
	after := must[[]byte](t)(os.ReadFile(path))
	if len(after) > len(before)*4/5 {
		t.Errorf("%d bytes of checkpoints are left of %d", len(after), len(before))
	}
	whole := verify(t, d, d.SQL())
	if whole.Fault != nil || whole.Signed != whole.Entries {
		t.Fatalf("after thinning: %+v, fault %+v", whole, whole.Fault)
	}
	t.Logf("%d of %d bytes left, %d checkpoints for %d entries", len(after), len(before), whole.Checkpoints, whole.Entries)

	// The machine died before the file was thinned: the old one and what came after.
	check(t, os.WriteFile(path, append(bytes.Clone(before), after[bytes.Index(after, lastOf(before))+len(lastOf(before)):]...), 0o600))
	if got := verify(t, d, d.SQL()); got.Fault != nil {
		t.Errorf("a file that is not thinned yet is called a fault: %+v", got.Fault)
	}
	r = open(t, d, store.WithClock(func() time.Time { return now }))
	check(t, r.ThinCheckpoints(ctx))
	check(t, r.Close())
	if got := must[[]byte](t)(os.ReadFile(path)); !bytes.Equal(got, after) {
		t.Errorf("the next thinning left %d bytes of the file, want %d", len(got), len(after))
	}

	// Somebody takes one more away.
	first := bytes.Index(after, []byte("\n\n\u2014"))
	end := first + bytes.Index(after[first+2:], []byte("\n\n")) + 4
	check(t, os.WriteFile(path, after[end:], 0o600))
	if got := verify(t, d, d.SQL()); got.Fault == nil {
		t.Error("a checkpoint that thinning keeps was removed from the file, and it is no fault")
	}
	check(t, os.WriteFile(path, after, 0o600))
}

// lastOf is the last checkpoint of a file.
func lastOf(b []byte) []byte {
	return b[bytes.LastIndex(b, []byte("quaywatch audit log\n")):]
}

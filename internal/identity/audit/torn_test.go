package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A disk that fills up in the middle of a checkpoint leaves a piece of it in the
// file. The next append must take the piece away, or every later verification
// would tell of a change that nobody made.
func TestAppendAfterATornOne(t *testing.T) {
	dir := t.TempDir()
	key, err := OpenKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	var e Edge
	sign := func() []byte {
		t.Helper()
		if _, err := e.Add(Entry{Time: time.Unix(1, 0), Actor: "a", Action: "b"}); err != nil {
			t.Fatal(err)
		}
		b, err := key.Sign(&e, time.Unix(2, 0))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one, two, three := sign(), sign(), sign()
	path := filepath.Join(dir, CheckpointsFile)
	for _, torn := range []int{1, len(two) / 2, len(two)} {
		if err := os.WriteFile(path, append(framed(one), two[:torn]...), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{two, three} {
			if err := AppendCheckpoint(dir, b); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := bytes.Join([][]byte{framed(one), framed(two), framed(three)}, nil); !bytes.Equal(got, want) {
			t.Errorf("torn after %d bytes, the file holds\n%s\nwant\n%s", torn, got, want)
		}
	}
	// What is no piece of this checkpoint is not ours to take away.
	odd := append(framed(one), "something else"...)
	if err := os.WriteFile(path, odd, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := AppendCheckpoint(dir, two); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.HasPrefix(got, odd) {
		t.Error("bytes of another origin were taken away")
	}
}

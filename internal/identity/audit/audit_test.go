package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

var start = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// TestEdge compares the edge with the tree that tlog computes from all hashes,
// at every size.
func TestEdge(t *testing.T) {
	var edge Edge
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for n := range int64(300) {
		want, err := tlog.TreeHash(n, reader)
		if err != nil || edge.Root() != want {
			t.Fatalf("root of %d entries: %v, want %v (%v)", n, edge.Root(), want, err)
		}
		again, err := EdgeOf(n, edge.Bytes())
		if err != nil || again.Root() != want {
			t.Fatalf("edge of %d entries does not come back: %v", n, err)
		}
		row, err := edge.Add(Entry{Time: start, Actor: "jane", Action: "look"})
		if err != nil {
			t.Fatal(err)
		}
		hashes, err := tlog.StoredHashes(n, row.Body, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	if _, err := EdgeOf(3, make([]byte, 32)); err == nil {
		t.Error("an edge that does not fit its size was taken")
	}
}

// TestCanonical: an entry has one form, whatever it holds.
func TestCanonical(t *testing.T) {
	for _, e := range []Entry{
		{Time: start, Actor: "jane", Action: "note", Subject: "finding/F-1", Detail: "<b>&\u2028 \"quoted\"\n"},
		{Time: start.Add(1500 * time.Nanosecond).In(time.FixedZone("", 7200)), Actor: "a\x00", Action: "b\xff"},
		{Time: start, Actor: "jane", Action: "note", Detail: strings.Repeat("é", MaxDetail)},
	} {
		var edge Edge
		row, err := edge.Add(e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := row.Decode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := back.encode()
		if err != nil || !bytes.Equal(again, row.Body) {
			t.Errorf("%s\ncame back as\n%s (%v)", row.Body, again, err)
		}
		if len(back.Detail) > MaxDetail || !utf8.ValidString(back.Detail) {
			t.Errorf("a detail of %d bytes", len(back.Detail))
		}
	}
	for _, e := range []Entry{{Time: start, Action: "note"}, {Time: start, Actor: "jane"}, {Actor: "jane", Action: "note"}} {
		edge := Edge{}
		if _, err := edge.Add(e); err == nil || edge.Size != 0 {
			t.Errorf("%+v was taken", e)
		}
	}
}

func TestKey(t *testing.T) {
	dir := t.TempDir()
	one, err := OpenKey(dir)
	if err != nil || !one.Made {
		t.Fatalf("%+v, %v", one, err)
	}
	two, err := OpenKey(dir)
	if err != nil || two.Made || two.Public != one.Public {
		t.Fatalf("%+v, %v", two, err)
	}
	info, err := os.Stat(filepath.Join(dir, KeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, KeyFile), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(dir); err == nil {
		t.Error("a damaged key was taken")
	}
}

// TestStranger: a checkpoint that another key signed is refused.
func TestStranger(t *testing.T) {
	ours, theirs := t.TempDir(), t.TempDir()
	if _, err := OpenKey(ours); err != nil {
		t.Fatal(err)
	}
	stranger, err := OpenKey(theirs)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := stranger.Sign(&Edge{}, start)
	if err != nil {
		t.Fatal(err)
	}
	for dir, good := range map[string]bool{ours: false, theirs: true} {
		keys, err := Trust(filepath.Join(dir, TrustFile))
		if err != nil {
			t.Fatal(err)
		}
		c, err := Open(signed, keys)
		if (err == nil) != good || good && (c.Size != 0 || !c.Time.Equal(start)) {
			t.Errorf("trusted %t: %+v, %v", good, c, err)
		}
	}
}

// TestEveryByteOfACheckpoint flips each bit of a signed head: nothing but the original is believed.
func TestEveryByteOfACheckpoint(t *testing.T) {
	dir := t.TempDir()
	key, err := OpenKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := Trust(filepath.Join(dir, TrustFile))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := key.Sign(&Edge{}, start)
	if err != nil {
		t.Fatal(err)
	}
	for i := range signed {
		for x := 1; x < 256; x <<= 1 {
			b := bytes.Clone(signed)
			b[i] ^= byte(x)
			if _, err := Open(b, keys); err == nil {
				t.Errorf("byte %d as %q instead of %q is believed", i, b[i], signed[i])
			}
		}
	}
}

// FuzzCheckpoints: nothing that stands in the checkpoints file breaks Verify,
// and nothing but what was signed is believed.
func FuzzCheckpoints(f *testing.F) {
	dir := f.TempDir()
	key, err := OpenKey(dir)
	if err != nil {
		f.Fatal(err)
	}
	keys, err := Trust(filepath.Join(dir, TrustFile))
	if err != nil {
		f.Fatal(err)
	}
	var edge Edge
	signed, err := key.Sign(&edge, start)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(framed(signed))
	f.Add(append(framed(signed), framed(signed)...))
	f.Add([]byte("quaywatch audit log\n-1\n\n\n\n\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, rest := split(b)
		if joined := append(bytes.Join(all, nil), rest...); !bytes.Equal(joined, b) {
			t.Fatal("splitting lost bytes")
		}
		for _, one := range all {
			if c, err := Open(bytes.TrimSuffix(one, []byte("\n")), keys); err == nil && c.Size != 0 {
				t.Fatalf("a checkpoint that was never signed is believed: %+v", c)
			}
		}
		s := Stored{Rows: func(func(Row, error) bool) {}}
		_, fault := s.proofs(b, keys)
		if len(b) > 0 && fault == nil {
			t.Fatal("checkpoints that the records do not hold are no fault")
		}
	})
}

package tail

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

// sink keeps nothing: these tests are about lines.
type sink struct{}

func (sink) Put(context.Context, *event.Batch) error { return nil }

// marks keep bookmarks in memory.
type marks map[string]string

func (m marks) Bookmark(_ context.Context, id string) (string, error) { return m[id], nil }

func (m marks) SetBookmark(_ context.Context, id, mark string) error {
	m[id] = mark
	return nil
}

// heard collects lines as "file:number text".
type heard struct{ lines []string }

func (h *heard) take(_ context.Context, f *File, l *Line) error {
	h.lines = append(h.lines, fmt.Sprintf("%s:%d %s", filepath.Base(f.Path), l.Raw(false).Line, l.Text))
	return nil
}

func read(t *testing.T, m marks, paths ...string) []string {
	t.Helper()
	h := &heard{}
	fo := source.FeedOptions{}
	o := Options{ID: "t", Paths: paths, Match: func(n string) bool { return strings.Contains(n, ".log") }}
	if m != nil {
		fo.Bookmarks, o.Bookmarks = m, m
	}
	feed := source.NewFeed("t", sink{}, fo)
	if err := errors.Join(feed.Start(t.Context()), New(o).Run(t.Context(), feed, h.take), feed.End(t.Context(), nil)); err != nil {
		t.Fatal(err)
	}
	return h.lines
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func grow(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, got []string, lines ...string) {
	t.Helper()
	if !slices.Equal(got, lines) {
		t.Errorf("got  %q\nwant %q", got, lines)
	}
}

func TestFilesArchivesAndLastLines(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a.log"), "one\r\ntwo\n\nthree")
	put(t, filepath.Join(dir, "notes.txt"), "no\n")
	f, err := os.Create(filepath.Join(dir, "b.log.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte("four\nfive\n")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "c.log.gz"), "not an archive")
	want(t, read(t, nil, dir), "a.log:1 one", "a.log:2 two", "a.log:3 ", "a.log:4 three", "b.log.gz:1 four", "b.log.gz:2 five")
}

func TestRestartGoesOnWithTheHeaderAgain(t *testing.T) {
	path, m := filepath.Join(t.TempDir(), "a.log"), marks{}
	put(t, path, "#fields a\n1\n2\n")
	want(t, read(t, m, path), "a.log:1 #fields a", "a.log:2 1", "a.log:3 2")
	want(t, read(t, m, path), "a.log:1 #fields a")
	grow(t, path, "3\n")
	want(t, read(t, m, path), "a.log:1 #fields a", "a.log:4 3")
	put(t, path, "#fields b\nx\ny\nanother file\n") // of the same name
	want(t, read(t, m, path), "a.log:1 #fields b", "a.log:2 x", "a.log:3 y", "a.log:4 another file")
}

func TestLongLinesAreReadOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	put(t, path, "one\n"+strings.Repeat("x", MaxLine+10)+"\ntwo\n")
	var long *event.Raw
	feed := source.NewFeed("t", sink{}, source.FeedOptions{})
	var texts []string
	err := New(Options{ID: "t", Paths: []string{path}}).Run(t.Context(), feed, func(_ context.Context, _ *File, l *Line) error {
		if l.Long {
			r := l.Raw(true)
			long = &r
		}
		texts = append(texts, string(l.Text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, texts, "one", "", "two")
	if long == nil || long.Length != MaxLine+11 || long.Sum != event.SumOf([]byte(strings.Repeat("x", MaxLine+10)+"\n")) || len(long.Text) != event.MaxRaw {
		t.Errorf("raw of the long line: %+v", long)
	}
}

// A log that grows, is renamed and begun anew, and is cut: no line is lost and
// none is read twice.
func TestFollowThroughRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.log")
		h := &heard{}
		feed := source.NewFeed("t", sink{}, source.FeedOptions{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- New(Options{ID: "t", Paths: []string{dir}, Match: func(n string) bool { return n == "a.log" }, Follow: true}).Run(ctx, feed, h.take)
		}()
		turn := func() { time.Sleep(2 * pollEvery) } // of the bubble's clock
		turn()
		put(t, path, "1\n2\nhal")
		turn()
		grow(t, path, "f\n4\n")
		turn()
		grow(t, path, "5\n")
		if err := os.Rename(path, filepath.Join(dir, "a.1.log")); err != nil {
			t.Fatal(err)
		}
		turn()
		put(t, path, "6\n")
		turn()
		put(t, path, "7") // cut
		turn()
		grow(t, path, "\n")
		turn()
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		want(t, h.lines, "a.log:1 1", "a.log:2 2", "a.log:3 half", "a.log:4 4", "a.log:5 5", "a.log:1 6", "a.log:1 7")
	})
}

// Package tail reads log files that other programs write: line by line, as they
// grow, through rotation, and after a restart from where it stopped. It exists
// so that the readers of Zeek's and Suricata's logs share one careful way to do
// so. Sources import it; it imports source and event.
//
// A file is one that is named, or one in a directory that is named. A file that
// was replaced (rotation by renaming) is read to its end before the new one is
// begun; one that was cut (rotation by copying) is read from its start.
package tail

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

// Bounds.
const (
	pollEvery = 500 * time.Millisecond
	maxFiles  = 10_000
	proofLen  = 1024      // bytes at the start and before the place that prove a file the same
	turnLines = 20_000    // of one file before the others are looked at
	maxUnzip  = 256 << 30 // bytes out of one archive: no log is larger
)

// Options set up a Set.
type Options struct {
	ID        string
	Paths     []string               // files and directories
	Match     func(name string) bool // which files of a directory are read, by base name
	Rank      func(name string) int  // lower ones are read first in each round
	Follow    bool
	Bookmarks source.Bookmarks
}

// File is one file that is read. State is what the reader of the format keeps of
// it, such as its header; it is nil when the file begins.
type File struct {
	Path  string
	State any

	f     *os.File // nil: nothing more will be read of it
	lines *lines
	mark  mark
	at    int64 // offset up to which everything was taken
}

// Take is given each line. Lines at the start of a file that begin with '#' are
// given again after a restart in the middle of the file, before what follows.
type Take func(ctx context.Context, f *File, l *Line) error

// Set reads a set of files. It is used once.
type Set struct {
	o     Options
	files map[string]*File
	marks map[string]mark // of the last run, not yet used
	bad   func(string, event.Raw)
}

// mark is how far a file was taken.
type mark struct {
	Offset int64  `json:"offset"`
	Line   int64  `json:"line"`
	Proof  string `json:"proof"` // of the bytes at the start and before Offset
}

// New makes a set.
func New(o Options) *Set {
	if o.Match == nil {
		o.Match = func(string) bool { return true }
	}
	if o.Rank == nil {
		o.Rank = func(string) int { return 0 }
	}
	return &Set{o: o, files: map[string]*File{}}
}

// Run reads everything that is there, and goes on with what comes where the set
// follows, until the context ends. It fails where a named path can't be read.
func (s *Set) Run(ctx context.Context, feed *source.Feed, take Take) error {
	s.bad = feed.Rejected
	defer s.close()
	if err := s.load(ctx); err != nil {
		return err
	}
	if !s.o.Follow {
		for _, path := range s.o.Paths {
			if _, err := os.Stat(path); err != nil {
				return fmt.Errorf("source %s: %w", s.o.ID, err)
			}
		}
	}
	feed.Connected()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		more, err := s.round(ctx, feed, take)
		if err != nil {
			return err
		}
		feed.Mark(s.mark())
		switch {
		case more:
			continue
		case !s.o.Follow:
			return nil
		case len(s.files) == 0:
			feed.Connecting(fmt.Errorf("waiting for a log under %s", strings.Join(s.o.Paths, ", ")))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (s *Set) close() {
	for _, f := range s.files {
		if f.f == nil {
			continue
		}
		_ = f.f.Close() // opened for reading: closing can't lose anything
	}
}

// round reads what is there now, at most turnLines of each file, and reports
// whether more is there.
func (s *Set) round(ctx context.Context, feed *source.Feed, take Take) (more bool, err error) {
	for _, path := range s.list() {
		f, err := s.open(ctx, path, take)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && s.o.Follow {
				continue
			}
			s.bad("file can't be read", event.Raw{Input: path})
			continue
		}
		if f == nil {
			continue // finished
		}
		again, err := s.read(ctx, f, take)
		if err != nil {
			return false, err
		}
		more = more || again
	}
	return more, nil
}

// list names the files to look at, in the order of reading: those of before,
// whose path may be another file now, and new ones.
func (s *Set) list() []string {
	seen := map[string]bool{}
	var out []string
	add := func(path string) {
		if !seen[path] && len(out) < maxFiles {
			seen[path] = true
			out = append(out, path)
		}
	}
	for path := range s.files {
		add(path)
	}
	for _, path := range s.o.Paths {
		info, err := os.Stat(path)
		if err != nil || !info.IsDir() {
			add(path)
			continue
		}
		_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && p != path && s.o.Follow {
				return filepath.SkipDir // archives of older logs
			}
			if err == nil && d.Type().IsRegular() && s.o.Match(d.Name()) {
				add(p)
			}
			return nil // what can't be listed is not there yet
		})
	}
	slices.SortFunc(out, func(a, b string) int {
		if c := s.o.Rank(filepath.Base(a)) - s.o.Rank(filepath.Base(b)); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	return out
}

// open gives the file of a path, positioned; nil where it was finished in an
// earlier round.
func (s *Set) open(ctx context.Context, path string, take Take) (*File, error) {
	if f := s.files[path]; f != nil {
		if f.f == nil {
			return nil, nil //nolint:nilnil // it was read to its end
		}
		return f, nil
	}
	o, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{Path: path, f: o}
	s.files[path] = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(o)
		if err != nil {
			s.bad("archive is damaged", event.Raw{Input: path})
			f.finish()
			return nil, nil //nolint:nilnil,nilerr // told; the other files are read
		}
		f.lines = newLines(path, io.LimitReader(z, maxUnzip))
		return f, nil
	}
	f.lines = newLines(path, o)
	m, known := s.marks[path]
	delete(s.marks, path)
	if known && proof(o, m.Offset) == m.Proof {
		if err := s.resume(ctx, f, m, take); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// finish closes a file of which nothing more will come.
func (f *File) finish() {
	_ = f.f.Close()
	f.f, f.lines, f.State = nil, nil, nil
}

// resume gives the header again and goes to the place of the mark.
func (s *Set) resume(ctx context.Context, f *File, m mark, take Take) error {
	head := newLines(f.Path, io.NewSectionReader(f.f, 0, m.Offset))
	for range 64 {
		l, err := head.next()
		if err != nil || len(l.Text) == 0 || l.Text[0] != '#' {
			break
		}
		if err := take(ctx, f, l); err != nil {
			return err
		}
	}
	if _, err := f.f.Seek(m.Offset, io.SeekStart); err != nil {
		return fmt.Errorf("source %s: going on in %s: %w", s.o.ID, f.Path, err)
	}
	f.lines = newLines(f.Path, f.f)
	f.lines.offset, f.lines.number, f.at = m.Offset, m.Line, m.Offset
	return nil
}

// read takes the lines of f that are there, and turns to the file that has taken
// its place.
func (s *Set) read(ctx context.Context, f *File, take Take) (more bool, err error) {
	// Whether it was replaced is asked before reading, so that what was written to
	// the old one before the change is still read.
	gone := s.o.Follow && replaced(f)
	for n := 0; ; n++ {
		if n >= turnLines {
			return true, nil
		}
		if n&0xff == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		l, err := f.lines.next()
		if err != nil {
			archive := strings.HasSuffix(f.Path, ".gz")
			if !errors.Is(err, io.EOF) {
				s.bad("file can't be read to its end", event.Raw{Input: f.Path, Offset: f.lines.offset, Line: f.lines.number})
				if archive {
					f.finish()
				}
				return false, nil
			}
			if !gone && s.o.Follow && !archive {
				return false, nil
			}
			if l, ok := f.lines.rest(); ok { // nothing more will come for this line
				if err := take(ctx, f, l); err != nil {
					return false, err
				}
			}
			f.at = f.lines.offset
			switch {
			case archive:
				f.finish()
			case !s.o.Follow:
				f.mark = mark{Offset: f.at, Line: f.lines.number, Proof: proof(f.f, f.at)}
				f.finish()
			case gone:
				_ = f.f.Close()
				delete(s.files, f.Path)
				return true, nil
			}
			return false, nil
		}
		if err := take(ctx, f, l); err != nil {
			return false, err
		}
		f.at = f.lines.offset
	}
}

// replaced reports whether the path now names another file, or a shorter one.
func replaced(f *File) bool {
	there, err := os.Stat(f.Path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) && f.removed()
	}
	here, err := f.f.Stat()
	return err == nil && (!os.SameFile(there, here) || here.Size() < f.lines.offset+int64(f.lines.read))
}

// removed: a file that is gone for a moment can still be read; it is given up
// when nothing is left in it.
func (f *File) removed() bool {
	info, err := f.f.Stat()
	return err != nil || info.Size() <= f.lines.offset+int64(f.lines.read)
}

// mark writes how far every file was taken.
func (s *Set) mark() string {
	if s.o.Bookmarks == nil {
		return ""
	}
	out := map[string]mark{}
	for path, f := range s.files {
		if strings.HasSuffix(path, ".gz") {
			continue
		}
		if f.f != nil && f.at != f.mark.Offset {
			f.mark = mark{Offset: f.at, Line: f.lines.number, Proof: proof(f.f, f.at)}
		}
		if f.mark.Offset > 0 {
			out[path] = f.mark
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return "" // text and numbers: can't happen
	}
	return string(b)
}

func (s *Set) load(ctx context.Context) error {
	if s.o.Bookmarks == nil {
		return nil
	}
	text, err := s.o.Bookmarks.Bookmark(ctx, s.o.ID)
	if err != nil {
		return fmt.Errorf("source %s: reading the bookmark: %w", s.o.ID, err)
	}
	if text == "" || json.Unmarshal([]byte(text), &s.marks) != nil {
		s.marks = nil // of another form: reading from the start is safe
	}
	return nil
}

// proof is a hash over the first bytes of a file and those before offset; ""
// where it is shorter.
func proof(f *os.File, offset int64) string {
	n := min(proofLen, offset)
	both := make([]byte, 2*n)
	if _, err := f.ReadAt(both[:n], 0); err != nil {
		return ""
	}
	if _, err := f.ReadAt(both[n:], offset-n); err != nil {
		return ""
	}
	sum := sha256.Sum256(both)
	return hex.EncodeToString(sum[:16])
}

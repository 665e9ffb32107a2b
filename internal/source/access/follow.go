package access

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

// A bookmark is "offset line length sum": where the next line begins, the
// number of the line before it, that line's length in bytes and the first half
// of its SHA-256. The last two prove after a restart that the file is still the
// same one, because systems that start a new export each day use the same name.
func markAfter(l line) string {
	return fmt.Sprintf("%d %d %d %s", l.raw.Offset+int64(l.raw.Length), l.raw.Line, l.raw.Length, half(l.raw.Sum))
}

func half(s event.Sum) string { return hex.EncodeToString(s[:16]) }

// resume positions f behind the last durable row, or at its start where there
// is no bookmark or the file is another one.
func (s *Source) resume(ctx context.Context, f *os.File) (*lines, error) {
	s.rows.restart()
	fresh := newLines(s.o.Path, f)
	if s.o.Bookmarks == nil {
		return fresh, nil
	}
	mark, err := s.o.Bookmarks.Bookmark(ctx, s.o.ID)
	if err != nil {
		return nil, fmt.Errorf("access source %s: reading the bookmark: %w", s.o.ID, err)
	}
	if mark == "" {
		return fresh, nil
	}
	l, err := s.goOn(f, mark)
	if err != nil {
		return nil, fmt.Errorf("access source %s: going on in %s: %w", s.o.ID, s.o.Path, err)
	}
	if l != nil {
		return l, nil
	}
	s.rows.restart()
	_, err = f.Seek(0, io.SeekStart)
	return newLines(s.o.Path, f), err
}

// goOn returns the lines behind the bookmark, or nil where it does not fit the file.
func (s *Source) goOn(f *os.File, mark string) (*lines, error) {
	var offset, number, length int64
	var sum string
	if n, err := fmt.Sscanf(mark, "%d %d %d %s", &offset, &number, &length, &sum); n != 4 || err != nil {
		return nil, nil //nolint:nilnil,nilerr // a mark of an older form: reading from the start is safe
	}
	info, err := f.Stat()
	if err != nil || offset > info.Size() || length > offset || length < 1 || number < 1 {
		return nil, err
	}
	before := newLines(s.o.Path, io.NewSectionReader(f, offset-length, length))
	last, err := before.next()
	if errors.Is(err, io.EOF) {
		var ok bool
		if last, ok = before.rest(); !ok {
			return nil, nil
		}
	} else if err != nil {
		return nil, err
	}
	if half(last.raw.Sum) != sum {
		return nil, nil
	}
	if s.rows.wantsHeader() {
		head, err := newLines(s.o.Path, io.NewSectionReader(f, 0, offset)).next()
		if err != nil || s.rows.header(head) != nil {
			return nil, nil //nolint:nilnil,nilerr // the read from the start tells what is wrong
		}
	}
	if number > 1 {
		_, _, _ = s.rows.event(last) // sets the clock to the row before, nothing else
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	l := newLines(s.o.Path, f)
	l.offset, l.number = offset, number
	return l, nil
}

// follow reads the file as it grows. A file that is not there yet, or for a
// moment, is waited for; one that was replaced or cut is read from its start.
func (s *Source) follow(ctx context.Context, feed *source.Feed) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		f, err := os.Open(s.o.Path)
		switch {
		case err == nil:
			err = s.followOne(ctx, feed, f, tick.C)
			_ = f.Close()
			if err != nil {
				return err
			}
			continue
		case errors.Is(err, fs.ErrNotExist):
			feed.Connecting(fmt.Errorf("waiting for %s, which does not exist", s.o.Path))
		default:
			return fmt.Errorf("access source %s: %w", s.o.ID, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// followOne reads one file until it is replaced or cut (nil) or ctx is done.
func (s *Source) followOne(ctx context.Context, feed *source.Feed, f *os.File, tick <-chan time.Time) error {
	lines, err := s.resume(ctx, f)
	if err != nil {
		return err
	}
	feed.Connected()
	for {
		// Whether the file was replaced is asked before reading, so that what
		// was written to the old one before the change is still read.
		gone := s.replaced(f, lines)
		if err := s.readThere(ctx, feed, lines); err != nil {
			return err
		}
		if gone {
			if l, ok := lines.rest(); ok { // nothing more will come for this line
				if err := s.row(ctx, feed, l); err != nil {
					return err
				}
			}
			return feed.Flush(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick:
		}
	}
}

// readThere reads the whole lines that are there now.
func (s *Source) readThere(ctx context.Context, feed *source.Feed, lines *lines) error {
	for {
		l, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("access source %s: reading %s: %w", s.o.ID, s.o.Path, err)
		}
		if err := s.row(ctx, feed, l); err != nil {
			return err
		}
	}
}

// replaced reports whether the path now names another file, or a shorter one.
func (s *Source) replaced(f *os.File, lines *lines) bool {
	there, err := os.Stat(s.o.Path)
	if err != nil {
		return false // gone for a moment: what is open can still be read
	}
	here, err := f.Stat()
	return err == nil && (!os.SameFile(there, here) || here.Size() < lines.offset+int64(lines.read))
}

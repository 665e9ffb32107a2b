package pcap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// follow reads a file as it grows, until the context is done or a newer file
// has come. One that was replaced or cut is read from its start; one that is gone
// for a moment is waited for. Damage fails the run: where the next packet begins
// can't be known.
func (s *Source) follow(ctx context.Context, in input, newer func() bool) error {
	for {
		passed, err := s.followOne(ctx, in, newer)
		if err != nil || passed || ctx.Err() != nil {
			return err
		}
	}
}

func (s *Source) followOne(ctx context.Context, in input, newer func() bool) (passed bool, err error) {
	file, err := os.Open(in.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if newer != nil && newer() {
			return true, nil
		}
		s.feed.Connecting(fmt.Errorf("waiting for %s, which does not exist", in.path))
		return false, pause(ctx)
	case err != nil:
		return false, fmt.Errorf("source %s: %w", s.id, err)
	}
	defer func() { _ = file.Close() }() // opened for reading: closing can't lose anything
	g := &growing{ctx: ctx, r: file, idle: s.idle(), every: followEvery, newer: newer}
	s.ends = func() bool { return g.gone || g.passed }
	defer func() { s.ends = nil }() // what is read after it is no followed file
	if regular(file) {
		g.replaced = func(read int64) bool { return replaced(in.path, file, read) }
	}
	if err := s.readFrom(ctx, file, g, in.path); err != nil {
		return false, err
	}
	if g.gone {
		s.book.forget(in.path)
	}
	return g.passed, ctx.Err()
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(followEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// replaced reports whether the path now names another file, or a shorter one
// than was read.
func replaced(path string, file *os.File, read int64) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false // gone for a moment: what is open can still be read
	}
	here, err := file.Stat()
	return err == nil && (!os.SameFile(there, here) || here.Size() < read)
}

// readFile reads one file to its end. Trouble with the file is a problem, not
// an error; the error is the sink's or the context's.
func (s *Source) readFile(ctx context.Context, in input) error {
	file, err := os.Open(in.path)
	if err != nil {
		s.problem(err)
		s.feed.Rejected("file can't be opened", event.Raw{Input: in.path})
		return nil
	}
	defer func() { _ = file.Close() }() // opened for reading: closing can't lose anything
	if !in.named {                      // a directory holds anything: look before reading
		var magic [4]byte
		n, _ := io.ReadFull(file, magic[:])
		if !isCapture(magic[:n]) {
			s.stats.Other++
			s.feed.Skipped()
			return nil
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			s.problem(err)
			return nil
		}
	}
	before := s.read
	err = s.readFrom(ctx, file, file, in.path)
	if info, serr := file.Stat(); serr == nil && info.Mode().IsRegular() {
		s.read = before + info.Size()
	}
	s.progress()
	return err
}

// readFrom reads file from where an earlier run stopped. The bytes come out of
// r, which may wait for more of them.
func (s *Source) readFrom(ctx context.Context, file *os.File, r io.Reader, path string) error {
	var c *capture
	var err error
	if p, known := s.book.find(path, file); known {
		if info, serr := file.Stat(); serr == nil && info.Size() == p.offset && !s.o.Follow {
			s.feed.Skipped() // finished, and unchanged
			return nil
		}
		if g, ok := r.(*growing); ok {
			g.read = p.offset
		}
		if c, err = resume(file, p, r, path); err != nil {
			return fmt.Errorf("source %s: going on in %s: %w", s.id, path, err)
		}
		if c == nil {
			s.book.forget(path)
			if g, ok := r.(*growing); ok {
				g.read = 0
			}
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				return fmt.Errorf("source %s: %w", s.id, err)
			}
		}
	}
	if c == nil {
		if c, err = openCapture(r, path); err != nil {
			return s.trouble(ctx, err, path, 0, 0)
		}
	}
	err = s.readPackets(ctx, c, file)
	if serr := s.book.set(path, file, c.start, c.before); serr != nil {
		s.problem(serr)
	}
	if err != nil {
		return err
	}
	return s.checkpoint(false)
}

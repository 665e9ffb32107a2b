package pcap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// lookEvery is how often a followed directory is looked through for new files.
const lookEvery = time.Second

// rotation follows captures that a sensor writes one after the other: files in a
// directory, in the order of their names. The newest is followed; those before it
// are read to their end.
type rotation struct {
	s      *Source
	read   map[string]int64 // files read, with their size then
	files  []input          // of the newest look
	looked time.Time
}

// followAll reads the files and follows the newest, and newer ones as they come.
func (s *Source) followAll(ctx context.Context, files []input) error {
	r := &rotation{s: s, read: map[string]int64{}, files: files}
	for {
		newest := r.newest()
		if newest < 0 {
			s.feed.Connecting(fmt.Errorf("waiting for a capture in %s", strings.Join(s.paths, ", ")))
			if err := pause(ctx); err != nil {
				return err
			}
			r.look()
			continue
		}
		for _, f := range r.files[:newest] {
			if err := r.finish(ctx, f); err != nil {
				return err
			}
		}
		in := r.files[newest]
		var newer func() bool
		if slices.ContainsFunc(r.s.paths, directory) {
			newer = func() bool { return r.newerThan(in) }
		}
		if err := s.follow(ctx, in, newer); err != nil || ctx.Err() != nil {
			return err
		}
		r.note(in)
		r.look()
	}
}

func directory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// newest is the place of the last file that is or may become a capture, -1 where
// there is none.
func (r *rotation) newest() int {
	for i, f := range slices.Backward(r.files) {
		if f.named || mayBeCapture(f.path) {
			return i
		}
	}
	return -1
}

// mayBeCapture: it begins as one, or is still too short to tell.
func mayBeCapture(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // opened for reading: closing can't lose anything
	var magic [4]byte
	_, err = io.ReadFull(file, magic[:])
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err == nil && isCapture(magic[:])
}

// finish reads a file that is not the newest to its end, once, and again where
// something was added since and its place is known.
func (r *rotation) finish(ctx context.Context, f input) error {
	size, known := r.read[f.path]
	if known && (!r.s.book.on || sizeOf(f.path) == size) {
		return nil
	}
	r.note(f)
	return r.s.readFile(ctx, f)
}

func (r *rotation) note(f input) { r.read[f.path] = sizeOf(f.path) }

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return info.Size()
}

// look lists the files anew and forgets those that are gone. Where a path can't
// be read now, what was known stands.
func (r *rotation) look() {
	r.looked = time.Now()
	total := r.s.total
	r.s.total = 0
	problems := len(r.s.problems)
	files, err := r.s.list()
	if err != nil || len(r.s.problems) > problems {
		r.s.total = total
		r.s.problems = r.s.problems[:problems] // told once, not each second
		return
	}
	r.files = files
	there := make(map[string]bool, len(files))
	for _, f := range files {
		there[f.path] = true
	}
	for path := range r.read {
		if !there[path] {
			delete(r.read, path)
		}
	}
	r.s.book.trim(files)
}

// newerThan reports whether a capture stands after in. It looks once a second.
func (r *rotation) newerThan(in input) bool {
	if time.Since(r.looked) < lookEvery {
		return false
	}
	r.look()
	i := r.newest()
	return i >= 0 && r.files[i].path != in.path && slices.IndexFunc(r.files, func(f input) bool { return f.path == in.path }) < i
}

package pcap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/source"
)

// A bookmark is the line "pcap1" and a line for each file: the hash of its path,
// how many bytes of it were told, how many packets those are, and a hash of the
// file. A finished file is one whose bytes were all told, so a file that grew
// since is gone on with, in a directory too.
const (
	markForm    = "pcap1"
	provedBytes = 4096      // at the start, and before the place, that prove a file to be the same
	markPackets = 256       // packets between two marks at least: times may jump
	maxMark     = 100 << 20 // bytes; more than 100,000 files give is no mark of this form
)

// place is how far a file was told.
type place struct {
	offset int64 // bytes; here begins the next packet or block
	number int64 // packets before it
	proof  string
}

// bookmark keeps the places of all files. Its methods do nothing where the
// source has no bookmarks.
type bookmark struct {
	on     bool
	places map[string]place // by keyOfPath
	since  int              // places that were set since the last mark
	at     int64            // packet time of the last mark, nanoseconds
	number int64            // packet of the last mark
}

// keyOfPath shortens a path, so that the mark of many files stays small.
func keyOfPath(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:12])
}

// load reads the mark of the source. A mark of another form says nothing:
// reading from the start is safe.
func (b *bookmark) load(ctx context.Context, marks source.Bookmarks, id string) error {
	b.places = map[string]place{}
	if marks == nil {
		return nil
	}
	b.on = true
	mark, err := marks.Bookmark(ctx, id)
	if err != nil {
		return fmt.Errorf("source %s: reading the bookmark: %w", id, err)
	}
	form, rest, _ := strings.Cut(mark, "\n")
	if form != markForm || len(mark) > maxMark {
		return nil
	}
	for l := range strings.Lines(rest) {
		var key string
		var p place
		if n, err := fmt.Sscanf(l, "%s %d %d %s", &key, &p.offset, &p.number, &p.proof); n == 4 && err == nil && p.offset > 0 && p.number >= 0 {
			b.places[key] = p
		}
	}
	return nil
}

// text writes the mark, in the order of the keys.
func (b *bookmark) text() string {
	var out strings.Builder
	out.WriteString(markForm + "\n")
	for _, k := range slices.Sorted(maps.Keys(b.places)) {
		p := b.places[k]
		fmt.Fprintf(&out, "%s %d %d %s\n", k, p.offset, p.number, p.proof)
	}
	return out.String()
}

// find gives the place in the file, where it still is the one that was read.
func (b *bookmark) find(path string, file *os.File) (place, bool) {
	key := keyOfPath(path)
	p, known := b.places[key]
	if !known {
		return p, false
	}
	proof, err := prove(file, p.offset)
	if err == nil && proof == p.proof {
		return p, true
	}
	delete(b.places, key)
	return place{}, false
}

// forget makes the next read of path begin at its start.
func (b *bookmark) forget(path string) { delete(b.places, keyOfPath(path)) }

// set notes how far a file was handed to the flow table.
func (b *bookmark) set(path string, file *os.File, offset, number int64) error {
	if !b.on || offset == 0 || !regular(file) {
		return nil
	}
	proof, err := prove(file, offset)
	if err != nil {
		return fmt.Errorf("%s: reading what proves that the file is the same after a restart: %w", path, err)
	}
	p := place{offset, number, proof}
	if key := keyOfPath(path); b.places[key] != p {
		b.places[key] = p
		b.since++
	}
	return nil
}

// trim drops the files that are no longer there.
func (b *bookmark) trim(files []input) {
	there := make(map[string]bool, len(files))
	for _, f := range files {
		there[keyOfPath(f.path)] = true
	}
	for key := range b.places {
		if !there[key] {
			delete(b.places, key)
			b.since++
		}
	}
}

// prove hashes the first bytes of the file and those before offset. A file that
// is shorter gives an error.
func prove(file io.ReaderAt, offset int64) (string, error) {
	n := min(offset, provedBytes)
	buf := make([]byte, 2*n)
	if _, err := file.ReadAt(buf[:n], 0); err != nil {
		return "", err
	}
	if _, err := file.ReadAt(buf[n:], offset-n); err != nil {
		return "", err
	}
	sum := sha256.Sum256(buf)
	return hex.EncodeToString(sum[:16]), nil
}

func regular(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// resume opens the capture in file at p: the file header, or every section and
// interface block before p, is read again, because they say how to read the
// rest. It is nil where p is no border between packets or blocks.
func resume(file *os.File, p place, rest io.Reader, name string) (*capture, error) {
	c, err := openCapture(io.NewSectionReader(file, 0, p.offset), name)
	if err != nil {
		return nil, nil //nolint:nilnil,nilerr // the read from the start tells what is wrong
	}
	if c.ng && c.skim() != nil {
		return nil, nil //nolint:nilnil,nilerr // as above
	}
	if _, err := file.Seek(p.offset, io.SeekStart); err != nil {
		return nil, err
	}
	c.w.reset(rest)
	c.offset, c.number = p.offset, p.number
	c.start, c.before = p.offset, p.number
	return c, nil
}

// checkpoint tells the open part of every flow, so that a restart can go on
// behind what was told, and gives the feed the mark. Where nothing lasts, a mark
// of many files is written seldom, because it is written whole.
func (s *Source) checkpoint(force bool) error {
	b := &s.book
	if !b.on || b.since == 0 || !force && !s.o.Follow && b.since*16 < len(b.places) {
		return nil
	}
	if err := s.table.sliceAll(); err != nil {
		return err
	}
	s.feed.Mark(b.text())
	b.since = 0
	return nil
}

// due says whether it is time for a mark in the middle of a file, in packet time.
func (b *bookmark) due(now, slice int64) bool {
	gone := now - b.at
	return b.on && (b.at == 0 || gone >= slice || gone <= -slice)
}

// markHere notes the place in the file where a mark is due: offset is where the next
// packet begins, before the packets until there. It is called between packets, when
// everything before the place is in the table.
func (s *Source) markHere(path string, file *os.File, offset, before, now int64) error {
	b := &s.book
	if file == nil || !b.due(now, int64(s.o.Slice)) {
		return nil
	}
	first := b.at == 0
	b.at, b.number = now, before
	if first {
		return nil
	}
	if err := b.set(path, file, offset, before); err != nil {
		s.problem(err)
		return nil
	}
	return s.checkpoint(false)
}

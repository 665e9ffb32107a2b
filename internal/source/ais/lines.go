package ais

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	nmea "github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
)

// window is how many bytes before a line are kept, so that a message of several
// lines can show all of them as its evidence.
const window = event.MaxRaw

// lines splits a stream into lines and remembers what came just before. Memory
// is bounded: of a line longer than nmea.MaxLine only length, hash and its
// first bytes are kept.
type lines struct {
	r      io.Reader
	buf    []byte
	from   int   // start of what is not yet told
	end    int   // end of what was read
	base   int64 // offset of buf[0]
	number int64 // of the current line, from 1
	eof    error

	text   []byte // the current line, without its end
	offset int64
	raw    int // bytes of the line with its end
	long   bool
	sum    event.Sum // of a long line
}

func newLines() *lines { return &lines{buf: make([]byte, 128<<10)} }

// over starts to read r where the last reader ended.
func (l *lines) over(r io.Reader) {
	l.base += int64(l.from)
	l.r, l.from, l.end, l.eof = r, 0, 0, nil
}

// next moves to the next line; io.EOF at the end.
func (l *lines) next() error {
	scanned := l.from
	for {
		if i := bytes.IndexByte(l.buf[scanned:l.end], '\n'); i >= 0 {
			l.take(scanned + i + 1)
			return nil
		}
		scanned = l.end
		if l.end-l.from > nmea.MaxLine {
			l.skip()
			return nil
		}
		if l.eof != nil {
			if l.from == l.end {
				return l.eof
			}
			l.take(l.end)
			return nil
		}
		scanned -= l.make()
		l.read()
	}
}

// take makes the bytes up to to the current line.
func (l *lines) take(to int) {
	l.number++
	l.offset, l.raw, l.long = l.base+int64(l.from), to-l.from, false
	l.text = bytes.TrimRight(l.buf[l.from:to], "\r\n")
	l.from = to
}

// make finds room behind end and returns how far the content moved down.
func (l *lines) make() int {
	if len(l.buf)-l.end >= 4<<10 {
		return 0
	}
	keep := max(l.from-window, 0)
	copy(l.buf, l.buf[keep:l.end])
	l.base += int64(keep)
	l.from -= keep
	l.end -= keep
	return keep
}

func (l *lines) read() {
	n, err := l.r.Read(l.buf[l.end:])
	l.end += n
	if err != nil {
		l.eof = err
	}
}

// skip passes over a line that is too long and keeps its account.
func (l *lines) skip() {
	l.number++
	l.offset, l.long = l.base+int64(l.from), true
	l.text = bytes.Clone(l.buf[l.from : l.from+window])
	h := sha256.New()
	length := 0
	for {
		part := l.buf[l.from:l.end]
		i := bytes.IndexByte(part, '\n')
		if i >= 0 {
			part = part[:i]
		}
		_, _ = h.Write(part) // a hash does not fail
		length += len(part)
		if i >= 0 {
			l.from += i + 1
			l.raw = length + 1
			break
		}
		l.base += int64(l.end)
		l.from, l.end = 0, 0
		if l.raw = length; l.eof != nil {
			break
		}
		l.read()
	}
	l.sum = sumOf(h)
}

func sumOf(h hash.Hash) (s event.Sum) {
	h.Sum(s[:0])
	return s
}

// back gives the bytes from offset first to the end of the current line, and
// the number of the line at first; nothing where they are no longer here.
func (l *lines) back(first int64) ([]byte, int64) {
	at := first - l.base
	end := l.offset - l.base + int64(len(l.text))
	if at < 0 || end-at > window || at > end || l.long {
		return nil, 0
	}
	span := l.buf[at:end]
	return span, l.number - int64(bytes.Count(span, []byte{'\n'}))
}

// ended tells the end of the input from its failure.
func (l *lines) ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

package ais

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Parse decodes the sentences of one message, in any order, and returns it as
// a value. Lines may have tag blocks, prefixes and suffixes.
func Parse(lines ...string) (Message, error) {
	var m Message
	d := NewDecoder(Options{})
	for i, line := range lines {
		r, err := d.Decode([]byte(line), int64(i+1), &m)
		if err != nil {
			return Message{}, fmt.Errorf("sentence %d: %w", i+1, err)
		}
		if r == Complete {
			return m, nil
		}
	}
	return Message{}, ErrUnfinished
}

// LineError is a line that was rejected.
type LineError struct {
	Line   int64 // from 1
	Offset int64 // bytes from the start of the input
	Err    error // one of the Err values
}

func (e *LineError) Error() string {
	return fmt.Sprintf("line %d (offset %d): %v", e.Line, e.Offset, e.Err)
}

// Unwrap returns the reason.
func (e *LineError) Unwrap() error { return e.Err }

// block is how many bytes a Reader asks for at a time: enough that reading costs
// little, few enough to stay in the nearer caches.
const block = 1 << 16

// Reader reads messages from a stream of lines of any length. It gives every
// message as soon as its last line is there, and needs no more memory than one
// block.
type Reader struct {
	r      io.Reader
	d      *Decoder
	m      Message
	buf    []byte
	from   int   // start of what is not yet told
	end    int   // end of what was read
	base   int64 // offset of buf[0]
	line   int64
	failed error // of r: told when all lines before it are
}

// NewReader makes a reader.
func NewReader(r io.Reader, o Options) *Reader {
	return &Reader{r: r, d: NewDecoder(o), buf: make([]byte, block+MaxLine)}
}

// Next returns the next message. The pointer is good until the next call. A
// *LineError tells of one bad line and reading can go on; any other error,
// io.EOF among them, is the end.
func (r *Reader) Next() (*Message, error) {
	for {
		rest := r.buf[r.from:r.end]
		n, res, err := r.d.DecodeNext(rest, r.line+1, &r.m)
		if n == 0 {
			switch {
			case len(rest) > MaxLine || r.failed != nil && len(rest) > 0: // too long already, or the last one
				n = len(rest)
				res, err = r.d.Decode(rest, r.line+1, &r.m)
			case r.failed != nil:
				return nil, r.failed
			default:
				r.fill()
				continue
			}
		}
		r.line++
		offset := r.base + int64(r.from)
		if r.from += n; rest[n-1] != '\n' {
			r.skip()
		}
		if err != nil {
			return nil, &LineError{r.line, offset, err}
		}
		if res == Complete {
			return &r.m, nil
		}
	}
}

// fill moves what is left to the start of the buffer and reads more behind it.
func (r *Reader) fill() {
	copy(r.buf, r.buf[r.from:r.end])
	r.base += int64(r.from)
	r.end -= r.from
	r.from = 0
	for range 100 {
		n, err := r.r.Read(r.buf[r.end:])
		r.end += n
		r.failed = err
		if n > 0 || err != nil {
			return
		}
	}
	r.failed = io.ErrNoProgress
}

// skip passes over what is left of a line that was too long.
func (r *Reader) skip() {
	for {
		if i := bytes.IndexByte(r.buf[r.from:r.end], '\n'); i >= 0 {
			r.from += i + 1
			return
		}
		if r.from = r.end; r.failed != nil {
			return
		}
		r.fill()
	}
}

// All ranges over the messages and the errors of bad lines. Messages are
// values; what fails for good comes last.
func (r *Reader) All() iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			m, err := r.Next()
			var bad *LineError
			switch {
			case err == nil:
				if !yield(*m, nil) {
					return
				}
			case errors.As(err, &bad):
				if !yield(Message{}, err) {
					return
				}
			case errors.Is(err, io.EOF):
				return
			default:
				yield(Message{}, err)
				return
			}
		}
	}
}

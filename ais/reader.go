package ais

import (
	"bufio"
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

// Reader reads messages from a stream of lines of any length.
type Reader struct {
	r      *bufio.Reader
	d      *Decoder
	m      Message
	line   int64
	offset int64
	next   int64
}

// NewReader makes a reader.
func NewReader(r io.Reader, o Options) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 1<<16), d: NewDecoder(o)}
}

// Next returns the next message. The pointer is good until the next call. A
// *LineError tells of one bad line and reading can go on; any other error,
// io.EOF among them, is the end.
func (r *Reader) Next() (*Message, error) {
	for {
		line, long, err := r.read()
		if len(line) == 0 && err != nil {
			return nil, err
		}
		r.line++
		if long {
			return nil, &LineError{r.line, r.offset, ErrTooLong}
		}
		res, derr := r.d.Decode(line, r.line, &r.m)
		if derr != nil {
			return nil, &LineError{r.line, r.offset, derr}
		}
		if res == Complete {
			return &r.m, nil
		}
	}
}

// read returns the next line; of a line longer than the buffer only that it was.
func (r *Reader) read() (line []byte, long bool, err error) {
	r.offset = r.next
	line, err = r.r.ReadSlice('\n')
	r.next += int64(len(line))
	for errors.Is(err, bufio.ErrBufferFull) {
		long = true
		var more []byte
		more, err = r.r.ReadSlice('\n')
		r.next += int64(len(more))
	}
	return line, long, err
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

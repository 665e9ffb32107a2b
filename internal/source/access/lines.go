package access

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/quaywatch/quaywatch/internal/event"
)

// line is one line of the input without its line end.
type line struct {
	text []byte // good until the next call; empty where the line is too long
	raw  event.Raw
	long bool // longer than maxLine
}

// lines cuts an input into lines, counting bytes and lines. A line beyond
// maxLine is read over: hashed and counted, not kept.
type lines struct {
	input   string
	r       *bufio.Reader
	offset  int64 // of the start of the current line
	number  int64 // of the line before the current one
	pending []byte
	read    int       // bytes of the current line so far
	sum     hash.Hash // of a long line; nil for others
}

func newLines(input string, r io.Reader) *lines {
	return &lines{input: input, r: bufio.NewReaderSize(r, 64<<10)}
}

// next returns the next whole line. At the end of what is there it returns
// io.EOF and keeps what it has of the line, so that it can be called again when
// the input has grown.
func (l *lines) next() (line, error) {
	for {
		piece, err := l.r.ReadSlice('\n')
		l.take(piece)
		switch {
		case err == nil:
			return l.finish(), nil
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return line{}, err
		}
	}
}

// rest returns the last line where it has no line end, at the end of an input
// that will not grow.
func (l *lines) rest() (line, bool) {
	if l.read == 0 {
		return line{}, false
	}
	return l.finish(), true
}

func (l *lines) take(piece []byte) {
	l.read += len(piece)
	switch {
	case l.sum != nil:
		l.sum.Write(piece)
	case l.read > maxLine:
		l.sum = sha256.New()
		l.sum.Write(l.pending)
		l.sum.Write(piece)
		keep := min(len(piece), max(0, event.MaxRaw-len(l.pending)))
		l.pending = append(l.pending, piece[:keep]...)
	default:
		l.pending = append(l.pending, piece...)
	}
}

// finish makes the line of what was read and turns to the next one.
func (l *lines) finish() line {
	l.number++
	out := line{long: l.sum != nil}
	out.raw = event.Raw{Input: l.input, Offset: l.offset, Line: l.number, Length: l.read}
	out.raw.Text = bytes.Clone(l.pending[:min(len(l.pending), event.MaxRaw)])
	if out.long {
		l.sum.Sum(out.raw.Sum[:0])
	} else {
		out.raw.Sum = event.SumOf(l.pending)
		out.text = bytes.TrimSuffix(bytes.TrimSuffix(l.pending, []byte("\n")), []byte("\r"))
	}
	l.offset += int64(l.read)
	l.pending, l.read, l.sum = l.pending[:0], 0, nil
	return out
}

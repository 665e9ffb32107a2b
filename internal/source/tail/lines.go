package tail

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/quaywatch/quaywatch/internal/event"
)

// MaxLine is the longest line that is kept, in bytes. Longer ones are read over:
// hashed and counted.
const MaxLine = 1 << 20

// Line is one line of a file without its line end.
type Line struct {
	Text []byte // good until the next line is read; empty where Long
	Long bool   // longer than MaxLine

	number, offset int64
	length         int
	sum            event.Sum // of a long line
	whole          []byte    // with the line end
	input          string
}

// Raw is the way back to the line. With text the bytes themselves are carried,
// at most event.MaxRaw, for logs that will be deleted.
func (l *Line) Raw(text bool) event.Raw {
	r := event.Raw{Input: l.input, Offset: l.offset, Line: l.number, Length: l.length, Sum: l.sum}
	if !l.Long {
		r.Sum = event.SumOf(l.whole)
	}
	if text {
		r.Text = append([]byte(nil), l.whole[:min(len(l.whole), event.MaxRaw)]...)
	}
	return r
}

// lines cuts an input into lines, counting bytes and lines.
type lines struct {
	input   string
	r       *bufio.Reader
	offset  int64 // of the start of the current line
	number  int64 // of the line before the current one
	pending []byte
	read    int       // bytes of the current line so far
	sum     hash.Hash // of a long line; nil for others
	line    Line
}

func newLines(input string, r io.Reader) *lines {
	return &lines{input: input, r: bufio.NewReaderSize(r, 256<<10)}
}

// next returns the next whole line. At the end of what is there it returns
// io.EOF and keeps what it has of the line, so that it can be called again when
// the input has grown.
func (l *lines) next() (*Line, error) {
	for {
		piece, err := l.r.ReadSlice('\n')
		if err == nil && l.read == 0 { // the usual line: no copy
			l.read = len(piece)
			return l.finish(piece), nil
		}
		l.take(piece)
		switch {
		case err == nil:
			return l.finish(l.pending), nil
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return nil, err
		}
	}
}

// rest returns the last line where it has no line end, at the end of an input
// that will not grow.
func (l *lines) rest() (*Line, bool) {
	if l.read == 0 {
		return nil, false
	}
	return l.finish(l.pending), true
}

func (l *lines) take(piece []byte) {
	l.read += len(piece)
	switch {
	case l.sum != nil:
		l.sum.Write(piece)
	case l.read > MaxLine:
		l.sum = sha256.New()
		l.sum.Write(l.pending)
		l.sum.Write(piece)
		l.pending = l.pending[:min(len(l.pending), event.MaxRaw)]
	default:
		l.pending = append(l.pending, piece...)
	}
}

// finish makes the line of what was read and turns to the next one.
func (l *lines) finish(whole []byte) *Line {
	l.number++
	out := &l.line
	*out = Line{input: l.input, offset: l.offset, number: l.number, length: l.read, whole: whole, Long: l.sum != nil}
	if out.Long {
		l.sum.Sum(out.sum[:0])
	} else {
		text := whole
		if n := len(text); n > 0 && text[n-1] == '\n' {
			text = text[:n-1]
		}
		if n := len(text); n > 0 && text[n-1] == '\r' {
			text = text[:n-1]
		}
		out.Text = text
	}
	l.offset += int64(l.read)
	l.pending, l.read, l.sum = l.pending[:0], 0, nil
	return out
}

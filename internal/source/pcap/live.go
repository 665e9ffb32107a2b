package pcap

import (
	"context"
	"errors"
	"io"
	"time"
)

// followEvery is how often the end of a growing file is looked at again.
const followEvery = 200 * time.Millisecond

// idle gives the work to do while nothing arrives: packet time goes on with the
// clock, so that silent flows end and slices are told.
func (s *Source) idle() func() error {
	var seenAt time.Time
	var packetTime int64
	return func() error {
		now := s.feed.Now()
		if s.table.now != packetTime || seenAt.IsZero() {
			packetTime, seenAt = s.table.now, now
		}
		if packetTime == 0 {
			return nil
		}
		present := packetTime + int64(now.Sub(seenAt))
		if err := s.table.sweep(present); err != nil {
			return &idleError{err}
		}
		if s.here == nil {
			return nil
		}
		if err := s.here(present); err != nil {
			return &idleError{err}
		}
		return nil
	}
}

// idleError is a failure of the sink that comes out of a read, because flows are
// told while a read waits. The input is not to blame for it.
type idleError struct{ err error }

func (e *idleError) Error() string { return e.err.Error() }
func (e *idleError) Unwrap() error { return e.err }

// growing reads a file that another program still writes: at its end it waits,
// until the context is done or the file was replaced; then the input has ended.
type growing struct {
	ctx   context.Context
	r     io.Reader
	idle  func() error
	every time.Duration

	replaced func(read int64) bool // nil: a FIFO, which is not replaced
	read     int64                 // bytes from the start of the file
	gone     bool                  // the file was replaced, and this one is read to its end

	newer  func() bool // a file that comes after this one is there; nil: none can come
	since  int         // looks at the end since newer said so
	passed bool        // the file was read to its end, and a newer one is there
}

// finishLooks is how often the end of a file is looked at after a newer one came:
// a sensor opens the new file before it has written the last of the old one.
const finishLooks = 5

// pass reports whether the file at its end is one to go on from.
func (g *growing) pass() bool {
	if g.since == 0 && (g.newer == nil || !g.newer()) {
		return false
	}
	g.since++
	return g.since > finishLooks
}

func (g *growing) Read(b []byte) (int, error) {
	timer := time.NewTimer(g.every)
	defer timer.Stop()
	for {
		n, err := g.r.Read(b)
		g.read += int64(n)
		if n > 0 && g.since > 1 {
			g.since = 1 // it still grows
		}
		if n > 0 || (err != nil && !errors.Is(err, io.EOF)) {
			return n, err
		}
		if g.gone {
			return 0, io.EOF
		}
		if g.pass() {
			g.passed = true
			return 0, io.EOF
		}
		// What was written to the old file before the change is still read.
		if g.replaced != nil && g.replaced(g.read) {
			g.gone = true
			continue
		}
		timer.Reset(g.every)
		select {
		case <-g.ctx.Done():
			return 0, io.EOF
		case <-timer.C:
		}
		if err := g.idle(); err != nil {
			return 0, err
		}
	}
}

// chunk is what one read of a live input gave.
type chunk struct {
	data []byte
	err  error
}

// readLive reads the stream in a goroutine of its own, because a read may block
// for ever; the goroutine ends with the stream, or when the context closes it.
func (s *Source) readLive(ctx context.Context) error {
	if c, ok := s.reader.(io.Closer); ok {
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		defer stop()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	chunks := make(chan chunk, 4) // a little ahead, so that reading and flows overlap
	go pump(ctx, s.reader, chunks)
	return s.readCapture(ctx, &waiting{ctx: ctx, chunks: chunks, idle: s.idle()}, s.o.Input)
}

// pump moves the stream into chunks until it ends.
func pump(ctx context.Context, r io.Reader, out chan<- chunk) {
	for {
		b := make([]byte, 64<<10)
		n, err := r.Read(b)
		select {
		case out <- chunk{b[:n], err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// waiting is the reader at the other end of pump; while it waits, idle work is done.
type waiting struct {
	ctx    context.Context
	chunks <-chan chunk
	idle   func() error
	rest   []byte
	err    error
}

func (w *waiting) Read(b []byte) (int, error) {
	for len(w.rest) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		if err := w.wait(); err != nil {
			return 0, err
		}
	}
	n := copy(b, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

func (w *waiting) wait() error {
	tick := time.NewTimer(followEvery)
	defer tick.Stop()
	select {
	case <-w.ctx.Done():
		return io.EOF
	case c := <-w.chunks:
		w.rest, w.err = c.data, c.err
		return nil
	case <-tick.C:
		return w.idle()
	}
}

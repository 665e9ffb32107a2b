// Package replay plays a recorded AIS capture as a live feed: the same bytes, in
// the same order, with the times between them kept at any speed, to the clients
// of a TCP server or as UDP datagrams. It exists so that everything that reads a
// live feed can be tried on recordings. The command line imports it; it imports
// the library ais, which reads the times.
//
// It sends only to those who connect to the address that it was given, or to
// the one UDP address that it was given.
package replay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/quaywatch/quaywatch/ais"
)

// maxHeld bounds the bytes of lines that wait for their time to be known.
const maxHeld = 64 << 10

// Options of a replay.
type Options struct {
	Speed float64        // of the recording: 1 as it came, 60 a minute in a second; 0: as fast as the readers take it
	Zone  *time.Location // of a date and time written before sentences; nil: UTC
	Bare  bool           // send sentences alone, without the times and tags around them: the reader goes by their arrival
	// Wait waits for d or until ctx is done; nil is the clock of the machine.
	Wait func(ctx context.Context, d time.Duration) error
	// Since gives the time that has passed since the start; nil is the clock of the machine.
	Since func() time.Duration
}

// Sink takes what is played: whole lines with their ends.
type Sink interface {
	Send(ctx context.Context, lines []byte) error
}

// Stats is what was played.
type Stats struct {
	Lines    int           // sent
	Messages int           // of them, whole messages
	Timed    int           // messages whose time was told by a line or a base station
	Recorded time.Duration // between the first and the newest time
}

var errSpeed = errors.New("a speed is 0 (as fast as possible) or more")

// player is one run through one capture.
type player struct {
	o     Options
	sink  Sink
	stats Stats
	held  []byte // lines whose time is not known yet
	lines int    // in held
	first time.Time
	last  time.Time
}

// Play reads r to its end and sends it to sink. Lines that can't be read are
// sent too: a live feed has them. A line whose time nothing tells goes with the
// next message that has one.
func Play(ctx context.Context, r io.Reader, sink Sink, o Options) (Stats, error) {
	if !(o.Speed >= 0) {
		return Stats{}, fmt.Errorf("speed %g: %w", o.Speed, errSpeed)
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	if o.Since == nil {
		start := time.Now()
		o.Since = func() time.Duration { return time.Since(start) }
	}
	p := &player{o: o, sink: sink}
	err := p.run(ctx, bufio.NewReaderSize(r, maxHeld))
	if !p.first.IsZero() {
		p.stats.Recorded = p.last.Sub(p.first)
	}
	return p.stats, err
}

func (p *player) run(ctx context.Context, r *bufio.Reader) error {
	d := ais.NewDecoder(ais.Options{Zone: p.o.Zone})
	var m ais.Message
	for n := int64(1); ; n++ {
		line, err := r.ReadSlice('\n')
		whole := !errors.Is(err, bufio.ErrBufferFull) // of an overlong line the pieces go on as they are
		if len(line) > 0 {
			result := ais.Skipped
			if whole {
				result, _ = d.Decode(line, n, &m) // what can't be read is the reader's business
			}
			p.hold(line)
			if errors.Is(err, io.EOF) && len(p.held) > 0 && p.held[len(p.held)-1] != '\n' {
				p.held = append(p.held, '\n') // the last line of a file may lack it
			}
			if result == ais.Complete {
				p.stats.Messages++
				if err := p.release(ctx, timeOf(&m)); err != nil {
					return err
				}
			} else if len(p.held) >= maxHeld {
				if err := p.send(ctx); err != nil {
					return err
				}
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return p.send(ctx)
		case err != nil && whole:
			return fmt.Errorf("reading the capture: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// timeOf is when the message came: as the line tells, or as a base station
// tells of itself (types 4 and 11); zero where neither does.
func timeOf(m *ais.Message) time.Time {
	if t := m.Frame.At(); !t.IsZero() {
		return t
	}
	if m.Has&ais.HasClock != 0 {
		if t, ok := m.Clock.UTC(); ok {
			return t
		}
	}
	return time.Time{}
}

// hold keeps a line until its time is known.
func (p *player) hold(line []byte) {
	if p.o.Bare {
		if line = bare(line); line == nil {
			return
		}
	}
	p.held = append(p.held, line...)
	p.lines++
}

// release waits until the time of the recording has come, and sends what is held.
func (p *player) release(ctx context.Context, t time.Time) error {
	if !t.IsZero() {
		p.stats.Timed++
		if p.first.IsZero() {
			p.first, p.last = t, t
		}
		if t.After(p.last) {
			p.last = t
		}
	}
	if p.o.Speed > 0 && !p.first.IsZero() {
		// From the newest time, so that a late line goes at once and never holds up.
		due := time.Duration(float64(p.last.Sub(p.first)) / p.o.Speed)
		if d := due - p.o.Since(); d > 0 {
			if err := p.o.Wait(ctx, d); err != nil {
				return err
			}
		}
	}
	return p.send(ctx)
}

func (p *player) send(ctx context.Context) error {
	if len(p.held) == 0 {
		return nil
	}
	if err := p.sink.Send(ctx, p.held); err != nil {
		return err
	}
	p.stats.Lines += p.lines
	p.held, p.lines = p.held[:0], 0
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

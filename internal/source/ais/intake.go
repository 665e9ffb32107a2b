package ais

import (
	"context"
	"errors"
	"io"
	"time"

	nmea "github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

// progressEvery is how many lines lie between two calls of Config.Progress.
const progressEvery = 4096

// intake turns the lines of one source into reports.
type intake struct {
	s     *Source
	feed  *source.Feed
	input string
	lines *lines
	dec   *nmea.Decoder
	msg   nmea.Message
	words words
	texts slab
	drift drift
	fatal error     // of the sink: the source can't go on
	utc   time.Time // that a base station told last; used in recordings

	marks   bool
	head    []byte
	headLen int64
	headSum string

	seen [1024]place // the latest lines, to name the line of a fragment given up
}

type place struct{ offset, line int64 }

func (s *Source) intake(feed *source.Feed, input string) *intake {
	in := &intake{s: s, feed: feed, input: input, lines: newLines()}
	in.drift.live = s.live()
	in.dec = nmea.NewDecoder(nmea.Options{Zone: s.zone, Dropped: in.dropped})
	return in
}

// run reads r to its end.
func (in *intake) run(ctx context.Context, r io.Reader) error {
	in.lines.over(r)
	for {
		if err := in.lines.next(); err != nil {
			in.dec.Flush()
			in.tell()
			if in.marks {
				in.feed.Mark(in.mark(in.lines.base+int64(in.lines.from), in.lines.number))
			}
			return in.lines.ended(err)
		}
		if err := in.line(ctx); err != nil {
			in.fatal = err
			return err
		}
		if in.lines.number%progressEvery == 0 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			in.tell()
		}
	}
}

func (in *intake) tell() {
	if in.s.c.Progress != nil {
		in.s.c.Progress(in.lines.base + int64(in.lines.from))
	}
}

// line decodes the current line. The error is of the sink.
func (in *intake) line(ctx context.Context) error {
	l := in.lines
	in.seen[l.number%int64(len(in.seen))] = place{l.offset, l.number}
	if l.long {
		raw := event.Raw{Input: in.input, Offset: l.offset, Line: l.number, Length: l.raw, Sum: l.sum, Text: l.text}
		in.feed.Rejected(nmea.ErrTooLong.Error(), raw)
		return nil
	}
	now := in.feed.Now()
	if in.s.c.Contacts != nil {
		return in.contact(ctx, now)
	}
	if in.s.scheme != "file" {
		in.dec.SetArrival(now)
	}
	result, err := in.dec.Decode(l.text, l.offset, &in.msg)
	switch {
	case err != nil:
		in.feed.Rejected(reason(err), in.raw(l.offset))
	case result == nmea.Complete:
		return in.report(ctx, now)
	case result == nmea.Skipped && len(l.text) > 0:
		in.feed.Skipped()
	}
	return nil
}

// reason is the text of a rejection: those of the library are few and fixed.
func reason(err error) string {
	var known error
	for _, known = range []error{nmea.ErrChecksum, nmea.ErrNoChecksum, nmea.ErrLength} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

// report puts the message as an observation.
func (in *intake) report(ctx context.Context, now time.Time) error {
	r := event.VesselReport{Head: event.Head{Time: now, Seen: now, Source: in.s.c.ID, Raw: in.raw(in.msg.Frame.First)}}
	if in.msg.Frame.Time != 0 {
		r.Time, r.Told = in.msg.Frame.At(), true
	}
	fill(&r, &in.msg, &in.words)
	if now.IsZero() && !in.recorded(&r) {
		in.feed.Rejected(reasonTimeless, r.Raw)
		return nil
	}
	if ahead, from, ok := in.drift.note(&r); ok {
		in.feed.Drift(ahead, from)
	}
	if in.marks && in.dec.Idle() {
		in.feed.Mark(in.mark(in.lines.base+int64(in.lines.from), in.lines.number))
	}
	return in.feed.Vessel(ctx, r)
}

// reasonTimeless is why a report of a recording is set aside whose time nobody tells.
const reasonTimeless = "no time: neither the line nor a base station before it tells one"

// recorded gives a report of a recording, whose arrival is not known, its time:
// that of the line, or else the UTC of the newest base station report (types 4
// and 11) before it. The report's own UTC second then places it within the
// minute. It reports false where no time is known: such a report has no place on
// a timeline, and a made-up one would look like a measurement.
func (in *intake) recorded(r *event.VesselReport) bool {
	if !r.Clock.IsZero() {
		in.utc = r.Clock
	}
	if !r.Told {
		r.Time = in.utc
	}
	r.Seen = r.Time // as source.FeedOptions.Clock has it
	return !r.Time.IsZero()
}

// raw is the evidence from the line at first to the current one. Where the
// lines between are more than event.MaxRaw, it is the current line alone.
func (in *intake) raw(first int64) event.Raw {
	l := in.lines
	span, number := l.back(first)
	if span == nil {
		first, span, number = l.offset, l.text, l.number
	}
	return event.Raw{Input: in.input, Offset: first, Line: number, Length: len(span), Sum: event.SumOf(span), Text: in.texts.keep(span[:min(len(span), event.MaxRaw)])}
}

// dropped counts a message whose other fragments did not come.
func (in *intake) dropped(first int64) {
	raw := event.Raw{Input: in.input, Offset: first}
	for _, p := range in.seen {
		if p.line > 0 && p.offset == first {
			raw.Line = p.line
		}
	}
	in.feed.Rejected(nmea.ErrUnfinished.Error(), raw)
}

// slab hands out copies of short texts from larger pieces of memory, so that a
// report does not cost an allocation of its own for its bytes.
type slab struct{ b []byte }

func (s *slab) keep(b []byte) []byte {
	if cap(s.b)-len(s.b) < len(b) {
		s.b = make([]byte, 0, 32<<10)
	}
	from := len(s.b)
	s.b = append(s.b, b...)
	return s.b[from:len(s.b):len(s.b)]
}

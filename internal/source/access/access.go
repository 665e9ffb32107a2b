// Package access reads the events of an access-control system from CSV: who
// used which reader, when, and whether the door opened. It exists because every
// badge system can write such a file and no two write the same one, so the
// columns, the form of the time and the words for the results are declared in
// configuration and never guessed. The composition root makes a [Source] of it;
// it imports event and source only.
//
// A row is one line. What can't be read is rejected by itself, with the line
// and the column, and the rest goes on: a quote that is not closed spoils its
// own line and not the remaining file.
package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

// pollEvery is how often a followed file is looked at for new rows. Badge
// events matter within seconds; a stat call twice a second costs nothing.
const pollEvery = 500 * time.Millisecond

// Options set up a Source.
type Options struct {
	ID      string // of the source
	Path    string // of the CSV file; "-" is standard input
	Follow  bool   // the file grows: wait for more rows at its end, and begin again when it is replaced or cut
	Mapping Mapping

	Stdin     io.Reader        // what "-" reads; nil is os.Stdin
	Expect    time.Duration    // longest normal silence; 0: none declared
	Bookmarks source.Bookmarks // where to go on after a restart; nil: from the start
	Clock     func() time.Time // arrival time; nil is the system clock
}

// Source reads one CSV file. It implements source.Source.
type Source struct {
	o     Options
	rows  *reader
	ahead bool // a row was told later than it arrived
}

// New checks the options and makes the source. The file need not exist yet
// where it is followed.
func New(o Options) (*Source, error) {
	if o.ID == "" {
		return nil, errors.New("access source: no id")
	}
	if o.Path == "" {
		return nil, fmt.Errorf("access source %s: no path: name the CSV file, or - for standard input", o.ID)
	}
	if o.Follow && o.Path == "-" {
		return nil, fmt.Errorf("access source %s: standard input can't be followed: it is read to its end anyway, so leave follow out", o.ID)
	}
	rows, err := newReader(o.Mapping)
	if err != nil {
		return nil, fmt.Errorf("access source %s: %w", o.ID, err)
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	return &Source{o: o, rows: rows}, nil
}

// ID is the id of the source.
func (s *Source) ID() string { return s.o.ID }

// Run reads to the end of the input, or until ctx is done where it is followed.
func (s *Source) Run(ctx context.Context, sink source.Sink) error {
	feed := source.NewFeed(s.o.ID, sink, s.feedOptions())
	if err := feed.Start(ctx); err != nil {
		return feed.End(ctx, err)
	}
	return feed.End(ctx, s.read(ctx, feed))
}

func (s *Source) feedOptions() source.FeedOptions {
	o := source.FeedOptions{Clock: s.o.Clock, Expect: s.o.Expect}
	if s.o.Path != "-" {
		o.Bookmarks, o.Repeatable = s.o.Bookmarks, true
	}
	if s.o.Follow {
		o.FlushEvery = 250 * time.Millisecond
	}
	return o
}

func (s *Source) read(ctx context.Context, feed *source.Feed) error {
	switch {
	case s.o.Path == "-":
		feed.Connected()
		return s.readRows(ctx, feed, newLines("stdin", s.o.Stdin))
	case s.o.Follow:
		return s.follow(ctx, feed)
	}
	f, err := os.Open(s.o.Path)
	if err != nil {
		return fmt.Errorf("access source %s: %w", s.o.ID, err)
	}
	defer func() { _ = f.Close() }() // opened for reading: closing can't lose anything
	feed.Connected()
	lines, err := s.resume(ctx, f)
	if err != nil {
		return err
	}
	return s.readRows(ctx, feed, lines)
}

// readRows reads rows until the end of what is there now. A last line without a
// line end is a row here, because nothing more will come.
func (s *Source) readRows(ctx context.Context, feed *source.Feed, lines *lines) error {
	for {
		l, err := lines.next()
		if errors.Is(err, io.EOF) {
			if l, ok := lines.rest(); ok {
				return s.row(ctx, feed, l)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("access source %s: reading %s: %w", s.o.ID, lines.input, err)
		}
		if err := s.row(ctx, feed, l); err != nil {
			return err
		}
	}
}

// row takes one line: as the header where one is due, else as an event.
func (s *Source) row(ctx context.Context, feed *source.Feed, l line) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.rows.wantsHeader() {
		if err := s.rows.header(l); err != nil {
			return fmt.Errorf("access source %s: %s: %w", s.o.ID, l.raw.Where(), err)
		}
		feed.Skipped()
		feed.Mark(markAfter(l))
		return nil
	}
	e, outcome, err := s.rows.event(l)
	switch {
	case err != nil:
		feed.Rejected(err.Error(), l.raw)
	case outcome == skipped:
		feed.Skipped()
	default:
		e.Head = feed.Head(e.Time, l.raw)
		s.drift(feed, e.Head)
		if err := feed.Access(ctx, e); err != nil {
			return err
		}
	}
	feed.Mark(markAfter(l))
	return nil
}

// drift tells of a clock that is ahead of arrival. One that is behind can't be
// told from an export that is slow, so nothing is said of it; rows of a file
// that does not grow say nothing either, because they arrived long ago.
func (s *Source) drift(feed *source.Feed, h event.Head) {
	ahead := h.Time.Sub(h.Seen)
	if s.o.Follow && (ahead > 0 || s.ahead) {
		s.ahead = true
		feed.Drift(max(ahead, 0), "arrival")
	}
}

var _ source.Source = (*Source)(nil)

// Package zeek reads the logs of a Zeek sensor, TSV or JSON: conversations from
// conn.log, and from the logs of its parsers (base and ICSNPP) what was asked of
// devices and what devices say of themselves. It exists so that a port that has
// Zeek needs no second sensor. The composition root makes a [Source] of it; it
// imports event, source and source/tail only.
//
// A row is one line. What can't be read is rejected by itself and the rest goes on.
package zeek

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
	"github.com/quaywatch/quaywatch/internal/source/tail"
)

// Options set up a Source.
type Options struct {
	ID        string
	Paths     []string // log files, and directories of them such as Zeek's current
	Follow    bool     // the logs grow and rotate
	Expect    time.Duration
	Bookmarks source.Bookmarks
	Clock     func() time.Time
}

// Source reads Zeek logs. It is used once.
type Source struct {
	o     Options
	feed  *source.Feed
	rows  reader
	stats Stats
}

// Stats counts what was read.
type Stats struct {
	Rows       uint64 `json:"rows"`
	Flows      uint64 `json:"flows"`
	Devices    uint64 `json:"devices"`
	Operations uint64 `json:"operations"`
	Rejected   uint64 `json:"rejected"`
	Logs       int    `json:"logs"`    // that are read
	Last       int64  `json:"last_ns"` // newest time told
}

// New checks the options and makes the source.
func New(o Options) (*Source, error) {
	if o.ID == "" || len(o.Paths) == 0 {
		return nil, errors.New("zeek source: an id and a file or directory are needed")
	}
	return &Source{o: o}, nil
}

// ID is the id of the source.
func (s *Source) ID() string { return s.o.ID }

// Stats is what was read; call it after Run.
func (s *Source) Stats() Stats { return s.stats }

// Run reads to the end of the logs, or until ctx is done where they are followed.
func (s *Source) Run(ctx context.Context, sink source.Sink) error {
	fo := source.FeedOptions{Clock: s.o.Clock, Expect: s.o.Expect, Bookmarks: s.o.Bookmarks, Repeatable: true}
	if s.o.Follow {
		fo.FlushEvery = 250 * time.Millisecond
	}
	s.feed = source.NewFeed(s.o.ID, sink, fo)
	s.rows = newReader()
	if err := s.feed.Start(ctx); err != nil {
		return s.feed.End(ctx, err)
	}
	set := tail.New(tail.Options{ID: s.o.ID, Paths: s.o.Paths, Match: IsLog, Rank: rank, Follow: s.o.Follow, Bookmarks: s.o.Bookmarks})
	return s.feed.End(ctx, set.Run(ctx, s.feed, s.take))
}

// IsLog reports whether a file of a directory is a log that is read: its name
// begins with the kind, as in conn.log and conn.10:00:00-11:00:00.log.gz.
func IsLog(name string) bool {
	if !strings.HasSuffix(name, ".log") && !strings.HasSuffix(name, ".log.gz") {
		return false
	}
	_, known := kinds[kindOf(name)]
	return known
}

// kindOf is the kind of a log by its file name.
func kindOf(name string) string {
	kind, _, _ := strings.Cut(name, ".")
	return kind
}

// rank puts conn.log after the others, so that what was asked in a conversation
// is known when the conversation is told.
func rank(name string) int {
	if kindOf(name) == "conn" {
		return 1
	}
	return 0
}

// take reads one line.
func (s *Source) take(ctx context.Context, f *tail.File, l *tail.Line) error {
	if f.State == nil {
		f.State = newHeader(f.Path)
		s.stats.Logs++
	}
	h := f.State.(*header) // set here only
	row, reason := h.row(l)
	if reason != "" {
		s.reject(reason, l)
		return nil
	}
	if row == nil {
		return nil // a line of the header, or an empty one
	}
	read, known := kinds[h.kind]
	if !known {
		s.feed.Skipped()
		return nil
	}
	s.stats.Rows++
	told, err := row.time()
	if err != nil {
		s.reject("column ts holds no time", l)
		return nil //nolint:nilerr // told; the rest goes on
	}
	s.stats.Last = max(s.stats.Last, told.UnixNano())
	out, reason := read(&s.rows, row)
	if reason != "" {
		s.reject(reason, l)
		return nil
	}
	return s.tell(ctx, told, l, out)
}

func (s *Source) reject(reason string, l *tail.Line) {
	s.stats.Rejected++
	s.feed.Rejected(reason, l.Raw(true))
}

// told is what a row gives: any of the three.
type told struct {
	flow      *event.Flow
	device    *event.DeviceSighting
	operation *event.DeviceOperation
	secret    bool // the row holds a password: its text is not kept
}

// tell puts what a row gave. Identities and operations carry the line, because
// Zeek's logs are deleted one day; conversations are too many for that and carry
// its place and hash.
func (s *Source) tell(ctx context.Context, at time.Time, l *tail.Line, t told) error {
	if t == (told{}) {
		s.feed.Skipped()
		return nil
	}
	if t.flow != nil {
		t.flow.Head = s.feed.Head(at, l.Raw(false))
		t.flow.Last = at.Add(time.Duration(s.rows.duration))
		s.stats.Flows++
		if err := s.feed.Flow(ctx, *t.flow); err != nil {
			return err
		}
	}
	if t.device != nil {
		t.device.Head = s.feed.Head(at, l.Raw(true))
		s.stats.Devices++
		if err := s.feed.Device(ctx, *t.device); err != nil {
			return err
		}
	}
	if t.operation != nil {
		t.operation.Head, t.operation.Last = s.feed.Head(at, l.Raw(!t.secret)), at
		s.stats.Operations++
		return s.feed.Operation(ctx, *t.operation)
	}
	return nil
}

// Package advisory reads published vulnerability notices in CSAF 2.0 (OASIS
// Common Security Advisory Framework) from a folder or an archive. It exists
// because known weaknesses of the port's own devices are published in this
// form. The composition root makes a [Source] of it; it imports event and
// source only.
//
// A document must keep the schema, and its products must not be ambiguous (see
// the csaf room); one that does not is named with the place in it, is not
// loaded by any part, and the others go on. Other faults are counted.
package advisory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/source"
)

// flushBytes is how much product text a batch may gather, so that a batch of
// large documents stays a small message.
const flushBytes = 1 << 20

// Options set up a Source.
type Options struct {
	ID    string           // of the source
	Path  string           // folder, tar (plain, gzip, zstd) or one document
	Every time.Duration    // how often to look again for new and changed documents; 0: read once
	Clock func() time.Time // arrival time; nil is the system clock
	// OnReject, where set, is told of every rejected document. The health
	// account counts them all and shows the last of each reason.
	OnReject func(Rejection)
	Expect   time.Duration // longest normal silence; 0: none declared
}

// Rejection names a document that was not read.
type Rejection struct {
	Document string `json:"document"` // path, or "archive!path in it"
	Fault    string `json:"fault"`    // JSON Pointer and reason
}

// Source reads advisories. It implements source.Source.
type Source struct {
	o    Options
	seen map[string]event.Sum // documents that were told already, by name
}

// New checks the options and makes the source.
func New(o Options) (*Source, error) {
	if o.ID == "" {
		return nil, errors.New("advisory source: no id")
	}
	if o.Path == "" {
		return nil, fmt.Errorf("advisory source %s: no path: name a folder, an archive or a document", o.ID)
	}
	return &Source{o: o, seen: map[string]event.Sum{}}, nil
}

// ID is the id of the source.
func (s *Source) ID() string { return s.o.ID }

// Run reads all documents once, and again after each Every until ctx is done.
func (s *Source) Run(ctx context.Context, sink source.Sink) error {
	o := source.FeedOptions{Clock: s.o.Clock, Expect: s.o.Expect, Repeatable: true}
	if s.o.Every > 0 {
		o.FlushEvery = time.Second // so that it tells of itself between two looks, and is not taken for dead
	}
	feed := source.NewFeed(s.o.ID, sink, o)
	if err := feed.Start(ctx); err != nil {
		return feed.End(ctx, err)
	}
	return feed.End(ctx, s.loop(ctx, feed))
}

func (s *Source) loop(ctx context.Context, feed *source.Feed) error {
	for {
		if err := s.once(ctx, feed); err != nil {
			return err
		}
		if s.o.Every <= 0 {
			return nil
		}
		if err := feed.Flush(ctx); err != nil {
			return err
		}
		again := time.NewTimer(s.o.Every)
		select {
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-again.C:
		}
	}
}

// once reads all documents that are there and not yet told.
func (s *Source) once(ctx context.Context, feed *source.Feed) error {
	feed.Connected()
	gathered := 0
	err := documents(ctx, s.o.Path, func(f found) error {
		sum := event.SumOf(f.text)
		if s.seen[f.name] == sum {
			return nil
		}
		size, err := s.take(ctx, feed, f, sum)
		if err != nil {
			return err
		}
		s.seen[f.name] = sum
		if gathered += size; gathered >= flushBytes {
			gathered = 0
			return feed.Flush(ctx)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("advisory source %s: %w", s.o.ID, err)
	}
	return nil
}

// take reads one document and returns the bytes of text that it holds.
func (s *Source) take(ctx context.Context, feed *source.Feed, f found, sum event.Sum) (int, error) {
	if f.text == nil {
		feed.Skipped() // signatures, hashes and lists beside the documents
		return 0, nil
	}
	raw := event.Raw{Input: f.name, Length: len(f.text), Sum: sum}
	a, err := Decode(f.text)
	switch {
	case errors.Is(err, errNotAdvisory):
		feed.Skipped()
		return 0, nil
	case err != nil:
		raw.Text = f.text[:min(len(f.text), event.MaxRaw)]
		feed.Rejected(err.Error(), raw)
		if s.o.OnReject != nil {
			s.o.OnReject(Rejection{Document: f.name, Fault: err.Error()})
		}
		return 0, nil
	}
	a.Head = feed.Head(a.Time, raw) // no text in it: the file stays where it is
	return volume(&a), feed.Advisory(ctx, a)
}

// volume is about how many bytes of text an advisory holds.
func volume(a *event.Advisory) int {
	size := len(a.Title)
	for _, p := range a.Products {
		size += len(p)
	}
	for i := range a.Advised {
		p := &a.Advised[i]
		size += len(p.Name) + len(p.Version) + 2*(len(p.Affected)+len(p.Cleared)+len(p.Fixed)+len(p.Fixes))
		for _, m := range p.Models {
			size += len(m)
		}
	}
	for _, f := range a.Fixes {
		size += len(f.Details) + len(f.URL)
	}
	return size
}

var _ source.Source = (*Source)(nil)

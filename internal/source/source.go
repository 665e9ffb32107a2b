// Package source is what all feeds share: bytes in, observations out, and an
// honest account of their own health. One folder a feed below it. Sources
// import event and the libraries ais and ics; they know nothing of streams,
// stores or watches.
package source

import (
	"context"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Sink takes batches. Put returns when the batch is durable: what Put has
// acknowledged is not lost. Put may be called from several goroutines; it keeps
// no reference to the batch after it returns.
type Sink interface {
	Put(ctx context.Context, b *event.Batch) error
}

// Source is a feed. Run reads until the input ends (nil), the context is done
// (its error), or the source can't go on. It puts a SourceHealth observation
// at the start, at least every ten seconds, and at the end.
type Source interface {
	ID() string
	Run(ctx context.Context, sink Sink) error
}

// Bookmarks remember how far a source has got, so that a restart goes on there.
// The mark is the source's own text; "" means from the start.
type Bookmarks interface {
	Bookmark(ctx context.Context, source string) (string, error)
	SetBookmark(ctx context.Context, source, mark string) error
}

// BatchRows is the usual number of observations in a batch (measured best for
// the stream: about 500 rows a message).
const BatchRows = 500

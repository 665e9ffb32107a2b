// Package stream keeps what came in and is not yet everywhere: a NATS JetStream
// in the process itself, or the one that the operator runs as a cluster. It
// imports event; nothing but system imports it.
//
// Put returns after the batch is on disk with fsync. A consumer reads from a
// place that it keeps itself, in the same transaction as what it did with the
// batches: a batch that is told twice has effect once.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/quaywatch/quaywatch/internal/event"
)

const (
	streamName = "OBSERVATIONS"
	subject    = "quaywatch.observations"

	noticeStream  = "FINDINGS"
	noticeSubject = "quaywatch.findings"
	noticeAge     = 7 * 24 * time.Hour
	noticeBytes   = 256 << 20

	maxPayload   = 8 << 20 // bytes of one message; larger batches are split
	pullBytes    = 8 << 20 // larger pulls break the client
	readAhead    = 64      // messages decoded and waiting for the consumer
	gatherMost   = 32      // messages handed to the consumer at once
	tryTime      = 5 * time.Second
	errFullCode  = 10077 // JetStream: maximum bytes exceeded
	dedupeWindow = 2 * time.Minute
)

// Options sets up a stream. Dir or URL is needed, the rest has defaults.
type Options struct {
	Dir      string        // of the embedded server
	URL      string        // of an external cluster, such as "nats://127.0.0.1:4222"; Dir is then not used
	Creds    string        // credentials file for URL; empty: none
	Replicas int           // of the stream on a cluster; 0 is 1
	MaxBytes int64         // bound of the stream; 0 is 4 GiB. At the bound Put waits until Trim makes room
	NoSync   bool          // acknowledge before fsync: only where the loss of a second is accepted
	Retry    time.Duration // between tries while full; 0 is 200 ms
	Log      *slog.Logger  // nil: silent
}

// Stream is an open stream.
type Stream struct {
	o      Options
	server *server.Server // nil for an external cluster
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream

	unreadable atomic.Uint64
}

// Open starts the embedded server or connects to the cluster, and makes the
// stream where it is missing.
func Open(ctx context.Context, o Options) (*Stream, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 4 << 30
	}
	if o.Retry == 0 {
		o.Retry = 200 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Stream{o: o}
	if err := s.connect(); err != nil {
		s.Close()
		return nil, err
	}
	var err error
	if s.js, err = jetstream.New(s.conn); err != nil {
		s.Close()
		return nil, fmt.Errorf("opening JetStream: %w", err)
	}
	s.stream, err = s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: streamName, Subjects: []string{subject}, Storage: jetstream.FileStorage,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, MaxBytes: o.MaxBytes,
		MaxMsgSize: maxPayload, Replicas: max(o.Replicas, 1), Duplicates: dedupeWindow,
		Compression: jetstream.NoCompression,
	})
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("opening the stream %s: %w", streamName, err)
	}
	_, err = s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: noticeStream, Subjects: []string{noticeSubject}, Storage: jetstream.FileStorage,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, MaxBytes: noticeBytes, MaxAge: noticeAge,
		Replicas: max(o.Replicas, 1), Duplicates: dedupeWindow,
	})
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("opening the stream %s: %w", noticeStream, err)
	}
	return s, nil
}

// Announce tells other readers of the stream (leaf nodes, other systems) that a
// finding changed. Notices are kept for a week or 256 MiB; the decision itself
// is in the records. The same id within two minutes is kept once.
func (s *Stream) Announce(ctx context.Context, id string, notice []byte) error {
	if _, err := s.js.Publish(ctx, noticeSubject, notice, jetstream.WithMsgID(id)); err != nil {
		return fmt.Errorf("announcing %s: %w", id, err)
	}
	return nil
}

func (s *Stream) connect() error {
	if s.o.URL != "" {
		opts := []nats.Option{nats.Name("quaywatch"), nats.MaxReconnects(-1)}
		if s.o.Creds != "" {
			opts = append(opts, nats.UserCredentials(s.o.Creds))
		}
		conn, err := nats.Connect(s.o.URL, opts...)
		if err != nil {
			return fmt.Errorf("connecting to the stream at %s: %w", s.o.URL, err)
		}
		s.conn = conn
		return nil
	}
	if s.o.Dir == "" {
		return errors.New("opening the stream: neither a directory nor an address is set")
	}
	ns, err := server.NewServer(&server.Options{
		ServerName: "quaywatch", DontListen: true, JetStream: true, StoreDir: s.o.Dir,
		SyncAlways: !s.o.NoSync, MaxPayload: maxPayload, NoSigs: true, NoLog: true,
		JetStreamMaxStore: s.o.MaxBytes + s.o.MaxBytes/4 + noticeBytes, JetStreamMaxMemory: 64 << 20,
	})
	if err != nil {
		return fmt.Errorf("starting the embedded stream in %s: %w", s.o.Dir, err)
	}
	s.server = ns
	ns.Start()
	if !ns.ReadyForConnections(20 * time.Second) {
		return fmt.Errorf("the embedded stream in %s did not get ready in 20 s: is the disk full or very slow?", s.o.Dir)
	}
	if s.conn, err = nats.Connect("", nats.InProcessServer(ns), nats.Name("quaywatch")); err != nil {
		return fmt.Errorf("connecting to the embedded stream: %w", err)
	}
	return nil
}

// Put makes a batch durable: when it returns nil the batch is on disk. The same
// batch ID within two minutes is kept once. While the stream is full, or a
// cluster has no leader, it waits, until the context ends.
func (s *Stream) Put(ctx context.Context, b *event.Batch) error {
	if most(b) > maxRows {
		return s.putHalves(ctx, b)
	}
	buf := buffers.Get().(*[]byte) // the client copies what it sends
	defer buffers.Put(buf)
	data, err := AppendEncoded((*buf)[:0], b)
	if err != nil {
		return err
	}
	if cap(data) <= keptBuffer {
		*buf = data
	}
	if len(data) > maxPayload-64<<10 {
		if b.Len() < 2 {
			return fmt.Errorf("batch %s: one observation of %d bytes is more than the stream takes (%d)", b.ID, len(data), maxPayload)
		}
		return s.putHalves(ctx, b)
	}
	for told := false; ; told = true {
		why := s.publish(ctx, b.ID, data)
		switch {
		case why == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("batch %s: %w while the stream did not take it: %w", b.ID, ctx.Err(), why)
		case !passing(why):
			return fmt.Errorf("putting batch %s into the stream: %w", b.ID, why)
		case !told:
			s.o.Log.Warn("the stream does not take batches: sources wait", "error", why, "bound_bytes", s.o.MaxBytes)
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.o.Retry):
		}
	}
}

func (s *Stream) putHalves(ctx context.Context, b *event.Batch) error {
	one, two := halve(b)
	return errors.Join(s.Put(ctx, one), s.Put(ctx, two))
}

// keptBuffer is the largest memory of an encoded batch that is used again;
// the usual batch takes an eighth of it.
const keptBuffer = 512 << 10

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// publish tries once. The name of the batch makes a second try harmless.
func (s *Stream) publish(ctx context.Context, id string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	_, err := s.js.Publish(ctx, subject, data, jetstream.WithMsgID(id))
	return err
}

// passing reports whether a failure goes away by itself: a full stream, a
// cluster that elects a leader, a connection that comes back.
func passing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return int(api.ErrorCode) == errFullCode || api.Code == 503
	}
	for _, e := range []error{jetstream.ErrNoStreamResponse, nats.ErrNoResponders, nats.ErrTimeout, context.DeadlineExceeded,
		nats.ErrDisconnected, nats.ErrConnectionReconnecting, nats.ErrReconnectBufExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Consume calls handle with the batches from place from (inclusive; 0 and 1
// are the oldest kept) in order, several at once where they are waiting, until
// the context ends or handle fails. A message that can't be decoded is
// logged and told as a batch without observations, so that its place is passed.
func (s *Stream) Consume(ctx context.Context, from uint64, handle func(context.Context, []event.Stored) error) error {
	cons, err := s.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(from, 1),
	})
	if err != nil {
		return fmt.Errorf("reading the stream from %d: %w", from, err)
	}
	ahead := make(chan event.Stored, readAhead)
	run, err := cons.Consume(func(m jetstream.Msg) {
		meta, err := m.Metadata()
		if err != nil {
			s.o.Log.Error("message without metadata in the stream", "error", err)
			return
		}
		b, err := Decode(m.Data())
		if err != nil {
			s.unreadable.Add(1)
			s.o.Log.Error("unreadable message in the stream, passed over", "seq", meta.Sequence.Stream, "error", err)
			b = &event.Batch{}
		}
		select {
		case ahead <- event.Stored{Seq: meta.Sequence.Stream, Batch: b}:
		case <-ctx.Done():
		}
	}, jetstream.PullMaxBytes(pullBytes))
	if err != nil {
		return fmt.Errorf("reading the stream from %d: %w", from, err)
	}
	defer run.Stop()
	for {
		got, err := gather(ctx, ahead)
		if err != nil {
			return err
		}
		if err := handle(ctx, got); err != nil {
			return err
		}
	}
}

// gather waits for one message and takes what else is waiting.
func gather(ctx context.Context, ahead <-chan event.Stored) ([]event.Stored, error) {
	var got []event.Stored
	select {
	case m := <-ahead:
		got = append(got, m)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for len(got) < gatherMost {
		select {
		case m := <-ahead:
			got = append(got, m)
		default:
			return got, nil
		}
	}
	return got, nil
}

// Unreadable is how many messages Consume could not decode and passed over since
// the stream was opened. They stay in the stream until it is trimmed.
func (s *Stream) Unreadable() uint64 { return s.unreadable.Load() }

// State is how full the stream is.
type State struct {
	First, Last uint64 // places; Last is 0 for an empty stream
	FirstTime   time.Time
	Bytes       int64
	MaxBytes    int64
}

// State reads the state of the stream.
func (s *Stream) State(ctx context.Context) (State, error) {
	info, err := s.stream.Info(ctx)
	if err != nil {
		return State{}, fmt.Errorf("reading the state of the stream: %w", err)
	}
	return State{First: info.State.FirstSeq, Last: info.State.LastSeq, FirstTime: info.State.FirstTime,
		Bytes: int64(info.State.Bytes), MaxBytes: s.o.MaxBytes}, nil
}

// SeqSince returns the first place whose message was stored at or after t, and
// the place after the last where there is none.
func (s *Stream) SeqSince(ctx context.Context, t time.Time) (uint64, error) {
	st, err := s.State(ctx)
	if err != nil {
		return 0, err
	}
	lo, hi := max(st.First, 1), st.Last+1 // an empty stream says that its first place is 0
	for lo < hi {
		mid := lo + (hi-lo)/2
		m, err := s.stream.GetMsg(ctx, mid)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			lo = mid + 1
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("reading place %d of the stream: %w", mid, err)
		}
		if m.Time.Before(t) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, nil
}

// Trim forgets everything before the place keep: call it with the oldest place
// that any consumer still needs.
func (s *Stream) Trim(ctx context.Context, keep uint64) error {
	if keep <= 1 {
		return nil
	}
	if err := s.stream.Purge(ctx, jetstream.WithPurgeSequence(keep)); err != nil {
		return fmt.Errorf("trimming the stream before %d: %w", keep, err)
	}
	return nil
}

// Close ends the connection and the embedded server.
func (s *Stream) Close() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
}

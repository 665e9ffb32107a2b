// Package system is the composition root: it opens the engines, joins sources,
// stream, telemetry, watches, register and faces, and runs them. It is the only
// package that sees all of them; only the command line imports it.
package system

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/datadir"
	"github.com/quaywatch/quaywatch/internal/feed"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/source"
	"github.com/quaywatch/quaywatch/internal/store"
	"github.com/quaywatch/quaywatch/internal/store/duckdb"
	"github.com/quaywatch/quaywatch/internal/store/postgres"
	"github.com/quaywatch/quaywatch/internal/store/sqlite"
	"github.com/quaywatch/quaywatch/internal/stream"
	"github.com/quaywatch/quaywatch/internal/watch"
)

// Options are what the command line adds to the configuration.
type Options struct {
	Log     *slog.Logger
	Version string
	Command string // for the lock: "serve", "demo"
}

// System is an open system. Close it.
type System struct {
	cfg  *config.Config
	o    Options
	log  *slog.Logger
	lock *datadir.Lock

	records    *store.Records
	telemetry  *duckdb.Telemetry
	stream     *stream.Stream
	register   *finding.Register
	identity   *identity.Service
	port       atomic.Pointer[port.Port]
	problems   port.Problems // warnings of the port file
	advisories *advisory.Set
	activity   *activity
	doubts     *feed.Doubts
	feeds      []*feed.Feed // out, for other systems
	risk       *riskDesk
	exposure   *exposureDesk
	walls      *wallDesk
	paper      *paperDesk
	boards     *boardDesk

	watchMu  sync.Mutex // Observe, Advance and Take of the watches
	watches  *watch.Set
	fed      uint64 // stream place that the watches have been fed up to; under watchMu
	restored uint64 // up to which the vessel watch knows the stream from its snapshot; under watchMu

	position atomic.Uint64 // stream place that the register has applied
	seen     atomic.Uint64 // stream place that the watches have seen; ahead of position while nothing is told
	warmed   atomic.Bool   // what was in the stream at the start has been read
}

// Open opens everything that a configuration names. It starts no source and
// listens nowhere; Run does.
func Open(ctx context.Context, cfg *config.Config, o Options) (_ *System, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &System{cfg: cfg, o: o, log: o.Log, advisories: advisory.New(), activity: newActivity(), doubts: feed.NewDoubts()}
	s.feeds = s.newFeeds()
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	p, problems := port.Check(cfg.Port, time.Now())
	if p == nil {
		return nil, fmt.Errorf("the port file %s has faults; 'quaywatch port check' lists them:\n%w", cfg.Port, problems)
	}
	s.port.Store(p)
	s.problems = problems
	if s.lock, err = datadir.Acquire(cfg.Data, o.Command); err != nil {
		return nil, err
	}
	if err := s.openStores(ctx); err != nil {
		return nil, err
	}
	s.register = finding.NewRegister(s.records.Findings(), finding.Options{})
	if s.identity, err = identity.New(identity.Options{Store: s.records.Identity(), Log: s.log}); err != nil {
		return nil, fmt.Errorf("opening the accounts: %w", err)
	}
	s.watches = watch.New(p)
	s.risk = newRiskDesk(s)
	if s.exposure, err = openExposure(ctx, s); err != nil {
		return nil, err
	}
	s.walls = &wallDesk{s: s}
	s.paper = newPaperDesk(s)
	s.boards = &boardDesk{s: s}
	if err := s.risk.recall(); err != nil {
		return nil, err
	}
	if err := s.takePlace(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// takePlace reads how far the register has applied the stream. A place behind
// the end of the stream is of another stream: records that were restored from a
// backup, or a stream that was made anew. Its batches count from one again and
// would all be taken for repeats, silently, until they had caught up.
func (s *System) takePlace(ctx context.Context) error {
	at, err := s.records.Position(ctx, watchPosition)
	if err != nil {
		return err
	}
	st, err := s.stream.State(ctx)
	if err != nil {
		return err
	}
	if told := s.telemetry.Position(); max(at, told) > st.Last {
		s.log.Warn("the stream ends before what was applied of it: it is another one, and is read from its end on",
			"stream", st.Last, "findings", at, "telemetry", told)
		if err := errors.Join(s.records.Rewind(ctx, watchPosition, st.Last), s.telemetry.Rewind(ctx, st.Last)); err != nil {
			return err
		}
		at = min(at, st.Last)
	}
	s.position.Store(at)
	return nil
}

func (s *System) openRecords(ctx context.Context) error {
	url, err := s.cfg.PostgresURL()
	if err != nil {
		return err
	}
	opts := []store.Option{store.WithLog(s.log), store.InDir(s.cfg.Data)}
	if url != "" {
		s.records, err = postgres.Open(ctx, url, opts...)
	} else {
		s.records, err = sqlite.Open(ctx, filepath.Join(s.cfg.Data, datadir.Records), opts...)
	}
	if err != nil {
		return fmt.Errorf("opening the records: %w", err)
	}
	return nil
}

func (s *System) openStores(ctx context.Context) (err error) {
	if err := s.openRecords(ctx); err != nil {
		return err
	}
	s.telemetry, err = duckdb.Open(ctx, duckdb.Options{Dir: filepath.Join(s.cfg.Data, datadir.Telemetry), Log: s.log,
		Retention: time.Duration(s.cfg.Tele.RetentionDays) * 24 * time.Hour, MemoryMiB: s.cfg.Tele.MemoryMiB})
	if err != nil {
		return err
	}
	s.stream, err = stream.Open(ctx, stream.Options{Dir: filepath.Join(s.cfg.Data, datadir.Stream), URL: s.cfg.Stream.URL,
		Creds: s.cfg.Stream.Credentials, Replicas: s.cfg.Stream.Replicas, MaxBytes: int64(s.cfg.Stream.MaxGiB) << 30, Log: s.log})
	return err
}

// OpenAccounts opens only the accounts of a configuration, for the command line.
// It needs the data directory for itself: the error is a *datadir.LockedError
// where a server runs in it. The function returned closes them.
func OpenAccounts(ctx context.Context, cfg *config.Config, o Options) (*identity.Service, func() error, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &System{cfg: cfg, o: o, log: o.Log}
	var err error
	if s.lock, err = datadir.Acquire(cfg.Data, o.Command); err != nil {
		return nil, nil, err
	}
	if err = s.openRecords(ctx); err == nil {
		s.identity, err = identity.New(identity.Options{Store: s.records.Identity(), Log: s.log})
	}
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s.identity, s.Close, nil
}

// Close closes what is open, the stores last.
func (s *System) Close() error {
	var errs []error
	if s.stream != nil {
		s.stream.Close()
	}
	if s.telemetry != nil {
		errs = append(errs, s.telemetry.Close())
	}
	if s.records != nil {
		errs = append(errs, s.records.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Release())
	}
	return errors.Join(errs...)
}

// Identity is the accounts, for the command line.
func (s *System) Identity() *identity.Service { return s.identity }

// Findings is the register, for the command line.
func (s *System) Findings() finding.Desk { return s.register }

// Sink is where sources put what they read, for sources that the command line adds.
func (s *System) Sink() source.Sink { return s.stream }

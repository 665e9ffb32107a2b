// Package duckdb keeps telemetry: the observations themselves, many and
// unchanging, in a DuckDB file for the current days and in one Parquet file a
// table and closed day. It imports event; only system and the one-shot analysis
// import it. One process owns the file.
//
// Rows wait in memory after Append and become durable at each Flush together
// with the stream position that they reach, so that rows told twice are kept
// once.
package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"

	duck "github.com/duckdb/duckdb-go/v2"
)

// Options sets up a telemetry store. Only Dir is needed.
type Options struct {
	Dir        string
	Retention  time.Duration // how long closed days are kept; 0 is 400 days
	OpenDays   int           // days before today that stay in the live file for late rows; 0 is 1
	MemoryMiB  int           // bound of DuckDB's own memory; 0 is 192
	Threads    int           // of queries; 0 is all cores
	FlushRows  int           // rows that may wait before they are written beside, and half as many again before Append waits; 0 is 100,000
	FlushEvery time.Duration // how long a row may wait; 0 is one second
	Log        *slog.Logger  // nil: silent
}

// Telemetry is an open store. Queries may run from any goroutine beside the
// appends; Append, Flush and Maintain may be called from several goroutines too
// and wait for each other.
type Telemetry struct {
	o         Options
	connector *duck.Connector
	db        *sql.DB
	newest    newest

	queue   queue         // taken after mu
	wake    chan struct{} // for flushBeside
	slept   chan struct{} // closed when flushBeside has ended
	applied atomic.Uint64 // stream position up to which everything is durable

	days sync.RWMutex // read by each question over its whole length, written while rows move into the file of their day; taken after mu

	mu        sync.Mutex // of everything below: the one writer
	conn      driver.Conn
	appenders map[string]*duck.Appender
	waiting   *waiting // what the running statement copies into positions
	inTx      bool
	sorted    time.Time // positions before it are sorted by vessel and counted in visits
}

// Open opens or makes the store in o.Dir.
func Open(ctx context.Context, o Options) (*Telemetry, error) {
	o = withDefaults(o)
	if err := os.MkdirAll(filepath.Join(o.Dir, "days"), 0o700); err != nil {
		return nil, fmt.Errorf("making the telemetry directory: %w", err)
	}
	path := filepath.Join(o.Dir, "live.duckdb")
	dsn := fmt.Sprintf("%s?memory_limit=%dMiB", path, o.MemoryMiB)
	if o.Threads > 0 {
		dsn += fmt.Sprintf("&threads=%d", o.Threads)
	}
	connector, err := duck.NewConnector(dsn, nil)
	if err != nil {
		return nil, fmt.Errorf("opening telemetry %s: %w", path, err)
	}
	t := &Telemetry{o: o, connector: connector, db: sql.OpenDB(connector), appenders: map[string]*duck.Appender{},
		newest: newest{byMMSI: map[uint32]*event.VesselReport{}, capacity: maxNewest}, wake: make(chan struct{}, 1), slept: make(chan struct{})}
	go t.flushBeside() //nolint:gosec // it lives until Close, longer than the context of Open
	if err := t.setUp(ctx); err != nil {
		return nil, fmt.Errorf("opening telemetry %s: %w", path, errors.Join(err, t.Close()))
	}
	return t, nil
}

func withDefaults(o Options) Options {
	if o.Retention == 0 {
		o.Retention = 400 * 24 * time.Hour
	}
	if o.OpenDays == 0 {
		o.OpenDays = 1
	}
	if o.MemoryMiB == 0 {
		o.MemoryMiB = 192
	}
	if o.FlushRows == 0 {
		o.FlushRows = 100_000
	}
	if o.FlushEvery == 0 {
		o.FlushEvery = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// setUp makes what is missing and opens the writer.
func (t *Telemetry) setUp(ctx context.Context) error {
	// No extension is ever fetched, no file outside the store is read.
	stmts := []string{"SET autoinstall_known_extensions=false", "SET autoload_known_extensions=false", "SET TimeZone='UTC'",
		// the default of 16 MiB checkpoints every few seconds under load; this bounds the replay after a crash to about a second
		// the default of 16 MiB checkpoints every few seconds under load; this bounds the replay after a crash to about a second,
		// and what waits for a checkpoint in memory to about 100 MB
		"SET checkpoint_threshold='64MiB'"}
	for _, tab := range tables {
		stmts = append(stmts, tab.create())
	}
	stmts = append(stmts,
		"CREATE TABLE IF NOT EXISTS applied (seq UBIGINT, reached_at TIMESTAMP)",
		"CREATE TABLE IF NOT EXISTS sorted (upto TIMESTAMP)",
		"CREATE TABLE IF NOT EXISTS closed (tab VARCHAR, day DATE, file VARCHAR, n BIGINT, arrived TIMESTAMP)")
	for _, s := range stmts {
		if _, err := t.db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("setting up (%.40s…): %w", s, err)
		}
	}
	var applied uint64
	if err := t.db.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM applied").Scan(&applied); err != nil {
		return fmt.Errorf("reading the position: %w", err)
	}
	t.applied.Store(applied)
	t.queue.reached = applied
	if err := t.dropUnfinishedDays(ctx); err != nil {
		return err
	}
	var err error
	if t.sorted, err = t.readSorted(ctx); err != nil {
		return err
	}
	if err := t.recall(ctx); err != nil {
		return err
	}
	if t.conn, err = t.connector.Connect(ctx); err != nil {
		return fmt.Errorf("opening the writer: %w", err)
	}
	if err := t.registerPositions(ctx); err != nil {
		return fmt.Errorf("opening the writer of positions: %w", err)
	}
	for _, tab := range tables {
		if tab.name == "positions" {
			continue
		}
		a, err := duck.NewAppenderFromConn(t.conn, "", tab.name)
		if err != nil {
			return fmt.Errorf("opening the writer of %s: %w", tab.name, err)
		}
		t.appenders[tab.name] = a
	}
	return nil
}

// Position is the stream position up to which everything is durable.
func (t *Telemetry) Position() uint64 { return t.applied.Load() }

// Close flushes and closes the store. Nobody may append any more.
func (t *Telemetry) Close() error {
	close(t.wake)
	<-t.slept
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	if t.conn != nil && t.queue.err() == nil {
		errs = append(errs, t.flush(context.Background()))
	}
	for _, a := range t.appenders {
		errs = append(errs, a.Close())
	}
	if t.conn != nil {
		errs = append(errs, t.conn.Close())
	}
	return errors.Join(append(errs, t.db.Close())...)
}

// exec runs one statement on the writer's connection.
func (t *Telemetry) exec(ctx context.Context, q string, args ...any) error {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	_, err := t.conn.(driver.ExecerContext).ExecContext(ctx, q, named)
	return err
}

// Err is why the store takes no more, nil while it works.
func (t *Telemetry) Err() error { return t.queue.err() }

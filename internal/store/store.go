// Package store keeps the records: everything that was decided or declared.
// Findings with their states, who did what (the audit log), accounts, tokens,
// sessions, how far each reader has got. One implementation over database/sql
// with two dialects; packages sqlite and postgres open it. What sensors tell by
// the million (positions, flows) is telemetry and lives elsewhere.
//
// Every change is one transaction that begins by locking the tip of the audit
// log, so changes happen one after another and the log has one order. A change
// that a method acknowledged is on the disk.
//
// The composition root and offline commands may import it; the stages see it
// through the small interfaces that they declare themselves.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity/audit"
	"github.com/quaywatch/quaywatch/internal/store/migrations"
)

// Files of the audit log in the directory of the records.
const (
	KeyFile         = audit.KeyFile         // private; never leaves the machine
	TrustFile       = audit.TrustFile       // public keys
	CheckpointsFile = audit.CheckpointsFile // signed heads
)

// checkpointEvery is how long entries of watches may wait for a signed head in
// the file beside the database. What a person does is covered at once.
const checkpointEvery = 10 * time.Second

// Records are the records of one installation. Methods may be called from any
// goroutine.
type Records struct {
	onClose func() error
	write   *sql.DB
	read    *sql.DB
	dialect Dialect
	dir     string
	key     *audit.Key
	now     func() time.Time
	log     *slog.Logger

	// Versions are the steps of the schema before and after opening.
	Versions migrations.Versions

	turn chan struct{} // holds one token, which a change takes: changes and their checkpoints stay in one order
	stop context.CancelFunc
	done chan struct{}

	statements map[string]*sql.Stmt // parsed inserts, nil for those still to be parsed; belongs to whoever has the turn

	documents  documents // read lately
	searchable *searchable
	saved      documents // written lately

	mu      sync.Mutex // guards what follows
	covered coverage
	pending [][]byte // checkpoints that are in the database and not yet in the file
}

// coverage is the newest checkpoint that went to the file.
type coverage struct {
	size int64
	at   time.Time
}

// Config says where records are and what they need. Packages sqlite and
// postgres fill it.
type Config struct {
	Write   *sql.DB // takes changes
	Read    *sql.DB // takes queries; may be the same
	Dialect Dialect
	Dir     string           // of the audit key and the checkpoints file
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: slog.Default
	OnClose func() error     // runs after everything is closed; nil: nothing

	Searchable int64 // findings whose words are held in memory; 0: 250,000; below 0: none
}

// Option changes how records are opened.
type Option func(*Config)

// InDir puts the audit key and the checkpoints file into dir. SQLite uses the
// directory of the database where it is not given; PostgreSQL needs it.
func InDir(dir string) Option { return func(c *Config) { c.Dir = dir } }

// WithClock sets the clock of checkpoints and of entries that the records make
// themselves.
func WithClock(now func() time.Time) Option { return func(c *Config) { c.Now = now } }

// WithLog sets the log for troubles that no caller can be told.
func WithLog(l *slog.Logger) Option { return func(c *Config) { c.Log = l } }

// SearchInDatabase searches words by the index of the database alone. It saves
// the memory of the words, about 500 bytes a finding.
func SearchInDatabase() Option { return func(c *Config) { c.Searchable = -1 } }

// New migrates the database and returns its records, which own the databases of
// c from then on, also when it fails.
func New(ctx context.Context, c Config) (*Records, error) {
	r, err := open(ctx, c)
	if err != nil {
		return nil, errors.Join(err, c.Write.Close(), c.Read.Close())
	}
	background, stop := context.WithCancel(context.Background())
	r.stop, r.done = stop, make(chan struct{})
	go func() {
		defer close(r.done)
		var both sync.WaitGroup
		both.Go(func() { r.keepCheckpoints(background) })
		both.Go(func() { r.keepSearchable(background) })
		both.Wait()
	}()
	return r, nil
}

func open(ctx context.Context, c Config) (*Records, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Searchable == 0 {
		c.Searchable = maxSearchable
	}
	if c.Dir == "" {
		return nil, errors.New("opening the records: no directory is given for the audit key and the checkpoints file")
	}
	versions, err := migrations.Up(ctx, c.Write, c.Dialect.Kind)
	if err != nil {
		return nil, err
	}
	key, err := audit.OpenKey(c.Dir)
	if err != nil {
		return nil, err
	}
	r := &Records{onClose: c.OnClose, write: c.Write, read: c.Read, dialect: c.Dialect, dir: c.Dir, key: key, now: c.Now, log: c.Log, Versions: versions, turn: make(chan struct{}, 1), statements: map[string]*sql.Stmt{}, searchable: newSearchable(c.Searchable)}
	if err := r.resumeCheckpoints(ctx); err != nil {
		return nil, err
	}
	if key.Made {
		err = r.Record(ctx, audit.Entry{Time: r.now(), Actor: "system", Action: "audit.key", Subject: "audit", Detail: "checkpoints are signed from here on by " + key.Public})
	}
	return r, err
}

// Dir is the directory of the audit key and the checkpoints file.
func (r *Records) Dir() string { return r.dir }

// Close writes a last checkpoint and closes the database.
func (r *Records) Close() error {
	r.stop()
	<-r.done
	err := r.Checkpoint(context.Background())
	err = errors.Join(err, r.write.Close(), r.read.Close())
	if r.onClose != nil {
		err = errors.Join(err, r.onClose())
	}
	return err
}

// keepCheckpoints covers what watches told by a checkpoint in time, until ctx
// is done.
func (r *Records) keepCheckpoints(ctx context.Context) {
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	thin := time.NewTicker(thinEvery)
	defer thin.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := r.Checkpoint(ctx); err != nil && ctx.Err() == nil {
				r.log.Error("writing a checkpoint of the audit log", "error", err)
			}
		case <-thin.C:
			if err := r.ThinCheckpoints(ctx); err != nil && ctx.Err() == nil {
				r.log.Error("thinning the checkpoints of the audit log", "error", err)
			}
		}
	}
}

// row scans one row of a query; sql.ErrNoRows where there is none.
func (r *Records) row(ctx context.Context, query string, args []any, dest ...any) error {
	return r.read.QueryRowContext(ctx, r.dialect.bind(query), args...).Scan(dest...)
}

// each calls scan for every row of a query.
func each(rows *sql.Rows, err error, scan func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r *Records) each(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := r.read.QueryContext(ctx, r.dialect.bind(query), args...)
	return each(rows, err, scan)
}

// exec runs a change that needs no audit entry and no order among others.
func (r *Records) exec(ctx context.Context, query string, args ...any) error {
	_, err := r.write.ExecContext(ctx, r.dialect.bind(query), args...)
	return err
}

// micros is how times are stored: 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// number is how truths are stored.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// as wraps err with what was being done, and keeps nil.
func as(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

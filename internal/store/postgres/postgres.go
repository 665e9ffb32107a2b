// Package postgres opens the records in a PostgreSQL database: for ports that
// outgrow one machine. The composition root may import it.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/quaywatch/quaywatch/internal/store"
)

// connections is how many the pool holds at most. Changes happen one after
// another, so most are for reading.
const connections = 16

// Open opens the records in the database at url (postgres://…) and migrates
// it. The option store.InDir is needed: the audit key and the checkpoints file
// must not lie in the database that they guard. One server at a time may work in
// it: a second one gets ErrInUse, on whichever machine it runs.
func Open(ctx context.Context, url string, options ...store.Option) (*store.Records, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the address of the PostgreSQL records: %w", err) // pgx leaves the password out
	}
	// What is acknowledged is on the disk, whatever the server's default says.
	config.RuntimeParams["synchronous_commit"] = "on"
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	c := store.Config{Dialect: store.Postgres, Write: db, Read: db}
	for _, o := range options {
		o(&c)
	}
	if c.OnClose, err = alone(ctx, *config); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the records in PostgreSQL at %s: %w", config.Host, err), db.Close())
	}
	r, err := store.New(ctx, c)
	if err != nil {
		err = errors.Join(err, c.OnClose())
		return nil, fmt.Errorf("opening the records in PostgreSQL at %s: %w", config.Host, err)
	}
	return r, nil
}

// ErrInUse means that another server works with the records of that database.
var ErrInUse = errors.New("another Quaywatch works with the records of this database; one at a time may")

// lockKey is the advisory lock that a server holds while it works; the number
// is "quaywatc" in ASCII.
const lockKey = 0x7175617977617463

// alone takes the advisory lock on a connection of its own. PostgreSQL frees it
// when that connection ends, however the process ends.
func alone(ctx context.Context, config pgx.ConnConfig) (free func() error, err error) {
	conn, err := pgx.ConnectConfig(ctx, &config)
	if err != nil {
		return nil, err
	}
	free = func() error {
		if conn.IsClosed() {
			return nil // closed twice, or the server ended the connection, and the lock with it
		}
		// Freed by name: the server notices the end of a connection a moment later.
		_, err := conn.Exec(context.Background(), "SELECT pg_advisory_unlock($1)", int64(lockKey))
		return errors.Join(err, conn.Close(context.Background()))
	}
	for try := 0; ; try++ {
		var got bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockKey)).Scan(&got); err != nil {
			return nil, errors.Join(fmt.Errorf("taking the lock of the records: %w", err), conn.Close(context.Background()))
		}
		if got {
			return free, nil
		}
		if try == lockTries { // a server that was killed a moment ago is given that moment
			return nil, errors.Join(ErrInUse, conn.Close(context.Background()))
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), conn.Close(context.Background()))
		case <-time.After(lockWait):
		}
	}
}

// How long a start waits for the lock: two seconds in all.
const (
	lockTries = 10
	lockWait  = 200 * time.Millisecond
)

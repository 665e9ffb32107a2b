// Package sqlite opens the records in a SQLite file: the embedded default. One
// connection writes, others read what it has committed (write-ahead log); a
// commit returns after the disk has it (synchronous = FULL). The composition
// root and offline commands may import it.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite", in Go alone

	"github.com/quaywatch/quaywatch/internal/store"
)

// readers is how many queries run at once.
const readers = 4

// Open opens the records in the file at path, makes it where it is missing, and
// migrates it. The audit key and the checkpoints file lie beside it.
func Open(ctx context.Context, path string, options ...store.Option) (*store.Records, error) {
	c := store.Config{Dialect: store.SQLite, Dir: filepath.Dir(path)}
	for _, o := range options {
		o(&c)
	}
	err := finish(c.Dir)
	if err != nil {
		return nil, err
	}
	// The writer takes the lock of the file at BEGIN, so that a change never
	// finds out at its end that it has to wait.
	c.Write, err = connect(path, 1, "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)", "_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	c.Read, err = connect(path, readers, "_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, c.Write.Close())
	}
	r, err := store.New(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("opening the records %s: %w", path, err)
	}
	return r, nil
}

// ReadOnly opens the database of records to look at it, changing nothing, not
// even its version.
func ReadOnly(path string) (*sql.DB, error) {
	ready := filepath.Join(filepath.Dir(path), readyDir)
	if _, err := os.Lstat(ready); err == nil {
		return nil, fmt.Errorf("a restore was cut off before it had put all files in their place (%s): 'quaywatch store migrate' or a start of the server finishes it", ready)
	}
	return connect(path, readers, "mode=ro", "_pragma=query_only(1)")
}

func connect(path string, connections int, settings ...string) (*sql.DB, error) {
	// A file: address, because a path may hold a ? or a #.
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=cache_size(-65536)"
	for _, s := range settings {
		name += "&" + s
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("opening the records %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

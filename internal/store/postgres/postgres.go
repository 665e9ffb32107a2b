// Package postgres opens the records in a PostgreSQL database: for ports that
// outgrow one machine. The composition root may import it.
package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/quaywatch/quaywatch/internal/store"
)

// connections is how many the pool holds at most. Changes happen one after
// another, so most are for reading.
const connections = 16

// Open opens the records in the database at url (postgres://…) and migrates
// it. The option store.InDir is needed: the audit key and the checkpoints file
// must not lie in the database that they guard. One server at a time may write.
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
	r, err := store.New(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("opening the records in PostgreSQL at %s: %w", config.Host, err)
	}
	return r, nil
}

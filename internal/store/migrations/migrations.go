// Package migrations holds the schema of the records, step by step, and brings
// a database to the newest step. The steps are shared by SQLite and PostgreSQL
// but for those whose file name ends in the name of one.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// Database names the kind of database in the names of files.
type Database string

// The kinds.
const (
	SQLite   Database = "sqlite"
	Postgres Database = "postgres"
)

// Versions are the steps that a database had and has.
type Versions struct{ From, To int64 }

// Up brings db to the newest step. A database that a newer program has changed
// is refused: an older one would not know what it writes.
func Up(ctx context.Context, db *sql.DB, kind Database) (Versions, error) {
	p, err := provider(db, kind)
	if err != nil {
		return Versions{}, fmt.Errorf("reading the migrations of the records: %w", err)
	}
	from, err := p.GetDBVersion(ctx)
	if err != nil {
		return Versions{}, fmt.Errorf("reading the version of the records: %w", err)
	}
	newest := int64(0)
	for _, s := range p.ListSources() {
		newest = max(newest, s.Version)
	}
	if from > newest {
		return Versions{}, fmt.Errorf("the records are of version %d and this program knows up to %d: use the newer program", from, newest)
	}
	if _, err := p.Up(ctx); err != nil {
		return Versions{}, fmt.Errorf("migrating the records from version %d: %w", from, err)
	}
	return Versions{From: from, To: newest}, nil
}

func provider(db *sql.DB, kind Database) (*goose.Provider, error) {
	dialect := goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if kind == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker() // two servers that start at once migrate one after the other
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	others, err := of(kind)
	if err != nil {
		return nil, err
	}
	options = append(options, goose.WithExcludeNames(others))
	return goose.NewProvider(dialect, db, files, options...)
}

// of returns the names of files that belong to another kind of database.
func of(kind Database) (others []string, err error) {
	names, err := fs.Glob(files, "*.sql")
	for _, name := range names {
		for _, k := range []Database{SQLite, Postgres} {
			if k != kind && strings.HasSuffix(name, "_"+string(k)+".sql") {
				others = append(others, name)
			}
		}
	}
	return others, err
}

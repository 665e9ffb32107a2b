package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/quaywatch/quaywatch/internal/store"
	"github.com/quaywatch/quaywatch/internal/store/sqlite"
	"github.com/quaywatch/quaywatch/internal/store/storetest"
)

// fresh is an empty database in a directory with a hostile name.
func fresh(t testing.TB) storetest.Database {
	dir := filepath.Join(t.TempDir(), "a ?#%20 directory")
	storetest.MakeDir(t, dir)
	path := filepath.Join(dir, "records.db")
	return storetest.Database{
		Open: func(ctx context.Context, options ...store.Option) (*store.Records, error) {
			return sqlite.Open(ctx, path, options...)
		},
		SQL: func() *sql.DB {
			db, err := sqlite.Tamper(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return db
		},
		Dialect: store.SQLite,
		Dir:     dir,
	}
}

func TestRecords(t *testing.T) { storetest.Run(t, fresh) }

func BenchmarkRecords(b *testing.B) { storetest.Bench(b, fresh) }

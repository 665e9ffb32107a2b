package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/quaywatch/quaywatch/internal/store"
	"github.com/quaywatch/quaywatch/internal/store/postgres"
	"github.com/quaywatch/quaywatch/internal/store/storetest"
)

var cluster *storetest.Cluster

func TestMain(m *testing.M) {
	var err error
	if cluster, err = storetest.StartCluster(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping PostgreSQL:", err)
		code = 1
	}
	os.Exit(code)
}

// fresh is an empty database on the test server.
func fresh(t testing.TB) storetest.Database {
	dir := t.TempDir()
	url, drop, err := cluster.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Errorf("removing a test database: %v", err)
		}
	})
	return storetest.Database{
		Open: func(ctx context.Context, options ...store.Option) (*store.Records, error) {
			return postgres.Open(ctx, url, append(options, store.InDir(dir))...)
		},
		SQL: func() *sql.DB {
			db, err := sql.Open("pgx", url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return db
		},
		Dialect: store.Postgres,
		Dir:     dir,
	}
}

func TestRecords(t *testing.T) { storetest.Run(t, fresh) }

func TestNeedsDirectory(t *testing.T) {
	url, drop, err := cluster.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer drop()
	if r, err := postgres.Open(t.Context(), url); err == nil {
		r.Close()
		t.Error("records without a directory for the audit key were opened")
	}
}

// TestOneServerAtATime: a second server on the same database is refused, from
// whichever directory, until the first has ended.
func TestOneServerAtATime(t *testing.T) {
	url, drop, err := cluster.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer drop()
	first, err := postgres.Open(t.Context(), url, store.InDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if second, err := postgres.Open(t.Context(), url, store.InDir(t.TempDir())); !errors.Is(err, postgres.ErrInUse) {
		if err == nil {
			second.Close()
		}
		t.Errorf("a second server: %v, want ErrInUse", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	third, err := postgres.Open(t.Context(), url, store.InDir(t.TempDir()))
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	third.Close()
}

func BenchmarkRecords(b *testing.B) { storetest.Bench(b, fresh) }

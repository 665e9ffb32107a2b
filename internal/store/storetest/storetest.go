// Package storetest is the one conformance suite of the records. Every database
// that keeps them passes all of it; nothing in it knows which one it is talking
// to. Tests alone import it.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/store"
)

// Database is one empty database for records.
type Database struct {
	Open    func(ctx context.Context, options ...store.Option) (*store.Records, error) // opens it, again after Close
	SQL     func() *sql.DB                                                             // a way past the records, for tampering; closed by the maker
	Dialect store.Dialect
	Dir     string // of the key and the checkpoints file
}

// Maker makes an empty database that is removed at the end of the test.
type Maker func(t testing.TB) Database

// Run runs the suite.
func Run(t *testing.T, maker Maker) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Database)
	}{
		{"register", testRegister},
		{"exactly once", testExactlyOnce},
		{"all or nothing", testAllOrNothing},
		{"queries", testQueries},
		{"queries of the database alone", testQueriesOfDatabase},
		{"queries after opening again", testQueriesAgain},
		{"search", testSearch},
		{"hostile text", testHostileText},
		{"load", testLoad},
		{"outbox", testOutbox},
		{"marks", testMarks},
		{"declarations", testDeclared},
		{"accounts", testAccounts},
		{"sessions", testSessions},
		{"several at once", testConcurrent},
		{"audit", testAudit},
		{"tampering", testTampering},
		{"forging", testForging},
		{"new key", testNewKey},
		{"checkpoint crash", testCheckpointCrash},
		{"checkpoints are thinned", testThinning},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, maker(t)) })
	}
}

// start is when the clocks of the tests begin.
var start = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// clock is a clock that tests move.
type clock struct{ us atomic.Int64 }

func (c *clock) now() time.Time          { return start.Add(time.Duration(c.us.Load()) * time.Microsecond) }
func (c *clock) advance(d time.Duration) { c.us.Add(d.Microseconds()) }

// open opens the records and closes them at the end of the test.
func open(t *testing.T, d Database, options ...store.Option) *store.Records {
	t.Helper()
	r, err := d.Open(context.Background(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) && err.Error() != closed {
			t.Errorf("closing the records: %v", err)
		}
	})
	return r
}

// closed is what closing twice says.
const closed = "reading the tip of the audit log: sql: database is closed"

// MakeDir makes a directory or fails the test.
func MakeDir(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// occurrence is one that names its number everywhere.
func occurrence(n int, at time.Duration) finding.Occurrence {
	return finding.Occurrence{
		Rule: "physical.door-held", Subject: finding.Subject{Kind: "reader", ID: fmt.Sprintf("rd-%03d", n), Name: fmt.Sprintf("Gate %d", n)},
		Domains: []finding.Domain{finding.Physical}, Grade: finding.Likely, Severity: finding.Warning,
		Title: fmt.Sprintf("Door %d stands open", n), Summary: "Anybody can walk in.", Time: start.Add(at),
	}
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

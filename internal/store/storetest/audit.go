package storetest

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity/audit"
	"github.com/quaywatch/quaywatch/internal/store"
)

// small fills the records with a log of a few entries and checkpoints, and
// closes them. Entry 0 tells of the key.
func small(t *testing.T, d Database) {
	t.Helper()
	ctx := context.Background()
	var c clock
	r := open(t, d, store.WithClock(c.now))
	register := finding.NewRegister(r.Findings(), finding.Options{Now: c.now})
	events := must[[]finding.Event](t)(register.Report(ctx, "w", 1, []finding.Occurrence{occurrence(1, 0), occurrence(2, 0)}))
	must[finding.Finding](t)(register.Act(ctx, events[0].Finding.ID, finding.Action{Kind: finding.Acknowledge, Actor: "jane"}))
	must[[]finding.Event](t)(register.Report(ctx, "w", 2, []finding.Occurrence{occurrence(3, 0)}))
	check(t, r.Close())
}

// verify checks the closed records.
func verify(t *testing.T, d Database, db *sql.DB) audit.Report {
	t.Helper()
	keys, err := audit.Trust(filepath.Join(d.Dir, audit.TrustFile))
	check(t, err)
	report, err := store.Verify(context.Background(), db, d.Dialect, d.Dir, keys)
	check(t, err)
	return report
}

func testAudit(t *testing.T, d Database) {
	small(t, d)
	report := verify(t, d, d.SQL())
	if report.Fault != nil || report.Entries != 5 || report.Signed != 5 || report.Checkpoints != 3 {
		t.Errorf("report = %+v, fault %+v", report, report.Fault)
	}
}

// cell is one value of the log in the database.
type cell struct{ table, column, key, id string }

// testTampering flips every byte of every column of the log, removes, swaps and
// cuts rows and the file, and asks each time whether Verify sees it.
func testTampering(t *testing.T, d Database) {
	small(t, d)
	db := d.SQL()
	if f := verify(t, d, db).Fault; f != nil {
		t.Fatalf("before tampering: %+v", f)
	}
	flips := 0
	for _, c := range cells(t, db) {
		flips += flip(t, d, db, c)
	}
	t.Logf("%d bytes flipped, each found", flips)
	type tamper struct {
		name, sql string
		entry     int64 // that the fault must name
	}
	for _, c := range []tamper{
		{"remove the first", "DELETE FROM audit_entries WHERE seq = 0", 0},
		{"remove one", "DELETE FROM audit_entries WHERE seq = 2", 2},
		{"remove the last", "DELETE FROM audit_entries WHERE seq = 4", 4},
		{"remove all", "DELETE FROM audit_entries", 0},
		{"swap two", "UPDATE audit_entries SET seq = CASE seq WHEN 1 THEN -2 ELSE -1 END WHERE seq IN (1, 2); UPDATE audit_entries SET seq = -seq WHERE seq < 0", 1},
		{"insert a copy", "INSERT INTO audit_entries SELECT 5, at, actor, action, subject, body, record, tree FROM audit_entries WHERE seq = 4", 5},
		{"insert before", "INSERT INTO audit_entries SELECT -1, at, actor, action, subject, body, record, tree FROM audit_entries WHERE seq = 0", 0},
		{"remove the tip", "DELETE FROM audit_tip", -1},
		{"set the tip back", "UPDATE audit_tip SET size = 3", 3},
		{"remove a checkpoint", "DELETE FROM audit_checkpoints WHERE seq = 1", -1},
		{"remove all checkpoints", "DELETE FROM audit_checkpoints", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			restore := snapshot(t, db)
			for _, s := range strings.Split(c.sql, ";") {
				_, err := db.ExecContext(t.Context(), s)
				check(t, err)
			}
			if f := verify(t, d, db).Fault; f == nil || f.Entry != c.entry {
				t.Errorf("fault = %+v, want entry %d", f, c.entry)
			}
			restore()
		})
	}
	tamperFile(t, d, db)
	if f := verify(t, d, db).Fault; f != nil {
		t.Errorf("after putting all back: %+v", f)
	}
}

// cells are all values of the log.
func cells(t *testing.T, db *sql.DB) []cell {
	var out []cell
	for _, table := range []struct {
		name, key string
		columns   []string
	}{
		{"audit_entries", "seq", []string{"seq", "at", "actor", "action", "subject", "body", "record", "tree"}},
		{"audit_tip", "id", []string{"size", "edge", "head"}},
		{"audit_checkpoints", "seq", []string{"note"}},
	} {
		rows, err := db.QueryContext(t.Context(), fmt.Sprintf("SELECT %s FROM %s ORDER BY 1", table.key, table.name))
		check(t, err)
		defer rows.Close()
		for rows.Next() {
			var id string
			check(t, rows.Scan(&id))
			for _, column := range table.columns {
				out = append(out, cell{table.name, column, table.key, id})
			}
		}
		check(t, rows.Err())
	}
	return out
}

// flip flips one bit of each byte of a cell in turn and returns how many it tried.
func flip(t *testing.T, d Database, db *sql.DB, c cell) int {
	t.Helper()
	var original any
	check(t, db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT %s FROM %s WHERE %s = %s", c.column, c.table, c.key, c.id)).Scan(&original))
	variants := variantsOf(original)
	for i, v := range variants {
		set := func(value any, where string) error {
			_, err := db.ExecContext(t.Context(), bind(d, fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = %s", c.table, c.column, c.key, where)), value)
			return err
		}
		where := c.id
		if err := set(v, where); err != nil {
			if c.column != c.key { // a number that is taken is refused by the database itself
				t.Fatal(err)
			}
			continue
		}
		if c.column == c.key {
			where = fmt.Sprint(v)
		}
		if f := verify(t, d, db).Fault; f == nil {
			t.Errorf("byte %d of %s.%s of row %s was changed unseen", i, c.table, c.column, c.id)
		} else if c.table == "audit_entries" && c.column != "seq" && fmt.Sprint(f.Entry) != c.id {
			t.Errorf("byte %d of %s of entry %s was changed, and entry %d named: %s", i, c.column, c.id, f.Entry, f.What)
		}
		check(t, set(original, where))
	}
	return len(variants)
}

// variantsOf are the values that differ from v in one bit of one byte.
func variantsOf(v any) []any {
	var out []any
	switch v := v.(type) {
	case int64:
		for i := range 8 {
			var b [8]byte
			binary.BigEndian.PutUint64(b[:], uint64(v))
			b[i] ^= 1
			out = append(out, int64(binary.BigEndian.Uint64(b[:])))
		}
	case string:
		for i := range len(v) {
			b := []byte(v)
			b[i] ^= 1
			out = append(out, string(b))
		}
	case []byte:
		for i := range v {
			b := slices.Clone(v)
			b[i] ^= 1
			out = append(out, b)
		}
	}
	return out
}

func bind(d Database, query string) string {
	if d.Dialect.Kind == store.Postgres.Kind {
		return strings.Replace(query, "?", "$1", 1)
	}
	return query
}

// snapshot copies the tables of the log; the function it returns puts them back.
func snapshot(t *testing.T, db *sql.DB) func() {
	t.Helper()
	tables := []string{"audit_entries", "audit_tip", "audit_checkpoints"}
	run := func(format string) {
		for _, table := range tables {
			_, err := db.ExecContext(t.Context(), strings.ReplaceAll(format, "TABLE_NAME", table))
			check(t, err)
		}
	}
	run("CREATE TABLE copy_of_TABLE_NAME AS SELECT * FROM TABLE_NAME")
	return func() {
		run("DELETE FROM TABLE_NAME")
		run("INSERT INTO TABLE_NAME SELECT * FROM copy_of_TABLE_NAME")
		run("DROP TABLE copy_of_TABLE_NAME")
	}
}

// tamperFile flips every byte of the checkpoints file, cuts it and adds to it.
func tamperFile(t *testing.T, d Database, db *sql.DB) {
	path := filepath.Join(d.Dir, audit.CheckpointsFile)
	original, err := os.ReadFile(path)
	check(t, err)
	each := len(original) / 3
	try := func(name string, b []byte) {
		t.Helper()
		check(t, os.WriteFile(path, b, 0o600))
		if f := verify(t, d, db).Fault; f == nil {
			t.Errorf("the file was changed unseen: %s", name)
		}
	}
	for i := range original {
		b := slices.Clone(original)
		b[i] ^= 1
		try(fmt.Sprint("byte ", i), b)
	}
	try("emptied", nil)
	try("the first gone", original[each:])
	try("two cut off", original[:each])
	try("the last twice", append(slices.Clone(original), original[2*each:]...))
	try("a torn end that is not the newest", append(slices.Clone(original), "quay"...))
	check(t, os.Remove(path))
	if f := verify(t, d, db).Fault; f == nil {
		t.Error("the file was removed unseen")
	}
	check(t, os.WriteFile(path, original, 0o600))
}

// testForging lets somebody who can write everything in the database, but has
// no key, compute all hashes anew.
func testForging(t *testing.T, d Database) {
	small(t, d)
	db := d.SQL()
	var rows []audit.Row
	result, err := db.QueryContext(t.Context(), "SELECT seq, body FROM audit_entries ORDER BY seq")
	check(t, err)
	defer result.Close()
	for result.Next() {
		var r audit.Row
		check(t, result.Scan(&r.Seq, &r.Body))
		rows = append(rows, r)
	}
	check(t, result.Err())
	forge := func(name string, entry int64, change func(*audit.Entry) bool) {
		t.Run(name, func(t *testing.T) {
			restore := snapshot(t, db)
			defer restore()
			_, err := db.ExecContext(t.Context(), "DELETE FROM audit_entries")
			check(t, err)
			var edge audit.Edge
			for _, r := range rows {
				e, err := r.Decode()
				check(t, err)
				if !change(&e) {
					continue
				}
				row, err := edge.Add(e)
				check(t, err)
				insert(t, d, db, row)
			}
			size := fmt.Sprintf("UPDATE audit_tip SET size = %d, edge = ?", edge.Size)
			_, err = db.ExecContext(t.Context(), bind(d, size), edge.Bytes())
			check(t, err)
			f := verify(t, d, db).Fault
			if f == nil || f.Entry > entry || f.Until < entry {
				t.Errorf("fault = %+v, want one that covers entry %d", f, entry)
			}
		})
	}
	forge("another actor", 3, func(e *audit.Entry) bool {
		if e.Actor == "jane" {
			e.Actor = "joe"
		}
		return true
	})
	forge("one left out", 3, func(e *audit.Entry) bool { return e.Actor != "jane" })
	forge("the end left out", 4, func(e *audit.Entry) bool { return e.Seq < 4 })
	forge("one word of the last", 4, func(e *audit.Entry) bool {
		if e.Seq == 4 {
			e.Detail += "."
		}
		return true
	})
}

func insert(t *testing.T, d Database, db *sql.DB, r audit.Row) {
	t.Helper()
	values := "(?, ?, ?, ?, ?, ?, ?, ?)"
	if d.Dialect.Kind == store.Postgres.Kind {
		values = "($1, $2, $3, $4, $5, $6, $7, $8)"
	}
	query := "INSERT INTO audit_entries (seq, at, actor, action, subject, body, record, tree) VALUES " + values
	_, err := db.ExecContext(t.Context(), query, r.Seq, r.Micros, r.Actor, r.Action, r.Subject, r.Body, r.Record, r.Tree)
	check(t, err)
}

// testNewKey loses the private key: a new one is made, told of in the log, and
// what the old one signed can still be checked.
func testNewKey(t *testing.T, d Database) {
	small(t, d)
	check(t, os.Remove(filepath.Join(d.Dir, audit.KeyFile)))
	r := open(t, d)
	check(t, r.Record(context.Background(), audit.Entry{Time: start, Actor: "jane", Action: "look"}))
	check(t, r.Close())
	report := verify(t, d, d.SQL())
	if report.Fault != nil || report.Entries != 7 || report.Signed != 7 {
		t.Errorf("report = %+v, fault %+v", report, report.Fault)
	}
	check(t, os.Chmod(filepath.Join(d.Dir, audit.KeyFile), 0o644)) //nolint:gosec // what is tested
	if r, err := d.Open(context.Background()); err == nil {
		check(t, r.Close())
		t.Error("a key that others can read was accepted")
	}
}

// testCheckpointCrash cuts the file where a crash between the commit and the
// append, or inside it, would leave it: no fault, and the next start mends it.
func testCheckpointCrash(t *testing.T, d Database) {
	small(t, d)
	db := d.SQL()
	path := filepath.Join(d.Dir, audit.CheckpointsFile)
	whole, err := os.ReadFile(path)
	check(t, err)
	each := len(whole) / 3
	for _, cut := range []int{1, each / 2, each} {
		check(t, os.WriteFile(path, whole[:len(whole)-cut], 0o600))
		if f := verify(t, d, db).Fault; f != nil {
			t.Errorf("%d bytes short: %+v", cut, f)
		}
		r, err := d.Open(context.Background())
		check(t, err)
		check(t, r.Close())
		if mended, err := os.ReadFile(path); err != nil || string(mended) != string(whole) {
			t.Errorf("%d bytes short: not mended (%d bytes of %d), %v", cut, len(mended), len(whole), err)
		}
	}
}

package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Maintain sorts the hours that are over by vessel, closes the days that are over (one more stays open for late rows),
// deletes the days past retention, and shortens the list of positions. Rows
// that come later still stay in the live file until the next call, which gives
// them a file of their own.
func (t *Telemetry) Maintain(ctx context.Context, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.queue.err(); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	if err := t.sortHours(ctx, now); err != nil {
		return err
	}
	today := now.UTC().Truncate(24 * time.Hour)
	for _, tab := range tables {
		days, err := t.daysBefore(ctx, tab.name, today.AddDate(0, 0, -t.o.OpenDays))
		if err != nil {
			return err
		}
		for _, day := range days {
			if err := t.closeDay(ctx, tab, day); err != nil {
				return fmt.Errorf("closing %s of %s: %w", day.Format(time.DateOnly), tab.name, err)
			}
		}
	}
	if err := t.forget(ctx, today.Add(-t.o.Retention)); err != nil {
		return err
	}
	if err := t.exec(ctx, "DELETE FROM applied WHERE seq < ?", t.applied.Load()); err != nil {
		return fmt.Errorf("shortening the positions: %w", err)
	}
	return nil
}

func (t *Telemetry) daysBefore(ctx context.Context, table string, before time.Time) ([]time.Time, error) {
	days, err := t.times(ctx, "SELECT DISTINCT time::DATE AS d FROM "+table+" WHERE time < ? ORDER BY d", before)
	if err != nil {
		return nil, fmt.Errorf("listing the days of %s: %w", table, err)
	}
	return days, nil
}

// times reads one column of times.
func (t *Telemetry) times(ctx context.Context, q string, args ...any) ([]time.Time, error) {
	rows, err := t.db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []time.Time
	for rows.Next() {
		var at time.Time
		if err := rows.Scan(&at); err != nil {
			return nil, err
		}
		out = append(out, at.UTC())
	}
	return out, rows.Err()
}

// closeDay writes the file, makes it durable, and then moves the rows over in
// one transaction. A crash before the commit leaves a file that nobody lists;
// dropUnfinishedDays removes it at the next start and the rows are still live.
func (t *Telemetry) closeDay(ctx context.Context, tab table, day time.Time) error {
	name, err := t.freeName(tab.name, day)
	if err != nil {
		return err
	}
	path := filepath.Join(t.o.Dir, "days", name)
	from, to := day, day.AddDate(0, 0, 1)
	copyTo := fmt.Sprintf("COPY (SELECT * FROM %s WHERE time >= ? AND time < ? ORDER BY %s, time) TO %s (FORMAT parquet, COMPRESSION zstd)",
		tab.name, tab.subject, quote(path))
	if err := t.exec(ctx, copyTo, from, to); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := syncFile(path); err != nil {
		return err
	}
	t.days.Lock() // no answer may read the list before and the rows after
	defer t.days.Unlock()
	if err := t.exec(ctx, "BEGIN TRANSACTION"); err != nil {
		return err
	}
	err = t.exec(ctx, "DELETE FROM "+tab.name+" WHERE time >= ? AND time < ?", from, to)
	if err == nil {
		err = t.exec(ctx, "INSERT INTO closed SELECT ?, ?::DATE, ?, count(*), "+tab.arrival()+" FROM read_parquet("+quote(path)+")", tab.name, day, name)
	}
	if err == nil {
		err = t.exec(ctx, "COMMIT")
	}
	if err != nil {
		return errors.Join(err, t.exec(ctx, "ROLLBACK"))
	}
	return nil
}

// freeName is the name of a day's file that is not taken: late rows of a day
// that is closed already get a second one.
func (t *Telemetry) freeName(table string, day time.Time) (string, error) {
	for part := 0; part < 10_000; part++ {
		name := fmt.Sprintf("%s-%s-%04d.parquet", table, day.Format(time.DateOnly), part)
		if _, err := os.Stat(filepath.Join(t.o.Dir, "days", name)); errors.Is(err, os.ErrNotExist) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s of %s has ten thousand parts already", day.Format(time.DateOnly), table)
}

// forget deletes the closed days before a time: first from the list, then the
// file. A day counts from the later of its date and the arrival of its newest
// row: a recording of long ago, or a source whose clock stands at 1970, is kept
// as long after it came in as anything else.
func (t *Telemetry) forget(ctx context.Context, before time.Time) error {
	rows, err := t.db.QueryContext(ctx, "SELECT file FROM closed WHERE day < ?::DATE AND arrived < ? ORDER BY file", before, before)
	if err != nil {
		return fmt.Errorf("listing the days past retention: %w", err)
	}
	defer rows.Close()
	var files []string
	for rows.Next() {
		var f string
		if err := rows.Scan(&f); err != nil {
			return fmt.Errorf("listing the days past retention: %w", err)
		}
		files = append(files, f)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("listing the days past retention: %w", err)
	}
	if len(files) == 0 {
		return nil
	}
	t.days.Lock()
	defer t.days.Unlock()
	for _, f := range files {
		if err := t.exec(ctx, "DELETE FROM closed WHERE file = ?", f); err != nil {
			return fmt.Errorf("forgetting %s: %w", f, err)
		}
		if err := os.Remove(filepath.Join(t.o.Dir, "days", f)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("deleting a day past retention: %w", err)
		}
		t.o.Log.Info("telemetry day past retention deleted", "file", f)
	}
	return nil
}

// dropUnfinishedDays removes files that a crash left before they were listed.
func (t *Telemetry) dropUnfinishedDays(ctx context.Context) error {
	listed := map[string]bool{}
	rows, err := t.db.QueryContext(ctx, "SELECT file FROM closed")
	if err != nil {
		return fmt.Errorf("listing closed days: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var f string
		if err := rows.Scan(&f); err != nil {
			return fmt.Errorf("listing closed days: %w", err)
		}
		listed[f] = true
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("listing closed days: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(t.o.Dir, "days", "*.parquet*"))
	if err != nil {
		return fmt.Errorf("listing the days directory: %w", err)
	}
	for _, path := range files {
		if !listed[filepath.Base(path)] {
			t.o.Log.Warn("removing an unfinished day; its rows are still in the live file", "file", path)
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("removing an unfinished day: %w", err)
			}
		}
	}
	for f := range listed {
		if _, err := os.Stat(filepath.Join(t.o.Dir, "days", f)); err != nil {
			return fmt.Errorf("the closed day %s is listed but can't be read: %w (restore it from a backup)", f, err)
		}
	}
	return nil
}

// relation is the FROM clause that holds all rows of a table in a range of
// event time, live and closed. The caller holds t.days until it has its answer.
func (t *Telemetry) relation(ctx context.Context, table string, from, to time.Time) (string, error) {
	rows, err := t.db.QueryContext(ctx, "SELECT file FROM closed WHERE tab = ? AND day >= ?::DATE AND day <= ?::DATE ORDER BY file",
		table, from.UTC().Truncate(24*time.Hour), to.UTC())
	if err != nil {
		return "", fmt.Errorf("listing the closed days of %s: %w", table, err)
	}
	defer rows.Close()
	var files []string
	for rows.Next() {
		var f string
		if err := rows.Scan(&f); err != nil {
			return "", fmt.Errorf("listing the closed days of %s: %w", table, err)
		}
		files = append(files, quote(filepath.Join(t.o.Dir, "days", f)))
	}
	if err := rows.Err(); err != nil {
		return "", fmt.Errorf("listing the closed days of %s: %w", table, err)
	}
	if len(files) == 0 {
		return table, nil
	}
	return fmt.Sprintf("(SELECT * FROM %s UNION ALL BY NAME SELECT * FROM read_parquet([%s], union_by_name = true))",
		table, strings.Join(files, ", ")), nil
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// syncFile makes a finished file and its name durable.
func syncFile(path string) error {
	for _, p := range []string{path, filepath.Dir(path)} {
		f, err := os.Open(p)
		if err != nil {
			return fmt.Errorf("making %s durable: %w", path, err)
		}
		err = f.Sync()
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return fmt.Errorf("making %s durable: %w", path, err)
		}
	}
	return nil
}

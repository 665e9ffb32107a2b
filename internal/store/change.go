package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/quaywatch/quaywatch/internal/identity/audit"
)

// change is one exclusive transaction with the tip of the audit log.
type change struct {
	*sql.Tx
	records *Records
	edge    audit.Edge
	rows    []audit.Row // entries added
	found   []savedRow  // findings saved, for searches
	cover   bool        // put a checkpoint into the file at once: a person acted, or it was asked for
}

// change runs fn in one exclusive transaction. What fn did is durable when
// change returns nil.
func (r *Records) change(ctx context.Context, fn func(*change) error) error {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return fmt.Errorf("waiting to change the records: %w", ctx.Err())
	}
	tx, err := r.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a change of the records: %w", err)
	}
	defer tx.Rollback() // without effect after Commit
	c := &change{Tx: tx, records: r}
	if err := c.lock(ctx); err != nil {
		return err
	}
	if err := fn(c); err != nil {
		return err
	}
	mark, err := c.finish(ctx)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		if len(c.found) > 0 {
			r.searchable.distrust()
		}
		return fmt.Errorf("committing a change of the records: %w", err)
	}
	r.searchable.put(c.found)
	r.prepare(ctx)
	if mark != nil {
		r.cover(ctx, c.edge.Size, mark)
	}
	return nil
}

// lock takes the tip of the audit log, which nobody else has then.
func (c *change) lock(ctx context.Context) error {
	var size int64
	var edge []byte
	if err := c.row(ctx, "SELECT size, edge FROM audit_tip WHERE id = 1"+c.records.dialect.lock, nil, &size, &edge); err != nil {
		return fmt.Errorf("reading the tip of the audit log: %w", err)
	}
	var err error
	c.edge, err = audit.EdgeOf(size, edge)
	return err
}

// record adds an entry to the audit log and returns its number.
func (c *change) record(e audit.Entry) (int64, error) {
	row, err := c.edge.Add(e)
	if err != nil {
		return 0, err
	}
	c.rows = append(c.rows, row)
	if e.Actor != "watch" {
		c.cover = true
	}
	return row.Seq, nil
}

// finish writes the entries and the new tip, and returns the checkpoint that
// has to go to the file after the commit, where one is due.
func (c *change) finish(ctx context.Context) (mark []byte, err error) {
	if len(c.rows) > 0 {
		if err := c.writeEntries(ctx); err != nil {
			return nil, err
		}
	}
	if !c.cover && (len(c.rows) == 0 || !c.records.due()) {
		return nil, nil
	}
	head, err := c.records.key.Sign(&c.edge, c.records.now())
	if err != nil {
		return nil, err
	}
	err = c.exec(ctx, "INSERT INTO audit_checkpoints (seq, note) SELECT coalesce(max(seq) + 1, 0), ? FROM audit_checkpoints", head)
	return head, as("storing a checkpoint", err)
}

// writeEntries writes the entries and the new tip of the log.
func (c *change) writeEntries(ctx context.Context) error {
	rows := make([][]any, len(c.rows))
	for i, r := range c.rows {
		rows[i] = []any{r.Seq, r.Micros, r.Actor, r.Action, r.Subject, r.Body, r.Record, r.Tree}
	}
	err := c.insert(ctx, "audit_entries (seq, at, actor, action, subject, body, record, tree)", "", rows)
	if err != nil {
		return fmt.Errorf("adding to the audit log: %w", err)
	}
	head, err := c.records.key.Sign(&c.edge, c.records.now())
	if err != nil {
		return err
	}
	err = c.exec(ctx, "UPDATE audit_tip SET size = ?, edge = ?, head = ? WHERE id = 1", c.edge.Size, c.edge.Bytes(), head)
	return as("moving the tip of the audit log", err)
}

func (c *change) exec(ctx context.Context, query string, args ...any) error {
	_, err := c.ExecContext(ctx, c.records.dialect.bind(query), args...)
	return err
}

// affected runs a statement and returns how many rows it changed.
func (c *change) affected(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := c.ExecContext(ctx, c.records.dialect.bind(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (c *change) row(ctx context.Context, query string, args []any, dest ...any) error {
	return c.QueryRowContext(ctx, c.records.dialect.bind(query), args...).Scan(dest...)
}

func (c *change) each(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := c.QueryContext(ctx, c.records.dialect.bind(query), args...)
	return each(rows, err, scan)
}

// rowsAtOnce are how many rows one INSERT carries: many, so that a batch costs
// few round trips, and of few sizes, so that each statement is parsed once.
var rowsAtOnce = []int{100, 10, 1}

// insert adds rows to a table, named with its columns; conflict is the ON
// CONFLICT clause or empty.
func (c *change) insert(ctx context.Context, into, conflict string, rows [][]any) error {
	for _, size := range rowsAtOnce {
		for len(rows) >= size {
			if err := c.insertSome(ctx, into, conflict, rows[:size]); err != nil {
				return err
			}
			rows = rows[size:]
		}
	}
	return nil
}

func (c *change) insertSome(ctx context.Context, into, conflict string, rows [][]any) error {
	tuple := "(" + marks(len(rows[0])) + "),"
	query := "INSERT INTO " + into + " VALUES " + strings.TrimSuffix(strings.Repeat(tuple, len(rows)), ",") + " " + conflict
	args := make([]any, 0, len(rows)*len(rows[0]))
	for _, row := range rows {
		args = append(args, row...)
	}
	statement, known := c.records.statements[query]
	if !known {
		c.records.statements[query] = nil // parsed after this change, for the next ones
	}
	if statement == nil {
		return c.exec(ctx, query, args...)
	}
	_, err := c.StmtContext(ctx, statement).ExecContext(ctx, args...) //nolint:sqlclosecheck // the end of the transaction closes it
	return err
}

// prepare parses the statements that were used for the first time. It must wait
// for the end of the change, which holds the only writing connection.
func (r *Records) prepare(ctx context.Context) {
	for query, statement := range r.statements {
		if statement != nil {
			continue
		}
		statement, err := r.write.PrepareContext(ctx, r.dialect.bind(query)) //nolint:sqlclosecheck // kept until the database is closed
		if err != nil {
			continue // it is slower without, and tried again after the next change
		}
		r.statements[query] = statement
	}
}

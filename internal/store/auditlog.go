package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"github.com/quaywatch/quaywatch/internal/identity/audit"
)

// Record adds entries to the audit log that go with no other change.
func (r *Records) Record(ctx context.Context, entries ...audit.Entry) error {
	return r.change(ctx, func(c *change) error {
		for _, e := range entries {
			if _, err := c.record(e); err != nil {
				return err
			}
		}
		return nil
	})
}

// AuditQuery selects entries of the audit log. Zero fields select all.
type AuditQuery struct {
	Subject string // exact, such as "finding/F-2QZ7K4MW3BPA"
	Actor   string // exact
	Before  int64  // entries with a smaller number; 0: from the newest
	Limit   int    // 1..1000; 0 is 100
}

// Audit returns entries of the audit log, the newest first.
func (r *Records) Audit(ctx context.Context, q AuditQuery) ([]audit.Entry, error) {
	query, args := "SELECT seq, body FROM audit_entries WHERE 1 = 1", []any(nil)
	if q.Subject != "" {
		query, args = query+" AND subject = ?", append(args, q.Subject)
	}
	if q.Actor != "" {
		query, args = query+" AND actor = ?", append(args, q.Actor)
	}
	if q.Before > 0 {
		query, args = query+" AND seq < ?", append(args, q.Before)
	}
	if q.Limit <= 0 || q.Limit > 1000 {
		q.Limit = 100
	}
	var out []audit.Entry
	err := r.each(ctx, query+" ORDER BY seq DESC LIMIT ?", append(args, q.Limit), func(rows *sql.Rows) error {
		var row audit.Row
		if err := rows.Scan(&row.Seq, &row.Body); err != nil {
			return err
		}
		e, err := row.Decode()
		out = append(out, e)
		return err
	})
	return out, as("reading the audit log", err)
}

// due reports whether entries of watches have waited long enough for a
// checkpoint in the file.
func (r *Records) due() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	return now.Sub(r.covered.at) >= checkpointEvery || now.Before(r.covered.at)
}

// Checkpoint puts a signed head of the audit log into the file beside the
// database, where entries were added since the newest one there.
func (r *Records) Checkpoint(ctx context.Context) error {
	r.mu.Lock()
	covered, waiting := r.covered.size, len(r.pending)
	r.mu.Unlock()
	var size int64
	if err := r.row(ctx, "SELECT size FROM audit_tip WHERE id = 1", nil, &size); err != nil {
		return fmt.Errorf("reading the tip of the audit log: %w", err)
	}
	if size <= covered && waiting == 0 {
		return nil
	}
	return r.change(ctx, func(c *change) error {
		c.cover = true
		return nil
	})
}

// cover appends a committed checkpoint to the file. A failure is logged and not
// returned: what was decided is durable, and the file is completed with the
// next one.
func (r *Records) cover(ctx context.Context, size int64, head []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(r.pending, head)
	for len(r.pending) > 0 {
		if err := audit.AppendCheckpoint(r.dir, r.pending[0]); err != nil {
			r.log.ErrorContext(ctx, "the audit log is not covered by a checkpoint in the file", "error", err)
			return
		}
		r.pending = r.pending[1:]
	}
	r.covered = coverage{size: size, at: r.now()}
}

// resumeCheckpoints completes the file after a crash and remembers how far it
// covers the log.
func (r *Records) resumeCheckpoints(ctx context.Context) error {
	var newest []byte
	err := r.row(ctx, "SELECT note FROM audit_checkpoints ORDER BY seq DESC LIMIT 1", nil, &newest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the newest checkpoint: %w", err)
	}
	keys, err := audit.Trust(filepath.Join(r.dir, audit.TrustFile))
	if err != nil {
		return err
	}
	if c, err := audit.Open(newest, keys); err == nil { // else Verify tells; what follows is covered anew
		r.covered = coverage{size: c.Size, at: c.Time}
	}
	return audit.Repair(r.dir, newest)
}

// Verify checks the whole audit log against the public keys that the directory
// of the records trusts.
func (r *Records) Verify(ctx context.Context) (audit.Report, error) {
	keys, err := audit.Trust(filepath.Join(r.dir, audit.TrustFile))
	if err != nil {
		return audit.Report{}, err
	}
	return Verify(ctx, r.read, r.dialect, r.dir, keys)
}

// Verify checks the audit log in a database and in the checkpoints file of dir,
// changing neither.
func Verify(ctx context.Context, db *sql.DB, d Dialect, dir string, keys note.Verifiers) (audit.Report, error) {
	tx, err := db.BeginTx(ctx, d.snapshot)
	if err != nil {
		return audit.Report{}, fmt.Errorf("beginning to read the audit log: %w", err)
	}
	defer tx.Rollback() // it changed nothing
	var s audit.Stored
	err = tx.QueryRowContext(ctx, "SELECT size, edge, head FROM audit_tip WHERE id = 1").Scan(&s.Size, &s.Edge, &s.Head)
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Report{Fault: &audit.Fault{Entry: -1, Until: -1, What: "the tip of the audit log is missing"}}, nil
	}
	if err != nil {
		return audit.Report{}, fmt.Errorf("reading the tip of the audit log: %w", err)
	}
	rows, err := tx.QueryContext(ctx, "SELECT note FROM audit_checkpoints ORDER BY seq")
	err = each(rows, err, func(rows *sql.Rows) error {
		var b []byte
		err := rows.Scan(&b)
		s.Checkpoints = append(s.Checkpoints, b)
		return err
	})
	if err != nil {
		return audit.Report{}, fmt.Errorf("reading the checkpoints: %w", err)
	}
	if s.Thinned, err = thinnedUntil(ctx, tx.QueryRowContext, d); err != nil {
		return audit.Report{}, err
	}
	s.Rows = entries(ctx, tx)
	return audit.Verify(s, dir, keys)
}

// entries reads all entries of the log in order.
func entries(ctx context.Context, tx *sql.Tx) func(yield func(audit.Row, error) bool) {
	return func(yield func(audit.Row, error) bool) {
		rows, err := tx.QueryContext(ctx, "SELECT seq, at, actor, action, subject, body, record, tree FROM audit_entries ORDER BY seq")
		if err != nil {
			yield(audit.Row{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var r audit.Row
			err := rows.Scan(&r.Seq, &r.Micros, &r.Actor, &r.Action, &r.Subject, &r.Body, &r.Record, &r.Tree)
			if err != nil {
				err = fmt.Errorf("%w: %w", audit.ErrUnreadable, err)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(audit.Row{}, err)
		}
	}
}

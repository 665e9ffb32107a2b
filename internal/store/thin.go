package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity/audit"
)

// How often checkpoints are thinned, and how many must go to make it worth an
// entry in the log.
const (
	thinEvery = time.Hour
	thinWorth = 100
)

// thinnedUntil reads up to when the checkpoints were thinned. The entry that
// tells it is proven with all others.
func thinnedUntil(ctx context.Context, query func(context.Context, string, ...any) *sql.Row, d Dialect) (time.Time, error) {
	row := audit.Row{}
	err := query(ctx, d.bind("SELECT seq, body FROM audit_entries WHERE action = ? ORDER BY seq DESC LIMIT 1"), audit.ThinAction).Scan(&row.Seq, &row.Body)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading up to when the checkpoints were thinned: %w", err)
	}
	e, err := row.Decode()
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // Verify tells of the entry itself
	}
	return audit.ThinnedUntil(e.Detail), nil
}

// span is a run of checkpoints to be removed, by number, both included.
type span struct{ from, to int64 }

// ThinCheckpoints removes signed heads of the audit log that newer ones stand in
// for: from the database in one transaction with the entry that says so, then
// from the file. A crash between the two leaves more in the file than is needed,
// which Verify allows and the next thinning takes away.
func (r *Records) ThinCheckpoints(ctx context.Context) error {
	entry, cutoff := audit.Thinning(r.now())
	spans, n, err := r.superfluous(ctx, cutoff)
	if err != nil {
		return err
	}
	if n >= thinWorth {
		err = r.change(ctx, func(c *change) error {
			if _, err := c.record(entry); err != nil {
				return err
			}
			for _, s := range spans {
				if err := c.exec(ctx, "DELETE FROM audit_checkpoints WHERE seq BETWEEN ? AND ?", s.from, s.to); err != nil {
					return fmt.Errorf("thinning the checkpoints: %w", err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	done, err := thinnedUntil(ctx, r.read.QueryRowContext, r.dialect)
	if err != nil || done.IsZero() {
		return err
	}
	r.mu.Lock() // nothing is appended meanwhile
	defer r.mu.Unlock()
	return audit.ThinFile(r.dir, done)
}

// superfluous are the checkpoints in the database that thinning removes.
func (r *Records) superfluous(ctx context.Context, cutoff time.Time) (spans []span, n int, err error) {
	var seqs []int64
	var notes [][]byte
	err = r.each(ctx, "SELECT seq, note FROM audit_checkpoints ORDER BY seq", nil, func(rows *sql.Rows) error {
		var seq int64
		var b []byte
		err := rows.Scan(&seq, &b)
		seqs, notes = append(seqs, seq), append(notes, b)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("reading the checkpoints: %w", err)
	}
	for i, keep := range audit.Keep(notes, cutoff) {
		switch last := len(spans) - 1; {
		case keep:
			continue
		case last >= 0 && i > 0 && spans[last].to == seqs[i-1]:
			spans[last].to = seqs[i]
		default:
			spans = append(spans, span{seqs[i], seqs[i]})
		}
		n++
	}
	return spans, n, nil
}

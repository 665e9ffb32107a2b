package duckdb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Append takes batches in the order of the stream. Those at or before Position
// have no effect. Rows are durable after the next Flush, which Append calls
// itself when many rows wait or the last flush is a second ago; a store that is
// quiet is flushed by Flush alone.
func (t *Telemetry) Append(ctx context.Context, got []event.Stored) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken != nil {
		return t.broken
	}
	for _, s := range got {
		if s.Seq <= t.reached {
			continue
		}
		if err := t.begin(ctx); err != nil {
			return t.fail(ctx, err)
		}
		if err := t.rows(s.Batch); err != nil {
			return t.fail(ctx, fmt.Errorf("appending batch %s: %w", s.Batch.ID, err))
		}
		t.reached = s.Seq
	}
	if t.pending >= t.o.FlushRows || time.Since(t.lastFlush) >= t.o.FlushEvery {
		return t.flush(ctx)
	}
	return nil
}

// Rewind puts the position back to seq, where the stream ends before it: the
// stream is another one than that which was appended (restored, made anew, or
// without its last second), and its next batches must not be taken for repeats.
// A position at or before seq stays.
func (t *Telemetry) Rewind(ctx context.Context, seq uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken != nil {
		return t.broken
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	if t.applied <= seq {
		return nil
	}
	if err := t.begin(ctx); err != nil {
		return t.fail(ctx, err)
	}
	if err := t.exec(ctx, "DELETE FROM applied"); err != nil {
		return t.fail(ctx, fmt.Errorf("putting the position back: %w", err))
	}
	t.reached = seq
	return t.flush(ctx)
}

// Flush makes what was appended durable.
func (t *Telemetry) Flush(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken != nil {
		return t.broken
	}
	return t.flush(ctx)
}

func (t *Telemetry) begin(ctx context.Context) error {
	if t.inTx {
		return nil
	}
	if err := t.exec(ctx, "BEGIN TRANSACTION"); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	t.inTx = true
	return nil
}

func (t *Telemetry) flush(ctx context.Context) error {
	t.lastFlush = time.Now()
	if !t.inTx {
		return nil
	}
	for name, a := range t.appenders {
		if err := a.Flush(); err != nil {
			return t.fail(ctx, fmt.Errorf("writing %s: %w", name, err))
		}
	}
	if err := t.exec(ctx, "INSERT INTO applied VALUES (?, ?)", t.reached, time.Now().UTC()); err != nil {
		return t.fail(ctx, fmt.Errorf("writing the position: %w", err))
	}
	if err := t.exec(ctx, "COMMIT"); err != nil {
		return t.fail(ctx, fmt.Errorf("committing: %w", err))
	}
	t.inTx, t.pending, t.applied = false, 0, t.reached
	return nil
}

// fail gives the transaction up. The rows are still in the stream; the store
// takes no more until it is opened again, so that none is passed over.
func (t *Telemetry) fail(ctx context.Context, err error) error {
	t.broken = fmt.Errorf("telemetry in %s: %w (what was not written is kept in the stream and comes again after a restart)", t.o.Dir, err)
	if t.inTx {
		if rerr := t.exec(context.WithoutCancel(ctx), "ROLLBACK"); rerr != nil {
			t.o.Log.Error("telemetry: giving up a failed transaction", "error", rerr)
		}
		t.inTx = false
	}
	return t.broken
}

// rows appends every row of a batch. Advisories and the catalogue of exploited
// vulnerabilities are documents, kept by their own stage, not telemetry.
func (t *Telemetry) rows(b *event.Batch) error {
	row := make([]driver.Value, 0, 32)
	for i := range b.Vessels {
		r := &b.Vessels[i]
		if static := r.Static || !r.Clock.IsZero(); !static || !math.IsNaN(r.Lat) {
			if err := t.row("positions", positionValues(row[:0], r)); err != nil {
				return err
			}
			if err := t.visit(r); err != nil {
				return err
			}
			t.newest.add(r)
		}
		if r.Static || !r.Clock.IsZero() {
			if err := t.row("statics", staticValues(row[:0], r)); err != nil {
				return err
			}
		}
	}
	for i := range b.Flows {
		if err := t.row("flows", flowValues(row[:0], &b.Flows[i])); err != nil {
			return err
		}
	}
	for i := range b.Devices {
		if err := t.row("devices", deviceValues(row[:0], &b.Devices[i])); err != nil {
			return err
		}
	}
	for i := range b.Access {
		if err := t.row("access", accessValues(row[:0], &b.Access[i])); err != nil {
			return err
		}
	}
	for i := range b.Alerts {
		if err := t.row("alerts", alertValues(row[:0], &b.Alerts[i])); err != nil {
			return err
		}
	}
	for i := range b.Health {
		if err := t.row("health", healthValues(row[:0], &b.Health[i])); err != nil {
			return err
		}
	}
	return nil
}

func (t *Telemetry) row(table string, values []driver.Value) error {
	t.pending++
	if err := t.appenders[table].AppendRow(values...); err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	return nil
}

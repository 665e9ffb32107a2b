package duckdb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Append takes batches in the order of the stream. Those at or before Position
// have no effect. Rows wait in memory and are durable after the next Flush, which
// runs beside the appends when many rows wait or the oldest has waited a second;
// a store that is quiet is flushed by Flush alone. Where rows come faster than
// they can be written Append waits, so that what waits is bounded.
//
// The batches belong to the store until they are durable: nobody may change them.
func (t *Telemetry) Append(ctx context.Context, got []event.Stored) error {
	full, err := t.enqueue(got)
	if err != nil || !full {
		return err
	}
	return t.Flush(ctx)
}

// enqueue lets batches wait, and reports whether there is no room for more.
func (t *Telemetry) enqueue(got []event.Stored) (full bool, err error) {
	t.queue.Lock()
	defer t.queue.Unlock()
	if t.queue.broken != nil {
		return false, t.queue.broken
	}
	for _, s := range got {
		if s.Seq <= t.queue.reached {
			continue
		}
		if len(t.queue.batches) == 0 {
			t.queue.since = time.Now()
		}
		t.queue.batches = append(t.queue.batches, s)
		t.queue.rows += s.Batch.Len()
		t.queue.reached = s.Seq
		t.newest.add(s.Batch.Vessels)
	}
	if t.queue.rows >= t.o.FlushRows || len(t.queue.batches) > 0 && time.Since(t.queue.since) >= t.o.FlushEvery {
		select {
		case t.wake <- struct{}{}:
		default: // it has been woken already
		}
	}
	return t.queue.rows >= t.o.FlushRows+t.o.FlushRows/2, nil
}

// queue is what waits to be written.
type queue struct {
	sync.Mutex
	batches []event.Stored
	rows    int
	since   time.Time // when the oldest came
	reached uint64    // stream position of the newest that was ever taken
	broken  error     // a failed flush: the store must be opened again
}

// take empties the queue. It gives the position that its batches reach.
func (q *queue) take() (batches []event.Stored, reached uint64) {
	q.Lock()
	defer q.Unlock()
	batches, q.batches, q.rows = q.batches, nil, 0
	return batches, q.reached
}

func (q *queue) err() error {
	q.Lock()
	defer q.Unlock()
	return q.broken
}

// flushBeside flushes when it is woken, until wake is closed.
func (t *Telemetry) flushBeside() {
	defer close(t.slept)
	for range t.wake {
		if err := t.Flush(context.Background()); err != nil {
			t.o.Log.Error("telemetry takes no more", "error", err) // whoever appends next is told too
			return
		}
	}
}

// Rewind puts the position back to seq, where the stream ends before it: the
// stream is another one than that which was appended (restored, made anew, or
// without its last second), and its next batches must not be taken for repeats.
// A position at or before seq stays.
func (t *Telemetry) Rewind(ctx context.Context, seq uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.queue.err(); err != nil {
		return err
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	if t.applied.Load() <= seq {
		return nil
	}
	if err := t.begin(ctx); err != nil {
		return t.fail(ctx, err)
	}
	if err := t.exec(ctx, "DELETE FROM applied"); err != nil {
		return t.fail(ctx, fmt.Errorf("putting the position back: %w", err))
	}
	t.queue.Lock()
	t.queue.reached = seq
	t.queue.Unlock()
	return t.flush(ctx)
}

// Flush makes what was appended durable.
func (t *Telemetry) Flush(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.queue.err(); err != nil {
		return err
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

// flush writes what waits, with the position that it reaches, in one transaction.
func (t *Telemetry) flush(ctx context.Context) error {
	batches, reached := t.queue.take()
	if len(batches) == 0 && !t.inTx {
		return nil
	}
	if err := t.begin(ctx); err != nil {
		return t.fail(ctx, err)
	}
	if err := t.write(ctx, batches); err != nil {
		return t.fail(ctx, err)
	}
	if err := t.exec(ctx, "INSERT INTO applied VALUES (?, ?)", reached, time.Now().UTC()); err != nil {
		return t.fail(ctx, fmt.Errorf("writing the position: %w", err))
	}
	if err := t.exec(ctx, "COMMIT"); err != nil {
		return t.fail(ctx, fmt.Errorf("committing: %w", err))
	}
	t.inTx = false
	t.applied.Store(reached)
	return nil
}

// write puts batches into the tables.
func (t *Telemetry) write(ctx context.Context, batches []event.Stored) error {
	for _, s := range batches {
		if err := t.rows(s.Batch); err != nil {
			return fmt.Errorf("appending batch %s: %w", s.Batch.ID, err)
		}
	}
	for name, a := range t.appenders {
		if err := a.Flush(); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	t.waiting = newWaiting(batches)
	defer func() { t.waiting = nil }()
	if t.waiting.rows == 0 {
		return nil
	}
	if err := t.exec(ctx, t.waiting.statement()); err != nil {
		return fmt.Errorf("writing positions: %w", err)
	}
	return nil
}

// fail gives the transaction up. The rows are still in the stream; the store
// takes no more until it is opened again, so that none is passed over.
func (t *Telemetry) fail(ctx context.Context, err error) error {
	err = fmt.Errorf("telemetry in %s: %w (what was not written is kept in the stream and comes again after a restart)", t.o.Dir, err)
	t.queue.Lock()
	t.queue.broken, t.queue.batches, t.queue.rows = err, nil, 0
	t.queue.Unlock()
	if t.inTx {
		if rerr := t.exec(context.WithoutCancel(ctx), "ROLLBACK"); rerr != nil {
			t.o.Log.Error("telemetry: giving up a failed transaction", "error", rerr)
		}
		t.inTx = false
	}
	return err
}

// rows appends every row of a batch but the positions. Advisories and the catalogue of exploited
// vulnerabilities are documents, kept by their own stage, not telemetry.
func (t *Telemetry) rows(b *event.Batch) error {
	row := make([]driver.Value, 0, 32)
	for i := range b.Vessels {
		r := &b.Vessels[i]
		if isPosition(r) {
			if err := t.visit(r); err != nil {
				return err
			}
		}
		if isStatic(r) {
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
	for i := range b.Operations {
		if err := t.row("operations", operationValues(row[:0], &b.Operations[i])); err != nil {
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
	if err := t.appenders[table].AppendRow(values...); err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	return nil
}

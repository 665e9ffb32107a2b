package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity/audit"
)

// Findings is the records as the finding register sees them.
type Findings struct{ r *Records }

// Findings returns the store of the register.
func (r *Records) Findings() Findings { return Findings{r} }

var _ finding.Store = Findings{}

// Change implements finding.Store.
func (s Findings) Change(ctx context.Context, fn func(finding.Tx) error) error {
	var tx *findingTx
	err := s.r.change(ctx, func(c *change) error {
		tx = &findingTx{change: c, loaded: map[string]shape{}}
		return fn(tx)
	})
	if err != nil {
		return err
	}
	for id, k := range tx.saved {
		s.r.saved.keep(id, k)
	}
	return nil
}

// Position implements finding.Store.
func (s Findings) Position(ctx context.Context, name string) (uint64, error) {
	return s.r.Position(ctx, name)
}

// Position is the stored place of a reader of the stream, 0 where there is none.
func (r *Records) Position(ctx context.Context, name string) (uint64, error) {
	var seq int64
	err := r.row(ctx, "SELECT seq FROM positions WHERE name = ?", []any{name}, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return uint64(seq), err
}

// Rewind puts the stored place of a reader back to seq, where the stream ends
// before it (see duckdb.Telemetry.Rewind). A place at or before seq stays.
func (r *Records) Rewind(ctx context.Context, name string, seq uint64) error {
	err := r.exec(ctx, "UPDATE positions SET seq = ? WHERE name = ? AND seq > ?", int64(seq), name, int64(seq))
	return as("putting a position back", err)
}

// findingTx is a change of findings.
type findingTx struct {
	*change
	loaded map[string]shape // of those that Load was asked for; n is 0 for one that does not exist
	saved  map[string]*kept // what Save wrote
	next   int64            // n of the next new finding, 0 before it is known
}

// idsAtOnce is how many ids one query carries.
const idsAtOnce = 500

// Load implements finding.Tx.
func (t *findingTx) Load(ctx context.Context, ids []string) (map[string]finding.Finding, error) {
	out := make(map[string]finding.Finding, len(ids))
	for len(ids) > 0 {
		some := ids[:min(idsAtOnce, len(ids))]
		ids = ids[len(some):]
		args := make([]any, len(some))
		for i, id := range some {
			args[i] = id
			t.loaded[id] = shape{}
		}
		query := "SELECT f.n, f.id, d.document FROM findings f JOIN finding_documents d ON d.n = f.n WHERE f.id IN (" + marks(len(some)) + ")"
		err := t.each(ctx, query, args, func(rows *sql.Rows) error {
			var n int64
			var id string
			var document sql.RawBytes
			if err := rows.Scan(&n, &id, &document); err != nil {
				return err
			}
			f, err := t.records.known(id, document)
			if err != nil {
				return err
			}
			out[f.ID] = f
			t.loaded[f.ID] = shapeOf(n, &f)
			return nil
		})
		if err != nil {
			return nil, as("loading findings", err)
		}
	}
	return out, nil
}

// Due implements finding.Tx.
func (t *findingTx) Due(ctx context.Context, now time.Time) ([]string, error) {
	var out []string
	err := t.each(ctx, "SELECT id FROM findings WHERE state = 'shelved' AND shelved_until <= ? ORDER BY id", []any{micros(now)}, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		out = append(out, id)
		return err
	})
	return out, as("looking for shelves that ran out", err)
}

// Advance implements finding.Tx.
func (t *findingTx) Advance(ctx context.Context, name string, seq uint64) (bool, error) {
	n, err := t.affected(ctx, "INSERT INTO positions (name, seq) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq WHERE positions.seq < excluded.seq",
		name, int64(seq))
	return n > 0, as("advancing a position", err)
}

// Save implements finding.Tx.
func (t *findingTx) Save(ctx context.Context, saves []finding.Save) error {
	var rows, documents, notices [][]any
	counts := map[kind]int64{}
	words := wordChanges{}
	for i := range saves {
		f := &saves[i].Finding
		was, asked := t.loaded[f.ID]
		if !asked {
			return fmt.Errorf("saving finding %s, which was not loaded in this transaction", f.ID)
		}
		n, err := t.number(ctx, was)
		if err != nil {
			return err
		}
		is := shapeOf(n, f)
		document, err := json.Marshal(f)
		if err != nil {
			return fmt.Errorf("writing the document of finding %s: %w", f.ID, err)
		}
		rows = append(rows, is.row(f))
		documents = append(documents, []any{n, document})
		if was.n != 0 {
			counts[was.kind]--
		}
		counts[is.kind]++
		words.note(was, is)
		t.found = append(t.found, savedRowOf(was, is, f))
		t.loaded[f.ID] = is
		if t.saved == nil {
			t.saved = make(map[string]*kept, len(saves))
		}
		t.saved[f.ID] = &kept{document: document, finding: *f}
		for _, s := range saves[i].Steps {
			seq, err := t.record(audit.Entry{Time: s.Entry.Time, Actor: s.Entry.Actor, Action: s.Entry.Action, Subject: subjectOf(f.ID), Detail: s.Entry.Detail})
			if err != nil {
				return err
			}
			notices = append(notices, []any{seq, micros(s.Entry.Time), f.ID, s.Revision, string(s.Change), string(s.State), s.Entry.Actor})
		}
	}
	return errors.Join(
		as("saving findings", t.insert(ctx, "findings ("+findingColumns+")", findingConflict, rows)),
		as("saving the documents of findings", t.insert(ctx, "finding_documents (n, document)", "ON CONFLICT (n) DO UPDATE SET document = excluded.document", documents)),
		as("saving the words of findings", t.records.dialect.saveWords(ctx, t.change, words)),
		as("counting findings", t.count(ctx, counts)),
		as("adding notices to the outbox", t.insert(ctx, "finding_notices (seq, at, finding, revision, change, state, actor)", "", notices)),
	)
}

// number is the row number of a finding, a new one where it has none.
func (t *findingTx) number(ctx context.Context, was shape) (int64, error) {
	if was.n != 0 {
		return was.n, nil
	}
	if t.next == 0 {
		if err := t.row(ctx, "SELECT coalesce(max(n), 0) + 1 FROM findings", nil, &t.next); err != nil {
			return 0, fmt.Errorf("numbering a new finding: %w", err)
		}
	}
	t.next++
	return t.next - 1, nil
}

// count moves the tallies.
func (t *findingTx) count(ctx context.Context, counts map[kind]int64) error {
	var rows [][]any
	for k, n := range counts {
		if n != 0 {
			rows = append(rows, []any{k.state, k.severity, k.grade, k.present, k.domains, k.exercise, n})
		}
	}
	return t.insert(ctx, "finding_tallies (state, severity, grade, present, domains, exercise, n)",
		"ON CONFLICT (state, severity, grade, present, domains, exercise) DO UPDATE SET n = finding_tallies.n + excluded.n", rows)
}

func subjectOf(id string) string { return "finding/" + id }

package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/store"
)

// reconcileKind is the kind of declaration that decisions on devices are, by the id
// of the host or asset.
const reconcileKind = "reconcile"

// reconcileDesk keeps decisions on devices and makes the change of the port file.
type reconcileDesk struct{ s *System }

// Decisions implements console.Reconciliation.
func (d reconcileDesk) Decisions(ctx context.Context) (map[string]console.Reconciled, error) {
	all, err := d.s.records.Declarations(ctx, reconcileKind)
	if err != nil {
		return nil, err
	}
	out := map[string]console.Reconciled{}
	for i := range all {
		if len(all[i].Body) == 0 {
			continue // undone
		}
		var r console.Reconciled
		if err := json.Unmarshal(all[i].Body, &r); err != nil {
			return nil, fmt.Errorf("decision on %s: %w", all[i].ID, err)
		}
		r.ID, r.Revision, r.By, r.Time = all[i].ID, all[i].Revision, all[i].Actor, all[i].Time
		out[r.ID] = r
	}
	return out, nil
}

// Reconcile implements console.Reconciliation.
func (d reconcileDesk) Reconcile(ctx context.Context, r console.Reconciled, actor string, revision int64) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keeping a decision: %w", err)
	}
	return d.declare(ctx, r.ID, actor, r.Do+" "+r.Reason, body, revision)
}

// Undo implements console.Reconciliation.
func (d reconcileDesk) Undo(ctx context.Context, id, actor string, revision int64) error {
	if revision == 0 {
		return console.ErrDecided // nothing is in force that could be undone
	}
	return d.declare(ctx, id, actor, "undone", nil, revision)
}

func (d reconcileDesk) declare(ctx context.Context, id, actor, note string, body []byte, revision int64) error {
	if revision == 0 { // nobody's decision is in force; one that was undone may be there
		past, err := d.s.records.DeclaredHistory(ctx, reconcileKind, id)
		if err != nil {
			return err
		}
		if n := len(past); n > 0 && len(past[n-1].Body) == 0 {
			revision = past[n-1].Revision
		}
	}
	_, err := d.s.records.Declare(ctx, store.Declared{Kind: reconcileKind, ID: id, Time: time.Now().UTC(), Actor: actor, Note: note, Body: body}, revision)
	if errors.Is(err, store.ErrChanged) {
		return console.ErrDecided
	}
	return err
}

// Patch implements console.Reconciliation. It is made against the port file on disk:
// what that has already is no part of it.
func (d reconcileDesk) Patch(ctx context.Context) ([]byte, []string, error) {
	all, err := d.Decisions(ctx)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	p, problems := port.Check(d.s.cfg.Port, now)
	if p == nil {
		return nil, nil, fmt.Errorf("the port file on disk has faults: %w", problems.Err())
	}
	var add []port.Addition
	var correct []port.Correction
	for _, id := range slices.Sorted(maps.Keys(all)) {
		r := all[id]
		if r.Do == console.Adopt && p.Asset(r.Device.ID) == nil {
			add = append(add, r.Device)
		}
		for _, c := range r.Correct {
			if p.Asset(c.Asset) != nil && !p.Corrected(c) { // one that is gone has nothing to correct
				correct = append(correct, c)
			}
		}
	}
	if len(add)+len(correct) == 0 {
		return nil, nil, nil
	}
	return port.RegisterPatch(d.s.cfg.Port, add, correct, now)
}

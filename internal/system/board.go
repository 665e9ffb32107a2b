package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/console"
	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/store"
)

// boardKind is the kind of declaration that reports to the board are.
const boardKind = "board-report"

// boardLook is how often it is looked whether the report of the month is due.
const boardLook = time.Minute

// boardDesk makes reports to the board, keeps them, and one each month by itself.
// A report is a declaration: revision 1 is the draft, revision 2 the same bytes with
// a signature, and there is no third.
type boardDesk struct {
	s    *System
	mu   sync.Mutex // one report is made at a time
	done string     // month whose report is known to be kept
}

// keptBoard is the body of a declaration.
type keptBoard struct {
	Report    json.RawMessage   `json:"report"`
	Signature *report.Signature `json:"signature,omitempty"`
}

// Draft makes a report of now, compared with the last one that was signed, or,
// where none was, with the last that was kept.
func (d *boardDesk) Draft(ctx context.Context) (*report.Board, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.draft(ctx, time.Now().UTC())
}

func (d *boardDesk) draft(ctx context.Context, now time.Time) (*report.Board, error) {
	kept, err := d.Kept(ctx)
	if err != nil {
		return nil, err
	}
	in := report.BoardInput{Port: d.s.port.Load(), AsOf: now, Standing: d.s.risk.Standing(), Last: lastBoard(kept)}
	if d.s.warmed.Load() { // before that the picture lacks what was seen earlier
		in.Uses = d.s.watches.Network.Picture().Uses
	}
	list, err := d.s.exposure.List(ctx)
	switch {
	case err != nil && in.Standing.Problem == "":
		return nil, err
	case err == nil && list.Read.Advisories > 0:
		in.Products = report.Suppliers(list.Port, list.ByAsset())
	}
	return report.NewBoard(&in), nil
}

func lastBoard(kept []report.KeptBoard) *report.Board {
	var newest *report.Board
	for i := range kept {
		switch k := &kept[i]; {
		case k.Damaged != "":
		case k.Signed != nil:
			return k.Board
		case newest == nil:
			newest = k.Board
		}
	}
	return newest
}

// Kept are the reports of the archive, the newest first.
func (d *boardDesk) Kept(ctx context.Context) ([]report.KeptBoard, error) {
	all, err := d.s.records.Declarations(ctx, boardKind)
	if err != nil {
		return nil, err
	}
	out := make([]report.KeptBoard, 0, len(all))
	for i := range all {
		k, err := readBoard(&all[i])
		if err != nil { // it stays in the list, so that it is missed; the others are read
			k = report.KeptBoard{ID: all[i].ID, Revision: all[i].Revision, Made: all[i].Time, By: all[i].Actor, Board: &report.Board{AsOf: all[i].Time}, Damaged: err.Error()}
		}
		out = append(out, k)
	}
	slices.SortStableFunc(out, func(a, b report.KeptBoard) int { return b.Board.AsOf.Compare(a.Board.AsOf) })
	return out, nil
}

func readBoard(r *store.Declared) (report.KeptBoard, error) {
	var body keptBoard
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return report.KeptBoard{}, fmt.Errorf("board report %s: %w", r.ID, err)
	}
	b, err := report.ParseBoard(body.Report)
	if err != nil {
		return report.KeptBoard{}, fmt.Errorf("board report %s: %w", r.ID, err)
	}
	if s := body.Signature; s != nil && s.Sum != report.Sum(body.Report) {
		return report.KeptBoard{}, fmt.Errorf("board report %s: it is not what %s signed", r.ID, s.Account)
	}
	return report.KeptBoard{ID: r.ID, Revision: r.Revision, Made: r.Time, By: r.Actor, Board: b, Data: body.Report, Sum: report.Sum(body.Report), Signed: body.Signature}, nil
}

// Get is one report of the archive.
func (d *boardDesk) Get(ctx context.Context, id string) (report.KeptBoard, error) {
	past, err := d.s.records.DeclaredHistory(ctx, boardKind, id)
	if err != nil {
		return report.KeptBoard{}, err
	}
	if len(past) == 0 {
		return report.KeptBoard{}, console.ErrNoBoard
	}
	return readBoard(&past[len(past)-1])
}

// Keep puts a report of now into the archive as a draft, and gives its id.
func (d *boardDesk) Keep(ctx context.Context, actor string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now().UTC()
	id := now.Format("20060102T150405Z")
	return id, d.keep(ctx, id, actor, now, "draft kept")
}

func (d *boardDesk) keep(ctx context.Context, id, actor string, now time.Time, note string) error {
	b, err := d.draft(ctx, now)
	if err != nil {
		return err
	}
	data, err := b.JSON()
	if err != nil {
		return err
	}
	body, err := json.Marshal(keptBoard{Report: data})
	if err != nil {
		return fmt.Errorf("keeping a board report: %w", err)
	}
	_, err = d.s.records.Declare(ctx, store.Declared{Kind: boardKind, ID: id, Time: now, Actor: actor, Note: note, Body: body}, 0)
	return err
}

// Sign signs a draft of the archive. sum is that of the report that was read: where
// it is another, or the report is signed already, nothing is signed.
func (d *boardDesk) Sign(ctx context.Context, id, sum, account, name string) error {
	k, err := d.Get(ctx, id)
	if err != nil {
		return err
	}
	if k.Signed != nil || k.Sum != sum {
		return console.ErrBoardChanged
	}
	now := time.Now().UTC()
	body, err := json.Marshal(keptBoard{Report: k.Data, Signature: &report.Signature{Name: name, Account: account, Time: now, Sum: k.Sum}})
	if err != nil {
		return fmt.Errorf("signing a board report: %w", err)
	}
	_, err = d.s.records.Declare(ctx, store.Declared{Kind: boardKind, ID: id, Time: now, Actor: account, Note: "signed, report sha256 " + k.Sum, Body: body}, k.Revision)
	if errors.Is(err, store.ErrChanged) {
		return console.ErrBoardChanged
	}
	return err
}

// look keeps the report of the month, once, from the configured day on. It waits for
// figures, or for the reason why there are none; a port without a risk file has
// nothing to report.
func (d *boardDesk) look(ctx context.Context) error {
	now := time.Now().UTC()
	month := now.Format("2006-01")
	if s := d.s.risk.Standing(); now.Day() < d.s.cfg.Board.Day || s.Assessment == nil && s.Problem == "" {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done == month {
		return nil
	}
	past, err := d.s.records.DeclaredHistory(ctx, boardKind, month)
	if err == nil && len(past) == 0 {
		err = d.keep(ctx, month, "system", now, "report of the month")
	}
	switch {
	case err == nil:
		d.done = month
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		d.s.log.Error("the board report of the month was not kept", "month", month, "error", err)
	}
	return nil
}

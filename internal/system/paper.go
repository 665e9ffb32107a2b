package system

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quaywatch/quaywatch/internal/cargo"
	"github.com/quaywatch/quaywatch/internal/report"
)

// paperDesk prints the paper pack by the clock, so that it exists before it is
// needed. A pack that could not be made leaves the last one in place, and says so.
type paperDesk struct {
	s     *System
	state atomic.Pointer[report.PaperState]
	again time.Time // not to try before, after a failure
}

// paperRetry is how long a failure rests.
const paperRetry = 10 * time.Minute

// paperAhead is how far the clock of a terminal may be ahead. A snapshot from later
// than that is not believed: it would be the newest one for as long as it lies there.
const paperAhead = 5 * time.Minute

func newPaperDesk(s *System) *paperDesk {
	d := &paperDesk{s: s}
	d.state.Store(&report.PaperState{Configured: s.cfg.Paper.Snapshots != "", Every: s.cfg.Paper.Every})
	return d
}

// State is the newest pack.
func (d *paperDesk) State() report.PaperState { return *d.state.Load() }

// packs are the directories of the packs that are there, oldest first.
func (d *paperDesk) packs() ([]time.Time, error) {
	entries, err := os.ReadDir(d.s.cfg.Paper.Output)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the paper packs: %w", err)
	}
	var out []time.Time
	for _, e := range entries {
		at, err := time.Parse(cargo.Stamp, e.Name())
		if err != nil {
			continue // not ours
		}
		if _, err := os.Stat(filepath.Join(d.dir(at), report.PaperPDF)); err == nil {
			out = append(out, at)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out, nil
}

func (d *paperDesk) dir(at time.Time) string {
	return filepath.Join(d.s.cfg.Paper.Output, at.Format(cargo.Stamp))
}

// look prints where it is time. What goes wrong is told on the page and in the log.
func (d *paperDesk) look(ctx context.Context) error {
	now := time.Now().UTC().Truncate(time.Second)
	if !d.State().Configured || now.Before(d.again) {
		return nil
	}
	err := d.print(ctx, now)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.again = now.Add(paperRetry)
		d.s.log.Error("the paper pack was not printed", "error", err, "next try", d.again)
		state := d.State()
		state.Problem = err.Error()
		d.state.Store(&state)
	}
	return nil
}

func (d *paperDesk) print(ctx context.Context, now time.Time) error {
	there, err := d.packs()
	if err != nil {
		return err
	}
	if n := len(there); n > 0 && now.Sub(there[n-1]) < d.s.cfg.Paper.Every {
		if d.State().Printed.IsZero() { // of before the start
			state := d.State()
			state.Printed, state.Dir = there[n-1], d.dir(there[n-1])
			d.state.Store(&state)
		}
		return nil
	}
	in := report.PaperInput{Port: d.s.port.Load(), Terminal: d.s.cfg.Paper.Terminal, AsOf: now}
	in.Snapshot, in.Passed, err = cargo.Newest(d.s.cfg.Paper.Snapshots, now.Add(paperAhead))
	if err != nil {
		in.NoCargo = err.Error()
	}
	pack, err := report.Paper(&in)
	if err != nil {
		return err
	}
	if err := pack.WriteInto(ctx, d.dir(now)); err != nil {
		return err
	}
	state := report.PaperState{Configured: true, Every: d.s.cfg.Paper.Every, Printed: now, Taken: pack.Taken, Warnings: pack.Warnings, Dir: d.dir(now)}
	d.state.Store(&state)
	d.s.log.Info("paper pack printed", "directory", state.Dir, "sheets", len(pack.Sheets), "cargo as of", pack.Taken, "warnings", len(pack.Warnings))
	if in.Snapshot == nil {
		return nil // nothing is removed: the packs with cargo are the old ones now
	}
	for _, old := range there[:max(0, len(there)+1-d.s.cfg.Paper.Keep)] {
		if err := os.RemoveAll(d.dir(old)); err != nil {
			return fmt.Errorf("removing an old paper pack: %w", err)
		}
	}
	return nil
}

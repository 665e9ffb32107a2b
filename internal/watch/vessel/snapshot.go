package vessel

import (
	"fmt"
	"io"
	"reflect"

	"github.com/quaywatch/quaywatch/internal/freeze"
)

// state is all that the watch has learned, as Save writes it. What the port file
// says, and what can be drawn anew, is no part of it.
func (w *Watch) state() []any {
	return []any{&w.ships, &w.asOf, &w.open, &w.jumps, &w.njump, &w.swept, &w.clocks, &w.clock, &w.clockOf,
		&w.upsets, &w.nupset, &w.areas, &w.cells, &w.newest, &w.since, &w.hushed, &w.known.reach, &w.known.heard, &w.sensors, &w.waiting, &w.receivers}
}

// Save writes what the watch has learned: tracks, identities, habits, reception,
// conditions that hold. A watch that Restore made of it goes on as this one does.
// place says up to where the input was taken, for the caller to go on from.
func (w *Watch) Save(to io.Writer, place uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := freeze.Write(to, append(w.state(), &place)...); err != nil {
		return fmt.Errorf("saving the watch of vessels: %w", err)
	}
	return nil
}

// Restore takes what Save wrote in place of all that was learned, and returns its
// place. Where it returns an error (freeze.ErrTypes, freeze.ErrDamaged, or what
// fits says of the place) nothing has changed.
func (w *Watch) Restore(from io.Reader, fits func(place uint64) error) (place uint64, err error) {
	var kept Watch
	if err := freeze.Read(from, append(kept.state(), &place)...); err != nil {
		return 0, fmt.Errorf("restoring the watch of vessels: %w", err)
	}
	if err := fits(place); err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.state()
	for i, p := range kept.state() {
		reflect.ValueOf(old[i]).Elem().Set(reflect.ValueOf(p).Elem())
	}
	w.drawn, w.dead = nil, nil
	w.declareSensors()
	w.receiver = nil
	for _, s := range w.ships {
		for i := range s.hulls {
			s.hulls[i].text = s.hulls[i].head.Raw.Text // the newest line lives in the hull's own memory
		}
	}
	return place, nil
}

package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/quaywatch/quaywatch/internal/datadir"
)

// snapshotEvery is how often what the watch of vessels has learned is written
// down. The stream is read again from there, so that a longer time costs a
// longer start and nothing else.
const snapshotEvery = 10 * time.Minute

// saveVessels writes the snapshot: the old one stays whole until the new one is.
func (s *System) saveVessels(context.Context) error {
	if !s.warmed.Load() {
		return nil // it would know less than the one that is there
	}
	var b bytes.Buffer
	s.watchMu.Lock()
	place := s.fed
	err := s.watches.Vessel.Save(&b, place)
	s.watchMu.Unlock()
	if err == nil && place > 0 {
		err = writeWhole(filepath.Join(s.cfg.Data, datadir.Vessels), b.Bytes())
	}
	if err != nil {
		// The watch goes on; after a restart it is warmed from the stream alone.
		s.log.Error("the snapshot of the vessel watch was not written", "error", err)
	}
	return nil
}

// saveNetwork writes what the watch of the network has learned, as saveVessels.
func (s *System) saveNetwork(context.Context) error {
	if !s.warmed.Load() {
		return nil
	}
	var b bytes.Buffer
	s.watchMu.Lock()
	err := s.watches.Network.Save(&b)
	s.watchMu.Unlock()
	if err == nil {
		err = writeWhole(filepath.Join(s.cfg.Data, datadir.Network), b.Bytes())
	}
	if err != nil {
		// The watch goes on; after a restart it learns from the last one written.
		s.log.Error("the snapshot of the network watch was not written", "error", err)
	}
	return nil
}

// restoreNetwork gives the watch of the network what it had learned. The stream
// is told to it again all the same: what is learned twice is learned once.
func (s *System) restoreNetwork() {
	path := filepath.Join(s.cfg.Data, datadir.Network)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	s.watchMu.Lock()
	defer s.watchMu.Unlock()
	if err == nil {
		err = s.watches.Network.Restore(bytes.NewReader(data))
	}
	if err != nil {
		s.log.Warn("the snapshot of the network watch is not used; what is usual is learned anew, and until then nothing is told as new", "file", path, "error", err)
		return
	}
	s.log.Info("the network watch goes on from its snapshot")
}

// writeWhole replaces a file by one that is durable before it has its name.
func writeWhole(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("making a file beside %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// restoreVessels gives the watch of vessels what it had learned, where a
// snapshot fits to the stream: one from behind its end is of another stream, and
// one from before its beginning lacks what came between. Batches up to its place
// are not told to that watch again.
func (s *System) restoreVessels(first, last uint64) {
	path := filepath.Join(s.cfg.Data, datadir.Vessels)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	s.watchMu.Lock()
	defer s.watchMu.Unlock()
	var place uint64
	if err == nil {
		place, err = s.watches.Vessel.Restore(bytes.NewReader(data), func(place uint64) error {
			if place > last || place+1 < first {
				return fmt.Errorf("it was taken at %d of the stream, which holds %d to %d", place, first, last)
			}
			return nil
		})
	}
	if err != nil {
		s.log.Warn("the snapshot of the vessel watch is not used; the watch is warmed from the stream alone", "file", path, "error", err)
		return
	}
	s.fed, s.restored = place, place
	s.log.Info("the vessel watch goes on from its snapshot", "place", place)
}

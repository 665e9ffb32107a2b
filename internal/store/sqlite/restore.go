package sqlite

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/quaywatch/quaywatch/internal/store"
)

// readyDir holds the files of a backup that were unpacked, checked and synced.
// That it is there decides that they are the records: what a crash leaves in it is
// moved to its place when the records are opened next.
const readyDir = "restore.ready"

// Restore unpacks a backup into dir, which must hold no records. Sums are
// checked before anything gets its final name, so a damaged backup leaves
// nothing behind; and a crash at any moment leaves none of it or all of it.
func Restore(r io.Reader, dir string) (m Manifest, err error) {
	for _, name := range append(slices.Clone(carried), store.KeyFile, readyDir) {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return m, fmt.Errorf("%s already holds %s: restore into an empty directory", dir, name)
		}
	}
	if m, err = stage(r, dir); err != nil {
		return m, err
	}
	return m, finish(dir)
}

// stage unpacks the backup and gives it the name that decides.
func stage(r io.Reader, dir string) (m Manifest, err error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(256<<20))
	if err != nil {
		return m, fmt.Errorf("reading the backup: %w", err)
	}
	defer z.Close()
	work, err := os.MkdirTemp(dir, "restore-")
	if err != nil {
		return m, fmt.Errorf("making room for the records: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if m, err = unpack(tar.NewReader(z), work); err != nil {
		return m, fmt.Errorf("reading the backup: %w", err)
	}
	if err := syncDir(work); err != nil {
		return m, fmt.Errorf("keeping the unpacked records: %w", err)
	}
	if err := os.Rename(work, filepath.Join(dir, readyDir)); err != nil {
		return m, fmt.Errorf("keeping the unpacked records: %w", err)
	}
	return m, syncDir(dir)
}

// finish moves what a restore left ready to its place. Doing it again after a
// crash in the middle goes on where it stopped.
func finish(dir string) error {
	ready := filepath.Join(dir, readyDir)
	if _, err := os.Lstat(ready); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range carried {
		err := os.Rename(filepath.Join(ready, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("putting the restored %s in its place: %w", name, err)
		}
	}
	if err := syncDir(dir); err != nil { // before the proof that it is unfinished goes
		return fmt.Errorf("finishing a restore in %s: %w", dir, err)
	}
	if err := os.Remove(ready); err != nil {
		return fmt.Errorf("finishing a restore in %s: %w", dir, err)
	}
	return syncDir(dir)
}

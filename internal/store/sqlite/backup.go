package sqlite

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/quaywatch/quaywatch/internal/store"
)

// File is the name of the database in a data directory.
const File = "records.db"

// Limits of a backup that is read: what is larger is refused, not filled into
// the disk.
const (
	maxManifest = 1 << 20
	maxBackup   = 1 << 40
)

const (
	manifestName = "manifest.json"
	format       = "quaywatch-records-1"
)

// carried are the files of a backup beside the manifest. The private audit key
// is not among them: whoever holds a backup must not be able to sign.
var carried = []string{File, store.CheckpointsFile, store.TrustFile}

// Manifest says what a backup holds.
type Manifest struct {
	Format  string      `json:"format"`
	Created time.Time   `json:"created"`
	Files   []Component `json:"files"`
}

// Component is one file of a backup.
type Component struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Backup writes the records in dir as a tar archive, compressed with Zstandard,
// to w. Nobody else may be writing in dir. The database is copied by VACUUM
// INTO, which gives one consistent file without a write-ahead log.
func Backup(ctx context.Context, dir string, w io.Writer, now time.Time) (m Manifest, err error) {
	if err := finish(dir); err != nil {
		return m, err
	}
	work, err := os.MkdirTemp(dir, "backup-")
	if err != nil {
		return m, fmt.Errorf("making room for a copy of the records: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	db, err := connect(filepath.Join(dir, File), 1) // not read-only: SQLite counts VACUUM INTO as a change
	if err != nil {
		return m, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", filepath.Join(work, File)); err != nil {
		return m, fmt.Errorf("copying the records: %w", err)
	}
	m = Manifest{Format: format, Created: now.UTC()}
	from := map[string]string{}
	for _, name := range carried {
		path := filepath.Join(dir, name)
		if name == File {
			path = filepath.Join(work, name)
		}
		c, err := component(path)
		if errors.Is(err, fs.ErrNotExist) && name != File {
			continue
		}
		if err != nil {
			return m, fmt.Errorf("reading %s for the backup: %w", name, err)
		}
		from[name] = path
		m.Files = append(m.Files, c)
	}
	return m, as("writing the backup", write(w, m, from))
}

// component describes the file at path.
func component(path string) (Component, error) {
	f, err := os.Open(path)
	if err != nil {
		return Component{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return Component{Name: filepath.Base(path), Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

// write writes the archive, the manifest first.
func write(w io.Writer, m Manifest, from map[string]string) error {
	z, err := zstd.NewWriter(w)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	header := func(name string, size int64) error {
		return t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: m.Created, Format: tar.FormatPAX})
	}
	if err := header(manifestName, int64(len(b))); err != nil {
		return err
	}
	if _, err := t.Write(b); err != nil {
		return err
	}
	for _, c := range m.Files {
		if err := header(c.Name, c.Size); err != nil {
			return err
		}
		f, err := os.Open(from[c.Name])
		if err != nil {
			return err
		}
		_, err = io.Copy(t, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

// unpack writes the files of the archive into work, each as long as the
// manifest says and with its sum.
func unpack(t *tar.Reader, work string) (m Manifest, err error) {
	h, err := t.Next()
	if err != nil {
		return m, fmt.Errorf("it is no backup, or it is damaged: %w", err)
	}
	if h.Name != manifestName || h.Size > maxManifest {
		return m, fmt.Errorf("it does not begin with %s: it is no backup of records", manifestName)
	}
	if err := json.NewDecoder(t).Decode(&m); err != nil {
		return m, fmt.Errorf("reading its manifest: %w", err)
	}
	if m.Format != format {
		return m, fmt.Errorf("its format is %q and this program knows %q", m.Format, format)
	}
	for i, c := range m.Files {
		if !slices.Contains(carried, c.Name) || slices.ContainsFunc(m.Files[:i], func(o Component) bool { return o.Name == c.Name }) || c.Size < 0 || c.Size > maxBackup {
			return m, fmt.Errorf("its manifest tells of %q (%d bytes), which does not belong there", c.Name, c.Size)
		}
		h, err := t.Next()
		if err != nil {
			return m, fmt.Errorf("%s is missing: %w", c.Name, err)
		}
		if h.Name != c.Name || h.Size != c.Size || h.Typeflag != tar.TypeReg {
			return m, fmt.Errorf("%s (%d bytes) stands where %s (%d bytes) belongs", h.Name, h.Size, c.Name, c.Size)
		}
		if err := unpackFile(t, filepath.Join(work, c.Name), c); err != nil {
			return m, err
		}
	}
	if !slices.ContainsFunc(m.Files, func(c Component) bool { return c.Name == File }) {
		return m, fmt.Errorf("it holds no %s", File)
	}
	return m, nil
}

func unpackFile(t io.Reader, path string, c Component) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.CopyN(io.MultiWriter(f, h), t, c.Size)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("unpacking %s: %w", c.Name, err)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); sum != c.SHA256 {
		return fmt.Errorf("%s has the SHA-256 %s, the manifest says %s: the backup is damaged", c.Name, sum, c.SHA256)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func as(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

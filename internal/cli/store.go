package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/datadir"
	"github.com/quaywatch/quaywatch/internal/identity/audit"
	"github.com/quaywatch/quaywatch/internal/store"
	"github.com/quaywatch/quaywatch/internal/store/sqlite"
)

func init() { commands = append(commands, newStoreCommand) }

func newStoreCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "store",
		Short: "Migrate, back up, restore and verify the records",
		Long: `The records are everything that was decided or declared: findings and their
states, accounts, the audit log. They lie in records.db of the data directory.

These commands need the data directory for themselves. Where a server runs in
it, they say which and end with exit code 1.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().String("data", "", "data directory (required)")
	c.PersistentFlags().Bool("json", false, "print one JSON object")
	c.AddCommand(newStoreMigrate(), newStoreBackup(), newStoreRestore(), newStoreVerify())
	return c
}

// inData runs fn while the command holds the lock of the data directory. With
// need, the directory must hold records already.
func inData(c *cobra.Command, need bool, fn func(dir string) error) (err error) {
	dir, err := c.Flags().GetString("data")
	if err != nil {
		return err
	}
	if dir == "" {
		return usagef("say which data directory with --data DIR")
	}
	if need {
		if _, err := os.Stat(filepath.Join(dir, sqlite.File)); err != nil {
			return fmt.Errorf("%s holds no records: %w", dir, err)
		}
	}
	lock, err := datadir.Acquire(dir, "store "+c.Name())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	return fn(dir)
}

// show prints v as JSON where that is asked for, else the text.
func show(c *cobra.Command, v any, text string) error {
	if asked, err := c.Flags().GetBool("json"); err != nil || asked {
		return errors.Join(err, json.NewEncoder(jsonOut{c.OutOrStdout()}).Encode(v))
	}
	_, err := io.WriteString(plain{c.OutOrStdout()}, text)
	return err
}

func newStoreMigrate() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate --data DIR",
		Short: "Bring the records to the version of this program, and make them where there are none",
		Long: `Brings the schema of the records to the newest version that this program knows.
'serve' does the same when it starts. Records of a newer program are refused.

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return inData(c, false, func(dir string) error {
				r, err := sqlite.Open(c.Context(), filepath.Join(dir, sqlite.File))
				if err != nil {
					return err
				}
				v := r.Versions
				if err := r.Close(); err != nil {
					return err
				}
				text := fmt.Sprintf("records are at version %d already\n", v.To)
				if v.From != v.To {
					text = fmt.Sprintf("records migrated from version %d to %d\n", v.From, v.To)
				}
				return show(c, migrated{v.From, v.To}, text)
			})
		},
	}
}

type migrated struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

func newStoreBackup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup --data DIR FILE.tar.zst",
		Short: "Write a consistent copy of the records to one file",
		Long: `Writes the database, the checkpoints of the audit log, its public keys and a
manifest with SHA-256 sums to FILE ('-' is standard output). The private audit
key is left out on purpose. An existing FILE is not overwritten.

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			return inData(c, true, func(dir string) error {
				if args[0] == "-" {
					_, err := sqlite.Backup(c.Context(), dir, c.OutOrStdout(), time.Now())
					return err
				}
				m, err := backupTo(c.Context(), dir, args[0])
				if err != nil {
					return err
				}
				return show(c, m, listFiles("backed up", m))
			})
		},
	}
}

// backupTo writes a backup to a file that does not exist yet. A backup that
// failed leaves no file.
func backupTo(ctx context.Context, dir, path string) (m sqlite.Manifest, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("%s exists already: give another name", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return m, fmt.Errorf("making the backup file: %w", err)
	}
	m, err = sqlite.Backup(ctx, dir, f, time.Now())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return m, errors.Join(err, os.Remove(f.Name()))
	}
	return m, nil
}

func listFiles(what string, m sqlite.Manifest) string {
	text := ""
	for _, f := range m.Files {
		text += fmt.Sprintf("%s %s  %d bytes  sha256 %s\n", what, f.Name, f.Size, f.SHA256)
	}
	return text
}

func newStoreRestore() *cobra.Command {
	return &cobra.Command{
		Use:   "restore --data DIR FILE.tar.zst",
		Short: "Unpack a backup into an empty data directory",
		Long: `Unpacks FILE ('-' is standard input) into DIR, which must not hold records, after
checking every sum. The next start makes a new audit key there and says so in
the log; the checkpoints that the old key signed stay verifiable.

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			return inData(c, false, func(dir string) error {
				from := c.InOrStdin()
				if args[0] != "-" {
					f, err := os.Open(args[0])
					if err != nil {
						return fmt.Errorf("opening the backup: %w", err)
					}
					defer f.Close()
					from = f
				}
				m, err := sqlite.Restore(from, dir)
				if err != nil {
					return err
				}
				return show(c, m, listFiles("restored", m))
			})
		},
	}
}

func oneFile(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("'store %s' takes one file, not %d", c.Name(), len(args))
	}
	return nil
}

func newStoreVerify() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify --data DIR",
		Short: "Check every byte of the audit log",
		Long: `Computes the audit log anew and compares it with its stored hashes, with its
signed head, and with the checkpoints in the records and in audit.checkpoints.
Prints how many entries there are, the hash of their tree, and the first fault.

--key names a file with public keys that you keep elsewhere, one a line; without
it the keys in audit.pub of the data directory are trusted.

Exit codes: 0 nothing is wrong; 1 failed; 2 used wrongly; 3 a fault was found.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return inData(c, true, func(dir string) error { return verifyIn(c, dir) })
		},
	}
	c.Flags().String("key", "", "file with the public keys to trust")
	return c
}

func verifyIn(c *cobra.Command, dir string) error {
	path, err := c.Flags().GetString("key")
	if err != nil {
		return err
	}
	if path == "" {
		path = filepath.Join(dir, audit.TrustFile)
	}
	keys, err := audit.Trust(path)
	if err != nil {
		return err
	}
	db, err := sqlite.ReadOnly(filepath.Join(dir, sqlite.File))
	if err != nil {
		return err
	}
	defer db.Close()
	report, err := store.Verify(c.Context(), db, store.SQLite, dir, keys)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("entries      %d\ntree head    %s\ncheckpoints  %d, the newest in the file covers %d entries\n", report.Entries, report.Root, report.Checkpoints, report.Signed)
	if report.Fault != nil {
		text += "FAULT        " + report.Fault.What + "\n"
	} else {
		text += "nothing is wrong\n"
	}
	if err := show(c, report, text); err != nil {
		return err
	}
	if report.Fault != nil {
		return errViolations
	}
	return nil
}

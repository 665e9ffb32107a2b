package audit

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Names of the files of the log in the data directory.
const (
	KeyFile         = "audit.key"         // the private key, mode 0600
	TrustFile       = "audit.pub"         // the public keys, one a line, oldest first: keep a copy elsewhere
	CheckpointsFile = "audit.checkpoints" // signed heads, only ever appended to
)

const keyName = "quaywatch-audit"

// Key signs checkpoints.
type Key struct {
	signer note.Signer
	Public string // in the form of sumdb/note: name+hash+base64
	Made   bool   // OpenKey made it just now
}

// OpenKey reads the key of the data directory dir, and makes one where there is
// none. Its public half stands in TrustFile then.
func OpenKey(dir string) (*Key, error) {
	path := filepath.Join(dir, KeyFile)
	made := false
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(dir); err != nil {
			return nil, fmt.Errorf("making the audit key: %w", err)
		}
		made = true
		info, err = os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the audit key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the audit key %s can be read by others (mode %04o): run 'chmod 600 %[1]s', and ask who may have copied it", path, info.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the audit key: %w", err)
	}
	secret, public, ok := strings.Cut(strings.TrimSpace(string(b)), "\n")
	signer, err := note.NewSigner(secret)
	if !ok || err != nil {
		return nil, fmt.Errorf("the audit key %s is damaged: put it back from where you keep keys, or move it away to start with a new one", path)
	}
	return &Key{signer: signer, Public: public, Made: made}, trust(dir, public)
}

// makeKey writes a new key; a crash leaves either none or a whole one.
func makeKey(dir string) error {
	secret, public, err := note.GenerateKey(rand.Reader, keyName)
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(dir, KeyFile), []byte(secret+"\n"+public+"\n"), 0o600)
}

// trust adds a public key to the file of those that are trusted.
func trust(dir, public string) error {
	path := filepath.Join(dir, TrustFile)
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the public audit keys: %w", err)
	}
	if slices.Contains(strings.Split(string(b), "\n"), public) {
		return nil
	}
	if err := writeWhole(path, append(b, public+"\n"...), 0o644); err != nil {
		return fmt.Errorf("writing the public audit keys: %w", err)
	}
	return nil
}

// writeWhole replaces a file so that a crash leaves the old or the new one.
func writeWhole(path string, b []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // fails once it has been renamed, as it should
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Trust reads public keys, one a line, from the file at path.
func Trust(path string) (note.Verifiers, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the public audit keys: %w", err)
	}
	var list []note.Verifier
	seen := map[string]bool{}
	for i, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || seen[line] {
			continue
		}
		seen[line] = true
		v, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("%s line %d is not a public key of sumdb/note (name+hash+base64): %w", path, i+1, err)
		}
		list = append(list, v)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s holds no public key", path)
	}
	return note.VerifierList(list...), nil
}

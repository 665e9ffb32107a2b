package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// origin is the first line of a checkpoint and tells what it is about.
const origin = "quaywatch audit log"

// Checkpoint is a signed head of the log: so many entries, with this hash.
type Checkpoint struct {
	Size int64
	Root tlog.Hash
	Time time.Time // when it was signed
}

// Sign makes a checkpoint of the edge. Its form is that of a transparency log
// checkpoint: origin, size, root in base64, then the time, an empty line and
// the signature.
func (k *Key) Sign(e *Edge, now time.Time) ([]byte, error) {
	root := e.Root()
	text := fmt.Sprintf("%s\n%d\n%s\n%s\n", origin, e.Size, base64.StdEncoding.EncodeToString(root[:]), now.UTC().Format(timeLayout))
	signed, err := note.Sign(&note.Note{Text: text}, k.signer)
	if err != nil {
		return nil, fmt.Errorf("signing the audit log at %d entries: %w", e.Size, err)
	}
	return signed, nil
}

// Open checks the signature of a checkpoint and reads it.
func Open(signed []byte, keys note.Verifiers) (Checkpoint, error) {
	n, err := note.Open(signed, keys)
	if err != nil {
		return Checkpoint{}, err
	}
	// The last letter of base64 has bits that mean nothing. They must be zero
	// all the same, or a byte could be changed unseen.
	for _, sig := range append(n.Sigs, n.UnverifiedSigs...) {
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return Checkpoint{}, errors.New("its signature is not in canonical base64")
		}
	}
	var c Checkpoint
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 5 || lines[0] != origin {
		return Checkpoint{}, errors.New("not a checkpoint of this kind of log")
	}
	c.Size, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || c.Size < 0 {
		return Checkpoint{}, fmt.Errorf("size %q is not a count", lines[1])
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return Checkpoint{}, fmt.Errorf("root %q is not a hash", lines[2])
	}
	if c.Time, err = time.Parse(timeLayout, lines[3]); err != nil {
		return Checkpoint{}, fmt.Errorf("time %q is not a time", lines[3])
	}
	return c, nil
}

// checkpointLines is how many lines a checkpoint with one signature has, the
// empty line that ends it in the file included.
const checkpointLines = 7

// split cuts the checkpoints file into its checkpoints; rest is what follows
// the last whole one.
func split(b []byte) (all [][]byte, rest []byte) {
	for {
		end := 0
		for range checkpointLines {
			i := bytes.IndexByte(b[end:], '\n')
			if i < 0 {
				return all, b
			}
			end += i + 1
		}
		all = append(all, b[:end])
		b = b[end:]
	}
}

// framed is a checkpoint as it stands in the file.
func framed(signed []byte) []byte { return append(bytes.Clone(signed), '\n') }

// AppendCheckpoint adds a checkpoint to the file in dir. It returns after the
// bytes are on the disk. What an earlier try with the same checkpoint left there
// (the disk was full) is completed, not repeated.
func AppendCheckpoint(dir string, signed []byte) error {
	path := filepath.Join(dir, CheckpointsFile)
	_, err := os.Stat(path)
	created := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening the checkpoints file: %w", err)
	}
	whole := framed(signed)
	there, err := begun(f, whole)
	if err == nil {
		_, err = f.Write(whole[there:])
	}
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil && created {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("appending to the checkpoints file: %w", err)
	}
	return nil
}

// begun is how many bytes of a checkpoint already stand at the end of the file.
// A whole checkpoint ends with an empty line, and no shorter piece of one ends
// like the end of another, so nothing else is taken for a piece.
func begun(f *os.File, whole []byte) (int, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	tail := make([]byte, min(info.Size(), int64(len(whole))+1)) // one more: the line end before it
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil {
		return 0, err
	}
	for n := min(len(whole), len(tail)); n > 0; n-- {
		before := tail[:len(tail)-n]
		if bytes.HasSuffix(tail, whole[:n]) && (len(before) == 0 || before[len(before)-1] == '\n') {
			return n, nil
		}
	}
	return 0, nil
}

// Repair completes the checkpoints file after a crash between the commit of the
// newest checkpoint to the records and its append to the file: it takes away a
// torn end of newest, and appends newest where it is missing. It changes
// nothing else, so that it can't cover up a fault.
func Repair(dir string, newest []byte) error {
	if len(newest) == 0 {
		return nil
	}
	path := filepath.Join(dir, CheckpointsFile)
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the checkpoints file: %w", err)
	}
	all, rest := split(b)
	if len(all) > 0 && bytes.Equal(all[len(all)-1], framed(newest)) && len(rest) == 0 {
		return nil
	}
	if !bytes.HasPrefix(framed(newest), rest) {
		return nil // not ours to mend: Verify tells
	}
	if len(rest) > 0 {
		if err := os.Truncate(path, int64(len(b)-len(rest))); err != nil {
			return fmt.Errorf("taking a torn end off the checkpoints file: %w", err)
		}
	}
	return AppendCheckpoint(dir, newest)
}

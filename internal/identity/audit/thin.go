package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Ages of checkpoints. A head is signed every ten seconds while anything happens,
// about two megabytes a day.
const (
	thinAfter  = 7 * 24 * time.Hour  // until then all are kept
	thinDaily  = 90 * 24 * time.Hour // from then on one a day, before that one an hour
	thinReason = "of those signed before it, the newest of each hour stays, and beyond 90 days of each day (UTC)"
)

// ThinAction is the action of the entry that says up to when checkpoints were
// thinned. Without it in the log, which signs itself, one that is missing was removed.
const ThinAction = "audit.thin"

// Thinning gives the entry that allows it, and the moment up to which.
func Thinning(now time.Time) (Entry, time.Time) {
	cutoff := now.Add(-thinAfter).UTC().Truncate(time.Hour)
	return Entry{Time: now, Actor: "system", Action: ThinAction, Subject: CheckpointsFile,
		Detail: cutoff.Format(time.RFC3339) + ": " + thinReason}, cutoff
}

// ThinnedUntil reads the moment from the detail of such an entry; the zero time,
// which thins nothing, where it tells none.
func ThinnedUntil(detail string) time.Time {
	text, _, _ := strings.Cut(detail, ": ")
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// Keep reports for each checkpoint, oldest first, whether it stays when the log
// is thinned up to cutoff. A later head covers all that an earlier one did, so
// what is left proves every entry still; what grows is the range in which a
// change without the key can be told to lie. What is no checkpoint stays, for
// Verify to tell. Thinning again, or later, comes to the same.
func Keep(all [][]byte, cutoff time.Time) []bool {
	last := map[string]int{}
	bucket := make([]string, len(all))
	for i, b := range all {
		at, ok := signedAt(b)
		if !ok || !at.Before(cutoff) {
			continue
		}
		bucket[i] = at.Format("2006-01-02 15")
		if at.Before(cutoff.Add(-thinDaily).Truncate(24 * time.Hour)) {
			bucket[i] = at.Format("2006-01-02")
		}
		last[bucket[i]] = i
	}
	keep := make([]bool, len(all))
	for i := range all {
		keep[i] = bucket[i] == "" || last[bucket[i]] == i
	}
	return keep
}

func thinned(all [][]byte, cutoff time.Time) [][]byte {
	var out [][]byte
	for i, keep := range Keep(all, cutoff) {
		if keep {
			out = append(out, all[i])
		}
	}
	return out
}

// signedAt reads the time of a checkpoint without asking for its signature.
func signedAt(b []byte) (time.Time, bool) {
	lines := bytes.SplitN(b, []byte("\n"), 5)
	if len(lines) < 5 || string(lines[0]) != origin {
		return time.Time{}, false
	}
	at, err := time.Parse(timeLayout, string(lines[3]))
	return at, err == nil
}

// ThinFile takes from the file in dir the checkpoints that Keep does not keep. The
// whole file is replaced at once: a crash leaves the old one or the new one.
func ThinFile(dir string, cutoff time.Time) error {
	path := filepath.Join(dir, CheckpointsFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the checkpoints file: %w", err)
	}
	all, rest := split(b)
	left := bytes.Join(append(thinned(all, cutoff), rest), nil)
	if len(left) == len(b) {
		return nil
	}
	return replaceFile(dir, path, left)
}

func replaceFile(dir, path string, b []byte) error {
	f, err := os.CreateTemp(dir, CheckpointsFile+".*")
	if err != nil {
		return fmt.Errorf("thinning the checkpoints file: %w", err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("thinning the checkpoints file: %w", err), os.Remove(f.Name()))
	}
	return syncDir(dir)
}

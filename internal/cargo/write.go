package cargo

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Write writes a snapshot into a directory named after its time under dir, and
// returns its path. The sums come last: without them it is not whole.
func Write(dir string, s *Snapshot) (string, error) {
	path := filepath.Join(dir, s.Taken.UTC().Format(Stamp))
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("writing a snapshot: %w", err)
	}
	var sums bytes.Buffer
	for _, f := range []struct {
		name string
		rows [][]string
	}{{UnitsFile, s.unitRows()}, {CallsFile, s.callRows()}, {StowageFile, s.bayRows()}} {
		var out bytes.Buffer
		w := csv.NewWriter(&out)
		if err := w.WriteAll(f.rows); err != nil {
			return "", fmt.Errorf("writing %s: %w", f.name, err)
		}
		if err := os.WriteFile(filepath.Join(path, f.name), out.Bytes(), 0o600); err != nil {
			return "", fmt.Errorf("writing a snapshot: %w", err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(out.Bytes()), f.name)
	}
	if err := os.WriteFile(filepath.Join(path, SumsFile), sums.Bytes(), 0o600); err != nil {
		return "", fmt.Errorf("writing a snapshot: %w", err)
	}
	return path, nil
}

func (s *Snapshot) unitRows() [][]string {
	rows := [][]string{UnitColumns}
	for i := range s.Units {
		u := &s.Units[i]
		set := ""
		if u.SetPoint != nil {
			set = strconv.FormatFloat(*u.SetPoint, 'f', -1, 64)
		}
		rows = append(rows, []string{u.ID, u.SizeType, u.Status, u.Place.String(), strconv.Itoa(u.WeightKg), u.Call, set, u.Class, u.UN, u.Hold, stamp(u.Released)})
	}
	return rows
}

func (s *Snapshot) callRows() [][]string {
	rows := [][]string{CallColumns}
	for _, c := range s.Calls {
		rows = append(rows, []string{c.ID, c.Vessel, strconv.Itoa(c.IMO), c.Berth, stamp(c.Arrives), stamp(c.Departs)})
	}
	return rows
}

func (s *Snapshot) bayRows() [][]string {
	rows := [][]string{StowageColumns}
	for _, b := range s.Stowage {
		rows = append(rows, []string{b.Call, strconv.Itoa(b.Bay), strconv.Itoa(b.Discharge), strconv.Itoa(b.Load), strconv.Itoa(b.Reefers), strconv.Itoa(b.Danger)})
	}
	return rows
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

package cargo

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Files of a snapshot. The sums are as sha256sum writes them.
const (
	UnitsFile   = "units.csv"
	CallsFile   = "calls.csv"
	StowageFile = "stowage.csv"
	SumsFile    = "SHA256SUMS"
)

// Stamp is how the directory of a snapshot is named: when it was taken, UTC.
const Stamp = "20060102T150405Z"

// Columns of the files.
var (
	UnitColumns    = []string{"unit", "size_type", "status", "position", "weight_kg", "call", "set_point_c", "imdg_class", "un_number", "hold", "released"}
	CallColumns    = []string{"call", "vessel", "imo", "berth", "arrives", "departs"}
	StowageColumns = []string{"call", "bay", "discharge", "load", "reefers", "dangerous"}
)

// Snapshot is what a terminal held at one moment.
type Snapshot struct {
	Dir     string
	Taken   time.Time
	Units   []Unit // by place
	Calls   []Call // by arrival
	Stowage []Bay  // by call and bay
	// Faults are rows that could not be used, with file and line, and what two rows
	// say of the same thing. They are printed in the pack: a unit that is missing on
	// paper is one that nobody looks for.
	Faults []string
}

// Passed is a snapshot that was not used.
type Passed struct {
	Dir string
	Why string
}

// ErrNone says that no snapshot can be trusted.
var ErrNone = errors.New("no snapshot that can be trusted")

// Newest reads the newest snapshot under dir that is whole and was taken before
// the moment given; the zero time is no bound. Newer ones that were passed over
// are told with the reason. It fails with ErrNone where nothing is left.
func Newest(dir string, before time.Time) (*Snapshot, []Passed, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the snapshots: %w", err)
	}
	var passed []Passed
	for _, e := range slices.Backward(entries) { // by name, which is the time
		if !e.IsDir() {
			continue
		}
		at, err := time.Parse(Stamp, e.Name())
		path := filepath.Join(dir, e.Name())
		switch {
		case err != nil:
			passed = append(passed, Passed{path, "its name is no time such as " + Stamp})
			continue
		case !before.IsZero() && !at.Before(before):
			passed = append(passed, Passed{path, "taken after the last moment that is trusted"})
			continue
		}
		s, err := Read(path)
		if err != nil {
			passed = append(passed, Passed{path, err.Error()})
			continue
		}
		return s, passed, nil
	}
	return nil, passed, fmt.Errorf("%s: %w (%d looked at)", dir, ErrNone, len(passed))
}

// Read reads one snapshot. It fails where a file is missing, is not what its sum
// says, or has other columns; a row that makes no sense is told in Faults.
func Read(dir string) (*Snapshot, error) {
	at, err := time.Parse(Stamp, filepath.Base(dir))
	if err != nil {
		return nil, fmt.Errorf("%s: the directory of a snapshot is named after its time, such as 20261126T230000Z", dir)
	}
	s := &Snapshot{Dir: dir, Taken: at}
	sums, err := readSums(filepath.Join(dir, SumsFile))
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name    string
		columns []string
		row     func(get func(string) string) error
	}{{UnitsFile, UnitColumns, s.unit}, {CallsFile, CallColumns, s.call}, {StowageFile, StowageColumns, s.bay}} {
		if err := s.file(f.name, sums[f.name], f.columns, f.row); err != nil {
			return nil, err
		}
	}
	s.order()
	return s, nil
}

func readSums(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the checksums: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	sums := map[string]string{}
	in := bufio.NewScanner(io.LimitReader(f, 1<<16))
	for in.Scan() {
		sum, name, ok := strings.Cut(in.Text(), " ")
		if !ok {
			return nil, fmt.Errorf("%s: %q is no line of sha256sum", path, in.Text())
		}
		sums[strings.TrimLeft(name, " *")] = strings.ToLower(sum)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sums, nil
}

// maxFile bounds a file of a snapshot.
const maxFile = 256 << 20

func (s *Snapshot) file(name, sum string, columns []string, row func(func(string) string) error) error {
	path := filepath.Join(s.Dir, name)
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("the snapshot: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(data) > maxFile {
		return fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != sum {
		return fmt.Errorf("%s is not what %s says: it was changed, or not written to its end", path, SumsFile)
	}
	return s.rows(name, data, columns, row)
}

// rows reads a file line by line: no field goes over a line, so a stray quote
// spoils its own row and no other.
func (s *Snapshot) rows(name string, data []byte, columns []string, row func(func(string) string) error) error {
	at := map[string]int{}
	n, width := 0, 0
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		n++
		fields, err := csv.NewReader(strings.NewReader(line)).Read()
		switch {
		case errors.Is(err, io.EOF): // an empty line
		case n == 1 && err == nil:
			width = len(fields)
			for i, h := range fields {
				h = strings.TrimSpace(h)
				if _, twice := at[h]; twice {
					return fmt.Errorf("%s has the column %q twice: which one holds can't be told", name, h)
				}
				at[h] = i
			}
			for _, c := range columns {
				if _, ok := at[c]; !ok {
					return fmt.Errorf("%s has no column %q (needed: %s)", name, c, strings.Join(columns, ", "))
				}
			}
			continue
		case err == nil && len(fields) != width: // a cut row would read as no hold and no danger
			err = fmt.Errorf("%d cells, and the header has %d: put cells that hold a comma in quotes", len(fields), width)
		case err == nil:
			if err = usable(fields); err == nil {
				err = row(func(c string) string { return strings.TrimSpace(fields[at[c]]) })
			}
		}
		if n == 1 {
			return fmt.Errorf("%s has no header (needed: %s)", name, strings.Join(columns, ", "))
		}
		if err != nil && !errors.Is(err, io.EOF) {
			var quote *csv.ParseError
			if errors.As(err, &quote) {
				err = quote.Err // its line is always 1
			}
			s.fault("%s line %d: %v", name, n, err)
		}
	}
	if n == 0 {
		return fmt.Errorf("%s is empty (needed: %s)", name, strings.Join(columns, ", "))
	}
	return nil
}

func usable(fields []string) error {
	for _, f := range fields {
		if len(f) > maxText {
			return fmt.Errorf("a field of %d bytes: at most %d", len(f), maxText)
		}
		for _, r := range f {
			if r < ' ' || r == '\ufffd' {
				return fmt.Errorf("%q has characters that can't be printed", f)
			}
		}
	}
	return nil
}

// maxFaults bounds what is told of bad rows; the rest is counted by the last.
const maxFaults = 500

func (s *Snapshot) fault(format string, args ...any) {
	if len(s.Faults) < maxFaults {
		s.Faults = append(s.Faults, fmt.Sprintf(format, args...))
	} else if len(s.Faults) == maxFaults {
		s.Faults = append(s.Faults, "and more: the snapshot is badly broken")
	}
}

func (s *Snapshot) unit(get func(string) string) error {
	if len(s.Units) >= maxUnits {
		return fmt.Errorf("more than %d units", maxUnits)
	}
	u := Unit{ID: get("unit"), SizeType: get("size_type"), Status: get("status"), Call: get("call"), Class: get("imdg_class"), UN: get("un_number"), Hold: get("hold")}
	if err := checkNumber(u.ID); err != nil {
		return fmt.Errorf("%q %w", u.ID, err)
	}
	var err error
	if u.Place, err = parsePlace(get("position")); err != nil {
		return fmt.Errorf("%s: %w", u.ID, err)
	}
	if u.WeightKg, err = whole(get("weight_kg"), 100_000); err != nil {
		return fmt.Errorf("%s: weight_kg %w", u.ID, err)
	}
	if text := get("set_point_c"); text != "" {
		c, err := strconv.ParseFloat(text, 64)
		if err != nil || !(c >= -70 && c <= 40) {
			return fmt.Errorf("%s: set point %q: a number from -70 to 40 °C", u.ID, text)
		}
		u.SetPoint = &c
	}
	if division := strings.TrimRight(u.Class, "ABCDEFGHJKLNS"); u.Class != "" && (!slices.Contains(classes, division) || division != u.Class && division[0] != '1') { // 1.4S: class 1 has compatibility groups
		return fmt.Errorf("%s: %q is no class of the IMDG Code", u.ID, u.Class)
	}
	if n, err := strconv.ParseUint(cmp.Or(u.UN, "0001"), 10, 16); len(cmp.Or(u.UN, "0001")) != 4 || err != nil || n < 1 { // no sign
		return fmt.Errorf("%s: %q is no UN number of four digits", u.ID, u.UN)
	}
	if (u.Class == "") != (u.UN == "") {
		return fmt.Errorf("%s: class %q with UN number %q: dangerous goods have both", u.ID, u.Class, u.UN)
	}
	if u.Released, err = moment(get("released")); err != nil {
		return fmt.Errorf("%s: released %w", u.ID, err)
	}
	if u.Released.After(s.Taken) {
		s.fault("%s: released at %s, after the snapshot was taken", u.ID, u.Released.Format(time.RFC3339))
	}
	s.Units = append(s.Units, u)
	return nil
}

func (s *Snapshot) call(get func(string) string) error {
	c := Call{ID: get("call"), Vessel: get("vessel"), Berth: get("berth")}
	if c.ID == "" {
		return errors.New("the call has no id")
	}
	var err error
	if c.IMO, err = whole(get("imo"), 9_999_999); err != nil {
		return fmt.Errorf("%s: imo %w", c.ID, err)
	}
	if c.Arrives, err = moment(get("arrives")); err != nil {
		return fmt.Errorf("%s: arrives %w", c.ID, err)
	}
	if c.Departs, err = moment(get("departs")); err != nil {
		return fmt.Errorf("%s: departs %w", c.ID, err)
	}
	s.Calls = append(s.Calls, c)
	return nil
}

func (s *Snapshot) bay(get func(string) string) error {
	b := Bay{Call: get("call")}
	for _, f := range []struct {
		name string
		to   *int
	}{{"bay", &b.Bay}, {"discharge", &b.Discharge}, {"load", &b.Load}, {"reefers", &b.Reefers}, {"dangerous", &b.Danger}} {
		n, err := whole(get(f.name), 99_999)
		if err != nil {
			return fmt.Errorf("%s: %s %w", b.Call, f.name, err)
		}
		*f.to = n
	}
	s.Stowage = append(s.Stowage, b)
	return nil
}

// whole reads a number from zero to most; nothing is zero.
func whole(text string, most int) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%q: a whole number from 0 to %d", text, most)
	}
	return n, nil
}

func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%q: a time such as 2026-11-26T23:00:00Z", text)
	}
	return at.UTC(), nil
}

// order sorts, and tells what two rows say of one thing: both are kept, since
// only a look at the yard says which is right.
func (s *Snapshot) order() {
	slices.SortFunc(s.Units, func(a, b Unit) int { return cmp.Or(a.Place.Compare(b.Place), strings.Compare(a.ID, b.ID)) })
	slices.SortStableFunc(s.Calls, func(a, b Call) int { return cmp.Or(a.Arrives.Compare(b.Arrives), strings.Compare(a.ID, b.ID)) })
	slices.SortStableFunc(s.Stowage, func(a, b Bay) int { return cmp.Or(strings.Compare(a.Call, b.Call), a.Bay-b.Bay) })
	at := map[string]Place{}
	calls := map[string]bool{}
	for i := range s.Calls {
		calls[s.Calls[i].ID] = true
	}
	for i := range s.Units {
		u := &s.Units[i]
		if i > 0 && s.Units[i-1].Place == u.Place {
			s.fault("%s and %s both stand at %s", s.Units[i-1].ID, u.ID, u.Place)
		}
		if p, twice := at[u.ID]; twice {
			s.fault("%s stands at %s and at %s", u.ID, p, u.Place)
		}
		at[u.ID] = u.Place
		if u.Call != "" && !calls[u.Call] {
			s.fault("%s is of call %s, which %s has not", u.ID, u.Call, CallsFile)
			calls[u.Call] = true // once is enough
		}
	}
}

package cargo_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/cargo"
	"github.com/quaywatch/quaywatch/internal/simulate"
)

var at = time.Date(2026, 11, 26, 22, 0, 0, 0, time.UTC)

// TestCheckDigit: numbers that ISO 6346 and the register of containers give as examples.
func TestCheckDigit(t *testing.T) {
	for _, n := range []string{"CSQU3054383", "MSKU6011672", "TGHU7599330", "HLXU2008419", "APZU3211393"} {
		if d := cargo.CheckDigit(n); d != int(n[10]-'0') {
			t.Errorf("%s: %d", n, d)
		}
	}
}

// write makes a snapshot of text, with sums by sha256sum.
func write(t *testing.T, dir, name string, files map[string]string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	var names []string
	for f, text := range files {
		if err := os.WriteFile(filepath.Join(path, f), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, f)
	}
	slices.Sort(names)
	c := exec.Command("sha256sum", names...)
	c.Dir = path
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, cargo.SumsFile), out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func files(units ...string) map[string]string {
	return map[string]string{
		cargo.UnitsFile:   strings.Join(append([]string{strings.Join(cargo.UnitColumns, ",")}, units...), "\n") + "\n",
		cargo.CallsFile:   strings.Join(cargo.CallColumns, ",") + "\nC1,Ann,9074729,B1,2026-11-26T08:00:00Z,\n",
		cargo.StowageFile: strings.Join(cargo.StowageColumns, ",") + "\nC1,3,10,4,1,0\n",
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	want := simulate.Yard(7, at)
	path, err := cargo.Write(t.TempDir(), want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := cargo.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Faults) > 0 {
		t.Errorf("the simulated yard has faults: %v", got.Faults[:1])
	}
	if !reflect.DeepEqual(got.Units, want.Units) || !reflect.DeepEqual(got.Calls, want.Calls) || !reflect.DeepEqual(got.Stowage, want.Stowage) {
		t.Error("another snapshot than was written")
	}
}

// TestBadRows: each is told with its line and leaves the others in peace.
func TestBadRows(t *testing.T) {
	good := "CSQU3054383,22G1,import,A-01-01-1,4000,C1,,,,,"
	for row, say := range map[string]string{
		"CSQU3054384,22G1,import,A-01-01-2,4000,C1,,,,,":                  "check digit",
		"CSQ3054383,22G1,import,A-01-01-2,4000,C1,,,,,":                   "container number",
		"CSQX3054383,22G1,import,A-01-01-2,4000,C1,,,,,":                  "category",
		"MSKU6011672,22G1,import,A1,4000,C1,,,,,":                         "position",
		"MSKU6011672,22G1,import,A-01-01-2,-3,C1,,,,,":                    "weight_kg",
		"MSKU6011672,22G1,import,A-01-01-2,1,C1,NaN,,,,":                  "set point",
		"MSKU6011672,22G1,import,A-01-01-2,1,C1,-80,,,,":                  "set point",
		"MSKU6011672,22G1,import,A-01-01-2,1,C1,,3.9,1263,,":              "IMDG",
		"MSKU6011672,22G1,import,A-01-01-2,1,C1,,3,126,,":                 "UN number",
		"MSKU6011672,22G1,import,A-01-01-2,1,C1,,3,+12,,":                 "UN number",
		"MSKU6011672,22G1,import,A-01-01-2,1,C1":                          "6 cells",
		"MSKU6011672,22G1,import,A-01-01-2,1,C1,,,,a, b,":                 "12 cells",
		"MSKU6011672,22G1,import,A-01-01-2,1,C1,,,,,2027-01-01T00:00:00Z": "after the snapshot was taken",
		"MSKU6011672,22G1,import,A-01-01-2,1,C1,,3,,,":                    "have both",
		"MSKU6011672,22G1,import,A-01-01-2,1,C1,,,,,yesterday":            "released",
		"MSKU6011672,22G1,import,A-01-01-1,1,C1,,,,,":                     "both stand at A-01-01-1",
		"CSQU3054383,22G1,import,A-01-01-2,1,C1,,,,,":                     "stands at A-01-01-1 and at A-01-01-2",
		"MSKU6011672,22G1,import,A-01-01-2,1,C9,,,,,":                     "call C9",
		"\"MSKU6011672,22G1,import,A-01-01-2,1,C1,,,,,":                   "quote",
		"MSKU6011672,22G1,im\x01port,A-01-01-2,1,C1,,,,,":                 "can't be printed",
	} {
		s, err := cargo.Read(write(t, t.TempDir(), "20261126T220000Z", files(good, row)))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Units) == 0 || s.Units[0].ID != "CSQU3054383" || len(s.Faults) != 1 || !strings.Contains(s.Faults[0], say) {
			t.Errorf("%q: %d units, faults %q; want one about %q", row, len(s.Units), s.Faults, say)
		}
	}
	s, err := cargo.Read(write(t, t.TempDir(), "20261126T220000Z", files(good, "MSKU6011672,22G1,import,A-01-01-2,4000,C1,,1.4S,0012,customs,")))
	if err != nil || len(s.Faults) > 0 || len(s.Units) != 2 {
		t.Errorf("a division with its group: %v, %v", s, err)
	}
}

// TestOnlyTrustedSnapshots: changed, cut off, unnamed and later ones are passed
// over, and said to be.
func TestOnlyTrustedSnapshots(t *testing.T) {
	dir := t.TempDir()
	good := "CSQU3054383,22G1,import,A-01-01-1,4000,C1,,,,,"
	want := write(t, dir, "20261126T180000Z", files(good))
	changed := write(t, dir, "20261126T200000Z", files(good))
	if err := os.WriteFile(filepath.Join(changed, cargo.UnitsFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	cut := write(t, dir, "20261126T210000Z", files(good))
	if err := os.Remove(filepath.Join(cut, cargo.SumsFile)); err != nil {
		t.Fatal(err)
	}
	later := write(t, dir, "20261126T230000Z", files(good))
	write(t, dir, "latest", files(good))
	s, passed, err := cargo.Newest(dir, at)
	if err != nil || s.Dir != want || len(passed) != 4 {
		t.Fatalf("%v, %v, %v", s, passed, err)
	}
	if s, _, err := cargo.Newest(dir, time.Time{}); err != nil || s.Dir != later {
		t.Errorf("without a bound: %v, %v", s, err)
	}
	if _, passed, err := cargo.Newest(dir, at.Add(-10*time.Hour)); !errors.Is(err, cargo.ErrNone) || len(passed) != 5 {
		t.Errorf("before all: %v, %v", passed, err)
	}
}

func FuzzUnits(f *testing.F) {
	f.Add("CSQU3054383,22G1,import,A-01-01-1,4000,C1,-18,3,1263,customs,2026-11-26T08:00:00Z")
	f.Add("\"\n,,,")
	dir := filepath.Join(f.TempDir(), "20261126T220000Z")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, row string) {
		var sums strings.Builder
		for name, text := range files(row) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256([]byte(text)), name)
		}
		if err := os.WriteFile(filepath.Join(dir, cargo.SumsFile), []byte(sums.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := cargo.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Units {
			if u := &s.Units[i]; cargo.CheckDigit(u.ID) != int(u.ID[10]-'0') || len(u.Hold) > 120 || u.Place.Block == "" {
				t.Errorf("%+v", u)
			}
		}
	})
}

// TestColumnTwice: which of two columns of holds is right can't be told.
func TestColumnTwice(t *testing.T) {
	f := files()
	f[cargo.UnitsFile] = strings.Join(cargo.UnitColumns, ",") + ",hold\n"
	if _, err := cargo.Read(write(t, t.TempDir(), "20261126T220000Z", f)); err == nil || !strings.Contains(err.Error(), `"hold" twice`) {
		t.Errorf("got %v", err)
	}
}

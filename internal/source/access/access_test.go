package access

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/event"
)

// gate is the mapping that most tests use.
func gate() Mapping {
	return Mapping{
		Columns:   Columns{Time: "Zeit", Reader: "Leser", Badge: "Karte", Person: "Name", Result: "Ergebnis", Direction: "Richtung", Reason: "Grund"},
		Delimiter: ';', TimeLayout: "02.01.2006 15:04:05", TimeZone: "Europe/Berlin",
		Results:    map[string]event.AccessResult{"Frei": event.AccessGranted, "Abgewiesen": event.AccessRefused, "Aufbruch": event.AccessForced, "Offen": event.AccessHeld, "Zu": Ignore},
		Directions: map[string]string{"Eintritt": "in", "Austritt": "out", "-": ""},
	}
}

const gateHeader = "Zeit;Leser;Karte;Name;Ergebnis;Richtung;Grund\r\n"

// keep is a sink that remembers, and a store of bookmarks.
type keep struct {
	mu     sync.Mutex
	rows   []event.AccessEvent
	health event.SourceHealth
	marks  map[string]string
	fail   error
}

func (k *keep) Put(_ context.Context, b *event.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil && len(b.Access) > 0 {
		return k.fail
	}
	k.rows = append(k.rows, b.Access...)
	for _, h := range b.Health {
		k.health = h
	}
	return nil
}

func (k *keep) Bookmark(_ context.Context, id string) (string, error) { return k.marks[id], nil }

func (k *keep) SetBookmark(_ context.Context, id, mark string) error {
	if k.marks == nil {
		k.marks = map[string]string{}
	}
	k.marks[id] = mark
	return nil
}

// told is a short form of the rows for comparison.
func (k *keep) told() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for _, e := range k.rows {
		out = append(out, fmt.Sprintf("%d %s %s %s/%s %s %s %s", e.Raw.Line, e.Time.Format("01-02T15:04:05Z"), e.Reader, e.Badge, e.Person, e.Result, e.Direction, e.Reason))
	}
	return out
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func readAll(t *testing.T, m Mapping, text string) *keep {
	t.Helper()
	k := &keep{}
	s, err := New(Options{ID: "badges", Path: "-", Stdin: strings.NewReader(text), Mapping: m, Clock: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	return k
}

func reasons(h event.SourceHealth) []string {
	var out []string
	for _, r := range h.Reasons {
		out = append(out, fmt.Sprintf("%d× %s, last line %d", r.Count, r.Text, r.Last.Line))
	}
	return out
}

func TestRowsAreReadAsDeclared(t *testing.T) {
	k := readAll(t, gate(), "\ufeff"+gateHeader+
		"23.11.2026 12:00:00;L-01;4711;Nkemelu, Ada;Frei;Eintritt;\r\n"+
		"23.11.2026 12:00:01; L-01 ;4712;\"Sato \"\"Ken\"\"\";abgewiesen;-;gesperrt\r\n"+
		"\r\n"+
		"23.11.2026 12:00:02;L-02;;;Zu;;\r\n"+
		"23.11.2026 12:00:03;L-02;;;AUFBRUCH;;;\r\n"+
		"01.07.2026 12:00:03;L-02;;;Offen;;Sommer")
	want := []string{
		"2 11-23T11:00:00Z L-01 4711/Nkemelu, Ada granted in ",
		`3 11-23T11:00:01Z L-01 4712/Sato "Ken" refused  gesperrt`,
		"6 11-23T11:00:03Z L-02 / forced  ",
		"7 07-01T10:00:03Z L-02 / held  Sommer",
	}
	if diff := cmp.Diff(want, k.told()); diff != "" {
		t.Error(diff)
	}
	if k.health.Rejected != 0 || k.health.Skipped != 3 || k.health.Accepted != 4 {
		t.Errorf("accepted %d, rejected %d, skipped %d; want 4, 0, 3 (header, empty line, ignored result): %v", k.health.Accepted, k.health.Rejected, k.health.Skipped, reasons(k.health))
	}
	if k.health.State != "ended" {
		t.Errorf("state %q, want ended", k.health.State)
	}
	first := k.rows[0]
	if !first.Told || !first.Seen.Equal(noon) || first.Raw.Input != "stdin" || first.Raw.Sum != event.SumOf(first.Raw.Text) {
		t.Errorf("evidence of the first row: %+v", first.Head)
	}
}

func TestBadRowsAreNamedAndTheRestGoesOn(t *testing.T) {
	good := "23.11.2026 12:00:00;L-01;4711;A;Frei;;\n"
	tests := []struct{ name, row, reason string }{
		{"NUL", "23.11.2026 12:00:00;L-\x0001;1;A;Frei;;", "line holds NUL bytes"},
		{"open quote", `23.11.2026 12:00:00;L-01;1;"A;Frei;;`, "a quote is not closed on its line"},
		{"quote inside", `23.11.2026 12:00:00;L-01;1;A"B;Frei;;`, "a quote stands inside an unquoted value"},
		{"text after quote", `23.11.2026 12:00:00;L-01;1;"A"B;Frei;;`, "text between a closing quote and the delimiter"},
		{"not UTF-8", "23.11.2026 12:00:00;L-01;1;J\xfcrgen;Frei;;", "line is not UTF-8"},
		{"too few", "23.11.2026 12:00:00;L-01;1;A;Frei", "row has not the 7 columns"},
		{"too many", "23.11.2026 12:00:00;L-01;1;A;Frei;;;x", "row has not the 7 columns"},
		{"long line", strings.Repeat("x", 10<<20), "line is longer than 64 KiB"},
		{"long value", "23.11.2026 12:00:00;L-01;1;" + strings.Repeat("x", 1025) + ";Frei;;", `column "Name" is longer`},
		{"no time", ";L-01;1;A;Frei;;", `column "Zeit" is empty`},
		{"other time", "2026-11-23 12:00:00;L-01;1;A;Frei;;", `column "Zeit" is not a time in the declared layout`},
		{"time that is not", "29.03.2026 02:30:00;L-01;1;A;Frei;;", `column "Zeit" is a local time that does not exist`},
		{"far time", "01.01.0001 00:00:00;L-01;1;A;Frei;;", `column "Zeit" is outside the years`},
		{"no reader", "23.11.2026 12:00:00; ;1;A;Frei;;", `column "Leser" is empty`},
		{"no result", "23.11.2026 12:00:00;L-01;1;A;;;", `column "Ergebnis" is empty`},
		{"other result", "23.11.2026 12:00:00;L-01;1;A;Vielleicht;;", `column "Ergebnis" holds a value that no meaning`},
		{"other direction", "23.11.2026 12:00:00;L-01;1;A;Frei;quer;", `column "Richtung" holds a value that no meaning`},
	}
	var all strings.Builder
	all.WriteString(gateHeader)
	for _, tt := range tests {
		all.WriteString(tt.row + "\n" + good)
		t.Run(tt.name, func(t *testing.T) {
			k := readAll(t, gate(), gateHeader+good+tt.row+"\n"+good)
			if len(k.rows) != 2 || k.health.Rejected != 1 || len(k.health.Reasons) != 1 {
				t.Fatalf("%d rows, %d rejected (%v); want 2 and 1", len(k.rows), k.health.Rejected, reasons(k.health))
			}
			r := k.health.Reasons[0]
			if !strings.Contains(r.Text, tt.reason) || r.Last.Line != 3 {
				t.Errorf("reason %q at line %d; want %q at line 3", r.Text, r.Last.Line, tt.reason)
			}
			if r.Last.Length != len(tt.row)+1 || len(r.Last.Text) > event.MaxRaw || r.Last.Sum != event.SumOf([]byte(tt.row+"\n")) {
				t.Errorf("raw bytes of the rejected line are not as they were: length %d, text %d", r.Last.Length, len(r.Last.Text))
			}
		})
	}
	k := readAll(t, gate(), all.String())
	if len(k.rows) != len(tests) || int(k.health.Rejected) != len(tests) {
		t.Errorf("all together: %d rows and %d rejected, want %d of each", len(k.rows), k.health.Rejected, len(tests))
	}
}

func TestMappingsThatCannotWork(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Mapping)
		want   string
	}{
		{"no time column", func(m *Mapping) { m.Columns.Time = "" }, "columns.time is required"},
		{"no result column", func(m *Mapping) { m.Columns.Result = "" }, "columns.result is required"},
		{"layout without date", func(m *Mapping) { m.TimeLayout = "15:04:05" }, "time_layout"},
		{"layout without time", func(m *Mapping) { m.TimeLayout = "2006-01-02" }, "time_layout"},
		{"layout of another language", func(m *Mapping) { m.TimeLayout = "YYYY-MM-DD HH:mm:ss" }, "time_layout"},
		{"abbreviation", func(m *Mapping) { m.TimeLayout = "2006-01-02 15:04:05 MST" }, "abbreviation"},
		{"zone", func(m *Mapping) { m.TimeZone = "Saltmere" }, "time_zone"},
		{"machine's zone", func(m *Mapping) { m.TimeZone = "Local" }, "time_zone"},
		{"delimiter", func(m *Mapping) { m.Delimiter = '"' }, "delimiter"},
		{"encoding", func(m *Mapping) { m.Encoding = "ebcdic" }, "encoding"},
		{"result", func(m *Mapping) { m.Results = map[string]event.AccessResult{"a": "maybe"} }, "results"},
		{"results that differ", func(m *Mapping) {
			m.Results = map[string]event.AccessResult{"a": event.AccessHeld, "A": event.AccessForced}
		}, "twice"},
		{"direction", func(m *Mapping) { m.Directions = map[string]string{"a": "up"} }, "directions"},
		{"names without header", func(m *Mapping) { m.NoHeader = true }, "#n"},
		{"column zero", func(m *Mapping) { m.Columns.Badge = "#0" }, "columns.badge"},
		{"column beyond", func(m *Mapping) { m.Columns.Badge = "#257" }, "limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := gate()
			tt.change(&m)
			if err := m.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Check: %v; want an error with %q", err, tt.want)
			}
		})
	}
	if err := gate().Check(); err != nil {
		t.Errorf("a good mapping: %v", err)
	}
}

func TestHeaderThatDoesNotFitFailsTheSource(t *testing.T) {
	for name, header := range map[string]string{
		"other names":     "time,reader\n",
		"name twice":      strings.Replace(gateHeader, "Grund", "Leser", 1),
		"quote not right": "Zeit;\"Leser\n",
	} {
		t.Run(name, func(t *testing.T) {
			k := &keep{}
			s, _ := New(Options{ID: "badges", Path: "-", Stdin: strings.NewReader(header + "x\n"), Mapping: gate()})
			err := s.Run(t.Context(), k)
			if err == nil || !strings.Contains(err.Error(), "header") || !strings.Contains(err.Error(), "line 1") {
				t.Errorf("Run: %v; want an error that names the header and line 1", err)
			}
			if k.health.State != "failed" {
				t.Errorf("state %q, want failed", k.health.State)
			}
		})
	}
}

func TestFileWithoutHeaderInWindows1252(t *testing.T) {
	m := Mapping{Columns: Columns{Time: "#1", Clock: "#2", Reader: "#4", Result: "#5", Person: "#3"}, NoHeader: true,
		Delimiter: '\t', Encoding: Windows1252, TimeLayout: "2006-01-02 15:04:05"}
	k := readAll(t, m, "2026-11-23\t08:00:00\tJ\xfcrgen \x80\tL-01\tgranted\n")
	want := []string{"1 11-23T08:00:00Z L-01 /Jürgen € granted  "}
	if diff := cmp.Diff(want, k.told()); diff != "" {
		t.Error(diff)
	}
}

func TestHourThatComesTwice(t *testing.T) {
	// Berlin put its clocks back on 25 October 2026 at 03:00 local time (01:00 UTC).
	row := func(at string) string { return "25.10.2026 " + at + ";L-01;1;A;Frei;;\n" }
	k := readAll(t, gate(), gateHeader+row("02:10:00")+row("02:55:00")+row("02:53:30")+row("02:05:00")+row("02:56:00")+row("03:01:00"))
	var got []string
	for _, e := range k.rows {
		got = append(got, e.Time.Format("15:04:05"))
	}
	want := []string{"00:10:00", "00:55:00", "00:53:30", "01:05:00", "01:56:00", "02:01:00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTimesInOtherForms(t *testing.T) {
	want := time.Date(2026, 11, 23, 14, 32, 8, 0, time.UTC)
	for layout, text := range map[string]string{
		"": "2026-11-23T15:32:08+01:00", "rfc3339": "2026-11-23T14:32:08Z", "unix": "1795444328", "unix-ms": "1795444328000",
		"2006-01-02 15:04:05 -0700": "2026-11-23 09:32:08 -0500", "1/2/2006 3:04:05 PM": "11/23/2026 3:32:08 PM",
	} {
		c, err := newClock(layout, "Europe/Berlin")
		if err != nil {
			t.Errorf("%q: %v", layout, err)
			continue
		}
		if got, err := c.read(text); err != nil || !got.Equal(want) {
			t.Errorf("%q: %q read as %v (%v), want %v", layout, text, got, err, want)
		}
	}
}

func TestRestartGoesOnAtTheBookmark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "badges.csv")
	row := func(i int) string { return fmt.Sprintf("23.11.2026 12:00:%02d;L-01;%d;A;Frei;;\n", i, i) }
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k := &keep{}
	run := func() []string {
		t.Helper()
		k.rows = nil
		s, err := New(Options{ID: "badges", Path: path, Mapping: gate(), Bookmarks: k})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range k.rows {
			out = append(out, fmt.Sprintf("%d:%s", e.Raw.Line, e.Badge))
		}
		return out
	}
	steps := []struct {
		name, file string
		want       []string
	}{
		{"the first read", gateHeader + row(1) + row(2), []string{"2:1", "3:2"}},
		{"nothing new", gateHeader + row(1) + row(2), nil},
		{"one more row", gateHeader + row(1) + row(2) + row(3), []string{"4:3"}},
		{"another file, longer", gateHeader + row(7) + row(8) + row(9) + row(10) + row(11), []string{"2:7", "3:8", "4:9", "5:10", "6:11"}},
		{"another file, shorter", gateHeader + row(5), []string{"2:5"}},
	}
	for _, step := range steps {
		write(step.file)
		if diff := cmp.Diff(step.want, run()); diff != "" {
			t.Errorf("%s:\n%s", step.name, diff)
		}
	}
	k.marks["badges"] = "of another age"
	if got := run(); len(got) != 1 {
		t.Errorf("with a mark that is not one: %v, want the whole file", got)
	}
}

func TestRowsThatAreNotDurableAreReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "badges.csv")
	if err := os.WriteFile(path, []byte(gateHeader+"23.11.2026 12:00:00;L-01;1;A;Frei;;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &keep{fail: context.DeadlineExceeded}
	s, _ := New(Options{ID: "badges", Path: path, Mapping: gate(), Bookmarks: k})
	if err := s.Run(t.Context(), k); err == nil {
		t.Fatal("a sink that keeps nothing must fail the source")
	}
	k.fail = nil
	if err := s.Run(t.Context(), k); err != nil || len(k.rows) != 1 {
		t.Errorf("second run: %v, %d rows; want the one row", err, len(k.rows))
	}
}

func TestFollowedFileGrowsIsCutAndReplaced(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "badges.csv")
		appendTo := func(text string) {
			t.Helper()
			f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			_, werr := f.WriteString(text)
			if cerr := f.Close(); werr != nil || cerr != nil {
				t.Fatal(werr, cerr)
			}
		}
		k := &keep{}
		s, err := New(Options{ID: "badges", Path: path, Follow: true, Mapping: gate(), Bookmarks: k})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx, k) }()
		expect := func(step, want, state string) {
			t.Helper()
			time.Sleep(2 * time.Second) // of the bubble's clock: several looks at the file
			synctest.Wait()
			k.mu.Lock()
			defer k.mu.Unlock()
			var got []string
			for _, e := range k.rows {
				got = append(got, e.Badge)
			}
			if strings.Join(got, " ") != want || k.health.State != state {
				t.Errorf("%s: rows %v in state %s; want %s in state %s", step, got, k.health.State, want, state)
			}
		}
		expect("no file", "", "connecting")
		appendTo(gateHeader + "23.11.1999 12:00:00;L-01;1;A;Frei;;\n23.11.1999 12:0")
		expect("half a row", "1", "live")
		appendTo("0:05;L-01;2;A;Frei;;\n")
		expect("the other half", "1 2", "live")
		if err := os.Rename(path, path+".old"); err != nil {
			t.Fatal(err)
		}
		appendTo(gateHeader + "24.11.1999 12:00:00;L-01;3;A;Frei;;\n")
		expect("replaced", "1 2 3", "live")
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		expect("cut", "1 2 3", "live")
		appendTo(gateHeader + "25.11.1999 12:00:00;L-01;4;A;Frei;;\n")
		expect("written anew", "1 2 3 4", "live")
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v, want context canceled", err)
		}
		if k.health.HasDrift {
			t.Error("rows that are late say nothing of the clock of the system")
		}
	})
}

func TestClockAheadOfArrivalIsDrift(t *testing.T) {
	path := filepath.Join(t.TempDir(), "badges.csv")
	if err := os.WriteFile(path, []byte(gateHeader+"23.11.2026 13:03:00;L-01;1;A;Frei;;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		k := &keep{}
		s, _ := New(Options{ID: "badges", Path: path, Follow: true, Mapping: gate(), Clock: func() time.Time { return noon }})
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		_ = s.Run(ctx, k)
		if !k.health.HasDrift || k.health.Drift != 3*time.Minute || k.health.DriftFrom != "arrival" {
			t.Errorf("drift %v (%v) against %q; want 3 min against arrival", k.health.Drift, k.health.HasDrift, k.health.DriftFrom)
		}
	})
}

func TestOptionsThatCannotWork(t *testing.T) {
	for want, o := range map[string]Options{
		"no id":              {Path: "x", Mapping: gate()},
		"no path":            {ID: "a", Mapping: gate()},
		"can't be followed":  {ID: "a", Path: "-", Follow: true, Mapping: gate()},
		"columns.time is re": {ID: "a", Path: "x"},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v; want an error with %q", err, want)
		}
	}
	s, err := New(Options{ID: "a", Path: filepath.Join(t.TempDir(), "none.csv"), Mapping: gate()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), &keep{}); err == nil || !strings.Contains(err.Error(), "none.csv") {
		t.Errorf("a file that is not there: %v", err)
	}
}

package access

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// FuzzRows feeds any bytes as a file and holds what must be true of every
// input: each byte belongs to exactly one line, and a row is whole or rejected.
func FuzzRows(f *testing.F) {
	f.Add([]byte(gateHeader + "23.11.2026 12:00:00;L-01;4711;A;Frei;Eintritt;\n"))
	f.Add([]byte("\ufeff" + gateHeader + "\"\"\"\";;;\n\x00\n"))
	f.Add([]byte(gateHeader + "25.10.2026 02:30:00;\"L;1\";;;Zu;;\r\n\r\n;"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := newReader(gate())
		if err != nil {
			t.Fatal(err)
		}
		if err := rows.bind(strings.Split(fold(gateHeader), ";")); err != nil {
			t.Fatal(err)
		}
		in := newLines("fuzz", bytes.NewReader(b))
		var total int64
		for {
			l, err := in.next()
			if errors.Is(err, io.EOF) {
				var ok bool
				if l, ok = in.rest(); !ok {
					break
				}
			}
			if l.raw.Offset != total {
				t.Fatalf("line %d begins at %d, want %d", l.raw.Line, l.raw.Offset, total)
			}
			total += int64(l.raw.Length)
			e, outcome, err := rows.event(l)
			if err == nil && outcome == taken && (e.Reader == "" || e.Result == "" || e.Time.IsZero()) {
				t.Fatalf("row without reader, result or time was taken: %+v", e)
			}
		}
		if total != int64(len(b)) {
			t.Fatalf("%d of %d bytes were read", total, len(b))
		}
	})
}

// TestSplitUndoesQuoting writes values as CSV and reads them back.
func TestSplitUndoesQuoting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.StringMatching(`[a-z;" ,]{0,8}`), 1, 12).Draw(t, "values")
		var row strings.Builder
		for i, v := range values {
			if i > 0 {
				row.WriteByte(';')
			}
			if strings.ContainsAny(v, `;"`) || rapid.Bool().Draw(t, "quote") {
				v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
			}
			row.WriteString(v)
		}
		got, err := split([]byte(row.String()), ';', nil)
		if err != nil || len(got) != len(values) {
			t.Fatalf("%q: %d values, %v; want %d", row.String(), len(got), err, len(values))
		}
		for i := range values {
			if string(got[i]) != values[i] {
				t.Fatalf("%q: value %d is %q, want %q", row.String(), i, got[i], values[i])
			}
		}
	})
}

func BenchmarkRows(b *testing.B) {
	row := []byte("23.11.2026 12:00:00;L-01;4711;Nkemelu, Ada;Frei;Eintritt;\n")
	rows, err := newReader(gate())
	if err != nil {
		b.Fatal(err)
	}
	if err := rows.bind(strings.Split(fold(gateHeader), ";")); err != nil {
		b.Fatal(err)
	}
	in := newLines("bench", bytes.NewReader(bytes.Repeat(row, b.N)))
	b.SetBytes(int64(len(row)))
	for b.Loop() {
		l, err := in.next()
		if err != nil {
			in = newLines("bench", bytes.NewReader(bytes.Repeat(row, 1000)))
			continue
		}
		if _, _, err := rows.event(l); err != nil {
			b.Fatal(err)
		}
	}
}

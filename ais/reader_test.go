package ais

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// whatReads is all that a Reader tells of an input.
func whatReads(t interface{ Fatalf(string, ...any) }, in io.Reader) (out []string, end error) {
	r := NewReader(in, Options{})
	for {
		m, err := r.Next()
		var bad *LineError
		switch {
		case err == nil:
			out = append(out, string(AppendJSON(nil, m)))
		case errors.As(err, &bad):
			out = append(out, bad.Error())
		default:
			return out, err
		}
		if len(out) > 1e6 {
			t.Fatalf("reading does not end")
		}
	}
}

// However an input comes, in bytes or in blocks, with lines of any length, its
// lines and offsets are the same.
func TestReaderEqualsLines(t *testing.T) {
	pool := []string{plain, first, last, "2016-03-31 00:00:01, " + plain, "rubbish", "", "# comment", plain + ",r003669987,1152921693",
		strings.Repeat("x", MaxLine-1), strings.Repeat("x", MaxLine), strings.Repeat("x", MaxLine+1), plain + strings.Repeat(" ", MaxLine), strings.Repeat("y", block+MaxLine), strings.Repeat("z", 3*block)}
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom(pool), 0, 30).Draw(t, "lines")
		text := strings.Join(lines, "\n")
		if rapid.Bool().Draw(t, "ended") {
			text += "\n"
		}
		var want []string
		d := NewDecoder(Options{})
		var m Message
		at, number := 0, int64(0)
		for line := range bytes.Lines([]byte(text)) {
			number++
			res, err := d.Decode(bytes.TrimSuffix(line, []byte("\n")), number, &m)
			if err != nil {
				want = append(want, (&LineError{number, int64(at), err}).Error())
			} else if res == Complete {
				want = append(want, string(AppendJSON(nil, &m)))
			}
			at += len(line)
		}
		for name, in := range map[string]io.Reader{"blocks": strings.NewReader(text), "halves": iotest.HalfReader(strings.NewReader(text)),
			"data with EOF": iotest.DataErrReader(strings.NewReader(text))} {
			got, end := whatReads(t, in)
			if !errors.Is(end, io.EOF) || strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("%s: ended with %v\n got %.2000q\nwant %.2000q", name, end, got, want)
			}
		}
	})
}

// A failure of the input is told after the lines before it.
func TestReaderTellsFailure(t *testing.T) {
	broken := errors.New("the line is dead")
	got, end := whatReads(t, io.MultiReader(iotest.OneByteReader(strings.NewReader(plain+"\n"+plain)), iotest.ErrReader(broken)))
	if len(got) != 2 || !errors.Is(end, broken) {
		t.Errorf("%q, %v", got, end)
	}
	if _, end := whatReads(t, stuck{}); !errors.Is(end, io.ErrNoProgress) {
		t.Errorf("a reader that gives nothing: %v", end)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

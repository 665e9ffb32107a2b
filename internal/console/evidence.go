package console

import (
	"context"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

const (
	rawShown    = 2048 // bytes of a record that are shown
	evidenceMax = finding.MaxFacts
)

// evidence is one fact with the bytes it was read from.
type evidence struct {
	N    int
	Fact finding.Fact
	Text string // printable reading of the bytes
	Hex  string // offset, sixteen bytes, characters
	Note string // what is not shown, and why
	Hash string // whether the shown bytes are those that were hashed
	Good bool   // the hash agrees
}

// evidenceOf reads the raw bytes of each fact, again from the input where the
// fact does not carry them, and checks them against their hash.
func (c *Console) evidenceOf(ctx context.Context, f finding.Finding) []evidence {
	var out []evidence
	for i, fact := range f.Facts {
		if i == evidenceMax {
			break
		}
		e := evidence{N: i + 1, Fact: fact}
		raw := fact.Evidence.Raw
		b := raw.Text
		if len(b) == 0 && c.d.Raw != nil && raw.Input != "" {
			var err error
			if b, err = c.d.Raw.RawBytes(ctx, raw); err != nil {
				c.d.Log.Warn("raw bytes not read", "input", raw.Input, "error", err)
				e.Note = "The bytes could not be read again from " + raw.Where() + "."
			}
		}
		e.fill(b, raw)
		out = append(out, e)
	}
	return out
}

func (e *evidence) fill(b []byte, raw event.Raw) {
	if len(b) == 0 {
		if e.Note == "" {
			e.Note = "The record carries no bytes; its place and hash are below."
		}
		return
	}
	switch {
	case raw.Sum.IsZero():
		e.Hash = "no hash was taken"
	case len(b) < raw.Length:
		e.Hash = "hash is over all " + number(raw.Length) + " bytes; only the first " + number(len(b)) + " are kept"
	case event.SumOf(b) == raw.Sum:
		e.Hash, e.Good = "the bytes are the ones that were hashed", true
	default:
		e.Hash = "THE BYTES DIFFER from the ones that were hashed"
	}
	if len(b) > rawShown {
		e.Note = "The first " + number(rawShown) + " of " + number(len(b)) + " bytes are shown."
		b = b[:rawShown]
	}
	e.Text, e.Hex = printable(b), strings.TrimRight(hex.Dump(b), "\n")
}

// printable is b for reading: what is no text becomes a middle dot, and so do
// characters that would move or hide other text on a screen.
func printable(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		switch {
		case r == utf8.RuneError && n == 1, r < ' ' && r != '\n' && r != '\t', r >= 0x7f && r < 0xa0,
			r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			out.WriteRune('·')
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

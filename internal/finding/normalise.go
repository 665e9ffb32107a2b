package finding

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// normalise makes an occurrence fit to be kept, whatever a watch told: text is
// valid UTF-8 without NUL (PostgreSQL refuses both), positions are finite, times
// can be written in RFC 3339, and an absent grade or severity is the least one
// and says so. An occurrence is never refused: losing an alarm over a bad byte
// in a ship's name would be worse than showing the byte as U+FFFD.
func normalise(o Occurrence) Occurrence {
	o.Time = writable(o.Time)
	for _, s := range []*string{&o.Rule, &o.Subject.Kind, &o.Subject.ID, &o.Subject.Name, &o.Title, &o.Summary, &o.Technique, &o.Exercise} {
		*s = readable(*s)
	}
	o.RuledOut, o.Unknown = readableAll(o.RuledOut), readableAll(o.Unknown)
	o.Next, o.Services = readableAll(o.Next), readableAll(o.Services)
	if o.Grade < Suspected || o.Grade > Confirmed {
		if !o.Cleared {
			o.Unknown = append(o.Unknown[:len(o.Unknown):len(o.Unknown)], "how sure it is: the rule told no grade")
		}
		o.Grade = Suspected
	}
	if o.Severity < Advice || o.Severity > Alarm {
		if !o.Cleared {
			o.Unknown = append(o.Unknown[:len(o.Unknown):len(o.Unknown)], "how much it matters: the rule told no severity")
		}
		o.Severity = Advice
	}
	if p := o.Place; p != nil && !(finite(p.Lat) && finite(p.Lon)) {
		o.Place = nil
	} else if p != nil && slices.ContainsFunc(p.Outline, func(at [2]float64) bool { return !(finite(at[0]) && finite(at[1])) }) {
		o.Place = &Place{Lat: p.Lat, Lon: p.Lon, Area: p.Area}
	}
	o.Facts = normaliseFacts(o.Facts)
	return o
}

func normaliseFacts(facts []Fact) []Fact {
	var out []Fact // only where one has to change
	for i := range facts {
		f := facts[i]
		f.Time, f.Text = writable(f.Time), readable(f.Text)
		e := &f.Evidence
		e.Time, e.Seen = writable(e.Time), writable(e.Seen)
		e.Source, e.Raw.Input = readable(e.Source), readable(e.Raw.Input)
		if out == nil && (f.Text != facts[i].Text || f.Time != facts[i].Time || e.Time != facts[i].Evidence.Time ||
			e.Seen != facts[i].Evidence.Seen || e.Source != facts[i].Evidence.Source || e.Raw.Input != facts[i].Evidence.Raw.Input) {
			out = append([]Fact(nil), facts...)
		}
		if out != nil {
			out[i] = f
		}
	}
	if out != nil {
		return out
	}
	return facts
}

// writable returns t in UTC without a monotonic part, and the zero time where
// the year can't be written in four digits (RFC 3339).
func writable(t time.Time) time.Time {
	t = t.UTC().Round(0)
	if y := t.Year(); y < 1 || y > 9999 {
		return time.Time{}
	}
	return t
}

func readable(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, "\x00") {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func readableAll(all []string) []string {
	for i, s := range all {
		if readable(s) != s {
			out := append([]string(nil), all...)
			for j := i; j < len(out); j++ {
				out[j] = readable(out[j])
			}
			return out
		}
	}
	return all
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

package console

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// lanes are the worlds in the order in which screens show them.
var lanes = []finding.Domain{finding.IT, finding.OT, finding.Physical, finding.Sea, finding.Cargo}

var domainNames = map[finding.Domain]string{
	finding.IT: "IT", finding.OT: "OT", finding.Physical: "Physical", finding.Sea: "Sea", finding.Cargo: "Cargo",
}

// ago is an age in one unit and its symbol, such as "4 min". A time that lies
// ahead is said as such: some clock is wrong, and that matters.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	if d < -2*time.Second {
		return span(-d) + " ahead"
	}
	return span(max(d, 0))
}

// span is a duration in one unit.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}

// clockTime is the UTC time of day, with the date where it is not today's.
func clockTime(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	t, now = t.UTC(), now.UTC()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	if t.Year() == now.Year() {
		return t.Format("2 Jan 15:04:05")
	}
	return t.Format("2 Jan 2006 15:04")
}

// iso is the whole time for attributes, titles and evidence.
func iso(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// number writes a count with thin spaces between thousands.
func number[N ~int | ~int64 | ~uint64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// amount writes a value with as many places as it needs, at most two.
func amount(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return number(int64(v))
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// bytesOf writes a length in bytes with a unit.
func bytesOf(n uint64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	v, i := float64(n), 0
	for v >= 1000 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	if i == 0 || v >= 100 {
		return fmt.Sprintf("%.0f %s", v, units[i])
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// plural writes a count with its noun; the plural form is given.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// float writes a measured value or an en dash where there is none.
func float[F ~float32 | ~float64](v F, format string) string {
	if math.IsNaN(float64(v)) {
		return "–"
	}
	return fmt.Sprintf(format, float64(v))
}

// position writes degrees and decimal minutes, as charts do: 52°03.214′N 004°12.880′E.
func position(lat, lon float64) string {
	if math.IsNaN(lat) || math.IsNaN(lon) {
		return "no position told"
	}
	part := func(v float64, width int, plus, minus string) string {
		h := plus
		if v < 0 {
			h, v = minus, -v
		}
		thousandths := math.Round(v * 60_000)
		return fmt.Sprintf("%0*d°%06.3f′%s", width, int(thousandths/60_000), math.Mod(thousandths, 60_000)/1000, h)
	}
	return part(lat, 2, "N", "S") + " " + part(lon, 3, "E", "W")
}

// silent reports whether a finding is about missing data: it is drawn dashed,
// because nobody can be sure of what was not seen.
func silent(f finding.Finding) bool {
	return f.Subject.Kind == "source" || strings.HasPrefix(f.Rule, "health.")
}

// markKind is the shape of a finding: its grade, or dashed for silence.
func markKind(f finding.Finding) string {
	if silent(f) {
		return "silent"
	}
	return f.Grade.String()
}

// markWords says in words what the shape and colour say.
func markWords(f finding.Finding) string {
	if silent(f) {
		return f.Severity.String() + ", no data"
	}
	return f.Severity.String() + ", " + f.Grade.String()
}

// severityClass is the class that colours by severity.
func severityClass(f finding.Finding) string {
	if silent(f) {
		return "silent"
	}
	return f.Severity.String()
}

// purdue writes a level of the Purdue model, such as "Purdue 3.5".
func purdue(z *port.Zone) string { return "Purdue " + strconv.FormatFloat(z.Level, 'g', -1, 64) }

// dash is the text, or an en dash where there is none.
func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

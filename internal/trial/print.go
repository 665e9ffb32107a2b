package trial

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// WriteText writes the result for people.
func (r *Result) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "AIS trial, seed %d, %d trials of each variant and group, %s or surer counts\n\n", r.Seed, r.Trials, r.Grade)
	r.writeFiles(out)
	r.writeRows(out)
	r.writeSweeps(out)
	r.writeNotes(out)
	return out.Flush()
}

func (r *Result) writeFiles(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CAPTURE, AS RECORDED\tGROUP\tHOURS\tMESSAGES\tREJECTED\tSHIPS\tVESSEL-DAYS\tFALSE ALARMS\tA VESSEL-DAY (95 %)")
	for i := range r.Files {
		f := &r.Files[i]
		fmt.Fprintf(t, "%s\t%s\t%.1f\t%d\t%d\t%d\t%.2f\t%d\t%s\n", f.Name, f.Group, f.Last.Sub(f.First).Hours(), f.Messages, f.Rejected, f.Vessels,
			f.Rate.Days, f.Rate.Events, f.Rate.Per.text("%.3g"))
	}
	_ = t.Flush() // into memory; the writer below keeps its error
	for i := range r.Files {
		if len(r.Files[i].Alarms) > 0 {
			fmt.Fprintf(out, "  %s: %s\n", r.Files[i].Name, list(r.Files[i].Alarms))
		}
	}
	for _, known := range r.Known {
		fmt.Fprintf(out, "  true in the captures, not counted: %s\n", known)
	}
	fmt.Fprintln(out)
}

func (r *Result) writeRows(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CLASS\tVARIANT\tGROUP\tTRIALS\tRECALL (95 %)\tANY GRADE\tIN 2 REPORTS\tREPORTS med/p95/max\tSECONDS med/p95/max\tFALSE OF OTHERS\tVESSEL-DAYS\tA VESSEL-DAY (95 %)")
	for i := range r.Rows {
		x := &r.Rows[i]
		if x.Trials == 0 {
			why := "no set-up in these captures"
			if x.Unplayed > 0 {
				why = fmt.Sprintf("%d set-ups could not be written", x.Unplayed)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t0\t%s\t\t\t\t\t\t\t\n", x.Class, x.Variant, x.Group, why)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s %s\t%s\t%s\t%s\t%s\t%d\t%.2f\t%s\n", x.Class, x.Variant, x.Group, x.Trials,
			percent(x.Found, x.Trials), Interval{100 * x.Recall.Low, 100 * x.Recall.High}.text("%.0f"), percent(x.AtAny, x.Trials), percent(x.WithinTwo, x.Trials),
			x.Reports.text(x.Found), x.Seconds.text(x.Found), x.Other.Events, x.Other.Days, x.Other.Per.text("%.3g"))
	}
	_ = t.Flush() // into memory; the writer below keeps its error
	fmt.Fprintln(out)
}

func (r *Result) writeSweeps(out io.Writer) {
	if len(r.Sweeps) == 0 {
		return
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SMALLEST FOUND\tGROUP\tSET-UPS\tIN HALF (95 %)\tIN NINE OF TEN (95 %)\tNEVER")
	for i := range r.Sweeps {
		s := &r.Sweeps[i]
		fmt.Fprintf(t, "%s, %s\t%s\t%d\t%s %s\t%s %s\t%d\n", s.Class, s.Unit, s.Group, s.Setups,
			s.size(float64(s.Half)), s.between(s.Half95), s.size(float64(s.Nine)), s.between(s.Nine95), s.Never)
	}
	_ = t.Flush() // into memory; the writer below keeps its error
	fmt.Fprintln(out)
}

func (r *Result) writeNotes(out io.Writer) {
	for i := range r.Rows {
		x := &r.Rows[i]
		if len(x.By) > 0 {
			fmt.Fprintf(out, "%s (%s, %s) told by: %s\n", x.Class, x.Variant, x.Group, list(x.By))
		}
		if len(x.Also) > 0 {
			fmt.Fprintf(out, "%s (%s, %s) also told of the attacked: %s\n", x.Class, x.Variant, x.Group, list(x.Also))
		}
		if len(x.Wrong) > 0 {
			fmt.Fprintf(out, "%s (%s, %s) told of others: %s\n", x.Class, x.Variant, x.Group, list(x.Wrong))
		}
		if x.Blind {
			fmt.Fprintf(out, "%s (%s, %s): AIS alone can't tell it; it is here to show that\n", x.Class, x.Variant, x.Group)
		}
	}
	if len(r.Untold) > 0 {
		words := make([]string, len(r.Untold))
		for i, c := range r.Untold {
			words[i] = string(c)
		}
		fmt.Fprintf(out, "\nNo rule told of it: %s\n", strings.Join(words, ", "))
	}
}

// list shows counts, the first few.
func list(c []Count) string {
	var b strings.Builder
	for i, x := range c {
		if i == 8 {
			fmt.Fprintf(&b, " and %d more", len(c)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d × %s", x.N, x.What)
	}
	return b.String()
}

func percent(n, of int) string {
	return fmt.Sprintf("%.0f%%", math.Floor(100*float64(n)/float64(max(of, 1)))) // never rounded up to what was not reached
}

// size shows a size; one that no set-up reached lies above the largest tried.
func (s *Least) size(v float64) string {
	if math.IsInf(v, 1) {
		return fmt.Sprintf("over %.4g", s.Largest)
	}
	return fmt.Sprintf("%.4g", v)
}

func (s *Least) between(i Interval) string {
	return "(" + s.size(i.Low) + " – " + s.size(i.High) + ")"
}

func (i Interval) text(format string) string {
	high := "…"
	if !math.IsInf(i.High, 1) {
		high = fmt.Sprintf(format, i.High)
	}
	return "(" + fmt.Sprintf(format, i.Low) + "–" + high + ")"
}

func (s Spread) text(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f/%.0f/%.0f", s.Median, s.P95, s.Max)
}

package report

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/risk"
)

//go:embed board.html.tmpl
var boardHTML string

var boardTemplate = template.Must(template.New("board").Funcs(template.FuncMap{
	"utc": utc, "iso": iso, "short": risk.Short, "digits": risk.Digits, "percent": risk.Percent, "breach": breachWords,
	"date": func(t any) string {
		switch v := t.(type) {
		case time.Time:
			return v.UTC().Format(time.DateOnly)
		case *time.Time:
			return v.UTC().Format(time.DateOnly)
		}
		return ""
	},
	"num":  func(v float64) string { return fmt.Sprintf("%.1f", v) },
	"add":  func(a, b float64) float64 { return a + b },
	"mark": stateMark,
	"join": func(s []string) string { return strings.Join(s, ", ") },
}).Parse(boardHTML))

// stateMark is the shape that stands with the word of a state.
func stateMark(state string) string {
	switch state {
	case Shown:
		return "○"
	case InPart:
		return "◆"
	case NotShown:
		return "▲"
	}
	return "▨"
}

func breachWords(b string) string {
	switch b {
	case "yes":
		return "▲ crossed"
	case "no":
		return "○ kept"
	}
	return "◆ undecided"
}

// drawnBoard is a report with what is about it.
type drawnBoard struct {
	*Board
	Signed *Signature
	Sum    string
	Pages  bool // it is shown by the server, which has the pages of the evidence
	Inline template.CSS
	Link   string
}

// WriteHTML writes the report as one HTML document that needs nothing else. nil is
// no signature: it is then marked as a draft on every page.
func (b *Board) WriteHTML(w io.Writer, signed *Signature) error {
	return b.write(w, &drawnBoard{Board: b, Signed: signed, Inline: template.CSS(Stylesheet)}) //nolint:gosec // the stylesheet is our own embedded file
}

// WritePage writes the report for a server that has the stylesheet at the address
// given, with links to the pages of the evidence.
func (b *Board) WritePage(w io.Writer, signed *Signature, stylesheet string) error {
	return b.write(w, &drawnBoard{Board: b, Signed: signed, Link: stylesheet, Pages: true})
}

func (b *Board) write(w io.Writer, d *drawnBoard) error {
	data, err := b.JSON()
	if err != nil {
		return err
	}
	d.Sum = Sum(data)
	if err := boardTemplate.Execute(w, d); err != nil {
		return fmt.Errorf("writing the board report: %w", err)
	}
	return nil
}

// WritePDF writes the report as a tagged PDF printed by Chromium, or, where there is
// none, drawn with less finish by the program itself. The figures are the same.
func (b *Board) WritePDF(ctx context.Context, w io.Writer, signed *Signature) error {
	var html bytes.Buffer
	if err := b.WriteHTML(&html, signed); err != nil {
		return err
	}
	pdf, err := printHTML(ctx, html.Bytes())
	if errors.Is(err, ErrNoBrowser) {
		return b.drawPDF(w, signed)
	}
	if err != nil {
		return err
	}
	if _, err := w.Write(pdf); err != nil {
		return fmt.Errorf("writing the PDF: %w", err)
	}
	return nil
}

// sheets are the tables of the report without a browser.
func (b *Board) sheets() []Sheet {
	ref := func(n int) string { return fmt.Sprintf("[%d]", n) }
	figures := Sheet{Title: "Exposure against appetite", Columns: []string{"In a year", "Range", "Since the last", "Evidence"}, Empty: "No figures: " + b.NoFigures + "."}
	for _, list := range [][]Figure{b.Exposure, b.Years} {
		for i := range list {
			f := &list[i]
			figures.Rows = append(figures.Rows, []string{f.Name, f.Value.Words() + " " + f.Unit, f.Trend(), ref(f.Evidence)})
		}
	}
	for _, a := range b.Appetite {
		figures.Rows = append(figures.Rows, []string{a.Name + ": above " + risk.Short(a.Loss) + " in at most " + risk.Percent(a.Borne), a.Found.Percent(), strings.TrimLeft(breachWords(a.Breach), "▲○◆ "), ref(a.Evidence)})
	}
	asks := Sheet{Title: "Decisions asked", Columns: []string{"Decision", "Why", "Brought by", "Evidence"}, Empty: "None."}
	for _, d := range b.Decisions {
		asks.Rows = append(asks.Rows, []string{d.What, d.Why, d.By, ref(d.Evidence)})
	}
	threats := Sheet{Title: "The five dearest scenarios", Columns: []string{"Scenario", "A year", "Comes", "Since the last, and why", "Decision", "Evidence"}, Empty: "None was judged.", Break: true}
	for i := range b.Scenarios {
		t := &b.Scenarios[i]
		threats.Rows = append(threats.Rows, []string{t.Name + ", " + t.Owner, t.Yearly.Words(), t.Events.Every(), strings.Join(append([]string{t.Trend()}, t.Causes...), "; "), t.Decision, ref(t.Evidence)})
	}
	money := Sheet{Title: "Money against risk lowered", Columns: []string{"Proposed", "Budget", "A year", "Takes away alone"}, Empty: b.Treatments.None}
	for _, c := range b.Treatments.Chosen {
		money.Rows = append(money.Rows, []string{c.Treatment + ": " + c.Option, c.Budget, risk.Short(c.Cost), risk.Short(c.Alone)})
	}
	ready := Sheet{Title: "Readiness", Columns: []string{"Day", "What", "Result", "Took", "Objective", "Evidence"}, Empty: "No drill, exercise or restore is on record."}
	for i := range b.Readiness.Done {
		t := &b.Readiness.Done[i]
		ready.Rows = append(ready.Rows, []string{t.Date, t.Name, t.Result, hoursWords(t.Hours, "not measured"), hoursWords(t.Objective, "none"), ref(t.Evidence)})
	}
	makers := Sheet{Title: "Suppliers", Columns: []string{"Maker", "Devices", "Weak", "Undecided", "Exploited elsewhere"}, Empty: b.Suppliers.Unknown}
	for i := range b.Suppliers.Makers {
		s := &b.Suppliers.Makers[i]
		makers.Rows = append(makers.Rows, []string{s.Name, fmt.Sprint(s.Devices), fmt.Sprint(s.Affected), fmt.Sprint(s.Open), fmt.Sprint(s.Used)})
	}
	if e := b.Suppliers.Entry; e != nil {
		makers.Text = []string{fmt.Sprintf("%s: %s %s %s, %s.", e.Name, e.Value.Words(), e.Unit, ref(e.Evidence), e.Trend())}
	}
	memo := Sheet{Title: "Memo: evidence", Columns: []string{"No", "What", "From"}, Break: true, Text: append([]string{"Compliance. " + b.Compliance}, b.Assumed...)}
	for _, e := range b.Evidence {
		memo.Rows = append(memo.Rows, []string{fmt.Sprint(e.No), e.What, e.From})
	}
	proofs := Sheet{Title: "Compliance: what our own data shows", Columns: []string{"Looked for", "Answer", "Found", "Evidence"}, Empty: "Nothing was looked for."}
	for _, p := range b.Proofs {
		no := "none"
		if p.Evidence > 0 {
			no = ref(p.Evidence)
		}
		proofs.Rows = append(proofs.Rows, []string{p.Name, p.State, p.Found, no})
	}
	return []Sheet{asks, figures, threats, money, ready, makers, memo, proofs}
}

func hoursWords(h float64, none string) string {
	if h == 0 {
		return none
	}
	return risk.Digits(h) + " h"
}

func (b *Board) drawPDF(w io.Writer, signed *Signature) error {
	d := newDrawing(b.AsOf)
	d.pdf.SetTitle("Board report: "+b.Port, true)
	if signed == nil {
		d.pdf.SetHeaderFunc(func() { d.text(9, "B", "DRAFT: not signed") })
		d.text(9, "B", "DRAFT: not signed")
	}
	d.text(15, "B", b.Port+": what is our risk, and what are we doing about it?")
	d.text(9, "", utc(b.AsOf)+" UTC")
	for _, a := range b.Answer {
		d.text(11, "", a)
	}
	for _, s := range b.sheets() {
		if s.Break {
			d.pdf.AddPage()
		}
		d.heading(s.Title)
		for _, t := range s.Text {
			d.text(8, "", t)
		}
		if len(s.Rows) == 0 {
			d.text(9, "I", s.Empty)
			continue
		}
		d.table(&s)
	}
	if signed != nil {
		d.text(8, "", fmt.Sprintf("Signed by %s (%s) on %s UTC. SHA-256 of the data: %s", signed.Name, signed.Account, utc(signed.Time), signed.Sum))
	}
	if err := d.pdf.Output(w); err != nil {
		return fmt.Errorf("drawing the PDF: %w", err)
	}
	return nil
}

package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

//go:embed situation.html.tmpl
var situationHTML string

// Stylesheet is the style of the documents. As a file it is inlined; as a page
// it is served from its own address, since the console allows no inline style.
//
//go:embed report.css
var Stylesheet string

var situationTemplate = template.Must(template.New("situation").Funcs(template.FuncMap{
	"utc":   utc,
	"iso":   iso,
	"age":   Age,
	"count": count,
	"mark":  mark,
	"row":   row,
	"names": func(ds []finding.Domain) string {
		out := make([]string, len(ds))
		for i, d := range ds {
			out[i] = strings.ToUpper(string(d))
		}
		return strings.Join(out, " ")
	},
}).Parse(situationHTML))

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// list joins sentences into one: their own full stops would stand doubled.
func list(parts []string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = strings.TrimRight(p, ". ")
	}
	return strings.Join(out, "; ")
}

// mark is the shape of a grade: shape first, colour second.
func mark(g finding.Grade) string {
	switch g {
	case finding.Confirmed:
		return "▲"
	case finding.Likely:
		return "◆"
	default:
		return "○"
	}
}

// WriteHTML writes the report as one HTML document that needs nothing else.
func (s *Situation) WriteHTML(w io.Writer) error { return s.write(w, template.CSS(Stylesheet), "") } //nolint:gosec // the stylesheet is our own embedded file

// WritePage writes the report for a server that has the stylesheet at the address given.
func (s *Situation) WritePage(w io.Writer, stylesheet string) error {
	return s.write(w, "", stylesheet)
}

func (s *Situation) write(w io.Writer, inline template.CSS, link string) error {
	err := situationTemplate.Execute(w, struct {
		*Situation
		Inline template.CSS
		Link   string
	}{s, inline, link})
	if err != nil {
		return fmt.Errorf("writing the situation report: %w", err)
	}
	return nil
}

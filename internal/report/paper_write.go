package report

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
)

//go:embed paper.html.tmpl
var paperHTML string

var paperTemplate = template.Must(template.New("paper").Funcs(template.FuncMap{"utc": utc, "iso": iso}).Parse(paperHTML))

// Names of the files of a pack.
const (
	PaperHTML = "paper-pack.html"
	PaperPDF  = "paper-pack.pdf"
)

// WriteInto writes both forms into a directory. A form that is there is replaced
// by a whole one or not at all.
func (p *Pack) WriteInto(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making %s: %w", dir, err)
	}
	if err := Replace(filepath.Join(dir, PaperHTML), p.WriteHTML); err != nil {
		return err
	}
	return Replace(filepath.Join(dir, PaperPDF), func(w io.Writer) error { return p.WritePDF(ctx, w) })
}

// Replace writes a file beside the one that it then replaces.
func Replace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	err = errors.Join(write(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// WriteHTML writes the pack as one HTML document that needs nothing else.
func (p *Pack) WriteHTML(w io.Writer) error {
	err := paperTemplate.Execute(w, struct {
		*Pack
		Inline template.CSS
		Link   string
	}{p, template.CSS(Stylesheet), ""}) //nolint:gosec // the stylesheet is our own embedded file
	if err != nil {
		return fmt.Errorf("writing the paper pack: %w", err)
	}
	return nil
}

// WritePDF writes the pack as a tagged PDF printed by Chromium, or, where there
// is none, drawn with less finish by the program itself. The words are the same.
func (p *Pack) WritePDF(ctx context.Context, w io.Writer) error {
	var html bytes.Buffer
	if err := p.WriteHTML(&html); err != nil {
		return err
	}
	pdf, err := printHTML(ctx, html.Bytes())
	if errors.Is(err, ErrNoBrowser) {
		return p.drawPDF(w)
	}
	if err != nil {
		return err
	}
	if _, err := w.Write(pdf); err != nil {
		return fmt.Errorf("writing the PDF: %w", err)
	}
	return nil
}

func (p *Pack) drawPDF(w io.Writer) error {
	d := newDrawing(p.AsOf)
	d.pdf.SetTitle("Paper pack: "+p.Terminal, true)
	d.text(18, "B", p.Terminal+", "+p.Port)
	d.text(9, "", "Paper pack, printed "+utc(p.AsOf)+" UTC")
	if !p.Taken.IsZero() {
		d.text(9, "", "Cargo as of "+utc(p.Taken)+" UTC")
	}
	for _, x := range p.Warnings {
		d.text(10, "B", x)
	}
	for i := range p.Sheets {
		s := &p.Sheets[i]
		if s.Break {
			d.pdf.AddPage()
		}
		d.heading(fmt.Sprintf("%d. %s", s.No, s.Title))
		for _, t := range s.Text {
			d.text(9, "", t)
		}
		if len(s.Rows) == 0 {
			d.text(9, "I", s.Empty)
			continue
		}
		d.table(s)
	}
	if err := d.pdf.Output(w); err != nil {
		return fmt.Errorf("drawing the PDF: %w", err)
	}
	return nil
}

// table draws rows in columns that share the width after their longest text,
// none less than a hand needs to write in.
func (d *drawing) table(s *Sheet) {
	const size, least, height = 7.5, 14.0, 5.5
	d.pdf.SetFont("Helvetica", "", size)
	width := make([]float64, len(s.Columns))
	total := 0.0
	for i, c := range s.Columns {
		width[i] = max(least, d.pdf.GetStringWidth(d.encode(c))+2)
		for _, r := range s.Rows {
			width[i] = min(90, max(width[i], d.pdf.GetStringWidth(d.encode(r[i]))+2))
		}
		total += width[i]
	}
	page, _ := d.pdf.GetPageSize()
	left, _, right, _ := d.pdf.GetMargins()
	for i := range width {
		width[i] *= (page - left - right) / total
	}
	_, tall := d.pdf.GetPageSize()
	var head func()
	row := func(cells []string, style string) {
		d.pdf.SetFont("Helvetica", style, size)
		lines := 1
		for i, c := range cells {
			lines = max(lines, len(d.pdf.SplitLines([]byte(d.encode(c)), width[i])))
		}
		if d.pdf.GetY()+float64(lines)*height > tall-18 && style == "" {
			d.pdf.AddPage()
			d.text(7, "I", s.Title+" (continued)")
			head()
			d.pdf.SetFont("Helvetica", style, size)
		}
		x, y := left, d.pdf.GetY()
		for i, c := range cells {
			d.pdf.Rect(x, y, width[i], float64(lines)*height, "D")
			d.pdf.SetXY(x, y)
			d.pdf.MultiCell(width[i], height, d.encode(c), "", "L", false)
			x += width[i]
		}
		d.pdf.SetXY(left, y+float64(lines)*height)
	}
	head = func() { row(s.Columns, "B") }
	head()
	for _, r := range s.Rows {
		row(r, "")
	}
}

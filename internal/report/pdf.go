package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/go-pdf/fpdf"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// ErrNoBrowser says that no Chromium is installed here.
var ErrNoBrowser = errors.New("no Chromium found on this machine")

// browsers are the names that Chromium goes by.
var browsers = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"}

// printTime bounds one run of the browser.
const printTime = 60 * time.Second

// WritePDF writes the report as a tagged PDF printed by Chromium from the same
// HTML, or, where there is no Chromium, drawn with less finish by the program
// itself. The words are the same.
func (s *Situation) WritePDF(ctx context.Context, w io.Writer) error {
	var html bytes.Buffer
	if err := s.WriteHTML(&html); err != nil {
		return err
	}
	pdf, err := printHTML(ctx, html.Bytes())
	if errors.Is(err, ErrNoBrowser) {
		return s.drawPDF(w)
	}
	if err != nil {
		return err
	}
	if _, err := w.Write(pdf); err != nil {
		return fmt.Errorf("writing the PDF: %w", err)
	}
	return nil
}

// findBrowser returns the Chromium to use; $QUAYWATCH_CHROMIUM names another.
func findBrowser() (string, error) {
	if own := os.Getenv("QUAYWATCH_CHROMIUM"); own != "" {
		return own, nil
	}
	for _, b := range browsers {
		if path, err := exec.LookPath(b); err == nil {
			return path, nil
		}
	}
	return "", ErrNoBrowser
}

// printing bounds the browsers that run at once: each takes some hundred
// megabytes, and whoever may see a report may ask for many.
var printing = make(chan struct{}, 2)

// printHTML prints one self-contained document. The browser gets a profile of
// its own that is deleted, resolves no name and so reaches no network.
func printHTML(ctx context.Context, html []byte) ([]byte, error) {
	browser, err := findBrowser()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, printTime)
	defer cancel()
	select {
	case printing <- struct{}{}:
		defer func() { <-printing }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to print: %w", ctx.Err())
	}
	dir, err := os.MkdirTemp("", "quaywatch-print-")
	if err != nil {
		return nil, fmt.Errorf("printing: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a left-over profile holds nothing but the report
	page, out := filepath.Join(dir, "report.html"), filepath.Join(dir, "report.pdf")
	if err := os.WriteFile(page, html, 0o600); err != nil {
		return nil, fmt.Errorf("printing: %w", err)
	}
	args := []string{"--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-quic", "--host-resolver-rules=MAP * ~NOTFOUND",
		"--user-data-dir=" + filepath.Join(dir, "profile"), "--no-pdf-header-footer", "--export-tagged-pdf",
		"--print-to-pdf=" + out, (&url.URL{Scheme: "file", Path: page}).String()}
	if os.Geteuid() == 0 {
		// Chromium's sandbox does not run as root; what it prints is our own
		// document without scripts.
		args = append([]string{"--no-sandbox"}, args...)
	}
	cmd := exec.CommandContext(ctx, browser, args...) //nolint:gosec // the browser found above or named by the operator
	var told bytes.Buffer
	cmd.Stderr = &told
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("printing with %s: %w: %.400s", browser, err, told.String())
	}
	pdf, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("printing with %s gave no file: %.400s", browser, told.String())
	}
	return pdf, nil
}

// drawPDF draws the report without a browser.
func (s *Situation) drawPDF(w io.Writer) error {
	d := newDrawing(s.AsOf)
	d.pdf.SetTitle("Situation report: "+s.Port, true)
	if s.Exercise {
		d.text(11, "B", "EXERCISE: this report holds exercise data. Nothing marked so is real.")
	}
	d.text(9, "", "Situation report")
	d.text(18, "B", s.Port)
	d.text(9, "", fmt.Sprintf("%s UTC, %s local", s.AsOf.Format("2006-01-02 15:04:05"), s.AsOf.In(s.Local).Format("2006-01-02 15:04")))
	d.gap(2)
	d.text(12, "", s.Answer)
	d.heading("What is wrong now")
	for _, part := range s.Domains {
		d.domain(part, s.AsOf)
	}
	d.heading("What changed in 24 hours")
	if len(s.Changes) == 0 {
		d.text(9, "", "Nothing changed in the 24 hours before this report.")
	}
	for _, c := range s.Changes {
		d.text(9, "", fmt.Sprintf("%s  %s: %s (%s)", c.Time.UTC().Format("2006-01-02 15:04:05"), c.What, c.Finding.Title, c.Finding.State))
	}
	d.heading("What is silent")
	if len(s.Silent) == 0 {
		d.text(9, "", "No source is silent.")
	}
	for _, src := range s.Silent {
		d.text(9, "", fmt.Sprintf("%s (%s): %s. %s", src.ID, src.Kind, src.Status, src.Why))
	}
	for _, n := range s.Notes {
		d.text(9, "", n)
	}
	if err := d.pdf.Output(w); err != nil {
		return fmt.Errorf("drawing the PDF: %w", err)
	}
	return nil
}

// drawing is a page that fills from the top.
type drawing struct {
	pdf    *fpdf.Fpdf
	encode func(string) string
}

func newDrawing(at time.Time) *drawing {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetCreationDate(at)
	pdf.SetModificationDate(at)
	pdf.SetCatalogSort(true)
	pdf.SetLang("en")
	pdf.SetMargins(16, 16, 16)
	pdf.SetAutoPageBreak(true, 16)
	pdf.AddPage()
	return &drawing{pdf: pdf, encode: pdf.UnicodeTranslatorFromDescriptor("")}
}

func (d *drawing) text(size float64, style, s string) {
	d.pdf.SetFont("Helvetica", style, size)
	d.pdf.MultiCell(0, size*0.46, d.encode(s), "", "L", false)
}

func (d *drawing) gap(mm float64) { d.pdf.Ln(mm) }

func (d *drawing) heading(s string) {
	d.gap(4)
	d.text(13, "B", s)
	d.gap(1)
}

func (d *drawing) domain(p DomainPart, now time.Time) {
	d.gap(2)
	d.text(11, "B", p.Name)
	if p.Blind != "" {
		d.text(9, "I", p.Blind)
	}
	if len(p.Findings) == 0 && p.Watched && !p.Hidden {
		d.text(9, "", "Nothing known to be wrong.")
	}
	for _, f := range p.Findings {
		label := fmt.Sprintf("%s, %s: %s", f.Grade, f.Severity, f.Title)
		if f.Exercise != "" {
			label = "EXERCISE " + label
		}
		d.text(10, "B", label)
		d.text(9, "", fmt.Sprintf("Since %s UTC (%s), seen %d times, %s. %s", f.Since.UTC().Format("2006-01-02 15:04:05"),
			Age(f.Since, now), f.Count, f.State, f.Summary))
		if f.Severity == finding.Alarm {
			for i, fact := range f.Facts {
				d.text(8, "", fmt.Sprintf("   %d. %s (%s UTC, %s)", i+1, fact.Text, fact.Time.UTC().Format("15:04:05"), fact.Evidence.Source))
			}
		}
		d.gap(1)
	}
	if p.More > 0 {
		d.text(9, "I", fmt.Sprintf("%d more are left out here.", p.More))
	}
}

package system

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/server"
	"github.com/quaywatch/quaywatch/internal/store"
)

// auditLog shows the audit log of the records to the server.
type auditLog struct{ records *store.Records }

// AuditEntries implements server.AuditLog.
func (a auditLog) AuditEntries(ctx context.Context, subject string, before int64, limit int) ([]server.AuditRecord, error) {
	entries, err := a.records.Audit(ctx, store.AuditQuery{Subject: subject, Before: before, Limit: limit})
	if err != nil {
		return nil, err
	}
	out := make([]server.AuditRecord, len(entries))
	for i, e := range entries {
		out[i] = server.AuditRecord{Seq: e.Seq, AuditEntry: identity.AuditEntry{Time: e.Time, Actor: e.Actor,
			Action: e.Action, Subject: e.Subject, Detail: e.Detail}}
	}
	return out, nil
}

// maxReportFindings bounds what a situation report reads; the report counts the rest.
const maxReportFindings = 1000

// Situation works the situation report out for this moment, as far as whoever
// asks may see.
func (s *System) Situation(ctx context.Context, desk finding.Desk, now time.Time) (*report.Situation, error) {
	in := report.Input{Port: s.port.Load(), AsOf: now, Sources: s.watches.Health.Picture(), Hidden: hiddenFrom(ctx)}
	if len(in.Hidden) == len(identity.Domains) {
		note, err := inNumbers(ctx, desk, now)
		if err != nil {
			return nil, err
		}
		in.Notes = append(in.Notes, note)
		return report.NewSituation(in), nil
	}
	page, err := desk.List(ctx, finding.Query{Since: time.Time{}, Limit: maxReportFindings})
	if err != nil {
		return nil, fmt.Errorf("reading the findings: %w", err)
	}
	in.Findings = page.Findings
	if left := page.Total - len(page.Findings); left > 0 {
		in.Notes = append(in.Notes, strconv.Itoa(left)+" further findings of lower severity, grade or age are not in this report.")
	}
	if !s.warmed.Load() {
		in.Notes = append(in.Notes, "The system has just started and is still reading what came in before: the picture is not complete yet.")
	}
	in.Notes = append(in.Notes, s.exposure.sentence(ctx)...)
	return report.NewSituation(in), nil
}

// hiddenFrom are the worlds whose findings whoever asks may not see.
func hiddenFrom(ctx context.Context) []finding.Domain {
	may := identity.AllowedDomains(ctx, identity.ViewFindings)
	var out []finding.Domain
	for _, d := range identity.Domains {
		if !slices.Contains(may, d) {
			out = append(out, finding.Domain(d))
		}
	}
	return out
}

// inNumbers is the situation for who may see reports and no finding: the board.
func inNumbers(ctx context.Context, desk finding.Desk, now time.Time) (string, error) {
	sum, err := desk.Summary(ctx, now)
	if err != nil {
		return "", fmt.Errorf("counting the findings: %w", err)
	}
	all := 0
	for _, n := range sum.BySeverity {
		all += n
	}
	alarm := finding.Alarm.String()
	return fmt.Sprintf("In numbers: %d open findings, %d of them alarms. Your role does not open the findings themselves.", all, sum.BySeverity[alarm]), nil
}

// situationPage serves the report as a page (HTML) or, with ?format=pdf, a PDF.
type situationPage struct {
	s        *System
	exercise string
}

// pagePolicy lets the page of the report load its stylesheet, from this server,
// and nothing else.
const pagePolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler. Who may see reports was decided before.
func (p *situationPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sit, err := p.s.Situation(r.Context(), server.Guard(p.s.register), time.Now().UTC())
	if err != nil {
		p.fail(w, err)
		return
	}
	sit.Exercise = sit.Exercise || p.exercise != ""
	var b bytes.Buffer
	switch r.URL.Query().Get("format") {
	case "pdf":
		w.Header().Set("Content-Type", "application/pdf")
		w.Header().Set("Content-Disposition", `inline; filename="situation-`+sit.AsOf.Format("20060102T150405Z")+`.pdf"`)
		err = sit.WritePDF(r.Context(), &b)
	case "html":
		w.Header().Set("Content-Disposition", `attachment; filename="situation-`+sit.AsOf.Format("20060102T150405Z")+`.html"`)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		err = sit.WriteHTML(&b)
	case "css":
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		b.WriteString(report.Stylesheet)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", pagePolicy)
		err = sit.WritePage(&b, "?format=css")
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	_, _ = w.Write(b.Bytes()) // the reader has gone away
}

func (p *situationPage) fail(w http.ResponseWriter, err error) {
	p.s.log.Error("situation report", "error", err)
	http.Error(w, "The situation report could not be made; the log of the server says why.", http.StatusInternalServerError)
}

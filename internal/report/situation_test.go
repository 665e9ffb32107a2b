package report

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/health"
)

var asOf = time.Date(2026, 11, 23, 14, 32, 8, 0, time.UTC)

func raised(id string, d finding.Domain, g finding.Grade, s finding.Severity, ago time.Duration) finding.Finding {
	return finding.New(finding.Occurrence{Rule: "test." + id, Subject: finding.Subject{Kind: "asset", ID: id, Name: id},
		Domains: []finding.Domain{d}, Grade: g, Severity: s, Title: "Title of " + id, Summary: "Because <" + id + ">.", Next: []string{"Look there.", "Ask."}, Time: asOf.Add(-ago),
		Facts: []finding.Fact{{Time: asOf.Add(-ago), Text: "Fact of " + id, Domain: d, Evidence: finding.Evidence{Source: "sensor",
			Raw: event.Raw{Input: "a.pcap", Offset: 24, Line: 1, Length: 4, Sum: event.SumOf([]byte("fact"))}}}}})
}

func input() Input {
	p := &port.Port{Identity: port.Identity{Name: "Port of Saltmere", TimeZone: "Europe/Lisbon", SecurityLevel: 1}}
	gone := raised("gone", finding.Sea, finding.Likely, finding.Warning, 3*time.Hour)
	gone.Merge(finding.Occurrence{Rule: gone.Rule, Subject: gone.Subject, Cleared: true, Time: asOf.Add(-time.Hour)})
	old := raised("old", finding.IT, finding.Suspected, finding.Advice, 80*time.Hour)
	return Input{Port: p, AsOf: asOf, Findings: []finding.Finding{old, gone, raised("door", finding.Physical, finding.Confirmed, finding.Alarm, 10*time.Minute)},
		Sources: health.Picture{Sources: []health.Source{
			{ID: "badges", Kind: "access", Domain: "physical", Status: health.Live},
			{ID: "sensor", Kind: "pcap", Domain: "ot", Status: health.Silent, Why: "Nothing for 2 h."}}}}
}

func TestSilenceIsNeverFine(t *testing.T) {
	s := NewSituation(input())
	byName := map[finding.Domain]DomainPart{}
	for _, d := range s.Domains {
		byName[d.Domain] = d
	}
	for _, d := range []finding.Domain{finding.OT, finding.Sea, finding.Cargo} {
		if p := byName[d]; p.Watched || p.Blind == "" {
			t.Errorf("%s: watched %v, blind %q: a world without data must say so", d, p.Watched, p.Blind)
		}
	}
	if !byName[finding.Physical].Watched {
		t.Error("the physical world is watched by the badges")
	}
	if len(s.Silent) != 1 || !strings.Contains(s.Answer, "1 of 2 sources give no data") {
		t.Errorf("answer %q", s.Answer)
	}
	empty := NewSituation(Input{AsOf: asOf})
	if !strings.Contains(empty.Answer, "Not watched: IT, OT, Physical, Sea, Cargo") || strings.Contains(empty.Answer, "All") {
		t.Errorf("an empty system says %q", empty.Answer)
	}
}

func TestChangesOfADay(t *testing.T) {
	s := NewSituation(input())
	var got []string
	for _, c := range s.Changes {
		got = append(got, c.What+" "+c.Finding.Subject.ID)
	}
	if strings.Join(got, ", ") != "new door, gone gone" {
		t.Errorf("changes %v: newest first, nothing older than a day", got)
	}
}

func TestHTMLIsWholeAndEscaped(t *testing.T) {
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := NewSituation(input()).WriteHTML(w); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same input gave two documents")
	}
	html := a.String()
	for _, want := range []string{"Title of door", "Because &lt;door&gt;.", "a.pcap line 1 (offset 24)", "SHA-256", "2026-11-23 14:32:08 UTC", "Nothing for 2 h."} {
		if !strings.Contains(html, want) {
			t.Errorf("lacks %q", want)
		}
	}
	for _, bad := range []string{".;", "..", "http://", "https://", "<script", "ZgotmplZ"} {
		if strings.Contains(html, bad) {
			t.Errorf("a self-contained document has %q", bad)
		}
	}
}

func TestLongReportCountsWhatItLeavesOut(t *testing.T) {
	in := input()
	for i := range maxPerDomain + 25 {
		in.Findings = append(in.Findings, raised(fmt.Sprintf("many-%d", i), finding.OT, finding.Likely, finding.Warning, time.Hour))
	}
	s := NewSituation(in)
	if p := s.Domains[1]; len(p.Findings) != maxPerDomain || p.More != 25 {
		t.Errorf("%d shown, %d left out", len(p.Findings), p.More)
	}
}

func TestPDFByBrowserAndWithout(t *testing.T) {
	if _, err := findBrowser(); err != nil {
		t.Fatalf("%v: install chromium (make needs)", err)
	}
	s := NewSituation(input())
	for name, write := range map[string]func(*bytes.Buffer) error{
		"browser": func(b *bytes.Buffer) error { return s.WritePDF(context.Background(), b) },
		"drawn":   func(b *bytes.Buffer) error { return s.drawPDF(b) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(b.Bytes(), []byte("%PDF-")) {
				t.Fatalf("not a PDF: %.20q", b.Bytes())
			}
			if name == "browser" && !bytes.Contains(b.Bytes(), []byte("/StructTreeRoot")) {
				t.Error("the PDF is not tagged")
			}
			tool, err := exec.LookPath("pdftotext")
			if err != nil {
				t.Skip("pdftotext is not installed: the words of the PDF are not compared")
			}
			path := filepath.Join(t.TempDir(), "s.pdf")
			if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			text, err := exec.Command(tool, path, "-").Output()
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"Port of Saltmere", "Title of door", "Fact of door", "Nothing for 2 h."} {
				if !strings.Contains(string(text), want) {
					t.Errorf("the PDF does not say %q", want)
				}
			}
		})
	}
}

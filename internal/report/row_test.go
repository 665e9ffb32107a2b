package report

import (
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// TestRowEscapes: whatever is told in whichever field is text, never markup, and
// none of it is lost.
func TestRowEscapes(t *testing.T) {
	at := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	const bad = "<script>\"'&\xff"
	f := finding.Finding{ID: bad, State: bad, Assignee: bad, Count: 3, Since: at, Last: at, Occurrence: finding.Occurrence{
		Rule: bad, Title: bad, Summary: bad, Severity: finding.Alarm, Grade: finding.Likely, Technique: bad, Exercise: "drill",
		RuledOut: []string{bad + ".", bad}, Unknown: []string{bad}, Next: []string{bad}, Services: []string{bad, "x"},
		Facts: []finding.Fact{{Time: at, Text: bad, Evidence: finding.Evidence{Source: bad, Raw: event.Raw{Input: bad, Line: 7, Sum: event.SumOf([]byte("x"))}}}},
	}}
	html := string(row(f, at.Add(time.Hour)))
	if strings.Contains(html, "<script") || strings.Contains(html, "\xff") {
		t.Errorf("markup came through: %s", html)
	}
	if n := strings.Count(html, "&lt;script&gt;&#34;&#39;&amp;"); n != 15 {
		t.Errorf("%d of 15 texts are there: %s", n, html)
	}
	for _, want := range []string{`<tr class="alarm">`, "<details open>", "EXERCISE", "3×", "SHA-256 ", `datetime="2026-11-23T14:00:00Z"`, "60 min", "line 7"} {
		if !strings.Contains(html, want) {
			t.Errorf("lacks %q: %s", want, html)
		}
	}
	if html := string(row(finding.Finding{}, at)); strings.Contains(html, "<p></p>") || strings.Contains(html, "details") || strings.Contains(html, "Services") {
		t.Errorf("an empty finding has empty parts: %s", html)
	}
}

package report

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// page is HTML in the making. A report has some thousand facts, and writing them
// through the template took longer than all else of it together.
type page struct{ strings.Builder }

// tag writes markup of our own.
func (p *page) tag(parts ...string) {
	for _, s := range parts {
		p.WriteString(s)
	}
}

// text writes what a source or a person told: as text, never as markup.
func (p *page) text(s string) {
	p.WriteString(template.HTMLEscapeString(strings.ToValidUTF8(s, "�")))
}

// time writes a moment for people and for programs.
func (p *page) time(t time.Time) {
	p.tag(`<time datetime="`, t.UTC().Format(time.RFC3339), `">`, utc(t), `</time>`)
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// row is one open finding in the table of its world.
func row(f finding.Finding, now time.Time) template.HTML {
	var p page
	p.tag(`<tr class="`, f.Severity.String(), `">
<td class="sure"><span aria-hidden="true" class="mark">`, mark(f.Grade), `</span> `, f.Grade.String(), `<br><small>`, f.Severity.String(), `</small></td>
<td><b>`)
	p.text(f.Title)
	p.tag(`</b>`)
	if f.Exercise != "" {
		p.tag(` <span class="ex">EXERCISE</span>`)
	}
	p.tag("\n")
	p.part("<p>", f.Summary, "</p>")
	p.tag("\n")
	p.facts(&f)
	p.tag("\n")
	p.part("<p>Services that depend on it: ", strings.Join(f.Services, ", "), ".</p>")
	p.tag("\n")
	p.part("<p>First safe steps: ", list(f.Next), ".</p>")
	p.tag("\n<p class=\"id\">")
	p.text(f.ID + " · " + f.Rule)
	p.part(" · ", f.Technique, "")
	p.tag("</p></td>\n<td>")
	p.time(f.Since)
	p.tag(`<br><small>`, Age(f.Since, now), "</small></td>\n<td class=\"n\">", strconv.Itoa(f.Count), `×<br><small>last `, Age(f.Last, now), " ago</small></td>\n<td>")
	p.text(string(f.State))
	p.part("<br><small>", f.Assignee, "</small>")
	p.tag("</td>\n</tr>")
	return template.HTML(p.String()) //nolint:gosec // all that was told went through text
}

// part writes a text between before and after, nothing where it is empty.
func (p *page) part(before, text, after string) {
	if text != "" {
		p.tag(before)
		p.text(text)
		p.tag(after)
	}
}

// facts writes the reasons of a finding with their evidence, open for alarms.
func (p *page) facts(f *finding.Finding) {
	if len(f.Facts) == 0 {
		return
	}
	p.tag(`<details`)
	if f.Severity == finding.Alarm {
		p.tag(` open`)
	}
	p.tag(`><summary>`, count(len(f.Facts), "fact"), `</summary><ol>`)
	for i := range f.Facts {
		fact := &f.Facts[i]
		p.tag(`<li>`)
		p.text(fact.Text)
		p.tag(` <small>`, utc(fact.Time), ` UTC · `)
		p.text(fact.Evidence.Source)
		if fact.Evidence.Raw.Input != "" {
			p.tag(` · `)
			p.text(fact.Evidence.Raw.Where())
		}
		if sum := fact.Evidence.Raw.Sum.String(); sum != "" {
			p.tag(` · SHA-256 `, sum[:16], `…`)
		}
		p.tag(`</small></li>`)
	}
	p.tag("</ol>\n")
	p.part("<p>Ruled out: ", list(f.RuledOut), ".</p>")
	p.part("<p>Not known: ", list(f.Unknown), ".</p>")
	p.tag(`</details>`)
}

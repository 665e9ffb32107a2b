package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// shape is what the columns beside a document hold of a finding.
type shape struct {
	n    int64  // row number; 0 for none
	text string // what is searched
	kind
}

// kind is what findings are counted by.
type kind struct {
	state    string
	severity int
	grade    int
	present  int
	domains  int
	exercise int
}

const findingColumns = "n, id, place, rule, subject, severity, grade, state, present, domains, exercise, assignee, last_at, shelved_until, revision"

// findingConflict updates what can change; rule, subject and exercise are in the id.
const findingConflict = `ON CONFLICT (n) DO UPDATE SET place = excluded.place, severity = excluded.severity,
	grade = excluded.grade, state = excluded.state, present = excluded.present, domains = excluded.domains,
	assignee = excluded.assignee, last_at = excluded.last_at, shelved_until = excluded.shelved_until, revision = excluded.revision`

func shapeOf(n int64, f *finding.Finding) shape {
	return shape{n: n, text: textOf(f), kind: kind{
		state: string(f.State), severity: int(f.Severity), grade: int(f.Grade), present: number(f.Present),
		domains: domainBits(f.Domains), exercise: number(f.Exercise != ""),
	}}
}

func (s shape) row(f *finding.Finding) []any {
	return []any{s.n, f.ID, placeOf(f), f.Rule, f.Subject.ID, s.severity, s.grade, s.state, s.present, s.domains, s.exercise,
		f.Assignee, micros(f.Last), micros(f.ShelvedUntil), f.Revision}
}

// lastBits is the room for the time in a place: microseconds up to the year 6536.
const lastBits = 57

// placeOf is the place of a finding in lists, smallest first: severity and
// grade in the high bits, then the last occurrence, all counted downward.
func placeOf(f *finding.Finding) int64 {
	last := min(max(micros(f.Last), 0), 1<<lastBits-1)
	return -(int64(f.Severity)<<2|int64(f.Grade))<<lastBits - last
}

// lastOf is the last occurrence in a place, in microseconds.
func lastOf(place int64) int64 { return -place & (1<<lastBits - 1) }

// allDomains gives each domain its bit.
var allDomains = []finding.Domain{finding.IT, finding.OT, finding.Physical, finding.Sea, finding.Cargo}

func domainBits(domains []finding.Domain) int {
	bits := 0
	for _, d := range domains {
		if i := slices.Index(allDomains, d); i >= 0 {
			bits |= 1 << i
		}
	}
	return bits
}

// maxWords is the most different words of a finding that can be searched for.
const maxWords = 200

// textOf is the searched text of a finding: title, summary, rule and subject.
func textOf(f *finding.Finding) string {
	return f.ID + " " + f.Rule + " " + f.Subject.ID + " " + f.Subject.Name + " " + f.Title + " " + f.Summary
}

// wordsOf is the different words of a text, in lower case.
func wordsOf(text string) string {
	words := split(text)
	slices.Sort(words)
	words = slices.Compact(words)
	return strings.Join(words[:min(maxWords, len(words))], " ")
}

// split cuts text into words: runs of letters and digits.
func split(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
}

// wordChanges are the findings whose words have to be written.
type wordChanges struct {
	gone []any   // row numbers whose old words go
	rows [][]any // row number, words
}

func (w *wordChanges) note(was, is shape) {
	if was.n != 0 && was.text == is.text { // of most that are told again
		return
	}
	words := wordsOf(is.text)
	if was.n != 0 {
		if wordsOf(was.text) == words {
			return
		}
		w.gone = append(w.gone, is.n)
	}
	w.rows = append(w.rows, []any{is.n, words})
}

// saveWords writes words into the index of the database.
func (d *Dialect) saveWords(ctx context.Context, c *change, w wordChanges) error {
	if d.numbered {
		return c.insert(ctx, "finding_words (n, words)", "ON CONFLICT (n) DO UPDATE SET words = excluded.words", w.rows)
	}
	var err error
	for gone := w.gone; len(gone) > 0 && err == nil; {
		some := gone[:min(idsAtOnce, len(gone))]
		gone = gone[len(some):]
		err = c.exec(ctx, "DELETE FROM finding_words WHERE rowid IN ("+marks(len(some))+")", some...)
	}
	return errors.Join(err, c.insert(ctx, "finding_words (rowid, words)", "", w.rows))
}

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// maxSearchable is the most findings whose words are held in memory, at about
// 500 bytes each. A register with more is searched in the database.
const maxSearchable = 250_000

// searchable is the words of all findings, and what lists select by, in memory.
// It exists because the index of words of a database knows neither the order of
// the list nor the other conditions: a word that each finding has costs it half
// a second, and reading along all words here costs a few milliseconds, whatever
// is asked, with an exact total.
//
// It is filled in the background when the records are opened; until then, and
// past its bound, the database is searched. A change is put in before the change
// returns, so a search never misses what was acknowledged.
type searchable struct {
	mu     sync.RWMutex
	rows   []searchRow       // by row number; one without an id is none
	rules  map[string]string // one copy of each
	filled bool
	over   bool          // there are more than limit
	doubt  chan struct{} // asks for a new filling
	limit  int64         // of row numbers
	ready  chan struct{} // closed when it was filled for the first time
	once   sync.Once     // closes ready
}

// searchRow is what can be asked of one finding.
type searchRow struct {
	place                     int64
	id, rule, subject         string
	assignee                  string
	state                     finding.State
	words                     string // with a space around each
	severity, grade, presents uint8
	domains                   uint8
}

func newSearchable(limit int64) *searchable {
	return &searchable{rules: map[string]string{}, doubt: make(chan struct{}, 1), limit: limit, over: limit <= 0, ready: make(chan struct{})}
}

// Searchable is closed when the words of all findings have been read after the
// records were opened. Searches are answered before that too, by the database.
func (r *Records) Searchable() <-chan struct{} { return r.searchable.ready }

// savedRow is a row to be taken in; its words are those of text.
type savedRow struct {
	searchRow
	n    int64
	text string
	same bool // the text is as it was before
}

// savedRowOf is the row of a finding that was something else before.
func savedRowOf(was, is shape, f *finding.Finding) savedRow {
	row := searchRow{place: placeOf(f), id: f.ID, rule: f.Rule, subject: f.Subject.ID, assignee: f.Assignee, state: f.State,
		severity: uint8(f.Severity), grade: uint8(f.Grade), presents: uint8(is.present), domains: uint8(is.domains)}
	return savedRow{searchRow: row, n: is.n, text: is.text, same: was.n != 0 && was.text == is.text}
}

// put takes in what was committed.
func (s *searchable) put(rows []savedRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range rows {
		s.set(&rows[i], true)
	}
}

// set writes a row. One that is there already is newer than what a filling read.
func (s *searchable) set(row *savedRow, newer bool) {
	n := row.n
	if n <= 0 || s.over {
		return
	}
	if n > s.limit {
		s.over, s.rows = true, nil
		return
	}
	if missing := int(n) + 1 - len(s.rows); missing > 0 {
		s.rows = append(s.rows, make([]searchRow, missing)...)
	}
	old := &s.rows[n]
	if old.id != "" && !newer {
		return
	}
	kept := row.searchRow
	if old.id != "" { // rule and subject make the id
		kept.id, kept.rule, kept.subject, kept.words = old.id, old.rule, old.subject, old.words
		if row.assignee != "" {
			kept.assignee = strings.Clone(row.assignee)
		}
		if !row.same {
			kept.words = " " + plainLetters(wordsOf(row.text)) + " "
		}
		*old = kept
		return
	}
	rule, known := s.rules[row.rule]
	if !known {
		rule = strings.Clone(row.rule)
		s.rules[rule] = rule
	}
	kept.id, kept.rule, kept.subject, kept.assignee = strings.Clone(row.id), rule, strings.Clone(row.subject), strings.Clone(row.assignee)
	kept.words = " " + plainLetters(wordsOf(row.text)) + " "
	*old = kept
}

// distrust empties the index and asks for a new filling: it is not known
// whether a change was committed.
func (s *searchable) distrust() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows, s.filled, s.over = nil, false, s.limit <= 0
	select {
	case s.doubt <- struct{}{}:
	default: // one is asked for already
	}
}

// keepSearchable fills the index, and again when it is doubted, until ctx is done.
func (r *Records) keepSearchable(ctx context.Context) {
	for {
		if err := r.fillSearchable(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("reading the words of the findings; searches are slower without", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-r.searchable.doubt:
		}
	}
}

// fillAtOnce is how many findings one query of a filling reads.
const fillAtOnce = 500

// fillSearchable reads all findings in parts, so that no long reading holds back
// the log of the database.
func (r *Records) fillSearchable(ctx context.Context) error {
	query := "SELECT f.n, f.place, f.id, f.rule, f.subject, f.assignee, f.state, f.severity, f.grade, f.present, f.domains, d.document " +
		"FROM findings f JOIN finding_documents d ON d.n = f.n WHERE f.n > ? ORDER BY f.n LIMIT ?"
	s := r.searchable
	for last, more := int64(0), true; more && last <= s.limit; {
		var part []savedRow
		err := r.each(ctx, query, []any{last, fillAtOnce}, func(rows *sql.Rows) error {
			var row savedRow
			var document sql.RawBytes
			var told struct {
				Title, Summary string
				Subject        finding.Subject
			}
			if err := rows.Scan(&row.n, &row.place, &row.id, &row.rule, &row.subject, &row.assignee, &row.state, &row.severity, &row.grade, &row.presents, &row.domains, &document); err != nil {
				return err
			}
			if err := json.Unmarshal(document, &told); err != nil {
				return fmt.Errorf("reading the document of finding %s: %w", row.id, err)
			}
			row.text = textOf(&finding.Finding{ID: row.id, Occurrence: finding.Occurrence{Rule: row.rule, Subject: told.Subject, Title: told.Title, Summary: told.Summary}})
			part = append(part, row)
			return nil
		})
		if err != nil {
			return err
		}
		s.mu.Lock()
		for i := range part {
			s.set(&part[i], false)
		}
		s.mu.Unlock()
		if more = len(part) == fillAtOnce; len(part) > 0 {
			last = part[len(part)-1].n
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filled = len(s.doubt) == 0
	s.once.Do(func() { close(s.ready) })
	return nil
}

// find returns the places of the first q.Limit findings behind a cursor that
// have all words (the last word also finds longer ones), in the order of lists,
// one more where there are more, and how many there are in all. It reports false
// where the index can't answer.
func (s *searchable) find(q finding.Query, words []string, behind *cursor) (found []place, total int, ok bool) {
	needles := make([]string, len(words))
	for i, w := range words {
		needles[i] = " " + plainLetters(w)
		if i < len(words)-1 {
			needles[i] += " "
		}
	}
	slices.SortStableFunc(needles, func(a, b string) int { return len(b) - len(a) }) // long words are rarer
	domains := uint8(domainBits(q.Domains))
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.filled || s.over {
		return nil, 0, false
	}
	for n := range s.rows {
		row := &s.rows[n]
		if row.id == "" || !row.selected(&q, domains) || !row.has(needles) {
			continue
		}
		total++
		at := cursor{row.place, row.id}
		if behind != nil && at.compare(*behind) <= 0 {
			continue
		}
		if len(found) > q.Limit && at.compare(found[q.Limit].cursor) > 0 {
			continue
		}
		i, _ := slices.BinarySearchFunc(found, at, func(p place, at cursor) int { return p.compare(at) })
		found = slices.Insert(found, i, place{at, int64(n)})
		found = found[:min(len(found), q.Limit+1)]
	}
	return found, total, true
}

// selected reports whether the row meets the conditions of q but for the words.
func (row *searchRow) selected(q *finding.Query, domains uint8) bool {
	switch {
	case len(q.States) > 0 && !slices.Contains(q.States, row.state),
		len(q.Domains) > 0 && row.domains&domains == 0,
		row.severity < uint8(q.Severity), row.grade < uint8(q.Grade),
		q.Present != nil && row.presents != uint8(number(*q.Present)),
		len(q.Rules) > 0 && !slices.Contains(q.Rules, row.rule),
		q.Subject != "" && row.subject != q.Subject,
		q.Assignee != "" && row.assignee != q.Assignee,
		!q.Since.IsZero() && lastOf(row.place) < micros(q.Since):
		return false
	}
	return true
}

func (row *searchRow) has(needles []string) bool {
	for _, w := range needles {
		if !strings.Contains(row.words, w) {
			return false
		}
	}
	return true
}

// plainLetters takes the accents off, as the index of SQLite does: who looks
// for Malmo finds Malmö.
func plainLetters(s string) string {
	if !slices.ContainsFunc([]byte(s), func(b byte) bool { return b >= 0x80 }) {
		return s
	}
	return strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Mn, c) {
			return -1
		}
		return c
	}, norm.NFD.String(s))
}

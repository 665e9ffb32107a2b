package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// manyHits is how many findings may have the words of a search before counting
// stops, and before the search goes along the list rather than along the hits:
// the index of words does not know the order of the list.
const manyHits = 5000

// words is the search of a query for the index of words, "" where there is none.
func (d *Dialect) words(text string) string {
	words := searched(text)
	for i, w := range words {
		words[i] = d.word(w, i == len(words)-1)
	}
	return strings.Join(words, d.and)
}

// searched are the words that are looked for.
func searched(text string) []string {
	words := split(text)
	return words[:min(maxWords, len(words))]
}

// place is a finding by its place in lists.
type place struct {
	cursor
	n int64
}

// lookUp is List for queries with words by what is held in memory. It reports
// false where that can't answer.
func (s Findings) lookUp(ctx context.Context, q finding.Query) (page finding.Page, ok bool, err error) {
	var behind *cursor
	if q.Cursor != "" {
		at, err := parseCursor(q.Cursor)
		if err != nil {
			return page, false, err
		}
		behind = &at
	}
	found, total, ok := s.r.searchable.find(q, searched(q.Text), behind)
	if !ok {
		return page, false, nil
	}
	page.Total = total
	if len(found) > q.Limit {
		found = found[:q.Limit]
		page.Next = found[q.Limit-1].cursor.String()
	}
	page.Findings, err = s.at(ctx, found)
	return page, true, err
}

// search is List for queries with words by the index of the database; c holds
// the other conditions.
func (s Findings) search(ctx context.Context, q finding.Query, c conditions, words string) (finding.Page, error) {
	var page finding.Page
	d := &s.r.dialect
	counted := "SELECT count(*), coalesce(sum(CASE WHEN " + c.all() + " THEN 1 ELSE 0 END), 0) FROM (" + d.hits + " LIMIT ?) w CROSS JOIN findings f WHERE f.n = w.n" // CROSS JOIN makes SQLite begin with the words
	var hits int
	if err := s.r.row(ctx, counted, append(slices.Clone(c.args), words, manyHits+1), &hits, &page.Total); err != nil {
		return page, fmt.Errorf("counting what has the words: %w", err)
	}
	page.AtLeast = hits > manyHits
	if err := c.after(q.Cursor); err != nil {
		return page, err
	}
	// With few hits the quickest way is along them; with many, along the list.
	from := "(" + d.hits + ") w CROSS JOIN findings f WHERE f.n = w.n AND "
	if page.AtLeast {
		from = "findings f WHERE f.n IN (" + d.hits + ") AND "
	}
	found, err := s.places(ctx, "SELECT f.place, f.id, f.n FROM "+from+c.all()+" ORDER BY f.place, f.id LIMIT ?",
		append(append([]any{words}, c.args...), q.Limit+1))
	if err != nil {
		return page, fmt.Errorf("searching for words: %w", err)
	}
	if len(found) > q.Limit {
		found = found[:q.Limit]
		page.Next = found[q.Limit-1].cursor.String()
	}
	page.Total = max(page.Total, len(found))
	page.Findings, err = s.at(ctx, found)
	return page, err
}

func (s Findings) places(ctx context.Context, query string, args []any) (out []place, err error) {
	err = s.r.each(ctx, query, args, func(rows *sql.Rows) error {
		var p place
		err := rows.Scan(&p.Place, &p.ID, &p.n)
		out = append(out, p)
		return err
	})
	return out, err
}

// at reads the findings at places, in their order.
func (s Findings) at(ctx context.Context, places []place) ([]finding.Finding, error) {
	out := make([]finding.Finding, 0, len(places))
	for len(places) > 0 {
		some := places[:min(idsAtOnce, len(places))]
		places = places[len(some):]
		args, read := make([]any, len(some)), make(map[int64]finding.Finding, len(some))
		ids := make(map[int64]string, len(some))
		for i, p := range some {
			args[i], ids[p.n] = p.n, p.ID
		}
		err := s.r.each(ctx, "SELECT n, document FROM finding_documents WHERE n IN ("+marks(len(some))+")", args, func(rows *sql.Rows) error {
			var n int64
			var document sql.RawBytes
			if err := rows.Scan(&n, &document); err != nil {
				return err
			}
			f, err := s.r.documents.read(ids[n], document)
			read[n] = f
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, p := range some {
			out = append(out, read[p.n])
		}
	}
	return out, nil
}

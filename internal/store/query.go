package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity/audit"
)

// conditions gathers the WHERE clause of a query.
type conditions struct {
	text []string
	args []any
}

func (c *conditions) add(text string, args ...any) {
	c.text, c.args = append(c.text, text), append(c.args, args...)
}

func (c *conditions) where() string {
	if len(c.text) == 0 {
		return ""
	}
	return " WHERE " + c.all()
}

// all is the conditions as one, true where there are none.
func (c *conditions) all() string {
	if len(c.text) == 0 {
		return "1 = 1"
	}
	return strings.Join(c.text, " AND ")
}

// after adds that the page begins behind a cursor; "" is the first page.
func (c *conditions) after(at string) error {
	if at == "" {
		return nil
	}
	after, err := parseCursor(at)
	if err == nil {
		c.add("(f.place, f.id) > (?, ?)", after.Place, after.ID)
	}
	return err
}

// anyOf adds that column holds one of the values, where there are any.
func anyOf[T ~string](c *conditions, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = string(v)
	}
	c.add(column+" IN ("+marks(len(values))+")", args...)
}

// tallied adds the conditions of q that the tallies can answer too.
func (c *conditions) tallied(q finding.Query) {
	anyOf(c, "state", q.States)
	if len(q.Domains) > 0 {
		c.add("domains & ? <> 0", domainBits(q.Domains))
	}
	if q.Severity > 0 {
		c.add("severity >= ?", int(q.Severity))
	}
	if q.Grade > 0 {
		c.add("grade >= ?", int(q.Grade))
	}
	if q.Present != nil {
		c.add("present = ?", number(*q.Present))
	}
}

// others adds the conditions of q that need the findings, but for words, and
// reports whether there are any.
func (c *conditions) others(q finding.Query) bool {
	before := len(c.text)
	anyOf(c, "rule", q.Rules)
	if q.Subject != "" {
		c.add("subject = ?", q.Subject)
	}
	if !q.Since.IsZero() {
		c.add("last_at >= ?", micros(q.Since))
	}
	if q.Assignee != "" {
		c.add("assignee <> '' AND assignee = ?", q.Assignee) // the first half lets the index of those that have one be used
	}
	return len(c.text) > before
}

// word is a word of a search. The last one, which may still be being typed,
// also finds longer words.
func (d *Dialect) word(w string, last bool) string {
	if !d.numbered {
		w = `"` + w + `"`
	}
	if last {
		w += d.prefix
	}
	return w
}

// cursor is the place after which the next page begins.
type cursor struct {
	Place int64  `json:"p"`
	ID    string `json:"i"`
}

func (c cursor) String() string {
	b, _ := json.Marshal(c) // a number and a string can always be written
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string) (c cursor, err error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return c, fmt.Errorf("%w: %q is not a cursor that a page gave", finding.ErrInvalid, s)
	}
	return c, nil
}

// compare orders places as lists do.
func (c cursor) compare(o cursor) int {
	return cmp.Or(cmp.Compare(c.Place, o.Place), strings.Compare(c.ID, o.ID))
}

// List implements finding.Store.
func (s Findings) List(ctx context.Context, q finding.Query) (finding.Page, error) {
	var c conditions
	c.tallied(q)
	counted := !c.others(q)
	if words := s.r.dialect.words(q.Text); words != "" {
		if page, ok, err := s.lookUp(ctx, q); ok || err != nil {
			return page, err
		}
		return s.search(ctx, q, c, words)
	}
	var page finding.Page
	if err := s.total(ctx, c, counted, &page.Total); err != nil {
		return page, err
	}
	if err := c.after(q.Cursor); err != nil {
		return page, err
	}
	query := "SELECT f.place, f.id, d.document FROM findings f JOIN finding_documents d ON d.n = f.n" + c.where() + " ORDER BY f.place, f.id LIMIT ?"
	var last cursor
	err := s.r.each(ctx, query, append(c.args, q.Limit+1), func(rows *sql.Rows) error {
		var at cursor
		var document sql.RawBytes
		if err := rows.Scan(&at.Place, &at.ID, &document); err != nil {
			return err
		}
		if len(page.Findings) == q.Limit {
			page.Next = last.String()
			return nil
		}
		last = at
		f, err := s.r.documents.read(at.ID, document)
		page.Findings = append(page.Findings, f)
		return err
	})
	return page, err
}

// total counts what the conditions select.
func (s Findings) total(ctx context.Context, c conditions, tallied bool, total *int) error {
	query := "SELECT count(*) FROM findings f" + c.where()
	if tallied {
		query = "SELECT coalesce(sum(n), 0) FROM finding_tallies" + c.where()
	}
	return s.r.row(ctx, query, c.args, total)
}

// Get implements finding.Store.
func (s Findings) Get(ctx context.Context, id string) (finding.Finding, error) {
	var document []byte
	var f finding.Finding
	err := s.r.row(ctx, "SELECT d.document FROM findings f JOIN finding_documents d ON d.n = f.n WHERE f.id = ?", []any{id}, &document)
	if errors.Is(err, sql.ErrNoRows) {
		return f, finding.ErrNotFound
	}
	if err != nil {
		return f, err
	}
	return s.r.documents.read(id, document)
}

// History implements finding.Store.
func (s Findings) History(ctx context.Context, id string) ([]finding.Entry, error) {
	var out []finding.Entry
	err := s.r.each(ctx, "SELECT seq, body FROM audit_entries WHERE subject = ? ORDER BY seq", []any{subjectOf(id)}, func(rows *sql.Rows) error {
		var row audit.Row
		if err := rows.Scan(&row.Seq, &row.Body); err != nil {
			return err
		}
		e, err := row.Decode()
		out = append(out, finding.Entry{Time: e.Time, Actor: e.Actor, Action: e.Action, Detail: e.Detail})
		return err
	})
	if err == nil && len(out) == 0 { // every finding has been raised
		err = finding.ErrNotFound
	}
	return out, err
}

// Summary implements finding.Store.
func (s Findings) Summary(ctx context.Context, now time.Time) (finding.Summary, error) {
	out := finding.Summary{ByState: map[finding.State]int{}, ByDomain: map[finding.Domain]int{}, BySeverity: map[string]int{}}
	query := "SELECT state, severity, present, domains, exercise, sum(n) FROM finding_tallies GROUP BY state, severity, present, domains, exercise"
	err := s.r.each(ctx, query, nil, func(rows *sql.Rows) error {
		var k kind
		var n int
		if err := rows.Scan(&k.state, &k.severity, &k.present, &k.domains, &k.exercise, &n); err != nil || n == 0 {
			return err
		}
		add(&out, k, n)
		return nil
	})
	if err != nil {
		return out, err
	}
	// Both at once: in a flood there is much to count.
	query = "SELECT count(*), coalesce(sum(CASE WHEN at > ? THEN 1 ELSE 0 END), 0) FROM finding_notices WHERE change = ? AND at > ? AND at <= ? AND state <> ?"
	args := []any{micros(now.Add(-10 * time.Minute)), string(finding.Raised), micros(now.Add(-time.Hour)), micros(now), string(finding.Shelved)}
	if err := s.r.row(ctx, query, args, &out.LastHour, &out.Last10Min); err != nil {
		return out, err
	}
	return out, nil
}

// add counts n findings of a kind.
func add(s *finding.Summary, k kind, n int) {
	s.ByState[finding.State(k.state)] += n
	if k.present == 0 || k.state == string(finding.Resolved) {
		return
	}
	s.BySeverity[finding.Severity(k.severity).String()] += n
	s.Exercise += k.exercise * n
	for i, d := range allDomains {
		if k.domains&(1<<i) != 0 {
			s.ByDomain[d] += n
		}
	}
}

// Package csaf reads the Common Security Advisory Framework 2.0 (OASIS
// standard, errata 01): it tells whether a document is valid, and where and by
// which clause it is not. It exists because what is matched to the machines of
// a port, and what a port tells others, must not rest on half-understood
// documents. It imports nothing of this repository; the sources of advisories,
// the advisory room and the commands import it.
//
// The schema (section 3) and the mandatory tests (6.1) are written from the
// text of the standard, not generated. Optional and informative tests (6.2,
// 6.3) are warnings and notes. Not done: 6.3.6 and 6.3.7 (they would open
// connections) and 6.3.8 (spelling).
package csaf

import (
	"cmp"
	"fmt"
	"slices"
)

// Level is how much a problem weighs.
type Level string

// Levels, as the standard wants its tests to be taken.
const (
	Error   Level = "error"   // the schema, or a mandatory test (6.1): the document is not valid
	Warning Level = "warning" // an optional test (6.2)
	Note    Level = "note"    // an informative test (6.3)
)

func (l Level) rank() int { return slices.Index([]Level{Error, Warning, Note}, l) }

// Problem is one failure of one test.
type Problem struct {
	Level  Level  `json:"level"`
	Clause string `json:"clause"` // of CSAF 2.0, such as "6.1.9"; of RFC 8259 where it is no JSON
	Path   string `json:"path"`   // JSON Pointer (RFC 6901); "" is the whole document
	Text   string `json:"text"`
}

func (p Problem) String() string {
	by := "CSAF 2.0, " + p.Clause
	if p.Clause == notJSON {
		by = p.Clause
	}
	return fmt.Sprintf("%s: %s (%s)", cmp.Or(p.Path, "/"), p.Text, by)
}

// notJSON is the clause of what is no JSON at all.
const notJSON = "RFC 8259"

// maxProblems bounds what is told of one document. More are counted.
const maxProblems = 20_000

// Report is what was found in one document.
type Report struct {
	ID       string    `json:"id,omitempty"`       // tracking id, where there is one
	Category string    `json:"category,omitempty"` // profile
	Problems []Problem `json:"problems"`           // errors first, then warnings, then notes
	More     int       `json:"more,omitempty"`     // problems beyond 20,000, not listed
	// Other names what lies beside the documents of a provider and is none of
	// them: "feed", "provider metadata" or "aggregator". "" for a document.
	Other string `json:"other,omitempty"`
}

// Valid is whether the document keeps the schema and all mandatory tests.
func (r *Report) Valid() bool { return !slices.ContainsFunc(r.Problems, isError) }

func isError(p Problem) bool { return p.Level == Error }

// Errors are the problems that make the document invalid.
func (r *Report) Errors() []Problem {
	return slices.DeleteFunc(slices.Clone(r.Problems), func(p Problem) bool { return p.Level != Error })
}

// Check examines one document.
func Check(text []byte) *Report {
	r, _ := examine(text, true)
	return r
}

// examine reads the tree and runs the tests: all, or only those that make a
// document invalid. The tree is nil where the text is no JSON.
func examine(text []byte, advice bool) (*Report, *node) {
	c := &checker{report: &Report{Problems: []Problem{}}}
	root, err := parse(text)
	if err != nil {
		c.report.Problems = append(c.report.Problems, Problem{Error, notJSON, "", err.Error()})
		return c.report, nil
	}
	c.root = root
	if c.report.Other = other(root); c.report.Other != "" {
		return c.report, nil
	}
	c.report.ID = root.get("document").get("tracking").get("id").str()
	c.report.Category = root.get("document").get("category").str()
	documentShape().check(c, root)
	c.gather()
	c.mandatory()
	if advice {
		c.optional()
		c.informative()
	}
	slices.SortStableFunc(c.report.Problems, func(a, b Problem) int { return cmp.Compare(a.Level.rank(), b.Level.rank()) })
	return c.report, root
}

// other tells files of a provider (CSAF 2.0, 7.1) from documents.
func other(root *node) string {
	switch {
	case root.get("document") != nil:
		return ""
	case root.get("feed") != nil:
		return "feed"
	case root.get("aggregator") != nil:
		return "aggregator"
	case root.get("canonical_url") != nil:
		return "provider metadata"
	}
	return ""
}

// checker is one examination.
type checker struct {
	report   *Report
	root     *node
	products []*node             // full_product_name_t, in order
	byID     map[string]*node    // product id: its first definition
	groups   map[string][]string // product group id: products
	used     map[string]bool     // product ids that something refers to
	strange  []*node             // properties that the schema does not know
}

func (c *checker) tell(level Level, clause string, n *node, format string, args ...any) {
	if len(c.report.Problems) >= maxProblems {
		c.report.More++
		return
	}
	c.report.Problems = append(c.report.Problems, Problem{level, clause, n.path(), fmt.Sprintf(format, args...)})
}

func (c *checker) fail(clause string, n *node, format string, args ...any) {
	c.tell(Error, clause, n, format, args...)
}

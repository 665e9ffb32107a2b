// Package strictyaml reads YAML into Go structs and refuses what it does not
// understand. It exists because the port file and the configuration are written
// by hand under pressure: a misspelt key that is silently ignored is a camera
// that nobody watches. It collects every fault with its line and column, so one
// run shows all of them, and it never guesses: a number that is not a whole
// number, an unquoted true where a name is expected, a key given twice are
// faults, not conversions.
//
// The face is three names: [Decode] reads a document, [Positions] gives the
// line and column of any path in it, so that later checks can point there, and
// [Problems] is what was found. Packages port and config import it; it imports
// nothing of this repository.
package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one fault of a document.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1, in characters
	Path    string `json:"path"`   // such as "zones[3].networks[0]"; empty for the document as a whole
	Text    string `json:"text"`
	Hint    string `json:"hint,omitempty"`    // what to do
	Warning bool   `json:"warning,omitempty"` // the document is used all the same
}

// String is the problem in the form that editors and terminals link:
// file:line:column: text (hint).
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Text)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// Problems are the faults that were found, in the order of the document.
type Problems []Problem //nolint:errname // a list of faults, warnings too, that is an error only by Err

// shownInError is how many problems Error writes out; a caller that wants all ranges over the slice.
const shownInError = 20

// Error lists the problems, one a line, the first twenty of them.
func (ps Problems) Error() string {
	if len(ps) == 0 {
		return "no problems"
	}
	var b strings.Builder
	for i, p := range ps {
		if i == shownInError {
			fmt.Fprintf(&b, "\nand %d more", len(ps)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// Err returns the faults that are not warnings as one error, nil when there are none.
func (ps Problems) Err() error {
	if faults := ps.Faults(); len(faults) > 0 {
		return faults
	}
	return nil
}

// Faults returns the problems that are not warnings.
func (ps Problems) Faults() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return p.Warning })
}

// Warnings returns the problems that are only warnings.
func (ps Problems) Warnings() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return !p.Warning })
}

// Sort orders the problems by place within each file; files keep the order of
// the list order, and files that are not in it come last by name.
func (ps Problems) Sort(order []string) {
	rank := make(map[string]int, len(order))
	for i, f := range order {
		rank[f] = i
	}
	place := func(f string) int {
		if r, ok := rank[f]; ok {
			return r
		}
		return len(order)
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(place(a.File), place(b.File)), cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Text, b.Text))
	})
}

package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/csaf"
	source "github.com/quaywatch/quaywatch/internal/source/advisory"
)

// checked is what advisory check tells of one document.
type checked struct {
	Document string `json:"document"` // path, or "archive!path in it"
	Valid    bool   `json:"valid"`
	Rename   string `json:"should_be_named,omitempty"` // where the file has another name than its id asks for (5.1)
	*csaf.Report
}

// checking is the JSON document of advisory check.
type checking struct {
	Documents int       `json:"documents"`
	Invalid   int       `json:"invalid"`
	Skipped   int       `json:"skipped"` // feeds and provider metadata beside the documents
	Reports   []checked `json:"reports"` // of documents with something to tell
}

// likeEach is how many problems of one clause are printed for a document.
const likeEach = 3

func newAdvisoryCheck() *cobra.Command {
	var asJSON bool
	var level string
	c := &cobra.Command{
		Use:   "check PATH…",
		Short: "Validate CSAF 2.0 documents (files, folders, archives, or - for standard input)",
		Long: `Check validates documents against CSAF 2.0: the schema (section 3), all mandatory
tests (6.1), and as warnings and notes the optional (6.2) and informative (6.3)
ones. Each problem is told with document, place (JSON Pointer) and clause.

Nothing is fetched: tests that would open connections (6.3.6, 6.3.7) are not done,
nor is spelling (6.3.8).

Exit codes: 0 done, all are valid; 1 failed; 2 used wrongly; 3 done, and a document
is not valid.`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("advisory check takes files, folders, archives or - (see 'quaywatch advisory check --help')")
			}
			most := map[string]int{"error": 0, "warning": 1, "note": 2}
			deepest, known := most[level]
			if !known {
				return usagef("--level is error, warning or note")
			}
			out := checking{Reports: []checked{}}
			w := plain{c.OutOrStdout()}
			look := func(name string, text []byte) error {
				r := checked{name, true, "", csaf.Check(text)}
				if r.Other != "" {
					out.Skipped++
					return nil
				}
				r.Valid = r.Report.Valid()
				if want := csaf.Filename(r.ID); r.ID != "" && name != "stdin" && filepath.Base(name[strings.LastIndexByte(name, '!')+1:]) != want {
					r.Rename = want
				}
				out.Documents++
				if !r.Valid {
					out.Invalid++
				}
				kept := r.Problems[:0]
				for _, p := range r.Problems {
					if most[string(p.Level)] <= deepest {
						kept = append(kept, p)
					}
				}
				r.Problems = kept
				if len(kept) == 0 && (r.Rename == "" || deepest == 0) {
					return nil
				}
				if asJSON {
					out.Reports = append(out.Reports, r)
					return nil
				}
				return printChecked(w, &r)
			}
			end := startProgress(c, "checking advisories")
			err := visitAll(c, args, look)
			end()
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(c.OutOrStdout(), out)
			} else {
				_, err = fmt.Fprintf(w, "%d documents, %d not valid, %d other files left out\n", out.Documents, out.Invalid, out.Skipped)
			}
			if err == nil && out.Invalid > 0 {
				return errViolations
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().StringVar(&level, "level", "warning", "the least that is told: error, warning or note")
	return c
}

func visitAll(c *cobra.Command, paths []string, look func(string, []byte) error) error {
	for _, p := range paths {
		if p != "-" {
			if err := source.Visit(c.Context(), p, look); err != nil {
				return err
			}
			continue
		}
		text, err := io.ReadAll(io.LimitReader(c.InOrStdin(), csaf.MaxDocument+1))
		if err != nil {
			return fmt.Errorf("reading standard input: %w", err)
		}
		if err := look("stdin", text); err != nil {
			return err
		}
	}
	return nil
}

// printChecked prints the problems, a few of each clause.
func printChecked(w io.Writer, r *checked) error {
	word := "valid"
	if !r.Valid {
		word = "NOT VALID"
	}
	fmt.Fprintf(w, "%s: %s\n", r.Document, word)
	if r.Rename != "" {
		fmt.Fprintf(w, "  warning: the file should be named %s (CSAF 2.0, 5.1)\n", r.Rename)
	}
	count := map[string]int{}
	for _, p := range r.Problems {
		if count[p.Clause]++; count[p.Clause] <= likeEach {
			fmt.Fprintf(w, "  %s: %s\n", p.Level, p)
		}
	}
	for _, p := range r.Problems {
		if more := count[p.Clause] - likeEach; more > 0 {
			fmt.Fprintf(w, "  %d more like those of %s (--json lists them)\n", more, p.Clause)
			count[p.Clause] = 0
		}
	}
	if r.More > 0 {
		fmt.Fprintf(w, "  %d more problems that are not listed\n", r.More)
	}
	_, err := fmt.Fprintln(w)
	return err
}

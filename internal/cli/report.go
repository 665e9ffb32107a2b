package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/risk"
)

func init() { commands = append(commands, newReportCommand) }

func newReportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "report",
		Short: "Documents for people who decide",
	}
	c.AddCommand(newBoardReport())
	return c
}

func newBoardReport() *cobra.Command {
	var f riskFlags
	var out, last, history string
	c := &cobra.Command{
		Use:   "board --port P -o F.pdf",
		Short: "What is our risk, and what are we doing about it: two pages and a memo",
		Long: `Board assesses the port as "risk run" and "risk portfolio" do and writes the report
to the board as PDF, HTML or JSON, after the ending of -o: decisions asked, exposure
against appetite, the five dearest scenarios, money against risk lowered, what was
really tried, suppliers, and a memo with the evidence of every figure. It is a
draft: signing is done in the console.

--last is the JSON of the report that it is compared with. --history is the
risk.ndjson of a running system, whose causes it then names. With --advisories it
says whose products are weak.

The same files, seed and --as-of give the same HTML and JSON.

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			write, err := boardWriter(c, out)
			if err != nil {
				return err
			}
			b, err := f.board(c, last, history)
			if err != nil {
				return err
			}
			return report.Replace(out, func(w io.Writer) error { return write(b, w) })
		},
	}
	f.flags(c)
	_ = c.Flags().MarkHidden("json") // -o F.json says it
	c.Flags().StringVarP(&out, "output", "o", "", "file to write: .pdf, .html or .json (required)")
	c.Flags().StringVar(&last, "last", "", "JSON of the last report, to compare with")
	c.Flags().StringVar(&history, "history", "", "risk.ndjson of a running system, for the causes of what changed")
	return c
}

func boardWriter(c *cobra.Command, out string) (func(*report.Board, io.Writer) error, error) {
	switch filepath.Ext(out) {
	case ".pdf":
		return func(b *report.Board, w io.Writer) error { return b.WritePDF(c.Context(), w, nil) }, nil
	case ".html":
		return func(b *report.Board, w io.Writer) error { return b.WriteHTML(w, nil) }, nil
	case ".json":
		return func(b *report.Board, w io.Writer) error {
			data, err := b.JSON()
			if err == nil {
				_, err = w.Write(data)
			}
			return err
		}, nil
	}
	return nil, usagef("-o %q: name a file that ends in .pdf, .html or .json", out)
}

// board assesses the port and makes the report.
func (f *riskFlags) board(c *cobra.Command, last, history string) (*report.Board, error) {
	in := report.BoardInput{}
	if last != "" {
		data, err := os.ReadFile(last)
		if err != nil {
			return nil, fmt.Errorf("reading the last report: %w", err)
		}
		if in.Last, err = report.ParseBoard(data); err != nil {
			return nil, fmt.Errorf("%s: %w", last, err)
		}
	}
	at, err := momentOf(f.asOf)
	if err != nil {
		return nil, err
	}
	defer startProgress(c, "assessing")()
	a, inputs, err := f.score(c, f.port, f.risk)
	if err != nil {
		return nil, err
	}
	in.Port, in.AsOf = inputs.Port, at
	in.Standing = risk.Standing{Assessment: a, Declared: inputs.File, File: f.risk}
	if in.Standing.File == "" {
		in.Standing.File = risk.Beside(f.port)
	}
	if len(inputs.File.Treatments) > 0 {
		if in.Standing.Plan, err = risk.Choose(c.Context(), inputs, a); err != nil {
			return nil, err
		}
	}
	if f.matches != nil {
		in.Products = report.Suppliers(inputs.Port, f.matches)
	}
	if history != "" {
		if in.Standing.History, err = readMoves(history, at); err != nil {
			return nil, err
		}
	}
	return report.NewBoard(&in), nil
}

// readMoves reads the history of the risk up to a moment.
func readMoves(path string, until time.Time) (moves []risk.Move, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the history: %w", err)
	}
	defer file.Close()
	in := bufio.NewScanner(file)
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		var m risk.Move
		if err := json.Unmarshal(in.Bytes(), &m); err != nil {
			return nil, fmt.Errorf("%s line %d: %w", path, n, err)
		}
		if !m.Time.After(until) {
			moves = append(moves, m)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return moves, nil
}

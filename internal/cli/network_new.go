package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// maxNews bounds the rows of an answer.
const maxNews = 100_000

func newNetworkNew() *cobra.Command {
	var asJSON bool
	var portFile, since string
	c := &cobra.Command{
		Use:   "new --since TIME FILE|DIR…",
		Short: "List what was seen since a moment and not before: devices, firmware, services, clients",
		Long: `New holds what came after --since against what came before, in one set of captures
or logs: devices, what they say of themselves, addresses, services, conversations and
operations that were not seen before, and devices that were heard after it and have
fallen silent. Name enough captures of the time before: what they do not hold is new.

TIME is a date (midnight UTC), a time after RFC 3339 (2026-11-27T06:00:00Z), or a span
before the newest packet (8h, 90m).

Exit codes: 0 done, also where nothing is new; 1 failed; 2 used wrongly.`,
		Args: needCaptures,
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := sinceOf(since, time.Time{}); err != nil {
				return err
			}
			p, err := loadPort(portFile)
			if err != nil {
				return err
			}
			n, err := readNetwork(c, p, args, nil)
			if err != nil {
				return err
			}
			at, err := sinceOf(since, n.picture.AsOf)
			if err != nil {
				return err
			}
			newly := n.watch.NewSince(network.NewsQuery{Since: at, Limit: maxNews})
			if asJSON {
				return json.NewEncoder(jsonOut{c.OutOrStdout()}).Encode(struct {
					Read     readStats `json:"read"`
					Problems []string  `json:"problems"`
					network.Newly
				}{n.stats, n.problems, newly})
			}
			return printNews(c.OutOrStdout(), n, &newly)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().StringVar(&portFile, "port", "", "port file, to name assets and zones and judge conversations")
	c.Flags().StringVar(&since, "since", "", "the moment (required)")
	return c
}

// sinceOf reads the moment; a span lies before newest.
func sinceOf(text string, newest time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, usagef("network new needs --since (see 'quaywatch network new --help')")
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return newest.Add(-d), nil
	}
	return time.Time{}, usagef("--since %q is no date (2026-11-27), no time (2026-11-27T06:00:00Z) and no span (8h)", text)
}

func printNews(out io.Writer, n *networkRun, newly *network.Newly) error {
	b := bufio.NewWriter(out)
	printRead(b, n.stats)
	if newly.From.After(newly.Since) {
		fmt.Fprintf(b, "Nothing before %s was read: what was there longer is listed as new too.\n", newly.From.UTC().Format(time.RFC3339))
	}
	if len(newly.Gaps) > 0 {
		g := newly.Gaps[0]
		fmt.Fprintf(b, "In %s nothing was heard at all, in %d gaps; the longest from %s to %s.\n", newly.Deaf, len(newly.Gaps)+newly.GapsLeft, g.From.Format(time.RFC3339), g.To.Format(time.RFC3339))
	}
	if newly.Full > 0 {
		fmt.Fprintf(b, "Of %d devices more was seen than a history holds: what is new of them may be missing.\n", newly.Full)
	}
	if newly.Lost > 0 {
		fmt.Fprintf(b, "%d devices were forgotten because there were too many: those that came back are listed as new.\n", newly.Lost)
	}
	if newly.Total > len(newly.Rows) {
		fmt.Fprintf(b, "%d are new; the %d newest are listed.\n", newly.Total, len(newly.Rows))
	}
	if newly.Total == 0 {
		fmt.Fprintf(b, "Nothing is new since %s.\n", newly.Since.UTC().Format(time.RFC3339))
		return b.Flush()
	}
	w := tabwriter.NewWriter(plain{b}, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tWHAT\tDEVICE\tZONE\tIT\tBY THE PORT FILE\tPACKET")
	for i := range newly.Rows {
		r := &newly.Rows[i]
		place := ""
		if r.Mark.Evidence.Raw.Input != "" {
			place = r.Mark.Evidence.Raw.Where()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Time.UTC().Format(time.RFC3339), r.Kind, cell(r.Name), dash(r.Zone), cell(r.Text), dash(judgedNews(r)), dash(cell(place)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return b.Flush()
}

// judgedNews is what the port file says of a row.
func judgedNews(r *network.News) string {
	switch r.Approved {
	case "yes":
		return "approved"
	case "no":
		return "NOT APPROVED: " + cell(r.Why)
	}
	return string(r.Mark.Verdict)
}

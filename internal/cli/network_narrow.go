package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/watch/network"
)

func newNetworkNarrow() *cobra.Command {
	var asJSON bool
	var portFile string
	var days int
	c := &cobra.Command{
		Use:   "narrow --port PORT FILE|DIR…",
		Short: "Propose narrower conduits, from what a month of traffic needed of them",
		Long: `Narrow holds each declared conduit against the traffic: which transports, ports,
applications and kinds of access were used, and by whom. Where less was used than
is declared it prints the narrower conduit as it would stand in the port file.

Nothing is proposed where the traffic covers less than --days, has gaps, or where
nothing of a zone was heard: the verdict is then undecided, with the reason.

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		Args: needCaptures,
		RunE: func(c *cobra.Command, args []string) error {
			if portFile == "" {
				return usagef("network narrow needs --port (see 'quaywatch network narrow --help')")
			}
			if days < 1 || days > 3650 {
				return usagef("--days is 1 to 3650, not %d", days)
			}
			p, err := loadPort(portFile)
			if err != nil {
				return err
			}
			n, err := readNetwork(c, p, args, nil)
			if err != nil {
				return err
			}
			conduits := n.watch.Narrow(days)
			if asJSON {
				return json.NewEncoder(jsonOut{c.OutOrStdout()}).Encode(narrowings{n.picture.AsOf, n.stats, n.problems, days, conduits})
			}
			return printNarrowings(c.OutOrStdout(), n, conduits)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().StringVar(&portFile, "port", "", "port file that declares zones and conduits (required)")
	c.Flags().IntVar(&days, "days", network.NarrowDays, "days that the traffic must cover")
	return c
}

// narrowings is the JSON document of the verb.
type narrowings struct {
	AsOf     time.Time           `json:"as_of"`
	Read     readStats           `json:"read"`
	Problems []string            `json:"problems"`
	Days     int                 `json:"days"`
	Conduits []network.Narrowing `json:"conduits"`
}

func printNarrowings(out io.Writer, n *networkRun, all []network.Narrowing) error {
	b := bufio.NewWriter(out)
	printRead(b, n.stats)
	for i := range all {
		c := &all[i]
		fmt.Fprintf(b, "\n%s (%s → %s): %s: %s\n", c.Conduit, c.From, c.To, c.Verdict, cell(c.Why))
		for _, u := range c.Unused {
			fmt.Fprintf(b, "  %s\n", u)
		}
		if c.YAML == "" {
			continue
		}
		fmt.Fprintf(b, "  by %s to %s\n", cell(few(c.Clients)), cell(few(c.Servers)))
		for l := range strings.Lines(c.YAML) {
			fmt.Fprint(b, "    "+l)
		}
	}
	return b.Flush()
}

package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/cargo"
	"github.com/quaywatch/quaywatch/internal/report"
)

func newPaper() *cobra.Command {
	var portFile, snapshots, terminal, before, asOf, out string
	var asJSON bool
	c := &cobra.Command{
		Use:   "paper --port P [--snapshots D] -o DIR",
		Short: "Print the set that a terminal works from when its systems are dead",
		Long: `Paper writes paper-pack.pdf and paper-pack.html: contacts, who may decide what,
working by hand, and from the newest snapshot that can be trusted holds, releases,
reefers with set points, dangerous goods, calls with stowage, the inventory by block
and the sheet to reconcile it, then numbered forms.

--snapshots is a directory of exports of the terminal operating system, each in a
folder named after its time (see the manual, Continuity). One that was changed or
not written to its end is passed over, and the pack says so. --trusted-before is
the last moment at which the system was surely sound.

Exit codes: 0 printed; 1 failed; 2 used wrongly; 3 printed, without cargo.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if portFile == "" || out == "" {
				return usagef("see '%s --help': --port and -o are needed", c.CommandPath())
			}
			var bound time.Time
			if before != "" {
				var err error
				if bound, err = time.Parse(time.RFC3339, before); err != nil {
					return usagef("--trusted-before %q is not a time such as 2026-11-23T14:00:00Z", before)
				}
			}
			now, err := momentOf(asOf)
			if err != nil {
				return err
			}
			if ahead := now.Add(5 * time.Minute); bound.IsZero() || bound.After(ahead) {
				bound = ahead // a snapshot from the future would be the newest one for ever
			}
			p, err := loadPort(portFile)
			if err != nil {
				return err
			}
			in := report.PaperInput{Port: p, Terminal: terminal, AsOf: now.Truncate(time.Second), NoCargo: "no --snapshots were given"}
			if snapshots != "" {
				in.Snapshot, in.Passed, err = cargo.Newest(snapshots, bound)
				if err != nil {
					in.NoCargo = err.Error()
				}
			}
			pack, err := report.Paper(&in)
			if err != nil {
				return err
			}
			if err := pack.WriteInto(c.Context(), out); err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(c.OutOrStdout(), pack)
			} else {
				w := plain{c.OutOrStdout()}
				fmt.Fprintf(w, "%d sheets for %s in %s\n", len(pack.Sheets), pack.Terminal, out)
				for _, x := range pack.Warnings {
					fmt.Fprintln(w, x)
				}
			}
			if err == nil && in.Snapshot == nil {
				err = errViolations
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&portFile, "port", "", "port file (required)")
	f.StringVar(&snapshots, "snapshots", "", "directory of snapshots of the terminal operating system")
	f.StringVar(&terminal, "terminal", "", "id of the terminal (default: the first container terminal)")
	f.StringVar(&before, "trusted-before", "", "use no snapshot taken at or after this time (RFC 3339)")
	f.StringVar(&asOf, "as-of", "", "moment that the pack speaks of (RFC 3339; default: now)")
	f.StringVarP(&out, "output", "o", "", "directory to write into (required)")
	f.BoolVar(&asJSON, "json", false, "print the pack as one JSON object")
	return c
}

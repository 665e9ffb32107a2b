package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/advisory"
)

func newAdvisoryVEX() *cobra.Command {
	var n notices
	var portFile, asOf, namespace, tlp, id string
	c := &cobra.Command{
		Use:   "vex --port P --advisories D [--decisions F]",
		Short: "Write what the notices mean for the assets as a CSAF 2.0 VEX document",
		Long: `Vex writes every verdict as a document of the CSAF profile VEX: each asset is a
product, affected, not affected with the reason, or under investigation where it
is undecided. Decisions that hold are in it, with their justification. The
document is checked against the standard before it is printed.

Exit codes: 0 done; 1 failed, or there is nothing to tell; 2 used wrongly.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if portFile == "" {
				return usagef("advisory vex needs --port (see 'quaywatch advisory vex --help')")
			}
			if !slices.Contains([]string{"WHITE", "GREEN", "AMBER", "RED"}, tlp) {
				return usagef("--tlp is WHITE, GREEN, AMBER or RED")
			}
			at, err := momentOf(asOf)
			if err != nil {
				return err
			}
			p, err := loadPort(portFile)
			if err != nil {
				return err
			}
			j, err := n.judge(c, portFile, p, at)
			if err != nil {
				return err
			}
			if namespace == "" {
				namespace = "urn:locode:" + strings.ToLower(p.Identity.LOCODE)
			}
			text, err := advisory.VEX(advisory.Statement{Port: p, Namespace: namespace, TLP: tlp, At: at, ID: id}, j.matches, j.set.ByID)
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(text)
			return err
		},
	}
	n.matchFlags(c)
	c.Flags().StringVar(&portFile, "port", "", "port file (required)")
	c.Flags().StringVar(&asOf, "as-of", "", "date of the document, and the moment at which decisions hold, RFC 3339 (default now)")
	c.Flags().StringVar(&namespace, "namespace", "", "URI of the port as publisher (default urn:locode:…)")
	c.Flags().StringVar(&tlp, "tlp", "AMBER", "who may read it: WHITE, GREEN, AMBER or RED")
	c.Flags().StringVar(&id, "id", "", "tracking id (default LOCODE-VEX-day)")
	return c
}

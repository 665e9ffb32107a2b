package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/csaf/provider"
)

func newAdvisoryFetch() *cobra.Command {
	var o provider.Options
	var keys string
	var asJSON bool
	c := &cobra.Command{
		Use:   "fetch URL -o DIR [--key F] [--host H]",
		Short: "Fetch the documents of a CSAF provider or aggregator into a folder",
		Long: `Fetch reads the metadata of a provider (provider-metadata.json) or an aggregator,
and the documents that its ROLIE feeds list, over https. It asks the host of that
address, and others only where --host names them. A document is kept if its hash
agrees, its signature is by one of the keys of --key (where given), and it can be
read; each that is not is named on standard error. Nothing is deleted, and an
older release never replaces a newer one.

This is the only command of Quaywatch that opens connections for advisories. It
is for a machine with a way to the provider; carry the folder to where there is none.

Exit codes: 0 done; 1 failed; 2 used wrongly; 3 done, and documents were refused.`,
		Args: oneArg("the address of provider-metadata.json or aggregator.json"),
		RunE: func(c *cobra.Command, args []string) error {
			if o.Dir == "" {
				return usagef("advisory fetch needs -o (see 'quaywatch advisory fetch --help')")
			}
			if keys != "" {
				var err error
				if o.Keys, err = os.ReadFile(keys); err != nil {
					return err
				}
			}
			o.Metadata = args[0]
			o.OnReject = func(document string, fault error) {
				fmt.Fprintf(c.ErrOrStderr(), "not kept: %s: %s\n", document, fault)
			}
			end := startProgress(c, "fetching advisories")
			r, err := provider.Fetch(c.Context(), o)
			end()
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(c.OutOrStdout(), r)
			} else {
				_, err = fmt.Fprintf(c.OutOrStdout(), "%d documents in %d feeds: %d new or changed, %d as before, %d refused; %d with neither hash nor signature\n",
					r.Listed, r.Feeds, r.Fetched, r.Unchanged, r.Rejected, r.Unproven)
			}
			if err == nil && r.Rejected > 0 {
				return errViolations
			}
			return err
		},
	}
	c.Flags().StringVarP(&o.Dir, "out", "o", "", "folder for the documents (required)")
	c.Flags().StringVar(&keys, "key", "", "armored OpenPGP public keys; every document must then be signed by one")
	c.Flags().StringSliceVar(&o.Hosts, "host", nil, "further hosts that may be asked, comma separated")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

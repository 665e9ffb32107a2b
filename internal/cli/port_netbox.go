package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/port"
)

func newPortNetBox() *cobra.Command {
	var from, portFile string
	var kinds []string
	c := &cobra.Command{
		Use:   "netbox PORT | netbox --from DEVICES.csv [--kind ROLE=DOMAIN/KIND]… [--port PORT]",
		Short: "Write the assets as CSV for NetBox, or NetBox's devices as an inventory",
		Long: `With a port file: writes its assets as CSV for NetBox's bulk import of devices.
With --from: turns NetBox's CSV of devices into an inventory for assets_csv of a port
file. --kind says what a role of NetBox is, such as --kind "crane plc=ot/plc"; a role
that is the name of a kind of one domain needs none. --port gives the zones of addresses.
Devices that can't be turned are named on standard error; the others are written.

Exit codes: 0 done; 1 failed, or devices were left out; 2 used wrongly.`,
		RunE: func(c *cobra.Command, args []string) error {
			if (from == "") == (len(args) == 0) || len(args) > 1 {
				return usagef("name one port file, or --from with NetBox's CSV")
			}
			if from == "" {
				p, err := loadPort(args[0])
				if err != nil {
					return err
				}
				return p.NetBox(c.OutOrStdout())
			}
			roles := map[string]string{}
			for _, k := range kinds {
				role, kind, ok := strings.Cut(k, "=")
				if !ok || !strings.Contains(kind, "/") {
					return usagef("--kind %q: write ROLE=DOMAIN/KIND, such as \"crane plc=ot/plc\"", k)
				}
				roles[strings.ToLower(role)] = kind
			}
			zones, err := loadPort(portFile)
			if err != nil {
				return err
			}
			f, err := os.Open(from)
			if err != nil {
				return err
			}
			defer f.Close()
			rejected, err := port.FromNetBox(f, c.OutOrStdout(), roles, zones)
			for _, r := range rejected {
				fmt.Fprintf(plain{c.ErrOrStderr()}, "quaywatch: %s %s\n", from, r)
			}
			if err == nil && len(rejected) > 0 {
				err = fmt.Errorf("%d devices were left out", len(rejected))
			}
			return err
		},
	}
	c.Flags().StringVar(&from, "from", "", "NetBox's CSV of devices")
	c.Flags().StringArrayVar(&kinds, "kind", nil, "ROLE=DOMAIN/KIND")
	c.Flags().StringVar(&portFile, "port", "", "port file whose zones hold the addresses")
	return c
}

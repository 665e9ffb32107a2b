package cli

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// maxOperations bounds what is kept of the captures for the answer.
const maxOperations = 1_000_000

func newNetworkWho() *cobra.Command {
	var asJSON bool
	var portFile string
	c := &cobra.Command{
		Use:   "who ASSET FILE|DIR…",
		Short: "Tell who touched a device: what was asked of it, by whom, when, with the packet",
		Long: `Who lists what was asked of one device, by time: writes, programs copied into it
or out of it, starts and stops, firmware, and its clock; who asked, what the device
answered, and the packet that says so. ASSET is an asset of the port file, or an
address (IP or MAC) as it is in the captures. With --port each line also tells
whether the port file approves it.

A line sums up one function of one conversation within a minute.

Exit codes: 0 done, also where nobody touched it; 1 failed; 2 used wrongly.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("name the asset or address, and at least one capture file or directory, or - for standard input")
			}
			return needCaptures(nil, args[1:])
		},
		RunE: func(c *cobra.Command, args []string) error {
			p, err := loadPort(portFile)
			if err != nil {
				return err
			}
			a, err := whoTouched(c, p, args[0], args[1:])
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(jsonOut{c.OutOrStdout()}).Encode(a)
			}
			return printTouches(c.OutOrStdout(), a)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().StringVar(&portFile, "port", "", "port file, to name assets and judge approvals")
	return c
}

// answer is the JSON document of network who.
type answer struct {
	Asset      string    `json:"asset"`
	Addresses  []string  `json:"addresses"`
	AsOf       time.Time `json:"as_of"`
	Read       readStats `json:"read"`
	Problems   []string  `json:"problems"`
	Cut        bool      `json:"cut,omitempty"` // more than were kept: the earliest are here
	Operations []touch   `json:"operations"`
}

// touch is one line of the answer.
type touch struct {
	event.DeviceOperation
	ClientAsset string `json:"client_asset,omitempty"`
	Approved    *bool  `json:"approved,omitempty"` // absent without a port file
	Why         string `json:"why,omitempty"`
}

func whoTouched(c *cobra.Command, p *port.Port, name string, files []string) (*answer, error) {
	if _, err := netip.ParseAddr(name); p != nil && err != nil && p.Asset(name) == nil && !isMAC(name) {
		return nil, fmt.Errorf("%q is neither an asset of the port file nor an address", name)
	}
	a := &answer{Asset: name, Operations: []touch{}}
	var kept []event.DeviceOperation
	n, err := readNetwork(c, p, files, func(b *event.Batch) {
		room := max(0, maxOperations-len(kept))
		a.Cut = a.Cut || len(b.Operations) > room
		kept = append(kept, b.Operations[:min(room, len(b.Operations))]...)
	})
	if err != nil {
		return nil, err
	}
	a.AsOf, a.Read, a.Problems = n.picture.AsOf, n.stats, n.problems
	a.Addresses = network.AddressesOf(p, n.picture.Hosts, name)
	for _, o := range kept {
		if !slices.Contains(a.Addresses, cmp.Or(o.Server.IP, o.Server.MAC)) {
			continue
		}
		a.Operations = append(a.Operations, touchOf(p, o))
	}
	slices.SortStableFunc(a.Operations, func(x, y touch) int {
		return cmp.Or(x.Time.Compare(y.Time), cmp.Compare(x.Raw.Input, y.Raw.Input), cmp.Compare(x.Raw.Line, y.Raw.Line), cmp.Compare(x.Operation, y.Operation))
	})
	return a, nil
}

func isMAC(s string) bool { return len(s) == 17 && s[2] == ':' }

func touchOf(p *port.Port, o event.DeviceOperation) touch {
	t := touch{DeviceOperation: o}
	if p == nil {
		return t
	}
	client, device := assetAt(p, o.Client), assetAt(p, o.Server)
	if client != nil {
		t.ClientAsset = client.ID
	}
	ip, _ := netip.ParseAddr(o.Server.IP) // below IP: in no zone
	may, why := p.MayOperate(client, device, ip, o.Operation, o.Time)
	t.Approved, t.Why = &may, why
	return t
}

func assetAt(p *port.Port, e event.Endpoint) *port.Asset {
	if ip, err := netip.ParseAddr(e.IP); err == nil {
		if a := p.AssetByIP(ip); a != nil {
			return a
		}
		return nil // the MAC may be a router's
	}
	return p.AssetByMAC(e.MAC)
}

func printTouches(out io.Writer, a *answer) error {
	b := bufio.NewWriter(out)
	printRead(b, a.Read)
	if len(a.Operations) == 0 {
		fmt.Fprintf(plain{b}, "Nothing was asked of %s in what was read, but reading.\n", cell(a.Asset))
		return b.Flush()
	}
	w := tabwriter.NewWriter(plain{b}, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tWHO\tOPERATION\tFUNCTION\tDEVICE\tANSWER\tAPPROVED\tPACKET")
	for i := range a.Operations {
		t := &a.Operations[i]
		who := cmp.Or(t.Client.IP, t.Client.MAC)
		if t.ClientAsset != "" {
			who = t.ClientAsset + " (" + who + ")"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Time.UTC().Format(time.RFC3339), cell(who), cell(t.Operation),
			dash(cell(t.Protocol+" "+t.Function)), cell(cmp.Or(t.Server.IP, t.Server.MAC)), answerText(&t.DeviceOperation), approvedText(t), cell(t.Raw.Where()))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if a.Cut {
		fmt.Fprintf(b, "More than %d operations were read; the later ones are left out.\n", maxOperations)
	}
	return b.Flush()
}

func answerText(o *event.DeviceOperation) string {
	switch {
	case o.Accepted > 0 && o.Refused > 0:
		return fmt.Sprintf("%d accepted, %d refused of %d", o.Accepted, o.Refused, o.Asked)
	case o.Accepted > 0:
		return fmt.Sprintf("accepted %d of %d", o.Accepted, o.Asked)
	case o.Refused > 0:
		return fmt.Sprintf("refused %d of %d", o.Refused, o.Asked)
	}
	return fmt.Sprintf("not seen, asked %d times", o.Asked)
}

func approvedText(t *touch) string {
	switch {
	case t.Approved == nil:
		return "-"
	case *t.Approved:
		return "yes"
	}
	return "NO: " + t.Why
}

package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/firewall"
	"github.com/quaywatch/quaywatch/internal/port"
)

// firewallFlags are what both verbs take.
type firewallFlags struct {
	json     bool
	harmless []string
	in       io.Reader // what - stands for
}

func (f *firewallFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	c.Flags().StringArrayVar(&f.harmless, "harmless", nil, "beginning of a line that you state to decide nothing (may be given several times)")
}

func newNetworkFirewall() *cobra.Command {
	var f firewallFlags
	var portFile, asOf string
	c := &cobra.Command{
		Use:   "firewall --port PORT [CONFIG…]",
		Short: "Judge the rules of firewalls against the declared conduits",
		Long: `Firewall reads configurations (iptables-save, nft -j list ruleset, Cisco ASA,
FortiOS, PAN-OS as set commands or XML) and tells which rules permit what no
conduit allows, which are wider than the conduits they serve and what would be
enough, what gets from IT to OT through which rules, and which conduits the rules
do not carry out. Without CONFIG the files that the port file names under
firewalls are read.

What is not understood is listed by line, and what could depend on it is
undecided: never permitted or denied by guess.

Exit codes: 0 done, nothing undue; 1 failed; 2 used wrongly; 3 done, a rule
permits what no conduit allows.`,
		RunE: func(c *cobra.Command, args []string) error {
			at, err := momentOf(asOf)
			if err != nil {
				return err
			}
			if portFile == "" {
				return usagef("network firewall needs --port (see 'quaywatch network firewall --help')")
			}
			p, err := loadPort(portFile)
			if err != nil {
				return err
			}
			f.in = c.InOrStdin()
			devices, err := f.devices(p, portFile, args)
			if err != nil {
				return err
			}
			r := firewall.Judge(p, at.UTC(), devices)
			if f.json {
				err = writeJSON(c.OutOrStdout(), r)
			} else {
				err = printFirewalls(c.OutOrStdout(), r)
			}
			if err == nil && r.Violations() {
				return errViolations
			}
			return err
		},
	}
	f.add(c)
	c.Flags().StringVar(&portFile, "port", "", "port file that declares zones and conduits (required)")
	c.Flags().StringVar(&asOf, "as-of", "", "moment at which conduits are valid, RFC 3339 (default now)")
	c.AddCommand(newNetworkFirewallDiff())
	return c
}

// devices reads configurations and finds where they stand.
func (f *firewallFlags) devices(p *port.Port, portFile string, args []string) ([]*firewall.Device, error) {
	home := portFile
	if info, err := os.Stat(portFile); err == nil && !info.IsDir() {
		home = filepath.Dir(portFile)
	}
	var files []string
	assets := map[string]string{} // by file
	for i := range p.Firewalls {
		if w := &p.Firewalls[i]; w.Config != "" {
			file := filepath.Join(home, filepath.FromSlash(w.Config))
			files = append(files, file)
			assets[absolute(file)] = w.Asset
		}
	}
	if len(args) == 0 {
		args = files
	}
	if len(args) == 0 {
		return nil, usagef("name a configuration, or let the port file name some under firewalls")
	}
	var out []*firewall.Device
	for _, file := range args {
		asset, _ := splitAsset(file)
		if asset == "" {
			asset = assets[absolute(file)]
		} else if p.Asset(asset) == nil {
			return nil, usagef("%q is no asset of the port file", asset)
		}
		var names []string
		if declared := p.Firewall(asset); declared != nil {
			for _, link := range declared.Interfaces {
				names = append(names, link.Name)
			}
		}
		pol, err := f.read(file, names...)
		if err != nil {
			return nil, err
		}
		out = append(out, firewall.Place(p, pol, asset))
	}
	return out, nil
}

// absolute is a path by which files are compared.
func absolute(file string) string {
	if a, err := filepath.Abs(file); err == nil {
		return a
	}
	return file
}

// splitAsset takes ASSET=FILE apart; a file that is there is no such thing.
func splitAsset(arg string) (asset, file string) {
	if _, err := os.Stat(arg); err == nil {
		return "", arg
	}
	if asset, file, ok := strings.Cut(arg, "="); ok {
		return asset, file
	}
	return "", arg
}

// read reads a configuration; names are interfaces that are known from the port file.
func (f *firewallFlags) read(arg string, names ...string) (*firewall.Policy, error) {
	_, file := splitAsset(arg)
	o := firewall.Options{Harmless: f.harmless, Interfaces: names}
	if file == "-" {
		data, err := io.ReadAll(io.LimitReader(f.in, firewall.MaxBytes+1))
		if err != nil {
			return nil, err
		}
		return firewall.Read("standard input", data, o)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return firewall.Read(file, data, o)
}

func printFirewalls(out io.Writer, r *firewall.Report) error {
	b := bufio.NewWriter(out)
	w := plain{b}
	for _, d := range r.Firewalls {
		fmt.Fprintf(w, "%s: %s, %d rules", d.File, d.Vendor, d.Rules)
		if d.Asset != "" {
			fmt.Fprintf(w, ", %s", d.Asset)
		}
		fmt.Fprintf(w, "; placed %s\n", cell(d.Placed))
		printUnread(w, d.Unread, d.Doubts)
	}
	printRules(w, r)
	printReach(w, r)
	fmt.Fprintln(w, "\nConduits")
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, c := range r.Conduits {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", c.Conduit, c.State, strings.Join(c.Lines, "; "), strings.Join(c.By, ", "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return b.Flush()
}

// shown bounds lists for people; --json has all.
const shown = 20

func printUnread(w io.Writer, unread []firewall.Unread, doubts []string) {
	for i, u := range unread {
		if i == shown {
			fmt.Fprintf(w, "  and %d more lines not understood (--json lists them)\n", len(unread)-i)
			break
		}
		fmt.Fprintf(w, "  not understood: line %d: %s: %s\n", u.Line, cell(u.Why), cell(u.Text))
	}
	for i, d := range doubts {
		if i == shown {
			fmt.Fprintf(w, "  and %d more (--json lists them)\n", len(doubts)-i)
			break
		}
		fmt.Fprintf(w, "  not decided: %s\n", cell(d))
	}
}

func printRules(w io.Writer, r *firewall.Report) {
	due := 0
	for _, x := range r.Rules {
		if x.State == firewall.Due {
			due++
			continue
		}
		fmt.Fprintf(w, "\n%s  %s  %s: %s\n", strings.ToUpper(string(x.State)), strings.Join(x.Where, ", "), cell(x.Name), cell(x.Text))
		if x.Why != "" {
			fmt.Fprintf(w, "  because: %s\n", cell(x.Why))
		}
		if x.State == firewall.Uncertain {
			printCrossings(w, "may permit, and no conduit allows", x.Undue, 5)
			continue
		}
		printCrossings(w, "permits, and no conduit allows", x.Undue, shown)
		if len(x.Narrower) > 0 {
			fmt.Fprintf(w, "  serves: %s\n", strings.Join(x.Conduits, ", "))
			printCrossings(w, "enough would be", x.Narrower, shown)
		}
	}
	fmt.Fprintf(w, "\n%d rules permit between zones only what conduits allow\n", due)
}

func printCrossings(w io.Writer, head string, list []firewall.Crossing, most int) {
	n := 0
	for _, c := range list {
		for _, t := range c.Traffic {
			if n++; n > most {
				continue
			}
			fmt.Fprintf(w, "  %s: %s to %s: %s\n", head, c.From, c.To, cell(t.String()))
		}
	}
	if n > most {
		fmt.Fprintf(w, "  and %d more (--json lists them)\n", n-most)
	}
}

func printReach(w io.Writer, r *firewall.Report) {
	fmt.Fprintln(w, "\nFrom IT to OT")
	if len(r.Reach) == 0 {
		fmt.Fprintln(w, "  nothing, through the firewalls whose place is known")
	}
	for _, x := range r.Reach {
		why := "conduit " + strings.Join(x.Conduits, ", ")
		if x.Undue {
			why = "NO CONDUIT"
		}
		if x.Verdict == firewall.Undecided {
			why += ", undecided"
		}
		fmt.Fprintf(w, "  %s to %s (%s) through %s\n", x.From, x.To, why, strings.Join(x.Via, ", then "))
		for i, t := range x.Traffic {
			if i == shown {
				fmt.Fprintf(w, "    and %d more (--json lists them)\n", len(x.Traffic)-i)
				break
			}
			fmt.Fprintf(w, "    %s\n", cell(t.String()))
		}
	}
}

// firewallDiff is the JSON document of network firewall diff.
type firewallDiff struct {
	Old     string                  `json:"old"`
	New     string                  `json:"new"`
	Unread  []firewall.Unread       `json:"not_understood"`
	Changes []firewall.ChangeReport `json:"changes"`
}

func newNetworkFirewallDiff() *cobra.Command {
	var f firewallFlags
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "The packets whose fate two configurations make different",
		Long: `Diff tells exactly the packets that open a conversation and whose fate differs
between two configurations, as prefixes and ports, with the rules that decide.

Exit codes: 0 done, nothing differs; 1 failed; 2 used wrongly; 3 done, something
is permitted now, or may be, that was not.`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("network firewall diff needs two configurations (see 'quaywatch network firewall diff --help')")
			}
			f.in = c.InOrStdin()
			before, err := f.read(args[0])
			if err != nil {
				return err
			}
			after, err := f.read(args[1])
			if err != nil {
				return err
			}
			if before.Vendor != after.Vendor {
				fmt.Fprintf(c.ErrOrStderr(), "quaywatch: %s is of %s and %s of %s: interfaces are compared by name\n", args[0], before.Vendor, args[1], after.Vendor)
			}
			d := firewall.Diff(before, after)
			doc := firewallDiff{args[0], args[1], append(append([]firewall.Unread{}, before.Unread...), after.Unread...), d.Report()}
			if f.json {
				err = writeJSON(c.OutOrStdout(), doc)
			} else {
				err = printFirewallDiff(c.OutOrStdout(), &doc)
			}
			if err == nil && d.Opened() {
				return errViolations
			}
			return err
		},
	}
	f.add(c)
	return c
}

func printFirewallDiff(out io.Writer, d *firewallDiff) error {
	b := bufio.NewWriter(out)
	w := plain{b}
	printUnread(w, d.Unread, nil)
	if len(d.Changes) == 0 {
		fmt.Fprintln(w, "No packet's fate differs.")
	}
	for _, c := range d.Changes {
		fmt.Fprintf(w, "%s before, %s now\n", c.Was, c.Is)
		for _, t := range c.Traffic {
			fmt.Fprintf(w, "  %s\n", cell(t.String()))
		}
		fmt.Fprintf(w, "  before by %s\n  now by %s\n", strings.Join(c.Before, ", "), strings.Join(c.After, ", "))
	}
	return b.Flush()
}

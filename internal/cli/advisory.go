package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
	csaf "github.com/quaywatch/quaywatch/internal/source/advisory"
	"github.com/quaywatch/quaywatch/internal/source/kev"
)

func init() { commands = append(commands, newAdvisoryCommand) }

func newAdvisoryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "advisory",
		Short: "Check and show published vulnerability notices, and match them to the register",
		Long: `Advisory reads notices in CSAF 2.0 from a folder, an archive (tar, plain or packed
with gzip or zstd) or one document, and joins them with the catalogue of known
exploited vulnerabilities (KEV).`,
	}
	c.AddCommand(newAdvisoryShow(), newAdvisoryMatch(), newAdvisoryCheck())
	return c
}

// notices are the flags that say where the notices are.
type notices struct{ advisories, kev string }

func (n *notices) flags(c *cobra.Command) {
	c.Flags().StringVar(&n.advisories, "advisories", "", "CSAF advisories: folder, archive or document (required)")
	c.Flags().StringVar(&n.kev, "kev", "", "catalogue of known exploited vulnerabilities (KEV, JSON)")
}

// noticeSink puts what the sources read into the set.
type noticeSink struct{ set *advisory.Set }

func (s noticeSink) Put(_ context.Context, b *event.Batch) error {
	s.set.Observe(b)
	return nil
}

// read loads the notices. Each document that is not read is named on standard
// error; the others count.
func (n *notices) read(c *cobra.Command) (*advisory.Set, []csaf.Rejection, error) {
	if n.advisories == "" {
		return nil, nil, usagef("%s needs --advisories (see 'quaywatch %s --help')", c.CommandPath()[len("quaywatch "):], c.CommandPath()[len("quaywatch "):])
	}
	end := startProgress(c, "reading advisories")
	defer end()
	set, rejected := advisory.New(), []csaf.Rejection{}
	a, err := csaf.New(csaf.Options{ID: "advisories", Path: n.advisories, OnReject: func(r csaf.Rejection) {
		rejected = append(rejected, r)
		fmt.Fprintf(c.ErrOrStderr(), "not read: %s: %s\n", r.Document, r.Fault)
	}})
	if err != nil {
		return nil, nil, err
	}
	if err := a.Run(c.Context(), noticeSink{set}); err != nil {
		return nil, nil, err
	}
	if n.kev == "" {
		return set, rejected, nil
	}
	k, err := kev.New(kev.Options{ID: "kev", Path: n.kev, Stdin: c.InOrStdin(), OnReject: func(r kev.Rejection) {
		fmt.Fprintf(c.ErrOrStderr(), "not read: %s: %s\n", n.kev, r.Fault)
	}})
	if err != nil {
		return nil, nil, err
	}
	return set, rejected, k.Run(c.Context(), noticeSink{set})
}

func newAdvisoryShow() *cobra.Command {
	var n notices
	var asJSON bool
	c := &cobra.Command{
		Use:   "show ID --advisories F [--kev F]",
		Short: "Show one notice by its id, or all that name a CVE",
		Long: `Show prints the notice of that id (such as ICSA-24-235-03), or every notice that
names that CVE, with what of it is known to be exploited.

Exit codes: 0 done; 1 failed, or there is none; 2 used wrongly.`,
		Args: oneArg("the id of an advisory, or a CVE"),
		RunE: func(c *cobra.Command, args []string) error {
			set, _, err := n.read(c)
			if err != nil {
				return err
			}
			id := strings.ToUpper(strings.TrimSpace(args[0]))
			found := set.ByCVE(id)
			for _, as := range []string{args[0], id} {
				if e, known := set.ByID(as); known && len(found) == 0 {
					found = append(found, e)
				}
			}
			if len(found) == 0 {
				return fmt.Errorf("%s is not among the %d advisories of %s", args[0], set.Summary().Advisories, n.advisories)
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), found)
			}
			for i := range found {
				if err := printAdvisory(plain{c.OutOrStdout()}, &found[i], n.kev != ""); err != nil {
					return err
				}
			}
			return nil
		},
	}
	n.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return c
}

func printAdvisory(w io.Writer, e *advisory.Entry, withKEV bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	score := "not given"
	if e.CVSS > 0 {
		score = fmt.Sprintf("%.1f (highest base score)", e.CVSS)
	}
	fmt.Fprintf(t, "%s\t%s\n", e.ID, e.Title)
	fmt.Fprintf(t, "vendor\t%s\n", strings.Join(e.Vendors, "; "))
	fmt.Fprintf(t, "released\t%s, version %s of %s\n", e.Released.Format("2006-01-02"), e.Version, e.Time.Format("2006-01-02"))
	fmt.Fprintf(t, "CVSS\t%s\n", score)
	fmt.Fprintf(t, "CVEs\t%s\n", some(e.CVEs, 12))
	fmt.Fprintf(t, "exploited\t%s\n", exploitedText(e.Exploited, withKEV))
	fmt.Fprintf(t, "products\t%s\n", some(e.Products, 8))
	fmt.Fprintf(t, "document\t%s\n", e.Raw.Input)
	fmt.Fprintf(t, "SHA-256\t%s\n\n", e.Raw.Sum)
	return t.Flush()
}

func exploitedText(all []event.Exploited, withKEV bool) string {
	switch {
	case !withKEV:
		return "not known: no catalogue was given (--kev)"
	case len(all) == 0:
		return "none is in the catalogue, which is nearly all office IT: not being in it is no proof"
	}
	out := make([]string, len(all))
	for i, x := range all {
		out[i] = x.CVE + " since " + x.Time.Format("2006-01-02")
		if x.Ransomware {
			out[i] += " (ransomware)"
		}
	}
	return strings.Join(out, "; ")
}

// some lists the first texts and says how many more there are.
func some(all []string, most int) string {
	if over := len(all) - most; over > 0 {
		return strings.Join(all[:most], "; ") + fmt.Sprintf("; and %d more", over)
	}
	return strings.Join(all, "; ")
}

// matching is the JSON document of advisory match.
type matching struct {
	Read     advisory.Summary `json:"read"`
	Rejected []csaf.Rejection `json:"rejected"`
	Note     string           `json:"note"`
	Assets   []matched        `json:"assets"`
}

// matched is one asset with the notices that are or could be about it.
type matched struct {
	Asset   string           `json:"asset"`
	Name    string           `json:"name"`
	Device  string           `json:"device"` // vendor, product, model, firmware as registered
	Matches []advisory.Match `json:"matches"`
	None    string           `json:"none,omitempty"` // why there is no match
}

const matchNote = "An asset without a match, or one that is not affected by what was loaded, is not known to be safe."

func newAdvisoryMatch() *cobra.Command {
	var n notices
	var portFile string
	var asJSON, all bool
	c := &cobra.Command{
		Use:   "match --port P --advisories D [--kev F]",
		Short: "Match the notices to the assets of the register: affected, not affected or undecided",
		Long: `Match compares vendor, product, model and firmware of every asset with the notices.
Each pair has one verdict with its reason: affected, not affected, or undecided.
What is not understood, a name that is only alike, or a firmware that the register
does not tell, is undecided and never "not affected". Assets without a match are
listed with the reason; none of them is called safe.

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if portFile == "" {
				return usagef("advisory match needs --port (see 'quaywatch advisory match --help')")
			}
			p, err := loadPort(portFile)
			if err != nil {
				return err
			}
			set, rejected, err := n.read(c)
			if err != nil {
				return err
			}
			m := matching{Read: set.Summary(), Rejected: rejected, Note: matchNote, Assets: matchAll(p, set)}
			if asJSON {
				return writeJSON(c.OutOrStdout(), m)
			}
			return printMatching(plain{c.OutOrStdout()}, m, all)
		},
	}
	n.flags(c)
	c.Flags().StringVar(&portFile, "port", "", "port file (required)")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, with all matches")
	c.Flags().BoolVar(&all, "all", false, "list also what is not affected")
	return c
}

// matchAll matches every asset, ordered by id.
func matchAll(p *port.Port, set *advisory.Set) []matched {
	out := make([]matched, 0, len(p.Assets))
	for i := range p.Assets {
		a := &p.Assets[i]
		device := strings.Join(slices.DeleteFunc([]string{a.Vendor, a.Product, a.Model, a.Firmware}, func(s string) bool { return s == "" }), " ")
		out = append(out, matched{Asset: a.ID, Name: a.Name, Device: device, Matches: set.Matches(a), None: set.Silence(a)})
	}
	slices.SortFunc(out, func(a, b matched) int { return strings.Compare(a.Asset, b.Asset) })
	return out
}

func printMatching(w io.Writer, m matching, all bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ASSET\tDEVICE\tADVISORY\tVERDICT\tCVSS\tEXPLOITED\tREMEDY\tREASON")
	none, count := map[string]int{}, map[advisory.Verdict]int{}
	for _, a := range m.Assets {
		if a.None != "" {
			none[a.None]++
		}
		for _, c := range a.Matches {
			if count[c.Verdict]++; c.Verdict == advisory.NotAffected && !all {
				continue
			}
			exploited := make([]string, len(c.Exploited))
			for i, x := range c.Exploited {
				exploited[i] = x.CVE
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.1f\t%s\t%s\t%s\n", a.Asset, cell(a.Device), cell(c.ID), c.Verdict, c.CVSS, some(exploited, 2), c.Remedy, cell(c.Reason))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d advisories, %d CVEs, %d of them known to be exploited. Pairs: %d affected, %d undecided, %d not affected%s.\n%s\n",
		m.Read.Advisories, m.Read.CVEs, m.Read.Known, count[advisory.Affected], count[advisory.Undecided], count[advisory.NotAffected],
		map[bool]string{false: " (--all lists them)"}[all], m.Note)
	reasons := make([]string, 0, len(none))
	for r := range none {
		reasons = append(reasons, r)
	}
	slices.Sort(reasons)
	for _, r := range reasons {
		fmt.Fprintf(w, "%d without a match: %s\n", none[r], r)
	}
	return nil
}

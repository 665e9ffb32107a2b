package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/sbom"
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
	c.AddCommand(newAdvisoryShow(), newAdvisoryMatch(), newAdvisoryCheck(), newAdvisoryVEX(), newAdvisoryFetch())
	return c
}

// notices are the flags that say where the notices are.
type notices struct {
	advisories           []string
	kev, epss, decisions string
}

func (n *notices) flags(c *cobra.Command) {
	c.Flags().StringSliceVar(&n.advisories, "advisories", nil, "CSAF advisories: folder, archive or document, may be repeated (required)")
	c.Flags().StringVar(&n.kev, "kev", "", "catalogue of known exploited vulnerabilities (KEV, JSON)")
}

// matchFlags are those of commands that match.
func (n *notices) matchFlags(c *cobra.Command) {
	n.flags(c)
	c.Flags().StringVar(&n.epss, "epss", "", "exploit prediction scores (EPSS, CSV, plain or gzip)")
	c.Flags().StringVar(&n.decisions, "decisions", "", "decisions of people on pairs of asset and advisory (YAML)")
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
	if len(n.advisories) == 0 {
		return nil, nil, usagef("%s needs --advisories (see 'quaywatch %s --help')", c.CommandPath()[len("quaywatch "):], c.CommandPath()[len("quaywatch "):])
	}
	end := startProgress(c, "reading advisories")
	defer end()
	set, rejected := advisory.New(), []csaf.Rejection{}
	for _, path := range n.advisories {
		a, err := csaf.New(csaf.Options{ID: "advisories", Path: path, OnReject: func(r csaf.Rejection) {
			rejected = append(rejected, r)
			fmt.Fprintf(c.ErrOrStderr(), "not read: %s: %s\n", r.Document, r.Fault)
		}})
		if err != nil {
			return nil, nil, err
		}
		if err := a.Run(c.Context(), noticeSink{set}); err != nil {
			return nil, nil, err
		}
	}
	if err := n.predict(c, set); err != nil {
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

// predict takes the exploit prediction scores in, where they are given.
func (n *notices) predict(c *cobra.Command, set *advisory.Set) error {
	e, err := n.predictions(c)
	if e != nil {
		set.Predict(e)
	}
	return err
}

// predictions reads the exploit prediction scores, nil where none are given.
func (n *notices) predictions(c *cobra.Command) (*advisory.EPSS, error) {
	if n.epss == "" {
		return nil, nil //nolint:nilnil // none are given, which is a choice
	}
	f, err := os.Open(n.epss)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // opened for reading: closing can't lose anything
	e, err := advisory.ReadEPSS(n.epss, f)
	if err != nil {
		return nil, err
	}
	for _, r := range e.Rejected {
		fmt.Fprintf(c.ErrOrStderr(), "not read: %s\n", r)
	}
	if e.More > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "not read: %s: %d more lines\n", n.epss, e.More)
	}
	return e, nil
}

// decided reads the decisions, where they are given.
func (n *notices) decided() (*advisory.Decisions, error) {
	if n.decisions == "" {
		return &advisory.Decisions{}, nil
	}
	data, err := os.ReadFile(n.decisions)
	if err != nil {
		return nil, err
	}
	return advisory.ReadDecisions(n.decisions, data)
}

// judged is every asset of a port with its matches, after the decisions.
type judged struct {
	set      *advisory.Set
	rejected []csaf.Rejection
	matches  map[string][]advisory.Match // by asset
	idle     []string                    // decisions that do nothing
}

// judge loads the notices and matches them to a port at a moment.
func (n *notices) judge(c *cobra.Command, portFile string, p *port.Port, at time.Time) (*judged, error) {
	decisions, err := n.decided()
	if err != nil {
		return nil, err
	}
	set, rejected, err := n.read(c)
	if err != nil {
		return nil, err
	}
	j := &judged{set: set, rejected: rejected, matches: map[string][]advisory.Match{}}
	for i := range p.Assets {
		a := &p.Assets[i]
		found := set.Matches(a)
		if a.Components != "" {
			list, err := sbom.Beside(portFile, a.Components)
			if err != nil {
				j.rejected = append(j.rejected, csaf.Rejection{Document: a.Components, Fault: err.Error()})
				fmt.Fprintf(c.ErrOrStderr(), "not read: components of %s: %s: %s\n", a.ID, a.Components, err)
			} else {
				found = set.Inside(found, list)
			}
		}
		j.matches[a.ID] = decisions.Apply(a.ID, found, at)
	}
	j.idle = decisions.Idle(at, func(asset, id string) bool {
		return slices.ContainsFunc(j.matches[asset], func(m advisory.Match) bool { return m.ID == id })
	})
	for _, text := range j.idle {
		fmt.Fprintf(c.ErrOrStderr(), "not applied: %s\n", text)
	}
	return j, nil
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
				return fmt.Errorf("%s is not among the %d advisories of %s", args[0], set.Summary().Advisories, strings.Join(n.advisories, ", "))
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

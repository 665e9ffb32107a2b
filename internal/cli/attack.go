package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/report"
	"github.com/quaywatch/quaywatch/internal/system"
)

func init() { commands = append(commands, newAttackCommand) }

func newAttackCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "attack",
		Short: "How an attacker could move through the port, and what would stop it",
		Long: `Attack reasons from the port file, published weaknesses and rules named after
MITRE ATT&CK to the ways from an entry to a target. Answers have three values:
yes rests on what was declared or seen; undecided needs something that nobody
has seen; no means that no rule leads there, as far as the port file is true.

Entries are internet, mail, vendor, visitor, insider, camera, media, radio, and
the id of any zone or asset. Targets are ids of services, assets and zones.
Nothing is sent anywhere.`,
	}
	c.AddCommand(newAttackPaths(), newAttackCut(), newAttackDiff(), newAttackChokePoints())
	return c
}

// attackFlags are what every verb of attack reads.
type attackFlags struct {
	port, rules, asOf string
	from              []string
	notices           notices
	firewalls         []string
	matches           map[string][]advisory.Match // of the port read last; nil: no notices were given
	json              bool
}

func (f *attackFlags) add(c *cobra.Command, portNeeded bool) {
	if portNeeded {
		c.Flags().StringVar(&f.port, "port", "", "port file (required)")
	}
	c.Flags().StringSliceVar(&f.from, "from", nil, "where the attacker starts, comma separated (required)")
	c.Flags().StringVar(&f.rules, "rules", "", "rules of your own, instead of those of the program")
	c.Flags().StringVar(&f.asOf, "as-of", "", "moment at which conduits and badges are valid, RFC 3339 (default now)")
	f.notices.matchFlags(c)
	c.Flags().Lookup("advisories").Usage = "CSAF advisories: folder, archive or document, may be repeated"
	c.Flags().StringSliceVar(&f.firewalls, "firewall", nil, "configurations of firewalls (FILE or ASSET=FILE, comma separated): what their rules leave open beyond the conduits")
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
}

// model builds the attack graph of a port file, with where the attacker starts.
func (f *attackFlags) model(c *cobra.Command, file string) (*attackgraph.Model, error) {
	if file == "" || len(f.from) == 0 {
		return nil, usagef("%s needs --port and --from (see '%s --help')", c.CommandPath()[len("quaywatch "):], c.CommandPath())
	}
	m, p, err := f.known(c, file)
	if err != nil {
		return nil, err
	}
	if err := knownEntries(p, f.from); err != nil {
		return nil, err
	}
	if err := m.From(f.from...); err != nil {
		return nil, err
	}
	return m, m.Update()
}

// known builds the attack graph of a port file from all that is known.
func (f *attackFlags) known(c *cobra.Command, file string) (*attackgraph.Model, *port.Port, error) {
	at, err := momentOf(f.asOf)
	if err != nil {
		return nil, nil, err
	}
	rules := attackgraph.DefaultRules()
	if f.rules != "" {
		data, err := os.ReadFile(f.rules)
		if err != nil {
			return nil, nil, err
		}
		if rules, err = attackgraph.Rules(f.rules, data); err != nil {
			return nil, nil, err
		}
	}
	p, err := loadPort(file)
	if err != nil {
		return nil, nil, err
	}
	m, err := attackgraph.New(rules)
	if err != nil {
		return nil, nil, err
	}
	if err := attackgraph.Declare(m, p, at); err != nil {
		return nil, nil, err
	}
	if err := f.weaknesses(c, m, file, p, at); err != nil {
		return nil, nil, err
	}
	return m, p, f.openings(c, m, p, file, at)
}

// momentOf reads --as-of; empty is now.
func momentOf(text string) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, usagef("--as-of %q is not a time such as 2026-11-23T14:00:00Z", text)
	}
	return at, nil
}

func knownEntries(p *port.Port, from []string) error {
	for _, e := range from {
		if !attackgraph.IsEntry(p, e) {
			return usagef("--from %q is none of %s, and no zone or asset of the port file", e, attackgraph.EntryIDs())
		}
	}
	return nil
}

// openings gives what the rules of firewalls leave open though no conduit allows it.
func (f *attackFlags) openings(c *cobra.Command, m *attackgraph.Model, p *port.Port, file string, at time.Time) error {
	if len(f.firewalls) == 0 {
		return nil
	}
	devices, err := (&firewallFlags{in: c.InOrStdin()}).devices(p, file, f.firewalls)
	if err != nil {
		return err
	}
	return attackgraph.Let(m, system.Openings(p, at, devices))
}

// weaknesses gives what advisories say, or could say, about the assets.
func (f *attackFlags) weaknesses(c *cobra.Command, m *attackgraph.Model, file string, p *port.Port, at time.Time) error {
	if len(f.notices.advisories) == 0 {
		return nil
	}
	j, err := f.notices.judge(c, file, p, at)
	if err != nil {
		return err
	}
	f.matches = j.matches
	return system.Weaknesses(m, p, j.matches)
}

func newAttackPaths() *cobra.Command {
	var f attackFlags
	var to, by, format string
	var k int
	c := &cobra.Command{
		Use:   "paths --port P --from ENTRY --to ID",
		Short: "The likeliest or cheapest ways from an entry to a target",
		Long: `Paths answers whether the target can be reached, and prints the best ways with the
evidence and the age of each step, and the changes that would break it.

Chances are from the least to the most; they are products of the ranges of the
rules and facts, printed in docs of the rules. They compare ways; they predict
nothing.

--format svg draws the first way over the Purdue levels; stix writes a STIX 2.1
bundle with the Attack Flow extension. Both are the same bytes for the same answer
and --as-of.

Exit codes: 0 done, it can't be reached; 1 failed; 2 used wrongly; 3 done, it can
be reached or is undecided.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			measure := attackgraph.Measure(by)
			if to == "" || k < 1 || measure != attackgraph.Likeliest && measure != attackgraph.Cheapest {
				return usagef("attack paths needs --to, -k of at least 1, and --by likeliest or cheapest (see 'quaywatch attack paths --help')")
			}
			if !slices.Contains([]string{"text", "json", "svg", "stix"}, format) {
				return usagef("--format %q: text, json, svg or stix", format)
			}
			m, err := f.model(c, f.port)
			if err != nil {
				return err
			}
			target, err := m.Target(to)
			if err != nil {
				return usagef("--to: %w", err)
			}
			a, err := m.Ask(c.Context(), target, measure, k)
			if err != nil {
				return err
			}
			switch {
			case f.json || format == "json":
				err = writeJSON(c.OutOrStdout(), a)
			case format == "text":
				err = printAnswer(c, a, to)
			default:
				err = f.draw(c, a, to, format)
			}
			if err == nil && a.Reach != attackgraph.No {
				return errViolations
			}
			return err
		},
	}
	f.add(c, true)
	c.Flags().StringVar(&to, "to", "", "service, asset or zone (required)")
	c.Flags().StringVar(&by, "by", string(attackgraph.Likeliest), "likeliest, or cheapest in days of effort")
	c.Flags().IntVarP(&k, "k", "k", 3, "how many ways")
	c.Flags().StringVar(&format, "format", "text", "text, json, svg or stix")
	return c
}

// draw writes an answer as a drawing of its first way, or as an attack flow.
func (f *attackFlags) draw(c *cobra.Command, a *attackgraph.Answer, to, format string) error {
	p, err := loadPort(f.port)
	if err != nil {
		return err
	}
	at, err := momentOf(f.asOf)
	if err != nil {
		return err
	}
	if format == "stix" {
		data, err := report.AttackFlow(p, a, at)
		if err != nil {
			return err
		}
		_, err = c.OutOrStdout().Write(data)
		return err
	}
	if len(a.Paths) == 0 {
		return fmt.Errorf("there is no way from %s to %s to draw", strings.Join(a.From, ", "), to)
	}
	return report.WalkOf(p, "From "+strings.Join(a.From, ", ")+" to "+to, &a.Paths[0]).WriteSVG(c.OutOrStdout())
}

func printAnswer(c *cobra.Command, a *attackgraph.Answer, to string) error {
	w := plain{c.OutOrStdout()}
	fmt.Fprintf(w, "Can %s be reached from %s? %s\n", to, strings.Join(a.From, ", "), strings.ToUpper(string(a.Reach)))
	for _, u := range a.Unsure {
		fmt.Fprintf(w, "  undecided, for nobody has seen: %s\n", u)
	}
	for i, p := range a.Paths {
		fmt.Fprintf(w, "\n%d. chance %s, %.1f days", i+1, chance(p.Chance), p.Effort)
		if !p.Oldest.IsZero() {
			fmt.Fprintf(w, ", oldest evidence of %s", p.Oldest.UTC().Format(time.RFC3339))
		}
		if p.Alike > 0 {
			fmt.Fprintf(w, "; at least %d more like it over other devices", p.Alike)
		}
		fmt.Fprintln(w)
		for n, mv := range p.Moves {
			tail := ""
			if mv.Technique != "" {
				tail = " [" + mv.Technique + "]"
			}
			fmt.Fprintf(w, "   %2d %s%s\n", n+1, mv.Text, tail)
			for _, e := range mv.Evidence {
				if e.Origin != attackgraph.FromPort {
					fmt.Fprintf(w, "        %s: %s, chance %s\n", e.Origin, e.Text, chance(e.Chance))
				}
			}
		}
		if len(p.Breaks) > 0 {
			fmt.Fprintf(w, "   any one of these takes it away: %s\n", strings.Join(p.Breaks, "; "))
		}
	}
	if a.More {
		fmt.Fprintf(w, "\nThere are further ways; -k shows more of them.\n")
	}
	return nil
}

func chance(r attackgraph.Range) string {
	if r[0] == r[1] {
		return fmt.Sprintf("%.2g", r[0])
	}
	return fmt.Sprintf("%.2g to %.2g", r[0], r[1])
}

func newAttackCut() *cobra.Command {
	var f attackFlags
	var to, keep []string
	var limit time.Duration
	c := &cobra.Command{
		Use:   "cut --port P --from ENTRY --to ID",
		Short: "The fewest changes that leave no way to a target",
		Long: `Cut finds the cheapest set of changes (conduits closed, rights taken back, devices
hardened…) after which no way is left, and proves that no smaller one exists by
ways that each need one of them. Each change counts 1; --keep rules some out.

Exit codes: 0 done; 1 failed, or nothing separates them; 2 used wrongly.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if len(to) == 0 {
				return usagef("attack cut needs --to (see 'quaywatch attack cut --help')")
			}
			m, err := f.model(c, f.port)
			if err != nil {
				return err
			}
			var targets []attackgraph.Atom
			for _, id := range to {
				t, err := m.Target(id)
				if err != nil {
					return usagef("--to: %w", err)
				}
				targets = append(targets, t)
			}
			ctx, cancel := context.WithTimeout(c.Context(), limit)
			defer cancel()
			r, err := m.Separate(ctx, targets, func(change string) float64 {
				if slices.ContainsFunc(keep, func(k string) bool { return strings.Contains(change, k) }) {
					return attackgraph.Unreached
				}
				return 1
			})
			if errors.Is(err, attackgraph.ErrNoCut) {
				return fmt.Errorf("no set of changes separates %s from %s: some way rests on nothing that a change takes away", strings.Join(to, ", "), strings.Join(f.from, ", "))
			}
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(c.OutOrStdout(), r)
			}
			w := plain{c.OutOrStdout()}
			if len(r.Changes) == 0 {
				fmt.Fprintln(w, "Nothing has to be changed: there is no way.")
				return nil
			}
			for _, x := range r.Changes {
				fmt.Fprintln(w, x)
			}
			if r.Proven {
				fmt.Fprintf(w, "%d changes; proven: no fewer are enough.\n", len(r.Changes))
			} else {
				fmt.Fprintf(w, "%d changes; not proven within %s: at least %.0f are needed.\n", len(r.Changes), limit, r.Bound)
			}
			return nil
		},
	}
	f.add(c, true)
	c.Flags().StringSliceVar(&to, "to", nil, "services, assets or zones, comma separated (required)")
	c.Flags().StringSliceVar(&keep, "keep", nil, "texts of changes that are not to be made")
	c.Flags().DurationVar(&limit, "within", 30*time.Second, "time after which an unproven answer will do")
	return c
}

func newAttackDiff() *cobra.Command {
	var f attackFlags
	var to string
	c := &cobra.Command{
		Use:   "diff OLD NEW --from ENTRY --to ID",
		Short: "What two port files make different for an attacker, and why",
		Long: `Diff answers the same question with two port files and tells what changed of the
answer, and which statements the best ways rest on that one has and the other has
not.

Exit codes: 0 done, the target stands no worse; 1 failed; 2 used wrongly; 3 done,
it can be reached now where it could not, or more likely than before.`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 2 || to == "" {
				return usagef("attack diff needs two port files, --from and --to (see 'quaywatch attack diff --help')")
			}
			before, err := f.model(c, args[0])
			if err != nil {
				return err
			}
			after, err := f.model(c, args[1])
			if err != nil {
				return err
			}
			target, err := after.Target(to)
			if err != nil {
				return usagef("--to: %w", err)
			}
			d, err := attackgraph.Compare(c.Context(), before, after, target)
			if err != nil {
				return err
			}
			if f.json {
				err = writeJSON(c.OutOrStdout(), d)
			} else {
				err = printDifference(c, d, to)
			}
			if err == nil && d.Worse() {
				return errViolations
			}
			return err
		},
	}
	f.add(c, false)
	c.Flags().StringVar(&to, "to", "", "service, asset or zone (required)")
	return c
}

func printDifference(c *cobra.Command, d *attackgraph.Difference, to string) error {
	w := tabwriter.NewWriter(plain{c.OutOrStdout()}, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "%s\tbefore\tafter\n", to)
	fmt.Fprintf(w, "reached\t%s\t%s\n", d.Before.Reach, d.After.Reach)
	fmt.Fprintf(w, "chance of the likeliest way\t%s\t%s\n", chance(d.Before.Chance), chance(d.After.Chance))
	fmt.Fprintf(w, "days of the cheapest way\t%.1f\t%.1f\n", d.Before.Effort, d.After.Effort)
	if err := w.Flush(); err != nil {
		return err
	}
	out := plain{c.OutOrStdout()}
	for _, s := range d.Causes {
		fmt.Fprintf(out, "because %s was %s: %s\n", s.Statement, s.Change, s.Text)
	}
	if len(d.Others) > 0 {
		fmt.Fprintf(out, "%d statements changed that no best way rests on (--json lists them)\n", len(d.Others))
	}
	return nil
}

func newAttackChokePoints() *cobra.Command {
	var f attackFlags
	var most, samples int
	c := &cobra.Command{
		Use:   "choke-points --port P --from ENTRY",
		Short: "The positions that most ways pass",
		Long: `Choke-points estimates which part of the cheapest walks between all positions that
can be reached passes each of them (betweenness after Brandes, from a sample of
starts drawn with a fixed seed).

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := f.model(c, f.port)
			if err != nil {
				return err
			}
			points := m.ChokePoints(samples, most, 1)
			if f.json {
				return writeJSON(c.OutOrStdout(), points)
			}
			w := tabwriter.NewWriter(plain{c.OutOrStdout()}, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "position\tpart of all walks\tstandard error")
			for _, p := range points {
				fmt.Fprintf(w, "%s\t%.2f %%\t%.2f %%\n", p.Position, 100*p.Share, 100*p.Error)
			}
			return w.Flush()
		},
	}
	f.add(c, true)
	c.Flags().IntVar(&most, "most", 20, "how many positions")
	c.Flags().IntVar(&samples, "samples", 256, "starts drawn")
	return c
}

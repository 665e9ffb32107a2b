package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/continuity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk"
)

func init() { commands = append(commands, newContinuityCommand) }

func newContinuityCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "continuity",
		Short: "What stops, for how long and at what cost, and how to come back",
		Long: `Continuity simulates the services and terminals of the port file hour by hour,
disrupted and undisturbed with the same draws. Figures are the 5 %, 50 % and 95 %
of the runs. What the port file does not say is assumed within a range and listed.
The same port file, question and seed give the same bytes.`,
	}
	c.AddCommand(newOutage(), newIsolate(), newRecovery(), newBackTest(), newPaper())
	return c
}

type continuityFlags struct {
	port string
	long time.Duration
	runs int
	seed uint64
	json bool
}

func (f *continuityFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.port, "port", "", "port file (required)")
	c.Flags().IntVar(&f.runs, "runs", 200, "runs of the simulation")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of everything that is left to chance")
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
}

func (f *continuityFlags) load(c *cobra.Command, missing bool) (*port.Port, continuity.Options, error) {
	o := continuity.Options{Runs: f.runs, Seed: f.seed}
	if f.port == "" || missing {
		return nil, o, usagef("see '%s --help': --port and what it is about are needed", c.CommandPath())
	}
	p, err := loadPort(f.port)
	if err != nil {
		return nil, o, err
	}
	if len(p.Terminals) == 0 {
		return nil, o, fmt.Errorf("%s declares no terminals: add a section terminals (see the manual of the port file)", f.port)
	}
	return p, o, nil
}

func newOutage() *cobra.Command {
	var f continuityFlags
	var down []string
	c := &cobra.Command{
		Use:   "outage --port P --down ID[,ID] --for 48h",
		Short: "Take assets or services away for a time",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, o, err := f.load(c, len(down) == 0)
			if err != nil {
				return err
			}
			var downs []continuity.Down
			for _, id := range down {
				downs = append(downs, continuity.Down{ID: id, Until: f.long.Hours()})
			}
			r, err := continuity.Outage(p, downs, o)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(c.OutOrStdout(), r)
			}
			w := plain{c.OutOrStdout()}
			fmt.Fprintf(w, "%s down for %s\n\n", strings.Join(down, ", "), f.long)
			return printOutage(w, p, r)
		},
	}
	f.add(c)
	c.Flags().StringSliceVar(&down, "down", nil, "ids of assets and services, comma separated (required)")
	c.Flags().DurationVar(&f.long, "for", 24*time.Hour, "how long")
	return c
}

func newIsolate() *cobra.Command {
	var f continuityFlags
	var cut continuity.Cut
	c := &cobra.Command{
		Use:   "isolate --port P --zone Z | --conduit C | --asset A --for 24h",
		Short: "Preview a cut: what stops, what goes on, until when that is bearable, who decides",
		Long: `Isolate works out which services neither side of a cut can carry alone. For a
conduit the port file does not say what talks over it: services that need both of
its zones are undecided, and the figures run from none of them to all.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, o, err := f.load(c, len(cut.Zones)+len(cut.Conduits)+len(cut.Assets) == 0)
			if err != nil {
				return err
			}
			i, err := continuity.Isolate(p, cut, f.long.Hours(), o)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(c.OutOrStdout(), i)
			}
			return printIsolation(plain{c.OutOrStdout()}, p, i)
		},
	}
	f.add(c)
	c.Flags().StringSliceVar(&cut.Zones, "zone", nil, "zones to cut off, comma separated")
	c.Flags().StringSliceVar(&cut.Conduits, "conduit", nil, "conduits to close")
	c.Flags().StringSliceVar(&cut.Assets, "asset", nil, "assets to cut off")
	c.Flags().DurationVar(&f.long, "for", 24*time.Hour, "how long")
	return c
}

func newRecovery() *cobra.Command {
	var f continuityFlags
	var down, hours []string
	var crews int
	c := &cobra.Command{
		Use:   "recovery --port P --down ID[,ID] [--repair ID=HOURS,…] [--crews N]",
		Short: "The order of repair that brings back the most trade soonest",
		Long: `Recovery looks for the order that loses the least money of operator and others
together, and holds the services against their declared objectives. Up to five
things every order is tried; beyond, the best order found is printed as not proven.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, o, err := f.load(c, len(down) == 0)
			if err != nil {
				return err
			}
			repairs, err := repairsOf(down, hours)
			if err != nil {
				return err
			}
			defer startProgress(c, "trying orders")()
			r, err := continuity.Recover(p, repairs, crews, o)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(c.OutOrStdout(), r)
			}
			return printRecovery(plain{c.OutOrStdout()}, p, r)
		},
	}
	f.add(c)
	c.Flags().StringSliceVar(&down, "down", nil, "ids of assets and services that are down, comma separated (required)")
	c.Flags().StringSliceVar(&hours, "repair", nil, fmt.Sprintf("ID=HOURS that one crew needs (default %g, shown as an assumption)", continuity.AssumedRepair))
	c.Flags().IntVar(&crews, "crews", 1, "crews that work at the same time")
	return c
}

func newBackTest() *cobra.Command {
	var o continuity.Options
	var asJSON bool
	c := &cobra.Command{
		Use:   "backtest",
		Short: "Hold the simulation against outages that were published",
		Long: `Backtest simulates published outages of container ports from what was published of
port and outage, with one set of assumptions for all, and prints each reported
effect beside the simulated one with its error. Figures marked "in view" were
known when an assumption was made, and test nothing.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			checks, err := continuity.BackTest(o)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), map[string]any{"checks": checks})
			}
			return printBackTest(plain{c.OutOrStdout()}, checks)
		},
	}
	c.Flags().IntVar(&o.Runs, "runs", 200, "runs of the simulation")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of everything that is left to chance")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func printBackTest(w io.Writer, checks []continuity.Check) error {
	last := ""
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for i := range checks {
		c := &checks[i]
		if c.Case != last {
			if err := t.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(w, "%s%s\n", map[bool]string{true: "\n"}[last != ""], c.Name)
			fmt.Fprintln(t, "  FIGURE\tREPORTED\tSIMULATED\tRANGES MEET\tERROR")
			last = c.Case
		}
		reported := risk.Short(c.Reported.Low)
		switch {
		case c.Reported.High == 0:
			reported += " or more"
		case c.Reported.High > c.Reported.Low:
			reported += " to " + risk.Short(c.Reported.High)
		}
		meet := "no"
		if c.Inside {
			meet = "yes"
		}
		if c.Reported.InView {
			meet += ", in view"
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%+.0f %%\n", c.Figure, reported, risk.Between(c.Said.Low, c.Said.Mid, c.Said.High), meet, c.Error*100)
	}
	return t.Flush()
}

func repairsOf(down, hours []string) ([]continuity.Repair, error) {
	given := map[string]float64{}
	for _, h := range hours {
		id, text, ok := strings.Cut(h, "=")
		v, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return nil, usagef("--repair %q: write ID=HOURS", h)
		}
		given[id] = v
	}
	var out []continuity.Repair
	for _, id := range down {
		out = append(out, continuity.Repair{ID: id, Hours: given[id]})
		delete(given, id)
	}
	for id := range given {
		return nil, usagef("--repair names %q, which is not in --down", id)
	}
	return out, nil
}

func printOutage(w io.Writer, p *port.Port, r *continuity.Report) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "SERVICE\tLEFT AT LEAST\tHOURS BELOW FULL\tBEARABLE\tBY HAND")
	for _, s := range r.Services {
		by := "not declared"
		if s.Declared {
			by = "no"
			if s.Manual {
				by = "yes"
			}
		}
		fmt.Fprintf(t, "%s\t%.0f %%\t%.0f\t%s\t%s\n", s.Service, s.Least*100, s.Hours, bearableText(s.Bearable), by)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range r.Terminals {
		o := &r.Terminals[i]
		fmt.Fprintf(w, "\n%s (%s)\n", o.Terminal, o.Unit)
		t = tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		for _, x := range o.Figures(p.Identity.Currency) {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", x.Name, risk.Between(x.Low, x.Mid, x.High), x.Unit)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\noperator loses %s %s; others lose %s %s (%d runs, seed %d)\n", risk.Between(r.Operator.Low, r.Operator.Mid, r.Operator.High), p.Identity.Currency,
		risk.Between(r.Economy.Low, r.Economy.Mid, r.Economy.High), p.Identity.Currency, r.Runs, r.Seed)
	for _, a := range r.Assumptions {
		fmt.Fprintf(w, "assumed: %s\n", a)
	}
	return nil
}

func bearableText(h float64) string {
	if h == 0 {
		return "not declared"
	}
	return fmt.Sprintf("%g h", h)
}

func printIsolation(w io.Writer, p *port.Port, i *continuity.Isolation) error {
	for _, part := range []struct {
		title string
		list  []continuity.Stopped
	}{{"Stops", i.Stops}, {"Undecided", i.Unsure}, {"Goes on", i.GoesOn}} {
		if len(part.list) == 0 {
			continue
		}
		fmt.Fprintln(w, part.title+":")
		for _, s := range part.list {
			fmt.Fprintf(w, "  %s: %s; bearable: %s\n", s.Service, s.Why, bearableText(s.Bearable))
		}
	}
	if len(i.Stops)+len(i.Unsure) == 0 {
		fmt.Fprintln(w, "No declared service stops.")
	}
	if i.Bearable > 0 {
		fmt.Fprintf(w, "Bearable for %g h, then %s is not.\n", i.Bearable, i.First)
	} else if len(i.Stops) > 0 {
		fmt.Fprintln(w, "How long it is bearable is not declared: give recovery.mtpd_hours of the services above.")
	}
	if len(i.Deciders) == 0 {
		fmt.Fprintln(w, "Who may decide it is not declared: add an authority over it.")
	}
	for _, d := range i.Deciders {
		fmt.Fprintf(w, "Who may decide: %d of %s (%s: %s)\n", max(1, d.Agree), strings.Join(d.Holders, ", "), d.Authority, d.Decision)
	}
	fmt.Fprintf(w, "\nFor %g h:\n", i.Hours)
	for _, x := range []struct {
		title string
		r     *continuity.Report
	}{{"with what surely stops", i.Least}, {"and with what is undecided", i.Most}} {
		if x.r == i.Least && x.title != "with what surely stops" {
			continue // nothing is undecided
		}
		fmt.Fprintf(w, "  %s: operator loses %s, others lose %s %s\n", x.title, risk.Between(x.r.Operator.Low, x.r.Operator.Mid, x.r.Operator.High), risk.Between(x.r.Economy.Low, x.r.Economy.Mid, x.r.Economy.High), p.Identity.Currency)
		for k := range x.r.Terminals {
			if o := &x.r.Terminals[k]; o.Late.High > 0 || o.Normal.High > 0 {
				fmt.Fprintf(w, "    %s: %s %s late, normal after %s h\n", o.Terminal, risk.Between(o.Late.Low, o.Late.Mid, o.Late.High), o.Unit, risk.Between(o.Normal.Low, o.Normal.Mid, o.Normal.High))
			}
		}
	}
	return nil
}

func printRecovery(w io.Writer, p *port.Port, r *continuity.Plan) error {
	how := "the best of all orders"
	if !r.Proven {
		how = "the best order found, not proven the best"
	}
	fmt.Fprintf(w, "%s (%d schedules compared), %d crews:\n", how, r.Tried, r.Crews)
	for _, x := range r.Work {
		fmt.Fprintf(w, "  hour %.0f to %.0f, crew %d: %s\n", x.From, x.Until, x.Crew, x.ID)
	}
	fmt.Fprintf(w, "operator loses %s, others lose %s %s; in the order named, %s and %s\n", risk.Between(r.Operator.Low, r.Operator.Mid, r.Operator.High),
		risk.Between(r.Economy.Low, r.Economy.Mid, r.Economy.High), p.Identity.Currency, risk.Short(r.Given.Operator), risk.Short(r.Given.Economy))
	for _, b := range r.Back {
		switch {
		case b.Objective == 0:
			fmt.Fprintf(w, "%s is whole after %.0f h; no objective is declared\n", b.Service, b.Hours)
		case b.Gap > 0:
			fmt.Fprintf(w, "%s is whole after %.0f h, %.0f h later than its objective of %g h; tolerable: %s\n", b.Service, b.Hours, b.Gap, b.Objective, bearableText(b.Tolerable))
		default:
			fmt.Fprintf(w, "%s is whole after %.0f h, within its objective of %g h\n", b.Service, b.Hours, b.Objective)
		}
	}
	for _, x := range r.Repairs {
		if x.Assumed {
			fmt.Fprintf(w, "assumed: %g h to repair %s; give it with --repair %s=HOURS\n", x.Hours, x.ID, x.ID)
		}
	}
	return nil
}

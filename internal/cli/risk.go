package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/risk"
)

func init() { commands = append(commands, newRiskCommand) }

func newRiskCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "risk",
		Short: "What the risk is in hours, containers and money, why, and what would lower it",
		Long: `Risk reads the scenarios of a risk file (risk.yaml beside the port file), asks the
attack graph how likely their ways are, simulates the port's services for what a
standstill costs, and plays a hundred thousand years of it. Figures are ranges.
The same files, seed and --as-of give the same bytes.`,
	}
	c.AddCommand(newRiskRun(), newRiskExplain(), newRiskPortfolio())
	return c
}

// riskFlags are what every verb of risk reads.
type riskFlags struct {
	attackFlags
	risk  string
	years int
	seed  uint64
	cache risk.Cache
}

func (f *riskFlags) flags(c *cobra.Command) {
	f.add(c, true)
	for _, hide := range []string{"from"} {
		_ = c.Flags().MarkHidden(hide) // the scenarios say where attackers start
	}
	c.Flags().StringVar(&f.risk, "risk", "", "risk file (default risk.yaml beside the port file)")
	c.Flags().IntVar(&f.years, "years", 100_000, "simulated years")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of everything that is left to chance")
}

// score assesses a port file with a risk file ("": beside it).
func (f *riskFlags) score(c *cobra.Command, portFile, riskFile string) (*risk.Assessment, risk.Inputs, error) {
	if portFile == "" {
		return nil, risk.Inputs{}, usagef("%s needs --port (see '%s --help')", c.CommandPath()[len("quaywatch "):], c.CommandPath())
	}
	m, p, err := f.known(c, portFile)
	if err != nil {
		return nil, risk.Inputs{}, err
	}
	if riskFile == "" {
		riskFile = risk.Beside(portFile)
	}
	file, err := risk.Load(riskFile, p)
	if err != nil {
		return nil, risk.Inputs{}, err
	}
	at, err := momentOf(f.asOf)
	if err != nil {
		return nil, risk.Inputs{}, err
	}
	in := risk.Inputs{Port: p, File: file, Graph: m, Years: f.years, Seed: f.seed, Cache: &f.cache, AsOf: at}
	a, err := risk.Score(c.Context(), in)
	return a, in, err
}

func newRiskRun() *cobra.Command {
	var f riskFlags
	c := &cobra.Command{
		Use:   "run --port P [--risk F]",
		Short: "Scenarios, the loss exceedance curve, and the appetite",
		Long: `Run prints how often each scenario comes, what an event and a year of it cost, the
chance of years worse than given losses, and which lines of the appetite are
crossed.

An acceptance is held against who may accept that much (may_accept of the risk file).

Exit codes: 0 done; 1 failed; 2 used wrongly; 3 done, and a line of the appetite is
crossed, or may be, or an acceptance is not valid.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			a, _, err := f.score(c, f.port, f.risk)
			if err != nil {
				return err
			}
			if f.json {
				err = writeJSON(c.OutOrStdout(), a)
			} else {
				err = printAssessment(plain{c.OutOrStdout()}, a)
			}
			for _, j := range a.Appetite {
				if err == nil && j.Breach != "no" {
					return errViolations
				}
			}
			for i := range a.Acceptances {
				if err == nil && a.Acceptances[i].Valid == "no" {
					return errViolations
				}
			}
			return err
		},
	}
	f.flags(c)
	return c
}

func newRiskExplain() *cobra.Command {
	var f riskFlags
	var against, againstRisk string
	var rules []string
	c := &cobra.Command{
		Use:   "explain --port BEFORE --against AFTER | --against-firewall CONFIG",
		Short: "What moved the figures between two states, cause by cause",
		Long: `Explain assesses two port files (and their risk files) with the same random
numbers and prints each cause of the difference in money, hours and containers.
The causes add up to the whole difference.

Exit codes: 0 done, the expected year costs no more; 1 failed; 2 used wrongly; 3
done, it costs more.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if against == "" && rules == nil {
				return usagef("risk explain needs --against or --against-firewall (see 'quaywatch risk explain --help')")
			}
			if against == "" {
				against = f.port
			}
			before, _, err := f.score(c, f.port, f.risk)
			if err != nil {
				return err
			}
			if rules != nil {
				f.firewalls = rules
			}
			after, _, err := f.score(c, against, againstRisk)
			if err != nil {
				return err
			}
			w := risk.Explain(before, after)
			if f.json {
				err = writeJSON(c.OutOrStdout(), w)
			} else {
				err = printWaterfall(plain{c.OutOrStdout()}, w, after.Currency)
			}
			if err == nil && w.After.Operator > w.Before.Operator {
				return errViolations
			}
			return err
		},
	}
	f.flags(c)
	c.Flags().StringVar(&against, "against", "", "port file of the later state (default the same)")
	c.Flags().StringSliceVar(&rules, "against-firewall", nil, "configurations of firewalls of the later state (default those of --firewall)")
	c.Flags().StringVar(&againstRisk, "against-risk", "", "its risk file (default risk.yaml beside it)")
	return c
}

func newRiskPortfolio() *cobra.Command {
	var f riskFlags
	c := &cobra.Command{
		Use:   "portfolio --port P [--risk F]",
		Short: "Which treatments lower the expected loss most under the budgets, proven",
		Long: `Portfolio works out what each declared treatment does to each scenario (by taking
its changes out of the attack graph, or by the declared part), and finds the
choice that lowers the operator's expected loss most under the budgets. The
choice is proven: nothing else within the budgets is better, by the model. The
chosen set is then assessed as a whole.

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			a, in, err := f.score(c, f.port, f.risk)
			if err != nil {
				return err
			}
			plan, err := risk.Choose(c.Context(), in, a)
			if err != nil {
				return err
			}
			if f.json {
				return writeJSON(c.OutOrStdout(), plan)
			}
			return printPlan(plain{c.OutOrStdout()}, plan, a.Currency)
		},
	}
	f.flags(c)
	return c
}

func printAssessment(w io.Writer, a *risk.Assessment) error {
	fmt.Fprintf(w, "%s: expected in a year, operator %s %s; others %s; %s h of standstill; %s containers late\n\n", a.Port,
		risk.Between(a.Yearly.Low.Operator, a.Yearly.Mid.Operator, a.Yearly.High.Operator), a.Currency,
		risk.Between(a.Yearly.Low.Economy, a.Yearly.Mid.Economy, a.Yearly.High.Economy),
		risk.Between(a.Yearly.Low.Hours, a.Yearly.Mid.Hours, a.Yearly.High.Hours), risk.Between(a.Yearly.Low.Containers, a.Yearly.Mid.Containers, a.Yearly.High.Containers))
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "SCENARIO\tREACH\tEVENTS A YEAR\tOPERATOR AN EVENT\tOPERATOR A YEAR\tHOURS AN EVENT\tCONTAINERS")
	for i := range a.Scenarios {
		s := &a.Scenarios[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.0f\t%.0f\n", s.ID, s.Reach, risk.Between(s.Events.Low, s.Events.Mid, s.Events.High), risk.Short(s.PerEvent.Operator),
			risk.Between(s.Yearly.Low.Operator, s.Yearly.Mid.Operator, s.Yearly.High.Operator), s.PerEvent.Hours, s.PerEvent.Containers)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nChance of a year that costs the operator more:")
	t = tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	for _, e := range a.Curve {
		fmt.Fprintf(t, "%s %s\t%s\t\n", risk.Short(e.Loss), a.Currency, chances(e.Chance))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, q := range a.Quantiles {
		fmt.Fprintf(w, "one year in %d costs more than %s %s\n", q.OneIn, risk.Between(q.Loss.Low, q.Loss.Mid, q.Loss.High), a.Currency)
	}
	for _, j := range a.Appetite {
		verdict := map[string]string{"yes": "CROSSED", "no": "kept", "undecided": "UNDECIDED: the range lies on both sides"}[j.Breach]
		fmt.Fprintf(w, "appetite, %s: above %s %s with at most %.3g %%; found %s: %s\n", j.Name, risk.Short(j.Line.Loss), a.Currency, j.Line.Chance*100, chances(j.Found), verdict)
	}
	for i := range a.Acceptances {
		c := &a.Acceptances[i]
		verdict := map[string]string{"yes": "valid", "no": "NOT VALID", "undecided": "UNDECIDED"}[c.Valid]
		fmt.Fprintf(w, "accepted until %s by %s, %s: %s: %s\n", c.Until, c.By, c.Scenario, verdict, c.Why)
	}
	for _, x := range a.Assumptions {
		fmt.Fprintf(w, "assumed: %s\n", x)
	}
	return nil
}

func printWaterfall(w io.Writer, f *risk.Waterfall, currency string) error {
	fmt.Fprintf(w, "expected in a year, middle figures: operator %s to %s %s, %.2f to %.2f h, %.0f to %.0f containers\n", risk.Short(f.Before.Operator), risk.Short(f.After.Operator), currency,
		f.Before.Hours, f.After.Hours, f.Before.Containers, f.After.Containers)
	if len(f.Steps) == 0 {
		fmt.Fprintln(w, "nothing moved")
	}
	for _, s := range f.Steps {
		fmt.Fprintf(w, "%+.0f %s, %+.2f h, %+.0f containers: %s: %s\n", s.Moves.Operator, currency, s.Moves.Hours, s.Moves.Containers, s.Scenario, s.Cause)
	}
	return nil
}

func printPlan(w io.Writer, p *risk.Plan, currency string) error {
	fmt.Fprintf(w, "expected loss of the operator in a year: %s now, %s with the choice (assessed as a whole %s) %s; proven best: no other choice leaves less than %s\n",
		risk.Short(p.Now), risk.Short(p.Left), risk.Short(p.Assessed.Mid), currency, risk.Short(p.Bound))
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "DO\tOPTION\tBUDGET\tA YEAR\tTAKES AWAY ALONE\tRETURN")
	for _, c := range p.Chosen {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.1f\n", c.Treatment, c.Option, c.Budget, risk.Short(c.Cost), risk.Short(c.Alone), c.Return)
	}
	for _, c := range p.Passed {
		fmt.Fprintf(t, "not %s\t%s\t%s\t%s\t%s\t%.1f\n", c.Treatment, c.Option, c.Budget, risk.Short(c.Cost), risk.Short(c.Alone), c.Return)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, b := range p.Budgets {
		fmt.Fprintf(w, "budget %s: %s of %s used; the next 100,000 would take away %s\n", b.Kind, risk.Short(b.Used), risk.Short(b.Limit), risk.Short(b.Next))
	}
	fmt.Fprintln(w, "frontier (part of the budgets: loss left):")
	for _, x := range p.Frontier {
		fmt.Fprintf(w, "  %3.0f %%  %s\n", x.Part*100, risk.Short(x.Left))
	}
	return nil
}

func chances(s risk.Span) string {
	return fmt.Sprintf("%.2g %% (%.2g to %.2g)", s.Mid*100, s.Low*100, s.High*100)
}

package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quaywatch/quaywatch/internal/advisory"
	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/port"
	csaf "github.com/quaywatch/quaywatch/internal/source/advisory"
	"github.com/quaywatch/quaywatch/internal/system"
)

// matching is the JSON document of advisory match.
type matching struct {
	AsOf     time.Time        `json:"as_of"`
	Read     advisory.Summary `json:"read"`
	Rejected []csaf.Rejection `json:"rejected"`
	Idle     []string         `json:"decisions_not_applied"`
	Note     string           `json:"note"`
	Assets   []matched        `json:"assets"`
}

// matched is one asset with the notices that are or could be about it.
type matched struct {
	Asset   string       `json:"asset"`
	Name    string       `json:"name"`
	Device  string       `json:"device"`                 // vendor, product, model, firmware as registered
	Stops   []string     `json:"stops"`                  // services that stop without it
	Window  string       `json:"patch_window,omitempty"` // next one, in the time zone of the port; "" where none is declared
	Reach   string       `json:"reach"`                  // yes, no, undecided, or "" where the attack graph was not asked
	Matches []matchedOne `json:"matches"`
	None    string       `json:"none,omitempty"` // why there is no match
}

type matchedOne struct {
	advisory.Match
	Priority advisory.Priority `json:"priority"`
}

const matchNote = "An asset without a match, or one that is not affected by what was loaded, is not known to be safe."

func newAdvisoryMatch() *cobra.Command {
	var n notices
	var portFile, asOf string
	var from []string
	var asJSON, all, why bool
	c := &cobra.Command{
		Use:   "match --port P --advisories D [--kev F] [--epss F] [--decisions F] [--from ENTRY]",
		Short: "Match the notices to the assets of the register: affected, not affected or undecided",
		Long: `Match compares vendor, product, model and firmware of every asset with the notices.
Each pair has one verdict with its reason: affected, not affected, or undecided.
What is not understood, a name that is only alike, or a firmware that the register
does not tell, is undecided and never "not affected". Assets without a match are
listed with the reason; none of them is called safe.

Pairs come in order of priority: certainty, known and predicted use, whether an
attacker reaches the asset (--from asks the attack graph), what stops without it,
and compensating controls that somebody decided to count (--decisions). --why
prints the factors; the manual has the formula.

Exit codes: 0 done; 1 failed; 2 used wrongly.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if portFile == "" {
				return usagef("advisory match needs --port (see 'quaywatch advisory match --help')")
			}
			at, err := momentOf(asOf)
			if err != nil {
				return err
			}
			p, err := loadPort(portFile)
			if err != nil {
				return err
			}
			if err := knownEntries(p, from); err != nil {
				return err
			}
			j, err := n.judge(c, portFile, p, at)
			if err != nil {
				return err
			}
			reach, err := reachable(p, j, from, at)
			if err != nil {
				return err
			}
			m := matching{AsOf: at.UTC(), Read: j.set.Summary(), Rejected: j.rejected, Idle: j.idle, Note: matchNote, Assets: matchAll(p, j, from, reach, at)}
			if asJSON {
				return writeJSON(c.OutOrStdout(), m)
			}
			return printMatching(plain{c.OutOrStdout()}, m, all, why)
		},
	}
	n.matchFlags(c)
	c.Flags().StringVar(&portFile, "port", "", "port file (required)")
	c.Flags().StringVar(&asOf, "as-of", "", "moment at which decisions and conduits hold, RFC 3339 (default now)")
	c.Flags().StringSliceVar(&from, "from", nil, "entries of an attacker, comma separated, as in attack paths")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, with all matches")
	c.Flags().BoolVar(&all, "all", false, "list also what is not affected")
	c.Flags().BoolVar(&why, "why", false, "print the factors of each priority")
	return c
}

// reachable asks the attack graph about every asset that has matches; nil where
// no entry is given.
func reachable(p *port.Port, j *judged, from []string, at time.Time) (map[string]attackgraph.Reach, error) {
	if len(from) == 0 {
		return nil, nil //nolint:nilnil // nobody was asked, which is an answer of its own
	}
	m, err := attackgraph.New(attackgraph.DefaultRules())
	if err != nil {
		return nil, err
	}
	if err := attackgraph.Declare(m, p, at); err != nil {
		return nil, err
	}
	if err := system.Weaknesses(m, p, j.matches); err != nil {
		return nil, err
	}
	if err := m.From(from...); err != nil {
		return nil, err
	}
	if err := m.Update(); err != nil {
		return nil, err
	}
	out := map[string]attackgraph.Reach{}
	for i := range p.Assets {
		id := p.Assets[i].ID
		if len(j.matches[id]) == 0 {
			continue
		}
		target, err := m.Target(id)
		if err != nil {
			return nil, err
		}
		out[id] = m.Reach(target)
	}
	return out, nil
}

// matchAll gathers every asset, ordered by its most urgent match, then by id.
func matchAll(p *port.Port, j *judged, from []string, reach map[string]attackgraph.Reach, at time.Time) []matched {
	out := make([]matched, 0, len(p.Assets))
	for i := range p.Assets {
		a := &p.Assets[i]
		device := strings.Join(slices.DeleteFunc([]string{a.Vendor, a.Product, a.Model, a.Firmware}, func(s string) bool { return s == "" }), " ")
		row := matched{Asset: a.ID, Name: a.Name, Device: device, Stops: []string{}, Window: windowOf(p, a, at), Reach: string(reach[a.ID]), Matches: []matchedOne{}, None: j.set.Silence(a)}
		if len(j.matches[a.ID]) > 0 {
			row.Stops = advisory.Stops(p, a.ID)
		}
		for _, m := range j.matches[a.ID] {
			in := advisory.Setting{Asset: a, Reach: advisory.Reach(row.Reach), From: from, Stops: row.Stops}
			if m.Override != nil {
				in.Controls = m.Override.Controls
			}
			row.Matches = append(row.Matches, matchedOne{m, advisory.Prioritise(&m, in)})
		}
		slices.SortStableFunc(row.Matches, func(a, b matchedOne) int { return cmp.Compare(b.Priority.Score, a.Priority.Score) })
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b matched) int {
		return cmp.Or(cmp.Compare(b.most(), a.most()), strings.Compare(a.Asset, b.Asset))
	})
	return out
}

// windowOf is when an asset may be changed next, "" where no window is declared.
func windowOf(p *port.Port, a *port.Asset, at time.Time) string {
	if w, ok := p.PatchWindow(a, at); ok {
		return w.String()
	}
	return ""
}

func (m *matched) most() float64 {
	if len(m.Matches) == 0 {
		return -1
	}
	return m.Matches[0].Priority.Score
}

// line is one pair, for printing.
type line struct {
	asset *matched
	one   *matchedOne
}

func printMatching(w io.Writer, m matching, all, why bool) error {
	none, count := map[string]int{}, map[advisory.Verdict]int{}
	var lines []line
	for i := range m.Assets {
		a := &m.Assets[i]
		if a.None != "" {
			none[a.None]++
		}
		for k := range a.Matches {
			one := &a.Matches[k]
			if count[one.Verdict]++; one.Verdict != advisory.NotAffected || all {
				lines = append(lines, line{a, one})
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(b.one.Priority.Score, a.one.Priority.Score) })
	if err := printLines(w, lines, why); err != nil {
		return err
	}
	tail := ""
	if !all && count[advisory.NotAffected] > 0 {
		tail = " (--all lists them)"
	}
	fmt.Fprintf(w, "\n%d advisories, %d CVEs, %d of them known to be exploited. Pairs: %d affected, %d undecided, %d not affected%s.\n%s\n",
		m.Read.Advisories, m.Read.CVEs, m.Read.Known, count[advisory.Affected], count[advisory.Undecided], count[advisory.NotAffected], tail, m.Note)
	if !m.Read.Predicted.IsZero() {
		fmt.Fprintf(w, "Exploit predictions are of %s, %d days before %s.\n", m.Read.Predicted.Format(time.DateOnly), int(m.AsOf.Sub(m.Read.Predicted).Hours()/24), m.AsOf.Format(time.DateOnly))
	}
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

func printLines(w io.Writer, lines []line, why bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PRIORITY\tASSET\tDEVICE\tADVISORY\tVERDICT\tCVSS\tEXPLOITED\tREMEDY\tREASON")
	for _, l := range lines {
		exploited := make([]string, len(l.one.Exploited))
		for i, x := range l.one.Exploited {
			exploited[i] = x.CVE
		}
		fmt.Fprintf(t, "%.1f\t%s\t%s\t%s\t%s\t%.1f\t%s\t%s\t%s\n", l.one.Priority.Score, l.asset.Asset, cell(l.asset.Device), cell(l.one.ID),
			l.one.Verdict, l.one.CVSS, some(exploited, 2), l.one.Remedy, cell(l.one.Reason))
		if !why {
			continue
		}
		for _, f := range l.one.Priority.Factors {
			fmt.Fprintf(t, "\t\t  %s %.3f: %s\n", f.Name, f.Value, cell(f.Why))
		}
	}
	return t.Flush()
}

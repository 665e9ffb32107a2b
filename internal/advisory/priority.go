package advisory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Factor is one part of a priority, between 0 and 1, with what it rests on.
type Factor struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Why   string  `json:"why"`
}

// Priority orders what to look at first. Score is 100 times the product of the
// factors; it compares pairs of one port on one day and predicts nothing.
type Priority struct {
	Score   float64  `json:"score"` // 0..100
	Factors []Factor `json:"factors"`
}

// Reach is whether an attacker can get to an asset: the answer of the attack
// graph, or that nobody asked it.
type Reach string

// Answers of the attack graph.
const (
	Reached    Reach = "yes"
	MaybeReach Reach = "undecided"
	NotReached Reach = "no"
	NotAsked   Reach = ""
)

// Setting is what a priority takes from the port around an asset.
type Setting struct {
	Asset    *port.Asset
	Reach    Reach
	From     []string // entries that were asked about
	Stops    []string // services that stop without the asset
	Controls []string // compensating controls that somebody has decided to count
}

// Judgements behind the factors: docs/manual/advisories.md tells them.
const (
	threatKEV        = 1.0
	threatMost       = 0.9 // of what nobody has seen used
	threatCritical   = 0.15
	threatHigh       = 0.08
	threatLow        = 0.03
	reachMaybe       = 0.6
	reachNo          = 0.1
	undecidedWeight  = 0.5  // of a certain product
	uncertainWeight  = 0.25 // of one that is not
	controlWeight    = 0.5
	controlLeast     = 0.25
	stopsOneService  = 0.15
	stopsMostService = 0.3
)

var criticality = map[string]float64{"critical": 1, "high": 0.7, "medium": 0.4, "low": 0.2}

// Prioritise computes the priority of a match.
func Prioritise(m *Match, in Setting) Priority {
	f := []Factor{certainty(m), threat(m), reach(in), consequence(in), left(in)}
	p := Priority{Score: 100, Factors: f}
	for _, x := range f {
		p.Score *= x.Value
	}
	return p
}

func certainty(m *Match) Factor {
	f := Factor{Name: "certainty"}
	switch m.Verdict {
	case Affected:
		f.Value, f.Why = 1, "affected"
	case Undecided:
		weight, what := undecidedWeight, "it is surely this product"
		if !m.Certain {
			weight, what = uncertainWeight, "the product is not certain"
		}
		f.Value, f.Why = weight*m.Likeness, fmt.Sprintf("undecided, and %s (%g); likeness of the names %.2f", what, weight, m.Likeness)
	default:
		f.Why = "not affected"
	}
	return f
}

// threat is how likely somebody uses the weakness: known use before prediction,
// and prediction before severity. Severity only sets a floor.
func threat(m *Match) Factor {
	f := Factor{Name: "threat"}
	if len(m.Exploited) > 0 {
		f.Value, f.Why = threatKEV, m.Exploited[0].CVE+" is known to be exploited"
		if slices.ContainsFunc(m.Exploited, func(x event.Exploited) bool { return x.Ransomware }) {
			f.Why += ", by ransomware too"
		}
		return f
	}
	floor := threatLow
	switch {
	case m.CVSS >= 9:
		floor = threatCritical
	case m.CVSS >= 7:
		floor = threatHigh
	}
	score := "no CVSS score"
	if m.CVSS > 0 {
		score = fmt.Sprintf("CVSS %s of %.1f", m.System, m.CVSS)
	}
	f.Value, f.Why = floor, fmt.Sprintf("at least %g for %s; no EPSS", floor, score)
	if m.EPSS > 0 {
		f.Value = min(threatMost, max(floor, m.EPSS))
		f.Why = fmt.Sprintf("EPSS %.3f, at least %g for %s", m.EPSS, floor, score)
	}
	return f
}

func reach(in Setting) Factor {
	from := strings.Join(in.From, ", ")
	switch in.Reach {
	case Reached:
		return Factor{"reach", 1, "can be reached from " + from}
	case MaybeReach:
		return Factor{"reach", reachMaybe, "undecided whether it can be reached from " + from}
	case NotReached:
		return Factor{"reach", reachNo, "no way is known from " + from + "; ways that nobody has declared or seen are left"}
	}
	return Factor{"reach", reachMaybe, "the attack graph was not asked (--from)"}
}

func consequence(in Setting) Factor {
	f := Factor{Name: "consequence", Value: criticality["medium"], Why: "no criticality registered, taken as medium"}
	if v, known := criticality[in.Asset.Criticality]; known {
		f.Value, f.Why = v, "criticality "+in.Asset.Criticality
	}
	if n := len(in.Stops); n > 0 {
		f.Value = min(1, f.Value+min(stopsMostService, stopsOneService*float64(n)))
		f.Why += "; stops " + some(in.Stops, 3)
	}
	return f
}

func left(in Setting) Factor {
	f := Factor{"controls", 1, "no compensating control was counted"}
	if len(in.Controls) == 0 {
		return f
	}
	for range in.Controls {
		f.Value *= controlWeight
	}
	f.Value, f.Why = max(controlLeast, f.Value), strings.Join(in.Controls, "; ")
	return f
}

func some(all []string, most int) string {
	if over := len(all) - most; over > 0 {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", over)
	}
	return strings.Join(all, ", ")
}

// Stops are the services that stop when an asset does, sorted by id. An asset
// stops with any of those that control it; manual working is not counted.
func Stops(p *port.Port, asset string) []string {
	down := map[string]bool{asset: true}
	for more := true; more; {
		more = false
		for i := range p.Assets {
			a := &p.Assets[i]
			if !down[a.ID] && slices.ContainsFunc(a.ControlledBy, func(id string) bool { return down[id] }) {
				down[a.ID], more = true, true
			}
		}
		for i := range p.Services {
			v := &p.Services[i]
			if !down[v.ID] && !runs(&v.Needs, down) {
				down[v.ID], more = true, true
			}
		}
	}
	out := []string{}
	for i := range p.Services {
		if down[p.Services[i].ID] {
			out = append(out, p.Services[i].ID)
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}

// runs is whether what a service needs is there.
func runs(n *port.Need, down map[string]bool) bool {
	all := func(list []port.Need) (up int) {
		for i := range list {
			if runs(&list[i], down) {
				up++
			}
		}
		return up
	}
	switch {
	case n.ID != "":
		return !down[n.ID]
	case len(n.All) > 0:
		return all(n.All) == len(n.All)
	case len(n.Any) > 0:
		return all(n.Any) > 0
	case n.KOfN != nil:
		return all(n.KOfN.Of) >= n.KOfN.K
	}
	return true
}

package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/firewall"
)

// Walls is what the configurations of firewalls that the port file names let
// through. It is made once for a port file and its configurations, read by many at
// once, and not changed.
type Walls struct {
	Survey *firewall.Survey // nil where no configuration could be read
	Notes  []string         // configurations that were not read, and why
	Made   time.Time
	states map[string]firewall.ConduitState
}

// NewWalls joins a survey with what could not be part of it.
func NewWalls(s *firewall.Survey, notes []string, made time.Time) *Walls {
	w := &Walls{Survey: s, Notes: notes, Made: made, states: map[string]firewall.ConduitState{}}
	if s != nil {
		for _, c := range s.Conduits {
			w.states[c.Conduit] = c
		}
	}
	return w
}

func (w *Walls) survey() *firewall.Survey {
	if w == nil {
		return nil
	}
	return w.Survey
}

// carriedOut is how the rules stand to a conduit, without a state where that is not known.
func (w *Walls) carriedOut(conduit string) firewall.ConduitState {
	if w == nil {
		return firewall.ConduitState{}
	}
	return w.states[conduit]
}

// Bounds of the page of firewalls.
const (
	ruleRows   = 50
	stateRows  = 100
	openRows   = 50
	unreadRows = 200
)

// wallsView answers "what do our firewalls let through, and who declared it".
type wallsView struct {
	frame
	Walls  *Walls
	Rules  part[firewall.RuleReport] // that differ from what is declared
	Due    int                       // that do not
	States part[firewall.ConduitState]
	Sum    map[firewall.State]int // conduits
	Open   part[openPair]
	Undue  int // pairs
}

// openPair is a pair of zones with what gets through.
type openPair struct {
	firewall.Passage
	From, To string // names
	Ways     []firewall.Reach
}

// part is a page of a list.
type part[T any] struct {
	Rows  []T
	Total int
	Skip  int
	Next  int // where the next page begins, 0 on the last
	key   string
}

func partOf[T any](r *http.Request, key string, list []T, most int) part[T] {
	skip, _ := strconv.Atoi(r.URL.Query().Get(key)) // what is no number begins at the start
	skip = min(max(skip, 0), len(list))
	p := part[T]{Rows: list[skip:min(skip+most, len(list))], Total: len(list), Skip: skip, key: key}
	if end := skip + len(p.Rows); end < len(list) {
		p.Next = end
	}
	return p
}

func (p part[T]) first() string { return "/firewalls#" + p.key }

func (p part[T]) more() string {
	if p.Next == 0 {
		return ""
	}
	return "/firewalls?" + p.key + "=" + strconv.Itoa(p.Next) + "#" + p.key
}

// stateGravity orders how conduits are carried out, from the worst.
var stateGravity = []firewall.State{firewall.NotAllowed, firewall.Uncertain, firewall.Narrower, firewall.NotBetween, firewall.Implemented}

func (c *Console) firewalls(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v := wallsView{frame: c.frame(r, "Firewalls", "zones"), Walls: c.walls(r.Context()), Sum: map[firewall.State]int{}}
	s := v.Walls.survey()
	if s == nil {
		return wallsPage(v), nil
	}
	var differ []firewall.RuleReport
	for i := range s.Rules {
		if s.Rules[i].State == firewall.Due {
			v.Due++
			continue
		}
		differ = append(differ, s.Rules[i])
	}
	slices.SortStableFunc(differ, func(a, b firewall.RuleReport) int {
		grave := []firewall.State{firewall.Undue, firewall.Wider, firewall.Uncertain}
		return slices.Index(grave, a.State) - slices.Index(grave, b.State)
	})
	v.Rules = partOf(r, "rules", differ, ruleRows)
	states := slices.Clone(s.Conduits)
	for i := range states {
		v.Sum[states[i].State]++
	}
	slices.SortStableFunc(states, func(a, b firewall.ConduitState) int {
		return slices.Index(stateGravity, a.State) - slices.Index(stateGravity, b.State)
	})
	v.States = partOf(r, "conduits", states, stateRows)
	for i := range s.Open {
		if s.Open[i].Beyond != firewall.CouldNot {
			v.Undue++
		}
	}
	open := partOf(r, "pairs", s.Open, openRows)
	v.Open = part[openPair]{Total: open.Total, Skip: open.Skip, Next: open.Next, key: open.key}
	p := c.d.Port()
	for _, x := range open.Rows {
		v.Open.Rows = append(v.Open.Rows, openPair{x, zoneName(p, x.From), zoneName(p, x.To), s.Ways(x.From, x.To)})
	}
	return wallsPage(v), nil
}

// wayWords are the rules of a way, each with its firewall, file and line.
func wayWords(w firewall.Reach) string {
	if w.Undue {
		return "no conduit allows it"
	}
	return "as " + joined(w.Conduits) + " " + map[bool]string{true: "allows", false: "allow"}[len(w.Conduits) == 1]
}

func joined(list []string) string {
	switch len(list) {
	case 0:
		return "–"
	case 1:
		return list[0]
	}
	out := list[0]
	for _, s := range list[1 : len(list)-1] {
		out += ", " + s
	}
	return out + " and " + list[len(list)-1]
}

// upTo is at most so many of a list.
func upTo[T any](list []T, most int) []T { return list[:min(len(list), most)] }

func beyondWords(p firewall.Passage) string {
	switch p.Beyond {
	case firewall.CouldPass:
		return "more than conduits allow"
	case firewall.CouldUnsure:
		return "perhaps more than conduits allow"
	}
	return "only what conduits allow"
}

func unreadWords(d firewall.DeviceReport) string {
	return plural(d.Rules, "rule", "rules") + " read, " + plural(len(d.Unread), "line", "lines") + " not understood"
}

func assetOf(d firewall.DeviceReport) string { return cmp.Or(d.Asset, "an asset that is not known") }

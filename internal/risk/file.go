// Package risk turns what can go wrong at a port into events a year, hours,
// containers and money, and says what changed a figure and what would lower it.
// It exists because a board decides in money and an engineer works on conduits,
// and somebody has to be able to walk from the one to the other. It imports port,
// attackgraph, continuity and its own libraries loss and portfolio; report and the
// faces import it.
//
// A scenario is who tries, from where, over which way, at what target, with what
// effect. How often it comes is how often somebody tries times the chance of the
// likeliest way in the attack graph; what it costs is what the simulation of the
// port's services says of the target being down, and what is declared besides.
// Formulas, defaults and blind spots: docs/manual/risk.md.
package risk

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// File is the risk file: what is judged, what the board bears, what could be done.
type File struct {
	Scenarios  []Scenario  `yaml:"scenarios"`
	Causes     []Cause     `yaml:"common_causes"`
	Appetite   []Line      `yaml:"appetite"`
	Budgets    []Budget    `yaml:"budgets"`
	Treatments []Treatment `yaml:"treatments"`
	Exercises  []Exercise  `yaml:"exercises"`

	Authorities []Authority `yaml:"may_accept"`
}

// Scenario is a way to lose.
type Scenario struct {
	ID       string      `yaml:"id"`
	Name     string      `yaml:"name"`
	Owner    string      `yaml:"owner"`      // party
	Actor    string      `yaml:"actor"`      // who tries, in words
	From     []string    `yaml:"from"`       // entries of the attack graph, zones or assets; empty: no attack graph, tries are events
	Target   string      `yaml:"target"`     // service or asset
	Down     []string    `yaml:"down"`       // services and assets that stop; empty: the target
	Hours    port.Figure `yaml:"down_hours"` // how long, from least to most
	Tries    port.Figure `yaml:"tries"`      // serious tries a year, from least to most
	Source   string      `yaml:"source"`     // where Tries and Hours come from
	Controls []Control   `yaml:"controls"`
	Costs    []Cost      `yaml:"costs"`       // besides the standstill: response, fines, claims, replacement
	Decision string      `yaml:"decision"`    // "lower", "transfer", "accept", "avoid"; empty: none was taken
	Until    string      `yaml:"until"`       // day at which an acceptance ends or is looked at again
	Accepted string      `yaml:"accepted_by"` // party
}

// Control is a measure that is no edge of the attack graph, after FAIR-CAM: how far
// it works where it works, how much it covers, and how much of the time it is as
// it should be (variance: drift, lapses).
type Control struct {
	Name        string      `yaml:"name"`
	Kind        string      `yaml:"kind"`        // "prevent", "detect": fewer events; "respond": shorter or cheaper ones
	Efficacy    port.Figure `yaml:"efficacy"`    // 0..1 of what it meets
	Coverage    port.Figure `yaml:"coverage"`    // 0..1 of the scenario that it meets; left out: 1
	Reliability port.Figure `yaml:"reliability"` // 0..1 of the time that it is as intended; left out: 1
	Evidence    string      `yaml:"evidence"`    // the exercise, restore or measurement that shows it
}

// Cost is a further loss of an event.
type Cost struct {
	Name   string      `yaml:"name"`
	Chance port.Figure `yaml:"chance"` // 0..1 that an event brings it; left out: 1
	Money  port.Figure `yaml:"money"`  // 5 % and 95 % of a lognormal
	Bears  string      `yaml:"bears"`  // "operator" (also left out) or "economy"
}

// Exercise is a drill, an exercise or a restore that was done, with what it showed.
// A measured restore of what a scenario takes down is the least time that the
// scenario lasts: nobody restores faster under attack than in the drill.
type Exercise struct {
	ID       string   `yaml:"id" json:"id"`
	Date     string   `yaml:"date" json:"date"` // day, such as 2026-09-14
	Kind     string   `yaml:"kind" json:"kind"` // "drill", "exercise", "restore"
	Name     string   `yaml:"name" json:"name"`
	Of       []string `yaml:"of" json:"of,omitempty"`       // services and assets that it was about
	Hours    float64  `yaml:"hours" json:"hours,omitempty"` // that a restore took until the service was back; 0: not measured
	Result   string   `yaml:"result" json:"result"`         // "passed", "failed", "partly"
	Evidence string   `yaml:"evidence" json:"evidence"`     // the record of it
}

// Kinds and results of exercises.
var (
	exerciseKinds   = []string{"drill", "exercise", "restore"}
	exerciseResults = []string{"passed", "failed", "partly"}
)

// Cause sets several scenarios off together, besides their own events.
type Cause struct {
	Name   string      `yaml:"name"`
	Rate   port.Figure `yaml:"rate"`   // times a year
	Hits   []string    `yaml:"hits"`   // scenarios
	Chance port.Figure `yaml:"chance"` // 0..1 that it sets off each
}

// Line is one line of the appetite: the chance of a worse year that is borne.
type Line struct {
	Name   string  `yaml:"name"`
	Loss   float64 `yaml:"loss"`   // operator's money in a year
	Chance float64 `yaml:"chance"` // 0..1 of a year above it that the board bears
	Owner  string  `yaml:"owner"`  // party
}

// Budget is money of one kind.
type Budget struct {
	Kind  string  `yaml:"kind"`  // "it", "ot", "physical"
	Limit float64 `yaml:"limit"` // a year
}

// Treatment is something that could be done.
type Treatment struct {
	ID      string   `yaml:"id"`
	Name    string   `yaml:"name"`
	Options []Option `yaml:"options"` // exclude each other
}

// Option is one way to do a treatment.
type Option struct {
	Name   string   `yaml:"name"`
	Kind   string   `yaml:"budget"` // of Budget
	Once   float64  `yaml:"once"`   // money, spread over Years
	Years  float64  `yaml:"years"`  // of use; 0 is 5
	Yearly float64  `yaml:"yearly"` // money a year
	Closes []string `yaml:"closes"` // changes of the attack graph, as "attack cut" names them: "close conduit x"
	Tries  float64  `yaml:"tries"`  // part of the events that it leaves, 0..1; 0: it does not change them
	Loss   float64  `yaml:"loss"`   // part of the cost of an event that it leaves, 0..1; 0: it does not change it
	On     []string `yaml:"on"`     // scenarios that Tries and Loss are about; empty: all
	Source string   `yaml:"source"` // of Tries and Loss
}

// Kinds of money.
var Kinds = []string{"it", "ot", "physical"}

var decisions = []string{"", "lower", "transfer", "accept", "avoid"}

// Beside is where the risk file of a port file is when nothing is said.
func Beside(portFile string) string {
	if info, err := os.Stat(portFile); err == nil && info.IsDir() {
		return filepath.Join(portFile, "risk.yaml")
	}
	return filepath.Join(filepath.Dir(portFile), "risk.yaml")
}

// Load reads a risk file and holds it against the port. The error holds every
// fault with line and column (strictyaml.Problems).
func Load(path string, p *port.Port) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the risk file: %w", err)
	}
	return Parse(path, data, p)
}

// Parse is Load of bytes.
func Parse(path string, data []byte, p *port.Port) (*File, error) {
	f := new(File)
	at, problems := strictyaml.Decode(path, data, f)
	if at != nil {
		c := checker{p: p, at: at, ids: map[string]bool{}}
		c.file(f)
		problems = append(problems, c.problems...)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

type checker struct {
	p        *port.Port
	at       *strictyaml.Positions
	problems strictyaml.Problems
	ids      map[string]bool
}

func (c *checker) bad(path, key, text, hint string) {
	c.problems = append(c.problems, c.at.Problem(strictyaml.Key(path, key), text, hint))
}

func (c *checker) file(f *File) {
	for i := range f.Scenarios {
		c.scenario(strictyaml.Item("scenarios", i), &f.Scenarios[i])
	}
	for i, v := range f.Causes {
		at := strictyaml.Item("common_causes", i)
		if v.Name == "" || len(v.Hits) < 2 {
			c.bad(at, "hits", "a common cause needs a name and two scenarios that it sets off", "name the scenarios by id")
		}
		for _, id := range v.Hits {
			c.known(at, "hits", id)
		}
		c.part(at, "chance", v.Chance)
		if v.Rate.High > 100 {
			c.bad(at, "rate", "more than 100 times a year", "give times a year")
		}
	}
	for i, l := range f.Appetite {
		at := strictyaml.Item("appetite", i)
		if l.Name == "" || l.Loss <= 0 || l.Chance < 0 || l.Chance > 1 {
			c.bad(at, "chance", "a line needs a name, a loss above 0 and a chance from 0 to 1", "such as {name: one year in a hundred, loss: 20000000, chance: 0.01}")
		}
		c.party(at, "owner", l.Owner)
	}
	for i, b := range f.Budgets {
		if !slices.Contains(Kinds, b.Kind) || b.Limit < 0 {
			c.bad(strictyaml.Item("budgets", i), "kind", fmt.Sprintf("%q with %g is no budget", b.Kind, b.Limit), "use "+strings.Join(Kinds, ", ")+" and money of 0 or more")
		}
	}
	named := map[string]bool{}
	for i, v := range f.Authorities {
		at := strictyaml.Item("may_accept", i)
		if v.Party == "" || named[v.Party] || !(v.Yearly >= 0) || !(v.Event >= 0) {
			c.bad(at, "party", "an authority needs a party, once, and money of 0 or more", "such as {party: chief-executive, yearly: 250000, event: 5000000}")
		}
		named[v.Party] = true
		c.party(at, "party", v.Party)
	}
	for i := range f.Exercises {
		c.exercise(strictyaml.Item("exercises", i), &f.Exercises[i])
	}
	for i := range f.Treatments {
		c.treatment(strictyaml.Item("treatments", i), &f.Treatments[i])
	}
}

func (c *checker) scenario(at string, s *Scenario) {
	switch {
	case s.ID == "":
		c.bad(at, "id", "the scenario has no id", "its random numbers belong to the id: keep it when the name changes")
	case c.ids[s.ID]:
		c.bad(at, "id", fmt.Sprintf("the id %q is given twice", s.ID), "give each its own")
	}
	c.ids[s.ID] = true
	if s.Name == "" {
		s.Name = s.ID
	}
	c.thing(at, "target", s.Target)
	if len(s.Down) == 0 {
		s.Down = []string{s.Target}
	}
	for _, id := range s.Down {
		c.thing(at, "down", id)
	}
	for _, e := range s.From {
		if !attackgraph.IsEntry(c.p, e) {
			c.bad(at, "from", fmt.Sprintf("%q is no entry, zone or asset", e), "use "+attackgraph.EntryIDs()+", or an id of the port file")
		}
	}
	if !(s.Tries.High > 0 && s.Tries.High <= 1000) {
		c.bad(at, "tries", "how often somebody tries is missing, or more than 1000 a year", `give serious tries a year, such as "0.5-4"`)
	}
	if !(s.Hours.High > 0 && s.Hours.High <= 8784) {
		c.bad(at, "down_hours", "how long it is down is missing, or more than a year", `give hours, such as "24-120"`)
	}
	if s.Source == "" {
		c.bad(at, "source", "nothing says where tries and hours come from", "name the statistic, the exercise or the judgement and whose it is")
	}
	c.party(at, "owner", s.Owner)
	c.party(at, "accepted_by", s.Accepted)
	if !slices.Contains(decisions, s.Decision) {
		c.bad(at, "decision", fmt.Sprintf("%q is no decision", s.Decision), "use lower, transfer, accept or avoid")
	}
	if s.Decision == "accept" && (s.Accepted == "" || s.Until == "") {
		c.bad(at, "decision", "an acceptance needs who accepted and until when", "give accepted_by and until")
	}
	if _, err := time.Parse(time.DateOnly, s.Until); s.Until != "" && err != nil {
		c.bad(at, "until", fmt.Sprintf("%q is no day", s.Until), "such as 2027-06-30")
	}
	for i, v := range s.Controls {
		k := strictyaml.Item(strictyaml.Key(at, "controls"), i)
		if v.Name == "" || !slices.Contains([]string{"prevent", "detect", "respond"}, v.Kind) || v.Evidence == "" {
			c.bad(k, "kind", "a control needs a name, a kind (prevent, detect, respond) and its evidence", "without evidence it is a hope: name the exercise, restore or measurement")
		}
		c.part(k, "efficacy", v.Efficacy)
		c.part(k, "coverage", v.Coverage)
		c.part(k, "reliability", v.Reliability)
	}
	for i, v := range s.Costs {
		k := strictyaml.Item(strictyaml.Key(at, "costs"), i)
		if v.Name == "" || !(v.Money.Low > 0) || v.Bears != "" && v.Bears != "operator" && v.Bears != "economy" {
			c.bad(k, "money", "a cost needs a name and money from above 0; bears is operator or economy", `such as {name: response, money: 200000-900000}`)
		}
		c.part(k, "chance", v.Chance)
	}
}

func (c *checker) treatment(at string, t *Treatment) {
	if t.ID == "" || len(t.Options) == 0 {
		c.bad(at, "options", "a treatment needs an id and at least one option", "give id and options")
	}
	if t.Name == "" {
		t.Name = t.ID
	}
	for i := range t.Options {
		o, k := &t.Options[i], strictyaml.Item(strictyaml.Key(at, "options"), i)
		if !slices.Contains(Kinds, o.Kind) {
			c.bad(k, "budget", fmt.Sprintf("%q is no budget", o.Kind), "use "+strings.Join(Kinds, ", "))
		}
		if o.Once < 0 || o.Yearly < 0 || o.Years < 0 || o.Tries < 0 || o.Tries > 1 || o.Loss < 0 || o.Loss > 1 {
			c.bad(k, "tries", "money and years are 0 or more, tries and loss are parts from 0 to 1", "tries: 0.7 leaves seven tenths of the events")
		}
		if len(o.Closes) == 0 && o.Tries == 0 && o.Loss == 0 {
			c.bad(k, "closes", "the option does nothing", `say what it closes ("close conduit x"), or what part of tries or loss it leaves`)
		}
		if (o.Tries > 0 || o.Loss > 0) && o.Source == "" {
			c.bad(k, "source", "nothing says where the effect comes from", "name the statistic or whose judgement it is")
		}
		for _, id := range o.On {
			c.known(k, "on", id)
		}
	}
}

func (c *checker) exercise(at string, e *Exercise) {
	if e.ID == "" || e.Name == "" || e.Evidence == "" {
		c.bad(at, "evidence", "an exercise needs an id, a name and its evidence", "name the record: a report, minutes, a log of the restore")
	}
	if _, err := time.Parse(time.DateOnly, e.Date); err != nil {
		c.bad(at, "date", fmt.Sprintf("%q is no day", e.Date), "such as 2026-09-14")
	}
	if !slices.Contains(exerciseKinds, e.Kind) {
		c.bad(at, "kind", fmt.Sprintf("%q is no kind", e.Kind), "use "+strings.Join(exerciseKinds, ", "))
	}
	if !slices.Contains(exerciseResults, e.Result) {
		c.bad(at, "result", fmt.Sprintf("%q is no result", e.Result), "use "+strings.Join(exerciseResults, ", "))
	}
	if !(e.Hours >= 0 && e.Hours <= 8784) || e.Hours > 0 && e.Kind != "restore" {
		c.bad(at, "hours", "hours are those of a restore, from 0 to a year", "leave them out where nothing was measured")
	}
	for _, id := range e.Of {
		c.thing(at, "of", id)
	}
}

func (c *checker) known(at, key, id string) {
	if !c.ids[id] {
		c.bad(at, key, fmt.Sprintf("%q is no scenario", id), "name a scenario of this file by its id")
	}
}

func (c *checker) thing(at, key, id string) {
	if c.p.Service(id) == nil && c.p.Asset(id) == nil {
		c.bad(at, key, fmt.Sprintf("%q is no service or asset of the port file", id), "name one by its id")
	}
}

func (c *checker) party(at, key, id string) {
	if id != "" && c.p.Party(id) == nil {
		c.bad(at, key, fmt.Sprintf("%q is no party of the port file", id), "name one by its id")
	}
}

func (c *checker) part(at, key string, f port.Figure) {
	if f.High > 1 {
		c.bad(at, key, fmt.Sprintf("%s is more than 1", f), "give a part from 0 to 1")
	}
}

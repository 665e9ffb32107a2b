package attackgraph

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Atom is one statement: a predicate about things, such as member(hmi-1, tos-net).
type Atom struct {
	Predicate string
	Args      []string
}

// A makes an atom.
func A(predicate string, args ...string) Atom { return Atom{predicate, args} }

func (a Atom) String() string { return a.Predicate + "(" + strings.Join(a.Args, ", ") + ")" }

// Given is a statement that holds by itself, from one origin. The same
// statement from two origins holds as long as one of them says so.
type Given struct {
	Atom
	Origin string    // "port file", "flows", "advisories", a firewall's name: together with the atom it names the given
	Chance Range     // that it is so, or that it works; zero is read as [1, 1]
	Unsure bool      // nobody has seen or declared it: answers that need it are undecided
	Effort float64   // days
	Text   string    // what was seen or declared, for people
	Where  string    // file and line, advisory id, flow
	Seen   time.Time // newest observation of it; zero for what is declared
	Change string    // what would take it away, such as "close conduit office-to-ot-dmz"; empty: nothing that a port can do
}

// Model is the attack graph of a port: what is given, the rules, and all that
// follows. It is used from one goroutine.
type Model struct {
	rules     []*compiledRule
	uses      map[string][]use // predicate to where rules have it as a condition
	relations map[string]*relation
	symbols   map[string]int32
	names     []string

	facts []statement
	steps []taken
	given map[string]FactID // by origin and atom
	grown []FactID          // facts that rules have not looked at yet
	ready []bool            // by fact: rules have looked at it

	likely, sure, effort *Graph
	entries              map[string]FactID
	from                 []string
}

type use struct {
	rule *compiledRule
	at   int
}

// relation is the known statements of one predicate.
type relation struct {
	arity int
	rows  [][]int32
	facts []FactID
	by    []map[int32][]int32 // by column and symbol: rows
	known map[string]FactID
}

// statement is a fact of the graph in words.
type statement struct {
	atom  Atom
	row   []int32
	given *Given // where the fact stands for one origin of a statement
}

// taken is a step of the graph in words.
type taken struct {
	rule    *compiledRule
	binding [maxVariables]int32
	title   string // where no rule made it
}

// New makes a model with rules and nothing given.
func New(rules []Rule) (*Model, error) {
	m := &Model{uses: map[string][]use{}, relations: map[string]*relation{}, symbols: map[string]int32{}, given: map[string]FactID{},
		likely: new(Graph), sure: new(Graph), effort: new(Graph), entries: map[string]FactID{}}
	for i := range rules {
		c, err := compile(&rules[i])
		if err != nil {
			return nil, fmt.Errorf("rule %q: %w", rules[i].ID, err)
		}
		m.rules = append(m.rules, c)
		for at := range c.body {
			m.uses[c.body[at].predicate] = append(m.uses[c.body[at].predicate], use{c, at})
		}
	}
	return m, nil
}

func (m *Model) symbol(s string) int32 {
	id, ok := m.symbols[s]
	if !ok {
		id = int32(len(m.names))
		m.symbols[s] = id
		m.names = append(m.names, s)
	}
	return id
}

func (m *Model) newFact(s statement) FactID {
	m.facts, m.ready = append(m.facts, s), append(m.ready, false)
	m.likely.Fact()
	m.sure.Fact()
	return m.effort.Fact()
}

// fact finds or makes the fact of an atom.
func (m *Model) fact(a Atom) (FactID, error) {
	row := make([]int32, len(a.Args))
	for i, s := range a.Args {
		row[i] = m.symbol(s)
	}
	return m.factOf(a.Predicate, row)
}

func (m *Model) factOf(predicate string, row []int32) (FactID, error) {
	r := m.relations[predicate]
	if r == nil {
		r = &relation{arity: len(row), known: map[string]FactID{}, by: make([]map[int32][]int32, len(row))}
		for i := range r.by {
			r.by[i] = map[int32][]int32{}
		}
		m.relations[predicate] = r
	}
	if r.arity != len(row) {
		return 0, fmt.Errorf("%w: %s has %d arguments elsewhere, %d here", ErrGraph, predicate, r.arity, len(row))
	}
	key := rowKey(row)
	if f, ok := r.known[key]; ok {
		return f, nil
	}
	args := make([]string, len(row))
	for i, s := range row {
		args[i] = m.names[s]
	}
	f := m.newFact(statement{atom: Atom{predicate, args}, row: row})
	r.known[key] = f
	n := int32(len(r.rows))
	r.rows, r.facts = append(r.rows, row), append(r.facts, f)
	for i, s := range row {
		r.by[i][s] = append(r.by[i][s], n)
	}
	m.grown = append(m.grown, f)
	return f, nil
}

func rowKey(row []int32) string {
	b := make([]byte, 0, 4*len(row))
	for _, x := range row {
		b = append(b, byte(x), byte(x>>8), byte(x>>16), byte(x>>24))
	}
	return string(b)
}

// Give states something, or changes what one origin said of it before. Entries
// (the predicate entry) are given by From.
func (m *Model) Give(g Given) error {
	if g.Chance == (Range{}) {
		g.Chance = Range{1, 1}
	}
	if !(0 < g.Chance[0] && g.Chance[0] <= g.Chance[1] && g.Chance[1] <= 1) || !(g.Effort >= 0) || math.IsInf(g.Effort, 0) {
		return fmt.Errorf("%w: %s of %s: chance %v, effort %v", ErrGraph, g.Atom, g.Origin, g.Chance, g.Effort)
	}
	f, err := m.fact(g.Atom)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", g.Atom, g.Origin, err)
	}
	key := g.Origin + "\x00" + g.String()
	own, ok := m.given[key]
	if !ok {
		own = m.newFact(statement{given: new(Given)})
		m.given[key] = own
		if err := m.step(taken{title: g.Text}, Range{1, 1}, Range{}, f, own); err != nil {
			return err
		}
	}
	*m.facts[own].given = g
	return m.base(own, &g)
}

func (m *Model) base(f FactID, g *Given) error {
	if g == nil {
		return joined(m.likely.Base(f, Unreached), m.sure.Base(f, Unreached), m.effort.Base(f, Unreached))
	}
	sure := -math.Log(g.Chance[1])
	if g.Unsure {
		sure = Unreached
	}
	return joined(m.likely.Base(f, -math.Log(g.Chance[1])), m.sure.Base(f, sure), m.effort.Base(f, g.Effort))
}

func joined(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Take takes back what an origin said; it is no error if it never did.
func (m *Model) Take(origin string, a Atom) error {
	if f, ok := m.given[origin+"\x00"+a.String()]; ok {
		return m.base(f, nil)
	}
	return nil
}

// Givens calls yield with everything that holds now, in the order in which it
// was first given.
func (m *Model) Givens(yield func(Given) bool) {
	for f := range m.facts {
		if g := m.facts[f].given; g != nil && m.likely.facts[f].base != Unreached && !yield(*g) {
			return
		}
	}
}

// Link adds a step that no rule makes: all of pre together give post.
func (m *Model) Link(title string, post Atom, pre ...Atom) error {
	p, err := m.fact(post)
	if err != nil {
		return err
	}
	var ids []FactID
	for _, a := range pre {
		f, err := m.fact(a)
		if err != nil {
			return err
		}
		ids = append(ids, f)
	}
	return m.step(taken{title: title}, Range{1, 1}, Range{}, p, ids...)
}

func (m *Model) step(t taken, chance, effort Range, post FactID, pre ...FactID) error {
	m.steps = append(m.steps, t)
	_, e1 := m.likely.Step(-math.Log(chance[1]), post, pre...)
	_, e2 := m.sure.Step(-math.Log(chance[1]), post, pre...)
	_, e3 := m.effort.Step((effort[0]+effort[1])/2, post, pre...)
	return joined(e1, e2, e3)
}

// Entry is a start of an attacker that is no place of the port.
type Entry struct{ ID, Name string }

// Entries are the starts that the rules know.
var Entries = []Entry{{"internet", "the internet"}, {"mail", "mail and web pages"}, {"vendor", "a vendor's session"}, {"visitor", "a visitor on the quay"},
	{"insider", "an insider"}, {"camera", "a camera's network"}, {"media", "removable media"}, {"radio", "radio"}}

// IsEntry reports whether an attacker can start there: at one of Entries, a zone or
// an asset of the port.
func IsEntry(p *port.Port, id string) bool {
	return slices.ContainsFunc(Entries, func(e Entry) bool { return e.ID == id }) || p.Zone(id) != nil || p.Asset(id) != nil
}

// EntryIDs lists the ids of Entries, for messages.
func EntryIDs() string {
	var ids []string
	for _, e := range Entries {
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, ", ")
}

// From says where the attacker starts: one of Entries, or the id of a zone or an
// asset.
func (m *Model) From(entries ...string) error {
	for _, e := range m.from {
		if err := m.base(m.entries[e], nil); err != nil {
			return err
		}
	}
	m.from = slices.Clone(entries)
	for _, e := range entries {
		f, err := m.fact(A("entry", e))
		if err != nil {
			return err
		}
		m.entries[e] = f
		if err := m.base(f, &Given{Chance: Range{1, 1}}); err != nil {
			return err
		}
	}
	return nil
}

// Update applies the rules to what is new and brings all ways up to date.
func (m *Model) Update() error {
	for len(m.grown) > 0 {
		f := m.grown[len(m.grown)-1]
		m.grown = m.grown[:len(m.grown)-1]
		m.ready[f] = true
		for _, u := range m.uses[m.facts[f].atom.Predicate] {
			if err := m.apply(u, f); err != nil {
				return err
			}
		}
	}
	m.likely.Update()
	m.sure.Update()
	m.effort.Update()
	return nil
}

// apply makes every step of a rule in which the condition at u.at is met by the
// fact, and no earlier condition by a newer one: so each step is made once.
func (m *Model) apply(u use, f FactID) error {
	j := &join{m: m, rule: u.rule, fixed: u.at, newest: f}
	for i := range j.binding {
		j.binding[i] = -1
	}
	j.pre = make([]FactID, len(u.rule.body))
	if !j.match(u.at, f) {
		return nil
	}
	return j.next(0)
}

// join puts facts in place of the conditions of a rule, one after the other.
type join struct {
	m       *Model
	rule    *compiledRule
	fixed   int
	newest  FactID
	binding [maxVariables]int32
	pre     []FactID
}

// match binds the variables of a condition to a fact.
func (j *join) match(at int, f FactID) bool {
	p, row := &j.rule.body[at], j.m.facts[f].row
	if len(p.vars) != len(row) {
		return false
	}
	for i, v := range p.vars {
		switch {
		case v < 0:
			if j.m.names[row[i]] != p.constants[i] {
				return false
			}
		case j.binding[v] < 0:
			j.binding[v] = row[i]
		case j.binding[v] != row[i]:
			return false
		}
	}
	j.pre[at] = f
	return true
}

func (j *join) next(at int) error {
	if at == len(j.rule.body) {
		return j.conclude()
	}
	if at == j.fixed {
		return j.next(at + 1)
	}
	r := j.m.relations[j.rule.body[at].predicate]
	if r == nil {
		return nil
	}
	before := j.binding
	for _, n := range j.candidates(r, at) {
		f := r.facts[n]
		if !j.m.ready[f] || f == j.newest && at < j.fixed {
			continue // its own turn comes, or has been
		}
		if j.match(at, f) {
			if err := j.next(at + 1); err != nil {
				return err
			}
		}
		j.binding = before
	}
	return nil
}

// candidates is the shortest list of rows that can meet a condition.
func (j *join) candidates(r *relation, at int) []int32 {
	p := &j.rule.body[at]
	var best []int32
	found := false
	for i, v := range p.vars {
		var s int32
		if v >= 0 {
			s = j.binding[v]
		} else if id, ok := j.m.symbols[p.constants[i]]; ok {
			s = id
		} else {
			return nil
		}
		if s < 0 || i >= len(r.by) {
			continue
		}
		if rows := r.by[i][s]; !found || len(rows) < len(best) {
			best, found = rows, true
		}
	}
	if found {
		return best
	}
	all := make([]int32, len(r.rows))
	for i := range all {
		all[i] = int32(i)
	}
	return all
}

// conclude adds the step that the binding makes.
func (j *join) conclude() error {
	h := &j.rule.head
	row := make([]int32, len(h.vars))
	for i, v := range h.vars {
		if v < 0 {
			row[i] = j.m.symbol(h.constants[i])
		} else {
			row[i] = j.binding[v]
		}
	}
	post, err := j.m.factOf(h.predicate, row)
	if err != nil {
		return fmt.Errorf("rule %q: %w", j.rule.ID, err)
	}
	return j.m.step(taken{rule: j.rule, binding: j.binding}, j.rule.Chance, j.rule.Effort, post, j.pre...)
}

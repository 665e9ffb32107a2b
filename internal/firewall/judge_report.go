package firewall

import (
	"cmp"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/port"
)

// ruleParts is what one rule, or one group of rules, does between zones.
type ruleParts struct {
	by        []*Rule
	due       map[[2]int][]box
	undue     map[[2]int][]box
	uncertain map[[2]int][]box // undecided, and no conduit allows it
	conduits  []string
}

// rules judges what the rules of one device do between the pairs of zones of a list.
func (j *judgement) rules(k int, list [][2]int) []RuleReport {
	groups := map[string]*ruleParts{}
	var order []string
	for _, pair := range list {
		allowed := j.conduitBoxes(pair)
		for _, x := range j.passing(k, pair) {
			key := strings.Join(ruleWhere(x.by), "\n") + ruleNames(x.by)
			g := groups[key]
			if g == nil {
				g = &ruleParts{by: x.by, due: map[[2]int][]box{}, undue: map[[2]int][]box{}, uncertain: map[[2]int][]box{}}
				groups[key] = g
				order = append(order, key)
			}
			beyond := minus([]box{x.b}, allowed)
			if x.verdict == Undecided {
				g.uncertain[pair] = append(g.uncertain[pair], beyond...)
				continue
			}
			g.undue[pair] = append(g.undue[pair], beyond...)
			if within := intersect([]box{x.b}, allowed); len(within) > 0 {
				g.due[pair] = append(g.due[pair], within...)
				for _, c := range j.serving(pair, within) {
					if !slices.Contains(g.conduits, c) {
						g.conduits = append(g.conduits, c)
					}
				}
			}
		}
	}
	var out []RuleReport
	for _, key := range order {
		if r, told := j.ruleReport(k, groups[key]); told {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b RuleReport) int { return stateOrder(a.State) - stateOrder(b.State) })
	return out
}

func ruleNames(rules []*Rule) string {
	var names []string
	for _, r := range rules {
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	return strings.Join(names, "; ")
}

func ruleTexts(rules []*Rule) []string {
	var out []string
	for _, r := range rules {
		if r.Text != "" && !slices.Contains(out, r.Text) {
			out = append(out, r.Text)
		}
	}
	return out
}

func stateOrder(s State) int {
	return slices.Index([]State{Undue, Wider, Uncertain, Due}, s)
}

func (j *judgement) ruleReport(k int, g *ruleParts) (RuleReport, bool) {
	r := RuleReport{Firewall: j.devices[k].name(), Where: ruleWhere(g.by), Name: ruleNames(g.by), Conduits: g.conduits}
	for _, x := range g.by {
		r.Why = cmp.Or(r.Why, x.Why)
	}
	r.Text = strings.Join(ruleTexts(g.by), "; ")
	undue, due, uncertain := j.crossings(g.undue), j.crossings(g.due), j.crossings(g.uncertain)
	switch {
	case len(undue) > 0 && len(due) > 0:
		r.State, r.Undue, r.Narrower, r.Why = Wider, undue, due, ""
	case len(undue) > 0:
		r.State, r.Undue, r.Why = Undue, undue, ""
	case len(uncertain) > 0:
		r.State, r.Undue = Uncertain, uncertain
		r.Why = cmp.Or(r.Why, byInterface)
	case len(due) > 0:
		r.State, r.Why = Due, ""
	default:
		return r, false
	}
	return r, true
}

func (j *judgement) crossings(m map[[2]int][]box) []Crossing {
	var out []Crossing
	for _, pair := range pairs(m) {
		if t := j.traffic(m[pair]); len(t) > 0 {
			out = append(out, Crossing{j.zones[pair[0]].ID, j.zones[pair[1]].ID, t})
		}
	}
	return out
}

// serving are the conduits that allow some of the boxes.
func (j *judgement) serving(pair [2]int, list []box) []string {
	var out []string
	for _, c := range j.conduits[pair] {
		for _, l := range c.lines {
			if len(intersect(l, list)) > 0 {
				out = append(out, c.c.ID)
				break
			}
		}
	}
	return out
}

// through is what passes all devices that stand between two zones. Devices whose
// place is not known, and hosts, are left out. via are the rules on the way.
type through struct {
	b       box
	verdict Verdict
	via     []string // device and places, one a device
	rules   string   // device and names of rules
	where   []string // places of rules
	why     string   // where undecided
	by      []*Rule
}

// A device has a say only over the addresses that it stands between: what one lets
// through goes on where no other stands in its way. What devices send and get
// themselves is not judged.
func (j *judgement) through(pair [2]int) []through {
	var live []through
	var before []box // what devices so far stand between
	for k, d := range j.devices {
		if !d.between() || !j.fates[k].covers(pair) {
			continue
		}
		here := append(j.stands(k, pair), j.fates[k].own...)
		var next []through
		for _, y := range live {
			for _, b := range minus([]box{y.b}, here) {
				rest := y
				rest.b = b
				next = append(next, rest)
			}
		}
		for _, x := range j.passing(k, pair) {
			where := ruleWhere(x.by)
			step, rules := d.name()+" "+strings.Join(where, ", "), d.name()+" "+ruleNames(x.by)
			for _, b := range minus([]box{x.b}, before) {
				next = append(next, through{b, x.verdict, []string{step}, rules, where, x.why(), x.by})
			}
			for _, y := range live {
				if y.b.meets(&x.b) {
					v := y.verdict
					if x.verdict == Undecided {
						v = Undecided
					}
					next = append(next, through{y.b.and(x.b), v, append(slices.Clone(y.via), step), y.rules + ", " + rules,
						append(slices.Clone(y.where), where...), cmp.Or(y.why, x.why()), addRules(slices.Clone(y.by), x.by)})
				}
			}
		}
		live, before = next, append(before, here...)
	}
	return live
}

// reach tells what gets from IT to OT.
func (j *judgement) reach() []Reach {
	var out []Reach
	reached := j.reached()
	for a := range j.zones {
		for b := range j.zones {
			if j.zones[a].Domain != port.IT || j.zones[b].Domain != port.OT {
				continue
			}
			if pair := [2]int{a, b}; reached.has(pair) {
				out = append(out, j.reachPair(pair)...)
			}
		}
	}
	return out
}

func (j *judgement) reachPair(pair [2]int) []Reach {
	type group struct {
		t     through
		undue bool
		boxes []box
	}
	groups := map[string]*group{}
	var order []string
	put := func(t through, undue bool, list []box) {
		if len(list) == 0 {
			return
		}
		key := t.verdict.String() + strings.Join(t.via, "\n")
		if undue {
			key += "\nundue"
		}
		if groups[key] == nil {
			groups[key] = &group{t: t, undue: undue}
			order = append(order, key)
		}
		groups[key].boxes = append(groups[key].boxes, list...)
	}
	allowed := j.conduitBoxes(pair)
	for _, t := range j.through(pair) {
		put(t, false, intersect([]box{t.b}, allowed))
		put(t, true, minus([]box{t.b}, allowed))
	}
	var out []Reach
	for _, key := range order {
		g := groups[key]
		r := Reach{Crossing: Crossing{j.zones[pair[0]].ID, j.zones[pair[1]].ID, j.traffic(g.boxes)}, Verdict: g.t.verdict, Via: g.t.via, Undue: g.undue, Why: g.t.why, Texts: ruleTexts(g.t.by)}
		if !g.undue {
			r.Conduits = j.serving(pair, g.boxes)
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b Reach) int { return reachOrder(a) - reachOrder(b) })
	return out
}

func reachOrder(r Reach) int {
	switch {
	case r.Undue && r.Verdict == Permit:
		return 0
	case r.Undue:
		return 1
	}
	return 2
}

// conduitStates tells how each conduit is carried out by the devices between.
func (j *judgement) conduitStates() []ConduitState {
	states := map[string]ConduitState{}
	for _, pair := range pairs(j.conduits) {
		for _, c := range j.conduits[pair] {
			states[c.c.ID] = j.conduitState(pair, c)
		}
	}
	var out []ConduitState
	for i := range j.port.Conduits {
		if s, ok := states[j.port.Conduits[i].ID]; ok {
			out = append(out, s)
		}
	}
	return out
}

func (j *judgement) conduitState(pair [2]int, c judgedConduit) ConduitState {
	out := ConduitState{Conduit: c.c.ID, From: c.c.From, To: c.c.To, State: NotBetween}
	between := false
	var denied, uncertain []part
	for k, d := range j.devices {
		if !d.between() || !j.fates[k].covers(pair) {
			continue
		}
		between = true
		for _, x := range j.meeting(k, pair) {
			switch x.verdict {
			case Deny:
				denied = append(denied, x)
			case Undecided:
				uncertain = append(uncertain, x)
			}
		}
	}
	if !between {
		return out
	}
	out.State = Implemented
	for i, l := range c.lines {
		left := l
		var by []*Rule
		for _, x := range denied {
			if len(intersect(left, []box{x.b})) > 0 {
				left = minus(left, []box{x.b})
				by = addRules(by, x.by)
			}
		}
		line := lineWords(&c.c.Allow[i])
		doubt := false
		for _, x := range uncertain {
			if len(intersect(left, []box{x.b})) > 0 {
				doubt = true
				by = addRules(by, x.by)
			}
		}
		state := Implemented
		switch {
		case len(left) == 0:
			state = NotAllowed
		case doubt:
			state = Uncertain
		case len(by) > 0:
			state = Narrower
		}
		if conduitOrder(state) < conduitOrder(out.State) {
			out.State = state
		}
		if state == NotAllowed || state == Uncertain {
			out.Lines = append(out.Lines, line+": "+string(state))
			sortRules(by)
			for _, w := range ruleWhere(by) {
				if !slices.Contains(out.By, w) {
					out.By = append(out.By, w)
				}
			}
		}
	}
	return out
}

func conduitOrder(s State) int {
	return slices.Index([]State{NotAllowed, Uncertain, Narrower, Implemented}, s)
}

func lineWords(l *port.Allow) string {
	return allowed(l).Words(nil).Service()
}

package firewall

import (
	"slices"
	"strings"
)

// readIptables reads what iptables-save and ip6tables-save write, and the other
// commands that iptables-restore takes as far as they only add.
func readIptables(r *reading, data []byte) error {
	x := &iptables{reading: r, tables: map[string]map[string]*ipChain{}}
	err := lines(r.File, data, x.line)
	if err != nil {
		return err
	}
	x.compile()
	return nil
}

type iptables struct {
	*reading
	six    bool
	table  string
	tables map[string]map[string]*ipChain
}

type ipChain struct {
	chain   *Chain
	builtin bool
	policy  string // ACCEPT, DROP, or empty: not told
	line    int
	rules   []ipRule
}

type ipRule struct {
	line  int
	text  string
	words []string
}

// builtins are the chains that each table has by itself.
var builtins = map[string][]string{
	"filter":   {"INPUT", "FORWARD", "OUTPUT"},
	"raw":      {"PREROUTING", "OUTPUT"},
	"mangle":   {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"},
	"security": {"INPUT", "FORWARD", "OUTPUT"},
	"nat":      {"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"},
}

func (x *iptables) line(at int, text string) {
	t := strings.TrimSpace(text)
	switch {
	case t == "" || t == "COMMIT":
	case t[0] == '#':
		x.six = x.six || strings.Contains(t, "ip6tables-save")
	case t[0] == '*':
		x.table = strings.TrimSpace(t[1:])
		if builtins[x.table] == nil {
			x.baffled(at, t, "a table that is not known")
		}
		x.of(x.table)
	case t[0] == ':':
		x.declare(at, t)
	default:
		x.command(at, t)
	}
}

// of is the chains of a table, with those that it has by itself.
func (x *iptables) of(table string) map[string]*ipChain {
	chains := x.tables[table]
	if chains == nil {
		chains = map[string]*ipChain{}
		for _, name := range builtins[table] {
			chains[name] = &ipChain{chain: &Chain{Name: table + " " + name}, builtin: true}
		}
		x.tables[table] = chains
	}
	return chains
}

// declare reads ":NAME POLICY [packets:bytes]".
func (x *iptables) declare(at int, t string) {
	w := strings.Fields(t[1:])
	if len(w) < 2 || x.table == "" {
		x.baffled(at, t, "a chain without a policy or table")
		return
	}
	chains := x.of(x.table)
	c := chains[w[0]]
	if c == nil {
		c = &ipChain{chain: &Chain{Name: x.table + " " + w[0]}}
		chains[w[0]] = c
	}
	x.setPolicy(c, at, t, w[1])
}

func (x *iptables) setPolicy(c *ipChain, at int, t, policy string) {
	switch {
	case c.builtin && (policy == "ACCEPT" || policy == "DROP"):
		c.policy, c.line = policy, at
	case !c.builtin && policy == "-":
		c.line = at
	default:
		x.baffled(at, t, "a policy that is not known")
	}
}

func (x *iptables) command(at int, t string) {
	words, open := fields(t, `"`)
	if open || len(words) == 0 {
		x.baffled(at, t, "a quote that is not closed")
		return
	}
	if strings.HasPrefix(words[0], "[") { // counters of iptables-save -c
		words = words[1:]
	}
	if len(words) == 0 || x.table == "" {
		x.baffled(at, t, "outside a table")
		return
	}
	name := ""
	if len(words) > 1 {
		name = words[1]
	}
	switch words[0] {
	case "-A", "--append":
		x.add(at, t, name, -1, words)
	case "-I", "--insert":
		place := 0
		if len(words) > 2 {
			if v, ok := number(words[2], maxRules); ok && v > 0 {
				place = v - 1
				words = slices.Delete(slices.Clone(words), 2, 3)
			}
		}
		x.add(at, t, name, place, words)
	case "-N", "--new-chain", "--new":
		if name != "" && x.of(x.table)[name] == nil {
			x.of(x.table)[name] = &ipChain{chain: &Chain{Name: x.table + " " + name}, line: at}
			return
		}
		x.baffled(at, t, "a chain that is there already or has no name")
	case "-P", "--policy":
		if c := x.of(x.table)[name]; c != nil && len(words) > 2 {
			x.setPolicy(c, at, t, words[2])
			return
		}
		x.baffled(at, t, "a policy of no chain")
	case "-C", "--check", "-L", "--list", "-S", "--list-rules", "-Z", "--zero", "-h", "--help", "-V", "--version":
		x.note(at, t, "a command that changes no rule")
	default:
		x.baffled(at, t, "a command that is not read")
	}
}

func (x *iptables) add(at int, t, name string, place int, words []string) {
	c := x.of(x.table)[name]
	if c == nil {
		x.baffled(at, t, "a rule of a chain that is not declared")
		return
	}
	if x.Policy.Rules++; x.Policy.Rules > maxRules {
		x.err = tooMany(x.File, at)
		return
	}
	rule := ipRule{at, t, words[2:]}
	if place < 0 || place >= len(c.rules) {
		c.rules = append(c.rules, rule)
	} else {
		c.rules = slices.Insert(c.rules, place, rule)
	}
}

// stages are the chains that packets pass, by kind of way (netfilter packet flow).
var ipStages = []struct {
	when   func() Match
	chains [][2]string
}{
	{forwarded, [][2]string{{"raw", "PREROUTING"}, {"mangle", "PREROUTING"}, {"mangle", "FORWARD"}, {"filter", "FORWARD"}, {"security", "FORWARD"}, {"mangle", "POSTROUTING"}}},
	{received, [][2]string{{"raw", "PREROUTING"}, {"mangle", "PREROUTING"}, {"mangle", "INPUT"}, {"filter", "INPUT"}, {"security", "INPUT"}}},
	{sent, [][2]string{{"raw", "OUTPUT"}, {"mangle", "OUTPUT"}, {"filter", "OUTPUT"}, {"security", "OUTPUT"}, {"mangle", "POSTROUTING"}}},
}

func others() Set { return Between(1, maxInterface) }

func forwarded() Match { return All().With(In, others()).With(Out, others()) }
func received() Match  { return All().With(In, others()).With(Out, Values(Self)) }
func sent() Match      { return All().With(In, Values(Self)).With(Out, others()) }

// compile turns what was gathered into paths.
func (x *iptables) compile() {
	var all []*ipChain
	for _, table := range []string{"raw", "mangle", "nat", "filter", "security"} {
		for _, name := range sortedKeys(x.tables[table]) {
			all = append(all, x.tables[table][name])
		}
	}
	for _, c := range all { // all names first: patterns mean the names that there are
		for _, rule := range c.rules {
			x.names(rule.words)
			x.six = x.six || hasSix(rule.words)
		}
	}
	for _, table := range []string{"raw", "mangle", "nat", "filter", "security"} {
		for _, name := range sortedKeys(x.tables[table]) {
			c := x.tables[table][name]
			for i := range c.rules {
				x.rule(table, c, &c.rules[i])
			}
		}
	}
	family := IPv4()
	if x.six {
		family = IPv6()
	}
	for _, s := range ipStages {
		path := Path{When: s.when().With(Src, family).With(Dst, family)}
		for _, at := range s.chains {
			c := x.tables[at[0]][at[1]]
			if c == nil && at[0] != "filter" || c != nil && c.policy == "ACCEPT" && len(c.rules) == 0 && at[0] != "filter" {
				continue
			}
			if c == nil {
				c = &ipChain{chain: &Chain{Name: strings.Join(at[:], " ")}}
			}
			path.Stages = append(path.Stages, x.base(c))
		}
		x.Paths = append(x.Paths, path)
	}
}

// base is a built-in chain with its policy at the end. A return out of it comes
// to the policy too.
func (x *iptables) base(c *ipChain) *Chain {
	end := &Rule{File: x.File, Line: c.line, Name: c.chain.Name + " policy " + c.policy, Text: "policy " + c.policy, Must: []Match{All()}, May: []Match{All()}}
	switch c.policy {
	case "ACCEPT":
	case "DROP":
		end.Action = DoDeny
	default:
		end.Action, end.Name, end.Text, end.Why = DoUnsure, c.chain.Name+" policy", "policy not told", "the policy of the chain is not told"
	}
	enter := &Rule{File: x.File, Line: c.line, Name: c.chain.Name, Action: DoJump, Chain: c.chain, Must: []Match{All()}, May: []Match{All()}}
	return &Chain{Name: c.chain.Name, Rules: []*Rule{enter, end}}
}

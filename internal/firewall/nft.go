package firewall

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// readNft reads what "nft -j list ruleset" writes (libnftables-json(5)).
func readNft(r *reading, data []byte) error {
	x := &nft{reading: r, chains: map[string]*nftChain{}, sets: map[string]*nftSet{}}
	if err := x.items(data); err != nil {
		return err
	}
	x.compile()
	return nil
}

type nft struct {
	*reading
	chains map[string]*nftChain
	order  []*nftChain
	sets   map[string]*nftSet
	rules  []nftRule
}

type nftChain struct {
	Family, Table, Name, Type, Hook, Policy string
	Prio                                    json.RawMessage
	line                                    int
	chain                                   *Chain
}

type nftSet struct {
	elems   []any
	unknown bool // what is in it changes while the device runs
}

type nftRule struct {
	line int
	text string
	body nftRuleBody
}

type nftRuleBody struct {
	Family, Table, Chain, Comment string
	Handle                        int
	Expr                          []map[string]any
}

// items reads the list of objects, each with its line.
func (x *nft) items(data []byte) error {
	line := func(offset int64) int { return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n")) }
	if err := jsonDepth(data); err != nil {
		return fmt.Errorf("%s:%d: %w", x.File, line(0), err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	fail := func(err error) error { return fmt.Errorf("%s:%d: %w", x.File, line(d.InputOffset()), err) }
	for _, want := range []json.Token{json.Delim('{'), "nftables", json.Delim('[')} {
		if t, err := d.Token(); err != nil || t != want {
			return fail(cmp.Or(err, fmt.Errorf("%w: nft -j list ruleset begins with {\"nftables\": [", ErrFormat)))
		}
	}
	counted, at := int64(0), 1 // lines are counted once
	for d.More() {
		offset := d.InputOffset()
		for offset < int64(len(data)) && bytes.IndexByte([]byte(" \t\r\n,"), data[offset]) >= 0 {
			offset++
		}
		at += bytes.Count(data[counted:offset], []byte("\n"))
		counted = offset
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return fail(err)
		}
		x.item(at, raw)
	}
	return nil
}

// jsonDepth refuses text whose brackets nest too deep, before anything recurses over it.
func jsonDepth(data []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > 64 {
				return fmt.Errorf("brackets nest more than 64 deep")
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

func nftKey(family, table, name string) string { return family + "\x00" + table + "\x00" + name }

func (x *nft) item(at int, raw json.RawMessage) {
	var kinds map[string]json.RawMessage
	text := string(raw)
	if err := json.Unmarshal(raw, &kinds); err != nil || len(kinds) != 1 {
		x.baffled(at, text, "an object that is not read")
		return
	}
	for kind, body := range kinds {
		switch kind {
		case "metainfo", "table", "counter", "quota", "limit", "flowtable", "ct helper", "ct timeout", "ct expectation", "secmark", "synproxy":
		case "chain":
			c := &nftChain{line: at}
			if err := json.Unmarshal(body, c); err != nil || c.Name == "" {
				x.baffled(at, text, "a chain that is not read")
				return
			}
			c.chain = &Chain{Name: c.Table + " " + c.Name}
			x.chains[nftKey(c.Family, c.Table, c.Name)] = c
			x.order = append(x.order, c)
		case "rule":
			rule := nftRule{line: at, text: text}
			if err := json.Unmarshal(body, &rule.body); err != nil {
				x.baffled(at, text, "a rule that is not read")
				return
			}
			if x.Policy.Rules++; x.Policy.Rules > maxRules {
				x.err = tooMany(x.File, at)
				return
			}
			x.rules = append(x.rules, rule)
		case "set", "map":
			x.set(at, text, body)
		default:
			x.baffled(at, text, "an object that is not read: "+excerpt(kind))
		}
	}
}

func (x *nft) set(at int, text string, body json.RawMessage) {
	var s struct {
		Family, Table, Name string
		Flags               any
		Timeout             any
		Elem                []any
	}
	if err := json.Unmarshal(body, &s); err != nil {
		x.baffled(at, text, "a set that is not read")
		return
	}
	flags := fmt.Sprint(s.Flags)
	x.sets[nftKey(s.Family, s.Table, s.Name)] = &nftSet{s.Elem, strings.Contains(flags, "dynamic") || strings.Contains(flags, "timeout") || s.Timeout != nil}
}

// compile turns what was gathered into paths.
func (x *nft) compile() {
	for i := range x.rules { // all names first: patterns mean the names that there are
		x.names(x.rules[i].body.Expr)
	}
	for i := range x.rules {
		r := &x.rules[i]
		c := x.chains[nftKey(r.body.Family, r.body.Table, r.body.Chain)]
		if c == nil {
			x.baffled(r.line, r.text, "a rule of a chain that is not there")
			continue
		}
		x.rule(c, r)
	}
	for _, c := range x.order {
		switch {
		case c.Hook == "" || c.Family == "arp":
		case c.Family == "bridge" || c.Family == "netdev" || c.Hook == "ingress" || c.Hook == "egress":
			x.baffled(c.line, c.Name, "a chain of "+excerpt(c.Family+" "+c.Hook)+" is not read")
		}
	}
	slices.SortStableFunc(x.order, func(a, b *nftChain) int { return cmp.Compare(nftPriority(a.Prio), nftPriority(b.Prio)) })
	for _, w := range []struct {
		when  Match
		hooks []string
	}{
		{forwarded(), []string{"prerouting", "forward", "postrouting"}},
		{received(), []string{"prerouting", "input"}},
		{sent(), []string{"output", "postrouting"}},
	} {
		path := Path{When: w.when}
		for _, hook := range w.hooks {
			for _, c := range x.order {
				if c.Hook == hook && c.Type != "nat" && nftFamily(c.Family) != nil {
					path.Stages = append(path.Stages, x.base(c))
				}
			}
		}
		if path.Stages == nil {
			path.Stages = []*Chain{{Name: "no chain", Rules: []*Rule{x.implicit("no chain on "+strings.Join(w.hooks, ", "), DoPermit, All())}}}
		}
		x.Paths = append(x.Paths, path)
	}
}

// nftPriority reads a priority; names stand for the numbers of the kernel.
func nftPriority(raw json.RawMessage) int {
	s := strings.Trim(string(raw), `"`)
	if v, err := strconv.Atoi(s); err == nil {
		return v
	}
	return map[string]int{"raw": -300, "mangle": -150, "dstnat": -100, "security": 50, "srcnat": 100}[s]
}

// nftFamily is the packets that tables of a family see; nil: none that are judged.
func nftFamily(family string) []Match {
	four := All().With(Src, IPv4()).With(Dst, IPv4())
	six := All().With(Src, IPv6()).With(Dst, IPv6())
	switch family {
	case "ip":
		return []Match{four}
	case "ip6":
		return []Match{six}
	case "inet":
		return []Match{four, six}
	}
	return nil
}

// base is a chain of a hook with its policy, for the packets of its family.
func (x *nft) base(c *nftChain) *Chain {
	family := nftFamily(c.Family)
	policy := cmp.Or(c.Policy, "accept")
	enter := &Rule{File: x.File, Line: c.line, Name: c.chain.Name, Action: DoJump, Chain: c.chain, Must: family, May: family}
	end := &Rule{File: x.File, Line: c.line, Name: c.chain.Name + " policy " + excerpt(policy), Text: "policy " + excerpt(policy), Must: family, May: family}
	switch policy {
	case "accept":
	case "drop":
		end.Action = DoDeny
	default:
		end.Action, end.Why = DoUnsure, "a policy that is not read"
	}
	return &Chain{Name: c.chain.Name, Rules: []*Rule{enter, end, x.implicit("not of this family", DoPermit, All())}}
}

// names learns the interfaces that expressions name.
func (x *nft) names(v any) {
	switch v := v.(type) {
	case []map[string]any:
		for _, e := range v {
			x.names(e)
		}
	case []any:
		for _, e := range v {
			x.names(e)
		}
	case map[string]any:
		if m, ok := v["match"].(map[string]any); ok && nftInterface(m["left"]) {
			x.learn(m["right"])
		}
		if m, ok := v["vmap"].(map[string]any); ok && nftInterface(m["key"]) {
			x.learn(m["data"])
		}
	}
}

// nftInterface reports whether an expression holds the name of an interface.
func nftInterface(v any) bool {
	b, err := json.Marshal(v)
	return err == nil && (bytes.Contains(b, []byte(`"iif`)) || bytes.Contains(b, []byte(`"oif`)))
}

// learn takes all texts in a value for names of interfaces.
func (x *nft) learn(v any) {
	switch v := v.(type) {
	case string:
		if !strings.HasPrefix(v, "@") && v != "" {
			x.iface(nftWild(v))
		}
	case []any:
		for _, e := range v {
			x.learn(e)
		}
	case map[string]any:
		for _, k := range sortedKeys(v) {
			x.learn(v[k])
		}
	}
}

// nftWild writes a pattern as this package does.
func nftWild(name string) string {
	if prefix, wild := strings.CutSuffix(name, "*"); wild {
		return prefix + "+"
	}
	return name
}

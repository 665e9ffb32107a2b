package firewall

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// iptablesOracle keeps rules as words.
type iptablesOracle struct {
	rules  map[string][][]string // by "table chain"
	policy map[string]string
	tables map[string]bool
	broken bool // a command that could change anything
	ifs    []string
}

func readIptablesOracle(text string) *iptablesOracle {
	o := &iptablesOracle{rules: map[string][][]string{}, policy: map[string]string{}, tables: map[string]bool{}}
	table := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line == "COMMIT":
		case line[0] == '*':
			table = line[1:]
			o.tables[table] = true
		case line[0] == ':':
			w := strings.Fields(line[1:])
			o.policy[table+" "+w[0]] = w[1]
		default:
			o.command(table, line)
		}
	}
	return o
}

func (o *iptablesOracle) command(table, line string) {
	var words []string
	for i, part := range strings.Split(line, `"`) { // every second part is quoted
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	for i, w := range words {
		if (w == "-i" || w == "-o") && i+1 < len(words) && words[i+1] != "!" && !strings.HasSuffix(words[i+1], "+") {
			o.ifs = append(o.ifs, words[i+1])
		}
	}
	switch words[0] {
	case "-A", "--append":
		o.rules[table+" "+words[1]] = append(o.rules[table+" "+words[1]], words[2:])
	case "-I", "--insert":
		o.rules[table+" "+words[1]] = slices.Insert(o.rules[table+" "+words[1]], 0, words[2:])
	case "--check", "-h", "--list", "--list-rules", "--zero", "--new-chain":
	default:
		o.broken = true
	}
}

func (o *iptablesOracle) names() []string { return append([]string{"eth77"}, o.ifs...) }

func (o *iptablesOracle) fate(h header) int {
	if o.broken {
		return mayBoth
	}
	if !h.src.Is4() || !h.dst.Is4() || h.in == self && h.out == self {
		return mayBoth // not read
	}
	for key, rules := range o.rules {
		if !strings.HasPrefix(key, "nat ") {
			continue
		}
		for _, r := range rules {
			if k := slices.Index(r, "-j"); k >= 0 && (r[k+1] == "DNAT" || r[k+1] == "REDIRECT") && o.match(r, h) != no {
				return mayBoth
			}
		}
	}
	way := []string{"raw PREROUTING", "mangle PREROUTING", "mangle FORWARD", "filter FORWARD", "mangle POSTROUTING"}
	if h.in == self {
		way = []string{"raw OUTPUT", "mangle OUTPUT", "filter OUTPUT", "mangle POSTROUTING"}
	} else if h.out == self {
		way = []string{"raw PREROUTING", "mangle PREROUTING", "mangle INPUT", "filter INPUT"}
	}
	got := mayPermit
	for _, chain := range way {
		table, _, _ := strings.Cut(chain, " ")
		if !o.tables[table] && table != "filter" {
			continue
		}
		out := o.chain(chain, h)
		if out&mayFall != 0 {
			out &^= mayFall
			switch o.policy[chain] {
			case "ACCEPT":
				out |= mayPermit
			case "DROP":
				out |= mayDeny
			default:
				out |= mayBoth
			}
		}
		if out == mayDeny {
			return mayDeny
		}
		got |= out & mayDeny
	}
	return got
}

func (o *iptablesOracle) chain(name string, h header) int {
	table, _, _ := strings.Cut(name, " ")
	out := 0
	for _, r := range o.rules[name] {
		m := o.match(r, h)
		if m == no {
			continue
		}
		k := slices.Index(r, "-j")
		if k < 0 {
			continue
		}
		var got int
		switch target := r[k+1]; target {
		case "ACCEPT":
			got = mayPermit
		case "DROP", "REJECT":
			got = mayDeny
		case "RETURN":
			got = mayFall
		case "LOG", "MARK":
			continue
		case "NFQUEUE":
			got = mayBoth
		default:
			got = o.chain(table+" "+target, h)
			if got&mayFall != 0 {
				out |= got &^ mayFall
				continue // back, and on
			}
		}
		out |= got
		if m == yes {
			return out
		}
	}
	return out | mayFall
}

func (o *iptablesOracle) match(words []string, h header) answer {
	all := yes
	for i := 0; i < len(words); i++ {
		neg := words[i] == "!"
		if neg {
			i++
		}
		var v string
		if i+1 < len(words) {
			v = words[i+1]
		}
		var a answer
		switch words[i] {
		case "-s":
			a = yesIf(inAny(v, h.src))
		case "-d":
			a = yesIf(inAny(v, h.dst))
		case "--src-range":
			a = yesIf(inRange(v, h.src))
		case "-i":
			a = yesIf(h.in != self && likeName(v, h.in))
		case "-o":
			a = yesIf(h.out != self && likeName(v, h.out))
		case "-p":
			a = yesIf(protoIs(v, h.proto))
		case "--dport", "--dports":
			a = yesIf(portIn(v, ":", h.dport))
		case "--sport", "--sports":
			a = yesIf(portIn(v, ":", h.sport))
		case "--icmp-type":
			a = yesIf(h.dport>>8 == atoi(v))
		case "--state", "--ctstate":
			a = yesIf(strings.Contains(v, "NEW"))
		case "--syn":
			a = yes
			i--
		case "-m":
			a = yesIf(true)
			if v == "limit" || v == "string" {
				a = maybe
			}
		case "--comment", "--limit", "--string", "--algo", "--log-prefix", "--to-destination", "--to-ports", "--set-mark", "--reject-with", "--queue-num", "-j":
			a = yes
		default:
			panic("the oracle does not know " + words[i])
		}
		if neg {
			a = a.not()
		}
		i++
		all = min(all, a)
	}
	return all
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

// inAny looks an address up in "A,B/8,C/255.0.0.0".
func inAny(list string, a netip.Addr) bool {
	for _, s := range strings.Split(list, ",") {
		host, mask, cut := strings.Cut(s, "/")
		if !cut {
			if netip.MustParseAddr(host) == a {
				return true
			}
			continue
		}
		if strings.Contains(mask, ".") {
			if sameBits(netip.MustParseAddr(host), netip.MustParseAddr(mask), a) {
				return true
			}
			continue
		}
		if netip.PrefixFrom(netip.MustParseAddr(host), atoi(mask)).Contains(a) {
			return true
		}
	}
	return false
}

func sameBits(base, mask, a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	x, m, y := base.As4(), mask.As4(), a.As4()
	for i := range 4 {
		if x[i]&m[i] != y[i]&m[i] {
			return false
		}
	}
	return true
}

func inRange(s string, a netip.Addr) bool {
	low, high, _ := strings.Cut(s, "-")
	l, h := netip.MustParseAddr(low), netip.MustParseAddr(high)
	return a.Is4() == l.Is4() && !a.Less(l) && !h.Less(a)
}

func likeName(pattern, name string) bool {
	if prefix, wild := strings.CutSuffix(pattern, "+"); wild {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

func protoIs(s string, proto int) bool {
	known := map[string]int{"tcp": 6, "udp": 17, "icmp": 1, "gre": 47, "sctp": 132}
	if n, ok := known[s]; ok {
		return n == proto
	}
	return atoi(s) == proto
}

// portIn looks a port up in "80,443,1000:2000".
func portIn(list, sep string, port int) bool {
	for _, s := range strings.Split(list, ",") {
		low, high, cut := strings.Cut(strings.TrimSpace(s), sep)
		if !cut {
			high = low
		}
		if atoi(low) <= port && port <= atoi(high) {
			return true
		}
	}
	return false
}

// Values of made-up configurations.
var (
	someNets  = []string{"10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "10.1.1.128/25", "10.1.1.7/32", "10.2.0.0/16", "192.0.2.0/24", "0.0.0.0/0", "10.1.2.0/23"}
	somePorts = []string{"22", "53", "80", "443", "502", "3389"}
	someIfs   = []string{"eth0", "eth1", "eth2", "wan0"}
)

// makeUp writes a configuration of a vendor.
func makeUp(vendor string, r *rand.Rand) string {
	switch vendor {
	case "iptables":
		return makeIptables(r)
	case "nftables":
		return makeNft(r)
	case "asa":
		return makeASA(r)
	case "fortios":
		return makeForti(r)
	}
	return makePan(r)
}

func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

func makeIptables(r *rand.Rand) string {
	var b strings.Builder
	rule := func(chain string, targets []string) {
		fmt.Fprintf(&b, "-A %s", chain)
		neg := func() string {
			if chance(r, 20) {
				return " !"
			}
			return ""
		}
		if chance(r, 60) {
			fmt.Fprintf(&b, "%s -s %s", neg(), pick(r, someNets[:7]))
		}
		if chance(r, 60) {
			fmt.Fprintf(&b, "%s -d %s", neg(), pick(r, someNets[:7]))
		}
		if chance(r, 30) && chain != "OUTPUT" {
			fmt.Fprintf(&b, "%s -i %s", neg(), pick(r, append(someIfs, "eth+")))
		}
		if chance(r, 30) && (chain == "FORWARD" || chain == "OUTPUT") {
			fmt.Fprintf(&b, "%s -o %s", neg(), pick(r, someIfs))
		}
		switch r.IntN(5) {
		case 0:
			fmt.Fprintf(&b, " -p tcp -m tcp%s --dport %s", neg(), pick(r, somePorts))
		case 1:
			fmt.Fprintf(&b, " -p udp -m udp --sport %s --dport 50:%d", pick(r, somePorts), 50+r.IntN(600))
		case 2:
			fmt.Fprintf(&b, " -p tcp -m multiport --dports %s,%s", pick(r, somePorts), pick(r, somePorts))
		case 3:
			fmt.Fprintf(&b, " -p icmp -m icmp --icmp-type %d", r.IntN(20))
		}
		switch r.IntN(12) {
		case 0:
			b.WriteString(` -m limit --limit 3/min`)
		case 1:
			b.WriteString(` -m conntrack --ctstate RELATED,ESTABLISHED`)
		case 2:
			b.WriteString(` -m state --state NEW`)
		case 3:
			b.WriteString(` -m comment --comment "a -j DROP in words"`)
		case 4:
			b.WriteString(` -m iprange --src-range 10.1.1.5-10.1.2.9`)
		}
		fmt.Fprintf(&b, " -j %s\n", pick(r, targets))
	}
	if chance(r, 40) {
		b.WriteString("*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -s 192.0.2.0/24 -j DROP\nCOMMIT\n")
	}
	if chance(r, 30) {
		b.WriteString("*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.2.0.0/16 -p tcp --dport 80 -j DNAT --to-destination 10.1.1.7\nCOMMIT\n")
	}
	fmt.Fprintf(&b, "*filter\n:INPUT %s [0:0]\n:FORWARD %s [0:0]\n:OUTPUT ACCEPT [0:0]\n:SUB - [0:0]\n:LOW - [0:0]\n", pick(r, []string{"DROP", "ACCEPT"}), pick(r, []string{"DROP", "DROP", "ACCEPT"}))
	for range 3 + r.IntN(8) {
		rule(pick(r, []string{"FORWARD", "FORWARD", "INPUT", "OUTPUT"}), []string{"ACCEPT", "DROP", "REJECT", "SUB", "SUB", "LOW", "LOG", "NFQUEUE"})
	}
	for range 2 + r.IntN(4) {
		rule("SUB", []string{"ACCEPT", "DROP", "LOW"})
	}
	b.WriteString("-A SUB -d 10.1.1.0/24 -j RETURN\n-A SUB -p tcp -j DROP\n")
	for range 1 + r.IntN(3) {
		rule("LOW", []string{"ACCEPT", "DROP"})
	}
	b.WriteString("COMMIT\n")
	return b.String()
}

// nftOracle keeps the objects of the JSON as they are.
type nftOracle struct {
	items []map[string]map[string]any
}

func readNftOracle(text string) *nftOracle {
	var doc struct {
		Nftables []map[string]map[string]any `json:"nftables"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		panic(err)
	}
	return &nftOracle{doc.Nftables}
}

func (o *nftOracle) names() []string { return someIfs }

func (o *nftOracle) fate(h header) int {
	if h.in == self && h.out == self {
		return mayBoth
	}
	hooks := []string{"prerouting", "forward", "postrouting"}
	if h.in == self {
		hooks = []string{"output", "postrouting"}
	} else if h.out == self {
		hooks = []string{"prerouting", "input"}
	}
	for _, it := range o.items {
		if r := it["rule"]; r != nil && familyHas(r["family"], h) {
			for i, e := range r["expr"].([]any) {
				if e.(map[string]any)["dnat"] != nil && o.conditions(r["expr"].([]any)[:i], h) != no {
					return mayBoth
				}
			}
		}
	}
	got := mayPermit
	for _, hook := range hooks {
		var chains []map[string]any
		for _, it := range o.items {
			if c := it["chain"]; c != nil && c["hook"] == hook && c["type"] == "filter" {
				chains = append(chains, c)
			}
		}
		slices.SortStableFunc(chains, func(a, b map[string]any) int { return int(a["prio"].(float64) - b["prio"].(float64)) })
		for _, c := range chains {
			if !familyHas(c["family"], h) {
				continue
			}
			out := o.chain(c["name"].(string), h)
			if out&mayFall != 0 {
				out &^= mayFall
				if c["policy"] == "drop" {
					out |= mayDeny
				} else {
					out |= mayPermit
				}
			}
			if out == mayDeny {
				return mayDeny
			}
			got |= out & mayDeny
		}
	}
	return got
}

func familyHas(family any, h header) bool {
	switch family {
	case "ip":
		return h.src.Is4() && h.dst.Is4()
	case "ip6":
		return h.src.Is6() && h.dst.Is6()
	}
	return h.src.Is4() == h.dst.Is4()
}

func (o *nftOracle) chain(name string, h header) int {
	out := 0
	for _, it := range o.items {
		r := it["rule"]
		if r == nil || r["chain"] != name {
			continue
		}
		exprs := r["expr"].([]any)
		m := yes
		stop := false
		for _, e := range exprs {
			e := e.(map[string]any)
			if v, ok := e["vmap"].(map[string]any); ok {
				for _, pair := range v["data"].(map[string]any)["set"].([]any) {
					pair := pair.([]any)
					hit := min(m, o.compare("==", v["key"], pair[0], h))
					if hit == no {
						continue
					}
					got := o.verdict(pair[1].(map[string]any), h)
					out |= got &^ mayFall
					if hit == yes && got&mayFall == 0 {
						return out
					}
				}
				continue
			}
			got := o.verdict(e, h)
			if got < 0 {
				m = min(m, o.conditions([]any{e}, h))
				continue
			}
			if m == no {
				break
			}
			if got&mayFall != 0 && e["return"] == nil {
				out |= got &^ mayFall
				break
			}
			out |= got
			stop = m == yes
			break
		}
		if stop {
			return out
		}
	}
	return out | mayFall
}

// verdict is what a statement does; -1: it is none that decides.
func (o *nftOracle) verdict(e map[string]any, h header) int {
	for k, v := range e {
		switch k {
		case "accept":
			return mayPermit
		case "drop", "reject":
			return mayDeny
		case "return":
			return mayFall
		case "jump":
			return o.chain(v.(map[string]any)["target"].(string), h)
		}
	}
	return -1
}

func (o *nftOracle) conditions(exprs []any, h header) answer {
	all := yes
	for _, e := range exprs {
		for k, v := range e.(map[string]any) {
			switch k {
			case "match":
				m := v.(map[string]any)
				all = min(all, o.compare(m["op"].(string), m["left"], m["right"], h))
			case "limit", "xt":
				all = min(all, maybe)
			case "counter", "log", "dnat":
			default:
				panic("the oracle does not know " + k)
			}
		}
	}
	return all
}

func (o *nftOracle) compare(op string, left, right any, h header) answer {
	l := left.(map[string]any)
	if l["ct"] != nil {
		return yesIf(strings.Contains(fmt.Sprint(right), "new") == (op != "!="))
	}
	if s, ok := right.(string); ok && strings.HasPrefix(s, "@") {
		for _, it := range o.items {
			if set := it["set"]; set != nil && set["name"] == s[1:] {
				if set["flags"] != nil && strings.Contains(fmt.Sprint(set["flags"]), "dynamic") {
					return o.compareList(op, l, nil, h, true)
				}
				return o.compareList(op, l, set["elem"].([]any), h, false)
			}
		}
	}
	if m, ok := right.(map[string]any); ok && m["set"] != nil {
		return o.compareList(op, l, m["set"].([]any), h, false)
	}
	return o.compareList(op, l, []any{right}, h, false)
}

func (o *nftOracle) compareList(op string, l map[string]any, list []any, h header, unknown bool) answer {
	hit, applies := false, true
	for _, v := range list {
		var one bool
		one, applies = o.one(l, v, h)
		hit = hit || one
	}
	if unknown {
		if _, applies = o.one(l, "10.0.0.1", h); !applies {
			return no
		}
		return maybe
	}
	if !applies {
		return no
	}
	return yesIf(hit == (op != "!="))
}

// one compares with one value; applies is whether the packet has such a field.
func (o *nftOracle) one(l map[string]any, v any, h header) (hit, applies bool) {
	if m, ok := l["meta"].(map[string]any); ok {
		switch m["key"] {
		case "iifname":
			return likeName(strings.ReplaceAll(v.(string), "*", "+"), h.in) && h.in != self, true
		case "oifname":
			return likeName(strings.ReplaceAll(v.(string), "*", "+"), h.out) && h.out != self, true
		case "l4proto":
			return protoIs(v.(string), h.proto), true
		}
	}
	p := l["payload"].(map[string]any)
	switch p["field"] {
	case "saddr":
		return addrIs(v, h.src), h.src.Is4() && h.dst.Is4()
	case "daddr":
		return addrIs(v, h.dst), h.src.Is4() && h.dst.Is4()
	case "dport":
		return portIs(v, h.dport), protoIs(p["protocol"].(string), h.proto)
	case "sport":
		return portIs(v, h.sport), protoIs(p["protocol"].(string), h.proto)
	}
	panic("the oracle does not know this field")
}

func addrIs(v any, a netip.Addr) bool {
	switch v := v.(type) {
	case string:
		return netip.MustParseAddr(v) == a
	case map[string]any:
		if p, ok := v["prefix"].(map[string]any); ok {
			return netip.PrefixFrom(netip.MustParseAddr(p["addr"].(string)), int(p["len"].(float64))).Contains(a)
		}
		r := v["range"].([]any)
		return inRange(r[0].(string)+"-"+r[1].(string), a)
	}
	panic("the oracle does not know this address")
}

func portIs(v any, port int) bool {
	if f, ok := v.(float64); ok {
		return int(f) == port
	}
	r := v.(map[string]any)["range"].([]any)
	return int(r[0].(float64)) <= port && port <= int(r[1].(float64))
}

func makeNft(r *rand.Rand) string {
	var items []string
	put := func(format string, args ...any) { items = append(items, fmt.Sprintf(format, args...)) }
	family := pick(r, []string{"inet", "ip"})
	put(`{"table": {"family": %q, "name": "t", "handle": 1}}`, family)
	put(`{"set": {"family": %q, "name": "known", "table": "t", "type": "ipv4_addr", "handle": 2, "flags": ["interval"], "elem": ["10.1.1.7", {"prefix": {"addr": "10.2.0.0", "len": 16}}, {"range": ["10.1.1.20", "10.1.1.40"]}]}}`, family)
	put(`{"set": {"family": %q, "name": "seen", "table": "t", "type": "ipv4_addr", "handle": 3, "flags": ["dynamic", "timeout"], "elem": []}}`, family)
	for i, hook := range []string{"forward", "input", "output", "prerouting"} {
		put(`{"chain": {"family": %q, "table": "t", "name": "c%s", "handle": %d, "type": "filter", "hook": %q, "prio": %d, "policy": %q}}`, family, hook, 10+i, hook, r.IntN(3)*10, pick(r, []string{"accept", "drop"}))
	}
	put(`{"chain": {"family": %q, "table": "t", "name": "late", "handle": 20, "type": "filter", "hook": "forward", "prio": 5, "policy": "accept"}}`, family)
	put(`{"chain": {"family": %q, "table": "t", "name": "sub", "handle": 21}}`, family)
	handle := 100
	rule := func(chain string, verdicts []string) {
		var e []string
		op := pick(r, []string{"==", "==", "==", "!="})
		if chance(r, 50) {
			e = append(e, fmt.Sprintf(`{"match": {"op": %q, "left": {"payload": {"protocol": "ip", "field": %q}}, "right": %s}}`, op, pick(r, []string{"saddr", "daddr"}),
				pick(r, []string{`{"prefix": {"addr": "10.1.0.0", "len": 16}}`, `"10.1.1.7"`, `"@known"`, `{"set": ["10.1.1.8", {"prefix": {"addr": "10.1.1.128", "len": 25}}]}`, `"@seen"`, `{"range": ["10.1.1.5", "10.1.2.9"]}`})))
		}
		switch r.IntN(4) {
		case 0:
			e = append(e, fmt.Sprintf(`{"match": {"op": %q, "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": %s}}`, op, pick(r, []string{`22`, `{"set": [80, 443, {"range": [1000, 2000]}]}`, `{"range": [20, 90]}`})))
		case 1:
			e = append(e, `{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "udp"}}`)
		}
		if chance(r, 30) && chain != "coutput" {
			e = append(e, fmt.Sprintf(`{"match": {"op": %q, "left": {"meta": {"key": "iifname"}}, "right": %q}}`, op, pick(r, []string{"eth0", "eth*", "wan0"})))
		}
		switch r.IntN(10) {
		case 0:
			e = append(e, `{"limit": {"rate": 3, "per": "second"}}`)
		case 1:
			e = append(e, `{"xt": {"type": "match", "name": "string"}}`)
		case 2:
			e = append(e, `{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}`)
		case 3:
			e = append(e, `{"match": {"op": "==", "left": {"ct": {"key": "state"}}, "right": {"set": ["new", "untracked"]}}}`)
		}
		e = append(e, `{"counter": {"packets": 3, "bytes": 180}}`, pick(r, verdicts))
		handle++
		put(`{"rule": {"family": %q, "table": "t", "chain": %q, "handle": %d, "expr": [%s]}}`, family, chain, handle, strings.Join(e, ", "))
	}
	all := []string{`{"accept": null}`, `{"drop": null}`, `{"reject": {"type": "tcp reset"}}`, `{"jump": {"target": "sub"}}`,
		`{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[22, {"accept": null}], [{"range": [80, 90]}, {"drop": null}], [443, {"jump": {"target": "sub"}}]]}}}`}
	for range 3 + r.IntN(7) {
		rule(pick(r, []string{"cforward", "cforward", "cinput", "coutput", "cprerouting", "late"}), all)
	}
	if chance(r, 30) {
		put(`{"chain": {"family": %q, "table": "t", "name": "nat", "handle": 30, "type": "nat", "hook": "prerouting", "prio": -100, "policy": "accept"}}`, family)
		put(`{"rule": {"family": %q, "table": "t", "chain": "nat", "handle": 99, "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "192.0.2.77"}}, {"dnat": {"addr": "10.1.1.7"}}]}}`, family)
	}
	for range 1 + r.IntN(3) {
		rule("sub", []string{`{"accept": null}`, `{"drop": null}`})
	}
	return "{\"nftables\": [\n" + strings.Join(items, ",\n") + "\n]}\n"
}

package firewall

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rule reads the statements of one rule from left to right.
func (x *nft) rule(c *nftChain, r *nftRule) {
	d := newDraft()
	never := false
	decided := false
	emit := func(d *draft, verdict string, body any) {
		rule := &Rule{File: x.File, Line: r.line, Name: fmt.Sprintf("%s handle %d", c.chain.Name, r.body.Handle), Text: nftText(r)}
		d.into(rule)
		switch verdict {
		case "accept":
		case "drop", "reject":
			rule.Action = DoDeny
		case "return":
			rule.Action = DoReturn
		case "jump", "goto":
			m, _ := body.(map[string]any)
			name, _ := m["target"].(string)
			to := x.chains[nftKey(c.Family, c.Table, name)]
			rule.Action = DoJump
			if verdict == "goto" {
				rule.Action = DoGoto
			}
			if to == nil {
				rule.Action, rule.Why = DoUnsure, "a chain that is not there"
			} else {
				rule.Chain = to.chain
			}
		default:
			rule.Action, rule.Why = DoUnsure, "a statement that is not read: "+excerpt(verdict)
		}
		if rule.Why != "" {
			x.note(r.line, r.text, rule.Why)
		}
		c.chain.Rules = append(c.chain.Rules, rule)
	}
	region := func(why string) {
		var rule Rule
		d.into(&rule)
		x.doubt(r.line, r.text, why, rule.May...)
	}
	for _, statement := range r.body.Expr {
		if never || decided {
			break
		}
		for _, kind := range sortedKeys(statement) {
			body := statement[kind]
			switch kind {
			case "match":
				never = x.match(d, c, body)
			case "accept", "drop", "reject", "return", "jump", "goto", "queue", "synproxy", "fwd":
				emit(d, kind, body)
				decided = true
			case "continue", "counter", "log", "comment", "set", "flow", "dup", "ct helper", "ct timeout", "ct expectation", "secmark", "map":
			case "snat", "masquerade":
				decided = true
			case "dnat", "redirect", "tproxy":
				region("the destination is translated")
				decided = true
			case "notrack":
				region("connections are not tracked")
			case "mangle":
				m, _ := body.(map[string]any)
				key, _ := m["key"].(map[string]any)
				if key["payload"] != nil {
					region("the header is changed")
				}
			case "vmap":
				x.vmap(d, c, body, emit)
			default:
				d.doubt("a statement that is not read: " + excerpt(kind))
			}
		}
	}
	if !decided && d.unsure != "" {
		x.note(r.line, r.text, d.unsure)
	}
}

// nftText writes a rule for people.
func nftText(r *nftRule) string {
	if r.body.Comment != "" {
		return "“" + excerpt(r.body.Comment) + "”"
	}
	b, err := json.Marshal(r.body.Expr)
	if err != nil {
		return ""
	}
	return excerpt(string(b))
}

// vmap makes one rule of each element of a map of verdicts.
func (x *nft) vmap(d *draft, c *nftChain, body any, emit func(*draft, string, any)) {
	m, _ := body.(map[string]any)
	var pairs []any
	unknown := false
	switch data := m["data"].(type) {
	case string:
		s := x.sets[nftKey(c.Family, c.Table, strings.TrimPrefix(data, "@"))]
		if unknown = s == nil || s.unknown; !unknown {
			pairs = s.elems
		}
	case map[string]any:
		pairs, _ = data["set"].([]any)
	}
	if unknown || pairs == nil {
		d.doubt("a map that is not known")
		emit(d, "a map", nil)
		return
	}
	for _, p := range pairs {
		pair, _ := p.([]any)
		if len(pair) != 2 {
			d.doubt("a map that is not read")
			emit(d, "a map", nil)
			return
		}
		verdict, _ := pair[1].(map[string]any)
		one := *d
		if x.compare(&one, c, "==", m["key"], pair[0]) {
			continue
		}
		for _, kind := range sortedKeys(verdict) {
			if kind != "continue" {
				emit(&one, kind, verdict[kind])
			} else {
				one.doubt("continue in a map")
				emit(&one, kind, nil)
			}
		}
	}
}

// match reads a comparison; never says that no opening packet meets it.
func (x *nft) match(d *draft, c *nftChain, body any) (never bool) {
	m, _ := body.(map[string]any)
	op, _ := m["op"].(string)
	return x.compare(d, c, op, m["left"], m["right"])
}

func (x *nft) compare(d *draft, c *nftChain, op string, left, right any) (never bool) {
	l, _ := left.(map[string]any)
	if len(l) != 1 {
		d.doubt("a comparison that is not read")
		return false
	}
	if ct, ok := l["ct"].(map[string]any); ok {
		return nftState(d, op, ct, right)
	}
	if and, ok := l["&"].([]any); ok {
		return nftFlags(d, op, and, right)
	}
	fields := []any{left}
	if list, ok := l["concat"].([]any); ok {
		fields = list
	}
	var list, dep []Match
	known, fixed := x.fields(fields, &dep)
	if !known {
		d.doubt("a comparison with something that is not read")
		return false
	}
	elems, changing, ok := x.elements(c, right)
	if !ok {
		d.doubt("a set that is not known")
		return false
	}
	exact := true
	for _, e := range elems {
		parts := []any{e}
		if m, ok := e.(map[string]any); ok && m["concat"] != nil && len(fields) > 1 {
			parts, _ = m["concat"].([]any)
		}
		if len(parts) != len(fields) {
			exact = false
			continue
		}
		box := All()
		for i := range fields {
			s, ok := x.value(fixed[i], op, parts[i])
			if !ok {
				exact = false
				s = full(fixed[i].dim)
			}
			box[fixed[i].dim] = box[fixed[i].dim].and(s)
		}
		list = append(list, box)
	}
	list = joinedMatches(list, fixed)
	if !exact || changing || !slices.Contains([]string{"==", "in", "!=", "<", ">", "<=", ">="}, op) {
		// The elements that were read are not worth the trouble of keeping apart.
		d.serve(services{dep, dep})
		d.doubt("a comparison that is not read")
		return false
	}
	if op == "!=" {
		list = complement(list)
	}
	list = crossed(dep, list)
	d.serve(services{list, list})
	return false
}

// joinedMatches makes one match of many on one part of a packet.
func joinedMatches(list []Match, fields []nftField) []Match {
	if len(fields) != 1 || len(list) < 2 {
		return list
	}
	var s Set
	for i := range list {
		s = append(s, list[i][fields[0].dim]...)
	}
	return []Match{All().With(fields[0].dim, s.tidy())}
}

// nftField is one part of a packet that a comparison is about.
type nftField struct {
	dim  Dim
	kind string // how values are written: "addr", "port", "iface", "proto", "icmp", "icmpv6", "code", "family"
}

// fields finds the dimension of each part, and what nft implies by asking for it.
func (x *nft) fields(list []any, dep *[]Match) (known bool, out []nftField) {
	*dep = []Match{All()}
	for _, f := range list {
		field, implied, ok := nftPart(f)
		if !ok {
			return false, nil
		}
		*dep = crossed(*dep, implied)
		out = append(out, field)
	}
	return true, out
}

func nftPart(v any) (nftField, []Match, bool) {
	m, _ := v.(map[string]any)
	if p, ok := m["payload"].(map[string]any); ok {
		proto, _ := p["protocol"].(string)
		field, _ := p["field"].(string)
		return nftPayload(proto, field)
	}
	if p, ok := m["meta"].(map[string]any); ok {
		any := []Match{All()}
		switch p["key"] {
		case "iifname", "iif":
			return nftField{In, "iface"}, any, true
		case "oifname", "oif":
			return nftField{Out, "iface"}, any, true
		case "l4proto":
			return nftField{Proto, "proto"}, any, true
		case "nfproto", "protocol":
			return nftField{Src, "family"}, any, true
		}
	}
	return nftField{}, nil, false
}

func nftPayload(proto, field string) (nftField, []Match, bool) {
	switch proto + " " + field {
	case "ip saddr":
		return nftField{Src, "addr"}, nftFamily("ip"), true
	case "ip daddr":
		return nftField{Dst, "addr"}, nftFamily("ip"), true
	case "ip6 saddr":
		return nftField{Src, "addr"}, nftFamily("ip6"), true
	case "ip6 daddr":
		return nftField{Dst, "addr"}, nftFamily("ip6"), true
	case "ip protocol":
		return nftField{Proto, "proto"}, nftFamily("ip"), true
	case "icmp type":
		return nftField{DstPort, "icmp"}, []Match{All().With(Proto, Values(icmp4))}, true
	case "icmpv6 type":
		return nftField{DstPort, "icmpv6"}, []Match{All().With(Proto, Values(icmp6))}, true
	case "icmp code":
		return nftField{DstPort, "code"}, []Match{All().With(Proto, Values(icmp4))}, true
	case "icmpv6 code":
		return nftField{DstPort, "code"}, []Match{All().With(Proto, Values(icmp6))}, true
	}
	has := map[string]Set{"tcp": Values(tcp), "udp": Values(udp), "sctp": Values(sctp), "dccp": Values(dccp), "udplite": Values(udplite), "th": ported}[proto]
	switch {
	case has == nil:
	case field == "sport":
		return nftField{SrcPort, "port"}, []Match{All().With(Proto, has)}, true
	case field == "dport":
		return nftField{DstPort, "port"}, []Match{All().With(Proto, has)}, true
	}
	return nftField{}, nil, false
}

// elements are the values on the right; changing says that the device changes
// them while it runs.
func (x *nft) elements(c *nftChain, right any) (out []any, changing, ok bool) {
	switch v := right.(type) {
	case string:
		name, set := strings.CutPrefix(v, "@")
		if !set {
			return []any{v}, false, true
		}
		s := x.sets[nftKey(c.Family, c.Table, name)]
		if s == nil {
			return nil, false, false
		}
		return flatten(s.elems), s.unknown, true
	case []any:
		return flatten(v), false, true
	case map[string]any:
		if list, isSet := v["set"].([]any); isSet {
			return flatten(list), false, true
		}
	}
	return []any{right}, false, true
}

// flatten takes elements out of what is told besides.
func flatten(list []any) []any {
	out := make([]any, 0, len(list))
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			if in, ok := m["elem"].(map[string]any); ok && in["timeout"] == nil {
				e = in["val"]
			}
		}
		out = append(out, e)
	}
	return out
}

// value reads one value of a field.
func (x *nft) value(f nftField, op string, v any) (Set, bool) {
	if m, ok := v.(map[string]any); ok {
		if p, ok := m["prefix"].(map[string]any); ok && f.kind == "addr" {
			return address(fmt.Sprint(p["addr"]) + "/" + nftNumber(p["len"]))
		}
		pair, ok := m["range"].([]any)
		if !ok || len(pair) != 2 {
			return nil, false
		}
		a, ok1 := x.value(f, "==", pair[0])
		b, ok2 := x.value(f, "==", pair[1])
		if !ok1 || !ok2 || len(a) != 1 || len(b) != 1 || a[0].lo.cmp(b[0].hi) > 0 || f.kind == "iface" || f.kind == "family" || f.kind == "code" {
			return nil, false
		}
		return Set{{a[0].lo, b[0].hi}}, true
	}
	s, ok := x.single(f, nftNumber(v))
	if !ok || op == "==" || op == "!=" || op == "in" {
		return s, ok
	}
	if f.kind != "port" || len(s) != 1 {
		return nil, false
	}
	at := int(s[0].lo.lo)
	switch op {
	case "<":
		return Between(0, at-1), true
	case "<=":
		return Between(0, at), true
	case ">":
		return Between(at+1, 65535), true
	}
	return Between(at, 65535), true
}

// nftNumber writes a value of JSON as text.
func nftNumber(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func (x *nft) single(f nftField, v string) (Set, bool) {
	switch f.kind {
	case "addr":
		return address(v)
	case "port":
		p, ok := portNumber(v)
		return Values(p), ok
	case "iface":
		if v == "" {
			return nil, false
		}
		return x.ifaces(nftWild(v), "+"), true
	case "proto":
		return protocol(v)
	case "family":
		switch v {
		case "ipv4", "ip":
			return IPv4(), true
		case "ipv6", "ip6":
			return IPv6(), true
		}
		return nil, false
	case "code":
		c, ok := number(v, 255)
		var s Set
		for k := 0; ok && k < 256; k++ {
			s = append(s, Values(k<<8|c)...)
		}
		return s, ok
	}
	names := icmpTypes
	if f.kind == "icmpv6" {
		names = icmp6Types
	}
	k, ok := number(v, 255)
	if !ok {
		k, ok = names[v]
	}
	return icmpType(k, -1), ok
}

// nftState keeps a rule where it matches new conversations.
func nftState(d *draft, op string, ct map[string]any, right any) (never bool) {
	texts := nftTexts(right)
	switch ct["key"] {
	case "state":
		for _, s := range texts {
			if !slices.Contains([]string{"new", "established", "related", "invalid", "untracked"}, s) {
				d.doubt("a state that is not read: " + excerpt(s))
				return false
			}
		}
	case "direction":
		if len(texts) == 1 && texts[0] == "original" {
			texts = []string{"new"}
		}
	default:
		d.doubt("a property of connections that is not read")
		return false
	}
	switch op {
	case "==", "in":
		return !slices.Contains(texts, "new")
	case "!=":
		return slices.Contains(texts, "new")
	}
	d.doubt("a comparison that is not read")
	return false
}

// nftTexts are all texts in a value.
func nftTexts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, nftTexts(e)...)
		}
		return out
	case map[string]any:
		for _, key := range []string{"set", "|"} {
			if list, ok := v[key].([]any); ok && len(v) == 1 {
				return nftTexts(list)
			}
		}
	}
	return []string{"?"}
}

// nftFlags keeps a rule where it matches a packet of TCP with SYN alone.
func nftFlags(d *draft, op string, and []any, right any) (never bool) {
	if len(and) == 2 {
		m, _ := and[0].(map[string]any)
		p, _ := m["payload"].(map[string]any)
		mask, want := nftTexts(and[1]), nftTexts(right)
		known := []string{"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"}
		strange := func(s string) bool { return !slices.Contains(known, s) }
		if p["protocol"] == "tcp" && p["field"] == "flags" && !slices.ContainsFunc(mask, strange) && !slices.ContainsFunc(want, strange) && (op == "==" || op == "!=") {
			d.narrow(Proto, certain(Values(tcp)))
			hit := slices.Contains(mask, "syn") && slices.Equal(want, []string{"syn"})
			return hit != (op == "==")
		}
	}
	d.doubt("a comparison of bits that is not read")
	return false
}

package firewall

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Could says whether rules let anything through from one zone to another.
type Could string

// The answers. NotRead stands where no firewall whose place is known stands
// between the zones: nothing is known then.
const (
	CouldPass   Could = "yes"
	CouldNot    Could = "no"
	CouldUnsure Could = "undecided"
	NotRead     Could = "no firewall between"
)

// maxSurveyed bounds the pairs of zones that a survey works out beforehand, beside
// those that have a conduit.
const maxSurveyed = 20_000

// Passage is what the rules say of one pair of zones.
type Passage struct {
	From, To string
	Could    Could
	Beyond   Could  // what no conduit allows: CouldPass, CouldUnsure or CouldNot
	Why      string // where something is undecided
}

// Survey is how the rules of a port stand to its conduits, made to be asked for one
// pair of zones after the other. It is not changed once it is made and may be asked
// by many at once.
type Survey struct {
	AsOf      time.Time
	Firewalls []DeviceReport
	Rules     []RuleReport // as in Report, of the pairs that were worked out
	Conduits  []ConduitState

	// Open are the pairs between which something passes, or could, the ones where no
	// conduit allows it first. Left counts pairs that were not looked at since there
	// are too many; each can still be asked for.
	Open []Passage
	Left int

	j       *judgement
	index   map[string]int // of zones
	reached pairSet
	cover   pairSet
	told    map[[2]int]*Passage
}

// NewSurvey judges all devices.
func NewSurvey(p *port.Port, at time.Time, devices []*Device) *Survey {
	j := newJudgement(p, at, devices, nil)
	s := &Survey{AsOf: at, j: j, index: map[string]int{}, reached: j.reached(), cover: newPairSet(len(j.zones)), told: map[[2]int]*Passage{}}
	for i := range j.zones {
		s.index[j.zones[i].ID] = i
	}
	for k, d := range devices {
		s.Firewalls = append(s.Firewalls, d.report())
		if d.between() {
			for a := range s.cover {
				s.cover[a] = s.cover[a].or(j.fates[k].cover[a])
			}
		}
	}
	s.Conduits = j.conduitStates()
	list := s.worth()
	for _, pair := range list {
		b := s.judge(pair)
		s.told[pair] = &b
		if b.Could == CouldPass || b.Could == CouldUnsure {
			s.Open = append(s.Open, b)
		}
	}
	slices.SortStableFunc(s.Open, func(a, b Passage) int { return cmp.Compare(a.weight(), b.weight()) })
	for k := range devices {
		s.Rules = append(s.Rules, j.rules(k, within(list, j.fates[k].pass))...)
	}
	return s
}

func within(list [][2]int, s pairSet) [][2]int {
	return slices.DeleteFunc(slices.Clone(list), func(pair [2]int) bool { return !s.has(pair) })
}

func (b *Passage) weight() int {
	return slices.Index([]Could{CouldPass, CouldUnsure, CouldNot}, b.Beyond)
}

// worth are the pairs that are worked out beforehand, in the order of the port file:
// those with a conduit, then what could pass into OT from elsewhere, then the rest.
func (s *Survey) worth() [][2]int {
	var declared, grave, rest [][2]int
	declared = pairs(s.j.conduits)
	for _, pair := range s.candidates() {
		switch {
		case s.j.conduits[pair] != nil:
		case s.j.zones[pair[0]].Domain != port.OT && s.j.zones[pair[1]].Domain == port.OT:
			grave = append(grave, pair)
		default:
			rest = append(rest, pair)
		}
	}
	more := append(grave, rest...)
	if len(more) > maxSurveyed {
		s.Left += len(more) - maxSurveyed
		more = more[:maxSurveyed]
	}
	out := append(declared, more...)
	slices.SortFunc(out, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	return out
}

// candidates are pairs between which something could pass, of a policy that lets
// everything through so many that the rest is only counted.
func (s *Survey) candidates() [][2]int {
	var out [][2]int
	for a := range s.reached {
		s.reached[a].each(func(b int) {
			if len(out) < 50*maxSurveyed {
				out = append(out, [2]int{a, b})
			} else if s.j.conduits[[2]int{a, b}] == nil {
				s.Left++
			}
		})
	}
	return out
}

// judge works one pair out.
func (s *Survey) judge(pair [2]int) Passage {
	out := Passage{From: s.j.zones[pair[0]].ID, To: s.j.zones[pair[1]].ID, Could: NotRead, Beyond: CouldNot}
	switch {
	case !s.cover.has(pair):
		return out
	}
	out.Could = CouldNot
	if s.reached.has(pair) {
		allowed := s.j.conduitBoxes(pair)
		for _, t := range s.j.through(pair) {
			if t.verdict == Undecided {
				out.Why = cmp.Or(out.Why, t.why)
			}
			out.Could = wider(out.Could, t.verdict)
			if out.Beyond != CouldPass && len(minus([]box{t.b}, allowed)) > 0 {
				out.Beyond = wider(out.Beyond, t.verdict)
			}
		}
	}
	if out.Could == CouldNot && s.j.unread(pair) {
		out.Could, out.Why = CouldUnsure, "no firewall that was read stands between some of the addresses"
	}
	return out
}

func wider(c Could, v Verdict) Could {
	switch {
	case v == Permit || c == CouldPass:
		return CouldPass
	case v == Undecided:
		return CouldUnsure
	}
	return c
}

func (s *Survey) pair(from, to string) ([2]int, bool) {
	a, one := s.index[from]
	b, two := s.index[to]
	return [2]int{a, b}, one && two && a != b
}

// Passage answers for one pair of zones. Zones that the port file does not have, and
// two that are one, have no firewall between.
func (s *Survey) Passage(from, to string) Passage {
	pair, ok := s.pair(from, to)
	if !ok {
		return Passage{From: from, To: to, Could: NotRead, Beyond: CouldNot}
	}
	if b := s.told[pair]; b != nil {
		return *b
	}
	return s.judge(pair)
}

// Ways are what gets through from one zone to another, as prefixes and ports, with
// the rules on the way; what no conduit allows comes first.
func (s *Survey) Ways(from, to string) []Reach {
	pair, ok := s.pair(from, to)
	if !ok || !s.reached.has(pair) {
		return nil
	}
	return s.j.reachPair(pair)
}

// Stops are the rules that deny something between two zones, by device, file and line.
func (s *Survey) Stops(from, to string) []string {
	pair, ok := s.pair(from, to)
	if !ok {
		return nil
	}
	var out []string
	for k, d := range s.j.devices {
		if !d.between() || !s.j.fates[k].covers(pair) {
			continue
		}
		for _, x := range s.j.meeting(k, pair) {
			if x.verdict != Deny {
				continue
			}
			for _, w := range ruleWhere(x.by) {
				if w = d.name() + " " + w; !slices.Contains(out, w) {
					out = append(out, w)
				}
			}
		}
	}
	return out
}

// Opened is what the rules do with the packets that open one conversation.
type Opened struct {
	Could Could
	By    []string // rules, by device, file and line
	Why   string   // where undecided
}

// Fate tells what becomes of a conversation between two addresses, whatever port it
// is opened from. Protocols other than tcp, udp and icmp have no answer.
func (s *Survey) Fate(client, server netip.Addr, transport string, to uint16) Opened {
	out := Opened{Could: NotRead}
	m := All()
	switch transport {
	case "tcp":
		m[Proto] = Values(tcp)
	case "udp":
		m[Proto] = Values(udp)
	case "icmp":
		m[Proto] = Values(icmp4)
		if client.Is6() {
			m[Proto] = Values(icmp6)
		}
	default:
		return out
	}
	if !client.IsValid() || !server.IsValid() || client.Is4() != server.Is4() {
		return out
	}
	at := s.j.s.box(m)
	at[Src], at[Dst] = s.j.only(Src, addrNum(client)), s.j.only(Dst, addrNum(server))
	at[Proto] = s.j.only(Proto, m[Proto][0].lo)
	if transport != "icmp" {
		at[DstPort] = s.j.only(DstPort, n(uint64(to)))
	}
	for k, d := range s.j.devices {
		if d.between() {
			s.j.decide(k, &at, &out)
		}
	}
	return out
}

// Denies reports whether some firewall between two addresses denies a conversation
// from whatever port it is opened: what [Survey.Fate] answers with no, and faster.
func (s *Survey) Denies(client, server netip.Addr, transport string, to uint16) bool {
	proto := map[string]int{"tcp": tcp, "udp": udp}[transport]
	if proto == 0 || !client.IsValid() || !server.IsValid() || client.Is4() != server.Is4() {
		return false
	}
	j := s.j
	src, dst := j.s.class(Src, addrNum(client)), j.s.class(Dst, addrNum(server))
	over, at := j.s.class(Proto, n(uint64(proto))), j.s.class(DstPort, n(uint64(to)))
	for k, d := range j.devices {
		if !d.between() {
			continue
		}
		denied, other := false, false
		for i := range j.fates[k].list {
			x := &j.fates[k].list[i]
			if !x.b[Src].bit(src) || !x.b[Dst].bit(dst) || !x.b[DstPort].bit(at) || !x.b[Proto].bit(over) {
				continue
			}
			if x.verdict != Deny {
				other = true
				break
			}
			denied = true
		}
		if denied && !other {
			return true
		}
	}
	return false
}

// decide adds what one device does with the packets of a box.
func (j *judgement) decide(k int, at *box, out *Opened) {
	var seen [3]bool
	var by [3][]string
	why := ""
	for i := range j.fates[k].list {
		x := &j.fates[k].list[i]
		if !x.b.meets(at) {
			continue
		}
		seen[x.verdict] = true
		why = cmp.Or(why, x.why())
		for _, w := range ruleWhere(x.by) {
			if w = j.devices[k].name() + " " + w; !slices.Contains(by[x.verdict], w) {
				by[x.verdict] = append(by[x.verdict], w)
			}
		}
	}
	switch {
	case !seen[Permit] && !seen[Deny] && !seen[Undecided], out.Could == CouldNot:
	case !seen[Permit] && !seen[Undecided]:
		*out = Opened{CouldNot, by[Deny], ""}
	case seen[Undecided] || seen[Deny]:
		why = cmp.Or(why, "it depends on the port that it is opened from, or on the type of ICMP")
		out.Could, out.Why = CouldUnsure, cmp.Or(out.Why, why)
		out.By = append(append(append(out.By, by[Undecided]...), by[Permit]...), by[Deny]...)
	default:
		if out.Could == NotRead {
			out.Could = CouldPass
		}
		out.By = append(out.By, by[Permit]...)
	}
}

// only is the class of one value.
func (j *judgement) only(d Dim, v num) bitset {
	b := make(bitset, j.s.words(d))
	b.set(j.s.class(d, v))
	return b
}

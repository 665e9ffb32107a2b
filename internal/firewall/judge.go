package firewall

import (
	"cmp"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Report is how rules stand to the conduits of a port.
type Report struct {
	AsOf      time.Time      `json:"as_of"`
	Firewalls []DeviceReport `json:"firewalls"`
	Rules     []RuleReport   `json:"rules"`    // that permit, or could, what crosses zones
	Reach     []Reach        `json:"reach"`    // what gets from IT to OT through all firewalls on the way
	Conduits  []ConduitState `json:"conduits"` // how each conduit is carried out
}

// DeviceReport tells how one configuration was understood.
type DeviceReport struct {
	File   string   `json:"file"`
	Vendor string   `json:"vendor"`
	Asset  string   `json:"asset,omitempty"`
	Placed string   `json:"placed"` // how it is known what lies behind its interfaces
	Rules  int      `json:"rules"`
	Unread []Unread `json:"not_understood"`
	Doubts []string `json:"doubts"` // what makes packets undecided whatever the rules say
}

// State is how something stands to what was declared.
type State string

// States of rules and conduits.
const (
	Due       State = "due"       // the rule permits only what conduits allow
	Wider     State = "wider"     // the rule permits more than the conduits it serves
	Undue     State = "undue"     // the rule permits what no conduit allows
	Uncertain State = "undecided" // it depends on what was not understood

	Implemented State = "implemented"
	Narrower    State = "narrower"        // some of its addresses pass
	NotAllowed  State = "not implemented" // nothing of a line of it passes
	NotBetween  State = "no firewall between"
)

// Crossing is traffic from one zone to another.
type Crossing struct {
	From    string    `json:"from"`
	To      string    `json:"to"`
	Traffic []Traffic `json:"traffic"`
}

// RuleReport is one rule, or several that together decide.
type RuleReport struct {
	Firewall string     `json:"firewall"`
	Where    []string   `json:"where"` // file and line
	Name     string     `json:"name"`
	Text     string     `json:"text"`
	State    State      `json:"state"`
	Why      string     `json:"why,omitempty"`      // where undecided
	Conduits []string   `json:"conduits,omitempty"` // that it serves
	Undue    []Crossing `json:"undue,omitempty"`
	Narrower []Crossing `json:"narrower,omitempty"` // the rule that is enough
}

// Reach is traffic that gets from a zone of IT to one of OT.
type Reach struct {
	Crossing
	Verdict  Verdict  `json:"verdict"` // permit, or undecided
	Via      []string `json:"via"`     // firewalls with the rules, by file and line
	Conduits []string `json:"conduits,omitempty"`
	Undue    bool     `json:"undue"` // no conduit allows it
	Why      string   `json:"-"`     // where undecided
	Texts    []string `json:"-"`     // the rules as they are written
}

// ConduitState is how one conduit is carried out.
type ConduitState struct {
	Conduit string   `json:"conduit"`
	From    string   `json:"from"`
	To      string   `json:"to"`
	State   State    `json:"state"`
	Lines   []string `json:"lines,omitempty"` // services that don't pass, or may not
	By      []string `json:"by,omitempty"`    // rules that decide so
}

// Violations reports whether some rule permits what no conduit allows.
func (r *Report) Violations() bool {
	return slices.ContainsFunc(r.Rules, func(x RuleReport) bool { return x.State == Undue || x.State == Wider })
}

// judgement is a report being made.
type judgement struct {
	port     *port.Port
	at       time.Time
	devices  []*Device
	s        *space
	zones    []judgedZone
	conduits map[[2]int][]judgedConduit
	fates    []fates         // by device
	zonesAt  [dims][][]int32 // zones of each class of addresses
}

type judgedZone struct {
	*port.Zone
	set      Set
	src, dst bitset // the set in classes of either dimension
}

type judgedConduit struct {
	c     *port.Conduit
	lines [][]box
}

// part is a set of packets with one fate at one device, without interfaces.
type part struct {
	b       box
	verdict Verdict
	by      []*Rule
}

// Judge compares the rules of all devices with the conduits that hold at a time.
func Judge(p *port.Port, at time.Time, devices []*Device) *Report {
	j := newJudgement(p, at, devices, nil)
	r := &Report{AsOf: at, Rules: []RuleReport{}, Reach: []Reach{}, Conduits: []ConduitState{}}
	for k, d := range devices {
		r.Firewalls = append(r.Firewalls, d.report())
		r.Rules = append(r.Rules, j.rules(k, j.fates[k].pass.pairs())...)
	}
	r.Reach = append(r.Reach, j.reach()...)
	r.Conduits = append(r.Conduits, j.conduitStates()...)
	return r
}

func (d *Device) report() DeviceReport {
	r := DeviceReport{File: d.File, Vendor: d.Vendor, Asset: d.Asset, Rules: d.Policy.Rules, Unread: d.Unread, Doubts: []string{}}
	switch {
	case d.Host:
		r.Placed = "a host: traffic to and from itself"
	case d.Known != "":
		r.Placed = "by " + d.Known
	case d.NoRoutes != "":
		r.Placed = "not known: " + d.NoRoutes
	default:
		r.Placed = "not known"
	}
	if r.Unread == nil {
		r.Unread = []Unread{}
	}
	for _, x := range d.Doubts {
		r.Doubts = append(r.Doubts, x.Where()+": "+x.Why)
	}
	return r
}

// newJudgement decides all devices. More are sets that are to be told apart too.
func newJudgement(p *port.Port, at time.Time, devices []*Device, more []Match) *judgement {
	j := &judgement{port: p, at: at, devices: devices, conduits: map[[2]int][]judgedConduit{}}
	index := map[string]int{}
	var zones []Match
	for i := range p.Zones {
		z := judgedZone{Zone: &p.Zones[i], set: zoneSet(p, &p.Zones[i])}
		index[z.ID] = i
		j.zones = append(j.zones, z)
		zones = append(zones, All().With(Src, z.set).With(Dst, z.set))
	}
	lines := map[*port.Conduit][]Match{}
	sets := [][]Match{zones, more}
	for i := range p.Conduits {
		c := &p.Conduits[i]
		if c.Expired(at) {
			continue
		}
		for k := range c.Allow {
			m := allowed(&c.Allow[k])
			m[Src], m[Dst] = j.zones[index[c.From]].set, j.zones[index[c.To]].set
			lines[c] = append(lines[c], m)
		}
		sets = append(sets, lines[c])
	}
	for _, d := range devices {
		sets = append(sets, d.matches(), d.region())
	}
	j.s = newSpace(sets...)
	for i := range j.zones {
		j.zones[i].src, j.zones[i].dst = j.s.bits(Src, j.zones[i].set), j.s.bits(Dst, j.zones[i].set)
	}
	j.zoneClasses()
	for i := range p.Conduits {
		c := &p.Conduits[i]
		if len(lines[c]) == 0 {
			continue
		}
		jc := judgedConduit{c: c}
		for _, m := range lines[c] {
			jc.lines = append(jc.lines, j.s.boxes([]Match{m}))
		}
		pair := [2]int{index[c.From], index[c.To]}
		j.conduits[pair] = append(j.conduits[pair], jc)
	}
	for _, d := range devices {
		j.fates = append(j.fates, j.split(d))
	}
	return j
}

// allowed is what a line of a conduit allows. Rules see no application and no
// function: those are for the network watch.
func allowed(l *port.Allow) Match {
	m := All()
	switch l.Transport {
	case "tcp":
		m[Proto] = Values(tcp)
	case "udp":
		m[Proto] = Values(udp)
	case "icmp":
		m[Proto] = Values(icmp4, icmp6)
	}
	if len(l.Ports) > 0 {
		var s Set
		for _, r := range l.Ports {
			s = append(s, Between(int(r.Low), int(r.High))...)
		}
		m[DstPort] = s.tidy()
	}
	return m
}

// settle makes undecided what has one fate by some interfaces and another by
// others.
func settle(list []part) []part {
	var by [3][]box
	for _, x := range list {
		by[x.verdict] = append(by[x.verdict], x.b)
	}
	for v := range by {
		by[v] = merge(disjoint(by[v]))
	}
	var out []part
	for _, x := range list {
		if x.verdict == Undecided {
			out = append(out, x)
			continue
		}
		other := Permit + Deny - x.verdict
		clear := minus(minus([]box{x.b}, by[other]), by[Undecided])
		for _, b := range clear {
			out = append(out, part{b, x.verdict, x.by})
		}
		for _, b := range minus([]box{x.b}, clear) {
			out = append(out, part{b, Undecided, x.by})
		}
	}
	return out
}

// conduitBoxes are all that conduits allow between two zones.
func (j *judgement) conduitBoxes(pair [2]int) []box {
	var out []box
	for _, c := range j.conduits[pair] {
		for _, l := range c.lines {
			out = append(out, l...)
		}
	}
	return out
}

// pairs are the zone pairs of a map, in the order of the port file.
func pairs[V any](maps ...map[[2]int]V) [][2]int {
	var out [][2]int
	for _, m := range maps {
		for p := range m {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	return slices.Compact(out)
}

// traffic writes boxes for people. The addresses of a whole zone are written as
// its networks.
func (j *judgement) traffic(list []box) []Traffic {
	var matches []Match
	for _, b := range merge(list) {
		matches = append(matches, j.s.match(b))
	}
	sortMatches(matches)
	out := []Traffic{}
	for _, m := range matches {
		out = append(out, m.Words(nil))
	}
	return out
}

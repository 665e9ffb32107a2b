// Package cross joins what the other watches found into one story: a door
// that was forced, a device behind it that then reaches where no conduit
// leads, a source that fell silent. It exists because the worlds of IT, OT and
// the physical are managed apart and attacked together. It takes occurrences
// and the port, nothing else, and is fed from one goroutine.
//
// It joins by place and by order in time. It never says who did it or why, and
// it keeps quiet where one world alone has something to say: that is the
// business of that world's own watch.
package cross

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// RuleChain is the rule of this watch.
const RuleChain = "cross.chain"

// Rules of the network that a chain is made of.
const (
	ruleHop  = "network.undeclared-conduit"
	ruleScan = "network.scan"
)

// Options set the limits of the rule. The zero value of each field means its default.
type Options struct {
	Before time.Duration // how long before the first hop a trace at a door may lie; 60 min
	Hop    time.Duration // the longest time from one hop to the next; 60 min
	Slack  time.Duration // that clocks of different worlds may differ by; 2 min
}

func (o Options) withDefaults() Options {
	if o.Before <= 0 {
		o.Before = time.Hour
	}
	if o.Hop <= 0 {
		o.Hop = time.Hour
	}
	if o.Slack <= 0 {
		o.Slack = 2 * time.Minute
	}
	return o
}

// Bounds of what is remembered.
const (
	maxTraces = 4096
	maxHops   = 4096
	maxDepth  = 8 // hops of one chain
	maxNodes  = 256
	keepFor   = 24 * time.Hour
)

// Watch holds the state. Make one with New.
type Watch struct {
	port *port.Port
	o    Options
	emit func(finding.Occurrence)

	asOf   time.Time
	traces []trace // by arrival
	hops   map[hopKey]*hop
	chains map[chainKey]*told
	near   map[string]map[string]int // area to areas with their distance in doors, computed once
}

// node is one end of a hop: "asset:" and the id, or "host:" and the address.
type node string

func (n node) asset() string {
	id, _ := strings.CutPrefix(string(n), "asset:")
	if id == string(n) {
		return ""
	}
	return id
}

type hopKey struct {
	exercise string
	from, to node
}

// hop is a conversation that no conduit allows.
type hop struct {
	hopKey
	finding string // subject of the finding that told it, to end with it
	first   time.Time
	last    time.Time
	grade   finding.Grade
	fact    finding.Fact // of the surest conversation, the first of those
}

// trace is something that was seen at a place or at a device, and is no hop.
type trace struct {
	exercise string
	rule     string
	subject  finding.Subject
	time     time.Time
	weight   int    // see weightOf
	area     string // where a door is concerned
	other    string // the area on the other side of that door
	node     node   // where a device is concerned
	domain   finding.Domain
	title    string
	fact     finding.Fact
	over     bool // a scan that has stopped: it belongs to a chain, and begins none
}

type chainKey struct{ exercise, entry string }

// told is the state of a chain that was told.
type told struct {
	signature string
	hops      []hopKey
	rests     map[rest]bool // further findings that keep it up
	subject   finding.Subject
	domains   []finding.Domain
}

// rest is a finding that a chain rests on and that is no hop of this run: the
// scan of a chain without hops, or what an earlier run told.
type rest struct{ rule, subject, exercise string }

func restOf(o *finding.Occurrence) rest { return rest{o.Rule, o.Subject.ID, o.Exercise} }

// New makes a watch over p that tells what it finds to emit. emit must not call it.
func New(p *port.Port, o Options, emit func(finding.Occurrence)) *Watch {
	return &Watch{port: p, o: o.withDefaults(), emit: emit,
		hops: map[hopKey]*hop{}, chains: map[chainKey]*told{}, near: map[string]map[string]int{}}
}

// Observe takes an occurrence of another watch, in any order of time.
func (w *Watch) Observe(o finding.Occurrence) {
	if o.Rule == RuleChain {
		return
	}
	if o.Time.After(w.asOf) {
		w.asOf = o.Time
	}
	switch {
	case o.Cleared:
		w.end(&o)
		return
	case o.Rule == ruleHop:
		if !w.addHops(o) {
			return
		}
	default:
		if !w.addTrace(o) {
			return
		}
	}
	w.judge(o.Exercise)
}

// Advance lets time pass: what is old is forgotten.
func (w *Watch) Advance(now time.Time) {
	if now.After(w.asOf) {
		w.asOf = now
	}
	old := func(t time.Time) bool { return w.asOf.Sub(t) > keepFor }
	w.traces = slices.DeleteFunc(w.traces, func(t trace) bool { return old(t.time) })
	for _, k := range w.sortedHops() {
		if old(w.hops[k].last) {
			delete(w.hops, k)
		}
	}
	w.endChains(w.asOf)
}

func (w *Watch) sortedHops() []hopKey {
	keys := make([]hopKey, 0, len(w.hops))
	for k := range w.hops {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b hopKey) int {
		return cmp.Or(cmp.Compare(a.exercise, b.exercise), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	return keys
}

// addHops takes a conversation on an undeclared conduit: the first link is who
// opened it, the others who was reached.
// It reports whether anything is new.
func (w *Watch) addHops(o finding.Occurrence) (fresh bool) {
	if len(o.Links) < 2 || len(o.Facts) == 0 {
		return false
	}
	from := w.nodeOf(o.Links[0])
	for _, link := range o.Links[1:] {
		k := hopKey{o.Exercise, from, w.nodeOf(link)}
		if k.from == k.to || k.from == "" || k.to == "" {
			continue
		}
		h := w.hops[k]
		if h == nil {
			w.roomForHop()
			h = &hop{hopKey: k, finding: o.Subject.ID, first: o.Time, fact: o.Facts[0]}
			w.hops[k] = h
			fresh = true
		}
		if o.Time.Before(h.first) {
			h.first, fresh = o.Time, true
			if o.Grade >= h.grade {
				h.fact = o.Facts[0]
			}
		}
		if o.Time.After(h.last) {
			h.last = o.Time
		}
		if o.Grade > h.grade {
			// A knock that nobody answered began it; the answered conversation shows it.
			h.grade, h.fact, fresh = o.Grade, o.Facts[0], true
		}
	}
	return fresh
}

// roomForHop forgets at the bound the tenth of the hops that was silent longest:
// one at a time would sort them all for each new one. Their own findings stay.
func (w *Watch) roomForHop() {
	if len(w.hops) < maxHops {
		return
	}
	keys := w.sortedHops()
	slices.SortStableFunc(keys, func(a, b hopKey) int { return w.hops[a].last.Compare(w.hops[b].last) })
	for _, k := range keys[:max(maxHops/10, 1)] {
		delete(w.hops, k)
	}
}

// nodeOf names the end of a hop; an address that the register has is its asset.
func (w *Watch) nodeOf(s finding.Subject) node {
	switch s.Kind {
	case "asset":
		return node("asset:" + s.ID)
	case "host":
		id := strings.TrimPrefix(s.ID, "ip:")
		if ip, err := netip.ParseAddr(id); err == nil {
			if a := w.port.AssetByIP(ip); a != nil {
				return node("asset:" + a.ID)
			}
		} else if mac, ok := strings.CutPrefix(id, "mac:"); ok {
			if a := w.port.AssetByMAC(mac); a != nil {
				return node("asset:" + a.ID)
			}
		}
		return node("host:" + id)
	}
	return ""
}

// weightOf is how much a trace says about somebody being where they should not
// be. One refused badge is everyday and carries no chain by itself.
func weightOf(o finding.Occurrence) int {
	switch o.Rule {
	case "physical.forced-door", "physical.off-area":
		return 3
	case "physical.revoked-badge", "physical.unknown-badge":
		if o.Severity >= finding.Warning && o.Grade >= finding.Likely && len(o.Facts) > 0 && strings.Contains(o.Facts[0].Text, " granted at ") {
			return 3
		}
		return 1
	case "physical.held-door":
		return 2
	case "physical.refused":
		if o.Grade >= finding.Likely {
			return 2
		}
		return 1
	case "physical.impossible-presence":
		return 1
	case ruleScan, "network.identity-mismatch":
		return 2
	case "source.silent", "source.failed":
		return 1
	}
	return 0
}

// addTrace keeps what may belong to a chain and reports whether it does.
func (w *Watch) addTrace(o finding.Occurrence) bool {
	weight := weightOf(o)
	if weight == 0 || len(o.Facts) == 0 {
		return false
	}
	t := trace{exercise: o.Exercise, rule: o.Rule, subject: o.Subject, time: o.Time, weight: weight, title: o.Title,
		fact: o.Facts[len(o.Facts)-1], domain: o.Facts[0].Domain}
	switch {
	case strings.HasPrefix(o.Rule, "physical."):
		t.area, t.other = w.doorOf(o)
		if t.area == "" {
			return false
		}
	case strings.HasPrefix(o.Rule, "network."):
		subject := o.Subject
		if len(o.Links) > 0 {
			subject = o.Links[0]
		}
		if t.node = w.nodeOf(subject); t.node.asset() == "" {
			return false
		}
	}
	w.traces = append(w.traces, t)
	if over := len(w.traces) - maxTraces; over > 0 {
		w.traces = slices.Delete(w.traces, 0, over)
	}
	return true
}

// doorOf finds the areas on both sides of the door that an occurrence is about.
func (w *Watch) doorOf(o finding.Occurrence) (area, other string) {
	for _, s := range append([]finding.Subject{o.Subject}, o.Links...) {
		if s.Kind == "reader" {
			if point, in := w.port.Reader(s.ID); in != nil {
				return in.ID, point.From
			}
		}
	}
	for _, s := range o.Links {
		if s.Kind == "area" {
			return s.ID, ""
		}
	}
	return "", ""
}

// end forgets the hops of a conversation that stopped, and marks a scan that did.
func (w *Watch) end(o *finding.Occurrence) {
	over := restOf(o)
	for _, k := range w.sortedChains() {
		delete(w.chains[k].rests, over)
	}
	switch o.Rule {
	case ruleHop:
		for _, k := range w.sortedHops() {
			if w.hops[k].finding == o.Subject.ID && k.exercise == o.Exercise {
				delete(w.hops, k)
			}
		}
	case ruleScan:
		for i := range w.traces {
			t := &w.traces[i]
			t.over = t.over || over == rest{t.rule, t.subject.ID, t.exercise}
		}
	default:
		return // a door that is shut again was still open then
	}
	w.endChains(o.Time)
}

// endChains tells the end of chains of which every hop, or the scan, has stopped.
func (w *Watch) endChains(at time.Time) {
	for _, k := range w.sortedChains() {
		c := w.chains[k]
		alive := slices.ContainsFunc(c.hops, func(h hopKey) bool { return w.hops[h] != nil })
		if alive || len(c.rests) > 0 {
			continue
		}
		delete(w.chains, k)
		w.emit(finding.Occurrence{Rule: RuleChain, Subject: c.subject, Domains: c.domains, Time: at, Exercise: k.exercise, Cleared: true})
	}
}

// Resume takes the findings of an earlier run that still hold. A chain among
// them lasts until the traffic and the scans of its devices that were open then
// have ended, or until this run sees it anew and tells it. Call it before Observe.
func (w *Watch) Resume(open []finding.Finding) {
	for i := range open {
		f := &open[i]
		if f.Rule != RuleChain || !f.Present {
			continue
		}
		t := &told{subject: f.Subject, domains: f.Domains, rests: map[rest]bool{}}
		in := func(s finding.Subject) bool {
			n := w.nodeOf(s)
			return n.asset() == f.Subject.ID || slices.ContainsFunc(f.Links, func(l finding.Subject) bool { return w.nodeOf(l) == n })
		}
		for j := range open {
			o := &open[j]
			if o.Present && o.Exercise == f.Exercise && (o.Rule == ruleHop || o.Rule == ruleScan) && slices.ContainsFunc(o.Links, in) {
				t.rests[restOf(&o.Occurrence)] = true
			}
		}
		w.chains[chainKey{f.Exercise, f.Subject.ID}] = t
	}
}

func (w *Watch) sortedChains() []chainKey {
	keys := make([]chainKey, 0, len(w.chains))
	for k := range w.chains {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b chainKey) int {
		return cmp.Or(cmp.Compare(a.exercise, b.exercise), cmp.Compare(a.entry, b.entry))
	})
	return keys
}

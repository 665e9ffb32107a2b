package cross

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// chain is one candidate: an entry asset, the hops from it, and the traces that
// make it more than network traffic.
type chain struct {
	entry  *port.Asset
	before *port.Asset // a device of the same zone that showed itself before; nil: none
	hops   []*hop      // in order
	others int         // further ends that were reached
	doors  []trace     // at or near the entry, before the first hop
	device []trace     // of the devices in it: scans, changed identity
	silent []trace     // of sources that watch the same world
	start  time.Time   // of the first hop, or of the scan where there is none
	close  bool        // a door of the very area
}

// judge looks for chains from every asset that opened a hop or showed itself
// and that stands where a door was touched. A chain that is the tail of another
// is part of that one.
func (w *Watch) judge(exercise string) {
	entries := w.entries(exercise)
	if len(entries) == 0 {
		return
	}
	out := w.outgoing(exercise)
	var found []chain
	inside := map[string]bool{} // assets that another chain leads to
	for _, id := range entries {
		c, ok := w.chainFrom(id, exercise, out)
		if !ok {
			continue
		}
		found = append(found, c)
		for _, h := range c.hops {
			inside[h.to.asset()] = true
		}
		if c.before != nil {
			inside[c.entry.ID] = true
		}
	}
	for _, c := range found {
		if !inside[c.first().ID] || c.before != nil {
			w.tell(c, exercise)
		}
	}
}

// tell tells a chain where it is new or has grown.
func (w *Watch) tell(c chain, exercise string) {
	o, signature := w.describe(c, exercise)
	k := chainKey{exercise, o.Subject.ID}
	if was := w.chains[k]; was != nil && was.signature == signature {
		return
	}
	t := &told{signature: signature, subject: o.Subject, domains: o.Domains, rests: map[rest]bool{}}
	for _, d := range c.device {
		if len(c.hops) == 0 && d.rule == ruleScan && !d.over {
			t.rests[rest{d.rule, d.subject.ID, d.exercise}] = true
		}
	}
	for _, h := range c.hops {
		t.hops = append(t.hops, h.hopKey)
		w.absorb(chainKey{exercise, h.to.asset()}, o.Time)
	}
	if c.before != nil {
		w.absorb(chainKey{exercise, c.entry.ID}, o.Time)
	}
	w.chains[k] = t
	w.emit(o)
}

// absorb ends a chain that turned out to be the tail of a longer one.
func (w *Watch) absorb(k chainKey, at time.Time) {
	if was := w.chains[k]; was != nil {
		delete(w.chains, k)
		w.emit(finding.Occurrence{Rule: RuleChain, Subject: was.subject, Domains: was.domains, Time: at, Exercise: k.exercise, Cleared: true})
	}
}

// entries are the assets from which a chain could begin, sorted: they opened a
// hop or scanned, and a door of their area or next to it was touched, or a
// device of their zone with such a door showed itself.
func (w *Watch) entries(exercise string) []string {
	touched := w.touched(exercise)
	if len(touched) == 0 {
		return nil
	}
	zones := map[string]bool{}
	for _, t := range w.traces {
		if a := w.port.Asset(t.node.asset()); a != nil && t.exercise == exercise && touched[a.Area] && a.Zone != "" {
			zones[a.Zone] = true
		}
	}
	var ids []string
	add := func(n node, of string) {
		a := w.port.Asset(n.asset())
		if a != nil && of == exercise && (touched[a.Area] || zones[a.Zone]) {
			ids = append(ids, a.ID)
		}
	}
	for k := range w.hops {
		add(k.from, k.exercise)
	}
	for _, t := range w.traces {
		if t.rule == ruleScan && !t.over {
			add(t.node, t.exercise)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// touched are the areas with a door that something happened at, and those next to them.
func (w *Watch) touched(exercise string) map[string]bool {
	out := map[string]bool{}
	for _, t := range w.traces {
		if t.area == "" || t.exercise != exercise || out[t.area] && (t.other == "" || out[t.other]) {
			continue
		}
		for i := range w.port.Areas {
			id := w.port.Areas[i].ID
			if w.doorsBetween(t.area, id) < 2 || w.doorsBetween(t.other, id) < 2 {
				out[id] = true
			}
		}
	}
	return out
}

// chainFrom builds the chain that begins at an asset, and reports whether it
// says more than one world alone.
func (w *Watch) chainFrom(id, exercise string, out map[node][]*hop) (chain, bool) {
	entry := w.port.Asset(id)
	if entry == nil {
		return chain{}, false
	}
	c := chain{entry: entry}
	for _, t := range w.traces {
		if t.exercise == exercise && t.node.asset() == id {
			c.device = append(c.device, t)
			if t.rule == ruleScan && !t.over && (c.start.IsZero() || t.time.Before(c.start)) {
				c.start = t.time
			}
		}
	}
	c.hops, c.others = w.walk(id, out)
	if len(c.hops) > 0 {
		c.start = c.hops[0].first
	}
	if c.start.IsZero() {
		return chain{}, false
	}
	c.device = slices.DeleteFunc(c.device, func(t trace) bool { return !w.around(t.time, c.start) })
	w.addBefore(&c, exercise)
	w.addDoors(&c, exercise)
	w.addSilence(&c, exercise)
	return c, len(c.doors) > 0 && c.weight() >= 2
}

// around reports whether t lies within the time before start, clocks allowing.
func (w *Watch) around(t, start time.Time) bool {
	return !t.After(start.Add(w.o.Slack)) && start.Sub(t) <= w.o.Before
}

// weight is what speaks besides the traffic itself. Traces of one door count
// once, by the heaviest.
func (c *chain) weight() int {
	heaviest := map[string]int{}
	for _, t := range c.doors {
		k := t.rule + " " + t.subject.ID
		heaviest[k] = max(heaviest[k], t.weight)
	}
	sum := 0
	for _, n := range heaviest {
		sum += n
	}
	if len(c.silent) > 0 {
		sum++
	}
	if len(c.device) > 0 {
		sum++
	}
	return sum
}

// addBefore puts a device in front that changed or scanned in the same zone
// shortly before: traffic inside a zone needs no conduit, so the hop between
// the two is not judged by anybody and must be assumed possible.
func (w *Watch) addBefore(c *chain, exercise string) {
	if len(c.device) > 0 || c.entry.Zone == "" || len(c.hops) == 0 {
		return
	}
	for _, t := range w.traces {
		a := w.port.Asset(t.node.asset())
		if t.exercise != exercise || a == nil || a.ID == c.entry.ID || a.Zone != c.entry.Zone || !w.around(t.time, c.start) {
			continue
		}
		if c.before == nil || a.ID == c.before.ID {
			c.before = a
			c.device = append(c.device, t)
		}
	}
}

// first is the asset where the chain begins.
func (c *chain) first() *port.Asset {
	if c.before != nil {
		return c.before
	}
	return c.entry
}

// addDoors adds what happened at doors of the area where the chain begins, or
// one door away, before it began. A door one away counts where it leads into the
// area next to it, not out into one that both share: every building of a terminal
// opens onto the same yard, and a workshop's door says nothing of a cabinet there.
func (w *Watch) addDoors(c *chain, exercise string) {
	places := []string{c.first().Area}
	if c.before != nil {
		places = append(places, c.entry.Area)
	}
	for _, t := range w.traces {
		if t.exercise != exercise || t.area == "" || !w.around(t.time, c.start) {
			continue
		}
		far := 2
		for _, place := range places {
			far = min(far, w.doorsBetween(t.area, place))
			if t.other == place {
				far = 0
			}
		}
		switch {
		case far == 0:
			c.close = true
		case far > 1 || t.weight < 2:
			continue // elsewhere, or too little to count from next door
		default:
			t.weight--
		}
		c.doors = append(c.doors, t)
	}
}

// addSilence adds sources of the entry's own world that fell silent near the time.
func (w *Watch) addSilence(c *chain, exercise string) {
	for _, t := range w.traces {
		silent := t.rule == "source.silent" || t.rule == "source.failed"
		if silent && t.exercise == exercise && string(t.domain) == string(c.first().Domain) && w.around(t.time, c.start.Add(w.o.Before/4)) {
			c.silent = append(c.silent, t)
		}
	}
}

// walk follows hops from an asset in the order of time and returns the way to
// the end that matters most, and how many other ends were reached.
func (w *Watch) walk(id string, out map[node][]*hop) ([]*hop, int) {
	type step struct {
		at   node
		hops []*hop
	}
	start := node("asset:" + id)
	seen := map[node]bool{start: true}
	queue := []step{{at: start}}
	var best []*hop
	reached := 0
	for len(queue) > 0 && len(seen) < maxNodes {
		s := queue[0]
		queue = queue[1:]
		for _, h := range out[s.at] {
			if seen[h.to] || !w.follows(s.hops, h) {
				continue
			}
			seen[h.to] = true
			reached++
			way := append(slices.Clone(s.hops), h)
			if best == nil || w.matters(way) > w.matters(best) {
				best = way
			}
			if len(way) < maxDepth {
				queue = append(queue, step{h.to, way})
			}
		}
	}
	return best, max(0, reached-len(best))
}

// outgoing are the hops by where they begin, each in order of time.
func (w *Watch) outgoing(exercise string) map[node][]*hop {
	out := map[node][]*hop{}
	for _, k := range w.sortedHops() {
		if k.exercise == exercise {
			out[k.from] = append(out[k.from], w.hops[k])
		}
	}
	for _, hops := range out {
		slices.SortStableFunc(hops, func(a, b *hop) int { return a.first.Compare(b.first) })
	}
	return out
}

// follows reports whether a hop can come after those before it: not before the
// last of them began, and not longer after it was last seen than one waits.
func (w *Watch) follows(before []*hop, next *hop) bool {
	if len(before) == 0 {
		return true
	}
	last := before[len(before)-1]
	return !next.first.Before(last.first.Add(-w.o.Slack)) && next.first.Sub(last.last) <= w.o.Hop
}

// matters ranks the end of a way: its criticality, then OT before others, then
// the longer way.
func (w *Watch) matters(way []*hop) int {
	rank := len(way)
	a := w.port.Asset(way[len(way)-1].to.asset())
	if a == nil {
		return rank
	}
	if a.Domain == port.OT {
		rank += 10
	}
	return rank + 20*slices.Index([]string{"", "low", "medium", "high", "critical"}, a.Criticality)
}

// doorsBetween is how many doors lie between two areas: 0 the same, 1 next
// door or around it, 2 further or unknown.
func (w *Watch) doorsBetween(a, b string) int {
	if a == "" || b == "" {
		return 2
	}
	if a == b {
		return 0
	}
	if w.neighbours(a)[b] == 1 || w.neighbours(b)[a] == 1 {
		return 1
	}
	return 2
}

// neighbours are the areas that a door or the enclosure joins to an area.
func (w *Watch) neighbours(id string) map[string]int {
	if known, ok := w.near[id]; ok {
		return known
	}
	out := map[string]int{}
	if a := w.port.Area(id); a != nil {
		if a.Inside != "" {
			out[a.Inside] = 1
		}
		for i := range a.AccessPoints {
			if from := a.AccessPoints[i].From; from != "" {
				out[from] = 1
			}
		}
	}
	w.near[id] = out
	return out
}

// grade weighs how many independent worlds agree, how close the door was, and
// how sure the traffic is.
func (c *chain) grade() finding.Grade {
	points := 0
	if c.weight() >= 3 {
		points++
	}
	if c.close {
		points++
	}
	if len(c.hops) > 0 && c.sure() {
		points++
	}
	if len(c.device) > 0 || len(c.silent) > 0 || len(c.hops) > 1 {
		points++
	}
	switch {
	case points >= 4:
		return finding.Confirmed
	case points >= 2:
		return finding.Likely
	}
	return finding.Suspected
}

// sure reports whether every hop was an answered conversation.
func (c *chain) sure() bool {
	return !slices.ContainsFunc(c.hops, func(h *hop) bool { return h.grade < finding.Confirmed })
}

// facts are the traces and hops in order of time, each trace once.
func (c *chain) facts() []finding.Fact {
	var out []finding.Fact
	for _, list := range [][]trace{c.doors, c.device, c.silent} {
		for _, t := range list[max(0, len(list)-6):] {
			out = append(out, t.fact)
		}
	}
	for _, h := range c.hops {
		out = append(out, h.fact)
	}
	slices.SortStableFunc(out, func(a, b finding.Fact) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Text, b.Text))
	})
	return slices.CompactFunc(out, func(a, b finding.Fact) bool { return a.Text == b.Text && a.Time.Equal(b.Time) })
}

// signature changes when there is something new to tell.
func signature(o finding.Occurrence) string {
	var b strings.Builder
	b.WriteString(o.Title + o.Grade.String() + o.Severity.String())
	for _, l := range o.Links {
		b.WriteString("|" + l.ID)
	}
	for _, f := range o.Facts {
		b.WriteString("|" + f.Time.Format(time.RFC3339Nano) + f.Text)
	}
	return b.String()
}

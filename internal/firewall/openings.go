package firewall

import (
	"net/netip"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Target is a service of a host that rules may let somebody reach.
type Target struct {
	Asset     string
	Address   netip.Addr
	Transport string // "tcp" or "udp"
	Port      uint16
}

// Opening is what lets a zone reach a target though no conduit allows it.
type Opening struct {
	Target  Target
	Zone    string
	Verdict Verdict // permit, or undecided
	Part    bool    // only from some addresses of the zone
	Rules   string  // firewalls with the names of their rules
	Where   string  // files and lines
}

// Openings looks from every zone at every target, through all devices whose
// place is known and past the target's own rules where they are given.
func Openings(p *port.Port, at time.Time, devices []*Device, targets []Target) []Opening {
	matches := make([]Match, len(targets))
	for i, t := range targets {
		m := All().With(Dst, AddressRange(t.Address, t.Address)).With(DstPort, Between(int(t.Port), int(t.Port)))
		switch t.Transport {
		case "tcp":
			m[Proto] = Values(tcp)
		case "udp":
			m[Proto] = Values(udp)
		}
		matches[i] = m
	}
	j := newJudgement(p, at, devices, matches)
	reached := j.reached()
	ways := map[[2]int][]through{}
	way := func(pair [2]int) []through {
		w, known := ways[pair]
		if !known && reached.has(pair) {
			w = j.through(pair)
			ways[pair] = w
		}
		return w
	}
	var out []Opening
	for i, t := range targets {
		z := p.ZoneOf(t.Address)
		if z == nil {
			continue
		}
		want := j.s.box(matches[i])
		for a := range j.zones {
			for b := range j.zones {
				if j.zones[b].Zone == z && a != b {
					out = append(out, j.openings([2]int{a, b}, way([2]int{a, b}), t, want)...)
				}
			}
		}
	}
	return out
}

func (j *judgement) openings(pair [2]int, ways []through, t Target, want box) []Opening {
	var out []Opening
	allowed := j.conduitBoxes(pair)
	for _, w := range ways {
		left := minus(intersect([]box{w.b}, []box{want}), allowed)
		for k, d := range j.devices { // the target's own rules
			if !d.Host || d.Asset != t.Asset {
				continue
			}
			for _, x := range j.meeting(k, pair) {
				if x.verdict == Deny {
					left = minus(left, []box{x.b})
				}
			}
		}
		if len(left) == 0 {
			continue
		}
		from := make(bitset, len(left[0][Src]))
		for _, b := range left {
			from = from.or(b[Src])
		}
		out = append(out, Opening{Target: t, Zone: j.zones[pair[0]].ID, Verdict: w.verdict, Part: !j.zones[pair[0]].src.within(from), Rules: w.rules, Where: strings.Join(w.where, ", ")})
	}
	return out
}

package network

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Bounds of what one host may say; what comes later is left out.
const (
	maxBehind = 1024
	maxFacts  = 64
)

// speaksFor takes over what h told of a device behind it. Empty fields say
// nothing; of two values the later one stands.
func (h *host) speaksFor(d *event.DeviceSighting) {
	key := d.Protocol + " " + d.Behind
	b := h.behind[key]
	if b == nil {
		if len(h.behind) >= maxBehind {
			return
		}
		if h.behind == nil {
			h.behind = map[string]*Behind{}
		}
		b = &Behind{Address: d.Behind, Protocol: d.Protocol, First: d.Time, Last: d.Time}
		h.behind[key] = b
	}
	newer := !d.Time.Before(b.Last)
	b.First, b.Last = earlier(b.First, d.Time), laterOf(b.Last, d.Time)
	for _, f := range []struct {
		to   *string
		said string
	}{
		{&b.Name, d.Name}, {&b.Vendor, d.Vendor}, {&b.Product, d.Product},
		{&b.Model, d.Model}, {&b.Firmware, d.Firmware}, {&b.Serial, d.Serial},
	} {
		if f.said != "" && (newer || *f.to == "") {
			*f.to = f.said
		}
	}
	b.Facts = addFacts(b.Facts, d.Facts)
}

// addFacts gives facts with more, the later value of a name standing.
func addFacts(facts map[string]string, more []event.DeviceFact) map[string]string {
	for _, f := range more {
		if facts == nil {
			facts = map[string]string{}
		}
		if _, known := facts[f.Name]; known || len(facts) < maxFacts {
			facts[f.Name] = f.Value
		}
	}
	return facts
}

// absorbFacts takes over what another record of the same device knew.
func (h *host) absorbFacts(o *host) {
	for name, value := range o.facts {
		if _, known := h.facts[name]; !known {
			h.facts = addFacts(h.facts, []event.DeviceFact{{Name: name, Value: value}})
		}
	}
	for key, theirs := range o.behind {
		mine := h.behind[key]
		switch {
		case mine != nil:
			first := earlier(mine.First, theirs.First)
			if theirs.Last.After(mine.Last) {
				h.behind[key] = theirs
			}
			h.behind[key].First = first
		case len(h.behind) < maxBehind:
			if h.behind == nil {
				h.behind = map[string]*Behind{}
			}
			h.behind[key] = theirs
		}
	}
}

// listBehind gives copies, by address and protocol.
func (h *host) listBehind() []Behind {
	if len(h.behind) == 0 {
		return nil
	}
	out := make([]Behind, 0, len(h.behind))
	for _, b := range h.behind {
		c := *b
		c.Facts = maps.Clone(b.Facts)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Behind) int {
		return cmp.Or(strings.Compare(a.Address, b.Address), strings.Compare(a.Protocol, b.Protocol))
	})
	return out
}

package advisory

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/port"
)

// hit is an offer that may be the asset's product.
type hit struct {
	offer    int
	by       By
	certain  bool
	likeness float64
	exact    bool // by an article number so long that it stands for one article
}

// exactArticle is from how many letters and digits on an article number is one
// maker's for one article: 6ES7516-3AN02-0AB0 has 16, EDS-510E has 7.
const exactArticle = 12

func (x *index) matches(d *device, direct []hit) []Match {
	groups := x.named(d)
	if len(direct) > 0 {
		groups = x.together(groups, direct)
	}
	out := make([]Match, 0, len(groups))
	for _, g := range groups {
		out = append(out, x.judge(d, &x.entries[g[0].entry(x)], g))
	}
	sortMatches(out)
	return out
}

func (h hit) entry(x *index) int { return x.offers[h.offer].entry }

// direct are the offers that name the very asset.
func (x *index) direct(d *device, a *port.Asset) []hit {
	var out []hit
	for _, o := range x.assets[a.ID] {
		out = append(out, hit{offer: o, by: ByAsset, certain: true, likeness: 1})
	}
	if a.Serial == "" {
		return out
	}
	for _, o := range x.serials[squeezed(a.Serial)] {
		likeness := 0.5 // another maker's number may be the same
		for _, v := range x.resolve(d.vendor) {
			if slices.Contains(vendorKeys(x.offers[o].vendor), v.key) {
				likeness = max(likeness, v.likeness)
			}
		}
		out = append(out, hit{offer: o, by: BySerial, certain: likeness >= 1, likeness: likeness})
	}
	return out
}

// together puts direct hits to those by name, in place of hits of the same offer.
func (x *index) together(groups [][]hit, direct []hit) [][]hit {
	out := make([][]hit, 0, len(groups)+len(direct))
	seen := map[int]int{}
	for _, g := range groups {
		kept := slices.DeleteFunc(slices.Clone(g), func(h hit) bool {
			return slices.ContainsFunc(direct, func(d hit) bool { return d.offer == h.offer })
		})
		if len(kept) > 0 {
			seen[kept[0].entry(x)] = len(out)
			out = append(out, kept)
		}
	}
	for _, h := range direct {
		e := h.entry(x)
		if x.dead[e] {
			continue
		}
		if at, known := seen[e]; known {
			out[at] = append(out[at], h)
		} else {
			seen[e] = len(out)
			out = append(out, []hit{h})
		}
	}
	return out
}

// named are the offers that may be the device, by advisory. Ports have many
// devices of few products, so answers are kept.
func (x *index) named(d *device) [][]hit {
	key := deviceKey{vendor: d.vendor, product: d.deviceKey.product, model: d.deviceKey.model}
	groups, known := x.groups[key]
	if known {
		return groups
	}
	byEntry := map[int][]hit{}
	for _, v := range x.vendorsOf(d) {
		for _, h := range x.hits(d, v.key, v.likeness) {
			if e := h.entry(x); !x.dead[e] {
				byEntry[e] = append(byEntry[e], h)
			}
		}
	}
	for _, e := range slices.Sorted(maps.Keys(byEntry)) {
		groups = append(groups, byEntry[e])
	}
	if len(x.groups) < maxAdvisories {
		x.groups[key] = groups
	}
	return groups
}

// vendorsOf are the vendors that the device may be of: all, where the register
// names none but a product with letters and digits in one word.
func (x *index) vendorsOf(d *device) []resolved {
	if fold(d.vendor) != "" {
		return x.resolve(d.vendor)
	}
	if !slices.ContainsFunc(d.all, func(w string) bool { return len(w) >= 4 && hasDigit(w) && strings.Trim(w, "0123456789") != "" }) {
		return nil
	}
	out := make([]resolved, 0, len(x.keys))
	for _, k := range x.keys {
		out = append(out, resolved{k, 0.5})
	}
	return out
}

// shared is which words of the device an offer has: bits of device.all.
type shared struct {
	exact, alike int64
	worst        float64 // likeness of the least alike
	named        bool    // the whole name is the same
}

// maxWords bounds the words of a device that are compared.
const maxWords = 62

// hits finds the offers of a vendor that may be the device.
func (x *index) hits(d *device, key string, vendor float64) []hit {
	c := x.vendors[key]
	found := map[int]*shared{}
	at := func(o int) *shared {
		if found[o] == nil {
			found[o] = &shared{worst: 1}
		}
		return found[o]
	}
	for i, w := range d.all[:min(len(d.all), maxWords)] {
		for _, j := range d.joins {
			if w == j.first || w == j.second {
				for _, o := range c.places[j.both] {
					at(o).exact |= 1 << i
				}
			}
		}
		for _, n := range c.meant(w) {
			for _, o := range c.places[n.word] {
				if s := at(o); n.likeness >= 1 {
					s.exact |= 1 << i
				} else if s.alike&(1<<i) == 0 {
					s.alike |= 1 << i
					s.worst = min(s.worst, n.likeness)
				}
			}
		}
	}
	for _, a := range d.articles {
		for _, o := range c.places[a] {
			at(o)
		}
	}
	for _, n := range d.names {
		for _, o := range c.names[n] {
			at(o).named = true
		}
	}
	var out []hit
	own := strings.Fields(key)
	for o, s := range found {
		if h, ok := x.compare(d, o, s, own); ok {
			h.likeness *= vendor
			h.certain = h.certain && h.likeness >= 1 && !x.offers[o].except && !x.offers[o].some
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b hit) int { return cmp.Compare(a.offer, b.offer) })
	return out
}

// compare tells whether an offer that shares words with the device is about it.
// The vendor's own words count for nothing.
func (x *index) compare(d *device, n int, s *shared, own []string) (hit, bool) {
	o := &x.offers[n]
	holds := func(words []string, have int64) bool {
		some := false
		for _, w := range words {
			if slices.Contains(own, w) {
				continue
			}
			some = true
			if i := slices.Index(d.all, w); i < 0 || have&(1<<min(i, 63)) == 0 {
				return false
			}
		}
		return some
	}
	known := func(w string) bool {
		return slices.Contains(d.named, w) ||
			slices.ContainsFunc(d.joins, func(j join) bool { return j.both == w }) ||
			slices.ContainsFunc(o.joins, func(j join) bool { return (w == j.first || w == j.second) && slices.Contains(d.named, j.both) })
	}
	family := len(o.core) > 0 && !slices.ContainsFunc(o.core, func(w string) bool { return !known(w) })
	article := slices.IndexFunc(d.articles, func(a string) bool { return slices.Contains(o.models, a) || slices.Contains(o.words, a) })
	// A product of which the register says more is another one: "Safety Manager SC".
	whole := !slices.ContainsFunc(d.core, func(w string) bool {
		return !slices.Contains(o.all, w) && !joined(o.joins, w) && !slices.Contains(own, w)
	})
	either := s.exact | s.alike
	switch {
	case article >= 0:
		return hit{n, ByArticle, true, 1, len(d.articles[article]) >= exactArticle}, true
	case holds(d.model, s.exact):
		return hit{n, ByModel, family || whole && len(d.core) > 0, 1, false}, true
	case s.named:
		return hit{n, ByProduct, true, 1, false}, true
	case holds(d.product, s.exact):
		return hit{n, ByProduct, family && whole, 1, false}, true
	case family && (len(o.core) > 1 || hasDigit(o.core[0]) || o.single) && slices.ContainsFunc(o.core, func(w string) bool { return slices.Contains(d.all, w) }):
		return hit{n, ByFamily, false, 1, false}, true
	case holds(d.model, either), holds(d.product, either):
		return hit{n, ByLike, false, s.worst, false}, true
	}
	return hit{}, false
}

func joined(all []join, w string) bool {
	return slices.ContainsFunc(all, func(j join) bool { return j.both == w })
}

package advisory

import (
	"maps"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
)

// offer is one product of one advisory, with all versions that it tells of.
type offer struct {
	entry  int // in index.entries
	vendor string
	name   string
	words  []string // telling words of name and model numbers
	core   []string // words that the register must have
	all    []string // all words of the name and the model numbers
	models []string // model numbers, squeezed
	joins  []join
	except bool // the name excludes something
	single bool // the name is one word: a brand, or a product
	some   bool // only single devices are meant: assets or serial numbers
	leaves []leaf
}

// leaf is one version, or range, of an offer.
type leaf struct {
	span    span
	advised *event.AdvisedProduct
}

// index finds offers by vendor and words.
type index struct {
	entries []Entry
	at      map[string]int // advisory id: entry; older versions of it are dead
	dead    map[int]bool
	offers  []offer
	vendors map[string]*catalogue // by vendor key
	keys    []string              // of vendors, sorted
	spans   map[string]span       // read once for each text
	likely  map[string][]resolved // vendor texts resolved
	groups  map[deviceKey][][]hit // offers by vendor, product and model
	assets  map[string][]int      // asset id: offers that name it
	serials map[string][]int      // serial number, squeezed: offers that name it
}

// catalogue is the offers of one vendor.
type catalogue struct {
	places map[string][]int // word: offers, ascending
	names  map[string][]int // whole name, folded: offers
	sorted []string         // words, made when needed
	open   []string         // those in which x stands for anything
	close  map[string][]near
}

func newIndex() *index {
	return &index{at: map[string]int{}, dead: map[int]bool{}, vendors: map[string]*catalogue{}, spans: map[string]span{}, likely: map[string][]resolved{}, groups: map[deviceKey][][]hit{}, assets: map[string][]int{}, serials: map[string][]int{}}
}

// built returns the index, making it where that has to be. The write lock is held.
func (s *Set) built() *index {
	if s.index == nil || len(s.index.dead) > len(s.index.entries)/4 {
		s.index = newIndex()
		for _, id := range slices.Sorted(maps.Keys(s.byID)) {
			s.index.add(s.entry(s.byID[id]))
		}
	}
	return s.index
}

// add takes an advisory in, in place of an older version of it.
func (x *index) add(e Entry) {
	if was, known := x.at[e.ID]; known {
		x.dead[was] = true
	}
	clear(x.groups)
	n := len(x.entries)
	x.entries, x.at[e.ID] = append(x.entries, e), n
	byName := map[string]int{}
	advised := e.Advised
	if len(advised) == 0 {
		advised = nameless(&e.Advisory)
	}
	for i := range advised {
		p := &advised[i]
		key := strings.Join(slices.Concat([]string{p.Vendor, p.Name}, p.Models, p.Serials, p.Assets), "\x00")
		o, known := byName[key]
		if !known {
			o = len(x.offers)
			byName[key] = o
			x.offers = append(x.offers, newOffer(n, p))
			x.list(o)
			for _, id := range p.Assets {
				x.assets[id] = append(x.assets[id], o)
			}
			for _, s := range p.Serials {
				x.serials[squeezed(s)] = append(x.serials[squeezed(s)], o)
			}
		}
		x.offers[o].leaves = append(x.offers[o].leaves, leaf{x.span(p), p})
	}
}

// nameless are the products of a notice that was kept before products were told
// apart: names without versions or states, so that every match is undecided.
func nameless(a *event.Advisory) []event.AdvisedProduct {
	out := make([]event.AdvisedProduct, len(a.Products))
	for i, name := range a.Products {
		out[i] = event.AdvisedProduct{Vendor: strings.Join(a.Vendors, ", "), Name: name}
	}
	return out
}

// span reads a version text once.
func (x *index) span(p *event.AdvisedProduct) span {
	if p.Version == "" && len(p.Assets)+len(p.Serials) > 0 {
		return span{all: true} // the devices themselves are named
	}
	key := p.Kind + "\x00" + p.Version
	sp, known := x.spans[key]
	if !known {
		sp = readSpan(p.Version)
		if p.Kind != "product_version" && p.Kind != "product_version_range" {
			sp = span{unread: "the notice names no version"}
		}
		x.spans[key] = sp
	}
	return sp
}

func newOffer(entry int, p *event.AdvisedProduct) offer {
	o := offer{entry: entry, vendor: p.Vendor, name: p.Name, except: exclusion.MatchString(strings.ToLower(p.Name))}
	o.some = len(p.Assets)+len(p.Serials) > 0
	text := p.Name
	for _, m := range p.Models {
		o.models = append(o.models, squeezed(m))
		if !strings.Contains(p.Name, m) {
			text += " " + m
		}
	}
	o.words, o.joins = telling(text, ""), joins(text) // with the vendor's words, which a register may have in the product
	o.all, o.single = words(text), singleWord(p.Name, p.Vendor)
	o.core = core(p.Name, p.Vendor)
	return o
}

// list puts an offer where it is found.
func (x *index) list(n int) {
	o := &x.offers[n]
	for _, key := range vendorKeys(o.vendor) {
		c := x.vendors[key]
		if c == nil {
			c = &catalogue{places: map[string][]int{}, names: map[string][]int{}, close: map[string][]near{}}
			x.vendors[key] = c
			at, _ := slices.BinarySearch(x.keys, key)
			x.keys = slices.Insert(x.keys, at, key)
			clear(x.likely)
		}
		name := fold(o.name)
		c.names[name] = append(c.names[name], n)
		both := make([]string, len(o.joins))
		for i, j := range o.joins {
			both[i] = j.both
		}
		for _, w := range slices.Concat(o.all, o.models, both) {
			if len(w) < 2 || generic[w] {
				continue
			}
			if _, known := c.places[w]; !known {
				c.sorted = nil
				clear(c.close)
			}
			if at := c.places[w]; len(at) == 0 || at[len(at)-1] != n {
				c.places[w] = append(at, n)
			}
		}
	}
}

package advisory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Verdict is whether an advisory applies to an asset.
type Verdict string

// Verdicts, from the one that asks for most.
const (
	Affected    Verdict = "affected"
	Undecided   Verdict = "undecided"
	NotAffected Verdict = "not affected"
)

func (v Verdict) rank() int { return slices.Index([]Verdict{Affected, Undecided, NotAffected}, v) }

// By is what an advisory and an asset have in common besides the vendor.
type By string

// Ways to match, from the strongest.
const (
	ByAsset   By = "asset"   // a notice of the port's own names the asset
	BySerial  By = "serial"  // the notice names the asset's serial number
	ByArticle By = "article" // the article number of the asset is one of the product's
	ByModel   By = "model"   // the product's words hold every telling word of the asset's model
	ByProduct By = "product" // …of the asset's product
	ByFamily  By = "family"  // the asset's words hold every telling word of the product
	ByLike    By = "likeness"
)

func (b By) rank() int {
	return slices.Index([]By{ByAsset, BySerial, ByArticle, ByModel, ByProduct, ByFamily, ByComponent, ByLike}, b)
}

// Remedy is whether something can be done, by what the advisory says.
type Remedy string

// Remedies.
const (
	FixOffered Remedy = "fix offered"  // by the vendor
	FixNone    Remedy = "no fix"       // none is available
	FixNever   Remedy = "no fix comes" // none is planned
	FixAround  Remedy = "mitigation only"
	FixUnknown Remedy = "not told"
)

// Match is one advisory and one asset: one verdict, with its reasons.
type Match struct {
	ID        string            `json:"id"`
	Title     string            `json:"title"`
	Verdict   Verdict           `json:"verdict"`
	Reason    string            `json:"reason"` // why this verdict
	By        By                `json:"matched_by"`
	Certain   bool              `json:"certain"`  // the product is surely the asset's
	Likeness  float64           `json:"likeness"` // 0..1 of the names; 1 where nothing was guessed
	Vendor    string            `json:"vendor"`   // as the advisory writes it
	Products  []string          `json:"products"` // with versions; at most five, the deciding ones first
	CVEs      []string          `json:"cves"`     // of the affected or undecided weaknesses; of all where none is
	CVSS      float64           `json:"cvss,omitempty"`
	System    string            `json:"cvss_version,omitempty"` // of that score
	Exploited []event.Exploited `json:"exploited"`              // of these CVEs
	EPSS      float64           `json:"epss,omitempty"`         // highest of these CVEs, 0..1; 0 not known
	Remedy    Remedy            `json:"remedy"`
	Fix       string            `json:"fix,omitempty"`         // the vendor's words
	Mitigate  []string          `json:"mitigations,omitempty"` // at most three
	Released  time.Time         `json:"released,omitzero"`
	Current   time.Time         `json:"current"` // release date of this version
	Override  *Override         `json:"override,omitempty"`
	Was       Verdict           `json:"was,omitempty"` // before the override
}

const maxTexts = 5

// deviceKey is what matching looks at.
type deviceKey struct{ vendor, product, model, firmware string }

// device is an asset made ready for matching.
type device struct {
	deviceKey
	product, model, all []string // telling words
	named               []string // all words of product and model
	core                []string // words of the product that a notice must have
	articles, names     []string // of the model; whole names, folded
	joins               []join
	version             version
	versioned           bool // the firmware was read
}

func newDevice(a *port.Asset) *device {
	d := &device{deviceKey: deviceKey{a.Vendor, a.Product, a.Model, a.Firmware}}
	d.product, d.model = telling(a.Product, a.Vendor), telling(a.Model, a.Vendor)
	d.all = slices.Clone(d.product)
	for _, w := range d.model {
		if !slices.Contains(d.all, w) {
			d.all = append(d.all, w)
		}
	}
	d.core = core(a.Product, a.Vendor)
	d.named = append(words(a.Product), words(a.Model)...)
	d.joins = append(joins(a.Product), joins(a.Model)...)
	d.articles = articles(a.Model)
	for _, n := range []string{fold(a.Product), fold(a.Product + " " + a.Model), fold(a.Model)} {
		if n != "" && !slices.Contains(d.names, n) {
			d.names = append(d.names, n)
		}
	}
	d.version, d.versioned = readVersion(a.Firmware)
	return d
}

// Matches returns the advisories that name the asset's product or could, worst
// first. None means that there is none for what the register says; see
// [Set.Silence]. The slice must not be changed.
func (s *Set) Matches(a *port.Asset) []Match {
	key := deviceKey{a.Vendor, a.Product, a.Model, a.Firmware}
	s.mu.RLock()
	found, known := s.cache[key]
	known = known && s.index != nil && len(s.index.assets[a.ID]) == 0 && (a.Serial == "" || len(s.index.serials[squeezed(a.Serial)]) == 0)
	s.mu.RUnlock()
	if known {
		return found
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, d := s.built(), s.device(a)
	direct := x.direct(d, a)
	found = x.matches(d, direct)
	for i := range found {
		s.score(&found[i])
	}
	if len(direct) > 0 {
		return found // of this asset alone
	}
	if s.cache == nil {
		s.cache = map[deviceKey][]Match{}
	}
	if len(s.cache) < maxAdvisories {
		s.cache[key] = found
	}
	return found
}

// device makes an asset ready for matching, once. The write lock is held.
func (s *Set) device(a *port.Asset) *device {
	key := deviceKey{a.Vendor, a.Product, a.Model, a.Firmware}
	d := s.devices[key]
	if d == nil {
		d = newDevice(a)
		if len(s.devices) < maxAdvisories {
			s.devices[key] = d
		}
	}
	return d
}

// Concern is an asset that an advisory is or could be about.
type Concern struct {
	Asset string `json:"asset"`
	Match Match  `json:"match"`
}

// Concerning matches one advisory to assets, in their order: what to do when a
// new one comes, without asking all others again.
func (s *Set) Concerning(id string, assets []port.Asset) []Concern {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Concern{}
	a, known := s.byID[id]
	if !known {
		return out
	}
	x := newIndex()
	x.add(s.entry(a))
	for i := range assets {
		d := s.device(&assets[i])
		for _, m := range x.matches(d, x.direct(d, &assets[i])) {
			s.score(&m)
			out = append(out, Concern{assets[i].ID, m})
		}
	}
	return out
}

// hit is an offer that may be the asset's product.
type hit struct {
	offer    int
	by       By
	certain  bool
	likeness float64
}

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
		out = append(out, hit{o, ByAsset, true, 1})
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
		out = append(out, hit{o, BySerial, likeness >= 1, likeness})
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
	sameArticle := slices.ContainsFunc(d.articles, func(a string) bool { return slices.Contains(o.models, a) || slices.Contains(o.words, a) })
	// A product of which the register says more is another one: "Safety Manager SC".
	whole := !slices.ContainsFunc(d.core, func(w string) bool {
		return !slices.Contains(o.all, w) && !joined(o.joins, w) && !slices.Contains(own, w)
	})
	either := s.exact | s.alike
	switch {
	case sameArticle:
		return hit{n, ByArticle, true, 1}, true
	case holds(d.model, s.exact):
		return hit{n, ByModel, family || whole && len(d.core) > 0, 1}, true
	case s.named:
		return hit{n, ByProduct, true, 1}, true
	case holds(d.product, s.exact):
		return hit{n, ByProduct, family && whole, 1}, true
	case family && (len(o.core) > 1 || hasDigit(o.core[0]) || o.single) && slices.ContainsFunc(o.core, func(w string) bool { return slices.Contains(d.all, w) }):
		return hit{n, ByFamily, false, 1}, true
	case holds(d.model, either), holds(d.product, either):
		return hit{n, ByLike, false, s.worst}, true
	}
	return hit{}, false
}

func joined(all []join, w string) bool {
	return slices.ContainsFunc(all, func(j join) bool { return j.both == w })
}

// finding is what a leaf says of a device.
type finding struct {
	hit    hit
	leaf   *leaf
	within answer
	why    string // where within is unknown
}

// judge reaches the verdict on one advisory.
func (x *index) judge(d *device, e *Entry, hits []hit) Match {
	m := Match{ID: e.ID, Title: e.Title, Released: e.Released, Current: e.Time, Exploited: []event.Exploited{}, CVEs: []string{}, Likeness: 1}
	best := slices.MinFunc(hits, func(a, b hit) int {
		return cmp.Or(-compareBool(a.certain, b.certain), cmp.Compare(a.by.rank(), b.by.rank()), cmp.Compare(b.likeness, a.likeness), cmp.Compare(a.offer, b.offer))
	})
	m.By, m.Certain, m.Likeness = best.by, best.certain, best.likeness
	m.Vendor = x.offers[best.offer].vendor
	// Where an article number decides, products of other articles are not the device.
	if best.by == ByArticle && best.certain {
		hits = slices.DeleteFunc(slices.Clone(hits), func(h hit) bool { return h.by != ByArticle && len(x.offers[h.offer].models) > 0 })
	}
	var all []finding
	for _, h := range hits {
		for i := range x.offers[h.offer].leaves {
			l := &x.offers[h.offer].leaves[i]
			f := finding{hit: h, leaf: l}
			f.within, f.why = d.within(&l.span)
			if f.why == "" && l.advised.Joined && f.within == yes {
				f.within, f.why = unknown, "the notice means it only together with another product"
			}
			if f.within == no && l.span.singles() && !e.offersFix(l.advised) {
				f.within, f.why = unknown, fmt.Sprintf("firmware %s is newer than %s; the notice names single versions, offers no fix, and says nothing of others", d.firmware, l.advised.Version)
			}
			all = append(all, f)
		}
	}
	x.conclude(d, e, &m, all)
	return m
}

// offersFix is whether the vendor has a fix for a product.
func (e *Entry) offersFix(p *event.AdvisedProduct) bool {
	return slices.ContainsFunc(p.Fixes, func(n int) bool { return e.Fixes[n].Kind == "vendor_fix" })
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// within is whether the device's version is in a span.
func (d *device) within(s *span) (answer, string) {
	switch {
	case s.all:
		return yes, ""
	case strings.TrimSpace(d.firmware) == "":
		return unknown, "the register names no firmware"
	case !d.versioned:
		return unknown, fmt.Sprintf("the firmware %q of the register is not understood", d.firmware)
	}
	a, why := s.holds(&d.version)
	if why != "" && a == unknown && strings.HasPrefix(why, "the notice") {
		return a, why
	}
	if why != "" {
		return a, fmt.Sprintf("firmware %s %s", d.firmware, why)
	}
	return a, ""
}

// state is what is known of one weakness.
type state struct {
	sure, cleared, fixed, maybe bool
	why                         string
}

// conclude fills the match in from all findings.
func (x *index) conclude(d *device, e *Entry, m *Match, all []finding) {
	states := make([]state, len(e.Weaknesses))
	stated, fresh := false, ""
	for _, f := range all {
		p := f.leaf.advised
		certain := f.hit.certain && f.within == yes
		why := f.why
		if why == "" && f.within == yes {
			why = x.doubt(d, f.hit)
		}
		for _, i := range p.Affected {
			stated = true
			switch s := &states[i]; {
			case certain:
				s.sure = true
			case f.within != no:
				s.maybe, s.why = true, cmp.Or(s.why, why)
			}
		}
		for _, i := range p.Open {
			if stated = true; f.within != no {
				states[i].maybe, states[i].why = true, cmp.Or(states[i].why, "the vendor is still looking into it")
			}
		}
		for _, i := range p.Cleared {
			stated = true
			states[i].cleared = states[i].cleared || certain
		}
		for _, i := range p.Fixed {
			stated = true
			states[i].fixed = states[i].fixed || certain
		}
		if f.within == no && (fresh == "" || f.hit.certain) {
			fresh = fmt.Sprintf("firmware %s is outside of what the notice names: %s %s", d.firmware, p.Name, p.Version)
		}
	}
	x.decide(m, e, states, all, stated, fresh)
	m.Products = decisive(all)
	m.remedies(e, all)
}

// decide reaches the verdict from the states of the weaknesses.
func (x *index) decide(m *Match, e *Entry, states []state, all []finding, stated bool, fresh string) {
	var affected, open []int
	why := ""
	for i, s := range states {
		switch done := s.cleared || s.fixed; {
		case s.sure && !done:
			affected = append(affected, i)
		case s.sure:
			open, why = append(open, i), cmp.Or(why, "the notice says both affected and not affected of it")
		case s.maybe && !done:
			open, why = append(open, i), cmp.Or(why, s.why)
		}
	}
	switch {
	case len(affected) > 0:
		m.Verdict, m.Reason = Affected, x.affirmed(e, all, len(affected))
		m.weaknesses(e, affected)
	case len(open) > 0:
		m.Verdict, m.Reason = Undecided, why
		m.weaknesses(e, open)
	case !stated:
		m.Verdict, m.Reason = Undecided, "the notice does not say whether this product is affected"
		m.weaknesses(e, nil)
	default:
		m.Verdict, m.Reason = NotAffected, cmp.Or(cleared(states), fresh, "its version is outside of what the notice names")
		m.weaknesses(e, nil)
	}
}

func cleared(states []state) string {
	fixed, not := 0, 0
	for _, s := range states {
		if s.fixed {
			fixed++
		} else if s.cleared {
			not++
		}
	}
	switch {
	case fixed > 0 && not == 0:
		return "the notice says that this version is fixed"
	case not > 0:
		return "the notice says that it is not affected"
	}
	return ""
}

// affirmed is the reason of an affected device.
func (x *index) affirmed(e *Entry, all []finding, n int) string {
	for _, f := range all {
		if f.hit.certain && f.within == yes && len(f.leaf.advised.Affected) > 0 {
			text := fmt.Sprintf("the notice names %s %s", f.leaf.advised.Name, cmp.Or(f.leaf.advised.Version, "without a version"))
			switch {
			case f.hit.by == ByAsset:
				text = "the notice names this asset"
			case f.hit.by == BySerial:
				text = "the notice names its serial number"
			case f.leaf.span.all:
				text = fmt.Sprintf("the notice names all versions of %s", f.leaf.advised.Name)
			}
			if total := len(e.Weaknesses); n < total {
				text += fmt.Sprintf(" (%d of its %d weaknesses)", n, total)
			}
			return text
		}
	}
	return ""
}

// doubt says why a product is not surely the device.
func (x *index) doubt(d *device, h hit) string {
	o := &x.offers[h.offer]
	switch {
	case h.certain:
		return ""
	case strings.TrimSpace(d.vendor) == "":
		return "the register names no vendor; the notice is of " + o.vendor
	case h.likeness < 1:
		return fmt.Sprintf("%q of the notice is only like the register's words (%.0f %%)", strings.TrimSpace(bare(o.vendor, o.name)), 100*h.likeness)
	case o.some:
		return "the notice means single devices of " + o.name + ", and this one is not among them or has no serial number in the register"
	case o.except:
		return "the notice excludes some of its products: " + o.name
	case h.by == ByFamily:
		return "the notice names " + o.name + ", which may be this product or another"
	}
	return "the notice names " + o.name + ", and the register does not say whether it is that one"
}

// bare puts the vendor before a name that does not have it.
func bare(vendor, name string) string {
	if strings.Contains(fold(name), fold(vendor)) {
		return name
	}
	return vendor + " " + name
}

// decisive lists the products that speak most clearly.
func decisive(all []finding) []string {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b finding) int {
		return cmp.Or(cmp.Compare(b.within, a.within), -compareBool(a.hit.certain, b.hit.certain))
	})
	out := []string{}
	for _, f := range sorted {
		text := strings.TrimSpace(f.leaf.advised.Name + " " + f.leaf.advised.Version)
		if len(out) < maxTexts && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// weaknesses fills in CVEs and score of these weaknesses, of all where there are none.
func (m *Match) weaknesses(e *Entry, which []int) {
	if which == nil {
		for i := range e.Weaknesses {
			which = append(which, i)
		}
	}
	for _, i := range which {
		w := &e.Weaknesses[i]
		if w.ID != "" {
			m.CVEs = append(m.CVEs, w.ID)
		}
		if w.CVSS > m.CVSS {
			m.CVSS, m.System = w.CVSS, w.System
		}
	}
	slices.Sort(m.CVEs)
	m.CVEs = slices.Compact(m.CVEs)
	for _, x := range e.Exploited {
		if slices.Contains(m.CVEs, x.CVE) {
			m.Exploited = append(m.Exploited, x)
		}
	}
}

// remedies reads what can be done about the products that may be the device.
func (m *Match) remedies(e *Entry, all []finding) {
	m.Remedy = FixUnknown
	rank := map[Remedy]int{FixUnknown: 0, FixAround: 1, FixNever: 2, FixNone: 3, FixOffered: 4}
	raise := func(r Remedy) {
		if rank[r] > rank[m.Remedy] {
			m.Remedy = r
		}
	}
	for _, f := range all {
		if f.within == no {
			continue
		}
		for _, n := range f.leaf.advised.Fixes {
			switch fix := &e.Fixes[n]; fix.Kind {
			case "vendor_fix":
				raise(FixOffered)
				m.Fix = cmp.Or(m.Fix, fix.Details)
			case "none_available":
				raise(FixNone)
			case "no_fix_planned":
				raise(FixNever)
			default:
				raise(FixAround)
				if len(m.Mitigate) < 3 && !slices.Contains(m.Mitigate, fix.Details) {
					m.Mitigate = append(m.Mitigate, fix.Details)
				}
			}
		}
	}
}

// Silence says why an asset has no matches, so that nobody reads an empty list
// as good news; "" where it has some.
func (s *Set) Silence(a *port.Asset) string {
	if len(s.Matches(a)) > 0 {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.built()
	switch {
	case fold(a.Vendor) == "":
		return "the register names no vendor"
	case len(x.resolve(a.Vendor)) == 0:
		return "no loaded advisory is of this vendor: no coverage, which says nothing about safety"
	case len(telling(a.Product, a.Vendor))+len(telling(a.Model, a.Vendor)) == 0:
		return "the register names no product or model that tells this device from others"
	}
	return "no loaded advisory of this vendor names this product or model"
}

func sortMatches(all []Match) {
	slices.SortFunc(all, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Verdict.rank(), b.Verdict.rank()), cmp.Compare(len(b.Exploited), len(a.Exploited)),
			-compareBool(a.Certain, b.Certain), cmp.Compare(a.By.rank(), b.By.rank()), cmp.Compare(b.CVSS, a.CVSS), cmp.Compare(a.ID, b.ID))
	})
}

package advisory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// affirmed is the reason of an affected device.
func (x *index) affirmed(e *Entry, all []finding, n int) string {
	for _, f := range all {
		if f.decides() {
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
	if len(e.Weaknesses) == 0 { // kept before weaknesses were told apart
		m.CVEs, m.CVSS = append(m.CVEs, e.CVEs...), e.CVSS
	}
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

// remedies reads what can be done about the product that decided, or, where none
// did, about those that may be the device.
func (m *Match) remedies(e *Entry, all []finding) {
	m.Remedy = FixUnknown
	rank := map[Remedy]int{FixUnknown: 0, FixAround: 1, FixNever: 2, FixNone: 3, FixOffered: 4}
	raise := func(r Remedy) {
		if rank[r] > rank[m.Remedy] {
			m.Remedy = r
		}
	}
	decided := slices.ContainsFunc(all, finding.decides)
	for _, f := range all {
		if f.within == no || decided && !f.decides() {
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

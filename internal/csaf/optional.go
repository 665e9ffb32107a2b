package csaf

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

func (c *checker) warn(clause string, n *node, format string, args ...any) {
	c.tell(Warning, clause, n, format, args...)
}

// optional runs the tests of section 6.2.
func (c *checker) optional() {
	doc := c.root.get("document")
	if doc.get("category").str() != Informational {
		for _, p := range c.products {
			if id := p.get("product_id"); id.str() != "" && !c.used[id.text] {
				c.warn("6.2.1", id, "product %q is never used", id.text)
			}
		}
	}
	for _, v := range c.root.get("vulnerabilities").each() {
		c.optionalOf(v)
	}
	c.dates(doc.get("tracking"))
	for _, p := range c.products {
		c.optionalHelper(p)
	}
	if doc.get("distribution").get("tlp").get("label").str() == "" {
		c.warn("6.2.10", doc, "has no TLP label")
	}
	c.canonical(doc)
	if doc.get("lang") == nil {
		c.warn("6.2.12", doc, "has no language")
	}
	c.sorted(c.root)
	for _, n := range []*node{doc.get("lang"), doc.get("source_lang")} {
		if privateLanguage(n.str()) {
			c.warn("6.2.14", n, "%q has a subtag for private use", n.str())
		}
		if strings.EqualFold(n.str(), "i-default") {
			c.warn("6.2.15", n, "is the default language")
		}
	}
	branches(c.root.get("product_tree"), func(b *node) {
		if name := b.get("name"); b.get("category").str() == "product_version_range" && !vers.MatchString(name.str()) {
			c.warn("6.2.18", name, "%.80q is not in the vers notation", name.str())
		}
	})
	for _, n := range c.strange {
		c.warn("6.2.20", n, "is no property that CSAF knows")
	}
}

var vers = regexp.MustCompile(`^vers:[a-z.\-+][a-z0-9.\-+]*/.+`)

// optionalOf runs the tests of one vulnerability.
func (c *checker) optionalOf(v *node) {
	remedied := c.covered(v.get("remediations").each())
	inStatus(v, append(slices.Clone(statusGroups[0].statuses), "under_investigation"), func(n *node) {
		if !remedied[n.text] {
			c.warn("6.2.2", n, "product %q has no remediation", n.text)
		}
	})
	scored := map[string][]*node{}
	for _, s := range v.get("scores").each() {
		for _, id := range s.get("products").texts() {
			scored[id] = append(scored[id], s)
		}
	}
	inStatus(v, statusGroups[0].statuses, func(n *node) {
		if scored[n.text] == nil {
			c.warn("6.2.3", n, "product %q has no score", n.text)
		}
	})
	for _, i := range v.get("involvements").each() {
		if i.get("date") == nil {
			c.warn("6.2.7", i, "has no date")
		}
	}
	for _, i := range v.get("ids").each() {
		if cveID.MatchString(i.get("text").str()) {
			c.warn("6.2.17", i, "is a CVE, and should be in cve")
		}
	}
	inStatus(v, statusGroups[2].statuses, func(n *node) {
		if len(scored[n.text]) > 0 && !slices.ContainsFunc(scored[n.text], harmless) {
			c.warn("6.2.19", n, "product %q is fixed, and its environmental score is not 0", n.text)
		}
	})
}

var cveID = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,}$`)

// harmless is whether a score item has an environmental score of 0.
func harmless(s *node) bool {
	for _, n := range []*node{s.get("cvss_v2"), s.get("cvss_v3")} {
		if n == nil {
			continue
		}
		if f, ok := n.get("environmentalScore").number(); ok && f == 0 {
			return true
		}
		none := func(p string) bool { return n.get(p).str() == "NONE" }
		if none("modifiedConfidentialityImpact") && none("modifiedIntegrityImpact") && none("modifiedAvailabilityImpact") || n.get("targetDistribution").str() == "NONE" {
			return true
		}
		for _, sys := range []*scoreSystem{system2, system30, system31} {
			if values, err := sys.vector(n.get("vectorString").str()); err == nil {
				if got, err := sys.scores(values); err == nil && got[2] == 0 {
					return true
				}
			}
		}
	}
	return false
}

// dates: build metadata (6.2.4) and release dates older than the revisions (6.2.5, 6.2.6).
func (c *checker) dates(tracking *node) {
	revisions := slices.Clone(tracking.get("revision_history").each())
	for _, r := range revisions {
		if n := r.get("number"); strings.Contains(n.str(), "+") {
			c.warn("6.2.4", n, "%s has build metadata", n.str())
		}
	}
	revisions = slices.DeleteFunc(revisions, func(r *node) bool { _, ok := when(r.get("date").str()); return !ok })
	if len(revisions) == 0 {
		return
	}
	byDate := func(a, b *node) int {
		x, _ := when(a.get("date").str())
		y, _ := when(b.get("date").str())
		return cmp.Or(x.Compare(y), 0)
	}
	oldest, _ := when(slices.MinFunc(revisions, byDate).get("date").str())
	newest, _ := when(slices.MaxFunc(revisions, byDate).get("date").str())
	if n := tracking.get("initial_release_date"); n != nil {
		if t, ok := when(n.str()); ok && t.Before(oldest) {
			c.warn("6.2.5", n, "is before the oldest revision")
		}
	}
	if n := tracking.get("current_release_date"); n != nil {
		if t, ok := when(n.str()); ok && t.Before(newest) {
			c.warn("6.2.6", n, "is before the newest revision")
		}
	}
}

// optionalHelper: weak hashes alone (6.2.8, 6.2.9), and nothing to know a product by (6.2.16).
func (c *checker) optionalHelper(p *node) {
	h := p.get("product_identification_helper")
	if h == nil {
		c.warn("6.2.16", p, "has no product identification helper")
	}
	for _, file := range h.get("hashes").each() {
		hashes := file.get("file_hashes").each()
		for _, weak := range [][2]string{{"md5", "6.2.8"}, {"sha1", "6.2.9"}} {
			other := func(h *node) bool { return !strings.EqualFold(h.get("algorithm").str(), weak[0]) }
			if len(hashes) > 0 && !slices.ContainsFunc(hashes, other) {
				c.warn(weak[1], file.get("file_hashes"), "%s is the only hash", weak[0])
			}
		}
	}
}

// canonical: the document says where it is published, under its own name (6.2.11).
func (c *checker) canonical(doc *node) {
	name := "/" + Filename(doc.get("tracking").get("id").str())
	for _, r := range doc.get("references").each() {
		u := r.get("url").str()
		if r.get("category").str() == "self" && strings.HasPrefix(u, "https://") && strings.HasSuffix(u, name) {
			return
		}
	}
	c.warn("6.2.11", doc, "no reference to itself is an https address that ends in %s", name)
}

// sorted: keys are in alphabetical order (6.2.13). One warning for each object.
func (c *checker) sorted(n *node) {
	told := false
	for i, m := range n.items {
		if n.kind == isObject && !told && i > 0 && n.items[i-1].key > m.key {
			c.warn("6.2.13", m, "comes after %q, and should come before it", n.items[i-1].key)
			told = true
		}
		c.sorted(m)
	}
}

func sortedMembers(n *node) []*node {
	return slices.SortedFunc(slices.Values(n.items), func(a, b *node) int { return cmp.Compare(a.key, b.key) })
}

var (
	privateTag = regexp.MustCompile(`(?i)^(x(-|$)|q[a-t][a-z](-|$))|-x-|-(qaa[a-z]|qab[a-x])(-|$)|^[a-z]{2,3}(-[a-z]{4})?-(aa|q[m-z]|x[a-z]|zz)(-|$)`)
)

// privateLanguage is whether a tag has subtags for private use (RFC 5646, 2.2).
func privateLanguage(tag string) bool { return privateTag.MatchString(tag) }

// informative runs the tests of section 6.3 that need neither the network nor a
// dictionary.
func (c *checker) informative() {
	note := func(clause string, n *node, format string, args ...any) { c.tell(Note, clause, n, format, args...) }
	for _, v := range c.root.get("vulnerabilities").each() {
		scores := v.get("scores").each()
		modern := map[string]bool{}
		for _, s := range scores {
			if s.get("cvss_v3") != nil {
				for _, id := range s.get("products").texts() {
					modern[id] = true
				}
			}
		}
		for _, s := range scores {
			if s.get("cvss_v2") != nil && slices.ContainsFunc(s.get("products").texts(), func(id string) bool { return !modern[id] }) {
				note("6.3.1", s, "CVSS 2 is the only score")
			}
			if n := s.get("cvss_v3"); n.get("version").str() == "3.0" {
				note("6.3.2", n, "is CVSS 3.0; 3.1 is recommended")
			}
		}
		if v.get("cve") == nil {
			note("6.3.3", v, "has no CVE")
		}
		if v.get("cwe") == nil {
			note("6.3.4", v, "has no CWE")
		}
	}
	for _, p := range c.products {
		for _, file := range p.get("product_identification_helper").get("hashes").each() {
			for _, h := range file.get("file_hashes").each() {
				if n := h.get("value"); len(n.str()) < 64 {
					note("6.3.5", n, "is a short hash of %d digits", len(n.str()))
				}
			}
		}
	}
	branches(c.root.get("product_tree"), func(b *node) {
		name := b.get("name")
		switch b.get("category").str() {
		case "product_version_range":
			note("6.3.10", b.get("category"), "is a range; single versions are recommended")
		case "product_version":
			if len(name.str()) > 1 && strings.ContainsAny(name.str()[:1], "vV") && strings.ContainsAny(name.str()[1:2], "0123456789") {
				note("6.3.11", name, "%.80q begins with v", name.str())
			}
		}
		if b.get("product") != nil && !inOrder(b) {
			note("6.3.9", b, "is not below vendor, product_name and product_version")
		}
	})
}

// inOrder is whether a branch is at the end of vendor, product name and version,
// in that order, with others between them or not.
func inOrder(b *node) bool {
	want := []string{"product_version", "product_name", "vendor"}
	for n := b; n != nil && len(want) > 0; n = n.parent {
		if n.get("category").str() == want[0] {
			want = want[1:]
		}
	}
	return len(want) == 0
}

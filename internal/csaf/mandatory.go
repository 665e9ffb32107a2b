package csaf

import (
	"cmp"
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// mandatory runs the tests of section 6.1.
func (c *checker) mandatory() {
	c.productIDs()
	c.circles()
	c.groupIDs()
	for _, v := range c.root.get("vulnerabilities").each() {
		c.contradictions(v)
		c.scoresOf(v)
		c.weakness(v)
		c.involvements(v)
		c.unreferenced(v)
		c.flags(v)
	}
	c.languages()
	for _, p := range c.products {
		c.helper(p)
	}
	c.history()
	c.sameCVE()
	c.category()
	c.profile()
	branches(c.root.get("product_tree"), c.rangeInVersion)
}

// productIDs: every id that is referred to is defined (6.1.1), and once (6.1.2).
func (c *checker) productIDs() {
	c.productReferences(func(n *node) {
		c.used[n.text] = true
		if c.byID[n.text] == nil {
			c.fail("6.1.1", n, "product %q is not defined", n.text)
		}
	})
	for _, p := range c.products {
		if id := p.get("product_id"); id.str() != "" && c.byID[id.text] != p {
			c.fail("6.1.2", id, "product %q is defined twice, first at %s", id.text, c.byID[id.text].path())
		}
	}
}

// circles: no product is made of itself (6.1.3).
func (c *checker) circles() {
	parts := map[string][]string{}
	relations := c.root.get("product_tree").get("relationships").each()
	for _, r := range relations {
		id := r.get("full_product_name").get("product_id").str()
		parts[id] = append(parts[id], r.get("product_reference").str(), r.get("relates_to_product_reference").str())
	}
	const under, done = 1, 2
	state := map[string]int{}
	var circular func(id string) bool
	circular = func(id string) bool {
		if state[id] == under {
			return true
		}
		if state[id] == done || parts[id] == nil {
			return false
		}
		state[id] = under
		found := slices.ContainsFunc(parts[id], circular)
		state[id] = done
		return found
	}
	for _, r := range relations {
		if id := r.get("full_product_name").get("product_id"); id.str() != "" && circular(id.text) {
			c.fail("6.1.3", id, "product %q is made of itself", id.text)
		}
	}
}

// groupIDs: every group that is referred to is defined (6.1.4), and once (6.1.5).
func (c *checker) groupIDs() {
	for _, v := range c.root.get("vulnerabilities").each() {
		for _, part := range []string{"flags", "remediations", "threats"} {
			for _, item := range v.get(part).each() {
				visitTexts(item.get("group_ids"), func(n *node) {
					if c.groups[n.text] == nil {
						c.fail("6.1.4", n, "product group %q is not defined", n.text)
					}
				})
			}
		}
	}
	seen := map[string]bool{}
	for _, g := range c.root.get("product_tree").get("product_groups").each() {
		if id := g.get("group_id"); seen[id.str()] {
			c.fail("6.1.5", id, "product group %q is defined twice", id.str())
		} else {
			seen[id.str()] = true
		}
	}
}

// contradictions: no product is in groups of statuses that exclude each other (6.1.6).
func (c *checker) contradictions(v *node) {
	first := map[string]string{}
	for _, g := range statusGroups {
		inStatus(v, g.statuses, func(n *node) {
			if was := first[n.text]; was != "" && was != g.name {
				c.fail("6.1.6", n, "product %q is %s and %s", n.text, was, g.name)
				return
			}
			first[n.text] = g.name
		})
	}
}

// scoresOf: one score of a version for each product (6.1.7); sound CVSS (6.1.8 to 6.1.10).
func (c *checker) scoresOf(v *node) {
	seen := map[[2]string]bool{}
	for _, s := range v.get("scores").each() {
		c.cvss(s.get("cvss_v2"), system2)
		c.cvss(s.get("cvss_v3"), system30, system31)
		for _, name := range []string{"cvss_v2", "cvss_v3"} {
			if s.get(name) == nil {
				continue
			}
			version := cmp.Or(s.get(name).get("version").str(), name)
			visitTexts(s.get("products"), func(n *node) {
				key := [2]string{n.text, version}
				if seen[key] {
					c.fail("6.1.7", n, "product %q has two scores of CVSS %s", n.text, version)
				}
				seen[key] = true
			})
		}
	}
}

//go:embed cwe.tsv
var cweTable string

// weaknesses are the names, present and former, of each CWE.
var weaknesses = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(cweTable) {
		if f := strings.Split(strings.TrimRight(line, "\n"), "\t"); len(f) > 1 {
			out["CWE-"+f[0]] = f[1:]
		}
	}
	return out
})

// weakness: the CWE exists and has this name (6.1.11). Former names pass, for a
// document is as old as it is.
func (c *checker) weakness(v *node) {
	cwe := v.get("cwe")
	id, name := cwe.get("id").str(), cwe.get("name").str()
	if id == "" {
		return
	}
	switch names := weaknesses()[id]; {
	case names == nil:
		c.fail("6.1.11", cwe.get("id"), "%s is no weakness of CWE up to 4.20", id)
	case !slices.Contains(names, strings.TrimSpace(name)):
		c.fail("6.1.11", cwe.get("name"), "the name of %s is %q", id, names[0])
	}
}

// languages: tags are registered (6.1.12); a translator says from what (6.1.15),
// and not from the same (6.1.28).
func (c *checker) languages() {
	doc := c.root.get("document")
	lang, from := doc.get("lang"), doc.get("source_lang")
	for _, n := range []*node{lang, from} {
		if n.str() == "" || strings.EqualFold(n.str(), "i-default") {
			continue
		}
		if _, err := language.Parse(n.text); err != nil && !privateLanguage(n.text) {
			c.fail("6.1.12", n, "%q is no registered language", n.text)
		}
	}
	if doc.get("publisher").get("category").str() == "translator" && from == nil {
		c.fail("6.1.15", doc, `"source_lang" is missing, and the publisher is a translator`)
	}
	if from.str() != "" && strings.EqualFold(from.str(), lang.str()) {
		c.fail("6.1.28", from, "is the language of the document itself, %q", from.text)
	}
}

// helper: a sound package URL (6.1.13), and each hash algorithm once for a file (6.1.25).
func (c *checker) helper(p *node) {
	h := p.get("product_identification_helper")
	if u := h.get("purl"); u.str() != "" {
		if wrong := purl(u.text); wrong != "" {
			c.fail("6.1.13", u, "%.80q %s", u.text, wrong)
		}
	}
	for _, file := range h.get("hashes").each() {
		seen := map[string]bool{}
		for _, hash := range file.get("file_hashes").each() {
			a := hash.get("algorithm")
			if name := strings.ToLower(a.str()); seen[name] {
				c.fail("6.1.25", a, "algorithm %q is there twice for one file", a.str())
			} else {
				seen[name] = true
			}
		}
	}
}

// sameCVE: a CVE stands in one vulnerability only (6.1.23).
func (c *checker) sameCVE() {
	seen := map[string]bool{}
	for _, v := range c.root.get("vulnerabilities").each() {
		cve := v.get("cve")
		if cve.str() != "" && seen[cve.text] {
			c.fail("6.1.23", cve, "%s has a vulnerability of its own already", cve.text)
		}
		seen[cve.str()] = true
	}
}

// involvements: one statement of a party at a time (6.1.24).
func (c *checker) involvements(v *node) {
	seen := map[[2]string]bool{}
	for _, i := range v.get("involvements").each() {
		at := ""
		if t, ok := when(i.get("date").str()); ok {
			at = t.String()
		}
		key := [2]string{i.get("party").str(), at}
		if seen[key] {
			c.fail("6.1.24", i, "the %s is there twice at the same date", key[0])
		}
		seen[key] = true
	}
}

// unreferenced: remediations (6.1.29) and flags (6.1.32) say for which products.
func (c *checker) unreferenced(v *node) {
	for _, part := range [][2]string{{"remediations", "6.1.29"}, {"flags", "6.1.32"}} {
		for _, item := range v.get(part[0]).each() {
			if item.get("product_ids") == nil && item.get("group_ids") == nil {
				c.fail(part[1], item, "names neither products nor product groups")
			}
		}
	}
}

// flags: one justification for each product (6.1.33). All labels of CSAF 2.0
// are justifications.
func (c *checker) flags(v *node) {
	first := map[string]*node{}
	for _, f := range v.get("flags").each() {
		for _, id := range c.covers(f) {
			if was := first[id]; was != nil && was != f {
				c.fail("6.1.33", f, "product %q has a justification already, at %s", id, was.path())
			}
			first[id] = f
		}
	}
}

// rangeWord finds what 6.1.31 lists as signs of a range. A hyphen joins words:
// the standard's own tests take "after-eight" for a name.
var rangeWord = regexp.MustCompile(`[<>]|(^|[^\pL\pN-])(after|all|before|earlier|later|prior|versions)($|[^\pL\pN-])`)

// rangeInVersion: a branch for one version does not name a range (6.1.31).
func (c *checker) rangeInVersion(b *node) {
	if name := b.get("name"); b.get("category").str() == "product_version" && rangeWord.MatchString(strings.ToLower(name.str())) {
		c.fail("6.1.31", name, "%.80q is a range, in a branch for one version", name.str())
	}
}

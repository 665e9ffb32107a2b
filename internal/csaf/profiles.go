package csaf

import (
	"slices"
	"strings"
)

// Profiles are the categories that section 4 defines.
const (
	Base          = "csaf_base"
	Incident      = "csaf_security_incident_response"
	Informational = "csaf_informational_advisory"
	Advisory      = "csaf_security_advisory"
	VEX           = "csaf_vex"
)

var profiles = []string{Base, Incident, Informational, Advisory, VEX}

var plainName = strings.NewReplacer("-", "", "_", "", " ", "", "\t", "", "\n", "", "\u2010", "", "\u2011", "", "\u2012", "", "\u2013", "", "\u2014", "", "\u2015", "", "\u00a0", "")

// category: no category that is nearly a profile (6.1.26).
func (c *checker) category() {
	n := c.root.get("document").get("category")
	text := n.str()
	if text == "" || slices.Contains(profiles, text) {
		return
	}
	lower := strings.ToLower(text)
	name := plainName.Replace(lower)
	for _, p := range profiles[1:] {
		if value := plainName.Replace(p); name == value || name == strings.TrimPrefix(value, "csaf") {
			c.fail("6.1.26", n, "%q is nearly the profile %s", text, p)
			return
		}
	}
	if strings.HasPrefix(lower, "csaf_") {
		c.fail("6.1.26", n, "%q begins with csaf_ and is no profile", text)
	}
}

// profile runs the tests of the profiles (6.1.27).
func (c *checker) profile() {
	doc := c.root.get("document")
	vulnerabilities := c.root.get("vulnerabilities")
	switch doc.get("category").str() {
	case Informational:
		if vulnerabilities != nil {
			c.fail("6.1.27.3", vulnerabilities, "must not be in an informational advisory")
		}
		c.narrative(doc)
	case Incident:
		c.narrative(doc)
	case Advisory:
		c.whole(vulnerabilities)
		for _, v := range vulnerabilities.each() {
			if v.get("product_status") == nil {
				c.fail("6.1.27.6", v, `"product_status" is missing`)
			}
		}
	case VEX:
		c.whole(vulnerabilities)
		for _, v := range vulnerabilities.each() {
			c.vex(v)
		}
	}
}

// narrative: text and references of documents that tell a story.
func (c *checker) narrative(doc *node) {
	telling := func(n *node) bool {
		return slices.Contains([]string{"description", "details", "general", "summary"}, n.get("category").str())
	}
	if !slices.ContainsFunc(doc.get("notes").each(), telling) {
		c.fail("6.1.27.1", doc, `no note is a description, details, general or summary`)
	}
	external := func(n *node) bool { return n.get("category") == nil || n.get("category").str() == "external" }
	if !slices.ContainsFunc(doc.get("references").each(), external) {
		c.fail("6.1.27.2", doc, "no reference is external")
	}
}

// whole: products, vulnerabilities and notes of advisories and VEX.
func (c *checker) whole(vulnerabilities *node) {
	if c.root.get("product_tree") == nil {
		c.fail("6.1.27.4", c.root, `"product_tree" is missing`)
	}
	if vulnerabilities == nil {
		c.fail("6.1.27.11", c.root, `"vulnerabilities" is missing`)
	}
	for _, v := range vulnerabilities.each() {
		if v.get("notes") == nil {
			c.fail("6.1.27.5", v, `"notes" is missing`)
		}
	}
}

// vex: status, id, impact and action of each vulnerability.
func (c *checker) vex(v *node) {
	status := v.get("product_status")
	stated := func(s string) bool { return status.get(s) != nil }
	if !slices.ContainsFunc([]string{"fixed", "known_affected", "known_not_affected", "under_investigation"}, stated) {
		c.fail("6.1.27.7", v, "has none of fixed, known_affected, known_not_affected and under_investigation")
	}
	if v.get("cve") == nil && v.get("ids") == nil {
		c.fail("6.1.27.8", v, "has neither a CVE nor another id")
	}
	impact := slices.DeleteFunc(slices.Clone(v.get("threats").each()), func(n *node) bool { return n.get("category").str() != "impact" })
	explained := c.covered(append(impact, v.get("flags").each()...))
	visitTexts(status.get("known_not_affected"), func(n *node) {
		if !explained[n.text] {
			c.fail("6.1.27.9", n, "nothing says why product %q is not affected", n.text)
		}
	})
	acted := c.covered(v.get("remediations").each())
	visitTexts(status.get("known_affected"), func(n *node) {
		if !acted[n.text] {
			c.fail("6.1.27.10", n, "nothing says what to do about product %q", n.text)
		}
	})
}

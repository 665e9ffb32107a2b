package csaf

import (
	"slices"
	"strings"
	"time"
)

// Document is what a CSAF document says, with references followed: groups are
// dissolved into their products.
type Document struct {
	ID, Title, Version, Category, TLP, Status, Publisher string

	Released, Current time.Time // UTC
	Products          []Product // leaves of the tree, then full names, then relationships
	Vulnerabilities   []Vulnerability
}

// Product is one product that a document speaks of.
type Product struct {
	ID      string
	Full    string   // full product name
	Vendor  string   // of the branches above; "" where there is none
	Names   []string // families and names of the branches above, from the outside
	Kind    string   // category of the branch it hangs on: "product_version", "product_version_range"…; "" without one
	Text    string   // name of that branch
	Models  []string // model numbers, as they are; may hold wildcards (* and ?)
	Serials []string
	CPE     string
	PURL    string
	URIs    []URI
	Of      []string // of a relationship: the two products that it joins
}

// URI identifies a product in a scheme of its own (3.1.3.3.8).
type URI struct{ Namespace, URI string }

// Vulnerability is one weakness and what is said of each product.
type Vulnerability struct {
	CVE     string   // "" where it has none
	IDs     []string // other ids
	Title   string
	Status  map[string][]string // product ids by status (3.2.3.9)
	Scores  []Score
	Fixes   []Remediation
	Impacts []Impact // why products are not affected
}

// Score is one CVSS score.
type Score struct {
	Version  string // "2.0", "3.0", "3.1"; "4.0" of the additional property cvss_v4
	Vector   string
	Base     float64 // 0..10
	Products []string
}

// Remediation is what can be done (3.2.3.12).
type Remediation struct {
	Category, Details, URL string
	Products               []string
}

// Impact is why products are not affected: a flag's label or a threat's text.
type Impact struct {
	Text     string
	Products []string
}

// unusable are the tests after whose failure nobody can say which products a
// document means, and the one of the schema of CVSS. A document that fails
// another test is still understood.
var unusable = []string{"6.1.1", "6.1.2", "6.1.3", "6.1.4", "6.1.5", "6.1.6", "6.1.8"}

// Hinders is whether a problem keeps a document from being read at all: it is no
// JSON, breaks the schema, or its products can't be told.
func (p Problem) Hinders() bool {
	return p.Level == Error && (!strings.HasPrefix(p.Clause, "6.") || slices.Contains(unusable, p.Clause))
}

// Read reads one document. The document is nil where a problem hinders it, or
// where it is none (see [Report.Other]); it is never half read. The report
// holds the errors only.
func Read(text []byte) (*Document, *Report) {
	r, root := examine(text, false)
	if root == nil || slices.ContainsFunc(r.Problems, Problem.Hinders) {
		return nil, r
	}
	doc := root.get("document")
	tracking := doc.get("tracking")
	d := &Document{
		ID: r.ID, Title: doc.get("title").str(), Version: tracking.get("version").str(), Category: r.Category,
		TLP: doc.get("distribution").get("tlp").get("label").str(), Status: tracking.get("status").str(),
		Publisher: doc.get("publisher").get("name").str(),
	}
	d.Released, _ = when(tracking.get("initial_release_date").str())
	d.Current, _ = when(tracking.get("current_release_date").str())
	tree := root.get("product_tree")
	d.branches(tree, nil)
	for _, p := range tree.get("full_product_names").each() {
		d.Products = append(d.Products, readProduct(p))
	}
	for _, rel := range tree.get("relationships").each() {
		p := readProduct(rel.get("full_product_name"))
		p.Of = []string{rel.get("product_reference").str(), rel.get("relates_to_product_reference").str()}
		d.Products = append(d.Products, p)
	}
	c := &checker{root: root, report: r}
	c.gather()
	for _, v := range root.get("vulnerabilities").each() {
		d.Vulnerabilities = append(d.Vulnerabilities, c.readVulnerability(v))
	}
	return d, r
}

func (d *Document) branches(n *node, above []*node) {
	for _, b := range n.get("branches").each() {
		path := append(slices.Clip(above), b)
		if p := b.get("product"); p != nil {
			d.Products = append(d.Products, leaf(readProduct(p), path))
		}
		d.branches(b, path)
	}
}

// leaf adds what the branches on the way say.
func leaf(p Product, path []*node) Product {
	for _, b := range path {
		name := b.get("name").str()
		switch b.get("category").str() {
		case "vendor":
			p.Vendor = name
		case "product_family", "product_name":
			p.Names = append(p.Names, name)
		}
	}
	last := path[len(path)-1]
	p.Kind, p.Text = last.get("category").str(), last.get("name").str()
	return p
}

func readProduct(n *node) Product {
	h := n.get("product_identification_helper")
	p := Product{ID: n.get("product_id").str(), Full: n.get("name").str(), Models: h.get("model_numbers").texts(),
		Serials: h.get("serial_numbers").texts(), CPE: h.get("cpe").str(), PURL: h.get("purl").str()}
	for _, u := range h.get("x_generic_uris").each() {
		p.URIs = append(p.URIs, URI{u.get("namespace").str(), u.get("uri").str()})
	}
	return p
}

func (c *checker) readVulnerability(n *node) Vulnerability {
	v := Vulnerability{CVE: n.get("cve").str(), Title: n.get("title").str(), Status: map[string][]string{}}
	for _, i := range n.get("ids").each() {
		v.IDs = append(v.IDs, i.get("text").str())
	}
	for _, s := range statusNames {
		if ids := n.get("product_status").get(s).texts(); len(ids) > 0 {
			v.Status[s] = ids
		}
	}
	for _, s := range n.get("scores").each() {
		if score, ok := score4(s.get("cvss_v4")); ok {
			score.Products = s.get("products").texts()
			v.Scores = append(v.Scores, score)
		}
		for _, name := range []string{"cvss_v2", "cvss_v3"} {
			score := s.get(name)
			base, ok := score.get("baseScore").number()
			if !ok || base < 0 || base > 10 {
				continue
			}
			v.Scores = append(v.Scores, Score{score.get("version").str(), score.get("vectorString").str(), base, s.get("products").texts()})
		}
	}
	for _, r := range n.get("remediations").each() {
		v.Fixes = append(v.Fixes, Remediation{r.get("category").str(), r.get("details").str(), r.get("url").str(), c.covers(r)})
	}
	for _, f := range n.get("flags").each() {
		v.Impacts = append(v.Impacts, Impact{strings.ReplaceAll(f.get("label").str(), "_", " "), c.covers(f)})
	}
	for _, t := range n.get("threats").each() {
		if t.get("category").str() == "impact" {
			v.Impacts = append(v.Impacts, Impact{t.get("details").str(), c.covers(t)})
		}
	}
	return v
}

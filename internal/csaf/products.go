package csaf

import "slices"

// gather collects what the tests look up again and again: products by id,
// groups, and which ids are used.
func (c *checker) gather() {
	c.byID, c.groups, c.used = map[string]*node{}, map[string][]string{}, map[string]bool{}
	tree := c.root.get("product_tree")
	branches(tree, func(b *node) {
		if p := b.get("product"); p != nil {
			c.products = append(c.products, p)
		}
	})
	c.products = append(c.products, tree.get("full_product_names").each()...)
	for _, r := range tree.get("relationships").each() {
		if p := r.get("full_product_name"); p != nil {
			c.products = append(c.products, p)
		}
	}
	for _, p := range c.products {
		if id := p.get("product_id").str(); c.byID[id] == nil {
			c.byID[id] = p
		}
	}
	for _, g := range tree.get("product_groups").each() {
		id := g.get("group_id").str()
		c.groups[id] = append(c.groups[id], g.get("product_ids").texts()...)
	}
}

// branches visits every branch below, parents first.
func branches(n *node, visit func(*node)) {
	for _, b := range n.get("branches").each() {
		visit(b)
		branches(b, visit)
	}
}

// references of products: every place where a product id stands for a product
// that is defined elsewhere.
func (c *checker) productReferences(visit func(*node)) {
	tree := c.root.get("product_tree")
	for _, g := range tree.get("product_groups").each() {
		visitTexts(g.get("product_ids"), visit)
	}
	for _, r := range tree.get("relationships").each() {
		for _, name := range []string{"product_reference", "relates_to_product_reference"} {
			if n := r.get(name); n.str() != "" {
				visit(n)
			}
		}
	}
	for _, v := range c.root.get("vulnerabilities").each() {
		for _, s := range statusNames {
			visitTexts(v.get("product_status").get(s), visit)
		}
		for _, s := range v.get("scores").each() {
			visitTexts(s.get("products"), visit)
		}
		for _, part := range []string{"flags", "remediations", "threats"} {
			for _, item := range v.get(part).each() {
				visitTexts(item.get("product_ids"), visit)
			}
		}
	}
}

func visitTexts(n *node, visit func(*node)) {
	for _, i := range n.each() {
		if i.kind == isString {
			visit(i)
		}
	}
}

// covers returns the products that an item names, by themselves or in groups.
func (c *checker) covers(item *node) []string {
	out := slices.Clone(item.get("product_ids").texts())
	for _, g := range item.get("group_ids").texts() {
		out = append(out, c.groups[g]...)
	}
	return out
}

// covered returns all products that the items of a list name.
func (c *checker) covered(items []*node) map[string]bool {
	out := map[string]bool{}
	for _, i := range items {
		for _, id := range c.covers(i) {
			out[id] = true
		}
	}
	return out
}

// statusGroups are the statuses that say the same in different words (6.1.6).
var statusGroups = []struct {
	name     string
	statuses []string
}{
	{"affected", []string{"first_affected", "known_affected", "last_affected"}},
	{"not affected", []string{"known_not_affected"}},
	{"fixed", []string{"first_fixed", "fixed"}},
	{"under investigation", []string{"under_investigation"}},
}

// inStatus visits each product id of a vulnerability in one of the statuses.
func inStatus(vulnerability *node, statuses []string, visit func(*node)) {
	for _, s := range statuses {
		visitTexts(vulnerability.get("product_status").get(s), visit)
	}
}

package csaf

import (
	"regexp"
	"slices"
	"strings"
)

// shape is what a value must look like (section 3).
type shape struct {
	clause   string
	kind     kind
	fields   map[string]*shape // of an object
	required []string
	open     bool // its properties are checked elsewhere
	minimum  int  // members, items or characters
	exactly  int  // members, where more than 0
	items    *shape
	unique   bool     // items differ
	enum     []string // of a text
	pattern  *regexp.Regexp
	form     func(string) string // what is wrong with a text, "" if nothing
	means    string              // of the pattern, for people
}

// check tells where a value differs from the shape.
func (s *shape) check(c *checker, n *node) {
	if n.kind != s.kind {
		c.fail(s.clause, n, "is %s, and must be %s", kindNames[n.kind], kindNames[s.kind])
		return
	}
	switch s.kind {
	case isObject:
		s.object(c, n)
	case isArray:
		s.list(c, n)
	case isString:
		s.string(c, n)
	}
}

func (s *shape) object(c *checker, n *node) {
	for _, name := range s.required {
		if n.get(name) == nil {
			c.fail(s.clause, n, "%q is missing", name)
		}
	}
	switch {
	case s.exactly > 0 && len(n.items) != s.exactly:
		c.fail(s.clause, n, "has %d properties, and must have %d", len(n.items), s.exactly)
	case len(n.items) < s.minimum:
		c.fail(s.clause, n, "has %d properties, and must have at least %d", len(n.items), s.minimum)
	}
	for _, m := range n.items {
		if f := s.fields[m.key]; f != nil {
			f.check(c, m)
		} else if !s.open {
			c.strange = append(c.strange, m)
		}
	}
}

func (s *shape) list(c *checker, n *node) {
	if len(n.items) < s.minimum {
		c.fail(s.clause, n, "has %d items, and must have at least %d", len(n.items), s.minimum)
	}
	seen := map[string]bool{}
	for _, i := range n.items {
		s.items.check(c, i)
		if !s.unique {
			continue
		}
		if key := i.canon(); seen[key] {
			c.fail(s.clause, i, "is in the list twice")
		} else {
			seen[key] = true
		}
	}
}

func (s *shape) string(c *checker, n *node) {
	switch {
	case s.minimum > 0 && n.text == "":
		c.fail(s.clause, n, "is empty")
	case s.enum != nil && !slices.Contains(s.enum, n.text):
		c.fail(s.clause, n, "%.80q is none of %s", n.text, strings.Join(s.enum, ", "))
	case s.pattern != nil && !s.pattern.MatchString(n.text):
		c.fail(s.clause, n, "%.80q is no %s", n.text, s.means)
	case s.form != nil:
		if wrong := s.form(n.text); wrong != "" {
			c.fail(s.clause, n, "%.80q %s", n.text, wrong)
		}
	}
}

// Builders, so that the shapes below read as the standard does.

func object(clause, required string, fields map[string]*shape) *shape {
	return &shape{clause: clause, kind: isObject, required: strings.Fields(required), fields: fields}
}

func (s *shape) atLeast(n int) *shape { s.minimum = n; return s }
func (s *shape) distinct() *shape     { s.unique = true; return s }

func list(clause string, items *shape) *shape {
	return &shape{clause: clause, kind: isArray, minimum: 1, items: items}
}

func text(clause string) *shape { return &shape{clause: clause, kind: isString, minimum: 1} }

func oneOf(clause, values string) *shape {
	return &shape{clause: clause, kind: isString, enum: strings.Fields(values)}
}

func like(clause, pattern, means string) *shape {
	return &shape{clause: clause, kind: isString, pattern: regexp.MustCompile(pattern), means: means}
}

func formed(clause string, form func(string) string) *shape {
	return &shape{clause: clause, kind: isString, form: form}
}

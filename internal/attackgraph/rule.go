package attackgraph

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

//go:embed rules.yaml
var rulesYAML []byte

// Range is from the least to the most. Where little is known it is wide; it is
// never one number made up.
type Range [2]float64

// Rule is one way in which a gain leads to the next.
type Rule struct {
	ID        string   `yaml:"id"`
	Technique string   `yaml:"technique"` // of MITRE ATT&CK or ATT&CK for ICS; empty where none fits
	Title     string   `yaml:"title"`     // with {X} for each variable
	From      string   `yaml:"from"`      // the atom that the attacker moves on from
	If        []string `yaml:"if"`        // atoms that must hold too
	Then      string   `yaml:"then"`      // the atom that is gained
	Chance    Range    `yaml:"chance"`    // 0..1, that one serious try succeeds
	Effort    Range    `yaml:"effort"`    // days of a skilled person
	Basis     string   `yaml:"basis"`     // where the figures come from; empty: by definition or judgement
}

// Rules reads a set of rules, a YAML document as in rules.yaml. Every fault is
// told with its rule.
func Rules(file string, data []byte) ([]Rule, error) {
	var doc struct {
		Rules []Rule `yaml:"rules"`
	}
	if _, problems := strictyaml.Decode(file, data, &doc); len(problems) > 0 {
		return nil, problems
	}
	seen := map[string]bool{}
	for i := range doc.Rules {
		r := &doc.Rules[i]
		if seen[r.ID] {
			return nil, fmt.Errorf("%s: rule %q is there twice", file, r.ID)
		}
		seen[r.ID] = true
		if _, err := compile(r); err != nil {
			return nil, fmt.Errorf("%s: rule %q: %w", file, r.ID, err)
		}
	}
	return doc.Rules, nil
}

// DefaultRules are the rules that come with the program.
func DefaultRules() []Rule {
	rules, err := Rules("rules.yaml", rulesYAML)
	if err != nil {
		panic(err) // held by a test
	}
	return rules
}

// maxVariables bounds the variables of a rule, and so the size of a binding.
const maxVariables = 6

// compiledRule has its variables numbered.
type compiledRule struct {
	*Rule
	body []pattern // From first
	head pattern
	vars []string
}

// pattern is an atom with variables: an argument is a variable's number, or a
// constant.
type pattern struct {
	predicate string
	vars      []int // -1 for a constant
	constants []string
}

func compile(r *Rule) (*compiledRule, error) {
	c := &compiledRule{Rule: r}
	switch {
	case !(0 < r.Chance[0] && r.Chance[0] <= r.Chance[1] && r.Chance[1] <= 1):
		return nil, fmt.Errorf("chance %v is no range within 0 (not included) to 1", r.Chance)
	case !(0 <= r.Effort[0] && r.Effort[0] <= r.Effort[1] && r.Effort[1] <= 10_000):
		return nil, fmt.Errorf("effort %v is no range of days", r.Effort)
	}
	for _, text := range append([]string{r.From}, r.If...) {
		p, err := c.pattern(text)
		if err != nil {
			return nil, err
		}
		c.body = append(c.body, p)
	}
	bound := len(c.vars)
	var err error
	if c.head, err = c.pattern(r.Then); err != nil {
		return nil, err
	}
	if len(c.vars) > bound {
		return nil, fmt.Errorf("%s: %s is not in its conditions", r.Then, c.vars[bound])
	}
	if bound > maxVariables {
		return nil, fmt.Errorf("%d variables: at most %d", bound, maxVariables)
	}
	return c, nil
}

func (c *compiledRule) pattern(text string) (pattern, error) {
	name, rest, ok := strings.Cut(text, "(")
	rest, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed || name == "" {
		return pattern{}, fmt.Errorf("%q is no atom such as member(H, Z)", text)
	}
	p := pattern{predicate: name}
	for _, a := range strings.Split(rest, ",") {
		a = strings.TrimSpace(a)
		if a == "" {
			return pattern{}, fmt.Errorf("%q has an empty argument", text)
		}
		if !unicode.IsUpper(rune(a[0])) {
			p.vars, p.constants = append(p.vars, -1), append(p.constants, a)
			continue
		}
		i := slices.Index(c.vars, a)
		if i < 0 {
			i = len(c.vars)
			c.vars = append(c.vars, a)
		}
		p.vars, p.constants = append(p.vars, i), append(p.constants, "")
	}
	return p, nil
}

package port

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// planned is one field of a struct with its rule.
type planned struct {
	index int
	name  string // yaml key
	rule  rule
}

// plan are the fields of a type of the port that the walk visits.
type plan []planned

var (
	pointType = reflect.TypeFor[Point]()
	ringType  = reflect.TypeFor[Ring]()
)

// planOf reads the rules of a type.
func planOf(t reflect.Type) plan {
	var p plan
	for i := range t.NumField() {
		f := t.Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); f.IsExported() && name != "" {
			p = append(p, planned{i, name, rules[t.Name()+"."+f.Name]})
		}
	}
	return p
}

// under extends a path.
func under(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// walk holds every field of v against its rule.
func (c *checker) walk(at place, v reflect.Value) {
	p, ok := c.plans[v.Type()]
	if !ok {
		p = planOf(v.Type())
		c.plans[v.Type()] = p
	}
	for i := range p {
		f := &p[i]
		c.field(at, f, v.Field(f.index))
	}
}

func (c *checker) field(parent place, f *planned, v reflect.Value) {
	if v.IsZero() {
		if f.rule.needed || f.rule.bounds != nil {
			c.zero(parent, f, v)
		}
		return
	}
	at := place{parent.section, parent.index, under(parent.path, f.name)}
	switch v.Kind() {
	case reflect.String:
		c.text(at, f, v.String())
	case reflect.Int:
		c.number(at, f, float64(v.Int()))
	case reflect.Float64:
		c.number(at, f, v.Float())
	case reflect.Struct:
		c.walkInto(at, v)
	case reflect.Pointer:
		c.walkInto(at, v.Elem())
	case reflect.Array:
		if v.Type() == pointType {
			c.point(at, v.Interface().(Point))
		}
	case reflect.Slice:
		c.list(at, f, v)
	}
}

// walkInto goes on in structs of this package; those of others have no rules.
func (c *checker) walkInto(at place, v reflect.Value) {
	if v.Kind() == reflect.Struct && v.Type().PkgPath() == reflect.TypeFor[Port]().PkgPath() {
		c.walk(at, v)
	}
}

// zero judges a field that holds nothing: missing, empty or the number 0.
func (c *checker) zero(parent place, f *planned, v reflect.Value) {
	at := place{parent.section, parent.index, under(parent.path, f.name)}
	given := c.sources.has(at)
	switch v.Kind() {
	case reflect.Int, reflect.Float64:
		if given {
			c.number(at, f, 0)
			return
		}
	case reflect.Array:
		if given {
			return
		}
	}
	switch {
	case !f.rule.needed:
	case given:
		c.fault(at, f.name+" is empty", f.rule.expects())
	default:
		c.fault(at, f.name+" is missing", f.rule.expects())
	}
}

// expects says what belongs into a field.
func (r rule) expects() string {
	switch {
	case len(r.oneOf) > 0 && len(r.oneOf) <= 16:
		return "one of: " + strings.Join(r.oneOf, ", ")
	case r.levels != nil:
		return "one of: " + numbers(r.levels)
	case r.form != nil:
		return r.form.say
	case len(r.ref) > 0:
		return "the id of " + anyOf(r.ref)
	case r.bounds != nil:
		return "from " + number(r.bounds.low) + " to " + number(r.bounds.high)
	}
	return ""
}

func (c *checker) text(at place, f *planned, text string) {
	r := &f.rule
	switch {
	case len(r.oneOf) > 0 && !slices.Contains(r.oneOf, text):
		hint := r.expects()
		if near := strictyaml.Nearest(text, r.oneOf); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		c.fault(at, fmt.Sprintf("%s can't be %q", f.name, text), hint)
	case r.form == idForm:
		if len(text) > maxID {
			c.fault(at, fmt.Sprintf("the id has %d characters", utf8.RuneCountInString(text)), fmt.Sprintf("at most %d", maxID))
		} else if !validID(text) {
			c.fault(at, fmt.Sprintf("%q is no id", text), r.form.say)
		}
	case r.form != nil && !r.form.pattern.MatchString(text):
		c.fault(at, fmt.Sprintf("%s can't be %q", f.name, text), r.form.say)
	case len(r.ref) > 0:
		c.reference(at, text, r.ref)
	}
}

// validID is idForm by hand: it runs for every item of a large port.
func validID(id string) bool {
	joined := true // the last character was a joint, or there was none
	for i := range len(id) {
		switch b := id[i]; {
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9':
			joined = false
		case (b == '-' || b == '.' || b == '_') && !joined:
			joined = true
		default:
			return false
		}
	}
	return !joined
}

func (c *checker) number(at place, f *planned, n float64) {
	r := &f.rule
	switch {
	case r.levels != nil && !slices.Contains(r.levels, n):
		c.fault(at, fmt.Sprintf("%s can't be %s", f.name, number(n)), r.expects())
	case r.bounds != nil && (n < r.bounds.low || n > r.bounds.high):
		c.fault(at, fmt.Sprintf("%s can't be %s", f.name, number(n)), r.expects())
	}
}

func (c *checker) list(at place, f *planned, v reflect.Value) {
	if v.Type() == ringType {
		c.ring(at, v.Interface().(Ring))
		return
	}
	if v.Len() == 0 {
		if f.rule.needed {
			c.fault(at, f.name+" is empty", f.rule.expects())
		}
		return
	}
	if texts, ok := v.Interface().([]string); ok {
		c.texts(at, f, texts)
		return
	}
	if k := v.Type().Elem().Kind(); k != reflect.Struct {
		return
	}
	for i := range v.Len() {
		c.walkInto(place{at.section, at.index, strictyaml.Item(at.path, i)}, v.Index(i))
	}
}

// texts judges a list of texts: each by itself, and none twice.
func (c *checker) texts(at place, f *planned, texts []string) {
	for i, t := range texts {
		item := place{at.section, at.index, strictyaml.Item(at.path, i)}
		switch {
		case t == "":
			c.fault(item, "an empty item", "remove it")
		case slices.Contains(texts[:i], t):
			c.fault(item, fmt.Sprintf("%q is named twice", t), "name it once")
		default:
			c.text(item, f, t)
		}
	}
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func numbers(all []float64) string {
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = number(n)
	}
	return strings.Join(texts, ", ")
}

// withArticle is the kind with its article: "an asset".
func withArticle(k kind) string {
	switch k[0] {
	case 'a', 'e', 'i', 'o', 'u':
		return "an " + string(k)
	}
	return "a " + string(k)
}

// anyOf lists kinds: "an asset or a service".
func anyOf(kinds []kind) string {
	texts := make([]string, len(kinds))
	for i, k := range kinds {
		texts[i] = withArticle(k)
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " or " + texts[len(texts)-1]
}

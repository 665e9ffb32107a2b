package port

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The JSON Schema is made here from the Go types, their doc comments and the
// table of rules: go test ./internal/port -run TestSchemaIsCurrent -update.

var update = flag.Bool("update", false, "rewrite generated and golden files")

func TestSchemaIsCurrent(t *testing.T) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(newSchemaMaker(t).document()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(b.Bytes(), Schema()) {
		t.Error("schema.json is behind the types; run: go test ./internal/port -run TestSchemaIsCurrent -update")
	}
}

type object = map[string]any

// schemaMaker turns types into schemas.
type schemaMaker struct {
	comments map[string]string // by "Type.Field" and "Type"
	defs     object
}

// newSchemaMaker reads the comments of port.go.
func newSchemaMaker(t *testing.T) *schemaMaker {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "port.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	m := &schemaMaker{comments: map[string]string{}, defs: object{}}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			if ts, ok := s.(*ast.TypeSpec); ok {
				m.comments[ts.Name.Name] = strings.Join(strings.Fields(g.Doc.Text()), " ")
				m.fieldComments(ts)
			}
		}
	}
	return m
}

func (m *schemaMaker) fieldComments(ts *ast.TypeSpec) {
	s, ok := ts.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		for _, n := range f.Names {
			m.comments[ts.Name.Name+"."+n.Name] = strings.TrimSpace(f.Comment.Text())
		}
	}
}

func (m *schemaMaker) document() object {
	files := object{
		"description": "A path, or a list of paths, relative to this file.",
		"oneOf":       []any{object{"type": "string", "minLength": 1}, object{"type": "array", "items": object{"type": "string", "minLength": 1}}},
	}
	doc := m.structure(reflect.TypeFor[Port](), "Port")
	props := doc["properties"].(object)
	props["include"], props["assets_csv"] = files, files
	doc["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	doc["title"] = "Quaywatch port file"
	doc["$defs"] = m.defs
	return doc
}

func (m *schemaMaker) structure(t reflect.Type, name string) object {
	props, needed := object{}, []any{}
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || key == "" {
			continue
		}
		r := rules[name+"."+f.Name]
		s := m.value(f.Type, r, f.Tag.Get("strict") == "digits")
		if text := m.comments[name+"."+f.Name]; text != "" {
			s["description"] = text
		}
		props[key] = s
		if r.needed {
			needed = append(needed, key)
		}
	}
	s := object{"type": "object", "properties": props, "additionalProperties": false}
	if len(needed) > 0 {
		s["required"] = needed
	}
	if text := m.comments[name]; text != "" {
		s["description"] = text
	}
	return s
}

// text is what stands for text in YAML: quoted or plain, also digits.
func text() object { return object{"type": []any{"string", "number"}} }

func (m *schemaMaker) value(t reflect.Type, r rule, digits bool) object {
	switch t {
	case pointType:
		return object{"type": "array", "prefixItems": []any{span(-180, 180), span(-90, 90)}, "minItems": 2, "maxItems": 2}
	case ringType:
		return object{"type": "array", "items": m.value(pointType, rule{}, false), "minItems": 3}
	case reflect.TypeFor[netip.Addr]():
		return object{"type": "string", "pattern": `^[0-9a-fA-F:.]+$`}
	case reflect.TypeFor[netip.Prefix]():
		return object{"type": "string", "pattern": `^[0-9a-fA-F:.]+/[0-9]{1,3}$`}
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "pattern": `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}))?$`}
	case reflect.TypeFor[Figure]():
		return object{"oneOf": []any{object{"type": "number", "minimum": 0, "maximum": 1e12}, object{"type": "string", "pattern": `^[0-9]+(\.[0-9]+)?( *- *[0-9]+(\.[0-9]+)?)?$`}}}
	case reflect.TypeFor[PortRange]():
		return object{"oneOf": []any{object{"type": "integer", "minimum": 1, "maximum": 65535}, object{"type": "string", "pattern": `^[0-9]{1,5}(-[0-9]{1,5})?$`}}}
	}
	switch t.Kind() {
	case reflect.String:
		return m.text(r)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Float64:
		return numberSchema(t, r, digits)
	case reflect.Pointer:
		return m.value(t.Elem(), r, digits)
	case reflect.Slice:
		s := object{"type": "array", "items": m.value(t.Elem(), rule{oneOf: r.oneOf, form: r.form, ref: r.ref}, false)}
		if r.needed || t.Elem() == reflect.TypeFor[Need]() {
			s["minItems"] = 1
		}
		return s
	}
	return m.named(t)
}

func (m *schemaMaker) text(r rule) object {
	s := text()
	switch {
	case len(r.oneOf) > 0:
		s = object{"enum": r.oneOf}
	case r.form != nil:
		s["pattern"] = r.form.pattern.String()
		if r.form == idForm {
			s["maxLength"] = maxID
		}
	case r.needed:
		s["minLength"] = 1
	}
	return s
}

func span(low, high float64) object {
	return object{"type": "number", "minimum": low, "maximum": high}
}

func numberSchema(t reflect.Type, r rule, digits bool) object {
	switch {
	case digits:
		return object{"oneOf": []any{object{"type": "integer", "minimum": 0}, object{"type": "string", "pattern": "^[0-9]+$"}}}
	case r.levels != nil:
		return object{"enum": r.levels}
	}
	s := object{"type": "number"}
	if t.Kind() == reflect.Int {
		s["type"] = "integer"
	}
	if r.bounds != nil {
		s["minimum"], s["maximum"] = r.bounds.low, r.bounds.high
	}
	return s
}

// named puts a struct among the definitions and refers to it.
func (m *schemaMaker) named(t reflect.Type) object {
	name := t.Name()
	if _, done := m.defs[name]; !done {
		m.defs[name] = object{} // holds the place while the type refers to itself
		s := m.structure(t, name)
		switch name {
		case "Need":
			s["minProperties"], s["maxProperties"] = 1, 1
			s = object{"description": s["description"], "anyOf": []any{text(), s}}
		case "Address":
			s["minProperties"] = 1
		case "Asset":
			s["allOf"] = kindsByDomain()
		}
		m.defs[name] = s
	}
	return object{"$ref": "#/$defs/" + name}
}

func kindsByDomain() []any {
	var all []any
	for _, d := range []Domain{IT, OT, Physical} {
		all = append(all, object{
			"if":   object{"properties": object{"domain": object{"const": d}}, "required": []any{"domain"}},
			"then": object{"properties": object{"kind": object{"enum": AssetKinds[d]}}},
		})
	}
	return all
}

package server

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.css
var docsCSS []byte

//go:embed docs.html
var docsHTML string

// document serves the OpenAPI document.
func (a *api) document(w http.ResponseWriter, r *http.Request) {
	if a.render(); a.err != nil {
		a.server.fail(w, r, toProblem(r.Context(), a.server.log, a.err))
		return
	}
	w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
	_, _ = w.Write(a.json)
}

// docs serves the same for people: one page without any script.
func (a *api) docs(w http.ResponseWriter, r *http.Request) {
	if a.render(); a.err != nil {
		a.server.fail(w, r, toProblem(r.Context(), a.server.log, a.err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(a.html)
}

func (a *api) docsStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(docsCSS)
}

// render makes both once; the operations do not change after New.
func (a *api) render() {
	a.once.Do(func() {
		doc := a.huma.OpenAPI()
		if a.json, a.err = json.Marshal(doc); a.err != nil {
			return
		}
		var page bytes.Buffer
		var t *template.Template
		if t, a.err = template.New("docs").Parse(docsHTML); a.err != nil {
			return
		}
		a.err = t.Execute(&page, docsView(doc))
		a.html = page.Bytes()
	})
}

type docsPage struct {
	Title, Version, Text string
	Groups               []docsGroup
	Schemas              []docsSchema
}

type docsGroup struct {
	Name, Text string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Text string
	Params                          []docsField
	Body, Answer                    string // names of schemas
	Statuses                        []string
}

type docsField struct {
	Name, In, Type, Text string
	Required             bool
}

type docsSchema struct {
	Name   string
	Fields []docsField
}

func docsView(doc *huma.OpenAPI) docsPage {
	out := docsPage{Title: doc.Info.Title, Version: doc.Info.Version, Text: doc.Info.Description}
	for _, tag := range doc.Tags {
		out.Groups = append(out.Groups, docsGroup{Name: tag.Name, Text: tag.Description})
	}
	for path, item := range doc.Paths {
		for method, op := range operations(item) {
			i := slices.IndexFunc(out.Groups, func(g docsGroup) bool { return g.Name == op.Tags[0] })
			out.Groups[i].Operations = append(out.Groups[i].Operations, viewOperation(method, path, op))
		}
	}
	for i := range out.Groups {
		slices.SortFunc(out.Groups[i].Operations, func(a, b docsOperation) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
		})
	}
	for name, schema := range doc.Components.Schemas.Map() {
		s := docsSchema{Name: name}
		for field, of := range schema.Properties {
			s.Fields = append(s.Fields, docsField{Name: field, Type: typeOf(of), Text: of.Description, Required: slices.Contains(schema.Required, field)})
		}
		slices.SortFunc(s.Fields, func(a, b docsField) int { return cmp.Compare(a.Name, b.Name) })
		out.Schemas = append(out.Schemas, s)
	}
	slices.SortFunc(out.Schemas, func(a, b docsSchema) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// operations are those of a path, by method.
func operations(item *huma.PathItem) map[string]*huma.Operation {
	out := map[string]*huma.Operation{}
	for method, op := range map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPatch: item.Patch, http.MethodPut: item.Put, http.MethodDelete: item.Delete,
	} {
		if op != nil {
			out[method] = op
		}
	}
	return out
}

func viewOperation(method, path string, op *huma.Operation) docsOperation {
	v := docsOperation{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Text: op.Description}
	for _, p := range op.Parameters {
		text := p.Description
		if text == "" && p.Schema != nil {
			text = p.Schema.Description
		}
		v.Params = append(v.Params, docsField{Name: p.Name, In: p.In, Type: typeOf(p.Schema), Text: text, Required: p.Required})
	}
	if op.RequestBody != nil {
		v.Body = schemaName(op.RequestBody.Content)
	}
	for status, answer := range op.Responses {
		v.Statuses = append(v.Statuses, status)
		if status[0] == '2' {
			v.Answer = schemaName(answer.Content)
		}
	}
	slices.Sort(v.Statuses)
	return v
}

func schemaName(content map[string]*huma.MediaType) string {
	for _, media := range content { // one entry each
		if media.Schema != nil {
			return typeOf(media.Schema)
		}
	}
	return ""
}

// typeOf is a schema in a few words.
func typeOf(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[len("#/components/schemas/"):]
	case s.Type == "array":
		return "list of " + typeOf(s.Items)
	case len(s.Enum) > 0:
		text := ""
		for i, e := range s.Enum {
			if word, ok := e.(string); ok {
				if i > 0 {
					text += " | "
				}
				text += word
			}
		}
		return text
	case s.Format != "" && s.Type == "string":
		return s.Format
	}
	return s.Type
}

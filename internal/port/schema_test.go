package port

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// TestSchemaAgrees checks that the schema and the loader accept and refuse the
// same files, but for what the schema can't see, which the table marks.
func TestSchemaAgrees(t *testing.T) {
	s := compileSchema(t)
	full := fullExample(t)
	good := map[string]string{"full": full, "starter": string(Starter())}
	for name, text := range good {
		if err := s.Validate(jsonOf(t, text)); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
	for _, b := range brokenKinds {
		t.Run(b.name, func(t *testing.T) {
			var n yaml.Node
			text := breakIt(t, full, b)
			if err := yaml.Unmarshal([]byte(text), &n); err != nil {
				if b.schema {
					t.Fatalf("the schema can't see what is no YAML: %v", err)
				}
				return
			}
			err := s.Validate(jsonOf(t, text))
			if refused := err != nil; refused != b.schema {
				t.Errorf("the schema refuses: %v, want %v (%v)", refused, b.schema, err)
			}
		})
	}
}

// TestSchemaAcceptsTheExample holds the schema against the port that ships as an example.
func TestSchemaAcceptsTheExample(t *testing.T) {
	files, err := filepath.Glob("../../examples/saltmere/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no example: %v", err)
	}
	s := compileSchema(t)
	for _, f := range files {
		if slices.Contains(notPort, filepath.Base(f)) {
			continue
		}
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(jsonOf(t, string(data))); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("port.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("port.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// jsonOf turns YAML into JSON values as editors do.
func jsonOf(t testing.TB, text string) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	if len(n.Content) == 0 {
		return nil
	}
	return jsonValue(n.Content[0])
}

func jsonValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.AliasNode:
		return jsonValue(n.Alias)
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = jsonValue(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, jsonValue(c))
		}
		return list
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int", "!!float":
		var f float64
		if err := n.Decode(&f); err == nil {
			return json.Number(yamlNumber(f))
		}
	}
	return n.Value
}

func yamlNumber(f float64) string {
	b, err := json.Marshal(f)
	if err != nil {
		return "0"
	}
	return string(b)
}

// parseOnly parses YAML into nodes.
func parseOnly(t testing.TB, data []byte) {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		t.Fatal(err)
	}
}

package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/port"
)

// ways are the ways of the example from the cameras to the terminal operating system.
func ways(t *testing.T) (*port.Port, *attackgraph.Answer) {
	t.Helper()
	p, err := port.Load("../../examples/saltmere/port.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := attackgraph.New(attackgraph.DefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(attackgraph.Declare(m, p, boardDay), m.From("camera"), m.Update()); err != nil {
		t.Fatal(err)
	}
	target, err := m.Target("terminal-operating-system")
	if err != nil {
		t.Fatal(err)
	}
	a, err := m.Ask(t.Context(), target, attackgraph.Likeliest, 3)
	if err != nil || len(a.Paths) == 0 {
		t.Fatalf("%v, %v", a, err)
	}
	return p, a
}

func svgOf(t *testing.T, w *Walk) string {
	t.Helper()
	var b bytes.Buffer
	if err := w.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestWalk: a drawing that any reader of XML takes, with each step once, at the level
// of its zone, without script or style, and the same each time.
func TestWalk(t *testing.T) {
	p, a := ways(t)
	w := WalkOf(p, `From "camera" <to> TOS`, &a.Paths[0])
	text := svgOf(t, w)
	if text != svgOf(t, WalkOf(p, `From "camera" <to> TOS`, &a.Paths[0])) {
		t.Error("another drawing of the same way")
	}
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"<script", "style=", "<to>", "http://", "https://"} {
		if strings.Contains(strings.ReplaceAll(text, "http://www.w3.org/2000/svg", ""), bad) {
			t.Errorf("the drawing has %q", bad)
		}
	}
	last := 0
	for _, b := range w.boxes() {
		if b.first != last+1 || b.last < b.first {
			t.Errorf("box %q has steps %d to %d after %d", b.Place, b.first, b.last, last)
		}
		last = b.last
	}
	if last != len(a.Paths[0].Moves) {
		t.Errorf("%d of %d steps are drawn", last, len(a.Paths[0].Moves))
	}
	for i := range a.Paths[0].Moves {
		m, s := &a.Paths[0].Moves[i], w.Steps[i]
		if !strings.Contains(text, xmlText(m.Text)) {
			t.Errorf("step %q is not in words", m.Text)
		}
		if z := p.Zone(m.Gains.Args[0]); z != nil && !z.External && laneLevels[s.Lane-1] != z.Level {
			t.Errorf("%s of level %v is in lane %s", z.ID, z.Level, laneNames[s.Lane])
		}
	}
	if s := w.Steps[len(w.Steps)-1]; s.Lane != serviceLane || s.Place != "Terminal operating system" {
		t.Errorf("the end is %+v", s)
	}
	w.Bare = true
	if bare := svgOf(t, w); len(bare) >= len(text) || strings.Contains(bare, "17. ") {
		t.Error("the bare drawing has the steps in words")
	}
}

func xmlText(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s))
	return strings.NewReplacer("&#39;", "&#39;", "&#34;", "&#34;").Replace(b.String())
}

// TestAttackFlow holds the bundle against what the extension demands, read from its
// published schema: required properties, kinds of references, and that each is there.
func TestAttackFlow(t *testing.T) {
	p, a := ways(t)
	data, err := AttackFlow(p, a, boardDay)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := AttackFlow(p, a, boardDay); err != nil || !bytes.Equal(data, again) {
		t.Error("another bundle of the same answer")
	}
	var b struct {
		Type    string           `json:"type"`
		ID      string           `json:"id"`
		Objects []map[string]any `json:"objects"`
	}
	if err := json.Unmarshal(data, &b); err != nil || b.Type != "bundle" {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`^[a-z][a-z-]*--[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	at := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	known, counts := map[string]string{}, map[string]int{}
	for _, o := range b.Objects {
		kind, _ := o["type"].(string)
		name, _ := o["id"].(string)
		counts[kind]++
		if known[name] != "" || !id.MatchString(name) || !strings.HasPrefix(name, kind+"--") {
			t.Errorf("id %q of a %s", name, kind)
		}
		known[name] = kind
		created, _ := o["created"].(string)
		if o["spec_version"] != "2.1" || !at.MatchString(created) || o["modified"] != o["created"] {
			t.Errorf("%s: spec %v, created %v", name, o["spec_version"], created)
		}
	}
	required := map[string][]string{"attack-flow": {"name", "start_refs", "scope"}, "attack-action": {"name"}, "attack-asset": {"name"}, "attack-condition": {"description"}}
	refs := map[string]map[string]string{ // property to the kinds that it may lead to
		"attack-flow":      {"start_refs": "attack-action attack-condition"},
		"attack-action":    {"asset_refs": "attack-asset", "effect_refs": "attack-action attack-operator attack-condition"},
		"attack-condition": {"on_true_refs": "attack-action attack-operator attack-condition"},
	}
	techniques := 0
	for _, o := range b.Objects {
		kind, _ := o["type"].(string)
		if required[kind] == nil {
			continue
		}
		ext, _ := o["extensions"].(map[string]any)
		inner, _ := ext["extension-definition--fb9c968a-745b-4ade-9b25-c324172197f4"].(map[string]any)
		if inner["extension_type"] != "new-sdo" {
			t.Errorf("%v does not name the extension", o["id"])
		}
		for _, need := range required[kind] {
			if o[need] == nil || o[need] == "" {
				t.Errorf("%v lacks %s", o["id"], need)
			}
		}
		if author, _ := o["created_by_ref"].(string); known[author] != "identity" {
			t.Errorf("%v is by %v", o["id"], author)
		}
		for property, kinds := range refs[kind] {
			list, present := o[property].([]any)
			if present && len(list) == 0 {
				t.Errorf("%v has an empty %s", o["id"], property)
			}
			for _, r := range list {
				to, _ := r.(string)
				if k := known[to]; k == "" || !strings.Contains(" "+kinds+" ", " "+k+" ") {
					t.Errorf("%v: %s leads to %q", o["id"], property, to)
				}
			}
		}
		if tech, _ := o["technique_id"].(string); tech != "" {
			techniques++
			if !regexp.MustCompile(`^T\d{4}(\.\d{3})?$`).MatchString(tech) {
				t.Errorf("technique %q", tech)
			}
		}
	}
	moves := 0
	for i := range a.Paths {
		moves += len(a.Paths[i].Moves)
	}
	if counts["attack-flow"] != 1 || counts["attack-action"] != moves || counts["attack-condition"] == 0 || counts["attack-asset"] == 0 || techniques == 0 {
		t.Errorf("%v of %d moves, %d techniques", counts, moves, techniques)
	}
	if _, err := AttackFlow(p, &attackgraph.Answer{From: []string{"radio"}, Target: "x"}, time.Time{}); err == nil {
		t.Error("a flow without a way was written")
	}
}

// TestAttackFlowsAgree: an object that two bundles share is the same in both.
func TestAttackFlowsAgree(t *testing.T) {
	p, a := ways(t)
	seen := map[string]string{}
	for _, at := range []time.Time{boardDay, boardDay.Add(time.Hour)} {
		data, err := AttackFlow(p, a, at)
		if err != nil {
			t.Fatal(err)
		}
		var b struct {
			Objects []json.RawMessage `json:"objects"`
		}
		if err := json.Unmarshal(data, &b); err != nil {
			t.Fatal(err)
		}
		for _, o := range b.Objects {
			var of struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(o, &of); err != nil {
				t.Fatal(err)
			}
			if was, known := seen[of.ID]; known && was != string(o) {
				t.Errorf("two objects of one id:\n%s\n%s", was, o)
			}
			seen[of.ID] = string(o)
		}
	}
}

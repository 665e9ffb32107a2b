package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/port"
)

// The Attack Flow extension of STIX 2.1 (Center for Threat-Informed Defense, version
// 2.0.0): its definition and who made it, as it publishes them.
const (
	flowExtension = "extension-definition--fb9c968a-745b-4ade-9b25-c324172197f4"
	flowAuthor    = "identity--d673f8cb-c168-42da-8ed4-0cb26725f86c"
	flowSchema    = "https://center-for-threat-informed-defense.github.io/attack-flow/stix/attack-flow-schema-2.0.0.json"
	flowMade      = "2022-08-02T19:34:35.143Z"
)

// stixSpace is the namespace of the ids that are made here (UUID version 5).
var stixSpace = uuid.MustParse("6f0b5d52-6e8a-5c5f-9c39-0d2e0b7f3a41")

type stixObject = map[string]any

// flowWriter gathers the objects of a bundle.
type flowWriter struct {
	port    *port.Port
	at      string
	author  string
	objects []stixObject
	assets  map[string]string // id of an asset to that of its object
}

// AttackFlow writes the ways of an answer as a STIX 2.1 bundle with the Attack Flow
// extension: an action for each step, an asset for each asset in it, and a condition
// for what nobody has seen. The same answer and moment give the same bytes.
func AttackFlow(p *port.Port, a *attackgraph.Answer, at time.Time) ([]byte, error) {
	w := &flowWriter{port: p, at: at.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z"), assets: map[string]string{}}
	if len(a.Paths) == 0 {
		return nil, fmt.Errorf("there is no way from %s to %s: an attack flow needs a first action", strings.Join(a.From, ", "), a.Target)
	}
	w.put(stixObject{"type": "identity", "id": flowAuthor, "created_by_ref": flowAuthor, "created": flowMade, "modified": flowMade, "name": "MITRE Center for Threat-Informed Defense", "identity_class": "organization"})
	w.put(stixObject{"type": "extension-definition", "id": flowExtension, "created_by_ref": flowAuthor, "created": flowMade, "modified": flowMade, "name": "Attack Flow",
		"description": "STIX 2.1 objects for flows of attacks", "schema": flowSchema, "version": "2.0.0", "extension_types": []string{"new-sdo"}})
	w.author = w.id("identity", "port", p.Identity.LOCODE, p.Identity.Name)
	w.put(stixObject{"type": "identity", "id": w.author, "created": flowMade, "modified": flowMade, "name": cmp.Or(p.Identity.Name, p.Identity.LOCODE), "identity_class": "organization", "sectors": []string{"transportation"}})
	var starts []string
	for i := range a.Paths {
		starts = append(starts, w.way(a, i))
	}
	name := fmt.Sprintf("From %s to %s: %s", strings.Join(a.From, ", "), a.Target, a.Reach)
	w.put(w.flow(stixObject{"type": "attack-flow", "id": w.id("attack-flow", name, w.at), "name": name, "scope": "attack-tree", "start_refs": starts,
		"description": fmt.Sprintf("What rules of attack allow by what is declared and seen of %s. Nobody was seen doing it.", cmp.Or(p.Identity.Name, p.Identity.LOCODE))}))
	data, err := json.MarshalIndent(stixObject{"type": "bundle", "id": w.id("bundle", name, w.at), "objects": w.objects}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the attack flow: %w", err)
	}
	return append(data, '\n'), nil
}

// id is the same for the same parts. What depends on the moment has it among them: two
// objects of one id and two times of creation would contradict each other. The port alone
// keeps its id as long as its name, and so has one time of creation.
func (w *flowWriter) id(kind string, parts ...string) string {
	return kind + "--" + uuid.NewSHA1(stixSpace, []byte(kind+"\x00"+strings.Join(parts, "\x00"))).String()
}

func (w *flowWriter) put(o stixObject) {
	o["spec_version"] = "2.1"
	w.objects = append(w.objects, o)
}

// flow fills in what every object of the extension has.
func (w *flowWriter) flow(o stixObject) stixObject {
	o["created"], o["modified"], o["created_by_ref"] = w.at, w.at, w.author
	o["extensions"] = stixObject{flowExtension: stixObject{"extension_type": "new-sdo"}}
	return o
}

// way writes one way from its end to its start, and gives what it begins with.
func (w *flowWriter) way(a *attackgraph.Answer, n int) (first string) {
	p := &a.Paths[n]
	next := ""
	for i := len(p.Moves) - 1; i >= 0; i-- {
		m := &p.Moves[i]
		at := fmt.Sprintf("%s %d %d", a.Target, n, i)
		o := stixObject{"type": "attack-action", "id": w.id("attack-action", w.at, strings.Join(a.From, ","), at, m.Gain), "name": m.Text, "description": words(m)}
		if m.Technique != "" {
			o["technique_id"] = m.Technique
		}
		if refs := w.refs(m); len(refs) > 0 {
			o["asset_refs"] = refs
		}
		if next != "" {
			o["effect_refs"] = []string{next}
		}
		w.put(w.flow(o))
		next, _ = o["id"].(string)
		var unseen []string
		for _, e := range m.Evidence {
			if e.Unsure {
				unseen = append(unseen, cmp.Or(e.Text, e.Statement))
			}
		}
		if len(unseen) > 0 {
			c := stixObject{"type": "attack-condition", "id": w.id("attack-condition", w.at, strings.Join(a.From, ","), at), "description": "Nobody has seen: " + strings.Join(unseen, "; "), "on_true_refs": []string{next}}
			w.put(w.flow(c))
			next, _ = c["id"].(string)
		}
	}
	return next
}

// words are the evidence and the chance of a step.
func words(m *attackgraph.Move) string {
	parts := []string{fmt.Sprintf("Chance in one serious try %.2g to %.2g.", m.Chance[0], m.Chance[1])}
	for _, e := range m.Evidence {
		if e.Text != "" {
			parts = append(parts, e.Origin+": "+e.Text+".")
		}
	}
	return strings.Join(parts, " ")
}

func (w *flowWriter) refs(m *attackgraph.Move) (out []string) {
	for _, id := range m.Things {
		a := w.port.Asset(id)
		if a == nil {
			continue
		}
		ref, known := w.assets[id]
		if !known {
			ref = w.id("attack-asset", w.at, w.port.Identity.LOCODE, id)
			w.assets[id] = ref
			w.put(w.flow(stixObject{"type": "attack-asset", "id": ref, "name": cmp.Or(a.Name, id), "description": strings.TrimSpace(strings.Join([]string{id, a.Kind, a.Vendor, a.Product}, " "))}))
		}
		out = append(out, ref)
	}
	return out
}

package advisory

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/csaf"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Statement says who tells what to whom in a VEX document.
type Statement struct {
	Port      *port.Port
	Namespace string    // URI of the publisher
	TLP       string    // AMBER, GREEN, RED or WHITE
	At        time.Time // release date
	ID        string    // tracking id; "" makes one of port and day
}

// VEX writes what a port knows of its assets as a CSAF 2.0 document of the
// profile VEX: each asset is a product, undecided pairs are under investigation.
// Where several advisories speak of one weakness, the worst verdict counts. The
// document is checked against the standard before it is given out; that it fails
// is a fault of this program.
func VEX(in Statement, matches map[string][]Match, advisories func(id string) (Entry, bool)) ([]byte, error) {
	w := vexWriter{in: in, weak: map[string]*vexWeakness{}, used: map[string]bool{}}
	for i := range in.Port.Assets {
		a := &in.Port.Assets[i]
		for j := range matches[a.ID] {
			w.match(a.ID, &matches[a.ID][j], advisories)
		}
	}
	if len(w.weak) == 0 {
		return nil, fmt.Errorf("there is nothing to tell: no advisory matches an asset")
	}
	text, err := json.MarshalIndent(w.document(), "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	if r := csaf.Check(text); !r.Valid() {
		return nil, fmt.Errorf("the document written does not keep CSAF 2.0, which is a fault of this program: %s", r.Errors()[0])
	}
	return text, nil
}

// object is a JSON object; its names are written in order.
type object = map[string]any

// vexWeakness is one weakness with what is said of each asset.
type vexWeakness struct {
	id    string
	cve   bool
	title string
	says  map[string]*Match // by asset: the worst
	from  map[string]bool   // advisories
}

type vexWriter struct {
	in   Statement
	weak map[string]*vexWeakness
	used map[string]bool // assets
}

func (w *vexWriter) match(asset string, m *Match, advisories func(string) (Entry, bool)) {
	ids := m.CVEs
	if len(ids) == 0 {
		ids = []string{m.ID} // a notice without any id of its weaknesses
	}
	for _, id := range ids {
		v := w.weak[id]
		if v == nil {
			v = &vexWeakness{id: id, cve: epssCVE.MatchString(id), says: map[string]*Match{}, from: map[string]bool{}}
			w.weak[id] = v
		}
		if e, known := advisories(m.ID); known && v.title == "" {
			v.title = e.Title
		}
		v.from[m.ID] = true
		if was := v.says[asset]; was == nil || m.Verdict.rank() < was.Verdict.rank() {
			v.says[asset] = m
		}
		w.used[asset] = true
	}
}

func (w *vexWriter) document() object {
	day := w.in.At.UTC().Format(time.RFC3339)
	who := w.in.Port.Identity
	id := cmp.Or(w.in.ID, fmt.Sprintf("%s-VEX-%s", cmp.Or(strings.ToUpper(who.LOCODE), "PORT"), w.in.At.UTC().Format("2006-01-02")))
	products := []object{}
	for i := range w.in.Port.Assets {
		if a := &w.in.Port.Assets[i]; w.used[a.ID] {
			products = append(products, w.product(a))
		}
	}
	vulnerabilities := []object{}
	for _, id := range sortedKeys(w.weak) {
		vulnerabilities = append(vulnerabilities, w.weak[id].object())
	}
	return object{
		"document": object{
			"category": csaf.VEX, "csaf_version": "2.0", "lang": "en",
			"distribution": object{"tlp": object{"label": w.in.TLP}},
			"publisher":    object{"category": "user", "name": who.Name, "namespace": w.in.Namespace},
			"title":        "What published weaknesses mean for the assets of " + who.Name,
			"tracking": object{
				"id": id, "status": "final", "version": "1", "current_release_date": day, "initial_release_date": day,
				"generator":        object{"engine": object{"name": "Quaywatch"}, "date": day},
				"revision_history": []object{{"date": day, "number": "1", "summary": "Written from the register of assets and the loaded notices."}},
			},
		},
		"product_tree":    object{"full_product_names": products},
		"vulnerabilities": vulnerabilities,
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (w *vexWriter) product(a *port.Asset) object {
	device := strings.Join(slices.DeleteFunc([]string{a.Vendor, a.Product, a.Model, a.Firmware}, func(s string) bool { return s == "" }), " ")
	out := object{"name": strings.TrimSpace(a.Name + ": " + device), "product_id": a.ID}
	helper := object{}
	if a.Serial != "" {
		helper["serial_numbers"] = []string{a.Serial}
	}
	if a.Model != "" {
		helper["model_numbers"] = []string{a.Model}
	}
	if len(helper) > 0 {
		out["product_identification_helper"] = helper
	}
	return out
}

func (v *vexWeakness) object() object {
	out := object{"notes": []object{{"category": "description", "title": "Where this is from",
		"text": fmt.Sprintf("%s. Matched from %s.", cmp.Or(v.title, v.id), strings.Join(sortedKeys(v.from), ", "))}}}
	if v.cve {
		out["cve"] = v.id
	} else {
		out["ids"] = []object{{"system_name": "id in the notice", "text": v.id}}
	}
	status := map[string][]string{}
	remedies, impacts, flags := grouped{}, grouped{}, grouped{}
	for _, asset := range sortedKeys(v.says) {
		m := v.says[asset]
		switch m.Verdict {
		case Affected:
			status["known_affected"] = append(status["known_affected"], asset)
			category, details := m.action()
			remedies.add(category, details, asset)
		case Undecided:
			status["under_investigation"] = append(status["under_investigation"], asset)
		default:
			status["known_not_affected"] = append(status["known_not_affected"], asset)
			impacts.add("impact", m.Reason, asset)
			if m.Override != nil && m.Override.Justification != "" {
				flags.add(m.Override.Justification, "", asset)
			}
		}
	}
	out["product_status"] = status
	for name, g := range map[string]struct {
		of  grouped
		key string
	}{"remediations": {remedies, "category"}, "threats": {impacts, "category"}, "flags": {flags, "label"}} {
		if items := g.of.objects(g.key); len(items) > 0 {
			out[name] = items
		}
	}
	return out
}

// action is what to do about an affected asset, in the words of CSAF (3.2.3.12).
func (m *Match) action() (category, details string) {
	switch {
	case m.Remedy == FixOffered:
		return "vendor_fix", cmp.Or(m.Fix, "The vendor offers a fix; see the notice.")
	case m.Remedy == FixNever:
		return "no_fix_planned", "The vendor plans no fix."
	case len(m.Mitigate) > 0:
		return "mitigation", m.Mitigate[0]
	case m.Remedy == FixNone:
		return "none_available", "The vendor has no fix yet."
	}
	return "none_available", "The notice does not tell what can be done."
}

// grouped are assets by a label and a text that they share.
type grouped map[[2]string][]string

func (g grouped) add(label, text, asset string) {
	g[[2]string{label, text}] = append(g[[2]string{label, text}], asset)
}

func (g grouped) objects(labelled string) []object {
	keys := make([][2]string, 0, len(g))
	for k := range g {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	var out []object
	for _, k := range keys {
		item := object{labelled: k[0], "product_ids": g[k]}
		if k[1] != "" {
			item["details"] = k[1]
		}
		out = append(out, item)
	}
	return out
}

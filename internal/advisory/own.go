package advisory

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/csaf"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Own is a notice that the port writes itself, for what no agency covers: the fields
// of the form from which the CSAF document is made.
type Own struct {
	ID       string   `json:"id"`       // tracking id, such as SALTMERE-2026-004
	Title    string   `json:"title"`    // of the notice and its weakness
	Summary  string   `json:"summary"`  // what is wrong
	Assets   []string `json:"assets"`   // of the register, that are affected
	CVE      string   `json:"cve"`      // where there is one
	Vector   string   `json:"vector"`   // CVSS 3.1; "": not scored
	Category string   `json:"category"` // of the remedy, as CSAF has it (3.2.3.12.1)
	Remedy   string   `json:"remedy"`   // in words
	TLP      string   `json:"tlp"`      // WHITE, GREEN, AMBER, RED
	Change   string   `json:"change"`   // what this revision changes
}

// Revision is one revision of a notice, for its history.
type Revision struct {
	Time   time.Time
	Change string
}

// Remedies are the categories of remediations of CSAF 2.0 (3.2.3.12.1).
var Remedies = []string{"mitigation", "workaround", "vendor_fix", "no_fix_planned", "none_available"}

// Labels are the TLP labels of CSAF 2.0 (3.2.1.5.2.1).
var Labels = []string{"AMBER", "GREEN", "RED", "WHITE"}

// OwnFault is what is wrong with a field of the form.
type OwnFault struct{ Field, Text string }

var (
	ownID  = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{2,60}$`)
	ownCVE = regexp.MustCompile(`^CVE-\d{4}-\d{4,19}$`)
)

// Faults says what is wrong with the fields, each at its own.
func (o *Own) Faults(p *port.Port) (out []OwnFault) {
	bad := func(field, format string, args ...any) {
		out = append(out, OwnFault{field, fmt.Sprintf(format, args...)})
	}
	if !ownID.MatchString(o.ID) {
		bad("id", "capitals, digits and hyphens, such as %s-2026-001", strings.ToUpper(p.Identity.LOCODE))
	}
	for _, f := range []struct {
		name, text string
		most       int
	}{{"title", o.Title, 200}, {"summary", o.Summary, 4000}, {"remedy", o.Remedy, 4000}, {"change", o.Change, 300}} {
		switch {
		case strings.TrimSpace(f.text) == "":
			bad(f.name, "must be given")
		case len([]rune(f.text)) > f.most:
			bad(f.name, "is longer than %d characters", f.most)
		}
	}
	if len(o.Assets) == 0 {
		bad("assets", "name at least one asset of the register")
	}
	for _, id := range o.Assets {
		if p.Asset(id) == nil {
			bad("assets", "%q is no asset of the register", id)
		}
	}
	if o.CVE != "" && !ownCVE.MatchString(o.CVE) {
		bad("cve", "%q is no CVE such as CVE-2026-12345", o.CVE)
	}
	if o.Vector != "" {
		if _, _, err := csaf.Score31(o.Vector); err != nil {
			bad("vector", "%v", err)
		}
	}
	if !slices.Contains(Remedies, o.Category) {
		bad("category", "is none of %s", strings.Join(Remedies, ", "))
	}
	if !slices.Contains(Labels, o.TLP) {
		bad("tlp", "is none of %s", strings.Join(Labels, ", "))
	}
	return out
}

// Document writes the notice as a CSAF 2.0 security advisory. history is what came
// before, oldest first; the present revision is added to it. The document is checked
// against the standard; that it fails is a fault of this program.
func (o *Own) Document(p *port.Port, history []Revision, at time.Time) ([]byte, error) {
	at = at.UTC().Truncate(time.Second)
	all := append(slices.Clone(history), Revision{at, o.Change})
	var revisions []object
	for i, r := range all {
		revisions = append(revisions, object{"number": fmt.Sprint(i + 1), "date": stamp(r.Time), "summary": r.Change})
	}
	namespace := "urn:locode:" + strings.ToLower(p.Identity.LOCODE)
	var products []object
	var ids []string
	for _, id := range o.Assets {
		name := id
		if a := p.Asset(id); a != nil && a.Name != "" {
			name = a.Name
		}
		ids = append(ids, id)
		products = append(products, object{"name": name, "product_id": id, "product_identification_helper": object{
			"x_generic_uris": []object{{"namespace": csaf.AssetNamespace, "uri": csaf.AssetNamespace + ":" + id}}}})
	}
	weakness := object{
		"title": o.Title, "notes": []object{{"category": "summary", "text": o.Summary}},
		"ids":            []object{{"system_name": p.Identity.Name, "text": o.ID + "-1"}},
		"product_status": object{"known_affected": ids},
		"remediations":   []object{{"category": o.Category, "details": o.Remedy, "product_ids": ids}},
	}
	if o.CVE != "" {
		weakness["cve"] = o.CVE
	}
	if o.Vector != "" {
		score, severity, err := csaf.Score31(o.Vector)
		if err != nil {
			return nil, err
		}
		weakness["scores"] = []object{{"products": ids, "cvss_v3": object{"version": "3.1", "vectorString": o.Vector, "baseScore": score, "baseSeverity": severity}}}
	}
	doc := object{
		"document": object{
			"category": csaf.Advisory, "csaf_version": "2.0", "lang": "en", "title": o.Title, "distribution": object{"tlp": object{"label": o.TLP}},
			"notes":      []object{{"category": "description", "text": o.Summary}},
			"publisher":  object{"category": "user", "name": p.Identity.Name, "namespace": namespace},
			"references": []object{{"category": "self", "summary": "This notice", "url": namespace + ":csaf:" + strings.ToLower(o.ID)}},
			"tracking": object{"id": o.ID, "status": "final", "version": fmt.Sprint(len(all)), "initial_release_date": stamp(all[0].Time),
				"current_release_date": stamp(at), "revision_history": revisions},
		},
		"product_tree":    object{"full_product_names": products},
		"vulnerabilities": []object{weakness},
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	if r := csaf.Check(text); !r.Valid() {
		return nil, fmt.Errorf("the document written does not keep CSAF 2.0, which is a fault of this program: %s", r.Errors()[0])
	}
	return text, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

package advisory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// Bounds of one document. The largest of the 2,379 public OT advisories has
// 690 kB, 424 products and four levels of branches.
const (
	maxDocument = 32 << 20 // bytes
	maxDepth    = 32       // levels of branches
	maxProducts = 20_000   // distinct product names
	maxName     = 2_000    // bytes of one name
	maxCVEs     = 5_000
)

// Fault is why a document was rejected and where in it.
type Fault struct { //nolint:errname // reads as what it is: a fault of a document, with its place
	Path   string // JSON Pointer (RFC 6901), "" for the document as a whole
	Reason string
}

func (f Fault) Error() string {
	if f.Path == "" {
		return f.Reason
	}
	return f.Path + ": " + f.Reason
}

// errNotAdvisory marks JSON that belongs to a CSAF provider but is no document:
// a feed, a list of providers. It is of no concern rather than wrong.
var errNotAdvisory = errors.New("not a CSAF document")

// categories are the profiles of CSAF 2.0 (section 4) that publish
// vulnerabilities or say that there are none.
var categories = []string{"csaf_security_advisory", "csaf_vex", "csaf_informational_advisory", "csaf_base"}

var cvePattern = regexp.MustCompile(`^CVE-\d{4}-\d{4,19}$`)

// The part of CSAF 2.0 that is read. Everything else may have any form: a
// document is not refused for a part that nobody looks at. Text fields are
// pointers where missing and empty differ in the message.
type document struct {
	Document *struct {
		Category     string `json:"category"`
		Version      string `json:"csaf_version"`
		Title        string `json:"title"`
		Distribution struct {
			TLP struct {
				Label string `json:"label"`
			} `json:"tlp"`
		} `json:"distribution"`
		Tracking struct {
			ID      string `json:"id"`
			Version string `json:"version"`
			Initial string `json:"initial_release_date"`
			Current string `json:"current_release_date"`
		} `json:"tracking"`
	} `json:"document"`
	Tree struct {
		Branches []branch  `json:"branches"`
		Names    []product `json:"full_product_names"`
	} `json:"product_tree"`
	Vulnerabilities []struct {
		CVE    string `json:"cve"`
		Scores []struct {
			V2 *cvss `json:"cvss_v2"`
			V3 *cvss `json:"cvss_v3"`
		} `json:"scores"`
	} `json:"vulnerabilities"`
	Feed     json.RawMessage `json:"feed"`          // of a ROLIE feed, which lies beside the documents
	Metadata json.RawMessage `json:"canonical_url"` // of provider-metadata.json
}

type branch struct {
	Category string   `json:"category"`
	Name     string   `json:"name"`
	Branches []branch `json:"branches"`
	Product  *product `json:"product"`
}

type product struct {
	Name   string `json:"name"`
	Helper struct {
		Models []string `json:"model_numbers"`
	} `json:"product_identification_helper"`
}

type cvss struct {
	Score json.Number `json:"baseScore"` // a number, or a number in quotes
}

// Decode reads one CSAF 2.0 document. The head of the result holds only the
// time (the current release date). The error is a [Fault].
func Decode(text []byte) (event.Advisory, error) {
	if len(text) > maxDocument {
		return event.Advisory{}, Fault{"", "document is larger than 32 MiB"}
	}
	d, err := parse(text)
	if err != nil {
		return event.Advisory{}, err
	}
	if err := d.check(); err != nil {
		return event.Advisory{}, err
	}
	a := event.Advisory{
		ID: strings.TrimSpace(d.Document.Tracking.ID), Title: strings.TrimSpace(d.Document.Title),
		Version: d.Document.Tracking.Version, TLP: d.Document.Distribution.TLP.Label,
	}
	if a.Time, err = date("/document/tracking/current_release_date", d.Document.Tracking.Current); err != nil {
		return event.Advisory{}, err
	}
	if d.Document.Tracking.Initial != "" {
		if a.Released, err = date("/document/tracking/initial_release_date", d.Document.Tracking.Initial); err != nil {
			return event.Advisory{}, err
		}
	}
	if err := d.readTree(&a); err != nil {
		return event.Advisory{}, err
	}
	return a, d.readVulnerabilities(&a)
}

// parse reads the JSON and turns its errors into faults with a place.
func parse(text []byte) (*document, error) {
	var d document
	in := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	err := in.Decode(&d)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return nil, Fault{pointer(kind.Field), "is " + kind.Value + ", which it can't be in CSAF"}
	case errors.As(err, &syntax):
		return nil, Fault{"", fmt.Sprintf("is not JSON: %s", syntax)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, Fault{"", "is not JSON: it ends too early"}
	case err != nil:
		return nil, Fault{"", "is not JSON: " + err.Error()}
	}
	if _, err := in.Token(); err != io.EOF {
		return nil, Fault{"", "is not JSON: there is more behind the document"}
	}
	return &d, nil
}

// pointer turns the field path of encoding/json into a JSON Pointer.
func pointer(field string) string { return "/" + strings.ReplaceAll(field, ".", "/") }

func (d *document) check() error {
	switch {
	case d.Document == nil && (d.Feed != nil || d.Metadata != nil):
		return errNotAdvisory
	case d.Document == nil:
		return Fault{"/document", "is missing"}
	case d.Document.Category == "":
		return Fault{"/document/category", "is missing"}
	case !slices.Contains(categories, d.Document.Category):
		return Fault{"/document/category", "is none of " + strings.Join(categories, ", ")}
	case d.Document.Version != "2.0":
		return Fault{"/document/csaf_version", `is not "2.0", the version that is read here`}
	case strings.TrimSpace(d.Document.Tracking.ID) == "":
		return Fault{"/document/tracking/id", "is missing"}
	case len(d.Document.Tracking.ID) > maxName || len(d.Document.Title) > maxName || len(d.Document.Tracking.Version) > maxName || len(d.Document.Distribution.TLP.Label) > maxName:
		return Fault{"/document", "has a title, id, version or label longer than 2,000 bytes"}
	}
	return nil
}

func date(path, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, Fault{path, "is missing"}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, Fault{path, "is not a date-time (RFC 3339)"}
	}
	return t.UTC(), nil
}

// readTree gathers vendors and product names. Families stand before their
// products and model numbers behind them, where the name does not say them
// already, because an asset is known by either.
func (d *document) readTree(a *event.Advisory) error {
	t := tree{seen: map[string]bool{}, vendors: map[string]bool{}, a: a}
	for i := range d.Tree.Branches {
		if err := t.branch(&d.Tree.Branches[i], "/product_tree/branches/"+strconv.Itoa(i), "", "", 1); err != nil {
			return err
		}
	}
	for i := range d.Tree.Names {
		p := &d.Tree.Names[i]
		if err := t.product("/product_tree/full_product_names/"+strconv.Itoa(i), p.Name, p.Helper.Models); err != nil {
			return err
		}
	}
	return nil
}

type tree struct {
	a             *event.Advisory
	seen, vendors map[string]bool
}

// branch walks one branch; family and name are of the branches above it.
func (t *tree) branch(b *branch, path, family, name string, depth int) error {
	if depth > maxDepth {
		return Fault{path, "branches are deeper than 32 levels"}
	}
	text := strings.TrimSpace(b.Name)
	if len(text) > maxName {
		return Fault{path + "/name", "is longer than 2,000 bytes"}
	}
	switch b.Category {
	case "vendor":
		if text != "" && !t.vendors[text] {
			t.vendors[text] = true
			t.a.Vendors = append(t.a.Vendors, text)
		}
	case "product_family":
		family = joined(family, text)
	case "product_name":
		name = joined(family, text)
		if err := t.product(path, name, nil); err != nil {
			return err
		}
	}
	if p := b.Product; p != nil {
		shown := name
		if shown == "" {
			shown = p.Name
		}
		if err := t.product(path+"/product", shown, p.Helper.Models); err != nil {
			return err
		}
	}
	for i := range b.Branches {
		if err := t.branch(&b.Branches[i], path+"/branches/"+strconv.Itoa(i), family, name, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// joined puts the family before the name unless the name has it.
func joined(family, name string) string {
	if family == "" || strings.Contains(strings.ToLower(name), strings.ToLower(family)) {
		return name
	}
	return family + " " + name
}

// product adds a name once, and once more with each model number that it does not hold.
func (t *tree) product(path, name string, models []string) error {
	name = strings.TrimSpace(name)
	add := func(text string) error {
		switch {
		case text == "" || t.seen[text]:
			return nil
		case len(text) > 2*maxName:
			return Fault{path, "has a name longer than 2,000 bytes"}
		case len(t.seen) >= maxProducts:
			return Fault{path, "there are more than 20,000 product names"}
		}
		t.seen[text] = true
		t.a.Products = append(t.a.Products, text)
		return nil
	}
	if err := add(name); err != nil {
		return err
	}
	for _, m := range models {
		m = strings.TrimSpace(m)
		if m == "" || strings.Contains(name, m) {
			continue
		}
		if err := add(strings.TrimSpace(name + " (" + m + ")")); err != nil {
			return err
		}
	}
	return nil
}

// readVulnerabilities gathers the CVEs and the highest CVSS base score.
func (d *document) readVulnerabilities(a *event.Advisory) error {
	if len(d.Vulnerabilities) > maxCVEs {
		return Fault{"/vulnerabilities", "there are more than 5,000"}
	}
	for i, v := range d.Vulnerabilities {
		at := "/vulnerabilities/" + strconv.Itoa(i)
		if cve := strings.ToUpper(strings.TrimSpace(v.CVE)); cve != "" {
			if !cvePattern.MatchString(cve) {
				return Fault{at + "/cve", "is not a CVE id"}
			}
			a.CVEs = append(a.CVEs, cve)
		}
		for j, s := range v.Scores {
			path := at + "/scores/" + strconv.Itoa(j)
			if err := s.V2.raise(&a.CVSS, path+"/cvss_v2"); err != nil {
				return err
			}
			if err := s.V3.raise(&a.CVSS, path+"/cvss_v3"); err != nil {
				return err
			}
		}
	}
	slices.Sort(a.CVEs)
	a.CVEs = slices.Compact(a.CVEs)
	return nil
}

// raise lifts highest to the base score, where there is one.
func (c *cvss) raise(highest *float64, path string) error {
	if c == nil || c.Score == "" {
		return nil
	}
	score, err := c.Score.Float64()
	if err != nil || !(score >= 0 && score <= 10) {
		return Fault{path + "/baseScore", "is not a score of 0 to 10"}
	}
	*highest = max(*highest, score)
	return nil
}

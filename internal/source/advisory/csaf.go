package advisory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/csaf"
	"github.com/quaywatch/quaywatch/internal/event"
)

// Bounds of one document. The largest of the 2,379 public OT advisories has
// 690 kB, 424 products and four levels of branches.
const (
	maxDocument = csaf.MaxDocument
	maxProducts = 20_000
	maxName     = 2_000 // bytes of one name
	maxDetails  = 2_000 // bytes of what can be done; longer texts are cut, for the document itself holds them
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
var categories = []string{csaf.Advisory, csaf.VEX, csaf.Informational, csaf.Base}

// Decode reads one CSAF 2.0 document. One that breaks the schema, or whose
// products are ambiguous, is rejected as a whole; other failures of mandatory
// tests are counted. The head of the result holds only the time (the current
// release date). The error is a [Fault].
func Decode(text []byte) (event.Advisory, error) {
	d, report := csaf.Read(text)
	switch {
	case report.Other != "":
		return event.Advisory{}, errNotAdvisory
	case d == nil:
		return event.Advisory{}, hindrance(report)
	case !slices.Contains(categories, d.Category):
		return event.Advisory{}, Fault{"/document/category", "is none of " + strings.Join(categories, ", ")}
	case len(d.Products) > maxProducts:
		return event.Advisory{}, Fault{"/product_tree", fmt.Sprintf("has more than %d products", maxProducts)}
	case len(d.Vulnerabilities) > maxCVEs:
		return event.Advisory{}, Fault{"/vulnerabilities", fmt.Sprintf("there are more than %d", maxCVEs)}
	case max(len(d.ID), len(d.Title), len(d.Version), len(d.Publisher)) > maxName:
		return event.Advisory{}, Fault{"/document", "has a title, id, version or publisher longer than 2,000 bytes"}
	}
	a := event.Advisory{ID: d.ID, Title: strings.TrimSpace(d.Title), Version: d.Version, TLP: d.TLP,
		Released: d.Released, Faults: len(report.Problems), Publisher: d.Publisher}
	a.Time = d.Current
	r := reading{a: &a, at: map[string]int{}, fixes: map[event.Fix]int{}, vendors: map[string]bool{}, texts: map[string]bool{}}
	for i := range d.Products {
		if err := r.product(i, &d.Products[i]); err != nil {
			return event.Advisory{}, err
		}
	}
	for i := range d.Vulnerabilities {
		r.vulnerability(i, &d.Vulnerabilities[i])
	}
	slices.Sort(a.CVEs)
	a.CVEs = slices.Compact(a.CVEs)
	return a, nil
}

// hindrance makes the first of the problems that keep a document from being
// read into a fault, and says how many more there are.
func hindrance(r *csaf.Report) Fault {
	all := slices.DeleteFunc(r.Problems, func(p csaf.Problem) bool { return !p.Hinders() })
	more := ""
	if len(all) > 1 {
		more = fmt.Sprintf(", and %d more", len(all)-1)
	}
	return Fault{all[0].Path, fmt.Sprintf("%s (%s%s)", all[0].Text, all[0].Clause, more)}
}

// reading turns what a document says of products by id into products that know
// what is said of them.
type reading struct {
	a              *event.Advisory
	at             map[string]int // product id: place in Advised
	fixes          map[event.Fix]int
	vendors, texts map[string]bool
}

func (r *reading) product(i int, p *csaf.Product) error {
	name := ""
	for _, n := range p.Names {
		name = joined(name, strings.TrimSpace(n))
	}
	for _, text := range slices.Concat([]string{p.Full, p.Vendor, name, p.Text}, p.Models, p.Serials) {
		if len(text) > maxName {
			return Fault{"/product_tree", fmt.Sprintf("product %q has a name longer than 2,000 bytes", p.ID)}
		}
	}
	name = cmp.Or(name, strings.TrimSpace(p.Full))
	vendor := strings.TrimSpace(p.Vendor)
	if vendor != "" && !r.vendors[vendor] {
		r.vendors[vendor] = true
		r.a.Vendors = append(r.a.Vendors, vendor)
	}
	r.text(name)
	for _, m := range p.Models {
		if !strings.Contains(name, m) {
			r.text(name + " (" + m + ")")
		}
	}
	out := event.AdvisedProduct{Vendor: vendor, Name: name, Kind: p.Kind, Models: p.Models, Serials: p.Serials, CPE: p.CPE, PURL: p.PURL, Joined: p.Of != nil}
	for _, u := range p.URIs {
		if id, ours := strings.CutPrefix(u.URI, csaf.AssetNamespace+":"); ours && u.Namespace == csaf.AssetNamespace && id != "" {
			out.Assets = append(out.Assets, id)
		}
	}
	if p.Kind == "product_version" || p.Kind == "product_version_range" {
		out.Version = strings.TrimSpace(p.Text)
	}
	if p.Of != nil {
		r.join(&out, p.Of)
	}
	r.at[p.ID] = i
	r.a.Advised = append(r.a.Advised, out)
	return nil
}

// join makes a firmware on a device into the device with that version: "P3
// Firmware MX-V5.1" on "P3 D24M" is the D24M at MX-V5.1. Other relationships
// stay products that are meant only together.
func (r *reading) join(out *event.AdvisedProduct, of []string) {
	i, known := r.at[of[0]]
	j, too := r.at[of[1]]
	if !known || !too {
		return // a relationship of a relationship that comes later
	}
	part, whole := &r.a.Advised[i], &r.a.Advised[j]
	if part.Version != "" && whole.Version == "" && !part.Joined && !whole.Joined {
		*out = event.AdvisedProduct{Vendor: whole.Vendor, Name: whole.Name, Kind: part.Kind, Version: part.Version,
			Models: whole.Models, Serials: whole.Serials, CPE: whole.CPE, PURL: whole.PURL, Assets: whole.Assets}
	}
}

func (r *reading) text(t string) {
	if t != "" && !r.texts[t] {
		r.texts[t] = true
		r.a.Products = append(r.a.Products, t)
	}
}

// joined puts the family before the name unless the name has it.
func joined(family, name string) string {
	if family == "" || strings.Contains(strings.ToLower(name), strings.ToLower(family)) {
		return name
	}
	return family + " " + name
}

// rankOf orders scoring systems: the newest tells best.
var rankOf = []string{"2.0", "3.0", "3.1", "4.0"}

func (r *reading) vulnerability(i int, v *csaf.Vulnerability) {
	w := event.Weakness{ID: v.CVE, Title: cut(v.Title, maxName)}
	if v.CVE != "" {
		r.a.CVEs = append(r.a.CVEs, v.CVE)
	} else if len(v.IDs) > 0 {
		w.ID = cut(v.IDs[0], maxName)
	}
	for _, s := range v.Scores {
		newer := slices.Index(rankOf, s.Version) - slices.Index(rankOf, w.System)
		if newer > 0 || newer == 0 && s.Base > w.CVSS {
			w.CVSS, w.System, w.Vector = s.Base, s.Version, s.Vector
		}
		r.a.CVSS = max(r.a.CVSS, s.Base)
	}
	r.a.Weaknesses = append(r.a.Weaknesses, w)
	for status, ids := range v.Status {
		for _, id := range ids {
			p := &r.a.Advised[r.at[id]]
			switch status {
			case "known_affected", "first_affected", "last_affected":
				note(&p.Affected, i)
			case "known_not_affected":
				note(&p.Cleared, i)
			case "fixed", "first_fixed":
				note(&p.Fixed, i)
			case "under_investigation":
				note(&p.Open, i)
			}
		}
	}
	for _, f := range v.Fixes {
		r.fix(f)
	}
}

// note adds a number to an ascending list once.
func note(list *[]int, i int) {
	if n := len(*list); n == 0 || (*list)[n-1] != i {
		*list = append(*list, i)
	}
}

func (r *reading) fix(f csaf.Remediation) {
	fix := event.Fix{Kind: f.Category, Details: cut(f.Details, maxDetails), URL: cut(f.URL, maxName)}
	n, known := r.fixes[fix]
	if !known {
		n = len(r.a.Fixes)
		r.fixes[fix] = n
		r.a.Fixes = append(r.a.Fixes, fix)
	}
	for _, id := range f.Products {
		if p := &r.a.Advised[r.at[id]]; !slices.Contains(p.Fixes, n) {
			p.Fixes = append(p.Fixes, n)
		}
	}
}

// cut shortens a text to n bytes, at a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-len("…")], "") + "…"
}

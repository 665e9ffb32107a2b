package csaf

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// minimal is a valid VEX document written for these tests.
const minimal = `{"document":{"category":"csaf_vex","csaf_version":"2.0","lang":"en",
"publisher":{"category":"user","name":"Port of Saltmere","namespace":"https://saltmere.example"},"title":"Lens",
"tracking":{"current_release_date":"2026-01-02T03:04:05Z","id":"SALT-1","initial_release_date":"2026-01-02T03:04:05Z",
"revision_history":[{"date":"2026-01-02T03:04:05Z","number":"1","summary":"First."}],"status":"final","version":"1"}},
"product_tree":{"branches":[{"category":"vendor","name":"Acme","branches":[{"category":"product_name","name":"Lens",
"branches":[{"category":"product_version","name":"2.0","product":{"name":"Acme Lens 2.0","product_id":"P1",
"product_identification_helper":{"model_numbers":["LX-1"]}}}]}]}]},
"vulnerabilities":[{"cve":"CVE-2026-0001","cwe":{"id":"CWE-79","name":"Improper Neutralization of Input During Web Page Generation ('Cross-site Scripting')"},
"notes":[{"category":"summary","text":"Anybody gets in."}],"product_status":{"known_affected":["P1"]},
"remediations":[{"category":"vendor_fix","details":"Install 2.1.","product_ids":["P1"]}],
"scores":[{"products":["P1"],"cvss_v3":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"}}]}]}`

func TestMinimalDocumentIsValid(t *testing.T) {
	r := Check([]byte("\ufeff" + minimal))
	if !r.Valid() || r.ID != "SALT-1" || r.Category != VEX {
		t.Errorf("%+v", r)
	}
}

// TestRead: references are followed, and CVSS 4.0 is read where it stands.
func TestRead(t *testing.T) {
	text := strings.Replace(minimal, `"scores":[{`, `"scores":[{"cvss_v4":{"version":"4.0","vectorString":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N","baseScore":1}},{`, 1)
	text = strings.Replace(text, `"baseScore":1}},{`, `"baseScore":1},`, 1)
	d, r := Read([]byte(text))
	if d == nil {
		t.Fatal(r.Problems)
	}
	want := []Score{{"4.0", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3, []string{"P1"}},
		{"3.1", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, []string{"P1"}}}
	if diff := cmp.Diff(want, d.Vulnerabilities[0].Scores); diff != "" {
		t.Error(diff)
	}
	p := d.Products[0]
	if p.Vendor != "Acme" || !slices.Equal(p.Names, []string{"Lens"}) || p.Kind != "product_version" || p.Text != "2.0" || !slices.Equal(p.Models, []string{"LX-1"}) {
		t.Errorf("%+v", p)
	}
	if d, r := Read([]byte(strings.Replace(minimal, `"known_affected":["P1"]`, `"known_affected":["P9"]`, 1))); d != nil || r.Valid() {
		t.Error("a document with an unknown product was read")
	}
}

// TestFaultsAreNamedByClauseAndPlace changes one thing at a time.
func TestFaultsAreNamedByClauseAndPlace(t *testing.T) {
	tests := []struct{ from, to, clause, path string }{
		{minimal, "", "RFC 8259", ""},
		{minimal, "[]", "3.2", ""},
		{minimal, `{"a":1,"a":2}`, "RFC 8259", ""},
		{minimal, "{\"a\":\"\xff\"}", "RFC 8259", ""},
		{`"title":"Lens",`, "", "3.2.1", "/document"},
		{`"title":"Lens"`, `"title":7`, "3.2.1.11", "/document/title"},
		{`"title":"Lens"`, `"title":""`, "3.2.1.11", "/document/title"},
		{`"lang":"en"`, `"lang":"e n"`, "3.1.4", "/document/lang"},
		{`"lang":"en"`, `"lang":"zq"`, "6.1.12", "/document/lang"},
		{`"category":"user"`, `"category":"captain"`, "3.2.1.8.1", "/document/publisher/category"},
		{`https://saltmere.example`, `saltmere`, "3.2.1.8.5", "/document/publisher/namespace"},
		{`"csaf_version":"2.0"`, `"csaf_version":"2.1"`, "3.2.1.4", "/document/csaf_version"},
		{`"current_release_date":"2026-01-02T`, `"current_release_date":"2026-13-02T`, "3.2.1.12.2", "/document/tracking/current_release_date"},
		{`"number":"1"`, `"number":"01"`, "3.2.1.12.6", "/document/tracking/revision_history/0/number"},
		{`"model_numbers":["LX-1"]`, `"model_numbers":["LX-1","LX-1"]`, "3.1.3.3.3", "/product_tree/branches/0/branches/0/branches/0/product/product_identification_helper/model_numbers/1"},
		{`"model_numbers":["LX-1"]`, `"cpe":"cpe:2.3:h:acme:lens"`, "3.1.3.3.1", "/product_tree/branches/0/branches/0/branches/0/product/product_identification_helper/cpe"},
		{`"model_numbers":["LX-1"]`, `"purl":"pkg:golang/"`, "6.1.13", "/product_tree/branches/0/branches/0/branches/0/product/product_identification_helper/purl"},
		{`{"category":"vendor","name":"Acme",`, `{"category":"vendor","name":"Acme","x":1,`, "3.1.2", "/product_tree/branches/0"},
		{`"known_affected":["P1"]`, `"known_affected":["P2"]`, "6.1.1", "/vulnerabilities/0/product_status/known_affected/0"},
		{`"known_affected":["P1"]`, `"known_affected":["P1"],"fixed":["P1"]`, "6.1.6", "/vulnerabilities/0/product_status/fixed/0"},
		{`"baseScore":9.8`, `"baseScore":9.7`, "6.1.9", "/vulnerabilities/0/scores/0/cvss_v3/baseScore"},
		{`"baseScore":9.8`, `"baseScore":"9.8"`, "6.1.8", "/vulnerabilities/0/scores/0/cvss_v3/baseScore"},
		{`/A:H"`, `"`, "6.1.8", "/vulnerabilities/0/scores/0/cvss_v3/vectorString"},
		{`CWE-79"`, `CWE-80"`, "6.1.11", "/vulnerabilities/0/cwe/name"},
		{`"status":"final"`, `"status":"Final"`, "3.2.1.12.7", "/document/tracking/status"},
		{`"version":"1"}`, `"version":"2"}`, "6.1.16", "/document/tracking/version"},
		{`"name":"2.0"`, `"name":"all versions"`, "6.1.31", "/product_tree/branches/0/branches/0/branches/0/name"},
	}
	for _, tt := range tests {
		changed := strings.Replace(minimal, tt.from, tt.to, 1)
		if changed == minimal {
			t.Fatalf("%q is not in the document", tt.from)
		}
		r := Check([]byte(changed))
		found := slices.ContainsFunc(r.Errors(), func(p Problem) bool { return p.Clause == tt.clause && p.Path == tt.path })
		if !found || r.Valid() {
			t.Errorf("%q for %q: want %s at %s, told %v", tt.to, tt.from, tt.clause, tt.path, r.Errors())
		}
	}
}

func TestNamesOfCPEAndPURL(t *testing.T) {
	for text, good := range map[string]bool{
		"cpe:2.3:h:siemens:s7-1500:-:*:*:*:*:*:*:*":    true,
		"cpe:2.3:a:acme:le\\:ns:2.0:*:*:en-GB:*:*:*:*": true,
		"cpe:2.3:x:acme:lens:2.0:*:*:*:*:*:*:*":        false,
		"cpe:2.3:a:acme:le ns:2.0:*:*:*:*:*:*:*":       false,
		"cpe:2.3:a:acme:lens:2.0:*:*:*:*:*:*":          false,
		"cpe:/h:siemens:simatic_s7-1500":               true,
		"CPE:/a:acme":                                  true,
		"cpe:/q:acme":                                  false,
		"acme":                                         false,
	} {
		if got := cpe(text) == ""; got != good {
			t.Errorf("cpe(%q) is %v", text, got)
		}
	}
	for text, good := range map[string]bool{
		"pkg:golang/github.com/a/b@v1.2.3?os=linux#sub": true,
		"pkg:maven/org.x/y":                             true,
		"pkg:maven/@1.3.4":                              false,
		"pkg:maven/a/@1":                                false,
		"pkg:/name":                                     false,
		"pkg:npm/%zz":                                   false,
		"pkg:npm/a?b":                                   false,
		"npm/a":                                         false,
	} {
		if got := purl(text) == ""; got != good {
			t.Errorf("purl(%q) is %v", text, got)
		}
	}
}

func TestFilename(t *testing.T) {
	for id, want := range map[string]string{"ICSA-24-235-03": "icsa-24-235-03.json", "2022_#01-A": "2022_01-a.json", "Example Company - 2019": "example_company_-_2019.json"} {
		if got := Filename(id); got != want {
			t.Errorf("Filename(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestDeepAndLargeDocumentsAreRefused(t *testing.T) {
	for _, text := range []string{strings.Repeat("[", 5000), strings.Repeat(`{"a":`, 5000), strings.Repeat(" ", MaxDocument+1)} {
		if r := Check([]byte(text)); r.Valid() {
			t.Errorf("%.10q… is taken for valid", text)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte(`{"document":{"tracking":{"revision_history":[{"date":"2026-01-02T03:04:05Z","number":"1.2.3-rc.1+b"}]}}}`))
	f.Add([]byte(`{"product_tree":{"relationships":[{"full_product_name":{"product_id":"a"},"product_reference":"a"}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := Check(text)
		if fmt.Sprint(Check(text)) != fmt.Sprint(r) {
			t.Error("two looks at one document differ")
		}
		for _, p := range r.Problems {
			if p.Clause == "" || p.Text == "" || p.Level.rank() < 0 {
				t.Errorf("a problem without clause, text or level: %+v", p)
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	files := shared(b, "cisa-csaf-ot-white-6960219f.tar.zst")
	text := files["./2024/icsa-24-235-03.json"]
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if r := Check(text); len(r.Problems) == 0 {
			b.Fatal("nothing told")
		}
	}
}

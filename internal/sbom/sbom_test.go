package sbom

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const cdx = `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
{"type":"library","name":"CODESYS Control","version":"3.5.14.0","supplier":{"name":"CODESYS GmbH"},"components":[
 {"type":"library","name":"openssl","version":"1.1.1","purl":"pkg:generic/openssl/openssl@1.1.1"}]},
{"type":"firmware","name":"boot","manufacturer":{"name":"Acme"},"cpe":"cpe:2.3:o:acme:boot:1:*:*:*:*:*:*:*"}]}`

const spdxText = `{"spdxVersion":"SPDX-2.3","packages":[
{"SPDXID":"SPDXRef-1","name":"CODESYS Control","versionInfo":"3.5.14.0","supplier":"Organization: CODESYS GmbH (info@codesys.example)",
 "externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:generic/codesys/control@3.5"}]},
{"SPDXID":"SPDXRef-2","name":"x","supplier":"NOASSERTION","originator":"Organization: Acme"}]}`

func TestRead(t *testing.T) {
	for text, want := range map[string]*List{
		"\ufeff" + cdx: {Format: "CycloneDX 1.5", Components: []Component{
			{Supplier: "CODESYS GmbH", Name: "CODESYS Control", Version: "3.5.14.0", Path: "/components/0"},
			{Supplier: "openssl", Name: "openssl", Version: "1.1.1", PURL: "pkg:generic/openssl/openssl@1.1.1", Path: "/components/0/components/0"},
			{Supplier: "Acme", Name: "boot", CPE: "cpe:2.3:o:acme:boot:1:*:*:*:*:*:*:*", Path: "/components/1"}}},
		spdxText: {Format: "SPDX 2.3", Components: []Component{
			{Supplier: "CODESYS GmbH", Name: "CODESYS Control", Version: "3.5.14.0", PURL: "pkg:generic/codesys/control@3.5", Path: "/packages/0"},
			{Supplier: "Acme", Name: "x", Path: "/packages/1"}}},
		`{"bomFormat":"CycloneDX","specVersion":"1.6"}`: {Format: "CycloneDX 1.6", Components: []Component{}},
	} {
		got, err := Read([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestUnsoundLists(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "ends too early",
		"[]":                                    "which it can't be",
		"{}":                                    "is neither CycloneDX",
		cdx + "x":                               "more behind",
		cdx[:200]:                               "ends too early",
		`{"@graph":[]}`:                         "SPDX 3 is not read",
		strings.Replace(cdx, `"1.5"`, `"9"`, 1): `/specVersion: "9" is none of`,
		strings.Replace(cdx, `"name":"openssl",`, "", 1):           "/components/0/components/0/name: is missing",
		strings.Replace(cdx, `{"type":"firmware",`, "{", 1):        "/components/1/type: is missing",
		strings.Replace(cdx, `"name":"boot"`, `"name":7`, 1):       "/components/name: is number",
		strings.Replace(cdx, "boot", strings.Repeat("x", 2001), 1): "/components/1: has a text longer",
		strings.Replace(spdxText, "SPDX-2.3", "SPDX-1.2", 1):       "/spdxVersion",
		strings.Replace(spdxText, `"SPDXID":"SPDXRef-2",`, "", 1):  "/packages/1/SPDXID: is missing",
		`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[` + strings.Repeat(`{"type":"x","name":"y","components":[`, 40) + strings.Repeat("]}", 40) + "]}": "deeper than 32 levels",
		strings.Repeat(" ", MaxList+1): "larger than 64 MiB",
	} {
		if l, err := Read([]byte(text)); err == nil || l != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s…: %v, want %q", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(cdx))
	f.Add([]byte(spdxText))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := Read(b)
		if err != nil {
			return
		}
		for _, c := range l.Components {
			if c.Name == "" || c.Path == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}

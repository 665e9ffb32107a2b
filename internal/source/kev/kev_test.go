package kev

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/event"
)

type keep struct {
	rows   []event.Exploited
	health event.SourceHealth
}

func (k *keep) Put(_ context.Context, b *event.Batch) error {
	k.rows = append(k.rows, b.Exploited...)
	for _, h := range b.Health {
		k.health = h
	}
	return nil
}

func read(t testing.TB, text string) (*keep, []Rejection, error) {
	t.Helper()
	k := &keep{}
	var rejected []Rejection
	s, err := New(Options{ID: "kev", Path: "-", Stdin: strings.NewReader(text), OnReject: func(r Rejection) { rejected = append(rejected, r) }})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context(), k)
	return k, rejected, err
}

func TestRealCatalogue(t *testing.T) {
	root := os.Getenv("QUAYWATCH_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, "vuln", "known_exploited_vulnerabilities.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("the real catalogue is not here: %v", err)
	}
	k := &keep{}
	s, _ := New(Options{ID: "kev", Path: path})
	if err := s.Run(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	ransom := 0
	for _, e := range k.rows {
		if e.Ransomware {
			ransom++
		}
		part := text[e.Raw.Offset : e.Raw.Offset+int64(e.Raw.Length)]
		if event.SumOf(part) != e.Raw.Sum || !strings.Contains(string(part), e.CVE) {
			t.Fatalf("%s: the raw place does not lead back to it", e.CVE)
		}
	}
	if want := strings.Count(string(text), `"knownRansomwareCampaignUse": "Known"`); len(k.rows) != 1404 || ransom != want || k.health.State != "ended" {
		t.Errorf("%d entries, %d in ransomware campaigns, %s; want 1404, %d, ended", len(k.rows), ransom, k.health.State, want)
	}
}

const entry = `{"cveID":"CVE-2026-0001","vendorProject":" Acme","product":"Lens","vulnerabilityName":"n","dateAdded":"2026-02-03","knownRansomwareCampaignUse":"Known"}`

func TestBadEntriesAreNamedAndTheRestGoesOn(t *testing.T) {
	bad := []struct{ text, want string }{
		{`{"cveID":"CVE-1","dateAdded":"2026-02-03"}`, "/vulnerabilities/1/cveID: is not a CVE id"},
		{`{"cveID":"CVE-2026-0002","dateAdded":"yesterday"}`, "/vulnerabilities/2/dateAdded: is not a date"},
		{`{"cveID":7}`, "/vulnerabilities/3/cveID: is number, not text"},
		{`"CVE-2026-0001"`, "/vulnerabilities/4: entry is not a JSON object"},
		{`{"cveID":"CVE-2026-0002","dateAdded":"2026-02-03","product":"` + strings.Repeat("x", 2001) + `"}`, "/vulnerabilities/5: entry has a field longer"},
		{`{"x":"` + strings.Repeat("x", maxEntry) + `"}`, "/vulnerabilities/6: entry is larger"},
	}
	all := entry
	for _, b := range bad {
		all += "," + b.text
	}
	k, rejected, err := read(t, "\ufeff"+`{"title":"t","count":8,"vulnerabilities":[`+all+","+entry+`]}`)
	if err != nil || len(k.rows) != 2 || int(k.health.Rejected) != len(bad) || len(rejected) == 0 {
		t.Fatalf("%v; %d entries and %d rejected, want 2 and %d", err, len(k.rows), k.health.Rejected, len(bad))
	}
	for i, b := range bad {
		if !strings.HasPrefix(rejected[i].Fault, b.want) {
			t.Errorf("rejected %q, want %q", rejected[i].Fault, b.want)
		}
	}
	got := k.rows[0]
	got.Head = event.Head{}
	if diff := cmp.Diff(event.Exploited{CVE: "CVE-2026-0001", Vendor: "Acme", Product: "Lens", Name: "n", Ransomware: true}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCataloguesThatAreNotWhole(t *testing.T) {
	tests := []struct {
		name, text, want string
		rows             int
	}{
		{"empty", "", "ends too early", 0},
		{"cut", `{"vulnerabilities":[` + entry + `,{"cveID"`, "ends too early, at byte", 1},
		{"damaged", `{"vulnerabilities":[` + entry + `,}]}`, "is not JSON at byte", 1},
		{"fewer than it says", `{"count":3,"vulnerabilities":[` + entry + `]}`, "/count: says 3 entries, but there are 1", 1},
		{"count is text", `{"count":"3","vulnerabilities":[]}`, "/count: is string", 0},
		{"another file", `{"document":{}}`, "/vulnerabilities: is missing", 0},
		{"a list", `[1]`, "this is not the catalogue", 0},
		{"entries are no list", `{"vulnerabilities":{}}`, "this is not the catalogue", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, _, err := read(t, tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Run: %v; want %q", err, tt.want)
			}
			if len(k.rows) != tt.rows || k.health.State != "failed" {
				t.Errorf("%d rows in state %s; want %d, failed", len(k.rows), k.health.State, tt.rows)
			}
		})
	}
}

func FuzzCatalogue(f *testing.F) {
	f.Add(`{"count":1,"vulnerabilities":[` + entry + `]}`)
	f.Add(`{"vulnerabilities":[{},[],null,` + entry + `]`)
	f.Fuzz(func(t *testing.T, text string) {
		k, _, _ := read(t, text)
		for _, e := range k.rows {
			if e.CVE == "" || e.Raw.Length == 0 {
				t.Fatalf("an entry without CVE or place was taken: %+v", e)
			}
		}
	})
}

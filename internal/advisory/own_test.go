package advisory

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/csaf"
	"github.com/quaywatch/quaywatch/internal/port"
)

// TestOwnDocument: a notice of the port keeps the standard in each of its forms, and
// tells its history.
func TestOwnDocument(t *testing.T) {
	p, err := port.Load("../../examples/saltmere/port.yaml")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 26, 12, 0, 0, 5000, time.UTC)
	past := []Revision{{at.AddDate(0, -2, 0), "First release."}, {at.AddDate(0, -1, 0), "The maker answered."}}
	for _, category := range Remedies {
		for _, vector := range []string{"", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:L/A:N"} {
			for _, cve := range []string{"", "CVE-2026-12345"} {
				for n := range len(past) + 1 {
					o := Own{ID: "XZSLM-2026-001", Title: "Crane takes commands", Summary: "From anybody.", Assets: []string{"crane-scada-1", "qc-4"}, CVE: cve, Vector: vector, Category: category, Remedy: "Close the port.", TLP: "AMBER", Change: "Now."}
					if f := o.Faults(p); len(f) > 0 {
						t.Fatal(f)
					}
					text, err := o.Document(p, past[:n], at)
					if err != nil {
						t.Fatalf("%s, %q, %q, after %d: %v", category, vector, cve, n, err)
					}
					d, report := csaf.Read(text)
					if d == nil || !report.Valid() || d.Version != []string{"1", "2", "3"}[n] || len(d.Products) != 2 || !d.Current.Equal(at.Truncate(time.Second)) {
						t.Fatalf("read back: %+v, %v", d, report)
					}
					if !json.Valid(text) || !strings.Contains(string(text), csaf.AssetNamespace+":crane-scada-1") {
						t.Error("the assets are not named")
					}
				}
			}
		}
	}
}

// TestScore31: scores that FIRST publishes in its examples of CVSS 3.1.
func TestScore31(t *testing.T) {
	for vector, want := range map[string]float64{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": 9.8,
		"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N": 6.4, // CVE-2013-1937-like: changed scope
		"CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": 6.8,
	} {
		if got, _, err := csaf.Score31(vector); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", vector, got, err, want)
		}
	}
	if _, _, err := csaf.Score31("CVSS:3.1/AV:N"); err == nil {
		t.Error("half a vector has a score")
	}
}

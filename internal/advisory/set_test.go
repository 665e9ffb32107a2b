package advisory

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
	csaf "github.com/quaywatch/quaywatch/internal/source/advisory"
	"github.com/quaywatch/quaywatch/internal/source/kev"
)

type into struct{ *Set }

func (s into) Put(_ context.Context, b *event.Batch) error { s.Observe(b); return nil }

// loaded is the set of the real notices, read once; tests must not change it.
var loaded *Set

// real loads the public OT advisories and the catalogue beside the project.
func real(t testing.TB) *Set {
	t.Helper()
	if loaded != nil {
		return loaded
	}
	root := os.Getenv("QUAYWATCH_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	archive := filepath.Join(root, "vuln", "cisa-csaf-ot-white-6960219f.tar.zst")
	if _, err := os.Stat(archive); err != nil {
		t.Skipf("the real advisories are not here: %v", err)
	}
	s := New()
	a, err := csaf.New(csaf.Options{ID: "csaf", Path: archive})
	if err != nil {
		t.Fatal(err)
	}
	k, err := kev.New(kev.Options{ID: "kev", Path: filepath.Join(root, "vuln", "known_exploited_vulnerabilities.json")})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context(), into{s}); err != nil {
		t.Fatal(err)
	}
	if err := k.Run(t.Context(), into{s}); err != nil {
		t.Fatal(err)
	}
	loaded = s
	return s
}

func TestRealAdvisories(t *testing.T) {
	s := real(t)
	sum := s.Summary()
	if sum.Advisories != 2379 || sum.Exploited != 1404 || sum.Known != 65 {
		t.Errorf("summary %+v; want 2379 advisories, 1404 exploited, 65 in both", sum)
	}
	// Names of one company are joined: the facts count 149, 82, 64 and about 100.
	for vendor, atLeast := range map[string]int{"SIEMENS AG": 702, "Allen-Bradley": 156, "Mitsubishi": 93, "hitachi energy": 67,
		"Schneider Electric SE": 96, "Moxa Inc.": 28, "Geutebrück": 6, "HID": 3, "Hikvision": 2, "Axis": 1} {
		if n := len(s.ByVendor(vendor)); n < atLeast {
			t.Errorf("%s: %d advisories, want at least %d", vendor, n, atLeast)
		}
	}
	for _, vendor := range []string{"Konecranes", "Kongsberg", "Furuno", "Navis", "Kalmar", "Liebherr", ""} {
		if n := len(s.ByVendor(vendor)); n != 0 {
			t.Errorf("%q: %d advisories, want none", vendor, n)
		}
	}
	e, known := s.ByID("ICSA-24-235-03")
	if !known || len(e.CVEs) != 1 || len(s.ByCVE("CVE-2023-34873")) != 1 {
		t.Errorf("ICSA-24-235-03: known %v, CVEs %v", known, e.CVEs)
	}
}

func TestRealMatches(t *testing.T) {
	s := real(t)
	tests := []struct {
		name            string
		asset           port.Asset
		atLeast, atMost int
		holds           string
		verdict         Verdict
		leaves          string
		silence         string
	}{
		{"controller by article", port.Asset{Vendor: "Siemens AG", Product: "SIMATIC S7-1500", Model: "CPU 1516-3 PN/DP (6ES7516-3AN02-0AB0)", Firmware: "2.8.3"}, 20, 60, "ICSA-23-257-01", Affected, "ICSA-24-235-03", ""},
		{"article alone", port.Asset{Vendor: "Siemens", Model: "6ES7518-4AX00-1AB0", Firmware: "V3.1.0"}, 1, 60, "ICSA-23-348-10", Affected, "", ""},
		{"no vendor, but an article", port.Asset{Model: "6ES7518-4AX00-1AB0", Firmware: "V3.1.0"}, 1, 60, "ICSA-23-348-10", Undecided, "", ""},
		{"camera", port.Asset{Vendor: "MOBOTIX", Product: "P3", Model: "D24M"}, 1, 3, "ICSA-24-235-03", Undecided, "", ""},
		{"controller of a brand", port.Asset{Vendor: "Allen-Bradley", Product: "ControlLogix 5580"}, 3, 60, "ICSA-22-090-05", Affected, "", ""},
		{"no firmware", port.Asset{Vendor: "Moxa", Product: "EDS-G512E"}, 1, 2, "ICSA-19-353-01", Undecided, "", ""},
		{"firmware that is a sentence", port.Asset{Vendor: "Moxa", Product: "EDS-G512E", Firmware: "as delivered in March"}, 1, 2, "ICSA-19-353-01", Undecided, "", ""},
		{"two words for one", port.Asset{Vendor: "Siemens", Product: "SIMATIC ET200SP", Model: "", Firmware: ""}, 1, 200, "", "", "", ""},
		{"crane maker", port.Asset{Vendor: "Konecranes", Product: "ASC"}, 0, 0, "", "", "", "no loaded advisory is of this vendor: no coverage, which says nothing about safety"},
		{"no vendor", port.Asset{Product: "SIMATIC"}, 0, 0, "", "", "", "the register names no vendor"},
		{"only generic words", port.Asset{Vendor: "Siemens", Product: "PLC controller"}, 0, 0, "", "", "", "the register names no product or model that tells this device from others"},
		{"another product", port.Asset{Vendor: "Siemens", Product: "Quaywatcher 9"}, 0, 0, "", "", "", "no loaded advisory of this vendor names this product or model"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.Matches(&tt.asset)
			if len(got) < tt.atLeast || len(got) > tt.atMost {
				t.Errorf("%d matches, want %d to %d", len(got), tt.atLeast, tt.atMost)
			}
			for _, m := range got {
				if m.ID == tt.leaves {
					t.Errorf("%s matches, and should not", m.ID)
				}
				if m.Verdict.rank() < 0 || m.Reason == "" || len(m.Products) == 0 || len(m.Products) > maxTexts || m.Likeness <= 0 || m.Likeness > 1 || m.Remedy == "" {
					t.Errorf("not whole: %+v", m)
				}
				if m.Verdict == Affected && (!m.Certain || m.Likeness < 1) {
					t.Errorf("%s: affected, though the product is uncertain: %+v", m.ID, m)
				}
			}
			if m := verdictOn(s, &tt.asset, tt.holds); tt.holds != "" && m.Verdict != tt.verdict {
				t.Errorf("%s: %q (%s), want %q", tt.holds, m.Verdict, m.Reason, tt.verdict)
			}
			if why := s.Silence(&tt.asset); why != tt.silence {
				t.Errorf("silence %q, want %q", why, tt.silence)
			}
		})
	}
}

// TestFixIsOfTheProductThatDecided: a notice has other fixes for other products.
func TestFixIsOfTheProductThatDecided(t *testing.T) {
	s := real(t)
	m := verdictOn(s, &port.Asset{Vendor: "Siemens", Product: "SIMATIC S7-1500", Model: "CPU 1516-3 PN/DP (6ES7516-3AN02-0AB0)", Firmware: "2.8.3"}, "ICSA-22-349-03")
	if m.Verdict != Affected || strings.Contains(m.Fix, "30.0") {
		t.Errorf("%q, fix %q: that fix is of the software controller", m.Verdict, m.Fix)
	}
}

func TestNewerReleaseReplacesOlder(t *testing.T) {
	at := func(day int, version string) event.Advisory {
		a := event.Advisory{ID: "SALT-1", Version: version, Vendors: []string{"Acme"}, Products: []string{"Acme Lens 9"}, CVEs: []string{"CVE-2026-0001"},
			Weaknesses: []event.Weakness{{ID: "CVE-2026-0001"}}, Advised: []event.AdvisedProduct{{Vendor: "Acme", Name: "Acme Lens 9", Affected: []int{0}}}}
		a.Time = time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC)
		return a
	}
	s := New()
	asset := &port.Asset{Vendor: "ACME, Inc.", Product: "Lens 9"}
	for _, a := range []event.Advisory{at(2, "2"), at(1, "1"), at(3, "3")} {
		s.Observe(&event.Batch{Advisories: []event.Advisory{a}})
		_ = s.Matches(asset)
	}
	s.Observe(&event.Batch{Exploited: []event.Exploited{{CVE: "CVE-2026-0001", Ransomware: true}}})
	if e, _ := s.ByID("SALT-1"); e.Version != "3" || len(e.Exploited) != 1 {
		t.Errorf("version %s, %d exploited; want 3 and 1", e.Version, len(e.Exploited))
	}
	got := s.Matches(asset)
	if len(got) != 1 || len(got[0].Exploited) != 1 || got[0].By != ByProduct {
		t.Errorf("candidates after the catalogue came: %+v", got)
	}
	if _, known := s.ByID("nothing"); known {
		t.Error("an id that was never loaded is known")
	}
}

func TestVendorNames(t *testing.T) {
	tests := map[string][]string{
		" Hitachi Energy":                                     {"hitachi energy"},
		"Schneider Electric Software, LLC":                    {"schneider electric"},
		"GeutebrÃ¼ck GmbH":                                    {"geutebruck"},
		"Geutebrück":                                          {"geutebruck"},
		"Mitsubishi Electric Corporation":                     {"mitsubishi electric"},
		"Exacq Technologies, Johnson Controls Inc.":           {"exacq technologies johnson controls", "exacq", "johnson controls"},
		"General Electric (GE) and Emerson":                   {"general electric ge and emerson", "general electric", "emerson"},
		"Siemens Healthineers, Siemens":                       {"siemens healthineers siemens", "siemens"},
		"AG":                                                  {"ag"},
		"Sensormatic, an affiliate of Johnson Controls, Inc.": {"sensormatic an affiliate of johnson controls", "sensormatic", "johnson controls"},
		"": nil,
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, vendorKeys(text)); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("GeutebrÃ¼ck, a subsidiary of (X) and Y")
	f.Fuzz(func(t *testing.T, s string) {
		if once := fold(s); fold(once) != once {
			t.Errorf("folding %q twice gives another name: %q, %q", s, once, fold(once))
		}
		_ = vendorKeys(s)
		_, _ = telling(s, s), newDevice(&port.Asset{Vendor: s, Product: s, Model: s, Firmware: s})
	})
}

func BenchmarkCandidates(b *testing.B) {
	s := real(b)
	_ = s.Summary()
	i := 0
	for b.Loop() {
		i++
		s.Matches(&port.Asset{Vendor: "Siemens", Product: "SIMATIC S7-1500", Model: fmt.Sprint("CPU ", i)})
	}
}

// TestAtOnce asks and loads from several goroutines; the race detector watches.
func TestAtOnce(t *testing.T) {
	s, a := lens(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 50 {
				b := *a
				b.Firmware = fmt.Sprintf("%d.%d", i%3, n)
				s.Matches(&b)
				s.Silence(&b)
				if i == 0 {
					e, _ := s.ByID("SALT-1")
					e.Time = time.Unix(int64(n), 0)
					s.Observe(&event.Batch{Advisories: []event.Advisory{e.Advisory}})
					s.Concerning("SALT-1", []port.Asset{b})
				}
				_ = s.Summary()
			}
		})
	}
	all.Wait()
	if m := s.Matches(a); len(m) != 1 || m[0].Verdict != Affected {
		t.Errorf("%+v", m)
	}
}

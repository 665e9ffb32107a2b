package advisory

import (
	"testing"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// TestNamedDevices: notices of the port's own name assets, and notices of makers
// serial numbers.
func TestNamedDevices(t *testing.T) {
	s := New()
	s.Observe(&event.Batch{Advisories: []event.Advisory{
		{ID: "OWN-1", Vendors: []string{"Own"}, Weaknesses: []event.Weakness{{ID: "OWN-1-1"}},
			Advised: []event.AdvisedProduct{{Vendor: "Own", Name: "crane link", Assets: []string{"qc-4-link"}, Affected: []int{0}}}},
		{ID: "LIFT-1", Vendors: []string{"Lift"}, Weaknesses: []event.Weakness{{ID: "CVE-2026-0001"}},
			Advised: []event.AdvisedProduct{{Vendor: "Lift", Name: "Reach 900", Serials: []string{"SN-0042"}, Affected: []int{0}}}},
	}})
	for name, tt := range map[string]struct {
		asset port.Asset
		id    string
		by    By
		want  Verdict
	}{
		"asset without vendor":       {port.Asset{ID: "qc-4-link"}, "OWN-1", ByAsset, Affected},
		"another asset":              {port.Asset{ID: "qc-5-link"}, "OWN-1", "", ""},
		"serial of the maker":        {port.Asset{ID: "a", Vendor: "LIFT Inc.", Product: "Reach 900", Serial: "sn 0042"}, "LIFT-1", BySerial, Affected},
		"same serial, other maker":   {port.Asset{ID: "b", Vendor: "Konecranes", Product: "x", Serial: "SN-0042"}, "LIFT-1", BySerial, Undecided},
		"product, another serial":    {port.Asset{ID: "c", Vendor: "Lift", Product: "Reach 900", Serial: "SN-0043"}, "LIFT-1", ByProduct, Undecided},
		"product, no serial":         {port.Asset{ID: "d", Vendor: "Lift", Product: "Reach 900"}, "LIFT-1", ByProduct, Undecided},
		"product, same twice":        {port.Asset{ID: "e", Vendor: "Lift", Product: "Reach 900", Serial: "SN-0042"}, "LIFT-1", BySerial, Affected},
		"product, no serial, cached": {port.Asset{ID: "f", Vendor: "Lift", Product: "Reach 900"}, "LIFT-1", ByProduct, Undecided},
	} {
		if m := verdictOn(s, &tt.asset, tt.id); m.Verdict != tt.want || m.By != tt.by {
			t.Errorf("%s: %q by %q (%s), want %q by %q", name, m.Verdict, m.By, m.Reason, tt.want, tt.by)
		}
	}
	if got := s.Concerning("OWN-1", []port.Asset{{ID: "x"}, {ID: "qc-4-link"}}); len(got) != 1 || got[0].Asset != "qc-4-link" {
		t.Errorf("OWN-1 concerns %+v", got)
	}
}

// TestNoticesWithoutProducts: what was kept by an older release of the program
// names products only as texts, and is never silent.
func TestNoticesWithoutProducts(t *testing.T) {
	s := New()
	s.Observe(&event.Batch{Advisories: []event.Advisory{{ID: "OLD-1", Vendors: []string{"Acme"}, Products: []string{"Acme Lens 9"}, CVEs: []string{"CVE-2026-0001"}}}})
	m := verdictOn(s, &port.Asset{Vendor: "Acme", Product: "Lens 9", Firmware: "2.0"}, "OLD-1")
	if len(m.CVEs) != 1 || m.Verdict != Undecided || m.Reason != "the notice does not say whether this product is affected" {
		t.Errorf("%q (%s)", m.Verdict, m.Reason)
	}
}

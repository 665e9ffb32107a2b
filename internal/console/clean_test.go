package console

import (
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// TestWhatTheNetworkSaysIsCleaned: what a device says of itself goes into the register
// without control characters, cut, and as no formula, when it is adopted and when a field
// of it is taken.
func TestWhatTheNetworkSaysIsCleaned(t *testing.T) {
	for said, want := range map[string]string{
		"V3.2.6":                   "V3.2.6",
		"1.0\r\nevil,row\x00":      "1.0evil,row",
		"=HYPERLINK(\"http://x\")": "HYPERLINK(\"http://x\")",
		"@SUM(A1)":                 "SUM(A1)",
		"+cmd|' /C calc'!A0":       "cmd|' /C calc'!A0",
		"-cmd":                     "cmd",
		"-12.5":                    "-12.5",
		"\t=1+1":                   "1+1",
		"Übersee 東京":               "Übersee 東京",
		"a\u2028b\u0085c\ufffd":    "abc",
		strings.Repeat("é", 200):   strings.Repeat("é", 120),
		"\xff\xfebroken":           "broken",
		"= = =":                    "",
	} {
		if got := clean(said); got != want {
			t.Errorf("%q becomes %q, want %q", said, got, want)
		}
		row := assetRow{Asset: &port.Asset{ID: "a", Firmware: "1"}, Host: &network.Host{Firmware: said}}
		fixes := corrections(row)
		switch {
		case want == "" && len(fixes) != 0, want != "" && (len(fixes) != 1 || fixes[0].Value != want):
			t.Errorf("%q is taken as %+v", said, fixes)
		}
		if a := additionOf(row.Host); a.Firmware != want {
			t.Errorf("%q is adopted as %q", said, a.Firmware)
		}
	}
}

package ics_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/ics"
)

// family joins the names that one conversation may go through.
func family(app string) string {
	switch app {
	case "s7comm", "s7comm-plus", "cotp":
		return "iso"
	}
	return app
}

// TestEveryPrefixOfEveryPacket cuts each payload of the captures at each length,
// once as a whole datagram or segment and once as what a snap length left of it.
// None may panic, and none may be given the name of another protocol.
func TestEveryPrefixOfEveryPacket(t *testing.T) {
	dir := captures(t)
	seen := map[string]bool{}
	n := 0
	var r ics.Result
	for _, path := range captureFiles(t, dir) {
		here := 0
		forEachSegment(t, path, func(s ics.Segment, _, _ string) {
			k := string(s.Payload)
			if seen[k] || here >= 1500 {
				return
			}
			seen[k] = true
			here++
			ics.Inspect(s, &r)
			whole := family(r.Application)
			// Long payloads: every length up to 200 and some of the rest; the
			// dissectors bound what they look at by then.
			for cut := 0; cut < len(s.Payload); cut++ {
				if cut > 200 && cut%37 != 0 {
					continue
				}
				for _, missing := range []int{0, len(s.Payload) - cut} {
					p := s
					p.Payload, p.Missing = s.Payload[:cut:cut], missing
					ics.Inspect(p, &r)
					check(t, &r, p.Payload)
					n++
					if got := family(r.Application); got != "" && whole != "" && got != whole {
						t.Fatalf("%s: %d of %d bytes of a %s message are named %s: %s", filepath.Base(path), cut, len(s.Payload), whole, got, r.Why)
					}
				}
			}
		})
	}
	t.Logf("%d prefixes", n)
}

// TestCapturesOfOneProtocolHaveNoOther: industrial names appear in the captures
// of their own protocol only. Each segment is looked at by itself as well, so that
// a name can't hide behind what the conversation began as.
func TestCapturesOfOneProtocolHaveNoOther(t *testing.T) {
	dir := captures(t)
	own := map[string]string{
		"modbus": "modbus", "s7comm": "iso", "enip": "enip", "bacnet": "bacnet", "dnp3": "dnp3",
		"hart-ip": "hart-ip", "omron-fins": "fins", "opcua-binary": "opcua",
	}
	var r ics.Result
	for folder, want := range own {
		for _, path := range captureFiles(t, filepath.Join(dir, "icsnpp", folder)) {
			alone := map[string]int{}
			forEachSegment(t, path, func(s ics.Segment, _, _ string) {
				ics.Inspect(s, &r)
				alone[family(r.Application)]++
			})
			for app, n := range alone {
				if app != "" && app != want && !innocent[app] {
					t.Errorf("%s: %d segments are named %q", filepath.Base(path), n, app)
				}
			}
			if alone[want] == 0 {
				t.Errorf("%s: no segment by itself is named %q", filepath.Base(path), want)
			}
		}
	}
}

func captureFiles(t testing.TB, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		if err == nil && strings.Contains(filepath.Ext(p), ".pcap") {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

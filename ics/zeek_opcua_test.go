package ics_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOPCUAAgreesWithZeek(t *testing.T) {
	for name, c := range map[string]struct {
		capture string
		rows    int  // of identity in Zeek's logs
		gap     bool // Zeek's parser gives up at the gap; we go on at the next message
	}{
		"basic":                   {"open62541_client-server_mainloop.pcap", 4, false},
		"non-standard-port":       {"open62541_client-server_mainloop-not-localhost-non-standard-port.pcap", 4, false},
		"no-handshake":            {"open62541_client-server_mainloop-no-handshake.pcap", 3, false},
		"data-gap":                {"opcua_with-gap.pcap", 1, true},
		"data-gap_with-handshake": {"opcua_with-gap_with-handshake.pcap", 5, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(captures(t), "icsnpp", "opcua-binary", "tests")
			base := filepath.Join(dir, "baseline", "analyzer."+name)
			heard := replay(t, filepath.Join(dir, "traces", c.capture))
			got, want := map[string]int{}, map[string]int{}
			for _, f := range heard.functions {
				switch {
				case f.Protocol != "opcua":
				case f.Code == 397:
					got["ServiceFault"]++
				case f.Request:
					got[f.Name+"Request"]++
				case f.Name != "error":
					got[f.Name+"Response"]++
				}
			}
			for _, row := range zeekLog(t, filepath.Join(base, "opcua_binary.log")) {
				for _, v := range row {
					if strings.HasSuffix(v, "Request") || strings.HasSuffix(v, "Response") || v == "ServiceFault" {
						want[v]++
					}
				}
			}
			if m := missed(want, got); len(m) > 0 {
				t.Errorf("missed: %v", m)
			}
			if diff := cmp.Diff(want, got); diff != "" && !c.gap {
				t.Errorf("services (-zeek +ics):\n%s", diff)
			}
			said := map[string]int{}
			for _, s := range heard.said {
				if uri := s.facts["opcua-application-uri"]; uri != "" {
					said[s.from+" "+s.facts["opcua-endpoint"]+"|"+uri+"|"+s.identity.Product+"|"+s.identity.Name]++
				}
			}
			rows := map[string]int{}
			for _, log := range []string{"opcua_binary_create_session_endpoints.log", "opcua_binary_get_endpoints_description.log"} {
				if !exists(filepath.Join(base, log)) {
					continue
				}
				for _, row := range zeekLog(t, filepath.Join(base, log)) {
					rows[row[7]+" "+row[11]+"|"+row[12]+"|"+row[13]+"|"+row[16]]++
				}
			}
			if exists(filepath.Join(base, "opcua_binary_create_session.log")) {
				for _, row := range zeekLog(t, filepath.Join(base, "opcua_binary_create_session.log")) {
					if row[6] == "T" && row[11] != "-" { // the client's own description
						rows[row[7]+" |"+row[11]+"|"+strings.Trim(row[12], "-")+"|"+strings.Trim(row[15], "-")]++
					}
				}
			}
			if m := missed(rows, said); len(m) > 0 {
				t.Errorf("missed: %v\n got %v", m, said)
			}
			counted(t, rows, c.rows)
		})
	}
}

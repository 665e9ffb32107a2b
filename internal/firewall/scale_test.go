package firewall

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkManyZones judges 1,000 rules between 1,000 zones with 2,000 conduits.
func BenchmarkManyZones(b *testing.B) {
	var text strings.Builder
	text.WriteString("port: {name: Test Port, locode: XZTST, time_zone: Etc/UTC, currency: EUR, security_level: 1, centre: [1.0, 52.0]}\nzones:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "  - {id: z%d, domain: %s, level: 3, sl_target: 1, networks: [10.%d.%d.0/24]}\n", i, []string{"it", "ot"}[i%2], i/256, i%256)
	}
	text.WriteString("conduits:\n")
	for i := range 2000 {
		fmt.Fprintf(&text, "  - {id: c%d, from: z%d, to: z%d, reason: r, allow: [{transport: tcp, ports: [%d]}]}\n", i, i%1000, (i*7+1)%1000, 1000+i%50)
	}
	p := testPort(b, text.String())
	var rules strings.Builder
	rules.WriteString("ASA Version 9.16(4)\ninterface G0/0\n nameif low\n security-level 50\n ip address 10.0.0.1 255.254.0.0\ninterface G0/1\n nameif high\n security-level 60\n ip address 10.2.0.1 255.254.0.0\n")
	for i := range 1000 {
		fmt.Fprintf(&rules, "access-list A extended permit tcp 10.%d.%d.0 255.255.255.0 10.%d.%d.0 255.255.255.0 eq %d\n", i%1000/256, i%256, (i*7+1)%1000/256, (i*7+1)%1000%256, 1000+i%50)
	}
	rules.WriteString("access-group A global\n")
	b.ResetTimer()
	for b.Loop() {
		pol, err := Read("many", []byte(rules.String()), Options{})
		if err != nil {
			b.Fatal(err)
		}
		if r := Judge(p, noon, []*Device{Place(p, pol, "")}); len(r.Rules) < 100 {
			b.Fatalf("only %d rules judged", len(r.Rules))
		}
	}
}

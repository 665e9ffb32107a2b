package firewall

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/port"
)

// manyZones is a port of so many zones and conduits, with a firewall of a thousand
// rules between the lower and the upper half, of which every tenth is undue.
func manyZones(b *testing.B, zones, conduits int) (*port.Port, string) {
	b.Helper()
	network := func(i int) string { return fmt.Sprintf("10.%d.%d.0", i/256, i%256) }
	var text strings.Builder
	text.WriteString("port: {name: Test Port, locode: XZTST, time_zone: Etc/UTC, currency: EUR, security_level: 1, centre: [1.0, 52.0]}\nzones:\n")
	for i := range zones {
		fmt.Fprintf(&text, "  - {id: z%d, domain: %s, level: 3, sl_target: 1, networks: [%s/24]}\n", i, []string{"it", "ot"}[i%2], network(i))
	}
	text.WriteString("conduits:\n")
	for i := range conduits {
		fmt.Fprintf(&text, "  - {id: c%d, from: z%d, to: z%d, reason: r, allow: [{transport: tcp, ports: [%d]}]}\n", i, i%zones, (i*7+1)%zones, 1000+i%50)
	}
	half := zones / 2 / 256
	var rules strings.Builder
	fmt.Fprintf(&rules, "ASA Version 9.16(4)\ninterface G0/0\n nameif low\n security-level 50\n ip address 10.0.0.1 255.255.255.0\ninterface G0/1\n nameif high\n security-level 60\n ip address 10.%d.0.1 255.255.255.0\n", half)
	for i := range zones {
		side := "low"
		if i/256 >= half {
			side = "high"
		}
		fmt.Fprintf(&rules, "route %s %s 255.255.255.0 10.%d.0.2\n", side, network(i), map[string]int{"low": 0, "high": half}[side])
	}
	for i := range 1000 {
		port := 1000 + i%50
		if i%10 == 0 {
			port = 4000
		}
		fmt.Fprintf(&rules, "access-list A extended permit tcp %s 255.255.255.0 %s 255.255.255.0 eq %d\n", network(i%zones), network((i*7+1)%zones), port)
	}
	rules.WriteString("access-group A global\n")
	return testPort(b, text.String()), rules.String()
}

// BenchmarkManyZones judges 1,000 rules between 1,000 zones with 2,000 conduits.
func BenchmarkManyZones(b *testing.B) {
	p, rules := manyZones(b, 1000, 2000)
	for b.Loop() {
		pol, err := Read("many", []byte(rules), Options{})
		if err != nil {
			b.Fatal(err)
		}
		if r := Judge(p, noon, []*Device{Place(p, pol, "")}); len(r.Rules) < 100 {
			b.Fatalf("only %d rules judged", len(r.Rules))
		}
	}
}

// BenchmarkSurvey judges 1,000 rules between 5,000 zones with 5,000 conduits, once
// as they are and once with a rule before them that lets everything through.
func BenchmarkSurvey(b *testing.B) {
	p, rules := manyZones(b, 5000, 5000)
	for name, text := range map[string]string{"narrow": rules, "open": strings.Replace(rules, "access-list", "access-list A extended permit ip any any\naccess-list", 1)} {
		pol, err := Read("many", []byte(text), Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s := NewSurvey(p, noon, []*Device{Place(p, pol, "")})
				if len(s.Open) < 100 || name == "open" && s.Left == 0 {
					b.Fatalf("only %d open pairs, %d left", len(s.Open), s.Left)
				}
			}
		})
	}
}

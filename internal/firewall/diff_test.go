package firewall

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestDiffAgainstOracle changes made-up configurations by a line and asks two
// oracles about random packets: the difference must hold exactly those that they
// answer differently.
func TestDiffAgainstOracle(t *testing.T) {
	different, same := 0, 0
	for _, vendor := range []string{"iptables", "asa", "fortios", "panos"} {
		for seed := range uint64(12) {
			r := rand.New(rand.NewPCG(seed, 5))
			before := makeUp(vendor, r)
			after := changeLine(vendor, before, r)
			name := fmt.Sprintf("%s-%d", vendor, seed)
			pa, err := Read(name, []byte(before), Options{})
			if err != nil {
				t.Fatal(err)
			}
			pb, err := Read(name, []byte(after), Options{})
			if err != nil {
				t.Fatal(err)
			}
			d := Diff(pa, pb)
			oa, ob := newOracle(vendor, before), newOracle(vendor, after)
			both := &Policy{Interfaces: d.Interfaces}
			v := newVocabulary(before+after, d.Interfaces[1:])
			fates := []Fate{}
			for _, c := range d.Changes {
				fates = append(fates, Fate{Packets: c.Packets})
			}
			for i := range *oraclePackets / 3 {
				h := v.packet(r)
				if i%2 == 0 && len(fates) > 0 {
					h = aimed(r, both, fates)
				}
				var got []string
				for _, c := range d.Changes {
					for _, m := range c.Packets {
						if m.Has(h.packet(both)) {
							got = append(got, c.Was.String()+" to "+c.Is.String())
						}
					}
				}
				var want []string
				if was, is := verdictOf(oa.fate(h)), verdictOf(ob.fate(h)); was != is {
					want = append(want, was.String()+" to "+is.String())
					different++
				} else {
					same++
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%s: %s: the difference says %v, the oracles %v\nbefore:\n%s\nafter:\n%s", name, h, got, want, before, after)
				}
			}
		}
	}
	t.Logf("%d packets differ, %d don't", different, same)
	if different == 0 {
		t.Error("no change made a difference")
	}
}

func verdictOf(outcome int) Verdict {
	switch outcome {
	case mayPermit:
		return Permit
	case mayDeny:
		return Deny
	}
	return Undecided
}

// changeLine opens, closes or takes out one rule.
func changeLine(vendor, text string, r *rand.Rand) string {
	lines := strings.Split(text, "\n")
	swap := map[string][2]string{"iptables": {"-j ACCEPT", "-j DROP"}, "asa": {"extended permit", "extended deny"}, "fortios": {"set action accept", "set action deny"}, "panos": {"action allow", "action drop"}}[vendor]
	var at []int
	for i, l := range lines {
		if strings.Contains(l, swap[0]) || strings.Contains(l, swap[1]) {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return text
	}
	i := pick(r, at)
	if strings.Contains(lines[i], swap[0]) {
		lines[i] = strings.Replace(lines[i], swap[0], swap[1], 1)
	} else {
		lines[i] = strings.Replace(lines[i], swap[1], swap[0], 1)
	}
	return strings.Join(lines, "\n")
}

// TestDiffByName compares interfaces by name: a pattern of one configuration
// covers the names of the other.
func TestDiffByName(t *testing.T) {
	const base = "*filter\n:FORWARD DROP [0:0]\n%s\nCOMMIT\n"
	read := func(rule string) *Policy {
		p, err := Read("t", fmt.Appendf(nil, base, rule), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	d := Diff(read("-A FORWARD -i eth+ -j ACCEPT"), read("-A FORWARD -i eth0 -j ACCEPT"))
	r := d.Report()
	if len(r) != 1 || r[0].Was != Permit || r[0].Is != Deny || fmt.Sprint(r[0].Traffic) != "[0.0.0.0/0 in eth+ to 0.0.0.0/0, any service]" {
		t.Errorf("a pattern narrowed to one name: %+v", r)
	}
	if d := Diff(read("-A FORWARD -i eth0 -j ACCEPT"), read("-A FORWARD -i eth0 -j ACCEPT\n-A FORWARD -i eth0 -p tcp -j ACCEPT")); len(d.Changes) > 0 {
		t.Errorf("a rule that is never reached makes a difference: %+v", d.Report())
	}
}

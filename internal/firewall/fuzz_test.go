package firewall

import (
	"math/rand/v2"
	"os"
	"testing"
)

// FuzzRead gives readers rubbish. Whatever can be read must give every packet one
// fate, and no line may be told that is not there.
func FuzzRead(f *testing.F) {
	for _, vendor := range []string{"iptables", "nftables", "asa", "fortios", "panos"} {
		for seed := range uint64(3) {
			f.Add([]byte(makeUp(vendor, rand.New(rand.NewPCG(seed, 1)))))
		}
	}
	for _, file := range []string{"../../examples/saltmere/firewall/nms-1.rules", "../../examples/saltmere/firewall/fw-terminal-1.conf"} {
		if data, err := os.ReadFile(file); err == nil {
			f.Add(data)
		}
	}
	f.Add([]byte(panXMLText))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read("fuzz", data, Options{})
		if err != nil {
			return
		}
		lines := 1
		for _, b := range data {
			if b == '\n' {
				lines++
			}
		}
		for _, u := range p.Unread {
			if u.Line > lines {
				t.Errorf("line %d of %d is not understood", u.Line, lines)
			}
		}
		if p.Rules > 400 {
			return // decided elsewhere: it takes its time
		}
		fates := p.Decide(All())
		v := newVocabulary("10.1.1.7 443", p.Interfaces[1:min(len(p.Interfaces), 9)])
		r := rand.New(rand.NewPCG(1, 1))
		for range 20 {
			packet := v.packet(r).packet(p)
			n := 0
			for _, x := range fates {
				for _, m := range x.Packets {
					if m.Has(packet) {
						n++
					}
				}
			}
			if n != 1 {
				t.Errorf("%v has %d fates", packet, n)
			}
		}
	})
}

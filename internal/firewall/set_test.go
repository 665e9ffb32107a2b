package firewall

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// smallSet draws a set of ports below 64, with the plain list of its members.
func smallSet(t *rapid.T, name string) (Set, [64]bool) {
	var s Set
	var has [64]bool
	for range rapid.IntRange(0, 6).Draw(t, name) {
		low := rapid.IntRange(0, 63).Draw(t, "low")
		high := min(63, low+rapid.IntRange(0, 9).Draw(t, "length"))
		s = append(s, Between(low, high)...)
		for v := low; v <= high; v++ {
			has[v] = true
		}
	}
	return s.tidy(), has
}

// TestSets compares the algebra of sets with lists of their members.
func TestSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, inA := smallSet(t, "a")
		b, inB := smallSet(t, "b")
		or, and, not := a.or(b), a.and(b), a.not(DstPort)
		for v := range 64 {
			at := num{0, uint64(v)}
			if or.has(at) != (inA[v] || inB[v]) || and.has(at) != (inA[v] && inB[v]) || not.has(at) == inA[v] {
				t.Fatalf("%d: or %v, and %v, not %v of %v and %v", v, or.has(at), and.has(at), not.has(at), a, b)
			}
		}
		for _, s := range []Set{or, and, not} {
			if !s.equal(s.tidy()) {
				t.Fatalf("%v is not tidy", s)
			}
		}
		if !a.not(DstPort).not(DstPort).equal(a) {
			t.Fatalf("twice turned around %v is %v", a, a.not(DstPort).not(DstPort))
		}
	})
}

// TestPrefixes cuts ranges into prefixes: they hold each address of the range
// once, and no others.
func TestPrefixes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Uint32().Draw(t, "low")
		high := low + min(rapid.Uint32Range(0, 5000).Draw(t, "length"), ^low)
		v4 := func(v uint32) netip.Addr {
			return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
		}
		prefixes := Prefixes(AddressRange(v4(low), v4(high)), 1000)
		next := v4(low)
		for _, p := range prefixes {
			if p.Addr() != next || p != p.Masked() {
				t.Fatalf("%s does not follow on %s in %v", p, next, prefixes)
			}
			last := next
			for range uint64(1) << (32 - p.Bits()) {
				last, next = next, next.Next()
			}
			if !p.Contains(last) {
				t.Fatalf("%s ends before %s", p, last)
			}
		}
		if want := v4(high).Next(); next != want {
			t.Fatalf("ends before %s, not %s", next, want)
		}
	})
}

package ais

import (
	"testing"
)

// Every character at every place among eight, against the alphabet as written.
func TestArmour(t *testing.T) {
	const alphabet = "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVW`abcdefghijklmnopqrstuvw"
	value := map[byte]uint64{}
	for i := range len(alphabet) {
		value[alphabet[i]] = uint64(i)
	}
	for _, rest := range []byte{'0', 'W', '`', 'w', 0x00, 0x5f, 0x7f, 0xff} {
		for at := range 8 {
			for c := range 256 {
				var x, want, wantBad uint64
				for i := range 8 {
					b := rest
					if i == at {
						b = byte(c)
					}
					x |= uint64(b) << (8 * i)
					v, ok := value[b]
					want = want<<6 | v
					if !ok {
						wantBad |= 0xff << (8 * i)
					}
				}
				bad := strays(x)
				if bad&^wantBad != 0 || popBytes(bad) != popBytes(wantBad) {
					t.Fatalf("%016x: strays %016x, want within %016x", x, bad, wantBad)
				}
				if bad == 0 && unarmour8(x) != want {
					t.Fatalf("%016x: %012x, want %012x", x, unarmour8(x), want)
				}
			}
		}
	}
}

// popBytes counts the bytes that are not zero.
func popBytes(x uint64) (n int) {
	for ; x != 0; x >>= 8 {
		if x&0xff != 0 {
			n++
		}
	}
	return n
}

package loss

import (
	"math"
	"slices"
)

// ascending returns a sorted copy of losses, none of which is negative or NaN.
// The bits of such numbers order as they do, so large sets are sorted by radix,
// in four passes of sixteen bits, which a million years need to stay cheap.
func ascending(v []float64) []float64 {
	out := slices.Clone(v)
	if len(v) < 1<<14 {
		slices.Sort(out)
		return out
	}
	spare := make([]float64, len(v))
	var counts [4][1 << 16]uint32
	for _, x := range out {
		b := math.Float64bits(x)
		counts[0][b&0xffff]++
		counts[1][b>>16&0xffff]++
		counts[2][b>>32&0xffff]++
		counts[3][b>>48]++
	}
	for pass := range counts {
		shift := 16 * pass
		count := &counts[pass]
		if count[math.Float64bits(out[0])>>shift&0xffff] == uint32(len(out)) {
			continue // all alike here
		}
		at := uint32(0)
		for i, n := range count {
			count[i] = at
			at += n
		}
		for _, x := range out {
			d := math.Float64bits(x) >> shift & 0xffff
			spare[count[d]] = x
			count[d]++
		}
		out, spare = spare, out
	}
	return out
}

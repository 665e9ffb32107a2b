package loss

import "hash/fnv"

// numbers is a sequence of random numbers (SplitMix64: Steele, Lea and Flood
// 2014). Each year of each scenario has its own, so they are never shared.
type numbers uint64

const golden = 0x9e3779b97f4a7c15

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// key names the numbers of a scenario or shock under a seed.
func key(seed uint64, kind, name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(kind + "\x00" + name))
	return mix(mix(seed+golden) ^ h.Sum64())
}

// yearOf begins the numbers of one year: mixed is mix of the year, computed
// once for all scenarios.
func yearOf(key, mixed uint64) numbers { return numbers(mix(key ^ mixed)) }

// next is uniform in [0,1), of 53 bits.
func (n *numbers) next() float64 {
	*n += golden
	return float64(mix(uint64(*n))>>11) * 0x1p-53
}

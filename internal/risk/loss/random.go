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

// yearOf begins the numbers of one year: mixed is mixedYear of it, computed once
// for all scenarios.
func yearOf(key, mixed uint64) numbers { return numbers(mix(key ^ mixed)) }

func mixedYear(y int) uint64 { return mix(uint64(y) + golden) }

// first is the number with which every sequence begins: most scenarios need no
// more in most years.
func (n numbers) first() float64 { return uniform(uint64(n)) }

// next is the following number.
func (n *numbers) next() float64 {
	*n += golden
	return uniform(mix(uint64(*n)))
}

// uniform is in [0,1), of 53 bits.
func uniform(z uint64) float64 { return float64(z>>11) * 0x1p-53 }

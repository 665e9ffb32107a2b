package firewall

import "slices"

// space is the header space cut into classes: values of a dimension that no set
// at hand tells apart are one class. A set is then a string of bits, and the
// algebra is that of bits, whatever the dimension.
type space struct {
	starts [dims][]num // first value of each class
}

func newSpace(matches ...[]Match) *space {
	s := &space{}
	for d := range dims {
		cuts := []num{{}}
		top := full(d)[0].hi
		for _, list := range matches {
			for i := range list {
				for _, x := range list[i][d] {
					cuts = append(cuts, x.lo)
					if x.hi != top {
						cuts = append(cuts, x.hi.next())
					}
				}
			}
		}
		slices.SortFunc(cuts, num.cmp)
		s.starts[d] = slices.Compact(cuts)
	}
	return s
}

type bitset []uint64

// box is a set of packets: a set of classes for each dimension. Its bits are
// shared between boxes and never changed.
type box [dims]bitset

func (s *space) words(d Dim) int { return (len(s.starts[d]) + 63) / 64 }

func (s *space) bits(d Dim, set Set) bitset {
	b := make(bitset, s.words(d))
	for _, x := range set {
		at, _ := slices.BinarySearchFunc(s.starts[d], x.lo, num.cmp)
		for ; at < len(s.starts[d]) && s.starts[d][at].cmp(x.hi) <= 0; at++ {
			b[at/64] |= 1 << (at % 64)
		}
	}
	return b
}

func (s *space) box(m Match) box {
	var b box
	for d := range dims {
		b[d] = s.bits(d, m[d])
	}
	return b
}

func (s *space) boxes(list []Match) []box {
	var out []box
	for i := range list {
		if !list[i].Empty() {
			out = append(out, s.box(list[i]))
		}
	}
	return out
}

// set turns classes back into values.
func (s *space) set(d Dim, b bitset) Set {
	var out Set
	top := full(d)[0].hi
	for at := range s.starts[d] {
		if b[at/64]>>(at%64)&1 == 0 {
			continue
		}
		high := top
		if at+1 < len(s.starts[d]) {
			high = s.starts[d][at+1].prev()
		}
		if k := len(out) - 1; k >= 0 && out[k].hi.next() == s.starts[d][at] {
			out[k].hi = high
		} else {
			out = append(out, span{s.starts[d][at], high})
		}
	}
	return out
}

func (s *space) match(b box) Match {
	var m Match
	for d := range dims {
		m[d] = s.set(d, b[d])
	}
	return m
}

func (b bitset) and(o bitset) bitset {
	out := make(bitset, len(b))
	for i := range b {
		out[i] = b[i] & o[i]
	}
	return out
}

func (b bitset) or(o bitset) bitset {
	out := make(bitset, len(b))
	for i := range b {
		out[i] = b[i] | o[i]
	}
	return out
}

func (b bitset) without(o bitset) bitset {
	out := make(bitset, len(b))
	for i := range b {
		out[i] = b[i] &^ o[i]
	}
	return out
}

func (b bitset) meets(o bitset) bool {
	for i := range b {
		if b[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

func (b bitset) within(o bitset) bool {
	for i := range b {
		if b[i]&^o[i] != 0 {
			return false
		}
	}
	return true
}

func (b *box) meets(o *box) bool {
	for d := range dims {
		if !b[d].meets(o[d]) {
			return false
		}
	}
	return true
}

func (b box) and(o box) box {
	for d := range dims {
		if !b[d].within(o[d]) {
			b[d] = b[d].and(o[d])
		}
	}
	return b
}

// without is what is left of a box, as disjoint boxes.
func (b box) without(o *box) []box {
	if !b.meets(o) {
		return []box{b}
	}
	var out []box
	for d := range dims {
		if b[d].within(o[d]) {
			continue
		}
		rest := b
		rest[d] = b[d].without(o[d])
		out = append(out, rest)
		b[d] = b[d].and(o[d])
	}
	return out
}

// minus takes boxes out of boxes; the result is disjoint where b is.
func minus(b []box, out []box) []box {
	for _, o := range out {
		var rest []box
		for _, x := range b {
			rest = append(rest, x.without(&o)...)
		}
		if b = rest; len(b) == 0 {
			break
		}
	}
	return b
}

func intersect(a, b []box) []box {
	var out []box
	for _, x := range a {
		for _, y := range b {
			if x.meets(&y) {
				out = append(out, x.and(y))
			}
		}
	}
	return out
}

// disjoint makes boxes that overlap into ones that do not.
func disjoint(list []box) []box {
	var out []box
	for i := range list {
		out = append(out, minus([]box{list[i]}, out)...)
	}
	return out
}

// merge joins boxes that differ in one dimension only, until none do.
func merge(list []box) []box {
	marked := make([]labelled, len(list))
	for i, b := range list {
		marked[i] = labelled{b: b}
	}
	out := make([]box, 0, len(list))
	for _, m := range mergeLabelled(marked) {
		out = append(out, m.b)
	}
	return out
}

// labelled is a box that merges only with those of the same label.
type labelled struct {
	b     box
	label string
}

func mergeLabelled(list []labelled) []labelled {
	var key []byte
	for changed := true; changed; {
		changed = false
		for d := range dims {
			at := make(map[string]int, len(list))
			out := make([]labelled, 0, len(list))
			for _, x := range list {
				key = append(key[:0], x.label...)
				for e := range dims {
					if e == d {
						continue
					}
					for _, w := range x.b[e] {
						key = append(key, byte(w), byte(w>>8), byte(w>>16), byte(w>>24), byte(w>>32), byte(w>>40), byte(w>>48), byte(w>>56))
					}
				}
				if k, ok := at[string(key)]; ok {
					out[k].b[d] = out[k].b[d].or(x.b[d])
					changed = true
					continue
				}
				at[string(key)] = len(out)
				out = append(out, x)
			}
			list = out
		}
	}
	return list
}

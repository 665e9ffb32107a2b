package firewall

import (
	"math/bits"
	"slices"
)

// byInterface is why something is undecided where no rule says why.
const byInterface = "it depends on the interface, which is not known"

// fates are the parts of the header space that a device tells apart, with the
// zones that each of them touches. What a part is between two zones is worked out
// when it is asked: with thousands of zones there are too many pairs to keep.
type fates struct {
	list  []placed
	whole []box   // all that the device decides about
	own   []box   // what it sends and gets itself, which is not judged
	cover pairSet // pairs of zones that the device stands between
	pass  pairSet // those of them between which something is permitted or undecided
}

// placed is a part with the zones of its addresses, by their index.
type placed struct {
	part
	from, to bitset
}

func (f *fates) covers(pair [2]int) bool { return f.cover.has(pair) }

// pairSet is a set of ordered pairs of different zones: a row of bits for each zone.
type pairSet []bitset

func newPairSet(zones int) pairSet {
	s := make(pairSet, zones)
	for i := range s {
		s[i] = make(bitset, (zones+63)/64)
	}
	return s
}

func (b bitset) bit(i int) bool { return b[i/64]>>(i%64)&1 != 0 }

func (b bitset) set(i int) { b[i/64] |= 1 << (i % 64) }

// each calls visit with the index of every bit that is set.
func (b bitset) each(visit func(int)) {
	for w, word := range b {
		for ; word != 0; word &= word - 1 {
			visit(w*64 + bits.TrailingZeros64(word))
		}
	}
}

func (s pairSet) has(pair [2]int) bool { return s[pair[0]].bit(pair[1]) }

// add puts in every pair of the product.
func (s pairSet) add(from, to bitset) {
	from.each(func(a int) {
		for w := range to {
			s[a][w] |= to[w]
		}
		s[a][a/64] &^= 1 << (a % 64)
	})
}

// pairs are the members, in the order of the port file.
func (s pairSet) pairs() [][2]int {
	var out [][2]int
	for a := range s {
		s[a].each(func(b int) { out = append(out, [2]int{a, b}) })
	}
	return out
}

// split tells the fates at one device.
func (j *judgement) split(d *Device) fates {
	e := &evaluation{s: j.s, boxed: map[*Rule]boxedRule{}, ids: map[*Rule]int32{}}
	whole := j.s.boxes(d.region())
	pieces := e.policy(d.Policy, disjoint(whole))
	list := make([]part, len(pieces))
	for i := range pieces {
		list[i] = part{pieces[i].b, pieces[i].verdict(), e.deciders(&pieces[i])}
		list[i].b = j.anyWay(list[i].b)
	}
	for i := range whole {
		whole[i] = j.anyWay(whole[i])
	}
	if !d.oneWay() {
		list = settle(list)
	}
	f := fates{list: make([]placed, 0, len(list)), whole: merge(whole), own: j.itself(d), cover: newPairSet(len(j.zones)), pass: newPairSet(len(j.zones))}
	for i := range list {
		x := placed{list[i], j.touched(list[i].b, Src), j.touched(list[i].b, Dst)}
		f.cover.add(x.from, x.to)
		if x.verdict != Deny {
			f.pass.add(x.from, x.to)
		}
		f.list = append(f.list, x)
	}
	return f
}

// anyWay is a box whatever the interfaces.
func (j *judgement) anyWay(b box) box {
	for _, k := range []Dim{In, Out} {
		b[k] = j.s.bits(k, full(k))
	}
	return b
}

// stands is what a device decides about between two zones.
func (j *judgement) stands(k int, pair [2]int) []box {
	from, to := j.zones[pair[0]].src, j.zones[pair[1]].dst
	var out []box
	for _, b := range j.fates[k].whole {
		if b[Src].meets(from) && b[Dst].meets(to) {
			b[Src], b[Dst] = b[Src].and(from), b[Dst].and(to)
			out = append(out, b)
		}
	}
	return out
}

// itself is what a device sends and gets.
func (j *judgement) itself(d *Device) []box {
	if len(d.own) == 0 {
		return nil
	}
	return j.s.boxes([]Match{All().With(Src, d.own), All().With(Dst, d.own)})
}

// unread reports whether between two zones there are addresses that no device
// stands between. The devices' own are no matter.
func (j *judgement) unread(pair [2]int) bool {
	src, dst := j.zones[pair[0]].set, j.zones[pair[1]].set
	var left []box
	for _, family := range []Set{IPv4(), IPv6()} {
		left = append(left, j.s.boxes([]Match{All().With(Src, src.and(family)).With(Dst, dst.and(family))})...)
	}
	for k, d := range j.devices {
		if d.between() {
			left = minus(minus(left, j.stands(k, pair)), j.fates[k].own)
		}
	}
	return len(left) > 0
}

// touched are the zones that have addresses of the box.
func (j *judgement) touched(b box, d Dim) bitset {
	out := make(bitset, (len(j.zones)+63)/64)
	b[d].each(func(class int) {
		for _, z := range j.zonesAt[d][class] {
			out.set(int(z))
		}
	})
	return out
}

// meeting are the fates of a device between two zones.
func (j *judgement) meeting(k int, pair [2]int) []part { return j.some(k, pair, true) }

// passing are those that are no denial.
func (j *judgement) passing(k int, pair [2]int) []part {
	if !j.fates[k].pass.has(pair) {
		return nil
	}
	return j.some(k, pair, false)
}

func (j *judgement) some(k int, pair [2]int, denied bool) []part {
	var out []part
	for i := range j.fates[k].list {
		x := &j.fates[k].list[i]
		if !x.from.bit(pair[0]) || !x.to.bit(pair[1]) || x.verdict == Deny && !denied {
			continue
		}
		y := x.part
		y.b[Src], y.b[Dst] = x.b[Src].and(j.zones[pair[0]].src), x.b[Dst].and(j.zones[pair[1]].dst)
		out = append(out, y)
	}
	return out
}

// why is the reason of a part that is undecided.
func (x *part) why() string {
	if x.verdict != Undecided {
		return ""
	}
	for _, r := range x.by {
		if r.Why != "" {
			return r.Why
		}
	}
	return byInterface
}

// between reports whether the device is known to stand between zones.
func (d *Device) between() bool { return !d.Host && d.Known != "" }

// reached are the pairs of zones between which something could pass all devices
// that stand between them: an upper bound, since what one lets through another may
// not.
func (j *judgement) reached() pairSet {
	out := newPairSet(len(j.zones))
	for a := range out {
		for w := range out[a] {
			for k, d := range j.devices {
				if d.between() {
					out[a][w] |= j.fates[k].pass[a][w]
				}
			}
		}
	}
	return out
}

// zoneClasses lists for each class of addresses the zones that have it.
func (j *judgement) zoneClasses() {
	for _, d := range []Dim{Src, Dst} {
		j.zonesAt[d] = make([][]int32, len(j.s.starts[d]))
		for z := range j.zones {
			own := j.zones[z].src
			if d == Dst {
				own = j.zones[z].dst
			}
			own.each(func(class int) { j.zonesAt[d][class] = append(j.zonesAt[d][class], int32(z)) })
		}
	}
}

// class is the class of a value.
func (s *space) class(d Dim, v num) int {
	at, found := slices.BinarySearchFunc(s.starts[d], v, num.cmp)
	if !found {
		at-- // the first class begins at zero
	}
	return at
}

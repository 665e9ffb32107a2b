package firewall

import (
	"cmp"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
)

// num is a value of a dimension: an address of 128 bits (IPv4 as ::ffff:a.b.c.d,
// RFC 4291 2.5.5.2), a port, a protocol number or the index of an interface.
type num struct{ hi, lo uint64 }

func n(v uint64) num { return num{0, v} }

func (a num) cmp(b num) int { return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo)) }

// next is the value after a, or a itself where there is none.
func (a num) next() num {
	switch {
	case a.lo != math.MaxUint64:
		return num{a.hi, a.lo + 1}
	case a.hi != math.MaxUint64:
		return num{a.hi + 1, 0}
	}
	return a
}

// prev is the value before a, or a itself where there is none.
func (a num) prev() num {
	switch {
	case a.lo != 0:
		return num{a.hi, a.lo - 1}
	case a.hi != 0:
		return num{a.hi - 1, math.MaxUint64}
	}
	return a
}

func addrNum(a netip.Addr) num {
	b := a.As16()
	return num{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func numAddr(v num) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], v.hi)
	binary.BigEndian.PutUint64(b[8:], v.lo)
	return netip.AddrFrom16(b).Unmap()
}

// span is all values from lo to hi, both included.
type span struct{ lo, hi num }

// Set is a set of values: spans in order that neither overlap nor touch.
type Set []span

// limits of the dimensions.
var (
	maxAddr = num{math.MaxUint64, math.MaxUint64}
	v4low   = num{0, 0xffff << 32}
	v4high  = num{0, 0xffff<<32 | math.MaxUint32}
)

// maxInterface is the highest index of an interface; those without a name share
// all from the last name to it.
const maxInterface = math.MaxUint16

func full(d Dim) Set {
	switch d {
	case Src, Dst:
		return Set{{num{}, maxAddr}}
	case Proto:
		return Set{{n(0), n(math.MaxUint8)}}
	}
	return Set{{n(0), n(math.MaxUint16)}}
}

// Values is the set of some numbers.
func Values(v ...int) Set {
	var s Set
	for _, x := range v {
		s = append(s, span{n(uint64(x)), n(uint64(x))})
	}
	return s.tidy()
}

// Between is the set of the numbers from low to high.
func Between(low, high int) Set {
	if low > high || low < 0 {
		return Set{}
	}
	return Set{{n(uint64(low)), n(uint64(high))}}
}

// Prefix is the set of the addresses of a network.
func Prefix(p netip.Prefix) Set {
	low := addrNum(p.Masked().Addr())
	free := p.Addr().BitLen() - p.Bits()
	high := low
	switch {
	case free >= 128:
		high = maxAddr
	case free >= 64:
		high = num{low.hi | (1<<(free-64) - 1), math.MaxUint64}
	default:
		high.lo |= 1<<free - 1
	}
	return Set{{low, high}}
}

// AddressRange is the set of the addresses from low to high, of one family.
func AddressRange(low, high netip.Addr) Set {
	if low.Is4() != high.Is4() || high.Less(low) {
		return Set{}
	}
	return Set{{addrNum(low), addrNum(high)}}
}

// IPv4 and IPv6 are all addresses of a family.
func IPv4() Set { return Set{{v4low, v4high}} }

// IPv6 is all addresses that are not of IPv4.
func IPv6() Set { return IPv4().not(Src) }

// tidy puts spans in order and joins those that overlap or touch.
func (s Set) tidy() Set {
	s = slices.Clone(s)
	slices.SortFunc(s, func(a, b span) int { return cmp.Or(a.lo.cmp(b.lo), a.hi.cmp(b.hi)) })
	out := s[:0]
	for _, x := range s {
		if k := len(out) - 1; k >= 0 && (x.lo.cmp(out[k].hi) <= 0 || x.lo == out[k].hi.next()) {
			if x.hi.cmp(out[k].hi) > 0 {
				out[k].hi = x.hi
			}
			continue
		}
		out = append(out, x)
	}
	return out
}

// or joins two sets in one pass over both.
func (s Set) or(o Set) Set {
	out := make(Set, 0, len(s)+len(o))
	for len(s) > 0 || len(o) > 0 {
		var x span
		if len(o) == 0 || len(s) > 0 && s[0].lo.cmp(o[0].lo) <= 0 {
			x, s = s[0], s[1:]
		} else {
			x, o = o[0], o[1:]
		}
		k := len(out) - 1
		switch {
		case k < 0 || x.lo.cmp(out[k].hi) > 0 && x.lo != out[k].hi.next():
			out = append(out, x)
		case x.hi.cmp(out[k].hi) > 0:
			out[k].hi = x.hi
		}
	}
	return out
}

func (s Set) and(o Set) Set {
	var out Set
	for i, k := 0, 0; i < len(s) && k < len(o); {
		low, high := s[i].lo, s[i].hi
		if o[k].lo.cmp(low) > 0 {
			low = o[k].lo
		}
		if o[k].hi.cmp(high) < 0 {
			high = o[k].hi
		}
		if low.cmp(high) <= 0 {
			out = append(out, span{low, high})
		}
		if s[i].hi.cmp(o[k].hi) < 0 {
			i++
		} else {
			k++
		}
	}
	return out
}

// not is everything else of the dimension.
func (s Set) not(d Dim) Set {
	whole := full(d)[0]
	var out Set
	low := whole.lo
	for _, x := range s {
		if low.cmp(x.lo) < 0 {
			out = append(out, span{low, x.lo.prev()})
		}
		if x.hi == whole.hi {
			return out
		}
		low = x.hi.next()
	}
	return append(out, span{low, whole.hi})
}

func (s Set) has(v num) bool {
	_, found := slices.BinarySearchFunc(s, v, func(x span, v num) int {
		switch {
		case x.hi.cmp(v) < 0:
			return -1
		case x.lo.cmp(v) > 0:
			return 1
		}
		return 0
	})
	return found
}

func (s Set) equal(o Set) bool { return slices.Equal(s, o) }

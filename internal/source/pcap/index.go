package pcap

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
)

// seeds make the places of keys in an index differ from run to run, so that nobody can
// choose addresses that all fall on one place. Nothing that is told depends on them.
var seeds = func() (s [5]uint64) {
	var b [40]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	s[4] |= 1 // not 0
	return s
}()

// hash mixes the key by folded multiplication.
func (k *key) hash() uint64 {
	rest := uint64(k.loPort)<<48 | uint64(k.hiPort)<<32 | uint64(k.vlan)<<16 | uint64(k.proto)<<8 | uint64(k.layer)
	return fold(fold(k.lo.hi^seeds[0], k.lo.lo^seeds[1])^fold(k.hi.hi^seeds[2], k.hi.lo^seeds[3]), rest^seeds[4])
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// index finds flows by the key of their conversation: a table of open addressing with
// linear probing, at most half full. A map of the language would hash the key anew for
// each packet, on the goroutine that has most to do.
type index struct {
	slots []slot // a power of two of them
	n     int
}

type slot struct {
	hash uint64
	flow *flow // nil: free
}

const firstSlots = 1 << 10

// get finds the flow of k, nil where there is none.
func (x *index) get(k *key, hash uint64) *flow {
	if x.n == 0 {
		return nil
	}
	mask := uint64(len(x.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &x.slots[i]
		if s.flow == nil {
			return nil
		}
		if s.hash == hash && s.flow.key == *k {
			return s.flow
		}
	}
}

// put adds a flow that is not there.
func (x *index) put(f *flow) {
	if 2*(x.n+1) > len(x.slots) {
		old := x.slots
		x.slots = make([]slot, max(2*len(old), firstSlots))
		for _, s := range old {
			if s.flow != nil {
				x.place(s)
			}
		}
	}
	x.place(slot{f.hash, f})
	x.n++
}

func (x *index) place(s slot) {
	mask := uint64(len(x.slots) - 1)
	i := s.hash & mask
	for x.slots[i].flow != nil {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}

// del takes out a flow that is there, and moves those behind it nearer to their place,
// so that none is cut off from it.
func (x *index) del(f *flow) {
	mask := uint64(len(x.slots) - 1)
	hole := f.hash & mask
	for x.slots[hole].flow != f {
		hole = (hole + 1) & mask
	}
	for i := (hole + 1) & mask; x.slots[i].flow != nil; i = (i + 1) & mask {
		if home := x.slots[i].hash & mask; (i-home)&mask >= (i-hole)&mask {
			x.slots[hole] = x.slots[i]
			hole = i
		}
	}
	x.slots[hole] = slot{}
	x.n--
}

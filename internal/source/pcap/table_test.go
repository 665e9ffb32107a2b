package pcap

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestIndex holds the index to a map, with keys that fall on few places, so that they
// push each other on.
func TestIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var x index
	there := map[key]*flow{}
	for step := range 200_000 {
		k := key{lo: addr{lo: uint64(r.IntN(3000))}, layer: 4}
		hash := k.lo.lo % 7 * 0x9e3779b97f4a7c15 // seven places, and those behind them
		if step < 150_000 {
			hash = k.lo.lo * 0x9e3779b97f4a7c15
		}
		f := x.get(&k, hash)
		if f != there[k] && (there[k] == nil || there[k].hash == hash) {
			t.Fatalf("step %d: %p is found for %v, and %p was put", step, f, k, there[k])
		}
		switch {
		case there[k] != nil: // of the first part, under its other hash, where that was changed
			x.del(there[k])
			delete(there, k)
		default:
			f := &flow{key: k, hash: hash}
			x.put(f)
			there[k] = f
		}
		if x.n != len(there) {
			t.Fatalf("step %d: %d are counted of %d", step, x.n, len(there))
		}
	}
	for k, f := range there {
		if x.get(&k, f.hash) != f {
			t.Errorf("%v is lost", k)
		}
	}
	if s := len(x.slots); s&(s-1) != 0 || 2*x.n > s {
		t.Errorf("%d flows in %d slots", x.n, s)
	}
}

// TestSweepLeavesNothingDue plays random traffic, late packets, endings and leaps of
// the clock among it, and walks all flows after each sweep: none is left of which
// something is due, and none that is over before its time was told.
func TestSweepLeavesNothingDue(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 9))
		o := Options{MaxFlows: 200}.withDefaults()
		o.Early = o.Slice
		if seed%2 == 1 {
			o.Early = 2 * time.Second // as live
		}
		tb := newTable(o)
		told := 0
		tb.tell = func(f *flow) error {
			told++
			if quiet := tb.now - f.last; f.first == 0 || tb.flows.get(&f.key, f.hash) != f || quiet < 0 {
				t.Fatalf("seed %d: told of an empty slice, a flow that is not there, or one of the future: %+v", seed, f)
			}
			return nil
		}
		now, packets := int64(1e18), 0
		for range 20_000 {
			now += r.Int64N(int64(20 * time.Millisecond))
			if r.IntN(2000) == 0 {
				now += r.Int64N(int64(20 * time.Minute))
			}
			at := now
			if r.IntN(20) == 0 {
				at -= r.Int64N(int64(30 * time.Second))
			}
			p := packet{ip: true, proto: protoTCP, ports: true, src: addr{lo: uint64(r.IntN(30))}, dst: addr{lo: 99}, sport: uint16(r.IntN(10)), dport: 502, flags: flagACK}
			switch r.IntN(30) {
			case 0:
				p.proto, p.flags = protoUDP, 0
			case 1:
				p.flags = flagFIN | flagACK
			case 2:
				p.flags = flagRST
			case 3:
				p.flags = flagSYN
			case 4:
				p.src, p.dst, p.sport, p.dport, p.flags = p.dst, p.src, p.dport, p.sport, flagFIN|flagACK
			}
			p.seal()
			swept := tb.swept
			if err := tb.add(&frame{time: at, wire: 60}, &p); err != nil {
				t.Fatal(err)
			}
			packets++
			if tb.swept == swept {
				continue
			}
			n := 0
			for f := tb.oldest; f != nil; f = f.next {
				n++
				if due := tb.dueAt(f); due <= tb.swept && f.last < tb.swept {
					t.Fatalf("seed %d: due since %v: %+v", seed, time.Duration(tb.swept-due), f)
				}
				if !f.inWheel {
					t.Fatalf("seed %d: no sweep would find %+v", seed, f)
				}
			}
			if n != tb.flows.n {
				t.Fatalf("seed %d: %d flows in the list, %d in the index", seed, n, tb.flows.n)
			}
		}
		if err := tb.flush(); err != nil || tb.flows.n != 0 || tb.oldest != nil {
			t.Fatalf("seed %d: %d flows are left (%v)", seed, tb.flows.n, err)
		}
		if told == 0 || tb.counted != uint64(packets) {
			t.Fatalf("seed %d: %d told, %d counted of %d", seed, told, tb.counted, packets)
		}
	}
}

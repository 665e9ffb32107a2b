package ais

import (
	"encoding/binary"
	"math"
)

// Messages of one slot, which are nine of ten on the air, are read from three
// words of 64 bits: w0 has bits 0 to 63 of the message, w1 64 to 127, w2 128 to
// 191. What a value is comes from tables: a branch for "not available" would be
// guessed wrong as often as ships leave it out.

// words gives the first three words.
func (b *Bits) words() (w0, w1, w2 uint64) {
	return binary.BigEndian.Uint64(b.b[0:8]), binary.BigEndian.Uint64(b.b[8:16]), binary.BigEndian.Uint64(b.b[16:24])
}

// Values of the numbers that are sent: speeds of SOG in tenths of a knot (1023 is
// not available), courses of COG in tenths of a degree (3600 and more are none),
// headings (511 is not available; 360 to 510 are not headings).
var (
	speeds   = valuesOf[[1024]float32](1023, 10)
	courses  = valuesOf[[4096]float32](3600, 10)
	headings = valuesOf[[512]float32](360, 1)
)

func valuesOf[T [512]float32 | [1024]float32 | [4096]float32](limit int, scale float32) (t T) {
	for i := range len(t) {
		t[i] = nan32
		if i < limit {
			t[i] = float32(i) / scale
		}
	}
	return t
}

// turns gives the rate of turn in degrees a minute for each ROTAIS (table 48):
// ROTAIS = 4.733·√rate. ±127 means "more than 5° in 30 s, no indicator", which
// is a direction and no rate; -128 means not available.
var turns = func() (t [256]float32) {
	for i := range 256 {
		r := float64(int8(i))
		switch int8(i) {
		case -128, 127, -127:
			t[i] = nan32
		default:
			t[i] = float32(math.Copysign(r/4.733*r/4.733, r))
		}
	}
	t[0] = 0
	return t
}()

// classA reads types 1, 2 and 3 (M.1371-5 table 48).
func (p *Position) classA(w0, w1, w2 uint64) {
	p.place(int64(w0<<61|w1>>39<<36)>>36, int64(w1<<25)>>37)
	p.SOG = speeds[w0>>4&1023]
	p.COG = courses[w1&4095]
	p.Heading = headings[w2>>55]
	p.TurnRaw = int8(w0 >> 14)
	p.Turn = turns[uint8(p.TurnRaw)]
	p.Altitude = nan32
	p.Radio = uint32(w2 >> 24 & (1<<19 - 1))
	p.Status = int8(w0 >> 22 & 15)
	p.Second = int8(w2 >> 49 & 63)
	p.Maneuver = uint8(w2 >> 47 & 3)
	p.Regional = uint8(w2 >> 44 & 7)
	p.Reserved = 0
	p.Accurate = w0>>3&1 == 1
	p.RAIM = w2>>43&1 == 1
	p.ClassB, p.CSUnit, p.Display, p.DSC, p.Band, p.Msg22 = false, false, false, false, false, false
	p.Assigned, p.DTE, p.Latency = false, false, false
}

// classB reads type 18 (table 67).
func (p *Position) classB(w0, w1, w2 uint64) {
	p.place(int64(w0<<57|w1>>43<<36>>0)>>36, int64(w1<<21)>>37)
	p.SOG = speeds[w0>>8&1023]
	p.COG = courses[w1>>4&4095]
	p.Heading = headings[(w1<<5|w2>>59)&511]
	p.TurnRaw, p.Turn, p.Altitude = -128, nan32, nan32
	p.Radio = uint32(w2 >> 24 & (1<<20 - 1))
	p.Status = -1
	p.Second = int8(w2 >> 53 & 63)
	p.Maneuver = 0
	p.Regional = uint8(w2 >> 51 & 3)
	p.Reserved = uint8(w0 >> 18)
	p.Accurate = w0>>7&1 == 1
	p.RAIM = w2>>44&1 == 1
	p.ClassB = true
	p.CSUnit = w2>>50&1 == 1
	p.Display = w2>>49&1 == 1
	p.DSC = w2>>48&1 == 1
	p.Band = w2>>47&1 == 1
	p.Msg22 = w2>>46&1 == 1
	p.Assigned = w2>>45&1 == 1
	p.DTE, p.Latency = false, false
}

// base reads types 4 and 11 (table 51).
func (m *Message) base(w0, w1, w2 uint64) {
	c, p := &m.Clock, &m.Position
	c.Year = uint16(w0 >> 12 & (1<<14 - 1))
	c.Month = uint8(w0 >> 8 & 15)
	c.Day = uint8(w0 >> 3 & 31)
	c.Hour = uint8(w0<<2&31 | w1>>62)
	c.Minute = uint8(w1 >> 56 & 63)
	c.Second = uint8(w1 >> 50 & 63)
	c.EPFD = uint8(w2 >> 54 & 15)
	c.LongRangeAsked = w2>>53&1 == 1
	*p = noPosition
	p.place(int64(w1<<15)>>36, int64(w1<<43|w2>>58<<37)>>37)
	p.Accurate = w1>>49&1 == 1
	p.RAIM = w2>>43&1 == 1
	p.Radio = uint32(w2 >> 24 & (1<<19 - 1))
}

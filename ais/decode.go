package ais

import (
	"encoding/binary"
	"math"
)

// limits are the bits that a message type may have: from the shortest form that
// M.1371-5 (and earlier editions, where shorter) allows to the longest, with
// the padding that encoders in the field add. Zero minimum: no such type.
type limits struct{ low, high int }

var typeLimits = [28]limits{
	1: {168, 174}, 2: {168, 174}, 3: {168, 174},
	4: {168, 174}, 11: {168, 174},
	5:  {422, 432}, // 424 bits; some transponders send 422, receivers pad to bytes or characters
	6:  {88, 1064},
	7:  {72, 174},
	8:  {56, 1064},
	9:  {168, 174},
	10: {72, 78},
	12: {72, 1064},
	13: {72, 174},
	14: {40, 1064},
	15: {88, 174},
	16: {96, 174},
	17: {80, 816},
	18: {168, 174},
	19: {312, 318},
	20: {70, 186},  // M.1371-5 ends at 160 bits; base stations that send 186 are met
	21: {272, 368}, // up to 14 characters of name extension
	22: {168, 174},
	23: {160, 174},
	24: {160, 174}, // part A 160 bits (168 as some send it), part B 168
	25: {40, 174},
	26: {60, 1064},
	27: {96, 174}, // 96 bits; nearly all that is met is padded to a slot of 168
}

// partMask of type 24 is fixed by its part number.
const (
	partA = HasName
	partB = HasStatic | HasCall | HasVendor
)

// decodeBits reads the message in m.Bits into the other parts of m.
func (m *Message) decodeBits() error {
	b := &m.Bits
	head := binary.BigEndian.Uint64(b.b[:8])
	m.Type = uint8(head >> 58)
	m.Repeat = uint8(head >> 56 & 3)
	m.MMSI = uint32(head >> 26 & (1<<30 - 1))
	if b.n < 38 {
		return ErrLength
	}
	if m.Type == 0 || m.Type > 27 {
		return ErrType
	}
	if l := typeLimits[m.Type]; b.n < l.low || b.n > l.high {
		return ErrLength
	}
	m.Has = partsOf(m.Type)
	switch m.Type {
	case 1, 2, 3:
		m.Position.classA(b.words())
	case 4, 11:
		m.base(b.words())
	case 5:
		m.Static.voyage(b)
	case 9:
		m.Position.aircraft(b)
	case 18:
		m.Position.classB(b.words())
	case 19:
		m.Position.classBLong(b)
		m.Static = noStatic
		b.text(&m.Static.Name, 143, 20)
		m.Static.ShipType = uint8(b.uint(263, 8))
		m.Static.dimensions(b, 271)
		m.Static.EPFD = uint8(b.uint(301, 4))
	case 21:
		m.readAid(b)
	case 24:
		return m.readPart(b)
	case 27:
		m.Position.longRange(b)
	}
	return nil
}

// place takes longitude and latitude in 1/10,000 minute.
func (p *Position) place(lon, lat int64) {
	const east, north = 180 * 600000, 90 * 600000
	if lon < -east || lon > east || lat < -north || lat > north {
		p.Lat, p.Lon = math.NaN(), math.NaN()
		p.OffEarth = lon != 181*600000 && lat != 91*600000
		return
	}
	p.Lon, p.Lat, p.OffEarth = float64(lon)/600000, float64(lat)/600000, false
}

// fix reads longitude (28 bits) and latitude (27 bits) from bit at.
func (p *Position) fix(b *Bits, at int) { p.place(b.int(at, 28), b.int(at+28, 27)) }

// aircraft reads type 9, standard SAR aircraft position report (table 61).
func (p *Position) aircraft(b *Bits) {
	*p = noPosition
	if v := b.uint(38, 12); v != 4095 {
		p.Altitude = float32(v)
	}
	if v := b.uint(50, 10); v != 1023 {
		p.SOG = float32(v)
	}
	p.Accurate = b.bool(60)
	p.fix(b, 61)
	p.COG = courses[b.uint(116, 12)&4095]
	p.Second = int8(b.uint(128, 6))
	p.Regional = uint8(b.uint(134, 8))
	p.DTE = b.bool(142)
	p.Assigned = b.bool(146)
	p.RAIM = b.bool(147)
	p.Radio = uint32(b.uint(148, 20))
}

// classBLong reads the dynamic part of type 19 (table 70).
func (p *Position) classBLong(b *Bits) {
	*p = noPosition
	p.ClassB = true
	p.Reserved = uint8(b.uint(38, 8))
	p.SOG = speeds[b.uint(46, 10)&1023]
	p.Accurate = b.bool(56)
	p.fix(b, 57)
	p.COG = courses[b.uint(112, 12)&4095]
	p.Heading = headings[b.uint(124, 9)&511]
	p.Second = int8(b.uint(133, 6))
	p.Regional = uint8(b.uint(139, 4))
	p.RAIM = b.bool(305)
	p.DTE = b.bool(306)
	p.Assigned = b.bool(307)
}

// longRange reads type 27 (table 85): coordinates in tenths of a minute, whole
// knots and degrees.
func (p *Position) longRange(b *Bits) {
	*p = noPosition
	p.Accurate = b.bool(38)
	p.RAIM = b.bool(39)
	p.Status = int8(b.uint(40, 4))
	p.place(b.int(44, 18)*1000, b.int(62, 17)*1000)
	if v := b.uint(79, 6); v != 63 {
		p.SOG = float32(v)
	}
	if v := b.uint(85, 9); v < 360 {
		p.COG = float32(v)
	}
	p.Latency = b.bool(94)
}

// voyage reads type 5 (table 52).
func (s *Static) voyage(b *Bits) {
	*s = noStatic
	s.Version = uint8(b.uint(38, 2))
	s.IMO = uint32(b.uint(40, 30))
	b.text(&s.CallSign, 70, 7)
	b.text(&s.Name, 112, 20)
	s.ShipType = uint8(b.uint(232, 8))
	s.dimensions(b, 240)
	s.EPFD = uint8(b.uint(270, 4))
	s.ETAMonth = uint8(b.uint(274, 4))
	s.ETADay = uint8(b.uint(278, 5))
	s.ETAHour = uint8(b.uint(283, 5))
	s.ETAMinute = uint8(b.uint(288, 6))
	if v := b.uint(294, 8); v != 0 {
		s.Draught = float32(v) / 10
	}
	b.text(&s.Destination, 302, 20)
	s.DTE = b.n > 422 && b.bool(422)
}

// dimensions reads the reference point (figure 41): A, B, C and D in metres.
func (s *Static) dimensions(b *Bits, at int) {
	s.Bow = uint16(b.uint(at, 9))
	s.Stern = uint16(b.uint(at+9, 9))
	s.Port = uint8(b.uint(at+18, 6))
	s.Starboard = uint8(b.uint(at+24, 6))
}

// readAid reads type 21 (table 74). The name goes on in the extension of up to
// 14 characters at the end.
func (m *Message) readAid(b *Bits) {
	m.Position, m.Static = noPosition, noStatic
	p, s := &m.Position, &m.Static
	m.Aid = Aid{Kind: uint8(b.uint(38, 5)), OffPosition: b.bool(259), Regional: uint8(b.uint(260, 8)),
		Virtual: b.bool(269), Assigned: b.bool(270)}
	b.text(&s.Name, 43, 20)
	p.Accurate = b.bool(163)
	p.fix(b, 164)
	s.dimensions(b, 219)
	s.EPFD = uint8(b.uint(249, 4))
	p.Second = int8(b.uint(253, 6))
	p.RAIM = b.bool(268)
	if chars := min((b.n-272)/6, 14); chars > 0 && b.uint(43+19*6, 6) != 0 {
		var name, more Text
		for i := range 20 { // blanks before an extension belong to the name
			name.b[i] = sixBit[b.uint(43+i*6, 6)]
		}
		b.text(&more, 272, chars)
		if more.n > 0 {
			copy(name.b[20:], more.b[:more.n])
			name.n = 20 + more.n
			s.Name = name
		}
	}
}

// readPart reads type 24 (tables 78 and 79).
func (m *Message) readPart(b *Bits) error {
	s := &m.Static
	*s = noStatic
	s.Part = uint8(b.uint(38, 2))
	switch {
	case s.Part == 0:
		m.Has = partA
		b.text(&s.Name, 40, 20)
		return nil
	case s.Part > 1:
		return nil // parts C and D are not defined: recognised, kept as bits
	case b.n < 162: // part B needs all but the EPFD field, which M.1371-4 lacks
		return ErrLength
	}
	m.Has = partB
	s.ShipType = uint8(b.uint(40, 8))
	b.text(&s.Vendor, 48, 3)
	s.Model = uint8(b.uint(66, 4))
	s.Serial = uint32(b.uint(70, 20))
	b.text(&s.CallSign, 90, 7)
	if m.MMSI/10000000 == 98 { // craft of a mother ship (M.585-9 annex 1 §5)
		s.Mothership = uint32(b.uint(132, 30))
	} else {
		s.dimensions(b, 132)
	}
	if b.n >= 166 {
		s.EPFD = uint8(b.uint(162, 4))
	}
	return nil
}

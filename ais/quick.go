package ais

import (
	"encoding/binary"
	"math/bits"
)

// The quick way reads what nearly every line of a feed is: one whole message in
// one VDM or VDO sentence, bare or behind a date and time, in one pass from its
// first byte to its line end. Header, checksum, armour and the place of the line
// end are found from the same few words. It only ever says yes: whatever is not
// exactly of this form (tag blocks, fragments, an unusual prefix, any error) it
// leaves to the line face, untouched, so that there is one place that judges.
// TestBlocksEqualLines and FuzzBlocksEqualLines hold the two together.

const (
	prefixLen  = 21 // "2016-03-31 00:00:01, "
	quickChars = 28 // payload of a message of one slot: types 1 to 4, 9, 11, 18 …
	// shortest is the least that is looked at: a header of 13 to 15 bytes, 28
	// characters, fill bits, checksum and line end.
	shortest = 15 + quickChars + 7
)

// Words of the header "!..VDM,1" and ",1,", the first byte lowest.
const (
	headMask = 0xff_ff_fd_ff_ff_00_00_ff // not the talker, and not the bit that tells 'M' from 'O'
	headWord = '!' | 'V'<<24 | 'D'<<32 | ('M'&0xfd)<<40 | ','<<48 | '1'<<56
	ownBit   = 'M' ^ 'O'
	oneOfOne = ',' | '1'<<8 | ','<<16
)

// quick reads one line at the start of b. It returns its length with the line
// end, or 0 where the line is not of the form above or not whole.
func (d *Decoder) quick(b []byte, mark int64, m *Message) int {
	if len(b) < shortest {
		return 0
	}
	f := &m.Frame
	f.Time, f.Form, f.First, f.Station.n = 0, NoTime, mark, 0
	at := 0
	if b[0] != '!' {
		if f.Time = d.clock.again(b); f.Time == 0 || len(b) < prefixLen+shortest {
			return 0
		}
		f.Form = PrefixTime
		at = prefixLen
		b = b[prefixLen:]
	}
	w, x := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	if w&headMask != headWord || x&0xffffff != oneOfOne {
		return 0
	}
	from := 14
	seq, channel := int8(-1), byte(x>>32)
	switch {
	case byte(x>>24) == ',' && byte(x>>40) == ',':
		x &= 1<<48 - 1
	case byte(x>>24)-'0' <= 9 && byte(x>>32) == ',' && byte(x>>48) == ',':
		seq, channel, from = int8(byte(x>>24)-'0'), byte(x>>40), 15
		x &= 1<<56 - 1
	case byte(x>>24) == ',' && byte(x>>32) == ',':
		channel, from = 0, 13
		x &= 1<<40 - 1
	default:
		return 0
	}
	if channel != 0 && channel < '0' { // '*' and the like
		return 0
	}
	own := byte(w>>40)&ownBit != 0
	if t := d.talkers[0]; len(t) == 2 && t[0] == byte(w>>8) && t[1] == byte(w>>16) {
		f.Talker = t
	} else if t, ok := d.letters(byte(w>>8), byte(w>>16)); ok {
		f.Talker = t
	} else {
		return 0
	}
	f.Channel, f.Parts, f.Seq, f.Own = channel, 1, seq, own
	p := b[from:]
	sum := w ^ x ^ '!'
	var n int
	if p[quickChars] == ',' && p[quickChars+2] == '*' {
		n = m.oneSlot(p, sum)
	} else {
		n = m.anyLength(p, sum)
	}
	if n == 0 {
		return 0
	}
	end := d.lineEnd(p, n, at, f)
	if end == 0 {
		return 0
	}
	return at + from + end
}

// letters gives a talker of two capital letters.
func (d *Decoder) letters(a, b byte) (string, bool) {
	if a-'A' > 25 || b-'A' > 25 {
		return "", false
	}
	return d.talker([2]byte{a, b}), true
}

// again reads "YYYY-MM-DD HH:MM:SS, !" where the minute is that of the line
// before; 0 where it is not.
func (c *prefixClock) again(b []byte) int64 {
	_ = b[prefixLen]
	k := c.key[:]
	if binary.LittleEndian.Uint64(b) != binary.LittleEndian.Uint64(k) || binary.LittleEndian.Uint64(b[8:]) != binary.LittleEndian.Uint64(k[8:]) {
		return 0
	}
	tens, ones := b[17]-'0', b[18]-'0'
	if b[16] != ':' || tens > 5 || ones > 9 || b[19] != ',' || b[20] != ' ' || c.minute == 0 {
		return 0
	}
	return (c.minute + int64(tens)*10 + int64(ones)) * nsPerSec
}

// oneSlot reads a payload of 28 characters, fill bits and checksum at p. It
// returns their length, 0 where something is wrong. The caller has looked at
// the comma and the star behind the payload; p is 35 bytes or longer.
func (m *Message) oneSlot(p []byte, sum uint64) int {
	_ = p[34]
	a, b, c := binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:]), binary.LittleEndian.Uint64(p[16:])
	t := binary.LittleEndian.Uint64(p[24:]) // four characters, comma, fill bits, star, digit
	sum ^= a ^ b ^ c ^ t&(1<<48-1)
	fill := int(byte(t>>40) - '0')
	if !sumIs(sum, byte(t>>56), p[32]) || fill > 5 {
		return 0
	}
	v0, e0 := unarmour8(a)
	v1, e1 := unarmour8(b)
	v2, e2 := unarmour8(c)
	v3, e3 := unarmour8(t&(1<<32-1) | 0x30303030<<32)
	if e0|e1|e2|e3 != 0 {
		return 0
	}
	w0, w1, w2 := v0<<16|v1>>32, v1<<32|v2>>16, v2<<48|v3
	to := m.Bits.b[:32]
	binary.BigEndian.PutUint64(to, w0)
	binary.BigEndian.PutUint64(to[8:], w1)
	binary.BigEndian.PutUint64(to[16:], w2)
	binary.BigEndian.PutUint64(to[24:], 0)
	m.Bits.n = quickChars*6 - fill
	if !m.decodeSlot(w0, w1, w2, fill) {
		return 0
	}
	return quickChars + 5
}

// decodeSlot is decodeBits for the content of a message of one slot.
func (m *Message) decodeSlot(w0, w1, w2 uint64, fill int) bool {
	kind := uint8(w0 >> 58)
	if fill != 0 {
		return m.decodeBits() == nil
	}
	switch kind {
	case 1, 2, 3:
		m.Has = HasPosition
		m.Position.classA(w0, w1, w2)
	case 4, 11:
		m.Has = HasPosition | HasClock
		m.base(w0, w1, w2)
	case 18:
		m.Has = HasPosition
		m.Position.classB(w0, w1, w2)
	default:
		return m.decodeBits() == nil
	}
	m.Type = kind
	m.Repeat = uint8(w0 >> 56 & 3)
	m.MMSI = uint32(w0 >> 26 & (1<<30 - 1))
	return true
}

// anyLength reads a payload of any length, fill bits and checksum at p, and
// returns their length, 0 where something is wrong. The payload ends at the
// first character outside the alphabet.
func (m *Message) anyLength(p []byte, sum uint64) int {
	n, to := 0, 0
	b := &m.Bits
	for ; len(p)-n >= 8 && n <= MaxPayload-8; n, to = n+8, to+6 {
		x := binary.LittleEndian.Uint64(p[n:])
		v, bad := unarmour8(x)
		if bad == 0 {
			sum ^= x
			binary.BigEndian.PutUint64(b.b[to:to+8], v<<16)
			continue
		}
		good := bits.TrailingZeros64(bad) &^ 7 // bits of the characters before it
		keep := uint64(1)<<good - 1
		sum ^= x & keep
		v, _ = unarmour8(x&keep | 0x30*each&^keep)
		binary.BigEndian.PutUint64(b.b[to:to+8], v<<16)
		binary.BigEndian.PutUint64(b.b[to+6:to+14], 0)
		n += good >> 3
		if n == 0 || len(p)-n < 6 || p[n] != ',' || p[n+2] != '*' {
			return 0
		}
		fill := p[n+1] - '0'
		sum ^= uint64(p[n] ^ p[n+1])
		if fill > 5 || !sumIs(sum, p[n+3], p[n+4]) {
			return 0
		}
		b.n = max(n*6-int(fill), 0)
		if m.decodeBits() != nil {
			return 0
		}
		return n + 5
	}
	return 0
}

// sumIs folds the exclusive or of words into one byte and compares it with two
// hexadecimal digits.
func sumIs(x uint64, hi, lo byte) bool {
	x ^= x >> 32
	x ^= x >> 16
	x ^= x >> 8
	h, l := hexDigit[hi], hexDigit[lo]
	return (h|l)&0x80 == 0 && h<<4|l == byte(x)
}

// lineEnd finds the line end behind the checksum, which ends at p[n], and takes
// what a bare line tells there (station and epoch). at is where the sentence
// began in its line. It returns the place behind the line end, 0 where there is
// none or something else stands there.
func (d *Decoder) lineEnd(p []byte, n, at int, f *Frame) int {
	switch {
	case n >= len(p):
		return 0
	case p[n] == '\n':
		return n + 1
	case p[n] == '\r' && n+1 < len(p) && p[n+1] == '\n':
		return n + 2
	case p[n] != ',' || at != 0:
		return 0
	}
	for i, c := range p[n:min(len(p), n+maxTail)] {
		if c == '\n' {
			d.afterSum(p[n:n+i], f)
			return n + i + 1
		}
	}
	return 0
}

// maxTail bounds what the quick way reads behind a checksum, so that no line
// that it takes is longer than MaxLine.
const maxTail = 512

package ais

import (
	"encoding/binary"
	"math/bits"
)

// The quick way reads what nearly every line of a feed is: a VDM or VDO sentence,
// bare or behind a date and time, in one pass from its first byte to its line
// end. Header, checksum, armour and the place of the line end are found from the
// same few words. It only ever says yes: whatever is not exactly of this form
// (tag blocks, an unusual prefix, any error in the line) it leaves to the line
// face, untouched, so that there is one place that judges.
// TestBlocksEqualLines and FuzzBlocksEqualLines hold the two together.

const (
	prefixLen  = 21 // "2016-03-31 00:00:01, "
	quickChars = 28 // payload of a message of one slot: types 1 to 4, 9, 11, 18 …
	// shortest is the least that is looked at: a header of 13 to 15 bytes, 28
	// characters, fill bits, checksum and line end.
	shortest = 15 + quickChars + 7
)

// Words of the header "!..VDM,c" and ",i,", the first byte lowest.
const (
	headMask = 0x00_ff_fd_ff_ff_00_00_ff // not the talker, not the bit that tells 'M' from 'O', not the count
	headWord = '!' | 'V'<<24 | 'D'<<32 | ('M'&0xfd)<<40 | ','<<48
	ownBit   = 'M' ^ 'O'
	nextMask = 0xff_00_ff // not the index
	nextWord = ',' | ','<<16
)

// quick reads one line at the start of b. It returns its length with the line
// end, or 0 where the line is not of the form above or not whole. The caller
// has seen that nothing is held over from the line before.
func (d *Decoder) quick(b []byte, mark int64, m *Message) (int, Result, error) {
	if len(b) < shortest {
		return 0, Rejected, nil
	}
	f := &m.Frame
	f.Time, f.Form, f.First, f.Station.n = 0, NoTime, mark, 0
	at := 0
	if b[0] != '!' {
		if f.Time = d.clock.ahead(b); f.Time == 0 || len(b) < prefixLen+shortest {
			return 0, Rejected, nil
		}
		f.Form = PrefixTime
		at = prefixLen
		b = b[prefixLen:]
	}
	w, x := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	if w&headMask != headWord || x&nextMask != nextWord {
		return 0, Rejected, nil
	}
	from := 14
	f.Seq, f.Channel = -1, byte(x>>32)
	switch {
	case byte(x>>24) == ',' && byte(x>>40) == ',':
		x &= 1<<48 - 1
	case byte(x>>24)-'0' <= 9 && byte(x>>32) == ',' && byte(x>>48) == ',':
		f.Seq, f.Channel, from = int8(byte(x>>24)-'0'), byte(x>>40), 15
		x &= 1<<56 - 1
	case byte(x>>24) == ',' && byte(x>>32) == ',':
		f.Channel, from = 0, 13
		x &= 1<<40 - 1
	default:
		return 0, Rejected, nil
	}
	if f.Channel != 0 && f.Channel < '0' { // '*' and the like
		return 0, Rejected, nil
	}
	if t := d.talkers[0]; len(t) == 2 && t[0] == byte(w>>8) && t[1] == byte(w>>16) {
		f.Talker = t
	} else if f.Talker = d.letters(byte(w>>8), byte(w>>16)); f.Talker == "" {
		return 0, Rejected, nil
	}
	f.Own = byte(w>>40)&ownBit != 0
	p, sum := b[from:], w^x^'!'
	if byte(w>>56) != '1' || byte(x>>8) != '1' {
		n, r, err := d.quickPart(p, byte(w>>56)-'0', byte(x>>8)-'0', at, sum, m)
		if n == 0 {
			return 0, Rejected, nil
		}
		return at + from + n, r, err
	}
	f.Parts = 1
	var n int
	if p[quickChars] == ',' && p[quickChars+2] == '*' {
		n = m.oneSlot(p, sum)
	} else {
		n = m.anyLength(p, sum)
	}
	if n != 0 {
		n = d.lineEnd(p, n, at, f)
	}
	if n == 0 {
		return 0, Rejected, nil
	}
	d.lines++
	return at + from + n, Complete, nil
}

// quickPart reads a sentence of several whose payload begins at p; talker,
// identifier and channel are in the frame.
func (d *Decoder) quickPart(p []byte, count, index byte, at int, sum uint64, m *Message) (int, Result, error) {
	if count-2 > 7 || index-1 >= count {
		return 0, Rejected, nil
	}
	n := 0
	for ; len(p)-n >= 8 && n <= MaxPayload-8; n += 8 {
		x := binary.LittleEndian.Uint64(p[n:])
		bad := strays(x)
		if bad == 0 {
			sum ^= x
			continue
		}
		good := bits.TrailingZeros64(bad) &^ 7
		sum ^= x & (1<<good - 1)
		n += good >> 3
		if n == 0 || !closes(p, n, sum) {
			return 0, Rejected, nil
		}
		f := &m.Frame
		end := d.lineEnd(p, n+5, at, f)
		if end == 0 {
			return 0, Rejected, nil
		}
		s := Sentence{Payload: p[:n], Talker: [2]byte{f.Talker[0], f.Talker[1]}, Count: count, Index: index, Seq: f.Seq,
			Fill: p[n+1] - '0', Sum: hexDigit[p[n+3]]<<4 | hexDigit[p[n+4]], Channel: f.Channel, Own: f.Own}
		d.lines++
		r, err := d.fragment(&s, m, -1, &d.note)
		return end, r, err
	}
	return 0, Rejected, nil
}

// closes reports whether comma, fill bits, star and the right checksum stand at
// p[n]; sum is that of all before.
func closes(p []byte, n int, sum uint64) bool {
	return len(p)-n >= 6 && p[n] == ',' && p[n+1]-'0' <= 5 && p[n+2] == '*' && sumIs(sum^uint64(p[n]^p[n+1]), p[n+3], p[n+4])
}

// letters gives a talker of two capital letters, "" for others.
func (d *Decoder) letters(a, b byte) string {
	if a-'A' > 25 || b-'A' > 25 {
		return ""
	}
	return d.talker([2]byte{a, b})
}

// ahead reads "YYYY-MM-DD HH:MM:SS, !" in nanoseconds since 1970; 0 where b does
// not begin so. Within a minute only the seconds are read.
func (c *prefixClock) ahead(b []byte) int64 {
	_ = b[prefixLen]
	if b[19] != ',' || b[20] != ' ' || b[prefixLen] != '!' {
		return 0
	}
	k := c.key[:]
	tens, ones := b[17]-'0', b[18]-'0'
	if binary.LittleEndian.Uint64(b) == binary.LittleEndian.Uint64(k) && binary.LittleEndian.Uint64(b[8:]) == binary.LittleEndian.Uint64(k[8:]) &&
		b[16] == ':' && tens <= 5 && ones <= 9 && c.minute != 0 {
		return (c.minute + int64(tens)*10 + int64(ones)) * nsPerSec
	}
	ns, ok := c.read(b[:19])
	if !ok {
		return 0
	}
	return ns
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
	e := t&(1<<32-1) | 0x30303030<<32
	if (outside(a)|outside(b)|outside(c)|outside(e))&(0x40*each)|(a|b|c|e)&topBits != 0 {
		return 0
	}
	v0, v1, v2, v3 := unarmour8(a), unarmour8(b), unarmour8(c), unarmour8(e)
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
		bad := strays(x)
		if bad == 0 {
			sum ^= x
			binary.BigEndian.PutUint64(b.b[to:to+8], unarmour8(x)<<16)
			continue
		}
		good := bits.TrailingZeros64(bad) &^ 7 // bits of the characters before it
		keep := uint64(1)<<good - 1
		sum ^= x & keep
		binary.BigEndian.PutUint64(b.b[to:to+8], unarmour8(x&keep|0x30*each&^keep)<<16)
		binary.BigEndian.PutUint64(b.b[to+6:to+14], 0)
		n += good >> 3
		if n == 0 || !closes(p, n, sum) {
			return 0
		}
		b.n = max(n*6-int(p[n+1]-'0'), 0)
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

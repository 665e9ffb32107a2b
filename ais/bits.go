package ais

import (
	"encoding/binary"
	"math/bits"
)

// MaxPayload is the most six-bit characters of one message. The longest that
// M.1371-5 allows is type 26 with 1,064 bits, 178 characters; receivers that
// pad are met, so there is room.
const MaxPayload = 768

const payloadBytes = MaxPayload * 6 / 8

// Bits is the content of a message, most significant bit first, as M.1371-5
// counts it: bit 0 is the first bit of the message type.
type Bits struct {
	n int
	b [payloadBytes + 16]byte // the slack lets a field be read with one 8-byte load
}

// Len is the number of bits, fill bits not counted.
func (b *Bits) Len() int { return b.n }

// Uint reads width bits (1 to 57) from bit at. Bits past the end read as zero.
func (b *Bits) Uint(at, width int) uint64 {
	if at < 0 || width <= 0 || width > 57 || at >= b.n {
		return 0
	}
	v := b.uint(at, width)
	if over := at + width - b.n; over > 0 {
		v = v >> over << over
	}
	return v
}

// Int reads a two's complement number of width bits (1 to 57) from bit at.
func (b *Bits) Int(at, width int) int64 {
	v := b.Uint(at, width)
	return int64(v<<(64-width)) >> (64 - width)
}

// uint is Uint for a caller that has checked the length.
func (b *Bits) uint(at, width int) uint64 {
	i := at >> 3
	return binary.BigEndian.Uint64(b.b[i:i+8]) << (at & 7) >> (64 - width)
}

func (b *Bits) int(at, width int) int64 {
	i := at >> 3
	return int64(binary.BigEndian.Uint64(b.b[i:i+8])<<(at&7)) >> (64 - width)
}

func (b *Bits) bool(at int) bool { return b.b[at>>3]>>(7-at&7)&1 == 1 }

// Bytes appends the content to dst, the last byte filled up with zero bits.
func (b *Bits) Bytes(dst []byte) []byte {
	whole := b.n / 8
	dst = append(dst, b.b[:whole]...)
	if rest := b.n % 8; rest > 0 {
		dst = append(dst, b.b[whole]>>(8-rest)<<(8-rest))
	}
	return dst
}

// put writes the low width bits of v at bit at. The place must be zero before.
func (b *Bits) put(at, width int, v uint64) {
	i := at >> 3
	w := binary.BigEndian.Uint64(b.b[i : i+8])
	w |= v << (64 - width) >> (at & 7)
	binary.BigEndian.PutUint64(b.b[i:i+8], w)
}

// Armour of NMEA 0183 and IEC 61162-1 (six-bit field): values 0..39 are the
// characters '0'..'W', values 40..63 are '`'..'w'.
const (
	each    = 0x0101010101010101
	topBits = 0x80 * each
)

// unarmour8 turns eight characters, the first in the lowest byte, into 48 bits.
// bad is not zero when one of them is outside the alphabet.
func unarmour8(x uint64) (v, bad uint64) {
	low := x &^ topBits
	from30 := low + 0x50*each // top bit set where the character is at least '0'
	from58 := low + 0x28*each // 'X', the first after 'W'
	from60 := low + 0x20*each // '`'
	from78 := low + 0x08*each // 'x', the first after 'w'
	bad = (x | ^from30 | (from58 &^ from60) | from78) & topBits
	v = low - 0x30*each - (from60&topBits)>>4
	v = bits.ReverseBytes64(v)
	v = v&0x003f003f003f003f | v&0x3f003f003f003f00>>2
	v = v&0x00000fff00000fff | v&0x0fff00000fff0000>>4
	v = v&0xffffff | v>>32&0xffffff<<24
	return v, bad
}

// fill sets the content from an armoured payload. It returns false where a
// character is outside the alphabet. The payload is at most MaxPayload long.
func (b *Bits) fill(payload []byte, fillBits int) bool {
	var bad uint64
	at := 0
	p := payload
	for len(p) >= 8 {
		v, e := unarmour8(binary.LittleEndian.Uint64(p))
		bad |= e
		binary.BigEndian.PutUint64(b.b[at:at+8], v<<16)
		at += 6
		p = p[8:]
	}
	if len(p) > 0 {
		x := uint64(0x3030303030303030)
		for i := len(p) - 1; i >= 0; i-- {
			x = x<<8 | uint64(p[i])
		}
		v, e := unarmour8(x)
		bad |= e
		binary.BigEndian.PutUint64(b.b[at:at+8], v<<16)
		at += 6
	}
	binary.BigEndian.PutUint64(b.b[at:at+8], 0)
	b.n = max(len(payload)*6-fillBits, 0)
	return bad == 0
}

// armour appends the content as six-bit characters and tells how many fill bits
// the last one has.
func (b *Bits) armour(dst []byte) ([]byte, int) {
	chars := (b.n + 5) / 6
	for i := range chars {
		v := byte(b.uint(i*6, 6))
		if v < 40 {
			dst = append(dst, v+'0')
		} else {
			dst = append(dst, v-40+'`')
		}
	}
	return dst, chars*6 - b.n
}

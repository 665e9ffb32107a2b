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
// characters '0'..'W', values 40..63 are '`'..'w'. Eight characters are taken
// at a time, the first in the lowest byte.
const (
	each    = 0x0101010101010101
	topBits = 0x80 * each
)

// outside has bit 6 of each byte set that is below '0', between 'W' and '`' or
// above 'w'; bytes over 127 are told by their top bit. In bits: '0' to '?' have
// 5 and 4, all above have 6, and the two forbidden rows are those with 6, 4 and 3.
// A shift to the left by three carries nothing into bit 6 of the next byte.
func outside(x uint64) uint64 {
	return x&(x<<2)&(x<<3) | ^(x | x<<1&(x<<2))
}

// strays marks the characters outside the alphabet; 0 where there is none.
func strays(x uint64) uint64 { return outside(x)&(0x40*each) | x&topBits }

// unarmour8 turns eight characters of the alphabet into 48 bits.
func unarmour8(x uint64) uint64 {
	v := x - 0x30*each - (x&(x<<1)&(0x40*each))>>3 // eight less from '`' on: these have bits 6 and 5
	v = bits.ReverseBytes64(v)
	v = v&0x003f003f003f003f | v&0x3f003f003f003f00>>2
	v = v&0x00000fff00000fff | v&0x0fff00000fff0000>>4
	return v&0xffffff | v>>32<<24
}

// fill sets the content from an armoured payload. It returns false where a
// character is outside the alphabet. The payload is at most MaxPayload long.
func (b *Bits) fill(payload []byte, fillBits int) bool {
	var bad uint64
	at := 0
	p := payload
	for len(p) >= 8 {
		x := binary.LittleEndian.Uint64(p)
		bad |= strays(x)
		binary.BigEndian.PutUint64(b.b[at:at+8], unarmour8(x)<<16)
		at += 6
		p = p[8:]
	}
	if len(p) > 0 {
		x := uint64(0x3030303030303030)
		for i := len(p) - 1; i >= 0; i-- {
			x = x<<8 | uint64(p[i])
		}
		bad |= strays(x)
		binary.BigEndian.PutUint64(b.b[at:at+8], unarmour8(x)<<16)
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

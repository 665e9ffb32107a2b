package pcap

import (
	"encoding/binary"
	"net/netip"
)

// Link types (https://www.tcpdump.org/linktypes.html).
const (
	linkNull     = 0
	linkEthernet = 1
	linkRaw12    = 12
	linkRaw14    = 14
	linkRaw      = 101
	linkLoop     = 108
	linkCooked   = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkCooked2  = 276
)

// Ether types.
const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherIPv6 = 0x86dd
	etherLLDP = 0x88cc
)

// IP protocols.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// TCP flags.
const (
	flagFIN = 1
	flagSYN = 2
	flagRST = 4
	flagACK = 16
)

// Bounds of headers.
const (
	maxTags       = 4
	maxExtensions = 8
)

type mac [6]byte

func (m mac) group() bool { return m[0]&1 != 0 }
func (m mac) zero() bool  { return m == mac{} }

// addr is an address as two numbers: IPv6 as it is sent, IPv4 in the low half of lo,
// a MAC in the low 48 bits of lo. Of which kind it is, the layer of its key tells.
type addr struct{ hi, lo uint64 }

func (a addr) less(b addr) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// netip is the address of an IP packet of that layer.
func (a addr) netip(layer uint8) netip.Addr {
	if layer == 4 {
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(a.lo))))
	}
	return netip.AddrFrom16([16]byte(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, a.hi), a.lo)))
}

// packet is what is read of a frame, down to the payload of TCP or UDP.
type packet struct {
	srcMAC, dstMAC mac
	tagged         bool // vlan was told
	vlan           uint16
	etherType      uint16 // below 1536: IEEE 802.3 with LLC, the value is the destination SAP
	ip, v6         bool
	src, dst       addr
	proto          uint8
	ports          bool // sport and dport were read
	sport, dport   uint16
	flags          uint8
	seq            uint32
	icmpType       uint8
	fragment       bool // one of several
	first          bool // of the fragments
	fragID         uint32
	body           []byte // payload of the ether type below IP, of TCP or UDP where ports
	missing        int    // bytes of the payload that were not captured
	key            key    // of its conversation; set by seal, as what follows
	hash           uint64
	swapped        bool // the sender is the high end of the key
}

// decode reads a frame. ok is false, with the reason, where not even the link
// layer is understood; a damaged upper layer gives what is whole below it.
func (p *packet) decode(f *frame) (reason string, ok bool) {
	*p = packet{}
	b := f.data
	switch f.link {
	case linkEthernet:
		return p.ethernet(b, f.wire-len(b))
	case linkCooked:
		if len(b) < 16 {
			return "frame shorter than its link header", false
		}
		if binary.BigEndian.Uint16(b[4:]) == 6 {
			p.srcMAC = mac(b[6:12])
		}
		p.etherType = binary.BigEndian.Uint16(b[14:])
		p.network(b[16:], f.wire-len(b))
	case linkCooked2:
		if len(b) < 20 {
			return "frame shorter than its link header", false
		}
		if b[11] == 6 {
			p.srcMAC = mac(b[12:18])
		}
		p.etherType = binary.BigEndian.Uint16(b)
		p.network(b[20:], f.wire-len(b))
	case linkNull, linkLoop:
		if len(b) < 4 {
			return "frame shorter than its link header", false
		}
		p.byVersion(b[4:], f.wire-len(b))
	case linkRaw, linkRaw12, linkRaw14, linkIPv4, linkIPv6:
		p.byVersion(b, f.wire-len(b))
	default:
		return "link type is not read", false
	}
	return "", true
}

func (p *packet) ethernet(b []byte, missing int) (string, bool) {
	if len(b) < 14 {
		return "frame shorter than its link header", false
	}
	p.dstMAC, p.srcMAC = mac(b[:6]), mac(b[6:12])
	p.etherType = binary.BigEndian.Uint16(b[12:])
	b = b[14:]
	for n := 0; n < maxTags && (p.etherType == 0x8100 || p.etherType == 0x88a8 || p.etherType == 0x9100); n++ {
		if len(b) < 4 {
			return "frame shorter than its VLAN tag", false
		}
		p.vlan, p.tagged = binary.BigEndian.Uint16(b)&0x0fff, true
		p.etherType = binary.BigEndian.Uint16(b[2:])
		b = b[4:]
	}
	if p.etherType < 1536 { // a length: LLC follows (IEEE 802.3 clause 3.2.6)
		if len(b) == 0 {
			return "frame shorter than its LLC header", false
		}
		p.etherType = uint16(b[0])
	}
	p.network(b, missing)
	return "", true
}

// byVersion reads link layers that carry IP only.
func (p *packet) byVersion(b []byte, missing int) {
	if len(b) == 0 {
		return
	}
	switch b[0] >> 4 {
	case 4:
		p.etherType = etherIPv4
	case 6:
		p.etherType = etherIPv6
	}
	p.network(b, missing)
}

func (p *packet) network(b []byte, missing int) {
	switch p.etherType {
	case etherIPv4:
		p.ipv4(b, missing)
	case etherIPv6:
		p.ipv6(b, missing)
	default:
		p.body, p.missing = b, missing
	}
}

func (p *packet) ipv4(b []byte, missing int) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return
	}
	head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if head < 20 || len(b) < head {
		return
	}
	if total == 0 { // the card cuts large segments later: the frame rules
		total = len(b) + missing
	}
	if total < head {
		return
	}
	p.ip, p.proto = true, b[9]
	p.src.lo, p.dst.lo = uint64(binary.BigEndian.Uint32(b[12:])), uint64(binary.BigEndian.Uint32(b[16:]))
	frag := binary.BigEndian.Uint16(b[6:])
	p.fragment, p.first = frag&0x3fff != 0, frag&0x1fff == 0
	p.fragID = uint32(binary.BigEndian.Uint16(b[4:]))
	p.transport(trim(b[head:], total-head, &missing), missing)
}

func (p *packet) ipv6(b []byte, missing int) {
	if len(b) < 40 || b[0]>>4 != 6 {
		return
	}
	p.ip, p.v6, p.proto, p.first = true, true, b[6], true
	p.src = addr{binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])}
	p.dst = addr{binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[32:])}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length == 0 {
		length = len(b) - 40 + missing
	}
	b = trim(b[40:], length, &missing)
	for range maxExtensions { // RFC 8200 section 4
		var n int
		switch p.proto {
		case 0, 43, 60:
			if len(b) < 8 {
				return
			}
			n = 8 + int(b[1])*8
		case 51:
			if len(b) < 8 {
				return
			}
			n = 8 + int(b[1])*4
		case 44:
			if len(b) < 8 {
				return
			}
			n = 8
			off := binary.BigEndian.Uint16(b[2:])
			p.fragment, p.first = off&0xfff9 != 0, off&0xfff8 == 0
			p.fragID = binary.BigEndian.Uint32(b[4:])
		default:
			p.transport(b, missing)
			return
		}
		if len(b) < n {
			return
		}
		p.proto, b = b[0], b[n:]
	}
}

// trim cuts b to the length that the header tells (frames are padded), or notes
// what was not captured of it.
func trim(b []byte, length int, missing *int) []byte {
	if length <= len(b) {
		*missing = 0
		return b[:length]
	}
	*missing = length - len(b)
	return b
}

func (p *packet) transport(b []byte, missing int) {
	if p.fragment && !p.first {
		return
	}
	switch p.proto {
	case protoTCP:
		p.tcp(b, missing)
	case protoUDP:
		if len(b) < 8 {
			return
		}
		p.sport, p.dport, p.ports = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), true
		length := int(binary.BigEndian.Uint16(b[4:])) - 8
		if length < 0 { // 0 is a jumbogram (RFC 2675); else nonsense
			length = len(b) - 8 + missing
		}
		p.body = trim(b[8:], length, &missing)
		p.missing = missing
	case protoICMP, protoICMPv6:
		if len(b) > 0 {
			p.icmpType = b[0]
		}
	}
}

func (p *packet) tcp(b []byte, missing int) {
	if len(b) < 14 {
		return
	}
	p.sport, p.dport, p.ports = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), true
	p.seq, p.flags = binary.BigEndian.Uint32(b[4:]), b[13]
	if head := int(b[12]>>4) * 4; head >= 20 && len(b) >= head {
		p.body, p.missing = b[head:], missing
	}
}

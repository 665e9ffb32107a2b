package pcap

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/quaywatch/quaywatch/ics"
	"github.com/quaywatch/quaywatch/internal/event"
)

// key names a conversation; its ends are in a fixed order, so that both
// directions have the same key.
type key struct {
	lo, hi         [16]byte
	loPort, hiPort uint16
	vlan           uint16
	proto          uint8
	layer          uint8 // 2, 4 or 6: Ethernet, IPv4, IPv6
}

// end is one end of a conversation.
type end struct {
	mac  mac
	ip   netip.Addr
	port uint16
}

// Sides of a flow: a sent the first packet that was seen.
const (
	sideA = ics.First
	sideB = ics.Second
)

// opener tells how it is known who opened a flow, weakest first.
type opener uint8

const (
	openerUnknown  opener = iota
	openerFresh           // the first packet after a silence that was watched
	openerProtocol        // the protocol tells who asks
	openerSYN             // the TCP handshake
)

// flow is one conversation in the table. Counters are of the present slice.
type flow struct {
	key        key
	ends       [2]end
	vlan       uint16
	transport  string
	how        opener
	client     ics.Side
	first      int64 // of the slice, nanoseconds; 0: the slice is empty
	last       int64
	packets    [2]uint64
	bytes      [2]uint64
	spoke      [2]bool // sent something other than a refusal, ever
	closed     [2]bool // FIN
	reset      bool
	app        string // recognised beside ics
	fragmented bool
	told       bool // a slice of it was told
	conv       *ics.Conversation
	ops        ics.Operations
	raw        event.Raw
	weight     int // of the operation that raw shows
	acts       []act
	hurried    bool // an urgent operation is in the slice
	prev, next *flow
}

// keyOf makes the key and tells which side of it sent the packet.
func keyOf(p *packet) (k key, ends [2]end) {
	k.vlan = p.vlan
	ends[0], ends[1] = end{mac: p.srcMAC}, end{mac: p.dstMAC}
	var a, b [16]byte
	if !p.ip {
		k.layer = 2
		copy(a[:], p.srcMAC[:])
		copy(b[:], p.dstMAC[:])
		k.loPort, k.hiPort = p.etherType, p.etherType
	} else {
		k.layer = 4
		if p.src.Is6() {
			k.layer = 6
		}
		k.proto = p.proto
		a, b = p.src.As16(), p.dst.As16()
		k.loPort, k.hiPort = p.sport, p.dport
		ends[0].ip, ends[1].ip = p.src, p.dst
		ends[0].port, ends[1].port = p.sport, p.dport
	}
	k.lo, k.hi = a, b
	if c := compare(a, b); c > 0 || c == 0 && k.loPort > k.hiPort {
		k.lo, k.hi, k.loPort, k.hiPort = b, a, k.hiPort, k.loPort
	}
	return k, ends
}

func compare(a, b [16]byte) int {
	for i := range a {
		if a[i] != b[i] {
			return int(a[i]) - int(b[i])
		}
	}
	return 0
}

// senderOf tells which side of the flow sent the packet. Where both ends are
// the same (loopback, same port) everything is of side a.
func (f *flow) senderOf(e [2]end) ics.Side {
	if f.key.layer == 2 {
		if e[0].mac == f.ends[0].mac {
			return sideA
		}
		return sideB
	}
	if e[0].ip == f.ends[0].ip && e[0].port == f.ends[0].port {
		return sideA
	}
	return sideB
}

// transportOf writes the transport as event.Flow has it.
func transportOf(p *packet) string {
	if !p.ip {
		if p.etherType < 1536 {
			return fmt.Sprintf("llc/0x%02x", p.etherType)
		}
		return fmt.Sprintf("ether/0x%04x", p.etherType)
	}
	switch p.proto {
	case protoTCP:
		return "tcp"
	case protoUDP:
		return "udp"
	case protoICMP, protoICMPv6:
		return "icmp"
	}
	return "ip/" + strconv.Itoa(int(p.proto))
}

// opened notes who opened the flow, unless something better is known.
func (f *flow) opened(by ics.Side, how opener) {
	if how > f.how {
		f.client, f.how = by, how
	}
}

// application is the name by content, "" where none.
func (f *flow) application() string {
	if f.conv != nil {
		if a := f.conv.Application(); a != "" {
			return a
		}
	}
	return f.app
}

// observation writes the present slice as a flow.
func (f *flow) observation() event.Flow {
	c, s := f.client&1, 1-f.client&1
	direction := event.DirectionSeen
	if f.how == openerUnknown {
		direction = event.DirectionUnknown
	}
	answered := f.spoke[s]
	if f.how == openerUnknown {
		answered = f.spoke[0] && f.spoke[1]
	}
	return event.Flow{
		Last:   unix(f.last),
		Client: f.ends[c].endpoint(), Server: f.ends[s].endpoint(),
		Direction: direction, Transport: f.transport, VLAN: f.vlan,
		Application: f.application(), Operations: f.ops.Names(),
		PacketsOut: f.packets[c], PacketsIn: f.packets[s],
		BytesOut: f.bytes[c], BytesIn: f.bytes[s],
		Answered: answered,
	}
}

// clear begins a new slice.
func (f *flow) clear() {
	f.first, f.packets, f.bytes = 0, [2]uint64{}, [2]uint64{}
	f.ops, f.raw, f.weight = 0, event.Raw{}, 0
	f.acts, f.hurried = f.acts[:0], false
}

func (e end) endpoint() event.Endpoint {
	out := event.Endpoint{Port: e.port}
	if !e.mac.zero() {
		out.MAC = e.mac.String()
	}
	if e.ip.IsValid() {
		out.IP = e.ip.Unmap().String()
	}
	return out
}

// String writes the address in lower case with colons.
func (m mac) String() string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 17)
	for i, b := range m {
		if i > 0 {
			out = append(out, ':')
		}
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}

func unix(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// weigh orders operations by how much a reader wants to see the packet of it.
func weigh(o ics.Operations) int {
	switch {
	case o&(ics.Program|ics.Firmware|ics.Stop|ics.Start|ics.SetTime) != 0:
		return 4
	case o&ics.Write != 0:
		return 3
	case o&ics.Upload != 0:
		return 2
	case o != 0:
		return 1
	}
	return 0
}

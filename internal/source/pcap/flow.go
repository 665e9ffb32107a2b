package pcap

import (
	"fmt"
	"strconv"
	"time"

	"github.com/quaywatch/quaywatch/ics"
	"github.com/quaywatch/quaywatch/internal/event"
)

// key names a conversation; its ends are in a fixed order, so that both
// directions have the same key.
type key struct {
	lo, hi         addr
	loPort, hiPort uint16
	vlan           uint16
	proto          uint8
	layer          uint8 // 2, 4 or 6: Ethernet, IPv4, IPv6
}

// end is one end of a conversation.
type end struct {
	mac   mac
	layer uint8 // 4 or 6 where ip is one
	port  uint16
	ip    addr
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
	hash       uint64
	key        key
	swapped    bool // side a is the high end of the key
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
	talks      bool // conv holds a conversation
	conv       ics.Conversation
	ops        ics.Operations
	raw        event.Raw
	weight     int // of the operation that raw shows
	acts       []act
	hurried    bool   // an urgent operation is in the slice
	touched    uint64 // packets that were counted until its newest
	prev, next *flow

	wasPace              pace // when it was put into the wheel
	inWheel              bool
	spokeAt              int64 // of the wheel, where it is
	wheelPrev, wheelNext *flow
}

// over reports that both ends closed f, or one refused it.
func (f *flow) over() bool { return f.reset || f.closed[0] && f.closed[1] }

// pace is what makes the time come sooner at which something is told of a flow.
type pace struct{ over, hurried bool }

func (f *flow) pace() pace { return pace{f.over(), f.hurried} }

// seal makes the key of the packet's conversation.
func (p *packet) seal() {
	k := &p.key
	k.vlan, k.proto = p.vlan, p.proto
	switch {
	case !p.ip:
		k.layer = 2
		k.lo.lo, k.hi.lo = p.srcMAC.number(), p.dstMAC.number()
		k.loPort, k.hiPort = p.etherType, p.etherType
	default:
		k.layer = 4
		if p.v6 {
			k.layer = 6
		}
		k.lo, k.hi, k.loPort, k.hiPort = p.src, p.dst, p.sport, p.dport
	}
	if k.hi.less(k.lo) || k.hi == k.lo && k.loPort > k.hiPort {
		k.lo, k.hi, k.loPort, k.hiPort = k.hi, k.lo, k.hiPort, k.loPort
		p.swapped = true
	}
	p.hash = k.hash()
}

func (m mac) number() uint64 {
	return uint64(m[0])<<40 | uint64(m[1])<<32 | uint64(m[2])<<24 | uint64(m[3])<<16 | uint64(m[4])<<8 | uint64(m[5])
}

// ends are the sender and the receiver.
func (p *packet) ends() (e [2]end) {
	e[0].mac, e[1].mac = p.srcMAC, p.dstMAC
	if p.ip {
		e[0].layer, e[0].ip, e[0].port = p.key.layer, p.src, p.sport
		e[1].layer, e[1].ip, e[1].port = p.key.layer, p.dst, p.dport
	}
	return e
}

// senderOf tells which side of the flow sent the packet. Where both ends are
// the same (loopback, same port) everything is of side a.
func (f *flow) senderOf(p *packet) ics.Side {
	if p.swapped == f.swapped || p.key.lo == p.key.hi && p.key.loPort == p.key.hiPort {
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
	if f.talks {
		if a := f.conv.Application(); a != "" {
			return a
		}
	}
	return f.app
}

// observation writes the present slice as a flow.
func (f *flow) observation(n *names) event.Flow {
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
		Client: f.ends[c].endpoint(n), Server: f.ends[s].endpoint(n),
		Direction: direction, Transport: f.transport, VLAN: f.vlan,
		Application: f.application(), Operations: f.ops.Names(),
		PacketsOut: f.packets[c], PacketsIn: f.packets[s],
		BytesOut: f.bytes[c], BytesIn: f.bytes[s],
		Answered: answered,
	}
}

// forget begins the conversation anew: another one has the same ends.
func (f *flow) forget() {
	if f.talks {
		f.talks, f.conv = false, ics.Conversation{}
	}
}

// clear begins a new slice.
func (f *flow) clear() {
	f.first, f.packets, f.bytes = 0, [2]uint64{}, [2]uint64{}
	f.ops, f.raw, f.weight = 0, event.Raw{}, 0
	f.acts, f.hurried = f.acts[:0], false
}

func (e end) endpoint(n *names) event.Endpoint {
	out := event.Endpoint{Port: e.port}
	if !e.mac.zero() {
		out.MAC = n.mac(e.mac)
	}
	if e.layer != 0 {
		out.IP = n.ip(e.ip, e.layer)
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

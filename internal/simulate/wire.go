package simulate

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// station is one end of traffic.
type station struct {
	id  string // asset, "" for an address outside
	ip  netip.Addr
	mac net.HardwareAddr
}

// mss is the largest TCP payload of one Ethernet frame without options.
const mss = 1460

// session is one TCP conversation as a sensor sees it: every frame, with the
// numbers that both ends would have used.
type session struct {
	f              *fabric
	client, server station
	cport, sport   uint16
	cseq, sseq     uint32
	open           bool
}

// frame is what one TCP segment is made of.
type frame struct {
	out                bool // client to server
	syn, ack, fin, rst bool
	data               []byte
}

// dial opens a conversation by the three-way handshake.
func (f *fabric) dial(client, server station, port uint16) *session {
	c := f.begin(client, server, port)
	c.segment(frame{out: true, syn: true})
	c.segment(frame{syn: true, ack: true})
	c.segment(frame{out: true, ack: true})
	c.open = true
	return c
}

func (f *fabric) begin(client, server station, port uint16) *session {
	return &session{f: f, client: client, server: server, cport: f.port(), sport: port, cseq: f.r.Uint32(), sseq: f.r.Uint32()}
}

// refused is a SYN that is answered by RST, as of a closed port.
func (f *fabric) refused(client, server station, port uint16) {
	c := f.begin(client, server, port)
	c.segment(frame{out: true, syn: true})
	c.sseq = 0
	c.segment(frame{rst: true, ack: true})
}

// unanswered is a SYN into the void.
func (f *fabric) unanswered(client, server station, port uint16) {
	f.begin(client, server, port).segment(frame{out: true, syn: true})
}

// exchange sends a request and its answer, each acknowledged by what follows.
func (c *session) exchange(request, answer []byte) {
	c.send(true, request)
	c.send(false, answer)
	c.segment(frame{out: true, ack: true})
}

// send cuts data into segments.
func (c *session) send(out bool, data []byte) {
	for len(data) > 0 {
		n := min(len(data), mss)
		c.segment(frame{out: out, ack: true, data: data[:n]})
		data = data[n:]
	}
}

// close ends the conversation in order.
func (c *session) close() {
	if !c.open {
		return
	}
	c.open = false
	c.segment(frame{out: true, ack: true, fin: true})
	c.segment(frame{ack: true, fin: true})
	c.segment(frame{out: true, ack: true})
}

func (c *session) segment(s frame) {
	from, to, sp, dp, seq, ack := c.client, c.server, c.cport, c.sport, &c.cseq, c.sseq
	if !s.out {
		from, to, sp, dp, seq, ack = c.server, c.client, c.sport, c.cport, &c.sseq, c.cseq
	}
	t := &c.f.tcp
	*t = layers.TCP{SrcPort: layers.TCPPort(sp), DstPort: layers.TCPPort(dp), Seq: *seq, SYN: s.syn, ACK: s.ack, FIN: s.fin, RST: s.rst, PSH: len(s.data) > 0, Window: 64240}
	if s.ack {
		t.Ack = ack
	}
	if s.syn {
		t.Options = []layers.TCPOption{{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{mss >> 8, mss & 0xff}}}
		*seq++
	}
	if s.fin {
		*seq++
	}
	*seq += uint32(len(s.data))
	c.f.send(from, to, layers.IPProtocolTCP, t, s.data)
}

// datagram sends one UDP packet.
func (f *fabric) datagram(from, to station, sp, dp uint16, data []byte) {
	f.udp = layers.UDP{SrcPort: layers.UDPPort(sp), DstPort: layers.UDPPort(dp)}
	f.send(from, to, layers.IPProtocolUDP, &f.udp, data)
}

// transport is a layer above IP that needs it for its checksum.
type transport interface {
	gopacket.SerializableLayer
	SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
}

func (f *fabric) send(from, to station, p layers.IPProtocol, t transport, data []byte) {
	f.ident++
	eth := layers.Ethernet{SrcMAC: from.mac, DstMAC: to.mac, EthernetType: layers.EthernetTypeIPv4}
	ip := layers.IPv4{Version: 4, IHL: 5, TTL: 64, Id: f.ident, Flags: layers.IPv4DontFragment, Protocol: p, SrcIP: from.ip.AsSlice(), DstIP: to.ip.AsSlice()}
	if err := t.SetNetworkLayerForChecksum(&ip); err != nil {
		f.s.fail(fmt.Errorf("packet from %s to %s: %w", from.ip, to.ip, err))
		return
	}
	if err := gopacket.SerializeLayers(f.buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, &eth, &ip, t, gopacket.Payload(data)); err != nil {
		f.s.fail(fmt.Errorf("packet from %s to %s: %w", from.ip, to.ip, err))
		return
	}
	f.s.now = f.s.now.Add(time.Duration(60+f.r.IntN(340)) * time.Microsecond)
	f.s.emit(Packet, f.buf.Bytes())
}

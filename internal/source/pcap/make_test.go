package pcap

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/quaywatch/quaywatch/internal/event"
)

var epoch = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

// sink keeps what it is given.
type sink struct {
	mu         sync.Mutex
	flows      []event.Flow
	devices    []event.DeviceSighting
	operations []event.DeviceOperation
	health     event.SourceHealth
	arrived    chan struct{} // one token a batch with flows, where set
}

func (s *sink) Put(_ context.Context, b *event.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flows = append(s.flows, b.Flows...)
	s.devices = append(s.devices, b.Devices...)
	s.operations = append(s.operations, b.Operations...)
	if len(b.Health) > 0 {
		s.health = b.Health[len(b.Health)-1]
	}
	if s.arrived != nil && len(b.Flows) > 0 {
		select {
		case s.arrived <- struct{}{}:
		default:
		}
	}
	return nil
}

// tape writes a capture with gopacket, which shares no code with the reader.
type tape struct {
	t   testing.TB
	buf bytes.Buffer
	w   *pcapgo.Writer
	n   int
}

func newTape(t testing.TB) *tape {
	tp := &tape{t: t}
	tp.w = pcapgo.NewWriter(&tp.buf)
	if err := tp.w.WriteFileHeader(65536, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	return tp
}

// at writes one frame, seconds after the epoch.
func (tp *tape) at(seconds float64, l ...gopacket.SerializableLayer) {
	tp.t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, l...); err != nil {
		tp.t.Fatal(err)
	}
	tp.raw(seconds, b.Bytes())
}

func (tp *tape) raw(seconds float64, b []byte) {
	tp.t.Helper()
	tp.n++
	ci := gopacket.CaptureInfo{Timestamp: epoch.Add(time.Duration(seconds * float64(time.Second))), CaptureLength: len(b), Length: len(b)}
	if err := tp.w.WritePacket(ci, b); err != nil {
		tp.t.Fatal(err)
	}
}

func (tp *tape) file(name string) string {
	tp.t.Helper()
	path := filepath.Join(tp.t.TempDir(), name)
	if err := os.WriteFile(path, tp.buf.Bytes(), 0o600); err != nil {
		tp.t.Fatal(err)
	}
	return path
}

// host is one end for the tape.
type host struct {
	mac, ip string
	port    uint16
}

var (
	hmi    = host{"00:0c:29:00:00:01", "10.20.1.5", 49200}
	plc    = host{"00:80:f4:00:00:02", "10.20.2.9", 502}
	camera = host{"ac:cc:8e:00:00:03", "10.40.1.7", 554}
)

func ether(from, to host, kind layers.EthernetType) *layers.Ethernet {
	s, _ := net.ParseMAC(from.mac)
	d, _ := net.ParseMAC(to.mac)
	return &layers.Ethernet{SrcMAC: s, DstMAC: d, EthernetType: kind}
}

func ipv4(from, to host, proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: net.ParseIP(from.ip), DstIP: net.ParseIP(to.ip)}
}

// tcp writes one TCP segment; flags are letters of "SAFRP".
func (tp *tape) tcp(seconds float64, from, to host, flags string, seq uint32, payload string) {
	tp.t.Helper()
	ip := ipv4(from, to, layers.IPProtocolTCP)
	l := &layers.TCP{SrcPort: layers.TCPPort(from.port), DstPort: layers.TCPPort(to.port), Seq: seq, Window: 1000}
	for _, f := range flags {
		switch f {
		case 'S':
			l.SYN = true
		case 'A':
			l.ACK = true
		case 'F':
			l.FIN = true
		case 'R':
			l.RST = true
		}
	}
	_ = l.SetNetworkLayerForChecksum(ip)
	tp.at(seconds, ether(from, to, layers.EthernetTypeIPv4), ip, l, gopacket.Payload(payload))
}

func (tp *tape) udp(seconds float64, from, to host, payload string) {
	tp.t.Helper()
	ip := ipv4(from, to, layers.IPProtocolUDP)
	l := &layers.UDP{SrcPort: layers.UDPPort(from.port), DstPort: layers.UDPPort(to.port)}
	_ = l.SetNetworkLayerForChecksum(ip)
	tp.at(seconds, ether(from, to, layers.EthernetTypeIPv4), ip, l, gopacket.Payload(payload))
}

// poll is a Modbus read or write request.
func poll(function byte) string {
	return string([]byte{0, 1, 0, 0, 0, 6, 1, function, 0, 0, 0, 10})
}

// run reads paths to the end.
func run(t testing.TB, o Options, paths ...string) (*sink, *Source) {
	t.Helper()
	if o.Clock == nil {
		o.Clock = func() time.Time { return epoch }
	}
	k, s := &sink{}, New("test", paths, o)
	if err := s.Run(context.Background(), k); err != nil {
		t.Fatal(err)
	}
	return k, s
}

// line writes a flow as one line, for tables.
func line(f event.Flow) string {
	return fmt.Sprintf("%s:%d>%s:%d %s %s %s %v %d/%d answered=%v", f.Client.IP, f.Client.Port, f.Server.IP, f.Server.Port,
		f.Transport, f.Application, f.Direction, f.Operations, f.PacketsOut, f.PacketsIn, f.Answered)
}

func lines(k *sink) []string {
	var out []string
	for _, f := range k.flows {
		out = append(out, line(f))
	}
	return out
}

package pcap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/quaywatch/quaywatch/internal/event"
)

func TestDirection(t *testing.T) {
	unknown := host{"00:0c:29:00:00:09", "10.20.1.9", 50001}
	for _, c := range []struct {
		name  string
		write func(tp *tape)
		want  []string
	}{
		{"handshake", func(tp *tape) {
			tp.tcp(0, hmi, plc, "S", 1, "")
			tp.tcp(1, plc, hmi, "SA", 9, "")
			tp.tcp(2, hmi, plc, "A", 2, poll(3))
		}, []string{"10.20.1.5:49200>10.20.2.9:502 tcp modbus seen [read] 2/1 answered=true"}},
		{"only the answer to the handshake", func(tp *tape) {
			tp.tcp(1, plc, hmi, "SA", 9, "")
		}, []string{"10.20.1.5:49200>10.20.2.9:502 tcp  seen [] 0/1 answered=true"}},
		{"joined in the middle, nothing known", func(tp *tape) {
			tp.tcp(0, plc, unknown, "A", 9, "??")
			tp.tcp(0, unknown, plc, "A", 9, "!!")
		}, []string{"10.20.2.9:502>10.20.1.9:50001 tcp  unknown [] 1/1 answered=true"}},
		{"joined in the middle, the protocol tells", func(tp *tape) {
			tp.tcp(0, plc, hmi, "A", 9, "")
			tp.tcp(0, hmi, plc, "A", 9, poll(6))
		}, []string{"10.20.1.5:49200>10.20.2.9:502 tcp modbus seen [write] 1/1 answered=true"}},
		{"refused", func(tp *tape) {
			tp.tcp(0, hmi, plc, "S", 1, "")
			tp.tcp(0, plc, hmi, "RA", 9, "")
		}, []string{"10.20.1.5:49200>10.20.2.9:502 tcp  seen [] 1/1 answered=false"}},
		{"udp at the start of watching", func(tp *tape) {
			tp.udp(0, hmi, plc, "x")
		}, []string{"10.20.1.5:49200>10.20.2.9:502 udp  unknown [] 1/0 answered=false"}},
		{"udp after a watched silence", func(tp *tape) {
			tp.tcp(0, hmi, camera, "S", 1, "")
			tp.udp(120, hmi, plc, "x")
		}, []string{
			"10.20.1.5:49200>10.40.1.7:554 tcp  seen [] 1/0 answered=false",
			"10.20.1.5:49200>10.20.2.9:502 udp  seen [] 1/0 answered=false",
		}},
		{"ports used again", func(tp *tape) {
			tp.tcp(0, hmi, plc, "S", 1, "")
			tp.tcp(1, plc, hmi, "RA", 9, "")
			tp.tcp(2, hmi, plc, "S", 100, "")
		}, []string{
			"10.20.1.5:49200>10.20.2.9:502 tcp  seen [] 1/1 answered=false",
			"10.20.1.5:49200>10.20.2.9:502 tcp  seen [] 1/0 answered=false",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tp := newTape(t)
			c.write(tp)
			k, _ := run(t, Options{}, tp.file("a.pcap"))
			if diff := cmp.Diff(c.want, lines(k)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSlicesKeepTheOpening(t *testing.T) {
	tp := newTape(t)
	tp.tcp(0, hmi, plc, "S", 1, "")
	seq := uint32(2)
	for i := range 5 {
		tp.tcp(float64(1+i*30), hmi, plc, "A", seq, poll(3))
		seq += 12
	}
	k, s := run(t, Options{}, tp.file("a.pcap"))
	if len(k.flows) != 3 {
		t.Fatalf("%d slices: %v", len(k.flows), lines(k))
	}
	var packets uint64
	for i, f := range k.flows {
		packets += f.PacketsOut
		if f.Direction != event.DirectionSeen || f.Application != "modbus" {
			t.Errorf("slice %d: %s", i, line(f))
		}
		if f.Raw.Line == 0 || f.Raw.Sum.IsZero() || f.Raw.Length == 0 || f.Raw.Input == "" {
			t.Errorf("slice %d has no way back: %+v", i, f.Raw)
		}
	}
	if packets != 6 || s.Stats().Packets != 6 {
		t.Errorf("%d packets in slices, %d read, 6 written", packets, s.Stats().Packets)
	}
}

// TestRawLeadsBack reads the bytes at the offset that the evidence names.
func TestRawLeadsBack(t *testing.T) {
	tp := newTape(t)
	tp.tcp(0, hmi, plc, "S", 1, "")
	tp.tcp(1, hmi, plc, "A", 2, poll(3))
	tp.tcp(2, hmi, plc, "A", 14, poll(6))
	path := tp.file("a.pcap")
	k, _ := run(t, Options{}, path)
	raw := k.flows[0].Raw
	if raw.Line != 3 {
		t.Errorf("packet %d is shown, the write is in packet 3", raw.Line)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if event.SumOf(b[raw.Offset:raw.Offset+int64(raw.Length)]) != raw.Sum {
		t.Error("the bytes at the offset are not the ones that were hashed")
	}
}

func TestFullTableForgetsNothing(t *testing.T) {
	tp := newTape(t)
	for i := range 50 {
		from := hmi
		from.port = uint16(40000 + i)
		tp.tcp(float64(i)/100, from, plc, "S", 1, "")
	}
	k, s := run(t, Options{MaxFlows: 8}, tp.file("a.pcap"))
	if len(k.flows) != 50 || s.Stats().Evicted != 42 {
		t.Errorf("%d flows told of 50, %d told early", len(k.flows), s.Stats().Evicted)
	}
}

func TestTruncatedCapture(t *testing.T) {
	tp := newTape(t)
	for i := range 3 {
		tp.tcp(float64(i), hmi, plc, "A", uint32(1+12*i), poll(3))
	}
	whole := tp.buf.Bytes()
	for cut := len(whole) - 1; cut > 24; cut -= 7 {
		path := filepath.Join(t.TempDir(), "cut.pcap")
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		_, s := run(t, Options{}, path)
		if (cut-24)%82 == 0 {
			continue // cut between packets: nothing is wrong with it
		}
		want := uint64((cut - 24) / 82)
		var damage *DamageError
		if s.Stats().Packets != want || len(s.Problems()) != 1 || !errors.As(s.Problems()[0], &damage) {
			t.Fatalf("cut at %d: %d packets of %d, problems %v", cut, s.Stats().Packets, want, s.Problems())
		}
		if damage.Packet != int64(want) || damage.Input != path {
			t.Errorf("cut at %d: %v", cut, damage)
		}
	}
}

func TestBelowAndBesideIPv4(t *testing.T) {
	tp := newTape(t)
	group := host{mac: "01:15:4e:00:01:01"}
	tp.at(0, ether(hmi, plc, 0x88a4), gopacket.Payload(strings.Repeat("e", 46)))
	tp.at(1, ether(plc, hmi, 0x8892), gopacket.Payload(strings.Repeat("p", 46)))
	tp.at(2, ether(hmi, group, 0x88a4), gopacket.Payload(strings.Repeat("e", 46)))
	tagged := ether(hmi, plc, layers.EthernetTypeDot1Q)
	v6 := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolUDP, SrcIP: net.ParseIP("fd00::1"), DstIP: net.ParseIP("fd00::2")}
	u := &layers.UDP{SrcPort: 40000, DstPort: 5094}
	_ = u.SetNetworkLayerForChecksum(v6)
	tp.at(3, tagged, &layers.Dot1Q{VLANIdentifier: 42, Type: layers.EthernetTypeIPv6}, v6, u, gopacket.Payload("hello"))
	k, _ := run(t, Options{}, tp.file("a.pcap"))
	var got []string
	for _, f := range k.flows {
		got = append(got, f.Transport+" "+f.Client.MAC+" "+f.Server.IP+" "+string(f.Direction))
	}
	want := []string{
		"ether/0x88a4 00:0c:29:00:00:01  unknown",
		"ether/0x8892 00:80:f4:00:00:02  unknown",
		"ether/0x88a4 00:0c:29:00:00:01  seen",
		"udp 00:0c:29:00:00:01 fd00::2 unknown",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if k.flows[3].VLAN != 42 {
		t.Errorf("VLAN %d", k.flows[3].VLAN)
	}
}

func TestFragmentsStayWithTheirFlow(t *testing.T) {
	tp := newTape(t)
	whole := ipv4(hmi, plc, layers.IPProtocolUDP)
	whole.Id, whole.Flags = 77, layers.IPv4MoreFragments
	u := &layers.UDP{SrcPort: 40000, DstPort: 47808, Length: 24}
	b := gopacket.NewSerializeBuffer()
	_ = gopacket.SerializeLayers(b, gopacket.SerializeOptions{}, u, gopacket.Payload("12345678"))
	tp.at(0, ether(hmi, plc, layers.EthernetTypeIPv4), whole, gopacket.Payload(b.Bytes()))
	rest := ipv4(hmi, plc, layers.IPProtocolUDP)
	rest.Id, rest.FragOffset = 77, 2
	tp.at(0.1, ether(hmi, plc, layers.EthernetTypeIPv4), rest, gopacket.Payload("87654321"))
	k, _ := run(t, Options{}, tp.file("a.pcap"))
	if len(k.flows) != 1 || k.flows[0].PacketsOut != 2 || k.flows[0].Server.Port != 47808 {
		t.Errorf("%v", lines(k))
	}
}

func TestSightings(t *testing.T) {
	tp := newTape(t)
	hw, _ := net.ParseMAC(plc.mac)
	arp := &layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
		Operation: 2, SourceHwAddress: hw, SourceProtAddress: net.ParseIP(plc.ip).To4(), DstHwAddress: make([]byte, 6), DstProtAddress: net.ParseIP(hmi.ip).To4()}
	for i := range 3 {
		tp.at(float64(i), ether(plc, hmi, layers.EthernetTypeARP), arp)
	}
	tp.at(700, ether(plc, hmi, layers.EthernetTypeARP), arp)
	k, _ := run(t, Options{}, tp.file("a.pcap"))
	if len(k.devices) != 2 {
		t.Fatalf("%d sightings: once, and again after ten minutes", len(k.devices))
	}
	if d := k.devices[0]; d.MAC != plc.mac || d.IP != plc.ip || d.Protocol != "arp" || !d.Time.Equal(epoch) {
		t.Errorf("%+v", d)
	}
}

// TestDHCPFingerprint: the order of the options that a client asks for is kept, and
// a change of it is told within the ten minutes.
func TestDHCPFingerprint(t *testing.T) {
	tp := newTape(t)
	hw, _ := net.ParseMAC(plc.mac)
	for i, asked := range [][]byte{{1, 3, 6, 15}, {1, 3, 6, 15}, {3, 1}} {
		udp := &layers.UDP{SrcPort: 68, DstPort: 67}
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IPv4zero, DstIP: net.IPv4bcast}
		if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
			t.Fatal(err)
		}
		tp.at(float64(i), ether(plc, host{mac: "ff:ff:ff:ff:ff:ff"}, layers.EthernetTypeIPv4), ip, udp, &layers.DHCPv4{
			Operation: layers.DHCPOpRequest, HardwareType: layers.LinkTypeEthernet, HardwareLen: 6, ClientHWAddr: hw, Options: layers.DHCPOptions{
				layers.NewDHCPOption(layers.DHCPOptMessageType, []byte{1}), layers.NewDHCPOption(layers.DHCPOptHostname, []byte("crane")),
				layers.NewDHCPOption(layers.DHCPOptParamsRequest, asked)}})
	}
	k, _ := run(t, Options{}, tp.file("a.pcap"))
	var got []string
	for _, d := range k.devices {
		for _, f := range d.Facts {
			got = append(got, d.MAC+" "+f.Name+" "+f.Value)
		}
	}
	if diff := cmp.Diff([]string{plc.mac + " dhcp-fingerprint 1,3,6,15", plc.mac + " dhcp-fingerprint 3,1"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDirectoryTakesCapturesByContent(t *testing.T) {
	dir := t.TempDir()
	tp := newTape(t)
	tp.tcp(0, hmi, plc, "S", 1, "")
	for name, b := range map[string][]byte{"b/x.txt": tp.buf.Bytes(), "a.pcap": []byte("no capture"), "c.log": []byte("x"), "empty.pcap": nil} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k, s := run(t, Options{}, dir)
	if len(k.flows) != 1 || s.Stats().Files != 1 || s.Stats().Other != 3 || len(s.Problems()) != 0 {
		t.Errorf("%d flows, %+v, %v", len(k.flows), s.Stats(), s.Problems())
	}
	if k.health.Skipped != 3 {
		t.Errorf("health counts %d skipped", k.health.Skipped)
	}
	_, s = run(t, Options{}, filepath.Join(dir, "a.pcap"))
	if len(s.Problems()) != 1 {
		t.Errorf("a file that was named and is no capture must be told: %v", s.Problems())
	}
}

// TestReaderIsLive writes a stream that never ends: flows come out all the same.
func TestReaderIsLive(t *testing.T) {
	tp := newTape(t)
	tp.tcp(0, hmi, plc, "S", 1, "")
	tp.tcp(100, hmi, camera, "S", 1, "")
	pr, pw := io.Pipe()
	k := &sink{arrived: make(chan struct{}, 1)}
	s := NewReader("wire", pr, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, k) }()
	if _, err := pw.Write(tp.buf.Bytes()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-k.arrived:
	case <-time.After(30 * time.Second):
		t.Fatal("no flow came out of a stream that goes on")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
	if len(k.flows) != 2 {
		t.Errorf("the end lost flows: %v", lines(k))
	}
	if k.flows[0].Raw.Input != "wire" {
		t.Errorf("evidence names %q", k.flows[0].Raw.Input)
	}
}

func TestGrowingFile(t *testing.T) {
	tp := newTape(t)
	tp.tcp(0, hmi, plc, "S", 1, "")
	half := len(tp.buf.Bytes()) - 10
	path := filepath.Join(t.TempDir(), "grows.pcap")
	if err := os.WriteFile(path, tp.buf.Bytes()[:half], 0o600); err != nil {
		t.Fatal(err)
	}
	tp.tcp(100, hmi, camera, "S", 1, "")
	k := &sink{arrived: make(chan struct{}, 1)}
	s := New("grows", []string{path}, Options{Follow: true})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, k) }()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(tp.buf.Bytes()[half:]); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	select {
	case <-k.arrived:
	case <-time.After(30 * time.Second):
		t.Fatal("what was appended did not come out")
	}
	cancel()
	<-done
	if len(k.flows) != 2 || len(s.Problems()) != 0 {
		t.Errorf("%v %v", lines(k), s.Problems())
	}
}

func TestPcapng(t *testing.T) {
	tp := newTape(t)
	tp.tcp(0.123456789, hmi, plc, "S", 1, "")
	frame := tp.buf.Bytes()[24+16:]
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	at := epoch.Add(123456789 * time.Nanosecond)
	if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(frame), Length: len(frame)}, frame); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.pcapng")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	k, _ := run(t, Options{}, path)
	if len(k.flows) != 1 || !k.flows[0].Time.Equal(at) {
		t.Fatalf("%+v", k.flows)
	}
	raw := k.flows[0].Raw
	if event.SumOf(b.Bytes()[raw.Offset:raw.Offset+int64(raw.Length)]) != raw.Sum {
		t.Error("the offset does not lead to the packet")
	}
}

// TestSameInputSameFlows reads twice and compares every field.
func TestSameInputSameFlows(t *testing.T) {
	dir := realCaptures(t)
	a, _ := run(t, Options{MaxFlows: 500}, dir)
	b, _ := run(t, Options{MaxFlows: 500}, dir)
	if diff := cmp.Diff(a.flows, b.flows); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(a.devices, b.devices); diff != "" {
		t.Error(diff)
	}
}

func realCaptures(t testing.TB) string {
	t.Helper()
	root := os.Getenv("QUAYWATCH_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	dir := filepath.Join(root, "ot", "pcap")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no captures to read: %v (set QUAYWATCH_TESTDATA)", err)
	}
	return dir
}

// TestEveryPacketIsInOneFlow: packets and bytes read are packets and bytes told.
func TestEveryPacketIsInOneFlow(t *testing.T) {
	for _, max := range []int{0, 3} {
		k, s := run(t, Options{MaxFlows: max}, realCaptures(t))
		var packets uint64
		for _, f := range k.flows {
			packets += f.PacketsIn + f.PacketsOut
		}
		if packets != s.Stats().Packets-s.Stats().Refused {
			t.Errorf("table of %d: %d packets told of %d", max, packets, s.Stats().Packets)
		}
	}
}

// TestReaderAgreesWithGopacket compares packets, times and headers of every
// shared capture with gopacket.
func TestReaderAgreesWithGopacket(t *testing.T) {
	dir := realCaptures(t)
	n := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(filepath.Ext(path), ".pcap") {
			return err
		}
		n += comparePackets(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 50_000 {
		t.Errorf("only %d packets were compared", n)
	}
}

func comparePackets(t *testing.T, path string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := openCapture(bytes.NewReader(b), path)
	if err != nil {
		t.Fatal(err)
	}
	var src gopacket.PacketDataSource
	if r, err := pcapgo.NewReader(bytes.NewReader(b)); err == nil {
		src = r
	} else if src, err = pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.DefaultNgReaderOptions); err != nil {
		t.Fatal(err)
	}
	var f frame
	var p packet
	for n := 0; ; n++ {
		data, ci, err := src.ReadPacketData()
		ours := c.next(&f)
		if errors.Is(err, io.EOF) && errors.Is(ours, io.EOF) {
			return n
		}
		if err != nil || ours != nil {
			t.Fatalf("%s packet %d: gopacket %v, ours %v", path, n+1, err, ours)
		}
		if !bytes.Equal(data, f.data) || ci.Length != f.wire || ci.Timestamp.UnixNano() != f.time {
			t.Fatalf("%s packet %d: %v %d %d, gopacket %v %d", path, n+1, unix(f.time), len(f.data), f.wire, ci.Timestamp, ci.Length)
		}
		if !bytes.Equal(b[f.offset:f.offset+int64(len(f.data))], f.data) {
			t.Fatalf("%s packet %d: offset %d does not lead to it", path, n+1, f.offset)
		}
		if f.link == linkEthernet {
			compareHeaders(t, path, &f, &p)
		}
	}
}

func compareHeaders(t *testing.T, path string, f *frame, p *packet) {
	t.Helper()
	if _, ok := p.decode(f); !ok {
		t.Fatalf("%s packet %d was refused", path, f.number)
	}
	g := gopacket.NewPacket(f.data, layers.LinkTypeEthernet, gopacket.DecodeOptions{NoCopy: true})
	if l, ok := g.Layer(layers.LayerTypeTCP).(*layers.TCP); ok {
		if uint16(l.SrcPort) != p.sport || uint16(l.DstPort) != p.dport || l.Seq != p.seq || !bytes.Equal(l.Payload, p.body) {
			t.Fatalf("%s packet %d: tcp %d>%d %d bytes, gopacket %v>%v %d", path, f.number, p.sport, p.dport, len(p.body), l.SrcPort, l.DstPort, len(l.Payload))
		}
	}
	if l, ok := g.Layer(layers.LayerTypeUDP).(*layers.UDP); ok {
		if uint16(l.SrcPort) != p.sport || uint16(l.DstPort) != p.dport || !bytes.Equal(l.Payload, p.body) {
			t.Fatalf("%s packet %d: udp %d>%d, gopacket %v>%v", path, f.number, p.sport, p.dport, l.SrcPort, l.DstPort)
		}
	}
}

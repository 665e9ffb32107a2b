package simulate

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/port"
)

var start = time.Date(2026, 11, 23, 12, 30, 0, 0, time.UTC)

func saltmere(t testing.TB) *port.Port {
	t.Helper()
	p, err := port.Load("../../examples/saltmere/port.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// out is what one run wrote.
type out struct{ ais, pcap, access, truth, radar bytes.Buffer }

func run(t testing.TB, p *port.Port, o Options, d time.Duration) *out {
	t.Helper()
	s, err := New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	var w out
	if err := Run(context.Background(), s, Pace{Until: o.Start.Add(d)}, Sinks{&w.ais, &w.pcap, &w.access, &w.truth, &w.radar}); err != nil {
		t.Fatal(err)
	}
	return &w
}

func TestSameSeedSameBytes(t *testing.T) {
	p := saltmere(t)
	o := Options{Seed: 5, Start: start, Campaign: true, CampaignAt: start.Add(2 * time.Minute)}
	a, b := run(t, p, o, 6*time.Minute), run(t, p, o, 6*time.Minute)
	if !bytes.Equal(a.ais.Bytes(), b.ais.Bytes()) || !bytes.Equal(a.pcap.Bytes(), b.pcap.Bytes()) || !bytes.Equal(a.access.Bytes(), b.access.Bytes()) || !bytes.Equal(a.truth.Bytes(), b.truth.Bytes()) || !bytes.Equal(a.radar.Bytes(), b.radar.Bytes()) || a.radar.Len() == 0 {
		t.Error("two runs with one seed differ")
	}
	o.Seed = 6
	if c := run(t, p, o, 6*time.Minute); bytes.Equal(a.ais.Bytes(), c.ais.Bytes()) || bytes.Equal(a.pcap.Bytes(), c.pcap.Bytes()) {
		t.Error("another seed gives the same bytes")
	}
}

func TestStepsDoNotMatter(t *testing.T) {
	p := saltmere(t)
	collect := func(step time.Duration) []byte {
		s, err := New(p, Options{Seed: 2, Start: start, Campaign: true})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		last := start
		for at := start; at.Before(start.Add(4 * time.Minute)); {
			at = at.Add(step)
			if err := s.Step(at, func(i Item) error {
				if i.Time.Before(last) {
					t.Fatalf("item of %s after one of %s", i.Time, last)
				}
				last = i.Time
				b.WriteByte(byte(i.Kind))
				b.Write(i.Data)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return b.Bytes()
	}
	if !bytes.Equal(collect(time.Second), collect(time.Minute)) {
		t.Error("what is emitted depends on how it is stepped")
	}
}

func TestStartIsNeeded(t *testing.T) {
	if _, err := New(saltmere(t), Options{}); !errors.Is(err, errNoStart) {
		t.Errorf("got %v", err)
	}
}

// checksum is the Internet checksum of the parts (RFC 1071): 0 where a part holds the right one.
func checksum(parts ...[]byte) uint16 {
	var sum uint32
	b := slices.Concat(parts...)
	for i := 0; i < len(b); i += 2 {
		if i+1 < len(b) {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		} else {
			sum += uint32(b[i]) << 8
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func TestPacketsAndConduits(t *testing.T) {
	p := saltmere(t)
	w := run(t, p, Options{Seed: 1, Start: start, Campaign: true, CampaignAt: start.Add(time.Minute)}, 20*time.Minute)
	hidden := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(w.truth.String()), "\n") {
		var tr Truth
		if err := json.Unmarshal([]byte(line), &tr); err != nil {
			t.Fatal(err)
		}
		if tr.Client != "" {
			hidden[tr.Client+" "+tr.Server] = true
		}
	}
	if len(hidden) < 3 {
		t.Fatalf("truth names %d flows outside the conduits", len(hidden))
	}
	r, err := pcapgo.NewReader(&w.pcap)
	if err != nil {
		t.Fatal(err)
	}
	next, opened, packets := map[string]uint32{}, map[string]bool{}, 0
	for {
		data, ci, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		packets++
		k := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
		if e := k.ErrorLayer(); e != nil {
			// A port number makes gopacket try a dissector of its own: only what is below counts.
			if k.TransportLayer() == nil {
				t.Fatalf("packet %d at %s: %v", packets, ci.Timestamp, e.Error())
			}
		}
		ip, ok := k.NetworkLayer().(*layers.IPv4)
		if !ok {
			if k.Layer(layers.LayerTypeARP) == nil && k.Layer(layers.LayerTypeLinkLayerDiscovery) == nil {
				t.Fatalf("packet %d is none of IPv4, ARP and LLDP", packets)
			}
			continue
		}
		if checksum(ip.Contents) != 0 {
			t.Fatalf("packet %d: IP checksum", packets)
		}
		pseudo := slices.Concat(ip.SrcIP.To4(), ip.DstIP.To4(), []byte{0, byte(ip.Protocol)}, binary.BigEndian.AppendUint16(nil, uint16(len(ip.Payload))))
		if checksum(pseudo, ip.Payload) != 0 {
			t.Fatalf("packet %d: transport checksum", packets)
		}
		tcp, ok := k.TransportLayer().(*layers.TCP)
		if !ok {
			continue
		}
		key := ip.SrcIP.String() + tcp.SrcPort.String() + ip.DstIP.String() + tcp.DstPort.String()
		if want, known := next[key]; known && !tcp.SYN && tcp.Seq != want {
			t.Fatalf("packet %d: sequence %d, want %d", packets, tcp.Seq, want)
		}
		n := tcp.Seq + uint32(len(tcp.Payload))
		if tcp.SYN || tcp.FIN {
			n++
		}
		next[key] = n
		if tcp.SYN && tcp.ACK { // answered: a conversation
			client, server := ip.DstIP.String(), netip.AddrPortFrom(netip.MustParseAddr(ip.SrcIP.String()), uint16(tcp.SrcPort))
			opened[client+" "+server.String()] = true
			if !allowed(p, client, server) && !hidden[client+" "+server.String()] {
				t.Errorf("%s to %s: no conduit and not in the truth", client, server)
			}
		}
	}
	for h := range hidden {
		if !opened[h] {
			t.Errorf("the truth names %s, which did not happen", h)
		}
	}
	if packets < 5000 {
		t.Errorf("only %d packets", packets)
	}
}

// allowed is the port file's own answer, worked out apart from the simulation.
func allowed(p *port.Port, client string, server netip.AddrPort) bool {
	from, to := p.ZoneOf(netip.MustParseAddr(client)), p.ZoneOf(server.Addr())
	if from == to {
		return true
	}
	for _, c := range p.ConduitsBetween(from.ID, to.ID) {
		for _, a := range c.Allow {
			if a.Transport == "tcp" && slices.ContainsFunc(a.Ports, func(r port.PortRange) bool { return r.Contains(server.Port()) }) {
				return true
			}
		}
	}
	return false
}

func TestSentences(t *testing.T) {
	p := saltmere(t)
	w := run(t, p, Options{Seed: 3, Start: start}, 40*time.Minute)
	d := ais.NewDecoder(ais.Options{})
	kinds := map[uint8]int{}
	names := map[uint32]string{}
	type fix struct {
		at time.Time
		p  xy
	}
	last := map[uint32]fix{}
	pl := planeAt(p.Identity.Centre)
	var m ais.Message
	for i, line := range bytes.Split(bytes.TrimSpace(w.ais.Bytes()), []byte("\r\n")) {
		r, err := d.Decode(line, int64(i), &m)
		if err != nil {
			t.Fatalf("line %d: %v: %s", i+1, err, line)
		}
		if r != ais.Complete {
			continue
		}
		kinds[m.Type]++
		if m.Has&ais.HasVoyage != 0 {
			names[m.MMSI] = m.Static.Name.String()
			if m.Static.IMO != 0 && !ais.ValidIMO(m.Static.IMO) {
				t.Errorf("%d: IMO %d has a wrong check digit", m.MMSI, m.Static.IMO)
			}
		}
		if m.Type == 1 || m.Type == 18 {
			now := fix{m.Frame.At(), pl.xy(port.Point{m.Position.Lon, m.Position.Lat})}
			if was, ok := last[m.MMSI]; ok {
				dist, _ := was.p.to(now.p)
				if limit := 25*1852/3600.0*now.at.Sub(was.at).Seconds() + 60; dist > limit {
					t.Errorf("%d moved %.0f m in %s", m.MMSI, dist, now.at.Sub(was.at))
				}
			}
			last[m.MMSI] = now
		}
	}
	for _, k := range []uint8{1, 4, 5, 18, 21, 24} {
		if kinds[k] == 0 {
			t.Errorf("no message of type %d", k)
		}
	}
	for _, v := range p.Vessels {
		if names[uint32(v.MMSI)] != strings.ToUpper(v.Name) {
			t.Errorf("%s (%d) is named %q", v.ID, v.MMSI, names[uint32(v.MMSI)])
		}
	}
}

func TestAccessRowsAreOfThePort(t *testing.T) {
	p := saltmere(t)
	w := run(t, p, Options{Seed: 1, Start: start, Campaign: true}, 3*time.Hour)
	rows, err := csv.NewReader(&w.access).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]int{}
	for _, r := range rows[1:] {
		results[r[4]]++
		point, area := p.Reader(r[1])
		if point == nil {
			t.Fatalf("reader %s is not declared", r[1])
		}
		if r[2] == "" {
			continue
		}
		holder, _ := p.Badge(r[2])
		if holder == nil {
			t.Fatalf("badge %s is not declared", r[2])
		}
		if r[4] == "granted" && !p.MayEnter(holder.ID, area.ID) {
			t.Errorf("%s was let into %s without a right", holder.ID, area.ID)
		}
	}
	for _, k := range []string{"granted", "refused", "forced", "held"} {
		if results[k] == 0 {
			t.Errorf("no row with result %s", k)
		}
	}
}

func TestAQuietPortHidesNothing(t *testing.T) {
	w := run(t, saltmere(t), Options{Seed: 9, Start: start}, 90*time.Minute)
	if w.truth.Len() != 0 || bytes.Contains(w.access.Bytes(), []byte("forced")) {
		t.Error("a port without campaign tells of one")
	}
}

func TestRunKeepsPaceWhenLive(t *testing.T) {
	s, err := New(saltmere(t), Options{Seed: 1, Start: start})
	if err != nil {
		t.Fatal(err)
	}
	waits := 0
	err = Run(context.Background(), s, Pace{Until: start.Add(2 * time.Minute), Live: start.Add(time.Minute), Speed: 4, Wait: func(context.Context, time.Duration) error { waits++; return nil }}, Sinks{})
	if err != nil || waits != 60 { // a minute in steps of a quarter second, four times as fast
		t.Errorf("waited %d times, %v", waits, err)
	}
}

func BenchmarkHour(b *testing.B) {
	p := saltmere(b)
	for b.Loop() {
		s, err := New(p, Options{Seed: 1, Start: start, Campaign: true})
		if err != nil {
			b.Fatal(err)
		}
		if err := Run(context.Background(), s, Pace{Until: start.Add(time.Hour)}, Sinks{AIS: io.Discard, Pcap: io.Discard, Access: io.Discard}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(3600*float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}

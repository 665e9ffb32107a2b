package simulate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/quaywatch/quaywatch/internal/port"
)

// maxPairs is the most conversations that one line of a conduit gets.
const maxPairs = 48

// fabric is the network as one sensor at the clients' side of the core sees it:
// a client's own hardware address, the gateway's in place of a server of
// another zone.
type fabric struct {
	s     *Simulation
	r     *rand.Rand
	buf   gopacket.SerializeBuffer
	tcp   layers.TCP
	udp   layers.UDP
	ident uint16
	next  uint16
	works *rand.Rand
	late  map[string]bool // clients by asset, whether they are heard late only
	quiet map[string]bool // cameras whose stream has ended
}

// links are the conversations that go on, one a pair.
type link struct {
	client, server station
	port           uint16
	app            string
	write          bool // values may be changed
	c              *session
	round          int
}

func newFabric(s *Simulation) *fabric {
	f := &fabric{s: s, r: s.random("network"), buf: gopacket.NewSerializeBuffer(), quiet: map[string]bool{}, works: s.random("newcomers"), late: map[string]bool{}}
	for i := range s.port.Conduits {
		c := &s.port.Conduits[i]
		for _, a := range c.Allow {
			f.along(c, a)
		}
	}
	f.plant()
	if s.o.Works {
		f.planWorks()
	}
	for i := range s.port.Assets {
		if st, ok := f.station(&s.port.Assets[i]); ok && st.mac != nil {
			f.s.at(f.joins(st.id).Add(f.start(10*time.Minute)), func() { f.announce(st) })
			if c := capabilities[f.s.port.Assets[i].Kind]; c != 0 {
				f.s.at(f.joins(st.id).Add(f.start(30*time.Second)), func() { f.advertise(&f.s.port.Assets[i], st, c) })
			}
		}
	}
	return f
}

// along starts the traffic of one line of a conduit.
func (f *fabric) along(c *port.Conduit, a port.Allow) {
	if len(a.Ports) == 0 {
		return
	}
	app := a.Application
	for _, r := range a.Ports {
		name := app
		if name == "" {
			name = wellKnown[r.Low]
		}
		if a.Transport == "udp" && name != "dns" && name != "ntp" {
			continue
		}
		if _, ok := applications[name]; !ok && name != "dns" && name != "ntp" {
			continue
		}
		for _, p := range f.pairs(c, name) {
			l := &link{client: p[0], server: p[1], port: r.Low, app: name, write: f.sets(&p[0], name, a.Access)}
			f.s.at(f.joins(l.client.id).Add(f.start(period(name))), func() { f.run(l) })
		}
	}
}

// sets tells whether a client changes values along a line of a conduit: SCADA
// servers do, where the line lets them.
func (f *fabric) sets(client *station, app, access string) bool {
	a := f.s.port.Asset(client.id)
	return a != nil && a.Kind == "scada-server" && (app == "modbus" || app == "s7comm" || app == "enip") && access == "read-write"
}

// wellKnown names what is spoken on a port for which no application is declared.
var wellKnown = map[uint16]string{22: "ssh", 443: "tls", 445: "smb", 53: "dns", 123: "ntp", 636: "tls"}

func period(app string) time.Duration {
	switch app {
	case "dns":
		return 50 * time.Second
	case "ntp":
		return 256 * time.Second
	}
	return applications[app].period
}

// serves tells which kinds of asset answer a protocol; a protocol that is not
// here is answered by servers.
var serves = map[string][]string{
	"modbus": {"plc", "rtu", "reefer-rack", "tank-gauge", "weighbridge", "safety-controller", "pump", "gateway"},
	"s7comm": {"plc"}, "enip": {"plc"}, "rtsp": {"camera"},
	"ssh": {"switch", "firewall", "gateway", "server", "jump-host"}, "rdp": {"server", "jump-host", "engineering-station", "scada-server"},
	"dns": {"directory", "server"}, "ntp": {"directory", "server", "video-recorder"}, "tds": {"tos-server", "server"},
	"smb": {"storage", "server", "directory"},
}

var servers = []string{"server", "application", "tos-server", "scada-server", "vts-server", "mail", "directory", "storage", "access-server", "video-recorder", "historian", "radar", "vpn-gateway", "hmi", "gateway", "camera", "door-controller", "access-server", "ocr-portal", "straddle-carrier", "plc"}

// asks tells which kinds of asset open a protocol of machines; others are opened by any.
var asks = map[string][]string{
	"modbus": {"scada-server", "server", "vts-server", "tos-server"}, "s7comm": {"scada-server"},
	"enip": {"scada-server"}, "rtsp": {"video-recorder", "server", "hmi", "scada-server", "vts-server"}, "ssh": {"server", "jump-host"}, "rdp": {"jump-host", "workstation", "laptop"},
	"tds": {"server", "tos-server", "application", "workstation"},
}

// pairs chooses who talks to whom: every machine that is polled has one asker;
// elsewhere a client has one server.
func (f *fabric) pairs(c *port.Conduit, app string) [][2]station {
	want := serves[app]
	if want == nil {
		want = servers
	}
	to := f.members(c.To, want, app)
	from := f.members(c.From, asks[app], "")
	var out [][2]station
	if len(to) == 0 || len(from) == 0 {
		return nil
	}
	switch app {
	case "modbus", "s7comm", "enip", "rtsp":
		for i, server := range to {
			out = append(out, [2]station{from[i%len(from)], server})
		}
	default:
		for i, client := range from {
			out = append(out, [2]station{client, to[i%len(to)]})
		}
	}
	out = out[:min(len(out), maxPairs)]
	for i := range out {
		out[i][1].mac = gateway(c.From)
	}
	return out
}

// gateway is the router's hardware address in a zone: locally administered,
// made of the zone's id.
func gateway(zone string) net.HardwareAddr {
	var sum uint32
	for _, b := range []byte(zone) {
		sum = sum*31 + uint32(b)
	}
	return net.HardwareAddr{0x02, 0x51, byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
}

// members are the stations of a zone of those kinds (nil: any that opens
// conversations), in the order of the file.
func (f *fabric) members(zone string, kinds []string, app string) []station {
	if z := f.s.port.Zone(zone); z != nil && z.External {
		var out []station
		for i := range 4 {
			out = append(out, station{ip: netip.AddrFrom4([4]byte{198, 51, 100, byte(10 + i)}), mac: gateway(zone)})
		}
		return out
	}
	var out []station
	for i := range f.s.port.Assets {
		a := &f.s.port.Assets[i]
		if a.Zone != zone || (kinds != nil && !slices.Contains(kinds, a.Kind)) || !speaks(a, app) {
			continue
		}
		if st, ok := f.station(a); ok {
			out = append(out, st)
		}
	}
	return out
}

// speaks keeps controllers to the protocols of their makers.
func speaks(a *port.Asset, app string) bool {
	switch {
	case app == "s7comm":
		return a.Vendor == "Siemens"
	case app == "enip":
		return a.Vendor == "Rockwell Automation"
	case app == "modbus" && a.Kind == "plc":
		return a.Vendor != "Siemens" && a.Vendor != "Rockwell Automation"
	}
	return true
}

func (f *fabric) station(a *port.Asset) (station, bool) {
	for _, addr := range a.Addresses {
		if addr.IP.IsValid() && addr.IP.Is4() {
			mac, err := net.ParseMAC(addr.MAC)
			if err != nil {
				mac = gateway(a.ID) // none declared: one of its own all the same
			}
			return station{a.ID, addr.IP, mac}, true
		}
	}
	return station{}, false
}

// run is one round of a link, and plans the next.
func (f *fabric) run(l *link) {
	defer f.s.after(spread(f.r, period(l.app)), func() { f.run(l) })
	switch l.app {
	case "dns":
		dnsAsk(f, l.client, l.server, cmp.Or(l.client.id, "www")+".saltmere.example")
		return
	case "ntp":
		ntpAsk(f, l.client, l.server)
		return
	}
	app := applications[l.app]
	if f.quiet[l.server.id] || f.quiet[l.client.id] {
		if l.c != nil {
			l.c.segment(frame{rst: true, ack: true})
			l.c = nil
		}
		return
	}
	if l.c == nil {
		l.c, l.round = f.dial(l.client, l.server, l.port), 0
		if app.hello != nil {
			app.hello(f, l.c)
		}
	}
	if app.talk != nil {
		app.talk(f, l.c, l.round)
	}
	if l.write && f.r.IntN(setEvery) == 0 {
		writeMachine(f, l.c, l.app, l.round)
	}
	if l.round++; l.round >= app.rounds {
		l.c.close()
		l.c = nil
	}
}

// announce asks for the gateway by ARP (RFC 826), as every host does now and then.
func (f *fabric) announce(st station) {
	f.s.after(spread(f.r, 20*time.Minute), func() { f.announce(st) })
	a, _ := st.ip.Prefix(24)
	gw := a.Addr().As4()
	gw[3] = 254
	eth := layers.Ethernet{SrcMAC: st.mac, DstMAC: layers.EthernetBroadcast, EthernetType: layers.EthernetTypeARP}
	arp := layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: layers.ARPRequest,
		SourceHwAddress: st.mac, SourceProtAddress: st.ip.AsSlice(), DstHwAddress: make([]byte, 6), DstProtAddress: gw[:]}
	if err := gopacket.SerializeLayers(f.buf, gopacket.SerializeOptions{}, &eth, &arp, gopacket.Payload(make([]byte, 18))); err != nil {
		f.s.fail(fmt.Errorf("ARP of %s: %w", st.ip, err))
		return
	}
	f.s.emit(Packet, f.buf.Bytes())
}

// start spreads the first rounds over one period.
func (f *fabric) start(d time.Duration) time.Duration {
	return time.Duration(f.r.Float64() * float64(d)).Truncate(time.Microsecond)
}

// port is the next ephemeral port of whoever opens.
func (f *fabric) port() uint16 {
	f.next++
	return 49152 + f.next%16384
}

// noise is n bytes as of a cipher. Every call
// makes its own.
func (f *fabric) noise(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 8 {
		var w [8]byte
		le.PutUint64(w[:], f.r.Uint64())
		copy(b[i:], w[:])
	}
	return b
}

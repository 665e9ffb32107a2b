package simulate

import (
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Moments of the works, after Start.
const (
	worksAt     = 6 * time.Minute
	newcomersAt = 22 * time.Minute
	stopFor     = 10 * time.Minute
)

// planWorks plays what makes devices unlike themselves: engineers load programs,
// a third of the controllers stand still for a while, a management server scans
// and asks every machine who it is, and one client in eight is heard late only.
func (f *fabric) planWorks() {
	r := f.s.random("works")
	var engineers, machines []target
	var keeper station
	for i := range f.s.port.Assets {
		a := &f.s.port.Assets[i]
		st, ok := f.station(a)
		switch {
		case !ok:
		case a.Kind == "engineering-station":
			for _, t := range append(f.inside(a), f.across(a)...) {
				if t.kind == "plc" && t.app == "s7comm" {
					engineers, machines = append(engineers, target{server: st}), append(machines, t)
				}
			}
		case a.Kind == "plc" && r.IntN(3) == 0:
			f.s.at(f.s.o.Start.Add(worksAt), func() { f.quiet[a.ID] = true })
			f.s.at(f.s.o.Start.Add(worksAt+stopFor), func() { f.quiet[a.ID] = false })
		case a.Kind == "server" && keeper.id == "" && f.keeps(a.Zone):
			keeper = st
		}
	}
	for i := range engineers {
		f.s.at(f.s.o.Start.Add(worksAt+time.Duration(r.IntN(600))*time.Second), func() { f.load(engineers[i].server, machines[i].server) })
	}
	if keeper.id != "" {
		f.planScans(keeper)
	}
}

// keeps reports whether a zone is where others are looked after from: it may
// open SSH into several.
func (f *fabric) keeps(zone string) bool {
	n := 0
	for i := range f.s.port.Conduits {
		c := &f.s.port.Conduits[i]
		if c.From == zone && slices.ContainsFunc(c.Allow, func(l port.Allow) bool { return l.Application == "ssh" }) {
			n++
		}
	}
	return n > 4
}

// load puts a block into a controller.
func (f *fabric) load(client, server station) {
	if f.quiet[server.id] {
		return
	}
	c := f.dial(client, server, 102)
	s7Hello(f, c)
	s7Download(f, c, 1)
	c.close()
}

// planScans knocks at every address of the zones with machines, and asks each
// Modbus server who it is (Modbus Application Protocol 1.1b3, 6.21).
func (f *fabric) planScans(from station) {
	gw := gateway(f.s.port.ZoneOf(from.ip).ID)
	at := worksAt
	for i := range f.s.port.Assets {
		a := &f.s.port.Assets[i]
		st, ok := f.station(a)
		if !ok || a.Domain != "ot" || st.id == from.id {
			continue
		}
		st.mac = gw
		at += 2 * time.Second
		f.s.at(f.s.o.Start.Add(at), func() {
			for _, p := range []uint16{22, 80, 102, 443, 502} {
				if p == 502 && a.Kind != "hmi" && slices.Contains(serves["modbus"], a.Kind) && speaks(a, "modbus") {
					c := f.dial(from, st, 502)
					c.exchange([]byte{0, 1, 0, 0, 0, 5, 1, 43, 14, 1, 0}, []byte{0, 1, 0, 0, 0, 3, 1, 0xab, 1})
					c.close()
					continue
				}
				f.refused(from, st, p)
			}
		})
	}
}

// joins is when a client is first heard: at the start, or where there are works
// and chance has it, late.
func (f *fabric) joins(id string) time.Time {
	if !f.s.o.Works || id == "" {
		return f.s.o.Start
	}
	late, known := f.late[id]
	if !known {
		late = f.works.IntN(8) == 0
		f.late[id] = late
	}
	if late {
		return f.s.o.Start.Add(newcomersAt)
	}
	return f.s.o.Start
}

// advertise sends LLDP as managed switches and access points do every 30 seconds
// (IEEE 802.1AB clause 9.2.5.7), to the sensor on their mirror port.
func (f *fabric) advertise(a *port.Asset, st station, capability uint16) {
	f.s.after(30*time.Second, func() { f.advertise(a, st, capability) })
	tlv := func(kind byte, v []byte) []byte { return append([]byte{kind<<1 | byte(len(v)>>8), byte(len(v))}, v...) }
	b := tlv(1, append([]byte{4}, st.mac...))
	b = append(b, tlv(2, append([]byte{5}, "port1"...))...)
	b = append(b, tlv(3, []byte{0, 120})...)
	b = append(b, tlv(6, []byte(a.Vendor+" "+a.Model))...)
	caps := be.AppendUint16(be.AppendUint16(nil, capability), capability)
	b = append(b, tlv(7, caps)...)
	b = append(b, 0, 0)
	eth := layers.Ethernet{SrcMAC: st.mac, DstMAC: []byte{0x01, 0x80, 0xc2, 0, 0, 0x0e}, EthernetType: layers.EthernetTypeLinkLayerDiscovery}
	if err := gopacket.SerializeLayers(f.buf, gopacket.SerializeOptions{}, &eth, gopacket.Payload(b)); err != nil {
		f.s.fail(err)
		return
	}
	f.s.emit(Packet, f.buf.Bytes())
}

// capabilities are what kinds of asset announce by LLDP (clause 8.5.8).
var capabilities = map[string]uint16{"switch": 1 << 2, "wireless-access-point": 1<<2 | 1<<3}

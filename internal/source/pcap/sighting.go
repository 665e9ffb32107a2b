package pcap

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/ics"
	"github.com/quaywatch/quaywatch/internal/event"
)

// Bounds of what is remembered of sightings.
const (
	maxSightings = 1 << 16
	repeatAfter  = 10 * time.Minute // an unchanged sighting is told again after this
)

// seen identifies a sighting; the same is not told twice in ten minutes.
type seen struct {
	mac, ip, protocol                              string
	name, vendor, product, model, firmware, serial string
	behind, facts                                  string
}

// sightings tells devices once, not with each packet.
type sightings struct {
	told map[seen]int64 // packet time, nanoseconds
	emit func(ctx context.Context, at time.Time, raw event.Raw, d event.DeviceSighting) error
}

// sight tells d, unless the same was told lately. When the memory is full it
// starts anew: sightings are then told again, never lost.
func (s *sightings) sight(ctx context.Context, t *table, fr *frame, d event.DeviceSighting) error {
	k := seen{d.MAC, d.IP, d.Protocol, d.Name, d.Vendor, d.Product, d.Model, d.Firmware, d.Serial, d.Behind, factsText(d.Facts)}
	if last, known := s.told[k]; known && fr.time-last < int64(repeatAfter) && fr.time >= last {
		return nil
	}
	if len(s.told) >= maxSightings {
		clear(s.told)
	}
	s.told[k] = fr.time
	return s.emit(ctx, unix(fr.time), t.rawOf(fr), d)
}

// announced reads what devices tell of themselves below and beside IP.
func (s *sightings) announced(ctx context.Context, t *table, fr *frame, p *packet) error {
	switch {
	case p.etherType == etherARP && !p.ip:
		if d, ok := arp(p); ok {
			return s.sight(ctx, t, fr, d)
		}
	case p.etherType == etherLLDP && !p.ip:
		var r ics.Result
		if ics.InspectLink(p.etherType, p.body, &r) {
			d := sightingOf(r.Identity, "lldp", p.srcMAC.String(), "")
			d.Facts = claimed(&r)
			return s.sight(ctx, t, fr, d)
		}
	case p.proto == protoUDP && dhcpPorts(p):
		if l, ok := ics.DHCP(p.body); ok && (l.Hostname != "" || l.Class != "" || l.IP != "") {
			return s.sight(ctx, t, fr, event.DeviceSighting{MAC: l.MAC, IP: l.IP, Protocol: "dhcp", Name: l.Hostname, Product: l.Class, Facts: fingerprint(l)})
		}
	}
	return nil
}

func dhcpPorts(p *packet) bool {
	return p.ports && (p.sport == 67 || p.sport == 68) && (p.dport == 67 || p.dport == 68)
}

func isDHCP(p *packet) bool {
	if !dhcpPorts(p) {
		return false
	}
	_, ok := ics.DHCP(p.body)
	return ok
}

// arp takes the sender's pair of addresses out of a request or reply (RFC 826).
// A probe (RFC 5227) has no address of its own yet.
func arp(p *packet) (event.DeviceSighting, bool) {
	b := p.body
	if len(b) < 28 || b[0] != 0 || b[1] != 1 || b[2] != 8 || b[3] != 0 || b[4] != 6 || b[5] != 4 {
		return event.DeviceSighting{}, false
	}
	hw, ip := mac(b[8:14]), netip.AddrFrom4([4]byte(b[14:18]))
	if hw.zero() || hw.group() || ip.IsUnspecified() {
		return event.DeviceSighting{}, false
	}
	return event.DeviceSighting{MAC: hw.String(), IP: ip.String(), Protocol: "arp"}, true
}

// spoken tells what a protocol above IP said: the sender's identity by its IP
// (the MAC may be a router's), and the name that a client uses for the server.
func (s *sightings) spoken(ctx context.Context, t *table, fr *frame, from, to end, r *ics.Result) error {
	if r.ServerName != "" && r.Application == "tls" && to.layer != 0 {
		d := event.DeviceSighting{IP: t.names.ip(to.ip, to.layer), Protocol: "tls", Name: r.ServerName}
		if err := s.sight(ctx, t, fr, d); err != nil {
			return err
		}
	}
	mac, ip := "", ""
	switch {
	case from.layer != 0:
		ip = t.names.ip(from.ip, from.layer)
	case from.mac.zero() || from.mac.group():
		return nil
	default: // directly on Ethernet: the sender's MAC is its own
		mac = t.names.mac(from.mac)
	}
	for i := range r.Behind {
		b := &r.Behind[i]
		d := sightingOf(b.Identity, r.Application, mac, ip)
		d.Behind, d.Facts = b.Address, factsOf(b.Facts)
		if d.Behind == "" {
			continue // of whom it tells is not known
		}
		if err := s.sight(ctx, t, fr, d); err != nil {
			return err
		}
	}
	if r.Identity.IsZero() {
		return nil
	}
	d := sightingOf(r.Identity, r.Application, mac, ip)
	d.Facts = factsOf(r.Facts)
	for _, f := range r.Facts {
		if f.Name == "ip" && d.IP == "" {
			d.IP = f.Value
		}
	}
	d.Facts = append(d.Facts, claimed(r)...)
	if d.Name+d.Vendor+d.Product+d.Model+d.Firmware+d.Serial == "" {
		return nil
	}
	return s.sight(ctx, t, fr, d)
}

// claimed is what a device says by LLDP or CDP that it is: switch, router, telephone.
func claimed(r *ics.Result) []event.DeviceFact {
	if r.Identity.Kind == "" || r.Application != "lldp" && r.Application != "cdp" {
		return nil
	}
	return []event.DeviceFact{{Name: "kind", Value: r.Identity.Kind}}
}

func sightingOf(id ics.Identity, protocol, mac, ip string) event.DeviceSighting {
	return event.DeviceSighting{MAC: mac, IP: ip, Protocol: protocol, Name: id.Name, Vendor: id.Vendor,
		Product: id.Product, Model: id.Model, Firmware: id.Firmware, Serial: id.Serial}
}

// factsOf copies facts: the dissector reuses its own.
func factsOf(facts []ics.Fact) []event.DeviceFact {
	if len(facts) == 0 {
		return nil
	}
	out := make([]event.DeviceFact, len(facts))
	for i, f := range facts {
		out[i] = event.DeviceFact{Name: f.Name, Value: f.Value}
	}
	return out
}

// fingerprint is the order in which a DHCP client asks for options: it tells kinds
// of systems apart.
func fingerprint(l ics.Lease) []event.DeviceFact {
	if l.Fingerprint == "" {
		return nil
	}
	return []event.DeviceFact{{Name: "dhcp-fingerprint", Value: l.Fingerprint}}
}

// factsText tells lists of facts apart.
func factsText(facts []event.DeviceFact) string {
	var b strings.Builder
	for _, f := range facts {
		b.WriteString(f.Name)
		b.WriteByte(0)
		b.WriteString(f.Value)
		b.WriteByte(0)
	}
	return b.String()
}

package ics

import "fmt"

// What devices tell directly on Ethernet: ARP (RFC 826), LLDP (IEEE 802.1AB-2016
// clause 8), the Cisco Discovery Protocol (as Cisco describes it), PROFINET and
// EtherCAT.

const maxTLVs = 64

// Ethernet types that InspectLink reads.
const (
	EtherARP      = 0x0806
	EtherPROFINET = 0x8892
	EtherEtherCAT = 0x88a4
	EtherLLDP     = 0x88cc
)

// InspectLink looks at the payload of an Ethernet frame that carries no IP and
// fills r. etherType is the type, or below 1536 the length of an IEEE 802.3 frame or
// its destination service access point; the payload then begins with the LLC
// header. False: it is none of the protocols that are known here, and r is empty.
//
// The sender is the frame's source address. Addresses that a message tells are
// facts: "ip" and "mac".
func InspectLink(etherType uint16, payload []byte, r *Result) bool {
	r.reset()
	ok := false
	switch {
	case etherType == EtherARP:
		ok = arp(payload, r)
	case etherType == EtherLLDP:
		ok = lldp(payload, r)
	case etherType == EtherPROFINET:
		ok = profinet(payload, r)
	case etherType == EtherEtherCAT:
		ok = etherCAT(payload, r)
	case etherType < 1536:
		ok = cdp(payload, r)
	}
	if !ok {
		r.reset()
	}
	return ok
}

// arp takes the sender's pair of addresses out of a request or answer. A probe
// (RFC 5227) has no address of its own yet.
func arp(b []byte, r *Result) bool {
	if len(b) < 28 || be16(b) != 1 || be16(b[2:]) != 0x0800 || b[4] != 6 || b[5] != 4 || be16(b[6:]) < 1 || be16(b[6:]) > 2 {
		return false
	}
	r.Application, r.Why = "arp", "Ethernet type 0x0806 with Ethernet and IPv4 addresses"
	if b[8]&1 == 0 && !zero(b[8:14]) && !zero(b[14:18]) {
		r.fact("mac", macText(b[8:14]))
		r.fact("ip", ipText(b[14:18]))
	}
	return true
}

// lldp is LLDP with what has no field in Identity.
func lldp(b []byte, r *Result) bool {
	id, ok := LLDP(b)
	if !ok {
		return false
	}
	r.Application, r.Why = "lldp", "Ethernet type 0x88CC and chassis, port and time to live in this order"
	r.identify(id)
	for n := 0; n < maxTLVs && len(b) >= 2; n++ {
		kind, l := b[0]>>1, int(be16(b)&0x1ff)
		if kind == 0 || len(b) < 2+l {
			break
		}
		v := b[2 : 2+l]
		b = b[2+l:]
		switch {
		case kind == 1 && l == 7 && v[0] == 4: // chassis by MAC address
			r.fact("chassis", macText(v[1:]))
		case kind == 1 && l > 1 && v[0] == 7:
			r.fact("chassis", text(v[1:]))
		case kind == 2 && l > 1 && (v[0] == 1 || v[0] == 5 || v[0] == 7):
			r.fact("port", text(v[1:]))
		case kind == 7 && l == 4 && r.Identity.Kind == "":
			r.Identity.Kind = lldpKind(be16(v[2:]))
		case kind == 8 && l >= 6 && v[0] == 5 && v[1] == 1: // management address, IPv4
			r.fact("ip", ipText(v[2:]))
		}
	}
	return true
}

// lldpKind names the enabled capabilities (clause 8.5.8) by the one that tells most.
func lldpKind(enabled uint16) string {
	for _, c := range [...]struct {
		bit  uint16
		name string
	}{{1 << 5, "Telephone"}, {1 << 3, "Wireless Access Point"}, {1 << 4, "Router"}, {1 << 2, "Switch"}, {1 << 7, "Station"}} {
		if enabled&c.bit != 0 {
			return c.name
		}
	}
	return ""
}

// cdp reads LLC and SNAP of Cisco's protocol 0x2000, then version, time to live,
// checksum and fields of type, length and value.
func cdp(b []byte, r *Result) bool {
	if len(b) < 12 || string(b[:8]) != "\xaa\xaa\x03\x00\x00\x0c\x20\x00" || b[8] < 1 || b[8] > 2 {
		return false
	}
	r.Application, r.Why = "cdp", "LLC and SNAP header of the Cisco Discovery Protocol"
	c := cursor{b: b[12:]}
	for n := 0; n < maxTLVs && c.ok(4); n++ {
		kind, l := c.u16(), c.u16()
		if l < 4 || !c.ok(l-4) {
			return n > 0
		}
		v := c.take(l - 4)
		switch kind {
		case 1:
			r.identify(Identity{Name: text(v)})
		case 2, 0x16:
			if a := cdpAddress(v); a != "" {
				r.fact("ip", a)
			}
		case 3:
			r.fact("port", text(v))
		case 4:
			if len(v) == 4 {
				r.identify(Identity{Kind: cdpKind(be32(v))})
			}
		case 5:
			r.identify(Identity{Firmware: text(v)})
		case 6:
			r.identify(Identity{Product: text(v), Model: text(v)})
		}
	}
	return true
}

func cdpKind(bits uint32) string {
	switch {
	case bits&0x80 != 0:
		return "Telephone"
	case bits&0x01 != 0:
		return "Router"
	case bits&0x0a != 0:
		return "Switch"
	case bits&0x10 != 0:
		return "Station"
	}
	return ""
}

// cdpAddress takes the first IPv4 address: count, then type and length of the
// protocol, the protocol, length, address.
func cdpAddress(v []byte) string {
	if len(v) >= 13 && be32(v) >= 1 && v[4] == 1 && v[5] == 1 && v[6] == 0xcc && be16(v[7:]) == 4 {
		return ipText(v[9:])
	}
	return ""
}

// LLDP reads the payload of an Ethernet frame of type 0x88CC. ok is false where
// it is not LLDP: the chassis, port and time-to-live must come first.
func LLDP(b []byte) (id Identity, ok bool) {
	for n := 0; n < maxTLVs && len(b) >= 2; n++ {
		kind, l := b[0]>>1, int(be16(b)&0x1ff)
		if len(b) < 2+l {
			return id, n >= 3
		}
		if n < 3 && int(kind) != n+1 {
			return Identity{}, false
		}
		value := b[2 : 2+l]
		b = b[2+l:]
		switch kind {
		case 0:
			return id, n >= 3
		case 5:
			id.Name = text(value)
		case 6:
			id.Product = text(value)
		case 127:
			inventory(value, &id)
		}
	}
	return id, false
}

// inventory reads LLDP-MED (ANSI/TIA-1057 section 10.2.6): OUI 00-12-BB.
func inventory(v []byte, id *Identity) {
	if len(v) < 5 || v[0] != 0 || v[1] != 0x12 || v[2] != 0xbb {
		return
	}
	value := text(v[4:])
	switch v[3] {
	case 6: // firmware
		id.Firmware = value
	case 8:
		id.Serial = value
	case 9:
		id.Vendor = value
	case 10:
		id.Model = value
	}
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func ipText(b []byte) string { return fmt.Sprintf("%d.%d.%d.%d", b[0], b[1], b[2], b[3]) }

func macText(b []byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5])
}

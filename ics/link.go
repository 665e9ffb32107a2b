package ics

import "fmt"

// Announcements below and beside IP that name a device: LLDP (IEEE 802.1AB-2016
// clause 8) and DHCP (RFC 2131, options of RFC 2132).

const (
	maxTLVs     = 64
	dhcpCookie  = 0x63825363
	dhcpMinimum = 240
)

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

// Lease is what a DHCP message says of the client.
type Lease struct {
	MAC      string // of the client, lower-case, colon separated
	IP       string // that it has, was given, or asks for; "" where none
	Given    bool   // IP comes from the server's acknowledgement
	Hostname string // option 12
	Class    string // option 60, vendor class
}

// DHCP reads a DHCPv4 message; false where b is none.
func DHCP(b []byte) (Lease, bool) {
	if len(b) < dhcpMinimum || b[0] < 1 || b[0] > 2 || b[1] != 1 || b[2] != 6 ||
		be16(b[236:]) != dhcpCookie>>16 || be16(b[238:]) != dhcpCookie&0xffff {
		return Lease{}, false
	}
	l := Lease{MAC: macText(b[28:34])}
	requested, kind := "", byte(0)
	rest := b[dhcpMinimum:]
	for n := 0; n < maxTLVs && len(rest) >= 1 && rest[0] != 255; n++ {
		if rest[0] == 0 {
			rest = rest[1:]
			continue
		}
		if len(rest) < 2 || len(rest) < 2+int(rest[1]) {
			break
		}
		code, value := rest[0], rest[2:2+int(rest[1])]
		rest = rest[2+len(value):]
		switch {
		case code == 12:
			l.Hostname = text(value)
		case code == 60:
			l.Class = text(value)
		case code == 53 && len(value) == 1:
			kind = value[0]
		case code == 50 && len(value) == 4:
			requested = ipText(value)
		}
	}
	l.address(b, kind, requested)
	return l, true
}

// address: the acknowledgement (5) gives one; a client that has one says so in
// ciaddr; a request (3) names the one it wants, which is not yet its own.
func (l *Lease) address(b []byte, kind byte, requested string) {
	switch {
	case kind == 5 && !zero(b[16:20]):
		l.IP, l.Given = ipText(b[16:20]), true
	case b[0] == 1 && !zero(b[12:16]):
		l.IP = ipText(b[12:16])
	case kind == 3:
		l.IP = requested
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

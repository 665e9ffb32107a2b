package ics

import "strconv"

// DHCP after RFC 2131 section 2, options of RFC 2132.

const (
	dhcpCookie  = 0x63825363
	dhcpMinimum = 240
)

// Lease is what a DHCP message says of the client.
type Lease struct {
	MAC      string // of the client, lower-case, colon separated
	IP       string // that it has, was given, or asks for; "" where none
	Given    bool   // IP comes from the server's acknowledgement
	Hostname string // option 12
	Class    string // option 60, vendor class

	Fingerprint string // option 55, the options that the client asks for, in its order: "1,3,6,15"
	ClientID    string // option 61 where it is a name, "" where it is a hardware address
	Server      string // option 54: the server that answered, "" in the client's messages
	Router      string // option 3: the router that the server gives
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
		case code == 55:
			l.Fingerprint = numbers(value)
		case code == 61 && len(value) > 1 && value[0] == 0:
			l.ClientID = text(value[1:])
		case code == 54 && len(value) == 4 && b[0] == 2:
			l.Server = ipText(value)
		case code == 3 && len(value) >= 4 && b[0] == 2:
			l.Router = ipText(value)
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

// numbers writes bytes as decimal numbers with commas, at most 64.
func numbers(b []byte) string {
	var out []byte
	for i, c := range b[:min(len(b), 64)] {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendUint(out, uint64(c), 10)
	}
	return string(out)
}

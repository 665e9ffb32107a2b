package ics

import (
	"bytes"
	"strconv"
)

// What office computers speak: TDS (MS-TDS section 2.2.3 and 2.2.6.5), RDP (MS-RDPBCGR section 2.2.1.1), DNS
// (RFC 1035 section 4.1), NTP (RFC 5905 section 7.3).

// recogniseTDS asks for a prelogin whose option table is well formed.
func recogniseTDS(m *message) (string, bool) {
	b := m.data
	if len(b) < 8+6 || (b[0] != 0x12 && b[0] != 0x04) || b[1] > 1 || int(be16(b[2:])) != len(b) || b[6] > 1 || b[7] != 0 {
		return "", false
	}
	return "TDS prelogin message with its option table", prelogin(b[8:])
}

// prelogin checks tokens of token, offset, length, ended by 0xFF; VERSION comes first.
func prelogin(b []byte) bool {
	if b[0] != 0 {
		return false
	}
	for at, n := 0, 0; n < 16 && at < len(b); at, n = at+5, n+1 {
		if b[at] == 0xff {
			return n > 0
		}
		if at+5 > len(b) || b[at] > 8 || int(be16(b[at+1:]))+int(be16(b[at+3:])) > len(b) {
			return false
		}
	}
	return false
}

func dissectTDS(m *message, r *Result) (used, need int) {
	if _, ok := recogniseTDS(m); ok {
		switch m.data[0] {
		case 0x12:
			r.Sender = RoleClient
		case 0x04:
			r.Sender = RoleServer
		}
	}
	return len(m.data), 0
}

// recogniseRDP tells a remote desktop from other users of ISO transport by the
// cookie or the negotiation structure in the connection request or confirm.
func recogniseRDP(m *message) (string, bool) {
	t, ok := firstTPDU(m)
	if !ok || len(t.head) < 6 || (t.kind != cotpRequest && t.kind != cotpConfirm) {
		return "", false
	}
	rest := t.head[6:]
	if bytes.HasPrefix(rest, []byte("Cookie: mstshash=")) {
		return "ISO transport connection with a remote desktop cookie", true
	}
	if len(rest) != 8 || rest[0] < 1 || rest[0] > 3 || le16(rest[2:]) != 8 {
		return "", false
	}
	return "ISO transport connection with a remote desktop negotiation", true
}

func dissectRDP(m *message, r *Result) (used, need int) {
	if t, ok := firstTPDU(m); ok {
		switch t.kind {
		case cotpRequest:
			r.Sender = RoleClient
		case cotpConfirm:
			r.Sender = RoleServer
		case cotpData:
			if len(t.data) > 2 && t.data[0] == 0x7f && t.data[1] == 0x65 {
				r.Sender = RoleClient
				r.identify(rdpClient(t.data))
			}
		}
	} else if len(m.data) > 0 && m.data[0] == tlsHandshake {
		m.c.done = true // the rest is encrypted
	}
	return len(m.data), 0
}

// rdpClient reads the client's core data (MS-RDPBCGR section 2.2.1.3.2) out of an
// MCS connect message: header 01 C0, length, version, width, height, depth, access,
// keyboard, build, then the client's name in 16 characters.
func rdpClient(b []byte) Identity {
	for at := bytes.Index(b, []byte{1, 0xc0}); at >= 0 && at+56 <= len(b); {
		if n := int(le16(b[at+2:])); n >= 132 && n <= 512 && le16(b[at+6:]) == 8 {
			return Identity{Name: text([]byte(utf16Text(b[at+24:at+56], false)))}
		}
		next := bytes.Index(b[at+2:], []byte{1, 0xc0})
		if next < 0 {
			break
		}
		at += 2 + next
	}
	return Identity{}
}

func recogniseDNSTCP(m *message) (string, bool) {
	b := m.data
	if len(b) < 14 || int(be16(b)) != len(b)-2 || (m.Source != 53 && m.Destination != 53) {
		return "", false
	}
	return "DNS message over TCP", dnsMessage(b[2:])
}

// recogniseDNS: the format is too plain to be trusted on any port, so both the
// content and one of the ports (53, 5355 link-local) must say so.
func recogniseDNS(m *message) (string, bool) {
	for _, p := range [...]uint16{53, 5355} {
		if m.Source == p || m.Destination == p {
			return "DNS header and questions that are well formed", dnsMessage(m.data)
		}
	}
	return "", false
}

// dnsMessage checks header, counts and the names of the questions.
func dnsMessage(b []byte) bool {
	if len(b) < 12 || b[2]&0x78 > 5<<3 || b[3]&0x40 != 0 {
		return false
	}
	questions, answers := int(be16(b[4:])), int(be16(b[6:]))+int(be16(b[8:]))+int(be16(b[10:]))
	if questions > 32 || answers > 512 || questions+answers == 0 {
		return false
	}
	rest := b[12:]
	for range questions {
		n := nameLength(rest)
		if n == 0 || len(rest) < n+4 {
			return false
		}
		rest = rest[n+4:]
	}
	return answers == 0 || len(rest) >= 11
}

// nameLength is the length of a domain name in the message, 0 where it is none.
func nameLength(b []byte) int {
	for at := 0; at < len(b) && at <= 255; {
		switch l := int(b[at]); {
		case l == 0:
			return at + 1
		case l >= 0xc0:
			if at+2 > len(b) {
				return 0
			}
			return at + 2
		case l > 63:
			return 0
		default:
			at += l + 1
		}
	}
	return 0
}

// dissectDNS tells who asks.
func dissectDNS(m *message, r *Result) (used, need int) {
	if !dnsMessage(m.data) {
		r.Malformed = true
		return len(m.data), 0
	}
	if m.data[2]&0x80 != 0 {
		r.Sender = RoleServer
	} else {
		r.Sender = RoleClient
	}
	return len(m.data), 0
}

// recogniseNTP: as for DNS, content and port 123 together.
func recogniseNTP(m *message) (string, bool) {
	b := m.data
	if m.Source != 123 && m.Destination != 123 || len(b) < 48 || len(b)%4 != 0 {
		return "", false
	}
	version, mode := b[0]>>3&7, b[0]&7
	return "NTP packet of a known version and mode, on port 123", version >= 1 && version <= 4 && mode >= 1 && mode <= 5 && b[1] <= 16
}

func dissectNTP(m *message, r *Result) (used, need int) {
	if len(m.data) > 0 {
		switch m.data[0] & 7 {
		case 3:
			r.Sender = RoleClient
		case 4:
			r.Sender = RoleServer
			ntpServer(m, r)
		}
	}
	return len(m.data), 0
}

// ntpServer tells the stratum, once and when it changes.
func ntpServer(m *message, r *Result) {
	stratum, known := m.c.state.(byte)
	if len(m.data) < 48 || known && stratum == m.data[1] {
		return
	}
	m.c.state = m.data[1]
	r.fact("ntp-stratum", strconv.Itoa(int(m.data[1])))
	if m.data[1] == 1 {
		r.fact("ntp-reference", text(m.data[12:16]))
	}
}

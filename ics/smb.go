package ics

import (
	"bytes"
	"fmt"
	"strings"
)

// SMB (MS-SMB2 sections 2.1 and 2.2.1, MS-CIFS section 2.2.3) and the names that
// ends tell in NTLM (MS-NLMP sections 2.2.1.2 and 2.2.1.3).

const (
	smbHeader  = 4 // of the NetBIOS session service
	maxSMBBlob = 4096
)

func recogniseSMB(m *message) (string, bool) {
	b := m.data
	if _, ok := callingName(b); ok {
		return "NetBIOS session request with two coded names", true
	}
	if len(b) < 8 || b[0] != 0 {
		return "", false
	}
	smb := string(b[5:8]) == "SMB" && (b[4] == 0xfe || b[4] == 0xff || b[4] == 0xfd)
	return "NetBIOS session message with an SMB header", smb
}

// callingName reads a NetBIOS session request (RFC 1002 section 4.3.2): length, the
// called name, the calling name.
func callingName(b []byte) (string, bool) {
	if len(b) < 4+2*34 || b[0] != 0x81 || b[1] > 1 || int(be16(b[2:])) < 2*34 {
		return "", false
	}
	if _, _, ok := netbiosName(b[4:]); !ok {
		return "", false
	}
	name, _, ok := netbiosName(b[4+34:])
	return name, ok
}

// dissectSMB reads negotiation and session set-up; once files are asked for,
// nothing new is told.
func dissectSMB(m *message, r *Result) (used, need int) {
	for used < len(m.data) && !m.c.done {
		b := m.data[used:]
		if name, ok := callingName(b); ok {
			r.Sender = RoleClient
			r.identify(Identity{Name: name})
			return len(m.data), 0 // the other end has to agree first
		}
		if _, ok := recogniseSMB(&message{data: b}); !ok {
			if len(b) < 8 && b[0] == 0 {
				return used, 8
			}
			return len(m.data), 0
		}
		n := smbHeader + int(b[1])<<16 + int(be16(b[2:]))
		if len(b) < n && n <= maxTail && m.Missing == 0 {
			return used, n
		}
		m.c.done = tellSMB(b[smbHeader:min(n, len(b))], r)
		if len(b) < n {
			return used, n
		}
		used += n
	}
	return len(m.data), 0
}

// tellSMB reads one message; true where names are no longer told.
func tellSMB(b []byte, r *Result) (later bool) {
	if len(b) < 4 { // its length leaves no room for the signature behind it
		return false
	}
	var answer, session bool
	switch b[0] {
	case 0xff: // version 1: command, status, flags
		if len(b) < 33 {
			return false
		}
		answer, session = b[9]&0x80 != 0, b[4] == 0x73
		later = b[4] != 0x72 && !session
		r.fact("smb-version", "1")
	case 0xfe: // versions 2 and 3: command at 12, flags at 16
		if len(b) < 64 {
			return false
		}
		command := le16(b[12:])
		answer, session, later = b[16]&1 != 0, command == 1, command > 1
		if command == 0 && answer && len(b) >= 70 {
			r.fact("smb-version", smbDialect(le16(b[68:])))
		}
	default: // encrypted
		return true
	}
	r.Sender = RoleClient
	if answer {
		r.Sender = RoleServer
	}
	r.Operations |= Other
	if session {
		ntlm(b, r)
		if answer && b[0] == 0xff {
			nativeOS(b, r)
		}
	}
	return later
}

func smbDialect(n uint16) string {
	if n == 0x02ff {
		return "2"
	}
	return fmt.Sprintf("%d.%d.%d", n>>8, n>>4&15, n&15)
}

// ntlm looks for an NTLM message in a session set-up: the challenge names the
// server, the authentication names the client's computer. The user is not told.
func ntlm(b []byte, r *Result) {
	b = b[:min(len(b), maxSMBBlob)]
	at := bytes.Index(b, []byte("NTLMSSP\x00"))
	if at < 0 || len(b) < at+12 {
		return
	}
	b = b[at:]
	switch le32(b[8:]) {
	case 2:
		if len(b) < 48 {
			return
		}
		for v := (cursor{b: field(b, 40)}); v.ok(4); {
			kind := v.u16le()
			value := text([]byte(utf16Text(v.take(v.u16le()), false)))
			switch kind {
			case 0:
				v.b = nil
			case 1:
				r.identify(Identity{Name: value})
			case 2:
				r.fact("netbios-domain", value)
			case 3:
				r.fact("dns-name", value)
			case 4:
				r.fact("dns-domain", value)
			}
		}
		if le32(b[20:])&0x02000000 != 0 && len(b) >= 56 {
			r.fact("os-version", fmt.Sprintf("%d.%d.%d", b[48], b[49], le16(b[50:])))
		}
	case 3:
		if len(b) < 64 {
			return
		}
		r.identify(Identity{Name: text([]byte(utf16Text(field(b, 44), false)))})
		if le32(b[60:])&0x02000000 != 0 && len(b) >= 72 {
			r.fact("os-version", fmt.Sprintf("%d.%d.%d", b[64], b[65], le16(b[66:])))
		}
	}
}

// field reads length, room and offset that stand at a place of an NTLM message.
func field(b []byte, at int) []byte {
	n, from := int(le16(b[at:])), int(le32(b[at+4:]))
	if from < 0 || from > len(b) || n > len(b)-from {
		return nil
	}
	return b[from : from+n]
}

// nativeOS reads the answer to a session set-up of version 1: words, count of
// bytes, in the extended form the security blob, then operating system and LAN
// manager in Unicode.
func nativeOS(b []byte, r *Result) {
	words := int(b[32])
	at := 33 + 2*words
	if words != 3 && words != 4 || len(b) < at+2 || le16(b[10:])&0x8000 == 0 {
		return
	}
	blob := 0
	if words == 4 {
		blob = int(le16(b[33+6:]))
	}
	at += 2 + blob
	at += at & 1 // strings begin on even places of the message
	if at >= len(b) {
		return
	}
	parts := strings.SplitN(utf16Text(b[at:], false), "\x00", 3)
	r.identify(Identity{Product: text([]byte(parts[0]))})
	if len(parts) > 1 {
		r.fact("lan-manager", text([]byte(parts[1])))
	}
}

// recogniseVNC: the version line of RFC 6143 section 7.1.1.
func recogniseVNC(m *message) (string, bool) {
	b := m.data
	ok := len(b) >= 12 && hasPrefix(b, "RFB 00") && b[7] == '.' && b[11] == '\n'
	return "RFB version line", ok
}

// dissectVNC: both ends send their version, the server first.
func dissectVNC(m *message, r *Result) (used, need int) {
	if _, ok := recogniseVNC(m); !ok {
		m.c.done = m.c.sides[0].started && m.c.sides[1].started
		return len(m.data), 0
	}
	switch {
	case m.Source >= 5900 && m.Source < 6000 && (m.Destination < 5900 || m.Destination >= 6000):
		r.Sender = RoleServer
	case m.Destination >= 5900 && m.Destination < 6000 && (m.Source < 5900 || m.Source >= 6000):
		r.Sender = RoleClient
	}
	if r.Sender == RoleServer {
		r.fact("vnc-version", string(m.data[4:11]))
	}
	r.Operations |= Other
	return len(m.data), 0
}

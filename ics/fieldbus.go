package ics

// Industrial protocols that are known by name only: what they carry is not read yet.

// recogniseDNP3 asks for the start bytes, a length and the checksum of the link
// header (IEEE 1815-2012 section 9.2.4).
func recogniseDNP3(m *message) (string, bool) {
	b := m.data
	if len(b) < 10 || b[0] != 0x05 || b[1] != 0x64 || b[2] < 5 {
		return "", false
	}
	return "DNP3 link header with a right checksum", dnp3CRC(b[:8]) == le16(b[8:])
}

// dnp3CRC: polynomial 0x3D65, reflected, inverted.
func dnp3CRC(b []byte) uint16 {
	var crc uint16
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xa6bc
			} else {
				crc >>= 1
			}
		}
	}
	return ^crc
}

// dissectDNP3 tells the master from the outstation by the direction bit.
func dissectDNP3(m *message, r *Result) (used, need int) {
	if _, ok := recogniseDNP3(m); ok {
		if m.data[3]&0x80 != 0 {
			r.Sender = RoleClient
		} else {
			r.Sender = RoleServer
		}
	}
	return len(m.data), 0
}

// recogniseBACnet: BVLC type 0x81 with an exact length, and an NPDU of version
// 1 where the function carries one (ASHRAE 135 annex J).
func recogniseBACnet(m *message) (string, bool) {
	b := m.data
	if len(b) < 4 || b[0] != 0x81 || b[1] > 0x0b || int(be16(b[2:])) != len(b) {
		return "", false
	}
	why := "BACnet virtual link header with exact length"
	switch b[1] {
	case 0x04: // forwarded: six bytes of address first
		return why, len(b) > 11 && b[10] == 1
	case 0x09, 0x0a, 0x0b:
		return why, len(b) > 5 && b[4] == 1
	}
	return why, len(b) >= 6 || m.Source == 47808 || m.Destination == 47808
}

var opcuaTypes = map[string]bool{"HEL": true, "ACK": true, "ERR": true, "RHE": true, "OPN": true, "CLO": true, "MSG": true}

// recogniseOPCUA: message type, chunk type and a length (OPC 10000-6 section 7.1.2).
func recogniseOPCUA(m *message) (string, bool) {
	b := m.data
	if len(b) < 8 || !opcuaTypes[string(b[:3])] {
		return "", false
	}
	if b[3] != 'F' && b[3] != 'C' && b[3] != 'A' {
		return "", false
	}
	n := le32(b[4:])
	return "OPC UA message header " + string(b[:3]), n >= 8 && n <= 1<<26
}

// dissectOPCUA tells who is the client by hello and acknowledge.
func dissectOPCUA(m *message, r *Result) (used, need int) {
	switch {
	case hasPrefix(m.data, "HELF"):
		r.Sender = RoleClient
	case hasPrefix(m.data, "ACKF"), hasPrefix(m.data, "RHEF"):
		r.Sender = RoleServer
	}
	return len(m.data), 0
}

// recogniseHARTIP: version 1 or 2, message type, id, and a length that is exact
// for a datagram (HART-IP, FieldComm Group TS20085).
func recogniseHARTIP(m *message) (string, bool) {
	b := m.data
	if len(b) < 8 || b[0] < 1 || b[0] > 2 || b[1]&0x7f > 2 && b[1] != 15 {
		return "", false
	}
	if b[2] > 5 && b[2] != 128 || b[3] != 0 && b[3] > 64 {
		return "", false
	}
	n := int(be16(b[6:]))
	if n != len(b) && (m.Transport == UDP || n < 8 || n > len(b)) {
		return "", false
	}
	// Eight plain bytes are little: off its port a body must be there.
	own := m.Source == 5094 || m.Destination == 5094
	return "HART-IP header with exact length", own
}

// recogniseFINSTCP: the FINS/TCP frame magic with a sane length (Omron W421).
func recogniseFINSTCP(m *message) (string, bool) {
	b := m.data
	if len(b) < 16 || !hasPrefix(b, "FINS") {
		return "", false
	}
	n := int(be16(b[4:]))<<16 | int(be16(b[6:]))
	return "FINS/TCP header", n >= 8 && n <= 1<<16
}

// recogniseFINSUDP: information control, reserved 0, gateway count 2 or 7, and
// a command code that exists; with so few fixed bits, only on port 9600.
func recogniseFINSUDP(m *message) (string, bool) {
	b := m.data
	if m.Source != 9600 && m.Destination != 9600 || len(b) < 12 {
		return "", false
	}
	if b[0]&0x3e != 0 || b[0]&0x80 == 0 || b[1] != 0 || b[2] > 7 {
		return "", false
	}
	return "FINS header with a known command, on port 9600", finsCommands[be16(b[10:])>>8]
}

// finsCommands are the main command codes (Omron W227 section 5-3).
var finsCommands = map[uint16]bool{0x01: true, 0x02: true, 0x03: true, 0x04: true, 0x05: true, 0x06: true, 0x07: true, 0x08: true, 0x09: true, 0x0b: true, 0x0c: true, 0x20: true, 0x21: true, 0x22: true, 0x23: true, 0x26: true, 0x28: true}

package ics

import "strconv"

// SNMP versions 1 and 2c (RFC 1157, RFC 3416): the system group (RFC 3418) and the
// entity table (RFC 6933); of version 3 (RFC 3411) the engine's id only.

const maxVarBinds = 64

// ber reads one value of BER (ITU-T X.690 clause 8.1): tag, length, content.
func ber(b []byte) (tag byte, value, rest []byte, ok bool) {
	if len(b) < 2 {
		return 0, nil, nil, false
	}
	tag, n, at := b[0], int(b[1]), 2
	if n >= 0x80 {
		size := n & 0x7f
		if size < 1 || size > 3 || len(b) < 2+size {
			return 0, nil, nil, false
		}
		n = 0
		for _, c := range b[2 : 2+size] {
			n = n<<8 | int(c)
		}
		at += size
	}
	if len(b) < at+n {
		return 0, nil, nil, false
	}
	return tag, b[at : at+n], b[at+n:], true
}

var snmpPDUs = [...]struct {
	name    string
	request bool
	ops     Operations
}{
	{"get", true, Read}, {"get-next", true, Read}, {"response", false, 0}, {"set", true, Write},
	{"trap", false, Read}, {"get-bulk", true, Read}, {"inform", true, Read}, {"trap v2", false, Read}, {"report", false, 0},
}

// snmp is one message.
type snmp struct {
	version byte
	pdu     byte
	body    []byte // of the PDU; in version 3 the rest of the message
}

func readSNMP(b []byte) (s snmp, ok bool) {
	tag, message, rest, ok := ber(b)
	if !ok || tag != 0x30 || len(rest) != 0 {
		return snmp{}, false
	}
	tag, v, rest, ok := ber(message)
	if !ok || tag != 2 || len(v) != 1 || v[0] > 3 || v[0] == 2 {
		return snmp{}, false
	}
	s.version = v[0]
	if s.version == 3 { // global data, then the security parameters
		tag, _, after, ok := ber(rest)
		s.body = after
		return s, ok && tag == 0x30
	}
	tag, _, rest, ok = ber(rest)
	if !ok || tag != 4 {
		return snmp{}, false
	}
	tag, s.body, rest, ok = ber(rest)
	s.pdu = tag - 0xa0
	return s, ok && tag >= 0xa0 && tag <= 0xa8 && len(rest) == 0
}

func recogniseSNMP(m *message) (string, bool) {
	s, ok := readSNMP(m.data)
	return "SNMP message of version " + [...]string{"1", "2c", "", "3"}[s.version&3] + " whose lengths add up", ok
}

func dissectSNMP(m *message, r *Result) (used, need int) {
	used = len(m.data)
	s, ok := readSNMP(m.data)
	switch {
	case !ok:
		r.Malformed = true
	case s.version == 3:
		s.engine(m, r)
	default:
		s.tell(r)
	}
	return used, 0
}

func (s snmp) tell(r *Result) {
	p := snmpPDUs[s.pdu]
	r.Sender = RoleServer
	if p.request && s.pdu != 6 {
		r.Sender = RoleClient
	}
	if s.pdu == 4 { // trap of version 1 has another form
		r.function(Function{"snmp", uint16(s.pdu), p.name, false, false, p.ops})
		return
	}
	_, _, rest, ok := ber(s.body)     // request id
	_, status, rest, ok2 := ber(rest) // error status
	_, _, rest, ok3 := ber(rest)      // error index
	tag, binds, _, ok4 := ber(rest)   // variable bindings
	if !ok || !ok2 || !ok3 || !ok4 || tag != 0x30 {
		r.Malformed = true
		return
	}
	failed := s.pdu == 2 && len(status) == 1 && status[0] != 0
	system := false
	for n := 0; n < maxVarBinds && len(binds) > 0; n++ {
		_, bind, after, ok := ber(binds)
		if !ok {
			break
		}
		binds = after
		tag, name, value, ok := ber(bind)
		if !ok || tag != 6 {
			continue
		}
		system = system || hasPrefix(name, "\x2b\x06\x01\x02\x01\x01")
		if kind, v, _, ok := ber(value); ok && s.pdu == 2 && !failed {
			snmpValue(name, kind, v, r)
		}
	}
	if system && p.ops == Read {
		p.ops = Identify
	}
	r.function(Function{"snmp", uint16(s.pdu), p.name, r.Sender == RoleClient, failed, p.ops})
}

// snmpValue: names begin with 1.3.6.1.2.1, then 1 (system) or 47.1.1.1.1 (entities).
func snmpValue(name []byte, kind byte, v []byte, r *Result) {
	switch {
	case hasPrefix(name, "\x2b\x06\x01\x02\x01\x01") && len(name) == 8 && name[7] == 0:
		switch name[6] {
		case 1:
			r.identify(Identity{Product: text(v)})
		case 2:
			if kind == 6 {
				id := oid(v)
				r.fact("snmp-object-id", id)
				r.identify(Identity{Vendor: enterprise(v)})
			}
		case 4:
			r.fact("snmp-contact", text(v))
		case 5:
			r.identify(Identity{Name: text(v)})
		case 6:
			r.fact("snmp-location", text(v))
		}
	case hasPrefix(name, "\x2b\x06\x01\x02\x01\x2f\x01\x01\x01\x01") && len(name) >= 12 && kind == 4:
		// The first entity is the device itself; others are its parts.
		if len(name) != 12 || name[11] != 1 {
			return
		}
		switch name[10] {
		case 9, 10: // firmware, software revision
			r.identify(Identity{Firmware: text(v)})
		case 11:
			r.identify(Identity{Serial: text(v)})
		case 12:
			r.identify(Identity{Vendor: text(v)})
		case 13:
			r.identify(Identity{Model: text(v)})
		}
	}
}

// oid writes an object identifier with dots.
func oid(b []byte) string {
	if len(b) == 0 || len(b) > 64 {
		return ""
	}
	out := strconv.Itoa(int(b[0])/40) + "." + strconv.Itoa(int(b[0])%40)
	n := uint64(0)
	for _, c := range b[1:] {
		n = n<<7 | uint64(c&0x7f)
		if c&0x80 == 0 {
			out += "." + strconv.FormatUint(n, 10)
			n = 0
		}
	}
	return out
}

// enterprises are numbers of IANA's register of private enterprises.
var enterprises = map[uint64]string{
	2: "IBM", 9: "Cisco", 11: "Hewlett-Packard", 248: "Hirschmann", 311: "Microsoft", 318: "APC", 368: "Axis", 674: "Dell",
	2011: "Huawei", 2636: "Juniper Networks", 3833: "Schneider Electric", 4196: "Siemens", 4346: "Phoenix Contact",
	8072: "Net-SNMP", 8691: "Moxa", 12356: "Fortinet", 14988: "MikroTik", 25461: "Palo Alto Networks", 41112: "Ubiquiti",
}

// enterprise names the one that follows 1.3.6.1.4.1.
func enterprise(b []byte) string {
	if !hasPrefix(b, "\x2b\x06\x01\x04\x01") {
		return ""
	}
	n := uint64(0)
	for _, c := range b[5:min(len(b), 10)] {
		n = n<<7 | uint64(c&0x7f)
		if c&0x80 == 0 {
			if name, known := enterprises[n]; known && n != 8072 {
				return name
			}
			return ""
		}
	}
	return ""
}

// engine reads the id of the authoritative engine in the security parameters: an
// enterprise and often a MAC address (RFC 3411 section 5).
func (s snmp) engine(m *message, r *Result) {
	r.Sender = m.role(161)
	r.function(Function{"snmp", 0x300, "version 3 message", r.Sender == RoleClient, false, Other})
	tag, security, _, ok := ber(s.body)
	if !ok || tag != 4 {
		return
	}
	_, parameters, _, ok := ber(security)
	if !ok {
		return
	}
	if tag, id, _, ok := ber(parameters); ok && tag == 4 && len(id) >= 5 && r.Sender == RoleServer {
		r.fact("snmp-engine-id", hexText(id[:min(len(id), 32)]))
		if id[0]&0x80 != 0 && id[4] == 3 && len(id) == 11 {
			r.fact("mac", macText(id[5:]))
		}
	}
}

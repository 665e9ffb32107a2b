package ics

import "strconv"

// IEC 60870-5-104 after IEC 60870-5-104:2006 clause 5 (APCI) and 60870-5-101:2003
// clause 7 (ASDU, type identifications), with the field sizes that 104 fixes: cause
// of two octets, common address of two, information object address of three.

const (
	iec104Port   = 2404
	iec104Start  = 0x68
	maxIEC104    = 255 // start, length, then at most 253
	iec104Header = 6
)

// iecType is a row of the table of type identifications. size is the length of
// one information element, without the object's address; 0: it varies.
type iecType struct {
	name string
	size int
	ops  Operations
}

var iecTypes = [128]iecType{
	1: {"single-point information", 1, Read}, 2: {"single-point information with time tag", 4, Read},
	3: {"double-point information", 1, Read}, 4: {"double-point information with time tag", 4, Read},
	5: {"step position", 2, Read}, 6: {"step position with time tag", 5, Read},
	7: {"bitstring of 32 bit", 5, Read}, 8: {"bitstring of 32 bit with time tag", 8, Read},
	9: {"measured value, normalized", 3, Read}, 10: {"measured value, normalized, with time tag", 6, Read},
	11: {"measured value, scaled", 3, Read}, 12: {"measured value, scaled, with time tag", 6, Read},
	13: {"measured value, short floating point", 5, Read}, 14: {"measured value, short floating point, with time tag", 8, Read},
	15: {"integrated totals", 5, Read}, 16: {"integrated totals with time tag", 8, Read},
	17: {"event of protection equipment with time tag", 6, Read}, 18: {"packed start events with time tag", 7, Read},
	19: {"packed output circuit information with time tag", 7, Read}, 20: {"packed single-point information", 5, Read},
	21: {"measured value, normalized, without quality", 2, Read},
	30: {"single-point information with time tag CP56", 8, Read}, 31: {"double-point information with time tag CP56", 8, Read},
	32: {"step position with time tag CP56", 9, Read}, 33: {"bitstring of 32 bit with time tag CP56", 12, Read},
	34: {"measured value, normalized, with time tag CP56", 10, Read}, 35: {"measured value, scaled, with time tag CP56", 10, Read},
	36: {"measured value, short floating point, with time tag CP56", 12, Read}, 37: {"integrated totals with time tag CP56", 12, Read},
	38: {"event of protection equipment with time tag CP56", 10, Read}, 39: {"packed start events with time tag CP56", 11, Read},
	40: {"packed output circuit information with time tag CP56", 11, Read},
	45: {"single command", 1, Write}, 46: {"double command", 1, Write}, 47: {"regulating step command", 1, Write},
	48: {"set point command, normalized", 3, Write}, 49: {"set point command, scaled", 3, Write},
	50: {"set point command, short floating point", 5, Write}, 51: {"bitstring of 32 bit command", 4, Write},
	58: {"single command with time tag", 8, Write}, 59: {"double command with time tag", 8, Write},
	60: {"regulating step command with time tag", 8, Write}, 61: {"set point command, normalized, with time tag", 10, Write},
	62: {"set point command, scaled, with time tag", 10, Write}, 63: {"set point command, short floating point, with time tag", 12, Write},
	64:  {"bitstring of 32 bit command with time tag", 11, Write},
	70:  {"end of initialization", 1, Read},
	100: {"interrogation", 1, Read}, 101: {"counter interrogation", 1, Read}, 102: {"read command", 0, Read},
	103: {"clock synchronization", 7, SetTime}, 104: {"test command", 2, 0}, 105: {"reset process", 1, Start},
	106: {"delay acquisition", 2, Other}, 107: {"test command with time tag", 9, 0},
	110: {"parameter of measured value, normalized", 3, Write}, 111: {"parameter of measured value, scaled", 3, Write},
	112: {"parameter of measured value, short floating point", 5, Write}, 113: {"parameter activation", 1, Write},
	120: {"file ready", 6, Other}, 121: {"section ready", 7, Other}, 122: {"call directory, select file, call file", 4, Other},
	123: {"last section, last segment", 5, Other}, 124: {"acknowledge file or section", 4, Other},
	125: {"segment", 0, Other}, 126: {"directory", 13, Read}, 127: {"query log", 16, Read},
}

// asdu is one application message.
type asdu struct {
	kind    byte
	cause   byte // 1 to 63
	refused bool // negative confirmation
	common  uint16
	body    []byte
}

// readASDU reads type, variable structure qualifier, cause and addresses, and
// holds the length to what the type demands.
func readASDU(b []byte) (a asdu, ok bool) {
	if len(b) < 9 || b[0] == 0 || b[0] > 127 {
		return asdu{}, false
	}
	t := iecTypes[b[0]]
	count, sequence := int(b[1]&0x7f), b[1]&0x80 != 0
	a = asdu{kind: b[0], cause: b[2] & 0x3f, refused: b[2]&0x40 != 0, common: le16(b[4:]), body: b[6:]}
	if t.name == "" || a.cause == 0 || a.cause > 47 || count == 0 && a.kind < 100 {
		return asdu{}, false
	}
	switch {
	case t.size == 0: // the read command is bare, a segment tells its own length
		return a, a.kind == 102 && len(a.body) == 3 || a.kind == 125 && len(a.body) >= 7 && len(a.body) == 7+int(a.body[6])
	case sequence:
		return a, len(a.body) == 3+count*t.size
	}
	return a, len(a.body) == max(count, 1)*(3+t.size)
}

// iecUnnumbered are the six control functions (clause 5.1).
var iecUnnumbered = map[byte]string{0x07: "STARTDT act", 0x0b: "STARTDT con", 0x13: "STOPDT act", 0x23: "STOPDT con", 0x43: "TESTFR act", 0x83: "TESTFR con"}

// apci is one message with its control field.
type apci struct {
	control byte // first octet
	format  byte // 'I', 'S' or 'U'
	asdu    []byte
}

func nextAPCI(b []byte) (a apci, n, need int, ok bool) {
	if len(b) < iec104Header {
		return apci{}, 0, iec104Header, len(b) == 0 || b[0] == iec104Start && (len(b) < 2 || b[1] >= 4 && b[1] <= 253)
	}
	if b[0] != iec104Start || b[1] < 4 || b[1] > 253 {
		return apci{}, 0, 0, false
	}
	n = 2 + int(b[1])
	a.control = b[2]
	switch {
	case b[2]&1 == 0:
		a.format, ok = 'I', b[4]&1 == 0 && n >= iec104Header+9
	case b[2]&3 == 1:
		a.format, ok = 'S', b[2] == 1 && b[3] == 0 && b[4]&1 == 0 && n == iec104Header
	default:
		_, known := iecUnnumbered[b[2]]
		a.format, ok = 'U', known && b[3] == 0 && b[4] == 0 && b[5] == 0 && n == iec104Header
	}
	if !ok {
		return apci{}, 0, 0, false
	}
	if len(b) < n {
		return apci{}, 0, n, true
	}
	a.asdu = b[iec104Header:n]
	return a, n, n, true
}

// recogniseIEC104: a control function or a numbered message whose ASDU has the
// length of its type; an acknowledgement alone is too little off port 2404.
func recogniseIEC104(m *message) (string, bool) {
	rest, strong := m.data, false
	for len(rest) > 0 {
		a, n, _, ok := nextAPCI(rest)
		if !ok || n == 0 && len(rest) == len(m.data) {
			return "", false
		}
		if n == 0 {
			break
		}
		if a.format == 'I' {
			if _, ok := readASDU(a.asdu); !ok {
				return "", false
			}
		}
		strong = strong || a.format != 'S'
		rest = rest[n:]
	}
	own := m.Source == iec104Port || m.Destination == iec104Port
	return "IEC 60870-5-104 control field and an ASDU of the length of its type", strong || own
}

func dissectIEC104(m *message, r *Result) (used, need int) {
	for used < len(m.data) {
		a, n, need, ok := nextAPCI(m.data[used:])
		if !ok {
			r.Malformed = true
			return len(m.data), 0
		}
		if n == 0 {
			return used, need
		}
		used += n
		a.tell(m, r)
	}
	return used, 0
}

func (a apci) tell(m *message, r *Result) {
	switch a.format {
	case 'U':
		// The controlling station starts and stops the transfer; either may test.
		switch a.control {
		case 0x07, 0x13:
			r.Sender = RoleClient
		case 0x0b, 0x23:
			r.Sender = RoleServer
		}
		r.function(Function{"iec104", 0x100 | uint16(a.control), iecUnnumbered[a.control], a.control == 0x07 || a.control == 0x13 || a.control == 0x43, false, 0})
	case 'I':
		if s, ok := readASDU(a.asdu); ok {
			s.tell(m, r)
		} else {
			r.Malformed = true
		}
	}
}

// tell: causes 6 and 8 ask (activation, deactivation), 5 asks in the control
// direction only; 7, 9, 10 and 44 to 47 answer (60870-5-101 clause 7.2.3).
func (s asdu) tell(m *message, r *Result) {
	t := iecTypes[s.kind]
	request := s.cause == 6 || s.cause == 8 || s.cause == 5 && s.kind == 102
	switch {
	case request:
		r.Sender = RoleClient
	case s.kind >= 120 && s.kind <= 125:
		r.Sender = m.role(iec104Port)
	default:
		r.Sender = RoleServer
	}
	ops := t.ops
	if s.kind >= 120 && s.kind <= 125 {
		ops = s.fileOps(r.Sender)
		request = r.Sender == RoleClient
	}
	refused := s.refused || s.cause >= 44
	r.function(Function{"iec104", uint16(s.kind), t.name, request, refused, ops})
	if r.Sender == RoleServer && m.c.once(uint32(s.common)) {
		r.fact("iec104-common-address", strconv.Itoa(int(s.common)))
	}
}

// fileOps: a file announced or sent by the controlling station goes into the
// device, one that it calls for comes out.
func (s asdu) fileOps(sender Role) Operations {
	switch {
	case s.kind == 124 || sender == RoleUnknown:
		return Other
	case s.kind == 122:
		return Upload
	case sender == RoleClient:
		return Program
	}
	return Upload
}

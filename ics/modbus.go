package ics

import "strconv"

// Modbus/TCP after "MODBUS Messaging on TCP/IP Implementation Guide V1.0b" and
// "MODBUS Application Protocol Specification V1.1b3" (section numbers below).

const (
	modbusPort    = 502
	mbapHeader    = 7   // transaction, protocol, length, unit
	maxModbusADU  = 260 // guide section 3.1.3
	modbusMEI     = 0x2b
	meiDeviceID   = 0x0e // section 6.21
	maxDeviceObjs = 32
)

type modbusFunction struct {
	name string
	ops  Operations
	// Sizes of the bytes after the function code. -1: a byte count rules.
	request, response int
}

// modbusFunctions is by function code; a name that is empty is none of them.
var modbusFunctions = [128]modbusFunction{
	1:  {"read coils", Read, 4, -1},
	2:  {"read discrete inputs", Read, 4, -1},
	3:  {"read holding registers", Read, 4, -1},
	4:  {"read input registers", Read, 4, -1},
	5:  {"write single coil", Write, 4, 4},
	6:  {"write single register", Write, 4, 4},
	7:  {"read exception status", Read, 0, 1},
	8:  {"diagnostics", Other, -2, -2},
	11: {"get comm event counter", Read, 0, 4},
	12: {"get comm event log", Read, 0, -1},
	15: {"write multiple coils", Write, -1, 4},
	16: {"write multiple registers", Write, -1, 4},
	17: {"report server id", Identify, 0, -1},
	20: {"read file record", Read, -1, -1},
	21: {"write file record", Write, -1, -1},
	22: {"mask write register", Write, 6, 6},
	23: {"read/write multiple registers", Read | Write, -1, -1},
	24: {"read fifo queue", Read, 2, -2},
	43: {"encapsulated interface transport", Other, -2, -2},
}

// adu is one Modbus/TCP message.
type adu struct {
	unit     byte
	function byte // without the exception bit
	failed   bool
	body     []byte // after the function code
}

// nextADU splits the first message off b. ok is false where b can't begin one;
// need is the whole length of an unfinished one.
func nextADU(b []byte) (a adu, n, need int, ok bool) {
	if len(b) < mbapHeader+1 {
		return adu{}, 0, mbapHeader + 1, plausibleMBAP(b)
	}
	if !plausibleMBAP(b) {
		return adu{}, 0, 0, false
	}
	n = 6 + int(be16(b[4:]))
	if len(b) < n {
		return adu{}, 0, n, true
	}
	return adu{b[6], b[7] & 0x7f, b[7]&0x80 != 0, b[8:n]}, n, n, true
}

// plausibleMBAP checks what there is of the header: protocol 0, length 2..254.
func plausibleMBAP(b []byte) bool {
	if len(b) >= 4 && (b[2] != 0 || b[3] != 0) {
		return false
	}
	if len(b) >= 6 {
		l := int(be16(b[4:]))
		return l >= 2 && l <= maxModbusADU-6
	}
	return true
}

// fits reports whether the body has the size that the function demands, as a
// request or as an answer.
func (a adu) fits() (request, response bool) {
	if a.failed {
		return false, len(a.body) == 1 && a.body[0] >= 1 && a.body[0] <= 11
	}
	f := &modbusFunctions[a.function&0x7f]
	if f.name == "" {
		return false, false
	}
	return fitsSize(a.function, a.body, f.request, true), fitsSize(a.function, a.body, f.response, false)
}

func fitsSize(function byte, body []byte, size int, request bool) bool {
	if size >= 0 {
		return len(body) == size
	}
	n := len(body)
	switch {
	case function == 8: // sub-function and data of any even length, section 6.8
		return n >= 2 && n%2 == 0
	case function == 43:
		return n >= 1 && (body[0] == meiDeviceID || body[0] == 0x0d)
	case function == 24: // two-byte count, section 6.18
		return n >= 4 && int(be16(body)) == n-2
	case request && (function == 15 || function == 16):
		return n >= 6 && int(body[4]) == n-5 && be16(body[2:]) > 0
	case request && function == 23:
		return n >= 10 && int(body[8]) == n-9
	case !request && function <= 2: // at least the bytes counted; some servers pad
		return n >= 2 && body[0] > 0 && int(body[0]) <= n-1
	default:
		return n >= 1 && int(body[0]) == n-1
	}
}

// recogniseModbus asks for a whole, well-formed message. Off port 502 the body
// must also fit the function code exactly.
func recogniseModbus(m *message) (string, bool) {
	a, n, _, ok := nextADU(m.data)
	if !ok || n == 0 {
		return "", false
	}
	if n < len(m.data) { // pipelined: what follows must be a message too
		if _, _, _, ok := nextADU(m.data[n:]); !ok || len(m.data) < n+mbapHeader {
			return "", false
		}
	}
	request, response := a.fits()
	if request || response {
		return "MBAP header with protocol 0 and a body that fits its function code", true
	}
	own := m.Source == modbusPort || m.Destination == modbusPort
	known := modbusFunctions[a.function&0x7f].name != ""
	if own && (known || userDefined(a.function)) {
		return "MBAP header with protocol 0 and exact length, on port 502", true
	}
	return "", false
}

// userDefined are the codes left to vendors (section 4), and 90, which
// Schneider's engineering tools use.
func userDefined(f byte) bool { return f >= 65 && f <= 72 || f >= 100 && f <= 110 || f == 90 }

func dissectModbus(m *message, r *Result) (used, need int) {
	for used < len(m.data) {
		a, n, need, ok := nextADU(m.data[used:])
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

func (a adu) tell(m *message, r *Result) {
	role := a.role(m)
	if r.Sender == RoleUnknown {
		r.Sender = role
	}
	f := modbusFunctions[a.function&0x7f]
	if f.name == "" {
		f = modbusFunction{name: "function of the vendor", ops: Other}
	}
	if name, ops, ok := a.umas(role); ok {
		f.name, f.ops = name, ops
	}
	ops := f.ops
	switch {
	case a.function == modbusMEI && len(a.body) > 0 && a.body[0] == meiDeviceID:
		ops = Identify
		if role == RoleServer && !a.failed {
			r.identify(modbusDevice(a.body))
			if m.c.once(uint32(a.unit)) {
				r.fact("modbus-unit", strconv.Itoa(int(a.unit)))
			}
		}
	case a.function == 8 && len(a.body) >= 2:
		ops = diagnosticOps(be16(a.body))
	}
	r.function(Function{"modbus", uint16(a.function), f.name, role == RoleClient, a.failed, ops})
}

// diagnosticOps: section 6.8.1. Forcing listen only silences the device;
// restarting its communications makes it deaf for a moment.
func diagnosticOps(sub uint16) Operations {
	switch {
	case sub == 4:
		return Stop
	case sub == 1:
		return Start
	case sub == 0 || sub == 2 || sub >= 11 && sub <= 18:
		return Read
	}
	return Other
}

// role: by size where only one fits, else by the port, which may break the tie
// but not contradict the content.
func (a adu) role(m *message) Role {
	if a.failed {
		return RoleServer
	}
	if a.function == modbusMEI && len(a.body) > 0 && a.body[0] == meiDeviceID {
		if len(a.body) == 3 {
			return RoleClient
		}
		return RoleServer
	}
	request, response := a.fits()
	switch {
	case request && !response:
		return RoleClient
	case response && !request:
		return RoleServer
	}
	return m.role(modbusPort)
}

// role is what the sender of an ambiguous message is: as the conversation told
// before, else by the protocol's own port.
func (m *message) role(port uint16) Role {
	switch {
	case m.c.roles[m.Sender&1] != RoleUnknown:
		return m.c.roles[m.Sender&1]
	case m.Destination == port && m.Source != port:
		return RoleClient
	case m.Source == port && m.Destination != port:
		return RoleServer
	}
	return RoleUnknown
}

// modbusDevice reads the objects of a device identification answer (section
// 6.21): MEI type, code, conformity, more, next, count, then id, length, value.
func modbusDevice(b []byte) Identity {
	var id Identity
	if len(b) < 6 {
		return id
	}
	count := min(int(b[5]), maxDeviceObjs)
	b = b[6:]
	var code, product, model string
	for ; count > 0 && len(b) >= 2; count-- {
		object, n := b[0], int(b[1])
		if len(b) < 2+n {
			break
		}
		value := text(b[2 : 2+n])
		b = b[2+n:]
		switch object {
		case 0:
			id.Vendor = value
		case 1:
			code = value
		case 2:
			id.Firmware = value
		case 4:
			product = value
		case 5:
			model = value
		case 6:
			id.Name = value
		}
	}
	id.Product, id.Model = product, model
	if id.Model == "" {
		id.Model = code
	}
	if id.Product == "" {
		id.Product = code
	}
	return id
}

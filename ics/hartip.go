package ics

import (
	"fmt"
	"strconv"
	"strings"
)

// HART-IP after FieldComm Group TS20085 (HART-IP), with the token-passing frames
// of TS20081 (data link) and the commands of TS20127 (universal), TS20151
// (common practice).

const (
	hartPort      = 5094
	hartHeader    = 8
	hartPublish   = 2
	hartNAK       = 15
	maxHARTDirect = 64 // commands in one direct message
)

var hartMessages = map[byte]string{
	0: "session initiate", 1: "session close", 2: "keep alive", 3: "token passing", 4: "direct pdu",
	5: "read audit log", 128: "discovery",
}

// hart is one HART-IP message.
type hart struct {
	kind, id, status byte
	body             []byte
}

func nextHART(b []byte) (h hart, n, need int, ok bool) {
	if len(b) < hartHeader {
		return hart{}, 0, hartHeader, len(b) == 0 || b[0] == 1 || b[0] == 2
	}
	n = int(be16(b[6:]))
	_, known := hartMessages[b[2]]
	if b[0] < 1 || b[0] > 2 || b[1] > hartPublish && b[1] != hartNAK || !known || n < hartHeader {
		return hart{}, 0, 0, false
	}
	if len(b) < n {
		return hart{}, 0, n, true
	}
	return hart{b[1], b[2], b[3], b[hartHeader:n]}, n, n, true
}

// sane checks that the body is what the message carries.
func (h hart) sane() bool {
	switch h.id {
	case 0:
		return len(h.body) == 5 && h.body[0] <= 1
	case 1, 2:
		return len(h.body) == 0
	case 3:
		_, ok := readPDU(h.body)
		return ok
	case 4:
		return len(h.body) >= 5
	case 5:
		return len(h.body) >= 2
	}
	return false
}

// recogniseHARTIP: off port 5094 the first body must carry weight of its own: a
// session that begins or a frame with a right check byte. Servers go on from a
// port of their own choice after the session began.
func recogniseHARTIP(m *message) (string, bool) {
	h, n, _, ok := nextHART(m.data)
	if !ok || n == 0 || !h.sane() || m.Transport == UDP && n != len(m.data) {
		return "", false
	}
	own := m.Source == hartPort || m.Destination == hartPort
	return "HART-IP header with exact length and a body that fits", own || h.id == 0 || h.id == 3
}

func dissectHARTIP(m *message, r *Result) (used, need int) {
	for used < len(m.data) {
		h, n, need, ok := nextHART(m.data[used:])
		if !ok {
			r.Malformed = true
			return len(m.data), 0
		}
		if n == 0 {
			return used, need
		}
		used += n
		h.tell(r)
	}
	return used, 0
}

func (h hart) tell(r *Result) {
	r.Sender = RoleServer
	if h.kind == 0 {
		r.Sender = RoleClient
	}
	request := h.kind == 0
	switch h.id {
	case 3:
		p, ok := readPDU(h.body)
		if !ok {
			r.Malformed = true
			return
		}
		p.tell(request, r)
	case 4:
		directCommands(h.body, request, r)
	default:
		ops := Operations(0)
		if h.id == 128 {
			ops = Identify
		}
		if h.id == 5 {
			ops = Read
		}
		r.function(Function{"hart-ip", 0x1000 | uint16(h.id), hartMessages[h.id], request, !request && hartRefuses(h.status), ops})
	}
}

// pdu is one token-passing frame.
type pdu struct {
	frame   byte // 1 burst, 2 from the master, 6 from the field device
	address []byte
	command uint16
	data    []byte
}

// readPDU reads delimiter, address of one or five bytes, expansion bytes,
// command, count, data and the check byte over all of it.
func readPDU(b []byte) (p pdu, ok bool) {
	if len(b) < 5 {
		return pdu{}, false
	}
	p.frame = b[0] & 7
	if p.frame != 1 && p.frame != 2 && p.frame != 6 || b[0]&0x18 != 0 {
		return pdu{}, false
	}
	at := 2
	if b[0]&0x80 != 0 {
		at = 6
	}
	p.address = b[1:min(at, len(b))]
	at += int(b[0]>>5) & 3
	if len(b) < at+3 {
		return pdu{}, false
	}
	n := int(b[at+1])
	if len(b) != at+3+n {
		return pdu{}, false
	}
	check := byte(0)
	for _, c := range b[:len(b)-1] {
		check ^= c
	}
	p.command, p.data = uint16(b[at]), b[at+2:at+2+n]
	return p, check == b[len(b)-1]
}

func (p pdu) tell(request bool, r *Result) {
	data, code := p.data, byte(0)
	if p.frame != 2 && len(data) >= 2 { // response code and device status come first
		code, data = data[0], data[2:]
	}
	command := p.command
	if command == 31 && len(data) >= 2 { // extended command numbers
		command, data = be16(data), data[2:]
	}
	hartCommand(command, data, request && p.frame == 2, code, r)
}

// directCommands reads device status twice, then command, count and data (TS20085
// section 11).
func directCommands(b []byte, request bool, r *Result) {
	if len(b) < 2 {
		return
	}
	b = b[2:]
	for n := 0; n < maxHARTDirect && len(b) >= 3; n++ {
		size := int(b[2])
		if len(b) < 3+size {
			r.Malformed = true
			return
		}
		command, data, code := be16(b), b[3:3+size], byte(0)
		b = b[3+size:]
		if !request && len(data) >= 1 {
			code, data = data[0], data[1:]
		}
		hartCommand(command, data, request, code, r)
	}
}

// hartRefuses tells the codes that refuse from those that warn: 8, 14, 24 to 27, 30,
// 31 and 96 to 127 warn (TS20307). With the high bit they are errors of communication.
func hartRefuses(code byte) bool {
	switch {
	case code == 0, code == 8, code == 14, code >= 24 && code <= 27, code == 30, code == 31, code >= 96 && code <= 127:
		return false
	}
	return true
}

// hartCommand tells one command.
func hartCommand(command uint16, data []byte, request bool, code byte, r *Result) {
	name, ops := hartName(command)
	failed := hartRefuses(code)
	r.function(Function{"hart-ip", command, name, request, failed, ops})
	if request || failed {
		return
	}
	switch command {
	case 0, 11, 21:
		r.identify(hartIdentity(data, r))
	case 13:
		if len(data) >= 18 {
			tag := meant(packedASCII(data[:6]))
			if r.Identity.Name == "" {
				r.identify(Identity{Name: tag})
			}
			r.fact("hart-tag", tag)
			r.fact("hart-descriptor", meant(packedASCII(data[6:18])))
		}
	case 12:
		if len(data) >= 24 {
			r.fact("hart-message", meant(packedASCII(data[:24])))
		}
	case 16:
		if len(data) >= 3 {
			r.fact("hart-final-assembly", strconv.Itoa(int(data[0])<<16|int(be16(data[1:]))))
		}
	case 20, 22:
		if len(data) >= 32 {
			r.identify(Identity{Name: meant(text([]byte(latin1(data[:32]))))})
		}
	case 84:
		subDevice(data, r)
	}
}

// hartIdentity reads the answer to command 0 (TS20127 section 7.1).
func hartIdentity(b []byte, r *Result) Identity {
	if len(b) < 12 || b[0] != 254 {
		return Identity{}
	}
	kind, revision := be16(b[1:]), b[4]
	maker := uint16(b[1]) // before revision 7 the first byte of the type is the maker
	if revision >= 7 && len(b) >= 19 {
		maker = be16(b[17:])
	}
	r.fact("hart-device-type", fmt.Sprintf("0x%04x", kind))
	r.fact("hart-device-revision", strconv.Itoa(int(b[5])))
	r.fact("hart-hardware", strconv.Itoa(int(b[7]>>3)))
	id := Identity{
		Vendor:   hartMaker(maker),
		Product:  "HART device type " + fmt.Sprintf("0x%04x", kind),
		Firmware: strconv.Itoa(int(b[6])),
		Serial:   strconv.Itoa(int(b[9])<<16 | int(be16(b[10:]))),
	}
	if name, known := hartTypes[kind]; known {
		id.Product = name
	}
	if len(b) >= 22 {
		id.Kind = hartProfiles[b[21]]
	}
	return id
}

// subDevice reads the answer to command 84 of an I/O system or a gateway: who is
// connected to it (TS20151).
func subDevice(b []byte, r *Result) {
	if len(b) < 44 {
		return
	}
	d := Device{Address: fmt.Sprintf("hart card %d channel %d device %d", b[2], b[3], be16(b))}
	kind := be16(b[6:])
	d.Identity = Identity{
		Vendor:  hartMaker(be16(b[4:])),
		Product: "HART device type " + fmt.Sprintf("0x%04x", kind),
		Serial:  strconv.Itoa(int(b[8])<<16 | int(be16(b[9:]))),
		Name:    meant(text([]byte(latin1(b[12:44])))),
	}
	if name, known := hartTypes[kind]; known {
		d.Identity.Product = name
	}
	r.behind(d)
}

// packedASCII unpacks four characters of six bits out of three bytes (TS20183).
func packedASCII(b []byte) string {
	var out []byte
	for ; len(b) >= 3; b = b[3:] {
		v := uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
		for shift := 18; shift >= 0; shift -= 6 {
			c := byte(v>>shift) & 0x3f
			if c < 0x20 {
				c |= 0x40
			}
			out = append(out, c)
		}
	}
	return strings.TrimSpace(string(out))
}

// hartMakers and hartTypes are numbers of the registers that the FieldComm Group
// keeps (TS20183 tables 1 and 8), a few of each; others are told as numbers.
var hartMakers = map[uint16]string{
	17: "Endress+Hauser", 19: "Fisher Controls", 23: "Honeywell", 31: "Micro Motion", 38: "Rosemount", 42: "Siemens",
	55: "Yokogawa", 62: "VEGA", 249: "FieldComm Group",
}

var hartTypes = map[uint16]string{0x264e: "Wireless Gateway", 0xf9fd: "HART-IP FlowDevice"}

// hartProfiles are those that are met with HART-IP (TS20183 table 57).
var hartProfiles = map[byte]string{
	1: "HART process automation device", 65: "HART IP process automation device", 132: "WirelessHART gateway",
}

func hartMaker(n uint16) string {
	if name, ok := hartMakers[n]; ok {
		return name
	}
	return fmt.Sprintf("HART manufacturer 0x%04x", n)
}

// hartCommands names the universal commands and those of common practice that
// matter; hartName gives a class to the others.
var hartCommands = map[uint16]struct {
	name string
	ops  Operations
}{
	0: {"read unique identifier", Identify}, 1: {"read primary variable", Read}, 2: {"read loop current", Read},
	3: {"read dynamic variables", Read}, 6: {"write polling address", Write}, 7: {"read loop configuration", Read},
	8: {"read dynamic variable classifications", Read}, 9: {"read device variables", Read},
	11: {"read unique identifier by tag", Identify}, 12: {"read message", Read},
	13: {"read tag, descriptor, date", Identify}, 14: {"read primary variable transducer", Read},
	15: {"read device information", Read}, 16: {"read final assembly number", Identify}, 17: {"write message", Write},
	18: {"write tag, descriptor, date", Write}, 19: {"write final assembly number", Write}, 20: {"read long tag", Identify},
	21: {"read unique identifier by long tag", Identify}, 22: {"write long tag", Write}, 38: {"reset configuration changed flag", Write},
	48: {"read additional device status", Read}, 33: {"read device variables", Read}, 41: {"perform self test", Other},
	42: {"perform device reset", Start}, 50: {"read dynamic variable assignments", Read}, 54: {"read device variable information", Read},
	57: {"read unit tag", Read}, 60: {"read analog channel", Read}, 61: {"read dynamic variables and analog channel", Read},
	62: {"read analog channels", Read}, 63: {"read analog channel information", Read}, 72: {"squawk", Other},
	73: {"find device", Identify}, 74: {"read i/o system capabilities", Read}, 75: {"poll sub-device", Other},
	76: {"read lock device state", Read}, 77: {"send command to sub-device", Other}, 80: {"read device variable trim points", Read},
	81: {"read device variable trim guidelines", Read}, 84: {"read sub-device identity", Identify},
	85: {"read i/o channel statistics", Read}, 86: {"read sub-device statistics", Read}, 89: {"set real-time clock", SetTime},
	90: {"read real-time clock", Read}, 91: {"read trend configuration", Read}, 93: {"read trend", Read},
	94: {"read i/o system client statistics", Read}, 95: {"read message statistics", Read}, 96: {"read synchronous action", Read},
	98: {"read command action", Read}, 101: {"read sub-device to burst message map", Read}, 105: {"read burst mode configuration", Read},
	110: {"read all dynamic variables", Read}, 113: {"catch device variable", Other}, 115: {"read event notification summary", Read},
}

func hartName(n uint16) (string, Operations) {
	if c, ok := hartCommands[n]; ok {
		return c.name, c.ops
	}
	name := "command " + strconv.Itoa(int(n))
	if n >= 34 && n <= 123 && n != 78 { // the rest of common practice sets something
		return name, Write
	}
	return name, Other // of the device family, or of the maker
}

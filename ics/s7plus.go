package ics

import "bytes"

// S7comm-plus is what newer Siemens controllers speak, in the same transport as
// S7comm. It is not published, and its bodies are not read.

const s7PlusMagic = 0x72

func recogniseS7Plus(m *message) (string, bool) {
	t, ok := firstTPDU(m)
	if !ok || t.kind != cotpData {
		return "", false
	}
	return "TPKT, COTP data and an S7comm-plus header (0x72)", s7PlusHeader(t.data)
}

func s7PlusHeader(b []byte) bool {
	return len(b) >= 4 && b[0] == s7PlusMagic && (b[1] >= 1 && b[1] <= 3 || b[1] == 0xfe || b[1] == 0xff)
}

var s7PlusFunctions = map[uint16]struct {
	name string
	ops  Operations
}{
	0x04bb: {"explore", Read},
	0x04ca: {"create object", Other},
	0x04d4: {"delete object", Other},
	0x04f2: {"set variable", Write},
	0x04fc: {"get variable", Read},
	0x0524: {"get link", Read},
	0x0542: {"set multiple variables", Write},
	0x054c: {"get multiple variables", Read},
	0x0556: {"begin sequence", Other},
	0x0560: {"end sequence", Other},
	0x056b: {"invoke", Other},
	0x0586: {"get variables substreamed", Read},
}

// tellS7Plus reads the header: 0x72, version, length, in version 3 an integrity
// part, then opcode, two bytes, function. Bodies are not read.
func tellS7Plus(b []byte, m *message, r *Result) {
	b = b[4:]
	if len(b) > 33 && b[0] == 32 { // integrity part: its length and 32 bytes
		b = b[33:]
	}
	if len(b) < 5 {
		return
	}
	opcode, code := b[0], be16(b[3:])
	f, known := s7PlusFunctions[code]
	if !known {
		f.name, f.ops = "unknown", Other
	}
	switch opcode {
	case 0x31:
		r.Sender = RoleClient
	case 0x32:
		r.Sender = RoleServer
	case 0x33: // notification: no function
		r.Sender = RoleServer
		r.function(Function{"s7comm-plus", 0, "notification", false, false, Read})
		return
	default:
		r.Sender = m.role(isoPort)
		return
	}
	r.function(Function{"s7comm-plus", code, f.name, opcode == 0x31, false, f.ops})
	if opcode == 0x32 && code == 0x04ca {
		r.identify(sessionVersion(b))
	}
}

// sessionVersion looks in the answer to the first create object for the version
// text of the server's session: "1;6ES7 214-1AG40-0XB0 ;V4.2". The order number and
// the firmware are in the clear there, also where the rest is protected.
func sessionVersion(b []byte) Identity {
	b = b[:min(len(b), 1024)]
	at := bytes.Index(b, []byte(";6ES7 "))
	if at < 0 {
		return Identity{}
	}
	model, rest, found := bytes.Cut(b[at+1:], []byte{';'})
	if !found || len(model) > 32 || !printable(model) {
		return Identity{}
	}
	id := Identity{Vendor: "Siemens", Model: text(model)}
	end := 0
	for end < len(rest) && end < 12 && (rest[end] == 'V' || rest[end] == '.' || rest[end] >= '0' && rest[end] <= '9') {
		end++
	}
	if end > 1 && rest[0] == 'V' {
		id.Firmware = string(rest[:end])
	}
	return id
}

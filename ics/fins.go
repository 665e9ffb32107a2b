package ics

import (
	"fmt"
	"strconv"
)

// Omron FINS after "FINS Commands Reference Manual" W227 section 5 (commands)
// and "Ethernet Units" W421 section 7-4 (FINS/TCP).

const (
	finsPort      = 9600
	finsHeader    = 10
	finsTCPHeader = 16
	maxFINS       = 2048
)

// finsCommands are the command codes with what they ask for (W227 table 5-1).
var finsCommands = map[uint16]struct {
	name string
	ops  Operations
}{
	0x0101: {"memory area read", Read}, 0x0102: {"memory area write", Write}, 0x0103: {"memory area fill", Write},
	0x0104: {"multiple memory area read", Read}, 0x0105: {"memory area transfer", Write},
	0x0201: {"parameter area read", Upload}, 0x0202: {"parameter area write", Program}, 0x0203: {"parameter area clear", Program},
	0x0220: {"data link table read", Read}, 0x0221: {"data link table write", Program},
	0x0304: {"program area protect", Program}, 0x0305: {"program area protect clear", Program},
	0x0306: {"program area read", Upload}, 0x0307: {"program area write", Program}, 0x0308: {"program area clear", Program},
	0x0401: {"run", Start}, 0x0402: {"stop", Stop}, 0x0403: {"reset", Start},
	0x0501: {"controller data read", Identify}, 0x0502: {"connection data read", Identify},
	0x0601: {"controller status read", Read}, 0x0602: {"network status read", Read}, 0x0603: {"data link status read", Read},
	0x0620: {"cycle time read", Read}, 0x0701: {"clock read", Read}, 0x0702: {"clock write", SetTime},
	0x0801: {"loop-back test", Read}, 0x0802: {"broadcast test results read", Read}, 0x0803: {"broadcast test data send", Read},
	0x0920: {"message read, message clear, fal read", Read}, 0x0c01: {"access right acquire", Other},
	0x0c02: {"access right forced acquire", Other}, 0x0c03: {"access right release", Other},
	0x2101: {"error clear", Write}, 0x2102: {"error log read", Read}, 0x2103: {"error log clear", Write},
	0x2140: {"access log read", Read}, 0x2141: {"access log clear", Write},
	0x2201: {"file name read", Read}, 0x2202: {"single file read", Upload}, 0x2203: {"single file write", Program},
	0x2204: {"memory card format", Program}, 0x2205: {"file delete", Program}, 0x2206: {"volume label create or delete", Program},
	0x2207: {"file copy", Program}, 0x2208: {"file name change", Program}, 0x2209: {"file data check", Read},
	0x220a: {"memory area file transfer", Program}, 0x220b: {"parameter area file transfer", Program},
	0x220c: {"program area file transfer", Program}, 0x220f: {"file memory index read", Read},
	0x2210: {"file memory read", Upload}, 0x2211: {"file memory write", Program}, 0x2215: {"create or delete directory", Program},
	0x2301: {"forced set or reset", Write}, 0x2302: {"forced set or reset cancel", Write},
	0x230a: {"multiple forced status read", Read}, 0x2601: {"name set", Write}, 0x2602: {"name delete", Write},
	0x2603: {"name read", Identify},
}

// fins is one FINS message.
type fins struct {
	answer  bool
	command uint16
	code    uint16 // end code of an answer
	body    []byte
	node    []byte // network, node, unit of the sender
}

// readFINS reads control, reserved, gateway count, destination and source of
// three bytes each, service id, then the command.
func readFINS(b []byte) (f fins, ok bool) {
	if len(b) < finsHeader+2 || b[0]&0x3e != 0 || b[0]&0x80 == 0 || b[1] != 0 || b[2] > 7 {
		return fins{}, false
	}
	f = fins{answer: b[0]&0x40 != 0, command: be16(b[10:]), body: b[12:], node: b[6:9]}
	if f.answer {
		if len(f.body) < 2 {
			return fins{}, false
		}
		f.code, f.body = be16(f.body), f.body[2:]
		if main := f.code >> 8 & 0x7f; main > 0x40 {
			return fins{}, false
		}
	}
	_, known := finsCommands[f.command]
	return f, known
}

// recogniseFINSUDP: with so few fixed bits, only on port 9600.
func recogniseFINSUDP(m *message) (string, bool) {
	if m.Source != finsPort && m.Destination != finsPort {
		return "", false
	}
	_, ok := readFINS(m.data)
	return "FINS header with a known command, on port 9600", ok
}

// nextFINS splits the first FINS/TCP frame off b: magic, length, command, error
// code, then in a frame with command 2 the FINS message.
func nextFINS(b []byte) (command uint32, body []byte, n, need int, ok bool) {
	if len(b) < finsTCPHeader {
		return 0, nil, 0, finsTCPHeader, hasPrefix([]byte("FINS"), string(b[:min(len(b), 4)]))
	}
	size := int(be32(b[4:]))
	command = be32(b[8:])
	if !hasPrefix(b, "FINS") || size < 8 || size > maxFINS || command > 6 {
		return 0, nil, 0, 0, false
	}
	n = 8 + size
	if len(b) < n {
		return 0, nil, 0, n, true
	}
	return command, b[finsTCPHeader:n], n, n, true
}

func recogniseFINSTCP(m *message) (string, bool) {
	if len(m.data) < finsTCPHeader {
		return "", false
	}
	_, _, _, _, ok := nextFINS(m.data)
	return "FINS/TCP header", ok
}

func dissectFINSTCP(m *message, r *Result) (used, need int) {
	for used < len(m.data) {
		command, body, n, need, ok := nextFINS(m.data[used:])
		if !ok {
			r.Malformed = true
			return len(m.data), 0
		}
		if n == 0 {
			return used, need
		}
		used += n
		switch command {
		case 0:
			r.Sender = RoleClient
		case 1:
			r.Sender = RoleServer
		case 2:
			if f, ok := readFINS(body); ok {
				f.tell(r)
			} else {
				r.Malformed = true
			}
		}
	}
	return used, 0
}

func dissectFINSUDP(m *message, r *Result) (used, need int) {
	if f, ok := readFINS(m.data); ok {
		f.tell(r)
	} else {
		r.Malformed = true
	}
	return len(m.data), 0
}

func (f fins) tell(r *Result) {
	r.Sender = RoleClient
	if f.answer {
		r.Sender = RoleServer
	}
	c := finsCommands[f.command]
	// The high bit of the end code is set where a relay failed, bits 6 and 7 of
	// the low byte where the unit has an error of its own (W227 section 5-1-3).
	failed := f.answer && f.code&0x7f3f != 0
	ops := c.ops
	if f.command == 0x0620 && !f.answer && len(f.body) > 0 && f.body[0] == 0 {
		ops = Write // initialises the cycle time
	}
	r.function(Function{"fins", f.command, c.name, !f.answer, failed, ops})
	if !f.answer || failed {
		return
	}
	switch f.command {
	case 0x0501:
		if len(f.body) >= 92 && printable(f.body[:40]) { // model, version, for system use, area data
			r.identify(Identity{Vendor: "Omron", Model: meant(text(f.body[:20])), Firmware: meant(text(f.body[20:40]))})
			r.fact("fins-node", fmt.Sprintf("%d.%d.%d", f.node[0], f.node[1], f.node[2]))
			r.fact("fins-system", meant(text(f.body[40:80])))
		}
	case 0x0502: // units on the CPU bus: count, then unit address and model
		for b := f.body[min(len(f.body), 1):]; len(b) >= 21; b = b[21:] {
			if model := meant(text(b[1:21])); model != "" && printable(b[1:21]) {
				r.behind(Device{Address: "fins unit " + strconv.Itoa(int(b[0])), Identity: Identity{Vendor: "Omron", Model: model}})
			}
		}
	case 0x2603:
		if len(f.body) > 0 && printable(f.body) {
			r.identify(Identity{Name: meant(text(f.body))})
		}
	}
}

// printable: text that is padded with NUL or blank.
func printable(b []byte) bool {
	for _, c := range b {
		if c != 0 && (c < ' ' || c > '~') {
			return false
		}
	}
	return len(b) > 0 && b[0] > ' '
}

package ics

// UMAS is what Schneider Electric's engineering tools say in Modbus function 90: a
// session byte, then a code. It is not published; the codes follow public research
// and Wireshark's description. An answer repeats no code: 0xFE is success, 0xFD a
// refusal.

const modbusUMAS = 90

var umasCodes = map[byte]struct {
	name string
	ops  Operations
}{
	0x01: {"umas init communication", 0}, 0x02: {"umas read id", Identify}, 0x03: {"umas read project info", Read},
	0x04: {"umas read plc info", Read}, 0x06: {"umas read card info", Read}, 0x0a: {"umas repeat", Other},
	0x10: {"umas take reservation", Other}, 0x11: {"umas release reservation", Other}, 0x12: {"umas keep alive", 0},
	0x20: {"umas read memory block", Read}, 0x22: {"umas read variables", Read}, 0x23: {"umas write variables", Write},
	0x24: {"umas read coils and registers", Read}, 0x25: {"umas write coils and registers", Write},
	0x30: {"umas initialize program into device", Program}, 0x31: {"umas program block into device", Program},
	0x32: {"umas end program into device", Program}, 0x33: {"umas initialize program out of device", Upload},
	0x34: {"umas program block out of device", Upload}, 0x35: {"umas end program out of device", Upload},
	0x40: {"umas start", Start}, 0x41: {"umas stop", Stop}, 0x50: {"umas monitor", Read}, 0x58: {"umas check", Read},
	0x70: {"umas read io object", Read}, 0x71: {"umas write io object", Write}, 0x73: {"umas get module status", Read},
}

// umas names what function 90 carries; ok is false where it is not UMAS.
func (a adu) umas(role Role) (name string, ops Operations, ok bool) {
	if a.function != modbusUMAS || a.failed || len(a.body) < 2 {
		return "", 0, false
	}
	code := a.body[1]
	if code == 0xfe || code == 0xfd {
		return "umas answer", 0, role != RoleClient
	}
	f, known := umasCodes[code]
	return f.name, f.ops, known && role != RoleServer
}

package ics

import "strings"

// PCCC is the command set of Allen-Bradley's older controllers (SLC 500, PLC-5,
// MicroLogix), carried in CIP service 0x4B of class 0x67; after Rockwell publication
// 1770-6.5.16, chapters 7 and 8.

const cipPCCCClass = 0x67

// pcccFunctions are told by command and function code.
var pcccFunctions = map[uint16]struct {
	name string
	ops  Operations
}{
	0x0000: {"protected write", Write}, 0x0100: {"unprotected read", Read}, 0x0200: {"protected bit write", Write},
	0x0500: {"unprotected bit write", Write}, 0x0800: {"unprotected write", Write},
	0x0600: {"echo", Read}, 0x0601: {"read diagnostic counters", Read}, 0x0603: {"diagnostic status", Identify},
	0x0607: {"reset diagnostic counters", Write}, 0x0700: {"disable forces", Write}, 0x0701: {"disable outputs", Stop},
	0x0703: {"enable program", Start}, 0x0704: {"enable scan", Start}, 0x0706: {"enable outputs", Start},
	0x0f00: {"word range write", Write}, 0x0f01: {"word range read", Read}, 0x0f02: {"bit write", Write},
	0x0f11: {"get edit resource", Program}, 0x0f12: {"return edit resource", Program}, 0x0f17: {"read bytes physical", Upload},
	0x0f18: {"write bytes physical", Program}, 0x0f26: {"read-modify-write", Write}, 0x0f29: {"read section size", Read},
	0x0f3a: {"set processor mode", Other}, 0x0f41: {"disable forces", Write}, 0x0f50: {"download all request", Program},
	0x0f52: {"download completed", Program}, 0x0f53: {"upload all request", Upload}, 0x0f55: {"upload completed", Upload},
	0x0f57: {"initialize memory", Program}, 0x0f5e: {"modify plc-2 compatibility file", Write},
	0x0f67: {"typed write", Write}, 0x0f68: {"typed read", Read}, 0x0f79: {"read-modify-write n", Write},
	0x0f80: {"change mode", Other}, 0x0f81: {"open file", Program}, 0x0f82: {"close file", Program},
	0x0f88: {"execute multiple commands", Other}, 0x0f8f: {"apply port configuration", Write},
	0x0fa1: {"protected typed logical read, two fields", Read}, 0x0fa2: {"protected typed logical read, three fields", Read},
	0x0fa7: {"protected typed file read", Upload}, 0x0fa9: {"protected typed logical write, two fields", Write},
	0x0faa: {"protected typed logical write, three fields", Write}, 0x0fab: {"protected typed logical write with mask", Write},
	0x0faf: {"protected typed file write", Program},
}

// pcccBody takes the requestor's id off: its length counts itself.
func pcccBody(b []byte) []byte {
	if len(b) < 1 || b[0] < 1 || len(b) < int(b[0])+4 {
		return nil
	}
	return b[b[0]:]
}

// tellPCCC reads command, status, transaction, then of a request the function.
// Answers set bit 6 of the command and do not repeat the function: q has it from
// the request.
func (q *askedService) tellPCCC(b []byte, answer bool, c *Conversation, r *Result) {
	p := pcccBody(b)
	if p == nil {
		return
	}
	if !answer {
		q.attribute = uint16(p[0]) << 8
		if (p[0] == 6 || p[0] == 7 || p[0] == 0x0f) && len(p) > 4 {
			q.attribute |= uint16(p[4])
		}
	}
	f, known := pcccFunctions[q.attribute]
	if !known {
		f.name, f.ops = "pccc command", Other
	}
	if q.attribute == 0x0f80 && !answer && len(p) > 5 || q.attribute == 0x0f3a && !answer && len(p) > 5 {
		f.ops = pcccMode(p[5])
	}
	r.function(Function{"pccc", q.attribute, f.name, !answer, answer && p[1] != 0, f.ops})
	if answer && p[1] == 0 && q.attribute == 0x0603 && len(p) >= 20 && c.once(sum(p[4:20])) {
		r.identify(diagnosticStatus(p[4:]))
	}
}

// pcccMode: 0 and 1 are program modes, 2 and 6 run, the rest tests (section 7-5).
func pcccMode(mode byte) Operations {
	switch mode {
	case 0, 1:
		return Stop
	case 2, 6:
		return Start
	}
	return Other
}

// diagnosticStatus reads mode, three bytes of types, series and revision, and the
// catalogue number in eleven characters (section 10, SLC 500 and MicroLogix); other
// processors answer otherwise, and are left alone.
func diagnosticStatus(b []byte) Identity {
	if len(b) < 16 || b[1] != 0xee {
		return Identity{}
	}
	bulletin := strings.TrimSpace(string(b[5:16]))
	if bulletin == "" || !printable([]byte(bulletin)) {
		return Identity{}
	}
	return Identity{
		Vendor:   vendorName(1),
		Model:    bulletin,
		Firmware: "series " + string(rune('A'+b[4]>>5)) + " revision " + string(rune('A'+b[4]&0x1f)),
		Kind:     deviceTypes[0x0e],
	}
}

// sum is a number for some bytes (FNV-1a), to know them again.
func sum(b []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

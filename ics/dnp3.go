package ics

import "strconv"

// DNP3 after IEEE 1815-2012: clause 9 (data link), clause 8 (transport
// function), clause 4 (application layer), clause 11 and annex A (objects).

const (
	dnp3Header   = 10
	maxDNP3      = 4096 // bytes of an application fragment
	maxDNP3Heads = 64   // object headers of a fragment that are looked at
)

// dnp3Functions are the function codes of clause 4.2.2.5 (table 4-1).
var dnp3Functions = [256]struct {
	name string
	ops  Operations
}{
	0: {"confirm", 0}, 1: {"read", Read}, 2: {"write", Write}, 3: {"select", Write}, 4: {"operate", Write},
	5: {"direct operate", Write}, 6: {"direct operate no ack", Write}, 7: {"immediate freeze", Other},
	8: {"immediate freeze no ack", Other}, 9: {"freeze and clear", Write}, 10: {"freeze and clear no ack", Write},
	11: {"freeze at time", Other}, 12: {"freeze at time no ack", Other}, 13: {"cold restart", Start}, 14: {"warm restart", Start},
	15: {"initialize data", Write}, 16: {"initialize application", Start}, 17: {"start application", Start},
	18: {"stop application", Stop}, 19: {"save configuration", Program}, 20: {"enable unsolicited", Other},
	21: {"disable unsolicited", Other}, 22: {"assign class", Write}, 23: {"delay measurement", Read},
	24: {"record current time", SetTime}, 25: {"open file", Other}, 26: {"close file", Other}, 27: {"delete file", Program},
	28: {"get file info", Read}, 29: {"authenticate file", Other}, 30: {"abort file", Other},
	31: {"activate configuration", Program}, 32: {"authenticate request", Other}, 33: {"authenticate request no ack", Other},
	129: {"response", 0}, 130: {"unsolicited response", Read}, 131: {"authentication response", 0},
}

// link is one data link frame.
type link struct {
	control     byte
	to, from    uint16
	data        []byte // user data with the checksums of its blocks in it
	master      bool   // sent by the master
	userMessage bool   // carries user data
}

// nextLink splits the first frame off b: start, length, control, addresses,
// checksum, then blocks of 16 bytes with a checksum each.
func nextLink(b []byte) (l link, n, need int, ok bool) {
	if len(b) < dnp3Header {
		ok = len(b) == 0 || b[0] == 0x05 && (len(b) < 2 || b[1] == 0x64)
		return link{}, 0, dnp3Header, ok
	}
	if b[0] != 0x05 || b[1] != 0x64 || b[2] < 5 || dnp3CRC(b[:8]) != le16(b[8:]) {
		return link{}, 0, 0, false
	}
	user := int(b[2]) - 5
	n = dnp3Header + user + 2*((user+15)/16)
	if len(b) < n {
		return link{}, 0, n, true
	}
	l = link{control: b[3], to: le16(b[4:]), from: le16(b[6:]), data: b[dnp3Header:n], master: b[3]&0x80 != 0}
	l.userMessage = b[3]&0x40 != 0 && (b[3]&0x0f == 3 || b[3]&0x0f == 4)
	return l, n, n, true
}

func recogniseDNP3(m *message) (string, bool) {
	if len(m.data) < dnp3Header {
		return "", false
	}
	_, _, _, ok := nextLink(m.data)
	return "DNP3 link header with a right checksum", ok
}

// dnp3Table is the checksum of clause 9.2.4.3 by byte: polynomial 0x3D65, reflected.
var dnp3Table = func() (t [256]uint16) {
	for i := range t {
		crc := uint16(i)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xa6bc
			} else {
				crc >>= 1
			}
		}
		t[i] = crc
	}
	return t
}()

func dnp3CRC(b []byte) uint16 {
	var crc uint16
	for _, c := range b {
		crc = crc>>8 ^ dnp3Table[byte(crc)^c]
	}
	return ^crc
}

// dnp3State holds the unfinished application fragment of each direction.
type dnp3State struct {
	parts  [2][]byte
	next   [2]byte
	within [2]bool
}

func dissectDNP3(m *message, r *Result) (used, need int) {
	for used < len(m.data) {
		l, n, need, ok := nextLink(m.data[used:])
		if !ok {
			r.Malformed = true
			return len(m.data), 0
		}
		if n == 0 {
			return used, need
		}
		used += n
		l.tell(m, r)
	}
	return used, 0
}

func (l link) tell(m *message, r *Result) {
	if l.master {
		r.Sender = RoleClient
	} else {
		r.Sender = RoleServer
	}
	if !l.userMessage || len(l.data) < 4 {
		return
	}
	// Transport header: final, first, six bits of sequence (clause 8.2.1).
	head := l.data[0]
	first, final, sequence := head&0x40 != 0, head&0x80 != 0, head&0x3f
	if first && final && len(l.data) <= 18 { // one block: no need to copy
		if dnp3CRC(l.data[:len(l.data)-2]) != le16(l.data[len(l.data)-2:]) {
			r.Malformed = true
			return
		}
		l.application(l.data[1:len(l.data)-2], m, r)
		attributes(l.data[1:len(l.data)-2], r)
		return
	}
	st, _ := m.c.state.(*dnp3State)
	if st == nil {
		st = &dnp3State{}
		m.c.state = st
	}
	side := m.Sender & 1
	if first {
		st.parts[side], st.within[side] = st.parts[side][:0], true
	} else if !st.within[side] || sequence != st.next[side] {
		st.within[side] = false
		return
	}
	st.next[side] = (sequence + 1) & 0x3f
	whole, ok := appendBlocks(st.parts[side], l.data)
	st.parts[side] = whole
	if !ok || len(whole) > maxDNP3 {
		st.within[side], r.Malformed = false, true
		return
	}
	if first { // function and first object are here: told even where the rest is lost
		l.application(whole, m, r)
	}
	if final {
		st.within[side] = false
		attributes(whole, r)
	}
}

// appendBlocks adds the user data without the transport header and without the
// checksums; false where one is wrong.
func appendBlocks(to, b []byte) ([]byte, bool) {
	for skip := 1; len(b) >= 3; skip = 0 {
		n := min(len(b), 18)
		if dnp3CRC(b[:n-2]) != le16(b[n-2:]) {
			return to, false
		}
		to = append(to, b[skip:n-2]...)
		b = b[n:]
	}
	return to, true
}

// application reads control, function, in answers two bytes of indications,
// then object headers (clause 4.2.2).
func (l link) application(b []byte, m *message, r *Result) {
	if len(b) < 2 {
		return
	}
	code, objects := b[1], b[2:]
	request := code < 129
	if !request {
		if len(objects) < 2 {
			r.Malformed = true
			return
		}
		objects = objects[2:]
	}
	f := dnp3Functions[code]
	if f.name == "" {
		f.name, f.ops = "function "+strconv.Itoa(int(code)), Other
	}
	failed := !request && b[3]&0x07 != 0 // function, object or parameter refused
	f.ops = refineDNP3(code, objects, f.ops)
	if !request && len(objects) >= 3 && objects[0] == 0 {
		f.ops |= Identify
	}
	r.function(Function{"dnp3", uint16(code), f.name, request, failed, f.ops})
	if !request && m.c.once(uint32(l.from)) {
		r.fact("dnp3-address", strconv.Itoa(int(l.from)))
	}
}

// refineDNP3 looks at the first object: what is written or read.
func refineDNP3(code byte, objects []byte, ops Operations) Operations {
	if len(objects) < 3 {
		return ops
	}
	group, variation := objects[0], objects[1]
	switch {
	case code == 1 && group == 0:
		return Identify
	case code == 2 && group == 50:
		return SetTime
	case code == 2 && group == 70:
		return Program // a block of a file into the outstation
	case code == 1 && group == 70:
		return Upload
	case code == 25 && group == 70 && variation == 3 && len(objects) >= 6+22:
		// File command (annex A.42.3): qualifier 0x5B, count, size, then name
		// offset, name size, time, permissions, key, file size, mode.
		switch le16(objects[6+20:]) {
		case 1:
			return Upload
		case 2, 3:
			return Program
		}
	}
	return ops
}

// attributes reads the device attributes of group 0 (annex A.1) out of a whole
// answer: the variation says which, each with one byte of type and one of length.
func attributes(b []byte, r *Result) {
	if len(b) < 4 || b[1] < 129 {
		return
	}
	b = b[4:]
	for n := 0; n < maxDNP3Heads && len(b) >= 3 && b[0] == 0; n++ {
		variation := b[1]
		head := 3 + rangeSize(b[2])
		if len(b) < head+2 {
			return
		}
		kind, size := b[head], int(b[head+1])
		if len(b) < head+2+size {
			return
		}
		value := b[head+2 : head+2+size]
		b = b[head+2+size:]
		if kind == 1 { // visible string
			attribute(variation, text(value), r)
		}
	}
}

// rangeSize is the size of the range field by qualifier (clause 4.2.2.7.3).
func rangeSize(qualifier byte) int {
	switch qualifier & 0x0f {
	case 0, 3, 8: // start and stop of one byte, or a count of two
		return 2
	case 1, 4, 9:
		return 4
	case 2, 5:
		return 8
	case 7, 0x0b:
		return 1
	}
	return 0
}

func attribute(variation byte, value string, r *Result) {
	switch variation {
	case 252:
		r.identify(Identity{Vendor: value})
	case 250:
		r.identify(Identity{Product: value, Model: value})
	case 248:
		r.identify(Identity{Serial: value})
	case 242:
		r.identify(Identity{Firmware: value})
	case 247:
		r.identify(Identity{Name: value})
	case 243:
		r.fact("dnp3-hardware", value)
	case 245:
		r.fact("dnp3-location", value)
	case 246:
		r.fact("dnp3-id-code", value)
	}
}

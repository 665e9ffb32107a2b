package ics

import "strconv"

// Synchrophasors after IEEE C37.118.2-2011 clause 6.

const (
	phasorHeader  = 14
	phasorMinimum = 16
	maxStations   = 32
)

var phasorFrames = [8]struct {
	name string
	ops  Operations
}{{"data", Read}, {"header", Identify}, {"configuration 1", Identify}, {"configuration 2", Identify}, {"command", Other}, {"configuration 3", Identify}}

var phasorCommands = map[uint16]struct {
	name string
	ops  Operations
}{
	1: {"turn off transmission", Other}, 2: {"turn on transmission", Read}, 3: {"send header", Identify},
	4: {"send configuration 1", Identify}, 5: {"send configuration 2", Identify}, 6: {"send configuration 3", Identify},
	8: {"extended frame", Other},
}

// nextPhasor splits the first frame off b: sync, size, source id, time, fraction,
// then what the type carries and a checksum.
func nextPhasor(b []byte) (n, need int, ok bool) {
	if len(b) < phasorHeader {
		return 0, phasorHeader, len(b) == 0 || b[0] == 0xaa
	}
	kind, version := b[1]>>4, b[1]&0x0f
	n = int(be16(b[2:]))
	if b[0] != 0xaa || kind > 5 || version < 1 || version > 2 || n < phasorMinimum {
		return 0, 0, false
	}
	if len(b) < n {
		return 0, n, true
	}
	return n, n, phasorCRC(b[:n-2]) == be16(b[n-2:])
}

// phasorCRC: CRC-CCITT, polynomial 0x1021, begun with 0xFFFF (annex B).
func phasorCRC(b []byte) uint16 {
	crc := uint16(0xffff)
	for _, c := range b {
		t := crc>>8 ^ uint16(c)
		t ^= t >> 4
		crc = crc<<8 ^ t<<12 ^ t<<5 ^ t
	}
	return crc
}

func recognisePhasor(m *message) (string, bool) {
	n, _, ok := nextPhasor(m.data)
	return "synchrophasor frame with a right checksum", ok && n > 0
}

func dissectPhasor(m *message, r *Result) (used, need int) {
	for used < len(m.data) {
		n, need, ok := nextPhasor(m.data[used:])
		if !ok {
			r.Malformed = true
			return len(m.data), 0
		}
		if n == 0 {
			return used, need
		}
		tellPhasor(m.data[used:used+n], m, r)
		used += n
	}
	return used, 0
}

func tellPhasor(b []byte, m *message, r *Result) {
	kind := b[1] >> 4 & 7
	f := phasorFrames[kind]
	r.Sender = RoleServer
	code := uint16(kind)
	if kind == 4 {
		r.Sender = RoleClient
		command := be16(b[phasorHeader:])
		c, known := phasorCommands[command]
		if !known || len(b) < phasorMinimum+2 {
			c.name, c.ops = "command "+strconv.Itoa(int(command)), Other
		}
		f, code = c, 0x100|command
	}
	r.function(Function{"c37.118", code, f.name, kind == 4, false, f.ops})
	if r.Sender == RoleServer && m.c.once(uint32(be16(b[4:]))) {
		r.fact("c37.118-id", strconv.Itoa(int(be16(b[4:]))))
	}
	switch kind {
	case 1:
		r.fact("c37.118-header", text(b[phasorHeader:len(b)-2]))
	case 2, 3:
		stations(b[phasorHeader:len(b)-2], r)
	case 5:
		stations3(b[phasorHeader:len(b)-2], r)
	}
}

// stations reads configuration 1 and 2 (clause 6.4): time base, count, then of
// each unit its station of 16 characters, id, format, counts of phasors, analogs
// and digital words, their names of 16 characters, their units, frequency, count
// of changes.
func stations(b []byte, r *Result) {
	c := cursor{b: b}
	c.skip(4)
	count := min(c.u16(), maxStations)
	for i := 0; i < count && c.ok(26); i++ {
		name, id := text(c.take(16)), c.u16()
		c.skip(2)
		phasors, analogs, digitals := c.u16(), c.u16(), c.u16()
		size := 16*(phasors+analogs+16*digitals) + 4*(phasors+analogs+digitals) + 4
		r.station(count, name, id, "")
		if !c.ok(size) {
			return
		}
		c.skip(size)
	}
}

// stations3 reads the first unit of configuration 3 (clause 6.4.3): continuation,
// time base, count, then the name with its length, id, and a global id of 16 octets.
func stations3(b []byte, r *Result) {
	c := cursor{b: b}
	if c.u16() > 1 { // a later part of a frame in parts
		return
	}
	c.skip(4)
	count := c.u16()
	name := text(c.take(c.u8()))
	id := c.u16()
	serial := ""
	if g := c.take(16); len(g) == 16 && !zero(g) {
		serial = hexText(g)
	}
	r.station(count, name, id, serial)
}

// station is the sender itself where it is the only one; a concentrator speaks
// for several.
func (r *Result) station(count int, name string, id int, serial string) {
	if count == 1 {
		r.identify(Identity{Name: name, Serial: serial, Kind: "Phasor Measurement Unit"})
		return
	}
	r.behind(Device{Address: "c37.118 id " + strconv.Itoa(id), Identity: Identity{Name: name, Serial: serial, Kind: "Phasor Measurement Unit"}})
}

func hexText(b []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

package ics

import (
	"fmt"
	"strconv"
)

// EtherCAT after IEC 61158-4-12:2019 clause 5 (frames, datagrams, registers) and
// ETG.1000.6 clause 5 (mailbox: CoE, FoE), ETG.1000.5; Ethernet type 0x88A4.
//
// Devices have no address of their own on Ethernet: what is told of one is told
// as behind the sender, by its station address, or by the auto-increment address
// as it came back, which counts the devices passed.

const (
	maxEtherCAT   = 64     // datagrams of a frame
	ecatProcess   = 0x1000 // registers end here, memory begins
	ecatALControl = 0x0120
	ecatSII       = 0x0502
)

var ecatCommands = [...]struct {
	name  string
	read  bool
	write bool
}{
	{"nop", false, false}, {"auto increment read", true, false}, {"auto increment write", false, true},
	{"auto increment read write", true, true}, {"configured address read", true, false}, {"configured address write", false, true},
	{"configured address read write", true, true}, {"broadcast read", true, false}, {"broadcast write", false, true},
	{"broadcast read write", true, true}, {"logical read", true, false}, {"logical write", false, true},
	{"logical read write", true, true}, {"auto increment read multiple write", true, true}, {"configured read multiple write", true, true},
}

// datagram is one EtherCAT datagram.
type datagram struct {
	command  byte
	adp, ado uint16
	data     []byte
	counter  uint16 // working counter: how many devices took part
}

// etherCAT reads a frame: length and type of the protocol, then datagrams of
// command, index, address, length with the flag that more follow, interrupt, data
// and working counter.
func etherCAT(b []byte, r *Result) bool {
	if len(b) < 2 {
		return false
	}
	length, kind := int(le16(b)&0x7ff), b[1]>>4
	if kind == 4 || kind == 5 { // network variables, mailbox gateway
		r.Application, r.Why = "ethercat", "Ethernet type 0x88A4, network variables or mailbox"
		return length > 0
	}
	if kind != 1 || length < 12 || length > len(b)-2 {
		return false
	}
	b = b[2 : 2+length]
	for n := 0; n < maxEtherCAT; n++ {
		if len(b) < 12 || int(b[0]) >= len(ecatCommands) {
			r.Malformed = n > 0
			return n > 0
		}
		size := int(le16(b[6:]) & 0x7ff)
		if len(b) < 12+size {
			r.Malformed = n > 0
			return n > 0
		}
		r.Application, r.Why = "ethercat", "Ethernet type 0x88A4 and datagrams whose lengths add up"
		more := b[7]&0x80 != 0
		d := datagram{b[0], le16(b[2:]), le16(b[4:]), b[10 : 10+size], le16(b[10+size:])}
		d.tell(r)
		b = b[12+size:]
		if !more {
			return true
		}
	}
	return true
}

func (d datagram) tell(r *Result) {
	c := ecatCommands[d.command]
	name, ops := c.name, d.ops()
	if d.command >= 1 && d.command <= 9 || d.command >= 13 {
		switch {
		case c.write && d.ado == ecatALControl && len(d.data) >= 1:
			name, ops = d.state()
		case d.ado >= ecatProcess:
			if n, o := d.mailbox(r); n != "" {
				name, ops = n, o
			}
		}
	}
	r.function(Function{"ethercat", uint16(d.command), name, d.counter == 0, false, ops})
	if d.counter == 1 && c.read && d.command <= 6 {
		d.registers(r)
	}
}

// ops: logical addresses and distributed clocks are cyclic; registers and memory
// are read or written.
func (d datagram) ops() Operations {
	c := ecatCommands[d.command]
	switch {
	case d.command >= 10 || d.ado >= 0x0900 && d.ado < 0x0a00:
		return IO
	case d.ado == 0 && c.read && !c.write:
		return Identify
	case c.write:
		return Write
	case c.read:
		return Read
	}
	return 0
}

// state names a write of the control register (ETG.1000.6 clause 5.3).
func (d datagram) state() (string, Operations) {
	switch d.data[0] & 0x0f {
	case 1:
		return "request state init", Stop
	case 2:
		return "request state pre-operational", Stop
	case 3:
		return "request state bootstrap", Firmware
	case 4:
		return "request state safe-operational", Stop
	case 8:
		return "request state operational", Start
	}
	return "request state", Other
}

func (d datagram) address() string {
	if d.command <= 3 {
		return fmt.Sprintf("ethercat auto-increment 0x%04x", d.adp)
	}
	return fmt.Sprintf("ethercat station 0x%04x", d.adp)
}

// registers reads what the controller chip says (register 0 on: type, revision,
// build, counts, memory, ports, features), and the device's own memory where an
// answer holds address and data (vendor, product, revision, serial in words 8 to 15).
func (d datagram) registers(r *Result) {
	switch {
	case d.ado == 0 && len(d.data) >= 10:
		r.behind(Device{Address: d.address(), Facts: []Fact{
			{"ethercat-chip", fmt.Sprintf("type 0x%02x revision 0x%02x build 0x%04x", d.data[0], d.data[1], le16(d.data[2:]))},
			{"ethercat-chip-memory", fmt.Sprintf("fmmu 0x%02x sync-managers 0x%02x ram 0x%02x ports 0x%02x features 0x%04x",
				d.data[4], d.data[5], d.data[6], d.data[7], le16(d.data[8:]))},
		}})
	case d.ado == ecatSII && len(d.data) >= 10:
		word, v := le32(d.data[2:]), d.data[6:]
		dev := Device{Address: d.address()}
		for ; len(v) >= 4; word, v = word+2, v[4:] {
			dev.Identity.merge(ecatIdentity(word/2-3, le32(v)))
		}
		r.behind(dev)
	}
}

// ecatIdentity: 1 vendor, 2 product code, 3 revision, 4 serial number, as in
// object 0x1018 of CoE.
func ecatIdentity(part, value uint32) Identity {
	switch part {
	case 1:
		if value != 0 {
			return Identity{Vendor: ecatVendor(value)}
		}
	case 2:
		return Identity{Model: fmt.Sprintf("0x%08x", value)}
	case 3:
		return Identity{Firmware: fmt.Sprintf("revision 0x%08x", value)}
	case 4:
		if value != 0 {
			return Identity{Serial: strconv.FormatUint(uint64(value), 10)}
		}
	}
	return Identity{}
}

// mailbox reads a mailbox message in memory: length, address, channel, type and
// counter, then CoE or FoE. "" where it is none for sure: process data lies in
// memory as well.
func (d datagram) mailbox(r *Result) (string, Operations) {
	b := d.data
	if len(b) < 12 || b[5]&0x80 != 0 || int(le16(b)) < 6 || int(le16(b)) > len(b)-6 {
		return "", 0
	}
	kind, body := b[5]&0x0f, b[6:6+int(le16(b))]
	switch {
	case kind == 3 && le16(body)&0x0e00 == 0:
		return d.coe(body, r)
	case kind == 4 && body[1] == 0:
		return foe(body)
	}
	return "", 0
}

// coe reads SDO requests (2) and answers (3): command, index, subindex, value.
func (d datagram) coe(b []byte, r *Result) (string, Operations) {
	service := le16(b) >> 12
	if service != 2 && service != 3 || len(b) < 10 {
		return "", 0
	}
	command, index, sub := b[2], le16(b[3:]), b[5]
	identity := index == 0x1018 || index >= 0x1008 && index <= 0x100a
	if service == 2 {
		switch command >> 5 {
		case 1, 0:
			return "object write", Write
		case 2, 3:
			if identity {
				return "object read of identity", Identify
			}
			return "object read", Read
		case 4:
			return "object transfer aborted", 0
		}
		return "", 0
	}
	if command>>5 != 2 || !identity {
		return "object answer", 0
	}
	dev := Device{Address: d.address()}
	value := b[6:]
	if command&2 == 0 && len(value) >= 4 { // normal transfer: the size comes first
		value = value[4:][:min(len(value)-4, int(le32(value)))]
	} else if command&2 != 0 {
		value = value[:min(len(value), 4-int(command>>2&3))]
	}
	switch {
	case index == 0x1018 && len(value) >= 4:
		dev.Identity = ecatIdentity(uint32(sub), le32(value))
	case index == 0x1008:
		dev.Identity.Product = text(value)
	case index == 0x1009:
		if v := text(value); v != "" {
			dev.Facts = []Fact{{"ethercat-hardware", v}}
		}
	case index == 0x100a:
		dev.Identity.Firmware = text(value)
	}
	r.behind(dev)
	return "object answer with identity", Identify
}

// foe reads file access: 1 read, 2 write, 3 data, 4 acknowledge, 5 error.
func foe(b []byte) (string, Operations) {
	switch b[0] {
	case 1:
		return "file read", Upload
	case 2:
		return "file write", Firmware
	case 3:
		return "file data", 0
	}
	return "", 0
}

// ecatVendors are numbers of the register of the EtherCAT Technology Group.
var ecatVendors = map[uint32]string{2: "Beckhoff Automation", 0x83: "Omron"}

func ecatVendor(n uint32) string {
	if name, ok := ecatVendors[n]; ok {
		return name
	}
	return fmt.Sprintf("EtherCAT vendor 0x%08x", n)
}

package ics

import "fmt"

// EtherNet/IP after ODVA "The CIP Networks Library, volume 2" chapter 2
// (encapsulation, common packet format) and volume 1 chapters 3 and 5 (message
// router, identity and connection manager objects). Layouts are held to real
// captures by the tests.

const (
	enipPort      = 44818
	enipHeader    = 24
	itemIdentity  = 0x000c
	itemConnected = 0x00b1
	itemUnconn    = 0x00b2
	itemSeqAddr   = 0x8002
	maxItems      = 16
)

// enipCommands is by command; an empty name is none of them.
var enipCommands = [0x76]string{
	0x0000: "nop",
	0x0004: "list services",
	0x0063: "list identity",
	0x0064: "list interfaces",
	0x0065: "register session",
	0x0066: "unregister session",
	0x006f: "send rr data",
	0x0070: "send unit data",
	0x0072: "indicate status",
	0x0075: "cancel",
}

// commandName is "" where there is no such command.
func commandName(n uint16) string {
	if int(n) < len(enipCommands) {
		return enipCommands[n]
	}
	return ""
}

// frame is one encapsulation message.
type frame struct {
	command uint16
	session uint32
	status  uint32
	sender  [8]byte // sender context
	data    []byte
}

func nextFrame(b []byte) (f frame, n, need int, ok bool) {
	if len(b) < enipHeader {
		known := len(b) < 2
		if !known {
			known = commandName(le16(b)) != ""
		}
		return frame{}, 0, enipHeader, known && len(b) > 0
	}
	f = frame{command: le16(b), session: le32(b[4:]), status: le32(b[8:]), sender: [8]byte(b[12:20])}
	if commandName(f.command) == "" || le32(b[20:]) != 0 || !enipStatus(f.status) {
		return frame{}, 0, 0, false
	}
	n = enipHeader + int(le16(b[2:]))
	if len(b) < n {
		return frame{}, 0, n, true
	}
	f.data = b[enipHeader:n]
	return f, n, n, true
}

// enipStatus: volume 2 table 2-3.3.
func enipStatus(s uint32) bool {
	return s <= 3 || s == 0x64 || s == 0x65 || s == 0x69
}

// sane checks that the data is what the command carries.
func (f frame) sane() bool {
	n := len(f.data)
	var room itemBuffer
	switch f.command {
	case 0x0065:
		return n == 4 && le16(f.data) == 1
	case 0x0066:
		return n == 0
	case 0x006f, 0x0070:
		_, ok := items(f.data, 6, &room)
		return ok || n == 0 && f.status != 0
	case 0x0004, 0x0063, 0x0064:
		if n == 0 {
			return f.session == 0 || f.command != 0x0063
		}
		_, ok := items(f.data, 0, &room)
		return ok
	}
	return false // too little content to tell it from chance
}

type item struct {
	kind uint16
	data []byte
}

// itemBuffer holds the items of one frame, on the stack of who reads it.
type itemBuffer [maxItems]item

// items reads the common packet format that starts at offset skip into room.
func items(b []byte, skip int, room *itemBuffer) ([]item, bool) {
	if len(b) < skip+2 {
		return nil, false
	}
	count := int(le16(b[skip:]))
	if count > maxItems {
		return nil, false
	}
	b = b[skip+2:]
	out := room[:count]
	for i := range out {
		if len(b) < 4 {
			return nil, false
		}
		n := int(le16(b[2:]))
		if len(b) < 4+n {
			return nil, false
		}
		out[i] = item{le16(b), b[4 : 4+n]}
		b = b[4+n:]
	}
	return out, len(b) == 0
}

func recogniseENIP(m *message) (string, bool) {
	if m.Transport == UDP && cyclicIO(m.data) {
		return "common packet format with a sequenced address and connected data", true
	}
	f, n, _, ok := nextFrame(m.data)
	if !ok || n == 0 || !f.sane() {
		return "", false
	}
	if m.Transport == UDP && n != len(m.data) {
		return "", false
	}
	return "EtherNet/IP encapsulation header, command " + commandName(f.command), true
}

// cyclicIO recognises class 0 and 1 data on UDP: one sequenced address item and
// one connected data item that fill the datagram.
func cyclicIO(b []byte) bool {
	if len(b) < 18 || le16(b) != 2 || le16(b[2:]) != itemSeqAddr || le16(b[4:]) != 8 || le16(b[14:]) != itemConnected {
		return false
	}
	return int(le16(b[16:])) == len(b)-18
}

func dissectENIP(m *message, r *Result) (used, need int) {
	if m.Transport == UDP && cyclicIO(m.data) {
		r.function(Function{Protocol: "enip", Code: itemConnected, Name: "cyclic data", Operations: IO})
		return len(m.data), 0
	}
	for used < len(m.data) {
		f, n, need, ok := nextFrame(m.data[used:])
		if !ok {
			r.Malformed = true
			return len(m.data), 0
		}
		if n == 0 {
			return used, need
		}
		used += n
		f.tell(m, r)
	}
	return used, 0
}

func (f frame) tell(m *message, r *Result) {
	var room itemBuffer
	role := f.role(m)
	if r.Sender == RoleUnknown {
		r.Sender = role
	}
	ops := Operations(0)
	if f.command == 0x0063 || f.command == 0x0004 || f.command == 0x0064 {
		ops = Identify
	}
	r.function(Function{"enip", f.command, commandName(f.command), role == RoleClient, f.status != 0, ops})
	switch f.command {
	case 0x0063:
		list, _ := items(f.data, 0, &room)
		for _, it := range list {
			if it.kind == itemIdentity {
				r.identify(listIdentity(it.data))
			}
		}
	case 0x006f, 0x0070:
		list, _ := items(f.data, 6, &room)
		for _, it := range list {
			f.tellItem(it, m, r)
		}
	}
}

func (f frame) tellItem(it item, m *message, r *Result) {
	switch it.kind {
	case itemUnconn:
		m.c.tellCIP(it.data, askedKey{context: f.sender}, r)
	case itemConnected:
		if len(it.data) < 2 {
			return
		}
		// Answers come on another connection id; the sequence count pairs them.
		m.c.tellCIP(it.data[2:], askedKey{sequence: le16(it.data), connected: true}, r)
	}
}

// role: data in an answer that a request doesn't have, else by port.
func (f frame) role(m *message) Role {
	var room itemBuffer
	switch f.command {
	case 0x0063, 0x0004, 0x0064:
		if len(f.data) == 0 && f.status == 0 {
			return RoleClient
		}
		return RoleServer
	case 0x0065:
		if f.session == 0 {
			return RoleClient
		}
		return RoleServer
	case 0x0066:
		return m.role(enipPort)
	case 0x006f, 0x0070:
		if list, ok := items(f.data, 6, &room); ok {
			for _, it := range list {
				if role := cipRole(it); role != RoleUnknown {
					return role
				}
			}
		}
	}
	return m.role(enipPort)
}

// cipRole: the high bit of the service marks an answer.
func cipRole(it item) Role {
	b := it.data
	if it.kind == itemConnected && len(b) > 2 {
		b = b[2:]
	} else if it.kind != itemUnconn || len(b) == 0 {
		return RoleUnknown
	}
	if b[0]&0x80 != 0 {
		return RoleServer
	}
	return RoleClient
}

// listIdentity reads the identity item (volume 2 table 2-4.4): protocol
// version, socket address (16), then the identity object, then the state.
func listIdentity(b []byte) Identity {
	if len(b) < 18 {
		return Identity{}
	}
	return identityObject(b[18:])
}

// identityObject reads attributes 1 to 7 of class 1 (volume 1 section 5-2):
// vendor, device type, product code, revision, status, serial, short string.
func identityObject(b []byte) Identity {
	if len(b) < 15 {
		return Identity{}
	}
	vendor := le16(b)
	id := Identity{
		Vendor:   vendorName(vendor),
		Firmware: revision(b[6], b[7]),
		Serial:   serialText(le32(b[10:])),
		Kind:     deviceTypes[le16(b[2:])],
	}
	if n := int(b[14]); len(b) >= 15+n {
		id.Product = text(b[15 : 15+n])
	}
	return id
}

func revision(major, minor byte) string { return fmt.Sprintf("%d.%d", major, minor) }

func serialText(n uint32) string { return fmt.Sprintf("0x%08x", n) }

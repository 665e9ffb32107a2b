package ics

import (
	"fmt"
	"strconv"
)

// BACnet/IP after ANSI/ASHRAE 135-2020: annex J (virtual link), clause 6
// (network layer), clauses 20 and 21 (application layer and its encoding).

const (
	bacnetPort     = 47808
	bacnetDevice   = 8 // object type, clause 21.6
	maxBACnetTags  = 1024
	maxBACnetParts = 16 << 10
	unconfirmed    = 0x100 // added to the service number in Function.Code
	networkMessage = 0x200
	virtualLink    = 0x300
)

// bacnetService is a row of the tables of services (clause 21.2, 21.5). That who-am-i
// is 13 and you-are 14 was taken from open stacks that name addendum 135-2016bz; their
// clause in the standard was not looked up.
type bacnetService struct {
	name string
	ops  Operations
}

var bacnetConfirmed = [...]bacnetService{
	{"acknowledge-alarm", Write}, {"confirmed-cov-notification", Read}, {"confirmed-event-notification", Read},
	{"get-alarm-summary", Read}, {"get-enrollment-summary", Read}, {"subscribe-cov", Read},
	{"atomic-read-file", Upload}, {"atomic-write-file", Program}, {"add-list-element", Write},
	{"remove-list-element", Write}, {"create-object", Program}, {"delete-object", Program},
	{"read-property", Read}, {"read-property-conditional", Read}, {"read-property-multiple", Read},
	{"write-property", Write}, {"write-property-multiple", Write}, {"device-communication-control", Other},
	{"confirmed-private-transfer", Other}, {"confirmed-text-message", Other}, {"reinitialize-device", Other},
	{"vt-open", Other}, {"vt-close", Other}, {"vt-data", Other}, {"authenticate", Other}, {"request-key", Other},
	{"read-range", Read}, {"life-safety-operation", Write}, {"subscribe-cov-property", Read},
	{"get-event-information", Read}, {"subscribe-cov-property-multiple", Read},
	{"confirmed-cov-notification-multiple", Read}, {"confirmed-audit-notification", Read}, {"audit-log-query", Read},
}

var bacnetUnconfirmed = [...]bacnetService{
	{"i-am", Identify}, {"i-have", Identify}, {"unconfirmed-cov-notification", Read},
	{"unconfirmed-event-notification", Read}, {"unconfirmed-private-transfer", Other},
	{"unconfirmed-text-message", Other}, {"time-synchronization", SetTime}, {"who-has", Identify},
	{"who-is", Identify}, {"utc-time-synchronization", SetTime}, {"write-group", Write},
	{"unconfirmed-cov-notification-multiple", Read}, {"unconfirmed-audit-notification", Read},
	{"who-am-i", Identify}, {"you-are", Write},
}

func serviceIn(table []bacnetService, n byte) bacnetService {
	if int(n) < len(table) {
		return table[n]
	}
	return bacnetService{"service " + strconv.Itoa(int(n)), Other}
}

// bacnetLink are the functions of the virtual link (annex J.2) with the length
// of the message: exact where positive, 4 and tens where -10.
var bacnetLink = [...]struct {
	name   string
	ops    Operations
	length int
}{
	{"bvlc-result", 0, 6}, {"write-broadcast-distribution-table", Write, -10}, {"read-broadcast-distribution-table", Read, 4},
	{"read-broadcast-distribution-table-ack", Read, -10}, {"forwarded-npdu", 0, 0}, {"register-foreign-device", Other, 6},
	{"read-foreign-device-table", Read, 4}, {"read-foreign-device-table-ack", Read, -10},
	{"delete-foreign-device-table-entry", Write, 10}, {"distribute-broadcast-to-network", 0, 0},
	{"original-unicast-npdu", 0, 0}, {"original-broadcast-npdu", 0, 0},
}

// npdu is one network layer message.
type npdu struct {
	forwarded string // address of the origin where a broadcast device forwards
	net       int    // of the origin where a router forwards
	station   []byte // of the origin there; nil: no router forwards
	message   int    // network layer message type, -1: an application message
	inexact   bool   // the virtual link tells a wrong length
	apdu      []byte
}

// readNPDU reads from the virtual link header on. ok is false where it is not BACnet.
func readNPDU(b []byte, missing int) (n npdu, ok bool) {
	if len(b) < 4 || b[0] != 0x81 || int(b[1]) >= len(bacnetLink) {
		return npdu{}, false
	}
	n.message, n.inexact = -1, int(be16(b[2:])) != len(b)+missing
	link, rest := b[1], b[4:]
	switch want := bacnetLink[link].length; {
	case want > 0:
		return n, len(b)+missing == want
	case want < 0:
		return n, (len(b)+missing-4)%10 == 0
	}
	if link == 0x04 {
		if len(rest) < 6 {
			return npdu{}, false
		}
		n.forwarded = ipText(rest) + ":" + strconv.Itoa(int(be16(rest[4:])))
		rest = rest[6:]
	}
	return n, n.network(rest)
}

// network reads version, control and addresses (clause 6.2).
func (n *npdu) network(b []byte) bool {
	if len(b) < 2 || b[0] != 1 || b[1]&0x50 != 0 {
		return false
	}
	control := b[1]
	c := cursor{b: b[2:]}
	if control&0x20 != 0 { // destination
		if !c.ok(3) {
			return false
		}
		c.skip(2)
		c.skip(c.u8())
	}
	if control&0x08 != 0 { // source
		if !c.ok(4) {
			return false
		}
		network := c.u16()
		station := c.take(c.u8())
		if network == 0 || network == 0xffff || len(station) == 0 {
			return false
		}
		n.net, n.station = network, station
	}
	if control&0x20 != 0 {
		c.skip(1) // hop count
	}
	if control&0x80 != 0 {
		if !c.ok(1) {
			return false
		}
		n.message = c.u8()
		return true
	}
	n.apdu = c.b
	return len(c.b) >= 2 && c.b[0]>>4 <= 7
}

func recogniseBACnet(m *message) (string, bool) {
	n, ok := readNPDU(m.data, m.Missing)
	if !ok {
		return "", false
	}
	if n.message < 0 && len(n.apdu) == 0 { // little content: the port must say so too
		ok = m.Source == bacnetPort || m.Destination == bacnetPort
		return "BACnet virtual link message, on port 47808", ok
	}
	if n.inexact {
		own := m.Source == bacnetPort && m.Destination == bacnetPort
		return "BACnet network message of version 1 whose service and tags add up, on port 47808, in a virtual link header with a wrong length",
			own && n.message < 0 && plausibleAPDU(n.apdu) && wholeTags(n.apdu)
	}
	return "BACnet virtual link header with exact length and a network message of version 1", n.message >= 0 || plausibleAPDU(n.apdu)
}

// plausibleAPDU checks the service number, where the type has one.
func plausibleAPDU(b []byte) bool {
	a, ok := readAPDU(b)
	switch {
	case !ok:
		return false
	case a.kind == 1:
		return int(a.service) < len(bacnetUnconfirmed)
	case a.kind == 0 || a.kind == 2 || a.kind == 3 || a.kind == 5:
		return int(a.service) < len(bacnetConfirmed)
	}
	return true
}

// wholeTags: there are tagged values, and they fill the message exactly.
func wholeTags(b []byte) bool {
	a, ok := readAPDU(b)
	t := tags{b: a.body}
	depth := 0
	for t.next() {
		switch {
		case t.opening:
			depth++
		case t.closing:
			depth--
		}
	}
	return ok && t.count > 0 && !t.broken && len(t.b) == 0 && depth == 0
}

// apdu is one application message (clause 20.1).
type apdu struct {
	kind      byte // 0 confirmed request … 7 abort
	segmented bool
	more      bool
	invoke    byte
	sequence  byte
	service   byte
	body      []byte
}

func readAPDU(b []byte) (a apdu, ok bool) {
	c := cursor{b: b}
	if !c.ok(2) {
		return apdu{}, false
	}
	head := c.u8()
	a.kind = byte(head >> 4)
	a.segmented, a.more = head&0x08 != 0, head&0x04 != 0
	switch a.kind {
	case 0:
		c.skip(1)
		a.invoke = byte(c.u8())
	case 1:
		a.segmented = false
		a.service, a.body = byte(c.u8()), c.b
		return a, true
	case 2, 3, 4, 5, 6, 7:
		a.invoke = byte(c.u8())
	default:
		return apdu{}, false
	}
	if a.kind != 0 && a.kind != 3 {
		a.segmented = false
	}
	if a.segmented {
		a.sequence = byte(c.u8())
		c.skip(1)
	}
	if !c.ok(1) {
		return apdu{}, false
	}
	a.service, a.body = byte(c.u8()), c.b
	return a, true
}

// bacnetState puts a segmented answer together, one at a time.
type bacnetState struct {
	invoke, next byte
	service      byte
	parts        []byte
}

func dissectBACnet(m *message, r *Result) (used, need int) {
	used = len(m.data)
	n, ok := readNPDU(m.data, m.Missing)
	if !ok {
		r.Malformed = true
		return used, 0
	}
	r.Malformed = n.inexact
	switch link := m.data[1]; {
	case n.message >= 0:
		ops, name := Operations(0), "network message "+strconv.Itoa(n.message)
		if n.message < len(bacnetNetwork) {
			name, ops = bacnetNetwork[n.message].name, bacnetNetwork[n.message].ops
		}
		r.function(Function{"bacnet", networkMessage | uint16(n.message), name, false, false, ops})
	case n.apdu == nil:
		f := bacnetLink[link]
		r.function(Function{"bacnet", virtualLink | uint16(link), f.name, link == 1 || link == 2 || link == 5 || link == 6 || link == 8, false, f.ops})
	default:
		a, ok := readAPDU(n.apdu)
		if !ok {
			r.Malformed = true
			return used, 0
		}
		a.tell(&n, m, r)
	}
	return used, 0
}

// bacnetNetwork are the network layer messages (clause 6.2.4).
var bacnetNetwork = [...]bacnetService{
	{"who-is-router-to-network", Identify}, {"i-am-router-to-network", Identify}, {"i-could-be-router-to-network", Identify},
	{"reject-message-to-network", 0}, {"router-busy-to-network", 0}, {"router-available-to-network", 0},
	{"initialize-routing-table", Write}, {"initialize-routing-table-ack", 0}, {"establish-connection-to-network", Other},
	{"disconnect-connection-to-network", Other},
}

// notifies are the confirmed services that the device itself asks for.
func notifies(service byte) bool {
	return service == 1 || service == 2 || service == 31 || service == 32
}

func (a *apdu) tell(n *npdu, m *message, r *Result) {
	switch a.kind {
	case 0:
		r.Sender = RoleClient
	case 2, 3, 5:
		r.Sender = RoleServer
	}
	if notifies(a.service) && (a.kind == 0 || a.kind == 2 || a.kind == 5) {
		r.Sender = RoleClient + RoleServer - r.Sender
	}
	switch a.kind {
	case 4:
		return // acknowledges a segment
	case 6, 7:
		name := map[byte]string{6: "reject", 7: "abort"}[a.kind]
		r.function(Function{"bacnet", virtualLink | 0x80 | uint16(a.kind), name, false, true, 0})
		return
	case 1:
		a.tellUnconfirmed(n, r)
		return
	}
	f := serviceIn(bacnetConfirmed[:], a.service)
	if a.kind == 0 && (!a.segmented || a.sequence == 0) {
		f = a.control(f)
	}
	if a.kind == 3 {
		whole, body := m.c.segment(*a)
		a.body = body
		if !whole {
			return
		}
		a.answer(n, &f, r)
	}
	if a.kind == 0 && a.asksIdentity() {
		f.ops = Identify
	}
	if a.kind == 0 && a.segmented && a.sequence > 0 {
		return // told with the first part
	}
	r.function(Function{"bacnet", uint16(a.service), f.name, a.kind == 0, a.kind == 5, f.ops})
}

// control refines the two services that silence or restart a device (clauses
// 16.1 and 16.4), and backups.
func (a *apdu) control(f bacnetService) bacnetService {
	if a.service != 17 && a.service != 20 {
		return f
	}
	for t := (tags{b: a.body}); t.next(); {
		if !t.context {
			break
		}
		v := t.unsigned()
		switch {
		case a.service == 17 && t.number == 1:
			if v == 0 {
				return bacnetService{f.name + " enable", Start}
			}
			return bacnetService{f.name + " disable", Stop}
		case a.service == 20 && t.number == 0 && v < uint32(len(reinitialize)):
			return bacnetService{f.name + " " + reinitialize[v].name, reinitialize[v].ops}
		}
	}
	return f
}

var reinitialize = [...]bacnetService{
	{"coldstart", Start}, {"warmstart", Start}, {"start-backup", Upload}, {"end-backup", Other},
	{"start-restore", Program}, {"end-restore", Program}, {"abort-restore", Other}, {"activate-changes", Program},
}

// segment adds a part of an answer; whole is true with the last.
func (c *Conversation) segment(a apdu) (whole bool, body []byte) {
	if !a.segmented {
		return true, a.body
	}
	st, _ := c.state.(*bacnetState)
	if a.sequence == 0 {
		st = &bacnetState{invoke: a.invoke, service: a.service}
		c.state = st
	}
	if st == nil || st.invoke != a.invoke || st.service != a.service || st.next != a.sequence || len(st.parts)+len(a.body) > maxBACnetParts {
		return false, nil
	}
	st.next++
	st.parts = append(st.parts, a.body...)
	if a.more {
		return false, nil
	}
	c.state = nil
	return true, st.parts
}

// asksDevice are the unconfirmed services that a client sends to devices: setting
// the clock, who-has, who-is, write-group, and you-are, by which a supervisor gives
// a device its identity (addendum 135-2016bz). The others a device tells of itself.
func asksDevice(service byte) bool {
	return service >= 6 && service <= 10 || service == 14
}

func (a *apdu) tellUnconfirmed(n *npdu, r *Result) {
	f := serviceIn(bacnetUnconfirmed[:], a.service)
	r.function(Function{"bacnet", unconfirmed | uint16(a.service), f.name, asksDevice(a.service), false, f.ops})
	if a.service != 0 {
		return
	}
	// I-Am (clause 16.10.2): device, longest message, segmentation, vendor.
	t := tags{b: a.body}
	if !t.next() || t.context || t.number != 12 || len(t.value) != 4 {
		return
	}
	d := Device{Facts: []Fact{{"bacnet-device", strconv.Itoa(int(t.unsigned() & 0x3fffff))}}}
	for i := 0; t.next(); i++ {
		if i == 2 && !t.context && t.number == 2 {
			d.Facts = append(d.Facts, Fact{"bacnet-vendor-id", strconv.Itoa(int(t.unsigned()))})
			d.Identity.Vendor = bacnetVendor(t.unsigned())
		}
	}
	n.give(d, r)
}

// give tells of the sender, or of the device that it forwards for.
func (n *npdu) give(d Device, r *Result) {
	switch {
	case n.station != nil:
		d.Address = fmt.Sprintf("bacnet network %d station %x", n.net, n.station)
		r.behind(d)
	case n.forwarded != "":
		d.Address = n.forwarded
		r.behind(d)
	default:
		r.identify(d.Identity)
		for _, f := range d.Facts {
			r.fact(f.Name, f.Value)
		}
	}
}

// Package ics holds passive dissectors of industrial protocols, and recognises
// the other protocols that are met beside them: it looks at the payloads of one
// conversation and tells which protocol it is, who asks and who serves, which
// operations were asked for, and what a device says of itself. It exists because
// nothing else answers "who is this device, and what was asked of it" from
// traffic alone. It is a library: anyone may import it, it imports nothing of
// this repository, and it never sends a packet.
//
// Content decides, never the port. A port number at most lowers how much content
// is asked for; where content contradicts it, the port says nothing.
//
// The protocols, what is read of each and where it is blind are listed in
// docs/manual/dissectors.md. Conversation follows the payloads of TCP and UDP;
// InspectLink reads what devices tell directly on Ethernet.
package ics

import "strings"

// Transport carries the payload.
type Transport uint8

// Transports.
const (
	TCP Transport = iota + 1
	UDP
)

// Side tells which of the two ends of a conversation sent a segment. Which end
// is which is the caller's choice; it must stay the same for a Conversation.
type Side uint8

// Sides.
const (
	First  Side = iota // the end that the caller calls the first
	Second             // the other
)

// Segment is the payload of one packet of a conversation.
type Segment struct {
	Transport   Transport
	Source      uint16 // port of the sender
	Destination uint16 // port of the receiver
	Sender      Side
	Seq         uint32 // TCP: sequence number of the first byte
	Payload     []byte // read, never kept or changed
	Missing     int    // bytes of the payload that the capture cut off at the end, 0 where whole
}

// Role is what the sender of a segment is in the conversation.
type Role uint8

// Roles.
const (
	RoleUnknown Role = iota
	RoleClient       // it asks
	RoleServer       // it answers
)

// Operations is a set of what was asked of a device.
type Operations uint16

// Operations. Other is a function that is known to exist but not to read or to
// write; who judges access must not take it for a read.
const (
	Read     Operations = 1 << iota // values or state of the process
	Write                           // values or parameters
	Identify                        // who are you
	Upload                          // program out of the device
	Program                         // program into the device, or changed there
	Start                           // run, warm or cold restart
	Stop                            // halt, listen only
	SetTime                         // clock
	IO                              // cyclic process data, outputs and inputs
	Other                           // neither of these for sure
	Firmware                        // firmware into the device
)

var operationNames = [...]string{"read", "write", "identify", "upload", "program", "start", "stop", "set-time", "io", "other", "firmware"}

// Has reports whether all of want are in the set.
func (o Operations) Has(want Operations) bool { return o&want == want }

// Each lists the operations of the set one by one, in the order of the constants.
func Each(o Operations) []Operations {
	var out []Operations
	for ; o != 0; o &= o - 1 {
		out = append(out, o&-o)
	}
	return out
}

// Names lists the set in alphabetical order.
func (o Operations) Names() []string {
	var out []string
	for _, i := range alphabetical {
		if o&(1<<i) != 0 {
			out = append(out, operationNames[i])
		}
	}
	return out
}

// alphabetical is the order of operationNames by name.
var alphabetical = [...]int{10, 2, 8, 9, 4, 0, 7, 5, 6, 3, 1}

// String joins the names with a comma.
func (o Operations) String() string { return strings.Join(o.Names(), ",") }

// Identity is what a device says of itself. Empty fields were not said.
type Identity struct {
	Vendor   string
	Product  string
	Model    string // order or catalogue number
	Firmware string // revision as the protocol writes it
	Serial   string
	Name     string // given by people: station, system, host
	Kind     string // device profile, such as "Programmable Logic Controller"
}

// IsZero reports whether nothing was said.
func (i Identity) IsZero() bool { return i == Identity{} }

// Function is one protocol function in a segment.
type Function struct {
	Protocol   string // "modbus", "s7comm", "enip", "cip", "dnp3"…
	Code       uint16 // as in the protocol's own tables
	Name       string
	Request    bool // asked, rather than answered
	Failed     bool // an answer that refuses
	Operations Operations
}

// Fact is one more thing that the sender says of itself, which has no field in
// Identity. Names are listed per protocol in docs/manual/dissectors.md, such as
// "bacnet-device", "opcua-application-uri", "tls-ja4".
type Fact struct {
	Name, Value string
}

// Device is one that the sender speaks for: behind a router, a gateway or a
// fieldbus, so that the sender's own address is not the device's.
type Device struct {
	Address  string // as the protocol writes it, such as "bacnet network 2001 station 1c"
	Identity Identity
	Facts    []Fact
}

// maxBehind bounds what one segment may tell of other devices.
const maxBehind = 64

// maxFacts bounds what one segment may tell of its sender.
const maxFacts = 32

// maxFunctions bounds what one segment may tell; a larger count is cut there.
const maxFunctions = 128

// Result is what one segment told. It is reset by each Inspect.
type Result struct {
	Application string     // protocol of the conversation as known so far; "" while unknown
	Why         string     // the content that gave the name
	Sender      Role       // what the sender of this segment is
	Operations  Operations // asked for or answered in this segment
	Identity    Identity   // of the sender of this segment
	ServerName  string     // what a client calls the server: TLS server name, RDP or HTTP host
	Functions   []Function // in the order of the segment, at most 128
	Facts       []Fact     // further things that the sender says of itself, at most 32
	Behind      []Device   // devices that the sender speaks for, at most 64
	Duplicate   bool       // TCP bytes that were seen before
	Malformed   bool       // bytes that the protocol of the conversation does not allow
}

// reset empties r and keeps its storage.
func (r *Result) reset() {
	*r = Result{Functions: r.Functions[:0], Facts: r.Facts[:0], Behind: r.Behind[:0]}
}

func (r *Result) function(f Function) {
	r.Operations |= f.Operations
	if len(r.Functions) < maxFunctions {
		r.Functions = append(r.Functions, f)
	}
}

// fact notes a further thing; empty values say nothing.
func (r *Result) fact(name, value string) {
	if value != "" && len(r.Facts) < maxFacts {
		r.Facts = append(r.Facts, Fact{name, value})
	}
}

// behind notes what was told of a device that is not the sender.
func (r *Result) behind(d Device) {
	if len(r.Behind) < maxBehind && (!d.Identity.IsZero() || len(d.Facts) > 0) {
		r.Behind = append(r.Behind, d)
	}
}

// identify merges what a device said, without emptying what it said before.
func (r *Result) identify(i Identity) {
	r.Identity.merge(i)
}

func (i *Identity) merge(said Identity) {
	take(&i.Vendor, said.Vendor)
	take(&i.Product, said.Product)
	take(&i.Model, said.Model)
	take(&i.Firmware, said.Firmware)
	take(&i.Serial, said.Serial)
	take(&i.Name, said.Name)
	take(&i.Kind, said.Kind)
}

func take(to *string, from string) {
	if from != "" {
		*to = from
	}
}

// Inspect looks at one segment by itself. Use a Conversation to follow more.
func Inspect(s Segment, r *Result) {
	var c Conversation
	c.Inspect(s, r)
}

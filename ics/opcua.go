package ics

import "strings"

// OPC UA binary after OPC 10000-6: clause 6.7 (secure conversation), 7.1
// (connection protocol), 5.2 (encoding); services of OPC 10000-4, node numbers of
// the NodeIds file of OPC 10000-6 annex A.

const (
	opcuaHeader     = 8
	opcuaPrefix     = 6 << 10  // of a message that is too long, this much is read
	maxOPCUAParts   = 16 << 10 // of a message in chunks, this much is read
	maxOPCUAReads   = 16
	maxOPCUANodes   = 64
	maxOPCUAStrings = 64
	opcuaFault      = 397
)

// opcuaServices are the requests by the number of their binary encoding.
var opcuaServices = map[uint32]struct {
	name string
	ops  Operations
}{
	422: {"FindServers", Identify}, 428: {"GetEndpoints", Identify}, 437: {"RegisterServer", Other},
	446: {"OpenSecureChannel", 0}, 452: {"CloseSecureChannel", 0}, 461: {"CreateSession", 0}, 467: {"ActivateSession", 0},
	473: {"CloseSession", 0}, 479: {"Cancel", 0}, 488: {"AddNodes", Program}, 494: {"AddReferences", Program},
	500: {"DeleteNodes", Program}, 506: {"DeleteReferences", Program}, 527: {"Browse", Read}, 533: {"BrowseNext", Read},
	554: {"TranslateBrowsePathsToNodeIds", Read}, 560: {"RegisterNodes", Read}, 566: {"UnregisterNodes", Read},
	615: {"QueryFirst", Read}, 621: {"QueryNext", Read}, 631: {"Read", Read}, 664: {"HistoryRead", Read},
	673: {"Write", Write}, 700: {"HistoryUpdate", Write}, 712: {"Call", Other}, 751: {"CreateMonitoredItems", Read},
	763: {"ModifyMonitoredItems", Read}, 769: {"SetMonitoringMode", Read}, 775: {"SetTriggering", Read},
	781: {"DeleteMonitoredItems", Read}, 787: {"CreateSubscription", Read}, 793: {"ModifySubscription", Read},
	799: {"SetPublishingMode", Read}, 826: {"Publish", Read}, 832: {"Republish", Read},
	841: {"TransferSubscriptions", Read}, 847: {"DeleteSubscriptions", Read},
	12208: {"FindServersOnNetwork", Identify}, 12211: {"RegisterServer2", Other},
}

// opcuaRequest is the request that an answer belongs to: three lower, for the two
// services that were added later one.
func opcuaRequest(answer uint32) uint32 {
	if answer == 12209 || answer == 12212 {
		return answer - 1
	}
	return answer - 3
}

// opcuaState is what a conversation keeps: which nodes were asked for, and the
// chunks so far, for each direction.
type opcuaState struct {
	reads  []opcuaRead
	chunks [2][]byte
	of     [2]uint32
	passed [2]uint32 // request whose further chunks are passed over
	secret bool      // messages are signed or encrypted
}

type opcuaRead struct {
	request uint32
	nodes   []uint32 // numbers in namespace 0, 0 for others
}

// opcuaKind is the type of a message: a place in opcuaKinds.
type opcuaKind byte

const (
	opcuaHEL opcuaKind = iota
	opcuaACK
	opcuaERR
	opcuaRHE
	opcuaOPN
	opcuaCLO
	opcuaMSG
)

var opcuaKinds = [...]string{"HEL", "ACK", "ERR", "RHE", "OPN", "CLO", "MSG"}

func opcuaHead(b []byte) (kind opcuaKind, final byte, size int, ok bool) {
	if len(b) < opcuaHeader {
		return 0, 0, 0, false
	}
	for ; int(kind) < len(opcuaKinds) && !hasPrefix(b, opcuaKinds[kind]); kind++ {
	}
	n := le32(b[4:])
	final = b[3]
	switch kind {
	case opcuaHEL, opcuaACK, opcuaERR, opcuaRHE:
		ok = final == 'F' && n >= 16 && n <= 1<<16
	case opcuaOPN, opcuaCLO:
		ok = final == 'F' && n >= 24 && n <= 1<<20
	case opcuaMSG:
		ok = (final == 'F' || final == 'C' || final == 'A') && n >= 24 && n <= 1<<26
	}
	return kind, final, int(n), ok
}

// recogniseOPCUA: message type, chunk type and a length (clause 7.1.2), and the
// first fields of the message.
func recogniseOPCUA(m *message) (string, bool) {
	kind, _, size, ok := opcuaHead(m.data)
	if !ok {
		return "", false
	}
	b := m.data[opcuaHeader:min(len(m.data), size)]
	switch kind {
	case opcuaHEL, opcuaACK: // protocol version, then the size of a buffer
		ok = (len(b) < 4 || le32(b) <= 16) && (len(b) < 8 || le32(b[4:]) <= 1<<30)
	case opcuaOPN:
		c := cursor{b: b}
		c.skip(4)
		ok = strings.HasPrefix(c.uaString(), "http://opcfoundation.org/UA/SecurityPolicy#")
	}
	return "OPC UA message header " + opcuaKinds[kind], ok
}

func dissectOPCUA(m *message, r *Result) (used, need int) {
	for used < len(m.data) {
		b := m.data[used:]
		kind, final, size, ok := opcuaHead(b)
		switch {
		case !ok && len(b) < opcuaHeader:
			return used, opcuaHeader
		case !ok:
			r.Malformed = true
			return len(m.data), 0
		case len(b) < size && size > maxTail: // a long message: its beginning will do
			if len(b) < opcuaPrefix && m.Missing == 0 {
				return used, opcuaPrefix
			}
			opcuaTell(kind, 'F', b, m, r)
			if final == 'C' && len(b) >= 24 {
				m.c.opcua().passed[m.Sender&1] = le32(b[20:])
			}
			return used, size
		case len(b) < size:
			return used, size
		}
		opcuaTell(kind, final, b[:size], m, r)
		used += size
	}
	return used, 0
}

func opcuaTell(kind opcuaKind, final byte, b []byte, m *message, r *Result) {
	c := cursor{b: b[opcuaHeader:]}
	switch kind {
	case opcuaHEL:
		r.Sender = RoleClient
		c.skip(20)
		r.ServerName = c.uaString()
	case opcuaACK, opcuaRHE:
		r.Sender = RoleServer
	case opcuaERR:
		r.Sender = RoleServer
		r.function(Function{"opcua", 1, "error", false, true, 0})
	case opcuaOPN:
		c.skip(4)
		policy := c.uaString()
		c.uaBytes()
		c.uaBytes()
		st := m.c.opcua()
		st.secret = !strings.HasSuffix(policy, "#None")
		if st.secret { // who opens is known by the direction alone
			r.fact("opcua-security-policy", policy)
			r.Sender = m.role(4840)
			r.function(Function{"opcua", 446, "OpenSecureChannel", r.Sender == RoleClient, false, 0})
			return
		}
		c.skip(4)
		request := uint32(c.u32())
		opcuaService(&c, request, m, r)
	case opcuaMSG, opcuaCLO:
		opcuaMessage(final, &c, m, r)
	}
}

// opcua is the state of the conversation.
func (c *Conversation) opcua() *opcuaState {
	st, _ := c.state.(*opcuaState)
	if st == nil {
		st = &opcuaState{}
		c.state = st
	}
	return st
}

// opcuaMessage reads channel, token, sequence and request numbers; the body of a
// message in chunks is read when the last is there.
func opcuaMessage(final byte, c *cursor, m *message, r *Result) {
	c.skip(12)
	request := uint32(c.u32())
	st, side := m.c.opcua(), m.Sender&1
	if st.secret && !clearService(c.b) { // signed messages are in the clear
		r.Sender = m.role(4840)
		r.function(Function{"opcua", 0, "encrypted message", r.Sender == RoleClient, false, Other})
		return
	}
	if request != 0 && st.passed[side] == request {
		if final != 'C' {
			st.passed[side] = 0
		}
		return
	}
	body := c.b
	if st.of[side] != request {
		st.chunks[side], st.of[side] = nil, request
	}
	if final != 'F' || len(st.chunks[side]) > 0 {
		if final == 'A' {
			st.chunks[side] = nil
			return
		}
		room := maxOPCUAParts - len(st.chunks[side])
		st.chunks[side] = append(st.chunks[side], body[:min(len(body), max(room, 0))]...)
		if final != 'F' {
			return
		}
		body, st.chunks[side] = st.chunks[side], nil
	}
	opcuaService(&cursor{b: body}, request, m, r)
}

// clearService: the body begins with the type of a service that is known.
func clearService(b []byte) bool {
	if len(b) < 4 || b[0] != 1 || b[1] != 0 {
		return false
	}
	kind := uint32(le16(b[2:]))
	_, asks := opcuaServices[kind]
	_, answers := opcuaServices[opcuaRequest(kind)]
	return asks || answers || kind == opcuaFault
}

// opcuaService reads the type of the message and tells its service.
func opcuaService(c *cursor, request uint32, m *message, r *Result) {
	space, kind := c.uaNode()
	if space != 0 {
		return
	}
	f, asks := opcuaServices[kind]
	code := kind
	if !asks {
		code = opcuaRequest(kind)
		answered, known := opcuaServices[code]
		if kind == opcuaFault {
			code, answered.name, known = opcuaFault, "ServiceFault", true
		}
		if !known { // encrypted without our having seen the beginning, or damage
			r.Sender = m.role(4840)
			r.function(Function{"opcua", 0, "message that is not read", r.Sender == RoleClient, false, Other})
			return
		}
		f = answered
	}
	r.Sender = RoleServer
	failed := false
	if asks {
		r.Sender = RoleClient
		c.uaRequestHeader()
	} else {
		failed = c.uaResponseHeader()&0x80000000 != 0
	}
	if kind == 631 {
		f.ops = m.c.opcua().remember(request, c)
	}
	if kind == 634 {
		f.ops = m.c.opcua().answered(request, c, failed, r)
	}
	r.function(Function{"opcua", uint16(code), f.name, asks, failed || kind == opcuaFault, f.ops})
	if !failed {
		opcuaIdentity(kind, c, r)
	}
}

// opcuaIdentity reads who the ends say they are.
func opcuaIdentity(kind uint32, c *cursor, r *Result) {
	switch kind {
	case 461: // CreateSession: the client's description
		r.application(c.uaApplication())
	case 437, 12211: // a server registers itself: URI, product, names
		a := uaApplication{uri: c.uaString(), product: c.uaString()}
		if c.u32() > 0 {
			a.name = c.uaLocalized()
		}
		r.application(a)
	case 464: // session, token, timeout, nonce, certificate, endpoints
		c.uaNode()
		c.uaNode()
		c.skip(8)
		c.uaBytes()
		c.certificate(r)
		c.endpoints(r)
	case 431:
		c.endpoints(r)
	case 425: // FindServers: a discovery server speaks for others
		for n := min(c.u32(), maxOPCUAStrings); n > 0 && len(c.b) > 0; n-- {
			a := c.uaApplication()
			r.behind(Device{Address: a.uri, Identity: a.identity(), Facts: a.facts()})
		}
	}
}

func (c *cursor) certificate(r *Result) {
	if der := c.uaBytes(); len(der) > 0 {
		certificateFacts(der, r)
	}
}

// endpoints reads endpoint descriptions: the first names the server.
func (c *cursor) endpoints(r *Result) {
	if n := c.u32(); n <= 0 || n > maxOPCUAStrings {
		return
	}
	url := c.uaString()
	if a := c.uaApplication(); a.uri != "" {
		r.application(a)
		r.fact("opcua-endpoint", url)
	}
}

func (r *Result) application(a uaApplication) {
	r.identify(a.identity())
	for _, f := range a.facts() {
		r.fact(f.Name, f.Value)
	}
}

// uaApplication is an ApplicationDescription (OPC 10000-4 clause 7.2).
type uaApplication struct{ uri, product, name string }

func (a uaApplication) identity() Identity { return Identity{Name: a.name, Product: a.product} }

func (a uaApplication) facts() []Fact {
	if a.uri == "" {
		return nil
	}
	return []Fact{{"opcua-application-uri", a.uri}}
}

func (c *cursor) uaApplication() uaApplication {
	a := uaApplication{uri: c.uaString(), product: c.uaString()}
	a.name = c.uaLocalized()
	c.skip(4)
	c.uaBytes()
	c.uaBytes()
	for n := min(c.u32(), maxOPCUAStrings); n > 0 && len(c.b) > 0; n-- {
		c.uaBytes()
	}
	return a
}

// buildInfo are the nodes of the server's build information (OPC 10000-5 clause
// 6.3.1 and 12.4): status, build information and the parts of it.
func buildNode(n uint32) bool { return n == 2256 || n >= 2260 && n <= 2266 }

// remember keeps which nodes a read asks for: max age, which timestamps, then
// node, attribute, index range, data encoding.
func (st *opcuaState) remember(request uint32, c *cursor) Operations {
	c.skip(8 + 4)
	count := min(c.u32(), maxOPCUANodes)
	nodes := make([]uint32, 0, max(count, 0))
	ops := Read
	wanted := false
	for ; count > 0 && len(c.b) > 0; count-- {
		space, n := c.uaNode()
		attribute := c.u32()
		c.uaBytes()
		c.skip(2)
		c.uaBytes()
		if space != 0 || attribute != 13 {
			n = 0
		}
		nodes = append(nodes, n)
		wanted = wanted || buildNode(n)
		if n >= 2260 && n <= 2266 {
			ops = Identify
		}
	}
	if wanted {
		if len(st.reads) >= maxOPCUAReads {
			st.reads = st.reads[1:]
		}
		st.reads = append(st.reads, opcuaRead{request, nodes})
	}
	return ops
}

// answered reads the values of build information.
func (st *opcuaState) answered(request uint32, c *cursor, failed bool, r *Result) Operations {
	for i := range st.reads {
		if st.reads[i].request != request {
			continue
		}
		nodes := st.reads[i].nodes
		st.reads = append(st.reads[:i], st.reads[i+1:]...)
		if failed {
			return Read
		}
		ops := Read
		count := min(c.u32(), len(nodes))
		for k := 0; k < count && len(c.b) > 0; k++ {
			if !c.uaValue(nodes[k], r) {
				break
			}
			if nodes[k] >= 2260 {
				ops = Identify
			}
		}
		return ops
	}
	return Read
}

// uaValue reads one DataValue (OPC 10000-6 clause 5.2.2.17). false: of a kind
// whose length is not known here, so that what follows can't be read.
func (c *cursor) uaValue(node uint32, r *Result) bool {
	mask := c.u8()
	if mask&1 != 0 {
		kind := c.u8()
		switch {
		case kind == 12:
			setBuild(node, c.uaString(), r)
		case kind == 21:
			setBuild(node, c.uaLocalized(), r)
		case kind == 22:
			_, t := c.uaNode()
			if c.u8() != 1 {
				return false
			}
			c.uaBuild(t, c.uaBytes(), r)
		case kind > 0 && kind < len(uaSizes) && uaSizes[kind] > 0:
			c.skip(uaSizes[kind])
		default:
			return false
		}
	}
	for _, f := range [...]struct{ bit, size int }{{2, 4}, {4, 8}, {16, 2}, {8, 8}, {32, 2}} {
		if mask&f.bit != 0 {
			c.skip(f.size)
		}
	}
	return true
}

// uaSizes are the lengths of the plain built-in types (clause 5.1.2).
var uaSizes = [...]int{1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 4, 8: 8, 9: 8, 10: 4, 11: 8, 13: 8, 14: 16, 19: 4}

// uaBuild reads BuildInfo (encoding 340), alone or in ServerStatus (864), where two
// times and a state come first.
func (c *cursor) uaBuild(kind uint32, b []byte, r *Result) {
	v := cursor{b: b}
	switch kind {
	case 864:
		v.skip(8 + 8 + 4)
	case 340:
	default:
		return
	}
	uri := v.uaString()
	id := Identity{Vendor: v.uaString(), Product: v.uaString(), Firmware: v.uaString()}
	if id.Product == "" {
		id.Product = uri
	}
	r.identify(id)
	r.fact("opcua-product-uri", uri)
	r.fact("opcua-build-number", v.uaString())
}

func setBuild(node uint32, value string, r *Result) {
	switch node {
	case 2261:
		r.identify(Identity{Product: value})
	case 2262:
		r.fact("opcua-product-uri", value)
	case 2263:
		r.identify(Identity{Vendor: value})
	case 2264:
		r.identify(Identity{Firmware: value})
	case 2265:
		r.fact("opcua-build-number", value)
	}
}

// u32 reads a signed count or number; the null count (-1) and others below zero
// come back as -1.
func (c *cursor) u32() int {
	b := c.take(4)
	if len(b) < 4 {
		return 0
	}
	return int(int32(le32(b)))
}

// uaBytes reads a byte string or string: a signed length, then the bytes.
func (c *cursor) uaBytes() []byte {
	n := c.u32()
	if n <= 0 {
		return nil
	}
	if n > len(c.b) {
		c.b = nil
		return nil
	}
	return c.take(n)
}

func (c *cursor) uaString() string { return text(c.uaBytes()) }

// uaLocalized reads a LocalizedText (clause 5.2.2.14) without its locale.
func (c *cursor) uaLocalized() string {
	mask := c.u8()
	if mask&1 != 0 {
		c.uaBytes()
	}
	if mask&2 != 0 {
		return c.uaString()
	}
	return ""
}

// uaNode reads a NodeId (clause 5.2.2.9); number is 0 where it is not numeric.
func (c *cursor) uaNode() (space int, number uint32) {
	switch c.u8() & 0x3f {
	case 0:
		return 0, uint32(c.u8())
	case 1:
		space = c.u8()
		return space, uint32(c.u16le())
	case 2:
		space = c.u16le()
		return space, uint32(c.u32())
	case 3, 5:
		space = c.u16le()
		c.uaBytes()
		return max(space, 1), 0
	case 4:
		space = c.u16le()
		c.skip(16)
		return max(space, 1), 0
	}
	c.b = nil
	return -1, 0
}

func (c *cursor) u16le() int {
	b := c.take(2)
	if len(b) < 2 {
		return 0
	}
	return int(le16(b))
}

// uaRequestHeader skips the header of a request (OPC 10000-4 clause 7.33).
func (c *cursor) uaRequestHeader() {
	c.uaNode()
	c.skip(8 + 4 + 4)
	c.uaBytes()
	c.skip(4)
	c.uaExtension()
}

// uaResponseHeader skips the header of an answer and gives its status.
func (c *cursor) uaResponseHeader() uint32 {
	c.skip(8 + 4)
	status := uint32(c.u32())
	c.uaDiagnostic(0)
	for n := min(c.u32(), maxOPCUAStrings); n > 0 && len(c.b) > 0; n-- {
		c.uaBytes()
	}
	c.uaExtension()
	return status
}

func (c *cursor) uaExtension() {
	c.uaNode()
	if c.u8() != 0 {
		c.uaBytes()
	}
}

// uaDiagnostic skips a DiagnosticInfo (clause 5.2.2.12), nested a few times at most.
func (c *cursor) uaDiagnostic(depth int) {
	mask := c.u8()
	for bit := 1; bit <= 8; bit <<= 1 {
		if mask&bit != 0 {
			c.skip(4)
		}
	}
	if mask&16 != 0 {
		c.uaBytes()
	}
	if mask&32 != 0 {
		c.skip(4)
	}
	if mask&64 != 0 && depth < 8 {
		c.uaDiagnostic(depth + 1)
	}
}

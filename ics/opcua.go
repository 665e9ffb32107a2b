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

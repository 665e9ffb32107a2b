package ics

// Bounds of a conversation.
const (
	maxTries     = 12      // segments of a conversation that are looked at before it is given up as unknown
	maxTail      = 8 << 10 // bytes of an unfinished message that are kept for the next segment
	maxBeginning = 512     // bytes of an unknown conversation that are kept for the next segment
	maxAsked     = 16      // requests whose answers are awaited
	resync       = 1 << 20 // a jump in TCP sequence numbers that is a new beginning rather than a loss
)

// Conversation follows the payloads between two ends. The zero value is ready.
// It is not safe for concurrent use. It holds at most about 64 KiB, whatever it is
// given, and more than a few hundred bytes only while a message is unfinished.
type Conversation struct {
	protocol *protocol
	why      string
	tries    uint8
	sides    [2]stream
	roles    [2]Role // of the sides, once a message told
	asked    []asked // CIP requests that await their answer
	partsOf  byte    // reference of an S7 answer in parts
	parts    []byte  // its value so far
	state    any     // what a dissector keeps of the conversation; bounded by it
	done     bool    // nothing more can be learned
	number   uint32  // of the sender, as last told; see once
	current  message // of the segment at hand; here so that it costs no allocation
}

// stream is one direction of a TCP conversation.
type stream struct {
	started bool
	lost    bool      // by the segment at hand
	late    bool      // the segment at hand fills a part of the gap
	gap     [2]uint32 // from and to of the last bytes that were passed over; equal: none
	next    uint32    // sequence number that comes next
	skip    int       // bytes left of a message that is not looked at further
	tail    []byte    // unfinished message
}

// message is what a dissector is given: the bytes from the start of a message.
type message struct {
	Segment
	data []byte
	lost bool // bytes of this direction were lost since the last segment
	c    *Conversation
}

// dissect reads what data holds and tells in r what it found. It returns the
// bytes it is done with; need is the length of the unfinished message that
// starts there, 0 where none does or its length isn't known.
type dissect func(m *message, r *Result) (used, need int)

// protocol is one row of the table of protocols.
type protocol struct {
	name      string
	transport Transport
	// recognise tells whether data is the start of a message of this protocol,
	// and by what. It must refuse anything that is not for sure.
	recognise func(m *message) (why string, ok bool)
	dissect   dissect // nil: known by name only
	stream    bool    // messages may be split over TCP segments
}

// Application is the protocol as known so far, "" while unknown.
func (c *Conversation) Application() string {
	if c.protocol == nil {
		return ""
	}
	return c.protocol.name
}

// Settled reports that further segments can't tell anything new, so that a
// caller may stop asking: nothing was recognised in the first ones, the
// protocol is known by name only, or the rest of it is encrypted.
func (c *Conversation) Settled() bool {
	if c.protocol == nil {
		return c.tries >= maxTries
	}
	return c.done || c.protocol.dissect == nil
}

// Inspect looks at the next segment and fills r. Bytes that were sent again are
// looked at once; after a loss it goes on at the next message that begins with
// a segment. A segment that arrives late, after those that follow it, is looked at
// by itself: it is understood where a message begins with it.
func (c *Conversation) Inspect(s Segment, r *Result) {
	r.reset()
	c.take(s, r)
	c.conclude(s.Sender&1, r)
}

func (c *Conversation) take(s Segment, r *Result) {
	if c.protocol == nil && c.tries >= maxTries {
		return
	}
	if s.Transport != TCP {
		c.offer(&s, s.Payload, false, r)
		return
	}
	st := &c.sides[s.Sender&1]
	data, ok := st.arrange(&s)
	if !ok {
		r.Duplicate = true
		return
	}
	if st.late { // looked at by itself: what came after it has been read already
		c.offer(&s, data, true, r)
		return
	}
	if st.skip > 0 {
		n := min(st.skip, len(data))
		st.skip -= n
		data = data[n:]
	}
	if len(data) == 0 {
		return
	}
	whole := data
	if len(st.tail) > 0 {
		whole = append(st.tail, data...)
		st.tail = nil
	}
	used, need := c.offer(&s, whole, st.lost, r)
	if c.protocol == nil {
		if len(whole) > len(data) { // what was kept was no beginning; this may be one
			c.tries--
			used, need = c.offer(&s, data, st.lost, r)
		}
		if c.protocol == nil {
			if c.tries < maxTries {
				st.beginning(whole, data)
			} else {
				c.sides[0].tail, c.sides[1].tail = nil, nil
			}
			return
		}
		whole = data
	}
	if s.Missing == 0 {
		st.keep(whole[min(used, len(whole)):], need)
	}
}

// beginning keeps the first bytes of a conversation: some senders write the header
// of their first message and its body in two segments.
func (st *stream) beginning(whole, data []byte) {
	switch {
	case len(whole) < maxBeginning:
		st.tail = append([]byte(nil), whole...)
	case len(data) < maxBeginning:
		st.tail = append([]byte(nil), data...)
	}
}

// offer has bytes recognised and dissected.
func (c *Conversation) offer(s *Segment, data []byte, lost bool, r *Result) (used, need int) {
	c.current.Segment, c.current.data, c.current.lost, c.current.c = *s, data, lost, c
	used, need = c.look(&c.current, r)
	c.current.Payload, c.current.data = nil, nil // not ours to keep
	return used, need
}

// conclude fills in what the conversation as a whole knows.
func (c *Conversation) conclude(sender Side, r *Result) {
	r.Application, r.Why = c.Application(), c.why
	switch {
	case r.Sender == RoleUnknown:
		r.Sender = c.roles[sender]
	case c.roles[sender] == RoleUnknown:
		c.roles[sender], c.roles[1-sender] = r.Sender, RoleClient+RoleServer-r.Sender
	}
}

// arrange takes the new bytes of a segment in order; false: none are new.
func (st *stream) arrange(s *Segment) ([]byte, bool) {
	data := s.Payload
	st.lost, st.late = false, false
	end := s.Seq + uint32(len(data)) + uint32(max(s.Missing, 0))
	if !st.started {
		st.started, st.next = true, end
		st.gap = [2]uint32{s.Seq - 1<<16, s.Seq} // what was sent before was not seen
		return data, true
	}
	ahead := int(int32(s.Seq - st.next))
	switch {
	case ahead > 0 || ahead < -resync: // bytes were lost, or it is another connection
		st.tail, st.skip, st.lost = nil, 0, true
		st.gap = [2]uint32{}
		if ahead > 0 && ahead < resync {
			st.gap = [2]uint32{st.next, s.Seq}
		}
	case -ahead >= len(data):
		if int32(end-st.next) > 0 {
			st.next = end
		}
		return data, st.fills(s.Seq, end)
	default:
		data = data[-ahead:]
	}
	st.next = end
	return data, true
}

// fills reports whether a segment that comes late is of the bytes that were passed
// over; it is then taken out of them.
func (st *stream) fills(from, to uint32) bool {
	if st.gap[0] == st.gap[1] || int32(from-st.gap[0]) < 0 || int32(st.gap[1]-to) < 0 {
		return false
	}
	st.gap[0] = to // what lies before it is given up
	st.late = true
	return true
}

// keep holds an unfinished message for the next segment, or skips it where it
// is larger than the bound.
func (st *stream) keep(rest []byte, need int) {
	switch {
	case need <= len(rest):
	case need > maxTail:
		st.skip = need - len(rest)
	default:
		st.tail = append([]byte(nil), rest...)
	}
}

// look recognises the protocol where that is open, and dissects.
func (c *Conversation) look(m *message, r *Result) (used, need int) {
	if c.protocol == nil {
		if len(m.data) == 0 {
			return 0, 0
		}
		c.tries++
		if !c.recognise(m) {
			return len(m.data), 0
		}
	}
	if c.protocol.dissect == nil || c.done {
		return len(m.data), 0
	}
	used, need = c.protocol.dissect(m, r)
	if !c.protocol.stream {
		need = 0
	}
	return used, need
}

func (c *Conversation) recognise(m *message) bool {
	for i := range protocols {
		p := &protocols[i]
		if p.transport != m.Transport {
			continue
		}
		if why, ok := p.recognise(m); ok {
			c.protocol, c.why = p, why
			return true
		}
	}
	return false
}

// once reports whether a number that a sender repeats in each message, such as
// its station, is new; it is told then, and costs nothing later. Numbers are kept
// one higher, so that 0 is none.
func (c *Conversation) once(number uint32) bool {
	if c.number == number+1 {
		return false
	}
	c.number = number + 1
	return true
}

// rename changes the protocol once more is known of it: a transport layer that
// carries several begins under its own name.
func (c *Conversation) rename(name, why string) {
	for i := range protocols {
		if protocols[i].name == name && protocols[i].transport == c.protocol.transport {
			c.protocol, c.why = &protocols[i], why
			return
		}
	}
}

// protocols is the table, in the order in which they are tried: those with a
// long fixed signature first. It is filled by init because dissectors look
// names up in it.
var protocols []protocol

func init() {
	protocols = []protocol{
		{"tls", TCP, recogniseTLS, dissectTLS, true},
		{"http", TCP, recogniseHTTP, dissectHTTP, false},
		{"rtsp", TCP, recogniseRTSP, dissectRTSP, false},
		{"ssh", TCP, recogniseSSH, dissectSSH, false},
		{"smb", TCP, recogniseSMB, dissectSMB, true},
		{"vnc", TCP, recogniseVNC, dissectVNC, false},
		{"rdp", TCP, recogniseRDP, dissectRDP, false},
		{"s7comm", TCP, recogniseS7, dissectISO, true},
		{"s7comm-plus", TCP, recogniseS7Plus, dissectISO, true},
		{"cotp", TCP, recogniseCOTP, dissectISO, true},
		{"opcua", TCP, recogniseOPCUA, dissectOPCUA, true},
		{"fins", TCP, recogniseFINSTCP, dissectFINSTCP, true},
		{"dnp3", TCP, recogniseDNP3, dissectDNP3, true},
		{"iec104", TCP, recogniseIEC104, dissectIEC104, true},
		{"c37.118", TCP, recognisePhasor, dissectPhasor, true},
		{"enip", TCP, recogniseENIP, dissectENIP, true},
		{"modbus", TCP, recogniseModbus, dissectModbus, true},
		{"nmea", TCP, recogniseNMEA, dissectNMEA, false},
		{"tds", TCP, recogniseTDS, dissectTDS, false},
		{"hart-ip", TCP, recogniseHARTIP, dissectHARTIP, true},
		{"dns", TCP, recogniseDNSTCP, nil, false},

		{"bacnet", UDP, recogniseBACnet, dissectBACnet, false},
		{"c37.118", UDP, recognisePhasor, dissectPhasor, false},
		{"enip", UDP, recogniseENIP, dissectENIP, false},
		{"dnp3", UDP, recogniseDNP3, dissectDNP3, false},
		{"snmp", UDP, recogniseSNMP, dissectSNMP, false},
		{"ws-discovery", UDP, recogniseWSDiscovery, dissectWSDiscovery, false},
		{"ssdp", UDP, recogniseSSDP, dissectSSDP, false},
		{"nmea", UDP, recogniseNMEA, dissectNMEA, false},
		{"netbios", UDP, recogniseNetBIOS, dissectNetBIOS, false},
		{"mdns", UDP, recogniseMDNS, dissectMDNS, false},
		{"dns", UDP, recogniseDNS, dissectDNS, false},
		{"ntp", UDP, recogniseNTP, dissectNTP, false},
		{"hart-ip", UDP, recogniseHARTIP, dissectHARTIP, false},
		{"fins", UDP, recogniseFINSUDP, dissectFINSUDP, false},
	}
}

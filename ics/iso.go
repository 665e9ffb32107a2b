package ics

// ISO transport: TPKT (RFC 1006) and COTP (ISO 8073, X.224), which carry S7comm,
// S7comm-plus and remote desktops.

const (
	isoPort     = 102
	tpktHeader  = 4
	cotpData    = 0xf0
	cotpRequest = 0xe0
	cotpConfirm = 0xd0
)

// tpdu is one ISO transport message.
type tpdu struct {
	kind byte   // high half of the COTP type
	last bool   // end of the transport data unit (data only)
	head []byte // COTP header after its length octet
	data []byte // what it carries
}

// nextTPDU splits the first TPKT off b.
func nextTPDU(b []byte) (t tpdu, n, need int, ok bool) {
	if len(b) < tpktHeader {
		return tpdu{}, 0, tpktHeader, len(b) > 0 && b[0] == 3 && (len(b) < 2 || b[1] == 0)
	}
	n = int(be16(b[2:]))
	if b[0] != 3 || b[1] != 0 || n < tpktHeader+2 {
		return tpdu{}, 0, 0, false
	}
	if len(b) < n {
		return tpdu{}, 0, n, true
	}
	cotp := b[tpktHeader:n]
	l := int(cotp[0])
	if l < 1 || 1+l > len(cotp) {
		return tpdu{}, 0, 0, false
	}
	t = tpdu{kind: cotp[1] & 0xf0, head: cotp[1 : 1+l], data: cotp[1+l:]}
	if t.kind == cotpData {
		if l < 2 {
			return tpdu{}, 0, 0, false
		}
		t.last = cotp[2]&0x80 != 0
	}
	return t, n, n, true
}

func firstTPDU(m *message) (tpdu, bool) {
	t, n, _, ok := nextTPDU(m.data)
	return t, ok && n > 0
}

// recogniseCOTP knows the connection set-up only; what is carried is open.
func recogniseCOTP(m *message) (string, bool) {
	t, ok := firstTPDU(m)
	if !ok || len(t.head) < 6 || (t.kind != cotpRequest && t.kind != cotpConfirm) {
		return "", false
	}
	return "TPKT and a COTP connection set-up", true
}

// isoState holds the unfinished data unit of each direction.
type isoState struct {
	parts [2][]byte
}

// dissectISO reads TPKT after TPKT. A data unit in several of them is read when the
// last is there (X.224 section 13.7.3).
func dissectISO(m *message, r *Result) (used, need int) {
	for used < len(m.data) {
		t, n, need, ok := nextTPDU(m.data[used:])
		if !ok {
			r.Malformed = true
			return len(m.data), 0
		}
		if n == 0 {
			return used, need
		}
		used += n
		if t.kind == cotpData && m.c.gather(&t, m.Sender&1, m.lost) {
			continue
		}
		tellTPDU(t, m, r)
	}
	return used, 0
}

// gather keeps a part of a data unit; true while it is not whole. With the last
// part, t holds the whole.
func (c *Conversation) gather(t *tpdu, side Side, lost bool) bool {
	st, _ := c.state.(*isoState)
	if t.last && (st == nil || len(st.parts[side]) == 0) {
		return false
	}
	if st == nil {
		st = &isoState{}
		c.state = st
	}
	if lost || len(st.parts[side])+len(t.data) > maxTail {
		st.parts[side] = nil
		return !t.last
	}
	st.parts[side] = append(st.parts[side], t.data...)
	if !t.last {
		return true
	}
	t.data, st.parts[side] = st.parts[side], nil
	return false
}

func tellTPDU(t tpdu, m *message, r *Result) {
	switch {
	case t.kind == cotpRequest:
		r.Sender = RoleClient
	case t.kind == cotpConfirm:
		r.Sender = RoleServer
	case t.kind != cotpData || len(t.data) == 0:
	case t.data[0] == s7Magic:
		m.c.rename("s7comm", "TPKT, COTP data and an S7 header (0x32)")
		h, ok := parseS7(t.data)
		if !ok {
			r.Malformed = true
			return
		}
		h.tell(m, r)
	case s7PlusHeader(t.data):
		m.c.rename("s7comm-plus", "TPKT, COTP data and an S7comm-plus header (0x72)")
		tellS7Plus(t.data, m, r)
	}
}

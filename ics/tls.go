package ics

// TLS: record layer and hello messages of RFC 8446 section 4.1 and 5.1, server
// name of RFC 6066 section 3. Only the hello messages are in the clear.

const (
	tlsHandshake   = 22
	tlsClientHello = 1
	tlsServerHello = 2
	tlsServerName  = 0
)

func recogniseTLS(m *message) (string, bool) {
	b := m.data
	if len(b) < 9 || b[0] != tlsHandshake || b[1] != 3 || b[2] > 4 {
		return "", false
	}
	n, hello := int(be16(b[3:])), int(b[6])<<16|int(be16(b[7:]))
	if n < 4 || n > 1<<14 || hello < 38 || (b[5] != tlsClientHello && b[5] != tlsServerHello) {
		return "", false
	}
	return "TLS handshake record with a hello message", true
}

// dissectTLS reads the first record of each direction; what follows is encrypted.
func dissectTLS(m *message, r *Result) (used, need int) {
	b := m.data
	if len(b) < 9 || b[0] != tlsHandshake {
		return len(b), 0
	}
	n := 5 + int(be16(b[3:]))
	if len(b) < n && n <= maxTail && m.Missing == 0 {
		return 0, n
	}
	if n < 9 { // too short for a handshake header: not ours to read
		return len(m.data), 0
	}
	b = b[5:min(n, len(b))]
	switch b[0] {
	case tlsClientHello:
		r.Sender = RoleClient
		r.ServerName = sni(b[4:])
	case tlsServerHello:
		r.Sender = RoleServer
	}
	return len(m.data), 0
}

// sni walks a client hello: version, random, session id, cipher suites,
// compression, extensions.
func sni(b []byte) string {
	c := cursor{b: b}
	c.skip(2 + 32)
	c.skip(c.u8())
	c.skip(c.u16())
	c.skip(c.u8())
	ext := cursor{b: c.take(c.u16())}
	for n := 0; n < 64 && ext.ok(4); n++ {
		kind, body := ext.u16(), ext.take(ext.u16())
		if kind == tlsServerName && len(body) > 5 && body[2] == 0 {
			l := int(be16(body[3:]))
			if len(body) >= 5+l {
				return text(body[5 : 5+l])
			}
		}
	}
	return ""
}

// cursor reads forward and never past the end: a short buffer gives zeros and
// the rest stays empty.
type cursor struct{ b []byte }

func (c *cursor) ok(n int) bool { return len(c.b) >= n }

func (c *cursor) skip(n int) { c.take(n) }

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		n = len(c.b)
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) u8() int {
	b := c.take(1)
	if len(b) < 1 {
		return 0
	}
	return int(b[0])
}

func (c *cursor) u16() int {
	b := c.take(2)
	if len(b) < 2 {
		return 0
	}
	return int(be16(b))
}

package ics

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// TLS: record layer and hello messages of RFC 8446 sections 4.1 and 5.1, the
// certificate message of RFC 5246 section 7.4.2, server name of RFC 6066 section 3.
// From TLS 1.3 on, only the hello messages are in the clear.

const (
	tlsHandshake     = 22
	tlsApplication   = 23
	tlsClientHello   = 1
	tlsServerHello   = 2
	tlsCertificate   = 11
	maxTLSRecord     = 1<<14 + 2048
	maxTLSHandshake  = 8 << 10
	maxTLSExtensions = 64
)

// tlsState follows the handshake of each direction across records and segments.
type tlsState struct {
	handshake [2][]byte // unfinished handshake message
	left      [2]int    // bytes of the record that are still to come
	over      [2]bool   // nothing in the clear follows
}

// recogniseTLS: a hello, or where the beginning was not seen, records of data that
// fill the segment exactly.
func recogniseTLS(m *message) (string, bool) {
	b := m.data
	if len(b) > 0 && b[0] == tlsApplication {
		return "TLS data records that fill the segment", wholeRecords(b)
	}
	if len(b) < 9 || b[0] != tlsHandshake || b[1] != 3 || b[2] > 4 {
		return "", false
	}
	n, hello := int(be16(b[3:])), int(b[6])<<16|int(be16(b[7:]))
	if n < 4 || n > 1<<14 || hello < 38 || (b[5] != tlsClientHello && b[5] != tlsServerHello) {
		return "", false
	}
	return "TLS handshake record with a hello message", true
}

func wholeRecords(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 5 || b[0] != tlsApplication || b[1] != 3 || b[2] < 1 || b[2] > 4 {
			return false
		}
		n := 5 + int(be16(b[3:]))
		if n < 5+16 || n > 5+maxTLSRecord || n > len(b) {
			return false
		}
		b = b[n:]
	}
	return true
}

func dissectTLS(m *message, r *Result) (used, need int) {
	st, _ := m.c.state.(*tlsState)
	if st == nil {
		st = &tlsState{}
		m.c.state = st
	}
	side := m.Sender & 1
	if m.lost { // where records begin is lost too
		st.over[side] = true
	}
	b := m.data
	for !st.over[side] && len(b) > 0 {
		if st.left[side] == 0 {
			if len(b) < 5 {
				return len(m.data) - len(b), 5
			}
			n := int(be16(b[3:]))
			if b[0] != tlsHandshake || b[1] != 3 || n > maxTLSRecord {
				st.over[side] = true
				m.c.done = m.c.done || b[0] == tlsApplication
				break
			}
			st.left[side], b = n, b[5:]
			continue
		}
		n := min(st.left[side], len(b))
		st.left[side] -= n
		st.handshake[side] = append(st.handshake[side], b[:n]...)
		b = b[n:]
		st.read(side, m, r)
	}
	if st.over[side] {
		st.handshake[side] = nil
		// The server speaks second, and an end that told what it is has told all.
		m.c.done = m.c.done || st.over[1-side] || m.role(443) == RoleServer && m.c.roles[side] == RoleServer
	}
	return len(m.data), 0
}

// read takes whole handshake messages, and the beginning of a certificate message.
func (st *tlsState) read(side Side, m *message, r *Result) {
	for !st.over[side] {
		h := st.handshake[side]
		if len(h) < 4 {
			return
		}
		n := 4 + int(h[1])<<16 + int(be16(h[2:]))
		body := h[4:min(n, len(h))]
		if h[0] == tlsCertificate && firstCertificate(body, r) {
			st.over[side] = true
			return
		}
		if len(h) < n {
			st.over[side] = len(h) >= maxTLSHandshake // longer than what is looked for
			return
		}
		switch h[0] {
		case tlsClientHello:
			r.Sender = RoleClient
			clientHello(body, r)
			st.over[side] = true
		case tlsServerHello:
			r.Sender = RoleServer
			st.over[side] = serverHello(body, r)
		}
		st.handshake[side] = h[n:]
	}
}

// firstCertificate reads the server's own certificate, which comes first; false
// while it is not whole.
func firstCertificate(b []byte, r *Result) bool {
	if len(b) < 6 {
		return false
	}
	n := int(b[3])<<16 | int(be16(b[4:]))
	if len(b) < 6+n {
		return false
	}
	certificateFacts(b[6:6+n], r)
	return true
}

// hello is what a client offers.
type hello struct {
	version        uint16
	name           string
	ciphers, kinds []uint16
	signatures     []uint16
	alpn           string
	named          bool
}

// readHello walks version, random, session id, cipher suites, compression,
// extensions.
func readHello(b []byte) hello {
	var h hello
	c := cursor{b: b}
	h.version = uint16(c.u16())
	c.skip(32)
	c.skip(c.u8())
	h.ciphers = withoutGrease(c.take(c.u16()))
	c.skip(c.u8())
	ext := cursor{b: c.take(c.u16())}
	for n := 0; n < maxTLSExtensions && ext.ok(4); n++ {
		kind := uint16(ext.u16())
		body := ext.take(ext.u16())
		if grease(kind) {
			continue
		}
		h.kinds = append(h.kinds, kind)
		switch kind {
		case 0:
			h.named = true
			if len(body) > 5 && body[2] == 0 {
				if l := int(be16(body[3:])); len(body) >= 5+l {
					h.name = text(body[5 : 5+l])
				}
			}
		case 13:
			if len(body) >= 2 {
				h.signatures = withoutGrease(body[2:])
			}
		case 16:
			if len(body) >= 3 && len(body) >= 3+int(body[2]) {
				h.alpn = string(body[3 : 3+int(body[2])])
			}
		case 43:
			if len(body) >= 1 {
				for _, v := range withoutGrease(body[1:]) {
					h.version = max(h.version, v)
				}
			}
		}
	}
	return h
}

func clientHello(b []byte, r *Result) {
	h := readHello(b)
	r.ServerName = h.name
	r.fact("tls-ja4", h.ja4())
}

// ja4 is the summary of a client hello that is known as JA4 (FoxIO, its technical
// description of JA4): transport, version, whether a name is asked for, counts, first
// protocol offered; then hashes of the sorted ciphers and of the sorted extensions
// with the signature algorithms in their order.
func (h hello) ja4() string {
	var out strings.Builder
	out.WriteByte('t')
	version, known := map[uint16]string{0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}[h.version]
	if !known {
		version = "00"
	}
	out.WriteString(version)
	out.WriteByte(map[bool]byte{true: 'd', false: 'i'}[h.named])
	out.WriteString(twoDigits(len(h.ciphers)))
	out.WriteString(twoDigits(len(h.kinds)))
	out.WriteString(alpnEnds(h.alpn))
	ciphers, kinds := slices.Clone(h.ciphers), slices.DeleteFunc(slices.Clone(h.kinds), func(k uint16) bool { return k == 0 || k == 16 })
	slices.Sort(ciphers)
	slices.Sort(kinds)
	out.WriteString("_" + shortHash(hexList(ciphers)))
	second := hexList(kinds)
	if len(h.signatures) > 0 {
		second += "_" + hexList(h.signatures)
	}
	out.WriteString("_" + shortHash(second))
	return out.String()
}

func twoDigits(n int) string {
	n = min(n, 99)
	return string([]byte{byte('0' + n/10), byte('0' + n%10)})
}

// alpnEnds is the first and the last character of the protocol, of its
// hexadecimal form where one of them is no letter or digit.
func alpnEnds(p string) string {
	if p == "" {
		return "00"
	}
	plain := func(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
	if !plain(p[0]) || !plain(p[len(p)-1]) {
		p = hex.EncodeToString([]byte(p))
	}
	return string([]byte{p[0], p[len(p)-1]})
}

func hexList(list []uint16) string {
	var out []byte
	for i, v := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = hex.AppendEncode(out, []byte{byte(v >> 8), byte(v)})
	}
	return string(out)
}

func shortHash(s string) string {
	if s == "" {
		return "000000000000"
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}

// grease are the values that clients throw in to keep servers tolerant (RFC 8701).
func grease(v uint16) bool { return v&0x0f0f == 0x0a0a && byte(v>>8) == byte(v) }

func withoutGrease(b []byte) []uint16 {
	var out []uint16
	for ; len(b) >= 2 && len(out) < 256; b = b[2:] {
		if v := be16(b); !grease(v) {
			out = append(out, v)
		}
	}
	return out
}

// serverHello tells the version and the cipher that were agreed on; true where
// what follows is encrypted (TLS 1.3).
func serverHello(b []byte, r *Result) bool {
	c := cursor{b: b}
	version := uint16(c.u16())
	c.skip(32)
	c.skip(c.u8())
	cipher := c.u16()
	c.skip(1)
	ext := cursor{b: c.take(c.u16())}
	for n := 0; n < maxTLSExtensions && ext.ok(4); n++ {
		kind, body := ext.u16(), ext.take(ext.u16())
		if kind == 43 && len(body) == 2 {
			version = be16(body)
		}
	}
	name, known := map[uint16]string{0x0300: "SSL 3.0", 0x0301: "1.0", 0x0302: "1.1", 0x0303: "1.2", 0x0304: "1.3"}[version]
	if !known {
		name = "0x" + strconv.FormatUint(uint64(version), 16)
	}
	r.fact("tls-version", name)
	r.fact("tls-cipher", "0x"+hexList([]uint16{uint16(cipher)}))
	return version >= 0x0304
}

// cursor reads forward and never past the end: a short buffer gives zeros and
// the rest stays empty.
type cursor struct{ b []byte }

func (c *cursor) ok(n int) bool { return len(c.b) >= n }

func (c *cursor) skip(n int) { c.take(n) }

func (c *cursor) take(n int) []byte {
	n = max(min(n, len(c.b)), 0)
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

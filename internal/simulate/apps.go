package simulate

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// application is how one protocol talks on a conversation that is open.
type application struct {
	period time.Duration // between exchanges
	rounds int           // exchanges before the conversation is closed and opened again
	hello  func(f *fabric, c *session)
	talk   func(f *fabric, c *session, n int)
}

var be, le = binary.BigEndian, binary.LittleEndian

// applications by the names that the port file uses. Periods are those of a
// quiet plant: a real one polls faster, and says the same.
var applications = map[string]application{
	"modbus": {10 * time.Second, 240, nil, modbusTalk},
	"s7comm": {8 * time.Second, 240, s7Hello, s7Talk},
	"enip":   {10 * time.Second, 240, enipHello, enipTalk},
	"rtsp":   {30 * time.Second, 120, rtspHello, rtspTalk},
	"tls":    {4 * time.Minute, 1, tlsHello, tlsTalk},
	"smb":    {3 * time.Minute, 6, smbHello, smbTalk},
	"tds":    {90 * time.Second, 60, tdsHello, tdsTalk},
	"rdp":    {25 * time.Minute, 1, rdpHello, nil},
	"ssh":    {30 * time.Minute, 1, sshHello, nil},
}

// modbusTalk reads ten holding registers (Modbus Application Protocol 1.1b3, 6.3).
func modbusTalk(f *fabric, c *session, n int) {
	req := []byte{0, 0, 0, 0, 0, 6, 1, 3, 0, 0, 0, 10}
	be.PutUint16(req, uint16(n+1))
	ans := make([]byte, 9+20)
	copy(ans, []byte{req[0], req[1], 0, 0, 0, 23, 1, 3, 20})
	for i := range 10 {
		be.PutUint16(ans[9+2*i:], uint16(f.r.IntN(4096)))
	}
	c.exchange(req, ans)
}

// tpkt wraps a COTP unit (RFC 1006).
func tpkt(b []byte) []byte {
	n := len(b) + 4
	return append([]byte{3, 0, byte(n >> 8), byte(n)}, b...)
}

// s7Hello opens the ISO transport connection to rack 0, slot 2 and agrees on 480 byte PDUs.
func s7Hello(_ *fabric, c *session) {
	c.exchange(tpkt([]byte{17, 0xe0, 0, 0, 0, 1, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2}),
		tpkt([]byte{17, 0xd0, 0, 1, 0, 2, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2}))
	c.exchange(tpkt([]byte{2, 0xf0, 0x80, 0x32, 1, 0, 0, 0, 0, 0, 8, 0, 0, 0xf0, 0, 0, 1, 0, 1, 1, 0xe0}),
		tpkt([]byte{2, 0xf0, 0x80, 0x32, 3, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0xf0, 0, 0, 1, 0, 1, 1, 0xe0}))
}

// s7Talk reads 16 bytes of data block 10.
func s7Talk(f *fabric, c *session, n int) {
	ref := uint16(n + 1)
	req := []byte{2, 0xf0, 0x80, 0x32, 1, 0, 0, byte(ref >> 8), byte(ref), 0, 14, 0, 0, 4, 1, 0x12, 10, 0x10, 2, 0, 16, 0, 10, 0x84, 0, 0, 0}
	ans := append([]byte{2, 0xf0, 0x80, 0x32, 3, 0, 0, byte(ref >> 8), byte(ref), 0, 2, 0, 20, 0, 0, 4, 1, 0xff, 4, 0, 128}, make([]byte, 16)...)
	le.PutUint64(ans[len(ans)-8:], f.r.Uint64())
	c.exchange(tpkt(req), tpkt(ans))
}

// encapsulate makes an EtherNet/IP frame (CIP volume 2, 2-3).
func encapsulate(command uint16, session uint32, data []byte) []byte {
	b := make([]byte, 24, 24+len(data))
	le.PutUint16(b, command)
	le.PutUint16(b[2:], uint16(len(data)))
	le.PutUint32(b[4:], session)
	return append(b, data...)
}

func enipHello(_ *fabric, c *session) {
	data := []byte{1, 0, 0, 0}
	c.exchange(encapsulate(0x65, 0, data), encapsulate(0x65, c.handle(), data))
}

// handle is the EtherNet/IP session that the server gave: the same for one conversation.
func (c *session) handle() uint32 { return 0x1000_0000 | uint32(c.cport) }

// enipTalk reads a tag, as a SCADA server polls.
func enipTalk(f *fabric, c *session, _ int) { enipRead(f, c) }

func rtspHello(f *fabric, c *session) {
	uri := "rtsp://" + c.server.ip.String() + "/stream1"
	c.exchange(rtsp("OPTIONS", uri, 1, ""), rtspAnswer(1, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n"))
	c.exchange(rtsp("SETUP", uri, 2, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"), rtspAnswer(2, fmt.Sprintf("Session: %08X;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", f.r.Uint32())))
	c.exchange(rtsp("PLAY", uri, 3, ""), rtspAnswer(3, ""))
}

// rtspTalk keeps the stream alive; the pictures themselves are left out, as a
// sensor with a capture filter would.
func rtspTalk(_ *fabric, c *session, n int) {
	c.exchange(rtsp("GET_PARAMETER", "rtsp://"+c.server.ip.String()+"/stream1", n+4, ""), rtspAnswer(n+4, ""))
}

func rtsp(method, uri string, seq int, more string) []byte {
	return fmt.Appendf(nil, "%s %s RTSP/1.0\r\nCSeq: %d\r\n%s\r\n", method, uri, seq, more)
}

func rtspAnswer(seq int, more string) []byte {
	return fmt.Appendf(nil, "RTSP/1.0 200 OK\r\nCSeq: %d\r\n%s\r\n", seq, more)
}

// record is one TLS record (RFC 8446, 5.1).
func record(kind byte, body []byte) []byte {
	return append([]byte{kind, 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)
}

func handshake(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// tlsHello is a TLS 1.3 handshake: hellos in clear, the rest as application data.
func tlsHello(f *fabric, c *session) {
	name := strings.ReplaceAll(c.server.id, "_", "-") + ".saltmere.example"
	if c.server.id == "" {
		name = "service.example"
	}
	client := append([]byte{3, 3}, f.noise(32)...)
	client = append(client, 32)
	client = append(client, f.noise(32)...)
	client = append(client, 0, 6, 0x13, 1, 0x13, 2, 0xc0, 0x2f, 1, 0)
	var ext []byte
	add := func(kind uint16, body []byte) {
		ext = be.AppendUint16(ext, kind)
		ext = be.AppendUint16(ext, uint16(len(body)))
		ext = append(ext, body...)
	}
	sni := be.AppendUint16(nil, uint16(len(name)+3))
	sni = append(be.AppendUint16(append(sni, 0), uint16(len(name))), name...)
	add(0, sni)
	add(10, []byte{0, 2, 0, 0x1d})
	add(13, []byte{0, 4, 4, 3, 8, 4})
	add(43, []byte{4, 3, 4, 3, 3})
	add(51, append([]byte{0, 36, 0, 0x1d, 0, 32}, f.noise(32)...))
	client = append(be.AppendUint16(client, uint16(len(ext))), ext...)
	server := append([]byte{3, 3}, f.noise(32)...)
	server = append(server, 32)
	server = append(server, f.noise(32)...)
	server = append(server, 0x13, 1, 0, 0, 46, 0, 43, 0, 2, 3, 4, 0, 51, 0, 36, 0, 0x1d, 0, 32)
	server = append(server, f.noise(32)...)
	hello := record(22, handshake(1, client))
	hello[2] = 1 // the record version of a first ClientHello
	answer := append(record(22, handshake(2, server)), record(20, []byte{1})...)
	c.exchange(hello, append(answer, record(23, f.noise(1180))...))
	c.send(true, append(record(20, []byte{1}), record(23, f.noise(53))...))
}

func tlsTalk(f *fabric, c *session, _ int) {
	c.exchange(record(23, f.noise(200+f.r.IntN(400))), record(23, f.noise(200+f.r.IntN(1000))))
}

// smb2 is a NetBIOS session message with an SMB2 header ([MS-SMB2] 2.2.1.2).
func smb2(command uint16, answer bool, id uint64, body []byte) []byte {
	h := make([]byte, 64)
	copy(h, "\xfeSMB")
	le.PutUint16(h[4:], 64)
	le.PutUint16(h[12:], command)
	le.PutUint16(h[14:], 1)
	if answer {
		h[16] = 1
	}
	le.PutUint64(h[24:], id)
	n := len(h) + len(body)
	return append(append([]byte{0, byte(n >> 16), byte(n >> 8), byte(n)}, h...), body...)
}

func smbHello(f *fabric, c *session) {
	req := append([]byte{36, 0, 2, 0, 1, 0, 0, 0, 0x7f, 0, 0, 0}, f.noise(16)...)
	req = append(req, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0x10, 2)
	ans := append([]byte{65, 0, 1, 0, 0x10, 2, 0, 0}, f.noise(16)...)
	ans = append(ans, make([]byte, 41)...)
	c.exchange(smb2(0, false, 0, req), smb2(0, true, 0, ans))
}

// smbTalk is an encrypted exchange after the negotiation ([MS-SMB2] 2.2.41).
func smbTalk(f *fabric, c *session, _ int) {
	sealed := func(n int) []byte {
		body := f.noise(48 + n)
		b := append([]byte{0, 0, byte((52 + n) >> 8), byte(52 + n), 0xfd, 'S', 'M', 'B'}, body...)
		le.PutUint32(b[4+36:], uint32(n))
		return b
	}
	c.exchange(sealed(104), sealed(900))
}

// tdsHello is the prelogin of SQL Server ([MS-TDS] 2.2.6.5) with encryption required.
func tdsHello(f *fabric, c *session) {
	prelogin := func(kind byte) []byte {
		b := []byte{kind, 1, 0, 0, 0, 0, 1, 0, 0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 15, 0, 7, 0xd0, 0, 0, 1}
		b[3] = byte(len(b))
		return b
	}
	c.exchange(prelogin(0x12), prelogin(0x04))
	_ = f
}

func tdsTalk(f *fabric, c *session, _ int) {
	c.exchange(record(23, f.noise(150+f.r.IntN(250))), record(23, f.noise(120+f.r.IntN(700))))
}

func rdpHello(f *fabric, c *session) {
	neg := []byte{1, 0, 8, 0, 3, 0, 0, 0}
	ans := []byte{2, 0, 8, 0, 2, 0, 0, 0}
	c.exchange(tpkt(append([]byte{14, 0xe0, 0, 0, 0, 0, 0}, neg...)), tpkt(append([]byte{14, 0xd0, 0, 0, 0x12, 0x34, 0}, ans...)))
	tlsHello(f, c)
	tlsTalk(f, c, 0)
}

func sshHello(f *fabric, c *session) {
	c.exchange([]byte("SSH-2.0-OpenSSH_9.2\r\n"), []byte("SSH-2.0-OpenSSH_8.4\r\n"))
	body := f.noise(300)
	be.PutUint32(body, 296)
	body[4], body[5] = 6, 20
	c.exchange(body, body)
}

// dnsAsk is a query for an address and its answer (RFC 1035, 4.1).
func dnsAsk(f *fabric, client, server station, name string) {
	id := uint16(f.r.Uint32())
	q := be.AppendUint16(nil, id)
	q = append(q, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	for label := range strings.SplitSeq(name, ".") {
		q = append(append(q, byte(len(label))), label...)
	}
	q = append(q, 0, 0, 1, 0, 1)
	a := append([]byte(nil), q...)
	a[2], a[3], a[7] = 0x81, 0x80, 1
	a = append(a, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 10, 20, 10, byte(10+f.r.IntN(13)))
	port := f.port()
	f.datagram(client, server, port, 53, q)
	f.datagram(server, client, 53, port, a)
}

// ntpAsk is a client and a server packet (RFC 5905, 7.3).
func ntpAsk(f *fabric, client, server station) {
	stamp := func(b []byte, t time.Time) {
		be.PutUint32(b, uint32(t.Unix()+2_208_988_800))
		be.PutUint32(b[4:], uint32(uint64(t.Nanosecond())<<32/1_000_000_000))
	}
	q := make([]byte, 48)
	q[0], q[2] = 4<<3|3, 6
	stamp(q[40:], f.s.now)
	a := make([]byte, 48)
	a[0], a[1], a[2], a[3] = 4<<3|4, 2, 6, 0xec
	copy(a[24:32], q[40:])
	stamp(a[32:], f.s.now.Add(200*time.Microsecond))
	stamp(a[40:], f.s.now.Add(230*time.Microsecond))
	port := f.port()
	f.datagram(client, server, port, 123, q)
	f.datagram(server, client, 123, port, a)
}

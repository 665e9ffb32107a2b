package simulate

import "fmt"

// readMachine is one poll.
func readMachine(f *fabric, c *session, app string, n int) {
	switch app {
	case "modbus":
		modbusTalk(f, c, n)
	case "s7comm":
		s7Talk(f, c, n)
	case "enip":
		enipRead(f, c)
	}
}

// writeMachine changes one value.
func writeMachine(f *fabric, c *session, app string, n int) {
	switch app {
	case "modbus": // write single register (Modbus Application Protocol 1.1b3, 6.6): the answer repeats the request
		b := []byte{0, 0, 0, 0, 0, 6, 1, 6, 0, 40, 0, 0}
		be.PutUint16(b, uint16(n+1))
		be.PutUint16(b[10:], uint16(f.r.IntN(4096)))
		c.exchange(b, b)
	case "s7comm": // write two bytes of data block 10
		ref := uint16(n + 1)
		req := []byte{2, 0xf0, 0x80, 0x32, 1, 0, 0, byte(ref >> 8), byte(ref), 0, 14, 0, 6, 5, 1, 0x12, 10, 0x10, 2, 0, 2, 0, 10, 0x84, 0, 0, 0, 0, 4, 0, 16, 0, 0}
		be.PutUint16(req[len(req)-2:], uint16(f.r.IntN(4096)))
		c.exchange(tpkt(req), tpkt([]byte{2, 0xf0, 0x80, 0x32, 3, 0, 0, byte(ref >> 8), byte(ref), 0, 2, 0, 1, 0, 0, 5, 1, 0xff}))
	case "enip": // write tag, one DINT
		req := append([]byte{0x4d, byte(len(tagPath) / 2)}, tagPath...)
		req = append(req, 0xc4, 0, 1, 0)
		c.exchange(c.unconnected(le.AppendUint32(req, f.r.Uint32())), c.unconnected([]byte{0xcd, 0, 0, 0}))
	}
}

// tagPath names the tag LEVEL_01 by an ANSI extended symbol segment (CIP volume 1, appendix C).
var tagPath = append([]byte{0x91, 8}, "LEVEL_01"...)

// unconnected wraps a CIP message into SendRRData (CIP volume 2, 2-4.7).
func (c *session) unconnected(cip []byte) []byte {
	b := []byte{0, 0, 0, 0, 5, 0, 2, 0, 0, 0, 0, 0, 0xb2, 0, byte(len(cip)), byte(len(cip) >> 8)}
	return encapsulate(0x6f, c.handle(), append(b, cip...))
}

// enipRead reads a tag of one DINT (Logix5000 Data Access, Read Tag).
func enipRead(f *fabric, c *session) {
	req := append([]byte{0x4c, byte(len(tagPath) / 2)}, tagPath...)
	c.exchange(c.unconnected(append(req, 1, 0)), c.unconnected(le.AppendUint32([]byte{0xcc, 0, 0, 0, 0xc4, 0}, f.r.Uint32())))
}

// compareProgram copies a part of the program out of the machine, as the
// comparison with the project on file does.
func compareProgram(f *fabric, c *session, app string) {
	if app == "enip" {
		// File object, class 0x37: initiate upload, then three transfers. The clause of CIP volume 1 was not looked up.
		file := []byte{0x20, 0x37, 0x24, 1}
		c.exchange(c.unconnected(append(append([]byte{0x4b, 2}, file...), 200)), c.unconnected([]byte{0xcb, 0, 0, 0, 0x58, 2, 0, 0, 200}))
		for n := range 3 {
			c.exchange(c.unconnected(append(append([]byte{0x4f, 2}, file...), byte(n))), c.unconnected(append([]byte{0xcf, 0, 0, 0, byte(n), byte(min(n, 2))}, f.noise(200)...)))
		}
		return
	}
	for block := range 3 {
		s7Upload(f, c, block+1)
	}
}

// s7Upload copies one function block out: start upload, upload, end upload.
func s7Upload(f *fabric, c *session, block int) {
	job := func(param []byte) []byte {
		return tpkt(append([]byte{2, 0xf0, 0x80, 0x32, 1, 0, 0, 0, byte(block), 0, byte(len(param)), 0, 0}, param...))
	}
	ack := func(param, data []byte) []byte {
		b := []byte{2, 0xf0, 0x80, 0x32, 3, 0, 0, 0, byte(block), 0, byte(len(param)), byte(len(data) >> 8), byte(len(data)), 0, 0}
		return tpkt(append(append(b, param...), data...))
	}
	name := fmt.Appendf([]byte{9}, "_0C%05dA", block)
	c.exchange(job(append([]byte{0x1d, 0, 0, 0, 0, 0, 0, 0}, name...)), ack([]byte{0x1d, 0, 1, 0, 0, 0, 0, 7, 7, '0', '0', '0', '0', '2', '0', '0'}, nil))
	data := append([]byte{0, 200, 0, 0xfb}, f.noise(200)...)
	c.exchange(job([]byte{0x1e, 0, 0, 0, 0, 0, 0, 7}), ack([]byte{0x1e, 0}, data))
	c.exchange(job([]byte{0x1f, 0, 0, 0, 0, 0, 0, 7}), ack([]byte{0x1f}, nil))
}

// s7Download loads a block into the machine: the machine itself asks for the
// parts once the request is accepted.
func s7Download(f *fabric, c *session, block int) {
	name := fmt.Appendf([]byte{9}, "_0C%05dP", block)
	head := func(kind byte, ref, param, data int) []byte {
		b := []byte{2, 0xf0, 0x80, 0x32, kind, 0, 0, 0, byte(ref), 0, byte(param), byte(data >> 8), byte(data)}
		if kind == 3 {
			b = append(b, 0, 0)
		}
		return b
	}
	request := append(append([]byte{0x1a, 0, 1, 0, 0, 0, 0, 0}, name...), "\x0d1000200000100"...)
	c.exchange(tpkt(append(head(1, block, len(request), 0), request...)), tpkt(append(head(3, block, 1, 0), 0x1a)))
	part := append([]byte{0x1b, 0, 0, 0, 0, 0, 0, 0}, name...)
	data := append([]byte{0, 200, 0, 0xfb}, f.noise(200)...)
	c.send(false, tpkt(append(head(1, 40+block, len(part), 0), part...)))
	c.send(true, tpkt(append(append(head(3, 40+block, 2, len(data)), 0x1b, 0), data...)))
	end := append([]byte{0x1c, 0, 0, 0, 0, 0, 0, 0}, name...)
	c.send(false, tpkt(append(head(1, 80+block, len(end), 0), end...)))
	c.send(true, tpkt(append(head(3, 80+block, 1, 0), 0x1c)))
	insert := append([]byte{0x28, 0, 0, 0, 0, 0, 0, 0xfd, 0, 10, 1, 0}, fmt.Sprintf("0C%05dP", block)...)
	insert = append(insert, 5)
	insert = append(insert, "_INSE"...)
	c.exchange(tpkt(append(head(1, 120+block, len(insert), 0), insert...)), tpkt(append(head(3, 120+block, 1, 0), 0x28)))
}

package ics

// The binary encoding of OPC UA (OPC 10000-6 clause 5.2), as a cursor reads it.

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

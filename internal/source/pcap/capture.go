package pcap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Bounds of a capture file.
const (
	maxFrame      = 256 << 10 // bytes of one packet; more is a damaged record
	maxBlock      = 16 << 20  // bytes of a pcapng block that is skipped
	maxInterfaces = 1024      // of one pcapng section
	readAhead     = maxFrame + 4096
)

// frame is one captured packet. data is valid until the next one is read.
type frame struct {
	number int64 // from 1
	start  int64 // where its record begins, bytes from the start of the file
	end    int64 // where the next one does
	offset int64 // of the packet's bytes
	time   int64 // nanoseconds since 1970, UTC; 0 where the capture tells none
	link   uint32
	data   []byte
	wire   int // bytes on the wire, at least len(data)
}

// errNotCapture means that the first bytes are no capture of a known form.
var errNotCapture = errors.New("not a pcap or pcapng capture")

// DamageError says where a capture stops being readable. What was read before
// it stands.
type DamageError struct {
	Input  string
	Packet int64 // the last whole packet; 0 where there was none
	Offset int64 // bytes from the start where the damage begins
	Why    string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s: %s after packet %d (offset %d): what was read before it stands; write the capture again, or cut it there with editcap",
		e.Input, e.Why, e.Packet, e.Offset)
}

// capture reads packets from a pcap (draft-ietf-opsawg-pcap) or pcapng
// (draft-ietf-opsawg-pcapng) stream.
type capture struct {
	name   string
	w      window
	offset int64
	number int64
	start  int64 // offset and number of packets before the packet or block that is read now
	before int64
	order  binary.ByteOrder
	ng     bool
	// classic
	link uint32
	nano bool
	// pcapng: of the present section
	interfaces []netInterface
}

type netInterface struct {
	link    uint32
	snaplen uint32
	perSec  uint64 // units of the timestamps
	shift   int64  // seconds to add
}

// IsCapture reports whether a file that begins so is a capture that can be read.
func IsCapture(head []byte) bool { return len(head) >= 4 && isCapture(head[:4]) }

// isCapture reports whether b, the first four bytes, begin a capture.
func isCapture(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	switch binary.LittleEndian.Uint32(b) {
	case 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a:
		return true
	}
	return false
}

// openCapture reads the header of the stream.
func openCapture(r io.Reader, name string) (*capture, error) {
	c := &capture{name: name, w: window{src: r, buf: make([]byte, readAhead)}}
	magic, err := c.w.peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: reading: %w", name, err)
	}
	if !isCapture(magic) {
		return nil, fmt.Errorf("%s: %w", name, errNotCapture)
	}
	if binary.LittleEndian.Uint32(magic) == 0x0a0d0d0a {
		c.ng = true
		return c, nil
	}
	c.order = binary.LittleEndian
	if magic[0] == 0xa1 {
		c.order = binary.BigEndian
	}
	c.nano = c.order.Uint32(magic) == 0xa1b23c4d
	head, err := c.take(24)
	if err != nil {
		return nil, c.damage("the file header is cut off")
	}
	c.link = c.order.Uint32(head[20:]) & 0xffff // the high bits tell of a frame check sequence
	return c, nil
}

func (c *capture) damage(why string) error {
	return &DamageError{Input: c.name, Packet: c.number, Offset: c.offset, Why: why}
}

// take gives the next n bytes, n at most maxFrame plus a header.
func (c *capture) take(n int) ([]byte, error) {
	b, err := c.w.peek(n)
	if err != nil {
		return nil, err
	}
	c.w.at += n
	c.offset += int64(n)
	return b, nil
}

// next reads one packet into f: io.EOF at a clean end, a *DamageError at a
// bad one, the reader's own error where reading failed.
func (c *capture) next(f *frame) error {
	if c.ng {
		return c.nextBlock(f)
	}
	c.start, c.before = c.offset, c.number
	if err := c.atEnd(); err != nil {
		return err
	}
	head, err := c.take(16)
	if err != nil {
		return c.cut(err, "the capture is cut off in a packet header")
	}
	sec, frac := c.order.Uint32(head), c.order.Uint32(head[4:])
	caplen, wire := c.order.Uint32(head[8:]), c.order.Uint32(head[12:])
	if caplen > maxFrame {
		c.offset -= 16
		return c.damage(fmt.Sprintf("a packet claims %d bytes, more than %d", caplen, maxFrame))
	}
	f.offset = c.offset
	if f.data, err = c.take(int(caplen)); err != nil {
		return c.cut(err, "the capture is cut off in the middle of a packet")
	}
	unit := int64(1000)
	if c.nano {
		unit = 1
	}
	c.number++
	f.number, f.start, f.end, f.link, f.wire = c.number, c.start, c.offset, c.link, max(int(wire), int(caplen))
	f.time = int64(sec)*1e9 + int64(frac)*unit
	return nil
}

// atEnd tells a clean end from one in the middle.
func (c *capture) atEnd() error {
	_, err := c.w.peek(1)
	return err
}

// cut turns an end of input in the middle of something into damage.
func (c *capture) cut(err error, why string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return c.damage(why)
	}
	return fmt.Errorf("%s: reading packet %d: %w", c.name, c.number+1, err)
}

// nextBlock reads pcapng blocks until one holds a packet.
func (c *capture) nextBlock(f *frame) error {
	for {
		kind, length, err := c.blockHead()
		if err != nil {
			return err
		}
		if kind == 1 || isPacket(kind) {
			if int(length) > readAhead {
				return c.damage(fmt.Sprintf("a packet block claims %d bytes, more than %d", length, readAhead))
			}
			block, err := c.take(int(length))
			if err != nil {
				return c.cut(err, "the capture is cut off in the middle of a packet")
			}
			found, err := c.block(kind, block[8:length-4], c.start+8, f)
			if found || err != nil {
				return err
			}
			continue
		}
		if err := c.skip(length); err != nil {
			return err
		}
	}
}

// skim reads sections and interfaces to the end, and leaves the packets out.
func (c *capture) skim() error {
	for {
		kind, length, err := c.blockHead()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case kind != 1 || length > readAhead:
			if err := c.skip(length); err != nil {
				return err
			}
			continue
		}
		block, err := c.take(int(length))
		if err != nil {
			return c.cut(err, "the capture is cut off in an interface block")
		}
		if _, err := c.block(kind, block[8:length-4], c.start+8, nil); err != nil {
			return err
		}
	}
}

func isPacket(kind uint32) bool { return kind == 2 || kind == 3 || kind == 6 }

// blockHead reads kind and length of the block that begins here, and takes a
// section header into account. The block itself is still to be read.
func (c *capture) blockHead() (kind, length uint32, err error) {
	c.start, c.before = c.offset, c.number
	if err := c.atEnd(); err != nil {
		return 0, 0, err
	}
	head, err := c.w.peek(12)
	if err != nil {
		return 0, 0, c.cut(err, "the capture is cut off in a block header")
	}
	if binary.LittleEndian.Uint32(head) == 0x0a0d0d0a {
		if err := c.section(head); err != nil {
			return 0, 0, err
		}
	}
	if c.order == nil {
		return 0, 0, c.damage("the capture does not begin with a section header")
	}
	kind, length = c.order.Uint32(head), c.order.Uint32(head[4:])
	if length < 12 || length%4 != 0 || length > maxBlock {
		return 0, 0, c.damage(fmt.Sprintf("a block claims %d bytes", length))
	}
	return kind, length, nil
}

// skip leaves out the block that begins here.
func (c *capture) skip(length uint32) error {
	n, err := c.w.discard(int(length))
	c.offset += int64(n)
	if err != nil {
		return c.cut(err, "the capture is cut off in the middle of a block")
	}
	return nil
}

// section begins a new section: its byte order, and no interfaces yet.
func (c *capture) section(head []byte) error {
	switch binary.LittleEndian.Uint32(head[8:]) {
	case 0x1a2b3c4d:
		c.order = binary.LittleEndian
	case 0x4d3c2b1a:
		c.order = binary.BigEndian
	default:
		return c.damage("a section header has no byte order magic")
	}
	c.interfaces = c.interfaces[:0]
	return nil
}

// block reads the body of an interface or packet block that begins at offset.
func (c *capture) block(kind uint32, b []byte, offset int64, f *frame) (bool, error) {
	switch kind {
	case 1:
		if len(b) < 8 || len(c.interfaces) >= maxInterfaces {
			return false, c.damage("an interface block is too short, or there are more than 1024")
		}
		c.interfaces = append(c.interfaces, c.readInterface(b))
		return false, nil
	case 3: // simple packet: no time
		if len(b) < 4 || len(c.interfaces) == 0 {
			return false, c.damage("a simple packet block without an interface")
		}
		in := c.interfaces[0]
		wire := c.order.Uint32(b)
		n := min(int64(wire), int64(len(b)-4))
		if in.snaplen > 0 {
			n = min(n, int64(in.snaplen))
		}
		return true, c.packet(f, in, 0, b[4:4+n], wire, offset+4)
	}
	if len(b) < 20 {
		return false, c.damage("a packet block is too short")
	}
	id := c.order.Uint32(b)
	if kind == 2 { // obsolete packet block: interface in 16 bits, then drops
		id = uint32(c.order.Uint16(b))
	}
	if int64(id) >= int64(len(c.interfaces)) {
		return false, c.damage(fmt.Sprintf("a packet is of interface %d, which was not declared", id))
	}
	in := c.interfaces[id]
	stamp := uint64(c.order.Uint32(b[4:]))<<32 | uint64(c.order.Uint32(b[8:]))
	caplen, wire := c.order.Uint32(b[12:]), c.order.Uint32(b[16:])
	if int64(caplen) > int64(len(b)-20) {
		return false, c.damage("a packet is longer than its block")
	}
	return true, c.packet(f, in, in.nanoseconds(stamp), b[20:20+caplen], wire, offset+20)
}

func (c *capture) packet(f *frame, in netInterface, at int64, data []byte, wire uint32, offset int64) error {
	c.number++
	*f = frame{number: c.number, start: c.start, end: c.offset, offset: offset, time: at, link: in.link, data: data, wire: max(int(wire), len(data))}
	return nil
}

// readInterface reads link type, snap length and the options for time.
func (c *capture) readInterface(b []byte) netInterface {
	in := netInterface{link: uint32(c.order.Uint16(b)), snaplen: c.order.Uint32(b[4:]), perSec: 1e6}
	for o, n := b[8:], 0; len(o) >= 4 && n < 64; n++ {
		code, l := c.order.Uint16(o), int(c.order.Uint16(o[2:]))
		if code == 0 || len(o) < 4+l {
			break
		}
		value := o[4 : 4+l]
		switch {
		case code == 9 && l == 1:
			in.perSec = resolution(value[0])
		case code == 14 && l == 8:
			in.shift = int64(c.order.Uint64(value))
		}
		o = o[min(len(o), 4+(l+3)&^3):]
	}
	return in
}

// resolution is units a second: 10^-n, or 2^-n with the high bit set.
func resolution(v byte) uint64 {
	if v&0x80 != 0 {
		return 1 << min(v&0x7f, 62)
	}
	r := uint64(1)
	for range min(v, 18) {
		r *= 10
	}
	return r
}

// nanoseconds turns a timestamp into nanoseconds since 1970; beyond what 64
// bits hold (year 2262) it is 0, not told.
func (in netInterface) nanoseconds(stamp uint64) int64 {
	sec, frac := stamp/in.perSec, stamp%in.perSec
	if sec > math.MaxInt64/1_000_000_000-1 {
		return 0
	}
	ns := uint64(float64(frac) * (1e9 / float64(in.perSec)))
	if in.perSec <= 1e9 && 1e9%in.perSec == 0 {
		ns = frac * (1e9 / in.perSec)
	}
	return int64(sec)*1e9 + int64(ns) + in.shift*1e9
}

package ics_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/quaywatch/quaywatch/ics"
)

// check holds what must be true of any result, whatever the bytes were.
func check(t *testing.T, r *ics.Result, payload []byte) {
	t.Helper()
	if (r.Application == "") != (r.Why == "") {
		t.Errorf("name %q, reason %q", r.Application, r.Why)
	}
	if r.Application == "" && (len(r.Functions) > 0 || r.Operations != 0 || !r.Identity.IsZero()) {
		t.Errorf("told something of a protocol that was not recognised: %+v", r)
	}
	if len(r.Functions) > 128 {
		t.Errorf("%d functions", len(r.Functions))
	}
	for _, s := range []string{r.Identity.Name, r.Identity.Product, r.Identity.Serial, r.ServerName} {
		if len(s) > 3*256 || !utf8.ValidString(s) {
			t.Errorf("text %q is too long or no UTF-8", s)
		}
	}
	if len(r.Facts) > 32 || len(r.Behind) > 64 {
		t.Errorf("%d facts, %d devices behind, of %d bytes", len(r.Facts), len(r.Behind), len(payload))
	}
	for _, f := range r.Facts {
		if f.Name == "" || f.Value == "" || !utf8.ValidString(f.Value) {
			t.Errorf("fact %q", f)
		}
	}
	for _, d := range r.Behind {
		if d.Address == "" || !utf8.ValidString(d.Identity.Name+d.Identity.Product+d.Identity.Model) {
			t.Errorf("device %+v", d)
		}
	}
}

// fuzzPort fuzzes one protocol: two segments on its port, first asked, then answered.
func fuzzPort(f *testing.F, transport ics.Transport, port uint16, seeds ...string) {
	for _, s := range seeds {
		f.Add(unhex(f, s), unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, ask, answer []byte) {
		var c ics.Conversation
		var r ics.Result
		c.Inspect(ics.Segment{Transport: transport, Source: 50000, Destination: port, Payload: ask}, &r)
		check(t, &r, ask)
		c.Inspect(ics.Segment{Transport: transport, Source: port, Destination: 50000, Sender: ics.Second, Payload: answer}, &r)
		check(t, &r, answer)
		c.Inspect(ics.Segment{Transport: transport, Source: port, Destination: 50000, Sender: ics.Second, Seq: uint32(len(answer)), Payload: ask, Missing: 3}, &r)
		check(t, &r, ask)
	})
}

func FuzzModbus(f *testing.F) {
	fuzzPort(f, ics.TCP, 502, "0001000000060103000a000a", "00010000001201 2b 0e 01 01 00 00 01 00 04 41636d65 0000")
}

func FuzzS7(f *testing.F) {
	fuzzPort(f, ics.TCP, 102, "0300001902f08032010000000000080000f0000001000101e0",
		"0300002102f080320700000100000800080001120411440100ff09000400110000")
}

func FuzzENIP(f *testing.F) {
	fuzzPort(f, ics.TCP, 44818, "630000000000000000000000000000000000000000000000",
		"6f001600010000000000000000000000000000000000000000000000000002000000 0000b20006000102200124 01")
}

func FuzzENIPDatagram(f *testing.F) {
	fuzzPort(f, ics.UDP, 2222, "020002800800010000000100 0000b10002000000")
}

func FuzzTLS(f *testing.F) {
	fuzzPort(f, ics.TCP, 443, "160301002f0100002b0303000000000000000000000000000000000000000000000000000000000000000000000200130100")
}

func FuzzBACnet(f *testing.F) {
	fuzzPort(f, ics.UDP, 47808, "810b000c0120ffff00ff1008", "810a001c010030010c0c023fffff194d3e7506004f50454e343e3f3f",
		"810b00190120ffff00ff1000c40200006c2201e09103222a00")
}

func FuzzDNP3(f *testing.F) {
	fuzzPort(f, ics.TCP, 20000, "056405c001000004e921", "056414c40a00010002c3c2c40c01280100080003010164000000")
}

func FuzzHARTIP(f *testing.F) {
	fuzzPort(f, ics.TCP, 5094, "010000000002000d0100007530", "010003000003001182264e0000d2000038")
}

func FuzzFINSDatagram(f *testing.F) {
	fuzzPort(f, ics.UDP, 9600, "8000020000000000007a050100", "c000020000000000007a05010000"+strings.Repeat("41", 92))
}

func FuzzFINS(f *testing.F) {
	fuzzPort(f, ics.TCP, 9600, "46494e530000001400000002000000008000020000000000007a0402", "46494e530000001600000002000000 00c100020000000000007a04020000")
}

func FuzzOPCUA(f *testing.F) {
	fuzzPort(f, ics.TCP, 4840, "48454c463800000000000000ffff0000ffff000000000000000000001800 00006f70632e7463703a2f2f6c6f63616c686f73743a34383430",
		"4d5347465d000000010000000100000002000000020000000100ac010000"+strings.Repeat("00", 63))
}

func FuzzTextAndOthers(f *testing.F) {
	for _, s := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nServer: b\r\n\r\n", "DESCRIBE rtsp://c/ RTSP/1.0\r\n\r\n", "RTSP/1.0 200 OK\r\nServer: d\r\n\r\n", "SSH-2.0-e\r\n", "FINS0000000000000000", "HELF0000"} {
		f.Add(uint16(80), true, []byte(s))
	}
	f.Fuzz(func(t *testing.T, port uint16, tcp bool, b []byte) {
		s := ics.Segment{Transport: ics.UDP, Source: 50000, Destination: port, Payload: b}
		if tcp {
			s.Transport = ics.TCP
		}
		var c ics.Conversation
		var r ics.Result
		for range 3 {
			c.Inspect(s, &r)
			check(t, &r, b)
			s.Seq += uint32(len(b))
		}
	})
}

func FuzzLink(f *testing.F) {
	f.Add(unhex(f, "02070400 12bb0000010403057031060200780a0673776974636800 00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, ok := ics.LLDP(b)
		if !ok && id.Serial != "" && len(b) < 4 {
			t.Error("identity out of nothing")
		}
		if l, ok := ics.DHCP(b); ok && len(l.MAC) != 17 {
			t.Errorf("lease %+v", l)
		}
	})
}

// FuzzConversation plays a script: each step is a head of four bytes (side, port,
// jump in the sequence, length) and that many bytes of payload. Whatever was made
// known before, later segments may be anything.
func FuzzConversation(f *testing.F) {
	step := func(side, port, jump byte, payload []byte) []byte {
		return append([]byte{side, port, jump, byte(len(payload))}, payload...)
	}
	f.Add(true, append(step(0, 0, 0, unhex(f, "0300001611e00000000100c1020100c2020102c0010a")), step(1, 0, 3, unhex(f, "0300000d02f08032030000000000"))...))
	f.Add(true, append(step(0, 5, 0, unhex(f, "630000000000000000000000000000000000000000000000")), step(1, 5, 0, unhex(f, "6f0016000100000000000000"))...))
	f.Add(false, append(step(0, 8, 0, unhex(f, "810b000c0120ffff00ff1008")), step(1, 8, 0, unhex(f, "810a001c01003c010c0c023fffff194d3e7506004f50454e34"))...))
	f.Add(true, append(step(0, 4, 0, unhex(f, "4d534743200000000100000001000000020000000200000001006402")), step(0, 4, 0, unhex(f, "4d534746200000000100000001000000020000000200000001006402"))...))
	f.Fuzz(func(t *testing.T, tcp bool, script []byte) {
		var c ics.Conversation
		var r ics.Result
		seq := [2]uint32{}
		for len(script) >= 4 {
			side, port, jump := ics.Side(script[0]&1), industrialPorts[int(script[1])%len(industrialPorts)], uint32(script[2]&3)
			n := min(int(script[3]), len(script)-4)
			payload := script[4 : 4+n]
			script = script[4+n:]
			s := ics.Segment{Transport: ics.UDP, Source: 50000, Destination: port, Sender: side, Seq: seq[side] + jump, Payload: payload}
			if tcp {
				s.Transport = ics.TCP
			}
			if side == ics.Second {
				s.Source, s.Destination = s.Destination, s.Source
			}
			seq[side] += uint32(n) + jump
			before := c.Application()
			c.Inspect(s, &r)
			check(t, &r, payload)
			if now := c.Application(); before != "" && family(now) != family(before) {
				t.Errorf("%s became %s", before, now)
			}
		}
	})
}

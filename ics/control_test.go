package ics_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/ics"
)

// facts as a map, for comparison.
func factsOf(r *ics.Result) map[string]string {
	out := map[string]string{}
	for _, f := range r.Facts {
		out[f.Name] = f.Value
	}
	return out
}

// TestBACnetYouAre: the supervisor gives a device its identity (ASHRAE 135 clause
// 16.11), so that who sends it is the client; who asks for one is the device.
func TestBACnetYouAre(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		request       bool
		ops           ics.Operations
	}{
		{"you-are", "810a 0012 0100 100e 210f 7503004d31 7103", true, ics.Write},
		{"who-am-i", "810b 0011 0100 100d 210f 7503004d31 71", false, ics.Identify},
	} {
		b := unhex(t, c.payload)
		b[3] = byte(len(b)) // of the virtual link
		var r ics.Result
		ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 47808, Destination: 47808, Payload: b}, &r)
		if len(r.Functions) != 1 || r.Functions[0].Name != c.name || r.Functions[0].Request != c.request || r.Functions[0].Operations != c.ops {
			t.Errorf("%s: %+v (%s)", c.name, r.Functions, r.Why)
		}
	}
}

func TestIEC104(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		want          string // functions with operations
		sender        ics.Role
	}{
		{"start of transfer", "68 04 07 00 00 00", "STARTDT act:", ics.RoleClient},
		{"confirmed", "68 04 0b 00 00 00", "STARTDT con:", ics.RoleServer},
		{"end of transfer", "68 04 13 00 00 00", "STOPDT act:", ics.RoleClient},
		{"end confirmed", "68 04 23 00 00 00", "STOPDT con:", ics.RoleServer},
		{"test", "68 04 43 00 00 00", "TESTFR act:", ics.RoleUnknown},
		{"test confirmed", "68 04 83 00 00 00", "TESTFR con:", ics.RoleUnknown},
		{"no control function", "68 04 0f 00 00 00", "", ics.RoleUnknown},
		{"interrogation", "68 0e 00 00 00 00 64 01 06 00 0a 00 000000 14", "interrogation:read", ics.RoleClient},
		{"measured values", "68 13 02 00 02 00 0d 01 03 00 0a 00 010000 0000c842 00 68 04 01 00 02 00", "", 0}, // wrong length
		{"single command", "68 0e 04 00 02 00 2d 01 06 00 0a 00 010300 01", "single command:write", ics.RoleClient},
		{"command confirmed", "68 0e 04 00 02 00 2d 01 07 00 0a 00 010300 01", "single command:write", ics.RoleServer},
		{"command refused", "68 0e 04 00 02 00 2d 01 47 00 0a 00 010300 01", "!single command:write", ics.RoleServer},
		{"clock", "68 14 06 00 02 00 67 01 06 00 0a 00 000000 0000000a01011a", "clock synchronization:set-time", ics.RoleClient},
		{"reset", "68 0e 08 00 02 00 69 01 06 00 0a 00 000000 01", "reset process:start", ics.RoleClient},
		{"two in one segment", "68 0e 00 00 00 00 64 01 06 00 0a 00 000000 14 68 04 43 00 00 00", "interrogation:read TESTFR act:", ics.RoleClient},
		{"file called for", "68 11 08 00 02 00 7a 01 0d 00 0a 00 010000 0100 00 02", "call directory, select file, call file:upload", ics.RoleUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r ics.Result
			ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 12404, Payload: unhex(t, c.payload)}, &r)
			var got []string
			for _, f := range r.Functions {
				got = append(got, map[bool]string{true: "!"}[f.Failed]+f.Name+":"+f.Operations.String())
			}
			if c.name == "file called for" { // who sends it is not in the message: the port tells
				ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 2404, Payload: unhex(t, c.payload)}, &r)
				if r.Sender != ics.RoleClient || r.Operations != ics.Upload {
					t.Errorf("on its port: sender %d operations %s", r.Sender, r.Operations)
				}
				return
			}
			if s := strings.Join(got, " "); s != c.want || r.Sender != c.sender {
				t.Errorf("%q sender %d, want %q %d (%s)", s, r.Sender, c.want, c.sender, r.Why)
			}
		})
	}
}

// phasorFrame adds a checksum that is worked out bit by bit.
func phasorFrame(kind byte, body []byte) []byte {
	b := concat([]byte{0xaa, kind<<4 | 1}, be(uint16(14+len(body)+2)), be(uint16(7)), be(uint32(1700000000)), be(uint32(0)), body)
	crc := uint16(0xffff)
	for _, c := range b {
		for bit := 7; bit >= 0; bit-- {
			in := c>>bit&1 != 0
			top := crc&0x8000 != 0
			crc <<= 1
			if in != top {
				crc ^= 0x1021
			}
		}
	}
	return concat(b, be(crc))
}

func TestSynchrophasor(t *testing.T) {
	unit := concat([]byte("QUAY SUBSTATION "), be(uint16(7)), be(uint16(0)), be(uint16(1)), be(uint16(0)), be(uint16(0)),
		[]byte("VA              "), be(uint32(0)), be(uint16(0)), be(uint16(1)))
	frame := phasorFrame(3, concat(be(uint32(1000000)), be(uint16(1)), unit, be(uint16(30))))
	var r ics.Result
	ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 4712, Destination: 50000, Payload: frame}, &r)
	if r.Application != "c37.118" || r.Identity.Name != "QUAY SUBSTATION" || factsOf(&r)["c37.118-id"] != "7" || r.Operations != ics.Identify {
		t.Errorf("%+v", r)
	}
	ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 50000, Destination: 4713, Payload: phasorFrame(4, be(uint16(2)))}, &r)
	if r.Application != "c37.118" || r.Functions[0].Name != "turn on transmission" || r.Sender != ics.RoleClient {
		t.Errorf("%+v", r)
	}
	frame[20]++
	if ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 4712, Destination: 50000, Payload: frame}, &r); r.Application != "" {
		t.Errorf("a wrong checksum is named %s", r.Application)
	}
	two := concat(be(uint32(1000000)), be(uint16(2)), unit, unit, be(uint16(30)))
	ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 4712, Destination: 50000, Payload: phasorFrame(3, two)}, &r)
	if len(r.Behind) != 2 || !r.Identity.IsZero() || r.Behind[1].Identity.Name != "QUAY SUBSTATION" {
		t.Errorf("a concentrator's stations: %+v", r)
	}
}

// crcBits is the checksum of DNP3 worked out bit by bit, apart from ours.
func crcBits(b []byte) []byte {
	var crc uint16
	for _, c := range b {
		for bit := range 8 {
			if (crc^uint16(c>>bit))&1 != 0 {
				crc = crc>>1 ^ 0xa6bc
			} else {
				crc >>= 1
			}
		}
	}
	return le(^crc)
}

// dnp3Frame is one link frame with one transport segment.
func dnp3Frame(control byte, transport byte, app []byte) []byte {
	user := concat([]byte{transport}, app)
	head := concat([]byte{5, 0x64, byte(5 + len(user)), control}, le(uint16(4)), le(uint16(1)))
	out := concat(head, crcBits(head))
	for len(user) > 0 {
		n := min(16, len(user))
		out = concat(out, user[:n], crcBits(user[:n]))
		user = user[n:]
	}
	return out
}

func TestDNP3Attributes(t *testing.T) {
	attribute := func(variation byte, v string) []byte {
		return concat([]byte{0, variation, 0, 0, 0, 1, byte(len(v))}, []byte(v))
	}
	app := concat([]byte{0xc0, 129, 0, 0}, attribute(242, "2.41"), attribute(247, "CRANE 4 RTU"), attribute(248, "SN 00917"),
		attribute(250, "R-200"), attribute(252, "Acme Controls"), attribute(245, "Quay 7"))
	want := ics.Identity{Vendor: "Acme Controls", Product: "R-200", Model: "R-200", Firmware: "2.41", Serial: "SN 00917", Name: "CRANE 4 RTU"}
	t.Run("in one frame", func(t *testing.T) {
		var r ics.Result
		ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 20000, Destination: 20000, Payload: dnp3Frame(0x44, 0xc0, app)}, &r)
		if diff := cmp.Diff(want, r.Identity); diff != "" || r.Operations != ics.Identify || factsOf(&r)["dnp3-location"] != "Quay 7" {
			t.Error(diff, r.Operations, r.Facts)
		}
	})
	t.Run("in three transport segments, one sent again", func(t *testing.T) {
		var c ics.Conversation
		var r ics.Result
		seq := uint32(9)
		for i, part := range [][]byte{dnp3Frame(0x44, 0x40, app[:20]), dnp3Frame(0x44, 0x01, app[20:30]), dnp3Frame(0x44, 0x82, app[30:])} {
			s := ics.Segment{Transport: ics.TCP, Source: 20000, Destination: 50000, Seq: seq, Payload: part}
			c.Inspect(s, &r)
			if i < 2 {
				if !r.Identity.IsZero() {
					t.Errorf("a part gave %+v", r.Identity)
				}
				var again ics.Result
				if c.Inspect(s, &again); !again.Duplicate {
					t.Error("sent again, and looked at again")
				}
			}
			seq += uint32(len(part))
		}
		if diff := cmp.Diff(want, r.Identity); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDNP3Operations(t *testing.T) {
	for _, c := range []struct {
		name string
		app  string
		want ics.Operations
	}{
		{"read classes", "c0 01 3c0206 3c0306", ics.Read}, {"read attributes", "c0 01 00fe00 0000", ics.Identify},
		{"write time", "c0 02 320107 01 000000000000", ics.SetTime}, {"clear restart", "c0 02 500100 0707 00", ics.Write},
		{"direct operate", "c0 05 0c0128 0100 0000 0301 e8030000 e8030000 00", ics.Write}, {"cold restart", "c0 0d", ics.Start},
		{"stop application", "c0 12 5a0206", ics.Stop}, {"save configuration", "c0 13", ics.Program}, {"record time", "c0 18", ics.SetTime},
		{"open file to write", "c0 19 46035b 01 1e00 1a00 0400 000000000000 ff01 00000000 00000000 0200 0000 0100 61626364", ics.Program},
		{"open file to read", "c0 19 46035b 01 1e00 1a00 0400 000000000000 ff01 00000000 00000000 0100 0000 0100 61626364", ics.Upload},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r ics.Result
			ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 50000, Destination: 20000, Payload: dnp3Frame(0xc4, 0xc0, unhex(t, c.app))}, &r)
			if r.Operations != c.want || r.Sender != ics.RoleClient {
				t.Errorf("%s sender %d, want %s", r.Operations, r.Sender, c.want)
			}
		})
	}
}

// uaText writes an OPC UA string.
func uaText(s string) []byte { return concat(le(uint32(len(s))), []byte(s)) }

// uaMessage wraps a body in a MSG chunk.
func uaMessage(final byte, request uint32, body []byte) []byte {
	return concat([]byte{'M', 'S', 'G', final}, le(uint32(24+len(body))), le(uint32(1)), le(uint32(1)), le(request), le(request), body)
}

// TestOPCUABuildInfo: the answer to a read gives build information where the
// request named its nodes, also when it comes in chunks.
func TestOPCUABuildInfo(t *testing.T) {
	requestHeader := concat([]byte{0, 0}, make([]byte, 16), le(uint32(0xffffffff)), le(uint32(0)), []byte{0, 0, 0})
	node := func(n uint16) []byte {
		return concat([]byte{1, 0}, le(n), le(uint32(13)), le(uint32(0xffffffff)), []byte{0, 0}, le(uint32(0xffffffff)))
	}
	ask := concat([]byte{1, 0}, le(uint16(631)), requestHeader, make([]byte, 12), le(uint32(3)), node(2263), node(2261), node(2264))
	value := func(s string) []byte { return concat([]byte{1, 12}, uaText(s)) }
	answer := concat([]byte{1, 0}, le(uint16(634)), make([]byte, 16), []byte{0}, le(uint32(0xffffffff)), []byte{0, 0, 0},
		le(uint32(3)), value("Acme"), value("Crane Server"), value("7.1.2"))
	want := ics.Identity{Vendor: "Acme", Product: "Crane Server", Firmware: "7.1.2"}
	for name, chunks := range map[string][][]byte{
		"whole":         {uaMessage('F', 5, answer)},
		"in two chunks": {uaMessage('C', 5, answer[:40]), uaMessage('F', 5, answer[40:])},
	} {
		t.Run(name, func(t *testing.T) {
			var c ics.Conversation
			var r ics.Result
			c.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 4840, Payload: uaMessage('F', 5, ask)}, &r)
			if r.Operations != ics.Identify || r.Sender != ics.RoleClient {
				t.Fatalf("request: %s sender %d", r.Operations, r.Sender)
			}
			seq := uint32(0)
			for _, part := range chunks {
				c.Inspect(ics.Segment{Transport: ics.TCP, Source: 4840, Destination: 50000, Sender: ics.Second, Seq: seq, Payload: part}, &r)
				seq += uint32(len(part))
			}
			if diff := cmp.Diff(want, r.Identity); diff != "" || r.Operations != ics.Identify {
				t.Error(diff, r.Operations)
			}
		})
	}
}

func TestHARTIPGateway(t *testing.T) {
	// The answer to command 84: device 2 on card 1 channel 3.
	sub := concat(be(uint16(2)), []byte{1, 3}, be(uint16(38)), be(uint16(0x264e)), []byte{0, 0, 0xd2}, []byte{7}, []byte("LEVEL TANK 4"), make([]byte, 20))
	data := concat([]byte{0, 0}, sub)
	frame := concat([]byte{0x86, 0x26, 0x4e, 0, 0, 0xd2, 84, byte(len(data))}, data)
	check := byte(0)
	for _, b := range frame {
		check ^= b
	}
	frame = append(frame, check)
	message := concat([]byte{1, 1, 3, 0}, be(uint16(4)), be(uint16(8+len(frame))), frame)
	var r ics.Result
	ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 5095, Destination: 50000, Payload: message}, &r)
	if len(r.Behind) != 1 || r.Behind[0].Identity.Name != "LEVEL TANK 4" || r.Behind[0].Identity.Serial != "210" || !r.Identity.IsZero() {
		t.Errorf("%+v", r)
	}
}

func TestBACnetBehindARouter(t *testing.T) {
	// I-Am of device 99 on network 2001: it is not the sender's own.
	var r ics.Result
	payload := unhex(t, "810b 0019 01 08 07d1 01 1c 10 00 c4 02000063 22 01e0 91 03 21 18")
	payload[3] = byte(len(payload))
	ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 47808, Destination: 47808, Payload: payload}, &r)
	want := []ics.Device{{Address: "bacnet network 2001 station 1c", Identity: ics.Identity{Vendor: "Automated Logic Corporation"},
		Facts: []ics.Fact{{Name: "bacnet-device", Value: "99"}, {Name: "bacnet-vendor-id", Value: "24"}}}}
	if diff := cmp.Diff(want, r.Behind); diff != "" || !r.Identity.IsZero() {
		t.Error(diff, r.Identity)
	}
}

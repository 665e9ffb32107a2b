package ics_test

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/ics"
)

// le and be write little and big endian numbers of two or four bytes.
func le(v any) []byte { b, _ := binary.Append(nil, binary.LittleEndian, v); return b }
func be(v any) []byte { b, _ := binary.Append(nil, binary.BigEndian, v); return b }

func concat(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// identityObject is the answer to Get Attributes All of a communications adapter.
func identityObject() []byte {
	return concat(le(uint16(1)), le(uint16(0x0c)), le(uint16(58)), []byte{4, 3}, le(uint16(0x30)), le(uint32(0x00524d8e)),
		[]byte{11}, []byte("1756-ENBT/A"))
}

var adapter = ics.Identity{Vendor: "Rockwell Automation/Allen-Bradley", Product: "1756-ENBT/A", Firmware: "4.3", Serial: "0x00524d8e", Kind: "Communications Adapter"}

func encapsulate(command uint16, data []byte) []byte {
	return concat(le(command), le(uint16(len(data))), le(uint32(0)), le(uint32(0)), []byte("contextx"), le(uint32(0)), data)
}

func TestListIdentity(t *testing.T) {
	item := concat(le(uint16(1)), make([]byte, 16), identityObject(), []byte{3})
	frame := encapsulate(0x63, concat(le(uint16(1)), le(uint16(0x0c)), le(uint16(len(item))), item))
	var r ics.Result
	ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 44818, Destination: 50000, Payload: frame}, &r)
	if diff := cmp.Diff(adapter, r.Identity); diff != "" || r.Sender != ics.RoleServer {
		t.Errorf("sender %d %s", r.Sender, diff)
	}
}

// TestIdentityObjectNeedsItsRequest: an answer does not repeat the path, so the
// same bytes are an identity only after class 1 was asked for.
func TestIdentityObjectNeedsItsRequest(t *testing.T) {
	unconnected := func(b []byte) []byte {
		return encapsulate(0x6f, concat(make([]byte, 6), le(uint16(2)), make([]byte, 4), le(uint16(0xb2)), le(uint16(len(b))), b))
	}
	answer := unconnected(concat([]byte{0x81, 0, 0, 0}, identityObject()))
	for _, c := range []struct {
		name  string
		class byte
		want  ics.Identity
	}{{"identity object", 1, adapter}, {"another object", 0x6b, ics.Identity{}}} {
		t.Run(c.name, func(t *testing.T) {
			var v ics.Conversation
			var r ics.Result
			ask := unconnected([]byte{0x01, 2, 0x20, c.class, 0x24, 1})
			v.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 44818, Payload: ask}, &r)
			if r.Sender != ics.RoleClient || r.Application != "enip" {
				t.Fatalf("%+v", r)
			}
			v.Inspect(ics.Segment{Transport: ics.TCP, Source: 44818, Destination: 50000, Sender: ics.Second, Payload: answer}, &r)
			if diff := cmp.Diff(c.want, r.Identity); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCIPOperations(t *testing.T) {
	for _, c := range []struct {
		name    string
		message []byte
		want    ics.Operations
	}{
		{"read tag by name", concat([]byte{0x4c, 3, 0x91, 4}, []byte("Tag1"), []byte{1, 0}), ics.Read},
		{"write tag by symbol", []byte{0x4d, 2, 0x20, 0x6b, 0x24, 1, 0xc4, 0, 1, 0}, ics.Write},
		{"the same code of another object", []byte{0x4d, 3, 0x21, 0, 0x00, 0x03, 0x24, 1}, ics.Other},
		{"reset", []byte{0x05, 2, 0x20, 1, 0x24, 1}, ics.Start},
		{"stop", []byte{0x07, 2, 0x20, 0x8e, 0x24, 1}, ics.Stop},
		{"clock", []byte{0x04, 2, 0x20, 0x8b, 0x24, 1, 1, 0, 6, 0}, ics.SetTime},
		{"file into the device", []byte{0x4c, 2, 0x20, 0x37, 0x24, 1}, ics.Program},
		{"file out of the device", []byte{0x4b, 2, 0x20, 0x37, 0x24, 1}, ics.Upload},
		{"identity", []byte{0x0e, 3, 0x20, 1, 0x24, 1, 0x30, 7}, ics.Identify},
		{"forward open", concat([]byte{0x54, 2, 0x20, 6, 0x24, 1}, make([]byte, 40)), 0},
		{"routed write", concat([]byte{0x52, 2, 0x20, 6, 0x24, 1, 7, 0xe9}, le(uint16(8)), []byte{0x10, 2, 0x20, 4, 0x24, 1, 0, 0}, []byte{1, 0, 1, 0}), ics.Write},
		{"pccc write", concat([]byte{0x4b, 2, 0x20, 0x67, 0x24, 1, 7, 1, 0, 1, 2, 3, 4}, []byte{0x0f, 0, 1, 0, 0xaa, 2, 7, 0x89, 0, 0, 1, 0}), ics.Write},
		{"pccc to program mode", concat([]byte{0x4b, 2, 0x20, 0x67, 0x24, 1, 7, 1, 0, 1, 2, 3, 4}, []byte{0x0f, 0, 1, 0, 0x80, 1}), ics.Stop},
		{"pccc download", concat([]byte{0x4b, 2, 0x20, 0x67, 0x24, 1, 7, 1, 0, 1, 2, 3, 4}, []byte{0x0f, 0, 1, 0, 0x50}), ics.Program},
	} {
		t.Run(c.name, func(t *testing.T) {
			frame := encapsulate(0x6f, concat(make([]byte, 6), le(uint16(2)), make([]byte, 4), le(uint16(0xb2)), le(uint16(len(c.message))), c.message))
			var r ics.Result
			ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 44818, Payload: frame}, &r)
			if r.Operations != c.want || r.Sender != ics.RoleClient {
				t.Errorf("%s of %+v, want %s", r.Operations, r.Functions, c.want)
			}
		})
	}
}

// TestIdentityByAttribute: one attribute of the identity object at a time.
func TestIdentityByAttribute(t *testing.T) {
	var v ics.Conversation
	var r ics.Result
	send := func(side ics.Side, m []byte) {
		frame := encapsulate(0x6f, concat(make([]byte, 6), le(uint16(2)), make([]byte, 4), le(uint16(0xb2)), le(uint16(len(m))), m))
		v.Inspect(ics.Segment{Transport: ics.UDP, Source: 50000, Destination: 44818, Sender: side, Payload: frame}, &r)
	}
	var got ics.Identity
	for attribute, value := range map[byte][]byte{1: le(uint16(1)), 2: le(uint16(0x0c)), 4: {4, 3}, 6: le(uint32(0x00524d8e)), 7: concat([]byte{11}, []byte("1756-ENBT/A"))} {
		send(ics.First, []byte{0x0e, 3, 0x20, 1, 0x24, 1, 0x30, attribute})
		send(ics.Second, concat([]byte{0x8e, 0, 0, 0}, value))
		got = merge(got, r.Identity)
		if r.Identity.Kind != "" {
			got.Kind = r.Identity.Kind
		}
	}
	if diff := cmp.Diff(adapter, got); diff != "" {
		t.Error(diff)
	}
}

// userData wraps an S7 user data message of the CPU group in TPKT and COTP.
func userData(kind byte, tail []byte, value []byte) []byte {
	param := concat([]byte{0, 1, 0x12, byte(4 + len(tail)), 0x12, kind, 1, 2}, tail)
	s7 := concat([]byte{0x32, 7, 0, 0, 0, 1}, be(uint16(len(param))), be(uint16(len(value))), param, value)
	return concat([]byte{3, 0}, be(uint16(len(s7)+7)), []byte{2, 0xf0, 0x80}, s7)
}

// TestStatusListInParts: an answer in two parts gives the records of both, once.
func TestStatusListInParts(t *testing.T) {
	record := func(index uint16, text string) []byte {
		b := make([]byte, 34)
		copy(b, be(index))
		copy(b[2:], text)
		return b
	}
	list := concat(be(uint16(0x1c)), be(uint16(0)), be(uint16(34)), be(uint16(3)), record(1, "CRANE-4"), record(5, "S C-77"), record(7, "CPU 315-2 PN/DP"))
	part := func(b []byte) []byte { return concat([]byte{0xff, 9}, be(uint16(len(b))), b) }
	var c ics.Conversation
	var r ics.Result
	functions, seq := 0, uint32(1)
	for i, payload := range [][]byte{
		userData(0x84, []byte{9, 1, 0, 0}, part(list[:50])),
		userData(0x84, []byte{9, 0, 0, 0}, part(list[50:])),
	} {
		c.Inspect(ics.Segment{Transport: ics.TCP, Source: 102, Destination: 50000, Seq: seq, Payload: payload}, &r)
		seq += uint32(len(payload))
		functions += len(r.Functions)
		if i == 0 && !r.Identity.IsZero() {
			t.Errorf("half an answer gave %+v", r.Identity)
		}
	}
	want := ics.Identity{Name: "CRANE-4", Serial: "S C-77", Product: "CPU 315-2 PN/DP"}
	if diff := cmp.Diff(want, r.Identity); diff != "" || functions != 1 {
		t.Errorf("%d functions %s", functions, diff)
	}
}

// TestS7PlusSession: the answer to the first create object holds the order number.
func TestS7PlusSession(t *testing.T) {
	for _, c := range []struct {
		code uint16
		text string
		want ics.Identity
	}{
		{0x04ca, "1;6ES7 214-1AG40-0XB0 ;V4.2", ics.Identity{Vendor: "Siemens", Model: "6ES7 214-1AG40-0XB0", Firmware: "V4.2"}},
		{0x04f2, "1;6ES7 214-1AG40-0XB0 ;V4.2", ics.Identity{}},
		{0x04ca, "no order number", ics.Identity{}},
	} {
		body := concat([]byte{0x32, 0, 0}, be(c.code), make([]byte, 20), []byte{byte(len(c.text))}, []byte(c.text), []byte{0xa3, 0})
		plus := concat([]byte{0x72, 1}, be(uint16(len(body))), body)
		var r ics.Result
		ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 102, Destination: 50000,
			Payload: concat([]byte{3, 0}, be(uint16(len(plus)+7)), []byte{2, 0xf0, 0x80}, plus)}, &r)
		if diff := cmp.Diff(c.want, r.Identity); diff != "" || r.Application != "s7comm-plus" || r.Sender != ics.RoleServer {
			t.Error(r.Application, diff)
		}
	}
}

func TestS7Jobs(t *testing.T) {
	job := func(param []byte) []byte {
		s7 := concat([]byte{0x32, 1, 0, 0, 0, 1}, be(uint16(len(param))), []byte{0, 0}, param)
		return concat([]byte{3, 0}, be(uint16(len(s7)+7)), []byte{2, 0xf0, 0x80}, s7)
	}
	pi := func(name string) []byte {
		return concat([]byte{0x28, 0, 0, 0, 0, 0, 0, 0xfd, 0, 0, byte(len(name))}, []byte(name))
	}
	for _, c := range []struct {
		name  string
		param []byte
		want  ics.Operations
	}{
		{"read", []byte{4, 1}, ics.Read}, {"write", []byte{5, 1}, ics.Write}, {"download", []byte{0x1a, 0}, ics.Program},
		{"upload", []byte{0x1d, 0}, ics.Upload}, {"stop", []byte{0x29, 0, 0, 0, 0, 0, 9, 'P'}, ics.Stop},
		{"start", pi("P_PROGRAM"), ics.Start}, {"insert block", pi("_INSE"), ics.Program}, {"other service", pi("_XXXX"), ics.Other},
		{"set-up", []byte{0xf0, 0}, 0}, {"not known", []byte{0x77}, ics.Other},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r ics.Result
			ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 102, Payload: job(c.param)}, &r)
			if r.Application != "s7comm" || r.Operations != c.want {
				t.Errorf("%s %s, want %s", r.Application, r.Operations, c.want)
			}
		})
	}
}

// TestChanceIsNotAProtocol: bytes at random, on the ports of the industrial
// protocols, are given no industrial name.
func TestChanceIsNotAProtocol(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 8, 64).Draw(t, "payload")
		b[0] |= 0x40 // chance alone must not build a header: keep away from the few fixed first bytes
		b[2] |= 0x01
		port := rapid.SampledFrom([]uint16{102, 502, 4840, 5094, 20000, 44818}).Draw(t, "port")
		var r ics.Result
		ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: port, Payload: b}, &r)
		switch r.Application {
		case "", "tls", "http", "rtsp", "ssh", "smb", "tds", "dns":
		default:
			t.Fatalf("%x on port %d is named %s: %s", b, port, r.Application, r.Why)
		}
	})
}

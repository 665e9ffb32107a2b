package ics_test

import (
	"testing"

	"github.com/quaywatch/quaywatch/ics"
)

// hartFrame is a token-passing request or answer in HART-IP.
func hartFrame(answer bool, command byte, data []byte) []byte {
	kind, delimiter := byte(0), byte(0x82)
	if answer {
		kind, delimiter = 1, 0x86
	}
	f := concat([]byte{delimiter, 0x26, 0x4e, 0, 0, 0xd2, command, byte(len(data))}, data)
	check := byte(0)
	for _, b := range f {
		check ^= b
	}
	f = append(f, check)
	return concat([]byte{1, kind, 3, 0}, be(uint16(4)), be(uint16(8+len(f))), f)
}

// finsCommand is a FINS request.
func finsCommand(code uint16, body ...byte) []byte {
	return concat([]byte{0x80, 0, 2, 0, 0, 0, 0, 0, 0, 0x7a}, be(code), body)
}

// bacnetRequest is a confirmed request.
func bacnetRequest(service byte, body ...byte) []byte {
	b := concat([]byte{0x81, 0x0a, 0, 0, 1, 4, 0, 5, 1, service}, body)
	b[3] = byte(len(b))
	return b
}

func TestOperationsOfRequests(t *testing.T) {
	uaAsk := func(kind uint16) []byte {
		return uaMessage('F', 5, concat([]byte{1, 0}, le(kind), []byte{0, 0}, make([]byte, 16), le(uint32(0xffffffff)), le(uint32(0)), []byte{0, 0, 0}, make([]byte, 16)))
	}
	s7Data := func(group, sub byte) []byte {
		param := []byte{0, 1, 0x12, 4, 0x11, 0x40 | group, sub, 0}
		s7 := concat([]byte{0x32, 7, 0, 0, 0, 1}, be(uint16(len(param))), []byte{0, 4}, param, []byte{0x0a, 0, 0, 0})
		return concat([]byte{3, 0}, be(uint16(len(s7)+7)), []byte{2, 0xf0, 0x80}, s7)
	}
	for _, c := range []struct {
		name      string
		transport ics.Transport
		port      uint16
		payload   []byte
		app       string
		want      ics.Operations
	}{
		{"fins write", ics.UDP, 9600, finsCommand(0x0102, 0x82, 0, 0, 0, 0, 1, 0, 1), "fins", ics.Write},
		{"fins program area write", ics.UDP, 9600, finsCommand(0x0307, 0xff, 0xff), "fins", ics.Program},
		{"fins program area read", ics.UDP, 9600, finsCommand(0x0306, 0xff, 0xff), "fins", ics.Upload},
		{"fins run", ics.UDP, 9600, finsCommand(0x0401, 0xff, 0xff, 4), "fins", ics.Start},
		{"fins stop", ics.UDP, 9600, finsCommand(0x0402), "fins", ics.Stop},
		{"fins clock", ics.UDP, 9600, finsCommand(0x0702, 9, 1, 0x20, 1, 2, 1, 3), "fins", ics.SetTime},
		{"fins controller", ics.UDP, 9600, finsCommand(0x0501, 0), "fins", ics.Identify},
		{"fins cycle time read", ics.UDP, 9600, finsCommand(0x0620, 1), "fins", ics.Read},
		{"fins cycle time begun anew", ics.UDP, 9600, finsCommand(0x0620, 0), "fins", ics.Write},
		{"fins forced", ics.UDP, 9600, finsCommand(0x2301, 0, 1), "fins", ics.Write},
		{"hart identity", ics.UDP, 5094, hartFrame(false, 0, nil), "hart-ip", ics.Identify},
		{"hart read", ics.UDP, 5094, hartFrame(false, 3, nil), "hart-ip", ics.Read},
		{"hart write", ics.UDP, 5094, hartFrame(false, 35, make([]byte, 9)), "hart-ip", ics.Write},
		{"hart reset", ics.UDP, 5094, hartFrame(false, 42, nil), "hart-ip", ics.Start},
		{"hart clock", ics.UDP, 5094, hartFrame(false, 89, make([]byte, 8)), "hart-ip", ics.SetTime},
		{"hart of the maker", ics.UDP, 5094, hartFrame(false, 200, nil), "hart-ip", ics.Other},
		{"bacnet write", ics.UDP, 47808, bacnetRequest(15, 0x0c, 0, 0x40, 0, 1, 0x19, 0x55, 0x3e, 0x44, 0, 0, 0, 0, 0x3f), "bacnet", ics.Write},
		{"bacnet read of identity", ics.UDP, 47808, bacnetRequest(12, 0x0c, 2, 0, 0, 1, 0x19, 0x79), "bacnet", ics.Identify},
		{"bacnet read", ics.UDP, 47808, bacnetRequest(12, 0x0c, 0, 0, 0, 1, 0x19, 0x55), "bacnet", ics.Read},
		{"bacnet silence", ics.UDP, 47808, bacnetRequest(17, 0x19, 1), "bacnet", ics.Stop},
		{"bacnet speak", ics.UDP, 47808, bacnetRequest(17, 0x19, 0), "bacnet", ics.Start},
		{"bacnet cold start", ics.UDP, 47808, bacnetRequest(20, 0x09, 0), "bacnet", ics.Start},
		{"bacnet restore", ics.UDP, 47808, bacnetRequest(20, 0x09, 4), "bacnet", ics.Program},
		{"bacnet file", ics.UDP, 47808, bacnetRequest(7, 0xc4, 2, 0x80, 0, 1), "bacnet", ics.Program},
		{"bacnet time", ics.UDP, 47808, unhex(t, "810b 0012 0100 1006 a4 7c0a1f05 b4 0d230900"), "bacnet", ics.SetTime},
		{"opc ua write", ics.TCP, 4840, uaAsk(673), "opcua", ics.Write},
		{"opc ua call", ics.TCP, 4840, uaAsk(712), "opcua", ics.Other},
		{"opc ua nodes added", ics.TCP, 4840, uaAsk(488), "opcua", ics.Program},
		{"opc ua browse", ics.TCP, 4840, uaAsk(527), "opcua", ics.Read},
		{"s7 clock", ics.TCP, 102, s7Data(7, 2), "s7comm", ics.SetTime},
		{"s7 force", ics.TCP, 102, s7Data(1, 0x10), "s7comm", ics.Write},
		{"s7 erase", ics.TCP, 102, s7Data(1, 0x0c), "s7comm", ics.Program},
		{"s7 list of blocks", ics.TCP, 102, s7Data(3, 1), "s7comm", ics.Read},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r ics.Result
			ics.Inspect(ics.Segment{Transport: c.transport, Source: 50000, Destination: c.port, Payload: c.payload}, &r)
			if r.Application != c.app || r.Operations != c.want {
				t.Errorf("%s %s of %+v, want %s %s", r.Application, r.Operations, r.Functions, c.app, c.want)
			}
		})
	}
}

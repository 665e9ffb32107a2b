package ics_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/quaywatch/quaywatch/ics"
)

// TestHostileStreamsAreBounded: many conversations that begin a message and never
// end it hold no more than what the documentation of Conversation says.
func TestHostileStreamsAreBounded(t *testing.T) {
	const conversations, bound = 200, 64 << 10
	filler := bytes.Repeat([]byte{'x'}, 1400)
	tpdu := concat([]byte{3, 0}, be(uint16(1407)), []byte{2, 0xf0, 0x00}, filler)
	certificate := concat([]byte{22, 3, 3}, be(uint16(16384)), []byte{11, 0x0f, 0xff, 0xff, 0x0f, 0xff, 0xf0, 0x0f, 0xff, 0xe0}, bytes.Repeat([]byte{'x'}, 16384-10))
	for _, c := range []struct {
		name      string
		transport ics.Transport
		first     []byte // makes it known
		again     []byte // sent over and over
	}{
		{"unknown", ics.TCP, filler[:300], filler[:300]},
		{"opcua chunks", ics.TCP, uaMessage('C', 9, filler), uaMessage('C', 9, filler)},
		{"dnp3 transport segments", ics.TCP, dnp3Frame(0x44, 0x40, filler[:200]), nil},
		{"s7 data units", ics.TCP, unhex(t, "0300 0016 11 e0 0000 0001 00 c1020100 c2020102 c0010a"), tpdu},
		{"tls certificate", ics.TCP, unhex(t, "160303002a0200002603030000000000000000000000000000000000000000000000000000000000000000 00c02f00"), certificate},
		{"modbus", ics.TCP, unhex(t, "000100000006 01 03 0000 0002 000100000030 01"), nil},
		{"bacnet segments", ics.UDP, unhex(t, "810b000c0120ffff00ff1008"), nil},
		{"enip", ics.TCP, encapsulate(0x65, unhex(t, "01000000")), encapsulate(0x6f, append(make([]byte, 6), le(uint16(0))...))[:30]},
	} {
		t.Run(c.name, func(t *testing.T) {
			held := make([]*ics.Conversation, conversations)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var r ics.Result
			for i := range held {
				held[i] = &ics.Conversation{}
				for side := range ics.Side(2) {
					seq := uint32(1)
					send := func(b []byte) {
						held[i].Inspect(ics.Segment{Transport: c.transport, Source: 50000, Destination: 50001, Sender: side, Seq: seq, Payload: b}, &r)
						seq += uint32(len(b))
					}
					send(c.first)
					for n := range 100 {
						again := c.again
						switch c.name {
						case "dnp3 transport segments":
							again = dnp3Frame(0x44, byte(n+1)&0x3f, filler[:200])
						case "bacnet segments":
							again = concat([]byte{0x81, 0x0a}, be(uint16(1412)), []byte{1, 0, 0x3c, 7, byte(n), 4, 12}, filler)
							again[3], again[2] = byte(len(again)), byte(len(again)>>8)
						case "modbus":
							again = filler[:1]
						}
						send(again)
					}
				}
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / conversations
			if each > bound {
				t.Errorf("%d bytes for a conversation", each)
			}
			t.Logf("%s: %d bytes for a conversation, named %q", c.name, each, held[0].Application())
			runtime.KeepAlive(held)
		})
	}
}

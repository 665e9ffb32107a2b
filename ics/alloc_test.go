package ics_test

import (
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/ics"
)

// TestPollingCostsNoMemory: what a controller is asked all day tells nothing new,
// and must not cost an allocation.
func TestPollingCostsNoMemory(t *testing.T) {
	enipRead := encapsulate(0x70, concat(make([]byte, 6), le(uint16(2)), le(uint16(0xa1)), le(uint16(4)), le(uint32(9)),
		le(uint16(0xb1)), le(uint16(10)), le(uint16(7)), []byte{0x4c, 2, 0x20, 0x6b, 0x24, 1, 1, 0}))
	enipAnswer := encapsulate(0x70, concat(make([]byte, 6), le(uint16(2)), le(uint16(0xa1)), le(uint16(4)), le(uint32(9)),
		le(uint16(0xb1)), le(uint16(10)), le(uint16(7)), []byte{0xcc, 0, 0, 0, 0xc4, 0, 1, 0}))
	publish := uaMessage('F', 5, concat([]byte{1, 0}, le(uint16(829)), make([]byte, 16), []byte{0}, le(uint32(0xffffffff)), []byte{0, 0, 0}, make([]byte, 40)))
	for _, c := range []struct {
		name      string
		transport ics.Transport
		port      uint16
		ask       []byte
		answer    []byte
	}{
		{"modbus", ics.TCP, 502, unhex(t, "000100000006 01 03 0000 0002"), unhex(t, "000100000007 01 03 04 00010002")},
		{"s7comm", ics.TCP, 102, unhex(t, "0300001f02f080 3201000000010 00e0000 0401120a10020001000184000000"), unhex(t, "0300001c02f080 320300000001000200050000 0401 ff0400080000000000"[:0]+"0300001a02f080 320300000001 0002 0005 0000 0401 ff04 0008 01")},
		{"enip", ics.TCP, 44818, enipRead, enipAnswer},
		{"enip cyclic", ics.UDP, 2222, unhex(t, "0200 0280 0800 01000000 01000000 b100 0200 0000"), unhex(t, "0200 0280 0800 02000000 01000000 b100 0200 0000")},
		{"bacnet", ics.UDP, 47808, unhex(t, "810a0011 0104 0005010c 0c00000001 1955"), unhex(t, "810a0017 0100 30010c 0c00000001 1955 3e4441c800003f")},
		{"dnp3", ics.UDP, 20000, dnp3Frame(0xc4, 0xc0, unhex(t, "c0013c0206")), dnp3Frame(0x44, 0xc0, unhex(t, "c0810000 1e0500 0000 01 0000c842"))},
		{"iec104", ics.TCP, 2404, unhex(t, "68040100 0200"), unhex(t, "6812 02000200 0d01 0300 0a00 010000 0000c842 00")},
		{"fins", ics.UDP, 9600, unhex(t, "80000200000000 00007a 0101 82 000000 0001"), unhex(t, "c0000200000000 00007a 0101 0000 0001")},
		{"opcua", ics.TCP, 4840, publish, publish},
		{"c37.118", ics.UDP, 4712, phasorFrame(0, make([]byte, 20)), phasorFrame(0, make([]byte, 20))},
		{"nmea", ics.UDP, 60001, []byte("$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"), nil},
		{"snmp", ics.UDP, 161, unhex(t, "302602010104067075626c6963 a019 02010502010002010030 0e300c06082b060102010101000500"), nil},
		{"ntp", ics.UDP, 123, unhex(t, "23"+strings.Repeat("00", 47)), unhex(t, "2402"+strings.Repeat("00", 46))},
		{"tls data", ics.TCP, 443, unhex(t, "1603010039010000350303"+strings.Repeat("00", 50)), unhex(t, "17030300080102030405060708")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var v ics.Conversation
			var r ics.Result
			seq := [2]uint32{1, 1}
			send := func(side ics.Side, b []byte) {
				s := ics.Segment{Transport: c.transport, Source: 50000, Destination: c.port, Sender: side, Seq: seq[side], Payload: b}
				if side == ics.Second {
					s.Source, s.Destination = s.Destination, s.Source
				}
				seq[side] += uint32(len(b))
				v.Inspect(s, &r)
			}
			round := func() {
				send(ics.First, c.ask)
				if c.answer != nil {
					send(ics.Second, c.answer)
				}
			}
			round()
			if want, _, _ := strings.Cut(c.name, " "); v.Application() != want {
				t.Fatalf("named %q", v.Application())
			}
			round()
			if n := testing.AllocsPerRun(100, round); n > 0 {
				t.Errorf("%v allocations for one question and answer", n)
			}
		})
	}
}

// BenchmarkCaptures is the time of one payload over the shared captures, each of
// them followed as in a pipeline.
func BenchmarkCaptures(b *testing.B) {
	dir := captures(b)
	for _, folder := range []string{"icsnpp/modbus", "icsnpp/s7comm", "icsnpp/enip", "icsnpp/bacnet", "icsnpp/dnp3", "icsnpp/hart-ip", "icsnpp/omron-fins", "icsnpp/opcua-binary", "gopacket"} {
		b.Run(folder[strings.LastIndexByte(folder, '/')+1:], func(b *testing.B) {
			type flow struct {
				addresses string
				low, high uint16
			}
			type packet struct {
				key flow
				s   ics.Segment
			}
			var packets []packet
			for _, path := range captureFiles(b, dir+"/"+folder) {
				forEachSegment(b, path, func(s ics.Segment, from, to string) {
					key := flow{path + from + to, s.Source, s.Destination}
					if from > to || from == to && s.Source > s.Destination {
						key, s.Sender = flow{path + to + from, s.Destination, s.Source}, ics.Second
					}
					packets = append(packets, packet{key, s})
				})
			}
			var r ics.Result
			b.ReportAllocs()
			for b.Loop() {
				conversations := map[flow]*ics.Conversation{}
				for i := range packets {
					c := conversations[packets[i].key]
					if c == nil {
						c = &ics.Conversation{}
						conversations[packets[i].key] = c
					}
					if !c.Settled() {
						c.Inspect(packets[i].s, &r)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(packets)), "ns/packet")
		})
	}
}

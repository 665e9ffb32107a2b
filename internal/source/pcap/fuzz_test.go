package pcap

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"
)

// FuzzCapture: any bytes give an end or an error, and every packet that was
// read is in a flow.
func FuzzCapture(f *testing.F) {
	tp := newTape(f)
	tp.tcp(0, hmi, plc, "S", 1, "")
	tp.tcp(1, hmi, plc, "A", 2, poll(3))
	tp.udp(2, hmi, plc, "x")
	f.Add(tp.buf.Bytes())
	f.Add([]byte{0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 28, 0, 0, 0,
		1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 20, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		k := &sink{}
		s := New("fuzz", nil, Options{MaxFlows: 16, Clock: func() time.Time { return epoch }})
		s.reader = bytes.NewReader(b)
		if err := s.Run(context.Background(), k); err != nil {
			t.Fatal(err)
		}
		var packets uint64
		for _, f := range k.flows {
			packets += f.PacketsIn + f.PacketsOut
		}
		if packets != s.stats.Packets-s.stats.Refused {
			t.Fatalf("%d packets told of %d", packets, s.stats.Packets)
		}
		if c, err := openCapture(bytes.NewReader(b), "x"); err == nil {
			a, _ := openCapture(bytes.NewReader(b), "x")
			want, wantEnd := readWhole(&one{c: c})
			if got, end := readWhole(readAheadOf(a)); !slices.Equal(want, got) || wantEnd != end {
				t.Fatalf("%d packets and %q, ahead %d and %q", len(want), wantEnd, len(got), end)
			}
		}
	})
}

// FuzzFrame: any frame of any link type decodes or is refused.
func FuzzFrame(f *testing.F) {
	tp := newTape(f)
	tp.tcp(0, hmi, plc, "S", 1, poll(3))
	f.Add(uint32(1), tp.buf.Bytes()[40:])
	f.Fuzz(func(t *testing.T, link uint32, b []byte) {
		var p packet
		p.decode(&frame{link: link, data: b, wire: len(b) + 5})
		if p.missing < 0 || len(p.body) > len(b) {
			t.Fatalf("%+v", p)
		}
	})
}

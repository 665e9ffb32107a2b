package pcap

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

type nowhere struct{}

func (nowhere) Put(context.Context, *event.Batch) error { return nil }

// BenchmarkRead measures packets a second through reader, flow table and
// dissectors: a thousand Modbus polls of 64 stations, HTTPS beside it, made here.
func BenchmarkRead(b *testing.B) {
	tp := newTape(b)
	for i := range 100_000 {
		from, to := hmi, plc
		from.port = uint16(40000 + i%64)
		at := float64(i) / 10_000
		switch {
		case i < 64:
			tp.tcp(at, from, to, "S", 1, "")
		case i%4 == 0:
			to.port = 443
			tp.tcp(at, from, to, "A", uint32(i), "....................................................................")
		default:
			tp.tcp(at, from, to, "A", uint32(2+12*(i/64)), poll(3))
		}
	}
	stream := tp.buf.Bytes()
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		s := New("bench", nil, Options{Clock: func() time.Time { return epoch }})
		s.reader = bytes.NewReader(stream)
		if err := s.Run(context.Background(), nowhere{}); err != nil {
			b.Fatal(err)
		}
		if s.stats.Packets != 100_000 {
			b.Fatalf("%d packets", s.stats.Packets)
		}
	}
	b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpackets/s")
}

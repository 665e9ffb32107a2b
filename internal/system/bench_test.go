package system

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/event"
)

// BenchmarkChain puts AIS reports through stream, telemetry and watches
// together, as the running system does: fsync before the acknowledgement,
// durable telemetry, findings in the register. The figure is reports a second
// until the last one is durable everywhere.
func BenchmarkChain(b *testing.B) {
	dir := b.TempDir()
	cfg, err := config.Parse(dir+"/quaywatch.yaml", nil)
	if err != nil {
		b.Fatal(err)
	}
	cfg.Port = "../../examples/saltmere/port.yaml"
	s, err := Open(context.Background(), cfg, Options{Command: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.pipeline(ctx) }()
	fleet := newFleet(5000)
	seq := 0
	const perLoop = 100_000
	b.ReportAllocs()
	for b.Loop() {
		for range perLoop / 500 {
			seq++
			if err := s.stream.Put(ctx, fleet.batch(seq)); err != nil {
				b.Fatal(err)
			}
		}
		for s.telemetry.Position() < uint64(seq) {
			if err := s.telemetry.Flush(ctx); err != nil {
				b.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	b.ReportMetric(float64(b.N)*perLoop/b.Elapsed().Seconds(), "reports/s")
	b.StopTimer()
	stop()
	<-done
}

// fleet is ships under way on straight courses, each told once a round.
type fleet struct {
	n, next int
	at      time.Time
	lat     []float64
	lon     []float64
}

func newFleet(n int) *fleet {
	f := &fleet{n: n, at: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), lat: make([]float64, n), lon: make([]float64, n)}
	for i := range n {
		f.lat[i], f.lon[i] = 44+float64(i%100)/50, -13+float64(i/100)/25
	}
	return f
}

func (f *fleet) batch(seq int) *event.Batch {
	raw := []byte("!AIVDM,1,1,,B,33I>hf0PA706QD:L7NC5lT;`011Q,0*22")
	b := &event.Batch{ID: fmt.Sprint("fleet/", seq), Source: "ais"}
	for range 500 {
		v := f.next % f.n
		if v == 0 {
			f.at = f.at.Add(10 * time.Second)
		}
		f.next++
		f.lat[v] += 10 * 10.0 / 3600 / 60 // ten knots northward for ten seconds
		b.Vessels = append(b.Vessels, event.VesselReport{MMSI: 211000000 + uint32(v), Type: 1, Lat: f.lat[v], Lon: f.lon[v], SOG: 10, COG: 0, Heading: 0,
			Turn: float32(math.NaN()), Status: 0, Second: int8(f.at.Second()),
			Head: event.Head{Time: f.at, Seen: f.at, Told: true, Source: "ais",
				Raw: event.Raw{Input: "tcp://127.0.0.1:4001", Offset: int64(f.next) * 49, Length: len(raw), Text: raw, Sum: event.SumOf(raw)}}})
	}
	return b
}

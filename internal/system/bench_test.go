package system

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

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
	go func() { _ = every(ctx, time.Second, s.telemetry.Flush) }() // as in the running system
	feeds := []*fleet{newFleet("one", 5000, 211000000), newFleet("two", 5000, 244000000)}
	const perFeed = 500_000
	put := 0
	b.ReportAllocs()
	used := processor()
	for b.Loop() {
		var g errgroup.Group
		for _, f := range feeds {
			g.Go(func() error {
				for range perFeed / 500 {
					if err := s.stream.Put(ctx, f.batch()); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			b.Fatal(err)
		}
		put += len(feeds) * perFeed / 500
		for s.telemetry.Position() < uint64(put) || s.seen.Load() < uint64(put) {
			time.Sleep(time.Millisecond)
		}
	}
	const perLoop = 2 * perFeed
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	b.ReportMetric(float64(mem.Sys)/(1<<20), "go-MiB")
	b.ReportMetric(float64(b.N)*perLoop/b.Elapsed().Seconds(), "reports/s")
	b.ReportMetric(float64((processor()-used).Nanoseconds())/(float64(b.N)*perLoop), "cpu-ns/report") // blurred less by what else the machine does
	b.ReportMetric(peakMiB(), "peak-MiB")
	b.StopTimer()
	stop()
	<-done
}

// processor is the processor time that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMiB is the most memory that this process has ever had, all engines together.
func peakMiB() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Maxrss) / 1024 // Linux counts in KiB
}

// fleet is one feed: ships under way on straight courses, each told once a round.
type fleet struct {
	source  string
	n, next int
	seq     int
	mmsi    uint32 // of the first
	at      time.Time
	lat     []float64
	lon     []float64
}

func newFleet(source string, n int, mmsi uint32) *fleet {
	f := &fleet{source: source, n: n, mmsi: mmsi, at: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), lat: make([]float64, n), lon: make([]float64, n)}
	for i := range n {
		f.lat[i], f.lon[i] = 44+float64(i%100)/50, -13+float64(i/100)/25
	}
	return f
}

func (f *fleet) batch() *event.Batch {
	f.seq++
	raw := []byte("!AIVDM,1,1,,B,33I>hf0PA706QD:L7NC5lT;`011Q,0*22")
	b := &event.Batch{ID: fmt.Sprint(f.source, "/", f.seq), Source: f.source}
	for range 500 {
		v := f.next % f.n
		if v == 0 {
			f.at = f.at.Add(10 * time.Second)
		}
		f.next++
		f.lat[v] += 10 * 10.0 / 3600 / 60 // ten knots northward for ten seconds
		b.Vessels = append(b.Vessels, event.VesselReport{MMSI: f.mmsi + uint32(v), Type: 1, Lat: f.lat[v], Lon: f.lon[v], SOG: 10, COG: 0, Heading: 0,
			Turn: float32(math.NaN()), Status: 0, Second: int8(f.at.Second()),
			Head: event.Head{Time: f.at, Seen: f.at, Told: true, Source: f.source,
				Raw: event.Raw{Input: "tcp://127.0.0.1:4001", Offset: int64(f.next) * 49, Length: len(raw), Text: raw, Sum: event.SumOf(raw)}}})
	}
	return b
}

package duckdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// day fills a store with n positions of 5,000 vessels over one day, as a port
// approach with anchorages sees them.
func day(tb testing.TB, t *Telemetry, n int) time.Time {
	tb.Helper()
	start := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	rng := rand.New(rand.NewPCG(1, 2))
	const vessels = 5000
	var lat, lon [vessels]float64
	for i := range vessels {
		lat[i], lon[i] = 45+rng.Float64()*2, -12+rng.Float64()*2
	}
	raw := []byte("!AIVDM,1,1,,B,33I>hf0PA706QD:L7NC5lT;`011Q,0*22")
	ctx := context.Background()
	step := 24 * time.Hour / time.Duration(n)
	began := time.Now()
	for i, seq := 0, uint64(1); i < n; seq++ {
		b := &event.Batch{ID: fmt.Sprint(seq), Source: "ais"}
		for range min(500, n-i) {
			v := i % vessels
			lat[v] += (rng.Float64() - 0.5) * 0.001
			lon[v] += (rng.Float64() - 0.5) * 0.001
			at := start.Add(step * time.Duration(i))
			b.Vessels = append(b.Vessels, event.VesselReport{MMSI: 200_000_000 + uint32(v), Type: 1, Lat: lat[v], Lon: lon[v], SOG: 8, COG: 90, Heading: 91,
				Head: event.Head{Time: at, Seen: at, Told: true, Source: "ais", Raw: event.Raw{Input: "tcp://127.0.0.1:4001", Offset: int64(i * 49), Length: len(raw), Text: raw}}})
			i++
		}
		if err := t.Append(ctx, []event.Stored{{Seq: seq, Batch: b}}); err != nil {
			tb.Fatal(err)
		}
	}
	if err := t.Flush(ctx); err != nil {
		tb.Fatal(err)
	}
	tb.Logf("%d positions appended at %.0f a second", n, float64(n)/time.Since(began).Seconds())
	return start
}

// BenchmarkDayOf8Million measures the three questions of a map over one day of
// 8 million positions. The figure of each is the median.
func BenchmarkDayOf8Million(b *testing.B) {
	ctx := context.Background()
	t, err := Open(ctx, Options{Dir: b.TempDir(), MemoryMiB: 2048})
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	start := day(b, t, 8_000_000)
	for _, closed := range []bool{false, true} {
		where := "live"
		end := start.AddDate(0, 0, 1).Add(20 * time.Minute) // the day is just over
		if closed {
			where, end = "parquet", start.AddDate(0, 0, 3)
		}
		began := time.Now()
		if err := t.Maintain(ctx, end); err != nil {
			b.Fatal(err)
		}
		b.Logf("%s: maintenance of the day took %v", where, time.Since(began))
		run := func(name string, ask func() (int, error)) {
			b.Run(where+"/"+name, func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					began := time.Now()
					n, err := ask()
					if err != nil || n == 0 {
						b.Fatalf("%d rows, %v", n, err)
					}
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
			})
		}
		run("last", func() (int, error) {
			r, err := t.LastPositions(ctx, [4]float64{}, start, 0)
			return len(r), err
		})
		run("track", func() (int, error) {
			r, err := t.Track(ctx, 200_000_042, start, start.AddDate(0, 0, 1), 0)
			return len(r), err
		})
		run("heat", func() (int, error) {
			r, err := t.Heat(ctx, [4]float64{}, 0.02, start, start.AddDate(0, 0, 1))
			return len(r), err
		})
	}
}

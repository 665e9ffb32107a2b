package vessel_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// sailed feeds a watch with vessels, each with so many reports of its own text,
// and gives the bytes that it keeps for one.
func sailed(vessels, reports int) (*vessel.Watch, float64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w := vessel.New(nil, vessel.Options{}, func(finding.Occurrence) {})
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	batch := &event.Batch{}
	for k := range reports {
		for v := range vessels {
			r := blank(201000000+uint32(v), at.Add(time.Duration(k)*time.Minute))
			r.Lat, r.Lon = 50+float64(k)*0.003+float64(v/200)*0.01, float64(v%200)/100
			r.SOG, r.COG, r.Second, r.Status = 10.8, 0, int8(r.Time.Second()), 0
			r.Raw.Text = []byte("!AIVDM,1,1,,A,33I>hf0PA706QD:L7NC5lT;`011Q,0*22 and the tag block before it")
			if batch.Vessels = append(batch.Vessels, r); len(batch.Vessels) == 500 {
				w.Observe(batch)
				batch.Vessels = batch.Vessels[:0]
			}
		}
		w.Advance(at.Add(time.Duration(k) * time.Minute))
	}
	w.Observe(batch)
	runtime.GC()
	runtime.ReadMemStats(&after)
	return w, float64(after.HeapAlloc-before.HeapAlloc) / float64(vessels)
}

// A vessel that was heard for hours keeps less than eight kilobytes, so that
// 20,000 of them take 160 MB at most.
func TestMemoryOfAVessel(t *testing.T) {
	w, bytes := sailed(1000, 100)
	t.Logf("%.0f bytes a vessel", bytes)
	if bytes > 8192 {
		t.Errorf("%.0f bytes a vessel", bytes)
	}
	runtime.KeepAlive(w)
}

// The bound of the watch: 100,000 vessels, and what the next one does.
func BenchmarkHundredThousandVessels(b *testing.B) {
	for b.Loop() {
		w, bytes := sailed(100000, 5)
		b.ReportMetric(bytes, "B/vessel")
		b.ReportMetric(bytes*100000/1e6, "MB")
		runtime.KeepAlive(w)
	}
}

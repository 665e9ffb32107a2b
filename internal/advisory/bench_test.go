package advisory

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// manyAssets makes n different devices of the kinds that the labelled pairs have.
func manyAssets(t testing.TB, n int) []port.Asset {
	all := pairs(t)
	out := make([]port.Asset, n)
	for i := range out {
		out[i] = all[i%len(all)].asset
		out[i].ID = fmt.Sprint("asset-", i)
		out[i].Firmware = fmt.Sprintf("%d.%d.%d", 1+i%7, i/len(all)%50, i)
	}
	return out
}

// cpu is the processor time of this process.
func cpu(t testing.TB) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// fresh is a set of the real notices that nobody has asked yet.
func fresh(t testing.TB) *Set {
	s := New()
	b := &event.Batch{}
	for _, a := range real(t).byID {
		b.Advisories = append(b.Advisories, a)
	}
	s.Observe(b)
	return s
}

// BenchmarkTenThousandAssets matches 10,000 different devices with all public
// OT notices, the index made anew each time.
func BenchmarkTenThousandAssets(b *testing.B) {
	assets := manyAssets(b, 10_000)
	var used time.Duration
	pairs := 0
	for b.Loop() {
		b.StopTimer()
		s := fresh(b)
		b.StartTimer()
		before := cpu(b)
		pairs = 0
		for i := range assets {
			pairs += len(s.Matches(&assets[i]))
		}
		used += cpu(b) - before
	}
	b.ReportMetric(used.Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(pairs), "pairs")
}

// BenchmarkNewAdvisory takes in one advisory of 100 products and matches it to
// 10,000 devices that are known already.
func BenchmarkNewAdvisory(b *testing.B) {
	assets := manyAssets(b, 10_000)
	s := fresh(b)
	for i := range assets {
		s.Matches(&assets[i])
	}
	one, _ := s.ByID("ICSA-23-257-01")
	var used time.Duration
	n := 0
	for b.Loop() {
		before := cpu(b)
		n++
		one.Time = one.Time.Add(time.Second)
		s.Observe(&event.Batch{Advisories: []event.Advisory{one.Advisory}})
		if got := s.Concerning(one.ID, assets); len(got) == 0 {
			b.Fatal("it concerns nobody")
		}
		used += cpu(b) - before
	}
	b.ReportMetric(float64(used.Milliseconds())/float64(n), "cpu-ms/op")
}

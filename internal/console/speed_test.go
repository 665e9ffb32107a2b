package console_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// The scale that pages are held to.
const (
	manyAssets   = 10_000
	manyFindings = 100_000
	pageTime     = 50 * time.Millisecond // 95th percentile
)

// BenchmarkPages prints the 95th percentile of each page with 10,000 assets and
// 100,000 findings. The register of the test is in memory: what a search costs
// the database is measured with the store.
func BenchmarkPages(b *testing.B) {
	w := newWorld(b, manyAssets, manyFindings)
	h := signedIn(newConsole(b, depsOf(w)))
	for _, path := range append(slices.Clone(pagePaths), "/inventory?q=desk-09999", "/inventory?from=9900", "/map/live.json") {
		b.Run(path, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
				took = append(took, time.Since(start))
				if rec.Code != 200 {
					b.Fatal(rec.Code)
				}
			}
			slices.Sort(took)
			p95 := took[len(took)*95/100]
			b.ReportMetric(float64(p95.Microseconds())/1000, "p95-ms")
			b.ReportMetric(float64(pageTime)/float64(p95), "x-under-goal")
		})
	}
}

// TestPagesAreBounded: a page of a large port is no longer than one of a small
// port needs to be.
func TestPagesAreBounded(t *testing.T) {
	h := signedIn(newConsole(t, depsOf(newWorld(t, manyAssets, 5_000))))
	for _, path := range pagePaths {
		if n := get(h, path).Body.Len(); n > 400_000 {
			t.Errorf("%s is %d bytes long", path, n)
		}
	}
}

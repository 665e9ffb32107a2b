package vessel_test

import (
	"bufio"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/source/ais"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// shared gives the path of public test data, which is not part of the repository.
func shared(t testing.TB, name string) string {
	root := os.Getenv("QUAYWATCH_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, "ais", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("test data is not there: %v (set QUAYWATCH_TESTDATA)", err)
	}
	return path
}

// collect keeps the reports of a source.
type collect struct{ reports []event.VesselReport }

func (c *collect) Put(_ context.Context, b *event.Batch) error {
	c.reports = append(c.reports, b.Vessels...)
	return nil
}

// capture reads a file of sentences through the real source.
func capture(t testing.TB, name, zone string) []event.VesselReport {
	s, err := ais.New(ais.Config{ID: "capture", Address: shared(t, name), Zone: zone,
		Clock: func() time.Time { return time.Date(2016, 4, 1, 0, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	var c collect
	if err := s.Run(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	return c.reports
}

// watched feeds reports to a new watch and returns what it told.
func watched(reports []event.VesselReport) (*vessel.Watch, []finding.Occurrence) {
	var out []finding.Occurrence
	w := vessel.New(nil, vessel.Options{}, func(o finding.Occurrence) { out = append(out, o) })
	for len(reports) > 0 {
		n := min(500, len(reports))
		w.Observe(&event.Batch{Vessels: reports[:n]})
		w.Advance(reports[n-1].Time)
		reports = reports[n:]
	}
	return w, out
}

var captures = map[string]string{
	"captures/ais_vernon_20160331.log":             "Europe/Paris",
	"captures/ais_vernon_20160401.log":             "Europe/Paris",
	"captures/ais_vernon_20160404.log":             "Europe/Paris",
	"captures/amsa_exact-earth-augmented-2.txt":    "",
	"captures/amsa_exact-earth-with-tag-block.txt": "",
	"captures/dma_2010_stream_example.txt":         "",
	"captures/noaadata_uscg_2006_test.ais":         "",
	"anomaly/212123000_drift_1.ais":                "",
}

// Nobody attacked in the captures: no finding may be more than a suspicion.
func TestNoFalseAlarm(t *testing.T) {
	for name, zone := range captures {
		t.Run(filepath.Base(name), func(t *testing.T) {
			reports := capture(t, name, zone)
			if len(reports) < 200 {
				t.Fatalf("only %d reports: nothing was tried", len(reports))
			}
			_, told := watched(reports)
			suspected := 0
			for _, o := range told {
				if o.Grade == finding.Suspected {
					suspected++
				} else if !o.Cleared && !(o.Rule == "vessel.drifting" && o.Subject.ID == "mmsi:212123000") {
					t.Errorf("%s %s at %s: %s\n%v", o.Grade, o.Rule, o.Time, o.Title, o.Facts)
				}
			}
			t.Logf("%d reports, %d suspected", len(reports), suspected)
		})
	}
}

// The ship of this file lost its engine and drifted for half a day.
func TestTheDriftIsSeen(t *testing.T) {
	_, told := watched(capture(t, "anomaly/212123000_drift_1.ais", ""))
	for _, o := range told {
		if o.Rule == "vessel.drifting" && o.Grade >= finding.Likely && !o.Cleared {
			t.Logf("%s: %s", o.Time, o.Title)
			return
		}
	}
	t.Error("the drift was not seen")
}

// inject moves one vessel of Vernon by a distance north-west from a moment on.
// Where both is set, the true reports stay between the false ones.
func inject(reports []event.VesselReport, mmsi uint32, from time.Time, degrees float64, both bool) []event.VesselReport {
	var out []event.VesselReport
	for _, r := range reports {
		if d := r.Time.Sub(from); d < -8*time.Minute || d > 8*time.Minute {
			continue // enough to learn the station's clock and to see the rest
		}
		if r.MMSI != mmsi || r.Time.Before(from) || math.IsNaN(r.Lat) {
			out = append(out, r)
			continue
		}
		if both {
			out = append(out, r)
		}
		r.Lat += degrees
		r.Lon -= degrees
		r.Raw.Offset++ // another sentence
		out = append(out, r)
	}
	return out
}

// movers are the vessels with many positions, and the time of the middle one.
func movers(reports []event.VesselReport) map[uint32]time.Time {
	times := map[uint32][]time.Time{}
	for _, r := range reports {
		if r.Type <= 3 && !math.IsNaN(r.Lat) && r.MMSI > 200000000 && r.MMSI < 776000000 {
			times[r.MMSI] = append(times[r.MMSI], r.Time)
		}
	}
	out := map[uint32]time.Time{}
	for mmsi, t := range times {
		if len(t) >= 100 {
			out[mmsi] = t[len(t)/2]
		}
	}
	return out
}

func TestInjectedTeleportsAreFound(t *testing.T) {
	clean := capture(t, "captures/ais_vernon_20160401.log", "Europe/Paris")
	vessels := movers(clean)
	if len(vessels) < 10 {
		t.Fatalf("only %d vessels to move", len(vessels))
	}
	windows := map[uint32][]event.VesselReport{} // the reports around each moment
	for mmsi, from := range vessels {
		windows[mmsi] = inject(clean, 0, from, 0, false)
	}
	for _, both := range []bool{false, true} {
		for _, degrees := range []float64{0.05, 0.5, 5} {
			for mmsi, from := range vessels {
				_, told := watched(inject(windows[mmsi], mmsi, from, degrees, both))
				var first time.Time
				for _, o := range told {
					if o.Grade < finding.Likely || o.Cleared {
						continue
					}
					if o.Subject.ID != (finding.Subject{ID: subject(mmsi)}).ID {
						t.Errorf("%d moved %g°, but %s for %s", mmsi, degrees, o.Rule, o.Subject.ID)
					} else if first.IsZero() {
						first = o.Time
					}
				}
				if first.IsZero() {
					t.Errorf("%d moved %g° at %s (both %v): not found", mmsi, degrees, from, both)
				}
			}
		}
	}
}

func subject(mmsi uint32) string {
	b, _ := json.Marshal(mmsi) // a number does not fail
	return "mmsi:" + string(b)
}

// The two ships of Global Fishing Watch's example share an MMSI.
func TestTwoShipsUnderOneNumber(t *testing.T) {
	f, err := os.Open(shared(t, "anomaly/gfw_segment_416000000.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var reports []event.VesselReport
	for s := bufio.NewScanner(f); s.Scan(); {
		var p struct {
			SSVID                   uint32
			Lat, Lon, Course, Speed *float64
			Timestamp               string
		}
		if err := json.Unmarshal(s.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("2006-01-02 15:04:05.999999", p.Timestamp)
		if err != nil {
			t.Fatal(err)
		}
		if p.Lat == nil || p.Lon == nil {
			continue
		}
		r := blank(p.SSVID, at)
		r.Lat, r.Lon = *p.Lat, *p.Lon
		reports = append(reports, r)
	}
	_, told := watched(reports)
	counts := map[string]int{}
	for _, o := range told {
		if !o.Cleared {
			counts[o.Rule+" "+o.Grade.String()]++
		}
	}
	t.Log(len(reports), counts)
	if counts["vessel.two-hulls likely"]+counts["vessel.two-hulls confirmed"] == 0 {
		t.Error("the two ships were not told apart")
	}
}

// blank is a position report of type 1 with nothing in it.
func blank(mmsi uint32, at time.Time) event.VesselReport {
	nan := float32(math.NaN())
	return event.VesselReport{Head: event.Head{Time: at, Seen: at, Told: true, Source: "test"}, MMSI: mmsi, Type: 1,
		Lat: math.NaN(), Lon: math.NaN(), SOG: nan, COG: nan, Heading: nan, Turn: nan, Status: -1, Second: -1}
}

func BenchmarkObserve(b *testing.B) {
	reports := capture(b, "captures/ais_vernon_20160401.log", "Europe/Paris")
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		w := vessel.New(nil, vessel.Options{}, func(finding.Occurrence) {})
		for at := 0; at < len(reports); at += 500 {
			w.Observe(&event.Batch{Vessels: reports[at:min(at+500, len(reports))]})
		}
		n += len(reports)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "M_reports/s")
}

// Many vessels: the memory and the cache are what counts.
func BenchmarkObserveTwentyThousandVessels(b *testing.B) {
	const vessels = 20000
	w := vessel.New(nil, vessel.Options{}, func(finding.Occurrence) {})
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	batch := &event.Batch{Vessels: make([]event.VesselReport, 500)}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		for i := range batch.Vessels {
			k := n + i
			r := blank(201000000+uint32(k%vessels), at.Add(time.Duration(k/vessels)*10*time.Second))
			r.Lat, r.Lon = 50+float64(k/vessels)*0.0005, float64(k%vessels)/200
			batch.Vessels[i] = r
		}
		w.Observe(batch)
		n += len(batch.Vessels)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "M_reports/s")
}

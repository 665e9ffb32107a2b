package vessel_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/freeze"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// feed hands reports to a watch by hundreds.
func feed(w *vessel.Watch, reports []event.VesselReport) {
	for len(reports) > 0 {
		n := min(100, len(reports))
		w.Observe(&event.Batch{Vessels: reports[:n]})
		w.Advance(reports[n-1].Time)
		reports = reports[n:]
	}
}

// A watch that is stopped at any place and goes on from its snapshot tells what
// one tells that was never stopped, and draws the same picture: on a real day,
// and in the middle of an attack on many with its finding open.
func TestGoesOnFromSnapshot(t *testing.T) {
	attacked := fleet(6, 40, func(i int, since time.Duration, r *event.VesselReport) {
		if since >= 20*time.Minute && since < 35*time.Minute {
			r.Lat, r.Lon, r.Second = math.NaN(), math.NaN(), 63
		}
	})
	day := capture(t, "captures/ais_vernon_20160331.log", "Europe/Paris")[:20_000]
	r := rand.New(rand.NewPCG(1, 1))
	for name, reports := range map[string][]event.VesselReport{"real": day, "attacked": attacked} {
		var all []finding.Occurrence
		whole := vessel.New(nil, vessel.Options{}, func(o finding.Occurrence) { all = append(all, o) })
		feed(whole, reports)
		for range 6 {
			k := r.IntN(len(reports)/100) * 100
			var told []finding.Occurrence
			emit := func(o finding.Occurrence) { told = append(told, o) }
			first := vessel.New(nil, vessel.Options{}, emit)
			feed(first, reports[:k])
			var b, again bytes.Buffer
			if err := errors.Join(first.Save(&b, uint64(k)), first.Save(&again, uint64(k))); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.Bytes(), again.Bytes()) {
				t.Fatal("the same watch saves other bytes")
			}
			second := vessel.New(nil, vessel.Options{}, emit)
			if place, err := second.Restore(&b, anyPlace); err != nil || place != uint64(k) {
				t.Fatalf("place %d of %d: %v", place, k, err)
			}
			feed(second, reports[k:])
			opts := cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateEmpty()}
			if d := cmp.Diff(all, told, opts); d != "" {
				t.Fatalf("%s, stopped after %d reports: other occurrences:\n%s", name, k, d)
			}
			if d := cmp.Diff(whole.Picture(), second.Picture(), opts); d != "" {
				t.Fatalf("%s, stopped after %d reports: another picture:\n%s", name, k, d)
			}
		}
	}
}

func anyPlace(uint64) error { return nil }

func TestSnapshotRefused(t *testing.T) {
	w, _ := watched(fleet(6, 10, func(int, time.Duration, *event.VesselReport) {}))
	var b bytes.Buffer
	if err := w.Save(&b, 1); err != nil {
		t.Fatal(err)
	}
	before := w.Picture()
	if _, err := w.Restore(bytes.NewReader(b.Bytes()[:b.Len()/2]), anyPlace); !errors.Is(err, freeze.ErrDamaged) {
		t.Errorf("half a snapshot: %v", err)
	}
	other := errors.New("of another stream")
	if _, err := w.Restore(&b, func(uint64) error { return other }); !errors.Is(err, other) {
		t.Errorf("a snapshot that does not fit: %v", err)
	}
	if d := cmp.Diff(before, w.Picture(), cmpopts.EquateNaNs()); d != "" {
		t.Errorf("a refused snapshot changed the picture:\n%s", d)
	}
}

// BenchmarkSnapshot tells what a snapshot of 20,000 vessels costs, while which
// the watch waits.
func BenchmarkSnapshot(b *testing.B) {
	w := vessel.New(nil, vessel.Options{}, func(finding.Occurrence) {})
	for round := range 20 {
		var reports []event.VesselReport
		for i := range 20_000 {
			at := start.Add(time.Duration(round) * time.Minute)
			r := blank(201000000+uint32(i), at)
			r.Second, r.SOG, r.COG, r.Status = int8(at.Second()), 10, 0, 0
			r.Lat, r.Lon = 40+float64(i/200)*0.1+float64(round)*0.0028, float64(i%200)*0.1
			r.Raw.Text = []byte("!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24")
			reports = append(reports, r)
		}
		w.Observe(&event.Batch{Vessels: reports})
	}
	var size int
	for b.Loop() {
		var buf bytes.Buffer
		if err := w.Save(&buf, 1); err != nil {
			b.Fatal(err)
		}
		size = buf.Len()
	}
	b.ReportMetric(float64(size)/20_000, "bytes/vessel")
}

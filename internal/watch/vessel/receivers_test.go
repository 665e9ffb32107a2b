package vessel_test

import (
	"math"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// Two stations hear the same vessels, one of them everything late; a third feed
// names no station. Each has its own account.
func TestReceivers(t *testing.T) {
	w := vessel.New(nil, vessel.Options{}, func(finding.Occurrence) {})
	for s := range 1500 {
		at := start.Add(time.Duration(s) * time.Second)
		r := blank(uint32(211000000+s%7), at)
		r.Lat, r.Lon, r.SOG, r.COG, r.Second = 50+float64(s%7)*0.05, 1+float64(s)*1e-5, 8, 90, int8(at.Second())
		r.Station = "north"
		again := r
		again.Station, again.Time = "south", r.Time.Add(time.Second)
		b := &event.Batch{Vessels: []event.VesselReport{r, again}}
		if s%10 == 0 {
			other := blank(305000001, at)
			other.Source = "other"
			b.Vessels = append(b.Vessels, other)
		}
		w.Observe(b)
	}
	got := w.Receivers()
	if len(got) != 3 || got[0].Source != "other" || got[1].Station != "north" || got[2].Station != "south" {
		t.Fatalf("receivers %+v", got)
	}
	other, north, south := got[0], got[1], got[2]
	if north.Reports != 1500 || north.Copies != 0 || south.Reports != 1500 || south.Copies != 1500 || other.Reports != 150 || other.Box != nil {
		t.Errorf("counts: north %d, %d copies; south %d, %d copies; other %d with box %v", north.Reports, north.Copies, south.Reports, south.Copies, other.Reports, other.Box)
	}
	if math.Abs(north.Rate-60) > 0.5 || north.Delivery != "on the air" || !north.Last.Equal(start.Add(1499*time.Second)) {
		t.Errorf("north %+v", north)
	}
	if want := []float64{50, 1, 50.3, 1 + 1499e-5}; len(north.Box) != 4 || math.Abs(north.Box[0]-want[0])+math.Abs(north.Box[2]-want[2])+math.Abs(north.Box[3]-want[3]) > 1e-9 {
		t.Errorf("box %v, want %v", north.Box, want)
	}
	// From the middle of 50.0 to 50.3 the farthest is about 0.15° of latitude to the north: 16.7 km.
	far := 0.0
	for _, f := range north.Far {
		if f.Bearing < 20 || f.Bearing > 340 {
			far = max(far, f.Metres)
		}
	}
	if far < 16_000 || far > 17_500 {
		t.Errorf("to the north it hears %v m", far)
	}
}

package stream

import (
	"testing"

	"github.com/quaywatch/quaywatch/internal/event"
)

// A batch that was acknowledged must be readable, whatever bytes its text has.
func TestWrongBytesInTextDoNotLoseTheBatch(t *testing.T) {
	in := &event.Batch{ID: "a/1", Source: "lan", Devices: []event.DeviceSighting{{Name: "good"}, {Name: "caf\xe9"}}}
	data, err := Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Devices) != 2 || out.Devices[0].Name != "good" {
		t.Errorf("got %+v", out.Devices)
	}
}

// More rows than a message may hold would be refused when they are read: they
// are split before they are written.
func TestMoreRowsThanAMessageHoldsAreSplit(t *testing.T) {
	rows := make([]event.VesselReport, maxRows+1)
	if _, err := Encode(&event.Batch{ID: "a/1", Vessels: rows}); err == nil {
		t.Error("one message took more rows than it may hold")
	}
	s := open(t, Options{})
	if err := s.Put(t.Context(), &event.Batch{ID: "a/1", Vessels: rows}); err != nil {
		t.Fatal(err)
	}
	got := take(t, s, 0, 2)
	if n := len(got[0].Batch.Vessels) + len(got[1].Batch.Vessels); n != len(rows) {
		t.Errorf("%d rows came back, want %d", n, len(rows))
	}
}

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

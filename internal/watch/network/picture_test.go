package network

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/event"
)

// TestPictureIsNeverOld holds the picture, of which most is kept from the one
// before, against one that is drawn from nothing, after whatever comes in.
func TestPictureIsNeverOld(t *testing.T) {
	p := load(t)
	rapid.Check(t, func(t *rapid.T) {
		w := New(p, Options{MaxHosts: 12}, nil)
		at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		address := rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("10.20.%d.%d", rapid.IntRange(1, 3).Draw(t, "net"), rapid.IntRange(1, 12).Draw(t, "host"))
		})
		mac := rapid.Custom(func(t *rapid.T) string {
			n := rapid.IntRange(0, 9).Draw(t, "mac")
			if n == 0 {
				return ""
			}
			return fmt.Sprintf("00:80:f4:00:00:%02d", n)
		})
		for i := range rapid.IntRange(1, 40).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(-5, 90).Draw(t, "seconds")) * time.Second)
			head := event.Head{Time: at, Seen: at, Source: "span", Raw: event.Raw{Input: "x", Offset: int64(i)}}
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				w.Advance(at)
			case 1:
				w.Observe(&event.Batch{Devices: []event.DeviceSighting{{Head: head, MAC: mac.Draw(t, "of"), IP: address.Draw(t, "ip"), Protocol: "arp", Name: rapid.SampledFrom([]string{"", "plc", "hmi"}).Draw(t, "name")}}})
			default:
				w.Observe(&event.Batch{Flows: []event.Flow{{Head: head, Last: at, Transport: "tcp", Direction: event.DirectionSeen, Answered: true, PacketsOut: 2, PacketsIn: 2, BytesOut: 100, BytesIn: 900,
					Client: event.Endpoint{MAC: mac.Draw(t, "client mac"), IP: address.Draw(t, "client"), Port: 40_000},
					Server: event.Endpoint{MAC: mac.Draw(t, "server mac"), IP: address.Draw(t, "server"), Port: uint16(rapid.SampledFrom([]int{80, 502}).Draw(t, "port"))}}}})
			}
			kept := w.Picture()
			w.forgetDrawn()
			if diff := cmp.Diff(w.Picture(), kept); diff != "" {
				t.Fatalf("step %d: the kept picture is old (-drawn anew +kept):\n%s", i, diff)
			}
		}
	})
}

// forgetDrawn makes the next picture be drawn from nothing.
func (w *Watch) forgetDrawn() {
	w.still, w.same, w.hosts.order = false, false, nil
	for _, h := range w.hosts.all() {
		h.drawn = nil
	}
	w.hosts.order = nil
}

// BenchmarkPicture draws 2,000 hosts of which 50 have changed.
func BenchmarkPicture(b *testing.B) {
	w := New(nil, Options{}, nil)
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	flows := make([]event.Flow, 2000)
	for i := range flows {
		flows[i] = event.Flow{Head: event.Head{Time: at, Source: "span"}, Last: at, Transport: "tcp", Direction: event.DirectionSeen, Answered: true, PacketsOut: 2, PacketsIn: 2,
			Client: event.Endpoint{IP: fmt.Sprintf("10.1.%d.%d", i/250, 1+i%250), Port: 40_000}, Server: event.Endpoint{IP: "10.2.0.1", Port: uint16(1000 + i%500)}}
	}
	w.Observe(&event.Batch{Flows: flows})
	for n := 0; b.Loop(); n++ {
		w.Observe(&event.Batch{Flows: flows[n*50%2000:][:50]})
		w.Picture()
	}
}

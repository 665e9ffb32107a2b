package server

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// shown is what a client has after the events it was told.
type shown map[string]uint64 // id: reports

func (s shown) take(events []seaEvent) {
	for _, e := range events {
		for _, id := range e.Gone {
			delete(s, id)
		}
		for _, f := range e.Features {
			s[f.ID] = f.Properties.Reports
		}
	}
}

// TestOnlookersSeeThePicture: whatever moves, comes and goes, and whenever a
// client comes back, it ends with what its filter selects of the picture.
func TestOnlookersSeeThePicture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		here := map[uint32]*vessel.Track{}
		pic := func() vessel.Picture {
			var p vessel.Picture
			for m := uint32(1); m <= 30; m++ {
				if here[m] != nil {
					p.Tracks = append(p.Tracks, *here[m])
				}
			}
			return p
		}
		now := noon
		s := newSea(pic, func() time.Time { return now })
		filter := SeaFilter{}
		if rapid.Bool().Draw(t, "filtered") {
			filter.Box = "0,0,10,10"
		}
		picks, err := filter.picker()
		if err != nil {
			t.Fatal(err)
		}
		start := func() *onlooker {
			return &onlooker{picks: picks, filtered: filter.Box != "", has: map[hullKey]bool{}}
		}
		client, o := shown{}, start()
		reports := uint64(0)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			for range rapid.IntRange(0, 5).Draw(t, "changes") {
				m := rapid.Uint32Range(1, 30).Draw(t, "mmsi")
				if reports++; rapid.IntRange(0, 3).Draw(t, "what") == 0 {
					delete(here, m)
				} else {
					here[m] = &vessel.Track{MMSI: m, Reports: reports, Fix: vessel.Fix{Lat: rapid.Float64Range(-10, 20).Draw(t, "lat"), Lon: 5}}
				}
			}
			now = now.Add(time.Second)
			v := s.view()
			switch rapid.IntRange(0, 4).Draw(t, "client") {
			case 0: // slow: misses this look
			case 1: // comes back with its place
				look := o.look
				if o = start(); look > 0 {
					o.resume(v, look)
				} else {
					client = shown{}
				}
				client.take(o.step(v))
			default:
				client.take(o.step(v))
			}
		}
		client.take(o.step(s.view()))
		want := shown{}
		for _, tr := range pic().Tracks {
			if picks(&tr) {
				want[vesselID(&tr)] = tr.Reports
			}
		}
		if !maps.Equal(client, want) {
			t.Fatalf("shows %v, want %v", client, want)
		}
	})
}

func TestPlacesOfTheSea(t *testing.T) {
	var p vessel.Picture
	now := noon
	s := newSea(func() vessel.Picture { return p }, func() time.Time { return now })
	look := func() *seaView { now = now.Add(seaLook); return s.view() }
	p.Tracks = []vessel.Track{{MMSI: 1, Reports: 1}}
	look()
	p.Tracks = nil
	v := look()
	for id, want := range map[string]bool{s.boot + "-1-q": true, s.boot + "-2-q": true, s.boot + "-3-q": false, s.boot + "-1-x": false, "other-1-q": false, s.boot + "-0-q": false, s.boot + "--q": false, "1": false} {
		if _, ok := s.place(v, id, "q"); ok != want {
			t.Errorf("%s: %t", id, ok)
		}
	}
	if same := s.view(); same != v {
		t.Error("a second look within a second")
	}
	for i := range seaGone + 1 { // more vessels leave than are remembered
		p.Tracks = append(p.Tracks, vessel.Track{MMSI: uint32(i + 1), Reports: 1})
	}
	look()
	p.Tracks = nil
	if v = look(); len(v.gone) != seaGone {
		t.Errorf("%d are remembered", len(v.gone))
	}
	if _, ok := s.place(v, s.boot+"-3-q", "q"); ok {
		t.Error("a client comes back to where it missed vessels that left")
	}
	if _, ok := s.place(v, s.boot+"-4-q", "q"); !ok {
		t.Error("the newest look is not a place to come back to")
	}
}

func TestStepsOfManyVesselsComeInPieces(t *testing.T) {
	p := vessel.Picture{Tracks: make([]vessel.Track, 2500)}
	for i := range p.Tracks {
		p.Tracks[i] = vessel.Track{MMSI: uint32(i + 1), Reports: 1, Fix: vessel.Fix{Lat: math.NaN(), Lon: math.NaN()}}
	}
	s := newSea(func() vessel.Picture { return p }, time.Now)
	o := &onlooker{picks: func(*vessel.Track) bool { return true }}
	if e := o.step(s.view()); len(e) != 3 || len(e[0].Features) != 1000 || len(e[2].Features) != 500 {
		t.Errorf("%d events", len(e))
	}
}

func TestLiveVessels(t *testing.T) {
	var at atomic.Int64 // reports of the vessel
	at.Store(1)
	f := newFixture(t, func(d *Deps) {
		d.Vessels = func() vessel.Picture {
			n := uint64(at.Load())
			return vessel.Picture{AsOf: noon, Tracks: []vessel.Track{{MMSI: 1, Kind: "ship", Reports: n, Fix: vessel.Fix{Lat: 1, Lon: float64(n)}}, {MMSI: 2, Kind: "aid", Reports: 1}}}
		}
	}).accounts()
	address, client, stop := f.live()
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	next := f.streamOf(client, address+"/api/v1/vessels/live?kind=ship", identity.VTSOperator)
	told := func(name string) seaEvent {
		t.Helper()
		got, data := next()
		var e seaEvent
		if err := json.Unmarshal([]byte(data), &e); got != name || err != nil {
			t.Fatalf("event %q %s (%v), want %s", got, data, err, name)
		}
		return e
	}
	told("hello")
	if e := told("vessels"); len(e.Features) != 1 || e.Features[0].ID != "000000001" {
		t.Errorf("at first: %+v", e)
	}
	at.Add(1)
	if e := told("vessels"); len(e.Features) != 1 || e.Features[0].Properties.Reports != 2 {
		t.Errorf("then: %+v", e)
	}
	back := f.streamOf(client, address+"/api/v1/vessels/live?kind=ship", identity.VTSOperator, "Last-Event-ID", "of another run")
	if name, _ := back(); name != "hello" {
		t.Error(name)
	}
	if name, _ := back(); name != "resync" {
		t.Error(name)
	}
	problemOf(t, f.api(identity.Board, http.MethodGet, "/api/v1/vessels/live", ""), http.StatusForbidden)
	problemOf(t, f.api(identity.CSO, http.MethodGet, "/api/v1/vessels/live?box=1,2", ""), http.StatusUnprocessableEntity)
	if doc := f.api(identity.CSO, http.MethodGet, "/api/openapi.json", "").body; !strings.Contains(doc, `"streamVessels"`) || !strings.Contains(doc, "application/geo+json") {
		t.Error("the document lacks them")
	}
}

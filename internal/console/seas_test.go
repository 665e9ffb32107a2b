package console

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// TestAppendDecimal compares with strconv: at most half a unit of the last
// digit away, and the digits asked for.
func TestAppendDecimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, digits := rapid.Float64Range(-2000, 2000).Draw(t, "v"), rapid.IntRange(1, 6).Draw(t, "digits")
		text := string(appendDecimal(nil, v, digits))
		got, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(got-v) > 0.500001*math.Pow10(-digits) {
			t.Fatalf("%v with %d digits is %q", v, digits, text)
		}
		if want := len(strconv.FormatFloat(got, 'f', digits, 64)); len(text) != want && got != 0 {
			t.Fatalf("%v with %d digits is %q", v, digits, text)
		}
	})
}

// TestSeas: the features of a picture are valid GeoJSON whatever vessels are
// named, and those of the next picture are seen at once.
func TestSeas(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	p := &port.Port{}
	fix := func(lat, lon float64) vessel.Fix { return vessel.Fix{Time: at, Lat: lat, Lon: lon} }
	track := vessel.Track{MMSI: 227006760, Name: `A"B\` + "\x01<", Heading: 90, Kind: "ship", LastHeard: at, Fix: fix(49.5, 0.1),
		Past: []vessel.Fix{fix(49.4, 0.1), fix(49.40001, 0.1), fix(math.NaN(), 0.1), fix(49.45, 0.1)}}
	unplaced := vessel.Track{MMSI: 1, Fix: fix(math.NaN(), math.NaN())}
	var cache seasCache
	read := func(pic vessel.Picture) []feature {
		t.Helper()
		s := cache.of(pic, p)
		var out []feature
		if err := json.Unmarshal([]byte("["+string(s.features)+"]"), &out); err != nil {
			t.Fatalf("%v in %s", err, s.features)
		}
		return out
	}
	got := read(vessel.Picture{AsOf: at, Tracks: []vessel.Track{unplaced, track}})
	if len(got) != 2 || got[0].Properties["name"] != track.Name || got[0].Properties["id"] != "227006760" || got[0].Properties["heading"] != 90.0 {
		t.Fatalf("features %+v", got)
	}
	if wake, ok := got[1].Geometry.Coordinates.([]any); !ok || len(wake) != 3 { // two of the past, one of now
		t.Errorf("wake %v", got[1].Geometry.Coordinates)
	}
	moved := track
	moved.Lat = 49.6
	got = read(vessel.Picture{AsOf: at, Tracks: []vessel.Track{unplaced, moved}})
	if where, ok := got[0].Geometry.Coordinates.([]any); !ok || where[1] != 49.6 {
		t.Errorf("after a move of the same moment it is at %v", got[0].Geometry.Coordinates)
	}
	got = read(vessel.Picture{AsOf: at.Add(time.Hour), Tracks: []vessel.Track{unplaced, moved}})
	if got[0].Properties["icon"] != "ship-silent" {
		t.Errorf("an hour later the silent ship is drawn as %v", got[0].Properties["icon"])
	}
	if got := read(vessel.Picture{}); len(got) != 0 {
		t.Errorf("without vessels: %v", got)
	}
}

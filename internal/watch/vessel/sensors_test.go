package vessel_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// hull is a body on the water in a made-up strait: where it is at a moment, and
// what AIS says of it, if anything.
type hull struct {
	mmsi   uint32
	length uint16
	at     func(s float64) (north, east float64)             // metres from the radar
	says   func(s float64) (north, east float64, heard bool) // nil: the truth
	hidden func(s float64) bool                              // from the radar; nil: never
	number func(s float64) string                            // of the tracker; nil: its MMSI
}

// straight sails from a place at so many knots.
func straight(north, east, knots, course float64) func(float64) (float64, float64) {
	sin, cos := math.Sincos(course * math.Pi / 180)
	return func(s float64) (float64, float64) {
		return north + knots*1852/3600*s*cos, east + knots*1852/3600*s*sin
	}
}

const radarLat, radarLon = 51.0, 1.0

func onEarth(north, east float64) (lat, lon float64) {
	const metre = 180 / math.Pi / 6371008.8
	lat = radarLat + north*metre
	return lat, radarLon + east*metre/math.Cos(radarLat*math.Pi/180)
}

func radarPort() *port.Port {
	far := func(n, e float64) port.Point { lat, lon := onEarth(n, e); return port.Point{lon, lat} }
	return &port.Port{Identity: port.Identity{Centre: port.Point{radarLon, radarLat}}, Sensors: []port.Sensor{{ID: "head", Name: "Head radar", Kind: "radar",
		Position: port.Point{radarLon, radarLat}, Range: 20_000, Blind: 100,
		Shadows: []port.Ring{{far(-9000, -9000), far(-9000, -5000), far(-5000, -5000), far(-5000, -9000)}}}}}
}

// scene lets hulls sail for minutes and gives batches of a second each.
func scene(minutes int, hulls ...hull) []*event.Batch {
	r := rand.New(rand.NewPCG(7, 7))
	var out []*event.Batch
	for s := range minutes * 60 {
		at, b := start.Add(time.Duration(s)*time.Second), &event.Batch{}
		for i, h := range hulls {
			if h.mmsi != 0 && s == i {
				v := blank(h.mmsi, at)
				v.Type, v.Static, v.Name, v.Bow, v.Stern, v.ShipType = 5, true, fmt.Sprint("HULL ", i), h.length/2, h.length/2, 70
				b.Vessels = append(b.Vessels, v)
			}
			if h.mmsi != 0 && (s+i)%10 == 0 {
				n, e := h.at(float64(s))
				heard := true
				where := h.at
				if h.says != nil {
					n, e, heard = h.says(float64(s))
					where = func(s float64) (float64, float64) { n, e, _ := h.says(s); return n, e }
				}
				n2, e2 := where(float64(s) + 1)
				v := blank(h.mmsi, at)
				v.Lat, v.Lon = onEarth(n, e)
				v.SOG, v.Status = float32(math.Hypot(n2-n, e2-e)*3600/1852), 0
				v.COG = float32(math.Mod(math.Atan2(e2-e, n2-n)*180/math.Pi+360, 360))
				v.Second = int8(at.Second())
				if heard {
					b.Vessels = append(b.Vessels, v)
				}
			}
			if s%3 == 0 && (h.hidden == nil || !h.hidden(float64(s))) && r.IntN(20) > 0 {
				n, e := h.at(float64(s))
				c := event.Contact{Head: event.Head{Time: at, Seen: at, Told: true, Source: "radar"}, Sensor: "head", Track: fmt.Sprint(i), SOG: float32(math.NaN()), COG: float32(math.NaN())}
				if h.number != nil {
					c.Track = h.number(float64(s))
				}
				c.Lat, c.Lon = onEarth(n+r.NormFloat64()*20, e+r.NormFloat64()*20)
				b.Contacts = append(b.Contacts, c)
			}
		}
		out = append(out, b)
	}
	return out
}

// seen runs a scene and gives what the rules about sensors told, the highest grade of each.
func seen(t *testing.T, batches []*event.Batch) map[string]finding.Grade {
	t.Helper()
	told := map[string]finding.Grade{}
	w := vessel.New(radarPort(), vessel.Options{}, func(o finding.Occurrence) {
		if o.Cleared || o.Rule != "vessel.dark-target" && o.Rule != "vessel.not-seen" && o.Rule != "vessel.sensor-disagrees" {
			return
		}
		key := strings.TrimPrefix(o.Rule, "vessel.") + " " + o.Subject.ID
		told[key] = max(told[key], o.Grade)
	})
	for i, b := range batches {
		w.Observe(b)
		w.Advance(start.Add(time.Duration(i) * time.Second))
	}
	return told
}

// others are vessels that nothing is wrong with, so that radar and AIS are known to work.
func others() []hull {
	return []hull{{mmsi: 211000001, length: 120, at: straight(-15_000, 8000, 12, 0)}, {mmsi: 211000002, length: 90, at: straight(9000, -9000, 10, 100)},
		{mmsi: 211000003, length: 200, at: straight(4000, 15_000, 14, 270)}}
}

func TestSensors(t *testing.T) {
	dragged := func(s float64) (float64, float64, bool) { // its AIS drifts off at 2.5 m/s beside its own way, after ten minutes
		n, e := straight(-3000, -4000, 8, 90)(s)
		return n - 2.5*max(0, s-600), e, true
	}
	for name, c := range map[string]struct {
		hulls []hull
		want  map[string]finding.Grade
	}{
		"nothing is wrong": {nil, nil},
		"AIS is dragged off, agreeing with its own speed and course": {[]hull{{mmsi: 311000001, length: 180, at: straight(-3000, -4000, 8, 90), says: dragged}},
			map[string]finding.Grade{"sensor-disagrees mmsi:311000001": finding.Confirmed}},
		"a vessel that does not exist": {[]hull{{mmsi: 311000002, length: 180, at: straight(3000, -4000, 8, 90), hidden: func(float64) bool { return true }}},
			map[string]finding.Grade{"not-seen mmsi:311000002": finding.Likely}},
		"one that does not exist, in a shadow":            {[]hull{{mmsi: 311000002, length: 180, at: straight(-7000, -8500, 3, 90), hidden: func(float64) bool { return true }}}, nil},
		"a small craft that the radar loses in the waves": {[]hull{{mmsi: 311000003, length: 8, at: straight(3000, -4000, 6, 90), hidden: func(float64) bool { return true }}}, nil},
		"a boat without AIS":                              {[]hull{{at: straight(2000, -6000, 9, 80)}}, map[string]finding.Grade{"dark-target head:3": finding.Likely}},
		"a buoy":                                          {[]hull{{at: straight(2000, -6000, 0.2, 80)}}, nil},
		"a vessel whose AIS is switched off": {[]hull{{mmsi: 311000004, length: 100, at: straight(3000, -6000, 9, 90), says: func(s float64) (float64, float64, bool) {
			n, e := straight(3000, -6000, 9, 90)(s)
			return n, e, s < 600
		}}},
			map[string]finding.Grade{"dark-target head:3": finding.Likely}},
		"two that pass close by, and the tracker exchanges their numbers": {[]hull{
			{mmsi: 311000005, length: 100, at: straight(3000, -6000, 9, 90), number: func(s float64) string { return swapped(s, "3", "4") }},
			{mmsi: 311000006, length: 100, at: straight(3060, -1000, 9, 270), number: func(s float64) string { return swapped(s, "4", "3") }}}, nil},
		"a target that is lost and found under another number": {[]hull{{mmsi: 311000007, length: 100, at: straight(3000, -6000, 9, 90), number: func(s float64) string { return swapped(s, "7", "8") }}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := seen(t, scene(30, append(others(), c.hulls...)...))
			if d := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
		})
	}
}

// swapped gives the one until the two have passed, then the other.
func swapped(s float64, first, then string) string {
	if s < 541 {
		return first
	}
	return then
}

// A silent AIS feed makes no vessel dark, and a radar that stops makes none false.
func TestSilentFeedsSayNothing(t *testing.T) {
	hulls := append(others(), hull{mmsi: 311000001, length: 150, at: straight(3000, -6000, 9, 90)})
	noAIS, noRadar := scene(30, hulls...), scene(30, hulls...)
	for i := range noAIS {
		if i > 600 {
			noAIS[i].Vessels, noRadar[i].Contacts = nil, nil
		}
	}
	if got := seen(t, noAIS); len(got) > 0 {
		t.Errorf("AIS is silent and it tells %v", got)
	}
	if got := seen(t, noRadar); len(got) > 0 {
		t.Errorf("the radar is silent and it tells %v", got)
	}
	// The radar goes on and sees one vessel of the four only: it is out of order.
	halfBlind := scene(30, hulls...)
	for i := range halfBlind {
		if i > 600 {
			kept := halfBlind[i].Contacts[:0]
			for _, c := range halfBlind[i].Contacts {
				if c.Track == "0" {
					kept = append(kept, c)
				}
			}
			halfBlind[i].Contacts = kept
		}
	}
	if got := seen(t, halfBlind); len(got) > 0 {
		t.Errorf("the radar sees a quarter of what it saw and it tells %v", got)
	}
}

// A recording of contacts that is read before that of AIS tells the same as both live.
func TestContactsWaitForAIS(t *testing.T) {
	batches := scene(25, append(others(), hull{at: straight(2000, -6000, 9, 80)})...)
	live := seen(t, batches)
	first := &event.Batch{}
	for _, b := range batches {
		first.Contacts, b.Contacts = append(first.Contacts, b.Contacts...), nil
	}
	told := map[string]bool{}
	w := vessel.New(radarPort(), vessel.Options{}, func(o finding.Occurrence) { told[strings.TrimPrefix(o.Rule, "vessel.")+" "+o.Subject.ID] = true })
	w.Observe(first)
	for _, b := range batches {
		w.Observe(b)
	}
	w.Advance(start.Add(25 * time.Minute))
	for key := range live {
		if !told[key] {
			t.Errorf("read one after the other, it does not tell %s", key)
		}
	}
	if len(live) == 0 || len(told) != len(live) {
		t.Errorf("live %v, one after the other %v", live, told)
	}
}

// A watch that goes on from a snapshot knows its targets.
func TestSensorsGoOnFromSnapshot(t *testing.T) {
	batches := scene(25, append(others(), hull{at: straight(2000, -6000, 9, 80)})...)
	run := func(stop int) (told []finding.Occurrence) {
		emit := func(o finding.Occurrence) { told = append(told, o) }
		w := vessel.New(radarPort(), vessel.Options{}, emit)
		for i, b := range batches {
			if i == stop {
				var kept bytes.Buffer
				if err := w.Save(&kept, 1); err != nil {
					t.Fatal(err)
				}
				w = vessel.New(radarPort(), vessel.Options{}, emit)
				if _, err := w.Restore(&kept, anyPlace); err != nil {
					t.Fatal(err)
				}
			}
			w.Observe(b)
			w.Advance(start.Add(time.Duration(i) * time.Second))
		}
		return told
	}
	if d := cmp.Diff(run(-1), run(200), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

// Feeds that are read again come one behind the other: neither a radar that runs
// ahead of AIS, nor AIS that runs ahead of the radar, makes an honest vessel false.
func TestFeedsThatCatchUp(t *testing.T) {
	hulls := append(others(), hull{mmsi: 311000001, length: 150, at: straight(3000, -6000, 9, 90)})
	now := start.Add(2 * time.Hour)
	split := func() (ais, radar []*event.Batch) {
		for _, b := range scene(30, hulls...) {
			for i := range b.Vessels {
				b.Vessels[i].Seen = now
			}
			for i := range b.Contacts {
				b.Contacts[i].Seen = now
			}
			ais, radar = append(ais, &event.Batch{Vessels: b.Vessels}), append(radar, &event.Batch{Contacts: b.Contacts})
		}
		return ais, radar
	}
	ais, radar := split()
	for name, order := range map[string][]*event.Batch{"radar first": append(append([]*event.Batch{}, radar...), ais...), "AIS first": append(append([]*event.Batch{}, ais...), radar...)} {
		var told []string
		w := vessel.New(radarPort(), vessel.Options{}, func(o finding.Occurrence) { told = append(told, o.Rule+" "+o.Subject.ID) })
		for i, b := range order {
			w.Observe(b)
			if i%500 == 0 {
				w.Advance(now.Add(time.Duration(i/500) * time.Second))
			}
		}
		w.Advance(now.Add(time.Minute))
		if len(told) > 0 {
			t.Errorf("%s: %v", name, told)
		}
	}
}

// What a sensor keeps of vessels goes when the watch forgets them.
func TestSensorsForget(t *testing.T) {
	size := func(batches []*event.Batch, later time.Duration) int {
		w := vessel.New(radarPort(), vessel.Options{}, func(finding.Occurrence) {})
		for i, b := range batches {
			w.Observe(b)
			w.Advance(start.Add(time.Duration(i) * time.Second))
		}
		w.Advance(start.Add(later))
		for i := range 10 { // a buoy that is seen afterwards
			c := event.Contact{Head: event.Head{Time: start.Add(later + time.Duration(i)*3*time.Second), Seen: start.Add(later)}, Sensor: "head", Track: "buoy", Lat: radarLat, Lon: radarLon + 0.1}
			w.Observe(&event.Batch{Contacts: []event.Contact{c}})
		}
		w.Advance(start.Add(later + time.Hour))
		var b bytes.Buffer
		if err := w.Save(&b, 1); err != nil {
			t.Fatal(err)
		}
		return b.Len()
	}
	var many []hull
	for i := range uint32(40) {
		many = append(many, hull{mmsi: 211000100 + i, length: 100, at: straight(-15_000+float64(i)*700, 6000, 10, 90)})
	}
	few, lot := size(scene(4, many[:4]...), 30*time.Hour), size(scene(4, many...), 30*time.Hour)
	if lot > few+2000 {
		t.Errorf("a day after 40 vessels the watch keeps %d bytes, after 4 %d", lot, few)
	}
}

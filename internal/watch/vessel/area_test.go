package vessel_test

import (
	"math"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// fleet is n vessels that sail north at 10 kn, each reporting every ten seconds;
// change may alter a report.
func fleet(n int, minutes int, change func(i int, since time.Duration, r *event.VesselReport)) []event.VesselReport {
	var out []event.VesselReport
	for s := 0; s < minutes*60; s++ {
		i, since := s%10, time.Duration(s)*time.Second
		if i >= n {
			continue
		}
		r := blank(201000001+uint32(i), start.Add(since))
		r.Second = int8(r.Time.Second())
		r.Lat, r.Lon = 50+float64(i)*0.01+10*1852.0/3600*since.Seconds()/111195, 1+float64(i)*0.01
		r.SOG, r.COG, r.Status, r.Accurate = 10, 0, 0, true
		r.Raw.Offset = int64(s)
		if change(i, since, &r); r.MMSI != 0 {
			out = append(out, r)
		}
	}
	return out
}

// areas gives what was told about areas, and counts what of vessels above
// suspected was told and not taken back.
func areas(told []finding.Occurrence) (of []finding.Occurrence, vessels int) {
	for _, f := range finding.Fold(told) {
		if f.Present && f.Subject.Kind == "vessel" {
			vessels++
		}
	}
	for _, o := range told {
		if o.Rule == "vessel.gnss-interference" && !o.Cleared {
			of = append(of, o)
		}
	}
	return of, vessels
}

func TestAreaEventsAreOneFinding(t *testing.T) {
	attack := 20 * time.Minute
	for name, change := range map[string]func(i int, since time.Duration, r *event.VesselReport){
		"jamming": func(_ int, since time.Duration, r *event.VesselReport) {
			if since >= attack {
				r.Lat, r.Lon, r.Second = math.NaN(), math.NaN(), 63
			}
		},
		"displaced alike": func(_ int, since time.Duration, r *event.VesselReport) {
			if since >= attack {
				r.Lon += 0.3
			}
		},
		"to one point": func(_ int, since time.Duration, r *event.VesselReport) {
			if since >= attack {
				r.Lat, r.Lon = 50.5, 1.5
			}
		},
		"displaced by little": func(_ int, since time.Duration, r *event.VesselReport) {
			if since >= attack {
				r.Lon += 0.008
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, told := watched(fleet(6, 25, change))
			of, vessels := areas(told)
			if len(of) == 0 {
				t.Fatalf("no area was told: %d occurrences", len(told))
			}
			last := of[len(of)-1]
			if d := of[0].Time.Sub(start.Add(attack)); d > 30*time.Second {
				t.Errorf("told after %s", d)
			}
			if len(last.Links) != 6 || last.Grade != finding.Confirmed || last.Place == nil || len(last.Place.Outline) < 4 || len(last.RuledOut) == 0 {
				t.Errorf("%s %s, %d vessels, place %v", last.Grade, last.Title, len(last.Links), last.Place)
			}
			if vessels != 0 {
				t.Errorf("%d findings about single vessels beside the one about the area", vessels)
			}
		})
	}
}

// A step of the receiver's clock moves every vessel along its own course; the
// loss of the receiver silences all. Neither is an area's trouble.
func TestReceiverTroubleIsNoArea(t *testing.T) {
	for name, change := range map[string]func(i int, since time.Duration, r *event.VesselReport){
		"clock": func(_ int, since time.Duration, r *event.VesselReport) {
			if since >= 20*time.Minute {
				r.Lat += 0.02
			}
		},
		"loss": func(_ int, since time.Duration, r *event.VesselReport) {
			if since >= 20*time.Minute && since < 50*time.Minute {
				r.MMSI = 0
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, told := watched(fleet(6, 60, change))
			if of, _ := areas(told); len(of) != 0 {
				t.Errorf("told %q", of[0].Title)
			}
			for _, o := range told {
				if o.Rule == "vessel.silent" {
					t.Errorf("told %q", o.Title)
				}
			}
		})
	}
}

// One of many falls silent where all are heard.
func TestSilenceAmongNeighbours(t *testing.T) {
	_, told := watched(fleet(6, 70, func(i int, since time.Duration, r *event.VesselReport) {
		r.Lat, r.SOG = 50+float64(i)*0.001+since.Seconds()*1e-7, 0 // at rest but for GNSS noise: its place is learned
		if i == 0 && since > 30*time.Minute {
			r.MMSI = 0
		}
	}))
	for _, o := range told {
		if o.Rule == "vessel.silent" && o.Subject.ID == "mmsi:201000001" {
			return
		}
	}
	t.Errorf("not told; %d occurrences", len(told))
}

// Vessels that lie still are heard each three minutes: in that time each of them
// can have sailed three kilometres, but they say that they did not, and three of
// them say so alike.
func TestDisplacedAtRest(t *testing.T) {
	atRest := func(i int, since time.Duration, r *event.VesselReport) {
		r.Lat, r.Lon, r.SOG, r.Status = 50+float64(i)*0.01, 1+float64(i)*0.01, 0, 5
		if int(since/(10*time.Second))%18 != 0 {
			r.MMSI = 0
		}
	}
	_, told := watched(fleet(4, 60, func(i int, since time.Duration, r *event.VesselReport) {
		if atRest(i, since, r); since > 40*time.Minute {
			r.Lat += 0.027
		}
	}))
	of, _ := areas(told)
	if len(of) == 0 || len(of[0].Links) < 3 || of[0].Grade != finding.Likely {
		t.Fatalf("told about areas: %v", of)
	}
	// Each on a way of its own is nothing in common.
	_, told = watched(fleet(4, 60, func(i int, since time.Duration, r *event.VesselReport) {
		if atRest(i, since, r); since > 40*time.Minute {
			r.Lat += 0.027 * math.Cos(float64(i)*math.Pi/2)
			r.Lon += 0.027 * math.Sin(float64(i)*math.Pi/2) / math.Cos(50*math.Pi/180)
		}
	}))
	if of, _ := areas(told); len(of) != 0 {
		t.Errorf("vessels that went four ways are told as %q", of[0].Title)
	}
}

// A third vessel of which one fix was heard before bears out two that always had one.
func TestJammingBorneOutByARareVoice(t *testing.T) {
	for rare, want := range map[int]bool{1: true, 2: false} { // how many of the three are heard rarely
		_, told := watched(fleet(3, 40, func(i int, since time.Duration, r *event.VesselReport) {
			if i < rare && since < 30*time.Minute && since/(10*time.Second) != 60 {
				r.MMSI = 0
			}
			if since >= 30*time.Minute {
				r.Lat, r.Lon, r.Second = math.NaN(), math.NaN(), 63
			}
		}))
		if of, _ := areas(told); len(of) > 0 != want {
			t.Errorf("%d of three heard rarely: told %d times, want it told: %v", rare, len(of), want)
		}
	}
}

// One point can't come of a wrong clock, whatever courses the vessels steer.
func TestOnePointAlongTheCourse(t *testing.T) {
	_, told := watched(fleet(4, 30, func(i int, since time.Duration, r *event.VesselReport) {
		r.Lon = 1 // one behind the other, on one course
		if since >= 20*time.Minute {
			r.Lat, r.Lon = 50.4, 1
		}
	}))
	of, _ := areas(told)
	if len(of) == 0 {
		t.Error("four vessels put to one point ahead of them are not told")
	}
}

package server

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/identity"
)

func TestVesselsAsGeoJSON(t *testing.T) {
	f := newFixture(t).accounts()
	a := f.api(identity.VTSOperator, http.MethodGet, "/api/v1/vessels.geojson", "")
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "application/geo+json" {
		t.Fatalf("%d %s %s", a.StatusCode, a.Header.Get("Content-Type"), a.body)
	}
	var got struct {
		Type     string
		Total    int
		Features []struct {
			Type, ID   string
			Geometry   *struct{ Coordinates []float64 }
			Properties map[string]any
		}
	}
	a.into(t, &got)
	if got.Type != "FeatureCollection" || got.Total != 2 || len(got.Features) != 2 {
		t.Fatal(a.body)
	}
	one, two := got.Features[0], got.Features[1]
	if one.ID != "227006760" || one.Geometry.Coordinates[0] != -1.3 || one.Geometry.Coordinates[1] != 50.8 || one.Properties["name"] != "HERON" || one.Properties["cog"] != nil {
		t.Errorf("%+v", one)
	}
	if two.ID != "227006760-1" || two.Geometry != nil || !strings.Contains(a.body, `"geometry":null`) {
		t.Errorf("%+v", two)
	}
	tag := a.Header.Get("ETag")
	if again := f.api(identity.VTSOperator, http.MethodGet, "/api/v1/vessels.geojson", "", "If-None-Match", tag); again.StatusCode != http.StatusNotModified || again.body != "" {
		t.Errorf("with its own tag: %d %s", again.StatusCode, again.body)
	}
	for query, want := range map[string]int{"box=50,-2,51,-1": 1, "box=10,-2,11,-1": 0, "kind=ship": 2, "kind=aid": 0, "text=heron": 1, "text=22700676": 2} {
		a := f.api(identity.VTSOperator, http.MethodGet, "/api/v1/vessels.geojson?"+query, "")
		if a.into(t, &got); got.Total != want {
			t.Errorf("%s: %d, want %d", query, got.Total, want)
		}
	}
	problemOf(t, f.api(identity.Board, http.MethodGet, "/api/v1/vessels.geojson", ""), http.StatusForbidden)
	problemOf(t, f.api(identity.VTSOperator, http.MethodGet, "/api/v1/vessels.geojson?box=1", ""), http.StatusUnprocessableEntity)
	problemOf(t, f.api(identity.VTSOperator, http.MethodGet, "/api/v1/vessels.geojson?limit=5001", ""), http.StatusUnprocessableEntity)
}

// sailed is a history of given positions.
type sailed struct {
	history
	rows []event.VesselReport
}

func (s sailed) Track(context.Context, uint32, time.Time, time.Time, int) ([]event.VesselReport, error) {
	return s.rows, nil
}

func fixAt(minute, lat, lon float64) event.VesselReport {
	r := event.VesselReport{Lat: lat, Lon: lon, SOG: 12.5}
	r.Time = noon.Add(time.Duration(minute * float64(time.Minute)))
	return r
}

func TestTrackAsGeoJSON(t *testing.T) {
	f := newFixture(t, func(d *Deps) {
		d.Positions = sailed{rows: []event.VesselReport{
			fixAt(0, 50, -1), fixAt(1, 50.01, -1), fixAt(2, 55, 5), fixAt(3, 50.02, -1), fixAt(4, 55.01, 5), fixAt(5, math.NaN(), 0), // two hulls
			fixAt(60, 50.5, -1), // a gap
		}}
	}).accounts()
	a := f.api(identity.VTSOperator, http.MethodGet, "/api/v1/vessels/227006760/track.geojson", "")
	var got struct {
		Type     string
		Cut      bool
		Features []struct {
			ID       string
			Geometry struct {
				Type        string
				Coordinates json.RawMessage
			}
			Properties trackPart
		}
	}
	a.into(t, &got)
	want := []struct{ id, kind, coordinates string }{
		{"227006760/0", "LineString", "[[-1,50],[-1,50.01],[-1,50.02]]"},
		{"227006760/1", "LineString", "[[5,55],[5,55.01]]"},
		{"227006760/2", "Point", "[-1,50.5]"},
	}
	if a.Header.Get("Content-Type") != "application/geo+json" || len(got.Features) != len(want) || got.Cut {
		t.Fatal(a.body)
	}
	for i, w := range want {
		g := got.Features[i]
		if g.ID != w.id || g.Geometry.Type != w.kind || string(g.Geometry.Coordinates) != w.coordinates {
			t.Errorf("part %d: %s %s %s", i, g.ID, g.Geometry.Type, g.Geometry.Coordinates)
		}
	}
	p := got.Features[0].Properties
	if len(p.Times) != 3 || !p.Times[2].Equal(noon.Add(3*time.Minute)) || *p.SOG[0] != 12.5 || !p.To.Equal(p.Times[2]) {
		t.Errorf("%+v", p)
	}
	if a := f.api(identity.VTSOperator, http.MethodGet, "/api/v1/vessels/227006760/track.geojson?gap=120&limit=7", ""); !strings.Contains(a.body, `"cut":true`) || strings.Contains(a.body, `"part":2`) {
		t.Error(a.body)
	}
	problemOf(t, f.api(identity.Board, http.MethodGet, "/api/v1/vessels/1/track.geojson", ""), http.StatusForbidden)
	problemOf(t, newFixture(t, func(d *Deps) { d.Positions = nil }).accounts().api(identity.CSO, http.MethodGet, "/api/v1/vessels/1/track.geojson", ""), http.StatusServiceUnavailable)
}

func TestTrackIsCutAtTheAntimeridian(t *testing.T) {
	parts := partsOf([]event.VesselReport{fixAt(0, 10, 179.9), fixAt(20, 10.1, -179.9), fixAt(40, 10.2, 179.9)}, time.Hour)
	if len(parts) != 1 {
		t.Fatalf("%d parts", len(parts))
	}
	text, err := json.Marshal(parts[0].feature(1, 0).Geometry)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"type":"MultiLineString","coordinates":[[[179.9,10],[180,10.05]],[[-180,10.05],[-179.9,10.1],[-180,10.149999999999999]],[[180,10.149999999999999],[179.9,10.2]]]}`; string(text) != want {
		t.Errorf("%s", text)
	}
}

// TestPartsHoldEachPositionOnce: every position lies in one part, in order of
// time, and no part has a step that a hull cannot do or a gap.
func TestPartsHoldEachPositionOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []event.VesselReport
		minute := 0.0
		for range rapid.IntRange(0, 60).Draw(t, "n") {
			minute += rapid.Float64Range(0, 20).Draw(t, "dt")
			rows = append(rows, fixAt(minute, rapid.Float64Range(-1, 1).Draw(t, "lat"), rapid.Float64Range(-180, 180).Draw(t, "lon")))
		}
		seen := map[*event.VesselReport]bool{}
		for i, p := range partsOf(rows, 15*time.Minute) {
			for k, r := range p.rows {
				if seen[r] {
					t.Fatal("twice")
				}
				seen[r] = true
				if k == 0 {
					continue
				}
				dt := r.Time.Sub(p.rows[k-1].Time)
				if dt < 0 || dt > 15*time.Minute || apart(p.rows[k-1], r) > 80*dt.Hours()+0.5 {
					t.Fatalf("part %d: %v and %v in %v", i, p.rows[k-1], r, dt)
				}
			}
			if g := p.feature(1, i); len(g.Properties.Times) != len(p.rows) {
				t.Fatal("times and positions differ in number")
			}
		}
		if len(seen) != len(rows) {
			t.Fatalf("%d of %d positions", len(seen), len(rows))
		}
	})
}

package console

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/coast"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// History is the positions of the past. Boxes are [south, west, north, east].
type History interface {
	// PositionsAt returns the newest position of each vessel told within window up to at.
	PositionsAt(ctx context.Context, box [4]float64, at time.Time, window time.Duration, limit int) ([]event.VesselReport, error)
}

// Bounds of the sea chart.
const (
	seaVessels = 20_000
	pastWindow = 15 * time.Minute // a vessel unheard for longer is not drawn at a moment of the past
)

// seaView is the sea chart: the map with the tools of those who watch vessels.
type seaChartView struct {
	frame
	Canvas mapSettings
	Past   bool   // moments of the past can be asked for
	Day    string // the day before now in UTC, to begin a replay with
	Tiles  string // where a chart of the user's own is served, "" where none is
}

func (c *Console) seaChart(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v := seaChartView{frame: c.frame(r, "Sea chart", "vessels"), Past: c.d.History != nil, Day: c.d.Now().UTC().Format(time.DateOnly)}
	c.withMap(&v.frame)
	v.Canvas = c.mapSettings("/map/sea.json")
	if c.d.Tiles != "" {
		v.Tiles = "/map/tiles.pmtiles"
	}
	return seaChartPage(v), nil
}

// shipClass groups the types of ship of ITU-R M.1371-5 table 53 by how the chart
// draws them.
func shipClass(t *vessel.Track) string {
	switch t.Kind {
	case "aid":
		return "aid"
	case "base-station":
		return "station"
	case "ship", "unknown":
	default:
		return "special"
	}
	switch n := t.ShipType; {
	case n >= 70 && n < 80:
		return "cargo"
	case n >= 80 && n < 90:
		return "tanker"
	case n >= 60 && n < 70, n >= 40 && n < 50:
		return "passenger"
	case n == 30:
		return "fishing"
	case n == 36 || n == 37:
		return "pleasure"
	case n >= 31 && n < 36, n >= 50 && n < 60:
		return "service"
	}
	return "other"
}

// seaJSON is all vessels of the picture in columns: a row a vessel is
// [id, lon, lat, course, speed, heading, class, seconds since heard, findings,
// name, call sign, IMO, destination]; what was not told is null. One page asks for
// it each second or two, so it is kept small.
func (c *Console) seaJSON(w http.ResponseWriter, r *http.Request) {
	pic := c.d.Vessels()
	b := make([]byte, 0, 120*len(pic.Tracks)+200)
	b = append(b, `{"as_of":"`...)
	b = pic.AsOf.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, `","rows":[`...)
	n := 0
	for i := range pic.Tracks {
		t := &pic.Tracks[i]
		if math.IsNaN(t.Lat) || math.IsNaN(t.Lon) {
			continue
		}
		if n == seaVessels {
			break
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = appendSeaRow(b, t, pic.AsOf)
	}
	b = append(b, `],"all":`...)
	b = strconv.AppendInt(b, int64(len(pic.Tracks)), 10)
	b = append(b, "}\n"...)
	c.send(w, r, "application/json", b)
}

func appendSeaRow(b []byte, t *vessel.Track, asOf time.Time) []byte {
	b = append(b, `["`...)
	b = append(b, trackID(*t)...)
	b = append(b, `",`...)
	b = append(appendDecimal(b, t.Lon, 5), ',')
	b = append(appendDecimal(b, t.Lat, 5), ',')
	b = appendAbsent(b, t.COG)
	b = appendAbsent(b, t.SOG)
	b = appendAbsent(b, t.Heading)
	b = append(b, '"')
	b = append(b, shipClass(t)...)
	b = append(b, `",`...)
	b = strconv.AppendInt(b, int64(max(0, asOf.Sub(t.LastHeard)/time.Second)), 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(len(t.Findings)), 10)
	for _, text := range []string{trackName(*t), t.CallSign, t.Destination} {
		quoted, _ := json.Marshal(text) // a string can always be written
		b = append(append(b, ','), quoted...)
	}
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(t.IMO), 10)
	return append(b, ']')
}

// appendAbsent writes a number to a tenth, null where it was not told, and a comma.
func appendAbsent(b []byte, v float32) []byte {
	if v != v {
		return append(b, "null,"...)
	}
	return append(strconv.AppendFloat(b, math.Round(float64(v)*10)/10, 'f', -1, 64), ',')
}

// trailJSON is the way of one vessel, as far as the watch keeps it.
func (c *Console) trailJSON(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	for _, t := range c.d.Vessels().Tracks {
		if trackID(t) != id {
			continue
		}
		line := append(wakeOf(&t, wakeStep), port.Point{t.Lon, t.Lat})
		b, err := json.Marshal(feature{"Feature", geometry{"LineString", line}, map[string]any{"id": id}})
		if err != nil || len(line) < 2 {
			break
		}
		c.send(w, r, "application/geo+json", b)
		return
	}
	c.send(w, r, "application/geo+json", []byte(`{"type":"FeatureCollection","features":[]}`))
}

// marksJSON is the findings that have a place, as the map of the Watch page marks
// them.
func (c *Console) marksJSON(w http.ResponseWriter, r *http.Request) {
	marks, err := c.markFeatures(r, c.d.Port())
	if err == nil {
		var b []byte
		if b, err = json.Marshal(collection{Type: "FeatureCollection", Features: append([]feature{}, marks...)}); err == nil {
			c.send(w, r, "application/geo+json", b)
			return
		}
	}
	c.d.Log.Error("chart: findings not read", "error", err)
	http.Error(w, "findings could not be read", http.StatusInternalServerError)
}

// pastJSON is the picture of a moment of the past, in the columns of seaJSON,
// out of the kept positions. Names are those of today; what the vessel was told
// to be then is in its track.
func (c *Console) pastJSON(w http.ResponseWriter, r *http.Request) {
	at, err := time.Parse(time.RFC3339, r.URL.Query().Get("at"))
	switch {
	case c.d.History == nil:
		http.Error(w, "positions are not kept here", http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, "at is no time such as 2026-11-23T14:00:00Z", http.StatusBadRequest)
		return
	}
	found, err := c.d.History.PositionsAt(r.Context(), [4]float64{}, at, pastWindow, seaVessels)
	if err != nil {
		c.d.Log.Error("chart: the past was not read", "at", at, "error", err)
		http.Error(w, "the positions could not be read", http.StatusInternalServerError)
		return
	}
	known := map[uint32]*vessel.Track{}
	pic := c.d.Vessels()
	for i := range pic.Tracks {
		known[pic.Tracks[i].MMSI] = &pic.Tracks[i]
	}
	b := []byte(`{"as_of":"`)
	b = at.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, `","rows":[`...)
	for i := range found {
		p := &found[i]
		t := vessel.Track{MMSI: p.MMSI, Kind: "ship", Heading: p.Heading, LastHeard: p.Time, Fix: vessel.Fix{Lat: p.Lat, Lon: p.Lon, SOG: p.SOG, COG: p.COG}}
		if k := known[p.MMSI]; k != nil {
			t.Name, t.CallSign, t.IMO, t.ShipType, t.Kind = k.Name, k.CallSign, k.IMO, k.ShipType, k.Kind
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSeaRow(b, &t, at)
	}
	b = append(b, `],"all":`...)
	b = strconv.AppendInt(b, int64(len(found)), 10)
	c.send(w, r, "application/json", append(b, "}\n"...))
}

// coastJSON is the land of a box, from the embedded coast: as fine as the box is
// small, so that an answer is some hundred kilobytes at most.
func (c *Console) coastJSON(w http.ResponseWriter, r *http.Request) {
	var b [4]float64 // west, south, east, north
	if n, err := fmt.Sscanf(r.URL.Query().Get("box"), "%g,%g,%g,%g", &b[0], &b[1], &b[2], &b[3]); err != nil || n != 4 ||
		!(b[0] >= -180 && b[0] < b[2] && b[2] <= 180 && b[1] >= -90 && b[1] < b[3] && b[3] <= 90) {
		http.Error(w, "box is west,south,east,north in degrees", http.StatusBadRequest)
		return
	}
	rings := coast.Outline(b[0], b[1], b[2], b[3], (b[2]-b[0])/1500)
	col := collection{Type: "FeatureCollection", Features: make([]feature, 0, len(rings))}
	for _, ring := range rings {
		col.Features = append(col.Features, feature{"Feature", geometry{"Polygon", [][][2]float64{append(ring, ring[0])}}, map[string]any{"layer": "coast"}})
	}
	out, err := json.Marshal(col)
	if err != nil {
		c.d.Log.Error("chart: the coast was not written", "error", err)
		http.Error(w, "the coast could not be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "private, max-age=86400") // it changes with the program only
	c.write(w, r, "application/geo+json", out)
}

// reachJSON is how far vessels are heard around the centre of the port, learned
// by bearing; without features until enough was heard.
func (c *Console) reachJSON(w http.ResponseWriter, r *http.Request) {
	pic, centre := c.d.Vessels(), c.d.Port().Identity.Centre
	col := collection{Type: "FeatureCollection", Features: []feature{}}
	var ring port.Ring
	for _, s := range pic.Reach {
		sin, cos := math.Sincos(s.Bearing * math.Pi / 180)
		const metres = 111_120 // of a degree of latitude
		ring = append(ring, port.Point{centre[0] + s.Metres*sin/metres/math.Cos(centre[1]*math.Pi/180), centre[1] + s.Metres*cos/metres})
	}
	if len(ring) > 2 {
		col.Features = append(col.Features, polygonFeature(ring, map[string]any{"layer": "reach"}))
	}
	out, err := json.Marshal(col)
	if err != nil {
		http.Error(w, "the range could not be written", http.StatusInternalServerError)
		return
	}
	c.send(w, r, "application/geo+json", out)
}

// tiles serves the user's own chart by ranges: the file is read by the browser
// piece by piece, and is opened anew for each, so it can be replaced.
func (c *Console) tiles(w http.ResponseWriter, r *http.Request) {
	f, err := os.Open(c.d.Tiles)
	if err != nil {
		http.Error(w, "no chart file is configured, or it can't be read", http.StatusNotFound)
		if c.d.Tiles != "" {
			c.d.Log.Warn("the chart file is not served", "file", c.d.Tiles, "error", err)
		}
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		http.Error(w, "the chart file can't be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// send writes an answer that is true for this moment only.
func (c *Console) send(w http.ResponseWriter, r *http.Request, kind string, body []byte) {
	w.Header().Set("Cache-Control", "no-store")
	c.write(w, r, kind, body)
}

func (c *Console) write(w http.ResponseWriter, r *http.Request, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	if _, err := w.Write(body); err != nil && r.Context().Err() == nil { //nolint:gosec // G705: JSON under its own content type, with nosniff; nothing of it is HTML
		c.d.Log.Error("chart: not sent", "error", err)
	}
}

package console

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// Bounds of the live map.
const (
	mapVessels = 2000 // nearest to the centre of the port; the note says when there are more
	mapMarks   = 100
	mapAssets  = 3000
)

// box is [west, south, east, north] in degrees.
type box [4]float64

func (b box) String() string {
	s := ""
	for i, v := range b {
		if i > 0 {
			s += ","
		}
		s += strconv.FormatFloat(v, 'f', 5, 64)
	}
	return s
}

func (b *box) add(p port.Point) {
	if b[0] == 0 && b[1] == 0 && b[2] == 0 && b[3] == 0 {
		*b = box{p[0], p[1], p[0], p[1]}
		return
	}
	b[0], b[1] = min(b[0], p[0]), min(b[1], p[1])
	b[2], b[3] = max(b[2], p[0]), max(b[3], p[1])
}

func pair(p port.Point) string {
	return strconv.FormatFloat(p[0], 'f', 5, 64) + "," + strconv.FormatFloat(p[1], 'f', 5, 64)
}

// feature is one GeoJSON feature (RFC 7946).
type feature struct {
	Type       string         `json:"type"`
	Geometry   geometry       `json:"geometry"`
	Properties map[string]any `json:"properties"`
}

type geometry struct {
	Type        string `json:"type"`
	Coordinates any    `json:"coordinates"`
}

type collection struct {
	Type     string    `json:"type"`
	Features []feature `json:"features"`
}

func pointFeature(p port.Point, props map[string]any) feature {
	return feature{"Feature", geometry{"Point", p}, props}
}

func polygonFeature(r port.Ring, props map[string]any) feature {
	closed := slices.Clone(r)
	if len(closed) > 0 && closed[0] != closed[len(closed)-1] {
		closed = append(closed, closed[0])
	}
	return feature{"Feature", geometry{"Polygon", []port.Ring{closed}}, props}
}

// geoPort is the port file as a map, made once a loaded file.
type geoPort struct {
	port *port.Port
	box  box // of areas and waters: what the map opens on
	json []byte
	tag  string

	projection projection
	drawn      chart // what is declared, for drawings on the server
}

type portCache struct {
	mu   sync.Mutex
	last *geoPort
}

// of returns the map of p, made anew when another file was loaded.
func (pc *portCache) of(p *port.Port) *geoPort {
	pc.mu.Lock()
	defer pc.mu.Unlock()
	if pc.last == nil || pc.last.port != p {
		pc.last = newGeoPort(p)
	}
	return pc.last
}

func newGeoPort(p *port.Port) *geoPort {
	g := &geoPort{port: p}
	col := collection{Type: "FeatureCollection", Features: []feature{}}
	name := func(text string, r port.Ring) {
		col.Features = append(col.Features, pointFeature(centroid(r), map[string]any{"layer": "name", "name": text}))
	}
	for _, l := range p.Land {
		col.Features = append(col.Features, polygonFeature(l.Shape, map[string]any{"layer": "land", "kind": l.Kind, "name": l.Name}))
	}
	for _, w := range p.Waters {
		col.Features = append(col.Features, polygonFeature(w.Shape, map[string]any{"layer": "water", "kind": w.Kind, "name": w.Name}))
		if w.Kind != "berth" {
			name(w.Name, w.Shape)
		}
		for _, pt := range w.Shape {
			g.box.add(pt)
		}
	}
	for _, a := range p.Areas {
		if len(a.Perimeter) == 0 {
			continue
		}
		col.Features = append(col.Features, polygonFeature(a.Perimeter, map[string]any{"layer": "area", "id": a.ID, "name": a.Name, "restricted": a.Restricted}))
		if a.Inside == "" {
			name(a.Name, a.Perimeter)
		}
		for _, pt := range a.Perimeter {
			g.box.add(pt)
		}
	}
	placed := 0
	for i := range p.Assets {
		if a := &p.Assets[i]; a.Position != (port.Point{}) && placed < mapAssets {
			placed++
			col.Features = append(col.Features, pointFeature(a.Position, map[string]any{"layer": "asset", "id": a.ID, "name": a.Name, "domain": string(a.Domain)}))
		}
	}
	if g.box == (box{}) {
		ce := p.Identity.Centre
		g.box = box{ce[0] - 0.05, ce[1] - 0.03, ce[0] + 0.05, ce[1] + 0.03}
	}
	g.json, _ = json.Marshal(col) // floats of a loaded port file are finite
	g.projection = newProjection(g.box)
	g.drawn.declared(p, g.projection)
	sum := sha256.Sum256(g.json)
	g.tag = hex.EncodeToString(sum[:8])
	return g
}

// centroid is the middle of the corners: good enough to hang a name on.
func centroid(r port.Ring) port.Point {
	var c port.Point
	for _, p := range r {
		c[0], c[1] = c[0]+p[0]/float64(len(r)), c[1]+p[1]/float64(len(r))
	}
	return c
}

func (c *Console) mapPort(w http.ResponseWriter, r *http.Request) {
	g := c.ports.of(c.d.Port())
	w.Header().Set("Content-Type", "application/geo+json")
	w.Header().Set("Cache-Control", "private, max-age=3600")
	w.Header().Set("ETag", `"`+g.tag+`"`)
	if r.Header.Get("If-None-Match") == `"`+g.tag+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(g.json) // the client went away: nobody to tell
}

// placeOf tells where a subject is: the asset's own position, its area, or not at all.
func placeOf(p *port.Port, s finding.Subject) (port.Point, bool) {
	area := s.ID
	if a := subjectAsset(p, s); a != nil {
		if a.Position != (port.Point{}) {
			return a.Position, true
		}
		area = a.Area
	} else if s.Kind == "reader" {
		if _, in := p.Reader(s.ID); in != nil {
			area = in.ID
		}
	}
	if a := p.Area(area); a != nil && len(a.Perimeter) > 0 {
		return centroid(a.Perimeter), true
	}
	return port.Point{}, false
}

// hops are the subjects of a finding in the order of its walk, the subject
// itself first where it is not the chain as such.
func hops(f finding.Finding) []finding.Subject {
	switch f.Subject.Kind {
	case "chain", "conduit", "zone-pair":
		if len(f.Links) > 0 {
			return f.Links // the subject is the walk, not a stop of it
		}
	}
	if len(f.Links) > 0 && f.Links[0].ID == f.Subject.ID {
		return f.Links
	}
	return append([]finding.Subject{f.Subject}, f.Links...)
}

// nearest are the vessels closest to the port, at most n, and how many there
// are. Tracks are large, so what is sorted are their places in the picture.
func nearest(pic vessel.Picture, centre port.Point, n int) (near []*vessel.Track, all int) {
	type far struct {
		squared float64 // degrees of latitude
		at      int
	}
	shrink := math.Cos(centre[1] * math.Pi / 180)
	order := make([]far, 0, len(pic.Tracks))
	for i := range pic.Tracks {
		t := &pic.Tracks[i]
		if math.IsNaN(t.Lat) || math.IsNaN(t.Lon) {
			continue
		}
		dx, dy := (t.Lon-centre[0])*shrink, t.Lat-centre[1]
		order = append(order, far{dx*dx + dy*dy, i})
	}
	if all = len(order); all > n {
		slices.SortFunc(order, func(a, b far) int { return cmp.Or(cmp.Compare(a.squared, b.squared), a.at-b.at) })
		order = order[:n]
	}
	near = make([]*vessel.Track, len(order))
	for i, o := range order {
		near[i] = &pic.Tracks[o.at]
	}
	return near, all
}

// quietAfter is when a vessel counts as silent: ships at anchor report every 3
// minutes (ITU-R M.1371-5 table 1), so three reports in a row are missing.
const quietAfter = 10 * time.Minute

// quiet reports whether a vessel has not been heard for longer than it would be
// silent of itself. asOf is the newest time that any vessel told.
func quiet(t vessel.Track, asOf time.Time) bool {
	return !t.LastHeard.IsZero() && asOf.Sub(t.LastHeard) > quietAfter
}

// vesselIcon is the shape of a track on the map; a silent one is drawn dashed.
func vesselIcon(t vessel.Track, asOf time.Time) string {
	switch {
	case len(t.Findings) > 0:
		return "ship-doubt"
	case quiet(t, asOf) && (t.Kind == "ship" || t.Kind == "unknown"):
		return "ship-silent"
	case t.Kind == "aid" || t.Kind == "base-station":
		return "aid"
	case math.IsNaN(float64(bearing(t))):
		return "ship-still"
	}
	return "ship"
}

// bearing is where the bow points: the heading, else the course while it moves, else NaN.
func bearing(t vessel.Track) float32 {
	if !math.IsNaN(float64(t.Heading)) {
		return t.Heading
	}
	if !math.IsNaN(float64(t.COG)) && t.SOG > 0.5 {
		return t.COG
	}
	return float32(math.NaN())
}

// trackID names a track in addresses: its MMSI, and the hull where there are several.
func trackID(t vessel.Track) string {
	if t.Hull == 0 {
		return fmt.Sprintf("%09d", t.MMSI)
	}
	return fmt.Sprintf("%09d-%d", t.MMSI, t.Hull)
}

func trackName(t vessel.Track) string {
	if t.Name != "" {
		return t.Name
	}
	return fmt.Sprintf("MMSI %09d", t.MMSI)
}

func (c *Console) markFeatures(r *http.Request, p *port.Port) ([]feature, error) {
	if len(c.domains(r.Context(), identity.ViewFindings)) == 0 {
		return nil, nil
	}
	page, err := c.openFindings(r)
	if err != nil {
		return nil, err
	}
	marks, walk := marksAndWalk(p, page, r.URL.Query().Get("sel"))
	var out []feature
	for _, m := range marks {
		kind := m.kind
		if kind == "silent" {
			kind = "suspected"
		}
		if len(m.outline) > 2 {
			ring := append(slices.Clone(m.outline), m.outline[0])
			out = append(out, feature{"Feature", geometry{"Polygon", [][]port.Point{ring}}, map[string]any{"layer": "alarm-area", "id": m.id, "severity": m.severity}})
		}
		out = append(out, pointFeature(m.at, map[string]any{"layer": "mark", "id": m.id, "name": m.name, "severity": m.severity, "icon": kind + "-" + m.severity}))
	}
	var line []port.Point
	for _, h := range walk {
		out = append(out, pointFeature(h.at, map[string]any{"layer": "hop", "name": h.name}))
		line = append(line, h.at)
	}
	if len(line) > 1 {
		out = append(out, feature{"Feature", geometry{"LineString", line}, map[string]any{"layer": "walk"}})
	}
	return out, nil
}

// mark is a finding that has a place.
type mark struct {
	at                       port.Point
	id, name, kind, severity string
	outline                  []port.Point // around all that it is about, where that is an area
}

// marksAndWalk places the open findings and the hops of the selected one.
func marksAndWalk(p *port.Port, page finding.Page, sel string) (marks, walk []mark) {
	for _, row := range fold(page.Findings) { // what stands under a chain has its place on the way of it
		f := row.Finding
		if f.ID == sel {
			walk = walkPlaces(p, row)
			if len(walk) > 1 {
				continue // the walk stands for it
			}
		}
		var at port.Point
		var ok bool
		if f.Place != nil {
			at, ok = port.Point{f.Place.Lon, f.Place.Lat}, true
		} else {
			at, ok = placeOf(p, f.Subject)
		}
		if ok && f.Present && len(marks) < mapMarks {
			marks = append(marks, mark{at, f.ID, shortSubject(p, f.Subject), markKind(f), f.Severity.String(), outlineOf(&f)})
		}
	}
	return marks, walk
}

// outlineOf is the area that a finding is about; nil where it is about a point.
func outlineOf(f *finding.Finding) []port.Point {
	if f.Place == nil || len(f.Place.Outline) < 3 {
		return nil
	}
	out := make([]port.Point, len(f.Place.Outline))
	for i, at := range f.Place.Outline {
		out[i] = at
	}
	return out
}

// walkPlaces are the places of a walk in order: the doors that were touched
// first, then the devices. Stops at one place stand as one.
func walkPlaces(p *port.Port, row alarmRow) []mark {
	var out []mark
	add := func(at port.Point, name string) {
		for i := range out {
			if out[i].at == at {
				if !strings.Contains(out[i].name, name) {
					out[i].name += " · " + name
				}
				return
			}
		}
		out = append(out, mark{at: at, name: name})
	}
	for _, part := range row.Parts {
		if ap, _ := p.Reader(part.Subject.ID); ap != nil && ap.Position != (port.Point{}) {
			add(ap.Position, ap.Name)
		}
	}
	for _, s := range hops(row.Finding) {
		if at, ok := placeOf(p, s); ok {
			add(at, shortSubject(p, s))
		}
	}
	return out
}

func (c *Console) mapNote(pic vessel.Picture, shown, all int) string {
	note := "No vessel heard yet"
	if all > 0 {
		note = plural(all, "vessel", "vessels") + " · newest position " + ago(c.d.Now(), pic.AsOf) + " old"
		if shown < all {
			note += " · nearest " + number(shown) + " shown"
		}
	}
	return note + " · geometry: port file"
}

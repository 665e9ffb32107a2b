package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// geometry is a geometry of RFC 7946: longitude before latitude, WGS 84.
type geometry struct {
	Type        string `json:"type"`
	Coordinates any    `json:"coordinates"`
}

// Schema implements huma.SchemaProvider: the framework knows no object that may be null.
func (geometry) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, Nullable: true, Required: []string{"type", "coordinates"}, Description: "null where no position was ever told",
		Properties: map[string]*huma.Schema{
			"type":        {Type: huma.TypeString, Enum: []any{"Point", "LineString", "MultiLineString"}},
			"coordinates": {Type: huma.TypeArray, Items: &huma.Schema{}, Description: "degrees east, degrees north"},
		}}
	s.PrecomputeMessages()
	return s
}

// feature is one feature of RFC 7946. Where no position was ever told the
// geometry is null, as section 3.2 has it.
type feature[T any] struct {
	Type       string    `json:"type" enum:"Feature"`
	ID         string    `json:"id"`
	Geometry   *geometry `json:"geometry"`
	Properties T         `json:"properties"`
}

// vesselCollection is a page of vessels. next, total and as_of are foreign
// members (RFC 7946 section 6.1): whoever does not know them leaves them be.
type vesselCollection struct {
	Type     string              `json:"type" enum:"FeatureCollection"`
	Features []feature[ShipView] `json:"features" nullable:"false"`
	Next     string              `json:"next,omitempty" doc:"cursor of the following page; absent on the last"`
	Total    int                 `json:"total" doc:"vessels in all pages together"`
	AsOf     time.Time           `json:"as_of,omitzero" doc:"newest event time that the picture knows"`
}

// ContentType implements huma.ContentTypeFilter.
func (vesselCollection) ContentType(string) string { return geoJSON }

// trackCollection is the way of a vessel, a feature for each part that one hull
// can have sailed without a gap.
type trackCollection struct {
	Type     string               `json:"type" enum:"FeatureCollection"`
	Features []feature[trackPart] `json:"features" nullable:"false"`
	Cut      bool                 `json:"cut" doc:"the limit was reached; there may be more after the last time"`
}

// ContentType implements huma.ContentTypeFilter.
func (trackCollection) ContentType(string) string { return geoJSON }

const geoJSON = "application/geo+json"

// geoAnswer is a document with the tag of its content.
type geoAnswer[T any] struct {
	ETag string `header:"ETag" doc:"of the content"`
	Body T
}

// IfNewer is the part of a request that says which copy is at hand.
type IfNewer struct {
	IfNoneMatch string `header:"If-None-Match" maxLength:"200" doc:"ETag of the copy at hand; 304 where it is still right"`
}

// answerGeo tags a document, or tells that the client has it already.
func answerGeo[T any](in IfNewer, doc T) (*geoAnswer[T], error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("tagging a document: %w", err)
	}
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	if listsTag(in.IfNoneMatch, tag, true) {
		return nil, problem(http.StatusNotModified, "").with("ETag", tag)
	}
	return &geoAnswer[T]{ETag: tag, Body: doc}, nil
}

type vesselsGeoQuery struct {
	SeaFilter
	IfNewer
	Limit  int    `query:"limit" minimum:"1" maximum:"5000" default:"1000" doc:"most vessels in the answer"`
	Cursor string `query:"cursor" maxLength:"512" doc:"next of the page before; empty for the first page"`
}

type trackGeoQuery struct {
	MMSI uint32 `path:"mmsi" minimum:"0" maximum:"1073741823"`
	Span
	IfNewer
	Limit int `query:"limit" minimum:"2" maximum:"50000" default:"5000" doc:"most positions in the answer"`
	Gap   int `query:"gap" minimum:"1" maximum:"1440" default:"30" doc:"minutes without a position after which a new part begins"`
}

func (s *Server) addGeoJSON(a *api) {
	faults := []int{http.StatusNotModified, http.StatusServiceUnavailable}
	add(a, operation{method: http.MethodGet, path: "/api/v1/vessels.geojson", id: "listVesselsGeoJSON", tag: "vessels", action: identity.ViewVessels,
		summary: "The picture at sea as GeoJSON (RFC 7946)", faults: faults,
		description: "A point for each vessel and hull, in the order of MMSI and hull; the geometry of a vessel that never told a position is null."}, s.vesselsGeo)
	add(a, operation{method: http.MethodGet, path: "/api/v1/vessels/{mmsi}/track.geojson", id: "getTrackGeoJSON", tag: "vessels", action: identity.ViewVessels,
		summary: "Where a vessel was, as GeoJSON lines (RFC 7946)", faults: faults,
		description: "From the history. A new part begins where no position came for so many minutes, and where one hull cannot have sailed from the one to the other: two ships under one MMSI are two lines and not one that goes back and forth. " +
			"A line that crosses the antimeridian is cut there. `times` has the time of each position and `sog` its speed, in the order of the coordinates without those of the cut."}, s.trackGeo)
}

func (s *Server) vesselsGeo(_ context.Context, in *vesselsGeoQuery) (*geoAnswer[vesselCollection], error) {
	p := s.deps.Vessels()
	kept, err := in.of(p)
	if err != nil {
		return nil, err
	}
	some, err := page(kept, trackKey, Paging{Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, err
	}
	out := vesselCollection{Type: "FeatureCollection", Features: make([]feature[ShipView], len(some.Items)), Next: some.Next, Total: some.Total, AsOf: p.AsOf}
	for i, t := range some.Items {
		out.Features[i] = vesselFeature(t)
	}
	return answerGeo(in.IfNewer, out)
}

// vesselFeature is a vessel as a point.
func vesselFeature(t *vessel.Track) feature[ShipView] {
	f := feature[ShipView]{Type: "Feature", ID: vesselID(t), Properties: viewShip(t)}
	if lat, lon := number(t.Lat), number(t.Lon); lat != nil && lon != nil {
		f.Geometry = &geometry{"Point", [2]float64{*lon, *lat}}
	}
	return f
}

// vesselID names a vessel as the pages do: "227006760", and "227006760-1" for
// a further hull.
func vesselID(t *vessel.Track) string {
	if t.Hull == 0 {
		return fmt.Sprintf("%09d", t.MMSI)
	}
	return fmt.Sprintf("%09d-%d", t.MMSI, t.Hull)
}

func (s *Server) trackGeo(ctx context.Context, in *trackGeoQuery) (*geoAnswer[trackCollection], error) {
	if s.deps.Positions == nil {
		return nil, missing("history of vessels")
	}
	from, to, err := in.bounds(s.now())
	if err != nil {
		return nil, err
	}
	rows, err := s.deps.Positions.Track(ctx, in.MMSI, from, to, in.Limit)
	if err != nil {
		return nil, err
	}
	out := trackCollection{Type: "FeatureCollection", Features: []feature[trackPart]{}, Cut: len(rows) >= in.Limit}
	for i, p := range partsOf(rows, time.Duration(in.Gap)*time.Minute) {
		out.Features = append(out.Features, p.feature(in.MMSI, i))
	}
	return answerGeo(in.IfNewer, out)
}

package server

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

// ShipView is what a vessel tells of itself. What was never told is null.
type ShipView struct {
	MMSI        uint32    `json:"mmsi"`
	Hull        int       `json:"hull" doc:"0 for the first; more where several hulls share the MMSI"`
	Kind        string    `json:"kind"`
	Name        string    `json:"name,omitempty"`
	CallSign    string    `json:"call_sign,omitempty"`
	IMO         uint32    `json:"imo,omitempty"`
	ShipType    uint8     `json:"ship_type,omitempty" doc:"ITU-R M.1371 table 53"`
	Destination string    `json:"destination,omitempty"`
	Length      uint16    `json:"length,omitempty" doc:"metres"`
	Beam        uint16    `json:"beam,omitempty" doc:"metres"`
	Draught     *float64  `json:"draught,omitempty" doc:"metres"`
	SOG         *float64  `json:"sog" doc:"knots over ground"`
	COG         *float64  `json:"cog" doc:"degrees over ground"`
	Heading     *float64  `json:"heading" doc:"degrees true"`
	Status      *int8     `json:"status" doc:"navigational status 0 to 15"`
	ClassB      bool      `json:"class_b"`
	Time        time.Time `json:"time,omitzero" doc:"of the position"`
	First       time.Time `json:"first"`
	LastHeard   time.Time `json:"last_heard" doc:"any message"`
	Reports     uint64    `json:"reports"`
	Source      string    `json:"source"`
	Findings    []string  `json:"findings,omitempty" doc:"ids of present findings"`
	Exercise    string    `json:"exercise,omitempty"`
}

// trackView is a vessel of the picture, with its place.
type trackView struct {
	ShipView
	Lat  *float64  `json:"lat" doc:"degrees north"`
	Lon  *float64  `json:"lon" doc:"degrees east"`
	Past []FixView `json:"past,omitempty" doc:"thinned, oldest first"`
}

type FixView struct {
	Time time.Time `json:"time"`
	Lat  *float64  `json:"lat"`
	Lon  *float64  `json:"lon"`
	SOG  *float64  `json:"sog"`
	COG  *float64  `json:"cog"`
}

// reportView is one position of the history with the way back to its bytes.
type reportView struct {
	FixView
	MMSI    uint32   `json:"mmsi"`
	Type    uint8    `json:"type" doc:"message type 1 to 27"`
	Heading *float64 `json:"heading"`
	Status  *int8    `json:"status"`
	Name    string   `json:"name,omitempty"`
	Source  string   `json:"source"`
	Told    bool     `json:"told" doc:"the time was told by the source rather than taken from arrival"`
	Raw     string   `json:"raw,omitempty" doc:"where the bytes are"`
}

// receiversAnswer is how the receiving stations of AIS do.
type receiversAnswer struct {
	Items []vessel.Receiver `json:"items"`
}

// addReceivers lists the receiving stations.
func (s *Server) addReceivers(a *api) {
	get(a, "vessels", identity.ViewVessels, "/receivers", "listReceivers", "Receiving stations of AIS: what they bring, and how far they hear",
		func(context.Context, *nothing) (receiversAnswer, error) {
			out := receiversAnswer{Items: []vessel.Receiver{}}
			if s.deps.Receivers != nil {
				out.Items = append(out.Items, s.deps.Receivers()...)
			}
			return out, nil
		})
}

// SeaFilter selects vessels of the picture; the zero value selects all.
type SeaFilter struct {
	Box  string `query:"box" maxLength:"100" doc:"south,west,north,east in degrees; west may be greater than east"`
	Kind string `query:"kind" maxLength:"40"`
	Text string `query:"text" maxLength:"200" doc:"part of name, call sign or MMSI"`
}

// picker makes the test of the filter. A vessel without a position lies in no box.
func (f SeaFilter) picker() (func(*vessel.Track) bool, error) {
	box, err := parseBox(f.Box)
	return func(t *vessel.Track) bool {
		return (f.Box == "" || inBox(box, t.Lat, t.Lon)) && is(f.Kind, t.Kind) &&
			(f.Text == "" || matches(f.Text, t.Name, t.CallSign, fmt.Sprintf("%09d", t.MMSI)))
	}, err
}

// of keeps the tracks of a picture, in its order.
func (f SeaFilter) of(p vessel.Picture) ([]*vessel.Track, error) {
	picks, err := f.picker()
	kept := []*vessel.Track{}
	for i := range p.Tracks {
		if t := &p.Tracks[i]; err == nil && picks(t) {
			kept = append(kept, t)
		}
	}
	return kept, err
}

// trackKey orders tracks as the picture does, for the cursors of lists.
func trackKey(t *vessel.Track) string { return fmt.Sprintf("%010d/%06d", t.MMSI, t.Hull) }

type vesselsQuery struct {
	SeaFilter
	Past bool `query:"past" doc:"with the thinned track of each"`
	Paging
}

type trackQuery struct {
	MMSI uint32 `path:"mmsi" minimum:"0" maximum:"1073741823"`
	Span
	Limit int `query:"limit" minimum:"1" maximum:"50000" default:"5000" doc:"most positions in the answer"`
}

type positionsQuery struct {
	Box   string    `query:"box" maxLength:"100" doc:"south,west,north,east in degrees; the world where absent"`
	Since time.Time `query:"since" doc:"told at or after; an hour ago where absent"`
	Limit int       `query:"limit" minimum:"1" maximum:"20000" default:"5000"`
}

type heatQuery struct {
	Box  string  `query:"box" required:"true" maxLength:"100" doc:"south,west,north,east in degrees"`
	Cell float64 `query:"cell" minimum:"0.0005" maximum:"10" default:"0.01" doc:"size of a cell in degrees"`
	Span
}

// found are rows of the history. Cut tells that there are more than the limit.
type found[T any] struct {
	Items []T  `json:"items" nullable:"false"`
	Cut   bool `json:"cut" doc:"the limit was reached; there may be more"`
}

func (s *Server) addVessels(a *api) {
	get(a, "vessels", identity.ViewVessels, "/vessels", "listVessels", "The picture at sea, by MMSI and hull", s.listVessels)
	get(a, "vessels", identity.ViewVessels, "/vessels/{mmsi}", "getVessel", "One vessel: each hull that is heard under its MMSI", s.vessel)
	get(a, "vessels", identity.ViewVessels, "/vessels/{mmsi}/track", "getTrack", "Where a vessel was, from the history", s.track)
	get(a, "vessels", identity.ViewVessels, "/positions", "listPositions", "The last position of each vessel, from the history", s.lastPositions)
	s.addGeoJSON(a)
	s.addLiveVessels(a)
	get(a, "vessels", identity.ViewVessels, "/heat", "getHeat", "How many positions were told in each cell of a grid", s.heat)
}

func (s *Server) listVessels(_ context.Context, in *vesselsQuery) (list[trackView], error) {
	p := s.deps.Vessels()
	kept, err := in.of(p)
	if err != nil {
		return list[trackView]{}, err
	}
	some, err := page(kept, trackKey, in.Paging)
	out := list[trackView]{Items: make([]trackView, len(some.Items)), Next: some.Next, Total: some.Total, AsOf: p.AsOf}
	for i, t := range some.Items {
		out.Items[i] = viewTrack(t, in.Past)
	}
	return out, err
}

type hulls struct {
	Items []trackView `json:"items" nullable:"false"`
	AsOf  time.Time   `json:"as_of,omitzero"`
}

type mmsiPath struct {
	MMSI uint32 `path:"mmsi" minimum:"0" maximum:"1073741823"`
}

func (s *Server) vessel(_ context.Context, in *mmsiPath) (hulls, error) {
	p := s.deps.Vessels()
	out := hulls{Items: []trackView{}, AsOf: p.AsOf}
	for i := range p.Tracks {
		if p.Tracks[i].MMSI == in.MMSI {
			out.Items = append(out.Items, viewTrack(&p.Tracks[i], true))
		}
	}
	if len(out.Items) == 0 {
		return out, problem(http.StatusNotFound, fmt.Sprintf("Nothing is heard under MMSI %09d.", in.MMSI))
	}
	return out, nil
}

func (s *Server) track(ctx context.Context, in *trackQuery) (found[reportView], error) {
	if s.deps.Positions == nil {
		return found[reportView]{}, missing("history of vessels")
	}
	from, to, err := in.bounds(s.now())
	if err != nil {
		return found[reportView]{}, err
	}
	rows, err := s.deps.Positions.Track(ctx, in.MMSI, from, to, in.Limit)
	return foundReports(rows, in.Limit, err)
}

func (s *Server) lastPositions(ctx context.Context, in *positionsQuery) (found[reportView], error) {
	if s.deps.Positions == nil {
		return found[reportView]{}, missing("history of vessels")
	}
	box, err := parseBox(in.Box)
	if err != nil {
		return found[reportView]{}, err
	}
	since := in.Since.UTC()
	if in.Since.IsZero() {
		since = s.now().UTC().Add(-time.Hour)
	}
	rows, err := s.deps.Positions.LastPositions(ctx, box, since, in.Limit)
	return foundReports(rows, in.Limit, err)
}

func foundReports(rows []event.VesselReport, limit int, err error) (found[reportView], error) {
	out := found[reportView]{Items: make([]reportView, len(rows)), Cut: len(rows) >= limit}
	for i := range rows {
		out.Items[i] = viewReport(&rows[i])
	}
	return out, err
}

func (s *Server) heat(ctx context.Context, in *heatQuery) (found[event.HeatCell], error) {
	if s.deps.Positions == nil {
		return found[event.HeatCell]{}, missing("history of vessels")
	}
	box, err := parseBox(in.Box)
	if err != nil {
		return found[event.HeatCell]{}, err
	}
	if cells(box, in.Cell) > maxCells {
		return found[event.HeatCell]{}, badQuery("cell", fmt.Sprintf("the box has more than %d cells of this size; take larger cells or a smaller box", maxCells))
	}
	from, to, err := in.bounds(s.now())
	if err != nil {
		return found[event.HeatCell]{}, err
	}
	rows, err := s.deps.Positions.Heat(ctx, box, in.Cell, from, to)
	return found[event.HeatCell]{Items: append([]event.HeatCell{}, rows...)}, err
}

func viewShip(t *vessel.Track) ShipView {
	v := ShipView{
		MMSI: t.MMSI, Hull: t.Hull, Kind: t.Kind, Name: t.Name, CallSign: t.CallSign, IMO: t.IMO, ShipType: t.ShipType,
		Destination: t.Destination, Length: t.Length, Beam: t.Beam,
		SOG: number(t.SOG), COG: number(t.COG), Heading: number(t.Heading),
		Status: status(t.Status), ClassB: t.ClassB, Time: t.Time, First: t.First, LastHeard: t.LastHeard,
		Reports: t.Reports, Source: t.Source, Findings: slices.Clone(t.Findings), Exercise: t.Exercise,
	}
	if t.Draught > 0 && !math.IsNaN(float64(t.Draught)) {
		v.Draught = number(t.Draught)
	}
	return v
}

func viewTrack(t *vessel.Track, past bool) trackView {
	v := trackView{ShipView: viewShip(t), Lat: number(t.Lat), Lon: number(t.Lon)}
	if past {
		for _, f := range t.Past {
			v.Past = append(v.Past, FixView{f.Time, number(f.Lat), number(f.Lon), number(f.SOG), number(f.COG)})
		}
	}
	return v
}

func viewReport(r *event.VesselReport) reportView {
	return reportView{
		FixView: FixView{r.Time, number(r.Lat), number(r.Lon), number(r.SOG), number(r.COG)},
		MMSI:    r.MMSI, Type: r.Type, Heading: number(r.Heading), Status: status(r.Status), Name: r.Name,
		Source: r.Source, Told: r.Told, Raw: where(r.Raw),
	}
}

// status is absent for -1.
func status(v int8) *int8 {
	if v < 0 {
		return nil
	}
	return &v
}

// where is the place of raw bytes, "" where none is known.
func where(r event.Raw) string {
	if r.Input == "" {
		return ""
	}
	return r.Where()
}

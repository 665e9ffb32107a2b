package server

import (
	"context"
	"crypto/rand"
	"hash/fnv"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/watch/vessel"
)

const (
	seaLook    = time.Second // the picture is compared with the one before no more often
	seaChunk   = 1000        // vessels of one event
	seaGone    = 4096        // vessels that left, remembered for clients that come back
	errStreams = "Too many event streams are open. Close one, or try again later."
)

// hullKey names a hull of the picture.
type hullKey struct {
	mmsi uint32
	hull int
}

// seaMark is enough of a track to see that it has changed, and in which look.
type seaMark struct {
	reports  uint64
	at       int64
	findings uint64
	look     uint64
}

// seaView is the picture at one look: the number of the look in which each track
// changed last, and the hulls that left. It is never written to.
type seaView struct {
	look    uint64
	pic     vessel.Picture
	changed []uint64 // of pic.Tracks
	gone    []goneHull
	since   uint64 // gone is complete from this look on
}

type goneHull struct {
	key  hullKey
	look uint64
}

// sea numbers the changes of the picture once for all who look on. What is kept
// does not grow with them: a client that is slow, or comes back, is told of
// every vessel that changed since its look, with the newest position only.
type sea struct {
	picture func() vessel.Picture
	now     func() time.Time
	boot    string // looks of another run of the program mean nothing here

	mu    sync.Mutex
	known map[hullKey]seaMark
	last  *seaView
	at    time.Time
}

func newSea(picture func() vessel.Picture, now func() time.Time) *sea {
	return &sea{picture: picture, now: now, boot: rand.Text()[:8], known: map[hullKey]seaMark{}}
}

// view is the newest look, taken anew where the last is a second old.
func (s *sea) view() *seaView {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.last == nil || now.Sub(s.at) >= seaLook || now.Before(s.at) {
		s.at = now
		s.last = s.take(s.picture())
	}
	return s.last
}

// take compares a picture with what is known.
func (s *sea) take(p vessel.Picture) *seaView {
	v := &seaView{pic: p, changed: make([]uint64, len(p.Tracks)), look: 1, since: 1}
	if s.last != nil {
		v.look, v.gone, v.since = s.last.look+1, s.last.gone, s.last.since
	}
	here := make(map[hullKey]seaMark, len(p.Tracks))
	for i := range p.Tracks {
		t := &p.Tracks[i]
		k, m := hullKey{t.MMSI, t.Hull}, markOf(t)
		if m.look = v.look; m.same(s.known[k]) {
			m.look = s.known[k].look
		}
		v.changed[i], here[k] = m.look, m
	}
	v.leave(s.last, here)
	s.known = here
	return v
}

// leave notes the hulls of the view before that are here no more, in the order
// of its picture. A hull that comes back was changed after it had gone.
func (v *seaView) leave(before *seaView, here map[hullKey]seaMark) {
	if before == nil {
		return
	}
	var left []goneHull
	for i := range before.pic.Tracks {
		t := &before.pic.Tracks[i]
		if k := (hullKey{t.MMSI, t.Hull}); here[k].look == 0 {
			left = append(left, goneHull{k, v.look})
		}
	}
	if len(left) == 0 {
		return
	}
	all := append(append(make([]goneHull, 0, len(v.gone)+len(left)), v.gone...), left...)
	if n := len(all) - seaGone; n > 0 {
		v.since = all[n-1].look + 1
		all = all[n:]
	}
	v.gone = all
}

func markOf(t *vessel.Track) seaMark {
	h := fnv.New64a()
	for _, f := range t.Findings {
		_, _ = h.Write([]byte(f)) // a hash does not fail
	}
	return seaMark{reports: t.Reports, at: t.Time.UnixNano(), findings: h.Sum64()}
}

func (m seaMark) same(o seaMark) bool {
	return o.look != 0 && m.reports == o.reports && m.at == o.at && m.findings == o.findings
}

// seaEvent is what the stream tells: vessels to forget, and then those that are
// new or have moved. An event without an id is not the last of its step.
type seaEvent struct {
	AsOf     time.Time           `json:"as_of,omitzero" doc:"newest event time that the picture knows"`
	Features []feature[ShipView] `json:"features" nullable:"false" doc:"GeoJSON, as in listVesselsGeoJSON"`
	Gone     []string            `json:"gone,omitempty" doc:"ids of vessels that are heard no more, or have left what the filter selects: forget them before taking the features"`
}

// onlooker is one client of the sea.
type onlooker struct {
	picks    func(*vessel.Track) bool
	filtered bool
	look     uint64           // told up to it
	has      map[hullKey]bool // what the client was told, where a filter can lose it
}

// resume is for a client that was told up to a look: what has not changed since
// and is selected, it has.
func (o *onlooker) resume(v *seaView, look uint64) {
	if o.look = look; !o.filtered {
		return
	}
	for i := range v.pic.Tracks {
		if t := &v.pic.Tracks[i]; v.changed[i] > look || o.picks(t) {
			o.has[hullKey{t.MMSI, t.Hull}] = true // of a changed one it is not known; forgetting it twice does no harm
		}
	}
	for _, g := range v.gone {
		o.has[g.key] = true
	}
}

// step is what has changed since the last step, in pieces.
func (o *onlooker) step(v *seaView) []seaEvent {
	if v.look <= o.look {
		return nil
	}
	out := []seaEvent{{AsOf: v.pic.AsOf, Features: []feature[ShipView]{}}}
	add := func() *seaEvent {
		if e := &out[len(out)-1]; len(e.Features)+len(e.Gone) < seaChunk {
			return e
		}
		out = append(out, seaEvent{AsOf: v.pic.AsOf, Features: []feature[ShipView]{}})
		return &out[len(out)-1]
	}
	forget := func(k hullKey) {
		if !o.filtered || o.has[k] {
			delete(o.has, k)
			e := add()
			e.Gone = append(e.Gone, vesselID(&vessel.Track{MMSI: k.mmsi, Hull: k.hull}))
		}
	}
	if o.look > 0 {
		for _, g := range v.gone {
			if g.look > o.look {
				forget(g.key)
			}
		}
	}
	for i := range v.pic.Tracks {
		t := &v.pic.Tracks[i]
		switch k := (hullKey{t.MMSI, t.Hull}); {
		case v.changed[i] <= o.look:
		case o.picks(t):
			if o.filtered {
				o.has[k] = true
			}
			e := add()
			e.Features = append(e.Features, vesselFeature(t))
		case o.filtered:
			forget(k)
		}
	}
	o.look = v.look
	if e := &out[0]; len(e.Features)+len(e.Gone) == 0 {
		return nil
	}
	return out
}

type liveQuery struct {
	SeaFilter
	Every       int    `query:"every" minimum:"1" maximum:"60" default:"1" doc:"seconds between two steps"`
	LastEventID string `header:"Last-Event-ID" maxLength:"200" doc:"sent by a client that comes back with the same filter; what changed since is then told, or the event resync, which means: forget all, everything follows"`
}

// query is the filter as a part of event ids: an id of another filter means nothing.
func (q *liveQuery) query() string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(q.Box + "\x00" + q.Kind + "\x00" + q.Text)) // a hash does not fail
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

func (s *Server) addLiveVessels(a *api) {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[seaEvent](), true, "seaEvent")
	op := huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/vessels/live", OperationID: "streamVessels", Tags: []string{"vessels"},
		Summary: "Vessels as they move (server-sent events)",
		Description: "Events: `hello` at the start; `vessels` with the JSON below as data, first all that the filter selects, then at each step those that changed, with their newest position only; " +
			"`resync` where the client must forget all, because what it missed is not known any more; `bye` before the server goes down or the session ends. " +
			"A step of many vessels comes in several events, and only its last has an id: a client that comes back with it misses nothing. A comment comes every 15 seconds.",
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		Responses: map[string]*huma.Response{"200": {
			Description: "text/event-stream; the schema is that of the data of one vessels event",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: schema}},
		}},
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *liveQuery) (*huma.StreamResponse, error) {
		p, _ := identity.PrincipalFrom(ctx)
		if !identity.Allowed(ctx, identity.ViewVessels, identity.ThePort) {
			return nil, toProblem(ctx, s.log, errForbidden)
		}
		picks, err := in.picker()
		if err != nil {
			return nil, toProblem(ctx, s.log, err)
		}
		if !s.events.enter(p.Account.Name) {
			s.meter.dropped.Inc()
			return nil, toProblem(ctx, s.log, problem(http.StatusServiceUnavailable, errStreams).with("Retry-After", "30"))
		}
		return &huma.StreamResponse{Body: func(hctx huma.Context) {
			defer s.events.leave(p.Account.Name)
			r, w := humago.Unwrap(hctx)
			o := &onlooker{picks: picks, filtered: in.SeaFilter != SeaFilter{}, has: map[hullKey]bool{}}
			s.streamSea(w, r, p, o, in)
		}}, nil
	})
}

// streamSea tells changes until the client, the session or the server ends.
func (s *Server) streamSea(w http.ResponseWriter, r *http.Request, p identity.Principal, o *onlooker, in *liveQuery) {
	s.meter.streams.Inc()
	defer s.meter.streams.Dec()
	out := newEventWriter(w, s.now)
	query := in.query()
	if out.comment("quaywatch") != nil || out.named("", "hello", map[string]any{"time": s.now().UTC(), "account": p.Account.Name}) != nil {
		return
	}
	v := s.sea.view()
	if in.LastEventID != "" {
		if look, ok := s.sea.place(v, in.LastEventID, query); ok {
			o.resume(v, look)
		} else if out.named("", "resync", map[string]any{"reason": "what changed since is not known any more"}) != nil {
			return
		}
	}
	step := time.NewTicker(time.Duration(max(in.Every, 1)) * time.Second)
	defer step.Stop()
	alive := time.NewTicker(heartbeat)
	defer alive.Stop()
	for {
		if s.tellSea(out, o, v, query) != nil {
			return
		}
		select {
		case <-step.C:
			v = s.sea.view()
		case <-alive.C:
			if !s.stillMay(r.Context(), p) {
				_ = out.named("", "bye", map[string]any{"reason": "the session ended"})
				return
			}
			if out.comment("still here") != nil {
				return
			}
		case <-s.ending:
			_ = out.named("", "bye", map[string]any{"reason": "the server goes down"})
			return
		case <-r.Context().Done():
			return
		}
	}
}

// tellSea writes one step. Only its last event has an id.
func (s *Server) tellSea(out *eventWriter, o *onlooker, v *seaView, query string) error {
	events := o.step(v)
	for i, e := range events {
		id := ""
		if i == len(events)-1 {
			id = s.sea.boot + "-" + strconv.FormatUint(v.look, 10) + "-" + query
		}
		if err := out.named(id, "vessels", e); err != nil {
			return err
		}
	}
	return nil
}

// place reads the id of an event; false where it is not of this run and filter,
// or so old that vessels may have left unnoticed.
func (s *sea) place(v *seaView, id, query string) (uint64, bool) {
	part := strings.Split(id, "-")
	if len(part) != 3 || part[0] != s.boot || part[2] != query {
		return 0, false
	}
	look, err := strconv.ParseUint(part[1], 10, 64)
	return look, err == nil && look > 0 && look <= v.look && look+1 >= v.since
}

package vessel

import (
	"math"
	"time"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Bounds of what is kept of a vessel.
const (
	maxHulls  = 6
	maxPast   = 64
	maxCopies = 64
	copyAge   = int64(10 * time.Minute)
)

// ship is all that is known of one MMSI.
type ship struct {
	mmsi     uint32
	station  ais.Station
	shipType uint8
	status   int8
	classB   bool
	told     identityTold
	hulls    []hull
	cur      int // hull of the newest report
	name     string
	callSign string
	dest     string
	imo      uint32
	length   uint16
	beam     uint16
	draught  float32
	heading  float32
	first    int64
	last     int64
	reports  uint64
	source   string
	exercise string
	copies   []copyOf
	ncopy    int
	lag      int // of the newest report that names a second
	steady   int // reports in a row with that lag
	switches int // times that reports went from one hull to another that they can't have reached
	jump     condition
	shared   condition
	held     []held
	fix      fixState
	who      *identities // nil until an identity changes
	pace     pace
	fixed    *fixed // of base stations and aids, nil for others
	area     *area  // that it is part of, nil none
	ashore   ashore
	safety   [8]int64 // times of messages 12 and 14
	nsafety  int
}

// copyOf is enough of a report to know it again.
type copyOf struct {
	sum uint32
	at  uint32 // seconds since 1970
}

// hull is one body of water-borne steel, as far as its reports can belong together.
type hull struct {
	at        int64
	lag       int // seconds of the line's time after the report's own second, -1 unknown
	lat, lon  float64
	sog, cog  float32
	head      event.Head // of the newest report
	start     event.Head // of the first
	since     int64
	sightings int
	past      []spot
	recent    []mark // the newest fixes, for circles
	nrecent   int
	motion    motion
	drift     driftState
	stop      stopState
	text      []byte `freeze:"-"` // of head.Raw
	shown     []Fix  `freeze:"-"` // past as pictures have it, nil where it has changed since; never written to
}

// spot is a Fix in twenty bytes.
type spot struct {
	sec      uint32
	lat, lon int32 // 1e-7 degree
	sog, cog float32
}

// condition is a finding that a watch keeps present until it ends.
type condition struct {
	present bool
	grade   finding.Grade
	at      int64 // last time that it held
	told    int64 // last occurrence
	good    int   // consistent reports since
}

func (s *ship) reset(r *event.VesselReport) {
	past := s.hulls[:0]
	copies, holds := s.copies[:0], s.held[:0]
	*s = ship{mmsi: r.MMSI, station: ais.StationOf(r.MMSI), status: -1, lag: -1, heading: float32(math.NaN()), first: r.Time.UnixNano(), hulls: past, copies: copies, held: holds}
}

// seenBefore recognises an exact copy within ten minutes: another receiver, or
// a network that delivers late. A copy says nothing new.
func (s *ship) seenBefore(r *event.VesselReport, at int64) bool {
	sum := fingerprint(r, at)
	sec := uint32(at / 1e9)
	for _, c := range s.copies {
		if c.sum == sum && max(sec, c.at)-min(sec, c.at) <= uint32(copyAge/1e9) {
			s.last = max(s.last, r.Time.UnixNano())
			return true
		}
	}
	c := copyOf{sum, sec}
	if len(s.copies) < maxCopies {
		s.copies = append(s.copies, c)
	} else {
		s.copies[s.ncopy%maxCopies] = c
	}
	s.ncopy++
	return false
}

// fingerprint mixes what a report says. Static reports repeat themselves by
// rights, so those are told apart by their own content only.
func fingerprint(r *event.VesselReport, at int64) uint32 {
	h := uint64(r.Type)<<32 | uint64(uint8(r.Second))<<24 | uint64(uint8(r.Status))
	mix := func(v uint64) { h = (h ^ v) * 0x9e3779b97f4a7c15; h ^= h >> 29 }
	mix(math.Float64bits(r.Lat))
	mix(math.Float64bits(r.Lon))
	mix(uint64(math.Float32bits(r.SOG))<<32 | uint64(math.Float32bits(r.COG)))
	mix(uint64(math.Float32bits(r.Heading))<<32 | uint64(math.Float32bits(r.Turn)))
	if r.Second < 0 || r.Second > 59 {
		// Nothing in it tells when: stations and ships without a fix say the same
		// again by rights. Copies by a second receiver come within half a minute.
		mix(uint64(r.Time.Unix() / 30))
	}
	if r.Type == 21 {
		// An aid keeps to its slot: each three minutes it says the same in the same
		// second of the minute.
		mix(uint64(at / 1e9))
	}
	if !r.Clock.IsZero() {
		mix(uint64(r.Clock.Unix()))
	}
	if r.Static {
		for i := range len(r.CallSign) {
			mix(uint64(r.CallSign[i]))
		}
		for i := range len(r.Name) {
			mix(uint64(r.Name[i]))
		}
		mix(uint64(r.IMO)<<32 | uint64(r.ShipType))
	}
	return uint32(h ^ h>>32)
}

// heard takes what every report tells.
func (s *ship) heard(r *event.VesselReport) {
	s.reports++
	s.last = max(s.last, r.Time.UnixNano())
	s.source, s.exercise = r.Source, r.Exercise
	s.classB = s.classB || r.ClassB
	if r.Status >= 0 {
		s.status = r.Status
	}
	if r.Heading == r.Heading {
		s.heading = r.Heading
	}
}

// identity takes what static reports tell; an absent field leaves the earlier one.
func (s *ship) identity(r *event.VesselReport) {
	if r.Name != "" {
		s.name = r.Name
	}
	if r.CallSign != "" {
		s.callSign = r.CallSign
	}
	if r.Destination != "" {
		s.dest = r.Destination
	}
	if r.IMO != 0 {
		s.imo = r.IMO
	}
	if r.ShipType != 0 {
		s.shipType = r.ShipType
	}
	if l := r.Bow + r.Stern; l != 0 {
		s.length, s.beam = l, uint16(r.Port)+uint16(r.Starboard)
	}
	if r.Draught > 0 {
		s.draught = r.Draught
	}
}

// title is the vessel for people.
func (s *ship) title() string {
	if s.name != "" {
		return s.name
	}
	return "MMSI " + digits(s.mmsi)
}

// own copies a head with its raw text into memory of the vessel's own. The text
// of a report shares a larger piece of memory with hundreds of others, which
// would all be kept for its sake.
func own(h *event.Head, into []byte) (event.Head, []byte) {
	into = append(into[:0], h.Raw.Text...)
	out := *h
	out.Raw.Text = into
	return out, into
}

func (h *hull) take(r *event.VesselReport, at int64, lag int) {
	h.lag = lag
	h.at, h.lat, h.lon, h.sog, h.cog = at, r.Lat, r.Lon, r.SOG, r.COG
	h.head, h.text = own(&r.Head, h.text)
	h.sightings++
	h.keep()
}

// keep thins the track: a fix each half minute when it moved 50 m, each ten
// minutes when it did not.
func (h *hull) keep() {
	p := spot{sec: uint32(h.at / 1e9), lat: int32(math.Round(h.lat * 1e7)), lon: int32(math.Round(h.lon * 1e7)), sog: h.sog, cog: h.cog}
	if n := len(h.past); n > 0 {
		q := &h.past[n-1]
		dt := int64(p.sec) - int64(q.sec)
		moved := max(p.lat-q.lat, q.lat-p.lat) > 4500 || max(int64(p.lon)-int64(q.lon), int64(q.lon)-int64(p.lon)) > 4500
		if dt < 30 || !moved && dt < 600 {
			return
		}
	}
	h.shown = nil
	if len(h.past) == maxPast {
		copy(h.past, h.past[1:])
		h.past = h.past[:maxPast-1]
	}
	h.past = append(h.past, p)
}

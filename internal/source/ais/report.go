package ais

import (
	"slices"
	"strconv"
	"time"

	nmea "github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/event"
)

// maxWords bounds the texts that are kept to be shared between reports.
const maxWords = 1 << 16

// words shares equal texts: a ship tells the same name every six minutes.
type words map[string]string

func (w *words) of(t *nmea.Text) string {
	b := t.Bytes()
	if len(b) == 0 {
		return ""
	}
	if s, ok := (*w)[string(b)]; ok {
		return s
	}
	if *w == nil || len(*w) >= maxWords {
		*w = make(words)
	}
	s := string(b)
	(*w)[s] = s
	return s
}

// fill copies what the message says; what it does not say stays absent.
func fill(r *event.VesselReport, m *nmea.Message, w *words) {
	r.MMSI, r.Type = m.MMSI, m.Type
	r.Station = w.of(&m.Frame.Station)
	p := &m.Position
	if m.Has&nmea.HasPosition == 0 {
		p = &absent.Position
	}
	r.Lat, r.Lon, r.SOG, r.COG, r.Heading, r.Turn = p.Lat, p.Lon, p.SOG, p.COG, p.Heading, p.Turn
	r.Status, r.Second, r.Accurate, r.RAIM = p.Status, p.Second, p.Accurate, p.RAIM
	r.ClassB = m.Type == 18 || m.Type == 19 || m.Type == 24
	if m.Has&nmea.HasClock != 0 {
		r.EPFD = m.Clock.EPFD
		if t, ok := m.Clock.UTC(); ok {
			r.Clock = t
		}
	}
	if m.Has&nmea.HasAid != 0 {
		r.Virtual, r.OffPosition = m.Aid.Virtual, m.Aid.OffPosition
	}
	if m.Has&nmea.HasText != 0 {
		r.Text = m.SafetyText()
	}
	if m.Has&(nmea.HasName|nmea.HasStatic|nmea.HasCall) == 0 {
		return
	}
	s := &m.Static
	r.Static = true
	r.Name, r.CallSign, r.Destination = w.of(&s.Name), w.of(&s.CallSign), w.of(&s.Destination)
	r.IMO, r.ShipType, r.EPFD = s.IMO, s.ShipType, s.EPFD
	r.Bow, r.Stern, r.Port, r.Starboard = s.Bow, s.Stern, s.Port, s.Starboard
	if s.Draught == s.Draught {
		r.Draught = s.Draught
	}
}

var absent = nmea.NewMessage(1, 0)

// drift measures how far the clock of the lines is ahead of a better one.
type drift struct {
	live    bool
	arrival samples
	base    samples
	station uint32
}

// samples are the latest differences; their median ignores a delayed line or
// one station with a wrong clock.
type samples struct {
	d [31]time.Duration
	n int
}

func (s *samples) add(d time.Duration) { s.d[s.n%len(s.d)] = d; s.n++ }

func (s *samples) median() time.Duration {
	v := slices.Clone(s.d[:min(s.n, len(s.d))])
	slices.Sort(v)
	return v[len(v)/2]
}

// note takes a report that told its time. It compares with the UTC of base
// stations (type 4, from GNSS), which is better than our own clock, and live
// with the arrival where no base station is heard.
func (d *drift) note(r *event.VesselReport) (ahead time.Duration, from string, ok bool) {
	if !r.Told {
		return 0, "", false
	}
	if r.Type == 4 && !r.Clock.IsZero() {
		d.base.add(r.Time.Sub(r.Clock))
		d.station = r.MMSI
		if d.base.n >= 3 {
			return d.base.median(), "AIS base station " + strconv.FormatUint(uint64(r.MMSI), 10), true
		}
		return 0, "", false
	}
	if !d.live || d.base.n >= 3 {
		return 0, "", false
	}
	if d.arrival.add(r.Time.Sub(r.Seen)); d.arrival.n%len(d.arrival.d) == 3 {
		return d.arrival.median(), "arrival", true
	}
	return 0, "", false
}

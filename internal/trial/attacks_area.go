package trial

import (
	"math"
	"time"

	"github.com/quaywatch/quaywatch/ais"
)

// each changes the positions of everybody heard.
func (s *scene) each(w setup, do func(*record, *ais.Message) bool) {
	s.area = true
	for _, mmsi := range w.crowd {
		for _, r := range s.within(s.c.sender(mmsi).positions) {
			s.change(r, func(m *ais.Message) bool { return do(r, m) })
		}
	}
}

// displaceAlike moves all vessels by the same way.
func displaceAlike(s *scene, w setup, metres float64) {
	bearing := s.r.Float64() * 360
	s.each(w, func(_ *record, m *ais.Message) bool { return moveTo(m, metres, bearing) })
}

// displaceToPoint puts all vessels at one place, within the error of GNSS.
func displaceToPoint(s *scene, w setup, metres float64) {
	first := s.within(s.c.sender(w.crowd[0]).positions)[0]
	lat, lon := along(first.lat, first.lon, s.r.Float64()*360, metres)
	s.each(w, func(_ *record, m *ais.Message) bool {
		m.Position.Lat, m.Position.Lon = along(lat, lon, s.r.Float64()*360, 10*s.r.Float64())
		return true
	})
}

// jam takes position, speed and course away, as a receiver without fix does:
// not available, and second 63, inoperative (M.1371-5 table 48).
func jam(s *scene, w setup, _ float64) {
	s.each(w, func(_ *record, m *ais.Message) bool {
		p, none := &m.Position, float32(math.NaN())
		p.Lat, p.Lon, p.SOG, p.COG = math.NaN(), math.NaN(), none, none
		p.Second, p.Accurate, p.RAIM = 63, false, false
		return true
	})
}

// madeUp is a message of a station that does not exist, near the vessel.
func (s *scene) madeUp(w setup, kind uint8, mmsi uint32) (*record, ais.Message, int) {
	like, t := s.template(w.mmsi)
	if like == nil {
		return nil, ais.Message{}, 0
	}
	m := ais.NewMessage(kind, mmsi)
	m.Frame = t.Frame
	m.Position.Lat, m.Position.Lon = along(like.lat, like.lon, s.r.Float64()*360, 500+4500*s.r.Float64())
	return like, m, secondLag(like, &t)
}

// unused is a number of a form that nobody in the capture has.
func (s *scene) unused(first, count uint32) uint32 {
	for {
		if n := first + s.r.Uint32N(count); !s.c.has(n) {
			return n
		}
	}
}

// unknownAid adds an aid to navigation that nobody has registered, every three
// minutes (M.1371-5 annex 1, 4.2).
func unknownAid(virtual bool) func(*scene, setup, float64) {
	return func(s *scene, w setup, _ float64) {
		like, m, lag := s.madeUp(w, 21, s.unused(992270000+1000, 5000))
		if like == nil {
			return
		}
		m.Static.Name = ais.TextOf("WK " + letters(s.r, 4))
		m.Static.EPFD, m.Aid.Kind, m.Aid.Virtual = 1, 28, virtual
		s.every(3*time.Minute, func(at time.Time, _ float64) {
			m.Position.Second = secondAt(at, lag)
			s.add(like, &m, at)
		})
	}
}

// moveAid moves the reports of an aid that is known.
func moveAid(s *scene, w setup, metres float64) {
	bearing := s.r.Float64() * 360
	for _, r := range s.within(s.c.sender(w.mmsi).all) {
		if r.kind == 21 {
			s.change(r, func(m *ais.Message) bool { return moveTo(m, metres, bearing) })
		}
	}
}

// clockOf is the UTC of a base station report.
func clockOf(t time.Time) ais.Clock {
	return ais.Clock{Year: uint16(t.Year()), Month: uint8(t.Month()), Day: uint8(t.Day()), Hour: uint8(t.Hour()),
		Minute: uint8(t.Minute()), Second: uint8(t.Second()), EPFD: 1}
}

// unknownBase adds a base station that nobody has registered, every ten seconds,
// with the right time.
func unknownBase(s *scene, w setup, _ float64) {
	like, m, lag := s.madeUp(w, 4, s.unused(2270000, 9999))
	if like == nil {
		return
	}
	s.every(10*time.Second, func(at time.Time, _ float64) {
		own := onSecond(at, secondAt(at, lag))
		m.Clock = clockOf(own)
		s.add(like, &m, at)
	})
}

// copiedBase adds reports under the number of a station that is heard, from
// another place. The true ones stay.
func copiedBase(s *scene, w setup, metres float64) {
	like := s.before(s.c.sender(w.mmsi).all)
	if like == nil {
		return
	}
	m, err := s.c.message(like)
	if err != nil {
		s.fail(err)
		return
	}
	if t, ok := m.Clock.UTC(); ok {
		ahead := t.Sub(time.Unix(0, like.at))
		m.Position.Lat, m.Position.Lon = along(like.lat, like.lon, s.r.Float64()*360, metres)
		s.every(10*time.Second, func(at time.Time, _ float64) {
			m.Clock = clockOf(at.Add(ahead).UTC().Truncate(time.Second))
			s.add(like, &m, at)
		})
	}
}

// wrongClock sets the UTC of a known station wrong.
func wrongClock(s *scene, w setup, _ float64) {
	wrong := time.Duration(5*60+s.r.IntN(55*60)) * time.Second
	if s.r.IntN(2) == 0 {
		wrong = -wrong
	}
	for _, r := range s.within(s.c.sender(w.mmsi).all) {
		if r.kind != 4 {
			continue
		}
		s.change(r, func(m *ais.Message) bool {
			t, ok := m.Clock.UTC()
			if ok {
				epfd := m.Clock.EPFD
				m.Clock = clockOf(t.Add(wrong))
				m.Clock.EPFD = epfd
			}
			return ok
		})
	}
}

// sart adds a search and rescue transmitter: a burst of eight position reports
// with navigational status 14 each minute (M.1371-5 annex 9), where no vessel
// that could have lost it was heard to be in trouble.
func sart(s *scene, w setup, _ float64) {
	like, m, lag := s.madeUp(w, 1, s.unused(970010000, 9999))
	if like == nil {
		return
	}
	m.Position.Status, m.Position.SOG = 14, 0
	s.every(time.Minute, func(at time.Time, _ float64) {
		for k := range 8 {
			t := at.Add(time.Duration(k) * 2 * time.Second)
			m.Position.Second = secondAt(t, lag)
			s.add(like, &m, t)
		}
	})
}

package simulate

import (
	"fmt"
	"net/netip"
	"time"
)

func ipOf(b [4]byte) netip.Addr { return netip.AddrFrom4(b) }

// planDeceptions plays two lies on AIS: a ship at anchor that is suddenly told
// elsewhere and back, and a second hull under the MMSI of a ship alongside.
func (s *Simulation) planDeceptions(at func(float64, func())) {
	at(3, func() {
		v := s.sea.first(atAnchor)
		if v == nil {
			return
		}
		who := fmt.Sprintf("mmsi:%d", v.mmsi)
		s.tell(Truth{Kind: "attack", Step: "a ship at anchor is told 30 nautical miles away", Subjects: []string{who}, Until: s.now.Add(4 * time.Minute), Rules: []string{"vessel.impossible-movement"}})
		false1 := v.pos.moved(300, 30*1852)
		s.sea.ghost[v.mmsi] = true
		s.lie(v, 25*time.Second, s.now.Add(4*time.Minute), func() xy { return false1 }, func() { delete(s.sea.ghost, v.mmsi) })
	})
	at(2, func() {
		if s.radar == nil || s.sea.in == nil {
			return
		}
		s.radar.darkBoat(25 * time.Minute)
		s.tell(Truth{Kind: "attack", Step: "a boat without AIS comes in along the fairway", Subjects: []string{s.radar.p.ID}, Until: s.now.Add(25 * time.Minute), Rules: []string{"vessel.dark-target"}})
	})
	at(5, func() {
		v := s.sea.first(moored)
		if v == nil {
			return
		}
		who := fmt.Sprintf("mmsi:%d", v.mmsi)
		end := s.now.Add(40 * time.Minute)
		s.tell(Truth{Kind: "attack", Step: "a second hull under one MMSI, 60 km to the south-west", Subjects: []string{who}, Until: end, Rules: []string{"vessel.two-hulls"}})
		begin, from := s.now, v.pos.moved(225, 60_000)
		s.lie(v, 30*time.Second, end, func() xy { return from.moved(20, 9*1852/3600*s.now.Sub(begin).Seconds()) }, func() {})
	})
}

// lie sends positions in the name of v until end.
func (s *Simulation) lie(v *ship, every time.Duration, end time.Time, where func() xy, done func()) {
	if !s.now.Before(end) {
		done()
		return
	}
	m := v.position(where())
	s.sea.say(&m)
	s.after(every, func() { s.lie(v, every, end, where, done) })
}

// first is the visiting ship with that status whose number is lowest.
func (w *sea) first(status int8) *ship {
	own := map[uint32]bool{}
	for i := range w.s.port.Vessels {
		own[uint32(w.s.port.Vessels[i].MMSI)] = true
	}
	var best *ship
	for _, v := range w.ships {
		if v.status == status && !v.classB && !own[v.mmsi] && (best == nil || v.mmsi < best.mmsi) {
			best = v
		}
	}
	return best
}

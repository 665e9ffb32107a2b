package continuity

import (
	"sort"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Down is something that does not work for a time.
type Down struct {
	ID    string  // asset or service
	From  float64 // hours from the start of the disruption
	Until float64 // hours; may be fractional
}

// services works out how much of each service is left, hour by hour.
type services struct {
	p     *port.Port
	downs map[string][]Down
	order []*port.Service // each after the services that it needs
	at    map[string]int
}

// newServices sorts the services by what they need; the port file has no cycles.
func newServices(p *port.Port, downs []Down) *services {
	s := &services{p: p, downs: map[string][]Down{}, at: map[string]int{}}
	for _, d := range downs {
		s.downs[d.ID] = append(s.downs[d.ID], d)
	}
	done := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		v := p.Service(id)
		if v == nil || done[id] {
			return
		}
		done[id] = true
		leaves(&v.Needs, visit)
		s.at[id] = len(s.order)
		s.order = append(s.order, v)
	}
	for i := range p.Services {
		visit(p.Services[i].ID)
	}
	return s
}

func leaves(n *port.Need, tell func(id string)) {
	if n.ID != "" {
		tell(n.ID)
	}
	for _, list := range [][]port.Need{n.All, n.Any} {
		for i := range list {
			leaves(&list[i], tell)
		}
	}
	if n.KOfN != nil {
		for i := range n.KOfN.Of {
			leaves(&n.KOfN.Of[i], tell)
		}
	}
}

// level is how much of something is left, 0 to 1.
type level = float64

// run gives the level of each service for each hour. A service runs as well as
// the worst of what it needs; when that is less than its manual working gives,
// people go on by hand after the ramp and until the limit, both counted from
// when it fell short. manual is the fraction by hand of each service, in their
// order.
func (s *services) run(hours int, manual []float64) [][]level {
	out := make([][]level, len(s.order))
	for i, v := range s.order {
		out[i] = make([]level, hours)
		short := 0.0 // hours since it fell short
		for h := range hours {
			auto := s.need(&v.Needs, h, out)
			if s.isDown(v.ID, h) {
				auto = 0
			}
			if auto >= 1 {
				short = 0
				out[i][h] = 1
				continue
			}
			short++
			out[i][h] = max(auto, byHand(v.Manual, manual[i], short))
		}
	}
	return out
}

// byHand is the level of manual working in the hour that ends so many hours
// after a service fell short.
func byHand(m *port.Manual, fraction, short float64) level {
	ramp, limit := 0.0, 0.0
	if m != nil {
		ramp, limit = m.RampHours, m.LimitHours
	}
	switch {
	case short <= ramp:
		return fraction * (short - 1) / max(1, ramp)
	case limit > 0 && short > limit:
		return 0
	}
	return fraction
}

func (s *services) isDown(id string, hour int) bool {
	for _, d := range s.downs[id] {
		if float64(hour)+0.5 > d.From && float64(hour)+0.5 <= d.Until {
			return true
		}
	}
	return false
}

// need is the level of what a node needs: all the worst, any the best, k of n
// the k-th best. An empty need is met.
func (s *services) need(n *port.Need, hour int, levels [][]level) level {
	switch {
	case n.ID != "":
		if s.isDown(n.ID, hour) {
			return 0
		}
		if i, ok := s.at[n.ID]; ok {
			return levels[i][hour]
		}
		return s.controlled(n.ID, hour)
	case len(n.All) > 0:
		worst := 1.0
		for i := range n.All {
			worst = min(worst, s.need(&n.All[i], hour, levels))
		}
		return worst
	case len(n.Any) > 0:
		best := 0.0
		for i := range n.Any {
			best = max(best, s.need(&n.Any[i], hour, levels))
		}
		return best
	case n.KOfN != nil:
		var all []level
		for i := range n.KOfN.Of {
			all = append(all, s.need(&n.KOfN.Of[i], hour, levels))
		}
		sort.Float64s(all)
		if k := len(all) - n.KOfN.K; k >= 0 && k < len(all) {
			return all[k]
		}
		return 0
	}
	return 1
}

// controlled is 0 where all that controls an asset is down: a crane stands when
// its controller does.
func (s *services) controlled(id string, hour int) level {
	a := s.p.Asset(id)
	if a == nil || len(a.ControlledBy) == 0 {
		return 1
	}
	for _, c := range a.ControlledBy {
		if s.isDown(c, hour) {
			return 0
		}
	}
	return 1
}

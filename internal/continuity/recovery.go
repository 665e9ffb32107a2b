package continuity

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Repair is a thing that is down, and how long one crew needs to bring it back.
type Repair struct {
	ID      string  `json:"id"`
	Hours   float64 `json:"hours"`
	Assumed bool    `json:"assumed"` // nobody has given the hours
}

// AssumedRepair is the hours of work that stand in where nobody has given any.
const AssumedRepair = 12.0

// Plan is an order of repair.
type Plan struct {
	Crews    int      `json:"crews"`
	Work     []Work   `json:"work"` // in the order in which it begins
	Operator Band     `json:"operator"`
	Economy  Band     `json:"economy"`
	Given    Loss     `json:"as_given"` // the order in which the things were named
	Proven   bool     `json:"proven"`   // every order was tried
	Tried    int      `json:"tried"`
	Back     []Back   `json:"back"` // services, against their objectives
	Repairs  []Repair `json:"repairs"`
}

// Loss is the middle of both accounts.
type Loss struct {
	Operator float64 `json:"operator"`
	Economy  float64 `json:"economy"`
}

// Work is one repair in the plan.
type Work struct {
	ID    string  `json:"id"`
	Crew  int     `json:"crew"` // from 1
	From  float64 `json:"from_hour"`
	Until float64 `json:"until_hour"`
}

// Back is when a service is whole again.
type Back struct {
	Service   string  `json:"service"`
	Name      string  `json:"name"`
	Hours     float64 `json:"hours"`
	Objective float64 `json:"objective_hours,omitempty"` // declared recovery time
	Gap       float64 `json:"gap_hours"`                 // over it; 0 where it is met or none is declared
	Tolerable float64 `json:"tolerable_hours,omitempty"` // declared as the most that is borne
}

// MaxRepairs bounds a plan; up to allOrders every order is tried.
const (
	MaxRepairs = 20
	allOrders  = 5
)

// Recover looks for the order of repair that loses the least money of operator and
// others together, under so many crews. A thing is not begun before what controls
// it is back. Up to five things every order is tried; beyond, the best order found
// by exchanging places is returned and not proven.
func Recover(p *port.Port, repairs []Repair, crews int, o Options) (*Plan, error) {
	if len(repairs) == 0 || len(repairs) > MaxRepairs || crews < 1 {
		return nil, fmt.Errorf("%d repairs and %d crews: from 1 to %d repairs, and a crew", len(repairs), crews, MaxRepairs)
	}
	for i := range repairs {
		if r := &repairs[i]; r.Hours == 0 {
			r.Hours, r.Assumed = AssumedRepair, true
		} else if !(r.Hours > 0 && r.Hours <= 2000) {
			return nil, fmt.Errorf("%s: %v hours of repair: more than 0 and at most 2000", r.ID, r.Hours)
		}
	}
	quick := o
	if quick.Runs == 0 || quick.Runs > 12 {
		quick.Runs = 12 // to compare orders: the same draws for each
	}
	s := &planning{p: p, repairs: repairs, crews: crews, o: quick, seen: map[string]float64{}}
	order := make([]int, len(repairs))
	for i := range order {
		order[i] = i
	}
	given, err := s.loss(order)
	if err != nil {
		return nil, err
	}
	best := slices.Clone(order)
	if len(order) <= allOrders {
		best, err = s.all(order)
	} else {
		best, err = s.exchange(best, given)
	}
	if err != nil {
		return nil, err
	}
	return s.plan(best, order, o)
}

type planning struct {
	p       *port.Port
	repairs []Repair
	crews   int
	o       Options
	seen    map[string]float64
}

// schedule gives the work of an order: each crew takes the next thing that may begin.
func (s *planning) schedule(order []int) []Work {
	free := make([]float64, s.crews)
	done := map[string]float64{}
	var out []Work
	left := slices.Clone(order)
	for len(left) > 0 {
		at := slices.IndexFunc(left, func(i int) bool { return s.ready(s.repairs[i].ID, done) })
		at = max(at, 0) // controllers that wait for each other: as named
		r := s.repairs[left[at]]
		left = slices.Delete(left, at, at+1)
		crew := slices.Index(free, slices.Min(free))
		from := free[crew]
		if a := s.p.Asset(r.ID); a != nil {
			for _, c := range a.ControlledBy {
				from = max(from, done[c])
			}
		}
		free[crew] = from + r.Hours
		done[r.ID] = free[crew]
		out = append(out, Work{ID: r.ID, Crew: crew + 1, From: from, Until: free[crew]})
	}
	slices.SortStableFunc(out, func(a, b Work) int { return cmp.Compare(a.From, b.From) })
	return out
}

func (s *planning) ready(id string, done map[string]float64) bool {
	a := s.p.Asset(id)
	if a == nil {
		return true
	}
	for _, c := range a.ControlledBy {
		waits := slices.ContainsFunc(s.repairs, func(r Repair) bool { return r.ID == c })
		if _, back := done[c]; waits && !back {
			return false
		}
	}
	return true
}

func (s *planning) outage(order []int, o Options) (*Report, error) {
	var downs []Down
	for _, w := range s.schedule(order) {
		downs = append(downs, Down{ID: w.ID, Until: w.Until})
	}
	return Outage(s.p, downs, o)
}

// loss is the middle loss of an order, both accounts together.
func (s *planning) loss(order []int) (float64, error) {
	key := fmt.Sprint(s.schedule(order))
	if v, ok := s.seen[key]; ok {
		return v, nil
	}
	r, err := s.outage(order, s.o)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, x := range r.Samples() {
		sum += x.Operator + x.Economy
	}
	s.seen[key] = sum / float64(max(1, len(r.Samples())))
	return s.seen[key], nil
}

// all tries every order.
func (s *planning) all(order []int) ([]int, error) {
	best, least := slices.Clone(order), math.Inf(1)
	var fail error
	var visit func(k int)
	visit = func(k int) {
		if fail != nil {
			return
		}
		if k == len(order) {
			v, err := s.loss(order)
			if err != nil {
				fail = err
			} else if v < least*(1-1e-12) {
				best, least = slices.Clone(order), v
			}
			return
		}
		for i := k; i < len(order); i++ {
			order[k], order[i] = order[i], order[k]
			visit(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	visit(0)
	return best, fail
}

// exchange improves an order by moving one thing to another place, until none helps.
func (s *planning) exchange(best []int, least float64) ([]int, error) {
	for better := true; better; {
		better = false
		for i := range best {
			for j := range best {
				if i == j {
					continue
				}
				next := slices.Insert(slices.Delete(slices.Clone(best), i, i+1), j, best[i])
				v, err := s.loss(next)
				if err != nil {
					return nil, err
				}
				if v < least*(1-1e-9) {
					best, least, better = next, v, true
				}
			}
		}
	}
	return best, nil
}

func (s *planning) plan(best, given []int, o Options) (*Plan, error) {
	slices.Sort(given)
	first, err := s.outage(given, o)
	if err != nil {
		return nil, err
	}
	r, err := s.outage(best, o)
	if err != nil {
		return nil, err
	}
	p := &Plan{Crews: s.crews, Work: s.schedule(best), Operator: r.Operator, Economy: r.Economy, Given: Loss{first.Operator.Mid, first.Economy.Mid}, Proven: len(best) <= allOrders, Tried: len(s.seen), Back: []Back{}, Repairs: s.repairs}
	for _, a := range r.Services {
		b := Back{Service: a.Service, Name: a.Name, Hours: a.Hours}
		if v := s.p.Service(a.Service); v != nil && v.Recovery != nil {
			b.Objective, b.Tolerable = v.Recovery.RTOHours, v.Recovery.MTPDHours
			if b.Objective > 0 {
				b.Gap = max(0, b.Hours-b.Objective)
			}
		}
		p.Back = append(p.Back, b)
	}
	slices.SortStableFunc(p.Back, func(a, b Back) int { return cmp.Or(cmp.Compare(b.Gap, a.Gap), cmp.Compare(a.Service, b.Service)) })
	return p, nil
}

package continuity

import (
	"math"
	"math/rand/v2"

	"github.com/quaywatch/quaywatch/internal/port"
)

// plant is a terminal ready to be run: its rates at full service, an hour.
type plant struct {
	t                             *port.Terminal
	quay, gate, rail, release     float64 // units an hour; gate and rail are for both ways together
	sea, yard                     []int   // services, by their order
	quayAt, gateAt, railAt, relAt int     // -1 where there is none
	reefersAt                     int
	low, high                     figures
}

const none = -1

func newPlant(t *port.Terminal, s *services) (*plant, []Assumption) {
	p := &plant{t: t}
	var assumed []Assumption
	p.low, p.high, assumed = ranges(t)
	place := func(id string) int {
		if i, ok := s.at[id]; ok {
			return i
		}
		return none
	}
	rate := func(at int) float64 {
		if at == none {
			return 0
		}
		return s.order[at].Capacity
	}
	p.quayAt, p.gateAt, p.railAt, p.relAt, p.reefersAt = place(t.Quay), place(t.Gate), place(t.Rail), place(t.Release), place(t.Reefers)
	p.quay, p.gate, p.rail, p.release = rate(p.quayAt), rate(p.gateAt), rate(p.railAt), rate(p.relAt)
	for _, id := range t.Sea {
		p.sea = append(p.sea, place(id))
	}
	for _, id := range t.Yard {
		p.yard = append(p.yard, place(id))
	}
	return p, assumed
}

// draw picks the figures of one run and the ships that come.
func (p *plant) draw(r *rand.Rand, hours int) (figures, []ship) {
	f := between(p.low, p.high, r)
	if f.Storage == 0 {
		f.Storage = 2 * f.CallsPerWeek / 7 * f.UnitsPerCall * (f.DischargeShare*f.ImportDwellDays + (1-f.DischargeShare)*f.ExportDwellDays)
	}
	f.Berths = math.Max(1, math.Round(f.Berths))
	var ships []ship
	for at := 0.0; f.CallsPerWeek > 0; {
		// Lines keep to windows: gaps are of a gamma distribution with shape 3, half
		// as scattered as those of chance.
		gap := 0.0
		for range 3 {
			gap -= math.Log(1 - r.Float64())
		}
		at += gap / 3 * 168 / f.CallsPerWeek
		if at >= float64(hours) {
			break
		}
		units := f.UnitsPerCall
		if p.low.UnitsPerCall == p.high.UnitsPerCall {
			units *= 0.7 + 0.6*r.Float64()
		} else {
			units = p.low.UnitsPerCall + (p.high.UnitsPerCall-p.low.UnitsPerCall)*r.Float64()
		}
		ships = append(ships, ship{arrives: at, discharge: units * f.DischargeShare, load: units * (1 - f.DischargeShare)})
	}
	return f, ships
}

// between draws each figure evenly between its bounds, always the same number
// of draws.
func between(low, high figures, r *rand.Rand) figures {
	d := func(l, h float64) float64 { return l + (h-l)*r.Float64() }
	return figures{
		d(low.Berths, high.Berths), d(low.CallsPerWeek, high.CallsPerWeek), (low.UnitsPerCall + high.UnitsPerCall) / 2, d(low.DischargeShare, high.DischargeShare),
		d(low.ShareOfQuay, high.ShareOfQuay), d(low.Storage, high.Storage), d(low.ImportDwellDays, high.ImportDwellDays), d(low.ExportDwellDays, high.ExportDwellDays),
		d(low.RailShare, high.RailShare), d(low.UnitsPerTruck, high.UnitsPerTruck), d(low.UnitsPerTrain, high.UnitsPerTrain), d(low.TruckPark, high.TruckPark), d(low.TruckPatience, high.TruckPatience),
		d(low.ReleaseShare, high.ReleaseShare), d(low.ReeferShare, high.ReeferShare), d(low.ReeferHoldHours, high.ReeferHoldHours), d(low.PatienceHours, high.PatienceHours),
		d(low.MarginPerUnit, high.MarginPerUnit), d(low.ShipHourClaim, high.ShipHourClaim), d(low.LateUnitDay, high.LateUnitDay), d(low.ReeferClaim, high.ReeferClaim),
		d(low.StaffHour, high.StaffHour), d(low.EconomyShipHour, high.EconomyShipHour), d(low.EconomyUnitDay, high.EconomyUnitDay),
		d(low.EconomyTruckHour, high.EconomyTruckHour), d(low.EconomyDiverted, high.EconomyDiverted),
	}
}

// ship is a call.
type ship struct {
	arrives, discharge, load float64
	waited                   float64
}

// Hour is what a terminal does and holds in one hour.
type Hour struct {
	Moved    float64 `json:"moved"`    // units over the quay
	Land     float64 `json:"land"`     // units by road and rail, both ways
	Waiting  float64 `json:"waiting"`  // ships outside
	Stored   float64 `json:"stored"`   // units
	Trucks   float64 `json:"trucks"`   // trucks that wait
	Road     float64 `json:"road"`     // trucks beyond the park, on the road
	Unfreed  float64 `json:"unfreed"`  // imports that wait for their release
	Reefers  float64 `json:"reefers"`  // cold units without power past what they bear, in all
	Diverted float64 `json:"diverted"` // units that went elsewhere, in all
	Due      float64 `json:"due"`      // units that should have moved by now, in all, and have not
	gated    float64 // units over the gate, of Land
}

// state is what a terminal holds.
type state struct {
	queue, berthed         []ship
	locked, free           float64 // imports that wait for a release; that may leave
	leaving                float64 // free imports whose truck or train has come
	exports                float64
	outQueue, inQueue      float64 // units of trucks that wait to take and to bring
	cold                   float64 // hours that cold units are without power
	spoiled, diverted, due float64
}

// run moves the terminal on hour by hour.
func (p *plant) run(f figures, ships []ship, levels [][]level, hours int) []Hour {
	out := make([]Hour, hours)
	perHour := f.CallsPerWeek / 168 * (p.low.UnitsPerCall + p.high.UnitsPerCall) / 2
	s := &state{
		locked: perHour * f.DischargeShare * f.ImportDwellDays * 24 * 0.1, free: perHour * f.DischargeShare * f.ImportDwellDays * 24 * 0.9,
		exports: perHour * (1 - f.DischargeShare) * f.ExportDwellDays * 24,
	}
	next := 0
	for h := range hours {
		for next < len(ships) && ships[next].arrives < float64(h+1) {
			s.queue = append(s.queue, ships[next])
			s.due += ships[next].discharge + ships[next].load
			next++
		}
		o := &out[h]
		p.sail(s, &f, levels, h, o)
		p.work(s, &f, levels, h, o)
		p.land(s, &f, perHour, levels, h, o)
		p.keepCold(s, &f, levels, h)
		o.Waiting, o.Stored, o.Unfreed = float64(len(s.queue)), s.locked+s.free+s.exports, s.locked
		o.Reefers, o.Diverted, o.Due = s.spoiled, s.diverted, s.due
	}
	return out
}

func levelOf(levels [][]level, at, h int) level {
	if at == none {
		return 1
	}
	return levels[at][h]
}

func worstOf(levels [][]level, at []int, h int) level {
	worst := 1.0
	for _, i := range at {
		worst = min(worst, levelOf(levels, i, h))
	}
	return worst
}

// sail brings ships to free berths, as far as the sea side allows, and lets
// those go elsewhere that have waited too long.
func (p *plant) sail(s *state, f *figures, levels [][]level, h int, _ *Hour) {
	sea := worstOf(levels, p.sea, h)
	kept := s.queue[:0]
	for _, v := range s.queue {
		switch {
		case len(s.berthed) < int(f.Berths) && sea > 0.05:
			s.berthed = append(s.berthed, v)
		case v.waited >= f.PatienceHours:
			s.diverted += v.discharge + v.load
			s.due -= v.discharge + v.load
		default:
			v.waited++
			kept = append(kept, v)
		}
	}
	s.queue = kept
}

// work loads and discharges. A full storage stops the discharge, an empty one
// the loading.
func (p *plant) work(s *state, f *figures, levels [][]level, h int, o *Hour) {
	pace := p.quay * min(levelOf(levels, p.quayAt, h), max(worstOf(levels, p.yard, h), 0))
	left := pace
	kept := s.berthed[:0]
	for i := range s.berthed {
		v := s.berthed[i]
		here := min(left, p.quay*max(f.ShareOfQuay, 1/f.Berths)*pace/max(p.quay, 1e-9))
		off := min(here, v.discharge, max(0, f.Storage*0.97-s.locked-s.free-s.exports))
		on := min(here-off, v.load, s.exports)
		v.discharge, v.load = v.discharge-off, v.load-on
		s.locked += off * f.ReleaseShare
		s.free += off * (1 - f.ReleaseShare)
		s.exports -= on
		s.due -= off + on
		left -= off + on
		o.Moved += off + on
		if v.discharge+v.load > 0.5 {
			v.waited++
			kept = append(kept, v)
		}
	}
	s.berthed = kept
}

// land releases imports, and moves cargo over the gate and by rail.
func (p *plant) land(s *state, f *figures, perHour float64, levels [][]level, h int, o *Hour) {
	released := s.locked
	if p.relAt != none {
		released = min(s.locked, p.release*levelOf(levels, p.relAt, h))
	}
	s.locked -= released
	s.free += released
	// Who fetches imports comes after the dwell, as if each hour the same part of
	// what is free were due.
	come := min(s.free-s.leaving, s.free/(f.ImportDwellDays*24)*1.05)
	s.leaving += max(0, come)
	yard := worstOf(levels, p.yard, h)
	rail := p.rail / 24 * f.UnitsPerTrain * min(levelOf(levels, p.railAt, h), yard)
	byRail := min(rail/2, s.leaving*f.RailShare)
	s.leaving -= byRail
	s.free -= byRail
	wanted := perHour * (1 - f.DischargeShare) // exports that are brought
	railIn := min(rail/2, wanted*f.RailShare)
	space := max(0, f.Storage*0.97-s.locked-s.free-s.exports)
	railIn = min(railIn, space)
	s.exports += railIn
	if p.gateAt == none { // pipeline, or vehicles that drive out by themselves
		off := s.leaving
		s.free -= off
		s.leaving = 0
		in := min(wanted+s.inQueue, max(0, space-railIn))
		s.inQueue = wanted + s.inQueue - in
		s.exports += in
		o.Land = off + in + byRail + railIn
		return
	}
	s.inQueue += wanted - railIn
	s.outQueue = s.leaving
	gate := p.gate * f.UnitsPerTruck * min(levelOf(levels, p.gateAt, h), max(yard, 0))
	asked := s.inQueue + s.outQueue
	part := 1.0
	if asked > gate {
		part = gate / asked
	}
	off := s.outQueue * part
	in := min(s.inQueue*part, max(0, space-railIn))
	s.leaving -= off
	s.free -= off
	s.inQueue -= in
	s.exports += in
	o.gated = off + in
	o.Land = o.gated + byRail + railIn
	// Hauliers know of the queue: at most those stand in it that usually come within
	// their patience; the rest of what is late is not sent yet.
	usual := perHour * (1 - f.RailShare) / f.UnitsPerTruck
	o.Trucks = min((s.inQueue+s.leaving)/f.UnitsPerTruck, f.TruckPatience*usual)
	o.Road = max(0, o.Trucks-f.TruckPark)
}

// keepCold counts cold units that were without power for longer than they bear.
func (p *plant) keepCold(s *state, f *figures, levels [][]level, h int) {
	if p.reefersAt == none || f.ReeferShare == 0 {
		return
	}
	dark := 1 - levelOf(levels, p.reefersAt, h)
	if dark <= 0 {
		s.cold = 0
		return
	}
	s.cold++
	if s.cold == math.Ceil(f.ReeferHoldHours) {
		s.spoiled += dark * f.ReeferShare * (s.locked + s.free + s.exports)
	}
}

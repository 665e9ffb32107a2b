package continuity

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Band is a figure with what is not known of it: 5 %, 50 % and 95 % of the runs.
type Band struct {
	Low  float64 `json:"low"`
	Mid  float64 `json:"mid"`
	High float64 `json:"high"`
}

// Outcome is what a disruption does to one terminal, against the same weeks
// without it.
type Outcome struct {
	Terminal  string `json:"terminal"`
	Unit      string `json:"unit"`
	Late      Band   `json:"late"`       // most units that should have moved over the quay and had not, at one time
	LandLate  Band   `json:"land_late"`  // most units behind at gate and rail, both ways, at one time
	UnitDays  Band   `json:"unit_days"`  // days of lateness, over all units
	Diverted  Band   `json:"diverted"`   // units that went elsewhere
	ShipHours Band   `json:"ship_hours"` // hours that ships waited longer
	Waiting   Band   `json:"waiting"`    // most ships outside at one time
	Trucks    Band   `json:"trucks"`     // most trucks waiting at one time
	Road      Band   `json:"road"`       // most of them on the road
	TruckWait Band   `json:"truck_wait"` // longest wait of a truck, hours
	Stored    Band   `json:"stored"`     // fullest storage, 0..1 of what it holds
	Reefers   Band   `json:"reefers"`    // cold units at risk
	Lost      Band   `json:"lost_hours"` // hours of full capacity that were not worked
	Normal    Band   `json:"normal"`     // hours from the start until it is as if nothing had been
	Operator  Band   `json:"operator"`   // money the operator loses
	Economy   Band   `json:"economy"`    // money that others lose
	Curves    Curves `json:"curves"`
}

// Curves are the medians hour by hour, disrupted and not.
type Curves struct {
	Moved, Usual, Waiting, Stored, Trucks, Due []float64
}

// Figure is one figure of an outcome, for people.
type Figure struct {
	Name, Unit string
	Band
}

// Figures are those of an outcome that are not zero, money in a currency.
func (o *Outcome) Figures(currency string) (out []Figure) {
	full := Band{o.Stored.Low * 100, o.Stored.Mid * 100, o.Stored.High * 100}
	for _, f := range []Figure{
		{"late at the quay at the worst", o.Unit, o.Late}, {"late at gate and rail at the worst", o.Unit, o.LandLate},
		{"gone elsewhere", o.Unit, o.Diverted}, {"ships outside at the worst", "ships", o.Waiting}, {"ships waited longer", "h", o.ShipHours},
		{"trucks waiting at the worst", "trucks", o.Trucks}, {"of them on the road", "trucks", o.Road}, {"longest wait of a truck", "h", o.TruckWait},
		{"storage at the fullest", "%", full}, {"cold units at risk", o.Unit, o.Reefers}, {"full capacity lost", "h", o.Lost},
		{"as if nothing had been, after", "h", o.Normal}, {"the operator loses", currency, o.Operator}, {"others lose", currency, o.Economy},
	} {
		if f.High > 0 {
			out = append(out, f)
		}
	}
	return out
}

// Sample is one run, for a simulation of losses: amounts that belong together.
type Sample struct{ Operator, Economy, Hours, Containers float64 }

// Report is the answer to a disruption.
type Report struct {
	Down        []Down       `json:"down"`
	Services    []Affected   `json:"services"` // that are less than whole at some time
	Terminals   []Outcome    `json:"terminals"`
	Operator    Band         `json:"operator"`
	Economy     Band         `json:"economy"`
	Assumptions []Assumption `json:"assumptions"`
	Runs        int          `json:"runs"`
	Seed        uint64       `json:"seed"`
	samples     []Sample
}

// Samples are the single runs over all terminals, in a fixed order.
func (r *Report) Samples() []Sample { return r.samples }

// Affected is a service that a disruption reaches.
type Affected struct {
	Service string  `json:"service"`
	Name    string  `json:"name"`
	Least   float64 `json:"least"` // lowest level, 0..1, median of the runs
	Hours   float64 `json:"hours"` // hours below full
	Manual  bool    `json:"manual"`
	// Bearable is how many hours it can go on: its limit by hand, or what is
	// declared as tolerable, whichever comes first; 0 where neither is declared.
	Bearable float64 `json:"bearable_hours"`
	Declared bool    `json:"declared"` // manual working is declared
}

// Options of a simulation; the zero value works.
type Options struct {
	Runs   int                                        // 200 where 0
	Seed   uint64                                     // 1 where 0
	Settle int                                        // hours of usual working before; 336 where 0
	Follow int                                        // hours after the last thing works again; 1008 where 0
	each   func(f *figures, disrupted, normal []Hour) // told of each run of each terminal
}

func (o *Options) fill() {
	if o.Runs == 0 {
		o.Runs = 200
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Settle == 0 {
		o.Settle = 336
	}
	if o.Follow == 0 {
		o.Follow = 1008
	}
}

// Bounds of a simulation.
const (
	MaxRuns  = 100_000
	MaxHours = 4 * 8784
)

// Outage simulates a disruption. Everything in downs must be an asset or a
// service of the port.
func Outage(p *port.Port, downs []Down, o Options) (*Report, error) {
	o.fill()
	end := 0.0
	for _, d := range downs {
		if p.Asset(d.ID) == nil && p.Service(d.ID) == nil {
			return nil, fmt.Errorf("%q is no asset or service of the port file", d.ID)
		}
		if !(d.From >= 0 && d.Until > d.From && d.Until <= MaxHours/2) {
			return nil, fmt.Errorf("%s is down from %v h until %v h: need 0 ≤ from < until ≤ %d", d.ID, d.From, d.Until, MaxHours/2)
		}
		end = max(end, d.Until)
	}
	if o.Runs < 1 || o.Runs > MaxRuns || o.Settle < 0 || o.Follow < 1 {
		return nil, fmt.Errorf("%d runs, %d hours before and %d after: from 1 to %d runs", o.Runs, o.Settle, o.Follow, MaxRuns)
	}
	hours := o.Settle + int(math.Ceil(end)) + o.Follow
	if hours > MaxHours {
		return nil, fmt.Errorf("%d hours: at most %d can be simulated", hours, MaxHours)
	}
	shifted := slices.Clone(downs)
	for i := range shifted {
		shifted[i].From += float64(o.Settle)
		shifted[i].Until += float64(o.Settle)
	}
	s, usual := newServices(p, shifted), newServices(p, nil)
	r := &Report{Down: downs, Runs: o.Runs, Seed: o.Seed, Terminals: []Outcome{}, Services: []Affected{}, Assumptions: []Assumption{}}
	manual := make([][]float64, o.Runs)
	levels := make([][][]level, o.Runs)
	full := usual.run(hours, make([]float64, len(usual.order)))
	cache := map[string][][]level{}
	for k := range o.Runs {
		manual[k] = s.manual(rand.New(rand.NewPCG(o.Seed, uint64(k)<<8))) //nolint:gosec // a simulation, not a secret
		key := fmt.Sprint(manual[k])
		if cache[key] == nil {
			cache[key] = s.run(hours, manual[k])
		}
		levels[k] = cache[key]
	}
	r.services(s, levels, o.Settle)
	r.Assumptions = append(r.Assumptions, s.assumed(r.Services)...)
	r.samples = make([]Sample, o.Runs)
	for i := range p.Terminals {
		plant, assumed := newPlant(&p.Terminals[i], s)
		out := plant.outcome(levels, full, hours, &o, i)
		staff := s.staffHours(plant, levels, o.Settle)
		if o.each != nil {
			for k := range out.f {
				o.each(&out.f[k], out.disrupted[k], out.normal[k])
			}
		}
		r.add(out, plant, staff)
		r.Assumptions = append(r.Assumptions, assumed...)
	}
	var op, ec []float64
	for _, x := range r.samples {
		op, ec = append(op, x.Operator), append(ec, x.Economy)
	}
	r.Operator, r.Economy = band(op), band(ec)
	return r, nil
}

// manual draws the fraction by hand of each service: what is declared, or
// somewhere in what is assumed.
func (s *services) manual(r *rand.Rand) []float64 {
	out := make([]float64, len(s.order))
	for i, v := range s.order {
		u := r.Float64()
		if v.Manual != nil {
			out[i] = v.Manual.Fraction
		} else {
			out[i] = manualFraction[0] + (manualFraction[1]-manualFraction[0])*u
		}
	}
	return out
}

// assumed lists the affected services whose manual working is not declared.
func (s *services) assumed(hit []Affected) (out []Assumption) {
	for _, a := range hit {
		if !a.Declared {
			out = append(out, Assumption{Of: a.Service, Field: "manual.fraction", Low: manualFraction[0], High: manualFraction[1],
				Basis: "published outages run from a tenth to four fifths, and none is possible"})
		}
	}
	return out
}

func (r *Report) services(s *services, levels [][][]level, from int) {
	for i, v := range s.order {
		var least, short []float64
		for k := range levels {
			low, n := 1.0, 0.0
			for _, l := range levels[k][i][from:] {
				low = min(low, l)
				if l < 1 {
					n++
				}
			}
			least, short = append(least, low), append(short, n)
		}
		if m := band(short); m.High > 0 {
			a := Affected{Service: v.ID, Name: v.Name, Least: band(least).Mid, Hours: m.Mid, Declared: v.Manual != nil, Manual: v.Manual != nil && v.Manual.Fraction > 0}
			if v.Manual != nil {
				a.Bearable = v.Manual.LimitHours
			}
			if v.Recovery != nil && v.Recovery.MTPDHours > 0 && (a.Bearable == 0 || v.Recovery.MTPDHours < a.Bearable) {
				a.Bearable = v.Recovery.MTPDHours
			}
			r.Services = append(r.Services, a)
		}
	}
}

// staffHours are the hours of people in manual working for a terminal, for each run.
func (s *services) staffHours(p *plant, levels [][][]level, from int) []float64 {
	at := append(append([]int{p.quayAt, p.gateAt, p.railAt, p.relAt, p.reefersAt}, p.yard...), p.sea...)
	slices.Sort(at)
	at = slices.Compact(at)
	out := make([]float64, len(levels))
	for k := range levels {
		for _, i := range at {
			if i == none || s.order[i].Manual == nil {
				continue
			}
			for _, l := range levels[k][i][from:] {
				if l < 1 && l > 0 {
					out[k] += float64(s.order[i].Manual.Staff)
				}
			}
		}
	}
	return out
}

// runs of one terminal, disrupted and not.
type runs struct {
	f                 []figures
	disrupted, normal [][]Hour
}

func (p *plant) outcome(levels [][][]level, full [][]level, hours int, o *Options, n int) *runs {
	out := new(runs)
	for k := range levels {
		r := rand.New(rand.NewPCG(o.Seed, uint64(k)<<8|uint64(n+1))) //nolint:gosec // a simulation, not a secret
		f, ships := p.draw(r, hours)
		out.f = append(out.f, f)
		out.disrupted = append(out.disrupted, p.run(f, slices.Clone(ships), levels[k], hours)[o.Settle:])
		out.normal = append(out.normal, p.run(f, ships, full, hours)[o.Settle:])
	}
	return out
}

func (r *Report) add(x *runs, p *plant, staff []float64) {
	o := Outcome{Terminal: p.t.ID, Unit: p.t.Unit}
	var late, landLate, wait, days, diverted, ships, waiting, trucks, road, stored, reefers, lost, normal, operator, economy []float64
	for k := range x.f {
		d, n, f := x.disrupted[k], x.normal[k], &x.f[k]
		var lateMax, unitHours, shipHours, truckHours, waitMax, truckMax, roadMax, storedMax, moved float64
		for h := range d {
			// What was diverted is no longer due: it is lost, and counted as that.
			more := max(0, d[h].Due-n[h].Due)
			lateMax = max(lateMax, more)
			unitHours += more
			shipHours += d[h].Waiting - n[h].Waiting
			truckHours += d[h].Trucks - n[h].Trucks
			waitMax, truckMax, roadMax = max(waitMax, d[h].Waiting), max(truckMax, d[h].Trucks), max(roadMax, d[h].Road)
			storedMax = max(storedMax, d[h].Stored/max(1, f.Storage))
			moved += max(0, n[h].Moved-d[h].Moved)
		}
		end := len(d) - 1
		gone := max(0, d[end].Diverted-n[end].Diverted)
		cold := d[end].Reefers
		shipHours, truckHours = max(0, shipHours), max(0, truckHours)
		op := gone*f.MarginPerUnit + shipHours*f.ShipHourClaim + unitHours/24*f.LateUnitDay + cold*f.ReeferClaim + staff[k]*f.StaffHour
		ec := gone*f.EconomyDiverted + shipHours*f.EconomyShipHour + unitHours/24*f.EconomyUnitDay + truckHours*f.EconomyTruckHour
		late, days, diverted = append(late, lateMax), append(days, unitHours/24), append(diverted, gone)
		ships, waiting, trucks, road = append(ships, shipHours), append(waiting, waitMax), append(trucks, truckMax), append(road, roadMax)
		stored, reefers, normal = append(stored, storedMax), append(reefers, cold), append(normal, float64(normalFrom(d, n, f)))
		landLate, wait = append(landLate, landBehind(d, n)), append(wait, longestWait(d, f))
		hoursLost := 0.0
		if p.quay > 0 {
			hoursLost = moved / p.quay
		}
		lost, operator, economy = append(lost, hoursLost), append(operator, op), append(economy, ec)
		r.samples[k].Operator += op
		r.samples[k].Economy += ec
		r.samples[k].Hours += hoursLost
		if p.t.Kind == "container" {
			r.samples[k].Containers += lateMax + gone
		}
	}
	o.Late, o.UnitDays, o.Diverted, o.ShipHours, o.Waiting, o.Trucks = band(late), band(days), band(diverted), band(ships), band(waiting), band(trucks)
	o.LandLate, o.TruckWait = band(landLate), band(wait)
	o.Road, o.Stored, o.Reefers, o.Lost, o.Normal = band(road), band(stored), band(reefers), band(lost), band(normal)
	o.Operator, o.Economy = band(operator), band(economy)
	o.Curves = x.curves()
	r.Terminals = append(r.Terminals, o)
}

// normalFrom is the first hour from which cargo, ships and trucks wait no more
// than they would have: 2 % of a call, half a ship, 10 % and 5 trucks.
func normalFrom(d, n []Hour, f *figures) int {
	last := 0
	for h := range d {
		if d[h].Due-n[h].Due > 0.02*f.UnitsPerCall+1 || d[h].Waiting > n[h].Waiting+0.5 || d[h].Trucks > n[h].Trucks*1.1+5 {
			last = h + 1
		}
	}
	return last
}

// landBehind is the most units by which gate and rail were behind at one time.
func landBehind(d, n []Hour) float64 {
	behind, most := 0.0, 0.0
	for h := range d {
		behind += n[h].Land - d[h].Land
		most = max(most, behind)
	}
	return most
}

// longestWait is the most hours that a truck stands before the gate, first come
// first served, and no longer than hauliers have patience. Zero at a terminal
// without a gate.
func longestWait(d []Hour, f *figures) float64 {
	served, longest := 0.0, 0
	left, at := 0.0, 0 // trucks that have left by the end of the hour before at
	for h := range d {
		served += d[h].gated / f.UnitsPerTruck
		came := served + d[h].Trucks
		for at < len(d) && left+d[at].gated/f.UnitsPerTruck < came-1e-6 {
			left += d[at].gated / f.UnitsPerTruck
			at++
		}
		longest = max(longest, min(at, len(d)-1)-h)
	}
	return min(float64(longest), f.TruckPatience)
}

func (x *runs) curves() Curves {
	var c Curves
	hours := len(x.disrupted[0])
	pick := func(of [][]Hour, h int, get func(*Hour) float64) float64 {
		v := make([]float64, len(of))
		for k := range of {
			v[k] = get(&of[k][h])
		}
		return band(v).Mid
	}
	for h := range hours {
		c.Moved = append(c.Moved, mean(x.disrupted, h, func(o *Hour) float64 { return o.Moved }))
		c.Usual = append(c.Usual, mean(x.normal, h, func(o *Hour) float64 { return o.Moved }))
		c.Waiting = append(c.Waiting, mean(x.disrupted, h, func(o *Hour) float64 { return o.Waiting }))
		c.Stored = append(c.Stored, pick(x.disrupted, h, func(o *Hour) float64 { return o.Stored }))
		c.Trucks = append(c.Trucks, pick(x.disrupted, h, func(o *Hour) float64 { return o.Trucks }))
		c.Due = append(c.Due, pick(x.disrupted, h, func(o *Hour) float64 { return o.Due }))
	}
	return c
}

func mean(of [][]Hour, h int, get func(*Hour) float64) float64 {
	s := 0.0
	for k := range of {
		s += get(&of[k][h])
	}
	return s / float64(len(of))
}

// band gives the 5 %, 50 % and 95 % of values, which it sorts.
func band(v []float64) Band {
	if len(v) == 0 {
		return Band{}
	}
	s := slices.Clone(v)
	slices.Sort(s)
	at := func(p float64) float64 { return s[min(len(s)-1, int(p*float64(len(s))))] }
	return Band{at(0.05), at(0.5), at(0.95)}
}

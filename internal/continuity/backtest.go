package continuity

import (
	"fmt"
	"math"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// The parts of the port of a published outage.
const tos, quay, gate = "tos", "quay", "gate"

// The figures that are held against what was published.
const (
	landLate    = "containers late at gate and rail"
	truckWait   = "longest wait of a truck, h"
	stored      = "storage in use, %"
	normalAfter = "as if nothing had been, after h"
	diverted    = "containers gone elsewhere"
	movedShare  = "moved over the quay meanwhile, %"
)

// Check holds one published figure of an outage against what the simulation
// says of it.
type Check struct {
	Case     string   `json:"case"`
	Name     string   `json:"name"`
	Figure   string   `json:"figure"`
	Reported Reported `json:"reported"`
	// Said is the simulation: Low is 5 % of the runs with the spare capacity that
	// gives least, High 95 % with the one that gives most, Mid the median with the
	// middle one.
	Said   Band `json:"simulated"`
	Inside bool `json:"inside"` // both ranges meet
	// Error is how far Mid is from the nearest value reported, as a part of that
	// value; 0 where it lies within what was reported.
	Error   float64  `json:"error"`
	Sources []string `json:"sources"` // of what went in
}

// Reported is what was published. High is 0 where only a least value was.
type Reported struct {
	Figure string  `json:"-"`
	AtHour int     `json:"at_hour,omitempty"` // hour of the outage that it speaks of; 0: of the whole
	InView bool    `json:"in_view,omitempty"` // an assumption was made with it in view: it tests nothing
	Low    float64 `json:"low"`
	High   float64 `json:"high,omitempty"`
	Source string  `json:"source"`
}

type outageCase struct {
	id, name   string
	teuPerYear float64 // or
	perDay     float64 // containers
	down       []Down
	byHand     map[string]float64 // published fractions; what is missing is assumed as everywhere
	sources    []string
	reported   []Reported
}

// What was published of none of the ports, and is the same for all.
const (
	teuPerContainer = 1.6     // half of the boxes and some more are long
	unitsPerCall    = 1200    // containers on and off a ship
	perBerth        = 130_000 // containers a year over one berth
)

// spares are the capacities that are tried for quay and gate, as multiples of the
// usual flow. No port publishes them, and how soon it catches up hangs on them.
var spares = []float64{1.25, 1.5, 2}

// BackTest simulates outages that were published, each with what was published of
// it and one set of assumptions for all, and returns figure by figure what was
// reported and what the simulation says. Nothing is fitted to a case.
func BackTest(o Options) ([]Check, error) {
	var out []Check
	for i := range published {
		c := &published[i]
		said := make([]Band, len(c.reported))
		for k, spare := range spares {
			p, problems := port.Parse(c.id, []byte(c.portFile(spare)), time.Time{})
			if err := problems.Err(); err != nil {
				return nil, fmt.Errorf("the port of %s: %w", c.id, err)
			}
			bands, err := c.simulate(p, o)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.id, err)
			}
			for j, b := range bands {
				if k == 0 {
					said[j] = b
				}
				said[j].Low, said[j].High = min(said[j].Low, b.Low), max(said[j].High, b.High)
				if k == len(spares)/2 {
					said[j].Mid = b.Mid
				}
			}
		}
		for j, r := range c.reported {
			out = append(out, c.check(r, said[j]))
		}
	}
	return out, nil
}

func (c *outageCase) check(r Reported, said Band) Check {
	high := r.High
	if high == 0 {
		high = math.Inf(1)
	}
	x := Check{Case: c.id, Name: c.name, Figure: r.Figure, Reported: r, Said: said, Sources: c.sources, Inside: said.Low <= high && said.High >= r.Low}
	switch {
	case said.Mid < r.Low:
		x.Error = said.Mid/r.Low - 1
	case said.Mid > high:
		x.Error = said.Mid/high - 1
	}
	return x
}

// portFile is the smallest port that the case can be told of: one terminal whose
// quay and gate stand on the terminal operating system.
func (c *outageCase) portFile(spare float64) string {
	perDay := c.perDay
	if perDay == 0 {
		perDay = c.teuPerYear / teuPerContainer / 365
	}
	berths := max(2, math.Round(perDay*365/perBerth))
	hand := func(id string) string {
		f, known := c.byHand[id]
		if !known {
			return ""
		}
		return fmt.Sprintf(", manual: {fraction: %g}", f)
	}
	return fmt.Sprintf(`port: {name: %q, locode: XZOUT, time_zone: Etc/UTC, currency: USD, security_level: 1, centre: [0, 0]}
services:
  - {id: tos, name: "Terminal operating system", manual: {fraction: 0}}
  - {id: quay, name: "Quay", unit: moves/h, capacity: %.3f, needs: {all: [tos]}%s}
  - {id: gate, name: "Gate", unit: trucks/h, capacity: %.3f, needs: {all: [tos]}%s}
terminals:
  - id: terminal
    name: "Terminal"
    kind: container
    unit: containers
    quay: quay
    gate: gate
    figures: {berths: %g, calls_per_week: %.3f, units_per_call: %d, share_of_quay: %.3f, units_per_truck: 1}
`, c.id, perDay/24*spare, hand(quay), perDay/24*spare, hand(gate), berths, perDay*7/unitsPerCall, unitsPerCall, min(1, 2/berths))
}

// simulate gives a range for each figure that was reported.
func (c *outageCase) simulate(p *port.Port, o Options) ([]Band, error) {
	got := make([][]float64, len(c.reported))
	end := 0.0
	for _, d := range c.down {
		end = max(end, d.Until)
	}
	o.each = func(f *figures, d, n []Hour) {
		for j, r := range c.reported {
			got[j] = append(got[j], r.of(f, d, n, int(end)))
		}
	}
	if _, err := Outage(p, c.down, o); err != nil {
		return nil, err
	}
	out := make([]Band, len(got))
	for j := range got {
		out[j] = band(got[j])
	}
	return out, nil
}

// of gives the figure of one run, disrupted and not, of an outage that ended in an hour.
func (r *Reported) of(f *figures, d, n []Hour, end int) float64 {
	switch r.Figure {
	case landLate:
		return landBehind(d, n)
	case truckWait:
		return longestWait(d, f)
	case stored:
		return 100 * d[r.AtHour].Stored / f.Storage
	case normalAfter:
		return float64(normalFrom(d, n, f))
	case diverted:
		return max(0, d[len(d)-1].Diverted-n[len(n)-1].Diverted)
	case movedShare:
		moved, usual := 0.0, 0.0
		for h := range end {
			moved, usual = moved+d[h].Moved, usual+n[h].Moved
		}
		return 100 * moved / max(1, usual)
	}
	return math.NaN()
}

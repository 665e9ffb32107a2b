package loss

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// MaxYears bounds a simulation.
const MaxYears = 100_000_000

// chunk is how many years one worker takes at a time. Sums are taken chunk by
// chunk and then in the order of chunks, so that the number of processors does
// not change the last bit of a figure.
const chunk = 8192

// Run simulates years of the model. The same model, years and seed give the
// same bytes on any number of processors.
func Run(ctx context.Context, m *Model, years int, seed uint64) (*Years, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if years < 1 || years > MaxYears {
		return nil, fmt.Errorf("%w: %d years: from 1 to %d can be simulated", ErrModel, years, MaxYears)
	}
	r := newPlayer(m, seed)
	out := &Years{play: r, N: years}
	for a := range out.Total {
		if r.uses[a] {
			out.Total[a] = make([]float64, years)
		}
	}
	chunks := (years + chunk - 1) / chunk
	sums := make([][]tally, chunks)
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), chunks) {
		all.Go(func() {
			for {
				c := int(next.Add(1)) - 1
				if c >= chunks || ctx.Err() != nil {
					return
				}
				sums[c] = r.chunk(c*chunk, min((c+1)*chunk, years), &out.Total)
			}
		})
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out.scenarios = make([]tally, len(m.Scenarios))
	for _, s := range sums {
		for i := range s {
			out.scenarios[i].add(&s[i])
		}
	}
	return out, nil
}

// tally is what a scenario cost in a set of years.
type tally struct {
	events int
	years  int // with at least one event
	sum    Amounts
}

func (t *tally) add(o *tally) {
	t.events += o.events
	t.years += o.years
	t.sum.Add(o.sum)
}

// player plays single years of a model, any year at any time.
type player struct {
	scenarios []compiled
	shocks    []compiledShock
	uses      [accounts]bool
}

type compiled struct {
	name  string
	key   uint64
	count table
	forms []Form
}

type compiledShock struct {
	key     uint64
	count   table
	members []compiledMember
}

type compiledMember struct {
	scenario    int
	probability float64
}

func newPlayer(m *Model, seed uint64) *player {
	r := new(player)
	index := map[string]int{}
	for i := range m.Scenarios {
		s := &m.Scenarios[i]
		index[s.Name] = i
		c := compiled{name: s.Name, key: key(seed, "scenario", s.Name), count: s.Frequency.table(), forms: slices.Clone(s.Forms)}
		for k := range c.forms {
			c.forms[k].Scale = c.forms[k].scale()
		}
		for a, x := range s.Mean() {
			r.uses[a] = r.uses[a] || x != 0
		}
		r.scenarios = append(r.scenarios, c)
	}
	for i := range m.Shocks {
		s := &m.Shocks[i]
		c := compiledShock{key: key(seed, "shock", s.Name), count: s.Frequency.table()}
		for _, member := range s.Members {
			c.members = append(c.members, compiledMember{index[member.Scenario], member.Probability})
		}
		r.shocks = append(r.shocks, c)
	}
	return r
}

// chunk plays the years from first to before end, one scenario after the other:
// most years of most scenarios are empty, and are passed over at a number each.
func (r *player) chunk(first, end int, total *[accounts][]float64) []tally {
	out := make([]tally, len(r.scenarios))
	mixed := make([]uint64, end-first)
	for i := range mixed {
		mixed[i] = mixedYear(first + i)
	}
	busy := make([][]bool, len(r.scenarios)) // years with an event, where shocks can add to them
	book := func(scenario, year int, t *tally) {
		if b := busy[scenario]; b != nil {
			if !b[year] {
				b[year] = true
				t.years = 1
			}
		} else {
			t.years = 1
		}
		out[scenario].add(t)
		for a := range total {
			if total[a] != nil {
				total[a][first+year] += t.sum[a]
			}
		}
	}
	for i := range r.shocks {
		for _, m := range r.shocks[i].members {
			if busy[m.scenario] == nil {
				busy[m.scenario] = make([]bool, len(mixed))
			}
		}
	}
	var t tally // one for all: it is handed through an interface, which would make each a new piece of memory
	for i := range r.scenarios {
		s := &r.scenarios[i]
		none := s.count.cdf[0]
		for year, z := range mixed {
			if n := yearOf(s.key, z); n.first() >= none {
				t = tally{}
				s.year(n, &t)
				book(i, year, &t)
			}
		}
	}
	for i := range r.shocks {
		for year, z := range mixed {
			r.shock(&r.shocks[i], z, func(scenario int, t *tally) { book(scenario, year, t) })
		}
	}
	return out
}

// year plays the own events of one scenario in one year.
func (s *compiled) year(n numbers, t *tally) {
	for k := s.count.draw(n.first()); k > 0; k-- {
		s.event(&n, t)
	}
}

// shock plays one shared cause in one year, and tells each event that it set off.
func (r *player) shock(s *compiledShock, mixed uint64, tell func(scenario int, t *tally)) {
	n := yearOf(s.key, mixed)
	for k := s.count.draw(n.first()); k > 0; k-- {
		for _, m := range s.members {
			// The numbers of a member are drawn whether it is hit or not, so that its
			// probability does not move those of the others.
			hit := n.next() < m.probability
			own := numbers(mix(uint64(n) ^ golden))
			if hit {
				var t tally
				r.scenarios[m.scenario].event(&own, &t)
				tell(m.scenario, &t)
			}
		}
	}
}

// year plays all of one year again, and tells what each scenario cost in it.
func (r *player) year(y int, tell func(scenario int, t *tally)) {
	mixed := mixedYear(y)
	for i := range r.scenarios {
		var t tally
		r.scenarios[i].year(yearOf(r.scenarios[i].key, mixed), &t)
		tell(i, &t)
	}
	for i := range r.shocks {
		r.shock(&r.shocks[i], mixed, tell)
	}
}

// event draws one event. Each form takes two numbers, used or not.
func (s *compiled) event(n *numbers, t *tally) {
	t.events++
	for i := range s.forms {
		f := &s.forms[i]
		comes, u := n.next(), n.next()
		if comes < f.Probability {
			f.Severity.Draw(u, f.Scale, &t.sum)
		}
	}
}

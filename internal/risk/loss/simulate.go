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

// chunk plays the years from first to before end.
func (r *player) chunk(first, end int, total *[accounts][]float64) []tally {
	out := make([]tally, len(r.scenarios))
	year := make([]tally, len(r.scenarios))
	for y := first; y < end; y++ {
		clear(year)
		r.year(y, year)
		var sum Amounts
		for i := range year {
			if t := &year[i]; t.events > 0 {
				t.years = 1
				out[i].add(t)
				sum.Add(t.sum)
			}
		}
		for a := range total {
			if total[a] != nil {
				total[a][y] = sum[a]
			}
		}
	}
	return out
}

// year plays one year into out, a tally for each scenario.
func (r *player) year(y int, out []tally) {
	mixed := mix(uint64(y) + golden)
	for i := range r.scenarios {
		s := &r.scenarios[i]
		n := yearOf(s.key, mixed)
		for k := s.count.draw(n.next()); k > 0; k-- {
			s.event(&n, &out[i])
		}
	}
	for i := range r.shocks {
		s := &r.shocks[i]
		n := yearOf(s.key, mixed)
		for k := s.count.draw(n.next()); k > 0; k-- {
			for _, m := range s.members {
				// The numbers of a member are drawn whether it is hit or not, so that its
				// probability does not move those of the others.
				hit := n.next() < m.probability
				own := yearOf(uint64(n), uint64(m.scenario))
				n.next()
				if hit {
					r.scenarios[m.scenario].event(&own, &out[m.scenario])
				}
			}
		}
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

package attackgraph

import (
	"cmp"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Choke is how much of the movement between positions goes through one.
type Choke struct {
	Fact FactID
	// Share is the part of all pairs of positions whose cheapest walks pass it,
	// 0..1, estimated from the sample; Error is its standard error.
	Share, Error float64
}

// Betweenness estimates which positions the cheapest walks pass most, after
// Brandes 2001, from a sample of starts ("Centrality estimation in large
// networks", 2007), drawn by the seed without replacement among the positions that can be reached. The most used
// come first, at most most of them; samples of at least the number of positions
// is exact. The graph must be up to date.
func (g *Graph) Betweenness(samples, most int, seed uint64) []Choke {
	w := g.walks()
	n := len(w.facts)
	if n < 3 || samples < 1 {
		return nil
	}
	starts := make([]int32, n)
	for i := range starts {
		starts[i] = int32(i)
	}
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a sample, not a secret
	samples = min(samples, n)
	for i := range samples {
		j := i + r.IntN(n-i)
		starts[i], starts[j] = starts[j], starts[i]
	}
	// Starts are summed in blocks of a fixed size, so that the number of
	// processors does not change a digit.
	const block = 2
	blocks := (samples + block - 1) / block
	sums, squares := make([][]float64, blocks), make([][]float64, blocks)
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), blocks) {
		all.Go(func() {
			b := newBrandes(w)
			for {
				k := int(next.Add(1)) - 1
				if k >= blocks {
					return
				}
				sums[k], squares[k] = make([]float64, n), make([]float64, n)
				for _, s := range starts[k*block : min((k+1)*block, samples)] {
					b.from(s, sums[k], squares[k])
				}
			}
		})
	}
	all.Wait()
	out := make([]Choke, 0, n)
	pairs := float64(n-1) * float64(n-2)
	m := float64(samples)
	for i, f := range w.facts {
		sum, square := 0.0, 0.0
		for k := range sums {
			sum += sums[k][i]
			square += squares[k][i]
		}
		if sum == 0 {
			continue
		}
		c := Choke{Fact: f, Share: sum * float64(n) / m / pairs}
		if m > 1 {
			variance := max(0, square/m-sum/m*sum/m) * m / (m - 1)
			c.Error = math.Sqrt(variance/m*(1-m/float64(n))) * float64(n) / pairs
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Choke) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Fact, b.Fact))
	})
	return out[:min(len(out), most)]
}

// walkGraph is the positions and moves as plain arrays.
type walkGraph struct {
	facts []FactID
	first []int32 // by position: its first move; one more at the end
	moves []move
}

type move struct {
	cost float64
	to   int32
}

// walks keeps the reached positions and the moves between them.
func (g *Graph) walks() *walkGraph {
	w := new(walkGraph)
	place := make([]int32, len(g.facts))
	live := make([]float64, len(g.steps))
	count := make([]int32, len(g.facts))
	walked := make([]bool, len(g.facts))
	for s := range g.steps {
		live[s] = Unreached
		if g.through(StepID(s)) == Unreached {
			continue
		}
		live[s] = g.walkCost(StepID(s))
		from := g.steps[s].from
		count[from]++
		walked[from], walked[g.steps[s].post] = true, true
	}
	for f := range g.facts {
		if place[f] = -1; walked[f] {
			place[f] = int32(len(w.facts))
			w.facts = append(w.facts, FactID(f))
		}
	}
	w.first = make([]int32, len(w.facts)+1)
	for i, f := range w.facts {
		w.first[i+1] = w.first[i] + count[f]
	}
	at := slices.Clone(w.first)
	w.moves = make([]move, w.first[len(w.facts)])
	for s := range g.steps {
		if live[s] == Unreached {
			continue
		}
		i := place[g.steps[s].from]
		w.moves[at[i]] = move{live[s], place[g.steps[s].post]}
		at[i]++
	}
	return w
}

// brandes holds what the walks from one start need, used again by the next.
type brandes struct {
	w     *walkGraph
	place []visited
	part  []float64 // dependency of the start on the position
	order []int32
	heap  heap
}

type visited struct {
	cost  float64
	paths float64 // number of cheapest walks from the start; negative once done
}

func newBrandes(w *walkGraph) *brandes {
	n := len(w.facts)
	return &brandes{w: w, place: make([]visited, n), part: make([]float64, n)}
}

func (b *brandes) from(start int32, sum, square []float64) {
	for i := range b.place {
		b.place[i] = visited{Unreached, 0}
	}
	clear(b.part)
	b.order = b.order[:0]
	b.place[start] = visited{0, 1}
	b.heap.push(0, start)
	for b.heap.len() > 0 {
		c, v := b.heap.pop()
		paths := b.place[v].paths
		if paths < 0 {
			continue
		}
		b.place[v].paths = -paths
		b.order = append(b.order, v)
		for _, m := range b.w.moves[b.w.first[v]:b.w.first[v+1]] {
			x, d := &b.place[m.to], c+m.cost
			switch {
			case d < x.cost:
				*x = visited{d, paths}
				b.heap.push(d, m.to)
			case d == x.cost && x.paths > 0:
				x.paths += paths
			}
		}
	}
	for i := len(b.order) - 1; i > 0; i-- {
		v := b.order[i]
		// What follows v was added up already, so v looks at its own moves.
		here, part := b.place[v], 0.0
		for _, m := range b.w.moves[b.w.first[v]:b.w.first[v+1]] {
			if x := b.place[m.to]; x.cost == here.cost+m.cost && m.cost > 0 {
				part += here.paths / x.paths * (1 + b.part[m.to])
			}
		}
		b.part[v] = part
		sum[v] += part
		square[v] += part * part
	}
}

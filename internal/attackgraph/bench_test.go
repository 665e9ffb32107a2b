package attackgraph

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// zoned is a graph as a large authority has it: positions in zones, most moves
// inside a zone or to the next one, and a tenth of the moves with a condition
// (a weakness or a credential that has to be had).
func zoned(b testing.TB, positions, moves int) (*Graph, FactID) {
	r := rand.New(rand.NewPCG(1, 1))
	g := new(Graph)
	for range positions {
		g.Fact()
	}
	const zones = 50
	size := positions / zones
	for i := range 5 {
		must(b, g.Base(FactID(i), 0))
	}
	conditions := make([]FactID, positions/10)
	for i := range conditions {
		conditions[i] = g.Fact()
		must(b, g.Base(conditions[i], -0.1+r.ExpFloat64()+0.1))
	}
	for range moves {
		zone := r.IntN(zones)
		to := zone
		if r.IntN(20) == 0 {
			to = min(zones-1, max(0, zone+r.IntN(3)-1))
		}
		pre := []FactID{FactID(zone*size + r.IntN(size))}
		if r.IntN(10) == 0 {
			pre = append(pre, conditions[r.IntN(len(conditions))])
		}
		_, err := g.Step(0.05+r.ExpFloat64(), FactID(to*size+r.IntN(size)), pre...)
		must(b, err)
	}
	return g, FactID(positions - 1)
}

// BenchmarkLargeGraph is the goal: on 100,000 positions and a million moves,
// twenty ways, a minimum cut and sampled betweenness together in under a
// second on two cores, and a change in under 50 ms.
func BenchmarkLargeGraph(b *testing.B) {
	g, target := zoned(b, 100_000, 1_000_000)
	begun := time.Now()
	g.Update()
	b.ReportMetric(time.Since(begun).Seconds()*1000, "first-ms")
	b.Run("answers", func(b *testing.B) {
		var ways, cut, between time.Duration
		for b.Loop() {
			t0 := time.Now()
			w, err := g.Ways(b.Context(), target, 20)
			if err != nil || len(w) != 20 {
				b.Fatal(len(w), err)
			}
			t1 := time.Now()
			if _, err := g.Cut([]FactID{target}, func(f FactID) int64 {
				if f == target {
					return Fixed
				}
				return 100
			}, func(StepID) int64 { return 30 }); err != nil {
				b.Fatal(err)
			}
			t2 := time.Now()
			if len(g.Betweenness(8, 20, 1)) != 20 {
				b.Fatal("no choke points")
			}
			ways, cut, between = ways+t1.Sub(t0), cut+t2.Sub(t1), between+time.Since(t2)
		}
		n := float64(b.N) / 1000
		b.ReportMetric(b.Elapsed().Seconds()/n/1, "together-ms")
		b.ReportMetric(ways.Seconds()/n, "ways-ms")
		b.ReportMetric(cut.Seconds()/n, "cut-ms")
		b.ReportMetric(between.Seconds()/n, "betweenness-ms")
	})
	b.Run("change", func(b *testing.B) {
		r := rand.New(rand.NewPCG(2, 2))
		var took []time.Duration
		for b.Loop() {
			s := StepID(r.IntN(g.Steps()))
			was := g.StepCost(s)
			for _, c := range []float64{Unreached, was} {
				begun := time.Now()
				must(b, g.Price(s, c))
				g.Update()
				took = append(took, time.Since(begun))
			}
		}
		slices.Sort(took)
		b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
		b.ReportMetric(took[len(took)-1].Seconds()*1000, "max-ms")
	})
	b.Run("conduit", func(b *testing.B) {
		// All moves between two zones at once, as a firewall rule opens and closes them.
		var between []StepID
		for s := range g.steps {
			if from, to := int(g.Pre(StepID(s))[0])/2000, int(g.steps[s].post)/2000; from == 20 && to == 21 {
				between = append(between, StepID(s))
			}
		}
		var took []time.Duration
		for b.Loop() {
			for _, open := range []bool{false, true} {
				begun := time.Now()
				for _, s := range between {
					c := Unreached
					if open {
						c = 0.5
					}
					must(b, g.Price(s, c))
				}
				g.Update()
				took = append(took, time.Since(begun))
			}
		}
		b.ReportMetric(float64(len(between)), "moves")
		b.ReportMetric(slices.Max(took).Seconds()*1000, "max-ms")
	})
}

package attackgraph

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	gonet "gonum.org/v1/gonum/graph/network"
	"gonum.org/v1/gonum/graph/path"
	"gonum.org/v1/gonum/graph/simple"
	"pgregory.net/rapid"
)

// small is a random graph with conditions; whole costs make ties likely.
func small(t *rapid.T, facts, steps int, conditions bool) *Graph {
	g := new(Graph)
	for range facts {
		g.Fact()
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "entries") {
		must(t, g.Base(FactID(i%facts), float64(rapid.IntRange(0, 3).Draw(t, "base"))))
	}
	for range steps {
		pre := []FactID{FactID(rapid.IntRange(0, facts-1).Draw(t, "from"))}
		if conditions {
			for range rapid.IntRange(0, 2).Draw(t, "conditions") {
				pre = append(pre, FactID(rapid.IntRange(0, facts-1).Draw(t, "condition")))
			}
		}
		_, err := g.Step(float64(rapid.IntRange(0, 4).Draw(t, "cost")), FactID(rapid.IntRange(0, facts-1).Draw(t, "to")), pre...)
		must(t, err)
	}
	return g
}

func must(t interface{ Fatal(...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// relaxAll is the oracle of costs: every step is tried until nothing changes.
func relaxAll(g *Graph) []float64 {
	cost := make([]float64, g.Facts())
	for f := range cost {
		cost[f] = g.facts[f].base
	}
	for changed := true; changed; {
		changed = false
		for s := range g.steps {
			sum := g.steps[s].cost
			for _, p := range g.Pre(StepID(s)) {
				sum += cost[p]
			}
			if post := g.steps[s].post; sum < cost[post] {
				cost[post], changed = sum, true
			}
		}
	}
	return cost
}

func same(t interface{ Fatalf(string, ...any) }, g *Graph, what string) {
	for f, want := range relaxAll(g) {
		if got := g.Cost(FactID(f)); math.Abs(got-want) > 1e-9 || math.IsInf(got, 1) != math.IsInf(want, 1) {
			t.Fatalf("%s: fact %d costs %v, want %v", what, f, got, want)
		}
	}
}

// TestUpdateIsTheWholeAnew: after any run of changes the costs are those of a
// graph worked out from nothing, the facts told as changed are those that are,
// and each way is one that costs what it says.
func TestUpdateIsTheWholeAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "facts")
		g := small(t, n, rapid.IntRange(0, 30).Draw(t, "steps"), true)
		g.Update()
		same(t, g, "at first")
		for range rapid.IntRange(1, 8).Draw(t, "rounds") {
			before := make([]float64, n)
			for f := range before {
				before[f] = g.Cost(FactID(f))
			}
			for range rapid.IntRange(1, 4).Draw(t, "changes") {
				cost := rapid.SampledFrom([]float64{0, 1, 2, 5, Unreached}).Draw(t, "new cost")
				switch {
				case rapid.Bool().Draw(t, "base") || g.Steps() == 0:
					must(t, g.Base(FactID(rapid.IntRange(0, n-1).Draw(t, "fact")), cost))
				case rapid.Bool().Draw(t, "add"):
					_, err := g.Step(1, FactID(rapid.IntRange(0, n-1).Draw(t, "to")), FactID(rapid.IntRange(0, n-1).Draw(t, "from")))
					must(t, err)
				default:
					must(t, g.Price(StepID(rapid.IntRange(0, g.Steps()-1).Draw(t, "step")), cost))
				}
			}
			told := g.Update()
			same(t, g, "after changes")
			for f := range before {
				if is := before[f] != g.Cost(FactID(f)); is != slices.Contains(told, FactID(f)) {
					t.Fatalf("fact %d went from %v to %v; told: %v", f, before[f], g.Cost(FactID(f)), told)
				}
			}
			for f := range n {
				checkDerivation(t, g, FactID(f))
			}
		}
	})
}

// checkDerivation walks through the steps told: each has its conditions met by
// base facts or steps before it, and the last one gives the fact.
func checkDerivation(t *rapid.T, g *Graph, f FactID) {
	steps, base := g.Derivation(f)
	if g.Cost(f) == Unreached {
		if steps != nil || base != nil {
			t.Fatalf("fact %d can't be reached and has a derivation", f)
		}
		return
	}
	had := map[FactID]float64{}
	for _, b := range base {
		had[b] = g.facts[b].base
	}
	for _, s := range steps {
		sum := g.StepCost(s)
		for _, p := range g.Pre(s) {
			c, ok := had[p]
			if !ok {
				t.Fatalf("step %d comes before its condition %d", s, p)
			}
			sum += c
		}
		had[g.Post(s)] = sum
	}
	if c, ok := had[f]; !ok || math.Abs(c-g.Cost(f)) > 1e-9 {
		t.Fatalf("the derivation of %d costs %v, want %v", f, c, g.Cost(f))
	}
}

// allWalks lists every walk without a position twice, the oracle of Ways.
func allWalks(g *Graph, target FactID) (costs []float64) {
	cost := relaxAll(g)
	var go1 func(f FactID, seen []bool, spent float64)
	go1 = func(f FactID, seen []bool, spent float64) {
		if b := g.facts[f].base; b != Unreached {
			costs = append(costs, spent+b)
		}
		seen[f] = true
		for s := range g.steps {
			if g.steps[s].post != f {
				continue
			}
			pre := g.Pre(StepID(s))
			sum := g.steps[s].cost
			for _, p := range pre[1:] {
				sum += cost[p]
			}
			if !seen[pre[0]] && sum < Unreached {
				go1(pre[0], seen, spent+sum)
			}
		}
		seen[f] = false
	}
	go1(target, make([]bool, g.Facts()), 0)
	slices.Sort(costs)
	return costs
}

func TestWaysAreAllOfThemInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "facts")
		g := small(t, n, rapid.IntRange(0, 14).Draw(t, "steps"), true)
		g.Update()
		target := FactID(n - 1)
		want := allWalks(g, target)
		k := rapid.IntRange(1, 40).Draw(t, "k")
		ways, err := g.Ways(t.Context(), target, k)
		must(t, err)
		if len(ways) != min(k, len(want)) {
			t.Fatalf("%d ways, want %d", len(ways), min(k, len(want)))
		}
		seen := map[string]bool{}
		for i, w := range ways {
			if math.Abs(w.Cost-want[i]) > 1e-9 {
				t.Fatalf("way %d costs %v, want %v", i, w.Cost, want[i])
			}
			at := w.Start
			for _, s := range w.Steps {
				if g.Pre(s)[0] != at {
					t.Fatalf("way %d has a gap", i)
				}
				at = g.Post(s)
			}
			if at != target {
				t.Fatalf("way %d ends at %d", i, at)
			}
			key := fmt.Sprint(w.Start, w.Steps)
			if seen[key] {
				t.Fatalf("way %d is told twice", i)
			}
			seen[key] = true
		}
	})
}

// TestWaysAgreeWithGonum compares with Yen's algorithm of gonum on plain graphs
// without parallel moves and with positive costs.
func TestWaysAgreeWithGonum(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		g, peer := plain(r, 40, 160)
		g.Update()
		ways, err := g.Ways(t.Context(), 39, 20)
		must(t, err)
		theirs := path.YenKShortestPaths(peer, 20, math.Inf(1), peer.Node(0), peer.Node(39))
		if len(ways) != len(theirs) {
			t.Fatalf("seed %d: %d ways, gonum has %d", seed, len(ways), len(theirs))
		}
		for i, nodes := range theirs {
			sum := 0.0
			for k := 1; k < len(nodes); k++ {
				w, _ := peer.Weight(nodes[k-1].ID(), nodes[k].ID())
				sum += w
			}
			if math.Abs(sum-ways[i].Cost) > 1e-9 {
				t.Fatalf("seed %d: way %d costs %v, gonum's %v", seed, i, ways[i].Cost, sum)
			}
		}
	}
}

// plain is a graph without conditions, here and in gonum.
func plain(r *rand.Rand, facts, steps int) (*Graph, *simple.WeightedDirectedGraph) {
	g, peer := new(Graph), simple.NewWeightedDirectedGraph(0, math.Inf(1))
	for f := range facts {
		g.Fact()
		peer.AddNode(simple.Node(f))
	}
	_ = g.Base(0, 0)
	for range steps {
		a, b, w := r.IntN(facts), r.IntN(facts), 1+r.Float64()
		if a == b || peer.HasEdgeFromTo(int64(a), int64(b)) {
			continue
		}
		_, _ = g.Step(w, FactID(b), FactID(a))
		peer.SetWeightedEdge(simple.WeightedEdge{F: simple.Node(a), T: simple.Node(b), W: w})
	}
	return g, peer
}

func TestBetweennessAgreesWithGonum(t *testing.T) {
	for seed := range uint64(20) {
		g, peer := plain(rand.New(rand.NewPCG(seed, 2)), 30, 120)
		for f := range g.Facts() { // gonum counts from every node, so every one is to be had
			must(t, g.Base(FactID(f), 0))
		}
		g.Update()
		n := len(g.walks().facts)
		want := gonet.BetweennessWeighted(peer, path.DijkstraAllPaths(peer))
		got := map[FactID]float64{}
		for _, c := range g.Betweenness(n, n, 1) {
			got[c.Fact] = c.Share * float64(n-1) * float64(n-2)
			if c.Error != 0 {
				t.Errorf("seed %d: all starts, and an error of %v", seed, c.Error)
			}
		}
		for f := range g.Facts() {
			if math.Abs(got[FactID(f)]-want[int64(f)]) > 1e-6 {
				t.Fatalf("seed %d: fact %d has %v, gonum %v", seed, f, got[FactID(f)], want[int64(f)])
			}
		}
	}
}

// bruteCut tries every set of steps and facts, the oracle of Cut and Changes.
func bruteChanges(g *Graph, targets []FactID, changes []Change) float64 {
	best := math.Inf(1)
	for set := range uint(1) << len(changes) {
		price := 0.0
		var facts []FactID
		var steps []StepID
		for i, c := range changes {
			if set>>i&1 == 1 {
				price += c.Price
				facts, steps = append(facts, c.Facts...), append(steps, c.Steps...)
			}
		}
		if price >= best {
			continue
		}
		h := &Graph{facts: slices.Clone(g.facts), steps: slices.Clone(g.steps), pres: g.pres}
		for _, s := range steps {
			h.steps[s].cost = Unreached
		}
		for i := range h.steps { // a fact that is taken away is a step to it that is taken away
			if slices.Contains(facts, h.steps[i].post) {
				h.steps[i].cost = Unreached
			}
		}
		for _, f := range facts {
			h.facts[f].base = Unreached
		}
		cost := relaxAll(h)
		if !slices.ContainsFunc(targets, func(f FactID) bool { return cost[f] < Unreached }) {
			best = price
		}
	}
	return best
}

func TestChangesAreTheCheapest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 8).Draw(t, "facts")
		g := small(t, n, rapid.IntRange(0, 16).Draw(t, "steps"), true)
		g.Update()
		var changes []Change
		for range rapid.IntRange(0, 8).Draw(t, "changes") {
			c := Change{Price: float64(rapid.IntRange(1, 5).Draw(t, "price"))}
			for range rapid.IntRange(0, 2).Draw(t, "facts of it") {
				c.Facts = append(c.Facts, FactID(rapid.IntRange(0, n-1).Draw(t, "fact")))
			}
			for range rapid.IntRange(0, 3).Draw(t, "steps of it") {
				if g.Steps() > 0 {
					c.Steps = append(c.Steps, StepID(rapid.IntRange(0, g.Steps()-1).Draw(t, "step")))
				}
			}
			changes = append(changes, c)
		}
		targets := []FactID{FactID(n - 1)}
		want := bruteChanges(g, targets, changes)
		got, err := g.Changes(t.Context(), targets, changes)
		if errors.Is(err, ErrNoCut) {
			if !math.IsInf(want, 1) {
				t.Fatalf("no cut found, one of %v exists", want)
			}
			return
		}
		must(t, err)
		if got.Price != want || !got.Proven || got.Bound != got.Price {
			t.Fatalf("found %+v, want %v", got, want)
		}
		// The rows alone prove the price: no cheaper set has one of each.
		for set := range uint(1) << len(changes) {
			price := 0.0
			for i := range changes {
				price += float64(set>>i&1) * changes[i].Price
			}
			hits := !slices.ContainsFunc(got.Ways, func(row []int) bool {
				return !slices.ContainsFunc(row, func(c int) bool { return set>>c&1 == 1 })
			})
			if hits && price < got.Price {
				t.Fatalf("the rows are hit by a set of %d for %v, less than %v", bits.OnesCount(set), price, got.Price)
			}
		}
	})
}

func TestCutIsTheCheapestOfPlainGraphs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 7).Draw(t, "facts")
		g := small(t, n, rapid.IntRange(0, 12).Draw(t, "steps"), false)
		g.Update()
		targets := []FactID{FactID(n - 1)}
		prices := make([]int64, g.Steps())
		var changes []Change
		for s := range prices {
			prices[s] = int64(rapid.IntRange(1, 4).Draw(t, "price"))
			changes = append(changes, Change{Price: float64(prices[s]), Steps: []StepID{StepID(s)}})
		}
		want := bruteChanges(g, targets, changes)
		got, err := g.Cut(targets, nil, func(s StepID) int64 { return prices[s] })
		if errors.Is(err, ErrNoCut) {
			if !math.IsInf(want, 1) {
				t.Fatalf("no cut, one of %v exists", want)
			}
			return
		}
		must(t, err)
		sum := int64(0)
		for _, s := range got.Steps {
			sum += prices[s]
		}
		if sum != got.Price || float64(sum) != want {
			t.Fatalf("cut %v for %d, want %v", got.Steps, got.Price, want)
		}
	})
}

func TestImpossibleParts(t *testing.T) {
	g := new(Graph)
	f := g.Fact()
	for name, err := range map[string]error{
		"a negative cost":   second(g.Step(-1, f, f)),
		"no number":         second(g.Step(math.NaN(), f, f)),
		"no condition":      second(g.Step(1, f)),
		"an unknown fact":   second(g.Step(1, f, 7)),
		"a base of −1":      g.Base(f, -1),
		"an unknown target": second(g.Ways(t.Context(), 9, 1)),
		"no ways":           second(g.Ways(t.Context(), f, 0)),
		"a free change":     second(g.Changes(t.Context(), []FactID{f}, []Change{{Price: 0}})),
	} {
		if !errors.Is(err, ErrGraph) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

package attackgraph

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/port"
)

var now = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func saltmere(t testing.TB, change func(*port.Port)) *Model {
	t.Helper()
	p, err := port.Load("../../examples/saltmere/port.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(p)
	}
	m, err := New(DefaultRules())
	must(t, err)
	must(t, Declare(m, p, now))
	return m
}

func ask(t testing.TB, m *Model, from, to string, k int) *Answer {
	t.Helper()
	must(t, m.From(from))
	must(t, m.Update())
	target, err := m.Target(to)
	must(t, err)
	a, err := m.Ask(t.Context(), target, Likeliest, k)
	must(t, err)
	return a
}

func texts(p Path) (out []string) {
	for _, mv := range p.Moves {
		out = append(out, mv.Rule)
	}
	return out
}

// TestCameraToTerminalOperatingSystem is the attack of the example port: a
// conduit that somebody opened for an export of clips leads from the cameras to
// the database of the terminal operating system. It is the first answer, with
// the conduit named as what breaks it, and it is gone when the conduit is
// closed.
func TestCameraToTerminalOperatingSystem(t *testing.T) {
	opened := func(p *port.Port) {
		p.Conduits = append(p.Conduits, port.Conduit{ID: "clip-export", From: "camera-net", To: "tos-net", Reason: "temporary export of clips",
			Allow: []port.Allow{{Transport: "tcp", Ports: []port.PortRange{{Low: 443, High: 443}, {Low: 1433, High: 1433}}}}})
	}
	m := saltmere(t, opened)
	a := ask(t, m, "camera", "tos-db-2", 3)
	if a.Reach != Undecided || len(a.Paths) != 3 || !a.More || a.Paths[0].Alike == 0 {
		t.Fatalf("%v with %d paths, more: %v", a.Reach, len(a.Paths), a.More)
	}
	if got := strings.Join(texts(a.Paths[0]), " "); got != "camera-entry in-zone conduit unknown-weakness own-device" {
		t.Errorf("the first path goes %s", got)
	}
	if !slices.Contains(a.Paths[0].Breaks, "close conduit clip-export") {
		t.Errorf("the first path is broken by %v", a.Paths[0].Breaks)
	}
	if len(a.Unsure) == 0 || a.Paths[0].Chance[0] >= a.Paths[0].Chance[1] {
		t.Errorf("what is not known is not told: %v, chance %v", a.Unsure, a.Paths[0].Chance)
	}
	shut := saltmere(t, nil)
	b := ask(t, shut, "camera", "tos-db-2", 20)
	for _, p := range b.Paths {
		for _, mv := range p.Moves {
			if slices.Contains(mv.Things, "clip-export") {
				t.Fatalf("the closed conduit is in a path: %s", mv.Text)
			}
		}
	}
	if len(b.Paths) > 0 && b.Paths[0].Chance[1] >= a.Paths[0].Chance[1]/5 {
		t.Errorf("closing the conduit leaves a chance of %v of %v", b.Paths[0].Chance, a.Paths[0].Chance)
	}
	// What if, without doing it, says the same; and then all is as before.
	target, _ := m.Target("tos-db-2")
	must(t, m.Try([]string{"close conduit clip-export"}, func() error {
		c, err := m.Ask(t.Context(), target, Likeliest, 20)
		must(t, err)
		if !reflect.DeepEqual(routes(c), routes(b)) {
			t.Errorf("tried: %v\nclosed: %v", routes(c), routes(b))
		}
		return nil
	}))
	if back := ask(t, m, "camera", "tos-db-2", 3); !reflect.DeepEqual(back, a) {
		t.Error("after what if, the answer is another one")
	}
}

func routes(a *Answer) (out []string) {
	for _, p := range a.Paths {
		out = append(out, fmt.Sprintf("%.9g %v", p.Chance, texts(p)))
	}
	return out
}

// TestSeenTrafficIsProof: the same attack as it is seen on the wire, without a
// conduit that allows it. Forgetting the traffic gives the earlier answer.
func TestSeenTrafficIsProof(t *testing.T) {
	m := saltmere(t, nil)
	before := ask(t, m, "camera", "tos-db-2", 5)
	seen := now.Add(-time.Hour)
	must(t, Observe(m, []Flow{
		{From: "camera-17", To: "nvr-2", FromZone: "camera-net", Service: "tcp/443 tls", Undue: true, Last: seen, Where: "F-1"},
		{From: "nvr-2", To: "tos-db-2", FromZone: "video-net", Service: "tcp/1433 tds", Undue: true, Last: seen, Where: "F-2"},
	}))
	a := ask(t, m, "camera-17", "tos-db-2", 1)
	got := a.Paths[0]
	if s := strings.Join(texts(got), " "); s != "asset-entry seen default-login seen unknown-weakness own-device" {
		t.Errorf("the path goes %s", s)
	}
	if !got.Oldest.Equal(seen) {
		t.Errorf("the oldest evidence is of %v", got.Oldest)
	}
	r, err := m.Separate(t.Context(), []Atom{A("commands", "tos-db-2")}, nil)
	must(t, err)
	if !r.Proven || r.Price < 1 {
		t.Errorf("separated by %+v", r)
	}
	must(t, Forget(m, FromFlows))
	if after := ask(t, m, "camera", "tos-db-2", 5); !reflect.DeepEqual(routes(after), routes(before)) {
		t.Errorf("after the traffic is forgotten: %v, before: %v", routes(after), routes(before))
	}
}

// TestOfficeToCrane answers the question of every week: can the office reach
// crane 4? As declared, it takes what nobody has seen.
func TestOfficeToCrane(t *testing.T) {
	m := saltmere(t, nil)
	a := ask(t, m, "office-net", "qc-4", 3)
	if a.Reach != Undecided {
		t.Errorf("office to crane 4: %v", a.Reach)
	}
	for _, p := range a.Paths {
		if !slices.Contains(p.Breaks, "close conduit crane-control-to-quay-crane") {
			t.Errorf("a path leads past the cranes' own conduit: %v", texts(p))
		}
	}
	r, err := m.Separate(t.Context(), []Atom{A("commands", "qc-4")}, nil)
	must(t, err)
	if !r.Proven || !slices.Equal(r.Changes, []string{"close conduit crane-control-to-quay-crane"}) {
		t.Errorf("separated by %+v", r)
	}
	if v := ask(t, m, "vendor", "qc-4", 1); v.Reach != Yes {
		t.Errorf("the crane maker's remote access to crane 4 is %v", v.Reach)
	}
	if n := ask(t, m, "radio", "qc-4", 1); n.Reach != No || len(n.Paths) != 0 {
		t.Errorf("radio to crane 4: %v", n.Reach)
	}
}

// TestServicesFallWithWhatTheyNeed compares what stops a service with the
// declared needs, evaluated as they are written.
func TestServicesFallWithWhatTheyNeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var assets []string
		need := randomNeed(t, 3, &assets)
		m, err := New(nil)
		must(t, err)
		d := &declaring{m: m}
		if d.need(&need, "s", "s") {
			d.link("s stops", A("down", "s"), A("failed", "s"))
		}
		must(t, d.err)
		down := map[string]bool{}
		for _, a := range assets {
			if rapid.Bool().Draw(t, "down") {
				down[a] = true
				must(t, m.Give(Given{Atom: A("down", a), Origin: "test"}))
			}
		}
		must(t, m.Update())
		want := No
		if !stands(&need, down) {
			want = Yes
		}
		if got := m.Reach(A("down", "s")); got != want {
			t.Fatalf("%+v with %v down: service down is %v, want %v", need, down, got, want)
		}
	})
}

func randomNeed(t *rapid.T, depth int, assets *[]string) port.Need {
	kind := rapid.IntRange(0, 3).Draw(t, "kind")
	if depth == 0 || kind == 0 {
		id := fmt.Sprintf("a%d", len(*assets))
		*assets = append(*assets, id)
		return port.Need{ID: id}
	}
	var of []port.Need
	for range rapid.IntRange(1, 4).Draw(t, "nodes") {
		of = append(of, randomNeed(t, depth-1, assets))
	}
	switch kind {
	case 1:
		return port.Need{All: of}
	case 2:
		return port.Need{Any: of}
	}
	return port.Need{KOfN: &port.KOfN{K: rapid.IntRange(1, len(of)).Draw(t, "k"), Of: of}}
}

func stands(n *port.Need, down map[string]bool) bool {
	count := func(of []port.Need) (up int) {
		for i := range of {
			if stands(&of[i], down) {
				up++
			}
		}
		return up
	}
	switch {
	case n.ID != "":
		return !down[n.ID]
	case n.All != nil:
		return count(n.All) == len(n.All)
	case n.Any != nil:
		return count(n.Any) > 0
	}
	return count(n.KOfN.Of) >= n.KOfN.K
}

// TestOrderOfTellingDoesNotMatter: the same statements, given in any order with
// updates in between and others given and taken back, lead to the same costs,
// and each step of a rule is made once.
func TestOrderOfTellingDoesNotMatter(t *testing.T) {
	rules := []Rule{
		{ID: "move", From: "at(X)", If: []string{"edge(X, Y)"}, Then: "at(Y)", Chance: Range{0.5, 0.9}, Effort: Range{1, 1}},
		{ID: "pair", From: "at(X)", If: []string{"edge(X, Y)", "edge(Y, X)", "key(X)"}, Then: "owns(X, Y)", Chance: Range{0.3, 0.8}, Effort: Range{2, 2}},
		{ID: "key", From: "owns(X, Y)", If: []string{"at(Y)"}, Then: "key(Y)", Chance: Range{1, 1}},
		{ID: "start", From: "entry(X)", If: []string{"node(X)"}, Then: "at(X)", Chance: Range{1, 1}},
		{ID: "special", From: "at(n0)", If: []string{"key(n1)"}, Then: "won(all)", Chance: Range{1, 1}},
	}
	rapid.Check(t, func(t *rapid.T) {
		name := func() string { return fmt.Sprintf("n%d", rapid.IntRange(0, 3).Draw(t, "node")) }
		var given []Given
		for range rapid.IntRange(0, 14).Draw(t, "statements") {
			var a Atom
			switch rapid.IntRange(0, 2).Draw(t, "predicate") {
			case 0:
				a = A("edge", name(), name())
			case 1:
				a = A("key", name())
			case 2:
				a = A("node", name())
			}
			given = append(given, Given{Atom: a, Origin: fmt.Sprint(rapid.IntRange(0, 1).Draw(t, "origin")), Unsure: rapid.Bool().Draw(t, "unsure"), Chance: Range{0.2, 0.7}})
		}
		straight, err := New(rules)
		must(t, err)
		last := map[string]Given{}
		for _, g := range given {
			last[g.Origin+g.String()] = g
		}
		for _, g := range last {
			must(t, straight.Give(g))
		}
		must(t, straight.From("n0"))
		must(t, straight.Update())

		crooked, err := New(rules)
		must(t, err)
		must(t, crooked.From("n0"))
		for _, g := range given {
			must(t, crooked.Give(g))
			if rapid.Bool().Draw(t, "update") {
				must(t, crooked.Update())
			}
			if rapid.Bool().Draw(t, "detour") {
				d := Given{Atom: A("edge", name(), name()), Origin: "detour"}
				must(t, crooked.Give(d))
				must(t, crooked.Update())
				must(t, crooked.Take("detour", d.Atom))
			}
		}
		must(t, crooked.Update())
		for f := range straight.facts {
			a := straight.facts[f].atom
			if a.Predicate == "" {
				continue
			}
			g, ok := crooked.find(a)
			if !ok {
				t.Fatalf("%s is missing", a)
			}
			for what, pair := range map[string][2]float64{
				"likely": {straight.likely.Cost(FactID(f)), crooked.likely.Cost(g)}, "sure": {straight.sure.Cost(FactID(f)), crooked.sure.Cost(g)},
				"effort": {straight.effort.Cost(FactID(f)), crooked.effort.Cost(g)}} {
				if pair[0] != pair[1] && !(math.Abs(pair[0]-pair[1]) < 1e-9) {
					t.Fatalf("%s of %s: %v straight, %v crooked", what, a, pair[0], pair[1])
				}
			}
		}
		seen := map[string]bool{}
		for s, step := range crooked.steps {
			if step.rule == nil {
				continue
			}
			key := fmt.Sprint(step.rule.ID, step.binding, crooked.likely.Pre(StepID(s)))
			if seen[key] {
				t.Fatalf("a step is made twice: %s", key)
			}
			seen[key] = true
		}
	})
}

func TestWrongRules(t *testing.T) {
	const ok = "{id: r, from: a(X), then: b(X), chance: [0.1, 1], effort: [0, 1]}"
	if _, err := Rules("f.yaml", []byte("rules:\n  - "+ok)); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"{id: r, from: a, then: b(X), chance: [1, 1], effort: [0, 0]}":            "no atom",
		"{id: r, from: a(X), then: b(Y), chance: [1, 1], effort: [0, 0]}":         "Y is not in its conditions",
		"{id: r, from: a(X), then: b(X), chance: [0.5, 0.2], effort: [0, 0]}":     "chance",
		"{id: r, from: a(X), then: b(X), chance: [0, 1], effort: [0, 0]}":         "chance",
		"{id: r, from: a(X), then: b(X), chance: [1, 1], effort: [3, 1]}":         "effort",
		"{id: r, from: \"a(X,)\", then: b(X), chance: [1, 1], effort: [0, 0]}":    "empty argument",
		"{id: r, from: a(X), then: b(X), chance: [1, 1], effort: [0, 0], foo: 1}": "foo",
		ok + "\n  - " + ok: "twice",
	} {
		if _, err := Rules("f.yaml", []byte("rules:\n  - "+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want one about %q", text, err, want)
		}
	}
}

func TestImpossibleStatements(t *testing.T) {
	m, err := New(nil)
	must(t, err)
	must(t, m.Give(Given{Atom: A("p", "x"), Origin: "o"}))
	for _, g := range []Given{
		{Atom: A("p", "x", "y"), Origin: "o"},
		{Atom: A("q", "x"), Origin: "o", Chance: Range{0.5, 0.1}},
		{Atom: A("q", "x"), Origin: "o", Chance: Range{0, 1}},
		{Atom: A("q", "x"), Origin: "o", Effort: math.NaN()},
	} {
		if err := m.Give(g); !errors.Is(err, ErrGraph) {
			t.Errorf("%+v is taken: %v", g, err)
		}
	}
	if _, err := m.Target("nowhere"); err == nil {
		t.Error("an unknown target is taken")
	}
}

func FuzzRules(f *testing.F) {
	f.Add(rulesYAML)
	f.Add([]byte("rules: [{id: a, from: 'x(', then: 'y(X)'}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := Rules("f", data)
		if err != nil {
			return
		}
		if _, err := New(rules); err != nil {
			t.Errorf("rules that were read are not taken: %v", err)
		}
	})
}

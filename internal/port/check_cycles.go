package port

import (
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// edge is one "depends on" with the place where it is written.
type edge struct {
	to string
	at place
}

// graph are the edges of each node; order keeps the nodes as in the file.
type graph struct {
	order []string
	edges map[string][]edge
}

func newGraph() *graph { return &graph{edges: map[string][]edge{}} }

func (g *graph) add(from, to string, at place) {
	if len(g.edges[from]) == 0 {
		g.order = append(g.order, from)
	}
	g.edges[from] = append(g.edges[from], edge{to, at})
}

// cycles finds things that depend on themselves at some remove.
func (c *checker) cycles() {
	areas, assets, parties, services := newGraph(), newGraph(), newGraph(), newGraph()
	for i := range c.port.Areas {
		if a := &c.port.Areas[i]; a.Inside != "" {
			areas.add(a.ID, a.Inside, place{"areas", i, "inside"})
		}
	}
	for i := range c.port.Assets {
		for j, by := range c.port.Assets[i].ControlledBy {
			assets.add(c.port.Assets[i].ID, by, place{"assets", i, strictyaml.Item("controlled_by", j)})
		}
	}
	for i := range c.port.Parties {
		for j, group := range c.port.Parties[i].MemberOf {
			parties.add(c.port.Parties[i].ID, group, place{"parties", i, strictyaml.Item("member_of", j)})
		}
	}
	for i := range c.port.Services {
		s := &c.port.Services[i]
		s.Needs.Leaves(func(id string) {
			if d := c.ids[id]; d.kind == kindService {
				services.add(s.ID, id, place{"services", i, "needs"})
			}
		})
	}
	c.cycle(areas, "areas inside each other")
	c.cycle(assets, "assets that control each other")
	c.cycle(parties, "parties that are members of each other")
	c.cycle(services, "services that need each other")
}

// cycle tells each cycle that a walk in the order of the file closes, at the
// edge that closes it.
func (c *checker) cycle(g *graph, what string) {
	const open, done = 1, 2
	state := map[string]int{}
	var trail []string
	var visit func(id string)
	visit = func(id string) {
		state[id] = open
		trail = append(trail, id)
		for _, e := range g.edges[id] {
			switch state[e.to] {
			case open:
				loop := append(slices.Clone(trail[slices.Index(trail, e.to):]), e.to)
				c.fault(e.at, what+": "+chain(loop), "remove one of the links")
			case done:
			default:
				visit(e.to)
			}
		}
		trail = trail[:len(trail)-1]
		state[id] = done
	}
	for _, id := range g.order {
		if state[id] == 0 {
			visit(id)
		}
	}
}

// chain writes a loop, its middle left out where it is long.
func chain(loop []string) string {
	if len(loop) > 9 {
		loop = append(append(slices.Clone(loop[:4]), "…"), loop[len(loop)-4:]...)
	}
	return strings.Join(loop, " → ")
}

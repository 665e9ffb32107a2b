package console

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/port"
)

// TestGround: the steps that somebody takes on foot are on the map, by their numbers and
// places; what goes over the network is not, and a place that is not declared is said.
func TestGround(t *testing.T) {
	p, err := port.Load("../../examples/saltmere")
	if err != nil {
		t.Fatal(err)
	}
	move := func(text string, gains attackgraph.Atom, things ...string) attackgraph.Move {
		return attackgraph.Move{Text: text, Gains: gains, Things: things}
	}
	stands := move("Somebody is in the plaza", attackgraph.A("stands", "gate-plaza"), "gate-plaza")
	touches := move("touches the switch", attackgraph.A("touches", "sw-gate-1"), "gate-plaza", "sw-gate-1")
	plugs := move("plugs in", attackgraph.A("in-zone", "gate-net"), "sw-gate-1", "gate-net")
	net := move("over the conduit", attackgraph.A("reaches", "tos-db-2"), "sw-gate-1", "tos-db-2")
	quay := move("through a door", attackgraph.A("stands", "ct-quay"), "ct-quay")
	if p.Area("gate-plaza") == nil || p.Asset("sw-gate-1") == nil {
		t.Fatal("the example has no such area or device any more")
	}
	hops := func(g *ground) (out []string) {
		if g == nil {
			return nil
		}
		for _, h := range g.Chart.Hops {
			out = append(out, h.Text)
		}
		return out
	}
	for name, c := range map[string]struct {
		moves  []attackgraph.Move
		want   []string
		placed int
	}{
		"network only":           {[]attackgraph.Move{net, net}, nil, 0},
		"stand, touch, plug in":  {[]attackgraph.Move{stands, touches, plugs, net}, []string{"1–3 Truck gate plaza (public side), Gate switch"}, 3},
		"over the network first": {[]attackgraph.Move{net, stands}, []string{"2 Truck gate plaza (public side)"}, 1},
		"a later use is no step": {[]attackgraph.Move{touches, net, net}, []string{"1–2 Gate switch"}, 2},
	} {
		g := groundOf(p, &attackgraph.Path{Moves: c.moves})
		if diff := cmp.Diff(c.want, hops(g)); diff != "" || g != nil && g.Placed != c.placed {
			t.Errorf("%s: %s ", name, diff)
		}
	}
	two := groundOf(p, &attackgraph.Path{Moves: []attackgraph.Move{stands, quay}})
	if p.Area("ct-quay") != nil && (len(two.Chart.Hops) != 2 || two.Chart.Walk == "") {
		t.Errorf("two places give %d stops and the line %q", len(two.Chart.Hops), two.Chart.Walk)
	}
	nowhere, problems := port.Parse("nowhere.yaml", []byte(`port: {name: Nowhere, locode: XZSLM, time_zone: UTC, currency: EUR, security_level: 1, centre: [1, 2]}
zones: [{id: z, name: Z, domain: ot, level: 2, networks: [10.0.0.0/24]}]
assets: [{id: box, name: Box, domain: ot, kind: switch, zone: z, addresses: [{ip: 10.0.0.1}]}]
`), time.Now())
	if nowhere == nil || nowhere.Asset("box") == nil {
		t.Fatal(problems)
	}
	lost := groundOf(nowhere, &attackgraph.Path{Moves: []attackgraph.Move{move("touches the box", attackgraph.A("touches", "box"), "box")}})
	if lost == nil || lost.Placed != 0 || len(lost.Lost) != 1 || !strings.Contains(lost.Lost[0], "1. touches the box: no place of box is declared") {
		t.Error("a device without a place is not said to have none")
	}
}

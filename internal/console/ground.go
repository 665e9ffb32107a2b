package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/attackgraph"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// ground is the part of a way that is walked: who stands where, and what they touch, on
// the map of the port.
type ground struct {
	Chart  chart
	Placed int      // steps that are on the map
	Lost   []string // steps on the ground whose place is not declared
}

// groundStep is one step that takes place somewhere.
type groundStep struct {
	n    int // in the list of the way, from 1
	name string
	at   port.Point
}

// Half of the least that the map of a way shows, in degrees of latitude: about 600 m.
const groundLeast = 0.0055

// groundOf draws the steps of a way that somebody takes on foot: they come to stand in an
// area, touch a device, or plug something in where they touched it. nil: there are none.
func groundOf(p *port.Port, way *attackgraph.Path) *ground {
	out := &ground{}
	var steps []groundStep
	touched := ""
	for i := range way.Moves {
		m := &way.Moves[i]
		subject, ok := onGround(p, m, touched)
		touched = ""
		if !ok {
			continue
		}
		if m.Gains.Predicate == "touches" {
			touched = subject.ID
		}
		at, known := placeOf(p, subject)
		if !known {
			out.Lost = append(out.Lost, fmt.Sprintf("%d. %s: no place of %s is declared", i+1, m.Text, subject.ID))
			continue
		}
		out.Placed++
		name := subject.ID
		if a := p.Asset(subject.ID); a != nil && a.Name != "" {
			name = a.Name
		} else if a := p.Area(subject.ID); a != nil && a.Name != "" {
			name = a.Name
		}
		steps = append(steps, groundStep{i + 1, name, at})
	}
	if len(steps) == 0 {
		if len(out.Lost) == 0 {
			return nil
		}
		return out
	}
	out.draw(p, steps)
	return out
}

// onGround is where a move takes place, false where it is one over the network.
func onGround(p *port.Port, m *attackgraph.Move, touched string) (finding.Subject, bool) {
	args := m.Gains.Args
	switch {
	case len(args) == 0:
	case m.Gains.Predicate == "stands" && p.Area(args[len(args)-1]) != nil:
		return finding.Subject{Kind: "area", ID: args[len(args)-1]}, true
	case m.Gains.Predicate == "touches" && p.Asset(args[0]) != nil:
		return finding.Subject{Kind: "asset", ID: args[0]}, true
	case touched != "" && slices.Contains(args, touched) || touched != "" && slices.Contains(m.Things, touched): // what is done by the hand that touched it
		return finding.Subject{Kind: "asset", ID: touched}, true
	}
	return finding.Subject{}, false
}

// draw puts the steps on the map, those at one place together.
func (g *ground) draw(p *port.Port, steps []groundStep) {
	var around box
	for _, s := range steps {
		around.add(s.at)
	}
	middle := (around[1] + around[3]) / 2
	half := max(groundLeast, (around[3]-around[1])*0.8)
	wide := max(2*half, (around[2]-around[0])*0.8)
	left := (around[0] + around[2]) / 2
	pr := newProjection(box{left - wide, middle - half, left + wide, middle + half})
	g.Chart.Label = "Map of " + p.Identity.Name + " with the steps of the way that are taken on foot"
	g.Chart.declared(p, pr)
	var line []port.Point
	for i, s := range steps {
		if i > 0 && s.at == steps[i-1].at {
			last := &g.Chart.Hops[len(g.Chart.Hops)-1]
			number, rest, _ := strings.Cut(last.Text, " ")
			first, _, _ := strings.Cut(number, "–")
			last.Text = fmt.Sprintf("%s–%d %s", first, s.n, rest)
			if s.name != steps[i-1].name {
				last.Text += ", " + s.name
			}
			continue
		}
		x, y := pr.at(s.at)
		g.Chart.Hops = append(g.Chart.Hops, label{x, y, fmt.Sprintf("%d %s", s.n, s.name), len(g.Chart.Hops)%2 == 1})
		line = append(line, s.at)
	}
	if len(line) > 1 {
		g.Chart.Walk = pr.path(line, false)
	}
	g.Chart.unclutter()
}

package continuity

import (
	"fmt"
	"slices"

	"github.com/quaywatch/quaywatch/internal/port"
)

// Cut is what is cut off: zones and assets from everything else, conduits between
// their two zones.
type Cut struct {
	Zones    []string `json:"zones,omitempty"`
	Conduits []string `json:"conduits,omitempty"`
	Assets   []string `json:"assets,omitempty"`
}

// Isolation says what a cut stops, what goes on, and for how long that is bearable.
type Isolation struct {
	Cut      Cut       `json:"cut"`
	Hours    float64   `json:"hours"`
	Stops    []Stopped `json:"stops"`          // that neither side can carry alone
	Unsure   []Stopped `json:"undecided"`      // that need both sides of a conduit, which may be of use for something else
	GoesOn   []Stopped `json:"goes_on"`        // with something on the cut-off side, and not stopped
	Bearable float64   `json:"bearable_hours"` // until the first that stops is borne no longer; 0: none declares it
	First    string    `json:"first,omitempty"`
	Deciders []Decider `json:"deciders"`
	Least    *Report   `json:"least"` // simulated with what surely stops
	Most     *Report   `json:"most"`  // and with what is undecided
}

// Stopped is a service under a cut.
type Stopped struct {
	Service  string  `json:"service"`
	Name     string  `json:"name"`
	Why      string  `json:"why"`
	Bearable float64 `json:"bearable_hours,omitempty"`
}

// Decider is who may decide the cut.
type Decider struct {
	Authority string   `json:"authority"`
	Decision  string   `json:"decision"`
	Over      string   `json:"over"` // the part of the cut that it is about
	Holders   []string `json:"holders"`
	Agree     int      `json:"agree"` // how many of them must agree
}

// Isolate previews a cut for so many hours. A service stops where neither the side
// that is cut off nor the rest holds all that it needs, alternatives counted.
func Isolate(p *port.Port, cut Cut, hours float64, o Options) (*Isolation, error) {
	inside, err := cutOff(p, cut)
	if err != nil {
		return nil, err
	}
	i := &Isolation{Cut: cut, Hours: hours, Stops: []Stopped{}, Unsure: []Stopped{}, GoesOn: []Stopped{}, Deciders: []Decider{}}
	for k := range p.Services {
		i.judge(p, &p.Services[k], inside)
	}
	i.deciders(p)
	down := func(lists ...[]Stopped) (out []Down) {
		for _, l := range lists {
			for _, s := range l {
				out = append(out, Down{ID: s.Service, Until: hours})
			}
		}
		return out
	}
	if i.Least, err = Outage(p, down(i.Stops), o); err != nil {
		return nil, err
	}
	i.Most = i.Least
	if len(i.Unsure) > 0 {
		if i.Most, err = Outage(p, down(i.Stops, i.Unsure), o); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// side is a set of assets that a cut separates from the rest, or from another set.
type side struct {
	a, b  map[string]bool // b nil: everything else
	sure  bool
	words string
}

// cutOff are the sides of a cut, in the order of zones, assets, conduits.
func cutOff(p *port.Port, cut Cut) (out []side, err error) {
	of := func(zones ...string) map[string]bool {
		all := map[string]bool{}
		for k := range p.Assets {
			if slices.Contains(zones, p.Assets[k].Zone) {
				all[p.Assets[k].ID] = true
			}
		}
		return all
	}
	for _, z := range cut.Zones {
		if p.Zone(z) == nil {
			return nil, fmt.Errorf("%q is no zone of the port file", z)
		}
	}
	if len(cut.Zones) > 0 {
		out = append(out, side{a: of(cut.Zones...), sure: true, words: "the zones cut off"})
	}
	for _, id := range cut.Assets {
		if p.Asset(id) == nil {
			return nil, fmt.Errorf("%q is no asset of the port file", id)
		}
		out = append(out, side{a: map[string]bool{id: true}, sure: true, words: id})
	}
	for _, id := range cut.Conduits {
		c := p.Conduit(id)
		if c == nil {
			return nil, fmt.Errorf("%q is no conduit of the port file", id)
		}
		out = append(out, side{a: of(c.From), b: of(c.To), words: "conduit " + id})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("nothing is named to be cut off")
	}
	return out, nil
}

// judge puts a service where it belongs.
func (i *Isolation) judge(p *port.Port, v *port.Service, sides []side) {
	s := Stopped{Service: v.ID, Name: v.Name, Bearable: Bearable(v)}
	for _, x := range sides {
		uses := false
		leavesOf(p, &v.Needs, func(asset string) { uses = uses || x.a[asset] }, map[string]bool{})
		if !uses {
			continue
		}
		rest := func(asset string) bool { return !x.a[asset] }
		own := func(asset string) bool { return x.a[asset] }
		if x.b != nil {
			own = func(asset string) bool { return !x.b[asset] }
		}
		switch {
		case holds(p, &v.Needs, rest):
			s.Why = "what it needs of " + x.words + " has an alternative"
			i.GoesOn = append(i.GoesOn, s)
		case holds(p, &v.Needs, own):
			s.Why = "all that it needs is on one side of " + x.words
			i.GoesOn = append(i.GoesOn, s)
		case x.sure:
			s.Why = "it needs something in " + x.words + " and something beyond"
			i.Stops = append(i.Stops, s)
			if s.Bearable > 0 && (i.Bearable == 0 || s.Bearable < i.Bearable) {
				i.Bearable, i.First = s.Bearable, v.ID
			}
			return
		default:
			s.Why = "it needs things on both sides of " + x.words + "; whether they talk over it is not declared"
			i.Unsure = append(i.Unsure, s)
			return
		}
	}
}

// Bearable is how many hours a service may be away: its limit by hand, or what is
// declared as tolerable, whichever comes first; 0 where neither is declared.
func Bearable(v *port.Service) float64 {
	hours := 0.0
	if v.Manual != nil {
		hours = v.Manual.LimitHours
	}
	if v.Recovery != nil && v.Recovery.MTPDHours > 0 && (hours == 0 || v.Recovery.MTPDHours < hours) {
		hours = v.Recovery.MTPDHours
	}
	return hours
}

// holds evaluates what a node needs, services down to their assets.
func holds(p *port.Port, n *port.Need, up func(asset string) bool) bool {
	count := func(nodes []port.Need) (k int) {
		for i := range nodes {
			if holds(p, &nodes[i], up) {
				k++
			}
		}
		return k
	}
	switch {
	case n.ID != "":
		if s := p.Service(n.ID); s != nil {
			return holds(p, &s.Needs, up)
		}
		a := p.Asset(n.ID)
		return up(n.ID) && (a == nil || !slices.ContainsFunc(a.ControlledBy, func(c string) bool { return !up(c) }))
	case len(n.All) > 0:
		return count(n.All) == len(n.All)
	case len(n.Any) > 0:
		return count(n.Any) > 0
	case n.KOfN != nil:
		return count(n.KOfN.Of) >= n.KOfN.K
	}
	return true
}

// leavesOf tells every asset that a node leads to, through services and controllers.
func leavesOf(p *port.Port, n *port.Need, tell func(asset string), done map[string]bool) {
	leaves(n, func(id string) {
		if done[id] {
			return
		}
		done[id] = true
		if s := p.Service(id); s != nil {
			leavesOf(p, &s.Needs, tell, done)
			return
		}
		tell(id)
		if a := p.Asset(id); a != nil {
			for _, c := range a.ControlledBy {
				tell(c)
			}
		}
	})
}

// deciders lists who holds authority over a part of the cut.
func (i *Isolation) deciders(p *port.Port) {
	var about []string
	about = append(append(append(about, i.Cut.Zones...), i.Cut.Conduits...), i.Cut.Assets...)
	for k := range p.Authorities {
		a := &p.Authorities[k]
		for _, id := range about {
			if slices.Contains(a.Over, id) {
				i.Deciders = append(i.Deciders, Decider{a.ID, a.Decision, id, a.Holders, a.Agree})
				break
			}
		}
	}
}

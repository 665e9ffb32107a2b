package attackgraph

import (
	"slices"
	"time"
)

// FromFlows is the origin of what was seen on the wire.
const FromFlows = "observed traffic"

// Flow is one kind of conversation between two assets that was seen, and
// answered.
type Flow struct {
	From, To string // asset ids
	FromZone string // empty where it is not known
	Service  string // as by Service
	Undue    bool   // no conduit allows it
	Last     time.Time
	Where    string // the way to its evidence
}

// Observe gives what was seen on the wire. Traffic that no conduit allows says
// more than what was seen: what stands between lets it through.
func Observe(m *Model, flows []Flow) error {
	for _, f := range flows {
		text := "seen and answered"
		change := ""
		if f.Undue {
			text = "seen and answered, and no conduit allows it"
			change = "block " + f.From + " to " + f.To + " " + f.Service
		}
		given := []Given{
			{Atom: A("serves", f.To, f.Service), Text: "it answered"},
			{Atom: A("talked", f.From, f.To, f.Service), Text: text, Change: change},
		}
		if f.Undue && f.FromZone != "" {
			given = append(given, Given{Atom: A("talked-from", f.FromZone, f.To, f.Service), Text: text, Change: change})
		}
		for _, g := range given {
			g.Origin, g.Seen, g.Where = FromFlows, f.Last, f.Where
			if err := m.Give(g); err != nil {
				return err
			}
		}
	}
	return nil
}

// Forget takes back everything that an origin gave.
func Forget(m *Model, origin string) error {
	var gone []Given
	for g := range m.Givens {
		if g.Origin == origin {
			gone = append(gone, g)
		}
	}
	slices.SortFunc(gone, func(a, b Given) int { return slices.Compare(a.Args, b.Args) })
	for _, g := range gone {
		if err := m.Take(origin, g.Atom); err != nil {
			return err
		}
	}
	return nil
}

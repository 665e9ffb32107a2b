package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

const maxUses = 300 // of one pair that are listed

// zonesView is who may talk to whom, and who did.
type zonesView struct {
	frame
	Zones  []port.Zone // ordered from the office to the machines
	Cells  [][]zoneCell
	Counts map[network.Verdict]int // pairs
	AsOf   time.Time
}

// zoneCell is one pair: the worst verdict of its uses.
type zoneCell struct {
	Verdict network.Verdict // "" where nothing is allowed and nothing was seen
	Same    bool
	Href    string
	Words   string
}

// gravity orders verdicts from the worst.
var gravity = []network.Verdict{network.Undeclared, network.Undecided, network.AllowedSeen, network.AllowedUnseen}

func worse(a, b network.Verdict) network.Verdict {
	if b == network.SameZone || b == "" {
		return a
	}
	if a == "" || slices.Index(gravity, b) < slices.Index(gravity, a) {
		return b
	}
	return a
}

type zonePair struct{ from, to string }

// verdicts are the worst verdict and the number of uses of each pair; a conduit
// without a use is allowed and unseen.
func verdicts(p *port.Port, pic network.Picture) (worst map[zonePair]network.Verdict, uses map[zonePair]int) {
	worst, uses = map[zonePair]network.Verdict{}, map[zonePair]int{}
	for i := range pic.Uses {
		k := zonePair{pic.Uses[i].From, pic.Uses[i].To}
		worst[k] = worse(worst[k], pic.Uses[i].Verdict)
		uses[k]++
	}
	for i := range p.Conduits {
		k := zonePair{p.Conduits[i].From, p.Conduits[i].To}
		worst[k] = worse(worst[k], network.AllowedUnseen)
	}
	return worst, uses
}

// newestTraffic is when a host was last seen to talk, zero where none ever was.
// The time of the picture says nothing of it: that goes on with the clock.
func newestTraffic(pic network.Picture) time.Time {
	var newest time.Time
	for i := range pic.Hosts {
		if pic.Hosts[i].Last.After(newest) {
			newest = pic.Hosts[i].Last
		}
	}
	return newest
}

func (c *Console) zones(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	p, pic := c.d.Port(), c.d.Network()
	v := zonesView{Zones: slices.Clone(p.Zones), Counts: map[network.Verdict]int{}, AsOf: newestTraffic(pic)}
	slices.SortStableFunc(v.Zones, func(a, b port.Zone) int { return int(2*b.Level) - int(2*a.Level) })
	worst, uses := verdicts(p, pic)
	for _, from := range v.Zones {
		row := make([]zoneCell, len(v.Zones))
		for j, to := range v.Zones {
			k := zonePair{from.ID, to.ID}
			cell := zoneCell{Verdict: worst[k], Same: from.ID == to.ID}
			if cell.Verdict != "" && !cell.Same {
				v.Counts[cell.Verdict]++
				cell.Href = "/zones/" + url.PathEscape(from.ID) + "/" + url.PathEscape(to.ID)
				cell.Words = fmt.Sprintf("%s to %s: %s, %s", from.Name, to.Name, cell.Verdict, plural(uses[k], "use", "uses"))
			}
			row[j] = cell
		}
		v.Cells = append(v.Cells, row)
	}
	v.frame = c.frame(r, "Zones", "zones")
	return zonesPage(v), nil
}

// pairView is all that is declared and seen from one zone to another.
type pairView struct {
	frame
	From, To string
	FromZone *port.Zone
	ToZone   *port.Zone
	Verdict  network.Verdict
	Conduits []*port.Conduit
	Uses     []network.ConduitUse
	More     int
	AsOf     time.Time
}

func (c *Console) zonePair(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	p, pic := c.d.Port(), c.d.Network()
	from, to := r.PathValue("from"), r.PathValue("to")
	v := pairView{FromZone: p.Zone(from), ToZone: p.Zone(to), Conduits: p.ConduitsBetween(from, to), AsOf: newestTraffic(pic)}
	if v.FromZone == nil || v.ToZone == nil {
		return nil, problem{http.StatusNotFound, "No such zones", "The port file has no zone of one of these ids."}
	}
	v.From, v.To = v.FromZone.Name, v.ToZone.Name
	if len(v.Conduits) > 0 {
		v.Verdict = network.AllowedUnseen
	}
	for _, u := range pic.Uses {
		if u.From != from || u.To != to {
			continue
		}
		v.Verdict = worse(v.Verdict, u.Verdict)
		v.Uses = append(v.Uses, u)
	}
	slices.SortStableFunc(v.Uses, func(a, b network.ConduitUse) int {
		return slices.Index(gravity, a.Verdict) - slices.Index(gravity, b.Verdict)
	})
	if len(v.Uses) > maxUses {
		v.More = len(v.Uses) - maxUses
		v.Uses = v.Uses[:maxUses]
	}
	v.frame = c.frame(r, v.From+" to "+v.To, "zones")
	return pairPage(v), nil
}

// allowWords writes one line of a conduit, such as "tcp 502, modbus, read".
func allowWords(a port.Allow) string {
	out := a.Transport
	if len(a.Ports) > 0 {
		var ports []string
		for _, r := range a.Ports {
			if r.Low == r.High {
				ports = append(ports, strconv.Itoa(int(r.Low)))
			} else {
				ports = append(ports, fmt.Sprintf("%d–%d", r.Low, r.High))
			}
		}
		out += " " + strings.Join(ports, ", ")
	} else if a.Transport != "icmp" {
		out += " all ports"
	}
	if a.Application != "" {
		out += ", " + a.Application
	}
	if a.Access != "" {
		out += ", " + a.Access
	}
	return out
}

// pairAnswer is the answer of the page in a sentence.
func pairAnswer(v pairView) string {
	switch v.Verdict {
	case network.Undeclared:
		return "It did, and nothing allows all of it"
	case network.Undecided:
		return "It did, and part of it cannot be judged"
	case network.AllowedSeen:
		return "It may, and it did, as declared"
	case network.AllowedUnseen:
		return "It may; nobody was seen doing so"
	}
	return "Nothing allows it, and nothing was seen"
}

package network

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// useKey groups flows into one row of the conduit table.
type useKey struct {
	from, to, conduit, transport, application string
	port                                      uint16
	verdict                                   Verdict
}

type use struct {
	why            string
	flows          uint64
	answered       uint64
	bytes          uint64
	first, last    time.Time
	example        string
	client, server string // addresses of the example, the first that was answered
	pairs          map[string]bool
	operations     map[string]bool
	blind          bool // of some conversation it is not known what was asked
}

// uses counts what went between zones.
type uses struct {
	limit int
	rows  map[useKey]*use
	lines map[*port.Conduit]map[int]bool // allow lines that were used
	other uint64                         // flows that found the table full
}

func newUses(limit int) *uses {
	return &uses{limit: limit, rows: map[useKey]*use{}, lines: map[*port.Conduit]map[int]bool{}}
}

// add counts a judged flow. At the bound, ports are left out of new rows: the
// zones and the verdict are kept.
func (u *uses) add(f *event.Flow, j *judgement) {
	k := useKey{from: zoneID(j.from), to: zoneID(j.to), transport: f.Transport, application: f.Application, port: j.port, verdict: j.verdict}
	if j.conduit != nil {
		k.conduit = j.conduit.ID
	}
	for _, l := range j.lines {
		if u.lines[j.conduit] == nil {
			u.lines[j.conduit] = map[int]bool{}
		}
		u.lines[j.conduit][l] = true
	}
	r := u.rows[k]
	if r == nil && len(u.rows) >= u.limit {
		u.other++
		k.port, k.application = 0, ""
		r = u.rows[k]
	}
	if r == nil {
		r = &use{first: f.Time, last: f.Last, pairs: map[string]bool{}, operations: map[string]bool{}, why: j.why,
			client: f.Client.IP, server: f.Server.IP, example: exampleOf(f)}
		u.rows[k] = r
	}
	for _, o := range f.Operations {
		r.operations[o] = true
	}
	r.blind = r.blind || len(f.Operations) == 0
	r.flows++
	if f.Answered {
		if r.answered == 0 { // what was answered is the better example
			r.client, r.server, r.example = f.Client.IP, f.Server.IP, exampleOf(f)
		}
		r.answered++
	}
	r.bytes += f.BytesIn + f.BytesOut
	r.first, r.last = earlier(r.first, f.Time), laterOf(r.last, f.Last)
	if len(r.pairs) < maxPeers {
		r.pairs[f.Client.IP+" "+f.Server.IP] = true
	}
}

func exampleOf(f *event.Flow) string {
	return fmt.Sprintf("%s → %s:%d", f.Client.IP, f.Server.IP, f.Server.Port)
}

func zoneID(z *port.Zone) string {
	if z == nil {
		return ""
	}
	return z.ID
}

// list gives all rows: what was seen, then for each declared line that was not
// in the time that was watched.
func (u *uses) list(p *port.Port, watched time.Duration, now time.Time) []ConduitUse {
	out := make([]ConduitUse, 0, len(u.rows))
	for k, r := range u.rows {
		out = append(out, ConduitUse{From: k.from, To: k.to, Conduit: k.conduit, Transport: k.transport, Port: k.port,
			Application: k.application, Verdict: k.verdict, Why: r.why, Flows: r.flows, Answered: r.answered, Bytes: r.bytes,
			First: r.first, Last: r.last, Example: r.example, Client: r.client, Server: r.server, Pairs: len(r.pairs), Operations: sortedKeys(r.operations)})
	}
	if p != nil {
		for i := range p.Conduits {
			out = append(out, u.unseen(&p.Conduits[i], watched, now)...)
		}
	}
	slices.SortFunc(out, compareUses)
	return out
}

// unseen are the lines of a conduit that nothing used.
func (u *uses) unseen(c *port.Conduit, watched time.Duration, now time.Time) []ConduitUse {
	var out []ConduitUse
	for i := range c.Allow {
		if u.lines[c][i] {
			continue
		}
		a := &c.Allow[i]
		why := "declared, and no traffic of it was seen yet"
		if watched >= time.Second {
			why = fmt.Sprintf("declared, and no traffic of it was seen in %s of watching", watched.Round(time.Second))
		}
		if c.Expired(now) {
			why = fmt.Sprintf("declared until %s, and no traffic of it was seen", c.Expires.UTC().Format("2006-01-02"))
		}
		row := ConduitUse{From: c.From, To: c.To, Conduit: c.ID, Transport: a.Transport, Application: a.Application, Verdict: AllowedUnseen, Why: why}
		if len(a.Ports) > 0 {
			row.Port = a.Ports[0].Low
			if len(a.Ports) > 1 || a.Ports[0].Low != a.Ports[0].High {
				row.Why += "; ports " + portsText(a.Ports)
			}
		}
		out = append(out, row)
	}
	return out
}

func portsText(ports []port.PortRange) string {
	var out []string
	for _, r := range ports {
		if r.Low == r.High {
			out = append(out, fmt.Sprint(r.Low))
		} else {
			out = append(out, fmt.Sprintf("%d-%d", r.Low, r.High))
		}
	}
	return strings.Join(out, ", ")
}

func compareUses(a, b ConduitUse) int {
	for _, c := range []int{
		strings.Compare(a.From, b.From), strings.Compare(a.To, b.To), int(a.Port) - int(b.Port),
		strings.Compare(a.Transport, b.Transport), strings.Compare(a.Application, b.Application),
		strings.Compare(string(a.Verdict), string(b.Verdict)), strings.Compare(a.Conduit, b.Conduit), strings.Compare(a.Why, b.Why),
	} {
		if c != 0 {
			return c
		}
	}
	return 0
}

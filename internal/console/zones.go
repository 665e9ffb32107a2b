package console

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/firewall"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// Bounds of the matrix and of what it opens.
const (
	maxMatrix  = 40  // zones that are drawn as a matrix; more are listed by pair
	pairRows   = 100 // of the list, a page
	maxUses    = 100 // of one pair that are listed
	maxWays    = 20  // of what rules let through between two zones
	maxTraffic = 12  // sets of packets of one way
)

// zonesView is who may talk to whom, who did, and who could.
type zonesView struct {
	frame
	Matrix bool
	Wide   bool        // too many zones for a matrix
	Zones  []port.Zone // ordered from the office to the machines
	Cells  [][]*pairRow
	Groups []groupKey
	ByPair [][]groupCell
	Filter pairFilter
	Rows   []*pairRow
	Total  int
	Next   string
	From   []choice
	Counts map[look]int
	AsOf   time.Time
	Lost   int // kinds of conversation of which an end lies in no zone
	Walls  *Walls
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

// walls is what the rules of firewalls let through, nil where nothing is known.
func (c *Console) walls(ctx context.Context) *Walls {
	if c.d.Walls == nil {
		return nil
	}
	return c.d.Walls(ctx)
}

func (c *Console) zones(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	p, walls := c.d.Port(), c.walls(r.Context())
	t := c.pairs.of(p, c.d.Network(), walls.survey(), c.d.Now())
	q := r.URL.Query()
	f := pairFilter{View: q.Get("view"), Look: q.Get("look"), From: q.Get("from"), To: q.Get("to"), Text: strings.TrimSpace(q.Get("q"))}
	if text := []rune(f.Text); len(text) > maxText {
		f.Text = string(text[:maxText])
	}
	if n, err := strconv.Atoi(q.Get("skip")); err == nil && n > 0 {
		f.Skip = n
	}
	if err := f.check(t); err != nil {
		return nil, err
	}
	v := zonesView{Filter: f, Counts: t.counts, AsOf: t.newest, Lost: t.lost, Walls: walls, Groups: t.groups, From: t.groupChoices(), Wide: len(p.Zones) > maxMatrix}
	v.Matrix = !v.Wide && f.View != "pairs"
	switch {
	case v.Matrix:
		v.matrix(p, t)
	case v.Wide:
		v.ByPair = t.byGroup()
		if len(q) == 0 {
			v.Filter.Look = need
		}
	}
	if !v.Matrix {
		var next int
		if v.Rows, v.Total, next = t.page(v.Filter, pairRows); next > 0 {
			v.Next = v.Filter.address(next)
		}
	}
	v.frame = c.frame(r, "Zones", "zones")
	return zonesPage(v), nil
}

func (v *zonesView) matrix(p *port.Port, t *pairTable) {
	v.Zones = slices.Clone(p.Zones)
	slices.SortStableFunc(v.Zones, func(a, b port.Zone) int { return int(2*b.Level) - int(2*a.Level) })
	for _, from := range v.Zones {
		row := make([]*pairRow, len(v.Zones))
		for j, to := range v.Zones {
			row[j] = t.row(from.ID, to.ID)
		}
		v.Cells = append(v.Cells, row)
	}
}

// pairView is all that is declared, seen and open from one zone to another.
type pairView struct {
	frame
	Drawer   bool
	FromZone *port.Zone
	ToZone   *port.Zone
	Row      *pairRow
	Conduits []conduitLine
	Uses     []useLine
	More     int
	AsOf     time.Time
	Walls    *Walls
	Ways     []firewall.Reach
	MoreWays int
	Stops    []string
	Narrow   []network.Narrowing
	Heard    network.Listening
	Blind    bool // nobody tells what could be narrower
}

// conduitLine is a conduit with how the rules carry it out.
type conduitLine struct {
	*port.Conduit
	State firewall.ConduitState
}

// useLine is one kind of conversation with what else is known of it.
type useLine struct {
	network.ConduitUse
	Client, Server string // pages of the devices, "" where there are none
	Rules          firewall.Opened
	Finding        *finding.Finding
}

func (c *Console) zonePair(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v, err := c.pairOf(r)
	if err != nil {
		return nil, err
	}
	v.frame = c.frame(r, v.FromZone.Name+" to "+v.ToZone.Name, "zones")
	return pairPage(v), nil
}

func (c *Console) zonePairDrawer(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v, err := c.pairOf(r)
	if err != nil {
		return nil, err
	}
	v.Now, v.Drawer = c.d.Now(), true
	return pairDrawer(v), nil
}

func (c *Console) pairOf(r *http.Request) (pairView, error) {
	p, pic, walls, now := c.d.Port(), c.d.Network(), c.walls(r.Context()), c.d.Now()
	from, to := r.PathValue("from"), r.PathValue("to")
	v := pairView{FromZone: p.Zone(from), ToZone: p.Zone(to), AsOf: newestTraffic(pic), Walls: walls, Blind: c.d.Narrow == nil}
	if v.FromZone == nil || v.ToZone == nil {
		return v, problem{http.StatusNotFound, "No such zones", "The port file has no zone of one of these ids."}
	}
	survey := walls.survey()
	if v.Row = c.pairs.of(p, pic, survey, now).row(from, to); v.Row == nil {
		v.Row = &pairRow{From: v.FromZone, To: v.ToZone, Look: noLook}
		if survey != nil {
			v.Row.Passage = survey.Passage(from, to)
		}
	}
	var ids []string
	for _, conduit := range p.ConduitsBetween(from, to) {
		v.Conduits = append(v.Conduits, conduitLine{conduit, walls.carriedOut(conduit.ID)})
		ids = append(ids, conduit.ID)
	}
	c.usesOf(r, &v, p, pic, survey)
	if survey != nil {
		if v.Ways = survey.Ways(from, to); len(v.Ways) > maxWays {
			v.MoreWays, v.Ways = len(v.Ways)-maxWays, v.Ways[:maxWays]
		}
		if v.Row.Could == firewall.CouldNot || v.Row.Stopped {
			v.Stops = survey.Stops(from, to)
		}
	}
	if c.d.Narrow != nil && len(ids) > 0 {
		v.Narrow, v.Heard = c.d.Narrow(network.NarrowDays, ids...), c.d.Listening()
	}
	return v, nil
}

// usesOf lists the conversations, those that no conduit allows first, with the
// finding that each raised and what the rules say of it.
func (c *Console) usesOf(r *http.Request, v *pairView, p *port.Port, pic network.Picture, survey *firewall.Survey) {
	for i := range pic.Uses {
		u := &pic.Uses[i]
		if u.From == v.FromZone.ID && u.To == v.ToZone.ID && u.Verdict != network.AllowedUnseen {
			v.Uses = append(v.Uses, useLine{ConduitUse: *u})
		}
	}
	slices.SortStableFunc(v.Uses, func(a, b useLine) int {
		return slices.Index(gravity, a.Verdict) - slices.Index(gravity, b.Verdict)
	})
	if len(v.Uses) > maxUses {
		v.More = len(v.Uses) - maxUses
		v.Uses = v.Uses[:maxUses]
	}
	o := c.hosts.of(pic)
	pages := map[string]string{}
	findings := map[string]*finding.Finding{}
	for i := range v.Uses {
		u := &v.Uses[i]
		u.Client, u.Server = devicePage(p, o, pages, u.ConduitUse.Client), devicePage(p, o, pages, u.ConduitUse.Server)
		client, err1 := netip.ParseAddr(u.ConduitUse.Client)
		server, err2 := netip.ParseAddr(u.ConduitUse.Server)
		if survey != nil && err1 == nil && err2 == nil {
			u.Rules = survey.Fate(client, server, u.Transport, u.Port)
		}
		if u.Verdict == network.Undeclared {
			u.Finding = c.breach(r, findings, u.ConduitUse.Client+">"+v.ToZone.ID)
		}
	}
}

// breach is the finding that undeclared traffic of a client into a zone raised, nil
// where there is none that the reader may see.
func (c *Console) breach(r *http.Request, known map[string]*finding.Finding, subject string) *finding.Finding {
	if f, asked := known[subject]; asked {
		return f
	}
	known[subject] = nil
	f, err := c.d.Desk.Get(r.Context(), finding.ID(network.RuleUndeclared, finding.Subject{Kind: "conduit", ID: subject}))
	if err == nil && c.mayOn(r.Context(), identity.ViewFindings, f) {
		known[subject] = &f
	}
	return known[subject]
}

// devicePage is the page about the device of an address, "" where nobody knows it.
func devicePage(p *port.Port, o *observed, known map[string]string, address string) string {
	if page, asked := known[address]; asked {
		return page
	}
	page := ""
	if ip, err := netip.ParseAddr(address); err == nil {
		if a := p.AssetByIP(ip); a != nil {
			page = "/inventory/" + url.PathEscape(a.ID)
		} else if o.byID["ip:"+address] != nil {
			page = "/hosts/" + url.PathEscape("ip:"+address)
		}
	}
	known[address] = page
	return page
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
	switch {
	case v.Row.Undeclared > 0:
		return "It did, and nothing allows all of it"
	case v.Row.Look == couldNotMay:
		return "Firewalls let through what nothing allows"
	case v.Row.Look == didNotCould:
		return "It did, though the rules stop it"
	case v.Row.Undecided > 0:
		return "It did, and part of it cannot be judged"
	case v.Row.Look == unsure:
		return "Firewalls may let through what nothing allows"
	case v.Row.Look == mayNotCould:
		return "It may, and firewalls stop it"
	case v.Row.Uses > 0 && v.Row.Conduits > 0:
		return "It may, and it did, as declared"
	case v.Row.Conduits > 0:
		return "It may; nobody was seen doing so"
	}
	return "Nothing allows it, and nothing was seen"
}

// days writes a time of listening, rounded down: it never claims more than there was.
func days(d time.Duration) string {
	tenths := int64(d) / int64(24*time.Hour/10)
	return fmt.Sprintf("%d.%d days", tenths/10, tenths%10)
}

package console

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// Bounds of the page: what is beyond is counted and said, and is found in the
// lists that turn pages.
const (
	maxOpenZones   = 12   // zones whose devices are shown at once
	maxZoneDevices = 200  // of one open zone
	maxZoneRows    = 200  // of the table of zones, a page
	maxLinkRows    = 300  // of the table of traffic
	maxCounted     = 1000 // findings that are counted by zone, the gravest first
)

// zoneLane is the zones of one Purdue level.
type zoneLane struct {
	Level float64
	Name  string
	Zones []*zoneNode
}

// zoneNode is a zone with what is in it.
type zoneNode struct {
	Zone       *port.Zone
	Registered int // assets of the register
	Strange    int // devices seen and not in the register
	Findings   int // open ones, of those that the reader may see
	Worst      finding.Severity
	Open       bool
	Devices    []assetRow // where it is open, at most maxZoneDevices
	More       int        // devices that are not among them
	Toggle     string     // the page with this zone opened, or closed again
}

// zoneLink is all that is declared and seen from one zone to another.
type zoneLink struct {
	From, To *port.Zone
	Verdict  network.Verdict
	Uses     int
	Href     string
}

// networkView is the network by Purdue level.
type networkView struct {
	frame
	Lanes    []zoneLane
	Open     []string // zones that are open, in the order of the port file
	Refused  int      // zones that were asked to be open beyond the bound
	Links    []zoneLink
	MoreLink int
	Counts   map[network.Verdict]int
	Nowhere  int // devices in no zone
	Counted  int // findings that were counted
	Findings int // findings that there are
	Apart    int // of the counted ones, those about no single zone
	Blind    bool
	AsOf     time.Time
	Zones    int
	From     int
	Next     string
	Draws    string // the bundle that draws the picture
	JSON     string
}

// levelNames are those of the Purdue model.
var levelNames = map[float64]string{5: "enterprise", 4: "site business", 3.5: "DMZ", 3: "site operations", 2: "supervision", 1: "control", 0: "process"}

func (c *Console) network(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	v, err := c.networkOf(r)
	if err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("from")); err == nil && n > 0 {
		v.From = min(n, v.Zones)
	}
	if v.From+maxZoneRows < v.Zones {
		v.Next = networkPath(v.Open, v.From+maxZoneRows)
	}
	v.cut()
	v.frame = c.frame(r, "Network", "zones")
	v.Draws = c.assets.URL("network.js")
	return networkPage(v), nil
}

// networkOf reads the port file, the pictures and the findings.
func (c *Console) networkOf(r *http.Request) (*networkView, error) {
	p, pic := c.d.Port(), c.d.Network()
	v := &networkView{Counts: map[network.Verdict]int{}, AsOf: newestTraffic(pic), Zones: len(p.Zones)}
	nodes := v.lay(p, r.URL.Query()["open"])
	v.fill(p, c.hosts.of(pic), nodes)
	if err := c.countFindings(r, p, v, nodes); err != nil {
		return nil, err
	}
	v.link(p, pic)
	v.JSON = "/network.json" + networkQuery(v.Open, 0)
	return v, nil
}

// lay puts the zones into the lanes of their levels, the office above, each lane
// in the order of the port file.
func (v *networkView) lay(p *port.Port, open []string) map[string]*zoneNode {
	asked := map[string]bool{}
	for _, id := range open {
		if p.Zone(id) != nil && !asked[id] {
			if len(asked) == maxOpenZones {
				v.Refused++
				continue
			}
			asked[id] = true
		}
	}
	nodes, at := make(map[string]*zoneNode, len(p.Zones)), map[float64]int{}
	for i := range p.Zones {
		z := &p.Zones[i]
		if _, ok := at[z.Level]; !ok {
			at[z.Level] = len(v.Lanes)
			v.Lanes = append(v.Lanes, zoneLane{Level: z.Level, Name: levelNames[z.Level]})
		}
		n := &zoneNode{Zone: z, Open: asked[z.ID]}
		nodes[z.ID] = n
		lane := &v.Lanes[at[z.Level]]
		lane.Zones = append(lane.Zones, n)
		if n.Open {
			v.Open = append(v.Open, z.ID)
		}
	}
	slices.SortFunc(v.Lanes, func(a, b zoneLane) int { return cmp.Compare(b.Level, a.Level) })
	return nodes
}

// fill counts the devices of each zone and lists those of open ones.
func (v *networkView) fill(p *port.Port, o *observed, nodes map[string]*zoneNode) {
	put := func(n *zoneNode, row func() assetRow) {
		if !n.Open {
			return
		}
		if len(n.Devices) == maxZoneDevices {
			n.More++
			return
		}
		n.Devices = append(n.Devices, row())
	}
	for _, h := range o.strange { // first: they are what somebody has to look at
		n := nodes[h.Zone]
		if n == nil {
			v.Nowhere++
			continue
		}
		n.Strange++
		put(n, func() assetRow { return assetRow{Host: h, Zone: h.Zone} })
	}
	for i := range p.Assets {
		a := &p.Assets[i]
		n := nodes[a.Zone]
		if n == nil {
			continue
		}
		n.Registered++
		put(n, func() assetRow {
			h := o.byAsset[a.ID]
			return assetRow{Asset: a, Host: h, Zone: a.Zone, Diff: differences(p, a, h)}
		})
	}
}

// countFindings counts the open findings by the zone of their subject.
func (c *Console) countFindings(r *http.Request, p *port.Port, v *networkView, nodes map[string]*zoneNode) error {
	if len(c.domains(r.Context(), identity.ViewFindings)) == 0 {
		v.Blind = true
		return nil
	}
	page, err := c.d.Desk.List(r.Context(), c.allowedQuery(r, finding.Query{States: []finding.State{finding.Active, finding.Acknowledged}, Limit: maxCounted}))
	if err != nil {
		return err
	}
	v.Counted, v.Findings = len(page.Findings), page.Total
	o := c.hosts.of(c.d.Network())
	for i := range page.Findings {
		f := &page.Findings[i]
		zone := ""
		if a := subjectAsset(p, f.Subject); a != nil {
			zone = a.Zone
		} else if h := o.byID[f.Subject.ID]; h != nil {
			zone = h.Zone
		} else if p.Zone(f.Subject.ID) != nil {
			zone = f.Subject.ID
		}
		n := nodes[zone]
		if n == nil {
			v.Apart++ // a vessel, a person, a chain over several zones
			continue
		}
		n.Findings++
		n.Worst = max(n.Worst, f.Severity)
	}
	return nil
}

// link joins the zones by what is declared and seen, the worst first.
func (v *networkView) link(p *port.Port, pic network.Picture) {
	worst, uses := verdicts(p, pic)
	for k, verdict := range worst {
		from, to := p.Zone(k.from), p.Zone(k.to)
		if from == nil || to == nil || k.from == k.to || verdict == "" {
			continue
		}
		v.Counts[verdict]++
		v.Links = append(v.Links, zoneLink{From: from, To: to, Verdict: verdict, Uses: uses[k],
			Href: "/zones/" + url.PathEscape(k.from) + "/" + url.PathEscape(k.to)})
	}
	slices.SortFunc(v.Links, func(a, b zoneLink) int {
		return cmp.Or(slices.Index(gravity, a.Verdict)-slices.Index(gravity, b.Verdict), cmp.Compare(a.From.ID, b.From.ID), cmp.Compare(a.To.ID, b.To.ID))
	})
}

// cut leaves the rows of one page of the tables.
func (v *networkView) cut() {
	if len(v.Links) > maxLinkRows {
		v.MoreLink = len(v.Links) - maxLinkRows
		v.Links = v.Links[:maxLinkRows]
	}
	skip, left := v.From, maxZoneRows
	for i := range v.Lanes {
		zones := v.Lanes[i].Zones
		n := min(skip, len(zones))
		skip -= n
		zones = zones[n:]
		zones = zones[:min(left, len(zones))]
		left -= len(zones)
		v.Lanes[i].Zones = zones
		for _, n := range zones {
			n.Toggle = v.toggled(n)
		}
	}
}

// toggled is the page with the zone opened, or closed where it is open.
func (v *networkView) toggled(n *zoneNode) string {
	open := slices.DeleteFunc(slices.Clone(v.Open), func(id string) bool { return id == n.Zone.ID })
	if !n.Open {
		open = append(open, n.Zone.ID)
	}
	return networkPath(open, v.From)
}

func networkQuery(open []string, from int) string {
	q := url.Values{"open": open}
	if from > 0 {
		q.Set("from", strconv.Itoa(from))
	}
	if s := q.Encode(); s != "" {
		return "?" + s
	}
	return ""
}

func networkPath(open []string, from int) string { return "/network" + networkQuery(open, from) }

// seenWords say in a word how the register and the network agree on a device.
func seenWords(r assetRow) string {
	switch {
	case r.Asset == nil:
		return "not in the register"
	case r.Host == nil:
		return "never seen"
	case len(r.Diff) > 0:
		return "differs from the register"
	}
	return "seen"
}

func (c *Console) networkJSON(w http.ResponseWriter, r *http.Request) {
	v, err := c.networkOf(r)
	if err != nil {
		p := problemOf(err)
		c.d.Log.Error("network picture not made", "error", err)
		http.Error(w, p.title, p.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(drawNetwork(v)) // the client went away: nobody to tell
}

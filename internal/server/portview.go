package server

import (
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
)

// The port as the API tells it: names of JSON, and nothing that says who holds
// which badge or account.

type portAnswer struct {
	Name          string      `json:"name"`
	LOCODE        string      `json:"locode" doc:"UN/LOCODE"`
	TimeZone      string      `json:"time_zone" doc:"IANA name"`
	Currency      string      `json:"currency" doc:"ISO 4217"`
	SecurityLevel int         `json:"security_level" doc:"ISPS 1, 2 or 3, as declared"`
	Centre        []float64   `json:"centre" doc:"longitude, latitude"`
	Counts        portCounts  `json:"counts"`
	Waters        []shapeView `json:"waters" nullable:"false"`
	Land          []shapeView `json:"land" nullable:"false"`
}

type portCounts struct {
	Sites       int `json:"sites"`
	Areas       int `json:"areas"`
	Zones       int `json:"zones"`
	Conduits    int `json:"conduits"`
	Assets      int `json:"assets"`
	Services    int `json:"services"`
	Parties     int `json:"parties"`
	Authorities int `json:"authorities"`
}

type shapeView struct {
	ID    string      `json:"id"`
	Name  string      `json:"name"`
	Kind  string      `json:"kind"`
	Shape [][]float64 `json:"shape" doc:"ring of longitude, latitude; the last point joins the first"`
}

type siteView struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Facility string    `json:"facility,omitempty" doc:"IMO port facility number"`
	Operator string    `json:"operator,omitempty" doc:"party"`
	Position []float64 `json:"position,omitempty" doc:"longitude, latitude"`
}

type areaView struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	Site         string            `json:"site"`
	Inside       string            `json:"inside,omitempty" doc:"the area around it"`
	Restricted   bool              `json:"restricted"`
	Perimeter    [][]float64       `json:"perimeter"`
	AccessPoints []accessPointView `json:"access_points" nullable:"false"`
}

type accessPointView struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	From     string    `json:"from,omitempty" doc:"area on the outer side; absent: the public side"`
	Readers  []string  `json:"readers,omitempty"`
	Cameras  []string  `json:"cameras,omitempty"`
	Position []float64 `json:"position,omitempty"`
}

type zoneView struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Domain   string   `json:"domain"`
	Level    float64  `json:"level" doc:"Purdue"`
	Target   int      `json:"sl_target" doc:"IEC 62443 SL-T"`
	Site     string   `json:"site,omitempty"`
	Networks []string `json:"networks" nullable:"false"`
	External bool     `json:"external"`
	Owner    string   `json:"owner,omitempty"`
}

type conduitView struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"`
	From    string      `json:"from" doc:"zone that opens"`
	To      string      `json:"to" doc:"zone that serves"`
	Allow   []allowView `json:"allow" nullable:"false"`
	Reason  string      `json:"reason"`
	Owner   string      `json:"owner,omitempty"`
	Expires time.Time   `json:"expires,omitzero"`
}

type allowView struct {
	Transport   string     `json:"transport"`
	Ports       [][]uint16 `json:"ports,omitempty" doc:"ranges with both ends; absent: all"`
	Application string     `json:"application,omitempty"`
	Access      string     `json:"access,omitempty"`
}

type assetView struct {
	ID           string        `json:"id"`
	Name         string        `json:"name"`
	Domain       string        `json:"domain"`
	Kind         string        `json:"kind"`
	Vendor       string        `json:"vendor,omitempty"`
	Product      string        `json:"product,omitempty"`
	Model        string        `json:"model,omitempty"`
	Firmware     string        `json:"firmware,omitempty"`
	Serial       string        `json:"serial,omitempty"`
	Addresses    []addressView `json:"addresses,omitempty"`
	Zone         string        `json:"zone,omitempty"`
	Area         string        `json:"area,omitempty"`
	Owner        string        `json:"owner,omitempty"`
	Criticality  string        `json:"criticality,omitempty"`
	Remote       []remoteView  `json:"remote_access,omitempty"`
	Position     []float64     `json:"position,omitempty"`
	Container    string        `json:"container,omitempty" doc:"ISO 6346"`
	ControlledBy []string      `json:"controlled_by,omitempty"`
	Services     []string      `json:"services,omitempty" doc:"that need it, directly or not"`
}

type addressView struct {
	IP  string `json:"ip,omitempty"`
	MAC string `json:"mac,omitempty"`
}

type remoteView struct {
	Party     string `json:"party"`
	Via       string `json:"via,omitempty"`
	Reason    string `json:"reason,omitempty"`
	WorkOrder bool   `json:"work_order"`
}

type serviceView struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Owner    string        `json:"owner,omitempty"`
	Unit     string        `json:"unit,omitempty"`
	Capacity float64       `json:"capacity,omitempty"`
	Needs    *needView     `json:"needs,omitempty"`
	Manual   *manualView   `json:"manual,omitempty" doc:"absent: none declared, which is not the same as none possible"`
	Recovery *recoveryView `json:"recovery,omitempty"`
}

// needView has one of its fields. Any counts K = 1, all counts K = the number of nodes.
type needView struct {
	ID  string     `json:"id,omitempty" doc:"asset or service"`
	All []needView `json:"all,omitempty"`
	Any []needView `json:"any,omitempty"`
	K   int        `json:"k,omitempty" doc:"with of: so many are enough"`
	Of  []needView `json:"of,omitempty"`
}

type manualView struct {
	Fraction   float64 `json:"fraction" doc:"of capacity, 0 to 1"`
	RampHours  float64 `json:"ramp_hours"`
	LimitHours float64 `json:"limit_hours,omitempty" doc:"absent: not limited"`
	Staff      int     `json:"staff"`
}

type recoveryView struct {
	RTOHours  float64 `json:"rto_hours"`
	RPOHours  float64 `json:"rpo_hours"`
	MTPDHours float64 `json:"mtpd_hours"`
}

type partyView struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`
	MemberOf []string `json:"member_of,omitempty"`
	Role     string   `json:"role,omitempty"`
	Phone    string   `json:"phone,omitempty" doc:"only for who may see people"`
	Email    string   `json:"email,omitempty" doc:"only for who may see people"`
	Areas    []string `json:"areas,omitempty" doc:"restricted areas it may enter; only for who may see people"`
}

type authorityView struct {
	ID       string   `json:"id"`
	Decision string   `json:"decision"`
	Over     []string `json:"over,omitempty"`
	Holders  []string `json:"holders" nullable:"false"`
	Agree    int      `json:"agree" doc:"holders that must agree"`
}

// portViews keeps the views of the port that is loaded, made once a load:
// a large port has ten thousand assets.
type portViews struct {
	mu   sync.Mutex
	of   *port.Port
	made *portView
}

type portView struct {
	port        portAnswer
	sites       []siteView
	areas       []areaView
	zones       []zoneView
	conduits    []conduitView
	assets      []assetView
	services    []serviceView
	parties     []partyView
	authorities []authorityView
}

func (v *portViews) get(p *port.Port) *portView {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of != p {
		v.of, v.made = p, viewPort(p)
	}
	return v.made
}

func viewPort(p *port.Port) *portView {
	out := &portView{
		sites:    sorted(p.Sites, nil, viewSite, func(v siteView) string { return v.ID }),
		areas:    sorted(p.Areas, nil, viewArea, func(v areaView) string { return v.ID }),
		zones:    sorted(p.Zones, nil, viewZone, func(v zoneView) string { return v.ID }),
		conduits: sorted(p.Conduits, nil, viewConduit, func(v conduitView) string { return v.ID }),
		assets: sorted(p.Assets, nil, func(a *port.Asset) assetView {
			v := viewAsset(a)
			v.Services = p.ServicesOf(a.ID)
			return v
		}, func(v assetView) string { return v.ID }),
		services:    sorted(p.Services, nil, viewService, func(v serviceView) string { return v.ID }),
		parties:     sorted(p.Parties, nil, viewParty, func(v partyView) string { return v.ID }),
		authorities: sorted(p.Authorities, nil, viewAuthority, func(v authorityView) string { return v.ID }),
	}
	id := p.Identity
	out.port = portAnswer{
		Name: id.Name, LOCODE: id.LOCODE, TimeZone: id.TimeZone, Currency: id.Currency, SecurityLevel: id.SecurityLevel,
		Centre: id.Centre[:],
		Counts: portCounts{len(p.Sites), len(p.Areas), len(p.Zones), len(p.Conduits), len(p.Assets), len(p.Services), len(p.Parties), len(p.Authorities)},
		Waters: sorted(p.Waters, nil, func(w *port.Water) shapeView { return shapeView{w.ID, w.Name, w.Kind, ring(w.Shape)} }, func(v shapeView) string { return v.ID }),
		Land:   sorted(p.Land, nil, func(l *port.Land) shapeView { return shapeView{l.ID, l.Name, l.Kind, ring(l.Shape)} }, func(v shapeView) string { return v.ID }),
	}
	return out
}

func viewSite(s *port.Site) siteView {
	return siteView{s.ID, s.Name, s.Kind, s.Facility, s.Operator, position(s.Position)}
}

func viewArea(a *port.Area) areaView {
	v := areaView{ID: a.ID, Name: a.Name, Site: a.Site, Inside: a.Inside, Restricted: a.Restricted, Perimeter: ring(a.Perimeter), AccessPoints: []accessPointView{}}
	for _, p := range a.AccessPoints {
		v.AccessPoints = append(v.AccessPoints, accessPointView{p.ID, p.Name, p.Kind, p.From, p.Readers, p.Cameras, position(p.Position)})
	}
	return v
}

func viewZone(z *port.Zone) zoneView {
	v := zoneView{ID: z.ID, Name: z.Name, Domain: string(z.Domain), Level: z.Level, Target: z.Target, Site: z.Site, Networks: []string{}, External: z.External, Owner: z.Owner}
	for _, n := range z.Networks {
		v.Networks = append(v.Networks, n.String())
	}
	return v
}

func viewConduit(c *port.Conduit) conduitView {
	v := conduitView{ID: c.ID, Name: c.Name, From: c.From, To: c.To, Allow: []allowView{}, Reason: c.Reason, Owner: c.Owner, Expires: c.Expires}
	for _, a := range c.Allow {
		w := allowView{Transport: a.Transport, Application: a.Application, Access: a.Access}
		for _, r := range a.Ports {
			w.Ports = append(w.Ports, []uint16{r.Low, r.High})
		}
		v.Allow = append(v.Allow, w)
	}
	return v
}

func viewAsset(a *port.Asset) assetView {
	v := assetView{
		ID: a.ID, Name: a.Name, Domain: string(a.Domain), Kind: a.Kind, Vendor: a.Vendor, Product: a.Product,
		Model: a.Model, Firmware: a.Firmware, Serial: a.Serial, Zone: a.Zone, Area: a.Area, Owner: a.Owner,
		Criticality: a.Criticality, Position: position(a.Position), Container: a.Container, ControlledBy: a.ControlledBy,
	}
	for _, addr := range a.Addresses {
		w := addressView{MAC: addr.MAC}
		if addr.IP.IsValid() {
			w.IP = addr.IP.String()
		}
		v.Addresses = append(v.Addresses, w)
	}
	for _, r := range a.Remote {
		v.Remote = append(v.Remote, remoteView{r.Party, r.Via, r.Reason, r.WorkOrder})
	}
	return v
}

func viewService(s *port.Service) serviceView {
	v := serviceView{ID: s.ID, Name: s.Name, Owner: s.Owner, Unit: s.Unit, Capacity: s.Capacity}
	if n := viewNeed(s.Needs); n.ID != "" || n.All != nil || n.Any != nil || n.Of != nil {
		v.Needs = &n
	}
	if s.Manual != nil {
		v.Manual = &manualView{s.Manual.Fraction, s.Manual.RampHours, s.Manual.LimitHours, s.Manual.Staff}
	}
	if s.Recovery != nil {
		v.Recovery = &recoveryView{s.Recovery.RTOHours, s.Recovery.RPOHours, s.Recovery.MTPDHours}
	}
	return v
}

func viewNeed(n port.Need) needView {
	v := needView{ID: n.ID, All: viewNeeds(n.All), Any: viewNeeds(n.Any)}
	if n.KOfN != nil {
		v.K, v.Of = n.KOfN.K, viewNeeds(n.KOfN.Of)
	}
	return v
}

func viewNeeds(in []port.Need) []needView {
	var out []needView
	for _, n := range in {
		out = append(out, viewNeed(n))
	}
	return out
}

func viewParty(p *port.Party) partyView {
	return partyView{p.ID, p.Name, p.Kind, p.MemberOf, p.Role, p.Phone, p.Email, p.Areas}
}

func viewAuthority(a *port.Authority) authorityView {
	return authorityView{ID: a.ID, Decision: a.Decision, Over: a.Over, Holders: append([]string{}, a.Holders...), Agree: max(1, a.Agree)}
}

// position is absent for the zero point, which means "not given".
func position(p port.Point) []float64 {
	if p == (port.Point{}) {
		return nil
	}
	return p[:]
}

func ring(r port.Ring) [][]float64 {
	out := make([][]float64, len(r))
	for i, p := range r {
		out[i] = []float64{p[0], p[1]}
	}
	return out
}

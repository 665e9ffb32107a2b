package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

const assetRows = 100 // a page

// observed is the hosts of one network picture by asset, with those that the
// register does not have.
type observed struct {
	at      time.Time
	byAsset map[string]*network.Host
	byID    map[string]*network.Host
	strange []*network.Host // no asset, in the order of the picture
	hidden  bool            // whoever asks may not see the network, so nothing is in it

	first *network.Host // of the picture: hosts that changed are another slice
	len   int
}

// observed is what the one who asks may see of the network: a right to the port
// file is none to what was seen.
func (c *Console) observed(ctx context.Context) *observed {
	if !c.d.Allowed(ctx, identity.ViewNetwork, identity.ThePort) {
		return &observed{hidden: true}
	}
	return c.hosts.of(c.d.Network())
}

// hostCache keeps the index of the newest network picture: pictures are read
// far more often than they change.
type hostCache struct {
	mu   sync.Mutex
	last *observed
}

func (hc *hostCache) of(pic network.Picture) *observed {
	hc.mu.Lock()
	defer hc.mu.Unlock()
	var first *network.Host
	if len(pic.Hosts) > 0 {
		first = &pic.Hosts[0]
	}
	if o := hc.last; o != nil && o.first == first && o.len == len(pic.Hosts) {
		if !o.at.Equal(pic.AsOf) { // time passed and no host changed
			same := *o
			same.at = pic.AsOf
			hc.last = &same
		}
		return hc.last
	}
	o := &observed{at: pic.AsOf, first: first, len: len(pic.Hosts), byAsset: map[string]*network.Host{}, byID: map[string]*network.Host{}}
	for i := range pic.Hosts {
		h := &pic.Hosts[i]
		o.byID[h.ID] = h
		if h.Asset == "" {
			o.strange = append(o.strange, h)
		} else if old := o.byAsset[h.Asset]; old == nil || old.Last.Before(h.Last) {
			o.byAsset[h.Asset] = h
		}
	}
	hc.last = o
	return o
}

// inventoryView is the register against what was observed.
type inventoryView struct {
	frame
	Filter                assetFilter
	Rows                  []assetRow
	Total                 int
	Next                  string
	Zones                 []choice
	Kinds                 []choice
	Assets, Seen, Strange int // of the whole port
	Differing             int
	NetworkAsOf           time.Time
	Hidden                bool // the network is not shown to this role
}

type assetFilter struct {
	Text, Domain, Zone, Kind, Seen string
	From                           int    // row to begin with
	Sort                           string // column, "" the order of the port file
}

// assetRow is an asset, a host, or both.
type assetRow struct {
	Asset  *port.Asset
	Host   *network.Host
	Zone   string
	Diff   []string // where what was observed differs from the register
	Hidden bool     // what was observed is not shown to this role
}

// ID, Name and Kind are those of the asset, else of the host.
func (r assetRow) Name() string {
	if r.Asset != nil {
		return r.Asset.Name
	}
	if len(r.Host.Names) > 0 {
		return r.Host.Names[0]
	}
	return r.Host.ID
}

func (r assetRow) Href() string {
	if r.Asset != nil {
		return "/inventory/" + url.PathEscape(r.Asset.ID)
	}
	return "/hosts/" + url.PathEscape(r.Host.ID)
}

func (f assetFilter) address(from int) string {
	q := url.Values{}
	for k, v := range map[string]string{"q": f.Text, "domain": f.Domain, "zone": f.Zone, "kind": f.Kind, "seen": f.Seen, "sort": f.Sort} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if from > 0 {
		q.Set("from", strconv.Itoa(from))
	}
	if len(q) == 0 {
		return "/inventory"
	}
	return "/inventory?" + q.Encode()
}

func (c *Console) inventory(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	q := r.URL.Query()
	v := inventoryView{Filter: assetFilter{Text: strings.ToLower(strings.TrimSpace(q.Get("q"))), Domain: q.Get("domain"), Zone: q.Get("zone"), Kind: q.Get("kind"), Seen: q.Get("seen"), Sort: known(q.Get("sort"), assetOrders)}}
	if n, err := strconv.Atoi(q.Get("from")); err == nil && n > 0 {
		v.Filter.From = n
	}
	p, o := c.d.Port(), c.observed(r.Context())
	v.Hidden, v.NetworkAsOf = o.hidden, o.at
	v.Assets, v.Strange = len(p.Assets), len(o.strange)
	all := reconcile(p, o)
	if by := assetOrders[v.Filter.Sort]; by != nil {
		slices.SortStableFunc(all, by)
	}
	for _, row := range all {
		if row.Asset != nil && row.Host != nil {
			v.Seen++
			if len(row.Diff) > 0 {
				v.Differing++
			}
		}
		if !v.Filter.takes(row) {
			continue
		}
		if v.Total >= v.Filter.From && len(v.Rows) < assetRows {
			v.Rows = append(v.Rows, row)
		}
		v.Total++
	}
	if end := v.Filter.From + len(v.Rows); end < v.Total {
		v.Next = v.Filter.address(end)
	}
	v.Zones, v.Kinds = zoneChoices(p), kindChoices(p)
	v.frame = c.frame(r, "Assets", "inventory")
	return inventoryPage(v), nil
}

// reconcile lays the register over what was observed: first the assets in the
// order of the port file, then hosts that it does not have.
func reconcile(p *port.Port, o *observed) []assetRow {
	out := make([]assetRow, 0, len(p.Assets)+len(o.strange))
	for i := range p.Assets {
		a := &p.Assets[i]
		row := assetRow{Asset: a, Host: o.byAsset[a.ID], Zone: a.Zone, Hidden: o.hidden}
		row.Diff = differences(p, a, row.Host)
		out = append(out, row)
	}
	for _, h := range o.strange {
		out = append(out, assetRow{Host: h, Zone: h.Zone})
	}
	return out
}

// differences compares what a device says of itself with the register; what
// either does not tell is no difference.
func differences(p *port.Port, a *port.Asset, h *network.Host) []string {
	if h == nil {
		return nil
	}
	var out []string
	differ := func(what, declared, seen string) {
		if declared != "" && seen != "" && !strings.EqualFold(strings.TrimSpace(declared), strings.TrimSpace(seen)) {
			out = append(out, what+" "+seen+", register "+declared)
		}
	}
	differ("firmware", a.Firmware, h.Firmware)
	differ("model", a.Model, h.Model)
	differ("serial", a.Serial, h.Serial)
	if h.Zone != "" && a.Zone != "" && h.Zone != a.Zone {
		out = append(out, "seen in zone "+zoneName(p, h.Zone))
	}
	return out
}

func (f assetFilter) takes(row assetRow) bool {
	if f.Zone != "" && row.Zone != f.Zone {
		return false
	}
	switch f.Seen {
	case "seen":
		if row.Host == nil || row.Asset == nil {
			return false
		}
	case "unseen":
		if row.Host != nil {
			return false
		}
	case "strange":
		if row.Asset != nil {
			return false
		}
	case "differs":
		if len(row.Diff) == 0 {
			return false
		}
	}
	if row.Asset == nil {
		return f.Domain == "" && f.Kind == "" && f.textIn(row.Host.ID, strings.Join(row.Host.IPs, " "), strings.Join(row.Host.Names, " "), row.Host.Vendor, row.Host.Product)
	}
	a := row.Asset
	if f.Domain != "" && string(a.Domain) != f.Domain || f.Kind != "" && a.Kind != f.Kind {
		return false
	}
	if f.Text == "" || f.textIn(a.ID, a.Name, a.Vendor, a.Product, a.Model, a.Serial) {
		return true
	}
	return slices.ContainsFunc(a.Addresses, func(ad port.Address) bool {
		return ad.IP.IsValid() && strings.Contains(ad.IP.String(), f.Text) || strings.Contains(ad.MAC, f.Text)
	})
}

func (f assetFilter) textIn(in ...string) bool {
	return f.Text == "" || slices.ContainsFunc(in, func(s string) bool { return s != "" && strings.Contains(strings.ToLower(s), f.Text) })
}

func zoneName(p *port.Port, id string) string {
	if z := p.Zone(id); z != nil {
		return z.Name
	}
	return dash(id)
}

func zoneChoices(p *port.Port) []choice {
	out := []choice{{"", "all"}}
	for _, z := range p.Zones {
		out = append(out, choice{z.ID, z.Name})
	}
	return out
}

func kindChoices(p *port.Port) []choice {
	var kinds []string
	seen := map[string]bool{}
	for i := range p.Assets {
		if k := p.Assets[i].Kind; !seen[k] {
			seen[k] = true
			kinds = append(kinds, k)
		}
	}
	slices.Sort(kinds)
	out := []choice{{"", "all"}}
	for _, k := range kinds {
		out = append(out, choice{k, k})
	}
	return out
}

var seenChoices = []choice{{"", "all"}, {"seen", "seen"}, {"unseen", "never seen"}, {"differs", "differs from the register"}, {"strange", "not in the register"}}

// assetView is one asset, one host, or both.
type assetView struct {
	frame
	Row      assetRow
	Port     *port.Port
	Services []serviceLine
	Findings []finding.Finding
	Uses     []network.ConduitUse
	Area     string
	Owner    string
	ZoneName string

	Marks     []network.Mark    // the history of the device
	MarksFull bool              // there was more
	Known     map[string]string // asset by the id of its device, of those that speak with it
}

func (c *Console) asset(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	p := c.d.Port()
	a := p.Asset(r.PathValue("id"))
	if a == nil {
		return nil, problem{http.StatusNotFound, "No such asset", "The port file has no asset of that id."}
	}
	o := c.observed(r.Context())
	h := o.byAsset[a.ID]
	v := assetView{Port: p, Row: assetRow{Asset: a, Host: h, Zone: a.Zone, Diff: differences(p, a, h), Hidden: o.hidden}, ZoneName: zoneName(p, a.Zone)}
	v.Services = serviceLines(p, p.ServicesOf(a.ID))
	if ar := p.Area(a.Area); ar != nil {
		v.Area = ar.Name
	}
	if o := p.Party(a.Owner); o != nil {
		v.Owner = o.Name
	}
	subjects := []string{a.ID}
	for _, ad := range a.Addresses {
		if ad.IP.IsValid() {
			subjects = append(subjects, ad.IP.String())
		}
	}
	return c.drawAsset(r, v, subjects)
}

func (c *Console) host(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	h := c.observed(r.Context()).byID[r.PathValue("id")]
	if h == nil {
		return nil, problem{http.StatusNotFound, "No such host", "Nothing of that id is seen on the network now."}
	}
	p := c.d.Port()
	return c.drawAsset(r, assetView{Port: p, Row: assetRow{Host: h, Zone: h.Zone}, ZoneName: zoneName(p, h.Zone)}, append([]string{h.ID}, h.IPs...))
}

func (c *Console) drawAsset(r *http.Request, v assetView, subjects []string) (templ.Component, error) {
	if v.Row.Host != nil {
		subjects = append(subjects, v.Row.Host.ID)
		if c.d.Past != nil {
			v.Marks, v.MarksFull, _ = c.d.Past.Marks(v.Row.Host.ID)
		}
		v.Known = map[string]string{}
		seen := c.observed(r.Context())
		for _, m := range marksOf(v.Marks, network.MarkConversation) {
			if h := seen.byID[m.Name]; h != nil {
				v.Known[m.Name] = h.Asset
			}
		}
	}
	slices.Sort(subjects)
	if len(c.domains(r.Context(), identity.ViewFindings)) > 0 {
		for _, s := range slices.Compact(subjects) {
			page, err := c.d.Desk.List(r.Context(), c.allowedQuery(r, finding.Query{Subject: s, Limit: 25}))
			if err != nil {
				return nil, err
			}
			v.Findings = append(v.Findings, page.Findings...)
		}
	}
	v.frame = c.frame(r, v.Row.Name(), "inventory")
	return assetPage(v), nil
}

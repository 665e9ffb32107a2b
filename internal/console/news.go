package console

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// Past is what the watch of the network remembers of devices.
type Past interface {
	// NewSince lists what was seen since a moment and not before.
	NewSince(q network.NewsQuery) network.Newly
	// Marks is the history of the device of that id (network.Host.ID).
	Marks(id string) (list []network.Mark, full, known bool)
}

const newsRows = 100 // a page

// newsView is what is new since a moment.
type newsView struct {
	frame
	Newly  network.Newly
	None   bool // nothing keeps a history
	Filter newsFilter
	Zones  []choice
	Kinds  []choice
	Next   string
	Error  string
}

type newsFilter struct {
	Since, Kind, Zone string
	From              int
}

// newsSpans are the spans that can be asked for, beside a date.
var newsSpans = []struct {
	value, name string
	d           time.Duration
}{
	{"8h", "8 hours", 8 * time.Hour}, {"24h", "24 hours", 24 * time.Hour}, {"72h", "3 days", 72 * time.Hour},
	{"7d", "7 days", 7 * 24 * time.Hour}, {"30d", "30 days", 30 * 24 * time.Hour},
}

// newsKinds are the kinds of news, in the order in which they are listed.
var newsKinds = []choice{
	{"", "all"}, {network.NewsDevice, "new devices"}, {network.NewsChanged, "changed identity"}, {network.MarkIdentity, "first identity"},
	{network.MarkAddress, "new addresses"}, {network.MarkService, "new services"}, {network.MarkConversation, "new conversations"},
	{network.MarkOperation, "new operations"}, {network.NewsSilent, "fallen silent"},
}

func (f newsFilter) address(from int) string {
	q := url.Values{}
	for k, v := range map[string]string{"since": f.Since, "kind": f.Kind, "zone": f.Zone} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if from > 0 {
		q.Set("from", strconv.Itoa(from))
	}
	if len(q) == 0 {
		return "/inventory/new"
	}
	return "/inventory/new?" + q.Encode()
}

// moment reads since: a span, a date (midnight UTC), or a time after RFC 3339.
func (f newsFilter) moment(now time.Time) (time.Time, bool) {
	for _, s := range newsSpans {
		if f.Since == s.value {
			return now.Add(-s.d), true
		}
	}
	for _, form := range []string{time.DateOnly, "2006-01-02T15:04", time.RFC3339} {
		if t, err := time.Parse(form, f.Since); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (c *Console) news(_ http.ResponseWriter, r *http.Request) (templ.Component, error) {
	q := r.URL.Query()
	v := newsView{Filter: newsFilter{Since: cmp.Or(q.Get("date"), q.Get("since"), "24h"), Kind: q.Get("kind"), Zone: q.Get("zone")}, None: c.d.Past == nil,
		Kinds: newsKinds, Zones: zoneChoices(c.d.Port())}
	if n, err := strconv.Atoi(q.Get("from")); err == nil && n > 0 {
		v.Filter.From = n
	}
	v.frame = c.frame(r, "New since", "inventory")
	if v.None {
		return newsPage(v), nil
	}
	since, ok := v.Filter.moment(v.Now)
	if !ok {
		v.Error = "“" + v.Filter.Since + "” is no moment that is understood: choose a span, or write a date as 2026-11-27, or a time as 2026-11-27T06:00:00Z. What follows is of the last 24 hours."
		v.Filter.Since = "24h"
		since = v.Now.Add(-24 * time.Hour)
	}
	v.Newly = c.d.Past.NewSince(network.NewsQuery{Since: since, Kind: v.Filter.Kind, Zone: v.Filter.Zone, From: v.Filter.From, Limit: newsRows})
	if end := v.Filter.From + len(v.Newly.Rows); end < v.Newly.Total {
		v.Next = v.Filter.address(end)
	}
	return newsPage(v), nil
}

// newsHref leads to the device.
func newsHref(n *network.News) string {
	if n.Asset != "" {
		return "/inventory/" + url.PathEscape(n.Asset)
	}
	return "/hosts/" + url.PathEscape(n.Host)
}

// newsPlace is where the first observation lies.
func newsPlace(m *network.Mark) string {
	if m.Evidence.Raw.Input == "" {
		return ""
	}
	return m.Evidence.Raw.Where()
}

// marksOf are the marks of one kind, as listed.
func marksOf(list []network.Mark, kind string) []network.Mark {
	from := slices.IndexFunc(list, func(m network.Mark) bool { return m.Kind == kind })
	if from < 0 {
		return nil
	}
	to := from
	for to < len(list) && list[to].Kind == kind {
		to++
	}
	return list[from:to]
}

// operationLine is one thing that was asked of a device, with the judgement of the
// port file.
type operationLine struct {
	network.Touch
	Approved bool
	Why      string
}

// operationsOf judges the operations of a row as the watch does.
func (v *assetView) operationsOf() []operationLine {
	if v.Row.Host == nil || v.Port == nil {
		return nil
	}
	var at netip.Addr
	if ips := v.Row.Host.IPs; len(ips) > 0 {
		at, _ = netip.ParseAddr(ips[len(ips)-1]) // without one it is in no zone
	}
	out := make([]operationLine, 0, len(v.Row.Host.Operations))
	for _, t := range v.Row.Host.Operations {
		client := v.Port.AssetByMAC(t.Client)
		if ip, err := netip.ParseAddr(t.Client); err == nil {
			client = v.Port.AssetByIP(ip)
		}
		l := operationLine{Touch: t}
		l.Approved, l.Why = v.Port.MayOperate(client, v.Row.Asset, at, t.Operation, t.Last)
		out = append(out, l)
	}
	return out
}

// answered says what the device answered to operations.
func answered(t *network.Touch) string {
	if t.Accepted+t.Refused == 0 {
		return number(t.Asked) + " asked, no answer seen"
	}
	return number(t.Asked) + " asked, " + number(t.Accepted) + " accepted, " + number(t.Refused) + " refused"
}

// newsOne names one row of a kind that has no mark of its own.
var newsOne = map[string]string{
	network.MarkIdentity: "first identity", network.MarkAddress: "new address", network.MarkService: "new service",
	network.MarkConversation: "new conversation", network.MarkOperation: "new operation",
}

// sinceChoices are the newsSpans, and the moment that was asked for where it is none.
func sinceChoices(v newsView) []choice {
	out := make([]choice, 0, len(newsSpans)+1)
	found := false
	for _, s := range newsSpans {
		out = append(out, choice{s.value, s.name})
		found = found || s.value == v.Filter.Since
	}
	if !found {
		out = append(out, choice{v.Filter.Since, v.Filter.Since})
	}
	return out
}

// newsSum counts the rows by kind.
func newsSum(v newsView) string {
	var out []string
	for _, k := range newsKinds[1:] {
		if n := v.Newly.Counts[k.Value]; n > 0 {
			out = append(out, number(n)+" "+k.Name)
		}
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, " · ")
}

// newsNotes say what the answer can't know.
func newsNotes(n network.Newly) []string {
	var out []string
	switch {
	case n.From.IsZero():
		out = append(out, "No network source has told anything yet: that nothing is new says nothing about the devices.")
	case n.From.After(n.Since):
		out = append(out, "The watch knows of nothing before "+iso(n.From)+": what was there longer is listed as new too.")
	}
	if len(n.Gaps) > 0 {
		longest := n.Gaps[0]
		out = append(out, "From "+span(n.Deaf)+" of the time since then there is no row of the network at all, in "+plural(len(n.Gaps)+n.GapsLeft, "gap", "gaps")+
			"; the longest from "+iso(longest.From)+" to "+iso(longest.To)+". What came and went in them is not known.")
	}
	if n.Full > 0 {
		out = append(out, "Of "+plural(n.Full, "device", "devices")+" more was seen than a history holds: what is new of them may be missing.")
	}
	if n.Lost > 0 {
		out = append(out, number(n.Lost)+" devices were forgotten because there were too many; those that come back are listed as new.")
	}
	return out
}

func newsNothing(v newsView) string {
	if len(v.Newly.Counts) > 0 {
		return "Something is new, and nothing of it fits the filter."
	}
	return "No device, identity, address, service, conversation or operation was seen for the first time since then. What no source watches is not known."
}

// hostHref leads to the device of an id: to its asset where it has one.
func hostHref(v assetView, id string) string {
	if a := v.Known[id]; a != "" {
		return "/inventory/" + url.PathEscape(a)
	}
	return "/hosts/" + url.PathEscape(id)
}

// serviceSince is when a service was seen first: its history reaches further back than
// the picture, which begins with the start of the server.
func serviceSince(v assetView, s network.Service) time.Time {
	since := s.First
	for _, m := range marksOf(v.Marks, network.MarkService) {
		if m.Name == s.Transport+"/"+strconv.Itoa(int(s.Port)) && m.First.Before(since) {
			since = m.First
		}
	}
	return since
}

// hostName is the name in the register of the device of an id, else the id.
func hostName(v assetView, id string) string {
	if a := v.Port.Asset(v.Known[id]); a != nil {
		return a.Name
	}
	return id
}

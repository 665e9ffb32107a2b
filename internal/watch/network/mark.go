package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Kinds of mark.
const (
	MarkIdentity     = "identity"     // what the device said of itself; Name is the field
	MarkAddress      = "address"      // an IP address that it has, told by ARP, DHCP or its own packets
	MarkService      = "service"      // a port that it answers on; Name is transport and port
	MarkConversation = "conversation" // a client that it answers; Name is the client
	MarkOperation    = "operation"    // what was asked of it; Name is the client
)

// Bounds of marks.
const (
	maxMarks    = 512       // of one device
	maxAllMarks = 1_000_000 // of all devices
)

// notRecognised is the application of a service whose content told none.
const notRecognised = "not recognised"

// Mark is one thing that was seen of a device: since when, until when, and the first
// observation of it. Marks together are the device's history: which firmware it told
// from when to when, who its clients are and since when.
type Mark struct {
	Kind  string    `json:"kind"`
	Name  string    `json:"name"`         // see the kinds
	Value string    `json:"value"`        // what was said; application; operation and function
	By    string    `json:"by,omitempty"` // protocol that told it
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Verdict is how the conversation stood to the conduits when it was seen last, with
	// the reason; "" for other kinds and where there is no port file.
	Verdict  Verdict          `json:"verdict,omitempty"`
	Why      string           `json:"why,omitempty"`
	Evidence finding.Evidence `json:"evidence"` // of the first
}

type markKey struct {
	kind, name, value, by string
	spell                 int // of an identity: a value may come, go and come again
}

// marks are those of one device.
type marks struct {
	rows   map[markKey]*Mark
	spells int       // that were given out
	newest time.Time // the latest First: who looks for what is new passes over the others
	full   bool      // there was more than is kept
}

// mark notes something of a device of the port; what stands outside it has no history
// here. Rows may come late: the earliest is the first.
func (w *Watch) mark(h *host, kind, name, value, by string, first, last time.Time, head *event.Head) *Mark {
	if h == nil || value == "" || !w.ours(h) {
		return nil
	}
	k := markKey{kind: kind, name: name, value: value, by: by}
	m := h.marks.rows[k]
	if m == nil {
		if len(h.marks.rows) >= maxMarks || w.hosts.marked >= maxAllMarks {
			h.marks.full = true
			return nil
		}
		w.hosts.marked++
		m = &Mark{Kind: kind, Name: name, Value: value, By: by, First: first, Last: last, Evidence: finding.EvidenceOf(*head)}
		h.marks.add(k, m)
		return m
	}
	if first.Before(m.First) {
		m.First, m.Evidence = first, finding.EvidenceOf(*head)
	}
	m.Last = laterOf(m.Last, last)
	return m
}

// ours reports whether a device is of the port: it is in the register, or in a zone of
// the port. Without a port file all are.
func (w *Watch) ours(h *host) bool { return w.port == nil || h.asset != nil || !outside(w.zoneOf(h)) }

func (s *marks) add(k markKey, m *Mark) {
	if s.rows == nil {
		s.rows = map[markKey]*Mark{}
	}
	s.rows[k] = m
	s.newest = laterOf(s.newest, m.First)
}

func (s *marks) spell() int {
	s.spells++
	return s.spells
}

// absorb takes over those of another record of the same device.
func (s *marks) absorb(o *marks) {
	for k, theirs := range o.rows {
		if k.kind == MarkIdentity {
			k.spell = s.spell()
		}
		mine := s.rows[k]
		switch {
		case mine == nil && len(s.rows) < maxMarks:
			s.add(k, theirs)
		case mine == nil:
			s.full = true
		default:
			if theirs.First.Before(mine.First) {
				mine.First, mine.Evidence = theirs.First, theirs.Evidence
			}
			if theirs.Last.After(mine.Last) {
				mine.Last, mine.Verdict, mine.Why = theirs.Last, theirs.Verdict, theirs.Why
			}
		}
	}
	s.full = s.full || o.full
}

// recall takes over those of a snapshot.
func (s *marks) recall(list []Mark, full bool) {
	for i := range list[:min(len(list), maxMarks)] {
		m := list[i]
		k := markKey{kind: m.Kind, name: m.Name, value: m.Value, by: m.By}
		if m.Kind == MarkIdentity {
			k.spell = s.spell()
		}
		s.add(k, &m)
	}
	s.full = full
}

// list gives copies, by kind, then the newest first.
func (s *marks) list() []Mark {
	out := make([]Mark, 0, len(s.rows))
	for _, m := range s.rows {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b Mark) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), b.First.Compare(a.First), cmp.Compare(a.Name, b.Name), cmp.Compare(a.By, b.By), cmp.Compare(a.Value, b.Value))
	})
	return out
}

// maxSpells bounds how often one field may change before the oldest value goes.
const maxSpells = 32

// said notes the value that a field of an identity had at a moment, by the device's own
// word. A value that comes back is another spell, so that a change back is a change.
func (w *Watch) said(h *host, field, value string, d *event.DeviceSighting) {
	if value == "" || !w.ours(h) {
		return
	}
	var spells []*Mark
	for k, m := range h.marks.rows {
		if k.kind == MarkIdentity && k.name == field && k.by == d.Protocol {
			spells = append(spells, m)
		}
	}
	slices.SortFunc(spells, func(a, b *Mark) int { return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Value, b.Value)) })
	i := len(spells) - 1 // the spell that the moment lies in or behind
	for i >= 0 && spells[i].First.After(d.Time) {
		i--
	}
	switch {
	case i >= 0 && spells[i].Value == value:
		spells[i].Last = laterOf(spells[i].Last, d.Time)
	case i >= 0 && !d.Time.After(spells[i].Last): // a late row that contradicts: two sources do not agree on when
	case i+1 < len(spells) && spells[i+1].Value == value:
		spells[i+1].First, spells[i+1].Evidence = d.Time, finding.EvidenceOf(d.Head)
	default:
		if len(spells) >= maxSpells {
			h.marks.drop(spells[0])
			w.hosts.marked--
		}
		if len(h.marks.rows) >= maxMarks || w.hosts.marked >= maxAllMarks {
			h.marks.full = true
			return
		}
		w.hosts.marked++
		h.marks.add(markKey{MarkIdentity, field, value, d.Protocol, h.marks.spell()},
			&Mark{Kind: MarkIdentity, Name: field, Value: value, By: d.Protocol, First: d.Time, Last: d.Time, Evidence: finding.EvidenceOf(d.Head)})
	}
}

func (s *marks) drop(m *Mark) {
	for k, o := range s.rows {
		if o == m {
			delete(s.rows, k)
			return
		}
	}
}

// markIdentity notes what a device told of itself.
func (w *Watch) markIdentity(h *host, d *event.DeviceSighting) {
	for _, said := range [...][2]string{{"name", d.Name}, {"vendor", d.Vendor}, {"product", d.Product}, {"model", d.Model}, {"firmware", d.Firmware}, {"serial", d.Serial}} {
		w.said(h, said[0], said[1], d)
	}
	if d.MAC != "" && d.IP != "" && slices.Contains(h.ips, d.IP) {
		w.mark(h, MarkAddress, d.MAC, d.IP, d.Protocol, d.Time, d.Time, &d.Head)
	}
}

// markFlow notes a service and who uses it.
func (w *Watch) markFlow(f *event.Flow, client, server *host, j *judgement) {
	if client == nil || server == nil || client == server || !f.Answered || f.Direction != event.DirectionSeen {
		return
	}
	service := w.services.of(f)
	w.mark(server, MarkService, service.name, cmp.Or(f.Application, notRecognised), "", f.Time, f.Last, &f.Head)
	// Who asks a device of the port is its history; whom a device of the port asks outside
	// is the history of the device.
	of, name := server, client.id()
	if !w.ours(server) {
		of, name = client, "→ "+server.id()
	}
	m := w.mark(of, MarkConversation, name, service.whole, "", f.Time, f.Last, &f.Head)
	if m != nil && j != nil && !f.Last.Before(m.Last) {
		m.Verdict, m.Why = j.verdict, j.why
	}
}

// services remembers how services are written, which is asked for with each flow.
type services map[serviceOf]serviceText

type serviceOf struct {
	transport, application string
	port                   uint16
}

type serviceText struct {
	name  string // "tcp/502"
	whole string // "tcp/502 modbus"
}

const maxServiceTexts = 4096

func (s services) of(f *event.Flow) serviceText {
	k := serviceOf{f.Transport, f.Application, f.Server.Port}
	t, known := s[k]
	if !known {
		t.name = fmt.Sprintf("%s/%d", f.Transport, f.Server.Port)
		t.whole = strings.TrimSpace(t.name + " " + f.Application)
		if len(s) >= maxServiceTexts {
			clear(s)
		}
		s[k] = t
	}
	return t
}

func (w *Watch) markOperation(o *event.DeviceOperation, device *host) {
	value := o.Function // the first word is the operation; see approvedMark
	if !strings.HasPrefix(value+" ", o.Operation+" ") {
		value = strings.TrimSpace(o.Operation + " " + value)
	}
	w.mark(device, MarkOperation, addressOf(o.Client), value, o.Protocol, o.Time, o.Last, &o.Head)
}

// Marks is the history of a device by its id (Host.ID), by kind, then the newest first.
// full says that there was more than is kept; known is false where there is no such
// device.
func (w *Watch) Marks(id string) (list []Mark, full, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.hosts.byName(id)
	if h == nil {
		return nil, false, false
	}
	return h.marks.list(), h.marks.full, true
}

// byName gives the host of an id, nil where there is none.
func (x *hosts) byName(id string) *host {
	kind, address, _ := strings.Cut(id, ":")
	var h *host
	switch kind {
	case "mac":
		h = x.byMAC[address]
	case "ip":
		h = x.byIP[address]
	}
	if h == nil || h.id() != id {
		return nil
	}
	return h
}

// Kinds of news beside those of marks.
const (
	NewsDevice  = "device"  // it was never seen before
	NewsChanged = "changed" // it says something else of itself than before
	NewsSilent  = "silent"  // it was heard, and is not any more
)

// News is one thing that is new of one device.
type News struct {
	Kind  string    `json:"kind"` // of news or of marks
	Time  time.Time `json:"time"`
	Host  string    `json:"host"`            // id
	Asset string    `json:"asset,omitempty"` // id
	Name  string    `json:"name"`            // of the asset, else what the device is known by
	Zone  string    `json:"zone,omitempty"`  // id
	Mark  Mark      `json:"mark,omitzero"`   // the first that is known of a new device; zero for silence
	Was   string    `json:"was,omitempty"`   // what the device said before, of a change
	// Approved is whether the port file lets the client ask that, of an operation: "yes",
	// "no", "" for others and without a port file; Why is the reason.
	Approved string `json:"approved,omitempty"`
	Why      string `json:"why,omitempty"`
	Text     string `json:"text"`
}

// NewsQuery asks for what is new.
type NewsQuery struct {
	Since      time.Time
	Kind, Zone string // of news, and the id of a zone; "" for all
	From       int    // row to begin with, the newest is 0
	Limit      int    // rows to give; 0: 1000
}

// Newly is the answer to what is new since a moment.
type Newly struct {
	Since time.Time `json:"since"`
	AsOf  time.Time `json:"as_of"`
	// From is the earliest observation that the watch knows of: what was there before
	// is not known, and everything is new to a watch that has just begun.
	From time.Time `json:"from,omitzero"`
	// Gaps are the times since then from which there is no row at all, to ten minutes, the
	// longest first, at most a hundred: nobody listened, or nobody spoke.
	Gaps     []Span         `json:"gaps"`
	GapsLeft int            `json:"gaps_left,omitempty"`
	Deaf     time.Duration  `json:"deaf_ns"` // all gaps together
	Full     int            `json:"full"`    // devices of whose history only a part is kept
	Lost     uint64         `json:"lost"`    // devices that were forgotten at the bound
	Counts   map[string]int `json:"counts"`  // by kind, of all kinds and zones
	Total    int            `json:"total"`   // rows of the kind and zone that was asked for
	Rows     []News         `json:"rows"`    // the newest first
}

const newsLimit = 1000

// novelty is a row of news that is not written yet: of a hundred thousand, a page is.
type novelty struct {
	kind string
	at   time.Time
	host *host
	mark *Mark // nil for devices and silence
}

// NewSince lists what was seen since a moment and not before: devices, what they say
// of themselves, addresses, services, clients, operations; and devices that were heard
// after it and are silent now. What is new of a device that is new itself is not listed
// beside it. Time is that of the observations.
func (w *Watch) NewSince(q NewsQuery) Newly {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := Newly{Since: q.Since, AsOf: w.asOf, From: w.from(), Lost: w.hosts.lost, Counts: map[string]int{}, Rows: []News{}}
	out.Gaps, out.GapsLeft, out.Deaf = w.covered.longest(q.Since, w.newest)
	var found []novelty
	w.hosts.each(func(h *host) {
		if h.marks.full {
			out.Full++
		}
		if !h.there() || h.last.Before(q.Since) || !w.ours(h) {
			return
		}
		begun := len(found)
		found = w.noveltiesOf(h, q.Since, found)
		kept := found[:begun]
		for _, n := range found[begun:] {
			out.Counts[n.kind]++
			if (q.Kind == "" || q.Kind == n.kind) && (q.Zone == "" || zoneID(w.zoneOf(h)) == q.Zone) {
				kept = append(kept, n)
			}
		}
		found = kept
	})
	out.Total = len(found)
	limit := q.Limit
	if limit <= 0 {
		limit = newsLimit
	}
	from := min(max(q.From, 0), len(found))
	found = newest(found, from+limit)
	slices.SortFunc(found, func(a, b novelty) int {
		if c := b.at.Compare(a.at); c != 0 { // as nearly always: the rest is dearer
			return c
		}
		return cmp.Or(cmp.Compare(a.host.id(), b.host.id()), cmp.Compare(a.kind, b.kind), compareMarks(a.mark, b.mark))
	})
	for _, n := range found[from:min(from+limit, len(found))] {
		out.Rows = append(out.Rows, w.write(n))
	}
	return out
}

// newest leaves out what is older than the newest n, so that less has to be put in order.
func newest(all []novelty, n int) []novelty {
	if n >= len(all)/4 {
		return all
	}
	times := make([]int64, len(all))
	for i := range all {
		times[i] = all[i].at.UnixNano()
	}
	slices.Sort(times)
	oldest := times[len(times)-n]
	return slices.DeleteFunc(all, func(x novelty) bool { return x.at.UnixNano() < oldest })
}

func compareMarks(a, b *Mark) int {
	if a == nil || b == nil {
		return 0 // one of a kind on a device
	}
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value), cmp.Compare(a.By, b.By))
}

// each visits every host once, in no order.
func (x *hosts) each(visit func(*host)) {
	for mac, h := range x.byMAC {
		if len(h.macs) > 0 && h.macs[0] == mac {
			visit(h)
		}
	}
	for ip, h := range x.byIP {
		if len(h.macs) == 0 && h.ips[len(h.ips)-1] == ip {
			visit(h)
		}
	}
}

// there reports whether it is a device at all: an address that was only spoken to is none.
func (h *host) there() bool { return h.talked || h.spoke || h.gateway() }

func (w *Watch) noveltiesOf(h *host, since time.Time, out []novelty) []novelty {
	if w.watched-h.watched >= w.o.SilentAfter {
		out = append(out, novelty{NewsSilent, h.last, h, nil})
	}
	if !h.first.Before(since) {
		return append(out, novelty{NewsDevice, h.first, h, nil})
	}
	if h.marks.newest.Before(since) {
		return out
	}
	for _, m := range h.marks.rows {
		if m.First.Before(since) || h.marks.knows(m) {
			continue
		}
		kind := m.Kind
		if kind == MarkIdentity && h.marks.before(m) != "" {
			kind = NewsChanged
		}
		out = append(out, novelty{kind, m.First, h, m})
	}
	return out
}

// approvedMark judges an operation of the history as it was judged when it was seen.
func (w *Watch) approvedMark(device *host, m *Mark) (approved, why string) {
	client := w.port.AssetByMAC(m.Name)
	if ip, err := netip.ParseAddr(m.Name); err == nil {
		client = assetOf(w.hosts.byIP[m.Name])
		if client == nil {
			client = w.port.AssetByIP(ip)
		}
	}
	at, _ := netip.ParseAddr(device.address()) // below IP: in no zone
	operation, _, _ := strings.Cut(m.Value, " ")
	may, why := w.port.MayOperate(client, device.asset, at, operation, m.Last)
	if may {
		return "yes", why
	}
	return "no", why
}

// write makes the row.
func (w *Watch) write(n novelty) News {
	h := n.host
	out := News{Kind: n.kind, Time: n.at, Host: h.id(), Asset: assetID(h), Name: w.name(h, h.address()), Zone: zoneID(w.zoneOf(h))}
	switch n.kind {
	case NewsSilent:
		out.Text = fmt.Sprintf("was heard last at this time, and not in %s in which others were", (w.watched - h.watched).Round(time.Minute))
	case NewsDevice:
		out.Text = "is seen for the first time: " + strings.Join(append(slices.Clone(h.ips), h.macs...), ", ")
		for _, m := range h.marks.rows { // the first that is known of it
			if f := &out.Mark; f.First.IsZero() || m.First.Before(f.First) || m.First.Equal(f.First) && cmp.Or(cmp.Compare(m.Kind, f.Kind), compareMarks(m, f)) < 0 {
				out.Mark = *m
			}
		}
	case NewsChanged:
		out.Mark, out.Was = *n.mark, h.marks.before(n.mark)
		out.Text = "says " + n.mark.Name + " " + n.mark.Value + " over " + n.mark.By + ", and said " + out.Was + " before"
	default:
		out.Mark, out.Text = *n.mark, w.markText(n.mark)
		if n.kind == MarkOperation && w.port != nil {
			out.Approved, out.Why = w.approvedMark(h, n.mark)
		}
	}
	return out
}

// markText says a mark in words.
func (w *Watch) markText(m *Mark) string {
	switch m.Kind {
	case MarkIdentity:
		return "says " + m.Name + " " + m.Value + " over " + m.By
	case MarkAddress:
		return "has the address " + m.Value
	case MarkService:
		return "answers on " + m.Name + ", " + m.Value
	case MarkConversation:
		verb, id := "answers ", m.Name
		if to, out := strings.CutPrefix(id, "→ "); out {
			verb, id = "speaks with ", to
		}
		name := id
		if h := w.hosts.byName(id); h != nil {
			name = w.name(h, h.address())
		}
		return verb + name + " on " + m.Value
	}
	return "was asked " + m.Value + " by " + m.Name + " over " + m.By
}

// service splits a mark of a service or a conversation; application is "" where the
// content told none.
func (m *Mark) service() (service, application string) {
	if m.Kind == MarkService {
		if m.Value == notRecognised {
			return m.Name, ""
		}
		return m.Name, m.Value
	}
	service, application, _ = strings.Cut(m.Value, " ")
	return service, application
}

// knows reports whether a service or conversation was there before m without its
// content being recognised, or was and m's is not: it is the same one.
func (s *marks) knows(m *Mark) bool {
	if m.Kind != MarkService && m.Kind != MarkConversation {
		return false
	}
	service, application := m.service()
	for _, o := range s.rows {
		if o.Kind != m.Kind || !o.First.Before(m.First) || m.Kind == MarkConversation && o.Name != m.Name {
			continue
		}
		if at, what := o.service(); at == service && (what == "" || application == "") {
			return true
		}
	}
	return false
}

// before is what the same field was told to be by the same protocol until m, "" where
// nothing was.
func (s *marks) before(m *Mark) string {
	was, at := "", time.Time{}
	for _, o := range s.rows {
		if o.Kind == m.Kind && o.Name == m.Name && o.By == m.By && o.First.Before(m.First) && o.First.After(at) {
			was, at = o.Value, o.First
		}
	}
	return was
}

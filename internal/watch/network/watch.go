// Package network watches who speaks with whom: which devices there are, what
// they are, and whether the traffic between zones is what the conduits allow.
// It exists so that the separation of IT and OT is proven from observed traffic
// rather than claimed. It reads the port and flows and sightings of devices; it
// sends nothing.
//
// Verdicts are three-valued: allowed, undeclared, or undecided with the reason.
// A lost handshake, an unrecognised protocol or unknown operations never become
// a guess.
package network

import (
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Options set the limits of the watch. A zero field means its default.
type Options struct {
	MaxHosts    int           // devices remembered; 100,000
	MaxUses     int           // rows of the conduit table; 20,000
	ScanTargets int           // unanswered address and port pairs within a minute that are a scan; 20
	Repeat      time.Duration // how often a condition that goes on is told again; 5 min
	ClearAfter  time.Duration // of listening without such traffic after which it is over; 1 h
	ScanQuiet   time.Duration // of listening without a scanning minute after which a scan is over; 30 min
	Learn       time.Duration // of listening over which what a device does is taken for usual; 7 days
	SilentAfter time.Duration // of listening after which a controller that was not heard has fallen silent; 1 h
	AbsentAfter time.Duration // of listening after which a device that was not heard is gone; 24 h
}

func (o Options) withDefaults() Options {
	if o.MaxHosts <= 0 {
		o.MaxHosts = 100_000
	}
	if o.MaxUses <= 0 {
		o.MaxUses = 20_000
	}
	if o.ScanTargets <= 0 {
		o.ScanTargets = 20
	}
	if o.Repeat <= 0 {
		o.Repeat = 5 * time.Minute
	}
	if o.ClearAfter <= 0 {
		o.ClearAfter = time.Hour
	}
	if o.ScanQuiet <= 0 {
		o.ScanQuiet = 30 * time.Minute
	}
	if o.Learn <= 0 {
		o.Learn = 7 * 24 * time.Hour
	}
	if o.SilentAfter <= 0 {
		o.SilentAfter = time.Hour
	}
	if o.AbsentAfter <= 0 {
		o.AbsentAfter = 24 * time.Hour
	}
	return o
}

// Watch holds the state. Make one with New. Observe and Advance are called from
// one goroutine, Picture from any.
type Watch struct {
	port *port.Port
	o    Options
	emit func(finding.Occurrence)

	mu         sync.Mutex
	asOf       time.Time
	newest     time.Time // event seen
	oldest     time.Time
	before     time.Time     // the oldest that an earlier run saw; zero: there was none
	watched    time.Duration // that events covered, see heard
	hosts      *hosts
	uses       *uses
	breaches   map[string]*breach
	scans      map[string]*scanner
	strange    map[string]*stranger // by the address that names the finding
	differ     map[string]*differing
	operations map[string]*unapproved // by client and device
	plates     map[plateKey]*plate
	movers     map[string]*mover    // by asset
	presence   map[string]*presence // by asset
	zones      map[string]*spell    // that were heard
	services   services
	covered    covered    // times from which there are rows
	listen     *listening // of the real watch, its exercises included
	swept      time.Time

	// exercises hold what belongs to each exercise, apart from what is real.
	exercises map[string]*Watch

	drawn Picture // given last; its slices are shared with whoever asked
	still bool    // it is right but for its hosts
	same  bool    // so are they
}

// maxExercises bounds the exercises that are watched at once; rows of further
// ones are left out.
const maxExercises = 16

// New makes a watch over the port; nil is no port: an inventory without zones,
// verdicts and findings.
func New(p *port.Port, o Options, emit func(finding.Occurrence)) *Watch {
	o = o.withDefaults()
	if emit == nil {
		emit = func(finding.Occurrence) {}
	}
	return &Watch{port: p, o: o, emit: emit, hosts: newHosts(p, o.MaxHosts), uses: newUses(o.MaxUses),
		breaches: map[string]*breach{}, scans: map[string]*scanner{}, strange: map[string]*stranger{},
		differ: map[string]*differing{}, operations: map[string]*unapproved{},
		plates: map[plateKey]*plate{}, movers: map[string]*mover{}, presence: map[string]*presence{}, zones: map[string]*spell{}, services: services{}, listen: &listening{}}
}

// Observe takes in a batch. Rows may be late, repeated or out of order.
func (w *Watch) Observe(b *event.Batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.still, w.same = false, false
	for i := range b.Devices {
		if to := w.apart(b.Devices[i].Exercise); to != nil {
			to.device(timedSighting(&b.Devices[i]))
		}
	}
	for i := range b.Flows {
		if to := w.apart(b.Flows[i].Exercise); to != nil {
			to.flow(timed(&b.Flows[i]))
		}
	}
	for i := range b.Operations {
		if to := w.apart(b.Operations[i].Exercise); to != nil {
			to.operation(timedOperation(&b.Operations[i]))
		}
	}
}

// apart is the state that rows of an exercise belong to: an exercise must not
// change the inventory or the conduits of the real port. nil: too many at once.
func (w *Watch) apart(exercise string) *Watch {
	if exercise == "" {
		return w
	}
	e := w.exercises[exercise]
	if e == nil && len(w.exercises) < maxExercises {
		if w.exercises == nil {
			w.exercises = map[string]*Watch{}
		}
		e = New(w.port, w.o, func(o finding.Occurrence) { w.emit(o) })
		e.listen = w.listen
		w.exercises[exercise] = e
	}
	return e
}

// Advance moves the clock to now (event time), and tells what is over.
func (w *Watch) Advance(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.still = w.still && !now.After(w.asOf)
	w.asOf = laterOf(w.asOf, now)
	w.listen.advance(now)
	if now.Sub(w.swept).Abs() < time.Minute {
		return
	}
	w.swept = now
	w.sweep()
	for _, id := range sortedKeys(w.exercises) {
		w.exercises[id].sweep()
	}
}

// sweep tells what is over.
func (w *Watch) sweep() {
	w.clearBreaches()
	w.clearScans()
	w.clearStrangers()
	w.clearUnapproved()
	w.clearMoved()
	w.absent()
}

// maxQuiet is the longest time without any event that still counts as watched:
// between two recordings of different years nobody watched.
const maxQuiet = 10 * time.Minute

// heard moves the clock on, and counts the time over which there were events.
func (w *Watch) heard(at time.Time) {
	w.listen.fresh = true
	w.covered.add(at)
	w.asOf = laterOf(w.asOf, at)
	if gap := at.Sub(w.newest); !w.newest.IsZero() && gap > 0 && gap <= maxQuiet {
		w.watched += gap
	}
	w.newest = laterOf(w.newest, at)
	if w.oldest.IsZero() || at.Before(w.oldest) {
		w.oldest = at
	}
}

// from is the earliest observation that is known of, those of earlier runs too.
func (w *Watch) from() time.Time {
	if w.oldest.IsZero() || !w.before.IsZero() && w.before.Before(w.oldest) {
		return w.before
	}
	return w.oldest
}

// saw notes that a host was there.
func (w *Watch) saw(h *host, at time.Time, source string) {
	h.seen(at, source)
	h.watched = w.watched
}

// device takes a sighting in.
func (w *Watch) device(d *event.DeviceSighting) {
	w.heard(d.Time)
	ip, err := netip.ParseAddr(d.IP)
	usable := err == nil && unicast(ip)
	var h *host
	switch {
	case usable && d.MAC != "" && !groupMAC(d.MAC):
		h = w.hosts.bind(d.MAC, d.IP, d.Time)
	case d.MAC != "" && !groupMAC(d.MAC) && virtual(d.MAC) == "":
		h = w.hosts.mac(d.MAC, d.Time)
	case usable:
		h = w.hosts.ip(d.IP, d.Time)
	default:
		return
	}
	w.saw(h, d.Time, d.Source)
	if d.Protocol != "tls" { // a server's name in TLS is told by its clients
		h.talked = true
	}
	if d.Behind != "" {
		h.speaksFor(d)
	} else {
		h.tell(d)
	}
	if d.Protocol != "tls" {
		w.unregistered(h, &d.Head, d.IP, "told itself by "+d.Protocol)
	}
	w.markIdentity(h, d)
	w.mismatch(h)
	w.changed(h, d)
}

// flow takes a conversation in.
func (w *Watch) flow(f *event.Flow) {
	w.heard(f.Last)
	client, server := w.hosts.ends(f)
	w.count(f, client, server)
	if w.port == nil {
		w.markFlow(f, client, server, nil)
		return
	}
	j, ok := judge(w.port, f, w.hosts.broadcast)
	if ok {
		w.uses.add(f, &j)
		w.markFlow(f, client, server, &j)
	}
	scanning := w.scan(f, client)
	if client != nil && f.PacketsOut > 0 {
		w.unregistered(client, &f.Head, f.Client.IP, "sent packets")
	}
	if server != nil && f.PacketsIn > 0 {
		w.unregistered(server, &f.Head, f.Server.IP, "sent packets")
	}
	w.usual(f, client, server)
	if ok && j.verdict == Undeclared && (!scanning || f.Answered) {
		w.breach(f, &j, client, server)
	}
}

// count adds the flow to both hosts.
func (w *Watch) count(f *event.Flow, client, server *host) {
	if client != nil {
		w.saw(client, f.Last, f.Source)
		client.first = earlier(client.first, f.Time)
		client.flows++
		client.out, client.in = client.out+f.BytesOut, client.in+f.BytesIn
		client.talked = client.talked || f.PacketsOut > 0
	}
	if server == nil {
		return
	}
	if server != client {
		w.countServer(f, server)
	}
	if f.Direction != event.DirectionSeen || client == nil {
		return
	}
	client.ask(f, server.address())
	if f.Answered {
		server.serve(f, client.address(), client.asksControllers())
	}
}

func (w *Watch) countServer(f *event.Flow, server *host) {
	if f.PacketsIn > 0 || server.asset != nil || server.talked {
		w.saw(server, f.Last, f.Source)
		server.first = earlier(server.first, f.Time)
	}
	server.flows++
	server.out, server.in = server.out+f.BytesIn, server.in+f.BytesOut
	server.talked = server.talked || f.PacketsIn > 0
}

// Picture is what is known now of the real port; exercises are left out. It is
// drawn anew only when something came in or the clock moved, so its slices are
// shared: who gets them reads them and does not write.
func (w *Watch) Picture() Picture {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.still {
		w.drawn.AsOf, w.drawn.Uses = w.asOf, w.uses.list(w.port, w.watched, w.asOf)
	}
	if !w.same {
		w.drawn.Hosts = w.draw()
	}
	w.still, w.same = true, true
	return w.drawn
}

// draw lists the hosts. Most are as they were drawn before.
func (w *Watch) draw() []Host {
	all := w.hosts.all()
	out := make([]Host, 0, len(all))
	for _, h := range all {
		if !h.talked && !h.gateway() {
			continue // an address that was only spoken to is no device
		}
		if h.drawn == nil {
			drawn := w.describe(h)
			h.drawn = &drawn
		}
		out = append(out, *h.drawn)
	}
	return out
}

func (w *Watch) describe(h *host) Host {
	role, why, probability := h.role()
	out := Host{ID: h.id(), MACs: append([]string(nil), h.macs...), IPs: append([]string(nil), h.ips...), Names: append([]string(nil), h.names...),
		Vendor: h.fields[vendor].value, Product: h.fields[product].value, Model: h.fields[model].value,
		Firmware: h.fields[firmware].value, Serial: h.fields[serial].value,
		Role: role, RoleWhy: why, RoleProbability: probability, First: h.first, Last: h.last, Flows: h.flows, BytesOut: h.out, BytesIn: h.in,
		Sources: append([]string(nil), h.sources...), Facts: maps.Clone(h.facts), Behind: h.listBehind()}
	if len(h.touches) > 0 {
		out.Operations = h.listTouches()
	}
	for _, m := range h.macs {
		if out.Vendor == "" {
			out.Vendor = maker(m)
		}
	}
	if h.asset != nil {
		out.Asset, out.Zone = h.asset.ID, h.asset.Zone
	}
	if z := w.zoneOf(h); z != nil {
		out.Zone = z.ID
	}
	for _, k := range h.serviceKeys() {
		s := h.services[k]
		out.Services = append(out.Services, Service{Transport: k.transport, Port: k.port, Application: s.application, First: s.first, Last: s.last, Clients: len(s.clients)})
	}
	return out
}

// zoneOf is the zone of the newest address that has one.
func (w *Watch) zoneOf(h *host) *port.Zone {
	if w.port == nil {
		return nil
	}
	for i := len(h.ips) - 1; i >= 0; i-- {
		if ip, err := netip.ParseAddr(h.ips[i]); err == nil {
			if z := w.port.ZoneOf(ip); z != nil {
				return z
			}
		}
	}
	return nil
}

// zoneAt is the zone of an address in text, nil where there is none.
func (w *Watch) zoneAt(ip string) *port.Zone {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return nil
	}
	return w.port.ZoneOf(a)
}

package network

import (
	"cmp"
	"fmt"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Rules about what is new for a device after its learning period.
const (
	RuleNewTalker    = "network.new-talker"
	RuleNewService   = "network.new-service"
	RuleNewOperation = "network.new-operation"
)

// Bounds of what is learned of one device. A device that has more habits is too
// busy for new ones to mean anything: it is then not judged.
const maxHabits = 2048

// habits are what is usual for a device: its learning begins when it is first
// heard, and takes Options.Learn of listening.
type habits struct {
	began time.Duration   // listening.total when learning began
	known map[string]bool // of each rule: "talker …", "service …", "operation …"
	full  bool
}

// learned reports whether the habit is new for a device whose learning is over.
// What is new is a habit from then on: it is told once.
func (w *Watch) learned(h *host, habit string) (isNew bool) {
	if h.habits == nil {
		h.habits = &habits{began: w.listen.total, known: map[string]bool{}}
	}
	b := h.habits
	if b.known[habit] || b.full {
		return false
	}
	if len(b.known) >= maxHabits {
		b.full = true
		return false
	}
	b.known[habit] = true
	return w.listen.total-b.began >= w.learnFor(h)
}

// learnFor is the learning period of a device: that of its zone, else of the port,
// as the port file has it, else Options.Learn.
func (w *Watch) learnFor(h *host) time.Duration {
	days := w.port.Identity.LearningDays
	if z := w.zoneOf(h); z != nil && z.LearningDays > 0 {
		days = z.LearningDays
	}
	if days > 0 {
		return time.Duration(days) * 24 * time.Hour
	}
	return w.o.Learn
}

// learnText says the learning period, and where it is declared.
func (w *Watch) learnText(h *host) string {
	d := w.learnFor(h)
	text := d.String()
	if days := d / (24 * time.Hour); days > 0 && d%(24*time.Hour) == 0 {
		text = plural(int(days), "day")
	}
	switch z := w.zoneOf(h); {
	case z != nil && z.LearningDays > 0:
		return text + " of listening, the learning period of the zone " + z.ID
	case w.port.Identity.LearningDays > 0:
		return text + " of listening, the learning period of the port"
	}
	return text + " of listening, the usual learning period"
}

// watchedDevice: only devices of the control systems have habits narrow enough.
func (w *Watch) watchedDevice(h *host) bool {
	return h != nil && !h.gateway() && !h.proxy && h.shared == "" && w.domainOfHost(h) == finding.OT
}

// usual compares an answered conversation with the habits of its server.
func (w *Watch) usual(f *event.Flow, client, server *host) {
	if client == nil || !w.watchedDevice(server) || !f.Answered || f.Direction != event.DirectionSeen {
		return
	}
	service := w.services.of(f)
	what := service.whole
	newService := w.learned(server, "service "+service.name)
	newTalker := w.learned(server, "talker "+client.id()+" "+what)
	from, to := w.name(client, f.Client.IP), w.name(server, f.Server.IP)
	switch {
	case newService:
		w.tellNew(RuleNewService, f.Client, f.Server, &f.Head, client, server, finding.Warning,
			fmt.Sprintf("%s answers on %s, which it never did", to, what), fmt.Sprintf("%s was answered by %s on %s", f.Client.IP, f.Server.IP, what))
	case newTalker:
		w.tellNew(RuleNewTalker, f.Client, f.Server, &f.Head, client, server, finding.Advice,
			fmt.Sprintf("%s speaks with %s over %s, which it never did", from, to, what), fmt.Sprintf("%s spoke with %s on %s: %d packets out, %d back", f.Client.IP, f.Server.IP, what, f.PacketsOut, f.PacketsIn))
	}
}

// usualOperation compares an operation with those that the client asked of the
// device before.
func (w *Watch) usualOperation(o *event.DeviceOperation, client, device *host) {
	if client == nil || !w.watchedDevice(device) || !w.learned(device, "operation "+client.id()+" "+o.Operation+" "+o.Protocol) {
		return
	}
	severity := finding.Warning
	if o.Operation == "write" || o.Operation == "upload" {
		severity = finding.Advice
	}
	w.tellNew(RuleNewOperation, o.Client, o.Server, &o.Head, client, device, severity,
		fmt.Sprintf("%s %s %s, for the first time", w.name(client, addressOf(o.Client)), deedOf(o), w.name(device, addressOf(o.Server))),
		fmt.Sprintf("%s asked %s of %s over %s: %s", addressOf(o.Client), functionText(o), addressOf(o.Server), o.Protocol, countsText(o)))
}

// tellNew tells something that is new. It is an event: a person closes it.
func (w *Watch) tellNew(rule string, client, server event.Endpoint, head *event.Head, ch, sh *host, severity finding.Severity, title, fact string) {
	domain := w.domainOfHost(sh)
	id := addressOf(client) + ">" + cmp.Or(assetID(sh), addressOf(server))
	if rule == RuleNewService {
		id = cmp.Or(assetID(sh), addressOf(server))
	}
	o := finding.Occurrence{
		Rule: rule, Subject: finding.Subject{Kind: "operation", ID: id, Name: w.name(ch, addressOf(client)) + " → " + w.name(sh, addressOf(server))},
		Domains: []finding.Domain{domain}, Grade: finding.Likely, Severity: severity, Title: title,
		Summary: fmt.Sprintf("It did not happen before, in at least %s.", w.learnText(sh)),
		Facts:   []finding.Fact{{Time: head.Time, Domain: domain, Evidence: finding.EvidenceOf(*head), Text: fact + whenText(head)}},
		Links:   []finding.Subject{w.subject(ch, addressOf(client)), w.subject(sh, addressOf(server))},
		Unknown: []string{"Work that is done less often than the learning period is long looks new too."},
		Next:    []string{"Ask the owner of the device whether this is wanted."},
		Time:    head.Time, Exercise: head.Exercise,
	}
	if sh.asset != nil {
		o.Services = w.port.ServicesOf(sh.asset.ID)
	}
	w.emit(o)
}

func assetID(h *host) string {
	if h == nil || h.asset == nil {
		return ""
	}
	return h.asset.ID
}

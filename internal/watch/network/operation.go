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

// RuleUnapproved is an operation that the port file does not let its client ask.
const RuleUnapproved = "network.unapproved-operation"

// Bounds of what is remembered of operations.
const (
	maxTouches    = 256    // rows a device
	maxUnapproved = 10_000 // pairs of client and device that are open findings
)

// touchKey groups what one client asked of one device.
type touchKey struct {
	client, protocol, operation, function string
}

// operation takes in what was asked of a device.
func (w *Watch) operation(o *event.DeviceOperation) {
	w.heard(o.Last)
	client, device := w.hosts.at(o.Client, o.Time), w.hosts.at(o.Server, o.Time)
	if device == nil {
		return // a group address: what listens to it is not known
	}
	device.touched(o)
	w.markOperation(o, device)
	if client != nil {
		w.saw(client, o.Last, o.Source)
	}
	if w.port != nil {
		w.usualOperation(o, client, device)
		w.approve(o, client, device)
	}
}

// at gives the host of an endpoint, nil for a group address.
func (x *hosts) at(e event.Endpoint, at time.Time) *host {
	ip, err := netip.ParseAddr(e.IP)
	switch {
	case err != nil:
		return x.below(e.MAC, at)
	case !unicast(ip) || x.broadcast(ip):
		return nil
	}
	return x.ip(e.IP, at)
}

// touched adds an operation to those of the device. At the bound the oldest goes.
func (h *host) touched(o *event.DeviceOperation) {
	k := touchKey{addressOf(o.Client), o.Protocol, o.Operation, o.Function}
	t := h.touches[k]
	if t == nil {
		if len(h.touches) >= maxTouches {
			h.forgetTouch()
		}
		if h.touches == nil {
			h.touches = map[touchKey]*Touch{}
		}
		t = &Touch{Client: k.client, Protocol: k.protocol, Operation: k.operation, Function: k.function, First: o.Time}
		h.touches[k] = t
	}
	t.First = earlier(t.First, o.Time)
	if !o.Last.Before(t.Last) {
		t.Last, t.Evidence = o.Last, finding.EvidenceOf(o.Head)
	}
	t.Asked, t.Accepted, t.Refused = t.Asked+o.Asked, t.Accepted+o.Accepted, t.Refused+o.Refused
}

func (h *host) forgetTouch() {
	list := h.listTouches()
	t := list[len(list)-1]
	delete(h.touches, touchKey{t.Client, t.Protocol, t.Operation, t.Function})
}

// listTouches lists copies, the newest first.
func (h *host) listTouches() []Touch {
	out := make([]Touch, 0, len(h.touches))
	for _, t := range h.touches {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Touch) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Operation, b.Operation),
			cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Function, b.Function))
	})
	return out
}

// absorbTouches takes over those of another record of the same device.
func (h *host) absorbTouches(o *host) {
	for k, theirs := range o.touches {
		mine := h.touches[k]
		switch {
		case mine == nil && len(h.touches) < maxTouches:
			if h.touches == nil {
				h.touches = map[touchKey]*Touch{}
			}
			h.touches[k] = theirs
		case mine != nil:
			mine.First = earlier(mine.First, theirs.First)
			if theirs.Last.After(mine.Last) {
				mine.Last, mine.Evidence = theirs.Last, theirs.Evidence
			}
			mine.Asked, mine.Accepted, mine.Refused = mine.Asked+theirs.Asked, mine.Accepted+theirs.Accepted, mine.Refused+theirs.Refused
		}
	}
}

// addressOf names an end: its IP, else its MAC.
func addressOf(e event.Endpoint) string { return cmp.Or(e.IP, e.MAC) }

// unapproved is what one client asked of one device without a right to.
type unapproved struct {
	subject  finding.Subject
	domains  []finding.Domain
	kinds    map[string]bool // operation and function that were told
	grade    finding.Grade
	severity finding.Severity
	traffic  spell
	told     tellings
	exercise string
}

// approve holds an operation against the port file. It is told at once where it
// is new (an operation, a worse severity), then every few minutes.
func (w *Watch) approve(o *event.DeviceOperation, client, device *host) {
	ip, _ := netip.ParseAddr(o.Server.IP) // below IP: the zero address is in no zone
	if outside(w.zoneAt(o.Server.IP)) && device.asset == nil && o.Server.IP != "" {
		return // a device of others
	}
	may, why := w.port.MayOperate(assetOf(client), device.asset, ip, o.Operation, o.Time)
	if may {
		return
	}
	from, to := addressOf(o.Client), addressOf(o.Server)
	id := from + ">" + to
	if device.asset != nil {
		id = from + ">" + device.asset.ID
	}
	u := w.operations[id]
	if u == nil {
		w.roomForUnapproved()
		u = &unapproved{subject: finding.Subject{Kind: "operation", ID: id, Name: w.name(client, from) + " → " + w.name(device, to)},
			kinds: map[string]bool{}, exercise: o.Exercise}
		w.operations[id] = u
	}
	u.traffic.renew(w.listen, o.Last)
	grade, severity := gradeOfOperation(o), severityOfOperation(o, device)
	kind := o.Operation + " " + o.Function
	fresh := !u.kinds[kind] && len(u.kinds) < maxTargets
	if fresh {
		u.kinds[kind] = true
	}
	if !fresh && grade <= u.grade && severity <= u.severity && u.told.near(o.Time, w.o.Repeat) {
		return
	}
	u.grade, u.severity = max(u.grade, grade), max(u.severity, severity)
	u.told.add(o.Time)
	u.domains = w.domainsOfEnds(o, device)
	w.emit(w.unapproved(o, u, why, client, device))
}

func (w *Watch) unapproved(o *event.DeviceOperation, u *unapproved, why string, client, device *host) finding.Occurrence {
	from, to := w.name(client, addressOf(o.Client)), w.name(device, addressOf(o.Server))
	out := finding.Occurrence{
		Rule: RuleUnapproved, Subject: u.subject, Domains: u.domains, Grade: gradeOfOperation(o), Severity: severityOfOperation(o, device),
		Title:   fmt.Sprintf("%s %s %s, which is not approved", from, deedOf(o), to),
		Summary: fmt.Sprintf("%s over %s: %s.", functionText(o), o.Protocol, why),
		Facts: []finding.Fact{{Time: o.Time, Domain: u.domains[len(u.domains)-1], Evidence: finding.EvidenceOf(o.Head),
			Text: fmt.Sprintf("%s asked %s of %s: %s%s", addressOf(o.Client), functionText(o), addressOf(o.Server), countsText(o), whenText(&o.Head))}},
		Links: []finding.Subject{w.subject(client, addressOf(o.Client)), w.subject(device, addressOf(o.Server))},
		Time:  o.Time, Exercise: u.exercise, Technique: operationTechnique[o.Operation],
		Next: []string{
			"Ask the owner of " + to + " who worked on it at that time, and compare its program with the last one that was approved.",
			"If the work was wanted, declare an approval or a work order for it; if not, keep the record and do not restart the device before its maker or engineer has seen it.",
		},
	}
	if o.Accepted == 0 {
		out.Unknown = append(out.Unknown, noAnswerText(o))
	}
	if client != nil && client.gateway() {
		out.Unknown = append(out.Unknown, addressOf(o.Client)+" carries the packets of others: who asked may stand behind it.")
	}
	if device.asset != nil {
		out.Services = w.port.ServicesOf(device.asset.ID)
	}
	return out
}

func (w *Watch) domainsOfEnds(o *event.DeviceOperation, device *host) []finding.Domain {
	to := finding.OT
	if z := w.zoneAt(o.Server.IP); z != nil {
		to = domainOf(z)
	} else if device.asset != nil {
		to = finding.Domain(device.asset.Domain)
	}
	if from := domainOf(w.zoneAt(o.Client.IP)); o.Client.IP != "" && from != to {
		return []finding.Domain{from, to}
	}
	return []finding.Domain{to}
}

// gradeOfOperation: an operation that the device accepted is a fact; one of which
// only the request was seen may have had no effect.
func gradeOfOperation(o *event.DeviceOperation) finding.Grade {
	if o.Accepted > 0 {
		return finding.Confirmed
	}
	return finding.Likely
}

// severityOfOperation: an alarm where program, firmware or the running state of a
// device was changed, or a high or critical asset was written to; a warning where
// the device refused, or for anything else.
func severityOfOperation(o *event.DeviceOperation, device *host) finding.Severity {
	if o.Accepted == 0 && o.Refused > 0 {
		return finding.Warning
	}
	switch o.Operation {
	case "firmware", "program", "start", "stop":
		return finding.Alarm
	case "write", "set-time":
		if a := device.asset; a != nil && (a.Criticality == "critical" || a.Criticality == "high") {
			return finding.Alarm
		}
	}
	return finding.Warning
}

// operationTechnique is the technique of ATT&CK for ICS that an operation is where
// it is not wanted.
var operationTechnique = map[string]string{
	"firmware": "T0857", // system firmware
	"program":  "T0843", // program download
	"set-time": "T0836", // modify parameter
	"start":    "T0858", // change operating mode
	"stop":     "T0858",
	"upload":   "T0845", // program upload
	"write":    "T0855", // unauthorized command message
}

// deedOf says what was done, or tried.
func deedOf(o *event.DeviceOperation) string {
	deeds := map[string][2]string{
		"firmware": {"changed the firmware of", "tried to change the firmware of"}, "program": {"changed the program of", "tried to change the program of"},
		"set-time": {"set the clock of", "tried to set the clock of"}, "start": {"started", "tried to start"}, "stop": {"stopped", "tried to stop"},
		"upload": {"copied the program of", "tried to copy the program of"}, "write": {"wrote to", "tried to write to"},
	}
	d, ok := deeds[o.Operation]
	if !ok {
		d = [2]string{"changed", "tried to change"}
	}
	if o.Accepted > 0 {
		return d[0]
	}
	return d[1]
}

func functionText(o *event.DeviceOperation) string {
	if o.Function == "" || strings.EqualFold(o.Function, o.Operation) {
		return o.Operation
	}
	return fmt.Sprintf("%s (%s)", o.Operation, o.Function)
}

func countsText(o *event.DeviceOperation) string {
	return fmt.Sprintf("%d requests, %d accepted, %d refused", o.Asked, o.Accepted, o.Refused)
}

func noAnswerText(o *event.DeviceOperation) string {
	if o.Refused > 0 {
		return "The device refused it."
	}
	return "No answer of the device was seen: whether it did so is not known."
}

// clearUnapproved tells which clients have stopped.
func (w *Watch) clearUnapproved() {
	for _, id := range sortedKeys(w.operations) {
		u := w.operations[id]
		if !u.traffic.over(w.listen, w.o.ClearAfter) {
			continue
		}
		w.emit(finding.Occurrence{Rule: RuleUnapproved, Subject: u.subject, Domains: u.domains, Grade: u.grade, Severity: u.severity,
			Title: "No more such operations", Summary: fmt.Sprintf("Nothing of it was seen in %s of listening. What was changed stays changed.", w.o.ClearAfter),
			Time: u.traffic.end(w.listen, w.o.ClearAfter), Cleared: true, Exercise: u.exercise})
		delete(w.operations, id)
	}
}

// roomForUnapproved forgets at the bound the tenth that was silent longest; their
// findings stay.
func (w *Watch) roomForUnapproved() {
	if len(w.operations) < maxUnapproved {
		return
	}
	all := sortedKeys(w.operations)
	slices.SortStableFunc(all, func(a, b string) int {
		return w.operations[a].traffic.last.Compare(w.operations[b].traffic.last)
	})
	for _, id := range all[:maxUnapproved/10] {
		delete(w.operations, id)
	}
}

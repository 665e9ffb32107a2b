package network

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// RuleUndeclared is traffic that no conduit allows.
const RuleUndeclared = "network.undeclared-conduit"

// Bounds of what is remembered of breaches.
const (
	maxBreaches = 10_000
	maxTargets  = 64
)

// breach is undeclared traffic of one client into one zone.
type breach struct {
	subject  finding.Subject
	domains  []finding.Domain
	targets  map[string]bool // server and port that were told
	services []string
	grade    finding.Grade
	severity finding.Severity
	traffic  spell
	told     tellings
	exercise string
}

// breach tells undeclared traffic: at once where it is new (a target, a worse
// severity), then every few minutes.
func (w *Watch) breach(f *event.Flow, j *judgement, client, server *host) {
	from, to := f.Client.IP, f.Server.IP
	key := from + ">" + j.to.ID
	b := w.breaches[key]
	if b == nil {
		w.roomForBreach()
		b = &breach{subject: finding.Subject{Kind: "conduit", ID: key, Name: w.name(client, from) + " → " + zoneName(j.to)}, targets: map[string]bool{}, exercise: f.Exercise}
		w.breaches[key] = b
	}
	b.traffic.renew(w.listen, f.Last)
	grade, severity := gradeOf(f), severityOf(f, j, server)
	target := fmt.Sprintf("%s %s:%d %s %s", f.Transport, to, j.port, f.Application, strings.Join(f.Operations, ","))
	fresh := !b.targets[target] && len(b.targets) < maxTargets
	if fresh {
		b.targets[target] = true
	}
	worse := grade > b.grade || severity > b.severity
	if !fresh && !worse && b.told.near(f.Time, w.o.Repeat) {
		return
	}
	b.grade, b.severity = max(b.grade, grade), max(b.severity, severity)
	b.told.add(f.Time)
	b.domains = domainsOf(j.from, j.to)
	for _, h := range []*host{client, server} {
		if h != nil && h.asset != nil {
			b.services = union(b.services, w.port.ServicesOf(h.asset.ID))
		}
	}
	w.emit(w.undeclared(f, j, b, client, server))
}

func (w *Watch) undeclared(f *event.Flow, j *judgement, b *breach, client, server *host) finding.Occurrence {
	from, to := w.name(client, f.Client.IP), w.name(server, f.Server.IP)
	spoken := f.Transport + " port " + fmt.Sprint(j.port)
	if f.Application != "" {
		spoken = f.Application + " on " + spoken
	}
	verb := "reached"
	if !f.Answered {
		verb = "tried to reach"
	}
	o := finding.Occurrence{
		Rule: RuleUndeclared, Subject: b.subject, Domains: b.domains, Grade: gradeOf(f), Severity: severityOf(f, j, server),
		Title:   fmt.Sprintf("%s %s %s in %s, which no conduit allows", from, verb, to, zoneName(j.to)),
		Summary: fmt.Sprintf("Traffic from the zone %s to the zone %s over %s: %s.", zoneName(j.from), zoneName(j.to), spoken, j.why),
		Facts: []finding.Fact{{Time: f.Time, Domain: domainOf(j.to), Evidence: finding.EvidenceOf(f.Head),
			Text: fmt.Sprintf("%s %s %s over %s: %d packets and %d bytes out, %d and %d back%s", f.Client.IP, verb, f.Server.IP, spoken,
				f.PacketsOut, f.BytesOut, f.PacketsIn, f.BytesIn, askedText(f)+whenText(&f.Head))}},
		// Client first, then the server of this fact: a chain is built of such hops,
		// each as sure as its own fact.
		Links: []finding.Subject{w.subject(client, f.Client.IP), w.subject(server, f.Server.IP)}, Services: slices.Clone(b.services),
		Time: f.Time, Exercise: b.exercise, Technique: technique(f),
		Next: []string{
			"Ask the owner of " + from + " whether this traffic is wanted.",
			"If it is, declare a conduit for it with a reason and an end; if not, close it at the firewall between the zones.",
		},
	}
	if !f.Answered {
		o.Unknown = append(o.Unknown, "The server did not answer: a firewall may already stop it.")
	}
	if f.Direction != event.DirectionSeen {
		o.Unknown = append(o.Unknown, "Who opened the conversation was not seen; no conduit allows it in either direction.")
	}
	if client == nil || client.asset == nil {
		o.Unknown = append(o.Unknown, f.Client.IP+" is not in the register, so its owner is not known.")
	}
	return o
}

// gradeOf: an answered conversation whose opening was seen is a fact; an
// attempt, or one whose opening was missed, is one step less sure.
func gradeOf(f *event.Flow) finding.Grade {
	if f.Direction == event.DirectionSeen && f.Answered {
		return finding.Confirmed
	}
	return finding.Likely
}

// severityOf: an alarm where a less trusted zone gets an answer from OT, where a
// critical asset is reached, or where something was changed; a warning where
// that was tried, or anything else was answered; advice otherwise.
func severityOf(f *event.Flow, j *judgement, server *host) finding.Severity {
	grave := j.to.Domain == port.OT && (j.from.Domain != port.OT || j.from.External || j.from.Level >= j.to.Level+1)
	if server != nil && server.asset != nil && (server.asset.Criticality == "critical" || server.asset.Criticality == "high") {
		grave = true
	}
	for _, op := range f.Operations {
		grave = grave || slices.Contains(writingOps, op)
	}
	switch {
	case grave && f.Answered:
		return finding.Alarm
	case grave || f.Answered:
		return finding.Warning
	}
	return finding.Advice
}

// technique is the ATT&CK technique that fits what was asked, where one does.
func technique(f *event.Flow) string {
	for _, op := range f.Operations {
		switch op {
		case "program":
			return "T0843" // program download
		case "stop", "start":
			return "T0858" // change operating mode
		case "upload":
			return "T0845" // program upload
		}
	}
	switch f.Application {
	case "rdp", "smb", "ssh":
		return "T0886" // remote services
	}
	return ""
}

func askedText(f *event.Flow) string {
	if len(f.Operations) == 0 {
		return ""
	}
	return "; asked: " + strings.Join(f.Operations, ", ")
}

// clearBreaches tells which traffic has stopped.
func (w *Watch) clearBreaches() {
	over := slices.DeleteFunc(sortedKeys(w.breaches), func(key string) bool {
		return !w.breaches[key].traffic.over(w.listen, w.o.ClearAfter)
	})
	slices.SortStableFunc(over, func(a, b string) int {
		return w.breaches[a].traffic.last.Compare(w.breaches[b].traffic.last)
	})
	for _, key := range over {
		b := w.breaches[key]
		w.emit(finding.Occurrence{Rule: RuleUndeclared, Subject: b.subject, Domains: b.domains, Grade: b.grade, Severity: b.severity,
			Title: "No more such traffic", Summary: fmt.Sprintf("Nothing of it was seen in %s of listening.", w.o.ClearAfter),
			Time: b.traffic.end(w.listen, w.o.ClearAfter), Cleared: true, Exercise: b.exercise})
		delete(w.breaches, key)
	}
}

// roomForBreach forgets at the bound the tenth that was silent longest; their
// findings stay.
func (w *Watch) roomForBreach() {
	if len(w.breaches) < maxBreaches {
		return
	}
	all := sortedKeys(w.breaches)
	slices.SortStableFunc(all, func(a, b string) int {
		return w.breaches[a].traffic.last.Compare(w.breaches[b].traffic.last)
	})
	for _, key := range all[:maxBreaches/10] {
		delete(w.breaches, key)
	}
}

// name is what people call the host: the asset's name with its address.
func (w *Watch) name(h *host, ip string) string {
	if h != nil && h.asset != nil {
		return fmt.Sprintf("%s (%s)", cmp.Or(h.asset.Name, h.asset.ID), ip)
	}
	return ip
}

// subject names the host for links: its asset, or its address.
func (w *Watch) subject(h *host, ip string) finding.Subject {
	if h != nil && h.asset != nil {
		return finding.Subject{Kind: "asset", ID: h.asset.ID, Name: h.asset.Name}
	}
	return finding.Subject{Kind: "host", ID: ip}
}

func union(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

func zoneName(z *port.Zone) string {
	if z == nil {
		return "no zone"
	}
	return cmp.Or(z.Name, z.ID)
}

func domainOf(z *port.Zone) finding.Domain {
	if z == nil || z.Domain == "" {
		return finding.IT
	}
	return finding.Domain(z.Domain)
}

func domainsOf(a, b *port.Zone) []finding.Domain {
	if x, y := domainOf(a), domainOf(b); x != y {
		return []finding.Domain{x, y}
	}
	return []finding.Domain{domainOf(a)}
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

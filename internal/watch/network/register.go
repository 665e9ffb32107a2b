package network

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Rules about the register.
const (
	RuleUnregistered = "network.unregistered-device"
	RuleMismatch     = "network.identity-mismatch" // see mismatch.go
)

// stranger is a device that was told as unregistered.
type stranger struct {
	subject  finding.Subject
	domains  []finding.Domain
	grade    finding.Grade
	severity finding.Severity
	heard    spell
	exercise string
	over     bool
}

// unregistered tells a device that the register does not have. Addresses
// outside the port are nobody's register. It is told again only when surer.
func (w *Watch) unregistered(h *host, head *event.Head, from, how string) {
	if w.port == nil || h == nil || len(h.ips) == 0 {
		return
	}
	w.present(h, head.Time)
	if h.asset != nil {
		w.registered(h, head.Time)
		w.moved(h, head, from)
		return
	}
	if h.shared != "" || h.proxy {
		return // no device of its own
	}
	z := w.zoneOf(h)
	if z == nil || z.External {
		return
	}
	if h.stranger == nil || h.stranger.over {
		h.stranger = w.strange[h.address()]
	}
	s := h.stranger
	if s != nil {
		s.heard.renew(w.listen, head.Time)
	}
	grade := finding.Likely
	var unknown []string
	if len(h.macs) > 0 {
		grade = finding.Confirmed
	} else {
		unknown = append(unknown, "Its MAC was not seen on its own segment: the address could be borrowed or translated.")
	}
	if s != nil && grade <= s.grade {
		return
	}
	if s == nil {
		if len(w.strange) >= w.o.MaxHosts {
			return // more than the hosts that are remembered: what was told stands
		}
		s = &stranger{subject: finding.Subject{Kind: "host", ID: h.address()}, exercise: head.Exercise}
		s.heard.renew(w.listen, head.Time)
		w.strange[s.subject.ID], h.stranger = s, s
	}
	what := h.address()
	if v := cmp.Or(h.fields[vendor].value, firstMaker(h.macs)); v != "" {
		what += " (" + v + ")"
	}
	s.grade, s.severity, s.domains, s.subject.Name = grade, finding.Advice, []finding.Domain{domainOf(z)}, what
	if domainOf(z) != finding.IT {
		s.severity = finding.Warning
	}
	role, why, _ := h.role()
	w.emit(finding.Occurrence{
		Rule: RuleUnregistered, Subject: s.subject, Domains: s.domains, Grade: s.grade, Severity: s.severity,
		Title:   fmt.Sprintf("%s is on the network of %s and not in the register", what, zoneName(z)),
		Summary: fmt.Sprintf("No asset of the port file has this address. Role: %s (%s).", role, why),
		Facts: []finding.Fact{{Time: head.Time, Domain: domainOf(z), Evidence: finding.EvidenceOf(*head),
			Text: fmt.Sprintf("%s %s%s%s", h.address(), how, macText(h.macs), whenText(head))}},
		Unknown: unknown, Time: head.Time, Exercise: head.Exercise,
		Next: []string{"Find it at its switch port or by its owner; then add it to the port file or take it off the network."},
	})
}

// registered ends a stranger that turned out to be an asset: its MAC, or another
// address of it, is in the register.
func (w *Watch) registered(h *host, at time.Time) {
	s := h.stranger
	if s == nil || s.over {
		return
	}
	w.endStranger(s, laterOf(s.heard.last, at), "The register has it",
		fmt.Sprintf("It is the asset %s of the port file.", cmp.Or(h.asset.Name, h.asset.ID)))
}

// clearStrangers ends the devices that were not heard for long. That they are
// still not in the register is said.
func (w *Watch) clearStrangers() {
	for _, id := range sortedKeys(w.strange) {
		switch s := w.strange[id]; {
		case w.inRegister(id): // entered in the port file since an earlier run told it
			w.endStranger(s, s.heard.last, "The register has it", "The port file has its address now.")
		case s.heard.over(w.listen, w.o.AbsentAfter):
			w.endStranger(s, s.heard.end(w.listen, w.o.AbsentAfter), "No longer heard, and still not in the register",
				fmt.Sprintf("It sent nothing in %s of listening. It may be switched off, gone, or out of the sensor's sight.", w.o.AbsentAfter))
		}
	}
}

func (w *Watch) endStranger(s *stranger, at time.Time, title, summary string) {
	s.over = true
	delete(w.strange, s.subject.ID)
	w.emit(finding.Occurrence{Rule: RuleUnregistered, Subject: s.subject, Domains: s.domains, Grade: s.grade, Severity: s.severity,
		Title: title, Summary: summary, Time: at, Cleared: true, Exercise: s.exercise})
}

func firstMaker(macs []string) string {
	for _, m := range macs {
		if v := maker(m); v != "" {
			return v
		}
	}
	return ""
}

func macText(macs []string) string {
	if len(macs) == 0 {
		return ""
	}
	return ", MAC " + strings.Join(macs, ", ")
}

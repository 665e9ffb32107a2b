package network

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Rules about the register.
const (
	RuleUnregistered = "network.unregistered-device"
	RuleMismatch     = "network.identity-mismatch"
)

// unregistered tells a device that the register does not have. Addresses
// outside the port are nobody's register. It is told again only when surer.
func (w *Watch) unregistered(h *host, head *event.Head, how string) {
	if w.port == nil || h == nil || h.asset != nil || len(h.ips) == 0 {
		return
	}
	z := w.zoneOf(h)
	if z == nil || z.External {
		return
	}
	grade := finding.Likely
	var unknown []string
	if len(h.macs) > 0 {
		grade = finding.Confirmed
	} else {
		unknown = append(unknown, "Its MAC was not seen on its own segment: the address could be borrowed or translated.")
	}
	if uint8(grade) <= h.flagged {
		return
	}
	h.flagged = uint8(grade)
	role, why := h.role()
	severity := finding.Advice
	if domainOf(z) != finding.IT {
		severity = finding.Warning
	}
	what := h.address()
	if v := cmp.Or(h.fields[vendor].value, firstMaker(h.macs)); v != "" {
		what += " (" + v + ")"
	}
	w.emit(finding.Occurrence{
		Rule: RuleUnregistered, Subject: finding.Subject{Kind: "host", ID: h.address(), Name: what},
		Domains: []finding.Domain{domainOf(z)}, Grade: grade, Severity: severity,
		Title:   fmt.Sprintf("%s is on the network of %s and not in the register", what, zoneName(z)),
		Summary: fmt.Sprintf("No asset of the port file has this address. Role: %s (%s).", role, why),
		Facts: []finding.Fact{{Time: head.Time, Domain: domainOf(z), Evidence: finding.EvidenceOf(*head),
			Text: fmt.Sprintf("%s %s%s", h.address(), how, macText(h.macs))}},
		Unknown: unknown, Time: head.Time, Exercise: head.Exercise,
		Next: []string{"Find it at its switch port or by its owner; then add it to the port file or take it off the network."},
	})
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

// mismatch compares what a device says of itself with the register, where the
// device's own protocol said it. Another serial number is another device;
// another maker's name may be a way of writing.
func (w *Watch) mismatch(h *host) {
	if w.port == nil || h.asset == nil {
		return
	}
	for _, c := range []struct {
		field    int
		name     string
		declared string
		grade    finding.Grade
		severity finding.Severity
	}{
		{serial, "serial number", h.asset.Serial, finding.Confirmed, finding.Warning},
		{vendor, "vendor", h.asset.Vendor, finding.Likely, finding.Advice},
	} {
		t := h.fields[c.field]
		bit := uint8(1) << c.field
		if t.weight < 4 || h.compared&bit != 0 || agree(t.value, c.declared) {
			continue
		}
		h.compared |= bit
		a := h.asset
		w.emit(finding.Occurrence{
			Rule: RuleMismatch, Subject: finding.Subject{Kind: "asset", ID: a.ID, Name: a.Name},
			Domains: []finding.Domain{finding.Domain(a.Domain)}, Grade: c.grade, Severity: c.severity,
			Title:   fmt.Sprintf("%s says another %s than the register", cmp.Or(a.Name, a.ID), c.name),
			Summary: fmt.Sprintf("The register has %q; the device at %s says %q over %s. It may have been replaced, or the register is wrong.", c.declared, h.address(), t.value, t.protocol),
			Facts: []finding.Fact{{Time: t.head.Time, Domain: finding.Domain(a.Domain), Evidence: finding.EvidenceOf(t.head),
				Text: fmt.Sprintf("%s told %s %q over %s", h.address(), c.name, t.value, t.protocol)}},
			Services: w.port.ServicesOf(a.ID), Time: t.head.Time, Exercise: t.head.Exercise,
			Next: []string{"Compare the plate of the device with the register, and correct the register or find out who changed the device."},
		})
	}
}

// agree compares without case and punctuation; one may be a part of the other
// ("Siemens" and "Siemens AG"). What is not declared or not told can't differ.
func agree(told, declared string) bool {
	a, b := letters(told), letters(declared)
	return a == "" || b == "" || strings.Contains(a, b) || strings.Contains(b, a)
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

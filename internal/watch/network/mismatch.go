package network

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// ownProtocol is the least weight of a protocol in which a device speaks for itself.
const ownProtocol = 4

// differing is an asset of which a device says something else than the register.
type differing struct {
	subject  finding.Subject
	domains  []finding.Domain
	grade    finding.Grade
	severity finding.Severity
	last     time.Time // told, event time
	exercise string
	devices  map[*host]bool // that say so; none where an earlier run told it
}

// comparison is one field of the register that a device may contradict. Another
// serial number is another device; another maker's name, model or version may be
// a way of writing, or a register that was not kept.
type comparison struct {
	field    int
	name     string
	declared string
	grade    finding.Grade
	severity finding.Severity
}

func comparisons(a *port.Asset) [4]comparison {
	return [4]comparison{
		{serial, "serial number", a.Serial, finding.Confirmed, finding.Warning},
		{vendor, "vendor", a.Vendor, finding.Likely, finding.Advice},
		{model, "model", a.Model, finding.Likely, finding.Advice},
		{firmware, "firmware", a.Firmware, finding.Likely, finding.Advice},
	}
}

// mismatch compares what a device says of itself with the register, where the
// device's own protocol said it, and ends the difference when they agree again.
// Silence ends nothing: a device that is not heard has not changed back.
func (w *Watch) mismatch(h *host) {
	if w.port == nil || h.asset == nil {
		return
	}
	var differs, agrees uint8 // fields
	for _, c := range comparisons(h.asset) {
		t, bit := &h.fields[c.field], uint8(1)<<c.field
		switch {
		case t.weight < ownProtocol || letters(t.value) == "" || letters(c.declared) == "":
		case c.field != firmware && agree(t.value, c.declared):
			agrees |= bit
		case c.field == firmware && sameVersion(t.value, c.declared):
			agrees |= bit
		default:
			differs |= bit
			if h.compared&bit == 0 {
				w.tellMismatch(h, &c, t)
			}
		}
	}
	h.compared = differs
	if differs == 0 && agrees != 0 {
		w.agrees(h, agrees)
	}
}

func (w *Watch) tellMismatch(h *host, c *comparison, t *told) {
	a := h.asset
	d := w.differ[a.ID]
	if d == nil {
		d = &differing{subject: finding.Subject{Kind: "asset", ID: a.ID, Name: a.Name}, domains: []finding.Domain{finding.Domain(a.Domain)},
			exercise: t.head.Exercise, devices: map[*host]bool{}}
		w.differ[a.ID] = d // assets are as many as the port file has
	}
	d.devices[h] = true
	d.grade, d.severity, d.last = max(d.grade, c.grade), max(d.severity, c.severity), laterOf(d.last, t.head.Time)
	w.emit(finding.Occurrence{
		Rule: RuleMismatch, Subject: d.subject, Domains: d.domains, Grade: c.grade, Severity: c.severity,
		Title:   fmt.Sprintf("%s says another %s than the register", cmp.Or(a.Name, a.ID), c.name),
		Summary: fmt.Sprintf("The register has %q; the device at %s says %q over %s. It may have been replaced, or the register is wrong.", c.declared, h.address(), t.value, t.protocol),
		Facts: []finding.Fact{{Time: t.head.Time, Domain: finding.Domain(a.Domain), Evidence: finding.EvidenceOf(t.head),
			Text: fmt.Sprintf("%s told %s %q over %s%s", h.address(), c.name, t.value, t.protocol, whenText(&t.head))}},
		Services: w.port.ServicesOf(a.ID), Time: t.head.Time, Exercise: t.head.Exercise,
		Next: []string{"Compare the plate of the device with the register, and correct the register or find out who changed the device."},
	})
}

// agrees takes the word of a device that now tells the fields of the register.
// While another device under the same asset contradicts, the difference stays.
// One of an earlier run, of which the devices are not known, ends only when the
// field agrees that such a severity is about.
func (w *Watch) agrees(h *host, fields uint8) {
	d := w.differ[h.asset.ID]
	if d == nil {
		return
	}
	if len(d.devices) == 0 && d.severity >= finding.Warning && fields&(1<<serial) == 0 {
		return
	}
	delete(d.devices, h)
	if len(d.devices) > 0 {
		return
	}
	delete(w.differ, h.asset.ID)
	w.emit(finding.Occurrence{Rule: RuleMismatch, Subject: d.subject, Domains: d.domains, Grade: d.grade, Severity: d.severity,
		Title: "The device says what the register says", Summary: fmt.Sprintf("The device at %s now tells the values of the port file.", h.address()),
		Time: laterOf(d.last, w.newestOf(h)), Cleared: true, Exercise: d.exercise})
}

// newestOf is when the host told the newest of the compared fields.
func (w *Watch) newestOf(h *host) time.Time {
	return laterOf(h.fields[serial].head.Time, h.fields[vendor].head.Time)
}

// agree compares without case and punctuation; one may be a part of the other
// ("Siemens" and "Siemens AG"). What is not declared or not told can't differ.
func agree(told, declared string) bool {
	a, b := letters(told), letters(declared)
	return a == "" || b == "" || strings.Contains(a, b) || strings.Contains(b, a)
}

// sameVersion compares versions by their parts: "V3.2.6" and "3.2", "01.00" and
// "1.0". The shorter may leave parts out at the end.
func sameVersion(told, declared string) bool {
	a, b := versionParts(told), versionParts(declared)
	n := min(len(a), len(b))
	return n > 0 && slices.Equal(a[:n], b[:n])
}

func versionParts(s string) []string {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, word := range []string{"version", "firmware", "revision", "rev", "ver", "v"} {
		s = strings.TrimLeft(strings.TrimPrefix(s, word), " .:")
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '.' || r == ' ' || r == '-' || r == '_' || r == '/' })
	for i, p := range parts {
		parts[i] = cmp.Or(strings.TrimLeft(p, "0"), "0")
	}
	return parts
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

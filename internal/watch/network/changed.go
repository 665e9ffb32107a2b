package network

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// Rules about a device that is not what it was.
const (
	RuleReplaced = "network.replaced-device"
	RuleFirmware = "network.changed-firmware"
)

// plateKey is where a device says what it is. Protocols are held apart: each
// writes serial and version in its own way.
type plateKey struct{ address, protocol string }

// plate is what was said there last, and what it was before the change that is told.
type plate struct {
	serial, firmware       string
	at                     time.Time
	oldSerial, oldFirmware string // before a change whose finding is open; "": none is
	told                   tellings
}

// changed compares what a device says of itself with what was said before at the
// same address: another serial number is another device, another version of the
// same device is changed firmware. Only a device's own protocols are believed.
func (w *Watch) changed(h *host, d *event.DeviceSighting) {
	if w.port == nil || d.Behind != "" || weights[d.Protocol] < ownProtocol || d.Serial == "" && d.Firmware == "" || h.proxy || h.shared != "" {
		return
	}
	k := plateKey{cmp.Or(d.IP, d.MAC), d.Protocol}
	p := w.plates[k]
	if p == nil {
		if len(w.plates) < w.o.MaxHosts {
			w.plates[k] = &plate{serial: d.Serial, firmware: d.Firmware, at: d.Time}
		}
		return
	}
	if d.Time.Before(p.at) {
		return // late: what is known is newer
	}
	if outside(w.zoneOf(h)) && h.asset == nil {
		return
	}
	p.at = d.Time
	replaced := d.Serial != "" && p.serial != "" && d.Serial != p.serial
	if replaced {
		w.plateTurned(h, d, p, RuleReplaced, "serial number", p.serial, d.Serial, &p.oldSerial)
		p.serial, p.firmware = d.Serial, d.Firmware // another device has its own version
		return
	}
	if d.Firmware != "" && p.firmware != "" && d.Firmware != p.firmware {
		w.plateTurned(h, d, p, RuleFirmware, "firmware", p.firmware, d.Firmware, &p.oldFirmware)
	}
	p.serial, p.firmware = cmp.Or(d.Serial, p.serial), cmp.Or(d.Firmware, p.firmware)
}

// plateTurned tells a change, or its end where the earlier value is back.
func (w *Watch) plateTurned(h *host, d *event.DeviceSighting, p *plate, rule, what, was, is string, old *string) {
	address := cmp.Or(d.IP, d.MAC)
	name := w.name(h, address)
	domain := w.domainOfHost(h)
	o := finding.Occurrence{Rule: rule, Subject: w.subject(h, address), Domains: []finding.Domain{domain},
		Grade: finding.Confirmed, Severity: finding.Warning, Time: d.Time, Exercise: d.Exercise}
	if *old == is {
		*old = ""
		o.Title, o.Cleared = name+" tells the earlier "+what+" again", true
		o.Summary = fmt.Sprintf("It says %q over %s, as before.", is, d.Protocol)
		w.emit(o)
		return
	}
	*old = cmp.Or(*old, was)
	if p.told.near(d.Time, w.o.Repeat) {
		return
	}
	p.told.add(d.Time)
	o.Title = fmt.Sprintf("%s has other firmware than before", name)
	o.Technique = "T0857"
	o.Next = []string{"Compare with the change record; if no update was planned, have the maker's engineer read the device out before it is used for anything that moves."}
	if rule == RuleReplaced {
		o.Title, o.Technique = fmt.Sprintf("Another device answers at the address of %s", name), ""
		o.Next = []string{"Look at the device: was it replaced, or has another one taken its address? Then correct the register."}
	}
	o.Summary = fmt.Sprintf("The %s was %q and is %q, as the device itself says over %s.", what, was, is, d.Protocol)
	o.Facts = []finding.Fact{{Time: d.Time, Domain: domain, Evidence: finding.EvidenceOf(d.Head),
		Text: fmt.Sprintf("%s told %s %q over %s, %q before%s", address, what, is, d.Protocol, was, whenText(&d.Head))}}
	o.Facts = append(o.Facts, w.hand(h, d.Time, domain)...)
	if h.asset != nil {
		o.Services = w.port.ServicesOf(h.asset.ID)
	}
	w.emit(o)
}

// hand are the operations of the day before that can change what a device is.
func (w *Watch) hand(h *host, at time.Time, domain finding.Domain) []finding.Fact {
	var out []finding.Fact
	for _, t := range h.listTouches() {
		if since := at.Sub(t.Last); slices.Contains([]string{"firmware", "program", "start", "stop"}, t.Operation) && since >= 0 && since <= 24*time.Hour && len(out) < 4 {
			out = append(out, finding.Fact{Time: t.Last, Domain: domain, Evidence: t.Evidence,
				Text: strings.TrimSpace(fmt.Sprintf("%s asked %s %s of it before", t.Client, t.Operation, t.Function))})
		}
	}
	return out
}

func (w *Watch) domainOfHost(h *host) finding.Domain {
	if h.asset != nil {
		return finding.Domain(h.asset.Domain)
	}
	return domainOf(w.zoneOf(h))
}

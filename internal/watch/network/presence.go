package network

import (
	"fmt"
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Rules about assets that are not heard.
const (
	RuleMissing = "network.missing-asset"
	RuleSilent  = "network.silent-controller"
)

// controllerKinds are kinds of asset that speak as long as they work.
var controllerKinds = []string{"plc", "rtu", "safety-controller", "drive"}

// presence is when an asset was heard.
type presence struct {
	spell
	ever   bool
	silent bool // told
	gone   bool // told as missing
}

// present notes that an asset spoke at an address of its own.
func (w *Watch) present(h *host, at time.Time) {
	if z := w.zoneOf(h); z != nil {
		s := w.zones[z.ID]
		if s == nil {
			s = &spell{}
			w.zones[z.ID] = s
		}
		s.renew(w.listen, at)
	}
	a := h.asset
	if a == nil {
		return
	}
	p := w.presence[a.ID]
	if p == nil {
		p = &presence{}
		w.presence[a.ID] = p // assets are as many as the port file has
	}
	p.renew(w.listen, at)
	p.ever = true
	if p.silent {
		p.silent = false
		w.emit(absence(w.port, a, RuleSilent, finding.Occurrence{Title: a.Name + " speaks again", Summary: "It was heard.", Time: p.last, Cleared: true}))
	}
	if p.gone {
		p.gone = false
		w.emit(absence(w.port, a, RuleMissing, finding.Occurrence{Title: a.Name + " is heard", Summary: "It spoke on the network.", Time: p.last, Cleared: true}))
	}
}

// absent tells assets that were not heard while others of their zone were.
// Listening without anything of the zone tells nothing of its assets.
func (w *Watch) absent() {
	if w.port == nil {
		return
	}
	for i := range w.port.Assets {
		a := &w.port.Assets[i]
		zone := w.zones[a.Zone]
		if zone == nil || len(a.Addresses) == 0 || zone.over(w.listen, maxQuiet) {
			continue
		}
		p := w.presence[a.ID]
		if p == nil {
			p = &presence{}
			w.presence[a.ID] = p
		}
		if p.ever && !p.silent && !p.gone && slices.Contains(controllerKinds, a.Kind) && p.over(w.listen, w.o.SilentAfter) {
			p.silent = true
			w.emit(absence(w.port, a, RuleSilent, finding.Occurrence{
				Title:   a.Name + " has fallen silent",
				Summary: fmt.Sprintf("Nothing of it was heard in %s of listening, while others of the zone %s were. It was last heard at %s.", w.o.SilentAfter, a.Zone, p.last.UTC().Format(time.RFC3339)),
				Time:    p.end(w.listen, w.o.SilentAfter), Unknown: []string{"It may be switched off, cut off, or no longer asked."},
				Next: []string{"Ask operations whether it was taken out of service; if not, look at the device and its link."}}))
		}
		if !p.gone && p.over(w.listen, w.o.AbsentAfter) {
			p.gone = true
			text := "It was never heard since listening began."
			if p.ever {
				text = "It was last heard at " + p.last.UTC().Format(time.RFC3339) + "."
			}
			w.emit(absence(w.port, a, RuleMissing, finding.Occurrence{
				Title:   a.Name + " is in the register and not on the network",
				Summary: fmt.Sprintf("Nothing of it was heard in %s of listening, while others of the zone %s were. %s", w.o.AbsentAfter, a.Zone, text),
				Time:    laterOf(p.end(w.listen, w.o.AbsentAfter), zone.last), Severity: finding.Advice,
				Unknown: []string{"It may be switched off, gone, or out of the sensor's sight."},
				Next:    []string{"Find it, or take it out of the register."}}))
		}
	}
}

// absence fills in what all tellings about an asset that is not heard share.
func absence(p *port.Port, a *port.Asset, rule string, o finding.Occurrence) finding.Occurrence {
	o.Rule, o.Subject = rule, finding.Subject{Kind: "asset", ID: a.ID, Name: a.Name}
	o.Domains, o.Grade, o.Services = []finding.Domain{finding.Domain(a.Domain)}, finding.Likely, p.ServicesOf(a.ID)
	if o.Severity == 0 {
		o.Severity = finding.Warning
	}
	if rule == RuleMissing {
		o.Severity = finding.Advice
	}
	return o
}

// States of an asset in the register against what was observed.
const (
	Seen       = "seen"
	NotSeen    = "not seen"     // others of its zone were
	OutOfSight = "out of sight" // nothing of its zone was seen: whether it is there is not known
	NoAddress  = "no address"   // the register has none to look for
)

// Registered is an asset of the register and whether it was observed.
type Registered struct {
	Asset string    `json:"asset"`
	Zone  string    `json:"zone,omitempty"`
	State string    `json:"state"`
	Last  time.Time `json:"last,omitzero"`
}

// Register holds every asset against what was observed since the start.
func (w *Watch) Register() []Registered {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.port == nil {
		return nil
	}
	out := make([]Registered, 0, len(w.port.Assets))
	for i := range w.port.Assets {
		a := &w.port.Assets[i]
		r := Registered{Asset: a.ID, Zone: a.Zone, State: NotSeen}
		p := w.presence[a.ID]
		switch {
		case p != nil && p.ever:
			r.State, r.Last = Seen, p.last
		case len(a.Addresses) == 0:
			r.State = NoAddress
		case w.zones[a.Zone] == nil:
			r.State = OutOfSight
		}
		out = append(out, r)
	}
	return out
}

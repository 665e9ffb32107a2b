package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// RuleMoved is an asset that speaks from another address than the register has.
const RuleMoved = "network.moved-asset"

// mover is an asset that was told to speak from elsewhere.
type mover struct {
	address  string
	subject  finding.Subject
	domains  []finding.Domain
	speaking spell // from there
	exercise string
}

// moved compares the address from which a registered device speaks with those of
// the register. An asset without a declared IP may have any of its zone. It ends
// when the asset has not spoken from there for a while: one that speaks from both
// in turn is told once.
func (w *Watch) moved(h *host, head *event.Head, from string) {
	a := h.asset
	if len(h.macs) == 0 || h.gateway() || h.proxy || h.shared != "" || !slices.Contains(h.ips, from) {
		return
	}
	ip, err := netip.ParseAddr(from)
	if err != nil || !judged(ip) {
		return
	}
	if !ownMAC(a, h.macs) {
		w.otherCard(h, head, ip)
		return
	}
	z := w.port.ZoneOf(ip)
	at, why := elsewhere(a, ip, z)
	if !at {
		return
	}
	m := w.movers[a.ID]
	if m != nil && m.address == from {
		m.speaking.renew(w.listen, head.Time)
		return
	}
	m = &mover{address: from, subject: w.subject(h, from), domains: []finding.Domain{finding.Domain(a.Domain)}, exercise: head.Exercise}
	m.speaking.renew(w.listen, head.Time)
	w.movers[a.ID] = m // assets are as many as the port file has
	w.emit(finding.Occurrence{Rule: RuleMoved, Subject: m.subject, Domains: m.domains, Grade: finding.Likely, Severity: finding.Warning,
		Title:   fmt.Sprintf("%s speaks from %s in %s", a.Name, ip, zoneName(z)),
		Summary: why + " Its network card is the one of the register; a card's address can be copied.",
		Facts: []finding.Fact{{Time: head.Time, Domain: finding.Domain(a.Domain), Evidence: finding.EvidenceOf(*head),
			Text: fmt.Sprintf("%s spoke from %s, MAC %s%s", a.Name, ip, strings.Join(h.macs, ", "), whenText(head))}},
		Services: w.port.ServicesOf(a.ID), Time: head.Time, Exercise: head.Exercise,
		Next: []string{"Find out who moved it, and correct the register or move it back."}})
}

// clearMoved tells which assets speak from elsewhere no longer.
func (w *Watch) clearMoved() {
	for _, id := range sortedKeys(w.movers) {
		m := w.movers[id]
		if !m.speaking.over(w.listen, w.o.ClearAfter) {
			continue
		}
		delete(w.movers, id)
		w.emit(finding.Occurrence{Rule: RuleMoved, Subject: m.subject, Domains: m.domains, Grade: finding.Likely, Severity: finding.Warning,
			Title: "It speaks from there no longer", Summary: fmt.Sprintf("Nothing was heard of it from %s in %s of listening.", m.address, w.o.ClearAfter),
			Time: m.speaking.end(w.listen, w.o.ClearAfter), Cleared: true, Exercise: m.exercise})
	}
}

func ownMAC(a *port.Asset, macs []string) bool {
	return slices.ContainsFunc(a.Addresses, func(d port.Address) bool { return d.MAC != "" && slices.Contains(macs, d.MAC) })
}

// elsewhere reports whether the address is none of the asset's, and why.
func elsewhere(a *port.Asset, ip netip.Addr, z *port.Zone) (bool, string) {
	var declared []string
	for _, d := range a.Addresses {
		if d.IP == ip {
			return false, ""
		}
		if d.IP.IsValid() && d.IP.Is4() == ip.Is4() {
			declared = append(declared, d.IP.String())
		}
	}
	switch {
	case len(declared) > 0:
		return true, fmt.Sprintf("The register has it at %s.", strings.Join(declared, ", "))
	case a.Zone != "" && z != nil && z.ID != a.Zone && !slices.ContainsFunc(a.Addresses, func(d port.Address) bool { return d.IP.IsValid() }):
		return true, fmt.Sprintf("The register has it in the zone %s.", a.Zone)
	}
	return false, ""
}

// otherCard tells a registered address that another network card than the
// declared one speaks from.
func (w *Watch) otherCard(h *host, head *event.Head, ip netip.Addr) {
	i := slices.IndexFunc(h.asset.Addresses, func(d port.Address) bool { return d.IP == ip && d.MAC != "" })
	if i < 0 || h.carded == h.macs[0] {
		return
	}
	h.carded = h.macs[0]
	a := h.asset
	w.emit(finding.Occurrence{Rule: RuleReplaced, Subject: w.subject(h, ip.String()), Domains: []finding.Domain{finding.Domain(a.Domain)},
		Grade: finding.Likely, Severity: finding.Warning,
		Title:   fmt.Sprintf("Another network card answers at the address of %s", a.Name),
		Summary: fmt.Sprintf("The register has the card %s at %s; the one that speaks there is %s. The device or its card was replaced, or another one has taken its address.", a.Addresses[i].MAC, ip, strings.Join(h.macs, ", ")),
		Facts: []finding.Fact{{Time: head.Time, Domain: finding.Domain(a.Domain), Evidence: finding.EvidenceOf(*head),
			Text: fmt.Sprintf("%s spoke with the MAC %s%s", ip, strings.Join(h.macs, ", "), whenText(head))}},
		Services: w.port.ServicesOf(a.ID), Time: head.Time, Exercise: head.Exercise, Technique: "T0830",
		Next: []string{"Look at the device and its switch port. Then correct the register, or take the other device off."}})
}

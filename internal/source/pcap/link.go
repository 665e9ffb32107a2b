package pcap

import "github.com/quaywatch/quaywatch/ics"

// llcSNAP is the service access point under which decode gives frames with a SNAP
// header, such as those of the Cisco Discovery Protocol.
const llcSNAP = 0xaa

// inspectLink gives what is carried directly on Ethernet to ics, and keeps what it
// told: controllers and switches speak of themselves there, without IP. ARP and LLDP
// are read elsewhere.
func (t *table) inspectLink(fr *frame, f *flow, side ics.Side, p *packet) error {
	if p.etherType != ics.EtherPROFINET && p.etherType != ics.EtherEtherCAT && p.etherType != llcSNAP {
		return nil
	}
	r := &t.result
	if !ics.InspectLink(p.etherType, p.body, r) {
		return nil
	}
	f.app = r.Application
	switch {
	case p.dstMAC.group(): // who opened is told by the address
	case r.Sender == ics.RoleClient:
		f.opened(side, openerProtocol)
	case r.Sender == ics.RoleServer:
		f.opened(1-side, openerProtocol)
	}
	f.ops |= r.Operations
	if w := weigh(r.Operations); w > f.weight && w > 1 {
		f.raw, f.weight = t.rawOf(fr), w
	}
	t.note(fr, f, side, r)
	if r.Identity.IsZero() && len(r.Behind) == 0 {
		return nil
	}
	return t.identity(fr, f.ends[side], f.ends[1-side], r)
}

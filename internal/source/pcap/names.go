package pcap

// names remembers how addresses are written: those of a capture come again and again.
// Which are remembered changes how long the writing takes, and nothing else.
type names struct {
	ips  [1 << 12]ipName
	macs [1 << 10]macName
}

type ipName struct {
	ip    addr
	layer uint8
	text  string
}

type macName struct {
	mac  mac
	text string
}

// ip writes an address of that layer; an IPv4 address within IPv6 as IPv4.
func (n *names) ip(a addr, layer uint8) string {
	at := &n.ips[fold(a.hi^seeds[0], a.lo^seeds[1])%uint64(len(n.ips))]
	if at.ip != a || at.layer != layer {
		*at = ipName{a, layer, a.netip(layer).Unmap().String()}
	}
	return at.text
}

// mac writes a hardware address, in lower case with colons.
func (n *names) mac(m mac) string {
	at := &n.macs[fold(m.number()^seeds[2], seeds[4])%uint64(len(n.macs))]
	if at.mac != m || at.text == "" {
		*at = macName{m, m.String()}
	}
	return at.text
}

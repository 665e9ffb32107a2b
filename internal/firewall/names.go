package firewall

import (
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// Protocol numbers (IANA).
const (
	icmp4   = 1
	tcp     = 6
	udp     = 17
	dccp    = 33
	icmp6   = 58
	sctp    = 132
	udplite = 136
)

// ported are the protocols that have ports.
var ported = Values(tcp, udp, dccp, sctp, udplite)

// protocols are names that vendors use alike (IANA protocol numbers).
var protocols = map[string]int{
	"icmp": icmp4, "igmp": 2, "ipip": 4, "tcp": tcp, "egp": 8, "igrp": 9, "udp": udp, "dccp": dccp, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": icmp6, "icmpv6": icmp6, "icmp6": icmp6,
	"eigrp": 88, "ospf": 89, "pim": 103, "pcp": 108, "vrrp": 112, "l2tp": 115, "sctp": sctp, "udplite": udplite,
}

// ports are service names that the configurations of all vendors mean alike
// (IANA service names). Names that versions read differently are left out:
// "kerberos" has been 750 and 88.
var ports = map[string]int{
	"echo": 7, "discard": 9, "daytime": 13, "chargen": 19, "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "time": 37, "nameserver": 42, "whois": 43,
	"tacacs": 49, "domain": 53, "bootps": 67, "bootpc": 68, "tftp": 69, "gopher": 70, "finger": 79, "http": 80, "www": 80, "pop2": 109, "pop3": 110, "sunrpc": 111,
	"ident": 113, "nntp": 119, "ntp": 123, "netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139, "snmp": 161, "snmptrap": 162, "xdmcp": 177, "bgp": 179, "irc": 194,
	"ldap": 389, "https": 443, "isakmp": 500, "syslog": 514, "rtsp": 554, "ldaps": 636, "sip": 5060, "nfs": 2049, "pptp": 1723, "h323": 1720,
}

// icmpTypes are names of ICMP types (RFC 792, 1256) and codes that are written alone.
var icmpTypes = map[string]int{
	"echo-reply": 0, "pong": 0, "unreachable": 3, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "alternate-address": 6, "echo": 8, "echo-request": 8, "ping": 8,
	"router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "ttl-exceeded": 11, "parameter-problem": 12, "timestamp-request": 13, "timestamp-reply": 14,
	"information-request": 15, "information-reply": 16, "mask-request": 17, "address-mask-request": 17, "mask-reply": 18, "address-mask-reply": 18, "traceroute": 30,
	"conversion-error": 31, "mobile-redirect": 32,
}

// icmp6Types are names of ICMPv6 types (RFC 4443, 4861).
var icmp6Types = map[string]int{
	"destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4, "echo-request": 128, "echo": 128, "echo-reply": 129,
	"router-solicitation": 133, "nd-router-solicit": 133, "router-advertisement": 134, "nd-router-advert": 134, "neighbour-solicitation": 135, "neighbor-solicitation": 135, "nd-neighbor-solicit": 135,
	"neighbour-advertisement": 136, "neighbor-advertisement": 136, "nd-neighbor-advert": 136, "mld-listener-query": 130, "mld-listener-report": 131, "mld-listener-done": 132, "mld2-listener-report": 143, "redirect": 137, "nd-redirect": 137,
}

// number reads a decimal number from 0 to limit.
func number(s string, limit int) (int, bool) {
	v, err := strconv.ParseUint(s, 10, 31)
	return int(v), err == nil && int(v) <= limit
}

// protocol reads the name or number of a protocol.
func protocol(s string) (Set, bool) {
	if v, ok := number(s, 255); ok {
		return Values(v), true
	}
	v, ok := protocols[strings.ToLower(s)]
	return Values(v), ok
}

// portNumber reads the name or number of a port.
func portNumber(s string) (int, bool) {
	if v, ok := number(s, 65535); ok {
		return v, true
	}
	v, ok := ports[strings.ToLower(s)]
	return v, ok
}

// portSpan reads "low SEP high", one port, or with an open end.
func portSpan(s, sep string) (Set, bool) {
	low, high, two := strings.Cut(s, sep)
	if !two {
		v, ok := portNumber(s)
		return Values(v), ok
	}
	a, b := 0, 65535
	var ok1, ok2 = true, true
	if low != "" {
		a, ok1 = portNumber(low)
	}
	if high != "" {
		b, ok2 = portNumber(high)
	}
	return Between(a, b), ok1 && ok2 && a <= b
}

// icmpType is the set of the type with one code, or with all where code is negative.
func icmpType(kind, code int) Set {
	if code < 0 {
		return Between(kind<<8, kind<<8|255)
	}
	return Values(kind<<8 | code)
}

// address reads an address, or a network with a length or mask after the slash.
func address(s string) (Set, bool) {
	host, mask, masked := strings.Cut(s, "/")
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return nil, false
	}
	if !masked {
		return AddressRange(a, a), true
	}
	if length, ok := number(mask, a.BitLen()); ok {
		return Prefix(netip.PrefixFrom(a, length)), true
	}
	return addressMask(host, mask)
}

// addressMask reads an IPv4 address and a mask of the bits that count.
func addressMask(host, mask string) (Set, bool) {
	a, err1 := netip.ParseAddr(host)
	m, err2 := netip.ParseAddr(mask)
	if err1 != nil || err2 != nil || !a.Is4() || !m.Is4() {
		return nil, false
	}
	return masked(bits32(a), bits32(m))
}

func bits32(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// maxSpans bounds into how many spans a mask with holes is cut.
const maxSpans = 4096

// masked is the set of addresses that equal a where the mask has ones.
func masked(a, mask uint32) (Set, bool) {
	low := bits.TrailingZeros32(mask) // free bits at the end: one span
	if low == 32 {
		return IPv4(), true
	}
	holes := ^mask &^ (1<<low - 1) // free bits above
	if bits.OnesCount32(holes) > 12 {
		return nil, false
	}
	var s Set
	for sub := uint32(0); ; {
		first := a&mask | sub
		s = append(s, span{num{0, 0xffff<<32 | uint64(first)}, num{0, 0xffff<<32 | uint64(first|(1<<low-1))}})
		if sub = (sub - holes) & holes; sub == 0 || len(s) >= maxSpans {
			return s.tidy(), true
		}
	}
}

// addressRange reads "low-high".
func addressRange(s string) (Set, bool) {
	low, high, ok := strings.Cut(s, "-")
	a, err1 := netip.ParseAddr(low)
	b, err2 := netip.ParseAddr(high)
	if !ok || err1 != nil || err2 != nil || a.Zone() != "" || b.Zone() != "" || a.Is4In6() || b.Is4In6() {
		return nil, false
	}
	r := AddressRange(a, b)
	return r, len(r) > 0
}

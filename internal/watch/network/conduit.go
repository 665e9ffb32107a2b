package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// judgement is how one flow stands to the conduits.
type judgement struct {
	verdict Verdict
	why     string
	from    *port.Zone // that opens; in the order of the flow where the direction is not known
	to      *port.Zone
	conduit *port.Conduit // that allows it, or comes closest
	lines   []int         // of conduit.Allow that it used
	port    uint16        // of the server
}

// OpenerUnseen begins the reason of a verdict that was given without knowing who
// opened the conversation.
const OpenerUnseen = "who opened it was not seen"

// judge maps both ends to zones by longest prefix and looks for a conduit.
// false: the flow is nothing that conduits are about (inside one host, to a
// group address, between two addresses outside the port).
//
// Where the direction was not seen, both are judged; only a verdict that both
// share is given.
func judge(p *port.Port, f *event.Flow, broadcast func(netip.Addr) bool) (judgement, bool) {
	c, cerr := netip.ParseAddr(f.Client.IP)
	s, serr := netip.ParseAddr(f.Server.IP)
	if cerr != nil || serr != nil || !judged(c) || !judged(s) || c == s || broadcast(c) || broadcast(s) {
		return judgement{}, false
	}
	zc, zs := p.ZoneOf(c), p.ZoneOf(s)
	if zc == nil || zs == nil {
		ip := c
		if zc != nil {
			ip = s
		}
		return judgement{verdict: Undecided, from: zc, to: zs, port: f.Server.Port,
			why: fmt.Sprintf("no zone holds %s, and no zone is declared for everything else", ip)}, true
	}
	if zc == zs {
		return judgement{verdict: SameZone, from: zc, to: zs, port: lowPort(f), why: "both ends are in the zone " + zc.ID}, !zc.External
	}
	there := along(p, f, zc, zs, f.Server.Port)
	if f.Direction == event.DirectionSeen {
		return there, true
	}
	back := along(p, f, zs, zc, f.Client.Port)
	if there.verdict == back.verdict {
		if there.verdict == Undeclared {
			there.port = lowPort(f)
		}
		there.why = OpenerUnseen + ", and it is the same both ways: " + there.why
		return there, true
	}
	return judgement{verdict: Undecided, from: zc, to: zs, port: lowPort(f),
		why: fmt.Sprintf(OpenerUnseen+": from %s it would be %s, from %s it would be %s", zc.ID, there.verdict, zs.ID, back.verdict)}, true
}

// judged leaves out what stays on one segment or one machine.
func judged(ip netip.Addr) bool {
	return unicast(ip) && !ip.IsLoopback() && !ip.IsLinkLocalUnicast()
}

// lowPort stands for the server's where the direction is not known: it only
// groups rows, it decides nothing.
func lowPort(f *event.Flow) uint16 {
	if f.Direction == event.DirectionSeen {
		return f.Server.Port
	}
	return min(f.Client.Port, f.Server.Port)
}

// along judges one direction against every conduit between the zones. One that
// allows it wins; then one that may; then the reason of the closest.
func along(p *port.Port, f *event.Flow, from, to *port.Zone, server uint16) judgement {
	j := judgement{verdict: Undeclared, from: from, to: to, port: server,
		why: fmt.Sprintf("no conduit from %s to %s is declared", from.ID, to.ID)}
	for _, c := range p.ConduitsBetween(from.ID, to.ID) {
		verdict, lines, why := allows(c, f, server)
		if verdict == AllowedSeen && c.Expired(f.Time) {
			verdict, lines = Undeclared, nil
			why = fmt.Sprintf("the conduit %s would allow it and ended on %s", c.ID, c.Expires.UTC().Format("2006-01-02"))
		}
		if verdict == Undecided && c.Expired(f.Time) {
			verdict = Undeclared
			why = fmt.Sprintf("the conduit %s ended on %s", c.ID, c.Expires.UTC().Format("2006-01-02"))
		}
		switch {
		case verdict == AllowedSeen:
			return judgement{verdict: verdict, why: why, from: from, to: to, conduit: c, lines: lines, port: server}
		case verdict == Undecided && j.verdict != Undecided,
			verdict == Undeclared && j.verdict == Undeclared && j.conduit == nil:
			j.verdict, j.why, j.conduit = verdict, why, c
		}
	}
	return j
}

// Operations by the access they need. Upload copies a program out of a device:
// it changes nothing, so it counts as reading.
var (
	readingOps = []string{"identify", "read", "upload"}
	writingOps = []string{"firmware", "program", "set-time", "start", "stop", "write"}
)

// allows looks for lines of c that cover the flow. Lines add up: one that
// allows reading and one that allows writing allow both.
func allows(c *port.Conduit, f *event.Flow, server uint16) (Verdict, []int, string) {
	var lines, unsure []int
	var all, read, write bool
	why := ""
	for i := range c.Allow {
		a := &c.Allow[i]
		switch {
		case a.Transport != "" && a.Transport != "any" && a.Transport != f.Transport:
			take(&why, fmt.Sprintf("the conduit %s allows %s, not %s", c.ID, a.Transport, f.Transport))
			continue
		case !covers(a.Ports, server, f.Transport):
			take(&why, fmt.Sprintf("the conduit %s does not allow %s port %d", c.ID, f.Transport, server))
			continue
		}
		if a.Application != "" && f.Application == "" {
			unsure = append(unsure, i)
			continue
		}
		if a.Application != "" && !sameApplication(a.Application, f.Application) {
			why = fmt.Sprintf("the conduit %s allows %s on port %d, and the content is %s", c.ID, a.Application, server, f.Application)
			continue
		}
		lines = append(lines, i)
		all = all || a.Access == "" || a.Access == "read-write"
		read = read || a.Access == "read"
		write = write || a.Access == "write"
	}
	switch {
	case all || (read && write):
		return AllowedSeen, lines, "allowed by the conduit " + c.ID
	case len(lines) > 0:
		v, w := access(c, f, read)
		if v != AllowedSeen {
			lines = nil
		}
		return v, lines, w
	case len(unsure) > 0:
		return Undecided, nil, fmt.Sprintf("the conduit %s allows %s there, and what was spoken was not recognised", c.ID, c.Allow[unsure[0]].Application)
	}
	return Undeclared, nil, why
}

// take keeps the first reason.
func take(to *string, s string) {
	if *to == "" {
		*to = s
	}
}

// access judges the operations where only reading (or only writing) is allowed.
func access(c *port.Conduit, f *event.Flow, reading bool) (Verdict, string) {
	name, allowed, forbidden := "writing", writingOps, readingOps
	if reading {
		name, allowed, forbidden = "reading", readingOps, writingOps
	}
	for _, op := range f.Operations {
		if slices.Contains(forbidden, op) && op != "identify" {
			return Undeclared, fmt.Sprintf("the conduit %s allows %s only, and %s was asked", c.ID, name, op)
		}
	}
	if len(f.Operations) == 0 {
		return Undecided, fmt.Sprintf("the conduit %s allows %s only, and what was asked is not known", c.ID, name)
	}
	for _, op := range f.Operations {
		if !slices.Contains(allowed, op) && op != "identify" {
			return Undecided, fmt.Sprintf("the conduit %s allows %s only, and whether %q is that is not known", c.ID, name, op)
		}
	}
	return AllowedSeen, fmt.Sprintf("allowed by the conduit %s, %s only", c.ID, name)
}

// covers: no ports are all ports; protocols without ports need such a line.
func covers(ports []port.PortRange, n uint16, transport string) bool {
	if len(ports) == 0 {
		return true
	}
	if transport != "tcp" && transport != "udp" {
		return false
	}
	return slices.ContainsFunc(ports, func(r port.PortRange) bool { return r.Contains(n) })
}

// otherNames are what port files call the protocols that are recognised.
var otherNames = map[string]string{
	"https": "tls", "ssl": "tls", "ethernet-ip": "enip", "ethernet/ip": "enip", "cip": "enip",
	"s7": "s7comm", "profinet-s7": "s7comm", "modbus-tcp": "modbus", "modbus/tcp": "modbus",
	"mssql": "tds", "sql-server": "tds", "opc-ua": "opcua", "opc ua": "opcua", "bacnet-ip": "bacnet", "bacnet/ip": "bacnet",
	"omron-fins": "fins", "hartip": "hart-ip", "cifs": "smb", "sftp": "ssh", "scp": "ssh",
	"iec-104": "iec104", "iec 104": "iec104", "iec-60870-5-104": "iec104", "iec 60870-5-104": "iec104",
	"synchrophasor": "c37.118", "c37118": "c37.118", "ieee-c37.118": "c37.118", "ieee c37.118": "c37.118",
	"snmpv1": "snmp", "snmpv2c": "snmp", // not snmpv3: the older ones would pass as it
}

// sameApplication compares what a conduit names with what was recognised.
func sameApplication(declared, recognised string) bool {
	d := strings.ToLower(declared)
	if n, ok := otherNames[d]; ok {
		d = n
	}
	return d == recognised || d == "s7comm" && recognised == "s7comm-plus" ||
		d == "profinet" && recognised == "profinet-dcp"
}

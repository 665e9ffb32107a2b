package eve

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
)

// record is what is read of an EVE record (the schema is Suricata's etc/schema.json).
type record struct {
	Timestamp string          `json:"timestamp"`
	FlowID    uint64          `json:"flow_id"`
	Type      string          `json:"event_type"`
	SrcIP     string          `json:"src_ip"`
	SrcPort   uint16          `json:"src_port"`
	DestIP    string          `json:"dest_ip"`
	DestPort  uint16          `json:"dest_port"`
	Proto     string          `json:"proto"`
	App       string          `json:"app_proto"`
	VLAN      json.RawMessage `json:"vlan"`
	ICMPType  *int            `json:"icmp_type"`
	Ether     *struct {
		Source      string `json:"src_mac"`
		Destination string `json:"dest_mac"`
	} `json:"ether"`
	Flow struct {
		Out      uint64 `json:"pkts_toserver"`
		In       uint64 `json:"pkts_toclient"`
		BytesOut uint64 `json:"bytes_toserver"`
		BytesIn  uint64 `json:"bytes_toclient"`
		Start    string `json:"start"`
		End      string `json:"end"`
		State    string `json:"state"`
	} `json:"flow"`
	TCP *struct {
		SYN     bool   `json:"syn"`
		Flags   string `json:"tcp_flags"`
		FlagsIn string `json:"tcp_flags_tc"`
	} `json:"tcp"`
	Alert *struct {
		Signature string `json:"signature"`
		Category  string `json:"category"`
		Severity  int    `json:"severity"`
	} `json:"alert"`
	DHCP *struct {
		MAC      string `json:"client_mac"`
		Assigned string `json:"assigned_ip"`
		Host     string `json:"hostname"`
	} `json:"dhcp"`
	Modbus *struct {
		Request  *modbusSide `json:"request"`
		Response *modbusSide `json:"response"`
	} `json:"modbus"`
	DNP3 json.RawMessage `json:"dnp3"`
	ENIP *struct {
		Request  *enipSide `json:"request"`
		Response *enipSide `json:"response"`
	} `json:"enip"`
}

type modbusSide struct {
	Access    string `json:"access_type"`
	Category  string `json:"category"`
	Function  string `json:"function_code"`
	Raw       int    `json:"function_raw"`
	Exception *struct {
		Raw int `json:"code"`
	} `json:"exception"`
	Errors string `json:"error_flags"`
}

type enipSide struct {
	Command string `json:"command"`
	CIP     *struct {
		Service string `json:"service"`
		Status  string `json:"status"`
	} `json:"cip"`
}

const badEnds = "src_ip and dest_ip hold no addresses"

// ends are who opened and who served: Suricata writes flows and transactions
// from the client's side, and alerts from that of the packet.
func (r *record) ends() (client, server event.Endpoint, ok bool) {
	c, cerr := netip.ParseAddr(r.SrcIP)
	s, serr := netip.ParseAddr(r.DestIP)
	if cerr != nil || serr != nil {
		return client, server, false
	}
	return event.Endpoint{IP: c.Unmap().String(), Port: r.SrcPort}, event.Endpoint{IP: s.Unmap().String(), Port: r.DestPort}, true
}

// applications are Suricata's names as the product calls them.
var applications = map[string]string{"rfb": "vnc", "failed": "", "unknown": "", "krb5": "kerberos", "dcerpc": "", "http2": "http", "ftp-data": "ftp"}

func (r *record) conversation() (event.Flow, string) {
	client, server, ok := r.ends()
	if !ok {
		return event.Flow{}, badEnds
	}
	f := event.Flow{Client: client, Server: server, Direction: event.DirectionUnknown, Application: strings.ToLower(r.App), VLAN: r.vlan(),
		PacketsOut: r.Flow.Out, PacketsIn: r.Flow.In, BytesOut: r.Flow.BytesOut, BytesIn: r.Flow.BytesIn, Answered: r.Flow.In > 0}
	if name, known := applications[f.Application]; known {
		f.Application = name
	}
	if r.Ether != nil {
		f.Client.MAC, f.Server.MAC = strings.ToLower(r.Ether.Source), strings.ToLower(r.Ether.Destination)
	}
	switch p := strings.ToLower(r.Proto); p {
	case "tcp":
		f.Transport = p
		if r.TCP != nil && r.TCP.SYN {
			f.Direction = event.DirectionSeen
		}
		if r.TCP != nil && (r.TCP.FlagsIn == "14" || r.TCP.FlagsIn == "04") { // nothing but resets
			f.Answered = false
		}
	case "udp":
		f.Transport, f.Direction = p, event.DirectionSeen
	case "icmp", "ipv6-icmp":
		f.Transport, f.Client.Port, f.Server.Port = "icmp", 0, 0
		if r.ICMPType != nil && (*r.ICMPType == 8 || *r.ICMPType == 128) {
			f.Direction = event.DirectionSeen
		}
	default:
		f.Transport = "ip/" + p
	}
	return f, ""
}

// vlan is the outer tag; the field is a number or a list of them.
func (r *record) vlan() uint16 {
	var list []uint16
	var one uint16
	switch {
	case json.Unmarshal(r.VLAN, &list) == nil && len(list) > 0:
		return list[0]
	case json.Unmarshal(r.VLAN, &one) == nil:
		return one
	}
	return 0
}

func (s *Source) operationsOf(id uint64) []string {
	m := s.asked[id]
	if m == nil {
		return nil
	}
	delete(s.asked, id)
	out := make([]string, 0, len(m))
	for o := range m {
		out = append(out, o)
	}
	slices.Sort(out)
	return out
}

// watched are the operations that are told one by one.
var watched = map[string]bool{"firmware": true, "program": true, "set-time": true, "start": true, "stop": true, "upload": true, "write": true}

// deed is one thing that a record says was asked.
type deed struct {
	operation, function      string
	asked, accepted, refused uint64
}

func (r *record) deeds() []deed {
	switch {
	case r.Modbus != nil:
		return r.modbus()
	case len(r.DNP3) > 0:
		return r.dnp3()
	case r.ENIP != nil:
		return r.enip()
	}
	return nil
}

func (r *record) modbus() []deed {
	q, a := r.Modbus.Request, r.Modbus.Response
	if q == nil && a == nil {
		return nil
	}
	d := deed{operation: "other"}
	side := q
	if side == nil {
		side = a
	}
	d.function = side.Function
	access := strings.ToUpper(side.Access)
	switch {
	case strings.Contains(access, "WRITE"):
		d.operation = "write"
	case strings.Contains(access, "READ"):
		d.operation = "read"
	case side.Raw == 43:
		d.operation = "identify"
	}
	if q != nil {
		d.asked = 1
	}
	switch {
	case a != nil && (a.Exception != nil || a.Raw >= 128):
		d.refused = 1
	case a != nil:
		d.accepted = 1
	}
	out := []deed{d}
	if d.operation == "write" && strings.Contains(access, "READ") {
		out = append(out, deed{operation: "read"})
	}
	return out
}

// dnp3Functions by code (IEEE 1815-2012 clause 4.2.2).
var dnp3Functions = map[int][2]string{
	1: {"read", "read"}, 2: {"write", "write"}, 3: {"write", "select"}, 4: {"write", "operate"}, 5: {"write", "direct operate"}, 6: {"write", "direct operate without answer"},
	7: {"write", "freeze"}, 8: {"write", "freeze without answer"}, 9: {"write", "freeze and clear"}, 13: {"start", "cold restart"}, 14: {"start", "warm restart"},
	15: {"start", "initialize data"}, 16: {"start", "initialize application"}, 17: {"start", "start application"}, 18: {"stop", "stop application"},
	19: {"program", "save configuration"}, 24: {"set-time", "record current time"}, 27: {"program", "delete file"}, 31: {"program", "activate configuration"},
}

// dnp3 reads a transaction: the fields of the request stand by themselves, or
// under "request" and "response".
func (r *record) dnp3() []deed {
	type side struct {
		Type        string `json:"type"`
		Application *struct {
			Function int `json:"function_code"`
		} `json:"application"`
	}
	var t struct {
		side
		Request  *side `json:"request"`
		Response *side `json:"response"`
	}
	if json.Unmarshal(r.DNP3, &t) != nil {
		return nil
	}
	q := t.Request
	if q == nil && t.Type == "request" {
		q = &t.side
	}
	if q == nil || q.Application == nil {
		return nil
	}
	f, known := dnp3Functions[q.Application.Function]
	if !known {
		f = [2]string{"other", ""}
	}
	d := deed{operation: f[0], function: f[1], asked: 1}
	if t.Response != nil {
		d.accepted = 1
	}
	return []deed{d}
}

func (r *record) enip() []deed {
	q, a := r.ENIP.Request, r.ENIP.Response
	if q == nil {
		return nil
	}
	if q.CIP == nil {
		if strings.EqualFold(q.Command, "ListIdentity") {
			return []deed{{operation: "identify"}}
		}
		return nil
	}
	name := strings.ToLower(q.CIP.Service)
	d := deed{operation: "other", function: name, asked: 1}
	switch {
	case strings.Contains(name, "write"), strings.HasPrefix(name, "set"), strings.Contains(name, "modify"):
		d.operation = "write"
	case strings.Contains(name, "read"), strings.HasPrefix(name, "get"):
		d.operation = "read"
	case name == "reset", name == "start":
		d.operation = "start"
	case name == "stop":
		d.operation = "stop"
	}
	if a != nil && a.CIP != nil {
		if s := strings.ToLower(a.CIP.Status); s == "" || s == "success" {
			d.accepted = 1
		} else {
			d.refused = 1
		}
	}
	return []deed{d}
}

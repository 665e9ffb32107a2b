package zeek

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
)

// maxAsked bounds the conversations of which it is remembered what was asked
// until conn.log tells them; at the bound the memory starts anew, and what was
// asked in those is then not known.
const maxAsked = 200_000

// reader holds what goes over several rows.
type reader struct {
	asked    map[string]map[string]bool // uid → operations, reads included
	duration int64                      // of the flow that was read last, nanoseconds
}

func newReader() reader { return reader{asked: map[string]map[string]bool{}} }

// ask notes what was asked in a conversation.
func (x *reader) ask(uid, operation string) {
	if uid == "" || operation == "" {
		return
	}
	m := x.asked[uid]
	if m == nil {
		if len(x.asked) >= maxAsked {
			clear(x.asked)
		}
		m = map[string]bool{}
		x.asked[uid] = m
	}
	m[operation] = true
}

// operations of a conversation, sorted, and forgets them.
func (x *reader) operations(uid string) []string {
	m := x.asked[uid]
	if m == nil {
		return nil
	}
	delete(x.asked, uid)
	out := make([]string, 0, len(m))
	for o := range m {
		out = append(out, o)
	}
	slices.Sort(out)
	return out
}

// ends are the two ends of a row: who opened, and who served.
func ends(r *row) (client, server event.Endpoint, ok bool) {
	c, cerr := netip.ParseAddr(r.get("id.orig_h"))
	s, serr := netip.ParseAddr(r.get("id.resp_h"))
	if cerr != nil || serr != nil {
		return client, server, false
	}
	client = event.Endpoint{IP: c.Unmap().String(), Port: portOf(r.get("id.orig_p"))}
	server = event.Endpoint{IP: s.Unmap().String(), Port: portOf(r.get("id.resp_p"))}
	return client, server, true
}

func portOf(s string) uint16 {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

const badEnds = "columns id.orig_h and id.resp_h hold no addresses"

// services are Zeek's names of protocols as the product calls them. Names that
// are the same are not listed.
var services = map[string]string{
	"ssl": "tls", "rfb": "vnc", "s7comm_plus": "s7comm-plus", "s7comm_tcp": "s7comm", "cotp": "cotp", "cip": "enip", "enip_tcp": "enip", "enip_udp": "enip",
	"dnp3_tcp": "dnp3", "dnp3_udp": "dnp3", "bacnet_udp": "bacnet", "opcua_binary": "opcua", "spicy_opcua_binary": "opcua",
	"hart_ip": "hart-ip", "hart_ip_tcp": "hart-ip", "hart_ip_udp": "hart-ip", "omron_fins": "fins", "omron_fins_tcp": "fins", "omron_fins_udp": "fins",
	"c1222": "", "modbus_tcp": "modbus", "profinet_io_cm": "profinet", "ethercat": "ethercat", "synchrophasor": "c37.118", "synchrophasor_tcp": "c37.118", "synchrophasor_udp": "c37.118",
	"krb_tcp": "kerberos", "krb": "kerberos", "gssapi": "", "dce_rpc": "", "ntlm": "",
}

// industrial are preferred where Zeek names several protocols of a conversation.
var industrial = []string{"s7comm-plus", "s7comm", "modbus", "enip", "dnp3", "bacnet", "opcua", "hart-ip", "fins", "c37.118", "iec104", "profinet"}

// service is the one application of a conversation.
func service(text string) string {
	var names []string
	for _, s := range strings.Split(text, ",") {
		s = strings.ToLower(strings.TrimPrefix(s, "-")) // a parser that gave up
		if n, known := services[s]; known {
			s = n
		}
		if s != "" {
			names = append(names, s)
		}
	}
	for _, n := range industrial {
		if slices.Contains(names, n) {
			return n
		}
	}
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// conversation reads a row of conn.log.
func conversation(x *reader, r *row) (told, string) {
	client, server, ok := ends(r)
	if !ok {
		return told{}, badEnds
	}
	f := &event.Flow{Client: client, Server: server, Application: service(r.get("service")), VLAN: uint16(min(r.count("vlan"), 4095)),
		PacketsOut: r.count("orig_pkts"), PacketsIn: r.count("resp_pkts"), Direction: event.DirectionUnknown}
	f.BytesOut, f.BytesIn = max(r.count("orig_ip_bytes"), r.count("orig_bytes")), max(r.count("resp_ip_bytes"), r.count("resp_bytes"))
	f.Client.MAC, f.Server.MAC = strings.ToLower(r.get("orig_l2_addr")), strings.ToLower(r.get("resp_l2_addr"))
	state, history := r.get("conn_state"), r.get("history")
	turned := strings.HasPrefix(history, "^") // Zeek guessed who opened, by the ports
	switch r.get("proto") {
	case "tcp":
		f.Transport = "tcp"
		if strings.ContainsAny(history, "Sh") || history == "" && strings.HasPrefix(state, "S") {
			f.Direction = event.DirectionSeen
		}
		f.Answered = f.PacketsIn > 0 && state != "REJ" && state != "S0" && state != "SH" && state != "RSTOS0"
	case "udp":
		f.Transport = "udp"
		if !turned || f.Application != "" {
			f.Direction = event.DirectionSeen
		}
		f.Answered = f.PacketsIn > 0
	case "icmp":
		f.Transport, f.Answered = "icmp", f.PacketsIn > 0
		if f.Client.Port == 8 || f.Client.Port == 128 { // type of an echo request
			f.Direction = event.DirectionSeen
		}
		f.Client.Port, f.Server.Port = 0, 0
	default:
		if f.Transport = "ip/" + r.get("ip_proto"); f.Transport == "ip/" {
			f.Transport = "ip/unknown"
		}
		f.Answered = f.PacketsIn > 0
	}
	x.duration = 0
	if d, ok := r.text("duration"); ok {
		if ns, err := nanoseconds(d); err == nil {
			x.duration = ns
		}
	}
	f.Operations = x.operations(r.get("uid"))
	return told{flow: f}, ""
}

package network

import (
	"fmt"
	"slices"
	"strings"
)

// controllers are protocols that a controller, drive or field gateway serves.
// PROFINET DCP is none of them: switches and computers answer it too.
var controllers = []string{"bacnet", "c37.118", "dnp3", "enip", "ethercat", "fins", "hart-ip", "iec104", "modbus", "opcua", "profinet", "s7comm", "s7comm-plus"}

// collectors are controllers' protocols that are also spoken by what reads
// controllers and passes on what it read: OPC UA servers, phasor concentrators.
var collectors = []string{"c37.118", "opcua"}

// offices are protocols that a server of an office serves. What every device
// answers on its segment (mDNS, NetBIOS, SSDP, WS-Discovery) or for its keeper
// (SNMP) makes no server.
var offices = []string{"dns", "http", "ntp", "rdp", "smb", "ssh", "tds", "tls", "vnc"}

// desks are what people at a desk ask for; names and clocks everything asks for.
var desks = []string{"http", "rdp", "smb", "tls"}

// cameraMakers are makers of cameras and little else, as the OUI table has them.
var cameraMakers = []string{"Axis Communications", "Hangzhou Hikvision", "Zhejiang Dahua", "Hanwha", "Mobotix", "MOBOTIX", "Vivotek", "Avigilon"}

// Fewest peers before a habit is taken for a role.
const (
	operatorPolls   = 2
	historianPolls  = 8
	serverClients   = 3
	workstationApps = 2
)

// role weighs what the host served and asked. The order is: what it serves in
// an industrial protocol, what it asks of controllers, video, routing, office
// services, and the maker of its network card last. Thin evidence is unknown.
func (h *host) role() (role, why string) {
	for _, judge := range []func(*host) (string, string){
		(*host).asController, (*host).asClientOfControllers, (*host).asCamera,
		(*host).asGateway, (*host).asOffice, (*host).asMaker,
	} {
		if role, why = judge(h); role != "" {
			return role, why
		}
	}
	return "unknown", h.thin()
}

func (h *host) asController() (string, string) {
	for _, k := range h.serviceKeys() {
		s := h.services[k]
		if slices.Contains(collectors, s.application) && h.asksControllers() {
			continue
		}
		if slices.Contains(controllers, s.application) {
			return "controller", fmt.Sprintf("answers %s on %s/%d (%s)", s.application, k.transport, k.port, operationsText(s.operations))
		}
	}
	return "", ""
}

// asksControllers: it is a client of some controller itself.
func (h *host) asksControllers() bool {
	return slices.ContainsFunc(controllers, func(app string) bool { return h.asks[app] != nil })
}

func (h *host) asClientOfControllers() (string, string) {
	servers, apps := 0, []string{}
	reads, writes := false, false
	for _, app := range controllers {
		a := h.asks[app]
		if a == nil {
			continue
		}
		for _, op := range []string{"firmware", "program", "stop", "start", "upload"} {
			if a.operations[op] {
				return "engineering station", fmt.Sprintf("asked %s of a controller over %s", op, app)
			}
		}
		servers, apps = servers+len(a.servers), append(apps, app)
		reads, writes = reads || a.operations["read"] || a.operations["io"], writes || a.operations["write"]
	}
	list := strings.Join(apps, ", ")
	switch {
	case writes:
		return "operator station", fmt.Sprintf("writes to %s over %s", plural(servers, "controller"), list)
	case reads && servers >= historianPolls:
		return "historian", fmt.Sprintf("reads from %s over %s and never wrote", plural(servers, "controller"), list)
	case reads && servers >= operatorPolls:
		return "operator station", fmt.Sprintf("reads from %s over %s", plural(servers, "controller"), list)
	}
	return "", ""
}

func (h *host) asCamera() (string, string) {
	for _, k := range h.serviceKeys() {
		if h.services[k].application == "rtsp" {
			if len(h.services[k].clients) > 0 {
				return "camera", fmt.Sprintf("serves video (RTSP) on %s/%d", k.transport, k.port)
			}
		}
	}
	return "", ""
}

func (h *host) asGateway() (string, string) {
	if h.shared != "" {
		return "gateway", "its address is shared by routers (" + h.shared + ")"
	}
	if h.proxy {
		return "gateway", "its MAC answers for many addresses of its network at once (proxy ARP, or a load balancer)"
	}
	if h.gateway() {
		return "gateway", fmt.Sprintf("its MAC carries packets of %d addresses of other networks", len(h.carried))
	}
	return "", ""
}

func (h *host) asOffice() (string, string) {
	for _, k := range h.serviceKeys() {
		s := h.services[k]
		if slices.Contains(offices, s.application) && len(s.clients) >= serverClients {
			return "server", fmt.Sprintf("serves %s on %s/%d to %d clients", s.application, k.transport, k.port, len(s.clients))
		}
	}
	var asks []string
	for _, app := range desks {
		if h.asks[app] != nil {
			asks = append(asks, app)
		}
	}
	if len(asks) >= workstationApps && len(h.services) == 0 {
		return "workstation", "asks for " + strings.Join(asks, ", ") + " and serves nothing"
	}
	return "", ""
}

func (h *host) asMaker() (string, string) {
	for _, m := range h.macs {
		for _, c := range cameraMakers {
			if strings.HasPrefix(maker(m), c) {
				return "camera", "the network card is of " + maker(m) + ", who make cameras; nothing else is known"
			}
		}
	}
	return "", ""
}

// thin says why no role is given.
func (h *host) thin() string {
	switch {
	case !h.talked:
		return "it was only spoken to, or only announced; it opened and answered nothing"
	case len(h.services) == 0 && len(h.asks) == 0:
		return "no protocol of its conversations was recognised"
	case len(h.services) > 0:
		return fmt.Sprintf("serves %s, to too few clients or in no protocol that tells a role", plural(len(h.services), "port"))
	}
	return "asks too few others to tell a role"
}

func (h *host) serviceKeys() []serviceKey {
	out := make([]serviceKey, 0, len(h.services))
	for k := range h.services {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b serviceKey) int {
		if a.transport != b.transport {
			return strings.Compare(a.transport, b.transport)
		}
		return int(a.port) - int(b.port)
	})
	return out
}

func operationsText(m map[string]bool) string {
	if len(m) == 0 {
		return "operations not known"
	}
	out := make([]string, 0, len(m))
	for o := range m {
		out = append(out, o)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

package network

import (
	"fmt"
	"math"
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

// keepers are protocols by which a management server looks after devices.
var keepers = []string{"snmp", "ssh"}

// Makers of one kind of device and little else, as the OUI table has them.
var (
	cameraMakers = []string{"Axis Communications", "Hangzhou Hikvision", "Zhejiang Dahua", "Hanwha", "Mobotix", "MOBOTIX", "Vivotek", "Avigilon"}
	readerMakers = []string{"HID Corporation", "Suprema"}
)

// Fewest peers before a habit is taken as evidence.
const (
	operatorPolls   = 2
	historianPolls  = 8
	historianFeeds  = 2
	serverClients   = 3
	workstationApps = 2
	webServers      = 4
	keptDevices     = 5
	watchedCameras  = 2
)

// The prior is the natural log odds of any one role before anything was seen:
// about 1 in 50. A role is given from surely on, else it is unknown; below hardly
// it is not even named as likely.
const (
	prior  = -4.0
	surely = 0.8
	hardly = 0.25
)

// evidence is what speaks for a role, or against it.
type evidence struct {
	role   string
	weight float64 // natural log odds; below 0 it speaks against
	why    string  // in words; "" where it only speaks against
}

// role weighs what the host served, asked and announced. The log odds of a role
// are the prior and the sum of the weights; the probabilities are those of one
// choice among all roles and "none of them". The weights are judgements, ordered
// as facts that only one role can have (9 and more), habits of one role (5 to 8)
// and habits that several share (below); docs/manual/network.md has the table.
func (h *host) role() (role, why string, probability float64) {
	all := h.evidence()
	odds := map[string]float64{}
	for _, e := range all {
		if _, ok := odds[e.role]; !ok {
			odds[e.role] = prior
		}
		odds[e.role] += e.weight
	}
	sum := 1.0 // e⁰: none of the roles
	roles := sortedKeys(odds)
	for _, r := range roles {
		sum += math.Exp(odds[r])
	}
	best, second := "", ""
	for _, r := range roles {
		switch {
		case best == "" || odds[r] > odds[best]:
			best, second = r, best
		case second == "" || odds[r] > odds[second]:
			second = r
		}
	}
	if best == "" {
		return "unknown", h.thin(), 0
	}
	sure := math.Exp(odds[best]) / sum
	probability = min(math.Round(sure*100)/100, 0.99) // a habit is no proof
	why = reasons(all, best)
	if sure >= surely {
		return best, why, probability
	}
	if why == "" || sure < hardly {
		return "unknown", h.thin(), 0
	}
	if second != "" && odds[second] > odds[best]-1.5 {
		if other := reasons(all, second); other != "" {
			return "unknown", fmt.Sprintf("%s (%s) or %s (%s)", best, why, second, other), probability
		}
	}
	return "unknown", fmt.Sprintf("perhaps %s (%s), which is too thin", best, why), probability
}

// reasons are the words for a role, the weightiest first.
func reasons(all []evidence, role string) string {
	mine := slices.DeleteFunc(slices.Clone(all), func(e evidence) bool { return e.role != role || e.weight <= 0 || e.why == "" })
	slices.SortStableFunc(mine, func(a, b evidence) int {
		switch {
		case a.weight > b.weight:
			return -1
		case a.weight < b.weight:
			return 1
		}
		return 0
	})
	var out []string
	for _, e := range mine {
		out = append(out, e.why)
	}
	return strings.Join(out[:min(len(out), 3)], "; ")
}

func (h *host) evidence() []evidence {
	var out []evidence
	for _, look := range []func(*host) []evidence{
		(*host).asAnnounced, (*host).asController, (*host).asClientOfControllers, (*host).asCollector,
		(*host).asCamera, (*host).asGateway, (*host).asServer, (*host).asDesk, (*host).asMaker,
	} {
		out = append(out, look(h)...)
	}
	return out
}

// announced are the roles that a device claims by LLDP or CDP (IEEE 802.1AB clause 8.5.8).
var announced = map[string]string{"Switch": "switch", "Router": "gateway", "Wireless Access Point": "access point", "Telephone": "phone"}

func (h *host) asAnnounced() []evidence {
	if role := announced[h.facts["kind"]]; role != "" {
		return []evidence{{role, 9, "announces itself as " + h.facts["kind"]}}
	}
	return nil
}

func (h *host) asController() []evidence {
	for _, k := range h.serviceKeys() {
		s := h.services[k]
		if !slices.Contains(controllers, s.application) {
			continue
		}
		why := fmt.Sprintf("answers %s on %s/%d (%s)", s.application, k.transport, k.port, operationsText(s.operations))
		if slices.Contains(collectors, s.application) && h.asksControllers() {
			continue // what it serves is what it read elsewhere
		}
		return []evidence{{"controller", 10, why}, {"operator station", -6, ""}, {"historian", -6, ""}}
	}
	return nil
}

// asksControllers: it is a client of some controller itself.
func (h *host) asksControllers() bool {
	return slices.ContainsFunc(controllers, func(app string) bool { return h.asks[app] != nil })
}

// plant is what a host asked of controllers.
type plant struct {
	servers int
	apps    []string
	ops     map[string]bool
}

func (h *host) plant() plant {
	p := plant{ops: map[string]bool{}}
	servers := map[string]bool{}
	for _, app := range controllers {
		a := h.asks[app]
		if a == nil {
			continue
		}
		p.apps = append(p.apps, app)
		join(servers, a.servers)
		for op := range a.operations {
			p.ops[op] = true
		}
	}
	p.servers = len(servers)
	return p
}

func (h *host) asClientOfControllers() []evidence {
	p := h.plant()
	if p.servers == 0 {
		return nil
	}
	list := strings.Join(p.apps, ", ")
	var out []evidence
	for _, op := range []string{"firmware", "program", "stop", "start", "upload"} {
		if p.ops[op] {
			weight := 10.0
			if op == "upload" {
				weight = 8
			}
			out = append(out, evidence{"engineering station", weight, fmt.Sprintf("asked %s of %s over %s", op, plural(p.servers, "controller"), list)}, evidence{"operator station", -4, ""})
			break
		}
	}
	reads := p.ops["read"] || p.ops["io"]
	switch {
	case p.ops["write"]:
		out = append(out, evidence{"operator station", 6.5, fmt.Sprintf("writes to %s over %s", plural(p.servers, "controller"), list)}, evidence{"historian", -8, ""})
		if p.servers >= operatorPolls {
			out = append(out, evidence{"operator station", 1.5, "works with several controllers"})
		}
	case reads && p.servers >= historianPolls:
		out = append(out, evidence{"historian", 7, fmt.Sprintf("reads from %s over %s and never wrote", plural(p.servers, "controller"), list)}, evidence{"operator station", 3, ""})
	case reads && p.servers >= operatorPolls:
		out = append(out, evidence{"operator station", 4.5, fmt.Sprintf("reads from %s over %s", plural(p.servers, "controller"), list)})
	case reads:
		out = append(out, evidence{"operator station", 2.5, fmt.Sprintf("reads from a controller over %s", list)})
	}
	if len(h.clientsOfOffice()) < serverClients && (reads || p.ops["write"]) {
		out = append(out, evidence{"operator station", 1.5, "serves few others"})
	}
	return out
}

// asCollector: what reads controllers sends its values here, and far more comes than goes.
func (h *host) asCollector() []evidence {
	for _, k := range h.serviceKeys() {
		s := h.services[k]
		if len(s.feeders) >= historianFeeds && s.fed > 3*s.fedBack {
			return []evidence{{"historian", 10, fmt.Sprintf("is fed on %s/%d by %s that read controllers", k.transport, k.port, plural(len(s.feeders), "device"))}, {"server", -3, ""}}
		}
	}
	return nil
}

func (h *host) asCamera() []evidence {
	var out []evidence
	watches := 0
	if a := h.asks["rtsp"]; a != nil {
		watches = len(a.servers)
	}
	for _, k := range h.serviceKeys() {
		if s := h.services[k]; s.application == "rtsp" && len(s.clients) > 0 {
			if watches > 0 { // a recorder passes on what it recorded
				return []evidence{{"server", 6, fmt.Sprintf("takes video from %s and serves it on %s/%d", plural(watches, "camera"), k.transport, k.port)}}
			}
			return []evidence{{"camera", 9, fmt.Sprintf("serves video (RTSP) on %s/%d", k.transport, k.port)}}
		}
	}
	if watches >= watchedCameras && len(h.services) == 0 {
		out = append(out, evidence{"operator station", 6.5, fmt.Sprintf("watches %s and serves nothing", plural(watches, "camera"))})
	}
	return out
}

func (h *host) asGateway() []evidence {
	if h.shared != "" {
		return []evidence{{"gateway", 12, "its address is shared by routers (" + h.shared + ")"}}
	}
	if h.proxy {
		return []evidence{{"gateway", 12, "its MAC answers for many addresses of its network at once (proxy ARP, or a load balancer)"}}
	}
	if h.gateway() {
		return []evidence{{"gateway", 9, fmt.Sprintf("its MAC carries packets of %d addresses of other networks", len(h.carried))}}
	}
	return nil
}

// clientsOfOffice are those that asked some office protocol of the host.
func (h *host) clientsOfOffice() map[string]bool {
	out := map[string]bool{}
	for _, s := range h.services {
		if slices.Contains(offices, s.application) {
			join(out, s.clients)
		}
	}
	return out
}

func (h *host) asServer() []evidence {
	var out []evidence
	most, at, served := 0, serviceKey{}, 0
	for _, k := range h.serviceKeys() {
		s := h.services[k]
		if !slices.Contains(offices, s.application) || s.application == "ssh" {
			continue // a switch or controller too is kept over SSH
		}
		served++
		if len(s.clients) > most {
			most, at = len(s.clients), k
		}
	}
	if most > 0 {
		why := fmt.Sprintf("serves %s on %s/%d to %s", h.services[at].application, at.transport, at.port, plural(most, "client"))
		switch {
		case most >= serverClients:
			out = append(out, evidence{"server", 7, why})
		case most == 2:
			out = append(out, evidence{"server", 3, why})
		default:
			out = append(out, evidence{"server", 1, why})
		}
		if served >= 2 {
			out = append(out, evidence{"server", 3, fmt.Sprintf("serves %d office services", served)})
		}
	}
	for _, app := range keepers {
		if a := h.asks[app]; a != nil && len(a.servers) >= keptDevices {
			out = append(out, evidence{"server", 6, fmt.Sprintf("looks after %s over %s", plural(len(a.servers), "device"), app)})
		}
	}
	return out
}

func (h *host) asDesk() []evidence {
	if len(h.services) > 0 || h.asksControllers() {
		return nil
	}
	var asks []string
	for _, app := range desks {
		if h.asks[app] != nil {
			asks = append(asks, app)
		}
	}
	web := 0
	if a := h.asks["tls"]; a != nil {
		web = len(a.servers)
	}
	switch {
	case len(asks) >= workstationApps:
		return []evidence{{"workstation", 6.5, "asks for " + strings.Join(asks, ", ") + " and serves nothing"}}
	case web >= webServers:
		return []evidence{{"workstation", 5.5, fmt.Sprintf("asks %d web servers over TLS and serves nothing", web)}}
	}
	return nil
}

func (h *host) asMaker() []evidence {
	for _, m := range h.macs {
		for _, k := range []struct {
			role   string
			makers []string
		}{{"camera", cameraMakers}, {"reader", readerMakers}} {
			for _, c := range k.makers {
				if strings.HasPrefix(maker(m), c) {
					return []evidence{{k.role, 6, "the network card is of " + maker(m) + ", who make " + k.role + "s"}}
				}
			}
		}
	}
	return nil
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

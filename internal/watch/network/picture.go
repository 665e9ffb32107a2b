package network

import (
	"slices"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// Host is a device seen on the network.
type Host struct {
	ID       string   `json:"id"` // "mac:00:80:f4:…", or "ip:10.1.2.3" where no MAC of its own is known
	MACs     []string `json:"macs,omitempty"`
	IPs      []string `json:"ips,omitempty"`
	Names    []string `json:"names,omitempty"`
	Vendor   string   `json:"vendor,omitempty"`
	Product  string   `json:"product,omitempty"`
	Model    string   `json:"model,omitempty"`
	Firmware string   `json:"firmware,omitempty"`
	Serial   string   `json:"serial,omitempty"`
	Zone     string   `json:"zone,omitempty"`  // zone id
	Asset    string   `json:"asset,omitempty"` // asset id, where the register has it
	Role     string   `json:"role"`            // "controller", "camera", "server"…, or "unknown"
	RoleWhy  string   `json:"role_why"`        // the reason, or why it is not known
	// RoleProbability is that of the role, from 0 to 1; where it is unknown, that
	// of the likeliest, 0 where nothing speaks for any.
	RoleProbability float64   `json:"role_probability"`
	Services        []Service `json:"services,omitempty"`
	First           time.Time `json:"first"`
	Last            time.Time `json:"last"`
	Flows           uint64    `json:"flows"`
	BytesOut        uint64    `json:"bytes_out"`
	BytesIn         uint64    `json:"bytes_in"`
	Sources         []string  `json:"sources"`

	Facts  map[string]string `json:"facts,omitempty"`  // further things it said of itself, see docs/manual/dissectors.md
	Behind []Behind          `json:"behind,omitempty"` // devices that it speaks for, by address

	Operations []Touch `json:"operations,omitempty"` // that were asked of it, the newest first, at most 256
}

// Touch is what one client asked of a device: a change, or a copy of its program.
type Touch struct {
	Client    string           `json:"client"` // IP, or MAC below IP
	Protocol  string           `json:"protocol"`
	Operation string           `json:"operation"` // as in event.DeviceOperation
	Function  string           `json:"function,omitempty"`
	First     time.Time        `json:"first"`
	Last      time.Time        `json:"last"`
	Asked     uint64           `json:"asked"` // requests
	Accepted  uint64           `json:"accepted"`
	Refused   uint64           `json:"refused"`
	Evidence  finding.Evidence `json:"evidence"` // of the newest
}

// Behind is a device that a host speaks for: behind a router, a gateway or a
// fieldbus master. It has no address of its own on the watched network.
type Behind struct {
	Address  string            `json:"address"` // as the protocol writes it, such as "bacnet network 2001 station 1c"
	Protocol string            `json:"protocol"`
	Name     string            `json:"name,omitempty"`
	Vendor   string            `json:"vendor,omitempty"`
	Product  string            `json:"product,omitempty"`
	Model    string            `json:"model,omitempty"`
	Firmware string            `json:"firmware,omitempty"`
	Serial   string            `json:"serial,omitempty"`
	Facts    map[string]string `json:"facts,omitempty"`
	First    time.Time         `json:"first"`
	Last     time.Time         `json:"last"`
}

// Service is something that a host answers on.
type Service struct {
	Transport   string    `json:"transport"`
	Port        uint16    `json:"port"`
	Application string    `json:"application,omitempty"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Clients     int       `json:"clients"`
}

// Verdict is how an observed conversation between zones stands to the conduits.
type Verdict string

// Verdicts.
const (
	AllowedSeen   Verdict = "allowed and seen"
	AllowedUnseen Verdict = "allowed and unseen" // declared, no traffic: perhaps wider than needed
	Undeclared    Verdict = "undeclared"         // seen, and no conduit allows it
	Undecided     Verdict = "undecided"          // cannot be judged, see Why
	SameZone      Verdict = "same zone"
)

// ConduitUse is what went from one zone to another over one service.
type ConduitUse struct {
	From        string    `json:"from"` // zone id
	To          string    `json:"to"`
	Conduit     string    `json:"conduit,omitempty"` // id, where one matches
	Transport   string    `json:"transport"`
	Port        uint16    `json:"port"` // of the server
	Application string    `json:"application,omitempty"`
	Verdict     Verdict   `json:"verdict"`
	Why         string    `json:"why"`
	Flows       uint64    `json:"flows"`
	Answered    uint64    `json:"answered"` // of the flows; the others were only tried
	Bytes       uint64    `json:"bytes"`
	First       time.Time `json:"first,omitzero"` // zero where nothing was seen
	Last        time.Time `json:"last,omitzero"`
	Example     string    `json:"example,omitempty"` // "10.20.4.7 → 10.30.1.12:1433"
	Client      string    `json:"-"`                 // addresses of the example; empty below IP
	Server      string    `json:"-"`
	Pairs       int       `json:"pairs"`                // distinct client and server addresses
	Operations  []string  `json:"operations,omitempty"` // that were asked for, as far as they were seen
}

// Picture is the network as observed, hosts ordered by id, uses by zones and port.
type Picture struct {
	AsOf  time.Time    `json:"as_of"`
	Hosts []Host       `json:"hosts"`
	Uses  []ConduitUse `json:"uses"`
}

// AddressesOf lists the addresses, sorted, that a name stands for: those that the
// register has for the asset of that id and those observed of it, or those of the
// device of that id; a name that is neither is taken for an address by itself,
// with the other addresses of the device that has it. p may be nil.
func AddressesOf(p *port.Port, hosts []Host, name string) []string {
	var out []string
	if p != nil {
		if a := p.Asset(name); a != nil {
			for _, d := range a.Addresses {
				if d.IP.IsValid() {
					out = append(out, d.IP.String())
				}
				if d.MAC != "" {
					out = append(out, d.MAC)
				}
			}
		}
	}
	for i := range hosts {
		h := &hosts[i]
		if h.ID == name || h.Asset == name || slices.Contains(h.IPs, name) || slices.Contains(h.MACs, name) {
			out = append(append(out, h.IPs...), h.MACs...)
		}
	}
	if len(out) == 0 {
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

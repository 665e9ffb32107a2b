package attackgraph

import (
	"strconv"

	"github.com/quaywatch/quaywatch/internal/port"
)

// service is what a host answers on.
type service struct {
	transport string
	port      uint16
	app       string
}

// String writes a service as it stands in atoms, such as "tcp/502 modbus".
func (s service) String() string { return Service(s.transport, s.port, s.app) }

// Service names a service in atoms.
func Service(transport string, port uint16, application string) string {
	out := transport + "/" + strconv.Itoa(int(port))
	if application != "" {
		out += " " + application
	}
	return out
}

// open are protocols that ask for no login as they are commonly used.
var open = map[string]bool{"modbus": true, "s7comm": true, "enip": true, "dnp3": true, "iec104": true, "bacnet": true, "fins": true, "hart-ip": true, "profinet": true, "opcua": true}

// logins are protocols by which people and programs log in.
var logins = map[string]bool{"rdp": true, "ssh": true, "smb": true, "vnc": true, "telnet": true}

// obeys are the kinds of asset that act on commands of such protocols.
var obeys = map[string]bool{"plc": true, "rtu": true, "drive": true, "crane": true, "asc": true, "safety-controller": true, "tank-gauge": true, "pump": true, "valve": true,
	"reefer-rack": true, "weighbridge": true, "substation": true, "gateway": true, "scada-server": true, "other-ot": true}

// windows are the kinds that usually belong to a directory.
var windows = map[string]bool{"workstation": true, "laptop": true, "server": true, "application": true, "directory": true, "mail": true, "storage": true, "jump-host": true,
	"hmi": true, "engineering-station": true, "historian": true, "scada-server": true, "tos-server": true, "vts-server": true, "access-server": true}

// kept are the kinds on which the maker's password is often kept.
var kept = map[string]bool{"camera": true, "video-recorder": true, "intercom": true, "door-controller": true, "badge-reader": true, "plc": true, "gateway": true, "ups": true, "printer": true}

var (
	tls   = service{"tcp", 443, "tls"}
	smb   = service{"tcp", 445, "smb"}
	rdp   = service{"tcp", 3389, "rdp"}
	ssh   = service{"tcp", 22, "ssh"}
	rtsp  = service{"tcp", 554, "rtsp"}
	tds   = service{"tcp", 1433, "tds"}
	opcua = service{"tcp", 4840, "opcua"}
	s7    = service{"tcp", 102, "s7comm"}
	enip  = service{"tcp", 44818, "enip"}
	mb    = service{"tcp", 502, "modbus"}
	snmp  = service{"udp", 161, ""}
	ntp   = service{"udp", 123, "ntp"}
	dns   = service{"udp", 53, "dns"}
	ldap  = service{"tcp", 389, ""}
	ldaps = service{"tcp", 636, ""}
	smtp  = service{"tcp", 25, ""}
)

// usual are the services that a kind of asset usually offers.
var usual = map[string][]service{
	"workstation": {smb, rdp}, "laptop": {smb, rdp}, "hmi": {smb, rdp}, "engineering-station": {smb, rdp},
	"server": {tls, smb, rdp, ssh, tds, ntp}, "application": {tls, smb, rdp}, "storage": {tls, smb, ssh}, "jump-host": {tls, rdp, ssh},
	"directory": {smb, rdp, dns, ldap, ldaps}, "mail": {tls, smtp, smb, rdp}, "tos-server": {tls, tds, smb, rdp}, "vts-server": {tls, smb, rdp},
	"historian": {tls, smb, rdp, tds, opcua}, "scada-server": {tls, smb, rdp, opcua}, "access-server": {tls, smb, rdp},
	"camera": {rtsp, tls}, "video-recorder": {tls, rtsp, smb, ntp}, "intercom": {tls}, "door-controller": {tls}, "ocr-portal": {tls, rtsp},
	"switch": {ssh, snmp, tls}, "router": {ssh, snmp, tls}, "firewall": {ssh, snmp, tls}, "vpn-gateway": {tls, ssh}, "wireless-access-point": {ssh, snmp, tls},
	"gateway": {tls, ssh, snmp, opcua, mb}, "modem": {tls, ssh}, "ups": {snmp, tls}, "printer": {tls}, "phone": {tls},
	"plc": {mb, s7, enip, opcua}, "rtu": {mb, s7, enip}, "drive": {mb, enip}, "crane": {s7, mb}, "asc": {enip, s7}, "safety-controller": {mb, s7},
	"tank-gauge": {mb}, "pump": {mb, enip}, "valve": {mb, enip}, "reefer-rack": {mb}, "weighbridge": {mb, tls}, "substation": {mb},
	"radar": {tls}, "ais-base-station": {tls}, "meteo-sensor": {tls}, "gnss-receiver": {tls},
}

// speaks are the protocols of makers of controllers: a controller of a known
// maker is not assumed to speak those of others.
var speaks = map[string]string{"Siemens": "s7comm", "Rockwell Automation": "enip", "Allen-Bradley": "enip", "Schneider Electric": "modbus", "ABB": "modbus", "WAGO": "modbus", "Moxa": "modbus"}

// offered are the services that an asset is taken to offer by its kind.
func offered(a *port.Asset) []service {
	var out []service
	for _, s := range usual[a.Kind] {
		if app, known := speaks[a.Vendor]; known && open[s.app] && s.app != app && s.app != "opcua" {
			continue
		}
		out = append(out, s)
	}
	return out
}

package zeek

import (
	"net/netip"
	"strings"

	"github.com/quaywatch/quaywatch/internal/event"
)

// kinds are the logs that are read.
var kinds = map[string]func(*reader, *row) (told, string){
	"conn":                  conversation,
	"modbus":                modbus,
	"s7comm":                s7comm,
	"s7comm_plus":           s7plus,
	"s7comm_known_devices":  s7device,
	"cip":                   cip,
	"cip_identity":          cipDevice,
	"dnp3":                  dnp3,
	"bacnet":                bacnet,
	"bacnet_property":       bacnetProperty,
	"bacnet_device_control": bacnetControl,
	"opcua_binary":          opcua,
	"dhcp":                  dhcp,
	"software":              software,
}

// watched are the operations that are told one by one.
var watched = map[string]bool{"firmware": true, "program": true, "set-time": true, "start": true, "stop": true, "upload": true, "write": true}

// answer is what a row says of an operation.
type answer int

const (
	asked answer = iota
	accepted
	refused
)

// operation makes what a row of a parser's log gives. The ICSNPP parsers name the
// sender of each message (source_h); where a log does not, the rows of answers have
// the ends of their requests, because Zeek writes who opened first.
func (x *reader) operation(r *row, protocol, op, function string, a answer) (told, string) {
	client, server, ok := ends(r)
	if !ok {
		return told{}, badEnds
	}
	if from, to, named := messageEnds(r); named {
		client, server = from, to
		if a != asked {
			client, server = to, from
		}
	}
	x.ask(r.get("uid"), op)
	if !watched[op] {
		return told{}, ""
	}
	o := &event.DeviceOperation{Client: client, Server: server, Transport: "tcp", Protocol: protocol, Operation: op, Function: function}
	if protocol == "bacnet" {
		o.Transport = "udp"
	}
	switch a {
	case asked:
		o.Asked = 1
	case accepted:
		o.Accepted = 1
	default:
		o.Refused = 1
	}
	return told{operation: o}, ""
}

// messageEnds are the sender and the receiver of the row's message.
func messageEnds(r *row) (from, to event.Endpoint, ok bool) {
	s, serr := netip.ParseAddr(r.get("source_h"))
	d, derr := netip.ParseAddr(r.get("destination_h"))
	if serr != nil || derr != nil {
		return from, to, false
	}
	return event.Endpoint{IP: s.Unmap().String(), Port: portOf(r.get("source_p"))}, event.Endpoint{IP: d.Unmap().String(), Port: portOf(r.get("destination_p"))}, true
}

// speaker is who sent the row's message: the served side where is_orig says so.
func speaker(r *row) (event.Endpoint, bool) {
	if from, _, ok := messageEnds(r); ok {
		return from, true
	}
	client, server, ok := ends(r)
	if r.get("is_orig") == "T" || r.get("is_orig") == "true" {
		return client, ok
	}
	return server, ok
}

// answers reports whether the row is of the side that did not open.
func answers(r *row) bool { return r.get("is_orig") == "F" || r.get("is_orig") == "false" }

// words makes a function of a constant name: WRITE_SINGLE_COIL, Plc Stop.
func words(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", " ")) }

func modbus(x *reader, r *row) (told, string) {
	name := words(r.get("func"))
	function, failed := strings.CutSuffix(name, " exception")
	a := asked
	switch {
	case failed || r.get("exception") != "":
		a = refused
	case strings.EqualFold(r.get("pdu_type"), "RESP"):
		a = accepted
	}
	op := "other"
	switch {
	case strings.Contains(function, "write"):
		op = "write"
	case strings.Contains(function, "device identification"), strings.Contains(function, "encap interface"), function == "report slave id":
		op = "identify"
	case strings.HasPrefix(function, "read"):
		op = "read"
	case strings.HasPrefix(function, "program"):
		op = "program"
	}
	if op == "write" && strings.HasPrefix(function, "read") {
		x.ask(r.get("uid"), "read")
	}
	return x.operation(r, "modbus", op, function, a)
}

// s7codes are S7comm functions of jobs (the same numbers as in ics, from the
// published descriptions of the protocol).
var s7codes = map[string]string{
	"0x04": "read", "0x05": "write", "0x1a": "program", "0x1b": "program", "0x1c": "program", "0x1d": "upload", "0x1e": "upload", "0x1f": "upload",
	"0x28": "start", "0x29": "stop", "0xf0": "",
}

func s7comm(x *reader, r *row) (told, string) {
	code, known := s7codes[strings.ToLower(r.get("function_code"))]
	sub := strings.ToLower(r.get("subfunction_name"))
	if !known {
		code = "other"
	}
	switch {
	case strings.Contains(sub, "set clock"):
		code = "set-time"
	case code == "start" && (strings.Contains(sub, "ram to rom") || strings.Contains(sub, "compress")):
		code = "program"
	case code == "start" && sub == "":
		code = "other" // the answer to a control service does not say which
	case strings.Contains(sub, "read"):
		code = "read"
	}
	if code == "" {
		return told{}, ""
	}
	a := asked
	if kind := strings.ToLower(r.get("rosctr_name")); strings.HasPrefix(kind, "ack") || answers(r) {
		a = accepted
		if c := r.get("error_code"); c != "" && strings.Trim(c, "0x") != "" || r.get("error_class") != "" && !strings.EqualFold(r.get("error_class"), "No error") {
			a = refused
		}
	}
	return x.operation(r, "s7comm", code, strings.ToLower(r.first("subfunction_name", "function_name")), a)
}

func s7plus(x *reader, r *row) (told, string) {
	name := r.get("function_name")
	op := "other"
	switch {
	case strings.HasPrefix(name, "Set"), strings.HasPrefix(name, "Create"), strings.HasPrefix(name, "Delete"):
		op = "write"
	case strings.HasPrefix(name, "Get"), name == "Explore":
		op = "read"
	case name == "":
		return told{}, ""
	}
	a := asked
	if strings.EqualFold(r.get("opcode_name"), "Response") {
		a = accepted
	}
	return x.operation(r, "s7comm-plus", op, name, a)
}

func s7device(_ *reader, r *row) (told, string) {
	_, server, ok := ends(r)
	if !ok {
		return told{}, badEnds
	}
	return sighting(event.DeviceSighting{IP: server.IP, Protocol: "s7comm", Vendor: "Siemens", Name: r.get("automation_system_name"),
		Product: r.get("module_name"), Serial: r.get("module_serial")}), ""
}

// sighting leaves out one that tells nothing.
func sighting(d event.DeviceSighting) told {
	if d.Name+d.Product+d.Model+d.Firmware+d.Serial+d.MAC == "" && len(d.Facts) == 0 {
		return told{}
	}
	return told{device: &d}
}

// cipServices are CIP services that read or write, by code.
var cipServices = map[string]string{
	"0x01": "read", "0x03": "read", "0x0e": "read", "0x18": "read", "0x4c": "read", "0x52": "read", "0x55": "read",
	"0x02": "write", "0x04": "write", "0x10": "write", "0x19": "write", "0x4d": "write", "0x4e": "write", "0x53": "write",
	"0x05": "start", "0x06": "start", "0x07": "stop", "0x4b": "other",
}

func cip(x *reader, r *row) (told, string) {
	code := strings.ToLower(r.get("cip_service_code"))
	if n := len(code); n == 4 && code[2] >= '8' { // answers have the high bit set
		code = "0x" + string("01234567"[strings.IndexByte("89abcdef", code[2])]) + code[3:]
	}
	op, known := cipServices[code]
	if !known {
		op = "other"
	}
	if op == "read" && strings.EqualFold(r.get("class_name"), "Identity") {
		op = "identify"
	}
	a := asked
	if strings.EqualFold(r.get("direction"), "response") {
		a = accepted
		if s := r.get("cip_status_code"); s != "" && strings.Trim(s, "0x") != "" {
			a = refused
		}
	}
	return x.operation(r, "cip", op, strings.ToLower(r.get("cip_service")), a)
}

func cipDevice(_ *reader, r *row) (told, string) {
	from, ok := speaker(r)
	if !ok {
		return told{}, badEnds
	}
	return sighting(event.DeviceSighting{IP: from.IP, Protocol: "enip", Vendor: r.get("vendor_name"), Product: r.get("device_type_name"),
		Model: r.get("product_name"), Firmware: r.get("revision"), Serial: r.get("serial_number")}), ""
}

var dnp3Functions = map[string]string{
	"READ": "read", "WRITE": "write", "SELECT": "write", "OPERATE": "write", "DIRECT_OPERATE": "write", "DIRECT_OPERATE_NR": "write",
	"IMMED_FREEZE": "write", "IMMED_FREEZE_NR": "write", "FREEZE_CLEAR": "write", "FREEZE_CLEAR_NR": "write", "ASSIGN_CLASS": "write",
	"COLD_RESTART": "start", "WARM_RESTART": "start", "INITIALIZE_APPL": "start", "INITIALIZE_DATA": "start", "START_APPL": "start", "STOP_APPL": "stop",
	"SAVE_CONFIG": "program", "ACTIVATE_CONFIG": "program", "OPEN_FILE": "other", "DELETE_FILE": "program", "RECORD_CURRENT_TIME": "set-time", "DELAY_MEASURE": "read",
}

func dnp3(x *reader, r *row) (told, string) {
	fc := strings.ToUpper(r.get("fc_request"))
	op, known := dnp3Functions[fc]
	if !known {
		op = "other"
	}
	if fc == "" {
		return told{}, ""
	}
	out, reason := x.operation(r, "dnp3", op, words(fc), asked)
	if out.operation != nil && r.get("fc_reply") == "RESPONSE" {
		out.operation.Accepted = 1
	}
	return out, reason
}

var bacnetServices = map[string]string{
	"read_property": "read", "read_property_multiple": "read", "read_range": "read", "atomic_read_file": "upload",
	"write_property": "write", "write_property_multiple": "write", "add_list_element": "write", "remove_list_element": "write",
	"create_object": "write", "delete_object": "write", "write_group": "write", "atomic_write_file": "program",
	"reinitialize_device": "", "device_communication_control": "", // bacnet_device_control.log tells which way
	"time_synchronization": "set-time", "utc_time_synchronization": "set-time",
	"who_is": "identify", "i_am": "identify", "who_has": "identify", "i_have": "identify",
}

func bacnet(x *reader, r *row) (told, string) {
	service := strings.ReplaceAll(strings.ToLower(r.get("pdu_service")), "-", "_")
	kind := strings.ToLower(r.get("pdu_type"))
	op, known := bacnetServices[service]
	switch {
	case service == "":
		return told{}, ""
	case !known:
		op = "other"
	case op == "":
		return told{}, ""
	}
	a := asked
	switch {
	case strings.Contains(kind, "error"), strings.Contains(kind, "reject"), strings.Contains(kind, "abort"):
		a = refused
	case strings.Contains(kind, "ack"):
		a = accepted
	}
	return x.operation(r, "bacnet", op, strings.ReplaceAll(service, "_", "-"), a)
}

// bacnetControl reads restarts and the switching off of communication. An answer
// to the latter does not say which way it was.
func bacnetControl(x *reader, r *row) (told, string) {
	service, state := strings.ToLower(r.get("pdu_service")), strings.ToLower(r.get("device_state"))
	op := "start"
	switch {
	case strings.HasPrefix(state, "disable"):
		op = "stop"
	case state == "" && !strings.HasPrefix(service, "reinitialize"):
		op = "other"
	}
	a := asked
	switch result := r.get("result"); {
	case strings.EqualFold(result, "SUCCESS"):
		a = accepted
	case result != "":
		a = refused
	}
	out, reason := x.operation(r, "bacnet", op, strings.TrimSpace(strings.ReplaceAll(service, "_", "-")+" "+state), a)
	out.secret = out.operation != nil
	return out, reason
}

func bacnetProperty(_ *reader, r *row) (told, string) {
	if !strings.Contains(r.get("pdu_service"), "ack") || r.get("object_type") != "device" {
		return told{}, ""
	}
	from, ok := speaker(r)
	if !ok {
		return told{}, badEnds
	}
	d := event.DeviceSighting{IP: from.IP, Protocol: "bacnet"}
	value := r.get("value")
	switch r.get("property") {
	case "vendor-name":
		d.Vendor = value
		if value == "" {
			return told{}, ""
		}
		return told{device: &d}, ""
	case "model-name":
		d.Model = value
	case "firmware-revision":
		d.Firmware = value
	case "object-name":
		d.Name = value
	case "serial-number":
		d.Serial = value
	}
	return sighting(d), ""
}

func opcua(x *reader, r *row) (told, string) {
	name := r.first("identifier_str", "identifier")
	var op string
	switch {
	case strings.HasPrefix(name, "Write"), strings.HasPrefix(name, "HistoryUpdate"), strings.HasPrefix(name, "AddNodes"), strings.HasPrefix(name, "DeleteNodes"):
		op = "write"
	case strings.HasPrefix(name, "Read"), strings.HasPrefix(name, "Browse"), strings.HasPrefix(name, "HistoryRead"), strings.HasPrefix(name, "Publish"):
		op = "read"
	case strings.HasPrefix(name, "Call"):
		op = "other"
	case strings.HasPrefix(name, "GetEndpoints"), strings.HasPrefix(name, "FindServers"):
		op = "identify"
	default:
		return told{}, ""
	}
	a := asked
	if strings.HasSuffix(name, "Response") {
		a = accepted
	}
	return x.operation(r, "opcua", op, name, a)
}

func dhcp(_ *reader, r *row) (told, string) {
	d := event.DeviceSighting{MAC: strings.ToLower(r.get("mac")), IP: r.first("assigned_addr", "client_addr"), Protocol: "dhcp", Name: r.first("host_name", "client_fqdn")}
	if d.MAC == "" {
		return told{}, ""
	}
	return sighting(d), ""
}

// software reads what Zeek saw of servers in their banners.
func software(_ *reader, r *row) (told, string) {
	protocol := map[string]string{"HTTP::SERVER": "http", "SSH::SERVER": "ssh"}[r.get("software_type")]
	if protocol == "" {
		return told{}, ""
	}
	host := r.get("host")
	if host == "" {
		return told{}, "column host holds no address"
	}
	return sighting(event.DeviceSighting{IP: host, Protocol: protocol, Product: r.first("unparsed_version", "name")}), ""
}

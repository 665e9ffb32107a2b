package ics_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/ics"
)

// columns reads a Zeek log whose #fields line is there, as rows by column name.
func columns(t testing.TB, path string) []map[string]string {
	t.Helper()
	var names []string
	for _, l := range rawLines(t, path) {
		if n, ok := strings.CutPrefix(l, "#fields\t"); ok {
			names = strings.Split(n, "\t")
		}
	}
	if names == nil {
		t.Fatalf("%s has no #fields line", path)
	}
	var rows []map[string]string
	for _, row := range zeekLog(t, path) {
		m := map[string]string{}
		for i, v := range row {
			m[names[i]] = v
		}
		rows = append(rows, m)
	}
	return rows
}

// missed lists the rows of want that got lacks, each as often as it lacks them.
func missed(want, got map[string]int) map[string]int {
	out := map[string]int{}
	for k, n := range want {
		if n > got[k] {
			out[k] = n - got[k]
		}
	}
	return out
}

func TestBACnetAgreesWithZeek(t *testing.T) {
	for name, c := range map[string]struct {
		capture string
		rows    int // of identity in Zeek's logs, so that none is lost by reading them wrongly
	}{
		"basic": {"bacnet_example.pcap", 810}, "services": {"bacnet_services.pcap", 206},
		"segmented_data": {"bacnet_segmented_data.pcap", 7}, "error-reject-abort": {"bacnet_error_reject_abort.pcap", 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(captures(t), "icsnpp", "bacnet", "testing")
			heard := replay(t, filepath.Join(dir, "traces", c.capture))
			base := filepath.Join(dir, "baseline", "analyzer."+name)
			got := map[string]int{}
			for _, f := range heard.functions {
				got[fmt.Sprintf("%s request=%v failed=%v", bacnetName(f.Name), f.Request, f.Failed)]++
			}
			want := map[string]int{}
			for _, row := range columns(t, filepath.Join(base, "bacnet.log")) {
				service := strings.ReplaceAll(row["pdu_service"], "_", "-")
				kind := row["pdu_type"]
				if kind == "SEGMENT_ACK" {
					continue // acknowledges a part of an answer: no operation
				}
				request := kind == "CONFIRMED_REQUEST" || asksUnconfirmed[service]
				want[fmt.Sprintf("%s request=%v failed=%v", service, request, kind == "ERROR_PDU" || kind == "REJECT_PDU" || kind == "ABORT_PDU")]++
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("services (-zeek +ics):\n%s", diff)
			}
			counted(t, bacnetDevices(t, base, heard), c.rows)
			bacnetControl(t, base, heard)
		})
	}
}

var asksUnconfirmed = map[string]bool{"who-is": true, "who-has": true, "time-synchronization": true, "utc-time-synchronization": true, "write-group": true, "you-are": true}

// bacnetName takes what we add to the name of the service off again.
func bacnetName(n string) string {
	if service, _, found := strings.Cut(n, " "); found {
		return service
	}
	return n
}

// bacnetDevices compares every I-Am and every identity property of a device
// object, with the address that said it.
func bacnetDevices(t *testing.T, base string, heard told) map[string]int {
	t.Helper()
	number, name := map[string]string{}, map[string]string{} // of the vendor, by device
	got, want := map[string]int{}, map[string]int{}
	for _, s := range heard.said {
		all := append([]ics.Device{{Identity: s.identity}}, s.behind...)
		for i, d := range all {
			facts := s.facts
			if i > 0 {
				facts = map[string]string{}
				for _, f := range d.Facts {
					facts[f.Name] = f.Value
				}
			}
			device := s.from + " device " + facts["bacnet-device"]
			for _, f := range s.functions {
				if f.Name == "i-am" && facts["bacnet-device"] != "" {
					got[device+" i-am"]++
					number[device] = facts["bacnet-vendor-id"]
				}
			}
			for property, v := range map[string]string{
				"vendor-name": d.Identity.Vendor, "model-name": d.Identity.Model, "firmware-revision": d.Identity.Firmware,
				"object-name": d.Identity.Name, "serial-number": d.Identity.Serial, "location": facts["bacnet-location"],
				"application-software-version": facts["bacnet-application-software"], "description": facts["bacnet-description"],
				"vendor-identifier": facts["bacnet-vendor-id"],
			} {
				if v != "" {
					got[device+" "+property+"="+v]++
				}
			}
		}
	}
	for _, row := range columns(t, filepath.Join(base, "bacnet_discovery.log")) {
		// Zeek turns some of its own rows around (is_orig F on a broadcast): the
		// sender of those is the broadcast address, which says nothing.
		if row["pdu_service"] != "i-am" || row["is_orig"] == "F" {
			continue
		}
		want[row["source_h"]+" device "+row["instance_number"]+" i-am"]++
		name[row["source_h"]+" device "+row["instance_number"]] = row["vendor"]
	}
	properties := map[string]bool{"vendor-name": true, "model-name": true, "firmware-revision": true, "object-name": true, "serial-number": true,
		"location": true, "application-software-version": true, "description": true, "vendor-identifier": true}
	for _, row := range columns(t, filepath.Join(base, "bacnet_property.log")) {
		if row["object_type"] == "device" && properties[row["property"]] && row["value"] != "-" && strings.HasSuffix(row["pdu_service"], "ack") {
			want[row["source_h"]+" device "+row["instance_number"]+" "+row["property"]+"="+row["value"]]++
		}
	}
	if m := missed(want, got); len(m) > 0 {
		t.Errorf("%d of %d identity rows are missed: %v", len(m), len(want), m)
	}
	// Zeek carries the whole register of vendors, we tell most by number: the two must
	// be the same thing, one to one.
	byName, byNumber := map[string]string{}, map[string]string{}
	for device, n := range name {
		id := number[device]
		if id == "" || byName[n] != "" && byName[n] != id || byNumber[id] != "" && byNumber[id] != n {
			t.Errorf("%s: vendor %q is %q, and %q elsewhere", device, n, id, byName[n])
		}
		byName[n], byNumber[id] = id, n
	}
	return want
}

// counted holds the number of rows that were compared.
func counted(t *testing.T, rows map[string]int, want int) {
	t.Helper()
	n := 0
	for _, times := range rows {
		n += times
	}
	if n != want {
		t.Errorf("%d identity rows were read out of Zeek's logs, there are %d", n, want)
	}
}

// bacnetControl compares what silences or restarts a device.
func bacnetControl(t *testing.T, base string, heard told) {
	t.Helper()
	path := filepath.Join(base, "bacnet_device_control.log")
	if !exists(path) {
		return
	}
	got, want := map[string]int{}, map[string]int{}
	for _, s := range heard.said {
		for _, f := range s.functions {
			service, state, found := strings.Cut(f.Name, " ")
			if f.Request && found && (service == "device-communication-control" || service == "reinitialize-device") {
				got[s.from+" "+service+" "+state+" "+f.Operations.String()]++
			}
		}
	}
	for _, row := range columns(t, path) {
		if row["device_state"] != "-" {
			ops := map[string]string{"disable": "stop", "enable": "start", "coldstart": "start", "warmstart": "start"}[row["device_state"]]
			want[row["source_h"]+" "+strings.ReplaceAll(row["pdu_service"], "_", "-")+" "+row["device_state"]+" "+ops]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("device control (-zeek +ics):\n%s", diff)
	}
}

func TestDNP3AgreesWithZeek(t *testing.T) {
	dir := filepath.Join(captures(t), "icsnpp", "dnp3", "testing")
	heard := replay(t, filepath.Join(dir, "traces", "dnp3_example.pcap"))
	base := filepath.Join(dir, "baseline", "analyzer.basic")
	got, want := map[string]int{}, map[string]int{}
	for _, f := range heard.functions {
		got[strings.ToUpper(strings.ReplaceAll(f.Name, " ", "_"))]++
	}
	// dnp3.log keeps one request until its answer: a request that is followed by
	// another one gets no row. Selects and operates are therefore taken from
	// dnp3_control.log, which has one for each (and tshark counts the same).
	for _, row := range columns(t, filepath.Join(base, "dnp3_control.log")) {
		if row["is_orig"] == "T" {
			want[row["function_code"]]++
		}
	}
	for _, row := range columns(t, filepath.Join(base, "dnp3.log")) {
		for _, f := range []string{row["fc_request"], row["fc_reply"]} {
			if f != "-" && f != "SELECT" && f != "OPERATE" {
				want[f]++
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("functions (-zeek +ics):\n%s", diff)
	}
	writes := 0
	for _, s := range heard.said {
		for _, f := range s.functions {
			if f.Request && f.Operations&ics.Write != 0 {
				writes++
			}
		}
	}
	t.Logf("%d requests that write", writes)
}

func TestHARTIPAgreesWithZeek(t *testing.T) {
	for name, c := range map[string]struct {
		capture string
		rows    int
	}{
		"hart_ip": {"hart-ip.pcap", 4}, "all_message_ids": {"hart-ip_all_messageIDs.pcapng", 0},
		"all_types_and_commands_sent":    {"hart-ip_all_types_and_commands_sent.pcapng", 2},
		"publish_and_keepAlive_messages": {"hart-ip_publish_and_keepAlive.pcapng", 5},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(captures(t), "icsnpp", "hart-ip", "testing")
			base := filepath.Join(dir, "baseline", "tests."+name)
			heard := replay(t, filepath.Join(dir, "traces", c.capture))
			hartMessages(t, base, heard)
			counted(t, hartIdentities(t, base, heard), c.rows)
		})
	}
}

// hartMessages compares the messages by kind; Zeek's name of a token-passing
// command is compared where it is one of identity.
func hartMessages(t *testing.T, base string, heard told) {
	t.Helper()
	got, want := map[string]int{}, map[string]int{}
	names := map[uint16]string{0x1000: "Session Initiate", 0x1001: "Session Close", 0x1002: "Keep Alive", 0x1005: "Read Audit Log"}
	commands := map[uint16]string{0: "Read Unique Identifier", 20: "Read Long Tag", 13: "Read Tag Descriptor Date", 22: "Write Long Tag", 1: "Read Primary Variable", 2: "Read Loop Current"}
	direct := 0
	for _, s := range heard.said {
		for _, f := range s.functions {
			n, known := names[f.Code]
			if !known {
				n, known = commands[f.Code]
			}
			if known {
				got[n+" "+strconv.FormatBool(f.Request)]++
			}
		}
	}
	known := map[string]bool{}
	for _, n := range names {
		known[n] = true
	}
	inPDU := map[string]bool{}
	for _, n := range commands {
		inPDU[n] = true
	}
	for _, row := range zeekLog(t, filepath.Join(base, "hart_ip_general.log")) {
		request := strconv.FormatBool(row[10] == "Request")
		switch {
		case known[row[11]]:
			want[row[11]+" "+request]++
		case row[11] == "Token Passing PDU" && inPDU[row[23]]:
			// Zeek tells the burst frames of a publication as requests' answers.
			want[row[23]+" "+request]++
		case row[11] == "Direct PDU":
			direct++
		}
	}
	if m := missed(want, got); len(m) > 0 {
		t.Errorf("missed messages: %v\nwant %v\n got %v", m, want, got)
	}
	t.Logf("%v, %d direct messages", want, direct)
}

// hartIdentities compares each answer to the identity commands: columns 8 to 37
// of the log are command 0 (type, revisions, device id, maker, profile), 195
// the long tag that was read. Column 196 is a long tag to be written, in the request
// and in the answer: we take it from the answer.
func hartIdentities(t *testing.T, base string, heard told) map[string]int {
	t.Helper()
	path := filepath.Join(base, "hart_ip_universal_commands.log")
	if !exists(path) {
		return nil
	}
	got, want := map[string]int{}, map[string]int{}
	maker := map[string]string{"ROSEMOUNT": "Rosemount", "FIELDCOMMGROUP": "FieldComm Group"}
	product := map[string]string{"WIRELESSGATEWAY ROSEMOUNT": "Wireless Gateway", "FieldComm Group HART-IP FlowDevice": "HART-IP FlowDevice"}
	for _, s := range heard.said {
		if s.identity.Serial != "" {
			got[fmt.Sprintf("%s %s|%s|%s|hw %s|rev %s|id %s|%s", s.from, s.identity.Product, s.identity.Vendor, s.identity.Firmware,
				s.facts["hart-hardware"], s.facts["hart-device-revision"], s.identity.Serial, strings.ToLower(s.identity.Kind))]++
		}
		if s.identity.Name != "" {
			got["name "+s.identity.Name]++
		}
	}
	for _, row := range zeekLog(t, path) {
		from := row[4]
		if row[3] == "5095" { // the gateway went on from a port of its own: Zeek took it for the client
			from = row[2]
		}
		if len(row) > 37 && row[8] != "-" && row[7] == "254" {
			want[fmt.Sprintf("%s %s|%s|%s|hw %s|rev %s|id %s|%s", from, product[row[8]], maker[row[34]], row[12], row[13], row[11], row[23], strings.ToLower(row[36]))]++
		}
		if len(row) > 194 && row[194] != "-" {
			want["name "+strings.TrimRight(strings.ReplaceAll(row[194], `\x00`, ""), " ")]++
		}
	}
	if m := missed(want, got); len(m) > 0 {
		t.Errorf("missed: %v\n got %v", m, got)
	}
	return want
}

func TestFINSAgreesWithZeek(t *testing.T) {
	for name, c := range map[string]struct {
		capture string
		rows    int
	}{"omron_fins": {"omron.pcap", 5}, "omron_fins_tcp": {"omron_fins_tcp_commands_responses.pcap", 3}} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(captures(t), "icsnpp", "omron-fins", "testing")
			base := filepath.Join(dir, "Baseline", "tests."+name)
			heard := replay(t, filepath.Join(dir, "traces", c.capture))
			got, want := map[string]int{}, map[string]int{}
			for _, f := range heard.functions {
				got[fmt.Sprintf("0x%04x %v", f.Code, f.Request)]++
			}
			for _, row := range zeekLog(t, filepath.Join(base, "omron_fins_general.log")) {
				want[programArea(code(row[23]))+" "+strconv.FormatBool(row[13] == "Command (0)")]++
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("commands (-zeek +ics):\n%s", diff)
			}
			models, found := map[string]int{}, map[string]int{}
			for _, row := range zeekLog(t, filepath.Join(base, "omron_fins_detail.log")) {
				if code(row[5]) == "0x0501" && len(row) > 46 && row[44] != "-" && row[44] != "(empty)" {
					models[filled(row[44])+"|"+filled(row[45])+"|"+filled(row[46])]++
				}
			}
			for _, s := range heard.said {
				if s.identity.Vendor == "Omron" {
					found[s.identity.Model+"|"+s.identity.Firmware+"|"+s.facts["fins-system"]]++
				}
			}
			counted(t, models, c.rows)
			if diff := cmp.Diff(models, found); diff != "" {
				t.Errorf("controllers (-zeek +ics):\n%s", diff)
			}
		})
	}
}

// filled: Zeek's log has the text as it came; one letter over and over, which the
// makers of these captures put there, is no model to us.
func filled(s string) string {
	if strings.Trim(s, s[:1]) == "" {
		return ""
	}
	return s
}

// programArea: Zeek's parser numbers the program area commands from 0x0301. On
// the wire they begin at 0x0304, as in Omron's table (W227 section 5-1).
func programArea(code string) string {
	if n, ok := strings.CutPrefix(code, "0x030"); ok {
		return "0x030" + string(n[0]+3)
	}
	return code
}

// code takes the number out of "Run (0x0401)".
func code(s string) string {
	if _, in, ok := strings.Cut(s, "("); ok {
		return strings.ToLower(strings.TrimSuffix(in, ")"))
	}
	return s
}

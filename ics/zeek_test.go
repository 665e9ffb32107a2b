package ics_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/quaywatch/quaywatch/ics"
)

// captures gives the directory of the captures with Zeek baselines, or skips.
func captures(t testing.TB) string {
	t.Helper()
	root := os.Getenv("QUAYWATCH_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	dir := filepath.Join(root, "ot", "pcap")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no captures to compare with: %v (set QUAYWATCH_TESTDATA)", err)
	}
	return dir
}

// told is what a whole capture said.
type told struct {
	functions    []ics.Function
	applications map[string]string // conversation → name
	identities   []ics.Identity
	client       map[string]string // conversation → address of the client
	said         []said
}

// said is what one segment told, with the addresses of its packet.
type said struct {
	from, to   string
	fromPort   uint16
	functions  []ics.Function
	identity   ics.Identity
	facts      map[string]string
	behind     []ics.Device
	operations ics.Operations
}

// forEachPacket gives each packet of a capture, decoded by gopacket, which has
// nothing to do with our own decoder.
func forEachPacket(t testing.TB, path string, visit func(gopacket.Packet)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var src gopacket.PacketDataSource
	var link layers.LinkType
	if r, err := pcapgo.NewReader(f); err == nil {
		src, link = r, r.LinkType()
	} else {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		r, err := pcapgo.NewNgReader(f, pcapgo.DefaultNgReaderOptions)
		if err != nil {
			t.Fatal(err)
		}
		src, link = r, r.LinkType()
	}
	var first gopacket.Decoder = link
	if link == layers.LinkTypeIPv4 { // gopacket has no decoder under this number
		first = layers.LayerTypeIPv4
	}
	for {
		data, _, err := src.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		visit(gopacket.NewPacket(data, first, gopacket.Default))
	}
}

// forEachSegment gives each payload of TCP and UDP with the addresses of its packet.
func forEachSegment(t testing.TB, path string, visit func(s ics.Segment, from, to string)) {
	t.Helper()
	forEachPacket(t, path, func(p gopacket.Packet) {
		net := p.NetworkLayer()
		if net == nil || p.TransportLayer() == nil {
			return
		}
		s := ics.Segment{Payload: p.TransportLayer().LayerPayload()}
		switch l := p.TransportLayer().(type) {
		case *layers.TCP:
			s.Transport, s.Source, s.Destination, s.Seq = ics.TCP, uint16(l.SrcPort), uint16(l.DstPort), l.Seq
		case *layers.UDP:
			s.Transport, s.Source, s.Destination = ics.UDP, uint16(l.SrcPort), uint16(l.DstPort)
		default:
			return
		}
		if len(s.Payload) > 0 {
			visit(s, net.NetworkFlow().Src().String(), net.NetworkFlow().Dst().String())
		}
	})
}

// replay gives every payload of a capture to ics.
func replay(t testing.TB, path string) told {
	t.Helper()
	out := told{applications: map[string]string{}, client: map[string]string{}}
	conversations := map[string]*ics.Conversation{}
	var r ics.Result
	forEachSegment(t, path, func(s ics.Segment, from, to string) {
		a, b := from+":"+strconv.Itoa(int(s.Source)), to+":"+strconv.Itoa(int(s.Destination))
		key := a + " " + b
		if a > b {
			key, s.Sender = b+" "+a, ics.Second
		}
		c := conversations[key]
		if c == nil {
			c = &ics.Conversation{}
			conversations[key] = c
		}
		c.Inspect(s, &r)
		out.functions = append(out.functions, r.Functions...)
		if len(r.Functions)+len(r.Facts)+len(r.Behind) > 0 || !r.Identity.IsZero() {
			out.said = append(out.said, retell(from, to, s.Source, &r))
		}
		if !r.Identity.IsZero() {
			out.identities = append(out.identities, r.Identity)
		}
		out.applications[key] = r.Application
		switch r.Sender {
		case ics.RoleClient:
			out.client[key] = a
		case ics.RoleServer:
			out.client[key] = b
		}
	})
	return out
}

// retell copies a result, whose storage is used again.
func retell(from, to string, port uint16, r *ics.Result) said {
	s := said{from: from, to: to, fromPort: port, identity: r.Identity, operations: r.Operations, facts: map[string]string{}}
	s.functions = append(s.functions, r.Functions...)
	for _, d := range r.Behind {
		d.Facts = append([]ics.Fact(nil), d.Facts...)
		s.behind = append(s.behind, d)
	}
	for _, f := range r.Facts {
		s.facts[f.Name] = f.Value
	}
	return s
}

// zeekLog reads a Zeek log: rows of columns, comments left out.
func zeekLog(t testing.TB, path string) [][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimRight(l, "\n"); l != "" && l[0] != '#' {
			rows = append(rows, strings.Split(l, "\t"))
		}
	}
	return rows
}

func count(t told, name func(ics.Function) string) map[string]int {
	out := map[string]int{}
	for _, f := range t.functions {
		if n := name(f); n != "" {
			out[n]++
		}
	}
	return out
}

func TestModbusAgreesWithZeek(t *testing.T) {
	dir := filepath.Join(captures(t), "icsnpp", "modbus", "testing")
	got := count(replay(t, filepath.Join(dir, "traces", "modbus_example.pcap")), func(f ics.Function) string {
		if f.Request {
			return ""
		}
		return strings.ToUpper(strings.NewReplacer(" ", "_", "/", "_").Replace(f.Name)) + map[bool]string{true: "_EXCEPTION"}[f.Failed]
	})
	names := map[string]string{"ENCAP_INTERFACE_TRANSPORT": "ENCAPSULATED_INTERFACE_TRANSPORT", "REPORT_SLAVE_ID": "REPORT_SERVER_ID"}
	want := map[string]int{}
	for _, row := range zeekLog(t, filepath.Join(dir, "baseline", "analyzer.basic", "modbus.log")) {
		n := row[6]
		if own, renamed := names[n]; renamed {
			n = own
		}
		want[n]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("functions answered (-zeek +ics):\n%s", diff)
	}
}

func TestS7AgreesWithZeek(t *testing.T) {
	for _, name := range []string{"s7ident", "snap7", "s7comm_plus"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(captures(t), "icsnpp", "s7comm", "tests")
			heard := replay(t, filepath.Join(dir, "traces", name+".pcap"))
			got := count(heard, func(f ics.Function) string {
				if f.Protocol != "s7comm" {
					return ""
				}
				return "0x" + strconv.FormatUint(uint64(f.Code)+0x100, 16)[1:]
			})
			want := map[string]int{}
			for _, row := range zeekLog(t, filepath.Join(dir, "baseline", "analyzer."+name, "s7comm.log")) {
				if row[14] != "-" {
					want[row[14]]++
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("functions (-zeek +ics):\n%s", diff)
			}
		})
	}
}

func TestS7PlusAgreesWithZeek(t *testing.T) {
	dir := filepath.Join(captures(t), "icsnpp", "s7comm", "tests")
	got := count(replay(t, filepath.Join(dir, "traces", "s7comm_plus.pcap")), func(f ics.Function) string {
		if f.Protocol != "s7comm-plus" {
			return ""
		}
		if f.Name == "notification" {
			return "-"
		}
		return "0x" + strconv.FormatUint(uint64(f.Code)+0x10000, 16)[1:]
	})
	want := map[string]int{}
	for _, row := range zeekLog(t, filepath.Join(dir, "baseline", "analyzer.s7comm_plus", "s7comm_plus.log")) {
		want[row[14]]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("functions (-zeek +ics):\n%s", diff)
	}
}

func TestS7IdentityAgreesWithZeek(t *testing.T) {
	dir := filepath.Join(captures(t), "icsnpp", "s7comm", "tests")
	found := map[string]ics.Identity{} // by address of the device
	for _, s := range replay(t, filepath.Join(dir, "traces", "s7ident.pcap")).said {
		found[s.from+":"+strconv.Itoa(int(s.fromPort))] = merge(found[s.from+":"+strconv.Itoa(int(s.fromPort))], s.identity)
	}
	rows := columns(t, filepath.Join(dir, "baseline", "analyzer.s7ident", "s7comm_known_devices.log"))
	if len(rows) == 0 {
		t.Fatal("no device in the log")
	}
	for _, row := range rows {
		got := found[row["id.resp_h"]+":"+row["id.resp_p"]]
		if got.Name != row["automation_system_name"] || got.Serial != row["module_serial"] || !strings.HasPrefix(got.Product, row["module_name"]) {
			t.Errorf("identity %+v, Zeek has %v", got, row)
		}
		if got.Vendor != "Siemens" || got.Model == "" || got.Firmware == "" {
			t.Errorf("vendor, order number or firmware is missing: %+v", got)
		}
	}
}

// TestS7BlocksAgreeWithZeek: each start of an upload or download names its block.
func TestS7BlocksAgreeWithZeek(t *testing.T) {
	dir := filepath.Join(captures(t), "icsnpp", "s7comm", "tests")
	got, want := map[string]int{}, map[string]int{}
	for _, f := range replay(t, filepath.Join(dir, "traces", "snap7.pcap")).functions {
		if f.Request && (f.Code == 0x1a || f.Code == 0x1d) {
			got[f.Name]++
		}
	}
	kinds := map[string]string{"System Data Block": "SDB", "Organization Block": "OB", "Data Block": "DB", "Function": "FC", "Function Block": "FB"}
	for _, row := range columns(t, filepath.Join(dir, "baseline", "analyzer.snap7", "s7comm_upload_download.log")) {
		if row["rosctr"] != "Job-Request" || row["filename"] == "-" {
			continue
		}
		n, err := strconv.Atoi(row["block_number"])
		if err != nil {
			t.Fatal(err)
		}
		if name := strings.ToLower(row["function_name"]); name == "start upload" || name == "request download" {
			want[name+" "+kinds[row["block_type"]]+" "+strconv.Itoa(n)]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("blocks (-zeek +ics):\n%s", diff)
	}
}

// TestS7StatusListsAgreeWithZeek: each request and whole answer of a status list.
func TestS7StatusListsAgreeWithZeek(t *testing.T) {
	dir := filepath.Join(captures(t), "icsnpp", "s7comm", "tests")
	got, want := map[string]int{}, map[string]int{}
	for _, s := range replay(t, filepath.Join(dir, "traces", "snap7.pcap")).said {
		for _, f := range s.functions {
			if f.Name == "read system status list" {
				got[s.from+" request="+strconv.FormatBool(f.Request)]++
			}
		}
	}
	for _, row := range columns(t, filepath.Join(dir, "baseline", "analyzer.snap7", "s7comm_read_szl.log")) {
		want[row["source_h"]+" request="+strconv.FormatBool(row["method"] == "Request")]++
	}
	if m := missed(want, got); len(m) > 0 || len(want) == 0 {
		t.Errorf("missed %v, want %v got %v", m, want, got)
	}
}

func merge(a, b ics.Identity) ics.Identity {
	for _, f := range []struct{ to, from *string }{
		{&a.Vendor, &b.Vendor}, {&a.Product, &b.Product}, {&a.Model, &b.Model},
		{&a.Firmware, &b.Firmware}, {&a.Serial, &b.Serial}, {&a.Name, &b.Name},
	} {
		if *f.from != "" {
			*f.to = *f.from
		}
	}
	return a
}

func TestENIPAgreesWithZeek(t *testing.T) {
	for name, capture := range map[string]string{
		"basic":                    "enip_cip_example.pcap",
		"multiple_service_request": "multiple_service_packet_cip.pcapng",
		"set_attr_single_service":  "set_attribute_single_service_cip.pcapng",
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(captures(t), "icsnpp", "enip", "tests")
			heard := replay(t, filepath.Join(dir, "traces", capture))
			got := count(heard, func(f ics.Function) string {
				switch {
				case f.Protocol == "cip":
					return "cip " + map[bool]string{true: "request", false: "response"}[f.Request] + " 0x" + strconv.FormatUint(uint64(f.Code)+0x100, 16)[1:]
				case f.Name == "cyclic data":
					return "io"
				}
				return "enip 0x" + strconv.FormatUint(uint64(f.Code)+0x100, 16)[1:]
			})
			want := map[string]int{}
			base := filepath.Join(dir, "baseline", "analyzer."+name)
			for _, row := range zeekLog(t, filepath.Join(base, "enip.log")) {
				want["enip "+row[11]]++
			}
			for _, row := range zeekLog(t, filepath.Join(base, "cip.log")) {
				want["cip "+row[12]+" "+row[13]]++
			}
			if name == "basic" {
				want["io"] = len(zeekLog(t, filepath.Join(base, "cip_io.log")))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("functions (-zeek +ics):\n%s", diff)
			}
		})
	}
}

func TestENIPIdentityAgreesWithZeek(t *testing.T) {
	dir := filepath.Join(captures(t), "icsnpp", "enip", "tests")
	found, want := map[string]int{}, map[string]int{}
	for _, s := range replay(t, filepath.Join(dir, "traces", "enip_cip_example.pcap")).said {
		found[s.from+fmt.Sprintf("%+v", s.identity)]++
	}
	rows := zeekLog(t, filepath.Join(dir, "baseline", "analyzer.basic", "cip_identity.log"))
	for _, row := range rows {
		// ts uid orig resp is_orig source destination version socket… vendor type
		want[row[7]+fmt.Sprintf("%+v", ics.Identity{Vendor: row[15], Kind: row[17], Firmware: row[19], Serial: row[21], Product: row[22]})]++
	}
	if m := missed(want, found); len(m) > 0 || len(want) == 0 {
		t.Errorf("missed %v\nfound %v", m, found)
	}
}

// TestMicroLogix: a controller that speaks PCCC inside CIP names itself in the
// answer to its diagnostic status. Zeek and tshark do not read that text; it stands in
// the clear in 5,315 answers of the capture.
func TestMicroLogix(t *testing.T) {
	heard := replay(t, filepath.Join(captures(t), "gopacket", "cip.pcap"))
	want := ics.Identity{Vendor: "Rockwell Automation/Allen-Bradley", Model: "1763-LEC", Firmware: "series B revision D", Kind: "Programmable Logic Controller"}
	identities, answers := map[ics.Identity]int{}, 0
	for _, s := range heard.said {
		if s.identity.Model != "" {
			identities[s.identity]++
		}
		for _, f := range s.functions {
			if f.Protocol == "pccc" && !f.Request {
				answers++
			}
		}
	}
	if len(identities) != 1 || identities[want] == 0 || identities[want] > 10 {
		t.Errorf("%v", identities)
	}
	if answers < 5000 {
		t.Errorf("%d answers", answers)
	}
}

// TestEveryCaptureIsNamed holds each capture to the protocol it was made for:
// the conversations on it are named so, and no other industrial name appears.
func TestEveryCaptureIsNamed(t *testing.T) {
	dir := captures(t)
	for folder, want := range map[string]string{
		"icsnpp/modbus": "modbus", "icsnpp/s7comm": "s7comm", "icsnpp/enip": "enip", "icsnpp/bacnet": "bacnet",
		"icsnpp/dnp3": "dnp3", "icsnpp/hart-ip": "hart-ip", "icsnpp/omron-fins": "fins", "icsnpp/opcua-binary": "opcua",
		"gopacket": "",
	} {
		t.Run(folder, func(t *testing.T) {
			named := map[string]int{}
			err := filepath.WalkDir(filepath.Join(dir, folder), func(p string, _ os.DirEntry, err error) error {
				if err != nil || !strings.Contains(filepath.Ext(p), ".pcap") {
					return err
				}
				here := 0
				for _, app := range replay(t, p).applications {
					named[app]++
					if app == want {
						here++
					}
				}
				if here == 0 && want != "" {
					t.Errorf("%s: no conversation is named %q", filepath.Base(p), want)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%v", named)
			for app := range named {
				if want != "" && app != want && app != "" && !strings.HasPrefix(app, want) && !innocent[app] {
					t.Errorf("a conversation is named %q", app)
				}
			}
		})
	}
}

// innocent are names that may well occur beside the protocol of a capture.
var innocent = map[string]bool{"dns": true, "smb": true, "http": true, "tls": true, "ntp": true, "ssh": true, "mdns": true, "netbios": true, "ssdp": true}

func rawLines(t testing.TB, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(b), "\n")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

package zeek

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/event"
)

var epoch = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

// sink keeps what it is given.
type sink struct {
	flows      []event.Flow
	devices    []event.DeviceSighting
	operations []event.DeviceOperation
	health     event.SourceHealth
}

func (s *sink) Put(_ context.Context, b *event.Batch) error {
	s.flows = append(s.flows, b.Flows...)
	s.devices = append(s.devices, b.Devices...)
	s.operations = append(s.operations, b.Operations...)
	if len(b.Health) > 0 {
		s.health = b.Health[len(b.Health)-1]
	}
	return nil
}

func run(t testing.TB, paths ...string) (*sink, *Source) {
	t.Helper()
	s, err := New(Options{ID: "zeek", Paths: paths, Clock: func() time.Time { return epoch }})
	if err != nil {
		t.Fatal(err)
	}
	k := &sink{}
	if err := s.Run(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	return k, s
}

func write(t testing.TB, dir, name string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

const connFields = "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\tvlan"

func conn(uid, client, cport, server, sport, proto, service, state, history, out, in string) string {
	return strings.Join([]string{"1772344800.123456", uid, client, cport, server, sport, proto, service, "1.5", "10", "20", state, history, out, "100", in, "200", "-"}, "\t")
}

func flowLine(f event.Flow) string {
	return fmt.Sprintf("%s:%d>%s:%d %s %s %s %v answered=%v", f.Client.IP, f.Client.Port, f.Server.IP, f.Server.Port, f.Transport, f.Application, f.Direction, f.Operations, f.Answered)
}

func TestConversations(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "conn.log", "#separator \\x09", "#path\tconn", connFields,
		conn("C1", "10.20.1.5", "49200", "10.20.2.9", "502", "tcp", "modbus", "SF", "ShADadFf", "5", "4"),
		conn("C2", "10.20.1.5", "49201", "10.20.2.9", "502", "tcp", "-", "OTH", "DadA", "5", "4"),
		conn("C3", "10.10.1.1", "49202", "10.20.2.9", "102", "tcp", "-", "REJ", "Sr", "1", "1"),
		conn("C4", "10.10.1.1", "49203", "10.20.2.9", "80", "tcp", "-", "S0", "S", "1", "0"),
		conn("C5", "10.10.1.1", "5353", "10.10.1.2", "53", "udp", "dns", "SF", "Dd", "1", "1"),
		conn("C6", "10.10.1.1", "40000", "10.10.1.2", "40001", "udp", "-", "SHR", "^d", "0", "1"),
		conn("C7", "10.10.1.1", "8", "10.10.1.2", "0", "icmp", "-", "OTH", "-", "1", "1"),
		conn("C8", "fe80::1", "49203", "fe80::2", "443", "tcp", "gssapi,ssl", "SF", "ShADadFf", "1", "3"),
		"#close\t2026-03-01-06-00-00")
	write(t, dir, "modbus.log", "#separator \\x09", "#path\tmodbus", "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tfunc\texception",
		"1772344800.2\tC1\t10.20.1.5\t49200\t10.20.2.9\t502\tREAD_COILS\t-",
		"1772344800.3\tC1\t10.20.1.5\t49200\t10.20.2.9\t502\tWRITE_SINGLE_REGISTER\t-",
		"1772344800.4\tC1\t10.20.1.5\t49200\t10.20.2.9\t502\tWRITE_SINGLE_COIL_EXCEPTION\tILLEGAL_DATA_ADDRESS")
	k, s := run(t, dir)
	var got []string
	for _, f := range k.flows {
		got = append(got, flowLine(f))
	}
	want := []string{
		"10.20.1.5:49200>10.20.2.9:502 tcp modbus seen [read write] answered=true",
		"10.20.1.5:49201>10.20.2.9:502 tcp  unknown [] answered=true",
		"10.10.1.1:49202>10.20.2.9:102 tcp  seen [] answered=false",
		"10.10.1.1:49203>10.20.2.9:80 tcp  seen [] answered=false",
		"10.10.1.1:5353>10.10.1.2:53 udp dns seen [] answered=true",
		"10.10.1.1:40000>10.10.1.2:40001 udp  unknown [] answered=true",
		"10.10.1.1:0>10.10.1.2:0 icmp  seen [] answered=true",
		"fe80::1:49203>fe80::2:443 tcp tls seen [] answered=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	f := k.flows[0]
	if !f.Time.Equal(time.Unix(1772344800, 123456000)) || !f.Last.Equal(f.Time.Add(1500*time.Millisecond)) || f.BytesOut != 100 || f.Raw.Line != 4 || f.Raw.Sum.IsZero() || !f.Told {
		t.Errorf("%+v", f)
	}
	if len(k.operations) != 2 || k.operations[0].Function != "write single register" || k.operations[0].Asked != 1 || k.operations[1].Refused != 1 || len(k.operations[0].Raw.Text) == 0 {
		t.Errorf("operations %+v", k.operations)
	}
	if s.Stats().Flows != 8 || k.health.Rejected != 0 {
		t.Errorf("stats %+v, %d rejected %+v", s.Stats(), k.health.Rejected, k.health.Reasons)
	}
}

func TestJSONSaysTheSameAsTSV(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "conn.log", `{"ts":1772344800.123456,"uid":"C1","id.orig_h":"10.20.1.5","id.orig_p":49200,"id.resp_h":"10.20.2.9","id.resp_p":502,"proto":"tcp","service":"modbus","duration":1.5,"orig_bytes":10,"resp_bytes":20,"conn_state":"SF","history":"ShADadFf","orig_pkts":5,"orig_ip_bytes":100,"resp_pkts":4,"resp_ip_bytes":200,"local_orig":true}`,
		`{"_path":"dhcp","ts":"2026-03-01T06:00:00.5Z","mac":"00:0C:29:00:00:01","assigned_addr":"10.10.1.9","host_name":"front-desk","uids":["C2"]}`)
	other := t.TempDir()
	write(t, other, "conn.log", "#separator \\x09", connFields, conn("C1", "10.20.1.5", "49200", "10.20.2.9", "502", "tcp", "modbus", "SF", "ShADadFf", "5", "4"))
	a, _ := run(t, dir)
	b, _ := run(t, other)
	if len(a.flows) != 1 || len(b.flows) != 1 {
		t.Fatalf("%d and %d flows", len(a.flows), len(b.flows))
	}
	a.flows[0].Raw, b.flows[0].Raw = event.Raw{}, event.Raw{}
	if diff := cmp.Diff(b.flows, a.flows); diff != "" {
		t.Error(diff)
	}
	if len(a.devices) != 1 || a.devices[0].MAC != "00:0c:29:00:00:01" || a.devices[0].IP != "10.10.1.9" || a.devices[0].Name != "front-desk" {
		t.Errorf("devices %+v", a.devices)
	}
}

// What can't be read is rejected by itself, with its line and a reason.
func TestBadRows(t *testing.T) {
	dir := t.TempDir()
	good := conn("C1", "10.20.1.5", "49200", "10.20.2.9", "502", "tcp", "modbus", "SF", "ShADadFf", "5", "4")
	write(t, dir, "conn.log", good, "#separator \\x09", connFields, "a\tb", strings.Replace(good, "10.20.1.5", "ten", 1), strings.Replace(good, "1772344800", "yesterday", 1), "{", good)
	k, s := run(t, dir)
	var got []string
	for _, r := range k.health.Reasons {
		got = append(got, fmt.Sprintf("%s (line %d)", r.Text, r.Last.Line))
	}
	slices.Sort(got)
	want := []string{
		"column ts holds no time (line 6)",
		"columns id.orig_h and id.resp_h hold no addresses (line 5)",
		"line is not JSON (line 7)",
		"row before the #fields of its log (line 1)",
		"row has not the columns of #fields (line 4)",
	}
	if diff := cmp.Diff(want, got); diff != "" || len(k.flows) != 1 || s.Stats().Rejected != 5 {
		t.Errorf("%s\n%d flows, stats %+v", diff, len(k.flows), s.Stats())
	}
}

// baseline copies a log that a parser of the ICSNPP project is expected to write,
// with times in place of the crosses that stand for them.
func baseline(t *testing.T, dir, path string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(sharedDir(), "ot", "pcap", "icsnpp", filepath.FromSlash(path)))
	if err != nil {
		t.Skipf("the shared captures are not here (set QUAYWATCH_TESTDATA): %v", err)
	}
	var out bytes.Buffer
	for i, l := range bytes.SplitAfter(b, []byte("\n")) {
		if bytes.HasPrefix(l, []byte("###")) {
			continue // of the test tool
		}
		out.Write(bytes.Replace(l, []byte("XXXXXXXXXX.XXXXXX"), []byte("17723448"+fmt.Sprintf("%02d", i%100)+".5"), 1))
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLogsOfICSNPP reads what the parsers are expected to write.
func TestLogsOfICSNPP(t *testing.T) {
	dir := t.TempDir()
	baseline(t, dir, "s7comm/tests/baseline/analyzer.s7comm_plus/s7comm_plus.log")
	for _, found := range []string{"s7comm_known_devices.log", "s7comm.log", "s7comm_upload_download.log", "bacnet.log", "bacnet_property.log", "bacnet_device_control.log", "dnp3.log"} {
		paths, err := filepath.Glob(filepath.Join(sharedDir(), "ot", "pcap", "icsnpp", "*", "test*", "baseline", "*", found))
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range paths {
			sub := filepath.Join(dir, strconv.Itoa(i))
			if err := os.MkdirAll(sub, 0o700); err != nil {
				t.Fatal(err)
			}
			rel, _ := filepath.Rel(filepath.Join(sharedDir(), "ot", "pcap", "icsnpp"), p)
			baseline(t, sub, filepath.ToSlash(rel))
		}
	}
	k, s := run(t, dir)
	count := map[string]int{}
	for _, o := range k.operations {
		a := "asked"
		if o.Accepted > 0 {
			a = "accepted"
		} else if o.Refused > 0 {
			a = "refused"
		}
		count[o.Protocol+" "+o.Operation+" "+a]++
	}
	for _, want := range []struct {
		what string
		n    int
	}{{"s7comm write asked", 10}, {"s7comm write accepted", 10}, {"s7comm stop asked", 1}, {"s7comm stop accepted", 1}, {"s7comm upload asked", 17},
		{"s7comm set-time asked", 1}, {"s7comm set-time accepted", 1}, {"s7comm start asked", 1}, {"s7comm program asked", 2},
		{"bacnet write accepted", 9}, {"bacnet program asked", 64}, {"bacnet stop asked", 2}, {"dnp3 write accepted", 241}} {
		if count[want.what] != want.n {
			t.Errorf("%s: %d, want %d", want.what, count[want.what], want.n)
		}
	}
	var serials []string
	for _, d := range k.devices {
		if d.Serial != "" {
			serials = append(serials, d.IP+" "+d.Serial+" "+d.Product)
		}
	}
	if !slices.Contains(serials, "172.17.0.2 S C-C2UR28922012 CPU 315-2 PN/DP") {
		t.Errorf("devices %q", serials)
	}
	// Four rows of bacnet.log have a damaged time in the baseline itself.
	if len(k.health.Reasons) != 1 || k.health.Reasons[0].Text != "column ts holds no time" || k.health.Rejected != 4 {
		t.Errorf("rejected %+v", k.health.Reasons)
	}
	if s.Stats().Rows < 20_000 {
		t.Errorf("only %d rows were read", s.Stats().Rows)
	}
}

func sharedDir() string {
	if d := os.Getenv("QUAYWATCH_TESTDATA"); d != "" {
		return d
	}
	return filepath.Join("..", "..", "..", "..", "shared", "data")
}

func FuzzRow(f *testing.F) {
	f.Add([]byte("#separator \\x09\n"+connFields+"\n"+conn("C1", "10.20.1.5", "1", "10.20.2.9", "502", "tcp", "modbus", "SF", "S", "5", "4")+"\n"), "conn.log")
	f.Add([]byte(`{"ts":1,"id.orig_h":"::1","id.resp_h":"::2","func":"WRITE_SINGLE_COIL"}`), "modbus.log")
	f.Add([]byte("#separator \\x2c\n#fields,ts,mac\n1e3,\\x00\\\\"), "dhcp.log")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		name = filepath.Base(name)
		if !IsLog(name) || strings.HasSuffix(name, ".gz") || strings.ContainsAny(name, "\x00/") || len(name) > 100 {
			return
		}
		dir := t.TempDir()
		if os.WriteFile(filepath.Join(dir, name), data, 0o600) != nil {
			return
		}
		k, _ := run(t, dir)
		for _, fl := range k.flows {
			if fl.Client.IP == "" || fl.Last.Before(fl.Time) {
				t.Errorf("%+v", fl)
			}
		}
	})
}

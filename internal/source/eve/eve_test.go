package eve

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	alerts     []event.Alert
	health     event.SourceHealth
}

func (s *sink) Put(_ context.Context, b *event.Batch) error {
	s.flows = append(s.flows, b.Flows...)
	s.devices = append(s.devices, b.Devices...)
	s.operations = append(s.operations, b.Operations...)
	s.alerts = append(s.alerts, b.Alerts...)
	if len(b.Health) > 0 {
		s.health = b.Health[len(b.Health)-1]
	}
	return nil
}

func run(t testing.TB, path string) (*sink, *Source) {
	t.Helper()
	s, err := New(Options{ID: "eve", Paths: []string{path}, Clock: func() time.Time { return epoch }})
	if err != nil {
		t.Fatal(err)
	}
	k := &sink{}
	if err := s.Run(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	return k, s
}

func file(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "eve.json")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const ends = `"src_ip":"10.20.1.5","src_port":49200,"dest_ip":"10.20.2.9","dest_port":502,"proto":"TCP"`

func flow(id int, more string) string {
	return fmt.Sprintf(`{"timestamp":"2026-03-01T06:02:00.000000+0000","flow_id":%d,"event_type":"flow",%s,"flow":{"pkts_toserver":5,"pkts_toclient":4,"bytes_toserver":500,"bytes_toclient":400,"start":"2026-03-01T07:00:00.250000+0100","end":"2026-03-01T07:01:00.000000+0100","age":60,"state":"closed","reason":"timeout","alerted":false}}`, id, more)
}

func TestRecords(t *testing.T) {
	k, s := run(t, file(t,
		`{"timestamp":"2026-03-01T06:00:01.000000+0000","flow_id":7,"event_type":"modbus",`+ends+`,"modbus":{"id":1,"request":{"transaction_id":1,"protocol_id":0,"unit_id":1,"function_raw":6,"function_code":"WrSingleReg","access_type":"WRITE | HOLDING","category":"NONE"},"response":{"transaction_id":1,"protocol_id":0,"unit_id":1,"function_raw":6,"function_code":"WrSingleReg","access_type":"WRITE | HOLDING"}}}`,
		`{"timestamp":"2026-03-01T06:00:02.000000+0000","flow_id":7,"event_type":"modbus",`+ends+`,"modbus":{"id":2,"request":{"unit_id":1,"function_raw":3,"function_code":"RdHoldRegs","access_type":"READ | HOLDING"},"response":{"function_raw":131,"exception":{"code":2,"raw":2}}}}`,
		`{"timestamp":"2026-03-01T06:00:03.000000+0000","flow_id":9,"event_type":"dnp3","src_ip":"10.20.1.5","src_port":49201,"dest_ip":"10.20.2.8","dest_port":20000,"proto":"TCP","dnp3":{"type":"request","control":{"dir":true},"src":1,"dst":2,"application":{"control":{"fir":true},"function_code":13,"objects":[],"complete":true}}}`,
		`{"timestamp":"2026-03-01T06:00:03.500000+0000","flow_id":10,"event_type":"enip","src_ip":"10.20.1.5","src_port":49202,"dest_ip":"10.20.2.7","dest_port":44818,"proto":"TCP","enip":{"request":{"command":"SendRRData","cip":{"service":"Stop"}},"response":{"cip":{"service":"Stop","status":"ServiceNotSupported"}}}}`,
		flow(7, ends+`,"app_proto":"modbus","tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"ack":true},"ether":{"src_mac":"00:0C:29:00:00:01","dest_mac":"00:80:F4:00:00:02"},"vlan":[20]`),
		flow(8, ends+`,"app_proto":"failed","tcp":{"tcp_flags":"16","tcp_flags_tc":"14","syn":true}`),
		flow(11, ends+`,"tcp":{"tcp_flags":"18","ack":true}`),
		flow(12, `"src_ip":"fe80::1","src_port":5353,"dest_ip":"ff02::fb","dest_port":5353,"proto":"UDP","app_proto":"mdns"`),
		`{"timestamp":"2026-03-01T06:00:04.000000+0000","flow_id":7,"event_type":"alert",`+ends+`,"alert":{"action":"allowed","gid":1,"signature_id":1,"rev":1,"signature":"ET SCADA write","category":"Misc","severity":1}}`,
		`{"timestamp":"2026-03-01T06:00:05.000000+0000","event_type":"dhcp","src_ip":"10.10.1.1","src_port":67,"dest_ip":"10.10.1.9","dest_port":68,"proto":"UDP","dhcp":{"type":"reply","client_mac":"00:0C:29:00:00:09","assigned_ip":"10.10.1.9","hostname":"front-desk"}}`,
		`{"timestamp":"2026-03-01T06:00:06.000000+0000","event_type":"stats","stats":{"uptime":1}}`,
		``, `{"timestamp":"never","event_type":"flow"}`, `{`, `{"timestamp":"2026-03-01T06:00:06+00:00","event_type":"flow","src_ip":"x"}`))
	var got []string
	for _, f := range k.flows {
		got = append(got, fmt.Sprintf("%s>%s:%d %s %s %s %v answered=%v vlan=%d", f.Client.IP, f.Server.IP, f.Server.Port, f.Transport, f.Application, f.Direction, f.Operations, f.Answered, f.VLAN))
	}
	for _, o := range k.operations {
		got = append(got, fmt.Sprintf("%s %s %s %d/%d/%d line %d", o.Server.IP, o.Operation, o.Function, o.Asked, o.Accepted, o.Refused, o.Raw.Line))
	}
	want := []string{
		"10.20.1.5>10.20.2.9:502 tcp modbus seen [read write] answered=true vlan=20",
		"10.20.1.5>10.20.2.9:502 tcp  seen [] answered=false vlan=0",
		"10.20.1.5>10.20.2.9:502 tcp  unknown [] answered=true vlan=0",
		"fe80::1>ff02::fb:5353 udp mdns seen [] answered=true vlan=0",
		"10.20.2.9 write WrSingleReg 1/1/0 line 1",
		"10.20.2.8 start cold restart 1/0/0 line 3",
		"10.20.2.7 stop stop 1/0/1 line 4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if f := k.flows[0]; !f.Time.Equal(epoch.Add(250*time.Millisecond)) || !f.Last.Equal(epoch.Add(time.Minute)) || f.Client.MAC != "00:0c:29:00:00:01" {
		t.Errorf("%+v", f)
	}
	if len(k.alerts) != 1 || k.alerts[0].Severity != "high" || k.alerts[0].Signature != "ET SCADA write" || len(k.devices) != 1 || k.devices[0].Name != "front-desk" {
		t.Errorf("alerts %+v, devices %+v", k.alerts, k.devices)
	}
	var reasons []string
	for _, r := range k.health.Reasons {
		reasons = append(reasons, fmt.Sprintf("%s (line %d)", r.Text, r.Last.Line))
	}
	slices.Sort(reasons)
	if want := []string{"line is not an EVE record (line 14)", "src_ip and dest_ip hold no addresses (line 15)", "timestamp holds no time (line 13)"}; !slices.Equal(reasons, want) {
		t.Errorf("rejected %q", reasons)
	}
	if st := s.Stats(); st.Rejected != 3 || st.Flows != 4 || k.health.Skipped != 2 {
		t.Errorf("stats %+v, %d skipped", st, k.health.Skipped)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(flow(7, ends)))
	f.Add([]byte(`{"timestamp":"2026-03-01T06:00:01Z","event_type":"dnp3",` + ends + `,"dnp3":{"request":{"application":{"function_code":2}},"response":{}}}`))
	f.Add([]byte(`{"timestamp":"2026-03-01T06:00:01Z","event_type":"enip",` + ends + `,"enip":{"request":{"command":"ListIdentity"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, _ := run(t, file(t, string(data)))
		for _, fl := range k.flows {
			if fl.Client.IP == "" || fl.Last.Before(fl.Time) {
				t.Errorf("%+v", fl)
			}
		}
	})
}

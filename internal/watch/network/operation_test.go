package network

import (
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// operated makes an operation that the device accepted.
func operated(client, server, operation, function string) event.DeviceOperation {
	return event.DeviceOperation{Head: event.Head{Time: epoch, Seen: epoch, Told: true, Source: "test", Raw: event.Raw{Input: "x.pcap", Line: 7}}, Last: epoch.Add(time.Second),
		Client: event.Endpoint{IP: client, Port: 50000}, Server: event.Endpoint{IP: server, Port: 502}, Transport: "tcp",
		Protocol: "modbus", Operation: operation, Function: function, Asked: 1, Accepted: 1}
}

const engineering = `
  - {id: eng-1, name: Station, domain: ot, kind: engineering-station, zone: scada, addresses: [{ip: 10.20.1.8}]}
  - {id: hist-1, name: Historian, domain: ot, kind: historian, zone: scada, addresses: [{ip: 10.20.1.7}]}
`

func TestUnapprovedOperations(t *testing.T) {
	const order = "\nwork_orders:\n  - {id: wo-1, stations: [hist-1], devices: [plc-1], from: 2026-03-01, until: 2026-03-01, reason: test}\n"
	approvals := func(s string) string { return "\napprovals:\n  - {id: a-1, reason: test, " + s + "}\n" }
	for _, c := range []struct {
		name, more string
		o          event.DeviceOperation
		why        string // "": approved
		severity   finding.Severity
	}{
		{"engineering station by kind", "", operated("10.20.1.8", "10.20.2.9", "program", ""), "", 0},
		{"operator station writes", "", operated("10.20.1.5", "10.20.2.9", "write", ""), "", 0},
		{"operator station copies a program in", "", operated("10.20.1.5", "10.20.2.9", "program", ""), "kind hmi may only set-time or write", finding.Alarm},
		{"historian writes to a critical asset", "", operated("10.20.1.7", "10.20.2.9", "write", ""), "kind historian is no engineering station", finding.Alarm},
		{"unknown client", "", operated("10.10.3.3", "10.20.2.9", "upload", ""), "not in the register", finding.Warning},
		{"unknown client, unknown device", "", operated("10.10.3.3", "10.20.2.77", "write", ""), "not in the register", finding.Warning},
		{"approved by name", approvals("stations: [hist-1], devices: [cranes], allow: [write]"), operated("10.20.1.7", "10.20.2.9", "write", ""), "", 0},
		{"approved for other things", approvals("stations: [hist-1], devices: [cranes], allow: [upload]"), operated("10.20.1.7", "10.20.2.9", "write", ""), "no approval of this device", finding.Alarm},
		{"an approval of the device ends what the kind allows", approvals("stations: [hist-1], devices: [plc-1]"), operated("10.20.1.8", "10.20.2.9", "program", ""), "no approval of this device", finding.Alarm},
		{"without a work order", approvals("stations: [eng-1], devices: [plc-1], work_order: true"), operated("10.20.1.8", "10.20.2.9", "stop", ""), "needs a work order", finding.Alarm},
		{"within a work order", approvals("stations: [eng-1], work_order: true") + order, operated("10.20.1.7", "10.20.2.9", "stop", ""), "", 0},
		{"a day too late", order, func() event.DeviceOperation {
			o := operated("10.20.1.7", "10.20.2.9", "stop", "")
			o.Time, o.Last, o.Seen = epoch.Add(24*time.Hour), epoch.Add(24*time.Hour), epoch.Add(24*time.Hour)
			return o
		}(), "is no engineering station", finding.Alarm},
		{"refused", "", func() event.DeviceOperation {
			o := operated("10.10.3.3", "10.20.2.9", "stop", "")
			o.Accepted, o.Refused = 0, 1
			return o
		}(), "not in the register", finding.Warning},
		{"a device outside", "", operated("10.20.1.7", "203.0.113.9", "write", ""), "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, told := run(t, loadMore(t, c.more), event.Batch{Operations: []event.DeviceOperation{c.o}})
			var got []finding.Occurrence
			for _, o := range told {
				if o.Rule == RuleUnapproved {
					got = append(got, o)
				}
			}
			if c.why == "" {
				if len(got) != 0 {
					t.Fatalf("told %+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].Severity != c.severity || !strings.Contains(got[0].Summary, c.why) {
				t.Fatalf("told %+v, want %v because %q", got, c.severity, c.why)
			}
			if e := got[0].Facts[0].Evidence.Raw; e.Input != "x.pcap" || e.Line != 7 {
				t.Errorf("the evidence leads to %+v", e)
			}
			if want := finding.Confirmed; c.o.Accepted == 0 && got[0].Grade != finding.Likely || c.o.Accepted > 0 && got[0].Grade != want {
				t.Errorf("grade %v of %d accepted", got[0].Grade, c.o.Accepted)
			}
		})
	}
}

// loadMore is load with an engineering station, a historian and further sections.
func loadMore(t testing.TB, more string) *port.Port {
	t.Helper()
	return loadText(t, strings.Replace(testPort, "services:", strings.TrimPrefix(engineering, "\n")+"services:", 1)+more)
}

// TestWhoTouchedAdds: rows of one client and function add up, the newest packet
// stands for them, and the list is bounded.
func TestWhoTouchedAdds(t *testing.T) {
	first, later := operated("10.20.1.5", "10.20.2.9", "write", "write single register"), operated("10.20.1.5", "10.20.2.9", "write", "write single register")
	later.Time, later.Last, later.Seen, later.Raw.Line = epoch.Add(time.Minute), epoch.Add(time.Minute), epoch.Add(time.Minute), 99
	b := event.Batch{Operations: []event.DeviceOperation{later, first}}
	for i := range maxTouches + 10 {
		o := operated("10.20.1.5", "10.20.2.10", "write", strings.Repeat("x", i+1))
		o.Time = epoch.Add(time.Duration(i) * time.Second)
		o.Last, o.Seen = o.Time, o.Time
		b.Operations = append(b.Operations, o)
	}
	b.Flows = []event.Flow{flow("10.20.1.5", "10.20.2.9", 502, "modbus", "write"), flow("10.20.1.5", "10.20.2.10", 502, "modbus", "write")}
	w, _ := run(t, load(t), b)
	for _, h := range w.Picture().Hosts {
		switch h.IPs[0] {
		case "10.20.2.9":
			if len(h.Operations) != 1 || h.Operations[0].Asked != 2 || h.Operations[0].Evidence.Raw.Line != 99 || !h.Operations[0].First.Equal(epoch) {
				t.Errorf("%+v", h.Operations)
			}
		case "10.20.2.10":
			if len(h.Operations) != maxTouches || len(h.Operations[0].Function) != maxTouches+10 {
				t.Errorf("%d rows, the newest %q", len(h.Operations), h.Operations[0].Function)
			}
		}
	}
}

// TestUnapprovedEndsAndGoesOn: the finding ends an hour of listening after the
// last such operation, and a restart takes it over.
func TestUnapprovedEndsAndGoesOn(t *testing.T) {
	_, told := run(t, load(t), event.Batch{Operations: []event.DeviceOperation{operated("10.10.3.3", "10.20.2.9", "write", "")}})
	f := finding.New(told[len(told)-1])
	var ended []finding.Occurrence
	w := New(load(t), Options{}, func(o finding.Occurrence) {
		if o.Cleared {
			ended = append(ended, o)
		}
	})
	w.Resume([]finding.Finding{f})
	now := epoch
	for range 90 {
		others(w, now)
		now = now.Add(time.Minute)
		w.Advance(now)
	}
	if len(ended) != 1 || ended[0].Rule != RuleUnapproved || ended[0].Subject.ID != "10.10.3.3>plc-1" {
		t.Errorf("ended %+v", ended)
	}
}

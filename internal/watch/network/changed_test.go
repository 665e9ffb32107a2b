package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// plateOf is a device that tells its serial number and version.
func plateOf(minutes int, mac, ip, serial, version string) event.DeviceSighting {
	at := epoch.Add(time.Duration(minutes) * time.Minute)
	return event.DeviceSighting{Head: event.Head{Time: at, Seen: at, Told: true, Source: "test", Raw: event.Raw{Input: "x.pcap", Line: int64(minutes + 1)}},
		MAC: mac, IP: ip, Protocol: "s7comm", Serial: serial, Firmware: version}
}

// rules lists what was told of some rules, "-" before an end.
func rules(told []finding.Occurrence, want ...string) []string {
	var out []string
	for _, o := range told {
		if slices.Contains(want, o.Rule) {
			mark := ""
			if o.Cleared {
				mark = "-"
			}
			out = append(out, mark+strings.TrimPrefix(o.Rule, "network.")+" "+o.Subject.ID)
		}
	}
	return out
}

func TestChangedDevices(t *testing.T) {
	const address = "10.20.2.50"
	for _, c := range []struct {
		name string
		rows []event.DeviceSighting
		want []string
	}{
		{"the same again", []event.DeviceSighting{plateOf(0, "", address, "S1", "V1.0"), plateOf(30, "", address, "S1", "V1.0")}, nil},
		{"firmware", []event.DeviceSighting{plateOf(0, "", address, "S1", "V1.0"), plateOf(30, "", address, "S1", "V1.1")}, []string{"changed-firmware " + address}},
		{"firmware and back", []event.DeviceSighting{plateOf(0, "", address, "S1", "V1.0"), plateOf(30, "", address, "S1", "V1.1"), plateOf(60, "", address, "S1", "V1.0")},
			[]string{"changed-firmware " + address, "-changed-firmware " + address}},
		{"another device, with its own version", []event.DeviceSighting{plateOf(0, "", address, "S1", "V1.0"), plateOf(30, "", address, "S2", "V9")}, []string{"replaced-device " + address}},
		{"late rows change nothing", []event.DeviceSighting{plateOf(30, "", address, "S2", ""), plateOf(0, "", address, "S1", "")}, nil},
		{"a field that was left out", []event.DeviceSighting{plateOf(0, "", address, "S1", "V1.0"), plateOf(20, "", address, "", "V1.0"), plateOf(30, "", address, "S1", "")}, nil},
		{"two protocols write it in two ways", []event.DeviceSighting{plateOf(0, "", address, "S1", ""), func() event.DeviceSighting {
			d := plateOf(30, "", address, "0x51", "")
			d.Protocol = "enip"
			return d
		}()}, nil},
		{"a banner is not believed", []event.DeviceSighting{func() event.DeviceSighting {
			d := plateOf(0, "", address, "", "1")
			d.Protocol = "http"
			return d
		}(), func() event.DeviceSighting {
			d := plateOf(30, "", address, "", "2")
			d.Protocol = "http"
			return d
		}()}, nil},
		{"devices behind a gateway are not the gateway", []event.DeviceSighting{func() event.DeviceSighting {
			d := plateOf(0, "", address, "S1", "")
			d.Behind = "unit 1"
			return d
		}(), func() event.DeviceSighting {
			d := plateOf(30, "", address, "S2", "")
			d.Behind = "unit 2"
			return d
		}()}, nil},
		{"outside the port", []event.DeviceSighting{plateOf(0, "", "203.0.113.5", "S1", ""), plateOf(30, "", "203.0.113.5", "S2", "")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, told := run(t, load(t), event.Batch{Devices: c.rows})
			if got := rules(told, RuleReplaced, RuleFirmware); !slices.Equal(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// Who loaded firmware before it changed stands in the finding.
func TestChangedFirmwareNamesTheHand(t *testing.T) {
	var told []finding.Occurrence
	w := New(load(t), Options{}, func(o finding.Occurrence) { told = append(told, o) })
	w.Observe(&event.Batch{Devices: []event.DeviceSighting{plateOf(0, "", "10.20.2.9", "S C-123", "V1")},
		Operations: []event.DeviceOperation{operated("10.20.1.5", "10.20.2.9", "firmware", "load")}})
	w.Observe(&event.Batch{Devices: []event.DeviceSighting{plateOf(60, "", "10.20.2.9", "S C-123", "V2")}})
	o := told[len(told)-1]
	if o.Rule != RuleFirmware || o.Subject.ID != "plc-1" || len(o.Facts) != 2 || !strings.Contains(o.Facts[1].Text, "10.20.1.5 asked firmware load") {
		t.Errorf("told %+v", o)
	}
}

func TestMovedAssets(t *testing.T) {
	const mac, other = "00:0c:29:00:00:01", "00:0c:29:00:00:77"
	arp := func(minutes int, mac, ip string) event.DeviceSighting {
		d := plateOf(minutes, mac, ip, "", "")
		d.Protocol = "arp"
		return d
	}
	for _, c := range []struct {
		name string
		rows []event.DeviceSighting
		want []string
	}{
		{"at its place", []event.DeviceSighting{arp(0, mac, "10.20.1.5")}, nil},
		{"moved, and in turn", []event.DeviceSighting{arp(0, mac, "10.20.2.5"), arp(5, mac, "10.20.2.5"), arp(10, mac, "10.20.1.5")}, []string{"moved-asset hmi-1"}},
		{"another card at its address", []event.DeviceSighting{arp(0, other, "10.20.1.5"), arp(5, other, "10.20.1.5")}, []string{"replaced-device hmi-1"}},
		{"no card declared", []event.DeviceSighting{arp(0, other, "10.20.2.9")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, told := run(t, load(t), event.Batch{Devices: c.rows})
			if got := rules(told, RuleMoved, RuleReplaced); !slices.Equal(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// Redundant routers, proxy ARP and load balancers are no devices of the register.
func TestSharedAddressesAreNoDevices(t *testing.T) {
	arp := func(minutes int, mac, ip string) event.DeviceSighting {
		d := plateOf(minutes, mac, ip, "", "")
		d.Protocol = "arp"
		return d
	}
	var rows []event.DeviceSighting
	for _, mac := range []string{"00:00:5e:00:01:05", "00:00:0c:07:ac:01", "00:00:0c:9f:f0:02", "00:07:b4:00:01:02"} {
		rows = append(rows, arp(0, mac, fmt.Sprintf("10.20.2.2%s", mac[15:])))
	}
	for i := range 20 { // proxy ARP
		rows = append(rows, arp(1, "00:aa:00:00:00:09", fmt.Sprintf("10.20.1.%d", 100+i)))
	}
	for i := range 20 { // a laptop that gets another address each day
		rows = append(rows, arp(1440*(i+1), "00:aa:00:00:00:0a", fmt.Sprintf("10.10.7.%d", 100+i)))
	}
	w, told := run(t, load(t), event.Batch{Devices: rows})
	for _, o := range told {
		if o.Rule == RuleUnregistered && (strings.HasPrefix(o.Subject.ID, "10.20.2.2") || o.Subject.ID == "00:aa:00:00:00:09") {
			t.Errorf("told %s", o.Title)
		}
	}
	for _, h := range w.Picture().Hosts {
		switch {
		case len(h.MACs) > 0 && virtual(h.MACs[0]) != "":
			t.Errorf("a shared MAC is a device: %+v", h)
		case strings.HasPrefix(h.ID, "ip:10.20.2.2") && (h.Role != "gateway" || !strings.Contains(h.RoleWhy, "shared")):
			t.Errorf("%s is a %s (%s)", h.ID, h.Role, h.RoleWhy)
		case h.ID == "mac:00:aa:00:00:00:09" && (len(h.IPs) > 0 || h.Role != "gateway"):
			t.Errorf("the proxy is %s with %v", h.Role, h.IPs)
		case h.ID == "mac:00:aa:00:00:00:0a" && len(h.IPs) != 20:
			t.Errorf("the laptop has %d addresses", len(h.IPs))
		}
	}
}

// An asset is missing only where others of its zone are heard; a controller that
// was heard and falls silent is told sooner, and both end when it speaks.
func TestMissingAndSilent(t *testing.T) {
	var told []finding.Occurrence
	w := New(load(t), Options{}, func(o finding.Occurrence) { told = append(told, o) })
	now := epoch
	speak := func(from, to string) {
		f := flow(from, to, 502, "modbus", "read")
		f.Time, f.Last, f.Seen = now, now.Add(time.Second), now
		w.Observe(&event.Batch{Flows: []event.Flow{f}})
	}
	state := func() map[string]string {
		out := map[string]string{}
		for _, r := range w.Register() {
			out[r.Asset] = r.State
		}
		return out
	}
	if s := state(); s["plc-1"] != OutOfSight {
		t.Errorf("before anything: %v", s)
	}
	speak("10.20.1.5", "10.20.2.9")
	for range 26 * 60 {
		speak("10.20.1.77", "10.20.2.77") // others of both zones go on
		now = now.Add(time.Minute)
		w.Advance(now)
	}
	want := []string{"silent-controller plc-1", "missing-asset plc-1", "missing-asset hmi-1"}
	if got := rules(told, RuleMissing, RuleSilent); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if s := state(); s["plc-1"] != Seen {
		t.Errorf("after: %v", s)
	}
	speak("10.20.1.5", "10.20.2.9")
	want = append(want, "-missing-asset hmi-1", "-silent-controller plc-1", "-missing-asset plc-1")
	if got := rules(told, RuleMissing, RuleSilent); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	// A dead sensor tells nothing of anybody.
	told = nil
	for range 30 * 60 {
		now = now.Add(time.Minute)
		w.Advance(now)
	}
	if got := rules(told, RuleMissing, RuleSilent); len(got) != 0 {
		t.Errorf("nobody listened, and told was %q", got)
	}
}

func TestVersionsAreComparedByParts(t *testing.T) {
	for _, c := range []struct {
		told, declared string
		same           bool
	}{{"V3.2.6", "3.2.6", true}, {"V3.2.6", "3.2", true}, {"01.00", "1.0", true}, {"V 3.12", "3.1", false}, {"2.9", "2.10", false},
		{"rev 4", "4", true}, {"20.11", "20.011", true}, {"1.0", "11.0", false}} {
		if got := sameVersion(c.told, c.declared); got != c.same {
			t.Errorf("%q and %q: %v", c.told, c.declared, got)
		}
	}
}

package network

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/event"
)

// TestDevicesBehind: what a router tells of another device is never the router's
// own identity, later values stand, and a later sighting without a value empties none.
func TestDevicesBehind(t *testing.T) {
	at := func(minutes int) event.Head {
		return event.Head{Time: epoch.Add(time.Duration(minutes) * time.Minute), Source: "test"}
	}
	w, _ := run(t, nil, event.Batch{Devices: []event.DeviceSighting{
		{Head: at(0), IP: "10.20.2.9", Protocol: "bacnet", Vendor: "Contemporary", Serial: "R-1", Facts: []event.DeviceFact{{Name: "bacnet-device", Value: "100"}}},
		{Head: at(2), IP: "10.20.2.9", Protocol: "bacnet", Behind: "bacnet network 2 station 1c", Vendor: "Trane", Firmware: "1.1", Serial: "D-7", Facts: []event.DeviceFact{{Name: "bacnet-device", Value: "207"}}},
		{Head: at(1), IP: "10.20.2.9", Protocol: "bacnet", Behind: "bacnet network 2 station 1c", Name: "pump house", Firmware: "1.0"},
		{Head: at(3), IP: "10.20.2.9", Protocol: "bacnet", Behind: "bacnet network 2 station 04", Name: "lights"},
	}})
	hosts := w.Picture().Hosts
	if len(hosts) != 1 {
		t.Fatalf("%d hosts", len(hosts))
	}
	h := hosts[0]
	if h.Vendor != "Contemporary" || h.Serial != "R-1" || h.Firmware != "" || len(h.Names) != 0 || h.Facts["bacnet-device"] != "100" {
		t.Errorf("the router took over what it said of others: %+v", h)
	}
	want := []Behind{
		{Address: "bacnet network 2 station 04", Protocol: "bacnet", Name: "lights", First: at(3).Time, Last: at(3).Time},
		{Address: "bacnet network 2 station 1c", Protocol: "bacnet", Name: "pump house", Vendor: "Trane", Firmware: "1.1", Serial: "D-7",
			Facts: map[string]string{"bacnet-device": "207"}, First: at(1).Time, Last: at(2).Time},
	}
	if diff := cmp.Diff(want, h.Behind); diff != "" {
		t.Error(diff)
	}
}

// TestBehindIsNoMismatch: another serial behind an asset is not the asset's.
func TestBehindIsNoMismatch(t *testing.T) {
	_, told := run(t, load(t), event.Batch{Devices: []event.DeviceSighting{
		{Head: event.Head{Time: epoch, Source: "test"}, IP: "10.20.2.9", Protocol: "hart-ip", Behind: "hart card 1 channel 2", Vendor: "Emerson", Serial: "9"}}})
	for _, o := range told {
		t.Errorf("told %s", o.Rule)
	}
}

// TestBehindIsBounded: a speaker that invents devices and facts fills nothing.
func TestBehindIsBounded(t *testing.T) {
	h := newHost(epoch)
	for i := range 3 * maxBehind {
		name := time.Duration(i).String()
		h.speaksFor(&event.DeviceSighting{Behind: name, Protocol: "bacnet", Facts: []event.DeviceFact{{Name: "a", Value: name}}})
		h.facts = addFacts(h.facts, []event.DeviceFact{{Name: name, Value: "x"}})
	}
	if len(h.behind) != maxBehind || len(h.facts) != maxFacts {
		t.Errorf("%d behind, %d facts", len(h.behind), len(h.facts))
	}
}

// TestNamesOfProtocols: how port files call the protocols that are recognised.
func TestNamesOfProtocols(t *testing.T) {
	for _, c := range []struct {
		declared, recognised string
		want                 bool
	}{
		{"IEC-104", "iec104", true}, {"synchrophasor", "c37.118", true}, {"snmpv2c", "snmp", true},
		{"profinet", "profinet-dcp", true}, {"profinet", "profinet", true}, {"profinet-dcp", "profinet", false},
		{"snmpv3", "snmp", false}, {"iec-104", "modbus", false},
	} {
		if got := sameApplication(c.declared, c.recognised); got != c.want {
			t.Errorf("%s, %s: %v", c.declared, c.recognised, got)
		}
	}
}

package pcap

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"

	"github.com/quaywatch/quaywatch/internal/event"
)

// TestDevicesDirectlyOnEthernet: a controller that has no IP yet is told by its MAC
// with what DCP says of it, who renames it is told as writing, and EtherCAT as cyclic.
func TestDevicesDirectlyOnEthernet(t *testing.T) {
	bytes := func(s string) gopacket.Payload {
		b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	tp := newTape(t)
	tp.at(0, ether(plc, hmi, 0x8892), bytes("feff 05 01 00000001 0000 0040 0201 0009 0000 53372d31353030 00 0202 000a 0000 6372616e652d3034"+
		"0203 0006 0000 002a 010d 0204 0004 0000 02 00 0102 000e 0001 c0a80105 ffffff00 c0a80101"))
	tp.at(1, ether(hmi, plc, 0x8892), bytes("fefd 04 00 00000002 0000 000e 0202 000a 0001 6372616e652d3035"))
	tp.at(2, ether(hmi, host{mac: "ff:ff:ff:ff:ff:ff"}, 0x88a4), bytes("1010 0c 01 00000001 0400 0000 01020304 0300"))
	k, _ := run(t, Options{}, tp.file("a.pcap"))
	if len(k.devices) != 1 {
		t.Fatalf("%d sightings", len(k.devices))
	}
	d := k.devices[0]
	d.Head = event.Head{}
	want := event.DeviceSighting{MAC: plc.mac, IP: "192.168.1.5", Protocol: "profinet-dcp", Name: "crane-04", Vendor: "Siemens", Product: "S7-1500",
		Facts: []event.DeviceFact{{Name: "profinet-device-id", Value: "0x010d"}, {Name: "ip", Value: "192.168.1.5"}, {Name: "gateway", Value: "192.168.1.1"}}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, f := range k.flows {
		got = append(got, f.Client.MAC+" "+f.Application+" "+strings.Join(f.Operations, ",")+" "+string(f.Direction))
	}
	flows := []string{hmi.mac + " profinet-dcp identify,write seen", hmi.mac + " ethercat io seen"}
	if diff := cmp.Diff(flows, got); diff != "" {
		t.Error(diff)
	}
}

package ics_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/ics"
)

func TestInspectLink(t *testing.T) {
	for _, c := range []struct {
		name      string
		etherType uint16
		payload   string
		app       string
		identity  ics.Identity
		facts     map[string]string
		ops       string
	}{
		{"arp answer", ics.EtherARP, "0001 0800 06 04 0002 0080f4010203 0a010203 001122334455 0a010201", "arp", ics.Identity{},
			map[string]string{"mac": "00:80:f4:01:02:03", "ip": "10.1.2.3"}, ""},
		{"arp probe", ics.EtherARP, "0001 0800 06 04 0001 0080f4010203 00000000 000000000000 0a010201", "arp", ics.Identity{}, map[string]string{}, ""},
		{"lldp", ics.EtherLLDP, "0207 04 0012bb000001 0403 05 7031 0602 0078 0a06 737769746368 0c03 583230 0e04 0014 0004 100c 05 01 0a010164 02 00000001 00 0000", "lldp",
			ics.Identity{Name: "switch", Product: "X20", Kind: "Switch"}, map[string]string{"chassis": "00:12:bb:00:00:01", "port": "p1", "ip": "10.1.1.100"}, ""},
		{"cdp", 100, "aaaa03 00000c 2000 02 b4 0000 0001 000a 737774636831 0003 0008 46613031 0004 0008 00000028 0005 0009 31352e322e 0006 0008 5753c230", "cdp",
			ics.Identity{Name: "swtch1", Product: "WS?0", Model: "WS?0", Firmware: "15.2.", Kind: "Switch"}, map[string]string{"port": "Fa01"}, ""},
		{"dcp identify answer", ics.EtherPROFINET, "feff 05 01 00000001 0000 0040 0201 0009 0000 53372d31353030 00 0202 000a 0000 6372616e652d3034 0203 0006 0000 002a 010d 0204 0004 0000 02 00 0102 000e 0001 c0a80105 ffffff00 c0a80101",
			"profinet-dcp", ics.Identity{Vendor: "Siemens", Product: "S7-1500", Name: "crane-04", Kind: "PROFINET IO controller"},
			map[string]string{"profinet-device-id": "0x010d", "ip": "192.168.1.5", "gateway": "192.168.1.1"}, "identify"},
		{"dcp set name", ics.EtherPROFINET, "fefd 04 00 00000002 0000 000e 0202 000a 0001 6372616e652d3034", "profinet-dcp", ics.Identity{}, map[string]string{}, "write"},
		{"dcp factory reset", ics.EtherPROFINET, "fefd 04 00 00000002 0000 0006 0506 0002 0004", "profinet-dcp", ics.Identity{}, map[string]string{}, "program"},
		{"profinet cyclic", ics.EtherPROFINET, "8001 0000000000000000 1234 35 00", "profinet", ics.Identity{}, map[string]string{}, "io"},
		{"ethercat process data", ics.EtherEtherCAT, "1010 0c 01 00000001 0400 0000 01020304 0300", "ethercat", ics.Identity{}, map[string]string{}, "io"},
		{"ethercat to operational", ics.EtherEtherCAT, "0e10 08 01 0000 2001 0200 0000 0800 0000", "ethercat", ics.Identity{}, map[string]string{}, "start"},
		{"something else", 0x86dd, "6000", "", ics.Identity{}, map[string]string{}, ""},
		{"spanning tree", 38, "424203 0000 00 00 00", "", ics.Identity{}, map[string]string{}, ""},
		{"damaged dcp", ics.EtherPROFINET, "feff 05 01 00000001 0000 0f36 0201", "", ics.Identity{}, map[string]string{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r ics.Result
			ok := ics.InspectLink(c.etherType, unhex(t, c.payload), &r)
			if ok != (c.app != "") || r.Application != c.app || r.Operations.String() != c.ops {
				t.Errorf("%v %q operations %q, want %q %q", ok, r.Application, r.Operations, c.app, c.ops)
			}
			if diff := cmp.Diff(c.identity, r.Identity); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.facts, factsOf(&r)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// ecat wraps one datagram.
func ecat(command byte, adp, ado uint16, data []byte, counter uint16) []byte {
	d := concat([]byte{command, 0}, le(adp), le(ado), le(uint16(len(data))), []byte{0, 0}, data, le(counter))
	return concat(le(uint16(len(d))|0x1000), d)
}

// TestEtherCATDevices: devices are told behind the sender, with what the chip and
// the device's own memory say. The values of the chip are those of Zeek's expected
// log ecat_dev_info; its capture is not among the shared data.
func TestEtherCATDevices(t *testing.T) {
	chip := []byte{0x12, 0x01, 0x01, 0x00, 0x03, 0x04, 0x4a, 0x01, 0xfc, 0x01}
	sii := concat([]byte{0x40, 0x00}, le(uint32(8)), le(uint32(2)), le(uint32(0x07d43052)))
	sdo := func(index uint16, sub, command byte, value []byte) []byte {
		coe := concat(le(uint16(3<<12)), []byte{command}, le(index), []byte{sub}, value)
		return concat(le(uint16(len(coe))), []byte{0, 0, 0, 3}, coe)
	}
	for _, c := range []struct {
		name string
		in   []byte
		want []ics.Device
	}{
		{"chip", ecat(4, 1001, 0, chip, 1), []ics.Device{{Address: "ethercat station 0x03e9", Facts: []ics.Fact{
			{Name: "ethercat-chip", Value: "type 0x12 revision 0x01 build 0x0001"},
			{Name: "ethercat-chip-memory", Value: "fmmu 0x03 sync-managers 0x04 ram 0x4a ports 0x01 features 0x01fc"}}}}},
		{"chip, on the way out", ecat(4, 1001, 0, make([]byte, 10), 0), nil},
		{"device memory", ecat(4, 1001, 0x0502, sii, 1), []ics.Device{{Address: "ethercat station 0x03e9",
			Identity: ics.Identity{Vendor: "Beckhoff Automation", Model: "0x07d43052"}}}},
		{"serial by object", ecat(4, 1002, 0x1080, sdo(0x1018, 4, 0x43, le(uint32(4711))), 1), []ics.Device{{Address: "ethercat station 0x03ea",
			Identity: ics.Identity{Serial: "4711"}}}},
		{"name by object", ecat(4, 1002, 0x1080, sdo(0x1008, 0, 0x41, concat(le(uint32(6)), []byte("EL3001"))), 1), []ics.Device{{Address: "ethercat station 0x03ea",
			Identity: ics.Identity{Product: "EL3001"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r ics.Result
			if !ics.InspectLink(ics.EtherEtherCAT, c.in, &r) {
				t.Fatal("not recognised")
			}
			if diff := cmp.Diff(c.want, append([]ics.Device(nil), r.Behind...)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("firmware by file access", func(t *testing.T) {
		foe := concat([]byte{2, 0}, le(uint32(0)), []byte("ECATFW__EL3001"))
		var r ics.Result
		ics.InspectLink(ics.EtherEtherCAT, ecat(5, 1002, 0x1000, concat(le(uint16(len(foe))), []byte{0, 0, 0, 4}, foe), 0), &r)
		if r.Operations != ics.Firmware {
			t.Errorf("%+v", r.Functions)
		}
	})
}

func FuzzInspectLink(f *testing.F) {
	f.Add(uint16(ics.EtherPROFINET), unhex(f, "feff05010000000100000009 0202 0005 0000 616263 00"))
	f.Add(uint16(ics.EtherEtherCAT), ecat(4, 1001, 0x1080, unhex(f, "0a00000000030030431810040000000000"), 1))
	f.Add(uint16(ics.EtherLLDP), unhex(f, "0207040012bb000001040305703106020078 0a06737769746368 0000"))
	f.Add(uint16(64), unhex(f, "aaaa0300000c200002b400000001000a737774636831"))
	f.Add(uint16(ics.EtherARP), unhex(f, "00010800060400020080f40102030a0102030011223344550a010201"))
	f.Fuzz(func(t *testing.T, etherType uint16, b []byte) {
		var r ics.Result
		ok := ics.InspectLink(etherType, b, &r)
		if ok != (r.Application != "") {
			t.Errorf("%v %q", ok, r.Application)
		}
		check(t, &r, b)
	})
}

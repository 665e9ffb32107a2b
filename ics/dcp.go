package ics

import (
	"fmt"
	"strconv"
)

// PROFINET after IEC 61158-6-10:2019 clause 4.3 (DCP: discovery and basic
// configuration) and 4.7 (frame ids); Ethernet type 0x8892.

const maxDCPBlocks = 64

// profinet reads a frame from the frame id on.
func profinet(b []byte, r *Result) bool {
	if len(b) < 2 {
		return false
	}
	id := be16(b)
	switch {
	case id >= 0xfefc && id <= 0xfeff:
		return dcp(b[2:], r)
	case id >= 0x0100 && id <= 0x0fff, id >= 0x8000 && id <= 0xfbff: // cyclic data
		r.Application, r.Why = "profinet", "Ethernet type 0x8892 and a frame id of cyclic data"
		r.function(Function{"profinet", id, "cyclic data", false, false, IO})
		return true
	case id == 0xfc01, id == 0xfe01, id == 0xff00, id == 0xff01, id >= 0xff40 && id <= 0xff43, id >= 0xff20 && id <= 0xff21:
		r.Application, r.Why = "profinet", "Ethernet type 0x8892 and a frame id of alarms, time or redundancy"
		return true
	}
	return false
}

// dcp reads service, type of service, transaction, delay, length, then blocks of
// option, suboption, length, value, padded to even.
func dcp(b []byte, r *Result) bool {
	if len(b) < 10 {
		return false
	}
	service, kind, length := b[0], b[1], int(be16(b[8:]))
	if service < 3 || service > 6 || kind > 5 || length > len(b)-10 {
		return false
	}
	r.Application, r.Why = "profinet-dcp", "Ethernet type 0x8892 and a DCP header whose length adds up"
	request := kind&1 == 0
	f := Function{Protocol: "profinet-dcp", Code: uint16(service), Request: request, Failed: kind == 5}
	f.Name = [...]string{"get", "set", "identify", "hello"}[service-3]
	r.Sender = RoleServer
	if request && service != 6 {
		r.Sender = RoleClient
	}
	f.Operations = Identify
	block := cursor{b: b[10 : 10+length]}
	if service == 4 {
		f.Operations = Write
		if request {
			f.Name, f.Operations = dcpSet(&block)
		}
	}
	r.function(f)
	// A set's answer holds results, not values; requests say what is asked for.
	if service == 4 || request && service != 6 {
		return true
	}
	const info = 2 // what a value begins with in answers and in a hello
	for n := 0; n < maxDCPBlocks && block.ok(4); n++ {
		option, sub, size := block.u8(), block.u8(), block.u16()
		value := block.take(size)
		block.skip(size & 1)
		if len(value) >= info {
			dcpBlock(option, sub, value[info:], r)
		}
	}
	return true
}

// dcpBlock: option 1 is IP, 2 is the device (table 4.3.1.4).
func dcpBlock(option, sub int, v []byte, r *Result) {
	switch {
	case option == 1 && sub == 2 && len(v) >= 12:
		if !zero(v[:4]) {
			r.fact("ip", ipText(v))
		}
		if !zero(v[8:12]) && !same(v[:4], v[8:12]) {
			r.fact("gateway", ipText(v[8:]))
		}
	case option == 2 && sub == 1:
		r.identify(Identity{Product: text(v)})
	case option == 2 && sub == 2:
		r.identify(Identity{Name: text(v)})
	case option == 2 && sub == 3 && len(v) >= 4:
		r.identify(Identity{Vendor: profinetVendor(be16(v))})
		r.fact("profinet-device-id", fmt.Sprintf("0x%04x", be16(v[2:])))
	case option == 2 && sub == 4 && len(v) >= 1:
		kind := ""
		switch {
		case v[0]&2 != 0:
			kind = "PROFINET IO controller"
		case v[0]&1 != 0:
			kind = "PROFINET IO device"
		case v[0]&8 != 0:
			kind = "PROFINET supervisor"
		case v[0]&4 != 0:
			kind = "PROFINET multidevice"
		}
		r.identify(Identity{Kind: kind})
	case option == 2 && sub == 6:
		r.fact("profinet-alias", text(v))
	case option == 2 && sub == 8 && len(v) >= 4:
		r.fact("profinet-oem", fmt.Sprintf("0x%04x:0x%04x", be16(v), be16(v[2:])))
	}
}

// dcpSet names what a set changes.
func dcpSet(c *cursor) (string, Operations) {
	if !c.ok(4) {
		return "set", Write
	}
	switch option, sub := c.u8(), c.u8(); {
	case option == 1:
		return "set address", Write
	case option == 2 && sub == 2:
		return "set name of station", Write
	case option == 5 && sub == 3:
		return "flash", Other
	case option == 5 && (sub == 5 || sub == 6):
		return "reset to factory settings", Program
	case option == 5 && (sub == 1 || sub == 2):
		return "set transaction", 0
	}
	return "set", Write
}

func same(a, b []byte) bool { return string(a) == string(b) }

// profinetVendors are numbers of the register of PROFIBUS & PROFINET International.
var profinetVendors = map[uint16]string{0x002a: "Siemens", 0x00b0: "Phoenix Contact"}

func profinetVendor(n uint16) string {
	if name, ok := profinetVendors[n]; ok {
		return name
	}
	return "PROFINET vendor " + strconv.Itoa(int(n))
}

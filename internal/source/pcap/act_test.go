package pcap

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/event"
)

func operationLine(o event.DeviceOperation) string {
	return fmt.Sprintf("%s>%s:%d %s %s %q %d/%d/%d packet %d", o.Client.IP, o.Server.IP, o.Server.Port, o.Protocol, o.Operation, o.Function,
		o.Asked, o.Accepted, o.Refused, o.Raw.Line)
}

// TestOperationsHaveTheirPacket: writes are told with who asked, what the device
// answered and the first packet that says so; reads are not.
func TestOperationsHaveTheirPacket(t *testing.T) {
	tp := newTape(t)
	refuse := string([]byte{0, 1, 0, 0, 0, 3, 1, 0x86, 2})
	tp.tcp(0, hmi, plc, "S", 1, "")
	tp.tcp(0.1, plc, hmi, "SA", 1, "")
	tp.tcp(1, hmi, plc, "A", 2, poll(3))
	tp.tcp(1.1, plc, hmi, "A", 2, string([]byte{0, 1, 0, 0, 0, 5, 1, 3, 2, 0, 1}))
	tp.tcp(2, hmi, plc, "A", 14, poll(6))
	tp.tcp(2.1, plc, hmi, "A", 13, poll(6))
	tp.tcp(3, hmi, plc, "A", 26, poll(6))
	tp.tcp(3.1, plc, hmi, "A", 25, refuse)
	tp.tcp(4, hmi, plc, "A", 38, poll(5))
	tp.tcp(4, hmi, plc, "A", 38, poll(5)) // sent again: asked once
	k, s := run(t, Options{}, tp.file("a.pcap"))
	var got []string
	for _, o := range k.operations {
		got = append(got, operationLine(o))
	}
	want := []string{
		`10.20.1.5>10.20.2.9:502 modbus write "write single register" 2/1/1 packet 5`,
		`10.20.1.5>10.20.2.9:502 modbus write "write single coil" 1/0/0 packet 9`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.Stats().Operations != 2 || k.operations[0].Raw.Sum.IsZero() {
		t.Errorf("stats %+v, raw %+v", s.Stats(), k.operations[0].Raw)
	}
}

// TestEachSliceTellsItsOwnOperations: a long conversation tells what was asked in
// each part of it, and a part without a change tells none.
func TestEachSliceTellsItsOwnOperations(t *testing.T) {
	tp := newTape(t)
	tp.tcp(0, hmi, plc, "S", 1, "")
	tp.tcp(1, hmi, plc, "A", 2, poll(6))
	for i := range 20 {
		tp.tcp(float64(10*i+70), hmi, plc, "A", uint32(14+12*i), poll(3))
	}
	tp.tcp(300, hmi, plc, "A", 14+12*20, poll(6))
	k, _ := run(t, Options{}, tp.file("a.pcap"))
	var asked uint64
	for _, o := range k.operations {
		asked += o.Asked
	}
	if len(k.operations) != 2 || asked != 2 || k.operations[1].Raw.Line != 23 {
		t.Errorf("%d operations, %d asked, %+v", len(k.operations), asked, k.operations)
	}
}

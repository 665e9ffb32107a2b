package ics_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/ics"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestContentDecidesNotThePort(t *testing.T) {
	modbusRead := "0001 0000 0006 01 03 0000 000a"
	for _, c := range []struct {
		name      string
		transport ics.Transport
		port      uint16
		payload   string
		want      string
	}{
		{"modbus on its port", ics.TCP, 502, modbusRead, "modbus"},
		{"modbus elsewhere", ics.TCP, 8502, modbusRead, "modbus"},
		{"vendor function on its port", ics.TCP, 502, "0001 0000 0004 01 5a 0002", "modbus"},
		{"vendor function elsewhere", ics.TCP, 8502, "0001 0000 0004 01 5a 0002", ""},
		{"http on port 502", ics.TCP, 502, hex.EncodeToString([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), "http"},
		{"rubbish on port 502", ics.TCP, 502, "ffff ffff ffff ffff ffff", ""},
		{"length that does not add up", ics.TCP, 502, "0001 0000 0006 01 03 0000 000a 99", ""},
		{"longer than a message may be", ics.TCP, 502, "0001 0000 0100 01 5a 00" + strings.Repeat("00", 253), ""},
		{"wrong protocol id", ics.TCP, 502, "0001 0001 0006 01 03 0000 000a", ""},
		{"rubbish on port 102", ics.TCP, 102, "0300 0000 1122", ""},
		{"tls on port 44818", ics.TCP, 44818, "16 03 01 00 2f 01 00 00 2b 03 03" + strings.Repeat("00", 41), "tls"},
		{"list identity", ics.UDP, 44818, "6300 0000 00000000 00000000 0000000000000000 00000000", "enip"},
		{"list identity elsewhere", ics.UDP, 9999, "6300 0000 00000000 00000000 0000000000000000 00000000", "enip"},
		{"rdp on iso transport", ics.TCP, 3389, "0300 0013 0e e0 0000 0000 00 01 00 08 00 03000000", "rdp"},
		{"iso transport alone", ics.TCP, 102, "0300 0016 11 e0 0000 0001 00 c1020100 c2020102 c0010a", "cotp"},
		{"smb2", ics.TCP, 445, "00 000040 fe534d42 40000100", "smb"},
		{"opc ua hello", ics.TCP, 4840, hex.EncodeToString([]byte("HELF")) + "20000000 00000000", "opcua"},
		{"dnp3 with a right checksum", ics.TCP, 20000, "0564 05c0 0100 0004 e921", "dnp3"},
		{"dnp3 with a wrong checksum", ics.TCP, 20000, "0564 05c0 0100 0004 e922", ""},
		{"fins over tcp", ics.TCP, 9600, "46494e53 0000000c 00000000 00000000 00000000", "fins"},
		{"bacnet who-is", ics.UDP, 47808, "810b 000c 0120 ffff 00ff 1008", "bacnet"},
		{"tds prelogin", ics.TCP, 1433, "12 01 001a 0000 00 00 00 000b 0006 01 0011 0001 ff 0f0007d00000 00", "tds"},
		{"ssh", ics.TCP, 2222, hex.EncodeToString([]byte("SSH-2.0-OpenSSH_9.6\r\n")), "ssh"},
		{"ntp", ics.UDP, 123, "23" + strings.Repeat("00", 47), "ntp"},
		{"ntp look-alike elsewhere", ics.UDP, 4000, "23" + strings.Repeat("00", 47), ""},
		{"dns question", ics.UDP, 53, "1234 0100 0001 0000 0000 0000 0161 00 0001 0001", "dns"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r ics.Result
			ics.Inspect(ics.Segment{Transport: c.transport, Source: 49152, Destination: c.port, Payload: unhex(t, c.payload)}, &r)
			if r.Application != c.want {
				t.Errorf("application %q (%s), want %q", r.Application, r.Why, c.want)
			}
			if (r.Application == "") != (r.Why == "") {
				t.Errorf("a name without a reason, or a reason without a name: %q %q", r.Application, r.Why)
			}
		})
	}
}

func TestModbusOperations(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		want          string
		sender        ics.Role
	}{
		{"read", "0001 0000 0006 01 03 0000 000a", "read", ics.RoleClient},
		{"write", "0001 0000 0006 01 06 0000 000a", "write", ics.RoleClient},
		{"read and write", "0001 0000 000d 01 17 0000 0001 0002 0001 02 00ff", "read,write", ics.RoleClient},
		{"who are you", "0001 0000 0005 01 2b 0e 01 00", "identify", ics.RoleClient},
		{"listen only", "0001 0000 0006 01 08 0004 0000", "stop", ics.RoleClient},
		{"of the vendor", "0001 0000 0004 01 41 0002", "other", ics.RoleClient},
		{"umas read id", "0001 0000 0004 01 5a 0002", "identify", ics.RoleClient},
		{"umas stop", "0001 0000 0006 01 5a 11 41 ff00", "stop", ics.RoleClient},
		{"umas program", "0001 0000 0006 01 5a 11 30 0001", "program", ics.RoleClient},
		{"refusal", "0001 0000 0003 01 86 02", "write", ics.RoleServer},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r ics.Result
			ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 49152, Destination: 502, Payload: unhex(t, c.payload)}, &r)
			if got := r.Operations.String(); got != c.want || r.Sender != c.sender {
				t.Errorf("operations %q sender %d, want %q %d", got, r.Sender, c.want, c.sender)
			}
		})
	}
}

func TestModbusIdentity(t *testing.T) {
	// vendor "Acme", code "X1", revision "2.0"
	body := "2b 0e 01 01 00 00 03 00 04 41636d65 01 02 5831 02 03 322e30"
	payload := unhex(t, "0001 0000 0019 01"+body)
	payload[5] = byte(len(payload) - 6)
	var r ics.Result
	ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 502, Destination: 49152, Payload: payload}, &r)
	want := ics.Identity{Vendor: "Acme", Product: "X1", Model: "X1", Firmware: "2.0"}
	if r.Identity != want || r.Sender != ics.RoleServer {
		t.Errorf("got %+v sender %d", r.Identity, r.Sender)
	}
}

func TestServerNameOfTLS(t *testing.T) {
	name := "tos.saltmere.example"
	ext := append([]byte{0, 0, 0, byte(len(name) + 5), 0, byte(len(name) + 3), 0, 0, byte(len(name))}, name...)
	hello := append([]byte{3, 3}, make([]byte, 32)...)
	hello = append(hello, 0, 0, 2, 0x13, 1, 1, 0, 0, byte(len(ext)))
	hello = append(hello, ext...)
	record := append([]byte{22, 3, 1, 0, byte(len(hello) + 4), 1, 0, 0, byte(len(hello))}, hello...)

	t.Run("in one segment", func(t *testing.T) {
		var r ics.Result
		ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 443, Payload: record}, &r)
		if r.ServerName != name || r.Sender != ics.RoleClient {
			t.Errorf("server name %q, sender %d", r.ServerName, r.Sender)
		}
	})
	t.Run("in two", func(t *testing.T) {
		var c ics.Conversation
		var r ics.Result
		c.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 443, Seq: 7, Payload: record[:20]}, &r)
		c.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 443, Seq: 27, Payload: record[20:]}, &r)
		if r.ServerName != name {
			t.Errorf("server name %q", r.ServerName)
		}
	})
}

// TestSplitAndRepeatedSegments: however a stream is cut into segments, and
// whichever of them are sent again, the same functions are told.
func TestSplitAndRepeatedSegments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		n := rapid.IntRange(1, 8).Draw(t, "messages")
		for i := range n {
			stream = append(stream, 0, byte(i), 0, 0, 0, 6, 1, 3, 0, 0, 0, 10)
		}
		var c ics.Conversation
		var r ics.Result
		told := 0
		// The first piece may be the beginning of the first message only.
		cuts := []int{rapid.IntRange(1, 12).Draw(t, "first cut")}
		for cuts[len(cuts)-1] < len(stream) {
			at := cuts[len(cuts)-1]
			cuts = append(cuts, at+rapid.IntRange(1, len(stream)-at).Draw(t, "cut"))
		}
		from := 0
		base := rapid.Uint32().Draw(t, "sequence")
		for _, to := range cuts {
			s := ics.Segment{Transport: ics.TCP, Source: 49152, Destination: 502, Seq: base + uint32(from), Payload: stream[from:to]}
			for range rapid.IntRange(1, 2).Draw(t, "times sent") {
				c.Inspect(s, &r)
				told += len(r.Functions)
			}
			from = to
		}
		if told != n {
			t.Fatalf("%d functions told of %d", told, n)
		}
	})
}

func TestLLDP(t *testing.T) {
	id, ok := ics.LLDP(unhex(t, "0207 04 0012bb000001 0403 05 7031 0602 0078 0a06 737769746368 0c03 583230 0000"))
	if !ok || id.Name != "switch" || id.Product != "X20" {
		t.Errorf("%v %+v", ok, id)
	}
	if _, ok := ics.LLDP(unhex(t, "0a06 737769746368 0000")); ok {
		t.Error("a name before the chassis was taken for LLDP")
	}
}

func TestDHCP(t *testing.T) {
	head := make([]byte, 240)
	b := head
	b[0], b[1], b[2] = 1, 1, 6
	copy(b[28:], []byte{0, 0x80, 0xf4, 1, 2, 3})
	copy(b[236:], []byte{0x63, 0x82, 0x53, 0x63})
	b = append(head[:240:240], 53, 1, 3, 12, 4, 'h', 'm', 'i', '3', 50, 4, 10, 1, 2, 3, 60, 4, 'M', 'S', 'F', 'T', 255)
	l, ok := ics.DHCP(b)
	want := ics.Lease{MAC: "00:80:f4:01:02:03", IP: "10.1.2.3", Hostname: "hmi3", Class: "MSFT"}
	if !ok || l != want {
		t.Errorf("%v %+v", ok, l)
	}
}

func TestOperationNamesAreSorted(t *testing.T) {
	all := ics.Operations(1<<11 - 1)
	names := all.Names()
	if len(names) != 11 {
		t.Fatalf("%d names", len(names))
	}
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			t.Errorf("%q before %q", names[i-1], names[i])
		}
	}
}

func BenchmarkModbus(b *testing.B) {
	payload := unhex(b, "0001 0000 0006 01 03 0000 000a")
	var c ics.Conversation
	var r ics.Result
	seq := uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		c.Inspect(ics.Segment{Transport: ics.TCP, Source: 49152, Destination: 502, Seq: seq, Payload: payload}, &r)
		seq += uint32(len(payload))
	}
}

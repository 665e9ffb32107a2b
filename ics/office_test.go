package ics_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/ics"
)

// wire records what each end of a real TLS session sends, in order.
type wire struct {
	net.Conn
	side ics.Side
	mu   *sync.Mutex
	sent *[]ics.Segment
	seq  uint32
}

func (w *wire) Write(b []byte) (int, error) {
	s := ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 8443, Sender: w.side, Seq: w.seq, Payload: append([]byte(nil), b...)}
	if w.side == ics.Second {
		s.Source, s.Destination = s.Destination, s.Source
	}
	w.mu.Lock()
	*w.sent = append(*w.sent, s)
	w.mu.Unlock()
	w.seq += uint32(len(b))
	return w.Conn.Write(b)
}

// session runs a handshake of the real library and gives its segments.
func session(t *testing.T, version uint16) []ics.Segment {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(0xc0ffee), Subject: pkix.Name{CommonName: "crane-4.saltmere.example", Organization: []string{"Saltmere"}},
		NotBefore: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2034, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	var mu sync.Mutex
	var sent []ics.Segment
	client := tls.Client(&wire{a, ics.First, &mu, &sent, 7}, &tls.Config{ServerName: "crane-4.saltmere.example", InsecureSkipVerify: true, MaxVersion: version, NextProtos: []string{"h2"}})
	server := tls.Server(&wire{b, ics.Second, &mu, &sent, 99}, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	return sent
}

// TestTLSSession: names, version and certificate of a real handshake, however its
// segments are cut; in version 1.3 the certificate is encrypted and not told.
func TestTLSSession(t *testing.T) {
	for _, c := range []struct {
		version uint16
		name    string
		cert    bool
	}{{tls.VersionTLS12, "1.2", true}, {tls.VersionTLS13, "1.3", false}} {
		segments := session(t, c.version)
		for _, size := range []int{1 << 20, 100, 7} {
			var v ics.Conversation
			var r ics.Result
			facts, server := map[string]string{}, ""
			var id ics.Identity
			for _, s := range segments {
				for whole := s.Payload; len(whole) > 0; {
					n := min(size, len(whole))
					if s.Seq == 7 { // the first record is recognised by its head
						n = min(max(size, 16), len(whole))
					}
					p := s
					p.Payload, whole = whole[:n], whole[n:]
					s.Seq += uint32(n)
					v.Inspect(p, &r)
					for k, f := range factsOf(&r) {
						facts[k] = f
					}
					if r.ServerName != "" {
						server = r.ServerName
					}
					id = merge(id, r.Identity)
				}
			}
			if v.Application() != "tls" || server != "crane-4.saltmere.example" || facts["tls-version"] != c.name {
				t.Fatalf("%s in pieces of %d: %s %q %v", c.name, size, v.Application(), server, facts)
			}
			if !strings.HasPrefix(facts["tls-ja4"], "t"+strings.ReplaceAll(c.name, ".", "")+"d") || !strings.Contains(facts["tls-ja4"], "h2_") {
				t.Errorf("summary %q", facts["tls-ja4"])
			}
			if got := facts["certificate-serial"] == "c0ffee" && strings.Contains(facts["certificate-subject"], "CN=crane-4") && id.Name == "crane-4.saltmere.example"; got != c.cert {
				t.Errorf("%s in pieces of %d: certificate told: %v, facts %v", c.name, size, got, facts)
			}
			if !v.Settled() {
				t.Errorf("%s in pieces of %d: not settled after the handshake", c.name, size)
			}
		}
	}
}

// TestJA4 is the worked example of the summary's own description: a browser's hello
// with 15 ciphers and 16 extensions, GREASE among them.
func TestJA4(t *testing.T) {
	ciphers := unhex(t, "0a0a 1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035")
	extension := func(kind string, body []byte) []byte {
		return concat(unhex(t, kind), be(uint16(len(body))), body)
	}
	algorithms := unhex(t, "0403 0804 0401 0503 0805 0501 0806 0601")
	var ext []byte
	for _, k := range []string{"1a1a", "0000", "0017", "ff01", "000a", "000b", "0023", "0010", "0005", "000d", "0012", "0033", "002d", "002b", "001b", "4469", "0015"} {
		switch k {
		case "0000":
			ext = concat(ext, extension(k, concat(be(uint16(4)), []byte{0}, be(uint16(1)), []byte("a"))))
		case "0010":
			ext = concat(ext, extension(k, unhex(t, "0003 02 6832")))
		case "000d":
			ext = concat(ext, extension(k, concat(be(uint16(len(algorithms))), algorithms)))
		case "002b":
			ext = concat(ext, extension(k, unhex(t, "06 2a2a 0304 0303")))
		default:
			ext = concat(ext, extension(k, nil))
		}
	}
	hello := concat([]byte{3, 3}, make([]byte, 32), []byte{0}, be(uint16(len(ciphers))), ciphers, []byte{1, 0}, be(uint16(len(ext))), ext)
	record := concat([]byte{22, 3, 1}, be(uint16(len(hello)+4)), []byte{1, 0}, be(uint16(len(hello))), hello)
	var r ics.Result
	ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 443, Payload: record}, &r)
	if got := factsOf(&r)["tls-ja4"]; got != "t13d1516h2_8daaf6152771_e5627efa2ab1" {
		t.Errorf("%s", got)
	}
}

func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// TestSMBNames: the challenge names the server, the authentication the client.
func TestSMBNames(t *testing.T) {
	pair := func(kind uint16, v string) []byte { return concat(le(kind), le(uint16(len(wide(v)))), wide(v)) }
	target := concat(pair(2, "SALTMERE"), pair(1, "TOS-APP1"), pair(3, "tos-app1.saltmere.example"), le(uint32(0)))
	challenge := concat([]byte("NTLMSSP\x00"), le(uint32(2)), make([]byte, 8), le(uint32(0x02000000)), make([]byte, 16),
		le(uint16(len(target))), le(uint16(len(target))), le(uint32(56)), []byte{10, 0}, le(uint16(17763)), make([]byte, 4), target)
	client := concat([]byte("NTLMSSP\x00"), le(uint32(3)), make([]byte, 32), le(uint16(16)), le(uint16(16)), le(uint32(72)),
		make([]byte, 8), le(uint32(0x02000000)), []byte{10, 0}, le(uint16(19045)), make([]byte, 4), wide("PLANNER7"))
	smb := func(flags byte, blob []byte) []byte {
		h := make([]byte, 64)
		copy(h, "\xfeSMB")
		h[12], h[16] = 1, flags
		b := concat(h, blob)
		return concat([]byte{0, 0}, be(uint16(len(b))), b)
	}
	var v ics.Conversation
	var r ics.Result
	v.Inspect(ics.Segment{Transport: ics.TCP, Source: 445, Destination: 50000, Sender: ics.Second, Payload: smb(1, challenge)}, &r)
	if r.Identity.Name != "TOS-APP1" || factsOf(&r)["netbios-domain"] != "SALTMERE" || factsOf(&r)["os-version"] != "10.0.17763" || r.Sender != ics.RoleServer {
		t.Errorf("server: %+v", r)
	}
	v.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 445, Payload: smb(0, client)}, &r)
	if r.Identity.Name != "PLANNER7" || factsOf(&r)["os-version"] != "10.0.19045" || r.Sender != ics.RoleClient {
		t.Errorf("client: %+v", r)
	}
}

func TestNamesOnTheSegment(t *testing.T) {
	mdns := "0000 8400 0000 0003 0000 0000" +
		"05 5f72747370 04 5f746370 05 6c6f63616c 00 000c 0001 00000078 000b 08 67617465 2d63616d c00c" + // _rtsp._tcp.local PTR gate-cam._rtsp…
		"08 67617465 2d63616d c017 0001 8001 00000078 0004 0a010a14" + // gate-cam.local A
		"08 67617465 2d63616d c00c 0010 8001 00000078 0014 0b 6d6f64656c3d 5031343438 07 736e3d 4b393237"
	netbios := "8001 2910 0001 0000 0000 0001 20" + hex.EncodeToString([]byte(coded("HMI-3", 0))) + "00 0020 0001 c00c 0020 0001 000493e0 0006 0000 0a010203"
	for _, c := range []struct {
		name, payload string
		port          uint16
		app           string
		want          ics.Identity
	}{
		{"multicast dns", mdns, 5353, "mdns", ics.Identity{Name: "gate-cam", Model: "P1448", Serial: "K927"}},
		{"netbios registration", netbios, 137, "netbios", ics.Identity{Name: "HMI-3"}},
		{"snmp system group", "30 4b 02 01 01 04 06 7075626c6963 a2 3e 02 01 05 02 01 00 02 01 00 30 33" +
			"30 17 06 08 2b06010201010100 04 0b 4d6f786120454453 2d3530" + "30 18 06 08 2b06010201010500 04 0c 73772d717561792d62657274", 161, "snmp",
			ics.Identity{Product: "Moxa EDS-50", Name: "sw-quay-bert"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r ics.Result
			ics.Inspect(ics.Segment{Transport: ics.UDP, Source: c.port, Destination: c.port, Payload: unhex(t, c.payload)}, &r)
			if diff := cmp.Diff(c.want, r.Identity); diff != "" || r.Application != c.app {
				t.Error(r.Application, diff, r.Facts)
			}
		})
	}
}

// coded writes a NetBIOS name in its letters.
func coded(name string, suffix byte) string {
	padded := []byte(name + strings.Repeat(" ", 15-len(name)))
	padded = append(padded, suffix)
	var out []byte
	for _, c := range padded {
		out = append(out, 'A'+c>>4, 'A'+c&15)
	}
	return string(out)
}

func TestCamerasTellWhoTheyAre(t *testing.T) {
	match := `<?xml version="1.0"?><s:Envelope xmlns:s="e" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Header><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action></s:Header>` +
		`<s:Body><d:ProbeMatches><d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/name/GATE%20CAM onvif://www.onvif.org/hardware/P1448-LE</d:Scopes><d:XAddrs>http://10.1.10.20/onvif/device_service</d:XAddrs></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>`
	info := "HTTP/1.1 200 OK\r\nServer: gSOAP/2.8\r\n\r\n<SOAP-ENV:Envelope><SOAP-ENV:Body><tds:GetDeviceInformationResponse><tds:Manufacturer>AXIS</tds:Manufacturer><tds:Model>P1448-LE</tds:Model><tds:FirmwareVersion>9.80.3</tds:FirmwareVersion><tds:SerialNumber>ACCC8E123456</tds:SerialNumber><tds:HardwareId>7a5</tds:HardwareId></tds:GetDeviceInformationResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>"
	var r ics.Result
	ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 3702, Destination: 50000, Payload: []byte(match)}, &r)
	if diff := cmp.Diff(ics.Identity{Name: "GATE CAM", Model: "P1448-LE", Kind: "Camera"}, r.Identity); diff != "" || r.Application != "ws-discovery" || r.Sender != ics.RoleServer {
		t.Error(r.Application, diff)
	}
	ics.Inspect(ics.Segment{Transport: ics.TCP, Source: 80, Destination: 50000, Payload: []byte(info)}, &r)
	want := ics.Identity{Vendor: "AXIS", Product: "gSOAP/2.8", Model: "P1448-LE", Firmware: "9.80.3", Serial: "ACCC8E123456"}
	if diff := cmp.Diff(want, r.Identity); diff != "" || factsOf(&r)["onvif-hardware"] != "7a5" {
		t.Error(diff, r.Facts)
	}
}

func TestInstruments(t *testing.T) {
	for _, c := range []struct {
		name, payload, app string
		want               map[string]string
	}{
		{"position", "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n", "nmea", map[string]string{"nmea-talker": "GP (GNSS receiver)"}},
		{"own ship", "UdPbC\x00\\s:AI0001,n:1*3E\\!AIVDO,1,1,,,13u?etPv2;0n:dDPwUM1U1Cb069D,0*67\r\n", "nmea", map[string]string{"nmea-talker": "AI (AIS)", "iec61162-source": "AI0001", "ais-mmsi": "265547250"}},
		{"wrong checksum", "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*48\r\n", "", map[string]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var v ics.Conversation
			var r ics.Result
			s := ics.Segment{Transport: ics.UDP, Source: 50000, Destination: 60001, Payload: []byte(c.payload)}
			v.Inspect(s, &r)
			if diff := cmp.Diff(c.want, factsOf(&r)); diff != "" || r.Application != c.app {
				t.Error(r.Application, diff)
			}
			if v.Inspect(s, &r); len(r.Facts) != 0 {
				t.Errorf("told again: %v", r.Facts)
			}
		})
	}
}

func FuzzSNMP(f *testing.F) {
	fuzzPort(f, ics.UDP, 161, "302902010104067075626c6963a21c0201050201000201003011300f06082b060102010105000403616263")
}

func FuzzIEC104(f *testing.F) {
	fuzzPort(f, ics.TCP, 2404, "680407000000", "680e0000000064010600 0a0000000014")
}

func FuzzSynchrophasor(f *testing.F) {
	f.Add(byte(3), unhex(f, "000f42400001 5155415920535542535441 54494f4e 20 0007 0000 0000 0000 0000 0001 0001 001e"))
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		if len(body) > 60000 {
			return
		}
		var r ics.Result
		ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 4712, Destination: 50000, Payload: phasorFrame(kind%6, body)}, &r)
		check(t, &r, body)
	})
}

func FuzzNames(f *testing.F) {
	fuzzPort(f, ics.UDP, 5353, "000084000000000100000000 0361626305 6c6f63616c0000010001000000780004 0a010a14")
}

func FuzzNetBIOS(f *testing.F) {
	fuzzPort(f, ics.UDP, 137, "80012910000000000000000120"+hex.EncodeToString([]byte(coded("A", 0)))+"0000210001000000000041 0241202020202020202020202020202000 0400")
}

func FuzzSMB(f *testing.F) {
	fuzzPort(f, ics.TCP, 445, "00000040fe534d42"+strings.Repeat("00", 8)+"0100"+strings.Repeat("00", 46)+"4e544c4d5353500002000000")
}

func FuzzDiscovery(f *testing.F) {
	f.Add([]byte("<Envelope><a>http://x/discovery/ProbeMatches</a><d:Scopes>onvif://www.onvif.org/name/a</d:Scopes></Envelope>"), true)
	f.Add([]byte("HTTP/1.1 200 OK\r\nServer: a\r\n\r\n<GetDeviceInformationResponse><x:Model>b</x:Model></GetDeviceInformationResponse>"), false)
	f.Fuzz(func(t *testing.T, b []byte, udp bool) {
		var r ics.Result
		s := ics.Segment{Transport: ics.TCP, Source: 80, Destination: 50000, Payload: b}
		if udp {
			s.Transport, s.Source = ics.UDP, 3702
		}
		ics.Inspect(s, &r)
		check(t, &r, b)
	})
}

func FuzzNMEA(f *testing.F) {
	f.Add([]byte("$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"))
	f.Add([]byte("UdPbC\x00\\s:AI0001,n:1*3E\\!AIVDO,1,1,,,13u?etPv2;0n:dDPwUM1U1Cb069D,0*67\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r ics.Result
		ics.Inspect(ics.Segment{Transport: ics.UDP, Source: 60001, Destination: 60001, Payload: b}, &r)
		check(t, &r, b)
	})
}

func FuzzRDP(f *testing.F) {
	fuzzPort(f, ics.TCP, 3389, "030000130ee000000000000100080003000000", "0300000d02f0807f65 01c0d800")
}

func TestRemoteDesktops(t *testing.T) {
	var v ics.Conversation
	var r ics.Result
	v.Inspect(ics.Segment{Transport: ics.TCP, Source: 5900, Destination: 50000, Sender: ics.Second, Payload: []byte("RFB 003.008\n")}, &r)
	if r.Application != "vnc" || r.Sender != ics.RoleServer || factsOf(&r)["vnc-version"] != "003.008" {
		t.Errorf("%+v", r)
	}
	var w ics.Conversation
	w.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 3389, Seq: 1, Payload: unhex(t, "0300 0013 0e e0 0000 0000 00 01 00 08 00 00000000")}, &r)
	core := concat([]byte{1, 0xc0}, le(uint16(216)), []byte{4, 0, 8, 0}, make([]byte, 16), wide("PLANNER7"), make([]byte, 16))
	connect := concat([]byte{2, 0xf0, 0x80, 0x7f, 0x65}, make([]byte, 80), core, make([]byte, 160))
	w.Inspect(ics.Segment{Transport: ics.TCP, Source: 50000, Destination: 3389, Seq: 20, Payload: concat([]byte{3, 0}, be(uint16(len(connect)+4)), connect)}, &r)
	if r.Application != "rdp" || r.Identity.Name != "PLANNER7" {
		t.Errorf("%+v", r)
	}
}

package config

import (
	"strings"
	"testing"
	"time"
)

func TestEmptyFileWorks(t *testing.T) {
	c, err := Parse("/etc/quaywatch/quaywatch.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Port != "/etc/quaywatch/port.yaml" || c.Data != "/etc/quaywatch/data" || c.Listen != DefaultListen {
		t.Errorf("got %+v", c)
	}
}

func TestWholeFile(t *testing.T) {
	c, err := Parse("/etc/quaywatch/quaywatch.yaml", []byte(`
port: /srv/port
listen: ":8642"
records: {postgres_file: pg.url}
stream: {url: "nats://127.0.0.1:4222"}
sources:
  - {id: ais-tower, kind: ais, address: "tcp://127.0.0.1:4001", expect: 30s}
  - {id: sensor, kind: pcap, address: captures, follow: true}
  - id: badges
    kind: access
    address: badges.csv
    time_zone: Europe/Paris
    access:
      columns: {time: When, reader: Door, result: Outcome}
      delimiter: ";"
      results: {OK: granted, NO: refused}
feeds:
  - {id: vts, listen: "10.30.1.2:10110", mode: drop, clients: [10.20.0.0/16], types: [1, 2, 3, 5]}
  - {id: local}
`))
	if err != nil {
		t.Fatal(err)
	}
	if c.Port != "/srv/port" || c.Store.PostgresFile != "/etc/quaywatch/pg.url" || c.Stream.Replicas != 3 {
		t.Errorf("got %+v", c)
	}
	if c.Source[0].Expect != 30*time.Second || c.Source[0].Address != "tcp://127.0.0.1:4001" {
		t.Errorf("got %+v", c.Source[0])
	}
	if c.Source[1].Address != "/etc/quaywatch/captures" {
		t.Errorf("path %q is not beside the file", c.Source[1].Address)
	}
	if f := c.Feed[0]; f.Mode != "drop" || f.Clients[0] != "10.20.0.0/16" || len(f.Types) != 4 || c.Feed[1].Listen != DefaultFeed {
		t.Errorf("feeds %+v", c.Feed)
	}
	if got := c.Source[2].Access.Results["OK"]; got != "granted" {
		t.Errorf("result mapping %q", got)
	}
}

func TestFaultsHaveTheirPlace(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"unknown key", "prot: x\n", "c.yaml:1:1: "},
		{"address", "listen: here\n", "c.yaml:1:9: "},
		{"plain beyond loopback", "listen: 0.0.0.0:80\ntls: {off: true}\n", "plain HTTP would leave this machine"},
		{"half a certificate", "tls:\n  certificate: a.pem\n", "certificate and key belong together"},
		{"two record addresses", "records: {postgres: a, postgres_file: b}\n", "both given"},
		{"replicas", "stream: {replicas: 9}\n", "9 is outside 1 to 5"},
		{"level", "log: {level: loud}\n", `"loud" is not a level`},
		{"source without id", "sources:\n  - {kind: ais, address: x}\n", "needs an id"},
		{"id", "sources:\n  - {id: A B, kind: ais, address: x}\n", "has the character 'A'"},
		{"same id", "sources:\n  - {id: a, kind: ais, address: x}\n  - {id: a, kind: ais, address: y}\n", "c.yaml:3:10: "},
		{"kind", "sources:\n  - {id: a, kind: pcpa, address: x}\n", "did you mean pcap?"},
		{"no address", "sources:\n  - {id: a, kind: ais}\n", "needs an address"},
		{"two on stdin", "sources:\n  - {id: a, kind: ais, address: '-'}\n  - {id: b, kind: ais, address: '-'}\n", "already read by a"},
		{"http ais", "sources:\n  - {id: a, kind: ais, address: 'http://x:1'}\n", "is not an address"},
		{"tcp pcap", "sources:\n  - {id: a, kind: pcap, address: 'tcp://x:1'}\n", "is not an address"},
		{"interface", "sources:\n  - {id: a, kind: interface, address: captures/eth1}\n", "is not the name of an interface"},
		{"promiscuous file", "sources:\n  - {id: a, kind: pcap, address: x, promiscuous: true}\n", "belongs to a source of kind interface"},
		{"port", "sources:\n  - {id: a, kind: ais, address: 'tcp://x:99999'}\n", "no port from 1 to 65535"},
		{"zone", "sources:\n  - {id: a, kind: ais, address: x, time_zone: Mars/One}\n", "not a time zone"},
		{"access columns", "sources:\n  - {id: a, kind: access, address: x}\n", "needs its columns"},
		{"columns elsewhere", "sources:\n  - {id: a, kind: ais, address: x, access: {}}\n", "belong to a source of kind access"},
		{"feed without id", "feeds:\n  - {mode: flag}\n", "needs an id"},
		{"open feed", "feeds:\n  - {id: vts, listen: '0.0.0.0:10110'}\n", "c.yaml:2:23: the feed asks for no login"},
		{"feed on no address", "feeds:\n  - {id: vts, listen: ':10110'}\n", "not an address with a port"},
		{"same feed", "feeds:\n  - {id: vts}\n  - {id: vts}\n", "already the id of feed 1"},
		{"two feeds at one address", "feeds:\n  - {id: a}\n  - {id: b, listen: '127.0.0.1:10110'}\n", "already the address of feed 1"},
		{"feed mode", "feeds:\n  - {id: vts, mode: hide}\n", "use flag or drop"},
		{"feed client", "feeds:\n  - {id: vts, clients: [10.20.4.7]}\n", "not a network"},
		{"feed type", "feeds:\n  - {id: vts, types: [1, 28]}\n", "28 is not a message type"},
		{"delimiter", "sources:\n  - {id: a, kind: access, address: x, access: {delimiter: ',,'}}\n", "more than one character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("c.yaml", []byte(c.file))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "c.yaml:") {
				t.Errorf("got %q, want it to say %q with its place", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("sources:\n  - {id: a, kind: ais, address: 'tcp://x:1'}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := Parse("c.yaml", data); err == nil && c == nil {
			t.Fatal("neither a configuration nor an error")
		}
	})
}

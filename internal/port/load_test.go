package port

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// write puts files into a fresh directory.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const head = "port: {name: Saltmere, locode: GBSLM, time_zone: Europe/London, currency: GBP, security_level: 1, centre: [1.20, 51.10]}\n"

func splitPort() map[string]string {
	return map[string]string{
		"port.yaml":            head + "include: [net/zones.yaml, people.yaml]\nassets_csv: assets.csv\n",
		"net/zones.yaml":       "include: more.yaml\nzones:\n  - {id: cranes, domain: ot, level: 1, sl_target: 1, networks: [10.20.1.0/24]}\n",
		"net/more.yaml":        "zones:\n  - {id: office, domain: it, level: 4, networks: [10.10.0.0/16]}\n",
		"people.yaml":          "parties:\n  - {id: team, kind: team}\n",
		"quaywatch.yaml":       "not: a port\n",
		"assets.csv":           "\ufeff# exported\nid,domain,kind,ip,mac,zone,controlled_by,lon,lat,remote_party,remote_work_order,name\nplc-1,ot,plc,10.20.1.5;10.20.1.6,00:1b:1b:00:00:01;-,cranes,,1.2,51.1,team,true,\"PLC, \"\"one\"\"\"\ncrane-1,ot,crane,,,,plc-1,,,,,\n",
		"subdir/elsewhere.yml": "nor: this\n",
	}
}

func TestLoadDirectoryAndFileAreTheSame(t *testing.T) {
	dir := write(t, splitPort())
	for _, path := range []string{dir, filepath.Join(dir, "port.yaml")} {
		p, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Zones) != 2 || len(p.Assets) != 2 || len(p.Parties) != 1 {
			t.Fatalf("%s: %d zones, %d assets, %d parties", path, len(p.Zones), len(p.Assets), len(p.Parties))
		}
		a := p.Asset("plc-1")
		if a.Name != `PLC, "one"` || len(a.Addresses) != 2 || a.Addresses[1].MAC != "" || a.Position.Lat() != 51.1 || !a.Remote[0].WorkOrder {
			t.Errorf("plc-1 was read as %+v", a)
		}
		if p.Asset("crane-1").Name != "crane-1" {
			t.Error("a name that is left out is the id")
		}
	}
}

func TestCSVFaultsNameTheCell(t *testing.T) {
	cases := []struct{ name, csv, want string }{
		{"empty", "", "assets.csv:1:1: the file is empty (the first line names the columns: id,domain,kind,…)"},
		{"unknown column", "id,domain,knd\n", `assets.csv:1:11: unknown column "knd" (did you mean "kind"?)`},
		{"column twice", "id,domain,kind,id\n", `assets.csv:1:16: column "id" is given twice (keep one of them)`},
		{"column missing", "id,domain\n", `assets.csv:1:1: column "kind" is missing (needed: id, domain, kind)`},
		{"cells missing", "id,domain,kind\na,ot\nb,ot,plc\n", "assets.csv:2:1: the row has another number of cells than the header (put cells that hold a comma in quotes)"},
		{"quote", "id,domain,kind\na,ot,p\"lc\n", `assets.csv:2:7: a quote in the wrong place; the rest of the file is not read (double a quote inside a cell: "")`},
		{"kind", "id,domain,kind\na,ot,plcc\n", `assets.csv:2:6: kind can't be "plcc" (did you mean "plc"?)`},
		{"kind empty", "id,domain,kind\na,ot,\n", "assets.csv:2:6: kind is missing"},
		{"id empty", "domain,id,kind\not,,plc\n", "assets.csv:2:4: id is missing (lower-case letters and digits, with single hyphens, dots or underscores between them)"},
		{"ip", "id,domain,kind,ip,zone\na,ot,plc,10.20.1.900,cranes\n", `assets.csv:2:10: "10.20.1.900" is no IP address (write it like 10.20.1.5 or 2001:db8::5; several with ; between them)`},
		{"ip outside", "id,domain,kind,ip,zone\na,ot,plc,10.10.1.9,cranes\n", `assets.csv:2:10: 10.10.1.9 is not in the networks of zone "cranes" (it lies in zone "office")`},
		{"macs", "id,domain,kind,ip,mac,zone\na,ot,plc,10.20.1.9,00:1b:1b:00:00:01;-,cranes\n", "assets.csv:2:20: 2 MAC addresses beside 1 IP addresses (give as many of both, with - for none)"},
		{"zone", "id,domain,kind,zone\n\na,ot,plc,cranse\n", `assets.csv:3:10: "cranse" is not declared; the id of a zone is expected here (did you mean "cranes"?)`},
		{"work order", "id,domain,kind,remote_party,remote_work_order\na,ot,plc,team,yes\n", `assets.csv:2:15: "yes" is not true or false (write true or false)`},
		{"position", "id,domain,kind,lon,lat\na,ot,plc,1.2,\n", `assets.csv:2:14: "" is no number of degrees (give lon and lat both, in decimal degrees)`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			files := splitPort()
			files["assets.csv"] = c.csv
			dir := write(t, files)
			_, problems := Check(dir, today)
			var got []string
			for _, p := range problems {
				got = append(got, strings.TrimPrefix(p.String(), dir+string(filepath.Separator)))
			}
			if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, c.want) }) {
				t.Errorf("got %s\nwant %s", strings.Join(got, "\n    "), c.want)
			}
		})
	}
}

func TestIncludesStayBelowTheDirectory(t *testing.T) {
	secret := write(t, map[string]string{"secret.yaml": "zones: []\n"})
	dir := write(t, map[string]string{"port.yaml": head + "include: [link.yaml, /etc/passwd, ../x.yaml]\n"})
	if err := os.Symlink(filepath.Join(secret, "secret.yaml"), filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, problems := Check(dir, today); len(problems) < 3 {
		t.Errorf("three paths lead outside, told: %v", problems)
	}
}

func TestMissingFileIsAnError(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil {
		t.Error("no error")
	}
	if p, problems := Check(filepath.Join(t.TempDir(), "none.yaml"), today); p != nil || len(problems) != 1 {
		t.Error(problems)
	}
	if _, problems := Check(t.TempDir(), today); len(problems) == 0 {
		t.Error("an empty directory is no port")
	}
}

func TestDatesEndInThePortsTimeZone(t *testing.T) {
	p, err := Load("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := p.Conduit("c-1")
	end := time.Date(2030, 3, 31, 22, 59, 59, 0, time.UTC) // summer time began that morning
	if !c.Expires.Equal(end) || c.Expired(end) || !c.Expired(end.Add(time.Second)) {
		t.Errorf("expires %v, want %v", c.Expires, end)
	}
}

func TestStarterIsGood(t *testing.T) {
	if p, problems := Parse("port.yaml", Starter(), today); p == nil || len(problems) > 0 {
		t.Error(problems)
	}
}

func TestLookUps(t *testing.T) {
	p, err := Load("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	zones := map[string]string{"10.20.1.200": "cranes", "10.10.255.1": "office", "2001:db8:1::9": "cranes", "::ffff:10.20.1.1": "cranes", "192.0.2.1": "outside", "fe80::1%eth0": "outside"}
	for ip, want := range zones {
		if z := p.ZoneOf(netip.MustParseAddr(ip)); z == nil || z.ID != want {
			t.Errorf("%s is in %v, want %s", ip, z, want)
		}
	}
	if a := p.AssetByMAC("00:1b:1b:00:00:0b"); a == nil || a.ID != "plc-1" {
		t.Errorf("by MAC: %v", a)
	}
	if a := p.AssetByIP(netip.MustParseAddr("2001:db8:1::11")); a == nil || a.ID != "plc-1" || a.Firmware != "2.10" || a.Serial != "000123" {
		t.Errorf("by IP: %+v", a)
	}
	if point, area := p.Reader("reader-1"); point == nil || point.ID != "gate-1" || area.ID != "yard" {
		t.Errorf("reader: %v %v", point, area)
	}
	if who, badge := p.Badge("00042"); who == nil || who.ID != "a.winter" || badge.Revoked {
		t.Errorf("badge: %v %v", who, badge)
	}
	for party, want := range map[string]bool{"a.winter": true, "team": true, "b.frost": false, "company": false, "nobody": false} {
		if got := p.MayEnter(party, "yard"); got != want {
			t.Errorf("%s may enter the yard: %v", party, got)
		}
	}
	if !p.MayEnter("nobody", "estate") || p.MayEnter("a.winter", "nowhere") {
		t.Error("open areas are open, undeclared ones are not")
	}
	if c := p.ConduitsBetween("office", "cranes"); len(c) != 1 || len(p.ConduitsBetween("cranes", "office")) != 0 {
		t.Errorf("conduits: %v", c)
	}
	if got := p.ServicesOf("plc-1"); !slices.Equal(got, []string{"power", "quay"}) {
		t.Errorf("services of plc-1: %v", got)
	}
	if got := p.ServicesOf("camera-1"); len(got) != 0 {
		t.Errorf("services of camera-1: %v", got)
	}
}

func TestNotLoadedPortFindsNothing(t *testing.T) {
	var none *Port
	for _, p := range []*Port{none, {}} {
		if p.Asset("x") != nil || p.ZoneOf(netip.MustParseAddr("10.0.0.1")) != nil || p.MayEnter("a", "b") || p.ServicesOf("x") != nil {
			t.Error("found something")
		}
	}
}

func TestCheckDigits(t *testing.T) {
	for n, want := range map[int]bool{9074729: true, 9395044: true, 9074728: false, 907472: false, -1: false, 0: false} {
		if got := ValidIMO(n); got != want {
			t.Errorf("IMO %d: %v", n, got)
		}
	}
	for n, want := range map[string]bool{"CSQU3054383": true, "TOLU4734787": true, "CSQU3054380": false, "csqu3054383": false, "": false} {
		if text, _ := containerFault(n); (text == "") != want {
			t.Errorf("container %s: %s", n, text)
		}
	}
}

// manyAssets is a port with n assets, as YAML and as CSV.
func manyAssets(n int) (yaml, csv string) {
	const zones = "zones:\n  - {id: cranes, domain: ot, level: 1, sl_target: 1, networks: [10.0.0.0/8]}\n"
	var y, c strings.Builder
	y.WriteString(head + zones + "assets:\n")
	c.WriteString("id,name,domain,kind,vendor,product,model,firmware,serial,ip,mac,zone,criticality\n")
	for i := range n {
		ip := fmt.Sprintf("10.%d.%d.%d", i/65536, i/256%256, i%256)
		mac := fmt.Sprintf("00:1b:1b:%02x:%02x:%02x", i/65536, i/256%256, i%256)
		fmt.Fprintf(&y, "  - id: plc-%d\n    name: PLC number %d\n    domain: ot\n    kind: plc\n    vendor: Siemens\n    product: SIMATIC S7-1500\n    model: 6ES7515-2AM02-0AB0\n    firmware: 2.9.4\n    serial: S-%d\n    addresses:\n      - {ip: %s, mac: \"%s\"}\n    zone: cranes\n    criticality: high\n", i, i, i, ip, mac)
		fmt.Fprintf(&c, "plc-%d,PLC number %d,ot,plc,Siemens,SIMATIC S7-1500,6ES7515-2AM02-0AB0,2.9.4,S-%d,%s,%s,cranes,high\n", i, i, i, ip, mac)
	}
	return y.String(), c.String()
}

// BenchmarkLoad loads and checks ten thousand assets; the goal is one second.
func BenchmarkLoad(b *testing.B) {
	yaml, csv := manyAssets(10_000)
	dirs := map[string]string{
		"yaml": write(b, map[string]string{"port.yaml": yaml}),
		"csv": write(b, map[string]string{"assets.csv": csv, "port.yaml": head + "assets_csv: assets.csv\n" +
			"zones:\n  - {id: cranes, domain: ot, level: 1, sl_target: 1, networks: [10.0.0.0/8]}\n"}),
	}
	for _, form := range []string{"yaml", "csv"} {
		b.Run(form, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := Load(dirs[form])
				if err != nil || len(p.Assets) != 10_000 {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/load(goal:1)")
		})
	}
}

// FuzzLoad: no bytes make the loader panic, and what it accepts it can be asked.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(fullExample(f)), []byte(""))
	f.Add(Starter(), []byte("id,domain,kind\na,ot,plc\n"))
	f.Add([]byte(head+"assets_csv: assets.csv\n"), []byte("id,domain,kind,ip,mac,lon,lat\na,ot,plc,10.0.0.1;-,-;00:1b:1b:00:00:01,1,51\n"))
	f.Add([]byte("a: &a [*a, *a]\nzones: *a\n"), []byte("\""))
	f.Fuzz(func(t *testing.T, yaml, csv []byte) {
		r := newReader(nil, "")
		r.document("port.yaml", "port.yaml", yaml)
		r.assets("assets.csv", csv)
		p, problems := r.finish(today)
		for _, q := range problems {
			if q.Line < 1 || q.Column < 1 || q.File == "" || q.Text == "" {
				t.Errorf("a problem without a place: %+v", q)
			}
		}
		if (p == nil) != (len(problems.Faults()) > 0) {
			t.Error("usable and faulty at once")
		}
		if p != nil {
			p.Summarise()
			p.ServicesOf("a")
		}
	})
}

package port

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// today is when the tests judge what has expired.
var today = time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)

// broken is one way to break testdata/full.yaml: the text old becomes new.
// schema tells that the JSON Schema sees it too; the rest only the loader can
// see, because it takes the whole port, arithmetic, or the text of the YAML.
type broken struct {
	name, old, new string
	schema         bool
	warning        bool
}

var brokenKinds = []broken{
	// The YAML itself.
	{name: "unknown section", old: "waters:", new: "watters:", schema: true},
	{name: "unknown key", old: "sl_target: 2", new: "sl_traget: 2", schema: true},
	{name: "duplicate key", old: "criticality: critical", new: "criticality: critical\n    kind: plc"},
	{name: "wrong type: list for text", old: "firmware: 2.10", new: "firmware: [2.10]", schema: true},
	{name: "wrong type: text for list", old: "networks: [10.30.0.0/24]", new: "networks: 10.30.0.0/24", schema: true},
	{name: "wrong type: text for number", old: "capacity: 60", new: "capacity: many", schema: true},
	{name: "wrong type: number in quotes", old: "capacity: 60", new: `capacity: "60"`, schema: true},
	{name: "wrong type: number for truth", old: "restricted: true", new: "restricted: 1", schema: true},
	{name: "wrong type: truth for text", old: "firmware: 2.10", new: "firmware: true", schema: true},
	{name: "fraction for whole number", old: "staff: 12", new: "staff: 1.5", schema: true},
	{name: "key without value", old: "reason: reports", new: "reason:", schema: true},
	{name: "list without value", old: "accounts: [bfrost]", new: "accounts: ", schema: true},
	{name: "merge key", old: "- {id: estate, site: north}", new: "- {id: estate, <<: {site: north}}", schema: true},
	{name: "tab", old: "    from: office", new: "\tfrom: office"},
	{name: "broken flow", old: "networks: [10.30.0.0/24]", new: "networks: [10.30.0.0/24"},
	{name: "control character", old: "reason: reports", new: "reason: re\x00ports"},
	{name: "not UTF-8", old: "reason: reports", new: "reason: re\xffports"},
	{name: "second document", old: "vessels:", new: "---\nvessels:"},
	{name: "alias without anchor", old: "reason: reports", new: "reason: *reports"},
	{name: "include outside", old: "sites:", new: "include: ../../etc/passwd\nsites:"},
	{name: "include missing", old: "sites:", new: "include: [fulll.yaml]\nsites:"},
	{name: "include itself", old: "sites:", new: "include: full.yaml\nsites:"},
	// Ids and references.
	{name: "id missing", old: "- {id: estate, site: north}", new: "- {site: north}", schema: true},
	{name: "id with capitals", old: "id: tug-hope", new: "id: Tug Hope", schema: true},
	{name: "id too long", old: "id: tug-hope", new: "id: " + strings.Repeat("tug", 30), schema: true},
	{name: "id twice", old: "id: crane-2, domain", new: "id: crane-1, domain"},
	{name: "id twice in two sections", old: "id: berth-1", new: "id: yard"},
	{name: "dangling zone", old: "from: office", new: "from: ofice"},
	{name: "dangling party", old: "operator: company", new: "operator: compny"},
	{name: "share in percent", old: "rail_share: 0.15", new: "rail_share: 15"},
	{name: "no unit a call", old: "units_per_call: 700-1500", new: "units_per_call: 0-1500"},
	{name: "dangling need", old: "id: crane-2}", new: "id: crane-3}"},
	{name: "dangling reader", old: "readers: [reader-1]", new: "readers: [reader-7]"},
	{name: "dangling without a near name", old: "owner: team\n    expires", new: "owner: harbourmaster\n    expires"},
	{name: "reference of another kind", old: "area: yard", new: "area: cranes"},
	{name: "reference twice", old: "controlled_by: [plc-1]", new: "controlled_by: [plc-1, plc-1]"},
	// The port.
	{name: "UN/LOCODE", old: "locode: GBSLM", new: "locode: GB SLM", schema: true},
	{name: "time zone", old: "Europe/London", new: "Europe/Lundon"},
	{name: "currency", old: "currency: GBP", new: "currency: pounds", schema: true},
	{name: "security level", old: "security_level: 1", new: "security_level: 4", schema: true},
	{name: "security level zero", old: "security_level: 1", new: "security_level: 0", schema: true},
	{name: "centre missing", old: ", centre: [1.20, 51.10]", new: "", schema: true},
	{name: "facility number", old: "GBSLM-0001", new: "GBSLM1", schema: true},
	// Places.
	{name: "site kind", old: "kind: container-terminal", new: "kind: container-terminl", schema: true},
	{name: "latitude out of range", old: "position: [1.203, 51.1]", new: "position: [1.203, 95]", schema: true},
	{name: "longitude and latitude swapped beyond range", old: "[1.20, 51.09]", new: "[51.09, 91]", schema: true},
	{name: "longitude and latitude swapped", old: "position: [1.203, 51.1]", new: "position: [51.1, 1.203]"},
	{name: "three numbers", old: "position: [1.203, 51.1]", new: "position: [1.203, 51.1, 5]", schema: true},
	{name: "far away", old: "position: [1.203, 51.1]", new: "position: [11.203, 51.1]", warning: true},
	{name: "two corners", old: "[1.21, 51.09], [1.21, 51.091]]", new: "[1.21, 51.09]]", schema: true},
	{name: "self-crossing", old: "[1.206, 51.100], [1.206, 51.103]", new: "[1.206, 51.103], [1.206, 51.100]"},
	{name: "flat polygon", old: "[1.21, 51.09], [1.21, 51.091]]", new: "[1.21, 51.09], [1.22, 51.09]]"},
	{name: "corner twice", old: "[1.21, 51.09], [1.21, 51.091]]", new: "[1.21, 51.09], [1.21, 51.09], [1.21, 51.091]]"},
	{name: "areas inside each other", old: "- {id: estate, site: north}", new: "- {id: estate, site: north, inside: yard}"},
	{name: "reader of another kind", old: "readers: [reader-1]", new: "readers: [camera-1]"},
	{name: "camera of another kind", old: "cameras: [camera-1]", new: "cameras: [plc-1]"},
	{name: "restricted without readers", old: "readers: [reader-1], ", new: "", warning: true},
	{name: "restricted and nobody may enter", old: ", areas: [yard]", new: "", warning: true},
	{name: "access point from its own area", old: "from: estate", new: "from: yard"},
	// Networks.
	{name: "domain", old: "id: office, domain: it", new: "id: office, domain: itt", schema: true},
	{name: "Purdue level", old: "level: 4", new: "level: 4.5", schema: true},
	{name: "Purdue level missing", old: "level: 4, ", new: "", schema: true},
	{name: "security level target", old: "sl_target: 2", new: "sl_target: 5", schema: true},
	{name: "learning period", old: "sl_target: 2", new: "sl_target: 2, learning_days: 366", schema: true},
	{name: "learning period of the port", old: "security_level: 1", new: "security_level: 1, learning_days: -1", schema: true},
	{name: "security level target missing", old: "sl_target: 2, ", new: "", warning: true},
	{name: "no network", old: "[10.10.0.0/16]", new: "[10.10.0.0]", schema: true},
	{name: "host bits", old: "[10.10.0.0/16]", new: "[10.10.0.7/16]"},
	{name: "same network twice", old: "[10.30.0.0/24]", new: "[10.30.0.0/24, 10.20.1.0/24]"},
	{name: "nested network", old: "[10.30.0.0/24]", new: "[10.30.0.0/24, 10.10.7.0/24]"},
	{name: "network around", old: "[10.30.0.0/24]", new: "[10.30.0.0/24, 2001:db8::/32]"},
	{name: "every address", old: "[10.30.0.0/24]", new: "[10.30.0.0/24, 0.0.0.0/0]"},
	{name: "second external zone", old: "networks: [10.30.0.0/24]}", new: "networks: [10.30.0.0/24], external: true}"},
	{name: "conduit to itself", old: "to: cranes", new: "to: office"},
	{name: "conduit without lines", old: "    allow:\n      - {transport: tcp, ports: [502, 5000-5010], application: modbus, access: read}", new: "    allow: []", schema: true},
	{name: "conduit expired", old: "expires: 2030-03-31", new: "expires: 2027-01-30", warning: true},
	{name: "conduit without reason", old: "    reason: reports\n", new: "", warning: true},
	{name: "conduit allows everything", old: "{transport: tcp, ports: [502, 5000-5010], application: modbus, access: read}", new: "{transport: any}", warning: true},
	{name: "ports of icmp", old: "transport: tcp", new: "transport: icmp"},
	{name: "transport", old: "transport: tcp", new: "transport: tpc", schema: true},
	{name: "access", old: "access: read}", new: "access: reed}", schema: true},
	{name: "port of text", old: "[502, 5000-5010]", new: "[modbus]", schema: true},
	{name: "port too large", old: "[502, 5000-5010]", new: "[70000]", schema: true},
	{name: "port range backwards", old: "5000-5010", new: "5010-5000"},
	{name: "no date", old: "expires: 2030-03-31", new: "expires: soon", schema: true},
	{name: "impossible date", old: "expires: 2030-03-31", new: "expires: 2030-02-31"},
	// Assets.
	{name: "kind of no domain", old: "kind: plc", new: "kind: plcc", schema: true},
	{name: "kind of another domain", old: "kind: plc", new: "kind: printer", schema: true},
	{name: "criticality", old: "criticality: critical", new: "criticality: critcal", schema: true},
	{name: "IP malformed", old: "ip: 10.30.0.11", new: "ip: 10.30.0.311"},
	{name: "IP outside every zone", old: "ip: 10.30.0.11", new: "ip: 10.99.0.11"},
	{name: "IP in another zone", old: "ip: 10.30.0.11", new: "ip: 10.10.0.11"},
	{name: "IP without zone", old: "addresses: [{ip: 10.30.0.11}], zone: cctv", new: "addresses: [{ip: 10.30.0.11}]"},
	{name: "IP twice", old: "ip: 10.20.1.1}", new: "ip: 10.20.1.11}"},
	{name: "IP multicast", old: "ip: 10.30.0.11", new: "ip: 224.0.0.1"},
	{name: "MAC twice", old: "ac:cc:8e:00:00:21", new: "00:1b:1b:00:00:0b"},
	{name: "MAC malformed", old: "ac:cc:8e:00:00:21", new: "ac:cc:8e:00:00"},
	{name: "MAC of a group", old: "ac:cc:8e:00:00:21", new: "01:00:5e:00:00:21"},
	{name: "address of nothing", old: `{mac: "ac:cc:8e:00:00:21"}`, new: "{}", schema: true},
	{name: "container check digit", old: "CSQU3054383", new: "CSQU3054384"},
	{name: "container form", old: "CSQU3054383", new: "CSQ3054383"},
	{name: "controlled by itself", old: "kind: plc", new: "kind: plc\n    controlled_by: [crane-1]"},
	{name: "remote access of nobody", old: "party: vendor, ", new: "", schema: true},
	// Services.
	{name: "k too large", old: "k: 1", new: "k: 3"},
	{name: "k zero", old: "k: 1", new: "k: 0", schema: true},
	{name: "two forms in one node", old: "{any: [crane-1, {id: crane-2}]}", new: "{any: [crane-1], id: crane-2}", schema: true},
	{name: "any of nothing", old: "{any: [crane-1, {id: crane-2}]}", new: "{any: []}", schema: true},
	{name: "need of nothing", old: "{any: [crane-1, {id: crane-2}]}", new: "{}", schema: true},
	{name: "services that need each other", old: "needs: plc-1", new: "needs: {all: [plc-1, quay]}"},
	{name: "service without needs", old: ", needs: plc-1", new: "", warning: true},
	{name: "capacity without unit", old: "    unit: moves/h\n", new: ""},
	{name: "fraction above one", old: "fraction: 0.3", new: "fraction: 30", schema: true},
	{name: "negative hours", old: "ramp_hours: 2", new: "ramp_hours: -2", schema: true},
	{name: "objective beyond the tolerable", old: "rto_hours: 8", new: "rto_hours: 80"},
	// People.
	{name: "party kind", old: "{id: team, kind: team", new: "{id: team, kind: taem", schema: true},
	{name: "member of itself", old: "kind: company, email", new: "kind: company, member_of: [team], email"},
	{name: "member of a person", old: "{id: vendor, kind: company}", new: "{id: vendor, kind: company, member_of: [b.frost]}"},
	{name: "badge twice", old: "{number: 43,", new: "{number: 00042,"},
	{name: "badge of a team", old: "areas: [yard]}", new: "areas: [yard], badges: [{number: 7}]}", warning: true},
	{name: "account twice", old: "[bfrost]", new: "[awinter]"},
	{name: "mail address", old: "desk@saltmere.example", new: "desk.saltmere.example", schema: true},
	{name: "agree above holders", old: "agree: 2", new: "agree: 3"},
	{name: "authority without holders", old: "holders: [a.winter, b.frost]", new: "holders: []", schema: true},
	// The water.
	{name: "IMO check digit", old: "imo: 9074729", new: "imo: 9074728"},
	{name: "IMO length", old: "imo: 9074729", new: "imo: 907472"},
	{name: "IMO of text", old: "imo: 9074729", new: "imo: IMO9074729", schema: true},
	{name: "MMSI of no vessel", old: "mmsi: 235012345", new: "mmsi: 135012345"},
	{name: "MMSI length", old: "mmsi: 235012345", new: "mmsi: 2350123456"},
	{name: "MMSI with a code of nobody", old: "mmsi: 235012345", new: "mmsi: 217012345", warning: true},
	{name: "MMSI of an aid", old: "mmsi: 992351001", new: "mmsi: 235100123"},
	{name: "MMSI of a base station", old: "mmsi: 002320001", new: "mmsi: 992320001"},
	{name: "MMSI twice", old: "id: base, kind: base-station, mmsi: 002320001", new: "id: base, kind: aid, mmsi: 992351001"},
	{name: "MMSI missing", old: "mmsi: 235012345, ", new: "", schema: true},
	{name: "call sign", old: "call_sign: MABC1", new: "call_sign: tug hope", schema: true},
	{name: "section port missing", old: "port: {name: Saltmere, locode: GBSLM, time_zone: Europe/London, currency: GBP, security_level: 1, centre: [1.20, 51.10]}\n", new: ""},
}

func fullExample(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// breakIt applies the change, which must apply exactly once.
func breakIt(t *testing.T, full string, b broken) string {
	t.Helper()
	if n := strings.Count(full, b.old); n != 1 {
		t.Fatalf("the text to replace is there %d times: %q", n, b.old)
	}
	return strings.Replace(full, b.old, b.new, 1)
}

func TestFullExampleIsGood(t *testing.T) {
	p, problems := Check("testdata/full.yaml", today)
	if p == nil || len(problems) > 0 {
		t.Fatal(problems)
	}
}

// TestBroken checks that each broken kind is told, and where, against a golden file.
func TestBroken(t *testing.T) {
	full := fullExample(t)
	var got strings.Builder
	for _, b := range brokenKinds {
		t.Run(b.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "full.yaml")
			if err := os.WriteFile(path, []byte(breakIt(t, full, b)), 0o600); err != nil {
				t.Fatal(err)
			}
			p, problems := Check(path, today)
			if len(problems) == 0 {
				t.Fatal("nothing was found")
			}
			if usable := p != nil; usable != b.warning {
				t.Errorf("usable is %v, want %v: %v", usable, b.warning, problems)
			}
			fmt.Fprintf(&got, "%s\n", b.name)
			for _, q := range problems {
				fmt.Fprintf(&got, "\t%s\n", strings.ReplaceAll(q.String(), dir+string(filepath.Separator), ""))
			}
		})
	}
	golden(t, "testdata/broken.golden", got.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update rewrites it:\n%s", path, diff)
	}
}

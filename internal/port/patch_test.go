package port

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// patched applies a diff with the tool that people use, and loads the result.
func patched(t *testing.T, path string, diff []byte) *Port {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "port")
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(path))); err != nil {
		t.Fatal(err)
	}
	tool, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	c := exec.Command(tool, "apply", "-p1", "-")
	c.Dir, c.Stdin = dir, strings.NewReader(string(diff))
	c.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+dir, "GIT_DIR=/nonexistent")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("applying: %v %s\n%s", err, out, diff)
	}
	p, problems := Check(filepath.Join(dir, filepath.Base(path)), today)
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

// TestRegisterPatch: devices are added to the CSV inventory of the example and fields
// of it corrected by a diff that applies, changes nothing else and loads.
func TestRegisterPatch(t *testing.T) {
	const path = "../../examples/saltmere/port.yaml"
	before, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	add := []Addition{{ID: "strange-1", Name: `Camera, "new"`, Domain: "physical", Kind: "camera", Vendor: "Axis", IP: "10.60.3.77", MAC: "00:40:8c:aa:bb:cc", Zone: "camera-net"}}
	fix := []Correction{{"qc-1-plc", "firmware", "9.9"}, {"nothing", "serial", "1"}, {"qc-1-plc", "owner", "x"}, {"cam-customs-yard", "address", "10.60.3.78 00:40:8c:aa:bb:cd"}, {"hyper-1", "address", "10.20.10.250 -"}}
	if before.Asset("qc-1-plc") == nil {
		for i := range before.Assets {
			if a := &before.Assets[i]; a.Kind == "plc" {
				fix[0].Asset, fix[2].Asset = a.ID, a.ID
				break
			}
		}
	}
	diff, skipped, err := RegisterPatch(path, add, fix, today)
	if err != nil || len(skipped) != 2 {
		t.Fatalf("%v, skipped %q", err, skipped)
	}
	after := patched(t, path, diff)
	a := after.Asset("strange-1")
	if len(after.Assets) != len(before.Assets)+1 || a == nil || a.Name != `Camera, "new"` || a.Addresses[0].IP.String() != "10.60.3.77" {
		t.Fatalf("added: %+v", a)
	}
	if got := after.Asset(fix[0].Asset).Firmware; got != "9.9" {
		t.Errorf("firmware %q", got)
	}
	for id, want := range map[string][2]string{"cam-customs-yard": {"10.60.3.78", "00:40:8c:aa:bb:cd"}, "hyper-1": {"10.20.10.250", ""}} {
		was, is := before.Asset(id).Addresses, after.Asset(id).Addresses
		if len(is) != len(was)+1 || is[len(is)-1].IP.String() != want[0] || is[len(is)-1].MAC != want[1] {
			t.Errorf("%s: %v became %v", id, was, is)
		}
		for i := range was {
			if was[i] != is[i] {
				t.Errorf("%s: address %v became %v", id, was[i], is[i])
			}
		}
	}
	if n := strings.Count(string(diff), "\n+") - strings.Count(string(diff), "\n+++"); n != 4 {
		t.Errorf("%d lines are written anew:\n%s", n, diff)
	}
	if _, _, err := RegisterPatch(path, []Addition{{ID: fix[0].Asset, Domain: "ot", Kind: "plc"}}, nil, today); err == nil || !strings.Contains(err.Error(), "would have faults") {
		t.Errorf("an id that is taken: %v", err)
	}
	if diff, _, err := RegisterPatch(path, nil, nil, today); err != nil || len(diff) != 0 {
		t.Errorf("nothing to do: %q, %v", diff, err)
	}
}

// TestRegisterPatchYAML: where the inventory is a section, devices go to its end,
// before what belongs to the next.
func TestRegisterPatchYAML(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "port.yaml")
	text := `port: {name: T, locode: ZZTST, time_zone: UTC, currency: EUR, security_level: 1, centre: [0, 50]}
zones: [{id: z, domain: ot, level: 1, networks: [10.0.0.0/24]}]
assets:   # the machines
  - id: a
    domain: ot
    kind: plc # one

# who
parties:
  - {id: p, kind: team}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	add := []Addition{{ID: "b", Name: "It's \"b\"", Domain: "ot", Kind: "hmi", IP: "10.0.0.9", MAC: "00:40:8c:aa:bb:cc", Zone: "z"}}
	diff, skipped, err := RegisterPatch(path, add, []Correction{{"a", "firmware", "2"}}, today)
	if err != nil || len(skipped) != 1 || !strings.Contains(skipped[0], "by hand") {
		t.Fatalf("%v, %q", err, skipped)
	}
	p := patched(t, path, diff)
	if b := p.Asset("b"); b == nil || b.Name != `It's "b"` || b.Addresses[0].MAC == "" || len(p.Assets) != 2 || len(p.Parties) != 1 {
		t.Errorf("%+v\n%s", b, diff)
	}
	if !strings.Contains(string(diff), "kind: plc # one\n+  - {id: b") {
		t.Errorf("not at the end of the section:\n%s", diff)
	}
	if err := os.WriteFile(path, []byte(strings.Split(text, "assets:")[0]+"assets: [{id: a, domain: ot, kind: plc}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := RegisterPatch(path, add, nil, today); err == nil || !strings.Contains(err.Error(), "list of lines") {
		t.Errorf("a section on one line: %v", err)
	}
}

// TestRegisterPatchFindsTheInventory: a table that looks like an inventory and is none of
// the port is left alone, as are an order mark of bytes and comments before the header; a
// directory is taken for a port file as everywhere.
func TestRegisterPatchFindsTheInventory(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("port.yaml", `port: {name: T, locode: ZZTST, time_zone: UTC, currency: EUR, security_level: 1, centre: [0, 50]}
zones: [{id: z, domain: ot, level: 1, networks: [10.0.0.0/24]}]
assets_csv: machines.csv
`)
	const head = "id,name,domain,kind,vendor,product,model,firmware,serial,ip,mac,zone,area,owner,criticality\n"
	if _, problems := Check(filepath.Join(dir, "port.yaml"), today); problems == nil {
		t.Log("the file of machines is asked for before it is there")
	}
	write("machines.csv", "\ufeff# our machines\n"+head+"a,A,ot,plc,,,,1.0,,10.0.0.1,,z,,,\n")
	write("export.csv", head+"a,A,ot,plc,,,,0.9,,10.0.0.1,,z,,,\n")
	p, problems := Check(filepath.Join(dir, "port.yaml"), today)
	if p == nil || p.Asset("a") == nil {
		t.Fatalf("the port does not load: %v", problems)
	}
	add := []Addition{{ID: "b", Name: "B", Domain: "ot", Kind: "hmi", IP: "10.0.0.9", Zone: "z"}}
	fix := []Correction{{"a", "firmware", "2.0"}}
	for _, path := range []string{filepath.Join(dir, "port.yaml"), dir} {
		diff, skipped, err := RegisterPatch(path, add, fix, today)
		if err != nil || len(skipped) != 0 || strings.Contains(string(diff), "export.csv") || !strings.Contains(string(diff), "b/machines.csv") {
			t.Fatalf("%s: %v, %q\n%s", path, err, skipped, diff)
		}
		after := patched(t, filepath.Join(dir, "port.yaml"), diff)
		if after.Asset("b") == nil || after.Asset("a").Firmware != "2.0" {
			t.Errorf("%s: the patch does nothing to the port", path)
		}
	}
	diff, skipped, err := RegisterPatch(dir, nil, fix, today)
	if err != nil || len(skipped) != 0 || !strings.Contains(string(diff), "b/machines.csv") {
		t.Errorf("a correction alone: %v, %q\n%s", err, skipped, diff)
	}
}

const oddPort = `port: {name: T, locode: ZZTST, time_zone: UTC, currency: EUR, security_level: 1, centre: [0, 50]}
zones: [{id: z, domain: ot, level: 1, networks: [10.0.0.0/24]}]
`

// oddFiles writes a port of some files.
func oddFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "port.yaml")
}

// TestRegisterPatchOddCSV: blanks around the names of columns lose nothing, a field
// without a column is told, and an address goes to the file that the port file reads.
func TestRegisterPatchOddCSV(t *testing.T) {
	const rows = "id, domain, kind, zone, ip\r\na ,ot,plc,z, 10.0.0.2\r\n"
	path := oddFiles(t, map[string]string{"port.yaml": oddPort + "assets_csv: assets.csv\n", "assets.csv": rows, "archive/assets.csv": "id,domain,kind,zone,ip,mac\na,ot,plc,z,10.0.0.2,\n"})
	add := []Addition{{ID: "b", Domain: "ot", Kind: "hmi", IP: "10.0.0.9", MAC: "00:40:8c:aa:bb:cc", Zone: "z", Vendor: "V"}}
	diff, skipped, err := RegisterPatch(path, add, nil, today)
	if err != nil {
		t.Fatal(err)
	}
	if len(skipped) != 1 || !strings.Contains(skipped[0], "vendor V, mac 00:40:8c:aa:bb:cc of b") {
		t.Errorf("not told what is lost: %q", skipped)
	}
	if b := patched(t, path, diff).Asset("b"); b == nil || b.Zone != "z" || len(b.Addresses) != 1 || b.Addresses[0].IP.String() != "10.0.0.9" {
		t.Errorf("added: %+v", b)
	}
	if diff, skipped, err := RegisterPatch(path, nil, []Correction{{"a", "address", "10.0.0.8 00:40:8c:aa:bb:cd"}}, today); err != nil || len(diff) > 0 || len(skipped) != 1 {
		t.Errorf("an address without columns for it: %v, %q\n%s", err, skipped, diff)
	}
	path = oddFiles(t, map[string]string{"port.yaml": oddPort + "assets_csv: assets.csv\n", "assets.csv": "id,domain,kind,zone,ip,mac\na,ot,plc,z,10.0.0.2,\n", "archive/assets.csv": "id,domain,kind,zone,ip,mac\na,ot,plc,z,10.0.0.2,\n"})
	diff, _, err = RegisterPatch(path, nil, []Correction{{"a", "address", "10.0.0.8 00:40:8c:aa:bb:cd"}}, today)
	if err != nil || !strings.HasPrefix(string(diff), "--- a/assets.csv") {
		t.Errorf("an address: %v\n%s", err, diff)
	}
}

// TestRegisterPatchOddYAML: line ends of Windows are kept, also at the end of a file
// without one, and an id that YAML would read as something else is quoted.
func TestRegisterPatchOddYAML(t *testing.T) {
	for name, text := range map[string]string{
		"windows":     strings.ReplaceAll(oddPort+"assets:\n  - {id: a, domain: ot, kind: plc}\n# end\nparties:\n  - {id: p, kind: team}\n", "\n", "\r\n"),
		"no line end": strings.ReplaceAll(oddPort+"assets:\n  - {id: a, domain: ot, kind: plc}", "\n", "\r\n"),
		"unix":        oddPort + "assets:\n  - {id: a, domain: ot, kind: plc}",
	} {
		path := oddFiles(t, map[string]string{"port.yaml": text})
		diff, _, err := RegisterPatch(path, []Addition{{ID: "no", Domain: "ot", Kind: "hmi"}}, nil, today)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p := patched(t, path, diff); p.Asset("no") == nil || p.Asset("a") == nil {
			t.Errorf("%s:\n%s", name, diff)
		}
		if windows := strings.Contains(text, "\r\n"); windows != strings.Contains(string(diff), "hmi}\r\n") {
			t.Errorf("%s: other line ends:\n%q", name, diff)
		}
	}
}

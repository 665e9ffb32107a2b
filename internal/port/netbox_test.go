package port

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
)

func TestFromNetBox(t *testing.T) {
	p, err := Load("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	in := "Name,Status,Role,Manufacturer,Type,Serial number,IPv4 Address\n" +
		"Crane 4 PLC,Active,Crane PLC,Siemens,S7-1500,S C-1,10.10.3.4/16\n" +
		"front desk,Active,workstation,Dell,,,\n" +
		"tv,Active,Television,LG,,,\n" +
		"CRANE-4 plc,Active,Crane PLC,,,,\n" +
		"gw,Active,hmi,,,,192.0.2.1/24\n"
	var out bytes.Buffer
	rejected, err := FromNetBox(strings.NewReader(in), &out, map[string]string{"crane plc": "ot/plc"}, p)
	if err != nil {
		t.Fatal(err)
	}
	want := "id,name,domain,kind,vendor,model,serial,ip,zone\ncrane-4-plc,Crane 4 PLC,ot,plc,Siemens,S7-1500,S C-1,10.10.3.4,office\ngw,gw,ot,hmi,,,,192.0.2.1,"
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if len(rejected) != 3 || !strings.Contains(rejected[0], "line 3") || !strings.Contains(rejected[1], `"Television"`) && !strings.Contains(rejected[1], `"television"`) || !strings.Contains(rejected[2], "is taken") {
		t.Errorf("rejected %q", rejected)
	}
	if _, err := FromNetBox(strings.NewReader("a,b\n1,2\n"), &out, nil, nil); err == nil {
		t.Error("a file without names and roles was taken")
	}
}

// TestNetBoxHoldsEveryAsset: the CSV has one row an asset, none of them broken.
func TestNetBoxHoldsEveryAsset(t *testing.T) {
	p, err := Load("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := p.NetBox(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != len(p.Assets)+1 || !slices.Equal(rows[0], netboxColumns) {
		t.Fatalf("%d rows of %d assets: %v", len(rows), len(p.Assets), err)
	}
	for i, a := range p.Assets {
		if rows[i+1][0] != a.Name || rows[i+1][4] != a.Serial || !strings.Contains(rows[i+1][7], a.ID) {
			t.Errorf("row %q of %s", rows[i+1], a.ID)
		}
	}
}

func FuzzFromNetBox(f *testing.F) {
	f.Add("Name,Role\na,plc\n")
	f.Add("name,role\n\"a\nb\",hmi\n\"")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = FromNetBox(strings.NewReader(text), &bytes.Buffer{}, nil, nil) // must not panic
	})
}

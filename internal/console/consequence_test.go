package console

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

func raised(id, kind string, s finding.Severity, facts ...string) finding.Finding {
	f := finding.Finding{ID: id, State: finding.Active, Present: true}
	f.Subject, f.Severity, f.Grade = finding.Subject{Kind: kind, ID: id}, s, finding.Confirmed
	for _, text := range facts {
		f.Facts = append(f.Facts, finding.Fact{Text: text, Time: time.Unix(0, 0), Evidence: finding.Evidence{Source: "sensor"}})
	}
	return f
}

func idsOf(rows []alarmRow) (out []string) {
	for _, r := range rows {
		out = append(out, r.ID)
	}
	return out
}

// TestFold: what a chain is made of stands under it, and nothing else does.
func TestFold(t *testing.T) {
	chain := raised("chain", "chain", finding.Alarm, "door opened", "camera reached the recorder")
	chain.Domains = []finding.Domain{finding.Physical, finding.OT}
	door := raised("door", "reader", finding.Alarm, "door opened")
	hop := raised("hop", "conduit", finding.Alarm, "older traffic", "camera reached the recorder")
	sea := raised("sea", "vessel", finding.Alarm, "two hulls")
	sea.Last = time.Unix(1000, 0)
	rows := fold([]finding.Finding{sea, hop, door, chain})
	if got, want := idsOf(rows), []string{"chain", "sea"}; !slices.Equal(got, want) {
		t.Fatalf("rows %v, want %v", got, want)
	}
	if len(rows[0].Parts) != 2 {
		t.Errorf("%d parts under the chain, want door and hop", len(rows[0].Parts))
	}

	drill := door
	drill.ID, drill.Exercise = "drill", "spring"
	if rows := fold([]finding.Finding{chain, drill}); len(rows) != 2 {
		t.Error("a finding of an exercise stands under a real chain")
	}
	lesser := chain
	lesser.Severity = finding.Warning
	if rows := fold([]finding.Finding{lesser, door}); rows[0].ID != "door" || len(rows) != 2 {
		t.Error("a chain hides a link that is graver than itself")
	}
	seen := chain
	seen.State = finding.Acknowledged
	if rows := fold([]finding.Finding{seen, door}); len(rows) != 2 || rows[0].ID != "door" {
		t.Error("an acknowledged chain hides a link that nobody has answered")
	}
}

// TestFoldKeepsAll: folding loses no finding and tells none twice, in any order.
func TestFoldKeepsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "n")
		var in []finding.Finding
		for i := range n {
			f := raised(string(rune('a'+i)), rapid.SampledFrom([]string{"chain", "host"}).Draw(t, "kind"),
				finding.Severity(rapid.IntRange(1, 3).Draw(t, "severity")), rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "fact"))
			in = append(in, f)
		}
		var out []string
		for _, row := range fold(in) {
			out = append(out, row.ID)
			for _, p := range row.Parts {
				out = append(out, p.ID)
			}
		}
		slices.Sort(out)
		if len(out) != n || len(slices.Compact(out)) != n {
			t.Fatalf("%d findings went in, %v came out", n, out)
		}
	})
}

// TestPlain: sentences in short names, where these still tell devices apart.
func TestPlain(t *testing.T) {
	p, err := port.Load("../../examples/saltmere")
	if err != nil {
		t.Fatal(err)
	}
	f := finding.Finding{}
	for _, c := range []struct{ in, want string }{
		{"Video recorder 2, quay and stacks (10.60.8.12) reached TOS application server 1 (10.30.10.11) in X", "Video recorder 2 reached TOS application server 1 in X"},
		{"10.60.8.12 reached 10.30.10.11 over smb on tcp port 445", "Video recorder 2 reached TOS application server 1 over smb on tcp port 445"},
		{"Access switch, security floor (10.20.12.23) restarted", "Access switch, security floor restarted"}, // one of several access switches
		{"192.0.2.7 asked 999.1.1.1", "192.0.2.7 asked 999.1.1.1"},
	} {
		if got := plain(p, f, c.in); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
		}
	}
}

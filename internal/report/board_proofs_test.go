package report

import (
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/port"
	"github.com/quaywatch/quaywatch/internal/risk"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

func proofOf(t *testing.T, b *Board, name string) Proof {
	t.Helper()
	for _, p := range b.Proofs {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("nothing says %q", name)
	return Proof{}
}

// proving is a small port with a service that is to be back in ten hours.
func proving(change func(*BoardInput)) *BoardInput {
	in := &BoardInput{AsOf: boardDay, Port: &port.Port{Services: []port.Service{{ID: "yard", Recovery: &port.Recovery{RTOHours: 10}}, {ID: "no-objective"}}},
		Standing: risk.Standing{File: "risk.yaml", Declared: &risk.File{}}}
	change(in)
	return in
}

func tried(list ...risk.Exercise) func(*BoardInput) {
	return func(in *BoardInput) { in.Standing.Declared.Exercises = list }
}

func restore(date, result string, hours float64) risk.Exercise {
	return risk.Exercise{Name: "r", Evidence: "log", Kind: "restore", Date: date, Result: result, Hours: hours, Of: []string{"yard"}}
}

// TestNothingIsShownForWantOfData: each state of each proof, from data that is
// missing, bad, partly good and good.
func TestNothingIsShownForWantOfData(t *testing.T) {
	const restores, held, decided, conduits, traffic, weak = "restores in time", "drills and exercises held", "risks decided", "conduits justified", "traffic held to the conduits", "weaknesses judged"
	none := func(*BoardInput) {}
	noFile := func(in *BoardInput) { in.Standing.Declared = nil }
	held1 := func(kind, date string) risk.Exercise {
		return risk.Exercise{Name: kind, Evidence: "minutes", Kind: kind, Date: date, Result: "passed"}
	}
	decisions := func(valid string, list ...risk.Scenario) func(*BoardInput) {
		return func(in *BoardInput) {
			in.Standing.Declared.Scenarios = list
			in.Standing.Assessment = &risk.Assessment{Acceptances: []risk.Acceptance{{Scenario: "a", Valid: valid}}}
		}
	}
	lower, open, accept := risk.Scenario{ID: "l", Decision: "lower"}, risk.Scenario{ID: "o"}, risk.Scenario{ID: "a", Decision: "accept", Until: "2027-01-01"}
	ended := accept
	ended.Until = "2026-11-25"
	declared := func(list ...port.Conduit) func(*BoardInput) {
		return func(in *BoardInput) { in.Port.Conduits = list }
	}
	good := port.Conduit{Reason: "orders", Owner: "it", Expires: boardDay.Add(time.Hour)}
	past := good
	past.Expires = boardDay.Add(-time.Hour)
	seen := func(age time.Duration, list ...network.Verdict) func(*BoardInput) {
		return func(in *BoardInput) {
			in.Uses = []network.ConduitUse{{Verdict: network.AllowedUnseen}, {Verdict: network.SameZone, Last: boardDay}}
			for _, v := range list {
				in.Uses = append(in.Uses, network.ConduitUse{Verdict: v, Last: boardDay.Add(-age)})
			}
		}
	}
	products := func(list ...Supplier) func(*BoardInput) {
		return func(in *BoardInput) { in.Products = append([]Supplier{}, list...) }
	}
	for _, c := range []struct {
		name, proof, state string
		with               func(*BoardInput)
	}{
		{"no risk file", restores, NotAssessed, noFile},
		{"no objective", restores, NotAssessed, func(in *BoardInput) { in.Port.Services = in.Port.Services[1:] }},
		{"never tried", restores, NotShown, none},
		{"in time", restores, Shown, tried(restore("2026-10-01", "passed", 10))},
		{"too slow", restores, NotShown, tried(restore("2026-10-01", "passed", 10.5))},
		{"not whole", restores, NotShown, tried(restore("2026-10-01", "partly", 5))},
		{"not measured", restores, NotShown, tried(restore("2026-10-01", "passed", 0))},
		{"over a year ago", restores, NotShown, tried(restore("2025-11-25", "passed", 5))},
		{"planned", restores, NotShown, tried(restore("2026-11-27", "passed", 5))},
		{"the newer one failed", restores, NotShown, tried(restore("2026-10-02", "failed", 5), restore("2026-10-01", "passed", 5))},
		{"the newer one passed", restores, Shown, tried(restore("2026-10-02", "passed", 5), restore("2026-10-01", "failed", 5))},
		{"one of a day failed", restores, NotShown, tried(restore("2026-10-02", "passed", 5), restore("2026-10-02", "failed", 5))},
		{"one of a day failed, first", restores, NotShown, tried(restore("2026-10-02", "failed", 5), restore("2026-10-02", "passed", 5))},
		{"one of two services", restores, InPart, func(in *BoardInput) {
			tried(restore("2026-10-01", "passed", 5))(in)
			in.Port.Services[1].Recovery = &port.Recovery{RTOHours: 4}
		}},

		{"no risk file", held, NotAssessed, noFile},
		{"none", held, NotShown, tried(restore("2026-10-01", "passed", 5))},
		{"drills only", held, InPart, tried(held1("drill", "2026-10-01"), held1("drill", "2026-10-02"))},
		{"the exercise is old", held, InPart, tried(held1("drill", "2026-10-01"), held1("exercise", "2025-10-01"))},
		{"both", held, Shown, tried(held1("drill", "2026-10-01"), held1("exercise", "2026-10-01"))},

		{"no risk file", decided, NotAssessed, noFile},
		{"no scenarios", decided, NotAssessed, none},
		{"no figures", decided, NotAssessed, func(in *BoardInput) { in.Standing.Declared.Scenarios = []risk.Scenario{lower} }},
		{"all", decided, Shown, decisions("yes", lower, accept)},
		{"beyond the authority", decided, InPart, decisions("no", lower, accept)},
		{"no authority declared", decided, InPart, decisions("undecided", lower, accept)},
		{"ended", decided, NotShown, decisions("yes", ended)},
		{"none taken", decided, NotShown, decisions("yes", open)},

		{"none declared", conduits, NotAssessed, none},
		{"all", conduits, Shown, declared(good)},
		{"one ended", conduits, InPart, declared(good, past)},
		{"no owner", conduits, NotShown, declared(port.Conduit{Reason: "orders"})},
		{"no reason", conduits, NotShown, declared(port.Conduit{Reason: " ", Owner: "it"})},

		{"not watched", traffic, NotAssessed, none},
		{"nothing seen", traffic, NotAssessed, seen(0)},
		{"allowed", traffic, Shown, seen(time.Hour, network.AllowedSeen)},
		{"allowed, long ago", traffic, InPart, seen(25*time.Hour, network.AllowedSeen)},
		{"undecided", traffic, InPart, seen(time.Hour, network.AllowedSeen, network.Undecided)},
		{"undeclared", traffic, NotShown, seen(time.Hour, network.AllowedSeen, network.Undeclared)},

		{"no notices", weak, NotAssessed, none},
		{"none about a device", weak, NotAssessed, products(Supplier{Name: "m", Devices: 3})},
		{"undecided ones", weak, InPart, products(Supplier{Affected: 2, Open: 1})},
		{"all undecided", weak, NotShown, products(Supplier{Open: 1})},
		{"judged", weak, Shown, products(Supplier{Affected: 2})},

		{"no record", "accounts reviewed", NotAssessed, none},
		{"no record", "obligations met", NotAssessed, none},
	} {
		b := NewBoard(proving(c.with))
		p := proofOf(t, b, c.proof)
		if p.State != c.state || p.Found == "" {
			t.Errorf("%s, %s: %s (%s), want %s", c.proof, c.name, p.State, p.Found, c.state)
		}
		if assessed := p.State != NotAssessed; assessed != (p.Evidence > 0) || p.Evidence > len(b.Evidence) {
			t.Errorf("%s, %s: %s with evidence %d", c.proof, c.name, p.State, p.Evidence)
		}
	}
}

// TestComplianceInOneLine: the line of the example port claims no conformity, and names
// the proofs with their evidence, what is wanting first.
func TestComplianceInOneLine(t *testing.T) {
	b := NewBoard(assessed(t, nil))
	if b.Compliance != "Obligations are not on record, so conformity with none is claimed." {
		t.Errorf("the line: %s", b.Compliance)
	}
	if p := proofOf(t, b, "restores in time"); p.State != NotShown || !strings.Contains(p.Found, "0 of ") || !strings.HasSuffix(p.Found, ", 1 tried") {
		t.Errorf("the restore of the TOS was partly: %+v", p)
	}
	if p := proofOf(t, b, "drills and exercises held"); p.State != Shown || p.Found != "within a year: drills 1, exercises 1; passed 2" {
		t.Errorf("held: %+v", p)
	}
	html := htmlOf(t, b, nil)
	for _, s := range []string{"Of our own data: ▲ not shown: restores in time<sup>", "; ○ shown: drills and exercises held<sup>", "▨ not assessed: traffic held to the conduits, weaknesses judged, accounts reviewed, obligations met."} {
		if !strings.Contains(html, s) {
			t.Errorf("the page lacks %q", s)
		}
	}
	old := *b
	old.Proofs = nil
	if strings.Contains(jsonOf(t, &old), "proofs") || strings.Contains(htmlOf(t, &old, nil), "what our own data shows") {
		t.Error("a report of before has another sum, or an empty table")
	}
}

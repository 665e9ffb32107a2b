package cross

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

const saltmere = `
port: {name: Port of Saltmere, locode: ZZSMR, time_zone: Europe/London, currency: EUR, security_level: 1, centre: [1.0, 52.0]}
sites:
  - {id: terminal, name: Container terminal, kind: container-terminal, operator: saltmere, position: [1.0, 52.0]}
areas:
  - id: yard
    name: Yard
    site: terminal
    restricted: true
    perimeter: [[1.0, 52.0], [1.01, 52.0], [1.01, 52.01], [1.0, 52.01]]
    access_points:
      - {id: yard-gate, name: the yard gate, kind: gate, readers: [r-yard], position: [1.0, 52.0]}
  - id: block-q3
    name: Block Q3
    site: terminal
    inside: yard
    restricted: true
    perimeter: [[1.002, 52.002], [1.003, 52.002], [1.003, 52.003], [1.002, 52.003]]
    access_points:
      - {id: q3-07, name: cabinet Q3-07, kind: cabinet, from: yard, readers: [r-q3], position: [1.002, 52.002]}
  - id: office
    name: Office
    site: terminal
    restricted: false
    perimeter: [[1.1, 52.0], [1.101, 52.0], [1.101, 52.001], [1.1, 52.001]]
    access_points:
      - {id: office-door, name: the office door, kind: door, readers: [r-office], position: [1.1, 52.0]}
zones:
  - {id: cameras, name: Cameras, domain: physical, level: 2, sl_target: 2, site: terminal, networks: [10.9.0.0/24]}
  - {id: tos, name: Terminal operating system, domain: ot, level: 3, sl_target: 3, site: terminal, networks: [10.3.0.0/24]}
  - {id: lan, name: Office network, domain: it, level: 4, sl_target: 1, site: terminal, networks: [10.1.0.0/24]}
assets:
  - {id: r-yard, name: Yard reader, domain: physical, kind: badge-reader, zone: cameras, area: yard, criticality: low}
  - {id: r-q3, name: Cabinet contact, domain: physical, kind: badge-reader, zone: cameras, area: block-q3, criticality: low}
  - {id: r-office, name: Office reader, domain: physical, kind: badge-reader, zone: cameras, area: office, criticality: low}
  - {id: camera-17, name: "Camera 17, by cabinet Q3-07", domain: physical, kind: camera, zone: cameras, area: block-q3, criticality: medium, addresses: [{ip: 10.9.0.17}]}
  - {id: nvr-2, name: Video recorder 2, domain: physical, kind: video-recorder, zone: cameras, area: office, criticality: medium, addresses: [{ip: 10.9.0.2}]}
  - {id: pc-1, name: Office PC 1, domain: it, kind: workstation, zone: lan, area: office, criticality: low, addresses: [{ip: 10.1.0.1}]}
  - {id: tos-app-2, name: the terminal operating system, domain: ot, kind: tos-server, zone: tos, area: office, criticality: critical, addresses: [{ip: 10.3.0.2}]}
services:
  - {id: gate, name: Gate, owner: saltmere, unit: trucks/h, capacity: 100, needs: {id: tos-app-2}}
  - {id: yard-moves, name: Yard, owner: saltmere, unit: moves/h, capacity: 100, needs: {id: tos-app-2}}
parties:
  - {id: saltmere, name: Port of Saltmere, kind: company}
  - {id: cso, name: Chief Security Officer, kind: team, member_of: [saltmere]}
  - {id: ops, name: Terminal operations, kind: team, member_of: [saltmere]}
authorities:
  - {id: cut-tos, decision: isolate the terminal operating system, over: [tos], holders: [cso, ops], agree: 2}
`

func load(t testing.TB) *port.Port {
	t.Helper()
	p, problems := port.Parse("saltmere.yaml", []byte(saltmere), time.Time{})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

var two = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

func minute(m float64) time.Time { return two.Add(time.Duration(m * float64(time.Minute))) }

func fact(at time.Time, d finding.Domain, text string) []finding.Fact {
	return []finding.Fact{{Time: at, Domain: d, Text: text, Evidence: finding.Evidence{Source: "test", Time: at, Raw: event.Raw{Input: "x", Offset: at.Unix()}}}}
}

func asset(id string) finding.Subject { return finding.Subject{Kind: "asset", ID: id} }

func door(m float64, rule, reader string) finding.Occurrence {
	at := minute(m)
	o := finding.Occurrence{Rule: rule, Subject: finding.Subject{Kind: "reader", ID: reader}, Time: at, Grade: finding.Likely, Severity: finding.Alarm,
		Title: "Door " + reader + " " + rule, Facts: fact(at, finding.Physical, rule+" at "+reader)}
	if rule == "physical.refused" {
		o.Grade, o.Severity = finding.Suspected, finding.Advice
	}
	if rule == "physical.off-area" || rule == "physical.revoked-badge" {
		o.Subject = finding.Subject{Kind: "badge", ID: "100"}
		o.Links = []finding.Subject{{Kind: "reader", ID: reader}}
		o.Facts[0].Text = "Bo Lind granted at " + reader
	}
	return o
}

func undeclared(m float64, from, to finding.Subject) finding.Occurrence {
	at := minute(m)
	return finding.Occurrence{Rule: "network.undeclared-conduit", Subject: finding.Subject{Kind: "conduit", ID: from.ID + ">" + to.ID}, Time: at,
		Grade: finding.Confirmed, Severity: finding.Alarm, Links: []finding.Subject{from, to}, Facts: fact(at, finding.OT, from.ID+" reached "+to.ID)}
}

func tried(o finding.Occurrence) finding.Occurrence { o.Grade = finding.Likely; return o }

func device(m float64, rule, id string) finding.Occurrence {
	at := minute(m)
	return finding.Occurrence{Rule: rule, Subject: asset(id), Time: at, Grade: finding.Confirmed, Severity: finding.Warning, Title: rule,
		Links: []finding.Subject{asset(id)}, Facts: fact(at, finding.Physical, rule+" of "+id)}
}

func silent(m float64, d finding.Domain) finding.Occurrence {
	at := minute(m)
	return finding.Occurrence{Rule: "source.silent", Subject: finding.Subject{Kind: "source", ID: "vms"}, Time: at, Grade: finding.Confirmed,
		Severity: finding.Warning, Title: "Source vms is silent", Facts: fact(at, d, "vms is silent")}
}

func exercise(list ...finding.Occurrence) []finding.Occurrence {
	for i := range list {
		list[i].Exercise = "ex-1"
	}
	return list
}

// run feeds occurrences and folds what is told as the register does.
func run(t testing.TB, p *port.Port, list ...finding.Occurrence) []finding.Finding {
	t.Helper()
	found := map[string]*finding.Finding{}
	var order []string
	w := New(p, Options{}, func(o finding.Occurrence) {
		id := o.FindingID()
		if f := found[id]; f != nil {
			f.Merge(o)
		} else if !o.Cleared {
			f := finding.New(o)
			found[id] = &f
			order = append(order, id)
		}
	})
	for _, o := range list {
		w.Observe(o)
	}
	w.Advance(w.asOf)
	var out []finding.Finding
	for _, id := range order {
		if found[id].Present {
			out = append(out, *found[id])
		}
	}
	return out
}

func brief(f finding.Finding) string {
	ids := make([]string, len(f.Links))
	for i, l := range f.Links {
		ids[i] = l.ID
	}
	return fmt.Sprintf("%s: %s %s/%s", f.Subject.ID, strings.Join(ids, ">"), f.Severity, f.Grade)
}

var camera, nvr, tos, pc = asset("camera-17"), asset("nvr-2"), asset("tos-app-2"), asset("pc-1")

func TestChains(t *testing.T) {
	stranger := finding.Subject{Kind: "host", ID: "10.1.0.99"}
	byIP := finding.Subject{Kind: "host", ID: "10.9.0.17"}
	tests := []struct {
		name string
		told []finding.Occurrence
		want []string
	}{
		{"cabinet forced, then the camera reaches the TOS over the recorder", []finding.Occurrence{
			door(21.7, "physical.forced-door", "r-q3"), undeclared(28, camera, nvr), undeclared(30.8, nvr, tos)},
			[]string{"camera-17: camera-17>nvr-2>tos-app-2 alarm/confirmed"}},
		{"one hop", []finding.Occurrence{door(0, "physical.forced-door", "r-q3"), undeclared(9, camera, tos)},
			[]string{"camera-17: camera-17>tos-app-2 alarm/likely"}},
		{"one hop and the camera system silent", []finding.Occurrence{door(0, "physical.forced-door", "r-q3"), silent(5, finding.Physical), undeclared(9, camera, tos)},
			[]string{"camera-17: camera-17>tos-app-2 alarm/confirmed"}},
		{"the order of telling does not matter", []finding.Occurrence{undeclared(30.8, nvr, tos), undeclared(28, camera, nvr), door(21.7, "physical.forced-door", "r-q3")},
			[]string{"camera-17: camera-17>nvr-2>tos-app-2 alarm/confirmed"}},
		{"hops that were only tried", []finding.Occurrence{door(0, "physical.forced-door", "r-q3"), tried(undeclared(9, camera, tos))},
			[]string{"camera-17: camera-17>tos-app-2 alarm/likely"}},
		{"camera changed, recorder of the same zone goes on", []finding.Occurrence{
			door(21.7, "physical.forced-door", "r-q3"), device(24, "network.identity-mismatch", "camera-17"), undeclared(30.8, nvr, tos)},
			[]string{"camera-17: camera-17>nvr-2>tos-app-2 alarm/confirmed"}},
		{"client told by its address", []finding.Occurrence{door(0, "physical.off-area", "r-q3"), undeclared(9, byIP, tos)},
			[]string{"camera-17: camera-17>tos-app-2 alarm/likely"}},
		{"a stranger is reached", []finding.Occurrence{door(0, "physical.forced-door", "r-q3"), undeclared(9, camera, stranger)},
			[]string{"camera-17: camera-17>10.1.0.99 warning/likely"}},
		{"a scan after the door", []finding.Occurrence{door(0, "physical.forced-door", "r-q3"), device(4, "network.scan", "camera-17")},
			[]string{"camera-17: camera-17 warning/likely"}},
		{"a revoked badge that opened", []finding.Occurrence{door(0, "physical.revoked-badge", "r-q3"), undeclared(9, camera, tos)},
			[]string{"camera-17: camera-17>tos-app-2 alarm/likely"}},
		{"the gate around the block", []finding.Occurrence{door(0, "physical.forced-door", "r-yard"), tried(undeclared(9, camera, tos))},
			[]string{"camera-17: camera-17>tos-app-2 alarm/suspected"}},
		{"one refusal with the camera system silent", []finding.Occurrence{door(0, "physical.refused", "r-q3"), silent(5, finding.Physical), undeclared(9, camera, tos)},
			[]string{"camera-17: camera-17>tos-app-2 alarm/likely"}},

		// What must not fire.
		{"a door alone", []finding.Occurrence{door(0, "physical.forced-door", "r-q3")}, nil},
		{"traffic alone", []finding.Occurrence{undeclared(0, camera, nvr), undeclared(1, nvr, tos)}, nil},
		{"traffic and a silent source, no door", []finding.Occurrence{silent(0, finding.Physical), undeclared(5, camera, tos)}, nil},
		{"planned work: badges granted, traffic declared", nil, nil},
		{"planned work: door held for it, traffic declared", []finding.Occurrence{door(0, "physical.held-door", "r-q3")}, nil},
		{"a contractor refused elsewhere", []finding.Occurrence{door(0, "physical.refused", "r-office"), door(2, "physical.refused", "r-office"), undeclared(9, camera, tos)}, nil},
		{"a door forced elsewhere", []finding.Occurrence{door(0, "physical.forced-door", "r-office"), undeclared(9, camera, nvr)}, nil},
		{"one refusal at the place", []finding.Occurrence{door(0, "physical.refused", "r-q3"), undeclared(9, camera, tos)}, nil},
		{"a refusal at the gate around", []finding.Occurrence{door(0, "physical.refused", "r-yard"), undeclared(9, camera, tos)}, nil},
		{"traffic of the same zone is told by nobody", []finding.Occurrence{door(0, "physical.forced-door", "r-q3"), device(3, "network.unregistered-device", "camera-17")}, nil},
		{"the door came after the traffic", []finding.Occurrence{undeclared(0, camera, tos), door(9, "physical.forced-door", "r-q3")}, nil},
		{"old trouble: the traffic was there since yesterday", []finding.Occurrence{undeclared(-1440, camera, tos), door(0, "physical.forced-door", "r-q3"), undeclared(9, camera, tos)}, nil},
		{"the door was hours before", []finding.Occurrence{door(0, "physical.forced-door", "r-q3"), undeclared(61, camera, tos)}, nil},
		{"door here, traffic of a device elsewhere", []finding.Occurrence{door(0, "physical.forced-door", "r-q3"), undeclared(9, pc, tos)}, nil},
		{"a stranger opens", []finding.Occurrence{door(0, "physical.forced-door", "r-q3"), undeclared(9, stranger, tos)}, nil},
		{"an exercise and real traffic", append(exercise(door(0, "physical.forced-door", "r-q3")), undeclared(9, camera, tos)), nil},
		{"second hop was before the first", []finding.Occurrence{undeclared(-300, nvr, tos), door(0, "physical.forced-door", "r-q3"), undeclared(9, camera, nvr)},
			[]string{"camera-17: camera-17>nvr-2 warning/likely"}},
		{"second hop came hours later", []finding.Occurrence{door(0, "physical.forced-door", "r-q3"), undeclared(9, camera, nvr), undeclared(300, nvr, tos)},
			[]string{"camera-17: camera-17>nvr-2 warning/likely"}},
	}
	p := load(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range run(t, p, tt.told...) {
				got = append(got, brief(f))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStoryForAPersonAtThree(t *testing.T) {
	f := run(t, load(t), door(21.7, "physical.forced-door", "r-q3"), undeclared(28, camera, nvr), undeclared(30.8, nvr, tos))[0]
	if f.Title != "Camera 17 is reaching the terminal operating system" || f.Subject.Kind != "chain" {
		t.Errorf("title %q of a %s", f.Title, f.Subject.Kind)
	}
	want := "3 facts in 9 min, from doors and badges and the network. At the same place, before the traffic: Door r-q3 physical.forced-door. " +
		"No conduit allows the way Camera 17, by cabinet Q3-07 → Video recorder 2 → the terminal operating system. " +
		"Services that need the terminal operating system and could stop: Gate, Yard."
	if diff := cmp.Diff(want, f.Summary); diff != "" {
		t.Error(diff)
	}
	var facts []string
	for _, x := range f.Facts {
		facts = append(facts, string(x.Domain)+": "+x.Text)
	}
	if diff := cmp.Diff([]string{"physical: physical.forced-door at r-q3", "ot: camera-17 reached nvr-2", "ot: nvr-2 reached tos-app-2"}, facts); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(f.Next, `Who may decide "isolate the terminal operating system": Chief Security Officer, Terminal operations (2 must agree)`) {
		t.Errorf("nobody is named who may decide: %q", f.Next)
	}
	if diff := cmp.Diff([]string{"gate", "yard-moves"}, f.Services); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]finding.Domain{finding.OT, finding.Physical}, f.Domains); diff != "" {
		t.Error(diff)
	}
	if f.Place == nil || f.Place.Area != "block-q3" || len(f.Unknown) == 0 || len(f.RuledOut) == 0 {
		t.Errorf("place %+v, unknown %q, ruled out %q", f.Place, f.Unknown, f.RuledOut)
	}
}

func TestChainEndsWithItsTraffic(t *testing.T) {
	p := load(t)
	stop := func(o finding.Occurrence, m float64) finding.Occurrence {
		return finding.Occurrence{Rule: o.Rule, Subject: o.Subject, Time: minute(m), Cleared: true}
	}
	a, b := undeclared(28, camera, nvr), undeclared(30, nvr, tos)
	story := []finding.Occurrence{door(20, "physical.forced-door", "r-q3"), a, b}
	if got := run(t, p, append(story, stop(b, 90))...); len(got) != 1 {
		t.Errorf("one hop of two has stopped: %d chains, want 1", len(got))
	}
	if got := run(t, p, append(story, stop(b, 90), stop(a, 91))...); len(got) != 0 {
		t.Errorf("all hops have stopped: %v", brief(got[0]))
	}
}

// A chain that is a scan behind a forced door and no traffic yet ends with the
// scan, and a later door does not bring the scan back.
func TestChainWithoutAHopEndsWithItsScan(t *testing.T) {
	p := load(t)
	scan := device(24, "network.scan", "camera-17")
	over := finding.Occurrence{Rule: scan.Rule, Subject: scan.Subject, Time: minute(54), Cleared: true}
	story := []finding.Occurrence{door(20, "physical.forced-door", "r-q3"), scan}
	if got := run(t, p, story...); len(got) != 1 || len(got[0].Links) > 1 {
		t.Fatalf("%d chains, want one without a hop", len(got))
	}
	if got := run(t, p, append(story, over)...); len(got) != 0 {
		t.Errorf("the scan has stopped: %v", brief(got[0]))
	}
	if got := run(t, p, append(story, over, door(55, "physical.forced-door", "r-q3"))...); len(got) != 0 {
		t.Errorf("a door after the scan had stopped: %v", brief(got[0]))
	}
}

// A chain of an earlier run ends with what it rested on.
func TestChainOfAnEarlierRunEnds(t *testing.T) {
	p := load(t)
	a, b := undeclared(28, camera, nvr), undeclared(30, nvr, tos)
	open := run(t, p, door(20, "physical.forced-door", "r-q3"), a, b)
	open = append(open, finding.New(a), finding.New(b))
	var told []finding.Occurrence
	w := New(p, Options{}, func(o finding.Occurrence) { told = append(told, o) })
	w.Resume(open)
	w.Advance(minute(200))
	w.Observe(finding.Occurrence{Rule: a.Rule, Subject: a.Subject, Time: minute(210), Cleared: true})
	if len(told) != 0 {
		t.Fatalf("ended while a hop goes on: %+v", told)
	}
	w.Observe(finding.Occurrence{Rule: b.Rule, Subject: b.Subject, Time: minute(211), Cleared: true})
	if len(told) != 1 || !told[0].Cleared || told[0].Subject.ID != "camera-17" {
		t.Errorf("told %+v, want the end of the chain", told)
	}
}

func TestTailOfALongerChainIsNotToldTwice(t *testing.T) {
	var told []string
	w := New(load(t), Options{}, func(o finding.Occurrence) { told = append(told, fmt.Sprintf("%s %v", o.Subject.ID, o.Cleared)) })
	for _, o := range []finding.Occurrence{
		door(1, "physical.forced-door", "r-office"), undeclared(30.8, nvr, tos), // the recorder alone
		door(2, "physical.forced-door", "r-q3"), undeclared(28, camera, nvr), // and then what led to it
		undeclared(28, camera, nvr), undeclared(30.8, nvr, tos), // told again
	} {
		w.Observe(o)
	}
	want := []string{"nvr-2 false", "nvr-2 true", "camera-17 false"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

// TestNeverWithoutADoorAndAWay feeds any findings in any order.
func TestNeverWithoutADoorAndAWay(t *testing.T) {
	p := load(t)
	rapid.Check(t, func(t *rapid.T) {
		var list []finding.Occurrence
		ids := []string{"camera-17", "nvr-2", "tos-app-2", "pc-1"}
		for range rapid.IntRange(0, 25).Draw(t, "n") {
			m := float64(rapid.IntRange(0, 200).Draw(t, "minute"))
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				list = append(list, door(m, rapid.SampledFrom([]string{"physical.forced-door", "physical.refused", "physical.held-door", "physical.off-area"}).Draw(t, "rule"),
					rapid.SampledFrom([]string{"r-q3", "r-yard", "r-office"}).Draw(t, "reader")))
			case 1:
				list = append(list, undeclared(m, asset(rapid.SampledFrom(ids).Draw(t, "from")), asset(rapid.SampledFrom(ids).Draw(t, "to"))))
			case 2:
				list = append(list, device(m, "network.scan", rapid.SampledFrom(ids).Draw(t, "device")))
			case 3:
				list = append(list, silent(m, finding.Physical))
			}
		}
		w := New(p, Options{}, func(o finding.Occurrence) {
			if o.Cleared {
				return
			}
			if !slices.ContainsFunc(o.Facts, func(f finding.Fact) bool { return f.Domain == finding.Physical && strings.Contains(f.Text, "r-") }) {
				t.Fatalf("told without a door: %+v", o)
			}
			if len(o.Links) == 0 || o.Grade == 0 || o.Severity == 0 || len(o.Unknown) == 0 || len(o.Facts) < 2 || len(o.Facts) > finding.MaxFacts {
				t.Fatalf("told without what a person needs: %+v", o)
			}
			if !slices.IsSortedFunc(o.Facts, func(a, b finding.Fact) int { return a.Time.Compare(b.Time) }) {
				t.Fatal("facts are not in the order of time")
			}
		})
		for _, o := range list {
			w.Observe(o)
		}
		w.Advance(minute(5000))
		if len(w.hops) != 0 || len(w.traces) != 0 || len(w.chains) != 0 && len(w.hops) == 0 && slices.ContainsFunc(w.sortedChains(), func(k chainKey) bool { return len(w.chains[k].hops) > 0 }) {
			t.Fatal("what is days old is still kept")
		}
	})
}

func BenchmarkFlood(b *testing.B) {
	w := New(load(b), Options{}, func(finding.Occurrence) {})
	for i := range 300 {
		w.Observe(door(float64(i)/10, "physical.forced-door", "r-q3"))
	}
	i := 0
	for b.Loop() {
		i++
		w.Observe(undeclared(30+float64(i)/1000, camera, finding.Subject{Kind: "host", ID: fmt.Sprintf("10.77.%d.%d", i/250%250, i%250)}))
	}
}

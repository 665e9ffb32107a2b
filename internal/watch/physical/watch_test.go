package physical

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/port"
)

// saltmere is a yard with a crane house inside it, and an office far away.
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
      - {id: yard-gate, name: the yard gate, kind: gate, readers: [r-yard-in, r-yard-out], cameras: [cam-1], position: [1.0, 52.0]}
  - id: crane-house
    name: Crane house
    site: terminal
    inside: yard
    restricted: true
    perimeter: [[1.002, 52.002], [1.003, 52.002], [1.003, 52.003], [1.002, 52.003]]
    access_points:
      - {id: crane-door, name: the crane house door, kind: door, from: yard, readers: [r-crane], position: [1.002, 52.002]}
  - id: office
    name: Office
    site: terminal
    restricted: false
    perimeter: [[1.1, 52.0], [1.101, 52.0], [1.101, 52.001], [1.1, 52.001]]
    access_points:
      - {id: office-door, name: the office door, kind: door, readers: [r-office], position: [1.1, 52.0]}
zones:
  - {id: physical, name: Physical security, domain: physical, level: 2, sl_target: 2, site: terminal, networks: [10.9.0.0/24]}
assets:
  - {id: r-yard-in, name: Yard reader in, domain: physical, kind: badge-reader, zone: physical, area: yard, criticality: low}
  - {id: r-yard-out, name: Yard reader out, domain: physical, kind: badge-reader, zone: physical, area: yard, criticality: low}
  - {id: r-crane, name: Crane house reader, domain: physical, kind: badge-reader, zone: physical, area: crane-house, criticality: low}
  - {id: r-office, name: Office reader, domain: physical, kind: badge-reader, zone: physical, area: office, criticality: low}
  - {id: cam-1, name: Camera 1, domain: physical, kind: camera, zone: physical, area: yard, criticality: medium}
  - {id: crane-plc, name: Crane PLC, domain: ot, kind: plc, zone: physical, area: crane-house, criticality: critical}
services:
  - {id: quay, name: Quay, owner: saltmere, unit: moves/h, capacity: 100, needs: {id: crane-plc}}
parties:
  - {id: saltmere, name: Port of Saltmere, kind: company, areas: [yard]}
  - {id: ada, name: Ada Nkemelu, kind: person, member_of: [saltmere], badges: [{number: "100"}]}
  - {id: ken, name: Ken Sato, kind: person, member_of: [saltmere], areas: [crane-house], badges: [{number: "200"}, {number: "201"}]}
  - {id: bo, name: Bo Lind, kind: person, areas: [], badges: [{number: "300", revoked: true}, {number: "301", expires: 2026-11-22}]}
`

func load(t testing.TB) *port.Port {
	t.Helper()
	p, problems := port.Parse("saltmere.yaml", []byte(saltmere), time.Time{})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

var eight = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// uses writes events as "minutes reader badge result [direction]", one a line.
func uses(t testing.TB, text string) []event.AccessEvent {
	t.Helper()
	var out []event.AccessEvent
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		var minutes float64
		if _, err := fmt.Sscanf(f[0], "%g", &minutes); err != nil || len(f) < 4 {
			t.Fatalf("bad line %q", line)
		}
		e := event.AccessEvent{Reader: f[1], Badge: strings.Trim(f[2], "-"), Result: event.AccessResult(f[3])}
		if len(f) > 4 {
			e.Direction = f[4]
		}
		e.Time = eight.Add(time.Duration(minutes * float64(time.Minute)))
		e.Seen, e.Told, e.Source = e.Time, true, "badges"
		e.Raw = event.Raw{Input: "badges.csv", Line: int64(len(out) + 2), Offset: int64(len(out)) * 40}
		out = append(out, e)
	}
	return out
}

// watched feeds events and returns what was told.
func watched(t testing.TB, events []event.AccessEvent) (*Watch, []finding.Occurrence) {
	t.Helper()
	var told []finding.Occurrence
	w := New(load(t), Options{}, func(o finding.Occurrence) { told = append(told, o) })
	w.Observe(&event.Batch{Source: "badges", Access: events})
	return w, told
}

func short(o finding.Occurrence) string {
	if o.Cleared {
		return fmt.Sprintf("%s %s cleared", o.Rule, o.Subject.ID)
	}
	return fmt.Sprintf("%s %s %s/%s", o.Rule, o.Subject.ID, o.Severity, o.Grade)
}

func TestRules(t *testing.T) {
	tests := []struct {
		name, events string
		want         []string
	}{
		{"a day without trouble", "0 r-yard-in 100 granted in\n5 r-crane 200 granted in\n60 r-yard-out 100 granted out\n70 r-office 100 granted", nil},
		{"one refusal", "0 r-yard-in 100 refused", []string{"physical.refused r-yard-in advice/suspected"}},
		{"three refusals of one card", "0 r-yard-in 100 refused\n2 r-yard-in 100 refused\n9 r-yard-in 100 refused",
			[]string{"physical.refused r-yard-in advice/suspected", "physical.refused r-yard-in advice/suspected", "physical.refused r-yard-in warning/likely"}},
		{"refusals too far apart", "0 r-yard-in 100 refused\n11 r-yard-in 100 refused\n22 r-yard-in 100 refused",
			[]string{"physical.refused r-yard-in advice/suspected", "physical.refused r-yard-in advice/suspected", "physical.refused r-yard-in advice/suspected"}},
		{"refusals at several doors", "0 r-yard-in 100 refused\n1 r-crane 100 refused\n2 r-office 100 refused",
			[]string{"physical.refused r-yard-in advice/suspected", "physical.refused r-crane advice/suspected", "physical.refused r-office advice/suspected"}},
		{"three cards at one door", "0 r-crane 100 refused\n1 r-crane 200 refused\n2 r-crane 201 refused",
			[]string{"physical.refused r-crane advice/suspected", "physical.refused r-crane advice/suspected", "physical.refused r-crane warning/confirmed"}},
		{"late refusal counts in its window", "0 r-yard-in 100 refused\n4 r-yard-in 100 refused\n2 r-yard-in 100 refused",
			[]string{"physical.refused r-yard-in advice/suspected", "physical.refused r-yard-in advice/suspected", "physical.refused r-yard-in warning/likely"}},
		{"revoked badge opens", "0 r-yard-in 300 granted in", []string{"physical.revoked-badge 300 alarm/confirmed"}},
		{"revoked badge refused", "0 r-yard-in 300 refused", []string{"physical.revoked-badge 300 warning/likely"}},
		{"expired badge opens", "0 r-office 301 granted", []string{"physical.revoked-badge 301 alarm/confirmed"}},
		{"badge on its last day", "-540 r-office 301 granted", nil},
		{"off-area", "0 r-crane 100 granted in", []string{"physical.off-area 100 alarm/likely"}},
		{"off-area refused is the door at work", "0 r-crane 100 refused", []string{"physical.refused r-crane advice/suspected"}},
		{"right by the employer", "0 r-yard-in 100 granted in", nil},
		{"open area needs no right", "0 r-office 301 refused", []string{"physical.revoked-badge 301 advice/likely"}},
		{"forced door", "0 r-crane - forced", []string{"physical.forced-door r-crane alarm/likely"}},
		{"forced door of an open area", "0 r-office - forced", []string{"physical.forced-door r-office warning/likely"}},
		{"held door, then it works", "0 r-crane - held\n3 r-crane 200 granted in", []string{"physical.held-door r-crane warning/confirmed", "physical.held-door r-crane cleared"}},
		{"held door, and a late row from before", "2 r-crane - held\n1 r-crane 200 granted in", []string{"physical.held-door r-crane warning/confirmed"}},
		{"unknown badge opens", "0 r-yard-in 999 granted in", []string{"physical.unknown-badge 999 warning/likely"}},
		{"unknown badge refused", "0 r-yard-in 999 refused", []string{"physical.unknown-badge 999 advice/suspected", "physical.refused r-yard-in advice/suspected"}},
		{"unknown reader told once", "0 r-x 100 granted in\n1 r-x 100 granted in", []string{"physical.unknown-reader r-x advice/confirmed"}},
		{"seven kilometres in three minutes", "0 r-yard-in 100 granted in\n3 r-office 100 granted", []string{"physical.impossible-presence 100 warning/likely"}},
		{"seven kilometres in five minutes", "0 r-yard-in 100 granted in\n5 r-office 100 granted", nil},
		{"two cards of one person", "0 r-yard-in 200 granted in\n1 r-office 201 granted", nil},
		{"the same row twice", "0 r-yard-in 100 refused\n0 r-yard-in 100 refused\n0 r-yard-in 100 refused", []string{"physical.refused r-yard-in advice/suspected"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, told := watched(t, uses(t, tt.events))
			var got []string
			for _, o := range told {
				got = append(got, short(o))
				if o.Cleared {
					continue
				}
				if o.Title == "" || o.Summary == "" || len(o.Facts) == 0 || o.Facts[0].Evidence.Raw.Input != "badges.csv" || o.Time.IsZero() {
					t.Errorf("%s is told without title, summary, time or evidence: %+v", o.Rule, o)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFindingSaysWhatAGuardNeeds(t *testing.T) {
	_, told := watched(t, uses(t, "0 r-yard-in 300 granted in"))
	o := told[0]
	if o.Title != "Revoked badge of Bo Lind opened the yard gate" || o.Next[0] != "Look at Camera 1, which sees the door" {
		t.Errorf("title %q, first step %q", o.Title, o.Next[0])
	}
	if o.Facts[0].Text != "Bo Lind granted at the yard gate, in" || o.Place == nil || o.Place.Area != "yard" {
		t.Errorf("fact %q, place %+v", o.Facts[0].Text, o.Place)
	}
	_, told = watched(t, uses(t, "0 r-crane - forced"))
	if diff := cmp.Diff([]string{"quay"}, told[0].Services); diff != "" {
		t.Errorf("services behind the door:\n%s", diff)
	}
}

func TestRefusalsEndWhenItIsQuiet(t *testing.T) {
	var told []string
	w := New(load(t), Options{}, func(o finding.Occurrence) { told = append(told, short(o)+o.Time.Format(" 15:04")) })
	w.Observe(&event.Batch{Access: uses(t, "0 r-yard-in 100 refused")})
	w.Advance(eight.Add(30 * time.Minute))
	w.Advance(eight.Add(31 * time.Minute))
	w.Advance(eight.Add(90 * time.Minute))
	want := []string{"physical.refused r-yard-in advice/suspected 08:00", "physical.refused r-yard-in cleared 08:30"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

func TestPresence(t *testing.T) {
	tests := []struct {
		name, events string
		after        time.Duration
		want         []string
	}{
		{"in", "0 r-yard-in 100 granted in", 0, []string{"yard Ada Nkemelu allowed"}},
		{"in and out", "0 r-yard-in 100 granted in\n9 r-yard-out 100 granted out", 0, nil},
		{"inner area leaves the outer", "0 r-yard-in 200 granted in\n1 r-crane 200 granted in", 0, []string{"crane-house Ken Sato allowed (no exit reader)"}},
		{"out of the inner area is in the outer", "0 r-yard-in 200 granted in\n1 r-crane 200 granted in\n2 r-crane 200 granted out", 0, []string{"yard Ken Sato allowed"}},
		{"late row moves nobody", "5 r-yard-out 100 granted out\n0 r-yard-in 100 granted in", 0, nil},
		{"refused moves nobody", "0 r-yard-in 100 refused in", 0, nil},
		{"two cards of one person", "0 r-yard-in 200 granted in\n5 r-crane 201 granted in", 0, []string{"crane-house Ken Sato allowed (no exit reader)"}},
		{"not allowed", "0 r-crane 100 granted in", 0, []string{"crane-house Ada Nkemelu NOT allowed (no exit reader)"}},
		{"unknown badge", "0 r-yard-in 999 granted in", 0, []string{"yard badge 999 NOT allowed"}},
		{"no direction", "0 r-office 100 granted", 0, []string{"office Ada Nkemelu allowed (no exit reader; the reader tells no direction)"}},
		{"a long stay", "0 r-yard-in 100 granted in", 19 * time.Hour, []string{"yard Ada Nkemelu allowed (entered 19 h ago)"}},
		{"forgotten", "0 r-yard-in 100 granted in", 8 * 24 * time.Hour, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := watched(t, uses(t, tt.events))
			w.Advance(eight.Add(tt.after))
			var got []string
			for _, p := range w.Picture().Presence {
				text := p.Area + " " + p.Name + " allowed"
				if !p.Allowed {
					text = p.Area + " " + p.Name + " NOT allowed"
				}
				if p.Doubt != "" {
					text += " (" + p.Doubt + ")"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCountsAndReaders(t *testing.T) {
	w, _ := watched(t, uses(t, "0 r-crane 100 granted in\n1 r-crane 200 granted in\n2 r-x 100 granted in\n3 r-crane 100 refused"))
	pic := w.Picture()
	want := []AreaCount{{Area: "crane-house", Inside: 2, Doubtful: 2, NotAllowed: 1, Known: true}, {Area: "office"}, {Area: "yard"}}
	if diff := cmp.Diff(want, pic.Areas); diff != "" {
		t.Error(diff)
	}
	wantReaders := []ReaderState{
		{Reader: "r-crane", Area: "crane-house", Last: eight.Add(3 * time.Minute), Granted: 2, Refused: 1, Declared: true},
		{Reader: "r-office", Area: "office", Declared: true}, {Reader: "r-x", Last: eight.Add(2 * time.Minute), Granted: 1},
		{Reader: "r-yard-in", Area: "yard", Declared: true}, {Reader: "r-yard-out", Area: "yard", Declared: true},
	}
	if diff := cmp.Diff(wantReaders, pic.Readers); diff != "" {
		t.Error(diff)
	}
}

func TestReaderWithAClockFarAhead(t *testing.T) {
	events := uses(t, "0 r-yard-in 100 granted in\n1 r-yard-out 100 granted out")
	events[0].Time = events[0].Time.AddDate(1, 0, 0)
	w, _ := watched(t, events)
	if pic := w.Picture(); len(pic.Presence) != 0 || !pic.AsOf.Equal(eight.Add(time.Minute)) {
		t.Errorf("a row of next year hides the exit: %+v as of %v", pic.Presence, pic.AsOf)
	}
}

func TestExerciseStaysApart(t *testing.T) {
	events := uses(t, "0 r-yard-in 100 granted in\n1 r-yard-in 100 refused\n2 r-yard-in 100 refused\n3 r-yard-in 100 refused")
	for i := range events[1:] {
		events[i+1].Exercise = "ex-1"
	}
	events = append(events, uses(t, "4 r-yard-in 100 refused")...)
	w, told := watched(t, events)
	last := told[len(told)-1]
	if last.Exercise != "" || last.Grade != finding.Suspected {
		t.Errorf("the real refusal was counted with those of the exercise: %s in %q", short(last), last.Exercise)
	}
	if told[2].Exercise != "ex-1" || told[2].Grade != finding.Likely {
		t.Errorf("refusals of the exercise: %s in %q", short(told[2]), told[2].Exercise)
	}
	if pic := w.Picture(); pic.Areas[2].Inside != 1 {
		t.Errorf("%d inside the yard, want the one real person", pic.Areas[2].Inside)
	}
}

// TestEverybodyIsInOnePlace feeds any uses in any order.
func TestEverybodyIsInOnePlace(t *testing.T) {
	p := load(t)
	rapid.Check(t, func(t *rapid.T) {
		w := New(p, Options{}, func(o finding.Occurrence) {
			if !o.Cleared && (o.Grade == 0 || o.Severity == 0 || len(o.Facts) == 0) {
				t.Fatalf("told without grade, severity or facts: %+v", o)
			}
		})
		n := rapid.IntRange(1, 60).Draw(t, "uses")
		for i := range n {
			e := event.AccessEvent{
				Reader:    rapid.SampledFrom([]string{"r-yard-in", "r-yard-out", "r-crane", "r-office", "r-x"}).Draw(t, "reader"),
				Badge:     rapid.SampledFrom([]string{"100", "200", "201", "300", "999", ""}).Draw(t, "badge"),
				Result:    rapid.SampledFrom([]event.AccessResult{"granted", "refused", "forced", "held"}).Draw(t, "result"),
				Direction: rapid.SampledFrom([]string{"in", "out", ""}).Draw(t, "direction"),
			}
			e.Time = eight.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "minute")) * time.Minute)
			e.Raw.Line = int64(i)
			w.Observe(&event.Batch{Access: []event.AccessEvent{e}})
		}
		w.Advance(eight.Add(72 * time.Hour))
		pic := w.Picture()
		seen, inside := map[string]bool{}, 0
		for _, q := range pic.Presence {
			id := q.Party
			if id == "" {
				id = q.Badge
			}
			if seen[id] || q.Area == "" {
				t.Fatalf("%s is in two places, or nowhere: %+v", id, pic.Presence)
			}
			seen[id] = true
		}
		for _, c := range pic.Areas {
			inside += c.Inside
		}
		if inside != len(pic.Presence) {
			t.Fatalf("%d counted, %d listed", inside, len(pic.Presence))
		}
	})
}

func BenchmarkObserve(b *testing.B) {
	w := New(load(b), Options{}, func(finding.Occurrence) {})
	events := uses(b, "0 r-yard-in 100 granted in\n1 r-crane 200 granted in\n2 r-office 100 refused\n3 r-yard-out 100 granted out")
	i := 0
	for b.Loop() {
		i++
		for j := range events {
			events[j].Time = eight.Add(time.Duration(i*4+j) * time.Minute)
		}
		w.Observe(&event.Batch{Access: events})
	}
	b.ReportMetric(float64(b.N*len(events))/b.Elapsed().Seconds(), "events/s")
}

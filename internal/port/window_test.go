package port

import (
	"testing"
	"time"
)

// TestPatchWindow: the open one, else the next; over midnight; of the asset before
// that of its zone; and none where none is declared.
func TestPatchWindow(t *testing.T) {
	p, problems := Parse("p.yaml", []byte(`
port: {name: T, locode: ZZTST, time_zone: Europe/Lisbon, currency: EUR, security_level: 1, centre: [0, 50]}
zones: [{id: z, domain: ot, level: 1, patch_window: "Sun 02:00-06:00"}, {id: free, domain: ot, level: 1}]
assets:
  - {id: a, domain: ot, kind: plc, zone: z}
  - {id: b, domain: ot, kind: plc, zone: z, patch_window: "Tue 22:00-02:00, Thu 12:00-13:00"}
  - {id: c, domain: ot, kind: plc, zone: free}
`), today)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		loc, err := time.LoadLocation("Europe/Lisbon")
		if err != nil {
			t.Fatal(err)
		}
		x, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, c := range []struct{ asset, at, want string }{
		{"a", "2026-11-26 12:00", "Sun 2026-11-29 02:00 to 06:00"}, // a Thursday
		{"a", "2026-11-29 03:00", "Sun 2026-11-29 02:00 to 06:00"}, // it is open
		{"a", "2026-11-29 06:00", "Sun 2026-12-06 02:00 to 06:00"}, // it has just closed
		{"b", "2026-11-26 12:30", "Thu 2026-11-26 12:00 to 13:00"},
		{"b", "2026-11-26 13:30", "Tue 2026-12-01 22:00 to 02:00"},
		{"b", "2026-12-02 01:00", "Tue 2026-12-01 22:00 to 02:00"}, // over midnight
		{"b", "2026-12-02 02:00", "Thu 2026-12-03 12:00 to 13:00"},
	} {
		w, ok := p.PatchWindow(p.Asset(c.asset), at(c.at))
		if !ok || w.String() != c.want {
			t.Errorf("%s at %s: %s, want %s", c.asset, c.at, w, c.want)
		}
	}
	if w, ok := p.PatchWindow(p.Asset("c"), at("2026-11-26 12:00")); ok {
		t.Errorf("without one declared: %s", w)
	}
	if _, problems := Parse("p.yaml", []byte("zones: [{id: z, domain: ot, level: 1, patch_window: always}]"), today); problems.Err() == nil {
		t.Error("what is no window is taken")
	}
}

package health

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

var zero = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return zero.Add(time.Duration(seconds) * time.Second) }

// rig drives a watch and writes down what it tells.
type rig struct {
	*Watch
	told []string
	all  []finding.Occurrence
}

func newRig() *rig {
	r := &rig{}
	r.Watch = New(Options{}, func(o finding.Occurrence) {
		r.all = append(r.all, o)
		if o.Cleared {
			return // clears are read from the status; see cleared
		}
		r.told = append(r.told, fmt.Sprintf("%s %s %s @%d", o.Rule, o.Subject.ID, o.Severity, int(o.Time.Sub(zero).Seconds())))
	})
	return r
}

func (r *rig) row(source string, second int) {
	r.Observe(&event.Batch{Source: source, Access: []event.AccessEvent{{Head: event.Head{Time: at(second), Seen: at(second), Source: source}, Reader: "r"}}})
}

func (r *rig) account(source, state string, second int, change func(*event.SourceHealth)) {
	h := event.SourceHealth{Head: event.Head{Time: at(second), Seen: at(second), Source: source}, State: state}
	if change != nil {
		change(&h)
	}
	r.Observe(&event.Batch{Source: source, Health: []event.SourceHealth{h}})
}

// advance runs the clock as the system does, with the feed's own account every ten seconds.
func (r *rig) advance(from, to int) {
	for s := from; s <= to; s++ {
		r.Advance(at(s))
	}
}

func (r *rig) status(id string) string {
	for _, s := range r.Picture().Sources {
		if s.ID == id {
			return string(s.Status) + ": " + s.Why
		}
	}
	return "none"
}

func (r *rig) cleared(rule string) int {
	n := 0
	for _, o := range r.all {
		if o.Cleared && o.Rule == rule {
			n++
		}
	}
	return n
}

func TestSilence(t *testing.T) {
	live := func(h *event.SourceHealth) {}
	tests := []struct {
		name   string
		run    func(*rig)
		told   []string
		status string
	}{
		{"waiting, then silent", func(r *rig) { r.Declare("vms", "access", "physical", time.Minute); r.advance(0, 61) },
			[]string{"source.silent vms warning @61"}, "silent: nothing for 61 s, expected every 60 s"},
		{"waiting", func(r *rig) { r.Declare("vms", "access", "physical", time.Minute); r.advance(0, 60) }, nil, "waiting: configured, nothing heard yet"},
		{"waiting for ever where nothing is expected", func(r *rig) { r.Declare("vms", "access", "physical", 0); r.advance(0, 7200) }, nil, "waiting: configured, nothing heard yet"},
		{"speaks in time", func(r *rig) {
			r.Declare("vms", "access", "physical", time.Minute)
			for s := 0; s < 300; s += 50 {
				r.row("vms", s)
				r.advance(s, s+49)
			}
		}, nil, "live: "},
		{"falls silent though its feed lives", func(r *rig) {
			r.Declare("vms", "access", "physical", time.Minute)
			r.row("vms", 0)
			for s := 10; s <= 100; s += 10 {
				r.account("vms", "live", s, func(h *event.SourceHealth) { h.LastSeen, h.Accepted = at(0), 1 })
				r.advance(s, s+9)
			}
		}, []string{"source.silent vms warning @61"}, "silent: nothing for 109 s, expected every 60 s"},
		{"speaks again", func(r *rig) {
			r.Declare("vms", "access", "physical", time.Minute)
			r.row("vms", 0)
			r.advance(0, 90)
			r.row("vms", 91)
			r.advance(91, 100)
		}, []string{"source.silent vms warning @61"}, "live: "},
		{"lines that are all rejected are no silence", func(r *rig) {
			r.Declare("vms", "access", "physical", time.Minute)
			for s := 0; s <= 300; s += 10 {
				r.account("vms", "live", s, func(h *event.SourceHealth) { h.LastSeen, h.Rejected = at(s), 1 })
				r.advance(s, s+9)
			}
		}, nil, "live: "},
		{"a file that ended", func(r *rig) {
			r.Declare("vms", "access", "physical", time.Minute)
			r.row("vms", 0)
			r.account("vms", "ended", 1, live)
			r.advance(2, 7200)
		}, nil, "ended: read to its end"},
		{"the feed itself died", func(r *rig) { r.Declare("vms", "access", "physical", 0); r.row("vms", 0); r.advance(0, 100) },
			[]string{"source.silent vms warning @61"}, "silent: the feed itself has told nothing for 61 s, expected every 10 s"},
		{"an undeclared source is not judged", func(r *rig) { r.row("vms", 0); r.advance(0, 7200) }, nil, "live: "},
		{"expectation from the account", func(r *rig) {
			r.account("vms", "live", 0, func(h *event.SourceHealth) { h.Expect = 30 * time.Second })
			r.advance(0, 31)
		}, []string{"source.silent vms warning @31"}, "silent: nothing for 31 s, expected every 30 s"},
		{"failed", func(r *rig) {
			r.row("vms", 0)
			r.account("vms", "failed", 5, func(h *event.SourceHealth) { h.Error = "disk full" })
			r.account("vms", "failed", 15, func(h *event.SourceHealth) { h.Error = "disk full" })
		}, []string{"source.failed vms warning @5"}, "failed: failed: disk full"},
		{"failed and back", func(r *rig) {
			r.account("vms", "failed", 5, nil)
			r.account("vms", "live", 15, nil)
			r.row("vms", 16)
		}, []string{"source.failed vms warning @5"}, "live: "},
		{"connecting", func(r *rig) {
			r.account("vms", "connecting", 5, func(h *event.SourceHealth) { h.Error = "connection refused" })
		}, nil, "waiting: connecting: connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig()
			tt.run(r)
			if diff := cmp.Diff(tt.told, r.told); diff != "" {
				t.Error(diff)
			}
			if got := r.status("vms"); got != tt.status {
				t.Errorf("status %q, want %q", got, tt.status)
			}
			for _, o := range r.all {
				if !o.Cleared && (o.Title == "" || o.Summary == "" || len(o.Facts) == 0 || len(o.Unknown) == 0 || len(o.Next) == 0) {
					t.Errorf("%s is told without what a person needs: %+v", o.Rule, o)
				}
			}
		})
	}
}

func TestWhatWasToldEndsWhenItSpeaks(t *testing.T) {
	r := newRig()
	r.Declare("vms", "access", "physical", time.Minute)
	r.row("vms", 0)
	before := r.cleared(RuleSilent)
	r.advance(0, 90)
	r.row("vms", 91)
	if got := r.cleared(RuleSilent) - before; got != 1 {
		t.Errorf("silence ended %d times, want once", got)
	}
	r.account("vms", "failed", 100, nil)
	r.account("vms", "live", 110, nil)
	if r.cleared(RuleFailed) != 2 { // once at the first input, in case it was told before the start
		t.Errorf("failure ended %d times, want twice", r.cleared(RuleFailed))
	}
}

func TestRestartIsNoSilence(t *testing.T) {
	r := newRig()
	r.Declare("vms", "access", "physical", time.Minute)
	r.account("vms", "live", 0, func(h *event.SourceHealth) { h.Accepted, h.LastSeen = 500, at(0) })
	// The system was down for an hour; the new feed counts from nothing.
	r.account("vms", "live", 3600, nil)
	r.advance(3600, 3660)
	if len(r.told) != 0 {
		t.Errorf("an hour without the system was told as silence: %v", r.told)
	}
	r.advance(3661, 3661)
	if len(r.told) != 1 {
		t.Errorf("a minute of silence after the restart was not told: %v", r.told)
	}
}

func TestRejectedShare(t *testing.T) {
	count := func(accepted, rejected uint64) func(*event.SourceHealth) {
		return func(h *event.SourceHealth) {
			h.Accepted, h.Rejected = accepted, rejected
			h.Reasons = []event.Reason{{Text: "checksum does not match", Count: rejected, Last: event.Raw{Input: "ais.log", Line: 7}}}
		}
	}
	tests := []struct {
		name string
		run  func(*rig)
		told []string
	}{
		{"a few among many", func(r *rig) { r.account("ais", "ended", 1, count(100_000, 183)) }, nil},
		{"too few lines to say", func(r *rig) { r.account("ais", "live", 1, count(10, 30)) }, nil},
		{"a fifth", func(r *rig) { r.account("ais", "live", 1, count(80, 20)) }, []string{"source.rejecting ais advice @1"}},
		{"most", func(r *rig) { r.account("ais", "live", 1, count(20, 80)) }, []string{"source.rejecting ais warning @1"}},
		{"a short file", func(r *rig) { r.account("ais", "ended", 1, count(2, 18)) }, []string{"source.rejecting ais warning @1"}},
		{"told once", func(r *rig) {
			r.account("ais", "live", 1, count(20, 80))
			r.account("ais", "live", 11, count(40, 160))
		}, []string{"source.rejecting ais warning @1"}},
		{"a good day does not hide a bad minute", func(r *rig) {
			r.account("ais", "live", 1, count(1_000_000, 0))
			r.account("ais", "live", 11, count(1_000_020, 80))
		}, []string{"source.rejecting ais warning @11"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig()
			tt.run(r)
			if diff := cmp.Diff(tt.told, r.told); diff != "" {
				t.Error(diff)
			}
		})
	}
	r := newRig()
	r.account("ais", "live", 1, count(200, 1000))
	r.account("ais", "live", 11, count(2200, 1000))
	if r.cleared(RuleRejecting) != 1 {
		t.Error("a source that is read again is still told as rejecting")
	}
	if got := r.all[0].Facts[0].Text; got != "1000 × checksum does not match; last at ais.log line 7 (offset 0)" {
		t.Errorf("fact %q", got)
	}
}

func TestClockDrift(t *testing.T) {
	drift := func(d time.Duration) func(*event.SourceHealth) {
		return func(h *event.SourceHealth) { h.HasDrift, h.Drift, h.DriftFrom = true, d, "arrival" }
	}
	r := newRig()
	r.account("ais", "live", 1, drift(30*time.Second))
	r.account("ais", "live", 2, drift(-31*time.Second))
	r.account("ais", "live", 3, drift(20*time.Second))
	r.account("ais", "live", 4, drift(10*time.Second))
	r.account("ais", "live", 5, drift(time.Hour))
	want := []string{"source.clock-drift ais advice @2", "source.clock-drift ais warning @5"}
	if diff := cmp.Diff(want, r.told); diff != "" || r.cleared(RuleDrift) != 1 {
		t.Errorf("%s; ended %d times, want once", diff, r.cleared(RuleDrift))
	}
	if r.all[0].Title != "Clock of source ais is 31 s behind" {
		t.Errorf("title %q", r.all[0].Title)
	}
}

// TestSilentNeverLooksLive runs any course of events.
func TestSilentNeverLooksLive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig()
		const expect = 60
		r.Declare("s", "access", "physical", expect*time.Second)
		now, last, ended := 0, 0, false
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now += rapid.IntRange(0, 90).Draw(t, "seconds")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				r.row("s", now)
				last, ended = now, false
			case 1:
				r.account("s", "live", now, nil)
				if ended {
					ended = false
				}
			case 2:
				r.account("s", "failed", now, nil)
			}
			r.Advance(at(now))
			pic := r.Picture().Sources[0]
			if pic.Status == Live && now-last > expect {
				t.Fatalf("live at %d s, though last heard at %d s", now, last)
			}
		}
	})
}

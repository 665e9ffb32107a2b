package health

import (
	"strings"
	"testing"

	"github.com/quaywatch/quaywatch/internal/event"
)

// A source whose connection is lost is not live, whether or not a longest silence
// was declared for it: its feed goes on telling of itself, and of nothing else.
func TestLostConnectionIsSilence(t *testing.T) {
	r := newRig()
	r.Declare("ais-tower", "ais", "sea", 0)
	refused := func(h *event.SourceHealth) { h.Error = "connection refused" }
	account := func(state string, from, to int) {
		for s := from; s <= to; s++ {
			if s%10 == 0 {
				change := refused
				if state == "live" {
					change = nil
				}
				r.account("ais-tower", state, s, change)
			}
			r.Advance(at(s))
		}
	}
	r.row("ais-tower", 1)
	account("live", 1, 19)
	account("connecting", 20, 75)
	if got := r.status("ais-tower"); !strings.HasPrefix(got, "live") || len(r.told) > 0 {
		t.Fatalf("a short loss gave %q and %v", got, r.told)
	}
	account("connecting", 76, 200)
	if got := r.status("ais-tower"); !strings.Contains(got, "silent: no connection for") || !strings.Contains(got, "connection refused") {
		t.Fatalf("after three minutes without a connection the status is %q", got)
	}
	if len(r.told) != 1 || r.told[0] != "source.silent ais-tower warning @81" {
		t.Fatalf("told %v", r.told)
	}
	account("live", 201, 230)
	last := r.all[len(r.all)-1]
	if got := r.status("ais-tower"); !strings.HasPrefix(got, "live") || last.Rule != RuleSilent || !last.Cleared {
		t.Errorf("after the connection came back the status is %q, told last %+v", got, last)
	}
	if len(r.told) != 1 {
		t.Errorf("told %v", r.told)
	}
}

// With a declared silence that is over too, the connection alone is no news.
func TestConnectionAloneDoesNotEndADeclaredSilence(t *testing.T) {
	r := newRig()
	r.Declare("ais-tower", "ais", "sea", 0)
	r.row("ais-tower", 1)
	for s := 10; s <= 200; s += 10 {
		r.account("ais-tower", "connecting", s, func(h *event.SourceHealth) { h.Expect = 0 })
		r.advance(s, s+9)
	}
	r.Declare("ais-tower", "ais", "sea", 30e9)
	r.account("ais-tower", "live", 210, nil)
	r.advance(210, 215)
	if got := r.status("ais-tower"); !strings.HasPrefix(got, "silent") {
		t.Errorf("status %q", got)
	}
}

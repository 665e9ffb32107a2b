package health

import (
	"testing"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// What an earlier run told after its last row is not known to the run that reads
// those rows again. When all is well after the restart, it must end.
func TestFindingsOfBeforeARestartEnd(t *testing.T) {
	r := newRig()
	r.Declare("ais-tower", "ais", "sea", 0)
	good := func(second int) {
		r.row("ais-tower", second)
		r.account("ais-tower", "live", second, func(h *event.SourceHealth) {
			h.Accepted, h.LastSeen = uint64(100*second), at(second)
			h.HasDrift = true
		})
	}
	good(1) // warms up
	r.all = nil
	r.Restarted()
	good(2)
	for _, rule := range []string{RuleSilent, RuleFailed, RuleRejecting, RuleDrift} {
		if n := cleared(r.all, rule); n != 1 {
			t.Errorf("%s was ended %d times after the restart, want once", rule, n)
		}
	}
	r.all = nil
	good(3)
	if len(r.all) != 0 {
		t.Errorf("told again without a reason: %+v", r.all)
	}
}

// What goes on over a restart is told by the new run too.
func TestDriftThatGoesOnIsToldAfterARestart(t *testing.T) {
	r := newRig()
	late := func(second int) {
		r.account("ais-tower", "live", second, func(h *event.SourceHealth) { h.HasDrift, h.Drift = true, 3600e9 })
	}
	late(1)
	late(2)
	r.Restarted()
	r.told = nil
	late(3)
	late(4)
	if len(r.told) != 1 {
		t.Errorf("told %v, want the drift once", r.told)
	}
}

func cleared(all []finding.Occurrence, rule string) (n int) {
	for _, o := range all {
		if o.Rule == rule && o.Cleared {
			n++
		}
	}
	return n
}

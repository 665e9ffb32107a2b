package network

import (
	"slices"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// TestWhatIsNewAfterLearning: during the learning period nothing is new; then a
// talker, a service and an operation are told, once each. Time in which nobody
// listened teaches nothing.
func TestWhatIsNewAfterLearning(t *testing.T) {
	var told []finding.Occurrence
	w := New(load(t), Options{Learn: 2 * time.Hour}, func(o finding.Occurrence) { told = append(told, o) })
	now := epoch
	minute := func() {
		now = now.Add(time.Minute)
		w.Advance(now)
	}
	speak := func(from, to string, port uint16, app string) {
		f := flow(from, to, port, app, "read")
		f.Time, f.Last, f.Seen = now, now.Add(time.Second), now
		w.Observe(&event.Batch{Flows: []event.Flow{f}})
	}
	ask := func(from, operation string) {
		o := operated(from, "10.20.2.9", operation, "")
		o.Time, o.Last, o.Seen = now, now, now
		w.Observe(&event.Batch{Operations: []event.DeviceOperation{o}})
	}
	newRules := func() []string { return rules(told, RuleNewTalker, RuleNewService, RuleNewOperation) }
	for range 60 {
		speak("10.20.1.5", "10.20.2.9", 502, "modbus")
		ask("10.20.1.5", "write")
		minute()
	}
	speak("10.20.1.6", "10.20.2.9", 502, "modbus") // learned
	for range 3 * 60 {                             // nobody listens
		minute()
	}
	speak("10.20.1.7", "10.20.2.9", 502, "modbus") // learned too: only an hour was heard
	for range 70 {
		speak("10.20.1.5", "10.20.2.9", 502, "modbus")
		minute()
	}
	if got := newRules(); len(got) != 0 {
		t.Fatalf("told while learning: %q", got)
	}
	for range 2 {
		speak("10.20.1.5", "10.20.2.9", 502, "modbus")
		speak("10.20.1.6", "10.20.2.9", 502, "modbus")
		speak("10.20.1.8", "10.20.2.9", 502, "modbus")
		speak("10.20.1.5", "10.20.2.9", 80, "http")
		ask("10.20.1.5", "write")
		ask("10.20.1.5", "stop")
		speak("10.20.2.9", "10.10.1.1", 443, "tls") // the office has no such habits
		minute()
	}
	want := []string{"new-talker 10.20.1.8>plc-1", "new-service plc-1", "new-operation 10.20.1.5>plc-1"}
	if got := newRules(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

package network

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/freeze"
)

// life is a watch that can be killed and started again from its snapshot.
type life struct {
	*testing.T
	w    *Watch
	now  time.Time
	told []finding.Occurrence
	o    Options
	days int // learning_days of the zone of the controller
}

func (l *life) start(snapshot []byte) {
	l.Helper()
	p := load(l.T)
	p.Zone("cranes").LearningDays = l.days
	l.w = New(p, l.o, func(o finding.Occurrence) { l.told = append(l.told, o) })
	if snapshot == nil {
		return
	}
	if err := l.w.Restore(bytes.NewReader(snapshot)); err != nil {
		l.Fatal(err)
	}
}

func (l *life) save() []byte {
	l.Helper()
	var a, b bytes.Buffer
	if err := errors.Join(l.w.Save(&a), l.w.Save(&b)); err != nil {
		l.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		l.Error("the same state gave two snapshots")
	}
	return a.Bytes()
}

// batch is a minute of a plant: three clients poll the controller, of which one
// showed its MAC on its own segment before and one asks a write.
func (l *life) batch(clients ...string) {
	var b event.Batch
	for _, c := range clients {
		f := flow(c, "10.20.2.9", 502, "modbus", "read")
		f.Time, f.Last, f.Seen = l.now, l.now.Add(time.Second), l.now
		b.Flows = append(b.Flows, f)
		o := operated(c, "10.20.2.9", "write", "")
		o.Time, o.Last, o.Seen = l.now, l.now, l.now
		b.Operations = append(b.Operations, o)
	}
	l.w.Observe(&b)
	l.now = l.now.Add(time.Minute)
	l.w.Advance(l.now)
}

func (l *life) identity(serial string) {
	d := event.DeviceSighting{Head: event.Head{Source: "t", Time: l.now, Seen: l.now, Told: true}, IP: "10.20.2.9", Protocol: "s7comm", Serial: serial, Firmware: "1.0"}
	l.w.Observe(&event.Batch{Devices: []event.DeviceSighting{d}})
}

func (l *life) arp(mac, ip string) {
	l.w.Observe(&event.Batch{Devices: []event.DeviceSighting{{Head: event.Head{Source: "t", Time: l.now, Seen: l.now, Told: true}, MAC: mac, IP: ip, Protocol: "arp"}}})
}

func (l *life) news() []string { return rules(l.told, RuleNewTalker, RuleNewService, RuleNewOperation) }

// TestLearningOutlivesARestart: killed while it learns and after, the watch
// neither loses what it learned nor tells the usual as new, and what is new is
// told. What a device was before is known still.
func TestLearningOutlivesARestart(t *testing.T) {
	usual := []string{"10.20.1.5", "10.20.1.6", "10.20.1.7"}
	l := &life{T: t, now: epoch, o: Options{Learn: 2 * time.Hour}}
	l.start(nil)
	l.arp("00:1b:1b:00:00:06", "10.20.1.6") // its id is its MAC from now on
	l.identity("S1")
	for range 70 {
		l.batch(usual...)
	}
	l.start(l.save()) // killed in learning; 50 minutes are left
	for range 40 {
		l.batch("10.20.1.5", "10.20.1.6") // .7 is not heard after the restart
	}
	l.batch("10.20.1.8") // still learning
	for range 20 {
		l.batch("10.20.1.5")
	}
	if got := l.news(); len(got) != 0 {
		t.Fatalf("told while learning: %q", got)
	}
	snapshot := l.save() // and killed after it
	l.start(snapshot)
	for range 3 {
		l.batch(append(usual, "10.20.1.8")...)
	}
	if got := l.news(); len(got) != 0 {
		t.Fatalf("what was usual before the restart is told as new: %q", got)
	}
	l.batch("10.20.1.9")
	if got, want := l.news(), []string{"new-talker 10.20.1.9>plc-1", "new-operation 10.20.1.9>plc-1"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	l.identity("S2")
	if got := rules(l.told, RuleReplaced); !slices.Equal(got, []string{"replaced-device plc-1"}) {
		t.Errorf("another serial number than before the restart: %q", got)
	}
	if h := hostOf(l.w.Picture(), "10.20.1.7"); h == nil || h.Flows != 3 {
		t.Errorf("a device that spoke thrice since the restart: %+v", h)
	}
	// A damaged snapshot is refused and changes nothing.
	w := New(load(t), l.o, nil)
	if err := w.Restore(bytes.NewReader(snapshot[:len(snapshot)-40])); !errors.Is(err, freeze.ErrDamaged) || len(w.hosts.all()) != 0 {
		t.Errorf("cut off: %v", err)
	}
}

func hostOf(p Picture, ip string) *Host {
	for i := range p.Hosts {
		if slices.Contains(p.Hosts[i].IPs, ip) {
			return &p.Hosts[i]
		}
	}
	return nil
}

// TestLearningPeriodOfTheZone: the port file's period holds, and is told.
func TestLearningPeriodOfTheZone(t *testing.T) {
	l := &life{T: t, now: epoch, o: Options{Learn: time.Hour}, days: 1}
	l.start(nil)
	for range 23*60 + 50 {
		l.batch("10.20.1.5")
	}
	l.batch("10.20.1.6")
	for range 10 {
		l.batch("10.20.1.5")
	}
	if got := l.news(); len(got) != 0 {
		t.Fatalf("told within the day of learning: %q", got)
	}
	l.batch("10.20.1.7")
	if got := l.news(); len(got) != 2 {
		t.Fatalf("told after it: %q", got)
	}
	newest := l.told[slices.IndexFunc(l.told, func(o finding.Occurrence) bool { return o.Rule == RuleNewTalker })]
	if got, want := newest.Summary, "It did not happen before, in at least 1 day of listening, the learning period of the zone cranes."; got != want {
		t.Errorf("summary %q, want %q", got, want)
	}
}

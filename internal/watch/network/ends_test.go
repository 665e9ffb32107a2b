package network

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// others is a minute of allowed traffic of others: the sensor is alive.
func others(w *Watch, at time.Time) {
	w.Observe(&event.Batch{Flows: []event.Flow{with(flow("10.20.1.5", "10.20.2.9", 502, "modbus", "read"), func(f *event.Flow) {
		f.Time, f.Last, f.Seen = at, at.Add(time.Second), at.Add(time.Second)
	})}})
}

// listen lets time pass from a moment on with traffic of others.
func listen(w *Watch, from time.Time, d time.Duration) {
	for at := from; at.Before(from.Add(d)); at = at.Add(time.Minute) {
		others(w, at)
		w.Advance(at.Add(time.Minute))
	}
}

// deaf lets time pass without any traffic.
func deaf(w *Watch, from time.Time, d time.Duration) {
	for at := from; at.Before(from.Add(d)); at = at.Add(time.Minute) {
		w.Advance(at.Add(time.Minute))
	}
}

// rig is a watch with the findings that it gives, and the number of tellings.
type rig struct {
	*Watch
	found map[string]*finding.Finding // by rule and subject
	told  map[string]int
}

func newTestRig(t *testing.T) *rig {
	r := &rig{found: map[string]*finding.Finding{}, told: map[string]int{}}
	r.Watch = New(load(t), Options{}, func(o finding.Occurrence) {
		key := o.Rule + " " + o.Subject.ID
		r.told[key]++
		if f := r.found[key]; f != nil {
			f.Merge(o)
		} else if !o.Cleared {
			f := finding.New(o)
			r.found[key] = &f
		}
	})
	return r
}

func (r *rig) state(t *testing.T, key string, present bool) {
	t.Helper()
	f := r.found[key]
	if f == nil {
		t.Fatalf("no finding %s", key)
	}
	if f.Present != present {
		t.Errorf("%s present %t, want %t (last %s, gone %s)", key, f.Present, present, f.Last, f.Gone)
	}
}

// scanAt is a minute in which one client tries 25 addresses in vain.
func scanAt(at time.Time) *event.Batch {
	var b event.Batch
	for i := range 25 {
		b.Flows = append(b.Flows, with(flow("10.10.1.66", fmt.Sprintf("10.20.2.%d", 100+i), 502, ""), func(f *event.Flow) {
			nobody(f)
			f.Time, f.Last, f.Seen = at, at, at
			f.Raw.Offset = at.Unix() + int64(i)
		}))
	}
	return &b
}

const (
	scanKey     = RuleScan + " 10.10.1.66"
	strangerKey = RuleUnregistered + " 10.40.1.7"
	mismatchKey = RuleMismatch + " plc-1"
)

// One flow with a time of another century must neither silence the finding that
// it belongs to nor keep it for ever, whether its arrival is known or not.
func TestTimeFarInTheFuture(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrived bool
	}{{"live", true}, {"a recording", false}} {
		t.Run(c.name, func(t *testing.T) {
			r := newTestRig(t)
			tell := func(at, told time.Time) {
				r.Observe(&event.Batch{Flows: []event.Flow{with(flow("10.10.1.1", "10.20.2.9", 102, "s7comm"), func(f *event.Flow) {
					f.Time, f.Last, f.Seen, f.Told = told, told.Add(time.Second), at, true
					f.Raw.Offset = told.Unix()
					if !c.arrived {
						f.Seen = time.Time{}
					}
				})}})
			}
			tell(epoch, epoch.AddDate(73, 0, 0))
			key := ""
			for k := range r.found {
				if r.found[k].Rule == RuleUndeclared {
					key = k
				}
			}
			now := epoch
			for range 30 {
				tell(now, now)
				now = now.Add(time.Minute)
				r.Advance(now)
			}
			if n := r.told[key]; n < 6 {
				t.Errorf("half an hour of such traffic was told %d times, want every five minutes", n)
			}
			if !c.arrived {
				return // what a recording says of its time is all that is known
			}
			if f := r.found[key]; f.Last.After(now) {
				t.Errorf("last seen %s, which is still to come", f.Last)
			}
			listen(r.Watch, now, 90*time.Minute)
			r.state(t, key, false)
		})
	}
}

// While the sensor is dead nothing ends: nobody looked.
func TestNothingEndsUnheard(t *testing.T) {
	r := newTestRig(t)
	r.Observe(scanAt(epoch))
	r.Observe(&event.Batch{Flows: []event.Flow{flow("10.40.1.7", "10.20.2.9", 102, "s7comm")}})
	listen(r.Watch, epoch, 5*time.Minute)
	deaf(r.Watch, epoch.Add(5*time.Minute), 48*time.Hour)
	for key, f := range r.found {
		if !f.Present {
			t.Errorf("%s ended while nothing was heard", key)
		}
	}
	if len(r.found) < 3 {
		t.Errorf("%d findings, want a scan, undeclared traffic and an unregistered device", len(r.found))
	}
}

func TestScanEnds(t *testing.T) {
	r := newTestRig(t)
	r.Observe(scanAt(epoch))
	listen(r.Watch, epoch, 29*time.Minute)
	r.state(t, scanKey, true)
	listen(r.Watch, epoch.Add(29*time.Minute), 3*time.Minute)
	r.state(t, scanKey, false)
	r.Observe(scanAt(epoch.Add(time.Hour)))
	r.state(t, scanKey, true)
}

func TestUnregisteredDeviceEnds(t *testing.T) {
	sight := func(at time.Time) *event.Batch {
		return &event.Batch{Devices: []event.DeviceSighting{{Head: event.Head{Time: at, Seen: at, Source: "test"}, MAC: "ac:cc:8e:00:00:03", IP: "10.40.1.7", Protocol: "arp"}}}
	}
	r := newTestRig(t)
	r.Observe(sight(epoch))
	listen(r.Watch, epoch, 20*time.Hour)
	r.Observe(sight(epoch.Add(20 * time.Hour)))
	listen(r.Watch, epoch.Add(20*time.Hour), 23*time.Hour)
	r.state(t, strangerKey, true)
	listen(r.Watch, epoch.Add(43*time.Hour), 2*time.Hour)
	r.state(t, strangerKey, false)
	r.Observe(sight(epoch.Add(46 * time.Hour)))
	r.state(t, strangerKey, true)
}

func TestMismatchEndsWhenTheDeviceAgrees(t *testing.T) {
	say := func(minute int, serial string) *event.Batch {
		at := epoch.Add(time.Duration(minute) * time.Minute)
		return &event.Batch{Devices: []event.DeviceSighting{{Head: event.Head{Time: at, Source: "test", Raw: event.Raw{Offset: int64(minute)}},
			IP: "10.20.2.9", Protocol: "s7comm", Vendor: "Siemens", Serial: serial}}}
	}
	r := newTestRig(t)
	r.Observe(say(0, "S C-999"))
	listen(r.Watch, epoch, 30*time.Hour)
	r.state(t, mismatchKey, true) // silence is no agreement
	r.Observe(say(1801, "S C-123"))
	r.state(t, mismatchKey, false)
	r.Observe(say(1802, "S C-999"))
	r.state(t, mismatchKey, true)
}

// What an earlier run told ends in this one, under the same conditions.
func TestFindingsOfAnEarlierRunEnd(t *testing.T) {
	before := newTestRig(t)
	before.Observe(scanAt(epoch))
	before.Observe(&event.Batch{
		Flows: []event.Flow{flow("10.40.1.7", "10.20.2.9", 102, "s7comm")},
		Devices: []event.DeviceSighting{{Head: event.Head{Time: epoch, Source: "test"}, IP: "10.20.2.9", Protocol: "s7comm", Serial: "S C-999"},
			{Head: event.Head{Time: epoch, Source: "test"}, IP: "10.20.2.88", MAC: "ac:cc:8e:00:00:09", Protocol: "arp"}},
	})
	r := newTestRig(t)
	r.found = before.found
	var open []finding.Finding
	for _, f := range before.found {
		open = append(open, *f)
	}
	r.Resume(open)
	start := epoch.Add(3 * time.Hour)
	listen(r.Watch, start, 10*time.Minute)
	for key, f := range r.found {
		if !f.Present {
			t.Errorf("%s ended ten minutes after the restart", key)
		}
	}
	r.Observe(&event.Batch{Devices: []event.DeviceSighting{{Head: event.Head{Time: start, Source: "test"}, IP: "10.20.2.9", Protocol: "s7comm", Serial: "S C-123"}}})
	listen(r.Watch, start.Add(10*time.Minute), 25*time.Hour)
	left := map[string]bool{}
	for key, f := range r.found {
		if f.Present {
			left[key] = true
		}
	}
	if diff := cmp.Diff(map[string]bool{}, left); diff != "" {
		t.Error(diff)
	}
	if len(r.found) < 5 {
		t.Errorf("%d findings, want all rules: %v", len(r.found), r.found)
	}
}

// A device that was entered in the port file since is ended at the start.
func TestDeviceThatWasRegisteredSince(t *testing.T) {
	r := newTestRig(t)
	f := finding.New(finding.Occurrence{Rule: RuleUnregistered, Subject: finding.Subject{Kind: "host", ID: "10.20.2.9"}, Time: epoch, Grade: finding.Likely, Severity: finding.Advice})
	r.found[RuleUnregistered+" 10.20.2.9"] = &f
	r.Resume([]finding.Finding{f})
	r.Advance(epoch.Add(time.Hour))
	r.state(t, RuleUnregistered+" 10.20.2.9", false)
}

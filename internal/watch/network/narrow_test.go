package network

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/port"
)

// month plays traffic every five minutes over d, with a gap from the middle on.
func month(p *port.Port, d, gap time.Duration, flows ...event.Flow) *Watch {
	w := New(p, Options{}, nil)
	for at := time.Duration(0); at <= d; at += 5 * time.Minute {
		if at > d/2 && at < d/2+gap {
			continue
		}
		var b event.Batch
		for _, f := range flows {
			f.Time, f.Last, f.Seen = epoch.Add(at), epoch.Add(at).Add(time.Second), epoch.Add(at)
			b.Flows = append(b.Flows, f)
		}
		w.Observe(&b)
	}
	return w
}

func narrowed(w *Watch, days int, conduit string) Narrowing {
	for _, n := range w.Narrow(days) {
		if n.Conduit == conduit {
			return n
		}
	}
	return Narrowing{}
}

// TestNarrowLetsTheSameThrough: the proposal, put into the port file, gives every
// conversation the verdict that it had, and closes what was not used.
func TestNarrowLetsTheSameThrough(t *testing.T) {
	wide := strings.Replace(testPort, "allow: [{transport: tcp, ports: [502], application: modbus, access: read}]",
		"owner: ot, allow: [{transport: tcp, ports: [102, 500-600], access: read-write}, {transport: tcp, ports: [443]}]", 1) +
		"parties:\n  - {id: ot, name: OT, kind: team}\n"
	p := loadText(t, wide)
	traffic := []event.Flow{
		flow("10.20.1.5", "10.20.2.9", 502, "modbus", "read"), flow("10.20.1.6", "10.20.2.9", 503, "modbus", "identify", "read"),
		flow("10.20.1.5", "10.20.2.10", 510, "s7comm", "read", "write"), flow("10.10.1.1", "10.40.1.7", 554, "rtsp", "read"),
	}
	w := month(p, 31*24*time.Hour, 0, traffic...)
	n := narrowed(w, NarrowDays, "poll")
	const want = `- id: poll
  name: "Poll"
  from: scada
  to: cranes
  reason: "polling"
  owner: ot
  allow:
    - {transport: tcp, ports: [502-503], application: modbus, access: read}
    - {transport: tcp, ports: [510], application: s7comm, access: read-write}
`
	if n.Verdict != "narrower" || n.YAML != want || len(n.Clients) != 2 || len(n.Servers) != 2 || len(n.Unused) != 2 {
		t.Fatalf("got %+v\n%s\nwant\n%s", n, n.YAML, want)
	}
	start, end := strings.Index(wide, "  - {id: poll"), strings.Index(wide, "  - {id: video")
	q := loadText(t, wide[:start]+"  "+strings.ReplaceAll(strings.TrimSpace(n.YAML), "\n", "\n  ")+"\n"+wide[end:])
	for i := range traffic {
		f := &traffic[i]
		if got, _ := judge(q, f, newHosts(q, 9).broadcast); got.verdict != AllowedSeen {
			t.Errorf("%s:%d is %s under the proposal: %s", f.Server.IP, f.Server.Port, got.verdict, got.why)
		}
	}
	for _, f := range []event.Flow{flow("10.20.1.5", "10.20.2.9", 443, "tls"), flow("10.20.1.5", "10.20.2.9", 504, "modbus", "read"), flow("10.20.1.5", "10.20.2.9", 502, "modbus", "write")} {
		if got, _ := judge(q, &f, newHosts(q, 9).broadcast); got.verdict != Undeclared {
			t.Errorf("port %d, %v is %s under the proposal", f.Server.Port, f.Operations, got.verdict)
		}
	}
	if v := narrowed(w, NarrowDays, "video"); v.Verdict != "narrower" || len(v.Unused) != 1 || !strings.Contains(v.Unused[0], "8000-8100") {
		t.Errorf("video: %+v", v)
	}
}

// TestNarrowWithoutProof: where the listening proves nothing, nothing is proposed.
func TestNarrowWithoutProof(t *testing.T) {
	p := load(t)
	poll := flow("10.20.1.5", "10.20.2.9", 502, "modbus", "read")
	office := flow("10.10.1.1", "10.10.1.2", 445, "smb")
	cctv := flow("10.40.1.1", "10.40.1.2", 554, "rtsp")
	const days = 2
	for _, c := range []struct {
		name, conduit, verdict, why string
		w                           *Watch
	}{
		{"too short", "poll", "undecided", "2 days are needed", month(p, 47*time.Hour, 0, poll)},
		{"a gap", "poll", "undecided", "nothing was heard for 3h", month(p, 50*time.Hour, 3*time.Hour, poll)},
		{"nothing", "poll", "undecided", "no traffic was heard", New(p, Options{}, nil)},
		{"a zone that no sensor sees", "video", "undecided", "nothing of the zone cctv", month(p, 50*time.Hour, 0, poll, office)},
		{"ended", "old", "undecided", "ended on 2026-02-01", month(p, 50*time.Hour, 0, poll)},
		{"undecided traffic", "poll", "undecided", "undecided", month(p, 50*time.Hour, 0, poll, flow("10.20.1.5", "10.20.2.9", 502, ""))},
		{"unused", "video", "unused", "no traffic used it", month(p, 50*time.Hour, 0, poll, office, cctv)},
		{"tight", "poll", "tight", "as wide as", month(p, 50*time.Hour, 0, poll)},
	} {
		n := narrowed(c.w, days, c.conduit)
		if n.Verdict != c.verdict || !strings.Contains(n.Why, c.why) || n.YAML != "" {
			t.Errorf("%s: %+v", c.name, n)
		}
	}
}

// TestNarrowOne: asked for one conduit the answer is the one of the whole list, with
// the time of listening and what was asked of whom beside it.
func TestNarrowOne(t *testing.T) {
	w := month(loadText(t, testPort), 31*24*time.Hour, 0, flow("10.20.1.5", "10.20.2.9", 502, "modbus", "read", "identify"))
	one := w.Narrow(NarrowDays, "poll")
	if len(one) != 1 || !reflect.DeepEqual(one[0], narrowed(w, NarrowDays, "poll")) {
		t.Errorf("%+v", one)
	}
	if l := w.Listening(); l.Until.Sub(l.Since) < 31*24*time.Hour || l.Heard != l.Until.Sub(l.Since) {
		t.Errorf("%+v", l)
	}
	for _, u := range w.Picture().Uses {
		if u.Conduit == "poll" && u.Flows > 0 && !slices.Equal(u.Operations, []string{"identify", "read"}) {
			t.Errorf("asked: %v", u.Operations)
		}
	}
}

// TestAnsweredIsCounted: what was only tried is told apart from what was answered, and
// the example is one that was answered.
func TestAnsweredIsCounted(t *testing.T) {
	tried, done := flow("10.20.1.5", "10.20.2.9", 502, "modbus", "read"), flow("10.20.1.6", "10.20.2.10", 502, "modbus", "read")
	tried.Answered, done.Answered = false, true
	w := month(loadText(t, testPort), 10*time.Minute, 0, tried, done)
	for _, u := range w.Picture().Uses {
		if u.Conduit == "poll" && u.Flows > 0 && (u.Flows != 6 || u.Answered != 3 || u.Client != "10.20.1.6" || u.Server != "10.20.2.10" || u.Example != "10.20.1.6 → 10.20.2.10:502") {
			t.Errorf("%+v", u)
		}
	}
}

// TestNarrowBesideUndecided: undecided traffic makes each conduit undecided that may
// have carried it, whichever of them it was told of, and so does traffic of which it
// was not seen who opened it.
func TestNarrowBesideUndecided(t *testing.T) {
	twins := strings.Replace(testPort, "  - {id: video", `  - {id: twin, name: Twin, from: scada, to: cranes, reason: r, allow: [{transport: tcp, ports: [502], application: modbus}, {transport: tcp, ports: [443], application: tls}]}
  - {id: far, name: Far, from: scada, to: cranes, reason: r, allow: [{transport: tcp, ports: [102], application: s7comm}]}
  - {id: video`, 1)
	p := loadText(t, twins)
	w := month(p, 50*time.Hour, 0, flow("10.20.1.5", "10.20.2.9", 502, ""))
	for conduit, want := range map[string]string{"poll": "undecided", "twin": "undecided", "far": "unused"} {
		if n := narrowed(w, 2, conduit); n.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", conduit, n.Verdict, n.Why, want)
		}
	}
	back := flow("10.20.2.9", "10.20.1.5", 40000, "modbus", "read")
	back.Client.Port, back.Direction = 502, event.DirectionUnknown
	w = month(p, 50*time.Hour, 0, back)
	if n := narrowed(w, 2, "poll"); n.Verdict != "undecided" {
		t.Errorf("nobody saw who opened it: %s (%s)", n.Verdict, n.Why)
	}
}

// TestNarrowManyPairs: where the table of pairs was full, the figures are least ones.
func TestNarrowManyPairs(t *testing.T) {
	p := loadText(t, strings.Replace(testPort, "allow: [{transport: tcp, ports: [502], application: modbus, access: read}]", "allow: [{transport: tcp, ports: [102, 502]}]", 1))
	w := month(p, 50*time.Hour, 0, flow("10.20.1.5", "10.20.2.9", 502, "modbus", "read"))
	for k, r := range w.uses.rows {
		if k.conduit == "poll" {
			for i := range maxPeers {
				r.pairs[fmt.Sprintf("10.20.1.%d 10.20.2.%d", i%250, i/250)] = true
			}
		}
	}
	if n := narrowed(w, 2, "poll"); n.Verdict != "narrower" || !strings.HasPrefix(n.Why, "at least ") {
		t.Errorf("%+v", n)
	}
}

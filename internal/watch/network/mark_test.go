package network

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quaywatch/quaywatch/internal/event"
)

func minute(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }

// at moves a flow.
func (p placed) at(minutes int) event.Flow {
	f := event.Flow(p)
	f.Time, f.Last, f.Seen = minute(minutes), minute(minutes).Add(time.Second), minute(minutes)
	return f
}

type placed event.Flow

// history lists the marks of a device in short: kind, name, value, from and to in minutes.
func history(w *Watch, id string, kinds ...string) []string {
	list, _, _ := w.Marks(id)
	var out []string
	for _, m := range list {
		if slices.Contains(kinds, m.Kind) {
			out = append(out, fmt.Sprintf("%s %s %d-%d %d", m.Name, m.Value, int(m.First.Sub(epoch).Minutes()), int(m.Last.Sub(epoch).Minutes()), m.Evidence.Raw.Line))
		}
	}
	return out
}

func newsOf(n Newly) []string {
	var out []string
	for _, r := range n.Rows {
		out = append(out, fmt.Sprintf("%d %s %s %s", int(r.Time.Sub(epoch).Minutes()), r.Kind, r.Host, r.Text))
	}
	return out
}

// newsText is the text of a row in short.
func newsText(row string) string { return strings.SplitN(row, " ", 4)[3] }

// TestHistoryOfIdentity: which firmware a device told from when to when, with the
// observation that says so first, whatever the order of the rows.
func TestHistoryOfIdentity(t *testing.T) {
	const address = "10.20.2.50"
	v := func(minutes int, version string) event.DeviceSighting {
		return plateOf(minutes, "", address, "S1", version)
	}
	for name, c := range map[string]struct {
		rows []event.DeviceSighting
		want []string
	}{
		"one":             {[]event.DeviceSighting{v(5, "1"), v(0, "1"), v(9, "1")}, []string{"firmware 1 0-9 1"}},
		"changed":         {[]event.DeviceSighting{v(0, "1"), v(5, "2"), v(9, "2")}, []string{"firmware 2 5-9 6", "firmware 1 0-0 1"}},
		"and back":        {[]event.DeviceSighting{v(0, "1"), v(5, "2"), v(9, "1")}, []string{"firmware 1 9-9 10", "firmware 2 5-5 6", "firmware 1 0-0 1"}},
		"read again":      {[]event.DeviceSighting{v(0, "1"), v(5, "2"), v(9, "1"), v(0, "1"), v(5, "2"), v(9, "1")}, []string{"firmware 1 9-9 10", "firmware 2 5-5 6", "firmware 1 0-0 1"}},
		"late":            {[]event.DeviceSighting{v(0, "1"), v(9, "2"), v(5, "2")}, []string{"firmware 2 5-9 6", "firmware 1 0-0 1"}},
		"late, between":   {[]event.DeviceSighting{v(0, "1"), v(9, "1"), v(5, "2")}, []string{"firmware 1 0-9 1"}},
		"late, the first": {[]event.DeviceSighting{v(5, "2"), v(0, "1")}, []string{"firmware 2 5-5 6", "firmware 1 0-0 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := run(t, load(t), event.Batch{Devices: c.rows})
			var got []string
			for _, s := range history(w, "ip:"+address, MarkIdentity) {
				if strings.HasPrefix(s, "firmware") {
					got = append(got, s)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	var many []event.DeviceSighting
	for i := range 3 * maxSpells {
		many = append(many, v(i, fmt.Sprint(i)))
	}
	w, _ := run(t, load(t), event.Batch{Devices: many})
	got := history(w, "ip:"+address, MarkIdentity)
	if len(got) != maxSpells+1 || got[0] != "firmware 95 95-95 96" || w.hosts.marked != maxSpells+1 {
		t.Errorf("%d marks are kept, %d counted, the newest %q", len(got), w.hosts.marked, got[0])
	}
}

// TestNewSince lists what is new since a moment, and what is not.
func TestNewSince(t *testing.T) {
	const plc, hmi, office = "10.20.2.9", "10.20.2.8", "10.30.1.7"
	poll := placed(flow(hmi, plc, 502, "modbus", "read"))
	unknown := placed(flow(hmi, plc, 502, "", ""))
	web := placed(flow(office, plc, 80, "http", ""))
	out := placed(flow(plc, "203.0.113.9", 443, "tls", ""))
	lost := placed(flow(office, plc, 102, "s7comm", "write"))
	lost.Direction = event.DirectionUnknown
	mute := placed(flow(office, plc, 22, "ssh", ""))
	mute.Answered = false
	op := operated(hmi, plc, "write", "")
	op.Time, op.Last, op.Seen = minute(70), minute(70), minute(70)
	b := event.Batch{
		Flows: []event.Flow{unknown.at(0), poll.at(10), poll.at(65), placed(flow(office, hmi, 22, "ssh", "")).at(1), web.at(66), out.at(67), lost.at(68), mute.at(69),
			placed(flow("10.20.2.77", hmi, 102, "s7comm", "read")).at(71)},
		Devices:    []event.DeviceSighting{plateOf(2, "", plc, "S1", "1"), plateOf(72, "", plc, "S1", "2")},
		Operations: []event.DeviceOperation{op},
	}
	w, _ := run(t, load(t), b)
	want := []string{
		"72 changed ip:10.20.2.9 says firmware 2 over s7comm, and said 1 before",
		"71 device ip:10.20.2.77 is seen for the first time: 10.20.2.77",
		"71 conversation ip:10.20.2.8 answers 10.20.2.77 on tcp/102 s7comm",
		"71 service ip:10.20.2.8 answers on tcp/102, s7comm",
		"70 operation ip:10.20.2.9 was asked write by 10.20.2.8 over modbus",
		"67 conversation ip:10.20.2.9 speaks with 203.0.113.9 on tcp/443 tls",
		"66 conversation ip:10.20.2.9 answers 10.30.1.7 on tcp/80 http",
		"66 service ip:10.20.2.9 answers on tcp/80, http",
	}
	n := w.NewSince(NewsQuery{Since: minute(60)})
	if diff := cmp.Diff(want, newsOf(n)); diff != "" {
		t.Error(diff)
	}
	if n.From.After(minute(1)) || n.Total != len(want) || n.Rows[0].Was != "1" || n.Rows[6].Mark.Verdict != Undeclared {
		t.Errorf("%+v", n.Rows[6])
	}
	if n := w.NewSince(NewsQuery{Since: minute(73)}); len(n.Rows) != 0 {
		t.Errorf("after everything: %q", newsOf(n))
	}

	if n := w.NewSince(NewsQuery{Since: minute(60), Kind: MarkConversation, Zone: "cranes", From: 1, Limit: 1}); n.Total != 3 || len(n.Rows) != 1 || n.Rows[0].Text != newsText(want[5]) || n.Counts[NewsChanged] != 1 {
		t.Errorf("one page of one kind: %+v", n)
	}

	// After a restart the answer is the same, and reading the rows again changes nothing.
	var snapshot bytes.Buffer
	if err := w.Save(&snapshot); err != nil {
		t.Fatal(err)
	}
	again := New(load(t), Options{}, nil)
	if err := again.Restore(&snapshot); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, newsOf(again.NewSince(NewsQuery{Since: minute(60)}))); diff != "" {
		t.Errorf("after a restart, before anybody speaks: %s", diff)
	}
	late := event.Batch{Flows: b.Flows[4:], Devices: b.Devices[1:], Operations: b.Operations}
	again.Observe(&late)
	if diff := cmp.Diff(want, newsOf(again.NewSince(NewsQuery{Since: minute(60)}))); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
	if n := again.NewSince(NewsQuery{Since: minute(60)}); n.From.After(minute(1)) {
		t.Errorf("after a restart the watch knows of nothing before %v", n.From)
	}
}

// TestNewSinceSilence: a device that was heard after the moment and is not any more,
// while others are, is silent; where nobody listened nothing is.
func TestNewSinceSilence(t *testing.T) {
	a, b := placed(flow("10.20.2.8", "10.20.2.9", 502, "modbus", "read")), placed(flow("10.20.2.7", "10.20.2.6", 502, "modbus", "read"))
	silent := func(rows ...event.Flow) []string {
		w, _ := run(t, load(t), event.Batch{Flows: rows})
		var out []string
		for _, r := range w.NewSince(NewsQuery{Since: minute(5)}).Rows {
			if r.Kind == NewsSilent {
				out = append(out, r.Host)
			}
		}
		return out
	}
	rows := []event.Flow{a.at(0), b.at(0), a.at(10), b.at(10)}
	for m := 15; m <= 75; m += 5 {
		rows = append(rows, a.at(m))
	}
	if got, want := silent(rows...), []string{"ip:10.20.2.6", "ip:10.20.2.7"}; !slices.Equal(got, want) {
		t.Errorf("silent are %q, want %q", got, want)
	}
	if got := silent(a.at(0), b.at(0), a.at(10), b.at(10), a.at(500)); len(got) != 0 {
		t.Errorf("nobody listened, and silent are %q", got)
	}
}

// TestMarksAreBounded: a device with too many clients says that there are more, and a
// device that is forgotten gives its room back.
func TestMarksAreBounded(t *testing.T) {
	var b event.Batch
	for i := range maxMarks + 50 {
		b.Flows = append(b.Flows, placed(flow(fmt.Sprintf("10.30.%d.%d", 1+i/200, 1+i%200), "10.20.2.9", 502, "modbus", "read")).at(i))
	}
	w, _ := run(t, load(t), b)
	if list, full, known := w.Marks("ip:10.20.2.9"); !known || !full || len(list) != maxMarks {
		t.Errorf("%d marks, full %v, known %v", len(list), full, known)
	}
	if n := w.NewSince(NewsQuery{Since: minute(0)}); n.Full != 1 {
		t.Errorf("%d devices say that there is more", n.Full)
	}
	if _, _, known := w.Marks("ip:10.9.9.9"); known {
		t.Error("a device is known that was never seen")
	}
	small := New(nil, Options{MaxHosts: 20}, nil)
	for i := range 400 {
		small.Observe(&event.Batch{Flows: []event.Flow{placed(flow(fmt.Sprintf("10.1.%d.1", i%200), fmt.Sprintf("10.1.%d.2", i%200), 502, "modbus", "read")).at(i)}})
	}
	kept := 0
	for _, h := range small.hosts.all() {
		kept += len(h.marks.rows)
	}
	if small.hosts.lost == 0 || small.hosts.marked != kept {
		t.Errorf("%d marks are counted of %d, %d devices were forgotten", small.hosts.marked, kept, small.hosts.lost)
	}
}

// TestGaps: times without any row are gaps, to ten minutes, the longest first; rows that
// come late or again spoil nothing, and a restart forgets none.
func TestGaps(t *testing.T) {
	at := func(minutes ...int) []event.Flow {
		var out []event.Flow
		for _, m := range minutes {
			out = append(out, placed(flow("10.20.2.8", "10.20.2.9", 502, "modbus", "read")).at(m))
		}
		return out
	}
	for name, c := range map[string]struct {
		rows []event.Flow
		want []string
	}{
		"none":             {at(0, 10, 20, 30), nil},
		"two":              {at(0, 40, 50, 130), []string{"60-130", "10-40"}},
		"late, and again":  {at(130, 0, 50, 40, 0, 130), []string{"60-130", "10-40"}},
		"filled by a late": {at(0, 40, 10, 20, 30), nil},
		"before since":     {at(0, 200, 210), []string{"100-200"}},
	} {
		since := minute(0)
		if name == "before since" {
			since = minute(100)
		}
		w, _ := run(t, load(t), event.Batch{Flows: c.rows})
		var snapshot bytes.Buffer
		if err := w.Save(&snapshot); err != nil {
			t.Fatal(err)
		}
		again := New(load(t), Options{}, nil)
		if err := again.Restore(&snapshot); err != nil {
			t.Fatal(err)
		}
		again.Observe(&event.Batch{Flows: c.rows[len(c.rows)-1:]})
		for _, w := range []*Watch{w, again} {
			n := w.NewSince(NewsQuery{Since: since})
			var got []string
			for _, g := range n.Gaps {
				got = append(got, fmt.Sprintf("%d-%d", int(g.From.Sub(epoch).Minutes()), int(g.To.Sub(epoch).Minutes())))
			}
			if w == again && name != "none" && name != "filled by a late" && c.rows[len(c.rows)-1].Time.Before(minute(100)) {
				continue // the newest row is not known again
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
	}
}

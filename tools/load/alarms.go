package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// The reports after a jump that raise the grade (docs/manual/vessels.md): one
// sighting is suspected, the second likely, the fourth confirmed, which is an alarm.
var raises = map[string]int{"suspected": 0, "likely": 1, "confirmed": 3}

// alarms are the delays of the alarms on each way out.
type alarms struct {
	sea *sea

	mu      sync.Mutex
	api     map[string][]time.Duration // by grade: from the sentence to the event of the API
	console map[string][]time.Duration // from the sentence to the list of findings that an open page has read anew
	waiting []change                   // told by the API, of which the console has not hinted yet
	unseen  int                        // alarms that the list then did not show
	strange map[string]int             // findings that nobody made, by rule and grade
}

// change is one grade of one finding.
type change struct {
	id    string
	grade string
	sent  time.Time
}

func newAlarms(s *sea) *alarms {
	return &alarms{sea: s, api: map[string][]time.Duration{}, console: map[string][]time.Duration{}, strange: map[string]int{}}
}

// events reads server-sent events and hands each to take.
func events(body io.ReadCloser, take func(name, data string)) {
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 4<<20)
	name, data := "", ""
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "event: "):
			name = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		case line == "" && name != "":
			take(name, data)
			name, data = "", ""
		}
	}
}

// listen opens the streams of the API and of the console.
func (p *program) listen(ctx context.Context, a *alarms) error {
	api, err := p.get(ctx, "/api/v1/events")
	if err != nil {
		return err
	}
	page, err := p.get(ctx, "/live")
	if err != nil {
		return err
	}
	sea, err := p.get(ctx, "/api/v1/vessels/live?every=1")
	if err != nil {
		return err
	}
	go events(api, a.finding)
	go events(page, func(name, _ string) {
		if name == "findings" {
			a.page(ctx, p)
		}
	})
	go events(sea, func(string, string) {}) // a client of the stream of vessels is part of the load
	return nil
}

// finding takes an event of the API.
func (a *alarms) finding(name, data string) {
	now := time.Now()
	if name != "finding" {
		return
	}
	var e struct {
		ID      string
		Rule    string
		Grade   string
		Present bool
		Change  string
		Subject struct{ ID string }
	}
	if err := json.Unmarshal([]byte(data), &e); err != nil || !e.Present || e.Change != "raised" && e.Change != "regraded" {
		return
	}
	var mmsi uint32
	_, err := fmt.Sscanf(e.Subject.ID, "mmsi:%d", &mmsi)
	sent, known := a.sea.report(mmsi, raises[e.Grade])
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, made := a.sea.report(mmsi, 0); made && e.Rule != "vessel.impossible-movement" {
		return // another rule about a vessel that jumped: it did
	}
	if err != nil || !known {
		a.strange[e.Rule+" "+e.Grade]++
		return
	}
	a.api[e.Grade] = append(a.api[e.Grade], now.Sub(sent))
	a.waiting = append(a.waiting, change{e.ID, e.Grade, sent})
}

// page does what an open page does when it is told that findings changed: it
// reads its list anew. What was told before is then to be seen.
func (a *alarms) page(ctx context.Context, p *program) {
	a.mu.Lock()
	told := a.waiting
	a.waiting = nil
	a.mu.Unlock()
	body, err := p.text(ctx, "/findings")
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range told {
		a.console[c.grade] = append(a.console[c.grade], now.Sub(c.sent))
		if c.grade == "confirmed" && (err != nil || !bytes.Contains(body, []byte(c.id))) {
			a.unseen++
		}
	}
}

// quantile is the q part of the delays, in milliseconds.
func quantile(d []time.Duration, q float64) float64 {
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	return float64(d[min(int(q*float64(len(d))), len(d)-1)].Microseconds()) / 1000
}

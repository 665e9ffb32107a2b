package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// Bounds of the live link.
const (
	liveClients = 256             // at once; more are told to come back
	livePace    = time.Second     // changes of pictures are told at most this often, however many there were
	alarmPace   = time.Second / 2 // and changes of findings, for which somebody waits
	alarmGather = time.Second / 10
	liveTick    = 5 * time.Second // the server's clock, so that a page knows that the link stands
	liveWrite   = 10 * time.Second
)

// live tells open pages that something changed, never what: a page then asks
// for its own parts again, as the reader may see them. One goroutine serves all
// pages; it starts with the first and ends with the last. A burst of changes
// costs each page one update a second of the pictures, and two of the findings;
// a single alarm is told in a tenth of a second.
type live struct {
	d Deps

	mu      sync.Mutex
	clients map[chan string]bool
	stop    context.CancelFunc
}

func newLive(d Deps) *live { return &live{d: d, clients: map[chan string]bool{}} }

// join adds a listener; false when there are too many.
func (l *live) join() (chan string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.clients) >= liveClients {
		return nil, false
	}
	// Names of topics, not changes: a listener that is slower than the bound
	// misses a hint that the next one repeats.
	ch := make(chan string, 16)
	l.clients[ch] = true
	if len(l.clients) == 1 {
		var ctx context.Context
		ctx, l.stop = context.WithCancel(context.Background())
		changes, end := l.d.Desk.Subscribe()
		go l.run(ctx, changes, end)
	}
	return ch, true
}

func (l *live) leave(ch chan string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.clients, ch)
	if len(l.clients) == 0 && l.stop != nil {
		l.stop()
		l.stop = nil
	}
}

func (l *live) tell(message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ch := range l.clients {
		select {
		case ch <- message:
		default:
		}
	}
}

// run tells findings soon after they change, and looks once a second at what
// else has changed.
func (l *live) run(ctx context.Context, changes <-chan finding.Event, end func()) {
	defer end()
	pace := time.NewTicker(livePace)
	defer pace.Stop()
	var seen marks
	seen.changed(l.d)        // as the pages were drawn
	var due <-chan time.Time // findings have changed and are told then
	var toldAt, last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-changes:
			if !ok {
				changes = nil // the register is closing; the clock goes on
				continue
			}
			if due == nil {
				due = time.After(max(alarmGather, time.Until(toldAt.Add(alarmPace))))
			}
		case toldAt = <-due:
			due = nil
			l.tell(message("findings", "changed"))
		case at := <-pace.C:
			for _, topic := range seen.changed(l.d) {
				l.tell(message(topic, "changed"))
			}
			if at.Sub(last) >= liveTick {
				l.tell(message("tick", fmt.Sprint(l.d.Now().UnixMilli())))
				last = at
			}
		}
	}
}

// marks are the ages of the pictures that were last told.
type marks struct{ vessels, network, physical, health time.Time }

// changed lists the pictures that are newer than the marks and moves the marks.
func (m *marks) changed(d Deps) []string {
	var out []string
	look := func(topic string, mark *time.Time, at time.Time) {
		if !at.Equal(*mark) {
			*mark = at
			out = append(out, topic)
		}
	}
	look("vessels", &m.vessels, d.Vessels().AsOf)
	look("network", &m.network, d.Network().AsOf)
	look("physical", &m.physical, d.Physical().AsOf)
	look("sources", &m.health, d.Health().AsOf)
	return out
}

// token writes the marks into the address of a page's live link.
func (m marks) token() string {
	at := func(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 36) }
	return at(m.vessels) + "." + at(m.network) + "." + at(m.physical) + "." + at(m.health)
}

// missed lists what has changed since a page was drawn, by the token that the
// page carries: between its drawing and its link, or while the link was down.
// Of findings no age is kept, so they are always told. A request without a
// token is of no page and missed nothing; a token that is not ours counts as
// older than everything.
func missed(d Deps, token string) []string {
	if token == "" {
		return nil
	}
	out := []string{"findings"}
	var now marks
	topics := now.changed(d)
	was, is := strings.Split(token, "."), strings.Split(now.token(), ".")
	for i, topic := range []string{"vessels", "network", "physical", "sources"} {
		if slices.Contains(topics, topic) && (len(was) != len(is) || was[i] != is[i]) {
			out = append(out, topic)
		}
	}
	return out
}

// message is one server-sent event (WHATWG HTML 9.2).
func message(event, data string) string { return "event: " + event + "\ndata: " + data + "\n\n" }

// ServeHTTP streams until the page goes away.
func (l *live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ch, ok := l.join()
	if !ok {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "too many open pages", http.StatusServiceUnavailable)
		return
	}
	defer l.leave(ch)
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	send := func(s string) bool {
		_ = control.SetWriteDeadline(time.Now().Add(liveWrite)) // not every writer has one
		if _, err := w.Write([]byte(s)); err != nil {
			return false
		}
		return control.Flush() == nil
	}
	if !send("retry: 2000\n\n" + message("tick", fmt.Sprint(l.d.Now().UnixMilli()))) {
		return
	}
	for _, topic := range missed(l.d, r.URL.Query().Get("since")) {
		if !send(message(topic, "changed")) {
			return
		}
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case s := <-ch:
			if !send(s) {
				return
			}
		}
	}
}

package system

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/ais"
	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/datadir"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// said collects what the program tells the person at the terminal.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// running is a system under way, as a person and a script meet it: over HTTP.
type running struct {
	t       *testing.T
	s       *System
	address string
	told    *said
	client  *http.Client
	stop    func() error // ends it as SIGTERM does and waits
}

// start opens and runs a system and waits for its address.
func start(t *testing.T, cfg *config.Config) *running {
	t.Helper()
	s, err := Open(t.Context(), cfg, Options{Command: "serve", Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, s: s, told: &said{}}
	ctx, cancel := context.WithCancel(t.Context())
	listening, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		err := s.Run(ctx, RunOptions{Told: r.told, Listening: func(address string) { listening <- address }})
		ended <- errors.Join(err, s.Close())
	}()
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(20 * time.Second):
			return errors.New("the system does not end within 20 s")
		}
	})
	t.Cleanup(func() { _ = r.stop() })
	select {
	case r.address = <-listening:
	case err := <-ended:
		t.Fatalf("the system ended: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("the system does not listen within 30 s")
	}
	r.client = r.browser()
	return r
}

// browser is a client with cookies of its own that follows no redirect.
func (r *running) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// post sends a form and returns the status and where it leads.
func (r *running) post(c *http.Client, path string, form url.Values) (int, string) {
	r.t.Helper()
	res, err := c.PostForm(r.address+path, form)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode, res.Header.Get("Location")
}

// get reads an address and returns status and body.
func (r *running) get(path string) (int, string) {
	r.t.Helper()
	res, err := r.client.Get(r.address + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// findings lists the findings of a rule through the API.
func (r *running) findings(rule string) []finding.Finding {
	r.t.Helper()
	status, body := r.get("/api/v1/findings?limit=100&rule=" + rule)
	var list struct{ Items []finding.Finding }
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != http.StatusOK {
		r.t.Fatalf("findings: %d %v: %.300s", status, err, body)
	}
	return list.Items
}

// eventually asks again and again until yes, or fails at the deadline.
func eventually(t *testing.T, what string, limit time.Duration, yes func() bool) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(limit)
	for !yes() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

const livePassword = "correct horse battery staple 7"

// livePort is a system over a growing badge file and an AIS feed over TCP.
func livePort(t *testing.T) (*config.Config, *aisFeed, string) {
	t.Helper()
	feed, err := listenAIS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = feed.Close() })
	go feed.accept()
	dir := t.TempDir()
	doors := write(t, dir, "doors.csv", []byte("time,reader,badge,person,result,direction,reason\n"))
	cfg, err := config.Parse(filepath.Join(dir, "quaywatch.yaml"), fmt.Appendf(nil, `
listen: "127.0.0.1:0"
tls: {off: true}
sources:
  - {id: tower, kind: ais, address: "tcp://%s", expect: 3s}
  - id: doors
    kind: access
    address: doors.csv
    follow: true
    access:
      columns: {time: time, reader: reader, badge: badge, person: person, result: result, direction: direction, reason: reason}
feeds:
  - {id: vts, listen: "127.0.0.1:0"}
`, feed.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Port = examplePort
	return cfg, feed, doors
}

// sentenceAt is a position report of a cargo ship, without a time: live lines
// are dated by their arrival.
func sentenceAt(t *testing.T, lat, lon float64, second int8) []byte {
	t.Helper()
	m := ais.NewMessage(1, 219000123)
	m.Has |= ais.HasPosition
	m.Position.Lat, m.Position.Lon, m.Position.SOG, m.Position.COG, m.Position.Second = lat, lon, 10, 90, second
	b, err := ais.AppendSentences(nil, &m, ais.Envelope{Channel: 'A'})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func appendRow(t *testing.T, path, row string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(row); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLiveSystem is a watch on the running system: the first account, an
// impossible ship, a forced door, a source that falls silent, a shelf that runs
// out, an orderly end, and the same findings after the next start.
func TestLiveSystem(t *testing.T) {
	cfg, feed, doors := livePort(t)
	r := start(t, cfg)
	setUp(t, r)
	events := r.events()
	out := r.feed()

	ship := func(lat, lon float64) {
		if _, err := feed.Write(sentenceAt(t, lat, lon, int8(time.Now().UTC().Second()))); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-feed.connected:
	case <-time.After(10 * time.Second):
		t.Fatal("the AIS source does not connect")
	}
	ship(45.30, -12.05)
	eventually(t, "the ship is on the picture", 10*time.Second, func() bool {
		status, body := r.get("/api/v1/vessels/219000123")
		return status == http.StatusOK && strings.Contains(body, "219000123")
	})
	ship(46.80, -13.05) // 100 nautical miles away at once
	eventually(t, "an event of the impossible movement", 10*time.Second, func() bool { return events.has("vessel.impossible-movement") })
	got := r.findings("vessel.impossible-movement")
	if len(got) != 1 || got[0].Subject.ID != "mmsi:219000123" {
		t.Fatalf("impossible movement: %+v", got)
	}
	if line := out(); strings.Contains(line, ",t:") {
		t.Errorf("a sound position goes out as %q", line)
	}
	if line := out(); !strings.Contains(line, ",t:"+strings.ToUpper(got[0].Grade.String()[:1])+"/"+got[0].ID+"*") {
		t.Errorf("a position that %s doubts goes out as %q", got[0].ID, line)
	}
	if status, body := r.get("/api/v1/feeds"); status != http.StatusOK || !strings.Contains(body, `"sent":2,"marked":1`) {
		t.Errorf("feeds: %d %s", status, body)
	}

	appendRow(t, doors, time.Now().UTC().Format(time.RFC3339)+",rdr-q3-07,,,forced,,door contact without card\n")
	eventually(t, "an event of the forced door", 10*time.Second, func() bool { return events.has("physical.forced-door") })

	// Nothing more is sent: the tower is silent after the three seconds it declared.
	// (A slow start may have told it once already, so the standing condition counts.)
	silent := func() bool {
		got := r.findings("source.silent")
		return len(got) == 1 && got[0].Subject.ID == "tower" && got[0].Present
	}
	eventually(t, "the silent tower is told", 3*time.Second+10*time.Second, silent)
	eventually(t, "an event of the silent tower", 10*time.Second, func() bool { return events.has("source.silent") })
	ship(46.80, -13.05)
	eventually(t, "the tower is heard again", 10*time.Second, func() bool { return !silent() })

	door := r.findings("physical.forced-door")[0]
	shelf(t, r, door)
	faces(t, r)

	lockedOut(t, cfg)
	if err := r.stop(); err != nil {
		t.Fatalf("the end: %v", err)
	}
	if !events.closed(10 * time.Second) {
		t.Error("the open event stream did not end with the system")
	}
	again(t, cfg, door)
}

// setUp makes the first account with the one-time code, and refuses a wrong one.
func setUp(t *testing.T, r *running) {
	t.Helper()
	m := regexp.MustCompile(`one-time code:\n\s+(\S+)`).FindStringSubmatch(r.told.String())
	if m == nil {
		t.Fatalf("no one-time code in %q", r.told.String())
	}
	form := url.Values{"code": {"WRONG-CODE"}, "name": {"officer"}, "display": {"Officer of the watch"}, "password": {livePassword}, "repeat": {livePassword}, "cso": {"yes"}}
	if status, _ := r.post(r.client, "/setup", form); status != http.StatusForbidden {
		t.Errorf("a wrong code gives %d", status)
	}
	if status, _ := r.get("/api/v1/findings"); status != http.StatusUnauthorized {
		t.Errorf("findings without a login: %d", status)
	}
	form.Set("code", m[1])
	if status, to := r.post(r.client, "/setup", form); status != http.StatusSeeOther || to != "/" {
		t.Fatalf("set-up: %d to %q", status, to)
	}
	if status, to := r.post(r.browser(), "/setup", form); status != http.StatusSeeOther || to != "/login" {
		t.Errorf("a second set-up: %d to %q", status, to)
	}
	logIn(t, r)
}

func logIn(t *testing.T, r *running) {
	t.Helper()
	r.client = r.browser()
	if status, _ := r.post(r.client, "/login", url.Values{"name": {"officer"}, "password": {"not the password"}}); status != http.StatusUnauthorized {
		t.Errorf("a wrong password gives %d", status)
	}
	if status, to := r.post(r.client, "/login", url.Values{"name": {"officer"}, "password": {livePassword}}); status != http.StatusSeeOther || to != "/" {
		t.Fatalf("login: %d to %q", status, to)
	}
}

// feed connects to the AIS feed out and returns a function that reads its next line.
func (r *running) feed() func() string {
	r.t.Helper()
	c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(r.t.Context(), "tcp", r.s.feeds[0].Status().Address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	eventually(r.t, "the feed has its client", 10*time.Second, func() bool { return len(r.s.feeds[0].Status().Clients) == 1 })
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second)) // the read says so where it can't
	in := bufio.NewReader(c)
	return func() string {
		line, err := in.ReadString('\n')
		if err != nil {
			r.t.Errorf("feed: %v", err)
		}
		return line
	}
}

// shelf puts a finding on the shelf for two seconds and waits for it to come back.
func shelf(t *testing.T, r *running, f finding.Finding) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"action": "shelve", "until": time.Now().UTC().Add(2 * time.Second), "text": "the fitter is on the way"})
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.client.Post(r.address+"/api/v1/findings/"+f.ID+"/actions", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		t.Fatalf("shelve: %s %s", res.Status, b)
	}
	state := func() finding.State { return r.findings("physical.forced-door")[0].State }
	if got := state(); got != finding.Shelved {
		t.Errorf("after shelving the finding is %s", got)
	}
	eventually(t, "the shelf runs out", 20*time.Second, func() bool { return state() == finding.Active })
}

// faces asks what a supervisor of the machine asks.
func faces(t *testing.T, r *running) {
	t.Helper()
	if status, body := r.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d %s", status, body)
	}
	status, body := r.get("/metrics")
	if status != http.StatusOK {
		t.Fatalf("/metrics: %d %.200s", status, body)
	}
	for _, name := range []string{"quaywatch_stream_last", "quaywatch_telemetry_position", "quaywatch_watches_position", "go_goroutines"} {
		m := regexp.MustCompile(`(?m)^` + name + ` ([0-9.e+]+)$`).FindStringSubmatch(body)
		if m == nil || m[1] == "0" {
			t.Errorf("metric %s is %v", name, m)
		}
	}
}

// lockedOut: nobody else gets the data directory, and is told who has it.
func lockedOut(t *testing.T, cfg *config.Config) {
	t.Helper()
	s, err := Open(t.Context(), cfg, Options{Command: "serve"})
	var locked *datadir.LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() || !strings.HasPrefix(locked.Address, "http://127.0.0.1:") {
		t.Errorf("a second system on the same data: %v", err)
	}
	if s != nil {
		_ = s.Close()
	}
}

// again: the next start has the findings of before, counts nothing twice and
// knows the ship.
func again(t *testing.T, cfg *config.Config, door finding.Finding) {
	t.Helper()
	r := start(t, cfg)
	if strings.Contains(r.told.String(), "one-time code") {
		t.Error("a system with an account offers a set-up")
	}
	logIn(t, r)
	eventually(t, "the watches are warm", 30*time.Second, func() bool { status, _ := r.get("/healthz"); return status == http.StatusOK })
	got := r.findings("physical.forced-door")
	if len(got) != 1 || got[0].ID != door.ID || got[0].Count != door.Count || !got[0].First.Equal(door.First) {
		t.Errorf("after the restart: %+v, want one, counted %d times", got, door.Count)
	}
	if status, body := r.get("/api/v1/vessels/219000123"); status != http.StatusOK || !strings.Contains(body, "219000123") {
		t.Errorf("the ship is not known after the restart: %d %.200s", status, body)
	}
	if got := r.findings("vessel.impossible-movement"); len(got) != 1 {
		t.Errorf("%d impossible movements after the restart", len(got))
	}
	if err := r.stop(); err != nil {
		t.Errorf("the second end: %v", err)
	}
}

// eventLog is an open event stream.
type eventLog struct {
	mu    sync.Mutex
	lines []string
	done  chan struct{}
}

// events opens the stream of changes.
func (r *running) events() *eventLog {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.address+"/api/v1/events", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := (&http.Client{Jar: r.client.Jar}).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		r.t.Fatalf("events: %s", res.Status)
	}
	l := &eventLog{done: make(chan struct{})}
	hello := make(chan struct{})
	go func() {
		defer close(l.done)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			l.mu.Lock()
			l.lines = append(l.lines, lines.Text())
			first := lines.Text() == "event: hello"
			l.mu.Unlock()
			if first {
				close(hello)
			}
		}
	}()
	select {
	case <-hello:
	case <-time.After(10 * time.Second):
		r.t.Fatal("the event stream does not say hello")
	}
	return l
}

// has reports whether an event of a finding of that rule came.
func (l *eventLog) has(rule string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.HasPrefix(line, "data: ") && strings.Contains(line, `"rule":"`+rule+`"`) {
			return true
		}
	}
	return false
}

// closed waits for the end of the stream.
func (l *eventLog) closed(limit time.Duration) bool {
	select {
	case <-l.done:
		return true
	case <-time.After(limit):
		return false
	}
}

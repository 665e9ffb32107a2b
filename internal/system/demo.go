package system

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/quaywatch/quaywatch/examples"
	"github.com/quaywatch/quaywatch/internal/cargo"
	"github.com/quaywatch/quaywatch/internal/config"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/server"
	"github.com/quaywatch/quaywatch/internal/simulate"
)

// DemoOptions set up the demo. The zero value works.
type DemoOptions struct {
	Listen    string    // "" is 127.0.0.1:8642; loopback only
	Dir       string    // where everything is kept; "" is a directory that is deleted at the end
	Seed      uint64    // of the simulated port
	Speed     float64   // simulated seconds a second; 0 is 1
	Told      io.Writer // what a person at the terminal must know
	Log       *slog.Logger
	Version   string
	Listening func(address string) // told the address when the console is open
}

// Times of the demo. What happened before the start is told at once, so that the
// first screen has a past; the attack began a little while ago and goes on.
const (
	demoPast     = 75 * time.Minute // two hours took 7 to 12 s to read on two cores: the first screen must be there in ten
	demoCampaign = 12*time.Minute + 20*time.Second
	demoBytes    = 2 << 30 // of the capture file; the simulation ends there, the console stays
)

// Demo runs a simulated port live with the console open to a demo account. The
// simulation speaks the real wire formats into the real sources: AIS over a TCP
// connection, a capture file that grows, an access-control file that grows. All
// of it stays on loopback and in o.Dir.
func Demo(ctx context.Context, o DemoOptions) (err error) {
	if o.Listen == "" {
		o.Listen = config.DefaultListen
	}
	if o.Told == nil {
		o.Told = io.Discard
	}
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "quaywatch-demo-"); err != nil {
			return fmt.Errorf("making a place for the demo: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	if err := claimDemo(o.Dir); err != nil {
		return err
	}
	feeds := filepath.Join(o.Dir, "feeds")
	if err := os.RemoveAll(feeds); err != nil {
		return fmt.Errorf("clearing the feeds of an earlier demo: %w", err)
	}
	if err := os.MkdirAll(feeds, 0o700); err != nil {
		return fmt.Errorf("making a place for the demo: %w", err)
	}
	if err := writeExample(filepath.Join(o.Dir, "port")); err != nil {
		return err
	}
	ais, err := listenAIS(ctx)
	if err != nil {
		return err
	}
	defer ais.Close()
	radar, err := listenAIS(ctx)
	if err != nil {
		return err
	}
	defer radar.Close()
	cfg, err := demoConfig(o, ais.Addr().String(), radar.Addr().String())
	if err != nil {
		return err
	}
	s, err := Open(ctx, cfg, Options{Log: o.Log, Version: o.Version, Command: "demo"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	login, err := s.demoAccount(ctx)
	if err != nil {
		return err
	}
	return s.Run(ctx, RunOptions{Told: o.Told, Exercise: "demo", Wrap: login, Listening: o.Listening,
		Sources: func(ctx context.Context) error { return s.simulated(ctx, o, ais, radar, feeds) }})
}

// demoMark is the file by which a directory of the demo is known.
const demoMark = ".quaywatch-demo"

// claimDemo marks dir as one of the demo. A directory that holds anything and
// has no mark is refused: the demo deletes folders in its directory and opens
// the console without a login, neither of which may ever happen to real data.
func claimDemo(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making a place for the demo: %w", err)
	}
	mark := filepath.Join(dir, demoMark)
	if _, err := os.Lstat(mark); err == nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking at the place for the demo: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s holds files that are not of a demo, and the demo would delete some of them: name an empty or a new directory", dir)
	}
	if err := os.WriteFile(mark, []byte("The demo owns this directory: it deletes what is in it.\n"), 0o600); err != nil {
		return fmt.Errorf("marking the place of the demo: %w", err)
	}
	return nil
}

// writeExample writes the example port into dir.
func writeExample(dir string) error {
	sub, err := fs.Sub(examples.Saltmere, "saltmere")
	if err != nil {
		return fmt.Errorf("writing the example port: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("writing the example port: %w", err)
	}
	if err := os.CopyFS(dir, sub); err != nil {
		return fmt.Errorf("writing the example port: %w", err)
	}
	return nil
}

func demoConfig(o DemoOptions, ais, radar string) (*config.Config, error) {
	text := fmt.Sprintf(`
port: port/port.yaml
listen: %q
tls: {off: true}
sources:
  - {id: ais-tower, kind: ais, address: "tcp://%s", expect: 30s}
  - {id: radar-north-head, kind: contacts, sensor: north-head-radar, address: "tcp://%s", expect: 30s}
  - {id: sensor-core, kind: pcap, address: feeds/network.pcap, follow: true, expect: 30s}
  - {id: own-notices, kind: advisories, address: port/advisories, every: 6h}
  - id: badges
    kind: access
    address: feeds/access.csv
    follow: true
    expect: 20m
    access:
      columns: {time: time, reader: reader, badge: badge, person: person, result: result, direction: direction, reason: reason}
paper: {snapshots: feeds/snapshots}
`, o.Listen, ais, radar)
	return config.Parse(filepath.Join(o.Dir, "quaywatch.yaml"), []byte(text))
}

// simulated runs the port: the past at once, then by the clock.
func (s *System) simulated(ctx context.Context, o DemoOptions, ais, radar *aisFeed, feeds string) error {
	go ais.accept()
	go radar.accept()
	capture, err := os.OpenFile(filepath.Join(feeds, "network.pcap"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer capture.Close()
	access, err := os.OpenFile(filepath.Join(feeds, "access.csv"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer access.Close()
	truth, err := os.OpenFile(filepath.Join(feeds, "truth.ndjson"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer truth.Close()
	if _, err := cargo.Write(filepath.Join(feeds, "snapshots"), simulate.Yard(o.Seed, time.Now().Add(-15*time.Minute))); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	for _, f := range []*aisFeed{ais, radar} {
		select {
		case <-f.connected:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	now := time.Now().UTC()
	sim, err := simulate.New(s.port.Load(), simulate.Options{Seed: o.Seed, Start: now.Add(-demoPast), Campaign: true, CampaignAt: now.Add(-demoCampaign)})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	err = simulate.Run(ctx, sim, simulate.Pace{Live: now, Speed: o.Speed},
		simulate.Sinks{AIS: ais, Pcap: &bounded{w: capture, left: demoBytes}, Access: access, Truth: truth, Radar: radar})
	if errors.Is(err, errDemoFull) {
		s.log.Warn("the capture of the demo has reached its bound: the simulated port stops, the console stays")
		return nil
	}
	return err
}

var errDemoFull = errors.New("the demo has written as much as it may")

// bounded is a writer with an end.
type bounded struct {
	w    io.Writer
	left int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errDemoFull
	}
	return b.w.Write(p)
}

// aisFeed is the shore station of the demo, and its radar: a TCP server that sends every
// sentence to whoever is connected and drops what nobody hears.
type aisFeed struct {
	net.Listener
	connected chan struct{} // closed at the first connection
	once      sync.Once

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func listenAIS(ctx context.Context) (*aisFeed, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the AIS feed of the demo: %w", err)
	}
	return &aisFeed{Listener: l, connected: make(chan struct{}), conns: map[net.Conn]bool{}}, nil
}

func (f *aisFeed) accept() {
	for {
		c, err := f.Accept()
		if err != nil {
			return // closed at the end of the demo
		}
		f.mu.Lock()
		f.conns[c] = true
		f.mu.Unlock()
		f.once.Do(func() { close(f.connected) })
	}
}

// Write implements io.Writer. A connection that does not read for five seconds is dropped.
func (f *aisFeed) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		err := c.SetWriteDeadline(time.Now().Add(5 * time.Second))
		if err == nil {
			_, err = c.Write(p)
		}
		if err != nil {
			_ = c.Close() // it is broken already
			delete(f.conns, c)
		}
	}
	return len(p), nil
}

// Close ends the feed and its connections.
func (f *aisFeed) Close() error {
	err := f.Listener.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		err = errors.Join(err, c.Close())
	}
	return err
}

// demoName is the account of the demo.
const demoName = "demo"

// demoAccount makes the account with a password that nobody is told, and returns
// what logs a browser in with it. Only the demo does this: its data is invented,
// and it listens on loopback only.
func (s *System) demoAccount(ctx context.Context) (func(http.Handler) http.Handler, error) {
	secret := make([]byte, 24)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("making the demo account: %w", err)
	}
	password := base64.RawURLEncoding.EncodeToString(secret)
	_, err := s.identity.CreateAccount(ctx, "demo", identity.NewAccount{Name: demoName, Display: "Demo officer",
		Roles: []identity.Role{identity.CSO, identity.Administrator}, Password: password})
	if errors.Is(err, identity.ErrExists) {
		_, err = s.identity.SetPassword(ctx, "demo", demoName, password)
	}
	if err != nil {
		return nil, fmt.Errorf("making the demo account: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !thisMachine(r.Host) {
				http.Error(w, "The demo answers to 127.0.0.1, [::1] and localhost only.", http.StatusMisdirectedRequest)
				return
			}
			demoLogin(w, r, next, password)
		})
	}, nil
}

// thisMachine reports whether a Host header names loopback. A page of another
// site can let its own name resolve to 127.0.0.1 (DNS rebinding) and would be
// logged in like the person at the screen.
func thisMachine(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// demoLogin logs in a browser that comes to the login page (or to a page
// without a session) by posting the form in its place.
func demoLogin(w http.ResponseWriter, r *http.Request, next http.Handler, password string) {
	_, err := r.Cookie("quaywatch")
	page := r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html")
	if !page || err == nil && r.URL.Path != server.PathLogin || r.URL.Query().Get("out") != "" {
		next.ServeHTTP(w, r)
		return
	}
	to := r.URL.RequestURI()
	if r.URL.Path == server.PathLogin {
		to = "/"
	}
	form := url.Values{"name": {demoName}, "password": {password}, "next": {to}}
	post, err := http.NewRequestWithContext(r.Context(), http.MethodPost, server.PathLogin, strings.NewReader(form.Encode()))
	if err != nil {
		http.Error(w, "the demo could not log in", http.StatusInternalServerError)
		return
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Host, post.RemoteAddr = r.Host, r.RemoteAddr
	answer := httptest.NewRecorder()
	next.ServeHTTP(answer, post)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the browser has gone away
}

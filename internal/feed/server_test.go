package feed

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
)

// serve runs a feed on loopback; the function ends it and waits.
func serve(t *testing.T, o Options) (f *Feed, address string, stop func() error) {
	t.Helper()
	o.ID, o.Now = "vts", func() time.Time { return noon }
	f = New(o, NewDoubts())
	ctx, cancel := context.WithCancel(t.Context())
	l, err := f.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx, l) }()
	return f, l.Addr().String(), func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(10 * time.Second):
			return errors.New("the feed does not end")
		}
	}
}

func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	return c
}

// until asks until the feed stands so.
func until(t *testing.T, f *Feed, what string, yes func(Status) bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(10 * time.Second); !yes(f.Status()); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("not within 10 s: %s; %+v", what, f.Status())
		}
	}
}

func TestClientsOverTCP(t *testing.T) {
	f, address, stop := serve(t, Options{})
	one, two := connect(t, address), connect(t, address)
	until(t, f, "two clients", func(s Status) bool { return len(s.Clients) == 2 && s.Address == address })
	f.Observe(&event.Batch{Vessels: []event.VesselReport{reportOf(t, plain, noon)}})
	for _, c := range []net.Conn{one, two} {
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.HasSuffix(line, plain+"\r\n") {
			t.Errorf("%q %v", line, err)
		}
	}
	_ = one.Close()
	until(t, f, "one client left", func(s Status) bool {
		f.server.tell([]byte("!\r\n"), &f.counts) // a connection that is gone is noticed in writing
		return len(s.Clients) == 1
	})
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := len(f.Status().Clients); n != 0 {
		t.Errorf("%d clients are left", n)
	}
}

// TestSlowClientsAreCutOff: a client that does not read makes nobody wait, and
// is cut off at the bound.
func TestSlowClientsAreCutOff(t *testing.T) {
	f, address, stop := serve(t, Options{})
	slow := connect(t, address)
	_ = slow.(*net.TCPConn).SetReadBuffer(4096)
	until(t, f, "a client", func(s Status) bool { return len(s.Clients) == 1 })
	piece := make([]byte, 256<<10)
	for range 200 { // 50 MiB: more than the bound and what the system keeps
		f.mu.Lock()
		f.server.tell(piece, &f.counts)
		f.mu.Unlock()
	}
	until(t, f, "it is cut off", func(s Status) bool { return len(s.Clients) == 0 && s.Slow == 1 })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWhoMayConnect(t *testing.T) {
	for _, tc := range []struct {
		networks string
		from     string
		want     bool
	}{
		{"", "127.0.0.1", true}, {"", "::1", true}, {"", "10.20.4.7", false}, // without a list: this machine
		{"10.20.0.0/16", "10.20.4.7", true}, {"10.20.0.0/16", "10.21.4.7", false}, {"10.20.0.0/16", "127.0.0.1", false},
		{"fe80::/10", "fe80::1%eth0", true}, {"0.0.0.0/0", "::1", false},
	} {
		s := &server{}
		if tc.networks != "" {
			s.allowed = []netip.Prefix{netip.MustParsePrefix(tc.networks)}
		}
		if got := s.may(netip.MustParseAddr(tc.from)); got != tc.want {
			t.Errorf("%q from %s: %t", tc.networks, tc.from, got)
		}
	}
	f, address, stop := serve(t, Options{Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	c := connect(t, address)
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a stranger is told something")
	}
	until(t, f, "refused", func(s Status) bool { return s.Refused == 1 })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestClientsAreBounded(t *testing.T) {
	f, address, stop := serve(t, Options{})
	for range maxClients + 1 {
		connect(t, address)
	}
	until(t, f, "one too many is refused", func(s Status) bool { return len(s.Clients) == maxClients && s.Refused == 1 })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

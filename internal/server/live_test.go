package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
)

// live serves the fixture on loopback over TLS and returns its address, a
// client that trusts it, and a function that ends it and waits.
func (f *fixture) live() (string, *http.Client, func() error) {
	f.t.Helper()
	config, _, err := TLSOwn(f.t.TempDir(), nil, time.Now())
	if err != nil {
		f.t.Fatal(err)
	}
	l, err := Listen(f.t.Context(), "127.0.0.1:0", config)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.server.Serve(ctx, l) }()
	pool := x509.NewCertPool()
	pool.AddCert(config.Certificates[0].Leaf)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	f.t.Cleanup(transport.CloseIdleConnections)
	stop := func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(15 * time.Second):
			return errors.New("the server does not end")
		}
	}
	return "https://" + l.Addr().String(), &http.Client{Transport: transport, Timeout: 30 * time.Second}, stop
}

// stream opens the events and returns a function that reads the next event.
func (f *fixture) stream(client *http.Client, address string, role identity.Role, header ...string) (next func() (name, data string)) {
	f.t.Helper()
	return f.streamOf(client, address+"/api/v1/events", role, header...)
}

// streamOf is stream of any address.
func (f *fixture) streamOf(client *http.Client, address string, role identity.Role, header ...string) (next func() (name, data string)) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+f.tokens[role])
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		f.t.Fatalf("stream: %s %v", res.Status, res.Header)
	}
	lines := bufio.NewScanner(res.Body)
	return func() (name, data string) {
		for lines.Scan() {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "event: "):
				name = line[len("event: "):]
			case strings.HasPrefix(line, "data: "):
				data = line[len("data: "):]
			case line == "" && name != "":
				return name, data
			}
		}
		return "", ""
	}
}

func TestEventStream(t *testing.T) {
	f := newFixture(t).accounts()
	address, client, stop := f.live()
	all := f.stream(client, address, identity.CSO)
	sea := f.stream(client, address, identity.VTSOperator, "Last-Event-ID", "anything at all")
	if name, _ := all(); name != "hello" {
		t.Fatalf("first event %q", name)
	}
	if name, _ := sea(); name != "hello" {
		t.Fatalf("first event %q", name)
	}
	if name, _ := sea(); name != "resync" {
		t.Fatalf("a client that comes back gets %q", name)
	}
	hidden, shown := f.desk.findings[1], f.desk.findings[0]
	shown.Title = "Two\nlines\r\nand: a colon"
	f.desk.tell(finding.Event{Change: finding.Raised, Finding: hidden, Time: noon})
	f.desk.tell(finding.Event{Change: finding.Raised, Finding: shown, Time: noon})
	if name, data := all(); name != "finding" || !strings.Contains(data, `"F-1"`) {
		t.Errorf("got %s %s", name, data)
	}
	if name, data := sea(); name != "finding" || !strings.Contains(data, `"F-0"`) || !strings.Contains(data, `Two\nlines`) {
		t.Errorf("got %s %s", name, data)
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	all()
	if name, data := all(); name != "bye" || !strings.Contains(data, "goes down") {
		t.Errorf("at the end: %s %s", name, data)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	f.desk.mu.Lock()
	defer f.desk.mu.Unlock()
	if len(f.desk.listeners) != 0 || f.server.events.open != 0 {
		t.Errorf("%d listeners and %d streams are left", len(f.desk.listeners), f.server.events.open)
	}
}

func TestEventStreamsAreBounded(t *testing.T) {
	hub := &eventsHub{byAccount: map[string]int{}}
	for range maxAccountStreams {
		if !hub.enter("jane") {
			t.Fatal("refused below the bound")
		}
	}
	if hub.enter("jane") {
		t.Error("one account opens more than its share")
	}
	if !hub.enter("john") {
		t.Error("another account is refused")
	}
	hub.leave("jane")
	if !hub.enter("jane") {
		t.Error("a place that became free is not given")
	}
	f := newFixture(t).accounts()
	f.server.events.open = maxStreams
	problemOf(t, f.api(identity.CSO, http.MethodGet, "/api/v1/events", ""), http.StatusServiceUnavailable)
	problemOf(t, f.api(identity.Board, http.MethodGet, "/api/v1/events", ""), http.StatusForbidden)
}

func TestListenRefusesPlainHTTPBeyondLoopback(t *testing.T) {
	for _, address := range []string{":8642", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "port.example:0"} {
		if l, err := Listen(t.Context(), address, nil); !errors.Is(err, ErrPlainHTTP) {
			t.Errorf("%s: %v", address, err)
			if l != nil {
				_ = l.Close()
			}
		}
	}
	l, err := Listen(t.Context(), "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if _, err := Listen(t.Context(), "nonsense", nil); err == nil {
		t.Error("nonsense is an address")
	}
}

func TestOwnCertificate(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	config, print1, err := TLSOwn(dir, []string{"port.example", "192.0.2.10"}, now)
	if err != nil {
		t.Fatal(err)
	}
	leaf := config.Certificates[0].Leaf
	for _, host := range []string{"port.example", "192.0.2.10", "localhost", "127.0.0.1", "::1"} {
		if err := leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if leaf.PublicKeyAlgorithm != x509.ECDSA || leaf.IsCA || len(print1) != 95 {
		t.Errorf("key %s, authority %t, fingerprint %s", leaf.PublicKeyAlgorithm, leaf.IsCA, print1)
	}
	info, err := os.Stat(filepath.Join(dir, ownKey))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file %v, %v", info.Mode(), err)
	}
	again := func(hosts []string, at time.Time) string {
		t.Helper()
		_, print, err := TLSOwn(dir, hosts, at)
		if err != nil {
			t.Fatal(err)
		}
		return print
	}
	if again([]string{"port.example"}, now.Add(300*24*time.Hour)) != print1 {
		t.Error("a good certificate is not kept")
	}
	print2 := again([]string{"other.example"}, now)
	if print2 == print1 {
		t.Error("a certificate without the name is kept")
	}
	if again([]string{"other.example"}, now.Add(ownLife-24*time.Hour)) == print2 {
		t.Error("a certificate that is about to expire is kept")
	}
	if err := os.WriteFile(filepath.Join(dir, ownKey), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := TLSOwn(dir, nil, now); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a damaged key: %v", err)
	}
}

func TestTLSVersions(t *testing.T) {
	f := newFixture(t).accounts()
	address, _, stop := f.live()
	host := strings.TrimPrefix(address, "https://")
	dial := func(most uint16) error {
		d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second}, Config: &tls.Config{
			InsecureSkipVerify: true, // the test asks for versions, not for trust
			MinVersion:         tls.VersionTLS10, MaxVersion: most,
		}}
		c, err := d.DialContext(t.Context(), "tcp", host)
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	if dial(tls.VersionTLS11) == nil {
		t.Error("TLS 1.1 is spoken")
	}
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if err := dial(v); err != nil {
			t.Errorf("%s: %v", tls.VersionName(v), err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Package ais is the AIS feed: a file, standard input, a TCP server or UDP
// datagrams with NMEA sentences in, vessel reports out. It exists to give every
// report the way back to its bytes, and to tell what was not readable and how
// far the station's clock is off. The composition root makes a [Source] of it;
// it imports event, source and the library ais only.
package ais

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/source"
)

// Config declares one feed.
type Config struct {
	ID      string        // of the source
	Address string        // file path, "-" (standard input), "tcp://host:port" (connects), "udp://host:port" (listens)
	Zone    string        // IANA time zone of a date and time written before sentences; "" is UTC
	Expect  time.Duration // longest normal silence; 0: none declared

	Contacts *Contacts // lines are contacts of a radar or a camera, not AIS; nil: AIS

	Stdin     io.Reader         // what "-" reads; nil is os.Stdin
	Opened    io.ReadCloser     // the address, opened already (Open), for commands that read it once; nil: Run opens it
	Bookmarks source.Bookmarks  // where a file goes on after a restart; nil: from the start
	Clock     func() time.Time  // arrival time; nil is the system clock
	Progress  func(bytes int64) // told now and then how much of a file has been read; nil: nobody asks
}

// Source is one AIS feed. It implements source.Source.
type Source struct {
	c      Config
	scheme string // "file", "stdin", "tcp", "udp"
	host   string
	zone   *time.Location
	bound  func(net.Addr) // told where the UDP listener is; for tests
}

var _ source.Source = (*Source)(nil)

// New checks the configuration. It opens nothing.
func New(c Config) (*Source, error) {
	if c.ID == "" {
		return nil, errors.New("AIS source: no id")
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, fmt.Errorf("AIS source %s: zone %q: %w: use an IANA name such as Europe/Paris", c.ID, c.Zone, err)
	}
	s := &Source{c: c, zone: zone}
	if s.c.Stdin == nil {
		s.c.Stdin = os.Stdin
	}
	if s.scheme, s.host, err = address(c.Address); err != nil {
		return nil, fmt.Errorf("AIS source %s: %w", c.ID, err)
	}
	return s, nil
}

// address tells the kind of an address and, for the network, its host and port.
func address(a string) (scheme, host string, err error) {
	switch a {
	case "":
		return "", "", errors.New(`no address: name a file, "-", tcp://host:port or udp://host:port`)
	case "-":
		return "stdin", "", nil
	}
	if !strings.Contains(a, "://") {
		return "file", "", nil
	}
	u, err := url.Parse(a)
	if err != nil {
		return "", "", fmt.Errorf("address %q: %w", a, err)
	}
	if u.Scheme != "tcp" && u.Scheme != "udp" {
		return "", "", fmt.Errorf("address %q: scheme %q is not known: use tcp or udp", a, u.Scheme)
	}
	if _, _, err := net.SplitHostPort(u.Host); err != nil {
		return "", "", fmt.Errorf("address %q: %w", a, err)
	}
	return u.Scheme, u.Host, nil
}

// ID is the id of the source.
func (s *Source) ID() string { return s.c.ID }

func (s *Source) live() bool { return s.scheme == "tcp" || s.scheme == "udp" }

// Run reads until the input ends (a file, standard input) or ctx is done.
func (s *Source) Run(ctx context.Context, sink source.Sink) error {
	o := source.FeedOptions{Clock: s.c.Clock, Expect: s.c.Expect}
	switch s.scheme {
	case "file":
		o.Bookmarks, o.Repeatable = s.c.Bookmarks, true
	default:
		o.FlushEvery = 250 * time.Millisecond
	}
	feed := source.NewFeed(s.c.ID, sink, o)
	if err := feed.Start(ctx); err != nil {
		return feed.End(ctx, err)
	}
	return feed.End(ctx, s.read(ctx, feed))
}

func (s *Source) read(ctx context.Context, feed *source.Feed) error {
	if s.c.Opened != nil {
		feed.Connected()
		return s.intake(feed, s.c.Address).runConn(ctx, s.c.Opened)
	}
	switch s.scheme {
	case "file":
		return s.readFile(ctx, feed)
	case "stdin":
		feed.Connected()
		return s.intake(feed, "stdin").run(ctx, s.c.Stdin)
	case "tcp":
		return s.dial(ctx, feed)
	default:
		return s.listen(ctx, feed)
	}
}

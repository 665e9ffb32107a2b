package feed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"
)

// Bounds of the clients of one feed.
const (
	maxClients = 32
	maxWaiting = 2 << 20 // bytes that wait for one client; one that is further behind is cut off
	writeWait  = 10 * time.Second
)

// server tells every client the same bytes.
type server struct {
	allowed []netip.Prefix
	feed    *Feed

	mu      sync.Mutex
	address string
	clients []*client
}

// client is one connection and what waits for it.
type client struct {
	conn    net.Conn
	name    string
	mu      sync.Mutex
	waiting [][]byte
	bytes   int
	wake    chan struct{} // of one place: there is something to do
	cut     bool
}

// Listen opens the address. It is apart from Serve so that an address that is
// taken ends the start of the program and not the night.
func (f *Feed) Listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("feed %s: %w", f.o.ID, err)
	}
	f.server.mu.Lock()
	defer f.server.mu.Unlock()
	f.server.address = l.Addr().String()
	return l, nil
}

// Serve takes clients until the context ends, and returns when all are gone.
func (f *Feed) Serve(ctx context.Context, l net.Listener) error {
	var all sync.WaitGroup
	defer all.Wait()
	stop := context.AfterFunc(ctx, func() { _ = l.Close(); f.server.cutAll() }) // to end what waits
	defer stop()
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("feed %s: %w", f.o.ID, err)
		case err != nil: // out of descriptors, or a client that went at once
			if !sleep(ctx, 100*time.Millisecond) {
				return ctx.Err()
			}
			continue
		}
		c := f.server.enter(conn)
		if c == nil {
			f.count(func(n *Counts) { n.Refused++ })
			_ = conn.Close()
			continue
		}
		if ctx.Err() != nil { // it came in while all were cut off
			f.server.leave(c)
			return ctx.Err()
		}
		all.Go(func() { f.server.write(c) })
	}
}

// sleep waits, and reports false where the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// enter takes a client in, or nil where it may not.
func (s *server) enter(conn net.Conn) *client {
	from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil || !s.may(from.Addr().Unmap()) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) >= maxClients {
		return nil
	}
	c := &client{conn: conn, name: from.String(), wake: make(chan struct{}, 1)}
	s.clients = append(s.clients, c)
	return c
}

// may reports whether an address may connect.
func (s *server) may(a netip.Addr) bool {
	if len(s.allowed) == 0 {
		return a.IsLoopback()
	}
	return slices.ContainsFunc(s.allowed, func(p netip.Prefix) bool { return p.Contains(a.WithZone("")) })
}

func (s *server) leave(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = c.conn.Close() // nothing more is to be said
	s.clients = slices.DeleteFunc(s.clients, func(o *client) bool { return o == c })
}

func (s *server) cutAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		c.end()
	}
}

// tell gives a copy of the bytes to the clients, one for all. It waits for none:
// who is too far behind is cut off.
func (s *server) tell(b []byte, counts *Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) > 0 {
		b = slices.Clone(b)
	}
	for _, c := range s.clients {
		if !c.put(b) {
			counts.Slow++
		}
	}
}

// state is where it listens and who listens to it.
func (s *server) state() (address string, clients []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clients = []string{}
	for _, c := range s.clients {
		clients = append(clients, c.name)
	}
	return s.address, clients
}

// put adds bytes; false where that cuts the client off.
func (c *client) put(b []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return true // counted before
	}
	if c.bytes+len(b) > maxWaiting {
		c.over()
		return false
	}
	c.waiting, c.bytes = append(c.waiting, b), c.bytes+len(b)
	c.signal()
	return true
}

// end cuts a client off.
func (c *client) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over()
}

func (c *client) over() {
	c.cut, c.waiting = true, nil
	_ = c.conn.Close() // ends a write that waits
	c.signal()
}

func (c *client) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// take gives what waits, and false where the client was cut off.
func (c *client) take() (net.Buffers, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := net.Buffers(c.waiting)
	c.waiting = nil
	return b, !c.cut
}

// wrote frees the place of what was written.
func (c *client) wrote(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes -= n
}

// write tells a client what waits for it until it goes or is cut off. What it
// sends is never read.
func (s *server) write(c *client) {
	defer s.leave(c)
	for range c.wake {
		b, ok := c.take()
		if !ok {
			return
		}
		n := 0
		for _, part := range b {
			n += len(part)
		}
		_ = c.conn.SetWriteDeadline(time.Now().Add(writeWait)) // a connection that can't is closed, and the write says so
		if _, err := b.WriteTo(c.conn); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				s.feed.count(func(n *Counts) { n.Slow++ })
			}
			return
		}
		c.wrote(n)
	}
}
